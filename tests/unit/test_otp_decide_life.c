#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "core/decide/otp_decide.h"
#include "core/decide/otp_manage.h"
#include "core/model/otp_emergency.h"
#include "otp_fake_key.h"

/* What a decision knows beside PIN and code: the emergency password, browsers that are known, signals and mail, the
 * change of a PIN, what an account learns on the way. */

#define A           "K-A"
#define B           "K-B"
#define PIN         OTP_FAKE_PIN
#define PIN_B       "7294"
#define EMERGENCY   "ABCDE23456"
#define OLD_RING    "otp-keyring 1\n20212223 1700000000 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
#define PASSCODE(pin, serial, step) otp_fake_passcode(pin, serial, step).text
#define WRONG       otp_fake_wrong("9999", A, step_now()).text

/* One account, and the last decision about it.  `in` is what the next submission brings beside its text. */
static struct {
    otp_keyring_t  *ring;
    otp_limits_t    limits;
    otp_account_t   account;
    otp_decision_t  decision;
    otp_submitted_t in;
    int64_t         now;
} desk;

static unsigned digests;


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
    desk.in.address = OTP_SPAN("192.0.2.1");
    desk.now = OTP_FAKE_NOW;
    return 0;
}


static void issue(int64_t expires)
{
    static const uint8_t salt[OTP_SALT_LEN] = "salt of the test";

    assert_int_equal(otp_emergency_set(desk.ring, &desk.account, OTP_SPAN(EMERGENCY), salt, desk.now, expires), OTP_OK);
}


/* The same with an emergency password for an hour, after the password. */
static int begin_emergency(void **state)
{
    (void) begin(state);
    issue(OTP_FAKE_NOW + 3600);
    desk.in.signed_in = desk.in.password_proven = true;
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


static otp_verdict_t emergency(const char *text)
{
    desk.in.passcode = otp_span_of(text);
    return submit(OTP_SUBMIT_EMERGENCY);
}


static otp_verdict_t change(const char *text, const char *new_pin)
{
    desk.in.passcode = otp_span_of(text);
    desk.in.pin = desk.in.pin_confirm = otp_span_of(new_pin);
    return submit(OTP_SUBMIT_PIN_CHANGE);
}


static void fail_times(int n, bool known)
{
    bool was = desk.in.known;

    desk.in.known = known;
    while (n-- > 0) {
        assert_int_equal(passcode(WRONG), OTP_VERDICT_DENIED);
    }
    desk.in.known = was;
}


/* ---- the emergency password ---- */

static void test_emergency_password_opens_after_the_password(void **state)
{
    (void) state;
    assert_int_equal(emergency("abcde-23456"), OTP_VERDICT_OK);
    assert_true(desk.decision.emergency);
    assert_int_equal(desk.decision.expires, OTP_FAKE_NOW + 3600);
    assert_string_equal(desk.decision.serial, "");
    assert_int_equal(desk.decision.mail, OTP_MAIL_NONE);
    assert_int_equal(key(0)->step, 0);
    assert_string_equal(desk.account.accepted_from, "");
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_OK);
}


static void test_emergency_password_alone_opens_nothing(void **state)
{
    (void) state;
    desk.in.password_proven = false;
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_DENIED);
    assert_false(desk.decision.emergency);
    assert_int_equal(desk.account.emergency.failures, 0);
    assert_int_equal(desk.account.unknown.failures, 1);
    desk.in.signed_in = false;
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.emergency.failures, 0);
    assert_int_equal(desk.account.unknown.failures, 2);
}


static void test_emergency_password_is_over_at_its_second(void **state)
{
    (void) state;
    desk.now = OTP_FAKE_NOW + 3599;
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_OK);
    desk.now = OTP_FAKE_NOW + 3600;
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_DENIED);
    assert_false(desk.decision.emergency);
}


static void test_emergency_password_works_without_a_key_and_while_locked(void **state)
{
    (void) state;
    fail_times(10, false);
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_OK);
    desk.account.unknown.failures = 100;
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_OK);
    assert_int_equal(desk.account.unknown.failures, 100);
    key(0)->state = OTP_KEY_DISABLED;
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_OK);
    desk.account.keys = 0;
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_OK);
}


static void test_bad_attempts_at_it_have_their_own_count_and_the_tenth_ends_it(void **state)
{
    (void) state;
    for (int i = 1; i <= 9; i++) {
        assert_int_equal(emergency("ABCDE23457"), OTP_VERDICT_DENIED);
        assert_int_equal(desk.account.emergency.failures, i);
    }
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_OK);
    assert_int_equal(desk.account.emergency.failures, 0);
    for (int i = 1; i <= 10; i++) {
        assert_int_equal(emergency("ABCDE23457"), OTP_VERDICT_DENIED);
    }
    assert_int_equal(desk.account.unknown.failures, 0);
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.emergency.failures, 10);
    assert_int_equal(desk.account.unknown.failures, 1);
}


/* Who knows the password ends it for browsers that have not seen the key, and not for the owner's. */
static void test_bad_attempts_at_it_elsewhere_do_not_end_it_in_the_owners_browser(void **state)
{
    (void) state;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(emergency("ABCDE23457"), OTP_VERDICT_DENIED);
    }
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_DENIED);
    desk.in.known = true;
    assert_int_equal(emergency("ABCDE23457"), OTP_VERDICT_DENIED);
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_OK);
    assert_int_equal(desk.account.emergency.known_failures, 0);
    assert_int_equal(desk.account.emergency.failures, 10);

    for (int i = 0; i < 10; i++) {
        assert_int_equal(emergency("ABCDE23457"), OTP_VERDICT_DENIED);
    }
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_DENIED);
    assert_false(otp_emergency_live(&desk.account, desk.now));
}


static void test_right_one_in_a_new_browser_clears_both_of_its_counts(void **state)
{
    (void) state;
    desk.account.emergency.failures = 9;
    desk.account.emergency.known_failures = 10;
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_OK);
    assert_int_equal(desk.account.emergency.failures + desk.account.emergency.known_failures, 0);
}


static void test_person_is_told_each_time_bad_attempts_have_ended_it(void **state)
{
    (void) state;
    for (int i = 0; i < 9; i++) {
        assert_int_equal(emergency("ABCDE23457"), OTP_VERDICT_DENIED);
        assert_int_equal(desk.decision.signal, OTP_SIGNAL_NONE);
        assert_int_equal(desk.decision.mail, OTP_MAIL_NONE);
        assert_false(desk.decision.emergency_blocked);
    }
    desk.account.signal[OTP_SIGNAL_LOCKED].mailed = desk.now;
    assert_int_equal(emergency("ABCDE23457"), OTP_VERDICT_DENIED);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_LOCKED);
    assert_int_equal(desk.decision.mail, OTP_MAIL_SIGN_IN_BLOCKED);
    assert_true(desk.decision.emergency_blocked);
    assert_int_equal(desk.account.signal[OTP_SIGNAL_LOCKED].mailed, desk.now);
    assert_int_equal(emergency("ABCDE23457"), OTP_VERDICT_DENIED);
    assert_false(desk.decision.emergency_blocked);
}


/* Every evaluation of a passcode asks the library for digests; so does a verifier of the emergency password. */
int EVP_MAC_final(EVP_MAC_CTX *ctx, unsigned char *out, size_t *outl, size_t outsize)
{
    int (*real)(EVP_MAC_CTX *, unsigned char *, size_t *, size_t);
    void *found = dlsym(RTLD_NEXT, "EVP_MAC_final");

    memcpy(&real, &found, sizeof(real));
    digests++;
    return real(ctx, out, outl, outsize);
}


static unsigned digests_of(const char *typed)
{
    otp_account_t kept = desk.account;

    digests = 0;
    assert_int_equal(emergency(typed), OTP_VERDICT_DENIED);
    desk.account = kept;
    return digests;
}


static void test_work_does_not_tell_whether_there_is_an_emergency_password(void **state)
{
    unsigned live;

    (void) state;
    live = digests_of("ABCDE23457");
    assert_true(live > 0);
    assert_int_equal(digests_of("ABCDE23457"), live);
    desk.in.password_proven = false;
    assert_int_equal(digests_of(EMERGENCY), live);
    desk.in.password_proven = true;
    memset(&desk.account.emergency, 0, sizeof(desk.account.emergency));
    assert_int_equal(digests_of("ABCDE23457"), live);
    desk.account.unknown.failures = 100;
    desk.in.signed_in = false;
    assert_int_equal(digests_of("ABCDE23457"), live);
    issue(OTP_FAKE_NOW + 3600);
    assert_int_equal(digests_of("ABCDE23457"), live);
}


static void test_what_looks_like_one_is_a_wrong_passcode_when_there_is_none(void **state)
{
    (void) state;
    desk.account.emergency.expires = 0;
    memset(&desk.account.emergency.verifier, 0, sizeof(desk.account.emergency.verifier));
    for (int i = 1; i <= 10; i++) {
        assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_DENIED);
        assert_int_equal(desk.account.unknown.failures, i);
    }
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_LOCKED);
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_THROTTLED);
    desk.account.keys = 0;
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_DENIED);
    assert_false(desk.decision.changed);
}


static void test_use_of_the_key_ends_the_emergency_password(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_true(desk.decision.emergency_ended);
    assert_false(desk.decision.emergency);
    assert_false(otp_emergency_live(&desk.account, desk.now));
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_DENIED);
    assert_false(desk.decision.emergency);
}


/* Whoever could not be reached the first time is ended the second time. */
static void test_each_use_of_the_key_ends_its_sessions_until_its_time_is_over(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_true(desk.decision.emergency_ended);
    desk.now += 3600;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_true(desk.decision.emergency_ended);
    assert_int_equal(desk.account.emergency.expires, 0);
    assert_false(desk.account.emergency.verifier.set);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_false(desk.decision.emergency_ended);
}


static void test_anything_less_than_the_key_leaves_the_emergency_password(void **state)
{
    (void) state;
    assert_int_equal(passcode(WRONG), OTP_VERDICT_DENIED);
    assert_int_equal(passcode(PASSCODE("2581", A, step_now())), OTP_VERDICT_DENIED);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 5)), OTP_VERDICT_NEXT_CODE);
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_OK);
    memset(&key(0)->pin, 0, sizeof(key(0)->pin));
    desk.account.unknown.failures = 0;
    desk.now += 600;
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_PIN_REQUIRED);
    assert_int_equal(emergency(EMERGENCY), OTP_VERDICT_OK);
}


/* ---- browsers the owner has used before ---- */

static void test_failures_of_strangers_do_not_lock_the_owners_browser(void **state)
{
    (void) state;
    for (int i = 0; i < 10; i++) {
        fail_times(10, false);
        desk.now += 900;
    }
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_DENIED);
    desk.in.known = true;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_int_equal(desk.account.unknown.failures, 100);
}


static void test_owners_browser_has_its_own_lock_and_its_own_two_codes(void **state)
{
    (void) state;
    desk.in.known = true;
    fail_times(3, true);
    assert_int_equal(desk.account.unknown.failures, 0);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_NEXT_CODE);
    fail_times(7, true);
    assert_int_equal(desk.account.known.locked_until, OTP_FAKE_NOW + 900);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_DENIED);
    desk.in.signed_in = true;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_THROTTLED);
    assert_int_equal(desk.decision.retry_after_s, 840);
    desk.in.known = false;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
}


static void test_total_of_failures_is_counted_for_the_owners_browser_too(void **state)
{
    (void) state;
    desk.in.known = desk.in.signed_in = true;
    desk.account.known.failures = 99;
    assert_int_equal(passcode(WRONG), OTP_VERDICT_DENIED);
    desk.now += 86400;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_THROTTLED);
    assert_int_equal(desk.decision.retry_after_s, 0);
}


static void test_success_in_the_owners_browser_clears_its_own_count_only(void **state)
{
    (void) state;
    fail_times(2, false);
    fail_times(2, true);
    desk.in.known = true;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_int_equal(desk.account.known.failures, 0);
    assert_int_equal(desk.account.unknown.failures, 2);
}


static void test_success_in_a_new_browser_clears_both_counts(void **state)
{
    (void) state;
    fail_times(12, true);
    fail_times(2, false);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_int_equal(desk.account.known.failures, 0);
    assert_int_equal(desk.account.known.locked_until, 0);
    assert_int_equal(desk.account.unknown.failures, 0);
}


static void test_helpdesk_unlocks_both(void **state)
{
    (void) state;
    fail_times(10, true);
    fail_times(10, false);
    assert_int_equal(otp_manage_unlock(&desk.account), OTP_MANAGE_CHANGED);
    assert_int_equal(desk.account.known.failures + desk.account.unknown.failures, 0);
    assert_int_equal(otp_account_state(&desk.account, &desk.limits, true, desk.now), OTP_STATE_READY);
    assert_int_equal(otp_account_state(&desk.account, &desk.limits, false, desk.now), OTP_STATE_READY);
}


/* ---- signals ---- */

static void assert_note(otp_signal_t signal, int64_t at, int64_t count, int64_t mailed)
{
    const otp_signal_note_t *note = &desk.account.signal[signal];

    assert_int_equal(note->at, at);
    assert_int_equal(note->count, count);
    assert_int_equal(note->mailed, mailed);
}


static void test_half_of_a_passcode_is_noted_and_mailed_once_a_day(void **state)
{
    (void) state;
    assert_int_equal(passcode(otp_fake_wrong(PIN, A, step_now()).text), OTP_VERDICT_DENIED);
    assert_int_equal(desk.decision.mail, OTP_MAIL_PIN_WITHOUT_CODE);
    assert_note(OTP_SIGNAL_PIN_WITHOUT_CODE, desk.now, 1, OTP_FAKE_NOW);
    desk.now += 86399;
    assert_int_equal(passcode(otp_fake_wrong(PIN, A, step_now()).text), OTP_VERDICT_DENIED);
    assert_int_equal(desk.decision.mail, OTP_MAIL_NONE);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_PIN_WITHOUT_CODE);
    assert_note(OTP_SIGNAL_PIN_WITHOUT_CODE, desk.now, 2, OTP_FAKE_NOW);

    /* Another one has its own day. */
    assert_int_equal(passcode(PASSCODE("2581", A, step_now())), OTP_VERDICT_DENIED);
    assert_int_equal(desk.decision.mail, OTP_MAIL_CODE_WITHOUT_PIN);
    assert_note(OTP_SIGNAL_CODE_WITHOUT_PIN, desk.now, 1, desk.now);
    desk.now += 1;
    assert_int_equal(passcode(otp_fake_wrong(PIN, A, step_now()).text), OTP_VERDICT_DENIED);
    assert_int_equal(desk.decision.mail, OTP_MAIL_PIN_WITHOUT_CODE);
    assert_note(OTP_SIGNAL_PIN_WITHOUT_CODE, desk.now, 3, desk.now);
}


static void test_wrong_passcode_is_no_signal(void **state)
{
    static const otp_signal_note_t none[OTP_SIGNALS];

    (void) state;
    fail_times(2, false);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_NONE);
    assert_int_equal(desk.decision.mail, OTP_MAIL_NONE);
    assert_memory_equal(desk.account.signal, none, sizeof(none));
}


static void test_replay_is_noted_when_it_comes_from_elsewhere(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_string_equal(desk.account.accepted_from, "192.0.2.1");
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_REPLAY);
    assert_false(desk.decision.changed);

    desk.in.address = OTP_SPAN("192.0.2.2");
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_REPLAY);
    assert_int_equal(desk.decision.mail, OTP_MAIL_REPLAY);
    assert_note(OTP_SIGNAL_REPLAY, desk.now, 1, desk.now);
    assert_int_equal(desk.account.unknown.failures, 0);
    assert_string_equal(desk.account.accepted_from, "192.0.2.1");
}


/* A laptop changes the second half of its address by itself. */
static void test_addresses_of_one_ipv6_network_are_one_place(void **state)
{
    (void) state;
    desk.in.address = OTP_SPAN("2001:db8:0:1::7");
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    desk.in.address = OTP_SPAN("2001:db8:0:1:aaaa::8");
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_ALREADY_USED);
    assert_false(desk.decision.changed);
    desk.in.address = OTP_SPAN("2001:db8:0:2::7");
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(desk.decision.mail, OTP_MAIL_REPLAY);
}


/* The first code of two was accepted too: to type it again is no attack. */
static void test_first_code_of_two_says_where_its_owner_is(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 5)), OTP_VERDICT_NEXT_CODE);
    assert_string_equal(desk.account.accepted_from, "192.0.2.1");
    assert_int_equal(key(0)->used, 0);
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 5)), OTP_VERDICT_ALREADY_USED);
    assert_false(desk.decision.changed);
}


static void test_spent_code_without_a_place_it_was_spent_at_is_not_noted(void **state)
{
    (void) state;
    key(0)->step = step_now() + 1;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_REPLAY);
    assert_false(desk.decision.changed);
}


static void test_spent_code_of_a_key_without_pin_is_not_noted(void **state)
{
    (void) state;
    memset(&key(0)->pin, 0, sizeof(key(0)->pin));
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_PIN_REQUIRED);
    desk.in.address = OTP_SPAN("192.0.2.2");
    assert_int_equal(passcode(PASSCODE("", A, step_now())), OTP_VERDICT_DENIED);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_REPLAY);
    assert_false(desk.decision.changed);
}


static void test_lock_is_mailed_with_its_end_and_leaves_no_banner(void **state)
{
    (void) state;
    fail_times(10, false);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_LOCKED);
    assert_int_equal(desk.decision.mail, OTP_MAIL_SIGN_IN_BLOCKED);
    assert_int_equal(desk.decision.until, OTP_FAKE_NOW + 900);
    assert_note(OTP_SIGNAL_LOCKED, 0, 0, OTP_FAKE_NOW);
    desk.now += 900;
    fail_times(10, false);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_LOCKED);
    assert_int_equal(desk.decision.mail, OTP_MAIL_NONE);
}


static void test_lock_that_only_the_helpdesk_ends_has_no_end(void **state)
{
    (void) state;
    desk.account.unknown.failures = 99;
    fail_times(1, false);
    assert_int_equal(desk.decision.mail, OTP_MAIL_SIGN_IN_BLOCKED);
    assert_int_equal(desk.decision.until, 0);
}


static void test_total_that_is_no_multiple_of_the_lock_is_told_as_well(void **state)
{
    (void) state;
    desk.limits.lock_total = 15;
    desk.account.unknown.failures = 14;
    fail_times(1, false);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_LOCKED);
    assert_int_equal(desk.decision.until, 0);
}


/* One mail a decision: the lock; the other is noted, and mailed when it happens again. */
static void test_tenth_failure_that_is_a_signal_is_both(void **state)
{
    (void) state;
    fail_times(9, false);
    assert_int_equal(passcode(otp_fake_wrong(PIN, A, step_now()).text), OTP_VERDICT_DENIED);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_LOCKED);
    assert_int_equal(desk.decision.mail, OTP_MAIL_SIGN_IN_BLOCKED);
    assert_note(OTP_SIGNAL_PIN_WITHOUT_CODE, desk.now, 1, 0);
    desk.now += 900;
    assert_int_equal(passcode(otp_fake_wrong(PIN, A, step_now()).text), OTP_VERDICT_DENIED);
    assert_int_equal(desk.decision.mail, OTP_MAIL_PIN_WITHOUT_CODE);
}


/* ---- the change of a PIN ---- */

static void test_pin_is_changed_with_the_old_one_and_a_code(void **state)
{
    otp_pin_verifier_t old = key(0)->pin;

    (void) state;
    desk.in.signed_in = true;
    assert_int_equal(change(PASSCODE(PIN, A, step_now()), PIN_B), OTP_VERDICT_OK);
    assert_string_equal(desk.decision.serial, A);
    assert_int_equal(desk.decision.mail, OTP_MAIL_PIN_CHANGED);
    assert_memory_equal(&key(0)->pin_before, &old, sizeof(old));
    assert_int_equal(key(0)->step, step_now());
    assert_int_equal(key(0)->used, desk.now);
    assert_string_equal(desk.account.accepted_from, "192.0.2.1");
    assert_int_equal(change(PASSCODE(PIN_B, A, step_now()), "8350"), OTP_VERDICT_ALREADY_USED);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_DENIED);
    desk.now += 60;
    assert_int_equal(passcode(PASSCODE(PIN_B, A, step_now())), OTP_VERDICT_OK);
}


static void test_wrong_passcode_changes_no_pin_and_is_counted(void **state)
{
    (void) state;
    assert_int_equal(change(WRONG, PIN_B), OTP_VERDICT_DENIED);
    assert_int_equal(change(otp_fake_wrong(PIN, A, step_now()).text, PIN_B), OTP_VERDICT_DENIED);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_PIN_WITHOUT_CODE);
    assert_int_equal(change(PASSCODE("2581", A, step_now()), PIN_B), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.unknown.failures, 3);
    assert_true(otp_pin_matches(desk.ring, OTP_SPAN(A), OTP_SPAN(PIN), &key(0)->pin));
}


static void test_refused_new_pin_costs_neither_code_nor_chance(void **state)
{
    static const struct {
        const char       *pin;
        otp_pin_refusal_t refusal;
    } rows[] = {
        { "4444", OTP_PIN_REPEATED }, { "3456", OTP_PIN_SEQUENCE }, { "258", OTP_PIN_LENGTH },
        { PIN, OTP_PIN_PREVIOUS }, { "7294", OTP_PIN_PREVIOUS }, { "8350", OTP_PIN_PERSONAL },
    };
    static const otp_span_t personal[] = { OTP_SPAN("marie.8350") };

    (void) state;
    key(0)->pin_before = key(0)->pin;
    assert_int_equal(otp_pin_set(desk.ring, OTP_SPAN(A), OTP_SPAN("7294"), key(0)->pin.salt, &key(0)->pin_before),
                     OTP_OK);
    desk.in.personal = personal;
    desk.in.personals = 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(change(PASSCODE(PIN, A, step_now()), rows[i].pin), OTP_VERDICT_PIN_REFUSED);
        assert_int_equal(desk.decision.refusal, rows[i].refusal);
        assert_false(desk.decision.changed);
    }
    assert_int_equal(change(PASSCODE(PIN, A, step_now()), "9173"), OTP_VERDICT_OK);
}


/* Else an open session would tell the PIN to whoever sits down at it. */
static void test_whether_a_pin_is_the_present_one_is_not_told_without_the_passcode(void **state)
{
    (void) state;
    assert_int_equal(change(WRONG, PIN), OTP_VERDICT_DENIED);
    assert_int_equal(change(otp_fake_wrong(PIN, A, step_now()).text, PIN), OTP_VERDICT_DENIED);
    assert_int_equal(desk.account.unknown.failures, 2);
}


static void test_pin_change_opens_no_lock_and_clears_no_count(void **state)
{
    (void) state;
    fail_times(4, false);
    assert_int_equal(change(PASSCODE(PIN, A, step_now()), PIN_B), OTP_VERDICT_OK);
    assert_int_equal(desk.account.unknown.failures, 4);
    fail_times(6, false);
    desk.now += 60;
    desk.in.signed_in = true;
    assert_int_equal(change(PASSCODE(PIN_B, A, step_now()), "8350"), OTP_VERDICT_THROTTLED);
    assert_int_equal(desk.decision.retry_after_s, 840);
}


static void test_pin_is_not_changed_where_there_is_none(void **state)
{
    (void) state;
    memset(&key(0)->pin, 0, sizeof(key(0)->pin));
    desk.in.signed_in = true;
    assert_int_equal(change(PASSCODE("", A, step_now()), PIN_B), OTP_VERDICT_DENIED);
    assert_false(key(0)->pin.set);
    assert_int_equal(key(0)->step, 0);
    desk.account.keys = 0;
    assert_int_equal(change("123456", PIN_B), OTP_VERDICT_DENIED);
}


static void test_pin_of_the_key_whose_code_is_shown_is_changed(void **state)
{
    otp_pin_verifier_t first = key(0)->pin;

    (void) state;
    desk.account.keys = 2;
    otp_fake_key(desk.ring, key(1), B, PIN_B);
    assert_int_equal(change(PASSCODE(PIN_B, B, step_now()), "8350"), OTP_VERDICT_OK);
    assert_string_equal(desk.decision.serial, B);
    assert_memory_equal(&key(0)->pin, &first, sizeof(first));
    assert_true(otp_pin_matches(desk.ring, OTP_SPAN(B), OTP_SPAN("8350"), &key(1)->pin));
}


static void test_code_of_the_wide_window_is_not_enough_for_a_new_pin(void **state)
{
    (void) state;
    assert_int_equal(change(PASSCODE(PIN, A, step_now() + 5), PIN_B), OTP_VERDICT_DENIED);
    assert_int_equal(key(0)->drift, 0);
    assert_int_equal(key(0)->step, 0);
}


static void test_pin_change_leaves_what_another_key_has_opened(void **state)
{
    (void) state;
    desk.account.keys = 2;
    otp_fake_key(desk.ring, key(1), B, NULL);
    assert_int_equal(passcode(PASSCODE("", B, step_now())), OTP_VERDICT_PIN_REQUIRED);
    assert_int_equal(change(PASSCODE(PIN, A, step_now()), PIN_B), OTP_VERDICT_OK);
    assert_int_equal(desk.account.pending.kind, OTP_PENDING_PIN);
    issue(desk.now + 3600);
    desk.now += 60;
    assert_int_equal(change(PASSCODE(PIN_B, A, step_now()), "8350"), OTP_VERDICT_OK);
    assert_true(desk.decision.emergency_ended);
}


/* ---- what an account learns ---- */

static void test_change_of_the_record_takes_along_where_mail_goes(void **state)
{
    (void) state;
    desk.in.name = OTP_SPAN("Marie Dupont");
    desk.in.email = OTP_SPAN("marie@school.example");
    desk.in.language = OTP_SPAN("en");
    assert_int_equal(passcode(WRONG), OTP_VERDICT_DENIED);
    assert_string_equal(desk.account.contact.name, "Marie Dupont");
    assert_string_equal(desk.account.contact.email, "marie@school.example");
    assert_string_equal(desk.account.contact.language, "");
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_string_equal(desk.account.contact.language, "en");

    /* The language of a stranger is not the owner's. */
    desk.in.language = OTP_SPAN("fr");
    assert_int_equal(passcode(WRONG), OTP_VERDICT_DENIED);
    assert_string_equal(desk.account.contact.language, "en");
    desk.in.signed_in = true;
    assert_int_equal(passcode(WRONG), OTP_VERDICT_DENIED);
    assert_string_equal(desk.account.contact.language, "fr");
}


static void test_decision_that_changes_nothing_takes_along_nothing(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    desk.in.name = OTP_SPAN("Marie Dupont");
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_ALREADY_USED);
    assert_string_equal(desk.account.contact.name, "");
}


static void with_pin_of_an_older_ring(void)
{
    char           error[128];
    otp_keyring_t *old = otp_keyring_parse(OTP_SPAN(OLD_RING), error, sizeof(error));

    assert_non_null(old);
    otp_fake_pin(old, key(0), PIN);
    otp_keyring_destroy(old);
    assert_string_equal(key(0)->pin.ring_id, "20212223");
}


static void test_right_pin_is_kept_with_the_newest_key_of_the_ring(void **state)
{
    static const int64_t ahead[] = { 0, 5 };

    (void) state;
    for (size_t i = 0; i < 2; i++) {
        (void) begin(state);
        with_pin_of_an_older_ring();
        memcpy(desk.in.random_salt, "a fresh salt....", OTP_SALT_LEN);
        (void) passcode(WRONG);
        assert_string_equal(key(0)->pin.ring_id, "20212223");
        (void) passcode(PASSCODE(PIN, A, step_now() + ahead[i]));
        assert_string_equal(key(0)->pin.ring_id, "aabbccdd");
        assert_memory_equal(key(0)->pin.salt, "a fresh salt....", OTP_SALT_LEN);
        assert_true(otp_pin_matches(desk.ring, OTP_SPAN(A), OTP_SPAN(PIN), &key(0)->pin));
    }
}


static void test_pin_that_has_the_newest_key_stays_as_it_is(void **state)
{
    otp_pin_verifier_t before = key(0)->pin;

    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now())), OTP_VERDICT_OK);
    assert_memory_equal(&key(0)->pin, &before, sizeof(before));
}


static void test_first_drift_that_was_learned_is_remembered(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 1)), OTP_VERDICT_OK);
    assert_int_equal(key(0)->drift_first, 1);
    assert_int_equal(key(0)->drift_since, OTP_FAKE_NOW);
    desk.now += 86400;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 2)), OTP_VERDICT_OK);
    assert_int_equal(key(0)->drift, 2);
    assert_int_equal(key(0)->drift_first, 1);
    assert_int_equal(key(0)->drift_since, OTP_FAKE_NOW);
}


static void test_first_code_of_two_teaches_no_drift(void **state)
{
    (void) state;
    assert_int_equal(passcode(PASSCODE(PIN, A, step_now() + 5)), OTP_VERDICT_NEXT_CODE);
    assert_int_equal(key(0)->drift, 0);
    assert_int_equal(key(0)->drift_since, 0);
    assert_int_equal(desk.decision.wait_s, 40);
}


/* ---- keys that count events ---- */

/* Its code of step n is what a clock would show in step n - 1. */
static const char *pressed(const char *pin, int64_t step)
{
    static otp_fake_passcode_t shown;

    shown = otp_fake_passcode(pin, A, step - 1);

    return shown.text;
}


static int begin_event(void **state)
{
    (void) begin(state);
    otp_fake_key_event(desk.ring, key(0), A, PIN);
    key(0)->step = 100;
    return 0;
}


static void test_event_key_opens_within_its_look_ahead_and_learns_no_drift(void **state)
{
    (void) state;
    assert_int_equal(passcode(pressed(PIN, 101)), OTP_VERDICT_OK);
    assert_int_equal(passcode(pressed(PIN, 111)), OTP_VERDICT_OK);
    assert_int_equal(key(0)->step, 111);
    assert_int_equal(key(0)->drift, 0);
    assert_int_equal(key(0)->drift_since, 0);
    assert_int_equal(passcode(pressed(PIN, 111)), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(desk.decision.retry_after_s, 1);
}


static void test_event_key_far_ahead_brings_two_codes(void **state)
{
    char id[OTP_PENDING_ID_LEN + 1];

    (void) state;
    assert_int_equal(passcode(pressed(PIN, 150)), OTP_VERDICT_NEXT_CODE);
    assert_int_equal(desk.decision.wait_s, 1);
    memcpy(id, desk.account.pending.id, sizeof(id));
    desk.in.pending_id = otp_span_of(id);
    desk.in.passcode = otp_span_of(pressed("", 150));
    assert_int_equal(submit(OTP_SUBMIT_NEXT_CODE), OTP_VERDICT_ALREADY_USED);
    assert_int_equal(desk.decision.retry_after_s, 1);
    desk.in.passcode = otp_span_of(pressed("", 151));
    assert_int_equal(submit(OTP_SUBMIT_NEXT_CODE), OTP_VERDICT_OK);
    assert_int_equal(key(0)->step, 151);
}


/* Else one who presses the button of a key, or guesses, could put the owner far behind. */
static void test_event_keys_code_without_pin_is_spent_in_the_look_ahead_only(void **state)
{
    (void) state;
    assert_int_equal(passcode(pressed("2581", 140)), OTP_VERDICT_DENIED);
    assert_int_equal(desk.decision.signal, OTP_SIGNAL_CODE_WITHOUT_PIN);
    assert_int_equal(key(0)->step, 100);
    assert_int_equal(passcode(pressed("2581", 105)), OTP_VERDICT_DENIED);
    assert_int_equal(key(0)->step, 105);
    assert_int_equal(passcode(pressed(PIN, 106)), OTP_VERDICT_OK);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_emergency_password_opens_after_the_password, begin_emergency),
        cmocka_unit_test_setup(test_emergency_password_alone_opens_nothing, begin_emergency),
        cmocka_unit_test_setup(test_emergency_password_is_over_at_its_second, begin_emergency),
        cmocka_unit_test_setup(test_emergency_password_works_without_a_key_and_while_locked, begin_emergency),
        cmocka_unit_test_setup(test_bad_attempts_at_it_have_their_own_count_and_the_tenth_ends_it, begin_emergency),
        cmocka_unit_test_setup(test_bad_attempts_at_it_elsewhere_do_not_end_it_in_the_owners_browser, begin_emergency),
        cmocka_unit_test_setup(test_right_one_in_a_new_browser_clears_both_of_its_counts, begin_emergency),
        cmocka_unit_test_setup(test_person_is_told_each_time_bad_attempts_have_ended_it, begin_emergency),
        cmocka_unit_test_setup(test_work_does_not_tell_whether_there_is_an_emergency_password, begin_emergency),
        cmocka_unit_test_setup(test_what_looks_like_one_is_a_wrong_passcode_when_there_is_none, begin_emergency),
        cmocka_unit_test_setup(test_use_of_the_key_ends_the_emergency_password, begin_emergency),
        cmocka_unit_test_setup(test_each_use_of_the_key_ends_its_sessions_until_its_time_is_over, begin_emergency),
        cmocka_unit_test_setup(test_anything_less_than_the_key_leaves_the_emergency_password, begin_emergency),
        cmocka_unit_test_setup(test_failures_of_strangers_do_not_lock_the_owners_browser, begin),
        cmocka_unit_test_setup(test_owners_browser_has_its_own_lock_and_its_own_two_codes, begin),
        cmocka_unit_test_setup(test_total_of_failures_is_counted_for_the_owners_browser_too, begin),
        cmocka_unit_test_setup(test_success_in_the_owners_browser_clears_its_own_count_only, begin),
        cmocka_unit_test_setup(test_success_in_a_new_browser_clears_both_counts, begin),
        cmocka_unit_test_setup(test_helpdesk_unlocks_both, begin),
        cmocka_unit_test_setup(test_half_of_a_passcode_is_noted_and_mailed_once_a_day, begin),
        cmocka_unit_test_setup(test_wrong_passcode_is_no_signal, begin),
        cmocka_unit_test_setup(test_replay_is_noted_when_it_comes_from_elsewhere, begin),
        cmocka_unit_test_setup(test_addresses_of_one_ipv6_network_are_one_place, begin),
        cmocka_unit_test_setup(test_first_code_of_two_says_where_its_owner_is, begin),
        cmocka_unit_test_setup(test_spent_code_without_a_place_it_was_spent_at_is_not_noted, begin),
        cmocka_unit_test_setup(test_spent_code_of_a_key_without_pin_is_not_noted, begin),
        cmocka_unit_test_setup(test_lock_is_mailed_with_its_end_and_leaves_no_banner, begin),
        cmocka_unit_test_setup(test_lock_that_only_the_helpdesk_ends_has_no_end, begin),
        cmocka_unit_test_setup(test_total_that_is_no_multiple_of_the_lock_is_told_as_well, begin),
        cmocka_unit_test_setup(test_tenth_failure_that_is_a_signal_is_both, begin),
        cmocka_unit_test_setup(test_pin_is_changed_with_the_old_one_and_a_code, begin),
        cmocka_unit_test_setup(test_wrong_passcode_changes_no_pin_and_is_counted, begin),
        cmocka_unit_test_setup(test_refused_new_pin_costs_neither_code_nor_chance, begin),
        cmocka_unit_test_setup(test_whether_a_pin_is_the_present_one_is_not_told_without_the_passcode, begin),
        cmocka_unit_test_setup(test_pin_change_opens_no_lock_and_clears_no_count, begin),
        cmocka_unit_test_setup(test_pin_is_not_changed_where_there_is_none, begin),
        cmocka_unit_test_setup(test_pin_of_the_key_whose_code_is_shown_is_changed, begin),
        cmocka_unit_test_setup(test_code_of_the_wide_window_is_not_enough_for_a_new_pin, begin),
        cmocka_unit_test_setup(test_pin_change_leaves_what_another_key_has_opened, begin),
        cmocka_unit_test_setup(test_change_of_the_record_takes_along_where_mail_goes, begin),
        cmocka_unit_test_setup(test_decision_that_changes_nothing_takes_along_nothing, begin),
        cmocka_unit_test_setup(test_right_pin_is_kept_with_the_newest_key_of_the_ring, begin),
        cmocka_unit_test_setup(test_pin_that_has_the_newest_key_stays_as_it_is, begin),
        cmocka_unit_test_setup(test_first_drift_that_was_learned_is_remembered, begin),
        cmocka_unit_test_setup(test_first_code_of_two_teaches_no_drift, begin),
        cmocka_unit_test_setup(test_event_key_opens_within_its_look_ahead_and_learns_no_drift, begin_event),
        cmocka_unit_test_setup(test_event_key_far_ahead_brings_two_codes, begin_event),
        cmocka_unit_test_setup(test_event_keys_code_without_pin_is_spent_in_the_look_ahead_only, begin_event),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
