/*
 * The guard's decision about one request to a protected location.
 */
#ifndef OTP_GUARD_H
#define OTP_GUARD_H

#include "core/model/otp_session.h"

/* Who may pass at all: nobody listed means everybody who signed in. */
typedef struct {
    const otp_span_t *group;
    size_t            groups;
    const otp_span_t *user;         /* canonical */
    size_t            users;
} otp_allow_t;

typedef struct {
    otp_level_t level;
    int64_t     max_age_s;          /* how old the passcode may be; 0: any age */
    bool        emergency;          /* whether an emergency password counts as the key */
    otp_allow_t allow;
} otp_guard_policy_t;

typedef enum {
    OTP_GUARD_PASS,
    OTP_GUARD_LOGIN,                /* nobody is signed in */
    OTP_GUARD_PASSCODE,             /* signed in, the key is needed (again) */
    OTP_GUARD_FORBIDDEN             /* this person may not */
} otp_guard_verdict_t;

/* The level a text asks for; what is empty or unknown asks for the key. */
otp_level_t otp_guard_level(otp_span_t text);

/* Decides.  `session` NULL: nobody is signed in. */
OTP_MUST_USE otp_guard_verdict_t otp_guard_decide(const otp_guard_policy_t *policy, const otp_session_t *session,
    int64_t now_s);

/* The JSON body and, for a navigation, where it is sent: PORTAL/login?rd=… or PORTAL/passcode?rd=…
 * (`portal` with its final slash; `asked` is the address asked for, relative or absolute). */
OTP_MUST_USE otp_status_t otp_guard_location(otp_guard_verdict_t verdict, otp_span_t portal, otp_span_t asked,
    char *location, size_t size, size_t *len);
OTP_MUST_USE otp_status_t otp_guard_json(otp_guard_verdict_t verdict, otp_span_t location, char *json, size_t size,
    size_t *len);

#endif
