#include "core/decide/otp_deciding.h"
#include "core/model/otp_emergency.h"

/* The emergency password in the place of the passcode: it has counts of its own, and neither the lock nor the lack of
 * a key stands against it. */


/* The person, who may stand there without it now, is told each time: an agent has to issue another one first. */
static void otp_decide_emergency_wrong(otp_deciding_t *d, int64_t *failures)
{
    d->out->verdict = OTP_VERDICT_DENIED;
    if (++*failures < OTP_EMERGENCY_FAILURES) {
        return;
    }

    d->out->emergency_blocked = true;
    d->out->signal = OTP_SIGNAL_LOCKED;
    d->out->mail = otp_mail_of_signal(OTP_SIGNAL_LOCKED);
}


bool otp_decide_emergency(otp_deciding_t *d)
{
    char     canonical[OTP_EMERGENCY_LEN + 1];
    bool     right, formed = otp_emergency_form(d->in->passcode, canonical);
    int64_t *failures = otp_emergency_failures(d->next, d->in->known);

    /* Computed in any case: the time does not tell whether there is an emergency password. */
    right = otp_emergency_matches(d->ring, d->next, (otp_span_t) { canonical, OTP_EMERGENCY_LEN }, d->in->now_s);
    otp_secret_wipe(canonical, sizeof(canonical));
    if (!formed || !d->in->password_proven || !otp_emergency_heard(d->next, d->in->known, d->in->now_s)) {
        return false;
    }

    d->out->changed = true;
    d->out->emergency = right;
    if (!right) {
        otp_decide_emergency_wrong(d, failures);
        return true;
    }

    /* As of passcodes: in a new browser it speaks for all of them, in a known one for those. */
    if (!d->in->known) {
        d->next->emergency.known_failures = 0;
    }
    *failures = 0;
    d->out->verdict = OTP_VERDICT_OK;
    d->out->expires = d->next->emergency.expires;

    return true;
}
