#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/otp_language.h"

static const otp_span_t offered[] = { { "fr", 2 }, { "en", 2 }, { "de", 2 } };

static void assert_language(const char *header, const char *language)
{
    size_t i = otp_language_choose(otp_span_of(header), offered, 3);

    if (!otp_span_equal(offered[i], otp_span_of(language))) {
        fail_msg("\"%s\" gave %s", header, offered[i].data);
    }
}


static void test_language_with_the_greatest_weight_is_chosen(void **state)
{
    (void) state;
    assert_language("en", "en");
    assert_language("en;q=0.5, de;q=0.7", "de");
    assert_language("en;q=0.001", "en");
    assert_language("de;q=0.9,en;q=0.95,fr;q=0.1", "en");
    assert_language("de;q=0.999, en;q=1.000", "en");
    assert_language("es, pt;q=0.9, en;q=0.1", "en");
}


static void test_tag_matches_by_its_primary_subtag_in_any_case(void **state)
{
    (void) state;
    assert_language("en-GB", "en");
    assert_language("EN-us", "en");
    assert_language("de-Latn-DE-1996", "de");
    assert_language("english", "fr");
    assert_language("e", "fr");
    assert_language("x-en", "fr");
    assert_language("en-GB;q=0.3, de;q=0.5, en;q=0.8", "en");
    assert_language("en;q=0.8, de;q=0.5, en-GB;q=0.3", "en");
}


static void test_equal_weights_keep_the_order_of_the_header(void **state)
{
    (void) state;
    assert_language("de, en, fr", "de");
    assert_language("de;q=0.5, en;q=0.5", "de");
}


static void test_first_language_is_chosen_when_none_is_preferred(void **state)
{
    (void) state;
    assert_language(NULL, "fr");
    assert_language("", "fr");
    assert_language(" , ,,", "fr");
    assert_language("es, it", "fr");
    assert_language("en;q=0", "fr");
    assert_int_equal(otp_language_choose(OTP_SPAN("en"), NULL, 0), 0);
}


static void test_weight_zero_excludes_a_language(void **state)
{
    (void) state;
    assert_language("fr;q=0, *", "en");
    assert_language("fr;q=0, en;q=0.0, *;q=0.1", "de");
    assert_language("*;q=0, en", "en");
    assert_language("*;q=0", "fr");
    assert_language("en-GB;q=0, en", "en");
}


static void test_star_is_the_first_language_not_excluded(void **state)
{
    (void) state;
    assert_language("*", "fr");
    assert_language("*;q=0.9, en;q=0.1", "fr");
    assert_language("en, *;q=0.5", "en");
    assert_language("*, en", "fr");
    assert_language("en, *", "en");
}


static void test_malformed_elements_are_passed_over(void **state)
{
    static const char *const weights[] = {
        "", "1.5", "2", "-1", "0.1234", "1.001", ".5", "0,5", "01", "a", "\"1\"", "0.5 5",
    };
    char header[64];

    (void) state;
    for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
        snprintf(header, sizeof(header), "en;q=%s, de;q=0.1", weights[i]);
        assert_language(header, "de");
    }
    assert_language("en ; Q=0.5 ; x=y , de ;q=0.4", "en");
    assert_language("en;level=1;q=0.3, de;q=0.4", "de");
    assert_language("en;q=1., de", "en");
    assert_language(";q=1, en", "en");
    assert_language("fr_CA, en", "en");
}


static void test_bytes_of_every_kind_are_survived(void **state)
{
    unsigned seed = 7;

    (void) state;
    for (int round = 0; round < 20000; round++) {
        static const char pieces[] = "fren*;q=01.,-\" \\\0\xff/jsonhtmltextapplication";
        size_t len = (size_t) round % 40;
        char *header = malloc(len > 0 ? len : 1);

        assert_non_null(header);
        for (size_t i = 0; i < len; i++) {
            header[i] = pieces[(seed = seed * 1103515245U + 12345U) / 65536U % (sizeof(pieces) - 1)];
        }
        assert_true(otp_language_choose((otp_span_t) { header, len }, offered, 3) < 3);
        (void) otp_accept_json((otp_span_t) { header, len });
        (void) otp_accept_html((otp_span_t) { header, len });
        free(header);
    }
}


static void test_json_is_wanted_when_it_is_named_and_preferred(void **state)
{
    static const char *const json[] = {
        "application/json", "Application/JSON", "application/json;charset=utf-8", "application/json, text/html;q=0.9",
        "text/html;q=0.5, application/json;q=0.6", "application/json, text/plain, */*", "application/json, */*;q=0.1",
        "text/html;q=0, application/json;q=0.1", "application/json;q=0.5, text/*;q=0.4", "image/png, application/json",
        "application/json;q=0.5;x=\"a,b\"",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++) {
        if (!otp_accept_json(otp_span_of(json[i]))) {
            fail_msg("\"%s\" is JSON", json[i]);
        }
    }
}


static void test_html_is_the_answer_to_everything_else(void **state)
{
    static const char *const html[] = {
        NULL, "", "*/*", "application/*", "text/html", "text/html, application/json", "application/json, text/html",
        "application/json;q=0", "application/json;q=0.5, text/html;q=0.6", "application/json;q=0.5, */*",
        "application/json;q=0.5, text/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "application/jsonp", "application/problem+json", "text/json", "application/json;q=2", "x=\"application/json\"",
        "text/plain;x=\", application/json, \"", "json", "text/plain;x=\"\\\", application/json, \"",
        "application/json;q=0.5, text/html;q=9, */*;q=0.9",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(html) / sizeof(html[0]); i++) {
        if (otp_accept_json(otp_span_of(html[i]))) {
            fail_msg("\"%s\" is not JSON", html[i]);
        }
    }
}


static void test_navigation_names_html(void **state)
{
    static const struct {
        const char *accept;
        bool        navigation;
    } cases[] = {
        { "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", true },
        { "application/xhtml+xml", true },
        { "TEXT/HTML", true },
        { "text/plain, text/html;level=1;q=0.001", true },
        { NULL, false },
        { "", false },
        { "*/*", false },
        { "text/*", false },
        { "text/html;q=0", false },
        { "text/html;q=0.000", false },
        { "application/json", false },
        { "text/htmlx", false },
        { "image/avif,image/webp,*/*", false },
        { "text/plain;x=\",text/html,\"", false },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (otp_accept_html(otp_span_of(cases[i].accept)) != cases[i].navigation) {
            fail_msg("\"%s\"", cases[i].accept);
        }
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_language_with_the_greatest_weight_is_chosen),
        cmocka_unit_test(test_tag_matches_by_its_primary_subtag_in_any_case),
        cmocka_unit_test(test_equal_weights_keep_the_order_of_the_header),
        cmocka_unit_test(test_first_language_is_chosen_when_none_is_preferred),
        cmocka_unit_test(test_weight_zero_excludes_a_language),
        cmocka_unit_test(test_star_is_the_first_language_not_excluded),
        cmocka_unit_test(test_malformed_elements_are_passed_over),
        cmocka_unit_test(test_bytes_of_every_kind_are_survived),
        cmocka_unit_test(test_json_is_wanted_when_it_is_named_and_preferred),
        cmocka_unit_test(test_html_is_the_answer_to_everything_else),
        cmocka_unit_test(test_navigation_names_html),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
