/*
 * Test support: a key ring, keys that show codes computed apart from the core, random numbers with a seed.
 *
 * Build: see otp_fake_redis.h.
 */
#ifndef OTP_FAKE_KEY_H
#define OTP_FAKE_KEY_H

#include "core/model/otp_account.h"

#define OTP_FAKE_NOW    INT64_C(1700000000)     /* 20 s after a change of the display */
#define OTP_FAKE_STEP   (OTP_FAKE_NOW / 60)
#define OTP_FAKE_PIN    "2580"

/* Two keys; the caller destroys it. */
otp_keyring_t *otp_fake_ring(void);

/* A usable key with 6 digits and 60 s whose seed is made of its serial; `pin` NULL: none. */
void otp_fake_key(otp_keyring_t *ring, otp_key_t *key, const char *serial, const char *pin);
/* The same as a key that counts events: its code of step n is what the one with a clock shows in step n - 1. */
void otp_fake_key_event(otp_keyring_t *ring, otp_key_t *key, const char *serial, const char *pin);
void otp_fake_pin(otp_keyring_t *ring, otp_key_t *key, const char *pin);

/* PIN ("" for none) and the code that the key of this serial shows in `step`. */
typedef struct {
    char text[32];
} otp_fake_passcode_t;
otp_fake_passcode_t otp_fake_passcode(const char *pin, const char *serial, int64_t step);
/* A passcode whose code is none of the steps around `step`. */
otp_fake_passcode_t otp_fake_wrong(const char *pin, const char *serial, int64_t step);

/* splitmix64 */
uint64_t otp_fake_random(uint64_t *state);
void otp_fake_random_bytes(uint64_t *state, uint8_t *bytes, size_t len);

#endif
