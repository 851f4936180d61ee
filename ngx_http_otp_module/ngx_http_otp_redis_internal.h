/*
 * What the files of the Redis client share.  Nobody else includes this.
 *
 *     waiting --timer--> connecting --PONG--> ready
 *        ^                   |                  |
 *        +----- drop --------+------ drop ------+        closed: before init_process, after exit_process
 *
 * Commands are taken in `ready`, and held in `connecting` and `waiting` while the client is `patient`:
 * until the first round of all addresses after the start, or after the loss of a connection that had
 * been good, has failed.  Otherwise they are refused at once.
 */
#ifndef NGX_HTTP_OTP_REDIS_INTERNAL_H
#define NGX_HTTP_OTP_REDIS_INTERNAL_H

#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "core/store/otp_resp.h"
#include "ngx_http_otp_module/ngx_http_otp_redis.h"

#if !(NGX_SSL)
#error "nginx must be configured --with-http_ssl_module"
#endif

#define NGX_HTTP_OTP_REDIS_ADDRESSES    16
#define NGX_HTTP_OTP_REDIS_GREETING     3               /* AUTH, SELECT, PING */
#define NGX_HTTP_OTP_REDIS_IN           16384           /* bytes of a read */
#define NGX_HTTP_OTP_REDIS_STEADY_MS    1000            /* a connection that lasts this long was a good one */
#define NGX_HTTP_OTP_REDIS_HEARTBEAT_MS 10000
#define NGX_HTTP_OTP_REDIS_DETAIL       64

typedef enum {
    NGX_HTTP_OTP_REDIS_CLOSED,
    NGX_HTTP_OTP_REDIS_WAITING,
    NGX_HTTP_OTP_REDIS_CONNECTING,
    NGX_HTTP_OTP_REDIS_READY
} ngx_http_otp_redis_state_t;

typedef enum {
    NGX_HTTP_OTP_REDIS_ENDED,                           /* the server, or the network, ended it */
    NGX_HTTP_OTP_REDIS_LEFT,                            /* this server does not serve us: the next one may */
    NGX_HTTP_OTP_REDIS_RENEWED,                         /* we did: nothing is wrong with it */
    NGX_HTTP_OTP_REDIS_SLOW                             /* no answer in time: whoever asks now would wait too */
} ngx_http_otp_redis_cause_t;

/* Why a connection is dropped.  `reason` is a literal; of what Redis said, only the first word of an error
 * is ever logged: the rest may quote our arguments. */
typedef struct {
    ngx_http_otp_redis_cause_t   cause;
    ngx_err_t                    err;
    const char                  *reason;
    char                         detail[NGX_HTTP_OTP_REDIS_DETAIL];
} ngx_http_otp_redis_fault_t;

typedef struct {
    struct sockaddr             *sockaddr;
    socklen_t                    socklen;
    ngx_str_t                    name;                  /* for the log */
    ngx_str_t                    host;                  /* as written, NUL-terminated: the certificate's name */
    const char                  *reported;              /* reason logged since the last good connection */
} ngx_http_otp_redis_address_t;

typedef struct {
    u_char                      *start, *pos, *last, *end;
} ngx_http_otp_redis_buffer_t;

/* One command that waits for its reply. */
typedef struct {
    ngx_queue_t                  queue;
    ngx_http_otp_redis_batch_t  *batch;
    size_t                       index;
    u_char                      *eval;                  /* what to send after NOSCRIPT, or NULL */
    size_t                       eval_len;
} ngx_http_otp_redis_slot_t;

struct ngx_http_otp_redis_batch_s {
    ngx_queue_t                     queue;              /* in redis->pending, by deadline */
    ngx_http_otp_redis_handler_pt   handler;            /* NULL: nobody waits (any more) */
    void                           *data;
    ngx_msec_t                      deadline;           /* in ngx_http_otp_redis_now() */
    size_t                          count, answered;
    ngx_http_otp_redis_slot_t      *slot;
    otp_reply_t                   **reply;
    unsigned                        held:1;             /* in redis->held, not on this connection */
    unsigned                        flushed:1;          /* offered to the socket at least once */
};

struct ngx_http_otp_redis_s {
    /* configuration */
    ngx_http_otp_redis_address_t    address[NGX_HTTP_OTP_REDIS_ADDRESSES];
    ngx_uint_t                      addresses;
    ngx_str_t                       prefix, user, password, tls_ca, tls_name;
    ngx_int_t                       db;
    ngx_msec_t                      timeout;
    ngx_uint_t                      options;            /* which were written */
    ngx_uint_t                      tls;
    ngx_ssl_t                      *ssl;                /* NULL: plain */
    const char                     *role;               /* for the log, after the address */
    ngx_http_otp_redis_listener_t   listener;
    ngx_http_otp_redis_t           *leader;             /* whose address to take; NULL: our own choice */

    /* the worker's */
    ngx_http_otp_redis_state_t      state;
    ngx_log_t                      *log;
    ngx_log_t                       quiet;              /* for what was reported already */
    ngx_connection_t                ident;              /* behind the events, for nginx's debug log */
    ngx_event_t                     timer;              /* reconnect, attempt or heartbeat, by state */
    ngx_event_t                     deadline;           /* of the head of `pending` */
    ngx_event_t                     flush;
    ngx_peer_connection_t           peer;
    ngx_connection_t               *connection;
    otp_resp_t                     *resp;
    u_char                         *in;
    ngx_http_otp_redis_buffer_t     out;                /* of this connection */
    ngx_http_otp_redis_buffer_t     held;               /* for the next one that is ready */
    ngx_queue_t                     wire, held_wire;    /* slots, in the order of out and held */
    ngx_queue_t                     pending;            /* batches */
    const char                     *greeting[NGX_HTTP_OTP_REDIS_GREETING];
    ngx_uint_t                      greetings, greeted;
    const char                     *leaving;            /* why the connection is dropped when it is drained */
    ngx_uint_t                      current, tries;
    ngx_msec_t                      backoff, tried_ms, ready_ms, posted_ms;
    const char                     *renewing;           /* the same, by our own will */
    unsigned                        receiving:1;        /* nobody may close the connection */
    unsigned                        patient:1;
    unsigned                        hurried:1;          /* the timer of this wait was brought forward */
    unsigned                        lost:1;             /* to tell when it is back */
};

/* ngx_http_otp_redis.c */

/* Milliseconds of a clock that is read now: nginx's cached one is late after whatever held up the loop. */
ngx_msec_t ngx_http_otp_redis_now(void);

/* Writes what was queued, at the end of this turn of the loop. */
void ngx_http_otp_redis_flush_later(ngx_http_otp_redis_t *redis);

/* ngx_http_otp_redis_batch.c */

ngx_int_t ngx_http_otp_redis_reserve(ngx_http_otp_redis_buffer_t *buffer, size_t need);
ngx_int_t ngx_http_otp_redis_append(ngx_http_otp_redis_buffer_t *buffer, const otp_command_t *command);
/* Wipes what was not sent. */
void ngx_http_otp_redis_buffer_reset(ngx_http_otp_redis_buffer_t *buffer);
ngx_http_otp_redis_batch_t *ngx_http_otp_redis_batch_create(size_t count);
void ngx_http_otp_redis_batch_free(ngx_http_otp_redis_batch_t *batch);
/* All commands of the batch to the end of `buffer`, or none. */
ngx_int_t ngx_http_otp_redis_encode(ngx_http_otp_redis_batch_t *batch, const otp_command_t *commands,
    ngx_http_otp_redis_buffer_t *buffer);

/* ngx_http_otp_redis_queue.c */

/* What was offered late to the socket has its whole time from then on. */
void ngx_http_otp_redis_flushed(ngx_http_otp_redis_t *redis);
/* Takes over `reply`, the next one of the connection.  NGX_ERROR: nobody asked for it. */
ngx_int_t ngx_http_otp_redis_answer(ngx_http_otp_redis_t *redis, otp_reply_t *reply);
/* What was held goes out on the connection that is ready now. */
void ngx_http_otp_redis_release(ngx_http_otp_redis_t *redis);
/* Takes from redis->pending what was sent, and what is held too unless the client is patient; to be
 * followed by _fail() once the state is one that handlers may send in. */
void ngx_http_otp_redis_doom(ngx_http_otp_redis_t *redis, ngx_queue_t *doomed);
void ngx_http_otp_redis_fail(ngx_queue_t *doomed);

/* ngx_http_otp_redis_connection.c */
void ngx_http_otp_redis_retry(ngx_http_otp_redis_t *redis, ngx_msec_t delay);
void ngx_http_otp_redis_wanted(ngx_http_otp_redis_t *redis);
void ngx_http_otp_redis_timer_handler(ngx_event_t *ev);
void ngx_http_otp_redis_flush_handler(ngx_event_t *ev);
/* May drop the connection. */
void ngx_http_otp_redis_read(ngx_http_otp_redis_t *redis);
/* Closes, logs once, decides when to try again and which address, fails what cannot be answered. */
void ngx_http_otp_redis_drop(ngx_http_otp_redis_t *redis, const ngx_http_otp_redis_fault_t *fault);
/* The same for what the server, or the network, ended. */
void ngx_http_otp_redis_ended(ngx_http_otp_redis_t *redis, ngx_err_t err, const char *reason);
void ngx_http_otp_redis_close(ngx_http_otp_redis_t *redis);
void ngx_http_otp_redis_read_handler(ngx_event_t *ev);
void ngx_http_otp_redis_write_handler(ngx_event_t *ev);

/* ngx_http_otp_redis_greeting.c */

/* The connection is there, encrypted if it is to be: introduces us. */
void ngx_http_otp_redis_greet(ngx_http_otp_redis_t *redis);
/* The next reply of the greeting; the last one makes the client ready.  NGX_ERROR: `fault` says why. */
ngx_int_t ngx_http_otp_redis_greeted(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault);

/* ngx_http_otp_redis_tls.c */
ngx_int_t ngx_http_otp_redis_tls_create(ngx_conf_t *cf, ngx_http_otp_redis_t *redis);
/* Ends in _greet() or _drop(). */
void ngx_http_otp_redis_tls_start(ngx_http_otp_redis_t *redis);

#endif
