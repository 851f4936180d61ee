#include "otpctl/import/otpctl_import.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTER_MAX ((int64_t) 1 << 40)

bool otpctl_import_refuse(otpctl_import_error_t *error, size_t line, const char *format, ...)
{
    va_list args;

    error->line = line;
    va_start(args, format);
    (void) vsnprintf(error->reason, sizeof(error->reason), format, args);
    va_end(args);
    return false;
}


/* Not realloc(): what it leaves behind would keep the secrets. */
static bool grow(otpctl_import_list_t *list)
{
    size_t               size = list->size ? 2 * list->size : 64;
    otpctl_import_key_t *key = calloc(size, sizeof(*key));

    if (!key) {
        return false;
    }
    if (list->key) {
        memcpy(key, list->key, list->keys * sizeof(*key));
        otp_secret_wipe(list->key, list->keys * sizeof(*key));
        free(list->key);
    }
    list->key = key;
    list->size = size;
    return true;
}


otpctl_import_key_t *otpctl_import_add(otpctl_import_list_t *list, size_t line, otpctl_import_error_t *error)
{
    if (list->keys == OTPCTL_IMPORT_KEYS) {
        (void) otpctl_import_refuse(error, line, "there are more than %d keys: split the file", OTPCTL_IMPORT_KEYS);
        return NULL;
    }
    if (list->keys == list->size && !grow(list)) {
        (void) otpctl_import_refuse(error, line, "out of memory");
        return NULL;
    }
    list->key[list->keys].line = line;
    return &list->key[list->keys++];
}


void otpctl_import_free(otpctl_import_list_t *list)
{
    if (list->key) {
        otp_secret_wipe(list->key, list->keys * sizeof(*list->key));
        free(list->key);
    }
    *list = (otpctl_import_list_t) { 0 };
}


/* As much of an untrusted text as a message shows. */
static int shown(otp_span_t text)
{
    return (int) (text.len < 40 ? text.len : 40);
}


bool otpctl_import_serial(otpctl_import_key_t *key, otp_span_t text, otpctl_import_error_t *error)
{
    if (otp_serial_canonical(text, key->serial) == OTP_OK) {
        return true;
    }
    key->serial[0] = '\0';
    if (otp_span_trim(text).len == 0) {
        return otpctl_import_refuse(error, key->line, "there is no serial number");
    }
    return otpctl_import_refuse(error, key->line, "\"%.*s\" is no serial number: 1 to 64 letters, digits, - _ .",
                                shown(text), text.data);
}


static bool number(otpctl_import_key_t *key, const char *what, otp_span_t text, int64_t max, int64_t *value,
    otpctl_import_error_t *error)
{
    int64_t read;

    text = otp_span_trim(text);
    if (text.len == 0) {
        return true;
    }
    if (otp_span_number(text, &read) != OTP_OK || read > max) {
        return otpctl_import_refuse(error, key->line, "%s \"%.*s\" is no number from 0 to %lld", what, shown(text),
                                    text.data, (long long) max);
    }
    *value = read;
    return true;
}


bool otpctl_import_digits(otpctl_import_key_t *key, otp_span_t text, otpctl_import_error_t *error)
{
    int64_t digits = key->digits;

    if (!number(key, "the number of digits", text, 99, &digits, error)) {
        return false;
    }
    key->digits = (unsigned) digits;
    return true;
}


bool otpctl_import_period(otpctl_import_key_t *key, otp_span_t text, otpctl_import_error_t *error)
{
    return number(key, "the period", text, 86400, &key->period_s, error);
}


bool otpctl_import_counter(otpctl_import_key_t *key, otp_span_t text, otpctl_import_error_t *error)
{
    return number(key, "the counter", text, COUNTER_MAX, &key->counter, error);
}


bool otpctl_import_algorithm(otpctl_import_key_t *key, otp_span_t text, otpctl_import_error_t *error)
{
    text = otp_span_trim(text);
    if (text.len == 0 || otp_algorithm_parse(text, &key->algorithm) == OTP_OK) {
        return true;
    }
    return otpctl_import_refuse(error, key->line, "algorithm \"%.*s\" is not one of sha1, sha256, sha512", shown(text),
                                text.data);
}


bool otpctl_import_line(otp_span_t *rest, otp_span_t *line, size_t *number)
{
    if (rest->len == 0) {
        return false;
    }
    *line = otp_span_cut(rest, '\n');
    if (line->len && line->data[line->len - 1] == '\r') {
        line->len--;
    }
    ++*number;
    return true;
}


otp_span_t otpctl_import_unmarked(otp_span_t text)
{
    if (otp_span_starts(text, OTP_SPAN("\xef\xbb\xbf"))) {
        text.data += 3;
        text.len -= 3;
    }
    return text;
}


otp_span_t otpctl_import_password(otp_span_t unlock)
{
    if (unlock.len && unlock.data[unlock.len - 1] == '\n') {
        unlock.len--;
        unlock.len -= unlock.len && unlock.data[unlock.len - 1] == '\r';
    }
    return unlock;
}
