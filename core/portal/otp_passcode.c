#include <string.h>

#include "core/model/otp_emergency.h"
#include "core/portal/otp_flow_private.h"

/* The page that asks for the key: step-up, first use, the passcode after PIN creation, the next code. */


void otp_passcode_take(otp_flow_t *flow)
{
    size_t     n = 0;
    otp_span_t typed = otp_form_get(&flow->form, "passcode");

    memset(flow->passcode, 0, sizeof(flow->passcode));
    for (size_t i = 0; i < typed.len; i++) {
        if (typed.data[i] == ' ') {
            continue;
        }
        if (n == sizeof(flow->passcode) - 1) {
            /* Too long for any passcode: it is wrong, whatever it says. */
            memset(flow->passcode, 0, sizeof(flow->passcode));
            return;
        }
        flow->passcode[n++] = typed.data[i];
    }
}


/* Shown on pages, which are UTF-8: what is in another encoding is left out. */
OTP_MUST_USE static otp_span_t otp_person_text(const char *text, size_t len)
{
    otp_span_t span = { text, len };

    return otp_utf8_valid(span) ? span : OTP_SPAN_NONE;
}


void otp_person_take(otp_flow_t *flow)
{
    const otp_person_result_t *result = &flow->person_result;

    flow->person.uid = otp_span_of(flow->uid);
    flow->person.name = otp_person_text(result->name, result->name_len);
    flow->person.email = otp_person_text(result->email, result->email_len);
    flow->person.groups = (otp_span_t) { result->groups, result->groups_len };
}


otp_effect_t otp_person_asked(otp_flow_t *flow, const char *event, otp_flow_stage_t next)
{
    switch (flow->person_result.verdict) {
    case OTP_PERSON_THROTTLED:
        return otp_count_refuse(flow, event, "throttled", flow->person_result.retry_after_s);
    case OTP_PERSON_BUSY:
        return otp_count_busy(flow, event);
    case OTP_PERSON_UNAVAILABLE:
        return otp_answer_unavailable(flow);
    case OTP_PERSON_MATCHES:
    case OTP_PERSON_REFUSED:
        break;
    }

    flow->person_refused |= flow->person_result.verdict == OTP_PERSON_REFUSED;
    otp_person_take(flow);

    return next(flow);
}


/* Who is at the keyboard: the session's person, or that of the pending state. */
static void otp_passcode_uid(otp_flow_t *flow)
{
    otp_span_t uid = flow->signed_in ? flow->session.person.uid : otp_span_of(flow->pending.uid);

    memset(flow->uid, 0, sizeof(flow->uid));
    memcpy(flow->uid, uid.data, uid.len);
    otp_device_read(flow);
    otp_name_of(&flow->attempt.name, OTP_NAME_ACCOUNT, flow->settings->prefix, otp_span_of(flow->uid));
}


/* ---- GET ---- */

const char *otp_passcode_state(const otp_flow_t *flow)
{
    if (flow->has_pending && flow->pending.stage == OTP_STAGE_NEXT_CODE) {
        return "next_code";
    }

    if (flow->has_pending && flow->pending.stage == OTP_STAGE_WAIT_NEXT_CODE) {
        return "wait_next_code";
    }

    if (flow->has_pending && flow->pending.stage == OTP_STAGE_PIN) {
        return "first_use";
    }

    switch (otp_account_state(&flow->attempt.next, &flow->settings->limits,
                              flow->device.proven ? OTP_GUESSER_KNOWN : OTP_GUESSER_UNKNOWN, flow->now_s)) {
    case OTP_STATE_FIRST_USE:
    case OTP_STATE_PIN_PAGE:
        return "first_use";
    case OTP_STATE_LOCKED:
        /* A lock does not change what there is to type. */
        return otp_account_has_pin(&flow->attempt.next) ? "step_up" : "first_use";
    case OTP_STATE_NO_KEY:
    case OTP_STATE_READY:
    case OTP_STATE_NEXT_CODE:
        break;
    }

    return "step_up";
}


static otp_effect_t otp_passcode_shown(otp_flow_t *flow)
{
    char       csrf[OTP_CSRF_LEN + 1];
    otp_span_t token, stored = otp_flow_reply_text(flow, 0);

    if (!otp_flow_replies_good(flow)
        || (stored.len != 0 && otp_account_read(flow->settings->ring, otp_name_span(&flow->attempt.name), stored,
                                                &flow->attempt.next) != OTP_OK))
    {
        return otp_answer_unavailable(flow);
    }

    if (!flow->json) {
        return otp_answer_page(flow, 200, "page", OTP_PAGE_PASSCODE,
                               otp_view_of(flow, OTP_PAGE_PASSCODE, (otp_notice_t) { 0 }));
    }

    token = otp_csrf_issue(flow, csrf);

    return otp_answer_json(flow, 200, "page", json_pack("{s:s, s:s, s:s%}", "page", "passcode", "state",
                                                        otp_passcode_state(flow), "csrf", token.data, token.len));
}


otp_effect_t otp_passcode_get(otp_flow_t *flow)
{
    otp_passcode_uid(flow);
    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->attempt.name));

    return otp_flow_commands(flow, otp_passcode_shown);
}


/* ---- after the decision ---- */

static otp_effect_t otp_passcode_dropped(otp_flow_t *flow)
{
    return otp_flow_replies_good(flow) ? otp_answer_denied(flow) : otp_answer_unavailable(flow);
}


static otp_effect_t otp_passcode_denied(otp_flow_t *flow)
{
    if (flow->attempt.submitted.kind != OTP_SUBMIT_NEXT_CODE) {
        return otp_answer_denied(flow);
    }

    /* The one chance of a next code is gone: it starts over. */
    otp_forget_pending(flow);

    return otp_flow_commands(flow, otp_passcode_dropped);
}


otp_effect_t otp_passcode_decided(otp_flow_t *flow)
{
    const otp_decision_t *decision = &flow->attempt.decision;

    switch (decision->verdict) {
    case OTP_VERDICT_OK:
        return otp_open_session(flow, OTP_LEVEL_OTP, decision->emergency ? OTP_AUTH_EMERGENCY : OTP_AUTH_KEY,
                                otp_span_of(decision->serial));
    case OTP_VERDICT_PIN_REQUIRED:
        return otp_open_pending(flow, OTP_STAGE_PIN, "pin_required", "pin");
    case OTP_VERDICT_NEXT_CODE:
        return otp_open_pending(flow, OTP_STAGE_NEXT_CODE, "next_code", "passcode");
    case OTP_VERDICT_ALREADY_USED:
        return otp_answer_already_used(flow);
    case OTP_VERDICT_THROTTLED:
        return otp_answer_locked(flow);
    case OTP_VERDICT_DENIED:
        return otp_passcode_denied(flow);
    case OTP_VERDICT_WAIT_NEXT_CODE:
        return otp_answer_wait_next_code(flow);
    case OTP_VERDICT_PIN_REFUSED:
        break;
    }

    return otp_answer_unavailable(flow);
}


/* ---- POST ---- */

/* What it is that somebody typed.  An emergency password counts after the person's own password only. */
OTP_MUST_USE static otp_submission_t otp_passcode_kind(const otp_flow_t *flow)
{
    char       canonical[OTP_EMERGENCY_LEN + 1];
    bool       emergency;
    otp_span_t typed = otp_span_of(flow->passcode);

    if (flow->has_pending && flow->pending.stage == OTP_STAGE_NEXT_CODE && typed.len <= OTP_DIGITS_MAX) {
        return OTP_SUBMIT_NEXT_CODE;
    }

    emergency = flow->signed_in && flow->session.password_proven && otp_emergency_form(typed, canonical);
    otp_secret_wipe(canonical, sizeof(canonical));

    return emergency ? OTP_SUBMIT_EMERGENCY : OTP_SUBMIT_PASSCODE;
}


static otp_effect_t otp_passcode_decide(otp_flow_t *flow)
{
    otp_submitted_t *submitted = &flow->attempt.submitted;
    size_t           len = strlen(flow->passcode);

    submitted->kind = otp_passcode_kind(flow);
    submitted->passcode = (otp_span_t) { flow->passcode, len };
    submitted->pending_id = flow->has_pending ? otp_span_of(flow->pending.id) : OTP_SPAN_NONE;
    submitted->signed_in = flow->signed_in;
    submitted->password_proven = flow->signed_in && flow->session.password_proven;
    submitted->first_use = submitted->password_proven || !flow->settings->first_use_needs_password;

    return otp_attempt_begin(flow, (otp_span_t) { flow->account_text, flow->account_len },
                             submitted->kind == OTP_SUBMIT_NEXT_CODE ? "next_code" : "passcode", otp_passcode_decided);
}


static otp_effect_t otp_passcode_person(otp_flow_t *flow)
{
    return otp_person_asked(flow, "passcode", otp_passcode_decide);
}


static otp_effect_t otp_passcode_considered(otp_flow_t *flow)
{
    int64_t wait;
    size_t  i = flow->read_at;

    if (!otp_flow_replies_good(flow) || !otp_count_read(flow, &flow->address_count, i)
        || !otp_attempt_keep(flow, i + 1))
    {
        return otp_answer_unavailable(flow);
    }

    wait = otp_count_address_wait(flow);
    if (wait != 0) {
        return otp_count_refuse(flow, "passcode", "throttled", wait);
    }

    if (flow->signed_in) {
        flow->person = flow->session.person;
        return otp_passcode_decide(flow);
    }

    if (flow->settings->people_known) {
        return otp_flow_ask_person(flow, OTP_SPAN_NONE, otp_passcode_person);
    }

    otp_person_take(flow);

    return otp_passcode_decide(flow);
}


bool otp_passcode_read(otp_flow_t *flow)
{
    otp_passcode_uid(flow);
    if (!otp_count_ask(flow, OTP_SPAN_NONE)) {
        return false;
    }
    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->attempt.name));

    return true;
}


otp_effect_t otp_passcode_post(otp_flow_t *flow)
{
    if (otp_form_get(&flow->form, "passcode").data == NULL) {
        return otp_answer_error(flow, 400, "bad_request", "error_bad_request");
    }

    otp_passcode_take(flow);
    if (otp_flow_has_read(flow)) {
        return otp_passcode_considered(flow);
    }

    flow->read_at = 0;

    return otp_passcode_read(flow) ? otp_flow_commands(flow, otp_passcode_considered) : otp_answer_unavailable(flow);
}
