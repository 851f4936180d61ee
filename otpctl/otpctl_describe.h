/*
 * Keys and accounts in JSON and in words: never a seed, a PIN or what either is kept as.
 */
#ifndef OTPCTL_DESCRIBE_H
#define OTPCTL_DESCRIBE_H

#include <jansson.h>

#include "core/decide/otp_limits.h"
#include "core/model/otp_emergency.h"
#include "core/model/otp_stock.h"

/* "free", "assigned" or "disabled" */
const char *otpctl_stock_state(const otp_stock_t *stock);

/* New objects; NULL without memory. */
json_t *otpctl_stock_json(const otp_stock_t *stock);
/* The same with what the account's copy (may be NULL) knows better. */
json_t *otpctl_key_show_json(const otp_stock_t *stock, const otp_key_t *copy);
json_t *otpctl_account_json(const otp_account_t *account, int64_t now_s);

/* For a while, or until the helpdesk unlocks. */
bool otpctl_account_locked(const otp_account_t *account, int64_t now_s);

/* Where mail goes, emergency password, request, failures of known browsers: part of the account's. */
void otpctl_person_json(json_t *object, const otp_account_t *account, int64_t now_s);
void otpctl_person_print(const otp_account_t *account, int64_t now_s);

/* As otpctl_key_show_json(). */
void otpctl_key_print(const otp_stock_t *stock, const otp_key_t *copy);
void otpctl_account_print(const otp_account_t *account, int64_t now_s);

#endif
