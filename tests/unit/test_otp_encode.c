#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/base/otp_encode.h"

typedef otp_status_t (*decoder_t)(otp_span_t text, uint8_t *bytes, size_t size, size_t *len);

static void assert_decodes(decoder_t decode, const char *text, const char *bytes)
{
    uint8_t out[64];
    size_t  len = 99;

    assert_int_equal(decode(otp_span_of(text), out, sizeof(out), &len), OTP_OK);
    assert_int_equal(len, strlen(bytes));
    assert_memory_equal(out, bytes, len);
}


static void assert_refuses(decoder_t decode, const char *const *text, size_t n)
{
    uint8_t out[64];
    size_t  len;

    for (size_t i = 0; i < n; i++) {
        len = 99;
        assert_int_equal(decode(otp_span_of(text[i]), out, sizeof(out), &len), OTP_INVALID);
        assert_int_equal(len, 0);
    }
}


static void test_hex_of_either_case_is_read(void **state)
{
    (void) state;
    assert_decodes(otp_hex_decode, "", "");
    assert_decodes(otp_hex_decode, "4f4A", "OJ");
}


static void test_hex_of_odd_length_or_with_other_characters_is_refused(void **state)
{
    static const char *const refused[] = { "4", "4f4", "4g", "4 ", "0x", "G0", "@0", "`0", "/0", ":0" };

    (void) state;
    assert_refuses(otp_hex_decode, refused, sizeof(refused) / sizeof(refused[0]));
}


static void test_base64url_without_padding_is_read(void **state)
{
    (void) state;
    assert_decodes(otp_base64url_decode, "", "");
    assert_decodes(otp_base64url_decode, "Zg", "f");
    assert_decodes(otp_base64url_decode, "Zm8", "fo");
    assert_decodes(otp_base64url_decode, "Zm9v", "foo");
    assert_decodes(otp_base64url_decode, "-__-", "\xfb\xff\xfe");
}


static void test_base64url_of_any_other_form_is_refused(void **state)
{
    /* A lone digit, padding, the other alphabet, blanks, and bits left over. */
    static const char *const refused[] = {
        "Z", "Zm9vZ", "Zg==", "+/+/", "Zm 9", "Zm9v\n", "Zh", "Zm9", "Zm-", "Zm@v", "Zm[v", "Zm`v", "Zm{v", "Zm\xe9v"
    };

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_false(otp_base64url_valid(otp_span_of(refused[i])));
    }
    assert_true(otp_base64url_valid(OTP_SPAN("-__-Zg")));
    assert_refuses(otp_base64url_decode, refused, sizeof(refused) / sizeof(refused[0]));
}


static void test_base32_is_read_as_people_type_it(void **state)
{
    static const char *const spelling[] = {
        "MZXW6YTBOI", "mzxw6ytboi", "MZXW6YTBOI======", "mzxw 6ytb-oi", " MZXW6YTBOI "
    };

    (void) state;
    for (size_t i = 0; i < sizeof(spelling) / sizeof(spelling[0]); i++) {
        assert_decodes(otp_base32_decode, spelling[i], "foobar");
    }
    assert_decodes(otp_base32_decode, "", "");
    assert_decodes(otp_base32_decode, "MZXW6YTB", "fooba");
    assert_decodes(otp_base32_decode, "MZXW6YQ=", "foob");
}


static void test_base32_of_any_other_form_is_refused(void **state)
{
    static const char *const refused[] = {
        "M", "MZX", "MZXW6Y", "M1", "M8", "M0", "MY=", "MY=====", "MY=======", "MY======A", "=", "MZXW6YTB========",
        "MZ", "MZXR", "M_", "MZXW=6YQ"
    };

    (void) state;
    assert_refuses(otp_base32_decode, refused, sizeof(refused) / sizeof(refused[0]));
}


static void test_more_than_fits_is_refused_without_writing_past_the_end(void **state)
{
    uint8_t out[3] = { 0, 0, 0x55 };
    size_t  len = 99;

    (void) state;
    assert_int_equal(otp_hex_decode(OTP_SPAN("414243"), out, 2, &len), OTP_NO_ROOM);
    assert_int_equal(len, 0);
    assert_int_equal(otp_base64url_decode(OTP_SPAN("QUJD"), out, 2, &len), OTP_NO_ROOM);
    assert_int_equal(otp_base32_decode(OTP_SPAN("IFBEG"), out, 2, &len), OTP_NO_ROOM);
    assert_int_equal(out[2], 0x55);
    assert_int_equal(otp_hex_decode(OTP_SPAN("4142"), out, 2, &len), OTP_OK);
    assert_int_equal(len, 2);
}


static void test_every_length_comes_back_as_it_went(void **state)
{
    uint8_t      bytes[64], back[64];
    char         text[160];
    otp_buffer_t buffer;
    size_t       len;

    (void) state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t) (i * 151 + 7);
    }
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        otp_buffer_init(&buffer, text, sizeof(text));
        otp_buffer_add_base64url(&buffer, bytes, n);
        assert_int_equal(otp_base64url_decode(otp_buffer_span(&buffer), back, n, &len), OTP_OK);
        assert_int_equal(len, n);
        assert_memory_equal(back, bytes, n);
        otp_buffer_init(&buffer, text, sizeof(text));
        otp_buffer_add_base32(&buffer, bytes, n);
        assert_int_equal(otp_base32_decode(otp_buffer_span(&buffer), back, n, &len), OTP_OK);
        assert_int_equal(len, n);
        assert_memory_equal(back, bytes, n);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex_of_either_case_is_read),
        cmocka_unit_test(test_hex_of_odd_length_or_with_other_characters_is_refused),
        cmocka_unit_test(test_base64url_without_padding_is_read),
        cmocka_unit_test(test_base64url_of_any_other_form_is_refused),
        cmocka_unit_test(test_base32_is_read_as_people_type_it),
        cmocka_unit_test(test_base32_of_any_other_form_is_refused),
        cmocka_unit_test(test_more_than_fits_is_refused_without_writing_past_the_end),
        cmocka_unit_test(test_every_length_comes_back_as_it_went),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
