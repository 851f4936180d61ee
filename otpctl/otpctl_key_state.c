/* What a key is good for: disable, enable, delete. */
#include <string.h>

#include "otpctl/otpctl_action.h"
#include "otpctl/otpctl_print.h"

#define ROUNDS  4       /* of an action on a key that changes hands meanwhile */

static otp_managed_t rule_account_disable(otp_account_t *account, const void *how)
{
    const otpctl_action_t *action = how;

    return otp_manage_account_disable(account, otp_span_of(action->serial), action->reason);
}


static otp_managed_t rule_stock_disable(otp_stock_t *stock, const void *how)
{
    return otp_manage_stock_disable(stock, ((const otpctl_action_t *) how)->reason);
}


/* Disables the holder's copy first, for that is the one which opens doors. */
static otpctl_status_t disable(otpctl_action_t *action)
{
    otp_account_t   account;
    otp_managed_t   managed = OTP_MANAGE_NO_KEY;
    otpctl_status_t status = OTPCTL_DONE;

    memcpy(action->uid, action->stock.uid, sizeof(action->uid));
    if (action->uid[0]) {
        status = otpctl_action_account(action, rule_account_disable, true, &managed, &account);
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_action_stock(action, rule_stock_disable, managed == OTP_MANAGE_NO_KEY, &managed);
    }
    if (status == OTPCTL_DONE && action->uid[0]) {
        status = otpctl_session_key_gone(action->ctl, action->uid, action->serial, true, &action->sessions);
    }
    return status;
}


static bool same_holder(const otpctl_action_t *action)
{
    return otp_span_equal(otp_span_of(action->uid), otp_span_of(action->stock.uid));
}


otpctl_status_t otpctl_key_disable_run(otpctl_t *ctl)
{
    otpctl_action_t action;
    otpctl_status_t status;

    if (!ctl->options->reason || !otp_manage_reason_known(otp_span_of(ctl->options->reason))) {
        otpctl_say("key disable needs --reason lost, stolen or broken");
        return OTPCTL_USAGE;
    }
    status = otpctl_action_begin(ctl, "key_disable", &action);
    for (int i = 0; i < ROUNDS && status == OTPCTL_DONE; i++) {
        status = disable(&action);
        /* The write of the stock's record tells whether the key has changed hands meanwhile. */
        if (status == OTPCTL_DONE && same_holder(&action)) {
            return otpctl_action_report(&action, "disabled");
        }
    }
    return status == OTPCTL_DONE ? otpctl_action_refuse(&action, OTP_MANAGE_HELD) : status;
}


static otp_managed_t rule_stock_enable(otp_stock_t *stock, const void *how)
{
    (void) how;
    return otp_manage_stock_enable(stock);
}


static otp_managed_t rule_account_enable(otp_account_t *account, const void *how)
{
    return otp_manage_account_enable(account, &((const otpctl_action_t *) how)->stock);
}


static otpctl_status_t enable(otpctl_action_t *action)
{
    otp_account_t   account;
    bool            found;
    otp_managed_t   managed = OTP_MANAGE_UNCHANGED;
    otpctl_status_t status = OTPCTL_DONE;

    memcpy(action->uid, action->stock.uid, sizeof(action->uid));
    if (action->uid[0]) {
        status = otpctl_account_read(action->ctl, action->uid, &account, &found);
    }
    if (status == OTPCTL_DONE && action->uid[0]) {
        managed = otp_manage_account_enable(&account, &action->stock);
    }
    if (managed == OTP_MANAGE_RETURNING) {
        return otpctl_action_refuse(action, managed);
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_action_stock(action, rule_stock_enable, !action->uid[0] || managed == OTP_MANAGE_NO_KEY,
                                     &managed);
    }
    if (status == OTPCTL_DONE && action->uid[0]) {
        status = otpctl_action_account(action, rule_account_enable, true, &managed, &account);
    }
    return status;
}


otpctl_status_t otpctl_key_enable_run(otpctl_t *ctl)
{
    otpctl_action_t action;
    otpctl_status_t status = otpctl_action_begin(ctl, "key_enable", &action);

    for (int i = 0; i < ROUNDS && status == OTPCTL_DONE; i++) {
        status = enable(&action);
        if (status == OTPCTL_DONE && same_holder(&action)) {
            return otpctl_action_report(&action, "usable");
        }
    }
    return status == OTPCTL_DONE ? otpctl_action_refuse(&action, OTP_MANAGE_HELD) : status;
}


static otp_managed_t rule_delete(otp_stock_t *stock, const void *how)
{
    (void) how;
    return otp_manage_stock_delete(stock);
}


otpctl_status_t otpctl_key_delete_run(otpctl_t *ctl)
{
    otpctl_action_t action;
    bool            found = false;
    otp_managed_t   managed = OTP_MANAGE_UNCHANGED;
    otpctl_status_t status = otpctl_action_begin(ctl, "key_delete", &action);
    otpctl_change_t change;

    if (status != OTPCTL_DONE) {
        return status;
    }
    change = otpctl_action_change(&action, NULL, true);
    change.stock = rule_delete;
    change.remove = true;
    status = otpctl_stock_change(ctl, action.serial, &change, &managed, &action.stock, &found);
    if (status != OTPCTL_DONE) {
        return status;
    }
    if (!found) {
        return otpctl_action_absent(&action);
    }
    action.changed = managed == OTP_MANAGE_CHANGED;
    return otp_managed_refused(managed) ? otpctl_action_refuse(&action, managed) : otpctl_action_report(&action,
        "deleted");
}
