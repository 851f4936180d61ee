/*
 * `cluster`: what its files share.  Nobody else includes this but the client.
 *
 *     map     which node serves which slot: asked of the addresses of otp_redis, each few seconds, and at once when a
 *             node says MOVED or is lost
 *     node    a client of one address each (ngx_http_otp_redis_internal.h)
 *     call    a batch of the module, cut into parts: one a node; each command may be sent on by MOVED or ASK
 */
#ifndef NGX_HTTP_OTP_REDIS_CLUSTER_H
#define NGX_HTTP_OTP_REDIS_CLUSTER_H

#include "core/store/otp_slot.h"
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#define NGX_HTTP_OTP_CLUSTER_NODES  32
#define NGX_HTTP_OTP_CLUSTER_NONE   0xff

typedef struct {
    ngx_http_otp_redis_t        client;         /* state CLOSED: this place is free */
    ngx_http_otp_redis_place_t  place;
    ngx_uint_t                  slots;          /* it serves, by the last map and what MOVED said since */
    unsigned                    served:1;       /* it has had slots */
    ngx_msec_t                  used_ms;        /* when somebody was last sent to it by name */
} ngx_http_otp_cluster_node_t;

struct ngx_http_otp_redis_cluster_s {
    ngx_http_otp_redis_t         *redis;        /* what the directive says; not a connection itself */
    ngx_http_otp_redis_t         *map;          /* where the map is asked for */
    ngx_http_otp_cluster_node_t  *node;         /* NGX_HTTP_OTP_CLUSTER_NODES */
    u_char                        owner[OTP_SLOTS];     /* index of a node, or NGX_HTTP_OTP_CLUSTER_NONE */
    ngx_cycle_t                  *cycle;
    ngx_queue_t                   held;         /* calls that wait for the first map */
    ngx_event_t                   timer;
    ngx_connection_t              ident;        /* behind the timer, for nginx's debug log */
    ngx_http_otp_redis_t         *asked;        /* where the map was asked for last: usually `map` */
    ngx_msec_t                    asked_ms;
    ngx_uint_t                    vain;         /* maps in a row that name a node which is not there */
    int64_t                       floor_s;      /* of nodes that are no more */
    const char                   *reported;     /* what is wrong with the map, as the log was told */
    unsigned                      known:1;
    unsigned                      asking:1;
};

/* `batch` is what the module has in its hands: handler, data and count; the replies are kept here. */
typedef struct {
    ngx_queue_t                    queue;           /* in cluster->held */
    ngx_http_otp_redis_batch_t    *batch;
    ngx_http_otp_redis_cluster_t  *cluster;
    ngx_msec_t                     deadline;
    size_t                         parts;           /* under way; the timer counts for one */
    uint32_t                       todo;            /* a bit for each command that was not sent yet */
    uint32_t                       again;           /* those that are to be tried again, when the timer fires */
    ngx_event_t                    timer;
    ngx_event_t                    late;            /* where the deadline is not that of one part */
    ngx_connection_t               ident;           /* behind the timers, for nginx's debug log */
    const otp_reply_t             *reply[NGX_HTTP_OTP_REDIS_COMMANDS];
    otp_reply_t                   *owned[NGX_HTTP_OTP_REDIS_COMMANDS];
    u_char                         tries[NGX_HTTP_OTP_REDIS_COMMANDS];
    otp_command_t                  command[NGX_HTTP_OTP_REDIS_COMMANDS];
    char                          *text;            /* what the commands' arguments point into */
    size_t                         text_len;
    unsigned                       failed:1;
    unsigned                       held:1;
    unsigned                       ordered:1;       /* one of them writes */
} ngx_http_otp_call_t;

/* ngx_http_otp_redis_cluster.c */

/* The map is not right any more: asks for it soon. */
void ngx_http_otp_cluster_seek(ngx_http_otp_redis_cluster_t *cluster);

/* ngx_http_otp_redis_node.c */

/* The node at this address, whose client is started if it is a new one.  NULL: no address of IPv4 or IPv6, no room. */
ngx_http_otp_cluster_node_t *ngx_http_otp_cluster_at(ngx_http_otp_redis_cluster_t *cluster, otp_span_t host,
    otp_span_t port);
/* MOVED: `slot` is there from now on. */
void ngx_http_otp_cluster_moved(ngx_http_otp_redis_cluster_t *cluster, unsigned slot,
    ngx_http_otp_cluster_node_t *node);
/* By the map it is there. */
void ngx_http_otp_cluster_give(ngx_http_otp_redis_cluster_t *cluster, unsigned slot, ngx_http_otp_cluster_node_t *node);
/* Tells the nodes which of the sixteen tags are theirs. */
void ngx_http_otp_cluster_adopt(ngx_http_otp_redis_cluster_t *cluster);
/* Ends those that serve nothing any more. */
void ngx_http_otp_cluster_retire(ngx_http_otp_redis_cluster_t *cluster);

/* ngx_http_otp_redis_call.c */

/* The map is there: what was held goes out. */
void ngx_http_otp_cluster_release(ngx_http_otp_redis_cluster_t *cluster);
/* Where nothing is under way any more: what comes next, or the handler. */
void ngx_http_otp_call_settle(ngx_http_otp_call_t *call);
/* More than one part after the other: the time of all is that of the call. */
void ngx_http_otp_call_limit(ngx_http_otp_call_t *call);

/* ngx_http_otp_redis_part.c */

/* The commands `index[0..count)` of the call to one node.  NGX_ERROR: it does not take them. */
ngx_int_t ngx_http_otp_part_send(ngx_http_otp_call_t *call, ngx_http_otp_cluster_node_t *node, const size_t *index,
    size_t count, ngx_uint_t asking);

#endif
