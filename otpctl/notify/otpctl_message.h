/*
 * A mail as it goes over the line (RFC 5322, RFC 2045 to 2047): text and HTML side by side, UTF-8.  Whatever the
 * values hold, a header stays one header: control characters in them become blanks.
 */
#ifndef OTPCTL_MESSAGE_H
#define OTPCTL_MESSAGE_H

#include "otpctl/notify/otpctl_mailbox.h"

#define OTPCTL_MESSAGE_ID_MAX   256

typedef struct {
    const otpctl_mailbox_t *from, *to, *reply_to;   /* reply_to may be NULL */
    otp_span_t              subject, text, html;
    otp_span_t              language;               /* "fr" */
    const char             *id;                     /* of otpctl_message_id() */
    int64_t                 date_s;
} otpctl_message_t;

/* The same for the same entry of the outbox each time, so that a second copy is recognised.  `fingerprint`: 16 hex
 * digits of the entry, which tell two installations apart. */
void otpctl_message_id(char id[OTPCTL_MESSAGE_ID_MAX], otp_span_t stream_entry, otp_span_t fingerprint,
    const char *domain);

/* New memory, *len bytes; lines end with CR LF.  NULL: none left. */
OTP_MUST_USE char *otpctl_message_write(const otpctl_message_t *message, size_t *len);

/* Parts of it. */
#define OTPCTL_DATE_MAX     40

/* A value of a header without structure.  Returns the length; `size` suffices with 4 bytes for each of `text` + 96. */
size_t otpctl_header_text(otp_span_t text, char *out, size_t size);
/* "NAME" <ADDRESS>; the same. */
size_t otpctl_header_mailbox(const otpctl_mailbox_t *mailbox, char *out, size_t size);
/* RFC 5322 section 3.3, in UTC. */
void otpctl_header_date(int64_t time_s, char date[OTPCTL_DATE_MAX]);
/* Quoted-printable, RFC 2045 section 6.7.  `size` suffices with 4 bytes for each of `text` + 4. */
size_t otpctl_quoted_printable(otp_span_t text, char *out, size_t size);

#endif
