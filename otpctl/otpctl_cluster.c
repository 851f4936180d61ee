#include "otpctl/otpctl_cluster_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/otp_buffer.h"
#include "core/store/otp_resp.h"
#include "otpctl/otpctl_link.h"
#include "otpctl/otpctl_verb.h"

#define HOPS        8       /* servers that one command is sent to without a pause */
#define MOVING_MS   5000    /* how long a command waits for a slot of which two servers have halves, or say so */
#define PAUSE_MS    50

/* One command on its way. */
typedef struct {
    otp_span_t name;
    int        server;
    bool       asking, sent, reads, renewed;
    int        hops;
    int64_t    deadline_ms;
} way_t;

const otpctl_slot_map_t *otpctl_cluster_map(const otpctl_cluster_t *cluster)
{
    return &cluster->map;
}


const char *otpctl_cluster_error(const otpctl_cluster_t *cluster)
{
    return cluster->error;
}


const char *otpctl_cluster_place(const otpctl_cluster_t *cluster)
{
    return cluster->map.server[cluster->last].text;
}


otpctl_node_t *otpctl_cluster_reach(otpctl_cluster_t *cluster, int server)
{
    otpctl_node_t **node = &cluster->node[server];
    otpctl_place_t  place = otpctl_server_place(&cluster->map.server[server]);

    if (*node && otpctl_node_over(*node)) {
        otpctl_node_close(*node);
        *node = NULL;
    }
    if (!*node) {
        *node = otpctl_node_open(cluster->address, &place, OTPCTL_NODE_REDIS, cluster->error, sizeof(cluster->error));
        cluster->opened += *node != NULL;
    }
    cluster->last = server;
    return *node;
}


/* Takes the map of slots from a server; `host`: its own. */
static bool take_map(otpctl_cluster_t *cluster, otpctl_node_t *node, const char *host)
{
    otp_span_t   arg[] = { OTP_SPAN("CLUSTER"), OTP_SPAN("SLOTS") };
    otp_reply_t *reply = otpctl_node_ask(node, arg, 2, 0);
    bool         taken = reply && otpctl_slot_map_read(&cluster->map, reply, otp_span_of(host));

    if (!reply) {
        (void) snprintf(cluster->error, sizeof(cluster->error), "%s", otpctl_node_error(node));
    } else if (!taken) {
        bool        refused = reply->kind == OTP_REPLY_ERROR;
        const char *remedy = refused ? otpctl_redis_remedy(reply->text) : "";

        (void) snprintf(cluster->error, sizeof(cluster->error), "Redis at %s: %.*s%s%s", otpctl_node_place(node),
                        refused ? (int) (reply->text.len < 200 ? reply->text.len : 200) : 60,
                        refused ? reply->text.data : "CLUSTER SLOTS tells of no servers", *remedy ? ": " : "", remedy);
    }
    otp_reply_destroy(reply);
    return taken;
}


/* From the addresses that were given. */
static bool take_first_map(otpctl_cluster_t *cluster)
{
    char         reasons[sizeof(cluster->error)];
    otp_buffer_t out;

    otp_buffer_init(&out, reasons, sizeof(reasons) - 1);
    for (size_t i = 0; i < cluster->address->places; i++) {
        const otpctl_place_t *place = &cluster->address->place[i];
        otpctl_node_t        *node = otpctl_node_open(cluster->address, place, OTPCTL_NODE_REDIS, cluster->error,
                                                      sizeof(cluster->error));
        bool                  taken = node && take_map(cluster, node, place->host);

        otpctl_node_close(node);
        if (taken) {
            return true;
        }
        otp_buffer_add_text(&out, out.len ? "; " : "");
        otp_buffer_add_text(&out, cluster->error);
    }
    reasons[out.len] = '\0';
    (void) snprintf(cluster->error, sizeof(cluster->error), "%s", reasons);
    return false;
}


/* From whoever is known, then from the addresses that were given. */
static bool renew(otpctl_cluster_t *cluster)
{
    for (size_t i = 0; i < cluster->map.servers; i++) {
        otpctl_node_t *node = cluster->map.server[i].master ? otpctl_cluster_reach(cluster, (int) i) : NULL;

        if (node && take_map(cluster, node, cluster->map.server[i].host)) {
            return true;
        }
    }
    return take_first_map(cluster);
}


otpctl_cluster_t *otpctl_cluster_open(const otpctl_address_t *address, char *error, size_t error_size)
{
    otpctl_cluster_t *cluster = calloc(1, sizeof(*cluster));

    if (!cluster) {
        (void) snprintf(error, error_size, "out of memory");
        return NULL;
    }
    cluster->address = address;
    otpctl_slot_map_init(&cluster->map);
    if (take_first_map(cluster)) {
        return cluster;
    }
    (void) snprintf(error, error_size, "%s", cluster->error);
    otpctl_cluster_close(cluster);
    return NULL;
}


void otpctl_cluster_close(otpctl_cluster_t *cluster)
{
    if (cluster) {
        for (size_t i = 0; i < OTPCTL_SERVERS; i++) {
            otpctl_node_close(cluster->node[i]);
        }
        free(cluster);
    }
}


int otpctl_cluster_server(const otpctl_cluster_t *cluster, otp_span_t name)
{
    int server = name.data ? cluster->map.owner[otp_slot_of(name)] : -1;

    for (size_t i = 0; i < cluster->map.servers && server < 0; i++) {
        server = cluster->map.server[i].master ? (int) i : -1;
    }
    return server < 0 ? 0 : server;
}


static otp_reply_t *ask_server(otpctl_cluster_t *cluster, way_t *way, const otp_span_t *arg, size_t args,
    int64_t patience_ms)
{
    otp_span_t     asking[] = { OTP_SPAN("ASKING") };
    otpctl_node_t *node = otpctl_cluster_reach(cluster, way->server);
    otp_reply_t   *reply = NULL;

    way->sent = false;
    if (!node) {
        return NULL;
    }
    if (!way->asking || otpctl_node_greet(node, asking, 1)) {
        way->sent = true;
        reply = otpctl_durable_ask(node, arg, args, patience_ms);
    }
    if (!reply) {
        (void) snprintf(cluster->error, sizeof(cluster->error), "%s", otpctl_node_error(node));
    }
    return reply;
}


/* After a loss.  False: it must not be, or cannot be, sent again. */
static bool try_renewed(otpctl_cluster_t *cluster, way_t *way)
{
    if (way->renewed || (way->sent && !way->reads) || !renew(cluster)) {
        return false;
    }
    way->renewed = true;
    way->asking = false;
    way->server = otpctl_cluster_server(cluster, way->name);
    return true;
}


/* The two halves of a slot that moves come together on one of the two servers. */
static bool wait_for_slot(otpctl_cluster_t *cluster, way_t *way)
{
    struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

    if (otpctl_clock_ms() >= way->deadline_ms) {
        return false;
    }
    (void) nanosleep(&pause, NULL);
    way->hops = 0;
    way->asking = false;
    way->server = otpctl_cluster_server(cluster, way->name);
    return true;
}


/* Whether the command is to be sent on, or again: an error reply that sends it elsewhere says that it was not carried
 * out. */
static bool sent_on(otpctl_cluster_t *cluster, way_t *way, const otp_reply_t *reply)
{
    otp_slot_target_t      target;
    otp_slot_redirection_t redirection;

    if (!reply) {
        return try_renewed(cluster, way);
    }
    if (reply->kind != OTP_REPLY_ERROR) {
        return false;
    }
    if (otp_span_starts(reply->text, OTP_SPAN("TRYAGAIN"))) {
        return wait_for_slot(cluster, way);
    }
    redirection = otp_slot_redirection(reply->text, &target);
    if (redirection == OTP_SLOT_HERE) {
        return false;
    }
    if (target.host.len == 0) {
        target.host = otp_span_of(cluster->map.server[way->server].host);
    }
    int server = otpctl_slot_map_server(&cluster->map, target.host, target.port);

    if (server < 0) {
        return false;
    }
    way->server = server;
    way->asking = redirection == OTP_SLOT_ASK;
    if (redirection == OTP_SLOT_MOVED) {
        cluster->map.owner[target.slot] = (int16_t) server;
        cluster->map.server[server].master = true;
    }
    return true;
}


otp_reply_t *otpctl_cluster_ask(otpctl_cluster_t *cluster, const otp_span_t *arg, size_t args, int64_t patience_ms)
{
    otp_span_t name = otpctl_verb_name(arg, args);
    way_t      way = {
        .name = name, .server = otpctl_cluster_server(cluster, name), .reads = otpctl_verb_reads(arg, args),
        .deadline_ms = otpctl_clock_ms() + MOVING_MS
    };

    do {
        otp_reply_t *reply = ask_server(cluster, &way, arg, args, patience_ms);

        if (!sent_on(cluster, &way, reply)) {
            return reply;
        }
        otp_reply_destroy(reply);
        /* Servers that do not agree yet who has the slot will, in a moment. */
    } while (++way.hops < HOPS || wait_for_slot(cluster, &way));
    (void) snprintf(cluster->error, sizeof(cluster->error), "Redis at %s: the servers of the cluster send the command "
                    "to each other", otpctl_cluster_place(cluster));
    return NULL;
}


size_t otpctl_cluster_masters(const otpctl_cluster_t *cluster)
{
    size_t masters = 0;

    for (size_t i = 0; i < cluster->map.servers; i++) {
        masters += cluster->map.server[i].master;
    }
    return masters;
}


otp_reply_t *otpctl_cluster_ask_master(otpctl_cluster_t *cluster, size_t master, const otp_span_t *arg, size_t args)
{
    way_t  way = { .server = -1 };
    size_t seen = 0;

    for (size_t i = 0; i < cluster->map.servers && way.server < 0; i++) {
        if (cluster->map.server[i].master && seen++ == master) {
            way.server = (int) i;
        }
    }
    return way.server < 0 ? NULL : ask_server(cluster, &way, arg, args, 0);
}


bool otpctl_cluster_layout(otpctl_cluster_t *cluster, otpctl_layout_t *layout)
{
    otp_span_t arg[] = { OTP_SPAN("CLUSTER"), OTP_SPAN("NODES") };

    *layout = (otpctl_layout_t) { .moving = false };
    if (!renew(cluster)) {
        return false;
    }
    /* A master without a slot is met on the way, and asked as well. */
    for (size_t i = 0; i < otpctl_cluster_masters(cluster); i++) {
        otp_reply_t *reply = otpctl_cluster_ask_master(cluster, i, arg, 2);

        if (!reply) {
            return false;
        }
        if (reply->kind == OTP_REPLY_TEXT) {
            otpctl_slot_map_nodes(&cluster->map, reply->text, &layout->digest, &layout->moving);
        } else {
            layout->moving = true;
        }
        otp_reply_destroy(reply);
    }
    layout->opened = cluster->opened;
    return true;
}
