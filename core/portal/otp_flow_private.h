/*
 * The inside of a flow, shared by the files of the portal.
 *
 * A flow is a chain of stages.  A stage runs, then either answers, or names the stage that gets what the
 * effect brings back: `return otp_flow_commands(flow, next_stage)`.
 */
#ifndef OTP_FLOW_PRIVATE_H
#define OTP_FLOW_PRIVATE_H

#include "core/action/otp_sweep.h"
#include "core/decide/otp_decide.h"
#include "core/http/otp_form.h"
#include "core/model/otp_event.h"
#include "core/model/otp_json.h"
#include "core/model/otp_mail.h"
#include "core/model/otp_mixup.h"
#include "core/model/otp_pending.h"
#include "core/model/otp_session.h"
#include "core/model/otp_throttle.h"
#include "core/page/otp_pages.h"
#include "core/portal/otp_attempt_private.h"
#include "core/portal/otp_desk_private.h"
#include "core/portal/otp_flow.h"
#include "core/store/otp_names.h"
#include "core/store/otp_swap.h"

#define OTP_ONCE_MAX        49152   /* a kept answer, sealed */
#define OTP_LOCATION_MAX    4096
#define OTP_HEADER_TEXTS    6       /* headers of one answer that are made, not copied */
#define OTP_SWAP_TRIES      200     /* lost compare-and-sets before the request is given up */
#define OTP_CSRF_LEN        49

/* Adds the commands that read what a form is decided by to those that are sent anyway.  false: cannot. */
typedef bool (*otp_flow_read_t)(otp_flow_t *flow);

typedef struct {
    const char       *path;         /* "*" stands for one part that is not empty */
    otp_flow_stage_t  get, post;    /* NULL: the endpoint does not have that method */
    otp_page_t        page;         /* shown again when a form of it is refused */
    otp_access_t      access;
    otp_flow_read_t   read, read_known;     /* with the session; once that is known.  NULL: nothing */
} otp_route_t;

/* What an answer tells beside its verdict; the words are the templates'.  All optional. */
typedef struct {
    const char *flag;               /* what the page says: "denied", "already_used"… */
    int64_t     retry_after_s;
    const char *level;              /* JSON of "ok" */
    const char *reason;             /* JSON of "pin_refused" */
} otp_notice_t;

/* How the page of an endpoint is shown: after a form that was refused it says why. */
typedef struct {
    int          status;            /* 0: nothing has happened yet */
    const char  *verdict;
    otp_notice_t notice;
} otp_showing_t;

typedef enum { OTP_SPELLING_TYPED, OTP_SPELLING_UPPER, OTP_SPELLING_LOWER } otp_spelling_t;
#define OTP_SPELLINGS 3

struct otp_flow_s {
    otp_flow_view_t        view;
    const otp_settings_t  *settings;
    const otp_request_t   *request;
    const otp_route_t     *route;
    otp_span_t             part[2];                 /* of the path, where the route has a "*" */
    otp_flow_stage_t       next;
    int64_t                now_ms, now_s;
    const otp_reply_t *const *reply;        /* NULL: they did not come */
    size_t                 replies;
    bool                   lost;                    /* commands were sent and their replies did not come */

    uint8_t                random[OTP_FLOW_RANDOM];
    size_t                 random_used;

    bool                   json;
    size_t                 language;
    bool                   language_asked;
    char                   query_text[OTP_BODY_MAX], form_text[OTP_BODY_MAX];
    otp_form_t             query, form;
    char                   rd[OTP_LOCATION_MAX];    /* judged; empty: none */
    char                   uid[OTP_UID_LEN + 1];
    char                   passcode[128];
    char                   serial[OTP_SERIAL_MAX + 1];      /* canonical, of the form */
    otp_name_t             spelling[OTP_SPELLINGS];         /* of it; then: */
    otp_flow_stage_t       spelled;

    otp_span_t             cookie;                  /* of a session, well formed; data NULL: none */
    otp_span_t             browser;                 /* the cookie before sign-in; data NULL: none */
    char                   browser_new[OTP_COOKIE_LEN + 1];
    otp_session_lookup_t   lookup;
    otp_name_t             pend, user;              /* of the cookie; of the session's person */
    char                   session_text[OTP_SESSION_MAX];
    otp_session_t          session;
    otp_pending_t          pending;
    char                   pending_text[OTP_PENDING_MAX];   /* as it was read */
    size_t                 pending_len;
    bool                   signed_in, has_pending;
    otp_device_t           device;

    size_t                 read_at;                 /* the first reply to what `read` or `read_known` has added */
    otp_name_t             once;
    bool                   once_kept;               /* the answer under way is to be kept */
    otp_span_t             once_found;              /* sealed answer of the same form, data NULL: none */
    char                   once_text[OTP_ONCE_MAX];
    unsigned               once_waits;
    bool                   once_reserved;           /* others with this form wait for our answer */
    otp_flow_stage_t       once_lapsed;             /* when there will be none: goes on by itself; NULL: cannot */

    otp_person_t           person;                  /* who signs in */
    otp_person_result_t    person_result;
    bool                   person_refused;
    char                   account_text[OTP_ACCOUNT_MAX];   /* the record as read, while the directory is asked */
    size_t                 account_len;
    otp_span_t             personal[2];             /* what a PIN must not be part of */
    char                   flag[32];
    otp_attempt_t          attempt;
    otp_counting_t         user_count, address_count;
    otp_counting_t        *counting;                /* the one being counted up, and */
    otp_flow_stage_t       counted;                 /* what follows, or when others have used up what was free: */
    otp_flow_stage_t       outrun;                  /* NULL: counted all the same */
    const char            *refused_flag;            /* "throttled" or "locked" */
    int64_t                refused_for_s;
    otp_opening_t          opening;
    otp_sweep_t           *ending;                  /* of sessions by emergency password; malloc */
    otp_flow_stage_t       ended;

    char                   agent_groups[OTP_GROUPS_LEN];    /* as the directory says now */
    otp_flow_stage_t       agent_next;
    otp_showing_t          showing;
    otp_subject_t          subject;                 /* whom the page is about */
    otp_acting_t           acting;
    otp_desk_t            *desk;                    /* malloc; of the helpdesk's pages */
    char                   managed_flag[32];

    otp_command_t          command[OTP_FLOW_COMMANDS];
    char                   event_text[4][OTP_EVENT_MAX];    /* the lines that are not an action's */
    size_t                 event_texts;
    otp_name_t             event_stream, history;
    char                   retry_after[24];

    char                   header_text[OTP_HEADER_TEXTS][OTP_LOCATION_MAX];
    size_t                 header_texts;
    char                  *body;                    /* malloc */
    size_t                 body_len;
};

/* ---- otp_flow.c ---- */
otp_effect_t otp_flow_commands(otp_flow_t *flow, otp_flow_stage_t next);        /* sends flow->command[] */
/* Takes a place for a hash: otp_person_asked() says whether there is one. */
otp_effect_t otp_flow_ask_place(otp_flow_t *flow, otp_flow_stage_t next);
otp_effect_t otp_flow_ask_person(otp_flow_t *flow, otp_span_t password, otp_flow_stage_t next);
/* Asks about somebody else. */
otp_effect_t otp_flow_ask_directory(otp_flow_t *flow, otp_span_t uid, otp_flow_stage_t next);
/* Searches it among the members of `groups` (empty: everybody). */
otp_effect_t otp_flow_search_directory(otp_flow_t *flow, otp_span_t search, otp_span_t groups, otp_flow_stage_t next);
otp_effect_t otp_flow_wait(otp_flow_t *flow, int64_t ms, otp_flow_stage_t next);
/* A fresh command to fill: its first argument is `verb`. */
otp_command_t *otp_flow_command(otp_flow_t *flow, const char *verb);
/* The next `n` random bytes; each is handed out once. */
const uint8_t *otp_flow_random(otp_flow_t *flow, size_t n);
/* All replies came and none is an error. */
OTP_MUST_USE bool otp_flow_replies_good(const otp_flow_t *flow);
/* A bulk reply; data NULL when nil. */
otp_span_t otp_flow_reply_text(const otp_flow_t *flow, size_t i);
/* The replies at hand are those that the route's `read` or `read_known` has asked for. */
OTP_MUST_USE bool otp_flow_has_read(const otp_flow_t *flow);
otp_span_t otp_flow_number(char text[24], int64_t number);

/* ---- otp_flow_request.c ---- */
/* The one value of our cookie NAME + suffix; two of them are none, for nobody can tell which was planted. */
OTP_MUST_USE otp_span_t otp_flow_cookie(const otp_flow_t *flow, const char *suffix);
void otp_flow_choose_language(otp_flow_t *flow);
/* `rd` of the form, or else of the query, when it leads where it may; otherwise it is dropped. */
void otp_flow_read_rd(otp_flow_t *flow);
/* false: the body of a POST is not a form. */
OTP_MUST_USE bool otp_flow_read_form(otp_flow_t *flow);

/* ---- otp_flow_load.c ---- */
/* Reads what the cookie stands for, then dispatches. */
otp_effect_t otp_flow_load(otp_flow_t *flow);

/* ---- otp_route.c ---- */
/* NULL: there is none.  `part` gets what the path has in the places of "*". */
const otp_route_t *otp_route_find(otp_span_t path, otp_span_t part[2]);
/* After the session is known: the stage of the endpoint. */
otp_effect_t otp_route_dispatch(otp_flow_t *flow);

/* ---- otp_audit.c ---- */
/* Fills the members every event has. */
void otp_flow_event(const otp_flow_t *flow, const char *event, const char *verdict, otp_span_t user, otp_event_t *out);
/* Writes the line, keeps it for otp_audit; an empty span when it does not fit. */
otp_span_t otp_flow_event_line(otp_flow_t *flow, const otp_event_t *event);
/* None of the lines so far is to be kept. */
void otp_flow_event_forget(otp_flow_t *flow);
/* XADD of `line` to the stream of `id`. */
void otp_flow_event_command(otp_flow_t *flow, otp_span_t id, otp_span_t line);
/* The same to the person's own history: two commands. */
void otp_flow_history_command(otp_flow_t *flow, otp_span_t uid, otp_span_t line);

/* ---- otp_device.c ---- */
/* Judges the device cookie for flow->uid. */
void otp_device_read(otp_flow_t *flow);
/* flow->uid has signed in, with the passcode or with the password alone: gives this browser a cookie that says so,
 * unless it has a recent one. */
void otp_device_give(otp_flow_t *flow, bool by_passcode);

/* ---- otp_emergency_end.c ---- */
/* Ends the sessions of flow->uid that the emergency password has opened, then goes on with `ended`. */
otp_effect_t otp_emergency_end(otp_flow_t *flow, otp_flow_stage_t ended);
void otp_emergency_end_destroy(otp_flow_t *flow);

/* ---- otp_csrf.c ---- */
/* A fresh token for this browser; sets the browser cookie first when there is none. */
otp_span_t otp_csrf_issue(otp_flow_t *flow, char text[OTP_CSRF_LEN + 1]);
OTP_MUST_USE bool otp_csrf_valid(otp_flow_t *flow);

/* ---- otp_once.c ---- */
OTP_MUST_USE bool otp_once_name(otp_flow_t *flow);
/* Answers with a kept answer, when there is one and this browser may have it. */
OTP_MUST_USE bool otp_once_answer(otp_flow_t *flow);
/* Adds the command that keeps the answer now complete. */
OTP_MUST_USE bool otp_once_keep_command(otp_flow_t *flow);
/* Another request with this very form is under way: waits for its answer. */
otp_effect_t otp_once_await(otp_flow_t *flow);
/* Adds the command that makes others with this form wait for us; whether its reply, number `i`, says that we are the
 * first one. */
void otp_once_reserve_command(otp_flow_t *flow);
OTP_MUST_USE bool otp_once_reserved(otp_flow_t *flow, size_t i);
/* Adds the command that lets them go on by themselves, when there are any: our answer is not kept. */
void otp_once_release_command(otp_flow_t *flow);

/* ---- otp_answer.c ---- */
/* 503; releases a form that was claimed. */
otp_effect_t otp_answer_unavailable(otp_flow_t *flow);
otp_effect_t otp_answer_error(otp_flow_t *flow, int status, const char *error, const char *flag);
otp_effect_t otp_answer_redirect(otp_flow_t *flow, int status, otp_span_t location);
otp_effect_t otp_answer_json(otp_flow_t *flow, int status, const char *verdict, json_t *body);     /* takes body */
otp_effect_t otp_answer_page(otp_flow_t *flow, int status, const char *verdict, otp_page_t page, json_t *view);
otp_effect_t otp_answer_bytes(otp_flow_t *flow, otp_span_t type, otp_span_t bytes);
/* Not signed in, or not with the key: as the guard answers. */
otp_effect_t otp_answer_login_required(otp_flow_t *flow);
otp_effect_t otp_answer_key_required(otp_flow_t *flow);
/* `value` with data NULL: it did not fit, and is left out. */
void otp_answer_header(otp_flow_t *flow, const char *name, otp_span_t value);
/* `max_age_s` < 0: until the browser is closed. */
void otp_answer_cookie(otp_flow_t *flow, const char *suffix, otp_span_t value, int64_t max_age_s);
/* PORTAL + endpoint, in one of the flow's texts. */
otp_span_t otp_answer_location(otp_flow_t *flow, const char *endpoint);
/* Where an accepted sign-in leads: rd, or the portal. */
otp_span_t otp_answer_destination(otp_flow_t *flow);

/* Forgets the answer under way. */
void otp_answer_reset(otp_flow_t *flow);

/* ---- otp_verdict_answer.c ---- */
/* Makes the answer to a form: JSON, or a 303 to `location`, or (none) the form's page again with the notice. */
void otp_answer_compose(otp_flow_t *flow, int status, const char *verdict, otp_span_t location, otp_notice_t notice);
/* The same, keeps it for a repeated form when flow->once_kept, and answers. */
otp_effect_t otp_answer_verdict(otp_flow_t *flow, int status, const char *verdict, otp_span_t location,
    otp_notice_t notice);
/* Keeps the answer now complete for a repeated form when flow->once_kept, and answers. */
otp_effect_t otp_answer_kept(otp_flow_t *flow);
/* The endpoint's page as flow->showing says; a form's answer is kept. */
otp_effect_t otp_answer_show(otp_flow_t *flow);
otp_effect_t otp_answer_denied(otp_flow_t *flow);
otp_effect_t otp_answer_throttled(otp_flow_t *flow, const char *flag, int64_t retry_after_s);
/* 503: {"error":"unavailable"}, or the form again. */
otp_effect_t otp_answer_busy(otp_flow_t *flow, int64_t retry_after_s);
/* These as flow->attempt.decision says. */
otp_effect_t otp_answer_already_used(otp_flow_t *flow);
otp_effect_t otp_answer_wait_next_code(otp_flow_t *flow);
otp_effect_t otp_answer_locked(otp_flow_t *flow);
otp_effect_t otp_answer_pin_refused(otp_flow_t *flow);

/* ---- otp_view.c ---- */
/* What every page is given.  NULL: no memory. */
json_t *otp_view_create(otp_flow_t *flow);
/* The view of `page` in the flow's present state, with a notice. */
json_t *otp_view_of(otp_flow_t *flow, otp_page_t page, otp_notice_t notice);
/* ---- otp_view_around.c ---- */
/* What follows from the rest of the view: has_…, here_…, done, others. */
OTP_MUST_USE bool otp_view_around(json_t *view, otp_page_t page);

/* ---- otp_count.c ---- */
/* Adds the commands that read a throttle of `uid` (empty: none) and that of the address. */
OTP_MUST_USE bool otp_count_ask(otp_flow_t *flow, otp_span_t uid);
/* Adds the command that reads, into flow->user_count, the throttle of what `uid` asks for. */
OTP_MUST_USE bool otp_count_ask_request(otp_flow_t *flow, otp_span_t uid);
/* Takes in the reply number `i`.  false: forged, answer 503. */
OTP_MUST_USE bool otp_count_read(otp_flow_t *flow, otp_counting_t *counting, size_t i);
/* Counts an attempt up, then goes on with `counted`; with `outrun` when parallel attempts have been counted
 * meanwhile so that this one has to wait (NULL: it was considered already). */
otp_effect_t otp_count(otp_flow_t *flow, otp_counting_t *counting, otp_flow_stage_t counted, otp_flow_stage_t outrun);
/* Seconds for which nobody at this address is considered, but browsers in which the person has signed in before are. */
int64_t otp_count_address_wait(const otp_flow_t *flow);
/* Not considered for `wait_s`, because of what `flag` says: writes the event `event_name` and answers so. */
otp_effect_t otp_count_refuse(otp_flow_t *flow, const char *event_name, const char *flag, int64_t wait_s);
/* The same because the threads have no room: 503, for as long as flow->person_result says. */
otp_effect_t otp_count_busy(otp_flow_t *flow, const char *event_name);
/* Adds the command that takes back what was counted, unless others have been counted since. */
void otp_count_release_command(otp_flow_t *flow, otp_counting_t *counting);

/* ---- otp_attempt.c ---- */
/* Decides flow->attempt.submitted about flow->uid, whose record was `stored` (empty: none). */
/* Adds the commands that read what flow->uid is decided about: the account, and the invented one in its place. */
OTP_MUST_USE bool otp_attempt_ask(otp_flow_t *flow);
/* Keeps the first of the two replies, number `i`, in flow->account_text; the second. */
OTP_MUST_USE bool otp_attempt_keep(otp_flow_t *flow, size_t i);
OTP_MUST_USE bool otp_attempt_keep_decoy(otp_flow_t *flow, size_t i);
otp_effect_t otp_attempt_begin(otp_flow_t *flow, otp_span_t stored, const char *event, otp_flow_stage_t done);
/* The line for the audit; the mail that is due with the change, an empty span when there is none. */
otp_span_t otp_attempt_event(otp_flow_t *flow);
OTP_MUST_USE bool otp_attempt_mail(otp_flow_t *flow, otp_span_t *entry);
/* The next display change, in unix seconds. */
int64_t otp_attempt_display_changes(const otp_flow_t *flow);

/* ---- otp_attempt_spent.c ---- */
/* Before each decision: what may be spent beyond what the account says, as the gateway knows it now. */
void otp_attempt_recall(otp_flow_t *flow);
/* Whether the decision goes by more than the record, which another request may have changed since it was read: it is
 * decided once more about what is stored by now. */
OTP_MUST_USE bool otp_attempt_unsure(const otp_flow_t *flow);
/* What was decided is stored: remembers the codes that are spent by it.  false: it must not lead to anything, for there
 * is another master than when it was decided, or another process has accepted one of them meanwhile at another one. */
OTP_MUST_USE bool otp_attempt_spend(otp_flow_t *flow);

/* ---- otp_opening.c ---- */
/* The public id of the session this flow would open: the event of a sign-in names it. */
otp_span_t otp_opening_id(otp_flow_t *flow);
/* Adds the commands that end what the browser's cookie stands for. */
void otp_forget_session(otp_flow_t *flow);
/* Opens a session for flow->person and answers ok. */
otp_effect_t otp_open_session(otp_flow_t *flow, otp_level_t level, otp_auth_t method, otp_span_t serial);
/* Adds the command that ends the browser's pending state, unless it has become another one since it was read. */
void otp_forget_pending(otp_flow_t *flow);
/* Opens a pending state and sends the browser to `endpoint` with `verdict`. */
otp_effect_t otp_open_pending(otp_flow_t *flow, otp_stage_t stage, const char *verdict, const char *endpoint);

/* ---- otp_serial_typed.c ---- */
/* Makes of flow->serial, as it was typed, the serial of the stock that has these letters in capitals, or small, unless
 * there is one with exactly these; then goes on. */
otp_effect_t otp_serial_typed(otp_flow_t *flow, otp_flow_stage_t spelled);

/* ---- endpoints ---- */
/* Takes over the typed passcode, without the blanks people put between PIN and code. */
void otp_passcode_take(otp_flow_t *flow);
/* Takes over what the directory said of flow->uid. */
void otp_person_take(otp_flow_t *flow);
/* The same of what the directory said of them, then goes on; what it cannot say now is a refusal of `event`. */
otp_effect_t otp_person_asked(otp_flow_t *flow, const char *event, otp_flow_stage_t next);
otp_effect_t otp_login_get(otp_flow_t *flow);
otp_effect_t otp_login_post(otp_flow_t *flow);
OTP_MUST_USE bool otp_login_read(otp_flow_t *flow);
otp_effect_t otp_passcode_get(otp_flow_t *flow);
otp_effect_t otp_passcode_post(otp_flow_t *flow);
OTP_MUST_USE bool otp_passcode_read(otp_flow_t *flow);
/* What follows a decision about a passcode or next code, wherever it was typed. */
otp_effect_t otp_passcode_decided(otp_flow_t *flow);
/* "step_up", "first_use", "next_code" or "wait_next_code", from the pending state and attempt.next. */
const char *otp_passcode_state(const otp_flow_t *flow);
otp_effect_t otp_pin_get(otp_flow_t *flow);
otp_effect_t otp_pin_post(otp_flow_t *flow);
/* What the person may open.  NULL: no memory. */
json_t *otp_home_applications(const otp_flow_t *flow);
otp_effect_t otp_home_get(otp_flow_t *flow);
otp_effect_t otp_session_get(otp_flow_t *flow);
otp_effect_t otp_help_get(otp_flow_t *flow);
otp_effect_t otp_health_get(otp_flow_t *flow);
otp_effect_t otp_logout_post(otp_flow_t *flow);

#endif
