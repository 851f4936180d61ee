#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/store/otp_names.h"

#define PREFIX OTP_SPAN("otp:")


static void name_text(const otp_name_t *name, char text[OTP_NAME_MAX + 1])
{
    memcpy(text, name->data, name->len);
    text[name->len] = '\0';
}


/* The tag between the braces. */
static char tag_of(const otp_name_t *name)
{
    const char *open = memchr(name->data, '{', name->len);

    assert_non_null(open);
    assert_int_equal(open[2], '}');

    return open[1];
}


static void test_each_kind_has_a_word_of_its_own(void **state)
{
    static const char *const words[] = { "acct", "key", "user", "thru", "thra", "once", "deco" };
    char                     text[OTP_NAME_MAX + 1], expected[64];
    otp_name_t               name;

    (void) state;
    for (int kind = OTP_NAME_ACCOUNT; kind <= OTP_NAME_DECOY; kind++) {
        otp_name_of(&name, (otp_name_kind_t) kind, PREFIX, OTP_SPAN("marie"));
        name_text(&name, text);
        (void) snprintf(expected, sizeof(expected), "otp:%s:{%c}:marie", words[kind], tag_of(&name));
        assert_string_equal(text, expected);
    }
}


/* Else compare-and-set with its event would not be one step in a Cluster. */
static void test_record_and_its_events_share_a_tag(void **state)
{
    char       id[16];
    otp_name_t name, events;

    (void) state;
    for (int i = 0; i < 200; i++) {
        (void) snprintf(id, sizeof(id), "user%d", i);
        otp_name_events(&events, PREFIX, otp_span_of(id));
        for (int kind = OTP_NAME_ACCOUNT; kind <= OTP_NAME_DECOY; kind++) {
            otp_name_of(&name, (otp_name_kind_t) kind, PREFIX, otp_span_of(id));
            assert_int_equal(tag_of(&name), tag_of(&events));
        }
    }
}


static void test_streams_of_all_tags_are_those_events_go_to(void **state)
{
    char       id[16];
    bool       used[OTP_TAGS] = { false };
    otp_name_t events, stream;

    (void) state;
    for (int i = 0; i < 1000; i++) {
        (void) snprintf(id, sizeof(id), "user%d", i);
        otp_name_events(&events, PREFIX, otp_span_of(id));
        for (unsigned tag = 0; tag < OTP_TAGS; tag++) {
            otp_name_events_tag(&stream, PREFIX, tag);
            used[tag] |= otp_span_equal(otp_name_span(&stream), otp_name_span(&events));
        }
    }
    for (unsigned tag = 0; tag < OTP_TAGS; tag++) {
        assert_true(used[tag]);
    }
}


static void test_names_of_a_cookie_share_its_digest_as_tag(void **state)
{
    char       text[OTP_NAME_MAX + 1];
    otp_name_t name;

    (void) state;
    otp_name_cookie(&name, PREFIX, "sess", OTP_SPAN("0123abcd"));
    name_text(&name, text);
    assert_string_equal(text, "otp:sess:{0123abcd}");
    otp_name_cookie(&name, PREFIX, "pend", OTP_SPAN("0123abcd"));
    name_text(&name, text);
    assert_string_equal(text, "otp:pend:{0123abcd}");
}


static void test_longest_prefix_and_id_fit(void **state)
{
    char       prefix[64], id[128], text[OTP_NAME_MAX + 1];
    otp_name_t name;

    (void) state;
    memset(prefix, 'p', sizeof(prefix));
    memset(id, 'i', sizeof(id));
    otp_name_of(&name, OTP_NAME_STOCK, (otp_span_t) { prefix, 64 }, (otp_span_t) { id, 128 });
    name_text(&name, text);
    assert_int_equal(strlen(text), 64 + strlen("key:{0}:") + 128);
}


/* A client's identifiers never reach the braces: they come after the first ones, which Redis takes. */
static void test_braces_in_an_id_do_not_choose_the_tag(void **state)
{
    otp_name_t name;

    (void) state;
    otp_name_of(&name, OTP_NAME_THROTTLE_ADDRESS, PREFIX, OTP_SPAN("{evil}"));
    assert_non_null(strchr("0123456789abcdef", tag_of(&name)));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_has_a_word_of_its_own),
        cmocka_unit_test(test_record_and_its_events_share_a_tag),
        cmocka_unit_test(test_streams_of_all_tags_are_those_events_go_to),
        cmocka_unit_test(test_names_of_a_cookie_share_its_digest_as_tag),
        cmocka_unit_test(test_longest_prefix_and_id_fit),
        cmocka_unit_test(test_braces_in_an_id_do_not_choose_the_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
