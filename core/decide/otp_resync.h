/*
 * A key found again by its codes alone: pure functions, for the helpdesk and for activation.
 *
 * No code is accepted twice through them either: what is at or before the last accepted step does not
 * fit, so that codes somebody has watched cannot set a key back (CVE-2019-12887 of LinOTP).
 */
#ifndef OTP_RESYNC_H
#define OTP_RESYNC_H

#include "core/decide/otp_match.h"

#define OTP_RESYNC_S        43200   /* seconds either side that a clock is searched: 12 hours */
#define OTP_RESYNC_EVENTS   1000    /* events ahead that a counter is searched */

/* Two consecutive codes tell where the key is.  OTP_OK: `next` is the key with the second code spent and the drift
 * learned.  OTP_INVALID: they do not fit, or are the same code twice.  OTP_FAILED: the seed does not open. */
OTP_MUST_USE otp_status_t otp_resync(otp_keyring_t *ring, const otp_key_t *key, otp_span_t code, otp_span_t next_code,
    int64_t now_s, otp_key_t *next);

/* Whether the key shows this code now, within the wide window.  OTP_OK: `*step` is the code's, not spent yet: whoever
 * lets it count spends it (otp_key_learn() when it proves the key, key->step alone when not).  OTP_INVALID: no. */
OTP_MUST_USE otp_status_t otp_key_shows(otp_keyring_t *ring, const otp_key_t *key, otp_span_t code, int64_t now_s,
    const otp_limits_t *limits, int64_t *step);

#endif
