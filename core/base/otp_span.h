/*
 * otp_span_t: bytes that somebody else owns.  May hold NUL; is not NUL-terminated.
 */
#ifndef OTP_SPAN_H
#define OTP_SPAN_H

#include "core/base/otp_base.h"

typedef struct {
    const char *data;
    size_t      len;
} otp_span_t;

#define OTP_SPAN(literal)   ((otp_span_t) { (literal), sizeof(literal) - 1 })
#define OTP_SPAN_NONE       ((otp_span_t) { NULL, 0 })

/* The bytes of a NUL-terminated string; NULL gives an empty span. */
otp_span_t otp_span_of(const char *text);

/* Same length and bytes.  Not for secrets: see otp_secret_equal(). */
bool otp_span_equal(otp_span_t a, otp_span_t b);

/* The same without regard to ASCII case. */
bool otp_span_equal_nocase(otp_span_t a, otp_span_t b);

bool otp_span_starts(otp_span_t text, otp_span_t prefix);

/* Takes the part before the first `separator` off `*rest` and returns it; all of `*rest` when there
 * is none.  `*rest` becomes what follows the separator; its data is NULL once nothing is left, so
 * `while (rest.data)` visits every part, empty ones too. */
otp_span_t otp_span_cut(otp_span_t *rest, char separator);

/* Without ASCII white space at both ends. */
otp_span_t otp_span_trim(otp_span_t text);

/* A decimal number of 1..18 digits and nothing else (no sign, no blank). */
OTP_MUST_USE otp_status_t otp_span_number(otp_span_t text, int64_t *number);

/* Compares in time that depends on the lengths only. */
bool otp_secret_equal(const void *a, const void *b, size_t len);

/* Overwrites, in a way the compiler keeps. */
void otp_secret_wipe(void *data, size_t len);

#endif
