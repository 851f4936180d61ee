/*
 * What the module calls, and the deadlines.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_span.h"

static void ngx_http_otp_redis_deadline_handler(ngx_event_t *ev);

ngx_msec_t ngx_http_otp_redis_now(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (ngx_msec_t) now.tv_sec * 1000 + (ngx_msec_t) now.tv_nsec / 1000000;
}


static void ngx_http_otp_redis_event_init(ngx_http_otp_redis_t *redis, ngx_event_t *ev, ngx_event_handler_pt handler)
{
    ev->handler = handler;
    ev->data = &redis->ident;
    ev->log = redis->log;
    ev->cancelable = 1;
}


ngx_int_t ngx_http_otp_redis_init_process(ngx_cycle_t *cycle, ngx_http_otp_redis_t *redis)
{
    if (redis == NULL || (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)) {
        return NGX_OK;
    }
    if (redis->cluster) {
        return ngx_http_otp_redis_cluster_init(cycle, redis->cluster);
    }
    redis->in = redis->in ? redis->in : ngx_palloc(cycle->pool, NGX_HTTP_OTP_REDIS_IN);
    if (redis->in == NULL) {
        return NGX_ERROR;
    }
    redis->log = cycle->log;
    redis->role = redis->role ? redis->role : "";
    redis->quiet = *cycle->log;
    if (redis->quiet.log_level <= NGX_LOG_DEBUG) {
        redis->quiet.log_level = ngx_min(redis->quiet.log_level, NGX_LOG_ALERT);
    }
    redis->ident.data = redis;
    redis->ident.fd = (ngx_socket_t) -1;
    ngx_http_otp_redis_event_init(redis, &redis->timer, ngx_http_otp_redis_timer_handler);
    ngx_http_otp_redis_event_init(redis, &redis->deadline, ngx_http_otp_redis_deadline_handler);
    ngx_http_otp_redis_event_init(redis, &redis->flush, ngx_http_otp_redis_flush_handler);
    ngx_queue_init(&redis->wire);
    ngx_queue_init(&redis->held_wire);
    ngx_queue_init(&redis->pending);
    redis->patient = 1;
    ngx_http_otp_redis_retry(redis, 1);
    if (redis->sentinel && ngx_http_otp_redis_sentinel_init(cycle, redis->sentinel) != NGX_OK) {
        return NGX_ERROR;
    }
    return ngx_http_otp_redis_init_process(cycle, redis->writer);
}


void ngx_http_otp_redis_exit_process(ngx_http_otp_redis_t *redis)
{
    if (redis && redis->cluster) {
        ngx_http_otp_redis_cluster_exit(redis->cluster);
        return;
    }
    if (redis == NULL || redis->state == NGX_HTTP_OTP_REDIS_CLOSED) {
        return;
    }
    ngx_http_otp_redis_exit_process(redis->writer);
    if (redis->sentinel) {
        ngx_http_otp_redis_sentinel_exit(redis->sentinel);
    }
    ngx_http_otp_redis_close(redis);
    redis->state = NGX_HTTP_OTP_REDIS_CLOSED;
    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }
    if (redis->deadline.timer_set) {
        ngx_del_timer(&redis->deadline);
    }
    ngx_http_otp_redis_buffer_reset(&redis->out);
    ngx_http_otp_redis_buffer_reset(&redis->held);
}


void ngx_http_otp_redis_listen(ngx_http_otp_redis_t *redis, const ngx_http_otp_redis_listener_t *listener)
{
    redis->listener = *listener;
}


void ngx_http_otp_redis_clone_to(ngx_http_otp_redis_t *clone, ngx_http_otp_redis_t *redis, const char *role)
{
    *clone = *redis;
    clone->role = role;
    clone->task = NGX_HTTP_OTP_REDIS_LISTENS;
    clone->leader = redis;
    clone->sentinel = NULL;
    clone->writer = NULL;
    clone->cluster = NULL;
    ngx_memzero(&clone->listener, sizeof(clone->listener));
}


ngx_http_otp_redis_t *ngx_http_otp_redis_clone(ngx_pool_t *pool, ngx_http_otp_redis_t *redis, const char *role)
{
    ngx_http_otp_redis_t *clone = ngx_palloc(pool, sizeof(*clone));

    if (clone) {
        ngx_http_otp_redis_clone_to(clone, redis, role);
    }
    return clone;
}


ngx_uint_t ngx_http_otp_redis_is_cluster(const ngx_http_otp_redis_t *redis)
{
    return redis->cluster != NULL;
}


ngx_uint_t ngx_http_otp_redis_beside(const ngx_http_otp_redis_t *clone)
{
    return clone->current == clone->leader->current && clone->moves == clone->leader->moves;
}


void ngx_http_otp_redis_renew(ngx_http_otp_redis_t *redis, const char *reason)
{
    ngx_http_otp_redis_end(redis, NGX_HTTP_OTP_REDIS_RENEWED, reason);
}


otp_span_t ngx_http_otp_redis_prefix(const ngx_http_otp_redis_t *redis)
{
    return (otp_span_t) { (const char *) redis->prefix.data, redis->prefix.len };
}


int64_t ngx_http_otp_redis_floor_s(const ngx_http_otp_redis_t *redis)
{
    if (redis == NULL) {
        return 0;
    }
    return redis->cluster ? ngx_http_otp_redis_cluster_floor_s(redis->cluster) : redis->floor_s;
}


ngx_uint_t ngx_http_otp_redis_is_up(const ngx_http_otp_redis_t *redis)
{
    if (redis != NULL && redis->cluster) {
        return ngx_http_otp_redis_cluster_is_up(redis->cluster);
    }
    return redis != NULL && redis->state == NGX_HTTP_OTP_REDIS_READY;
}


void ngx_http_otp_redis_flush_later(ngx_http_otp_redis_t *redis)
{
    if (!redis->flush.posted) {
        redis->posted_ms = ngx_http_otp_redis_now();
        ngx_post_event(&redis->flush, &ngx_posted_events);
    }
}


static void ngx_http_otp_redis_enqueue(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_batch_t *batch)
{
    ngx_queue_t *wire = batch->held ? &redis->held_wire : &redis->wire;

    for (size_t i = 0; i < batch->count; i++) {
        ngx_queue_insert_tail(wire, &batch->slot[i].queue);
    }
    ngx_queue_insert_tail(&redis->pending, &batch->queue);
    batch->deadline = ngx_http_otp_redis_now() + redis->timeout;

    /* A worker that is asked to quit waits for this one: somebody's request depends on it. */
    redis->deadline.cancelable = 0;
    if (!redis->deadline.timer_set) {
        ngx_add_timer(&redis->deadline, redis->timeout);
    }
    if (!batch->held) {
        ngx_http_otp_redis_flush_later(redis);
    }
}


static ngx_http_otp_redis_batch_t *ngx_http_otp_redis_post(ngx_http_otp_redis_t *redis, const otp_command_t *commands,
    size_t count, ngx_uint_t waits)
{
    ngx_uint_t                   ready = redis->state == NGX_HTTP_OTP_REDIS_READY && redis->leaving == NULL;
    ngx_http_otp_redis_batch_t  *batch;

    if (!ready && !redis->patient) {
        ngx_http_otp_redis_wanted(redis);
        return NULL;
    }
    batch = ngx_http_otp_redis_batch_create(count + waits);
    if (batch == NULL) {
        return NULL;
    }
    batch->waits = waits != 0;
    batch->held = !ready;
    if (ngx_http_otp_redis_encode(redis, batch, commands, ready ? &redis->out : &redis->held) != NGX_OK) {
        ngx_http_otp_redis_batch_free(batch);
        return NULL;
    }
    ngx_http_otp_redis_enqueue(redis, batch);
    return batch;
}


ngx_http_otp_redis_batch_t *ngx_http_otp_redis_send(ngx_http_otp_redis_t *redis, const otp_command_t *commands,
    size_t count, ngx_http_otp_redis_handler_pt handler, void *data)
{
    ngx_uint_t                   waits;
    ngx_http_otp_redis_batch_t  *batch;

    if (redis == NULL || count == 0 || count > NGX_HTTP_OTP_REDIS_COMMANDS) {
        return NULL;
    }
    if (redis->cluster) {
        return ngx_http_otp_redis_cluster_send(redis->cluster, commands, count, handler, data);
    }
    if (redis->state == NGX_HTTP_OTP_REDIS_CLOSED) {
        return NULL;
    }
    waits = redis->writer && ngx_http_otp_redis_has_swap(commands, count);
    batch = ngx_http_otp_redis_post(waits ? redis->writer : redis, commands, count, waits);
    if (batch) {
        batch->handler = handler;
        batch->data = data;
    }
    return batch;
}


void ngx_http_otp_redis_cancel(ngx_http_otp_redis_batch_t *batch)
{
    if (batch) {
        batch->handler = NULL;
    }
}


/* NULL: nothing is late.  Otherwise the timer is due for this one. */
static ngx_http_otp_redis_batch_t *ngx_http_otp_redis_late(ngx_http_otp_redis_t *redis)
{
    ngx_msec_t                   now = ngx_http_otp_redis_now();
    ngx_msec_int_t               left;
    ngx_http_otp_redis_batch_t  *head;

    if (ngx_queue_empty(&redis->pending)) {
        return NULL;
    }
    head = ngx_queue_data(ngx_queue_head(&redis->pending), ngx_http_otp_redis_batch_t, queue);
    left = (ngx_msec_int_t) (head->deadline - now);
    /* what this worker itself has not yet come to write is not late */
    if (left <= 0 && (head->flushed || !redis->flush.posted)) {
        return head;
    }
    if (!redis->deadline.timer_set) {
        ngx_add_timer(&redis->deadline, (ngx_msec_t) ngx_max(left, 1));
    }
    return NULL;
}


static void ngx_http_otp_redis_deadline_handler(ngx_event_t *ev)
{
    ngx_queue_t                 doomed;
    ngx_http_otp_redis_t       *redis = ((ngx_connection_t *) ev->data)->data;
    ngx_http_otp_redis_fault_t  fault = { NGX_HTTP_OTP_REDIS_SLOW, 0, "no answer in time", "" };

    if (ngx_http_otp_redis_late(redis) == NULL) {
        return;
    }
    /* After something held up the loop the answer may be there, unread. */
    if (redis->state == NGX_HTTP_OTP_REDIS_READY) {
        redis->connection->read->ready = 1;
        redis->connection->read->available = -1;        /* or nginx trusts what epoll said before */
        ngx_http_otp_redis_read(redis);
        if (ngx_http_otp_redis_late(redis) == NULL) {
            return;
        }
    }
    if (redis->state == NGX_HTTP_OTP_REDIS_READY) {
        ngx_http_otp_redis_drop(redis, &fault);
        return;
    }
    /* The connection takes longer than those who wait for it may wait. */
    redis->patient = 0;
    ngx_http_otp_redis_doom(redis, &doomed);
    ngx_http_otp_redis_fail(&doomed);
}
