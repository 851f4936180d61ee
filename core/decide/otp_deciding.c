#include "core/decide/otp_deciding.h"

#include <string.h>

#define OTP_MAIL_EVERY_S    86400   /* about one signal */


void otp_decide_concern(otp_deciding_t *d, const otp_key_t *key)
{
    memcpy(d->out->serial, key->serial, sizeof(d->out->serial));
}


bool otp_decide_holds_pending(const otp_deciding_t *d)
{
    otp_span_t id = otp_span_of(d->next->pending.id);

    return id.len != 0 && d->in->pending_id.len == id.len && d->next->pending.until >= d->in->now_s
           && otp_secret_equal(id.data, d->in->pending_id.data, id.len);
}


otp_doubt_t otp_decide_doubt(const otp_deciding_t *d, const otp_key_t *key)
{
    return (otp_doubt_t) { d->in->floor_s, d->in->remembered[key - d->next->key] };
}


int64_t otp_decide_last(const otp_deciding_t *d, const otp_key_t *key)
{
    otp_doubt_t doubt = otp_decide_doubt(d, key);
    int64_t     now_s = d->in->now_s, last = otp_key_doubtful(key, d->limits, &doubt, otp_key_step(key, now_s), now_s);

    return last > key->step ? last : key->step;
}


otp_guesses_t *otp_decide_guesses(const otp_deciding_t *d)
{
    return otp_account_guesses(d->next, d->guesser);
}


/* One decision brings one mail; what finds its place taken is mailed the next time. */
static void otp_decide_mail(otp_deciding_t *d, otp_signal_t signal)
{
    otp_signal_note_t *note = &d->next->signal[signal];

    if (d->out->mail != OTP_MAIL_NONE || (note->mailed != 0 && d->in->now_s - note->mailed < OTP_MAIL_EVERY_S)) {
        return;
    }

    note->mailed = d->in->now_s;
    d->out->mail = otp_mail_of_signal(signal);
    d->out->changed = true;
}


void otp_decide_tell(otp_deciding_t *d, otp_signal_t signal)
{
    otp_signal_note_t *note = &d->next->signal[signal];

    note->at = d->in->now_s;
    note->count++;
    d->out->changed = true;
    otp_decide_mail(d, signal);
}


static void otp_decide_lock(otp_deciding_t *d, otp_guesses_t *guesses)
{
    guesses->locked_until = d->in->now_s + d->limits->lock_time_s;
    d->out->signal = OTP_SIGNAL_LOCKED;
    d->out->until = guesses->failures < d->limits->lock_total ? guesses->locked_until : 0;
    otp_decide_mail(d, OTP_SIGNAL_LOCKED);
}


void otp_decide_fail(otp_deciding_t *d, otp_signal_t signal)
{
    otp_guesses_t *guesses = otp_decide_guesses(d);

    guesses->failures++;
    guesses->failed_at = d->in->now_s;
    d->out->changed = true;
    d->out->verdict = OTP_VERDICT_DENIED;
    d->out->signal = signal;

    /* First: that one is locked out is what the one mail tells. */
    if (guesses->failures % d->limits->lock == 0 || guesses->failures == d->limits->lock_total) {
        otp_decide_lock(d, guesses);
    }
    if (signal != OTP_SIGNAL_NONE) {
        otp_decide_tell(d, signal);
    }
}


void otp_decide_clear(otp_deciding_t *d)
{
    if (d->guesser == OTP_GUESSER_UNKNOWN) {
        memset(&d->next->known, 0, sizeof(d->next->known));
    }
    otp_decide_guesses(d)->failures = 0;
    otp_decide_guesses(d)->locked_until = 0;
}
