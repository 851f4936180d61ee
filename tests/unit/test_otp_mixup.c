#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/model/otp_mixup.h"
#include "otp_fake_key.h"

static const uint8_t nonce[OTP_RANDOM_NONCE] = "nonce of it";

static otp_keyring_t *ring;


static int open_ring(void **state)
{
    (void) state;
    ring = otp_fake_ring();
    return 0;
}


static int close_ring(void **state)
{
    (void) state;
    otp_keyring_destroy(ring);
    return 0;
}


static otp_span_t sealed(const char *uid, const char *code, char *text)
{
    size_t     len;
    otp_span_t of = otp_span_of(uid);

    assert_int_equal(otp_mixup_seal(ring, of, otp_span_of(code), nonce, text, OTP_MIXUP_MAX, &len), OTP_OK);

    return (otp_span_t) { text, len };
}


static void test_sealed_code_is_opened_for_its_person(void **state)
{
    static const char *const codes[] = { "012345", "1234567", "12345678" };
    char                     text[OTP_MIXUP_MAX], code[OTP_DIGITS_MAX + 1];

    (void) state;
    for (size_t i = 0; i < 3; i++) {
        otp_span_t of = sealed("marie", codes[i], text);

        assert_null(memmem(of.data, of.len, codes[i], strlen(codes[i])));
        assert_int_equal(otp_mixup_open(ring, OTP_SPAN("marie"), of, code), OTP_OK);
        assert_string_equal(code, codes[i]);
    }
}


static void test_sealed_code_says_nothing_about_another_person(void **state)
{
    char       text[OTP_MIXUP_MAX], code[OTP_DIGITS_MAX + 1];
    otp_span_t of = sealed("marie", "012345", text);

    (void) state;
    assert_int_equal(otp_mixup_open(ring, OTP_SPAN("paul"), of, code), OTP_INVALID);
    assert_string_equal(code, "");
    text[of.len - 1] = text[of.len - 1] == 'A' ? 'Q' : 'A';
    assert_int_equal(otp_mixup_open(ring, OTP_SPAN("marie"), of, code), OTP_INVALID);
    assert_string_equal(code, "");
}


static void test_only_a_code_is_sealed(void **state)
{
    static const char *const others[] = { "", "12345", "123456789", "2580123456", "12345a", "12 345", "-12345" };
    char                     text[OTP_MIXUP_MAX];
    size_t                   len;

    (void) state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        otp_span_t typed = otp_span_of(others[i]);

        assert_false(otp_mixup_code(typed));
        assert_int_equal(otp_mixup_seal(ring, OTP_SPAN("marie"), typed, nonce, text, sizeof(text), &len), OTP_INVALID);
    }
}


static void test_longest_uid_fits_and_a_longer_one_is_refused(void **state)
{
    char       uid[OTP_UID_LEN + 16], text[OTP_MIXUP_MAX], code[OTP_DIGITS_MAX + 1];
    size_t     len;
    otp_span_t of;

    (void) state;
    memset(uid, 'u', sizeof(uid));
    uid[OTP_UID_LEN] = '\0';
    of = sealed(uid, "12345678", text);
    assert_int_equal(otp_mixup_open(ring, otp_span_of(uid), of, code), OTP_OK);
    uid[OTP_UID_LEN] = 'u';
    assert_int_equal(otp_mixup_seal(ring, (otp_span_t) { uid, sizeof(uid) }, OTP_SPAN("123456"), nonce, text,
                                    sizeof(text), &len), OTP_INVALID);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sealed_code_is_opened_for_its_person),
        cmocka_unit_test(test_sealed_code_says_nothing_about_another_person),
        cmocka_unit_test(test_only_a_code_is_sealed),
        cmocka_unit_test(test_longest_uid_fits_and_a_longer_one_is_refused),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
