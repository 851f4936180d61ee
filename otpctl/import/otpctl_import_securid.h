/*
 * One SecurID token through libstoken.
 */
#ifndef OTPCTL_IMPORT_SECURID_H
#define OTPCTL_IMPORT_SECURID_H

#include "otpctl/import/otpctl_import.h"

#define OTPCTL_SECURID_PASSWORD 64

/* `token`: a token string (CTF), or an sdtid document with one token, in text the caller has bounded.  `password`:
 * NULL without one.  Fills the key but for its line; what is left is the same token without a password. */
OTP_MUST_USE bool otpctl_import_securid(const char *token, const char *password, otpctl_import_key_t *key,
    otpctl_import_error_t *error);

#endif
