/*
 * The envelope of every record: `1.RING-KEY-ID.MAC.BODY`.  The MAC covers the
 * body and the name of the Redis key, so a record cannot be altered, nor moved to another name.
 */
#ifndef OTP_RECORD_H
#define OTP_RECORD_H

#include "core/crypto/otp_keyring.h"

/* With the key of `purpose`, so that one kind of record is never read as another. */
OTP_MUST_USE otp_status_t otp_envelope_write(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t name,
    otp_span_t body, char *record, size_t size, size_t *len);
/* `body` points into `record`.  OTP_INVALID: forged, damaged, or moved. */
OTP_MUST_USE otp_status_t otp_envelope_read(otp_keyring_t *ring, otp_purpose_t purpose, otp_span_t name,
    otp_span_t record, otp_span_t *body);

/* The same for everything that is not a session. */
OTP_MUST_USE otp_status_t otp_record_write(otp_keyring_t *ring, otp_span_t name, otp_span_t body, char *record,
    size_t size, size_t *len);
OTP_MUST_USE otp_status_t otp_record_read(otp_keyring_t *ring, otp_span_t name, otp_span_t record, otp_span_t *body);

#endif
