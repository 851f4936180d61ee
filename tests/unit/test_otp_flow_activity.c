#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/store/otp_names.h"
#include "otp_fake_stage.h"
#include "otp_fake_store.h"

/* One's own sessions and events, and ending sessions. */

#define K "K-1"

static otp_fake_browser_t second, third;


static int open_world(void **state)
{
    (void) open_stage(state);
    memset(&second, 0, sizeof(second));
    memset(&third, 0, sizeof(third));
    otp_fake_account(&world, "marie", K, OTP_FAKE_PIN);
    return 0;
}


static const json_t *row(const char *list, size_t i)
{
    return json_array_get(json_object_get(world.answer->json, list), i);
}


static const char *text(const json_t *object, const char *member)
{
    const char *value = json_string_value(json_object_get(object, member));

    return value == NULL ? "" : value;
}


static size_t rows(const char *list)
{
    return json_array_size(json_object_get(world.answer->json, list));
}


/* A line of Marie's history, as somebody who writes to Redis could put it there. */
static void put_line(const char *line)
{
    otp_name_t name;

    otp_name_of(&name, OTP_NAME_HISTORY, world.settings.prefix, OTP_SPAN("marie"));
    otp_fake_stream_add(world.redis, otp_name_span(&name), OTP_SPAN("e"), otp_span_of(line), 0);
}


static void test_open_sessions_are_listed_the_current_one_marked(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_by_key(&world, &browser, "marie", K), "ok");
    assert_string_equal(otp_fake_password(&world, &second, "marie"), "ok");
    assert_string_equal(otp_fake_password(&world, &third, "lea"), "ok");
    assert_int_equal(otp_fake_get(&world, &second, "activity")->status, 200);
    assert_int_equal(rows("sessions"), 2);
    for (size_t i = 0; i < 2; i++) {
        bool current = json_is_true(json_object_get(row("sessions", i), "current"));

        assert_int_equal(strlen(text(row("sessions", i), "id")), 12);
        assert_string_equal(text(row("sessions", i), "level"), current ? "password" : "otp");
        assert_string_equal(text(row("sessions", i), "method"), current ? "password" : "key");
        assert_int_equal(json_integer_value(json_object_get(row("sessions", i), "created")), OTP_FAKE_NOW);
        assert_int_equal(json_integer_value(json_object_get(row("sessions", i), "expires")), OTP_FAKE_NOW + 36000);
    }
    assert_int_not_equal(json_is_true(json_object_get(row("sessions", 0), "current")),
                         json_is_true(json_object_get(row("sessions", 1), "current")));
}


static void test_sessions_that_ended_are_not_listed(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    otp_fake_pass(&world, 1799);
    assert_string_equal(otp_fake_password(&world, &second, "marie"), "ok");
    otp_fake_pass(&world, 2);
    (void) otp_fake_get(&world, &second, "activity");
    assert_int_equal(rows("sessions"), 1);
}


static void test_more_sessions_than_one_batch_are_listed(void **state)
{
    (void) state;
    for (int i = 0; i < 17; i++) {
        memset(&browser, 0, sizeof(browser));
        assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    }
    (void) otp_fake_get(&world, &browser, "activity");
    assert_int_equal(rows("sessions"), 17);
    for (int i = 0; i < 12; i++) {
        memset(&browser, 0, sizeof(browser));
        assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    }
    (void) otp_fake_get(&world, &browser, "activity");
    assert_int_equal(rows("sessions"), 24);
}


static void test_session_of_another_in_the_list_is_not_shown(void **state)
{
    otp_name_t        mine, hers;
    otp_fake_entry_t *set;
    otp_command_t     command = { .arg = { OTP_SPAN("ZADD") }, .args = 4 };
    otp_fake_replies_t replies = { 0 };

    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_password(&world, &second, "lea"), "ok");
    otp_name_of(&mine, OTP_NAME_USER_SESSIONS, world.settings.prefix, OTP_SPAN("marie"));
    otp_name_of(&hers, OTP_NAME_USER_SESSIONS, world.settings.prefix, OTP_SPAN("lea"));
    set = otp_fake_redis_find(world.redis, otp_name_span(&hers));
    command.arg[1] = otp_name_span(&mine);
    command.arg[2] = OTP_SPAN("1");
    command.arg[3] = otp_span_of(set->value);
    otp_fake_redis_command(world.redis, &command, &replies);
    otp_fake_replies_free(&replies);
    (void) otp_fake_get(&world, &browser, "activity");
    assert_int_equal(rows("sessions"), 1);
}


static void test_events_are_listed_the_newest_first(void **state)
{
    otp_fake_passcode_t wrong = otp_fake_wrong(OTP_FAKE_PIN, K, OTP_FAKE_STEP);

    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_step_up(&world, &browser, wrong.text), "denied");
    assert_string_equal(otp_fake_step_up(&world, &browser,
                                         otp_fake_passcode(OTP_FAKE_PIN, K, OTP_FAKE_STEP).text), "ok");
    (void) otp_fake_get(&world, &browser, "activity");
    assert_true(rows("events") >= 2);
    assert_string_equal(text(row("events", 0), "event"), "passcode");
    assert_string_equal(text(row("events", 0), "verdict"), "ok");
    assert_string_equal(text(row("events", 0), "serial"), K);
    assert_string_equal(text(row("events", 0), "address"), "192.0.2.1");
    assert_string_equal(text(row("events", 0), "time"), "2023-11-14T22:13:20.000Z");
    assert_string_equal(text(row("events", 1), "verdict"), "denied");
}


static void test_lines_that_are_no_events_are_left_out(void **state)
{
    static const char *const lines[] = {
        "", "nonsense", "[]", "{}", "{\"time\":\"2023-11-14T22:13:20.000Z\"}", "{\"event\":\"passcode\"}",
        "{\"time\":1,\"event\":\"passcode\"}", "{\"time\":\"yesterday\",\"event\":\"passcode\"}",
        "{\"time\":\"2023-11-14T22:13:20.000Z\",\"event\":\"passcode\",\"verdict\":{}}",
        "{\"time\":\"2023-11-14T22:13:20.000Z\",\"event\":\"passcode\"} more",
        "{\"time\":\"2023-11-14T22:13:20.000Z\",\"event\":\"a\",\"event\":\"b\"}",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        put_line(lines[i]);
    }
    put_line("{\"time\":\"2023-11-14T22:13:20.000Z\",\"event\":\"new_thing\",\"verdict\":\"odd\"}");
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    (void) otp_fake_get(&world, &browser, "activity");
    assert_int_equal(rows("events"), 2);
    assert_string_equal(text(row("events", 1), "event"), "new_thing");
    browser.accept = "text/html";
    assert_int_equal(otp_fake_get(&world, &browser, "activity")->status, 200);
    assert_true(page_holds("14/11/2023 23:13"));
}


static void test_events_are_shown_as_text(void **state)
{
    (void) state;
    put_line("{\"time\":\"2023-11-14T22:13:20.000Z\",\"event\":\"<script>x</script>\",\"verdict\":\"<b>\","
             "\"address\":\"<script>y</script>\",\"serial\":\"\\\"><script>\",\"actor\":\"<script>z\"}");
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    browser.accept = "text/html";
    assert_int_equal(otp_fake_get(&world, &browser, "activity")->status, 200);
    assert_false(page_holds("<script>x"));
    assert_false(page_holds("<script>y"));
    assert_false(page_holds("<script>z"));
    assert_false(page_holds("\"><script>"));
}


static void test_what_an_agent_writes_and_where_they_sit_is_not_the_persons_business(void **state)
{
    (void) state;
    put_line("{\"time\":\"2023-11-14T22:13:20.000Z\",\"event\":\"pin_clear\",\"verdict\":\"ok\","
             "\"address\":\"203.0.113.9\",\"actor\":\"paul\",\"note\":\"sounded strange\"}");
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    (void) otp_fake_get(&world, &browser, "activity");
    assert_string_equal(text(row("events", 1), "actor"), "paul");
    assert_false(page_holds("sounded strange"));
    assert_false(page_holds("203.0.113.9"));
    browser.accept = "text/html";
    (void) otp_fake_get(&world, &browser, "activity");
    assert_false(page_holds("sounded strange"));
    assert_false(page_holds("203.0.113.9"));
}


/* It names the key of a colleague. */
static void test_mixed_up_keys_are_told_to_the_helpdesk_only(void **state)
{
    (void) state;
    put_line("{\"time\":\"2023-11-14T22:13:20.000Z\",\"event\":\"key_mixup\",\"verdict\":\"found\","
             "\"serial\":\"OTHERS-7\",\"actor\":\"otpctl\"}");
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    (void) otp_fake_get(&world, &browser, "activity");
    assert_int_equal(rows("events"), 1);
    assert_false(page_holds("OTHERS-7"));
    browser.accept = "text/html";
    (void) otp_fake_get(&world, &browser, "activity");
    assert_false(page_holds("OTHERS-7"));
    assert_false(page_holds("Une autre clé du stock"));

    otp_fake_account(&world, "paul", "KP", OTP_FAKE_PIN);
    assert_string_equal(otp_fake_by_key(&world, &second, "paul", "KP"), "ok");
    second.accept = "text/html";
    (void) otp_fake_get(&world, &second, "helpdesk/user/marie");
    assert_true(page_holds("Une autre clé du stock affichait ce code"));
    assert_true(page_holds("OTHERS-7"));
    assert_false(page_holds("found"));
}


/* The page about one event: its name, a verdict, and another member. */
static bool event_page_holds(const char *event, const char *verdict, const char *member, const char *value,
    const char *words)
{
    char        line[256];
    const char *accept = browser.accept;
    bool        held;

    (void) snprintf(line, sizeof(line), "{\"time\":\"2023-11-14T22:13:20.000Z\",\"event\":\"%s\","
                    "\"verdict\":\"%s\",\"%s\":\"%s\"}", event, verdict, member, value);
    put_line(line);
    browser.accept = "text/html";
    (void) otp_fake_get(&world, &browser, "activity");
    browser.accept = accept;
    held = page_holds(words);
    /* Taken away again. */
    free(world.redis->event[world.redis->events - 1].stream);
    free(world.redis->event[world.redis->events - 1].field);
    free(world.redis->event[--world.redis->events].text);

    return held;
}


static void test_every_event_has_its_words(void **state)
{
    static const char *const words[][2] = {
        { "passcode", "Saisie du passcode" }, { "next_code", "Second code de la clé" },
        { "pin", "Création du code PIN" }, { "pin_change", "Changement du code PIN" }, { "logout", "Déconnexion" },
        { "key_assign", "Clé attribuée" }, { "key_unassign", "Clé dissociée" }, { "key_disable", "Clé désactivée" },
        { "key_enable", "Clé réactivée" }, { "key_resync", "Clé remise" }, { "pin_clear", "Code PIN annulé" },
        { "user_unlock", "Passcode débloqué" }, { "emergency", "Mot de passe de dépannage créé" },
        { "emergency_revoke", "Mot de passe de dépannage révoqué" }, { "session_revoke", "Session fermée" },
        { "request", "Activation demandée" }, { "request_approve", "Demande d'activation validée" },
        { "request_reject", "Demande d'activation refusée" }, { "signals_seen", "Avertissement lu" },
        { "something_new", "something_new" },
    };

    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_true(event_page_holds(words[i][0], "ok", "serial", K, words[i][1]));
        assert_false(event_page_holds("password", "ok", "serial", K, words[i][1])
                     && strcmp(words[i][0], "logout") != 0);     /* the way out is on every page */
    }
}


static void test_every_ending_of_an_event_has_its_words(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_true(event_page_holds("passcode", "denied", "serial", K, "Refusé<"));
    assert_true(event_page_holds("passcode", "throttled", "serial", K, "Trop d'essais"));
    assert_true(event_page_holds("passcode", "already_used", "serial", K, "Code déjà utilisé"));
    assert_true(event_page_holds("passcode", "pin_required", "serial", K, "code PIN à créer"));
    assert_true(event_page_holds("passcode", "next_code", "serial", K, "Second code demandé"));
    assert_true(event_page_holds("pin", "pin_refused", "serial", K, "Code PIN non retenu"));
    assert_true(event_page_holds("passcode", "quite_else", "serial", K, "quite_else"));
    assert_true(event_page_holds("passcode", "denied", "signal", "code_without_pin", "Bon code, code PIN faux"));
    assert_true(event_page_holds("passcode", "denied", "signal", "pin_without_code", "Bon code PIN, code faux"));
    assert_true(event_page_holds("passcode", "denied", "signal", "replay", "Code présenté une seconde fois"));
    assert_true(event_page_holds("passcode", "denied", "signal", "locked", "Passcode suspendu"));
    assert_false(event_page_holds("passcode", "denied", "signal", "new", "Passcode suspendu"));
    assert_true(event_page_holds("key_disable", "ok", "reason", "stolen", "volée"));
    assert_true(event_page_holds("key_disable", "ok", "reason", "broken", "cassée"));
    assert_true(event_page_holds("key_disable", "ok", "reason", "lost", "perdue"));
    assert_true(event_page_holds("request_reject", "ok", "reason", "not your key", "not your key"));
    assert_false(event_page_holds("pin_clear", "refused", "reason", "no_key", "no_key"));
    assert_true(event_page_holds("passcode", "ok", "reason", "emergency", "avec un mot de passe de dépannage"));
    assert_true(event_page_holds("passcode", "denied", "reason", "emergency", "avec un mot de passe de dépannage"));
    assert_false(event_page_holds("passcode", "ok", "reason", "emergency_ended", "avec un mot de passe"));
    assert_true(event_page_holds("passcode", "ok", "reason", "emergency_ended", "la clé a servi"));
}


/* ---- ending ---- */

static void test_all_but_this_session_end(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    browser.accept = "text/html";
    (void) otp_fake_get(&world, &browser, "activity");
    assert_false(page_holds("name=\"all\""));
    assert_string_equal(otp_fake_password(&world, &second, "marie"), "ok");
    assert_string_equal(otp_fake_password(&world, &third, "marie"), "ok");
    (void) otp_fake_get(&world, &browser, "activity");
    assert_true(page_holds("name=\"all\""));
    browser.accept = NULL;
    (void) otp_fake_send(&world, &browser, "activity/end", "all=1");
    assert_string_equal(otp_fake_verdict(world.answer), "ok");
    assert_int_equal(otp_fake_number(world.answer, "ended"), 2);
    assert_string_equal(otp_fake_level(&world, &browser), "password");
    assert_string_equal(otp_fake_level(&world, &second), "");
    assert_string_equal(otp_fake_level(&world, &third), "");
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"session_revoke\""), 1);
}


static void test_one_session_ends(void **state)
{
    char fields[64];

    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_password(&world, &second, "marie"), "ok");
    (void) otp_fake_get(&world, &second, "session");
    (void) snprintf(fields, sizeof(fields), "session=%s", otp_fake_text(world.answer, "id"));
    browser.accept = "text/html";
    (void) otp_fake_send(&world, &browser, "activity/end", fields);
    assert_int_equal(world.answer->status, 303);
    assert_true(leads_to("activity?ended=1"));
    assert_int_equal(follow_as(&browser)->status, 200);
    assert_true(page_holds("message-done"));
    browser.accept = NULL;
    assert_string_equal(otp_fake_level(&world, &second), "");
    assert_string_equal(otp_fake_level(&world, &browser), "password");

    /* It is gone: there is nothing to end. */
    assert_int_equal(otp_fake_send(&world, &browser, "activity/end", fields)->status, 404);
    browser.accept = "text/html";
    (void) otp_fake_send(&world, &browser, "activity/end", fields);
    assert_true(leads_to("activity?ended=0"));
}


static void test_nobody_ends_the_session_of_another(void **state)
{
    char fields[64];

    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_password(&world, &second, "lea"), "ok");
    (void) otp_fake_get(&world, &second, "session");
    (void) snprintf(fields, sizeof(fields), "session=%s", otp_fake_text(world.answer, "id"));
    assert_int_equal(otp_fake_send(&world, &browser, "activity/end", fields)->status, 404);
    assert_string_equal(otp_fake_level(&world, &second), "password");
}


static void test_ending_needs_to_know_what(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_int_equal(otp_fake_send(&world, &browser, "activity/end", "a=b")->status, 400);
    assert_int_equal(otp_fake_send(&world, &browser, "activity/end", "all=0")->status, 400);
    assert_int_equal(otp_fake_send(&world, &browser, "activity/end", "all=1&session=0123456789ab")->status, 400);
    assert_int_equal(otp_fake_send(&world, &browser, "activity/end", "session=")->status, 404);
    assert_int_equal(otp_fake_send(&world, &browser, "activity/end", "session=0123")->status, 404);
    assert_string_equal(otp_fake_level(&world, &browser), "password");
}


static void test_form_sent_twice_gets_the_first_answer(void **state)
{
    char body[128];

    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "ok");
    assert_string_equal(otp_fake_password(&world, &second, "marie"), "ok");
    (void) snprintf(body, sizeof(body), "all=1&csrf=%s", otp_fake_token(&world, &browser, "activity"));
    (void) otp_fake_post(&world, &browser, "activity/end", body);
    assert_int_equal(otp_fake_number(world.answer, "ended"), 1);
    (void) otp_fake_post(&world, &browser, "activity/end", body);
    assert_int_equal(otp_fake_number(world.answer, "ended"), 1);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"session_revoke\""), 1);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open_sessions_are_listed_the_current_one_marked, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_sessions_that_ended_are_not_listed, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_more_sessions_than_one_batch_are_listed, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_session_of_another_in_the_list_is_not_shown, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_events_are_listed_the_newest_first, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_lines_that_are_no_events_are_left_out, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_events_are_shown_as_text, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_what_an_agent_writes_and_where_they_sit_is_not_the_persons_business,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_mixed_up_keys_are_told_to_the_helpdesk_only, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_every_event_has_its_words, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_every_ending_of_an_event_has_its_words, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_all_but_this_session_end, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_one_session_ends, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_nobody_ends_the_session_of_another, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_ending_needs_to_know_what, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_form_sent_twice_gets_the_first_answer, open_world, close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
