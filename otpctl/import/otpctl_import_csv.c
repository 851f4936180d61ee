#include <string.h>

#include "core/base/otp_encode.h"
#include "otpctl/import/otpctl_import_row.h"

#define NAME_LEN    24
#define PERIOD_S    60      /* of a row that tells none: the keys of system.md */

typedef enum { SERIAL, SECRET, TYPE, DIGITS, PERIOD, COUNTER, PERIOD_OR_COUNTER, ALGORITHM, COLUMNS } column_t;

/* How the seeds are written: as the column's name says, or as the first seed that cannot be the other way says for
 * all of the file.  One row alone may be both: 40 hex digits without 0, 1, 8 and 9 are base32 too. */
typedef enum { UNTOLD, HEX, BASE32 } encoding_t;

typedef struct {
    column_t   column[OTPCTL_IMPORT_FIELDS];
    size_t     columns;
    bool       header;
    encoding_t encoding;
    size_t     told;        /* the line that told the encoding; 0: the header did */
    size_t     first;       /* the line of the first key; 0: there is none */
} csv_t;

static const struct {
    const char *name;
    column_t    column;
    encoding_t  encoding;
} names[] = {
    { "serial", SERIAL, UNTOLD }, { "serialnumber", SERIAL, UNTOLD }, { "serialno", SERIAL, UNTOLD },
    { "sn", SERIAL, UNTOLD }, { "seed", SECRET, UNTOLD }, { "secret", SECRET, UNTOLD },
    { "seedhex", SECRET, HEX }, { "secrethex", SECRET, HEX },
    { "seedbase32", SECRET, BASE32 }, { "secretbase32", SECRET, BASE32 },
    { "type", TYPE, UNTOLD }, { "digits", DIGITS, UNTOLD }, { "period", PERIOD, UNTOLD },
    { "interval", PERIOD, UNTOLD }, { "timestep", PERIOD, UNTOLD }, { "counter", COUNTER, UNTOLD },
    { "periodcounter", PERIOD_OR_COUNTER, UNTOLD }, { "algorithm", ALGORITHM, UNTOLD }, { "hash", ALGORITHM, UNTOLD },
};

#define NAMES (sizeof(names) / sizeof(names[0]))

/* Index in `names`; NAMES: it is none.  Case, blanks and _ - / do not count. */
static size_t find_name(otp_span_t text)
{
    char   bare[NAME_LEN];
    size_t len = 0, i;

    for (i = 0; i < text.len && len < NAME_LEN; i++) {
        if (!memchr(" _-/", text.data[i], 4)) {
            bare[len++] = text.data[i];
        }
    }
    if (i < text.len) {
        return NAMES;
    }
    for (i = 0; i < NAMES && !otp_span_equal_nocase((otp_span_t) { bare, len }, otp_span_of(names[i].name)); i++) {
    }
    return i;
}


static bool read_names(csv_t *csv, const otpctl_import_rows_t *rows, otpctl_import_error_t *error)
{
    bool seen[COLUMNS] = { false };

    csv->columns = rows->fields;
    for (size_t i = 0; i < rows->fields; i++) {
        size_t name = find_name(rows->field[i]);

        if (name == NAMES) {
            return otpctl_import_refuse(error, rows->line, "column \"%.*s\" is none of serial, secret_hex, "
                                        "secret_base32, secret, type, digits, period, counter, algorithm",
                                        (int) (rows->field[i].len < 40 ? rows->field[i].len : 40), rows->field[i].data);
        }
        if (seen[names[name].column]) {
            return otpctl_import_refuse(error, rows->line, "column \"%s\" is there twice", names[name].name);
        }
        csv->column[i] = names[name].column;
        seen[csv->column[i]] = true;
        if (csv->column[i] == SECRET) {
            csv->encoding = names[name].encoding;
        }
    }
    return (seen[SERIAL] && seen[SECRET])
        || otpctl_import_refuse(error, rows->line, "there is no column \"%s\"", seen[SERIAL] ? "secret" : "serial");
}


/* The first row names the columns if a serial or a seed could not be written so. */
static bool is_header(const otpctl_import_rows_t *rows)
{
    for (size_t i = 0; i < rows->fields; i++) {
        size_t name = find_name(rows->field[i]);

        if (name < NAMES && (names[name].column == SERIAL || names[name].column == SECRET)) {
            return true;
        }
    }
    return false;
}


static bool read_header(csv_t *csv, const otpctl_import_rows_t *rows, otpctl_import_error_t *error)
{
    static const column_t usual[] = { SERIAL, SECRET, TYPE, DIGITS, PERIOD_OR_COUNTER, ALGORITHM };

    csv->header = is_header(rows);
    if (csv->header) {
        return read_names(csv, rows, error);
    }
    csv->columns = sizeof(usual) / sizeof(usual[0]);
    memcpy(csv->column, usual, sizeof(usual));
    return true;
}


static otp_span_t field(const csv_t *csv, const otpctl_import_rows_t *rows, column_t column)
{
    for (size_t i = 0; i < csv->columns && i < rows->fields; i++) {
        if (csv->column[i] == column) {
            return rows->field[i];
        }
    }
    return OTP_SPAN_NONE;
}


/* Hex digits may stand in groups as base32 does. */
static otp_status_t decode_hex(otp_span_t text, uint8_t bytes[OTP_SECRET_MAX], size_t *len)
{
    char       bare[2 * OTP_SECRET_MAX];
    otp_span_t digits = { bare, 0 };

    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!memchr(" -:", text.data[i], 3)) {
            if (digits.len == sizeof(bare)) {
                return OTP_NO_ROOM;
            }
            bare[digits.len++] = text.data[i];
        }
    }
    otp_status_t status = otp_hex_decode(digits, bytes, OTP_SECRET_MAX, len);

    otp_secret_wipe(bare, sizeof(bare));
    return status;
}


static otp_status_t decode(encoding_t encoding, otp_span_t text, uint8_t bytes[OTP_SECRET_MAX], size_t *len)
{
    return encoding == HEX ? decode_hex(text, bytes, len) : otp_base32_decode(text, bytes, OTP_SECRET_MAX, len);
}


static const char *encoding_name(encoding_t encoding)
{
    return encoding == HEX ? "hex" : "base32";
}


/* What this row tells about the encoding of the file. */
static bool learn(csv_t *csv, const otpctl_import_rows_t *rows, otpctl_import_error_t *error)
{
    uint8_t    scratch[OTP_SECRET_MAX];
    size_t     len;
    otp_span_t text = field(csv, rows, SECRET);
    bool       hex = decode(HEX, text, scratch, &len) != OTP_INVALID;
    bool       base32 = decode(BASE32, text, scratch, &len) != OTP_INVALID;
    encoding_t told = hex ? HEX : BASE32;

    otp_secret_wipe(scratch, sizeof(scratch));
    csv->first = csv->first ? csv->first : rows->line;
    if (hex == base32) {
        return hex || otpctl_import_refuse(error, rows->line, "the seed is neither hex nor base32");
    }
    if (csv->encoding != UNTOLD && csv->encoding != told) {
        return otpctl_import_refuse(error, rows->line, "the seed is %s, the one of line %zu is %s: write all of them "
                                    "in one way", encoding_name(told), csv->told, encoding_name(csv->encoding));
    }
    if (csv->encoding == UNTOLD) {
        csv->encoding = told;
        csv->told = rows->line;
    }
    return true;
}


static bool read_type(otpctl_import_key_t *key, otp_span_t text, otpctl_import_error_t *error)
{
    key->type = OTP_TYPE_TOTP;
    if (text.len && otp_type_parse(text, &key->type) != OTP_OK) {
        return otpctl_import_refuse(error, key->line, "type \"%.*s\" is not totp or hotp",
                                    (int) (text.len < 40 ? text.len : 40), text.data);
    }
    return key->type != OTP_TYPE_SECURID
        || otpctl_import_refuse(error, key->line, "SecurID keys are imported from sdtid files or token strings");
}


/* Period or counter: what the type does not have must not be there. */
static bool read_moving(const csv_t *csv, const otpctl_import_rows_t *rows, otpctl_import_key_t *key,
    otpctl_import_error_t *error)
{
    bool       timed = key->type == OTP_TYPE_TOTP;
    otp_span_t either = field(csv, rows, PERIOD_OR_COUNTER);
    otp_span_t period = field(csv, rows, PERIOD), counter = field(csv, rows, COUNTER);

    key->period_s = timed ? PERIOD_S : 0;
    if (timed ? counter.len : period.len) {
        return otpctl_import_refuse(error, key->line, "a key of type %s has no %s", timed ? "totp" : "hotp",
                                    timed ? "counter" : "period");
    }
    return (period.len == 0 || otpctl_import_period(key, period, error))
        && (counter.len == 0 || otpctl_import_counter(key, counter, error))
        && (timed ? otpctl_import_period(key, either, error) : otpctl_import_counter(key, either, error));
}


static bool read_key(const csv_t *csv, const otpctl_import_rows_t *rows, otpctl_import_list_t *list,
    otpctl_import_error_t *error)
{
    otpctl_import_key_t *key = otpctl_import_add(list, rows->line, error);

    if (!key) {
        return false;
    }
    key->digits = OTP_DIGITS_MIN;
    if (!otpctl_import_serial(key, field(csv, rows, SERIAL), error)
        || !read_type(key, field(csv, rows, TYPE), error)
        || !otpctl_import_digits(key, field(csv, rows, DIGITS), error)
        || !otpctl_import_algorithm(key, field(csv, rows, ALGORITHM), error)
        || !read_moving(csv, rows, key, error))
    {
        return false;
    }
    switch (decode(csv->encoding, field(csv, rows, SECRET), key->secret, &key->len)) {
    case OTP_OK:
        return true;
    case OTP_NO_ROOM:
        return otpctl_import_refuse(error, key->line, "the seed is longer than %d bytes", OTP_SEED_MAX);
    case OTP_INVALID:
    case OTP_FAILED:
        break;
    }
    return otpctl_import_refuse(error, key->line, "the seed is no %s", encoding_name(csv->encoding));
}


/* Goes through the rows once: to learn how the seeds are written (`list` NULL), or to read the keys. */
static bool walk(otp_span_t text, csv_t *csv, otpctl_import_list_t *list, otpctl_import_error_t *error)
{
    otpctl_import_rows_t rows;
    bool                 first = true, fine = true;
    otpctl_import_row_t  row = OTPCTL_IMPORT_ROW_READ;

    otpctl_import_rows_init(&rows, text);
    while (fine && (row = otpctl_import_rows_next(&rows, error)) == OTPCTL_IMPORT_ROW_READ) {
        bool names_row = false;

        if (first) {
            fine = list || read_header(csv, &rows, error);
            names_row = csv->header;
            first = false;
        }
        if (!fine || names_row) {
            continue;
        }
        if (rows.fields > csv->columns) {
            fine = otpctl_import_refuse(error, rows.line, "%zu fields, but %zu columns", rows.fields, csv->columns);
        } else if (list) {
            fine = read_key(csv, &rows, list, error);
        } else {
            fine = csv->told == 0 && csv->encoding != UNTOLD ? true : learn(csv, &rows, error);
        }
    }
    otp_secret_wipe(&rows, sizeof(rows));
    return fine && row == OTPCTL_IMPORT_ROW_NONE;
}


bool otpctl_import_csv(otp_span_t text, otp_span_t unlock, otpctl_import_list_t *list, otpctl_import_error_t *error)
{
    csv_t csv = { .columns = 0 };

    if (unlock.len) {
        return otpctl_import_refuse(error, 0, "a CSV file is not encrypted: it takes no --key-file");
    }
    if (!walk(text, &csv, NULL, error)) {
        return false;
    }
    if (csv.encoding == UNTOLD && csv.first) {
        return otpctl_import_refuse(error, csv.first, "every seed may be hex or base32: name the column "
                                    "secret_hex or secret_base32 in a first line");
    }
    return walk(text, &csv, list, error);
}
