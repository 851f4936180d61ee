#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otp_fake_stage.h"

/* The same form twice, of every endpoint about keys, activity and the helpdesk: the first answer again, at once. */

#define K   "K-1"
#define NEW "N-1"

static otp_fake_browser_t agent, person;


static int open_world(void **state)
{
    (void) open_stage(state);
    memset(&agent, 0, sizeof(agent));
    memset(&person, 0, sizeof(person));
    otp_fake_account(&world, "paul", "KP", OTP_FAKE_PIN);
    otp_fake_account(&world, "marie", K, OTP_FAKE_PIN);
    otp_fake_world_stock(&world, "KP", "paul");
    otp_fake_world_stock(&world, K, "marie");
    otp_fake_world_stock(&world, "K-2", "lea");
    otp_fake_world_stock(&world, NEW, "");
    otp_fake_world_stock(&world, "W-1", "");
    want("lea", "W-1");
    assert_string_equal(otp_fake_by_key(&world, &agent, "paul", "KP"), "ok");
    assert_string_equal(otp_fake_by_key(&world, &person, "marie", K), "ok");
    return 0;
}


/* `page`: what the browser gets, when that is not the status of the JSON answer. */
static const struct {
    bool        desk;
    const char *target, *fields;
    int         status, page;
} forms[] = {
    { false, "key", "serial=N-1", 400, 0 },
    { false, "key", "serial=a+b&code=123456", 422, 0 },
    { false, "key", "serial=NOBODYS&code=123456", 422, 0 },
    { false, "key", "serial=K-2&code=123456", 422, 0 },
    { false, "key", "serial=N-1&code=000000", 422, 0 },
    { false, "key/lost", "a=b", 400, 0 },
    { false, "key/lost", "serial=a+b", 404, 0 },
    { false, "key/lost", "serial=NOBODYS", 404, 0 },
    { false, "key/lost", "serial=K-2", 404, 0 },
    { false, "key/lost", "serial=K-1", 200, 303 },
    { false, "key/pin", "pin=8241", 400, 0 },
    { false, "key/pin", "passcode=9999000000&pin=82415&pin_confirm=82415", 401, 0 },
    { false, "key/pin", "passcode=9999000000&pin=82415&pin_confirm=82416", 422, 0 },
    { false, "signals", "a=b", 200, 303 },
    { false, "activity/end", "a=b", 400, 0 },
    { false, "activity/end", "session=short", 404, 0 },
    { false, "activity/end", "session=AAAAAAAAAAAA", 404, 303 },
    { false, "activity/end", "all=1", 200, 303 },
    { true, "helpdesk/user/nobody/pin-clear", "a=b", 404, 0 },
    { true, "helpdesk/user/paul/pin-clear", "a=b", 403, 0 },
    { true, "helpdesk/user/marie/eat", "a=b", 404, 0 },
    { true, "helpdesk/user/lea/pin-clear", "a=b", 409, 0 },
    { true, "helpdesk/user/marie/key-assign", "a=b", 400, 422 },
    { true, "helpdesk/user/marie/key-assign", "serial=NOBODYS", 404, 0 },
    { true, "helpdesk/user/marie/key-assign", "serial=K-2", 409, 0 },
    { true, "helpdesk/user/marie/key-unassign", "serial=K-2", 404, 0 },
    { true, "helpdesk/user/marie/key-disable", "serial=K-1", 422, 0 },
    { true, "helpdesk/user/marie/key-disable", "serial=K-2&reason=lost", 404, 0 },
    { true, "helpdesk/user/marie/key-enable", "serial=NOBODYS", 404, 0 },
    { true, "helpdesk/user/marie/emergency", "a=b", 200, 0 },
    { true, "helpdesk/user/marie/emergency-revoke", "a=b", 409, 0 },
    { true, "helpdesk/user/marie/unlock", "a=b", 200, 303 },
    { true, "helpdesk/user/marie/sessions-revoke", "session=short", 409, 0 },
    { true, "helpdesk/user/marie/sessions-revoke", "session=AAAAAAAAAAAA", 409, 0 },
    { true, "helpdesk/requests/NOBODYS/approve", "a=b", 404, 0 },
    { true, "helpdesk/requests/N-1/approve", "a=b", 409, 0 },
    { true, "helpdesk/requests/N-1/reject", "reason=x", 409, 0 },
    { true, "helpdesk/requests/W-1/reject", "a=b", 422, 0 },
    { true, "helpdesk/requests/W-1/approve", "a=b", 200, 303 },
};
#define FORMS   (sizeof(forms) / sizeof(forms[0]))


static otp_fake_browser_t *browser_of(size_t i)
{
    return forms[i].desk ? &agent : &person;
}


static const char *body_of(size_t i)
{
    static char body[512];

    (void) snprintf(body, sizeof(body), "%s%s&csrf=%s", forms[i].fields, forms[i].desk ? "&confirm=1&note=x" : "",
                    otp_fake_token(&world, browser_of(i), "session"));

    return body;
}


static int status_of(size_t i, const char *accept)
{
    return accept != NULL && forms[i].page != 0 ? forms[i].page : forms[i].status;
}


static void send_twice(size_t i, const char *accept)
{
    otp_fake_browser_t *who = browser_of(i), before = *who;
    otp_fake_redis_t   *copy = otp_fake_redis_copy(world.redis), *whole = world.redis;
    const char         *body = body_of(i);
    char               *first;
    int64_t             now = world.now_ms;

    world.redis = copy;
    who->accept = accept;
    if (otp_fake_post(&world, who, forms[i].target, body)->status != status_of(i, accept)) {
        fail_msg("%s %s: %d", forms[i].target, forms[i].fields, world.answer->status);
    }
    first = strdup(world.answer->body);
    (void) otp_fake_post(&world, who, forms[i].target, body);
    if (world.answer->status != status_of(i, accept) || (accept == NULL && strcmp(world.answer->body, first) != 0)) {
        fail_msg("%s %s, again: %d", forms[i].target, forms[i].fields, world.answer->status);
    }
    if (world.now_ms != now) {
        fail_msg("%s %s: the second one has waited", forms[i].target, forms[i].fields);
    }
    free(first);
    otp_fake_redis_destroy(copy);
    world.redis = whole;
    *who = before;
}


static void test_form_sent_twice_gets_the_same_answer_twice(void **state)
{
    (void) state;
    for (size_t i = 0; i < FORMS; i++) {
        send_twice(i, NULL);
        send_twice(i, "text/html");
    }
}


/* Command number `at` of the first one is refused; false: there is no such command. */
static bool fail_then_send(size_t i, const char *accept, uint64_t at)
{
    otp_fake_browser_t *who = browser_of(i), before = *who;
    otp_fake_redis_t   *copy = otp_fake_redis_copy(world.redis), *whole = world.redis;
    const char         *body = body_of(i);
    uint64_t            commands;
    int64_t             now = world.now_ms;
    bool                failed;

    world.redis = copy;
    who->accept = accept;
    commands = world.commands;
    otp_fake_redis_fault(copy, OTP_FAULT_ERROR, at);
    failed = otp_fake_post(&world, who, forms[i].target, body)->status == 503;
    commands = world.commands - commands;
    copy->fault = OTP_FAULT_NONE;
    if (failed) {
        if (otp_fake_post(&world, who, forms[i].target, body)->status == 503) {
            fail_msg("%s %s: command %d failed, and the form is not taken again", forms[i].target, forms[i].fields,
                     (int) at);
        }
        if (world.now_ms != now) {
            fail_msg("%s %s: command %d failed, and the second one has waited", forms[i].target, forms[i].fields,
                     (int) at);
        }
    }
    otp_fake_redis_destroy(copy);
    world.redis = whole;
    *who = before;

    return at < commands;
}


static void test_form_that_failed_is_not_waited_for(void **state)
{
    (void) state;
    for (size_t i = 0; i < FORMS; i++) {
        for (uint64_t at = 0; fail_then_send(i, NULL, at); at++) {
        }
        for (uint64_t at = 0; fail_then_send(i, "text/html", at); at++) {
        }
    }
}


static void test_directory_that_fails_leaves_the_form_free(void **state)
{
    char    body[256];
    int64_t now = world.now_ms;

    (void) state;
    (void) snprintf(body, sizeof(body), "csrf=%s", otp_fake_token(&world, &agent, "session"));
    world.directory = OTP_PERSON_UNAVAILABLE;
    assert_int_equal(otp_fake_post(&world, &agent, "helpdesk/user/marie/unlock", body)->status, 503);
    world.directory = OTP_PERSON_MATCHES;
    assert_int_equal(otp_fake_post(&world, &agent, "helpdesk/user/marie/unlock", body)->status, 200);
    assert_int_equal(world.now_ms, now);
}


static void test_throttled_request_is_throttled_twice(void **state)
{
    char        body[256];
    const char *token = otp_fake_token(&world, &person, "session");
    size_t      events;

    (void) state;
    for (int i = 0; i < 8; i++) {
        (void) snprintf(body, sizeof(body), "serial=NOBODYS&code=12345%d&csrf=%s", i, token);
        (void) otp_fake_post(&world, &person, "key", body);
    }
    assert_int_equal(world.answer->status, 429);
    events = otp_fake_redis_events(world.redis, "\"verdict\":\"throttled\"");
    assert_int_equal(otp_fake_post(&world, &person, "key", body)->status, 429);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"verdict\":\"throttled\""), events);
}


/* ---- what the form is ---- */

static void test_address_is_part_of_the_form(void **state)
{
    char          body[256];
    otp_account_t account = otp_fake_account_get(&world, "marie");

    (void) state;
    otp_fake_world_stock(&world, "K-3", "marie");
    account.keys = 2;
    otp_fake_key(world.settings.ring, &account.key[1], "K-3", OTP_FAKE_PIN);
    otp_fake_account_put(&world, &account);
    (void) snprintf(body, sizeof(body), "reason=lost&serial=K-1&csrf=%s", otp_fake_token(&world, &agent, "session"));

    /* The address of a form says nothing: what is not in the form is missing. */
    assert_int_equal(otp_fake_post(&world, &agent, "helpdesk/user/marie/key-disable?serial=K-3",
                                   strchr(body, '&') + 1 + strlen("serial=K-1&"))->status, 400);
    assert_int_equal(otp_fake_account_get(&world, "marie").key[1].state, OTP_KEY_USABLE);
    assert_int_equal(otp_fake_post(&world, &agent, "helpdesk/user/marie/key-disable?serial=K-3", body)->status, 200);
    assert_int_equal(otp_fake_account_get(&world, "marie").key[0].state, OTP_KEY_DISABLED);
    assert_int_equal(otp_fake_account_get(&world, "marie").key[1].state, OTP_KEY_USABLE);
}


/* Two addresses are two forms, whatever the endpoint makes of them. */
static void test_form_at_another_address_is_another_form(void **state)
{
    char body[256], first[16];

    (void) state;
    (void) snprintf(body, sizeof(body), "csrf=%s", otp_fake_token(&world, &agent, "session"));
    (void) otp_fake_post(&world, &agent, "helpdesk/user/marie/emergency?a=1", body);
    (void) snprintf(first, sizeof(first), "%s", otp_fake_text(world.answer, "password"));
    assert_int_equal(strlen(first), 10);
    (void) otp_fake_post(&world, &agent, "helpdesk/user/marie/emergency?a=1", body);
    assert_string_equal(otp_fake_text(world.answer, "password"), first);
    (void) otp_fake_post(&world, &agent, "helpdesk/user/marie/emergency?a=2", body);
    assert_int_equal(world.answer->status, 200);
    assert_string_not_equal(otp_fake_text(world.answer, "password"), first);
}


/* ---- two clicks at once: whoever comes second after the deed has the first one's answer ---- */

static void test_two_clicks_at_once_approve_once_and_say_so_twice(void **state)
{
    uint64_t random = 5;
    size_t   events = 0;

    (void) state;
    for (int i = 0; i < 100; i++) {
        otp_fake_redis_t  *copy = otp_fake_redis_copy(world.redis), *whole = world.redis;
        otp_fake_browser_t first_browser = agent, second_browser;
        char               body[256];
        otp_fake_call_t   *call[2];
        bool               done[2] = { false, false };

        world.redis = copy;
        (void) snprintf(body, sizeof(body), "csrf=%s", otp_fake_token(&world, &first_browser, "session"));
        second_browser = first_browser;
        call[0] = otp_fake_begin(&world, &first_browser, "POST", "helpdesk/requests/W-1/approve", body);
        call[1] = otp_fake_begin(&world, &second_browser, "POST", "helpdesk/requests/W-1/approve", body);
        while (!done[0] || !done[1]) {
            size_t pick = otp_fake_random(&random) & 1;

            pick = done[pick] || otp_fake_waiting(call[pick]) ? 1 - pick : pick;
            if (done[pick] || otp_fake_waiting(call[pick])) {
                world.now_ms += 50;
                copy->now_ms = world.now_ms;
                continue;
            }
            done[pick] = otp_fake_step(call[pick]);
        }
        for (size_t one = 0; one < 2; one++) {
            otp_fake_answer_t *answer = otp_fake_end(call[one]);

            assert_int_equal(answer->status, 200);
            otp_fake_answer_free(answer);
        }
        events = events == 0 ? otp_fake_redis_events(copy, "\"event\":\"request_approve\"") : events;
        assert_int_equal(otp_fake_redis_events(copy, "\"event\":\"request_approve\""), events);
        assert_int_equal(otp_fake_redis_events(copy, "\"verdict\":\"refused\""), 0);
        otp_fake_redis_destroy(copy);
        world.redis = whole;
        world.now_ms = whole->now_ms;
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_form_sent_twice_gets_the_same_answer_twice, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_form_that_failed_is_not_waited_for, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_directory_that_fails_leaves_the_form_free, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_throttled_request_is_throttled_twice, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_address_is_part_of_the_form, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_form_at_another_address_is_another_form, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_two_clicks_at_once_approve_once_and_say_so_twice, open_world, close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
