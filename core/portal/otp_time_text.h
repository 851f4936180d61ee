/*
 * Times as people read them: local time of the site, to the minute.
 */
#ifndef OTP_TIME_TEXT_H
#define OTP_TIME_TEXT_H

#include "core/base/otp_span.h"
#include "core/decide/otp_zone.h"

#define OTP_TIME_TEXT_MAX   24

/* French "22/11/2026 18:05", any other language "2026-11-22 18:05"; "" for 0 (never) and for years that do not fit.
 * `zone` NULL: UTC. */
void otp_time_text(const otp_zone_t *zone, otp_span_t language, int64_t at_s, char text[OTP_TIME_TEXT_MAX]);

/* Unix seconds of "2026-11-22T17:05:09.123Z" as events have it; false: it is not that. */
OTP_MUST_USE bool otp_time_of_event(otp_span_t text, int64_t *at_s);

#endif
