#include "core/model/otp_emergency.h"

#include <string.h>

#define OTP_EMERGENCY_LETTERS   23

static const char otp_emergency_alphabet[] = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";


/* Divides the number in `digits` (base 256, most significant first) by `by`; the remainder. */
static unsigned otp_emergency_divide(uint8_t digits[16], unsigned by)
{
    unsigned rest = 0;

    for (size_t i = 0; i < 16; i++) {
        unsigned value = rest * 256 + digits[i];

        digits[i] = (uint8_t) (value / by);
        rest = value % by;
    }

    return rest;
}


/* The random bytes are one number that is written in base 31: of 128 bits, 49 are used, so that no character is
 * noticeably likelier than another. */
void otp_emergency_make(const uint8_t random[16], char password[OTP_EMERGENCY_LEN + 1])
{
    uint8_t number[16];

    memcpy(number, random, sizeof(number));
    password[0] = otp_emergency_alphabet[otp_emergency_divide(number, OTP_EMERGENCY_LETTERS)];
    for (size_t i = 1; i < OTP_EMERGENCY_LEN; i++) {
        password[i] = otp_emergency_alphabet[otp_emergency_divide(number, sizeof(otp_emergency_alphabet) - 1)];
    }
    password[OTP_EMERGENCY_LEN] = '\0';
    otp_secret_wipe(number, sizeof(number));
}


bool otp_emergency_form(otp_span_t typed, char canonical[OTP_EMERGENCY_LEN + 1])
{
    size_t n = 0;
    bool   letter = false;

    memset(canonical, 0, OTP_EMERGENCY_LEN + 1);
    for (size_t i = 0; i < typed.len; i++) {
        char c = typed.data[i];

        if (c == ' ' || c == '\t' || c == '-') {
            continue;
        }
        if (c >= 'a' && c <= 'z') {
            c = (char) (c - 'a' + 'A');
        }
        if (n == OTP_EMERGENCY_LEN || c == '\0' || strchr(otp_emergency_alphabet, c) == NULL) {
            otp_secret_wipe(canonical, OTP_EMERGENCY_LEN + 1);
            return false;
        }
        letter |= c >= 'A';
        canonical[n++] = c;
    }

    return n == OTP_EMERGENCY_LEN && letter;
}


OTP_MUST_USE static otp_status_t otp_emergency_mac(otp_keyring_t *ring, otp_span_t ring_id, const char *uid,
    const uint8_t salt[OTP_SALT_LEN], otp_span_t password, uint8_t mac[OTP_DIGEST_LEN])
{
    otp_span_t parts[3] = { otp_span_of(uid), { (const char *) salt, OTP_SALT_LEN }, password };

    return otp_keyring_mac(ring, OTP_PURPOSE_EMERGENCY, ring_id, parts, 3, mac);
}


otp_status_t otp_emergency_set(otp_keyring_t *ring, otp_account_t *account, otp_span_t password,
    const uint8_t salt[OTP_SALT_LEN], int64_t now_s, int64_t expires)
{
    char            canonical[OTP_EMERGENCY_LEN + 1];
    otp_span_t      id = otp_keyring_current(ring), text = { canonical, OTP_EMERGENCY_LEN };
    otp_status_t    status;
    otp_emergency_t made = { .issued = now_s, .expires = expires };

    if (expires <= now_s || !otp_emergency_form(password, canonical)) {
        return OTP_INVALID;
    }

    status = otp_emergency_mac(ring, id, account->uid, salt, text, made.verifier.mac);
    otp_secret_wipe(canonical, sizeof(canonical));
    if (status != OTP_OK) {
        return status;
    }

    memcpy(made.verifier.ring_id, id.data, OTP_KEY_ID_LEN);
    memcpy(made.verifier.salt, salt, OTP_SALT_LEN);
    made.verifier.set = true;
    account->emergency = made;

    return OTP_OK;
}


int64_t *otp_emergency_failures(otp_account_t *account, bool known)
{
    return known ? &account->emergency.known_failures : &account->emergency.failures;
}


bool otp_emergency_heard(const otp_account_t *account, bool known, int64_t now_s)
{
    const otp_emergency_t *emergency = &account->emergency;

    return emergency->verifier.set && now_s < emergency->expires
           && (known ? emergency->known_failures : emergency->failures) < OTP_EMERGENCY_FAILURES;
}


bool otp_emergency_live(const otp_account_t *account, int64_t now_s)
{
    return otp_emergency_heard(account, false, now_s) || otp_emergency_heard(account, true, now_s);
}


bool otp_emergency_matches(otp_keyring_t *ring, const otp_account_t *account, otp_span_t canonical, int64_t now_s)
{
    const otp_pin_verifier_t *verifier = &account->emergency.verifier;
    uint8_t                   mac[OTP_DIGEST_LEN];
    bool                      equal;
    otp_span_t                id = verifier->set ? otp_span_of(verifier->ring_id) : otp_keyring_current(ring);

    if (otp_emergency_mac(ring, id, account->uid, verifier->salt, canonical, mac) != OTP_OK) {
        return false;
    }

    equal = otp_secret_equal(mac, verifier->mac, sizeof(mac));
    otp_secret_wipe(mac, sizeof(mac));

    return equal && otp_emergency_live(account, now_s);
}
