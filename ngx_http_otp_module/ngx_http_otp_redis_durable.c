/*
 * `replicas=N`: what a decision writes is on a connection of its own, because WAIT holds up all that follows it there,
 * and is done only when N replicas say that they have it, too.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/store/otp_swap.h"

#define NGX_HTTP_OTP_REDIS_SHORT    "NOREPLICAS fewer have it than otp_redis asks for"

/* The core takes it as it takes every error: whether the swap was carried out is unknown. */
static const otp_reply_t  ngx_http_otp_redis_short = {
    .kind = OTP_REPLY_ERROR, .text = { NGX_HTTP_OTP_REDIS_SHORT, sizeof(NGX_HTTP_OTP_REDIS_SHORT) - 1 }
};

void ngx_http_otp_redis_writer_init(ngx_http_otp_redis_t *writer, ngx_http_otp_redis_t *redis)
{
    ngx_http_otp_redis_clone_to(writer, redis, " (writes)");
    writer->task = NGX_HTTP_OTP_REDIS_WRITES;
}


ngx_uint_t ngx_http_otp_redis_has_swap(const otp_command_t *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (commands[i].swap) {
            return 1;
        }
    }
    return 0;
}


/* Half of the time: whoever waits behind it is to have an answer in time, too. */
ngx_int_t ngx_http_otp_redis_append_wait(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_buffer_t *buffer)
{
    u_char        replicas[NGX_INT_T_LEN], ms[NGX_INT_T_LEN];
    otp_span_t    n = { (char *) replicas, (size_t) (ngx_sprintf(replicas, "%i", redis->replicas) - replicas) };
    otp_span_t    time = { (char *) ms, (size_t) (ngx_sprintf(ms, "%M", redis->timeout / 2) - ms) };
    otp_command_t wait = { .arg = { OTP_SPAN("WAIT"), n, time }, .args = 3 };

    return ngx_http_otp_redis_append(buffer, &wait);
}


static void ngx_http_otp_redis_script_command(otp_command_t *command)
{
    *command = (otp_command_t) { .arg = { OTP_SPAN("SCRIPT"), OTP_SPAN("LOAD"), otp_swap_script() }, .args = 3 };
}


ngx_int_t ngx_http_otp_redis_say_script(ngx_http_otp_redis_t *redis)
{
    otp_command_t load;

    ngx_http_otp_redis_script_command(&load);
    return ngx_http_otp_redis_say(redis, NGX_HTTP_OTP_REDIS_LOAD, &load);
}


void ngx_http_otp_redis_load_script(ngx_http_otp_redis_t *redis)
{
    otp_command_t load;

    ngx_http_otp_redis_script_command(&load);
    (void) ngx_http_otp_redis_send(redis, &load, 1, NULL, NULL);
}


/* `have` -1: Redis may not say. */
static void ngx_http_otp_redis_report_replicas(ngx_http_otp_redis_t *redis, ngx_uint_t enough, int64_t have)
{
    ngx_str_t *name = &redis->address[redis->current].name;

    if (enough && redis->short_of) {
        ngx_log_error(NGX_LOG_NOTICE, redis->log, 0, "otp: redis %V%s: replicas have what is written again", name,
            redis->role);
    } else if (!enough && !redis->short_of && have < 0) {
        ngx_log_error(NGX_LOG_ERR, redis->log, 0, "otp: redis %V%s: WAIT was refused: nobody can sign in; its user may "
            "need what lua-free-conf/redis/otp.acl has: +wait", name, redis->role);
    } else if (!enough && !redis->short_of) {
        ngx_log_error(NGX_LOG_ERR, redis->log, 0, "otp: redis %V%s: %L of the %i replicas asked for have what was "
            "written: nobody can sign in", name, redis->role, have, redis->replicas);
    }
    redis->short_of = !enough;
}


void ngx_http_otp_redis_weigh(ngx_http_otp_redis_t *redis, const ngx_http_otp_redis_batch_t *batch,
    const otp_reply_t **handed)
{
    size_t             count = batch->count - 1;
    const otp_reply_t *wait = batch->reply[count];
    ngx_uint_t         denied = wait->kind == OTP_REPLY_ERROR && otp_span_starts(wait->text, OTP_SPAN("NOPERM"));
    int64_t            have = wait->kind == OTP_REPLY_INTEGER ? wait->integer : denied ? -1 : 0;
    ngx_uint_t         enough = have >= redis->replicas, swaps = 0;

    for (size_t i = 0; i < count; i++) {
        ngx_uint_t done = batch->slot[i].swap && batch->reply[i]->kind != OTP_REPLY_ERROR;

        handed[i] = enough || !done ? batch->reply[i] : &ngx_http_otp_redis_short;
        swaps += done;
    }
    if (swaps) {
        ngx_http_otp_redis_report_replicas(redis, enough, have);
    }
}
