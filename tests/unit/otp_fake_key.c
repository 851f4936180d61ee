#include "otp_fake_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>


static void must(bool good)
{
    if (!good) {
        abort();
    }
}


otp_keyring_t *otp_fake_ring(void)
{
    char           error[128];
    otp_keyring_t *ring;

    ring = otp_keyring_parse(OTP_SPAN("otp-keyring 1\n"
                                      "20212223 1700000000 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
                                      "aabbccdd 1700000001 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA\n"),
                             error, sizeof(error));
    must(ring != NULL);

    return ring;
}


/* The seed of a serial: its SHA-1. */
static void seed_of(const char *serial, uint8_t seed[20])
{
    size_t len = 20;

    must(EVP_Q_digest(NULL, "SHA1", NULL, serial, strlen(serial), seed, &len) == 1);
}


void otp_fake_pin(otp_keyring_t *ring, otp_key_t *key, const char *pin)
{
    static const uint8_t salt[OTP_SALT_LEN] = "salt of a PIN...";

    must(otp_pin_set(ring, otp_span_of(key->serial), otp_span_of(pin), salt, &key->pin) == OTP_OK);
}


static void key_of_type(otp_keyring_t *ring, otp_key_t *key, otp_type_t type, const char *serial, const char *pin)
{
    static const uint8_t nonce[OTP_RANDOM_NONCE] = "nonce.......";
    uint8_t              seed[20];

    memset(key, 0, sizeof(*key));
    (void) snprintf(key->serial, sizeof(key->serial), "%s", serial);
    key->type = type;
    key->algorithm = OTP_SHA1;
    key->digits = 6;
    key->period_s = type == OTP_TYPE_HOTP ? 0 : 60;
    key->assigned = OTP_FAKE_NOW - 86400;
    seed_of(serial, seed);
    must(otp_key_seal(ring, key, (otp_span_t) { (const char *) seed, sizeof(seed) }, nonce) == OTP_OK);
    if (pin != NULL) {
        otp_fake_pin(ring, key, pin);
    }
}


void otp_fake_key(otp_keyring_t *ring, otp_key_t *key, const char *serial, const char *pin)
{
    key_of_type(ring, key, OTP_TYPE_TOTP, serial, pin);
}


void otp_fake_key_event(otp_keyring_t *ring, otp_key_t *key, const char *serial, const char *pin)
{
    key_of_type(ring, key, OTP_TYPE_HOTP, serial, pin);
}


/* RFC 4226 section 5.3, from its text. */
static unsigned code_of(const char *serial, int64_t step)
{
    uint8_t  seed[20], counter[8], mac[20];
    unsigned len = sizeof(mac), at;

    seed_of(serial, seed);
    for (int i = 0; i < 8; i++) {
        counter[i] = (uint8_t) ((uint64_t) step >> (8 * (7 - i)));
    }
    must(HMAC(EVP_sha1(), seed, sizeof(seed), counter, sizeof(counter), mac, &len) != NULL);
    at = mac[19] & 0x0f;

    return (((unsigned) mac[at] & 0x7f) << 24 | (unsigned) mac[at + 1] << 16 | (unsigned) mac[at + 2] << 8
            | (unsigned) mac[at + 3]) % 1000000;
}


otp_fake_passcode_t otp_fake_passcode(const char *pin, const char *serial, int64_t step)
{
    otp_fake_passcode_t passcode;

    (void) snprintf(passcode.text, sizeof(passcode.text), "%s%06u", pin, code_of(serial, step));

    return passcode;
}


otp_fake_passcode_t otp_fake_wrong(const char *pin, const char *serial, int64_t step)
{
    otp_fake_passcode_t passcode;
    unsigned            code = (code_of(serial, step) + 1) % 1000000;

    for (int64_t i = -30; i <= 30; i++) {
        if (code_of(serial, step + i) == code) {
            code = (code + 1) % 1000000;
            i = -31;
        }
    }
    (void) snprintf(passcode.text, sizeof(passcode.text), "%s%06u", pin, code);

    return passcode;
}


uint64_t otp_fake_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);

    return z ^ (z >> 31);
}


void otp_fake_random_bytes(uint64_t *state, uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t) otp_fake_random(state);
    }
}
