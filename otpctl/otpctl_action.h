/*
 * One action on one key: its record in the stock, the account of who holds it, and the rules applied to
 * both (core/decide/otp_manage.h).
 */
#ifndef OTPCTL_ACTION_H
#define OTPCTL_ACTION_H

#include "otpctl/otpctl_session.h"
#include "otpctl/otpctl_store.h"

typedef struct {
    otpctl_t         *ctl;
    const char       *event;
    char              serial[OTP_SERIAL_MAX + 1], uid[OTP_UID_LEN + 1];
    otp_span_t        reason;
    otp_stock_t       stock;
    bool              changed;          /* something was written */
    otpctl_sessions_t sessions;
} otpctl_action_t;

/* Reads the stock's record of the key named on the command line. */
OTP_MUST_USE otpctl_status_t otpctl_action_begin(otpctl_t *ctl, const char *event, otpctl_action_t *action);

/* A change with its event.  The write in which an action takes effect carries the verdict "ok", the other
 * ones "part": an action has one "ok", and no record changes without an event. */
otpctl_change_t otpctl_action_change(const otpctl_action_t *action, const void *how, bool effective);

/* Applies `rule` (with the action as `how`) to action->stock; a refusal has been told. */
OTP_MUST_USE otpctl_status_t otpctl_action_stock(otpctl_action_t *action, otpctl_stock_change_t *rule, bool effective,
    otp_managed_t *managed);
/* The same to the account of action->uid; a refusal is left to the caller. */
OTP_MUST_USE otpctl_status_t otpctl_action_account(otpctl_action_t *action, otpctl_account_change_t *rule,
    bool effective, otp_managed_t *managed, otp_account_t *account);

/* Tell people, and return the status. */
otpctl_status_t otpctl_action_refuse(const otpctl_action_t *action, otp_managed_t managed);
otpctl_status_t otpctl_action_absent(const otpctl_action_t *action);
otpctl_status_t otpctl_action_report(const otpctl_action_t *action, const char *done);

#endif
