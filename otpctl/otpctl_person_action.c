/* What is done for one person: PIN cancelled, unlocked, emergency password. */
#include <stdio.h>

#include "otpctl/otpctl_action.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_session.h"
#include "otpctl/otpctl_zone.h"

static otpctl_status_t unknown(const char *uid)
{
    otpctl_say("there is no account of %s: this person has never had a key", uid);
    return OTPCTL_REFUSED;
}


static otpctl_status_t report(const otpctl_action_t *action, const char *done)
{
    bool changed = action->result.managed == OTP_MANAGE_CHANGED;

    if (action->ctl->options->given & OTPCTL_JSON) {
        json_t *object = otpctl_action_json(action);

        (void) json_object_set_new(object, "user", json_string(action->uid));
        return (otpctl_status_t) otpctl_print_json(object);
    }
    printf("%s: %s%s\n", action->uid, done, changed ? "" : " (it was so already)");
    return OTPCTL_DONE;
}


/* Runs it; nothing to do for somebody who has no account is no success. */
static otpctl_status_t carry_out(otpctl_action_t *action)
{
    otp_account_t   account;
    bool            found = true;
    otpctl_status_t status = otpctl_action_run(action);
    otp_managed_t   managed = action->result.managed;

    if (status == OTPCTL_DONE && managed != OTP_MANAGE_CHANGED) {
        status = otpctl_account_read(action->ctl, action->uid, &account, &found);
    }
    if (status != OTPCTL_DONE) {
        return status;
    }
    if (!found) {
        return unknown(action->uid);
    }
    if (managed == OTP_MANAGE_NO_KEY) {
        otpctl_say("%s has no key: `otpctl key assign SERIAL %s` gives one", action->uid, action->uid);
        return OTPCTL_REFUSED;
    }
    return otp_managed_refused(managed) ? otpctl_action_refuse(action) : OTPCTL_DONE;
}


static otpctl_status_t simple(otpctl_t *ctl, otp_action_kind_t kind, const char *done)
{
    otpctl_action_t action;
    otpctl_status_t status = otpctl_action_begin(ctl, kind, -1, 0, &action);

    if (status == OTPCTL_DONE) {
        status = carry_out(&action);
    }
    return status == OTPCTL_DONE ? report(&action, done) : status;
}


otpctl_status_t otpctl_user_unlock_run(otpctl_t *ctl)
{
    return simple(ctl, OTP_ACTION_UNLOCK, "unlocked");
}


otpctl_status_t otpctl_pin_clear_run(otpctl_t *ctl)
{
    return simple(ctl, OTP_ACTION_PIN_CLEAR, "no PIN any more: the next sign-in with the key is a first use");
}


static otpctl_status_t print_password(const otpctl_action_t *action)
{
    char                       until[OTPCTL_TIME_MAX];
    const otp_action_result_t *result = &action->result;

    if (action->ctl->options->given & OTPCTL_JSON) {
        json_t *object = otpctl_action_json(action);

        (void) json_object_set_new(object, "user", json_string(action->uid));
        (void) json_object_set_new(object, "password", json_string(result->password));
        (void) json_object_set_new(object, "expires", json_integer((json_int_t) result->expires));
        return (otpctl_status_t) otpctl_print_json(object);
    }
    puts(result->password);
    /* The password alone is on standard output, so that a program can take it. */
    otpctl_say("emergency password of %s, until %s, after the password only; it is not shown again", action->uid,
               otpctl_time_text(result->expires, until));
    return OTPCTL_DONE;
}


otpctl_status_t otpctl_emergency_issue_run(otpctl_t *ctl)
{
    otp_zone_t      zone;
    otp_account_t   account;
    bool            found = true;
    otpctl_action_t action;
    otpctl_status_t status = otpctl_action_begin(ctl, OTP_ACTION_EMERGENCY_ISSUE, -1, 0, &action);

    if (status == OTPCTL_DONE) {
        status = otpctl_zone_read(ctl->options->timezone, &zone);
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_account_read(ctl, action.uid, &account, &found);
    }
    if (status != OTPCTL_DONE) {
        return status;
    }
    action.order.expires = otp_zone_day_end(&zone, otpctl_now_s());
    status = otpctl_action_run(&action);
    if (status == OTPCTL_DONE) {
        status = otp_managed_refused(action.result.managed) ? otpctl_action_refuse(&action) : print_password(&action);
    }
    if (status == OTPCTL_DONE && !found) {
        otpctl_say("%s had no account until now: is the identifier right? (otpctl emergency revoke %s)", action.uid,
                   action.uid);
    }
    otpctl_action_end(&action);
    return status;
}


otpctl_status_t otpctl_emergency_revoke_run(otpctl_t *ctl)
{
    otpctl_action_t action;
    otpctl_status_t status = otpctl_action_begin(ctl, OTP_ACTION_EMERGENCY_REVOKE, -1, 0, &action);

    if (status == OTPCTL_DONE) {
        status = carry_out(&action);
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_session_sweep_all(&action, otp_span_of(action.uid), otp_sweep_emergency, NULL);
    }
    return status == OTPCTL_DONE ? report(&action, "the emergency password does not count any more, nor what it opened")
                                 : status;
}
