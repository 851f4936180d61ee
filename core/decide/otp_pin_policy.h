/*
 * Which PINs are refused (system.md S7, B3).
 */
#ifndef OTP_PIN_POLICY_H
#define OTP_PIN_POLICY_H

#include "core/base/otp_span.h"
#include "core/decide/otp_limits.h"

typedef enum {
    OTP_PIN_GOOD,
    OTP_PIN_DIGITS,         /* something else than digits */
    OTP_PIN_LENGTH,
    OTP_PIN_MISMATCH,       /* the two are not the same */
    OTP_PIN_REPEATED,       /* all the same digit */
    OTP_PIN_SEQUENCE,       /* a run up or down, 9 and 0 being neighbours */
    OTP_PIN_DATE,           /* DDMM, MMDD, DDMMYY, YYMMDD, a year of birth */
    OTP_PIN_PERSONAL,       /* part of the identifier, e-mail, serial, or another fact of the directory */
    OTP_PIN_PREVIOUS        /* the last PIN; judged by otp_decide(), which has its verifier */
} otp_pin_refusal_t;

/* "mismatch", "length"… as in the interface; "" for OTP_PIN_GOOD. */
const char *otp_pin_refusal_name(otp_pin_refusal_t refusal);

/* Judges a new PIN.  `personal`: texts whose digits must not contain the PIN.  `year`: the present one. */
OTP_MUST_USE otp_pin_refusal_t otp_pin_check(otp_span_t pin, otp_span_t confirm, const otp_limits_t *limits, int year,
    const otp_span_t *personal, size_t n);

#endif
