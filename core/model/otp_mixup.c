#include "core/model/otp_mixup.h"

#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/model/otp_person.h"


bool otp_mixup_code(otp_span_t typed)
{
    bool digits = typed.len >= OTP_DIGITS_MIN && typed.len <= OTP_DIGITS_MAX;

    for (size_t i = 0; i < typed.len; i++) {
        digits &= typed.data[i] >= '0' && typed.data[i] <= '9';
    }

    return digits;
}


/* The purpose is that of kept answers, whose contexts are names of Redis keys: this one is none. */
OTP_MUST_USE static otp_span_t otp_mixup_context(otp_span_t uid, char *text, size_t size)
{
    otp_buffer_t out;

    otp_buffer_init(&out, text, size);
    otp_buffer_add_text(&out, "mixup ");
    otp_buffer_add(&out, uid);

    return otp_buffer_span(&out);
}


otp_status_t otp_mixup_seal(otp_keyring_t *ring, otp_span_t uid, otp_span_t code,
    const uint8_t nonce[OTP_RANDOM_NONCE], char *sealed, size_t size, size_t *len)
{
    char       text[OTP_UID_LEN + 8];
    otp_span_t context = otp_mixup_context(uid, text, sizeof(text));

    if (!otp_mixup_code(code) || context.data == NULL) {
        return OTP_INVALID;
    }

    return otp_keyring_seal(ring, OTP_PURPOSE_ANSWER, context, nonce, code, sealed, size, len);
}


otp_status_t otp_mixup_open(otp_keyring_t *ring, otp_span_t uid, otp_span_t sealed, char code[OTP_DIGITS_MAX + 1])
{
    char         text[OTP_UID_LEN + 8];
    size_t       len;
    otp_span_t   context = otp_mixup_context(uid, text, sizeof(text));
    otp_status_t status;

    memset(code, 0, OTP_DIGITS_MAX + 1);
    if (context.data == NULL) {
        return OTP_INVALID;
    }

    status = otp_keyring_open(ring, OTP_PURPOSE_ANSWER, context, sealed, (uint8_t *) code, OTP_DIGITS_MAX, &len);
    if (status == OTP_OK && !otp_mixup_code((otp_span_t) { code, len })) {
        status = OTP_INVALID;
    }
    if (status != OTP_OK) {
        otp_secret_wipe(code, OTP_DIGITS_MAX + 1);
    }

    return status;
}
