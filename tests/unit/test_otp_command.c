#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/store/otp_command.h"
#include "core/store/otp_swap.h"

static void assert_written(const otp_command_t *command, bool as_eval, otp_span_t expected)
{
    char   out[2048];
    size_t len = otp_command_write(command, as_eval, out, sizeof(out));

    assert_int_equal(len, expected.len);
    assert_memory_equal(out, expected.data, len);
}


static void test_a_command_is_an_array_of_bulk_strings(void **state)
{
    otp_command_t command = { .arg = { OTP_SPAN("SET"), OTP_SPAN("a key"), OTP_SPAN("0123456789") }, .args = 3 };

    (void) state;
    assert_written(&command, false, OTP_SPAN("*3\r\n$3\r\nSET\r\n$5\r\na key\r\n$10\r\n0123456789\r\n"));
}


static void test_arguments_may_hold_any_byte_or_none(void **state)
{
    otp_command_t command = { .arg = { OTP_SPAN("SET"), OTP_SPAN("\0\r\n$1"), OTP_SPAN_NONE }, .args = 3 };

    (void) state;
    assert_written(&command, false, OTP_SPAN("*3\r\n$3\r\nSET\r\n$5\r\n\0\r\n$1\r\n$0\r\n\r\n"));
}


static void test_a_full_command_has_twenty_arguments(void **state)
{
    otp_command_t command = { .args = OTP_COMMAND_ARGS };
    char          expected[256] = "*20\r\n";

    (void) state;
    for (size_t i = 0; i < OTP_COMMAND_ARGS; i++) {
        command.arg[i] = OTP_SPAN("x");
        strcat(expected, "$1\r\nx\r\n");
    }
    assert_written(&command, false, otp_span_of(expected));
}


static void test_what_does_not_fit_is_counted_and_not_written(void **state)
{
    otp_command_t command = { .arg = { OTP_SPAN("GET"), OTP_SPAN("k") }, .args = 2 };
    char          out[32];
    size_t        whole = otp_command_write(&command, false, NULL, 0);

    (void) state;
    assert_int_equal(whole, 20);
    for (size_t size = 0; size <= whole; size++) {
        memset(out, 'x', sizeof(out));
        assert_int_equal(otp_command_write(&command, false, out, size), whole);
        assert_int_equal(out[0], size < whole ? 'x' : '*');
        assert_int_equal(out[size], 'x');
    }
}


static void test_a_swap_is_written_with_the_digest_or_with_the_script(void **state)
{
    otp_command_t command = {
        .arg = { OTP_SPAN("EVALSHA"), otp_swap_sha1(), OTP_SPAN("0") }, .args = 3, .swap = true
    };
    otp_span_t script = otp_swap_script();
    char       expected[2048];
    int        len = snprintf(expected, sizeof(expected), "*3\r\n$4\r\nEVAL\r\n$%zu\r\n%.*s\r\n$1\r\n0\r\n", script.len,
        (int) script.len, script.data);

    (void) state;
    assert_written(&command, true, (otp_span_t) { expected, (size_t) len });
    len = snprintf(expected, sizeof(expected), "*3\r\n$7\r\nEVALSHA\r\n$40\r\n%.40s\r\n$1\r\n0\r\n",
        otp_swap_sha1().data);
    assert_written(&command, false, (otp_span_t) { expected, (size_t) len });
}


static void test_other_commands_never_become_a_script(void **state)
{
    otp_command_t command = { .arg = { OTP_SPAN("GET"), OTP_SPAN("k") }, .args = 2 };

    (void) state;
    assert_written(&command, true, OTP_SPAN("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_command_is_an_array_of_bulk_strings),
        cmocka_unit_test(test_arguments_may_hold_any_byte_or_none),
        cmocka_unit_test(test_a_full_command_has_twenty_arguments),
        cmocka_unit_test(test_what_does_not_fit_is_counted_and_not_written),
        cmocka_unit_test(test_a_swap_is_written_with_the_digest_or_with_the_script),
        cmocka_unit_test(test_other_commands_never_become_a_script),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
