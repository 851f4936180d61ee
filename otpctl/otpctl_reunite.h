/*
 * Records that were read one by one, put together again: which assignment of a key counts, and how far its codes
 * went, over everything that is stored and everything that is to be.
 */
#ifndef OTPCTL_REUNITE_H
#define OTPCTL_REUNITE_H

#include "otpctl/otpctl_store.h"

typedef struct {
    char    serial[OTP_SERIAL_MAX + 1];
    uint8_t secret[OTP_DIGEST_LEN]; /* digest of what its codes are made from: another key may have had the serial */
    int     rank;           /* which of several records for a serial tells whose the key is: the lowest */
    int64_t step;           /* the furthest of all of them */
    bool    copied;         /* the copy of this assignment is there: it is the one that counts */
    bool    assigned;       /* the record that tells says so: */
    char    uid[OTP_UID_LEN + 1], holding[OTP_HOLDING_LEN + 1];
    int64_t since;
    bool    disabled;
    char    reason[sizeof(((otp_key_t *) 0)->reason)];
    bool    torn;           /* two people have it, and nothing tells whose it is */
} otpctl_united_t;

typedef struct {
    otpctl_united_t *key;
    size_t           keys, size;
    otp_keyring_t   *ring;          /* NULL: who has the serial is the same key */
} otpctl_union_t;

/* A stored copy that doors open to, or that is disabled, tells more than a file: the stock's record of it was lost. */
enum { OTPCTL_STORED_STOCK, OTPCTL_STORED_COPY, OTPCTL_FILED_STOCK, OTPCTL_COPY };

/* False: no memory, or a seed that does not open. */
OTP_MUST_USE bool otpctl_union_stock(otpctl_union_t *all, const otp_stock_t *stock, int rank);
/* OTPCTL_STORED_COPY: of those copies that are neither arriving nor leaving. */
OTP_MUST_USE bool otpctl_union_account(otpctl_union_t *all, const otp_account_t *account, int rank);
/* After the last one, before the first question. */
void otpctl_union_settle(otpctl_union_t *all);
void otpctl_union_free(otpctl_union_t *all);

/* No code that was accepted anywhere is accepted by a key again: of the stock, where no copy knows better, and by
 * every copy of the account.  Whether something was raised. */
bool otpctl_union_raise_stock(const otpctl_union_t *all, otp_stock_t *stock);
bool otpctl_union_raise_account(const otpctl_union_t *all, otp_account_t *account);
/* What a file says of the stock, so that it fits: whose a stored copy is.  False: it fits nothing. */
OTP_MUST_USE bool otpctl_union_fit(const otpctl_union_t *all, otp_stock_t *stock);
/* The copy of this key that is stored counts its codes. */
bool otpctl_union_counted(const otpctl_union_t *all, const otp_key_t *key);
/* A copy that is not of the assignment the stock tells of goes, and one that is disabled there is disabled.  Returns
 * how many went. */
size_t otpctl_union_apply(const otpctl_union_t *all, otp_account_t *account);

#endif
