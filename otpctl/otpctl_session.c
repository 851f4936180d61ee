#include "otpctl/otpctl_session.h"

#include <string.h>

#include "core/base/otp_buffer.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_scan.h"

#define DIGEST_LEN      (2 * OTP_DIGEST_LEN)    /* hex digits of H */
#define ATTEMPTS        8

/* What is to be done with sessions, and what has been. */
typedef struct {
    const char        *uid, *serial;
    bool               keep_password;
    otpctl_sessions_t *done;
} gone_t;

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


/* Writes the lowered session in the place of the one that was read. */
static otpctl_status_t rewrite(otpctl_t *ctl, otp_span_t name, otp_span_t value, const otp_session_t *session,
    bool *swapped, char *stored, size_t *len)
{
    char         record[OTP_SESSION_MAX], ttl[24];
    size_t       record_len;
    otp_buffer_t ttl_ms;
    int64_t      left_ms = session->expires * 1000 - otpctl_now_ms();

    otp_buffer_init(&ttl_ms, ttl, sizeof(ttl));
    otp_buffer_add_number(&ttl_ms, left_ms > 0 ? left_ms : 1);
    if (otp_session_write(ctl->ring, name, session, record, sizeof(record), &record_len) != OTP_OK) {
        return otpctl_unreadable(ctl, name);
    }
    otp_swap_t swap = {
        .key = name, .stream = name, .expected = value, .next = { record, record_len },
            .ttl_ms = otp_buffer_span(&ttl_ms)
    };

    return otpctl_swap(ctl, &swap, NULL, swapped, stored, len);
}


/* One session whose key is gone. */
static otpctl_status_t visit_gone(otpctl_t *ctl, otp_span_t name, otp_span_t value, void *data)
{
    const gone_t         *gone = data;
    otp_session_t         session;
    char                  stored[OTPCTL_RECORD_MAX];
    bool                  swapped = false;
    otpctl_status_t       status = OTPCTL_DONE;
    otp_managed_session_t verdict;

    for (int i = 0; i < ATTEMPTS && status == OTPCTL_DONE && !swapped; i++) {
        /* A record that does not read opens nothing. */
        if (value.len == 0 || otp_session_read(ctl->ring, name, value, &session) != OTP_OK
            || !otp_span_equal(session.person.uid, otp_span_of(gone->uid)))
        {
            return OTPCTL_DONE;
        }
        verdict = otp_manage_session(&session, otp_span_of(gone->serial));
        if (verdict == OTP_MANAGE_SESSION_KEPT) {
            return OTPCTL_DONE;
        }
        if (verdict == OTP_MANAGE_SESSION_ENDED || !gone->keep_password) {
            gone->done->ended++;
            return end_session(ctl, digest_of(name), session.person.uid);
        }
        status = rewrite(ctl, name, value, &session, &swapped, stored, &value.len);
        value.data = stored;
    }
    gone->done->lowered += swapped;
    return status == OTPCTL_DONE && !swapped ? end_session(ctl, digest_of(name), otp_span_of(gone->uid)) : status;
}


/* Names of the session records that the person's index knows. */
static otpctl_status_t add_indexed(otpctl_t *ctl, const char *uid, otpctl_names_t *names)
{
    otp_name_t      user, sess;
    otp_reply_t    *reply;
    otpctl_status_t status;

    otp_name_of(&user, OTP_NAME_USER_SESSIONS, ctl->prefix, otp_span_of(uid));
    status = otpctl_ask(ctl, (otp_span_t[]) { OTP_SPAN("ZRANGE"), otp_name_span(&user), OTP_SPAN("0"), OTP_SPAN("-1") },
                        4, &reply);
    if (status != OTPCTL_DONE) {
        return status;
    }
    for (size_t i = 0; i < reply->elements && status == OTPCTL_DONE; i++) {
        if (reply->element[i].text.len == DIGEST_LEN) {
            otp_name_cookie(&sess, ctl->prefix, "sess", reply->element[i].text);
            status = otpctl_names_add(names, otp_name_span(&sess)) ? OTPCTL_DONE : OTPCTL_REFUSED;
        }
    }
    otp_reply_destroy(reply);
    return status;
}


/* One walk: over the person's index (`indexed`), or over every session there is. */
static otpctl_status_t walk(otpctl_t *ctl, const char *uid, bool indexed, otpctl_visit_t *visit, void *data)
{
    otpctl_names_t  names = { 0 };
    otpctl_status_t status = indexed ? add_indexed(ctl, uid, &names) : otpctl_scan(ctl, "sess:{*}", &names);

    if (status == OTPCTL_DONE) {
        status = otpctl_each(ctl, &names, visit, data);
    }
    otpctl_names_free(&names);
    return status;
}


otpctl_status_t otpctl_session_key_gone(otpctl_t *ctl, const char *uid, const char *serial, bool keep_password,
    otpctl_sessions_t *sessions)
{
    gone_t          gone = { uid, serial, keep_password, sessions };
    otpctl_status_t status = walk(ctl, uid, true, visit_gone, &gone);

    /* At once by the index; then all of them, for an index somebody has tampered with or a crash left behind. */
    return status == OTPCTL_DONE ? walk(ctl, uid, false, visit_gone, &gone) : status;
}


typedef struct {
    const char *uid;            /* whose; NULL: everybody's */
    size_t      ended;
} revoke_t;

static otpctl_status_t visit_revoke(otpctl_t *ctl, otp_span_t name, otp_span_t value, void *data)
{
    revoke_t     *revoke = data;
    otp_session_t session;
    otp_span_t    digest = digest_of(name), uid = OTP_SPAN_NONE;

    if (value.len == 0 || digest.len == 0) {
        return OTPCTL_DONE;
    }
    if (otp_session_read(ctl->ring, name, value, &session) == OTP_OK) {
        uid = session.person.uid;
    }
    if (revoke->uid && !otp_span_equal(uid, otp_span_of(revoke->uid))) {
        return OTPCTL_DONE;
    }
    revoke->ended++;
    return end_session(ctl, digest, uid);
}


/* The event first: what cannot be told is not done. */
static otpctl_status_t revoke_told(otpctl_t *ctl, const char *uid)
{
    otp_event_t     event = {
        .event = OTP_SPAN("session_revoke"), .verdict = OTP_SPAN("ok"), .user = otp_span_of(uid),
        .reason = uid ? OTP_SPAN_NONE : OTP_SPAN("all")
    };
    revoke_t        revoke = { .uid = uid };
    otpctl_status_t status = otpctl_event_add(ctl, otp_span_of(uid), &event);

    if (status == OTPCTL_DONE && uid) {
        status = walk(ctl, uid, true, visit_revoke, &revoke);
    }
    if (status == OTPCTL_DONE) {
        status = walk(ctl, NULL, false, visit_revoke, &revoke);
    }
    if (status != OTPCTL_DONE) {
        return status;
    }
    if (ctl->options->given & OTPCTL_JSON) {
        return (otpctl_status_t) otpctl_print_json(json_pack("{s:s, s:I}", "verdict", "ok", "sessions_ended",
                                                             (json_int_t) revoke.ended));
    }
    printf("%zu session(s) ended\n", revoke.ended);
    return OTPCTL_DONE;
}


static otpctl_status_t visit_one(otpctl_t *ctl, otp_span_t name, otp_span_t value, void *data)
{
    otp_session_t session;
    otp_span_t    digest = digest_of(name);
    otp_event_t   event = { .event = OTP_SPAN("session_revoke"), .verdict = OTP_SPAN("ok") };

    if (value.len == 0 || digest.len == 0) {
        return OTPCTL_DONE;
    }
    if (otp_session_read(ctl->ring, name, value, &session) == OTP_OK) {
        event.user = session.person.uid;
    }
    event.session = (otp_span_t) { digest.data, OTP_PUBLIC_ID_LEN };
    otpctl_status_t status = otpctl_event_add(ctl, event.user, &event);

    if (status == OTPCTL_DONE) {
        ++*(size_t *) data;
        status = end_session(ctl, digest, event.user);
    }
    return status;
}


static otpctl_status_t revoke_one(otpctl_t *ctl, const char *id)
{
    char            pattern[96];
    size_t          ended = 0;
    otpctl_names_t  names = { 0 };
    otpctl_status_t status;

    if (strlen(id) < OTP_PUBLIC_ID_LEN || strlen(id) > DIGEST_LEN || id[strspn(id, "0123456789abcdef")]) {
        otpctl_say("%s is no session id: 12 hex digits, as `otpctl session list` shows them", id);
        return OTPCTL_REFUSED;
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
    char                    uid[OTP_UID_LEN + 1];
    bool                    all = options->given & OTPCTL_ALL;

    if (options->arguments + (options->user != NULL) + all != 1) {
        otpctl_say("session revoke needs one of ID, --user UID, --all");
        return OTPCTL_USAGE;
    }
    if (options->arguments) {
        return revoke_one(ctl, options->argument[0]);
    }
    if (all) {
        return revoke_told(ctl, NULL);
    }
    otpctl_status_t status = otpctl_uid(options->user, uid);

    return status == OTPCTL_DONE ? revoke_told(ctl, uid) : status;
}
