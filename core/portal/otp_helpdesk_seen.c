#include <string.h>

#include "core/portal/otp_flow_private.h"

/* A confirmation is sent after it was read, and meanwhile others act: it carries what it showed, and what is not so any
 * more is shown again before anything is done.  Programs may send the same fields; one that is not there is not
 * compared. */


/* "usable", or why it is disabled; "disabled": because something is under way with it.  Empty: there is no such key. */
OTP_MUST_USE static otp_span_t otp_seen_state(otp_flow_t *flow)
{
    char             serial[OTP_SERIAL_MAX + 1];
    const otp_key_t *key;
    otp_span_t       reason;

    if (!flow->acting.what->state || otp_serial_canonical(otp_desk_field(flow, "serial"), serial) != OTP_OK) {
        return OTP_SPAN("");
    }
    key = otp_account_key(&flow->subject.account, otp_span_of(serial));
    if (key == NULL) {
        return OTP_SPAN("");
    }
    reason = otp_key_reason(key);

    return otp_key_usable(key) ? OTP_SPAN("usable") : reason.len != 0 ? reason : OTP_SPAN("disabled");
}


OTP_MUST_USE static bool otp_seen_person(const otp_flow_t *flow)
{
    size_t     len;
    char       uid[OTP_UID_LEN + 1] = "";
    otp_span_t typed = otp_form_get(&flow->form, "user");

    return typed.data == NULL
           || (otp_uid_canonical(typed, uid, &len) == OTP_OK
               && otp_span_equal(otp_span_of(uid), otp_span_of(flow->subject.uid)));
}


OTP_MUST_USE static bool otp_seen_request(const otp_flow_t *flow)
{
    int64_t    at;
    otp_span_t typed = otp_form_get(&flow->form, "at");

    return !flow->acting.what->request || typed.data == NULL
           || (otp_span_number(typed, &at) == OTP_OK && at == flow->acting.asked_at);
}


OTP_MUST_USE static bool otp_seen_key(otp_flow_t *flow)
{
    otp_span_t typed = otp_form_get(&flow->form, "was");

    return !flow->acting.what->state || typed.data == NULL || otp_span_equal(typed, otp_seen_state(flow));
}


bool otp_desk_moved(otp_flow_t *flow)
{
    /* A request that nobody makes any more is refused as such. */
    return flow->subject.uid[0] != '\0'
           && (!otp_seen_person(flow) || !otp_seen_request(flow) || !otp_seen_key(flow));
}


bool otp_desk_seen_view(otp_flow_t *flow, json_t *view)
{
    otp_span_t state = otp_seen_state(flow);

    if (flow->acting.what->request
        && (!otp_row_number(view, "asked_at", flow->acting.asked_at)
            || !otp_row_time(flow, view, "asked_time", flow->acting.asked_at)))
    {
        return false;
    }

    return otp_row_flag(view, "changed_since", otp_desk_moved(flow)) && otp_row_text(view, "was", state)
           && otp_row_flag(view, "was_usable", otp_span_equal(state, OTP_SPAN("usable")))
           && otp_row_flag(view, "was_disabled", otp_span_equal(state, OTP_SPAN("disabled")))
           && otp_row_flag(view, "was_lost", otp_span_equal(state, OTP_SPAN("lost")))
           && otp_row_flag(view, "was_stolen", otp_span_equal(state, OTP_SPAN("stolen")))
           && otp_row_flag(view, "was_broken", otp_span_equal(state, OTP_SPAN("broken")));
}


/* ---- told, and left in the audit as every refusal ---- */

static otp_effect_t otp_moved_answer(otp_flow_t *flow)
{
    if (flow->json) {
        (void) otp_answer_json(flow, 409, "refused",
                               json_pack("{s:s, s:s, s:s}", "verdict", "refused", "reason", "changed", "text",
                                         "it has changed since it was read: look at it again"));
        return otp_answer_kept(flow);
    }
    flow->showing = (otp_showing_t) { 409, "refused", { 0 } };

    return otp_answer_show(flow);
}


static otp_effect_t otp_moved_told(otp_flow_t *flow)
{
    return otp_flow_replies_good(flow) ? otp_moved_answer(flow) : otp_answer_unavailable(flow);
}


otp_effect_t otp_desk_moved_refuse(otp_flow_t *flow)
{
    otp_span_t  line, uid = otp_span_of(flow->subject.uid);
    otp_event_t event;

    otp_flow_event(flow, otp_action_event(flow->acting.what->kind), "refused", uid, &event);
    event.actor = flow->session.person.uid;
    event.serial = otp_span_of(flow->serial);
    event.reason = OTP_SPAN("changed");
    line = otp_flow_event_line(flow, &event);
    if (line.len == 0) {
        return otp_answer_unavailable(flow);
    }
    otp_flow_event_command(flow, uid, line);

    return otp_flow_commands(flow, otp_moved_told);
}
