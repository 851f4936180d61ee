#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/model/otp_emergency.h"
#include "core/model/otp_mail.h"
#include "core/store/otp_names.h"
#include "otp_fake_stage.h"

/* One's own key: the page, a request for one, its loss, its PIN, and the signals. */

#define K   "K-1"
#define NEW "N-1"


static int open_world(void **state)
{
    (void) open_stage(state);
    otp_fake_world_stock(&world, NEW, "");
    return 0;
}


/* Marie with a key in use. */
static void give_key(void)
{
    otp_fake_account(&world, "marie", K, OTP_FAKE_PIN);
    otp_fake_world_stock(&world, K, "marie");
}


static const otp_fake_answer_t *send(const char *target, const char *fields)
{
    return otp_fake_send(&world, &browser, target, fields);
}


static const otp_fake_answer_t *get_page(const char *target)
{
    return get_page_as(&browser, target);
}


static const otp_fake_answer_t *send_page(const char *target, const char *fields)
{
    return send_page_as(&browser, target, fields);
}


static const char *activation(const char *serial, const char *code)
{
    static char fields[512];

    (void) snprintf(fields, sizeof(fields), "serial=%s&code=%s", serial, code);

    return otp_fake_verdict(send("key", fields));
}


static const char *code_of(const char *serial)
{
    static otp_fake_passcode_t code;

    code = otp_fake_passcode("", serial, otp_fake_step_now(&world));

    return code.text;
}


static json_t *member(const char *name, size_t index)
{
    return json_array_get(json_object_get(world.answer->json, name), index);
}


/* ---- the page ---- */

static void test_page_tells_of_ones_keys(void **state)
{
    const json_t *key;

    (void) state;
    give_key();
    (void) otp_fake_password(&world, &browser, "marie");
    assert_int_equal(otp_fake_get(&world, &browser, "key")->status, 200);
    key = member("keys", 0);
    assert_string_equal(json_string_value(json_object_get(key, "serial")), K);
    assert_string_equal(json_string_value(json_object_get(key, "state")), "usable");
    assert_string_equal(json_string_value(json_object_get(key, "type")), "totp");
    assert_true(json_is_true(json_object_get(key, "pin")));
    assert_null(json_object_get(key, "drift"));
    assert_true(json_is_null(json_object_get(world.answer->json, "request")));
    assert_int_equal(strlen(otp_fake_text(world.answer, "csrf")), 49);
}


static void test_page_of_somebody_without_account_is_empty(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "lea");
    assert_int_equal(otp_fake_get(&world, &browser, "key")->status, 200);
    assert_int_equal(json_array_size(json_object_get(world.answer->json, "keys")), 0);
    assert_int_equal(get_page("key")->status, 200);
}


static void test_html_page_shows_serial_and_state(void **state)
{
    otp_account_t account;

    (void) state;
    give_key();
    (void) otp_fake_password(&world, &browser, "marie");
    assert_int_equal(get_page("key")->status, 200);
    assert_true(page_holds("<h2>Clé K-1</h2>"));
    assert_true(page_holds("key/lost"));

    account = otp_fake_account_get(&world, "marie");
    account.key[0].state = OTP_KEY_DISABLED;
    strcpy(account.key[0].reason, "lost");
    otp_fake_account_put(&world, &account);
    (void) get_page("key");
    assert_false(page_holds("key/lost"));
}


static void test_pages_need_a_session_and_lead_back(void **state)
{
    static const char *const pages[] = { "key", "key/pin", "activity", "helpdesk", "helpdesk/user/marie" };

    (void) state;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        assert_int_equal(otp_fake_get(&world, &browser, pages[i])->status, 401);
        assert_string_equal(otp_fake_text(world.answer, "error"), "login_required");
        assert_int_equal(get_page(pages[i])->status, 302);
        assert_non_null(strstr(otp_fake_header(world.answer, "Location"), "/otp/login?rd=%2Fotp%2F"));
    }
}


static void test_pending_state_is_no_session_for_these_pages(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", code_of(K)), "pin_required");
    assert_int_equal(otp_fake_get(&world, &browser, "key")->status, 401);
    assert_int_equal(otp_fake_get(&world, &browser, "activity")->status, 401);
}


static void test_help_is_shown_without_redis_and_with_it_to_the_person(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    (void) get_page("help");
    assert_true(page_holds("Marie Dupont"));
    otp_fake_redis_fault(world.redis, OTP_FAULT_DOWN, 0);
    assert_int_equal(get_page("help")->status, 200);
    assert_false(page_holds("Marie Dupont"));
    memset(&browser, 0, sizeof(browser));
    assert_int_equal(get_page("help")->status, 200);
}


/* ---- a request ---- */

static void test_request_with_the_code_of_the_key_waits_for_the_helpdesk(void **state)
{
    otp_name_t name;

    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    assert_string_equal(activation(NEW, code_of(NEW)), "requested");
    assert_int_equal(world.answer->status, 200);
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).wanted, "marie");
    otp_name_waiting(&name, world.settings.prefix, OTP_SPAN(NEW));
    assert_int_equal(otp_fake_set_score(otp_fake_redis_find(world.redis, otp_name_span(&name)), OTP_SPAN(NEW)),
                     OTP_FAKE_NOW);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"request\",\"verdict\":\"ok\""), 1);
    assert_int_equal(otp_fake_redis_stream(world.redis, "mail:", ""), 1);

    (void) otp_fake_get(&world, &browser, "key");
    assert_string_equal(json_string_value(json_object_get(json_object_get(world.answer->json, "request"), "state")),
                        "waiting");
    (void) get_page("key");
    assert_true(page_holds("en attente"));
}


/* As it stands on the back of the key, or as it comes from the keyboard. */
static void test_serial_is_typed_in_capitals_or_small_letters(void **state)
{
    (void) state;
    otp_fake_world_stock(&world, "vendor-7f", "");
    (void) otp_fake_password(&world, &browser, "lea");
    (void) otp_fake_password(&world, &other, "zoe");
    assert_string_equal(activation("n-1", code_of(NEW)), "requested");
    assert_string_equal(otp_fake_account_get(&world, "lea").request.serial, NEW);
    browser = other;
    assert_string_equal(activation(" VENDOR-7F ", code_of("vendor-7f")), "requested");
    assert_string_equal(otp_fake_world_stock_get(&world, "vendor-7f").wanted, "zoe");
}


static void test_serial_that_is_there_as_it_was_typed_goes_before_another_spelling(void **state)
{
    (void) state;
    otp_fake_world_stock(&world, "n-1", "");
    (void) otp_fake_password(&world, &browser, "lea");
    assert_string_equal(activation("n-1", code_of("n-1")), "requested");
    assert_string_equal(otp_fake_world_stock_get(&world, "n-1").wanted, "lea");
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).wanted, "");
}


static void test_second_request_is_told_apart(void **state)
{
    (void) state;
    otp_fake_world_stock(&world, "N-2", "");
    (void) otp_fake_password(&world, &browser, "marie");
    assert_string_equal(activation(NEW, code_of(NEW)), "requested");
    assert_string_equal(activation("N-2", code_of("N-2")), "requested");
    assert_int_equal(world.answer->status, 409);
    assert_string_equal(otp_fake_world_stock_get(&world, "N-2").wanted, "");
    (void) send_page("key", "serial=N-2&code=123456");
    assert_int_equal(world.answer->status, 409);
    assert_true(page_holds("Une demande est déjà en attente"));
}


static void test_rule_approves_at_once(void **state)
{
    (void) state;
    world.settings.activation_automatic = true;
    (void) otp_fake_password(&world, &browser, "marie");
    assert_string_equal(activation(NEW, code_of(NEW)), "ok");
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).uid, "marie");
    assert_int_equal(otp_fake_account_get(&world, "marie").keys, 1);
    /* The code is spent: it does not open the PIN page. */
    assert_string_equal(otp_fake_step_up(&world, &browser, code_of(NEW)), "already_used");
}


/* Everything that is wrong gets one answer, word for word. */
static void test_refusals_of_a_serial_cannot_be_told_apart(void **state)
{
    otp_stock_t stock;
    char        first[512] = "";
    static const char *const serials[] = { "NOBODYS", "K-1", "GONE", NEW, "%C3%A9%C3%A9", "a+b" };

    (void) state;
    give_key();
    otp_fake_world_stock(&world, "GONE", "");
    stock = otp_fake_world_stock_get(&world, "GONE");
    stock.key.state = OTP_KEY_DISABLED;
    strcpy(stock.key.reason, "stolen");
    otp_fake_world_stock_put(&world, &stock);
    (void) otp_fake_password(&world, &browser, "lea");

    for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
        bool fits = strcmp(serials[i], NEW) != 0 && i < 3;

        otp_fake_pass(&world, 60);
        assert_string_equal(activation(serials[i], fits ? code_of(serials[i]) : "918273"), "serial_refused");
        assert_int_equal(world.answer->status, 422);
        assert_true(i == 0 || strcmp(first, world.answer->body) == 0);
        (void) snprintf(first, sizeof(first), "%s", world.answer->body);
    }
    assert_int_equal(otp_fake_redis_count(world.redis, "otp:acct:{"), 1);
    /* Those that reached the stock are told to the audit, and looked for among the other keys. */
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"request\",\"verdict\":\"refused\""), 4);
    assert_int_equal(otp_fake_redis_stream(world.redis, "mail:", ""), 4);
    assert_false(otp_fake_redis_holds(world.redis, OTP_SPAN("918273")));
}


static void test_refused_page_shows_keys_and_what_was_typed(void **state)
{
    (void) state;
    give_key();
    (void) otp_fake_password(&world, &browser, "marie");
    (void) send_page("key", "serial=N-1&code=918273");
    assert_int_equal(world.answer->status, 422);
    assert_true(page_holds("<h2>Clé K-1</h2>"));
    assert_true(page_holds("value=\"N-1\""));
    assert_false(page_holds("918273"));
}


static void test_what_is_typed_is_shown_as_text(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    (void) send_page("key", "serial=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E&code=1");
    assert_int_equal(world.answer->status, 422);
    assert_false(page_holds("<script>alert"));
    assert_true(page_holds("&lt;script&gt;alert"));
}


static void test_requests_are_throttled_for_the_person(void **state)
{
    (void) state;
    other.address = "198.51.100.7";
    (void) otp_fake_password(&world, &browser, "lea");
    for (int i = 0; i < 6; i++) {
        assert_string_equal(activation("NOBODYS", "918273"), "serial_refused");
    }
    assert_string_equal(activation(NEW, code_of(NEW)), "throttled");
    assert_int_equal(world.answer->status, 429);
    assert_true(otp_fake_number(world.answer, "retry_after") > 0);
    assert_string_equal(otp_fake_header(world.answer, "Retry-After"), "1");
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"request\",\"verdict\":\"throttled\""), 1);
    assert_string_equal(otp_fake_world_stock_get(&world, NEW).wanted, "");

    /* Another browser of hers, no; signing in, and somebody else, yes. */
    assert_string_equal(otp_fake_password(&world, &other, "lea"), "ok");
    assert_string_equal(otp_fake_verdict(otp_fake_send(&world, &other, "key", "serial=N-1&code=1")), "throttled");
    memset(&other, 0, sizeof(other));
    assert_string_equal(otp_fake_password(&world, &other, "marie"), "ok");
    assert_string_equal(otp_fake_verdict(otp_fake_send(&world, &other, "key", "serial=N-1&code=1")), "serial_refused");
}


static void test_throttled_page_is_whole(void **state)
{
    (void) state;
    give_key();
    (void) otp_fake_password(&world, &browser, "marie");
    for (int i = 0; i < 6; i++) {
        (void) activation("NOBODYS", "918273");
    }
    (void) send_page("key", "serial=N-1&code=918273");
    assert_int_equal(world.answer->status, 429);
    assert_true(page_holds("<h2>Clé K-1</h2>"));
}


static void test_missing_fields_are_a_bad_request(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    assert_int_equal(send("key", "serial=N-1")->status, 400);
    assert_int_equal(send("key", "code=123456")->status, 400);
    assert_int_equal(send("key/lost", "a=b")->status, 400);
}


static void test_forms_without_token_do_nothing(void **state)
{
    static const char *const targets[] = { "key", "key/lost", "signals", "activity/end" };

    (void) state;
    give_key();
    (void) otp_fake_password(&world, &browser, "marie");
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        assert_int_equal(otp_fake_post(&world, &browser, targets[i], "serial=K-1&code=123456&all=1")->status, 403);
        assert_string_equal(otp_fake_text(world.answer, "error"), "csrf");
        browser.accept = "text/html";
        assert_int_equal(otp_fake_post(&world, &browser, targets[i], "serial=K-1&code=123456&all=1")->status, 403);
        browser.accept = NULL;
    }
    assert_int_equal(otp_fake_account_get(&world, "marie").key[0].state, OTP_KEY_USABLE);
    assert_string_equal(otp_fake_level(&world, &browser), "password");
}


/* ---- the loss ---- */

static void test_lost_key_is_disabled_and_takes_the_level_away(void **state)
{
    (void) state;
    give_key();
    assert_string_equal(otp_fake_by_key(&world, &browser, "marie", K), "ok");
    (void) otp_fake_password(&world, &other, "marie");
    assert_string_equal(otp_fake_verdict(otp_fake_send(&world, &other, "key/lost", "serial=K-1")), "ok");
    assert_int_equal(otp_fake_account_get(&world, "marie").key[0].state, OTP_KEY_DISABLED);
    assert_string_equal(otp_fake_world_stock_get(&world, K).key.reason, "lost");
    assert_string_equal(otp_fake_level(&world, &browser), "password");
    /* The person did it: there is no actor. */
    assert_int_equal(otp_fake_redis_events(world.redis, "\"event\":\"key_disable\""), 2);
    assert_int_equal(otp_fake_redis_events(world.redis, "\"actor\""), 0);
}


static void test_lost_key_page_says_so_once_more(void **state)
{
    (void) state;
    give_key();
    (void) otp_fake_password(&world, &browser, "marie");
    assert_int_equal(send_page("key/lost", "serial=K-1")->status, 303);
    assert_true(leads_to("key?done=lost"));
    (void) follow_as(&browser);
    assert_true(page_holds("Votre clé est désactivée."));
}


static void test_nobody_elses_key_is_reported_lost(void **state)
{
    (void) state;
    give_key();
    (void) otp_fake_password(&world, &browser, "lea");
    assert_int_equal(send("key/lost", "serial=K-1")->status, 404);
    assert_int_equal(send("key/lost", "serial=N-1")->status, 404);
    assert_int_equal(send("key/lost", "serial=NOBODYS")->status, 404);
    assert_int_equal(send("key/lost", "serial=a+b")->status, 404);
    assert_int_equal(otp_fake_account_get(&world, "marie").key[0].state, OTP_KEY_USABLE);
    assert_int_equal(otp_fake_world_stock_get(&world, NEW).key.state, OTP_KEY_USABLE);
}


/* ---- the PIN ---- */

static const char *change_pin(const char *passcode, const char *pin, const char *confirm)
{
    static char fields[256];

    (void) snprintf(fields, sizeof(fields), "passcode=%s&pin=%s&pin_confirm=%s", passcode, pin, confirm);

    return otp_fake_verdict(send("key/pin", fields));
}


static void test_pin_is_changed_with_the_passcode_only(void **state)
{
    otp_fake_passcode_t passcode;

    (void) state;
    give_key();
    assert_string_equal(otp_fake_by_key(&world, &browser, "marie", K), "ok");
    assert_int_equal(otp_fake_get(&world, &browser, "key/pin")->status, 200);
    assert_int_equal(otp_fake_number(world.answer, "pin_min"), 4);
    otp_fake_pass(&world, 60);
    passcode = otp_fake_passcode(OTP_FAKE_PIN, K, otp_fake_step_now(&world));
    assert_string_equal(change_pin(passcode.text, "7391", "7391"), "ok");
    assert_string_equal(change_pin(passcode.text, "8402", "8402"), "denied");
    otp_fake_pass(&world, 60);
    passcode = otp_fake_passcode("7391", K, otp_fake_step_now(&world));
    assert_string_equal(otp_fake_step_up(&world, &browser, passcode.text), "ok");
}


static void test_refused_pin_spends_no_code(void **state)
{
    otp_fake_passcode_t passcode;

    (void) state;
    give_key();
    assert_string_equal(otp_fake_by_key(&world, &browser, "marie", K), "ok");
    otp_fake_pass(&world, 60);
    passcode = otp_fake_passcode(OTP_FAKE_PIN, K, otp_fake_step_now(&world));
    assert_string_equal(change_pin(passcode.text, "1111", "1111"), "pin_refused");
    assert_string_equal(otp_fake_text(world.answer, "reason"), "repeated");
    assert_string_equal(change_pin(passcode.text, "7713", "7713"), "pin_refused");
    assert_string_equal(otp_fake_text(world.answer, "reason"), "personal");
    assert_string_equal(change_pin(passcode.text, "7391", "7391"), "ok");
    assert_int_equal(world.answer->status, 200);
}


static void test_pin_page_needs_the_key(void **state)
{
    (void) state;
    give_key();
    (void) otp_fake_password(&world, &browser, "marie");
    assert_int_equal(otp_fake_get(&world, &browser, "key/pin")->status, 401);
    assert_string_equal(otp_fake_text(world.answer, "error"), "otp_required");
    assert_string_equal(otp_fake_text(world.answer, "location"), "/otp/passcode?rd=%2Fotp%2Fkey%2Fpin");
    assert_int_equal(get_page("key/pin")->status, 302);
    assert_string_equal(change_pin(otp_fake_passcode(OTP_FAKE_PIN, K, OTP_FAKE_STEP).text, "7391", "7391"),
                        "otp_required");
}


static void test_pin_pages_are_rendered(void **state)
{
    char fields[128];

    (void) state;
    give_key();
    assert_string_equal(otp_fake_by_key(&world, &browser, "marie", K), "ok");
    assert_int_equal(get_page("key/pin")->status, 200);
    assert_true(page_holds("name=\"pin_confirm\""));
    otp_fake_pass(&world, 60);
    (void) send_page("key/pin", "passcode=9999123456&pin=7391&pin_confirm=7391");
    assert_int_equal(world.answer->status, 401);
    assert_true(page_holds("name=\"pin_confirm\""));
    assert_false(page_holds("7391"));
    (void) send_page("key/pin", "passcode=9999123456&pin=1111&pin_confirm=1111");
    assert_int_equal(world.answer->status, 422);
    otp_fake_pass(&world, 60);
    (void) snprintf(fields, sizeof(fields), "passcode=%s&pin=7391&pin_confirm=7391",
                    otp_fake_passcode(OTP_FAKE_PIN, K, otp_fake_step_now(&world)).text);
    (void) send_page("key/pin", fields);
    assert_int_equal(world.answer->status, 303);
    assert_true(leads_to("key?done=pin"));
    (void) follow_as(&browser);
    assert_true(page_holds("Votre code PIN est changé."));
}


/* ---- signals ---- */

static void test_signals_are_shown_until_they_are_read(void **state)
{
    otp_account_t account;

    (void) state;
    give_key();
    account = otp_fake_account_get(&world, "marie");
    account.signal[OTP_SIGNAL_CODE_WITHOUT_PIN] = (otp_signal_note_t) { .at = OTP_FAKE_NOW, .count = 2 };
    account.signal[OTP_SIGNAL_LOCKED] = (otp_signal_note_t) { .at = OTP_FAKE_NOW, .count = 1 };
    otp_fake_account_put(&world, &account);
    (void) otp_fake_password(&world, &browser, "marie");

    (void) otp_fake_get(&world, &browser, "");
    assert_int_equal(json_array_size(json_object_get(world.answer->json, "signals")), 1);
    assert_string_equal(json_string_value(json_object_get(member("signals", 0), "name")), "code_without_pin");
    assert_int_equal(json_integer_value(json_object_get(member("signals", 0), "count")), 2);
    (void) get_page("");
    assert_true(page_holds("14/11/2023 23:13"));
    (void) get_page("key");
    assert_true(page_holds("14/11/2023 23:13"));

    assert_true(page_holds("/otp/passcode\">authentifiez-vous"));
    otp_fake_pass(&world, 60);
    assert_string_equal(otp_fake_step_up(&world, &browser, otp_fake_passcode(OTP_FAKE_PIN, K,
                                                                             otp_fake_step_now(&world)).text), "ok");
    for (size_t i = 0; i < 2; i++) {
        (void) get_page(i == 0 ? "" : "key");
        assert_true(page_holds("action=\"/otp/signals\""));
    }
    assert_int_equal(send_page("signals", "a=b")->status, 303);
    assert_string_equal(otp_fake_header(world.answer, "Location"), "/otp/");
    (void) get_page("");
    assert_false(page_holds("14/11/2023 23:13"));
    assert_string_equal(otp_fake_verdict(send("signals", "a=b")), "ok");
}


/* Who has the password only, be it stolen, does not hide what would warn its owner. */
static void test_warning_is_dismissed_with_the_key_only(void **state)
{
    otp_account_t account;

    (void) state;
    give_key();
    account = otp_fake_account_get(&world, "marie");
    account.signal[OTP_SIGNAL_REPLAY] = (otp_signal_note_t) { .at = OTP_FAKE_NOW, .count = 1 };
    assert_int_equal(otp_emergency_set(world.settings.ring, &account, OTP_SPAN("A23456789B"), (const uint8_t *)
                                       "0123456789abcdef", OTP_FAKE_NOW, OTP_FAKE_NOW + 3600), OTP_OK);
    otp_fake_account_put(&world, &account);
    (void) otp_fake_password(&world, &browser, "marie");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(send("signals", "a=b")->status, 401);
        assert_string_equal(otp_fake_text(world.answer, "error"), "otp_required");
        (void) get_page("");
        assert_false(page_holds("action=\"/otp/signals\""));
        (void) get_page("key");
        assert_false(page_holds("action=\"/otp/signals\""));
        assert_int_equal(otp_fake_account_get(&world, "marie").signal[OTP_SIGNAL_REPLAY].count, 1);
        if (i == 0) {
            assert_string_equal(otp_fake_step_up(&world, &browser, "A23456789B"), "ok");
        }
    }
}


/* A new error and an old refusal are not to be taken for one another. */
static void test_earlier_refusal_is_dated_after_a_new_error(void **state)
{
    const char   *earlier = "Votre demande précédente a été refusée le 14/11/2023 23:13";
    otp_account_t account;

    (void) state;
    give_key();
    account = otp_fake_account_get(&world, "marie");
    account.request.state = OTP_ACTIVATION_REJECTED;
    account.request.at = OTP_FAKE_NOW;
    strcpy(account.request.serial, "N-9");
    otp_fake_account_put(&world, &account);
    (void) otp_fake_password(&world, &browser, "marie");
    (void) get_page("key");
    assert_true(page_holds("Votre demande a été refusée"));
    assert_false(page_holds(earlier));
    (void) send_page("key", "serial=N-1&code=918273");
    assert_true(page_holds(earlier));
    assert_false(page_holds("Votre demande a été refusée"));
    assert_true(strstr(world.answer->body, "La demande n'a pas été acceptée.") < strstr(world.answer->body, earlier));
}


/* ---- faults: every command of every request, in every way ---- */

static const otp_fake_asked_t requests[] = {
    { "GET", "key", NULL },
    { "GET", "", NULL },
    { "GET", "activity", NULL },
    { "POST", "key", "serial=N-1&code=%s" },
    { "POST", "key", "serial=N-1&code=918273" },
    { "POST", "key/lost", "serial=K-1" },
    { "POST", "signals", "a=b" },
    { "POST", "activity/end", "all=1" },
};


/* The last command of a form only keeps the answer for a double click. */
static void judge(const otp_fake_asked_t *asked, int good, uint64_t at, otp_fault_t fault)
{
    if (world.answer->status == 503) {
        assert_string_not_equal(otp_fake_header(world.answer, "Retry-After"), "");
        assert_false(page_holds("<h2>Clé"));
        return;
    }
    if (world.answer->status != good || asked->fields == NULL) {
        fail_msg("%s %s: command %d, fault %d: %d", asked->method, asked->target, (int) at, (int) fault,
                 world.answer->status);
    }
}


static void test_every_command_fails_in_every_way(void **state)
{
    (void) state;
    give_key();
    (void) otp_fake_password(&world, &browser, "marie");
    for (size_t i = 0; i < 2 * sizeof(requests) / sizeof(requests[0]); i++) {
        const otp_fake_asked_t *asked = &requests[i / 2];
        char                    fields[256] = "", body[512] = "";

        if (asked->fields != NULL) {
            (void) snprintf(fields, sizeof(fields), asked->fields, code_of(NEW));
            (void) snprintf(body, sizeof(body), "%s&csrf=%s", fields, otp_fake_token(&world, &browser, "session"));
        }
        fail_everywhere(&browser, asked, body, i % 2 ? "text/html" : NULL, judge);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_page_tells_of_ones_keys, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_page_of_somebody_without_account_is_empty, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_html_page_shows_serial_and_state, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_pages_need_a_session_and_lead_back, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_pending_state_is_no_session_for_these_pages, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_help_is_shown_without_redis_and_with_it_to_the_person, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_request_with_the_code_of_the_key_waits_for_the_helpdesk, open_world,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_serial_is_typed_in_capitals_or_small_letters, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_serial_that_is_there_as_it_was_typed_goes_before_another_spelling,
                                        open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_second_request_is_told_apart, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_rule_approves_at_once, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_refusals_of_a_serial_cannot_be_told_apart, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_refused_page_shows_keys_and_what_was_typed, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_what_is_typed_is_shown_as_text, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_requests_are_throttled_for_the_person, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_throttled_page_is_whole, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_missing_fields_are_a_bad_request, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_forms_without_token_do_nothing, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_lost_key_is_disabled_and_takes_the_level_away, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_lost_key_page_says_so_once_more, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_nobody_elses_key_is_reported_lost, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_pin_is_changed_with_the_passcode_only, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_refused_pin_spends_no_code, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_pin_page_needs_the_key, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_pin_pages_are_rendered, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_signals_are_shown_until_they_are_read, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_warning_is_dismissed_with_the_key_only, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_earlier_refusal_is_dated_after_a_new_error, open_world, close_stage),
        cmocka_unit_test_setup_teardown(test_every_command_fails_in_every_way, open_world, close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
