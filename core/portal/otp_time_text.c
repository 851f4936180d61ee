#include "core/portal/otp_time_text.h"

#include <stdio.h>

#define OTP_DAY_S       86400
#define OTP_DAYS_0000   719468      /* from 0000-03-01 to 1970-01-01 */
#define OTP_ERA_DAYS    146097      /* 400 years */

/* Years are counted from March, so that the day that comes and goes is their last one. */


void otp_time_text(const otp_zone_t *zone, otp_span_t language, int64_t at_s, char text[OTP_TIME_TEXT_MAX])
{
    int64_t  local, days, era;
    unsigned day, year, month, minutes;

    text[0] = '\0';
    local = at_s + (zone == NULL ? 0 : otp_zone_offset(zone, at_s));
    if (at_s <= 0 || local <= 0 || local > INT64_C(253402300799)) {
        return;
    }

    minutes = (unsigned) (local % OTP_DAY_S / 60);
    days = local / OTP_DAY_S + OTP_DAYS_0000;
    era = days / OTP_ERA_DAYS;
    day = (unsigned) (days - era * OTP_ERA_DAYS);
    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    month = (5 * day + 2) / 153;
    day = day - (153 * month + 2) / 5 + 1;
    year += (unsigned) era * 400 + (month >= 10);
    month = month < 10 ? month + 3 : month - 9;

    if (otp_span_equal(language, OTP_SPAN("fr"))) {
        (void) snprintf(text, OTP_TIME_TEXT_MAX, "%02u/%02u/%04u %02u:%02u", day % 100, month % 100, year % 10000,
                        minutes / 60 % 100, minutes % 60);
        return;
    }
    (void) snprintf(text, OTP_TIME_TEXT_MAX, "%04u-%02u-%02u %02u:%02u", year % 10000, month % 100, day % 100,
                    minutes / 60 % 100, minutes % 60);
}


/* The number in text[at..at+len). */
OTP_MUST_USE static bool otp_time_part(otp_span_t text, size_t at, size_t len, int64_t max, int64_t *number)
{
    return otp_span_number((otp_span_t) { text.data + at, len }, number) == OTP_OK && *number <= max;
}


bool otp_time_of_event(otp_span_t text, int64_t *at_s)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    int64_t           year, month, day, hour, minute, second, days;

    if (text.len != sizeof(form) - 1) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (form[i] != 'd' && form[i] != text.data[i]) {
            return false;
        }
    }

    if (!otp_time_part(text, 0, 4, 9999, &year) || !otp_time_part(text, 5, 2, 12, &month)
        || !otp_time_part(text, 8, 2, 31, &day) || !otp_time_part(text, 11, 2, 23, &hour)
        || !otp_time_part(text, 14, 2, 59, &minute) || !otp_time_part(text, 17, 2, 60, &second) || month == 0
        || day == 0 || year < 1970)
    {
        return false;
    }

    year -= month <= 2;
    month = month > 2 ? month - 3 : month + 9;
    days = year / 400 * OTP_ERA_DAYS + year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + (153 * month + 2) / 5
           + day - 1 - OTP_DAYS_0000;
    *at_s = days * OTP_DAY_S + hour * 3600 + minute * 60 + second;

    return true;
}
