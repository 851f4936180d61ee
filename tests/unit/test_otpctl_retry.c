#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "otpctl/notify/otpctl_retry.h"

#define MINUTE  60000
#define HOUR    3600000

static const otpctl_retry_t running = { .attempt_ms = 120000, .give_up_ms = 72 * (int64_t) HOUR, .once_ms = -1 };
static const otpctl_retry_t once = { .attempt_ms = 120000, .give_up_ms = 72 * (int64_t) HOUR, .once_ms = 1500 };

static void test_wait_doubles_from_half_a_minute_to_an_hour(void **state)
{
    static const int64_t expected[] = {
        30000, MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 16 * MINUTE, 32 * MINUTE, HOUR, HOUR
    };

    (void) state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_int_equal(otpctl_retry_backoff_ms((int64_t) i + 1), expected[i]);
        assert_int_equal(otpctl_retry_idle_ms(&running, OTPCTL_OWNER_WAITING, (int64_t) i + 1), expected[i]);
    }
    assert_int_equal(otpctl_retry_backoff_ms(INT64_MAX), HOUR);
    assert_int_equal(otpctl_retry_backoff_ms(0), 30000);
}


static void test_entry_of_a_process_that_may_live_waits_for_longer_than_an_attempt(void **state)
{
    (void) state;
    assert_int_equal(otpctl_retry_idle_ms(&running, OTPCTL_OWNER_OTHER, 1), 120000 + OTPCTL_RETRY_MARGIN_MS);
    assert_int_equal(otpctl_retry_idle_ms(&running, OTPCTL_OWNER_OTHER, 9), 120000 + OTPCTL_RETRY_MARGIN_MS);
    assert_int_equal(otpctl_retry_idle_ms(&once, OTPCTL_OWNER_OTHER, 1), 120000 + OTPCTL_RETRY_MARGIN_MS);
}


static void test_entry_of_a_dead_process_is_due_at_once_unless_it_kills_each_one(void **state)
{
    (void) state;
    assert_int_equal(otpctl_retry_idle_ms(&running, OTPCTL_OWNER_DEAD, 1), 0);
    assert_int_equal(otpctl_retry_idle_ms(&running, OTPCTL_OWNER_DEAD, 3), 0);
    assert_int_equal(otpctl_retry_idle_ms(&running, OTPCTL_OWNER_DEAD, 4), 30000);
    assert_int_equal(otpctl_retry_idle_ms(&running, OTPCTL_OWNER_DEAD, 5), MINUTE);
    assert_int_equal(otpctl_retry_idle_ms(&running, OTPCTL_OWNER_SELF, 7), 0);
}


static void test_once_tries_everything_that_was_not_tried_in_this_run(void **state)
{
    (void) state;
    assert_int_equal(otpctl_retry_idle_ms(&once, OTPCTL_OWNER_WAITING, 20), 1501);
    assert_int_equal(otpctl_retry_idle_ms(&once, OTPCTL_OWNER_DEAD, 20), 1501);
    assert_int_equal(otpctl_retry_idle_ms(&once, OTPCTL_OWNER_SELF, 1), 1501);
}


static void test_mail_is_over_when_it_has_been_tried_for_as_long_as_was_said(void **state)
{
    (void) state;
    assert_false(otpctl_retry_over(&running, 1000, 1000 + running.give_up_ms - 1));
    assert_true(otpctl_retry_over(&running, 1000, 1000 + running.give_up_ms));
    assert_false(otpctl_retry_over(&running, 1000, 0));
}


static void test_all_mail_waits_longer_while_the_server_keeps_failing(void **state)
{
    (void) state;
    assert_int_equal(otpctl_retry_pause_ms(0), 0);
    assert_int_equal(otpctl_retry_pause_ms(1), 1000);
    assert_int_equal(otpctl_retry_pause_ms(2), 2000);
    assert_int_equal(otpctl_retry_pause_ms(6), 32000);
    assert_int_equal(otpctl_retry_pause_ms(7), MINUTE);
    assert_int_equal(otpctl_retry_pause_ms(1000000), MINUTE);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait_doubles_from_half_a_minute_to_an_hour),
        cmocka_unit_test(test_entry_of_a_process_that_may_live_waits_for_longer_than_an_attempt),
        cmocka_unit_test(test_entry_of_a_dead_process_is_due_at_once_unless_it_kills_each_one),
        cmocka_unit_test(test_once_tries_everything_that_was_not_tried_in_this_run),
        cmocka_unit_test(test_mail_is_over_when_it_has_been_tried_for_as_long_as_was_said),
        cmocka_unit_test(test_all_mail_waits_longer_while_the_server_keeps_failing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
