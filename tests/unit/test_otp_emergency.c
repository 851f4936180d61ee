#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/model/otp_emergency.h"
#include "otp_fake_key.h"

#define NOW         OTP_FAKE_NOW
#define ALPHABET    "ABCDEFGHJKMNPQRSTUVWXYZ23456789"

static const uint8_t salt[OTP_SALT_LEN] = "salt of the test";

static otp_keyring_t *ring;
static otp_account_t  account;


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


/* An account with the password ABCDE23456 until an hour from now. */
static int begin(void **state)
{
    (void) state;
    otp_account_init(&account, OTP_SPAN("marie"));
    assert_int_equal(otp_emergency_set(ring, &account, OTP_SPAN("ABCDE23456"), salt, NOW, NOW + 3600), OTP_OK);
    return 0;
}


static bool formed(const char *typed, const char *expected)
{
    char canonical[OTP_EMERGENCY_LEN + 1];
    bool accepted = otp_emergency_form(otp_span_of(typed), canonical);

    if (accepted) {
        assert_string_equal(canonical, expected);
    }

    return accepted;
}


static bool matches(const char *canonical, int64_t now_s)
{
    return otp_emergency_matches(ring, &account, otp_span_of(canonical), now_s);
}


/* ---- what it looks like ---- */

static void test_password_is_ten_characters_that_nobody_mistakes_and_begins_with_a_letter(void **state)
{
    uint64_t dice = 1;
    bool     seen[128] = { false };

    (void) state;
    for (int i = 0; i < 2000; i++) {
        uint8_t random[16];
        char    password[OTP_EMERGENCY_LEN + 1];

        otp_fake_random_bytes(&dice, random, sizeof(random));
        otp_emergency_make(random, password);
        assert_int_equal(strlen(password), OTP_EMERGENCY_LEN);
        assert_int_equal(strspn(password, ALPHABET), OTP_EMERGENCY_LEN);
        assert_true(password[0] >= 'A' && password[0] <= 'Z');
        assert_true(formed(password, password));
        for (size_t j = 0; j < OTP_EMERGENCY_LEN; j++) {
            seen[(uint8_t) password[j]] = true;
        }
    }
    for (size_t i = 0; i < strlen(ALPHABET); i++) {
        assert_true(seen[(uint8_t) ALPHABET[i]]);
    }
}


/* The bytes as one number, written in base 23, then 31, the last digit first. */
static void test_password_is_made_of_the_random_bytes_alone(void **state)
{
    uint8_t random[16] = { 0 };
    char    password[OTP_EMERGENCY_LEN + 1];

    (void) state;
    otp_emergency_make(random, password);
    assert_string_equal(password, "AAAAAAAAAA");
    random[15] = 1;
    otp_emergency_make(random, password);
    assert_string_equal(password, "BAAAAAAAAA");
    random[15] = 23;
    otp_emergency_make(random, password);
    assert_string_equal(password, "ABAAAAAAAA");
    random[14] = 1;
    random[15] = 0;
    otp_emergency_make(random, password);
    assert_string_equal(password, "DNAAAAAAAA");
}


static void test_case_blanks_and_dashes_do_not_count(void **state)
{
    (void) state;
    assert_true(formed("ABCDE23456", "ABCDE23456"));
    assert_true(formed("abcde23456", "ABCDE23456"));
    assert_true(formed(" AbcDE-23456 ", "ABCDE23456"));
    assert_true(formed("AB CD\tE2 34-56", "ABCDE23456"));
}


static void test_what_cannot_be_one_is_taken_for_a_passcode(void **state)
{
    static const char *const others[] = {
        "", "ABCDE2345", "ABCDE234567", "2345678923", "234567", "ABCDE2345O", "ABCDE2345I", "ABCDE2345L", "ABCDE23450",
        "ABCDE23451", "ABCDE2345\xc3\xa9", "ABCDE2345_", "----------", "          ",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(formed(others[i], ""));
    }
}


static void test_nul_is_no_character_of_it(void **state)
{
    char canonical[OTP_EMERGENCY_LEN + 1];

    (void) state;
    assert_false(otp_emergency_form((otp_span_t) { "ABCDE2345\0", 10 }, canonical));
    assert_int_equal(canonical[0], 0);
}


/* ---- whether it counts ---- */

static void test_right_one_matches_until_the_second_it_ends(void **state)
{
    (void) state;
    assert_true(matches("ABCDE23456", NOW));
    assert_true(matches("ABCDE23456", NOW + 3599));
    assert_false(matches("ABCDE23456", NOW + 3600));
    assert_false(otp_emergency_live(&account, NOW + 3600));
}


static void test_another_one_does_not_match(void **state)
{
    (void) state;
    assert_false(matches("ABCDE23457", NOW));
    assert_false(matches("ABCDE2345", NOW));
    assert_false(matches("", NOW));
}


static void test_there_is_none_in_a_new_account(void **state)
{
    (void) state;
    otp_account_init(&account, OTP_SPAN("marie"));
    assert_false(otp_emergency_live(&account, NOW));
    assert_false(matches("ABCDE23456", NOW));
}


static void test_ten_bad_attempts_end_it(void **state)
{
    (void) state;
    account.emergency.failures = OTP_EMERGENCY_FAILURES - 1;
    assert_true(matches("ABCDE23456", NOW));
    account.emergency.failures = account.emergency.known_failures = OTP_EMERGENCY_FAILURES;
    assert_false(matches("ABCDE23456", NOW));
    assert_false(otp_emergency_live(&account, NOW));
}


static void test_ten_bad_attempts_end_it_for_browsers_of_their_kind(void **state)
{
    (void) state;
    *otp_emergency_failures(&account, false) = OTP_EMERGENCY_FAILURES;
    assert_true(otp_emergency_live(&account, NOW));
    assert_false(otp_emergency_heard(&account, false, NOW));
    assert_true(otp_emergency_heard(&account, true, NOW));
    assert_false(otp_emergency_heard(&account, true, NOW + 3600));
    account.emergency.failures = OTP_EMERGENCY_FAILURES - 1;
    *otp_emergency_failures(&account, true) = OTP_EMERGENCY_FAILURES;
    assert_true(otp_emergency_live(&account, NOW));
    assert_true(otp_emergency_heard(&account, false, NOW));
    assert_false(otp_emergency_heard(&account, true, NOW));
}


static void test_it_is_bound_to_its_person(void **state)
{
    otp_account_t other;

    (void) state;
    otp_account_init(&other, OTP_SPAN("paul"));
    other.emergency = account.emergency;
    assert_true(otp_emergency_live(&other, NOW));
    assert_false(otp_emergency_matches(ring, &other, OTP_SPAN("ABCDE23456"), NOW));
}


/* A verifier of the same text as a PIN would be one that a four-digit guess could be tried against. */
static void test_it_is_kept_with_a_key_of_its_own(void **state)
{
    otp_pin_verifier_t pin;

    (void) state;
    assert_int_equal(otp_pin_set(ring, OTP_SPAN("marie"), OTP_SPAN("ABCDE23456"), salt, &pin), OTP_OK);
    assert_memory_not_equal(pin.mac, account.emergency.verifier.mac, sizeof(pin.mac));
    assert_memory_equal(pin.ring_id, account.emergency.verifier.ring_id, sizeof(pin.ring_id));
}


static void test_a_new_one_replaces_the_old_one_and_its_count(void **state)
{
    (void) state;
    account.emergency.failures = 7;
    account.emergency.known_failures = 8;
    assert_int_equal(otp_emergency_set(ring, &account, OTP_SPAN("zyxwv 98765"), salt, NOW + 1, NOW + 60), OTP_OK);
    assert_false(matches("ABCDE23456", NOW + 1));
    assert_true(matches("ZYXWV98765", NOW + 1));
    assert_int_equal(account.emergency.failures + account.emergency.known_failures, 0);
    assert_int_equal(account.emergency.issued, NOW + 1);
    assert_int_equal(account.emergency.expires, NOW + 60);
}


static void test_what_is_no_password_or_over_already_is_not_set(void **state)
{
    otp_account_t before = account;

    (void) state;
    assert_int_equal(otp_emergency_set(ring, &account, OTP_SPAN("1234567890"), salt, NOW, NOW + 60), OTP_INVALID);
    assert_int_equal(otp_emergency_set(ring, &account, OTP_SPAN("ABCDE23456"), salt, NOW, NOW), OTP_INVALID);
    assert_memory_equal(&account, &before, sizeof(before));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_password_is_ten_characters_that_nobody_mistakes_and_begins_with_a_letter, begin),
        cmocka_unit_test_setup(test_password_is_made_of_the_random_bytes_alone, begin),
        cmocka_unit_test_setup(test_case_blanks_and_dashes_do_not_count, begin),
        cmocka_unit_test_setup(test_what_cannot_be_one_is_taken_for_a_passcode, begin),
        cmocka_unit_test_setup(test_nul_is_no_character_of_it, begin),
        cmocka_unit_test_setup(test_right_one_matches_until_the_second_it_ends, begin),
        cmocka_unit_test_setup(test_another_one_does_not_match, begin),
        cmocka_unit_test_setup(test_there_is_none_in_a_new_account, begin),
        cmocka_unit_test_setup(test_ten_bad_attempts_end_it, begin),
        cmocka_unit_test_setup(test_ten_bad_attempts_end_it_for_browsers_of_their_kind, begin),
        cmocka_unit_test_setup(test_it_is_bound_to_its_person, begin),
        cmocka_unit_test_setup(test_it_is_kept_with_a_key_of_its_own, begin),
        cmocka_unit_test_setup(test_a_new_one_replaces_the_old_one_and_its_count, begin),
        cmocka_unit_test_setup(test_what_is_no_password_or_over_already_is_not_set, begin),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
