#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/decide/otp_decide.h"
#include "core/decide/otp_manage.h"
#include "otp_fake_key.h"

#define A       "K-A"
#define B       "K-B"
#define PIN     OTP_FAKE_PIN
#define PIN_B   "7294"
#define PASSCODE(pin, serial, step) otp_fake_passcode(pin, serial, step).text
#define WRONG   otp_fake_wrong("9999", A, step_now()).text

/* One account, and the last decision about it.  `in` is what the next submission brings beside its text. */
static struct {
    otp_keyring_t  *ring;
    otp_limits_t    limits;
    otp_account_t   account;
    otp_decision_t  decision;
    otp_submitted_t in;
    int64_t         now;
    unsigned        ids;
    char            nonce[OTP_NONCE_LEN + 1];
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


/* A key with PIN, somebody at the first page. */
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


static int64_t step_now(void)
{
    return desk.now / 60;
}


static otp_key_t *key(size_t i)
{
    return &desk.account.key[i];
}


static otp_verdict_t submit(otp_submission_t kind)
{
    otp_account_t next;

    desk.in.kind = kind;
    desk.in.now_s = desk.now;
    desk.ids++;
    memcpy(desk.in.random_id, &desk.ids, sizeof(desk.ids));
    assert_int_equal(otp_decide(desk.ring, &desk.limits, &desk.account, &desk.in, &next, &desk.decision), OTP_OK);
    assert_int_equal(next.revision, desk.account.revision + (desk.decision.changed ? 1 : 0));
    if (!desk.decision.changed) {
        assert_memory_equal(&next, &desk.account, sizeof(next));
    }
    desk.account = next;

    return desk.decision.verdict;
}


static otp_verdict_t passcode(const char *text)
{
    desk.in.passcode = otp_span_of(text);
    return submit(OTP_SUBMIT_PASSCODE);
}


/* In the browser that holds the pending state. */
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


static otp_verdict_t pin(const char *text, const char *confirm)
{
    otp_verdict_t verdict;
    char          id[OTP_PENDING_ID_LEN + 1];

    memcpy(id, desk.account.pending.id, sizeof(id));
    desk.in.pending_id = otp_span_of(id);
    desk.in.pin = otp_span_of(text);
    desk.in.pin_confirm = otp_span_of(confirm);
    verdict = submit(OTP_SUBMIT_PIN);
    desk.in.pending_id = OTP_SPAN_NONE;

    return verdict;
}


static otp_verdict_t fail_times(int n)
{
    otp_verdict_t verdict = OTP_VERDICT_OK;

    while (n-- > 0) {
        verdict = passcode(WRONG);
    }

    return verdict;
}


/* ---- PIN + code ---- */

static void test_pin_and_code_open(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_string_equal(desk.decision.serial, A);
    assert_string_equal(otp_signal_name(desk.decision.signal), "");
    assert_int_equal(key(0)->step, OTP_FAKE_STEP);
    assert_int_equal(key(0)->used, OTP_FAKE_NOW);
}


static void test_wrong_pin_wrong_code_and_nonsense_are_denied_alike(void **state)
{
    static const char *const nonsense[] = { "", "2580", "25801234", "abcdefghij", "123456789012345678901234567890" };

    (void) state;
    assert_int_equal(passcode(PASSCODE("2581", A, step_now() + 1)), OTP_VERDICT_DENIED);
    assert_int_equal(passcode(otp_fake_wrong(PIN, A, step_now()).text), OTP_VERDICT_DENIED);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(passcode(nonsense[i]), OTP_VERDICT_DENIED);
    }
    assert_int_equal(desk.account.unknown.failures, 7);
    assert_int_equal(desk.account.unknown.failed_at, OTP_FAKE_NOW);
}


static void test_code_of_the_window_border_opens(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() - 1)), OTP_VERDICT_OK);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_int_equal(key(0)->drift, 0);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 1)), OTP_VERDICT_OK);
}


static void test_code_one_step_beyond_the_window_does_not_open(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() - 2)), OTP_VERDICT_NEXT_CODE);
    (void) begin(state);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 2)), OTP_VERDICT_NEXT_CODE);
    (void) begin(state);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 11)), OTP_VERDICT_DENIED);
    (void) begin(state);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() - 11)), OTP_VERDICT_DENIED);
}


static void test_success_teaches_the_drift(void **state)
{
    (void) state;
    for (int i = 1; i <= 5; i++) {
        desk.now += 86400;
        assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + i)), OTP_VERDICT_OK);
        assert_int_equal(key(0)->drift, i);
    }
    desk.now += 86400;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_NEXT_CODE);
}


static void test_code_at_or_before_last_step_is_refused(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() - 1)), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() - 10)), OTP_VERDICT_ALREADY_USED);
    desk.now -= 3600;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_ALREADY_USED);
}


static void test_spent_code_with_right_pin_is_told_and_not_counted(void **state)
{
    (void) state;
    (void) passcode(PASSCODE(PIN, A, step_now()));
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(desk.account.unknown.failures, 0);
    assert_false(desk.decision.changed);
    assert_int_equal(desk.decision.retry_after_s, 40);
    assert_string_equal(otp_signal_name(desk.decision.signal), "replay");
}


static void test_spent_code_with_wrong_pin_is_counted(void **state)
{
    (void) state;
    (void) passcode(PASSCODE(PIN, A, step_now()));
    assert_int_equal(passcode(PASSCODE("2581", A, step_now())), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.unknown.failures, 1);
}


static void test_right_code_with_wrong_pin_is_spent(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE("2581", A, step_now())), OTP_VERDICT_DENIED);
    assert_string_equal(otp_signal_name(desk.decision.signal), "code_without_pin");
    assert_int_equal(desk.account.unknown.failures, 1);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_ALREADY_USED);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
}


/* Else a guess in the dark could shut the owner out for ten minutes. */
static void test_guessed_code_of_the_far_future_spends_nothing(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE("2581", A, step_now() + 9)), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.unknown.failures, 1);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
}


static void test_right_pin_with_wrong_code_is_a_signal(void **state)
{
    (void) state;
    assert_int_equal(passcode(otp_fake_wrong(PIN, A, step_now()).text), OTP_VERDICT_DENIED);
    assert_string_equal(otp_signal_name(desk.decision.signal), "pin_without_code");
    assert_int_equal(desk.account.unknown.failures, 1);
}


/* ---- first use ---- */

static void test_six_digits_open_the_pin_page_at_first_use(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_PIN_REQUIRED);
    assert_int_equal(desk.account.pending.kind, OTP_PENDING_PIN);
    assert_int_equal(strlen(desk.account.pending.id), OTP_PENDING_ID_LEN);
    assert_int_equal(desk.account.pending.until, OTP_FAKE_NOW + 300);
    assert_int_equal(key(0)->step, OTP_FAKE_STEP);
    assert_int_equal(desk.decision.wait_s, 40);
}


static void test_first_use_goes_from_code_to_pin_to_passcode(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_PIN_REQUIRED);
    assert_int_equal(pin(PIN, PIN), OTP_VERDICT_WAIT_NEXT_CODE);
    assert_int_equal(desk.decision.wait_s, 40);
    assert_true(key(0)->pin.set);
    assert_int_equal(desk.account.pending.kind, OTP_PENDING_NONE);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_ALREADY_USED);
    desk.now += 40;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
}


static void test_first_use_is_denied_where_the_password_comes_first(void **state)
{
    (void) state;
    desk.in.first_use = false;
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.unproven.failures, 1);
    assert_int_equal(key(0)->step, 0);
}


static void test_digits_before_the_code_are_wrong_at_first_use(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE("2580", A, step_now())), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.unproven.failures, 1);
}


/* Who knows the identifier alone does not keep out who proves the password first, nor the other way round. */
static void test_guesses_at_first_use_are_counted_apart_from_those_after_the_password(void **state)
{
    (void) state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(passcode("000000"), OTP_VERDICT_DENIED);
    }
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_LOCKED);
    assert_int_equal(desk.account.unproven.locked_until, OTP_FAKE_NOW + 900);
    assert_int_equal(desk.account.unknown.failures, 0);
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_DENIED);

    desk.in.signed_in = desk.in.password_proven = true;
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_PIN_REQUIRED);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(passcode("000000"), OTP_VERDICT_DENIED);
    }
    assert_int_equal(desk.account.unknown.locked_until, OTP_FAKE_NOW + 900);
    assert_int_equal(desk.account.unproven.failures, 10);
    desk.in.known = true;
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_PIN_REQUIRED);
}


/* A hundred, and only the helpdesk goes on; unless first use is over. */
static void test_guesses_at_first_use_have_a_total_that_the_pin_clears(void **state)
{
    (void) state;
    desk.account.unproven.failures = 99;
    assert_int_equal(passcode("000000"), OTP_VERDICT_DENIED);
    desk.now += 86400;
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_DENIED);
    desk.in.signed_in = desk.in.password_proven = true;
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_PIN_REQUIRED);
    desk.in.pending_id = otp_span_of(desk.account.pending.id);
    desk.in.pin = desk.in.pin_confirm = OTP_SPAN("2580");
    assert_int_equal(desk.account.unproven.failures, 100);
    assert_int_equal(submit(OTP_SUBMIT_PIN), OTP_VERDICT_WAIT_NEXT_CODE);
    assert_int_equal(desk.account.unproven.failures, 0);
    assert_int_equal(desk.account.unproven.locked_until, 0);
}


/* Without a PIN there is nothing that proves who asks. */
static void test_spent_code_at_first_use_is_told_only_after_the_password(void **state)
{
    (void) state;
    (void) passcode(PASSCODE("", A, step_now()));
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_DENIED);
    desk.in.signed_in = true;
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(desk.account.unknown.failures, 0);
}


static void test_later_code_opens_a_new_pin_page_and_closes_the_old_one(void **state)
{
    char old[OTP_PENDING_ID_LEN + 1];

    (void) state;
    (void) passcode(PASSCODE("", A, step_now()));
    memcpy(old, desk.account.pending.id, sizeof(old));
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_PIN_REQUIRED);
    assert_string_not_equal(desk.account.pending.id, old);
    desk.in.pending_id = otp_span_of(old);
    desk.in.pin = desk.in.pin_confirm = OTP_SPAN(PIN);
    assert_int_equal(submit(OTP_SUBMIT_PIN), OTP_VERDICT_DENIED);
    assert_false(key(0)->pin.set);
}


static void test_pin_page_closes_after_its_time(void **state)
{
    (void) state;
    (void) passcode(PASSCODE("", A, step_now()));
    desk.now += 300;
    assert_int_equal(pin("1111", "1111"), OTP_VERDICT_PIN_REFUSED);
    desk.now += 1;
    assert_int_equal(pin(PIN, PIN), OTP_VERDICT_DENIED);
    assert_false(key(0)->pin.set);
}


static void test_pin_is_created_by_the_browser_that_gave_the_code(void **state)
{
    static const char *const others[] = { "", "x", "AAAAAAAAAAAAAAAAAAAAAA" };

    (void) state;
    (void) passcode(PASSCODE("", A, step_now()));
    desk.in.pin = desk.in.pin_confirm = OTP_SPAN(PIN);
    for (size_t i = 0; i < 3; i++) {
        desk.in.pending_id = otp_span_of(others[i]);
        assert_int_equal(submit(OTP_SUBMIT_PIN), OTP_VERDICT_DENIED);
    }
    desk.in.pending_id = OTP_SPAN_NONE;
    assert_int_equal(pin(PIN, PIN), OTP_VERDICT_WAIT_NEXT_CODE);
}


static void test_pin_is_refused_with_its_reason_and_the_page_stays_open(void **state)
{
    static const otp_span_t personal[] = { OTP_SPAN("marie.8350") };
    static const struct {
        const char       *pin, *confirm;
        otp_pin_refusal_t refusal;
    } rows[] = {
        { "2580", "2581", OTP_PIN_MISMATCH }, { "25a0", "25a0", OTP_PIN_DIGITS }, { "258", "258", OTP_PIN_LENGTH },
        { "4444", "4444", OTP_PIN_REPEATED }, { "3456", "3456", OTP_PIN_SEQUENCE }, { "1407", "1407", OTP_PIN_DATE },
        { "1974", "1974", OTP_PIN_DATE }, { "8350", "8350", OTP_PIN_PERSONAL },
    };

    (void) state;
    (void) passcode(PASSCODE("", A, step_now()));
    desk.in.personal = personal;
    desk.in.personals = 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(pin(rows[i].pin, rows[i].confirm), OTP_VERDICT_PIN_REFUSED);
        assert_int_equal(desk.decision.refusal, rows[i].refusal);
        assert_false(desk.decision.changed);
    }
    assert_int_equal(pin(PIN, PIN), OTP_VERDICT_WAIT_NEXT_CODE);
}


static void test_pin_out_of_the_serial_is_refused(void **state)
{
    (void) state;
    otp_fake_key(desk.ring, key(0), "27-4691", NULL);
    assert_int_equal(passcode(PASSCODE("", "27-4691", step_now())), OTP_VERDICT_PIN_REQUIRED);
    assert_int_equal(pin("7469", "7469"), OTP_VERDICT_PIN_REFUSED);
    assert_int_equal(desk.decision.refusal, OTP_PIN_PERSONAL);
}


static void test_previous_pin_is_refused_after_it_was_cleared(void **state)
{
    (void) state;
    assert_int_equal(otp_manage_pin_clear(&desk.account), OTP_MANAGE_CHANGED);
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_PIN_REQUIRED);
    assert_int_equal(pin(PIN, PIN), OTP_VERDICT_PIN_REFUSED);
    assert_int_equal(desk.decision.refusal, OTP_PIN_PREVIOUS);
    assert_int_equal(pin("7294", "7294"), OTP_VERDICT_WAIT_NEXT_CODE);
}


static void test_cleared_pin_opens_nothing_any_more(void **state)
{
    (void) state;
    assert_int_equal(otp_manage_pin_clear(&desk.account), OTP_MANAGE_CHANGED);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_DENIED);
}


static void test_pin_once_set_is_not_set_again_from_an_open_page(void **state)
{
    char id[OTP_PENDING_ID_LEN + 1];

    (void) state;
    (void) passcode(PASSCODE("", A, step_now()));
    memcpy(id, desk.account.pending.id, sizeof(id));
    assert_int_equal(pin(PIN, PIN), OTP_VERDICT_WAIT_NEXT_CODE);
    desk.in.pending_id = otp_span_of(id);
    desk.in.pin = desk.in.pin_confirm = OTP_SPAN("7294");
    assert_int_equal(submit(OTP_SUBMIT_PIN), OTP_VERDICT_DENIED);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
}


/* ---- two codes ---- */

static void test_third_failure_makes_the_next_success_bring_two_codes(void **state)
{
    (void) state;
    (void) fail_times(2);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    desk.now += 60;
    (void) fail_times(3);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_NEXT_CODE);
    assert_int_equal(desk.account.unknown.failures, 3);
    assert_int_equal(desk.decision.wait_s, 40);
    desk.now += 60;
    assert_int_equal(next_code(PASSCODE("", A, step_now())), OTP_VERDICT_OK);
    assert_int_equal(desk.account.unknown.failures, 0);
    assert_int_equal(desk.account.pending.kind, OTP_PENDING_NONE);
}


static void test_two_codes_of_the_wide_window_open_and_teach_the_drift(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 8)), OTP_VERDICT_NEXT_CODE);
    assert_int_equal(key(0)->drift, 0);
    desk.now += 60;
    assert_int_equal(next_code(PASSCODE("", A, step_now() + 8)), OTP_VERDICT_OK);
    assert_int_equal(key(0)->drift, 8);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 8)), OTP_VERDICT_OK);
}


static void test_next_code_is_the_very_next_one(void **state)
{
    static const int64_t others[] = { -1, 0, 2, 3 };

    (void) state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        (void) begin(state);
        assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 5)), OTP_VERDICT_NEXT_CODE);
        desk.now += 60;
        assert_int_not_equal(next_code(PASSCODE("", A, OTP_FAKE_STEP + 5 + others[i])), OTP_VERDICT_OK);
    }
}


static void test_next_code_is_typed_alone(void **state)
{
    (void) state;
    (void) passcode(PASSCODE(PIN, A, step_now() + 5));
    desk.now += 60;
    assert_int_equal(next_code(PASSCODE(PIN, A, step_now() + 5)), OTP_VERDICT_DENIED);
}


static void test_wrong_next_code_is_counted_and_there_is_one_chance(void **state)
{
    (void) state;
    (void) passcode(PASSCODE(PIN, A, step_now() + 5));
    desk.now += 60;
    assert_int_equal(next_code(otp_fake_wrong("", A, step_now()).text), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.unknown.failures, 1);
    assert_int_equal(desk.account.pending.kind, OTP_PENDING_NONE);
    assert_int_equal(next_code(PASSCODE("", A, step_now() + 5)), OTP_VERDICT_DENIED);
}


static void test_first_code_again_is_told_and_costs_no_chance(void **state)
{
    (void) state;
    (void) passcode(PASSCODE(PIN, A, step_now() + 5));
    desk.now += 15;
    assert_int_equal(next_code(PASSCODE("", A, OTP_FAKE_STEP + 5)), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(desk.account.unknown.failures, 0);
    assert_int_equal(desk.decision.retry_after_s, 25);
    desk.now += 25;
    assert_int_equal(next_code(PASSCODE("", A, step_now() + 5)), OTP_VERDICT_OK);
}


static void test_next_code_is_for_the_browser_that_gave_the_first(void **state)
{
    otp_fake_passcode_t code = otp_fake_passcode("", A, OTP_FAKE_STEP + 6);

    (void) state;
    (void) passcode(PASSCODE(PIN, A, step_now() + 5));
    desk.now += 60;
    desk.in.pending_id = OTP_SPAN("AAAAAAAAAAAAAAAAAAAAAA");
    desk.in.passcode = otp_span_of(code.text);
    assert_int_equal(submit(OTP_SUBMIT_NEXT_CODE), OTP_VERDICT_DENIED);
    assert_false(desk.decision.changed);
    assert_int_equal(next_code(PASSCODE("", A, step_now() + 5)), OTP_VERDICT_OK);
}


static void test_next_code_is_awaited_for_its_time_only(void **state)
{
    (void) state;
    (void) passcode(PASSCODE(PIN, A, step_now() + 5));
    desk.now += 301;
    assert_int_equal(next_code(PASSCODE("", A, OTP_FAKE_STEP + 6)), OTP_VERDICT_DENIED);
}


static void test_first_code_of_two_is_spent(void **state)
{
    (void) state;
    (void) passcode(PASSCODE(PIN, A, step_now() + 5));
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 5)), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(key(0)->step, OTP_FAKE_STEP + 5);
}


static void test_key_used_elsewhere_meanwhile_ends_the_wait(void **state)
{
    (void) state;
    (void) passcode(PASSCODE(PIN, A, step_now() + 5));
    key(0)->step++;
    assert_int_equal(next_code(PASSCODE("", A, OTP_FAKE_STEP + 6)), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.pending.kind, OTP_PENDING_NONE);
    assert_int_equal(desk.account.unknown.failures, 0);
}


static void test_first_use_in_the_wide_window_takes_two_codes_then_the_pin(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE("", A, step_now() + 4)), OTP_VERDICT_NEXT_CODE);
    desk.now += 60;
    assert_int_equal(next_code(PASSCODE("", A, step_now() + 4)), OTP_VERDICT_PIN_REQUIRED);
    assert_int_equal(key(0)->drift, 4);
    assert_int_equal(pin(PIN, PIN), OTP_VERDICT_WAIT_NEXT_CODE);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 4)), OTP_VERDICT_OK);
}


static void test_wrong_next_code_at_first_use_starts_over(void **state)
{
    (void) state;
    (void) passcode(PASSCODE("", A, step_now() + 4));
    assert_int_equal(next_code(otp_fake_wrong("", A, step_now()).text), OTP_VERDICT_DENIED);
    assert_int_equal(otp_account_state(&desk.account, &desk.limits, false, desk.now), OTP_STATE_FIRST_USE);
}


/* ---- locks ---- */

static void test_tenth_failure_locks_for_a_quarter_of_an_hour(void **state)
{
    (void) state;
    (void) fail_times(9);
    assert_int_equal(desk.account.unknown.locked_until, 0);
    (void) fail_times(1);
    assert_string_equal(otp_signal_name(desk.decision.signal), "locked");
    assert_int_equal(desk.account.unknown.locked_until, OTP_FAKE_NOW + 900);
    desk.now += 899;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_DENIED);
    desk.now += 1;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_NEXT_CODE);
}


static void test_attempts_while_locked_neither_count_nor_spend(void **state)
{
    (void) state;
    (void) fail_times(10);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_DENIED);
    assert_int_equal(passcode(PASSCODE("2581", A, step_now())), OTP_VERDICT_DENIED);
    assert_false(desk.decision.changed);
    assert_int_equal(desk.account.unknown.failures, 10);
    assert_int_equal(key(0)->step, 0);
    assert_string_equal(desk.decision.serial, "");
}


static void test_each_ten_failures_more_lock_again(void **state)
{
    (void) state;
    for (int i = 1; i < 10; i++) {
        (void) fail_times(10);
        assert_int_equal(desk.account.unknown.failures, 10 * i);
        assert_int_equal(desk.account.unknown.locked_until, desk.now + 900);
        desk.now += 900;
    }
}


static void test_hundredth_failure_is_the_helpdesks(void **state)
{
    (void) state;
    desk.account.unknown.failures = 99;
    assert_int_equal(passcode(WRONG), OTP_VERDICT_DENIED);
    desk.now += 86400 * 365;
    desk.in.signed_in = true;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_THROTTLED);
    assert_int_equal(desk.decision.retry_after_s, 0);
    assert_int_equal(otp_manage_unlock(&desk.account), OTP_MANAGE_CHANGED);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
}


static void test_lock_is_told_only_to_who_is_signed_in(void **state)
{
    (void) state;
    (void) fail_times(10);
    desk.now += 100;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_DENIED);
    assert_int_equal(desk.decision.retry_after_s, 0);
    desk.in.signed_in = true;
    assert_int_equal(passcode(WRONG), OTP_VERDICT_THROTTLED);
    assert_int_equal(desk.decision.retry_after_s, 800);
}


static void test_lock_is_told_to_the_browser_that_gave_a_first_code(void **state)
{
    (void) state;
    (void) passcode(PASSCODE(PIN, A, step_now() + 5));
    (void) fail_times(10);
    assert_int_equal(next_code(PASSCODE("", A, OTP_FAKE_STEP + 6)), OTP_VERDICT_THROTTLED);
}


static void test_success_forgets_the_failures(void **state)
{
    (void) state;
    (void) fail_times(2);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_int_equal(desk.account.unknown.failures, 0);
    assert_int_equal(desk.account.unknown.locked_until, 0);
}


static void test_failures_are_not_forgotten_by_time_or_by_a_first_code(void **state)
{
    (void) state;
    (void) fail_times(4);
    desk.now += 86400 * 30;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_NEXT_CODE);
    assert_int_equal(desk.account.unknown.failures, 4);
}


static void test_wrong_next_codes_reach_the_lock_too(void **state)
{
    (void) state;
    (void) fail_times(9);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_NEXT_CODE);
    assert_int_equal(next_code(otp_fake_wrong("", A, step_now()).text), OTP_VERDICT_DENIED);
    assert_int_equal(otp_account_state(&desk.account, &desk.limits, false, desk.now), OTP_STATE_LOCKED);
}


/* ---- keys ---- */

static void test_disabled_key_opens_nothing(void **state)
{
    (void) state;
    assert_int_equal(otp_manage_account_disable(&desk.account, OTP_SPAN(A), OTP_SPAN("lost")), OTP_MANAGE_CHANGED);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_DENIED);
    assert_false(desk.decision.changed);
    assert_string_equal(desk.decision.serial, "");
}


static void test_disabled_key_beside_a_usable_one_opens_nothing(void **state)
{
    (void) state;
    desk.account.keys = 2;
    otp_fake_key(desk.ring, key(1), B, PIN_B);
    key(0)->state = OTP_KEY_DISABLED;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_DENIED);
    assert_int_equal(key(0)->step, 0);
    assert_int_equal(passcode(PASSCODE(PIN_B, B, step_now())), OTP_VERDICT_OK);
}


static void test_key_disabled_after_its_first_code_ends_the_wait(void **state)
{
    (void) state;
    (void) passcode(PASSCODE(PIN, A, step_now() + 5));
    desk.account.keys = 2;
    otp_fake_key(desk.ring, key(1), B, PIN_B);
    key(0)->state = OTP_KEY_DISABLED;
    assert_int_equal(next_code(PASSCODE("", A, OTP_FAKE_STEP + 6)), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.pending.kind, OTP_PENDING_NONE);
}


static void test_key_disabled_while_its_pin_page_is_open_gets_no_pin(void **state)
{
    (void) state;
    (void) passcode(PASSCODE("", A, step_now()));
    desk.account.keys = 2;
    otp_fake_key(desk.ring, key(1), B, PIN_B);
    key(0)->state = OTP_KEY_DISABLED;
    assert_int_equal(pin(PIN, PIN), OTP_VERDICT_DENIED);
    assert_false(key(0)->pin.set);
}


static void test_account_without_key_is_denied_and_left_alone(void **state)
{
    (void) state;
    desk.account.keys = 0;
    desk.in.signed_in = true;
    assert_int_equal(passcode("2580123456"), OTP_VERDICT_DENIED);
    assert_false(desk.decision.changed);
}


static void test_each_of_two_keys_opens_with_its_own_pin(void **state)
{
    (void) state;
    desk.account.keys = 2;
    otp_fake_key(desk.ring, key(1), B, PIN_B);
    assert_int_equal(passcode(PASSCODE(PIN_B, B, step_now())), OTP_VERDICT_OK);
    assert_string_equal(desk.decision.serial, B);
    assert_int_equal(key(0)->step, 0);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_string_equal(desk.decision.serial, A);
}


static void test_pin_of_one_key_with_code_of_the_other_opens_nothing(void **state)
{
    (void) state;
    desk.account.keys = 2;
    otp_fake_key(desk.ring, key(1), B, PIN_B);
    assert_int_equal(passcode(PASSCODE(PIN, B, step_now())), OTP_VERDICT_DENIED);
    assert_string_equal(otp_signal_name(desk.decision.signal), "code_without_pin");
    assert_int_equal(key(1)->step, OTP_FAKE_STEP);
    assert_int_equal(key(0)->step, 0);
}


static void test_second_key_is_taken_into_use_beside_the_first(void **state)
{
    (void) state;
    desk.account.keys = 2;
    otp_fake_key(desk.ring, key(1), B, NULL);
    assert_int_equal(passcode(PASSCODE("", B, step_now())), OTP_VERDICT_PIN_REQUIRED);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE("", B, step_now())), OTP_VERDICT_PIN_REQUIRED);
    assert_int_equal(pin(PIN_B, PIN_B), OTP_VERDICT_WAIT_NEXT_CODE);
    assert_true(key(1)->pin.set);
}


static void test_seed_that_does_not_open_decides_nothing(void **state)
{
    otp_account_t next;

    (void) state;
    key(0)->seed[12] = key(0)->seed[12] == 'A' ? 'B' : 'A';
    desk.in.passcode = OTP_SPAN("2580123456");
    desk.in.now_s = desk.now;
    assert_int_equal(otp_decide(desk.ring, &desk.limits, &desk.account, &desk.in, &next, &desk.decision), OTP_FAILED);
}


/* ---- what does not belong to the state ---- */

static void test_pin_without_pin_page_and_next_code_without_first_are_denied(void **state)
{
    (void) state;
    assert_int_equal(pin(PIN, PIN), OTP_VERDICT_DENIED);
    assert_int_equal(next_code(PASSCODE("", A, step_now())), OTP_VERDICT_DENIED);
    (void) passcode(PASSCODE(PIN, A, step_now() + 5));
    assert_int_equal(pin(PIN, PIN), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.unknown.failures, 0);
}


/* ---- the double click ---- */

static void repeat_of(const char *nonce)
{
    (void) snprintf(desk.nonce, sizeof(desk.nonce), "%s", nonce);
    desk.in.nonce = otp_span_of(desk.nonce);
}


static void test_repeated_form_is_recognised_for_less_than_ten_seconds(void **state)
{
    (void) state;
    repeat_of("nonce-of-the-form-0001");
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_false(desk.decision.repeated);
    desk.now += 9;
    (void) passcode(PASSCODE(PIN, A, OTP_FAKE_STEP));
    assert_true(desk.decision.repeated);
    assert_false(desk.decision.changed);
    desk.now += 1;
    assert_int_equal(passcode(PASSCODE(PIN, A, OTP_FAKE_STEP)), OTP_VERDICT_ALREADY_USED);
    assert_false(desk.decision.repeated);
}


static void test_repeated_wrong_form_is_counted_once(void **state)
{
    (void) state;
    repeat_of("nonce-of-the-form-0001");
    (void) passcode(WRONG);
    (void) passcode(WRONG);
    assert_true(desk.decision.repeated);
    assert_int_equal(desk.account.unknown.failures, 1);
}


static void test_another_form_with_the_same_code_is_a_replay(void **state)
{
    (void) state;
    repeat_of("nonce-of-the-form-0001");
    (void) passcode(PASSCODE(PIN, A, step_now()));
    repeat_of("nonce-of-the-form-0002");
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_ALREADY_USED);
    assert_false(desk.decision.repeated);
}


static void test_form_without_nonce_is_never_a_repeat(void **state)
{
    (void) state;
    (void) passcode(WRONG);
    (void) passcode(WRONG);
    assert_false(desk.decision.repeated);
    assert_int_equal(desk.account.unknown.failures, 2);
}


/* ---- nobody ---- */

static void test_decoy_denies_and_counts_as_a_real_account_does(void **state)
{
    (void) state;
    assert_int_equal(otp_account_decoy(desk.ring, OTP_SPAN("nobody"), &desk.account), OTP_OK);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_DENIED);
    assert_true(desk.decision.changed);
    assert_int_equal(desk.account.unknown.failures, 1);
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_DENIED);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pin_and_code_open, begin),
        cmocka_unit_test_setup(test_wrong_pin_wrong_code_and_nonsense_are_denied_alike, begin),
        cmocka_unit_test_setup(test_code_of_the_window_border_opens, begin),
        cmocka_unit_test_setup(test_code_one_step_beyond_the_window_does_not_open, begin),
        cmocka_unit_test_setup(test_success_teaches_the_drift, begin),
        cmocka_unit_test_setup(test_code_at_or_before_last_step_is_refused, begin),
        cmocka_unit_test_setup(test_spent_code_with_right_pin_is_told_and_not_counted, begin),
        cmocka_unit_test_setup(test_spent_code_with_wrong_pin_is_counted, begin),
        cmocka_unit_test_setup(test_right_code_with_wrong_pin_is_spent, begin),
        cmocka_unit_test_setup(test_guessed_code_of_the_far_future_spends_nothing, begin),
        cmocka_unit_test_setup(test_right_pin_with_wrong_code_is_a_signal, begin),
        cmocka_unit_test_setup(test_six_digits_open_the_pin_page_at_first_use, begin_without_pin),
        cmocka_unit_test_setup(test_first_use_goes_from_code_to_pin_to_passcode, begin_without_pin),
        cmocka_unit_test_setup(test_first_use_is_denied_where_the_password_comes_first, begin_without_pin),
        cmocka_unit_test_setup(test_digits_before_the_code_are_wrong_at_first_use, begin_without_pin),
        cmocka_unit_test_setup(test_guesses_at_first_use_are_counted_apart_from_those_after_the_password,
                               begin_without_pin),
        cmocka_unit_test_setup(test_guesses_at_first_use_have_a_total_that_the_pin_clears, begin_without_pin),
        cmocka_unit_test_setup(test_spent_code_at_first_use_is_told_only_after_the_password, begin_without_pin),
        cmocka_unit_test_setup(test_later_code_opens_a_new_pin_page_and_closes_the_old_one, begin_without_pin),
        cmocka_unit_test_setup(test_pin_page_closes_after_its_time, begin_without_pin),
        cmocka_unit_test_setup(test_pin_is_created_by_the_browser_that_gave_the_code, begin_without_pin),
        cmocka_unit_test_setup(test_pin_is_refused_with_its_reason_and_the_page_stays_open, begin_without_pin),
        cmocka_unit_test_setup(test_pin_out_of_the_serial_is_refused, begin_without_pin),
        cmocka_unit_test_setup(test_previous_pin_is_refused_after_it_was_cleared, begin),
        cmocka_unit_test_setup(test_cleared_pin_opens_nothing_any_more, begin),
        cmocka_unit_test_setup(test_pin_once_set_is_not_set_again_from_an_open_page, begin_without_pin),
        cmocka_unit_test_setup(test_third_failure_makes_the_next_success_bring_two_codes, begin),
        cmocka_unit_test_setup(test_two_codes_of_the_wide_window_open_and_teach_the_drift, begin),
        cmocka_unit_test_setup(test_next_code_is_the_very_next_one, begin),
        cmocka_unit_test_setup(test_next_code_is_typed_alone, begin),
        cmocka_unit_test_setup(test_wrong_next_code_is_counted_and_there_is_one_chance, begin),
        cmocka_unit_test_setup(test_first_code_again_is_told_and_costs_no_chance, begin),
        cmocka_unit_test_setup(test_next_code_is_for_the_browser_that_gave_the_first, begin),
        cmocka_unit_test_setup(test_next_code_is_awaited_for_its_time_only, begin),
        cmocka_unit_test_setup(test_first_code_of_two_is_spent, begin),
        cmocka_unit_test_setup(test_key_used_elsewhere_meanwhile_ends_the_wait, begin),
        cmocka_unit_test_setup(test_first_use_in_the_wide_window_takes_two_codes_then_the_pin, begin_without_pin),
        cmocka_unit_test_setup(test_wrong_next_code_at_first_use_starts_over, begin_without_pin),
        cmocka_unit_test_setup(test_tenth_failure_locks_for_a_quarter_of_an_hour, begin),
        cmocka_unit_test_setup(test_attempts_while_locked_neither_count_nor_spend, begin),
        cmocka_unit_test_setup(test_each_ten_failures_more_lock_again, begin),
        cmocka_unit_test_setup(test_hundredth_failure_is_the_helpdesks, begin),
        cmocka_unit_test_setup(test_lock_is_told_only_to_who_is_signed_in, begin),
        cmocka_unit_test_setup(test_lock_is_told_to_the_browser_that_gave_a_first_code, begin),
        cmocka_unit_test_setup(test_success_forgets_the_failures, begin),
        cmocka_unit_test_setup(test_failures_are_not_forgotten_by_time_or_by_a_first_code, begin),
        cmocka_unit_test_setup(test_wrong_next_codes_reach_the_lock_too, begin),
        cmocka_unit_test_setup(test_disabled_key_opens_nothing, begin),
        cmocka_unit_test_setup(test_disabled_key_beside_a_usable_one_opens_nothing, begin),
        cmocka_unit_test_setup(test_key_disabled_after_its_first_code_ends_the_wait, begin),
        cmocka_unit_test_setup(test_key_disabled_while_its_pin_page_is_open_gets_no_pin, begin_without_pin),
        cmocka_unit_test_setup(test_account_without_key_is_denied_and_left_alone, begin),
        cmocka_unit_test_setup(test_each_of_two_keys_opens_with_its_own_pin, begin),
        cmocka_unit_test_setup(test_pin_of_one_key_with_code_of_the_other_opens_nothing, begin),
        cmocka_unit_test_setup(test_second_key_is_taken_into_use_beside_the_first, begin),
        cmocka_unit_test_setup(test_seed_that_does_not_open_decides_nothing, begin),
        cmocka_unit_test_setup(test_pin_without_pin_page_and_next_code_without_first_are_denied, begin),
        cmocka_unit_test_setup(test_repeated_form_is_recognised_for_less_than_ten_seconds, begin),
        cmocka_unit_test_setup(test_repeated_wrong_form_is_counted_once, begin),
        cmocka_unit_test_setup(test_another_form_with_the_same_code_is_a_replay, begin),
        cmocka_unit_test_setup(test_form_without_nonce_is_never_a_repeat, begin),
        cmocka_unit_test_setup(test_decoy_denies_and_counts_as_a_real_account_does, begin),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
