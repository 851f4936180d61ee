/*
 * Compare-and-set, the one script that runs in Redis: write the next record only if the stored one is
 * still the one that was read, and in the same step append what tells of it: the audit event, the same in the
 * person's own history, a mail that is due; and put a serial into the set of those that wait, or take it out.
 *
 *     KEYS[1] the record   KEYS[2] the stream of events   KEYS[3] outbox   KEYS[4] history   KEYS[5] waiting
 *             (the same Cluster slot; one that is not needed is KEYS[1] again)
 *     ARGV[1] expected value ("" = absent)   ARGV[2] next value ("" = delete)
 *     ARGV[3] time to live in ms ("0" = none)   ARGV[4] event ("" = none)   ARGV[5] events kept, about
 *     ARGV[6] mail ("" = none)   ARGV[7] history kept, about ("" = none)   ARGV[8] seconds it stays
 *     ARGV[9] serial that waits ("" = none)   ARGV[10] since when ("" = it does not any more)
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
    otp_span_t events_kept;         /* decimal text */
    otp_span_t outbox, mail;        /* empty: none */
    otp_span_t history;             /* where the event goes too; empty: nowhere */
    otp_span_t waiting, serial, since;  /* `serial` into the set, or out of it when `since` is empty; empty: neither */
} otp_swap_t;

/* Everything `swap` points to must live until the command is sent. */
void otp_swap_command(const otp_swap_t *swap, otp_command_t *command);

/* OTP_SWAP_LOST: `*stored` is what is there now (empty: nothing).  OTP_SWAP_FAILED: error, or reply NULL:
 * whether it was carried out is unknown. */
OTP_MUST_USE otp_swapped_t otp_swap_result(const otp_reply_t *reply, otp_span_t *stored);

/* Whether `command` is a swap with a mail, and `reply` says that it was done: for figures. */
bool otp_swap_mailed(const otp_command_t *command, const otp_reply_t *reply);

#endif
