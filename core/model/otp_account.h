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

typedef struct {
    char                  uid[OTP_UID_LEN + 1];
    int64_t               revision;         /* counts the changes */
    otp_key_t             key[OTP_ACCOUNT_KEYS];
    size_t                keys;
    int64_t               failures;         /* consecutive bad passcodes */
    int64_t               failed_at;
    int64_t               locked_until;     /* unix seconds */
    otp_account_pending_t pending;
    char                  nonce[OTP_NONCE_LEN + 1];     /* of the last form that changed the record, and */
    int64_t               nonce_at;                     /* when: a repeated form is recognised by it */
} otp_account_t;

/* An account without keys. */
void otp_account_init(otp_account_t *account, otp_span_t uid);

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
