/*
 * The connection: made, read, written.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_span.h"

#define ATTEMPT_MIN_MS      50
#define NOWHERE_MS          100             /* until a look at whether there is an address now */
#define POOL_SIZE           512

static void ngx_http_otp_redis_connected_handler(ngx_event_t *ev);

/* Connecting */

static ngx_int_t ngx_http_otp_redis_open(ngx_http_otp_redis_t *redis)
{
    ngx_int_t                      rc;
    ngx_peer_connection_t         *peer = &redis->peer;
    ngx_http_otp_redis_address_t  *address = &redis->address[redis->current];

    ngx_memzero(peer, sizeof(*peer));
    peer->get = ngx_event_get_peer;
    peer->sockaddr = address->sockaddr;
    peer->socklen = address->socklen;
    peer->name = &address->name;
    peer->log = &redis->quiet;                  /* the reason is logged once, by _drop() */
    peer->log_error = NGX_ERROR_INFO;
    peer->so_keepalive = 1;
    ngx_set_errno(0);
    rc = ngx_event_connect_peer(peer);
    if (rc != NGX_OK && rc != NGX_AGAIN) {
        return NGX_ERROR;
    }
    redis->connection = peer->connection;
    redis->connection->data = redis;
    redis->connection->read->handler = ngx_http_otp_redis_connected_handler;
    redis->connection->write->handler = ngx_http_otp_redis_connected_handler;
    redis->connection->pool = ngx_create_pool(POOL_SIZE, redis->log);
    redis->resp = otp_resp_create();
    if (redis->connection->pool == NULL || redis->resp == NULL || ngx_tcp_nodelay(redis->connection) != NGX_OK) {
        return NGX_ERROR;
    }
    return rc;
}


static void ngx_http_otp_redis_take_address(ngx_http_otp_redis_t *clone)
{
    const ngx_http_otp_redis_t    *leader = clone->leader;
    ngx_http_otp_redis_address_t  *address = &clone->address[leader->current];
    const char                    *reported = address->reported;

    clone->current = leader->current;
    clone->moves = leader->moves;
    *address = leader->address[leader->current];
    address->reported = reported;
}


static void ngx_http_otp_redis_connect(ngx_http_otp_redis_t *redis)
{
    ngx_int_t  rc;
    ngx_msec_t budget = redis->timeout;

    /* While somebody waits, every address gets its share. */
    if ((redis->patient || redis->task == NGX_HTTP_OTP_REDIS_WATCHES) && redis->addresses > 1) {
        budget = ngx_max(budget / redis->addresses, ATTEMPT_MIN_MS);
    }
    if (redis->leader) {
        ngx_http_otp_redis_take_address(redis);
    }
    if (redis->address[redis->current].socklen == 0) {
        ngx_http_otp_redis_retry(redis, NOWHERE_MS);
        return;
    }
    redis->state = NGX_HTTP_OTP_REDIS_CONNECTING;
    redis->greetings = redis->greeted = 0;
    ngx_add_timer(&redis->timer, budget);
    rc = ngx_http_otp_redis_open(redis);
    if (rc == NGX_ERROR) {
        ngx_http_otp_redis_ended(redis, ngx_socket_errno, "connect failed");
    } else if (rc == NGX_OK) {
        ngx_http_otp_redis_connected_handler(redis->connection->write);
    }
}


static void ngx_http_otp_redis_connected_handler(ngx_event_t *ev)
{
    int                    err = 0;
    socklen_t              len = sizeof(err);
    ngx_connection_t      *c = ev->data;
    ngx_http_otp_redis_t  *redis = c->data;

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1) {
        err = ngx_socket_errno;
    }
    if (err) {
        ngx_http_otp_redis_ended(redis, err, "connect failed");
        return;
    }
    if (redis->ssl) {
        ngx_http_otp_redis_tls_start(redis);
        return;
    }
    ngx_http_otp_redis_greet(redis);
}


/* Reading and writing */

static ngx_int_t ngx_http_otp_redis_parse(ngx_http_otp_redis_t *redis, size_t len, ngx_http_otp_redis_fault_t *fault)
{
    ngx_int_t    rc;
    otp_reply_t *reply;

    if (otp_resp_feed(redis->resp, (otp_span_t) { (const char *) redis->in, len }) != OTP_OK) {
        return NGX_ERROR;
    }
    for ( ;; ) {
        if (otp_resp_take(redis->resp, &reply) != OTP_OK) {
            return NGX_ERROR;
        }
        if (reply == NULL) {
            return NGX_OK;
        }
        if (redis->state == NGX_HTTP_OTP_REDIS_CONNECTING) {
            rc = ngx_http_otp_redis_greeted(redis, reply, fault);
            otp_reply_destroy(reply);
        } else {
            rc = ngx_http_otp_redis_answer(redis, reply);
        }
        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


/* Everything that is there.  Handlers run in here, so nothing closes the connection before the end. */
static ngx_int_t ngx_http_otp_redis_receive(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_fault_t *fault)
{
    ssize_t           n;
    ngx_connection_t *c = redis->connection;

    do {
        n = c->recv(c, redis->in, NGX_HTTP_OTP_REDIS_IN);
        if (n == NGX_AGAIN) {
            break;
        }
        if (n == 0) {
            fault->reason = "closed by the server";
            return NGX_ERROR;
        }
        if (n < 0) {
            fault->reason = "read failed";
            fault->err = c->ssl ? 0 : ngx_socket_errno;
            return NGX_ERROR;
        }
        if (ngx_http_otp_redis_parse(redis, (size_t) n, fault) != NGX_OK) {
            return NGX_ERROR;
        }
    } while (c->read->ready);

    return ngx_handle_read_event(c->read, 0);
}


void ngx_http_otp_redis_read(ngx_http_otp_redis_t *redis)
{
    ngx_int_t                  rc;
    ngx_http_otp_redis_fault_t fault = { NGX_HTTP_OTP_REDIS_ENDED, 0, "what came is not an answer of Redis", "" };

    redis->receiving = 1;
    rc = ngx_http_otp_redis_receive(redis, &fault);
    redis->receiving = 0;
    if (rc != NGX_OK) {
        ngx_http_otp_redis_drop(redis, &fault);
        return;
    }
    if (redis->ending) {
        ngx_http_otp_redis_end(redis, redis->ending_cause, redis->ending);
        return;
    }
    if (redis->leaving && ngx_queue_empty(&redis->wire)) {
        fault.cause = NGX_HTTP_OTP_REDIS_LEFT;
        fault.reason = redis->leaving;
        ngx_http_otp_redis_drop(redis, &fault);
    }
}


void ngx_http_otp_redis_read_handler(ngx_event_t *ev)
{
    ngx_http_otp_redis_read(((ngx_connection_t *) ev->data)->data);
}


static void ngx_http_otp_redis_write(ngx_http_otp_redis_t *redis)
{
    ssize_t           n;
    ngx_connection_t *c = redis->connection;

    while (redis->out.pos < redis->out.last) {
        n = c->send(c, redis->out.pos, (size_t) (redis->out.last - redis->out.pos));
        if (n == NGX_AGAIN || n == 0) {
            break;
        }
        if (n < 0) {
            ngx_http_otp_redis_ended(redis, c->ssl ? 0 : ngx_socket_errno, "write failed");
            return;
        }
        otp_secret_wipe(redis->out.pos, (size_t) n);
        redis->out.pos += n;
    }
    if (redis->out.pos == redis->out.last) {
        ngx_http_otp_redis_buffer_reset(&redis->out);
    }
    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_http_otp_redis_ended(redis, 0, "write failed");
    }
}


void ngx_http_otp_redis_write_handler(ngx_event_t *ev)
{
    ngx_http_otp_redis_write(((ngx_connection_t *) ev->data)->data);
}


void ngx_http_otp_redis_flush_handler(ngx_event_t *ev)
{
    ngx_http_otp_redis_t *redis = ((ngx_connection_t *) ev->data)->data;

    ngx_http_otp_redis_flushed(redis);
    ngx_http_otp_redis_write(redis);
}


/* Finds a peer that went without a word before somebody has to wait for it, and a master that is none any more
 * although nobody writes to it. */
static void ngx_http_otp_redis_heartbeat(ngx_http_otp_redis_t *redis)
{
    otp_command_t ping = { .arg = { OTP_SPAN("PING") }, .args = 1 };

    if (redis->task == NGX_HTTP_OTP_REDIS_LEADS) {
        ngx_http_otp_redis_check_role(redis);
    } else if (ngx_queue_empty(&redis->pending)) {
        (void) ngx_http_otp_redis_send(redis, &ping, 1, NULL, NULL);
    }
    ngx_add_timer(&redis->timer, NGX_HTTP_OTP_REDIS_HEARTBEAT_MS);
}


void ngx_http_otp_redis_timer_handler(ngx_event_t *ev)
{
    ngx_http_otp_redis_t       *redis = ((ngx_connection_t *) ev->data)->data;
    ngx_http_otp_redis_fault_t  fault = { NGX_HTTP_OTP_REDIS_SLOW, 0, "no answer in time", "" };

    switch (redis->state) {
    case NGX_HTTP_OTP_REDIS_CLOSED:
        return;
    case NGX_HTTP_OTP_REDIS_WAITING:
        ngx_http_otp_redis_connect(redis);
        return;
    case NGX_HTTP_OTP_REDIS_CONNECTING:
        ngx_http_otp_redis_drop(redis, &fault);
        return;
    case NGX_HTTP_OTP_REDIS_READY:
        ngx_http_otp_redis_heartbeat(redis);
        return;
    }
}
