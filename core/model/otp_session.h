/*
 * A session: what a cookie stands for.  Flat text, because it is read at every request.
 *
 *     Redis    PREFIX sess:{H}   the record, H = hex SHA-256 of the cookie's value, until the session expires
 *              PREFIX seen:{H}   unix seconds of the last request, until the idle time is over
 *
 * The record is authenticated with the key ring and bound to its Redis key: nobody who writes to Redis
 * makes a session, raises its level or gives it another's name.  The last-seen mark is apart, so that
 * writing it does not change (and in a cache does not invalidate) the record.
 */
#ifndef OTP_SESSION_H
#define OTP_SESSION_H

#include "core/crypto/otp_keyring.h"
#include "core/model/otp_level.h"
#include "core/model/otp_person.h"
#include "core/store/otp_command.h"
#include "core/store/otp_names.h"

#define OTP_COOKIE_BYTES    32
#define OTP_COOKIE_LEN      43      /* base64url of 32 bytes */
#define OTP_PUBLIC_ID_LEN   12
#define OTP_SESSION_MAX     2048    /* bytes of a record */
#define OTP_SEEN_EVERY_S    60      /* the last-seen mark is written at most this often, or twice an idle time */

typedef struct {
    otp_span_t        id;               /* public, for logs and for revoking: the first 12 digits of H */
    otp_person_t      person;
    otp_level_t       level;            /* OTP_LEVEL_PASSWORD or OTP_LEVEL_OTP */
    otp_auth_t        method;
    bool              password_proven;
    int64_t           created, auth_time, otp_time, expires;    /* unix seconds; otp_time 0: never */
    int64_t           idle_s;
    otp_span_t        serial;           /* of the key that opened it; empty: none */
} otp_session_t;

/* Writes the record for the Redis key `key`. */
OTP_MUST_USE otp_status_t otp_session_write(otp_keyring_t *ring, otp_span_t key, const otp_session_t *session,
    char *record, size_t size, size_t *len);
/* Spans in `session` point into `record`.  OTP_INVALID: forged, damaged, another key's record, or one with control
 * characters (ASCII's, and U+0080 to U+009F): what is read can stand in a header as it is. */
OTP_MUST_USE otp_status_t otp_session_read(otp_keyring_t *ring, otp_span_t key, otp_span_t record,
    otp_session_t *session);

/* Its texts: id, serial, uid, name, email, groups. */
#define OTP_SESSION_TEXTS   6
void otp_session_texts(const otp_session_t *session, otp_span_t text[OTP_SESSION_TEXTS]);
void otp_session_set_texts(otp_session_t *session, const otp_span_t text[OTP_SESSION_TEXTS]);
/* Bytes that otp_session_copy() writes. */
size_t otp_session_text_size(const otp_session_t *session);
/* A copy whose spans point into `text`, where each text is followed by a NUL. */
void otp_session_copy(const otp_session_t *session, char *text, otp_session_t *copy);

/* The look-up of a cookie: one MGET. */
typedef struct {
    char          digest[2 * OTP_DIGEST_LEN];   /* hex */
    otp_name_t    sess, seen;
    char          now[24], idle[24];        /* arguments of the touch */
    otp_command_t command;
} otp_session_lookup_t;

/* Whether a cookie has the form of one of ours: there is no session of another. */
OTP_MUST_USE bool otp_session_cookie_valid(otp_span_t cookie);

/* Prepares the MGET for the SHA-256 of a cookie.  `lookup` must stay where it is: the command points into it. */
void otp_session_lookup(otp_span_t prefix, const uint8_t digest[OTP_DIGEST_LEN], otp_session_lookup_t *lookup);
/* For a cookie, of whose value `digest` is the SHA-256.  OTP_INVALID: it has not the form of one of ours. */
OTP_MUST_USE otp_status_t otp_session_lookup_cookie(otp_keyring_t *ring, otp_span_t prefix, otp_span_t cookie,
    otp_session_lookup_t *lookup);

typedef enum { OTP_FOUND, OTP_ABSENT, OTP_UNREADABLE } otp_found_t;

/* Judges the MGET's reply at `now_s`.  OTP_FOUND: `session` points into `reply` and `lookup`; from `*fresh_until_s` on
 * the last-seen mark is due.  OTP_ABSENT: none, expired, idle too long or forged.  OTP_UNREADABLE: Redis
 * did not answer (reply NULL) or answered with an error: the request must be refused with 503. */
OTP_MUST_USE otp_found_t otp_session_found(otp_keyring_t *ring, const otp_session_lookup_t *lookup,
    const otp_reply_t *reply, int64_t now_s, otp_session_t *session, int64_t *fresh_until_s);

/* When the mark is due of a session whose mark says `seen_s`, or when it expires. */
int64_t otp_session_fresh_until(const otp_session_t *session, int64_t seen_s);

/* Whether the command takes sessions away. */
OTP_MUST_USE bool otp_session_ends(const otp_command_t *command, otp_span_t prefix);

/* Rewrites lookup->command as the SET of the last-seen mark; its reply does not matter. */
void otp_session_touch(otp_session_lookup_t *lookup, const otp_session_t *session, int64_t now_s);

#endif
