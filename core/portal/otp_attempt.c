#include <string.h>

#include "core/portal/otp_flow_private.h"

/* A decision about an account: read, decide, compare-and-set with the audit event; lost to another
 * request, decide again about what that one stored. */

#define OTP_DECOY_TTL_MS "1000"

static otp_effect_t otp_attempt_decide(otp_flow_t *flow);


int64_t otp_attempt_display_changes(const otp_flow_t *flow) {
    return flow->now_s + flow->attempt.decision.wait_s;
}


/* Nobody known, or nobody with a key: the same work is done about an invented account. */
OTP_MUST_USE static bool otp_attempt_decoy(otp_flow_t *flow) {
    otp_attempt_t *attempt = &flow->attempt;
    otp_span_t     name = otp_name_span(&attempt->name);
    size_t         len;

    attempt->decoy = true;
    if (otp_account_decoy(flow->settings->ring, otp_span_of(flow->uid), &attempt->account) != OTP_OK
        || otp_account_write(flow->settings->ring, name, &attempt->account, attempt->record, sizeof(attempt->record),
                             &len) != OTP_OK)
    {
        return false;
    }

    return otp_account_read(flow->settings->ring, name, (otp_span_t) { attempt->record, len }, &attempt->account)
           == OTP_OK;
}


OTP_MUST_USE static bool otp_attempt_read(otp_flow_t *flow, otp_span_t stored) {
    otp_attempt_t *attempt = &flow->attempt;

    if (stored.len > sizeof(attempt->stored)) {
        return false;
    }

    if (stored.len != 0) {
        memcpy(attempt->stored, stored.data, stored.len);
    }
    attempt->stored_len = stored.len;

    if (stored.len == 0 || flow->person_refused) {
        return otp_attempt_decoy(flow);
    }

    return otp_account_read(flow->settings->ring, otp_name_span(&attempt->name),
                            (otp_span_t) { attempt->stored, attempt->stored_len }, &attempt->account) == OTP_OK
           && (attempt->account.keys != 0 || otp_attempt_decoy(flow));
}


static otp_effect_t otp_attempt_swapped(otp_flow_t *flow) {
    otp_span_t     stored;
    otp_attempt_t *attempt = &flow->attempt;
    otp_swapped_t  swapped = otp_swap_result(flow->reply == NULL ? NULL : flow->reply[0], &stored);

    if (swapped == OTP_SWAPPED) {
        return attempt->done(flow);
    }

    /* A lost try leaves no line. */
    flow->view.audits = 0;
    if (swapped == OTP_SWAP_LOST && attempt->decoy) {
        /* Only this very form can have been there before: it waits, as it would about a real account. */
        return otp_once_await(flow);
    }

    if (swapped == OTP_SWAP_FAILED || attempt->tries++ == OTP_SWAP_TRIES || !otp_attempt_read(flow, stored)) {
        return otp_answer_unavailable(flow);
    }

    return otp_attempt_decide(flow);
}


/* Nothing to store: the event alone. */
static otp_effect_t otp_attempt_told(otp_flow_t *flow) {
    return otp_flow_replies_good(flow) ? flow->attempt.done(flow) : otp_answer_unavailable(flow);
}


OTP_MUST_USE static otp_span_t otp_attempt_event(otp_flow_t *flow) {
    otp_event_t           event;
    const otp_decision_t *decision = &flow->attempt.decision;

    otp_flow_event(flow, flow->attempt.event, otp_verdict_name(decision->verdict), otp_span_of(flow->uid), &event);
    if (!flow->attempt.decoy) {
        event.serial = otp_span_of(decision->serial);
    }
    event.signal = otp_span_of(decision->signal);
    event.reason = otp_span_of(otp_pin_refusal_name(decision->refusal));

    return otp_flow_event_line(flow, &event);
}


OTP_MUST_USE static bool otp_attempt_swap(otp_flow_t *flow, otp_span_t event) {
    otp_attempt_t *attempt = &flow->attempt;
    otp_name_t    *name = &attempt->name;
    otp_swap_t     swap = { 0 };

    if (attempt->decoy) {
        otp_name_of(name, OTP_NAME_DECOY, flow->settings->prefix, attempt->submitted.nonce);
        otp_name_events(&attempt->stream, flow->settings->prefix, attempt->submitted.nonce);
        swap.ttl_ms = OTP_SPAN(OTP_DECOY_TTL_MS);
        attempt->stored_len = 0;
    }

    if (otp_account_write(flow->settings->ring, otp_name_span(name), &attempt->next, attempt->record,
                          sizeof(attempt->record), &attempt->record_len) != OTP_OK)
    {
        return false;
    }

    swap.key = otp_name_span(name);
    swap.stream = otp_name_span(&attempt->stream);
    swap.expected = (otp_span_t) { attempt->stored, attempt->stored_len };
    swap.next = (otp_span_t) { attempt->record, attempt->record_len };
    swap.event = event;
    otp_swap_command(&swap, otp_flow_command(flow, ""));

    return true;
}


static otp_effect_t otp_attempt_decide(otp_flow_t *flow) {
    otp_attempt_t *attempt = &flow->attempt;
    otp_span_t     event;

    attempt->submitted.now_s = flow->now_s;
    if (otp_decide(flow->settings->ring, &flow->settings->limits, &attempt->account, &attempt->submitted,
                   &attempt->next, &attempt->decision) != OTP_OK)
    {
        return otp_answer_unavailable(flow);
    }

    if (attempt->decision.repeated) {
        return otp_once_await(flow);
    }

    if (attempt->decoy && attempt->decision.verdict != OTP_VERDICT_DENIED) {
        /* One in a million guesses the invented key too: it opens nothing. */
        attempt->decision.verdict = OTP_VERDICT_DENIED;
    }

    flow->once_kept = true;
    event = otp_attempt_event(flow);
    if (event.len == 0) {
        return otp_answer_unavailable(flow);
    }

    if (!attempt->decision.changed) {
        otp_flow_event_command(flow, otp_span_of(flow->uid), event);
        return otp_flow_commands(flow, otp_attempt_told);
    }

    return otp_attempt_swap(flow, event) ? otp_flow_commands(flow, otp_attempt_swapped) : otp_answer_unavailable(flow);
}


otp_effect_t otp_attempt_begin(otp_flow_t *flow, otp_span_t stored, const char *event, otp_flow_stage_t done) {
    otp_attempt_t   *attempt = &flow->attempt;
    otp_submitted_t *submitted = &attempt->submitted;
    otp_span_t       uid = otp_span_of(flow->uid), once = otp_name_span(&flow->once);

    otp_name_of(&attempt->name, OTP_NAME_ACCOUNT, flow->settings->prefix, uid);
    otp_name_events(&attempt->stream, flow->settings->prefix, uid);
    attempt->event = event;
    attempt->done = done;

    memcpy(submitted->random_id, otp_flow_random(flow, sizeof(submitted->random_id)), sizeof(submitted->random_id));
    memcpy(submitted->random_salt, otp_flow_random(flow, OTP_SALT_LEN), OTP_SALT_LEN);
    submitted->nonce = (otp_span_t) { once.data + once.len - OTP_NONCE_LEN, OTP_NONCE_LEN };

    if (!otp_attempt_read(flow, stored)) {
        /* A record that cannot be believed is a fault, not an unknown person. */
        return otp_answer_unavailable(flow);
    }

    return otp_attempt_decide(flow);
}
