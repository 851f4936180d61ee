/*
 * The inside of otp_manage*.c.
 */
#ifndef OTP_MANAGE_PRIVATE_H
#define OTP_MANAGE_PRIVATE_H

#include "core/base/otp_buffer.h"
#include "core/decide/otp_manage.h"

#define WAY_ARRIVING    OTP_SPAN(OTP_MANAGE_ARRIVING)
#define WAY_ENABLING    OTP_SPAN(OTP_MANAGE_ENABLING)
#define WAY_RESTORED    OTP_SPAN(OTP_MANAGE_RESTORED)
#define WAY_RETURNED    OTP_SPAN(OTP_MANAGE_RETURNED)

/* Under way in this sense (OTP_MANAGE_ARRIVING…). */
bool otp_manage_is(const otp_key_t *key, otp_span_t way);
/* Disables: `way` empty: simply. */
void otp_manage_mark(otp_key_t *key, otp_span_t way, otp_span_t reason);
void otp_manage_make_usable(otp_key_t *key);

/* Into a text with a final NUL, cut where it does not fit. */
void otp_manage_set_text(char *text, size_t size, otp_span_t value);
bool otp_manage_is_of(const char *text, otp_span_t value);

/* `copy` is one of the account's. */
void otp_manage_drop_copy(otp_account_t *account, otp_key_t *copy);
/* Counts the revision; OTP_MANAGE_CHANGED. */
otp_managed_t otp_manage_account_changed(otp_account_t *account);
/* Whether there was one. */
bool otp_manage_clear_pending(otp_account_t *account);
bool otp_manage_end_request(otp_account_t *account, otp_span_t serial);
void otp_manage_end_want(otp_stock_t *stock);

#endif
