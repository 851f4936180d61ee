/*
 * What must be known of a command before it is sent: which name says where it belongs, and whether it may be sent
 * twice.
 */
#ifndef OTPCTL_VERB_H
#define OTPCTL_VERB_H

#include "core/store/otp_command.h"

/* The first name in it; data NULL: it has none, any server will do. */
otp_span_t otpctl_verb_name(const otp_span_t *arg, size_t args);

/* It changes nothing: when its reply is lost it can be sent again. */
bool otpctl_verb_reads(const otp_span_t *arg, size_t args);

/* `reply` says that it changed something that must not be lost: with `replicas=`, replicas have to hold it. */
bool otpctl_verb_changed(const otp_span_t *arg, size_t args, const otp_reply_t *reply);

#endif
