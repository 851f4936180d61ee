/*
 * `doctor`: what its parts share.
 */
#ifndef OTPCTL_DOCTOR_VISIT_H
#define OTPCTL_DOCTOR_VISIT_H

#include "otpctl/otpctl.h"
#include "otpctl/otpctl_doctor.h"

#define OTPCTL_CHECKS   24

typedef struct {
    otpctl_t       *ctl;
    otpctl_check_t  check[OTPCTL_CHECKS];
    size_t          checks;
    bool            unreachable;
} otpctl_doctor_t;

void otpctl_doctor_add(otpctl_doctor_t *visit, const char *name, otpctl_health_t health, const char *remedy,
    const char *text);
/* Of one master, or of whichever the command is for (-1).  NULL: no answer, or an error. */
otp_reply_t *otpctl_doctor_ask(otpctl_doctor_t *visit, int master, const otp_span_t *arg, size_t args);

/* otpctl_doctor_masters.c: where the masters are, and how each of them is; before, what the Sentinels say, if any are
 * asked for it. */
void otpctl_doctor_sentinels(otpctl_doctor_t *visit);
void otpctl_doctor_masters(otpctl_doctor_t *visit);

#endif
