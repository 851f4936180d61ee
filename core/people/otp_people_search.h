/*
 * Looks for people in the text of a password file (core/people/otp_password.h).  Takes tens of milliseconds for a
 * hundred thousand lines: call from a thread.
 */
#ifndef OTP_PEOPLE_SEARCH_H
#define OTP_PEOPLE_SEARCH_H

#include "core/base/otp_span.h"
#include "core/model/otp_person.h"

#define OTP_PEOPLE_SEARCH_MAX   64      /* people given at most, whatever `max` says */
#define OTP_PEOPLE_QUERY_LEN    128     /* a longer query finds nobody, nor does one of more than 8 words */

/*
 * Who has every word of `query` in identifier, name or e-mail and is in one of the comma-separated `groups` (empty:
 * whoever it is).  Case does not count, nor do the accents of Latin
 * letters, composed or not ("œ" is "oe").  The best come first, in the order of the file among equals:
 *
 *     the identifier is the query · identifier or name begin with it · each word begins a word · anything else
 *
 * Puts at most `max` people into `found`, their spans pointing into `text`, and says whether there are others.
 * Lines whose uid has no canonical form are nobody's, a second line of somebody found is left out, and so are names
 * and e-mails that are too long to be shown.
 */
size_t otp_people_search(otp_span_t text, otp_span_t query, otp_span_t groups, otp_person_t *found, size_t max,
    bool *more);

#endif
