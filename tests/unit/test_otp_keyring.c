#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/sha.h>

#include "core/base/otp_encode.h"
#include "core/crypto/otp_keyring.h"

/* The keys are the bytes 0..31 and 1..32. */
#define HEADER  "otp-keyring 1\n"
#define FIRST   "20212223 1700000000 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
#define SECOND  "aabbccdd 1700000001 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA\n"

static otp_keyring_t *ring_of(const char *text)
{
    char           error[128] = "";
    otp_keyring_t *ring = otp_keyring_parse(otp_span_of(text), error, sizeof(error));

    assert_string_equal(error, "");
    assert_non_null(ring);
    return ring;
}


static void assert_hex(const uint8_t *bytes, const char *hex)
{
    uint8_t expected[OTP_DIGEST_LEN];
    size_t  len;

    assert_int_equal(otp_hex_decode(otp_span_of(hex), expected, sizeof(expected), &len), OTP_OK);
    assert_int_equal(len, OTP_DIGEST_LEN);
    assert_memory_equal(bytes, expected, len);
}


static const otp_span_t parts[] = { { "sess:abc", 8 }, { NULL, 0 }, { "alice", 5 } };

/* Computed with another implementation of HKDF and HMAC: what is in a Redis today is read tomorrow too. */
static void test_mac_is_hmac_over_the_parts_with_the_key_of_its_purpose(void **state)
{
    static const char *const expected[OTP_PURPOSES] = {
        [OTP_PURPOSE_SEED] = "098cff0a2e5253ebb08a9a8a4ee305fe3d4419d1bd5971f5ff04fc308522242b",
        [OTP_PURPOSE_PIN] = "1cb1282ad5004ba9a21a47921d4ab7dea0953b571d239f83476a16818d98d9c5",
        [OTP_PURPOSE_RECORD] = "f88a5bfe90994235723eeb4827b166f7faf8e88e7357f33d94ebaf5bd1b0dcf4",
        [OTP_PURPOSE_SESSION] = "8ec52d9c3eec58101e2413660cacc7ce6496169617a0925bd9f258924c4cb37a",
        [OTP_PURPOSE_CSRF] = "7c223131e06836cbd9af79fc64ccf1392f33ac0b0f51b18373e9ed738b14280c",
        [OTP_PURPOSE_ANSWER] = "aaee9583bee10c6d1ecdcdac3f8a25de305092d5465cfc01871c5e37f81cc262",
        [OTP_PURPOSE_DECOY] = "d7bc1bb3bff4f3d93ff14ff97677a356af962449a55a34935f091154555b8291",
        [OTP_PURPOSE_EMERGENCY] = "4a7bca0be1a4774224464829d1eceaba3fdb62d63bf39eb3645081aa7b7384b2",
        [OTP_PURPOSE_DEVICE] = "246737d1fee66a22e3442694d6e87323ae7c34ea6379fdf9b6f91f1920475b53",
        [OTP_PURPOSE_EXPORT] = "c39f5c001b82fa7eaa22b536684b7a783081d162230cf3d9966b6ef48ab9f8ad",
    };
    otp_keyring_t *ring = ring_of(HEADER FIRST);
    uint8_t        mac[OTP_DIGEST_LEN];

    (void) state;
    /* Twice: a kept context must start from the same place. */
    for (size_t i = 0; i < 2 * (size_t) OTP_PURPOSES; i++) {
        assert_int_equal(otp_keyring_mac(ring, (otp_purpose_t) (i / 2), OTP_SPAN_NONE, parts, 3, mac), OTP_OK);
        assert_hex(mac, expected[i / 2]);
    }
    otp_keyring_destroy(ring);
}


static void test_every_purpose_has_a_mac_of_its_own(void **state)
{
    otp_keyring_t *ring = ring_of(HEADER FIRST);
    uint8_t        mac[OTP_PURPOSES][OTP_DIGEST_LEN];

    (void) state;
    for (size_t i = 0; i < OTP_PURPOSES; i++) {
        assert_int_equal(otp_keyring_mac(ring, (otp_purpose_t) i, OTP_SPAN_NONE, parts, 3, mac[i]), OTP_OK);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(mac[i], mac[j], OTP_DIGEST_LEN);
        }
    }
    otp_keyring_destroy(ring);
}


static void test_other_parts_of_the_same_bytes_have_another_mac(void **state)
{
    static const otp_span_t split[][2] = { { { "ab", 2 }, { "c", 1 } }, { { "a", 1 }, { "bc", 2 } } };
    static const otp_span_t whole = { "abc", 3 };
    otp_keyring_t          *ring = ring_of(HEADER FIRST);
    uint8_t                 mac[3][OTP_DIGEST_LEN];

    (void) state;
    assert_int_equal(otp_keyring_mac(ring, OTP_PURPOSE_CSRF, OTP_SPAN_NONE, split[0], 2, mac[0]), OTP_OK);
    assert_int_equal(otp_keyring_mac(ring, OTP_PURPOSE_CSRF, OTP_SPAN_NONE, split[1], 2, mac[1]), OTP_OK);
    assert_int_equal(otp_keyring_mac(ring, OTP_PURPOSE_CSRF, OTP_SPAN_NONE, &whole, 1, mac[2]), OTP_OK);
    assert_memory_not_equal(mac[0], mac[1], OTP_DIGEST_LEN);
    assert_memory_not_equal(mac[0], mac[2], OTP_DIGEST_LEN);
    assert_memory_not_equal(mac[1], mac[2], OTP_DIGEST_LEN);
    otp_keyring_destroy(ring);
}


static void test_mac_of_an_older_key_is_found_by_its_id(void **state)
{
    otp_keyring_t *ring = ring_of(HEADER FIRST SECOND);
    uint8_t        mac[OTP_DIGEST_LEN], current[OTP_DIGEST_LEN];

    (void) state;
    assert_int_equal(otp_keyring_mac(ring, OTP_PURPOSE_SESSION, OTP_SPAN("20212223"), parts, 3, mac), OTP_OK);
    assert_hex(mac, "8ec52d9c3eec58101e2413660cacc7ce6496169617a0925bd9f258924c4cb37a");
    assert_int_equal(otp_keyring_mac(ring, OTP_PURPOSE_SESSION, OTP_SPAN_NONE, parts, 3, current), OTP_OK);
    assert_memory_not_equal(mac, current, OTP_DIGEST_LEN);
    assert_int_equal(otp_keyring_mac(ring, OTP_PURPOSE_SESSION, OTP_SPAN("aabbccdd"), parts, 3, mac), OTP_OK);
    assert_memory_equal(mac, current, OTP_DIGEST_LEN);
    otp_keyring_destroy(ring);
}


static void test_mac_of_an_unknown_key_is_refused(void **state)
{
    otp_keyring_t *ring = ring_of(HEADER FIRST);
    uint8_t        mac[OTP_DIGEST_LEN];

    (void) state;
    assert_int_equal(otp_keyring_mac(ring, OTP_PURPOSE_SESSION, OTP_SPAN("aabbccdd"), parts, 3, mac), OTP_INVALID);
    assert_int_equal(otp_keyring_mac(ring, OTP_PURPOSE_SESSION, OTP_SPAN("2021222"), parts, 3, mac), OTP_INVALID);
    otp_keyring_destroy(ring);
}


static void test_sha256_is_that_of_openssl_each_time(void **state)
{
    otp_keyring_t *ring = ring_of(HEADER FIRST);
    uint8_t        digest[OTP_DIGEST_LEN], expected[OTP_DIGEST_LEN];

    (void) state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(otp_keyring_sha256(ring, OTP_SPAN("abc"), digest), OTP_OK);
        assert_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_int_equal(otp_keyring_sha256(ring, OTP_SPAN_NONE, digest), OTP_OK);
        SHA256((const uint8_t *) "", 0, expected);
        assert_memory_equal(digest, expected, OTP_DIGEST_LEN);
    }
    otp_keyring_destroy(ring);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mac_is_hmac_over_the_parts_with_the_key_of_its_purpose),
        cmocka_unit_test(test_every_purpose_has_a_mac_of_its_own),
        cmocka_unit_test(test_other_parts_of_the_same_bytes_have_another_mac),
        cmocka_unit_test(test_mac_of_an_older_key_is_found_by_its_id),
        cmocka_unit_test(test_mac_of_an_unknown_key_is_refused),
        cmocka_unit_test(test_sha256_is_that_of_openssl_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
