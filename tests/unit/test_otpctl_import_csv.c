#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/otp_import_lab.h"

#define HEX     "3132333435363738393031323334353637383930"
#define BASE32  "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
#define EITHER  "ABCDEFABCDEFABCDEFABCDEFABCDEF22ABCDEF22"      /* hex and base32 */
#define CSV     OTPCTL_IMPORT_CSV

#define REFUSE(cases) otp_assert_refused(CSV, NULL, cases, sizeof(cases) / sizeof(cases[0]))

static const otpctl_import_key_t *read_keys(const char *text, size_t keys)
{
    otp_assert_read(CSV, text, NULL, keys);
    return otp_import_list.key;
}


static void test_columns_are_in_the_usual_order_without_a_header(void **state)
{
    const otpctl_import_key_t *key = read_keys("S-1," HEX ",totp,8,30,sha256\nS-2," HEX ",HOTP,6,42,\n"
                                               "S-3," HEX "\n", 3);

    (void) state;
    assert_string_equal(key[0].serial, "S-1");
    assert_int_equal(key[0].line, 1);
    assert_int_equal(key[0].type, OTP_TYPE_TOTP);
    assert_int_equal(key[0].digits, 8);
    assert_int_equal(key[0].period_s, 30);
    assert_int_equal(key[0].algorithm, OTP_SHA256);
    otp_assert_rfc_secret(&key[0]);
    assert_int_equal(key[1].type, OTP_TYPE_HOTP);
    assert_int_equal(key[1].period_s, 0);
    assert_int_equal(key[1].counter, 42);
    assert_int_equal(key[1].line, 2);
    assert_int_equal(key[2].type, OTP_TYPE_TOTP);
    assert_int_equal(key[2].digits, 6);
    assert_int_equal(key[2].period_s, 60);
    assert_int_equal(key[2].algorithm, OTP_SHA1);
}


static void test_header_names_the_columns_in_any_order(void **state)
{
    const otpctl_import_key_t *key = read_keys("\xef\xbb\xbf# a delivery\r\n\r\n"
        "Algorithm;Secret_Base32;Serial Number;Type;Counter\r\nSHA-1; \"" BASE32 "\" ;\"001\";hotp;7\r\n", 1);

    (void) state;
    assert_string_equal(key->serial, "001");
    assert_int_equal(key->line, 4);
    assert_int_equal(key->counter, 7);
    otp_assert_rfc_secret(key);
}


static void test_last_line_may_lack_its_end(void **state)
{
    (void) state;
    (void) read_keys("serial,seed\nS-1," HEX "\nS-2," HEX, 2);
    (void) read_keys("S-1," HEX "\r\nS-2," HEX "\r", 2);
}


static void test_quotes_hold_separators_quotes_and_line_ends(void **state)
{
    const otpctl_import_key_t *key = read_keys("\"serial\",\"seed\",\"algorithm\"\n\"S-1\",\"" HEX "\",\"\nsha1\n\"\n"
                                               "S-2,\"" HEX "\",\n", 2);

    (void) state;
    assert_int_equal(key[0].line, 2);
    assert_int_equal(key[1].line, 5);
}


static void test_seeds_may_stand_in_groups(void **state)
{
    (void) state;
    otp_assert_rfc_secret(read_keys("S-1,31323334 35363738-39303132:33343536 37383930\n", 1));
    otp_assert_rfc_secret(read_keys("S-1,gezd gnbv gy3t qojq gezd gnbv gy3t qojq\n", 1));
}


static void test_one_seed_tells_how_all_are_written(void **state)
{
    const otpctl_import_key_t *key = read_keys("S-1," EITHER "\nS-2," HEX "\n", 2);

    (void) state;
    assert_int_equal(key[0].len, 20);
    key = read_keys("S-1," EITHER "\nS-2," BASE32 "\n", 2);
    assert_int_equal(key[0].len, 25);
    assert_int_equal(read_keys("serial,secret_hex\nS-1," EITHER "\n", 1)->len, 20);
    assert_int_equal(read_keys("serial,secret_base32\nS-1," EITHER "\n", 1)->len, 25);
}


static void test_seeds_that_may_be_either_are_refused(void **state)
{
    static const otp_refused_t cases[] = {
        { "S-1," EITHER "\nS-2," EITHER "\n", 1, "secret_hex or secret_base32" },
        { "serial,seed\nS-1," EITHER "\n", 2, "secret_hex or secret_base32" },
        { "S-1," HEX "\nS-2," BASE32 "\n", 2, "the seed is base32, the one of line 1 is hex" },
        { "S-1," BASE32 "\nS-2," HEX "\n", 2, "the seed is hex, the one of line 1 is base32" },
    };

    (void) state;
    REFUSE(cases);
}


static void test_bad_seeds_are_refused(void **state)
{
    static const otp_refused_t cases[] = {
        { "S-1," HEX "\nS-2,GEZDGNBVGY3TQOJ1\n", 2, "neither hex nor base32" },
        { "S-1," HEX "\nS-2,\n", 2, "S-2" },
        { "serial,secret_hex\nS-1," HEX "0\n", 2, "is no hex" },
        { "serial,secret_base32\nS-1," HEX "\n", 2, "is no base32" },
        { "serial,secret_base32\nS-1," BASE32 "A\n", 2, "is no base32" },
        { "S-1,313233343536373839\n", 1, "10 to 64 bytes" },
        { "S-1," HEX HEX HEX HEX "\n", 1, "10 to 64 bytes" },
        { "S-1," HEX HEX HEX HEX HEX HEX "\n", 1, "longer than 64 bytes" },
    };

    (void) state;
    REFUSE(cases);
}


static void test_bad_fields_are_refused_with_their_line(void **state)
{
    static const otp_refused_t cases[] = {
        { "S-1," HEX "\n\nS 2," HEX "\n", 3, "\"S 2\" is no serial" },
        { "S-1," HEX "\n," HEX "\n", 2, "there is no serial" },
        { "S-1," HEX ",motp\n", 1, "type \"motp\"" },
        { "S-1," HEX ",securid\n", 1, "sdtid" },
        { "S-1," HEX ",totp,5\n", 1, "6 to 8 digits" },
        { "S-1," HEX ",totp,9\n", 1, "6 to 8 digits" },
        { "S-1," HEX ",totp,six\n", 1, "digits \"six\"" },
        { "S-1," HEX ",totp,6,4\n", 1, "5 to 3600" },
        { "S-1," HEX ",totp,6,0\n", 1, "5 to 3600" },
        { "S-1," HEX ",totp,6,-60\n", 1, "the period" },
        { "S-1," HEX ",hotp,6,-1\n", 1, "the counter" },
        { "S-1," HEX ",hotp,6,1099511627777\n", 1, "the counter" },
        { "S-1," HEX ",totp,6,60,md5\n", 1, "algorithm \"md5\"" },
        { "S-1," HEX ",totp,6,60,sha1,more\n", 1, "7 fields" },
        { "serial,seed,counter\nS-1," HEX ",1\n", 2, "has no counter" },
        { "serial,seed,type,period\nS-1," HEX ",hotp,30\n", 2, "has no period" },
    };

    (void) state;
    REFUSE(cases);
}


static void test_bad_headers_are_refused(void **state)
{
    static const otp_refused_t cases[] = {
        { "serial,seed,colour\nS-1," HEX ",red\n", 1, "column \"colour\"" },
        { "serial,type\nS-1,totp\n", 1, "no column \"secret\"" },
        { "secret_hex,type\n" HEX ",totp\n", 1, "no column \"serial\"" },
        { "serial,seed,Secret\nS-1," HEX "," HEX "\n", 1, "there twice" },
        { "serial,seed\n", 0, "no key" },
        { "", 0, "no key" },
        { "# nothing\n\n", 0, "no key" },
    };

    (void) state;
    REFUSE(cases);
}


static void test_broken_quotes_are_refused(void **state)
{
    static const otp_refused_t cases[] = {
        { "S-1," HEX "\nS-2,\"" HEX "\n", 2, "not closed" },
        { "S-1,\"" HEX "\"x\n", 1, "after a closing quote" },
        { "S-1," HEX ",to\"tp\n", 1, "inside a field" },
        { "S-1," HEX ",,,,,,,,,,,,,,,\n", 1, "more than 16 fields" },
    };

    (void) state;
    REFUSE(cases);
}


static void test_serial_that_repeats_is_refused_with_both_lines(void **state)
{
    static const otp_refused_t cases[] = {
        { "S-1," HEX "\nS-2," HEX "\n\nS-1 ," HEX "\nS-2," HEX "\n", 4, "key S-1 is in line 1 already" },
    };

    (void) state;
    REFUSE(cases);
    (void) read_keys("S-1," HEX "\ns-1," HEX "\n", 2);
}


static void test_line_without_end_is_refused(void **state)
{
    enum { LEN = 5000 };
    char          text[LEN + 1];
    otp_refused_t one = { text, 1, "longer than 4096 bytes" };

    (void) state;
    memset(text, 'A', LEN);
    text[LEN] = '\0';
    otp_assert_refused(CSV, NULL, &one, 1);
}


static void test_key_file_is_refused(void **state)
{
    static const otp_refused_t one = { "S-1," HEX "\n", 0, "--key-file" };

    (void) state;
    otp_assert_refused(CSV, "0123", &one, 1);
}


static void test_more_keys_than_a_file_may_have_are_refused(void **state)
{
    enum { LINE = 20 };
    char *text = malloc((size_t) (OTPCTL_IMPORT_KEYS + 1) * (LINE + 10) + 1), *at = text;

    (void) state;
    assert_non_null(text);
    for (int i = 0; i <= OTPCTL_IMPORT_KEYS; i++) {
        at += snprintf(at, 64, "%d,%s\n", i, "00112233445566778899");
    }
    assert_false(otp_import_lab(CSV, text, NULL));
    assert_int_equal(otp_import_error.line, OTPCTL_IMPORT_KEYS + 1);
    assert_non_null(strstr(otp_import_error.reason, "split the file"));
    *strrchr(text, '\n') = '\0';
    *(strrchr(text, '\n') + 1) = '\0';
    otp_assert_read(CSV, text, NULL, OTPCTL_IMPORT_KEYS);
    otpctl_import_free(&otp_import_list);
    free(text);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_in_the_usual_order_without_a_header),
        cmocka_unit_test(test_header_names_the_columns_in_any_order),
        cmocka_unit_test(test_last_line_may_lack_its_end),
        cmocka_unit_test(test_quotes_hold_separators_quotes_and_line_ends),
        cmocka_unit_test(test_seeds_may_stand_in_groups),
        cmocka_unit_test(test_one_seed_tells_how_all_are_written),
        cmocka_unit_test(test_seeds_that_may_be_either_are_refused),
        cmocka_unit_test(test_bad_seeds_are_refused),
        cmocka_unit_test(test_bad_fields_are_refused_with_their_line),
        cmocka_unit_test(test_bad_headers_are_refused),
        cmocka_unit_test(test_broken_quotes_are_refused),
        cmocka_unit_test(test_serial_that_repeats_is_refused_with_both_lines),
        cmocka_unit_test(test_line_without_end_is_refused),
        cmocka_unit_test(test_key_file_is_refused),
        cmocka_unit_test(test_more_keys_than_a_file_may_have_are_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    otpctl_import_free(&otp_import_list);
    return failed;
}
