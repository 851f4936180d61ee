#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "core/crypto/otp_siphash.h"

#define LEN     16
#define LONGEST 600     /* the length is hashed modulo 256 */

/* The key and the inputs of the authors' test vectors: 00 01 02 … */
static uint8_t key[OTP_SIPHASH_KEY];
static char    text[LONGEST];


static int count_up(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t) i;
    }
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char) (uint8_t) i;
    }
    return 0;
}


static const uint8_t *bytes(otp_siphash_t hash)
{
    static uint8_t byte[LEN];

    for (size_t i = 0; i < 8; i++) {
        byte[i] = (uint8_t) (hash.low >> 8 * i);
        byte[8 + i] = (uint8_t) (hash.high >> 8 * i);
    }
    return byte;
}


static void openssl_siphash(const uint8_t *secret, const char *data, size_t len, uint8_t hash[LEN])
{
    EVP_MAC     *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    size_t       size = LEN, written = 0;
    OSSL_PARAM   params[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end() };

    assert_non_null(context);
    assert_int_equal(EVP_MAC_init(context, secret, OTP_SIPHASH_KEY, params), 1);
    assert_int_equal(EVP_MAC_update(context, (const unsigned char *) data, len), 1);
    assert_int_equal(EVP_MAC_final(context, hash, &written, LEN), 1);
    assert_int_equal(written, LEN);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
}


static void test_hash_is_that_of_the_published_vectors(void **state)
{
    static const struct {
        size_t  len;
        uint8_t hash[LEN];
    } vector[] = {
        { 0, { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93 } },
        { 1, { 0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45 } },
        { 7, { 0xa1, 0xf1, 0xeb, 0xbe, 0xd8, 0xdb, 0xc1, 0x53, 0xc0, 0xb8, 0x4a, 0xa6, 0x1f, 0xf0, 0x82, 0x39 } },
        { 8, { 0x3b, 0x62, 0xa9, 0xba, 0x62, 0x58, 0xf5, 0x61, 0x0f, 0x83, 0xe2, 0x64, 0xf3, 0x14, 0x97, 0xb4 } },
        { 15, { 0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11, 0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf, 0xc3, 0xd9 } },
        { 43, { 0x27, 0xd9, 0x34, 0x37, 0xef, 0xb7, 0x21, 0xaa, 0x40, 0x18, 0x21, 0xdc, 0xec, 0x5a, 0xdf, 0x89 } },
        { 62, { 0x58, 0x53, 0x54, 0x23, 0x21, 0xf5, 0x67, 0xa0, 0x05, 0xd5, 0x47, 0xa4, 0xf0, 0x47, 0x59, 0xbd } },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
        assert_memory_equal(bytes(otp_siphash(key, (otp_span_t) { text, vector[i].len })), vector[i].hash, LEN);
    }
}


static void test_hash_is_that_of_openssl_at_every_length(void **state)
{
    uint8_t hash[LEN];

    (void) state;
    for (size_t len = 0; len <= LONGEST; len++) {
        openssl_siphash(key, text, len, hash);
        assert_memory_equal(bytes(otp_siphash(key, (otp_span_t) { text, len })), hash, LEN);
    }
}


/* Wherever the text begins, and with its highest bits set too. */
static void test_every_bit_of_key_and_text_counts(void **state)
{
    uint8_t hash[LEN], other[LEN];

    (void) state;
    memset(text, 0xff, sizeof(text));
    openssl_siphash(key, text + 1, 43, hash);
    assert_memory_equal(bytes(otp_siphash(key, (otp_span_t) { text + 1, 43 })), hash, LEN);
    for (size_t bit = 0; bit < 8 * sizeof(key); bit++) {
        key[bit / 8] ^= (uint8_t) (1 << bit % 8);
        openssl_siphash(key, text + 1, 43, other);
        assert_memory_equal(bytes(otp_siphash(key, (otp_span_t) { text + 1, 43 })), other, LEN);
        assert_memory_not_equal(other, hash, LEN);
        key[bit / 8] ^= (uint8_t) (1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * 43; bit++) {
        text[1 + bit / 8] = (char) (text[1 + bit / 8] ^ (1 << bit % 8));
        assert_memory_not_equal(bytes(otp_siphash(key, (otp_span_t) { text + 1, 43 })), hash, LEN);
        text[1 + bit / 8] = (char) (text[1 + bit / 8] ^ (1 << bit % 8));
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_hash_is_that_of_the_published_vectors, count_up),
        cmocka_unit_test_setup(test_hash_is_that_of_openssl_at_every_length, count_up),
        cmocka_unit_test_setup(test_every_bit_of_key_and_text_counts, count_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
