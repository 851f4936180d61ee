#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "otp_fake_stage.h"

/* Forms: the token they carry, and the same form sent twice (system.md B2). */

#define K       "K-1"
#define PIN     OTP_FAKE_PIN
#define COOKIE  OTP_FAKE_COOKIE
#define BROWSER OTP_FAKE_COOKIE "-form"
#define NOW_PASSCODE(pin)   otp_fake_passcode(pin, K, otp_fake_step_now(&world)).text


static const char *form(const char *fields, const char *token)
{
    static char body[1024];

    (void) snprintf(body, sizeof(body), "%s&csrf=%s", fields, token);

    return body;
}


static const char *passcode_form(const char *token)
{
    char fields[128];

    (void) snprintf(fields, sizeof(fields), "passcode=%s", NOW_PASSCODE(PIN));

    return form(fields, token);
}


#define PASSWORD_FIELDS "username=marie&method=password&password=Correct+horse+1"


static void assert_csrf_refused(const char *page, const char *body)
{
    assert_int_equal(otp_fake_post(&world, &browser, page, body)->status, 403);
    assert_string_equal(world.answer->body, "{\"error\":\"csrf\"}");
    assert_false(otp_fake_gives_session(world.answer));
}


/* ---- the token ---- */

static void test_form_without_token_or_with_a_changed_one_is_refused(void **state)
{
    char token[64];

    (void) state;
    assert_csrf_refused("login", PASSWORD_FIELDS);
    assert_csrf_refused("login", form(PASSWORD_FIELDS, ""));
    (void) otp_fake_token(&world, &browser, "login");
    for (size_t i = 0; i < strlen(browser.token); i++) {
        (void) snprintf(token, sizeof(token), "%s", browser.token);
        token[i] = token[i] == 'A' ? 'B' : 'A';
        assert_csrf_refused("login", form(PASSWORD_FIELDS, token));
    }
    assert_int_equal(world.passwords, 0);
    assert_int_equal(otp_fake_post(&world, &browser, "login", form(PASSWORD_FIELDS, browser.token))->status, 200);
}


static void test_token_of_another_browser_is_refused(void **state)
{
    (void) state;
    (void) otp_fake_token(&world, &other, "login");
    (void) otp_fake_token(&world, &browser, "login");
    assert_csrf_refused("login", form(PASSWORD_FIELDS, other.token));
    browser.cookies = 0;
    assert_csrf_refused("login", form(PASSWORD_FIELDS, browser.token));
}


static void test_form_of_another_site_is_refused_whatever_its_token(void **state)
{
    static const char *const foreign[] = {
        "https://evil.example", "https://gate.example.evil.example", "https://gate.example:8443", "null",
            "gate.example",
    };

    (void) state;
    (void) otp_fake_token(&world, &browser, "login");
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        browser.origin = foreign[i];
        assert_csrf_refused("login", form(PASSWORD_FIELDS, browser.token));
    }

    browser.origin = "https://gate.example";
    assert_int_equal(otp_fake_post(&world, &browser, "login", form(PASSWORD_FIELDS, browser.token))->status, 200);
}


static void test_token_of_another_session_is_refused(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) otp_fake_password(&world, &other, "marie");
    (void) otp_fake_token(&world, &other, "passcode");
    assert_csrf_refused("passcode", passcode_form(other.token));
    assert_int_equal(otp_fake_account_get(&world, "marie").revision, 0);
}


static void test_token_from_before_the_sign_in_is_refused_after_it(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_token(&world, &browser, "login");
    (void) snprintf(other.token, sizeof(other.token), "%s", browser.token);
    (void) otp_fake_password(&world, &browser, "marie");
    assert_csrf_refused("passcode", passcode_form(other.token));
    assert_csrf_refused("logout", form("a=b", other.token));
    assert_string_equal(otp_fake_level(&world, &browser), "password");
}


/* A page of sign-in that was left open in another window is no error. */
static void test_sign_in_page_from_before_the_sign_in_is_still_a_sign_in_page(void **state)
{
    (void) state;
    (void) otp_fake_token(&world, &browser, "login");
    (void) snprintf(other.token, sizeof(other.token), "%s", browser.token);
    (void) otp_fake_password(&world, &browser, "marie");
    assert_int_equal(otp_fake_post(&world, &browser, "login",
                                   form("username=lea&method=password&password=Correct+horse+3",
                                                                   other.token))->status, 200);
}


static void test_token_of_a_session_that_ended_is_refused(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    (void) otp_fake_token(&world, &browser, "session");
    other = browser;
    (void) otp_fake_post(&world, &browser, "logout", form("a=b", browser.token));
    assert_string_equal(otp_fake_verdict(otp_fake_post(&world, &other, "passcode", passcode_form(other.token))),
                        "login_required");
    assert_int_equal(world.answer->status, 401);
    (void) otp_fake_password(&world, &browser, "marie");
    assert_csrf_refused("passcode", passcode_form(other.token));
}


static void test_token_lasts_twelve_hours(void **state)
{
    (void) state;
    (void) otp_fake_token(&world, &browser, "login");
    otp_fake_pass(&world, 12 * 3600);
    assert_int_equal(otp_fake_post(&world, &browser, "login", form("username=a&method=password&password=b",
                                                                   browser.token))->status, 401);
    otp_fake_pass(&world, 1);
    assert_csrf_refused("login", form(PASSWORD_FIELDS, browser.token));
}


static void test_each_page_gives_a_fresh_token(void **state)
{
    (void) state;
    (void) otp_fake_token(&world, &browser, "login");
    (void) snprintf(other.token, sizeof(other.token), "%s", browser.token);
    assert_string_not_equal(otp_fake_token(&world, &browser, "login"), other.token);
}


/* ---- the same form twice ---- */

typedef struct {
    int  status;
    char body[512], headers[2048];
} kept_t;


static kept_t keep(const otp_fake_answer_t *answer)
{
    kept_t kept = { .status = answer->status };

    (void) snprintf(kept.body, sizeof(kept.body), "%s", answer->body);
    (void) snprintf(kept.headers, sizeof(kept.headers), "%s", answer->headers);

    return kept;
}


static void assert_same(const otp_fake_answer_t *answer, const kept_t *kept)
{
    assert_int_equal(answer->status, kept->status);
    assert_string_equal(answer->body, kept->body);
    assert_string_equal(answer->headers, kept->headers);
}


static void test_passcode_sent_twice_gets_the_first_answer_with_its_cookie(void **state)
{
    kept_t first;
    char   body[1024];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) snprintf(body, sizeof(body), "%s", passcode_form(otp_fake_token(&world, &browser, "passcode")));
    other = browser;
    first = keep(otp_fake_post(&world, &browser, "passcode", body));
    assert_int_equal(first.status, 200);
    assert_non_null(strstr(first.headers, "Set-Cookie: " COOKIE "="));

    /* before the cookie of the first answer came, and after */
    assert_same(otp_fake_post(&world, &other, "passcode", body), &first);
    assert_same(otp_fake_post(&world, &browser, "passcode", body), &first);
    assert_string_equal(otp_fake_level(&world, &other), "otp");
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"passcode\""), 1);
}


static void test_passcode_at_the_first_page_sent_twice_gets_the_first_answer(void **state)
{
    kept_t first;
    char   body[1024], fields[128];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) snprintf(fields, sizeof(fields), "username=marie&method=passcode&passcode=%s", NOW_PASSCODE(PIN));
    (void) snprintf(body, sizeof(body), "%s", form(fields, otp_fake_token(&world, &browser, "login")));
    other = browser;
    first = keep(otp_fake_post(&world, &browser, "login", body));
    assert_int_equal(first.status, 200);
    assert_same(otp_fake_post(&world, &other, "login", body), &first);
}


static void test_first_code_and_pin_sent_twice_get_the_first_answers(void **state)
{
    kept_t first;
    char   body[1024], fields[128];

    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    (void) snprintf(fields, sizeof(fields), "username=marie&method=passcode&passcode=%s", NOW_PASSCODE(""));
    (void) snprintf(body, sizeof(body), "%s", form(fields, otp_fake_token(&world, &browser, "login")));
    other = browser;
    first = keep(otp_fake_post(&world, &browser, "login", body));
    assert_string_equal(first.body, "{\"verdict\":\"pin_required\",\"location\":\"/otp/pin\"}");
    assert_same(otp_fake_post(&world, &other, "login", body), &first);

    (void) snprintf(body, sizeof(body), "%s", form("pin=2580&pin_confirm=2580", otp_fake_token(&world, &browser,
                                                                                               "pin")));
    first = keep(otp_fake_post(&world, &browser, "pin", body));
    assert_string_equal(first.body, "{\"verdict\":\"wait_next_code\",\"location\":\"/otp/passcode\"}");
    assert_same(otp_fake_post(&world, &browser, "pin", body), &first);
}


static void test_wrong_form_sent_twice_is_counted_once(void **state)
{
    kept_t first;
    char   body[1024];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) snprintf(body, sizeof(body), "%s", form("passcode=2580000000", otp_fake_token(&world, &browser,
                                                                                         "passcode")));
    first = keep(otp_fake_post(&world, &browser, "passcode", body));
    assert_int_equal(first.status, 401);
    assert_same(otp_fake_post(&world, &browser, "passcode", body), &first);
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 1);

    (void) snprintf(body, sizeof(body), "%s", form("username=marie&method=password&password=x",
                                                   otp_fake_token(&world, &other, "login")));
    first = keep(otp_fake_post(&world, &other, "login", body));
    assert_same(otp_fake_post(&world, &other, "login", body), &first);
    assert_int_equal(world.passwords, 2);
}


/* Whether one has to wait for the other must not tell who is known. */
static void test_form_sent_twice_at_once_waits_for_known_and_unknown_people(void **state)
{
    static const char *const uids[] = { "marie", "nobody" };
    char                     body[1024], fields[128];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    for (size_t i = 0; i < 2; i++) {
        otp_fake_call_t *first, *second;
        bool             ended = false;

        (void) snprintf(fields, sizeof(fields), "username=%s&method=passcode&passcode=2580000000", uids[i]);
        (void) snprintf(body, sizeof(body), "%s", form(fields, otp_fake_token(&world, &browser, "login")));
        first = otp_fake_begin(&world, &browser, "POST", "login", body);
        second = otp_fake_begin(&world, &browser, "POST", "login", body);
        for (int n = 0; n < 50 && !ended && !otp_fake_waiting(second); n++) {
            (void) otp_fake_step(first);
            ended = otp_fake_step(second);
        }
        assert_false(ended);
        while (!otp_fake_step(first)) {
        }
        otp_fake_pass(&world, 1);
        while (!otp_fake_step(second)) {
        }
        otp_fake_answer_free(otp_fake_end(first));
        otp_fake_answer_free(otp_fake_end(second));
    }
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"passcode\""), 2);
}


static void test_logout_sent_twice_gets_the_first_answer(void **state)
{
    kept_t first;
    char   body[1024];

    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    (void) snprintf(body, sizeof(body), "%s", form("a=b", otp_fake_token(&world, &browser, "session")));
    other = browser;
    first = keep(otp_fake_post(&world, &browser, "logout", body));
    assert_int_equal(first.status, 200);
    assert_same(otp_fake_post(&world, &other, "logout", body), &first);
}


static void test_first_answer_is_kept_ten_seconds(void **state)
{
    char body[1024];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) snprintf(body, sizeof(body), "%s", passcode_form(otp_fake_token(&world, &browser, "passcode")));
    other = browser;
    (void) otp_fake_post(&world, &browser, "passcode", body);
    otp_fake_pass(&world, 9);
    assert_int_equal(otp_fake_post(&world, &other, "passcode", body)->status, 200);
    otp_fake_pass(&world, 2);
    assert_int_equal(otp_fake_post(&world, &browser, "passcode", body)->status, 403);
}


static void test_first_answer_is_for_the_browser_that_asked(void **state)
{
    char body[1024];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) otp_fake_password(&world, &other, "marie");
    (void) snprintf(body, sizeof(body), "%s", passcode_form(otp_fake_token(&world, &browser, "passcode")));
    (void) otp_fake_post(&world, &browser, "passcode", body);
    assert_int_equal(otp_fake_post(&world, &other, "passcode", body)->status, 403);
    other.cookies = 0;
    assert_int_equal(otp_fake_post(&world, &other, "passcode", body)->status, 401);
    assert_false(otp_fake_gives_session(world.answer));
}


static void test_same_code_in_another_form_or_session_is_a_replay(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) otp_fake_password(&world, &other, "marie");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(otp_fake_step_up(&world, &other, NOW_PASSCODE(PIN)), "already_used");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "already_used");
    assert_string_equal(otp_fake_level(&world, &other), "password");
}


static void test_same_token_with_other_fields_is_another_form(void **state)
{
    char fields[64];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) otp_fake_token(&world, &browser, "passcode");
    (void) otp_fake_post(&world, &browser, "passcode", form("passcode=2580000000", browser.token));
    assert_int_equal(world.answer->status, 401);
    (void) snprintf(fields, sizeof(fields), "passcode=%s", NOW_PASSCODE(PIN));
    assert_int_equal(otp_fake_post(&world, &browser, "passcode", form(fields, browser.token))->status, 200);
}


static void test_kept_answer_that_was_changed_in_redis_is_not_given(void **state)
{
    char body[1024];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) snprintf(body, sizeof(body), "%s", passcode_form(otp_fake_token(&world, &browser, "passcode")));
    other = browser;
    (void) otp_fake_post(&world, &browser, "passcode", body);
    for (size_t i = 0; i < world.redis->entries; i++) {
        if (strncmp(world.redis->entry[i].name, "otp:once:", 9) == 0) {
            world.redis->entry[i].value[world.redis->entry[i].value_len - 1] ^= 1;
        }
    }
    assert_int_equal(otp_fake_post(&world, &other, "passcode", body)->status, 401);
    assert_false(otp_fake_gives_session(world.answer));
}


/* ---- at the same time ---- */

/* Steps the two calls in the order the bits say, then to their ends. */
static void interleave(otp_fake_call_t *a, otp_fake_call_t *b, uint64_t order)
{
    bool a_done = false, b_done = false;

    while (!a_done || !b_done) {
        bool first = (order & 1) != 0;

        order = order >> 1 | (order & 1) << 63;
        if (!a_done && (first || b_done || otp_fake_waiting(b))) {
            a_done = otp_fake_step(a);
        } else if (!b_done) {
            b_done = otp_fake_step(b);
        }
        if ((a_done || otp_fake_waiting(a)) && (b_done || otp_fake_waiting(b))) {
            world.now_ms += 10;
            world.redis->now_ms = world.now_ms;
        }
    }
}


static void test_form_sent_twice_at_the_same_time_gets_one_answer(void **state)
{
    char               body[1024];
    uint64_t           dice = 7;
    otp_fake_redis_t  *before;
    otp_fake_browser_t same;

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) snprintf(body, sizeof(body), "%s", passcode_form(otp_fake_token(&world, &browser, "passcode")));
    same = browser;
    before = otp_fake_redis_copy(world.redis);

    for (int round = 0; round < 300; round++) {
        otp_fake_call_t   *calls[2];
        otp_fake_answer_t *answers[2];

        otp_fake_redis_destroy(world.redis);
        world.redis = otp_fake_redis_copy(before);
        world.now_ms = before->now_ms;
        browser = other = same;
        calls[0] = otp_fake_begin(&world, &browser, "POST", "passcode", body);
        calls[1] = otp_fake_begin(&world, &other, "POST", "passcode", body);
        interleave(calls[0], calls[1], otp_fake_random(&dice));
        answers[0] = otp_fake_end(calls[0]);
        answers[1] = otp_fake_end(calls[1]);

        assert_int_equal(answers[0]->status, 200);
        assert_int_equal(answers[1]->status, 200);
        assert_string_equal(answers[0]->body, answers[1]->body);
        assert_string_equal(answers[0]->headers, answers[1]->headers);
        assert_string_equal(otp_fake_level(&world, &other), "otp");
        assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"passcode\",\"verdict\":\"ok\""), 1);
        assert_int_equal(otp_fake_redis_count(world.redis, "otp:sess:"), 1);
        otp_fake_answer_free(answers[0]);
        otp_fake_answer_free(answers[1]);
    }
    otp_fake_redis_destroy(before);
}


static void test_repeat_of_a_form_whose_first_answer_was_lost_waits_then_fails_closed(void **state)
{
    char    body[1024];
    int64_t before;

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) snprintf(body, sizeof(body), "%s", passcode_form(otp_fake_token(&world, &browser, "passcode")));
    /* MGET GET GET, SET, GET GET, then the swap is carried out and its reply lost. */
    otp_fake_redis_fault(world.redis, OTP_FAULT_LOST_AFTER, 6);
    assert_int_equal(otp_fake_post(&world, &browser, "passcode", body)->status, 503);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"passcode\",\"verdict\":\"ok\""), 1);
    before = world.now_ms;
    assert_int_equal(otp_fake_post(&world, &browser, "passcode", body)->status, 503);
    assert_in_range(world.now_ms - before, 1000, 3000);
    otp_fake_pass(&world, 15);
    assert_int_equal(otp_fake_post(&world, &browser, "passcode", body)->status, 401);
    assert_string_equal(otp_fake_verdict(world.answer), "already_used");
}


/* Otherwise a form that is cut off and sent again would tell who has a key. */
static void test_repeat_of_a_lost_form_is_the_same_for_unknown_locked_and_known_people(void **state)
{
    static const char *const uids[] = { "marie", "lea", "nobody" };
    static const int         seconds[] = { 0, 5, 9, 10, 11 };
    otp_account_t            account;
    char                     body[1024];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    otp_fake_account(&world, "lea", "K-3", PIN);
    account = otp_fake_account_get(&world, "lea");
    account.unknown.failures = 10;
    account.unknown.locked_until = OTP_FAKE_NOW + 900;
    otp_fake_account_put(&world, &account);

    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        for (size_t j = 0; j < sizeof(uids) / sizeof(uids[0]); j++) {
            (void) snprintf(body, sizeof(body), "username=%s&method=passcode&passcode=2580000000&csrf=%s", uids[j],
                            otp_fake_token(&world, &browser, "login"));
            /* GET, GET GET, GET GET, then the swap is carried out and its reply lost. */
            otp_fake_redis_fault(world.redis, OTP_FAULT_LOST_AFTER, 5);
            assert_int_equal(otp_fake_post(&world, &browser, "login", body)->status, 503);
            otp_fake_pass(&world, seconds[i]);
            assert_int_equal(otp_fake_post(&world, &browser, "login", body)->status, seconds[i] < 10 ? 503 : 401);
        }
    }
}


/* The answer is kept for ten seconds, and so long only is it waited for. */
static void test_form_sent_again_when_its_answer_has_just_gone_is_decided_again(void **state)
{
    char    body[1024];
    int64_t before;

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    world.now_ms += 50;
    world.redis->now_ms = world.now_ms;
    (void) snprintf(body, sizeof(body), "username=marie&method=passcode&passcode=%s&csrf=%s", NOW_PASSCODE(PIN),
                    otp_fake_token(&world, &browser, "login"));
    other = browser;
    assert_int_equal(otp_fake_post(&world, &browser, "login", body)->status, 200);
    world.now_ms += 10400;
    world.redis->now_ms = world.now_ms;
    before = world.now_ms;
    (void) otp_fake_post(&world, &other, "login", body);
    assert_string_equal(otp_fake_verdict(world.answer), "already_used");
    assert_int_equal(world.now_ms, before);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_form_without_token_or_with_a_changed_one_is_refused, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_token_of_another_browser_is_refused, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_form_of_another_site_is_refused_whatever_its_token, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_token_of_another_session_is_refused, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_token_from_before_the_sign_in_is_refused_after_it, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_sign_in_page_from_before_the_sign_in_is_still_a_sign_in_page, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_token_of_a_session_that_ended_is_refused, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_token_lasts_twelve_hours, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_each_page_gives_a_fresh_token, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_passcode_sent_twice_gets_the_first_answer_with_its_cookie, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_passcode_at_the_first_page_sent_twice_gets_the_first_answer, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_first_code_and_pin_sent_twice_get_the_first_answers, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_wrong_form_sent_twice_is_counted_once, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_form_sent_twice_at_once_waits_for_known_and_unknown_people, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_logout_sent_twice_gets_the_first_answer, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_first_answer_is_kept_ten_seconds, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_first_answer_is_for_the_browser_that_asked, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_same_code_in_another_form_or_session_is_a_replay, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_same_token_with_other_fields_is_another_form, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_kept_answer_that_was_changed_in_redis_is_not_given, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_form_sent_twice_at_the_same_time_gets_one_answer, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_repeat_of_a_lost_form_is_the_same_for_unknown_locked_and_known_people,
                                        open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_form_sent_again_when_its_answer_has_just_gone_is_decided_again,
                                        open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_repeat_of_a_form_whose_first_answer_was_lost_waits_then_fails_closed,
                                        open_stage,
                                        close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
