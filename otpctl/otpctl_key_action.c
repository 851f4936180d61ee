/* What is done to one key: assign, unassign, disable, enable, delete, resync. */
#include <stdio.h>
#include <string.h>

#include "otpctl/otpctl_action.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_session.h"

static otpctl_status_t report(const otpctl_action_t *action, const char *done)
{
    const otp_action_result_t *result = &action->result;

    if (action->ctl->options->given & OTPCTL_JSON) {
        json_t *object = otpctl_action_json(action);

        (void) json_object_set_new(object, "serial", json_string(action->serial));
        (void) json_object_set_new(object, "user", json_string(result->uid));
        (void) json_object_set_new(object, "sessions_lowered", json_integer((json_int_t) result->sessions_lowered));
        (void) json_object_set_new(object, "sessions_ended", json_integer((json_int_t) result->sessions_ended));
        return (otpctl_status_t) otpctl_print_json(object);
    }
    printf("key %s%s%s: %s\n", action->serial, result->uid[0] ? " of " : "", result->uid, done);
    if (result->sessions_lowered || result->sessions_ended) {
        printf("sessions: %zu lowered to the password, %zu ended\n", result->sessions_lowered, result->sessions_ended);
    }
    if (result->managed != OTP_MANAGE_CHANGED) {
        puts("(it was so already)");
    }
    return OTPCTL_DONE;
}


/* The action itself.  With a judge, every other session of the person is looked at too: for a list of sessions that
 * somebody has tampered with. */
static otpctl_status_t carry_out(otpctl_action_t *action, otp_sweep_judge_t judge, const char *done)
{
    otp_span_t      serial = otp_span_of(action->serial);
    otpctl_status_t status = otpctl_action_run(action);

    if (status == OTPCTL_DONE && otp_managed_refused(action->result.managed)) {
        return otpctl_action_refuse(action);
    }
    if (status == OTPCTL_DONE && judge && action->result.uid[0]) {
        status = otpctl_session_sweep_all(action, otp_span_of(action->result.uid), judge, &serial);
    }
    return status == OTPCTL_DONE ? report(action, done) : status;
}


static otpctl_status_t simple(otpctl_t *ctl, otp_action_kind_t kind, int uid, otp_sweep_judge_t judge, const char *done)
{
    otpctl_action_t action;
    otpctl_status_t status = otpctl_action_begin(ctl, kind, 0, uid, &action);

    if (status == OTPCTL_DONE) {
        status = carry_out(&action, judge, done);
    }
    otpctl_action_end(&action);
    return status;
}


otpctl_status_t otpctl_key_assign_run(otpctl_t *ctl)
{
    return simple(ctl, OTP_ACTION_KEY_ASSIGN, 1, NULL, "assigned");
}


otpctl_status_t otpctl_key_unassign_run(otpctl_t *ctl)
{
    int uid = ctl->options->arguments > 1 ? 1 : -1;

    return simple(ctl, OTP_ACTION_KEY_UNASSIGN, uid, otp_sweep_key_returned, "taken back, free");
}


otpctl_status_t otpctl_key_disable_run(otpctl_t *ctl)
{
    if (!ctl->options->reason || !otp_manage_reason_known(otp_span_of(ctl->options->reason))) {
        otpctl_say("key disable needs --reason lost, stolen or broken");
        return OTPCTL_USAGE;
    }
    return simple(ctl, OTP_ACTION_KEY_DISABLE, -1, otp_sweep_key_disabled, "disabled");
}


otpctl_status_t otpctl_key_enable_run(otpctl_t *ctl)
{
    return simple(ctl, OTP_ACTION_KEY_ENABLE, -1, NULL, "usable");
}


otpctl_status_t otpctl_key_delete_run(otpctl_t *ctl)
{
    return simple(ctl, OTP_ACTION_KEY_DELETE, -1, NULL, "deleted");
}


/* Two codes of standard input, one a line or with blanks between. */
static bool read_codes(char text[64], otp_span_t *code, otp_span_t *next_code)
{
    size_t     len = fread(text, 1, 63, stdin);
    otp_span_t rest;

    text[len] = '\0';
    for (char *c = text; *c; c++) {
        if (strchr("\t\r\n", *c)) {
            *c = ' ';
        }
    }
    rest = otp_span_trim((otp_span_t) { text, len });
    *code = otp_span_cut(&rest, ' ');
    *next_code = otp_span_trim(rest);
    if (code->len && next_code->len && !memchr(next_code->data, ' ', next_code->len)) {
        return true;
    }
    otpctl_say("two codes that the key shows one after the other are expected on standard input, one a line");
    return false;
}


otpctl_status_t otpctl_key_resync_run(otpctl_t *ctl)
{
    char            codes[64];
    otpctl_action_t action;
    otpctl_status_t status = otpctl_action_begin(ctl, OTP_ACTION_KEY_RESYNC, 0, -1, &action);

    if (status == OTPCTL_DONE && !read_codes(codes, &action.order.code, &action.order.next_code)) {
        status = OTPCTL_USAGE;
    }
    if (status == OTPCTL_DONE) {
        status = carry_out(&action, NULL, "in step again");
    }
    otp_secret_wipe(codes, sizeof(codes));
    otpctl_action_end(&action);
    return status;
}
