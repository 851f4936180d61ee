#include "core/decide/otp_deciding.h"

#include <string.h>
#include <time.h>

/* The choice of a PIN, by the browser for which the page is open. */


OTP_MUST_USE static int otp_decide_year(int64_t now_s)
{
    time_t    seconds = (time_t) now_s;
    struct tm tm;

    return gmtime_r(&seconds, &tm) == NULL ? 1970 : tm.tm_year + 1900;
}


OTP_MUST_USE static otp_pin_refusal_t otp_decide_pin_refusal(const otp_deciding_t *d, const otp_key_t *key)
{
    otp_span_t        serial = otp_span_of(key->serial);
    int               year = otp_decide_year(d->in->now_s);
    otp_pin_refusal_t refusal;

    refusal = otp_pin_check(d->in->pin, d->in->pin_confirm, d->limits, year, d->in->personal, d->in->personals);
    if (refusal == OTP_PIN_GOOD) {
        refusal = otp_pin_check(d->in->pin, d->in->pin_confirm, d->limits, year, &serial, 1);
    }

    if (refusal == OTP_PIN_GOOD && otp_pin_matches(d->ring, serial, d->in->pin, &key->pin_before)) {
        return OTP_PIN_PREVIOUS;
    }

    return refusal;
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
    if (d->out->refusal != OTP_PIN_GOOD) {
        d->out->verdict = OTP_VERDICT_PIN_REFUSED;
        return OTP_OK;
    }

    if (otp_pin_set(d->ring, otp_span_of(key->serial), d->in->pin, d->in->random_salt, &key->pin) != OTP_OK) {
        return OTP_FAILED;
    }

    memset(&d->next->pending, 0, sizeof(d->next->pending));
    d->out->changed = true;
    d->out->verdict = OTP_VERDICT_WAIT_NEXT_CODE;
    d->out->wait_s = otp_key_wait(key, key->step, d->in->now_s);

    return OTP_OK;
}
