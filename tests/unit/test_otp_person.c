#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/model/otp_level.h"
#include "core/model/otp_person.h"

static void test_an_identifier_is_trimmed_and_lower_case(void **state)
{
    char   uid[OTP_UID_LEN];
    size_t len = 0;

    (void) state;
    assert_int_equal(otp_uid_canonical(OTP_SPAN(" \tJean.Dupont_1-x+y@Ac-Z.FR\r\n"), uid, &len), OTP_OK);
    assert_int_equal(len, strlen("jean.dupont_1-x+y@ac-z.fr"));
    assert_memory_equal(uid, "jean.dupont_1-x+y@ac-z.fr", len);
}


static void test_an_identifier_of_other_characters_is_refused(void **state)
{
    static const char *const refused[] = {
        "", "  ", "a b", "a/b", "a:b", "a,b", "a*b", "a%b", "a\nb", "{a}", "jos\xc3\xa9", "\xef\xbc\xa1", "a[",
        "a`", "a'", "\"a\"", "a\\", "a\x7f", "a\x01"
    };
    char   uid[OTP_UID_LEN];
    size_t len;

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(otp_uid_canonical(otp_span_of(refused[i]), uid, &len), OTP_INVALID);
        assert_int_equal(len, 0);
    }
    assert_int_equal(otp_uid_canonical(OTP_SPAN("a\0b"), uid, &len), OTP_INVALID);
}


static void test_an_identifier_has_at_most_64_bytes(void **state)
{
    char   text[OTP_UID_LEN + 1], uid[OTP_UID_LEN];
    size_t len;

    (void) state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(otp_uid_canonical((otp_span_t) { text, 64 }, uid, &len), OTP_OK);
    assert_int_equal(len, 64);
    assert_int_equal(otp_uid_canonical((otp_span_t) { text, 65 }, uid, &len), OTP_INVALID);
}


static void test_a_group_is_found_whole(void **state)
{
    (void) state;
    assert_true(otp_groups_have(OTP_SPAN("staff,helpdesk"), OTP_SPAN("helpdesk")));
    assert_true(otp_groups_have(OTP_SPAN("staff, helpdesk"), OTP_SPAN("helpdesk")));
    assert_true(otp_groups_have(OTP_SPAN("staff"), OTP_SPAN("staff")));
    assert_false(otp_groups_have(OTP_SPAN("staff,helpdesk"), OTP_SPAN("help")));
    assert_false(otp_groups_have(OTP_SPAN("staff,helpdesk"), OTP_SPAN("desk")));
    assert_false(otp_groups_have(OTP_SPAN("staff"), OTP_SPAN("Staff")));
    assert_false(otp_groups_have(OTP_SPAN("staff,helpdesk"), OTP_SPAN("staff,helpdesk")));
}


static void test_nobody_is_in_the_group_without_a_name(void **state)
{
    (void) state;
    assert_false(otp_groups_have(OTP_SPAN_NONE, OTP_SPAN("")));
    assert_false(otp_groups_have(OTP_SPAN("a,,b"), OTP_SPAN("")));
    assert_false(otp_groups_have(OTP_SPAN_NONE, OTP_SPAN("a")));
}


static void test_levels_and_methods_have_the_names_of_the_interface(void **state)
{
    (void) state;
    assert_string_equal(otp_level_name(OTP_LEVEL_OFF), "off");
    assert_string_equal(otp_level_name(OTP_LEVEL_PASSWORD), "password");
    assert_string_equal(otp_level_name(OTP_LEVEL_OTP), "otp");
    assert_string_equal(otp_auth_name(OTP_AUTH_PASSWORD), "password");
    assert_string_equal(otp_auth_name(OTP_AUTH_KEY), "key");
    assert_string_equal(otp_auth_name(OTP_AUTH_EMERGENCY), "emergency");
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_identifier_is_trimmed_and_lower_case),
        cmocka_unit_test(test_an_identifier_of_other_characters_is_refused),
        cmocka_unit_test(test_an_identifier_has_at_most_64_bytes),
        cmocka_unit_test(test_a_group_is_found_whole),
        cmocka_unit_test(test_nobody_is_in_the_group_without_a_name),
        cmocka_unit_test(test_levels_and_methods_have_the_names_of_the_interface),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
