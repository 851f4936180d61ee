#include <string.h>

#include "core/decide/otp_deciding.h"
#include "core/model/otp_emergency.h"
#include "core/model/otp_throttle.h"

/* What a passcode proves about the keys of an account, and what follows from less than everything. */


/* 0: nothing speaks against the code of `step` but, perhaps, the record. */
OTP_MUST_USE static int64_t otp_decide_doubt_wait(const otp_deciding_t *d, const otp_key_t *key, int64_t step)
{
    otp_doubt_t doubt = otp_decide_doubt(d, key);

    return otp_key_doubt_wait(key, d->limits, &doubt, step, d->in->now_s);
}


/* A code that may be spent is worth nothing without the PIN, as one that is. */
OTP_MUST_USE static otp_proof_t otp_decide_proof_of(const otp_deciding_t *d, const otp_key_t *key,
    const otp_match_t *match)
{
    bool first_use = d->in->first_use && d->in->kind != OTP_SUBMIT_PIN_CHANGE;
    bool doubtful = otp_decide_doubt_wait(d, key, match->step) != 0;

    if (!otp_key_usable(key) || (!key->pin.set && !first_use)) {
        return OTP_PROOF_NONE;
    }

    switch (match->code) {
    case OTP_CODE_WRONG:
        return match->pin_right && key->pin.set ? OTP_PROOF_PIN : OTP_PROOF_NONE;
    case OTP_CODE_SPENT:
        return match->pin_right ? OTP_PROOF_SPENT : OTP_PROOF_NONE;
    case OTP_CODE_WIDE:
    case OTP_CODE_FRESH:
        break;
    }

    if (doubtful) {
        return match->pin_right ? OTP_PROOF_DOUBTFUL : OTP_PROOF_NONE;
    }
    if (match->pin_right) {
        return match->code == OTP_CODE_FRESH ? OTP_PROOF_FULL : OTP_PROOF_WIDE;
    }

    return OTP_PROOF_CODE;
}


otp_status_t otp_decide_proof(const otp_deciding_t *d, otp_proven_t *proven)
{
    memset(proven, 0, sizeof(*proven));

    for (size_t i = 0; i < d->next->keys; i++) {
        otp_key_t  *key = &d->next->key[i];
        otp_match_t match = { 0 };
        otp_proof_t found;

        if (otp_match_passcode(d->ring, d->limits, key, d->in->passcode, d->in->now_s, &match) != OTP_OK) {
            return OTP_FAILED;
        }

        found = otp_decide_proof_of(d, key, &match);
        if (found > proven->proof) {
            *proven = (otp_proven_t) { found, key, match.step };
        }
    }

    return OTP_OK;
}


/* Whether the code was spent by somebody at another place than this.  The addresses of one IPv6 network are one. */
OTP_MUST_USE static bool otp_decide_elsewhere(const otp_deciding_t *d)
{
    char       here[OTP_THROTTLE_ADDRESS_MAX], there[OTP_THROTTLE_ADDRESS_MAX];
    otp_span_t spent = otp_span_of(d->next->accepted_from);

    return spent.len != 0 && d->in->address.len != 0
           && !otp_span_equal(otp_throttle_address(d->in->address, here), otp_throttle_address(spent, there));
}


static void otp_decide_spent(otp_deciding_t *d, const otp_key_t *key)
{
    /* A key without PIN has no PIN to be right: only who is signed in is told. */
    d->out->verdict = key->pin.set || d->in->signed_in ? OTP_VERDICT_ALREADY_USED : OTP_VERDICT_DENIED;
    d->out->retry_after_s = otp_key_wait(key, otp_decide_last(d, key), d->in->now_s);
    d->out->signal = OTP_SIGNAL_REPLAY;

    if (key->pin.set && otp_decide_elsewhere(d)) {
        otp_decide_tell(d, OTP_SIGNAL_REPLAY);
    }
}


/* A right code without the right PIN is spent: who watched the display gets no second try with it.  Not one of the
 * far future, which would make the codes until then useless to the owner. */
static void otp_decide_code_without_pin(otp_deciding_t *d, otp_key_t *key, int64_t step)
{
    bool timed = otp_type_rules(key->type)->timed;

    if (timed ? step <= otp_key_step(key, d->in->now_s) + d->limits->window
              : otp_key_near(key, d->limits, step, d->in->now_s))
    {
        key->step = step;
    }
    otp_decide_fail(d, OTP_SIGNAL_CODE_WITHOUT_PIN);
}


/* The right passcode, too early: no failure, and nothing to be told of. */
static void otp_decide_doubted(otp_deciding_t *d, const otp_key_t *key, int64_t step)
{
    d->out->verdict = OTP_VERDICT_WAIT_NEXT_CODE;
    d->out->wait_s = otp_decide_doubt_wait(d, key, step);
}


void otp_decide_short_of_proof(otp_deciding_t *d, const otp_proven_t *proven)
{
    switch (proven->proof) {
    case OTP_PROOF_PIN:
        otp_decide_fail(d, OTP_SIGNAL_PIN_WITHOUT_CODE);
        return;
    case OTP_PROOF_CODE:
        otp_decide_code_without_pin(d, proven->key, proven->step);
        return;
    case OTP_PROOF_SPENT:
        otp_decide_spent(d, proven->key);
        return;
    case OTP_PROOF_DOUBTFUL:
        otp_decide_doubted(d, proven->key, proven->step);
        return;
    case OTP_PROOF_NONE:
    case OTP_PROOF_WIDE:
    case OTP_PROOF_FULL:
        break;
    }

    otp_decide_fail(d, OTP_SIGNAL_NONE);
}


static void otp_decide_accepted_from(otp_deciding_t *d)
{
    char  *from = d->next->accepted_from;
    size_t len = d->in->address.len > OTP_ADDRESS_LEN ? OTP_ADDRESS_LEN : d->in->address.len;

    memset(from, 0, sizeof(d->next->accepted_from));
    if (len != 0) {
        memcpy(from, d->in->address.data, len);
    }
}


void otp_decide_accept(otp_deciding_t *d, otp_key_t *key, int64_t step)
{
    otp_key_learn(key, step, d->in->now_s);
    key->used = d->in->now_s;
    otp_decide_accepted_from(d);
    d->out->changed = true;
}


/* What is left of it until its time is over says that sessions may have been opened by it: should ending them fail this
 * time, the next use of the key does it. */
void otp_decide_key_used(otp_deciding_t *d)
{
    otp_emergency_t *emergency = &d->next->emergency;

    d->out->verdict = OTP_VERDICT_OK;
    d->out->emergency_ended = emergency->expires != 0;
    if (d->in->now_s < emergency->expires) {
        emergency->failures = emergency->known_failures = OTP_EMERGENCY_FAILURES;
        return;
    }

    memset(emergency, 0, sizeof(*emergency));
}
