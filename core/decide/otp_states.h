/*
 * The states of an account, what may be submitted in each, and where it leads.  docs/states.md is
 * generated from this table, and otp_decide() refuses an outcome that is not in it.
 */
#ifndef OTP_STATES_H
#define OTP_STATES_H

#include "core/model/otp_account.h"
#include "core/decide/otp_limits.h"

typedef enum {
    OTP_STATE_NO_KEY,       /* no key, or all disabled */
    OTP_STATE_FIRST_USE,    /* no usable key has a PIN yet */
    OTP_STATE_PIN_PAGE,     /* a first code was accepted, the PIN page is open */
    OTP_STATE_READY,        /* a key with a PIN */
    OTP_STATE_NEXT_CODE,    /* a first code was accepted, the one after it is awaited */
    OTP_STATE_LOCKED        /* too many bad passcodes */
} otp_state_t;
#define OTP_STATES 6

typedef enum {
    OTP_SUBMIT_PASSCODE,    /* PIN + code, or the code alone at first use */
    OTP_SUBMIT_NEXT_CODE,   /* the code alone that follows the first one */
    OTP_SUBMIT_PIN,         /* a new PIN, twice */
    OTP_SUBMIT_EMERGENCY,   /* an emergency password in the place of the passcode */
    OTP_SUBMIT_PIN_CHANGE   /* the passcode with the old PIN, and a new PIN, twice */
} otp_submission_t;
#define OTP_SUBMISSIONS 5

typedef enum {
    OTP_VERDICT_OK,
    OTP_VERDICT_PIN_REQUIRED,
    OTP_VERDICT_NEXT_CODE,
    OTP_VERDICT_WAIT_NEXT_CODE,
    OTP_VERDICT_PIN_REFUSED,
    OTP_VERDICT_DENIED,
    OTP_VERDICT_ALREADY_USED,
    OTP_VERDICT_THROTTLED
} otp_verdict_t;
#define OTP_VERDICTS 8

typedef struct {
    otp_state_t      state;
    otp_submission_t submission;
    otp_verdict_t    verdict;
    otp_state_t      next;
    const char      *why;       /* for the drawing */
} otp_transition_t;

const otp_transition_t *otp_transitions(size_t *count);

const char *otp_state_name(otp_state_t state);
const char *otp_submission_name(otp_submission_t submission);
const char *otp_verdict_name(otp_verdict_t verdict);    /* "ok", "pin_required"… as in the interface */

/* The state an account is in at `now_s` for somebody who sits there: each kind of them has its own lock. */
otp_state_t otp_account_state(const otp_account_t *account, const otp_limits_t *limits, otp_guesser_t guesser,
    int64_t now_s);

/* Whether `key` takes part in decisions: it is not disabled. */
bool otp_key_usable(const otp_key_t *key);

OTP_MUST_USE bool otp_transition_legal(otp_state_t state, otp_submission_t submission, otp_verdict_t verdict,
    otp_state_t next);

#endif
