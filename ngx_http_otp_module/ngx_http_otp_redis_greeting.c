/*
 * The first words on a connection: AUTH, SELECT, PING.  Only the answer to PING shows that there is somebody: the
 * kernel accepts connections for a server that hangs.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_span.h"

static ngx_int_t ngx_http_otp_redis_say(ngx_http_otp_redis_t *redis, const otp_command_t *command)
{
    redis->greeting[redis->greetings++] = command->arg[0].data;
    return ngx_http_otp_redis_append(&redis->out, command);
}


static ngx_int_t ngx_http_otp_redis_write_greeting(ngx_http_otp_redis_t *redis)
{
    u_char         number[NGX_INT_T_LEN];
    otp_span_t     user = { (const char *) redis->user.data, redis->user.len };
    otp_span_t     password = { (const char *) redis->password.data, redis->password.len };
    otp_span_t     db = { (const char *) number, (size_t) (ngx_sprintf(number, "%i", redis->db) - number) };
    otp_command_t  auth = { .arg = { OTP_SPAN("AUTH"), password }, .args = 2 };
    otp_command_t  select_db = { .arg = { OTP_SPAN("SELECT"), db }, .args = 2 };
    otp_command_t  ping = { .arg = { OTP_SPAN("PING") }, .args = 1 };

    if (user.len) {
        auth = (otp_command_t) { .arg = { OTP_SPAN("AUTH"), user, password }, .args = 3 };
    }
    if (password.len && ngx_http_otp_redis_say(redis, &auth) != NGX_OK) {
        return NGX_ERROR;
    }
    if (redis->db && ngx_http_otp_redis_say(redis, &select_db) != NGX_OK) {
        return NGX_ERROR;
    }
    return ngx_http_otp_redis_say(redis, &ping);
}


void ngx_http_otp_redis_greet(ngx_http_otp_redis_t *redis)
{
    ngx_connection_t *c = redis->connection;

    c->read->handler = ngx_http_otp_redis_read_handler;
    c->write->handler = ngx_http_otp_redis_write_handler;
    if (ngx_http_otp_redis_write_greeting(redis) != NGX_OK) {
        ngx_http_otp_redis_ended(redis, 0, "no memory");
        return;
    }
    ngx_post_event(c->write, &ngx_posted_events);
    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


static void ngx_http_otp_redis_ready(ngx_http_otp_redis_t *redis)
{
    ngx_uint_t                     level = redis->lost ? NGX_LOG_NOTICE : NGX_LOG_INFO;
    ngx_http_otp_redis_address_t  *address = &redis->address[redis->current];

    ngx_log_error(level, redis->log, 0, "otp: redis %V%s: connected", &address->name, redis->role);
    for (ngx_uint_t i = 0; i < redis->addresses; i++) {
        redis->address[i].reported = NULL;
    }
    redis->state = NGX_HTTP_OTP_REDIS_READY;
    redis->ready_ms = ngx_http_otp_redis_now();
    redis->lost = 0;
    redis->patient = 1;
    ngx_add_timer(&redis->timer, NGX_HTTP_OTP_REDIS_HEARTBEAT_MS);
    ngx_http_otp_redis_release(redis);
    if (redis->listener.ready) {
        redis->listener.ready(redis->listener.data);
    }
}


/* The rest of an error may quote what we sent: "unknown command 'AUTH', with args beginning with: …". */
static void ngx_http_otp_redis_first_word(otp_span_t text, char *word, size_t size)
{
    size_t len = 0;

    while (len < text.len && len < size - 1 && text.data[len] >= 'A' && text.data[len] <= 'Z') {
        word[len] = text.data[len];
        len++;
    }
    word[len] = '\0';
}


ngx_int_t ngx_http_otp_redis_greeted(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault)
{
    const char *step = redis->greeting[redis->greeted++];

    if (reply->kind == OTP_REPLY_ERROR) {
        fault->reason = ngx_strcmp(step, "PING") == 0 ? "PING was refused"
            : ngx_strcmp(step, "AUTH") == 0 ? "AUTH was refused" : "SELECT was refused";
        ngx_http_otp_redis_first_word(reply->text, fault->detail, sizeof(fault->detail));
        return NGX_ERROR;
    }
    if (redis->greeted < redis->greetings) {
        return NGX_OK;
    }
    if (!otp_span_equal(reply->text, OTP_SPAN("PONG")) || redis->out.pos != redis->out.last) {
        return NGX_ERROR;
    }
    ngx_http_otp_redis_ready(redis);
    return NGX_OK;
}
