#include "otpctl/otpctl_audit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "otpctl/otpctl_print.h"

otpctl_event_id_t otpctl_audit_id(otp_span_t text)
{
    char              copy[OTPCTL_STREAM_ID_MAX] = "";
    char             *end;
    otpctl_event_id_t id;

    if (text.len) {
        memcpy(copy, text.data, text.len < OTPCTL_STREAM_ID_MAX - 1 ? text.len : OTPCTL_STREAM_ID_MAX - 1);
    }
    id.ms = strtoull(copy, &end, 10);
    id.sequence = *end == '-' ? strtoull(end + 1, NULL, 10) : 0;
    return id;
}


bool otpctl_audit_earlier(otpctl_event_id_t a, otpctl_event_id_t b)
{
    return a.ms < b.ms || (a.ms == b.ms && a.sequence < b.sequence);
}


otp_span_t otpctl_audit_line(const otp_reply_t *entry)
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


bool otpctl_audit_wanted(const otpctl_audit_t *audit, otp_span_t line)
{
    json_t     *event = parse_line(line);
    const char *user = json_string_value(json_object_get(event, "user"));
    bool        is = event && (!audit->only || (user && strcmp(user, audit->uid) == 0));

    json_decref(event);
    return is;
}


void otpctl_audit_print(const otpctl_audit_t *audit, otp_span_t line)
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
static otpctl_status_t load(otpctl_audit_t *audit, otpctl_stream_t *stream)
{
    char            start[OTPCTL_STREAM_ID_MAX + 1];

    if (stream->page && (stream->at < stream->page->elements || stream->page->elements == 0)) {
        return OTPCTL_DONE;
    }
    otp_reply_destroy(stream->page);
    stream->at = 0;
    (void) snprintf(start, sizeof(start), "(%s", stream->last);
    otp_span_t arg[] = {
        OTP_SPAN("XRANGE"), otp_name_span(&stream->name), otp_span_of(strcmp(stream->last, "0") ? start : "-"),
        OTP_SPAN("+"), OTP_SPAN("COUNT"), OTP_SPAN(OTPCTL_AUDIT_PAGE)
    };

    return otpctl_ask(audit->ctl, arg, sizeof(arg) / sizeof(arg[0]), &stream->page);
}


void otpctl_audit_keep(otpctl_stream_t *stream, otp_span_t id)
{
    size_t len = id.len < OTPCTL_STREAM_ID_MAX - 1 ? id.len : OTPCTL_STREAM_ID_MAX - 1;

    memcpy(stream->last, id.data, len);
    stream->last[len] = '\0';
}


/* The entry at hand; NULL at the end of the stream. */
static const otp_reply_t *head(const otpctl_stream_t *stream)
{
    for (size_t i = stream->at; stream->page && i < stream->page->elements; i++) {
        const otp_reply_t *entry = &stream->page->element[i];

        if (entry->elements == 2 && entry->element[0].text.len) {
            return entry;
        }
    }
    return NULL;
}


static otpctl_stream_t *earliest(otpctl_audit_t *audit)
{
    otpctl_stream_t  *first = NULL;
    otpctl_event_id_t first_id = { 0, 0 };

    for (size_t i = 0; i < OTP_TAGS; i++) {
        const otp_reply_t *entry = head(&audit->stream[i]);

        if (entry && (!first || otpctl_audit_earlier(otpctl_audit_id(entry->element[0].text), first_id))) {
            first = &audit->stream[i];
            first_id = otpctl_audit_id(entry->element[0].text);
        }
    }
    return first;
}


/* All events, merged in the order of their times.  Ends early when nobody reads any more. */
static otpctl_status_t print_all(otpctl_audit_t *audit)
{
    otpctl_status_t status = OTPCTL_DONE;
    otpctl_stream_t *stream;

    for (size_t i = 0; i < OTP_TAGS && status == OTPCTL_DONE; i++) {
        status = load(audit, &audit->stream[i]);
    }
    while (status == OTPCTL_DONE && !ferror(stdout) && (stream = earliest(audit))) {
        const otp_reply_t *entry = head(stream);
        otp_span_t         line = otpctl_audit_line(entry);

        if (otpctl_audit_wanted(audit, line)) {
            otpctl_audit_print(audit, line);
        }
        otpctl_audit_keep(stream, entry->element[0].text);
        stream->at = (size_t) (entry - stream->page->element) + 1;
        status = load(audit, stream);
    }
    return status;
}


otpctl_status_t otpctl_audit_run(otpctl_t *ctl)
{
    static otpctl_audit_t audit;
    bool                  json = ctl->options->given & OTPCTL_JSON;
    otpctl_status_t       status = OTPCTL_DONE;

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
        status = ctl->options->given & OTPCTL_FOLLOW ? otpctl_audit_tail(&audit) : print_all(&audit);
    }
    if (status == OTPCTL_DONE && ctl->options->given & OTPCTL_FOLLOW) {
        status = otpctl_audit_follow(&audit);
    }
    for (size_t i = 0; i < OTP_TAGS; i++) {
        otp_reply_destroy(audit.stream[i].page);
    }
    return status;
}
