#include "core/model/otp_emergency.h"
#include "core/portal/otp_flow_private.h"

/* What is told of a decision: the line for the audit, and the mail that is due. */


/* Why it went so: what was wrong with a PIN, and what an emergency password had to do with it. */
OTP_MUST_USE static otp_span_t otp_attempt_reason(const otp_flow_t *flow)
{
    const otp_attempt_t *attempt = &flow->attempt;
    bool                 wrong = attempt->next.emergency.failures > attempt->account.emergency.failures
                                 || attempt->next.emergency.known_failures > attempt->account.emergency.known_failures;

    if (attempt->decision.emergency_ended) {
        return otp_emergency_live(&attempt->account, flow->now_s) ? OTP_SPAN("emergency_ended") : OTP_SPAN_NONE;
    }

    if (attempt->decision.emergency || wrong) {
        return OTP_SPAN("emergency");
    }

    return otp_span_of(otp_pin_refusal_name(attempt->decision.refusal));
}


otp_span_t otp_attempt_event(otp_flow_t *flow)
{
    otp_event_t           event;
    const otp_decision_t *decision = &flow->attempt.decision;

    otp_flow_event(flow, flow->attempt.event, otp_verdict_name(decision->verdict), otp_span_of(flow->uid), &event);
    if (!flow->attempt.decoy) {
        event.serial = otp_span_of(decision->serial);
    }
    if (decision->verdict == OTP_VERDICT_OK && flow->attempt.submitted.kind != OTP_SUBMIT_PIN_CHANGE) {
        event.session = otp_opening_id(flow);
    }
    event.signal = otp_span_of(otp_signal_name(decision->signal));
    event.reason = otp_attempt_reason(flow);

    return otp_flow_event_line(flow, &event);
}


/* At first use, a code that none of the person's keys shows: perhaps it is the key of somebody else. */
OTP_MUST_USE static bool otp_attempt_mixed_up(const otp_flow_t *flow)
{
    const otp_attempt_t   *attempt = &flow->attempt;
    const otp_submitted_t *submitted = &attempt->submitted;

    return submitted->kind == OTP_SUBMIT_PASSCODE && flow->signed_in && flow->session.password_proven
           && attempt->decision.verdict == OTP_VERDICT_DENIED
           && otp_mixup_code(submitted->passcode)
           && otp_account_state(&attempt->account, &flow->settings->limits,
                                otp_submitted_guesser(submitted, &attempt->account), flow->now_s)
              == OTP_STATE_FIRST_USE;
}


/* The code that was typed, sealed; the same each time the decision is made again. */
OTP_MUST_USE static bool otp_attempt_mixup(otp_flow_t *flow, otp_span_t *sealed)
{
    size_t         len;
    otp_attempt_t *attempt = &flow->attempt;

    if (attempt->mixup_nonce == NULL) {
        attempt->mixup_nonce = otp_flow_random(flow, OTP_RANDOM_NONCE);
    }

    if (otp_mixup_seal(flow->settings->ring, otp_span_of(flow->uid), attempt->submitted.passcode, attempt->mixup_nonce,
                       attempt->mixup, sizeof(attempt->mixup), &len) != OTP_OK)
    {
        return false;
    }
    *sealed = (otp_span_t) { attempt->mixup, len };

    return true;
}


bool otp_attempt_mail(otp_flow_t *flow, otp_span_t *entry)
{
    size_t         len;
    otp_mail_t     mail;
    otp_keyring_t *ring = flow->settings->ring;
    otp_attempt_t *attempt = &flow->attempt;
    bool           mixed_up = attempt->decision.mail == OTP_MAIL_NONE && otp_attempt_mixed_up(flow);

    *entry = OTP_SPAN_NONE;
    if (attempt->decision.mail == OTP_MAIL_NONE && !mixed_up) {
        return true;
    }

    mail = otp_mail_to(&attempt->next, mixed_up ? OTP_MAIL_KEY_MIXUP : attempt->decision.mail, flow->now_ms);
    mail.serial = otp_span_of(attempt->decision.serial);
    mail.address = flow->request->address;
    mail.until = attempt->decision.until;
    mail.reason = attempt->decision.emergency_blocked ? OTP_SPAN("emergency") : OTP_SPAN_NONE;
    if (mixed_up && !otp_attempt_mixup(flow, &mail.reason)) {
        return false;
    }

    if (otp_mail_write(ring, otp_name_span(&attempt->outbox), &mail, attempt->mail, sizeof(attempt->mail), &len)
        != OTP_OK)
    {
        return false;
    }
    *entry = (otp_span_t) { attempt->mail, len };

    return true;
}
