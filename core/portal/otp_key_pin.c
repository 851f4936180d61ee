#include <string.h>

#include "core/portal/otp_flow_private.h"

/* The page that changes one's PIN: the passcode with the old one, and the new one twice. */


otp_effect_t otp_key_pin_get(otp_flow_t *flow)
{
    char       csrf[OTP_CSRF_LEN + 1];
    otp_span_t token;

    if (!flow->json) {
        return otp_answer_show(flow);
    }

    token = otp_csrf_issue(flow, csrf);

    return otp_answer_json(flow, 200, "page", json_pack("{s:s, s:I, s:I, s:s%}", "page", "key_pin", "pin_min",
                                                        (json_int_t) flow->settings->limits.pin_min, "pin_max",
                                                        (json_int_t) flow->settings->limits.pin_max, "csrf",
                                                        token.data, token.len));
}


static otp_effect_t otp_key_pin_decided(otp_flow_t *flow)
{
    const otp_decision_t *decision = &flow->attempt.decision;

    switch (decision->verdict) {
    case OTP_VERDICT_OK:
        return otp_answer_verdict(flow, 200, "ok", flow->json ? OTP_SPAN_NONE
                                                              : otp_told_location(flow, "key?done=pin"),
                                  (otp_notice_t) { 0 });
    case OTP_VERDICT_PIN_REFUSED:
        return otp_answer_pin_refused(flow);
    case OTP_VERDICT_ALREADY_USED:
        return otp_answer_already_used(flow);
    case OTP_VERDICT_WAIT_NEXT_CODE:
        return otp_answer_wait_next_code(flow);
    case OTP_VERDICT_THROTTLED:
        return otp_answer_locked(flow);
    case OTP_VERDICT_DENIED:
        return otp_answer_denied(flow);
    case OTP_VERDICT_PIN_REQUIRED:
    case OTP_VERDICT_NEXT_CODE:
        break;
    }

    return otp_answer_unavailable(flow);
}


static otp_effect_t otp_key_pin_considered(otp_flow_t *flow)
{
    int64_t          wait;
    otp_submitted_t *submitted = &flow->attempt.submitted;

    if (!otp_flow_replies_good(flow) || !otp_count_read(flow, &flow->address_count, 0)) {
        return otp_answer_unavailable(flow);
    }

    wait = otp_count_address_wait(flow);
    if (wait != 0) {
        return otp_count_refuse(flow, "pin_change", "throttled", wait);
    }

    flow->personal[0] = otp_span_of(flow->uid);
    flow->personal[1] = flow->session.person.email;
    submitted->kind = OTP_SUBMIT_PIN_CHANGE;
    submitted->passcode = otp_span_of(flow->passcode);
    submitted->pin = otp_form_get(&flow->form, "pin");
    submitted->pin_confirm = otp_form_get(&flow->form, "pin_confirm");
    submitted->signed_in = true;
    submitted->personal = flow->personal;
    submitted->personals = 2;

    return otp_attempt_begin(flow, otp_flow_reply_text(flow, 1), "pin_change", otp_key_pin_decided);
}


otp_effect_t otp_key_pin_post(otp_flow_t *flow)
{
    otp_span_t uid = flow->session.person.uid;

    if (otp_form_get(&flow->form, "passcode").data == NULL || otp_form_get(&flow->form, "pin").data == NULL
        || otp_form_get(&flow->form, "pin_confirm").data == NULL)
    {
        return otp_answer_error(flow, 400, "bad_request", "error_bad_request");
    }

    memset(flow->uid, 0, sizeof(flow->uid));
    memcpy(flow->uid, uid.data, uid.len);
    flow->person = flow->session.person;
    otp_device_read(flow);
    otp_passcode_take(flow);

    if (!otp_count_ask(flow, OTP_SPAN_NONE)) {
        return otp_answer_unavailable(flow);
    }
    otp_name_of(&flow->attempt.name, OTP_NAME_ACCOUNT, flow->settings->prefix, uid);
    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->attempt.name));

    return otp_flow_commands(flow, otp_key_pin_considered);
}
