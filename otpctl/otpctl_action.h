/*
 * Actions (core/action/otp_action.h) from the terminal: the order from the command line, the commands to Redis and
 * back, what became of it in words.
 */
#ifndef OTPCTL_ACTION_H
#define OTPCTL_ACTION_H

#include <jansson.h>

#include "core/action/otp_action.h"
#include "core/action/otp_sweep.h"
#include "otpctl/otpctl_store.h"

typedef struct {
    otpctl_t           *ctl;
    otp_action_order_t  order;
    char                serial[OTP_SERIAL_MAX + 1], uid[OTP_UID_LEN + 1];
    otp_action_result_t result;         /* wiped by otpctl_action_end() */
} otpctl_action_t;

/* Takes serial and person from the arguments of these numbers (from 0; -1: there is none), the rest from options. */
OTP_MUST_USE otpctl_status_t otpctl_action_begin(otpctl_t *ctl, otp_action_kind_t kind, int serial, int uid,
    otpctl_action_t *action);
/* Carries it out.  Anything but OTPCTL_DONE has been told; with OTPCTL_DONE action->result says what became of it,
 * which may be a refusal. */
OTP_MUST_USE otpctl_status_t otpctl_action_run(otpctl_action_t *action);
void otpctl_action_end(otpctl_action_t *action);

/* Tells a refusal, with what is known about key and person now. */
otpctl_status_t otpctl_action_refuse(const otpctl_action_t *action);
/* {"verdict":"ok","changed":…} and more to come. */
json_t *otpctl_action_json(const otpctl_action_t *action);

/* A sweep that has begun, to its end, which is added to action->result. */
OTP_MUST_USE otpctl_status_t otpctl_action_sweep(otpctl_action_t *action, otp_sweep_t *sweep);

#endif
