#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/oath/otp_hotp.h"

#define SEED "1234567890123456789012345678901234567890123456789012345678901234"

/* RFC 4226 appendix D: secret "12345678901234567890", the truncated values before the modulus too. */
static const uint32_t truncated[] = {
    1284755224, 1094287082, 137359152, 1726969429, 1640338314, 868254676, 1918287922, 82162583, 673399871, 645520489
};

static void assert_appendix_d(unsigned digits, uint32_t modulus)
{
    uint32_t codes[10];

    assert_int_equal(otp_hotp_codes(OTP_SHA1, (otp_span_t) { SEED, 20 }, digits, 0, 10, codes), OTP_OK);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(codes[i], truncated[i] % modulus);
    }
}


static void test_codes_follow_appendix_d_of_rfc_4226(void **state)
{
    static const uint32_t printed[] = {
        755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489
    };
    uint32_t codes[10];

    (void) state;
    assert_int_equal(otp_hotp_codes(OTP_SHA1, (otp_span_t) { SEED, 20 }, 6, 0, 10, codes), OTP_OK);
    assert_memory_equal(codes, printed, sizeof(printed));
}


static void test_codes_have_six_to_eight_digits(void **state)
{
    (void) state;
    assert_appendix_d(6, 1000000);
    assert_appendix_d(7, 10000000);
    assert_appendix_d(8, 100000000);
}


static void test_codes_follow_appendix_b_of_rfc_6238(void **state)
{
    static const struct {
        int64_t         now_s;
        otp_algorithm_t algorithm;
        uint32_t        code;
    } vector[] = {
        { 59, OTP_SHA1, 94287082 }, { 59, OTP_SHA256, 46119246 }, { 59, OTP_SHA512, 90693936 },
        { 1111111109, OTP_SHA1, 7081804 }, { 1111111109, OTP_SHA256, 68084774 }, { 1111111109, OTP_SHA512, 25091201 },
        { 1111111111, OTP_SHA1, 14050471 }, { 1111111111, OTP_SHA256, 67062674 }, { 1111111111, OTP_SHA512, 99943326 },
        { 1234567890, OTP_SHA1, 89005924 }, { 1234567890, OTP_SHA256, 91819424 }, { 1234567890, OTP_SHA512, 93441116 },
        { 2000000000, OTP_SHA1, 69279037 }, { 2000000000, OTP_SHA256, 90698825 }, { 2000000000, OTP_SHA512, 38618901 },
        { 20000000000, OTP_SHA1, 65353130 }, { 20000000000, OTP_SHA256, 77737706 },
        { 20000000000, OTP_SHA512, 47863826 },
    };
    static const size_t seed_len[] = { 20, 32, 64 };
    uint32_t            code;

    (void) state;
    for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
        otp_span_t seed = { SEED, seed_len[vector[i].algorithm] };
        int64_t    step = otp_totp_step(vector[i].now_s, 30);

        assert_int_equal(otp_hotp_codes(vector[i].algorithm, seed, 8, step, 1, &code), OTP_OK);
        assert_int_equal(code, vector[i].code);
    }
}


static void test_codes_of_a_range_are_those_of_its_counters(void **state)
{
    otp_span_t seed = { SEED, 32 };
    uint32_t   range[5], one;

    (void) state;
    assert_int_equal(otp_hotp_codes(OTP_SHA256, seed, 6, 0x100000000 - 2, 5, range), OTP_OK);
    for (int64_t i = 0; i < 5; i++) {
        assert_int_equal(otp_hotp_codes(OTP_SHA256, seed, 6, 0x100000000 - 2 + i, 1, &one), OTP_OK);
        assert_int_equal(range[i], one);
    }
    assert_int_not_equal(range[1], range[2]);
}


static void test_no_counters_give_no_codes(void **state)
{
    uint32_t code = 7;

    (void) state;
    assert_int_equal(otp_hotp_codes(OTP_SHA1, (otp_span_t) { SEED, 20 }, 6, 0, 0, &code), OTP_OK);
    assert_int_equal(code, 7);
}


static void test_seeds_and_digits_out_of_range_are_refused(void **state)
{
    char     seed[OTP_SEED_MAX + 1] = { 1 };
    uint32_t code;

    (void) state;
    assert_int_equal(otp_hotp_codes(OTP_SHA1, (otp_span_t) { seed, OTP_SEED_MIN - 1 }, 6, 0, 1, &code), OTP_INVALID);
    assert_int_equal(otp_hotp_codes(OTP_SHA1, (otp_span_t) { seed, OTP_SEED_MAX + 1 }, 6, 0, 1, &code), OTP_INVALID);
    assert_int_equal(otp_hotp_codes(OTP_SHA1, OTP_SPAN_NONE, 6, 0, 1, &code), OTP_INVALID);
    assert_int_equal(otp_hotp_codes(OTP_SHA1, (otp_span_t) { seed, 20 }, 5, 0, 1, &code), OTP_INVALID);
    assert_int_equal(otp_hotp_codes(OTP_SHA1, (otp_span_t) { seed, 20 }, 9, 0, 1, &code), OTP_INVALID);
    assert_int_equal(otp_hotp_codes(OTP_SHA1, (otp_span_t) { seed, OTP_SEED_MIN }, 6, 0, 1, &code), OTP_OK);
    assert_int_equal(otp_hotp_codes(OTP_SHA1, (otp_span_t) { seed, OTP_SEED_MAX }, 6, 0, 1, &code), OTP_OK);
}


static void test_a_step_begins_with_its_period(void **state)
{
    (void) state;
    assert_int_equal(otp_totp_step(0, 60), 0);
    assert_int_equal(otp_totp_step(59, 60), 0);
    assert_int_equal(otp_totp_step(60, 60), 1);
    assert_int_equal(otp_totp_step(20000000000, 30), 0x27BC86AA);
    assert_int_equal(otp_totp_step(-1, 60), -1);
    assert_int_equal(otp_totp_step(-60, 60), -1);
    assert_int_equal(otp_totp_step(-61, 60), -2);
}


static void test_algorithms_are_read_in_every_usual_spelling(void **state)
{
    static const struct {
        const char     *name;
        otp_algorithm_t algorithm;
    } known[] = {
        { "sha1", OTP_SHA1 }, { "SHA1", OTP_SHA1 }, { "SHA-1", OTP_SHA1 }, { "HmacSHA1", OTP_SHA1 },
        { "sha256", OTP_SHA256 }, { "SHA-256", OTP_SHA256 }, { "HmacSHA256", OTP_SHA256 },
        { "HMAC-SHA-256", OTP_SHA256 },
        { "sha512", OTP_SHA512 }, { "Sha-512", OTP_SHA512 }, { "HmacSHA512", OTP_SHA512 },
    };
    otp_algorithm_t algorithm;

    (void) state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_int_equal(otp_algorithm_parse(otp_span_of(known[i].name), &algorithm), OTP_OK);
        assert_int_equal(algorithm, known[i].algorithm);
        assert_int_equal(otp_algorithm_parse(otp_span_of(otp_algorithm_name(algorithm)), &algorithm), OTP_OK);
        assert_int_equal(algorithm, known[i].algorithm);
    }
}


static void test_other_algorithms_are_refused(void **state)
{
    static const char *const unknown[] = {
        "", "md5", "sha", "sha2", "sha3-256", "sha224", "sha384", "hmac", "sha1 ", "sha256sha256sha256sha256",
        "hmachmacsha1"
    };
    otp_algorithm_t algorithm;

    (void) state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_int_equal(otp_algorithm_parse(otp_span_of(unknown[i]), &algorithm), OTP_INVALID);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_follow_appendix_d_of_rfc_4226),
        cmocka_unit_test(test_codes_have_six_to_eight_digits),
        cmocka_unit_test(test_codes_follow_appendix_b_of_rfc_6238),
        cmocka_unit_test(test_codes_of_a_range_are_those_of_its_counters),
        cmocka_unit_test(test_no_counters_give_no_codes),
        cmocka_unit_test(test_seeds_and_digits_out_of_range_are_refused),
        cmocka_unit_test(test_a_step_begins_with_its_period),
        cmocka_unit_test(test_algorithms_are_read_in_every_usual_spelling),
        cmocka_unit_test(test_other_algorithms_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
