/*
 * The key ring: named 256-bit keys, the last one current.  It is the only secret of the product; it
 * lives in a file (0600) on the gateways and never in Redis (guarantee G6).
 *
 * From each key HKDF-SHA-256 (RFC 5869) derives one key for each purpose, so that nothing made for
 * one purpose is ever valid for another.
 *
 * File: first line `otp-keyring 1`, then one line a key, oldest first:
 *     ID CREATED KEY      ID: 8 hex digits; CREATED: unix seconds; KEY: 32 bytes in base64url
 * Blank lines and lines that begin with `#` are skipped.  1 to 16 keys.
 *
 * A key ring keeps prepared OpenSSL contexts: one thread at a time.
 */
#ifndef OTP_KEYRING_H
#define OTP_KEYRING_H

#include "core/base/otp_span.h"

#define OTP_KEYRING_KEYS    16
#define OTP_KEY_ID_LEN      8       /* hex digits */
#define OTP_MASTER_LEN      32
#define OTP_DIGEST_LEN      32      /* SHA-256 */
#define OTP_RANDOM_NONCE    12      /* AES-GCM, bytes of randomness a seal takes */

typedef enum {
    OTP_PURPOSE_SEED,       /* AES-256-GCM of key seeds */
    OTP_PURPOSE_PIN,        /* HMAC of PINs */
    OTP_PURPOSE_RECORD,     /* HMAC of records in Redis */
    OTP_PURPOSE_SESSION,    /* HMAC of session records */
    OTP_PURPOSE_CSRF,       /* HMAC of form nonces */
    OTP_PURPOSE_ANSWER,     /* AES-256-GCM of answers kept for a repeated form; HMAC of the form's fields */
    OTP_PURPOSE_DECOY,      /* HMAC that invents the account of an unknown person */
    OTP_PURPOSE_EMERGENCY,  /* HMAC of emergency passwords */
    OTP_PURPOSE_DEVICE,     /* HMAC of the cookie by which a browser is known */
    OTP_PURPOSE_EXPORT      /* AES-256-GCM of exported records */
} otp_purpose_t;
#define OTP_PURPOSES 10

typedef struct otp_keyring_s otp_keyring_t;

/* Reads the file's text.  NULL when it is refused: `error` (of `error_size` bytes) then says what and
 * on which line, never a key's bytes.  The caller destroys it; that wipes every key. */
OTP_MUST_USE otp_keyring_t *otp_keyring_parse(otp_span_t text, char *error, size_t error_size);
void otp_keyring_destroy(otp_keyring_t *ring);

/* The text of a key ring file: `old` (may be empty) plus a newest key made of `random`.
 * OTP_INVALID: `old` is no key ring, or full. */
OTP_MUST_USE otp_status_t otp_keyring_add(otp_span_t old, const uint8_t random[OTP_MASTER_LEN + 4],
    int64_t now_s, char *text, size_t size, size_t *len);

/* The current key's id (8 hex digits), and how many keys there are. */
otp_span_t otp_keyring_current(const otp_keyring_t *ring);
size_t otp_keyring_count(const otp_keyring_t *ring);

/* HMAC-SHA-256 with the key `id` (empty: current) of `purpose` over the concatenation of `count`
 * parts, each preceded by its length as 8 bytes big-endian, so that no two lists of parts collide.
 * OTP_INVALID: no such key in the ring. */
OTP_MUST_USE otp_status_t otp_keyring_mac(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t id,
    const otp_span_t *parts, size_t count, uint8_t mac[OTP_DIGEST_LEN]);

/* SHA-256 with a digest fetched once (a tenth of the cost of the one-shot call). */
OTP_MUST_USE otp_status_t otp_keyring_sha256(otp_keyring_t *ring, otp_span_t data, uint8_t digest[OTP_DIGEST_LEN]);

/* AES-256-GCM with the current key of `purpose`.  Text: ID '.' base64url(nonce || ciphertext || tag).
 * `nonce`: 12 random bytes, never used before.  `context` (AAD): what the secret belongs to. */
OTP_MUST_USE otp_status_t otp_keyring_seal(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t context,
    const uint8_t nonce[OTP_RANDOM_NONCE], otp_span_t plain, char *sealed, size_t size, size_t *len);
/* OTP_INVALID: not sealed by this ring for this purpose and context.  The caller wipes `plain`. */
OTP_MUST_USE otp_status_t otp_keyring_open(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t context,
    otp_span_t sealed, uint8_t *plain, size_t size, size_t *len);

#endif
