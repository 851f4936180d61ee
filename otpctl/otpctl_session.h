/*
 * Sessions, as keys and people make them go.
 */
#ifndef OTPCTL_SESSION_H
#define OTPCTL_SESSION_H

#include "otpctl/otpctl_action.h"

/* Judges every session there is of this person, whatever the person's list of sessions says: for a list somebody has
 * tampered with, or a crash left behind. */
OTP_MUST_USE otpctl_status_t otpctl_session_sweep_all(otpctl_action_t *action, otp_span_t uid, otp_sweep_judge_t judge,
    void *how);

#endif
