/*
 * What the files of the Redis client share.  Nobody else includes this.
 *
 *     waiting --timer--> connecting --greeted--> ready
 *        ^                   |                     |
 *        +----- drop --------+-------- drop -------+     closed: before init_process, after exit_process
 *
 * Commands are taken in `ready`, and held in `connecting` and `waiting` while the client is `patient`:
 * until the first round of all addresses after the start, or after the loss of a connection that had
 * been good, has failed.  Otherwise they are refused at once.
 *
 * One client is what the module knows; with `sentinel=` it has a client of its own that asks Sentinels for its address,
 * with `replicas=` one that writes what must be in replicas, too.  With `cluster` it is no connection at all, and has
 * a client for each server (ngx_http_otp_redis_cluster.h).
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
#define NGX_HTTP_OTP_REDIS_GREETING     40              /* a name for each tag, asked and written */
#define NGX_HTTP_OTP_REDIS_ID           81              /* run_id, a dot, master_replid */
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
    NGX_HTTP_OTP_REDIS_MOVED,                           /* we did: its address is another one now */
    NGX_HTTP_OTP_REDIS_TURNED,                          /* we did, to ask the next one */
    NGX_HTTP_OTP_REDIS_SLOW                             /* no answer in time: whoever asks now would wait too */
} ngx_http_otp_redis_cause_t;

/* What a connection is for. */
typedef enum {
    NGX_HTTP_OTP_REDIS_LEADS,                           /* commands of the module */
    NGX_HTTP_OTP_REDIS_LISTENS,                         /* invalidations */
    NGX_HTTP_OTP_REDIS_WRITES,                          /* compare-and-set that waits for replicas */
    NGX_HTTP_OTP_REDIS_WATCHES                          /* to ask a Sentinel, or a cluster for its map */
} ngx_http_otp_redis_task_t;

/* What is said at its beginning, in this order (ngx_http_otp_redis_greeting.c has the table). */
typedef enum {
    NGX_HTTP_OTP_REDIS_AUTH,
    NGX_HTTP_OTP_REDIS_SELECT,
    NGX_HTTP_OTP_REDIS_PING,
    NGX_HTTP_OTP_REDIS_ROLE,
    NGX_HTTP_OTP_REDIS_INFO,
    NGX_HTTP_OTP_REDIS_GET,
    NGX_HTTP_OTP_REDIS_LOAD,
    NGX_HTTP_OTP_REDIS_SET
} ngx_http_otp_redis_step_t;

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
    unsigned                     swap:1;
} ngx_http_otp_redis_slot_t;

struct ngx_http_otp_redis_batch_s {
    ngx_queue_t                     queue;              /* in redis->pending, by deadline */
    ngx_http_otp_redis_handler_pt   handler;            /* NULL: nobody waits (any more) */
    void                           *data;
    ngx_msec_t                      deadline;           /* in ngx_http_otp_redis_now() */
    size_t                          count, answered;    /* `count`: WAIT included */
    ngx_http_otp_redis_slot_t      *slot;
    otp_reply_t                   **reply;
    unsigned                        held:1;             /* in redis->held, not on this connection */
    unsigned                        flushed:1;          /* offered to the socket at least once */
    unsigned                        waits:1;            /* the last command is WAIT, ours */
};

/* What an address that a server named is kept in. */
typedef struct {
    ngx_sockaddr_t                  sockaddr;
    u_char                          name[NGX_SOCKADDR_STRLEN];
    u_char                          host[NGX_INET6_ADDRSTRLEN + 1];
} ngx_http_otp_redis_place_t;

typedef struct {
    ngx_str_t                       name;               /* of the master, as Sentinels know it */
    ngx_str_t                       user, password;     /* towards Sentinels */
    ngx_http_otp_redis_t           *redis;              /* whose master it is */
    ngx_http_otp_redis_t           *watcher;
    ngx_http_otp_redis_place_t      place;
    int64_t                         epoch;              /* newest seen; -1: none */
    const char                     *complaint[NGX_HTTP_OTP_REDIS_ADDRESSES];   /* logged of each Sentinel */
    ngx_event_t                     timer;
    ngx_connection_t                ident;              /* behind the timer, for nginx's debug log */
    ngx_uint_t                      answers;            /* of the Sentinel that is asked now */
    unsigned                        asking:1;
} ngx_http_otp_redis_sentinel_t;

typedef struct ngx_http_otp_redis_cluster_s  ngx_http_otp_redis_cluster_t;

/* What the server's data says of who is the master, while it is being asked. */
typedef struct {
    ngx_uint_t                      asked;              /* and not answered yet */
    ngx_uint_t                      absent, found, ours;
    int64_t                         since_s;            /* the latest of those that were found */
} ngx_http_otp_redis_known_t;

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
    ngx_http_otp_redis_task_t       task;
    ngx_http_otp_redis_t           *leader;             /* whose address to take; NULL: our own choice */
    ngx_http_otp_redis_t           *writer;             /* takes swaps; NULL: they need no replicas */
    ngx_http_otp_redis_sentinel_t  *sentinel;           /* chooses the address; NULL: nobody does */
    ngx_http_otp_redis_cluster_t   *cluster;            /* does everything instead; NULL: one server */
    ngx_uint_t                      is_node;            /* of a cluster */
    ngx_int_t                       replicas;
    uint16_t                        master_tags;        /* a bit for each at which the server's name is kept */

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
    ngx_http_otp_redis_step_t       greeting[NGX_HTTP_OTP_REDIS_GREETING];
    ngx_uint_t                      greetings, greeted;
    ngx_uint_t                      denied;             /* steps whose refusal was logged, a bit each */
    char                            id[NGX_HTTP_OTP_REDIS_ID];
    size_t                          id_len;             /* 0: not known */
    int64_t                         server_s;           /* its clock; 0: not known */
    ngx_http_otp_redis_known_t      known;
    const char                     *leaving;            /* why the connection is dropped when it is drained */
    ngx_uint_t                      current, tries;
    ngx_uint_t                      moves;              /* times that Sentinel gave another address */
    int64_t                         floor_s;            /* of the leader: ngx_http_otp_redis_floor_s() */
    ngx_msec_t                      backoff, tried_ms, ready_ms, posted_ms;
    const char                     *ending;             /* the same, by our own will, once all is read */
    ngx_http_otp_redis_cause_t      ending_cause;
    unsigned                        receiving:1;        /* nobody may close the connection */
    unsigned                        patient:1;
    unsigned                        hurried:1;          /* the timer of this wait was brought forward */
    unsigned                        lost:1;             /* to tell when it is back */
    unsigned                        short_of:1;         /* replicas, and it was logged */
    unsigned                        evicts:1;           /* maxmemory-policy, likewise */
};

/* ngx_http_otp_redis.c */

/* Milliseconds of a clock that is read now: nginx's cached one is late after whatever held up the loop. */
ngx_msec_t ngx_http_otp_redis_now(void);

/* ngx_http_otp_redis_clone() into memory that is there. */
void ngx_http_otp_redis_clone_to(ngx_http_otp_redis_t *clone, ngx_http_otp_redis_t *redis, const char *role);

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
ngx_int_t ngx_http_otp_redis_encode(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_batch_t *batch,
    const otp_command_t *commands, ngx_http_otp_redis_buffer_t *buffer);

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

/* ngx_http_otp_redis_drop.c */
void ngx_http_otp_redis_retry(ngx_http_otp_redis_t *redis, ngx_msec_t delay);
void ngx_http_otp_redis_wanted(ngx_http_otp_redis_t *redis);
/* Closes, logs once, decides when to try again and which address, fails what cannot be answered. */
void ngx_http_otp_redis_drop(ngx_http_otp_redis_t *redis, const ngx_http_otp_redis_fault_t *fault);
/* The same for what the server, or the network, ended. */
void ngx_http_otp_redis_ended(ngx_http_otp_redis_t *redis, ngx_err_t err, const char *reason);
/* The same by our own will: RENEWED, MOVED, TURNED; not in the middle of reading, and not what is not there. */
void ngx_http_otp_redis_end(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_cause_t cause, const char *reason);
/* The server has another role than the one we came for: drops once what was sent is answered. */
void ngx_http_otp_redis_leave(ngx_http_otp_redis_t *redis, const char *reason);
/* The address is another one, or there is somebody again: no need to wait any longer. */
void ngx_http_otp_redis_hurry(ngx_http_otp_redis_t *redis);
/* To the address of its leader, now. */
void ngx_http_otp_redis_follow(ngx_http_otp_redis_t *redis);
void ngx_http_otp_redis_close(ngx_http_otp_redis_t *redis);

/* ngx_http_otp_redis_connection.c */
void ngx_http_otp_redis_timer_handler(ngx_event_t *ev);
void ngx_http_otp_redis_flush_handler(ngx_event_t *ev);
/* May drop the connection. */
void ngx_http_otp_redis_read(ngx_http_otp_redis_t *redis);
void ngx_http_otp_redis_read_handler(ngx_event_t *ev);
void ngx_http_otp_redis_write_handler(ngx_event_t *ev);

/* ngx_http_otp_redis_greeting.c */

/* The connection is there, encrypted if it is to be: introduces us. */
void ngx_http_otp_redis_greet(ngx_http_otp_redis_t *redis);
/* The next reply of the greeting; the last one makes the client ready.  NGX_ERROR: `fault` says why. */
ngx_int_t ngx_http_otp_redis_greeted(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault);
ngx_int_t ngx_http_otp_redis_say(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_step_t step,
    const otp_command_t *command);

/* ngx_http_otp_redis_master.c */

/* Asks the server who it is, and who its data says is the master. */
ngx_int_t ngx_http_otp_redis_ask_master(ngx_http_otp_redis_t *redis);
/* What it answers.  NGX_ERROR: `fault` says why it will not do. */
ngx_int_t ngx_http_otp_redis_take_role(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault);
ngx_int_t ngx_http_otp_redis_take_info(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault);
/* Of a connection that is ready: leaves a server that is a replica by now. */
void ngx_http_otp_redis_check_role(ngx_http_otp_redis_t *redis);

/* ngx_http_otp_redis_known.c */
ngx_int_t ngx_http_otp_redis_ask_known(ngx_http_otp_redis_t *redis);
/* The answer for one tag; an error that is no reason not to go on, too. */
ngx_int_t ngx_http_otp_redis_take_known(ngx_http_otp_redis_t *redis, const otp_reply_t *reply,
    ngx_http_otp_redis_fault_t *fault);
/* Of a node of a cluster: the tags are others now. */
void ngx_http_otp_redis_adopt(ngx_http_otp_redis_t *redis, uint16_t tags, int64_t since_s);

/* ngx_http_otp_redis_durable.c */
void ngx_http_otp_redis_writer_init(ngx_http_otp_redis_t *writer, ngx_http_otp_redis_t *redis);
/* Whether one of the commands is a swap. */
ngx_uint_t ngx_http_otp_redis_has_swap(const otp_command_t *commands, size_t count);
ngx_int_t ngx_http_otp_redis_append_wait(ngx_http_otp_redis_t *redis, ngx_http_otp_redis_buffer_t *buffer);
ngx_int_t ngx_http_otp_redis_say_script(ngx_http_otp_redis_t *redis);
/* The script is gone from Redis: for those who come after. */
void ngx_http_otp_redis_load_script(ngx_http_otp_redis_t *redis);
/* Puts the replies to hand on into `handed`: a swap's only when enough replicas have it. */
void ngx_http_otp_redis_weigh(ngx_http_otp_redis_t *redis, const ngx_http_otp_redis_batch_t *batch,
    const otp_reply_t **handed);

/* ngx_http_otp_redis_sentinel.c */

/* Takes over the addresses of `redis`. */
ngx_int_t ngx_http_otp_redis_sentinel_create(ngx_conf_t *cf, ngx_http_otp_redis_t *redis);
ngx_int_t ngx_http_otp_redis_sentinel_init(ngx_cycle_t *cycle, ngx_http_otp_redis_sentinel_t *sentinel);
void ngx_http_otp_redis_sentinel_exit(ngx_http_otp_redis_sentinel_t *sentinel);
/* The master is lost: asks at once, and more often until it is back.  `sentinel` NULL: nothing happens. */
void ngx_http_otp_redis_seek(ngx_http_otp_redis_sentinel_t *sentinel);

/* ngx_http_otp_redis_values.c */
ngx_int_t ngx_http_otp_redis_refuse(ngx_conf_t *cf, const char *what);
ngx_int_t ngx_http_otp_redis_read_tls_ca(ngx_conf_t *cf, ngx_str_t *value, ngx_str_t *name);
/* The first line of the file, in memory that is wiped when the configuration goes. */
ngx_int_t ngx_http_otp_redis_read_password(ngx_conf_t *cf, ngx_str_t *value, const char *option, ngx_str_t *password);
ngx_int_t ngx_http_otp_redis_add_address(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value,
    in_port_t port);

/* ngx_http_otp_redis_place.c */

/* NGX_DECLINED: it is not an address of IPv4 or IPv6, nor a port. */
ngx_int_t ngx_http_otp_redis_place(otp_span_t host, otp_span_t port, ngx_http_otp_redis_place_t *place);
ngx_uint_t ngx_http_otp_redis_place_same(const ngx_http_otp_redis_place_t *a, const ngx_http_otp_redis_place_t *b);
/* `address` points into `place`. */
void ngx_http_otp_redis_place_address(ngx_http_otp_redis_place_t *place, ngx_http_otp_redis_address_t *address);

/* ngx_http_otp_redis_cluster.c */
ngx_http_otp_redis_cluster_t *ngx_http_otp_redis_cluster_alloc(ngx_pool_t *pool);
ngx_int_t ngx_http_otp_redis_cluster_create(ngx_conf_t *cf, ngx_http_otp_redis_t *redis);
ngx_int_t ngx_http_otp_redis_cluster_init(ngx_cycle_t *cycle, ngx_http_otp_redis_cluster_t *cluster);
void ngx_http_otp_redis_cluster_exit(ngx_http_otp_redis_cluster_t *cluster);
ngx_uint_t ngx_http_otp_redis_cluster_is_up(const ngx_http_otp_redis_cluster_t *cluster);
int64_t ngx_http_otp_redis_cluster_floor_s(const ngx_http_otp_redis_cluster_t *cluster);
/* ngx_http_otp_redis_send() in a cluster. */
ngx_http_otp_redis_batch_t *ngx_http_otp_redis_cluster_send(ngx_http_otp_redis_cluster_t *cluster,
    const otp_command_t *commands, size_t count, ngx_http_otp_redis_handler_pt handler, void *data);

/* ngx_http_otp_redis_tls.c */
ngx_int_t ngx_http_otp_redis_tls_create(ngx_conf_t *cf, ngx_http_otp_redis_t *redis);
/* Ends in _greet() or _drop(). */
void ngx_http_otp_redis_tls_start(ngx_http_otp_redis_t *redis);

#endif
