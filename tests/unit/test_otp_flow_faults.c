#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "otp_fake_driver.h"

/* Every command of every request fails in every way: nobody gets in, nothing is lost, and it goes on afterwards. */

#define K   "K-1"
#define PIN OTP_FAKE_PIN

typedef enum { REFUSED_IS_FINE = 1, ENDS_SESSION = 2 } kind_t;

typedef struct {
    const char *name, *method, *page, *fields;      /* fields NULL: no form */
    const char *pin;                                /* of the key: NULL none yet */
    bool        signed_in;
    int64_t     code;                               /* with `fields` "…%s": the passcode of the step this far ahead */
    const char *typed_pin;
    int         status, kind;
} request_t;

static const request_t requests[] = {
    { "login page", "GET", "login", NULL, PIN, false, 0, NULL, 200, 0 },
    { "password", "POST", "login", "username=marie&method=password&password=Correct+horse+1", PIN, false, 0, NULL, 200,
      0 },
    { "bad password", "POST", "login", "username=marie&method=password&password=x", PIN, false, 0, NULL, 401,
      REFUSED_IS_FINE },
    { "direct", "POST", "login", "username=marie&method=passcode&passcode=%s", PIN, false, 0, PIN, 200, 0 },
    { "direct, unknown", "POST", "login", "username=nobody&method=passcode&passcode=%s", PIN, false, 0, PIN, 401,
      REFUSED_IS_FINE },
    { "direct first use", "POST", "login", "username=marie&method=passcode&passcode=%s", NULL, false, 0, "", 200, 0 },
    { "session", "GET", "session", NULL, PIN, true, 0, NULL, 200, 0 },
    { "home", "GET", "", NULL, PIN, true, 0, NULL, 200, 0 },
    { "passcode page", "GET", "passcode", NULL, PIN, true, 0, NULL, 200, 0 },
    { "passcode", "POST", "passcode", "passcode=%s", PIN, true, 0, PIN, 200, 0 },
    { "bad passcode", "POST", "passcode", "passcode=%s", PIN, true, 0, "9999", 401, REFUSED_IS_FINE },
    { "first use", "POST", "passcode", "passcode=%s", NULL, true, 0, "", 200, 0 },
    { "wide window", "POST", "passcode", "passcode=%s", PIN, true, 7, PIN, 200, 0 },
    { "logout", "POST", "logout", "a=b", PIN, true, 0, NULL, 200, ENDS_SESSION },
    { "health", "GET", "health", NULL, PIN, false, 0, NULL, 200, 0 },
};

static otp_fake_world_t   world;
static otp_fake_browser_t browser;
static otp_fake_redis_t  *before;


static int open_world(void **state)
{
    (void) state;
    otp_fake_open(&world);
    memset(&browser, 0, sizeof(browser));
    before = NULL;
    return 0;
}


static int close_world(void **state)
{
    (void) state;
    if (before != NULL) {
        otp_fake_redis_destroy(before);
    }
    otp_fake_close(&world);
    return 0;
}


/* The body of the form, ready to be sent from `browser`; the world as it is then is kept in `before`. */
static const char *get_ready(const request_t *r)
{
    static char body[512];
    char        fields[256];

    otp_fake_account(&world, "marie", K, r->pin);
    if (r->signed_in) {
        (void) otp_fake_password(&world, &browser, "marie");
    }
    if (r->fields != NULL) {
        otp_fake_passcode_t passcode = otp_fake_passcode(r->typed_pin == NULL ? "" : r->typed_pin, K,
                                                         OTP_FAKE_STEP + r->code);
        const char         *at = strstr(r->fields, "%s");

        (void) snprintf(fields, sizeof(fields), "%.*s%s", at == NULL ? (int) strlen(r->fields) : (int) (at - r->fields),
                        r->fields, at == NULL ? "" : passcode.text);
        (void) snprintf(body, sizeof(body), "%s&csrf=%s", fields,
                        otp_fake_token(&world, &browser, strcmp(r->page, "logout") == 0 ? "session" : r->page));
    }
    before = otp_fake_redis_copy(world.redis);

    return body;
}


static void go_back(const otp_fake_browser_t *as)
{
    otp_fake_redis_destroy(world.redis);
    world.redis = otp_fake_redis_copy(before);
    world.now_ms = before->now_ms;
    browser = *as;
}


static size_t sessions(void)
{
    return otp_fake_redis_count(world.redis, "otp:sess:");
}


/* In a new browser, with the code of the next minute. */
static void assert_it_goes_on(const request_t *r)
{
    otp_fake_browser_t fresh = { .address = "192.0.2.9" };
    const char        *verdict;

    world.redis->fault = OTP_FAULT_NONE;
    otp_fake_pass(&world, 720);
    assert_string_equal(otp_fake_password(&world, &fresh, "marie"), "ok");
    verdict = otp_fake_step_up(&world, &fresh, otp_fake_passcode(r->pin == NULL ? "" : r->pin, K,
                                                                 otp_fake_step_now(&world)).text);
    assert_string_equal(verdict, r->pin == NULL ? "pin_required" : "ok");
}


static void assert_failed_closed(const request_t *r, const otp_fake_browser_t *as, otp_fault_t fault,
    uint64_t position)
{
    const otp_fake_answer_t *answer = world.answer;
    otp_fake_browser_t       old = *as;

    if (answer->status != 503) {
        bool refused = (r->kind & REFUSED_IS_FINE) != 0 && answer->status == 401;
        bool ended = (r->kind & ENDS_SESSION) != 0 && answer->status == 200;

        if (!refused && !ended) {
            fail_msg("%s, fault %d at command %d: %d %s", r->name, (int) fault, (int) position, answer->status,
                     answer->body);
        }
        if (ended) {
            world.redis->fault = OTP_FAULT_NONE;
            assert_int_equal(otp_fake_get(&world, &old, "session")->status, 401);
        }
        return;
    }

    assert_string_equal(answer->body, "{\"error\":\"unavailable\"}");
    assert_string_not_equal(otp_fake_header(answer, "Retry-After"), "");
    assert_false(otp_fake_gives_session(answer));
    if (fault != OTP_FAULT_DOWN) {
        /* What was already stored of a session is taken away again. */
        assert_true(sessions() <= (r->signed_in ? 1 : 0));
    }
}


static void fail_everywhere(const request_t *r)
{
    const char        *body = get_ready(r);
    otp_fake_browser_t as = browser;
    uint64_t           commands = world.commands;

    assert_int_equal(otp_fake_request(&world, &browser, r->method, r->page, body)->status, r->status);
    commands = world.commands - commands;
    assert_true(commands > 0);

    for (otp_fault_t fault = OTP_FAULT_ERROR; fault <= OTP_FAULT_DOWN; fault++) {
        for (uint64_t position = 0; position < commands; position++) {
            go_back(&as);
            otp_fake_redis_fault(world.redis, fault, position);
            (void) otp_fake_request(&world, &browser, r->method, r->page, body);
            assert_true(world.redis->fault_done);
            assert_failed_closed(r, &as, fault, position);
            assert_it_goes_on(r);
        }
    }
}


static void test_every_command_fails_in_every_way(void **state)
{
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        if (i != 0) {
            (void) close_world(state);
            (void) open_world(state);
        }
        fail_everywhere(&requests[i]);
    }
}


/* What leads up to it takes more than one request. */
static void test_pin_creation_fails_closed_everywhere(void **state)
{
    char               body[256];
    otp_fake_browser_t as;
    uint64_t           commands;

    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_direct(&world, &browser, "marie", otp_fake_passcode("", K, OTP_FAKE_STEP).text);
    (void) snprintf(body, sizeof(body), "pin=%s&pin_confirm=%s&csrf=%s", PIN, PIN,
                    otp_fake_token(&world, &browser, "pin"));
    before = otp_fake_redis_copy(world.redis);
    as = browser;
    commands = world.commands;
    assert_int_equal(otp_fake_post(&world, &browser, "pin", body)->status, 200);
    commands = world.commands - commands;

    for (otp_fault_t fault = OTP_FAULT_ERROR; fault <= OTP_FAULT_DOWN; fault++) {
        for (uint64_t position = 0; position < commands; position++) {
            go_back(&as);
            otp_fake_redis_fault(world.redis, fault, position);
            assert_int_equal(otp_fake_post(&world, &browser, "pin", body)->status, 503);
            world.redis->fault = OTP_FAULT_NONE;
            assert_int_equal(sessions(), 0);
            assert_string_equal(otp_fake_level(&world, &browser), "");
        }
    }
}


static void test_code_whose_answer_was_lost_stays_spent(void **state)
{
    const request_t   *r = requests;
    const char        *body;
    otp_fake_browser_t as;
    uint64_t           commands;

    (void) state;
    while (strcmp(r->name, "passcode") != 0) {
        r++;
    }
    body = get_ready(r);
    as = browser;
    commands = world.commands;
    assert_int_equal(otp_fake_post(&world, &browser, "passcode", body)->status, 200);
    commands = world.commands - commands;

    for (uint64_t position = 0; position < commands; position++) {
        otp_account_t account;

        go_back(&as);
        otp_fake_redis_fault(world.redis, OTP_FAULT_LOST_AFTER, position);
        assert_int_equal(otp_fake_post(&world, &browser, "passcode", body)->status, 503);
        world.redis->fault = OTP_FAULT_NONE;
        account = otp_fake_account_get(&world, "marie");
        if (account.revision == 0) {
            continue;
        }
        memset(&browser, 0, sizeof(browser));
        assert_string_equal(otp_fake_direct(&world, &browser, "marie", otp_fake_passcode(PIN, K, OTP_FAKE_STEP).text),
                            "already_used");
    }
}


static void test_html_page_says_what_json_says(void **state)
{
    static const char *const pages[] = { "login", "session", "health", "" };

    (void) state;
    before = otp_fake_redis_copy(world.redis);
    browser.accept = "text/html";
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        world.redis->fault = OTP_FAULT_NONE;
        otp_fake_redis_fault(world.redis, OTP_FAULT_DOWN, 0);
        assert_int_equal(otp_fake_get(&world, &browser, pages[i])->status, 503);
        assert_string_not_equal(otp_fake_header(world.answer, "Retry-After"), "");
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_command_fails_in_every_way, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_pin_creation_fails_closed_everywhere, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_code_whose_answer_was_lost_stays_spent, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_html_page_says_what_json_says, open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
