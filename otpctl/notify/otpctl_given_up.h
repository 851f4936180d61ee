/*
 * The mails that were given up: copies in streams of their own, until they are put back or discarded.
 */
#ifndef OTPCTL_GIVEN_UP_H
#define OTPCTL_GIVEN_UP_H

#include "otpctl/notify/otpctl_outbox.h"

/* Puts all of them back, as new entries; *entries: how many. */
OTP_MUST_USE otpctl_status_t otpctl_given_up_put_back(otpctl_outbox_t *outbox, int64_t *entries);

/* `notify --list` and `notify --discard ID|all`, which send nothing. */
OTP_MUST_USE otpctl_status_t otpctl_given_up_run(otpctl_t *ctl);

#endif
