/*
 * The inside of an action, shared by the files of this folder: a chain of stages, like a flow's.
 */
#ifndef OTP_ACTION_PRIVATE_H
#define OTP_ACTION_PRIVATE_H

#include "core/action/otp_action.h"
#include "core/action/otp_sweep.h"
#include "core/model/otp_throttle.h"
#include "core/store/otp_swap.h"

#define OTP_ACTION_TRIES    32      /* of one change, against somebody who keeps changing the same record */
#define OTP_ACTION_ROUNDS   4       /* of an action on a key that changes hands meanwhile */

typedef otp_action_effect_t (*otp_action_stage_t)(otp_action_t *action);
/* Changes action->account or action->stock. */
typedef otp_managed_t (*otp_action_rule_t)(otp_action_t *action);

/* The write in which an action takes effect has the verdict "ok", and the mail; the other ones are parts of it.  One
 * that does nothing but say where mail goes has an event of its own. */
typedef enum { OTP_ACTION_PART, OTP_ACTION_OK, OTP_ACTION_CONTACT } otp_action_weight_t;

/* A record on its way through compare-and-set. */
typedef struct {
    bool                stock, remove;
    otp_name_t          name, stream, outbox, history, waiting;
    char                stored[OTP_ACCOUNT_MAX], next[OTP_ACCOUNT_MAX];
    size_t              stored_len, next_len;
    char                mail[OTP_MAIL_MAX], since[24];
    otp_span_t          event;
    otp_action_rule_t   rule;
    otp_action_weight_t weight;
    otp_mail_kind_t     mail_kind;
    otp_action_stage_t  done;
    unsigned            tries;
} otp_action_change_t;

struct otp_action_s {
    otp_action_view_t    view;
    otp_action_context_t context;
    otp_action_order_t   order;
    otp_action_stage_t   next;
    int64_t              now_ms, now_s;
    const otp_reply_t *const *reply;        /* NULL: they did not come */
    size_t               replies;
    uint8_t              random[OTP_ACTION_RANDOM];
    size_t               random_used;
    otp_command_t        command[OTP_ACTION_COMMANDS_MAX];

    char                 reason_text[OTP_REASON_LEN], note_text[OTP_REASON_LEN];    /* the order's, as they are kept */
    otp_span_t           reason;            /* of the events and the mail: the order's, or the one that stays */
    char                 standing[OTP_REASON_LEN + 1];
    otp_action_kind_t    kind;              /* whose events are written: an approval by rule follows a request */
    otp_span_t           actor;
    char                 uid[OTP_UID_LEN + 1], serial[OTP_SERIAL_MAX + 1];
    otp_account_t        account;           /* as last read or written, and whether there is a record */
    otp_stock_t          stock;
    bool                 account_found, stock_found;
    otp_action_change_t  change;
    otp_managed_t        managed;           /* what the rule said of the last change */
    bool                 changed;           /* something was written */
    bool                 contact_kept;      /* or there was none to keep */
    unsigned             rounds;

    char                 holding[OTP_HOLDING_LEN + 1], former[OTP_HOLDING_LEN + 1], took[OTP_HOLDING_LEN + 1];
    char                 fresh[OTP_HOLDING_LEN + 1];    /* a mark that no copy has yet */
    int64_t              wanted_at;
    char                 dangling[OTP_SERIAL_MAX + 1];  /* of a request that its stock knows nothing of */
    bool                 replaced;          /* there was an emergency password already, perhaps with sessions */
    otp_key_t            copy;              /* of the account, on its way back */
    bool                 copied, orphan;    /* the stock does not know of it */
    bool                 unasked;           /* the account knows of no such request */
    otp_managed_t        refusal;           /* to be told once the traces are gone */
    otp_span_t           swept;             /* the key whose sessions are gone through */
    otp_sweep_t          sweep;
    otp_action_stage_t   sweep_done;
    char                 digest[2 * OTP_DIGEST_LEN];    /* of the session that was looked for */
    bool                 digest_found;
    otp_name_t           throttle[OTP_THROTTLES];   /* after bad passwords: of each class of browsers */
    otp_name_t           told_stream, told_history;     /* of an event that goes with no record of the person's */
    char                 told[OTP_EVENT_MAX];
    size_t               told_len;

    /* One more than are kept: the one that is being written. */
    char                 line[OTP_ACTION_AUDITS + 1][OTP_EVENT_MAX];
    size_t               line_free;
};

/* ---- otp_action.c ---- */
otp_action_effect_t otp_action_commands(otp_action_t *action, otp_action_stage_t next);
otp_command_t *otp_action_command(otp_action_t *action, const char *verb);
/* All replies came and none is an error. */
OTP_MUST_USE bool otp_action_replies_good(const otp_action_t *action);
/* Done: refused because of `managed`, or as it should be when that is no refusal. */
otp_action_effect_t otp_action_finish(otp_action_t *action, otp_managed_t managed);
/* The same, where action->managed is what the last rule said. */
otp_action_effect_t otp_action_finished(otp_action_t *action);
otp_action_effect_t otp_action_failed(otp_action_t *action);
/* Once more from `first`, which reads everything again; OTP_MANAGE_BUSY after too many, which would be so now. */
bool otp_action_last(const otp_action_t *action);
otp_action_effect_t otp_action_again(otp_action_t *action, otp_action_stage_t first);
const uint8_t *otp_action_random(otp_action_t *action, size_t n);
void otp_action_set_uid(otp_action_t *action, otp_span_t uid);
/* The judge sees action->swept, or `how`. */
otp_action_effect_t otp_action_sweep(otp_action_t *action, otp_sweep_judge_t judge, void *how, otp_action_stage_t done);

/* ---- otp_action_change.c ---- */
/* Reads the record of action->serial, or of action->uid, then goes on. */
otp_action_effect_t otp_action_look_stock(otp_action_t *action, otp_action_stage_t done);
otp_action_effect_t otp_action_look_account(otp_action_t *action, otp_action_stage_t done);
/* Applies `rule` to the record as it is at the moment of writing, then goes on with action->managed.  A stock record
 * that is not there is OTP_MANAGE_NO_STOCK, an account that is not there an empty one. */
otp_action_effect_t otp_action_change_stock(otp_action_t *action, otp_action_rule_t rule, otp_action_weight_t weight,
    otp_mail_kind_t mail, otp_action_stage_t done);
otp_action_effect_t otp_action_remove_stock(otp_action_t *action, otp_action_rule_t rule, otp_action_stage_t done);
otp_action_effect_t otp_action_change_account(otp_action_t *action, otp_action_rule_t rule, otp_action_weight_t weight,
    otp_mail_kind_t mail, otp_action_stage_t done);
/* Where mail goes, alone: every other change of an account takes that along. */
otp_action_effect_t otp_action_keep_contact(otp_action_t *action, otp_action_stage_t done);

/* ---- otp_action_event.c ---- */
/* The line of an event of this action, to be kept before the next one is written; empty: it cannot be written. */
otp_span_t otp_action_event_line(otp_action_t *action, otp_action_weight_t weight);
/* The same of an action that was refused. */
otp_span_t otp_action_event_refused(otp_action_t *action, otp_managed_t managed);
/* The change it tells of was made: the line goes to otp_audit too.  The last one always does. */
void otp_action_event_keep(otp_action_t *action, otp_span_t line);
/* It goes to the person's history once everything is done. */
void otp_action_event_later(otp_action_t *action, otp_span_t line);
/* Adds the command that writes `line` to the stream of the events of the person (of the key, when it concerns
 * nobody), where no record changes with it. */
void otp_action_tell(otp_action_t *action, otp_span_t line);
/* Adds the commands that write what was put off to the person's history. */
void otp_action_tell_history(otp_action_t *action);

/* ---- the actions: first stages ---- */
otp_action_effect_t otp_action_assign(otp_action_t *action);
otp_action_effect_t otp_action_unassign(otp_action_t *action);
otp_action_effect_t otp_action_delete(otp_action_t *action);
otp_action_effect_t otp_action_disable(otp_action_t *action);
otp_action_effect_t otp_action_enable(otp_action_t *action);
otp_action_effect_t otp_action_resync(otp_action_t *action);
otp_action_effect_t otp_action_pin_clear(otp_action_t *action);
otp_action_effect_t otp_action_unlock(otp_action_t *action);
otp_action_effect_t otp_action_emergency_issue(otp_action_t *action);
otp_action_effect_t otp_action_emergency_revoke(otp_action_t *action);
otp_action_effect_t otp_action_signals_seen(otp_action_t *action);
otp_action_effect_t otp_action_sessions_revoke(otp_action_t *action);
otp_action_effect_t otp_action_session_revoke(otp_action_t *action);
otp_action_effect_t otp_action_request(otp_action_t *action);
otp_action_effect_t otp_action_approve(otp_action_t *action);
otp_action_effect_t otp_action_reject(otp_action_t *action);

/* Goes on from a request to its approval, by rule. */
otp_action_effect_t otp_action_approve_now(otp_action_t *action);

#endif
