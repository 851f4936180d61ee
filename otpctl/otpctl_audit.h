/*
 * `audit`: what looking back and following share.
 */
#ifndef OTPCTL_AUDIT_H
#define OTPCTL_AUDIT_H

#include "otpctl/otpctl_store.h"

#define OTPCTL_AUDIT_PAGE       "500"   /* events read at once from a stream */
#define OTPCTL_STREAM_ID_MAX    44

/* The place of an event in a stream, in Redis' order: "MILLISECONDS-SEQUENCE". */
typedef struct {
    uint64_t ms, sequence;
} otpctl_event_id_t;

/* One of the 16 streams: the page being read, and where in it. */
typedef struct {
    otp_name_t   name;
    otp_reply_t *page;
    size_t       at;
    char         last[OTPCTL_STREAM_ID_MAX];    /* id of the last event taken; "0" at first */
} otpctl_stream_t;

typedef struct {
    otpctl_t       *ctl;
    bool            only, pretty;
    char            uid[OTP_UID_LEN + 1];
    otpctl_stream_t stream[OTP_TAGS];
} otpctl_audit_t;

otpctl_event_id_t otpctl_audit_id(otp_span_t text);
bool otpctl_audit_earlier(otpctl_event_id_t a, otpctl_event_id_t b);
/* An entry is [id, [field, value, …]].  The line in the field `e`; empty when it has another form. */
otp_span_t otpctl_audit_line(const otp_reply_t *entry);
bool otpctl_audit_wanted(const otpctl_audit_t *audit, otp_span_t line);
void otpctl_audit_print(const otpctl_audit_t *audit, otp_span_t line);
/* `id` is the place of the stream from now on. */
void otpctl_audit_keep(otpctl_stream_t *stream, otp_span_t id);

/* otpctl_audit_follow.c: the last events there are; every stream's place is then its end.  Then every new one. */
OTP_MUST_USE otpctl_status_t otpctl_audit_tail(otpctl_audit_t *audit);
OTP_MUST_USE otpctl_status_t otpctl_audit_follow(otpctl_audit_t *audit);

#endif
