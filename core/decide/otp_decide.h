/*
 * The decision about a person's key: a pure function from the account, what was submitted and the time
 * to a verdict and the next account.  Whoever calls it stores the next account by compare-and-set and
 * acts on the verdict only once that succeeded.
 *
 * What may follow what is a table (otp_states.h); an outcome that the table does not hold is an error.
 */
#ifndef OTP_DECIDE_H
#define OTP_DECIDE_H

#include "core/decide/otp_match.h"
#include "core/decide/otp_pin_policy.h"
#include "core/decide/otp_states.h"
#include "core/model/otp_account.h"
#include "core/model/otp_mail.h"

#define OTP_REPEAT_S    10      /* the same form within this time gets the first answer */

/* What somebody submits. */
typedef struct {
    otp_submission_t kind;
    otp_span_t       passcode;              /* passcode, or the code alone for OTP_SUBMIT_NEXT_CODE */
    otp_span_t       pin, pin_confirm;      /* OTP_SUBMIT_PIN */
    otp_span_t       pending_id;            /* of the browser; empty: it holds no pending state */
    bool             signed_in;             /* in a session of the person's, by whatever it was opened */
    bool             password_proven;       /* with their password */
    bool             first_use;             /* a key without PIN may be taken into use this way */
    bool             known;                 /* from a browser the owner has used before: it has a count of its own */
    otp_span_t       address;               /* of the client, text */
    otp_span_t       name, email, language; /* of the person, for mail; empty: not known now */
    otp_span_t       nonce;                 /* digest of form and browser; empty: repeats are not recognised */
    const otp_span_t *personal;             /* texts a PIN must not be part of */
    size_t           personals;
    int64_t          now_s;
    int64_t          floor_s;               /* of otp_doubt_t, and */
    int64_t          remembered[OTP_ACCOUNT_KEYS];      /* of each key of the account */
    uint8_t          random_id[16];         /* for a new pending id */
    uint8_t          random_salt[OTP_SALT_LEN];
} otp_submitted_t;

typedef struct {
    otp_verdict_t     verdict;
    otp_pin_refusal_t refusal;              /* with OTP_VERDICT_PIN_REFUSED */
    bool              changed;              /* the account is to be stored */
    bool              repeated;             /* this very form was already decided: fetch the first answer */
    int64_t           retry_after_s;        /* ALREADY_USED: until the next code; THROTTLED: 0 means the helpdesk */
    int64_t           wait_s;               /* NEXT_CODE, WAIT_NEXT_CODE: until the display changes */
    char              serial[OTP_SERIAL_MAX + 1];   /* of the key concerned; empty: none */
    otp_signal_t      signal;               /* for the audit */
    otp_mail_kind_t   mail;                 /* that is due with this change */
    int64_t           until;                /* for that mail: unix seconds of a lock's end; 0: none */
    bool              emergency;            /* OK was given to the emergency password: */
    int64_t           expires;              /* unix seconds at which what it opens ends */
    bool              emergency_blocked;    /* DENIED, once too often: browsers like this one are not heard any more */
    bool              emergency_ended;      /* the key was used: what an emergency password has opened ends */
} otp_decision_t;

/* Whose bad passcode it would be.  At first use there is no PIN that would keep a stranger from guessing the code: who
 * knows no more than an identifier does not use up the attempts of the person, who may prove the password first. */
otp_guesser_t otp_submitted_guesser(const otp_submitted_t *submitted, const otp_account_t *account);

/* Decides.  `next` is a complete account either way.  OTP_FAILED: no decision could be made (a seed that does
 * not open, an outcome the table does not hold): answer 503, store nothing. */
OTP_MUST_USE otp_status_t otp_decide(otp_keyring_t *ring, const otp_limits_t *limits, const otp_account_t *account,
    const otp_submitted_t *submitted, otp_account_t *next, otp_decision_t *decision);

#endif
