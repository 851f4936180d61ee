/*
 * The site's time zone, from the system's files.
 */
#ifndef OTPCTL_ZONE_H
#define OTPCTL_ZONE_H

#include "core/decide/otp_zone.h"
#include "otpctl/otpctl.h"

/* `name` NULL: the environment's (TZ), else the system's; UTC where there is neither.  A zone that is not there has
 * been told: OTPCTL_USAGE. */
OTP_MUST_USE otpctl_status_t otpctl_zone_read(const char *name, otp_zone_t *zone);

#endif
