#include "core/decide/otp_deciding.h"

#include <string.h>
#include <time.h>

/* The choice of a PIN: the first one, by the browser for which the page is open, and a change of it. */


OTP_MUST_USE static int otp_decide_year(int64_t now_s)
{
    time_t    seconds = (time_t) now_s;
    struct tm tm;

    return gmtime_r(&seconds, &tm) == NULL ? 1970 : tm.tm_year + 1900;
}


/* By what may be told to anybody: how it looks, and what is known of the person and the key. */
OTP_MUST_USE static otp_pin_refusal_t otp_decide_pin_refusal(const otp_deciding_t *d, const otp_key_t *key)
{
    otp_span_t        serial = otp_span_of(key->serial);
    int               year = otp_decide_year(d->in->now_s);
    otp_pin_refusal_t refusal;

    refusal = otp_pin_check(d->in->pin, d->in->pin_confirm, d->limits, year, d->in->personal, d->in->personals);
    if (refusal != OTP_PIN_GOOD) {
        return refusal;
    }

    return otp_pin_check(d->in->pin, d->in->pin_confirm, d->limits, year, &serial, 1);
}


OTP_MUST_USE static bool otp_decide_pin_before(const otp_deciding_t *d, const otp_key_t *key)
{
    return otp_pin_matches(d->ring, otp_span_of(key->serial), d->in->pin, &key->pin_before);
}


otp_status_t otp_decide_pin(otp_deciding_t *d)
{
    otp_key_t *key = otp_account_key(d->next, otp_span_of(d->next->pending.serial));

    d->out->verdict = OTP_VERDICT_DENIED;
    if (!otp_decide_holds_pending(d) || key == NULL || !otp_key_usable(key) || key->pin.set) {
        return OTP_OK;
    }

    otp_decide_concern(d, key);
    d->out->refusal = otp_decide_pin_refusal(d, key);
    if (d->out->refusal == OTP_PIN_GOOD && otp_decide_pin_before(d, key)) {
        d->out->refusal = OTP_PIN_PREVIOUS;
    }
    if (d->out->refusal != OTP_PIN_GOOD) {
        d->out->verdict = OTP_VERDICT_PIN_REFUSED;
        return OTP_OK;
    }

    if (otp_pin_set(d->ring, otp_span_of(key->serial), d->in->pin, d->in->random_salt, &key->pin) != OTP_OK) {
        return OTP_FAILED;
    }

    /* First use is over, and with it the guesses at it. */
    memset(&d->next->unproven, 0, sizeof(d->next->unproven));
    memset(&d->next->pending, 0, sizeof(d->next->pending));
    d->out->changed = true;
    d->out->verdict = OTP_VERDICT_WAIT_NEXT_CODE;
    d->out->wait_s = otp_key_wait(key, otp_decide_last(d, key), d->in->now_s);

    return OTP_OK;
}


/* The new PIN by itself, for whichever of the keys it may be meant: nothing is told here that depends on a PIN. */
OTP_MUST_USE static otp_pin_refusal_t otp_decide_new_pin_refusal(const otp_deciding_t *d)
{
    otp_pin_refusal_t refusal = OTP_PIN_GOOD;

    for (size_t i = 0; i < d->next->keys && refusal == OTP_PIN_GOOD; i++) {
        refusal = otp_decide_pin_refusal(d, &d->next->key[i]);
    }

    return refusal;
}


/* The passcode was right: the code is spent with the change. */
OTP_MUST_USE static otp_status_t otp_decide_pin_changed(otp_deciding_t *d, otp_key_t *key, int64_t step)
{
    otp_pin_verifier_t before = key->pin;

    /* Only now: whether a PIN is the present one is for who knows the present one. */
    if (otp_pin_matches(d->ring, otp_span_of(key->serial), d->in->pin, &before) || otp_decide_pin_before(d, key)) {
        d->out->refusal = OTP_PIN_PREVIOUS;
        d->out->verdict = OTP_VERDICT_PIN_REFUSED;
        return OTP_OK;
    }

    if (otp_pin_set(d->ring, otp_span_of(key->serial), d->in->pin, d->in->random_salt, &key->pin) != OTP_OK) {
        return OTP_FAILED;
    }

    key->pin_before = before;
    otp_decide_accept(d, key, step);
    otp_decide_key_used(d);
    d->out->mail = OTP_MAIL_PIN_CHANGED;
    d->out->wait_s = otp_key_wait(key, step, d->in->now_s);

    return OTP_OK;
}


/* It is no sign-in: one code is enough after bad passcodes, and what was counted stays. */
otp_status_t otp_decide_pin_change(otp_deciding_t *d)
{
    const otp_proven_t *proven = &d->proven;

    d->out->refusal = otp_decide_new_pin_refusal(d);
    if (d->out->refusal != OTP_PIN_GOOD) {
        d->out->verdict = OTP_VERDICT_PIN_REFUSED;
        return OTP_OK;
    }

    if (proven->key != NULL) {
        otp_decide_concern(d, proven->key);
    }

    if (proven->proof == OTP_PROOF_FULL) {
        return otp_decide_pin_changed(d, proven->key, proven->step);
    }

    otp_decide_short_of_proof(d, proven);

    return OTP_OK;
}
