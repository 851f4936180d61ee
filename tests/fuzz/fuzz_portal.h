/*
 * What the harnesses of the portal share: a world in which marie and paul, who is an agent, are signed in, and what no
 * answer may be.  Run in the root of the project: the pages are the ones that are shipped.
 */
#ifndef FUZZ_PORTAL_H
#define FUZZ_PORTAL_H

#include <string.h>

#include "core/http/otp_form.h"
#include "core/http/otp_return_address.h"
#include "core/model/otp_session.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/otp_fake_driver.h"

typedef enum { FUZZ_ANYBODY, FUZZ_MARIE_PASSWORD, FUZZ_MARIE_KEY, FUZZ_PAUL_KEY, FUZZ_LEA_PIN } fuzz_who_t;
#define FUZZ_WHO 5

typedef struct {
    otp_fake_world_t    world;
    otp_fake_redis_t   *before;             /* as every input finds it */
    otp_fake_browser_t  browser[FUZZ_WHO];  /* each with a token for its next form */
    otp_level_t         opened;             /* the highest level of a session that was written since; OFF: none */
    bool                refused;            /* the last one was not written, or whether it was is unknown */
    bool                swapped;            /* an account was changed: Redis said so */
    otp_span_t          lies;               /* what is left of the input for them */
} fuzz_stage_t;

static fuzz_stage_t fuzz_stage;

/* Notes sessions that are being opened.  With the key's level only once the code is spent: the account was changed. */
static inline void fuzz_watch(const otp_command_t *command, const otp_fake_replies_t *replies)
{
    const otp_reply_t *reply = &replies->reply[replies->count - 1];
    otp_session_t      session;

    if (command->swap && otp_span_starts(command->arg[3], OTP_SPAN("otp:acct:"))) {
        fuzz_stage.swapped = !replies->lost && reply->kind == OTP_REPLY_ARRAY && reply->elements == 1
            && reply->element[0].kind == OTP_REPLY_INTEGER && reply->element[0].integer == 1;
    }

    if (command->args < 3 || !otp_span_equal(command->arg[0], OTP_SPAN("SET"))
        || !otp_span_starts(command->arg[1], OTP_SPAN("otp:sess:")))
    {
        return;
    }
    FUZZ_REQUIRE(otp_session_read(fuzz_stage.world.settings.ring, command->arg[1], command->arg[2], &session)
                 == OTP_OK);
    FUZZ_REQUIRE(session.level != OTP_LEVEL_OTP || fuzz_stage.swapped);
    if (session.level > fuzz_stage.opened) {
        fuzz_stage.opened = session.level;
    }
    fuzz_stage.refused = replies->lost || reply->kind == OTP_REPLY_ERROR;
}

static inline void fuzz_sign_in(fuzz_who_t who, const char *uid, const char *serial)
{
    fuzz_stage_t       *stage = &fuzz_stage;
    otp_fake_browser_t *browser = &stage->browser[who];

    FUZZ_REQUIRE(strcmp(otp_fake_password(&stage->world, browser, uid), "ok") == 0);
    if (serial != NULL) {
        const char *pin = who == FUZZ_LEA_PIN ? "" : OTP_FAKE_PIN;

        (void) otp_fake_step_up(&stage->world, browser,
                                otp_fake_passcode(pin, serial, otp_fake_step_now(&stage->world)).text);
    }
    (void) otp_fake_token(&stage->world, browser, "session");
}

static inline void fuzz_open(void)
{
    fuzz_stage_t *stage = &fuzz_stage;

    if (stage->before != NULL) {
        return;
    }
    otp_fake_open(&stage->world);
    otp_fake_account(&stage->world, "marie", "K-1", OTP_FAKE_PIN);
    otp_fake_account(&stage->world, "paul", "KP", OTP_FAKE_PIN);
    otp_fake_account(&stage->world, "lea", "K-3", NULL);
    otp_fake_world_stock(&stage->world, "K-1", "marie");
    otp_fake_world_stock(&stage->world, "KP", "paul");
    otp_fake_world_stock(&stage->world, "K-3", "lea");
    otp_fake_world_stock(&stage->world, "N-1", "");
    (void) otp_fake_token(&stage->world, &stage->browser[FUZZ_ANYBODY], "login");
    fuzz_sign_in(FUZZ_MARIE_PASSWORD, "marie", NULL);
    fuzz_sign_in(FUZZ_MARIE_KEY, "marie", "K-1");
    fuzz_sign_in(FUZZ_PAUL_KEY, "paul", "KP");
    fuzz_sign_in(FUZZ_LEA_PIN, "lea", "K-3");
    otp_fake_pass(&stage->world, 60);
    FUZZ_REQUIRE(strcmp(otp_fake_level(&stage->world, &stage->browser[FUZZ_MARIE_KEY]), "otp") == 0);
    FUZZ_REQUIRE(strcmp(otp_fake_level(&stage->world, &stage->browser[FUZZ_PAUL_KEY]), "otp") == 0);
    FUZZ_REQUIRE(otp_fake_redis_count(stage->world.redis, "otp:pend:") == 1);
    stage->before = stage->world.redis;
    stage->world.redis = NULL;
}

/* One request in the world as it was, with a Redis that `liar` speaks for. */
static inline const otp_fake_answer_t *fuzz_ask(const otp_fake_browser_t *who, otp_fake_liar_t liar, const char *method,
    const char *target, const char *body)
{
    fuzz_stage_t             *stage = &fuzz_stage;
    otp_fake_browser_t        browser = *who;
    const otp_fake_answer_t  *answer;
    int64_t                   now_ms = stage->world.now_ms;

    stage->world.redis = otp_fake_redis_copy(stage->before);
    stage->world.redis->liar = liar;
    stage->world.random = 20260722;
    stage->opened = OTP_LEVEL_OFF;
    stage->refused = stage->swapped = false;
    answer = otp_fake_request(&stage->world, &browser, method, target, body);
    otp_fake_redis_destroy(stage->world.redis);
    stage->world.redis = NULL;
    stage->world.now_ms = now_ms;
    return answer;
}

/* Headers are headers; whoever is sent away stays with us; JSON is JSON; nobody gets a session that is not kept. */
static inline void fuzz_judge(const otp_fake_answer_t *answer)
{
    const char *type = otp_fake_header(answer, "Content-Type"), *location;

    FUZZ_REQUIRE(answer->status >= 200 && answer->status <= 503 && answer->status != 500);
    FUZZ_REQUIRE(strncmp(type, "application/json", 16) != 0 || answer->json != NULL);
    for (const char *c = answer->headers; *c; c++) {
        FUZZ_REQUIRE(*c == '\n' || ((unsigned char) *c >= ' ' && *c != 0x7f));
    }
    FUZZ_REQUIRE(!fuzz_stage.refused || answer->status == 503);
    location = otp_fake_header(answer, "Location");
    if (answer->status == 302 || answer->status == 303) {
        static const otp_span_t hosts[] = { { "app.example", 11 } };

        FUZZ_REQUIRE(otp_return_address_allowed(otp_span_of(location), OTP_SPAN("https"), OTP_SPAN("gate.example"),
                                                hosts, 1));
    }
}

#endif
