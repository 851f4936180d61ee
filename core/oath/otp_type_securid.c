#include "core/oath/otp_type.h"

/* SecurID, 128 bits, through libstoken. */


static bool otp_type_securid_valid(const otp_type_secret_t *secret, const char **reason)
{
    (void) secret;
    *reason = "SecurID keys cannot be verified yet";

    return false;
}


static otp_status_t otp_type_securid_codes(const otp_type_secret_t *secret, int64_t first, size_t count,
    uint32_t *codes)
{
    (void) secret;
    (void) first;
    (void) count;
    (void) codes;

    return OTP_FAILED;
}


const otp_type_rules_t otp_type_securid = { "securid", true, otp_type_securid_valid, otp_type_securid_codes };
