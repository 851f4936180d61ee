#include "core/oath/otp_type.h"

/* TOTP (RFC 6238) and HOTP (RFC 4226). */


static bool otp_type_oath_valid(const otp_type_secret_t *secret, const char **reason)
{
    if (secret->secret.len < OTP_SEED_MIN || secret->secret.len > OTP_SEED_MAX) {
        *reason = "the seed has not 10 to 64 bytes";
        return false;
    }

    if (secret->digits < OTP_DIGITS_MIN || secret->digits > OTP_DIGITS_MAX) {
        *reason = "the codes have not 6 to 8 digits";
        return false;
    }

    return true;
}


static bool otp_type_totp_valid(const otp_type_secret_t *secret, const char **reason)
{
    if (secret->period_s < 5 || secret->period_s > 3600) {
        *reason = "the period is not 5 to 3600 seconds";
        return false;
    }

    return otp_type_oath_valid(secret, reason);
}


static bool otp_type_hotp_valid(const otp_type_secret_t *secret, const char **reason)
{
    if (secret->period_s != 0) {
        *reason = "a key that counts events has no period";
        return false;
    }

    return otp_type_oath_valid(secret, reason);
}


static otp_status_t otp_type_totp_codes(const otp_type_secret_t *secret, int64_t first, size_t count, uint32_t *codes)
{
    return otp_hotp_codes(secret->algorithm, secret->secret, secret->digits, first, count, codes);
}


/* Before the first counter there is no code: the value is one that no code has. */
static otp_status_t otp_type_hotp_codes(const otp_type_secret_t *secret, int64_t first, size_t count, uint32_t *codes)
{
    size_t before = first < 1 ? (size_t) (1 - first) : 0;

    for (size_t i = 0; i < before && i < count; i++) {
        codes[i] = UINT32_MAX;
    }

    return before >= count ? OTP_OK
                           : otp_hotp_codes(secret->algorithm, secret->secret, secret->digits,
                                            first + (int64_t) before - 1, count - before, codes + before);
}


static int64_t otp_type_oath_expires(const otp_type_secret_t *secret)
{
    (void) secret;

    return 0;
}


const otp_type_rules_t otp_type_totp = {
    "totp", true, otp_type_totp_valid, otp_type_totp_codes, otp_type_oath_expires
};
const otp_type_rules_t otp_type_hotp = {
    "hotp", false, otp_type_hotp_valid, otp_type_hotp_codes, otp_type_oath_expires
};
