#include <string.h>

#include "core/portal/otp_flow_private.h"

/* The page that creates a PIN, open for a few minutes after a first code. */


/* Not on the way to a PIN: to the page that asks for the key. */
static otp_effect_t otp_pin_elsewhere(otp_flow_t *flow)
{
    otp_span_t location = otp_answer_location(flow, "passcode");

    if (flow->json) {
        return otp_answer_json(flow, 401, "otp_required", json_pack("{s:s, s:s%}", "error", "otp_required", "location",
                                                                    location.data, location.len));
    }

    return otp_answer_redirect(flow, 303, location);
}


OTP_MUST_USE static bool otp_pin_open(const otp_flow_t *flow)
{
    return flow->has_pending && flow->pending.stage == OTP_STAGE_PIN;
}


otp_effect_t otp_pin_get(otp_flow_t *flow)
{
    char       csrf[OTP_CSRF_LEN + 1];
    otp_span_t token;

    if (!otp_pin_open(flow)) {
        return otp_pin_elsewhere(flow);
    }

    if (!flow->json) {
        return otp_answer_page(flow, 200, "page", OTP_PAGE_PIN, otp_view_of(flow, OTP_PAGE_PIN, (otp_notice_t) { 0 }));
    }

    token = otp_csrf_issue(flow, csrf);

    return otp_answer_json(flow, 200, "page", json_pack("{s:s, s:I, s:I, s:s%}", "page", "pin", "pin_min",
                                                        (json_int_t) flow->settings->limits.pin_min, "pin_max",
                                                        (json_int_t) flow->settings->limits.pin_max, "csrf",
                                                        token.data, token.len));
}


/* To the page that knows what comes next: it sends who holds nothing any more to the first one. */
static otp_effect_t otp_pin_closed(otp_flow_t *flow)
{
    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    return otp_answer_verdict(flow, 401, "denied",
                              flow->json ? OTP_SPAN_NONE : otp_answer_location(flow, "passcode"),
                              (otp_notice_t) { .flag = "denied" });
}


static otp_effect_t otp_pin_decided(otp_flow_t *flow)
{
    const otp_decision_t *decision = &flow->attempt.decision;

    switch (decision->verdict) {
    case OTP_VERDICT_WAIT_NEXT_CODE:
        return otp_open_pending(flow, OTP_STAGE_WAIT_NEXT_CODE, "wait_next_code", "passcode");
    case OTP_VERDICT_PIN_REFUSED:
        return otp_answer_pin_refused(flow);
    case OTP_VERDICT_THROTTLED:
        return otp_answer_locked(flow);
    case OTP_VERDICT_DENIED:
        /* The page has been open too long, another browser has opened a newer one, or a form of this one that was
         * sent at the same time has gone before. */
        otp_forget_pending(flow);
        return otp_flow_commands(flow, otp_pin_closed);
    case OTP_VERDICT_OK:
    case OTP_VERDICT_PIN_REQUIRED:
    case OTP_VERDICT_NEXT_CODE:
    case OTP_VERDICT_ALREADY_USED:
        break;
    }

    return otp_answer_unavailable(flow);
}


static otp_effect_t otp_pin_read(otp_flow_t *flow)
{
    otp_submitted_t *submitted = &flow->attempt.submitted;

    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    flow->personal[0] = otp_span_of(flow->uid);
    flow->personal[1] = flow->signed_in ? flow->session.person.email : OTP_SPAN_NONE;
    submitted->kind = OTP_SUBMIT_PIN;
    submitted->pin = otp_form_get(&flow->form, "pin");
    submitted->pin_confirm = otp_form_get(&flow->form, "pin_confirm");
    submitted->pending_id = otp_span_of(flow->pending.id);
    submitted->signed_in = flow->signed_in;
    submitted->password_proven = flow->signed_in && flow->session.password_proven;
    submitted->personal = flow->personal;
    submitted->personals = 2;

    return otp_attempt_begin(flow, otp_flow_reply_text(flow, 0), "pin", otp_pin_decided);
}


otp_effect_t otp_pin_post(otp_flow_t *flow)
{
    otp_span_t uid = otp_span_of(flow->pending.uid);

    if (!otp_pin_open(flow)) {
        return otp_pin_elsewhere(flow);
    }

    if (otp_form_get(&flow->form, "pin").data == NULL || otp_form_get(&flow->form, "pin_confirm").data == NULL) {
        return otp_answer_error(flow, 400, "bad_request", "error_bad_request");
    }

    memset(flow->uid, 0, sizeof(flow->uid));
    memcpy(flow->uid, uid.data, uid.len);
    if (flow->signed_in) {
        flow->person = flow->session.person;
    }
    otp_name_of(&flow->attempt.name, OTP_NAME_ACCOUNT, flow->settings->prefix, uid);
    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->attempt.name));

    return otp_flow_commands(flow, otp_pin_read);
}
