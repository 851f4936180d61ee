#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/otp_buffer.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_store.h"

#define PAGE        "500"   /* events read at once from a stream */
#define TAIL        10      /* events --follow begins with */
#define TAIL_PAGE   "200"   /* of each stream, among which they are looked for */
#define BLOCK_MS    1000
#define BLOCK       "1000"
#define ID_MAX      44

/* The place of an event in a stream, in Redis' order: "MILLISECONDS-SEQUENCE". */
typedef struct {
    uint64_t ms, sequence;
} event_id_t;

/* One of the 16 streams: the page being read, and where in it. */
typedef struct {
    otp_name_t   name;
    otp_reply_t *page;
    size_t       at;
    char         last[ID_MAX];      /* id of the last event taken; "0" at first */
} stream_t;

typedef struct {
    otpctl_t *ctl;
    bool      only, pretty;
    char      uid[OTP_UID_LEN + 1];
    stream_t  stream[OTP_TAGS];
} audit_t;

static event_id_t parse_id(otp_span_t text)
{
    char       copy[ID_MAX] = "";
    char      *end;
    event_id_t id;

    memcpy(copy, text.data, text.len < ID_MAX - 1 ? text.len : ID_MAX - 1);
    id.ms = strtoull(copy, &end, 10);
    id.sequence = *end == '-' ? strtoull(end + 1, NULL, 10) : 0;
    return id;
}


static bool earlier(event_id_t a, event_id_t b)
{
    return a.ms < b.ms || (a.ms == b.ms && a.sequence < b.sequence);
}


/* An entry is [id, [field, value, …]].  The line in the field `e`; empty when it has another form. */
static otp_span_t line_of(const otp_reply_t *entry)
{
    const otp_reply_t *fields = entry->elements == 2 ? &entry->element[1] : NULL;

    for (size_t i = 0; fields && i + 1 < fields->elements; i += 2) {
        if (otp_span_equal(fields->element[i].text, OTP_SPAN("e"))) {
            return fields->element[i + 1].text;
        }
    }
    return OTP_SPAN_NONE;
}


/* One event for a person at a terminal: time, event, verdict, then the rest as name=value. */
static void print_pretty(const json_t *event)
{
    const char *name, *first[] = { "time", "event", "verdict" };
    json_t     *value;

    for (size_t i = 0; i < 3; i++) {
        const char *text = json_string_value(json_object_get(event, first[i]));

        fputs(i ? " " : "", stdout);
        otpctl_print_text(otp_span_of(text ? text : "-"));
    }
    json_object_foreach((json_t *) (uintptr_t) event, name, value) {
        const char *text = json_string_value(value);

        if (text && strcmp(name, "time") != 0 && strcmp(name, "event") != 0 && strcmp(name, "verdict") != 0) {
            putchar(' ');
            otpctl_print_text(otp_span_of(name));
            putchar('=');
            otpctl_print_text(otp_span_of(text));
        }
    }
    putchar('\n');
}


static json_t *parse_line(otp_span_t line)
{
    return line.len ? json_loadb(line.data, line.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
}


static bool wanted(const audit_t *audit, otp_span_t line)
{
    json_t     *event = parse_line(line);
    const char *user = json_string_value(json_object_get(event, "user"));
    bool        is = event && (!audit->only || (user && strcmp(user, audit->uid) == 0));

    json_decref(event);
    return is;
}


static void print_line(const audit_t *audit, otp_span_t line)
{
    json_t *event = parse_line(line);

    if (audit->pretty) {
        print_pretty(event);
    } else {
        /* Written anew, not copied: whoever writes to Redis gets no second line and no escape sequence. */
        (void) json_dumpf(event, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        putchar('\n');
    }
    json_decref(event);
}


/* Loads the next page of a stream once the one at hand is used up. */
static otpctl_status_t load(audit_t *audit, stream_t *stream)
{
    char            start[ID_MAX + 1];

    if (stream->page && (stream->at < stream->page->elements || stream->page->elements == 0)) {
        return OTPCTL_DONE;
    }
    otp_reply_destroy(stream->page);
    stream->at = 0;
    (void) snprintf(start, sizeof(start), "(%s", stream->last);
    otp_span_t arg[] = {
        OTP_SPAN("XRANGE"), otp_name_span(&stream->name), otp_span_of(strcmp(stream->last, "0") ? start : "-"),
        OTP_SPAN("+"), OTP_SPAN("COUNT"), OTP_SPAN(PAGE)
    };

    return otpctl_ask(audit->ctl, arg, sizeof(arg) / sizeof(arg[0]), &stream->page);
}


static void keep_id(stream_t *stream, otp_span_t id)
{
    size_t len = id.len < ID_MAX - 1 ? id.len : ID_MAX - 1;

    memcpy(stream->last, id.data, len);
    stream->last[len] = '\0';
}


/* The entry at hand; NULL at the end of the stream. */
static const otp_reply_t *head(const stream_t *stream)
{
    for (size_t i = stream->at; stream->page && i < stream->page->elements; i++) {
        const otp_reply_t *entry = &stream->page->element[i];

        if (entry->elements == 2 && entry->element[0].text.len) {
            return entry;
        }
    }
    return NULL;
}


static stream_t *earliest(audit_t *audit)
{
    stream_t  *first = NULL;
    event_id_t first_id = { 0, 0 };

    for (size_t i = 0; i < OTP_TAGS; i++) {
        const otp_reply_t *entry = head(&audit->stream[i]);

        if (entry && (!first || earlier(parse_id(entry->element[0].text), first_id))) {
            first = &audit->stream[i];
            first_id = parse_id(entry->element[0].text);
        }
    }
    return first;
}


/* All events, merged in the order of their times.  Ends early when nobody reads any more. */
static otpctl_status_t print_all(audit_t *audit)
{
    otpctl_status_t status = OTPCTL_DONE;
    stream_t       *stream;

    for (size_t i = 0; i < OTP_TAGS && status == OTPCTL_DONE; i++) {
        status = load(audit, &audit->stream[i]);
    }
    while (status == OTPCTL_DONE && !ferror(stdout) && (stream = earliest(audit))) {
        const otp_reply_t *entry = head(stream);
        otp_span_t         line = line_of(entry);

        if (wanted(audit, line)) {
            print_line(audit, line);
        }
        keep_id(stream, entry->element[0].text);
        stream->at = (size_t) (entry - stream->page->element) + 1;
        status = load(audit, stream);
    }
    return status;
}


typedef struct {
    event_id_t id;
    otp_span_t line;
} found_t;

static int compare(const void *a, const void *b)
{
    const found_t *left = a, *right = b;

    return earlier(left->id, right->id) ? -1 : earlier(right->id, left->id);
}


/* Collects the wanted entries of `reply`, an array of entries; returns how many there are now. */
static size_t collect(const audit_t *audit, stream_t *stream, const otp_reply_t *reply, found_t *found, size_t n,
    size_t max)
{
    for (size_t i = 0; i < reply->elements && n < max; i++)
{
        const otp_reply_t *entry = &reply->element[i];

        if (entry->elements != 2 || entry->element[0].text.len == 0) {
            continue;
        }
        event_id_t id = parse_id(entry->element[0].text);

        if (!earlier(id, parse_id(otp_span_of(stream->last)))) {
            keep_id(stream, entry->element[0].text);
        }
        if (wanted(audit, line_of(entry))) {
            found[n++] = (found_t) { id, line_of(entry) };
        }
    }
    return n;
}


static void print_found(const audit_t *audit, found_t *found, size_t n, size_t last)
{
    qsort(found, n, sizeof(*found), compare);
    for (size_t i = n > last ? n - last : 0; i < n; i++) {
        print_line(audit, found[i].line);
    }
    fflush(stdout);
}


/* The last events there are; every stream's place is then its end. */
static otpctl_status_t print_tail(audit_t *audit)
{
    static found_t  found[OTP_TAGS * 200];
    size_t          n = 0;
    otpctl_status_t status = OTPCTL_DONE;

    for (size_t i = 0; i < OTP_TAGS && status == OTPCTL_DONE; i++) {
        stream_t  *stream = &audit->stream[i];
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
static otpctl_status_t print_news(audit_t *audit, const otp_reply_t *reply)
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


static otpctl_status_t follow(audit_t *audit)
{
    otpctl_t       *ctl = audit->ctl;
    otpctl_status_t status = OTPCTL_DONE;

    while (status == OTPCTL_DONE && !ferror(stdout)) {
        otp_span_t arg[6 + 2 * OTP_TAGS] = {
            OTP_SPAN("XREAD"), OTP_SPAN("COUNT"), OTP_SPAN(PAGE), OTP_SPAN("BLOCK"), OTP_SPAN(BLOCK),
                OTP_SPAN("STREAMS")
        };

        for (size_t i = 0; i < OTP_TAGS; i++) {
            arg[6 + i] = otp_name_span(&audit->stream[i].name);
            arg[6 + OTP_TAGS + i] = otp_span_of(audit->stream[i].last);
        }
        otp_reply_t *reply = otpctl_redis_ask(ctl->redis, arg, sizeof(arg) / sizeof(arg[0]), BLOCK_MS);

        if (!reply || reply->kind == OTP_REPLY_ERROR) {
            otpctl_say("%.*s", reply ? (int) reply->text.len : 400, reply ? reply->text.data
                       : otpctl_redis_error(ctl->redis));
            status = reply && !otpctl_redis_away(reply->text) ? OTPCTL_REFUSED : OTPCTL_UNREACHABLE;
        } else if (reply->kind == OTP_REPLY_ARRAY) {
            status = print_news(audit, reply);
        }
        otp_reply_destroy(reply);
    }
    return status;
}


otpctl_status_t otpctl_audit_run(otpctl_t *ctl)
{
    static audit_t  audit;
    bool            json = ctl->options->given & OTPCTL_JSON;
    otpctl_status_t status = OTPCTL_DONE;

    audit.ctl = ctl;
    audit.only = ctl->options->user != NULL;
    audit.pretty = !json && isatty(STDOUT_FILENO);
    if (audit.only) {
        status = otpctl_uid(ctl->options->user, audit.uid);
    }
    for (unsigned i = 0; i < OTP_TAGS; i++) {
        otp_name_events_tag(&audit.stream[i].name, ctl->prefix, i);
        memcpy(audit.stream[i].last, "0", 2);
    }
    if (status == OTPCTL_DONE) {
        status = ctl->options->given & OTPCTL_FOLLOW ? print_tail(&audit) : print_all(&audit);
    }
    if (status == OTPCTL_DONE && ctl->options->given & OTPCTL_FOLLOW) {
        status = follow(&audit);
    }
    for (size_t i = 0; i < OTP_TAGS; i++) {
        otp_reply_destroy(audit.stream[i].page);
    }
    return status;
}
