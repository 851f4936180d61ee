#include <string.h>

#include "core/decide/otp_manage_private.h"
#include "core/model/otp_emergency.h"

otp_managed_t otp_manage_pin_clear(otp_account_t *account)
{
    if (account->keys == 0) {
        return OTP_MANAGE_NO_KEY;
    }
    bool cleared = otp_manage_clear_pending(account);

    for (size_t i = 0; i < account->keys; i++) {
        otp_key_t *key = &account->key[i];

        if (key->pin.set) {
            key->pin_before = key->pin;
            memset(&key->pin, 0, sizeof(key->pin));
            cleared = true;
        }
    }
    return cleared ? otp_manage_account_changed(account) : OTP_MANAGE_UNCHANGED;
}


static bool forget(otp_guesses_t *guesses)
{
    bool any = guesses->failures != 0 || guesses->locked_until != 0;

    guesses->failures = 0;
    guesses->locked_until = 0;
    return any;
}


otp_managed_t otp_manage_unlock(otp_account_t *account)
{
    bool any = forget(&account->unknown);

    any |= forget(&account->known);
    any |= forget(&account->unproven);
    return any ? otp_manage_account_changed(account) : OTP_MANAGE_UNCHANGED;
}


otp_managed_t otp_manage_emergency_revoke(otp_account_t *account, int64_t now_s)
{
    if (!otp_emergency_live(account, now_s)) {
        return OTP_MANAGE_NO_EMERGENCY;
    }
    memset(&account->emergency, 0, sizeof(account->emergency));
    return otp_manage_account_changed(account);
}


otp_managed_t otp_manage_signals_seen(otp_account_t *account, const otp_signal_note_t *seen)
{
    bool any = false;

    for (size_t i = 0; i < OTP_SIGNALS; i++) {
        otp_signal_note_t *note = &account->signal[i];

        /* A lock has no banner in which it could have been seen. */
        if (seen && i != OTP_SIGNAL_LOCKED && (note->at != seen[i].at || note->count != seen[i].count)) {
            continue;
        }
        any |= note->at != 0 || note->count != 0;
        note->at = 0;
        note->count = 0;
    }
    return any ? otp_manage_account_changed(account) : OTP_MANAGE_UNCHANGED;
}


otp_managed_session_t otp_manage_session(otp_session_t *session, otp_span_t serial)
{
    if (serial.len == 0 || !otp_span_equal(session->serial, serial)) {
        return OTP_MANAGE_SESSION_KEPT;
    }
    if (!session->password_proven) {
        return OTP_MANAGE_SESSION_ENDED;
    }
    session->level = OTP_LEVEL_PASSWORD;
    session->method = OTP_AUTH_PASSWORD;
    session->serial = OTP_SPAN_NONE;
    session->otp_time = 0;
    return OTP_MANAGE_SESSION_LOWERED;
}


otp_managed_session_t otp_manage_session_emergency(const otp_session_t *session)
{
    return session->method == OTP_AUTH_EMERGENCY ? OTP_MANAGE_SESSION_ENDED : OTP_MANAGE_SESSION_KEPT;
}
