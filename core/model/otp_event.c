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
