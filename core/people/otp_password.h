/*
 * Passwords of people: lines `uid:crypt(3)-hash[:name:email:group,group]`.
 * Slow by design (tens of milliseconds): call from a thread, never from an event loop.
 */
#ifndef OTP_PASSWORD_H
#define OTP_PASSWORD_H

#include "core/base/otp_span.h"
#include "core/model/otp_person.h"

/* Finds `uid` (canonical form) in the text of a password file.  Spans in `person` point into `text`;
 * `hash` gets the second field.  Lines that are blank or begin with `#` are skipped; a line's own
 * uid is compared in canonical form (trimmed, ASCII lower case).  First match wins.
 * Found or not; a file cannot be "invalid", only its lines. */
bool otp_password_find(otp_span_t text, otp_span_t uid, otp_person_t *person, otp_span_t *hash);

/* Takes the next person's line off `*text`; spans in `person` point into the text.  false: there is none left.
 * A line that is no person's is skipped; one whose uid has no canonical form is not. */
bool otp_password_next(otp_span_t *text, otp_person_t *person);

/* The hash an unknown `uid` is compared with, so that it costs what a known one costs: picked from
 * the acceptable hashes of the file, the same one each time for the same uid; a built-in yescrypt
 * setting when the file has none. */
otp_span_t otp_password_decoy(otp_span_t text, otp_span_t uid);

/* Whether a stored hash is one we compare with at all: yescrypt ($y$), bcrypt ($2a$ $2b$ $2y$),
 * sha512crypt ($6$), sha256crypt ($5$), with a cost bound (bcrypt <= 15, sha rounds <= 5,000,000,
 * yescrypt memory <= 256 MiB).  `*`, `!`, empty, DES, MD5, {SHA} and the rest never match. */
bool otp_password_acceptable(otp_span_t hash);

/* crypt(3).  False for an unacceptable hash, a password that is empty, longer than 4096 bytes or
 * holds a NUL, and a password longer than 72 bytes for bcrypt (which would ignore the rest). */
OTP_MUST_USE bool otp_password_matches(otp_span_t password, otp_span_t hash);

#endif
