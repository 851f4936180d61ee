/*
 * What the directory (today: the password file) says of a person.
 */
#ifndef OTP_PERSON_H
#define OTP_PERSON_H

#include "core/base/otp_span.h"

#define OTP_UID_LEN     64
#define OTP_NAME_LEN    128
#define OTP_EMAIL_LEN   128
#define OTP_GROUPS_LEN  512     /* comma-separated */

typedef struct {
    otp_span_t uid;
    otp_span_t name;
    otp_span_t email;
    otp_span_t groups;
} otp_person_t;

/* The canonical form of an identifier: trimmed, ASCII lower case, letters digits . _ - @ + only,
 * 1..64 bytes.  OTP_INVALID for anything else: such a person is unknown. */
OTP_MUST_USE otp_status_t otp_uid_canonical(otp_span_t text, char uid[OTP_UID_LEN], size_t *len);

/* Whether `group` is one of the comma-separated `groups`. */
bool otp_groups_have(otp_span_t groups, otp_span_t group);

/* Whether one of the comma-separated `wanted` is among them; empty: always. */
bool otp_groups_meet(otp_span_t groups, otp_span_t wanted);

#endif
