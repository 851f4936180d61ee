#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/decide/otp_forecast.h"

#define YEAR    (365 * 86400)
#define NOW     1800000000


/* A key whose clock gained `steps` in a year. */
static otp_key_t fleet_key(int64_t steps)
{
    return (otp_key_t) {
        .type = OTP_TYPE_TOTP, .period_s = 60, .drift_first = -2, .drift = -2 + steps, .drift_since = NOW - YEAR,
        .used = NOW
    };
}


static void test_rate_is_what_the_clock_gained_in_parts_per_million(void **state)
{
    int64_t   ppm;
    otp_key_t key = fleet_key(8);

    (void) state;
    assert_true(otp_forecast_rate(&key, &ppm));
    assert_int_equal(ppm, (int64_t) 8 * 60 * 1000000 / YEAR);
    key = fleet_key(-8);
    assert_true(otp_forecast_rate(&key, &ppm));
    assert_int_equal(ppm, -((int64_t) 8 * 60 * 1000000 / YEAR));
}


static void test_four_weeks_are_needed_to_know_a_rate(void **state)
{
    int64_t   ppm;
    otp_key_t key = fleet_key(8);

    (void) state;
    key.drift_since = NOW - OTP_FORECAST_SPAN_S + 1;
    assert_false(otp_forecast_rate(&key, &ppm));
    key.drift_since = NOW - OTP_FORECAST_SPAN_S;
    assert_true(otp_forecast_rate(&key, &ppm));
    key.drift_since = 0;
    assert_false(otp_forecast_rate(&key, &ppm));
}


static void test_a_key_that_counts_events_has_no_rate(void **state)
{
    int64_t   ppm;
    otp_key_t key = fleet_key(8);

    (void) state;
    key.type = OTP_TYPE_HOTP;
    assert_false(otp_forecast_rate(&key, &ppm));
}


static void test_a_key_leaves_when_it_is_a_window_and_a_half_step_off(void **state)
{
    otp_key_t key = fleet_key(8);

    (void) state;
    /* 10 ppm: a second in 100,000; 90 seconds are a step and a half. */
    assert_int_equal(otp_forecast_leaves(&key, 10, 1), NOW + 9000000);
    assert_int_equal(otp_forecast_leaves(&key, -10, 1), NOW + 9000000);
    assert_int_equal(otp_forecast_leaves(&key, 10, 2), NOW + 15000000);
}


static void test_a_key_that_keeps_time_or_was_never_used_does_not_leave(void **state)
{
    otp_key_t key = fleet_key(0);

    (void) state;
    assert_int_equal(otp_forecast_leaves(&key, 0, 1), 0);
    key.used = 0;
    assert_int_equal(otp_forecast_leaves(&key, 10, 1), 0);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_is_what_the_clock_gained_in_parts_per_million),
        cmocka_unit_test(test_four_weeks_are_needed_to_know_a_rate),
        cmocka_unit_test(test_a_key_that_counts_events_has_no_rate),
        cmocka_unit_test(test_a_key_leaves_when_it_is_a_window_and_a_half_step_off),
        cmocka_unit_test(test_a_key_that_keeps_time_or_was_never_used_does_not_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
