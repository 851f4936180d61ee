#include <stdio.h>

#include "core/portal/otp_flow_private.h"

/* Somebody's own sessions and what happened lately. */


/* The page that says how many sessions were ended. */
static void otp_activity_where(int64_t ended, char where[OTP_WHERE_MAX])
{
    (void) snprintf(where, OTP_WHERE_MAX, "activity?ended=%lld", (long long) ended);
}


bool otp_activity_view(otp_flow_t *flow, json_t *view)
{
    char       where[OTP_WHERE_MAX];
    int64_t    ended = 0;
    otp_span_t text = otp_form_get(&flow->query, "ended");

    if (text.len != 0 && otp_span_number(text, &ended) == OTP_OK) {
        otp_activity_where(ended, where);
        if (otp_told(flow, where)
            && !(ended == 0 ? otp_row_flag(view, "ended_none", true) : otp_row_number(view, "ended", ended)))
        {
            return false;
        }
    }

    return json_object_set(view, "sessions", flow->subject.sessions) == 0
           && json_object_set(view, "events", flow->subject.events) == 0;
}


static otp_effect_t otp_activity_shown(otp_flow_t *flow)
{
    char       csrf[OTP_CSRF_LEN + 1];
    otp_span_t token;

    if (!flow->json) {
        return otp_answer_show(flow);
    }

    token = otp_csrf_issue(flow, csrf);

    return otp_answer_json(flow, 200, "page", json_pack("{s:s, s:O, s:O, s:s%}", "page", "activity", "sessions",
                                                        flow->subject.sessions, "events", flow->subject.events, "csrf",
                                                        token.data, token.len));
}


otp_effect_t otp_activity_get(otp_flow_t *flow)
{
    otp_subject_self(flow);

    return otp_subject_load(flow, OTP_SUBJECT_HISTORY | OTP_SUBJECT_SESSIONS, otp_activity_shown);
}


/* ---- ending ---- */

static otp_effect_t otp_activity_ended(otp_flow_t *flow)
{
    char                       where[OTP_WHERE_MAX];
    const otp_action_result_t *result = flow->acting.result;

    if (flow->json) {
        if (otp_managed_refused(result->managed)) {
            (void) otp_answer_error(flow, 404, "not_found", "error_not_found");
            return otp_answer_kept(flow);
        }
        (void) otp_answer_json(flow, 200, "ok", json_pack("{s:s, s:I}", "verdict", "ok", "ended",
                                                          (json_int_t) result->sessions_ended));
        return otp_answer_kept(flow);
    }

    otp_activity_where((int64_t) result->sessions_ended, where);

    return otp_answer_verdict(flow, 200, "ok", otp_told_location(flow, where), (otp_notice_t) { 0 });
}


static otp_effect_t otp_activity_claimed(otp_flow_t *flow)
{
    otp_span_t          id = otp_form_get(&flow->form, "session");
    otp_action_order_t *order = otp_act_order(flow, id.data != NULL ? OTP_ACTION_SESSION_REVOKE
                                                                    : OTP_ACTION_SESSIONS_REVOKE);

    order->session = id;
    if (id.data == NULL) {
        order->keep_session = (otp_span_t) { flow->lookup.digest, sizeof(flow->lookup.digest) };
    }

    return otp_act(flow, otp_activity_ended);
}


otp_effect_t otp_activity_end_post(otp_flow_t *flow)
{
    otp_span_t id = otp_form_get(&flow->form, "session");
    bool       all = otp_span_equal(otp_form_get(&flow->form, "all"), OTP_SPAN("1"));

    /* One of the two: what both together mean nobody can tell. */
    if (all == (id.data != NULL)) {
        return otp_answer_error(flow, 400, "bad_request", "error_bad_request");
    }
    if (!all && id.len != OTP_PUBLIC_ID_LEN) {
        return otp_answer_error(flow, 404, "not_found", "error_not_found");
    }
    otp_subject_self(flow);

    return otp_act_claim(flow, otp_activity_claimed);
}
