/*
 * Passwords of people: lines `uid:crypt(3)-hash[:name:email:group,group]`.
 * Who is to be found among them: core/people/otp_password_index.h.
 * Slow by design (tens of milliseconds): call from a thread, never from an event loop.
 */
#ifndef OTP_PASSWORD_H
#define OTP_PASSWORD_H

#include "core/base/otp_span.h"
#include "core/model/otp_person.h"

/* Takes the next line that can be somebody's off `*text`: not blank, not beginning with `#`, with something for a uid
 * and a colon after it.  false: there is none left. */
bool otp_password_line(otp_span_t *text, otp_span_t *line);

/* What such a line says; spans point into it.  `hash` gets the second field. */
void otp_password_read(otp_span_t line, otp_person_t *person, otp_span_t *hash);

/* Takes the next person's line off `*text`; spans in `person` point into the text.  false: there is none left.
 * A line that is no person's is skipped; one whose uid has no canonical form is not. */
bool otp_password_next(otp_span_t *text, otp_person_t *person);

/* Whether a stored hash is one we compare with at all: yescrypt ($y$), bcrypt ($2a$ $2b$ $2y$),
 * sha512crypt ($6$), sha256crypt ($5$), with a cost bound (bcrypt <= 15, sha rounds <= 5,000,000,
 * yescrypt memory <= 256 MiB).  `*`, `!`, empty, DES, MD5, {SHA} and the rest never match. */
bool otp_password_acceptable(otp_span_t hash);

/* crypt(3).  False for an unacceptable hash, a password that is empty, longer than 4096 bytes or
 * holds a NUL, and a password longer than 72 bytes for bcrypt (which would ignore the rest). */
OTP_MUST_USE bool otp_password_matches(otp_span_t password, otp_span_t hash);

#endif
