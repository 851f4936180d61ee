#include <stdio.h>

#include "core/base/otp_buffer.h"
#include "core/portal/otp_flow_private.h"

/* What an agent can do, and the pages that ask whether one is sure and that show an emergency password. */

static const otp_desk_action_t otp_desk_actions[] = {
    { "pin-clear", OTP_ACTION_PIN_CLEAR, false, false, false, false, false },
    { "key-assign", OTP_ACTION_KEY_ASSIGN, true, false, false, false, false },
    { "key-unassign", OTP_ACTION_KEY_UNASSIGN, true, false, false, false, false },
    { "key-disable", OTP_ACTION_KEY_DISABLE, true, true, false, false, true },
    { "key-enable", OTP_ACTION_KEY_ENABLE, true, false, false, false, true },
    { "emergency", OTP_ACTION_EMERGENCY_ISSUE, false, false, false, false, false },
    { "emergency-revoke", OTP_ACTION_EMERGENCY_REVOKE, false, false, false, false, false },
    { "unlock", OTP_ACTION_UNLOCK, false, false, false, false, false },
    { "sessions-revoke", OTP_ACTION_SESSIONS_REVOKE, false, false, false, false, false },
    { "approve", OTP_ACTION_REQUEST_APPROVE, false, false, false, true, false },
    { "reject", OTP_ACTION_REQUEST_REJECT, false, false, true, true, false },
};


const otp_desk_action_t *otp_desk_action_find(otp_span_t path, bool request)
{
    for (size_t i = 0; i < sizeof(otp_desk_actions) / sizeof(otp_desk_actions[0]); i++) {
        if (otp_desk_actions[i].request == request && otp_span_equal(otp_span_of(otp_desk_actions[i].path), path)) {
            return &otp_desk_actions[i];
        }
    }

    return NULL;
}


bool otp_desk_action_flag(json_t *view, const char *prefix, const otp_desk_action_t *action)
{
    char flag[40];

    (void) snprintf(flag, sizeof(flag), "%s_%s", prefix, action->path);
    for (char *c = flag; *c != '\0'; c++) {
        *c = *c == '-' ? '_' : *c;
    }

    return otp_row_flag(view, flag, true);
}


void otp_desk_where(const otp_flow_t *flow, const otp_desk_action_t *done, char where[OTP_WHERE_MAX])
{
    otp_buffer_t out;

    otp_buffer_init(&out, where, OTP_WHERE_MAX - 1);
    if (done->request) {
        otp_buffer_add_text(&out, "helpdesk/requests");
    } else {
        otp_buffer_add_text(&out, "helpdesk/user/");
        otp_buffer_add_percent(&out, otp_span_of(flow->subject.uid));
    }
    otp_buffer_add_text(&out, "?done=");
    otp_buffer_add_text(&out, done->path);
    where[otp_buffer_span(&out).len] = '\0';
}


bool otp_desk_done_view(otp_flow_t *flow, json_t *view, bool request)
{
    const otp_desk_action_t *done = otp_desk_action_find(otp_form_get(&flow->query, "done"), request);
    char                     where[OTP_WHERE_MAX];

    if (done == NULL) {
        return true;
    }
    otp_desk_where(flow, done, where);

    return !otp_told(flow, where) || otp_desk_action_flag(view, "done", done);
}


otp_span_t otp_desk_field(const otp_flow_t *flow, const char *name)
{
    const otp_form_t *typed = flow->request->method == OTP_REQUEST_POST ? &flow->form : &flow->query;

    return otp_span_trim(otp_form_get(typed, name));
}


OTP_MUST_USE static bool otp_confirm_address(otp_flow_t *flow, json_t *view)
{
    char         text[OTP_LOCATION_MAX];
    otp_buffer_t out;

    otp_buffer_init(&out, text, sizeof(text));
    otp_buffer_add(&out, flow->settings->portal);
    otp_buffer_add_text(&out, flow->acting.what->request ? "helpdesk/requests/" : "helpdesk/user/");
    otp_buffer_add_percent(&out, otp_span_of(flow->acting.what->request ? flow->serial : flow->subject.uid));
    otp_buffer_add_char(&out, '/');
    otp_buffer_add_text(&out, flow->acting.what->path);

    return otp_row_text(view, "action", otp_buffer_span(&out));
}


OTP_MUST_USE static bool otp_confirm_person(otp_flow_t *flow, json_t *view)
{
    return otp_row_text(view, "person", otp_span_of(flow->subject.uid))
           && otp_row_text(view, "person_name", otp_subject_name(&flow->subject))
           && otp_desk_address_set(flow, view, "person_address", otp_span_of(flow->subject.uid));
}


OTP_MUST_USE static bool otp_confirm_typed(otp_flow_t *flow, json_t *view)
{
    const otp_desk_action_t *what = flow->acting.what;
    otp_span_t               reason = otp_desk_field(flow, "reason"), serial = otp_desk_field(flow, "serial");
    otp_span_t               note = otp_desk_field(flow, "note");
    bool                     typed = what->kind == OTP_ACTION_KEY_ASSIGN || (what->serial && serial.len == 0);

    if (what->request) {
        serial = otp_span_of(flow->serial);
    }
    /* It was written about something else. */
    if (otp_desk_moved(flow)) {
        reason = note = OTP_SPAN("");
    }

    return otp_row_text(view, "serial", serial) && otp_row_text(view, "note", note)
           && otp_row_flag(view, "needs_serial", typed) && otp_row_flag(view, "needs_reason", what->reason)
           && otp_row_flag(view, "needs_reason_text", what->reason_text)
           && otp_row_flag(view, "needs_note", !what->reason_text)
           && otp_row_text(view, "reason_text", what->reason_text ? reason : OTP_SPAN(""))
           && otp_row_flag(view, "reason_lost", otp_span_equal(reason, OTP_SPAN("lost")))
           && otp_row_flag(view, "reason_stolen", otp_span_equal(reason, OTP_SPAN("stolen")))
           && otp_row_flag(view, "reason_broken", otp_span_equal(reason, OTP_SPAN("broken")))
           && otp_row_text(view, "session", otp_desk_field(flow, "session"));
}


/* When the one session was opened that is to be ended. */
OTP_MUST_USE static bool otp_confirm_session(otp_flow_t *flow, json_t *view)
{
    size_t        i;
    otp_span_t    id = otp_desk_field(flow, "session");
    const json_t *row;

    json_array_foreach(flow->subject.sessions, i, row) {
        if (otp_span_equal(otp_span_of(json_string_value(json_object_get(row, "id"))), id)) {
            return json_object_set(view, "session_time", json_object_get(row, "created_time")) == 0;
        }
    }

    return true;
}


bool otp_helpdesk_confirm_view(otp_flow_t *flow, json_t *view)
{
    return otp_confirm_session(flow, view) && otp_confirm_person(flow, view) && otp_confirm_address(flow, view)
           && otp_confirm_typed(flow, view) && otp_desk_seen_view(flow, view)
           && otp_desk_action_flag(view, "do", flow->acting.what)
           && (!flow->acting.refused
               || otp_row_text(view, "refused_text", otp_span_of(otp_managed_text(flow->acting.managed))));
}


bool otp_helpdesk_emergency_view(otp_flow_t *flow, json_t *view)
{
    const otp_action_result_t *result = flow->acting.result;
    char                       spaced[OTP_EMERGENCY_LEN + 2];
    bool                       complete;

    (void) snprintf(spaced, sizeof(spaced), "%.5s %s", result->password, result->password + 5);
    complete = otp_confirm_person(flow, view) && otp_row_text(view, "password", otp_span_of(result->password))
               && otp_row_text(view, "password_spaced", otp_span_of(spaced))
               && otp_row_time(flow, view, "expires_time", result->expires);
    otp_secret_wipe(spaced, sizeof(spaced));

    return complete;
}
