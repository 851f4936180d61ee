#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "otpctl/notify/otpctl_mailbox.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16

static void test_address_of_atoms_and_labels_is_valid(void **state)
{
    static const char *const addresses[] = {
        "a@b", "marie.dupont@example.org", "x!#$%&'*+-/=?^_`{|}~0@a-1.b2.example", A64 "@example.org", "root@localhost",
        "a@xn--exmple-cua.org"
    };

    (void) state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        if (!otpctl_mailbox_valid(otp_span_of(addresses[i]))) {
            fail_msg("refused: %s", addresses[i]);
        }
    }
}


static void test_address_that_means_more_than_a_mailbox_is_refused(void **state)
{
    static const char *const addresses[] = {
        "", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", " a@b", "a@b ", "<a@b>", "a@b>", "a@b,c@d", "a@b;c@d",
        "\"a\"@b", "a(c)@b", "a@[127.0.0.1]", "a@b\r\nBcc: c@d", "a@b\n", "a\t@b", ".a@b", "a.@b", "a..b@c",
        "a@.b", "a@b.",
        "a@b..c", "a@-b", "a@b-", "a@b_c", "\xC3\xA9@b", "a@\xC3\xA9.org", "a@b\x7f", A64 "a@b", "a@" A64 ".org",
        "a@b:25", "a\\@b"
    };
    char       long_one[OTP_EMAIL_LEN + 2];
    otp_span_t with_nul = OTP_SPAN("a\0b@c");

    (void) state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        if (otpctl_mailbox_valid(otp_span_of(addresses[i]))) {
            fail_msg("taken: %s", addresses[i]);
        }
    }
    assert_false(otpctl_mailbox_valid(with_nul));
    memset(long_one, 'a', sizeof(long_one));
    memcpy(long_one, "a@", 2);
    for (size_t i = 32; i < sizeof(long_one); i += 32) {
        long_one[i] = '.';
    }
    long_one[OTP_EMAIL_LEN] = 'a';
    assert_true(otpctl_mailbox_valid((otp_span_t) { long_one, OTP_EMAIL_LEN - 1 }));
    assert_false(otpctl_mailbox_valid((otp_span_t) { long_one, OTP_EMAIL_LEN + 1 }));
}


static void test_name_before_an_address_in_angles_is_taken(void **state)
{
    otpctl_mailbox_t mailbox;

    (void) state;
    assert_true(otpctl_mailbox_parse(&mailbox, OTP_SPAN("a@example.org")));
    assert_string_equal(mailbox.name, "");
    assert_string_equal(mailbox.address, "a@example.org");
    assert_true(otpctl_mailbox_parse(&mailbox, OTP_SPAN(" Portail acad\xC3\xA9mique  <a@example.org> ")));
    assert_string_equal(mailbox.name, "Portail acad\xC3\xA9mique");
    assert_string_equal(mailbox.address, "a@example.org");
    assert_string_equal(otpctl_mailbox_domain(&mailbox), "example.org");
    assert_true(otpctl_mailbox_parse(&mailbox, OTP_SPAN("\"A, B\" <a@b>")));
    assert_string_equal(mailbox.name, "A, B");
    assert_true(otpctl_mailbox_parse(&mailbox, OTP_SPAN("<a@b>")));
    assert_string_equal(mailbox.name, "");
    assert_false(otpctl_mailbox_parse(&mailbox, OTP_SPAN("A <a@b> <c@d>")));
    assert_false(otpctl_mailbox_parse(&mailbox, OTP_SPAN("A a@b>")));
    assert_false(otpctl_mailbox_parse(&mailbox, OTP_SPAN("A <>")));
    assert_false(otpctl_mailbox_parse(&mailbox, OTP_SPAN("")));
}


static void test_name_that_does_not_fit_is_refused(void **state)
{
    char             name[OTP_NAME_LEN + 1];
    otpctl_mailbox_t mailbox;

    (void) state;
    memset(name, 'n', sizeof(name));
    assert_true(otpctl_mailbox_make(&mailbox, (otp_span_t) { name, OTP_NAME_LEN }, OTP_SPAN("a@b")));
    assert_int_equal(strlen(mailbox.name), OTP_NAME_LEN);
    assert_false(otpctl_mailbox_make(&mailbox, (otp_span_t) { name, OTP_NAME_LEN + 1 }, OTP_SPAN("a@b")));
}


static void test_name_that_cannot_be_written_is_left_out(void **state)
{
    char name[OTP_NAME_LEN + 1];

    (void) state;
    memset(name, 'n', sizeof(name));
    assert_int_equal(otpctl_mailbox_name((otp_span_t) { name, OTP_NAME_LEN }).len, OTP_NAME_LEN);
    assert_int_equal(otpctl_mailbox_name((otp_span_t) { name, OTP_NAME_LEN + 1 }).len, 0);
    assert_true(otp_span_equal(otpctl_mailbox_name(OTP_SPAN("Jos\xC3\xA9")), OTP_SPAN("Jos\xC3\xA9")));
    assert_int_equal(otpctl_mailbox_name(OTP_SPAN("Jos\xE9 Latin-1")).len, 0);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_of_atoms_and_labels_is_valid),
        cmocka_unit_test(test_address_that_means_more_than_a_mailbox_is_refused),
        cmocka_unit_test(test_name_before_an_address_in_angles_is_taken),
        cmocka_unit_test(test_name_that_does_not_fit_is_refused),
        cmocka_unit_test(test_name_that_cannot_be_written_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
