/* Who holds a key: assign, unassign. */
#include <string.h>

#include "otpctl/otpctl_action.h"
#include "otpctl/otpctl_scan.h"

static otp_managed_t rule_take(otp_stock_t *stock, const void *how)
{
    return otp_manage_stock_take(stock, otp_span_of(((const otpctl_action_t *) how)->uid), otpctl_now_s());
}


static otp_managed_t rule_release(otp_stock_t *stock, const void *how)
{
    return otp_manage_stock_release(stock, otp_span_of(((const otpctl_action_t *) how)->uid), NULL);
}


static otp_managed_t rule_give(otp_account_t *account, const void *how)
{
    const otpctl_action_t *action = how;

    return otp_manage_account_give(account, &action->stock, action->changed);
}


/* Both rules on values first: nothing is taken from the stock for an account that cannot have it. */
static otpctl_status_t rehearse_assign(otpctl_action_t *action)
{
    otp_stock_t     stock = action->stock;
    otp_account_t   account;
    bool            found;
    otp_managed_t   managed = otp_manage_stock_take(&stock, otp_span_of(action->uid), otpctl_now_s());
    otpctl_status_t status = otpctl_account_read(action->ctl, action->uid, &account, &found);

    if (status == OTPCTL_DONE && !otp_managed_refused(managed)) {
        managed = otp_manage_account_give(&account, &stock, managed == OTP_MANAGE_CHANGED);
    }
    return status == OTPCTL_DONE && otp_managed_refused(managed) ? otpctl_action_refuse(action, managed) : status;
}


otpctl_status_t otpctl_key_assign_run(otpctl_t *ctl)
{
    otpctl_action_t action;
    otp_account_t   account;
    otp_managed_t   managed, ignored;
    otpctl_status_t status = otpctl_action_begin(ctl, "key_assign", &action);

    if (status == OTPCTL_DONE) {
        status = otpctl_uid(ctl->options->argument[1], action.uid);
    }
    if (status == OTPCTL_DONE) {
        status = rehearse_assign(&action);
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_action_stock(&action, rule_take, false, &managed);
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_action_account(&action, rule_give, true, &managed, &account);
    }
    if (status != OTPCTL_DONE) {
        return status;
    }
    if (otp_managed_refused(managed)) {
        /* The account has been filled up between rehearsal and writing. */
        status = managed == OTP_MANAGE_FULL ? otpctl_action_stock(&action, rule_release, false, &ignored) : OTPCTL_DONE;
        return status == OTPCTL_DONE ? otpctl_action_refuse(&action, managed) : status;
    }
    return otpctl_action_report(&action, "assigned");
}


static otp_managed_t rule_return(otp_account_t *account, const void *how)
{
    return otp_manage_account_return(account, otp_span_of(((const otpctl_action_t *) how)->serial));
}


static otp_managed_t rule_drop(otp_account_t *account, const void *how)
{
    return otp_manage_account_drop(account, otp_span_of(((const otpctl_action_t *) how)->serial));
}


typedef struct {
    const otpctl_action_t *action;
    const otp_key_t       *copy;
} release_t;

static otp_managed_t rule_release_copy(otp_stock_t *stock, const void *how)
{
    const release_t *release = how;

    return otp_manage_stock_release(stock, otp_span_of(release->action->uid), release->copy);
}


static otpctl_status_t release_stock(otpctl_action_t *action, const otp_key_t *copy)
{
    bool            found;
    otp_managed_t   managed = OTP_MANAGE_UNCHANGED;
    release_t       release = { action, copy };
    otpctl_change_t change = otpctl_action_change(action, &release, copy == NULL);

    change.stock = rule_release_copy;
    otpctl_status_t status = otpctl_stock_change(action->ctl, action->serial, &change, &managed, &action->stock,
                                                 &found);

    action->changed |= managed == OTP_MANAGE_CHANGED;
    return status == OTPCTL_DONE && otp_managed_refused(managed) ? otpctl_action_refuse(action, managed) : status;
}


/* Takes the key from action->uid: its copy out of use, its sessions ended, the stock's record free, the copy away.
 * The copy goes last: as long as it is there, doing all of it again finds what is left to do. */
static otpctl_status_t take_back(otpctl_action_t *action)
{
    otp_account_t   account;
    otp_managed_t   managed;
    otp_key_t       copy = { .used = 0 };
    otpctl_status_t status = otpctl_action_account(action, rule_return, false, &managed, &account);
    bool            has_copy = status == OTPCTL_DONE && !otp_managed_refused(managed);

    if (has_copy) {
        copy = *otp_account_key(&account, otp_span_of(action->serial));
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_session_key_gone(action->ctl, action->uid, action->serial, false, &action->sessions);
    }
    if (status == OTPCTL_DONE) {
        status = release_stock(action, has_copy ? &copy : NULL);
    }
    if (status == OTPCTL_DONE && has_copy) {
        status = otpctl_action_account(action, rule_drop, true, &managed, &account);
    }
    return status;
}


/* A copy that the stock knows nothing of: its return was cut short after the stock's record was free. */
static otpctl_status_t take_leftover(otpctl_t *ctl, const otp_account_t *account, void *data)
{
    otpctl_action_t *action = data;
    otp_account_t    copy = *account;

    (void) ctl;
    if (!otp_account_key(&copy, otp_span_of(action->serial))) {
        return OTPCTL_DONE;
    }
    memcpy(action->uid, account->uid, sizeof(action->uid));
    return take_back(action);
}


otpctl_status_t otpctl_key_unassign_run(otpctl_t *ctl)
{
    otpctl_action_t action;
    otpctl_status_t status = otpctl_action_begin(ctl, "key_unassign", &action);

    if (status != OTPCTL_DONE) {
        return status;
    }
    if (action.stock.uid[0]) {
        memcpy(action.uid, action.stock.uid, sizeof(action.uid));
        status = take_back(&action);
    } else {
        status = otpctl_each_account(ctl, take_leftover, &action);
    }
    return status == OTPCTL_DONE ? otpctl_action_report(&action, action.uid[0] ? "taken back, free" : "free") : status;
}
