/*
 * An action: what is done to keys, accounts and sessions other than signing in, by the helpdesk in the browser or
 * in the terminal, by people for themselves, or by rule.  Like a flow (core/portal/otp_flow.h) it does no I/O: it
 * says which commands to send and is called again with the replies.  The rules are those of otp_manage.h, in the
 * order given there; every write is a compare-and-set with its audit event, the person's history and the mail.  A
 * refusal has its event, too; what failed (OTP_MANAGE_BUSY, OTP_MANAGE_UNAVAILABLE) is none.
 *
 *     while (otp_action_step(action, now_ms, replies, count) == OTP_ACTION_COMMANDS)
 *         send view->command[0..view->commands) in order on one connection, collect the replies
 *         (replies == NULL when they did not all come: the action then ends with OTP_MANAGE_UNAVAILABLE)
 *     look at view->result
 *
 * An action that was cut off at any point is completed by doing it again.
 */
#ifndef OTP_ACTION_H
#define OTP_ACTION_H

#include "core/decide/otp_limits.h"
#include "core/decide/otp_manage.h"
#include "core/model/otp_emergency.h"
#include "core/model/otp_event.h"
#include "core/model/otp_mail.h"
#include "core/store/otp_command.h"

#define OTP_ACTION_COMMANDS_MAX 12
#define OTP_ACTION_RANDOM       64      /* random bytes an action may use */
#define OTP_ACTION_AUDITS       12      /* more than what does not go through several rounds writes */


typedef enum {
    OTP_ACTION_KEY_ASSIGN,          /* serial, uid */
    OTP_ACTION_KEY_UNASSIGN,        /* serial; uid: that one's copy, even when the stock knows nothing of it */
    OTP_ACTION_KEY_DISABLE,         /* serial, reason: lost stolen broken */
    OTP_ACTION_KEY_ENABLE,          /* serial */
    OTP_ACTION_KEY_DELETE,          /* serial */
    OTP_ACTION_KEY_RESYNC,          /* serial, code, next_code */
    OTP_ACTION_PIN_CLEAR,           /* uid */
    OTP_ACTION_UNLOCK,              /* uid: the counts of bad passcodes, and the delay after bad passwords */
    OTP_ACTION_EMERGENCY_ISSUE,     /* uid, expires; the result holds the password */
    OTP_ACTION_EMERGENCY_REVOKE,    /* uid */
    OTP_ACTION_SESSIONS_REVOKE,     /* uid; keep_session: its digest, or empty: all */
    OTP_ACTION_SESSION_REVOKE,      /* uid, session: public id */
    OTP_ACTION_REQUEST_CREATE,      /* uid, serial, code; approved at once when `automatic` */
    OTP_ACTION_REQUEST_APPROVE,     /* serial */
    OTP_ACTION_REQUEST_REJECT,      /* serial, reason: free text */
    OTP_ACTION_SIGNALS_SEEN         /* uid, seen: the person has read the banner */
} otp_action_kind_t;
#define OTP_ACTIONS 16

/* "key_assign", "pin_clear", "emergency", "emergency_revoke"…: the event of the audit */
const char *otp_action_event(otp_action_kind_t kind);

typedef struct {
    otp_keyring_t      *ring;
    otp_span_t          prefix;
    const otp_limits_t *limits;
    otp_span_t          events_kept;        /* decimal text; empty: OTP_EVENTS_KEPT */
    int64_t             floor_s;            /* of otp_doubt_t; 0: none */
} otp_action_context_t;

/* Spans belong to the caller and live as long as the action. */
typedef struct {
    otp_action_kind_t kind;
    otp_span_t        uid, serial;          /* canonical */
    otp_span_t        reason, note;         /* kept without the marks that turn the direction of writing */
    otp_span_t        code, next_code;
    otp_span_t        session, keep_session;
    otp_span_t        actor;                /* who does it, when not `uid`: an agent, "otpctl:LOGIN", "rule" */
    otp_span_t        address, request_id, by_session;  /* for the audit */
    otp_span_t        name, email, language;    /* of the person, for mail; empty: as the account has it */
    bool              keep_contact;         /* they are stored, with an event "contact", also where the rest is so
                                               already and there is an account */
    int64_t           expires;              /* unix seconds */
    bool              automatic;
    const otp_signal_note_t *seen;          /* OTP_SIGNALS of them: what the banner said; NULL: all there is */
    otp_span_t        only_uid;             /* not empty: OTP_MANAGE_NO_KEY when the key is not this person's; without
                                               an actor it is their own doing */
} otp_action_order_t;

typedef enum { OTP_ACTION_COMMANDS, OTP_ACTION_DONE } otp_action_effect_t;

typedef struct {
    otp_managed_t managed;
    char          uid[OTP_UID_LEN + 1];     /* whom it concerned; empty: nobody */
    size_t        sessions_lowered, sessions_ended;
    char          password[OTP_EMERGENCY_LEN + 1];  /* wiped with the action */
    int64_t       expires;
    int64_t       wait_s;                   /* OTP_MANAGE_WAIT: until the next code, about */
    bool          approved;                 /* of a request: at once, by rule */
} otp_action_result_t;

typedef struct {
    const otp_command_t *command;
    size_t               commands;
    otp_action_result_t  result;
    otp_span_t           audit[OTP_ACTION_AUDITS];  /* JSON lines to copy to otp_audit, complete once done */
    size_t               audits;
    otp_span_t           unreadable;        /* name of the record that cannot be believed; empty: none */
} otp_action_view_t;

typedef struct otp_action_s otp_action_t;

/* NULL: no memory. */
OTP_MUST_USE otp_action_t *otp_action_create(const otp_action_context_t *context, const otp_action_order_t *order,
    const uint8_t random[OTP_ACTION_RANDOM]);
/* Wipes and frees; legal at any moment. */
void otp_action_destroy(otp_action_t *action);

OTP_MUST_USE otp_action_effect_t otp_action_step(otp_action_t *action, int64_t now_ms,
    const otp_reply_t *const *replies, size_t count);
const otp_action_view_t *otp_action_view(const otp_action_t *action);

#endif
