#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "core/http/otp_preference.h"

/* Reads a whole list as "value=weight " pairs. */
static void assert_list(const char *header, const char *expected)
{
    otp_span_t rest = otp_span_of(header);
    otp_preference_t preference;
    char text[512] = "";
    size_t len = 0;

    while (otp_preference_next(&rest, &preference)) {
        len += (size_t) snprintf(text + len, sizeof(text) - len, "%.*s=%d ", (int) preference.value.len,
                                 preference.value.data, preference.weight);
        assert_true(len < sizeof(text));
    }
    assert_string_equal(text, expected);
}


static void test_elements_come_with_their_weights_in_thousandths(void **state)
{
    (void) state;
    assert_list("fr-CH, fr;q=0.9, en;q=0.85, de;q=0.125, *;q=0", "fr-CH=1000 fr=900 en=850 de=125 *=0 ");
    assert_list("text/html;level=1;q=0.5;ext=2", "text/html=500 ");
    assert_list("a;q=1,b;q=1.,c;q=1.000,d;q=0.,e;Q=0.001", "a=1000 b=1000 c=1000 d=0 e=1 ");
    assert_list(" a ; q=0.3 \t,\tb ", "a=300 b=1000 ");
}


static void test_empty_elements_are_passed_over(void **state)
{
    (void) state;
    assert_list(NULL, "");
    assert_list("", "");
    assert_list(",, ,", "");
    assert_list(",a,,b,", "a=1000 b=1000 ");
    assert_list(";q=0.5,a", "a=1000 ");
}


static void test_elements_with_a_malformed_weight_are_passed_over(void **state)
{
    static const char *const weights[] = {
        "", "2", "01", "10", "1.1", "1.001", "0.1234", ".5", "-0", "+1", "0.a", "0x1", "\"0\"", "1 0", "\xB9",
    };
    char header[64];

    (void) state;
    for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
        snprintf(header, sizeof(header), "a;q=%s,b", weights[i]);
        assert_list(header, "b=1000 ");
    }
    assert_list("a;q=0,5", "a=0 5=1000 ");
}


static void test_separators_inside_quotes_are_text(void **state)
{
    (void) state;
    assert_list("a;x=\"b,c;q=0.1\";q=0.2,d", "a=200 d=1000 ");
    assert_list("a;x=\"\\\",b\";q=0.3,c", "a=300 c=1000 ");
    assert_list("a;x=\"never closed,b,c", "a=1000 ");
    assert_list("a;x=\"\\", "a=1000 ");
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_come_with_their_weights_in_thousandths),
        cmocka_unit_test(test_empty_elements_are_passed_over),
        cmocka_unit_test(test_elements_with_a_malformed_weight_are_passed_over),
        cmocka_unit_test(test_separators_inside_quotes_are_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
