/*
 * What the files of the session cache share.  Nobody else includes this.
 *
 *     away --subscribed--> tracking          the lease: each beat that went round lends the cache some seconds
 *       ^       |             |
 *       +-- refused <---------+              sessions are served while there is a lease, and forgotten when it ends
 *
 * A beat went round when Redis answers that it gave it to a subscriber (there is one, us), and it came in: so the
 * server that sessions are read from, and no other one of a cluster, is the one that tells us of changes.
 */
#ifndef NGX_HTTP_OTP_CACHE_H
#define NGX_HTTP_OTP_CACHE_H

#include "ngx_http_otp_module/ngx_http_otp_module.h"

#define NGX_HTTP_OTP_CACHE_BEAT_MS     1000
#define NGX_HTTP_OTP_CACHE_BEATS       4       /* on their way at a time */
#define NGX_HTTP_OTP_CACHE_CHANNEL     128

typedef enum {
    NGX_HTTP_OTP_CACHE_AWAY,        /* not connected, or Redis has not yet agreed to tell */
    NGX_HTTP_OTP_CACHE_REFUSED,     /* it does not agree */
    NGX_HTTP_OTP_CACHE_TRACKING
} ngx_http_otp_cache_phase_t;

struct ngx_http_otp_cache_s {
    size_t                      size;       /* 0: off */
    unsigned                    written:1;  /* the size, in the configuration */
    ngx_http_otp_main_conf_t   *omcf;
    ngx_http_otp_redis_t       *listener;
    otp_name_t                  prefix;     /* of the names of sessions */
    char                        channel[NGX_HTTP_OTP_CACHE_CHANNEL];
    size_t                      channel_len;

    /* the worker's */
    otp_session_cache_t        *sessions;   /* NULL: none in this process */
    void                       *memory;
    ngx_http_otp_cache_phase_t  phase;
    ngx_event_t                 timer;
    ngx_connection_t            ident;      /* behind the timer, for nginx's debug log */
    int64_t                     sent, answered;     /* numbers of beats: the last one sent, and answered */
    int64_t                     heard, reached;     /* that came in; that Redis says it gave to somebody */
    int64_t                     lent;               /* that the lease is from, or the last one that counts no more */
    int64_t                     sent_ms[NGX_HTTP_OTP_CACHE_BEATS];
    int64_t                     lease_ms;           /* until when; 0: none */
    int64_t                     refused_ms;         /* since when */
    unsigned                    renewed:1;          /* the connection that hears, since the last lease */
    const char                 *reported;           /* what keeps the cache out of use, as the log was told */
};

/* Each second. */
void ngx_http_otp_cache_tick(ngx_event_t *ev);

/* The connection that hears is there; is no more; brought a message. */
void ngx_http_otp_cache_connected(void *data);
void ngx_http_otp_cache_deaf(void *data);
void ngx_http_otp_cache_message(void *data, const otp_reply_t *reply);

/* The connection that reads sessions is there; is no more. */
void ngx_http_otp_cache_reading(void *data);
void ngx_http_otp_cache_blind(void *data);

#endif
