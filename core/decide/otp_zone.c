#include "core/decide/otp_zone.h"

#define OTP_DAY_S   86400


int64_t otp_zone_offset(const otp_zone_t *zone, int64_t now_s)
{
    size_t i = zone->changes;

    if (i == 0) {
        return 0;
    }

    while (i > 1 && zone->change[i - 1].from > now_s) {
        i--;
    }

    return zone->change[i - 1].offset_s;
}


int64_t otp_zone_day_end(const otp_zone_t *zone, int64_t now_s)
{
    int64_t local = now_s + otp_zone_offset(zone, now_s);
    int64_t day = local >= 0 ? local / OTP_DAY_S : -((-local + OTP_DAY_S - 1) / OTP_DAY_S);
    int64_t end = (day + 1) * OTP_DAY_S - 1, once, again;

    /* The offset at the end of the day counts: clocks may be changed before it. */
    once = end - otp_zone_offset(zone, end - otp_zone_offset(zone, now_s));
    /* Where they go back at midnight itself, the last hour of the day comes twice. */
    again = end - otp_zone_offset(zone, once + 1);

    return again > once ? again : once;
}
