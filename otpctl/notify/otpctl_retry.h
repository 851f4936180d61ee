/*
 * When an entry of the outbox that was tried is tried again, and when no more.
 */
#ifndef OTPCTL_RETRY_H
#define OTPCTL_RETRY_H

#include "core/base/otp_base.h"

#define OTPCTL_RETRY_FIRST_MS   30000       /* after the first attempt; doubled after each other one */
#define OTPCTL_RETRY_LAST_MS    3600000
#define OTPCTL_RETRY_MARGIN_MS  15000       /* what an attempt takes beside the mail server */

/* Who has an entry that was delivered to a consumer and is not acknowledged. */
typedef enum {
    OTPCTL_OWNER_WAITING,       /* nobody: an attempt has failed */
    OTPCTL_OWNER_SELF,          /* we, by an answer of Redis that we never got */
    OTPCTL_OWNER_DEAD,          /* a process of this machine that has ended */
    OTPCTL_OWNER_OTHER          /* a process that may be at work on it */
} otpctl_owner_t;

typedef struct {
    int64_t attempt_ms;         /* what an attempt may take at the mail server */
    int64_t give_up_ms;
    int64_t once_ms;            /* of --once: since when it runs; else negative */
} otpctl_retry_t;

int64_t otpctl_retry_backoff_ms(int64_t attempts);

/* How long nothing may have happened to the entry before it may be taken. */
int64_t otpctl_retry_idle_ms(const otpctl_retry_t *retry, otpctl_owner_t owner, int64_t attempts);

/* After a failed attempt: whether it was the last one. */
bool otpctl_retry_over(const otpctl_retry_t *retry, int64_t queued_ms, int64_t now_ms);

/* How long all mail waits after `failures` consecutive attempts that failed for a reason of the server. */
int64_t otpctl_retry_pause_ms(int64_t failures);

#endif
