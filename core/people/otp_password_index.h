/*
 * An index over the text of a password file (core/people/otp_password.h), made once and then read by any number of
 * threads: to find somebody takes the same time with ten lines and with a hundred thousand, or nearly.
 *
 * It holds places in the text and no copy of anything: 8 bytes for each person, 4 for each usable hash.
 */
#ifndef OTP_PASSWORD_INDEX_H
#define OTP_PASSWORD_INDEX_H

#include "core/base/otp_span.h"
#include "core/model/otp_person.h"

typedef struct otp_password_index_s otp_password_index_t;

/* Takes tens of milliseconds for a hundred thousand lines.  `text` must stay as it is while the index is used.
 * NULL: out of memory, or a text of 4 GiB or more. */
OTP_MUST_USE otp_password_index_t *otp_password_index_create(otp_span_t text);
void otp_password_index_destroy(otp_password_index_t *index);

/* Finds `uid` (canonical form).  Spans in `person` point into the text; `hash` gets the second field.  A line's own
 * uid is compared in canonical form (trimmed, ASCII lower case); a line whose uid has none is nobody's.  First match
 * wins.  Found or not, both untouched if not; a file cannot be "invalid", only its lines. */
bool otp_password_index_find(const otp_password_index_t *index, otp_span_t uid, otp_person_t *person,
    otp_span_t *hash);

/* The hash an unknown `uid` is compared with, so that it costs what a known one costs: picked from
 * the acceptable hashes of the file, the same one each time for the same uid; a built-in yescrypt
 * setting when the file has none. */
otp_span_t otp_password_index_decoy(const otp_password_index_t *index, otp_span_t uid);

#endif
