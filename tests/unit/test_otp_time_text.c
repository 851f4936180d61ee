#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/portal/otp_time_text.h"

#define FR OTP_SPAN("fr")
#define EN OTP_SPAN("en")

/* Paris: winter, and summer from 2026-03-29 to 2026-10-25. */
static const otp_zone_t paris = {
    .change = { { 0, 3600 }, { 1774746000, 7200 }, { 1792890000, 3600 } }, .changes = 3
};

static const char *text_of(const otp_zone_t *zone, otp_span_t language, int64_t at_s)
{
    static char text[OTP_TIME_TEXT_MAX];

    otp_time_text(zone, language, at_s, text);
    return text;
}


static void test_times_are_local_and_as_the_language_writes_them(void **state)
{
    (void) state;
    assert_string_equal(text_of(&paris, FR, 1795367105), "22/11/2026 18:05");
    assert_string_equal(text_of(&paris, EN, 1795367105), "2026-11-22 18:05");
    assert_string_equal(text_of(&paris, FR, 1782864000), "01/07/2026 02:00");
    assert_string_equal(text_of(NULL, EN, 1795367105), "2026-11-22 17:05");
}


static void test_leap_days_and_ends_of_years_are_right(void **state)
{
    static const struct {
        int64_t     at;
        const char *text;
    } cases[] = {
        { 951782400, "2000-02-29 00:00" }, { 1709164799, "2024-02-28 23:59" }, { 1709164800, "2024-02-29 00:00" },
        { 1709251200, "2024-03-01 00:00" }, { 1767225599, "2025-12-31 23:59" }, { 1767225600, "2026-01-01 00:00" },
        { 4107542400, "2100-03-01 00:00" }, { 60, "1970-01-01 00:01" }, { 253402300799, "9999-12-31 23:59" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(text_of(NULL, EN, cases[i].at), cases[i].text);
    }
}


static void test_what_never_was_has_no_time(void **state)
{
    (void) state;
    assert_string_equal(text_of(&paris, FR, 0), "");
    assert_string_equal(text_of(&paris, FR, -5), "");
    assert_string_equal(text_of(&paris, FR, 253402300800), "");
    assert_string_equal(text_of(&paris, FR, INT64_MAX - 10000), "");
}


static void test_times_of_events_are_read(void **state)
{
    int64_t at;

    (void) state;
    assert_true(otp_time_of_event(OTP_SPAN("2026-11-22T17:05:05.123Z"), &at));
    assert_int_equal(at, 1795367105);
    assert_true(otp_time_of_event(OTP_SPAN("2024-02-29T00:00:00.000Z"), &at));
    assert_int_equal(at, 1709164800);
    assert_true(otp_time_of_event(OTP_SPAN("1970-01-01T00:00:01.000Z"), &at));
    assert_int_equal(at, 1);
}


static void test_anything_else_is_no_time_of_an_event(void **state)
{
    static const char *const texts[] = {
        "", "2026-11-22", "2026-11-22T17:05:05Z", "2026-13-22T17:05:05.123Z", "2026-00-22T17:05:05.123Z",
        "2026-11-00T17:05:05.123Z", "2026-11-32T17:05:05.123Z", "2026-11-22T24:05:05.123Z", "2026-11-22T17:60:05.123Z",
        "2026-11-22T17:05:61.123Z", "2026-11-22 17:05:05.123Z", "2026-11-22T17:05:05.123X", "-026-11-22T17:05:05.123Z",
        "2026-11-22T17:05:05.1234Z", "1969-12-31T23:59:59.000Z", "2026-1x-22T17:05:05.123Z",
    };
    int64_t at;

    (void) state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(otp_time_of_event(otp_span_of(texts[i]), &at));
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_local_and_as_the_language_writes_them),
        cmocka_unit_test(test_leap_days_and_ends_of_years_are_right),
        cmocka_unit_test(test_what_never_was_has_no_time),
        cmocka_unit_test(test_times_of_events_are_read),
        cmocka_unit_test(test_anything_else_is_no_time_of_an_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
