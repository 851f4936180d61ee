#include <stdio.h>
#include <stdlib.h>

#include "core/store/otp_resp.h"
#include "otpctl/otpctl_cluster_private.h"
#include "otpctl/otpctl_verb.h"

/* Sends those that belong to `server`, which are in `index`.  What was not sent at all gets server -1. */
static void send_to(otpctl_cluster_t *cluster, int server, const otp_command_t *command, int *at, size_t *index,
    size_t commands, otp_reply_t **reply)
{
    size_t         mine = 0;
    otpctl_node_t *node;

    for (size_t i = 0; i < commands; i++) {
        if (at[i] == server) {
            index[mine++] = i;
        }
    }
    node = mine ? otpctl_cluster_reach(cluster, server) : NULL;
    if (node && !otpctl_durable_ask_many(node, command, index, mine, reply)) {
        (void) snprintf(cluster->error, sizeof(cluster->error), "%s", otpctl_node_error(node));
    }
    for (size_t i = 0; i < mine && !node; i++) {
        at[index[i]] = -1;
    }
}


static bool unfinished(const otp_command_t *command, const otp_reply_t *reply, int server)
{
    otp_slot_target_t target;

    if (!reply) {
        return server < 0 || otpctl_verb_reads(command->arg, command->args);
    }
    return reply->kind == OTP_REPLY_ERROR && (otp_span_starts(reply->text, OTP_SPAN("TRYAGAIN"))
        || otp_slot_redirection(reply->text, &target) != OTP_SLOT_HERE);
}


/* One by one, what is to be sent on or again, until a server stays away. */
static bool finish(otpctl_cluster_t *cluster, const otp_command_t *command, const int *at, size_t commands,
    otp_reply_t **reply)
{
    bool complete = true, away = false;

    for (size_t i = 0; i < commands; i++) {
        if (!away && unfinished(&command[i], reply[i], at[i])) {
            otp_reply_destroy(reply[i]);
            reply[i] = otpctl_cluster_ask(cluster, command[i].arg, command[i].args, 0);
            away = !reply[i];
        }
        complete = complete && reply[i];
    }
    return complete;
}


bool otpctl_cluster_ask_many(otpctl_cluster_t *cluster, const otp_command_t *command, size_t commands,
    otp_reply_t **reply)
{
    int    *at = calloc(commands, sizeof(*at));
    size_t *index = calloc(commands, sizeof(*index));
    bool    complete = false;

    for (size_t i = 0; i < commands; i++) {
        reply[i] = NULL;
    }
    if (at && index) {
        for (size_t i = 0; i < commands; i++) {
            at[i] = otpctl_cluster_server(cluster, otpctl_verb_name(command[i].arg, command[i].args));
        }
        for (size_t i = 0; i < cluster->map.servers; i++) {
            send_to(cluster, (int) i, command, at, index, commands, reply);
        }
        complete = finish(cluster, command, at, commands, reply);
    } else {
        (void) snprintf(cluster->error, sizeof(cluster->error), "out of memory");
    }
    free(at);
    free(index);
    return complete;
}
