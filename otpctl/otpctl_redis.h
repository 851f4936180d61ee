/*
 * One conversation with Redis: a command, its reply.
 */
#ifndef OTPCTL_REDIS_H
#define OTPCTL_REDIS_H

#include "core/store/otp_command.h"
#include "otpctl/otpctl_address.h"

typedef struct otpctl_redis_s otpctl_redis_t;

/* Connects to the first of the addresses that answers and is no replica (where there are several),
 * signs in, selects the database.  NULL: `error` says why not, for each of them. */
OTP_MUST_USE otpctl_redis_t *otpctl_redis_open(const otpctl_address_t *address, char *error, size_t error_size);
void otpctl_redis_close(otpctl_redis_t *redis);

/* Whether there is a password in the file that `address` names, if it names one.  False: `error` says what is wrong
 * with the file, which is no fault of Redis. */
OTP_MUST_USE bool otpctl_redis_password_there(const otpctl_address_t *address, char *error, size_t error_size);

/* The reply, of whatever kind; the caller destroys it.  NULL: the connection is over, and whether the
 * command was carried out is unknown.  `patience_ms`: what the command itself may take (BLOCK). */
OTP_MUST_USE otp_reply_t *otpctl_redis_ask(otpctl_redis_t *redis, const otp_span_t *arg, size_t args,
    int64_t patience_ms);

/* Many commands, sent before the first reply is read; `reply[i]` is the caller's to destroy, also when the connection
 * was over before all had come (false): those that did not come are NULL then. */
OTP_MUST_USE bool otpctl_redis_ask_many(otpctl_redis_t *redis, const otp_command_t *command, size_t commands,
    otp_reply_t **reply);

/* Why otpctl_redis_ask() gave NULL, and where we are connected. */
const char *otpctl_redis_error(const otpctl_redis_t *redis);
const char *otpctl_redis_place(const otpctl_redis_t *redis);

/* Whether an error reply means that this server cannot be used at all for now. */
bool otpctl_redis_away(otp_span_t error);
/* What to do about an error reply; "" when only its own text says it. */
const char *otpctl_redis_remedy(otp_span_t error);

#endif
