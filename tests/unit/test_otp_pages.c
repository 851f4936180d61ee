#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/page/otp_pages.h"

#define PORTAL  OTP_SPAN("/otp/")

static void add(otp_pages_t *pages, const char *language, const char *name, const char *text)
{
    char error[256] = "";

    if (otp_pages_add(pages, otp_span_of(language), otp_span_of(name), otp_span_of(text), error, sizeof(error))
        != OTP_OK) {
        fail_msg("%s/%s: %s", language, name, error);
    }
}


static void add_every_page(otp_pages_t *pages, const char *language, const char *text)
{
    for (int page = 0; page < OTP_PAGE_COUNT; page++) {
        add(pages, language, otp_page_name((otp_page_t) page), text);
    }
}


static otp_pages_t *create(void)
{
    otp_pages_t *pages = otp_pages_create();

    assert_non_null(pages);
    return pages;
}


static void assert_checked(const otp_pages_t *pages)
{
    char error[256] = "";

    if (otp_pages_check(pages, error, sizeof(error)) != OTP_OK) {
        fail_msg("refused: %s", error);
    }
}


static void assert_check_refuses(const otp_pages_t *pages, const char *expected)
{
    char error[256] = "";

    assert_int_equal(otp_pages_check(pages, error, sizeof(error)), OTP_INVALID);
    assert_string_equal(error, expected);
}


static void assert_renders(const otp_pages_t *pages, const char *language, otp_page_t page, const char *expected)
{
    json_t *view = json_pack("{s:s,s:s}", "user", "m.<dupont>", "lang", language);
    char *html;
    size_t len;

    assert_int_equal(otp_pages_render(pages, otp_span_of(language), page, PORTAL, view, &html, &len), OTP_OK);
    assert_int_equal(len, strlen(html));
    assert_string_equal(html, expected);
    free(html);
    json_decref(view);
}


static void test_every_page_has_the_name_of_its_template(void **state)
{
    (void) state;
    assert_string_equal(otp_page_name(OTP_PAGE_LOGIN), "login");
    assert_string_equal(otp_page_name(OTP_PAGE_PASSCODE), "passcode");
    assert_string_equal(otp_page_name(OTP_PAGE_PIN), "pin");
    assert_string_equal(otp_page_name(OTP_PAGE_HOME), "home");
    assert_string_equal(otp_page_name(OTP_PAGE_HELP), "help");
    assert_string_equal(otp_page_name(OTP_PAGE_ERROR), "error");
}


static void test_page_is_rendered_in_its_language_with_its_partials(void **state)
{
    otp_pages_t *pages = create();

    (void) state;
    add_every_page(pages, "fr", "{{>greeting}}");
    add_every_page(pages, "en", "{{>greeting}}");
    add(pages, "fr", "greeting", "Bonjour {{user}}");
    add(pages, "en", "greeting", "Hello {{user}}");
    assert_checked(pages);
    assert_renders(pages, "fr", OTP_PAGE_HOME, "Bonjour m.&lt;dupont&gt;");
    assert_renders(pages, "en", OTP_PAGE_PIN, "Hello m.&lt;dupont&gt;");
    otp_pages_destroy(pages);
}


static void test_page_of_a_language_not_added_is_invalid(void **state)
{
    otp_pages_t *pages = create();
    json_t *view = json_object();
    char *html = (char *) "";
    size_t len = 1;

    (void) state;
    add_every_page(pages, "fr", "x");
    assert_int_equal(otp_pages_render(pages, OTP_SPAN("de"), OTP_PAGE_HOME, PORTAL, view, &html, &len), OTP_INVALID);
    assert_null(html);
    assert_int_equal(len, 0);
    json_decref(view);
    otp_pages_destroy(pages);
}


static void test_template_with_a_mistake_is_refused_with_its_line(void **state)
{
    otp_pages_t *pages = create();
    char error[256] = "";

    (void) state;
    assert_int_equal(otp_pages_add(pages, OTP_SPAN("fr"), OTP_SPAN("login"), OTP_SPAN("a\n{{/b}}"), error,
                                   sizeof(error)), OTP_INVALID);
    assert_string_equal(error, "line 2: \"b\" is closed but was not opened");
    otp_pages_destroy(pages);
}


static void test_same_template_twice_is_refused(void **state)
{
    otp_pages_t *pages = create();
    char error[256] = "";

    (void) state;
    add(pages, "fr", "login", "x");
    add(pages, "en", "login", "x");
    assert_int_equal(otp_pages_add(pages, OTP_SPAN("fr"), OTP_SPAN("login"), OTP_SPAN("y"), error, sizeof(error)),
                     OTP_INVALID);
    assert_string_equal(error, "there are two templates of this name");
    otp_pages_destroy(pages);
}


static void test_odd_names_of_languages_and_templates_are_refused(void **state)
{
    static const char *const names[] = { "", "Login", "../login", "lo gin", "_x", "login.html", "\xC3\xA9" };
    otp_pages_t *pages = create();
    char error[256];

    (void) state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        error[0] = '\0';
        assert_int_equal(otp_pages_add(pages, OTP_SPAN("fr"), otp_span_of(names[i]), OTP_SPAN("x"), error,
                                       sizeof(error)), OTP_INVALID);
        assert_int_not_equal(error[0], '\0');
        assert_int_equal(otp_pages_add(pages, otp_span_of(names[i]), OTP_SPAN("login"), OTP_SPAN("x"), error,
                                       sizeof(error)), OTP_INVALID);
    }
    otp_pages_destroy(pages);
}


static void test_missing_page_of_any_language_is_told(void **state)
{
    otp_pages_t *pages = create();

    (void) state;
    assert_check_refuses(pages, "there are no templates");
    add_every_page(pages, "fr", "x");
    assert_checked(pages);
    add(pages, "en", "login", "x");
    assert_check_refuses(pages, "en/passcode.html is missing");
    otp_pages_destroy(pages);
}


static void test_partial_that_its_language_lacks_is_told(void **state)
{
    otp_pages_t *pages = create();

    (void) state;
    add_every_page(pages, "fr", "{{#user}}{{>layout_top}}{{/user}}");
    add_every_page(pages, "en", "x");
    add(pages, "en", "layout_top", "y");
    assert_check_refuses(pages, "fr/login.html: line 1: \"layout_top\" is not a template of this language");
    otp_pages_destroy(pages);
}


static void test_name_that_pages_are_not_given_is_told(void **state)
{
    static const char *const texts[] = { "{{colour}}", "{{#colour}}{{/colour}}", "{{^colour}}{{/colour}}" };

    (void) state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        otp_pages_t *pages = create();

        add_every_page(pages, "fr", "{{user}}");
        add(pages, "fr", "layout_top", texts[i]);
        assert_check_refuses(pages, "fr/layout_top.html: line 1: \"colour\" is not a name that pages are given");
        otp_pages_destroy(pages);
    }
}


static void test_every_name_of_the_pages_is_taken(void **state)
{
    otp_pages_t *pages = create();

    (void) state;
    add_every_page(pages, "fr",
        "{{lang}}{{portal}}{{csrf}}{{user}}{{name}}{{rd}}{{username}}{{by_passcode}}{{form_expired}}"
        "{{denied}}{{already_used}}{{throttled}}{{locked}}{{signed_out}}{{retry_after}}{{wait}}"
        "{{code_digits}}{{pin_min}}{{pin_max}}{{pin_minutes}}{{state_step_up}}{{state_first_use}}"
        "{{state_next_code}}{{state_wait_next_code}}{{pin_refused}}{{refused_mismatch}}{{refused_length}}"
        "{{refused_digits}}{{refused_repeated}}{{refused_sequence}}{{refused_date}}{{refused_personal}}"
        "{{refused_previous}}{{#applications}}{{location}}{{text}}{{needs_key}}{{.}}{{/applications}}"
        "{{level_otp}}{{support_email}}{{support_phone}}{{support_hours}}{{support}}{{#languages}}{{code}}"
        "{{current}}{{/languages}}{{error_forbidden}}{{error_not_found}}{{error_unavailable}}"
        "{{error_bad_request}}{{error_form}}{{error_too_large}}{{error_method}}{{first_use_needs_password}}"
        "{{emergency}}{{busy}}{{help_link}}{{query}}");
    assert_checked(pages);
    otp_pages_destroy(pages);
}


static void test_template_that_includes_itself_is_told(void **state)
{
    otp_pages_t *pages = create();

    (void) state;
    add_every_page(pages, "fr", "{{>a}}");
    add(pages, "fr", "a", "{{>b}}");
    add(pages, "fr", "b", "{{#user}}{{>a}}{{/user}}");
    assert_check_refuses(pages, "fr/login.html: includes itself, or others too deep");
    otp_pages_destroy(pages);
}


static void test_partials_eight_deep_are_taken_and_nine_are_told(void **state)
{
    otp_pages_t *pages = create();

    (void) state;
    add_every_page(pages, "fr", "x");
    add(pages, "fr", "h", "{{user}}");
    add(pages, "fr", "a", "{{>b}}");
    add(pages, "fr", "b", "{{>c}}");
    add(pages, "fr", "c", "{{>d}}");
    add(pages, "fr", "d", "{{>e}}");
    add(pages, "fr", "e", "{{>f}}");
    add(pages, "fr", "f", "{{>g}}");
    add(pages, "fr", "g", "{{>h}}");
    add(pages, "fr", "top", "{{>a}}");
    assert_checked(pages);
    add(pages, "fr", "above", "{{>top}}");
    assert_check_refuses(pages, "fr/above.html: includes itself, or others too deep");
    otp_pages_destroy(pages);
}


static void test_static_file_is_served_under_the_hash_of_its_bytes(void **state)
{
    /* SHA-256 of "abc" begins with ba7816bf8f01cfea (FIPS 180-4, example). */
    otp_pages_t *pages = create();
    otp_span_t bytes, type;

    (void) state;
    assert_int_equal(otp_pages_add_static(pages, OTP_SPAN("style.css"), OTP_SPAN("abc")), OTP_OK);
    assert_true(otp_pages_static(pages, OTP_SPAN("style.ba7816bf8f01.css"), &bytes, &type));
    assert_true(otp_span_equal(bytes, OTP_SPAN("abc")));
    assert_true(otp_span_equal(type, OTP_SPAN("text/css; charset=utf-8")));
    assert_false(otp_pages_static(pages, OTP_SPAN("style.css"), &bytes, &type));
    assert_false(otp_pages_static(pages, OTP_SPAN("style.ba7816bf8f02.css"), &bytes, &type));
    assert_false(otp_pages_static(pages, OTP_SPAN("style.BA7816BF8F01.css"), &bytes, &type));
    assert_false(otp_pages_static(pages, OTP_SPAN("../style.ba7816bf8f01.css"), &bytes, &type));
    assert_false(otp_pages_static(pages, OTP_SPAN(""), &bytes, &type));
    assert_false(otp_pages_static(pages, OTP_SPAN_NONE, &bytes, &type));
    otp_pages_destroy(pages);
}


static void test_static_address_is_a_variable_of_every_page(void **state)
{
    otp_pages_t *pages = create();

    (void) state;
    add_every_page(pages, "fr", "{{static_style_css}} {{static_count_down_min_js}}");
    assert_check_refuses(pages, "fr/login.html: line 1: \"static_style_css\" is not a name that pages are given");
    assert_int_equal(otp_pages_add_static(pages, OTP_SPAN("style.css"), OTP_SPAN("abc")), OTP_OK);
    assert_int_equal(otp_pages_add_static(pages, OTP_SPAN("count-down.min.js"), OTP_SPAN_NONE), OTP_OK);
    assert_checked(pages);
    assert_renders(pages, "fr", OTP_PAGE_ERROR,
                   "/otp/static/style.ba7816bf8f01.css /otp/static/count-down.min.e3b0c44298fc.js");
    otp_pages_destroy(pages);
}


static void test_static_files_whose_variables_clash_are_refused(void **state)
{
    otp_pages_t *pages = create();

    (void) state;
    assert_int_equal(otp_pages_add_static(pages, OTP_SPAN("a-b.css"), OTP_SPAN("1")), OTP_OK);
    assert_int_equal(otp_pages_add_static(pages, OTP_SPAN("a-b.css"), OTP_SPAN("2")), OTP_INVALID);
    assert_int_equal(otp_pages_add_static(pages, OTP_SPAN("a.b.css"), OTP_SPAN("3")), OTP_INVALID);
    otp_pages_destroy(pages);
}


static void test_odd_names_of_static_files_are_refused(void **state)
{
    static const char *const names[] = { "", "style", ".css", "../a.css", "a/b.css", "A.css", "a b.css", "a%2e.css" };
    otp_pages_t *pages = create();

    (void) state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(otp_pages_add_static(pages, otp_span_of(names[i]), OTP_SPAN("x")), OTP_INVALID);
    }
    otp_pages_destroy(pages);
}


static void test_media_type_follows_the_ending(void **state)
{
    static const char *const cases[][3] = {
        { "a.js", "a.ba7816bf8f01.js", "text/javascript; charset=utf-8" },
        { "a.svg", "a.ba7816bf8f01.svg", "image/svg+xml" },
        { "a.woff2", "a.ba7816bf8f01.woff2", "font/woff2" },
        { "a.xyz", "a.ba7816bf8f01.xyz", "application/octet-stream" },
    };
    otp_pages_t *pages = create();
    otp_span_t bytes, type;

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(otp_pages_add_static(pages, otp_span_of(cases[i][0]), OTP_SPAN("abc")), OTP_OK);
        assert_true(otp_pages_static(pages, otp_span_of(cases[i][1]), &bytes, &type));
        assert_true(otp_span_equal(type, otp_span_of(cases[i][2])));
    }
    otp_pages_destroy(pages);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_page_has_the_name_of_its_template),
        cmocka_unit_test(test_page_is_rendered_in_its_language_with_its_partials),
        cmocka_unit_test(test_page_of_a_language_not_added_is_invalid),
        cmocka_unit_test(test_template_with_a_mistake_is_refused_with_its_line),
        cmocka_unit_test(test_same_template_twice_is_refused),
        cmocka_unit_test(test_odd_names_of_languages_and_templates_are_refused),
        cmocka_unit_test(test_missing_page_of_any_language_is_told),
        cmocka_unit_test(test_partial_that_its_language_lacks_is_told),
        cmocka_unit_test(test_name_that_pages_are_not_given_is_told),
        cmocka_unit_test(test_every_name_of_the_pages_is_taken),
        cmocka_unit_test(test_template_that_includes_itself_is_told),
        cmocka_unit_test(test_partials_eight_deep_are_taken_and_nine_are_told),
        cmocka_unit_test(test_static_file_is_served_under_the_hash_of_its_bytes),
        cmocka_unit_test(test_static_address_is_a_variable_of_every_page),
        cmocka_unit_test(test_static_files_whose_variables_clash_are_refused),
        cmocka_unit_test(test_odd_names_of_static_files_are_refused),
        cmocka_unit_test(test_media_type_follows_the_ending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
