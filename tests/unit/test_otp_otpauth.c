#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/oath/otp_hotp.h"

#define SEED OTP_SPAN("12345678901234567890")

static void assert_uri(const char *uri, size_t len, const char *expected)
{
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(uri, expected, len);
}


static void test_uri_tells_all_an_authenticator_needs(void **state)
{
    char   uri[256];
    size_t len;

    (void) state;
    assert_int_equal(otp_otpauth_write(OTP_SPAN("Arena"), OTP_SPAN("K-1"), SEED, OTP_SHA1, 6, 60, uri, sizeof(uri),
        &len), OTP_OK);
    assert_uri(uri, len, "otpauth://totp/Arena:K-1?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Arena"
        "&algorithm=SHA1&digits=6&period=60");
}


static void test_uri_of_a_key_that_counts_events_tells_its_next_counter(void **state)
{
    char   uri[256];
    size_t len;

    (void) state;
    assert_int_equal(otp_otpauth_write_hotp(OTP_SPAN("Arena"), OTP_SPAN("K-1"), SEED, OTP_SHA256, 8, 0, uri,
        sizeof(uri), &len), OTP_OK);
    assert_uri(uri, len, "otpauth://hotp/Arena:K-1?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Arena"
        "&algorithm=SHA256&digits=8&counter=0");
    assert_int_equal(otp_otpauth_write_hotp(OTP_SPAN_NONE, OTP_SPAN("K"), SEED, OTP_SHA1, 6, 1099511627775, uri,
        sizeof(uri), &len), OTP_OK);
    assert_uri(uri, len, "otpauth://hotp/K?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1&digits=6"
        "&counter=1099511627775");
}


static void test_issuer_and_label_cannot_change_the_uri(void **state)
{
    char   uri[256];
    size_t len;

    (void) state;
    assert_int_equal(otp_otpauth_write(OTP_SPAN("A&digits=8"), OTP_SPAN("x:y?z /\xc3\xa9"), SEED, OTP_SHA256, 8, 30,
        uri, sizeof(uri), &len), OTP_OK);
    assert_uri(uri, len, "otpauth://totp/A%26digits%3D8:x%3Ay%3Fz%20%2F%C3%A9?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=A%26digits%3D8&algorithm=SHA256&digits=8&period=30");
}


static void test_no_issuer_leaves_no_trace(void **state)
{
    char   uri[256];
    size_t len;

    (void) state;
    assert_int_equal(otp_otpauth_write(OTP_SPAN_NONE, OTP_SPAN("K"), SEED, OTP_SHA512, 7, 60, uri, sizeof(uri), &len),
        OTP_OK);
    assert_uri(uri, len, "otpauth://totp/K?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&algorithm=SHA512&digits=7&period=60");
}


static otp_status_t write_short(char *uri, size_t size, size_t *len)
{
    return otp_otpauth_write(OTP_SPAN("I"), OTP_SPAN("K"), SEED, OTP_SHA1, 6, 60, uri, size, len);
}


static void test_every_size_too_small_is_refused_and_leaves_no_secret(void **state)
{
    char   uri[256];
    size_t whole, len;

    (void) state;
    assert_int_equal(write_short(uri, sizeof(uri), &whole), OTP_OK);
    for (size_t size = 0; size < whole; size++) {
        memset(uri, 'x', sizeof(uri));
        assert_int_equal(write_short(uri, size, &len), OTP_NO_ROOM);
        assert_int_equal(len, 0);
        assert_null(memmem(uri, sizeof(uri), "GEZ", 3));
        assert_int_equal(uri[size], 'x');
    }
    assert_int_equal(write_short(uri, whole, &len), OTP_OK);
}


static void test_parameters_out_of_range_are_refused(void **state)
{
    static const struct {
        size_t   seed_len;
        unsigned digits;
        int64_t  period_s;
    } refused[] = { { 9, 6, 60 }, { 65, 6, 60 }, { 20, 5, 60 }, { 20, 9, 60 }, { 20, 6, 0 }, { 20, 6, -60 } };
    char   seed[65] = { 1 }, uri[256];
    size_t len;

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(otp_otpauth_write(OTP_SPAN("I"), OTP_SPAN("K"), (otp_span_t) { seed, refused[i].seed_len },
            OTP_SHA1, refused[i].digits, refused[i].period_s, uri, sizeof(uri), &len), OTP_INVALID);
        assert_int_equal(len, 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(otp_otpauth_write_hotp(OTP_SPAN("I"), OTP_SPAN("K"),
            (otp_span_t) { seed, refused[i].seed_len }, OTP_SHA1, refused[i].digits, 0, uri, sizeof(uri), &len),
            OTP_INVALID);
        assert_int_equal(len, 0);
    }
    assert_int_equal(otp_otpauth_write_hotp(OTP_SPAN("I"), OTP_SPAN("K"), SEED, OTP_SHA1, 6, -1, uri, sizeof(uri),
        &len), OTP_INVALID);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uri_tells_all_an_authenticator_needs),
        cmocka_unit_test(test_uri_of_a_key_that_counts_events_tells_its_next_counter),
        cmocka_unit_test(test_issuer_and_label_cannot_change_the_uri),
        cmocka_unit_test(test_no_issuer_leaves_no_trace),
        cmocka_unit_test(test_every_size_too_small_is_refused_and_leaves_no_secret),
        cmocka_unit_test(test_parameters_out_of_range_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
