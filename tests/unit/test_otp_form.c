#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/otp_form.h"

#define BODY_LIMIT  8192

static char buffer[BODY_LIMIT * 64];

static otp_status_t parse(otp_span_t text, otp_form_t *form)
{
    char *copy = malloc(text.len > 0 ? text.len : 1);
    otp_status_t status;

    assert_non_null(copy);
    assert_true(text.len <= sizeof(buffer));
    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    status = otp_form_parse((otp_span_t) { copy, text.len }, buffer, form);
    free(copy);
    return status;
}


static void assert_field(const otp_form_t *form, const char *name, const char *value)
{
    otp_span_t got = otp_form_get(form, name);

    assert_non_null(got.data);
    assert_int_equal(got.len, strlen(value));
    assert_memory_equal(got.data, value, got.len);
}


static void test_fields_are_decoded(void **state)
{
    otp_form_t form;

    (void) state;
    assert_int_equal(parse(OTP_SPAN("username=m.dupont&password=a+b%26c%3Dd%2b%C3%A9&rd=%2fapp%3Fx%3d1"), &form),
                     OTP_OK);
    assert_int_equal(form.fields, 3);
    assert_field(&form, "username", "m.dupont");
    assert_field(&form, "password", "a b&c=d+\xC3\xA9");
    assert_field(&form, "rd", "/app?x=1");
}


static void test_only_the_first_equals_sign_ends_the_name(void **state)
{
    otp_form_t form;

    (void) state;
    assert_int_equal(parse(OTP_SPAN("a=b=c"), &form), OTP_OK);
    assert_field(&form, "a", "b=c");
}


static void test_empty_value_is_there_and_absent_field_is_not(void **state)
{
    otp_form_t form;

    (void) state;
    assert_int_equal(parse(OTP_SPAN("a=&b"), &form), OTP_OK);
    assert_field(&form, "a", "");
    assert_field(&form, "b", "");
    assert_null(otp_form_get(&form, "c").data);
    assert_null(otp_form_get(&form, "").data);
}


static void test_empty_body_is_a_form_without_fields(void **state)
{
    otp_form_t form;

    (void) state;
    assert_int_equal(otp_form_parse(OTP_SPAN_NONE, NULL, &form), OTP_OK);
    assert_int_equal(form.fields, 0);
    assert_int_equal(parse(OTP_SPAN(""), &form), OTP_OK);
    assert_int_equal(form.fields, 0);
    assert_int_equal(parse(OTP_SPAN("&&"), &form), OTP_OK);
    assert_int_equal(form.fields, 0);
}


static void test_same_field_twice_is_refused(void **state)
{
    otp_form_t form;

    (void) state;
    assert_int_equal(parse(OTP_SPAN("a=1&b=2&a=1"), &form), OTP_INVALID);
    assert_int_equal(form.fields, 0);
    assert_int_equal(parse(OTP_SPAN("a=1&%61=2"), &form), OTP_INVALID);
    assert_int_equal(parse(OTP_SPAN("a&a"), &form), OTP_INVALID);
    assert_int_equal(parse(OTP_SPAN("a=1&A=2"), &form), OTP_OK);
}


static void test_broken_percent_encoding_is_refused(void **state)
{
    static const char *const bodies[] = {
        "a=%", "a=%4", "a=%4g", "a=%g4", "a=%%41", "%=1", "a=%4&b=1", "a=%+1", "a=% 1",
    };
    otp_form_t form;

    (void) state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(parse(otp_span_of(bodies[i]), &form), OTP_INVALID);
    }
}


static void test_control_characters_are_refused_raw_and_encoded(void **state)
{
    otp_form_t form;
    char body[16];

    (void) state;
    for (int c = 0; c < 256; c++) {
        bool control = c < 0x20 || c == 0x7F;
        bool alone = c < 0x80;      /* no valid UTF-8 by itself */
        int len = snprintf(body, sizeof(body), "a=x%%%02Xy", (unsigned) c);

        assert_int_equal(parse((otp_span_t) { body, (size_t) len }, &form), control || !alone ? OTP_INVALID : OTP_OK);
        memcpy(body, "a=xzy", 5);
        body[3] = (char) c;
        if (c != '%' && c != '&') {
            assert_int_equal(parse((otp_span_t) { body, 5 }, &form), control || !alone ? OTP_INVALID : OTP_OK);
        }
    }
    assert_int_equal(parse(OTP_SPAN("a%00=1"), &form), OTP_INVALID);
    assert_int_equal(parse(OTP_SPAN("a=%C2%85"), &form), OTP_INVALID);
    assert_int_equal(parse(OTP_SPAN("a=%C2%A0"), &form), OTP_OK);
}


static void test_invalid_utf8_is_refused(void **state)
{
    static const char *const bodies[] = {
        "a=%80", "a=%C3", "a=%C3x", "a=%C0%AF", "a=%E0%80%AF", "a=%ED%A0%80", "a=%F4%90%80%80", "a=%F8%88%80%80%80",
        "a=%FF", "%E9=1", "a=\xC3&b=\xA9", "a=\xE9",
    };
    otp_form_t form;

    (void) state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(parse(otp_span_of(bodies[i]), &form), OTP_INVALID);
    }
}


static void test_utf8_is_valid_exactly_as_rfc3629_says(void **state)
{
    static const char *const valid[] = {
        "", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "d\xC3\xA9j\xC3\xA0 vu \xE2\x82\xAC",
    };
    static const char *const invalid[] = {
        "\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x7F", "\xC2\xC0", "\xE0\x9F\xBF", "\xE1\x80",
        "\xE1\x80\xC0", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF1\x80\x80", "\xF1\x80\x80\x7F",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF", "a\xC3",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        assert_true(otp_utf8_valid(otp_span_of(valid[i])));
    }
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        assert_false(otp_utf8_valid(otp_span_of(invalid[i])));
    }
    assert_true(otp_utf8_valid((otp_span_t) { "a\0b", 3 }));
    assert_true(otp_utf8_valid(OTP_SPAN_NONE));
}


static void test_sixteen_fields_are_read_and_seventeen_refused(void **state)
{
    otp_form_t form;
    char body[128];
    size_t len = 0;

    (void) state;
    for (int i = 0; i < 17; i++) {
        len += (size_t) sprintf(body + len, "&f%d=%d", i, i);
        assert_int_equal(parse((otp_span_t) { body, len }, &form), i < OTP_FORM_FIELDS ? OTP_OK : OTP_INVALID);
    }
}


static void test_ten_thousand_fields_are_refused_after_sixteen(void **state)
{
    otp_form_t form;
    char *body = malloc(10000 * 8);
    size_t len = 0;

    (void) state;
    assert_non_null(body);
    for (int i = 0; i < 10000; i++) {
        len += (size_t) sprintf(body + len, "f%d=&", i);
    }
    assert_int_equal(parse((otp_span_t) { body, len }, &form), OTP_INVALID);
    assert_int_equal(form.fields, 0);
    free(body);
}


static void test_body_at_the_limit_is_read(void **state)
{
    otp_form_t form;
    char body[BODY_LIMIT];

    (void) state;
    memset(body, 'x', sizeof(body));
    memcpy(body, "password=", 9);
    assert_int_equal(parse((otp_span_t) { body, sizeof(body) }, &form), OTP_OK);
    assert_int_equal(otp_form_get(&form, "password").len, sizeof(body) - 9);
    memset(body, '&', sizeof(body));
    assert_int_equal(parse((otp_span_t) { body, sizeof(body) }, &form), OTP_OK);
    assert_int_equal(form.fields, 0);
}


static void test_other_media_types_are_not_forms(void **state)
{
    (void) state;
    assert_true(otp_form_type(OTP_SPAN("application/x-www-form-urlencoded")));
    assert_true(otp_form_type(OTP_SPAN("Application/X-WWW-Form-urlencoded; charset=UTF-8")));
    assert_true(otp_form_type(OTP_SPAN(" application/x-www-form-urlencoded ;")));
    assert_false(otp_form_type(OTP_SPAN_NONE));
    assert_false(otp_form_type(OTP_SPAN("")));
    assert_false(otp_form_type(OTP_SPAN("multipart/form-data; boundary=x")));
    assert_false(otp_form_type(OTP_SPAN("text/plain")));
    assert_false(otp_form_type(OTP_SPAN("application/json")));
    assert_false(otp_form_type(OTP_SPAN("application/x-www-form-urlencodedx")));
    assert_false(otp_form_type(OTP_SPAN("text/plain; application/x-www-form-urlencoded")));
    assert_false(otp_form_type(OTP_SPAN("application/x-www-form-urlencoded, text/plain")));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_decoded),
        cmocka_unit_test(test_only_the_first_equals_sign_ends_the_name),
        cmocka_unit_test(test_empty_value_is_there_and_absent_field_is_not),
        cmocka_unit_test(test_empty_body_is_a_form_without_fields),
        cmocka_unit_test(test_same_field_twice_is_refused),
        cmocka_unit_test(test_broken_percent_encoding_is_refused),
        cmocka_unit_test(test_control_characters_are_refused_raw_and_encoded),
        cmocka_unit_test(test_invalid_utf8_is_refused),
        cmocka_unit_test(test_utf8_is_valid_exactly_as_rfc3629_says),
        cmocka_unit_test(test_sixteen_fields_are_read_and_seventeen_refused),
        cmocka_unit_test(test_ten_thousand_fields_are_refused_after_sixteen),
        cmocka_unit_test(test_body_at_the_limit_is_read),
        cmocka_unit_test(test_other_media_types_are_not_forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
