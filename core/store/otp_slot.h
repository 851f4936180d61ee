/*
 * Redis Cluster: which of its 16384 slots a name belongs to, and where an error reply sends a command instead.
 * Source: the Redis Cluster specification ("Key distribution model", "Hash tags", "Redirection and resharding"; CRC16
 * in its appendix: CRC-16/XMODEM, polynomial 0x1021, beginning with 0).
 */
#ifndef OTP_SLOT_H
#define OTP_SLOT_H

#include "core/base/otp_span.h"

#define OTP_SLOTS   16384

uint16_t otp_slot_crc16(otp_span_t bytes);

/* Of what stands in the first braces, if anything does, else of the whole name. */
unsigned otp_slot_of(otp_span_t name);

typedef enum {
    OTP_SLOT_HERE,      /* the error has nothing to do with slots */
    OTP_SLOT_MOVED,     /* this slot belongs to another server from now on */
    OTP_SLOT_ASK        /* this one command is for another server, after ASKING */
} otp_slot_redirection_t;

typedef struct {
    unsigned   slot;
    otp_span_t host;    /* points into the error; empty: the server that was asked */
    otp_span_t port;
} otp_slot_target_t;

/* `error`: text of an error reply, "MOVED 3999 127.0.0.1:6381".  The command was not carried out.  One that cannot be
 * read is OTP_SLOT_HERE. */
otp_slot_redirection_t otp_slot_redirection(otp_span_t error, otp_slot_target_t *target);

#endif
