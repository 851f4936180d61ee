#include <string.h>

#include "core/action/otp_action_private.h"
#include "core/base/otp_buffer.h"

/* Who gets a key: assign, and approve, which is assigning to who asks for it. */

static otp_action_effect_t expect(otp_action_t *action);


static otp_span_t uid_of(const otp_action_t *action)
{
    return otp_span_of(action->uid);
}


static bool approving(const otp_action_t *action)
{
    return action->kind == OTP_ACTION_REQUEST_APPROVE;
}


/* Whoever has rejected the request first has decided. */
static bool rejected(const otp_action_t *action)
{
    const otp_activation_request_t *request = &action->account.request;

    return approving(action) && request->state == OTP_ACTIVATION_REJECTED
        && otp_span_equal(otp_span_of(request->serial), otp_span_of(action->serial));
}


static otp_managed_t rule_expect(otp_action_t *action)
{
    if (rejected(action)) {
        return OTP_MANAGE_NO_REQUEST;
    }
    return otp_manage_account_expect(&action->account, &action->stock, otp_span_of(action->holding));
}


static otp_managed_t rule_take(otp_action_t *action)
{
    if (approving(action) && !otp_span_equal(otp_span_of(action->stock.wanted), uid_of(action))) {
        return OTP_MANAGE_NO_REQUEST;
    }
    return otp_manage_stock_take(&action->stock, uid_of(action), otp_span_of(action->former),
                                 otp_span_of(action->holding), action->now_s);
}


static otp_managed_t rule_give(otp_action_t *action)
{
    return rejected(action) ? OTP_MANAGE_NO_REQUEST : otp_manage_account_give(&action->account, &action->stock);
}


static otp_managed_t rule_forgo(otp_action_t *action)
{
    return otp_manage_account_forgo(&action->account, otp_span_of(action->serial), otp_span_of(action->holding));
}


static otp_managed_t rule_release(otp_action_t *action)
{
    return otp_manage_stock_release(&action->stock, uid_of(action), otp_span_of(action->took));
}


static otp_managed_t rule_unwant(otp_action_t *action)
{
    return otp_manage_stock_unwant(&action->stock, uid_of(action), action->stock.wanted_at);
}


/* From the beginning: the key has been assigned to the same person otherwise. */
static otp_action_effect_t again(otp_action_t *action)
{
    return otp_action_again(action, approving(action) ? otp_action_approve : otp_action_assign);
}


static otp_action_effect_t refused(otp_action_t *action)
{
    /* Nothing has been changed in the end. */
    action->changed = false;
    return otp_action_finish(action, action->refusal);
}


/* The stock's record too, when it says by our doing that this person has the key: the copy with that mark is gone. */
static otp_action_effect_t give_up(otp_action_t *action)
{
    if (action->took[0] == '\0') {
        return refused(action);
    }
    return otp_action_change_stock(action, rule_release, OTP_ACTION_PART, OTP_MAIL_NONE, refused);
}


/* A copy that the stock does not know of may have come after the stock was read; or it stays, then that is told. */
static otp_action_effect_t forgone(otp_action_t *action)
{
    if (action->refusal == OTP_MANAGE_BUSY || (action->refusal == OTP_MANAGE_ORPHAN && !otp_action_last(action))) {
        return again(action);
    }
    return give_up(action);
}


/* Takes the useless copy away again. */
static otp_action_effect_t forgo(otp_action_t *action)
{
    return otp_action_change_account(action, rule_forgo, OTP_ACTION_PART, OTP_MAIL_NONE, forgone);
}


static otp_action_effect_t given(otp_action_t *action)
{
    if (action->managed == OTP_MANAGE_BUSY) {
        return again(action);
    }
    action->refusal = action->managed;
    if (action->managed == OTP_MANAGE_NO_REQUEST) {
        return forgo(action);
    }
    /* On its way back: who does that finishes it. */
    if (otp_managed_refused(action->managed)) {
        return refused(action);
    }
    action->view.result.approved = approving(action);
    if (action->stock.wanted[0] != '\0') {
        return otp_action_change_stock(action, rule_unwant, OTP_ACTION_PART, OTP_MAIL_NONE, otp_action_finished);
    }
    return otp_action_finished(action);
}


static otp_action_effect_t give(otp_action_t *action)
{
    return otp_action_change_account(action, rule_give, OTP_ACTION_OK, OTP_MAIL_KEY_OPERATIONAL, given);
}


static otp_action_effect_t taken(otp_action_t *action)
{
    action->refusal = action->managed;
    if (otp_managed_refused(action->managed)) {
        return forgo(action);
    }
    memcpy(action->took, action->holding, sizeof(action->took));
    return give(action);
}


static otp_action_effect_t expected(otp_action_t *action)
{
    action->refusal = action->managed;
    if (otp_managed_refused(action->managed)) {
        return forgone(action);
    }
    /* UNCHANGED: it is the account's already; what may be missing is the rest. */
    if (action->managed == OTP_MANAGE_UNCHANGED) {
        return give(action);
    }
    return otp_action_change_stock(action, rule_take, OTP_ACTION_PART, OTP_MAIL_NONE, taken);
}


static otp_action_effect_t expect(otp_action_t *action)
{
    otp_buffer_t out;
    otp_stock_t  tried = action->stock;
    otp_span_t   former;

    if (!action->stock_found) {
        return otp_action_finish(action, OTP_MANAGE_NO_STOCK);
    }
    memcpy(action->former, tried.key.holding, sizeof(action->former));
    former = otp_span_of(action->former);
    memset(action->holding, 0, sizeof(action->holding));
    otp_buffer_init(&out, action->holding, sizeof(action->holding) - 1);
    otp_buffer_add_base64url(&out, otp_action_random(action, 8), 8);
    /* The rule on a value first: the account gets nothing that it cannot have. */
    action->managed = otp_manage_stock_take(&tried, uid_of(action), former, otp_span_of(action->holding),
                                            action->now_s);
    action->refusal = action->managed;
    if (otp_managed_refused(action->managed) && action->managed != OTP_MANAGE_DISABLED) {
        return give_up(action);
    }
    return otp_action_change_account(action, rule_expect, OTP_ACTION_PART, OTP_MAIL_NONE, expected);
}


otp_action_effect_t otp_action_assign(otp_action_t *action)
{
    return otp_action_look_stock(action, expect);
}


static otp_action_effect_t approve_looked(otp_action_t *action)
{
    otp_span_t only = action->order.only_uid, wanted = otp_span_of(action->stock.wanted);

    if (!action->stock_found) {
        return otp_action_finish(action, OTP_MANAGE_NO_STOCK);
    }
    if (wanted.len == 0) {
        return otp_action_finish(action, OTP_MANAGE_NO_REQUEST);
    }
    if (only.len != 0 && !otp_span_equal(only, wanted)) {
        return otp_action_finish(action, OTP_MANAGE_NO_KEY);
    }
    otp_action_set_uid(action, wanted);
    return expect(action);
}


otp_action_effect_t otp_action_approve(otp_action_t *action)
{
    return otp_action_look_stock(action, approve_looked);
}


/* The person reads first what they asked for, then what came of it. */
otp_action_effect_t otp_action_approve_now(otp_action_t *action)
{
    action->kind = OTP_ACTION_REQUEST_APPROVE;
    action->actor = OTP_SPAN("rule");
    if (action->told_len == 0) {
        return otp_action_approve(action);
    }
    otp_action_tell_history(action);
    return otp_action_commands(action, otp_action_approve);
}
