/*
 * The inside of otp_decide(), shared by its files.
 */
#ifndef OTP_DECIDING_H
#define OTP_DECIDING_H

#include "core/decide/otp_decide.h"

/* How much a passcode proves, from nothing to everything. */
typedef enum {
    OTP_PROOF_NONE, OTP_PROOF_PIN, OTP_PROOF_CODE, OTP_PROOF_SPENT,
    OTP_PROOF_DOUBTFUL,     /* everything, but its code may have been accepted before (otp_doubt_t) */
    OTP_PROOF_WIDE, OTP_PROOF_FULL
} otp_proof_t;

typedef struct {
    otp_proof_t proof;
    otp_key_t  *key;        /* of d->next, about which it proves this; NULL: none */
    int64_t     step;       /* of the code, when it is one of the key's */
} otp_proven_t;

/* One decision on its way; `next` starts as a copy of `account`. */
typedef struct {
    otp_keyring_t         *ring;
    const otp_limits_t    *limits;
    const otp_submitted_t *in;
    otp_guesser_t          guesser;
    otp_account_t         *next;
    otp_decision_t        *out;
    otp_proven_t           proven;      /* by the passcode, where one is evaluated */
} otp_deciding_t;

/* ---- otp_decide_proof.c ---- */
/* Evaluates every key, disabled ones too (the time tells nothing); the one most is proven about counts. */
OTP_MUST_USE otp_status_t otp_decide_proof(const otp_deciding_t *d, otp_proven_t *proven);
/* What is short of a full proof and of a first code of two: counted or not, the verdict and the signal are set. */
void otp_decide_short_of_proof(otp_deciding_t *d, const otp_proven_t *proven);
/* The code of `step` was accepted: it is spent, teaches the drift, and where it came from is remembered. */
void otp_decide_accept(otp_deciding_t *d, otp_key_t *key, int64_t step);
/* The key, not just its first code, was accepted: an emergency password in its place is over. */
void otp_decide_key_used(otp_deciding_t *d);

/* ---- otp_deciding.c ---- */
/* What may be spent of `key`, one of d->next, beyond what it says itself. */
OTP_MUST_USE otp_doubt_t otp_decide_doubt(const otp_deciding_t *d, const otp_key_t *key);
/* The last step of which no code will be accepted now: spent, or perhaps. */
OTP_MUST_USE int64_t otp_decide_last(const otp_deciding_t *d, const otp_key_t *key);
/* Names the key the decision is about. */
void otp_decide_concern(otp_deciding_t *d, const otp_key_t *key);
/* Whether the browser is the one that a first code has opened something for. */
OTP_MUST_USE bool otp_decide_holds_pending(const otp_deciding_t *d);
/* The count that a bad passcode adds to. */
otp_guesses_t *otp_decide_guesses(const otp_deciding_t *d);
/* A bad passcode: counted, and at each multiple of the limit the account is locked for a while. */
void otp_decide_fail(otp_deciding_t *d, otp_signal_t signal);
/* The person is told of `signal`: noted for the pages, and mailed unless that was done within a day. */
void otp_decide_tell(otp_deciding_t *d, otp_signal_t signal);
/* Nothing is counted against this browser any more; nor against any, when the owner has never used this one. */
void otp_decide_clear(otp_deciding_t *d);

/* ---- otp_decide_pin.c ---- */
OTP_MUST_USE otp_status_t otp_decide_pin(otp_deciding_t *d);
OTP_MUST_USE otp_status_t otp_decide_pin_change(otp_deciding_t *d);

/* ---- otp_decide_emergency.c ---- */
/* true: there is an emergency password, and the attempt at it is decided; otherwise it is a passcode like any. */
OTP_MUST_USE bool otp_decide_emergency(otp_deciding_t *d);

#endif
