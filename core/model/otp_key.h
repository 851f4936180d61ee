/*
 * A hardware key (or a software one that behaves like it).
 */
#ifndef OTP_KEY_H
#define OTP_KEY_H

#include <jansson.h>

#include "core/crypto/otp_keyring.h"
#include "core/oath/otp_type.h"

#define OTP_SERIAL_MAX  64
#define OTP_SEALED_MAX  176         /* text of a sealed secret of at most 96 bytes */
#define OTP_SALT_LEN    16
#define OTP_HOLDING_LEN 11          /* base64url of 8 bytes */
#define OTP_PERIOD_MIN  5
#define OTP_PERIOD_MAX  3600

typedef enum { OTP_KEY_USABLE, OTP_KEY_DISABLED } otp_key_state_t;

/* A PIN as it is kept: HMAC by the key ring over (serial, salt, PIN). */
typedef struct {
    bool    set;
    char    ring_id[OTP_KEY_ID_LEN + 1];
    uint8_t salt[OTP_SALT_LEN];
    uint8_t mac[OTP_DIGEST_LEN];
} otp_pin_verifier_t;

typedef struct {
    char               serial[OTP_SERIAL_MAX + 1];
    otp_type_t         type;
    otp_algorithm_t    algorithm;
    unsigned           digits;
    int64_t            period_s;                    /* 0 for a key that counts events */
    char               seed[OTP_SEALED_MAX + 1];    /* sealed, see otp_key_seal() */
    otp_key_state_t    state;
    char               reason[16];                  /* why it is disabled: lost, stolen, broken */
    int64_t            drift;                       /* steps its clock is ahead of ours, learned */
    int64_t            drift_first, drift_since;    /* the first drift learned, and when (unix seconds, 0: none) */
    int64_t            step;                        /* last accepted step (core/oath/otp_type.h); 0: none yet */
    otp_pin_verifier_t pin, pin_before;
    int64_t            assigned, used;              /* unix seconds, 0: never */
    char               holding[OTP_HOLDING_LEN + 1];    /* of which assignment (decide/otp_manage.h); empty: none */
} otp_key_t;

/* A serial: 1..64 letters, digits, '-', '_' or '.'; trimmed. */
OTP_MUST_USE otp_status_t otp_serial_canonical(otp_span_t text, char serial[OTP_SERIAL_MAX + 1]);

/* Seals `seed` into key->seed, bound to serial, type, algorithm, digits and period, which must be set. */
OTP_MUST_USE otp_status_t otp_key_seal(otp_keyring_t *ring, otp_key_t *key, otp_span_t seed,
    const uint8_t nonce[OTP_RANDOM_NONCE]);
/* The caller wipes `seed`. */
OTP_MUST_USE otp_status_t otp_key_open(otp_keyring_t *ring, const otp_key_t *key, uint8_t seed[OTP_SECRET_MAX],
    size_t *len);

OTP_MUST_USE otp_status_t otp_pin_set(otp_keyring_t *ring, otp_span_t serial, otp_span_t pin,
    const uint8_t salt[OTP_SALT_LEN], otp_pin_verifier_t *verifier);
/* Costs the same whether a PIN is set, right or wrong. */
OTP_MUST_USE bool otp_pin_matches(otp_keyring_t *ring, otp_span_t serial, otp_span_t pin,
    const otp_pin_verifier_t *verifier);

/* Parts of a record's body.  The object is new; the caller owns it.  No object is no PIN. */
OTP_MUST_USE json_t *otp_pin_to_json(const otp_pin_verifier_t *pin);
OTP_MUST_USE bool otp_pin_from_json(const json_t *object, otp_pin_verifier_t *pin);

OTP_MUST_USE json_t *otp_key_to_json(const otp_key_t *key);
OTP_MUST_USE otp_status_t otp_key_from_json(const json_t *object, otp_key_t *key);

#endif
