#include <string.h>

#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_scan.h"

typedef struct {
    const char *uid;        /* whose; NULL: everybody's */
    json_t     *list;
} listing_t;

/* When the session was last used.  False: it is over, by its end or for idleness. */
static otpctl_status_t read_seen(otpctl_t *ctl, otp_span_t digest, const otp_session_t *session, int64_t *seen,
    bool *alive)
{
    otp_name_t      name;
    otp_reply_t    *reply;
    int64_t         now = otpctl_now_s();
    otpctl_status_t status;

    otp_name_cookie(&name, ctl->prefix, "seen", digest);
    status = otpctl_ask(ctl, (otp_span_t[]) { OTP_SPAN("GET"), otp_name_span(&name) }, 2, &reply);
    if (status == OTPCTL_DONE) {
        *alive = reply->kind == OTP_REPLY_TEXT && otp_span_number(reply->text, seen) == OTP_OK
            && now < session->expires && now - *seen < session->idle_s;
        otp_reply_destroy(reply);
    }
    return status;
}


static json_t *session_to_json(const otp_session_t *session, int64_t seen)
{
    return json_pack("{s:o, s:o, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "id", otpctl_json_span(session->id),
                     "user", otpctl_json_span(session->person.uid), "level", otp_level_name(session->level),
                     "method", otp_auth_name(session->method), "created", (json_int_t) session->created,
                     "auth_time", (json_int_t) session->auth_time, "otp_time", (json_int_t) session->otp_time,
                     "seen", (json_int_t) seen, "expires", (json_int_t) session->expires,
                     "serial", otpctl_json_span(session->serial));
}


static void print_session(const otp_session_t *session, int64_t seen)
{
    char created[OTPCTL_TIME_MAX], used[OTPCTL_TIME_MAX], expires[OTPCTL_TIME_MAX];

    printf("%.*s  %-16.*s  %-8s  %-9s  %s  %s  %s  %.*s\n", (int) session->id.len, session->id.data,
           (int) session->person.uid.len, session->person.uid.data, otp_level_name(session->level),
           otp_auth_name(session->method), otpctl_time_text(session->created, created),
           otpctl_time_text(seen, used), otpctl_time_text(session->expires, expires), (int) session->serial.len,
           session->serial.len ? session->serial.data : "");
}


static otpctl_status_t visit(otpctl_t *ctl, otp_span_t name, otp_span_t value, void *data)
{
    listing_t      *listing = data;
    otp_session_t   session;
    int64_t         seen = 0;
    bool            alive = false;
    otp_span_t      digest = { name.data + ctl->prefix.len + 6, name.len - ctl->prefix.len - 7 };
    otpctl_status_t status;

    /* What does not read is no session; it opens nothing and is none of anybody's. */
    if (value.len == 0 || digest.len != 2 * OTP_DIGEST_LEN
        || otp_session_read(ctl->ring, name, value, &session) != OTP_OK
        || (listing->uid && !otp_span_equal(session.person.uid, otp_span_of(listing->uid))))
    {
        return OTPCTL_DONE;
    }
    session.id = (otp_span_t) { digest.data, OTP_PUBLIC_ID_LEN };
    status = read_seen(ctl, digest, &session, &seen, &alive);
    if (status != OTPCTL_DONE || !alive) {
        return status;
    }
    if (!listing->list) {
        print_session(&session, seen);
        return OTPCTL_DONE;
    }
    return json_array_append_new(listing->list, session_to_json(&session, seen)) == 0 ? OTPCTL_DONE : OTPCTL_REFUSED;
}


otpctl_status_t otpctl_session_list_run(otpctl_t *ctl)
{
    char            uid[OTP_UID_LEN + 1];
    listing_t       listing = { .list = NULL };
    otpctl_names_t  names = { 0 };
    otpctl_status_t status = OTPCTL_DONE;

    if (ctl->options->user) {
        status = otpctl_uid(ctl->options->user, uid);
        listing.uid = uid;
    }
    if (ctl->options->given & OTPCTL_JSON) {
        listing.list = json_array();
    } else if (status == OTPCTL_DONE) {
        printf("%-12s  %-16s  %-8s  %-9s  %-25s  %-25s  %-25s  %s\n", "id", "user", "level", "method", "since",
               "last used", "until", "key");
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_scan(ctl, "sess:{*}", &names);
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_each(ctl, &names, visit, &listing);
    }
    otpctl_names_free(&names);
    if (status == OTPCTL_DONE && listing.list) {
        return (otpctl_status_t) otpctl_print_json(listing.list);
    }
    json_decref(listing.list);
    return status;
}
