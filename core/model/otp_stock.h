/*
 * A key in the stock: its record from import to disposal.  While it is assigned the account's copy of
 * the key is the one that counts; on return the account's last step and drift come back here, so that
 * a code once used stays used whoever holds the key next.
 */
#ifndef OTP_STOCK_H
#define OTP_STOCK_H

#include "core/model/otp_account.h"

#define OTP_STOCK_MAX   2560

typedef struct {
    otp_key_t key;                      /* no PIN here */
    char      uid[OTP_UID_LEN + 1];     /* whom it is assigned to; empty: free */
    char      wanted[OTP_UID_LEN + 1];  /* who asks for its activation; empty: nobody */
    int64_t   wanted_at;                /* unix seconds */
    char      batch[OTP_SERIAL_MAX + 1];    /* the delivery it came with; may be empty */
} otp_stock_t;

OTP_MUST_USE otp_status_t otp_stock_write(otp_keyring_t *ring, otp_span_t name, const otp_stock_t *stock, char *record,
    size_t size, size_t *len);
OTP_MUST_USE otp_status_t otp_stock_read(otp_keyring_t *ring, otp_span_t name, otp_span_t record, otp_stock_t *stock);

#endif
