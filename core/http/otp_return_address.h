/*
 * `rd`: where a person is sent back to after signing in.  Judged as a browser would read it.
 */
#ifndef OTP_RETURN_ADDRESS_H
#define OTP_RETURN_ADDRESS_H

#include "core/base/otp_span.h"

#define OTP_RETURN_ADDRESS_MAX 2048

/* Whether `rd` (decoded) stays on this host or on one of `hosts`: a path that begins with one '/' not
 * followed by '/' or '\', or http(s)://HOST[:PORT]/… with HOST[:PORT] equal to `host` or one of `hosts` (no
 * user part), scheme https when ours is https.  Refused: backslash, control characters, blanks, non-ASCII,
 * a fragment, more than 2048 bytes, and a "." or ".." path segment in any spelling that leads to "//" (or to "/%2f",
 * "/%5c": an application that decodes once more would send the person elsewhere).  HOST[:PORT] is compared as text,
 * letters without case: gate.example:443 is not gate.example unless it is listed.  The path may be missing. */
bool otp_return_address_allowed(otp_span_t rd, otp_span_t scheme, otp_span_t host, const otp_span_t *hosts, size_t n);

#endif
