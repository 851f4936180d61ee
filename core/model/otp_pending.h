/*
 * The pending state of a browser: what lies between the six digits and the finished sign-in.  Held by
 * the same cookie as a session but under another name and never readable as one: it opens nothing.
 */
#ifndef OTP_PENDING_H
#define OTP_PENDING_H

#include "core/model/otp_account.h"

#define OTP_PENDING_MAX 5120    /* bytes of a record: a return address may double when JSON escapes it */

typedef enum { OTP_STAGE_NONE, OTP_STAGE_PIN, OTP_STAGE_NEXT_CODE, OTP_STAGE_WAIT_NEXT_CODE } otp_stage_t;

typedef struct {
    otp_stage_t stage;
    char        uid[OTP_UID_LEN + 1];
    char        id[OTP_PENDING_ID_LEN + 1];     /* the account's pending id */
    int64_t     until;                          /* unix seconds */
    int64_t     display_changes;                /* unix seconds: when the key shows its next code */
    char        rd[2049];                       /* where the person was going */
} otp_pending_t;

OTP_MUST_USE otp_status_t otp_pending_write(otp_keyring_t *ring, otp_span_t name, const otp_pending_t *pending,
    char *record, size_t size, size_t *len);
OTP_MUST_USE otp_status_t otp_pending_read(otp_keyring_t *ring, otp_span_t name, otp_span_t record,
    otp_pending_t *pending);

#endif
