/*
 * AES-128, as SecurID's files and token strings are made with it.
 */
#ifndef OTPCTL_IMPORT_AES_H
#define OTPCTL_IMPORT_AES_H

#include "core/base/otp_span.h"

#define OTPCTL_AES_BLOCK    16      /* bytes of a block, and of a key */

/* In place, whole blocks: chained when there is an `iv`, each on its own when it is NULL.  False: the library below
 * refused. */
OTP_MUST_USE bool otpctl_aes_encrypt(const uint8_t key[OTPCTL_AES_BLOCK], const uint8_t *iv, uint8_t *bytes,
    size_t len);

void otpctl_aes_mix(uint8_t block[OTPCTL_AES_BLOCK], const uint8_t with[OTPCTL_AES_BLOCK]);

#endif
