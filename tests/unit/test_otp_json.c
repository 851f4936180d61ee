#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/model/otp_json.h"


static json_t *object_of(const char *text)
{
    json_t *object = otp_json_object(otp_span_of(text));

    assert_non_null(object);

    return object;
}


static void test_one_object_and_nothing_else_is_read(void **state)
{
    static const char *const refused[] = {
        "", " ", "null", "1", "\"a\"", "[]", "[{}]", "{", "{}{}", "{} x", "{\"a\":1,\"a\":2}", "{'a':1}", "{\"a\":01}",
        "{\"a\":\"\xff\"}", "{\"a\":\"\\u0000\"}", "{a:1}",
    };
    json_t *object = object_of(" {\"a\":{\"b\":[]}} ");

    (void) state;
    json_decref(object);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_null(otp_json_object(otp_span_of(refused[i])));
    }
    assert_null(otp_json_object(OTP_SPAN_NONE));
}


static void test_deep_nesting_is_refused(void **state)
{
    static char text[200000];

    (void) state;
    memset(text, '[', sizeof(text));
    memcpy(text, "{\"a\":", 5);
    assert_null(otp_json_object((otp_span_t) { text, sizeof(text) }));
}


static void test_text_that_fits_is_read_and_a_longer_one_is_not(void **state)
{
    json_t *object = object_of("{\"a\":\"abcd\",\"n\":7}");
    char    text[8];

    (void) state;
    assert_true(otp_json_text(object, "a", false, text, 5));
    assert_string_equal(text, "abcd");
    assert_false(otp_json_text(object, "a", false, text, 4));
    assert_false(otp_json_text(object, "n", false, text, sizeof(text)));
    assert_false(otp_json_text(object, "n", true, text, sizeof(text)));
    json_decref(object);
}


static void test_absent_text_is_empty_only_when_it_is_optional(void **state)
{
    json_t *object = object_of("{}");
    char    text[8] = "before";

    (void) state;
    assert_false(otp_json_text(object, "a", false, text, sizeof(text)));
    assert_true(otp_json_text(object, "a", true, text, sizeof(text)));
    assert_string_equal(text, "");
    json_decref(object);
}


static void test_nothing_is_written_where_there_is_no_room_at_all(void **state)
{
    json_t *object = object_of("{}");
    char    text[1] = { 'x' };

    (void) state;
    assert_false(otp_json_text(object, "a", true, text, 0));
    assert_int_equal(text[0], 'x');
    json_decref(object);
}


static void test_number_is_an_integer_within_its_bounds(void **state)
{
    json_t *object = object_of("{\"a\":5,\"r\":5.0,\"s\":\"5\",\"t\":true}");
    int64_t number = 0;

    (void) state;
    assert_true(otp_json_number(object, "a", 5, 5, &number));
    assert_int_equal(number, 5);
    assert_false(otp_json_number(object, "a", 6, 9, &number));
    assert_false(otp_json_number(object, "a", 0, 4, &number));
    assert_false(otp_json_number(object, "r", 0, 9, &number));
    assert_false(otp_json_number(object, "s", 0, 9, &number));
    assert_false(otp_json_number(object, "t", 0, 9, &number));
    assert_false(otp_json_number(object, "x", 0, 9, &number));
    assert_false(otp_json_number(NULL, "a", 0, 9, &number));
    json_decref(object);
}


static void test_bytes_have_exactly_their_length(void **state)
{
    json_t *object = object_of("{\"a\":\"AQID\",\"b\":\"AQI\",\"c\":\"AQI=\",\"d\":\"AQIDBA\",\"e\":7,\"f\":\"AQJ\"}");
    uint8_t bytes[3];

    (void) state;
    assert_true(otp_json_bytes(object, "a", bytes, 3));
    assert_memory_equal(bytes, "\1\2\3", 3);
    assert_false(otp_json_bytes(object, "b", bytes, 3));
    assert_false(otp_json_bytes(object, "c", bytes, 3));
    assert_false(otp_json_bytes(object, "d", bytes, 3));
    assert_false(otp_json_bytes(object, "e", bytes, 3));
    assert_false(otp_json_bytes(object, "x", bytes, 3));
    assert_true(otp_json_bytes(object, "b", bytes, 2));
    assert_false(otp_json_bytes(object, "f", bytes, 2));
    json_decref(object);
}


static void test_bytes_are_written_as_they_are_read(void **state)
{
    static const uint8_t bytes[] = { 0xfb, 0xff, 0x00 };
    json_t              *object = json_pack("{s:o}", "a", otp_json_of_bytes(bytes, sizeof(bytes)));
    uint8_t              read[3];

    (void) state;
    assert_string_equal(json_string_value(json_object_get(object, "a")), "-_8A");
    assert_true(otp_json_bytes(object, "a", read, 3));
    assert_memory_equal(read, bytes, 3);
    json_decref(object);
}


static void test_object_that_does_not_fit_is_not_written(void **state)
{
    char   text[16];
    size_t len;

    (void) state;
    assert_int_equal(otp_json_write(json_pack("{s:s}", "a", "bcdef"), text, 13, &len), OTP_OK);
    assert_int_equal(len, 13);
    assert_memory_equal(text, "{\"a\":\"bcdef\"}", 13);
    assert_int_equal(otp_json_write(json_pack("{s:s}", "a", "bcdef"), text, 12, &len), OTP_NO_ROOM);
    assert_int_equal(otp_json_write(NULL, text, sizeof(text), &len), OTP_FAILED);
}


static void test_empty_value_is_left_out(void **state)
{
    json_t *object = json_object();

    (void) state;
    assert_true(otp_json_set_span(object, "a", OTP_SPAN("x")));
    assert_true(otp_json_set_span(object, "b", OTP_SPAN("")));
    assert_false(otp_json_set_span(object, "c", OTP_SPAN("\xc3")));
    assert_int_equal(json_object_size(object), 1);
    json_decref(object);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_object_and_nothing_else_is_read),
        cmocka_unit_test(test_deep_nesting_is_refused),
        cmocka_unit_test(test_text_that_fits_is_read_and_a_longer_one_is_not),
        cmocka_unit_test(test_absent_text_is_empty_only_when_it_is_optional),
        cmocka_unit_test(test_nothing_is_written_where_there_is_no_room_at_all),
        cmocka_unit_test(test_number_is_an_integer_within_its_bounds),
        cmocka_unit_test(test_bytes_have_exactly_their_length),
        cmocka_unit_test(test_bytes_are_written_as_they_are_read),
        cmocka_unit_test(test_object_that_does_not_fit_is_not_written),
        cmocka_unit_test(test_empty_value_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
