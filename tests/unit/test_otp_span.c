#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/base/otp_span.h"

static void assert_span(otp_span_t span, const char *text)
{
    assert_int_equal(span.len, strlen(text));
    assert_memory_equal(span.data ? span.data : "", text, span.len);
}


static void test_no_text_is_an_empty_span(void **state)
{
    (void) state;
    assert_null(otp_span_of(NULL).data);
    assert_int_equal(otp_span_of(NULL).len, 0);
    assert_span(otp_span_of("abc"), "abc");
}


static void test_equal_compares_lengths_and_bytes(void **state)
{
    (void) state;
    assert_true(otp_span_equal(OTP_SPAN("ab"), OTP_SPAN("ab")));
    assert_false(otp_span_equal(OTP_SPAN("ab"), OTP_SPAN("abc")));
    assert_false(otp_span_equal(OTP_SPAN("ab"), OTP_SPAN("aB")));
    assert_false(otp_span_equal(OTP_SPAN("a\0b"), OTP_SPAN("a\0c")));
    assert_true(otp_span_equal(OTP_SPAN_NONE, OTP_SPAN("")));
}


static void test_case_is_ignored_for_ascii_letters_only(void **state)
{
    (void) state;
    assert_true(otp_span_equal_nocase(OTP_SPAN("aBz-Z9"), OTP_SPAN("AbZ-z9")));
    assert_false(otp_span_equal_nocase(OTP_SPAN("ab"), OTP_SPAN("abc")));
    assert_false(otp_span_equal_nocase(OTP_SPAN("@"), OTP_SPAN("`")));
    assert_false(otp_span_equal_nocase(OTP_SPAN("["), OTP_SPAN("{")));
    assert_false(otp_span_equal_nocase(OTP_SPAN("\xc3\x89"), OTP_SPAN("\xc3\xa9")));
}


static void test_starts_needs_the_whole_prefix(void **state)
{
    (void) state;
    assert_true(otp_span_starts(OTP_SPAN("abc"), OTP_SPAN("ab")));
    assert_true(otp_span_starts(OTP_SPAN("abc"), OTP_SPAN_NONE));
    assert_false(otp_span_starts(OTP_SPAN("a"), OTP_SPAN("ab")));
    assert_false(otp_span_starts(OTP_SPAN("bab"), OTP_SPAN("ab")));
}


static void test_cut_visits_every_part_and_the_empty_ones(void **state)
{
    static const char *const parts[] = { "a", "", "bc", "" };
    otp_span_t               rest = OTP_SPAN("a,,bc,");
    size_t                   n = 0;

    (void) state;
    while (rest.data) {
        assert_true(n < 4);
        assert_span(otp_span_cut(&rest, ','), parts[n++]);
    }
    assert_int_equal(n, 4);
}


static void test_cut_of_nothing_is_nothing(void **state)
{
    otp_span_t rest = OTP_SPAN_NONE;

    (void) state;
    assert_null(otp_span_cut(&rest, ',').data);
    assert_null(rest.data);
}


static void test_cut_without_separator_takes_all(void **state)
{
    otp_span_t rest = OTP_SPAN("abc");

    (void) state;
    assert_span(otp_span_cut(&rest, ','), "abc");
    assert_null(rest.data);
}


static void test_trim_takes_white_space_off_both_ends_only(void **state)
{
    (void) state;
    assert_span(otp_span_trim(OTP_SPAN(" \t\r\n\v\fa b \n")), "a b");
    assert_span(otp_span_trim(OTP_SPAN(" \t ")), "");
    assert_span(otp_span_trim(OTP_SPAN_NONE), "");
    assert_span(otp_span_trim(OTP_SPAN("\xa0")), "\xa0");
}


static void test_number_takes_one_to_eighteen_digits(void **state)
{
    int64_t number = -1;

    (void) state;
    assert_int_equal(otp_span_number(OTP_SPAN("0"), &number), OTP_OK);
    assert_int_equal(number, 0);
    assert_int_equal(otp_span_number(OTP_SPAN("999999999999999999"), &number), OTP_OK);
    assert_int_equal(number, 999999999999999999);
}


static void test_number_refuses_everything_else(void **state)
{
    static const char *const refused[] = { "", "-1", "+1", " 1", "1 ", "1a", "0x1", "1.0", "1000000000000000000" };
    int64_t                  number = 7;

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(otp_span_number(otp_span_of(refused[i]), &number), OTP_INVALID);
    }
    assert_int_equal(number, 7);
}


static void test_secrets_are_compared_to_the_last_byte(void **state)
{
    (void) state;
    assert_true(otp_secret_equal("abcd", "abcd", 4));
    assert_false(otp_secret_equal("abcd", "abce", 4));
    assert_false(otp_secret_equal("abcd", "bbcd", 4));
    assert_true(otp_secret_equal("", "", 0));
}


static void test_wipe_leaves_zeros(void **state)
{
    char secret[4] = { 'a', 'b', 'c', 'd' };

    (void) state;
    otp_secret_wipe(secret, 3);
    assert_memory_equal(secret, "\0\0\0d", 4);
    otp_secret_wipe(NULL, 0);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_text_is_an_empty_span),
        cmocka_unit_test(test_equal_compares_lengths_and_bytes),
        cmocka_unit_test(test_case_is_ignored_for_ascii_letters_only),
        cmocka_unit_test(test_starts_needs_the_whole_prefix),
        cmocka_unit_test(test_cut_visits_every_part_and_the_empty_ones),
        cmocka_unit_test(test_cut_of_nothing_is_nothing),
        cmocka_unit_test(test_cut_without_separator_takes_all),
        cmocka_unit_test(test_trim_takes_white_space_off_both_ends_only),
        cmocka_unit_test(test_number_takes_one_to_eighteen_digits),
        cmocka_unit_test(test_number_refuses_everything_else),
        cmocka_unit_test(test_secrets_are_compared_to_the_last_byte),
        cmocka_unit_test(test_wipe_leaves_zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
