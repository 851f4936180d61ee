#include "core/model/otp_record.h"

#include "core/base/otp_buffer.h"
#include "core/base/otp_encode.h"


OTP_MUST_USE static otp_status_t otp_envelope_mac(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t id,
    otp_span_t name, otp_span_t body, uint8_t mac[OTP_DIGEST_LEN])
{
    otp_span_t parts[2] = { name, body };

    return otp_keyring_mac(ring, purpose, id, parts, 2, mac);
}


otp_status_t otp_envelope_write(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t name, otp_span_t body,
    char *record, size_t size, size_t *len)
{
    uint8_t      mac[OTP_DIGEST_LEN];
    otp_buffer_t out;
    otp_status_t status;

    status = otp_envelope_mac(ring, purpose, otp_keyring_current(ring), name, body, mac);
    if (status != OTP_OK) {
        return status;
    }

    otp_buffer_init(&out, record, size);
    otp_buffer_add_text(&out, "1.");
    otp_buffer_add(&out, otp_keyring_current(ring));
    otp_buffer_add_char(&out, '.');
    otp_buffer_add_base64url(&out, mac, sizeof(mac));
    otp_buffer_add_char(&out, '.');
    otp_buffer_add(&out, body);
    *len = otp_buffer_span(&out).len;

    return out.overflow ? OTP_NO_ROOM : OTP_OK;
}


otp_status_t otp_envelope_read(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t name, otp_span_t record,
    otp_span_t *body)
{
    uint8_t      stored[OTP_DIGEST_LEN], mac[OTP_DIGEST_LEN];
    size_t       len;
    otp_span_t   rest = record, version, id, text;
    otp_status_t status;

    version = otp_span_cut(&rest, '.');
    id = otp_span_cut(&rest, '.');
    text = otp_span_cut(&rest, '.');
    if (!otp_span_equal(version, OTP_SPAN("1")) || rest.data == NULL || id.len != OTP_KEY_ID_LEN) {
        return OTP_INVALID;
    }

    if (otp_base64url_decode(text, stored, sizeof(stored), &len) != OTP_OK || len != sizeof(stored)) {
        return OTP_INVALID;
    }

    status = otp_envelope_mac(ring, purpose, id, name, rest, mac);
    if (status != OTP_OK) {
        return status;
    }

    if (!otp_secret_equal(stored, mac, sizeof(mac))) {
        return OTP_INVALID;
    }

    *body = rest;
    return OTP_OK;
}


otp_status_t otp_record_write(otp_keyring_t *ring, otp_span_t name, otp_span_t body, char *record, size_t size,
    size_t *len)
{
    return otp_envelope_write(ring, OTP_PURPOSE_RECORD, name, body, record, size, len);
}


otp_status_t otp_record_read(otp_keyring_t *ring, otp_span_t name, otp_span_t record, otp_span_t *body)
{
    return otp_envelope_read(ring, OTP_PURPOSE_RECORD, name, record, body);
}
