#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/decide/otp_states.h"
#include "otp_fake_key.h"

static const otp_limits_t limits = OTP_LIMITS_DEFAULT;


static otp_account_t account_with_key(bool pin)
{
    otp_account_t account;

    otp_account_init(&account, OTP_SPAN("marie"));
    account.keys = 1;
    account.key[0].pin.set = pin;

    return account;
}


static void assert_state(const otp_account_t *account, otp_state_t expected)
{
    assert_string_equal(otp_state_name(otp_account_state(account, &limits, false, OTP_FAKE_NOW)),
                        otp_state_name(expected));
}


static void test_names_are_those_of_the_interface(void **state)
{
    static const char *const states[] = { "no_key", "first_use", "pin_page", "ready", "next_code", "locked" };
    static const char *const submissions[] = { "passcode", "next_code", "pin", "emergency", "pin_change" };
    static const char *const verdicts[] = {
        "ok", "pin_required", "next_code", "wait_next_code", "pin_refused", "denied", "already_used", "throttled",
    };

    (void) state;
    for (int i = 0; i < OTP_STATES; i++) {
        assert_string_equal(otp_state_name((otp_state_t) i), states[i]);
    }
    for (int i = 0; i < OTP_SUBMISSIONS; i++) {
        assert_string_equal(otp_submission_name((otp_submission_t) i), submissions[i]);
    }
    for (int i = 0; i < OTP_VERDICTS; i++) {
        assert_string_equal(otp_verdict_name((otp_verdict_t) i), verdicts[i]);
    }
}


static void test_every_submission_has_a_row_in_every_state(void **state)
{
    size_t                  count;
    bool                    seen[OTP_STATES][OTP_SUBMISSIONS] = { { false } }, reached[OTP_STATES] = { false };
    const otp_transition_t *row = otp_transitions(&count);

    (void) state;
    for (size_t i = 0; i < count; i++) {
        seen[row[i].state][row[i].submission] = true;
        reached[row[i].next] = true;
        assert_non_null(row[i].why);
        assert_true(otp_transition_legal(row[i].state, row[i].submission, row[i].verdict, row[i].next));
    }
    for (int i = 0; i < OTP_STATES; i++) {
        assert_true(reached[i]);
        for (int j = 0; j < OTP_SUBMISSIONS; j++) {
            assert_true(seen[i][j]);
        }
    }
}


static void test_no_row_is_there_twice(void **state)
{
    size_t                  count;
    const otp_transition_t *row = otp_transitions(&count);

    (void) state;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            assert_false(row[i].state == row[j].state && row[i].submission == row[j].submission
                         && row[i].verdict == row[j].verdict && row[i].next == row[j].next);
        }
    }
}


/* It says nothing about the key: no state but the lock, by which it then counts as a passcode. */
static void row_of_the_emergency_password(const otp_transition_t *row)
{
    switch (row->verdict) {
    case OTP_VERDICT_OK:
        assert_int_equal(row->next, row->state);
        return;
    case OTP_VERDICT_DENIED:
        assert_true(row->next == row->state || (row->next == OTP_STATE_LOCKED && row->state != OTP_STATE_NO_KEY));
        return;
    case OTP_VERDICT_THROTTLED:
        assert_int_equal(row->state, OTP_STATE_LOCKED);
        assert_int_equal(row->next, OTP_STATE_LOCKED);
        return;
    case OTP_VERDICT_PIN_REQUIRED:
    case OTP_VERDICT_NEXT_CODE:
    case OTP_VERDICT_WAIT_NEXT_CODE:
    case OTP_VERDICT_PIN_REFUSED:
    case OTP_VERDICT_ALREADY_USED:
        break;
    }
    fail_msg("%s", row->why);
}


/* The rules no row may break, whatever else is added. */
static void test_rows_that_must_never_be_legal(void **state)
{
    size_t                  count;
    const otp_transition_t *row = otp_transitions(&count);

    (void) state;
    for (size_t i = 0; i < count; i++) {
        const otp_transition_t *r = &row[i];

        if (r->submission == OTP_SUBMIT_EMERGENCY) {
            row_of_the_emergency_password(r);
            continue;
        }
        if (r->verdict == OTP_VERDICT_OK) {
            assert_int_equal(r->next, r->submission == OTP_SUBMIT_PIN_CHANGE ? r->state : OTP_STATE_READY);
            assert_true(r->state != OTP_STATE_LOCKED && r->state != OTP_STATE_NO_KEY
                        && r->state != OTP_STATE_FIRST_USE);
            assert_int_not_equal(r->submission, OTP_SUBMIT_PIN);
        }
        if (r->state == OTP_STATE_LOCKED || r->state == OTP_STATE_NO_KEY) {
            assert_int_equal(r->next, r->state);
            assert_true(r->verdict == OTP_VERDICT_DENIED || r->verdict == OTP_VERDICT_THROTTLED);
        }
        if (r->verdict == OTP_VERDICT_THROTTLED) {
            assert_int_equal(r->state, OTP_STATE_LOCKED);
        }
        if (r->verdict == OTP_VERDICT_WAIT_NEXT_CODE && r->submission != OTP_SUBMIT_PIN) {
            /* A code that may be spent leads nowhere. */
            assert_int_equal(r->next, r->state);
        } else if (r->verdict == OTP_VERDICT_WAIT_NEXT_CODE
                   || (r->verdict == OTP_VERDICT_PIN_REFUSED && r->submission != OTP_SUBMIT_PIN_CHANGE))
        {
            assert_int_equal(r->state, OTP_STATE_PIN_PAGE);
            assert_int_equal(r->submission, OTP_SUBMIT_PIN);
        }
        if (r->submission == OTP_SUBMIT_PIN_CHANGE) {
            assert_true(r->next == r->state || r->next == OTP_STATE_LOCKED);
            assert_true(r->verdict != OTP_VERDICT_PIN_REQUIRED && r->verdict != OTP_VERDICT_NEXT_CODE);
        }
    }
}


static void test_pairs_that_are_not_in_the_drawing_are_illegal(void **state)
{
    (void) state;
    assert_false(otp_transition_legal(OTP_STATE_LOCKED, OTP_SUBMIT_PASSCODE, OTP_VERDICT_OK, OTP_STATE_READY));
    assert_false(otp_transition_legal(OTP_STATE_FIRST_USE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_OK, OTP_STATE_READY));
    assert_false(otp_transition_legal(OTP_STATE_PIN_PAGE, OTP_SUBMIT_PIN, OTP_VERDICT_OK, OTP_STATE_READY));
    assert_false(otp_transition_legal(OTP_STATE_READY, OTP_SUBMIT_PIN, OTP_VERDICT_WAIT_NEXT_CODE, OTP_STATE_READY));
    assert_false(otp_transition_legal(OTP_STATE_READY, OTP_SUBMIT_PASSCODE, OTP_VERDICT_OK, OTP_STATE_LOCKED));
    assert_false(otp_transition_legal(OTP_STATE_READY, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_OK, OTP_STATE_READY));
    assert_false(otp_transition_legal(OTP_STATE_FIRST_USE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_OK, OTP_STATE_READY));
    assert_false(otp_transition_legal(OTP_STATE_LOCKED, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_OK, OTP_STATE_LOCKED));
    assert_false(otp_transition_legal(OTP_STATE_LOCKED, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_OK, OTP_STATE_READY));
}


/* ---- the state of an account ---- */

static void test_account_without_usable_key_has_no_key(void **state)
{
    otp_account_t account = account_with_key(true);

    (void) state;
    account.key[0].state = OTP_KEY_DISABLED;
    account.unknown.locked_until = OTP_FAKE_NOW + 100;
    assert_state(&account, OTP_STATE_NO_KEY);
    account.keys = 0;
    assert_state(&account, OTP_STATE_NO_KEY);
}


static void test_account_is_in_first_use_until_a_usable_key_has_a_pin(void **state)
{
    otp_account_t account = account_with_key(false);

    (void) state;
    assert_state(&account, OTP_STATE_FIRST_USE);
    account.keys = 2;
    account.key[1].pin.set = true;
    assert_state(&account, OTP_STATE_READY);
    account.key[1].state = OTP_KEY_DISABLED;
    assert_state(&account, OTP_STATE_FIRST_USE);
}


static void test_lock_lasts_until_its_second(void **state)
{
    otp_account_t account = account_with_key(true);

    (void) state;
    account.unknown.locked_until = OTP_FAKE_NOW + 1;
    assert_state(&account, OTP_STATE_LOCKED);
    account.unknown.locked_until = OTP_FAKE_NOW;
    assert_state(&account, OTP_STATE_READY);
}


static void test_each_kind_of_browser_has_its_own_lock(void **state)
{
    otp_account_t account = account_with_key(true);

    (void) state;
    account.unknown.failures = limits.lock_total;
    assert_int_equal(otp_account_state(&account, &limits, true, OTP_FAKE_NOW), OTP_STATE_READY);
    assert_int_equal(otp_account_state(&account, &limits, false, OTP_FAKE_NOW), OTP_STATE_LOCKED);
    account.unknown.failures = 0;
    account.known.locked_until = OTP_FAKE_NOW + 1;
    assert_int_equal(otp_account_state(&account, &limits, true, OTP_FAKE_NOW), OTP_STATE_LOCKED);
    assert_int_equal(otp_account_state(&account, &limits, false, OTP_FAKE_NOW), OTP_STATE_READY);
}


static void test_total_of_failures_locks_without_end(void **state)
{
    otp_account_t account = account_with_key(true);

    (void) state;
    account.unknown.failures = limits.lock_total - 1;
    assert_state(&account, OTP_STATE_READY);
    account.unknown.failures = limits.lock_total;
    assert_state(&account, OTP_STATE_LOCKED);
    account.unknown.failures = limits.lock_total + 1;
    assert_state(&account, OTP_STATE_LOCKED);
}


static void test_pending_state_counts_until_its_last_second(void **state)
{
    otp_account_t account = account_with_key(true);

    (void) state;
    account.pending.kind = OTP_PENDING_PIN;
    account.pending.until = OTP_FAKE_NOW;
    assert_state(&account, OTP_STATE_PIN_PAGE);
    account.pending.kind = OTP_PENDING_NEXT_CODE;
    assert_state(&account, OTP_STATE_NEXT_CODE);
    account.pending.until = OTP_FAKE_NOW - 1;
    assert_state(&account, OTP_STATE_READY);
}


static void test_lock_counts_before_a_pending_state(void **state)
{
    otp_account_t account = account_with_key(true);

    (void) state;
    account.pending.kind = OTP_PENDING_PIN;
    account.pending.until = OTP_FAKE_NOW + 100;
    account.unknown.locked_until = OTP_FAKE_NOW + 100;
    assert_state(&account, OTP_STATE_LOCKED);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_those_of_the_interface),
        cmocka_unit_test(test_every_submission_has_a_row_in_every_state),
        cmocka_unit_test(test_no_row_is_there_twice),
        cmocka_unit_test(test_rows_that_must_never_be_legal),
        cmocka_unit_test(test_pairs_that_are_not_in_the_drawing_are_illegal),
        cmocka_unit_test(test_account_without_usable_key_has_no_key),
        cmocka_unit_test(test_account_is_in_first_use_until_a_usable_key_has_a_pin),
        cmocka_unit_test(test_lock_lasts_until_its_second),
        cmocka_unit_test(test_each_kind_of_browser_has_its_own_lock),
        cmocka_unit_test(test_total_of_failures_locks_without_end),
        cmocka_unit_test(test_pending_state_counts_until_its_last_second),
        cmocka_unit_test(test_lock_counts_before_a_pending_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
