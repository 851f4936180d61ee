#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/otp_import_lab.h"

#define BASE32  "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
#define OTPAUTH OTPCTL_IMPORT_OTPAUTH

static const otpctl_import_key_t *read_keys(const char *text, size_t keys)
{
    otp_assert_read(OTPAUTH, text, NULL, keys);
    return otp_import_list.key;
}


static void test_parameters_are_read(void **state)
{
    const otpctl_import_key_t *key = read_keys("# mine\r\n\r\notpauth://totp/OTP:S-1?secret=" BASE32
        "&issuer=OTP&algorithm=SHA512&digits=8&period=60&image=x\r\n"
        "OTPAUTH://hotp/x@y?secret=gezd%20gnbv%20gy3t%20qojq%20gezd%20gnbv%20gy3t%20qojq&counter=9&serial=S%2D2", 2);

    (void) state;
    assert_string_equal(key[0].serial, "S-1");
    assert_int_equal(key[0].line, 3);
    assert_int_equal(key[0].algorithm, OTP_SHA512);
    assert_int_equal(key[0].digits, 8);
    assert_int_equal(key[0].period_s, 60);
    otp_assert_rfc_secret(&key[0]);
    assert_string_equal(key[1].serial, "S-2");
    assert_int_equal(key[1].line, 4);
    assert_int_equal(key[1].type, OTP_TYPE_HOTP);
    assert_int_equal(key[1].counter, 9);
    assert_int_equal(key[1].period_s, 0);
    otp_assert_rfc_secret(&key[1]);
}


static void test_defaults_are_those_of_the_format(void **state)
{
    const otpctl_import_key_t *key = read_keys("otpauth://totp/S-1?secret=" BASE32 "\n", 1);

    (void) state;
    assert_int_equal(key->period_s, 30);
    assert_int_equal(key->digits, 6);
    assert_int_equal(key->algorithm, OTP_SHA1);
}


static void test_serial_comes_from_the_parameter_then_the_label(void **state)
{
    (void) state;
    assert_string_equal(read_keys("otpauth://totp/A:S-1?secret=" BASE32 "&serial=S-2", 1)->serial, "S-2");
    assert_string_equal(read_keys("otpauth://totp/An%20Issuer%3A%20S-3?secret=" BASE32, 1)->serial, "S-3");
    assert_string_equal(read_keys("otpauth://totp/S-4?secret=" BASE32, 1)->serial, "S-4");
}


static void test_what_our_own_writer_writes_is_read(void **state)
{
    char                       uri[512];
    size_t                     len;
    const otpctl_import_key_t *key;

    (void) state;
    assert_int_equal(otp_otpauth_write(OTP_SPAN("OTP"), OTP_SPAN("0012345678"), OTP_SPAN("12345678901234567890"),
                                       OTP_SHA256, 7, 60, uri, sizeof(uri) - 1, &len), OTP_OK);
    uri[len] = '\0';
    key = read_keys(uri, 1);
    assert_string_equal(key->serial, "0012345678");
    assert_int_equal(key->algorithm, OTP_SHA256);
    assert_int_equal(key->digits, 7);
    assert_int_equal(key->period_s, 60);
    otp_assert_rfc_secret(key);
}


static void test_faults_are_refused_with_their_line(void **state)
{
    static const otp_refused_t cases[] = {
        { "otpauth://totp/S-1?secret=" BASE32 "\nhttp://totp/S-2?secret=" BASE32, 2, "does not begin with otpauth" },
        { "otpauth://motp/S-1?secret=" BASE32, 1, "not totp or hotp" },
        { "otpauth://securid/S-1?secret=" BASE32, 1, "not totp or hotp" },
        { "otpauth://totp", 1, "no serial=" },
        { "otpauth://totp/S-1", 1, "no secret=" },
        { "otpauth://totp/S-1?secret=", 1, "no secret=" },
        { "otpauth://totp/S-1?secret=" BASE32 "1", 1, "is no base32" },
        { "otpauth://totp/S-1?secret=" BASE32 "A", 1, "is no base32" },
        { "otpauth://totp/S-1?secret=GEZDGNBVGY3TQOI", 1, "10 to 64 bytes" },
        { "otpauth://totp/S-1?secret=" BASE32 BASE32 BASE32 BASE32 BASE32, 1, "longer than 64" },
        { "otpauth://totp/S-1?secret=" BASE32 "&secret=" BASE32, 1, "secret= is there twice" },
        { "otpauth://totp/S-1?secret=" BASE32 "&digits=5", 1, "6 to 8 digits" },
        { "otpauth://totp/S-1?secret=" BASE32 "&period=0", 1, "5 to 3600" },
        { "otpauth://totp/S-1?secret=" BASE32 "&counter=1", 1, "has no counter=" },
        { "otpauth://totp/S-1?secret=" BASE32 "&algorithm=MD5", 1, "algorithm \"MD5\"" },
        { "otpauth://totp/S-1?secret=" BASE32 "&serial=%4", 1, "serial= cannot be read" },
        { "otpauth://totp/S-1?secret=" BASE32 "&serial=%zz", 1, "serial= cannot be read" },
        { "otpauth://totp/S-1?secret=" BASE32 "&serial=", 1, "no serial" },
        { "otpauth://totp/a@b?secret=" BASE32, 1, "label \"a@b\"" },
        { "otpauth://totp/A:?secret=" BASE32, 1, "no serial=" },
        { "otpauth://totp/%?secret=" BASE32, 1, "label cannot be read" },
        { "otpauth://hotp/S-1?secret=" BASE32, 1, "no counter=" },
        { "otpauth://hotp/S-1?secret=" BASE32 "&counter=0&period=30", 1, "has no period=" },
        { "otpauth://hotp/S-1?secret=" BASE32 "&counter=-1", 1, "the counter" },
        { "otpauth://totp/S-1?secret=" BASE32 "\n\notpauth://totp/S-1?secret=" BASE32, 3, "in line 1 already" },
        { "\n", 0, "no key" },
    };
    static const otp_refused_t locked = { "otpauth://totp/S-1?secret=" BASE32, 0, "--key-file" };

    (void) state;
    otp_assert_refused(OTPAUTH, NULL, cases, sizeof(cases) / sizeof(cases[0]));
    otp_assert_refused(OTPAUTH, "password", &locked, 1);
}


static void test_reasons_do_not_hold_the_secret(void **state)
{
    (void) state;
    assert_false(otp_import_lab(OTPAUTH, "otpauth://totp/S-1?secret=" BASE32 "1", NULL));
    assert_null(strstr(otp_import_error.reason, "GEZD"));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_are_read),
        cmocka_unit_test(test_defaults_are_those_of_the_format),
        cmocka_unit_test(test_serial_comes_from_the_parameter_then_the_label),
        cmocka_unit_test(test_what_our_own_writer_writes_is_read),
        cmocka_unit_test(test_faults_are_refused_with_their_line),
        cmocka_unit_test(test_reasons_do_not_hold_the_secret),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    otpctl_import_free(&otp_import_list);
    return failed;
}
