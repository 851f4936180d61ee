#include <stdlib.h>
#include <time.h>

#include "otpctl/otpctl_audit.h"
#include "otpctl/otpctl_print.h"

#define TAIL        10      /* events --follow begins with */
#define TAIL_PAGE   "200"   /* of each stream, among which they are looked for */
#define BLOCK_MS    1000
#define BLOCK       "1000"
#define LOOK_MS     500     /* between two looks at the streams of a cluster */

typedef struct {
    otpctl_event_id_t id;
    otp_span_t line;
} found_t;

static int compare(const void *a, const void *b)
{
    const found_t *left = a, *right = b;

    return otpctl_audit_earlier(left->id, right->id) ? -1 : otpctl_audit_earlier(right->id, left->id);
}


/* Collects the wanted entries of `reply`, an array of entries; returns how many there are now. */
static size_t collect(const otpctl_audit_t *audit, otpctl_stream_t *stream, const otp_reply_t *reply, found_t *found,
    size_t n, size_t max)
{
    for (size_t i = 0; i < reply->elements && n < max; i++) {
        const otp_reply_t *entry = &reply->element[i];

        if (entry->elements != 2 || entry->element[0].text.len == 0) {
            continue;
        }
        otpctl_event_id_t id = otpctl_audit_id(entry->element[0].text);

        if (!otpctl_audit_earlier(id, otpctl_audit_id(otp_span_of(stream->last)))) {
            otpctl_audit_keep(stream, entry->element[0].text);
        }
        if (otpctl_audit_wanted(audit, otpctl_audit_line(entry))) {
            found[n++] = (found_t) { id, otpctl_audit_line(entry) };
        }
    }
    return n;
}


static void print_found(const otpctl_audit_t *audit, found_t *found, size_t n, size_t last)
{
    qsort(found, n, sizeof(*found), compare);
    for (size_t i = n > last ? n - last : 0; i < n; i++) {
        otpctl_audit_print(audit, found[i].line);
    }
    fflush(stdout);
}


otpctl_status_t otpctl_audit_tail(otpctl_audit_t *audit)
{
    static found_t  found[OTP_TAGS * 200];
    size_t          n = 0;
    otpctl_status_t status = OTPCTL_DONE;

    for (size_t i = 0; i < OTP_TAGS && status == OTPCTL_DONE; i++) {
        otpctl_stream_t *stream = &audit->stream[i];
        otp_span_t arg[] = {
            OTP_SPAN("XREVRANGE"), otp_name_span(&stream->name), OTP_SPAN("+"), OTP_SPAN("-"), OTP_SPAN("COUNT"),
            OTP_SPAN(TAIL_PAGE)
        };

        status = otpctl_ask(audit->ctl, arg, sizeof(arg) / sizeof(arg[0]), &stream->page);
        if (status == OTPCTL_DONE) {
            n = collect(audit, stream, stream->page, found, n, sizeof(found) / sizeof(found[0]));
        }
    }
    if (status == OTPCTL_DONE) {
        print_found(audit, found, n, TAIL);
    }
    return status;
}


/* XREAD's answer is [[name, [entry, …]], …] of the streams that have something new. */
static otpctl_status_t print_news(otpctl_audit_t *audit, const otp_reply_t *reply)
{
    size_t   total = 0, n = 0;
    found_t *found;

    for (size_t i = 0; i < reply->elements; i++) {
        total += reply->element[i].elements == 2 ? reply->element[i].element[1].elements : 0;
    }
    found = calloc(total + 1, sizeof(*found));
    if (!found) {
        otpctl_say("out of memory");
        return OTPCTL_REFUSED;
    }
    for (size_t i = 0; i < reply->elements; i++) {
        const otp_reply_t *one = &reply->element[i];

        for (size_t j = 0; one->elements == 2 && j < OTP_TAGS; j++) {
            if (otp_span_equal(one->element[0].text, otp_name_span(&audit->stream[j].name))) {
                n = collect(audit, &audit->stream[j], &one->element[1], found, n, total);
            }
        }
    }
    print_found(audit, found, n, n);
    free(found);
    return OTPCTL_DONE;
}


static otpctl_status_t told_why(otpctl_t *ctl, const otp_reply_t *reply)
{
    otpctl_say("%.*s", reply ? (int) reply->text.len : 400, reply ? reply->text.data : otpctl_redis_error(ctl->redis));
    return reply && !otpctl_redis_away(reply->text) ? OTPCTL_REFUSED : OTPCTL_UNREACHABLE;
}


/* All streams in one command, which answers when there is something, or after a second. */
static otpctl_status_t wait_for_news(otpctl_audit_t *audit)
{
    otpctl_t       *ctl = audit->ctl;
    otpctl_status_t status = OTPCTL_DONE;
    otp_span_t      arg[6 + 2 * OTP_TAGS] = {
        OTP_SPAN("XREAD"), OTP_SPAN("COUNT"), OTP_SPAN(OTPCTL_AUDIT_PAGE), OTP_SPAN("BLOCK"), OTP_SPAN(BLOCK),
            OTP_SPAN("STREAMS")
    };

    for (size_t i = 0; i < OTP_TAGS; i++) {
        arg[6 + i] = otp_name_span(&audit->stream[i].name);
        arg[6 + OTP_TAGS + i] = otp_span_of(audit->stream[i].last);
    }
    otp_reply_t *reply = otpctl_redis_ask(ctl->redis, arg, sizeof(arg) / sizeof(arg[0]), BLOCK_MS);

    if (!reply || reply->kind == OTP_REPLY_ERROR) {
        status = told_why(ctl, reply);
    } else if (reply->kind == OTP_REPLY_ARRAY) {
        status = print_news(audit, reply);
    }
    otp_reply_destroy(reply);
    return status;
}


/* In a cluster one command has the streams of one slot only, and waiting for one would keep the others waiting: each is
 * looked at, twice a second. */
static otpctl_status_t look_for_news(otpctl_audit_t *audit)
{
    struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
    otp_command_t   command[OTP_TAGS];
    otp_reply_t    *reply[OTP_TAGS], all = { .kind = OTP_REPLY_ARRAY }, element[OTP_TAGS];
    otpctl_status_t status = OTPCTL_DONE;

    for (size_t i = 0; i < OTP_TAGS; i++) {
        command[i] = (otp_command_t) {
            .arg = { OTP_SPAN("XREAD"), OTP_SPAN("COUNT"), OTP_SPAN(OTPCTL_AUDIT_PAGE), OTP_SPAN("STREAMS"),
                     otp_name_span(&audit->stream[i].name), otp_span_of(audit->stream[i].last) },
            .args = 6
        };
    }
    if (!otpctl_redis_ask_many(audit->ctl->redis, command, OTP_TAGS, reply)) {
        status = told_why(audit->ctl, NULL);
    }
    for (size_t i = 0; i < OTP_TAGS && status == OTPCTL_DONE; i++) {
        if (reply[i]->kind == OTP_REPLY_ERROR) {
            status = told_why(audit->ctl, reply[i]);
        } else if (reply[i]->kind == OTP_REPLY_ARRAY && reply[i]->elements == 1) {
            element[all.elements++] = reply[i]->element[0];
        }
    }
    all.element = element;
    if (status == OTPCTL_DONE) {
        status = print_news(audit, &all);
    }
    for (size_t i = 0; i < OTP_TAGS; i++) {
        otp_reply_destroy(reply[i]);
    }
    if (status == OTPCTL_DONE) {
        (void) nanosleep(&pause, NULL);
    }
    return status;
}


otpctl_status_t otpctl_audit_follow(otpctl_audit_t *audit)
{
    otpctl_status_t status = OTPCTL_DONE;

    while (status == OTPCTL_DONE && !ferror(stdout)) {
        status = audit->ctl->address.cluster ? look_for_news(audit) : wait_for_news(audit);
    }
    return status;
}
