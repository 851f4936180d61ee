/*
 * Rows of comma-separated values (RFC 4180; the separator may be another).
 */
#ifndef OTPCTL_IMPORT_ROW_H
#define OTPCTL_IMPORT_ROW_H

#include "otpctl/import/otpctl_import.h"

#define OTPCTL_IMPORT_FIELDS    16
#define OTPCTL_IMPORT_ROW       4096

typedef struct {
    otp_span_t rest;                            /* what is still to be read */
    size_t     next_line;
    char       separator;
    size_t     line;                            /* that the row begins in */
    otp_span_t field[OTPCTL_IMPORT_FIELDS];     /* trimmed, without their quotes; into `text` */
    size_t     fields;
    char       text[OTPCTL_IMPORT_ROW];
    size_t     len;
} otpctl_import_rows_t;

/* Before the first row.  The separator is the one that the first row has more of. */
void otpctl_import_rows_init(otpctl_import_rows_t *rows, otp_span_t text);

typedef enum { OTPCTL_IMPORT_ROW_READ, OTPCTL_IMPORT_ROW_NONE, OTPCTL_IMPORT_ROW_WRONG } otpctl_import_row_t;

/* The next row that is neither blank nor a comment (#).  Wipe `rows` after the last one. */
OTP_MUST_USE otpctl_import_row_t otpctl_import_rows_next(otpctl_import_rows_t *rows, otpctl_import_error_t *error);

#endif
