/*
 * The rule in the last line of a TZif file, for the years after the ones it lists: "CET-1CEST,M3.5.0,M10.5.0/3"
 * (POSIX, with the wider hours of RFC 8536 section 3.3.1).
 */
#ifndef OTP_ZONE_RULE_H
#define OTP_ZONE_RULE_H

#include "core/base/otp_span.h"

/* A moment of each year, in local time. */
typedef struct {
    char    kind;               /* 'M': month, week, weekday; 'J': day 1..365 without 29 February; 'D': day 0..365 */
    int64_t month, week, day;
    int64_t time_s;
} otp_zone_moment_t;

typedef struct {
    int64_t           standard_s, summer_s;     /* local time minus UTC */
    bool              changes;                  /* there is a summer time, which */
    otp_zone_moment_t begin, end;
} otp_zone_rule_t;

OTP_MUST_USE bool otp_zone_rule_parse(otp_span_t line, otp_zone_rule_t *rule);

/* The moment in that year, as if local time were UTC. */
int64_t otp_zone_rule_begin(const otp_zone_moment_t *moment, int64_t year);

/* The year that a moment lies in, UTC. */
int64_t otp_zone_year(int64_t now_s);

#endif
