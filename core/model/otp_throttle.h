/*
 * A throttle: how many attempts failed, and from when the next one is considered.
 */
#ifndef OTP_THROTTLE_H
#define OTP_THROTTLE_H

#include "core/crypto/otp_keyring.h"

#define OTP_THROTTLE_MAX        160     /* bytes of a record */
/* Behind a person's identifier: the throttle of the browsers in which the person has signed in before, with the
 * passcode, and of those in which only the password was typed. */
#define OTP_THROTTLE_KNOWN      " known"
#define OTP_THROTTLE_PASSWORD   " password"
#define OTP_THROTTLES           3       /* of a person: these two, and that of all other browsers */
#define OTP_THROTTLE_KEPT_S     900     /* a throttle is forgotten this long after its last delay */

typedef struct {
    int64_t failures;
    int64_t last;       /* unix seconds: of the last failure; where failures are forgotten, up to when they were */
    int64_t next;       /* unix seconds: nothing is considered before */
} otp_throttle_t;

#define OTP_THROTTLE_ADDRESS_MAX 64

/* Who shares a throttle with `address` (text): an IPv4 address is itself, of an IPv6 address the first 64 bits
 * count, for a client has all of the rest to itself (RFC 7934); anything else (a unix socket) is taken as it is.
 * The text is in `id`. */
otp_span_t otp_throttle_address(otp_span_t address, char id[OTP_THROTTLE_ADDRESS_MAX]);

OTP_MUST_USE otp_status_t otp_throttle_write(otp_keyring_t *ring, otp_span_t name, const otp_throttle_t *throttle,
    char *record, size_t size, size_t *len);
/* An empty record is a throttle without failures. */
OTP_MUST_USE otp_status_t otp_throttle_read(otp_keyring_t *ring, otp_span_t name, otp_span_t record,
    otp_throttle_t *throttle);

/* Seconds to wait before an attempt is considered; 0: now. */
int64_t otp_throttle_wait(const otp_throttle_t *throttle, int64_t now_s);

/* Counts an attempt: `free` ones cost nothing, then the delay doubles from 1 s to `delay_max_s`.  One
 * failure is forgotten each `forget_s` (0: none is). */
void otp_throttle_count(otp_throttle_t *throttle, int64_t free, int64_t delay_max_s, int64_t forget_s, int64_t now_s);

/* Takes one attempt back: it turned out right. */
void otp_throttle_release(otp_throttle_t *throttle);

#endif
