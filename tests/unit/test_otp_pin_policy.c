#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/decide/otp_pin_policy.h"

#define YEAR 2026

typedef struct {
    const char       *pin;
    otp_pin_refusal_t refusal;
} row_t;

static const otp_limits_t limits = OTP_LIMITS_DEFAULT;


static otp_pin_refusal_t check(const char *pin)
{
    return otp_pin_check(otp_span_of(pin), otp_span_of(pin), &limits, YEAR, NULL, 0);
}


static void assert_rows(const row_t *row, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        otp_pin_refusal_t refusal = check(row[i].pin);

        if (refusal != row[i].refusal) {
            fail_msg("%s: \"%s\", not \"%s\"", row[i].pin, otp_pin_refusal_name(refusal),
                     otp_pin_refusal_name(row[i].refusal));
        }
    }
}


#define ASSERT_ROWS(rows) assert_rows(rows, sizeof(rows) / sizeof(rows[0]))


static void test_reasons_have_the_names_of_the_interface(void **state)
{
    static const char *const names[] = {
        "", "digits", "length", "mismatch", "repeated", "sequence", "date", "personal", "previous",
    };

    (void) state;
    for (int i = OTP_PIN_GOOD; i <= OTP_PIN_PREVIOUS; i++) {
        assert_string_equal(otp_pin_refusal_name((otp_pin_refusal_t) i), names[i]);
    }
}


static void test_ordinary_pins_are_good(void **state)
{
    static const row_t rows[] = {
        { "2580", OTP_PIN_GOOD }, { "7294", OTP_PIN_GOOD }, { "80517", OTP_PIN_GOOD }, { "496382", OTP_PIN_GOOD },
        { "7742", OTP_PIN_GOOD }, { "1357", OTP_PIN_GOOD }, { "55444", OTP_PIN_GOOD },
    };

    (void) state;
    ASSERT_ROWS(rows);
}


static void test_length_is_four_to_six(void **state)
{
    static const row_t rows[] = {
        { "", OTP_PIN_LENGTH }, { "7", OTP_PIN_LENGTH }, { "729", OTP_PIN_LENGTH }, { "7294638", OTP_PIN_LENGTH },
        { "72946385172946385172946385172946385", OTP_PIN_LENGTH },
    };

    (void) state;
    ASSERT_ROWS(rows);
}


static void test_operator_chooses_the_length(void **state)
{
    otp_limits_t own = OTP_LIMITS_DEFAULT;

    (void) state;
    own.pin_min = own.pin_max = 8;
    assert_int_equal(otp_pin_check(OTP_SPAN("72946385"), OTP_SPAN("72946385"), &own, YEAR, NULL, 0), OTP_PIN_GOOD);
    assert_int_equal(otp_pin_check(OTP_SPAN("7294638"), OTP_SPAN("7294638"), &own, YEAR, NULL, 0), OTP_PIN_LENGTH);
}


static void test_something_else_than_digits_is_refused(void **state)
{
    static const row_t rows[] = {
        { "72 94", OTP_PIN_DIGITS }, { "729a", OTP_PIN_DIGITS }, { "-729", OTP_PIN_DIGITS }, { "72.4", OTP_PIN_DIGITS },
        { "\xd9\xa7\xd9\xa2\xd9\xa9\xd9\xa4", OTP_PIN_DIGITS }, { "7/94", OTP_PIN_DIGITS }, { "7:94", OTP_PIN_DIGITS },
    };

    (void) state;
    ASSERT_ROWS(rows);
    assert_int_equal(otp_pin_check((otp_span_t) { "72\0004", 4 }, (otp_span_t) { "72\0004", 4 }, &limits, YEAR, NULL,
                                   0),
                     OTP_PIN_DIGITS);
}


static void test_two_entries_must_be_the_same(void **state)
{
    (void) state;
    assert_int_equal(otp_pin_check(OTP_SPAN("2580"), OTP_SPAN("2581"), &limits, YEAR, NULL, 0), OTP_PIN_MISMATCH);
    assert_int_equal(otp_pin_check(OTP_SPAN("2580"), OTP_SPAN("25800"), &limits, YEAR, NULL, 0), OTP_PIN_MISMATCH);
    assert_int_equal(otp_pin_check(OTP_SPAN("2580"), OTP_SPAN(""), &limits, YEAR, NULL, 0), OTP_PIN_MISMATCH);
}


static void test_all_the_same_digit_is_refused(void **state)
{
    static const row_t rows[] = {
        { "0000", OTP_PIN_REPEATED }, { "7777", OTP_PIN_REPEATED }, { "11111", OTP_PIN_REPEATED },
        { "999999", OTP_PIN_REPEATED }, { "7776", OTP_PIN_GOOD }, { "6777", OTP_PIN_GOOD },
    };

    (void) state;
    ASSERT_ROWS(rows);
}


static void test_runs_up_and_down_are_refused(void **state)
{
    static const row_t rows[] = {
        { "1234", OTP_PIN_SEQUENCE }, { "4321", OTP_PIN_SEQUENCE }, { "6789", OTP_PIN_SEQUENCE },
        { "7890", OTP_PIN_SEQUENCE }, { "9012", OTP_PIN_SEQUENCE }, { "0987", OTP_PIN_SEQUENCE },
        { "2109", OTP_PIN_SEQUENCE }, { "123456", OTP_PIN_SEQUENCE }, { "65432", OTP_PIN_SEQUENCE },
        { "4567", OTP_PIN_SEQUENCE }, { "4568", OTP_PIN_GOOD }, { "5467", OTP_PIN_GOOD }, { "8765", OTP_PIN_SEQUENCE },
    };

    (void) state;
    ASSERT_ROWS(rows);
}


static void test_dates_and_years_of_birth_are_refused(void **state)
{
    static const row_t rows[] = {
        { "1407", OTP_PIN_DATE }, { "0714", OTP_PIN_DATE }, { "3112", OTP_PIN_DATE }, { "1231", OTP_PIN_DATE },
        { "2902", OTP_PIN_DATE }, { "3002", OTP_PIN_GOOD }, { "3106", OTP_PIN_GOOD }, { "3200", OTP_PIN_GOOD },
        { "0013", OTP_PIN_GOOD }, { "1975", OTP_PIN_DATE }, { "2026", OTP_PIN_DATE }, { "1916", OTP_PIN_DATE },
        { "1915", OTP_PIN_GOOD }, { "2027", OTP_PIN_GOOD }, { "140775", OTP_PIN_DATE }, { "750714", OTP_PIN_DATE },
        { "317514", OTP_PIN_GOOD }, { "991399", OTP_PIN_GOOD }, { "14075", OTP_PIN_GOOD },
    };

    (void) state;
    ASSERT_ROWS(rows);
}


static void test_facts_about_the_person_are_refused(void **state)
{
    static const otp_span_t personal[] = {
        OTP_SPAN("marie.8350"), OTP_SPAN(""), OTP_SPAN("04 91 85-27/63"), OTP_SPAN("K-2746-9183"),
    };
    static const struct {
        const char       *pin;
        otp_pin_refusal_t refusal;
    } rows[] = {
        { "8350", OTP_PIN_PERSONAL }, { "0491", OTP_PIN_PERSONAL }, { "1852", OTP_PIN_PERSONAL },
        { "852763", OTP_PIN_PERSONAL }, { "4691", OTP_PIN_PERSONAL }, { "69183", OTP_PIN_PERSONAL },
        { "8351", OTP_PIN_GOOD }, { "83500", OTP_PIN_GOOD }, { "3849", OTP_PIN_GOOD },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        otp_span_t pin = otp_span_of(rows[i].pin);

        assert_int_equal(otp_pin_check(pin, pin, &limits, YEAR, personal, 4), rows[i].refusal);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons_have_the_names_of_the_interface),
        cmocka_unit_test(test_ordinary_pins_are_good),
        cmocka_unit_test(test_length_is_four_to_six),
        cmocka_unit_test(test_operator_chooses_the_length),
        cmocka_unit_test(test_something_else_than_digits_is_refused),
        cmocka_unit_test(test_two_entries_must_be_the_same),
        cmocka_unit_test(test_all_the_same_digit_is_refused),
        cmocka_unit_test(test_runs_up_and_down_are_refused),
        cmocka_unit_test(test_dates_and_years_of_birth_are_refused),
        cmocka_unit_test(test_facts_about_the_person_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
