#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/model/otp_json.h"
#include "core/model/otp_key.h"
#include "otp_fake_key.h"

static otp_keyring_t *ring;


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


/* Every member has a value of its own. */
static otp_key_t full_key(void)
{
    otp_key_t key;

    otp_fake_key(ring, &key, "K-0001", OTP_FAKE_PIN);
    key.pin_before = key.pin;
    key.pin_before.salt[0] ^= 1;
    key.state = OTP_KEY_DISABLED;
    (void) snprintf(key.reason, sizeof(key.reason), "stolen");
    key.drift = -7;
    key.drift_first = -2;
    key.drift_since = 1690000000;
    key.step = 28333333;
    key.used = 1700000001;
    (void) snprintf(key.holding, sizeof(key.holding), "holding-id1");

    return key;
}


static otp_status_t read_key(const char *text, otp_key_t *key)
{
    json_t      *object = otp_json_object(otp_span_of(text));
    otp_status_t status;

    assert_non_null(object);
    status = otp_key_from_json(object, key);
    json_decref(object);

    return status;
}


/* ---- serials ---- */

static void test_serial_is_trimmed_and_its_case_kept(void **state)
{
    char serial[OTP_SERIAL_MAX + 1];

    (void) state;
    assert_int_equal(otp_serial_canonical(OTP_SPAN(" \tAb-12_3.x\r\n"), serial), OTP_OK);
    assert_string_equal(serial, "Ab-12_3.x");
}


static void test_serial_of_other_characters_or_lengths_is_refused(void **state)
{
    static const char *const refused[] = { "", " ", "a b", "a/b", "a:b", "a{b", "a\nb", "é", "a+b", "'", "\x7f" };
    char                     text[OTP_SERIAL_MAX + 2], serial[OTP_SERIAL_MAX + 1];

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(otp_serial_canonical(otp_span_of(refused[i]), serial), OTP_INVALID);
    }
    assert_int_equal(otp_serial_canonical((otp_span_t) { "a\0b", 3 }, serial), OTP_INVALID);

    memset(text, '7', sizeof(text));
    assert_int_equal(otp_serial_canonical((otp_span_t) { text, OTP_SERIAL_MAX }, serial), OTP_OK);
    assert_int_equal(strlen(serial), OTP_SERIAL_MAX);
    assert_int_equal(otp_serial_canonical((otp_span_t) { text, OTP_SERIAL_MAX + 1 }, serial), OTP_INVALID);
}


/* ---- seeds ---- */

static void test_seed_is_opened_as_it_was_sealed(void **state)
{
    static const uint8_t nonce[OTP_RANDOM_NONCE];
    uint8_t              seed[OTP_SECRET_MAX], opened[OTP_SECRET_MAX];
    size_t               len;
    otp_key_t            key = full_key();

    (void) state;
    memset(seed, 's', sizeof(seed));
    for (size_t n = OTP_SEED_MIN; n <= OTP_SECRET_MAX; n++) {
        assert_int_equal(otp_key_seal(ring, &key, (otp_span_t) { (char *) seed, n }, nonce), OTP_OK);
        assert_int_equal(otp_key_open(ring, &key, opened, &len), OTP_OK);
        assert_int_equal(len, n);
        assert_memory_equal(opened, seed, n);
    }
    assert_int_equal(otp_key_seal(ring, &key, (otp_span_t) { (char *) seed, OTP_SEED_MIN - 1 }, nonce), OTP_INVALID);
    assert_int_equal(otp_key_seal(ring, &key, (otp_span_t) { "", OTP_SECRET_MAX + 1 }, nonce), OTP_INVALID);
}


static void assert_does_not_open(const otp_key_t *key)
{
    uint8_t seed[OTP_SECRET_MAX];
    size_t  len;

    assert_int_equal(otp_key_open(ring, key, seed, &len), OTP_INVALID);
}


static void test_seed_moved_to_another_key_does_not_open(void **state)
{
    otp_key_t key = full_key();

    (void) state;
    key.serial[0] = 'L';
    assert_does_not_open(&key);
}


static void test_seed_does_not_open_with_other_parameters(void **state)
{
    otp_key_t key = full_key();

    (void) state;
    key.algorithm = OTP_SHA256;
    assert_does_not_open(&key);
    key = full_key();
    key.digits = 8;
    assert_does_not_open(&key);
    key = full_key();
    key.period_s = 30;
    assert_does_not_open(&key);
    key = full_key();
    key.type = OTP_TYPE_SECURID;
    assert_does_not_open(&key);
}


static void test_seed_with_any_character_changed_does_not_open(void **state)
{
    otp_key_t key = full_key();
    size_t    len = strlen(key.seed);

    (void) state;
    for (size_t i = 0; i < len; i++) {
        key = full_key();
        key.seed[i] = key.seed[i] == 'A' ? 'B' : 'A';
        assert_does_not_open(&key);
    }
}


/* ---- PINs ---- */

static void test_pin_matches_itself_alone(void **state)
{
    static const char *const others[] = { "", "258", "25800", "2581", "0852", "258O" };
    otp_key_t                key = full_key();

    (void) state;
    assert_true(otp_pin_matches(ring, otp_span_of(key.serial), OTP_SPAN(OTP_FAKE_PIN), &key.pin));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(otp_pin_matches(ring, otp_span_of(key.serial), otp_span_of(others[i]), &key.pin));
    }
}


static void test_pin_of_another_serial_or_salt_does_not_match(void **state)
{
    otp_key_t key = full_key();

    (void) state;
    assert_false(otp_pin_matches(ring, OTP_SPAN("K-0002"), OTP_SPAN(OTP_FAKE_PIN), &key.pin));
    assert_false(otp_pin_matches(ring, otp_span_of(key.serial), OTP_SPAN(OTP_FAKE_PIN), &key.pin_before));
}


static void test_no_pin_matches_nothing(void **state)
{
    otp_pin_verifier_t none = { 0 };

    (void) state;
    assert_false(otp_pin_matches(ring, OTP_SPAN("K-0001"), OTP_SPAN(""), &none));
    assert_false(otp_pin_matches(ring, OTP_SPAN("K-0001"), OTP_SPAN(OTP_FAKE_PIN), &none));
}


static void test_pin_set_with_an_unknown_ring_key_does_not_match(void **state)
{
    otp_key_t key = full_key();

    (void) state;
    memcpy(key.pin.ring_id, "00000000", 8);
    assert_false(otp_pin_matches(ring, otp_span_of(key.serial), OTP_SPAN(OTP_FAKE_PIN), &key.pin));
    memcpy(key.pin.ring_id, "20212223", 8);
    assert_false(otp_pin_matches(ring, otp_span_of(key.serial), OTP_SPAN(OTP_FAKE_PIN), &key.pin));
}


/* ---- JSON ---- */

static void test_key_is_read_as_it_was_written(void **state)
{
    otp_key_t key = full_key(), read;
    json_t   *object = otp_key_to_json(&key);

    (void) state;
    assert_non_null(object);
    assert_int_equal(otp_key_from_json(object, &read), OTP_OK);
    assert_memory_equal(&read, &key, sizeof(key));
    json_decref(object);
}


static void test_key_of_every_type_is_read_as_it_was_written(void **state)
{
    (void) state;
    for (int type = 0; type < OTP_TYPES; type++) {
        otp_key_t key = full_key(), read;
        json_t   *object;

        key.type = (otp_type_t) type;
        key.period_s = otp_type_rules(key.type)->timed ? 30 : 0;
        object = otp_key_to_json(&key);
        assert_int_equal(otp_key_from_json(object, &read), OTP_OK);
        assert_memory_equal(&read, &key, sizeof(key));
        json_decref(object);
    }
}


static void test_key_without_pin_reason_or_use_is_read_as_it_was_written(void **state)
{
    otp_key_t key, read;
    json_t   *object;

    (void) state;
    otp_fake_key(ring, &key, "K-0001", NULL);
    object = otp_key_to_json(&key);
    assert_null(json_object_get(object, "pin"));
    assert_null(json_object_get(object, "reason"));
    assert_null(json_object_get(object, "holding"));
    assert_int_equal(otp_key_from_json(object, &read), OTP_OK);
    assert_memory_equal(&read, &key, sizeof(key));
    json_decref(object);
}


#define KEY(type, algorithm, digits, period, drift, step, rest)                                                     \
    "{\"serial\":\"K\",\"type\":" type ",\"algorithm\":" algorithm ",\"digits\":" digits ",\"period\":" period     \
    ",\"seed\":\"x\",\"state\":\"usable\",\"drift\":" drift ",\"step\":" step                                     \
    ",\"assigned\":0,\"used\":0,\"drift_first\":-4,\"drift_since\":5" rest "}"


static void test_smallest_key_is_read(void **state)
{
    otp_key_t key;

    (void) state;
    assert_int_equal(read_key(KEY("\"totp\"", "\"sha1\"", "6", "60", "-3", "0", ""), &key), OTP_OK);
    assert_int_equal(key.drift, -3);
    assert_int_equal(key.drift_first, -4);
    assert_int_equal(key.drift_since, 5);
    assert_int_equal(key.state, OTP_KEY_USABLE);
    assert_false(key.pin.set);
}


static void test_members_out_of_bounds_or_of_another_type_are_refused(void **state)
{
    static const char *const refused[] = {
        "{}",
        KEY("\"motp\"", "\"sha1\"", "6", "60", "0", "0", ""),
        KEY("\"hotp\"", "\"sha1\"", "6", "60", "0", "0", ""),
        KEY("\"securid\"", "\"sha1\"", "6", "0", "0", "0", ""),
        KEY("1", "\"sha1\"", "6", "60", "0", "0", ""),
        KEY("\"totp\"", "\"md5\"", "6", "60", "0", "0", ""),
        KEY("\"totp\"", "null", "6", "60", "0", "0", ""),
        KEY("\"totp\"", "\"sha1\"", "5", "60", "0", "0", ""),
        KEY("\"totp\"", "\"sha1\"", "9", "60", "0", "0", ""),
        KEY("\"totp\"", "\"sha1\"", "6.0", "60", "0", "0", ""),
        KEY("\"totp\"", "\"sha1\"", "\"6\"", "60", "0", "0", ""),
        KEY("\"totp\"", "\"sha1\"", "6", "4", "0", "0", ""),
        KEY("\"totp\"", "\"sha1\"", "6", "3601", "0", "0", ""),
        KEY("\"totp\"", "\"sha1\"", "6", "60", "true", "0", ""),
        KEY("\"totp\"", "\"sha1\"", "6", "60", "1099511627777", "0", ""),
        KEY("\"totp\"", "\"sha1\"", "6", "60", "0", "-1", ""),
        KEY("\"totp\"", "\"sha1\"", "6", "60", "0", "1099511627777", ""),
        KEY("\"totp\"", "\"sha1\"", "6", "60", "0", "0", ",\"pin\":null"),
        KEY("\"totp\"", "\"sha1\"", "6", "60", "0", "0", ",\"pin\":{}"),
        KEY("\"totp\"", "\"sha1\"", "6", "60", "0", "0",
            ",\"pin\":{\"ring\":\"00000000\",\"salt\":\"AA\",\"mac\":\"AA\"}"),
        KEY("\"totp\"", "\"sha1\"", "6", "60", "0", "0", ",\"reason\":7"),
        KEY("\"totp\"", "\"sha1\"", "6", "60", "0", "0", ",\"reason\":\"a reason that is too long\""),
        KEY("\"totp\"", "\"sha1\"", "6", "60", "0", "0", ",\"holding\":7"),
        KEY("\"totp\"", "\"sha1\"", "6", "60", "0", "0", ",\"holding\":\"twelve-bytes\""),
        ("{\"serial\":\"K\",\"type\":\"totp\",\"algorithm\":\"sha1\",\"digits\":6,\"period\":60,\"seed\":\"x\","
         "\"state\":\"usable\",\"drift\":0,\"step\":0,\"assigned\":0,\"used\":0,\"drift_first\":1099511627777,"
         "\"drift_since\":0}"),
        ("{\"serial\":\"K\",\"type\":\"totp\",\"algorithm\":\"sha1\",\"digits\":6,\"period\":60,\"seed\":\"x\","
         "\"state\":\"usable\",\"drift\":0,\"step\":0,\"assigned\":0,\"used\":0,\"drift_first\":0,"
         "\"drift_since\":-1}"),
    };
    otp_key_t key;

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (read_key(refused[i], &key) != OTP_INVALID) {
            fail_msg("accepted: %s", refused[i]);
        }
    }
}


static void test_unknown_state_is_read_as_disabled(void **state)
{
    otp_key_t key;

    (void) state;
    assert_int_equal(read_key("{\"serial\":\"K\",\"type\":\"totp\",\"algorithm\":\"sha1\",\"digits\":6,\"period\":60,"
                              "\"seed\":\"x\",\"state\":\"lent\",\"drift\":0,\"step\":0,\"assigned\":0,\"used\":0,"
                              "\"drift_first\":0,\"drift_since\":0}", &key),
                     OTP_OK);
    assert_int_equal(key.state, OTP_KEY_DISABLED);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serial_is_trimmed_and_its_case_kept),
        cmocka_unit_test(test_serial_of_other_characters_or_lengths_is_refused),
        cmocka_unit_test(test_seed_is_opened_as_it_was_sealed),
        cmocka_unit_test(test_seed_moved_to_another_key_does_not_open),
        cmocka_unit_test(test_seed_does_not_open_with_other_parameters),
        cmocka_unit_test(test_seed_with_any_character_changed_does_not_open),
        cmocka_unit_test(test_pin_matches_itself_alone),
        cmocka_unit_test(test_pin_of_another_serial_or_salt_does_not_match),
        cmocka_unit_test(test_no_pin_matches_nothing),
        cmocka_unit_test(test_pin_set_with_an_unknown_ring_key_does_not_match),
        cmocka_unit_test(test_key_is_read_as_it_was_written),
        cmocka_unit_test(test_key_of_every_type_is_read_as_it_was_written),
        cmocka_unit_test(test_key_without_pin_reason_or_use_is_read_as_it_was_written),
        cmocka_unit_test(test_smallest_key_is_read),
        cmocka_unit_test(test_members_out_of_bounds_or_of_another_type_are_refused),
        cmocka_unit_test(test_unknown_state_is_read_as_disabled),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
