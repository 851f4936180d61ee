/*
 * Sessions, as keys and people make them go.
 */
#ifndef OTPCTL_SESSION_H
#define OTPCTL_SESSION_H

#include "otpctl/otpctl_store.h"

typedef struct {
    size_t lowered, ended;
} otpctl_sessions_t;

/* After the key `serial` was taken from `uid`: sessions opened with it that also proved the password go down
 * to what that is worth, when `keep_password`; all others opened with it are deleted.  `used`: when the key last
 * opened something (unix seconds); a sign-in that has just been accepted may write its session a moment
 * later, so that one is waited for. */
OTP_MUST_USE otpctl_status_t otpctl_session_key_gone(otpctl_t *ctl, const char *uid, const char *serial,
    bool keep_password, int64_t used, otpctl_sessions_t *sessions);

#endif
