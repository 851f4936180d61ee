/*
 * Going through records by their names.
 */
#ifndef OTPCTL_SCAN_H
#define OTPCTL_SCAN_H

#include "otpctl/otpctl_store.h"

typedef struct {
    char  **name;
    size_t  names, size;
} otpctl_names_t;

OTP_MUST_USE bool otpctl_names_add(otpctl_names_t *names, otp_span_t name);
void otpctl_names_free(otpctl_names_t *names);

/* Every name that begins with the prefix and matches `pattern` (a glob, its own text only), once each, sorted.
 * Complete for what is there from beginning to end. */
OTP_MUST_USE otpctl_status_t otpctl_scan(otpctl_t *ctl, const char *pattern, otpctl_names_t *names);

/* `value` is empty when there is none any more.  Anything but OTPCTL_DONE ends the walk. */
typedef otpctl_status_t otpctl_visit_t(otpctl_t *ctl, otp_span_t name, otp_span_t value, void *data);

OTP_MUST_USE otpctl_status_t otpctl_each(otpctl_t *ctl, const otpctl_names_t *names, otpctl_visit_t *visit, void *data);

/* Every readable account or stock record, in the order of the names; afterwards OTPCTL_REFUSED when some were
 * not readable (told). */
typedef otpctl_status_t otpctl_account_visit_t(otpctl_t *ctl, const otp_account_t *account, void *data);
typedef otpctl_status_t otpctl_stock_visit_t(otpctl_t *ctl, const otp_stock_t *stock, void *data);

OTP_MUST_USE otpctl_status_t otpctl_each_account(otpctl_t *ctl, otpctl_account_visit_t *visit, void *data);
OTP_MUST_USE otpctl_status_t otpctl_each_stock(otpctl_t *ctl, otpctl_stock_visit_t *visit, void *data);

#endif
