/* Cookie headers: an array of pointers before nginx 1.23, a list of headers since. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"


/* The i-th Cookie header, `before` being the one before it; NULL: there are no more. */
static ngx_inline ngx_table_elt_t *ngx_http_otp_cookies_next(ngx_http_request_t *r, ngx_table_elt_t *before,
    ngx_uint_t i)
{
#if (NGX_HTTP_OTP_HEADER_LISTS)
    return i == 0 ? r->headers_in.cookie : before->next;
#else
    ngx_table_elt_t **header = r->headers_in.cookies.elts;

    return i < r->headers_in.cookies.nelts ? header[i] : NULL;
#endif
}


static ngx_uint_t ngx_http_otp_cookies_count(ngx_http_request_t *r)
{
    ngx_table_elt_t *header = NULL;
    ngx_uint_t       n = 0;

    while ((header = ngx_http_otp_cookies_next(r, header, n)) != NULL) {
        n++;
    }

    return n;
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
    ngx_table_elt_t      *header = NULL;
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

    value = ngx_palloc(r->main->pool, *n * sizeof(otp_span_t));
    if (value == NULL) {
        return NGX_ERROR;
    }

    for (ngx_uint_t i = 0; i < *n; i++) {
        header = ngx_http_otp_cookies_next(r, header, i);
        value[i] = ngx_http_otp_span(header->value);
    }

    *cookie = value;

    return NGX_OK;
}


ngx_int_t ngx_http_otp_cookies_session(ngx_http_request_t *r, otp_span_t *value)
{
    ngx_http_otp_loc_conf_t *olcf = ngx_http_get_module_loc_conf(r, ngx_http_otp_module);
    ngx_http_otp_state_t    *state = ngx_http_otp_state_get(r);
    const otp_span_t        *header;
    ngx_uint_t               headers;
    size_t                   found = 0;

    if (state != NULL && state->own_of == olcf->cookie) {
        *value = state->own.value;
        return state->own.found == 1 ? NGX_OK : NGX_DECLINED;
    }

    if (ngx_http_otp_cookies(r, &header, &headers) != NGX_OK) {
        return NGX_ERROR;
    }

    for (ngx_uint_t i = 0; i < headers; i++) {
        found += otp_cookie_find(header[i], olcf->cookie->full[NGX_HTTP_OTP_COOKIE_SESSION], value, 1);
    }

    return found == 1 ? NGX_OK : NGX_DECLINED;
}


/* Before the first change: the guard and the portal read what the client sent.  NULL: no memory; `*first`: nothing had
 * been taken out before. */
static ngx_http_otp_state_t *ngx_http_otp_cookies_keep(ngx_http_request_t *r, ngx_uint_t *first)
{
    ngx_http_otp_state_t *state = ngx_http_otp_state_make(r);
    const otp_span_t     *kept;

    if (state == NULL || state->cookies_kept) {
        *first = 0;
        return state;
    }

    if (ngx_http_otp_cookies(r, &kept, &state->cookies) != NGX_OK) {
        return NULL;
    }

    state->cookie = (otp_span_t *) kept;
    state->cookies_kept = 1;
    *first = 1;

    return state;
}


static bool ngx_http_otp_cookies_empty(const ngx_table_elt_t *header)
{
    return header->value.len == 0 && header->key.len == 6
           && ngx_strncmp(header->lowcase_key, "cookie", 6) == 0;
}


/* Headers of which nothing is left go altogether. */
static ngx_int_t ngx_http_otp_cookies_drop(ngx_http_request_t *r)
{
    ngx_uint_t        n = ngx_http_otp_cookies_count(r), left = 0;
    ngx_table_elt_t **kept = ngx_palloc(r->pool, n * sizeof(ngx_table_elt_t *)), *header = NULL;

    if (kept == NULL) {
        return NGX_ERROR;
    }

    for (ngx_uint_t i = 0; i < n; i++) {
        header = ngx_http_otp_cookies_next(r, header, i);
        if (header->value.len != 0) {
            kept[left++] = header;
        }
    }

    ngx_http_otp_cookies_relist(r, kept, left);

    return ngx_http_otp_headers_edit(r, ngx_http_otp_cookies_empty, NULL, 0);
}


/* The first pair of ours begins at `from`. */
static ngx_int_t ngx_http_otp_cookies_take(ngx_http_request_t *r, ngx_str_t *value, size_t from,
    const ngx_http_otp_cookie_t *cookie, otp_cookie_taken_t *own)
{
    u_char *left = ngx_pnalloc(r->main->pool, value->len + 1);

    if (left == NULL) {
        return NGX_ERROR;
    }

    value->len = otp_cookie_take(ngx_http_otp_span(*value), from, cookie->full, NGX_HTTP_OTP_COOKIES, (char *) left,
        own);
    value->data = left;
    left[value->len] = '\0';

    return NGX_OK;
}


/* What is taken out the first time is what the client sent: the session's cookie need not be looked for again. */
ngx_int_t ngx_http_otp_cookies_strip(ngx_http_request_t *r, const ngx_http_otp_cookie_t *cookie)
{
    otp_cookie_taken_t    own = { OTP_SPAN_NONE, 0 };
    ngx_http_otp_state_t *state = NULL;
    ngx_table_elt_t      *header = NULL;
    ngx_uint_t            first = 0, emptied = 0;

    for (ngx_uint_t i = 0; (header = ngx_http_otp_cookies_next(r, header, i)) != NULL; i++) {
        size_t from = otp_cookie_first(ngx_http_otp_span(header->value), cookie->full, NGX_HTTP_OTP_COOKIES);

        if (from == header->value.len) {
            continue;
        }

        if (state == NULL) {
            state = ngx_http_otp_cookies_keep(r, &first);
        }

        if (state == NULL || ngx_http_otp_cookies_take(r, &header->value, from, cookie, &own) != NGX_OK) {
            return NGX_ERROR;
        }

        emptied += header->value.len == 0;
    }

    if (first) {
        state->own = own;
        state->own_of = cookie;
    }

    return emptied != 0 ? ngx_http_otp_cookies_drop(r) : NGX_OK;
}
