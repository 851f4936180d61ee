/*
 * Figures in shared memory, for Prometheus.  Included by ngx_http_otp_module.h.
 */
#ifndef NGX_HTTP_OTP_METRICS_H
#define NGX_HTTP_OTP_METRICS_H

#include "ngx_http_otp_module/ngx_http_otp_module.h"

typedef enum {
    NGX_HTTP_OTP_GUARD_PASS, NGX_HTTP_OTP_GUARD_LOGIN, NGX_HTTP_OTP_GUARD_PASSCODE, NGX_HTTP_OTP_GUARD_FORBIDDEN,
    NGX_HTTP_OTP_GUARD_UNAVAILABLE
} ngx_http_otp_guard_figure_t;

ngx_int_t ngx_http_otp_metrics_add(ngx_conf_t *cf, ngx_http_otp_main_conf_t *omcf);
void ngx_http_otp_metrics_guard(ngx_http_request_t *r, ngx_http_otp_guard_figure_t figure);
void ngx_http_otp_metrics_portal(ngx_http_request_t *r, otp_span_t verdict);
/* Of an audit line: counted when it tells of an action. */
void ngx_http_otp_metrics_event(ngx_http_request_t *r, otp_span_t line);
/* Counts the mails among `command`s that were done. */
void ngx_http_otp_metrics_mails(ngx_http_request_t *r, const otp_command_t *command, const otp_reply_t *const *replies,
    size_t count);
void ngx_http_otp_metrics_redis_failure(ngx_http_request_t *r);
void ngx_http_otp_metrics_cache(ngx_http_request_t *r, ngx_http_otp_cache_result_t result);
/* Without a request at hand: sessions that Redis said had changed; times the cache was emptied. */
void ngx_http_otp_metrics_invalidations(ngx_http_otp_main_conf_t *omcf, size_t sessions);
void ngx_http_otp_metrics_emptied(ngx_http_otp_main_conf_t *omcf);
void ngx_http_otp_metrics_flow(ngx_http_request_t *r, ngx_int_t change);
/* What became of a password that was to be checked. */
void ngx_http_otp_metrics_hash(ngx_http_request_t *r, otp_person_verdict_t verdict);

#endif
