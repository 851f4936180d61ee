/*
 * What the harnesses of the readers of vendors' files share: whatever is read keeps what the readers promise.
 */
#ifndef FUZZ_IMPORT_H
#define FUZZ_IMPORT_H

#include <string.h>

#include "otpctl/import/otpctl_import.h"
#include "tests/fuzz/fuzz.h"

/* Reads; a list that was accepted has keys that are fit for their type, a refusal has a reason. */
static inline void fuzz_import(otpctl_import_format_t format, otp_span_t text, otp_span_t unlock)
{
    otpctl_import_list_t   list = { 0 };
    otpctl_import_error_t  error = { 0 };
    otpctl_import_format_t guess;
    char                   serial[OTP_SERIAL_MAX + 1];

    if (otpctl_import_guess(text, &guess)) {
        FUZZ_REQUIRE(guess < OTPCTL_IMPORT_FORMATS);
    }
    if (!otpctl_import_read(format, text, unlock, &list, &error)) {
        FUZZ_REQUIRE(error.reason[0] != '\0' && memchr(error.reason, '\0', sizeof(error.reason)) != NULL);
        otpctl_import_free(&list);
        return;
    }
    FUZZ_ACCEPTED();
    FUZZ_REQUIRE(list.keys > 0);
    for (size_t i = 0; i < list.keys; i++) {
        const otpctl_import_key_t *key = &list.key[i];

        FUZZ_REQUIRE(key->line > 0 && (i == 0 || key->line >= list.key[i - 1].line));
        FUZZ_REQUIRE(otp_serial_canonical(otp_span_of(key->serial), serial) == OTP_OK);
        FUZZ_REQUIRE(strcmp(serial, key->serial) == 0);
        FUZZ_REQUIRE(key->len >= OTP_SEED_MIN && key->len <= OTP_SECRET_MAX);
        FUZZ_REQUIRE(key->digits >= OTP_DIGITS_MIN && key->digits <= OTP_DIGITS_MAX);
        FUZZ_REQUIRE(otp_type_rules(key->type)->timed ? key->period_s > 0 : key->period_s == 0);
        FUZZ_REQUIRE(key->counter >= 0);
    }
    otpctl_import_free(&list);
}

#endif
