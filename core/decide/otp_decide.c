#include "core/decide/otp_deciding.h"

#include <string.h>

#include "core/base/otp_buffer.h"


/* Opens the PIN page or the wait for the next code to the browser that gets the new pending id. */
static void otp_decide_open(otp_deciding_t *d, otp_pending_kind_t kind, const otp_key_t *key, int64_t step)
{
    otp_account_pending_t *pending = &d->next->pending;
    otp_buffer_t           id;

    memset(pending, 0, sizeof(*pending));
    otp_buffer_init(&id, pending->id, sizeof(pending->id) - 1);
    otp_buffer_add_base64url(&id, d->in->random_id, sizeof(d->in->random_id));
    memcpy(pending->serial, key->serial, sizeof(pending->serial));
    pending->kind = kind;
    pending->step = step;
    pending->until = d->in->now_s + d->limits->pin_page_s;

    d->out->verdict = kind == OTP_PENDING_PIN ? OTP_VERDICT_PIN_REQUIRED : OTP_VERDICT_NEXT_CODE;
}


/* The PIN was typed and is right: it is kept with the newest key of the ring, so that the older ones can go. */
OTP_MUST_USE static otp_status_t otp_decide_renew_pin(otp_deciding_t *d, otp_key_t *key)
{
    size_t      len = d->in->passcode.len - key->digits;
    const char *ring_id = key->pin.ring_id;

    if (!key->pin.set || otp_span_equal(otp_span_of(ring_id), otp_keyring_current(d->ring))) {
        return OTP_OK;
    }

    return otp_pin_set(d->ring, otp_span_of(key->serial), (otp_span_t) { d->in->passcode.data, len },
                       d->in->random_salt, &key->pin);
}


/* The key is proven: by one code, or by two. */
static void otp_decide_proven(otp_deciding_t *d, otp_key_t *key, int64_t step)
{
    otp_decide_accept(d, key, step);
    d->out->wait_s = otp_key_wait(key, step, d->in->now_s);

    if (!key->pin.set) {
        otp_decide_open(d, OTP_PENDING_PIN, key, step);
        return;
    }

    otp_decide_clear(d);
    memset(&d->next->pending, 0, sizeof(d->next->pending));
    otp_decide_key_used(d);
}


/* A first code that is not enough: it is spent, and the one after it has to follow.  The drift it suggests
 * is believed for the wait only; two codes teach it. */
static void otp_decide_first_of_two(otp_deciding_t *d, otp_key_t *key, int64_t step)
{
    otp_key_t learned = *key;

    otp_decide_accept(d, key, step);
    d->out->wait_s = otp_key_wait(key, step, d->in->now_s);
    key->drift = learned.drift;
    key->drift_first = learned.drift_first;
    key->drift_since = learned.drift_since;
    key->used = learned.used;
    otp_decide_open(d, OTP_PENDING_NEXT_CODE, key, step);
}


OTP_MUST_USE static otp_status_t otp_decide_passcode(otp_deciding_t *d)
{
    bool                two_codes = otp_decide_guesses(d)->failures >= d->limits->next_code;
    const otp_proven_t *proven = &d->proven;

    if (proven->key != NULL) {
        otp_decide_concern(d, proven->key);
    }

    switch (proven->proof) {
    case OTP_PROOF_NONE:
    case OTP_PROOF_PIN:
    case OTP_PROOF_CODE:
    case OTP_PROOF_SPENT:
    case OTP_PROOF_DOUBTFUL:
        otp_decide_short_of_proof(d, proven);
        return OTP_OK;
    case OTP_PROOF_WIDE:
        otp_decide_first_of_two(d, proven->key, proven->step);
        break;
    case OTP_PROOF_FULL:
        if (two_codes) {
            otp_decide_first_of_two(d, proven->key, proven->step);
        } else {
            otp_decide_proven(d, proven->key, proven->step);
        }
        break;
    }

    return otp_decide_renew_pin(d, proven->key);
}


/* The key as the first code suggests that its clock is. */
OTP_MUST_USE static otp_key_t otp_decide_suggested(const otp_deciding_t *d, const otp_key_t *key)
{
    otp_key_t suggested = *key;

    otp_key_learn(&suggested, d->next->pending.step, d->next->pending.until - d->limits->pin_page_s);

    return suggested;
}


/* The first code again: how long until the display changes. */
static void otp_decide_again(otp_deciding_t *d, const otp_key_t *key, int64_t step)
{
    otp_key_t suggested = otp_decide_suggested(d, key);

    d->out->verdict = OTP_VERDICT_ALREADY_USED;
    d->out->retry_after_s = otp_key_wait(&suggested, step, d->in->now_s);
}


/* The second code is right.  One that may be spent takes the place of the first, and the one after it is waited for. */
static void otp_decide_second(otp_deciding_t *d, otp_key_t *key, int64_t step)
{
    otp_key_t   suggested = otp_decide_suggested(d, key);
    otp_doubt_t doubt = otp_decide_doubt(d, key);

    if (otp_key_doubt_wait(&suggested, d->limits, &doubt, step, d->in->now_s) == 0) {
        otp_decide_clear(d);
        otp_decide_proven(d, key, step);
        return;
    }

    d->out->verdict = OTP_VERDICT_WAIT_NEXT_CODE;
    d->out->wait_s = otp_key_wait(&suggested, step, d->in->now_s);
    key->step = step;
    d->next->pending.step = step;
    d->next->pending.until = d->in->now_s + d->limits->pin_page_s;
    d->out->changed = true;
}


/* The second of two codes: one chance. */
OTP_MUST_USE static otp_status_t otp_decide_next_code(otp_deciding_t *d)
{
    int64_t    step = d->next->pending.step;
    bool       right, again;
    otp_key_t *key = otp_account_key(d->next, otp_span_of(d->next->pending.serial));

    d->out->verdict = OTP_VERDICT_DENIED;
    if (!otp_decide_holds_pending(d)) {
        return OTP_OK;
    }

    if (key == NULL || !otp_key_usable(key) || key->step > step) {
        /* Disabled, returned, or used elsewhere since: the first code leads nowhere any more. */
        memset(&d->next->pending, 0, sizeof(d->next->pending));
        d->out->changed = true;
        return OTP_OK;
    }

    otp_decide_concern(d, key);
    if (otp_match_step(d->ring, key, d->in->passcode, step + 1, &right, &again) != OTP_OK) {
        return OTP_FAILED;
    }

    if (right) {
        otp_decide_second(d, key, step + 1);
        return OTP_OK;
    }

    if (again) {
        otp_decide_again(d, key, step);
        return OTP_OK;
    }

    memset(&d->next->pending, 0, sizeof(d->next->pending));
    otp_decide_fail(d, OTP_SIGNAL_NONE);

    return OTP_OK;
}


/* No key, or locked: the passcode was evaluated as ever; what it proves is thrown away. */
static void otp_decide_unheard(otp_deciding_t *d, otp_state_t state)
{
    bool                 told = state == OTP_STATE_LOCKED && (d->in->signed_in || otp_decide_holds_pending(d));
    const otp_guesses_t *guesses = otp_decide_guesses(d);

    d->out->verdict = told ? OTP_VERDICT_THROTTLED : OTP_VERDICT_DENIED;
    if (told && guesses->failures < d->limits->lock_total) {
        d->out->retry_after_s = guesses->locked_until - d->in->now_s;
    }
}


/* Whether the passcode is evaluated: once, whatever follows from it, so that the time does not tell what there is. */
OTP_MUST_USE static bool otp_decide_evaluates(const otp_deciding_t *d, otp_state_t state)
{
    switch (d->in->kind) {
    case OTP_SUBMIT_PASSCODE:
    case OTP_SUBMIT_EMERGENCY:
    case OTP_SUBMIT_PIN_CHANGE:
        return true;
    case OTP_SUBMIT_NEXT_CODE:
    case OTP_SUBMIT_PIN:
        break;
    }

    return state == OTP_STATE_LOCKED || state == OTP_STATE_NO_KEY;
}


OTP_MUST_USE static otp_status_t otp_decide_in_state(otp_deciding_t *d, otp_state_t state)
{
    if (otp_decide_evaluates(d, state) && otp_decide_proof(d, &d->proven) != OTP_OK) {
        return OTP_FAILED;
    }

    if (d->in->kind == OTP_SUBMIT_EMERGENCY && otp_decide_emergency(d)) {
        return OTP_OK;
    }

    if (state == OTP_STATE_LOCKED || state == OTP_STATE_NO_KEY) {
        otp_decide_unheard(d, state);
        return OTP_OK;
    }

    d->out->verdict = OTP_VERDICT_DENIED;
    switch (d->in->kind) {
    case OTP_SUBMIT_PASSCODE:
    case OTP_SUBMIT_EMERGENCY:
        return otp_decide_passcode(d);
    case OTP_SUBMIT_NEXT_CODE:
        return state == OTP_STATE_NEXT_CODE ? otp_decide_next_code(d) : OTP_OK;
    case OTP_SUBMIT_PIN:
        return state == OTP_STATE_PIN_PAGE ? otp_decide_pin(d) : OTP_OK;
    case OTP_SUBMIT_PIN_CHANGE:
        return otp_decide_pin_change(d);
    }

    return OTP_FAILED;
}


/* Not a moment longer than the first answer is kept: a repeat would wait for what is gone. */
OTP_MUST_USE static bool otp_decide_repeated(const otp_account_t *account, const otp_submitted_t *in)
{
    otp_span_t nonce = otp_span_of(account->nonce);

    return nonce.len != 0 && otp_span_equal(nonce, in->nonce) && in->now_s - account->nonce_at < OTP_REPEAT_S;
}


/* What every change of the record takes along.  The language is that of whoever sits there: the person's own once
 * something is proven. */
static void otp_decide_close(otp_deciding_t *d)
{
    otp_account_t *next = d->next;
    bool           proven = d->in->signed_in || d->out->verdict == OTP_VERDICT_OK;
    size_t         len = d->in->nonce.len > OTP_NONCE_LEN ? 0 : d->in->nonce.len;

    next->revision++;
    memset(next->nonce, 0, sizeof(next->nonce));
    if (len != 0) {
        memcpy(next->nonce, d->in->nonce.data, len);
    }
    next->nonce_at = d->in->now_s;
    (void) otp_account_set_contact(next, d->in->name, d->in->email, proven ? d->in->language : OTP_SPAN_NONE);
}


otp_guesser_t otp_submitted_guesser(const otp_submitted_t *submitted, const otp_account_t *account)
{
    if (submitted->known) {
        return OTP_GUESSER_KNOWN;
    }

    return submitted->password_proven || otp_account_has_pin(account) ? OTP_GUESSER_UNKNOWN : OTP_GUESSER_UNPROVEN;
}


otp_status_t otp_decide(otp_keyring_t *ring, const otp_limits_t *limits, const otp_account_t *account,
    const otp_submitted_t *submitted, otp_account_t *next, otp_decision_t *decision)
{
    otp_deciding_t d = { .ring = ring, .limits = limits, .in = submitted, .next = next, .out = decision };
    otp_state_t    state;

    d.guesser = otp_submitted_guesser(submitted, account);
    state = otp_account_state(account, limits, d.guesser, submitted->now_s);

    *next = *account;
    memset(decision, 0, sizeof(*decision));
    decision->verdict = OTP_VERDICT_DENIED;

    if (otp_decide_repeated(account, submitted)) {
        decision->repeated = true;
        return OTP_OK;
    }

    if (otp_decide_in_state(&d, state) != OTP_OK
        || !otp_transition_legal(state, submitted->kind, decision->verdict,
                                 otp_account_state(next, limits, d.guesser, submitted->now_s)))
    {
        return OTP_FAILED;
    }

    if (decision->changed) {
        otp_decide_close(&d);
    }

    return OTP_OK;
}
