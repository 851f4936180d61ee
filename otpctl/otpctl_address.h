/*
 * `--redis`: what the directive otp_redis takes, in one string:
 *
 *     ADDR… [tls] [tls_ca=F] [tls_name=H] [user=U] [password_file=F] [db=N] [prefix=otp:] [timeout=1s]
 *
 * ADDR is unix:PATH, host, host:port or [ipv6]:port.
 */
#ifndef OTPCTL_ADDRESS_H
#define OTPCTL_ADDRESS_H

#include "core/base/otp_base.h"

#define OTPCTL_PLACES       8
#define OTPCTL_ADDRESS_MAX  2048
#define OTPCTL_PREFIX_MAX   64

typedef struct {
    const char *text;               /* as it was given, for messages */
    const char *path;               /* of a unix socket; or NULL and */
    const char *host, *port;
} otpctl_place_t;

/* Everything points into `text`, which must stay where it is. */
typedef struct {
    char           text[OTPCTL_ADDRESS_MAX], parts[OTPCTL_ADDRESS_MAX];
    otpctl_place_t place[OTPCTL_PLACES];
    size_t         places;
    bool           tls;
    const char    *tls_ca, *tls_name, *user, *password_file, *prefix, *db;
    int64_t        timeout_ms;
} otpctl_address_t;

/* False: `error` says what is wrong. */
OTP_MUST_USE bool otpctl_address_parse(otpctl_address_t *address, const char *text, char *error, size_t error_size);

#endif
