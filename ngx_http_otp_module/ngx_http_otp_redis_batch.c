/*
 * Memory: the output buffers, and batches with what they keep until they are answered.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_span.h"

#define OUT_SIZE        16384
#define OUT_KEEP        (256 * 1024)            /* a larger buffer is given back once it is empty */
#define OUT_MAX         (32 * 1024 * 1024)

void ngx_http_otp_redis_buffer_reset(ngx_http_otp_redis_buffer_t *buffer)
{
    otp_secret_wipe(buffer->pos, (size_t) (buffer->last - buffer->pos));
    if (buffer->end - buffer->start > OUT_KEEP) {
        ngx_free(buffer->start);
        ngx_memzero(buffer, sizeof(*buffer));
    }
    buffer->pos = buffer->last = buffer->start;
}


ngx_int_t ngx_http_otp_redis_reserve(ngx_http_otp_redis_buffer_t *buffer, size_t need)
{
    size_t  used = (size_t) (buffer->last - buffer->pos);
    size_t  size = ngx_max((size_t) (buffer->end - buffer->start), OUT_SIZE);
    u_char *start;

    if ((size_t) (buffer->end - buffer->last) >= need) {
        return NGX_OK;
    }
    if (need > OUT_MAX - used) {
        return NGX_ERROR;
    }
    while (size - used < need) {
        size *= 2;
    }
    start = ngx_alloc(size, ngx_cycle->log);
    if (start == NULL) {
        return NGX_ERROR;
    }
    if (buffer->start) {
        ngx_memcpy(start, buffer->pos, used);
        otp_secret_wipe(buffer->pos, used);
        ngx_free(buffer->start);
    }
    buffer->start = buffer->pos = start;
    buffer->last = start + used;
    buffer->end = start + size;
    return NGX_OK;
}


ngx_int_t ngx_http_otp_redis_append(ngx_http_otp_redis_buffer_t *buffer, const otp_command_t *command)
{
    size_t room = (size_t) (buffer->end - buffer->last);
    size_t need = otp_command_write(command, false, (char *) buffer->last, room);

    if (need > room) {
        if (ngx_http_otp_redis_reserve(buffer, need) != NGX_OK) {
            return NGX_ERROR;
        }
        (void) otp_command_write(command, false, (char *) buffer->last, need);
    }
    buffer->last += need;
    return NGX_OK;
}


/* Batches */

void ngx_http_otp_redis_batch_free(ngx_http_otp_redis_batch_t *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->slot[i].eval) {
            otp_secret_wipe(batch->slot[i].eval, batch->slot[i].eval_len);
            ngx_free(batch->slot[i].eval);
        }
        otp_reply_destroy(batch->reply[i]);
    }
    ngx_free(batch);
}


ngx_http_otp_redis_batch_t *ngx_http_otp_redis_batch_create(size_t count)
{
    size_t                       size;
    ngx_http_otp_redis_batch_t  *batch;

    size = sizeof(*batch) + count * (sizeof(batch->slot[0]) + sizeof(batch->reply[0]));
    batch = ngx_calloc(size, ngx_cycle->log);
    if (batch == NULL) {
        return NULL;
    }
    batch->slot = (ngx_http_otp_redis_slot_t *) (batch + 1);
    batch->reply = (otp_reply_t **) (batch->slot + count);
    batch->count = count;
    for (size_t i = 0; i < count; i++) {
        batch->slot[i].batch = batch;
        batch->slot[i].index = i;
    }
    return batch;
}


static ngx_int_t ngx_http_otp_redis_keep_eval(ngx_http_otp_redis_slot_t *slot, const otp_command_t *command)
{
    slot->eval_len = otp_command_write(command, true, NULL, 0);
    slot->eval = ngx_alloc(slot->eval_len, ngx_cycle->log);
    if (slot->eval == NULL) {
        return NGX_ERROR;
    }
    (void) otp_command_write(command, true, (char *) slot->eval, slot->eval_len);
    return NGX_OK;
}


/* EVAL in place of an EVALSHA that was refused would come after its WAIT: such a batch does not keep it. */
static ngx_int_t ngx_http_otp_redis_encode_one(ngx_http_otp_redis_batch_t *batch, size_t i,
    const otp_command_t *command, ngx_http_otp_redis_buffer_t *buffer)
{
    batch->slot[i].swap = command->swap;
    if (command->swap && !batch->waits && ngx_http_otp_redis_keep_eval(&batch->slot[i], command) != NGX_OK) {
        return NGX_ERROR;
    }
    return ngx_http_otp_redis_append(buffer, command);
}


ngx_int_t ngx_http_otp_redis_encode(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_batch_t *batch,
    const otp_command_t *commands, ngx_http_otp_redis_buffer_t *buffer)
{
    size_t    before = (size_t) (buffer->last - buffer->pos);
    size_t    count = batch->count - batch->waits;
    ngx_int_t rc = NGX_OK;

    for (size_t i = 0; i < count && rc == NGX_OK; i++) {
        rc = ngx_http_otp_redis_encode_one(batch, i, &commands[i], buffer);
    }
    if (rc == NGX_OK && batch->waits) {
        rc = ngx_http_otp_redis_append_wait(redis, buffer);
    }
    if (rc != NGX_OK) {
        /* half a batch must not go out */
        otp_secret_wipe(buffer->pos + before, (size_t) (buffer->last - buffer->pos) - before);
        buffer->last = buffer->pos + before;
    }
    return rc;
}
