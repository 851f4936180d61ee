/*
 * A mail that is due: an entry (field `m`) of the outbox streams `mail:{T}`, written in the same step as the change
 * it tells of, sent by `otpctl notify`.  It holds no secret.  It is a record (otp_record.h) bound to its stream's
 * name, so that who can write to Redis cannot have mails sent.
 */
#ifndef OTP_MAIL_H
#define OTP_MAIL_H

#include "core/crypto/otp_keyring.h"
#include "core/model/otp_account.h"

#define OTP_MAIL_MAX    1536    /* bytes of an entry */

typedef enum {
    OTP_MAIL_NONE,
    OTP_MAIL_REQUEST_RECEIVED,      /* activation asked for */
    OTP_MAIL_REQUEST_REJECTED,      /* with the reason */
    OTP_MAIL_KEY_OPERATIONAL,       /* with the PIN instructions */
    OTP_MAIL_PIN_CLEARED,
    OTP_MAIL_PIN_CHANGED,
    OTP_MAIL_KEY_DISABLED,
    OTP_MAIL_KEY_ENABLED,
    OTP_MAIL_KEY_UNASSIGNED,
    OTP_MAIL_EMERGENCY_ISSUED,      /* never the password itself */
    OTP_MAIL_SIGN_IN_BLOCKED,
    OTP_MAIL_CODE_WITHOUT_PIN,
    OTP_MAIL_PIN_WITHOUT_CODE,
    OTP_MAIL_REPLAY,
    OTP_MAIL_KEY_MIXUP              /* to the helpdesk: the code of another key of the stock was shown */
} otp_mail_kind_t;
#define OTP_MAIL_KINDS 15

typedef struct {
    otp_mail_kind_t kind;
    int64_t         time_ms;        /* of what it tells */
    otp_span_t      uid;
    otp_span_t      name, email;    /* empty e-mail: `otpctl notify` asks its own list of people */
    otp_span_t      language;       /* empty: the sender's default */
    otp_span_t      serial, reason, address;
    int64_t         until;          /* unix seconds: of a lock, of an emergency password; 0: none */
} otp_mail_t;

/* "request_received"…: also the name of its templates */
const char *otp_mail_name(otp_mail_kind_t kind);
OTP_MUST_USE otp_status_t otp_mail_parse_name(otp_span_t name, otp_mail_kind_t *kind);

/* Which mail tells the person of a signal. */
otp_mail_kind_t otp_mail_of_signal(otp_signal_t signal);

/* A mail to the owner of `account`, with its contact. */
otp_mail_t otp_mail_to(const otp_account_t *account, otp_mail_kind_t kind, int64_t time_ms);

OTP_MUST_USE otp_status_t otp_mail_write(otp_keyring_t *ring, otp_span_t stream, const otp_mail_t *mail, char *entry,
    size_t size, size_t *len);
/* Spans in `mail` point into `text`, which the caller owns (OTP_MAIL_MAX bytes).  OTP_INVALID: forged, damaged,
 * moved. */
OTP_MUST_USE otp_status_t otp_mail_read(otp_keyring_t *ring, otp_span_t stream, otp_span_t entry, char *text,
    size_t size, otp_mail_t *mail);

#endif
