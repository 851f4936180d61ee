/*
 * What a flow holds while somebody signs in: the decision, the counts, the session that is opened, the device.
 */
#ifndef OTP_ATTEMPT_PRIVATE_H
#define OTP_ATTEMPT_PRIVATE_H

#include "core/decide/otp_decide.h"
#include "core/model/otp_mail.h"
#include "core/model/otp_mixup.h"
#include "core/model/otp_pending.h"
#include "core/model/otp_session.h"
#include "core/model/otp_throttle.h"
#include "core/portal/otp_desk_private.h"
#include "core/store/otp_names.h"

#define OTP_DEVICE_NONCE    22      /* base64url of 16 bytes */

/* A decision about an account, on its way through compare-and-set. */
typedef struct {
    otp_name_t        name, decoy_name, stream;
    char              stored[OTP_ACCOUNT_MAX], record[OTP_ACCOUNT_MAX];
    size_t            stored_len, record_len;
    bool              decoy;
    char              invented[OTP_ACCOUNT_MAX], ttl[24];   /* the decoy's record as it was found; how long it lives */
    size_t            invented_len;
    otp_account_t     account, next;
    otp_submitted_t   submitted;
    otp_decision_t    decision;
    const char       *event;        /* name for the audit */
    otp_name_t        history, outbox;
    char              mail[OTP_MAIL_MAX], mixup[OTP_MIXUP_MAX];
    const uint8_t    *mixup_nonce;
    unsigned          tries;
    bool              sure;         /* the record was read since something else spoke against a code */
    otp_flow_stage_t  done;         /* gets the decision, once it is stored */
} otp_attempt_t;

/* A throttle being counted up. */
typedef struct {
    otp_name_t        name, stream;
    char              stored[OTP_THROTTLE_MAX], record[OTP_THROTTLE_MAX], ttl[24];
    size_t            stored_len, record_len;
    otp_throttle_t    throttle;
    otp_name_kind_t   kind;
    char              id[2 * OTP_DIGEST_LEN];
    size_t            id_len;
    unsigned          tries;
} otp_counting_t;

/* A session or a pending state being opened. */
typedef struct {
    char              cookie[OTP_COOKIE_LEN + 1];
    otp_session_lookup_t lookup;
    otp_name_t        pend, user;
    char              session[OTP_SESSION_MAX], pending[OTP_PENDING_MAX];
    int64_t           expires;
    char              ttl[24], idle[24], now[24], expires_text[24], list_ttl[24];
} otp_opening_t;

/* The browser's device cookie: by it the browser is known as one that flow->uid has used before. */
typedef struct {
    bool              known;        /* somebody has signed in here, by whatever it was, and: */
    bool              proven;       /* with the passcode, or with an emergency password in its place */
    char              nonce[OTP_DEVICE_NONCE + 1];
    int64_t           issued, proven_at;    /* unix seconds; 0: never */
} otp_device_t;

#endif
