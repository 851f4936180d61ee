#include "otpctl/otpctl_session.h"

#include <stdlib.h>
#include <string.h>

#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_scan.h"

#define DIGEST_LEN      (2 * OTP_DIGEST_LEN)    /* hex digits of H */

/* H out of `…sess:{H}`; empty for a name of another form. */
static otp_span_t digest_of(otp_span_t name)
{
    if (name.len < DIGEST_LEN + 2 || name.data[name.len - 1] != '}' || name.data[name.len - DIGEST_LEN - 2] != '{') {
        return OTP_SPAN_NONE;
    }
    return (otp_span_t) { name.data + name.len - DIGEST_LEN - 1, DIGEST_LEN };
}


static otpctl_status_t forget(otpctl_t *ctl, const otp_span_t *arg, size_t args)
{
    otp_reply_t    *reply;
    otpctl_status_t status = otpctl_ask(ctl, arg, args, &reply);

    if (status == OTPCTL_DONE) {
        otp_reply_destroy(reply);
    }
    return status;
}


/* The record first: with it the session is over, the rest is tidying up. */
static otpctl_status_t end_session(otpctl_t *ctl, otp_span_t digest, otp_span_t uid)
{
    otp_name_t      sess, seen, user;
    otpctl_status_t status;

    otp_name_cookie(&sess, ctl->prefix, "sess", digest);
    otp_name_cookie(&seen, ctl->prefix, "seen", digest);
    status = forget(ctl, (otp_span_t[]) { OTP_SPAN("DEL"), otp_name_span(&sess) }, 2);
    if (status == OTPCTL_DONE) {
        status = forget(ctl, (otp_span_t[]) { OTP_SPAN("DEL"), otp_name_span(&seen) }, 2);
    }
    if (status == OTPCTL_DONE && uid.len) {
        otp_name_of(&user, OTP_NAME_USER_SESSIONS, ctl->prefix, uid);
        status = forget(ctl, (otp_span_t[]) { OTP_SPAN("ZREM"), otp_name_span(&user), digest }, 3);
    }
    return status;
}


/* The digests that the names hold. */
static char *digests_of(const otpctl_names_t *names, size_t *count)
{
    char *digests = malloc(names->names * DIGEST_LEN + 1);

    *count = 0;
    for (size_t i = 0; digests && i < names->names; i++) {
        otp_span_t digest = digest_of(otp_span_of(names->name[i]));

        if (digest.len) {
            memcpy(digests + DIGEST_LEN * (*count)++, digest.data, DIGEST_LEN);
        }
    }
    return digests;
}


otpctl_status_t otpctl_session_sweep_all(otpctl_action_t *action, otp_span_t uid, otp_sweep_judge_t judge, void *how)
{
    otpctl_t       *ctl = action->ctl;
    otpctl_names_t  names = { 0 };
    otp_sweep_t    *sweep = calloc(1, sizeof(*sweep));
    char           *digests = NULL;
    size_t          count = 0;
    otpctl_status_t status = otpctl_scan(ctl, "sess:{*}", &names);

    if (status == OTPCTL_DONE) {
        digests = digests_of(&names, &count);
    }
    otpctl_names_free(&names);
    if (status == OTPCTL_DONE && (!sweep || !digests
        || !otp_sweep_begin_with(sweep, ctl->ring, ctl->prefix, uid, digests, count, judge, how)))
    {
        otpctl_say("out of memory");
        status = OTPCTL_REFUSED;
    }
    free(digests);
    if (status == OTPCTL_DONE) {
        status = otpctl_action_sweep(action, sweep);
    }
    if (sweep) {
        otp_sweep_end(sweep);
    }
    free(sweep);
    return status;
}


static otpctl_status_t report(const otpctl_t *ctl, size_t ended)
{
    if (ctl->options->given & OTPCTL_JSON) {
        return (otpctl_status_t) otpctl_print_json(json_pack("{s:s, s:I}", "verdict", "ok", "sessions_ended",
                                                             (json_int_t) ended));
    }
    printf("%zu session(s) ended\n", ended);
    return OTPCTL_DONE;
}


static otpctl_status_t revoke_of(otpctl_t *ctl)
{
    otpctl_action_t action;
    otp_span_t      kept = OTP_SPAN_NONE;
    otpctl_status_t status = otpctl_action_begin(ctl, OTP_ACTION_SESSIONS_REVOKE, -1, -1, &action);

    if (status == OTPCTL_DONE) {
        status = otpctl_uid(ctl->options->user, action.uid);
        action.order.uid = otp_span_of(action.uid);
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_action_run(&action);
    }
    if (status == OTPCTL_DONE && otp_managed_refused(action.result.managed)) {
        return otpctl_action_refuse(&action);
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_session_sweep_all(&action, action.order.uid, otp_sweep_all_but, &kept);
    }
    return status == OTPCTL_DONE ? report(ctl, action.result.sessions_ended) : status;
}


static otpctl_status_t visit_revoke(otpctl_t *ctl, otp_span_t name, otp_span_t value, void *data)
{
    otp_session_t session;
    otp_span_t    digest = digest_of(name), uid = OTP_SPAN_NONE;

    if (value.len == 0 || digest.len == 0) {
        return OTPCTL_DONE;
    }
    if (otp_session_read(ctl->ring, name, value, &session) == OTP_OK) {
        uid = session.person.uid;
    }
    ++*(size_t *) data;
    return end_session(ctl, digest, uid);
}


/* Everybody's, and what does not read too.  The event first: what cannot be told is not done. */
static otpctl_status_t revoke_all(otpctl_t *ctl)
{
    otp_event_t     event = {
        .event = OTP_SPAN("session_revoke"), .verdict = OTP_SPAN("ok"), .reason = OTP_SPAN("all"),
        .note = otp_span_of(ctl->options->note)
    };
    otpctl_names_t  names = { 0 };
    size_t          ended = 0;
    otpctl_status_t status = otpctl_event_add(ctl, OTP_SPAN_NONE, &event);

    if (status == OTPCTL_DONE) {
        status = otpctl_scan(ctl, "sess:{*}", &names);
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_each(ctl, &names, visit_revoke, &ended);
    }
    otpctl_names_free(&names);
    return status == OTPCTL_DONE ? report(ctl, ended) : status;
}


/* A session that is in nobody's list, or does not read: there is no person to do it for. */
static otpctl_status_t revoke_stray(otpctl_t *ctl, otp_span_t digest, otp_span_t uid)
{
    otp_event_t     event = {
        .event = OTP_SPAN("session_revoke"), .verdict = OTP_SPAN("ok"), .user = uid,
        .session = { digest.data, OTP_PUBLIC_ID_LEN }, .note = otp_span_of(ctl->options->note)
    };
    otpctl_status_t status = otpctl_event_add(ctl, uid, &event);

    return status == OTPCTL_DONE ? end_session(ctl, digest, uid) : status;
}


static otpctl_status_t visit_one(otpctl_t *ctl, otp_span_t name, otp_span_t value, void *data)
{
    otp_session_t   session;
    otpctl_action_t action;
    otp_span_t      digest = digest_of(name);
    otpctl_status_t status;

    if (value.len == 0 || digest.len == 0) {
        return OTPCTL_DONE;
    }
    ++*(size_t *) data;
    if (otp_session_read(ctl->ring, name, value, &session) != OTP_OK) {
        return revoke_stray(ctl, digest, OTP_SPAN_NONE);
    }
    status = otpctl_action_begin(ctl, OTP_ACTION_SESSION_REVOKE, -1, -1, &action);
    action.order.uid = session.person.uid;
    action.order.session = (otp_span_t) { digest.data, OTP_PUBLIC_ID_LEN };
    if (status == OTPCTL_DONE) {
        status = otpctl_action_run(&action);
    }
    return status == OTPCTL_DONE && action.result.managed == OTP_MANAGE_NO_SESSION
        ? revoke_stray(ctl, digest, session.person.uid) : status;
}


static otpctl_status_t revoke_one(otpctl_t *ctl, const char *id)
{
    char            pattern[96];
    size_t          ended = 0;
    otpctl_names_t  names = { 0 };
    otpctl_status_t status;

    if (strlen(id) < OTP_PUBLIC_ID_LEN || strlen(id) > DIGEST_LEN || id[strspn(id, "0123456789abcdef")]) {
        otpctl_say("%s is no session id: 12 hex digits, as `otpctl session list` shows them", id);
        return OTPCTL_USAGE;
    }
    (void) snprintf(pattern, sizeof(pattern), "sess:{%s*}", id);
    status = otpctl_scan(ctl, pattern, &names);
    if (status == OTPCTL_DONE) {
        status = otpctl_each(ctl, &names, visit_one, &ended);
    }
    otpctl_names_free(&names);
    if (status == OTPCTL_DONE && ended == 0) {
        otpctl_say("there is no session %s", id);
        return OTPCTL_REFUSED;
    }
    if (status == OTPCTL_DONE && ctl->options->given & OTPCTL_JSON) {
        return (otpctl_status_t) otpctl_print_json(json_pack("{s:s, s:I}", "verdict", "ok", "sessions_ended",
                                                             (json_int_t) ended));
    }
    if (status == OTPCTL_DONE) {
        printf("session %s ended\n", id);
    }
    return status;
}


otpctl_status_t otpctl_session_revoke_run(otpctl_t *ctl)
{
    const otpctl_options_t *options = ctl->options;
    bool                    all = options->given & OTPCTL_ALL;

    if (options->arguments + (options->user != NULL) + all != 1) {
        otpctl_say("session revoke needs one of ID, --user UID, --all");
        return OTPCTL_USAGE;
    }
    if (options->arguments) {
        return revoke_one(ctl, options->argument[0]);
    }
    if (all) {
        return revoke_all(ctl);
    }
    return revoke_of(ctl);
}
