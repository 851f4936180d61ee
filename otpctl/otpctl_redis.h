/*
 * The conversation with Redis that commands of otpctl see: one server, the master that Sentinels name, or a cluster.
 */
#ifndef OTPCTL_REDIS_H
#define OTPCTL_REDIS_H

#include "core/store/otp_command.h"
#include "otpctl/otpctl_address.h"

typedef struct otpctl_redis_s otpctl_redis_t;

/* Connects to the first of the addresses that answers and is no replica (where there are several); to the master that
 * Sentinel names; or to a cluster.  Signs in, selects the database.  `address` must stay.  NULL: `error` says why not,
 * for each address. */
OTP_MUST_USE otpctl_redis_t *otpctl_redis_open(const otpctl_address_t *address, char *error, size_t error_size);
void otpctl_redis_close(otpctl_redis_t *redis);

/* Whether there is a password in each of the files that `address` names.  False: `error` says what is wrong with the
 * file, which is no fault of Redis. */
OTP_MUST_USE bool otpctl_redis_password_there(const otpctl_address_t *address, char *error, size_t error_size);

/* The reply, of whatever kind; the caller destroys it.  NULL: the connection is over, and whether the
 * command was carried out is unknown.  `patience_ms`: what the command itself may take (BLOCK).
 * With Sentinel or a cluster the master is looked for once more when it is lost, and a command that was certainly not
 * carried out, or changes nothing, is sent again.  With `replicas=` the error reply UNREPLICATED says that a change was
 * made, but is not on as many replicas. */
OTP_MUST_USE otp_reply_t *otpctl_redis_ask(otpctl_redis_t *redis, const otp_span_t *arg, size_t args,
    int64_t patience_ms);

/* Many commands, sent before the first reply is read; `reply[i]` is the caller's to destroy, also when the connection
 * was over before all had come (false): those that did not come are NULL then. */
OTP_MUST_USE bool otpctl_redis_ask_many(otpctl_redis_t *redis, const otp_command_t *command, size_t commands,
    otp_reply_t **reply);

/* How many masters there are, and a command to one of them, of 0…; without a cluster one. */
size_t otpctl_redis_masters(const otpctl_redis_t *redis);
OTP_MUST_USE otp_reply_t *otpctl_redis_ask_master(otpctl_redis_t *redis, size_t master, const otp_span_t *arg,
    size_t args);

/* What tells whether everything was met that was there during a walk over all masters: when it is the same before and
 * afterwards, and nothing moves. */
typedef struct {
    uint64_t digest;    /* of who has which slots */
    uint64_t opened;    /* connections so far: a cursor of SCAN means nothing to another server */
    bool     moving;    /* a slot is on its way */
} otpctl_layout_t;

/* False: a master cannot be asked. */
OTP_MUST_USE bool otpctl_redis_layout(otpctl_redis_t *redis, otpctl_layout_t *layout);

/* Of a cluster, the map of its slots; else NULL. */
const struct otpctl_slot_map_s *otpctl_redis_map(const otpctl_redis_t *redis);

/* Why otpctl_redis_ask() gave NULL, and where we are connected; with a cluster, where the last command went. */
const char *otpctl_redis_error(const otpctl_redis_t *redis);
const char *otpctl_redis_place(const otpctl_redis_t *redis);

/* Whether an error reply means that this server cannot be used at all for now. */
bool otpctl_redis_away(otp_span_t error);
/* What to do about an error reply; "" when only its own text says it. */
const char *otpctl_redis_remedy(otp_span_t error);

#endif
