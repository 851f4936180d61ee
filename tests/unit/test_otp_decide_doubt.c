#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/decide/otp_decide.h"
#include "otp_fake_key.h"

/* Codes that the record does not know as spent, and that may be all the same: the floor, and a gateway's memory. */

#define A       "K-A"
#define B       "K-B"
#define PIN     OTP_FAKE_PIN
#define STEP    OTP_FAKE_STEP
#define BEGIN   (OTP_FAKE_STEP * 60)    /* the second in which the step of OTP_FAKE_NOW began */
/* Of a key that counts events: one less than the step. */
#define PASSCODE(pin, serial, step) otp_fake_passcode(pin, serial, step).text

static struct {
    otp_keyring_t  *ring;
    otp_limits_t    limits;
    otp_account_t   account, before;
    otp_decision_t  decision;
    otp_submitted_t in;
    int64_t         now;
    unsigned        ids;
} desk;


static int open_ring(void **state)
{
    (void) state;
    desk.ring = otp_fake_ring();
    return 0;
}


static int close_ring(void **state)
{
    (void) state;
    otp_keyring_destroy(desk.ring);
    return 0;
}


/* Somebody at the first page who has one key, with PIN. */
static int begin(void **state)
{
    (void) state;
    desk.limits = (otp_limits_t) OTP_LIMITS_DEFAULT;
    otp_account_init(&desk.account, OTP_SPAN("marie"));
    desk.account.keys = 1;
    otp_fake_key(desk.ring, &desk.account.key[0], A, PIN);
    memset(&desk.in, 0, sizeof(desk.in));
    desk.in.first_use = true;
    desk.now = OTP_FAKE_NOW;
    return 0;
}


static int begin_without_pin(void **state)
{
    (void) begin(state);
    memset(&desk.account.key[0].pin, 0, sizeof(desk.account.key[0].pin));
    return 0;
}


static int begin_event(void **state)
{
    (void) begin(state);
    otp_fake_key_event(desk.ring, &desk.account.key[0], A, PIN);
    desk.account.key[0].step = 100;
    return 0;
}


static otp_verdict_t submit(otp_submission_t kind)
{
    otp_account_t next;

    desk.in.kind = kind;
    desk.in.now_s = desk.now;
    desk.ids++;
    memcpy(desk.in.random_id, &desk.ids, sizeof(desk.ids));
    assert_int_equal(otp_decide(desk.ring, &desk.limits, &desk.account, &desk.in, &next, &desk.decision), OTP_OK);
    desk.before = desk.account;
    desk.account = next;

    return desk.decision.verdict;
}


static otp_verdict_t passcode(const char *text)
{
    desk.in.passcode = otp_span_of(text);
    return submit(OTP_SUBMIT_PASSCODE);
}


static otp_verdict_t next_code(const char *text)
{
    otp_verdict_t verdict;
    char          id[OTP_PENDING_ID_LEN + 1];

    memcpy(id, desk.account.pending.id, sizeof(id));
    desk.in.pending_id = otp_span_of(id);
    desk.in.passcode = otp_span_of(text);
    verdict = submit(OTP_SUBMIT_NEXT_CODE);
    desk.in.pending_id = OTP_SPAN_NONE;

    return verdict;
}


static otp_verdict_t change_pin(const char *text)
{
    desk.in.passcode = otp_span_of(text);
    desk.in.pin = desk.in.pin_confirm = OTP_SPAN("7294");
    desk.in.signed_in = true;
    return submit(OTP_SUBMIT_PIN_CHANGE);
}


/* The passcode was right and too early: nothing is written, nothing is told, and the wait is this long. */
static void assert_awaited(otp_verdict_t verdict, int64_t wait_s)
{
    assert_int_equal(verdict, OTP_VERDICT_WAIT_NEXT_CODE);
    assert_false(desk.decision.changed);
    assert_memory_equal(&desk.account, &desk.before, sizeof(desk.account));
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_NONE);
    assert_int_equal(desk.decision.mail, OTP_MAIL_NONE);
    assert_int_equal(desk.decision.wait_s, wait_s);
}


/* ---- the floor ---- */

static void test_without_floor_and_memory_the_record_alone_speaks(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP)), OTP_VERDICT_OK);
}


/* Until the window of the floor is over: a key that is a step ahead showed that step already. */
static void test_codes_that_could_be_accepted_at_the_floor_are_awaited(void **state)
{
    (void) state;
    desk.in.floor_s = BEGIN;
    assert_awaited(passcode(PASSCODE(PIN, A, STEP - 1)), 2 * 60 - 20);
    assert_awaited(passcode(PASSCODE(PIN, A, STEP)), 2 * 60 - 20);
    assert_awaited(passcode(PASSCODE(PIN, A, STEP + 1)), 2 * 60 - 20);
    desk.now += 60;
    assert_awaited(passcode(PASSCODE(PIN, A, STEP + 1)), 2 * 60 - 80);
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP + 2)), OTP_VERDICT_OK);
}


static void test_step_that_began_exactly_at_the_floor_is_below_it(void **state)
{
    (void) state;
    desk.limits.window = 0;
    desk.in.floor_s = BEGIN;
    assert_awaited(passcode(PASSCODE(PIN, A, STEP)), 40);
    desk.in.floor_s = BEGIN - 1;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP)), OTP_VERDICT_OK);
}


static void test_first_code_after_the_wait_is_accepted(void **state)
{
    (void) state;
    for (int64_t at = 0; at < 60; at++) {
        (void) begin(state);
        desk.now = BEGIN + at;
        desk.in.floor_s = desk.now;
        assert_int_equal(passcode(PASSCODE(PIN, A, STEP)), OTP_VERDICT_WAIT_NEXT_CODE);
        desk.now += desk.decision.wait_s;
        assert_true(desk.now - desk.in.floor_s <= 120);
        assert_int_equal(passcode(PASSCODE(PIN, A, desk.now / 60)), OTP_VERDICT_OK);
    }
}


/* What was learned of its clock moves the floor along. */
static void test_floor_is_one_of_the_clock_of_the_key(void **state)
{
    (void) state;
    desk.in.floor_s = BEGIN;
    desk.account.key[0].drift = 5;
    assert_awaited(passcode(PASSCODE(PIN, A, STEP + 6)), 100);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP + 7)), OTP_VERDICT_OK);

    (void) begin(state);
    desk.in.floor_s = BEGIN;
    desk.account.key[0].drift = -5;
    assert_awaited(passcode(PASSCODE(PIN, A, STEP - 4)), 100);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP - 3)), OTP_VERDICT_OK);
}


/* The record says -1 because the last code was typed late; the write that knew better is lost. */
static void test_code_accepted_as_one_ahead_of_the_drift_is_below_the_floor(void **state)
{
    otp_account_t older;

    (void) state;
    desk.account.key[0].drift = -1;
    older = desk.account;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP)), OTP_VERDICT_OK);
    assert_int_equal(desk.account.key[0].drift, 0);
    desk.account = older;
    desk.in.floor_s = desk.now + 1;
    for (; desk.now < OTP_FAKE_NOW + 600; desk.now += 10) {
        assert_int_not_equal(passcode(PASSCODE(PIN, A, STEP)), OTP_VERDICT_OK);
        desk.account = older;
    }
}


static void test_floor_goes_by_the_period_of_the_key(void **state)
{
    otp_key_t   key;
    otp_doubt_t doubt = { .floor_s = BEGIN };

    (void) state;
    otp_fake_key(desk.ring, &key, A, PIN);
    for (int64_t period = 30; period <= 60; period += 30) {
        key.period_s = period;
        assert_int_equal(otp_key_doubtful(&key, &desk.limits, &doubt, BEGIN / period, BEGIN), BEGIN / period + 1);
        doubt.floor_s--;
        assert_int_equal(otp_key_doubtful(&key, &desk.limits, &doubt, BEGIN / period, BEGIN), BEGIN / period);
        doubt.floor_s++;
        assert_int_equal(otp_key_doubt_wait(&key, &desk.limits, &doubt, BEGIN / period, BEGIN), 2 * period);
        assert_int_equal(otp_key_doubt_wait(&key, &desk.limits, &doubt, BEGIN / period + 2, BEGIN + 60), 0);
    }
}


/* As it may have been the first of two, up to so many steps ahead. */
static void test_code_of_the_wide_window_is_awaited_by_the_wide_window(void **state)
{
    (void) state;
    desk.in.floor_s = BEGIN;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP + 10)), OTP_VERDICT_WAIT_NEXT_CODE);
    assert_int_equal(desk.decision.wait_s, 40);
    assert_false(desk.decision.changed);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP + 11)), OTP_VERDICT_NEXT_CODE);
    desk.now += 60;
    assert_int_equal(next_code(PASSCODE("", A, STEP + 12)), OTP_VERDICT_OK);
}


static void test_floor_does_not_hold_a_key_that_counts_events(void **state)
{
    (void) state;
    desk.in.floor_s = desk.now;
    assert_int_equal(passcode(PASSCODE(PIN, A, 101 - 1)), OTP_VERDICT_OK);
}


static void test_floor_of_long_ago_holds_nobody(void **state)
{
    (void) state;
    desk.in.floor_s = BEGIN - 3600;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP)), OTP_VERDICT_OK);
}


/* ---- the memory ---- */

static void test_code_that_the_gateway_remembers_is_awaited(void **state)
{
    (void) state;
    desk.in.remembered[0] = STEP;
    assert_awaited(passcode(PASSCODE(PIN, A, STEP - 1)), 40);
    assert_awaited(passcode(PASSCODE(PIN, A, STEP)), 40);
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP + 1)), OTP_VERDICT_OK);
}


static void test_later_one_of_floor_and_memory_counts(void **state)
{
    (void) state;
    desk.in.floor_s = BEGIN - 60;
    desk.in.remembered[0] = STEP + 1;
    assert_awaited(passcode(PASSCODE(PIN, A, STEP + 1)), 100);
    desk.in.remembered[0] = STEP - 1;
    assert_awaited(passcode(PASSCODE(PIN, A, STEP)), 40);
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP + 1)), OTP_VERDICT_OK);
}


static void test_key_that_counts_events_is_remembered_too(void **state)
{
    (void) state;
    desk.in.remembered[0] = 103;
    for (int64_t step = 101; step <= 103; step++) {
        assert_awaited(passcode(PASSCODE(PIN, A, step - 1)), 1);
    }
    assert_int_equal(passcode(PASSCODE(PIN, A, 104 - 1)), OTP_VERDICT_OK);
    assert_int_equal(desk.account.key[0].step, 104);
}


static void test_memory_of_one_key_does_not_hold_another(void **state)
{
    (void) state;
    desk.account.keys = 2;
    otp_fake_key(desk.ring, &desk.account.key[1], B, PIN);
    desk.in.remembered[0] = STEP + 10;
    assert_int_equal(passcode(PASSCODE(PIN, B, STEP)), OTP_VERDICT_OK);
    assert_string_equal(desk.decision.serial, B);
}


/* What the record knows, it says as ever. */
static void test_code_that_the_record_knows_is_a_replay(void **state)
{
    (void) state;
    desk.account.key[0].step = STEP;
    desk.in.remembered[0] = STEP;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP)), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_REPLAY);
    assert_int_equal(desk.decision.retry_after_s, 40);
    desk.in.floor_s = BEGIN;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP)), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(desk.decision.retry_after_s, 100);
}


/* ---- what else there is to be right ---- */

/* Or old codes would let anybody guess PINs without being counted. */
static void test_wrong_pin_with_a_doubtful_code_is_a_failure_and_no_signal(void **state)
{
    (void) state;
    desk.in.floor_s = BEGIN;
    assert_int_equal(passcode(PASSCODE("2581", A, STEP)), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.unknown.failures, 1);
    assert_int_equal(desk.account.key[0].step, 0);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_NONE);
    desk.in.floor_s = 0;
    desk.in.remembered[0] = STEP;
    assert_int_equal(passcode(PASSCODE("2581", A, STEP)), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.unknown.failures, 2);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_NONE);
}


static void test_wrong_code_is_a_failure_whatever_the_floor(void **state)
{
    (void) state;
    desk.in.floor_s = BEGIN;
    assert_int_equal(passcode(otp_fake_wrong(PIN, A, STEP).text), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.unknown.failures, 1);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_PIN_WITHOUT_CODE);
}


static void test_failures_before_stay_counted(void **state)
{
    (void) state;
    desk.account.unknown.failures = 2;
    desk.in.remembered[0] = STEP;
    assert_awaited(passcode(PASSCODE(PIN, A, STEP)), 40);
    assert_int_equal(desk.account.unknown.failures, 2);
}


static void test_disabled_key_and_lock_say_nothing_of_the_floor(void **state)
{
    (void) state;
    desk.in.floor_s = BEGIN;
    desk.account.unknown.locked_until = desk.now + 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP)), OTP_VERDICT_DENIED);
    (void) begin(state);
    desk.in.floor_s = BEGIN;
    desk.account.key[0].state = OTP_KEY_DISABLED;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP)), OTP_VERDICT_DENIED);
}


static void test_key_that_proves_everything_goes_before_a_doubtful_one(void **state)
{
    otp_key_t *second = &desk.account.key[1];

    (void) state;
    desk.account.keys = 2;
    otp_fake_key(desk.ring, second, A, PIN);
    desk.in.remembered[0] = STEP;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP)), OTP_VERDICT_OK);
    assert_int_equal(second->step, STEP);
}


/* ---- every place ---- */

static void test_first_use_awaits_and_opens_no_pin_page(void **state)
{
    (void) state;
    desk.in.floor_s = BEGIN;
    assert_awaited(passcode(PASSCODE("", A, STEP)), 100);
    assert_int_equal(desk.account.pending.kind, OTP_PENDING_NONE);
    desk.now += 100;
    assert_int_equal(passcode(PASSCODE("", A, STEP + 2)), OTP_VERDICT_PIN_REQUIRED);
}


static void test_first_use_without_the_right_to_it_is_denied(void **state)
{
    (void) state;
    desk.in.first_use = false;
    desk.in.floor_s = BEGIN;
    assert_int_equal(passcode(PASSCODE("", A, STEP)), OTP_VERDICT_DENIED);
}


static void test_pin_is_not_changed_by_a_doubtful_code(void **state)
{
    (void) state;
    desk.in.remembered[0] = STEP;
    assert_awaited(change_pin(PASSCODE(PIN, A, STEP)), 40);
    assert_int_equal(change_pin(PASSCODE(PIN, A, STEP + 1)), OTP_VERDICT_OK);
}


static void test_pin_page_that_is_open_stays_so(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE("", A, STEP - 1)), OTP_VERDICT_PIN_REQUIRED);
    desk.in.floor_s = BEGIN;
    assert_awaited(passcode(PASSCODE("", A, STEP)), 100);
    assert_int_equal(desk.account.pending.kind, OTP_PENDING_PIN);
}


/* The code after the PIN page is not one that would be refused then. */
static void test_wait_after_the_pin_page_knows_the_floor(void **state)
{
    char id[OTP_PENDING_ID_LEN + 1];

    (void) state;
    assert_int_equal(passcode(PASSCODE("", A, STEP)), OTP_VERDICT_PIN_REQUIRED);
    memcpy(id, desk.account.pending.id, sizeof(id));
    desk.in.pending_id = otp_span_of(id);
    desk.in.pin = desk.in.pin_confirm = OTP_SPAN("7294");
    desk.in.floor_s = BEGIN;
    assert_int_equal(submit(OTP_SUBMIT_PIN), OTP_VERDICT_WAIT_NEXT_CODE);
    assert_int_equal(desk.decision.wait_s, 100);
}


/* ---- the second of two codes ---- */

static int begin_two(void **state)
{
    (void) begin(state);
    desk.account.unknown.failures = 3;
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP)), OTP_VERDICT_NEXT_CODE);
    return 0;
}


/* Nobody has to begin again, and nothing is counted: the code after it is the second one then. */
static void test_doubtful_second_code_takes_the_place_of_the_first(void **state)
{
    (void) state;
    desk.now += 60;
    desk.in.remembered[0] = STEP + 1;
    assert_int_equal(next_code(PASSCODE("", A, STEP + 1)), OTP_VERDICT_WAIT_NEXT_CODE);
    assert_int_equal(desk.decision.wait_s, 40);
    assert_int_equal(desk.account.pending.kind, OTP_PENDING_NEXT_CODE);
    assert_int_equal(desk.account.unknown.failures, 3);
    assert_int_equal(desk.account.key[0].step, STEP + 1);
    desk.now += 60;
    assert_int_equal(next_code(PASSCODE("", A, STEP + 1)), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(next_code(PASSCODE("", A, STEP + 2)), OTP_VERDICT_OK);
    assert_int_equal(desk.account.unknown.failures, 0);
    assert_int_equal(desk.account.key[0].drift, 0);
}


static void test_second_code_below_the_floor_is_not_the_last_one(void **state)
{
    (void) state;
    desk.now += 60;
    desk.in.floor_s = desk.now;
    assert_int_equal(next_code(PASSCODE("", A, STEP + 1)), OTP_VERDICT_WAIT_NEXT_CODE);
    desk.now += 60;
    assert_int_equal(next_code(PASSCODE("", A, STEP + 2)), OTP_VERDICT_WAIT_NEXT_CODE);
    desk.now += 60;
    assert_int_equal(next_code(PASSCODE("", A, STEP + 3)), OTP_VERDICT_OK);
}


/* Far out of the window the first code says where the key's clock is, and with it the floor. */
static void test_floor_of_two_codes_goes_by_what_the_first_suggests(void **state)
{
    (void) begin(state);
    assert_int_equal(passcode(PASSCODE(PIN, A, STEP - 8)), OTP_VERDICT_NEXT_CODE);
    desk.now += 60;
    desk.in.floor_s = desk.now;
    assert_int_equal(next_code(PASSCODE("", A, STEP - 7)), OTP_VERDICT_WAIT_NEXT_CODE);
    desk.in.floor_s = desk.now - 300;
    desk.now += 60;
    assert_int_equal(next_code(PASSCODE("", A, STEP - 6)), OTP_VERDICT_OK);
    assert_int_equal(desk.account.key[0].drift, -8);
}


static void test_wrong_second_code_stays_a_failure(void **state)
{
    (void) state;
    desk.now += 60;
    desk.in.remembered[0] = STEP + 1;
    assert_int_equal(next_code(otp_fake_wrong("", A, STEP + 1).text), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.unknown.failures, 4);
    assert_int_equal(desk.account.pending.kind, OTP_PENDING_NONE);
}


/* ---- a lost write, at any moment ---- */

/* Whatever the record forgets, no code opens twice: the account is put back to what it was before each acceptance. */
static void test_no_code_opens_twice_though_the_record_is_put_back(void **state)
{
    uint64_t dice = 20261123;
    int64_t  accepted = 0;
    unsigned opened = 0;

    (void) state;
    for (int i = 0; i < 4000; i++) {
        otp_account_t older = desk.account;
        int64_t       step = desk.now / 60 + (int64_t) (otp_fake_random(&dice) % 3) - 1;

        if (passcode(PASSCODE(PIN, A, step)) == OTP_VERDICT_OK) {
            assert_true(step > accepted);
            accepted = step;
            opened++;
            if (otp_fake_random(&dice) % 2 == 0) {
                desk.account = older;
                desk.in.floor_s = desk.now;
            }
        }
        desk.account.unknown.failures = 0;
        desk.now += (int64_t) (otp_fake_random(&dice) % 40);
    }
    assert_true(opened > 200);
}


/* The same by memory alone, in the wide window, with second codes and wrong PINs: what a gateway has seen spent. */
static void test_no_code_opens_twice_at_the_gateway_that_remembers(void **state)
{
    uint64_t dice = 20261124;
    int64_t  accepted = 0;
    unsigned opened = 0, second = 0;

    (void) state;
    for (int i = 0; i < 6000; i++) {
        otp_account_t older = desk.account;
        bool          next = desk.account.pending.kind == OTP_PENDING_NEXT_CODE && otp_fake_random(&dice) % 4 != 0;
        int64_t       step = next ? desk.account.pending.step + 1
                                  : desk.now / 60 + (int64_t) (otp_fake_random(&dice) % 23) - 11;
        otp_verdict_t verdict = next ? next_code(PASSCODE("", A, step))
                                     : passcode(PASSCODE(otp_fake_random(&dice) % 8 == 0 ? "2581" : PIN, A, step));

        if (verdict == OTP_VERDICT_OK) {
            assert_true(step > accepted);
            accepted = step;
            opened++;
            second += next;
        }
        if (desk.account.key[0].step > desk.in.remembered[0]) {
            desk.in.remembered[0] = desk.account.key[0].step;
        }
        if (otp_fake_random(&dice) % 3 == 0) {
            desk.account = older;
        }
        desk.account.unknown.failures = 0;
        desk.account.unknown.locked_until = 0;
        desk.account.key[0].drift = 0;
        desk.now += (int64_t) (otp_fake_random(&dice) % 300);
    }
    assert_true(opened > 200);
    assert_true(second > 20);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_without_floor_and_memory_the_record_alone_speaks, begin),
        cmocka_unit_test_setup(test_codes_that_could_be_accepted_at_the_floor_are_awaited, begin),
        cmocka_unit_test_setup(test_step_that_began_exactly_at_the_floor_is_below_it, begin),
        cmocka_unit_test_setup(test_first_code_after_the_wait_is_accepted, begin),
        cmocka_unit_test_setup(test_floor_is_one_of_the_clock_of_the_key, begin),
        cmocka_unit_test_setup(test_code_accepted_as_one_ahead_of_the_drift_is_below_the_floor, begin),
        cmocka_unit_test_setup(test_floor_goes_by_the_period_of_the_key, begin),
        cmocka_unit_test_setup(test_code_of_the_wide_window_is_awaited_by_the_wide_window, begin),
        cmocka_unit_test_setup(test_floor_does_not_hold_a_key_that_counts_events, begin_event),
        cmocka_unit_test_setup(test_floor_of_long_ago_holds_nobody, begin),
        cmocka_unit_test_setup(test_code_that_the_gateway_remembers_is_awaited, begin),
        cmocka_unit_test_setup(test_later_one_of_floor_and_memory_counts, begin),
        cmocka_unit_test_setup(test_key_that_counts_events_is_remembered_too, begin_event),
        cmocka_unit_test_setup(test_memory_of_one_key_does_not_hold_another, begin),
        cmocka_unit_test_setup(test_code_that_the_record_knows_is_a_replay, begin),
        cmocka_unit_test_setup(test_wrong_pin_with_a_doubtful_code_is_a_failure_and_no_signal, begin),
        cmocka_unit_test_setup(test_wrong_code_is_a_failure_whatever_the_floor, begin),
        cmocka_unit_test_setup(test_failures_before_stay_counted, begin),
        cmocka_unit_test_setup(test_disabled_key_and_lock_say_nothing_of_the_floor, begin),
        cmocka_unit_test_setup(test_key_that_proves_everything_goes_before_a_doubtful_one, begin),
        cmocka_unit_test_setup(test_first_use_awaits_and_opens_no_pin_page, begin_without_pin),
        cmocka_unit_test_setup(test_first_use_without_the_right_to_it_is_denied, begin_without_pin),
        cmocka_unit_test_setup(test_pin_is_not_changed_by_a_doubtful_code, begin),
        cmocka_unit_test_setup(test_pin_page_that_is_open_stays_so, begin_without_pin),
        cmocka_unit_test_setup(test_wait_after_the_pin_page_knows_the_floor, begin_without_pin),
        cmocka_unit_test_setup(test_doubtful_second_code_takes_the_place_of_the_first, begin_two),
        cmocka_unit_test_setup(test_second_code_below_the_floor_is_not_the_last_one, begin_two),
        cmocka_unit_test(test_floor_of_two_codes_goes_by_what_the_first_suggests),
        cmocka_unit_test_setup(test_wrong_second_code_stays_a_failure, begin_two),
        cmocka_unit_test_setup(test_no_code_opens_twice_though_the_record_is_put_back, begin),
        cmocka_unit_test_setup(test_no_code_opens_twice_at_the_gateway_that_remembers, begin),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
