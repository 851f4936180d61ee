/* A request to the portal in the words of the core. */
#include "ngx_http_otp_module/ngx_http_otp_portal.h"


static otp_request_method_t ngx_http_otp_portal_method(const ngx_http_request_t *r)
{
    if (r->method == NGX_HTTP_GET) {
        return OTP_REQUEST_GET;
    }

    if (r->method == NGX_HTTP_HEAD) {
        return OTP_REQUEST_HEAD;
    }

    return r->method == NGX_HTTP_POST ? OTP_REQUEST_POST : OTP_REQUEST_OTHER;
}


/* Lower case, with the port if the client gave one. */
static ngx_int_t ngx_http_otp_portal_host(ngx_http_request_t *r, otp_span_t *host)
{
    ngx_str_t  name = r->headers_in.host != NULL ? r->headers_in.host->value : r->headers_in.server;
    u_char    *lower = ngx_pnalloc(r->pool, name.len + 1);

    if (lower == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(lower, name.data, name.len);
    *host = (otp_span_t) { (char *) lower, name.len };

    return NGX_OK;
}


otp_span_t ngx_http_otp_request_id(ngx_http_request_t *r)
{
    ngx_http_otp_main_conf_t  *omcf = ngx_http_get_module_main_conf(r, ngx_http_otp_module);
    ngx_http_variable_value_t *value = ngx_http_get_indexed_variable(r, (ngx_uint_t) omcf->request_id);

    if (value == NULL || value->not_found || !value->valid) {
        return OTP_SPAN_NONE;
    }

    return (otp_span_t) { (char *) value->data, value->len };
}


ngx_int_t ngx_http_otp_portal_fill(ngx_http_request_t *r, const ngx_http_otp_loc_conf_t *olcf,
    otp_request_t *request)
{
    ngx_uint_t cookies;

    if (ngx_http_otp_cookies(r, &request->cookie, &cookies) != NGX_OK
        || ngx_http_otp_portal_host(r, &request->host) != NGX_OK)
    {
        return NGX_ERROR;
    }

    request->cookies = cookies;
    request->method = ngx_http_otp_portal_method(r);
    request->path = ngx_http_otp_span(r->uri);
    request->path.data += olcf->portal_path.len;
    request->path.len -= olcf->portal_path.len;
    request->query = ngx_http_otp_span(r->args);
    request->content_type = ngx_http_otp_header_find(r, OTP_SPAN("content-type"));
    request->accept = ngx_http_otp_header_find(r, OTP_SPAN("accept"));
    request->origin = ngx_http_otp_header_find(r, OTP_SPAN("origin"));
    request->accept_language = ngx_http_otp_header_find(r, OTP_SPAN("accept-language"));
    request->address = ngx_http_otp_span(r->connection->addr_text);
    request->request_id = ngx_http_otp_request_id(r);
    request->scheme = OTP_SPAN("http");
#if (NGX_HTTP_SSL)
    if (r->connection->ssl != NULL) {
        request->scheme = OTP_SPAN("https");
    }
#endif

    return NGX_OK;
}


ngx_int_t ngx_http_otp_portal_redirect(ngx_http_request_t *r, otp_span_t path)
{
    otp_answer_t answer;
    ngx_str_t    location;
    ngx_int_t    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    location.data = ngx_pnalloc(r->pool, path.len + 1 + r->args.len);
    if (location.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    location.len = path.len;
    ngx_memcpy(location.data, path.data, path.len);
    if (r->args.len != 0) {
        location.data[location.len++] = '?';
        ngx_memcpy(location.data + location.len, r->args.data, r->args.len);
        location.len += r->args.len;
    }

    ngx_memzero(&answer, sizeof(answer));
    answer.status = NGX_HTTP_MOVED_PERMANENTLY;
    ngx_http_otp_answer_header(&answer, OTP_SPAN("Location"), ngx_http_otp_span(location));

    return ngx_http_otp_answer_send(r, &answer);
}
