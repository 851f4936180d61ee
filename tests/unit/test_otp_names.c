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
    static const char *const words[] = { "acct", "key", "user", "thru", "thra", "once", "deco", "hist" };
    char                     text[OTP_NAME_MAX + 1], expected[64];
    otp_name_t               name;

    (void) state;
    for (int kind = OTP_NAME_ACCOUNT; kind <= OTP_NAME_HISTORY; kind++) {
        otp_name_of(&name, (otp_name_kind_t) kind, PREFIX, OTP_SPAN("marie"));
        name_text(&name, text);
        (void) snprintf(expected, sizeof(expected), "otp:%s:{%c}:marie", words[kind], tag_of(&name));
        assert_string_equal(text, expected);
    }
}


/* Else compare-and-set with all that it writes would not be one step in a Cluster. */
static void test_record_and_what_is_written_with_it_share_a_tag(void **state)
{
    char       id[16];
    otp_name_t name, events, mail, waiting;

    (void) state;
    for (int i = 0; i < 200; i++) {
        (void) snprintf(id, sizeof(id), "user%d", i);
        otp_name_events(&events, PREFIX, otp_span_of(id));
        otp_name_mail(&mail, PREFIX, otp_span_of(id));
        otp_name_waiting(&waiting, PREFIX, otp_span_of(id));
        for (int kind = OTP_NAME_ACCOUNT; kind <= OTP_NAME_HISTORY; kind++) {
            otp_name_of(&name, (otp_name_kind_t) kind, PREFIX, otp_span_of(id));
            assert_int_equal(tag_of(&name), tag_of(&events));
            assert_int_equal(tag_of(&name), tag_of(&mail));
            assert_int_equal(tag_of(&name), tag_of(&waiting));
        }
    }
}


static void test_what_a_tag_shares_has_a_word_of_its_own(void **state)
{
    char       text[OTP_NAME_MAX + 1];
    otp_name_t name;

    (void) state;
    otp_name_events_tag(&name, PREFIX, 10);
    name_text(&name, text);
    assert_string_equal(text, "otp:events:{a}");
    otp_name_mail_tag(&name, PREFIX, 0);
    name_text(&name, text);
    assert_string_equal(text, "otp:mail:{0}");
    otp_name_mail_failed_tag(&name, PREFIX, 1);
    name_text(&name, text);
    assert_string_equal(text, "otp:mailfail:{1}");
    otp_name_waiting_tag(&name, PREFIX, 15);
    name_text(&name, text);
    assert_string_equal(text, "otp:wait:{f}");
    assert_true(otp_span_equal(otp_name_span(&name), OTP_SPAN("otp:wait:{f}")));
    otp_name_master_tag(&name, PREFIX, 0);
    name_text(&name, text);
    assert_string_equal(text, "otp:master:{0}");
}


typedef void (*name_of_id_t)(otp_name_t *name, otp_span_t prefix, otp_span_t id);
typedef void (*name_of_tag_t)(otp_name_t *name, otp_span_t prefix, unsigned tag);

/* A reader of all tags meets what is written for any id. */
static void assert_all_tags(name_of_id_t of_id, name_of_tag_t of_tag)
{
    char       id[16];
    bool       used[OTP_TAGS] = { false };
    otp_name_t written, read;

    for (int i = 0; i < 1000; i++) {
        bool met = false;

        (void) snprintf(id, sizeof(id), "user%d", i);
        of_id(&written, PREFIX, otp_span_of(id));
        for (unsigned tag = 0; tag < OTP_TAGS; tag++) {
            of_tag(&read, PREFIX, tag);
            if (otp_span_equal(otp_name_span(&read), otp_name_span(&written))) {
                used[tag] = met = true;
            }
        }
        assert_true(met);
    }
    for (unsigned tag = 0; tag < OTP_TAGS; tag++) {
        assert_true(used[tag]);
    }
}


static void test_names_of_all_tags_are_those_that_are_written(void **state)
{
    (void) state;
    assert_all_tags(otp_name_events, otp_name_events_tag);
    assert_all_tags(otp_name_mail, otp_name_mail_tag);
    assert_all_tags(otp_name_waiting, otp_name_waiting_tag);
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
        cmocka_unit_test(test_record_and_what_is_written_with_it_share_a_tag),
        cmocka_unit_test(test_what_a_tag_shares_has_a_word_of_its_own),
        cmocka_unit_test(test_names_of_all_tags_are_those_that_are_written),
        cmocka_unit_test(test_names_of_a_cookie_share_its_digest_as_tag),
        cmocka_unit_test(test_longest_prefix_and_id_fit),
        cmocka_unit_test(test_braces_in_an_id_do_not_choose_the_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
