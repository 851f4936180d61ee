/*
 * Who a mail is from and to.
 */
#ifndef OTPCTL_MAILBOX_H
#define OTPCTL_MAILBOX_H

#include "core/model/otp_person.h"

typedef struct {
    char name[OTP_NAME_LEN + 1];        /* may be empty */
    char address[OTP_EMAIL_LEN + 1];    /* empty: there is none */
} otpctl_mailbox_t;

/* LOCAL@DOMAIN in ASCII: RFC 5321 without quoted parts, comments and address literals, so that it means the same in a
 * header, in SMTP and in a log; a domain of other letters is written with "xn--". */
OTP_MUST_USE bool otpctl_mailbox_valid(otp_span_t address);

/* A name that is too long, or not UTF-8, is no reason not to write: none stands in its place. */
otp_span_t otpctl_mailbox_name(otp_span_t name);

/* The parts of an address that is valid; false: it is not. */
OTP_MUST_USE bool otpctl_mailbox_make(otpctl_mailbox_t *mailbox, otp_span_t name, otp_span_t address);

/* "ADDRESS" or "NAME <ADDRESS>" */
OTP_MUST_USE bool otpctl_mailbox_parse(otpctl_mailbox_t *mailbox, otp_span_t text);

/* What follows the @. */
const char *otpctl_mailbox_domain(const otpctl_mailbox_t *mailbox);

#endif
