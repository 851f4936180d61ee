/*
 * HOTP (RFC 4226) and the steps of TOTP (RFC 6238).
 */
#ifndef OTP_HOTP_H
#define OTP_HOTP_H

#include "core/base/otp_span.h"

#define OTP_SEED_MIN    10
#define OTP_SEED_MAX    64
#define OTP_DIGITS_MIN  6
#define OTP_DIGITS_MAX  8

typedef enum { OTP_SHA1, OTP_SHA256, OTP_SHA512 } otp_algorithm_t;

/* "sha1", "sha256", "sha512"; reading ignores case and a dash (SHA-1, HmacSHA256 too). */
const char *otp_algorithm_name(otp_algorithm_t algorithm);
OTP_MUST_USE otp_status_t otp_algorithm_parse(otp_span_t name, otp_algorithm_t *algorithm);

/* Codes of `count` consecutive counters from `first` (RFC 4226 section 5.3), as numbers below
 * 10^digits.  One HMAC key schedule for all of them.  OTP_INVALID: seed or digits out of range. */
OTP_MUST_USE otp_status_t otp_hotp_codes(otp_algorithm_t algorithm, otp_span_t seed, unsigned digits,
    int64_t first, size_t count, uint32_t *codes);

/* RFC 6238 section 4.2: floor(now / period).  `period_s` > 0. */
int64_t otp_totp_step(int64_t now_s, int64_t period_s);

/* otpauth://totp/ISSUER:LABEL?secret=…&issuer=…&algorithm=…&digits=…&period=… */
OTP_MUST_USE otp_status_t otp_otpauth_write(otp_span_t issuer, otp_span_t label, otp_span_t seed,
    otp_algorithm_t algorithm, unsigned digits, int64_t period_s, char *uri, size_t size, size_t *len);
/* otpauth://hotp/ likewise, with &counter=… of the next code instead of the period. */
OTP_MUST_USE otp_status_t otp_otpauth_write_hotp(otp_span_t issuer, otp_span_t label, otp_span_t seed,
    otp_algorithm_t algorithm, unsigned digits, int64_t counter, char *uri, size_t size, size_t *len);

#endif
