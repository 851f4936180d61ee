#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/otp_import_lab.h"

#define TEXT_MAX    16384
#define BUFFERS     64

otpctl_import_list_t  otp_import_list;
otpctl_import_error_t otp_import_error;

bool otp_import_lab(otpctl_import_format_t format, const char *text, const char *unlock)
{
    size_t len = strlen(text);
    char  *copy = malloc(len ? len : 1);
    bool   fine;

    assert_non_null(copy);
    memcpy(copy, text, len);
    otpctl_import_free(&otp_import_list);
    otp_import_error = (otpctl_import_error_t) { 0 };
    fine = otpctl_import_read(format, (otp_span_t) { copy, len }, otp_span_of(unlock), &otp_import_list,
                              &otp_import_error);
    free(copy);
    if (!fine) {
        otpctl_import_free(&otp_import_list);
    }
    return fine;
}


void otp_assert_read(otpctl_import_format_t format, const char *text, const char *unlock, size_t keys)
{
    if (!otp_import_lab(format, text, unlock)) {
        fail_msg("refused: line %zu: %s\n%s", otp_import_error.line, otp_import_error.reason, text);
    }
    assert_int_equal(otp_import_list.keys, keys);
}


void otp_assert_refused(otpctl_import_format_t format, const char *unlock, const otp_refused_t *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (otp_import_lab(format, cases[i].text, unlock)) {
            fail_msg("accepted, not refused for \"%s\":\n%s", cases[i].reason, cases[i].text);
        }
        if (otp_import_error.line != cases[i].line || !strstr(otp_import_error.reason, cases[i].reason)) {
            fail_msg("expected %zu: %s, got %zu: %s\n%s", cases[i].line, cases[i].reason, otp_import_error.line,
                     otp_import_error.reason, cases[i].text);
        }
    }
}


void otp_assert_rfc_secret(const otpctl_import_key_t *key)
{
    assert_int_equal(key->len, 20);
    assert_memory_equal(key->secret, "12345678901234567890", 20);
}


const char *otp_changed(const char *text, const char *what, const char *into)
{
    static char     buffers[BUFFERS][TEXT_MAX];
    static unsigned turn;
    char           *buffer = buffers[turn++ % BUFFERS];
    const char     *at = strstr(text, what);

    if (!at) {
        fail_msg("there is no %s in it", what);
    }
    assert_true(strlen(text) + strlen(into) < TEXT_MAX);
    (void) snprintf(buffer, TEXT_MAX, "%.*s%s%s", (int) (at - text), text, into, at + strlen(what));
    return buffer;
}
