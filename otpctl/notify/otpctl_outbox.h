/*
 * The outbox in Redis: sixteen streams, read by the consumer group "notify", so that each entry is in one process'
 * hands only, and stays known until it has been settled.  What can be settled in several steps is ordered so that a
 * crash between two of them leaves something that is done again, never something forgotten.
 */
#ifndef OTPCTL_OUTBOX_H
#define OTPCTL_OUTBOX_H

#include "core/store/otp_names.h"
#include "otpctl/notify/otpctl_consumer.h"
#include "otpctl/otpctl_store.h"

#define OTPCTL_ENTRY_ID_MAX 44
#define OTPCTL_MAIL_FAILED_KEPT "1000"      /* entries a stream of given up mail keeps, about */

typedef struct {
    otpctl_t  *ctl;
    otp_name_t stream[OTP_TAGS], failed[OTP_TAGS];
    char       self[OTPCTL_CONSUMER_MAX];
} otpctl_outbox_t;

/* An entry in our hands. */
typedef struct {
    unsigned   tag;
    char       id[OTPCTL_ENTRY_ID_MAX];
    int64_t    queued_ms;
    int64_t    attempts;        /* with the one that begins now */
    otp_span_t mail;            /* field `m`; points into `reply`; data NULL: it has none */
    otp_reply_t *reply;
} otpctl_entry_t;

void otpctl_outbox_init(otpctl_outbox_t *outbox, otpctl_t *ctl);

/* Makes the groups where they are missing, and removes what processes that have ended left behind. */
OTP_MUST_USE otpctl_status_t otpctl_outbox_open(otpctl_outbox_t *outbox);
/* Takes our name out of the groups; nothing may be in our hands. */
void otpctl_outbox_leave(otpctl_outbox_t *outbox);

/* The next entry of the stream that nobody has had; *found false: there is none. */
OTP_MUST_USE otpctl_status_t otpctl_outbox_take(otpctl_outbox_t *outbox, unsigned tag, otpctl_entry_t *entry,
    bool *found);
/* The next one behind `cursor` ("" at first, moved on) that was tried and is due again. */
OTP_MUST_USE otpctl_status_t otpctl_outbox_retake(otpctl_outbox_t *outbox, unsigned tag, const otpctl_retry_t *retry,
    char cursor[OTPCTL_ENTRY_ID_MAX], otpctl_entry_t *entry, bool *found);

/* The attempt failed: the entry waits for the next one. */
OTP_MUST_USE otpctl_status_t otpctl_outbox_release(otpctl_outbox_t *outbox, const otpctl_entry_t *entry);
/* Keeps a copy of what is given up. */
OTP_MUST_USE otpctl_status_t otpctl_outbox_keep(otpctl_outbox_t *outbox, const otpctl_entry_t *entry, otp_span_t why);
/* The entry is settled. */
OTP_MUST_USE otpctl_status_t otpctl_outbox_remove(otpctl_outbox_t *outbox, const otpctl_entry_t *entry);

/* The value of `name` in a reply of pairs; NULL: there is none. */
const otp_reply_t *otpctl_outbox_member(const otp_reply_t *pairs, const char *name);
/* false: it can be no entry's. */
OTP_MUST_USE bool otpctl_outbox_copy_id(char id[OTPCTL_ENTRY_ID_MAX], otp_span_t text);
/* A command whose reply tells nothing. */
OTP_MUST_USE otpctl_status_t otpctl_outbox_tell(const otpctl_outbox_t *outbox, const otp_span_t *arg, size_t args);

void otpctl_entry_free(otpctl_entry_t *entry);

#endif
