#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/otp_cookie.h"

#define NAME    OTP_SPAN("__Host-otp")

static const otp_span_t names[] = { { "__Host-otp", 10 }, { "otp_lang", 8 }, { "__Host-otp-device", 17 } };
#define NAMES   (sizeof(names) / sizeof(names[0]))

static void assert_span(otp_span_t span, const char *text)
{
    assert_int_equal(span.len, strlen(text));
    assert_memory_equal(span.data, text, span.len);
}


/* In memory of exactly its size, so that a sanitizer sees the first byte read too many. */
static size_t find_exact(const char *header, size_t len, otp_span_t *value, size_t max, char **copy)
{
    *copy = malloc(len > 0 ? len : 1);
    assert_non_null(*copy);
    memcpy(*copy, header, len);
    return otp_cookie_find((otp_span_t) { *copy, len }, NAME, value, max);
}


static void assert_found(const char *header, size_t count, const char *first)
{
    otp_span_t value[2];
    char *copy;

    assert_int_equal(find_exact(header, strlen(header), value, 2, &copy), count);
    if (count > 0) {
        assert_span(value[0], first);
    }
    free(copy);
}


/* The length of what is left. */
static size_t strip(otp_span_t header, const otp_span_t *list, size_t count, char *out)
{
    otp_cookie_taken_t taken = { OTP_SPAN_NONE, 0 };

    return header.len != 0 ? otp_cookie_take(header, 0, list, count, out, &taken) : 0;
}


static void test_value_is_found_wherever_it_stands(void **state)
{
    (void) state;
    assert_found("__Host-otp=abc", 1, "abc");
    assert_found("a=1; __Host-otp=abc; b=2", 1, "abc");
    assert_found("a=1;__Host-otp=abc;b=2", 1, "abc");
    assert_found("  \t__Host-otp=abc \t;", 1, "abc");
    assert_found("__Host-otp=a=b", 1, "a=b");
    assert_found("__Host-otp=", 1, "");
}


static void test_one_pair_of_quotes_is_not_part_of_the_value(void **state)
{
    (void) state;
    assert_found("__Host-otp=\"abc\"", 1, "abc");
    assert_found("__Host-otp= \"abc\" ", 1, "abc");
    assert_found("__Host-otp=\"\"abc\"\"", 1, "\"abc\"");
    assert_found("__Host-otp=\"\"", 1, "");
    assert_found("__Host-otp=\"", 1, "\"");
    assert_found("__Host-otp=\"abc", 1, "\"abc");
}


static void test_other_spelling_of_the_name_is_another_cookie(void **state)
{
    static const char *const headers[] = {
        "__host-otp=abc", "__HOST-OTP=abc", "__Host-otp2=abc", "x__Host-otp=abc", "__Host-ot=abc", "__Host-otp =abc",
        "__Host-otp", "=__Host-otp", "\"__Host-otp\"=abc", "__Host-otp%20=abc", "$__Host-otp=abc", "",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        assert_found(headers[i], 0, NULL);
    }
}


static void test_comma_does_not_separate_cookies(void **state)
{
    (void) state;
    assert_found("a=1, __Host-otp=abc", 0, NULL);
    assert_found("a=1,__Host-otp=abc; b=2", 0, NULL);
    assert_found("__Host-otp=abc, __Host-otp=def", 1, "abc, __Host-otp=def");
}


static void test_name_inside_another_value_is_not_found(void **state)
{
    (void) state;
    assert_found("a=__Host-otp=abc", 0, NULL);
    assert_found("a=\"__Host-otp=abc\"", 0, NULL);
    assert_found("a=b&__Host-otp=abc", 0, NULL);
}


static void test_every_cookie_of_the_name_is_counted(void **state)
{
    otp_span_t value[2] = { OTP_SPAN_NONE, OTP_SPAN_NONE };
    char *copy;
    const char *header = "__Host-otp=junk; a=1; __Host-otp=abc; __Host-otp=third";

    (void) state;
    assert_int_equal(find_exact(header, strlen(header), value, 2, &copy), 3);
    assert_span(value[0], "junk");
    assert_span(value[1], "abc");
    assert_int_equal(otp_cookie_find(otp_span_of(header), NAME, NULL, 0), 3);
    free(copy);
}


static void test_one_byte_headers_hold_no_session(void **state)
{
    otp_span_t value;
    char *copy;

    (void) state;
    for (int byte = 0; byte < 256; byte++) {
        char header = (char) byte;

        assert_int_equal(find_exact(&header, 1, &value, 1, &copy), 0);
        free(copy);
    }
    assert_int_equal(otp_cookie_find(OTP_SPAN_NONE, NAME, &value, 1), 0);
}


static void test_bytes_of_every_kind_are_passed_through(void **state)
{
    static const char header[] = "a=\0;\xff\xfe=\x80; __Host-otp=x\0y; \0";
    otp_span_t value;
    char *copy;

    (void) state;
    assert_int_equal(find_exact(header, sizeof(header) - 1, &value, 1, &copy), 1);
    assert_int_equal(value.len, 3);
    assert_memory_equal(value.data, "x\0y", 3);
    free(copy);
}


static void test_thousand_cookies_and_a_full_header_are_read(void **state)
{
    size_t len = 0;
    otp_span_t value;
    char *copy, *header = malloc(1000 * 16 + 32);

    (void) state;
    assert_non_null(header);
    for (int i = 0; i < 1000; i++) {
        len += (size_t) sprintf(header + len, "c%d=%d; ", i, i);
    }
    len += (size_t) sprintf(header + len, "__Host-otp=abc");
    assert_int_equal(find_exact(header, len, &value, 1, &copy), 1);
    assert_span(value, "abc");
    free(copy);
    memset(header, 'x', 8192);
    memcpy(header, "__Host-otp=", 11);
    assert_int_equal(find_exact(header, 8192, &value, 1, &copy), 1);
    assert_int_equal(value.len, 8192 - 11);
    free(copy);
    memset(header, ';', 8192);
    assert_int_equal(find_exact(header, 8192, &value, 1, &copy), 0);
    free(copy);
    free(header);
}


static void assert_stripped(const char *header, const char *left)
{
    size_t len = strlen(header);
    char *out = malloc(len > 0 ? len : 1);

    assert_non_null(out);
    assert_span((otp_span_t) { out, strip(otp_span_of(header), names, NAMES, out) }, left);
    free(out);
}


static void test_stripping_leaves_every_other_byte_as_it_was(void **state)
{
    static const char *const cases[][2] = {
        { "__Host-otp=abc; a=1", "a=1" },
        { "a=1; __Host-otp=abc", "a=1" },
        { "a=1; __Host-otp=abc; b=2", "a=1; b=2" },
        { "a=1;__Host-otp=abc;b=2", "a=1;b=2" },
        { " a = 1 ;\tb=\"x,y\";; c ;__Host-otp=abc; d= ", " a = 1 ;\tb=\"x,y\";; c ; d= " },
        { "otp_lang=fr; a=1; __Host-otp=x; b=2; __Host-otp=\"y\"", "a=1; b=2" },
        { "a=__Host-otp=abc; __host-otp=abc", "a=__Host-otp=abc; __host-otp=abc" },
        { "a=1, __Host-otp=abc", "a=1, __Host-otp=abc" },
        { "=x; a=1", "=x; a=1" },
        { "a=1; __Host-otp-device=x; __Host-otp-other=y; otp_lang=fr", "a=1; __Host-otp-other=y" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_stripped(cases[i][0], cases[i][1]);
    }
}


static void test_taking_finds_the_value_and_strips_in_one_go(void **state)
{
    static const struct {
        const char *header, *left, *value;
        size_t      first, found;
    } cases[] = {
        { "a=1; __Host-otp= \"abc\" ; otp_lang=fr; b=2", "a=1; b=2", "abc", 4, 1 },
        { "__Host-otp=one; a=1; __Host-otp=two", "a=1", "two", 0, 2 },
        { "a=1; otp_lang=fr", "a=1", "", 4, 0 },
        { "__Host-otp=", "", "", 0, 1 },
        { "a=__Host-otp=x", "a=__Host-otp=x", "", 14, 0 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char               out[64];
        otp_span_t         header = otp_span_of(cases[i].header);
        otp_cookie_taken_t taken = { OTP_SPAN_NONE, 0 };
        size_t             first = otp_cookie_first(header, names, NAMES);

        assert_int_equal(first, cases[i].first);
        assert_span((otp_span_t) { out, otp_cookie_take(header, first, names, NAMES, out, &taken) }, cases[i].left);
        assert_int_equal(taken.found, cases[i].found);
        assert_span(taken.value, cases[i].value);
    }
}


static void test_stripping_the_only_cookie_leaves_nothing(void **state)
{
    (void) state;
    assert_stripped("__Host-otp=abc", "");
    assert_stripped("__Host-otp=abc; ", "");
    assert_stripped(" ;__Host-otp=abc;;", "");
    assert_stripped("__Host-otp=abc;otp_lang=fr", "");
    assert_stripped("", "");
}


static void test_header_without_our_cookies_is_unchanged(void **state)
{
    (void) state;
    assert_stripped("; ;;", "; ;;");
    assert_stripped(" a=1;", " a=1;");
    assert_stripped("__Host-otp", "__Host-otp");
}


static void test_a_name_that_is_not_used_strips_nothing(void **state)
{
    char out[16];
    otp_span_t header = OTP_SPAN("=x; a=1");

    (void) state;
    assert_int_equal(strip(header, &OTP_SPAN_NONE, 1, out), header.len);
    assert_memory_equal(out, header.data, header.len);
    assert_int_equal(strip(header, NULL, 0, out), header.len);
}


static void test_what_is_found_is_what_is_stripped(void **state)
{
    static const char pieces[][16] = { "__Host-otp", "=", ";", " ", "\"", "a", "__host-otp", ",", "\t", "__Host-otp=" };
    unsigned seed = 1;

    (void) state;
    for (int round = 0; round < 20000; round++) {
        char header[256], out[256];
        size_t len = 0;

        for (int i = 0; i < 12; i++) {
            const char *piece = pieces[(seed = seed * 1103515245U + 12345U) / 65536U % 10];

            memcpy(header + len, piece, strlen(piece));
            len += strlen(piece);
        }
        char taken_out[256];
        otp_span_t before = { header, len }, value = OTP_SPAN_NONE;
        otp_span_t after = { out, strip(before, names, 1, out) };
        otp_cookie_taken_t taken = { OTP_SPAN_NONE, 0 };
        size_t first = otp_cookie_first(before, names, 1);

        assert_int_equal(otp_cookie_take(before, first, names, 1, taken_out, &taken), after.len);
        assert_memory_equal(taken_out, out, after.len);
        assert_int_equal(otp_cookie_find(before, NAME, &value, 1), taken.found);
        assert_true(taken.found != 1 || otp_span_equal(taken.value, value));

        assert_int_equal(otp_cookie_find(after, NAME, NULL, 0), 0);
        assert_int_equal(after.len == len, otp_cookie_find(before, NAME, NULL, 0) == 0);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_is_found_wherever_it_stands),
        cmocka_unit_test(test_one_pair_of_quotes_is_not_part_of_the_value),
        cmocka_unit_test(test_other_spelling_of_the_name_is_another_cookie),
        cmocka_unit_test(test_comma_does_not_separate_cookies),
        cmocka_unit_test(test_name_inside_another_value_is_not_found),
        cmocka_unit_test(test_every_cookie_of_the_name_is_counted),
        cmocka_unit_test(test_one_byte_headers_hold_no_session),
        cmocka_unit_test(test_bytes_of_every_kind_are_passed_through),
        cmocka_unit_test(test_thousand_cookies_and_a_full_header_are_read),
        cmocka_unit_test(test_stripping_leaves_every_other_byte_as_it_was),
        cmocka_unit_test(test_taking_finds_the_value_and_strips_in_one_go),
        cmocka_unit_test(test_stripping_the_only_cookie_leaves_nothing),
        cmocka_unit_test(test_header_without_our_cookies_is_unchanged),
        cmocka_unit_test(test_a_name_that_is_not_used_strips_nothing),
        cmocka_unit_test(test_what_is_found_is_what_is_stripped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
