#include <string.h>

#include "core/action/otp_action_private.h"
#include "core/base/otp_buffer.h"

/* Who gets a key: assign, and approve, which is assigning to who asks for it. */

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
    return otp_manage_account_expect(&action->account, &action->stock, otp_span_of(action->fresh));
}


static otp_managed_t rule_take(otp_action_t *action)
{
    bool          wanted = otp_span_equal(otp_span_of(action->stock.wanted), uid_of(action));
    otp_managed_t managed = otp_manage_stock_take(&action->stock, uid_of(action), otp_span_of(action->former),
                                                  otp_span_of(action->holding), action->now_s);

    return approving(action) && !wanted && managed != OTP_MANAGE_UNCHANGED && managed != OTP_MANAGE_BUSY
        ? OTP_MANAGE_NO_REQUEST : managed;
}


static otp_managed_t rule_give(otp_action_t *action)
{
    return rejected(action) ? OTP_MANAGE_NO_REQUEST : otp_manage_account_give(&action->account, &action->stock);
}


static otp_managed_t rule_forgo(otp_action_t *action)
{
    return otp_manage_account_forgo(&action->account, otp_span_of(action->serial), otp_span_of(action->holding));
}


static otp_managed_t rule_untake(otp_action_t *action)
{
    return otp_manage_stock_untake(&action->stock, uid_of(action), otp_span_of(action->took));
}


static otp_managed_t rule_unwant(otp_action_t *action)
{
    return otp_manage_stock_unwant(&action->stock, uid_of(action), action->stock.wanted_at);
}


static otp_action_effect_t refused(otp_action_t *action)
{
    /* Nothing has been changed in the end. */
    action->changed = false;
    return otp_action_finish(action, action->refusal);
}


/* The stock's record too, when it says by our doing that this person has the key: a mark that has left the account
 * does not come back.  With a copy that has it, the key was assigned by somebody else. */
static otp_action_effect_t forgone(otp_action_t *action)
{
    const otp_key_t *copy = otp_account_key(&action->account, otp_span_of(action->serial));

    if (action->took[0] == '\0' || (copy && strcmp(copy->holding, action->took) == 0)) {
        return refused(action);
    }
    return otp_action_change_stock(action, rule_untake, OTP_ACTION_PART, OTP_MAIL_NONE, refused);
}


/* Takes the useless copy away again. */
static otp_action_effect_t give_up(otp_action_t *action, otp_managed_t refusal)
{
    action->refusal = refusal;
    if (action->holding[0] == '\0') {
        return refused(action);
    }
    return otp_action_change_account(action, rule_forgo, OTP_ACTION_PART, OTP_MAIL_NONE, forgone);
}


/* From the beginning: the key has been taken back, or assigned to the same person otherwise.  An arriving copy stays:
 * it serves whoever is faster. */
static otp_action_effect_t again(otp_action_t *action, otp_managed_t refusal)
{
    if (otp_action_last(action)) {
        return give_up(action, refusal);
    }
    return otp_action_again(action, approving(action) ? otp_action_approve : otp_action_assign);
}


static otp_action_effect_t given(otp_action_t *action)
{
    if (action->managed == OTP_MANAGE_BUSY) {
        return again(action, OTP_MANAGE_BUSY);
    }
    if (action->managed == OTP_MANAGE_NO_REQUEST) {
        return give_up(action, OTP_MANAGE_NO_REQUEST);
    }
    /* On its way back: who does that finishes it. */
    if (otp_managed_refused(action->managed)) {
        action->refusal = action->managed;
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
    if (action->managed == OTP_MANAGE_BUSY) {
        return again(action, OTP_MANAGE_BUSY);
    }
    if (otp_managed_refused(action->managed)) {
        return give_up(action, action->managed);
    }
    memcpy(action->took, action->holding, sizeof(action->took));
    return give(action);
}


static otp_action_effect_t expected(otp_action_t *action)
{
    const otp_key_t *copy;

    /* A copy that the stock does not know of may have come after the stock was read; or it stays, then that is told. */
    if (action->managed == OTP_MANAGE_ORPHAN) {
        return again(action, OTP_MANAGE_ORPHAN);
    }
    if (otp_managed_refused(action->managed)) {
        return give_up(action, action->managed);
    }
    copy = otp_account_key(&action->account, otp_span_of(action->serial));
    memcpy(action->holding, copy->holding, sizeof(action->holding));
    /* It is the account's already; what may be missing is the rest. */
    if (!otp_manage_arriving(copy)) {
        return give(action);
    }
    return otp_action_change_stock(action, rule_take, OTP_ACTION_PART, OTP_MAIL_NONE, taken);
}


static otp_action_effect_t expect(otp_action_t *action)
{
    otp_buffer_t  out;
    otp_stock_t   tried = action->stock;
    otp_span_t    former;
    otp_managed_t managed;

    if (!action->stock_found) {
        return give_up(action, OTP_MANAGE_NO_STOCK);
    }
    memcpy(action->former, tried.key.holding, sizeof(action->former));
    former = otp_span_of(action->former);
    memset(action->fresh, 0, sizeof(action->fresh));
    otp_buffer_init(&out, action->fresh, sizeof(action->fresh) - 1);
    otp_buffer_add_base64url(&out, otp_action_random(action, 8), 8);
    /* The rule on a value first: the account gets nothing that it cannot have. */
    managed = otp_manage_stock_take(&tried, uid_of(action), former, otp_span_of(action->fresh), action->now_s);
    if (otp_managed_refused(managed) && managed != OTP_MANAGE_DISABLED) {
        return give_up(action, managed);
    }
    return otp_action_change_account(action, rule_expect, OTP_ACTION_PART, OTP_MAIL_NONE, expected);
}


otp_action_effect_t otp_action_assign(otp_action_t *action)
{
    return otp_action_look_stock(action, expect);
}


/* Approved, though the list of those that wait does not show it yet, or has not for long. */
static bool theirs(const otp_action_t *action)
{
    return action->uid[0] != '\0' && action->stock.wanted[0] == '\0'
        && otp_span_equal(otp_span_of(action->stock.uid), uid_of(action));
}


static otp_action_effect_t approve_looked(otp_action_t *action)
{
    otp_span_t only = action->order.only_uid, wanted = otp_span_of(action->stock.wanted);

    if (!action->stock_found) {
        return give_up(action, OTP_MANAGE_NO_STOCK);
    }
    if (theirs(action)) {
        return expect(action);
    }
    /* Nor is a request approved that somebody else has made since. */
    if (wanted.len == 0 || (action->uid[0] != '\0' && !otp_span_equal(wanted, uid_of(action)))) {
        return give_up(action, OTP_MANAGE_NO_REQUEST);
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
