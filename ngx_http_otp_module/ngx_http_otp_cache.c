/*
 * The cache of sessions of a worker, and what keeps it true (docs/decisions/012-session-cache.md).
 *
 * A connection of its own hears of every session that changes: CLIENT TRACKING … BCAST, redirected to itself.  Each
 * second a number is published over the connection that reads sessions; heard on the other one, it lends the cache
 * another few seconds, counted from the moment it was sent.
 */
#include "ngx_http_otp_module/ngx_http_otp_cache.h"

#define NGX_HTTP_OTP_CACHE_LEASE_MS    3000
#define NGX_HTTP_OTP_CACHE_DEAF_MS     5000    /* without a beat: the two connections are at different servers */
#define NGX_HTTP_OTP_CACHE_REFUSED_MS  30000   /* until a server that refused is asked again */

static const otp_span_t  ngx_http_otp_cache_invalidate = { "__redis__:invalidate", 20 };

/* Goes on while the machine is suspended, and is read now: nginx's own is that of the last turn of the loop. */
static int64_t ngx_http_otp_cache_now(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


static void ngx_http_otp_cache_empty(ngx_http_otp_cache_t *cache)
{
    otp_session_cache_forget_all(cache->sessions);
    ngx_http_otp_metrics_emptied(cache->omcf);
}


/* What was sent up to now says nothing about what can be heard from now on. */
static void ngx_http_otp_cache_end_lease(ngx_http_otp_cache_t *cache)
{
    cache->void_before = cache->sent + 1;
    cache->lease_ms = 0;
    ngx_http_otp_cache_empty(cache);
}


otp_session_cache_t *ngx_http_otp_cache_sessions(ngx_http_otp_cache_t *cache)
{
    if (cache->sessions == NULL || cache->lease_ms == 0) {
        return NULL;
    }

    if (ngx_http_otp_cache_now() >= cache->lease_ms) {
        cache->lease_ms = 0;
        ngx_http_otp_cache_empty(cache);
        return NULL;
    }

    return cache->sessions;
}


/* --- the beat --------------------------------------------------------------------------------------------- */

static void ngx_http_otp_cache_report(ngx_http_otp_cache_t *cache, const char *command, otp_span_t text)
{
    ngx_str_t reason = ngx_http_otp_str(text);

    /* Of an unknown command the rest of the text quotes its arguments: none of ours is a secret. */
    if (cache->reported != command) {
        cache->reported = command;
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "otp_session_cache: nothing is cached, for Redis refuses %s: "
            "\"%V\" (it must be Redis 6 or later, and its user may need what lua-free-conf/redis/otp.acl has)", command,
            &reason);
    }

    cache->phase = NGX_HTTP_OTP_CACHE_REFUSED;
    cache->since_ms = ngx_http_otp_cache_now();
    ngx_http_otp_cache_end_lease(cache);
}


static void ngx_http_otp_cache_published(void *data, const otp_reply_t *const *replies, size_t count)
{
    if (count == 1 && replies[0]->kind == OTP_REPLY_ERROR) {
        ngx_http_otp_cache_report(data, "PUBLISH", replies[0]->text);
    }
}


static void ngx_http_otp_cache_beat(ngx_http_otp_cache_t *cache)
{
    u_char        number[NGX_INT64_LEN];
    otp_span_t    text = { (char *) number, (size_t) (ngx_sprintf(number, "%L", cache->sent + 1) - number) };
    otp_command_t command = {
        .arg = { OTP_SPAN("PUBLISH"), { cache->channel, cache->channel_len }, text }, .args = 3
    };

    if (!ngx_http_otp_redis_is_up(cache->omcf->redis)) {
        return;
    }

    cache->sent++;
    cache->sent_ms[cache->sent % NGX_HTTP_OTP_CACHE_BEATS] = ngx_http_otp_cache_now();
    (void) ngx_http_otp_redis_send(cache->omcf->redis, &command, 1, ngx_http_otp_cache_published, cache);
}


static void ngx_http_otp_cache_heard(ngx_http_otp_cache_t *cache, otp_span_t text)
{
    int64_t number, now_ms = ngx_http_otp_cache_now();

    if (otp_span_number(text, &number) != OTP_OK || number <= cache->heard || number < cache->void_before
        || number > cache->sent || number <= cache->sent - NGX_HTTP_OTP_CACHE_BEATS)
    {
        return;
    }

    cache->heard = number;
    cache->since_ms = now_ms;
    if (now_ms >= cache->lease_ms) {
        ngx_http_otp_cache_empty(cache);
    }

    cache->lease_ms = cache->sent_ms[number % NGX_HTTP_OTP_CACHE_BEATS] + NGX_HTTP_OTP_CACHE_LEASE_MS;
    if (cache->reported != NULL) {
        cache->reported = NULL;
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0, "otp_session_cache: sessions are cached again");
    }
}


void ngx_http_otp_cache_tick(ngx_event_t *ev)
{
    ngx_http_otp_cache_t *cache = ((ngx_connection_t *) ev->data)->data;
    int64_t               silent_ms = ngx_http_otp_cache_now() - cache->since_ms;

    ngx_add_timer(&cache->timer, NGX_HTTP_OTP_CACHE_BEAT_MS);
    switch (cache->phase) {
    case NGX_HTTP_OTP_CACHE_AWAY:
        return;
    case NGX_HTTP_OTP_CACHE_REFUSED:
        if (silent_ms >= NGX_HTTP_OTP_CACHE_REFUSED_MS) {
            ngx_http_otp_redis_follow(cache->listener, cache->omcf->redis, "asking once more for invalidations");
        }
        return;
    case NGX_HTTP_OTP_CACHE_TRACKING:
        break;
    }

    if (silent_ms >= NGX_HTTP_OTP_CACHE_DEAF_MS && ngx_http_otp_redis_is_up(cache->omcf->redis)) {
        ngx_http_otp_redis_follow(cache->listener, cache->omcf->redis,
            "what is published where sessions are read does not arrive here");
        return;
    }

    ngx_http_otp_cache_beat(cache);
}


/* --- the connection that hears ---------------------------------------------------------------------------- */

static void ngx_http_otp_cache_changed(ngx_http_otp_cache_t *cache, const otp_reply_t *keys)
{
    switch (keys->kind) {
    case OTP_REPLY_NIL:             /* FLUSHALL, or Redis remembers too much */
        ngx_http_otp_cache_empty(cache);
        return;
    case OTP_REPLY_ARRAY:
        break;
    case OTP_REPLY_TEXT:            /* somebody published here: it is not Redis who speaks */
    case OTP_REPLY_INTEGER:
    case OTP_REPLY_ERROR:
        return;
    }

    for (size_t i = 0; i < keys->elements; i++) {
        if (keys->element[i].kind == OTP_REPLY_TEXT) {
            otp_session_cache_forget_name(cache->sessions, ngx_http_otp_redis_prefix(cache->omcf->redis),
                keys->element[i].text);
        }
    }

    ngx_http_otp_metrics_invalidations(cache->omcf, keys->elements);
}


void ngx_http_otp_cache_message(void *data, const otp_reply_t *reply)
{
    ngx_http_otp_cache_t *cache = data;
    otp_span_t            channel = reply->element[1].text;

    if (otp_span_equal(channel, ngx_http_otp_cache_invalidate)) {
        ngx_http_otp_cache_changed(cache, &reply->element[2]);
    } else if (otp_span_equal(channel, (otp_span_t) { cache->channel, cache->channel_len })
               && reply->element[2].kind == OTP_REPLY_TEXT && cache->phase == NGX_HTTP_OTP_CACHE_TRACKING)
    {
        ngx_http_otp_cache_heard(cache, reply->element[2].text);
    }
}


static void ngx_http_otp_cache_subscribed(void *data, const otp_reply_t *const *replies, size_t count)
{
    static const char *const  commands[] = { "CLIENT TRACKING", "SUBSCRIBE", "SUBSCRIBE" };
    ngx_http_otp_cache_t     *cache = data;

    if (count == 0) {
        return;
    }

    for (size_t i = 0; i < count; i++) {
        if (replies[i]->kind == OTP_REPLY_ERROR) {
            ngx_http_otp_cache_report(cache, commands[i], replies[i]->text);
            return;
        }
    }

    cache->phase = NGX_HTTP_OTP_CACHE_TRACKING;
    cache->since_ms = ngx_http_otp_cache_now();
    ngx_http_otp_cache_end_lease(cache);
    ngx_http_otp_cache_beat(cache);
}


/* Redirected to itself, so that tracking ends exactly when nobody hears any more. */
static void ngx_http_otp_cache_known(void *data, const otp_reply_t *const *replies, size_t count)
{
    ngx_http_otp_cache_t *cache = data;
    u_char                id[NGX_INT64_LEN];
    otp_command_t         command[] = {
        { .arg = { OTP_SPAN("CLIENT"), OTP_SPAN("TRACKING"), OTP_SPAN("ON"), OTP_SPAN("REDIRECT"), { (char *) id, 0 },
                   OTP_SPAN("BCAST"), OTP_SPAN("PREFIX"), { cache->prefix, cache->prefix_len } }, .args = 8 },
        { .arg = { OTP_SPAN("SUBSCRIBE"), ngx_http_otp_cache_invalidate }, .args = 2 },
        { .arg = { OTP_SPAN("SUBSCRIBE"), { cache->channel, cache->channel_len } }, .args = 2 },
    };

    if (count == 0) {
        return;
    }

    if (replies[0]->kind != OTP_REPLY_INTEGER) {
        ngx_http_otp_cache_report(cache, "CLIENT ID", replies[0]->text);
        return;
    }

    command[0].arg[4].len = (size_t) (ngx_sprintf(id, "%L", replies[0]->integer) - id);
    (void) ngx_http_otp_redis_send(cache->listener, command, 3, ngx_http_otp_cache_subscribed, cache);
}


void ngx_http_otp_cache_connected(void *data)
{
    ngx_http_otp_cache_t *cache = data;
    otp_command_t         command = { .arg = { OTP_SPAN("CLIENT"), OTP_SPAN("ID") }, .args = 2 };

    (void) ngx_http_otp_redis_send(cache->listener, &command, 1, ngx_http_otp_cache_known, cache);
}


void ngx_http_otp_cache_deaf(void *data)
{
    ngx_http_otp_cache_t *cache = data;

    cache->phase = NGX_HTTP_OTP_CACHE_AWAY;
    ngx_http_otp_cache_end_lease(cache);
}


/* --- the connection that reads ---------------------------------------------------------------------------- */

void ngx_http_otp_cache_reading(void *data)
{
    ngx_http_otp_cache_t *cache = data;

    if (!ngx_http_otp_redis_beside(cache->listener, cache->omcf->redis)) {
        ngx_http_otp_redis_follow(cache->listener, cache->omcf->redis, "sessions are read from another server now");
    } else if (cache->phase == NGX_HTTP_OTP_CACHE_TRACKING) {
        ngx_http_otp_cache_beat(cache);
    }
}


void ngx_http_otp_cache_blind(void *data)
{
    ngx_http_otp_cache_t *cache = data;

    ngx_http_otp_cache_end_lease(cache);
    cache->since_ms = ngx_http_otp_cache_now();
}
