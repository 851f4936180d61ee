#include "core/decide/otp_zone_rule.h"

#include <string.h>

#define OTP_ZONE_DAY_S  86400


static bool otp_zone_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}


/* Days from 1970-01-01 to the first day of a year. */
static int64_t otp_zone_year_day(int64_t year)
{
    int64_t before = year - 1;

    return 365 * (year - 1970) + (before / 4 - before / 100 + before / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}


int64_t otp_zone_year(int64_t now_s)
{
    int64_t year = 1970 + now_s / (366 * OTP_ZONE_DAY_S);

    while (otp_zone_year_day(year + 1) * OTP_ZONE_DAY_S <= now_s) {
        year++;
    }

    return year;
}


/* Day of the year, 0 being its first one, of the `week`th `day` (0: Sunday) of the month; 5: the last one. */
static int64_t otp_zone_week_day(const otp_zone_moment_t *moment, int64_t year)
{
    static const int64_t before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
    bool                 leap = otp_zone_leap(year);
    int64_t              first = before[moment->month - 1] + (leap && moment->month > 2 ? 1 : 0);
    int64_t              next = before[moment->month] + (leap && moment->month > 1 ? 1 : 0);
    int64_t              weekday = (otp_zone_year_day(year) + first + 4) % 7;
    int64_t              day = first + (moment->day - weekday + 7) % 7 + 7 * (moment->week - 1);

    return day < next ? day : day - 7;
}


int64_t otp_zone_rule_begin(const otp_zone_moment_t *moment, int64_t year)
{
    int64_t day = moment->day;

    if (moment->kind == 'M') {
        day = otp_zone_week_day(moment, year);
    } else if (moment->kind == 'J') {
        day = moment->day - 1 + (otp_zone_leap(year) && moment->day > 59 ? 1 : 0);
    }

    return (otp_zone_year_day(year) + day) * OTP_ZONE_DAY_S + moment->time_s;
}


OTP_MUST_USE static bool otp_zone_take(otp_span_t *line, char c)
{
    if (line->len == 0 || line->data[0] != c) {
        return false;
    }
    line->data++;
    line->len--;

    return true;
}


OTP_MUST_USE static bool otp_zone_take_number(otp_span_t *line, int64_t min, int64_t max, int64_t *number)
{
    size_t len = 0;

    while (len < line->len && len < 3 && line->data[len] >= '0' && line->data[len] <= '9') {
        len++;
    }
    if (otp_span_number((otp_span_t) { line->data, len }, number) != OTP_OK || *number < min || *number > max) {
        return false;
    }
    line->data += len;
    line->len -= len;

    return true;
}


/* [+-]hh[:mm[:ss]] */
OTP_MUST_USE static bool otp_zone_take_time(otp_span_t *line, int64_t hours_max, int64_t *time_s)
{
    int64_t hours, minutes = 0, seconds = 0;
    bool    negative = otp_zone_take(line, '-');

    if ((!negative && otp_zone_take(line, '+') && line->len == 0)
        || !otp_zone_take_number(line, 0, hours_max, &hours))
    {
        return false;
    }
    if (otp_zone_take(line, ':')) {
        if (!otp_zone_take_number(line, 0, 59, &minutes)
            || (otp_zone_take(line, ':') && !otp_zone_take_number(line, 0, 59, &seconds)))
        {
            return false;
        }
    }
    *time_s = (negative ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);

    return true;
}


/* Three letters or more, or anything in <>. */
OTP_MUST_USE static bool otp_zone_take_name(otp_span_t *line)
{
    size_t len = 0;

    if (otp_zone_take(line, '<')) {
        (void) otp_span_cut(line, '>');
        return line->data != NULL;
    }
    while (len < line->len && ((line->data[len] | 0x20) >= 'a' && (line->data[len] | 0x20) <= 'z')) {
        len++;
    }
    line->data += len;
    line->len -= len;

    return len >= 3;
}


OTP_MUST_USE static bool otp_zone_take_moment(otp_span_t *line, otp_zone_moment_t *moment)
{
    bool good;

    moment->time_s = 7200;
    if (otp_zone_take(line, 'M')) {
        moment->kind = 'M';
        good = otp_zone_take_number(line, 1, 12, &moment->month) && otp_zone_take(line, '.')
               && otp_zone_take_number(line, 1, 5, &moment->week) && otp_zone_take(line, '.')
               && otp_zone_take_number(line, 0, 6, &moment->day);
    } else if (otp_zone_take(line, 'J')) {
        moment->kind = 'J';
        good = otp_zone_take_number(line, 1, 365, &moment->day);
    } else {
        moment->kind = 'D';
        good = otp_zone_take_number(line, 0, 365, &moment->day);
    }

    return good && (!otp_zone_take(line, '/') || otp_zone_take_time(line, 167, &moment->time_s));
}


bool otp_zone_rule_parse(otp_span_t line, otp_zone_rule_t *rule)
{
    int64_t west;

    memset(rule, 0, sizeof(*rule));
    if (!otp_zone_take_name(&line) || !otp_zone_take_time(&line, 24, &west)) {
        return false;
    }
    rule->standard_s = -west;
    if (line.len == 0) {
        return true;
    }

    rule->changes = true;
    rule->summer_s = rule->standard_s + 3600;
    if (!otp_zone_take_name(&line)) {
        return false;
    }
    if (line.len != 0 && line.data[0] != ',') {
        if (!otp_zone_take_time(&line, 24, &west)) {
            return false;
        }
        rule->summer_s = -west;
    }

    return otp_zone_take(&line, ',') && otp_zone_take_moment(&line, &rule->begin) && otp_zone_take(&line, ',')
           && otp_zone_take_moment(&line, &rule->end) && line.len == 0;
}
