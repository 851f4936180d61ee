/*
 * The lists of Accept and Accept-Language: elements separated by ',', each with parameters and perhaps a
 * weight (RFC 9110 section 12.4.2).  Linear; never allocates.
 */
#ifndef OTP_PREFERENCE_H
#define OTP_PREFERENCE_H

#include "core/base/otp_span.h"

typedef struct {
    otp_span_t value;       /* "text/html", "fr-CH", "*": without parameters and blanks, never empty */
    int        weight;      /* q in thousandths, 0 to 1000 */
} otp_preference_t;

/* Takes the next element off `*rest`; false: there is none.  Empty elements and such with a malformed
 * weight are passed over; separators inside quoted parameter values do not separate. */
bool otp_preference_next(otp_span_t *rest, otp_preference_t *preference);

#endif
