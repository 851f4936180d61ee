/*
 * What `doctor` looks at, each as a value: given what Redis said, what is wrong and what to change.
 */
#ifndef OTPCTL_DOCTOR_H
#define OTPCTL_DOCTOR_H

#include "core/store/otp_command.h"

typedef enum { OTPCTL_FINE, OTPCTL_WARNING, OTPCTL_FAULT } otpctl_health_t;

typedef struct {
    const char     *name;
    otpctl_health_t health;
    char            text[1024];     /* what is */
    const char     *remedy;         /* what to change; "" when nothing is to be */
} otpctl_check_t;

/* The value of `name` in the text of INFO; empty when it has none. */
otp_span_t otpctl_info(otp_span_t info, const char *name);

/* `info`: the text of INFO; `save`: the value of CONFIG GET save, data NULL when it was not told. */
void otpctl_check_version(otp_span_t info, otpctl_check_t *check);
void otpctl_check_persistence(otp_span_t info, otp_span_t save, otpctl_check_t *check);
void otpctl_check_eviction(otp_span_t info, otpctl_check_t *check);
void otpctl_check_replicas(otp_span_t info, otpctl_check_t *check);
/* `user`: the reply of ACL GETUSER default, `aof`: whether there is an append-only file.  Redis 7 reads it at a start
 * with the rights of that user. */
void otpctl_check_default_user(const otp_reply_t *user, bool aof, otpctl_check_t *check);
/* `entries`: mail that is due, the oldest for `age_s`; `failed`: given up. */
void otpctl_check_outbox(int64_t entries, int64_t age_s, int64_t failed, otpctl_check_t *check);
/* `skew_ms`: how far Redis' clock is ahead of ours. */
void otpctl_check_clock(int64_t skew_ms, otpctl_check_t *check);

#endif
