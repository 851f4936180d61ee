/*
 * Is it the master, and still the one that its data knows?  A replica that was promoted, a server that was started
 * again, a backup put back: each may have forgotten who used a code (docs/decisions/015-which-master.md).
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_buffer.h"
#include "core/store/otp_names.h"

#define RECORD_MAX      64                      /* run_id, blank, seconds */
#define SKEW_S          5                       /* clocks of gateways may differ by this without a word */

ngx_int_t ngx_http_otp_redis_ask_master(ngx_http_otp_redis_t *redis)
{
    otp_name_t    name;
    otp_command_t role = { .arg = { OTP_SPAN("ROLE") }, .args = 1 };
    otp_command_t info = { .arg = { OTP_SPAN("INFO"), OTP_SPAN("server") }, .args = 2 };
    otp_command_t get = { .arg = { OTP_SPAN("GET") }, .args = 1 };

    redis->run_id_len = 0;
    redis->server_s = 0;
    otp_name_master_tag(&name, ngx_http_otp_redis_prefix(redis), 0);
    otp_command_add(&get, otp_name_span(&name));
    if (ngx_http_otp_redis_say(redis, NGX_HTTP_OTP_REDIS_ROLE, &role) != NGX_OK
        || ngx_http_otp_redis_say(redis, NGX_HTTP_OTP_REDIS_INFO, &info) != NGX_OK)
    {
        return NGX_ERROR;
    }
    return ngx_http_otp_redis_say(redis, NGX_HTTP_OTP_REDIS_GET, &get);
}


/* Not served by a replica even where there is nobody else: what it says of sessions may be old. */
static ngx_int_t ngx_http_otp_redis_not_master(ngx_http_otp_redis_t *redis, otp_span_t role,
    ngx_http_otp_redis_fault_t *fault)
{
    if (otp_span_equal(role, OTP_SPAN("sentinel"))) {
        fault->reason = "it is a Sentinel: otp_redis lacks sentinel=NAME";
    } else if (redis->addresses > 1 || redis->moves != 0) {
        fault->reason = "it is a replica, looking for the master";
    } else {
        fault->reason = "it is a replica: otp_redis takes the master's address, those of all, or sentinel=NAME";
    }
    fault->cause = NGX_HTTP_OTP_REDIS_LEFT;
    if (redis->leader) {
        ngx_http_otp_redis_leave(redis->leader, fault->reason);
    }
    return NGX_ERROR;
}


ngx_int_t ngx_http_otp_redis_take_role(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault)
{
    if (reply->kind != OTP_REPLY_ARRAY || reply->elements == 0 || reply->element[0].kind != OTP_REPLY_TEXT) {
        return NGX_ERROR;
    }
    if (otp_span_equal(reply->element[0].text, OTP_SPAN("master"))) {
        return NGX_OK;
    }
    return ngx_http_otp_redis_not_master(redis, reply->element[0].text, fault);
}


static void ngx_http_otp_redis_role_checked(void *data, const otp_reply_t *const *replies, size_t count)
{
    ngx_http_otp_redis_t *redis = data;

    if (count && replies[0]->kind == OTP_REPLY_ARRAY && replies[0]->elements
        && !otp_span_equal(replies[0]->element[0].text, OTP_SPAN("master")))
    {
        ngx_http_otp_redis_leave(redis, "it is a replica now, looking for the master");
    }
}


void ngx_http_otp_redis_check_role(ngx_http_otp_redis_t *redis)
{
    otp_command_t role = { .arg = { OTP_SPAN("ROLE") }, .args = 1 };

    (void) ngx_http_otp_redis_send(redis, &role, 1, ngx_http_otp_redis_role_checked, redis);
}


ngx_int_t ngx_http_otp_redis_take_info(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault)
{
    int64_t    us;
    otp_span_t rest = reply->text, line, name;

    if (reply->kind != OTP_REPLY_TEXT) {
        return NGX_ERROR;
    }
    while (rest.data) {
        line = otp_span_trim(otp_span_cut(&rest, '\n'));
        name = otp_span_cut(&line, ':');
        if (otp_span_equal(name, OTP_SPAN("run_id")) && line.len == sizeof(redis->run_id)) {
            ngx_memcpy(redis->run_id, line.data, line.len);
            redis->run_id_len = line.len;
        } else if (otp_span_equal(name, OTP_SPAN("server_time_usec")) && otp_span_number(line, &us) == OTP_OK) {
            redis->server_s = us / 1000000;
        }
    }
    if (redis->run_id_len == 0) {
        fault->reason = "INFO says no run_id";
        return NGX_ERROR;
    }
    return NGX_OK;
}


/* The later one of two clocks, ours and the server's, and ours not as nginx keeps it: too low a floor is a code that is
 * accepted twice. */
static int64_t ngx_http_otp_redis_wall_s(const ngx_http_otp_redis_t *redis)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_REALTIME, &now);
    return ngx_max((int64_t) now.tv_sec, redis->server_s);
}


static void ngx_http_otp_redis_raise(ngx_http_otp_redis_t *redis, int64_t floor_s)
{
    ngx_http_otp_redis_t *leader = redis->leader ? redis->leader : redis;

    leader->floor_s = ngx_max(leader->floor_s, floor_s);
}


static ngx_int_t ngx_http_otp_redis_write_master(ngx_http_otp_redis_t *redis, int64_t since_s)
{
    char          record[RECORD_MAX];
    otp_name_t    name;
    otp_buffer_t  out;
    otp_command_t set = { .arg = { OTP_SPAN("SET") }, .args = 1 };

    otp_name_master_tag(&name, ngx_http_otp_redis_prefix(redis), 0);
    otp_buffer_init(&out, record, sizeof(record));
    otp_buffer_add(&out, (otp_span_t) { redis->run_id, redis->run_id_len });
    otp_buffer_add_char(&out, ' ');
    otp_buffer_add_number(&out, since_s);
    otp_command_add(&set, otp_name_span(&name));
    otp_command_add(&set, otp_buffer_span(&out));
    if (ngx_http_otp_redis_say(redis, NGX_HTTP_OTP_REDIS_SET, &set) != NGX_OK) {
        return NGX_ERROR;
    }
    ngx_post_event(redis->connection->write, &ngx_posted_events);
    return NGX_OK;
}


/* The clock of who wrote it may be ahead, or it is nonsense.  What was accepted before this master was is not later
 * than now, by both of our clocks: to believe more would lock everybody out. */
static int64_t ngx_http_otp_redis_believe(ngx_http_otp_redis_t *redis, int64_t since_s)
{
    int64_t now_s = ngx_http_otp_redis_wall_s(redis);

    if (since_s > now_s + SKEW_S) {
        ngx_log_error(NGX_LOG_WARN, redis->log, 0, "otp: redis %V%s: by the clock of another gateway it is the master "
            "since %L s from now: set the clocks", &redis->address[redis->current].name, redis->role, since_s - now_s);
    }
    return ngx_min(since_s, now_s);
}


ngx_int_t ngx_http_otp_redis_take_known(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault)
{
    int64_t    since_s;
    otp_span_t rest = reply->kind == OTP_REPLY_TEXT ? reply->text : OTP_SPAN(""), known = otp_span_cut(&rest, ' ');

    if (redis->run_id_len == 0) {
        return NGX_OK;
    }
    if (reply->kind == OTP_REPLY_NIL) {
        return ngx_http_otp_redis_write_master(redis, 0);
    }
    if (otp_span_equal(known, (otp_span_t) { redis->run_id, redis->run_id_len })
        && otp_span_number(rest, &since_s) == OTP_OK)
    {
        ngx_http_otp_redis_raise(redis, ngx_http_otp_redis_believe(redis, since_s));
        return NGX_OK;
    }
    since_s = ngx_http_otp_redis_wall_s(redis);
    ngx_http_otp_redis_raise(redis, since_s);
    ngx_log_error(NGX_LOG_NOTICE, redis->log, 0, "otp: redis %V%s: not the master of before, or started again: it may "
        "have forgotten the last moments, so codes of up to now are spent", &redis->address[redis->current].name,
        redis->role);
    return ngx_http_otp_redis_write_master(redis, since_s);
}
