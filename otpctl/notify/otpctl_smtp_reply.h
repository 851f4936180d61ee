/*
 * What a mail server's answer means for the mail, and for all the others.
 */
#ifndef OTPCTL_SMTP_REPLY_H
#define OTPCTL_SMTP_REPLY_H

#include "core/base/otp_span.h"

typedef enum {
    OTPCTL_SMTP_SENT,
    OTPCTL_SMTP_REFUSED,    /* this mail, for good */
    OTPCTL_SMTP_LATER,      /* this mail, for now */
    OTPCTL_SMTP_DOWN        /* nothing can be sent: not reached, no TLS, not signed in, our sender refused… */
} otpctl_smtp_verdict_t;

/* How far the conversation about a mail has come. */
typedef enum {
    OTPCTL_SMTP_GREETING,   /* up to and with MAIL FROM: what is said here is about us, not about the mail */
    OTPCTL_SMTP_RECIPIENT,
    OTPCTL_SMTP_DATA,
    OTPCTL_SMTP_CONTENT     /* the server has said 354 */
} otpctl_smtp_phase_t;

typedef struct {
    otpctl_smtp_phase_t phase;
    bool                over;           /* we have said QUIT: what is said now is about nothing */
    int                 code;           /* of the last answer; 0: none since our last command */
    char                text[160];      /* of the last answer, or of the last one before the line broke */
} otpctl_smtp_talk_t;

/* A line we sent, a line that came. */
void otpctl_smtp_said(otpctl_smtp_talk_t *talk, otp_span_t command);
void otpctl_smtp_heard(otpctl_smtp_talk_t *talk, otp_span_t line);

/* `carried`: the library below saw no error. */
OTP_MUST_USE otpctl_smtp_verdict_t otpctl_smtp_judge(const otpctl_smtp_talk_t *talk, bool carried);

#endif
