#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "otp_fake_stage.h"

/* What the pages tell: the wait, the reasons, who to ask. */

#define K       "K-1"
#define PIN     OTP_FAKE_PIN
#define HTML    "text/html"


/* Signs in with the password, then types `passcode` on the page. */
static void step_up_on_the_page(const char *passcode)
{
    char fields[160];

    (void) otp_fake_token(&world, &browser, "passcode");
    (void) snprintf(fields, sizeof(fields), "passcode=%s&csrf=%s", passcode, browser.token);
    browser.accept = HTML;
    (void) otp_fake_post(&world, &browser, "passcode", fields);
    browser.accept = NULL;
}


static void test_page_after_the_pin_counts_down_to_the_next_display(void **state)
{
    char expected[64];

    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_password(&world, &browser, "marie");
    assert_string_equal(otp_fake_step_up(&world, &browser,
                                         otp_fake_passcode("", K, otp_fake_step_now(&world)).text), "pin_required");
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "wait_next_code");

    (void) snprintf(expected, sizeof(expected), "data-wait=\"%d\"", (int) (60 - world.now_ms / 1000 % 60));
    browser.accept = HTML;
    (void) otp_fake_get(&world, &browser, "passcode");
    assert_true(page_holds(expected));
    otp_fake_pass(&world, 60);
    (void) otp_fake_get(&world, &browser, "passcode");
    assert_false(page_holds("data-wait="));
}


static void test_refused_step_up_shows_its_own_page_again(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    step_up_on_the_page("0000000000");
    assert_int_equal(world.answer->status, 401);
    assert_true(page_holds("action=\"/otp/passcode\""));
    assert_true(page_holds("role=\"alert\""));
    assert_true(page_holds("Le passcode n'a pas été accepté."));
}


static void test_spent_code_is_told_with_the_seconds_to_wait(void **state)
{
    char passcode[64], expected[64];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) snprintf(passcode, sizeof(passcode), "%s", otp_fake_passcode(PIN, K, otp_fake_step_now(&world)).text);
    (void) otp_fake_password(&world, &browser, "marie");
    assert_string_equal(otp_fake_step_up(&world, &browser, passcode), "ok");
    step_up_on_the_page(passcode);
    assert_int_equal(world.answer->status, 401);
    (void) snprintf(expected, sizeof(expected), "%d", (int) (60 - world.now_ms / 1000 % 60));
    assert_string_equal(otp_fake_header(world.answer, "Retry-After"), expected);
    (void) snprintf(expected, sizeof(expected), "\"%d\"", (int) (60 - world.now_ms / 1000 % 60));
    assert_true(page_holds(expected));
}


/* The event of the last sign-in names the session that it opened. */
static void assert_event_names_the_session(otp_fake_browser_t *person)
{
    const otp_fake_answer_t *answer = otp_fake_get(&world, person, "session");
    char                     expected[64];

    assert_int_equal(answer->status, 200);
    (void) snprintf(expected, sizeof(expected), "\"session\":\"%s\"", otp_fake_text(answer, "id"));
    assert_true(otp_fake_redis_holds(world.redis, otp_span_of(expected)));
}


static void test_events_of_a_sign_in_name_the_session_it_opens(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    assert_event_names_the_session(&browser);
    assert_string_equal(otp_fake_step_up(&world, &browser,
                                         otp_fake_passcode(PIN, K, otp_fake_step_now(&world)).text), "ok");
    assert_event_names_the_session(&browser);
}


static void test_help_names_the_operators_contact_and_the_person(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    browser.accept = HTML;
    (void) otp_fake_get(&world, &browser, "help");
    assert_true(page_holds("mailto:help@school.example"));
    assert_true(page_holds("Marie"));
}


static void test_name_that_is_not_utf8_leaves_a_page_all_the_same(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "jose"), "ok");
    browser.accept = HTML;
    assert_int_equal(otp_fake_get(&world, &browser, "")->status, 200);
    assert_true(page_holds("jose"));
}


static void test_without_templates_a_bare_answer_is_given(void **state)
{
    otp_pages_t *none = otp_pages_create();
    const otp_pages_t *shipped = world.settings.pages;

    (void) state;
    assert_non_null(none);
    world.settings.pages = none;
    browser.accept = HTML;
    assert_int_equal(otp_fake_get(&world, &browser, "login")->status, 503);
    assert_string_equal(otp_fake_header(world.answer, "Content-Type"), "text/plain; charset=utf-8");
    assert_string_equal(otp_fake_header(world.answer, "Retry-After"), "2");
    assert_true(world.answer->len > 0);
    world.settings.pages = shipped;
    otp_pages_destroy(none);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_page_after_the_pin_counts_down_to_the_next_display, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_refused_step_up_shows_its_own_page_again, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_spent_code_is_told_with_the_seconds_to_wait, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_events_of_a_sign_in_name_the_session_it_opens, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_help_names_the_operators_contact_and_the_person, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_name_that_is_not_utf8_leaves_a_page_all_the_same, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_without_templates_a_bare_answer_is_given, open_stage, close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
