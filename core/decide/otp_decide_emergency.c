#include "core/decide/otp_deciding.h"
#include "core/model/otp_emergency.h"

/* The emergency password in the place of the passcode: it has a count of its own, and neither the lock nor the lack of
 * a key stands against it. */


otp_status_t otp_decide_emergency(otp_deciding_t *d, bool *decided)
{
    char         canonical[OTP_EMERGENCY_LEN + 1];
    bool         right, formed = otp_emergency_form(d->in->passcode, canonical);
    otp_proven_t proven;

    /* Evaluated as a passcode, too: the time does not tell whether there is an emergency password. */
    if (otp_decide_proof(d, &proven) != OTP_OK) {
        return OTP_FAILED;
    }

    right = otp_emergency_matches(d->ring, d->next, (otp_span_t) { canonical, OTP_EMERGENCY_LEN }, d->in->now_s);
    otp_secret_wipe(canonical, sizeof(canonical));
    *decided = formed && d->in->first_factor && otp_emergency_live(d->next, d->in->now_s);
    if (!*decided) {
        return OTP_OK;
    }

    d->out->changed = true;
    d->out->emergency = right;
    if (!right) {
        d->next->emergency.failures++;
        d->out->verdict = OTP_VERDICT_DENIED;
        return OTP_OK;
    }

    d->next->emergency.failures = 0;
    d->out->verdict = OTP_VERDICT_OK;
    d->out->expires = d->next->emergency.expires;

    return OTP_OK;
}
