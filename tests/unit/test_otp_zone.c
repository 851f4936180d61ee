#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/decide/otp_zone.h"

#define DAY     INT64_C(86400)
#define HOUR    INT64_C(3600)

/* Europe/Paris in 2025 and 2026; clocks change at 01:00 UTC. */
#define SPRING  INT64_C(1774746000)     /* 2026-03-29T01:00:00Z */
#define AUTUMN  INT64_C(1792890000)     /* 2026-10-25T01:00:00Z */

static const otp_zone_t utc = { .changes = 0 };
static const otp_zone_t paris = {
    .change = {
        { 1743296400, 2 * HOUR },       /* 2025-03-30T01:00:00Z */
        { 1761440400, HOUR },           /* 2025-10-26T01:00:00Z */
        { SPRING, 2 * HOUR }, { AUTUMN, HOUR }
    },
    .changes = 4
};
static const otp_zone_t new_york = {
    .change = {
        { 1762063200, -5 * HOUR },      /* 2025-11-02T06:00:00Z */
        { 1772953200, -4 * HOUR },      /* 2026-03-08T07:00:00Z */
    },
    .changes = 2
};


/* The day that `from` (its first second) begins ends at `end`, whenever within it one asks. */
static void assert_day(const otp_zone_t *zone, int64_t from, int64_t end)
{
    for (int64_t now_s = from; now_s <= end; now_s += 600) {
        assert_int_equal(otp_zone_day_end(zone, now_s), end);
    }
    assert_int_equal(otp_zone_day_end(zone, end), end);
    assert_true(otp_zone_day_end(zone, end + 1) > end);
    assert_true(otp_zone_day_end(zone, from - 1) < from);
}


/* ---- offsets ---- */

static void test_offset_changes_at_the_very_second(void **state)
{
    (void) state;
    assert_int_equal(otp_zone_offset(&paris, SPRING - 1), HOUR);
    assert_int_equal(otp_zone_offset(&paris, SPRING), 2 * HOUR);
    assert_int_equal(otp_zone_offset(&paris, AUTUMN - 1), 2 * HOUR);
    assert_int_equal(otp_zone_offset(&paris, AUTUMN), HOUR);
}


static void test_first_offset_holds_before_and_the_last_one_after(void **state)
{
    (void) state;
    assert_int_equal(otp_zone_offset(&paris, 0), 2 * HOUR);
    assert_int_equal(otp_zone_offset(&paris, -DAY), 2 * HOUR);
    assert_int_equal(otp_zone_offset(&paris, AUTUMN + 1000 * DAY), HOUR);
}


static void test_no_table_is_utc(void **state)
{
    (void) state;
    assert_int_equal(otp_zone_offset(&utc, 0), 0);
    assert_int_equal(otp_zone_offset(&utc, AUTUMN), 0);
}


/* ---- ends of days ---- */

static void test_day_of_utc_ends_a_second_before_midnight(void **state)
{
    (void) state;
    assert_day(&utc, 0, DAY - 1);
    assert_day(&utc, 20000 * DAY, 20001 * DAY - 1);
    assert_int_equal(otp_zone_day_end(&utc, -1), -1);
    assert_int_equal(otp_zone_day_end(&utc, -DAY), -1);
    assert_int_equal(otp_zone_day_end(&utc, -DAY - 1), -DAY - 1);
}


static void test_day_of_paris_ends_at_its_own_midnight(void **state)
{
    (void) state;
    /* 2026-01-15 and 2026-07-14, local time. */
    assert_day(&paris, 1768431600, 1768517999);
    assert_day(&paris, 1783980000, 1784066399);
}


/* 2026-03-29, local time, has 23 hours. */
static void test_day_on_which_clocks_go_forward_is_an_hour_shorter(void **state)
{
    int64_t from = SPRING - 2 * HOUR, end = from + 23 * HOUR - 1;

    (void) state;
    assert_day(&paris, from, end);
    assert_day(&paris, from - DAY, from - 1);
    assert_day(&paris, end + 1, end + DAY);
}


/* 2026-10-25, local time, has 25 hours. */
static void test_day_on_which_clocks_go_back_is_an_hour_longer(void **state)
{
    int64_t from = AUTUMN - 3 * HOUR, end = from + 25 * HOUR - 1;

    (void) state;
    assert_day(&paris, from, end);
    assert_day(&paris, from - DAY, from - 1);
    assert_day(&paris, end + 1, end + DAY);
}


static void test_day_west_of_greenwich_ends_after_that_of_utc(void **state)
{
    (void) state;
    /* 2026-01-15, and 2026-03-08 with 23 hours, local time. */
    assert_day(&new_york, 1768453200, 1768539599);
    assert_day(&new_york, 1772946000, 1772946000 + 23 * HOUR - 1);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offset_changes_at_the_very_second),
        cmocka_unit_test(test_first_offset_holds_before_and_the_last_one_after),
        cmocka_unit_test(test_no_table_is_utc),
        cmocka_unit_test(test_day_of_utc_ends_a_second_before_midnight),
        cmocka_unit_test(test_day_of_paris_ends_at_its_own_midnight),
        cmocka_unit_test(test_day_on_which_clocks_go_forward_is_an_hour_shorter),
        cmocka_unit_test(test_day_on_which_clocks_go_back_is_an_hour_longer),
        cmocka_unit_test(test_day_west_of_greenwich_ends_after_that_of_utc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
