#include "otpctl/import/otpctl_import_aes.h"

#include <openssl/evp.h>

bool otpctl_aes_encrypt(const uint8_t key[OTPCTL_AES_BLOCK], const uint8_t *iv, uint8_t *bytes, size_t len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int             done = 0;
    bool            fine;

    fine = ctx && EVP_EncryptInit_ex2(ctx, iv ? EVP_aes_128_cbc() : EVP_aes_128_ecb(), key, iv, NULL)
        && EVP_CIPHER_CTX_set_padding(ctx, 0) && EVP_EncryptUpdate(ctx, bytes, &done, bytes, (int) len)
        && (size_t) done == len;
    EVP_CIPHER_CTX_free(ctx);
    return fine;
}


void otpctl_aes_mix(uint8_t block[OTPCTL_AES_BLOCK], const uint8_t with[OTPCTL_AES_BLOCK])
{
    for (size_t i = 0; i < OTPCTL_AES_BLOCK; i++) {
        block[i] ^= with[i];
    }
}
