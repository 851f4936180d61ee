#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/crypto/otp_keyring.h"

/* The keys are the bytes 0..31 and 1..32. */
#define HEADER  "otp-keyring 1\n"
#define FIRST   "20212223 1700000000 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
#define SECOND  "aabbccdd 1700000001 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA\n"
#define CONTEXT OTP_SPAN("seed 1 K-1 sha1 6 60")
#define SEED    OTP_SPAN("12345678901234567890")

static const uint8_t nonce[OTP_RANDOM_NONCE] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };

static otp_status_t seal(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t plain, char *sealed, size_t size,
    size_t *len)
{
    return otp_keyring_seal(ring, purpose, CONTEXT, nonce, plain, sealed, size, len);
}


static otp_keyring_t *ring_of(const char *text)
{
    char           error[128] = "";
    otp_keyring_t *ring = otp_keyring_parse(otp_span_of(text), error, sizeof(error));

    assert_string_equal(error, "");
    assert_non_null(ring);
    return ring;
}


/* Computed with another implementation of HKDF and AES-GCM. */
static void test_sealed_text_is_the_key_id_and_aes_gcm(void **state)
{
    otp_keyring_t *ring = ring_of(HEADER FIRST);
    char           sealed[128];
    size_t         len;

    (void) state;
    assert_int_equal(seal(ring, OTP_PURPOSE_SEED, SEED, sealed, sizeof(sealed), &len), OTP_OK);
    sealed[len] = '\0';
    assert_string_equal(sealed, "20212223.AAECAwQFBgcICQoLPmp6OtAYLeW7z4C3XhYDIpKTkLLf81wcSX2GbPhq9s1VysgZ");
    otp_keyring_destroy(ring);
}


static void assert_opens(otp_keyring_t *ring, otp_span_t sealed, otp_span_t plain)
{
    uint8_t opened[256];
    size_t  len = 0;

    assert_int_equal(otp_keyring_open(ring, OTP_PURPOSE_ANSWER, CONTEXT, sealed, opened, sizeof(opened), &len), OTP_OK);
    assert_int_equal(len, plain.len);
    assert_memory_equal(opened, plain.data, len);
}


static void test_every_length_is_opened_as_it_was_sealed(void **state)
{
    otp_keyring_t *ring = ring_of(HEADER FIRST SECOND);
    char           plain[200], sealed[400];
    size_t         len;

    (void) state;
    memset(plain, 'p', sizeof(plain));
    for (size_t n = 0; n <= sizeof(plain); n++) {
        otp_span_t text = { plain, n };

        assert_int_equal(seal(ring, OTP_PURPOSE_ANSWER, text, sealed, sizeof(sealed), &len), OTP_OK);
        assert_opens(ring, (otp_span_t) { sealed, len }, text);
    }
    otp_keyring_destroy(ring);
}


static void test_what_an_older_key_sealed_is_opened_after_a_rotation(void **state)
{
    otp_keyring_t *old = ring_of(HEADER FIRST), *both = ring_of(HEADER FIRST SECOND), *new = ring_of(HEADER SECOND);
    char           sealed[128];
    uint8_t        plain[64];
    size_t         len, plain_len;

    (void) state;
    assert_int_equal(seal(old, OTP_PURPOSE_ANSWER, SEED, sealed, sizeof(sealed), &len), OTP_OK);
    assert_opens(both, (otp_span_t) { sealed, len }, SEED);
    assert_int_equal(otp_keyring_open(new, OTP_PURPOSE_ANSWER, CONTEXT, (otp_span_t) { sealed, len }, plain,
        sizeof(plain), &plain_len), OTP_INVALID);
    assert_int_equal(seal(both, OTP_PURPOSE_ANSWER, SEED, sealed, sizeof(sealed), &len), OTP_OK);
    assert_opens(new, (otp_span_t) { sealed, len }, SEED);
    otp_keyring_destroy(old);
    otp_keyring_destroy(both);
    otp_keyring_destroy(new);
}


static void assert_does_not_open(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t context, otp_span_t sealed)
{
    uint8_t plain[64];
    size_t  len = 99;

    assert_int_equal(otp_keyring_open(ring, purpose, context, sealed, plain, sizeof(plain), &len), OTP_INVALID);
    assert_int_equal(len, 0);
}


static void test_another_purpose_context_or_byte_does_not_open(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    otp_keyring_t    *ring = ring_of(HEADER FIRST);
    char              sealed[128];
    size_t            len;

    (void) state;
    assert_int_equal(seal(ring, OTP_PURPOSE_SEED, SEED, sealed, sizeof(sealed), &len), OTP_OK);
    otp_span_t text = { sealed, len };

    assert_does_not_open(ring, OTP_PURPOSE_ANSWER, CONTEXT, text);
    assert_does_not_open(ring, OTP_PURPOSE_SEED, OTP_SPAN("seed 1 K-2 sha1 6 60"), text);
    assert_does_not_open(ring, OTP_PURPOSE_SEED, OTP_SPAN_NONE, text);
    for (size_t i = 0; i < len; i++) {
        char kept = sealed[i];

        for (size_t j = 0; j < sizeof(digits) - 1; j++) {
            sealed[i] = digits[j];
            if (digits[j] != kept) {
                assert_does_not_open(ring, OTP_PURPOSE_SEED, CONTEXT, text);
            }
        }
        sealed[i] = kept;
    }
    otp_keyring_destroy(ring);
}


static void test_what_was_never_sealed_does_not_open(void **state)
{
    static const char *const texts[] = {
        "", ".", "20212223", "20212223.", "20212223.AAAA", "20212223.AAECAwQFBgcICQoLAAAAAAAAAAAAAAAAAAAAAA",
        ".AAECAwQFBgcICQoLPmp6OtAYLeW7z4C3XhYDIpKTkLLf81wcSX2GbPhq9s1VysgZ",
        "20212223.AAECAwQFBgcICQoLPmp6OtAYLeW7z4C3XhYDIpKTkLLf81wcSX2GbPhq9s1VysgZ=",
    };
    otp_keyring_t *ring = ring_of(HEADER FIRST);

    (void) state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_does_not_open(ring, OTP_PURPOSE_SEED, CONTEXT, otp_span_of(texts[i]));
    }
    otp_keyring_destroy(ring);
}


static void test_a_forgery_leaves_nothing_of_the_secret_behind(void **state)
{
    otp_keyring_t *ring = ring_of(HEADER FIRST);
    char           sealed[128];
    uint8_t        plain[64], nothing[20] = { 0 };
    size_t         len, plain_len;

    (void) state;
    assert_int_equal(seal(ring, OTP_PURPOSE_SEED, SEED, sealed, sizeof(sealed), &len), OTP_OK);
    sealed[len - 2] = sealed[len - 2] == 'A' ? 'B' : 'A';
    assert_int_equal(otp_keyring_open(ring, OTP_PURPOSE_SEED, CONTEXT, (otp_span_t) { sealed, len }, plain,
        sizeof(plain), &plain_len), OTP_INVALID);
    assert_memory_equal(plain, nothing, sizeof(nothing));
    otp_keyring_destroy(ring);
}


static void test_results_too_long_for_their_place_are_refused(void **state)
{
    otp_keyring_t *ring = ring_of(HEADER FIRST);
    char           sealed[128];
    uint8_t        plain[64];
    size_t         len, plain_len;

    (void) state;
    assert_int_equal(seal(ring, OTP_PURPOSE_SEED, SEED, sealed, 72, &len), OTP_NO_ROOM);
    assert_int_equal(len, 0);
    assert_int_equal(seal(ring, OTP_PURPOSE_SEED, SEED, sealed, 73, &len), OTP_OK);
    otp_span_t text = { sealed, len };

    assert_int_equal(otp_keyring_open(ring, OTP_PURPOSE_SEED, CONTEXT, text, plain, 19, &plain_len), OTP_NO_ROOM);
    assert_int_equal(plain_len, 0);
    assert_int_equal(otp_keyring_open(ring, OTP_PURPOSE_SEED, CONTEXT, text, plain, 20, &plain_len), OTP_OK);
    otp_keyring_destroy(ring);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sealed_text_is_the_key_id_and_aes_gcm),
        cmocka_unit_test(test_every_length_is_opened_as_it_was_sealed),
        cmocka_unit_test(test_what_an_older_key_sealed_is_opened_after_a_rotation),
        cmocka_unit_test(test_another_purpose_context_or_byte_does_not_open),
        cmocka_unit_test(test_what_was_never_sealed_does_not_open),
        cmocka_unit_test(test_a_forgery_leaves_nothing_of_the_secret_behind),
        cmocka_unit_test(test_results_too_long_for_their_place_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
