#include "otpctl/otpctl_action.h"

#include <stdio.h>

#include "otpctl/otpctl_print.h"

otpctl_status_t otpctl_action_refuse(const otpctl_action_t *action, otp_managed_t managed)
{
    if (managed == OTP_MANAGE_HELD || managed == OTP_MANAGE_ASSIGNED) {
        otpctl_say("key %s is assigned to %s: `otpctl key unassign %s` first", action->serial,
                   action->stock.uid[0] ? action->stock.uid : "somebody else", action->serial);
    } else if (managed == OTP_MANAGE_DISABLED) {
        otpctl_say("key %s is disabled (%s): `otpctl key enable %s` first", action->serial, action->stock.key.reason,
                   action->serial);
    } else if (managed == OTP_MANAGE_RETURNING) {
        otpctl_say("key %s is on its way back to the stock: `otpctl key unassign %s` finishes that", action->serial,
                   action->serial);
    } else {
        otpctl_say("key %s%s%s: %s", action->serial, action->uid[0] ? ", " : "", action->uid,
                   otp_managed_text(managed));
    }
    return OTPCTL_REFUSED;
}


otpctl_status_t otpctl_action_absent(const otpctl_action_t *action)
{
    otpctl_say("key %s is not in the stock: `otpctl key list` shows what is", action->serial);
    return OTPCTL_REFUSED;
}


otpctl_status_t otpctl_action_begin(otpctl_t *ctl, const char *event, otpctl_action_t *action)
{
    bool found = false;

    *action = (otpctl_action_t) { .ctl = ctl, .event = event, .reason = otp_span_of(ctl->options->reason) };
    otpctl_status_t status = otpctl_serial(ctl->options->argument[0], action->serial);

    if (status == OTPCTL_DONE) {
        status = otpctl_stock_read(ctl, action->serial, &action->stock, &found);
    }
    return status == OTPCTL_DONE && !found ? otpctl_action_absent(action) : status;
}


otpctl_change_t otpctl_action_change(const otpctl_action_t *action, const void *how, bool effective)
{
    return (otpctl_change_t) {
        .how = how,
        .event = {
            .event = otp_span_of(action->event), .verdict = effective ? OTP_SPAN("ok") : OTP_SPAN("part"),
            .user = otp_span_of(action->uid), .serial = otp_span_of(action->serial), .reason = action->reason
        }
    };
}


otpctl_status_t otpctl_action_stock(otpctl_action_t *action, otpctl_stock_change_t *rule, bool effective,
    otp_managed_t *managed)
{
    bool            found = false;
    otpctl_change_t change = otpctl_action_change(action, action, effective);

    change.stock = rule;
    otpctl_status_t status = otpctl_stock_change(action->ctl, action->serial, &change, managed, &action->stock, &found);

    if (status != OTPCTL_DONE) {
        return status;
    }
    if (!found) {
        return otpctl_action_absent(action);
    }
    action->changed |= *managed == OTP_MANAGE_CHANGED;
    return otp_managed_refused(*managed) ? otpctl_action_refuse(action, *managed) : OTPCTL_DONE;
}


otpctl_status_t otpctl_action_account(otpctl_action_t *action, otpctl_account_change_t *rule, bool effective,
    otp_managed_t *managed, otp_account_t *account)
{
    otpctl_change_t change = otpctl_action_change(action, action, effective);

    change.account = rule;
    otpctl_status_t status = otpctl_account_change(action->ctl, action->uid, &change, managed, account);

    action->changed |= status == OTPCTL_DONE && *managed == OTP_MANAGE_CHANGED;
    return status;
}


otpctl_status_t otpctl_action_report(const otpctl_action_t *action, const char *done)
{
    const otpctl_sessions_t *sessions = &action->sessions;

    if (action->ctl->options->given & OTPCTL_JSON) {
        return (otpctl_status_t) otpctl_print_json(
            json_pack("{s:s, s:b, s:s, s:s, s:I, s:I}", "verdict", "ok", "changed", action->changed,
                      "serial", action->serial, "user", action->uid,
                      "sessions_lowered", (json_int_t) sessions->lowered,
                      "sessions_ended", (json_int_t) sessions->ended));
    }
    printf("key %s%s%s: %s\n", action->serial, action->uid[0] ? " of " : "", action->uid, done);
    if (sessions->lowered || sessions->ended) {
        printf("sessions: %zu lowered to the password, %zu ended\n", sessions->lowered, sessions->ended);
    }
    if (!action->changed) {
        puts("(it was so already)");
    }
    return OTPCTL_DONE;
}
