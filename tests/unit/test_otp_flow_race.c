#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/decide/otp_manage.h"
#include "core/store/otp_names.h"
#include "otp_fake_driver.h"

/* Many requests at once, each Redis command of each in any order among the others. */

#define K       "K-1"
#define PIN     OTP_FAKE_PIN
#define SEED    UINT64_C(20260723)
#define CROWD   64
#define ROUNDS  300     /* half of them in sessions, half at the first page */
#define GUESSES 10      /* rounds of wrong guesses: each costs more */

static otp_fake_world_t    world;
static otp_fake_browser_t  browser[CROWD], ready[CROWD];
static char                body[CROWD][256];
static otp_fake_answer_t  *answer[CROWD];
static otp_fake_redis_t   *before;
static uint64_t            dice;
static uint64_t            spent[128];


static int open_world(void **state)
{
    (void) state;
    otp_fake_open(&world);
    memset(browser, 0, sizeof(browser));
    dice = SEED;
    before = NULL;
    print_message("seed %llu\n", (unsigned long long) SEED);
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


/* ---- the crowd ---- */

static void keep_world(void)
{
    if (before != NULL) {
        otp_fake_redis_destroy(before);
    }
    before = otp_fake_redis_copy(world.redis);
    memcpy(ready, browser, sizeof(ready));
}


/* The gateway has not seen what is taken back. */
static void restore_world(void)
{
    static const uint8_t random[OTP_SIPHASH_KEY] = "of this gateway";

    world.spent = otp_spent_init(spent, sizeof(spent), random);
    otp_fake_redis_destroy(world.redis);
    world.redis = otp_fake_redis_copy(before);
    world.now_ms = before->now_ms;
    memcpy(browser, ready, sizeof(browser));
}


static void write_form(size_t i, const char *page, const char *fields)
{
    (void) snprintf(body[i], sizeof(body[i]), "%s&csrf=%s", fields, otp_fake_token(&world, &browser[i], page));
}


/* Sends the forms of all at once: stepped at random, or (in even rounds) in turn, as commands that share a
 * connection are. */
static void rush(const char *page, int round)
{
    otp_fake_call_t *call[CROWD];
    size_t           left = CROWD, turn = 0;

    for (size_t i = 0; i < CROWD; i++) {
        call[i] = otp_fake_begin(&world, &browser[i], "POST", page, body[i]);
    }

    while (left != 0) {
        size_t i = round % 2 == 0 ? turn++ % CROWD : otp_fake_random(&dice) % CROWD;

        if (call[i] == NULL) {
            continue;
        }
        if (otp_fake_waiting(call[i])) {
            world.now_ms++;
            world.redis->now_ms = world.now_ms;
        } else if (otp_fake_step(call[i])) {
            answer[i] = otp_fake_end(call[i]);
            call[i] = NULL;
            left--;
        }
    }
}


static size_t answered(const char *verdict)
{
    size_t n = 0;

    for (size_t i = 0; i < CROWD; i++) {
        n += strcmp(otp_fake_verdict(answer[i]), verdict) == 0;
    }

    return n;
}


static void free_answers(void)
{
    for (size_t i = 0; i < CROWD; i++) {
        otp_fake_answer_free(answer[i]);
    }
}


/* ---- one code ---- */

static void assert_one_is_let_in(const char *page)
{
    for (int round = 0; round < ROUNDS / 2; round++) {
        size_t in = 0;

        restore_world();
        rush(page, round);
        assert_int_equal(answered("ok"), 1);
        assert_int_equal(answered("already_used"), CROWD - 1);
        for (size_t i = 0; i < CROWD; i++) {
            in += otp_fake_gives_session(answer[i]);
        }
        assert_int_equal(in, 1);
        assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"passcode\",\"verdict\":\"ok\""), 1);
        assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"passcode\",\"verdict\":\"already_used\""),
                         CROWD - 1);
        assert_int_equal(otp_fake_account_get(&world, "marie").revision, 1);
        free_answers();
    }
}


static void test_one_code_from_many_sessions_is_accepted_once(void **state)
{
    char fields[64];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) snprintf(fields, sizeof(fields), "passcode=%s", otp_fake_passcode(PIN, K, OTP_FAKE_STEP).text);
    for (size_t i = 0; i < CROWD; i++) {
        assert_string_equal(otp_fake_password(&world, &browser[i], "marie"), "ok");
        write_form(i, "passcode", fields);
    }
    keep_world();
    assert_one_is_let_in("passcode");
}


static void test_one_code_from_many_browsers_is_accepted_once(void **state)
{
    char fields[128];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) snprintf(fields, sizeof(fields), "username=marie&method=passcode&passcode=%s",
                    otp_fake_passcode(PIN, K, OTP_FAKE_STEP).text);
    for (size_t i = 0; i < CROWD; i++) {
        write_form(i, "login", fields);
    }
    keep_world();
    assert_one_is_let_in("login");
}


/* Several codes of the window at once: the later ones may follow the earlier, never the other way. */
static void test_codes_of_the_window_are_accepted_in_their_order_only(void **state)
{
    char fields[128];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    for (size_t i = 0; i < CROWD; i++) {
        (void) snprintf(fields, sizeof(fields), "username=marie&method=passcode&passcode=%s",
                        otp_fake_passcode(PIN, K, OTP_FAKE_STEP - 1 + (int64_t) (i % 3)).text);
        write_form(i, "login", fields);
    }
    keep_world();
    for (int round = 0; round < 50; round++) {
        size_t ok;

        restore_world();
        rush("login", round);
        ok = answered("ok");
        assert_in_range(ok, 1, 3);
        assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"passcode\",\"verdict\":\"ok\""), ok);
        assert_in_range(otp_fake_account_get(&world, "marie").revision, ok, 3);
        free_answers();
    }
}


/* ---- guesses ---- */

static void test_parallel_wrong_passcodes_do_not_outrun_the_lock(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    for (size_t i = 0; i < CROWD; i++) {
        char fields[128];

        (void) snprintf(fields, sizeof(fields), "username=marie&method=passcode&passcode=%s",
                        otp_fake_wrong(PIN, K, OTP_FAKE_STEP).text);
        write_form(i, "login", fields);
    }
    keep_world();

    for (int round = 0; round < GUESSES; round++) {
        otp_account_t account;

        restore_world();
        rush("login", round);
        assert_int_equal(answered("denied"), CROWD);
        assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"passcode\",\"verdict\":\"denied\""), CROWD);
        account = otp_fake_account_get(&world, "marie");
        assert_int_equal(account.unknown.failures, 10);
        assert_int_equal(account.revision, 10);
        assert_true(account.unknown.locked_until >= OTP_FAKE_NOW + 900);
        assert_string_equal(otp_fake_direct(&world, &browser[0], "marie",
                                            otp_fake_passcode(PIN, K, otp_fake_step_now(&world)).text), "denied");
        free_answers();
    }
}


static void test_right_code_among_wrong_ones_is_not_let_in_after_the_lock(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    for (size_t i = 0; i < CROWD; i++) {
        char fields[128];

        (void) snprintf(fields, sizeof(fields), "username=marie&method=passcode&passcode=%s",
                        i == 0 ? otp_fake_passcode(PIN, K, OTP_FAKE_STEP).text
                               : otp_fake_wrong(PIN, K, OTP_FAKE_STEP).text);
        write_form(i, "login", fields);
    }
    keep_world();

    for (int round = 0; round < GUESSES; round++) {
        otp_account_t account;

        restore_world();
        rush("login", round);
        account = otp_fake_account_get(&world, "marie");
        assert_int_equal(account.unknown.failures, 10);
        assert_int_equal(answered("ok") + answered("next_code") + answered("denied"), CROWD);
        assert_true(answered("denied") >= CROWD - 1);
        free_answers();
    }
}


/* One that waits for another is slower: that must not tell who has a key. */
static void test_parallel_wrong_passcodes_cost_the_same_for_unknown_and_known_people(void **state)
{
    static const char *const uids[] = { "marie", "nobody" };
    uint64_t                 commands[2];

    (void) state;
    world.settings.limits.lock = world.settings.limits.lock_total = 1000;
    otp_fake_account(&world, "marie", K, PIN);
    for (size_t j = 0; j < 2; j++) {
        for (size_t i = 0; i < CROWD; i++) {
            char fields[128];

            (void) snprintf(fields, sizeof(fields), "username=%s&method=passcode&passcode=%s", uids[j],
                            otp_fake_wrong(PIN, K, OTP_FAKE_STEP).text);
            write_form(i, "login", fields);
        }
        commands[j] = world.commands;
        rush("login", 0);
        commands[j] = world.commands - commands[j];
        assert_int_equal(answered("denied"), CROWD);
        free_answers();
    }
    assert_int_equal(commands[0], commands[1]);
}


static void test_parallel_wrong_passwords_do_not_outrun_the_throttle(void **state)
{
    (void) state;
    for (size_t i = 0; i < CROWD; i++) {
        char fields[128];

        (void) snprintf(fields, sizeof(fields), "username=marie&method=password&password=guess%zu", i);
        write_form(i, "login", fields);
    }
    keep_world();

    for (int round = 0; round < GUESSES; round++) {
        restore_world();
        world.passwords = 0;
        rush("login", round);
        assert_int_equal(answered("denied"), world.settings.limits.password_free + 1);
        assert_int_equal(answered("throttled"), CROWD - world.settings.limits.password_free - 1);
        assert_int_equal(world.passwords, world.settings.limits.password_free + 1);
        free_answers();
    }
}


/* A school at eight o'clock: many people behind one address. */
static void test_many_people_of_one_address_are_all_considered(void **state)
{
    (void) state;
    for (size_t i = 0; i < CROWD; i++) {
        char fields[128];

        (void) snprintf(fields, sizeof(fields), "username=user%zu&method=password&password=x", i);
        write_form(i, "login", fields);
    }
    keep_world();

    for (int round = 0; round < GUESSES; round++) {
        restore_world();
        rush("login", round);
        assert_int_equal(answered("denied"), CROWD);
        free_answers();
    }
}


static void test_many_people_of_one_address_sign_in_at_once(void **state)
{
    static const char *const uids[] = { "marie", "paul", "lea" };

    (void) state;
    world.settings.limits.password_free = CROWD;
    for (size_t i = 0; i < CROWD; i++) {
        char fields[128];

        (void) snprintf(fields, sizeof(fields), "username=%s&method=password&password=Correct+horse+%zu", uids[i % 3],
                        i % 3 + 1);
        write_form(i, "login", fields);
    }
    keep_world();

    for (int round = 0; round < GUESSES; round++) {
        restore_world();
        rush("login", round);
        assert_int_equal(answered("ok"), CROWD);
        assert_int_equal(otp_fake_redis_count(world.redis, "otp:sess:"), CROWD);
        free_answers();
    }
}


/* ---- a key is disabled while somebody signs in with it ---- */

static void disable_key(void)
{
    otp_account_t account = otp_fake_account_get(&world, "marie");

    assert_false(otp_managed_refused(otp_manage_account_disable(&account, OTP_SPAN(K), OTP_SPAN("stolen"))));
    otp_fake_account_put(&world, &account);
}


/* The digests of the sessions in the person's list, each with a final NUL. */
static size_t list_sessions(char *list, size_t size)
{
    otp_name_t        name;
    otp_fake_entry_t *entry;

    otp_name_of(&name, OTP_NAME_USER_SESSIONS, world.settings.prefix, OTP_SPAN("marie"));
    entry = otp_fake_redis_find(world.redis, otp_name_span(&name));
    if (entry == NULL) {
        return 0;
    }
    assert_true(entry->value_len <= size);
    memcpy(list, entry->value, entry->value_len);

    return entry->value_len;
}


static void end_sessions(const char *list, size_t len)
{
    for (size_t at = 0; at < len; at += strlen(list + at) + 1) {
        otp_name_t        name;
        char              record[OTP_SESSION_MAX];
        size_t            record_len;
        otp_session_t     session;
        otp_fake_entry_t *entry;

        otp_name_cookie(&name, world.settings.prefix, "sess", otp_span_of(list + at));
        entry = otp_fake_redis_find(world.redis, otp_name_span(&name));
        if (entry == NULL || otp_session_read(world.settings.ring, otp_name_span(&name),
                                              (otp_span_t) { entry->value, entry->value_len }, &session) != OTP_OK)
        {
            continue;
        }
        switch (otp_manage_session(&session, OTP_SPAN(K))) {
        case OTP_MANAGE_SESSION_KEPT:
            break;
        case OTP_MANAGE_SESSION_LOWERED:
            assert_int_equal(otp_session_write(world.settings.ring, otp_name_span(&name), &session, record,
                                               sizeof(record), &record_len), OTP_OK);
            otp_fake_redis_put(world.redis, otp_name_span(&name), (otp_span_t) { record, record_len });
            break;
        case OTP_MANAGE_SESSION_ENDED:
            entry->expires_ms = 1;
            break;
        }
    }
}


static void assert_no_session_of_the_key_lives(void)
{
    for (size_t i = 0; i < world.redis->entries; i++) {
        otp_fake_entry_t *entry = &world.redis->entry[i];
        otp_session_t     session;

        if (strncmp(entry->name, "otp:sess:", 9) != 0 || entry->expires_ms == 1) {
            continue;
        }
        assert_int_equal(otp_session_read(world.settings.ring, (otp_span_t) { entry->name, entry->name_len },
                                          (otp_span_t) { entry->value, entry->value_len }, &session), OTP_OK);
        assert_false(otp_span_equal(session.serial, OTP_SPAN(K)));
        assert_int_equal(session.level, OTP_LEVEL_PASSWORD);
    }
}


/* The three steps of disabling come before the commands of these numbers of the sign-in. */
static void cross(const char *page, uint64_t disable, uint64_t list, uint64_t end)
{
    char             sessions[1024];
    size_t           len = 0;
    otp_fake_call_t *call;
    uint64_t         start;
    bool             done = false;

    restore_world();
    start = world.commands;
    call = otp_fake_begin(&world, &browser[0], "POST", page, body[0]);
    for (uint64_t at = 0; !done || at <= end; at++) {
        if (at == disable) {
            disable_key();
        }
        if (at == list) {
            len = list_sessions(sessions, sizeof(sessions));
        }
        if (at == end) {
            end_sessions(sessions, len);
        }
        /* up to and with the next command */
        while (!done && world.commands - start <= at) {
            done = otp_fake_step(call);
        }
    }
    answer[0] = otp_fake_end(call);
    assert_no_session_of_the_key_lives();
    assert_true(answer[0]->status == 200 || answer[0]->status == 401 || answer[0]->status == 503);
    otp_fake_answer_free(answer[0]);
}


static void cross_everywhere(const char *page)
{
    uint64_t commands = world.commands;

    keep_world();
    assert_string_equal(otp_fake_verdict(otp_fake_post(&world, &browser[0], page, body[0])), "ok");
    commands = world.commands - commands;
    for (uint64_t disable = 0; disable <= commands; disable++) {
        for (uint64_t list = disable; list <= commands; list++) {
            for (uint64_t end = list; end <= commands; end++) {
                cross(page, disable, list, end);
            }
        }
    }
}


static void test_disabled_key_leaves_no_session_whenever_it_crosses_a_step_up(void **state)
{
    char fields[64];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser[0], "marie");
    (void) snprintf(fields, sizeof(fields), "passcode=%s", otp_fake_passcode(PIN, K, OTP_FAKE_STEP).text);
    write_form(0, "passcode", fields);
    cross_everywhere("passcode");
}


static void test_disabled_key_leaves_no_session_whenever_it_crosses_a_direct_sign_in(void **state)
{
    char fields[128];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) snprintf(fields, sizeof(fields), "username=marie&method=passcode&passcode=%s",
                    otp_fake_passcode(PIN, K, OTP_FAKE_STEP).text);
    write_form(0, "login", fields);
    cross_everywhere("login");
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_code_from_many_sessions_is_accepted_once, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_one_code_from_many_browsers_is_accepted_once, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_codes_of_the_window_are_accepted_in_their_order_only, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_parallel_wrong_passcodes_do_not_outrun_the_lock, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_right_code_among_wrong_ones_is_not_let_in_after_the_lock, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_parallel_wrong_passcodes_cost_the_same_for_unknown_and_known_people,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_parallel_wrong_passwords_do_not_outrun_the_throttle, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_many_people_of_one_address_are_all_considered, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_many_people_of_one_address_sign_in_at_once, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_disabled_key_leaves_no_session_whenever_it_crosses_a_step_up, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_disabled_key_leaves_no_session_whenever_it_crosses_a_direct_sign_in,
                                        open_world,
                                        close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
