/*
 * Which keys will leave the window (system.md B5).  A key's clock gains or loses a constant share of the time; the
 * first drift learned of it and the last one give that share.
 */
#ifndef OTP_FORECAST_H
#define OTP_FORECAST_H

#include "core/model/otp_key.h"

#define OTP_FORECAST_SPAN_S (28 * 86400)    /* between first and last drift: in less, one step says nothing */

/* Parts per million that the clock of `key` is fast (positive) or slow.  false: not known yet, or it has no clock. */
bool otp_forecast_rate(const otp_key_t *key, int64_t *ppm);

/* Unix seconds at which a key of this rate, not used any more from now on, is more than `window` steps off from what
 * was learned of it; 0: never. */
int64_t otp_forecast_leaves(const otp_key_t *key, int64_t ppm, int64_t window);

#endif
