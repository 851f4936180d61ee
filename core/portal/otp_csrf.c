#include "core/base/otp_buffer.h"
#include "core/base/otp_encode.h"
#include "core/portal/otp_flow_private.h"

#include <string.h>

#define OTP_CSRF_NONCE      12
#define OTP_CSRF_MAC        16
#define OTP_CSRF_AGE_S      (12 * 3600)
#define OTP_CSRF_TIME_LEN   10

/* Token: KIND NONCE TIME MAC, 49 characters: 's' or 'b', base64url of 12 bytes, decimal unix seconds, base64url
 * of 16 bytes.  The MAC binds it to the session's cookie (s), or to the browser's own before sign-in (b). */


OTP_MUST_USE static bool otp_csrf_mac(otp_flow_t *flow, char kind, otp_span_t token, char mac[22])
{
    uint8_t      digest[OTP_DIGEST_LEN];
    otp_span_t   parts[2] = { kind == 's' ? flow->cookie : flow->browser, token };
    otp_buffer_t out;

    if (parts[0].data == NULL
        || otp_keyring_mac(flow->settings->ring, OTP_PURPOSE_CSRF, OTP_SPAN_NONE, parts, 2, digest) != OTP_OK)
    {
        return false;
    }

    otp_buffer_init(&out, mac, 22);
    otp_buffer_add_base64url(&out, digest, OTP_CSRF_MAC);

    return true;
}


static void otp_csrf_browser(otp_flow_t *flow)
{
    otp_buffer_t out;

    if (flow->browser.data != NULL) {
        return;
    }

    otp_buffer_init(&out, flow->browser_new, OTP_COOKIE_LEN);
    otp_buffer_add_base64url(&out, otp_flow_random(flow, OTP_COOKIE_BYTES), OTP_COOKIE_BYTES);
    flow->browser = otp_buffer_span(&out);
    otp_answer_cookie(flow, "-form", flow->browser, -1);
}


otp_span_t otp_csrf_issue(otp_flow_t *flow, char text[OTP_CSRF_LEN + 1])
{
    bool         session = flow->cookie.data != NULL && (flow->signed_in || flow->has_pending);
    char         mac[22];
    otp_buffer_t out;

    if (!session) {
        otp_csrf_browser(flow);
    }

    otp_buffer_init(&out, text, OTP_CSRF_LEN);
    otp_buffer_add_char(&out, session ? 's' : 'b');
    otp_buffer_add_base64url(&out, otp_flow_random(flow, OTP_CSRF_NONCE), OTP_CSRF_NONCE);
    otp_buffer_add_number(&out, flow->now_s);
    if (!otp_csrf_mac(flow, text[0], otp_buffer_span(&out), mac)) {
        return OTP_SPAN_NONE;
    }
    otp_buffer_add(&out, (otp_span_t) { mac, sizeof(mac) });

    return otp_buffer_span(&out);
}


/* A token from before the sign-in does nothing in the session; the page of sign-in may be left open meanwhile. */
OTP_MUST_USE static bool otp_csrf_kind_fits(const otp_flow_t *flow, char kind)
{
    bool session = flow->signed_in || flow->has_pending;

    return kind == 's' ? session : !session || flow->route->page == OTP_PAGE_LOGIN;
}


/* A browser names the site whose page sends a form.  Another's form is refused whatever token it carries: whoever
 * could plant our cookie in the browser would have a token that fits it. */
OTP_MUST_USE static bool otp_csrf_origin_ours(const otp_request_t *request)
{
    otp_span_t origin = request->origin;
    size_t     scheme = otp_span_starts(origin, OTP_SPAN("https://")) ? 8 : 7;

    if (origin.len == 0) {
        return true;
    }

    if (scheme == 7 && !otp_span_starts(origin, OTP_SPAN("http://"))) {
        return false;
    }

    return otp_span_equal_nocase((otp_span_t) { origin.data + scheme, origin.len - scheme }, request->host);
}


bool otp_csrf_valid(otp_flow_t *flow)
{
    char       mac[22];
    int64_t    issued;
    otp_span_t token = otp_form_get(&flow->form, "csrf"), signed_part = token, time;

    if (!otp_csrf_origin_ours(flow->request) || token.len != OTP_CSRF_LEN
        || (token.data[0] != 's' && token.data[0] != 'b'))
    {
        return false;
    }

    signed_part.len -= sizeof(mac);
    if (!otp_csrf_mac(flow, token.data[0], signed_part, mac)
        || !otp_secret_equal(mac, token.data + signed_part.len, sizeof(mac)))
    {
        return false;
    }

    time = (otp_span_t) { token.data + signed_part.len - OTP_CSRF_TIME_LEN, OTP_CSRF_TIME_LEN };
    if (otp_span_number(time, &issued) != OTP_OK) {
        return false;
    }

    return flow->now_s - issued <= OTP_CSRF_AGE_S && otp_csrf_kind_fits(flow, token.data[0]);
}
