/*
 * One conversation with one server, a Redis or a Sentinel: a command, its reply.
 */
#ifndef OTPCTL_NODE_H
#define OTPCTL_NODE_H

#include "core/store/otp_command.h"
#include "otpctl/otpctl_address.h"

typedef struct otpctl_node_s otpctl_node_t;

typedef enum { OTPCTL_NODE_REDIS, OTPCTL_NODE_SENTINEL } otpctl_node_kind_t;

/* Connects and signs in; a Redis has the database of `address` selected.  NULL: `error` says why not. */
OTP_MUST_USE otpctl_node_t *otpctl_node_open(const otpctl_address_t *address, const otpctl_place_t *place,
    otpctl_node_kind_t kind, char *error, size_t error_size);
void otpctl_node_close(otpctl_node_t *node);

/* The reply, of whatever kind; the caller destroys it.  NULL: the conversation is over, and whether the command was
 * carried out is unknown.  `patience_ms`: what the command itself may take. */
OTP_MUST_USE otp_reply_t *otpctl_node_ask(otpctl_node_t *node, const otp_span_t *arg, size_t args,
    int64_t patience_ms);
/* `command[index[i]]` for each i < `commands`, all sent before the first reply is read; the replies go to
 * `reply[index[i]]`.  False: it was over before all had come; those that did not come are NULL. */
OTP_MUST_USE bool otpctl_node_ask_many(otpctl_node_t *node, const otp_command_t *command, const size_t *index,
    size_t commands, otp_reply_t **reply);

/* The same two; what they change is held by as many replicas as the address asks for (`replicas=`) when a reply says
 * that it was done.  The error reply UNREPLICATED: done, but that is not certain. */
OTP_MUST_USE otp_reply_t *otpctl_durable_ask(otpctl_node_t *node, const otp_span_t *arg, size_t args,
    int64_t patience_ms);
OTP_MUST_USE bool otpctl_durable_ask_many(otpctl_node_t *node, const otp_command_t *command, const size_t *index,
    size_t commands, otp_reply_t **reply);

/* Asks, and keeps an error reply as the error of the conversation. */
OTP_MUST_USE bool otpctl_node_greet(otpctl_node_t *node, const otp_span_t *arg, size_t args);
/* Whether it says that it is the master.  `strictly`: else nothing but that it is a replica counts. */
OTP_MUST_USE bool otpctl_node_is_master(otpctl_node_t *node, bool strictly);
/* Whether it is known to be over although nothing is under way. */
bool otpctl_node_over(otpctl_node_t *node);

const char *otpctl_node_error(const otpctl_node_t *node);
const char *otpctl_node_place(const otpctl_node_t *node);
int64_t otpctl_node_timeout_ms(const otpctl_node_t *node);
int64_t otpctl_node_replicas(const otpctl_node_t *node);

/* Whether there is a password in each of the files that `address` names.  False: `error` says what is wrong with the
 * file. */
OTP_MUST_USE bool otpctl_node_passwords_there(const otpctl_address_t *address, char *error, size_t error_size);

#endif
