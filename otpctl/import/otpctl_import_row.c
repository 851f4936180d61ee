#include "otpctl/import/otpctl_import_row.h"

#include <string.h>

void otpctl_import_rows_init(otpctl_import_rows_t *rows, otp_span_t text)
{
    size_t     commas = 0, semicolons = 0, number = 0;
    bool       quoted = false;
    otp_span_t line, rest;

    *rows = (otpctl_import_rows_t) { .rest = otpctl_import_unmarked(text), .next_line = 1 };
    rest = rows->rest;
    do {
        if (!otpctl_import_line(&rest, &line, &number)) {
            return;
        }
    } while (otp_span_trim(line).len == 0 || otp_span_trim(line).data[0] == '#');
    for (size_t i = 0; i < line.len; i++) {
        quoted ^= line.data[i] == '"';
        commas += !quoted && line.data[i] == ',';
        semicolons += !quoted && line.data[i] == ';';
    }
    rows->separator = semicolons > commas ? ';' : ',';
}


static void take(otpctl_import_rows_t *rows)
{
    rows->next_line += rows->rest.data[0] == '\n';
    rows->rest.data++;
    rows->rest.len--;
}


static bool keep(otpctl_import_rows_t *rows, otpctl_import_error_t *error)
{
    if (rows->len == OTPCTL_IMPORT_ROW) {
        return otpctl_import_refuse(error, rows->line, "the line is longer than %d bytes", OTPCTL_IMPORT_ROW);
    }
    rows->text[rows->len++] = rows->rest.data[0];
    take(rows);
    return true;
}


static bool at_end_of_row(const otpctl_import_rows_t *rows)
{
    return rows->rest.len == 0 || rows->rest.data[0] == '\n';
}


static bool read_quoted(otpctl_import_rows_t *rows, otpctl_import_error_t *error)
{
    take(rows);
    for ( ;; ) {
        if (rows->rest.len == 0) {
            return otpctl_import_refuse(error, rows->line, "a quote is not closed");
        }
        if (rows->rest.data[0] == '"') {
            take(rows);
            if (rows->rest.len == 0 || rows->rest.data[0] != '"') {
                break;
            }
        }
        if (!keep(rows, error)) {
            return false;
        }
    }
    while (!at_end_of_row(rows) && strchr(" \t\r", rows->rest.data[0]) && rows->rest.data[0]) {
        take(rows);
    }
    return at_end_of_row(rows) || rows->rest.data[0] == rows->separator
        || otpctl_import_refuse(error, rows->line, "after a closing quote comes something else than a separator");
}


static bool read_bare(otpctl_import_rows_t *rows, otpctl_import_error_t *error)
{
    while (!at_end_of_row(rows) && rows->rest.data[0] != rows->separator) {
        if (rows->rest.data[0] == '"') {
            return otpctl_import_refuse(error, rows->line, "a quote inside a field that does not begin with one");
        }
        if (!keep(rows, error)) {
            return false;
        }
    }
    return true;
}


static bool read_field(otpctl_import_rows_t *rows, otpctl_import_error_t *error)
{
    size_t start = rows->len;

    if (rows->fields == OTPCTL_IMPORT_FIELDS) {
        return otpctl_import_refuse(error, rows->line, "more than %d fields", OTPCTL_IMPORT_FIELDS);
    }
    while (!at_end_of_row(rows) && (rows->rest.data[0] == ' ' || rows->rest.data[0] == '\t')) {
        take(rows);
    }
    if (!at_end_of_row(rows) && rows->rest.data[0] == '"' ? !read_quoted(rows, error) : !read_bare(rows, error)) {
        return false;
    }
    rows->field[rows->fields++] = otp_span_trim((otp_span_t) { rows->text + start, rows->len - start });
    return true;
}


static bool read_row(otpctl_import_rows_t *rows, otpctl_import_error_t *error)
{
    rows->line = rows->next_line;
    rows->fields = rows->len = 0;
    for ( ;; ) {
        if (!read_field(rows, error)) {
            return false;
        }
        if (at_end_of_row(rows)) {
            break;
        }
        take(rows);
    }
    if (rows->rest.len) {
        take(rows);
    }
    return true;
}


static void skip_line(otpctl_import_rows_t *rows)
{
    (void) otp_span_cut(&rows->rest, '\n');
    rows->next_line++;
}


otpctl_import_row_t otpctl_import_rows_next(otpctl_import_rows_t *rows, otpctl_import_error_t *error)
{
    while (rows->rest.len) {
        if (rows->rest.data[0] == '#') {
            skip_line(rows);
            continue;
        }
        if (!read_row(rows, error)) {
            return OTPCTL_IMPORT_ROW_WRONG;
        }
        if (rows->fields > 1 || rows->field[0].len) {
            return OTPCTL_IMPORT_ROW_READ;
        }
    }
    return OTPCTL_IMPORT_ROW_NONE;
}
