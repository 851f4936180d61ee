#include "otpctl/import/otpctl_import.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char             *name;
    otpctl_import_reader_t *read;
} formats[OTPCTL_IMPORT_FORMATS] = {
    [OTPCTL_IMPORT_PSKC] = { "pskc", otpctl_import_pskc },
    [OTPCTL_IMPORT_CSV] = { "csv", otpctl_import_csv },
    [OTPCTL_IMPORT_SDTID] = { "sdtid", otpctl_import_sdtid },
    [OTPCTL_IMPORT_OTPAUTH] = { "otpauth", otpctl_import_otpauth },
};

const char *otpctl_import_name(otpctl_import_format_t format)
{
    return formats[format].name;
}


bool otpctl_import_parse_name(const char *name, otpctl_import_format_t *format)
{
    for (size_t i = 0; i < OTPCTL_IMPORT_FORMATS; i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *format = (otpctl_import_format_t) i;
            return true;
        }
    }
    return false;
}


/* The name of the first element, without its prefix. */
static otp_span_t root_name(otp_span_t text)
{
    otp_span_t name;

    for ( ;; ) {
        (void) otp_span_cut(&text, '<');
        if (text.len == 0) {
            return OTP_SPAN_NONE;
        }
        if (otp_span_starts(text, OTP_SPAN("!--"))) {
            const char *end = memmem(text.data, text.len, "-->", 3);

            if (!end) {
                return OTP_SPAN_NONE;
            }
            text.len -= (size_t) (end - text.data);
            text.data = end;
        } else if (text.data[0] != '?' && text.data[0] != '!') {
            break;
        }
    }
    name = (otp_span_t) { text.data, 0 };
    while (name.len < text.len && !memchr(" \t\r\n/>", text.data[name.len], 6)) {
        name.len++;
    }
    text = name;
    (void) otp_span_cut(&text, ':');
    return text.len ? text : name;
}


static bool guess_xml(otp_span_t text, otpctl_import_format_t *format)
{
    otp_span_t root = root_name(text);

    *format = otp_span_equal(root, OTP_SPAN("TKNBatch")) ? OTPCTL_IMPORT_SDTID : OTPCTL_IMPORT_PSKC;
    return *format == OTPCTL_IMPORT_SDTID || otp_span_equal(root, OTP_SPAN("KeyContainer"));
}


/* A token string: an address with ctfData=, or 81 digits in groups. */
static bool is_token(otp_span_t line)
{
    size_t digits = 0;

    if (otp_span_starts(line, OTP_SPAN("com.rsa.securid")) || otp_span_starts(line, OTP_SPAN("http://127.0.0.1/"))) {
        return true;
    }
    for (size_t i = 0; i < line.len; i++) {
        bool digit = line.data[i] >= '0' && line.data[i] <= '9';

        if (!digit && line.data[i] != '-') {
            return false;
        }
        digits += digit;
    }
    return digits >= 70;
}


bool otpctl_import_guess(otp_span_t text, otpctl_import_format_t *format)
{
    otp_span_t rest = otpctl_import_unmarked(text), line;
    size_t     number = 0;

    while (otpctl_import_line(&rest, &line, &number)) {
        line = otp_span_trim(line);
        if (line.len == 0 || line.data[0] == '#') {
            continue;
        }
        if (line.data[0] == '<') {
            return guess_xml(text, format);
        }
        if (line.len > 10 && otp_span_equal_nocase((otp_span_t) { line.data, 10 }, OTP_SPAN("otpauth://"))) {
            *format = OTPCTL_IMPORT_OTPAUTH;
            return true;
        }
        *format = is_token(line) ? OTPCTL_IMPORT_SDTID : OTPCTL_IMPORT_CSV;
        return *format == OTPCTL_IMPORT_SDTID || memchr(line.data, ',', line.len) || memchr(line.data, ';', line.len);
    }
    return false;
}


static int compare(const void *a, const void *b)
{
    const otpctl_import_key_t *left = *(const otpctl_import_key_t *const *) a;
    const otpctl_import_key_t *right = *(const otpctl_import_key_t *const *) b;
    int                        order = strcmp(left->serial, right->serial);

    /* The list is in the order of the file. */
    return order ? order : (left > right) - (left < right);
}


/* Tells the first line that repeats a serial. */
static bool all_different(const otpctl_import_list_t *list, otpctl_import_error_t *error)
{
    const otpctl_import_key_t **sorted = malloc(list->keys * sizeof(*sorted)), *repeated = NULL, *before = NULL;

    if (!sorted) {
        return otpctl_import_refuse(error, 0, "out of memory");
    }
    for (size_t i = 0; i < list->keys; i++) {
        sorted[i] = &list->key[i];
    }
    qsort(sorted, list->keys, sizeof(*sorted), compare);
    for (size_t i = 1; i < list->keys; i++) {
        if (strcmp(sorted[i - 1]->serial, sorted[i]->serial) == 0 && (!repeated || sorted[i] < repeated)) {
            before = sorted[i - 1];
            repeated = sorted[i];
        }
    }
    free(sorted);
    return !repeated || otpctl_import_refuse(error, repeated->line, "key %s is in line %zu already", repeated->serial,
                                             before->line);
}


static bool fit(const otpctl_import_key_t *key, otpctl_import_error_t *error)
{
    otp_type_secret_t secret = {
        .algorithm = key->algorithm, .digits = key->digits, .period_s = key->period_s,
        .secret = { (const char *) key->secret, key->len }
    };
    const char       *reason = "it cannot be a key";

    return otp_type_rules(key->type)->valid(&secret, &reason)
        || otpctl_import_refuse(error, key->line, "key %s: %s", key->serial, reason);
}


bool otpctl_import_read(otpctl_import_format_t format, otp_span_t text, otp_span_t unlock, otpctl_import_list_t *list,
    otpctl_import_error_t *error)
{
    if (!formats[format].read(text, unlock, list, error)) {
        return false;
    }
    if (list->keys == 0) {
        return otpctl_import_refuse(error, 0, "there is no key in it");
    }
    for (size_t i = 0; i < list->keys; i++) {
        if (!fit(&list->key[i], error)) {
            return false;
        }
    }
    return all_different(list, error);
}
