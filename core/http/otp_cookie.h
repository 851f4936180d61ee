/*
 * Cookie headers, strictly (RFC 6265 section 4.2.1): pairs separated by ';', names compared with case,
 * ',' is no separator.  Linear in the header's length; never allocates.
 */
#ifndef OTP_COOKIE_H
#define OTP_COOKIE_H

#include "core/base/otp_span.h"

/* Finds the values named `name` in one header's value: the first `max` of them into `value`; returns how
 * many there are in all.  Surrounding blanks and one pair of double quotes are not part of a value. */
size_t otp_cookie_find(otp_span_t header, otp_span_t name, otp_span_t *value, size_t max);

/* Where the first pair begins that has one of the `names` names; header.len: there is none. */
size_t otp_cookie_first(otp_span_t header, const otp_span_t *name, size_t names);

typedef struct {
    otp_span_t value;       /* the last of them, pointing into the header */
    size_t     found;
} otp_cookie_taken_t;

/* The header without the pairs that have one of the `names` names, every other byte as it was; into `out` (at least
 * header.len bytes).  The header is not empty; `first` is what otp_cookie_first() said of it, or 0.  Returns the new
 * length: equal to header.len when nothing was removed, 0 when nothing is left.  `taken` gets the value of what was
 * named name[0], and as many more as there were. */
size_t otp_cookie_take(otp_span_t header, size_t first, const otp_span_t *name, size_t names, char *out,
    otp_cookie_taken_t *taken);

#endif
