#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "otp_fake_stage.h"

/* A Redis that has lost its last writes: what was accepted by this gateway, or before there was a new master, is not
 * accepted again, and nobody is the worse for it. */

#define K   "K-1"
#define NEW "N-1"
#define PIN OTP_FAKE_PIN

static uint64_t      memory[1024];
static otp_account_t older;
static size_t        signals;       /* events with one so far */


static int open_world(void **state)
{
    static const uint8_t random[OTP_SIPHASH_KEY] = "of this gateway";

    (void) open_stage(state);
    world.spent = otp_spent_init(memory, sizeof(memory), random);
    assert_non_null(world.spent);
    otp_fake_account(&world, "marie", K, PIN);
    older = otp_fake_account_get(&world, "marie");
    signals = 0;
    return 0;
}


static int open_first_use(void **state)
{
    (void) open_world(state);
    otp_fake_account(&world, "marie", K, NULL);
    older = otp_fake_account_get(&world, "marie");
    return 0;
}


static int open_event(void **state)
{
    (void) open_world(state);
    otp_fake_key_event(world.settings.ring, &older.key[0], K, PIN);
    older.key[0].step = 100;
    otp_fake_account_put(&world, &older);
    return 0;
}


/* The record is what it was. */
static void lose_writes(void)
{
    otp_fake_account_put(&world, &older);
    signals = otp_fake_redis_events(world.redis, "\"signal\"");
}


static const char *code_of(const char *pin, int64_t ahead)
{
    static otp_fake_passcode_t code;

    code = otp_fake_passcode(pin, K, otp_fake_step_now(&world) + ahead);

    return code.text;
}


static const char *direct(const char *passcode)
{
    return otp_fake_direct(&world, &browser, "marie", passcode);
}


/* Refused as too early, with the account as it was: no failure, no signal. */
static void assert_awaited(const char *verdict, int64_t retry_after)
{
    otp_account_t now = otp_fake_account_get(&world, "marie");

    assert_string_equal(verdict, "wait_next_code");
    assert_int_equal(world.answer->status, 401);
    assert_int_equal(otp_fake_number(world.answer, "retry_after"), retry_after);
    assert_string_equal(otp_fake_text(world.answer, "location"), "");
    assert_false(otp_fake_gives_session(world.answer));
    assert_memory_equal(&now, &older, sizeof(now));
    assert_int_equal(otp_fake_redis_events(world.redis, "\"signal\""), signals);
}


/* ---- the memory of the gateway ---- */

static void test_code_is_not_accepted_again_after_a_lost_write(void **state)
{
    (void) state;
    assert_string_equal(direct(code_of(PIN, 0)), "ok");
    lose_writes();
    assert_awaited(otp_fake_direct(&world, &other, "marie", code_of(PIN, 0)), 40);
    assert_awaited(otp_fake_direct(&world, &other, "marie", code_of(PIN, -1)), 40);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"passcode\",\"verdict\":\"wait_next_code\""), 2);
    otp_fake_pass(&world, 60);
    assert_string_equal(otp_fake_direct(&world, &other, "marie", code_of(PIN, 0)), "ok");
}


static void test_without_a_lost_write_a_spent_code_is_a_replay(void **state)
{
    (void) state;
    assert_string_equal(direct(code_of(PIN, 0)), "ok");
    assert_string_equal(otp_fake_direct(&world, &other, "marie", code_of(PIN, 0)), "already_used");
    assert_int_equal(otp_fake_redis_events(world.redis, "\"signal\":\"replay\""), 1);
}


static void test_gateway_that_has_not_seen_the_code_knows_nothing(void **state)
{
    static uint64_t      elsewhere[1024];
    static const uint8_t random[OTP_SIPHASH_KEY] = "of another one";

    (void) state;
    assert_string_equal(direct(code_of(PIN, 0)), "ok");
    world.spent = otp_spent_init(elsewhere, sizeof(elsewhere), random);
    assert_string_equal(otp_fake_direct(&world, &other, "marie", code_of(PIN, 0)), "already_used");
}


static void test_key_that_counts_events_is_remembered(void **state)
{
    (void) state;
    assert_string_equal(direct(otp_fake_passcode(PIN, K, 102).text), "ok");
    assert_int_equal(otp_fake_account_get(&world, "marie").key[0].step, 103);
    lose_writes();
    for (int64_t at = 100; at <= 102; at++) {
        assert_awaited(otp_fake_direct(&world, &other, "marie", otp_fake_passcode(PIN, K, at).text), 1);
    }
    assert_string_equal(otp_fake_direct(&world, &other, "marie", otp_fake_passcode(PIN, K, 103).text), "ok");
}


static void test_step_up_awaits_and_stays_at_the_level_of_the_password(void **state)
{
    (void) state;
    assert_string_equal(direct(code_of(PIN, 0)), "ok");
    lose_writes();
    assert_string_equal(otp_fake_password(&world, &other, "marie"), "ok");
    assert_awaited(otp_fake_step_up(&world, &other, code_of(PIN, 0)), 40);
    assert_string_equal(otp_fake_level(&world, &other), "password");
    otp_fake_pass(&world, 60);
    assert_string_equal(otp_fake_step_up(&world, &other, code_of(PIN, 0)), "ok");
}


static void test_first_use_is_not_opened_again_by_its_code(void **state)
{
    (void) state;
    assert_string_equal(direct(code_of("", 0)), "pin_required");
    lose_writes();
    assert_awaited(otp_fake_direct(&world, &other, "marie", code_of("", 0)), 40);
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "denied");
    otp_fake_pass(&world, 60);
    assert_string_equal(otp_fake_direct(&world, &other, "marie", code_of("", 0)), "pin_required");
}


static const char *change_pin(const char *passcode)
{
    char fields[256];

    (void) snprintf(fields, sizeof(fields), "passcode=%s&pin=7294&pin_confirm=7294", passcode);

    return otp_fake_verdict(otp_fake_send(&world, &browser, "key/pin", fields));
}


static void test_pin_is_not_changed_again_by_its_code(void **state)
{
    (void) state;
    assert_string_equal(direct(code_of(PIN, 0)), "ok");
    otp_fake_pass(&world, 60);
    older = otp_fake_account_get(&world, "marie");
    assert_string_equal(change_pin(code_of(PIN, 0)), "ok");
    lose_writes();
    assert_string_equal(change_pin(code_of(PIN, 0)), "wait_next_code");
    otp_fake_pass(&world, 60);
    assert_string_equal(change_pin(code_of(PIN, 0)), "ok");
}


/* The form that asks for the second code goes on, one code later. */
static void test_second_code_is_asked_for_once_more(void **state)
{
    otp_account_t account = older;

    (void) state;
    account.unknown.failures = 3;
    otp_fake_account_put(&world, &account);
    assert_string_equal(direct(code_of(PIN, 0)), "next_code");
    older = otp_fake_account_get(&world, "marie");
    otp_fake_pass(&world, 60);
    world.floor_s = world.now_ms / 1000;
    assert_string_equal(otp_fake_step_up(&world, &browser, code_of("", 0)), "wait_next_code");
    assert_string_equal(otp_fake_text(otp_fake_get(&world, &browser, "passcode"), "state"), "next_code");
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 3);
    otp_fake_pass(&world, 60);
    assert_string_equal(otp_fake_step_up(&world, &browser, code_of("", 0)), "wait_next_code");
    otp_fake_pass(&world, 60);
    assert_string_equal(otp_fake_step_up(&world, &browser, code_of("", 0)), "ok");
}


static void test_code_of_a_wrong_pin_stays_spent_too(void **state)
{
    (void) state;
    assert_string_equal(direct(code_of("2581", 0)), "denied");
    lose_writes();
    assert_awaited(otp_fake_direct(&world, &other, "marie", code_of(PIN, 0)), 40);
}


/* Or a PIN could be guessed with a code that was watched, until somebody is right. */
static void test_wrong_pin_with_a_remembered_code_is_counted(void **state)
{
    (void) state;
    assert_string_equal(direct(code_of(PIN, 0)), "ok");
    lose_writes();
    assert_string_equal(otp_fake_direct(&world, &other, "marie", code_of("2581", 0)), "denied");
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 1);
}


static void test_form_sent_again_gets_the_first_answer(void **state)
{
    char fields[256];

    (void) state;
    (void) snprintf(fields, sizeof(fields), "username=marie&method=passcode&passcode=%s&csrf=%s", code_of(PIN, 0),
                    otp_fake_token(&world, &browser, "login"));
    (void) otp_fake_request(&world, &browser, "POST", "login", fields);
    assert_string_equal(otp_fake_verdict(world.answer), "ok");
    (void) otp_fake_request(&world, &browser, "POST", "login", fields);
    assert_string_equal(otp_fake_verdict(world.answer), "ok");
}


/* Another key has come under this serial: it begins anew. */
static void test_key_with_the_serial_of_another_is_not_held(void **state)
{
    static const uint8_t nonce[OTP_RANDOM_NONCE] = "another one";
    uint8_t              seed[OTP_SECRET_MAX];
    size_t               len;

    (void) state;
    assert_string_equal(direct(otp_fake_passcode(PIN, K, 109).text), "ok");
    older.key[0].step = 0;
    assert_int_equal(otp_key_open(world.settings.ring, &older.key[0], seed, &len), OTP_OK);
    assert_int_equal(otp_key_seal(world.settings.ring, &older.key[0], (otp_span_t) { (const char *) seed, len }, nonce),
                     OTP_OK);
    lose_writes();
    assert_string_equal(otp_fake_direct(&world, &other, "marie", otp_fake_passcode(PIN, K, 5).text), "ok");
}


/* ---- the floor ---- */

static void test_codes_up_to_the_change_of_master_are_awaited(void **state)
{
    (void) state;
    world.floor_s = OTP_FAKE_NOW;
    assert_awaited(direct(code_of(PIN, 0)), 100);
    assert_int_equal(otp_fake_redis_count(world.redis, "otp:thra"), 0);
    otp_fake_pass(&world, 60);
    assert_awaited(direct(code_of(PIN, 0)), 40);
    otp_fake_pass(&world, 40);
    assert_string_equal(direct(code_of(PIN, 0)), "ok");
}


static void test_unknown_person_is_refused_as_ever(void **state)
{
    (void) state;
    world.floor_s = OTP_FAKE_NOW;
    assert_string_equal(otp_fake_direct(&world, &browser, "nobody", code_of(PIN, 0)), "denied");
}


/* A sign-in, with another master from its step number `at` on. */
static void sign_in_while_the_master_changes(int at)
{
    char             fields[256];
    otp_fake_call_t *call;

    (void) snprintf(fields, sizeof(fields), "username=marie&method=passcode&passcode=%s&csrf=%s", code_of(PIN, 0),
                    otp_fake_token(&world, &browser, "login"));
    call = otp_fake_begin(&world, &browser, "POST", "login", fields);
    for (bool over = false; !over;) {
        world.floor_s = at-- <= 0 ? OTP_FAKE_NOW : 0;
        over = otp_fake_step(call);
    }
    otp_fake_answer_free(world.answer);
    world.answer = otp_fake_end(call);
}


/* Before the decision the code is awaited.  Between it and what Redis says to it the code is spent, and opens nothing:
 * this Redis may not be the one that the decision was about. */
static void test_change_of_master_at_any_moment_of_a_sign_in(void **state)
{
    unsigned awaited = 0, unavailable = 0, accepted = 0;

    for (int at = 0; at < 20; at++) {
        sign_in_while_the_master_changes(at);
        if (world.answer->status == 401) {
            assert_string_equal(otp_fake_verdict(world.answer), "wait_next_code");
            assert_int_equal(unavailable + accepted, 0);
            awaited++;
        } else if (world.answer->status == 503) {
            assert_false(otp_fake_gives_session(world.answer));
            assert_int_equal(otp_fake_account_get(&world, "marie").key[0].step, OTP_FAKE_STEP);
            assert_int_equal(accepted, 0);
            unavailable++;
        } else {
            assert_string_equal(otp_fake_verdict(world.answer), "ok");
            accepted++;
        }
        (void) close_stage(state);
        (void) open_world(state);
        memset(&browser, 0, sizeof(browser));
    }
    assert_true(awaited > 2);
    assert_int_equal(unavailable, 1);
    assert_true(accepted > 2);
}


/* ---- pages ---- */

static void test_pages_say_how_long_to_wait_for_the_next_code(void **state)
{
    char fields[256];

    (void) state;
    world.floor_s = OTP_FAKE_NOW;
    (void) otp_fake_token(&world, &browser, "login");
    (void) snprintf(fields, sizeof(fields), "username=marie&method=passcode&passcode=%s&csrf=%s", code_of(PIN, 0),
                    browser.token);
    browser.accept = "text/html";
    (void) otp_fake_request(&world, &browser, "POST", "login", fields);
    assert_int_equal(world.answer->status, 401);
    assert_true(page_holds("Attendez le code suivant"));
    assert_true(page_holds("data-wait=\"100\""));
    assert_string_equal(otp_fake_header(world.answer, "Retry-After"), "100");
    browser.accept = NULL;

    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    (void) snprintf(fields, sizeof(fields), "passcode=%s", code_of(PIN, 0));
    (void) send_page_as(&browser, "passcode", fields);
    assert_int_equal(world.answer->status, 401);
    assert_true(page_holds("Attendez le code suivant"));
    assert_true(page_holds("data-wait=\"100\""));
    (void) get_page_as(&browser, "activity");
    assert_true(page_holds("Code suivant attendu"));
}


/* Of two waits the page shows the longer one, and no other. */
static void test_page_that_waits_already_shows_the_longer_wait(void **state)
{
    char fields[256];

    (void) state;
    assert_string_equal(direct(code_of("", 0)), "pin_required");
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "wait_next_code");
    world.floor_s = OTP_FAKE_NOW;
    (void) snprintf(fields, sizeof(fields), "passcode=%s&csrf=%s", code_of(PIN, 1),
                    otp_fake_token(&world, &browser, "passcode"));
    browser.accept = "text/html";
    (void) otp_fake_request(&world, &browser, "POST", "passcode", fields);
    assert_int_equal(world.answer->status, 401);
    assert_true(page_holds("Attendez le code suivant"));
    assert_true(page_holds("data-wait=\"100\""));
    assert_false(page_holds("data-wait=\"40\""));
    assert_false(page_holds("Nouvel essai possible dans"));
}


/* ---- a request for a key ---- */

static const char *ask(const char *code)
{
    char fields[256];

    (void) snprintf(fields, sizeof(fields), "serial=" NEW "&code=%s", code);

    return otp_fake_verdict(otp_fake_send(&world, &browser, "key", fields));
}


static void test_request_with_a_code_up_to_the_floor_is_awaited_and_not_counted(void **state)
{
    (void) state;
    otp_fake_world_stock(&world, NEW, "");
    (void) otp_fake_password(&world, &browser, "lea");
    world.floor_s = OTP_FAKE_NOW;
    for (int i = 0; i < 8; i++) {
        assert_string_equal(ask(otp_fake_passcode("", NEW, OTP_FAKE_STEP).text), "wait_next_code");
        assert_int_equal(world.answer->status, 401);
        assert_int_equal(otp_fake_number(world.answer, "retry_after"), 100);
    }
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).wanted, "");
    assert_int_equal(otp_fake_redis_stream(world.redis, "mail:", ""), 0);
    otp_fake_pass(&world, 100);
    assert_string_equal(ask(otp_fake_passcode("", NEW, otp_fake_step_now(&world)).text), "requested");
}


static void test_request_for_a_key_that_cannot_be_had_says_nothing_of_the_floor(void **state)
{
    (void) state;
    otp_fake_world_stock(&world, NEW, "marie");
    (void) otp_fake_password(&world, &browser, "lea");
    world.floor_s = OTP_FAKE_NOW;
    assert_string_equal(ask(otp_fake_passcode("", NEW, OTP_FAKE_STEP).text), "serial_refused");
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_code_is_not_accepted_again_after_a_lost_write, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_without_a_lost_write_a_spent_code_is_a_replay, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_gateway_that_has_not_seen_the_code_knows_nothing, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_key_that_counts_events_is_remembered, open_event, close_stage),
        cmocka_unit_test_setup_teardown(test_step_up_awaits_and_stays_at_the_level_of_the_password, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_first_use_is_not_opened_again_by_its_code, open_first_use, close_stage),
        cmocka_unit_test_setup_teardown(test_pin_is_not_changed_again_by_its_code, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_second_code_is_asked_for_once_more, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_code_of_a_wrong_pin_stays_spent_too, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_wrong_pin_with_a_remembered_code_is_counted, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_form_sent_again_gets_the_first_answer, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_key_with_the_serial_of_another_is_not_held, open_event, close_stage),
        cmocka_unit_test_setup_teardown(test_codes_up_to_the_change_of_master_are_awaited, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_unknown_person_is_refused_as_ever, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_change_of_master_at_any_moment_of_a_sign_in, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_pages_say_how_long_to_wait_for_the_next_code, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_page_that_waits_already_shows_the_longer_wait, open_first_use,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_request_with_a_code_up_to_the_floor_is_awaited_and_not_counted,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_request_for_a_key_that_cannot_be_had_says_nothing_of_the_floor,
                                        open_world, close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
