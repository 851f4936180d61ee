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

/* Puts what is there to be said into `check`. */
void otpctl_check_say(otpctl_check_t *check, otpctl_health_t health, const char *remedy, const char *format, ...)
    OTP_PRINTF(4, 5);

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

/* --- where there are several servers: otpctl_check_masters.c --- */

/* `asked`: of `replicas=`, above 0. */
void otpctl_check_promise(otp_span_t info, int64_t asked, otpctl_check_t *check);
/* `least`: the value of CONFIG GET min-replicas-to-write, data NULL when it was not told. */
void otpctl_check_cut_off(otp_span_t least, otpctl_check_t *check);

typedef struct {
    size_t      asked, answer, agree;       /* Sentinels; `agree`: that name `master` */
    const char *master;                     /* "" when none answers */
    const char *silent, *differs;           /* what the first says that does not answer, or not agree; or "" */
    int64_t     known, quorum;              /* Sentinels that watch the master, and what makes it down; 0: not told */
    otp_span_t  objection;                  /* the error of SENTINEL CKQUORUM; empty: none */
} otpctl_sentinels_t;

void otpctl_check_sentinels(const otpctl_sentinels_t *sentinels, otpctl_check_t *check);

/* `info`: the text of CLUSTER INFO of one master, empty when it was not told; `gaps`: slots of nobody; `moving`: a slot
 * is on its way. */
void otpctl_check_cluster(otp_span_t info, size_t masters, size_t gaps, bool moving, otpctl_check_t *check);

/* Keeps the worst of what is known of several masters under one name, with the place (may be empty) of the one it is
 * of.  Returns how many checks there are now. */
size_t otpctl_check_merge(otpctl_check_t *kept, size_t checks, const otpctl_check_t *check, const char *place);

#endif
