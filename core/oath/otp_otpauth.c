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


/* What differs between the two types of keys. */
typedef struct {
    const char *type;           /* "totp" */
    const char *moving;         /* "&period=" */
    int64_t     value, least;
} otp_moving_t;


OTP_MUST_USE static otp_status_t otp_otpauth_write_text(const otp_moving_t *moving, otp_span_t issuer,
    otp_span_t label, otp_span_t seed, otp_algorithm_t algorithm, unsigned digits, otp_buffer_t *out)
{
    if (moving->value < moving->least || seed.len < OTP_SEED_MIN || seed.len > OTP_SEED_MAX
        || digits < OTP_DIGITS_MIN || digits > OTP_DIGITS_MAX)
    {
        return OTP_INVALID;
    }

    otp_buffer_add_text(out, "otpauth://");
    otp_buffer_add_text(out, moving->type);
    otp_buffer_add_char(out, '/');
    if (issuer.len) {
        otp_buffer_add_percent(out, issuer);
        otp_buffer_add_char(out, ':');
    }
    otp_buffer_add_percent(out, label);
    otp_buffer_add_text(out, "?secret=");
    otp_buffer_add_base32(out, (const uint8_t *) seed.data, seed.len);
    if (issuer.len) {
        otp_buffer_add_text(out, "&issuer=");
        otp_buffer_add_percent(out, issuer);
    }
    otp_buffer_add_text(out, "&algorithm=");
    otp_buffer_add_text(out, uri_algorithm(algorithm));
    otp_buffer_add_text(out, "&digits=");
    otp_buffer_add_number(out, digits);
    otp_buffer_add_text(out, moving->moving);
    otp_buffer_add_number(out, moving->value);
    if (out->overflow) {
        otp_secret_wipe(out->data, out->size);
        return OTP_NO_ROOM;
    }

    return OTP_OK;
}


OTP_MUST_USE static otp_status_t otp_otpauth_write_moving(const otp_moving_t *moving, otp_span_t issuer,
    otp_span_t label, otp_span_t seed, otp_algorithm_t algorithm, unsigned digits, char *uri, size_t size, size_t *len)
{
    otp_buffer_t out;
    otp_status_t status;

    otp_buffer_init(&out, uri, size);
    status = otp_otpauth_write_text(moving, issuer, label, seed, algorithm, digits, &out);
    *len = status == OTP_OK ? out.len : 0;

    return status;
}


otp_status_t otp_otpauth_write(otp_span_t issuer, otp_span_t label, otp_span_t seed,
    otp_algorithm_t algorithm, unsigned digits, int64_t period_s, char *uri, size_t size, size_t *len)
{
    const otp_moving_t moving = { "totp", "&period=", period_s, 1 };

    return otp_otpauth_write_moving(&moving, issuer, label, seed, algorithm, digits, uri, size, len);
}


otp_status_t otp_otpauth_write_hotp(otp_span_t issuer, otp_span_t label, otp_span_t seed,
    otp_algorithm_t algorithm, unsigned digits, int64_t counter, char *uri, size_t size, size_t *len)
{
    const otp_moving_t moving = { "hotp", "&counter=", counter, 0 };

    return otp_otpauth_write_moving(&moving, issuer, label, seed, algorithm, digits, uri, size, len);
}
