/*
 * Decoders of the text forms bytes travel in.  Each is strict: a character outside the alphabet, a
 * wrong length or non-zero trailing bits give OTP_INVALID; a result longer than `size`, OTP_NO_ROOM.
 */
#ifndef OTP_ENCODE_H
#define OTP_ENCODE_H

#include "core/base/otp_span.h"

OTP_MUST_USE otp_status_t otp_hex_decode(otp_span_t text, uint8_t *bytes, size_t size, size_t *len);
/* RFC 4648 section 5, without padding.  _valid: whether _decode takes the text, given room. */
OTP_MUST_USE bool otp_base64url_valid(otp_span_t text);
OTP_MUST_USE otp_status_t otp_base64url_decode(otp_span_t text, uint8_t *bytes, size_t size, size_t *len);
/* RFC 4648 section 6; either case, padding optional, blanks and dashes between groups ignored. */
OTP_MUST_USE otp_status_t otp_base32_decode(otp_span_t text, uint8_t *bytes, size_t size, size_t *len);

#endif
