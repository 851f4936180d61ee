#include "core/model/otp_level.h"

#include <stddef.h>

const char *otp_level_name(otp_level_t level)
{
    switch (level) {
    case OTP_LEVEL_OFF:
        return "off";
    case OTP_LEVEL_PASSWORD:
        return "password";
    case OTP_LEVEL_OTP:
        return "otp";
    }
    return NULL;
}


const char *otp_auth_name(otp_auth_t auth)
{
    switch (auth) {
    case OTP_AUTH_PASSWORD:
        return "password";
    case OTP_AUTH_KEY:
        return "key";
    case OTP_AUTH_EMERGENCY:
        return "emergency";
    }
    return NULL;
}
