/*
 * The end of a connection: why, told once, and when and where the next one is made.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#define BACKOFF_MIN_MS      50
#define BACKOFF_MAX_MS      5000
#define BACKOFF_SENTINEL_MS 500             /* many wait for what it says, and none of them asks it */
#define WANTED_MS           400             /* between attempts while requests are being refused */

void ngx_http_otp_redis_retry(ngx_http_otp_redis_t *redis, ngx_msec_t delay)
{
    redis->state = NGX_HTTP_OTP_REDIS_WAITING;
    redis->tried_ms = ngx_http_otp_redis_now();
    redis->hurried = 0;
    ngx_add_timer(&redis->timer, delay);
}


void ngx_http_otp_redis_close(ngx_http_otp_redis_t *redis)
{
    ngx_connection_t *c = redis->connection;
    ngx_pool_t       *pool;

    redis->connection = NULL;
    redis->leaving = NULL;
    redis->ending = NULL;
    otp_resp_destroy(redis->resp);
    redis->resp = NULL;
    if (redis->flush.posted) {
        ngx_delete_posted_event(&redis->flush);
    }
    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }
    if (c == NULL) {
        return;
    }
    if (c->ssl) {
        /* both: or the shutdown may go on after this function */
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;
        (void) ngx_ssl_shutdown(c);
    }
    pool = c->pool;
    ngx_close_connection(c);
    if (pool) {
        ngx_destroy_pool(pool);
    }
}


/* Dropping */

static ngx_uint_t ngx_http_otp_redis_is_ours(ngx_http_otp_redis_cause_t cause)
{
    return cause == NGX_HTTP_OTP_REDIS_RENEWED || cause == NGX_HTTP_OTP_REDIS_MOVED
        || cause == NGX_HTTP_OTP_REDIS_TURNED;
}


/* One line a change of state: the loss of a good connection, then each address's reason when it is new. */
static void ngx_http_otp_redis_log_drop(ngx_http_otp_redis_t *redis, const ngx_http_otp_redis_fault_t *fault)
{
    ngx_uint_t                     good = redis->state == NGX_HTTP_OTP_REDIS_READY;
    ngx_uint_t                     level = fault->cause == NGX_HTTP_OTP_REDIS_TURNED ? NGX_LOG_DEBUG : NGX_LOG_INFO;
    ngx_http_otp_redis_address_t  *address = &redis->address[redis->current];

    if (ngx_http_otp_redis_is_ours(fault->cause)) {
        ngx_log_error(level, redis->log, 0, "otp: redis %V%s: connection ended: %s", &address->name, redis->role,
            fault->reason);
        return;
    }
    if (!good && address->reported == fault->reason) {
        return;
    }
    if (!good || redis->task == NGX_HTTP_OTP_REDIS_WATCHES) {
        address->reported = fault->reason;
    }
    redis->lost = 1;
    ngx_log_error(NGX_LOG_ERR, redis->log, fault->err, "otp: redis %V%s: %s: %s%s%s", &address->name, redis->role,
        good ? "connection lost" : "out of reach", fault->reason, fault->detail[0] ? ": " : "", fault->detail);
}


static ngx_msec_t ngx_http_otp_redis_next_backoff(ngx_http_otp_redis_t *redis)
{
    ngx_msec_t most = redis->task == NGX_HTTP_OTP_REDIS_WATCHES ? BACKOFF_SENTINEL_MS : BACKOFF_MAX_MS;

    redis->backoff = redis->backoff ? ngx_min(redis->backoff * 2, most) : BACKOFF_MIN_MS;
    return redis->backoff / 2 + (ngx_msec_t) ngx_random() % (redis->backoff / 2 + 1);
}


/* Somebody was refused: the next attempt need not wait for the end of a long backoff. */
void ngx_http_otp_redis_wanted(ngx_http_otp_redis_t *redis)
{
    ngx_msec_int_t left;

    if (redis->state != NGX_HTTP_OTP_REDIS_WAITING || redis->hurried || redis->backoff < WANTED_MS) {
        return;
    }
    redis->hurried = 1;
    left = (ngx_msec_int_t) (redis->tried_ms + WANTED_MS + (ngx_msec_t) ngx_random() % WANTED_MS
        - ngx_http_otp_redis_now());
    if (left < (ngx_msec_int_t) (redis->timer.timer.key - ngx_current_msec)) {
        ngx_add_timer(&redis->timer, (ngx_msec_t) ngx_max(left, 1));
    }
}


static void ngx_http_otp_redis_next_address(ngx_http_otp_redis_t *redis)
{
    redis->current = (redis->current + 1) % redis->addresses;
}


/* A connection that had been good is made again at once; one that fails soon after it was made counts as a failed
 * attempt, or a server that accepts and then refuses would be asked in a tight loop. */
static ngx_msec_t ngx_http_otp_redis_plan(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_cause_t cause)
{
    ngx_uint_t steady = redis->state == NGX_HTTP_OTP_REDIS_READY
        && ngx_http_otp_redis_now() - redis->ready_ms >= NGX_HTTP_OTP_REDIS_STEADY_MS;

    if (cause == NGX_HTTP_OTP_REDIS_MOVED || cause == NGX_HTTP_OTP_REDIS_TURNED) {
        if (cause == NGX_HTTP_OTP_REDIS_TURNED) {
            ngx_http_otp_redis_next_address(redis);
        }
        redis->tries = 0;
        redis->backoff = 0;
        redis->patient = 1;
        return 1;
    }
    if (!steady || (cause != NGX_HTTP_OTP_REDIS_ENDED && cause != NGX_HTTP_OTP_REDIS_RENEWED)) {
        ngx_http_otp_redis_next_address(redis);
    }
    if (steady) {
        redis->tries = 0;
        redis->backoff = 0;
        redis->patient = cause != NGX_HTTP_OTP_REDIS_SLOW;
        return 1;
    }
    if (++redis->tries < redis->addresses) {
        return 1;
    }
    redis->tries = 0;
    redis->patient = 0;
    return ngx_http_otp_redis_next_backoff(redis);
}


void ngx_http_otp_redis_drop(ngx_http_otp_redis_t *redis, const ngx_http_otp_redis_fault_t *fault)
{
    ngx_msec_t  delay;
    ngx_uint_t  good = redis->state == NGX_HTTP_OTP_REDIS_READY;
    ngx_uint_t  from = redis->current;
    ngx_queue_t doomed;

    ngx_http_otp_redis_log_drop(redis, fault);
    ngx_http_otp_redis_close(redis);
    delay = ngx_http_otp_redis_plan(redis, fault->cause);
    ngx_http_otp_redis_doom(redis, &doomed);
    ngx_http_otp_redis_retry(redis, delay);
    if (good && redis->listener.lost) {
        redis->listener.lost(redis->listener.data);
    }
    if (redis->current != from) {
        ngx_http_otp_redis_follow(redis->writer);
    }
    if (!ngx_http_otp_redis_is_ours(fault->cause)) {
        ngx_http_otp_redis_seek(redis->sentinel);
    }
    ngx_http_otp_redis_fail(&doomed);
}


void ngx_http_otp_redis_ended(ngx_http_otp_redis_t *redis, ngx_err_t err, const char *reason)
{
    ngx_http_otp_redis_fault_t fault = { NGX_HTTP_OTP_REDIS_ENDED, err, reason, "" };

    ngx_http_otp_redis_drop(redis, &fault);
}


/* By our own will */

void ngx_http_otp_redis_end(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_cause_t cause, const char *reason)
{
    ngx_http_otp_redis_fault_t fault = { cause, 0, reason, "" };

    if (redis->receiving) {
        redis->ending = reason;
        redis->ending_cause = cause;
    } else if (redis->state == NGX_HTTP_OTP_REDIS_CONNECTING || redis->state == NGX_HTTP_OTP_REDIS_READY) {
        ngx_http_otp_redis_drop(redis, &fault);
    }
}


/* At most once a second, or servers that are all wrong would be asked in a tight loop. */
void ngx_http_otp_redis_leave(ngx_http_otp_redis_t *redis, const char *reason)
{
    ngx_http_otp_redis_fault_t fault = { NGX_HTTP_OTP_REDIS_LEFT, 0, reason, "" };

    if (redis->state != NGX_HTTP_OTP_REDIS_READY
        || ngx_http_otp_redis_now() - redis->ready_ms < NGX_HTTP_OTP_REDIS_STEADY_MS)
    {
        return;
    }
    redis->leaving = reason;
    if (!redis->receiving && ngx_queue_empty(&redis->wire)) {
        ngx_http_otp_redis_drop(redis, &fault);
    }
}


void ngx_http_otp_redis_hurry(ngx_http_otp_redis_t *redis)
{
    if (redis->state == NGX_HTTP_OTP_REDIS_WAITING) {
        redis->tries = 0;
        redis->backoff = 0;
        redis->patient = 1;
        ngx_add_timer(&redis->timer, 1);
    }
}


void ngx_http_otp_redis_follow(ngx_http_otp_redis_t *redis)
{
    if (redis == NULL) {
        return;
    }
    if (!ngx_http_otp_redis_beside(redis)) {
        ngx_http_otp_redis_end(redis, NGX_HTTP_OTP_REDIS_MOVED, "the master is at another address now");
    }
    ngx_http_otp_redis_hurry(redis);
}
