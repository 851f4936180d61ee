/*
 * Names of the processes that read the outbox, as consumers of its group, and who of them has ended.
 */
#ifndef OTPCTL_CONSUMER_H
#define OTPCTL_CONSUMER_H

#include "core/base/otp_span.h"
#include "otpctl/notify/otpctl_retry.h"

#define OTPCTL_CONSUMER_MAX 96
#define OTPCTL_CONSUMER_WAITING "waiting"   /* has the entries that nobody works on */

/* BOOT.NAMESPACE.PID.START: the same for no other process of any machine, and one of this machine can be asked
 * whether it still runs. */
void otpctl_consumer_self(char name[OTPCTL_CONSUMER_MAX]);

/* What `name` is to the process `self`. */
otpctl_owner_t otpctl_consumer_owner(const char *self, otp_span_t name);

#endif
