/*
 * The key ring's file.
 */
#ifndef OTPCTL_KEYRING_H
#define OTPCTL_KEYRING_H

#include "core/crypto/otp_keyring.h"

/* NULL: `error` says what is wrong with the file (its permissions too) and what to do. */
OTP_MUST_USE otp_keyring_t *otpctl_keyring_load(const char *path, char *error, size_t error_size);

#endif
