#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/otp_keyring_private.h"

#define INFO_SIZE 64

static const char *purpose_name(otp_purpose_t purpose)
{
    switch (purpose) {
    case OTP_PURPOSE_SEED:
        return "seed";
    case OTP_PURPOSE_PIN:
        return "pin";
    case OTP_PURPOSE_RECORD:
        return "record";
    case OTP_PURPOSE_SESSION:
        return "session";
    case OTP_PURPOSE_CSRF:
        return "csrf";
    case OTP_PURPOSE_ANSWER:
        return "answer";
    case OTP_PURPOSE_DECOY:
        return "decoy";
    case OTP_PURPOSE_EMERGENCY:
        return "emergency";
    case OTP_PURPOSE_DEVICE:
        return "device";
    case OTP_PURPOSE_EXPORT:
        return "export";
    }
    return "";
}


/* RFC 5869, without salt.  The algorithm is part of the info: one key never serves two algorithms. */
static bool derive(EVP_KDF_CTX *hkdf, const otp_keyring_master_t *master, otp_purpose_t purpose,
    const char *algorithm, uint8_t key[OTP_MASTER_LEN])
{
    char       info[INFO_SIZE], digest[] = "SHA256";
    int        len = snprintf(info, sizeof(info), "ngx_http_otp 1 %s %s", purpose_name(purpose), algorithm);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *) (uintptr_t) master->master, OTP_MASTER_LEN),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, (size_t) len),
        OSSL_PARAM_construct_end()
    };

    EVP_KDF_CTX_reset(hkdf);
    return EVP_KDF_derive(hkdf, key, OTP_MASTER_LEN, params) == 1;
}


static EVP_MAC_CTX *hmac_create(EVP_MAC *hmac, const uint8_t key[OTP_MASTER_LEN])
{
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);
    char         digest[] = "SHA256";
    OSSL_PARAM   params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()
    };

    if (ctx && !EVP_MAC_init(ctx, key, OTP_MASTER_LEN, params)) {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}


static bool prepare_key(EVP_KDF_CTX *hkdf, EVP_MAC *hmac, const otp_keyring_master_t *master, otp_keyring_key_t *key)
{
    uint8_t mac_key[OTP_MASTER_LEN];
    bool    done = true;

    key->id = (otp_span_t) { master->id, OTP_KEY_ID_LEN };
    for (size_t i = 0; done && i < OTP_PURPOSES; i++) {
        done = derive(hkdf, master, (otp_purpose_t) i, "hmac-sha-256", mac_key)
            && derive(hkdf, master, (otp_purpose_t) i, "aes-256-gcm", key->aes[i]);
        key->hmac[i] = done ? hmac_create(hmac, mac_key) : NULL;
        done = key->hmac[i] != NULL;
    }
    otp_secret_wipe(mac_key, sizeof(mac_key));
    return done;
}


static bool prepare_keys(otp_keyring_t *ring)
{
    EVP_KDF     *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *hkdf = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    EVP_MAC     *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    bool         done = hkdf && hmac;

    for (size_t i = 0; done && i < ring->count; i++) {
        done = prepare_key(hkdf, hmac, &ring->master[i], &ring->key[i]);
    }
    EVP_MAC_free(hmac);
    EVP_KDF_CTX_free(hkdf);
    EVP_KDF_free(kdf);
    return done;
}


/* The algorithm is set here, once: setting it again at each use would free and allocate the state each time. */
static bool prepare_contexts(otp_keyring_t *ring)
{
    ring->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    ring->digest = EVP_MD_CTX_new();
    ring->aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    ring->cipher = EVP_CIPHER_CTX_new();
    return ring->sha256 && ring->digest && ring->aes && ring->cipher
        && EVP_DigestInit_ex2(ring->digest, ring->sha256, NULL)
        && EVP_CipherInit_ex2(ring->cipher, ring->aes, NULL, NULL, 1, NULL);
}


otp_keyring_t *otp_keyring_parse(otp_span_t text, char *error, size_t error_size)
{
    otp_keyring_t *ring = calloc(1, sizeof(*ring));

    if (!ring) {
        (void) snprintf(error, error_size, "out of memory");
        return NULL;
    }
    if (otp_keyring_read(text, ring->master, &ring->count, error, error_size) != OTP_OK) {
        otp_keyring_destroy(ring);
        return NULL;
    }
    if (!prepare_keys(ring) || !prepare_contexts(ring)) {
        (void) snprintf(error, error_size, "OpenSSL lacks HKDF, HMAC, SHA-256 or AES-256-GCM");
        otp_keyring_destroy(ring);
        return NULL;
    }
    return ring;
}


void otp_keyring_destroy(otp_keyring_t *ring)
{
    if (!ring) {
        return;
    }
    for (size_t i = 0; i < ring->count; i++) {
        for (size_t j = 0; j < OTP_PURPOSES; j++) {
            EVP_MAC_CTX_free(ring->key[i].hmac[j]);
        }
    }
    EVP_MD_CTX_free(ring->digest);
    EVP_MD_free(ring->sha256);
    EVP_CIPHER_CTX_free(ring->cipher);
    EVP_CIPHER_free(ring->aes);
    otp_secret_wipe(ring, sizeof(*ring));
    free(ring);
}


otp_span_t otp_keyring_current(const otp_keyring_t *ring)
{
    return ring->key[ring->count - 1].id;
}


size_t otp_keyring_count(const otp_keyring_t *ring)
{
    return ring->count;
}


otp_keyring_key_t *otp_keyring_find(otp_keyring_t *ring, otp_span_t id)
{
    for (size_t i = ring->count; i > 0; i--) {
        if (id.len == 0 || otp_span_equal(ring->key[i - 1].id, id)) {
            return &ring->key[i - 1];
        }
    }
    return NULL;
}


static bool mac_part(EVP_MAC_CTX *hmac, otp_span_t part)
{
    uint8_t  head[8];
    uint64_t len = part.len;

    for (size_t i = sizeof(head); i > 0; len >>= 8) {
        head[--i] = (uint8_t) len;
    }
    return EVP_MAC_update(hmac, head, sizeof(head))
        && (part.len == 0 || EVP_MAC_update(hmac, (const unsigned char *) part.data, part.len));
}


otp_status_t otp_keyring_mac(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t id,
    const otp_span_t *parts, size_t count, uint8_t mac[OTP_DIGEST_LEN])
{
    otp_keyring_key_t *key = otp_keyring_find(ring, id);
    size_t             len = 0;

    if (!key) {
        return OTP_INVALID;
    }
    EVP_MAC_CTX *hmac = key->hmac[purpose];

    /* Without a key the context starts again from the key schedule it holds. */
    bool done = EVP_MAC_init(hmac, NULL, 0, NULL);

    for (size_t i = 0; done && i < count; i++) {
        done = mac_part(hmac, parts[i]);
    }
    return done && EVP_MAC_final(hmac, mac, &len, OTP_DIGEST_LEN) && len == OTP_DIGEST_LEN ? OTP_OK : OTP_FAILED;
}


otp_status_t otp_keyring_sha256(otp_keyring_t *ring, otp_span_t data, uint8_t digest[OTP_DIGEST_LEN])
{
    unsigned len = 0;
    bool     done = EVP_DigestInit_ex2(ring->digest, NULL, NULL)
        && EVP_DigestUpdate(ring->digest, data.data, data.len)
        && EVP_DigestFinal_ex(ring->digest, digest, &len);

    return done && len == OTP_DIGEST_LEN ? OTP_OK : OTP_FAILED;
}
