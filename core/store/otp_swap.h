/*
 * Compare-and-set, the one script that runs in Redis: write the next record only if the stored one is
 * still the one that was read, and in the same step append the audit event.
 *
 *     KEYS[1] the record   KEYS[2] the stream of events (same Cluster slot)
 *     ARGV[1] expected value ("" = absent)   ARGV[2] next value ("" = delete)
 *     ARGV[3] time to live in ms ("0" = none)   ARGV[4] event ("" = none)   ARGV[5] stream length kept
 *     reply: [1] swapped, [0, value-or-nil] lost to somebody else: what is stored now
 */
#ifndef OTP_SWAP_H
#define OTP_SWAP_H

#include "core/store/otp_command.h"

otp_span_t otp_swap_script(void);
/* 40 hex digits. */
otp_span_t otp_swap_sha1(void);

typedef enum { OTP_SWAPPED, OTP_SWAP_LOST, OTP_SWAP_FAILED } otp_swapped_t;

typedef struct {
    otp_span_t key, stream;
    otp_span_t expected, next;      /* empty: absent */
    otp_span_t ttl_ms;              /* decimal text; empty: none */
    otp_span_t event;               /* JSON; empty: none */
} otp_swap_t;

/* Everything `swap` points to must live until the command is sent. */
void otp_swap_command(const otp_swap_t *swap, otp_command_t *command);

/* OTP_SWAP_LOST: `*stored` is what is there now (empty: nothing).  OTP_SWAP_FAILED: error, or reply NULL:
 * whether it was carried out is unknown. */
OTP_MUST_USE otp_swapped_t otp_swap_result(const otp_reply_t *reply, otp_span_t *stored);

#endif
