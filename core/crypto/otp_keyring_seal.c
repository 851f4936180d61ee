#include <stdlib.h>

#include "core/base/otp_buffer.h"
#include "core/base/otp_encode.h"
#include "core/crypto/otp_keyring_private.h"

#define TAG_LEN     16
#define PLAIN_MAX   ((size_t) 1 << 24)      /* far below what OpenSSL's int lengths and one nonce allow */

/* Starts the cipher with the key and the nonce, and takes in what the secret belongs to. */
static bool begin(EVP_CIPHER_CTX *cipher, const uint8_t *key, const uint8_t *nonce, otp_span_t context, int encrypt)
{
    int len;

    return EVP_CipherInit_ex2(cipher, NULL, key, nonce, encrypt, NULL)
        && (context.len == 0
            || EVP_CipherUpdate(cipher, NULL, &len, (const unsigned char *) context.data, (int) context.len));
}


static bool update(EVP_CIPHER_CTX *cipher, uint8_t *out, const uint8_t *in, size_t len)
{
    int written;

    return len == 0 || (EVP_CipherUpdate(cipher, out, &written, in, (int) len) && (size_t) written == len);
}


/* No bytes come out of the end of GCM, but OpenSSL wants a place for them. */
static bool finish(EVP_CIPHER_CTX *cipher)
{
    uint8_t nothing[TAG_LEN];
    int     len;

    return EVP_CipherFinal_ex(cipher, nothing, &len) == 1;
}


/* Writes nonce || ciphertext || tag into `raw`. */
static bool encrypt_raw(otp_keyring_t *ring, const uint8_t *key, otp_span_t context, const uint8_t *nonce,
    otp_span_t plain, uint8_t *raw)
{
    uint8_t *tag = raw + OTP_RANDOM_NONCE + plain.len;

    for (size_t i = 0; i < OTP_RANDOM_NONCE; i++) {
        raw[i] = nonce[i];
    }
    return begin(ring->cipher, key, nonce, context, 1)
        && update(ring->cipher, raw + OTP_RANDOM_NONCE, (const uint8_t *) plain.data, plain.len)
        && finish(ring->cipher)
        && EVP_CIPHER_CTX_ctrl(ring->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag) == 1;
}


otp_status_t otp_keyring_seal(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t context,
    const uint8_t nonce[OTP_RANDOM_NONCE], otp_span_t plain, char *sealed, size_t size, size_t *len)
{
    otp_keyring_key_t *key = otp_keyring_find(ring, OTP_SPAN_NONE);
    size_t             raw_len = OTP_RANDOM_NONCE + plain.len + TAG_LEN;
    otp_buffer_t       out;

    *len = 0;
    if (plain.len > PLAIN_MAX || context.len > PLAIN_MAX) {
        return OTP_NO_ROOM;
    }
    uint8_t *raw = malloc(raw_len);

    if (!raw || !encrypt_raw(ring, key->aes[purpose], context, nonce, plain, raw)) {
        free(raw);
        return OTP_FAILED;
    }
    otp_buffer_init(&out, sealed, size);
    otp_buffer_add(&out, key->id);
    otp_buffer_add_char(&out, '.');
    otp_buffer_add_base64url(&out, raw, raw_len);
    free(raw);
    *len = out.overflow ? 0 : out.len;
    return out.overflow ? OTP_NO_ROOM : OTP_OK;
}


static otp_status_t decrypt_raw(otp_keyring_t *ring, const uint8_t *key, otp_span_t context,
    uint8_t *raw, size_t raw_len, uint8_t *plain)
{
    size_t   plain_len = raw_len - OTP_RANDOM_NONCE - TAG_LEN;
    uint8_t *tag = raw + OTP_RANDOM_NONCE + plain_len;

    if (!begin(ring->cipher, key, raw, context, 0)
        || !update(ring->cipher, plain, raw + OTP_RANDOM_NONCE, plain_len)
        || EVP_CIPHER_CTX_ctrl(ring->cipher, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) != 1)
    {
        otp_secret_wipe(plain, plain_len);
        return OTP_FAILED;
    }
    if (!finish(ring->cipher)) {
        otp_secret_wipe(plain, plain_len);
        return OTP_INVALID;
    }
    return OTP_OK;
}


otp_status_t otp_keyring_open(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t context,
    otp_span_t sealed, uint8_t *plain, size_t size, size_t *len)
{
    otp_span_t         text = sealed;
    otp_span_t         id = otp_span_cut(&text, '.');
    otp_keyring_key_t *key = id.len ? otp_keyring_find(ring, id) : NULL;

    *len = 0;
    if (!key || context.len > PLAIN_MAX || text.len > 2 * PLAIN_MAX) {
        return OTP_INVALID;
    }
    uint8_t *raw = malloc(text.len + 1);
    size_t   raw_len;

    if (!raw) {
        return OTP_FAILED;
    }
    otp_status_t status = otp_base64url_decode(text, raw, text.len, &raw_len);

    if (status == OTP_OK && raw_len < OTP_RANDOM_NONCE + TAG_LEN) {
        status = OTP_INVALID;
    }
    if (status == OTP_OK && raw_len - OTP_RANDOM_NONCE - TAG_LEN > size) {
        status = OTP_NO_ROOM;
    }
    if (status == OTP_OK) {
        status = decrypt_raw(ring, key->aes[purpose], context, raw, raw_len, plain);
    }
    free(raw);
    *len = status == OTP_OK ? raw_len - OTP_RANDOM_NONCE - TAG_LEN : 0;
    return status;
}
