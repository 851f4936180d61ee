#include <string.h>

#include "core/action/otp_action_private.h"

/* Back to the stock, and out of it: unassign, delete. */

static otp_span_t serial_of(const otp_action_t *action)
{
    return otp_span_of(action->serial);
}


static otp_managed_t rule_return(otp_action_t *action)
{
    return otp_manage_account_return(&action->account, serial_of(action), otp_span_of(action->holding));
}


static otp_managed_t rule_learn(otp_action_t *action)
{
    otp_managed_t managed = otp_manage_stock_learn(&action->stock, otp_span_of(action->uid),
                                                   otp_span_of(action->holding), &action->copy);

    return action->orphan && managed == OTP_MANAGE_HELD
        ? otp_manage_stock_learn_orphan(&action->stock, &action->copy) : managed;
}


static otp_managed_t rule_drop(otp_action_t *action)
{
    return otp_manage_account_drop(&action->account, serial_of(action), otp_span_of(action->holding));
}


static otp_managed_t rule_release(otp_action_t *action)
{
    return otp_manage_stock_release(&action->stock, otp_span_of(action->uid), otp_span_of(action->holding));
}


/* HELD: it was taken back and given away again meanwhile.  What was asked for has happened before that. */
static otp_action_effect_t released(otp_action_t *action)
{
    return otp_action_finish(action, action->managed == OTP_MANAGE_HELD ? OTP_MANAGE_UNCHANGED : action->managed);
}


static otp_action_effect_t release(otp_action_t *action)
{
    return otp_action_change_stock(action, rule_release, action->copied ? OTP_ACTION_PART : OTP_ACTION_OK,
                                   OTP_MAIL_NONE, released);
}


/* The copy goes before the stock's record is free: as long as that names who has the key, doing all of it again finds
 * what is left to do. */
static otp_action_effect_t learned(otp_action_t *action)
{
    if (otp_managed_refused(action->managed)) {
        return released(action);
    }
    return otp_action_change_account(action, rule_drop, OTP_ACTION_OK, OTP_MAIL_KEY_UNASSIGNED, release);
}


static otp_action_effect_t swept(otp_action_t *action)
{
    if (!action->copied) {
        return release(action);
    }
    return otp_action_change_stock(action, rule_learn, OTP_ACTION_PART, OTP_MAIL_NONE, learned);
}


static otp_action_effect_t returned(otp_action_t *action)
{
    const otp_key_t *copy = otp_manage_account_leaving(&action->account, serial_of(action),
                                                       otp_span_of(action->holding));

    /* Another one than was looked at has come. */
    if (action->orphan && !copy) {
        return otp_action_again(action, otp_action_unassign);
    }
    action->copied = copy != NULL;
    if (copy) {
        action->copy = *copy;
    }
    action->swept = serial_of(action);
    return otp_action_sweep(action, otp_sweep_key_returned, &action->swept, swept);
}


/* There is no such copy: it is so already, unless somebody else has the key or one may only act on this person. */
static otp_action_effect_t no_orphan(otp_action_t *action)
{
    otp_action_set_uid(action, OTP_SPAN_NONE);
    return otp_action_finish(action, action->order.only_uid.len != 0 || action->stock.uid[0] != '\0'
                             ? OTP_MANAGE_NO_KEY : OTP_MANAGE_UNCHANGED);
}


/* The stock says that the person does not have the key; what they have all the same goes back like any other copy. */
static otp_action_effect_t orphan_looked(otp_action_t *action)
{
    const otp_key_t *copy = otp_account_key(&action->account, serial_of(action));

    if (!copy) {
        return no_orphan(action);
    }
    action->orphan = true;
    memcpy(action->holding, copy->holding, sizeof(action->holding));
    return otp_action_change_account(action, rule_return, OTP_ACTION_PART, OTP_MAIL_NONE, returned);
}


static otp_action_effect_t looked(otp_action_t *action)
{
    otp_span_t uid = otp_span_of(action->stock.uid);
    otp_span_t whose = action->order.only_uid.len != 0 ? action->order.only_uid : action->order.uid;

    if (!action->stock_found) {
        return otp_action_finish(action, OTP_MANAGE_NO_STOCK);
    }
    action->orphan = false;
    if (whose.len != 0 && !otp_span_equal(whose, uid)) {
        otp_action_set_uid(action, whose);
        return otp_action_look_account(action, orphan_looked);
    }
    if (uid.len == 0) {
        return otp_action_finish(action, OTP_MANAGE_UNCHANGED);
    }
    otp_action_set_uid(action, uid);
    memcpy(action->holding, action->stock.key.holding, sizeof(action->holding));
    return otp_action_change_account(action, rule_return, OTP_ACTION_PART, OTP_MAIL_NONE, returned);
}


otp_action_effect_t otp_action_unassign(otp_action_t *action)
{
    return otp_action_look_stock(action, looked);
}


static otp_managed_t rule_delete(otp_action_t *action)
{
    return otp_manage_stock_delete(&action->stock);
}


otp_action_effect_t otp_action_delete(otp_action_t *action)
{
    return otp_action_remove_stock(action, rule_delete, otp_action_finished);
}
