/*
 * One audit line: a JSON object, the same in the Redis stream (field `e`) and in otp_audit.
 */
#ifndef OTP_EVENT_H
#define OTP_EVENT_H

#include "core/base/otp_span.h"

#define OTP_EVENT_MAX   2048

/* Empty members are left out. */
typedef struct {
    int64_t    time_ms;
    otp_span_t event;       /* "password", "passcode", "next_code", "pin", "logout", "key_assign"… */
    otp_span_t verdict;     /* "ok", "denied"… */
    otp_span_t user;        /* canonical */
    otp_span_t address;     /* of the client */
    otp_span_t serial;
    otp_span_t signal;      /* "code_without_pin", "pin_without_code", "replay", "locked" */
    otp_span_t session;     /* public id */
    otp_span_t actor;       /* who did it, when not the user: an agent, or "otpctl" */
    otp_span_t reason;
    otp_span_t note;        /* why an agent did it, in their words */
    otp_span_t request;     /* request id */
} otp_event_t;

OTP_MUST_USE otp_status_t otp_event_write(const otp_event_t *event, char *line, size_t size, size_t *len);

/* The event and the verdict of a line that otp_event_write() has written; false: it has not both. */
OTP_MUST_USE bool otp_event_words(otp_span_t line, otp_span_t *event, otp_span_t *verdict);

#endif
