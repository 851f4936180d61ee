#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/base/otp_buffer.h"

static void assert_text(const otp_buffer_t *buffer, const char *text)
{
    otp_span_t span = otp_buffer_span(buffer);

    assert_false(buffer->overflow);
    assert_int_equal(span.len, strlen(text));
    assert_memory_equal(span.data, text, span.len);
}


static void test_pieces_follow_each_other(void **state)
{
    char         data[64];
    otp_buffer_t buffer;

    (void) state;
    otp_buffer_init(&buffer, data, sizeof(data));
    otp_buffer_add(&buffer, OTP_SPAN("ab"));
    otp_buffer_add(&buffer, OTP_SPAN_NONE);
    otp_buffer_add_text(&buffer, "cd");
    otp_buffer_add_char(&buffer, '-');
    otp_buffer_add_number(&buffer, 10);
    assert_text(&buffer, "abcd-10");
}


static void test_numbers_are_written_to_both_ends_of_their_range(void **state)
{
    char         data[64];
    otp_buffer_t buffer;

    (void) state;
    otp_buffer_init(&buffer, data, sizeof(data));
    otp_buffer_add_number(&buffer, 0);
    otp_buffer_add_char(&buffer, ' ');
    otp_buffer_add_number(&buffer, INT64_MAX);
    otp_buffer_add_char(&buffer, ' ');
    otp_buffer_add_number(&buffer, INT64_MIN);
    assert_text(&buffer, "0 9223372036854775807 -9223372036854775808");
}


static void test_exactly_full_is_no_overflow(void **state)
{
    char         data[4];
    otp_buffer_t buffer;

    (void) state;
    otp_buffer_init(&buffer, data, sizeof(data));
    otp_buffer_add(&buffer, OTP_SPAN("abcd"));
    assert_text(&buffer, "abcd");
}


static void test_after_an_overflow_nothing_is_written_and_the_span_is_empty(void **state)
{
    char         data[5] = "....";
    otp_buffer_t buffer;

    (void) state;
    otp_buffer_init(&buffer, data, 4);
    otp_buffer_add(&buffer, OTP_SPAN("ab"));
    otp_buffer_add(&buffer, OTP_SPAN("cde"));
    otp_buffer_add_char(&buffer, 'x');
    assert_true(buffer.overflow);
    assert_null(otp_buffer_span(&buffer).data);
    assert_int_equal(otp_buffer_span(&buffer).len, 0);
    assert_string_equal(data, "ab..");
}


static void test_every_kind_of_piece_is_bounded(void **state)
{
    char         data[3] = "..";
    otp_buffer_t buffer;

    (void) state;
    for (int kind = 0; kind < 6; kind++) {
        otp_buffer_init(&buffer, data, 1);
        switch (kind) {
        case 0: otp_buffer_add_text(&buffer, "ab"); break;
        case 1: otp_buffer_add_number(&buffer, 10); break;
        case 2: otp_buffer_add_hex(&buffer, (const uint8_t *) "a", 1); break;
        case 3: otp_buffer_add_base64url(&buffer, (const uint8_t *) "a", 1); break;
        case 4: otp_buffer_add_base32(&buffer, (const uint8_t *) "a", 1); break;
        case 5: otp_buffer_add_percent(&buffer, OTP_SPAN(" ")); break;
        }
        assert_true(buffer.overflow);
        assert_string_equal(data, "..");
    }
}


static void test_a_buffer_without_memory_only_overflows(void **state)
{
    otp_buffer_t buffer;

    (void) state;
    otp_buffer_init(&buffer, NULL, 0);
    otp_buffer_add(&buffer, OTP_SPAN_NONE);
    otp_buffer_add_hex(&buffer, NULL, 0);
    otp_buffer_add_base64url(&buffer, NULL, 0);
    assert_false(buffer.overflow);
    otp_buffer_add_char(&buffer, 'a');
    assert_true(buffer.overflow);
}


/* RFC 4648 section 10. */
static void test_encodings_follow_the_vectors_of_rfc_4648(void **state)
{
    static const char *const vector[][4] = {
        { "", "", "", "" },
        { "f", "66", "Zg", "MY" },
        { "fo", "666f", "Zm8", "MZXQ" },
        { "foo", "666f6f", "Zm9v", "MZXW6" },
        { "foob", "666f6f62", "Zm9vYg", "MZXW6YQ" },
        { "fooba", "666f6f6261", "Zm9vYmE", "MZXW6YTB" },
        { "foobar", "666f6f626172", "Zm9vYmFy", "MZXW6YTBOI" },
    };
    char         data[32];
    otp_buffer_t buffer;

    (void) state;
    for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
        const uint8_t *bytes = (const uint8_t *) vector[i][0];
        size_t         len = strlen(vector[i][0]);

        otp_buffer_init(&buffer, data, sizeof(data));
        otp_buffer_add_hex(&buffer, bytes, len);
        assert_text(&buffer, vector[i][1]);
        otp_buffer_init(&buffer, data, sizeof(data));
        otp_buffer_add_base64url(&buffer, bytes, len);
        assert_text(&buffer, vector[i][2]);
        otp_buffer_init(&buffer, data, sizeof(data));
        otp_buffer_add_base32(&buffer, bytes, len);
        assert_text(&buffer, vector[i][3]);
    }
}


static void test_base64url_has_dash_and_underscore(void **state)
{
    char         data[8];
    otp_buffer_t buffer;

    (void) state;
    otp_buffer_init(&buffer, data, sizeof(data));
    otp_buffer_add_base64url(&buffer, (const uint8_t *) "\xfb\xff\xfe", 3);
    assert_text(&buffer, "-__-");
}


static void test_percent_leaves_unreserved_characters_only(void **state)
{
    char         data[64];
    otp_buffer_t buffer;

    (void) state;
    otp_buffer_init(&buffer, data, sizeof(data));
    otp_buffer_add_percent(&buffer, OTP_SPAN("aZ09-._~ /?&=%+#\r\n\0\xc3\xa9"));
    assert_text(&buffer, "aZ09-._~%20%2F%3F%26%3D%25%2B%23%0D%0A%00%C3%A9");
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_follow_each_other),
        cmocka_unit_test(test_numbers_are_written_to_both_ends_of_their_range),
        cmocka_unit_test(test_exactly_full_is_no_overflow),
        cmocka_unit_test(test_after_an_overflow_nothing_is_written_and_the_span_is_empty),
        cmocka_unit_test(test_every_kind_of_piece_is_bounded),
        cmocka_unit_test(test_a_buffer_without_memory_only_overflows),
        cmocka_unit_test(test_encodings_follow_the_vectors_of_rfc_4648),
        cmocka_unit_test(test_base64url_has_dash_and_underscore),
        cmocka_unit_test(test_percent_leaves_unreserved_characters_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
