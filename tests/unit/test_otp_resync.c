#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/decide/otp_resync.h"
#include "otp_fake_key.h"

#define SERIAL  "K-1"
#define EVENTS  5000            /* last accepted step of the key that counts events */
#define REACH   (12 * 60)       /* steps in twelve hours */

static otp_keyring_t      *ring;
static const otp_limits_t  limits = OTP_LIMITS_DEFAULT;


static int open_ring(void **state)
{
    (void) state;
    ring = otp_fake_ring();
    return 0;
}


static int close_ring(void **state)
{
    (void) state;
    otp_keyring_destroy(ring);
    return 0;
}


static otp_key_t timed_key(void)
{
    otp_key_t key;

    otp_fake_key(ring, &key, SERIAL, OTP_FAKE_PIN);

    return key;
}


static otp_key_t event_key(void)
{
    otp_key_t key;

    otp_fake_key_event(ring, &key, SERIAL, OTP_FAKE_PIN);
    key.step = EVENTS;

    return key;
}


/* The code of a step, whatever the key's type. */
static otp_fake_passcode_t code_of(const otp_key_t *key, int64_t step)
{
    return otp_fake_passcode("", SERIAL, key->type == OTP_TYPE_HOTP ? step - 1 : step);
}


static otp_status_t resync(const otp_key_t *key, int64_t step, int64_t next_step, otp_key_t *next)
{
    otp_fake_passcode_t code = code_of(key, step), next_code = code_of(key, next_step);

    return otp_resync(ring, key, otp_span_of(code.text), otp_span_of(next_code.text), OTP_FAKE_NOW, next);
}


static void assert_found(const otp_key_t *key, int64_t step)
{
    otp_key_t next;

    assert_int_equal(resync(key, step, step + 1, &next), OTP_OK);
    assert_int_equal(next.step, step + 1);
}


static void assert_misfit(const otp_key_t *key, int64_t step, int64_t next_step)
{
    otp_key_t next;

    assert_int_equal(resync(key, step, next_step, &next), OTP_INVALID);
    assert_memory_equal(&next, key, sizeof(next));
}


/* ---- keys with a clock ---- */

static void test_clock_is_found_twelve_hours_either_side(void **state)
{
    otp_key_t key = timed_key();

    (void) state;
    assert_found(&key, OTP_FAKE_STEP - REACH);
    assert_found(&key, OTP_FAKE_STEP - 511);
    assert_found(&key, OTP_FAKE_STEP);
    assert_found(&key, OTP_FAKE_STEP + 300);
    assert_found(&key, OTP_FAKE_STEP + REACH);
    assert_misfit(&key, OTP_FAKE_STEP - REACH - 1, OTP_FAKE_STEP - REACH);
    assert_misfit(&key, OTP_FAKE_STEP + REACH + 1, OTP_FAKE_STEP + REACH + 2);
}


/* The windows of codes looked at together must not lose the pair that lies across two of them. */
static void test_every_step_of_the_search_is_found(void **state)
{
    otp_key_t key = timed_key();

    (void) state;
    for (int64_t i = -REACH; i <= REACH; i += 7) {
        assert_found(&key, OTP_FAKE_STEP + i);
    }
    for (int64_t i = 500; i <= 520; i++) {
        assert_found(&key, OTP_FAKE_STEP - REACH + i);
        assert_found(&key, OTP_FAKE_STEP - REACH + 512 + i);
    }
}


static void test_search_follows_the_learned_drift(void **state)
{
    otp_key_t key = timed_key();

    (void) state;
    key.drift = 60;
    assert_found(&key, OTP_FAKE_STEP + 60 + REACH);
    assert_misfit(&key, OTP_FAKE_STEP + 59 - REACH, OTP_FAKE_STEP + 60 - REACH);
}


static void test_twelve_hours_are_so_many_steps_as_the_period_makes(void **state)
{
    static const uint8_t nonce[OTP_RANDOM_NONCE];
    otp_span_t           seed = OTP_SPAN("12345678901234567890");
    otp_key_t            key = timed_key(), next;
    char                 text[2][8];
    uint32_t             codes[3];

    (void) state;
    key.period_s = 30;
    assert_int_equal(otp_key_seal(ring, &key, seed, nonce), OTP_OK);
    assert_int_equal(otp_hotp_codes(OTP_SHA1, seed, 6, OTP_FAKE_NOW / 30 + 2 * REACH, 3, codes), OTP_OK);
    for (size_t i = 0; i < 2; i++) {
        (void) snprintf(text[0], sizeof(text[0]), "%06u", codes[i] % 1000000);
        (void) snprintf(text[1], sizeof(text[1]), "%06u", codes[i + 1] % 1000000);
        assert_int_equal(otp_resync(ring, &key, otp_span_of(text[0]), otp_span_of(text[1]), OTP_FAKE_NOW, &next),
                         i == 0 ? OTP_OK : OTP_INVALID);
    }
}


static void test_second_code_is_spent_and_the_drift_learned(void **state)
{
    otp_key_t key = timed_key(), next, expected;

    (void) state;
    assert_int_equal(resync(&key, OTP_FAKE_STEP + 100, OTP_FAKE_STEP + 101, &next), OTP_OK);
    expected = key;
    expected.step = OTP_FAKE_STEP + 101;
    expected.drift = expected.drift_first = 101;
    expected.drift_since = OTP_FAKE_NOW;
    assert_memory_equal(&next, &expected, sizeof(next));

    key.drift_first = -3;
    key.drift_since = OTP_FAKE_NOW - 86400;
    assert_int_equal(resync(&key, OTP_FAKE_STEP + 100, OTP_FAKE_STEP + 101, &next), OTP_OK);
    assert_int_equal(next.drift, 101);
    assert_int_equal(next.drift_first, -3);
    assert_int_equal(next.drift_since, OTP_FAKE_NOW - 86400);
}


static void test_spent_codes_set_no_clock_back(void **state)
{
    otp_key_t key = timed_key();

    (void) state;
    key.step = OTP_FAKE_STEP;
    assert_misfit(&key, OTP_FAKE_STEP - 200, OTP_FAKE_STEP - 199);
    assert_misfit(&key, OTP_FAKE_STEP - 1, OTP_FAKE_STEP);
    assert_misfit(&key, OTP_FAKE_STEP, OTP_FAKE_STEP + 1);
    assert_found(&key, OTP_FAKE_STEP + 1);

    key.step = OTP_FAKE_STEP + 2 * REACH;
    assert_misfit(&key, OTP_FAKE_STEP, OTP_FAKE_STEP + 1);
    assert_misfit(&key, OTP_FAKE_STEP + REACH, OTP_FAKE_STEP + REACH + 1);
}


static void test_same_two_codes_do_it_once(void **state)
{
    otp_key_t key = timed_key(), next, again;

    (void) state;
    assert_int_equal(resync(&key, OTP_FAKE_STEP + 5, OTP_FAKE_STEP + 6, &next), OTP_OK);
    assert_int_equal(resync(&next, OTP_FAKE_STEP + 5, OTP_FAKE_STEP + 6, &again), OTP_INVALID);
    assert_int_equal(resync(&next, OTP_FAKE_STEP + 6, OTP_FAKE_STEP + 7, &again), OTP_INVALID);
    assert_int_equal(resync(&next, OTP_FAKE_STEP + 7, OTP_FAKE_STEP + 8, &again), OTP_OK);
}


/* ---- keys that count events ---- */

static void test_counter_is_found_a_thousand_events_ahead(void **state)
{
    otp_key_t key = event_key();

    (void) state;
    assert_found(&key, EVENTS + 1);
    assert_found(&key, EVENTS + 512);
    assert_found(&key, EVENTS + 513);
    assert_found(&key, EVENTS + 1000);
    assert_misfit(&key, EVENTS + 1001, EVENTS + 1002);
    key.step = 0;
    assert_found(&key, 1);
}


static void test_spent_codes_set_no_counter_back(void **state)
{
    otp_key_t key = event_key(), next;

    (void) state;
    assert_misfit(&key, EVENTS - 1, EVENTS);
    assert_misfit(&key, EVENTS, EVENTS + 1);
    assert_int_equal(resync(&key, EVENTS + 700, EVENTS + 701, &next), OTP_OK);
    assert_int_equal(next.drift, 0);
    assert_int_equal(next.drift_since, 0);
    assert_misfit(&next, EVENTS + 700, EVENTS + 701);
    assert_misfit(&next, EVENTS + 701, EVENTS + 702);
}


/* ---- what are not two consecutive codes ---- */

static void test_codes_that_do_not_follow_each_other_do_not_fit(void **state)
{
    otp_key_t timed = timed_key(), event = event_key();

    (void) state;
    assert_misfit(&timed, OTP_FAKE_STEP, OTP_FAKE_STEP);
    assert_misfit(&timed, OTP_FAKE_STEP, OTP_FAKE_STEP - 1);
    assert_misfit(&timed, OTP_FAKE_STEP, OTP_FAKE_STEP + 2);
    assert_misfit(&event, EVENTS + 3, EVENTS + 3);
    assert_misfit(&event, EVENTS + 4, EVENTS + 3);
    assert_misfit(&event, EVENTS + 3, EVENTS + 5);
}


/* A key may show the same code in two steps, one after the other. */
static void test_one_code_twice_does_not_fit_even_where_the_key_shows_it_twice(void **state)
{
    static const uint8_t nonce[OTP_RANDOM_NONCE];
    otp_span_t           seed = OTP_SPAN("12345678901234567890");
    otp_key_t            key = event_key(), next;
    uint32_t             codes[2];
    char                 text[8];
    int64_t              counter = 0;

    (void) state;
    assert_int_equal(otp_key_seal(ring, &key, seed, nonce), OTP_OK);
    do {
        counter++;
        assert_int_equal(otp_hotp_codes(OTP_SHA1, seed, 6, counter, 2, codes), OTP_OK);
    } while (codes[0] != codes[1]);
    key.step = counter - 5;
    (void) snprintf(text, sizeof(text), "%06u", codes[0] % 1000000);
    assert_int_equal(otp_resync(ring, &key, otp_span_of(text), otp_span_of(text), OTP_FAKE_NOW, &next), OTP_INVALID);
    assert_memory_equal(&next, &key, sizeof(next));
}


static void test_what_are_no_codes_do_not_fit(void **state)
{
    static const char *const wrong[] = { "", "1", "12345", "1234567", "12345a", "abcdef", " 12345", "4294967295" };
    otp_key_t                keys[] = { timed_key(), event_key() }, next;

    (void) state;
    keys[1].step = 0;
    for (size_t i = 0; i < 2; i++) {
        int64_t             step = otp_key_step(&keys[i], OTP_FAKE_NOW) + 1;
        otp_fake_passcode_t first = code_of(&keys[i], step), second = code_of(&keys[i], step + 1);
        otp_span_t          good = otp_span_of(first.text), after = otp_span_of(second.text);

        for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
            otp_span_t bad = otp_span_of(wrong[j]);

            assert_int_equal(otp_resync(ring, &keys[i], bad, after, OTP_FAKE_NOW, &next), OTP_INVALID);
            assert_int_equal(otp_resync(ring, &keys[i], good, bad, OTP_FAKE_NOW, &next), OTP_INVALID);
            assert_int_equal(otp_resync(ring, &keys[i], bad, bad, OTP_FAKE_NOW, &next), OTP_INVALID);
        }
    }
}


static void test_seed_that_does_not_open_is_a_failure_and_no_misfit(void **state)
{
    otp_key_t key = timed_key(), next;
    int64_t   step;

    (void) state;
    key.seed[12] = key.seed[12] == 'A' ? 'B' : 'A';
    assert_int_equal(otp_resync(ring, &key, OTP_SPAN("123456"), OTP_SPAN("654321"), OTP_FAKE_NOW, &next), OTP_FAILED);
    assert_int_equal(otp_key_shows(ring, &key, OTP_SPAN("123456"), OTP_FAKE_NOW, &limits, &step), OTP_FAILED);
}


/* ---- one code ---- */

static otp_status_t shows(const otp_key_t *key, int64_t step)
{
    int64_t             found = -1;
    otp_fake_passcode_t code = code_of(key, step);
    otp_status_t        status = otp_key_shows(ring, key, otp_span_of(code.text), OTP_FAKE_NOW, &limits, &found);

    if (status == OTP_OK) {
        assert_int_equal(found, step);
    }

    return status;
}


static void test_key_is_known_by_a_code_of_its_wide_window(void **state)
{
    otp_key_t timed = timed_key(), event = event_key();

    (void) state;
    for (int64_t i = -12; i <= 12; i++) {
        assert_int_equal(shows(&timed, OTP_FAKE_STEP + i), i >= -10 && i <= 10 ? OTP_OK : OTP_INVALID);
    }
    assert_int_equal(shows(&event, EVENTS + 1), OTP_OK);
    assert_int_equal(shows(&event, EVENTS + 50), OTP_OK);
    assert_int_equal(shows(&event, EVENTS + 51), OTP_INVALID);
}


static void test_spent_code_makes_no_key_known(void **state)
{
    otp_key_t timed = timed_key(), event = event_key();

    (void) state;
    timed.step = OTP_FAKE_STEP;
    assert_int_equal(shows(&timed, OTP_FAKE_STEP - 1), OTP_INVALID);
    assert_int_equal(shows(&timed, OTP_FAKE_STEP), OTP_INVALID);
    assert_int_equal(shows(&timed, OTP_FAKE_STEP + 1), OTP_OK);
    assert_int_equal(shows(&event, EVENTS), OTP_INVALID);
}


/* The serial and the code are asked for, not the passcode. */
static void test_code_alone_is_looked_for_even_of_a_key_with_a_pin(void **state)
{
    otp_key_t           key = timed_key();
    int64_t             step;
    otp_fake_passcode_t passcode = otp_fake_passcode(OTP_FAKE_PIN, SERIAL, OTP_FAKE_STEP);

    (void) state;
    assert_int_equal(shows(&key, OTP_FAKE_STEP), OTP_OK);
    assert_int_equal(otp_key_shows(ring, &key, otp_span_of(passcode.text), OTP_FAKE_NOW, &limits, &step), OTP_INVALID);
    assert_int_equal(otp_key_shows(ring, &key, OTP_SPAN(""), OTP_FAKE_NOW, &limits, &step), OTP_INVALID);
    assert_int_equal(otp_key_shows(ring, &key, OTP_SPAN("12345x"), OTP_FAKE_NOW, &limits, &step), OTP_INVALID);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_is_found_twelve_hours_either_side),
        cmocka_unit_test(test_every_step_of_the_search_is_found),
        cmocka_unit_test(test_search_follows_the_learned_drift),
        cmocka_unit_test(test_twelve_hours_are_so_many_steps_as_the_period_makes),
        cmocka_unit_test(test_second_code_is_spent_and_the_drift_learned),
        cmocka_unit_test(test_spent_codes_set_no_clock_back),
        cmocka_unit_test(test_same_two_codes_do_it_once),
        cmocka_unit_test(test_counter_is_found_a_thousand_events_ahead),
        cmocka_unit_test(test_spent_codes_set_no_counter_back),
        cmocka_unit_test(test_codes_that_do_not_follow_each_other_do_not_fit),
        cmocka_unit_test(test_one_code_twice_does_not_fit_even_where_the_key_shows_it_twice),
        cmocka_unit_test(test_what_are_no_codes_do_not_fit),
        cmocka_unit_test(test_seed_that_does_not_open_is_a_failure_and_no_misfit),
        cmocka_unit_test(test_key_is_known_by_a_code_of_its_wide_window),
        cmocka_unit_test(test_spent_code_makes_no_key_known),
        cmocka_unit_test(test_code_alone_is_looked_for_even_of_a_key_with_a_pin),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
