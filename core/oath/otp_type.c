#include "core/oath/otp_type.h"

static const otp_type_rules_t *const otp_types[OTP_TYPES] = {
    [OTP_TYPE_TOTP] = &otp_type_totp,
    [OTP_TYPE_HOTP] = &otp_type_hotp,
    [OTP_TYPE_SECURID] = &otp_type_securid,
};


const otp_type_rules_t *otp_type_rules(otp_type_t type)
{
    return otp_types[type];
}


otp_status_t otp_type_parse(otp_span_t name, otp_type_t *type)
{
    for (size_t i = 0; i < OTP_TYPES; i++) {
        if (otp_span_equal_nocase(name, otp_span_of(otp_types[i]->name))) {
            *type = (otp_type_t) i;
            return OTP_OK;
        }
    }

    return OTP_INVALID;
}
