/*
 * SecurID tokens, opened several at a time: libstoken takes half a millisecond and more for one of an sdtid file.
 */
#ifndef OTPCTL_IMPORT_TOKENS_H
#define OTPCTL_IMPORT_TOKENS_H

#include "otpctl/import/otpctl_import.h"

#define OTPCTL_TOKENS   256     /* that wait */

typedef struct {
    char                 *text;
    char                  serial[OTP_SERIAL_MAX + 1];   /* as the file writes it; empty: it is in the token only */
    size_t                index;        /* of its key in the list */
    otpctl_import_key_t   key;
    otpctl_import_error_t error;
    bool                  fine;
} otpctl_token_t;

/* Starts as all zero but the first two. */
typedef struct {
    otpctl_import_list_t *list;
    const char           *password;     /* NULL: without one */
    otpctl_token_t        token[OTPCTL_TOKENS];
    size_t                tokens;
} otpctl_tokens_t;

/* Adds a key with this line to the list and lets the token wait; opens those that wait when they are many, and tells
 * the list's `reading`.  False:
 * `error` says why.  `serial`: as the file writes it, empty where it does not. */
OTP_MUST_USE bool otpctl_tokens_add(otpctl_tokens_t *tokens, otp_span_t text, otp_span_t serial, size_t line,
    otpctl_import_error_t *error);
/* Opens those that wait.  False: `error` is that of the first one that does not open. */
OTP_MUST_USE bool otpctl_tokens_open(otpctl_tokens_t *tokens, otpctl_import_error_t *error);

#endif
