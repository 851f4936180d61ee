#include <stdlib.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/portal/otp_flow_private.h"

#define OTP_RETRY_AFTER "2"


void otp_answer_header(otp_flow_t *flow, const char *name, otp_span_t value)
{
    otp_answer_t *answer = &flow->view.answer;

    if (value.data != NULL && answer->headers < OTP_ANSWER_HEADERS) {
        answer->header[answer->headers++] = (otp_header_t) { otp_span_of(name), value };
    }
}


/* Memory for a header's text, as long-lived as the flow.  When there is none left nothing fits in `out`: a header
 * too few is better than one that another has overwritten. */
static void otp_answer_text(otp_flow_t *flow, otp_buffer_t *out)
{
    bool left = flow->header_texts < OTP_HEADER_TEXTS;

    otp_buffer_init(out, left ? flow->header_text[flow->header_texts++] : NULL, left ? OTP_LOCATION_MAX : 0);
}


void otp_answer_cookie(otp_flow_t *flow, const char *suffix, otp_span_t value, int64_t max_age_s)
{
    const otp_settings_t *settings = flow->settings;
    otp_buffer_t          out;

    otp_answer_text(flow, &out);
    otp_buffer_add(&out, settings->cookie_name);
    otp_buffer_add_text(&out, suffix);
    otp_buffer_add_char(&out, '=');
    otp_buffer_add(&out, value);
    otp_buffer_add_text(&out, "; Path=/");
    if (settings->cookie_domain.len != 0) {
        otp_buffer_add_text(&out, "; Domain=");
        otp_buffer_add(&out, settings->cookie_domain);
    }
    if (max_age_s >= 0) {
        otp_buffer_add_text(&out, "; Max-Age=");
        otp_buffer_add_number(&out, max_age_s);
    }
    otp_buffer_add_text(&out, settings->cookie_secure ? "; Secure; HttpOnly; SameSite=" : "; HttpOnly; SameSite=");
    otp_buffer_add(&out, settings->cookie_samesite);

    otp_answer_header(flow, "Set-Cookie", otp_buffer_span(&out));
}


otp_span_t otp_answer_location(otp_flow_t *flow, const char *endpoint)
{
    otp_buffer_t out;

    otp_answer_text(flow, &out);
    otp_buffer_add(&out, flow->settings->portal);
    otp_buffer_add_text(&out, endpoint);

    return otp_buffer_span(&out);
}


otp_span_t otp_answer_destination(otp_flow_t *flow)
{
    if (flow->rd[0] != '\0') {
        return otp_span_of(flow->rd);
    }

    if (flow->has_pending && flow->pending.rd[0] != '\0') {
        return otp_span_of(flow->pending.rd);
    }

    return flow->settings->portal;
}


void otp_answer_reset(otp_flow_t *flow)
{
    otp_secret_wipe(flow->body, flow->body_len);
    free(flow->body);
    flow->body = NULL;
    flow->body_len = 0;
    memset(&flow->view.answer, 0, sizeof(flow->view.answer));
    flow->header_texts = 0;
}


static otp_effect_t otp_answer_finish(otp_flow_t *flow, int status, const char *verdict)
{
    flow->view.answer.status = status;
    flow->view.answer.verdict = otp_span_of(verdict);
    otp_answer_header(flow, "X-Content-Type-Options", OTP_SPAN("nosniff"));

    return OTP_EFFECT_ANSWER;
}


static void otp_answer_take_body(otp_flow_t *flow, char *body, size_t len, otp_span_t type)
{
    flow->body = body;
    flow->body_len = len;
    flow->view.answer.body = (otp_span_t) { body, len };
    otp_answer_header(flow, "Content-Type", type);
    otp_answer_header(flow, "Cache-Control", OTP_SPAN("no-store"));
}


/* When there is not even the memory for a page. */
static otp_effect_t otp_answer_bare(otp_flow_t *flow)
{
    flow->view.answer.body = OTP_SPAN("Service unavailable\n");
    otp_answer_header(flow, "Content-Type", OTP_SPAN("text/plain; charset=utf-8"));
    otp_answer_header(flow, "Cache-Control", OTP_SPAN("no-store"));
    otp_answer_header(flow, "Retry-After", OTP_SPAN(OTP_RETRY_AFTER));

    return otp_answer_finish(flow, 503, "unavailable");
}


otp_effect_t otp_answer_json(otp_flow_t *flow, int status, const char *verdict, json_t *body)
{
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);

    json_decref(body);
    if (text == NULL) {
        return otp_answer_bare(flow);
    }

    otp_answer_take_body(flow, text, strlen(text), OTP_SPAN("application/json"));

    return otp_answer_finish(flow, status, verdict);
}


/* Forms may lead, by a redirect, to the hosts people may be sent back to.  There is always a policy: hosts that are
 * too many for it are left out. */
static otp_span_t otp_answer_policy(otp_flow_t *flow)
{
    static const char     policy[] = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
                                     "base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
    const otp_settings_t *settings = flow->settings;
    otp_buffer_t          out;

    otp_answer_text(flow, &out);
    otp_buffer_add_text(&out, policy);
    for (size_t i = 0; i < settings->redirect_hosts_n; i++) {
        otp_buffer_add_char(&out, ' ');
        otp_buffer_add(&out, settings->redirect_hosts[i]);
    }

    return out.overflow ? OTP_SPAN(policy) : otp_buffer_span(&out);
}


otp_effect_t otp_answer_page(otp_flow_t *flow, int status, const char *verdict, otp_page_t page, json_t *view)
{
    char        *html = NULL;
    size_t       len = 0;
    otp_status_t rendered = OTP_FAILED;

    if (view != NULL) {
        rendered = otp_pages_render(flow->settings->pages, flow->settings->language[flow->language], page,
                                    flow->settings->portal, view, &html, &len);
        json_decref(view);
    }
    if (rendered != OTP_OK) {
        return otp_answer_bare(flow);
    }

    otp_answer_take_body(flow, html, len, OTP_SPAN("text/html; charset=utf-8"));
    otp_answer_header(flow, "Content-Language", flow->settings->language[flow->language]);
    otp_answer_header(flow, "Content-Security-Policy", otp_answer_policy(flow));
    otp_answer_header(flow, "Referrer-Policy", OTP_SPAN("same-origin"));
    otp_answer_header(flow, "X-Frame-Options", OTP_SPAN("DENY"));

    return otp_answer_finish(flow, status, verdict);
}


otp_effect_t otp_answer_redirect(otp_flow_t *flow, int status, otp_span_t location)
{
    otp_answer_header(flow, "Location", location);
    otp_answer_header(flow, "Cache-Control", OTP_SPAN("no-store"));

    return otp_answer_finish(flow, status, "redirect");
}


otp_effect_t otp_answer_bytes(otp_flow_t *flow, otp_span_t type, otp_span_t bytes)
{
    flow->view.answer.body = bytes;
    otp_answer_header(flow, "Content-Type", type);
    otp_answer_header(flow, "Cache-Control", OTP_SPAN("public, max-age=31536000, immutable"));

    return otp_answer_finish(flow, 200, "static");
}


otp_effect_t otp_answer_error(otp_flow_t *flow, int status, const char *error, const char *flag)
{
    if (flow->json) {
        return otp_answer_json(flow, status, error, json_pack("{s:s}", "error", error));
    }

    return otp_answer_page(flow, status, error, OTP_PAGE_ERROR,
                           otp_view_of(flow, OTP_PAGE_ERROR, (otp_notice_t) { .flag = flag }));
}


static otp_effect_t otp_answer_unavailable_now(otp_flow_t *flow)
{
    otp_answer_header(flow, "Retry-After", OTP_SPAN(OTP_RETRY_AFTER));

    return otp_answer_error(flow, 503, "unavailable", "error_unavailable");
}


/* Who has sent the form a second time goes on by himself, unless Redis is away for us both. */
otp_effect_t otp_answer_unavailable(otp_flow_t *flow)
{
    if (!flow->once_reserved || flow->lost) {
        return otp_answer_unavailable_now(flow);
    }

    flow->view.commands = 0;
    otp_once_release_command(flow);

    return otp_flow_commands(flow, otp_answer_unavailable_now);
}


/* An address so long that it does not fit once encoded is not carried. */
static otp_span_t otp_answer_location_back(otp_flow_t *flow, const char *endpoint)
{
    otp_buffer_t out, bare;

    otp_answer_text(flow, &out);
    otp_buffer_add(&out, flow->settings->portal);
    otp_buffer_add_text(&out, endpoint);
    bare = out;
    if (flow->rd[0] != '\0') {
        otp_buffer_add_text(&out, "?rd=");
        otp_buffer_add_percent(&out, otp_span_of(flow->rd));
    }

    return otp_buffer_span(out.overflow ? &bare : &out);
}


static otp_effect_t otp_answer_required(otp_flow_t *flow, const char *error, const char *endpoint)
{
    otp_span_t location = otp_answer_location_back(flow, endpoint);

    if (flow->json) {
        return otp_answer_json(flow, 401, error, json_pack("{s:s, s:s%}", "error", error, "location", location.data,
                                                           location.len));
    }

    return otp_answer_redirect(flow, 302, location);
}


otp_effect_t otp_answer_login_required(otp_flow_t *flow)
{
    return otp_answer_required(flow, "login_required", "login");
}


otp_effect_t otp_answer_key_required(otp_flow_t *flow)
{
    return otp_answer_required(flow, "otp_required", "passcode");
}
