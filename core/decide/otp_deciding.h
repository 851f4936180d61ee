/*
 * The inside of otp_decide(), shared by its files.
 */
#ifndef OTP_DECIDING_H
#define OTP_DECIDING_H

#include "core/decide/otp_decide.h"

/* One decision on its way; `next` starts as a copy of `account`. */
typedef struct {
    otp_keyring_t         *ring;
    const otp_limits_t    *limits;
    const otp_submitted_t *in;
    otp_account_t         *next;
    otp_decision_t        *out;
} otp_deciding_t;

/* Names the key the decision is about. */
void otp_decide_concern(otp_deciding_t *d, const otp_key_t *key);

/* Whether the browser is the one that a first code has opened something for. */
OTP_MUST_USE bool otp_decide_holds_pending(const otp_deciding_t *d);

OTP_MUST_USE otp_status_t otp_decide_pin(otp_deciding_t *d);

#endif
