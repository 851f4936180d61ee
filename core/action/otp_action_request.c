#include <string.h>

#include "core/action/otp_action_private.h"
#include "core/decide/otp_resync.h"

/* Requests for the activation of a key: made by the person, rejected by an agent.  (Approved: otp_action_assign.c.) */

static otp_span_t serial_of(const otp_action_t *action)
{
    return otp_span_of(action->serial);
}


static otp_span_t uid_of(const otp_action_t *action)
{
    return otp_span_of(action->uid);
}


static bool wanted_by_them(const otp_action_t *action)
{
    return otp_span_equal(otp_span_of(action->stock.wanted), uid_of(action));
}


/* The same form, sent twice: the other one was faster. */
static bool wanted_since(const otp_action_t *action)
{
    return wanted_by_them(action) && action->stock.wanted_at != action->wanted_at;
}


/* The key shows the code of `step` now. */
static otp_managed_t want(otp_action_t *action, int64_t step)
{
    otp_doubt_t   doubt = { .floor_s = action->context.floor_s };
    otp_stock_t   stock = action->stock;
    otp_managed_t managed = otp_manage_stock_want(&stock, uid_of(action), step, action->now_s);
    int64_t       wait = otp_key_doubt_wait(&action->stock.key, action->context.limits, &doubt, step, action->now_s);

    if (!otp_managed_refused(managed) && wait != 0) {
        action->view.result.wait_s = wait;
        return OTP_MANAGE_WAIT;
    }
    action->stock = stock;
    return managed;
}


static otp_managed_t rule_want(otp_action_t *action)
{
    int64_t step;

    if (wanted_since(action)) {
        return OTP_MANAGE_REQUESTED;
    }
    switch (otp_key_shows(action->context.ring, &action->stock.key, action->order.code, action->now_s,
                          action->context.limits, &step))
    {
    case OTP_OK:
        return want(action, step);
    case OTP_INVALID:
    case OTP_NO_ROOM:
        return OTP_MANAGE_MISFIT;
    case OTP_FAILED:
        break;
    }
    return OTP_MANAGE_UNAVAILABLE;
}


static otp_managed_t rule_request(otp_action_t *action)
{
    return otp_manage_account_request(&action->account, serial_of(action), otp_span_of(action->dangling),
                                      action->now_s);
}


static otp_managed_t rule_withdraw(otp_action_t *action)
{
    return otp_manage_account_withdraw(&action->account, serial_of(action));
}


static otp_action_effect_t withdrawn(otp_action_t *action)
{
    action->changed = false;
    return otp_action_finish(action, action->refusal);
}


static otp_action_effect_t wanted(otp_action_t *action)
{
    action->refusal = action->managed;
    if (action->managed == OTP_MANAGE_UNAVAILABLE) {
        return otp_action_finished(action);
    }
    if (otp_managed_refused(action->managed) && wanted_since(action)) {
        return action->order.automatic ? otp_action_approve_now(action)
                                       : otp_action_finish(action, OTP_MANAGE_REQUESTED);
    }
    if (otp_managed_refused(action->managed)) {
        /* Somebody else was faster between looking and writing. */
        return otp_action_change_account(action, rule_withdraw, OTP_ACTION_PART, OTP_MAIL_NONE, withdrawn);
    }
    return action->order.automatic ? otp_action_approve_now(action) : otp_action_finished(action);
}


static otp_action_effect_t asked(otp_action_t *action)
{
    if (otp_managed_refused(action->managed)) {
        return otp_action_finished(action);
    }
    return otp_action_change_stock(action, rule_want, OTP_ACTION_OK,
                                   action->order.automatic ? OTP_MAIL_NONE : OTP_MAIL_REQUEST_RECEIVED, wanted);
}


/* The rules on values first, so that a refusal leaves nothing behind. */
static otp_action_effect_t rehearse(otp_action_t *action)
{
    otp_stock_t   stock = action->stock;
    otp_account_t account = action->account;
    otp_managed_t managed;

    action->wanted_at = stock.wanted_at;
    managed = rule_request(action);
    action->account = account;
    if (!otp_managed_refused(managed)) {
        managed = rule_want(action);
        action->stock = stock;
    }
    if (otp_managed_refused(managed)) {
        return otp_action_finish(action, managed);
    }
    return otp_action_change_account(action, rule_request, OTP_ACTION_PART, OTP_MAIL_NONE, asked);
}


/* The account waits for another key: unless that one's record says so too, the request was cut off. */
static otp_action_effect_t former_looked(otp_action_t *action)
{
    bool real = action->stock_found && wanted_by_them(action);

    if (real) {
        return otp_action_finish(action, OTP_MANAGE_REQUESTED);
    }
    memcpy(action->dangling, action->serial, sizeof(action->dangling));
    memset(action->serial, 0, sizeof(action->serial));
    memcpy(action->serial, action->order.serial.data, action->order.serial.len);
    return otp_action_request(action);
}


static otp_action_effect_t account_looked(otp_action_t *action)
{
    const otp_activation_request_t *request = &action->account.request;
    bool                            waiting = request->state == OTP_ACTIVATION_WAITING;
    bool                            same = otp_span_equal(otp_span_of(request->serial), serial_of(action));

    if (waiting && !same && action->dangling[0] == '\0') {
        memcpy(action->serial, request->serial, sizeof(action->serial));
        return otp_action_look_stock(action, former_looked);
    }
    if (!action->stock_found) {
        return otp_action_finish(action, OTP_MANAGE_NO_STOCK);
    }
    if (wanted_by_them(action) && action->order.automatic
        && ((waiting && same) || otp_manage_account_holds(&action->account, &action->stock)))
    {
        /* The code was shown when it was asked for: an approval that was cut off goes on. */
        return otp_action_approve_now(action);
    }
    if (wanted_by_them(action) && waiting && same) {
        return otp_action_finish(action, OTP_MANAGE_REQUESTED);
    }
    return rehearse(action);
}


static otp_action_effect_t stock_looked(otp_action_t *action)
{
    return otp_action_look_account(action, account_looked);
}


otp_action_effect_t otp_action_request(otp_action_t *action)
{
    return otp_action_look_stock(action, stock_looked);
}


static otp_managed_t rule_reject(otp_action_t *action)
{
    return otp_manage_account_reject(&action->account, serial_of(action), action->order.reason, action->now_s);
}


/* Of a key that is assigned to them it is looked first whether they have a copy. */
static otp_managed_t rule_unwant(otp_action_t *action)
{
    if (!action->copied && otp_span_equal(otp_span_of(action->stock.uid), uid_of(action))) {
        return OTP_MANAGE_ASSIGNED;
    }
    return otp_manage_stock_unwant(&action->stock, uid_of(action), action->wanted_at);
}


static otp_managed_t rule_forgo(otp_action_t *action)
{
    return otp_manage_account_forgo(&action->account, serial_of(action), otp_span_of(action->holding));
}


/* Whose approval it was may have taken it back. */
static otp_managed_t rule_release(otp_action_t *action)
{
    if (action->stock.uid[0] == '\0') {
        return otp_manage_stock_unwant(&action->stock, uid_of(action), action->wanted_at);
    }
    return otp_manage_stock_release(&action->stock, uid_of(action), otp_span_of(action->holding));
}


static otp_action_effect_t unwanted(otp_action_t *action);


static otp_action_effect_t unwant(otp_action_t *action)
{
    return otp_action_change_stock(action, rule_unwant,
                                   action->unasked && !action->copied ? OTP_ACTION_OK : OTP_ACTION_PART,
                                   OTP_MAIL_NONE, unwanted);
}


/* HELD: it was assigned otherwise meanwhile. */
static otp_action_effect_t released(otp_action_t *action)
{
    if (action->managed == OTP_MANAGE_HELD) {
        return otp_action_again(action, unwant);
    }
    return otp_action_finished(action);
}


/* An approval that was cut off, or that has seen that the request is rejected, leaves what the stock says: the mark of
 * a copy that has gone does not come back. */
static otp_action_effect_t forgone(otp_action_t *action)
{
    const otp_key_t *copy = otp_account_key(&action->account, serial_of(action));

    action->copied = copy && strcmp(copy->holding, action->holding) == 0;
    if (action->copied) {
        return unwant(action);
    }
    return otp_action_change_stock(action, rule_release, action->unasked ? OTP_ACTION_OK : OTP_ACTION_PART,
                                   OTP_MAIL_NONE, released);
}


static otp_action_effect_t unwanted(otp_action_t *action)
{
    if (action->managed == OTP_MANAGE_ASSIGNED) {
        memcpy(action->holding, action->stock.key.holding, sizeof(action->holding));
        return otp_action_change_account(action, rule_forgo, OTP_ACTION_PART, OTP_MAIL_NONE, forgone);
    }
    /* It was approved before this; with no copy, what the stock said of it was left over, and goes. */
    return otp_action_finish(action, !otp_managed_refused(action->managed) && action->unasked && action->copied
                             ? OTP_MANAGE_NO_REQUEST : action->managed);
}


static otp_action_effect_t rejected(otp_action_t *action)
{
    action->unasked = action->managed == OTP_MANAGE_NO_REQUEST;
    return otp_managed_refused(action->managed) && !action->unasked ? otp_action_finished(action) : unwant(action);
}


static otp_action_effect_t reject_looked(otp_action_t *action)
{
    otp_span_t only = action->order.only_uid, wanted_by = otp_span_of(action->stock.wanted);

    if (!action->stock_found || wanted_by.len == 0) {
        return otp_action_finish(action, action->stock_found ? OTP_MANAGE_NO_REQUEST : OTP_MANAGE_NO_STOCK);
    }
    if (only.len != 0 && !otp_span_equal(only, wanted_by)) {
        return otp_action_finish(action, OTP_MANAGE_NO_KEY);
    }
    otp_action_set_uid(action, wanted_by);
    action->wanted_at = action->stock.wanted_at;
    return otp_action_change_account(action, rule_reject, OTP_ACTION_OK, OTP_MAIL_REQUEST_REJECTED, rejected);
}


otp_action_effect_t otp_action_reject(otp_action_t *action)
{
    if (action->order.reason.len == 0) {
        return otp_action_finish(action, OTP_MANAGE_REASON);
    }
    return otp_action_look_stock(action, reject_looked);
}
