/*
 * The cache of sessions of a worker, and what keeps it true (docs/decisions/012-session-cache.md).
 *
 * A connection of its own hears of every session that changes: CLIENT TRACKING … BCAST, redirected to itself.  Each
 * second a number is published over the connection that reads sessions; heard on the other one, it lends the cache
 * another few seconds, counted from the moment it was sent.
 */
#include "ngx_http_otp_module/ngx_http_otp_cache.h"

#define NGX_HTTP_OTP_CACHE_LEASE_MS    3000
#define NGX_HTTP_OTP_CACHE_DEAF        5       /* beats sent in vain: the two connections are at different servers */
#define NGX_HTTP_OTP_CACHE_REFUSED_MS  10000   /* until a server that refused is asked again */

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
    otp_session_cache_figures_t figures;

    otp_session_cache_figures(cache->sessions, &figures);
    if (figures.used != 0) {
        ngx_http_otp_metrics_emptied(cache->omcf);
    }

    otp_session_cache_forget_all(cache->sessions);
}


/* What was sent up to now says nothing about what can be heard from now on. */
static void ngx_http_otp_cache_end_lease(ngx_http_otp_cache_t *cache)
{
    cache->lent = cache->sent;
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

/* `what` is a literal; `remedy` too. */
static void ngx_http_otp_cache_refuse(ngx_http_otp_cache_t *cache, const char *what, otp_span_t text,
    const char *remedy)
{
    ngx_str_t reason = ngx_http_otp_str(text);

    if (cache->reported != what) {
        cache->reported = what;
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "otp_session_cache: nothing is cached, for %s: \"%V\" (%s)", what,
            &reason, remedy);
    }

    cache->phase = NGX_HTTP_OTP_CACHE_REFUSED;
    cache->refused_ms = ngx_http_otp_cache_now();
    ngx_http_otp_cache_end_lease(cache);
}


/* Of an unknown command the text quotes the arguments: none of ours is a secret. */
static void ngx_http_otp_cache_command_refused(ngx_http_otp_cache_t *cache, const char *what, otp_span_t text)
{
    ngx_http_otp_cache_refuse(cache, what, text,
        "it must be Redis 6 or later, and its user may need what lua-free-conf/redis/otp.acl has");
}


/* After a failover behind one address the connection that hears may still be at the server of before. */
static void ngx_http_otp_cache_elsewhere(ngx_http_otp_cache_t *cache)
{
    if (!cache->renewed) {
        cache->renewed = 1;
        cache->phase = NGX_HTTP_OTP_CACHE_AWAY;
        ngx_http_otp_redis_renew(cache->listener, "what is published where sessions are read is not heard");
        return;
    }

    ngx_http_otp_cache_refuse(cache, "what is published where sessions are read is not heard",
        OTP_SPAN("the two connections are at different servers"), "each address of otp_redis must lead to one server");
}


static void ngx_http_otp_cache_lend(ngx_http_otp_cache_t *cache)
{
    int64_t beat = ngx_min(cache->heard, cache->reached);

    if (cache->phase != NGX_HTTP_OTP_CACHE_TRACKING || beat <= cache->lent
        || beat <= cache->sent - NGX_HTTP_OTP_CACHE_BEATS)
    {
        return;
    }

    if (ngx_http_otp_cache_now() >= cache->lease_ms) {
        ngx_http_otp_cache_empty(cache);
    }

    cache->renewed = 0;
    cache->lent = beat;
    cache->lease_ms = cache->sent_ms[beat % NGX_HTTP_OTP_CACHE_BEATS] + NGX_HTTP_OTP_CACHE_LEASE_MS;
    if (cache->reported != NULL) {
        cache->reported = NULL;
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0, "otp_session_cache: sessions are cached again");
    }
}


static void ngx_http_otp_cache_published(void *data, const otp_reply_t *const *replies, size_t count)
{
    ngx_http_otp_cache_t *cache = data;
    int64_t               beat = ++cache->answered;

    if (count == 0 || cache->phase != NGX_HTTP_OTP_CACHE_TRACKING) {
        return;
    }

    if (replies[0]->kind == OTP_REPLY_ERROR) {
        ngx_http_otp_cache_command_refused(cache, "Redis refuses PUBLISH", replies[0]->text);
    } else if (replies[0]->kind == OTP_REPLY_INTEGER && replies[0]->integer > 0) {
        cache->reached = beat;
        ngx_http_otp_cache_lend(cache);
    } else if (beat > cache->lent) {
        ngx_http_otp_cache_elsewhere(cache);
    }
}


static void ngx_http_otp_cache_beat(ngx_http_otp_cache_t *cache)
{
    int64_t       beat = cache->sent + 1;
    u_char        number[NGX_INT64_LEN];
    otp_span_t    text = { (char *) number, (size_t) (ngx_sprintf(number, "%L", beat) - number) };
    otp_command_t command = {
        .arg = { OTP_SPAN("PUBLISH"), { cache->channel, cache->channel_len }, text }, .args = 3
    };

    if (!ngx_http_otp_redis_is_up(cache->omcf->redis)) {
        return;
    }

    cache->sent_ms[beat % NGX_HTTP_OTP_CACHE_BEATS] = ngx_http_otp_cache_now();
    if (ngx_http_otp_redis_send(cache->omcf->redis, &command, 1, ngx_http_otp_cache_published, cache) != NULL) {
        cache->sent = beat;
    }
}


static void ngx_http_otp_cache_heard(ngx_http_otp_cache_t *cache, otp_span_t text)
{
    int64_t number;

    if (otp_span_number(text, &number) == OTP_OK && number > cache->heard && number <= cache->sent) {
        cache->heard = number;
        ngx_http_otp_cache_lend(cache);
    }
}


void ngx_http_otp_cache_tick(ngx_event_t *ev)
{
    ngx_http_otp_cache_t *cache = ((ngx_connection_t *) ev->data)->data;

    ngx_add_timer(&cache->timer, NGX_HTTP_OTP_CACHE_BEAT_MS);
    switch (cache->phase) {
    case NGX_HTTP_OTP_CACHE_AWAY:
        return;
    case NGX_HTTP_OTP_CACHE_REFUSED:
        if (ngx_http_otp_cache_now() - cache->refused_ms >= NGX_HTTP_OTP_CACHE_REFUSED_MS) {
            cache->phase = NGX_HTTP_OTP_CACHE_AWAY;
            ngx_http_otp_redis_renew(cache->listener, "asking once more for invalidations");
        }
        return;
    case NGX_HTTP_OTP_CACHE_TRACKING:
        break;
    }

    if (cache->sent - cache->lent >= NGX_HTTP_OTP_CACHE_DEAF && ngx_http_otp_redis_is_up(cache->omcf->redis)) {
        ngx_http_otp_cache_elsewhere(cache);
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
               && reply->element[2].kind == OTP_REPLY_TEXT)
    {
        ngx_http_otp_cache_heard(cache, reply->element[2].text);
    }
}


static void ngx_http_otp_cache_subscribed(void *data, const otp_reply_t *const *replies, size_t count)
{
    static const char *const  commands[] = {
        "Redis refuses CLIENT TRACKING", "Redis refuses SUBSCRIBE", "Redis refuses SUBSCRIBE"
    };
    ngx_http_otp_cache_t     *cache = data;

    if (count == 0) {
        return;
    }

    for (size_t i = 0; i < count; i++) {
        if (replies[i]->kind == OTP_REPLY_ERROR) {
            ngx_http_otp_cache_command_refused(cache, commands[i], replies[i]->text);
            return;
        }
    }

    cache->phase = NGX_HTTP_OTP_CACHE_TRACKING;
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
                   OTP_SPAN("BCAST"), OTP_SPAN("PREFIX"), otp_name_span(&cache->prefix) }, .args = 8 },
        { .arg = { OTP_SPAN("SUBSCRIBE"), ngx_http_otp_cache_invalidate }, .args = 2 },
        { .arg = { OTP_SPAN("SUBSCRIBE"), { cache->channel, cache->channel_len } }, .args = 2 },
    };

    if (count == 0) {
        return;
    }

    if (replies[0]->kind != OTP_REPLY_INTEGER) {
        ngx_http_otp_cache_command_refused(cache, "Redis refuses CLIENT ID", replies[0]->text);
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

    if (!ngx_http_otp_redis_beside(cache->listener)) {
        ngx_http_otp_redis_renew(cache->listener, "sessions are read from another server now");
    } else if (cache->phase == NGX_HTTP_OTP_CACHE_TRACKING) {
        ngx_http_otp_cache_end_lease(cache);
        ngx_http_otp_cache_beat(cache);
    }
}


void ngx_http_otp_cache_blind(void *data)
{
    ngx_http_otp_cache_end_lease(data);
}
