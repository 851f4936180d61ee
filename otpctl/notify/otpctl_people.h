/*
 * The gateways' password file (core/people/otp_password.h), for addresses that the outbox does not know.
 */
#ifndef OTPCTL_PEOPLE_H
#define OTPCTL_PEOPLE_H

#include <sys/stat.h>

#include "core/people/otp_password_index.h"

typedef struct {
    const char           *path;     /* NULL: there is no such file */
    char                 *text;
    size_t                len;
    otp_password_index_t *index;
    struct stat           read;     /* as the file was when it was read */
} otpctl_people_t;

/* Reads the file anew when it has changed.  False: `error` says why it cannot be read; what was read before stays. */
OTP_MUST_USE bool otpctl_people_refresh(otpctl_people_t *people, char *error, size_t error_size);

/* Spans in `person` last until the next refresh. */
bool otpctl_people_find(const otpctl_people_t *people, otp_span_t uid, otp_person_t *person);

void otpctl_people_free(otpctl_people_t *people);

#endif
