#include "core/decide/otp_deciding.h"
#include "core/model/otp_emergency.h"

/* The emergency password in the place of the passcode: it has a count of its own, and neither the lock nor the lack of
 * a key stands against it. */


bool otp_decide_emergency(otp_deciding_t *d)
{
    char canonical[OTP_EMERGENCY_LEN + 1];
    bool right, formed = otp_emergency_form(d->in->passcode, canonical);

    /* Computed in any case: the time does not tell whether there is an emergency password. */
    right = otp_emergency_matches(d->ring, d->next, (otp_span_t) { canonical, OTP_EMERGENCY_LEN }, d->in->now_s);
    otp_secret_wipe(canonical, sizeof(canonical));
    if (!formed || !d->in->password_proven || !otp_emergency_live(d->next, d->in->now_s)) {
        return false;
    }

    d->out->changed = true;
    d->out->emergency = right;
    if (!right) {
        d->next->emergency.failures++;
        d->out->verdict = OTP_VERDICT_DENIED;
        return true;
    }

    d->next->emergency.failures = 0;
    d->out->verdict = OTP_VERDICT_OK;
    d->out->expires = d->next->emergency.expires;

    return true;
}
