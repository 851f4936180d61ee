/*
 * A whole file of `export`, read from standard input and verified.
 */
#ifndef OTPCTL_ARCHIVE_LOAD_H
#define OTPCTL_ARCHIVE_LOAD_H

#include "otpctl/otpctl_archive.h"

typedef struct {
    bool   account;                 /* or a key of the stock */
    char   id[OTP_UID_LEN + 1];
    char  *record;
    size_t len;
} otpctl_filed_line_t;

typedef struct {
    otpctl_filed_line_t *line;
    size_t               lines, size;
    char                 prefix[OTPCTL_PREFIX_MAX + 1];
} otpctl_filed_t;

/* Says what is wrong, of which line. */
OTP_MUST_USE otpctl_status_t otpctl_filed_load(otpctl_t *ctl, otpctl_filed_t *file);
otpctl_status_t otpctl_filed_refuse(size_t number, const char *what);
void otpctl_filed_free(otpctl_filed_t *file);

#endif
