/*
 * Is it the master, and still the one that its data knows?  A replica that was promoted, a server that was started
 * again, a backup put back: each may have forgotten who used a code (docs/decisions/015-which-master.md).
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_buffer.h"

ngx_int_t ngx_http_otp_redis_ask_master(ngx_http_otp_redis_t *redis)
{
    otp_command_t role = { .arg = { OTP_SPAN("ROLE") }, .args = 1 };
    otp_command_t info = { .arg = { OTP_SPAN("INFO") }, .args = 1 };

    redis->id_len = 0;
    redis->server_s = 0;
    if (ngx_http_otp_redis_say(redis, NGX_HTTP_OTP_REDIS_ROLE, &role) != NGX_OK) {
        return NGX_ERROR;
    }
    if (ngx_http_otp_redis_say(redis, NGX_HTTP_OTP_REDIS_INFO, &info) != NGX_OK) {
        return NGX_ERROR;
    }
    return ngx_http_otp_redis_ask_known(redis);
}


/* Not served by a replica even where there is nobody else: what it says of sessions may be old. */
static ngx_int_t ngx_http_otp_redis_not_master(ngx_http_otp_redis_t *redis, otp_span_t role,
    ngx_http_otp_redis_fault_t *fault)
{
    if (otp_span_equal(role, OTP_SPAN("sentinel"))) {
        fault->reason = "it is a Sentinel: otp_redis lacks sentinel=NAME";
    } else if (redis->is_node) {
        fault->reason = "it is a replica: the map of the cluster is an old one";
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


/* `run_id` is another one after each start, `master_replid` after each promotion: a master that was a replica for a
 * while and never stopped has the run_id of before. */
static void ngx_http_otp_redis_identify(ngx_http_otp_redis_t *redis, otp_span_t run_id, otp_span_t replid)
{
    otp_buffer_t out;

    otp_buffer_init(&out, redis->id, sizeof(redis->id));
    otp_buffer_add(&out, run_id);
    if (replid.len) {
        otp_buffer_add_char(&out, '.');
        otp_buffer_add(&out, replid);
    }
    redis->id_len = out.overflow ? 0 : out.len;
}


/* Loudly, once: counts of failures and accounts are what it may throw away. */
static void ngx_http_otp_redis_judge_policy(ngx_http_otp_redis_t *redis, otp_span_t policy)
{
    ngx_uint_t evicts = !otp_span_equal(policy, OTP_SPAN("noeviction"));
    ngx_str_t  text = { policy.len, (u_char *) policy.data };

    if (evicts && !redis->evicts && redis->task == NGX_HTTP_OTP_REDIS_LEADS) {
        ngx_log_error(NGX_LOG_ERR, redis->log, 0, "otp: redis %V%s: maxmemory-policy is \"%V\": accounts and locks "
            "disappear when its memory is short; set it to noeviction", &redis->address[redis->current].name,
            redis->role, &text);
    }
    redis->evicts = evicts != 0;
}


ngx_int_t ngx_http_otp_redis_take_info(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault)
{
    int64_t    us;
    otp_span_t rest = reply->text, line, name, run_id = OTP_SPAN_NONE, replid = OTP_SPAN_NONE;

    if (reply->kind != OTP_REPLY_TEXT) {
        return NGX_ERROR;
    }
    while (rest.data) {
        line = otp_span_trim(otp_span_cut(&rest, '\n'));
        name = otp_span_cut(&line, ':');
        if (otp_span_equal(name, OTP_SPAN("run_id"))) {
            run_id = line;
        } else if (otp_span_equal(name, OTP_SPAN("master_replid"))) {
            replid = line;
        } else if (otp_span_equal(name, OTP_SPAN("maxmemory_policy"))) {
            ngx_http_otp_redis_judge_policy(redis, line);
        } else if (otp_span_equal(name, OTP_SPAN("server_time_usec")) && otp_span_number(line, &us) == OTP_OK) {
            redis->server_s = us / 1000000;
        }
    }
    if (run_id.len) {
        ngx_http_otp_redis_identify(redis, run_id, replid);
    }
    if (redis->id_len == 0) {
        fault->reason = "INFO says no run_id";
        return NGX_ERROR;
    }
    return NGX_OK;
}
