/*
 * A code that somebody showed and that none of their keys has made (core/model/otp_mixup.h): whose key was it?
 */
#ifndef OTPCTL_MIXUP_H
#define OTPCTL_MIXUP_H

#include "core/model/otp_mail.h"
#include "otpctl/otpctl_store.h"

typedef struct {
    size_t fit;                             /* keys that are not the person's own and that showed the code */
    bool   own;                             /* one of the person's own keys did: nothing was mixed up */
    char   serial[OTP_SERIAL_MAX + 1];      /* of the one that fits */
    char   holder[OTP_UID_LEN + 1];         /* whose it is; empty: nobody's */
    char   own_keys[OTP_ACCOUNT_KEYS * (OTP_SERIAL_MAX + 2)];   /* serials of the person's keys */
} otpctl_mixup_t;

/* Exactly one key fits, and it is somebody else's. */
bool otpctl_mixup_found(const otpctl_mixup_t *mixup);

/* Looks through every key there is.  *readable false: the code does not open. */
OTP_MUST_USE otpctl_status_t otpctl_mixup_search(otpctl_t *ctl, const otp_mail_t *mail, bool *readable,
    otpctl_mixup_t *mixup);

#endif
