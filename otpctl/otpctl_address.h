/*
 * `--redis`: what the directive otp_redis takes, in one string:
 *
 *     ADDR… [sentinel=NAME] [sentinel_user=U] [sentinel_password_file=F] [cluster] [tls] [tls_ca=F] [tls_name=H]
 *           [user=U] [password_file=F] [db=N] [prefix=otp:] [timeout=1s] [replicas=0]
 *
 * ADDR is unix:PATH, host, host:port or [ipv6]:port: a Redis, with `sentinel=` a Sentinel, with `cluster` any server of
 * the cluster.
 */
#ifndef OTPCTL_ADDRESS_H
#define OTPCTL_ADDRESS_H

#include "core/base/otp_base.h"

#define OTPCTL_PLACES       16
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
    bool           tls, cluster;
    const char    *tls_ca, *tls_name, *user, *password_file, *prefix, *db;
    const char    *sentinel, *sentinel_user, *sentinel_password_file;   /* `sentinel`: name of the master; or NULL */
    int64_t        timeout_ms, replicas;
} otpctl_address_t;

/* False: `error` says what is wrong. */
OTP_MUST_USE bool otpctl_address_parse(otpctl_address_t *address, const char *text, char *error, size_t error_size);

#endif
