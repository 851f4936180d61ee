/*
 * The inside of a key ring, for the files otp_keyring*.c only.
 */
#ifndef OTP_KEYRING_PRIVATE_H
#define OTP_KEYRING_PRIVATE_H

#include <openssl/evp.h>

#include "core/crypto/otp_keyring.h"

/* A key as the file has it. */
typedef struct {
    char    id[OTP_KEY_ID_LEN];
    uint8_t master[OTP_MASTER_LEN];
} otp_keyring_master_t;

/* A key as it is used: one derived key for each purpose and each algorithm. */
typedef struct {
    otp_span_t   id;
    EVP_MAC_CTX *hmac[OTP_PURPOSES];
    uint8_t      aes[OTP_PURPOSES][OTP_MASTER_LEN];
} otp_keyring_key_t;

struct otp_keyring_s {
    otp_keyring_master_t  master[OTP_KEYRING_KEYS];
    otp_keyring_key_t     key[OTP_KEYRING_KEYS];
    size_t                count;
    EVP_MD               *sha256;
    EVP_MD_CTX           *digest;
    EVP_CIPHER           *aes;
    EVP_CIPHER_CTX       *cipher;
};

/* Reads the file's lines into `master`, all of OTP_KEYRING_KEYS long.  OTP_INVALID: `error` says which line and why. */
OTP_MUST_USE otp_status_t otp_keyring_read(otp_span_t text, otp_keyring_master_t *master, size_t *count,
    char *error, size_t error_size);

/* The key `id`, the current one for an empty id; NULL: there is none. */
otp_keyring_key_t *otp_keyring_find(otp_keyring_t *ring, otp_span_t id);

#endif
