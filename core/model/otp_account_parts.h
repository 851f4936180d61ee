/*
 * The parts of an account's record that most accounts do not have: for otp_account.c only.
 */
#ifndef OTP_ACCOUNT_PARTS_H
#define OTP_ACCOUNT_PARTS_H

#include "core/model/otp_account.h"

#define OTP_COUNT_LIMIT ((int64_t) 1 << 40)     /* of counts and times */

OTP_MUST_USE bool otp_account_add_parts(json_t *object, const otp_account_t *account);
/* What is not in `object` stays as it is in `account`: zero. */
OTP_MUST_USE bool otp_account_read_parts(const json_t *object, otp_account_t *account);

#endif
