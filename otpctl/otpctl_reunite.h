/*
 * Records that were read one by one, put together again: which assignment of a key counts, and how far its codes
 * went, over everything that is stored and everything that is to be.
 */
#ifndef OTPCTL_REUNITE_H
#define OTPCTL_REUNITE_H

#include "otpctl/otpctl_store.h"

typedef struct {
    char    serial[OTP_SERIAL_MAX + 1];
    int     rank;           /* which of several records for a serial tells whose the key is: the lowest */
    int64_t step;           /* the furthest of all of them */
    bool    copied;         /* the copy of this assignment is there: it is the one that counts */
    bool    assigned;       /* a record of the stock says so: */
    char    uid[OTP_UID_LEN + 1], holding[OTP_HOLDING_LEN + 1];
    bool    disabled;
    char    reason[sizeof(((otp_key_t *) 0)->reason)];
} otpctl_united_t;

typedef struct {
    otpctl_united_t *key;
    size_t           keys, size;
} otpctl_union_t;

enum { OTPCTL_STORED_STOCK, OTPCTL_FILED_STOCK, OTPCTL_COPY };

/* False: no memory. */
OTP_MUST_USE bool otpctl_union_stock(otpctl_union_t *all, const otp_stock_t *stock, int rank);
OTP_MUST_USE bool otpctl_union_account(otpctl_union_t *all, const otp_account_t *account);
/* After the last one, before the first question. */
void otpctl_union_settle(otpctl_union_t *all);
void otpctl_union_free(otpctl_union_t *all);

/* No code that was accepted anywhere is accepted by a key again: of the stock, where no copy knows better, and by
 * every copy of the account. */
void otpctl_union_raise(const otpctl_union_t *all, otp_stock_t *stock);
/*  A copy that is not of the assignment the stock tells of goes, and one
 * that is disabled there is disabled.  Returns how many went. */
size_t otpctl_union_apply(const otpctl_union_t *all, otp_account_t *account);

#endif
