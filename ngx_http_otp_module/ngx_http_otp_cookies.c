/* Cookie headers: an array of pointers before nginx 1.23, a list of headers since. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#include "core/http/otp_cookie.h"


static ngx_uint_t ngx_http_otp_cookies_count(ngx_http_request_t *r)
{
#if (NGX_HTTP_OTP_HEADER_LISTS)
    ngx_uint_t n = 0;

    for (ngx_table_elt_t *header = r->headers_in.cookie; header != NULL; header = header->next) {
        n++;
    }

    return n;
#else
    return r->headers_in.cookies.nelts;
#endif
}


/* The n Cookie headers of the request into `header`. */
static void ngx_http_otp_cookies_list(ngx_http_request_t *r, ngx_table_elt_t **header, ngx_uint_t n)
{
#if (NGX_HTTP_OTP_HEADER_LISTS)
    ngx_table_elt_t *next = r->headers_in.cookie;

    for (ngx_uint_t i = 0; i < n; i++, next = next->next) {
        header[i] = next;
    }
#else
    ngx_memcpy(header, r->headers_in.cookies.elts, n * sizeof(ngx_table_elt_t *));
#endif
}


/* Leaves the n of `header`, which lives in the request's pool. */
static void ngx_http_otp_cookies_relist(ngx_http_request_t *r, ngx_table_elt_t **header, ngx_uint_t n)
{
#if (NGX_HTTP_OTP_HEADER_LISTS)
    r->headers_in.cookie = n != 0 ? header[0] : NULL;
    for (ngx_uint_t i = 0; i < n; i++) {
        header[i]->next = i + 1 < n ? header[i + 1] : NULL;
    }
#else
    r->headers_in.cookies.elts = header;
    r->headers_in.cookies.nelts = n;
    r->headers_in.cookies.nalloc = n;
    r->headers_in.cookies.size = sizeof(ngx_table_elt_t *);
    r->headers_in.cookies.pool = r->pool;
#endif
}


ngx_int_t ngx_http_otp_cookies(ngx_http_request_t *r, const otp_span_t **cookie, ngx_uint_t *n)
{
    ngx_http_otp_state_t *state = ngx_http_otp_state_get(r);
    ngx_table_elt_t     **header;
    otp_span_t           *value;

    if (state != NULL && state->cookies_kept) {
        *cookie = state->cookie;
        *n = state->cookies;
        return NGX_OK;
    }

    *n = ngx_http_otp_cookies_count(r);
    *cookie = NULL;
    if (*n == 0) {
        return NGX_OK;
    }

    header = ngx_palloc(r->pool, *n * sizeof(ngx_table_elt_t *));
    value = ngx_palloc(r->main->pool, *n * sizeof(otp_span_t));
    if (header == NULL || value == NULL) {
        return NGX_ERROR;
    }

    ngx_http_otp_cookies_list(r, header, *n);
    for (ngx_uint_t i = 0; i < *n; i++) {
        value[i] = ngx_http_otp_span(header[i]->value);
    }

    *cookie = value;

    return NGX_OK;
}


/* Before the first change: the guard and the portal read what the client sent. */
static ngx_int_t ngx_http_otp_cookies_keep(ngx_http_request_t *r)
{
    ngx_http_otp_state_t *state = ngx_http_otp_state_make(r);
    const otp_span_t     *cookie;

    if (state == NULL || ngx_http_otp_cookies(r, &cookie, &state->cookies) != NGX_OK) {
        return NGX_ERROR;
    }

    state->cookie = (otp_span_t *) cookie;
    state->cookies_kept = 1;

    return NGX_OK;
}


static bool ngx_http_otp_cookies_empty(const ngx_table_elt_t *header, void *data)
{
    return header->value.len == 0 && header->key.len == 6
           && ngx_strncmp(header->lowcase_key, "cookie", 6) == 0;
}


/* Whether one of our cookies is in the header: most requests to public pages have none. */
static bool ngx_http_otp_cookies_have(otp_span_t header, const ngx_http_otp_cookie_t *cookie)
{
    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_COOKIES; i++) {
        if (otp_cookie_find(header, cookie->full[i], NULL, 0) != 0) {
            return true;
        }
    }

    return false;
}


static ngx_int_t ngx_http_otp_cookies_strip_one(ngx_http_request_t *r, ngx_str_t *value,
    const ngx_http_otp_cookie_t *cookie)
{
    u_char *stripped;

    if (!ngx_http_otp_cookies_have(ngx_http_otp_span(*value), cookie)) {
        return NGX_OK;
    }

    stripped = ngx_pnalloc(r->main->pool, value->len + 1);
    if (stripped == NULL) {
        return NGX_ERROR;
    }

    value->len = otp_cookie_strip(ngx_http_otp_span(*value), cookie->full, NGX_HTTP_OTP_COOKIES, (char *) stripped);
    value->data = stripped;
    stripped[value->len] = '\0';

    return NGX_OK;
}


ngx_int_t ngx_http_otp_cookies_strip(ngx_http_request_t *r, const ngx_http_otp_cookie_t *cookie)
{
    ngx_uint_t        n = ngx_http_otp_cookies_count(r), ours = 0, left = 0;
    ngx_table_elt_t **header = n != 0 ? ngx_palloc(r->pool, n * sizeof(ngx_table_elt_t *)) : NULL;

    if (header == NULL) {
        return n == 0 ? NGX_OK : NGX_ERROR;
    }

    ngx_http_otp_cookies_list(r, header, n);
    for (ngx_uint_t i = 0; i < n; i++) {
        ours += ngx_http_otp_cookies_have(ngx_http_otp_span(header[i]->value), cookie);
    }

    if (ours == 0) {
        return NGX_OK;
    }

    if (ngx_http_otp_cookies_keep(r) != NGX_OK) {
        return NGX_ERROR;
    }

    for (ngx_uint_t i = 0; i < n; i++) {
        if (ngx_http_otp_cookies_strip_one(r, &header[i]->value, cookie) != NGX_OK) {
            return NGX_ERROR;
        }

        if (header[i]->value.len != 0) {
            header[left++] = header[i];
        }
    }

    ngx_http_otp_cookies_relist(r, header, left);

    return ngx_http_otp_headers_edit(r, ngx_http_otp_cookies_empty, NULL, NULL, 0);
}
