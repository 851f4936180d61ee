/*
 * Is it still the master that its data knows?  A replica that was promoted, a server that was started again, a backup
 * put back: each may have forgotten who used a code (docs/decisions/015-which-master.md).
 *
 * Outside Cluster its name stands at tag 0.  In Cluster it stands at each tag that is this master's.  A tag that moves
 * here from another master brings that one's name along until it is written anew, and has lost nothing: one tag that
 * has this master's name is enough.  Whoever takes over from it finds its own name at none.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_buffer.h"
#include "core/store/otp_names.h"

#define RECORD_MAX      128                     /* who it is, blank, seconds */
#define SKEW_S          5                       /* clocks of gateways may differ by this without a word */

ngx_int_t ngx_http_otp_redis_ask_known(ngx_http_otp_redis_t *redis)
{
    redis->known = (ngx_http_otp_redis_known_t) { .since_s = -1 };
    for (unsigned tag = 0; tag < OTP_TAGS; tag++) {
        otp_name_t    name;
        otp_command_t get = { .arg = { OTP_SPAN("GET") }, .args = 1 };

        if ((redis->master_tags >> tag & 1) == 0) {
            continue;
        }
        otp_name_master_tag(&name, ngx_http_otp_redis_prefix(redis), tag);
        otp_command_add(&get, otp_name_span(&name));
        if (ngx_http_otp_redis_say(redis, NGX_HTTP_OTP_REDIS_GET, &get) != NGX_OK) {
            return NGX_ERROR;
        }
        redis->known.asked++;
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


typedef struct {
    char           record[RECORD_MAX];
    otp_buffer_t   out;
    otp_name_t     name;
    otp_command_t  set;
} ngx_http_otp_redis_record_t;

static void ngx_http_otp_redis_record(const ngx_http_otp_redis_t *redis, unsigned tag, int64_t since_s,
    ngx_http_otp_redis_record_t *record)
{
    record->set = (otp_command_t) { .arg = { OTP_SPAN("SET") }, .args = 1 };
    otp_name_master_tag(&record->name, ngx_http_otp_redis_prefix(redis), tag);
    otp_buffer_init(&record->out, record->record, sizeof(record->record));
    otp_buffer_add(&record->out, (otp_span_t) { redis->id, redis->id_len });
    otp_buffer_add_char(&record->out, ' ');
    otp_buffer_add_number(&record->out, since_s);
    otp_command_add(&record->set, otp_name_span(&record->name));
    otp_command_add(&record->set, otp_buffer_span(&record->out));
}


static ngx_int_t ngx_http_otp_redis_write_master(ngx_http_otp_redis_t *redis, int64_t since_s)
{
    ngx_http_otp_redis_record_t record;

    for (unsigned tag = 0; tag < OTP_TAGS; tag++) {
        if ((redis->master_tags >> tag & 1) == 0) {
            continue;
        }
        ngx_http_otp_redis_record(redis, tag, since_s, &record);
        if (ngx_http_otp_redis_say(redis, NGX_HTTP_OTP_REDIS_SET, &record.set) != NGX_OK) {
            return NGX_ERROR;
        }
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


static void ngx_http_otp_redis_count_known(ngx_http_otp_redis_t *redis, const otp_reply_t *reply)
{
    int64_t    since_s;
    otp_span_t rest = reply->kind == OTP_REPLY_TEXT ? reply->text : OTP_SPAN(""), id = otp_span_cut(&rest, ' ');

    if (reply->kind == OTP_REPLY_ERROR) {
        return;
    }
    if (reply->kind == OTP_REPLY_NIL) {
        redis->known.absent++;
        return;
    }
    if (otp_span_number(rest, &since_s) == OTP_OK) {
        redis->known.since_s = ngx_max(redis->known.since_s, since_s);
        redis->known.ours += otp_span_equal(id, (otp_span_t) { redis->id, redis->id_len });
    }
    redis->known.found++;
}


ngx_int_t ngx_http_otp_redis_take_known(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault)
{
    int64_t since_s;

    if (redis->id_len == 0) {
        return NGX_OK;
    }
    ngx_http_otp_redis_count_known(redis, reply);
    if (--redis->known.asked > 0) {
        return NGX_OK;
    }
    if (redis->known.ours) {
        ngx_http_otp_redis_raise(redis, ngx_http_otp_redis_believe(redis, redis->known.since_s));
        return NGX_OK;
    }
    if (redis->known.found == 0) {
        return redis->known.absent ? ngx_http_otp_redis_write_master(redis, 0) : NGX_OK;
    }
    since_s = ngx_http_otp_redis_wall_s(redis);
    ngx_http_otp_redis_raise(redis, since_s);
    ngx_log_error(NGX_LOG_NOTICE, redis->log, 0, "otp: redis %V%s: not the master of before, or started again: it may "
        "have forgotten the last moments, so codes of up to now are spent", &redis->address[redis->current].name,
        redis->role);
    return ngx_http_otp_redis_write_master(redis, since_s);
}


void ngx_http_otp_redis_adopt(ngx_http_otp_redis_t *redis, uint16_t tags, int64_t since_s)
{
    uint16_t gained = (uint16_t) (tags & ~redis->master_tags);

    redis->master_tags = tags;
    if (redis->writer) {
        redis->writer->master_tags = tags;
    }
    if (redis->state != NGX_HTTP_OTP_REDIS_READY || redis->id_len == 0) {
        return;
    }
    /* It has been the master all the time, so these have moved here, and nothing is lost. */
    for (unsigned tag = 0; tag < OTP_TAGS; tag++) {
        ngx_http_otp_redis_record_t record;

        if (gained >> tag & 1) {
            ngx_http_otp_redis_record(redis, tag, since_s, &record);
            (void) ngx_http_otp_redis_send(redis, &record.set, 1, NULL, NULL);
        }
    }
}
