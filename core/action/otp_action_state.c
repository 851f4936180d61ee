#include <string.h>

#include "core/action/otp_action_private.h"
#include "core/decide/otp_resync.h"

/* What a key is good for: disable, enable, resync. */

static otp_span_t serial_of(const otp_action_t *action)
{
    return otp_span_of(action->serial);
}


static bool same_holder(const otp_action_t *action)
{
    return otp_span_equal(otp_span_of(action->uid), otp_span_of(action->stock.uid));
}


/* Whether the action may go on about the key as it was just read; whose it is, is in action->uid then. */
OTP_MUST_USE static otp_managed_t meet(otp_action_t *action)
{
    otp_span_t only = action->order.only_uid;

    if (!action->stock_found) {
        return OTP_MANAGE_NO_STOCK;
    }
    if (only.len != 0 && !otp_span_equal(only, otp_span_of(action->stock.uid))) {
        return OTP_MANAGE_NO_KEY;
    }
    otp_action_set_uid(action, otp_span_of(action->stock.uid));
    return OTP_MANAGE_UNCHANGED;
}


/* Of somebody who says that they have lost their key: what the helpdesk has found out of it before counts more.  Of two
 * who disable it at once the later one counts, and the other one says so to the stock, too. */
static bool stays(const otp_action_t *action, const otp_key_t *key)
{
    bool own = action->order.only_uid.len != 0 && action->order.actor.len == 0;

    return (own || action->rounds != 0) && key && otp_manage_disabled(key);
}


static otp_managed_t rule_account_disable(otp_action_t *action)
{
    const otp_key_t *copy = otp_account_key(&action->account, serial_of(action));
    otp_span_t       before;

    action->reason = action->order.reason;
    if (!stays(action, copy)) {
        return otp_manage_account_disable(&action->account, serial_of(action), action->reason);
    }
    before = otp_manage_reason_before(copy);
    memcpy(action->standing, before.data, before.len);
    action->reason = (otp_span_t) { action->standing, before.len };
    return OTP_MANAGE_UNCHANGED;
}


static otp_managed_t rule_stock_disable(otp_action_t *action)
{
    if (!otp_account_key(&action->account, serial_of(action)) && stays(action, &action->stock.key)) {
        return OTP_MANAGE_UNCHANGED;
    }
    return otp_manage_stock_disable(&action->stock, action->reason);
}


/* Whether the copy says what the stock says; one that is on its way has its own reason. */
static bool agree(const otp_key_t *copy, const otp_stock_t *stock)
{
    otp_span_t reason = otp_span_of(copy->reason);

    /* What it arrives as it is given as, though the stock was disabled after it was looked at. */
    if (otp_manage_arriving(copy)) {
        return otp_span_equal(otp_manage_reason_before(copy), otp_span_of(stock->key.reason));
    }
    return copy->state == OTP_KEY_DISABLED
        && (!otp_manage_reason_known(reason) || otp_span_equal(reason, otp_span_of(stock->key.reason)));
}


/* Another agent's action, or a new holder, may have crossed: the end is what both records say. */
static otp_action_effect_t disable_checked(otp_action_t *action)
{
    const otp_key_t *copy = otp_account_key(&action->account, serial_of(action));

    if (!same_holder(action) || (copy && !agree(copy, &action->stock))) {
        return otp_action_again(action, otp_action_disable);
    }
    return otp_action_finish(action, OTP_MANAGE_UNCHANGED);
}


static otp_action_effect_t disable_swept(otp_action_t *action)
{
    return otp_action_look_account(action, disable_checked);
}


static otp_action_effect_t stock_disabled(otp_action_t *action)
{
    if (otp_managed_refused(action->managed)) {
        return otp_action_finished(action);
    }
    if (action->uid[0] == '\0') {
        return same_holder(action) ? otp_action_finished(action) : otp_action_again(action, otp_action_disable);
    }
    action->swept = serial_of(action);
    return otp_action_sweep(action, otp_sweep_key_disabled, &action->swept, disable_swept);
}


static otp_action_effect_t account_disabled(otp_action_t *action)
{
    if (otp_managed_refused(action->managed) && action->managed != OTP_MANAGE_NO_KEY) {
        return otp_action_finished(action);
    }
    return otp_action_change_stock(action, rule_stock_disable,
                                   action->managed == OTP_MANAGE_NO_KEY ? OTP_ACTION_OK : OTP_ACTION_PART,
                                   OTP_MAIL_NONE, stock_disabled);
}


/* The holder's copy first, for that is the one which opens doors. */
static otp_action_effect_t disable_looked(otp_action_t *action)
{
    otp_managed_t met = meet(action);

    if (otp_managed_refused(met)) {
        return otp_action_finish(action, met);
    }
    if (action->uid[0] != '\0') {
        return otp_action_change_account(action, rule_account_disable, OTP_ACTION_OK, OTP_MAIL_KEY_DISABLED,
                                         account_disabled);
    }
    action->managed = OTP_MANAGE_NO_KEY;
    return account_disabled(action);
}


otp_action_effect_t otp_action_disable(otp_action_t *action)
{
    if (!otp_manage_reason_known(action->order.reason)) {
        return otp_action_finish(action, OTP_MANAGE_REASON);
    }
    return otp_action_look_stock(action, disable_looked);
}


static otp_managed_t rule_prepare(otp_action_t *action)
{
    return otp_manage_account_prepare(&action->account, serial_of(action));
}


static otp_managed_t rule_stock_enable(otp_action_t *action)
{
    return otp_manage_stock_enable(&action->stock);
}


static otp_managed_t rule_account_enable(otp_action_t *action)
{
    return otp_manage_account_enable(&action->account, &action->stock);
}


static otp_action_effect_t enable_checked(otp_action_t *action)
{
    if (action->stock_found && same_holder(action) && action->stock.key.state == OTP_KEY_USABLE) {
        return otp_action_finish(action, OTP_MANAGE_UNCHANGED);
    }
    return otp_action_again(action, otp_action_enable);
}


static otp_action_effect_t account_enabled(otp_action_t *action)
{
    if (action->managed == OTP_MANAGE_DISABLED || action->managed == OTP_MANAGE_HELD) {
        return otp_action_again(action, otp_action_enable);
    }
    if (otp_managed_refused(action->managed) && action->managed != OTP_MANAGE_NO_KEY) {
        return otp_action_finished(action);
    }
    return otp_action_look_stock(action, enable_checked);
}


static otp_action_effect_t stock_enabled(otp_action_t *action)
{
    if (otp_managed_refused(action->managed)) {
        return otp_action_finished(action);
    }
    if (!same_holder(action)) {
        return otp_action_again(action, otp_action_enable);
    }
    if (action->uid[0] == '\0') {
        return otp_action_finished(action);
    }
    return otp_action_change_account(action, rule_account_enable, OTP_ACTION_OK, OTP_MAIL_KEY_ENABLED,
                                     account_enabled);
}


static otp_action_effect_t prepared(otp_action_t *action)
{
    if (otp_managed_refused(action->managed) && action->managed != OTP_MANAGE_NO_KEY) {
        return otp_action_finished(action);
    }
    /* One that was still arriving has gone. */
    bool none = action->managed == OTP_MANAGE_NO_KEY || !otp_account_key(&action->account, serial_of(action));

    return otp_action_change_stock(action, rule_stock_enable, none ? OTP_ACTION_OK : OTP_ACTION_PART, OTP_MAIL_NONE,
                                   stock_enabled);
}


static otp_action_effect_t enable_looked(otp_action_t *action)
{
    otp_managed_t met = meet(action);

    if (otp_managed_refused(met)) {
        return otp_action_finish(action, met);
    }
    if (action->uid[0] != '\0') {
        return otp_action_change_account(action, rule_prepare, OTP_ACTION_PART, OTP_MAIL_NONE, prepared);
    }
    action->managed = OTP_MANAGE_NO_KEY;
    return prepared(action);
}


otp_action_effect_t otp_action_enable(otp_action_t *action)
{
    return otp_action_look_stock(action, enable_looked);
}


/* `key` as two codes have just taught it. */
OTP_MUST_USE static otp_managed_t resynced(otp_action_t *action, otp_key_t *key, const otp_key_t *next)
{
    otp_doubt_t doubt = { .floor_s = action->context.floor_s };
    int64_t     wait = otp_key_doubt_wait(next, action->context.limits, &doubt, next->step, action->now_s);

    if (wait != 0) {
        action->view.result.wait_s = wait;
        return OTP_MANAGE_WAIT;
    }
    *key = *next;
    (void) otp_manage_resynced(key);
    return OTP_MANAGE_CHANGED;
}


OTP_MUST_USE static otp_managed_t resync(otp_action_t *action, otp_key_t *key)
{
    otp_key_t next;

    switch (otp_resync(action->context.ring, key, action->order.code, action->order.next_code, action->now_s, &next)) {
    case OTP_OK:
        return resynced(action, key, &next);
    case OTP_INVALID:
    case OTP_NO_ROOM:
        return OTP_MANAGE_MISFIT;
    case OTP_FAILED:
        break;
    }
    return OTP_MANAGE_UNAVAILABLE;
}


static otp_managed_t rule_account_resync(otp_action_t *action)
{
    otp_key_t    *copy = otp_account_key(&action->account, serial_of(action));
    otp_managed_t managed;

    if (!copy || !otp_manage_account_holds(&action->account, &action->stock)) {
        return OTP_MANAGE_NO_KEY;
    }
    managed = resync(action, copy);
    action->account.revision += managed == OTP_MANAGE_CHANGED;
    return managed;
}


static otp_managed_t rule_stock_resync(otp_action_t *action)
{
    return same_holder(action) ? resync(action, &action->stock.key) : OTP_MANAGE_HELD;
}


static otp_managed_t rule_stock_resynced(otp_action_t *action)
{
    return same_holder(action) && otp_manage_resynced(&action->stock.key) ? OTP_MANAGE_CHANGED : OTP_MANAGE_UNCHANGED;
}


static otp_action_effect_t account_resynced(otp_action_t *action)
{
    otp_key_t stocked = action->stock.key;

    if (otp_managed_refused(action->managed) || !otp_manage_resynced(&stocked)) {
        return otp_action_finished(action);
    }
    return otp_action_change_stock(action, rule_stock_resynced, OTP_ACTION_PART, OTP_MAIL_NONE, otp_action_finished);
}


/* The copy that counts: the account's while it has one, else the stock's. */
static otp_action_effect_t resync_looked(otp_action_t *action)
{
    otp_managed_t met = meet(action);

    if (otp_managed_refused(met)) {
        return otp_action_finish(action, met);
    }
    if (action->uid[0] != '\0') {
        return otp_action_change_account(action, rule_account_resync, OTP_ACTION_OK, OTP_MAIL_NONE, account_resynced);
    }
    return otp_action_change_stock(action, rule_stock_resync, OTP_ACTION_OK, OTP_MAIL_NONE, otp_action_finished);
}


otp_action_effect_t otp_action_resync(otp_action_t *action)
{
    return otp_action_look_stock(action, resync_looked);
}
