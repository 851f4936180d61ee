/*
 * Whose key is it?  Goes through stock and accounts for the keys that show a code now.
 */
#ifndef OTPCTL_IDENTIFY_H
#define OTPCTL_IDENTIFY_H

#include "otpctl/otpctl_store.h"

#define OTPCTL_IDENTIFIED_MAX   64

typedef struct {
    char            serial[OTP_SERIAL_MAX + 1];
    char            uid[OTP_UID_LEN + 1];       /* who holds it; empty: nobody */
    otp_key_state_t state;
    bool            near;                       /* it shows the code right now, not only if its clock has drifted far */
} otpctl_identified_t;

typedef struct {
    otpctl_identified_t key[OTPCTL_IDENTIFIED_MAX];     /* the near ones first, then by serial */
    size_t              keys;
    bool                more;                           /* there were more than that */
    size_t              looked_at, unopened;            /* keys; those of them whose seed does not open */
} otpctl_identified_list_t;

/* The keys that show `code` (digits) at `now_s` within the wide window, and have not shown it to us before: six digits
 * fit several keys of a large stock by chance.  Nothing is changed.  OTPCTL_REFUSED: some records were not readable
 * (told); the list has what was found in the others. */
OTP_MUST_USE otpctl_status_t otpctl_identify(otpctl_t *ctl, otp_span_t code, int64_t now_s,
    otpctl_identified_list_t *found);

#endif
