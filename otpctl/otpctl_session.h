/*
 * Sessions, as keys and people make them go.
 */
#ifndef OTPCTL_SESSION_H
#define OTPCTL_SESSION_H

#include "otpctl/otpctl_store.h"

typedef struct {
    size_t lowered, ended;
} otpctl_sessions_t;

/* After the key `serial` was taken from `uid` in the account: sessions opened with it that also proved the password
 * go down to what that is worth, when `keep_password`; all others opened with it are deleted.  A sign-in that is
 * under way reads the account again once its session is written, and sees that the key is gone. */
OTP_MUST_USE otpctl_status_t otpctl_session_key_gone(otpctl_t *ctl, const char *uid, const char *serial,
    bool keep_password, otpctl_sessions_t *sessions);

#endif
