/*
 * The codes this gateway has accepted, in shared memory that a reload keeps; a restart and an upgrade of the binary
 * begin anew.  Included by ngx_http_otp_module.h.
 */
#ifndef NGX_HTTP_OTP_SPENT_H
#define NGX_HTTP_OTP_SPENT_H

#include "ngx_http_otp_module/ngx_http_otp_module.h"

ngx_int_t ngx_http_otp_spent_add(ngx_conf_t *cf, ngx_http_otp_main_conf_t *omcf);
/* Brings up to date what a flow is told of spent codes. */
void ngx_http_otp_spent_tell(const ngx_http_otp_main_conf_t *omcf, otp_request_t *request);

#endif
