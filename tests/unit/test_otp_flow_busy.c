#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/model/otp_throttle.h"
#include "otp_fake_driver.h"

/* What a sign-in costs in exchanges with Redis, and what it is told when there is no room for its hash. */

#define K       "K-1"
#define PIN     OTP_FAKE_PIN
#define NOW_PASSCODE(pin)   otp_fake_passcode(pin, K, otp_fake_step_now(&world)).text
#define WRONG   "username=marie&method=password&password=x"
#define RIGHT   "username=marie&method=password&password=Correct+horse+1"

static otp_fake_world_t   world;
static otp_fake_browser_t browser, other;


static int open_world(void **state)
{
    (void) state;
    otp_fake_open(&world);
    memset(&browser, 0, sizeof(browser));
    memset(&other, 0, sizeof(other));
    otp_fake_account(&world, "marie", K, PIN);
    return 0;
}


static int close_world(void **state)
{
    (void) state;
    otp_fake_close(&world);
    return 0;
}


/* ---- exchanges ---- */

static unsigned trips(void)
{
    unsigned n = world.trips[0] != '\0';

    for (const char *bar = world.trips; (bar = strchr(bar, '|')) != NULL; bar++) {
        n++;
    }

    return n;
}


static void test_passcode_at_the_first_page_takes_one_read_one_swap_and_the_session(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(world.trips,
        "GET once, GET thra, GET acct, GET deco | EVALSHA acct | "
        "ZADD user, EXPIRE user, SET sess, SET seen, SET once, GET acct");
}


static void test_passcode_with_an_old_cookie_takes_no_exchange_more(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    otp_fake_pass(&world, 36001);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    assert_memory_equal(world.trips, "MGET sess, GET pend, GET once, GET thra, GET acct, GET deco | EVALSHA acct | ",
                        75);
    assert_int_equal(trips(), 3);
}


static void test_step_up_takes_one_read_one_swap_and_the_session_once_it_is_known_who_asks(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(world.trips,
        "MGET sess, GET pend, GET once | SET seen, GET thra, GET acct | EVALSHA acct | "
        "ZADD user, EXPIRE user, SET sess, SET seen, SET once, DEL sess, ZREM user, GET acct");
}


static void test_passcode_after_the_pin_takes_one_read_and_one_swap(void **state)
{
    (void) state;
    otp_fake_account(&world, "lea", "K-3", NULL);
    assert_string_equal(otp_fake_direct(&world, &browser, "lea",
                                        otp_fake_passcode("", "K-3", otp_fake_step_now(&world)).text), "pin_required");
    assert_int_equal(trips(), 3);
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "wait_next_code");
    otp_fake_pass(&world, 60);
    assert_string_equal(otp_fake_step_up(&world, &browser,
                                         otp_fake_passcode(PIN, "K-3", otp_fake_step_now(&world)).text), "ok");
    assert_string_equal(world.trips,
        "MGET sess, GET pend, GET once | GET thra, GET acct | EVALSHA acct | "
        "ZADD user, EXPIRE user, SET sess, SET seen, SET once, DEL sess, GET acct");
}


static void test_somebody_signed_in_may_sign_in_as_somebody_else(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "paul"), "ok");
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(otp_fake_text(otp_fake_get(&world, &browser, "session"), "user"), "marie");
}


static void test_wrong_passcode_is_counted_for_the_address_after_the_decision(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", otp_fake_wrong(PIN, K, OTP_FAKE_STEP).text),
                        "denied");
    assert_string_equal(world.trips,
        "GET once, GET thra, GET acct, GET deco | EVALSHA acct | EVALSHA thra | SET once");
    assert_string_equal(otp_fake_direct(&world, &browser, "nobody", "2580123456"), "denied");
    assert_string_equal(world.trips,
        "GET once, GET thra, GET acct, GET deco | EVALSHA deco | EVALSHA thra | SET once");
}


static void test_password_is_counted_before_its_hash_is_computed(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(world.trips,
        "GET once | GET thru, GET thra, SET once | EVALSHA thru | EVALSHA thra | "
        "XADD events, XADD hist, EXPIRE hist, DEL thru, EVALSHA thra | "
        "ZADD user, EXPIRE user, SET sess, SET seen, SET once");
}


static void test_passcode_form_of_another_browsers_token_decides_nothing(void **state)
{
    char body[256];

    (void) state;
    (void) snprintf(body, sizeof(body), "username=marie&method=passcode&passcode=%s&csrf=%s", NOW_PASSCODE(PIN),
                    otp_fake_token(&world, &other, "login"));
    assert_int_equal(otp_fake_post(&world, &browser, "login", body)->status, 403);
    assert_string_equal(world.trips, "GET once, GET thra, GET acct, GET deco");
    assert_int_equal(otp_fake_redis_events(world.redis, "passcode"), 0);
}


/* ---- no room ---- */

static void test_throttled_address_or_account_gets_no_hash_computed(void **state)
{
    char     fields[128];
    unsigned before;

    (void) state;
    world.settings.limits.address_free = 3;
    for (int i = 0; i < 4; i++) {
        (void) snprintf(fields, sizeof(fields), "username=invented%d&method=password&password=x", i);
        assert_int_equal(otp_fake_submit(&world, &browser, "login", fields)->status, 401);
    }
    before = world.passwords;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "throttled");
    assert_int_equal(world.passwords, before);

    other.address = "2001:db8::1";
    for (int i = 0; i < 6; i++) {
        world.settings.limits.address_free = 100;
        (void) otp_fake_submit(&world, &other, "login", "username=paul&method=password&password=x");
    }
    before = world.passwords;
    assert_string_equal(otp_fake_password(&world, &other, "paul"), "throttled");
    assert_int_equal(world.passwords, before);
}


static void test_hash_takes_the_share_of_its_account_and_of_its_address(void **state)
{
    char marie[65];

    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "paul"), "ok");
    assert_string_equal(world.asked_address, "192.0.2.1");
    assert_int_equal(strlen(world.asked_account), 64);
    (void) snprintf(marie, sizeof(marie), "%s", world.asked_account);
    other.address = "2001:db8:1:2:3:4:5:6";
    assert_string_equal(otp_fake_password(&world, &other, "marie"), "ok");
    assert_string_equal(world.asked_address, "20010db800010002/64");
    assert_string_not_equal(world.asked_account, marie);
    assert_false(world.asked_known);
}


static void test_browser_the_person_has_used_has_a_share_of_its_own(void **state)
{
    char strangers[65];

    (void) state;
    (void) otp_fake_submit(&world, &other, "login", WRONG);
    (void) snprintf(strangers, sizeof(strangers), "%s", world.asked_account);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_true(world.asked_known);
    assert_string_not_equal(world.asked_account, strangers);
    (void) otp_fake_submit(&world, &browser, "login", "username=paul&method=password&password=x");
    assert_false(world.asked_known);
}


static void test_full_queue_is_unavailable_and_says_when_to_come_again(void **state)
{
    (void) state;
    world.directory = OTP_PERSON_BUSY;
    (void) otp_fake_submit(&world, &browser, "login", RIGHT);
    assert_int_equal(world.answer->status, 503);
    assert_string_equal(world.answer->body, "{\"error\":\"unavailable\"}");
    assert_string_equal(otp_fake_header(world.answer, "Retry-After"), "3");
    assert_string_equal(otp_fake_header(world.answer, "Cache-Control"), "no-store");
    assert_int_equal(otp_fake_redis_events(world.redis, "\"password\",\"verdict\":\"busy\",\"user\":\"marie\""), 1);
    assert_false(otp_fake_gives_session(world.answer));
}


static void test_full_queue_shows_the_form_again(void **state)
{
    (void) state;
    world.directory = OTP_PERSON_BUSY;
    browser.accept = "text/html";
    (void) otp_fake_submit(&world, &browser, "login", RIGHT);
    assert_int_equal(world.answer->status, 503);
    assert_string_equal(otp_fake_header(world.answer, "Retry-After"), "3");
    assert_non_null(strstr(world.answer->body, "sollicité"));
    assert_non_null(strstr(world.answer->body, "data-wait=\"3\""));
    assert_non_null(strstr(world.answer->body, "value=\"marie\""));
    assert_null(strstr(world.answer->body, "Correct horse"));
}


static void test_too_many_at_once_of_one_account_are_throttled(void **state)
{
    (void) state;
    world.directory = OTP_PERSON_THROTTLED;
    (void) otp_fake_submit(&world, &browser, "login", RIGHT);
    assert_int_equal(world.answer->status, 429);
    assert_string_equal(world.answer->body, "{\"verdict\":\"throttled\",\"retry_after\":3}");
    assert_string_equal(otp_fake_header(world.answer, "Retry-After"), "3");
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"password\",\"verdict\":\"throttled\""), 1);
}


static void test_who_has_no_place_is_refused_before_anything_is_counted(void **state)
{
    (void) state;
    world.directory = OTP_PERSON_BUSY;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "unavailable");
    assert_string_equal(world.trips, "GET once | GET thru, GET thra, SET once | XADD events, DEL once");
    world.directory = OTP_PERSON_THROTTLED;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "throttled");
    assert_string_equal(world.trips, "GET once | GET thru, GET thra, SET once | XADD events, DEL once");
    assert_int_equal(world.passwords, 0);
}


static void test_password_nobody_has_looked_at_is_no_attempt(void **state)
{
    (void) state;
    world.settings.limits.password_free = 2;
    world.settings.limits.address_free = 2;
    for (size_t i = 0; i < 30; i++) {
        world.directory = i % 3 == 0 ? OTP_PERSON_THROTTLED : OTP_PERSON_BUSY;
        world.directory_late = i % 3 == 1;
        (void) otp_fake_submit(&world, &browser, "login", WRONG);
    }
    world.directory = OTP_PERSON_MATCHES;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(otp_fake_submit(&world, &browser, "login", WRONG)->status,
                         401);
    }
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "throttled");
}


static void test_password_nobody_has_looked_at_does_not_end_a_delay(void **state)
{
    (void) state;
    world.settings.limits.password_free = 1;
    for (int i = 0; i < 5; i++) {
        (void) otp_fake_submit(&world, &browser, "login", WRONG);
        otp_fake_pass(&world, 20);
    }
    world.directory = OTP_PERSON_BUSY;
    world.directory_late = true;
    for (int i = 0; i < 5; i++) {
        (void) otp_fake_submit(&world, &browser, "login", WRONG);
        assert_int_equal(world.answer->status, 503);
    }
    world.directory = OTP_PERSON_MATCHES;
    assert_int_equal(otp_fake_submit(&world, &browser, "login", WRONG)->status, 401);
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "throttled");
    assert_true(otp_fake_number(world.answer, "retry_after") > 10);
}


static void test_known_browser_that_was_refused_leaves_the_count_of_the_address_alone(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    world.directory = OTP_PERSON_BUSY;
    world.directory_late = true;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "unavailable");
    assert_null(strstr(world.trips, "EVALSHA thra"));
    assert_non_null(strstr(world.trips, "| EVALSHA thru, XADD events"));
}


static void test_busy_directory_spends_no_code(void **state)
{
    (void) state;
    world.directory = OTP_PERSON_BUSY;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "unavailable");
    assert_int_equal(world.answer->status, 503);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"passcode\",\"verdict\":\"busy\""), 1);
    world.directory = OTP_PERSON_MATCHES;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
}


static void test_refusal_that_cannot_be_told_is_unavailable(void **state)
{
    char body[256];

    (void) state;
    world.directory = OTP_PERSON_BUSY;
    world.directory_late = true;
    (void) snprintf(body, sizeof(body), RIGHT "&csrf=%s", otp_fake_token(&world, &browser, "login"));
    otp_fake_redis_fault(world.redis, OTP_FAULT_ERROR, 8);      /* the event */
    (void) otp_fake_post(&world, &browser, "login", body);
    assert_true(world.redis->fault_done);
    assert_non_null(strstr(world.trips, "| EVALSHA thru, EVALSHA thra, XADD events, DEL once"));
    assert_int_equal(world.answer->status, 503);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_passcode_at_the_first_page_takes_one_read_one_swap_and_the_session,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_passcode_with_an_old_cookie_takes_no_exchange_more,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_step_up_takes_one_read_one_swap_and_the_session_once_it_is_known_who_asks,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_passcode_after_the_pin_takes_one_read_and_one_swap,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_somebody_signed_in_may_sign_in_as_somebody_else, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_wrong_passcode_is_counted_for_the_address_after_the_decision, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_password_is_counted_before_its_hash_is_computed, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_passcode_form_of_another_browsers_token_decides_nothing, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_throttled_address_or_account_gets_no_hash_computed,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_hash_takes_the_share_of_its_account_and_of_its_address, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_browser_the_person_has_used_has_a_share_of_its_own,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_full_queue_is_unavailable_and_says_when_to_come_again, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_full_queue_shows_the_form_again, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_too_many_at_once_of_one_account_are_throttled, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_who_has_no_place_is_refused_before_anything_is_counted, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_password_nobody_has_looked_at_is_no_attempt, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_password_nobody_has_looked_at_does_not_end_a_delay,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_known_browser_that_was_refused_leaves_the_count_of_the_address_alone,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_busy_directory_spends_no_code, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_refusal_that_cannot_be_told_is_unavailable, open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
