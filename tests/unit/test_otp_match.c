#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/decide/otp_match.h"
#include "otp_fake_key.h"

#define SERIAL "K-1"

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


static otp_match_t match(const otp_key_t *key, const char *passcode)
{
    otp_match_t found = { 0 };

    assert_int_equal(otp_match_passcode(ring, &limits, key, otp_span_of(passcode), OTP_FAKE_NOW, &found), OTP_OK);

    return found;
}


static otp_key_t key_with_pin(void)
{
    otp_key_t key;

    otp_fake_key(ring, &key, SERIAL, OTP_FAKE_PIN);

    return key;
}


static void assert_code(const otp_key_t *key, int64_t step, otp_code_t code)
{
    otp_match_t found = match(key, otp_fake_passcode(OTP_FAKE_PIN, SERIAL, step).text);

    assert_true(found.pin_right);
    assert_int_equal(found.code, code);
    if (code != OTP_CODE_WRONG) {
        assert_int_equal(found.step, step);
    }
}


/* ---- the window ---- */

static void test_codes_of_the_window_are_fresh_and_beyond_it_wide(void **state)
{
    otp_key_t key = key_with_pin();

    (void) state;
    for (int64_t i = -12; i <= 12; i++) {
        assert_code(&key, OTP_FAKE_STEP + i,
                    i >= -1 && i <= 1 ? OTP_CODE_FRESH : i >= -10 && i <= 10 ? OTP_CODE_WIDE : OTP_CODE_WRONG);
    }
}


static void test_window_follows_the_learned_drift(void **state)
{
    otp_key_t key = key_with_pin();

    (void) state;
    key.drift = 5;
    assert_code(&key, OTP_FAKE_STEP + 3, OTP_CODE_WIDE);
    assert_code(&key, OTP_FAKE_STEP + 4, OTP_CODE_FRESH);
    assert_code(&key, OTP_FAKE_STEP + 6, OTP_CODE_FRESH);
    assert_code(&key, OTP_FAKE_STEP + 7, OTP_CODE_WIDE);
    assert_code(&key, OTP_FAKE_STEP + 16, OTP_CODE_WRONG);
    key.drift = -5;
    assert_code(&key, OTP_FAKE_STEP - 4, OTP_CODE_FRESH);
    assert_code(&key, OTP_FAKE_STEP, OTP_CODE_WIDE);
}


static void test_codes_at_or_before_the_last_step_are_spent(void **state)
{
    otp_key_t key = key_with_pin();

    (void) state;
    key.step = OTP_FAKE_STEP;
    assert_code(&key, OTP_FAKE_STEP - 10, OTP_CODE_SPENT);
    assert_code(&key, OTP_FAKE_STEP - 1, OTP_CODE_SPENT);
    assert_code(&key, OTP_FAKE_STEP, OTP_CODE_SPENT);
    assert_code(&key, OTP_FAKE_STEP + 1, OTP_CODE_FRESH);
    assert_code(&key, OTP_FAKE_STEP + 2, OTP_CODE_WIDE);
}


static void test_operator_chooses_the_windows(void **state)
{
    otp_limits_t        own = OTP_LIMITS_DEFAULT;
    otp_key_t           key = key_with_pin();
    otp_match_t         found = { 0 };
    otp_fake_passcode_t passcode = otp_fake_passcode(OTP_FAKE_PIN, SERIAL, OTP_FAKE_STEP + 2);
    otp_span_t          later = otp_span_of(passcode.text);

    (void) state;
    own.window = 2;
    assert_int_equal(otp_match_passcode(ring, &own, &key, later, OTP_FAKE_NOW, &found), OTP_OK);
    assert_int_equal(found.code, OTP_CODE_FRESH);
    own.window = own.wide_window = 0;
    assert_int_equal(otp_match_passcode(ring, &own, &key, later, OTP_FAKE_NOW, &found), OTP_OK);
    assert_int_equal(found.code, OTP_CODE_WRONG);
    own.wide_window = OTP_WINDOW_MAX + 1;
    assert_int_equal(otp_match_passcode(ring, &own, &key, later, OTP_FAKE_NOW, &found), OTP_FAILED);
}


static void test_near_is_what_is_fresh(void **state)
{
    otp_key_t key = key_with_pin();

    (void) state;
    for (int64_t i = -12; i <= 12; i++) {
        assert_int_equal(otp_key_near(&key, &limits, OTP_FAKE_STEP + i, OTP_FAKE_NOW), i >= -1 && i <= 1);
    }
    key.step = OTP_FAKE_STEP;
    assert_false(otp_key_near(&key, &limits, OTP_FAKE_STEP, OTP_FAKE_NOW));
    assert_true(otp_key_near(&key, &limits, OTP_FAKE_STEP + 1, OTP_FAKE_NOW));
}


/* ---- keys that count events ---- */

static otp_key_t event_key(int64_t step)
{
    otp_key_t key;

    otp_fake_key_event(ring, &key, SERIAL, OTP_FAKE_PIN);
    key.step = step;

    return key;
}


static void assert_event(const otp_key_t *key, int64_t step, otp_code_t code)
{
    otp_match_t found = match(key, otp_fake_passcode(OTP_FAKE_PIN, SERIAL, step - 1).text);

    assert_true(found.pin_right);
    assert_int_equal(found.code, code);
    if (code != OTP_CODE_WRONG) {
        assert_int_equal(found.step, step);
    }
    assert_int_equal(otp_key_near(key, &limits, step, OTP_FAKE_NOW), code == OTP_CODE_FRESH);
}


static void test_next_ten_events_are_fresh_and_fifty_are_looked_at(void **state)
{
    otp_key_t key = event_key(1000);

    (void) state;
    assert_event(&key, 950, OTP_CODE_WRONG);
    assert_event(&key, 951, OTP_CODE_SPENT);
    assert_event(&key, 1000, OTP_CODE_SPENT);
    assert_event(&key, 1001, OTP_CODE_FRESH);
    assert_event(&key, 1010, OTP_CODE_FRESH);
    assert_event(&key, 1011, OTP_CODE_WIDE);
    assert_event(&key, 1050, OTP_CODE_WIDE);
    assert_event(&key, 1051, OTP_CODE_WRONG);
}


static void test_first_event_of_a_new_key_is_fresh(void **state)
{
    otp_key_t key = event_key(0);

    (void) state;
    assert_event(&key, 1, OTP_CODE_FRESH);
    assert_event(&key, 10, OTP_CODE_FRESH);
    assert_event(&key, 11, OTP_CODE_WIDE);
}


/* Its window begins before the first event: nothing must equal what is no code. */
static void test_no_code_is_not_what_a_new_key_shows_before_its_first_event(void **state)
{
    static const char *const passcodes[] = { "", "2580", "2580abcdef", "2580 12345", "25804294967295", "4294967295" };
    otp_key_t                key = event_key(0);

    (void) state;
    for (size_t i = 0; i < sizeof(passcodes) / sizeof(passcodes[0]); i++) {
        assert_int_equal(match(&key, passcodes[i]).code, OTP_CODE_WRONG);
    }
}


static void test_time_does_not_move_a_key_that_counts_events(void **state)
{
    otp_key_t   key = event_key(1000);
    otp_match_t found = { 0 };
    otp_span_t  passcode;

    (void) state;
    key.drift = 77;
    otp_fake_passcode_t next = otp_fake_passcode(OTP_FAKE_PIN, SERIAL, 1000);

    passcode = otp_span_of(next.text);
    for (int64_t later = 0; later <= 1000000000; later += 500000000) {
        assert_int_equal(otp_match_passcode(ring, &limits, &key, passcode, OTP_FAKE_NOW + later, &found), OTP_OK);
        assert_int_equal(found.code, OTP_CODE_FRESH);
        assert_int_equal(otp_key_step(&key, OTP_FAKE_NOW + later), 1000);
        assert_int_equal(otp_key_wait(&key, 1000, OTP_FAKE_NOW + later), 1);
        assert_int_equal(otp_key_wait(&key, 2000, OTP_FAKE_NOW + later), 1);
    }
}


static void test_operator_chooses_how_far_to_look_ahead(void **state)
{
    otp_limits_t        own = OTP_LIMITS_DEFAULT;
    otp_key_t           key = event_key(1000);
    otp_match_t         found = { 0 };
    otp_fake_passcode_t passcode = otp_fake_passcode(OTP_FAKE_PIN, SERIAL, 1019);
    otp_span_t          ahead = otp_span_of(passcode.text);

    (void) state;
    own.look_ahead = 20;
    assert_int_equal(otp_match_passcode(ring, &own, &key, ahead, OTP_FAKE_NOW, &found), OTP_OK);
    assert_int_equal(found.code, OTP_CODE_FRESH);
    own.look_ahead = own.look_ahead_wide = 19;
    assert_int_equal(otp_match_passcode(ring, &own, &key, ahead, OTP_FAKE_NOW, &found), OTP_OK);
    assert_int_equal(found.code, OTP_CODE_WRONG);
    own.look_ahead_wide = OTP_WINDOW_MAX;
    assert_int_equal(otp_match_passcode(ring, &own, &key, ahead, OTP_FAKE_NOW, &found), OTP_OK);
    assert_int_equal(found.code, OTP_CODE_WIDE);
    own.look_ahead_wide = OTP_WINDOW_MAX + 1;
    assert_int_equal(otp_match_passcode(ring, &own, &key, ahead, OTP_FAKE_NOW, &found), OTP_FAILED);
}


static void test_next_code_of_an_event_key_is_that_of_the_step_alone(void **state)
{
    otp_key_t key = event_key(1000);
    bool      right, again;

    (void) state;
    for (int64_t i = -2; i <= 2; i++) {
        assert_int_equal(otp_match_step(ring, &key, otp_span_of(otp_fake_passcode("", SERIAL, 1000 + i).text), 1001,
                                        &right, &again), OTP_OK);
        assert_int_equal(right, i == 0);
        assert_int_equal(again, i == -1);
    }
}


/* ---- SecurID ---- */

/* What `stoken tokencode --pin=0000 --use-time=…` shows of this token, which is nobody's. */
static void test_securid_key_is_matched_by_its_own_codes(void **state)
{
    static const uint8_t nonce[OTP_RANDOM_NONCE];
    otp_key_t            key = key_with_pin();
    otp_match_t          found;

    (void) state;
    key.type = OTP_TYPE_SECURID;
    assert_int_equal(otp_key_seal(ring, &key, OTP_SPAN("209594812462953760247622117602126443110523773552437163404152155"
                                                       "376343272716776360"), nonce), OTP_OK);
    found = match(&key, OTP_FAKE_PIN "248532");
    assert_true(found.pin_right);
    assert_int_equal(found.code, OTP_CODE_FRESH);
    assert_int_equal(found.step, OTP_FAKE_STEP);
    key.step = OTP_FAKE_STEP;
    assert_int_equal(match(&key, OTP_FAKE_PIN "248532").code, OTP_CODE_SPENT);
    key.digits = 8;
    assert_int_equal(otp_match_passcode(ring, &limits, &key, OTP_SPAN("2580248532"), OTP_FAKE_NOW, &found), OTP_FAILED);
}


/* ---- PIN and code ---- */

static void test_pin_and_code_are_judged_apart(void **state)
{
    otp_key_t   key = key_with_pin();
    otp_match_t found;

    (void) state;
    found = match(&key, otp_fake_passcode("2581", SERIAL, OTP_FAKE_STEP).text);
    assert_false(found.pin_right);
    assert_int_equal(found.code, OTP_CODE_FRESH);
    found = match(&key, otp_fake_wrong(OTP_FAKE_PIN, SERIAL, OTP_FAKE_STEP).text);
    assert_true(found.pin_right);
    assert_int_equal(found.code, OTP_CODE_WRONG);
    found = match(&key, otp_fake_passcode("", SERIAL, OTP_FAKE_STEP).text);
    assert_false(found.pin_right);
    assert_int_equal(found.code, OTP_CODE_FRESH);
}


static void test_key_without_pin_takes_the_code_alone(void **state)
{
    otp_key_t   key;
    otp_match_t found;

    (void) state;
    otp_fake_key(ring, &key, SERIAL, NULL);
    found = match(&key, otp_fake_passcode("", SERIAL, OTP_FAKE_STEP).text);
    assert_true(found.pin_right);
    assert_int_equal(found.code, OTP_CODE_FRESH);
    found = match(&key, otp_fake_passcode("2580", SERIAL, OTP_FAKE_STEP).text);
    assert_false(found.pin_right);
    assert_int_equal(found.code, OTP_CODE_FRESH);
}


static void test_what_is_no_code_is_wrong(void **state)
{
    static const char *const passcodes[] = {
        "", "2", "2580", "25801", "2580abcdef", "2580 12345", "2580-12345", "2580+12345", "2580１23",
    };
    otp_key_t key = key_with_pin();

    (void) state;
    for (size_t i = 0; i < sizeof(passcodes) / sizeof(passcodes[0]); i++) {
        assert_int_equal(match(&key, passcodes[i]).code, OTP_CODE_WRONG);
    }
}


/* 1000000 steps hold codes with leading zeros: they are six digits, not a number. */
static void test_leading_zeros_belong_to_the_code(void **state)
{
    otp_key_t           key = key_with_pin();
    otp_fake_passcode_t passcode;
    int64_t             step = OTP_FAKE_STEP;

    (void) state;
    while (otp_fake_passcode("", SERIAL, step).text[0] != '0') {
        step++;
    }
    key.drift = step - OTP_FAKE_STEP;
    passcode = otp_fake_passcode(OTP_FAKE_PIN, SERIAL, step);
    assert_int_equal(match(&key, passcode.text).code, OTP_CODE_FRESH);
    memmove(passcode.text + 4, passcode.text + 5, 6);
    assert_false(match(&key, passcode.text).pin_right);
}


static void test_eight_digits_sha256_and_thirty_seconds_are_matched_by_their_own_codes(void **state)
{
    static const uint8_t nonce[OTP_RANDOM_NONCE];
    otp_key_t            key = key_with_pin();
    uint32_t             code;
    char                 passcode[32];
    otp_span_t           seed = OTP_SPAN("12345678901234567890123456789012");

    (void) state;
    key.algorithm = OTP_SHA256;
    key.digits = 8;
    key.period_s = 30;
    assert_int_equal(otp_key_seal(ring, &key, seed, nonce), OTP_OK);
    assert_int_equal(otp_hotp_codes(OTP_SHA256, seed, 8, OTP_FAKE_NOW / 30, 1, &code), OTP_OK);
    (void) snprintf(passcode, sizeof(passcode), "%s%08u", OTP_FAKE_PIN, code);
    assert_int_equal(match(&key, passcode).code, OTP_CODE_FRESH);
    assert_true(match(&key, passcode).pin_right);
}


static void test_seed_that_does_not_open_is_a_failure_and_no_verdict(void **state)
{
    otp_key_t   key = key_with_pin();
    otp_match_t found;
    bool        right, again;

    (void) state;
    key.seed[12] = key.seed[12] == 'A' ? 'B' : 'A';
    assert_int_equal(otp_match_passcode(ring, &limits, &key, OTP_SPAN("2580123456"), OTP_FAKE_NOW, &found), OTP_FAILED);
    assert_int_equal(otp_match_step(ring, &key, OTP_SPAN("123456"), OTP_FAKE_STEP, &right, &again), OTP_FAILED);
}


/* ---- two codes ---- */

static void test_next_code_is_that_of_the_step_alone(void **state)
{
    otp_key_t key = key_with_pin();
    bool      right, again;

    (void) state;
    for (int64_t i = -2; i <= 2; i++) {
        assert_int_equal(otp_match_step(ring, &key, otp_span_of(otp_fake_passcode("", SERIAL, OTP_FAKE_STEP + i).text),
                                        OTP_FAKE_STEP, &right, &again), OTP_OK);
        assert_int_equal(right, i == 0);
        assert_int_equal(again, i == -1);
    }
    assert_int_equal(otp_match_step(ring, &key, otp_span_of(otp_fake_passcode("2", SERIAL, OTP_FAKE_STEP).text),
                                    OTP_FAKE_STEP, &right, &again), OTP_OK);
    assert_false(right || again);
    assert_int_equal(otp_match_step(ring, &key, OTP_SPAN(""), OTP_FAKE_STEP, &right, &again), OTP_OK);
    assert_false(right || again);
}


/* ---- time ---- */

static void test_wait_is_until_the_display_of_this_key_changes(void **state)
{
    otp_key_t key = key_with_pin();

    (void) state;
    assert_int_equal(otp_key_step(&key, OTP_FAKE_NOW), OTP_FAKE_STEP);
    assert_int_equal(otp_key_wait(&key, OTP_FAKE_STEP, OTP_FAKE_NOW), 40);
    assert_int_equal(otp_key_wait(&key, OTP_FAKE_STEP, OTP_FAKE_NOW + 39), 1);
    assert_int_equal(otp_key_wait(&key, OTP_FAKE_STEP + 1, OTP_FAKE_NOW), 100);
    assert_int_equal(otp_key_wait(&key, OTP_FAKE_STEP - 5, OTP_FAKE_NOW), 1);
    key.drift = 3;
    assert_int_equal(otp_key_step(&key, OTP_FAKE_NOW), OTP_FAKE_STEP + 3);
    assert_int_equal(otp_key_wait(&key, OTP_FAKE_STEP + 3, OTP_FAKE_NOW), 40);
}


static void test_accepted_step_teaches_the_drift(void **state)
{
    otp_key_t key = key_with_pin();

    (void) state;
    otp_key_learn(&key, OTP_FAKE_STEP + 4, OTP_FAKE_NOW);
    assert_int_equal(key.step, OTP_FAKE_STEP + 4);
    assert_int_equal(key.drift, 4);
    assert_int_equal(key.drift_first, 4);
    assert_int_equal(key.drift_since, OTP_FAKE_NOW);
    otp_key_learn(&key, OTP_FAKE_STEP + 10, OTP_FAKE_NOW + 300);
    assert_int_equal(key.step, OTP_FAKE_STEP + 10);
    assert_int_equal(key.drift, 5);
    assert_int_equal(key.drift_first, 4);
    assert_int_equal(key.drift_since, OTP_FAKE_NOW);
}


static void test_event_key_learns_no_drift(void **state)
{
    otp_key_t key = event_key(1000);

    (void) state;
    otp_key_learn(&key, 1007, OTP_FAKE_NOW);
    assert_int_equal(key.step, 1007);
    assert_int_equal(key.drift, 0);
    assert_int_equal(key.drift_first, 0);
    assert_int_equal(key.drift_since, 0);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_of_the_window_are_fresh_and_beyond_it_wide),
        cmocka_unit_test(test_window_follows_the_learned_drift),
        cmocka_unit_test(test_codes_at_or_before_the_last_step_are_spent),
        cmocka_unit_test(test_operator_chooses_the_windows),
        cmocka_unit_test(test_near_is_what_is_fresh),
        cmocka_unit_test(test_next_ten_events_are_fresh_and_fifty_are_looked_at),
        cmocka_unit_test(test_first_event_of_a_new_key_is_fresh),
        cmocka_unit_test(test_no_code_is_not_what_a_new_key_shows_before_its_first_event),
        cmocka_unit_test(test_time_does_not_move_a_key_that_counts_events),
        cmocka_unit_test(test_operator_chooses_how_far_to_look_ahead),
        cmocka_unit_test(test_next_code_of_an_event_key_is_that_of_the_step_alone),
        cmocka_unit_test(test_securid_key_is_matched_by_its_own_codes),
        cmocka_unit_test(test_pin_and_code_are_judged_apart),
        cmocka_unit_test(test_key_without_pin_takes_the_code_alone),
        cmocka_unit_test(test_what_is_no_code_is_wrong),
        cmocka_unit_test(test_leading_zeros_belong_to_the_code),
        cmocka_unit_test(test_eight_digits_sha256_and_thirty_seconds_are_matched_by_their_own_codes),
        cmocka_unit_test(test_seed_that_does_not_open_is_a_failure_and_no_verdict),
        cmocka_unit_test(test_next_code_is_that_of_the_step_alone),
        cmocka_unit_test(test_wait_is_until_the_display_of_this_key_changes),
        cmocka_unit_test(test_accepted_step_teaches_the_drift),
        cmocka_unit_test(test_event_key_learns_no_drift),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
