#include <string.h>

#include "core/base/otp_encode.h"
#include "otpctl/import/otpctl_import.h"

/*
 * otpauth://TYPE/LABEL?secret=…, one a line: the Key URI format of authenticators.
 */

#define VALUE_MAX   512
#define PERIOD_S    30      /* what the format says for one that tells none */

typedef struct {
    char   text[VALUE_MAX];
    size_t len;
    bool   there;
} value_t;

enum { P_SECRET, P_SERIAL, P_ALGORITHM, P_DIGITS, P_PERIOD, P_COUNTER, PARAMETERS };

static const char *const parameters[PARAMETERS] = { "secret", "serial", "algorithm", "digits", "period", "counter" };

static otp_span_t span(const value_t *value)
{
    return (otp_span_t) { value->text, value->len };
}


static bool unescape(otp_span_t text, value_t *value)
{
    value->len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t) text.data[i];
        size_t  len;

        if (byte == '%') {
            otp_span_t hex = { text.data + i + 1, 2 };

            if (i + 2 >= text.len || otp_hex_decode(hex, &byte, 1, &len) != OTP_OK) {
                return false;
            }
            i += 2;
        }
        if (value->len == VALUE_MAX) {
            return false;
        }
        value->text[value->len++] = (char) byte;
    }
    return true;
}


/* Parameters that are not ours (issuer, image…) are left alone. */
static bool read_parameters(otp_span_t query, value_t value[PARAMETERS], size_t line, otpctl_import_error_t *error)
{
    while (query.len) {
        otp_span_t text = otp_span_cut(&query, '&');
        otp_span_t name = otp_span_cut(&text, '=');
        size_t     i;

        for (i = 0; i < PARAMETERS && !otp_span_equal_nocase(name, otp_span_of(parameters[i])); i++) {
        }
        if (i == PARAMETERS) {
            continue;
        }
        if (value[i].there) {
            return otpctl_import_refuse(error, line, "%s= is there twice", parameters[i]);
        }
        value[i].there = true;
        if (!unescape(text, &value[i])) {
            return otpctl_import_refuse(error, line, "%s= cannot be read", parameters[i]);
        }
    }
    return true;
}


/* serial=, else what stands after the issuer in the label, if it can be a serial number. */
static bool read_serial(otpctl_import_key_t *key, otp_span_t label, const value_t *serial,
    otpctl_import_error_t *error)
{
    value_t    decoded;
    otp_span_t account;

    if (serial->there) {
        return otpctl_import_serial(key, span(serial), error);
    }
    if (!unescape(label, &decoded)) {
        return otpctl_import_refuse(error, key->line, "the label cannot be read");
    }
    account = span(&decoded);
    (void) otp_span_cut(&account, ':');
    if (!account.data) {
        account = span(&decoded);
    }
    if (otp_serial_canonical(account, key->serial) == OTP_OK) {
        return true;
    }
    key->serial[0] = '\0';
    return otpctl_import_refuse(error, key->line, "there is no serial=, and the label \"%.*s\" is no serial number",
                                (int) (account.len < 40 ? account.len : 40), account.data ? account.data : "");
}


static bool read_secret(otpctl_import_key_t *key, const value_t *secret, otpctl_import_error_t *error)
{
    if (secret->len == 0) {
        return otpctl_import_refuse(error, key->line, "there is no secret=");
    }
    switch (otp_base32_decode(span(secret), key->secret, sizeof(key->secret), &key->len)) {
    case OTP_OK:
        return true;
    case OTP_NO_ROOM:
        return otpctl_import_refuse(error, key->line, "secret= is longer than %d bytes", OTP_SEED_MAX);
    case OTP_INVALID:
    case OTP_FAILED:
        break;
    }
    return otpctl_import_refuse(error, key->line, "secret= is no base32");
}


static bool read_values(otpctl_import_key_t *key, otp_span_t label, value_t value[PARAMETERS],
    otpctl_import_error_t *error)
{
    bool timed = key->type == OTP_TYPE_TOTP;

    if (!timed && !value[P_COUNTER].len) {
        return otpctl_import_refuse(error, key->line, "there is no counter=, which a key of type hotp needs");
    }
    if (value[timed ? P_COUNTER : P_PERIOD].len) {
        return otpctl_import_refuse(error, key->line, "a key of type %s has no %s=", timed ? "totp" : "hotp",
                                    timed ? "counter" : "period");
    }
    key->digits = OTP_DIGITS_MIN;
    key->period_s = timed ? PERIOD_S : 0;
    return read_serial(key, label, &value[P_SERIAL], error)
        && otpctl_import_algorithm(key, span(&value[P_ALGORITHM]), error)
        && otpctl_import_digits(key, span(&value[P_DIGITS]), error)
        && otpctl_import_period(key, span(&value[P_PERIOD]), error)
        && otpctl_import_counter(key, span(&value[P_COUNTER]), error)
        && read_secret(key, &value[P_SECRET], error);
}


static bool read_uri(otpctl_import_key_t *key, otp_span_t uri, otpctl_import_error_t *error)
{
    value_t    value[PARAMETERS] = { 0 };
    otp_span_t scheme = { uri.data, uri.len < 10 ? uri.len : 10 }, type, label;
    bool       fine;

    if (!otp_span_equal_nocase(scheme, OTP_SPAN("otpauth://"))) {
        return otpctl_import_refuse(error, key->line, "the line does not begin with otpauth://");
    }
    uri = (otp_span_t) { uri.data + 10, uri.len - 10 };
    label = otp_span_cut(&uri, '?');
    type = otp_span_cut(&label, '/');
    if (otp_type_parse(type, &key->type) != OTP_OK || key->type == OTP_TYPE_SECURID) {
        return otpctl_import_refuse(error, key->line, "the type is not totp or hotp");
    }
    fine = read_parameters(uri, value, key->line, error) && read_values(key, label, value, error);
    otp_secret_wipe(value, sizeof(value));
    return fine;
}


bool otpctl_import_otpauth(otp_span_t text, otp_span_t unlock, otpctl_import_list_t *list,
    otpctl_import_error_t *error)
{
    otp_span_t rest = otpctl_import_unmarked(text), line;
    size_t     number = 0;

    if (unlock.len) {
        return otpctl_import_refuse(error, 0, "otpauth:// lines are not encrypted: they take no --key-file");
    }
    while (otpctl_import_line(&rest, &line, &number)) {
        otpctl_import_key_t *key;

        line = otp_span_trim(line);
        if (line.len == 0 || line.data[0] == '#') {
            continue;
        }
        key = otpctl_import_add(list, number, error);
        if (!key || !read_uri(key, line, error)) {
            return false;
        }
    }
    return true;
}
