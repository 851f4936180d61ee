/*
 * Records in Redis: reading, changing by compare-and-set, going through all of them.  Whatever goes
 * wrong has been told on standard error when a function returns something else than OTPCTL_DONE.
 */
#ifndef OTPCTL_STORE_H
#define OTPCTL_STORE_H

#include "core/decide/otp_manage.h"
#include "core/model/otp_event.h"
#include "core/store/otp_resp.h"
#include "core/store/otp_swap.h"
#include "otpctl/otpctl.h"

#define OTPCTL_RECORD_MAX   (OTP_ACCOUNT_MAX + 256)     /* the envelope included */

/* One command; *reply is never an error, and the caller's to destroy. */
OTP_MUST_USE otpctl_status_t otpctl_ask(otpctl_t *ctl, const otp_span_t *arg, size_t args, otp_reply_t **reply);

/* Key and person named on the command line, in canonical form.  What cannot be any's name is OTPCTL_USAGE. */
OTP_MUST_USE otpctl_status_t otpctl_serial(const char *text, char serial[OTP_SERIAL_MAX + 1]);
OTP_MUST_USE otpctl_status_t otpctl_uid(const char *text, char uid[OTP_UID_LEN + 1]);

/* A record that is not there: *found false, for an account also an empty one. */
OTP_MUST_USE otpctl_status_t otpctl_account_read(otpctl_t *ctl, const char *uid, otp_account_t *account, bool *found);
OTP_MUST_USE otpctl_status_t otpctl_stock_read(otpctl_t *ctl, const char *serial, otp_stock_t *stock, bool *found);

/* A record that must not be there yet: *created false when it is. */
OTP_MUST_USE otpctl_status_t otpctl_stock_create(otpctl_t *ctl, const otp_stock_t *stock, const otp_event_t *event,
    bool *created);

/* The swap itself.  `event` NULL: none.  OTPCTL_DONE with *swapped false: `stored` (of OTPCTL_RECORD_MAX bytes)
 * has what is there now. */
OTP_MUST_USE otpctl_status_t otpctl_swap(otpctl_t *ctl, otp_swap_t *swap, const otp_event_t *event, bool *swapped,
    char *stored, size_t *stored_len);
/* Many swaps, of different records, at once and each for itself; `result[i]` says what became of it.  Not OTPCTL_DONE:
 * at least one has OTP_SWAP_FAILED.  OTPCTL_UNREACHABLE: whether those were carried out is unknown; else they were
 * not. */
OTP_MUST_USE otpctl_status_t otpctl_swap_many(otpctl_t *ctl, const otp_swap_t *swap, size_t swaps,
    otp_swapped_t *result);
/* The event of a swap: time and actor are added.  False: it does not fit OTP_EVENT_MAX bytes. */
OTP_MUST_USE bool otpctl_event_line(const otpctl_t *ctl, const otp_event_t *event, char *line, size_t *len);
/* Says what Redis refused, and what to do. */
otpctl_status_t otpctl_refused(const otpctl_t *ctl, otp_span_t error);
/* An event that goes with no single record, to the stream of `id`. */
OTP_MUST_USE otpctl_status_t otpctl_event_add(otpctl_t *ctl, otp_span_t id, const otp_event_t *event);

/* Says so; OTPCTL_REFUSED. */
otpctl_status_t otpctl_unreadable(const otpctl_t *ctl, otp_span_t name);

#endif
