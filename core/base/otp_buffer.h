/*
 * otp_buffer_t: writes into bounded memory that the caller owns.  Once something does not fit,
 * `overflow` is set, nothing more is written, and otp_buffer_span() is empty: one check at the end.
 */
#ifndef OTP_BUFFER_H
#define OTP_BUFFER_H

#include "core/base/otp_span.h"

typedef struct {
    char   *data;
    size_t  len;
    size_t  size;
    bool    overflow;
} otp_buffer_t;

void otp_buffer_init(otp_buffer_t *buffer, char *data, size_t size);
void otp_buffer_add(otp_buffer_t *buffer, otp_span_t text);
void otp_buffer_add_text(otp_buffer_t *buffer, const char *text);
void otp_buffer_add_char(otp_buffer_t *buffer, char c);
void otp_buffer_add_number(otp_buffer_t *buffer, int64_t number);
void otp_buffer_add_hex(otp_buffer_t *buffer, const uint8_t *bytes, size_t len);        /* lower case */
void otp_buffer_add_base64url(otp_buffer_t *buffer, const uint8_t *bytes, size_t len);  /* no padding */
void otp_buffer_add_base32(otp_buffer_t *buffer, const uint8_t *bytes, size_t len);     /* upper case, no padding */
/* Everything but RFC 3986 unreserved characters as %XX: for a value inside a query. */
void otp_buffer_add_percent(otp_buffer_t *buffer, otp_span_t text);

/* What was written; an empty span with data NULL after an overflow. */
otp_span_t otp_buffer_span(const otp_buffer_t *buffer);

#endif
