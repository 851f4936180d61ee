/*
 * The emergency password: ten characters of A-Z without I, L, O and 2-9, of which the first is a
 * letter, so that it is never taken for a passcode: 49 bits.  Kept like a PIN, as an HMAC by the key ring: it lives
 * for a day, and who has the ring has the seeds.
 */
#ifndef OTP_EMERGENCY_H
#define OTP_EMERGENCY_H

#include "core/model/otp_account.h"

#define OTP_EMERGENCY_LEN       10
#define OTP_EMERGENCY_FAILURES  10      /* bad attempts from unknown, or from known, browsers that end it for these */

/* Makes a password of `random`. */
void otp_emergency_make(const uint8_t random[16], char password[OTP_EMERGENCY_LEN + 1]);

/* Whether what was typed has the form of one: ten characters of the alphabet, at least one a letter; case, blanks
 * and dashes do not count.  `canonical` gets it in capitals. */
OTP_MUST_USE bool otp_emergency_form(otp_span_t typed, char canonical[OTP_EMERGENCY_LEN + 1]);

/* Makes it the account's one: what was there before is gone. */
OTP_MUST_USE otp_status_t otp_emergency_set(otp_keyring_t *ring, otp_account_t *account, otp_span_t password,
    const uint8_t salt[OTP_SALT_LEN], int64_t now_s, int64_t expires);

/* There is one and it has not ended: it is still heard from somewhere. */
bool otp_emergency_live(const otp_account_t *account, int64_t now_s);

/* The count of bad attempts that a browser adds to; whether it is heard from there. */
int64_t *otp_emergency_failures(otp_account_t *account, bool known);
bool otp_emergency_heard(const otp_account_t *account, bool known, int64_t now_s);

/* Costs the same whether there is one, right or wrong. */
OTP_MUST_USE bool otp_emergency_matches(otp_keyring_t *ring, const otp_account_t *account, otp_span_t canonical,
    int64_t now_s);

#endif
