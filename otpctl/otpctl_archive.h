/*
 * The lines of `export` and `import`: a head, a sealed record a line, and an end that authenticates all of it, so
 * that a file that was cut, shortened or put together from two is refused as a whole.
 *
 *     {"otp_export":1,"prefix":"otp:","ring":"0f1e2d3c","time":1700000000}
 *     {"kind":"account","id":"marie.dupont","sealed":"…"}      the record as it is in Redis, for the same key ring
 *     {"kind":"key","id":"201500042","sealed":"…"}
 *     {"end":2,"mac":"…"}                                      lines sealed; over every line before, in order
 */
#ifndef OTPCTL_ARCHIVE_H
#define OTPCTL_ARCHIVE_H

#include "otpctl/otpctl_store.h"

#define OTPCTL_ARCHIVE_LINE (2 * OTPCTL_RECORD_MAX)

/* What the lines so far add up to.  Before the first: all zero but the id of the ring's key it is made with. */
typedef struct {
    char    ring_id[OTP_KEY_ID_LEN + 1];
    uint8_t digest[OTP_DIGEST_LEN];
    size_t  lines;
} otpctl_chain_t;

OTP_MUST_USE bool otpctl_chain_add(otp_keyring_t *ring, otpctl_chain_t *chain, otp_span_t line);

/* Lines without their newline, in `text` of OTPCTL_ARCHIVE_LINE bytes; 0: it could not be made. */
OTP_MUST_USE size_t otpctl_archive_head(const char *ring_id, otp_span_t prefix, int64_t now_s, char *text);
OTP_MUST_USE size_t otpctl_archive_line(otp_keyring_t *ring, const char *kind, otp_span_t id, otp_span_t record,
    const uint8_t nonce[OTP_RANDOM_NONCE], char *text);
OTP_MUST_USE size_t otpctl_archive_end(const otpctl_chain_t *chain, char *text);

/* And back.  `record` (of OTPCTL_RECORD_MAX bytes) gets the record.  false: it is not such a line. */
OTP_MUST_USE bool otpctl_archive_read_head(otp_span_t line, char prefix[OTPCTL_PREFIX_MAX + 1],
    char ring_id[OTP_KEY_ID_LEN + 1]);
OTP_MUST_USE bool otpctl_archive_read_line(otp_keyring_t *ring, otp_span_t line, char kind[16],
    char id[OTP_UID_LEN + 1], char *record, size_t *len);
/* Whether `line` is the end of a chain of these lines. */
OTP_MUST_USE bool otpctl_archive_ends(const otpctl_chain_t *chain, otp_span_t line);

#endif
