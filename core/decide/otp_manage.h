/*
 * What the helpdesk, and people themselves, do to keys and accounts: values in, values out, the same in the
 * terminal and in the browser.  core/action/ reads and writes the records, each by compare-and-set, in this order:
 *
 *     assign    1 account: otp_manage_account_expect      2 stock: otp_manage_stock_take
 *               3 account: otp_manage_account_give        (4 stock: otp_manage_stock_unwant)
 *     unassign  1 account: otp_manage_account_return, then its sessions are ended (otp_manage_session)
 *               2 stock: otp_manage_stock_learn, of a copy that it does not know of otp_manage_stock_learn_orphan
 *               3 account: otp_manage_account_drop        4 stock: otp_manage_stock_release
 *     disable   1 account: otp_manage_account_disable     2 stock: otp_manage_stock_disable
 *               3 sessions: otp_manage_session, stepped down
 *     enable    1 account: otp_manage_account_prepare     2 stock: otp_manage_stock_enable
 *               3 account: otp_manage_account_enable
 *     resync    1 account: otp_resync, otp_manage_resynced  2 stock: otp_manage_resynced
 *     request   1 account: otp_manage_account_request     2 stock: otp_manage_stock_want
 *     approve   as assign
 *     reject    1 account: otp_manage_account_reject      2 stock: otp_manage_stock_unwant
 *
 * Between any two writes, whatever others write meanwhile, a key is never usable by two people: a usable copy has
 * the stock's own mark of this assignment (key->holding, a new one each time).  An account gets the copy with the
 * mark before the stock has it, and only that very copy becomes usable afterwards; the stock's mark goes only after
 * the copy was made useless for good.  Who assigns the key to the same person meanwhile goes on with the copy that is
 * there: docs/decisions/011.  Doing all of it again completes what a crash has left.
 *
 * A step never goes back: where two copies of a key meet, the later last accepted step counts, so a
 * code that was used once stays used (guarantee G1).
 */
#ifndef OTP_MANAGE_H
#define OTP_MANAGE_H

#include "core/model/otp_session.h"
#include "core/model/otp_stock.h"

/* What key->reason says of a copy that is under way; the reason for which it was disabled before may follow, as in
 * "returned:lost".  Such a copy is useless: OTP_KEY_DISABLED. */
#define OTP_MANAGE_ARRIVING "arriving"      /* it was never usable: the stock may not say yet that it is assigned */
#define OTP_MANAGE_ENABLING "enabling"      /* the stock does not say yet that it is usable */
#define OTP_MANAGE_RESTORED "restored"      /* it counts events, and nobody knows how many: see otp_manage_resynced() */
#define OTP_MANAGE_RETURNED "returned"      /* on its way back to the stock: it is never usable again */

typedef enum {
    OTP_MANAGE_CHANGED,         /* the record has its next value (revision included): write it */
    OTP_MANAGE_UNCHANGED,       /* it is so already: nothing to write */
    /* refusals: the record is as it was */
    OTP_MANAGE_HELD,            /* the key is assigned to somebody else */
    OTP_MANAGE_DISABLED,        /* the key is disabled */
    OTP_MANAGE_RETURNING,       /* the key is on its way back to the stock */
    OTP_MANAGE_ORPHAN,          /* the account has a copy that the stock does not know of */
    OTP_MANAGE_UNCERTAIN,       /* two codes must tell first how far the key is (OTP_MANAGE_RESTORED) */
    OTP_MANAGE_FULL,            /* the account has OTP_ACCOUNT_KEYS keys */
    OTP_MANAGE_NO_KEY,          /* the account has no such key, or none at all */
    OTP_MANAGE_ASSIGNED,        /* only a free key can be deleted */
    OTP_MANAGE_REASON,          /* not one of the reasons for disabling; none given, or one that is too long */
    OTP_MANAGE_NO_STOCK,        /* no key of the stock has this serial */
    OTP_MANAGE_NO_REQUEST,      /* nobody waits for this key */
    OTP_MANAGE_REQUESTED,       /* there is a request already */
    OTP_MANAGE_MISFIT,          /* the code, or the two codes, are not what this key shows */
    OTP_MANAGE_WAIT,            /* they are, and may have been accepted before (otp_doubt_t): the next one is wanted */
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
/* Why the key is disabled, without what is under way with it; empty: only because of that. */
otp_span_t otp_manage_reason_before(const otp_key_t *key);

/* ---- otp_manage_holder.c: assign ---- */

/* The account holds this key by the assignment the stock knows of, usable or disabled. */
bool otp_manage_account_holds(const otp_account_t *account, const otp_stock_t *stock);
/* Whether a copy has never been good for anything yet: only otp_manage_account_give() makes more of it. */
bool otp_manage_arriving(const otp_key_t *copy);
/* Neither arriving nor on its way back. */
bool otp_manage_stands(const otp_key_t *copy);
/* UNCHANGED: it holds the key already, or a copy is arriving whose mark serves as well.  Else a useless copy with the
 * mark `holding` is there, without a PIN.  Its mark never comes back once it has gone.  OTP_MANAGE_ORPHAN: there is
 * another copy than `stock` tells of: `stock` is not what it is now, or a write of it was lost for good. */
OTP_MUST_USE otp_managed_t otp_manage_account_expect(otp_account_t *account, const otp_stock_t *stock,
    otp_span_t holding);
/* `holding`: of the copy that was seen to arrive; UNCHANGED: the stock has this mark already.  Whoever has the key, or
 * asks for it, must be `uid`.  `former`: the mark that the stock had before the account was looked at;
 * OTP_MANAGE_BUSY: it has been assigned to the same person otherwise since. */
OTP_MUST_USE otp_managed_t otp_manage_stock_take(otp_stock_t *stock, otp_span_t uid, otp_span_t former,
    otp_span_t holding, int64_t now_s);
/* `stock` as otp_manage_stock_take() left it.  OTP_MANAGE_BUSY: the copy has gone meanwhile.  It is as the stock says,
 * but disabled when it was disabled as it arrived.  A request for this key is fulfilled. */
OTP_MUST_USE otp_managed_t otp_manage_account_give(otp_account_t *account, const otp_stock_t *stock);
/* Takes back what otp_manage_account_expect() did, unless the copy was given since. */
OTP_MUST_USE otp_managed_t otp_manage_account_forgo(otp_account_t *account, otp_span_t serial, otp_span_t holding);
/* Takes back what otp_manage_stock_take() did, once no copy has this mark. */
OTP_MUST_USE otp_managed_t otp_manage_stock_untake(otp_stock_t *stock, otp_span_t uid, otp_span_t holding);

/* ---- otp_manage_holder.c: unassign, delete ---- */

/* `holding`: the stock's mark when it was read first.  A reason for which the copy is disabled stays with it; the copy
 * of a later assignment stays, or goes at once when it is only arriving.  A request for this key ends. */
OTP_MUST_USE otp_managed_t otp_manage_account_return(otp_account_t *account, otp_span_t serial, otp_span_t holding);
/* `stock` takes over what `copy`, after otp_manage_account_return(), knows better.  OTP_MANAGE_HELD: the key has
 * changed hands since. */
OTP_MUST_USE otp_managed_t otp_manage_stock_learn(otp_stock_t *stock, otp_span_t uid, otp_span_t holding,
    const otp_key_t *copy);
/* `stock` takes over what a copy that it knows nothing of has used up and, of a free key, why it was disabled. */
OTP_MUST_USE otp_managed_t otp_manage_stock_learn_orphan(otp_stock_t *stock, const otp_key_t *copy);
/* Leaves a copy that is not on its way back from this assignment. */
OTP_MUST_USE otp_managed_t otp_manage_account_drop(otp_account_t *account, otp_span_t serial, otp_span_t holding);
/* The account's copy that otp_manage_account_drop() takes away; NULL: there is none. */
const otp_key_t *otp_manage_account_leaving(otp_account_t *account, otp_span_t serial, otp_span_t holding);
/* As otp_manage_stock_untake(); a request for this key ends. */
OTP_MUST_USE otp_managed_t otp_manage_stock_release(otp_stock_t *stock, otp_span_t uid, otp_span_t holding);
/* Whether the stock record may go: CHANGED, ASSIGNED or REQUESTED. */
OTP_MUST_USE otp_managed_t otp_manage_stock_delete(const otp_stock_t *stock);

/* ---- otp_manage.c: disable, enable ---- */

/* It has a reason for which it is disabled, and nobody is about to enable it. */
bool otp_manage_disabled(const otp_key_t *key);
OTP_MUST_USE otp_managed_t otp_manage_account_disable(otp_account_t *account, otp_span_t serial, otp_span_t reason);
OTP_MUST_USE otp_managed_t otp_manage_stock_disable(otp_stock_t *stock, otp_span_t reason);

/* Whoever disables the key after this is seen by otp_manage_account_enable().  A copy that was disabled as it arrived
 * goes: it has to be expected again. */
OTP_MUST_USE otp_managed_t otp_manage_account_prepare(otp_account_t *account, otp_span_t serial);
OTP_MUST_USE otp_managed_t otp_manage_stock_enable(otp_stock_t *stock);
/* Of a key that was put back from an older copy, codes between the counter in that and the one in the key may have been
 * used.  It is useless, whoever enables it, until two codes have told where it is; then it is what it was. */
void otp_manage_restored(otp_key_t *key);
bool otp_manage_resynced(otp_key_t *key);
/* OTP_MANAGE_DISABLED: somebody has disabled it after otp_manage_account_prepare(). */
OTP_MUST_USE otp_managed_t otp_manage_account_enable(otp_account_t *account, const otp_stock_t *stock);

/* ---- otp_manage_account.c ---- */

/* The PINs of all keys are forgotten, each kept as the one before; failures stay. */
OTP_MUST_USE otp_managed_t otp_manage_pin_clear(otp_account_t *account);
/* Both counts. */
OTP_MUST_USE otp_managed_t otp_manage_unlock(otp_account_t *account);
OTP_MUST_USE otp_managed_t otp_manage_emergency_revoke(otp_account_t *account, int64_t now_s);
/* No banner any more of what was `seen` (an array of OTP_SIGNALS; NULL: everything), but for those of which there is
 * more by now; when mail was sent stays. */
OTP_MUST_USE otp_managed_t otp_manage_signals_seen(otp_account_t *account, const otp_signal_note_t *seen);

/* `dangling`: a serial that the account waits for and whose stock knows nothing of it; that request may be replaced. */
OTP_MUST_USE otp_managed_t otp_manage_account_request(otp_account_t *account, otp_span_t serial, otp_span_t dangling,
    int64_t now_s);
OTP_MUST_USE otp_managed_t otp_manage_account_withdraw(otp_account_t *account, otp_span_t serial);
/* A copy that was arriving goes. */
OTP_MUST_USE otp_managed_t otp_manage_account_reject(otp_account_t *account, otp_span_t serial, otp_span_t reason,
    int64_t now_s);
/* `step`: of the code that was shown, which is spent by this. */
OTP_MUST_USE otp_managed_t otp_manage_stock_want(otp_stock_t *stock, otp_span_t uid, int64_t step, int64_t now_s);
/* Ends the request of `uid` made at `wanted_at`; leaves any other. */
OTP_MUST_USE otp_managed_t otp_manage_stock_unwant(otp_stock_t *stock, otp_span_t uid, int64_t wanted_at);

typedef enum {
    OTP_MANAGE_SESSION_KEPT,        /* it does not depend on the key */
    OTP_MANAGE_SESSION_LOWERED,     /* `session` is now what its password alone is worth: write it */
    OTP_MANAGE_SESSION_ENDED        /* delete it */
} otp_managed_session_t;

/* A session after the key `serial` was disabled. */
OTP_MUST_USE otp_managed_session_t otp_manage_session(otp_session_t *session, otp_span_t serial);
/* A session after the emergency password has gone. */
OTP_MUST_USE otp_managed_session_t otp_manage_session_emergency(const otp_session_t *session);

#endif
