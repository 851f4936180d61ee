#include "core/model/otp_event.h"

#include <stdio.h>
#include <time.h>

#include "core/model/otp_json.h"


/* RFC 3339, UTC, milliseconds. */
static json_t *otp_event_time(int64_t time_ms)
{
    char      text[48];
    time_t    seconds = (time_t) (time_ms / 1000);
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL) {
        return NULL;
    }
    (void) snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int) (time_ms % 1000));

    return json_string(text);
}


otp_status_t otp_event_write(const otp_event_t *event, char *line, size_t size, size_t *len)
{
    const struct {
        const char *name;
        otp_span_t  value;
    } members[] = {
        { "event", event->event }, { "verdict", event->verdict }, { "user", event->user },
        { "address", event->address }, { "serial", event->serial }, { "signal", event->signal },
        { "session", event->session }, { "actor", event->actor }, { "reason", event->reason },
        { "note", event->note }, { "request", event->request },
    };
    json_t *object = json_pack("{s:o}", "time", otp_event_time(event->time_ms));

    for (size_t i = 0; object != NULL && i < sizeof(members) / sizeof(members[0]); i++) {
        if (!otp_json_set_span(object, members[i].name, members[i].value)) {
            json_decref(object);
            return OTP_FAILED;
        }
    }

    return otp_json_write(object, line, size, len);
}


/* The word after `mark`, which is what comes next in `*rest`. */
static bool otp_event_word(otp_span_t *rest, otp_span_t mark, otp_span_t *word)
{
    if (!otp_span_starts(*rest, mark)) {
        return false;
    }
    rest->data += mark.len;
    rest->len -= mark.len;
    *word = otp_span_cut(rest, '"');

    return rest->data != NULL;
}


bool otp_event_words(otp_span_t line, otp_span_t *event, otp_span_t *verdict)
{
    otp_span_t time;

    /* These three come first, in this order, and hold nothing that JSON would write otherwise. */
    return otp_event_word(&line, OTP_SPAN("{\"time\":\""), &time)
           && otp_event_word(&line, OTP_SPAN(",\"event\":\""), event)
           && otp_event_word(&line, OTP_SPAN(",\"verdict\":\""), verdict);
}
