#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "otp_fake_stage.h"

/* What was shown, and what holds when somebody acts on it: old forms, old rights, old notices.  Paul is the agent, hugo
 * another one. */

#define K   "K-1"
#define NEW "N-1"

#define APPROVE "helpdesk/requests/N-1/approve"
#define REJECT  "helpdesk/requests/N-1/reject"
#define ENABLE  "helpdesk/user/marie/key-enable"
#define DISABLE "helpdesk/user/marie/key-disable"

static otp_fake_browser_t agent, colleague, person;


static int open_world(void **state)
{
    (void) open_stage(state);
    memset(&agent, 0, sizeof(agent));
    memset(&colleague, 0, sizeof(colleague));
    memset(&person, 0, sizeof(person));
    fill_desk();
    assert_string_equal(otp_fake_by_key(&world, &agent, "paul", "KP"), "ok");
    assert_string_equal(otp_fake_by_key(&world, &colleague, "hugo", "KH"), "ok");
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


static const otp_fake_answer_t *by_colleague(const char *target, const char *fields)
{
    (void) otp_fake_send(&world, &colleague, target, fields);
    assert_string_equal(otp_fake_verdict(world.answer), "ok");

    return world.answer;
}


static const char *reason(void)
{
    return otp_fake_text(world.answer, "reason");
}


/* What the page that was shown sends, and `more` of it; its token apart. */
static const char *form(const char *more)
{
    static const char *const names[] = { "confirm", "user", "at", "was", "serial" };
    static char              fields[512];
    size_t                   n = (size_t) snprintf(fields, sizeof(fields), "%s", more);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = hidden(names[i]);

        if (value[0] != '\0') {
            n += (size_t) snprintf(fields + n, sizeof(fields) - n, "&%s=%s", names[i], value);
        }
    }

    return fields;
}


/* ---- requests ---- */

/* Lea has asked and the agent has the page before him; then she is refused, and zoe asks for the same key. */
static const char *form_from_before(const char *target, const char *more)
{
    const char *fields;

    want("lea", NEW);
    assert_int_equal(get_page_as(&agent, target)->status, 200);
    assert_true(page_holds("L\xc3\xa9" "a Petit"));
    fields = form(more);
    (void) by_colleague(REJECT, "reason=other+key");
    otp_fake_pass(&world, 60);
    want("zoe", NEW);

    return fields;
}


static void test_approval_is_for_the_person_that_the_page_named(void **state)
{
    const char *fields = form_from_before(APPROVE, "note=seen+with+Lea");

    (void) state;
    assert_int_equal(send_page_as(&agent, APPROVE, fields)->status, 409);
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "");
    assert_int_equal(otp_fake_account_get(&world, "zoe").keys, 0);
    /* Whom it would be for now, and without what was written about her before. */
    assert_true(page_holds("Rien n'a été fait"));
    assert_true(page_holds(">zoe<"));
    assert_false(page_holds("seen with Lea"));
    assert_string_equal(hidden("user"), "zoe");
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"request_approve\",\"verdict\":\"refused\""), 1);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"reason\":\"changed\""), 1);
    assert_int_equal(otp_fake_redis_events(world.redis, "seen with Lea"), 0);

    assert_int_equal(send_page_as(&agent, APPROVE, form("note=seen+with+Zoe"))->status, 303);
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "zoe");
}


static void test_rejection_reaches_nobody_whom_the_page_did_not_name(void **state)
{
    const char *fields = form_from_before(REJECT, "reason=Lea,+you+leave");

    (void) state;
    assert_int_equal(send_page_as(&agent, REJECT, fields)->status, 409);
    assert_int_equal(otp_fake_account_get(&world, "zoe").request.state, OTP_ACTIVATION_WAITING);
    assert_true(page_holds("relisez le nom"));
    assert_false(page_holds("Lea, you leave"));
    assert_int_equal(otp_fake_redis_stream(world.redis, "mail:", "Lea, you leave"), 0);
}


static void test_request_that_nobody_makes_any_more_is_told_as_such(void **state)
{
    const char *fields;

    (void) state;
    want("lea", NEW);
    (void) get_page_as(&agent, APPROVE);
    fields = form("note=x");
    (void) by_colleague(REJECT, "reason=other+key");
    assert_int_equal(send_page_as(&agent, APPROVE, fields)->status, 409);
    assert_true(page_holds("Personne n'attend plus cette clé"));
    assert_false(page_holds("Celle qui attend maintenant"));
    /* Nor is this page's form good for whoever asks next. */
    fields = form("note=x&user=");
    otp_fake_pass(&world, 60);
    want("zoe", NEW);
    assert_int_equal(send_page_as(&agent, APPROVE, fields)->status, 409);
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "");
}


static void test_earlier_request_of_the_same_person_is_another_one(void **state)
{
    const char *fields;

    (void) state;
    want("lea", NEW);
    (void) get_page_as(&agent, APPROVE);
    assert_true(page_holds("14/11/2023 23:13"));
    fields = form("note=x");
    (void) by_colleague(REJECT, "reason=other+key");
    otp_fake_pass(&world, 60);
    want("lea", NEW);
    assert_int_equal(send_page_as(&agent, APPROVE, fields)->status, 409);
    assert_true(page_holds("14/11/2023 23:14"));
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "");
    assert_int_equal(send_page_as(&agent, APPROVE, form("note=x"))->status, 303);
}


static void test_form_with_an_old_token_does_not_carry_words_to_somebody_else(void **state)
{
    char        body[600];
    const char *fields = form_from_before(REJECT, "reason=Lea,+you+leave");

    (void) state;
    (void) snprintf(body, sizeof(body), "%s&csrf=none", fields);
    agent.accept = "text/html";
    assert_int_equal(otp_fake_post(&world, &agent, REJECT, body)->status, 403);
    assert_true(page_holds("relisez le nom"));
    assert_false(page_holds("Lea, you leave"));
}


static void test_what_programs_have_seen_is_compared_when_they_say_it(void **state)
{
    char fields[64];

    (void) state;
    want("lea", NEW);
    assert_int_equal(send(APPROVE, "user=zoe")->status, 409);
    assert_string_equal(otp_fake_verdict(world.answer), "refused");
    assert_string_equal(reason(), "changed");
    assert_string_not_equal(otp_fake_text(world.answer, "text"), "");
    assert_int_equal(send(APPROVE, "user=")->status, 409);
    assert_int_equal(send(APPROVE, "user=lea&at=1700000001")->status, 409);
    assert_int_equal(send(APPROVE, "at=x")->status, 409);
    assert_int_equal(send("helpdesk/user/marie/pin-clear", "user=lea")->status, 409);
    assert_true(otp_fake_account_get(&world, "marie").key[0].pin.set);
    (void) snprintf(fields, sizeof(fields), "user=LEA&at=%lld", (long long) OTP_FAKE_NOW);
    assert_string_equal(otp_fake_verdict(send(APPROVE, fields)), "ok");
}


/* One step of either, in an order that `random` says; the clock moves when both wait. */
static void run_both(otp_fake_call_t *first, otp_fake_call_t *second, uint64_t *random)
{
    bool one = false, two = false;

    while (!one || !two) {
        bool first_can = !one && !otp_fake_waiting(first), second_can = !two && !otp_fake_waiting(second);

        if (first_can && (!second_can || (otp_fake_random(random) & 1) != 0)) {
            one = otp_fake_step(first);
        } else if (second_can) {
            two = otp_fake_step(second);
        } else {
            world.now_ms += 50;
            world.redis->now_ms = world.now_ms;
        }
    }
}


/* Two clicks on the same form: the second one does not take what the first has done for a change by others. */
static void test_two_clicks_on_one_form_get_one_answer(void **state)
{
    uint64_t random = 5;

    (void) state;
    for (int i = 0; i < 60; i++) {
        char               body[600], token[64];
        otp_fake_call_t   *first, *second;
        otp_fake_answer_t *one, *two;

        (void) by_colleague(DISABLE, "serial=K-1&reason=lost");
        (void) get_page_as(&agent, ENABLE "?serial=K-1");
        (void) snprintf(token, sizeof(token), "%s", hidden("csrf"));
        (void) snprintf(body, sizeof(body), "%s&csrf=%s", form("note=x"), token);
        agent.accept = "text/html";
        other = agent;
        first = otp_fake_begin(&world, &agent, "POST", ENABLE, body);
        second = otp_fake_begin(&world, &other, "POST", ENABLE, body);
        run_both(first, second, &random);
        one = otp_fake_end(first);
        two = otp_fake_end(second);
        assert_int_equal(one->status, 303);
        assert_int_equal(two->status, 303);
        otp_fake_answer_free(one);
        otp_fake_answer_free(two);
    }
}


/* ---- keys ---- */

static void test_key_is_not_enabled_that_was_reported_stolen_meanwhile(void **state)
{
    const char *fields;

    (void) state;
    (void) by_colleague(DISABLE, "serial=K-1&reason=lost");
    (void) get_page_as(&agent, ENABLE "?serial=K-1");
    assert_true(page_holds("Désactivée&nbsp;: perdue"));
    assert_string_equal(hidden("was"), "lost");
    fields = form("note=found+again");
    (void) by_colleague(DISABLE, "serial=K-1&reason=stolen");

    assert_int_equal(send_page_as(&agent, ENABLE, fields)->status, 409);
    assert_true(page_holds("Rien n'a été fait"));
    assert_true(page_holds("Désactivée&nbsp;: volée"));
    assert_false(page_holds("found again"));
    assert_string_equal(otp_fake_account_get(&world, "marie").key[0].reason, "stolen");
    assert_int_equal(send_page_as(&agent, ENABLE, form("note=police+found+it"))->status, 303);
    assert_int_equal(otp_fake_account_get(&world, "marie").key[0].state, OTP_KEY_USABLE);
}


static void test_key_is_not_disabled_for_a_lesser_reason_by_an_old_form(void **state)
{
    const char *fields;

    (void) state;
    (void) get_page_as(&agent, DISABLE "?serial=K-1");
    assert_string_equal(hidden("was"), "usable");
    fields = form("note=x&reason=broken");
    (void) by_colleague(DISABLE, "serial=K-1&reason=stolen");
    assert_int_equal(send_page_as(&agent, DISABLE, fields)->status, 409);
    assert_string_equal(otp_fake_account_get(&world, "marie").key[0].reason, "stolen");
    assert_string_equal(otp_fake_verdict(send(DISABLE, "serial=K-1&reason=lost&was=stolen")), "ok");
    assert_int_equal(send(ENABLE, "serial=K-1&was=usable")->status, 409);
    assert_string_equal(otp_fake_verdict(send(ENABLE, "serial=K-1&was=lost")), "ok");
}


/* ---- who may look ---- */

static const char *const pages[] = {
    "helpdesk", "helpdesk?q=marie", "helpdesk/user/marie", "helpdesk/user/marie/pin-clear", "helpdesk/requests",
    APPROVE,
};
#define PAGES (sizeof(pages) / sizeof(pages[0]))


static void assert_pages(int status)
{
    for (size_t i = 0; i < PAGES; i++) {
        assert_int_equal(get(pages[i])->status, status);
        assert_int_equal(get_page_as(&agent, pages[i])->status, status);
        assert_int_equal(status == 200 || (!page_holds("Marie") && !page_holds(NEW)), true);
    }
}


static void test_who_is_no_agent_any_more_reads_nothing(void **state)
{
    (void) state;
    want("lea", NEW);
    assert_pages(200);
    world.moved = "paul";
    world.moved_to = "staff";
    assert_pages(403);
    world.moved_to = NULL;
    assert_pages(403);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"helpdesk\""), 0);
    world.moved_to = "helpdesk";
    assert_pages(200);
    world.directory = OTP_PERSON_UNAVAILABLE;
    assert_pages(503);
    world.directory = OTP_PERSON_BUSY;
    assert_pages(503);
}


static void test_who_has_moved_reads_no_further_than_the_new_group(void **state)
{
    otp_helpdesk_t helpdesk[] = {
        { OTP_SPAN("helpdesk"), { NULL, 0 }, false }, { OTP_SPAN("desk-college"), OTP_SPAN("college"), false },
    };

    (void) state;
    want("lea", NEW);
    world.settings.helpdesk = helpdesk;
    world.settings.helpdesks = 2;
    world.moved = "paul";
    world.moved_to = "desk-college";
    assert_int_equal(get("helpdesk/user/marie")->status, 403);
    assert_int_equal(get("helpdesk/user/marie/pin-clear")->status, 403);
    assert_int_equal(get("helpdesk/user/zoe")->status, 200);
    (void) get("helpdesk?q=marie");
    assert_int_equal(json_array_size(json_object_get(world.answer->json, "people")), 0);
    assert_null(json_object_get(world.answer->json, "waiting"));
    (void) get("helpdesk/requests");
    assert_int_equal(json_array_size(json_object_get(world.answer->json, "requests")), 0);
}


/* ---- what agents with a scope learn of the stock ---- */

static void same_answer(const char *target, const char *fields, const char *first, const char *second)
{
    char first_path[96], second_path[96], kept[256];
    int  status;

    for (int page = 0; page < 2; page++) {
        char one[160], two[160];

        (void) snprintf(first_path, sizeof(first_path), target, first);
        (void) snprintf(second_path, sizeof(second_path), target, second);
        (void) snprintf(one, sizeof(one), fields, first);
        (void) snprintf(two, sizeof(two), fields, second);
        (void) (page ? send_page_as(&agent, first_path, one) : send(first_path, one));
        status = world.answer->status;
        assert_true(status == 404 || status == 409);
        (void) snprintf(kept, sizeof(kept), "%s", page ? strstr(world.answer->body, "message-error")
                                                       : world.answer->body);
        (void) (page ? send_page_as(&agent, second_path, two) : send(second_path, two));
        assert_int_equal(world.answer->status, status);
        assert_int_equal(strncmp(page ? strstr(world.answer->body, "message-error") : world.answer->body, kept,
                                 strlen(kept)), 0);
    }
}


static void test_scope_hides_whether_a_key_of_others_is_in_the_stock(void **state)
{
    otp_helpdesk_t helpdesk = { OTP_SPAN("helpdesk"), OTP_SPAN("college"), false };

    (void) state;
    want("lea", NEW);
    assert_int_equal(send("helpdesk/user/zoe/key-assign", "serial=K-1")->status, 409);
    assert_string_equal(reason(), "held");
    assert_int_equal(send("helpdesk/requests/NONE/approve", "a=b")->status, 404);

    world.settings.helpdesk = &helpdesk;
    same_answer("helpdesk/user/zoe/key-assign", "serial=%s&confirm=1&note=x", "NONE", K);
    assert_true(page_holds("elle est à quelqu'un d'autre"));
    same_answer("helpdesk/user/zoe/key-assign", "serial=%s&confirm=1&note=x", "NONE", NEW);
    same_answer("helpdesk/user/zoe/key-unassign", "serial=%s&confirm=1&note=x", "NONE", K);
    same_answer("helpdesk/user/zoe/key-disable", "serial=%s&confirm=1&note=x&reason=lost", "NONE", K);
    same_answer("helpdesk/user/zoe/key-enable", "serial=%s&confirm=1&note=x", "NONE", K);
    same_answer("helpdesk/requests/%s/approve", "confirm=1&note=%s", "NONE", K);
    same_answer("helpdesk/requests/%s/approve", "confirm=1&note=%s", "NONE", NEW);
    same_answer("helpdesk/requests/%s/reject", "confirm=1&reason=%s", "NONE", NEW);
    assert_int_equal(get_page_as(&agent, "helpdesk/requests/NONE/approve")->status, 409);
    assert_int_equal(get_page_as(&agent, APPROVE)->status, 409);
    assert_false(page_holds("Petit"));
    assert_int_equal(otp_fake_account_get(&world, "lea").request.state, OTP_ACTIVATION_WAITING);
}


/* ---- notices ---- */

static void test_address_alone_claims_nothing(void **state)
{
    static const char *const targets[] = {
        "helpdesk/user/marie?done=key-disable", "helpdesk/user/marie?done=pin-clear", "helpdesk/requests?done=approve",
        "key?done=approved", "key?done=lost", "activity?ended=3", "activity?ended=0",
        "helpdesk/user/marie?done=key-disable&told=", "helpdesk/user/marie?done=%3Cscript%3E",
        "key?done=lost&told=1700000000AAAAAAAAAAAAAAAAAAAAAA",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        assert_int_equal(get_page_as(&agent, targets[i])->status, 200);
        assert_false(page_holds("message-done"));
        assert_false(page_holds("C'est fait"));
    }
}


static void test_notice_is_for_whom_it_was_made_and_for_a_minute(void **state)
{
    char        target[256], moved[256];
    const char *token;

    (void) state;
    assert_int_equal(send_page_as(&agent, "helpdesk/user/marie/pin-clear", "confirm=1&note=x")->status, 303);
    (void) snprintf(target, sizeof(target), "%s", otp_fake_header(world.answer, "Location") + 5);
    (void) get_page_as(&agent, target);
    assert_true(page_holds("Le code PIN est annulé"));
    (void) get_page_as(&colleague, target);
    assert_false(page_holds("Le code PIN est annulé"));

    token = strstr(target, "told=");
    (void) snprintf(moved, sizeof(moved), "helpdesk/user/zoe?done=pin-clear&%s", token);
    (void) get_page_as(&agent, moved);
    assert_false(page_holds("message-done"));
    (void) snprintf(moved, sizeof(moved), "helpdesk/user/marie?done=unlock&%s", token);
    (void) get_page_as(&agent, moved);
    assert_false(page_holds("message-done"));
    (void) snprintf(moved, sizeof(moved), "helpdesk/user/marie?done=pin-clear&told=1700000009%s", token + 15);
    (void) get_page_as(&agent, moved);
    assert_false(page_holds("message-done"));

    otp_fake_pass(&world, 60);
    (void) get_page_as(&agent, target);
    assert_true(page_holds("Le code PIN est annulé"));
    otp_fake_pass(&world, 1);
    (void) get_page_as(&agent, target);
    assert_false(page_holds("Le code PIN est annulé"));
}


/* ---- the banner ---- */

static void signal_now(otp_signal_t signal, int64_t at, int64_t count)
{
    otp_account_t account = otp_fake_account_get(&world, "marie");

    account.signal[signal].at = at;
    account.signal[signal].count = count;
    otp_fake_account_put(&world, &account);
}


static int64_t count_of(otp_signal_t signal)
{
    return otp_fake_account_get(&world, "marie").signal[signal].count;
}


static void test_banner_is_dismissed_for_what_it_said(void **state)
{
    char fields[256];

    (void) state;
    assert_string_equal(otp_fake_by_key(&world, &person, "marie", K), "ok");
    signal_now(OTP_SIGNAL_CODE_WITHOUT_PIN, OTP_FAKE_NOW, 2);
    signal_now(OTP_SIGNAL_REPLAY, OTP_FAKE_NOW, 1);
    signal_now(OTP_SIGNAL_LOCKED, OTP_FAKE_NOW, 1);
    (void) get_page_as(&person, "key");
    (void) snprintf(fields, sizeof(fields), "seen=%s", hidden("seen"));
    /* Another one of the same second, and one of a kind that was not there. */
    signal_now(OTP_SIGNAL_REPLAY, OTP_FAKE_NOW, 2);
    signal_now(OTP_SIGNAL_PIN_WITHOUT_CODE, OTP_FAKE_NOW, 1);
    assert_int_equal(send_page_as(&person, "signals", fields)->status, 303);
    assert_int_equal(count_of(OTP_SIGNAL_CODE_WITHOUT_PIN), 0);
    assert_int_equal(count_of(OTP_SIGNAL_REPLAY), 2);
    assert_int_equal(count_of(OTP_SIGNAL_PIN_WITHOUT_CODE), 1);
    assert_int_equal(count_of(OTP_SIGNAL_LOCKED), 0);

    (void) get_page_as(&person, "");
    (void) snprintf(fields, sizeof(fields), "seen=%s", hidden("seen"));
    signal_now(OTP_SIGNAL_REPLAY, OTP_FAKE_NOW + 1, 2);
    assert_int_equal(send_page_as(&person, "signals", fields)->status, 303);
    assert_int_equal(count_of(OTP_SIGNAL_PIN_WITHOUT_CODE), 0);
    assert_int_equal(count_of(OTP_SIGNAL_REPLAY), 2);
    assert_string_equal(otp_fake_verdict(otp_fake_send(&world, &person, "signals", "seen=replay:x:,:::,")), "ok");
    assert_int_equal(count_of(OTP_SIGNAL_REPLAY), 2);
    /* Programs that say nothing mean all there is. */
    assert_string_equal(otp_fake_verdict(otp_fake_send(&world, &person, "signals", "a=b")), "ok");
    assert_int_equal(count_of(OTP_SIGNAL_REPLAY), 0);
}


/* ---- words ---- */

static void test_notes_and_reasons_do_not_turn_the_direction_of_writing(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/unlock", "note=abc%E2%80%AEgnp.exe%E2%81%A6+%D8%9C"
                                              "%E2%80%8E0612%E2%80%8F")), "ok");
    assert_string_equal(otp_fake_verdict(send("helpdesk/user/marie/pin-clear", "note=abc%E2%80%AEgnp.exe%E2%81%A6+"
                                              "%D8%9C%E2%80%8E0612%E2%80%8F")), "ok");
    assert_int_equal(otp_fake_redis_events(world.redis, "\"note\":\"abcgnp.exe 0612\""), 1);
    (void) get_page_as(&agent, "helpdesk/user/marie");
    assert_true(page_holds("<bdi>abcgnp.exe 0612</bdi>"));
    want("lea", NEW);
    assert_string_equal(otp_fake_verdict(send(REJECT, "reason=%E2%80%AB%D7%9C%D7%90%E2%80%AC")), "ok");
    assert_string_equal(otp_fake_account_get(&world, "lea").request.reason, "\xd7\x9c\xd7\x90");
    otp_fake_world_stock(&world, "N-2", "");
    want("zoe", "N-2");
    assert_int_equal(send("helpdesk/requests/N-2/reject", "reason=%E2%80%AB")->status, 422);
    assert_int_equal(otp_fake_account_get(&world, "zoe").request.state, OTP_ACTIVATION_WAITING);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_approval_is_for_the_person_that_the_page_named, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_rejection_reaches_nobody_whom_the_page_did_not_name, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_request_that_nobody_makes_any_more_is_told_as_such, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_earlier_request_of_the_same_person_is_another_one, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_form_with_an_old_token_does_not_carry_words_to_somebody_else, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_what_programs_have_seen_is_compared_when_they_say_it, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_two_clicks_on_one_form_get_one_answer, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_key_is_not_enabled_that_was_reported_stolen_meanwhile, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_key_is_not_disabled_for_a_lesser_reason_by_an_old_form, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_who_is_no_agent_any_more_reads_nothing, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_who_has_moved_reads_no_further_than_the_new_group, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_scope_hides_whether_a_key_of_others_is_in_the_stock, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_address_alone_claims_nothing, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_notice_is_for_whom_it_was_made_and_for_a_minute, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_banner_is_dismissed_for_what_it_said, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_notes_and_reasons_do_not_turn_the_direction_of_writing, open_world,
                                        close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
