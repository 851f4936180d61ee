#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/portal/otp_flow_private.h"

#define OTP_DEVICE_BYTES    16
#define OTP_DEVICE_MAC      16
#define OTP_DEVICE_MAC_LEN  22
#define OTP_DEVICE_AGE_S    (180 * 86400)
#define OTP_DEVICE_FRESH_S  86400       /* a cookie younger than this is not given anew */
#define OTP_DEVICE_MAX      96

/* Cookie NAME-device: RING-KEY-ID.NONCE.TIME.MAC.  The MAC binds it to one person: the cookie that somebody got for
 * themselves says nothing about anybody else.  It proves nothing and opens nothing; it only decides which counts of
 * failures are asked. */


OTP_MUST_USE static bool otp_device_mac(const otp_flow_t *flow, otp_span_t id, otp_span_t nonce, otp_span_t time,
    char mac[OTP_DEVICE_MAC_LEN])
{
    uint8_t      digest[OTP_DIGEST_LEN];
    otp_span_t   parts[3] = { otp_span_of(flow->uid), nonce, time };
    otp_buffer_t out;

    if (otp_keyring_mac(flow->settings->ring, OTP_PURPOSE_DEVICE, id, parts, 3, digest) != OTP_OK) {
        return false;
    }

    otp_buffer_init(&out, mac, OTP_DEVICE_MAC_LEN);
    otp_buffer_add_base64url(&out, digest, OTP_DEVICE_MAC);

    return true;
}


void otp_device_read(otp_flow_t *flow)
{
    char       right[OTP_DEVICE_MAC_LEN];
    otp_span_t mac = otp_flow_cookie(flow, "-device"), id = otp_span_cut(&mac, '.'), nonce = otp_span_cut(&mac, '.');
    otp_span_t time = otp_span_cut(&mac, '.');

    flow->device.known = false;
    memset(flow->device.nonce, 0, sizeof(flow->device.nonce));
    if (id.len != OTP_KEY_ID_LEN || nonce.len != OTP_DEVICE_NONCE || mac.len != OTP_DEVICE_MAC_LEN
        || otp_span_number(time, &flow->device.issued) != OTP_OK || !otp_device_mac(flow, id, nonce, time, right))
    {
        return;
    }

    flow->device.known = otp_secret_equal(right, mac.data, sizeof(right))
                         && flow->now_s - flow->device.issued <= OTP_DEVICE_AGE_S;
    if (flow->device.known) {
        memcpy(flow->device.nonce, nonce.data, nonce.len);
    }
}


void otp_device_give(otp_flow_t *flow)
{
    char         text[OTP_DEVICE_MAX], number[24], mac[OTP_DEVICE_MAC_LEN];
    otp_span_t   time = otp_flow_number(number, flow->now_s), id = otp_keyring_current(flow->settings->ring);
    otp_device_t *device = &flow->device;
    otp_buffer_t out;

    otp_device_read(flow);
    if (device->known ? flow->now_s - device->issued < OTP_DEVICE_FRESH_S : device->withheld) {
        return;
    }

    /* A browser that is known keeps its nonce. */
    if (!device->known) {
        otp_buffer_init(&out, device->nonce, OTP_DEVICE_NONCE);
        otp_buffer_add_base64url(&out, otp_flow_random(flow, OTP_DEVICE_BYTES), OTP_DEVICE_BYTES);
    }
    if (!otp_device_mac(flow, id, otp_span_of(device->nonce), time, mac)) {
        return;
    }

    otp_buffer_init(&out, text, sizeof(text));
    otp_buffer_add(&out, id);
    otp_buffer_add_char(&out, '.');
    otp_buffer_add_text(&out, device->nonce);
    otp_buffer_add_char(&out, '.');
    otp_buffer_add(&out, time);
    otp_buffer_add_char(&out, '.');
    otp_buffer_add(&out, (otp_span_t) { mac, sizeof(mac) });
    otp_answer_cookie(flow, "-device", otp_buffer_span(&out), OTP_DEVICE_AGE_S);
}
