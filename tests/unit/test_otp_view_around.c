#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/portal/otp_flow_private.h"

static bool says(const char *text, otp_page_t page, const char *flag)
{
    json_t *view = json_loads(text, 0, NULL);
    bool    found;

    assert_non_null(view);
    assert_true(otp_view_around(view, page));
    found = json_is_true(json_object_get(view, flag));
    json_decref(view);
    return found;
}


static void test_list_with_rows_has_its_flag(void **state)
{
    (void) state;
    assert_true(says("{\"keys\":[{}]}", OTP_PAGE_KEY, "has_keys"));
    assert_true(says("{\"signals\":[{}]}", OTP_PAGE_HOME, "has_signals"));
    assert_true(says("{\"sessions\":[{}]}", OTP_PAGE_ACTIVITY, "has_sessions"));
    assert_true(says("{\"events\":[{}]}", OTP_PAGE_ACTIVITY, "has_events"));
    assert_true(says("{\"people\":[{}]}", OTP_PAGE_HELPDESK, "has_people"));
    assert_true(says("{\"requests\":[{}]}", OTP_PAGE_HELPDESK_REQUESTS, "has_requests"));
}


static void test_empty_or_absent_list_has_none(void **state)
{
    (void) state;
    assert_false(says("{\"keys\":[]}", OTP_PAGE_KEY, "has_keys"));
    assert_false(says("{}", OTP_PAGE_KEY, "has_keys"));
    assert_false(says("{\"keys\":[{}],\"events\":[]}", OTP_PAGE_HELPDESK_PERSON, "has_events"));
}


static void test_sessions_beside_the_current_one_are_told(void **state)
{
    (void) state;
    assert_true(says("{\"sessions\":[{\"current\":true},{\"current\":false}]}", OTP_PAGE_ACTIVITY, "others"));
    assert_false(says("{\"sessions\":[{\"current\":true}]}", OTP_PAGE_ACTIVITY, "others"));
    assert_false(says("{\"sessions\":[]}", OTP_PAGE_ACTIVITY, "others"));
}


static void test_what_was_done_is_told_whatever_it_was(void **state)
{
    (void) state;
    assert_true(says("{\"done_unlock\":true}", OTP_PAGE_HELPDESK_PERSON, "done"));
    assert_false(says("{\"do_unlock\":true}", OTP_PAGE_HELPDESK_CONFIRM, "done"));
}


static void test_every_page_is_somewhere_in_the_navigation_or_nowhere(void **state)
{
    static const struct {
        otp_page_t  page;
        const char *place;
    } pages[] = {
        { OTP_PAGE_HOME, "here_applications" }, { OTP_PAGE_KEY, "here_key" }, { OTP_PAGE_KEY_PIN, "here_key" },
        { OTP_PAGE_ACTIVITY, "here_activity" }, { OTP_PAGE_HELPDESK, "here_helpdesk" },
        { OTP_PAGE_HELPDESK_PERSON, "here_helpdesk" }, { OTP_PAGE_HELPDESK_CONFIRM, "here_helpdesk" },
        { OTP_PAGE_HELPDESK_EMERGENCY, "here_helpdesk" }, { OTP_PAGE_HELPDESK_REQUESTS, "here_helpdesk" },
        { OTP_PAGE_LOGIN, "" }, { OTP_PAGE_PASSCODE, "" }, { OTP_PAGE_PIN, "" }, { OTP_PAGE_HELP, "" },
        { OTP_PAGE_ERROR, "" },
    };
    static const char *const places[] = { "here_applications", "here_key", "here_activity", "here_helpdesk" };

    (void) state;
    assert_int_equal(sizeof(pages) / sizeof(pages[0]), OTP_PAGE_COUNT);
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        for (size_t j = 0; j < sizeof(places) / sizeof(places[0]); j++) {
            assert_int_equal(says("{}", pages[i].page, places[j]),
                             otp_span_equal(otp_span_of(pages[i].place), otp_span_of(places[j])));
        }
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_with_rows_has_its_flag),
        cmocka_unit_test(test_empty_or_absent_list_has_none),
        cmocka_unit_test(test_sessions_beside_the_current_one_are_told),
        cmocka_unit_test(test_what_was_done_is_told_whatever_it_was),
        cmocka_unit_test(test_every_page_is_somewhere_in_the_navigation_or_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
