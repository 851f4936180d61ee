#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/base/otp_text.h"


static void assert_kept(const char *text, const char *kept)
{
    char       room[64];
    otp_span_t out = otp_text_undirected(otp_span_of(text), room);

    assert_int_equal(out.len, strlen(kept));
    assert_memory_equal(out.data, kept, out.len);
}


static void test_every_mark_of_direction_goes(void **state)
{
    static const char *const marks[] = {
        "\xd8\x9c", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad",
        "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9",
    };
    char text[32];

    (void) state;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        assert_kept(marks[i], "");
        (void) memcpy(text, "a", 1);
        (void) memcpy(text + 1, marks[i], strlen(marks[i]));
        (void) memcpy(text + 1 + strlen(marks[i]), "b", 2);
        assert_kept(text, "ab");
    }
}


static void test_what_is_beside_them_in_the_alphabet_stays(void **state)
{
    static const char *const others[] = {
        "\xd8\x9b", "\xd8\x9d", "\xe2\x80\x8d", "\xe2\x80\x90", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\xa5",
        "\xe2\x81\xaa", "\xe2\x82\xac", "caf\xc3\xa9", "\xd7\x9c\xd7\x90", "\xe2", "\xe2\x80", "\xd8", "a\xe2\x81",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_kept(others[i], others[i]);
    }
}


static void test_empty_text_is_itself(void **state)
{
    (void) state;
    assert_null(otp_text_undirected(OTP_SPAN_NONE, NULL).data);
    assert_int_equal(otp_text_undirected(OTP_SPAN(""), NULL).len, 0);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_mark_of_direction_goes),
        cmocka_unit_test(test_what_is_beside_them_in_the_alphabet_stays),
        cmocka_unit_test(test_empty_text_is_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
