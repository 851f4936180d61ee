#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "core/model/otp_account.h"
#include "core/model/otp_event.h"


static otp_status_t write_event(const otp_event_t *event, char *line, size_t size)
{
    size_t       len;
    otp_status_t status = otp_event_write(event, line, size - 1, &len);

    line[status == OTP_OK ? len : 0] = '\0';

    return status;
}


static void test_event_is_one_line_with_the_time_first(void **state)
{
    otp_event_t event = { .time_ms = 1700000000123, .event = OTP_SPAN("passcode"), .verdict = OTP_SPAN("ok") };
    char        line[OTP_EVENT_MAX];

    (void) state;
    assert_int_equal(write_event(&event, line, sizeof(line)), OTP_OK);
    assert_string_equal(line, "{\"time\":\"2023-11-14T22:13:20.123Z\",\"event\":\"passcode\",\"verdict\":\"ok\"}");
}


static void test_every_member_has_its_name(void **state)
{
    otp_event_t event = {
        0, OTP_SPAN("e"), OTP_SPAN("v"), OTP_SPAN("u"), OTP_SPAN("a"), OTP_SPAN("s"), OTP_SPAN("g"), OTP_SPAN("i"),
        OTP_SPAN("c"), OTP_SPAN("r"), OTP_SPAN("n"), OTP_SPAN("q"),
    };
    char line[OTP_EVENT_MAX];

    (void) state;
    assert_int_equal(write_event(&event, line, sizeof(line)), OTP_OK);
    assert_string_equal(line, "{\"time\":\"1970-01-01T00:00:00.000Z\",\"event\":\"e\",\"verdict\":\"v\",\"user\":\"u\","
                              "\"address\":\"a\",\"serial\":\"s\",\"signal\":\"g\",\"session\":\"i\",\"actor\":\"c\","
                              "\"reason\":\"r\",\"note\":\"n\",\"request\":\"q\"}");
}


static void test_hostile_text_stays_inside_its_member(void **state)
{
    otp_event_t event = { .event = OTP_SPAN("logout"), .user = OTP_SPAN("x\",\"verdict\":\"ok\"}\n{\"\\") };
    char        line[OTP_EVENT_MAX];
    json_t     *object;

    (void) state;
    assert_int_equal(write_event(&event, line, sizeof(line)), OTP_OK);
    assert_null(strchr(line, '\n'));
    object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    assert_null(json_object_get(object, "verdict"));
    assert_string_equal(json_string_value(json_object_get(object, "user")), "x\",\"verdict\":\"ok\"}\n{\"\\");
    json_decref(object);
}


static void test_event_that_is_not_text_or_too_long_is_refused(void **state)
{
    char        line[OTP_EVENT_MAX], text[OTP_EVENT_MAX];
    otp_event_t event = { .user = OTP_SPAN("\xff\xfe") };

    (void) state;
    assert_int_equal(write_event(&event, line, sizeof(line)), OTP_FAILED);
    memset(text, 'x', sizeof(text));
    event.user = (otp_span_t) { text, sizeof(text) };
    assert_int_equal(write_event(&event, line, sizeof(line)), OTP_NO_ROOM);
}


/* Everything as long as it may be, and every byte of what people write takes two. */
static void test_longest_event_fits(void **state)
{
    char        line[OTP_EVENT_MAX], id[OTP_UID_LEN], words[OTP_REASON_LEN];
    otp_span_t  longest = { id, sizeof(id) }, quoted = { words, sizeof(words) };
    otp_event_t event = {
        .time_ms = 1700000000000, .event = OTP_SPAN("emergency_revoke"), .verdict = OTP_SPAN("already_used"),
        .user = longest, .address = OTP_SPAN("2001:0db8:1111:2222:3333:4444:5555:6666"), .serial = longest,
        .signal = OTP_SPAN("code_without_pin"), .session = OTP_SPAN("0123456789ab"), .actor = longest,
        .reason = quoted, .note = quoted, .request = longest
    };

    (void) state;
    memset(id, '"', sizeof(id));
    memset(words, '"', sizeof(words));
    assert_int_equal(write_event(&event, line, sizeof(line)), OTP_OK);
    assert_true(strlen(line) > 4 * sizeof(id) + 4 * sizeof(words));
}


static void test_the_words_of_a_line_are_found_again(void **state)
{
    otp_event_t event = {
        .event = OTP_SPAN("key_disable"), .verdict = OTP_SPAN("part"), .user = OTP_SPAN("a\",\"verdict\":\"ok")
    };
    otp_span_t name, verdict;
    char       line[OTP_EVENT_MAX];

    (void) state;
    assert_int_equal(write_event(&event, line, sizeof(line)), OTP_OK);
    assert_true(otp_event_words(otp_span_of(line), &name, &verdict));
    assert_true(otp_span_equal(name, event.event));
    assert_true(otp_span_equal(verdict, event.verdict));

    event.verdict = OTP_SPAN_NONE;
    assert_int_equal(write_event(&event, line, sizeof(line)), OTP_OK);
    assert_false(otp_event_words(otp_span_of(line), &name, &verdict));
    assert_false(otp_event_words(OTP_SPAN_NONE, &name, &verdict));
    assert_false(otp_event_words(OTP_SPAN("{\"time\":\"x\",\"event\":\"e\",\"verdict\":\"o"), &name, &verdict));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_is_one_line_with_the_time_first),
        cmocka_unit_test(test_every_member_has_its_name),
        cmocka_unit_test(test_hostile_text_stays_inside_its_member),
        cmocka_unit_test(test_longest_event_fits),
        cmocka_unit_test(test_the_words_of_a_line_are_found_again),
        cmocka_unit_test(test_event_that_is_not_text_or_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
