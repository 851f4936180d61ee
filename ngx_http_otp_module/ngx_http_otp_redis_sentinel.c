/*
 * `sentinel=NAME`: who is the master.  A connection of its own asks one Sentinel after the other; what changes is the
 * address of the connections to Redis.
 *
 * An answer counts by its epoch: a Sentinel that was cut off names the master of before, and is not believed.  It
 * cannot say that it was cut off, so none is asked for long.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_span.h"

#define ASK_MS          1000
#define SEEK_MS         250                     /* while the master is not there */
#define TURN            10                      /* answers of one Sentinel, then the next is asked */

static void ngx_http_otp_redis_sentinel_ready(void *data);
static void ngx_http_otp_redis_sentinel_tick(ngx_event_t *ev);

ngx_int_t ngx_http_otp_redis_sentinel_create(ngx_conf_t *cf, ngx_http_otp_redis_t *redis)
{
    ngx_http_otp_redis_t           *watcher = ngx_http_otp_redis_clone(cf->pool, redis, " (Sentinel)");
    ngx_http_otp_redis_address_t   *address = &redis->address[0];
    ngx_http_otp_redis_sentinel_t  *sentinel = redis->sentinel;

    if (watcher == NULL) {
        return NGX_ERROR;
    }
    watcher->task = NGX_HTTP_OTP_REDIS_WATCHES;
    watcher->leader = NULL;
    watcher->user = sentinel->user;
    watcher->password = sentinel->password;
    watcher->db = 0;
    watcher->timeout = ngx_min(watcher->timeout, ASK_MS);
    sentinel->redis = redis;
    sentinel->watcher = watcher;

    ngx_memzero(redis->address, sizeof(redis->address));
    redis->addresses = 1;
    address->sockaddr = &sentinel->place.sockaddr.sockaddr;
    address->name.data = sentinel->place.name;
    address->host.data = sentinel->place.host;
    return NGX_OK;
}


ngx_int_t ngx_http_otp_redis_sentinel_init(ngx_cycle_t *cycle, ngx_http_otp_redis_sentinel_t *sentinel)
{
    ngx_http_otp_redis_listener_t listener = { sentinel, ngx_http_otp_redis_sentinel_ready, NULL, NULL };

    sentinel->epoch = -1;
    ngx_http_otp_redis_listen(sentinel->watcher, &listener);
    if (ngx_http_otp_redis_init_process(cycle, sentinel->watcher) != NGX_OK) {
        return NGX_ERROR;
    }
    sentinel->ident.data = sentinel;
    sentinel->ident.fd = (ngx_socket_t) -1;
    sentinel->timer.handler = ngx_http_otp_redis_sentinel_tick;
    sentinel->timer.data = &sentinel->ident;
    sentinel->timer.log = cycle->log;
    sentinel->timer.cancelable = 1;
    ngx_add_timer(&sentinel->timer, SEEK_MS);
    return NGX_OK;
}


void ngx_http_otp_redis_sentinel_exit(ngx_http_otp_redis_sentinel_t *sentinel)
{
    ngx_http_otp_redis_exit_process(sentinel->watcher);
    if (sentinel->timer.timer_set) {
        ngx_del_timer(&sentinel->timer);
    }
}


/* What is wrong with the Sentinel that is asked: once, and the next one is asked. */
static void ngx_http_otp_redis_sentinel_complain(ngx_http_otp_redis_sentinel_t *sentinel, const char *complaint)
{
    ngx_http_otp_redis_t *watcher = sentinel->watcher;

    sentinel->answers = TURN;
    if (sentinel->complaint[watcher->current] != complaint) {
        sentinel->complaint[watcher->current] = complaint;
        ngx_log_error(NGX_LOG_ERR, watcher->log, 0, "otp: redis %V%s: master \"%V\": %s",
            &watcher->address[watcher->current].name, watcher->role, &sentinel->name, complaint);
    }
}


/* What it answers */

/* The value of `config-epoch` in the pairs that SENTINEL MASTER answers; -1: it is not there. */
static int64_t ngx_http_otp_redis_sentinel_epoch(const otp_reply_t *reply)
{
    int64_t epoch;

    if (reply->kind != OTP_REPLY_ARRAY) {
        return -1;
    }
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        if (otp_span_equal(reply->element[i].text, OTP_SPAN("config-epoch"))
            && otp_span_number(reply->element[i + 1].text, &epoch) == OTP_OK)
        {
            return epoch;
        }
    }
    return -1;
}


/* The connections of before end before their address is written over: they are told of by its name. */
static void ngx_http_otp_redis_sentinel_move(ngx_http_otp_redis_sentinel_t *sentinel,
    const ngx_http_otp_redis_place_t *place)
{
    ngx_http_otp_redis_t          *redis = sentinel->redis, *watcher = sentinel->watcher;
    ngx_http_otp_redis_address_t  *address = &redis->address[0];

    ngx_http_otp_redis_end(redis, NGX_HTTP_OTP_REDIS_MOVED, "Sentinel names another master");
    if (redis->writer) {
        ngx_http_otp_redis_end(redis->writer, NGX_HTTP_OTP_REDIS_MOVED, "Sentinel names another master");
    }
    sentinel->place = *place;
    ngx_http_otp_redis_place_address(&sentinel->place, address);
    redis->moves++;
    ngx_log_error(NGX_LOG_NOTICE, watcher->log, 0, "otp: redis %V%s: master \"%V\" is at %V (epoch %L)",
        &watcher->address[watcher->current].name, watcher->role, &sentinel->name, &address->name, sentinel->epoch);
    ngx_http_otp_redis_hurry(redis);
    ngx_http_otp_redis_follow(redis->writer);
}


static void ngx_http_otp_redis_sentinel_take(ngx_http_otp_redis_sentinel_t *sentinel, const otp_reply_t *where,
    const otp_reply_t *master)
{
    int64_t                     epoch = ngx_http_otp_redis_sentinel_epoch(master);
    ngx_http_otp_redis_place_t  place;

    if (epoch < 0 || where->kind != OTP_REPLY_ARRAY || where->elements != 2) {
        ngx_http_otp_redis_sentinel_complain(sentinel, "what it answers is not what a Sentinel does");
        return;
    }
    if (epoch < sentinel->epoch) {
        ngx_http_otp_redis_sentinel_complain(sentinel, "it is not believed, for it has not heard of the last failover "
            "(Sentinels were set up anew: reload nginx)");
        return;
    }
    if (ngx_http_otp_redis_place(where->element[0].text, where->element[1].text, &place) != NGX_OK) {
        ngx_http_otp_redis_sentinel_complain(sentinel, "it does not tell an IP address and a port: names of hosts are "
            "not taken (Sentinel: announce-hostnames no, and resolve-hostnames no where it has no IP address)");
        return;
    }
    sentinel->complaint[sentinel->watcher->current] = NULL;
    sentinel->epoch = epoch;
    if (!ngx_http_otp_redis_place_same(&place, &sentinel->place)) {
        ngx_http_otp_redis_sentinel_move(sentinel, &place);
    }
}


static void ngx_http_otp_redis_sentinel_answered(void *data, const otp_reply_t *const *replies, size_t count)
{
    ngx_http_otp_redis_sentinel_t *sentinel = data;

    sentinel->asking = 0;
    if (count == 0) {
        return;
    }
    sentinel->answers++;
    if (replies[0]->kind == OTP_REPLY_NIL) {
        ngx_http_otp_redis_sentinel_complain(sentinel, "it knows no master of this name");
    } else if (replies[0]->kind == OTP_REPLY_ERROR || replies[1]->kind == OTP_REPLY_ERROR) {
        ngx_http_otp_redis_sentinel_complain(sentinel, "it refuses SENTINEL GET-MASTER-ADDR-BY-NAME or SENTINEL MASTER "
            "(sentinel_user=, sentinel_password_file=)");
    } else {
        ngx_http_otp_redis_sentinel_take(sentinel, replies[0], replies[1]);
    }
}


/* Asking */

/* In the middle of a failover the first of the two already names the new master, with the new epoch in the second. */
static void ngx_http_otp_redis_sentinel_ask(ngx_http_otp_redis_sentinel_t *sentinel)
{
    otp_span_t    name = { (char *) sentinel->name.data, sentinel->name.len };
    otp_command_t command[] = {
        { .arg = { OTP_SPAN("SENTINEL"), OTP_SPAN("GET-MASTER-ADDR-BY-NAME"), name }, .args = 3 },
        { .arg = { OTP_SPAN("SENTINEL"), OTP_SPAN("MASTER"), name }, .args = 3 },
    };

    if (!sentinel->asking && ngx_http_otp_redis_is_up(sentinel->watcher)) {
        sentinel->asking = ngx_http_otp_redis_send(sentinel->watcher, command, 2, ngx_http_otp_redis_sentinel_answered,
            sentinel) != NULL;
    }
}


static void ngx_http_otp_redis_sentinel_ready(void *data)
{
    ngx_http_otp_redis_sentinel_t *sentinel = data;

    sentinel->answers = 0;
    ngx_http_otp_redis_sentinel_ask(sentinel);
}


static void ngx_http_otp_redis_sentinel_tick(ngx_event_t *ev)
{
    ngx_http_otp_redis_sentinel_t *sentinel = ((ngx_connection_t *) ev->data)->data;
    ngx_http_otp_redis_t          *watcher = sentinel->watcher;
    ngx_uint_t                     up = ngx_http_otp_redis_is_up(sentinel->redis);

    ngx_add_timer(&sentinel->timer, up ? ASK_MS : SEEK_MS);
    if (watcher->addresses > 1 && !sentinel->asking && sentinel->answers >= (up ? TURN : 1)
        && ngx_http_otp_redis_is_up(watcher))
    {
        ngx_http_otp_redis_end(watcher, NGX_HTTP_OTP_REDIS_TURNED, "the next one is asked");
        return;
    }
    ngx_http_otp_redis_sentinel_ask(sentinel);
}


void ngx_http_otp_redis_seek(ngx_http_otp_redis_sentinel_t *sentinel)
{
    if (sentinel == NULL) {
        return;
    }
    ngx_http_otp_redis_sentinel_ask(sentinel);
    if (sentinel->timer.timer_set) {
        ngx_add_timer(&sentinel->timer, SEEK_MS);
    }
}
