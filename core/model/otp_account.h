/*
 * An account: everything a decision about a person's key depends on, in one record under one Redis
 * key, changed by compare-and-set only.
 */
#ifndef OTP_ACCOUNT_H
#define OTP_ACCOUNT_H

#include "core/model/otp_key.h"
#include "core/model/otp_person.h"

#define OTP_ACCOUNT_KEYS    4
#define OTP_ACCOUNT_MAX     8192    /* bytes of a record */
#define OTP_PENDING_ID_LEN  22      /* base64url of 16 bytes */
#define OTP_NONCE_LEN       22      /* base64url of 16 bytes */
#define OTP_REASON_LEN      160     /* bytes of why an agent did something, UTF-8 */
#define OTP_LANGUAGE_LEN    8       /* "fr" */
#define OTP_ADDRESS_LEN     64      /* of a client, text */

typedef enum { OTP_PENDING_NONE, OTP_PENDING_PIN, OTP_PENDING_NEXT_CODE } otp_pending_kind_t;

/* What a first code has opened: the PIN page, or the wait for the next code.  Its holder is the browser
 * whose pending state carries the same id. */
typedef struct {
    otp_pending_kind_t kind;
    char               id[OTP_PENDING_ID_LEN + 1];
    char               serial[OTP_SERIAL_MAX + 1];
    int64_t            step;        /* of the first code */
    int64_t            until;       /* unix seconds */
} otp_account_pending_t;

/* Whose bad passcodes are counted together. */
typedef enum {
    OTP_GUESSER_UNKNOWN,    /* in a browser the owner has not used before */
    OTP_GUESSER_KNOWN,      /* in one the owner has */
    OTP_GUESSER_UNPROVEN    /* at first use, in one the owner has not, without the password */
} otp_guesser_t;

/* Consecutive bad passcodes. */
typedef struct {
    int64_t failures;
    int64_t failed_at;          /* unix seconds */
    int64_t locked_until;       /* unix seconds */
} otp_guesses_t;

/* Where mail about the account goes: as the directory said when the person, or an agent, was last here. */
typedef struct {
    char name[OTP_NAME_LEN + 1], email[OTP_EMAIL_LEN + 1];
    char language[OTP_LANGUAGE_LEN + 1];
} otp_contact_t;

/* What replaces the key for the rest of a day (system.md S10); `expires` 0: there is none. */
typedef struct {
    otp_pin_verifier_t verifier;
    int64_t            issued, expires;     /* unix seconds */
    int64_t            failures, known_failures;    /* bad attempts at it, from unknown and from known browsers */
} otp_emergency_t;

typedef enum { OTP_ACTIVATION_NONE, OTP_ACTIVATION_WAITING, OTP_ACTIVATION_REJECTED } otp_activation_state_t;

/* A person's request for the activation of a key (system.md S11).  The stock's record names who wants it; this
 * one says what became of it. */
typedef struct {
    otp_activation_state_t state;
    char                   serial[OTP_SERIAL_MAX + 1];
    int64_t                at;                          /* unix seconds: asked, or rejected */
    char                   reason[OTP_REASON_LEN + 1];  /* of the rejection */
} otp_activation_request_t;

/* What makes one think that somebody else holds half of the passcode (system.md B4). */
typedef enum {
    OTP_SIGNAL_NONE,
    OTP_SIGNAL_CODE_WITHOUT_PIN,    /* somebody has the key */
    OTP_SIGNAL_PIN_WITHOUT_CODE,    /* somebody knows the PIN */
    OTP_SIGNAL_REPLAY,              /* a spent code with the right PIN, from elsewhere than where it was spent */
    OTP_SIGNAL_LOCKED               /* too many bad passcodes: told, and no banner */
} otp_signal_t;
#define OTP_SIGNALS 5

typedef struct {
    int64_t at;         /* unix seconds of the last one the person has not been told of; 0: none */
    int64_t count;      /* of those */
    int64_t mailed;     /* unix seconds of the last mail about this signal */
} otp_signal_note_t;

/* "" "code_without_pin" "pin_without_code" "replay" "locked" */
const char *otp_signal_name(otp_signal_t signal);

typedef struct {
    char                     uid[OTP_UID_LEN + 1];
    int64_t                  revision;      /* counts the changes */
    otp_key_t                key[OTP_ACCOUNT_KEYS];
    size_t                   keys;
    otp_guesses_t            unknown, known, unproven;  /* by guesser */
    otp_contact_t            contact;
    otp_emergency_t          emergency;
    otp_activation_request_t request;
    otp_signal_note_t        signal[OTP_SIGNALS];       /* [OTP_SIGNAL_NONE] unused */
    char                     accepted_from[OTP_ADDRESS_LEN + 1];    /* address of the last accepted passcode */
    otp_account_pending_t    pending;
    char                     nonce[OTP_NONCE_LEN + 1];  /* of the last form that changed the record, and */
    int64_t                  nonce_at;                  /* when: a repeated form is recognised by it */
} otp_account_t;

/* An account without keys. */
void otp_account_init(otp_account_t *account, otp_span_t uid);

/* The count of theirs. */
otp_guesses_t *otp_account_guesses(otp_account_t *account, otp_guesser_t guesser);
/* Whether a key that works has a PIN; none has at first use. */
OTP_MUST_USE bool otp_account_has_pin(const otp_account_t *account);

/* Takes over where mail goes; an empty member leaves what is there.  Whether anything changed. */
bool otp_account_set_contact(otp_account_t *account, otp_span_t name, otp_span_t email, otp_span_t language);

/* NULL when there is none with this serial. */
otp_key_t *otp_account_key(otp_account_t *account, otp_span_t serial);

/* The record for the Redis key `name`, with revision as it is in `account`. */
OTP_MUST_USE otp_status_t otp_account_write(otp_keyring_t *ring, otp_span_t name, const otp_account_t *account,
    char *record, size_t size, size_t *len);
OTP_MUST_USE otp_status_t otp_account_read(otp_keyring_t *ring, otp_span_t name, otp_span_t record,
    otp_account_t *account);

/* The account of somebody who has none: one key with a PIN, invented from the key ring and the uid, the
 * same one each time, so that deciding about it costs what deciding about a real one costs. */
OTP_MUST_USE otp_status_t otp_account_decoy(otp_keyring_t *ring, otp_span_t uid, otp_account_t *account);

#endif
