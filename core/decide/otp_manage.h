/*
 * What the helpdesk does to keys and accounts: values in, values out, the same in the terminal and in
 * the browser.  The caller reads and writes the records, each by compare-and-set, in this order:
 *
 *     assign    1 stock: otp_manage_stock_take       2 account: otp_manage_account_give
 *     unassign  1 account: otp_manage_account_return, then its sessions are ended (otp_manage_session)
 *               2 stock: otp_manage_stock_release    3 account: otp_manage_account_drop
 *     disable   1 account: otp_manage_account_disable 2 stock: otp_manage_stock_disable
 *               3 sessions: otp_manage_session, stepped down
 *     enable    1 stock: otp_manage_stock_enable     2 account: otp_manage_account_enable
 *
 * Between any two writes a key is never usable by two people and never more usable than before or
 * after; doing all of it again completes what a crash has left, and changes nothing otherwise.
 *
 * A step never goes back: where two copies of a key meet, the later last accepted step counts, so a
 * code that was used once stays used (guarantee G1).
 */
#ifndef OTP_MANAGE_H
#define OTP_MANAGE_H

#include "core/model/otp_session.h"
#include "core/model/otp_stock.h"

/* Written to key->reason while a key is on its way back to the stock. */
#define OTP_MANAGE_RETURNED "returned"

typedef enum {
    OTP_MANAGE_CHANGED,         /* the record has its next value (revision included): write it */
    OTP_MANAGE_UNCHANGED,       /* it is so already: nothing to write */
    /* refusals: the record is as it was */
    OTP_MANAGE_HELD,            /* the key is assigned to somebody else */
    OTP_MANAGE_DISABLED,        /* the key is disabled */
    OTP_MANAGE_RETURNING,       /* the key is on its way back to the stock */
    OTP_MANAGE_FULL,            /* the account has OTP_ACCOUNT_KEYS keys */
    OTP_MANAGE_NO_KEY,          /* the account has no such key, or none at all */
    OTP_MANAGE_ASSIGNED,        /* only a free key can be deleted */
    OTP_MANAGE_REASON,          /* not one of the reasons for disabling, or none given */
    OTP_MANAGE_NO_STOCK,        /* no key of the stock has this serial */
    OTP_MANAGE_NO_REQUEST,      /* nobody waits for this key */
    OTP_MANAGE_REQUESTED,       /* there is a request already */
    OTP_MANAGE_MISFIT,          /* the code, or the two codes, are not what this key shows */
    OTP_MANAGE_NO_EMERGENCY,    /* there is no emergency password */
    OTP_MANAGE_NO_SESSION,      /* the person has no such session */
    OTP_MANAGE_BUSY,            /* others keep changing the same record */
    OTP_MANAGE_UNAVAILABLE      /* Redis did not answer as it should, or a record cannot be believed */
} otp_managed_t;

bool otp_managed_refused(otp_managed_t managed);
/* A word for programs ("held"), and a sentence for people: what stands against it and what to do. */
const char *otp_managed_name(otp_managed_t managed);
const char *otp_managed_text(otp_managed_t managed);

/* lost, stolen, broken */
bool otp_manage_reason_known(otp_span_t reason);

OTP_MUST_USE otp_managed_t otp_manage_stock_take(otp_stock_t *stock, otp_span_t uid, int64_t now_s);
/* `taken`: otp_manage_stock_take() has just changed the stock, so that what the account still holds of this
 * key is a leftover and is replaced. */
OTP_MUST_USE otp_managed_t otp_manage_account_give(otp_account_t *account, const otp_stock_t *stock, bool taken);

OTP_MUST_USE otp_managed_t otp_manage_account_return(otp_account_t *account, otp_span_t serial);
/* `uid`: whose copy it is; `copy`: that copy after otp_manage_account_return(), NULL when the account has none.
 * A reason for which the copy is disabled goes with the key. */
OTP_MUST_USE otp_managed_t otp_manage_stock_release(otp_stock_t *stock, otp_span_t uid, const otp_key_t *copy);
/* Leaves a usable copy: somebody has assigned the key again meanwhile. */
OTP_MUST_USE otp_managed_t otp_manage_account_drop(otp_account_t *account, otp_span_t serial);

OTP_MUST_USE otp_managed_t otp_manage_account_disable(otp_account_t *account, otp_span_t serial, otp_span_t reason);
OTP_MUST_USE otp_managed_t otp_manage_stock_disable(otp_stock_t *stock, otp_span_t reason);

OTP_MUST_USE otp_managed_t otp_manage_stock_enable(otp_stock_t *stock);
OTP_MUST_USE otp_managed_t otp_manage_account_enable(otp_account_t *account, const otp_stock_t *stock);

/* Whether the stock record may go: CHANGED, or ASSIGNED. */
OTP_MUST_USE otp_managed_t otp_manage_stock_delete(const otp_stock_t *stock);

/* The PINs of all keys are forgotten, each kept as the one before; failures stay. */
OTP_MUST_USE otp_managed_t otp_manage_pin_clear(otp_account_t *account);
OTP_MUST_USE otp_managed_t otp_manage_unlock(otp_account_t *account);

typedef enum {
    OTP_MANAGE_SESSION_KEPT,        /* it does not depend on the key */
    OTP_MANAGE_SESSION_LOWERED,     /* `session` is now what its password alone is worth: write it */
    OTP_MANAGE_SESSION_ENDED        /* delete it */
} otp_managed_session_t;

/* A session after the key `serial` was disabled. */
OTP_MUST_USE otp_managed_session_t otp_manage_session(otp_session_t *session, otp_span_t serial);

#endif
