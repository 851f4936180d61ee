/*
 * Replies of Redis from bytes, through hiredis' reader used as a codec: feed what arrived, take whole
 * replies.  Knows no socket.
 */
#ifndef OTP_RESP_H
#define OTP_RESP_H

#include "core/store/otp_command.h"

typedef struct otp_resp_s otp_resp_t;

OTP_MUST_USE otp_resp_t *otp_resp_create(void);
void otp_resp_destroy(otp_resp_t *resp);

OTP_MUST_USE otp_status_t otp_resp_feed(otp_resp_t *resp, otp_span_t bytes);

/* OTP_OK with *reply set (a whole reply; destroy it) or NULL (more bytes needed); OTP_INVALID: what
 * came is not the protocol, the connection must go; OTP_FAILED: no memory, likewise. */
OTP_MUST_USE otp_status_t otp_resp_take(otp_resp_t *resp, otp_reply_t **reply);
void otp_reply_destroy(otp_reply_t *reply);

#endif
