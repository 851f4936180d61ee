/*
 * Keys that were read, into the stock: all of them or none.
 */
#ifndef OTPCTL_IMPORT_STOCK_H
#define OTPCTL_IMPORT_STOCK_H

#include "otpctl/import/otpctl_import.h"
#include "otpctl/otpctl_store.h"

typedef struct {
    const otpctl_import_list_t *list;
    const char                 *file;           /* for messages */
    char                        batch[OTP_SERIAL_MAX + 1];
    bool                        skip_existing;
    bool                        progress;       /* tell on standard error how far it is */
    size_t                      imported, skipped;
} otpctl_import_order_t;

/* Not OTPCTL_DONE: told; none of the keys is in the stock because of this, or it was told which may be.  An interrupt
 * (SIGINT, SIGTERM, SIGHUP) is waited for between two writes, and takes back what was written. */
OTP_MUST_USE otpctl_status_t otpctl_import_store(otpctl_t *ctl, otpctl_import_order_t *order);

#endif
