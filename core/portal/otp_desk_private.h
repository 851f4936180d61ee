/*
 * What the pages about keys, activity and the helpdesk share: a part of otp_flow_private.h.
 */
#ifndef OTP_DESK_PRIVATE_H
#define OTP_DESK_PRIVATE_H

#include <jansson.h>

#include "core/action/otp_action.h"
#include "core/base/otp_buffer.h"
#include "core/model/otp_mixup.h"
#include "core/model/otp_session.h"
#include "core/portal/otp_flow.h"
#include "core/portal/otp_time_text.h"

#define OTP_EVENTS_SHOWN    25
#define OTP_SESSIONS_LAST   23      /* counted from 0, as Redis does */
#define OTP_SESSIONS_SHOWN  (OTP_SESSIONS_LAST + 1)
#define OTP_SESSIONS_AT_ONCE 12     /* at most OTP_FLOW_COMMANDS */
#define OTP_REQUESTS_SHOWN  48
#define OTP_REQUESTS_OF_SET 96      /* asked of one set at once: those of the second that the page goes on from too */
#define OTP_REQUESTS_ROUNDS 4       /* of so many as are shown, to find those in an agent's reach */
#define OTP_WHERE_MAX       (3 * OTP_UID_LEN + 64)  /* an endpoint below the portal, with its query */
#define OTP_SEARCH_MAX      128     /* bytes of what the helpdesk looks for */

/* The number of a macro as text. */
#define OTP_DIGITS_OF(number)       #number
#define OTP_NUMBER_TEXT(number)     OTP_SPAN(OTP_DIGITS_OF(number))

typedef otp_effect_t (*otp_flow_stage_t)(otp_flow_t *flow);

/* Who may use an endpoint.  Each needs what the one before it needs. */
typedef enum {
    OTP_ACCESS_ALWAYS,          /* needs no Redis */
    OTP_ACCESS_ANYBODY,
    OTP_ACCESS_UNDERWAY,        /* who has a session or a pending state */
    OTP_ACCESS_SESSION,         /* who is signed in */
    OTP_ACCESS_KEY,             /* by key */
    OTP_ACCESS_AGENT            /* by key, as a member of a group of otp_helpdesk */
} otp_access_t;

/* Whether the agent may act on somebody's account. */
typedef enum { OTP_REACH_OK, OTP_REACH_OWN, OTP_REACH_AGENT, OTP_REACH_SCOPE } otp_reach_t;

/* What of a person is read. */
typedef enum { OTP_SUBJECT_ACCOUNT = 0, OTP_SUBJECT_HISTORY = 1, OTP_SUBJECT_SESSIONS = 2 } otp_subject_part_t;

/* Whom a page is about. */
typedef struct {
    char                 uid[OTP_UID_LEN + 1];
    bool                 known;                 /* the directory has them, and says: */
    char                 name[OTP_NAME_LEN + 1], email[OTP_EMAIL_LEN + 1], groups[OTP_GROUPS_LEN + 1];
    otp_reach_t          reach;
    unsigned             parts;
    otp_name_t           acct, history, list;
    bool                 has_account;
    otp_account_t        account;               /* an empty one when there is none */
    json_t              *events, *sessions;     /* rows of the page, or of the JSON answer */
    char                 digest[OTP_SESSIONS_SHOWN][2 * OTP_DIGEST_LEN];
    size_t               digests, looked_at;
    otp_session_lookup_t lookup[OTP_SESSIONS_AT_ONCE];
    otp_flow_stage_t     next;
} otp_subject_t;

/* What the agent may do to a person, or to a request, by the last part of the path. */
typedef struct {
    const char       *path;
    otp_action_kind_t kind;
    bool              serial;       /* of a key it has to be told */
    bool              reason;       /* one of those for disabling */
    bool              reason_text;  /* in words */
    bool              request;      /* about a request, not about a person */
    bool              state;        /* of a key whose state one has to know */
} otp_desk_action_t;

/* An action inside a flow. */
typedef struct {
    const otp_desk_action_t  *what;         /* the agent's */
    int64_t                   asked_at;     /* of the request it is about */
    bool                      refused;      /* what stands against it: */
    otp_managed_t             managed;
    otp_action_t             *action;
    otp_action_context_t      context;
    otp_action_order_t        order;
    otp_flow_stage_t          claimed, done;
    const otp_action_result_t *result;
    otp_signal_note_t         seen[OTP_SIGNALS];
    otp_name_t                outbox;
    char                      mail[OTP_MAIL_MAX], mixup[OTP_MIXUP_MAX];
} otp_acting_t;

typedef struct {
    char    serial[OTP_SERIAL_MAX + 1], batch[OTP_SERIAL_MAX + 1], uid[OTP_UID_LEN + 1], name[OTP_NAME_LEN + 1];
    int64_t at, place;      /* as the stock says; as the set says, for the order */
} otp_desk_request_t;

typedef struct otp_desk_s otp_desk_t;

/* Adds the command that asks one set of waiting keys; takes its reply in (false: it is none). */
typedef void (*otp_desk_ask_t)(otp_flow_t *flow, otp_span_t name);
typedef bool (*otp_desk_take_t)(otp_desk_t *desk, const otp_reply_t *reply);

/* What only the helpdesk's pages need. */
struct otp_desk_s {
    otp_person_found_t person[OTP_PEOPLE_FOUND + 2];
    size_t             persons;
    bool               more;
    bool               scoped;                      /* the agent has not to do with everybody, */
    char               scope_text[OTP_SCOPE_LEN];
    otp_span_t         scope;                       /* but with these groups; empty: too many to be listed */
    char               extra[2][OTP_UID_LEN + 1];   /* found by account and by key, to be looked up */
    size_t             extras, asked;
    bool               stocked, stock_disabled;     /* flow->serial is in the stock and nobody's; it is disabled */
    otp_name_t         name[OTP_FLOW_COMMANDS];
    int64_t            waiting;                     /* of everybody: not for a scoped agent */
    unsigned           tags;                        /* of the sets looked at so far */
    otp_desk_ask_t     ask;
    otp_desk_take_t    take;
    otp_flow_stage_t   next;
    otp_desk_request_t request[OTP_REQUESTS_SHOWN];     /* to be shown */
    size_t             requests;
    otp_desk_request_t candidate[OTP_REQUESTS_SHOWN];   /* the oldest ones behind `after` */
    size_t             candidates, read, checked;
    unsigned           rounds;
    char               after[OTP_SERIAL_MAX + 1], after_text[OTP_SERIAL_MAX + 24], from[24];
    int64_t            after_place;
};

/* ---- otp_access.c ---- */
/* Whether the session was opened with the key. */
bool otp_access_by_key(const otp_flow_t *flow);
/* Whether the person who is signed in is an agent, whatever they signed in with. */
bool otp_access_agent(const otp_flow_t *flow);
/* Goes on with `stage` when the session is enough for the endpoint.  The session's groups may be hours old: whether an
 * agent is one still, and of which groups, is asked of the directory, when there is one. */
otp_effect_t otp_access_enter(otp_flow_t *flow, otp_flow_stage_t stage);
/* Whether the agent has not to do with everybody. */
bool otp_access_scoped(const otp_flow_t *flow);
/* The groups, comma-separated, of whom the agent may see.  false: everybody. */
OTP_MUST_USE bool otp_access_scope(const otp_flow_t *flow, otp_buffer_t *scope);
/* Whether and why not flow->subject is in the agent's reach; its directory part must be known. */
otp_reach_t otp_access_reach(const otp_flow_t *flow, const otp_subject_t *subject);
/* 403 with the reason; of a POST it leaves an event. */
otp_effect_t otp_access_forbidden(otp_flow_t *flow, otp_reach_t reach, const char *event);
/* The event alone; `next` answers. */
otp_effect_t otp_access_tell(otp_flow_t *flow, otp_reach_t reach, const char *event, otp_flow_stage_t next);
/* Where the endpoint itself is, for coming back after signing in: into flow->rd unless there is one. */
void otp_access_return_here(otp_flow_t *flow);

/* ---- otp_subject.c ---- */
/* Forgets whom the flow was about. */
void otp_subject_reset(otp_flow_t *flow);
void otp_subject_destroy(otp_subject_t *subject);
/* Whose uid this is, canonical.  false: nobody can have it. */
OTP_MUST_USE bool otp_subject_take(otp_flow_t *flow, otp_span_t uid);
/* The person of the session. */
void otp_subject_self(otp_flow_t *flow);
/* Asks the directory, when there is one, then goes on; 503 when it cannot be read. */
otp_effect_t otp_subject_ask(otp_flow_t *flow, otp_flow_stage_t next);
/* Reads account, and of history and sessions what `parts` says; 503 when Redis does not answer as it should. */
otp_effect_t otp_subject_load(otp_flow_t *flow, unsigned parts, otp_flow_stage_t next);
/* The name and e-mail that are shown. */
otp_span_t otp_subject_name(const otp_subject_t *subject);
otp_span_t otp_subject_email(const otp_subject_t *subject);

/* ---- otp_person_view.c: all of them new objects, NULL: no memory ---- */
/* Sets a text of a row, the empty one when `text` cannot be shown. */
OTP_MUST_USE bool otp_row_text(json_t *row, const char *name, otp_span_t text);
OTP_MUST_USE bool otp_row_flag(json_t *row, const char *name, bool value);
OTP_MUST_USE bool otp_row_number(json_t *row, const char *name, int64_t value);
/* A time as the answer has it: a text of the page; unix seconds or null in JSON. */
OTP_MUST_USE bool otp_row_time(const otp_flow_t *flow, json_t *row, const char *name, int64_t at_s);
/* Why people have disabled it: that a key is on its way is no reason. */
otp_span_t otp_key_reason(const otp_key_t *key);
json_t *otp_person_keys(const otp_flow_t *flow, const otp_account_t *account);
json_t *otp_person_signals(const otp_flow_t *flow, const otp_account_t *account);
/* What the banner says, as the form that dismisses it carries it: NAME:AT:COUNT, comma-separated. */
OTP_MUST_USE bool otp_person_signals_text(const otp_account_t *account, json_t *view);
/* That again into `seen`; what is none of ours counts for nothing. */
void otp_person_signals_read(otp_span_t text, otp_signal_note_t seen[OTP_SIGNALS]);
/* null when there is none. */
json_t *otp_person_request(const otp_flow_t *flow, const otp_account_t *account);
OTP_MUST_USE bool otp_person_request_view(const otp_flow_t *flow, const otp_account_t *account, json_t *view);
json_t *otp_person_session(const otp_flow_t *flow, const otp_session_t *session);
/* Of one line of the history; json null when it is none, or not for the eyes of who asks. */
json_t *otp_person_event(const otp_flow_t *flow, otp_span_t line);

/* ---- otp_act.c ---- */
/* Claims the form, so that of two sent at once one acts and the other waits for its answer. */
otp_effect_t otp_act_claim(otp_flow_t *flow, otp_flow_stage_t claimed);
/* An order of flow->acting, by and for the people of this request. */
otp_action_order_t *otp_act_order(otp_flow_t *flow, otp_action_kind_t kind);
/* Carries out flow->acting.order; `done` finds flow->acting.result, which is neither BUSY nor UNAVAILABLE.  A refusal
 * has left its event. */
otp_effect_t otp_act(otp_flow_t *flow, otp_flow_stage_t done);

/* ---- otp_told.c ---- */
/* PORTAL + `where`, which has a query that names what was done, and what proves it. */
otp_span_t otp_told_location(otp_flow_t *flow, const char *where);
/* Whether this request was led to `where` by such an answer, just now. */
bool otp_told(const otp_flow_t *flow, const char *where);

/* ---- otp_helpdesk_*.c ---- */
/* Makes flow->desk and sums up, in its `waiting`, the requests that wait. */
otp_effect_t otp_helpdesk_count(otp_flow_t *flow, otp_flow_stage_t next);
/* Asks all the sets of waiting keys. */
otp_effect_t otp_helpdesk_waiting(otp_flow_t *flow, otp_desk_ask_t ask, otp_desk_take_t take, otp_flow_stage_t next);
/* NULL: there is none. */
const otp_desk_action_t *otp_desk_action_find(otp_span_t path, bool request);
/* Sets the flag `prefix` + path ("done_pin_clear"). */
OTP_MUST_USE bool otp_desk_action_flag(json_t *view, const char *prefix, const otp_desk_action_t *action);
/* A field of the form; the address fills in only the page that has it.  Trimmed. */
otp_span_t otp_desk_field(const otp_flow_t *flow, const char *name);
/* The page that says what was done, below the portal: the person's, or the list of requests. */
void otp_desk_where(const otp_flow_t *flow, const otp_desk_action_t *done, char where[OTP_WHERE_MAX]);
/* The notice that a redirect has carried to this page. */
OTP_MUST_USE bool otp_desk_done_view(otp_flow_t *flow, json_t *view, bool request);
/* Whether the confirmation that was sent showed something else than what holds now. */
bool otp_desk_moved(otp_flow_t *flow);
/* What a confirmation shows and carries; "changed_since". */
OTP_MUST_USE bool otp_desk_seen_view(otp_flow_t *flow, json_t *view);
/* 409; leaves an event. */
otp_effect_t otp_desk_moved_refuse(otp_flow_t *flow);
/* Member `name`: PORTAL helpdesk/user/UID. */
OTP_MUST_USE bool otp_desk_address_set(const otp_flow_t *flow, json_t *row, const char *name, otp_span_t uid);

OTP_MUST_USE bool otp_key_view(otp_flow_t *flow, json_t *view);
OTP_MUST_USE bool otp_activity_view(otp_flow_t *flow, json_t *view);
OTP_MUST_USE bool otp_helpdesk_search_view(otp_flow_t *flow, json_t *view);
OTP_MUST_USE bool otp_helpdesk_person_view(otp_flow_t *flow, json_t *view);
OTP_MUST_USE bool otp_helpdesk_confirm_view(otp_flow_t *flow, json_t *view);
OTP_MUST_USE bool otp_helpdesk_emergency_view(otp_flow_t *flow, json_t *view);
OTP_MUST_USE bool otp_helpdesk_requests_view(otp_flow_t *flow, json_t *view);

/* ---- endpoints ---- */
otp_effect_t otp_key_get(otp_flow_t *flow);
otp_effect_t otp_key_post(otp_flow_t *flow);
otp_effect_t otp_key_lost_post(otp_flow_t *flow);
otp_effect_t otp_key_pin_get(otp_flow_t *flow);
otp_effect_t otp_key_pin_post(otp_flow_t *flow);
otp_effect_t otp_signals_post(otp_flow_t *flow);
otp_effect_t otp_activity_get(otp_flow_t *flow);
otp_effect_t otp_activity_end_post(otp_flow_t *flow);
otp_effect_t otp_helpdesk_get(otp_flow_t *flow);
otp_effect_t otp_helpdesk_person_get(otp_flow_t *flow);
otp_effect_t otp_helpdesk_action(otp_flow_t *flow);
otp_effect_t otp_helpdesk_requests_get(otp_flow_t *flow);
otp_effect_t otp_helpdesk_request(otp_flow_t *flow);

#endif
