#include "otpctl/otpctl_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/store/otp_resp.h"
#include "otpctl/otpctl_cluster.h"
#include "otpctl/otpctl_node.h"
#include "otpctl/otpctl_sentinel.h"
#include "otpctl/otpctl_verb.h"

struct otpctl_redis_s {
    const otpctl_address_t *address;
    otpctl_cluster_t       *cluster;    /* or NULL and */
    otpctl_node_t          *node;       /* NULL: lost */
    uint64_t                opened;
    char                    place[300], error[1024];
};

const char *otpctl_redis_error(const otpctl_redis_t *redis)
{
    return redis->cluster ? otpctl_cluster_error(redis->cluster) : redis->error;
}


const char *otpctl_redis_place(const otpctl_redis_t *redis)
{
    return redis->cluster ? otpctl_cluster_place(redis->cluster) : redis->place;
}


const otpctl_slot_map_t *otpctl_redis_map(const otpctl_redis_t *redis)
{
    return redis->cluster ? otpctl_cluster_map(redis->cluster) : NULL;
}


bool otpctl_redis_password_there(const otpctl_address_t *address, char *error, size_t error_size)
{
    return otpctl_node_passwords_there(address, error, error_size);
}


/* A part of a cluster would be taken for all of it: a list would be short, and nothing would say so. */
static bool stands_alone(otpctl_node_t *node, char *error, size_t error_size)
{
    otp_span_t   arg[] = { OTP_SPAN("INFO"), OTP_SPAN("cluster") };
    otp_reply_t *reply = otpctl_node_ask(node, arg, 2, 0);
    otp_span_t   text = reply && reply->kind == OTP_REPLY_TEXT ? reply->text : OTP_SPAN_NONE;
    bool         part = text.len && memmem(text.data, text.len, "cluster_enabled:1", strlen("cluster_enabled:1"));

    if (!reply) {
        (void) snprintf(error, error_size, "%s", otpctl_node_error(node));
    } else if (part) {
        (void) snprintf(error, error_size, "Redis at %s: %s", otpctl_node_place(node),
                        otpctl_redis_remedy(OTP_SPAN("MOVED")));
    }
    otp_reply_destroy(reply);
    return reply && !part;
}


static otpctl_node_t *open_place(const otpctl_address_t *address, const otpctl_place_t *place, char *error,
    size_t error_size)
{
    otpctl_node_t *node = otpctl_node_open(address, place, OTPCTL_NODE_REDIS, error, error_size);

    if (!node) {
        return NULL;
    }
    /* Where one of several addresses is the master, the others are its replicas. */
    if (address->places > 1 && !otpctl_node_is_master(node, false)) {
        (void) snprintf(error, error_size, "%s", otpctl_node_error(node));
    } else if (stands_alone(node, error, error_size)) {
        return node;
    }
    otpctl_node_close(node);
    return NULL;
}


static otpctl_node_t *open_first(const otpctl_address_t *address, char *error, size_t error_size)
{
    otp_buffer_t   reasons;
    otpctl_node_t *node = NULL;

    otp_buffer_init(&reasons, error, error_size - 1);
    for (size_t i = 0; i < address->places && !node; i++) {
        char reason[600] = "";

        node = open_place(address, &address->place[i], reason, sizeof(reason));
        if (!node) {
            otp_buffer_add_text(&reasons, reasons.len ? "; " : "");
            otp_buffer_add_text(&reasons, reason);
        }
    }
    error[reasons.len] = '\0';
    return node;
}


/* The master, by now. */
static bool find(otpctl_redis_t *redis)
{
    const otpctl_address_t *address = redis->address;

    otpctl_node_close(redis->node);
    redis->node = address->sentinel ? otpctl_sentinel_find(address, redis->error, sizeof(redis->error))
        : open_first(address, redis->error, sizeof(redis->error));
    if (redis->node) {
        redis->opened++;
        (void) snprintf(redis->place, sizeof(redis->place), "%s", otpctl_node_place(redis->node));
    }
    return redis->node != NULL;
}


otpctl_redis_t *otpctl_redis_open(const otpctl_address_t *address, char *error, size_t error_size)
{
    otpctl_redis_t *redis = calloc(1, sizeof(*redis));

    if (!redis) {
        (void) snprintf(error, error_size, "out of memory");
        return NULL;
    }
    redis->address = address;
    if (address->cluster) {
        redis->cluster = otpctl_cluster_open(address, error, error_size);
    } else if (!find(redis)) {
        (void) snprintf(error, error_size, "%s", redis->error);
    }
    if (!redis->cluster && !redis->node) {
        otpctl_redis_close(redis);
        return NULL;
    }
    return redis;
}


void otpctl_redis_close(otpctl_redis_t *redis)
{
    if (redis) {
        otpctl_cluster_close(redis->cluster);
        otpctl_node_close(redis->node);
        free(redis);
    }
}


/* With Sentinel a conversation that is over before anything was said is taken up with the master of now. */
static bool ready(otpctl_redis_t *redis)
{
    return (redis->node && (!redis->address->sentinel || !otpctl_node_over(redis->node))) || find(redis);
}


/* Says that it is no master, or not yet: nothing was carried out.  A script's error has Redis' own inside. */
static bool says_no_master(const otp_reply_t *reply)
{
    static const char *const codes[] = { "READONLY", "LOADING", "MASTERDOWN" };

    if (!reply || reply->kind != OTP_REPLY_ERROR) {
        return false;
    }
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (otp_span_starts(reply->text, otp_span_of(codes[i]))) {
            return true;
        }
    }
    return memmem(reply->text.data, reply->text.len, "-READONLY ", strlen("-READONLY ")) != NULL;
}


static bool to_ask_again(const otpctl_redis_t *redis, const otp_span_t *arg, size_t args, const otp_reply_t *reply)
{
    return redis->address->sentinel && (reply ? says_no_master(reply) : otpctl_verb_reads(arg, args));
}


static otp_reply_t *ask(otpctl_redis_t *redis, const otp_span_t *arg, size_t args, int64_t patience_ms)
{
    otp_reply_t *reply = otpctl_durable_ask(redis->node, arg, args, patience_ms);

    if (!reply) {
        (void) snprintf(redis->error, sizeof(redis->error), "%s", otpctl_node_error(redis->node));
    }
    return reply;
}


otp_reply_t *otpctl_redis_ask(otpctl_redis_t *redis, const otp_span_t *arg, size_t args, int64_t patience_ms)
{
    otp_reply_t *reply;

    if (redis->cluster) {
        return otpctl_cluster_ask(redis->cluster, arg, args, patience_ms);
    }
    if (!ready(redis)) {
        return NULL;
    }
    reply = ask(redis, arg, args, patience_ms);
    if (to_ask_again(redis, arg, args, reply)) {
        otp_reply_destroy(reply);
        reply = find(redis) ? ask(redis, arg, args, patience_ms) : NULL;
    }
    return reply;
}


/* One by one, until the master stays away. */
static bool finish(otpctl_redis_t *redis, const otp_command_t *command, size_t commands, otp_reply_t **reply)
{
    bool complete = true, away = false;

    for (size_t i = 0; i < commands; i++) {
        if (!away && to_ask_again(redis, command[i].arg, command[i].args, reply[i])) {
            otp_reply_destroy(reply[i]);
            reply[i] = otpctl_redis_ask(redis, command[i].arg, command[i].args, 0);
            away = !reply[i];
        }
        complete = complete && reply[i];
    }
    return complete;
}


bool otpctl_redis_ask_many(otpctl_redis_t *redis, const otp_command_t *command, size_t commands, otp_reply_t **reply)
{
    size_t *index;

    if (redis->cluster) {
        return otpctl_cluster_ask_many(redis->cluster, command, commands, reply);
    }
    index = calloc(commands, sizeof(*index));
    for (size_t i = 0; i < commands; i++) {
        reply[i] = NULL;
    }
    if (!index) {
        (void) snprintf(redis->error, sizeof(redis->error), "out of memory");
        return false;
    }
    for (size_t i = 0; i < commands; i++) {
        index[i] = i;
    }
    if (ready(redis) && !otpctl_durable_ask_many(redis->node, command, index, commands, reply)) {
        (void) snprintf(redis->error, sizeof(redis->error), "%s", otpctl_node_error(redis->node));
    }
    free(index);
    return redis->node ? finish(redis, command, commands, reply) : false;
}


size_t otpctl_redis_masters(const otpctl_redis_t *redis)
{
    return redis->cluster ? otpctl_cluster_masters(redis->cluster) : 1;
}


otp_reply_t *otpctl_redis_ask_master(otpctl_redis_t *redis, size_t master, const otp_span_t *arg, size_t args)
{
    return redis->cluster ? otpctl_cluster_ask_master(redis->cluster, master, arg, args)
        : otpctl_redis_ask(redis, arg, args, 0);
}


bool otpctl_redis_layout(otpctl_redis_t *redis, otpctl_layout_t *layout)
{
    if (redis->cluster) {
        return otpctl_cluster_layout(redis->cluster, layout);
    }
    *layout = (otpctl_layout_t) { .opened = redis->opened };
    return true;
}
