#include "core/oath/otp_hotp.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>

#define COUNTER_LEN     8
#define HASH_MAX        64
#define NAME_MAX_LEN    16

const char *otp_algorithm_name(otp_algorithm_t algorithm)
{
    switch (algorithm) {
    case OTP_SHA1:
        return "sha1";
    case OTP_SHA256:
        return "sha256";
    case OTP_SHA512:
        return "sha512";
    }
    return NULL;
}


/* Without the dashes and the "Hmac" that some vendors' files write. */
static otp_span_t algorithm_bare(otp_span_t name, char bare[NAME_MAX_LEN])
{
    otp_span_t result = { bare, 0 };

    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '-') {
            continue;
        }
        if (result.len == NAME_MAX_LEN) {
            return OTP_SPAN_NONE;
        }
        bare[result.len++] = name.data[i];
    }
    if (result.len > 4 && otp_span_equal_nocase((otp_span_t) { bare, 4 }, OTP_SPAN("hmac"))) {
        result.data += 4;
        result.len -= 4;
    }
    return result;
}


otp_status_t otp_algorithm_parse(otp_span_t name, otp_algorithm_t *algorithm)
{
    static const otp_algorithm_t all[] = { OTP_SHA1, OTP_SHA256, OTP_SHA512 };
    char                         buffer[NAME_MAX_LEN];
    otp_span_t                   bare = algorithm_bare(name, buffer);

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (otp_span_equal_nocase(bare, otp_span_of(otp_algorithm_name(all[i])))) {
            *algorithm = all[i];
            return OTP_OK;
        }
    }
    return OTP_INVALID;
}


/* A context keyed with `seed`; NULL when OpenSSL refuses. */
static EVP_MAC_CTX *hmac_create(otp_algorithm_t algorithm, otp_span_t seed)
{
    EVP_MAC     *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    char         name[NAME_MAX_LEN];
    OSSL_PARAM   params[2] = { OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end() };

    EVP_MAC_free(hmac);
    (void) snprintf(name, sizeof(name), "%s", otp_algorithm_name(algorithm));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
    if (ctx && !EVP_MAC_init(ctx, (const unsigned char *) seed.data, seed.len, params)) {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}


/* RFC 4226 section 5.3: dynamic truncation. */
static uint32_t truncate_hash(const uint8_t *hash, size_t len, uint32_t modulus)
{
    size_t   offset = hash[len - 1] & 0x0fU;
    uint32_t code = (hash[offset] & 0x7fU) << 24 | (uint32_t) hash[offset + 1] << 16
        | (uint32_t) hash[offset + 2] << 8 | hash[offset + 3];

    return code % modulus;
}


static bool hotp_code(EVP_MAC_CTX *ctx, uint64_t counter, uint32_t modulus, uint32_t *code)
{
    uint8_t moving[COUNTER_LEN], hash[HASH_MAX];
    size_t  len = 0;

    for (size_t i = COUNTER_LEN; i > 0; counter >>= 8) {
        moving[--i] = (uint8_t) counter;
    }
    bool done = EVP_MAC_update(ctx, moving, sizeof(moving)) && EVP_MAC_final(ctx, hash, &len, sizeof(hash));

    if (done) {
        *code = truncate_hash(hash, len, modulus);
    }
    otp_secret_wipe(hash, sizeof(hash));
    return done;
}


otp_status_t otp_hotp_codes(otp_algorithm_t algorithm, otp_span_t seed, unsigned digits,
    int64_t first, size_t count, uint32_t *codes)
{
    static const uint32_t modulus[OTP_DIGITS_MAX - OTP_DIGITS_MIN + 1] = { 1000000, 10000000, 100000000 };

    if (seed.len < OTP_SEED_MIN || seed.len > OTP_SEED_MAX || digits < OTP_DIGITS_MIN || digits > OTP_DIGITS_MAX) {
        return OTP_INVALID;
    }
    EVP_MAC_CTX *ctx = hmac_create(algorithm, seed);
    bool         done = ctx != NULL;

    for (size_t i = 0; done && i < count; i++) {
        /* Without a key the context starts again from its key schedule. */
        done = (i == 0 || EVP_MAC_init(ctx, NULL, 0, NULL))
            && hotp_code(ctx, (uint64_t) first + i, modulus[digits - OTP_DIGITS_MIN], &codes[i]);
    }
    EVP_MAC_CTX_free(ctx);
    if (!done) {
        otp_secret_wipe(codes, count * sizeof(codes[0]));
        return OTP_FAILED;
    }
    return OTP_OK;
}


int64_t otp_totp_step(int64_t now_s, int64_t period_s)
{
    int64_t step = now_s / period_s;

    return step * period_s > now_s ? step - 1 : step;
}
