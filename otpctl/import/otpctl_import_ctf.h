/*
 * SecurID token strings (CTF) of version 2, without a password and bound to no device: written.
 */
#ifndef OTPCTL_IMPORT_CTF_H
#define OTPCTL_IMPORT_CTF_H

#include "core/base/otp_span.h"

#define OTPCTL_CTF_DIGITS   81
#define OTPCTL_CTF_SERIAL   12
#define OTPCTL_CTF_SEED     16
#define OTPCTL_CTF_EPOCH    INT64_C(946684800)  /* 2000-01-01 */
#define OTPCTL_CTF_LAST_DAY 16383               /* that finds room */

/* What a token is, in 16 bits. */
#define OTPCTL_CTF_128_BITS     0x4000
#define OTPCTL_CTF_APP_SEEDS    0x0800
#define OTPCTL_CTF_MODE         0x0400
#define OTPCTL_CTF_TIME_SEEDS   0x0200
#define OTPCTL_CTF_CODE(digits) (((unsigned) (digits) - 1) << 6)     /* 1 to 8 */
#define OTPCTL_CTF_ADD_PIN      0x0010
#define OTPCTL_CTF_LOCAL_PIN    0x0008
#define OTPCTL_CTF_MINUTE       0x0001          /* a code lasts 60 seconds, not 30 */

typedef struct {
    otp_span_t serial;                          /* 1 to 12 digits */
    uint8_t    seed[OTPCTL_CTF_SEED];
    unsigned   what;
    unsigned   last_day;                        /* of its life; days after the epoch */
} otpctl_ctf_t;

/* As libstoken writes it, with a NUL at its end.  False: the library below refused. */
OTP_MUST_USE bool otpctl_ctf_write(const otpctl_ctf_t *token, char string[OTPCTL_CTF_DIGITS + 1]);

#endif
