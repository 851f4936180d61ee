/*
 * What vendors write their keys into, read: bytes in, a list of keys out, or the line and the reason.  A reader knows
 * no file, no Redis and no clock.  All of a file is read before any key of it is used.
 */
#ifndef OTPCTL_IMPORT_H
#define OTPCTL_IMPORT_H

#include "core/model/otp_key.h"

#define OTPCTL_IMPORT_KEYS      1000000             /* of one file */
#define OTPCTL_IMPORT_BYTES     (256 << 20)
#define OTPCTL_IMPORT_REASON    256

typedef struct {
    size_t          line;
    char            serial[OTP_SERIAL_MAX + 1];     /* canonical */
    otp_type_t      type;
    otp_algorithm_t algorithm;
    unsigned        digits;
    int64_t         period_s;                       /* 0 for a key that counts events */
    int64_t         counter;                        /* of the next code of a key that counts events */
    int64_t         drift;                          /* steps its clock is ahead, as the file says */
    int64_t         expires;                        /* unix seconds, 0: never, or not told */
    uint8_t         secret[OTP_SECRET_MAX];         /* core/oath/otp_type.h */
    size_t          len;
} otpctl_import_key_t;

typedef struct {
    otpctl_import_key_t *key;
    size_t               keys, size;
    void               (*reading)(size_t keys);     /* told now and then by a reader that takes long; NULL: nobody is */
} otpctl_import_list_t;

/* Why a file was refused, and the line of it (0: all of it). */
typedef struct {
    size_t line;
    char   reason[OTPCTL_IMPORT_REASON];
} otpctl_import_error_t;

typedef enum {
    OTPCTL_IMPORT_PSKC, OTPCTL_IMPORT_CSV, OTPCTL_IMPORT_SDTID, OTPCTL_IMPORT_OTPAUTH, OTPCTL_IMPORT_FORMATS
} otpctl_import_format_t;

/* "pskc", "csv", "sdtid", "otpauth" */
const char *otpctl_import_name(otpctl_import_format_t format);
OTP_MUST_USE bool otpctl_import_parse_name(const char *name, otpctl_import_format_t *format);
/* What a file looks like; false: nothing that is known. */
OTP_MUST_USE bool otpctl_import_guess(otp_span_t text, otpctl_import_format_t *format);

/* A reader.  `unlock`: the bytes of the key file, empty without one.  False: `error` says why; what the list has
 * then is no result.  The caller frees the list in either case. */
typedef bool otpctl_import_reader_t(otp_span_t text, otp_span_t unlock, otpctl_import_list_t *list,
    otpctl_import_error_t *error);

otpctl_import_reader_t otpctl_import_pskc, otpctl_import_csv, otpctl_import_otpauth;
otpctl_import_reader_t otpctl_import_sdtid;     /* XML, or token strings (CTF), one a line */

/* The reader of the format, then what holds for every format: each key fit for its type, each serial once. */
OTP_MUST_USE bool otpctl_import_read(otpctl_import_format_t format, otp_span_t text, otp_span_t unlock,
    otpctl_import_list_t *list, otpctl_import_error_t *error);

/* --- for readers ------------------------------------------------------------------------------------------ */

/* A new key at the end, all zero but `line`; NULL: `error` says why. */
OTP_MUST_USE otpctl_import_key_t *otpctl_import_add(otpctl_import_list_t *list, size_t line,
    otpctl_import_error_t *error);
/* Wipes and frees. */
void otpctl_import_free(otpctl_import_list_t *list);

/* Fills `error`; false. */
bool otpctl_import_refuse(otpctl_import_error_t *error, size_t line, const char *format, ...) OTP_PRINTF(3, 4);

/* Fields that all formats write alike.  An empty one leaves the key as it is. */
OTP_MUST_USE bool otpctl_import_serial(otpctl_import_key_t *key, otp_span_t text, otpctl_import_error_t *error);
OTP_MUST_USE bool otpctl_import_digits(otpctl_import_key_t *key, otp_span_t text, otpctl_import_error_t *error);
OTP_MUST_USE bool otpctl_import_period(otpctl_import_key_t *key, otp_span_t text, otpctl_import_error_t *error);
OTP_MUST_USE bool otpctl_import_counter(otpctl_import_key_t *key, otp_span_t text, otpctl_import_error_t *error);
OTP_MUST_USE bool otpctl_import_algorithm(otpctl_import_key_t *key, otp_span_t text, otpctl_import_error_t *error);

/* Lines without their end (LF, CRLF); `*number` counts from 1. */
OTP_MUST_USE bool otpctl_import_line(otp_span_t *rest, otp_span_t *line, size_t *number);
/* A key file as a password: without the line end that editors add. */
otp_span_t otpctl_import_password(otp_span_t unlock);
/* Text without the mark (BOM) it may begin with. */
otp_span_t otpctl_import_unmarked(otp_span_t text);

#endif
