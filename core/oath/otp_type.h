/*
 * The types of keys, behind one interface.  A new type is one file and one line in otp_type.c.
 *
 * A step is what a key goes through, one code each.  Of a key with a clock it is the number of periods since
 * 1970 (RFC 6238 section 4.2; SecurID likewise); of a key that counts events it is the counter + 1 (RFC 4226), so
 * that for every type 0 is before the first one.
 */
#ifndef OTP_TYPE_H
#define OTP_TYPE_H

#include "core/oath/otp_hotp.h"

#define OTP_SECRET_MAX  96      /* bytes of what a key's codes are made from, before it is sealed */

typedef enum { OTP_TYPE_TOTP, OTP_TYPE_HOTP, OTP_TYPE_SECURID } otp_type_t;
#define OTP_TYPES 3

/* What a type needs to know of a key to make its codes. */
typedef struct {
    otp_algorithm_t algorithm;      /* SecurID: ignored */
    unsigned        digits;
    int64_t         period_s;
    otp_span_t      secret;         /* opened; SecurID: the token as libstoken encodes it, without a password */
} otp_type_secret_t;

typedef struct {
    const char *name;               /* "totp", "hotp", "securid" */
    bool        timed;              /* it has a clock: steps go by without anybody pressing a button */
    /* Whether these parameters can be a key's; *reason says what cannot. */
    bool      (*valid)(const otp_type_secret_t *secret, const char **reason);
    /* Codes of `count` consecutive steps from `first`, as numbers below 10^digits; UINT32_MAX where a step has none. */
    otp_status_t (*codes)(const otp_type_secret_t *secret, int64_t first, size_t count, uint32_t *codes);
    /* Unix seconds at which the key itself says its life ends; 0: it does not say.  Codes are made after that too. */
    int64_t   (*expires)(const otp_type_secret_t *secret);
} otp_type_rules_t;

const otp_type_rules_t *otp_type_rules(otp_type_t type);

/* OTP_INVALID: no such type.  ASCII case does not count. */
OTP_MUST_USE otp_status_t otp_type_parse(otp_span_t name, otp_type_t *type);

/* One for each file. */
extern const otp_type_rules_t otp_type_totp, otp_type_hotp, otp_type_securid;

#endif
