#include "core/base/otp_buffer.h"
#include "core/oath/otp_hotp.h"

/* As authenticators expect it, which is not how otp_algorithm_name() spells it. */
static const char *uri_algorithm(otp_algorithm_t algorithm)
{
    switch (algorithm) {
    case OTP_SHA1:
        return "SHA1";
    case OTP_SHA256:
        return "SHA256";
    case OTP_SHA512:
        return "SHA512";
    }
    return NULL;
}


otp_status_t otp_otpauth_write(otp_span_t issuer, otp_span_t label, otp_span_t seed,
    otp_algorithm_t algorithm, unsigned digits, int64_t period_s, char *uri, size_t size, size_t *len)
{
    otp_buffer_t out;

    *len = 0;
    if (seed.len < OTP_SEED_MIN || seed.len > OTP_SEED_MAX || digits < OTP_DIGITS_MIN || digits > OTP_DIGITS_MAX
        || period_s <= 0)
    {
        return OTP_INVALID;
    }
    otp_buffer_init(&out, uri, size);
    otp_buffer_add_text(&out, "otpauth://totp/");
    if (issuer.len) {
        otp_buffer_add_percent(&out, issuer);
        otp_buffer_add_char(&out, ':');
    }
    otp_buffer_add_percent(&out, label);
    otp_buffer_add_text(&out, "?secret=");
    otp_buffer_add_base32(&out, (const uint8_t *) seed.data, seed.len);
    if (issuer.len) {
        otp_buffer_add_text(&out, "&issuer=");
        otp_buffer_add_percent(&out, issuer);
    }
    otp_buffer_add_text(&out, "&algorithm=");
    otp_buffer_add_text(&out, uri_algorithm(algorithm));
    otp_buffer_add_text(&out, "&digits=");
    otp_buffer_add_number(&out, digits);
    otp_buffer_add_text(&out, "&period=");
    otp_buffer_add_number(&out, period_s);
    if (out.overflow) {
        otp_secret_wipe(uri, size);
        return OTP_NO_ROOM;
    }
    *len = out.len;
    return OTP_OK;
}
