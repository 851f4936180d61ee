/*
 * The code that somebody typed at first use and that none of their keys shows: perhaps two people have each
 * other's key.  It travels in the outbox (kind OTP_MAIL_KEY_MIXUP, member `reason`) sealed, bound to the person,
 * because it may be the code of a key that somebody else holds; `otpctl notify` opens it and looks in the stock for the
 * key that showed it at the entry's `time_ms`.
 */
#ifndef OTP_MIXUP_H
#define OTP_MIXUP_H

#include "core/crypto/otp_keyring.h"
#include "core/oath/otp_hotp.h"

#define OTP_MIXUP_MAX   96      /* bytes of a sealed code */

/* Whether what was typed can be the code of some key: 6 to 8 digits and nothing else. */
OTP_MUST_USE bool otp_mixup_code(otp_span_t typed);

/* OTP_INVALID: `code` is none. */
OTP_MUST_USE otp_status_t otp_mixup_seal(otp_keyring_t *ring, otp_span_t uid, otp_span_t code,
    const uint8_t nonce[OTP_RANDOM_NONCE], char *sealed, size_t size, size_t *len);
/* `code` gets the digits with a final NUL; the caller wipes it.  OTP_INVALID: not sealed by this ring, not for
 * this person, or no code. */
OTP_MUST_USE otp_status_t otp_mixup_open(otp_keyring_t *ring, otp_span_t uid, otp_span_t sealed,
    char code[OTP_DIGITS_MAX + 1]);

#endif
