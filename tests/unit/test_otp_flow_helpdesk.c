#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/otp_emergency.h"
#include "core/store/otp_names.h"
#include "otp_fake_stage.h"

/* The helpdesk's pages: who may, on whom, and what it does.  Paul is the agent, hugo another one. */

#define K   "K-1"
#define NEW "N-1"

static otp_fake_browser_t agent, person;


static int open_world(void **state)
{
    (void) open_stage(state);
    memset(&agent, 0, sizeof(agent));
    memset(&person, 0, sizeof(person));
    fill_desk();
    assert_string_equal(otp_fake_by_key(&world, &agent, "paul", "KP"), "ok");
    return 0;
}


static const otp_fake_answer_t *get(const char *target)
{
    return otp_fake_get(&world, &agent, target);
}


static const otp_fake_answer_t *send(const char *target, const char *fields)
{
    return otp_fake_send(&world, &agent, target, fields);
}


static const otp_fake_answer_t *get_page(const char *target)
{
    return get_page_as(&agent, target);
}


static const otp_fake_answer_t *send_page(const char *target, const char *fields)
{
    return send_page_as(&agent, target, fields);
}


static const json_t *row(const char *list, size_t i)
{
    return json_array_get(json_object_get(world.answer->json, list), i);
}


static size_t rows(const char *list)
{
    return json_array_size(json_object_get(world.answer->json, list));
}


static const char *text(const json_t *object, const char *member)
{
    const char *value = json_string_value(json_object_get(object, member));

    return value == NULL ? "" : value;
}


static const char *reason(void)
{
    return otp_fake_text(world.answer, "reason");
}


/* ---- who may come in ---- */

static const char *const pages[] = {
    "helpdesk", "helpdesk?q=marie", "helpdesk/user/marie", "helpdesk/user/marie/pin-clear", "helpdesk/requests",
};


static void test_only_agents_come_in(void **state)
{
    (void) state;
    (void) otp_fake_by_key(&world, &person, "marie", K);
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        person.accept = NULL;
        assert_int_equal(otp_fake_get(&world, &person, pages[i])->status, 403);
        assert_string_equal(otp_fake_text(world.answer, "error"), "forbidden");
        assert_string_equal(reason(), "");
        person.accept = "text/html";
        assert_int_equal(otp_fake_get(&world, &person, pages[i])->status, 403);
        assert_false(page_holds("K-1"));
    }
    person.accept = NULL;
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"helpdesk\""), 0);
    assert_int_equal(otp_fake_send(&world, &person, "helpdesk/user/lea/pin-clear", "a=b")->status, 403);
    assert_string_equal(otp_fake_text(world.answer, "error"), "forbidden");
    assert_int_equal(otp_fake_send(&world, &person, "helpdesk/requests/N-1/approve", "a=b")->status, 403);
    person.accept = "text/html";
    assert_int_equal(otp_fake_send(&world, &person, "helpdesk/user/lea/emergency", "a=b")->status, 403);
    /* Who only looks is not told of; who sends a form is. */
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"helpdesk\",\"verdict\":\"forbidden\","
                                           "\"user\":\"marie\",\"address\":\"192.0.2.1\""), 3);
}


static void test_agents_need_their_key(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &person, "hugo"), "ok");
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        person.accept = NULL;
        assert_int_equal(otp_fake_get(&world, &person, pages[i])->status, 401);
        assert_string_equal(otp_fake_text(world.answer, "error"), "otp_required");
        person.accept = "text/html";
        assert_int_equal(otp_fake_get(&world, &person, pages[i])->status, 302);
        assert_non_null(strstr(otp_fake_header(world.answer, "Location"), "/otp/passcode?rd=%2Fotp%2Fhelpdesk"));
    }
    person.accept = NULL;
    assert_int_equal(otp_fake_send(&world, &person, "helpdesk/user/marie/pin-clear", "a=b")->status, 401);
    assert_true(otp_fake_account_get(&world, "marie").key[0].pin.set);
}


static void test_way_back_carries_what_was_looked_for(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &person, "hugo"), "ok");
    (void) otp_fake_get(&world, &person, "helpdesk?q=a%26b");
    assert_string_equal(otp_fake_text(world.answer, "location"),
                        "/otp/passcode?rd=%2Fotp%2Fhelpdesk%3Fq%3Da%2526b");
}


static void test_emergency_password_makes_no_agent(void **state)
{
    otp_account_t account = otp_fake_account_get(&world, "hugo");

    (void) state;
    assert_int_equal(otp_emergency_set(world.settings.ring, &account, OTP_SPAN("A23456789B"), (const uint8_t *)
                                       "0123456789abcdef", OTP_FAKE_NOW, OTP_FAKE_NOW + 3600), OTP_OK);
    otp_fake_account_put(&world, &account);
    assert_string_equal(otp_fake_password(&world, &person, "hugo"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &person, "A23456789B"), "ok");
    assert_string_equal(otp_fake_level(&world, &person), "otp");
    assert_int_equal(otp_fake_get(&world, &person, "helpdesk")->status, 401);
    assert_string_equal(otp_fake_text(world.answer, "error"), "otp_required");
    assert_int_equal(otp_fake_get(&world, &person, "key/pin")->status, 401);
}


static void test_agents_see_the_way_to_the_helpdesk(void **state)
{
    (void) state;
    (void) get_page("");
    assert_true(page_holds("/otp/helpdesk"));
    assert_string_equal(otp_fake_password(&world, &person, "marie"), "ok");
    person.accept = "text/html";
    (void) otp_fake_get(&world, &person, "");
    assert_false(page_holds("/otp/helpdesk"));
}


/* ---- on whom ---- */

static const char *const actions[] = {
    "pin-clear", "key-assign", "key-unassign", "key-disable", "key-enable", "emergency", "emergency-revoke", "unlock",
    "sessions-revoke",
};
#define ACTIONS (sizeof(actions) / sizeof(actions[0]))


static void assert_forbidden(const char *uid, const char *why)
{
    char target[128];

    for (size_t i = 0; i < ACTIONS; i++) {
        (void) snprintf(target, sizeof(target), "helpdesk/user/%s/%s", uid, actions[i]);
        assert_int_equal(send(target, "serial=K-1&reason=lost")->status, 403);
        assert_string_equal(otp_fake_text(world.answer, "error"), "forbidden");
        assert_string_equal(reason(), why);
        assert_int_equal(send_page(target, "serial=K-1&reason=lost&confirm=1&note=x")->status, 403);
        assert_int_equal(get_page(target)->status, 403);
    }
    assert_int_equal(otp_fake_redis_events(world.redis, "\"verdict\":\"forbidden\""), 2 * ACTIONS);
}


static void test_nobody_acts_on_their_own_account(void **state)
{
    (void) state;
    assert_forbidden("paul", "own_account");
    assert_int_equal(send("helpdesk/user/%20PAUL/pin-clear", "a=b")->status, 404);
    assert_int_equal(send("helpdesk/user/PAUL/pin-clear", "a=b")->status, 403);
    assert_true(otp_fake_account_get(&world, "paul").key[0].pin.set);
    assert_int_equal(get_page("helpdesk/user/paul")->status, 200);
    assert_false(page_holds("helpdesk/user/paul/pin-clear"));
}


static void test_nobody_acts_on_another_agents_account(void **state)
{
    otp_helpdesk_t helpdesk = world.settings.helpdesk[0];

    (void) state;
    assert_forbidden("hugo", "agent");
    assert_int_equal(get_page("helpdesk/user/hugo")->status, 200);
    assert_false(page_holds("helpdesk/user/hugo/pin-clear"));

    helpdesk.agents = true;
    world.settings.helpdesk = &helpdesk;
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/hugo/pin-clear", "a=b")), "ok");
    assert_int_equal(send("helpdesk/user/paul/pin-clear", "a=b")->status, 403);
}


static void test_nobody_acts_out_of_their_scope(void **state)
{
    otp_helpdesk_t helpdesk = { OTP_SPAN("helpdesk"), OTP_SPAN("college, other"), false };

    (void) state;
    world.settings.helpdesk = &helpdesk;
    assert_forbidden("marie", "scope");
    assert_int_equal(get("helpdesk/user/marie")->status, 403);
    assert_int_equal(get("helpdesk/user/nobody")->status, 403);
    assert_int_equal(get("helpdesk/user/zoe")->status, 200);
    assert_int_equal(get("helpdesk?q=e")->status, 200);
    assert_int_equal(rows("people"), 1);
    assert_string_equal(text(row("people", 0), "user"), "zoe");
    assert_int_equal(get("helpdesk?q=K-1")->status, 200);
    assert_int_equal(rows("people"), 0);
}


/* Those out of reach do not take the places of those within. */
static void test_search_finds_the_agents_people_among_many(void **state)
{
    otp_helpdesk_t helpdesk[] = {
        { OTP_SPAN("helpdesk"), OTP_SPAN("college"), false }, { OTP_SPAN("helpdesk"), OTP_SPAN("teachers"), false },
        { OTP_SPAN("others"), { NULL, 0 }, true },
    };

    (void) state;
    world.finds_at_most = 2;
    assert_int_equal(get("helpdesk?q=e")->status, 200);
    assert_int_equal(rows("people"), 2);
    assert_true(json_is_true(json_object_get(world.answer->json, "more")));
    assert_string_equal(text(row("people", 1), "user"), "paul");

    world.settings.helpdesk = helpdesk;
    world.settings.helpdesks = 3;
    assert_int_equal(get("helpdesk?q=e")->status, 200);
    assert_int_equal(rows("people"), 2);
    assert_false(json_is_true(json_object_get(world.answer->json, "more")));
    assert_string_equal(text(row("people", 0), "user"), "marie");
    assert_string_equal(text(row("people", 1), "user"), "zoe");

    /* One rule without scope, and it is everybody. */
    helpdesk[1].scope = OTP_SPAN_NONE;
    (void) get("helpdesk?q=e");
    assert_string_equal(text(row("people", 1), "user"), "paul");
}


static void test_scopes_too_many_for_the_directory_are_kept_to_all_the_same(void **state)
{
    static char    scope[OTP_SCOPE_LEN + 8];
    otp_helpdesk_t helpdesk = { OTP_SPAN("helpdesk"), { scope, sizeof(scope) - 1 }, false };

    (void) state;
    memset(scope, ',', sizeof(scope) - 1);
    memcpy(scope, "college", 7);
    world.settings.helpdesk = &helpdesk;
    (void) get("helpdesk?q=e");
    assert_string_equal(text(row("people", 0), "user"), "paul");        /* the agent */
    assert_string_equal(text(row("people", 1), "user"), "zoe");
    assert_int_equal(rows("people"), 2);
}


/* ---- the agent's groups are those the directory says now ---- */

static const char *const deeds[] = {
    "helpdesk/user/marie/pin-clear", "helpdesk/user/marie/emergency", "helpdesk/user/marie/key-disable",
    "helpdesk/user/lea/key-assign", "helpdesk/requests/N-1/approve", "helpdesk/requests/N-1/reject",
};


static void assert_no_deed(int status)
{
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        assert_int_equal(send(deeds[i], "serial=N-1&reason=lost")->status, status);
        assert_int_equal(send_page(deeds[i], "serial=N-1&reason=lost&confirm=1&note=x")->status, status);
    }
    assert_true(otp_fake_account_get(&world, "marie").key[0].pin.set);
    assert_int_equal(otp_fake_account_get(&world, "marie").key[0].state, OTP_KEY_USABLE);
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "");
}


static void test_who_is_no_agent_any_more_does_nothing(void **state)
{
    (void) state;
    want("lea", NEW);
    world.moved = "paul";
    world.moved_to = "staff,helpdesks";
    assert_no_deed(403);
    (void) send("helpdesk/user/marie/pin-clear", "a=b");
    assert_string_equal(otp_fake_text(world.answer, "error"), "forbidden");
    world.moved_to = NULL;
    assert_no_deed(403);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"helpdesk\",\"verdict\":\"forbidden\","
                                           "\"user\":\"paul\""), 25);
    world.moved_to = "helpdesk";
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/pin-clear", "a=b")), "ok");
}


static void test_nothing_is_done_while_nobody_knows_who_is_an_agent(void **state)
{
    (void) state;
    want("lea", NEW);
    world.directory = OTP_PERSON_UNAVAILABLE;
    assert_no_deed(503);
    world.directory = OTP_PERSON_BUSY;
    assert_no_deed(503);
}


static void test_agent_who_has_moved_has_the_reach_of_his_new_group(void **state)
{
    otp_helpdesk_t helpdesk[] = {
        { OTP_SPAN("helpdesk"), { NULL, 0 }, false }, { OTP_SPAN("desk-college"), OTP_SPAN("college"), false },
    };

    (void) state;
    world.settings.helpdesk = helpdesk;
    world.settings.helpdesks = 2;
    world.moved = "paul";
    world.moved_to = "desk-college";
    assert_int_equal(send("helpdesk/user/marie/pin-clear", "a=b")->status, 403);
    assert_string_equal(reason(), "scope");
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/zoe/unlock", "a=b")), "ok");
    assert_true(otp_fake_account_get(&world, "marie").key[0].pin.set);
}


static void test_any_rule_that_allows_is_enough(void **state)
{
    otp_helpdesk_t helpdesk[] = {
        { OTP_SPAN("helpdesk"), OTP_SPAN("college"), false }, { OTP_SPAN("staff"), OTP_SPAN("teachers"), false },
    };

    (void) state;
    world.settings.helpdesk = helpdesk;
    world.settings.helpdesks = 2;
    assert_int_equal(get("helpdesk/user/zoe")->status, 200);
    /* Who is of the group staff is an agent now: marie too, so the first rule does not hold for her. */
    assert_int_equal(send("helpdesk/user/marie/pin-clear", "a=b")->status, 403);
    assert_string_equal(reason(), "agent");
}


static void test_without_directory_a_scope_reaches_nobody(void **state)
{
    otp_helpdesk_t helpdesk = { OTP_SPAN("helpdesk"), OTP_SPAN("staff"), false };

    (void) state;
    world.settings.people_known = false;
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/pin-clear", "a=b")), "ok");
    assert_int_equal(send("helpdesk/user/lea/pin-clear", "a=b")->status, 404);
    world.settings.helpdesk = &helpdesk;
    assert_int_equal(send("helpdesk/user/marie/pin-clear", "a=b")->status, 403);
    assert_string_equal(reason(), "scope");
}


static void test_unknown_people_and_actions_are_not_found(void **state)
{
    static const char *const targets[] = {
        "helpdesk/user/nobody", "helpdesk/user/nobody/pin-clear", "helpdesk/user/marie/key-delete",
        "helpdesk/user/marie/pin_clear", "helpdesk/user/marie/approve", "helpdesk/user/mar ie", "helpdesk/user/",
        "helpdesk/user", "helpdesk/user//pin-clear", "helpdesk/user/marie/", "helpdesk/user/marie/pin-clear/x",
        "helpdesk/requests/N-1", "helpdesk/requests/N-1/pin-clear", "helpdesk/requests/NOBODYS/approve",
        "helpdesk/requests/a b/approve", "helpdesk/", "key/", "key/pin/x", "helpdesk/user/\xc3\xa9",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        assert_int_equal(get(targets[i])->status, 404);
        assert_string_equal(otp_fake_text(world.answer, "error"), "not_found");
        assert_int_equal(get_page(targets[i])->status, 404);
    }
    assert_int_equal(send("helpdesk/user/nobody/key-assign", "serial=N-1")->status, 404);
    assert_int_equal(send("helpdesk/user/marie/key-delete", "serial=N-1")->status, 404);
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "");
}


static void test_methods_that_are_not_there_are_told(void **state)
{
    (void) state;
    assert_int_equal(send("helpdesk", "a=b")->status, 405);
    assert_string_equal(otp_fake_header(world.answer, "Allow"), "GET, HEAD");
    assert_int_equal(send("helpdesk/user/marie", "a=b")->status, 405);
    assert_int_equal(get("key/lost")->status, 405);
    assert_string_equal(otp_fake_header(world.answer, "Allow"), "POST");
    assert_int_equal(otp_fake_request(&world, &agent, "PUT", "helpdesk/user/marie/pin-clear", "")->status, 405);
    assert_string_equal(otp_fake_header(world.answer, "Allow"), "GET, HEAD, POST");
}


static void test_forms_without_token_do_nothing(void **state)
{
    (void) state;
    assert_int_equal(otp_fake_post(&world, &agent, "helpdesk/user/marie/pin-clear", "a=b")->status, 403);
    assert_string_equal(otp_fake_text(world.answer, "error"), "csrf");
    agent.accept = "text/html";
    (void) otp_fake_post(&world, &agent, "helpdesk/user/marie/pin-clear", "confirm=1&note=said+so");
    assert_int_equal(world.answer->status, 403);
    assert_true(page_holds("said so"));
    assert_true(page_holds("name=\"csrf\""));
    assert_true(otp_fake_account_get(&world, "marie").key[0].pin.set);
}


/* ---- looking for somebody ---- */

static void test_people_are_found_by_identifier_name_and_email(void **state)
{
    static const char *const queries[] = { "marie", "Dupont", "marie.7713", "K-1", "%20Marie%20" };

    (void) state;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        char     target[64];
        unsigned asked = world.directory_asked;

        (void) snprintf(target, sizeof(target), "helpdesk?q=%s", queries[i]);
        assert_int_equal(get(target)->status, 200);
        /* The agent, the search, and whom it has not found: who is listed already is not looked up again. */
        assert_int_equal(world.directory_asked - asked, strcmp(queries[i], "K-1") == 0 ? 3 : 2);
        assert_int_equal(rows("people"), 1);
        assert_string_equal(text(row("people", 0), "user"), "marie");
        assert_string_equal(text(row("people", 0), "name"), "Marie Dupont");
        assert_string_equal(text(row("people", 0), "location"), "/otp/helpdesk/user/marie");
        assert_int_equal(get_page(target)->status, 200);
        assert_true(page_holds("Marie Dupont"));
        assert_true(page_holds("/otp/helpdesk/user/marie"));
    }
    assert_string_equal(text(get("helpdesk?q=%20Marie%20")->json, "q"), "Marie");
}


static void test_who_left_the_directory_is_found_by_account(void **state)
{
    (void) state;
    otp_fake_account(&world, "gone", "KG", OTP_FAKE_PIN);
    assert_int_equal(get("helpdesk?q=gone")->status, 200);
    assert_int_equal(rows("people"), 1);
    assert_string_equal(text(row("people", 0), "user"), "gone");
    assert_int_equal(get("helpdesk/user/gone")->status, 200);
}


static void test_who_asks_for_a_key_is_found_by_its_serial(void **state)
{
    otp_stock_t stock = otp_fake_world_stock_get(&world, NEW);

    (void) state;
    strcpy(stock.wanted, "lea");
    otp_fake_world_stock_put(&world, &stock);
    assert_int_equal(get("helpdesk?q=N-1")->status, 200);
    assert_int_equal(rows("people"), 2);        /* after somebody in whose name it is */
    assert_string_equal(text(row("people", 1), "user"), "lea");
}


static const char *found_key(const char *member)
{
    return text(json_object_get(world.answer->json, "key"), member);
}


static void test_key_that_nobody_holds_is_found_in_the_stock(void **state)
{
    otp_stock_t stock = otp_fake_world_stock_get(&world, NEW);

    (void) state;
    otp_fake_world_stock(&world, "402", "");
    (void) get("helpdesk?q=402");
    assert_string_equal(found_key("serial"), "402");
    assert_string_equal(found_key("state"), "free");
    assert_int_equal(rows("people"), 0);
    (void) get_page("helpdesk?q=402");
    assert_true(page_holds("La clé 402 est dans le stock, elle n'est attribuée à personne"));
    assert_false(page_holds("Personne ne correspond"));
    assert_false(page_holds("Elle est désactivée"));

    stock.key.state = OTP_KEY_DISABLED;
    strcpy(stock.key.reason, "lost");
    otp_fake_world_stock_put(&world, &stock);
    (void) get("helpdesk?q=%20N-1%20");
    assert_string_equal(found_key("serial"), NEW);
    assert_string_equal(found_key("state"), "disabled");
    (void) get_page("helpdesk?q=N-1");
    assert_true(page_holds("Elle est désactivée"));

    /* Somebody's, wanted by somebody, or not there at all. */
    stock.key.state = OTP_KEY_USABLE;
    stock.key.reason[0] = '\0';
    strcpy(stock.wanted, "lea");
    otp_fake_world_stock_put(&world, &stock);
    for (size_t i = 0; i < 3; i++) {
        static const char *const queries[] = { "helpdesk?q=K-1", "helpdesk?q=N-1", "helpdesk?q=40" };

        (void) get(queries[i]);
        assert_true(json_is_null(json_object_get(world.answer->json, "key")));
        (void) get_page(queries[i]);
        assert_false(page_holds("est dans le stock"));
    }
    assert_true(page_holds("Personne ne correspond"));
}


static void test_names_and_queries_are_shown_as_text(void **state)
{
    (void) state;
    assert_int_equal(get_page("helpdesk?q=zoe")->status, 200);
    assert_false(page_holds("<script>alert(1)"));
    assert_true(page_holds("&lt;script&gt;alert(1)"));
    assert_int_equal(get_page("helpdesk?q=%22%3E%3Cscript%3Ex%3C%2Fscript%3E%7B%7B%23a%7D%7D")->status, 200);
    assert_false(page_holds("<script>x"));
    assert_int_equal(get_page("helpdesk/user/zoe")->status, 200);
    assert_false(page_holds("<script>alert(1)"));
    assert_int_equal(get_page("helpdesk/user/zoe/emergency")->status, 200);
    assert_false(page_holds("<script>alert(1)"));
    assert_int_equal(get("helpdesk?q=jose")->status, 200);
    assert_string_equal(text(row("people", 0), "name"), "");
    assert_int_equal(get_page("helpdesk?q=jose")->status, 200);
}


static void test_empty_and_endless_queries_look_for_nobody(void **state)
{
    char     target[256] = "helpdesk?q=";
    unsigned asked = world.directory_asked;

    /* Each time whether the agent is one. */
    (void) state;
    assert_int_equal(get("helpdesk")->status, 200);
    assert_int_equal(get("helpdesk?q=")->status, 200);
    assert_int_equal(get("helpdesk?q=%20%20")->status, 200);
    assert_int_equal(rows("people"), 0);
    memset(target + strlen(target), 'a', 128);
    assert_int_equal(get(target)->status, 200);
    assert_int_equal(world.directory_asked, asked + 5);
    strcat(target, "b");
    assert_int_equal(get(target)->status, 400);
    assert_int_equal(world.directory_asked, asked + 6);
    assert_int_equal(get_page("helpdesk")->status, 200);
}


static void test_directory_that_cannot_be_read_is_told(void **state)
{
    static const otp_person_verdict_t verdicts[] = { OTP_PERSON_UNAVAILABLE, OTP_PERSON_BUSY };

    (void) state;
    for (size_t i = 0; i < 2; i++) {
        world.directory = verdicts[i];
        assert_int_equal(get("helpdesk?q=marie")->status, 503);
        assert_int_equal(get("helpdesk/user/marie")->status, 503);
        assert_int_equal(send("helpdesk/user/marie/pin-clear", "a=b")->status, 503);
        world.directory = OTP_PERSON_MATCHES;
    }
    assert_true(otp_fake_account_get(&world, "marie").key[0].pin.set);
}


/* ---- one person ---- */

static void test_person_page_tells_all(void **state)
{
    otp_account_t account = otp_fake_account_get(&world, "marie");
    const json_t *key;

    (void) state;
    account.key[0].drift = 2;
    account.unknown.failures = 10;
    account.unknown.failed_at = OTP_FAKE_NOW;
    account.unknown.locked_until = OTP_FAKE_NOW + 900;
    otp_fake_account_put(&world, &account);
    assert_string_equal(otp_fake_password(&world, &person, "marie"), "ok");

    assert_int_equal(get("helpdesk/user/marie")->status, 200);
    assert_string_equal(text(world.answer->json, "name"), "Marie Dupont");
    assert_string_equal(text(world.answer->json, "groups"), "teachers,staff");
    key = row("keys", 0);
    assert_string_equal(text(key, "serial"), K);
    assert_int_equal(json_integer_value(json_object_get(key, "drift")), 2);
    assert_int_equal(otp_fake_number(world.answer, "failures"), 10);
    assert_int_equal(otp_fake_number(world.answer, "locked_until"), OTP_FAKE_NOW + 900);
    assert_true(json_is_true(json_object_get(world.answer->json, "locked")));
    assert_true(json_is_null(json_object_get(world.answer->json, "emergency")));
    assert_int_equal(rows("sessions"), 1);
    assert_false(json_is_true(json_object_get(row("sessions", 0), "current")));
    assert_true(rows("events") >= 1);
    assert_int_equal(strlen(text(world.answer->json, "csrf")), 49);

    assert_int_equal(get_page("helpdesk/user/marie")->status, 200);
    assert_true(page_holds("K-1"));
    assert_true(page_holds("marie.7713@school.example"));
    assert_true(page_holds("14/11/2023 23:28"));
    agent.accept_language = "en";
    assert_int_equal(get_page("helpdesk/user/marie")->status, 200);
    assert_true(page_holds("2023-11-14 23:28"));
}


static void test_page_of_somebody_without_usable_key_says_so(void **state)
{
    otp_account_t account = otp_fake_account_get(&world, "marie");

    (void) state;
    (void) get_page("helpdesk/user/marie");
    assert_true(page_holds("Accepté"));
    assert_false(page_holds("Aucune clé<"));
    assert_true(page_holds("Groupes&nbsp;: teachers, staff<"));
    account.key[0].state = OTP_KEY_DISABLED;
    otp_fake_account_put(&world, &account);
    (void) get_page("helpdesk/user/marie");
    assert_false(page_holds("Accepté"));
    assert_true(page_holds("Aucune clé<"));
    (void) get_page("helpdesk/user/lea");
    assert_false(page_holds("Accepté"));
    assert_true(page_holds("Aucune clé<"));
}


static void test_own_page_leads_to_the_operator(void **state)
{
    (void) state;
    (void) get_page("helpdesk/user/paul");
    assert_true(page_holds("adressez-vous à l'exploitant"));
    assert_false(page_holds("record-action"));
    assert_false(page_holds(">Action<"));
    (void) get_page("helpdesk/user/marie");
    assert_false(page_holds("adressez-vous à l'exploitant"));
}


static void test_lock_that_only_the_helpdesk_ends_is_told(void **state)
{
    otp_account_t account = otp_fake_account_get(&world, "marie");

    (void) state;
    account.known.failures = 100;
    account.known.failed_at = OTP_FAKE_NOW;
    otp_fake_account_put(&world, &account);
    (void) get("helpdesk/user/marie");
    assert_true(json_is_true(json_object_get(world.answer->json, "locked")));
    assert_true(json_is_null(json_object_get(world.answer->json, "locked_until")));
    account.known.failures = 99;
    account.known.locked_until = OTP_FAKE_NOW;
    otp_fake_account_put(&world, &account);
    (void) get("helpdesk/user/marie");
    assert_false(json_is_true(json_object_get(world.answer->json, "locked")));
    account.unproven = (otp_guesses_t) { 1, OTP_FAKE_NOW, OTP_FAKE_NOW + 900 };
    otp_fake_account_put(&world, &account);
    (void) get("helpdesk/user/marie");
    assert_true(json_is_true(json_object_get(world.answer->json, "locked")));
    assert_int_equal(otp_fake_number(world.answer, "locked_until"), OTP_FAKE_NOW + 900);
    assert_int_equal(otp_fake_number(world.answer, "failures"), 100);
    account.unproven = (otp_guesses_t) { 100, OTP_FAKE_NOW, 0 };
    otp_fake_account_put(&world, &account);
    (void) get("helpdesk/user/marie");
    assert_true(json_is_true(json_object_get(world.answer->json, "locked")));
}


/* In new browsers, everywhere, or by the key: an agent has to know before saying « type it again ». */
static void test_emergency_password_that_is_not_heard_any_more_is_told(void **state)
{
    static const uint8_t salt[OTP_SALT_LEN] = "salt of the test";
    otp_account_t        account = otp_fake_account_get(&world, "marie");

    (void) state;
    assert_int_equal(otp_emergency_set(world.settings.ring, &account, OTP_SPAN("ABCDE23456"), salt, OTP_FAKE_NOW,
                                       OTP_FAKE_NOW + 3600), OTP_OK);
    otp_fake_account_put(&world, &account);
    (void) get("helpdesk/user/marie");
    assert_true(json_is_false(json_object_get(json_object_get(world.answer->json, "emergency"), "blocked")));
    (void) get_page("helpdesk/user/marie");
    assert_false(page_holds("Trop d'essais faux"));

    account.emergency.failures = OTP_EMERGENCY_FAILURES;
    otp_fake_account_put(&world, &account);
    (void) get("helpdesk/user/marie");
    assert_true(json_is_true(json_object_get(json_object_get(world.answer->json, "emergency"), "blocked")));
    (void) get_page("helpdesk/user/marie");
    assert_true(page_holds("Valable jusqu'au"));
    assert_true(page_holds("Trop d'essais faux&nbsp;: refusé dans un navigateur"));

    account.emergency.known_failures = OTP_EMERGENCY_FAILURES;
    otp_fake_account_put(&world, &account);
    (void) get("helpdesk/user/marie");
    assert_true(json_is_null(json_object_get(world.answer->json, "emergency")));
    (void) get_page("helpdesk/user/marie");
    assert_false(page_holds("Valable jusqu'au"));
    assert_true(page_holds("Terminé&nbsp;: la clé a servi, ou trop d'essais faux"));
}


static void test_no_answer_holds_seed_pin_or_record(void **state)
{
    otp_account_t account = otp_fake_account_get(&world, "marie");

    (void) state;
    assert_int_equal(get("helpdesk/user/marie")->status, 200);
    assert_false(page_holds(account.key[0].seed));
    assert_false(page_holds("2580"));
    assert_int_equal(get_page("helpdesk/user/marie")->status, 200);
    assert_false(page_holds(account.key[0].seed));
}


/* ---- the actions ---- */

static void test_pin_is_cleared_and_the_note_kept(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/pin-clear", "note=She+phoned,+caf%C3%A9")), "ok");
    assert_int_equal(world.answer->status, 200);
    assert_false(otp_fake_account_get(&world, "marie").key[0].pin.set);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"actor\":\"paul\""), 1);
    assert_int_equal(otp_fake_redis_events(world.redis, "She phoned, caf\xc3\xa9"), 1);
    assert_int_equal(otp_fake_redis_stream(world.redis, "hist:", "\"event\":\"pin_clear\""), 1);
    assert_int_equal(otp_fake_redis_stream(world.redis, "mail:", ""), 1);
    (void) get("helpdesk/user/marie");
    assert_string_equal(text(row("events", 0), "event"), "pin_clear");
    assert_string_equal(text(row("events", 0), "actor"), "paul");
    assert_string_equal(text(row("events", 0), "note"), "She phoned, caf\xc3\xa9");
    assert_string_equal(otp_fake_account_get(&world, "marie").contact.email, "marie.7713@school.example");
}


static void test_notes_are_bounded(void **state)
{
    char fields[600] = "note=";

    (void) state;
    memset(fields + 5, 'n', 160);
    assert_int_equal(send("helpdesk/user/marie/pin-clear", fields)->status, 200);
    strcat(fields, "m");
    assert_int_equal(send("helpdesk/user/marie/unlock", fields)->status, 400);
    assert_int_equal(send_page("helpdesk/user/marie/unlock", fields)->status, 400);
    assert_int_equal(send("helpdesk/user/marie/unlock", "note=%FF")->status, 400);
    assert_int_equal(send("helpdesk/user/marie/unlock", "note=a%0Ab")->status, 400);
}


static void test_keys_are_assigned_and_unassigned(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/lea/key-assign", "serial=N-1")), "ok");
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "lea");
    assert_int_equal(otp_fake_account_get(&world, "lea").keys, 1);
    (void) send("helpdesk/user/marie/key-assign", "serial=N-1");
    assert_int_equal(world.answer->status, 409);
    assert_string_equal(otp_fake_verdict(world.answer), "refused");
    assert_string_equal(reason(), "held");
    assert_string_not_equal(otp_fake_text(world.answer, "text"), "");
    assert_int_equal(otp_fake_redis_events(world.redis, "\"verdict\":\"refused\""), 1);
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/lea/key-unassign", "serial=N-1")), "ok");
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "");
    assert_int_equal(send("helpdesk/user/lea/key-assign", "serial=NOBODYS")->status, 404);
    assert_int_equal(send("helpdesk/user/lea/key-assign", "serial=a+b")->status, 404);
    assert_int_equal(send("helpdesk/user/lea/key-assign", "a=b")->status, 400);
}


static void test_key_of_another_person_is_out_of_the_agents_hands(void **state)
{
    static const char *const names[] = { "key-unassign", "key-disable", "key-enable" };

    (void) state;
    for (size_t i = 0; i < 3; i++) {
        char target[64];

        (void) snprintf(target, sizeof(target), "helpdesk/user/marie/%s", names[i]);
        assert_int_equal(send(target, "serial=KH&reason=lost")->status, 404);
        assert_int_equal(send(target, "serial=KP&reason=lost")->status, 404);
    }
    assert_int_equal(otp_fake_account_get(&world, "hugo").key[0].state, OTP_KEY_USABLE);
    assert_string_equal(otp_fake_world_stock_get(&world, "KP").uid, "paul");
}


static void test_disabled_key_ends_the_level_before_the_agent_has_the_answer(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_by_key(&world, &person, "marie", K), "ok");
    assert_int_equal(send("helpdesk/user/marie/key-disable", "serial=K-1")->status, 422);
    assert_string_equal(reason(), "reason");
    assert_int_equal(send("helpdesk/user/marie/key-disable", "serial=K-1&reason=eaten")->status, 422);
    assert_string_equal(otp_fake_level(&world, &person), "otp");
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/key-disable", "serial=K-1&reason=stolen")), "ok");
    assert_int_equal(otp_fake_number(world.answer, "lowered"), 1);
    assert_string_equal(otp_fake_level(&world, &person), "password");
    assert_string_equal(otp_fake_world_stock_get(&world, K).key.reason, "stolen");
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/key-enable", "serial=K-1")), "ok");
    assert_int_equal(otp_fake_account_get(&world, "marie").key[0].state, OTP_KEY_USABLE);
}


static void test_reason_of_a_key_is_what_people_said(void **state)
{
    static const char *const reasons[][2] = {
        { "lost", "lost" }, { "arriving", "" }, { "enabling", "" }, { "enabling:stolen", "stolen" },
        { "returned:broken", "broken" }, { "returned", "" }, { "lost:arriving", "" }, { "", "" },
    };
    otp_account_t account = otp_fake_account_get(&world, "marie");

    (void) state;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        account.key[0].state = OTP_KEY_DISABLED;
        (void) snprintf(account.key[0].reason, sizeof(account.key[0].reason), "%s", reasons[i][0]);
        otp_fake_account_put(&world, &account);
        (void) get("helpdesk/user/marie");
        assert_string_equal(text(row("keys", 0), "state"), "disabled");
        assert_string_equal(text(row("keys", 0), "reason"), reasons[i][1]);
        (void) get_page("helpdesk/user/marie");
        assert_int_equal(page_holds("vol\xc3\xa9" "e"), strcmp(reasons[i][1], "stolen") == 0);
        assert_false(page_holds("arriving"));
    }
}


static void test_unlock_and_sessions(void **state)
{
    char          fields[64];
    otp_account_t account = otp_fake_account_get(&world, "marie");

    (void) state;
    account.unknown.failures = 100;
    otp_fake_account_put(&world, &account);
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/unlock", "a=b")), "ok");
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 0);

    assert_string_equal(otp_fake_password(&world, &person, "marie"), "ok");
    (void) otp_fake_get(&world, &person, "session");
    (void) snprintf(fields, sizeof(fields), "session=%s", otp_fake_text(world.answer, "id"));
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/sessions-revoke", fields)), "ok");
    assert_int_equal(otp_fake_number(world.answer, "ended"), 1);
    assert_string_equal(otp_fake_level(&world, &person), "");
    (void) send("helpdesk/user/marie/sessions-revoke", fields);
    assert_int_equal(world.answer->status, 409);
    assert_string_equal(reason(), "no_session");

    memset(&person, 0, sizeof(person));
    assert_string_equal(otp_fake_password(&world, &person, "marie"), "ok");
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/sessions-revoke", "a=b")), "ok");
    assert_string_equal(otp_fake_level(&world, &person), "");
}


/* In Paris it is 23:13:20. */
#define DAY_END (OTP_FAKE_NOW + 46 * 60 + 39)

static void test_emergency_password_is_shown_once_and_ends_with_the_day(void **state)
{
    char password[16];

    (void) state;
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/emergency", "note=forgot+it")), "ok");
    (void) snprintf(password, sizeof(password), "%s", otp_fake_text(world.answer, "password"));
    assert_int_equal(strlen(password), 10);
    assert_int_equal(otp_fake_number(world.answer, "expires"), DAY_END);
    assert_false(otp_fake_redis_holds(world.redis, otp_span_of(password)));

    (void) get("helpdesk/user/marie");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(world.answer->json, "emergency"), "expires")),
                     DAY_END);
    assert_false(page_holds(password));
    (void) get_page("helpdesk/user/marie");
    assert_true(page_holds("Valable jusqu'au 14/11/2023 23:59"));
    assert_false(page_holds(password));
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/emergency-revoke", "a=b")), "ok");
    (void) get("helpdesk/user/marie");
    assert_true(json_is_null(json_object_get(world.answer->json, "emergency")));
    (void) send("helpdesk/user/marie/emergency-revoke", "a=b");
    assert_int_equal(world.answer->status, 409);
    assert_string_equal(reason(), "no_emergency");
}


static void test_emergency_page_shows_it_to_be_read_aloud(void **state)
{
    (void) state;
    (void) send_page("helpdesk/user/marie/emergency", "confirm=1&note=forgot+it");
    assert_int_equal(world.answer->status, 200);
    assert_string_equal(otp_fake_header(world.answer, "Cache-Control"), "no-store");
    assert_true(page_holds("14/11/2023 23:59"));
    assert_true(page_holds("Marie Dupont"));
}


static void test_double_click_gives_the_same_password(void **state)
{
    char body[256], first[16];

    (void) state;
    (void) snprintf(body, sizeof(body), "csrf=%s", otp_fake_token(&world, &agent, "session"));
    (void) otp_fake_post(&world, &agent, "helpdesk/user/marie/emergency", body);
    (void) snprintf(first, sizeof(first), "%s", otp_fake_text(world.answer, "password"));
    (void) otp_fake_post(&world, &agent, "helpdesk/user/marie/emergency", body);
    assert_string_equal(otp_fake_text(world.answer, "password"), first);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"emergency\""), 1);
    otp_fake_pass(&world, 11);
    (void) otp_fake_post(&world, &agent, "helpdesk/user/marie/emergency", body);
    assert_string_not_equal(otp_fake_text(world.answer, "password"), first);
}


/* Two forms at once, command by command in every order of a few thousand. */
static void run_both(otp_fake_call_t *first, otp_fake_call_t *second, uint64_t *random)
{
    bool one = false, two = false;

    while (!one || !two) {
        bool pick = (otp_fake_random(random) & 1) != 0;

        if ((pick || two) && !one && !otp_fake_waiting(first)) {
            one = otp_fake_step(first);
        } else if (!two && !otp_fake_waiting(second)) {
            two = otp_fake_step(second);
        } else if ((one || otp_fake_waiting(first)) && (two || otp_fake_waiting(second))) {
            world.now_ms += 50;
            world.redis->now_ms = world.now_ms;
        }
    }
}


static void test_two_clicks_at_once_give_one_password(void **state)
{
    uint64_t random = 7;

    (void) state;
    for (int i = 0; i < 200; i++) {
        char               body[256];
        otp_fake_answer_t *one, *two;
        otp_fake_call_t   *first, *second;

        (void) snprintf(body, sizeof(body), "csrf=%s", otp_fake_token(&world, &agent, "session"));
        other = agent;
        first = otp_fake_begin(&world, &agent, "POST", "helpdesk/user/marie/emergency", body);
        second = otp_fake_begin(&world, &other, "POST", "helpdesk/user/marie/emergency", body);
        run_both(first, second, &random);
        one = otp_fake_end(first);
        two = otp_fake_end(second);
        assert_int_equal(one->status, 200);
        assert_int_equal(two->status, 200);
        assert_string_equal(one->body, two->body);
        otp_fake_answer_free(one);
        otp_fake_answer_free(two);
        assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"emergency\""), i + 1);
    }
}


static void test_two_agents_at_once_leave_one_order_and_both_names(void **state)
{
    uint64_t       random = 11;
    otp_helpdesk_t helpdesk = { OTP_SPAN("helpdesk"), { NULL, 0 }, false };

    (void) state;
    world.settings.helpdesk = &helpdesk;
    otp_fake_world_stock(&world, "N-2", "");
    assert_string_equal(otp_fake_by_key(&world, &person, "hugo", "KH"), "ok");
    for (int i = 0; i < 100; i++) {
        char               mine[128], theirs[128];
        otp_fake_answer_t *one, *two;
        otp_fake_call_t   *first, *second;
        otp_stock_t        stock;

        otp_fake_world_stock(&world, NEW, "");
        (void) snprintf(mine, sizeof(mine), "serial=N-1&csrf=%s", otp_fake_token(&world, &agent, "session"));
        (void) snprintf(theirs, sizeof(theirs), "serial=N-1&csrf=%s", otp_fake_token(&world, &person, "session"));
        first = otp_fake_begin(&world, &agent, "POST", "helpdesk/user/lea/key-assign", mine);
        second = otp_fake_begin(&world, &person, "POST", "helpdesk/user/zoe/key-assign", theirs);
        run_both(first, second, &random);
        one = otp_fake_end(first);
        two = otp_fake_end(second);
        stock = otp_fake_world_stock_get(&world, NEW);
        assert_int_equal((one->status == 200) + (two->status == 200), 1);
        assert_int_equal((one->status == 409) + (two->status == 409), 1);
        assert_string_equal(stock.uid, one->status == 200 ? "lea" : "zoe");
        otp_fake_answer_free(one);
        otp_fake_answer_free(two);
        (void) send(strcmp(stock.uid, "lea") == 0 ? "helpdesk/user/lea/key-unassign" : "helpdesk/user/zoe/key-unassign",
                    "serial=N-1");
    }
    assert_true(otp_fake_redis_events(world.redis, "\"actor\":\"paul\"") > 0);
    assert_true(otp_fake_redis_events(world.redis, "\"actor\":\"hugo\"") > 0);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"key_assign\",\"verdict\":\"refused\""), 100);
}


/* ---- the page that asks ---- */

static void test_every_action_asks_first(void **state)
{
    (void) state;
    for (size_t i = 0; i < ACTIONS; i++) {
        char target[64], form[128];

        (void) snprintf(target, sizeof(target), "helpdesk/user/marie/%s?serial=K-1", actions[i]);
        assert_int_equal(get_page(target)->status, 200);
        (void) snprintf(form, sizeof(form), "action=\"/otp/helpdesk/user/marie/%s\"", actions[i]);
        assert_true(page_holds(form));
        assert_true(page_holds("name=\"confirm\" value=\"1\""));
        assert_true(page_holds("name=\"note\""));
        assert_int_equal(page_holds("name=\"reason\""), strcmp(actions[i], "key-disable") == 0);
        agent.accept_language = i % 2 == 0 ? "en" : "fr";
    }
}


static void test_page_without_confirmation_does_nothing(void **state)
{
    (void) state;
    (void) send_page("helpdesk/user/marie/pin-clear", "note=because+%3Cb%3E");
    assert_int_equal(world.answer->status, 200);
    assert_true(page_holds("because &lt;b&gt;"));
    (void) send_page("helpdesk/user/marie/pin-clear", "confirm=1");
    assert_int_equal(world.answer->status, 422);
    assert_true(page_holds("Il manque la raison"));
    (void) send_page("helpdesk/user/marie/key-disable", "confirm=1&note=x&serial=K-1");
    assert_int_equal(world.answer->status, 422);
    assert_true(page_holds("Il manque le motif"));
    (void) send_page("helpdesk/user/marie/key-assign", "confirm=1&note=x&serial=");
    assert_int_equal(world.answer->status, 422);
    assert_true(otp_fake_account_get(&world, "marie").key[0].pin.set);
    assert_int_equal(otp_fake_account_get(&world, "marie").key[0].state, OTP_KEY_USABLE);
}


static void test_page_with_confirmation_acts_and_says_so(void **state)
{
    (void) state;
    (void) send_page("helpdesk/user/marie/pin-clear", "confirm=1&note=phoned");
    assert_int_equal(world.answer->status, 303);
    assert_true(leads_to("helpdesk/user/marie?done=pin-clear"));
    assert_false(otp_fake_account_get(&world, "marie").key[0].pin.set);
    assert_int_equal(follow_as(&agent)->status, 200);
    assert_true(page_holds("C'est fait"));
}


static void test_refused_page_says_what_stands_against_it(void **state)
{
    (void) state;
    (void) send_page("helpdesk/user/lea/key-assign", "confirm=1&note=x&serial=K-1");
    assert_int_equal(world.answer->status, 409);
    assert_true(page_holds("K-1"));
    assert_true(page_holds("Action refusée"));
    assert_true(page_holds("attribuée à quelqu'un d'autre"));
    (void) send_page("helpdesk/user/lea/key-assign", "confirm=1&note=x&serial=NOBODYS");
    assert_int_equal(world.answer->status, 404);
    assert_true(page_holds("Aucune clé du stock ne porte ce numéro"));
    (void) send_page("helpdesk/user/marie/key-enable", "confirm=1&note=x&serial=KH");
    assert_int_equal(world.answer->status, 404);
    assert_true(page_holds("pas attribuée à cette personne"));
    (void) send_page("helpdesk/user/marie/emergency-revoke", "confirm=1&note=x");
    assert_int_equal(world.answer->status, 409);
    assert_true(page_holds("pas de mot de passe de dépannage en cours"));
    (void) send_page("helpdesk/user/marie/sessions-revoke", "confirm=1&note=x&session=0123456789ab");
    assert_int_equal(world.answer->status, 409);
    assert_true(page_holds("Cette session est déjà fermée"));
}


static void test_page_tells_which_session_it_would_end(void **state)
{
    char target[96];

    (void) state;
    assert_string_equal(otp_fake_password(&world, &person, "marie"), "ok");
    (void) otp_fake_get(&world, &person, "session");
    (void) snprintf(target, sizeof(target), "helpdesk/user/marie/sessions-revoke?session=%s",
                    otp_fake_text(world.answer, "id"));
    otp_fake_pass(&world, 120);
    assert_int_equal(get_page(target)->status, 200);
    assert_true(page_holds("ouverte le 14/11/2023 23:13"));
    assert_true(page_holds("name=\"session\""));
    assert_int_equal(get_page("helpdesk/user/marie/sessions-revoke")->status, 200);
    assert_false(page_holds("name=\"session\""));
}


/* How many requests wait is beside the link to the helpdesk's pages, on these. */
static void test_navigation_says_where_one_is_and_what_waits(void **state)
{
    static const char *const targets[][2] = {
        { "", "<a href=\"/otp/\" aria-current" }, { "key", "<a href=\"/otp/key\" aria-current" },
        { "key/pin", "<a href=\"/otp/key\" aria-current" }, { "activity", "<a href=\"/otp/activity\"\naria-current" },
        { "helpdesk", "<a href=\"/otp/helpdesk\"\naria-current" },
        { "helpdesk/requests", "<a href=\"/otp/helpdesk\"\naria-current" },
        { "helpdesk/user/marie", "<a href=\"/otp/helpdesk\"\naria-current" },
        { "helpdesk/user/marie/unlock", "<a href=\"/otp/helpdesk\"\naria-current" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        (void) get_page(targets[i][0]);
        assert_true(page_holds(targets[i][1]));
        assert_false(page_holds("Demandes en attente&nbsp;:"));
    }
}


static void test_serial_is_found_and_given_whatever_the_case_of_its_letters(void **state)
{
    (void) state;
    (void) get("helpdesk?q=n-1");
    assert_string_equal(text(json_object_get(world.answer->json, "key"), "serial"), NEW);
    (void) get("helpdesk?q=k-1");
    assert_string_equal(text(row("people", 0), "user"), "marie");
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/lea/key-assign", "serial=n-1")), "ok");
    assert_string_equal(otp_fake_account_get(&world, "lea").key[0].serial, NEW);
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "lea");
}


/* ---- requests ---- */

static void test_requests_are_listed_the_oldest_first(void **state)
{
    (void) state;
    otp_fake_world_stock(&world, "N-2", "");
    want("lea", NEW);
    otp_fake_pass(&world, 60);
    want("zoe", "N-2");
    assert_int_equal(get("helpdesk/requests")->status, 200);
    assert_int_equal(rows("requests"), 2);
    assert_string_equal(text(row("requests", 0), "serial"), NEW);
    assert_string_equal(text(row("requests", 0), "user"), "lea");
    assert_string_equal(text(row("requests", 0), "name"), "L\xc3\xa9" "a Petit");
    assert_string_equal(text(row("requests", 0), "batch"), "batch-1");
    assert_int_equal(json_integer_value(json_object_get(row("requests", 0), "at")), OTP_FAKE_NOW);
    assert_string_equal(text(row("requests", 1), "user"), "zoe");
    assert_int_equal(otp_fake_number(get("helpdesk"), "waiting"), 2);
    assert_int_equal(get_page("helpdesk/requests")->status, 200);
    assert_true(page_holds("/otp/helpdesk/requests/N-1/approve"));
    assert_true(page_holds("</span>2</span>"));
    assert_false(page_holds("<script>alert(1)"));
}


static void test_requests_out_of_scope_are_not_listed(void **state)
{
    otp_helpdesk_t helpdesk = { OTP_SPAN("helpdesk"), OTP_SPAN("college"), false };

    (void) state;
    otp_fake_world_stock(&world, "N-2", "");
    otp_fake_world_stock(&world, "N-3", "");
    want("lea", NEW);
    want("zoe", "N-2");
    want("jose", "N-3");
    world.settings.helpdesk = &helpdesk;
    assert_int_equal(get("helpdesk/requests")->status, 200);
    assert_int_equal(rows("requests"), 1);
    assert_string_equal(text(row("requests", 0), "user"), "zoe");
    /* How many others wait is not the agent's business. */
    assert_null(json_object_get(get("helpdesk")->json, "waiting"));
    (void) get_page("helpdesk");
    assert_false(page_holds("class=\"count\""));
    assert_false(page_holds("</span>3</span>"));
    (void) get_page("helpdesk/user/zoe");
    assert_false(page_holds("</span>3</span>"));
    assert_int_equal(send("helpdesk/requests/N-1/approve", "a=b")->status, 409);
    assert_string_equal(reason(), "no_request");
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"request_approve\",\"verdict\":\"forbidden\""), 1);
    assert_int_equal(get_page("helpdesk/requests/N-1/approve")->status, 409);
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "");
    assert_string_equal(otp_fake_verdict(send("helpdesk/requests/N-2/approve", "a=b")), "ok");
}


static void test_stale_entries_of_the_index_are_not_listed(void **state)
{
    otp_stock_t stock;

    (void) state;
    want("lea", NEW);
    stock = otp_fake_world_stock_get(&world, NEW);
    stock.wanted[0] = '\0';
    stock.wanted_at = 0;
    otp_fake_world_stock_put(&world, &stock);
    assert_int_equal(get("helpdesk/requests")->status, 200);
    assert_int_equal(rows("requests"), 0);
}


/* Somebody waits for a new key since then. */
static void waits_since(const char *serial, const char *uid, int64_t at)
{
    char               text_at[24];
    otp_name_t         name;
    otp_stock_t        stock;
    otp_command_t      command = { .arg = { OTP_SPAN("ZADD") }, .args = 4 };
    otp_fake_replies_t replies = { 0 };

    otp_fake_world_stock(&world, serial, "");
    stock = otp_fake_world_stock_get(&world, serial);
    (void) snprintf(stock.wanted, sizeof(stock.wanted), "%s", uid);
    stock.wanted_at = at;
    otp_fake_world_stock_put(&world, &stock);
    (void) snprintf(text_at, sizeof(text_at), "%lld", (long long) at);
    otp_name_waiting(&name, world.settings.prefix, otp_span_of(serial));
    command.arg[1] = otp_name_span(&name);
    command.arg[2] = otp_span_of(text_at);
    command.arg[3] = otp_span_of(serial);
    otp_fake_redis_command(world.redis, &command, &replies);
    otp_fake_replies_free(&replies);
}


/* M-0, M-1…, one a second. */
static void many_wait(int count, const char *uid, int64_t first_at)
{
    for (int i = 0; i < count; i++) {
        char serial[16];

        (void) snprintf(serial, sizeof(serial), "M-%d", i);
        waits_since(serial, uid, first_at + i);
    }
}


/* The answer to the page that goes on where the last one ended. */
static const otp_fake_answer_t *get_after(void)
{
    char target[128];

    (void) snprintf(target, sizeof(target), "helpdesk/requests?after=%s", text(world.answer->json, "after"));

    return get(target);
}


static void test_many_requests_are_listed_in_order(void **state)
{
    (void) state;
    many_wait(60, "lea", OTP_FAKE_NOW);
    assert_int_equal(get("helpdesk/requests")->status, 200);
    assert_int_equal(rows("requests"), 48);
    assert_string_equal(text(row("requests", 0), "serial"), "M-0");
    assert_string_equal(text(row("requests", 47), "serial"), "M-47");
    assert_true(json_is_true(json_object_get(world.answer->json, "more")));
    assert_int_equal(get_after()->status, 200);
    assert_int_equal(rows("requests"), 12);
    assert_string_equal(text(row("requests", 0), "serial"), "M-48");
    assert_true(json_is_false(json_object_get(world.answer->json, "more")));
    assert_null(json_object_get(world.answer->json, "after"));
    assert_int_equal(otp_fake_number(get("helpdesk"), "waiting"), 60);
    (void) get_page("helpdesk/requests");
    assert_true(page_holds("helpdesk/requests?after=1700000047-M-47\""));
}


static void test_page_of_requests_that_is_just_full_has_no_next_one(void **state)
{
    (void) state;
    many_wait(48, "lea", OTP_FAKE_NOW);
    (void) get("helpdesk/requests");
    assert_int_equal(rows("requests"), 48);
    assert_true(json_is_false(json_object_get(world.answer->json, "more")));
    assert_int_equal(get("helpdesk/requests?after=nonsense")->status, 200);
    assert_int_equal(rows("requests"), 48);
    (void) get("helpdesk/requests?after=9999999999-M-1");
    assert_int_equal(rows("requests"), 0);
}


/* As they came with a copy from another Redis, perhaps. */
static void test_requests_of_the_same_second_are_all_listed_once(void **state)
{
    bool seen[100] = { false };

    (void) state;
    for (int i = 0; i < 100; i++) {
        char serial[16];

        (void) snprintf(serial, sizeof(serial), "M-%d", i);
        waits_since(serial, "lea", OTP_FAKE_NOW);
    }
    (void) get("helpdesk/requests");
    for (size_t page = 0; page < 3; page++) {
        assert_int_equal(rows("requests"), page < 2 ? 48 : 4);
        for (size_t i = 0; i < rows("requests"); i++) {
            int number = atoi(text(row("requests", i), "serial") + 2);

            assert_false(seen[number]);
            seen[number] = true;
        }
        if (page < 2) {
            assert_int_equal(get_after()->status, 200);
        }
    }
}


static void test_requests_of_others_do_not_hide_those_in_the_agents_scope(void **state)
{
    otp_helpdesk_t helpdesk = { OTP_SPAN("helpdesk"), OTP_SPAN("college"), false };

    (void) state;
    many_wait(60, "lea", OTP_FAKE_NOW);
    waits_since("N-2", "zoe", OTP_FAKE_NOW + 100);
    world.settings.helpdesk = &helpdesk;
    (void) get("helpdesk/requests");
    assert_int_equal(rows("requests"), 1);
    assert_string_equal(text(row("requests", 0), "serial"), "N-2");
    assert_true(json_is_false(json_object_get(world.answer->json, "more")));
}


static void test_very_many_requests_of_others_are_gone_through_page_by_page(void **state)
{
    otp_helpdesk_t helpdesk = { OTP_SPAN("helpdesk"), OTP_SPAN("college"), false };

    (void) state;
    many_wait(200, "lea", OTP_FAKE_NOW);
    waits_since("N-2", "zoe", OTP_FAKE_NOW + 300);
    world.settings.helpdesk = &helpdesk;
    (void) get_page("helpdesk/requests");
    assert_true(page_holds("?after="));
    (void) get("helpdesk/requests");
    assert_int_equal(rows("requests"), 0);
    assert_string_equal(text(world.answer->json, "after"), "1700000191-M-191");
    assert_int_equal(get_after()->status, 200);
    assert_int_equal(rows("requests"), 1);
    assert_string_equal(text(row("requests", 0), "serial"), "N-2");
}


static void test_approved_request_assigns_the_key(void **state)
{
    (void) state;
    want("lea", NEW);
    assert_int_equal(get_page("helpdesk/requests/N-1/approve")->status, 200);
    assert_true(page_holds("action=\"/otp/helpdesk/requests/N-1/approve\""));
    assert_string_equal(otp_fake_verdict(send("helpdesk/requests/N-1/approve", "note=checked")), "ok");
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "lea");
    assert_int_equal(otp_fake_account_get(&world, "lea").keys, 1);
    assert_int_equal(otp_fake_account_get(&world, "lea").request.state, OTP_ACTIVATION_NONE);
    (void) get("helpdesk/requests");
    assert_int_equal(rows("requests"), 0);
    (void) send("helpdesk/requests/N-1/approve", "a=b");
    assert_int_equal(world.answer->status, 409);
    assert_string_equal(reason(), "no_request");
    (void) send_page("helpdesk/requests/N-1/approve", "confirm=1&note=x");
    assert_int_equal(world.answer->status, 409);
    assert_true(page_holds("Action refusée"));
}


static void test_rejected_request_tells_the_person_why(void **state)
{
    (void) state;
    want("lea", NEW);
    assert_int_equal(send("helpdesk/requests/N-1/reject", "a=b")->status, 422);
    assert_int_equal(get_page("helpdesk/requests/N-1/reject")->status, 200);
    assert_true(page_holds("name=\"reason\""));
    (void) send_page("helpdesk/requests/N-1/reject", "confirm=1&reason=");
    assert_int_equal(world.answer->status, 422);
    (void) send_page("helpdesk/requests/N-1/reject", "confirm=1&reason=not+yours+%3Cb%3E&note=x");
    assert_int_equal(world.answer->status, 303);
    assert_true(leads_to("helpdesk/requests?done=reject"));
    assert_int_equal(follow_as(&agent)->status, 200);
    assert_true(page_holds("La demande est refusée"));
    assert_string_equal(otp_fake_account_get(&world, "lea").request.reason, "not yours <b>");
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).wanted, "");
    assert_string_equal(otp_fake_password(&world, &person, "lea"), "ok");
    person.accept = "text/html";
    (void) otp_fake_get(&world, &person, "key");
    assert_true(page_holds("not yours &lt;b&gt;"));
}


static void test_nobody_approves_their_own_request(void **state)
{
    (void) state;
    want("paul", NEW);
    assert_int_equal(send("helpdesk/requests/N-1/approve", "a=b")->status, 403);
    assert_string_equal(reason(), "own_account");
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "");
}


static void test_every_page_is_there_in_every_language(void **state)
{
    static const char *const languages[] = { "fr", "en" }, *const targets[] = {
        "", "key", "key/pin", "activity", "activity?ended=2", "activity?ended=0", "helpdesk", "helpdesk?q=marie",
        "helpdesk?q=nobody+at+all", "helpdesk/user/marie", "helpdesk/user/paul", "helpdesk/user/hugo",
        "helpdesk/requests",
        "helpdesk/requests/N-1/approve", "helpdesk/requests/N-1/reject", "key?done=requested", "key?done=approved",
    };

    (void) state;
    want("lea", NEW);
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/emergency", "a=b")), "ok");
    for (size_t i = 0; i < 2; i++) {
        agent.accept_language = languages[i];
        for (size_t j = 0; j < sizeof(targets) / sizeof(targets[0]); j++) {
            assert_int_equal(get_page(targets[j])->status, 200);
            assert_string_equal(otp_fake_header(world.answer, "Content-Language"), languages[i]);
            assert_true(page_holds("</html>"));
            assert_false(page_holds("{{"));
            assert_string_equal(otp_fake_header(world.answer, "Cache-Control"), "no-store");
        }
        for (size_t j = 0; j < ACTIONS; j++) {
            char target[64];

            (void) snprintf(target, sizeof(target), "helpdesk/user/marie?done=%s", actions[j]);
            assert_int_equal(get_page(target)->status, 200);
        }
        (void) send_page("helpdesk/user/marie/emergency", "confirm=1&note=x");
        assert_int_equal(world.answer->status, 200);
        assert_string_equal(otp_fake_header(world.answer, "Content-Language"), languages[i]);
    }
}


/* ---- faults: every command of every request, in every way ---- */

static const otp_fake_asked_t requests[] = {
    { "GET", "helpdesk?q=K-1", NULL },
    { "GET", "helpdesk/user/marie", NULL },
    { "GET", "helpdesk/requests", NULL },
    { "GET", "helpdesk/user/marie/key-disable?serial=K-1", NULL },
    { "POST", "helpdesk/user/marie/key-disable", "serial=K-1&reason=lost" },
    { "POST", "helpdesk/user/marie/emergency", "a=b" },
    { "POST", "helpdesk/user/lea/key-assign", "serial=K-1" },
    { "POST", "helpdesk/user/paul/pin-clear", "a=b" },
    { "POST", "helpdesk/requests/N-1/approve", "user=zoe" },
    { "POST", "helpdesk/requests/N-1/approve", "a=b" },
};


/* What may be told although something failed at the end: the answer could not be kept, or a line of the history. */
static void judge(const otp_fake_asked_t *asked, int good, uint64_t at, otp_fault_t fault)
{
    if (world.answer->status == 503) {
        assert_string_not_equal(otp_fake_header(world.answer, "Retry-After"), "");
        assert_false(page_holds("marie.7713"));
        assert_false(page_holds("\"password\""));
        return;
    }
    if (world.answer->status != good || asked->fields == NULL) {
        fail_msg("%s %s: command %d, fault %d: %d", asked->method, asked->target, (int) at, (int) fault,
                 world.answer->status);
    }
    if (strstr(asked->target, "key-disable") != NULL) {
        assert_int_equal(otp_fake_account_get(&world, "marie").key[0].state, OTP_KEY_DISABLED);
    }
}


static void test_every_command_fails_in_every_way(void **state)
{
    (void) state;
    want("lea", NEW);
    assert_string_equal(otp_fake_by_key(&world, &person, "marie", K), "ok");
    for (size_t i = 0; i < 2 * sizeof(requests) / sizeof(requests[0]); i++) {
        const otp_fake_asked_t *asked = &requests[i / 2];
        char                    body[512] = "";

        if (asked->fields != NULL) {
            (void) snprintf(body, sizeof(body), "%s&confirm=1&note=x&csrf=%s", asked->fields,
                            otp_fake_token(&world, &agent, "session"));
        }
        fail_everywhere(&agent, asked, body, i % 2 ? "text/html" : NULL, judge);
    }
}


static void test_failed_form_can_be_sent_again(void **state)
{
    char body[128];

    (void) state;
    (void) snprintf(body, sizeof(body), "csrf=%s", otp_fake_token(&world, &agent, "session"));
    for (uint64_t at = 5; at < 8; at++) {
        otp_fake_redis_fault(world.redis, OTP_FAULT_ERROR, at);
        if (otp_fake_post(&world, &agent, "helpdesk/user/marie/pin-clear", body)->status == 503) {
            break;
        }
    }
    world.redis->fault = OTP_FAULT_NONE;
    assert_int_equal(world.answer->status, 503);
    assert_string_equal(otp_fake_verdict(otp_fake_post(&world, &agent, "helpdesk/user/marie/pin-clear", body)), "ok");
    assert_false(otp_fake_account_get(&world, "marie").key[0].pin.set);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_agents_come_in, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_agents_need_their_key, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_way_back_carries_what_was_looked_for, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_emergency_password_makes_no_agent, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_agents_see_the_way_to_the_helpdesk, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_nobody_acts_on_their_own_account, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_nobody_acts_on_another_agents_account, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_nobody_acts_out_of_their_scope, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_search_finds_the_agents_people_among_many, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_scopes_too_many_for_the_directory_are_kept_to_all_the_same, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_who_is_no_agent_any_more_does_nothing, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_nothing_is_done_while_nobody_knows_who_is_an_agent, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_agent_who_has_moved_has_the_reach_of_his_new_group, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_any_rule_that_allows_is_enough, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_without_directory_a_scope_reaches_nobody, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_unknown_people_and_actions_are_not_found, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_methods_that_are_not_there_are_told, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_forms_without_token_do_nothing, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_people_are_found_by_identifier_name_and_email, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_who_left_the_directory_is_found_by_account, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_who_asks_for_a_key_is_found_by_its_serial, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_key_that_nobody_holds_is_found_in_the_stock, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_names_and_queries_are_shown_as_text, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_empty_and_endless_queries_look_for_nobody, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_directory_that_cannot_be_read_is_told, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_person_page_tells_all, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_page_of_somebody_without_usable_key_says_so, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_own_page_leads_to_the_operator, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_lock_that_only_the_helpdesk_ends_is_told, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_emergency_password_that_is_not_heard_any_more_is_told, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_no_answer_holds_seed_pin_or_record, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_pin_is_cleared_and_the_note_kept, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_notes_are_bounded, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_keys_are_assigned_and_unassigned, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_key_of_another_person_is_out_of_the_agents_hands, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_disabled_key_ends_the_level_before_the_agent_has_the_answer, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_reason_of_a_key_is_what_people_said, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_unlock_and_sessions, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_emergency_password_is_shown_once_and_ends_with_the_day, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_emergency_page_shows_it_to_be_read_aloud, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_double_click_gives_the_same_password, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_two_clicks_at_once_give_one_password, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_two_agents_at_once_leave_one_order_and_both_names, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_every_action_asks_first, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_page_without_confirmation_does_nothing, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_page_with_confirmation_acts_and_says_so, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_refused_page_says_what_stands_against_it, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_page_tells_which_session_it_would_end, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_navigation_says_where_one_is_and_what_waits, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_serial_is_found_and_given_whatever_the_case_of_its_letters, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_requests_are_listed_the_oldest_first, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_requests_out_of_scope_are_not_listed, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_stale_entries_of_the_index_are_not_listed, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_many_requests_are_listed_in_order, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_page_of_requests_that_is_just_full_has_no_next_one, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_requests_of_the_same_second_are_all_listed_once, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_requests_of_others_do_not_hide_those_in_the_agents_scope, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_very_many_requests_of_others_are_gone_through_page_by_page, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_approved_request_assigns_the_key, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_rejected_request_tells_the_person_why, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_nobody_approves_their_own_request, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_every_page_is_there_in_every_language, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_every_command_fails_in_every_way, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_failed_form_can_be_sent_again, open_world, close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
