#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/http/otp_cookie.h"
#include "core/http/otp_language.h"
#include "core/http/otp_return_address.h"
#include "core/portal/otp_flow_private.h"

/* What a request says: its form and query, its language, where it wants to go. */


otp_span_t otp_flow_cookie(const otp_flow_t *flow, const char *suffix)
{
    char         text[128];
    size_t       found = 0;
    otp_span_t   value = OTP_SPAN_NONE;
    otp_buffer_t name;

    otp_buffer_init(&name, text, sizeof(text));
    otp_buffer_add(&name, flow->settings->cookie_name);
    otp_buffer_add_text(&name, suffix);

    for (size_t i = 0; i < flow->request->cookies; i++) {
        found += otp_cookie_find(flow->request->cookie[i], otp_buffer_span(&name), &value, 1);
    }

    return found == 1 ? value : OTP_SPAN_NONE;
}


void otp_flow_choose_language(otp_flow_t *flow)
{
    const otp_settings_t *settings = flow->settings;
    otp_span_t            asked = otp_form_get(&flow->query, "lang"), kept = otp_flow_cookie(flow, "-lang");

    flow->language = settings->languages;
    for (size_t i = 0; i < settings->languages; i++) {
        if (otp_span_equal(settings->language[i], asked)) {
            flow->language_asked = true;
            flow->language = i;
            return;
        }
        if (otp_span_equal(settings->language[i], kept)) {
            flow->language = i;
        }
    }

    if (flow->language == settings->languages) {
        flow->language = otp_language_choose(flow->request->accept_language, settings->language, settings->languages);
    }
}


void otp_flow_read_rd(otp_flow_t *flow)
{
    const otp_settings_t *settings = flow->settings;
    otp_span_t            rd = otp_form_get(&flow->form, "rd");

    if (rd.data == NULL) {
        rd = otp_form_get(&flow->query, "rd");
    }

    if (rd.len != 0 && rd.len < sizeof(flow->rd)
        && otp_return_address_allowed(rd, flow->request->scheme, flow->request->host, settings->redirect_hosts,
                                      settings->redirect_hosts_n))
    {
        memcpy(flow->rd, rd.data, rd.len);
        flow->rd[rd.len] = '\0';
    }
}


bool otp_flow_read_form(otp_flow_t *flow)
{
    const otp_request_t *request = flow->request;

    if (request->query.len > sizeof(flow->query_text)
        || otp_form_parse(request->query, flow->query_text, &flow->query) != OTP_OK)
    {
        memset(&flow->query, 0, sizeof(flow->query));
    }

    if (request->method != OTP_REQUEST_POST) {
        return true;
    }

    return otp_form_type(request->content_type) && request->body.len <= sizeof(flow->form_text)
           && otp_form_parse(request->body, flow->form_text, &flow->form) == OTP_OK;
}
