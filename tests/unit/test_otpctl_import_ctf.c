#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "otpctl/import/otpctl_import_ctf.h"
#include "otpctl/import/otpctl_import_securid.h"

#define SERIAL  "519840477516"
#define DAY_S   86400

static const otpctl_ctf_t token = {
    .serial = { SERIAL, sizeof(SERIAL) - 1 }, .seed = "ABCDEFGHIJKLMNOP",
    .what = OTPCTL_CTF_128_BITS | OTPCTL_CTF_CODE(8) | OTPCTL_CTF_MINUTE, .last_day = 11647
};

/* libstoken checks a string when it reads it, and writes it anew. */
static otpctl_import_key_t assert_written_as_libstoken_does(const otpctl_ctf_t *ctf)
{
    char                  string[OTPCTL_CTF_DIGITS + 1] = "";
    otpctl_import_key_t   key = { 0 };
    otpctl_import_error_t error = { 0 };

    assert_true(otpctl_ctf_write(ctf, string));
    assert_int_equal(strlen(string), OTPCTL_CTF_DIGITS);
    if (!otpctl_import_securid(string, NULL, &key, &error)) {
        fail_msg("libstoken refuses %s: %s", string, error.reason);
    }
    assert_int_equal(key.len, OTPCTL_CTF_DIGITS);
    assert_memory_equal(key.secret, string, OTPCTL_CTF_DIGITS);
    return key;
}


/* libstoken (0.92) writes this for the token of an sdtid file. */
static void test_string_is_that_of_the_same_token_of_a_file(void **state)
{
    char string[OTPCTL_CTF_DIGITS + 1];

    (void) state;
    assert_true(otpctl_ctf_write(&token, string));
    assert_string_equal(string, "251984047751666270746117614437572271264321047472240632524070155376570522716736160");
}


static void test_string_says_what_the_token_is(void **state)
{
    otpctl_import_key_t key = assert_written_as_libstoken_does(&token);
    otpctl_ctf_t        other = token;

    (void) state;
    assert_string_equal(key.serial, SERIAL);
    assert_int_equal(key.digits, 8);
    assert_int_equal(key.period_s, 60);
    assert_true(key.expires == OTPCTL_CTF_EPOCH + (token.last_day + 1) * DAY_S);
    other.what = OTPCTL_CTF_128_BITS | OTPCTL_CTF_CODE(6);
    key = assert_written_as_libstoken_does(&other);
    assert_int_equal(key.digits, 6);
    assert_int_equal(key.period_s, 30);
}


static void test_every_answer_is_written_as_libstoken_writes_it(void **state)
{
    static const unsigned answers[] = {
        OTPCTL_CTF_APP_SEEDS, OTPCTL_CTF_MODE, OTPCTL_CTF_TIME_SEEDS, OTPCTL_CTF_ADD_PIN, OTPCTL_CTF_LOCAL_PIN,
        OTPCTL_CTF_MINUTE
    };
    otpctl_ctf_t          other = token;

    (void) state;
    for (unsigned set = 0; set < 1u << sizeof(answers) / sizeof(answers[0]); set++) {
        other.what = OTPCTL_CTF_128_BITS;
        for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
            other.what |= set >> i & 1 ? answers[i] : 0;
        }
        for (unsigned digits = 1; digits <= 8; digits++) {
            other.what = (other.what & ~OTPCTL_CTF_CODE(8)) | OTPCTL_CTF_CODE(digits);
            assert_int_equal(assert_written_as_libstoken_does(&other).digits, digits);
        }
    }
}


static void test_serial_numbers_are_filled_with_zeros(void **state)
{
    otpctl_ctf_t other = token;
    char         filled[] = SERIAL;

    (void) state;
    for (size_t len = 1; len <= OTPCTL_CTF_SERIAL; len++) {
        other.serial = (otp_span_t) { &SERIAL[OTPCTL_CTF_SERIAL - len], len };
        memset(filled, '0', OTPCTL_CTF_SERIAL - len);
        memcpy(filled + OTPCTL_CTF_SERIAL - len, other.serial.data, len);
        assert_string_equal(assert_written_as_libstoken_does(&other).serial, filled);
    }
}


static void test_every_day_finds_room(void **state)
{
    otpctl_ctf_t other = token;

    (void) state;
    for (unsigned day = 1; day <= OTPCTL_CTF_LAST_DAY; day = day * 2 + 1) {
        otpctl_import_key_t key;

        other.last_day = day;
        key = assert_written_as_libstoken_does(&other);
        /* After January 2038 libstoken stops telling. */
        assert_true(key.expires == OTPCTL_CTF_EPOCH + (day + 1) * (int64_t) DAY_S || day > 13800);
    }
}


static void test_every_byte_of_a_seed_is_in_the_string(void **state)
{
    otpctl_ctf_t other = token;
    char         plain[OTPCTL_CTF_DIGITS + 1], changed[OTPCTL_CTF_DIGITS + 1];

    (void) state;
    assert_true(otpctl_ctf_write(&token, plain));
    for (size_t i = 0; i < OTPCTL_CTF_SEED; i++) {
        other.seed[i] ^= 0x81;
        (void) assert_written_as_libstoken_does(&other);
        assert_true(otpctl_ctf_write(&other, changed));
        assert_string_not_equal(plain, changed);
        other.seed[i] = token.seed[i];
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_string_is_that_of_the_same_token_of_a_file),
        cmocka_unit_test(test_string_says_what_the_token_is),
        cmocka_unit_test(test_every_answer_is_written_as_libstoken_writes_it),
        cmocka_unit_test(test_serial_numbers_are_filled_with_zeros),
        cmocka_unit_test(test_every_day_finds_room),
        cmocka_unit_test(test_every_byte_of_a_seed_is_in_the_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
