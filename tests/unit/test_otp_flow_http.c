#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "otp_fake_stage.h"

/* The portal seen by a browser and by hostile clients: methods, bodies, addresses, languages, pages. */

#define K       "K-1"
#define PIN     OTP_FAKE_PIN
#define HTML    "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
#define NOW_PASSCODE(pin)   otp_fake_passcode(pin, K, otp_fake_step_now(&world)).text


/* ---- methods, paths, bodies ---- */

static void test_method_an_endpoint_does_not_have_is_told_what_it_has(void **state)
{
    static const char *const rows[][3] = {
        { "PUT", "login", "GET, HEAD, POST" }, { "DELETE", "passcode", "GET, HEAD, POST" },
        { "POST", "", "GET, HEAD" }, { "POST", "session", "GET, HEAD" }, { "POST", "help", "GET, HEAD" },
        { "POST", "health", "GET, HEAD" }, { "GET", "logout", "POST" }, { "HEAD", "logout", "POST" },
        { "OPTIONS", "pin", "GET, HEAD, POST" },
    };

    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const otp_fake_answer_t *answer = otp_fake_request(&world, &browser, rows[i][0], rows[i][1], "a=b");

        assert_int_equal(answer->status, 405);
        assert_string_equal(otp_fake_header(answer, "Allow"), rows[i][2]);
        assert_string_equal(otp_fake_text(answer, "error"), "method_not_allowed");
    }
    assert_string_equal(otp_fake_level(&world, &browser), "password");
}


static void test_unknown_path_is_not_found(void **state)
{
    static const char *const paths[] = {
        "x", "login/", "Login", "login.", "/login", "../login", "pin/1", "static/", "static/none.css",
        "static/../login",
        "helpdesk/../session", "login%00",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(otp_fake_get(&world, &browser, paths[i])->status, 404);
        assert_string_equal(world.answer->body, "{\"error\":\"not_found\"}");
        assert_int_equal(otp_fake_post(&world, &browser, paths[i], "a=b")->status, 404);
    }
}


static void test_body_up_to_eight_kibibytes_is_read(void **state)
{
    char *body = malloc(OTP_BODY_MAX + 2);

    (void) state;
    memset(body, 'a', OTP_BODY_MAX + 2);
    body[OTP_BODY_MAX + 1] = '\0';
    assert_int_equal(otp_fake_post(&world, &browser, "login", body)->status, 413);
    body[OTP_BODY_MAX] = '\0';
    assert_int_equal(otp_fake_post(&world, &browser, "login", body)->status, 403);
    assert_int_equal(otp_fake_request(&world, &browser, "POST", "passcode", body)->status, 401);
    free(body);
}


static void test_body_that_is_no_form_is_refused(void **state)
{
    static const char *const bodies[] = {
        "username=%", "username=%zz", "username=a%00b", "username=%ff", "a=1&a=2", "username=a%0db",
        "a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k=&l=&m=&n=&o=&p=&q=",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(otp_fake_post(&world, &browser, "login", bodies[i])->status, 400);
        assert_string_equal(world.answer->body, "{\"error\":\"bad_request\"}");
    }
    browser.content_type = "multipart/form-data; boundary=x";
    assert_int_equal(otp_fake_post(&world, &browser, "login", "a=b")->status, 400);
    browser.content_type = "";
    assert_int_equal(otp_fake_post(&world, &browser, "login", "a=b")->status, 400);
}


static void test_form_without_its_fields_is_refused(void **state)
{
    static const char *const fields[] = {
        "a=b", "method=password&password=x", "username=marie&password=x", "username=marie&method=password",
        "username=marie&method=passcode&password=x", "username=marie&method=both&password=x&passcode=x",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        assert_int_equal(otp_fake_submit(&world, &browser, "login", fields[i])->status, 400);
    }
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_password(&world, &browser, "marie");
    assert_int_equal(otp_fake_submit(&world, &browser, "passcode", "a=b")->status, 400);
    (void) otp_fake_step_up(&world, &browser, NOW_PASSCODE(""));
    assert_int_equal(otp_fake_submit(&world, &browser, "pin", "pin=2580")->status, 400);
    assert_int_equal(world.passwords, 1);
}


static void test_passcode_longer_than_any_is_wrong_and_no_fault(void **state)
{
    char fields[600];

    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    (void) otp_fake_password(&world, &browser, "marie");
    memset(fields, '1', sizeof(fields) - 1);
    fields[300] = '\0';
    assert_string_equal(otp_fake_step_up(&world, &browser, fields), "denied");
    assert_int_equal(otp_fake_account_get(&world, "marie").unknown.failures, 1);
}


static void test_empty_password_is_refused(void **state)
{
    (void) state;
    assert_int_equal(otp_fake_submit(&world, &browser, "login", "username=marie&method=password&password=")->status,
                     401);
}


static void test_page_has_a_policy_however_many_hosts_there_are(void **state)
{
    static char host[200];
    otp_span_t  hosts[64];

    (void) state;
    memset(host, 'h', sizeof(host));
    for (size_t i = 0; i < 64; i++) {
        hosts[i] = (otp_span_t) { host, sizeof(host) };
    }
    browser.accept = HTML;
    (void) otp_fake_get(&world, &browser, "login");
    assert_non_null(strstr(otp_fake_header(world.answer, "Content-Security-Policy"), "form-action 'self' app.example"));
    world.settings.redirect_hosts = hosts;
    world.settings.redirect_hosts_n = 64;
    (void) otp_fake_get(&world, &browser, "login");
    assert_non_null(strstr(otp_fake_header(world.answer, "Content-Security-Policy"), "form-action 'self'"));
}


static void test_pages_of_the_key_need_a_session_or_pending_state(void **state)
{
    static const char *const pages[] = { "passcode", "pin" };

    (void) state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(otp_fake_get(&world, &browser, pages[i])->status, 401);
        assert_string_equal(otp_fake_text(world.answer, "error"), "login_required");
        assert_string_equal(otp_fake_text(world.answer, "location"), "/otp/login");
        assert_int_equal(otp_fake_post(&world, &browser, pages[i], "passcode=1&pin=2&pin_confirm=2")->status, 401);
        assert_string_equal(otp_fake_text(world.answer, "error"), "login_required");
    }
    assert_int_equal(otp_fake_get(&world, &browser, "passcode?rd=%2Fmarks%2F")->status, 401);
    assert_string_equal(otp_fake_text(world.answer, "location"), "/otp/login?rd=%2Fmarks%2F");
    browser.accept = HTML;
    assert_int_equal(otp_fake_get(&world, &browser, "passcode?rd=%2Fmarks%2F")->status, 302);
    assert_string_equal(otp_fake_header(world.answer, "Location"), "/otp/login?rd=%2Fmarks%2F");
}


static void test_health_and_help_are_for_everybody(void **state)
{
    (void) state;
    assert_int_equal(otp_fake_get(&world, &browser, "health")->status, 200);
    assert_string_equal(world.answer->body, "{\"redis\":\"ok\"}");
    assert_int_equal(otp_fake_get(&world, &browser, "help")->status, 200);
}


/* ---- cookies ---- */

static void test_cookies_of_any_form_are_no_session(void **state)
{
    static const char *const values[] = {
        "", "x", "\"\"", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };

    (void) state;
    browser.cookies = 1;
    (void) snprintf(browser.cookie[0].name, sizeof(browser.cookie[0].name), OTP_FAKE_COOKIE);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        (void) snprintf(browser.cookie[0].value, sizeof(browser.cookie[0].value), "%s", values[i]);
        assert_int_equal(otp_fake_get(&world, &browser, "session")->status, 401);
        assert_int_equal(otp_fake_get(&world, &browser, "login")->status, 200);
    }
}


static void test_two_cookies_of_ours_are_no_session(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    otp_fake_forget(&browser, OTP_FAKE_COOKIE "-device");
    browser.cookie[browser.cookies] = browser.cookie[browser.cookies - 1];
    browser.cookies++;
    assert_int_equal(otp_fake_get(&world, &browser, "session")->status, 401);
}


static void test_token_and_form_cookie_are_no_session(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    for (size_t i = 0; i < browser.cookies; i++) {
        if (strcmp(browser.cookie[i].name, OTP_FAKE_COOKIE "-form") == 0) {
            other.cookie[0] = browser.cookie[i];
            other.cookies = 1;
        }
    }
    assert_int_equal(other.cookies, 1);
    (void) snprintf(other.cookie[0].name, sizeof(other.cookie[0].name), OTP_FAKE_COOKIE);
    assert_int_equal(otp_fake_get(&world, &other, "session")->status, 401);
}


static otp_fake_entry_t *entry_of(const char *kind)
{
    for (size_t i = 0; i < world.redis->entries; i++) {
        if (strncmp(world.redis->entry[i].name, kind, strlen(kind)) == 0) {
            return &world.redis->entry[i];
        }
    }
    fail_msg("nothing under %s", kind);

    return NULL;
}


static void test_pending_state_put_in_the_place_of_a_session_opens_nothing(void **state)
{
    otp_fake_entry_t *pending;

    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(""));
    pending = entry_of("otp:pend:");
    memcpy(pending->name, "otp:sess:", 9);

    otp_fake_redis_t *copy = otp_fake_redis_copy(world.redis);

    memcpy(pending->name, "otp:seen:", 9);
    otp_fake_redis_put(copy, (otp_span_t) { pending->name, pending->name_len }, OTP_SPAN("1700000000"));
    otp_fake_redis_destroy(world.redis);
    world.redis = copy;
    assert_int_equal(otp_fake_get(&world, &browser, "session")->status, 401);
}


static void test_session_changed_in_redis_opens_nothing(void **state)
{
    (void) state;
    (void) otp_fake_password(&world, &browser, "marie");
    entry_of("otp:sess:")->value[entry_of("otp:sess:")->value_len - 1] ^= 1;
    assert_int_equal(otp_fake_get(&world, &browser, "session")->status, 401);
}


static void test_account_changed_in_redis_is_a_fault_and_no_unknown_person(void **state)
{
    (void) state;
    otp_fake_account(&world, "marie", K, PIN);
    entry_of("otp:acct:")->value[100] ^= 1;
    assert_string_equal(otp_fake_direct(&world, &browser, "marie", NOW_PASSCODE(PIN)), "unavailable");
    assert_int_equal(world.answer->status, 503);
    (void) otp_fake_password(&world, &browser, "marie");
    assert_int_equal(otp_fake_get(&world, &browser, "passcode")->status, 503);
}


static void test_throttle_changed_in_redis_is_a_fault(void **state)
{
    (void) state;
    (void) otp_fake_submit(&world, &browser, "login", "username=marie&method=password&password=x");
    entry_of("otp:thru:")->value[20] ^= 1;
    assert_string_equal(otp_fake_password(&world, &browser, "marie"), "unavailable");
}


/* ---- where it leads afterwards ---- */

static const char *location_for(const char *rd)
{
    char fields[4096];

    memset(&browser, 0, sizeof(browser));
    (void) snprintf(fields, sizeof(fields), "username=marie&method=password&password=Correct+horse+1&rd=%s", rd);
    (void) otp_fake_submit(&world, &browser, "login", fields);
    assert_string_equal(otp_fake_verdict(world.answer), "ok");

    return otp_fake_text(world.answer, "location");
}


static void test_return_address_on_this_host_or_a_listed_one_is_followed(void **state)
{
    (void) state;
    assert_string_equal(location_for("%2Fmarks%2F%3Fa%3D1%26b%3D%2522"), "/marks/?a=1&b=%22");
    assert_string_equal(location_for("https%3A%2F%2Fgate.example%2Fx"), "https://gate.example/x");
    assert_string_equal(location_for("https%3A%2F%2Fapp.example%2Fx"), "https://app.example/x");
}


static void test_hostile_return_address_is_dropped(void **state)
{
    static const char *const rds[] = {
        "https%3A%2F%2Fevil.example%2F", "%2F%2Fevil.example%2F", "%2F%5Cevil.example", "javascript%3Aalert(1)",
        "https%3A%2F%2Fgate.example%40evil.example", "https%3A%2F%2Fgate.example.evil.example%2F", "%2Fx%0aSet-Cookie",
        "http%3A%2F%2Fgate.example%2F", "", "data%3A%2C", "https%3Aevil.example", "%20%2F%2Fevil.example",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(rds) / sizeof(rds[0]); i++) {
        char fields[512];

        memset(&browser, 0, sizeof(browser));
        (void) snprintf(fields, sizeof(fields), "username=marie&method=password&password=Correct+horse+1&rd=%s",
                        rds[i]);
        (void) otp_fake_submit(&world, &browser, "login", fields);
        assert_null(strstr(world.answer->body, "evil"));
        if (world.answer->status != 400) {
            assert_string_equal(otp_fake_text(world.answer, "location"), "/otp/");
        }
    }
}


/* Percent-encoded once more it would be three times as long. */
static void test_longest_return_address_makes_no_broken_answer(void **state)
{
    static char target[8192] = "passcode?rd=%2F";

    (void) state;
    for (size_t at = strlen(target), i = 1; i < 2048; i++, at += 3) {
        memcpy(target + at, "%26", 4);
    }
    browser.accept = HTML;
    assert_int_equal(otp_fake_get(&world, &browser, target)->status, 302);
    assert_memory_equal(otp_fake_header(world.answer, "Location"), "/otp/login", 10);
    browser.accept = NULL;
    assert_int_equal(otp_fake_get(&world, &browser, target)->status, 401);
}


static void test_longest_return_address_survives_first_use(void **state)
{
    static char rd[2049], fields[8192];

    (void) state;
    memset(rd, '"', 2048);
    rd[0] = '/';
    otp_fake_account(&world, "marie", K, NULL);
    (void) snprintf(fields, sizeof(fields), "username=marie&method=passcode&passcode=%s&rd=%s", NOW_PASSCODE(""), rd);
    (void) otp_fake_token(&world, &browser, "login");
    (void) snprintf(fields + strlen(fields), 80, "&csrf=%s", browser.token);
    assert_int_equal(otp_fake_post(&world, &browser, "login", fields)->status, 200);
    assert_string_equal(otp_fake_create_pin(&world, &browser, PIN), "wait_next_code");
    otp_fake_pass(&world, 40);
    assert_string_equal(otp_fake_step_up(&world, &browser, NOW_PASSCODE(PIN)), "ok");
    assert_string_equal(otp_fake_text(world.answer, "location"), rd);
}


/* ---- languages ---- */

static void test_language_is_asked_remembered_or_that_of_the_browser(void **state)
{
    (void) state;
    browser.accept = HTML;
    assert_string_equal(otp_fake_header(otp_fake_get(&world, &browser, "help"), "Content-Language"), "fr");
    browser.accept_language = "en-GB,en;q=0.9,fr;q=0.1";
    assert_string_equal(otp_fake_header(otp_fake_get(&world, &browser, "help"), "Content-Language"), "en");
    browser.accept_language = NULL;
    assert_string_equal(otp_fake_header(otp_fake_get(&world, &browser, "help?lang=en"), "Content-Language"), "en");
    assert_string_equal(otp_fake_header(otp_fake_get(&world, &browser, "help"), "Content-Language"), "en");
    browser.accept_language = "fr";
    assert_string_equal(otp_fake_header(otp_fake_get(&world, &browser, "help"), "Content-Language"), "en");
    assert_string_equal(otp_fake_header(otp_fake_get(&world, &browser, "help?lang=fr"), "Content-Language"), "fr");
    assert_string_equal(otp_fake_header(otp_fake_get(&world, &browser, "help?lang=de"), "Content-Language"), "fr");
}


/* ---- pages ---- */

/* The value of the page's csrf field. */
static const char *page_token(void)
{
    static char token[64];
    const char *at = strstr(world.answer->body, "name=\"csrf\" value=\"");

    assert_non_null(at);
    (void) snprintf(token, sizeof(token), "%.49s", at + strlen("name=\"csrf\" value=\""));

    return token;
}


static void post_page(const char *page, const char *fields)
{
    char body[512];

    (void) snprintf(body, sizeof(body), "%s&csrf=%s", fields, page_token());
    (void) otp_fake_post(&world, &browser, page, body);
}


static void assert_redirected(const char *location)
{
    assert_int_equal(world.answer->status, 303);
    assert_string_equal(otp_fake_header(world.answer, "Location"), location);
    assert_string_equal(world.answer->body, "");
}


static void test_first_use_in_a_browser_without_scripts(void **state)
{
    char fields[128];

    (void) state;
    browser.accept = HTML;
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_get(&world, &browser, "login?rd=%2Fmarks%2F");
    assert_true(page_holds("name=\"rd\" value=\"/marks/\""));
    post_page("login", "username=marie&method=password&password=Correct+horse+1&rd=%2Fmarks%2F");
    assert_redirected("/marks/");
    (void) otp_fake_get(&world, &browser, "passcode?rd=%2Fmarks%2F");
    assert_true(page_holds("Vous êtes authentifié avec votre mot de passe."));
    (void) snprintf(fields, sizeof(fields), "passcode=%s&rd=%%2Fmarks%%2F", NOW_PASSCODE(""));
    post_page("passcode", fields);
    assert_redirected("/otp/pin");
    (void) otp_fake_get(&world, &browser, "pin");
    post_page("pin", "pin=4321&pin_confirm=4321");
    assert_int_equal(world.answer->status, 422);
    post_page("pin", "pin=2580&pin_confirm=2580");
    assert_redirected("/otp/passcode");
    otp_fake_pass(&world, 40);
    (void) otp_fake_get(&world, &browser, "passcode");
    (void) snprintf(fields, sizeof(fields), "passcode=%s", NOW_PASSCODE(PIN));
    post_page("passcode", fields);
    assert_redirected("/marks/");
    (void) otp_fake_get(&world, &browser, "");
    assert_true(page_holds("Marks"));
    post_page("logout", "a=b");
    assert_redirected("/otp/login?signed_out=1");
    (void) otp_fake_get(&world, &browser, "login?signed_out=1");
    assert_int_equal(world.answer->status, 200);
}


static void test_refused_form_is_shown_again_with_a_token_that_works(void **state)
{
    (void) state;
    browser.accept = HTML;
    (void) otp_fake_get(&world, &browser, "login");
    post_page("login", "username=marie&method=password&password=wrong");
    assert_int_equal(world.answer->status, 401);
    assert_true(page_holds("value=\"marie\""));
    assert_false(page_holds("wrong"));
    post_page("login", "username=marie&method=password&password=Correct+horse+1");
    assert_redirected("/otp/");
}


static void test_expired_form_is_shown_again_with_a_token_that_works(void **state)
{
    (void) state;
    browser.accept = HTML;
    (void) otp_fake_post(&world, &browser, "login", "username=marie&method=password&password=Correct+horse+1&csrf=x");
    assert_int_equal(world.answer->status, 403);
    post_page("login", "username=marie&method=password&password=Correct+horse+1");
    assert_redirected("/otp/");
}


static void test_every_page_escapes_what_people_typed(void **state)
{
    static const char *const pages[] = { "login", "" };

    (void) state;
    browser.accept = HTML;
    (void) otp_fake_get(&world, &browser, "login");
    post_page("login", "username=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E&method=password&password=x"
                       "&rd=%2F%22%3E%3Cscript%3E");
    assert_int_equal(world.answer->status, 401);
    assert_false(page_holds("<script>"));
    assert_true(page_holds("&lt;script&gt;"));

    /* paul's name in the directory holds a tag */
    post_page("login", "username=paul&method=password&password=Correct+horse+2");
    for (size_t i = 0; i < 2; i++) {
        (void) otp_fake_get(&world, &browser, pages[i]);
        assert_false(page_holds("Paul <b>"));
    }
}


static void test_name_that_is_not_utf8_is_left_out_of_the_page(void **state)
{
    (void) state;
    assert_string_equal(otp_fake_password(&world, &browser, "jose"), "ok");
    browser.accept = HTML;
    assert_int_equal(otp_fake_get(&world, &browser, "")->status, 200);
    assert_true(page_holds("Applications") || page_holds("applications"));
}


static void test_pages_forbid_framing_caching_and_foreign_scripts(void **state)
{
    static const char *const pages[] = { "login", "help", "nowhere" };

    (void) state;
    browser.accept = HTML;
    for (size_t i = 0; i < 3; i++) {
        const otp_fake_answer_t *answer = otp_fake_get(&world, &browser, pages[i]);
        const char              *policy = otp_fake_header(answer, "Content-Security-Policy");

        assert_non_null(strstr(policy, "default-src 'none'"));
        assert_non_null(strstr(policy, "frame-ancestors 'none'"));
        assert_null(strstr(policy, "unsafe"));
        assert_string_equal(otp_fake_header(answer, "Cache-Control"), "no-store");
        assert_string_equal(otp_fake_header(answer, "X-Frame-Options"), "DENY");
        assert_string_equal(otp_fake_header(answer, "X-Content-Type-Options"), "nosniff");
        assert_string_equal(otp_fake_header(answer, "Content-Type"), "text/html; charset=utf-8");
    }
}


static void test_static_files_are_found_under_the_name_the_pages_use(void **state)
{
    char        name[128];
    const char *at;

    (void) state;
    browser.accept = HTML;
    at = strstr(otp_fake_get(&world, &browser, "login")->body, "/otp/static/style.");
    assert_non_null(at);
    (void) snprintf(name, sizeof(name), "%.*s", (int) strcspn(at, "\""), at);
    assert_int_equal(otp_fake_get(&world, &browser, name + strlen("/otp/"))->status, 200);
    assert_non_null(strstr(otp_fake_header(world.answer, "Cache-Control"), "immutable"));
}


/* ---- secrets ---- */

static void assert_not_stored(const char *secret)
{
    char         text[512];
    otp_buffer_t out;
    otp_span_t   bytes = otp_span_of(secret);

    assert_false(otp_fake_redis_holds(world.redis, bytes));
    otp_buffer_init(&out, text, sizeof(text));
    otp_buffer_add_hex(&out, (const uint8_t *) bytes.data, bytes.len);
    assert_false(otp_fake_redis_holds(world.redis, otp_buffer_span(&out)));
    /* Without the last characters, which depend on what follows. */
    otp_buffer_init(&out, text, sizeof(text));
    otp_buffer_add_base64url(&out, (const uint8_t *) bytes.data, bytes.len - bytes.len % 3);
    assert_false(otp_fake_redis_holds(world.redis, otp_buffer_span(&out)));
    for (char *c = text; c < text + out.len; c++) {
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    }
    assert_false(otp_fake_redis_holds(world.redis, otp_buffer_span(&out)));
}


/* A whole first use, a wrong passcode and a wrong password; looked at after each step, for what expires goes. */
static void test_no_secret_is_in_redis_in_any_form(void **state)
{
    otp_fake_passcode_t code, passcode;

    (void) state;
    otp_fake_account(&world, "marie", K, NULL);
    (void) otp_fake_submit(&world, &browser, "login", "username=marie&method=password&password=Wrong+horse+9");
    assert_not_stored("Wrong horse 9");
    (void) otp_fake_password(&world, &browser, "marie");
    assert_not_stored("Correct horse 1");
    assert_not_stored(otp_fake_cookie(&browser, OTP_FAKE_COOKIE));
    assert_not_stored(otp_fake_cookie(&browser, OTP_FAKE_COOKIE "-form"));

    code = otp_fake_passcode("", K, otp_fake_step_now(&world));
    (void) otp_fake_step_up(&world, &browser, code.text);
    assert_not_stored(code.text);
    (void) otp_fake_create_pin(&world, &browser, "496382");
    assert_not_stored("496382");

    otp_fake_pass(&world, 40);
    passcode = otp_fake_passcode("496382", K, otp_fake_step_now(&world));
    (void) otp_fake_step_up(&world, &browser, otp_fake_wrong("496382", K, otp_fake_step_now(&world)).text);
    assert_not_stored("496382");
    assert_string_equal(otp_fake_step_up(&world, &browser, passcode.text), "ok");
    assert_not_stored(passcode.text);
    assert_not_stored("496382");
    assert_not_stored(otp_fake_cookie(&browser, OTP_FAKE_COOKIE));
    assert_not_stored(browser.token);
}


/* What is typed as user name may be a password: names nobody has are kept as digests only. */
static void test_password_typed_as_user_name_is_not_in_redis(void **state)
{
    (void) state;
    (void) otp_fake_submit(&world, &browser, "login", "username=My+Secret%21&method=password&password=x");
    assert_not_stored("My Secret!");
    assert_not_stored("my secret!");
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_method_an_endpoint_does_not_have_is_told_what_it_has, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_unknown_path_is_not_found, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_body_up_to_eight_kibibytes_is_read, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_body_that_is_no_form_is_refused, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_form_without_its_fields_is_refused, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_passcode_longer_than_any_is_wrong_and_no_fault, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_empty_password_is_refused, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_page_has_a_policy_however_many_hosts_there_are, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_pages_of_the_key_need_a_session_or_pending_state, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_health_and_help_are_for_everybody, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_cookies_of_any_form_are_no_session, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_two_cookies_of_ours_are_no_session, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_token_and_form_cookie_are_no_session, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_pending_state_put_in_the_place_of_a_session_opens_nothing, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_session_changed_in_redis_opens_nothing, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_account_changed_in_redis_is_a_fault_and_no_unknown_person, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_throttle_changed_in_redis_is_a_fault, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_return_address_on_this_host_or_a_listed_one_is_followed, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_hostile_return_address_is_dropped, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_longest_return_address_makes_no_broken_answer, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_longest_return_address_survives_first_use, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_language_is_asked_remembered_or_that_of_the_browser, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_first_use_in_a_browser_without_scripts, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_refused_form_is_shown_again_with_a_token_that_works, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_expired_form_is_shown_again_with_a_token_that_works, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_every_page_escapes_what_people_typed, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_name_that_is_not_utf8_is_left_out_of_the_page, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_pages_forbid_framing_caching_and_foreign_scripts, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_static_files_are_found_under_the_name_the_pages_use, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_no_secret_is_in_redis_in_any_form, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_password_typed_as_user_name_is_not_in_redis, open_stage, close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
