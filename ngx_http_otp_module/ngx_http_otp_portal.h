#ifndef NGX_HTTP_OTP_PORTAL_H
#define NGX_HTTP_OTP_PORTAL_H

#include "ngx_http_otp_module/ngx_http_otp_module.h"

/* Everything of `request` but the body; spans live as long as the request. */
ngx_int_t ngx_http_otp_portal_fill(ngx_http_request_t *r, const ngx_http_otp_loc_conf_t *olcf,
    otp_request_t *request);

/* Sends those who asked for "/otp" to "/otp/". */
ngx_int_t ngx_http_otp_portal_redirect(ngx_http_request_t *r, otp_span_t path);

#endif
