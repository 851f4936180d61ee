/*
 * What the tests of the readers of vendors' files share: reading a text, and what must come of it.
 */
#ifndef OTP_IMPORT_LAB_H
#define OTP_IMPORT_LAB_H

#include "otpctl/import/otpctl_import.h"

/* A text that is refused, the line told and a part of the reason. */
typedef struct {
    const char *text;
    size_t      line;
    const char *reason;
} otp_refused_t;

/* Of the last text. */
extern otpctl_import_list_t  otp_import_list;
extern otpctl_import_error_t otp_import_error;

/* From memory of exactly its size.  `unlock` NULL: no key file. */
bool otp_import_lab(otpctl_import_format_t format, const char *text, const char *unlock);

void otp_assert_read(otpctl_import_format_t format, const char *text, const char *unlock, size_t keys);
void otp_assert_refused(otpctl_import_format_t format, const char *unlock, const otp_refused_t *cases, size_t count);

/* The key of RFC 4226, 6238 and 6030. */
void otp_assert_rfc_secret(const otpctl_import_key_t *key);

/* `text` with its first `what` replaced; in one of 64 buffers that take turns. */
const char *otp_changed(const char *text, const char *what, const char *into);

#endif
