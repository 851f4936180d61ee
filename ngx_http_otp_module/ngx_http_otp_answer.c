/* Answers to the client: those of the portal's flows, and the guard's own. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#include "core/http/otp_cookie.h"
#include "core/http/otp_language.h"
#include "core/model/otp_json.h"

#define NGX_HTTP_OTP_POLICY                                                                                          \
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "            \
    "frame-ancestors 'none'; base-uri 'none'"


void ngx_http_otp_answer_header(otp_answer_t *answer, otp_span_t name, otp_span_t value)
{
    if (answer->headers < OTP_ANSWER_HEADERS) {
        answer->header[answer->headers++] = (otp_header_t) { name, value };
    }
}


static ngx_int_t ngx_http_otp_answer_copy(ngx_http_request_t *r, otp_span_t text, ngx_str_t *copy)
{
    copy->len = text.len;
    copy->data = ngx_pnalloc(r->pool, text.len + 1);
    if (copy->data == NULL) {
        return NGX_ERROR;
    }

    if (text.len != 0) {
        ngx_memcpy(copy->data, text.data, text.len);
    }
    copy->data[text.len] = '\0';

    return NGX_OK;
}


/* nginx keeps the type apart from its parameters, so that gzip_types and the like compare the type alone. */
static void ngx_http_otp_answer_type(ngx_http_request_t *r, const ngx_str_t *type)
{
    u_char *end = ngx_strlchr(type->data, type->data + type->len, ';');

    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = end != NULL ? (size_t) (end - type->data) : type->len;
    r->headers_out.content_type_lowcase = NULL;
}


/* Location goes out as it is: headers_out.location would be made absolute with nginx's own scheme and port. */
static ngx_int_t ngx_http_otp_answer_headers(ngx_http_request_t *r, const otp_answer_t *answer)
{
    for (size_t i = 0; i < answer->headers; i++) {
        ngx_table_elt_t *header;
        ngx_str_t        value;

        if (ngx_http_otp_answer_copy(r, answer->header[i].value, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        if (otp_span_equal_nocase(answer->header[i].name, OTP_SPAN("Content-Type"))) {
            ngx_http_otp_answer_type(r, &value);
            continue;
        }

        header = ngx_list_push(&r->headers_out.headers);
        if (header == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(header, sizeof(ngx_table_elt_t));
        header->value = value;
        if (ngx_http_otp_answer_copy(r, answer->header[i].name, &header->key) != NGX_OK) {
            return NGX_ERROR;
        }

        header->hash = 1;
    }

    return NGX_OK;
}


/* A page may hold what nobody else should see; its copy in the request's pool goes with the request. */
static void ngx_http_otp_answer_wipe(void *data)
{
    ngx_buf_t *buf = data;

    otp_secret_wipe(buf->start, (size_t) (buf->end - buf->start));
}


static ngx_buf_t *ngx_http_otp_answer_buf(ngx_http_request_t *r, otp_span_t body)
{
    ngx_buf_t          *buf = ngx_create_temp_buf(r->pool, body.len);
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, 0);

    if (buf == NULL || cleanup == NULL) {
        return NULL;
    }

    cleanup->handler = ngx_http_otp_answer_wipe;
    cleanup->data = buf;
    buf->last = ngx_cpymem(buf->last, body.data, body.len);
    buf->last_buf = r == r->main;
    buf->last_in_chain = 1;

    return buf;
}


ngx_int_t ngx_http_otp_answer_send(ngx_http_request_t *r, const otp_answer_t *answer)
{
    ngx_chain_t out;
    ngx_int_t   rc;

    r->headers_out.status = (ngx_uint_t) answer->status;
    r->headers_out.content_length_n = (off_t) answer->body.len;
    if (ngx_http_otp_answer_headers(r, answer) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (answer->body.len == 0) {
        r->header_only = 1;
    }

    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = ngx_http_otp_answer_buf(r, answer->body);
    out.next = NULL;
    if (out.buf == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_output_filter(r, &out);
}


bool ngx_http_otp_answer_navigation(ngx_http_request_t *r)
{
    return (r->method == NGX_HTTP_GET || r->method == NGX_HTTP_HEAD) && r->headers_in.upgrade == NULL
           && otp_accept_html(ngx_http_otp_header_find(r, OTP_SPAN("accept")));
}


/* The language the portal's cookie remembers, else the browser's, else the first. */
static otp_span_t ngx_http_otp_answer_language(ngx_http_request_t *r, const ngx_http_otp_loc_conf_t *olcf)
{
    const otp_span_t *offered = olcf->languages->elts, *header;
    otp_span_t        kept;
    ngx_uint_t        headers;

    if (ngx_http_otp_cookies(r, &header, &headers) != NGX_OK) {
        return offered[0];
    }

    for (ngx_uint_t i = 0; i < headers; i++) {
        if (otp_cookie_find(header[i], olcf->cookie->full[NGX_HTTP_OTP_COOKIE_LANGUAGE], &kept, 1) != 1) {
            continue;
        }

        for (ngx_uint_t n = 0; n < olcf->languages->nelts; n++) {
            if (otp_span_equal(kept, offered[n])) {
                return offered[n];
            }
        }
    }

    return offered[otp_language_choose(ngx_http_otp_header_find(r, OTP_SPAN("accept-language")), offered,
        olcf->languages->nelts)];
}


/* What templates are given; names as in core/page/otp_page_names.h. */
static json_t *ngx_http_otp_answer_view(ngx_http_request_t *r, int status, otp_span_t language)
{
    ngx_http_otp_loc_conf_t      *olcf = ngx_http_get_module_loc_conf(r, ngx_http_otp_module);
    const ngx_http_otp_support_t *support = olcf->support;
    ngx_http_otp_state_t         *state = ngx_http_otp_state_get(r);
    json_t                       *view = json_object();

    if (view == NULL || !otp_json_set_span(view, "lang", language)
        || !otp_json_set_span(view, "portal", olcf->portal_url)
        || !otp_json_set_span(view, "support_email", support->email)
        || !otp_json_set_span(view, "support_phone", support->phone)
        || !otp_json_set_span(view, "support_hours", support->hours)
        || ((support->email.len != 0 || support->phone.len != 0)
            && json_object_set_new(view, "support", json_true()) != 0)
        || (state != NULL && state->resolved == NGX_HTTP_OTP_FOUND
            && !otp_json_set_span(view, "user", state->session.person.uid))
        || json_object_set_new(view, status == NGX_HTTP_FORBIDDEN ? "error_forbidden" : "error_unavailable",
               json_true()) != 0)
    {
        json_decref(view);
        return NULL;
    }

    return view;
}


/* The page's text in the request's pool; without templates, or without memory for them, a line. */
static otp_span_t ngx_http_otp_answer_page(ngx_http_request_t *r, int status, otp_span_t *language)
{
    ngx_http_otp_loc_conf_t *olcf = ngx_http_get_module_loc_conf(r, ngx_http_otp_module);
    otp_span_t               page = status == NGX_HTTP_FORBIDDEN
                                    ? OTP_SPAN("<!DOCTYPE html><title>403</title><p>Forbidden</p>\n")
                                    : OTP_SPAN("<!DOCTYPE html><title>503</title><p>Service unavailable</p>\n");
    json_t                  *view;
    ngx_str_t                copy;
    char                    *html;
    size_t                   len;

    *language = OTP_SPAN("en");
    if (olcf->pages == NULL) {
        return page;
    }

    *language = ngx_http_otp_answer_language(r, olcf);
    view = ngx_http_otp_answer_view(r, status, *language);
    if (view == NULL) {
        return page;
    }

    if (otp_pages_render(olcf->pages, *language, OTP_PAGE_ERROR, olcf->portal_url, view, &html, &len) == OTP_OK) {
        if (ngx_http_otp_answer_copy(r, (otp_span_t) { html, len }, &copy) == NGX_OK) {
            page = ngx_http_otp_span(copy);
        }

        free(html);
    }

    json_decref(view);

    return page;
}


void ngx_http_otp_answer_error(ngx_http_request_t *r, int status, otp_answer_t *answer)
{
    otp_span_t language;

    answer->status = status;
    ngx_http_otp_answer_header(answer, OTP_SPAN("Cache-Control"), OTP_SPAN("no-store"));
    ngx_http_otp_answer_header(answer, OTP_SPAN("X-Content-Type-Options"), OTP_SPAN("nosniff"));
    if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        ngx_http_otp_answer_header(answer, OTP_SPAN("Retry-After"), OTP_SPAN("2"));
    }

    if (!ngx_http_otp_answer_navigation(r)) {
        answer->body = status == NGX_HTTP_FORBIDDEN ? OTP_SPAN("{\"error\":\"forbidden\"}")
                                                    : OTP_SPAN("{\"error\":\"unavailable\"}");
        ngx_http_otp_answer_header(answer, OTP_SPAN("Content-Type"), OTP_SPAN("application/json"));
        return;
    }

    answer->body = ngx_http_otp_answer_page(r, status, &language);
    ngx_http_otp_answer_header(answer, OTP_SPAN("Content-Type"), OTP_SPAN("text/html; charset=utf-8"));
    ngx_http_otp_answer_header(answer, OTP_SPAN("Content-Language"), language);
    ngx_http_otp_answer_header(answer, OTP_SPAN("Content-Security-Policy"), OTP_SPAN(NGX_HTTP_OTP_POLICY));
    ngx_http_otp_answer_header(answer, OTP_SPAN("Referrer-Policy"), OTP_SPAN("same-origin"));
    ngx_http_otp_answer_header(answer, OTP_SPAN("X-Frame-Options"), OTP_SPAN("DENY"));
}
