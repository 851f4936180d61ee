/*
 * The first words on a connection: who we are, and, where we write, who the server is.  Only an answer shows that there
 * is somebody: the kernel accepts connections for a server that hangs.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_span.h"

static ngx_int_t ngx_http_otp_redis_take_pong(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault);

typedef struct {
    const char  *refused;
    const char  *missing;           /* what is lost where Redis has not the right or the command; NULL: everything */
    const char  *right;
    ngx_uint_t   whatever;          /* any error is no reason not to go on */
    ngx_int_t  (*take)(ngx_http_otp_redis_t *redis, const otp_reply_t *reply, ngx_http_otp_redis_fault_t *fault);
} ngx_http_otp_redis_word_t;

#define NGX_HTTP_OTP_REDIS_UNSEEN   "codes that a change of master made Redis forget may be accepted again"

/* clang-format off */
static const ngx_http_otp_redis_word_t  ngx_http_otp_redis_words[] = {
    [NGX_HTTP_OTP_REDIS_AUTH]   = { "AUTH was refused", NULL, NULL, 0, NULL },
    [NGX_HTTP_OTP_REDIS_SELECT] = { "SELECT was refused", NULL, NULL, 0, NULL },
    [NGX_HTTP_OTP_REDIS_PING]   = { "PING was refused", NULL, NULL, 0, ngx_http_otp_redis_take_pong },
    [NGX_HTTP_OTP_REDIS_ROLE]   = { "ROLE was refused", "a replica is not told from the master", "+role", 0,
                                    ngx_http_otp_redis_take_role },
    [NGX_HTTP_OTP_REDIS_INFO]   = { "INFO was refused", NGX_HTTP_OTP_REDIS_UNSEEN, "+info", 0,
                                    ngx_http_otp_redis_take_info },
    [NGX_HTTP_OTP_REDIS_GET]    = { "GET was refused", NGX_HTTP_OTP_REDIS_UNSEEN, "+get, and the key master:{0}", 0,
                                    NULL },
    [NGX_HTTP_OTP_REDIS_LOAD]   = { "SCRIPT LOAD was refused", "nothing can be written", "+script|load", 1, NULL },
    [NGX_HTTP_OTP_REDIS_SET]    = { "SET was refused", "each new connection spends the codes up to then",
                                    "+set, and the key master:{0}", 1, NULL },
};
/* clang-format on */

ngx_int_t ngx_http_otp_redis_say(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_step_t step,
    const otp_command_t *command)
{
    redis->greeting[redis->greetings++] = step;
    return ngx_http_otp_redis_append(&redis->out, command);
}


static ngx_int_t ngx_http_otp_redis_introduce(ngx_http_otp_redis_t *redis)
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
    if (password.len && ngx_http_otp_redis_say(redis, NGX_HTTP_OTP_REDIS_AUTH, &auth) != NGX_OK) {
        return NGX_ERROR;
    }
    if (redis->db && ngx_http_otp_redis_say(redis, NGX_HTTP_OTP_REDIS_SELECT, &select_db) != NGX_OK) {
        return NGX_ERROR;
    }
    return ngx_http_otp_redis_say(redis, NGX_HTTP_OTP_REDIS_PING, &ping);
}


static ngx_int_t ngx_http_otp_redis_write_greeting(ngx_http_otp_redis_t *redis)
{
    if (ngx_http_otp_redis_introduce(redis) != NGX_OK) {
        return NGX_ERROR;
    }
    switch (redis->task) {
    case NGX_HTTP_OTP_REDIS_LISTENS:
    case NGX_HTTP_OTP_REDIS_WATCHES:
        return NGX_OK;
    case NGX_HTTP_OTP_REDIS_LEADS:
        return ngx_http_otp_redis_ask_master(redis);
    case NGX_HTTP_OTP_REDIS_WRITES:
        break;
    }
    if (ngx_http_otp_redis_ask_master(redis) != NGX_OK) {
        return NGX_ERROR;
    }
    return ngx_http_otp_redis_say_script(redis);
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


/* Sentinels are visited in turn: what is worth a line is one that had been out of reach. */
static ngx_uint_t ngx_http_otp_redis_forget_reports(ngx_http_otp_redis_t *redis)
{
    ngx_uint_t level = redis->lost ? NGX_LOG_NOTICE : NGX_LOG_INFO;

    if (redis->task == NGX_HTTP_OTP_REDIS_WATCHES) {
        level = redis->address[redis->current].reported ? NGX_LOG_NOTICE : NGX_LOG_DEBUG;
        redis->address[redis->current].reported = NULL;
        return level;
    }
    for (ngx_uint_t i = 0; i < redis->addresses; i++) {
        redis->address[i].reported = NULL;
    }
    return level;
}


static void ngx_http_otp_redis_ready(ngx_http_otp_redis_t *redis)
{
    ngx_uint_t level = ngx_http_otp_redis_forget_reports(redis);
    ngx_str_t *name = &redis->address[redis->current].name;

    ngx_log_error(level, redis->log, 0, "otp: redis %V%s: connected", name, redis->role);
    redis->state = NGX_HTTP_OTP_REDIS_READY;
    redis->ready_ms = ngx_http_otp_redis_now();
    redis->lost = 0;
    redis->patient = 1;
    ngx_add_timer(&redis->timer, NGX_HTTP_OTP_REDIS_HEARTBEAT_MS);
    ngx_http_otp_redis_release(redis);
    ngx_http_otp_redis_follow(redis->writer);
    if (redis->listener.ready) {
        redis->listener.ready(redis->listener.data);
    }
}


static ngx_int_t ngx_http_otp_redis_take_pong(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault)
{
    return otp_span_equal(reply->text, OTP_SPAN("PONG")) ? NGX_OK : NGX_ERROR;
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


/* What an older list of rights does not have must not stop a gateway that was upgraded: it is told, loudly. */
static ngx_uint_t ngx_http_otp_redis_can_do_without(const ngx_http_otp_redis_word_t *word, const char *error)
{
    return word->missing && (word->whatever || ngx_strcmp(error, "NOPERM") == 0 || ngx_strcmp(error, "ERR") == 0);
}


static ngx_int_t ngx_http_otp_redis_refused(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_step_t step,
    const otp_reply_t *reply, ngx_http_otp_redis_fault_t *fault)
{
    char                              error[NGX_HTTP_OTP_REDIS_DETAIL];
    ngx_uint_t                        bit = (ngx_uint_t) 1 << step;
    const ngx_http_otp_redis_word_t  *word = &ngx_http_otp_redis_words[step];

    ngx_http_otp_redis_first_word(reply->text, error, sizeof(error));
    if (redis->is_node && (ngx_strcmp(error, "MOVED") == 0 || ngx_strcmp(error, "ASK") == 0)) {
        return NGX_OK;                  /* the tag is another one's by now */
    }
    if (!ngx_http_otp_redis_can_do_without(word, error)) {
        fault->reason = word->refused;
        ngx_memcpy(fault->detail, error, sizeof(error));
        return NGX_ERROR;
    }
    if ((redis->denied & bit) == 0) {
        redis->denied |= bit;
        ngx_log_error(NGX_LOG_ERR, redis->log, 0, "otp: redis %V%s: %s (%s): %s; its user may need what "
            "lua-free-conf/redis/otp.acl has: %s", &redis->address[redis->current].name, redis->role, word->refused,
            error, word->missing, word->right);
    }
    return NGX_OK;
}


ngx_int_t ngx_http_otp_redis_greeted(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault)
{
    ngx_int_t                         rc = NGX_OK;
    ngx_http_otp_redis_step_t         step = redis->greeting[redis->greeted++];
    const ngx_http_otp_redis_word_t  *word = &ngx_http_otp_redis_words[step];

    if (reply->kind == OTP_REPLY_ERROR) {
        rc = ngx_http_otp_redis_refused(redis, step, reply, fault);
    }
    if (rc == NGX_OK && step == NGX_HTTP_OTP_REDIS_GET) {
        rc = ngx_http_otp_redis_take_known(redis, reply, fault);
    } else if (rc == NGX_OK && reply->kind != OTP_REPLY_ERROR && word->take) {
        rc = word->take(redis, reply, fault);
    }
    if (rc != NGX_OK || redis->greeted < redis->greetings) {
        return rc;
    }
    if (redis->out.pos != redis->out.last) {
        return NGX_ERROR;
    }
    ngx_http_otp_redis_ready(redis);
    return NGX_OK;
}
