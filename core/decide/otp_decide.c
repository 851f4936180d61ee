#include "core/decide/otp_deciding.h"

#include <string.h>

#include "core/base/otp_buffer.h"


/* How much a passcode proves, from nothing to everything. */
typedef enum {
    OTP_PROOF_NONE, OTP_PROOF_PIN, OTP_PROOF_CODE, OTP_PROOF_SPENT, OTP_PROOF_WIDE, OTP_PROOF_FULL
} otp_proof_t;


/* A bad passcode: counted, and at each multiple of the limit the account is locked for a while. */
static void otp_decide_fail(otp_deciding_t *d)
{
    otp_account_t *next = d->next;

    next->unknown.failures++;
    next->unknown.failed_at = d->in->now_s;
    d->out->changed = true;
    d->out->verdict = OTP_VERDICT_DENIED;

    if (next->unknown.failures % d->limits->lock == 0) {
        next->unknown.locked_until = d->in->now_s + d->limits->lock_time_s;
        d->out->signal = OTP_SIGNAL_LOCKED;
    }
}


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


static void otp_decide_learn(otp_deciding_t *d, otp_key_t *key, int64_t step)
{
    key->step = step;
    key->drift = step - otp_totp_step(d->in->now_s, key->period_s);
    key->used = d->in->now_s;
}


/* The key is proven: by one code, or by two. */
static void otp_decide_proven(otp_deciding_t *d, otp_key_t *key, int64_t step)
{
    otp_decide_learn(d, key, step);
    d->out->changed = true;
    d->out->wait_s = otp_key_wait(key, step, d->in->now_s);

    if (!key->pin.set) {
        otp_decide_open(d, OTP_PENDING_PIN, key, step);
        return;
    }

    d->next->unknown.failures = 0;
    d->next->unknown.locked_until = 0;
    memset(&d->next->pending, 0, sizeof(d->next->pending));
    d->out->verdict = OTP_VERDICT_OK;
}


/* A first code that is not enough: it is spent, and the one after it has to follow.  The drift it suggests
 * is believed for the wait only; two codes teach it. */
static void otp_decide_first_of_two(otp_deciding_t *d, otp_key_t *key, int64_t step)
{
    otp_key_t suggested = *key;

    otp_decide_learn(d, &suggested, step);
    key->step = step;
    d->out->changed = true;
    d->out->wait_s = otp_key_wait(&suggested, step, d->in->now_s);
    otp_decide_open(d, OTP_PENDING_NEXT_CODE, key, step);
}


static void otp_decide_spent(otp_deciding_t *d, const otp_key_t *key)
{
    /* A key without PIN has no PIN to be right: only who proved the password is told. */
    d->out->verdict = key->pin.set || d->in->first_factor ? OTP_VERDICT_ALREADY_USED : OTP_VERDICT_DENIED;
    d->out->retry_after_s = otp_key_wait(key, key->step, d->in->now_s);
    d->out->signal = OTP_SIGNAL_REPLAY;
}


/* A right code without the right PIN is spent: who watched the display gets no second try with it. */
static void otp_decide_code_without_pin(otp_deciding_t *d, otp_key_t *key, int64_t step)
{
    if (step <= otp_key_step(key, d->in->now_s) + d->limits->window) {
        key->step = step;
    }
    d->out->signal = OTP_SIGNAL_CODE_WITHOUT_PIN;
    otp_decide_fail(d);
}


OTP_MUST_USE static otp_proof_t otp_decide_proof(const otp_deciding_t *d, const otp_key_t *key,
    const otp_match_t *match)
{
    if (!otp_key_usable(key) || (!key->pin.set && !d->in->first_use)) {
        return OTP_PROOF_NONE;
    }

    switch (match->code) {
    case OTP_CODE_WRONG:
        return match->pin_right && key->pin.set ? OTP_PROOF_PIN : OTP_PROOF_NONE;
    case OTP_CODE_SPENT:
        return match->pin_right ? OTP_PROOF_SPENT : OTP_PROOF_NONE;
    case OTP_CODE_WIDE:
        return match->pin_right ? OTP_PROOF_WIDE : OTP_PROOF_CODE;
    case OTP_CODE_FRESH:
        return match->pin_right ? OTP_PROOF_FULL : OTP_PROOF_CODE;
    }

    return OTP_PROOF_NONE;
}


/* Evaluates every key, disabled ones too (the time tells nothing); the one most is proven about counts. */
OTP_MUST_USE static otp_status_t otp_decide_match(const otp_deciding_t *d, otp_key_t **key, int64_t *step,
    otp_proof_t *proof)
{
    *proof = OTP_PROOF_NONE;
    *key = NULL;

    for (size_t i = 0; i < d->next->keys; i++) {
        otp_match_t match = { 0 };
        otp_proof_t found;

        if (otp_match_passcode(d->ring, d->limits, &d->next->key[i], d->in->passcode, d->in->now_s, &match) != OTP_OK) {
            return OTP_FAILED;
        }

        found = otp_decide_proof(d, &d->next->key[i], &match);
        if (found > *proof) {
            *proof = found;
            *key = &d->next->key[i];
            *step = match.step;
        }
    }

    return OTP_OK;
}


OTP_MUST_USE static otp_status_t otp_decide_passcode(otp_deciding_t *d)
{
    bool        two_codes = d->next->unknown.failures >= d->limits->next_code;
    int64_t     step = 0;
    otp_key_t  *key;
    otp_proof_t proof;

    if (otp_decide_match(d, &key, &step, &proof) != OTP_OK) {
        return OTP_FAILED;
    }

    if (key != NULL) {
        otp_decide_concern(d, key);
    }

    switch (proof) {
    case OTP_PROOF_NONE:
        otp_decide_fail(d);
        break;
    case OTP_PROOF_PIN:
        d->out->signal = OTP_SIGNAL_PIN_WITHOUT_CODE;
        otp_decide_fail(d);
        break;
    case OTP_PROOF_CODE:
        otp_decide_code_without_pin(d, key, step);
        break;
    case OTP_PROOF_SPENT:
        otp_decide_spent(d, key);
        break;
    case OTP_PROOF_WIDE:
        otp_decide_first_of_two(d, key, step);
        break;
    case OTP_PROOF_FULL:
        if (two_codes) {
            otp_decide_first_of_two(d, key, step);
        } else {
            otp_decide_proven(d, key, step);
        }
        break;
    }

    return OTP_OK;
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
        d->next->unknown.failures = 0;
        otp_decide_proven(d, key, step + 1);
        return OTP_OK;
    }

    if (again) {
        otp_key_t suggested = *key;

        suggested.drift = step - otp_totp_step(d->next->pending.until - d->limits->pin_page_s, key->period_s);
        d->out->verdict = OTP_VERDICT_ALREADY_USED;
        d->out->retry_after_s = otp_key_wait(&suggested, step, d->in->now_s);
        return OTP_OK;
    }

    memset(&d->next->pending, 0, sizeof(d->next->pending));
    otp_decide_fail(d);

    return OTP_OK;
}


/* No key, or locked: the passcode is evaluated as ever and the result thrown away, so that the time tells nothing. */
OTP_MUST_USE static otp_status_t otp_decide_unheard(otp_deciding_t *d, otp_state_t state)
{
    bool        told = state == OTP_STATE_LOCKED && (d->in->first_factor || otp_decide_holds_pending(d));
    int64_t     step;
    otp_key_t  *key;
    otp_proof_t proof;

    if (otp_decide_match(d, &key, &step, &proof) != OTP_OK) {
        return OTP_FAILED;
    }

    d->out->verdict = told ? OTP_VERDICT_THROTTLED : OTP_VERDICT_DENIED;
    if (told && d->next->unknown.failures < d->limits->lock_total) {
        d->out->retry_after_s = d->next->unknown.locked_until - d->in->now_s;
    }

    return OTP_OK;
}


OTP_MUST_USE static otp_status_t otp_decide_in_state(otp_deciding_t *d, otp_state_t state)
{
    if (state == OTP_STATE_LOCKED || state == OTP_STATE_NO_KEY) {
        return otp_decide_unheard(d, state);
    }

    d->out->verdict = OTP_VERDICT_DENIED;
    switch (d->in->kind) {
    case OTP_SUBMIT_PASSCODE:
        return otp_decide_passcode(d);
    case OTP_SUBMIT_NEXT_CODE:
        return state == OTP_STATE_NEXT_CODE ? otp_decide_next_code(d) : OTP_OK;
    case OTP_SUBMIT_PIN:
        return state == OTP_STATE_PIN_PAGE ? otp_decide_pin(d) : OTP_OK;
    case OTP_SUBMIT_EMERGENCY:
    case OTP_SUBMIT_PIN_CHANGE:
        break;
    }

    return OTP_FAILED;
}


/* Not a moment longer than the first answer is kept: a repeat would wait for what is gone. */
OTP_MUST_USE static bool otp_decide_repeated(const otp_account_t *account, const otp_submitted_t *in)
{
    otp_span_t nonce = otp_span_of(account->nonce);

    return nonce.len != 0 && otp_span_equal(nonce, in->nonce) && in->now_s - account->nonce_at < OTP_REPEAT_S;
}


otp_status_t otp_decide(otp_keyring_t *ring, const otp_limits_t *limits, const otp_account_t *account,
    const otp_submitted_t *submitted, otp_account_t *next, otp_decision_t *decision)
{
    otp_deciding_t d = { ring, limits, submitted, next, decision };
    otp_state_t    state = otp_account_state(account, limits, submitted->now_s);

    *next = *account;
    memset(decision, 0, sizeof(*decision));
    decision->verdict = OTP_VERDICT_DENIED;

    if (otp_decide_repeated(account, submitted)) {
        decision->repeated = true;
        return OTP_OK;
    }

    if (otp_decide_in_state(&d, state) != OTP_OK
        || !otp_transition_legal(state, submitted->kind, decision->verdict,
                                 otp_account_state(next, limits, submitted->now_s)))
    {
        return OTP_FAILED;
    }

    if (decision->changed) {
        size_t len = submitted->nonce.len > OTP_NONCE_LEN ? 0 : submitted->nonce.len;

        next->revision++;
        memset(next->nonce, 0, sizeof(next->nonce));
        if (len != 0) {
            memcpy(next->nonce, submitted->nonce.data, len);
        }
        next->nonce_at = submitted->now_s;
    }

    return OTP_OK;
}
