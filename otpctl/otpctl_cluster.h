/*
 * A conversation with all masters of a Redis Cluster: each command goes to the one that has its slot.
 */
#ifndef OTPCTL_CLUSTER_H
#define OTPCTL_CLUSTER_H

#include "otpctl/otpctl_redis.h"
#include "otpctl/otpctl_slot_map.h"

typedef struct otpctl_cluster_s otpctl_cluster_t;

/* Asks the addresses in turn for the map of slots.  NULL: `error` says of each why not. */
OTP_MUST_USE otpctl_cluster_t *otpctl_cluster_open(const otpctl_address_t *address, char *error, size_t error_size);
void otpctl_cluster_close(otpctl_cluster_t *cluster);

/* As otpctl_redis_ask() and otpctl_redis_ask_many() say.  A command that is sent elsewhere goes there; one that
 * changes something is sent a second time only when it was not carried out the first time. */
OTP_MUST_USE otp_reply_t *otpctl_cluster_ask(otpctl_cluster_t *cluster, const otp_span_t *arg, size_t args,
    int64_t patience_ms);
OTP_MUST_USE bool otpctl_cluster_ask_many(otpctl_cluster_t *cluster, const otp_command_t *command, size_t commands,
    otp_reply_t **reply);

/* The masters there are by now, from 0; one of them, whatever the slots are. */
size_t otpctl_cluster_masters(const otpctl_cluster_t *cluster);
OTP_MUST_USE otp_reply_t *otpctl_cluster_ask_master(otpctl_cluster_t *cluster, size_t master, const otp_span_t *arg,
    size_t args);

/* Asks for the map anew, and every master for what it has. */
OTP_MUST_USE bool otpctl_cluster_layout(otpctl_cluster_t *cluster, otpctl_layout_t *layout);

const otpctl_slot_map_t *otpctl_cluster_map(const otpctl_cluster_t *cluster);
const char *otpctl_cluster_error(const otpctl_cluster_t *cluster);
const char *otpctl_cluster_place(const otpctl_cluster_t *cluster);      /* of the last command */

#endif
