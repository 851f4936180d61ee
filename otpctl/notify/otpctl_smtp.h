/*
 * One conversation with a mail server (RFC 5321), over which many mails go.
 */
#ifndef OTPCTL_SMTP_H
#define OTPCTL_SMTP_H

#include "otpctl/notify/otpctl_smtp_reply.h"

typedef enum { OTPCTL_TLS_REQUIRED, OTPCTL_TLS_OPPORTUNISTIC, OTPCTL_TLS_OFF } otpctl_tls_t;

typedef struct {
    const char  *url;               /* smtp://HOST[:PORT] or smtps://HOST[:PORT] */
    otpctl_tls_t tls;               /* of smtp:// */
    const char  *ca;                /* NULL: the system's */
    const char  *user, *password;   /* NULL: none */
    int64_t      timeout_ms;        /* of one mail */
} otpctl_smtp_settings_t;

typedef struct otpctl_smtp_s otpctl_smtp_t;

/* NULL without memory.  `settings` must stay. */
OTP_MUST_USE otpctl_smtp_t *otpctl_smtp_create(const otpctl_smtp_settings_t *settings);
void otpctl_smtp_destroy(otpctl_smtp_t *smtp);

/* OTPCTL_SMTP_SENT: the server has said the last 250 and answers for the mail.  Anything else: `reason` says why. */
OTP_MUST_USE otpctl_smtp_verdict_t otpctl_smtp_send(otpctl_smtp_t *smtp, const char *from, const char *to,
    otp_span_t message, char *reason, size_t reason_size);

/* Ends the conversation; the next mail begins another. */
void otpctl_smtp_hang_up(otpctl_smtp_t *smtp);

#endif
