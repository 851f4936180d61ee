/*
 * Test support: what the files of the Redis in memory share.
 */
#ifndef OTP_FAKE_STORE_H
#define OTP_FAKE_STORE_H

#include "otp_fake_redis.h"

/* ---- otp_fake_redis.c ---- */
char *otp_fake_copy(const char *data, size_t len);      /* with a final NUL; the caller frees it */
otp_fake_entry_t *otp_fake_entry_of(otp_fake_redis_t *redis, otp_span_t name);      /* made when it is not there */
void otp_fake_entry_remove(otp_fake_redis_t *redis, otp_fake_entry_t *entry);
/* `kept`: how many entries of this stream stay; 0: all. */
void otp_fake_stream_add(otp_fake_redis_t *redis, otp_span_t stream, otp_span_t field, otp_span_t text, int64_t kept);

/* ---- otp_fake_verbs.c ---- */
otp_reply_t otp_fake_carry_out(otp_fake_redis_t *redis, const otp_command_t *command);
otp_reply_t otp_fake_reply_error(const char *text);
void otp_fake_reply_free(otp_reply_t *reply);

#endif
