#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/portal/otp_flow_private.h"

#define OTP_DEVICE_BYTES    16
#define OTP_DEVICE_MAC      16
#define OTP_DEVICE_MAC_LEN  22
#define OTP_DEVICE_AGE_S    (180 * 86400)
#define OTP_DEVICE_FRESH_S  86400       /* a cookie younger than this is not given anew */
#define OTP_DEVICE_MAX      96

/* Cookie NAME-device: RING-KEY-ID.NONCE.TIME.PROVEN.MAC.  The MAC binds it to one person: the cookie that somebody got
 * for themselves says nothing about anybody else.  It proves nothing and opens nothing; it only decides which counts of
 * failures are asked.
 *
 * TIME is when it was given, PROVEN when the passcode was last right here, 0: never.  Who knows only the password can
 * have one of the latter kind: it has no part in the counts of bad passcodes, and a delay of passwords of its own. */


OTP_MUST_USE static bool otp_device_mac(const otp_flow_t *flow, otp_span_t id, otp_span_t nonce, otp_span_t time,
    otp_span_t proven, char mac[OTP_DEVICE_MAC_LEN])
{
    uint8_t      digest[OTP_DIGEST_LEN];
    otp_span_t   parts[4] = { otp_span_of(flow->uid), nonce, time, proven };
    otp_buffer_t out;

    if (otp_keyring_mac(flow->settings->ring, OTP_PURPOSE_DEVICE, id, parts, 4, digest) != OTP_OK) {
        return false;
    }

    otp_buffer_init(&out, mac, OTP_DEVICE_MAC_LEN);
    otp_buffer_add_base64url(&out, digest, OTP_DEVICE_MAC);

    return true;
}


void otp_device_read(otp_flow_t *flow)
{
    char          right[OTP_DEVICE_MAC_LEN];
    otp_span_t    mac = otp_flow_cookie(flow, "-device"), id = otp_span_cut(&mac, '.'), nonce = otp_span_cut(&mac, '.');
    otp_span_t    time = otp_span_cut(&mac, '.'), proven = otp_span_cut(&mac, '.');
    otp_device_t *device = &flow->device;

    memset(device, 0, sizeof(*device));
    if (id.len != OTP_KEY_ID_LEN || nonce.len != OTP_DEVICE_NONCE || mac.len != OTP_DEVICE_MAC_LEN
        || otp_span_number(time, &device->issued) != OTP_OK || otp_span_number(proven, &device->proven_at) != OTP_OK
        || !otp_device_mac(flow, id, nonce, time, proven, right))
    {
        return;
    }

    device->known = otp_secret_equal(right, mac.data, sizeof(right))
                    && flow->now_s - device->issued <= OTP_DEVICE_AGE_S;
    device->proven = device->known && device->proven_at != 0 && flow->now_s - device->proven_at <= OTP_DEVICE_AGE_S;
    if (device->known) {
        memcpy(device->nonce, nonce.data, nonce.len);
    }
}


/* What the cookie tells is true for a while yet. */
OTP_MUST_USE static bool otp_device_fresh(const otp_flow_t *flow, bool by_passcode)
{
    const otp_device_t *device = &flow->device;

    if (by_passcode) {
        return device->proven && flow->now_s - device->proven_at < OTP_DEVICE_FRESH_S;
    }

    return device->known && flow->now_s - device->issued < OTP_DEVICE_FRESH_S;
}


OTP_MUST_USE static bool otp_device_write(otp_flow_t *flow, otp_buffer_t *out)
{
    char          issued[24], proven_at[24], mac[OTP_DEVICE_MAC_LEN];
    otp_device_t *device = &flow->device;
    otp_span_t    id = otp_keyring_current(flow->settings->ring), nonce = otp_span_of(device->nonce);
    otp_span_t    time = otp_flow_number(issued, device->issued);
    otp_span_t    proven = otp_flow_number(proven_at, device->proven_at);

    if (!otp_device_mac(flow, id, nonce, time, proven, mac)) {
        return false;
    }

    otp_buffer_add(out, id);
    otp_buffer_add_char(out, '.');
    otp_buffer_add(out, nonce);
    otp_buffer_add_char(out, '.');
    otp_buffer_add(out, time);
    otp_buffer_add_char(out, '.');
    otp_buffer_add(out, proven);
    otp_buffer_add_char(out, '.');
    otp_buffer_add(out, (otp_span_t) { mac, sizeof(mac) });

    return !out->overflow;
}


void otp_device_give(otp_flow_t *flow, bool by_passcode)
{
    char          text[OTP_DEVICE_MAX];
    otp_device_t *device = &flow->device;
    otp_buffer_t  out;

    otp_device_read(flow);
    if (otp_device_fresh(flow, by_passcode)) {
        return;
    }

    /* A browser that is known keeps its nonce. */
    if (!device->known) {
        otp_buffer_init(&out, device->nonce, OTP_DEVICE_NONCE);
        otp_buffer_add_base64url(&out, otp_flow_random(flow, OTP_DEVICE_BYTES), OTP_DEVICE_BYTES);
    }

    /* The password alone lets last what the passcode has proven as long as it would have. */
    device->issued = flow->now_s;
    device->proven_at = by_passcode ? flow->now_s : device->proven ? device->proven_at : 0;
    otp_buffer_init(&out, text, sizeof(text));
    if (otp_device_write(flow, &out)) {
        otp_answer_cookie(flow, "-device", otp_buffer_span(&out), OTP_DEVICE_AGE_S);
    }
}
