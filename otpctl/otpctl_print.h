/*
 * What people and programs see.
 */
#ifndef OTPCTL_PRINT_H
#define OTPCTL_PRINT_H

#include <jansson.h>

#include "core/base/otp_span.h"

#define OTPCTL_TIME_MAX 40

/* "otpctl: TEXT" on standard error, control characters replaced. */
void otpctl_say(const char *format, ...) OTP_PRINTF(1, 2);

/* The object as one line on standard output; takes it over.  Returns the exit status. */
OTP_MUST_USE int otpctl_print_json(json_t *object);

/* A text of unknown origin on standard output: nothing in it reaches the terminal's control. */
void otpctl_print_text(otp_span_t text);

/* Local time with its offset; "-" for 0. */
const char *otpctl_time_text(int64_t time_s, char text[OTPCTL_TIME_MAX]);

json_t *otpctl_json_span(otp_span_t text);

/* On a terminal that shows UTF-8, the text as a QR code; nothing elsewhere. */
void otpctl_print_qr(const char *text);

#endif
