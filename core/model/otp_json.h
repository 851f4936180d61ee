/*
 * Members of JSON objects, read strictly: a member of another type, or a text that does not fit, is an
 * error and never a default.
 */
#ifndef OTP_JSON_H
#define OTP_JSON_H

#include <jansson.h>

#include "core/base/otp_span.h"

/* The text of `member` into `text` with a final NUL.  An absent member is the empty text when `optional`. */
OTP_MUST_USE bool otp_json_text(const json_t *object, const char *member, bool optional, char *text, size_t size);
OTP_MUST_USE bool otp_json_number(const json_t *object, const char *member, int64_t min, int64_t max, int64_t *number);
/* Exactly `len` bytes in base64url. */
OTP_MUST_USE bool otp_json_bytes(const json_t *object, const char *member, uint8_t *bytes, size_t len);
OTP_MUST_USE json_t *otp_json_of_bytes(const uint8_t *bytes, size_t len);

/* One object and nothing else; no duplicate members.  NULL: it is not that. */
OTP_MUST_USE json_t *otp_json_object(otp_span_t text);
/* The compact text of `object`, which is released.  OTP_FAILED when it is NULL. */
OTP_MUST_USE otp_status_t otp_json_write(json_t *object, char *text, size_t size, size_t *len);

/* Sets `member` unless `value` is empty. */
OTP_MUST_USE bool otp_json_set_span(json_t *object, const char *member, otp_span_t value);

#endif
