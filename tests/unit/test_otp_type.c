#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/oath/otp_type.h"

#define SEED "1234567890123456789012345678901234567890123456789012345678901234"


static otp_type_secret_t how(otp_algorithm_t algorithm, unsigned digits, int64_t period_s, size_t len)
{
    return (otp_type_secret_t) {
        .algorithm = algorithm, .digits = digits, .period_s = period_s, .secret = { SEED, len }
    };
}


static void test_types_are_read_by_their_names(void **state)
{
    static const struct {
        const char *name;
        otp_type_t  type;
        bool        timed;
    } known[] = {
        { "totp", OTP_TYPE_TOTP, true }, { "HOTP", OTP_TYPE_HOTP, false }, { "SecurID", OTP_TYPE_SECURID, true },
    };
    otp_type_t type;

    (void) state;
    for (size_t i = 0; i < OTP_TYPES; i++) {
        assert_int_equal(otp_type_parse(otp_span_of(known[i].name), &type), OTP_OK);
        assert_int_equal(type, known[i].type);
        assert_int_equal(otp_type_rules(type)->timed, known[i].timed);
        assert_int_equal(otp_type_parse(otp_span_of(otp_type_rules(type)->name), &type), OTP_OK);
        assert_int_equal(type, known[i].type);
    }
    assert_int_equal(otp_type_parse(OTP_SPAN(""), &type), OTP_INVALID);
    assert_int_equal(otp_type_parse(OTP_SPAN("motp"), &type), OTP_INVALID);
    assert_int_equal(otp_type_parse(OTP_SPAN("totp "), &type), OTP_INVALID);
}


/* The counters of the appendix begin with 0, the steps with 1. */
static void test_hotp_shows_appendix_d_of_rfc_4226(void **state)
{
    static const uint32_t printed[] = {
        755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489
    };
    otp_type_secret_t secret = how(OTP_SHA1, 6, 0, 20);
    uint32_t          codes[10];

    (void) state;
    assert_int_equal(otp_type_rules(OTP_TYPE_HOTP)->codes(&secret, 1, 10, codes), OTP_OK);
    assert_memory_equal(codes, printed, sizeof(printed));
}


static void test_hotp_shows_nothing_before_its_first_event(void **state)
{
    otp_type_secret_t secret = how(OTP_SHA1, 6, 0, 20);
    uint32_t          codes[5];

    (void) state;
    assert_int_equal(otp_type_rules(OTP_TYPE_HOTP)->codes(&secret, -2, 5, codes), OTP_OK);
    assert_int_equal(codes[0], UINT32_MAX);
    assert_int_equal(codes[2], UINT32_MAX);
    assert_int_equal(codes[3], 755224);
    assert_int_equal(codes[4], 287082);
    assert_int_equal(otp_type_rules(OTP_TYPE_HOTP)->codes(&secret, -20, 5, codes), OTP_OK);
    assert_int_equal(codes[4], UINT32_MAX);
}


static void test_totp_shows_appendix_b_of_rfc_6238(void **state)
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
        otp_type_secret_t secret = how(vector[i].algorithm, 8, 30, seed_len[vector[i].algorithm]);
        int64_t           step = otp_totp_step(vector[i].now_s, 30);

        assert_int_equal(otp_type_rules(OTP_TYPE_TOTP)->codes(&secret, step, 1, &code), OTP_OK);
        assert_int_equal(code, vector[i].code);
    }
}


static void test_secrets_that_cannot_be_a_keys_are_refused_with_a_reason(void **state)
{
    static const struct {
        otp_type_t type;
        unsigned   digits;
        int64_t    period_s;
        size_t     len;
        bool       valid;
    } secrets[] = {
        { OTP_TYPE_TOTP, 6, 60, 20, true }, { OTP_TYPE_TOTP, 8, 5, OTP_SEED_MIN, true },
        { OTP_TYPE_TOTP, 7, 3600, OTP_SEED_MAX, true }, { OTP_TYPE_TOTP, 5, 60, 20, false },
        { OTP_TYPE_TOTP, 9, 60, 20, false }, { OTP_TYPE_TOTP, 6, 4, 20, false }, { OTP_TYPE_TOTP, 6, 3601, 20, false },
        { OTP_TYPE_TOTP, 6, 0, 20, false }, { OTP_TYPE_TOTP, 6, 60, OTP_SEED_MIN - 1, false },
        { OTP_TYPE_TOTP, 6, 60, OTP_SEED_MAX + 1, false }, { OTP_TYPE_HOTP, 6, 0, 20, true },
        { OTP_TYPE_HOTP, 6, 60, 20, false }, { OTP_TYPE_HOTP, 9, 0, 20, false },
        { OTP_TYPE_HOTP, 6, 0, OTP_SEED_MIN - 1, false },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        otp_type_secret_t secret = how(OTP_SHA1, secrets[i].digits, secrets[i].period_s, secrets[i].len);
        const char       *reason = NULL;

        assert_int_equal(otp_type_rules(secrets[i].type)->valid(&secret, &reason), secrets[i].valid);
        assert_int_equal(reason == NULL, secrets[i].valid);
    }
}


static void test_keys_of_oath_do_not_say_when_they_end(void **state)
{
    otp_type_secret_t secret = how(OTP_SHA1, 6, 60, 20);

    (void) state;
    assert_int_equal(otp_type_rules(OTP_TYPE_TOTP)->expires(&secret), 0);
    assert_int_equal(otp_type_rules(OTP_TYPE_HOTP)->expires(&secret), 0);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_are_read_by_their_names),
        cmocka_unit_test(test_hotp_shows_appendix_d_of_rfc_4226),
        cmocka_unit_test(test_hotp_shows_nothing_before_its_first_event),
        cmocka_unit_test(test_totp_shows_appendix_b_of_rfc_6238),
        cmocka_unit_test(test_secrets_that_cannot_be_a_keys_are_refused_with_a_reason),
        cmocka_unit_test(test_keys_of_oath_do_not_say_when_they_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
