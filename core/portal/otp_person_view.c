#include <stdio.h>
#include <string.h>

#include "core/decide/otp_manage.h"
#include "core/portal/otp_flow_private.h"

/* Keys, signals, requests, sessions and events as rows: of a page, where every row has all of its fields so that
 * none of an outer level shows through, or of the JSON answer. */


bool otp_row_text(json_t *row, const char *name, otp_span_t text)
{
    bool good = text.data != NULL && otp_utf8_valid(text);

    return json_object_set_new(row, name, json_stringn(good ? text.data : "", good ? text.len : 0)) == 0;
}


bool otp_row_flag(json_t *row, const char *name, bool value)
{
    return json_object_set_new(row, name, json_boolean(value)) == 0;
}


bool otp_row_number(json_t *row, const char *name, int64_t value)
{
    return json_object_set_new(row, name, json_integer(value)) == 0;
}


bool otp_row_time(const otp_flow_t *flow, json_t *row, const char *name, int64_t at_s)
{
    char text[OTP_TIME_TEXT_MAX];

    if (flow->json) {
        return json_object_set_new(row, name, at_s == 0 ? json_null() : json_integer(at_s)) == 0;
    }
    otp_time_text(flow->settings->zone, flow->settings->language[flow->language], at_s, text);

    return otp_row_text(row, name, otp_span_of(text));
}


/* `row` when all of it is there. */
OTP_MUST_USE static json_t *otp_row_done(json_t *row, bool complete)
{
    if (!complete) {
        json_decref(row);
        return NULL;
    }

    return row;
}


/* ---- keys ---- */

/* What only the helpdesk is shown. */
OTP_MUST_USE static bool otp_key_row_desk(const otp_flow_t *flow, json_t *row, const otp_key_t *key)
{
    return flow->route->access != OTP_ACCESS_AGENT || otp_row_number(row, "drift", key->drift);
}


otp_span_t otp_key_reason(const otp_key_t *key)
{
    otp_span_t reason = otp_manage_reason_before(key);

    return !otp_key_usable(key) && otp_manage_reason_known(reason) ? reason : OTP_SPAN("");
}


OTP_MUST_USE static bool otp_key_row_json(const otp_flow_t *flow, json_t *row, const otp_key_t *key)
{
    bool usable = otp_key_usable(key);

    return otp_row_text(row, "state", usable ? OTP_SPAN("usable") : OTP_SPAN("disabled"))
           && otp_row_text(row, "reason", otp_key_reason(key)) && otp_row_flag(row, "pin", key->pin.set)
           && otp_row_time(flow, row, "used", key->used) && otp_row_time(flow, row, "assigned", key->assigned);
}


OTP_MUST_USE static bool otp_key_row_page(const otp_flow_t *flow, json_t *row, const otp_key_t *key)
{
    bool       usable = otp_key_usable(key);
    otp_span_t reason = otp_key_reason(key);

    return otp_row_flag(row, "usable", usable) && otp_row_flag(row, "disabled", !usable)
           && otp_row_flag(row, "reason_lost", otp_span_equal(reason, OTP_SPAN("lost")))
           && otp_row_flag(row, "reason_stolen", otp_span_equal(reason, OTP_SPAN("stolen")))
           && otp_row_flag(row, "reason_broken", otp_span_equal(reason, OTP_SPAN("broken")))
           && otp_row_flag(row, "pin_set", key->pin.set) && otp_row_flag(row, "first_use", usable && !key->pin.set)
           && otp_row_flag(row, "event_key", !otp_type_rules(key->type)->timed)
           && otp_row_time(flow, row, "assigned_time", key->assigned)
           && otp_row_time(flow, row, "used_time", key->used);
}


json_t *otp_person_keys(const otp_flow_t *flow, const otp_account_t *account)
{
    json_t *rows = json_array();

    for (size_t i = 0; rows != NULL && i < account->keys; i++) {
        const otp_key_t *key = &account->key[i];
        json_t          *row = json_object();
        bool             complete;

        complete = otp_row_text(row, "serial", otp_span_of(key->serial))
                   && otp_row_text(row, "type", otp_span_of(otp_type_rules(key->type)->name))
                   && otp_key_row_desk(flow, row, key)
                   && (flow->json ? otp_key_row_json(flow, row, key) : otp_key_row_page(flow, row, key));
        if (json_array_append_new(rows, otp_row_done(row, complete)) != 0) {
            return otp_row_done(rows, false);
        }
    }

    return rows;
}


/* ---- signals; a lock is told and has no banner ---- */

OTP_MUST_USE static json_t *otp_signal_row(const otp_flow_t *flow, otp_signal_t signal, const otp_signal_note_t *note)
{
    static const otp_signal_t shown[] = {
        OTP_SIGNAL_CODE_WITHOUT_PIN, OTP_SIGNAL_PIN_WITHOUT_CODE, OTP_SIGNAL_REPLAY
    };
    json_t *row = json_object();
    char    name[40];
    bool    complete = otp_row_number(row, "count", note->count)
                       && otp_row_time(flow, row, flow->json ? "at" : "signal_time", note->at);

    if (flow->json) {
        return otp_row_done(row, complete && otp_row_text(row, "name", otp_span_of(otp_signal_name(signal))));
    }

    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        (void) snprintf(name, sizeof(name), "signal_%s", otp_signal_name(shown[i]));
        complete = complete && otp_row_flag(row, name, shown[i] == signal);
    }

    return otp_row_done(row, complete);
}


json_t *otp_person_signals(const otp_flow_t *flow, const otp_account_t *account)
{
    json_t *rows = json_array();

    for (int signal = OTP_SIGNAL_CODE_WITHOUT_PIN; rows != NULL && signal < OTP_SIGNAL_LOCKED; signal++) {
        const otp_signal_note_t *note = &account->signal[signal];

        if (note->at != 0
            && json_array_append_new(rows, otp_signal_row(flow, (otp_signal_t) signal, note)) != 0)
        {
            return otp_row_done(rows, false);
        }
    }

    return rows;
}


bool otp_person_signals_text(const otp_account_t *account, json_t *view)
{
    char         text[128];
    otp_buffer_t out;

    otp_buffer_init(&out, text, sizeof(text));
    for (int signal = OTP_SIGNAL_CODE_WITHOUT_PIN; signal < OTP_SIGNAL_LOCKED; signal++) {
        const otp_signal_note_t *note = &account->signal[signal];

        if (note->at != 0) {
            otp_buffer_add_text(&out, out.len == 0 ? "" : ",");
            otp_buffer_add_text(&out, otp_signal_name((otp_signal_t) signal));
            otp_buffer_add_char(&out, ':');
            otp_buffer_add_number(&out, note->at);
            otp_buffer_add_char(&out, ':');
            otp_buffer_add_number(&out, note->count);
        }
    }

    return otp_row_text(view, "signals_seen", otp_buffer_span(&out));
}


void otp_person_signals_read(otp_span_t text, otp_signal_note_t seen[OTP_SIGNALS])
{
    memset(seen, 0, OTP_SIGNALS * sizeof(seen[0]));
    while (text.data != NULL) {
        otp_span_t        one = otp_span_cut(&text, ','), name = otp_span_cut(&one, ':');
        otp_signal_note_t note = { .at = 0 };

        if (otp_span_number(otp_span_cut(&one, ':'), &note.at) != OTP_OK
            || otp_span_number(one, &note.count) != OTP_OK)
        {
            continue;
        }
        for (int signal = OTP_SIGNAL_CODE_WITHOUT_PIN; signal < OTP_SIGNAL_LOCKED; signal++) {
            if (otp_span_equal(name, otp_span_of(otp_signal_name((otp_signal_t) signal)))) {
                seen[signal] = note;
            }
        }
    }
}


/* ---- the request for a key ---- */

json_t *otp_person_request(const otp_flow_t *flow, const otp_account_t *account)
{
    const otp_activation_request_t *request = &account->request;
    json_t                         *row;

    if (request->state == OTP_ACTIVATION_NONE) {
        return json_null();
    }

    row = json_object();

    return otp_row_done(row, otp_row_text(row, "serial", otp_span_of(request->serial))
                             && otp_row_text(row, "state", request->state == OTP_ACTIVATION_WAITING
                                                           ? OTP_SPAN("waiting") : OTP_SPAN("rejected"))
                             && otp_row_time(flow, row, "at", request->at)
                             && otp_row_text(row, "reason", otp_span_of(request->reason)));
}


bool otp_person_request_view(const otp_flow_t *flow, const otp_account_t *account, json_t *view)
{
    const otp_activation_request_t *request = &account->request;

    if (request->state == OTP_ACTIVATION_NONE) {
        return true;
    }

    return otp_row_flag(view, request->state == OTP_ACTIVATION_WAITING ? "request_waiting" : "request_rejected", true)
           && otp_row_text(view, "request_serial", otp_span_of(request->serial))
           && otp_row_time(flow, view, "request_time", request->at)
           && otp_row_text(view, "request_reason", otp_span_of(request->reason));
}


/* ---- sessions ---- */

json_t *otp_person_session(const otp_flow_t *flow, const otp_session_t *session)
{
    json_t *row = json_object();
    bool    complete = otp_row_text(row, "id", session->id)
                       && otp_row_flag(row, "current", otp_span_equal(session->id, flow->session.id));

    if (flow->json) {
        return otp_row_done(row, complete && otp_row_time(flow, row, "created", session->created)
                                 && otp_row_text(row, "level", otp_span_of(otp_level_name(session->level)))
                                 && otp_row_text(row, "method", otp_span_of(otp_auth_name(session->method)))
                                 && otp_row_time(flow, row, "expires", session->expires));
    }

    return otp_row_done(row, complete && otp_row_time(flow, row, "created_time", session->created)
                             && otp_row_time(flow, row, "expires_time", session->expires)
                             && otp_row_flag(row, "by_password", session->method == OTP_AUTH_PASSWORD)
                             && otp_row_flag(row, "by_key", session->method == OTP_AUTH_KEY)
                             && otp_row_flag(row, "by_emergency", session->method == OTP_AUTH_EMERGENCY));
}


/* ---- events ---- */

/* What an agent writes about somebody is for the helpdesk; from where they work is nobody else's business. */
OTP_MUST_USE static otp_span_t otp_event_member(const otp_flow_t *flow, const json_t *event, const char *name)
{
    bool desk = flow->route->access == OTP_ACCESS_AGENT, by_other = json_object_get(event, "actor") != NULL;

    if (!desk && (strcmp(name, "note") == 0 || (by_other && strcmp(name, "address") == 0))) {
        return OTP_SPAN("");
    }

    return otp_span_of(json_string_value(json_object_get(event, name)));
}


/* A flag of a list, "event_" + name; the last one when it is none of them. */
OTP_MUST_USE static bool otp_event_flag(json_t *row, const char *prefix, const char *const *names, size_t count,
    otp_span_t value)
{
    char   flag[48];
    size_t i = 0;

    while (i + 1 < count && !otp_span_equal(otp_span_of(names[i]), value)) {
        i++;
    }
    (void) snprintf(flag, sizeof(flag), "%s_%s", prefix, names[i]);

    return otp_row_flag(row, flag, true);
}


OTP_MUST_USE static bool otp_event_flags(json_t *row, const json_t *event)
{
    static const char *const events[] = {
        "password", "passcode", "next_code", "pin", "pin_change", "logout", "key_assign", "key_unassign",
        "key_disable", "key_enable", "key_resync", "pin_clear", "user_unlock", "emergency", "emergency_revoke",
        "session_revoke", "request", "request_approve", "request_reject", "signals_seen", "key_mixup", "other"
    };
    static const char *const verdicts[] = {
        "ok", "denied", "throttled", "already_used", "pin_required", "next_code", "wait_next_code", "pin_refused",
        "found", "other"
    };
    static const char *const signals[] = { "code_without_pin", "pin_without_code", "replay", "locked", "other" };
    otp_span_t               name = otp_span_of(json_string_value(json_object_get(event, "event")));
    otp_span_t               verdict = otp_span_of(json_string_value(json_object_get(event, "verdict")));
    otp_span_t               signal = otp_span_of(json_string_value(json_object_get(event, "signal")));

    return otp_event_flag(row, "event", events, sizeof(events) / sizeof(events[0]), name)
           && (verdict.len == 0
               || otp_event_flag(row, "verdict", verdicts, sizeof(verdicts) / sizeof(verdicts[0]), verdict))
           && (signal.len == 0 || otp_event_flag(row, "signal", signals, sizeof(signals) / sizeof(signals[0]), signal));
}


/* Which other key showed the code names a colleague's: that is for the helpdesk. */
OTP_MUST_USE static bool otp_event_shown(const otp_flow_t *flow, const json_t *event)
{
    otp_span_t name = otp_span_of(json_string_value(json_object_get(event, "event")));

    return flow->route->access == OTP_ACCESS_AGENT || !otp_span_equal(name, OTP_SPAN("key_mixup"));
}


/* Every member a text, and a time that is one: what is otherwise is no event of ours. */
OTP_MUST_USE static bool otp_event_valid(const json_t *event, int64_t *at_s)
{
    void       *at;
    const char *time = json_string_value(json_object_get(event, "time"));

    for (at = json_object_iter((json_t *) (uintptr_t) event); at != NULL;
         at = json_object_iter_next((json_t *) (uintptr_t) event, at))
    {
        if (!json_is_string(json_object_iter_value(at))) {
            return false;
        }
    }

    return time != NULL && otp_time_of_event(otp_span_of(time), at_s)
           && json_object_get(event, "event") != NULL;
}


/* Reasons that are words of a program become flags; what somebody has written stays a text. */
OTP_MUST_USE static bool otp_event_reason(json_t *row, const json_t *event)
{
    otp_span_t reason = otp_span_of(json_string_value(json_object_get(event, "reason")));
    otp_span_t name = otp_span_of(json_string_value(json_object_get(event, "event")));

    return otp_row_flag(row, "reason_lost", otp_span_equal(reason, OTP_SPAN("lost")))
           && otp_row_flag(row, "reason_stolen", otp_span_equal(reason, OTP_SPAN("stolen")))
           && otp_row_flag(row, "reason_broken", otp_span_equal(reason, OTP_SPAN("broken")))
           && otp_row_flag(row, "reason_emergency", otp_span_equal(reason, OTP_SPAN("emergency")))
           && otp_row_flag(row, "reason_emergency_ended", otp_span_equal(reason, OTP_SPAN("emergency_ended")))
           && otp_row_text(row, "reason", otp_span_equal(name, OTP_SPAN("request_reject")) ? reason : OTP_SPAN(""));
}


OTP_MUST_USE static json_t *otp_event_row(const otp_flow_t *flow, const json_t *event, int64_t at_s)
{
    static const char *const members[] = {
        "event", "verdict", "address", "serial", "signal", "actor", "reason", "note"
    };
    json_t *row = json_object();
    bool    complete = flow->json ? otp_row_text(row, "time", otp_event_member(flow, event, "time"))
                                  : otp_row_time(flow, row, "event_time", at_s) && otp_event_flags(row, event);

    for (size_t i = 0; complete && i < sizeof(members) / sizeof(members[0]); i++) {
        otp_span_t text = otp_event_member(flow, event, members[i]);

        complete = (flow->json && text.len == 0) || otp_row_text(row, members[i], text);
    }

    return otp_row_done(row, complete && (flow->json || otp_event_reason(row, event)));
}


json_t *otp_person_event(const otp_flow_t *flow, otp_span_t line)
{
    int64_t at_s;
    json_t *event = otp_json_object(line), *row = json_null();

    if (event != NULL && otp_event_valid(event, &at_s) && otp_event_shown(flow, event)) {
        row = otp_event_row(flow, event, at_s);
    }
    json_decref(event);

    return row;
}
