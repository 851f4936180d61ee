/*
 * Redis for the module: one pipelined, non-blocking connection a worker, to whoever is the master.
 *
 *     { ngx_string("otp_redis"), NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE, ngx_http_otp_redis_set,
 *       NGX_HTTP_MAIN_CONF_OFFSET, offsetof(ngx_http_otp_main_conf_t, redis), NULL }
 *
 * where `redis` is a ngx_http_otp_redis_t * that is NULL until the directive was seen.
 */
#ifndef NGX_HTTP_OTP_REDIS_H
#define NGX_HTTP_OTP_REDIS_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "core/store/otp_command.h"

#define NGX_HTTP_OTP_REDIS_COMMANDS     16      /* of one batch, at most */

typedef struct ngx_http_otp_redis_s        ngx_http_otp_redis_t;
typedef struct ngx_http_otp_redis_batch_s  ngx_http_otp_redis_batch_t;

/* `replies[0..count)` in the order of the commands, an error of Redis among them as OTP_REPLY_ERROR;
 * they are valid until the handler returns.  replies NULL, count 0: not all of them came in time; what
 * was carried out is unknown.  The batch is no more once its handler is called: forget the pointer
 * first.  The handler may call everything below. */
typedef void (*ngx_http_otp_redis_handler_pt)(void *data, const otp_reply_t *const *replies, size_t count);

/* The handler of the directive `otp_redis`. */
char *ngx_http_otp_redis_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* To be called from init_process and exit_process; `redis` NULL: nothing happens.  Processes that serve
 * no requests (cache manager) do not connect. */
ngx_int_t ngx_http_otp_redis_init_process(ngx_cycle_t *cycle, ngx_http_otp_redis_t *redis);
void ngx_http_otp_redis_exit_process(ngx_http_otp_redis_t *redis);

/* Queues commands[0..count) in this order.  What they point to is copied.  The handler is called exactly
 * once, from the event loop and never from inside this function, at the latest `timeout` later.
 *
 * NULL: refused at once (Redis is out of reach, no memory): the handler is not called; answer 503.
 *
 * `handler` NULL: the replies do not matter; the pointer returned only says that it was queued.
 *
 * A `swap` command that is answered NOSCRIPT is sent again as EVAL, and then runs after the commands that
 * follow it in the batch: put nothing after a swap that relies on its having run.
 *
 * With `replicas=N` a batch with a swap goes over a connection of its own, in no order with other batches; its swaps
 * are answered by an error (NOREPLICAS) unless N replicas have what was written, and NOSCRIPT is an error like another.
 */
ngx_http_otp_redis_batch_t *ngx_http_otp_redis_send(ngx_http_otp_redis_t *redis, const otp_command_t *commands,
    size_t count, ngx_http_otp_redis_handler_pt handler, void *data);

/* The request went away: the handler will not be called, replies are swallowed.  The commands may be
 * carried out all the same.  `batch` NULL: nothing happens. */
void ngx_http_otp_redis_cancel(ngx_http_otp_redis_batch_t *batch);

/* Who wants to know how the connection fares.  Called from the event loop; each may call everything here. */
typedef struct {
    void  *data;
    void  (*ready)(void *data);                             /* it is there, and takes commands */
    void  (*lost)(void *data);                              /* it was there, and is no more */
    void  (*message)(void *data, const otp_reply_t *reply); /* what a channel brought: "message", channel, text */
} ngx_http_otp_redis_listener_t;

/* To be called before _init_process(); all of `listener` is copied. */
void ngx_http_otp_redis_listen(ngx_http_otp_redis_t *redis, const ngx_http_otp_redis_listener_t *listener);

/* Whether it is a cluster: there _listen() does nothing, and nothing can be cloned. */
ngx_uint_t ngx_http_otp_redis_is_cluster(const ngx_http_otp_redis_t *redis);

/* Another connection, with a life of its own, always made to the address that `redis` is at; it goes to the log as
 * `role`.  NULL: no memory. */
ngx_http_otp_redis_t *ngx_http_otp_redis_clone(ngx_pool_t *pool, ngx_http_otp_redis_t *redis, const char *role);
/* Whether a clone is at the address of its original. */
ngx_uint_t ngx_http_otp_redis_beside(const ngx_http_otp_redis_t *clone);
/* Ends the connection, when what came on it is dealt with, and makes it again.  `reason` is a literal. */
void ngx_http_otp_redis_renew(ngx_http_otp_redis_t *redis, const char *reason);

/* `prefix=` of the directive, "otp:" by default; lives as long as the configuration. */
otp_span_t ngx_http_otp_redis_prefix(const ngx_http_otp_redis_t *redis);

/* Codes of steps that began at or before this second (unix time) are spent: the master may have forgotten who used
 * them (docs/decisions/015-which-master.md).  0: none; it never falls.  Ask when a code is judged, not before. */
int64_t ngx_http_otp_redis_floor_s(const ngx_http_otp_redis_t *redis);

/* Whether the connection is up as far as this worker knows (for figures: a decision sends and sees). */
ngx_uint_t ngx_http_otp_redis_is_up(const ngx_http_otp_redis_t *redis);

#endif
