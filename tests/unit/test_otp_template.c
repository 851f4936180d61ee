#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/page/otp_template.h"

#define COUNT(array)    (sizeof(array) / sizeof((array)[0]))
#define ROOM            65536

/* The partials of a test: pairs of name and text, compiled on the first use. */
typedef struct {
    const char     *name, *text;
    otp_template_t *tpl;
} partial_t;

typedef struct {
    partial_t partial[4];
} partials_t;

static otp_template_t *compile(otp_span_t text)
{
    char error[128] = "";
    char *copy = malloc(text.len > 0 ? text.len : 1);
    otp_template_t *tpl;

    assert_non_null(copy);
    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    tpl = otp_template_parse((otp_span_t) { copy, text.len }, error, sizeof(error));
    free(copy);
    if (tpl == NULL) {
        fail_msg("refused: %s", error);
    }
    return tpl;
}


static const otp_template_t *find(void *data, otp_span_t name)
{
    partials_t *partials = data;

    for (size_t i = 0; i < COUNT(partials->partial) && partials->partial[i].name != NULL; i++) {
        if (otp_span_equal(otp_span_of(partials->partial[i].name), name)) {
            if (partials->partial[i].tpl == NULL) {
                partials->partial[i].tpl = compile(otp_span_of(partials->partial[i].text));
            }
            return partials->partial[i].tpl;
        }
    }
    return NULL;
}


static void partials_destroy(partials_t *partials)
{
    for (size_t i = 0; i < COUNT(partials->partial); i++) {
        otp_template_destroy(partials->partial[i].tpl);
    }
}


static otp_status_t render(const char *text, const char *view, partials_t *partials, size_t max, char **html,
    size_t *len)
{
    json_t *json = json_loads(view, 0, NULL);
    otp_template_t *tpl = compile(otp_span_of(text));
    otp_status_t status;

    assert_non_null(json);
    status = otp_template_render(tpl, json, partials != NULL ? find : NULL, partials, max, html, len);
    otp_template_destroy(tpl);
    json_decref(json);
    return status;
}


static void assert_renders_with(const char *text, const char *view, partials_t *partials, const char *expected)
{
    char *html;
    size_t len;

    assert_int_equal(render(text, view, partials, ROOM, &html, &len), OTP_OK);
    assert_int_equal(len, strlen(html));
    assert_string_equal(html, expected);
    free(html);
}


static void assert_renders(const char *text, const char *view, const char *expected)
{
    assert_renders_with(text, view, NULL, expected);
}


static void assert_refused(const char *text, const char *reason)
{
    char error[128] = "";

    if (otp_template_parse(otp_span_of(text), error, sizeof(error)) != NULL) {
        fail_msg("\"%s\" was taken", text);
    }
    if (strstr(error, reason) == NULL) {
        fail_msg("\"%s\": the error \"%s\" does not say \"%s\"", text, error, reason);
    }
}


static void test_text_without_tags_is_itself(void **state)
{
    (void) state;
    assert_renders("", "{}", "");
    assert_renders("<p>a { b } c }} {</p>\n", "{}", "<p>a { b } c }} {</p>\n");
    assert_renders("\xC3\xA9\xFF", "{}", "\xC3\xA9\xFF");
}


static void test_values_are_always_escaped(void **state)
{
    (void) state;
    assert_renders("<b>{{name}}</b>", "{\"name\":\"<script>alert(\\\"1\\\")</script>\"}",
                   "<b>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</b>");
    assert_renders("{{name}}", "{\"name\":\"&'`\"}", "&amp;&#39;&#96;");
    assert_renders("{{#names}}{{.}},{{/names}}", "{\"names\":[\"<\",\">\"]}", "&lt;,&gt;,");
    assert_renders("{{name}}", "{\"name\":\"{{csrf}}\",\"csrf\":\"x\"}", "{{csrf}}");
    assert_renders("{{name}}", "{\"name\":\"d\xC3\xA9j\xC3\xA0\"}", "d\xC3\xA9j\xC3\xA0");
}


static void test_values_of_a_text_are_as_they_are(void **state)
{
    partials_t partials = { { { "foot", "<{{name}}>", NULL } } };
    otp_template_t *tpl = compile(OTP_SPAN("{{name}} {{#names}}{{.}},{{/names}}{{n}} {{>foot}}"));
    json_t *view = json_pack("{s:s, s:[s, s], s:i}", "name", "L'\"<a>&`", "names", "<", "{{name}}", "n", 7);
    char *text;
    size_t len;

    (void) state;
    assert_int_equal(otp_template_render_text(tpl, view, find, &partials, ROOM, &text, &len), OTP_OK);
    assert_string_equal(text, "L'\"<a>&` <,{{name}},7 <L'\"<a>&`>");
    assert_int_equal(len, strlen(text));
    free(text);
    json_decref(view);
    otp_template_destroy(tpl);
    partials_destroy(&partials);
}


static void test_text_is_bounded_like_a_page(void **state)
{
    otp_template_t *tpl = compile(OTP_SPAN("{{a}}{{>b}}"));
    json_t *view = json_pack("{s:s}", "a", "0123456789");
    char *text;
    size_t len;

    (void) state;
    assert_int_equal(otp_template_render_text(tpl, view, NULL, NULL, 9, &text, &len), OTP_NO_ROOM);
    assert_int_equal(otp_template_render_text(tpl, view, NULL, NULL, ROOM, &text, &len), OTP_INVALID);
    assert_null(text);
    json_decref(view);
    otp_template_destroy(tpl);
}


static void test_there_is_no_raw_form(void **state)
{
    (void) state;
    assert_refused("a\n{{{name}}}", "line 2: values are always escaped");
    assert_refused("{{&name}}", "line 1: values are always escaped");
}


static void test_values_of_every_type_are_shown(void **state)
{
    (void) state;
    assert_renders("{{a}}|{{b}}|{{c}}|{{d}}|{{e}}|{{f}}|{{g}}|{{h}}",
                   "{\"a\":-12,\"b\":true,\"c\":false,\"d\":null,\"e\":[1],\"f\":{\"x\":1},\"g\":0,\"h\":1.5}",
                   "-12|true|false||||0|1.5");
}


static void test_unknown_names_give_nothing(void **state)
{
    (void) state;
    assert_renders("[{{name}}{{#other}}x{{/other}}{{.}}]", "{}", "[]");
}


static void test_section_is_shown_when_the_value_is_true(void **state)
{
    static const char *const yes[] = { "true", "\"x\"", "\"0\"", "1", "-1", "0.5", "[0]", "{\"a\":1}" };
    static const char *const no[] = { "false", "\"\"", "0", "0.0", "[]", "null", "{}" };
    char view[64];

    (void) state;
    for (size_t i = 0; i < COUNT(yes); i++) {
        snprintf(view, sizeof(view), "{\"v\":%s}", yes[i]);
        assert_renders("{{#v}}yes{{/v}}{{^v}}no{{/v}}", view, "yes");
    }
    for (size_t i = 0; i < COUNT(no); i++) {
        snprintf(view, sizeof(view), "{\"v\":%s}", no[i]);
        assert_renders("{{#v}}yes{{/v}}{{^v}}no{{/v}}", view, "no");
    }
    assert_renders("{{#v}}yes{{/v}}{{^v}}no{{/v}}", "{}", "no");
}


static void test_array_is_shown_once_an_element(void **state)
{
    (void) state;
    assert_renders("{{#l}}<{{.}}>{{/l}}", "{\"l\":[1,\"b\",true,null]}", "<1><b><true><>");
    assert_renders("{{#l}}{{name}}={{text}};{{/l}}",
                   "{\"text\":\"outer\",\"l\":[{\"name\":\"a\"},{\"name\":\"b\",\"text\":\"inner\"}]}",
                   "a=outer;b=inner;");
}


static void test_names_are_looked_up_from_the_inside_outwards(void **state)
{
    (void) state;
    assert_renders("{{#a}}{{#b}}{{x}}{{y}}{{z}}{{/b}}{{x}}{{/a}}{{x}}",
                   "{\"x\":1,\"y\":2,\"z\":3,\"a\":[{\"x\":4,\"y\":5,\"b\":[{\"x\":6}]}]}", "65341");
    assert_renders("{{#a}}{{#on}}{{.}}{{/on}}{{/a}}", "{\"on\":true,\"a\":[\"p\",\"q\"]}", "pq");
    assert_renders("{{#a}}{{^x}}none{{/x}}{{/a}}", "{\"x\":1,\"a\":[{\"x\":false}]}", "none");
    assert_renders("{{#o}}{{x}}{{y}}{{/o}}", "{\"y\":2,\"o\":{\"x\":1}}", "12");
}


static void test_sections_nest(void **state)
{
    (void) state;
    assert_renders("{{#a}}1{{^b}}2{{#c}}3{{/c}}4{{/b}}5{{/a}}6", "{\"a\":1,\"c\":1}", "123456");
    assert_renders("{{#a}}1{{^b}}2{{#c}}3{{/c}}4{{/b}}5{{/a}}6", "{\"a\":1,\"b\":1,\"c\":1}", "156");
    assert_renders("{{#a}}1{{#a}}2{{/a}}{{/a}}{{^a}}3{{/a}}", "{\"a\":true}", "12");
}


static void test_comments_and_blanks_in_tags_do_not_show(void **state)
{
    (void) state;
    assert_renders("a{{! anything {{ # \n here }}b", "{}", "ab");
    assert_renders("{{!}}{{ name }}{{# on }}x{{/ on\n}}{{\tname}}", "{\"name\":\"n\",\"on\":true}", "nxn");
}


static void test_partial_sees_the_names_of_where_it_is_used(void **state)
{
    partials_t partials = { { { "item", "<{{name}}{{>end}}", NULL }, { "end", "/{{lang}}>", NULL } } };

    (void) state;
    assert_renders_with("{{#l}}{{>item}}{{/l}}", "{\"lang\":\"fr\",\"l\":[{\"name\":1},{\"name\":2}]}", &partials,
                        "<1/fr><2/fr>");
    partials_destroy(&partials);
}


static void test_missing_partial_fails_when_it_is_reached(void **state)
{
    partials_t partials = { { { "here", "x", NULL } } };
    char *html = (char *) "";
    size_t len = 1;

    (void) state;
    assert_int_equal(render("a{{>gone}}", "{}", &partials, ROOM, &html, &len), OTP_INVALID);
    assert_null(html);
    assert_int_equal(len, 0);
    assert_int_equal(render("a{{>gone}}", "{}", NULL, ROOM, &html, &len), OTP_INVALID);
    assert_renders_with("a{{#no}}{{>gone}}{{/no}}", "{}", &partials, "a");
}


static void test_partials_nest_eight_deep_and_no_deeper(void **state)
{
    /* Each level finds the list of its element: as many partials inside each other as the view is deep. */
    partials_t partials = { { { "p", "x{{#n}}{{>p}}{{/n}}", NULL } } };
    char *html;
    size_t len;

    (void) state;
    assert_int_equal(render("{{>p}}",
                            "{\"n\":[{\"n\":[{\"n\":[{\"n\":[{\"n\":[{\"n\":[{\"n\":[{\"n\":0}]}]}]}]}]}]}]}",
                            &partials, ROOM, &html, &len), OTP_OK);
    assert_string_equal(html, "xxxxxxxx");
    free(html);
    assert_int_equal(render("{{>p}}",
                            "{\"n\":[{\"n\":[{\"n\":[{\"n\":[{\"n\":[{\"n\":[{\"n\":[{\"n\":[{\"n\":0}]}]}]}]}]}]}]}]}",
                            &partials, ROOM, &html, &len), OTP_INVALID);
    assert_null(html);
    partials_destroy(&partials);
}


static void test_partials_that_multiply_are_stopped(void **state)
{
    char text[4][32 * 6 + 1] = { "", "", "", "" }, *html;
    partials_t partials = { { { "a", text[1], NULL }, { "b", text[2], NULL }, { "c", text[3], NULL } } };
    size_t len;

    (void) state;
    /* 32 to the power of 4 empty pieces: the page stays empty, the work does not. */
    for (int i = 0; i < 32; i++) {
        strcat(text[0], "{{>a}}");
        strcat(text[1], "{{>b}}");
        strcat(text[2], "{{>c}}");
        strcat(text[3], "{{v}}");
    }
    assert_int_equal(render(text[0], "{}", &partials, ROOM, &html, &len), OTP_NO_ROOM);
    assert_null(html);
    partials_destroy(&partials);
}


static void test_page_of_exactly_the_bound_is_rendered_and_one_byte_more_is_not(void **state)
{
    char *html;
    size_t len;

    (void) state;
    assert_int_equal(render("ab{{v}}", "{\"v\":\"<\"}", NULL, 6, &html, &len), OTP_OK);
    assert_string_equal(html, "ab&lt;");
    free(html);
    assert_int_equal(render("ab{{v}}", "{\"v\":\"<\"}", NULL, 5, &html, &len), OTP_NO_ROOM);
    assert_null(html);
    assert_int_equal(render("", "{}", NULL, 0, &html, &len), OTP_OK);
    assert_int_equal(len, 0);
    free(html);
    assert_int_equal(render("x", "{}", NULL, 0, &html, &len), OTP_NO_ROOM);
}


static void test_page_grows_beyond_its_first_room(void **state)
{
    char *html, text[9000];
    size_t len;

    (void) state;
    memset(text, 'x', sizeof(text));
    memcpy(text + 5000, "{{v}}", 5);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(render(text, "{\"v\":\"-\"}", NULL, ROOM, &html, &len), OTP_OK);
    assert_int_equal(len, sizeof(text) - 1 - 4);
    assert_int_equal(html[5000], '-');
    assert_int_equal(html[len], '\0');
    free(html);
}


static void test_nul_in_text_and_value_is_kept(void **state)
{
    otp_template_t *tpl = compile(OTP_SPAN("a\0b{{v}}"));
    json_t *view = json_pack("{s:s#}", "v", "x\0y", 3);
    char *html;
    size_t len;

    (void) state;
    assert_int_equal(otp_template_render(tpl, view, NULL, NULL, ROOM, &html, &len), OTP_OK);
    assert_int_equal(len, 6);
    assert_memory_equal(html, "a\0bx\0y", 6);
    free(html);
    json_decref(view);
    otp_template_destroy(tpl);
}


static void test_mistakes_are_told_with_their_line(void **state)
{
    static const char *const cases[][2] = {
        { "{{", "line 1: {{ without }}" },
        { "a\nb\n{{name", "line 3: {{ without }}" },
        { "{{name}", "line 1: {{ without }}" },
        { "{{! never closed", "line 1: {{ without }}" },
        { "\n{{}}", "line 2: what stands" },
        { "{{ }}", "what stands" },
        { "{{#}}", "what stands" },
        { "{{#.}}x{{/.}}", "what stands" },
        { "{{>.}}", "what stands" },
        { "{{Name}}", "what stands" },
        { "{{1a}}", "what stands" },
        { "{{_a}}", "what stands" },
        { "{{a b}}", "what stands" },
        { "{{a.b}}", "what stands" },
        { "{{a-b}}", "what stands" },
        { "{{a{{b}}", "what stands" },
        { "{{=<% %>=}}", "what stands" },
        { "{{\xC3\xA9}}", "what stands" },
        { "{{#a}}\n\n{{#b}}{{/b}}", "line 1: \"a\" is opened but not closed" },
        { "{{#a}}\n{{^b}}", "line 2: \"b\" is opened but not closed" },
        { "x\n{{/a}}", "line 2: \"a\" is closed but was not opened" },
        { "{{#a}}{{#b}}\n{{/a}}{{/b}}", "line 2: \"a\" is closed inside another section" },
        { "{{!\n\n}}{{#a\n}}\n{{/b}}", "line 5: \"b\" is closed inside another section" },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_refused(cases[i][0], cases[i][1]);
    }
}


static void test_error_that_does_not_fit_is_cut(void **state)
{
    char error[8] = "xxxxxxx";

    (void) state;
    assert_null(otp_template_parse(OTP_SPAN("{{"), error, sizeof(error)));
    assert_string_equal(error, "line 1:");
    assert_null(otp_template_parse(OTP_SPAN("{{"), NULL, 0));
}


static void test_sections_nest_to_their_bound_only(void **state)
{
    char text[512] = "";

    (void) state;
    for (int i = 0; i <= OTP_TEMPLATE_SECTIONS; i++) {
        strcat(text, "{{#a}}");
    }
    assert_refused(text, "is nested too deep");
    text[0] = '\0';
    for (int i = 0; i < OTP_TEMPLATE_SECTIONS; i++) {
        strcat(text, "{{#a}}");
    }
    strcat(text, "x");
    for (int i = 0; i < OTP_TEMPLATE_SECTIONS; i++) {
        strcat(text, "{{/a}}");
    }
    assert_renders(text, "{\"a\":1}", "x");
}


static void test_template_with_too_many_tags_is_refused(void **state)
{
    char *text = malloc(OTP_TEMPLATE_TAGS * 5 + 6);

    (void) state;
    assert_non_null(text);
    for (size_t i = 0; i <= OTP_TEMPLATE_TAGS; i++) {
        memcpy(text + i * 5, "{{a}}", 6);
    }
    assert_refused(text, "too many tags");
    text[OTP_TEMPLATE_TAGS * 5] = '\0';
    assert_renders(text, "{}", "");
    free(text);
}


static void name_write(void *data, char kind, otp_span_t name)
{
    char *text = data;

    sprintf(text + strlen(text), "%c:%.*s ", kind, (int) name.len, name.data);
}


static void test_names_are_visited_once_each_by_kind(void **state)
{
    otp_template_t *tpl = compile(OTP_SPAN("{{b}}{{#a}}{{b}}{{.}}{{>p}}{{/a}}{{^a}}{{a}}{{/a}}{{>p}}{{! c }}"
                                           "{{#b}}{{/b}}"));
    char text[128] = "";

    (void) state;
    otp_template_names(tpl, name_write, text);
    assert_string_equal(text, "v:b s:a p:p v:a s:b ");
    otp_template_destroy(tpl);
}


typedef struct {
    const otp_template_t *tpl;
    char                  text[128];
} lines_t;

static void line_write(void *data, char kind, otp_span_t name)
{
    lines_t *lines = data;
    size_t   len = strlen(lines->text);

    snprintf(lines->text + len, sizeof(lines->text) - len, "%c%zu ", kind, otp_template_line(lines->tpl, name));
}


static void test_the_line_of_a_name_is_that_of_its_first_use(void **state)
{
    otp_template_t *tpl = compile(OTP_SPAN("{{a}}\n\n{{#b}}{{!\n}}{{c\n}}{{/b}}{{>p}}\n{{a}}{{d}}"));
    lines_t         lines = { .tpl = tpl };

    (void) state;
    otp_template_names(tpl, line_write, &lines);
    assert_string_equal(lines.text, "v1 s3 v4 p5 v6 ");
    otp_template_destroy(tpl);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_without_tags_is_itself),
        cmocka_unit_test(test_values_are_always_escaped),
        cmocka_unit_test(test_values_of_a_text_are_as_they_are),
        cmocka_unit_test(test_text_is_bounded_like_a_page),
        cmocka_unit_test(test_there_is_no_raw_form),
        cmocka_unit_test(test_values_of_every_type_are_shown),
        cmocka_unit_test(test_unknown_names_give_nothing),
        cmocka_unit_test(test_section_is_shown_when_the_value_is_true),
        cmocka_unit_test(test_array_is_shown_once_an_element),
        cmocka_unit_test(test_names_are_looked_up_from_the_inside_outwards),
        cmocka_unit_test(test_sections_nest),
        cmocka_unit_test(test_comments_and_blanks_in_tags_do_not_show),
        cmocka_unit_test(test_partial_sees_the_names_of_where_it_is_used),
        cmocka_unit_test(test_missing_partial_fails_when_it_is_reached),
        cmocka_unit_test(test_partials_nest_eight_deep_and_no_deeper),
        cmocka_unit_test(test_partials_that_multiply_are_stopped),
        cmocka_unit_test(test_page_of_exactly_the_bound_is_rendered_and_one_byte_more_is_not),
        cmocka_unit_test(test_page_grows_beyond_its_first_room),
        cmocka_unit_test(test_nul_in_text_and_value_is_kept),
        cmocka_unit_test(test_mistakes_are_told_with_their_line),
        cmocka_unit_test(test_error_that_does_not_fit_is_cut),
        cmocka_unit_test(test_sections_nest_to_their_bound_only),
        cmocka_unit_test(test_template_with_too_many_tags_is_refused),
        cmocka_unit_test(test_the_line_of_a_name_is_that_of_its_first_use),
        cmocka_unit_test(test_names_are_visited_once_each_by_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
