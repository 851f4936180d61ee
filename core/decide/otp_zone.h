/*
 * The site's time zone as a table, so that the core needs neither a clock nor the C library's time zone.
 * Whoever runs before requests come (nginx at configuration, otpctl at start) fills it.
 */
#ifndef OTP_ZONE_H
#define OTP_ZONE_H

#include "core/base/otp_span.h"

#define OTP_ZONE_CHANGES    256

typedef struct {
    int64_t from;           /* unix seconds from which the offset holds; the first one holds before, too */
    int64_t offset_s;       /* local time minus UTC */
} otp_zone_change_t;

typedef struct {
    otp_zone_change_t change[OTP_ZONE_CHANGES];     /* ascending */
    size_t            changes;                      /* 0: UTC */
} otp_zone_t;

/* Local time minus UTC at `now_s`. */
int64_t otp_zone_offset(const otp_zone_t *zone, int64_t now_s);

/* The last second, 23:59:59 local time, of the day that `now_s` lies in. */
int64_t otp_zone_day_end(const otp_zone_t *zone, int64_t now_s);

#define OTP_ZONE_DIR        "/usr/share/zoneinfo"
#define OTP_ZONE_SYSTEM     "/etc/localtime"    /* the file to read when no zone is named */
#define OTP_ZONE_FILE_MAX   65536               /* bytes of such a file */

/* Whether `name` ("Europe/Paris") may be put behind OTP_ZONE_DIR "/": letters, digits, + - _ and single slashes, which
 * cannot lead out of it. */
bool otp_zone_name_valid(otp_span_t name);

/* Fills `zone` from the bytes of a TZif file (RFC 8536, version 2 or later): from two years before `now_s` to thirty
 * years after it.  OTP_INVALID: it is no such file, or counts leap seconds. */
OTP_MUST_USE otp_status_t otp_zone_parse(otp_span_t file, int64_t now_s, otp_zone_t *zone);

#endif
