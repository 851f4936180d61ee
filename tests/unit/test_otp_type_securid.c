#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/oath/otp_type.h"

/* Tokens made with `stoken issue` and written with `stoken export`; they are nobody's. */
#define SIX_60      "209594812462953760247622117602126443110523773552437163404152155376343272716776360"
#define FIVE_60     "200000000000535304372330656212127632062164605774713661724142161740023322716775001"
#define WITHOUT_PIN "209594812462947562256221127075413142726745237002427036244150151466231452716705651"
#define PASSWORD    "209594812462952217507166545554501370305540162252052271406150151466231452716744025"
#define DEVICE      "209594812462974315374243454060421626645670742645720447745150151466231452237572170"

#define TIMES 6

/* What `stoken tokencode --pin=0000 --use-time=…` says. */
static const struct {
    const char *token;
    unsigned    digits;
    int64_t     period_s;
    uint32_t    code[TIMES];
} shown[] = {
    { "209594812462963575563457373075106454643777012350731231464152055376464632716726211", 6, 30,
      { 640581, 672289, 198050, 476721, 802493, 14324 } },
    { SIX_60, 6, 60, { 636939, 248532, 248532, 934420, 934420, 302568 } },
    { "209594812462950061025567530762220253332201415425357760044172055376137752716725517", 8, 30,
      { 46424561, 73666086, 56669435, 90565873, 20110393, 7093812 } },
    { "209594812462905602105717043631511514443151222501330505644172155376103472716746302", 8, 60,
      { 60218806, 29346830, 29346830, 84046614, 84046614, 46746334 } },
};

static const int64_t shown_at[TIMES] = { 1, 1700000000, 1700000030, 1763805000, 1763805030, 1763805060 };

static const otp_type_rules_t *const rules = &otp_type_securid;


static otp_type_secret_t token(const char *text, unsigned digits, int64_t period_s)
{
    return (otp_type_secret_t) { .digits = digits, .period_s = period_s, .secret = otp_span_of(text) };
}


static void test_codes_are_those_that_stoken_shows(void **state)
{
    uint32_t code;

    (void) state;
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        otp_type_secret_t secret = token(shown[i].token, shown[i].digits, shown[i].period_s);
        const char       *reason = NULL;

        assert_true(rules->valid(&secret, &reason));
        for (size_t j = 0; j < TIMES; j++) {
            assert_int_equal(rules->codes(&secret, otp_totp_step(shown_at[j], shown[i].period_s), 1, &code), OTP_OK);
            assert_int_equal(code, shown[i].code[j]);
        }
    }
}


static void test_token_without_a_pin_shows_its_codes_too(void **state)
{
    otp_type_secret_t secret = token(WITHOUT_PIN, 6, 60);
    uint32_t          code;

    (void) state;
    assert_int_equal(rules->codes(&secret, 1700000000 / 60, 1, &code), OTP_OK);
    assert_int_equal(code, 618749);
    assert_int_equal(rules->codes(&secret, 1763805060 / 60, 1, &code), OTP_OK);
    assert_int_equal(code, 560438);
}


static void test_codes_of_a_range_are_those_of_its_steps(void **state)
{
    otp_type_secret_t secret = token(SIX_60, 6, 60);
    uint32_t          range[21], one;

    (void) state;
    assert_int_equal(rules->codes(&secret, 28333323, 21, range), OTP_OK);
    for (int64_t i = 0; i < 21; i++) {
        assert_int_equal(rules->codes(&secret, 28333323 + i, 1, &one), OTP_OK);
        assert_int_equal(range[i], one);
    }
    assert_int_equal(range[28333333 - 28333323], 248532);
}


static void test_before_1970_there_is_no_code_and_no_date_is_too_late_unnoticed(void **state)
{
    otp_type_secret_t secret = token(SIX_60, 6, 60);
    uint32_t          codes[3] = { 7, 7, 7 };

    (void) state;
    assert_int_equal(rules->codes(&secret, -2, 3, codes), OTP_OK);
    assert_int_equal(codes[0], UINT32_MAX);
    assert_int_equal(codes[1], UINT32_MAX);
    assert_int_equal(codes[2], 636939);
    assert_int_equal(rules->codes(&secret, INT64_C(1) << 41, 1, codes), OTP_OK);
    assert_int_equal(rules->codes(&secret, INT64_MAX - 3, 3, codes), OTP_INVALID);
}


static void test_period_and_digits_must_be_the_tokens(void **state)
{
    static const struct {
        unsigned digits;
        int64_t  period_s;
    } refused[] = { { 6, 30 }, { 6, 120 }, { 6, 0 }, { 8, 60 }, { 7, 60 }, { 0, 60 } };
    uint32_t code;

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        otp_type_secret_t secret = token(SIX_60, refused[i].digits, refused[i].period_s);
        const char       *reason = NULL;

        assert_false(rules->valid(&secret, &reason));
        assert_non_null(reason);
        assert_int_equal(rules->codes(&secret, 28333333, 1, &code), OTP_INVALID);
    }
}


static void test_token_of_five_digits_is_no_key(void **state)
{
    otp_type_secret_t secret = token(FIVE_60, 5, 60);
    const char       *reason = NULL;

    (void) state;
    assert_false(rules->valid(&secret, &reason));
    assert_string_equal(reason, "the codes have not 6 to 8 digits");
}


static void assert_no_token(otp_type_secret_t secret)
{
    const char *reason = NULL;
    uint32_t    code;

    assert_false(rules->valid(&secret, &reason));
    assert_non_null(reason);
    assert_int_equal(rules->codes(&secret, 28333333, 1, &code), OTP_INVALID);
    assert_int_equal(rules->expires(&secret), 0);
}


/* libstoken itself would take some of them. */
static void test_what_is_no_bare_token_is_refused(void **state)
{
    static const char *const refused[] = {
        "", "2", "com.rsa.securid.iphone://ctf?ctfData=" SIX_60, SIX_60 "0", " " SIX_60,
        "20959-48124-62953-76024-76221-17602-12644-31105-23773-55243-71634-04152-15537-63432-72716-77636-0",
        "<?xml version=\"1.0\"?><TKNBatch></TKNBatch>                                        ",
        "123456789012345678901234567890123456789012345678901234567890123456789012345678901", PASSWORD, DEVICE,
    };

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_no_token(token(refused[i], 6, 60));
    }
}


static void test_token_with_any_digit_changed_is_refused(void **state)
{
    char text[] = SIX_60;

    (void) state;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        text[i] = text[i] == '7' ? '1' : '7';
        assert_no_token(token(text, 6, 60));
        memcpy(text, SIX_60, sizeof(text));
    }
}


static void test_day_on_which_a_token_ends_is_known(void **state)
{
    otp_type_secret_t secret = token(WITHOUT_PIN, 6, 60);

    (void) state;
    assert_int_equal(rules->expires(&secret), 1867017600);      /* 2029-03-01 */
    secret.secret = OTP_SPAN(SIX_60);
    assert_int_equal(rules->expires(&secret), 1953072000);      /* 2031-11-22 */
}


static void *compute(void *wrong)
{
    otp_type_secret_t secret = token(SIX_60, 6, 60), other = token(shown[2].token, 8, 30);
    uint32_t          code = 0;

    for (int i = 0; i < 200; i++) {
        if (rules->codes(&secret, 1700000000 / 60, 1, &code) != OTP_OK || code != 248532
            || rules->codes(&other, 1700000000 / 30, 1, &code) != OTP_OK || code != 73666086)
        {
            *(bool *) wrong = true;
        }
    }
    return NULL;
}


static void test_threads_do_not_disturb_each_other(void **state)
{
    pthread_t thread[4];
    bool      wrong[4] = { false };

    (void) state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, compute, &wrong[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_false(wrong[i]);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_are_those_that_stoken_shows),
        cmocka_unit_test(test_token_without_a_pin_shows_its_codes_too),
        cmocka_unit_test(test_codes_of_a_range_are_those_of_its_steps),
        cmocka_unit_test(test_before_1970_there_is_no_code_and_no_date_is_too_late_unnoticed),
        cmocka_unit_test(test_period_and_digits_must_be_the_tokens),
        cmocka_unit_test(test_token_of_five_digits_is_no_key),
        cmocka_unit_test(test_what_is_no_bare_token_is_refused),
        cmocka_unit_test(test_token_with_any_digit_changed_is_refused),
        cmocka_unit_test(test_day_on_which_a_token_ends_is_known),
        cmocka_unit_test(test_threads_do_not_disturb_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
