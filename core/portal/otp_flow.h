/*
 * A flow: one request to the portal, from its bytes to its answer, as a coroutine without I/O.
 *
 * otp_flow_step() runs until something of the outside world is needed, says what (the effect), and is
 * called again with what came back.  nginx drives it from its event loop, a test from a table.
 *
 *     effect = otp_flow_step(flow, now_ms, NULL, 0);
 *     for ( ;; ) switch (effect) {
 *     case OTP_EFFECT_COMMANDS:   send flow->command[0..flow->commands) in this order on one
 *                                 connection; step(flow, now_ms, replies, flow->commands);
 *                                 with replies == NULL when they did not all come (then what of them
 *                                 was carried out is unknown, and the flow fails closed)
 *     case OTP_EFFECT_PLACE:      take a place for the hash that flow->person_query will ask for, and say in
 *                                 *flow->person_result whether there is one (OTP_PERSON_MATCHES: yes); give it back
 *                                 when the hash is done, or the flow is; step(flow, now_ms, NULL, 0)
 *     case OTP_EFFECT_PERSON:     ask the directory about flow->person_query in a thread, put what
 *                                 it says into *flow->person_result; step(flow, now_ms, NULL, 0)
 *     case OTP_EFFECT_WAIT:       after flow->wait_ms: step(flow, now_ms, NULL, 0)
 *     case OTP_EFFECT_ANSWER:     send flow->answer; destroy
 *     }
 */
#ifndef OTP_FLOW_H
#define OTP_FLOW_H

#include "core/decide/otp_hash_queue.h"
#include "core/decide/otp_spent.h"
#include "core/model/otp_person.h"
#include "core/portal/otp_settings.h"
#include "core/store/otp_command.h"

#define OTP_FLOW_COMMANDS   12
#define OTP_FLOW_AUDITS     16      /* those of an action, and a few */
#define OTP_FLOW_RANDOM     256     /* random bytes a flow may use */
#define OTP_BODY_MAX        8192

typedef enum { OTP_REQUEST_GET, OTP_REQUEST_HEAD, OTP_REQUEST_POST, OTP_REQUEST_OTHER } otp_request_method_t;

/* Spans belong to the caller and live as long as the flow. */
typedef struct {
    otp_request_method_t method;
    otp_span_t   path;              /* what follows settings->portal, percent-decoded: "login", "" */
    otp_span_t   query;             /* raw, without '?' */
    otp_span_t   body;              /* raw */
    otp_span_t   content_type;
    const otp_span_t *cookie;       /* raw values of the Cookie headers */
    size_t       cookies;
    otp_span_t   accept;
    otp_span_t   accept_language;
    otp_span_t   scheme;            /* "http" or "https" */
    otp_span_t   host;              /* Host header, lower case, with port if it has one */
    otp_span_t   origin;            /* Origin header, may be empty */
    otp_span_t   address;           /* client address, text */
    otp_span_t   request_id;        /* for the audit */
    bool         body_too_large;    /* the body was longer than OTP_BODY_MAX and not read */
    int64_t      floor_s;           /* what Redis holds may lack what was accepted up to this unix second; 0: nothing.
                                       To be brought up to date before each step of the flow */
    otp_spent_t *spent;             /* the gateway's memory; NULL: it has none */
} otp_request_t;

typedef enum {
    OTP_EFFECT_COMMANDS,
    OTP_EFFECT_PLACE,
    OTP_EFFECT_PERSON,
    OTP_EFFECT_WAIT,
    OTP_EFFECT_ANSWER
} otp_effect_t;

#define OTP_PEOPLE_FOUND    25      /* people a search gives at most */
#define OTP_SCOPE_LEN       2048    /* groups a search is kept to */

typedef struct {
    otp_span_t uid;                 /* canonical */
    otp_span_t password;            /* to be checked, in the place taken; data NULL: look up only */
    otp_span_t search;              /* data not NULL: instead, who has this in identifier, name or e-mail */
    otp_span_t groups;              /* of a search: comma-separated, one of them at least; empty: everybody */
    otp_hash_asker_t asker;         /* of a place: whose share of the queue it takes */
} otp_person_query_t;

/* Somebody a search found. */
typedef struct {
    char uid[OTP_UID_LEN + 1], name[OTP_NAME_LEN + 1], email[OTP_EMAIL_LEN + 1], groups[OTP_GROUPS_LEN + 1];
} otp_person_found_t;

typedef enum {
    OTP_PERSON_MATCHES,             /* known, and the password (if asked) is right */
    OTP_PERSON_REFUSED,             /* unknown, or the password is wrong: indistinguishable */
    OTP_PERSON_THROTTLED,           /* this account, or address, has enough in the queue of the threads: 429 */
    OTP_PERSON_BUSY,                /* the queue is full, or was too slow: 503 */
    OTP_PERSON_UNAVAILABLE          /* the directory cannot be read: 503 */
} otp_person_verdict_t;

typedef struct {
    otp_person_verdict_t verdict;
    int64_t              retry_after_s;             /* of THROTTLED and BUSY; 1 at least */
    char                 name[OTP_NAME_LEN], email[OTP_EMAIL_LEN], groups[OTP_GROUPS_LEN];
    size_t               name_len, email_len, groups_len;
    otp_person_found_t   found[OTP_PEOPLE_FOUND];   /* of a search, in the directory's order; MATCHES even when none */
    size_t               founds;
    bool                 more;                      /* there are others */
} otp_person_result_t;

typedef struct {
    otp_span_t name, value;
} otp_header_t;

#define OTP_ANSWER_HEADERS  16

typedef struct {
    int          status;
    otp_header_t header[OTP_ANSWER_HEADERS];    /* Content-Type included; Content-Length not */
    size_t       headers;
    otp_span_t   body;                          /* empty for a redirect */
    otp_span_t   verdict;                       /* for the log and the figures: "ok", "denied", "page"… */
} otp_answer_t;

typedef struct otp_flow_s otp_flow_t;

/* The parts of a flow its driver sees. */
typedef struct {
    const otp_command_t *command;
    size_t               commands;
    otp_person_query_t   person_query;
    otp_person_result_t *person_result;
    int64_t              wait_ms;
    otp_answer_t         answer;        /* all of it belongs to the flow */
    otp_span_t           audit[OTP_FLOW_AUDITS];        /* JSON lines to copy to otp_audit, complete once answered */
    size_t               audits;
} otp_flow_view_t;

/* NULL: no memory.  `settings` and what `request` points to must outlive the flow; `random` is copied. */
OTP_MUST_USE otp_flow_t *otp_flow_create(const otp_settings_t *settings, const otp_request_t *request,
    const uint8_t random[OTP_FLOW_RANDOM]);
/* Wipes and frees; legal at any moment, so a client that goes away just destroys it. */
void otp_flow_destroy(otp_flow_t *flow);

OTP_MUST_USE otp_effect_t otp_flow_step(otp_flow_t *flow, int64_t now_ms, const otp_reply_t *const *replies,
    size_t count);
otp_flow_view_t *otp_flow_view(otp_flow_t *flow);

#endif
