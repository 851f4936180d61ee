/*
 * What waits for a reply: replies find their commands, batches that are complete or cannot be completed any more
 * find their handlers.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_span.h"

static ngx_http_otp_redis_batch_t *ngx_http_otp_redis_batch_at(ngx_queue_t *q)
{
    return ngx_queue_data(q, ngx_http_otp_redis_batch_t, queue);
}


/* Forgets the handler before it is called: cancelling from inside is harmless. */
static void ngx_http_otp_redis_finish(ngx_http_otp_redis_batch_t *batch, const otp_reply_t *const *replies,
    size_t count)
{
    ngx_http_otp_redis_handler_pt handler = batch->handler;

    batch->handler = NULL;
    if (handler) {
        handler(batch->data, replies, count);
    }
    ngx_http_otp_redis_batch_free(batch);
}


static void ngx_http_otp_redis_complete(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_batch_t *batch)
{
    const otp_reply_t *handed[NGX_HTTP_OTP_REDIS_COMMANDS];

    if (batch->waits) {
        ngx_http_otp_redis_weigh(redis, batch, handed);
        ngx_http_otp_redis_finish(batch, handed, batch->count - 1);
        return;
    }
    ngx_http_otp_redis_finish(batch, (const otp_reply_t *const *) batch->reply, batch->count);
}


static ngx_uint_t ngx_http_otp_redis_is_error(const otp_reply_t *reply, otp_span_t word)
{
    return reply->kind == OTP_REPLY_ERROR && otp_span_starts(reply->text, word);
}


/* What says that the server has another role than the one we came for. */
static void ngx_http_otp_redis_consider_leaving(ngx_http_otp_redis_t *redis, const otp_reply_t *reply)
{
    const char *reason;

    if (ngx_http_otp_redis_is_error(reply, OTP_SPAN("READONLY"))) {
        reason = "it answers READONLY, looking for the master";
    } else if (ngx_http_otp_redis_is_error(reply, OTP_SPAN("LOADING"))) {
        reason = "it answers LOADING";
    } else if (ngx_http_otp_redis_is_error(reply, OTP_SPAN("MASTERDOWN"))) {
        reason = "it answers MASTERDOWN";
    } else {
        return;
    }
    ngx_http_otp_redis_leave(redis, reason);
    if (redis->task == NGX_HTTP_OTP_REDIS_WRITES) {
        ngx_http_otp_redis_leave(redis->leader, reason);
    }
}


static ngx_int_t ngx_http_otp_redis_resend(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_slot_t *slot)
{
    if (slot->eval == NULL || ngx_http_otp_redis_reserve(&redis->out, slot->eval_len) != NGX_OK) {
        return NGX_DECLINED;
    }
    redis->out.last = ngx_cpymem(redis->out.last, slot->eval, slot->eval_len);
    otp_secret_wipe(slot->eval, slot->eval_len);
    ngx_free(slot->eval);
    slot->eval = NULL;
    ngx_queue_insert_tail(&redis->wire, &slot->queue);
    ngx_http_otp_redis_flush_later(redis);
    return NGX_OK;
}


/* In what Redis sends unasked on a connection that subscribed. */
static ngx_uint_t ngx_http_otp_redis_is_message(const otp_reply_t *reply)
{
    return reply->kind == OTP_REPLY_ARRAY && reply->elements == 3 && reply->element[0].kind == OTP_REPLY_TEXT
        && otp_span_equal(reply->element[0].text, OTP_SPAN("message"));
}


ngx_int_t ngx_http_otp_redis_answer(ngx_http_otp_redis_t *redis, otp_reply_t *reply)
{
    ngx_queue_t                 *q;
    ngx_http_otp_redis_slot_t   *slot;
    ngx_http_otp_redis_batch_t  *batch;

    if (redis->listener.message && ngx_http_otp_redis_is_message(reply)) {
        redis->listener.message(redis->listener.data, reply);
        otp_reply_destroy(reply);
        return NGX_OK;
    }
    if (ngx_queue_empty(&redis->wire)) {
        otp_reply_destroy(reply);
        return NGX_ERROR;
    }
    q = ngx_queue_head(&redis->wire);
    ngx_queue_remove(q);
    slot = ngx_queue_data(q, ngx_http_otp_redis_slot_t, queue);
    batch = slot->batch;
    if (ngx_http_otp_redis_is_error(reply, OTP_SPAN("NOSCRIPT"))) {
        if (ngx_http_otp_redis_resend(redis, slot) == NGX_OK) {
            otp_reply_destroy(reply);
            return NGX_OK;
        }
        if (redis->task == NGX_HTTP_OTP_REDIS_WRITES) {
            ngx_http_otp_redis_load_script(redis);
        }
    }
    ngx_http_otp_redis_consider_leaving(redis, reply);
    batch->reply[slot->index] = reply;
    if (++batch->answered == batch->count) {
        ngx_queue_remove(&batch->queue);
        redis->deadline.cancelable = ngx_queue_empty(&redis->pending);
        ngx_http_otp_redis_complete(redis, batch);
    }
    return NGX_OK;
}


/* The queue as a whole */

void ngx_http_otp_redis_flushed(ngx_http_otp_redis_t *redis)
{
    ngx_queue_t                 *q;
    ngx_msec_t                   late = ngx_http_otp_redis_now() - redis->posted_ms;
    ngx_http_otp_redis_batch_t  *batch;

    for (q = ngx_queue_last(&redis->pending); q != ngx_queue_sentinel(&redis->pending); q = ngx_queue_prev(q)) {
        batch = ngx_http_otp_redis_batch_at(q);
        if (batch->flushed) {
            return;
        }
        if (!batch->held) {
            batch->flushed = 1;
            batch->deadline += late;
        }
    }
}


void ngx_http_otp_redis_release(ngx_http_otp_redis_t *redis)
{
    ngx_queue_t                 *q;
    ngx_http_otp_redis_buffer_t  empty = redis->out;

    redis->out = redis->held;
    redis->held = empty;
    if (ngx_queue_empty(&redis->held_wire)) {
        return;
    }
    ngx_queue_add(&redis->wire, &redis->held_wire);
    ngx_queue_init(&redis->held_wire);
    for (q = ngx_queue_head(&redis->pending); q != ngx_queue_sentinel(&redis->pending); q = ngx_queue_next(q)) {
        ngx_http_otp_redis_batch_at(q)->held = 0;
    }
    ngx_http_otp_redis_flush_later(redis);
}


void ngx_http_otp_redis_doom(ngx_http_otp_redis_t *redis, ngx_queue_t *doomed)
{
    ngx_queue_t *q, *next;

    ngx_queue_init(doomed);
    for (q = ngx_queue_head(&redis->pending); q != ngx_queue_sentinel(&redis->pending); q = next) {
        next = ngx_queue_next(q);
        if (!redis->patient || !ngx_http_otp_redis_batch_at(q)->held) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(doomed, q);
        }
    }
    ngx_queue_init(&redis->wire);
    ngx_http_otp_redis_buffer_reset(&redis->out);
    if (!redis->patient) {
        ngx_queue_init(&redis->held_wire);
        ngx_http_otp_redis_buffer_reset(&redis->held);
    }
    redis->deadline.cancelable = ngx_queue_empty(&redis->pending);
}


void ngx_http_otp_redis_fail(ngx_queue_t *doomed)
{
    ngx_queue_t *q;

    while (!ngx_queue_empty(doomed)) {
        q = ngx_queue_head(doomed);
        ngx_queue_remove(q);
        ngx_http_otp_redis_finish(ngx_http_otp_redis_batch_at(q), NULL, 0);
    }
}
