#include "core/decide/otp_forecast.h"

#define OTP_MILLION 1000000


bool otp_forecast_rate(const otp_key_t *key, int64_t *ppm)
{
    int64_t span = key->used - key->drift_since, gained = (key->drift - key->drift_first) * key->period_s;

    if (!otp_type_rules(key->type)->timed || key->drift_since == 0 || span < OTP_FORECAST_SPAN_S) {
        return false;
    }

    *ppm = gained * OTP_MILLION / span;

    return true;
}


int64_t otp_forecast_leaves(const otp_key_t *key, int64_t ppm, int64_t window)
{
    int64_t pace = ppm < 0 ? -ppm : ppm;

    if (pace == 0 || key->used == 0) {
        return 0;
    }

    /* The learned drift is right to half a step. */
    return key->used + (2 * window + 1) * key->period_s * OTP_MILLION / (2 * pace);
}
