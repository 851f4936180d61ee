#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/model/otp_emergency.h"
#include "core/model/otp_mail.h"
#include "core/model/otp_mixup.h"
#include "core/portal/otp_flow_private.h"
#include "core/store/otp_names.h"
#include "otp_fake_stage.h"

/* The portal where a key is not at hand, where somebody else tries, and what is told of it. */

#define K           "K-1"
#define PIN         OTP_FAKE_PIN
#define EMERGENCY   "ABCDE23456"
#define DEVICE      OTP_FAKE_COOKIE "-device"
#define NOW_PASSCODE(pin)   otp_fake_passcode(pin, K, otp_fake_step_now(&world)).text
#define WRONG       otp_fake_wrong("9999", K, otp_fake_step_now(&world)).text
#define RIGHT_PIN_WRONG_CODE otp_fake_wrong(PIN, K, OTP_FAKE_STEP).text

static otp_fake_browser_t stranger;


static int open_world(void **state)
{
    (void) open_stage(state);
    memset(&stranger, 0, sizeof(stranger));
    stranger.address = "198.51.100.7";
    otp_fake_account(&world, "marie", K, PIN);
    return 0;
}


static bool emergency_live(void)
{
    otp_account_t account = otp_fake_account_get(&world, "marie");

    return otp_emergency_live(&account, OTP_FAKE_NOW);
}


static void issue(int64_t expires)
{
    static const uint8_t salt[OTP_SALT_LEN] = "salt of the test";
    otp_account_t        account = otp_fake_account_get(&world, "marie");

    assert_int_equal(otp_emergency_set(world.settings.ring, &account, OTP_SPAN(EMERGENCY), salt, world.now_ms / 1000,
                                       expires), OTP_OK);
    otp_fake_account_put(&world, &account);
}


static void revoke(void)
{
    otp_account_t account = otp_fake_account_get(&world, "marie");

    memset(&account.emergency, 0, sizeof(account.emergency));
    otp_fake_account_put(&world, &account);
}


/* A browser that she has used before, with the key.  She is signed in there with the password now. */
static void know(otp_fake_browser_t *who)
{
    otp_account_t account = otp_fake_account_get(&world, "marie");

    assert_string_equal(otp_fake_direct(&world, who, "marie", NOW_PASSCODE(PIN)), "ok");
    assert_string_not_equal(otp_fake_cookie(who, DEVICE), "");
    otp_fake_account_put(&world, &account);
    assert_string_equal(otp_fake_password(&world, who, "marie"), "ok");
}


/* One that she has used with the password only. */
static void know_by_password(otp_fake_browser_t *who)
{
    assert_string_equal(otp_fake_password(&world, who, "marie"), "ok");
    assert_string_not_equal(otp_fake_cookie(who, DEVICE), "");
}


static void set_key_state(otp_key_state_t key_state)
{
    otp_account_t account = otp_fake_account_get(&world, "marie");

    account.key[0].state = key_state;
    otp_fake_account_put(&world, &account);
}


static int open_emergency(void **state)
{
    (void) open_world(state);
    issue(OTP_FAKE_NOW + 3600);
    return 0;
}


/* ---- the emergency password ---- */

static void test_emergency_password_opens_the_key_level_until_it_ends(void **state)
{
    const otp_fake_answer_t *session;

    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, "abcde-23456"), "ok");
    assert_string_equal(otp_fake_text(world.answer, "level"), "otp");
    session = otp_fake_get(&world, &browser, "session");
    assert_string_equal(otp_fake_text(session, "level"), "otp");
    assert_string_equal(otp_fake_text(session, "method"), "emergency");
    assert_int_equal(otp_fake_number(session, "expires"), OTP_FAKE_NOW + 3600);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"reason\":\"emergency\""), 1);
    assert_int_equal(otp_fake_redis_stream(world.redis, "hist:", "\"reason\":\"emergency\""), 1);
    world.settings.idle_s = 7200;
    otp_fake_pass(&world, 1700);
    assert_string_equal(otp_fake_level(&world, &browser), "otp");
    otp_fake_pass(&world, 1700);
    assert_string_equal(otp_fake_level(&world, &browser), "otp");
    otp_fake_pass(&world, 200);
    assert_string_equal(otp_fake_level(&world, &browser), "");
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, EMERGENCY), "denied");
}


static void test_emergency_password_is_refused_without_the_password(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", EMERGENCY), "denied");
    assert_int_equal(otp_fake_account_get(&world, "marie").emergency.failures, 0);
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 1);

    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    issue(OTP_FAKE_NOW + 3600);
    assert_string_equal(otp_fake_step_up(&world, &browser, EMERGENCY), "denied");
}


static void test_emergency_password_of_somebody_without_key_or_locked_opens(void **state)
{
    otp_account_t account = otp_fake_account_get(&world, "marie");

    (void) state;
    account.known.failures = account.unknown.failures = 100;
    otp_fake_account_put(&world, &account);
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "throttled");
    assert_string_equal(otp_fake_step_up(&world, &browser, EMERGENCY), "ok");
    account.keys = 0;
    otp_fake_account_put(&world, &account);
    assert_string_equal(otp_fake_password(&world, &other, "marie"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &other, EMERGENCY), "ok");
}


static void test_tenth_bad_attempt_ends_the_emergency_password(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    for (int i = 0; i < 10; i++) {
        assert_string_equal(otp_fake_step_up(&world, &browser, "ABCDE23457"), "denied");
    }
    assert_string_equal(otp_fake_step_up(&world, &browser, EMERGENCY), "denied");
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 1);
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
}


static void test_use_of_the_key_ends_what_the_emergency_password_has_opened(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, EMERGENCY), "ok");
    assert_string_equal(otp_fake_password(&world, &stranger, "marie"), "ok");
    assert_string_equal(otp_fake_direct(&world, &other, "marie", NOW_PASSCODE(PIN)), "ok");
    assert_string_not_equal(otp_fake_level(&world, &browser), "otp");
    assert_string_equal(otp_fake_level(&world, &stranger), "password");
    assert_string_equal(otp_fake_level(&world, &other), "otp");
    assert_int_equal(otp_fake_redis_events(world.redis, "\"reason\":\"emergency_ended\""), 1);
    assert_false(emergency_live());
}


/* The key in the same browser, too: and the session is as long again as its sign-in allows. */
static void test_key_after_the_emergency_password_has_the_whole_time_of_the_session(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, EMERGENCY), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(otp_fake_text(otp_fake_get(&world, &browser, "session"), "method"), "key");
    assert_int_equal(otp_fake_number(world.answer, "expires"), OTP_FAKE_NOW + 36000);
}


/* Sessions that could not be ended when the key was used are ended the next time. */
static void test_sessions_that_a_fault_has_left_end_with_the_next_use_of_the_key(void **state)
{
    uint64_t fault = 0;
    bool     left = false;

    (void) state;
    for (bool answered = false; !answered; fault++) {
        (void) close_stage(state);
        (void) open_emergency(state);
        assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
        assert_string_equal(otp_fake_step_up(&world, &browser, EMERGENCY), "ok");
        (void) otp_fake_token(&world, &other, "login");
        otp_fake_redis_fault(world.redis, OTP_FAULT_LOST_BEFORE, fault);
        (void) otp_fake_direct(&world, &other, "marie", NOW_PASSCODE(PIN));
        answered = !world.redis->fault_done;
        world.redis->fault = OTP_FAULT_NONE;

        left |= strcmp(otp_fake_level(&world, &browser), "otp") == 0 && !emergency_live();
        otp_fake_pass(&world, 60);
        assert_string_equal(otp_fake_direct(&world, &other, "marie", NOW_PASSCODE(PIN)), "ok");
        assert_string_not_equal(otp_fake_level(&world, &browser), "otp");
    }
    assert_true(left);
}


/* What an agent, or the key, does to it meanwhile. */
static void used_up(void)
{
    otp_account_t account = otp_fake_account_get(&world, "marie");

    account.emergency.failures = OTP_EMERGENCY_FAILURES;
    otp_fake_account_put(&world, &account);
}


static void issue_again(void)
{
    world.now_ms += 1000;
    world.redis->now_ms = world.now_ms;
    issue(OTP_FAKE_NOW + 3600);
}


static void assert_opens_nothing_after(void (*what)(void), void **state)
{
    bool     ended = false;
    unsigned refused = 0;

    for (unsigned steps = 0; !ended; steps++) {
        otp_fake_call_t   *call;
        otp_fake_answer_t *answer;
        char               body[128];

        (void) close_stage(state);
        (void) open_emergency(state);
        assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
        (void) snprintf(body, sizeof(body), "passcode=" EMERGENCY "&csrf=%s",
                        otp_fake_token(&world, &browser, "passcode"));
        call = otp_fake_begin(&world, &browser, "POST", "passcode", body);
        for (unsigned i = 0; i < steps && !ended; i++) {
            ended = otp_fake_step(call);
        }
        if (!ended) {
            what();
        }
        while (!otp_fake_step(call)) {
        }
        answer = otp_fake_end(call);
        /* Typed before it was decided about, the new one is as good as the old one. */
        if (what != issue_again || strcmp(otp_fake_verdict(answer), "ok") != 0) {
            assert_int_equal(strcmp(otp_fake_verdict(answer), "ok") == 0, ended);
            assert_int_equal(otp_fake_gives_session(answer), ended);
            refused++;
        }
        otp_fake_answer_free(answer);
    }
    assert_true(refused > 3);
}


/* Whenever it is revoked before the answer is given, the answer gives no session. */
static void test_emergency_password_taken_away_meanwhile_opens_nothing(void **state)
{
    assert_opens_nothing_after(revoke, state);
    assert_opens_nothing_after(used_up, state);
    assert_opens_nothing_after(issue_again, state);
}


static void wrong_emergency(otp_fake_browser_t *who)
{
    assert_string_equal(otp_fake_password(&world, who, "marie"), "ok");
    assert_string_equal(otp_fake_step_up(&world, who, "ABCDE23457"), "denied");
}


/* ---- first use ---- */

static void fail_at_first_use(void)
{
    for (int i = 0; i < 10; i++) {
        assert_string_equal(otp_fake_direct(&world, &stranger, "lea", "314159"), "denied");
    }
}


/* Who knows the identifier alone does not keep her from it. */
static void test_first_use_after_the_password_is_not_held_up_by_strangers(void **state)
{
    (void) state;
    otp_fake_account(&world, "lea", K, NULL);
    fail_at_first_use();
    assert_int_equal(otp_fake_account_get(&world, "lea").unproven.failures, 10);
    assert_string_equal(otp_fake_direct(&world, &other, "lea", NOW_PASSCODE("")), "denied");
    assert_string_equal(otp_fake_password(&world, &browser, "lea"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE("")), "pin_required");
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "wait_next_code");
    assert_int_equal(otp_fake_account_get(&world, "lea").unproven.failures, 0);
}


/* Where the password comes first these are no guesses: they cannot be right. */
static void test_what_cannot_be_right_at_first_use_is_not_counted(void **state)
{
    otp_account_t before;

    (void) state;
    world.settings.first_use_needs_password = true;
    otp_fake_account(&world, "lea", K, NULL);
    before = otp_fake_account_get(&world, "lea");
    fail_at_first_use();
    assert_string_equal(otp_fake_direct(&world, &stranger, "lea", NOW_PASSCODE("")), "denied");
    assert_int_equal(otp_fake_account_get(&world, "lea").revision, before.revision);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"verdict\":\"denied\""), 11);
    assert_int_equal(otp_fake_redis_stream(world.redis, "mail:", ""), 0);
    assert_string_equal(otp_fake_password(&world, &browser, "lea"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE("")), "pin_required");

    /* Nor while she is on the way: a PIN page is open. */
    fail_at_first_use();
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "wait_next_code");
}


/* ---- browsers that the owner has used before ---- */

static void test_completed_sign_in_makes_the_browser_known(void **state)
{
    const char *cookie;

    (void) state;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", WRONG), "denied");
    (void) otp_fake_submit(&world, &browser, "login", "username=marie&method=password&password=wrong");
    assert_string_equal(otp_fake_cookie(&browser, DEVICE), "");
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    cookie = strstr(world.answer->headers, "Set-Cookie: " DEVICE "=");
    assert_non_null(cookie);
    cookie += strlen("Set-Cookie: " DEVICE "=");
    assert_int_equal(strcspn(cookie, ";"), 8 + 1 + 22 + 1 + 10 + 1 + 10 + 1 + 22);
    cookie += strcspn(cookie, ";");
    assert_int_equal(strncmp(cookie, "; Path=/; Max-Age=15552000; Secure; HttpOnly; SameSite=Lax\n", 59), 0);
}


/* The password alone: for what becomes of wrong passwords there, not of wrong passcodes. */
static void test_browser_is_known_for_passcodes_once_it_has_seen_the_right_one(void **state)
{
    (void) state;
    know_by_password(&browser);
    assert_string_equal(otp_fake_step_up(&world, &browser, WRONG), "denied");
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 1);
    assert_int_equal(otp_fake_account_get(&world, "marie").known.failures, 0);
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
    assert_non_null(strstr(world.answer->headers, DEVICE));
    assert_string_equal(otp_fake_step_up(&world, &browser, WRONG), "denied");
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 0);
    assert_int_equal(otp_fake_account_get(&world, "marie").known.failures, 1);
}


/* Neither before there was a key, nor while it is reported lost: that, the password can bring about. */
static void test_password_alone_never_makes_a_browser_known_for_passcodes(void **state)
{
    (void) state;
    know(&browser);
    know_by_password(&other);
    set_key_state(OTP_KEY_DISABLED);
    know_by_password(&stranger);
    set_key_state(OTP_KEY_USABLE);
    for (int i = 0; i < 5; i++) {
        assert_string_equal(otp_fake_direct(&world, &other, "marie", WRONG), "denied");
        assert_string_equal(otp_fake_direct(&world, &stranger, "marie", WRONG), "denied");
    }
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 10);
    assert_int_equal(otp_fake_account_get(&world, "marie").known.failures, 0);
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
}


static void test_emergency_password_makes_the_browser_known_for_passcodes(void **state)
{
    (void) state;
    know_by_password(&browser);
    assert_string_equal(otp_fake_step_up(&world, &browser, EMERGENCY), "ok");
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", WRONG), "denied");
    assert_int_equal(otp_fake_account_get(&world, "marie").known.failures, 1);
}


static void test_first_use_makes_the_browser_known_when_it_is_completed(void **state)
{
    (void) state;
    otp_fake_account(&world, "lea", K, NULL);
    assert_string_equal(otp_fake_direct(&world, &browser, "lea", NOW_PASSCODE("")), "pin_required");
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "wait_next_code");
    assert_string_equal(otp_fake_cookie(&browser, DEVICE), "");
    otp_fake_pass(&world, 60);
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
    assert_string_not_equal(otp_fake_cookie(&browser, DEVICE), "");
}


static void test_known_browser_keeps_its_cookie_for_a_day_and_its_nonce_for_good(void **state)
{
    char first[96];

    (void) state;
    know(&browser);
    (void) snprintf(first, sizeof(first), "%s", otp_fake_cookie(&browser, DEVICE));
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_null(strstr(world.answer->headers, DEVICE));
    otp_fake_pass(&world, 86400);
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_not_equal(otp_fake_cookie(&browser, DEVICE), first);
    assert_int_equal(strncmp(otp_fake_cookie(&browser, DEVICE), first, 8 + 1 + 22 + 1), 0);
}


static void test_hundred_failures_of_strangers_do_not_lock_the_owners_browser(void **state)
{
    (void) state;
    world.settings.limits.address_free = 10000;
    know(&browser);
    for (int i = 0; i < 100; i++) {
        assert_string_equal(otp_fake_direct(&world, &stranger, "marie", WRONG), "denied");
        otp_fake_pass(&world, i % 10 == 9 ? 900 : 1);
    }
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 100);
    assert_string_equal(otp_fake_direct(&world, &stranger, "marie", NOW_PASSCODE(PIN)), "denied");
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 100);
}


static void test_owners_browser_has_its_own_lock(void **state)
{
    (void) state;
    know(&browser);
    for (int i = 0; i < 10; i++) {
        assert_string_equal(otp_fake_step_up(&world, &browser, WRONG), "denied");
    }
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "throttled");
    assert_int_equal(otp_fake_number(world.answer, "retry_after"), 900);
    assert_string_equal(otp_fake_direct(&world, &other, "marie", NOW_PASSCODE(PIN)), "ok");
    otp_fake_pass(&world, 60);
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
}


static void wrong_password(otp_fake_browser_t *who, int times)
{
    while (times-- > 0) {
        (void) otp_fake_submit(&world, who, "login", "username=marie&method=password&password=wrong");
    }
}


static void test_strangers_do_not_delay_the_password_of_the_owners_browser(void **state)
{
    (void) state;
    know(&browser);
    wrong_password(&stranger, 20);
    assert_int_equal(world.answer->status, 429);
    assert_string_equal(otp_fake_password(&world, &other, "marie"), "throttled");
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_password(&world, &other, "marie"), "throttled");
}


static void test_owners_browser_has_its_own_delay(void **state)
{
    (void) state;
    know(&browser);
    wrong_password(&browser, 7);
    assert_int_equal(world.answer->status, 429);
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "throttled");
    assert_string_equal(otp_fake_password(&world, &other, "marie"), "ok");
    otp_fake_pass(&world, 1);
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    wrong_password(&browser, 6);
    assert_int_equal(world.answer->status, 401);
}


/* Each sign-in gives a cookie: whoever has many of them has no more attempts than with one. */
static void test_all_known_browsers_of_a_person_share_one_delay(void **state)
{
    (void) state;
    know(&browser);
    know(&other);
    assert_string_not_equal(otp_fake_cookie(&browser, DEVICE), otp_fake_cookie(&other, DEVICE));
    wrong_password(&browser, 7);
    assert_int_equal(world.answer->status, 429);
    wrong_password(&other, 1);
    assert_int_equal(world.answer->status, 429);
}


static void test_attempts_against_a_lock_do_not_wash_the_history_out(void **state)
{
    (void) state;
    know(&browser);
    for (int i = 0; i < 10; i++) {
        (void) otp_fake_step_up(&world, &browser, WRONG);
    }
    for (int i = 0; i < 60; i++) {
        assert_string_equal(otp_fake_step_up(&world, &browser, WRONG), "throttled");
    }
    assert_int_equal(otp_fake_redis_stream(world.redis, "hist:", "\"verdict\":\"denied\""), 10);
}


static void test_neighbours_at_the_same_address_do_not_hold_up_the_owners_browser(void **state)
{
    (void) state;
    know(&browser);
    world.settings.limits.address_free = 1;
    for (int i = 0; i < 3; i++) {
        (void) otp_fake_direct(&world, &other, "nobody", WRONG);
    }
    assert_string_equal(otp_fake_direct(&world, &other, "marie", NOW_PASSCODE(PIN)), "throttled");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
}


/* It has counts of its own: the address is not charged for what its owner mistypes. */
static void test_failures_of_the_owners_browser_do_not_hold_up_its_neighbours(void **state)
{
    (void) state;
    world.settings.limits.address_free = 1;
    know(&browser);
    wrong_password(&browser, 3);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", WRONG), "denied");
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", WRONG), "denied");
    assert_string_equal(otp_fake_password(&world, &other, "paul"), "ok");
}


/* Where only the password was typed, that holds for passwords; its wrong passcodes are anybody's. */
static void test_address_is_charged_for_passcodes_of_a_browser_that_has_not_seen_the_key(void **state)
{
    (void) state;
    world.settings.limits.address_free = 1;
    know_by_password(&browser);
    wrong_password(&browser, 3);
    assert_string_equal(otp_fake_password(&world, &other, "paul"), "ok");
    for (int i = 0; i < 3; i++) {
        assert_string_equal(otp_fake_direct(&world, &browser, "marie", WRONG), "denied");
    }
    otp_fake_forget(&other, DEVICE);
    assert_string_equal(otp_fake_password(&world, &other, "paul"), "throttled");
}


static void take_device(otp_fake_browser_t *to, const otp_fake_browser_t *from)
{
    memset(to->cookie, 0, sizeof(to->cookie));
    to->cookies = 1;
    (void) snprintf(to->cookie[0].name, sizeof(to->cookie[0].name), DEVICE);
    (void) snprintf(to->cookie[0].value, sizeof(to->cookie[0].value), "%s", otp_fake_cookie(from, DEVICE));
}


static void test_device_cookie_of_one_person_says_nothing_about_another(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &other, "paul"), "ok");
    take_device(&stranger, &other);
    assert_string_equal(otp_fake_direct(&world, &stranger, "marie", WRONG), "denied");
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 1);
    assert_int_equal(otp_fake_account_get(&world, "marie").known.failures, 0);
    wrong_password(&other, 7);
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "throttled");
}


static void test_stolen_device_cookie_alone_opens_nothing(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    take_device(&stranger, &browser);
    assert_int_equal(otp_fake_get(&world, &stranger, "session")->status, 401);
    assert_int_equal(otp_fake_get(&world, &stranger, "")->status, 401);
    assert_int_equal(otp_fake_get(&world, &stranger, "passcode")->status, 401);
    assert_string_equal(otp_fake_direct(&world, &stranger, "marie", WRONG), "denied");
    assert_string_equal(otp_fake_direct(&world, &stranger, "marie", EMERGENCY), "denied");
    wrong_password(&stranger, 1);
    assert_int_equal(world.answer->status, 401);
    assert_string_equal(otp_fake_direct(&world, &stranger, "marie", NOW_PASSCODE(PIN)), "already_used");

    /* As a session's cookie it is none. */
    (void) snprintf(stranger.cookie[0].name, sizeof(stranger.cookie[0].name), OTP_FAKE_COOKIE);
    assert_int_equal(otp_fake_get(&world, &stranger, "session")->status, 401);
}


static void assert_unknown(const char *value)
{
    otp_account_t before = otp_fake_account_get(&world, "marie");

    stranger.cookies = 1;
    (void) snprintf(stranger.cookie[0].name, sizeof(stranger.cookie[0].name), DEVICE);
    (void) snprintf(stranger.cookie[0].value, sizeof(stranger.cookie[0].value), "%s", value);
    assert_string_equal(otp_fake_direct(&world, &stranger, "marie", WRONG), "denied");
    assert_int_equal(otp_fake_account_get(&world, "marie").known.failures, before.known.failures);
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, before.unknown.failures + 1);
}


static void test_changed_device_cookie_is_none(void **state)
{
    static const char *const others[] = { "", "x", "...", "aabbccdd.AAAAAAAAAAAAAAAAAAAAAA.1700000000.", "\"\"" };
    char                     value[96];

    (void) state;
    world.settings.limits.lock = world.settings.limits.lock_total = world.settings.limits.address_free = 100000;
    know(&browser);
    for (size_t i = 0; i < strlen(otp_fake_cookie(&browser, DEVICE)); i++) {
        (void) snprintf(value, sizeof(value), "%s", otp_fake_cookie(&browser, DEVICE));
        value[i] = value[i] == 'A' ? 'B' : value[i] == '1' ? '2' : value[i] == '.' ? ',' : value[i] >= '0'
                   && value[i] <= '9' ? '1' : 'A';
        assert_unknown(value);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_unknown(others[i]);
    }
    (void) snprintf(value, sizeof(value), "%sA", otp_fake_cookie(&browser, DEVICE));
    assert_unknown(value);
}


static void test_device_cookie_lasts_half_a_year(void **state)
{
    (void) state;
    know(&browser);
    otp_fake_pass(&world, 180 * 86400);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", WRONG), "denied");
    assert_int_equal(otp_fake_account_get(&world, "marie").known.failures, 1);
    otp_fake_pass(&world, 1);
    assert_unknown(otp_fake_cookie(&browser, DEVICE));
}


/* The password lets it be known to passwords for longer, and not to passcodes. */
static void test_password_does_not_renew_what_the_passcode_has_proven(void **state)
{
    (void) state;
    know(&browser);
    otp_fake_pass(&world, 100 * 86400);
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_non_null(strstr(world.answer->headers, DEVICE));
    otp_fake_pass(&world, 80 * 86400);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", WRONG), "denied");
    assert_int_equal(otp_fake_account_get(&world, "marie").known.failures, 1);
    otp_fake_pass(&world, 1);
    assert_unknown(otp_fake_cookie(&browser, DEVICE));
    wrong_password(&stranger, 7);
    otp_fake_forget(&stranger, DEVICE);
    assert_string_equal(otp_fake_password(&world, &stranger, "marie"), "ok");
}


static void test_strangers_do_not_delay_a_browser_that_the_password_is_used_in(void **state)
{
    (void) state;
    know_by_password(&browser);
    wrong_password(&stranger, 20);
    assert_int_equal(world.answer->status, 429);
    assert_string_equal(otp_fake_password(&world, &other, "marie"), "throttled");
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
}


static void test_who_knows_the_password_does_not_delay_the_browser_of_the_key(void **state)
{
    (void) state;
    know(&browser);
    know_by_password(&stranger);
    wrong_password(&stranger, 7);
    assert_int_equal(world.answer->status, 429);
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_password(&world, &other, "marie"), "ok");
}


/* ---- what is told ---- */

static void test_line_of_the_portal_finds_room_after_those_of_an_action(void **state)
{
    static const uint8_t random[OTP_FLOW_RANDOM] = { 0 };
    otp_request_t        request = { .method = OTP_REQUEST_GET, .address = OTP_SPAN("192.0.2.1") };
    otp_flow_t          *flow = otp_flow_create(&world.settings, &request, random);
    otp_event_t          event;

    (void) state;
    assert_non_null(flow);
    flow->view.audits = OTP_ACTION_AUDITS;
    for (size_t i = 0; i < 4; i++) {
        otp_span_t line;

        otp_flow_event(flow, "key_assign", "refused", OTP_SPAN("marie"), &event);
        line = otp_flow_event_line(flow, &event);
        assert_int_not_equal(line.len, 0);
        assert_ptr_equal(flow->view.audit[OTP_ACTION_AUDITS + i].data, line.data);
        assert_true(i == 0 || flow->view.audit[OTP_ACTION_AUDITS + i - 1].data != line.data);
    }
    assert_int_equal(otp_flow_event_line(flow, &event).len, 0);
    otp_flow_event_forget(flow);
    assert_int_not_equal(otp_flow_event_line(flow, &event).len, 0);
    assert_int_equal(flow->view.audits, 1);
    otp_flow_destroy(flow);
}


/* The only entry of the outboxes; spans point into memory that the next call reuses. */
static otp_mail_t the_mail(void)
{
    static char text[OTP_MAIL_MAX];
    otp_mail_t  mail = { .kind = OTP_MAIL_NONE };
    size_t      n = 0;

    for (size_t i = 0; i < world.redis->events; i++) {
        const otp_fake_event_t *entry = &world.redis->event[i];

        if (strstr(entry->stream, "mail:") == NULL) {
            continue;
        }
        n++;
        assert_string_equal(entry->field, "m");
        assert_int_equal(otp_mail_read(world.settings.ring, otp_span_of(entry->stream), otp_span_of(entry->text), text,
                                       sizeof(text), &mail), OTP_OK);
    }
    assert_int_equal(n, 1);

    return mail;
}


#define assert_text(span, text) assert_true(otp_span_equal(span, otp_span_of(text)))


static void test_signal_is_mailed_to_its_person(void **state)
{
    otp_mail_t mail;

    (void) state;
    stranger.accept_language = "en";
    assert_string_equal(otp_fake_direct(&world, &stranger, "marie", RIGHT_PIN_WRONG_CODE), "denied");
    mail = the_mail();
    assert_int_equal(mail.kind, OTP_MAIL_PIN_WITHOUT_CODE);
    assert_int_equal(mail.time_ms, world.now_ms);
    assert_text(mail.uid, "marie");
    assert_text(mail.name, "Marie Dupont");
    assert_text(mail.email, "marie.7713@school.example");
    assert_text(mail.language, "");
    assert_text(mail.serial, K);
    assert_text(mail.address, "198.51.100.7");
    assert_text(mail.reason, "");
    assert_int_equal(mail.until, 0);
    assert_int_equal(otp_fake_account_get(&world, "marie").signal[OTP_SIGNAL_PIN_WITHOUT_CODE].count, 1);

    assert_string_equal(otp_fake_direct(&world, &stranger, "marie", RIGHT_PIN_WRONG_CODE), "denied");
    (void) the_mail();
    assert_int_equal(otp_fake_account_get(&world, "marie").signal[OTP_SIGNAL_PIN_WITHOUT_CODE].count, 2);
}


/* Who knows the password can end it in new browsers, and she is told; where she has used the key it goes on. */
static void test_emergency_password_ended_by_a_stranger_goes_on_in_the_owners_browser(void **state)
{
    otp_mail_t    mail;
    otp_account_t account = otp_fake_account_get(&world, "marie");

    (void) state;
    know(&browser);
    otp_fake_account_put(&world, &account);
    for (int i = 0; i < 9; i++) {
        wrong_emergency(&stranger);
    }
    assert_int_equal(otp_fake_redis_stream(world.redis, "mail:", ""), 0);
    wrong_emergency(&stranger);
    mail = the_mail();
    assert_int_equal(mail.kind, OTP_MAIL_SIGN_IN_BLOCKED);
    assert_text(mail.reason, "emergency");
    assert_text(mail.address, "198.51.100.7");
    assert_int_equal(mail.until, 0);
    assert_int_equal(otp_fake_redis_stream(world.redis, "hist:", "\"signal\":\"locked\""), 1);

    assert_string_equal(otp_fake_step_up(&world, &stranger, EMERGENCY), "denied");
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 1);
    assert_string_equal(otp_fake_step_up(&world, &browser, EMERGENCY), "ok");
}


static void test_lock_is_mailed_with_its_end(void **state)
{
    otp_mail_t mail;

    (void) state;
    browser.accept_language = "en";
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    for (int i = 0; i < 10; i++) {
        assert_string_equal(otp_fake_step_up(&world, &browser, WRONG), "denied");
    }
    mail = the_mail();
    assert_int_equal(mail.kind, OTP_MAIL_SIGN_IN_BLOCKED);
    assert_int_equal(mail.until, OTP_FAKE_NOW + 900);
    assert_text(mail.language, "en");
    assert_int_equal(otp_fake_account_get(&world, "marie").signal[OTP_SIGNAL_LOCKED].count, 0);
}


static void test_replay_from_elsewhere_is_mailed_and_from_the_same_place_it_is_not(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(otp_fake_direct(&world, &other, "marie", NOW_PASSCODE(PIN)), "already_used");
    assert_int_equal(otp_fake_redis_stream(world.redis, "mail:", ""), 0);
    assert_string_equal(otp_fake_direct(&world, &stranger, "marie", NOW_PASSCODE(PIN)), "already_used");
    assert_int_equal(the_mail().kind, OTP_MAIL_REPLAY);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"signal\":\"replay\""), 2);
}


static void test_code_of_nobodys_key_at_first_use_is_looked_into(void **state)
{
    otp_mail_t mail;
    char       code[OTP_DIGITS_MAX + 1];

    (void) state;
    otp_fake_account(&world, "lea", K, NULL);
    assert_string_equal(otp_fake_direct(&world, &browser, "lea", "314159"), "denied");
    assert_int_equal(otp_fake_redis_stream(world.redis, "mail:", ""), 0);

    assert_string_equal(otp_fake_password(&world, &browser, "lea"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, "2580314159"), "denied");
    assert_int_equal(otp_fake_redis_stream(world.redis, "mail:", ""), 0);
    assert_string_equal(otp_fake_step_up(&world, &browser, "314 159"), "denied");
    mail = the_mail();
    assert_int_equal(mail.kind, OTP_MAIL_KEY_MIXUP);
    assert_int_equal(mail.time_ms, world.now_ms);
    assert_text(mail.uid, "lea");
    assert_int_equal(otp_mixup_open(world.settings.ring, OTP_SPAN("lea"), mail.reason, code), OTP_OK);
    assert_string_equal(code, "314159");
    assert_false(otp_fake_redis_holds(world.redis, OTP_SPAN("314159")));
}


static void test_code_at_first_use_that_is_right_or_of_a_key_in_use_is_not_looked_into(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, "314159"), "denied");
    otp_fake_account(&world, "lea", K, NULL);
    assert_string_equal(otp_fake_password(&world, &other, "lea"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &other, NOW_PASSCODE("")), "pin_required");
    assert_int_equal(otp_fake_redis_stream(world.redis, "mail:", ""), 0);
}


static void test_history_tells_a_person_of_sign_ins_and_attempts(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, WRONG), "denied");
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(otp_fake_direct(&world, &other, "marie", NOW_PASSCODE(PIN)), "already_used");
    assert_int_equal(otp_fake_redis_stream(world.redis, "hist:", "\"user\":\"marie\""), 4);
    assert_int_equal(otp_fake_redis_stream(world.redis, "hist:", "\"event\":\"password\",\"verdict\":\"ok\""), 1);
    assert_int_equal(otp_fake_redis_stream(world.redis, "hist:", "\"verdict\":\"already_used\""), 1);
}


/* Who tries passwords does not push the sign-ins out of it, and nobody gets one who does not exist. */
static void test_history_holds_no_wrong_password_and_nobody_unknown(void **state)
{
    (void) state;
    wrong_password(&stranger, 3);
    (void) otp_fake_direct(&world, &stranger, "nobody", WRONG);
    (void) otp_fake_direct(&world, &stranger, "paul", WRONG);
    assert_int_equal(otp_fake_redis_stream(world.redis, "hist:", ""), 0);
    assert_int_equal(otp_fake_redis_stream(world.redis, "mail:", ""), 0);
}


/* An account that went while its next code was awaited. */
static void test_history_of_somebody_without_account_is_not_begun(void **state)
{
    otp_name_t name;

    (void) state;
    otp_fake_account(&world, "lea", K, PIN);
    assert_string_equal(otp_fake_direct(&world, &browser, "lea", otp_fake_passcode(PIN, K, OTP_FAKE_STEP + 5).text),
                        "next_code");
    assert_int_equal(otp_fake_redis_stream(world.redis, "hist:", ""), 1);
    otp_name_of(&name, OTP_NAME_ACCOUNT, world.settings.prefix, OTP_SPAN("lea"));
    otp_fake_redis_find(world.redis, otp_name_span(&name))->expires_ms = 1;
    assert_string_equal(otp_fake_step_up(&world, &browser, "314159"), "denied");
    assert_int_equal(otp_fake_redis_stream(world.redis, "hist:", ""), 1);
}


static void test_streams_of_events_keep_what_the_operator_wants(void **state)
{
    (void) state;
    world.settings.events_kept = OTP_SPAN("2");
    for (int i = 0; i < 4; i++) {
        assert_string_equal(otp_fake_direct(&world, &browser, "marie", WRONG), "denied");
    }
    assert_int_equal(otp_fake_redis_events(world.redis, "\"user\":\"marie\""), 2);
    assert_int_equal(otp_fake_redis_stream(world.redis, "hist:", ""), 4);
}


/* ---- at once ---- */

/* The same form from two windows of one browser, stepped in turn, the first `ahead` steps earlier. */
static void twice(const char *page, const char *first, const char *second, unsigned ahead, otp_fake_answer_t *answer[2])
{
    otp_fake_call_t *call[2] = { otp_fake_begin(&world, &browser, "POST", page, first), NULL };
    otp_fake_call_t *ended[2] = { NULL, NULL };

    call[1] = otp_fake_begin(&world, &browser, "POST", page, second);
    for (unsigned turn = 0; call[0] != NULL || call[1] != NULL; turn++) {
        size_t i = turn < ahead ? 0 : turn % 2;

        if (call[i] == NULL) {
            continue;
        }
        if (otp_fake_waiting(call[i])) {
            otp_fake_pass(&world, 0);
            world.now_ms += 10;
            world.redis->now_ms = world.now_ms;
        } else if (otp_fake_step(call[i])) {
            ended[i] = call[i];
            call[i] = NULL;
        }
    }
    answer[0] = otp_fake_end(ended[0]);
    answer[1] = otp_fake_end(ended[1]);
}


static void assert_password_twice(const char *password, int status)
{
    for (unsigned ahead = 0; ahead < 24; ahead++) {
        otp_fake_answer_t *answer[2];
        char               body[256];

        (void) close_stage(NULL);
        (void) open_world(NULL);
        (void) snprintf(body, sizeof(body), "username=marie&method=password&password=%s&csrf=%s", password,
                        otp_fake_token(&world, &browser, "login"));
        twice("login", body, body, ahead, answer);
        assert_int_equal(world.passwords, 1);
        assert_int_equal(answer[0]->status, status);
        assert_int_equal(answer[1]->status, status);
        assert_string_equal(answer[0]->headers, answer[1]->headers);
        assert_string_equal(answer[0]->body, answer[1]->body);
        assert_int_equal(otp_fake_redis_count(world.redis, "otp:sess:"), status == 200 ? 1 : 0);
        assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"password\""), 1);
        otp_fake_answer_free(answer[0]);
        otp_fake_answer_free(answer[1]);
    }
}


static void test_password_form_sent_twice_at_once_is_hashed_once_and_opens_one_session(void **state)
{
    (void) state;
    assert_password_twice("Correct+horse+1", 200);
    assert_password_twice("wrong", 401);
}


static void test_password_form_whose_first_sending_was_cut_off_goes_on(void **state)
{
    char body[256];

    (void) state;
    for (uint64_t cut = 0; cut < 12; cut++) {
        otp_fake_answer_t *answer;
        otp_fake_call_t   *call;

        (void) close_stage(state);
        (void) open_world(state);
        (void) snprintf(body, sizeof(body), "username=marie&method=password&password=Correct+horse+1&csrf=%s",
                        otp_fake_token(&world, &browser, "login"));
        otp_fake_redis_fault(world.redis, OTP_FAULT_LOST_AFTER, cut);
        (void) otp_fake_post(&world, &browser, "login", body);
        world.redis->fault = OTP_FAULT_NONE;
        call = otp_fake_begin(&world, &browser, "POST", "login", body);
        while (!otp_fake_step(call)) {
            if (otp_fake_waiting(call)) {
                world.now_ms += 10;
                world.redis->now_ms = world.now_ms;
            }
        }
        answer = otp_fake_end(call);
        assert_string_equal(otp_fake_verdict(answer), "ok");
        assert_true(world.now_ms < OTP_FAKE_NOW * 1000 + 3000);
        otp_fake_answer_free(answer);
    }
}


static void test_throttled_or_busy_password_form_makes_nobody_wait(void **state)
{
    char body[256];

    (void) state;
    (void) snprintf(body, sizeof(body), "username=marie&method=password&password=Correct+horse+1&csrf=%s",
                    otp_fake_token(&world, &browser, "login"));
    world.directory = OTP_PERSON_BUSY;
    assert_int_equal(otp_fake_post(&world, &browser, "login", body)->status, 503);
    world.directory = OTP_PERSON_THROTTLED;
    assert_int_equal(otp_fake_post(&world, &browser, "login", body)->status, 429);
    world.directory = OTP_PERSON_MATCHES;
    assert_int_equal(otp_fake_post(&world, &browser, "login", body)->status, 200);
    assert_int_equal(world.now_ms, OTP_FAKE_NOW * 1000);
}


/* Whichever comes first: one PIN is accepted, and the browser goes on from there. */
static void test_two_pin_forms_at_once_leave_the_way_to_the_passcode_open(void **state)
{
    (void) state;
    for (unsigned ahead = 0; ahead < 16; ahead++) {
        otp_fake_answer_t *answer[2];
        char               body[2][256];
        bool               first;

        (void) close_stage(state);
        (void) open_world(state);
        otp_fake_account(&world, "lea", K, NULL);
        assert_string_equal(otp_fake_direct(&world, &browser, "lea", NOW_PASSCODE("")), "pin_required");
        for (size_t i = 0; i < 2; i++) {
            (void) snprintf(body[i], sizeof(body[i]), "pin=%s&pin_confirm=%s&csrf=%s", i == 0 ? PIN : "8350",
                            i == 0 ? PIN : "8350", otp_fake_token(&world, &browser, "pin"));
        }
        twice("pin", body[0], body[1], ahead, answer);
        first = strcmp(otp_fake_verdict(answer[0]), "wait_next_code") == 0;
        assert_string_equal(otp_fake_verdict(answer[first ? 0 : 1]), "wait_next_code");
        assert_string_not_equal(otp_fake_verdict(answer[first ? 1 : 0]), "wait_next_code");
        otp_fake_answer_free(answer[0]);
        otp_fake_answer_free(answer[1]);

        assert_string_equal(otp_fake_text(otp_fake_get(&world, &browser, "passcode"), "state"), "wait_next_code");
        otp_fake_pass(&world, 60);
        assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(first ? PIN : "8350")), "ok");
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_line_of_the_portal_finds_room_after_those_of_an_action, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_emergency_password_opens_the_key_level_until_it_ends,
                                        open_emergency, close_stage),
        cmocka_unit_test_setup_teardown(test_emergency_password_is_refused_without_the_password,
                                        open_emergency, close_stage),
        cmocka_unit_test_setup_teardown(test_emergency_password_of_somebody_without_key_or_locked_opens,
                                        open_emergency, close_stage),
        cmocka_unit_test_setup_teardown(test_tenth_bad_attempt_ends_the_emergency_password,
                                        open_emergency, close_stage),
        cmocka_unit_test_setup_teardown(test_use_of_the_key_ends_what_the_emergency_password_has_opened,
                                        open_emergency, close_stage),
        cmocka_unit_test_setup_teardown(test_key_after_the_emergency_password_has_the_whole_time_of_the_session,
                                        open_emergency, close_stage),
        cmocka_unit_test_setup_teardown(test_sessions_that_a_fault_has_left_end_with_the_next_use_of_the_key,
                                        open_emergency, close_stage),
        cmocka_unit_test_setup_teardown(test_emergency_password_taken_away_meanwhile_opens_nothing,
                                        open_emergency, close_stage),
        cmocka_unit_test_setup_teardown(test_completed_sign_in_makes_the_browser_known, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_emergency_password_ended_by_a_stranger_goes_on_in_the_owners_browser,
                                        open_emergency, close_stage),
        cmocka_unit_test_setup_teardown(test_first_use_after_the_password_is_not_held_up_by_strangers,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_right_at_first_use_is_not_counted, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_browser_is_known_for_passcodes_once_it_has_seen_the_right_one,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_password_alone_never_makes_a_browser_known_for_passcodes,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_emergency_password_makes_the_browser_known_for_passcodes,
                                        open_emergency, close_stage),
        cmocka_unit_test_setup_teardown(test_first_use_makes_the_browser_known_when_it_is_completed,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_known_browser_keeps_its_cookie_for_a_day_and_its_nonce_for_good,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_hundred_failures_of_strangers_do_not_lock_the_owners_browser,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_owners_browser_has_its_own_lock, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_strangers_do_not_delay_the_password_of_the_owners_browser,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_all_known_browsers_of_a_person_share_one_delay, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_attempts_against_a_lock_do_not_wash_the_history_out, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_owners_browser_has_its_own_delay, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_neighbours_at_the_same_address_do_not_hold_up_the_owners_browser,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_failures_of_the_owners_browser_do_not_hold_up_its_neighbours,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_address_is_charged_for_passcodes_of_a_browser_that_has_not_seen_the_key,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_device_cookie_of_one_person_says_nothing_about_another,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_stolen_device_cookie_alone_opens_nothing, open_emergency, close_stage),
        cmocka_unit_test_setup_teardown(test_changed_device_cookie_is_none, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_device_cookie_lasts_half_a_year, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_password_does_not_renew_what_the_passcode_has_proven,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_strangers_do_not_delay_a_browser_that_the_password_is_used_in,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_who_knows_the_password_does_not_delay_the_browser_of_the_key,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_signal_is_mailed_to_its_person, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_lock_is_mailed_with_its_end, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_replay_from_elsewhere_is_mailed_and_from_the_same_place_it_is_not,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_code_of_nobodys_key_at_first_use_is_looked_into, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_code_at_first_use_that_is_right_or_of_a_key_in_use_is_not_looked_into,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_history_tells_a_person_of_sign_ins_and_attempts, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_history_holds_no_wrong_password_and_nobody_unknown,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_history_of_somebody_without_account_is_not_begun,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_streams_of_events_keep_what_the_operator_wants,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_password_form_sent_twice_at_once_is_hashed_once_and_opens_one_session,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_password_form_whose_first_sending_was_cut_off_goes_on,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_throttled_or_busy_password_form_makes_nobody_wait,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_two_pin_forms_at_once_leave_the_way_to_the_passcode_open,
                                        open_world, close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
