#include <stdio.h>

#include "core/base/otp_buffer.h"
#include "core/portal/otp_flow_private.h"

/* A redirect leads to a page that says what was done.  That is true of who was redirected, and then; the address alone
 * may come from anybody, at any time.  So it carries TIME MAC, which binds it to the session and to that moment. */

#define OTP_TOLD_FOR_S      60      /* longer than a browser takes, or clocks differ */
#define OTP_TOLD_TIME_LEN   10
#define OTP_TOLD_MAC        16
#define OTP_TOLD_LEN        (OTP_TOLD_TIME_LEN + 22)


OTP_MUST_USE static bool otp_told_mac(const otp_flow_t *flow, const char *where, otp_span_t time, otp_buffer_t *out)
{
    uint8_t    digest[OTP_DIGEST_LEN];
    otp_span_t parts[4] = { OTP_SPAN("told"), flow->cookie, otp_span_of(where), time };

    if (flow->cookie.data == NULL
        || otp_keyring_mac(flow->settings->ring, OTP_PURPOSE_CSRF, OTP_SPAN_NONE, parts, 4, digest) != OTP_OK)
    {
        return false;
    }
    otp_buffer_add_base64url(out, digest, OTP_TOLD_MAC);

    return true;
}


otp_span_t otp_told_location(otp_flow_t *flow, const char *where)
{
    char         token[OTP_TOLD_LEN + 1] = "", all[OTP_WHERE_MAX + sizeof("&told=") + OTP_TOLD_LEN];
    otp_buffer_t out;

    otp_buffer_init(&out, token, OTP_TOLD_LEN);
    otp_buffer_add_number(&out, flow->now_s);
    if (!otp_told_mac(flow, where, otp_buffer_span(&out), &out) || otp_buffer_span(&out).len != OTP_TOLD_LEN) {
        return otp_answer_location(flow, where);
    }
    (void) snprintf(all, sizeof(all), "%s&told=%s", where, token);

    return otp_answer_location(flow, all);
}


bool otp_told(const otp_flow_t *flow, const char *where)
{
    char         mac[OTP_TOLD_LEN - OTP_TOLD_TIME_LEN];
    int64_t      at;
    otp_span_t   token = otp_form_get(&flow->query, "told"), time = { token.data, OTP_TOLD_TIME_LEN };
    otp_buffer_t out;

    otp_buffer_init(&out, mac, sizeof(mac));

    return token.len == OTP_TOLD_LEN && otp_span_number(time, &at) == OTP_OK && otp_told_mac(flow, where, time, &out)
           && otp_secret_equal(mac, token.data + OTP_TOLD_TIME_LEN, sizeof(mac))
           && at - flow->now_s <= OTP_TOLD_FOR_S && flow->now_s - at <= OTP_TOLD_FOR_S;
}
