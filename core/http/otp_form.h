/*
 * application/x-www-form-urlencoded bodies and queries.
 */
#ifndef OTP_FORM_H
#define OTP_FORM_H

#include "core/base/otp_buffer.h"

#define OTP_FORM_FIELDS 16

typedef struct {
    otp_span_t name, value;     /* decoded, inside the form's buffer */
} otp_field_t;

typedef struct {
    otp_field_t field[OTP_FORM_FIELDS];
    size_t      fields;
} otp_form_t;

/* Decodes `text` into `buffer` (at least text.len bytes; the caller wipes it).  OTP_INVALID: broken
 * percent-encoding, NUL, control characters, invalid UTF-8, the same field twice, more than 16 fields.
 * An empty text is a form without fields. */
OTP_MUST_USE otp_status_t otp_form_parse(otp_span_t text, char *buffer, otp_form_t *form);

/* The value, or an empty span with data NULL when the field is not there. */
otp_span_t otp_form_get(const otp_form_t *form, const char *name);

/* Whether a Content-Type is application/x-www-form-urlencoded (parameters allowed, case ignored). */
bool otp_form_type(otp_span_t content_type);

/* Valid UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool otp_utf8_valid(otp_span_t text);

#endif
