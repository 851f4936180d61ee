/*
 * Texts that people have written, for the eyes of others.
 */
#ifndef OTP_TEXT_H
#define OTP_TEXT_H

#include "core/base/otp_span.h"

/* `text` without the marks that turn the direction of writing (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to
 * U+2069): with them words look other than they are, and so do those behind them.  Letters keep their own direction.
 * In `kept`, at least text.len bytes; an empty text is itself. */
otp_span_t otp_text_undirected(otp_span_t text, char *kept);

#endif
