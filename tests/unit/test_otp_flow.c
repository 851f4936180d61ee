#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/decide/otp_manage.h"
#include "core/model/otp_session.h"
#include "otp_fake_stage.h"

/* The portal from end to end, in memory: what people do, as JSON. */

#define K       "K-1"
#define PIN     OTP_FAKE_PIN
#define NOW_PASSCODE(pin)   otp_fake_passcode(pin, K, otp_fake_step_now(&world)).text
#define COOKIE  OTP_FAKE_COOKIE


static void assert_level(otp_fake_browser_t *who, const char *level)
{
    assert_string_equal(otp_fake_level(&world, who), level);
}


/* ---- password ---- */

static void test_password_opens_a_session_of_level_password(void **state)
{
    const otp_fake_answer_t *answer;

    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_int_equal(world.answer->status, 200);
    assert_string_equal(otp_fake_text(world.answer, "level"), "password");
    assert_string_equal(otp_fake_text(world.answer, "location"), "/otp/");

    answer = otp_fake_get(&world, &browser, "session");
    assert_int_equal(answer->status, 200);
    assert_string_equal(otp_fake_text(answer, "user"), "marie");
    assert_string_equal(otp_fake_text(answer, "level"), "password");
    assert_string_equal(otp_fake_text(answer, "method"), "password");
    assert_int_equal(otp_fake_number(answer, "auth_time"), OTP_FAKE_NOW);
    assert_true(json_is_null(json_object_get(answer->json, "otp_time")));
    assert_int_equal(otp_fake_number(answer, "idle_expires"), OTP_FAKE_NOW + 1800);
    assert_int_equal(otp_fake_number(answer, "expires"), OTP_FAKE_NOW + 36000);
    assert_int_equal(strlen(otp_fake_text(answer, "csrf")), 49);
}


static void test_identifier_is_trimmed_and_lower_cased(void **state)
{
    (void) state;
    (void) otp_fake_submit(&world, &browser, "login", "username=+MARIE++&method=password&password=Correct+horse+1");
    assert_string_equal(otp_fake_verdict(world.answer), "ok");
    assert_string_equal(otp_fake_text(otp_fake_get(&world, &browser, "session"), "user"), "marie");
}


static void test_session_cookie_is_host_only_secure_and_out_of_reach_of_scripts(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    assert_non_null(strstr(world.answer->headers, "Set-Cookie: __Host-otp="));
    assert_non_null(strstr(world.answer->headers, "; Path=/; Secure; HttpOnly; SameSite=Lax\n"));
    assert_null(strstr(world.answer->headers, "Domain"));
    assert_string_equal(otp_fake_header(world.answer, "Cache-Control"), "no-store");
    assert_int_equal(strlen(otp_fake_cookie(&browser, COOKIE)), OTP_COOKIE_LEN);
}


static void test_home_lists_the_applications_of_the_person(void **state)
{
    const otp_fake_answer_t *answer;
    const json_t            *list;

    (void) state;
    assert_int_equal(otp_fake_get(&world, &browser, "")->status, 401);
    (void) otp_fake_password(&world, &browser, "marie");
    answer = otp_fake_get(&world, &browser, "");
    list = json_object_get(answer->json, "applications");
    assert_string_equal(otp_fake_text(answer, "page"), "home");
    assert_string_equal(otp_fake_text(answer, "user"), "marie");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "level")), "otp");
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "location")), "/marks/");

    (void) otp_fake_password(&world, &other, "lea");
    assert_int_equal(json_array_size(json_object_get(otp_fake_get(&world, &other, "")->json, "applications")), 1);
}


/* ---- step-up ---- */

static void test_first_use_goes_from_code_to_pin_to_passcode_to_the_application(void **state)
{
    char cookie[96];

    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) snprintf(cookie, sizeof(cookie), "%s", otp_fake_cookie(&browser, COOKIE));
    assert_string_equal(otp_fake_text(otp_fake_get(&world, &browser, "passcode?rd=%2Fmarks%2F%3Fa%3D1"), "state"),
                        "first_use");

    char fields[128];

    (void) snprintf(fields, sizeof(fields), "passcode=%s&rd=%%2Fmarks%%2F%%3Fa%%3D1", NOW_PASSCODE(""));
    (void) otp_fake_submit(&world, &browser, "passcode", fields);
    assert_string_equal(otp_fake_verdict(world.answer), "pin_required");
    assert_string_equal(otp_fake_text(world.answer, "location"), "/otp/pin");
    assert_level(&browser, "password");

    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "wait_next_code");
    assert_int_equal(world.answer->status, 200);
    assert_string_equal(otp_fake_text(world.answer, "location"), "/otp/passcode");
    assert_string_equal(otp_fake_text(otp_fake_get(&world, &browser, "passcode"), "state"), "wait_next_code");
    assert_level(&browser, "password");

    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "already_used");
    otp_fake_pass(&world, 40);
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(otp_fake_text(world.answer, "level"), "otp");
    assert_string_equal(otp_fake_text(world.answer, "location"), "/marks/?a=1");
    assert_level(&browser, "otp");
    assert_string_not_equal(otp_fake_cookie(&browser, COOKIE), cookie);
}


static void test_step_up_makes_a_new_session_that_ends_when_the_old_one_would_have(void **state)
{
    const otp_fake_answer_t *answer;

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    otp_fake_pass(&world, 1000);
    assert_string_equal(otp_fake_text(otp_fake_get(&world, &browser, "passcode"), "state"), "step_up");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
    answer = otp_fake_get(&world, &browser, "session");
    assert_string_equal(otp_fake_text(answer, "level"), "otp");
    assert_string_equal(otp_fake_text(answer, "method"), "key");
    assert_int_equal(otp_fake_number(answer, "otp_time"), OTP_FAKE_NOW + 1000);
    assert_int_equal(otp_fake_number(answer, "expires"), OTP_FAKE_NOW + 36000);
}


static void test_old_cookie_is_dead_after_each_step(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    other = browser;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_level(&other, "");
    other = browser;
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
    assert_level(&other, "");
    assert_level(&browser, "otp");
    assert_int_equal(otp_fake_redis_count(world.redis, "otp:sess:"), 1);
    assert_int_equal(otp_fake_redis_count(world.redis, "otp:seen:"), 1);
}


static void test_drifted_key_brings_two_codes(void **state)
{
    int64_t step;

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    step = otp_fake_step_now(&world) + 6;
    assert_string_equal(otp_fake_step_up(&world, &browser, otp_fake_passcode(PIN, K, step).text), "next_code");
    assert_string_equal(otp_fake_text(world.answer, "location"), "/otp/passcode");
    assert_string_equal(otp_fake_text(otp_fake_get(&world, &browser, "passcode"), "state"), "next_code");
    assert_level(&browser, "password");
    assert_string_equal(otp_fake_step_up(&world, &browser, otp_fake_passcode("", K, step).text), "already_used");
    otp_fake_pass(&world, 60);
    assert_string_equal(otp_fake_step_up(&world, &browser, otp_fake_passcode("", K, step + 1).text), "ok");
    assert_level(&browser, "otp");
    assert_int_equal(otp_fake_account_get(&world, "marie").key[0].drift, 6);
}


static void test_wrong_next_code_starts_over(void **state)
{
    int64_t step;

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    step = otp_fake_step_now(&world);
    (void) otp_fake_step_up(&world, &browser, otp_fake_passcode(PIN, K, step + 6).text);
    assert_string_equal(otp_fake_step_up(&world, &browser, otp_fake_wrong("", K, step).text), "denied");
    assert_string_equal(otp_fake_text(otp_fake_get(&world, &browser, "passcode"), "state"), "step_up");
    assert_string_equal(otp_fake_step_up(&world, &browser, otp_fake_passcode("", K, step + 7).text), "denied");
    assert_level(&browser, "password");
}


static void test_blanks_between_pin_and_code_are_forgiven(void **state)
{
    char                fields[64];
    otp_fake_passcode_t code;

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    code = otp_fake_passcode("", K, otp_fake_step_now(&world));
    (void) snprintf(fields, sizeof(fields), "%s+%.3s+%s", PIN, code.text, code.text + 3);
    assert_string_equal(otp_fake_step_up(&world, &browser, fields), "ok");
}


/* ---- directly ---- */

static void test_passcode_at_the_first_page_opens_a_session_of_level_otp(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(otp_fake_text(world.answer, "level"), "otp");
    assert_level(&browser, "otp");
    assert_int_equal(world.passwords, 0);
}


static void test_first_use_at_the_first_page_stays_pending_until_the_passcode(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE("")), "pin_required");
    assert_int_equal(otp_fake_get(&world, &browser, "session")->status, 401);
    assert_int_equal(otp_fake_get(&world, &browser, "")->status, 401);
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "wait_next_code");
    assert_int_equal(otp_fake_get(&world, &browser, "session")->status, 401);
    other = browser;
    otp_fake_pass(&world, 40);
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
    assert_level(&browser, "otp");
    assert_int_equal(otp_fake_get(&world, &other, "passcode")->status, 401);
    assert_int_equal(otp_fake_redis_count(world.redis, "otp:pend:"), 0);
}


static void test_operator_demands_the_password_for_first_use(void **state)
{
    (void) state;
    world.settings.first_use_needs_password = true;
    otp_fake_account(&world, "marie", K, NULL);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE("")), "denied");
    (void) otp_fake_password(&world, &browser, "marie");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE("")), "pin_required");
}


static void test_session_of_a_key_is_no_password_for_first_use(void **state)
{
    otp_account_t account;

    (void) state;
    world.settings.first_use_needs_password = true;
    otp_fake_account(&world, "marie", K, PIN);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    account = otp_fake_account_get(&world, "marie");
    assert_int_equal(otp_manage_pin_clear(&account), OTP_MANAGE_CHANGED);
    otp_fake_account_put(&world, &account);
    otp_fake_pass(&world, 60);
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE("")), "denied");
}


static void test_drifted_key_at_the_first_page_brings_two_codes(void **state)
{
    int64_t step;

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    step = otp_fake_step_now(&world) - 4;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", otp_fake_passcode(PIN, K, step).text), "next_code");
    assert_int_equal(otp_fake_get(&world, &browser, "session")->status, 401);
    assert_string_equal(otp_fake_step_up(&world, &browser, otp_fake_passcode("", K, step + 1).text), "ok");
    assert_level(&browser, "otp");
}


static void test_person_who_left_the_directory_does_not_sign_in_with_a_key(void **state)
{
    (void) state;
    otp_fake_account(&world, "gone", K, PIN);
    assert_string_equal(otp_fake_direct(&world, &browser, "gone", NOW_PASSCODE(PIN)), "denied");
    world.settings.people_known = false;
    assert_string_equal(otp_fake_direct(&world, &browser, "gone", NOW_PASSCODE(PIN)), "ok");
}


/* ---- the PIN page ---- */

static void test_pin_is_refused_with_its_reason(void **state)
{
    static const char *const rows[][2] = {
        { "pin=2580&pin_confirm=2581", "mismatch" }, { "pin=258a&pin_confirm=258a", "digits" },
        { "pin=258&pin_confirm=258", "length" }, { "pin=7777&pin_confirm=7777", "repeated" },
        { "pin=4321&pin_confirm=4321", "sequence" }, { "pin=1407&pin_confirm=1407", "date" },
        { "pin=7713&pin_confirm=7713", "personal" },
    };

    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) otp_fake_step_up(&world, &browser, NOW_PASSCODE(""));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void) otp_fake_submit(&world, &browser, "pin", rows[i][0]);
        assert_int_equal(world.answer->status, 422);
        assert_string_equal(otp_fake_verdict(world.answer), "pin_refused");
        assert_string_equal(otp_fake_text(world.answer, "reason"), rows[i][1]);
    }
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "wait_next_code");
}


static void test_previous_pin_is_refused(void **state)
{
    otp_account_t account;

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    account = otp_fake_account_get(&world, "marie");
    assert_int_equal(otp_manage_pin_clear(&account), OTP_MANAGE_CHANGED);
    otp_fake_account_put(&world, &account);
    (void) otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(""));
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "pin_refused");
    assert_string_equal(otp_fake_text(world.answer, "reason"), "previous");
}


static void test_pin_page_that_was_open_too_long_is_closed(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) otp_fake_step_up(&world, &browser, NOW_PASSCODE(""));
    (void) otp_fake_token(&world, &browser, "pin");
    otp_fake_pass(&world, 301);

    char fields[128];

    (void) snprintf(fields, sizeof(fields), "pin=2580&pin_confirm=2580&csrf=%s", browser.token);
    assert_int_equal(otp_fake_post(&world, &browser, "pin", fields)->status, 401);
    assert_false(otp_fake_account_get(&world, "marie").key[0].pin.set);
}


static void test_pin_page_is_for_who_gave_the_first_code(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_password(&world, &browser, "marie");
    assert_int_equal(otp_fake_get(&world, &browser, "pin")->status, 401);
    assert_string_equal(otp_fake_text(world.answer, "error"), "otp_required");
    (void) otp_fake_step_up(&world, &browser, NOW_PASSCODE(""));
    assert_int_equal(otp_fake_get(&world, &browser, "pin")->status, 200);
    assert_string_equal(otp_fake_text(world.answer, "page"), "pin");
    (void) otp_fake_password(&world, &other, "marie");
    assert_int_equal(otp_fake_get(&world, &other, "pin")->status, 401);
    memset(&other, 0, sizeof(other));
    assert_int_equal(otp_fake_get(&world, &other, "pin")->status, 401);
    assert_string_equal(otp_fake_text(world.answer, "error"), "login_required");
}


static void test_second_browser_closes_the_pin_page_of_the_first(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(""));
    otp_fake_pass(&world, 60);
    (void) otp_fake_direct(&world, &other, "marie", NOW_PASSCODE(""));
    assert_string_equal(otp_fake_create_pin(&world, &browser, "7294"), "denied");
    assert_string_equal(otp_fake_create_pin(&world, &other, PIN), "wait_next_code");
}


/* ---- a cookie that somebody planted ---- */

static void test_first_use_does_not_go_on_in_a_pending_state_of_somebody_else(void **state)
{
    (void) state;
    otp_fake_account(&world, "paul", "K-2", NULL);
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_direct(&world, &other, "paul", otp_fake_passcode("", "K-2", otp_fake_step_now(&world)).text);
    browser = other;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE("")), "pin_required");
    assert_string_not_equal(otp_fake_cookie(&browser, COOKIE), otp_fake_cookie(&other, COOKIE));
    (void) otp_fake_create_pin(&world, &other, "7294");
    assert_false(otp_fake_account_get(&world, "marie").key[0].pin.set);
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "wait_next_code");
}


static void test_first_use_does_not_go_on_under_the_session_of_somebody_else(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_password(&world, &other, "paul");
    browser = other;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE("")), "pin_required");
    assert_string_not_equal(otp_fake_cookie(&browser, COOKIE), otp_fake_cookie(&other, COOKIE));
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "wait_next_code");
    assert_level(&other, "");
}


static void test_somebody_elses_password_is_not_carried_into_a_session(void **state)
{
    otp_session_lookup_t lookup;
    otp_session_t        session;

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "paul");
    otp_fake_pass(&world, 60);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    assert_int_equal(otp_session_lookup_cookie(world.settings.ring, world.settings.prefix,
                                               otp_span_of(otp_fake_cookie(&browser, COOKIE)), &lookup), OTP_OK);
    assert_int_equal(otp_session_read(world.settings.ring, otp_name_span(&lookup.sess),
                                      otp_fake_redis_value(world.redis, otp_name_span(&lookup.sess)), &session),
                                      OTP_OK);
    assert_true(otp_span_equal(session.person.uid, OTP_SPAN("marie")));
    assert_false(session.password_proven);
    assert_int_equal(session.created, OTP_FAKE_NOW + 60);
    assert_int_equal(session.expires, OTP_FAKE_NOW + 60 + 36000);
}


/* ---- the end of a session ---- */

static void test_logout_kills_the_cookie(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    other = browser;
    (void) otp_fake_token(&world, &browser, "session");

    char fields[128];

    (void) snprintf(fields, sizeof(fields), "csrf=%s", browser.token);
    assert_int_equal(otp_fake_post(&world, &browser, "logout", fields)->status, 200);
    assert_string_equal(otp_fake_verdict(world.answer), "ok");
    assert_string_equal(otp_fake_cookie(&browser, COOKIE), "");
    assert_level(&other, "");
    assert_int_equal(otp_fake_redis_count(world.redis, "otp:sess:"), 0);
    assert_int_equal(otp_fake_redis_count(world.redis, "otp:user:"), 0);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"logout\",\"verdict\":\"ok\",\"user\":\"marie\""),
                     1);
}


static void test_logout_ends_a_pending_state(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(""));
    other = browser;
    (void) otp_fake_token(&world, &browser, "passcode");

    char fields[128];

    (void) snprintf(fields, sizeof(fields), "csrf=%s", browser.token);
    assert_int_equal(otp_fake_post(&world, &browser, "logout", fields)->status, 200);
    assert_int_equal(otp_fake_get(&world, &other, "passcode")->status, 401);
}


static void test_list_of_sessions_outlives_the_longest_of_them(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    world.settings.lifetime_s = 60;
    (void) otp_fake_password(&world, &other, "marie");
    otp_fake_pass(&world, 1000);
    assert_level(&browser, "password");
    assert_int_equal(otp_fake_redis_count(world.redis, "otp:user:"), 1);
}


static void test_session_ends_at_its_absolute_end(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    for (int i = 0; i < 35; i++) {
        otp_fake_pass(&world, 1000);
        assert_level(&browser, "password");
    }
    otp_fake_pass(&world, 1000);
    assert_level(&browser, "");
}


static void test_idle_session_is_not_revived_by_asking_again(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    /* The operator lengthens the idle time; that of this session stays. */
    world.settings.idle_s = 7200;
    otp_fake_pass(&world, 1000);
    assert_level(&browser, "password");
    otp_fake_pass(&world, 1800);
    assert_level(&browser, "");
    assert_level(&browser, "");
}


static void test_every_request_to_the_portal_renews_the_idle_time(void **state)
{
    (void) state;
    world.settings.idle_s = 10;
    (void) otp_fake_password(&world, &browser, "marie");
    for (int i = 0; i < 20; i++) {
        otp_fake_pass(&world, 4);
        assert_level(&browser, "password");
        assert_int_equal(otp_fake_number(world.answer, "idle_expires"), world.now_ms / 1000 + 10);
    }
    otp_fake_pass(&world, 10);
    assert_level(&browser, "");
}


/* ---- refusals that tell nothing ---- */

static void test_unknown_locked_disabled_and_wrong_are_denied_in_the_same_words(void **state)
{
    static const char *const uids[] = { "marie", "paul", "lea", "nobody", "%3Cscript%3E", "" };
    otp_account_t            account;
    char                     first[512] = "";

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    otp_fake_account(&world, "paul", "K-2", PIN);
    otp_fake_account(&world, "lea", "K-3", PIN);
    account = otp_fake_account_get(&world, "paul");
    account.key[0].state = OTP_KEY_DISABLED;
    otp_fake_account_put(&world, &account);
    account = otp_fake_account_get(&world, "lea");
    account.unknown.failures = 10;
    account.unknown.locked_until = OTP_FAKE_NOW + 900;
    otp_fake_account_put(&world, &account);

    for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
        (void) otp_fake_direct(&world, &browser, uids[i], otp_fake_wrong(PIN, K, OTP_FAKE_STEP).text);
        assert_int_equal(world.answer->status, 401);
        assert_string_equal(world.answer->body, "{\"verdict\":\"denied\"}");
        if (first[0] == '\0') {
            (void) snprintf(first, sizeof(first), "%s", world.answer->headers);
        }
        assert_string_equal(world.answer->headers, first);
    }
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE("2581")), "denied");
    assert_string_equal(world.answer->headers, first);
    (void) otp_fake_submit(&world, &browser, "login", "username=marie&method=password&password=wrong");
    assert_string_equal(world.answer->body, "{\"verdict\":\"denied\"}");
    (void) otp_fake_submit(&world, &browser, "login", "username=nobody&method=password&password=wrong");
    assert_string_equal(world.answer->body, "{\"verdict\":\"denied\"}");
    assert_int_equal(world.passwords, 2);
}


/* A round trip less would be a shorter time. */
static uint64_t commands_of_a_wrong_passcode(const char *uid)
{
    uint64_t before = world.commands;

    (void) otp_fake_direct(&world, &browser, uid, otp_fake_wrong(PIN, K, OTP_FAKE_STEP).text);

    return world.commands - before;
}


static void test_unknown_disabled_locked_and_known_people_cost_the_same_round_trips(void **state)
{
    static const char *const uids[] = {
        "marie", "paul", "lea", "hugo", "nobody", "marie", "paul", "lea", "hugo", "nobody"
    };
    otp_account_t            account;
    uint64_t                 first;

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    otp_fake_account(&world, "paul", "K-2", PIN);
    otp_fake_account(&world, "lea", "K-3", PIN);
    otp_fake_account(&world, "hugo", "K-4", NULL);
    world.settings.first_use_needs_password = true;
    account = otp_fake_account_get(&world, "paul");
    account.key[0].state = OTP_KEY_DISABLED;
    otp_fake_account_put(&world, &account);
    account = otp_fake_account_get(&world, "lea");
    account.unknown.failures = 10;
    account.unknown.locked_until = OTP_FAKE_NOW + 900;
    otp_fake_account_put(&world, &account);

    (void) otp_fake_token(&world, &browser, "login");
    first = commands_of_a_wrong_passcode("jose");
    for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
        assert_int_equal(commands_of_a_wrong_passcode(uids[i]), first);
    }
    assert_int_equal(otp_fake_account_get(&world, "lea").unknown.failures, 10);
}


static void test_locked_account_is_told_after_the_password_only(void **state)
{
    otp_account_t account;

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    account = otp_fake_account_get(&world, "marie");
    account.unknown.failures = 10;
    account.unknown.locked_until = OTP_FAKE_NOW + 700;
    otp_fake_account_put(&world, &account);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "denied");
    (void) otp_fake_password(&world, &browser, "marie");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "throttled");
    assert_int_equal(world.answer->status, 429);
    assert_int_equal(otp_fake_number(world.answer, "retry_after"), 700);
    assert_string_equal(otp_fake_header(world.answer, "Retry-After"), "700");
}


static void test_locked_first_use_still_asks_for_the_code_alone(void **state)
{
    otp_account_t account;

    (void) state;
    for (size_t i = 0; i < 2; i++) {
        otp_fake_account(&world, "marie", K, i == 0 ? NULL : PIN);
        account = otp_fake_account_get(&world, "marie");
        account.unknown.failures = 10;
        account.unknown.locked_until = OTP_FAKE_NOW + 700;
        account.known = account.unknown;
        otp_fake_account_put(&world, &account);
        (void) otp_fake_password(&world, &browser, "marie");
        (void) otp_fake_get(&world, &browser, "passcode");
        assert_string_equal(otp_fake_text(world.answer, "state"), i == 0 ? "first_use" : "step_up");
    }
}


static void test_spent_code_with_right_pin_is_told_with_the_time_to_wait(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(otp_fake_direct(&world, &other, "marie", NOW_PASSCODE(PIN)), "already_used");
    assert_int_equal(world.answer->status, 401);
    assert_int_equal(otp_fake_number(world.answer, "retry_after"), 40);
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 0);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"signal\":\"replay\""), 1);
}


static void test_right_password_does_not_clear_the_failures_of_passcodes(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    for (int i = 0; i < 4; i++) {
        (void) otp_fake_direct(&world, &browser, "marie", otp_fake_wrong(PIN, K, OTP_FAKE_STEP).text);
    }
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 4);
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "next_code");
}


/* ---- throttles ---- */

static const otp_fake_answer_t *wrong_password(otp_fake_browser_t *who)
{
    return otp_fake_submit(&world, who, "login", "username=marie&method=password&password=wrong");
}


static void test_bad_passwords_are_throttled_with_growing_delay(void **state)
{
    (void) state;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(wrong_password(&browser)->status, 401);
    }
    for (int64_t delay = 1; delay <= 64; delay *= 2) {
        unsigned before = world.passwords;

        assert_int_equal(wrong_password(&browser)->status, 429);
        assert_int_equal(otp_fake_number(world.answer, "retry_after"), delay);
        assert_string_equal(otp_fake_password(&world, &other, "marie"), "throttled");
        assert_int_equal(world.passwords, before);
        otp_fake_pass(&world, delay);
        assert_int_equal(wrong_password(&browser)->status, 401);
    }
}


static void test_success_clears_the_throttle(void **state)
{
    (void) state;
    for (int i = 0; i < 6; i++) {
        (void) wrong_password(&browser);
    }
    otp_fake_pass(&world, 1);
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_int_equal(otp_fake_redis_count(world.redis, "otp:thru:"), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(wrong_password(&other)->status, 401);
    }
}


static void test_throttled_password_does_not_hold_up_the_key(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    for (int i = 0; i < 7; i++) {
        (void) wrong_password(&browser);
    }
    assert_int_equal(world.answer->status, 429);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
}


static void test_address_is_throttled_whoever_is_tried(void **state)
{
    char fields[128];

    (void) state;
    world.settings.limits.address_free = 20;
    for (int i = 0; i < 21; i++) {
        (void) snprintf(fields, sizeof(fields), "username=user%d&method=password&password=x", i);
        assert_int_equal(otp_fake_submit(&world, &browser, "login", fields)->status, 401);
    }
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "throttled");
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", "2580123456"), "throttled");
    other.address = "192.0.2.2";
    assert_string_equal(otp_fake_password(&world, &other, "marie"), "ok");
}


static void test_throttled_step_up_is_told_to_the_audit(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    otp_fake_forget(&browser, OTP_FAKE_COOKIE "-device");
    world.settings.limits.address_free = 1;
    (void) otp_fake_direct(&world, &other, "nobody", "2580123456");
    (void) otp_fake_direct(&world, &other, "nobody", "2580123456");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "throttled");
    assert_int_equal(otp_fake_redis_events(world.redis, "\"verdict\":\"throttled\",\"user\":\"marie\""), 1);
}


static void test_wrong_passcodes_count_for_the_address_too(void **state)
{
    (void) state;
    world.settings.limits.address_free = 3;
    for (int i = 0; i < 4; i++) {
        assert_string_equal(otp_fake_direct(&world, &browser, "nobody", "2580123456"), "denied");
    }
    assert_string_equal(otp_fake_direct(&world, &browser, "nobody", "2580123456"), "throttled");
}


static void test_directory_that_is_busy_or_gone_is_not_a_refusal(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    world.directory = OTP_PERSON_BUSY;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "unavailable");
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "unavailable");
    world.directory = OTP_PERSON_UNAVAILABLE;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "unavailable");
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "unavailable");
    assert_int_equal(world.answer->status, 503);
    world.directory = OTP_PERSON_MATCHES;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_password_opens_a_session_of_level_password, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_identifier_is_trimmed_and_lower_cased, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_session_cookie_is_host_only_secure_and_out_of_reach_of_scripts, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_home_lists_the_applications_of_the_person, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_first_use_goes_from_code_to_pin_to_passcode_to_the_application, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_step_up_makes_a_new_session_that_ends_when_the_old_one_would_have,
                                        open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_old_cookie_is_dead_after_each_step, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_drifted_key_brings_two_codes, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_wrong_next_code_starts_over, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_blanks_between_pin_and_code_are_forgiven, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_passcode_at_the_first_page_opens_a_session_of_level_otp, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_first_use_at_the_first_page_stays_pending_until_the_passcode, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_operator_demands_the_password_for_first_use, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_session_of_a_key_is_no_password_for_first_use, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_drifted_key_at_the_first_page_brings_two_codes, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_person_who_left_the_directory_does_not_sign_in_with_a_key, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_pin_is_refused_with_its_reason, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_previous_pin_is_refused, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_pin_page_that_was_open_too_long_is_closed, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_pin_page_is_for_who_gave_the_first_code, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_second_browser_closes_the_pin_page_of_the_first, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_first_use_does_not_go_on_in_a_pending_state_of_somebody_else, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_first_use_does_not_go_on_under_the_session_of_somebody_else, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_somebody_elses_password_is_not_carried_into_a_session, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_logout_kills_the_cookie, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_logout_ends_a_pending_state, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_list_of_sessions_outlives_the_longest_of_them, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_session_ends_at_its_absolute_end, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_idle_session_is_not_revived_by_asking_again, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_every_request_to_the_portal_renews_the_idle_time, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_unknown_locked_disabled_and_wrong_are_denied_in_the_same_words, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_unknown_disabled_locked_and_known_people_cost_the_same_round_trips,
                                        open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_locked_account_is_told_after_the_password_only, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_locked_first_use_still_asks_for_the_code_alone, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_spent_code_with_right_pin_is_told_with_the_time_to_wait, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_right_password_does_not_clear_the_failures_of_passcodes, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_bad_passwords_are_throttled_with_growing_delay, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_success_clears_the_throttle, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_throttled_password_does_not_hold_up_the_key, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_address_is_throttled_whoever_is_tried, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_throttled_step_up_is_told_to_the_audit, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_wrong_passcodes_count_for_the_address_too, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_directory_that_is_busy_or_gone_is_not_a_refusal, open_stage, close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
