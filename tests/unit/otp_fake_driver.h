/*
 * Test support: drives portal flows against the Redis in memory, with people, browsers that keep cookies, and
 * a clock.  A flow is run to its answer, or stepped one Redis command at a time among others.
 *
 * Build: see otp_fake_redis.h.
 */
#ifndef OTP_FAKE_DRIVER_H
#define OTP_FAKE_DRIVER_H

#include <jansson.h>

#include "core/model/otp_stock.h"
#include "core/portal/otp_flow.h"
#include "otp_fake_key.h"
#include "otp_fake_redis.h"

#define OTP_FAKE_COOKIE "__Host-otp"
#define OTP_FAKE_BUSY_S 3       /* what a directory that is busy says */

/* People: marie (password "Correct horse 1"), paul ("Correct horse 2"), lea ("Correct horse 3"),
 * jose ("Correct horse 4"), whose name is not UTF-8, hugo ("Correct horse 5"), zoe ("Correct horse 6").  Paul and hugo
 * are of the helpdesk; zoe is of the group "college", the others (hugo not) of the group "staff".  The site is in
 * Paris, in winter. */

typedef struct {
    int     status;
    char   *body;
    size_t  len;
    char   *headers;            /* "Name: value\n"… */
    json_t *json;               /* NULL: the body is not JSON */
} otp_fake_answer_t;

typedef struct {
    otp_settings_t       settings;
    otp_fake_redis_t    *redis;
    int64_t              now_ms;
    uint64_t             random;
    int64_t              floor_s;       /* what flows are told of lost writes, and */
    otp_spent_t         *spent;         /* the memory of their gateway; NULL: none */
    otp_person_verdict_t directory;     /* OTP_PERSON_MATCHES: it works */
    bool                 directory_late;        /* a hash gets its place all the same */
    size_t               finds_at_most; /* people of a search */
    const char          *moved;         /* who is of other groups now (NULL: nobody), and */
    const char          *moved_to;      /* of which: NULL: the directory does not have them any more */
    unsigned             passwords;     /* hashes computed */
    unsigned             directory_asked;
    uint64_t             commands;      /* stepped so far */
    char                 trips[1024];   /* to Redis, of the last flow begun: "GET once, GET thra | EVALSHA acct" */
    char                 asked_account[65], asked_address[65];      /* whose share of the queue the last hash took */
    bool                 asked_known;
    otp_fake_answer_t   *answer;        /* the last one of otp_fake_get() and otp_fake_post() */
} otp_fake_world_t;

typedef struct {
    struct {
        char name[32], value[96];
    }           cookie[8];
    size_t      cookies;
    const char *accept;                 /* NULL: application/json */
    const char *accept_language;
    const char *address;                /* NULL: 192.0.2.1 */
    const char *content_type;           /* NULL: a form */
    const char *host;                   /* NULL: gate.example */
    const char *origin;                 /* NULL: the browser names none */
    char        token[64];
} otp_fake_browser_t;

typedef struct otp_fake_call_s otp_fake_call_t;

void otp_fake_open(otp_fake_world_t *world);
void otp_fake_close(otp_fake_world_t *world);
int64_t otp_fake_step_now(const otp_fake_world_t *world);       /* of a key without drift */
void otp_fake_pass(otp_fake_world_t *world, int64_t seconds);

/* ---- one flow, step by step ---- */
otp_fake_call_t *otp_fake_begin(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *method,
    const char *target, const char *body);
/* One Redis command, look at the directory, or wait.  true: it has its answer. */
bool otp_fake_step(otp_fake_call_t *call);
/* Whether nothing can happen before the clock moves. */
bool otp_fake_waiting(const otp_fake_call_t *call);
/* The browser takes the cookies; the caller frees the answer. */
otp_fake_answer_t *otp_fake_end(otp_fake_call_t *call);
void otp_fake_answer_free(otp_fake_answer_t *answer);

/* ---- whole requests; the answer belongs to the world and lives until the next one ---- */
const otp_fake_answer_t *otp_fake_get(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *target);
const otp_fake_answer_t *otp_fake_post(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *target,
    const char *fields);
const otp_fake_answer_t *otp_fake_request(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *method,
    const char *target, const char *body);
/* A fresh token from `page`, kept in browser->token. */
const char *otp_fake_token(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *page);
/* Takes a token from `page`, then posts the fields with it. */
const otp_fake_answer_t *otp_fake_submit(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *page,
    const char *fields);

/* The same with a token of the session, for endpoints without a page. */
const otp_fake_answer_t *otp_fake_send(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *target,
    const char *fields);

/* A member of the JSON answer: its text, "" when it is not there; its number, -1. */
const char *otp_fake_text(const otp_fake_answer_t *answer, const char *member);
int64_t otp_fake_number(const otp_fake_answer_t *answer, const char *member);
/* The value of a header, "" when it is not there; into memory that the next call reuses. */
const char *otp_fake_header(const otp_fake_answer_t *answer, const char *name);
const char *otp_fake_cookie(const otp_fake_browser_t *browser, const char *name);
/* The browser loses a cookie. */
void otp_fake_forget(otp_fake_browser_t *browser, const char *name);
/* Whether the answer sets our cookie to a value. */
bool otp_fake_gives_session(const otp_fake_answer_t *answer);

/* ---- signing in; the verdict as the interface names it ---- */
const char *otp_fake_verdict(const otp_fake_answer_t *answer);      /* "verdict", or else "error", of the JSON answer */
const char *otp_fake_password(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *uid);
/* At the first page, and at the page of the step-up. */
const char *otp_fake_direct(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *uid,
    const char *passcode);
const char *otp_fake_step_up(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *passcode);
const char *otp_fake_create_pin(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *pin);
/* By password, then with the key and OTP_FAKE_PIN. */
const char *otp_fake_by_key(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *uid, const char *serial);
/* The level of the session, "" when there is none. */
const char *otp_fake_level(otp_fake_world_t *world, otp_fake_browser_t *browser);

/* ---- accounts ---- */
void otp_fake_account_put(otp_fake_world_t *world, const otp_account_t *account);
otp_account_t otp_fake_account_get(otp_fake_world_t *world, const char *uid);
/* An account with one key; `pin` NULL: none. */
void otp_fake_account(otp_fake_world_t *world, const char *uid, const char *serial, const char *pin);

/* ---- the stock ---- */
void otp_fake_world_stock_put(otp_fake_world_t *world, const otp_stock_t *stock);
otp_stock_t otp_fake_world_stock_get(otp_fake_world_t *world, const char *serial);
/* A key of the stock; `uid` "": free.  It shows the codes of otp_fake_passcode(). */
void otp_fake_world_stock(otp_fake_world_t *world, const char *serial, const char *uid);

#endif
