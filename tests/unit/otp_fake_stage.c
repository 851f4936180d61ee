#include "otp_fake_stage.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

otp_fake_world_t   world;
otp_fake_browser_t browser, other;


int open_stage(void **state)
{
    (void) state;
    otp_fake_open(&world);
    memset(&browser, 0, sizeof(browser));
    memset(&other, 0, sizeof(other));
    return 0;
}


int close_stage(void **state)
{
    (void) state;
    otp_fake_close(&world);
    return 0;
}


bool page_holds(const char *words)
{
    return memmem(world.answer->body, world.answer->len, words, strlen(words)) != NULL;
}


const otp_fake_answer_t *get_page_as(otp_fake_browser_t *who, const char *target)
{
    const otp_fake_answer_t *answer;

    who->accept = "text/html";
    answer = otp_fake_get(&world, who, target);
    who->accept = NULL;

    return answer;
}


const otp_fake_answer_t *send_page_as(otp_fake_browser_t *who, const char *target, const char *fields)
{
    const otp_fake_answer_t *answer;

    who->accept = "text/html";
    answer = otp_fake_send(&world, who, target, fields);
    who->accept = NULL;

    return answer;
}


bool leads_to(const char *where)
{
    char all[256];

    (void) snprintf(all, sizeof(all), "/otp/%s&told=", where);

    return strncmp(otp_fake_header(world.answer, "Location"), all, strlen(all)) == 0;
}


const otp_fake_answer_t *follow_as(otp_fake_browser_t *who)
{
    char target[256];

    (void) snprintf(target, sizeof(target), "%s", otp_fake_header(world.answer, "Location"));
    assert_int_equal(strncmp(target, "/otp/", 5), 0);

    return get_page_as(who, target + 5);
}


const char *hidden(const char *name)
{
    static char value[256];
    char        field[64];
    const char *at, *end;

    (void) snprintf(field, sizeof(field), "<input type=\"hidden\" name=\"%s\" value=\"", name);
    at = strstr(world.answer->body, field);
    if (at == NULL) {
        return "";
    }
    at += strlen(field);
    end = strchr(at, '"');
    assert_non_null(end);
    (void) snprintf(value, sizeof(value), "%.*s", (int) (end - at), at);

    return value;
}


void fill_desk(void)
{
    otp_fake_account(&world, "paul", "KP", OTP_FAKE_PIN);
    otp_fake_account(&world, "hugo", "KH", OTP_FAKE_PIN);
    otp_fake_account(&world, "marie", "K-1", OTP_FAKE_PIN);
    otp_fake_world_stock(&world, "KP", "paul");
    otp_fake_world_stock(&world, "KH", "hugo");
    otp_fake_world_stock(&world, "K-1", "marie");
    otp_fake_world_stock(&world, "N-1", "");
}


void want(const char *uid, const char *serial)
{
    char               fields[128];
    otp_fake_browser_t asking = { 0 };

    assert_string_equal(otp_fake_password(&world, &asking, uid), "ok");
    (void) snprintf(fields, sizeof(fields), "serial=%s&code=%s", serial,
                    otp_fake_passcode("", serial, otp_fake_step_now(&world)).text);
    assert_string_equal(otp_fake_verdict(otp_fake_send(&world, &asking, "key", fields)), "requested");
}


/* How many commands it took. */
static uint64_t run(otp_fake_browser_t *who, const otp_fake_asked_t *asked, const char *body, otp_fault_t fault,
    uint64_t at)
{
    uint64_t begun = world.commands;

    world.redis->fault = OTP_FAULT_NONE;
    otp_fake_redis_fault(world.redis, fault, at);
    (void) otp_fake_request(&world, who, asked->method, asked->target, body);
    world.redis->fault = OTP_FAULT_NONE;

    return world.commands - begun;
}


void fail_everywhere(otp_fake_browser_t *who, const otp_fake_asked_t *asked, const char *body, const char *accept,
    otp_fake_judge_t judge)
{
    int                      good;
    uint64_t                 commands;
    otp_fake_redis_t        *before, *whole = world.redis;
    const otp_fake_browser_t kept = *who;

    who->accept = accept;
    before = otp_fake_redis_copy(world.redis);
    world.redis = otp_fake_redis_copy(before);
    commands = run(who, asked, body, OTP_FAULT_NONE, 0);
    good = world.answer->status;
    assert_true(good < 500);

    for (uint64_t at = 0; at < commands; at++) {
        for (otp_fault_t fault = OTP_FAULT_ERROR; fault <= OTP_FAULT_DOWN; fault++) {
            otp_fake_redis_destroy(world.redis);
            world.redis = otp_fake_redis_copy(before);
            *who = kept;
            who->accept = accept;
            (void) run(who, asked, body, fault, at);
            judge(asked, good, at, fault);
        }
    }
    otp_fake_redis_destroy(world.redis);
    otp_fake_redis_destroy(before);
    world.redis = whole;
    *who = kept;
}
