#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/action/otp_action_private.h"
#include "otp_fake_action.h"

#define S1  "S1"
#define S2  "S2"

#define DESK(test)  cmocka_unit_test_setup_teardown(test, open_desk, close_desk)

static otp_fake_desk_t desk;


static int open_desk(void **state)
{
    otp_stock_t one, two;

    (void) state;
    otp_fake_desk_open(&desk);
    one = otp_fake_stock(&desk, S1);
    two = otp_fake_stock(&desk, S2);
    otp_fake_stock_put(&desk, &one);
    otp_fake_stock_put(&desk, &two);

    return 0;
}


static int close_desk(void **state)
{
    (void) state;
    otp_fake_desk_close(&desk);

    return 0;
}


/* ---- what was written ---- */

static size_t events(const char *event, const char *verdict)
{
    char text[64];

    (void) snprintf(text, sizeof(text), "\"event\":\"%s\",\"verdict\":\"%s\"", event, verdict);

    return otp_fake_redis_events(desk.redis, text);
}


/* Entries of all streams, without those that say that nothing was done. */
static size_t told(void)
{
    return desk.redis->events - otp_fake_redis_events(desk.redis, "\"verdict\":\"refused\"");
}


/* The last mail of the outboxes; its texts are in `text`. */
static otp_mail_t last_mail(char text[OTP_MAIL_MAX])
{
    otp_mail_t mail = { .kind = OTP_MAIL_NONE };

    for (size_t i = desk.redis->events; i-- > 0; ) {
        const otp_fake_event_t *entry = &desk.redis->event[i];

        if (strstr(entry->stream, "mail:") != NULL) {
            assert_int_equal(otp_mail_read(desk.ring, otp_span_of(entry->stream), otp_span_of(entry->text), text,
                                           OTP_MAIL_MAX, &mail), OTP_OK);
            break;
        }
    }

    return mail;
}


static size_t mails(void)
{
    return otp_fake_redis_stream(desk.redis, "mail:", "");
}


static size_t history(const char *uid, const char *event)
{
    char stream[96], text[64];

    (void) snprintf(stream, sizeof(stream), ":%s", uid);
    (void) snprintf(text, sizeof(text), "\"event\":\"%s\",\"verdict\":\"ok\"", event);

    return otp_fake_redis_stream(desk.redis, stream, text);
}


static void assert_span(otp_span_t span, const char *text)
{
    assert_int_equal(span.len, strlen(text));
    assert_memory_equal(span.data, text, span.len);
}


static otp_action_result_t request(const char *uid, const char *serial, int64_t step, bool automatic)
{
    otp_action_order_t  order = otp_fake_order(OTP_ACTION_REQUEST_CREATE, uid, serial);
    otp_fake_passcode_t code = otp_fake_passcode("", serial, step);

    order.actor = OTP_SPAN_NONE;
    order.note = OTP_SPAN_NONE;
    order.code = otp_span_of(code.text);
    order.automatic = automatic;
    order.name = OTP_SPAN("Marie Curie");
    order.email = OTP_SPAN("marie@example.org");
    order.language = OTP_SPAN("fr");

    return otp_fake_act(&desk, order);
}


static bool waits(const char *serial)
{
    otp_name_t        name;
    otp_fake_entry_t *set;

    otp_name_waiting(&name, OTP_SPAN(OTP_FAKE_PREFIX), otp_span_of(serial));
    set = otp_fake_redis_find(desk.redis, otp_name_span(&name));

    return set != NULL && otp_fake_set_score(set, otp_span_of(serial)) == OTP_FAKE_NOW;
}


/* ---- keys ---- */

static void test_assigned_key_is_usable_told_and_mailed_once(void **state)
{
    char               text[OTP_MAIL_MAX];
    otp_mail_t         mail;
    otp_account_t      account;
    otp_action_order_t order = otp_fake_order(OTP_ACTION_KEY_ASSIGN, "alice", S1);

    (void) state;
    order.email = OTP_SPAN("alice@example.org");
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_CHANGED);
    account = otp_fake_desk_get(&desk, "alice");
    assert_int_equal(account.key[0].state, OTP_KEY_USABLE);
    assert_false(account.key[0].pin.set);
    assert_string_equal(account.contact.email, "alice@example.org");
    assert_string_equal(otp_fake_stock_get(&desk, S1).uid, "alice");
    assert_int_equal(events("key_assign", "ok"), 1);
    assert_int_equal(events("key_assign", "part"), 2);
    assert_int_equal(history("alice", "key_assign"), 1);
    mail = last_mail(text);
    assert_int_equal(mails(), 1);
    assert_int_equal(mail.kind, OTP_MAIL_KEY_OPERATIONAL);
    assert_span(mail.uid, "alice");
    assert_span(mail.serial, S1);
    assert_span(mail.email, "alice@example.org");
    assert_int_equal(mail.time_ms, desk.now_ms);
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_UNCHANGED);
    assert_int_equal(mails(), 1);
    assert_int_equal(events("key_assign", "ok"), 1);
}


static void test_event_says_who_did_what_to_whom_and_why(void **state)
{
    (void) state;
    otp_fake_held(&desk, S1, "alice");
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_DISABLE, NULL, S1, "stolen"), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_redis_events(desk.redis,
        "\"event\":\"key_disable\",\"verdict\":\"ok\",\"user\":\"alice\",\"address\":\"192.0.2.9\",\"serial\":\"S1\","
        "\"session\":\"0123456789ab\",\"actor\":\"zoe\",\"reason\":\"stolen\",\"note\":\"asked by telephone\","
        "\"request\":\"r1\"}"), 1);
}


static void test_lines_for_the_audit_are_those_of_the_stream(void **state)
{
    otp_action_order_t  order = otp_fake_order(OTP_ACTION_KEY_ASSIGN, "alice", S1);
    otp_fake_acting_t  *acting = otp_fake_act_begin(&desk, &order);
    char                line[OTP_EVENT_MAX];

    (void) state;
    while (!otp_fake_act_step(acting)) {
    }
    assert_int_equal(otp_fake_act_view(acting)->audits, 3);
    for (size_t i = 0; i < 3; i++) {
        otp_span_t audit = otp_fake_act_view(acting)->audit[i];

        memcpy(line, audit.data, audit.len);
        line[audit.len] = '\0';
        assert_true(otp_fake_redis_events(desk.redis, line) >= 1);
    }
    (void) otp_fake_act_end(acting);
}


static void test_key_that_cannot_be_assigned_is_refused_and_leaves_nothing(void **state)
{
    size_t before;

    (void) state;
    otp_fake_held(&desk, S1, "bob");
    for (int i = 0; i < OTP_ACCOUNT_KEYS; i++) {
        char serial[16];

        (void) snprintf(serial, sizeof(serial), "K%d", i);
        otp_fake_held(&desk, serial, "alice");
    }
    before = told();
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ASSIGN, "carol", S1, NULL), OTP_MANAGE_HELD);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ASSIGN, "alice", S2, NULL), OTP_MANAGE_FULL);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ASSIGN, "alice", "S9", NULL), OTP_MANAGE_NO_STOCK);
    assert_int_equal(told(), before);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_DISABLE, NULL, S2, "broken"), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ASSIGN, "carol", S2, NULL), OTP_MANAGE_DISABLED);
    assert_string_equal(otp_fake_desk_get(&desk, "carol").uid, "");
}


static void test_refusal_is_told_once_with_who_and_why(void **state)
{
    otp_action_order_t  order = otp_fake_order(OTP_ACTION_KEY_ASSIGN, "carol", S1);
    otp_fake_acting_t  *acting;
    otp_name_t          stream;

    (void) state;
    otp_fake_held(&desk, S1, "bob");
    acting = otp_fake_act_begin(&desk, &order);
    while (!otp_fake_act_step(acting)) {
    }
    assert_int_equal(otp_fake_act_view(acting)->audits, 1);
    assert_span(otp_fake_act_view(acting)->audit[0], desk.redis->event[desk.redis->events - 1].text);
    assert_int_equal(otp_fake_act_end(acting).managed, OTP_MANAGE_HELD);
    assert_int_equal(otp_fake_redis_events(desk.redis,
        "\"event\":\"key_assign\",\"verdict\":\"refused\",\"user\":\"carol\",\"address\":\"192.0.2.9\","
        "\"serial\":\"S1\",\"session\":\"0123456789ab\",\"actor\":\"zoe\",\"reason\":\"held\","
        "\"note\":\"asked by telephone\",\"request\":\"r1\"}"), 1);
    assert_int_equal(otp_fake_redis_stream(desk.redis, "hist:", ""), 0);

    /* Where nobody is concerned it is the key's. */
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_DELETE, NULL, "S9", NULL), OTP_MANAGE_NO_STOCK);
    otp_name_events(&stream, OTP_SPAN(OTP_FAKE_PREFIX), OTP_SPAN("S9"));
    assert_span(otp_name_span(&stream), desk.redis->event[desk.redis->events - 1].stream);
    assert_int_equal(otp_fake_redis_events(desk.redis,
        "\"event\":\"key_delete\",\"verdict\":\"refused\",\"address\""), 1);
}


static void test_refusal_that_cannot_be_told_is_a_failure(void **state)
{
    otp_action_order_t order = otp_fake_order(OTP_ACTION_KEY_ASSIGN, "carol", S1);

    (void) state;
    otp_fake_held(&desk, S1, "bob");
    otp_fake_redis_fault(desk.redis, OTP_FAULT_ERROR, 1);
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_UNAVAILABLE);
    order.note = OTP_SPAN("\xff no UTF-8");
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_UNAVAILABLE);
    assert_int_equal(desk.redis->events, 0);
}


static void test_last_line_goes_to_the_audit_however_many_there_were(void **state)
{
    otp_action_order_t   order = otp_fake_order(OTP_ACTION_KEY_ENABLE, NULL, S1);
    otp_action_context_t context = { .ring = desk.ring, .prefix = OTP_SPAN(OTP_FAKE_PREFIX), .limits = &desk.limits };
    uint8_t              random[OTP_ACTION_RANDOM] = { 0 };
    otp_action_t        *action = otp_action_create(&context, &order, random);
    char                 last[OTP_EVENT_MAX];

    (void) state;
    assert_non_null(action);
    for (size_t n = 1; n <= 3 * OTP_ACTION_AUDITS; n++) {
        otp_span_t line;

        action->now_ms = (int64_t) n * 1000;
        line = otp_action_event_line(action, OTP_ACTION_PART);
        assert_int_not_equal(line.len, 0);
        memcpy(last, line.data, line.len);
        last[line.len] = '\0';
        otp_action_event_keep(action, line);
        assert_int_equal(action->view.audits, n < OTP_ACTION_AUDITS ? n : OTP_ACTION_AUDITS);
        /* One that is written and not kept, for the change was lost, spoils none. */
        action->now_ms = 0;
        assert_int_not_equal(otp_action_event_line(action, OTP_ACTION_OK).len, 0);
        assert_span(action->view.audit[action->view.audits - 1], last);
    }
    for (size_t i = 0; i + 1 < OTP_ACTION_AUDITS; i++) {
        (void) snprintf(last, sizeof(last), "{\"time\":\"1970-01-01T00:00:%02d.000Z\"", (int) i + 1);
        assert_memory_equal(action->view.audit[i].data, last, strlen(last));
    }
    otp_action_destroy(action);
}


static void test_longest_action_is_told(void **state)
{
    char                name[65], words[OTP_REASON_LEN + 1];
    otp_stock_t         stock;
    otp_action_order_t  order;
    otp_fake_passcode_t code;

    (void) state;
    memset(name, 'N', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    memset(words, '"', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    stock = otp_fake_stock(&desk, name);
    otp_fake_stock_put(&desk, &stock);
    code = otp_fake_passcode("", name, OTP_FAKE_STEP);
    order = otp_fake_order(OTP_ACTION_REQUEST_CREATE, name, name);
    order.code = otp_span_of(code.text);
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_CHANGED);
    order = otp_fake_order(OTP_ACTION_REQUEST_REJECT, NULL, name);
    order.actor = order.request_id = otp_span_of(name);
    order.address = OTP_SPAN("2001:0db8:1111:2222:3333:4444:5555:6666");
    order.reason = order.note = otp_span_of(words);
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(events("request_reject", "ok"), 1);
}


/* ---- copies that the stock does not know of ---- */

/* The write of the stock's record was lost: it is free there. */
static void make_orphan(const char *serial, const char *uid)
{
    otp_stock_t stock = otp_fake_stock(&desk, serial);

    otp_fake_held(&desk, serial, uid);
    stock.key.step = OTP_FAKE_STEP - 1000;
    otp_fake_stock_put(&desk, &stock);
}


static void test_copy_that_the_stock_does_not_know_of_goes_back_from_its_person(void **state)
{
    char               text[OTP_MAIL_MAX];
    otp_action_order_t order = otp_fake_order(OTP_ACTION_KEY_UNASSIGN, "alice", S1);

    (void) state;
    make_orphan(S1, "alice");
    otp_fake_session(&desk, "alice", 1, S1, OTP_AUTH_KEY, true);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_UNASSIGN, NULL, S1, NULL), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_fake_usable(&desk, S1), 1);
    order.only_uid = OTP_SPAN("alice");

    otp_action_result_t result = otp_fake_act(&desk, order);

    assert_int_equal(result.managed, OTP_MANAGE_CHANGED);
    assert_string_equal(result.uid, "alice");
    assert_int_equal(result.sessions_ended, 1);
    assert_int_equal(otp_fake_desk_get(&desk, "alice").keys, 0);
    assert_int_equal(otp_fake_stock_get(&desk, S1).key.step, OTP_FAKE_STEP - 5);
    assert_string_equal(otp_fake_stock_get(&desk, S1).uid, "");
    assert_int_equal(events("key_unassign", "ok"), 1);
    assert_int_equal(last_mail(text).kind, OTP_MAIL_KEY_UNASSIGNED);
    order.only_uid = OTP_SPAN_NONE;
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ASSIGN, "alice", S1, NULL), OTP_MANAGE_CHANGED);
}


static void test_copy_of_a_key_that_somebody_else_holds_by_now_goes_back_and_theirs_stays(void **state)
{
    (void) state;
    otp_fake_held(&desk, S1, "alice");
    otp_fake_held(&desk, S1, "bob");
    assert_int_equal(otp_fake_usable(&desk, S1), 2);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_UNASSIGN, "alice", S1, NULL), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_desk_get(&desk, "alice").keys, 0);
    assert_int_equal(otp_fake_desk_get(&desk, "bob").key[0].state, OTP_KEY_USABLE);
    assert_string_equal(otp_fake_stock_get(&desk, S1).uid, "bob");
    assert_string_equal(otp_fake_stock_get(&desk, S1).key.holding, "held-bob");
    assert_int_equal(otp_fake_stock_get(&desk, S1).key.step, OTP_FAKE_STEP - 5);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_UNASSIGN, "alice", S1, NULL), OTP_MANAGE_NO_KEY);
}


/* Between looking and writing: what was asked for is that this person does not have it. */
static void test_copy_that_is_assigned_meanwhile_goes_back_all_the_same(void **state)
{
    for (int steps = 1; steps <= 3; steps++) {
        otp_action_order_t order = otp_fake_order(OTP_ACTION_KEY_UNASSIGN, "alice", S1);
        otp_fake_acting_t *acting = otp_fake_act_begin(&desk, &order);

        for (int i = 0; i < steps; i++) {
            if (otp_fake_act_step(acting)) {
                break;
            }
        }
        assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ASSIGN, "alice", S1, NULL), OTP_MANAGE_CHANGED);
        while (!otp_fake_act_step(acting)) {
        }
        (void) otp_fake_act_end(acting);
        assert_true(otp_fake_usable(&desk, S1) == (otp_fake_stock_get(&desk, S1).uid[0] != '\0'));
        (void) close_desk(state);
        (void) open_desk(state);
    }
}


static void test_copy_that_another_agent_replaces_meanwhile_goes_back(void **state)
{
    otp_action_order_t order = otp_fake_order(OTP_ACTION_KEY_UNASSIGN, "alice", S1);
    otp_fake_acting_t *acting;

    (void) state;
    make_orphan(S1, "alice");
    acting = otp_fake_act_begin(&desk, &order);
    assert_false(otp_fake_act_step(acting));
    assert_false(otp_fake_act_step(acting));
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ASSIGN, "alice", S1, NULL), OTP_MANAGE_CHANGED);
    while (!otp_fake_act_step(acting)) {
    }
    assert_int_equal(otp_fake_act_end(acting).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_desk_get(&desk, "alice").keys, 0);
    assert_string_equal(otp_fake_stock_get(&desk, S1).uid, "");
}


static void test_key_that_another_agent_assigns_meanwhile_is_no_copy_of_unknown_origin(void **state)
{
    otp_action_order_t order = otp_fake_order(OTP_ACTION_KEY_ASSIGN, "alice", S1);
    otp_fake_acting_t *acting = otp_fake_act_begin(&desk, &order);

    (void) state;
    assert_false(otp_fake_act_step(acting));
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_CHANGED);
    while (!otp_fake_act_step(acting)) {
    }
    assert_int_equal(otp_fake_act_end(acting).managed, OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_fake_usable(&desk, S1), 1);
}


static void test_assigning_says_that_there_is_a_copy_the_stock_does_not_know_of(void **state)
{
    size_t before;

    (void) state;
    make_orphan(S1, "alice");
    before = told();
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ASSIGN, "alice", S1, NULL), OTP_MANAGE_ORPHAN);
    assert_int_equal(told(), before);
    assert_string_equal(otp_fake_stock_get(&desk, S1).uid, "");
    assert_int_equal(otp_fake_redis_events(desk.redis, "\"reason\":\"orphan\""), 1);
}


static void test_lost_key_that_the_helpdesk_has_disabled_stays_as_it_is(void **state)
{
    otp_action_order_t order = otp_fake_order(OTP_ACTION_KEY_DISABLE, "alice", S1);
    otp_stock_t        stock;
    size_t             before;

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_DISABLE, NULL, S1, "stolen"), OTP_MANAGE_CHANGED);
    before = desk.redis->events;
    order.actor = OTP_SPAN_NONE;
    order.reason = OTP_SPAN("lost");
    order.only_uid = OTP_SPAN("alice");
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_UNCHANGED);
    assert_string_equal(otp_fake_desk_get(&desk, "alice").key[0].reason, "stolen");
    assert_string_equal(otp_fake_stock_get(&desk, S1).key.reason, "stolen");
    assert_int_equal(desk.redis->events, before);
    assert_int_equal(mails(), 1);

    /* What was cut off is completed as it was begun. */
    stock = otp_fake_stock_get(&desk, S1);
    stock.key.state = OTP_KEY_USABLE;
    memset(stock.key.reason, 0, sizeof(stock.key.reason));
    otp_fake_stock_put(&desk, &stock);
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_CHANGED);
    assert_string_equal(otp_fake_stock_get(&desk, S1).key.reason, "stolen");
    assert_string_equal(otp_fake_desk_get(&desk, "alice").key[0].reason, "stolen");
    assert_int_equal(mails(), 1);

    /* An agent knows better; and once it is enabled again, it is lost. */
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_DISABLE, NULL, S1, "broken"), OTP_MANAGE_CHANGED);
    assert_string_equal(otp_fake_stock_get(&desk, S1).key.reason, "broken");
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ENABLE, NULL, S1, NULL), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_CHANGED);
    assert_string_equal(otp_fake_stock_get(&desk, S1).key.reason, "lost");
    assert_string_equal(otp_fake_desk_get(&desk, "alice").key[0].reason, "lost");
}


static void test_returned_key_takes_step_along_and_its_sessions_end(void **state)
{
    char        text[OTP_MAIL_MAX];
    otp_stock_t stock;

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    otp_fake_session(&desk, "alice", 1, S1, OTP_AUTH_KEY, true);
    otp_fake_session(&desk, "alice", 2, NULL, OTP_AUTH_PASSWORD, true);

    otp_action_result_t result = otp_fake_act(&desk, otp_fake_order(OTP_ACTION_KEY_UNASSIGN, NULL, S1));

    assert_int_equal(result.managed, OTP_MANAGE_CHANGED);
    assert_string_equal(result.uid, "alice");
    assert_int_equal(result.sessions_ended, 1);
    stock = otp_fake_stock_get(&desk, S1);
    assert_string_equal(stock.uid, "");
    assert_int_equal(stock.key.step, OTP_FAKE_STEP - 5);
    assert_int_equal(otp_fake_desk_get(&desk, "alice").keys, 0);
    assert_int_equal(otp_fake_session_level(&desk, 1), OTP_LEVEL_OFF);
    assert_int_equal(otp_fake_session_level(&desk, 2), OTP_LEVEL_PASSWORD);
    assert_int_equal(last_mail(text).kind, OTP_MAIL_KEY_UNASSIGNED);
    assert_int_equal(events("key_unassign", "ok"), 1);
}


static void test_lost_key_lowers_its_sessions_in_every_batch(void **state)
{
    (void) state;
    otp_fake_held(&desk, S1, "alice");
    for (unsigned i = 0; i < 150; i++) {
        otp_fake_session(&desk, "alice", i, i % 3 == 0 ? NULL : S1, i % 3 == 0 ? OTP_AUTH_PASSWORD : OTP_AUTH_KEY,
                         i % 3 != 2);
    }

    otp_action_order_t order = otp_fake_order(OTP_ACTION_KEY_DISABLE, NULL, S1);

    order.reason = OTP_SPAN("lost");
    otp_action_result_t result = otp_fake_act(&desk, order);

    assert_int_equal(result.sessions_lowered, 50);
    assert_int_equal(result.sessions_ended, 50);
    for (unsigned i = 0; i < 150; i++) {
        assert_int_equal(otp_fake_session_level(&desk, i), i % 3 == 2 ? OTP_LEVEL_OFF : OTP_LEVEL_PASSWORD);
    }
}


static void test_key_of_somebody_else_is_not_touched_where_one_may_act_on_one_person(void **state)
{
    static const otp_action_kind_t kinds[] = {
        OTP_ACTION_KEY_DISABLE, OTP_ACTION_KEY_ENABLE, OTP_ACTION_KEY_UNASSIGN, OTP_ACTION_KEY_RESYNC
    };
    size_t before;

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    before = told();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        otp_action_order_t order = otp_fake_order(kinds[i], "bob", S1);

        order.reason = OTP_SPAN("lost");
        order.only_uid = OTP_SPAN("bob");

        otp_action_result_t result = otp_fake_act(&desk, order);

        assert_int_equal(result.managed, OTP_MANAGE_NO_KEY);
        assert_string_equal(result.uid, order.kind == OTP_ACTION_KEY_ASSIGN ? "bob" : "");
    }
    assert_int_equal(told(), before);
    assert_int_equal(otp_fake_usable(&desk, S1), 1);
}


static otp_managed_t contact(otp_action_kind_t kind, const char *uid, const char *serial, const char *email)
{
    otp_action_order_t order = otp_fake_order(kind, uid, serial);

    order.reason = OTP_SPAN("lost");
    order.email = otp_span_of(email);
    order.keep_contact = true;

    return otp_fake_act(&desk, order).managed;
}


static void test_contact_is_kept_where_nothing_else_was_to_be_changed(void **state)
{
    static const struct { otp_action_kind_t kind; const char *uid, *serial; } cases[] = {
        { OTP_ACTION_KEY_ASSIGN, "alice", S1 }, { OTP_ACTION_KEY_ENABLE, "", S1 },
        { OTP_ACTION_PIN_CLEAR, "alice", "" }, { OTP_ACTION_KEY_DISABLE, "", S1 },
    };

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char          email[32];
        otp_account_t before;
        size_t        count;

        (void) otp_fake_do(&desk, cases[i].kind, cases[i].uid, cases[i].serial, "lost");
        assert_int_equal(otp_fake_do(&desk, cases[i].kind, cases[i].uid, cases[i].serial, "lost"),
                         OTP_MANAGE_UNCHANGED);
        before = otp_fake_desk_get(&desk, "alice");
        count = mails();
        (void) snprintf(email, sizeof(email), "alice%zu@example.org", i);
        assert_int_equal(contact(cases[i].kind, cases[i].uid, cases[i].serial, email), OTP_MANAGE_CHANGED);
        assert_string_equal(otp_fake_desk_get(&desk, "alice").contact.email, email);
        assert_int_equal(otp_fake_desk_get(&desk, "alice").revision, before.revision + 1);
        assert_int_equal(events("contact", "ok"), i + 1);
        assert_int_equal(mails(), count);
        assert_int_equal(contact(cases[i].kind, cases[i].uid, cases[i].serial, email), OTP_MANAGE_UNCHANGED);
        assert_int_equal(events("contact", "ok"), i + 1);
    }
}


static void test_contact_goes_with_what_is_changed_and_not_with_what_is_refused(void **state)
{
    (void) state;
    assert_int_equal(contact(OTP_ACTION_KEY_ASSIGN, "alice", S1, "alice@example.org"), OTP_MANAGE_CHANGED);
    assert_int_equal(contact(OTP_ACTION_KEY_ASSIGN, "alice", S1, "alice@example.org"), OTP_MANAGE_UNCHANGED);
    otp_fake_held(&desk, S2, "bob");
    assert_int_equal(contact(OTP_ACTION_KEY_ASSIGN, "alice", S2, "other@example.org"), OTP_MANAGE_HELD);
    assert_string_equal(otp_fake_desk_get(&desk, "alice").contact.email, "alice@example.org");
    assert_int_equal(events("contact", "ok"), 0);
}


static void test_contact_of_nobody_is_kept_nowhere(void **state)
{
    (void) state;
    assert_int_equal(contact(OTP_ACTION_KEY_UNASSIGN, "", S1, "alice@example.org"), OTP_MANAGE_UNCHANGED);
    assert_int_equal(contact(OTP_ACTION_KEY_UNASSIGN, "alice", S1, "alice@example.org"), OTP_MANAGE_UNCHANGED);
    assert_string_equal(otp_fake_desk_get(&desk, "alice").uid, "");
    assert_int_equal(told(), 0);
}


static void test_contact_of_one_person_is_never_written_to_another(void **state)
{
    otp_action_order_t order = otp_fake_order(OTP_ACTION_KEY_DISABLE, NULL, S1);

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    order.reason = OTP_SPAN("lost");
    order.email = OTP_SPAN("alice@example.org");

    otp_fake_acting_t *acting = otp_fake_act_begin(&desk, &order);

    /* It has read that alice has the key; then bob gets it. */
    assert_false(otp_fake_act_step(acting));
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_UNASSIGN, NULL, S1, NULL), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ASSIGN, "bob", S1, NULL), OTP_MANAGE_CHANGED);
    while (!otp_fake_act_step(acting)) {
    }
    assert_int_equal(otp_fake_act_end(acting).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_desk_get(&desk, "bob").key[0].state, OTP_KEY_DISABLED);
    assert_string_equal(otp_fake_desk_get(&desk, "bob").contact.email, "");
}


static void test_only_a_free_key_that_nobody_wants_is_deleted(void **state)
{
    (void) state;
    otp_fake_held(&desk, S1, "alice");
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_DELETE, NULL, S1, NULL), OTP_MANAGE_ASSIGNED);
    assert_int_equal(request("bob", S2, OTP_FAKE_STEP, false).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_DELETE, NULL, S2, NULL), OTP_MANAGE_REQUESTED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_REQUEST_REJECT, NULL, S2, "no"), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_DELETE, NULL, S2, NULL), OTP_MANAGE_CHANGED);
    assert_string_equal(otp_fake_stock_get(&desk, S2).key.serial, "");
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_DELETE, NULL, S2, NULL), OTP_MANAGE_NO_STOCK);
}


static void test_two_codes_find_a_key_again_and_are_spent(void **state)
{
    otp_action_order_t  order = otp_fake_order(OTP_ACTION_KEY_RESYNC, NULL, S1);
    otp_fake_passcode_t one = otp_fake_passcode("", S1, OTP_FAKE_STEP + 200);
    otp_fake_passcode_t two = otp_fake_passcode("", S1, OTP_FAKE_STEP + 201);

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    order.code = otp_span_of(one.text);
    order.next_code = otp_span_of(one.text);
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_MISFIT);
    order.next_code = otp_span_of(two.text);
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_desk_get(&desk, "alice").key[0].step, OTP_FAKE_STEP + 201);
    assert_int_equal(events("key_resync", "ok"), 1);
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_MISFIT);
}


/* Codes that a lost write has spent must not find the key again: not until the next ones are there. */
static void test_two_codes_up_to_the_floor_do_not_find_a_key_again(void **state)
{
    otp_action_order_t  order = otp_fake_order(OTP_ACTION_KEY_RESYNC, NULL, S1);
    otp_fake_passcode_t one = otp_fake_passcode("", S1, OTP_FAKE_STEP + 200);
    otp_fake_passcode_t two = otp_fake_passcode("", S1, OTP_FAKE_STEP + 201);
    otp_account_t       before, after;

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    before = otp_fake_desk_get(&desk, "alice");
    order.code = otp_span_of(one.text);
    order.next_code = otp_span_of(two.text);
    desk.floor_s = OTP_FAKE_NOW - 60;
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_WAIT);
    after = otp_fake_desk_get(&desk, "alice");
    assert_memory_equal(&before, &after, sizeof(before));
    desk.floor_s = OTP_FAKE_NOW - 120;
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_CHANGED);
}


static void test_floor_does_not_hold_the_codes_of_a_key_that_counts_events(void **state)
{
    otp_action_order_t  order = otp_fake_order(OTP_ACTION_KEY_RESYNC, NULL, S1);
    otp_fake_passcode_t one = otp_fake_passcode("", S1, 200), two = otp_fake_passcode("", S1, 201);
    otp_account_t       account;

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    account = otp_fake_desk_get(&desk, "alice");
    otp_fake_key_event(desk.ring, &account.key[0], S1, OTP_FAKE_PIN);
    memcpy(account.key[0].holding, otp_fake_stock_get(&desk, S1).key.holding, sizeof(account.key[0].holding));
    otp_fake_desk_put(&desk, &account);
    order.code = otp_span_of(one.text);
    order.next_code = otp_span_of(two.text);
    desk.floor_s = OTP_FAKE_NOW;
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_CHANGED);
}


/* ---- accounts ---- */

static void test_cleared_pin_is_told_and_mailed(void **state)
{
    char text[OTP_MAIL_MAX];

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_PIN_CLEAR, "alice", NULL, NULL), OTP_MANAGE_CHANGED);
    assert_false(otp_fake_desk_get(&desk, "alice").key[0].pin.set);
    assert_int_equal(last_mail(text).kind, OTP_MAIL_PIN_CLEARED);
    assert_int_equal(history("alice", "pin_clear"), 1);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_PIN_CLEAR, "nobody", NULL, NULL), OTP_MANAGE_NO_KEY);
    assert_string_equal(otp_fake_desk_get(&desk, "nobody").uid, "");
}


static void test_emergency_password_is_shown_once_kept_as_a_mac_and_replaces_the_one_before(void **state)
{
    char                text[OTP_MAIL_MAX];
    otp_account_t       account;
    otp_action_order_t  order = otp_fake_order(OTP_ACTION_EMERGENCY_ISSUE, "alice", NULL);
    otp_action_result_t first, second;

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    order.expires = OTP_FAKE_NOW + 3600;
    first = otp_fake_act(&desk, order);
    assert_int_equal(first.managed, OTP_MANAGE_CHANGED);
    assert_int_equal(strlen(first.password), OTP_EMERGENCY_LEN);
    assert_int_equal(first.expires, order.expires);
    account = otp_fake_desk_get(&desk, "alice");
    assert_true(otp_emergency_matches(desk.ring, &account, otp_span_of(first.password), OTP_FAKE_NOW));
    assert_false(otp_fake_redis_holds(desk.redis, otp_span_of(first.password)));
    assert_int_equal(last_mail(text).kind, OTP_MAIL_EMERGENCY_ISSUED);
    assert_int_equal(last_mail(text).until, order.expires);
    otp_fake_session(&desk, "alice", 1, NULL, OTP_AUTH_EMERGENCY, true);
    second = otp_fake_act(&desk, order);
    account = otp_fake_desk_get(&desk, "alice");
    assert_false(otp_emergency_matches(desk.ring, &account, otp_span_of(first.password), OTP_FAKE_NOW));
    assert_true(otp_emergency_matches(desk.ring, &account, otp_span_of(second.password), OTP_FAKE_NOW));
    assert_int_equal(otp_fake_session_level(&desk, 1), OTP_LEVEL_OFF);
}


/* The key was used, or its time was over; ending what it had opened was cut off. */
static void test_emergency_password_after_one_that_is_over_takes_its_sessions_along(void **state)
{
    otp_account_t      account;
    otp_action_order_t order = otp_fake_order(OTP_ACTION_EMERGENCY_ISSUE, "alice", NULL);

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    order.expires = OTP_FAKE_NOW + 3600;
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_CHANGED);
    account = otp_fake_desk_get(&desk, "alice");
    account.emergency.failures = OTP_EMERGENCY_FAILURES;
    otp_fake_desk_put(&desk, &account);
    otp_fake_session(&desk, "alice", 1, NULL, OTP_AUTH_EMERGENCY, true);
    otp_fake_session(&desk, "alice", 2, NULL, OTP_AUTH_PASSWORD, true);
    assert_int_equal(otp_fake_act(&desk, order).sessions_ended, 1);
    assert_int_equal(otp_fake_session_level(&desk, 1), OTP_LEVEL_OFF);
    assert_int_equal(otp_fake_session_level(&desk, 2), OTP_LEVEL_PASSWORD);
}


static void test_emergency_password_that_would_be_over_already_is_not_issued(void **state)
{
    otp_action_order_t  order = otp_fake_order(OTP_ACTION_EMERGENCY_ISSUE, "alice", NULL);
    otp_action_result_t result;

    (void) state;
    order.expires = OTP_FAKE_NOW;
    result = otp_fake_act(&desk, order);
    assert_int_equal(result.managed, OTP_MANAGE_NO_EMERGENCY);
    assert_string_equal(result.password, "");
    assert_string_equal(otp_fake_desk_get(&desk, "alice").uid, "");
}


static void test_revoked_emergency_password_takes_its_sessions_along(void **state)
{
    otp_action_order_t order = otp_fake_order(OTP_ACTION_EMERGENCY_ISSUE, "alice", NULL);

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    order.expires = OTP_FAKE_NOW + 3600;
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_CHANGED);
    otp_fake_session(&desk, "alice", 1, NULL, OTP_AUTH_EMERGENCY, true);
    otp_fake_session(&desk, "alice", 2, S1, OTP_AUTH_KEY, true);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_EMERGENCY_REVOKE, "alice", NULL, NULL), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_session_level(&desk, 1), OTP_LEVEL_OFF);
    assert_int_equal(otp_fake_session_level(&desk, 2), OTP_LEVEL_OTP);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_EMERGENCY_REVOKE, "alice", NULL, NULL), OTP_MANAGE_NO_EMERGENCY);
}


static void test_unlocking_ends_the_delay_of_somebody_without_an_account_too(void **state)
{
    /* SHA-256 of "alice" and, for browsers used before, of "alice known" and "alice password" */
    static const char *const digests[] = {
        "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90",
        "8efd133a47539e6e3a89e6393eb603fa421838de685a53bff16fe77f62549558",
        "b1e21850b2f11e932ba7ebdf53a0f9c6a89665cf038eaf72c8811c1cea12a712",
    };

    (void) state;
    for (int i = 0; i < 3; i++) {
        otp_name_t throttle;

        otp_name_of(&throttle, OTP_NAME_THROTTLE_USER, OTP_SPAN(OTP_FAKE_PREFIX), otp_span_of(digests[i]));
        otp_fake_redis_put(desk.redis, otp_name_span(&throttle), OTP_SPAN("whatever"));
        assert_int_equal(otp_fake_do(&desk, OTP_ACTION_UNLOCK, "alice", NULL, NULL), OTP_MANAGE_CHANGED);
        assert_int_equal(otp_fake_redis_count(desk.redis, "otp:thru:"), 0);
        assert_int_equal(events("user_unlock", "ok"), i + 1);
        assert_string_equal(otp_fake_desk_get(&desk, "alice").uid, "");
        assert_int_equal(otp_fake_do(&desk, OTP_ACTION_UNLOCK, "alice", NULL, NULL), OTP_MANAGE_UNCHANGED);
        assert_int_equal(events("user_unlock", "ok"), i + 1);
    }
}


static void test_all_sessions_of_a_person_end_but_the_one_that_is_kept(void **state)
{
    char               digest[2 * OTP_DIGEST_LEN + 1];
    otp_action_order_t order = otp_fake_order(OTP_ACTION_SESSIONS_REVOKE, "alice", NULL);

    (void) state;
    for (unsigned i = 1; i <= 3; i++) {
        otp_fake_session(&desk, i == 3 ? "bob" : "alice", i, NULL, OTP_AUTH_PASSWORD, true);
    }
    order.keep_session = otp_fake_session_digest(2, digest);
    assert_int_equal(otp_fake_act(&desk, order).sessions_ended, 1);
    assert_int_equal(otp_fake_session_level(&desk, 1), OTP_LEVEL_OFF);
    assert_int_equal(otp_fake_session_level(&desk, 2), OTP_LEVEL_PASSWORD);
    assert_int_equal(otp_fake_session_level(&desk, 3), OTP_LEVEL_PASSWORD);
    assert_int_equal(events("session_revoke", "ok"), 1);
}


static void test_session_of_somebody_else_is_not_found(void **state)
{
    char               digest[2 * OTP_DIGEST_LEN + 1];
    otp_action_order_t order = otp_fake_order(OTP_ACTION_SESSION_REVOKE, "alice", NULL);

    (void) state;
    otp_fake_session(&desk, "bob", 1, NULL, OTP_AUTH_PASSWORD, true);
    otp_fake_session(&desk, "alice", 2, NULL, OTP_AUTH_PASSWORD, true);
    order.session = otp_fake_session_digest(1, digest);
    order.session.len = OTP_PUBLIC_ID_LEN;
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_NO_SESSION);
    assert_int_equal(told(), 0);
    order.session = otp_fake_session_digest(2, digest);
    order.session.len = OTP_PUBLIC_ID_LEN;
    assert_int_equal(otp_fake_act(&desk, order).sessions_ended, 1);
    assert_int_equal(otp_fake_session_level(&desk, 1), OTP_LEVEL_PASSWORD);
    assert_int_equal(otp_fake_session_level(&desk, 2), OTP_LEVEL_OFF);
}


static void test_digests_of_sessions_whose_time_is_over_leave_the_list(void **state)
{
    otp_name_t list;

    (void) state;
    otp_fake_session(&desk, "alice", 1, NULL, OTP_AUTH_PASSWORD, true);
    desk.now_ms += 36000 * INT64_C(1000);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_SESSIONS_REVOKE, "alice", NULL, NULL), OTP_MANAGE_UNCHANGED);
    otp_name_of(&list, OTP_NAME_USER_SESSIONS, OTP_SPAN(OTP_FAKE_PREFIX), OTP_SPAN("alice"));
    assert_null(otp_fake_redis_find(desk.redis, otp_name_span(&list)));
}


static void test_seen_signals_are_told_and_not_put_into_the_history(void **state)
{
    otp_account_t account;

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    account = otp_fake_desk_get(&desk, "alice");
    account.signal[OTP_SIGNAL_REPLAY].at = OTP_FAKE_NOW;
    account.signal[OTP_SIGNAL_REPLAY].count = 1;
    otp_fake_desk_put(&desk, &account);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_SIGNALS_SEEN, "alice", NULL, NULL), OTP_MANAGE_CHANGED);
    assert_int_equal(events("signals_seen", "ok"), 1);
    assert_int_equal(history("alice", "signals_seen"), 0);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_SIGNALS_SEEN, "nobody", NULL, NULL), OTP_MANAGE_UNCHANGED);
    assert_string_equal(otp_fake_desk_get(&desk, "nobody").uid, "");
}


/* ---- requests ---- */

static void test_request_waits_is_approved_and_leaves_the_list(void **state)
{
    char       text[OTP_MAIL_MAX];
    otp_mail_t mail;

    (void) state;
    assert_int_equal(request("marie", S1, OTP_FAKE_STEP, false).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_desk_get(&desk, "marie").request.state, OTP_ACTIVATION_WAITING);
    assert_int_equal(otp_fake_stock_get(&desk, S1).key.step, OTP_FAKE_STEP);
    assert_true(waits(S1));
    mail = last_mail(text);
    assert_int_equal(mail.kind, OTP_MAIL_REQUEST_RECEIVED);
    assert_span(mail.name, "Marie Curie");
    assert_span(mail.email, "marie@example.org");
    assert_span(mail.language, "fr");
    assert_int_equal(history("marie", "request"), 1);

    otp_action_result_t result = otp_fake_act(&desk, otp_fake_order(OTP_ACTION_REQUEST_APPROVE, NULL, S1));

    assert_int_equal(result.managed, OTP_MANAGE_CHANGED);
    assert_string_equal(result.uid, "marie");
    assert_false(waits(S1));
    assert_string_equal(otp_fake_stock_get(&desk, S1).uid, "marie");
    assert_int_equal(otp_fake_desk_get(&desk, "marie").key[0].state, OTP_KEY_USABLE);
    /* The code that was shown opens nothing any more. */
    assert_int_equal(otp_fake_desk_get(&desk, "marie").key[0].step, OTP_FAKE_STEP);
    mail = last_mail(text);
    assert_int_equal(mail.kind, OTP_MAIL_KEY_OPERATIONAL);
    assert_span(mail.email, "marie@example.org");
    assert_int_equal(events("request_approve", "ok"), 1);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_REQUEST_APPROVE, NULL, S1, NULL), OTP_MANAGE_NO_REQUEST);
}


static void test_request_by_rule_is_approved_at_once_by_the_rule(void **state)
{
    char                text[OTP_MAIL_MAX];
    otp_action_result_t result;

    (void) state;
    result = request("marie", S1, OTP_FAKE_STEP, true);
    assert_int_equal(result.managed, OTP_MANAGE_CHANGED);
    assert_true(result.approved);
    assert_string_equal(otp_fake_stock_get(&desk, S1).uid, "marie");
    assert_false(waits(S1));
    assert_int_equal(mails(), 1);
    assert_int_equal(last_mail(text).kind, OTP_MAIL_KEY_OPERATIONAL);
    assert_int_equal(otp_fake_redis_events(desk.redis, "\"event\":\"request_approve\",\"verdict\":\"ok\""), 1);
    assert_int_equal(otp_fake_redis_events(desk.redis, "\"actor\":\"rule\""), 4);
    assert_int_equal(otp_fake_redis_events(desk.redis, "\"event\":\"request\",\"verdict\":\"ok\",\"user\":\"marie\","
                                           "\"address\":\"192.0.2.9\",\"serial\":\"S1\",\"session\":\"0123456789ab\","
                                           "\"request\":\"r1\""), 1);
}


static void test_history_tells_the_request_before_its_approval(void **state)
{
    static const char *const order[] = { "\"event\":\"request\",\"verdict\":\"ok\"",
                                         "\"event\":\"request_approve\",\"verdict\":\"ok\"" };
    size_t                   n = 0;

    (void) state;
    assert_true(request("marie", S1, OTP_FAKE_STEP, true).approved);
    for (size_t i = 0; i < desk.redis->events; i++) {
        if (strstr(desk.redis->event[i].stream, "hist:") != NULL) {
            assert_true(n < 2);
            assert_non_null(strstr(desk.redis->event[i].text, order[n++]));
        }
    }
    assert_int_equal(n, 2);
}


static void test_refused_request_leaves_nothing_behind(void **state)
{
    otp_stock_t         before = otp_fake_stock_get(&desk, S1), after;
    otp_fake_passcode_t wrong = otp_fake_wrong("", S1, OTP_FAKE_STEP);
    otp_action_order_t  order = otp_fake_order(OTP_ACTION_REQUEST_CREATE, "marie", S1);

    (void) state;
    otp_fake_held(&desk, "S3", "bob");
    order.code = otp_span_of(wrong.text);
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_MISFIT);
    assert_int_equal(request("marie", S1, OTP_FAKE_STEP + 11, false).managed, OTP_MANAGE_MISFIT);
    assert_int_equal(request("marie", "S9", OTP_FAKE_STEP, false).managed, OTP_MANAGE_NO_STOCK);
    assert_int_equal(request("marie", "S3", OTP_FAKE_STEP, false).managed, OTP_MANAGE_HELD);
    after = otp_fake_stock_get(&desk, S1);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_string_equal(otp_fake_desk_get(&desk, "marie").uid, "");
    assert_int_equal(told(), 0);
}


static void test_code_of_another_key_does_not_request_this_one(void **state)
{
    otp_action_order_t  order = otp_fake_order(OTP_ACTION_REQUEST_CREATE, "marie", S1);
    otp_fake_passcode_t code = otp_fake_passcode("", S2, OTP_FAKE_STEP);

    (void) state;
    order.code = otp_span_of(code.text);
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_MISFIT);
}


static void test_spent_code_does_not_request_again(void **state)
{
    (void) state;
    assert_int_equal(request("marie", S1, OTP_FAKE_STEP, false).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_REQUEST_REJECT, NULL, S1, "no"), OTP_MANAGE_CHANGED);
    assert_int_equal(request("paul", S1, OTP_FAKE_STEP, false).managed, OTP_MANAGE_MISFIT);
    assert_int_equal(request("paul", S1, OTP_FAKE_STEP + 1, false).managed, OTP_MANAGE_CHANGED);
}


static void test_second_request_is_refused_while_one_waits(void **state)
{
    (void) state;
    assert_int_equal(request("marie", S1, OTP_FAKE_STEP, false).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(request("marie", S1, OTP_FAKE_STEP + 1, false).managed, OTP_MANAGE_REQUESTED);
    assert_int_equal(request("marie", S2, OTP_FAKE_STEP, false).managed, OTP_MANAGE_REQUESTED);
    assert_int_equal(request("paul", S1, OTP_FAKE_STEP + 1, false).managed, OTP_MANAGE_HELD);
    assert_string_equal(otp_fake_desk_get(&desk, "marie").request.serial, S1);
    assert_int_equal(events("request", "ok"), 1);
}


static void test_request_that_was_cut_off_does_not_stand_in_the_way_of_another(void **state)
{
    otp_account_t account;

    (void) state;
    otp_account_init(&account, OTP_SPAN("marie"));
    account.request = (otp_activation_request_t) { .state = OTP_ACTIVATION_WAITING, .serial = "S1", .at = 1 };
    otp_fake_desk_put(&desk, &account);
    assert_int_equal(request("marie", S2, OTP_FAKE_STEP, false).managed, OTP_MANAGE_CHANGED);
    assert_string_equal(otp_fake_desk_get(&desk, "marie").request.serial, S2);
    assert_string_equal(otp_fake_stock_get(&desk, S2).wanted, "marie");
}


static void test_rejected_request_is_told_with_its_reason(void **state)
{
    char          text[OTP_MAIL_MAX];
    otp_mail_t    mail;
    otp_account_t account;

    (void) state;
    assert_int_equal(request("marie", S1, OTP_FAKE_STEP, false).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_REQUEST_REJECT, NULL, S1, NULL), OTP_MANAGE_REASON);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_REQUEST_REJECT, NULL, S1, "clé d'une autre personne"),
                     OTP_MANAGE_CHANGED);
    account = otp_fake_desk_get(&desk, "marie");
    assert_int_equal(account.request.state, OTP_ACTIVATION_REJECTED);
    assert_string_equal(account.request.reason, "clé d'une autre personne");
    assert_false(waits(S1));
    assert_string_equal(otp_fake_stock_get(&desk, S1).wanted, "");
    mail = last_mail(text);
    assert_int_equal(mail.kind, OTP_MAIL_REQUEST_REJECTED);
    assert_span(mail.reason, "clé d'une autre personne");
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_REQUEST_REJECT, NULL, S1, "no"), OTP_MANAGE_NO_REQUEST);
}


/* Marie asks for the key; an approval ends before its command `after`. */
static void cut_approval(unsigned after)
{
    otp_action_order_t order = otp_fake_order(OTP_ACTION_REQUEST_APPROVE, NULL, S1);
    otp_fake_acting_t *acting;

    assert_int_equal(request("marie", S1, OTP_FAKE_STEP, false).managed, OTP_MANAGE_CHANGED);
    acting = otp_fake_act_begin(&desk, &order);
    for (unsigned i = 0; i < after; i++) {
        assert_false(otp_fake_act_step(acting));
    }
    (void) otp_fake_act_end(acting);
}


static void test_rejecting_takes_back_what_an_approval_that_was_cut_off_has_done(void **state)
{
    otp_account_t account;
    unsigned      taken = 0;

    /* The seventh command gives the key. */
    for (unsigned after = 1; after < 7; after++) {
        if (after > 1) {
            assert_int_equal(close_desk(state), 0);
            assert_int_equal(open_desk(state), 0);
        }
        cut_approval(after);
        taken += otp_fake_stock_get(&desk, S1).uid[0] != '\0';
        assert_int_equal(otp_fake_do(&desk, OTP_ACTION_REQUEST_REJECT, NULL, S1, "no"), OTP_MANAGE_CHANGED);
        account = otp_fake_desk_get(&desk, "marie");
        assert_int_equal(account.request.state, OTP_ACTIVATION_REJECTED);
        assert_int_equal(account.keys, 0);
        assert_string_equal(otp_fake_stock_get(&desk, S1).uid, "");
        assert_false(waits(S1));
    }
    assert_true(taken > 0);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ASSIGN, "bob", S1, NULL), OTP_MANAGE_CHANGED);
}


/* To where the stock says that somebody has the key. */
static void step_to_taken(otp_fake_acting_t *acting)
{
    while (otp_fake_stock_get(&desk, S1).uid[0] == '\0') {
        assert_false(otp_fake_act_step(acting));
    }
}


static void test_approval_does_not_go_over_to_a_request_that_came_later(void **state)
{
    otp_action_order_t order = otp_fake_order(OTP_ACTION_REQUEST_APPROVE, NULL, S1);
    otp_fake_acting_t *acting;

    (void) state;
    assert_int_equal(request("marie", S1, OTP_FAKE_STEP - 1, false).managed, OTP_MANAGE_CHANGED);
    acting = otp_fake_act_begin(&desk, &order);
    step_to_taken(acting);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_UNASSIGN, NULL, S1, NULL), OTP_MANAGE_CHANGED);
    assert_int_equal(request("bob", S1, OTP_FAKE_STEP, false).managed, OTP_MANAGE_CHANGED);
    while (!otp_fake_act_step(acting)) {
    }
    assert_int_equal(otp_fake_act_end(acting).managed, OTP_MANAGE_NO_REQUEST);
    assert_string_equal(otp_fake_stock_get(&desk, S1).uid, "");
    assert_string_equal(otp_fake_stock_get(&desk, S1).wanted, "bob");
    assert_int_equal(otp_fake_desk_get(&desk, "bob").keys, 0);
}


static void test_assigning_that_is_undone_again_and_again_leaves_nothing(void **state)
{
    otp_action_order_t order = otp_fake_order(OTP_ACTION_KEY_ASSIGN, "bob", S1);
    otp_fake_acting_t *acting = otp_fake_act_begin(&desk, &order);
    char               mark[OTP_HOLDING_LEN + 1] = "";
    bool               done = false;
    unsigned           undone = 0;

    (void) state;
    while (!done) {
        otp_stock_t stock = otp_fake_stock_get(&desk, S1);

        if (stock.uid[0] != '\0' && strcmp(stock.key.holding, mark) != 0) {
            otp_account_t account = otp_fake_desk_get(&desk, "bob");

            memcpy(mark, stock.key.holding, sizeof(mark));
            account.keys = 0;
            otp_fake_desk_put(&desk, &account);
            undone++;
        }
        done = otp_fake_act_step(acting);
    }
    assert_int_equal(otp_fake_act_end(acting).managed, OTP_MANAGE_BUSY);
    assert_true(undone > 1);
    assert_string_equal(otp_fake_stock_get(&desk, S1).uid, "");
    assert_int_equal(otp_fake_desk_get(&desk, "bob").keys, 0);
}


/* The stock names bob, who has no copy; one comes while somebody disables the key. */
static void test_copy_that_arrives_while_the_key_is_disabled_is_not_given_usable(void **state)
{
    otp_action_order_t assign = otp_fake_order(OTP_ACTION_KEY_ASSIGN, "bob", S1);
    otp_action_order_t disable = otp_fake_order(OTP_ACTION_KEY_DISABLE, NULL, S1);
    otp_fake_acting_t *one, *other;
    otp_stock_t        stock = otp_fake_stock_get(&desk, S1);

    (void) state;
    memcpy(stock.uid, "bob", sizeof("bob"));
    memcpy(stock.key.holding, "gone", sizeof("gone"));
    otp_fake_stock_put(&desk, &stock);
    disable.reason = OTP_SPAN("stolen");
    other = otp_fake_act_begin(&desk, &disable);
    /* It has seen that there is no copy. */
    assert_false(otp_fake_act_step(other));
    assert_false(otp_fake_act_step(other));
    one = otp_fake_act_begin(&desk, &assign);
    while (strcmp(otp_fake_stock_get(&desk, S1).key.holding, "gone") == 0) {
        assert_false(otp_fake_act_step(one));
    }
    while (!otp_fake_act_step(other)) {
    }
    while (!otp_fake_act_step(one)) {
    }
    (void) otp_fake_act_end(one);
    assert_int_equal(otp_fake_act_end(other).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_stock_get(&desk, S1).key.state, OTP_KEY_DISABLED);
    assert_int_equal(otp_fake_desk_get(&desk, "bob").key[0].state, OTP_KEY_DISABLED);
    assert_string_equal(otp_fake_desk_get(&desk, "bob").key[0].reason, "stolen");
}


static void test_rejecting_frees_a_key_of_which_there_is_no_copy(void **state)
{
    otp_stock_t   stock;
    otp_account_t account;

    (void) state;
    assert_int_equal(request("marie", S1, OTP_FAKE_STEP, false).managed, OTP_MANAGE_CHANGED);
    stock = otp_fake_stock_get(&desk, S1);
    memcpy(stock.uid, "marie", sizeof("marie"));
    memcpy(stock.key.holding, "gone", sizeof("gone"));
    otp_fake_stock_put(&desk, &stock);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_REQUEST_REJECT, NULL, S1, "no"), OTP_MANAGE_CHANGED);
    account = otp_fake_desk_get(&desk, "marie");
    assert_int_equal(account.request.state, OTP_ACTIVATION_REJECTED);
    assert_string_equal(otp_fake_stock_get(&desk, S1).uid, "");
    assert_false(waits(S1));
}


static void test_rejecting_what_was_approved_already_leaves_the_key_with_its_holder(void **state)
{
    (void) state;
    /* But for taking it off the list. */
    cut_approval(8);
    assert_true(waits(S1));
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_REQUEST_REJECT, NULL, S1, "no"), OTP_MANAGE_NO_REQUEST);
    assert_string_equal(otp_fake_stock_get(&desk, S1).uid, "marie");
    assert_int_equal(otp_fake_desk_get(&desk, "marie").keys, 1);
    assert_int_equal(otp_fake_desk_get(&desk, "marie").key[0].state, OTP_KEY_USABLE);
    assert_false(waits(S1));
}


static void test_key_that_somebody_asks_for_is_assigned_to_nobody_else(void **state)
{
    (void) state;
    assert_int_equal(request("marie", S1, OTP_FAKE_STEP, false).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ASSIGN, "bob", S1, NULL), OTP_MANAGE_REQUESTED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_ASSIGN, "marie", S1, NULL), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_desk_get(&desk, "marie").request.state, OTP_ACTIVATION_NONE);
    assert_false(waits(S1));
}


static void test_key_that_was_disabled_meanwhile_is_not_approved_and_still_waits(void **state)
{
    (void) state;
    assert_int_equal(request("marie", S1, OTP_FAKE_STEP, false).managed, OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_DISABLE, NULL, S1, "stolen"), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_fake_do(&desk, OTP_ACTION_REQUEST_APPROVE, NULL, S1, NULL), OTP_MANAGE_DISABLED);
    assert_true(waits(S1));
}


/* ---- faults ---- */

static void test_forged_record_is_named_and_nothing_is_done(void **state)
{
    otp_action_order_t order = otp_fake_order(OTP_ACTION_PIN_CLEAR, "alice", NULL);
    otp_name_t         name;
    otp_fake_acting_t *acting;

    (void) state;
    otp_name_of(&name, OTP_NAME_ACCOUNT, OTP_SPAN(OTP_FAKE_PREFIX), OTP_SPAN("alice"));
    otp_fake_redis_put(desk.redis, otp_name_span(&name), OTP_SPAN("1.20212223.x.{}"));
    acting = otp_fake_act_begin(&desk, &order);
    while (!otp_fake_act_step(acting)) {
    }
    assert_span(otp_fake_act_view(acting)->unreadable, "otp:acct:{5}:alice");
    assert_int_equal(otp_fake_act_end(acting).managed, OTP_MANAGE_UNAVAILABLE);
    assert_int_equal(desk.redis->events, 0);
}


static void test_what_cannot_be_told_is_not_done(void **state)
{
    char               longest[OTP_REASON_LEN + 2];
    otp_action_order_t order = otp_fake_order(OTP_ACTION_PIN_CLEAR, "alice", NULL);

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    memset(longest, 'x', sizeof(longest));
    order.note = (otp_span_t) { longest, OTP_REASON_LEN + 1 };
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_REASON);
    order.note = OTP_SPAN("\xff no UTF-8");
    assert_int_equal(otp_fake_act(&desk, order).managed, OTP_MANAGE_UNAVAILABLE);
    assert_true(otp_fake_desk_get(&desk, "alice").key[0].pin.set);
}


static void test_somebody_who_keeps_changing_the_record_makes_it_busy(void **state)
{
    otp_action_order_t order = otp_fake_order(OTP_ACTION_PIN_CLEAR, "alice", NULL);
    otp_fake_acting_t *acting;

    (void) state;
    otp_fake_held(&desk, S1, "alice");
    acting = otp_fake_act_begin(&desk, &order);
    for (;;) {
        otp_account_t account = otp_fake_desk_get(&desk, "alice");

        account.revision++;
        otp_fake_desk_put(&desk, &account);
        if (otp_fake_act_step(acting)) {
            break;
        }
    }
    assert_int_equal(otp_fake_act_end(acting).managed, OTP_MANAGE_BUSY);
    assert_true(otp_fake_desk_get(&desk, "alice").key[0].pin.set);
    assert_int_equal(desk.redis->events, 0);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK(test_assigned_key_is_usable_told_and_mailed_once),
        DESK(test_event_says_who_did_what_to_whom_and_why),
        DESK(test_lines_for_the_audit_are_those_of_the_stream),
        DESK(test_key_that_cannot_be_assigned_is_refused_and_leaves_nothing),
        DESK(test_refusal_is_told_once_with_who_and_why),
        DESK(test_refusal_that_cannot_be_told_is_a_failure),
        DESK(test_last_line_goes_to_the_audit_however_many_there_were),
        DESK(test_longest_action_is_told),
        DESK(test_copy_that_the_stock_does_not_know_of_goes_back_from_its_person),
        DESK(test_copy_of_a_key_that_somebody_else_holds_by_now_goes_back_and_theirs_stays),
        DESK(test_copy_that_is_assigned_meanwhile_goes_back_all_the_same),
        DESK(test_copy_that_another_agent_replaces_meanwhile_goes_back),
        DESK(test_key_that_another_agent_assigns_meanwhile_is_no_copy_of_unknown_origin),
        DESK(test_assigning_says_that_there_is_a_copy_the_stock_does_not_know_of),
        DESK(test_lost_key_that_the_helpdesk_has_disabled_stays_as_it_is),
        DESK(test_returned_key_takes_step_along_and_its_sessions_end),
        DESK(test_lost_key_lowers_its_sessions_in_every_batch),
        DESK(test_key_of_somebody_else_is_not_touched_where_one_may_act_on_one_person),
        DESK(test_contact_is_kept_where_nothing_else_was_to_be_changed),
        DESK(test_contact_goes_with_what_is_changed_and_not_with_what_is_refused),
        DESK(test_contact_of_nobody_is_kept_nowhere),
        DESK(test_contact_of_one_person_is_never_written_to_another),
        DESK(test_only_a_free_key_that_nobody_wants_is_deleted),
        DESK(test_two_codes_find_a_key_again_and_are_spent),
        DESK(test_two_codes_up_to_the_floor_do_not_find_a_key_again),
        DESK(test_floor_does_not_hold_the_codes_of_a_key_that_counts_events),
        DESK(test_cleared_pin_is_told_and_mailed),
        DESK(test_emergency_password_is_shown_once_kept_as_a_mac_and_replaces_the_one_before),
        DESK(test_emergency_password_after_one_that_is_over_takes_its_sessions_along),
        DESK(test_emergency_password_that_would_be_over_already_is_not_issued),
        DESK(test_revoked_emergency_password_takes_its_sessions_along),
        DESK(test_unlocking_ends_the_delay_of_somebody_without_an_account_too),
        DESK(test_all_sessions_of_a_person_end_but_the_one_that_is_kept),
        DESK(test_session_of_somebody_else_is_not_found),
        DESK(test_digests_of_sessions_whose_time_is_over_leave_the_list),
        DESK(test_seen_signals_are_told_and_not_put_into_the_history),
        DESK(test_request_waits_is_approved_and_leaves_the_list),
        DESK(test_request_by_rule_is_approved_at_once_by_the_rule),
        DESK(test_history_tells_the_request_before_its_approval),
        DESK(test_refused_request_leaves_nothing_behind),
        DESK(test_code_of_another_key_does_not_request_this_one),
        DESK(test_spent_code_does_not_request_again),
        DESK(test_second_request_is_refused_while_one_waits),
        DESK(test_request_that_was_cut_off_does_not_stand_in_the_way_of_another),
        DESK(test_rejected_request_is_told_with_its_reason),
        DESK(test_rejecting_takes_back_what_an_approval_that_was_cut_off_has_done),
        DESK(test_approval_does_not_go_over_to_a_request_that_came_later),
        DESK(test_assigning_that_is_undone_again_and_again_leaves_nothing),
        DESK(test_copy_that_arrives_while_the_key_is_disabled_is_not_given_usable),
        DESK(test_rejecting_frees_a_key_of_which_there_is_no_copy),
        DESK(test_rejecting_what_was_approved_already_leaves_the_key_with_its_holder),
        DESK(test_key_that_somebody_asks_for_is_assigned_to_nobody_else),
        DESK(test_key_that_was_disabled_meanwhile_is_not_approved_and_still_waits),
        DESK(test_forged_record_is_named_and_nothing_is_done),
        DESK(test_what_cannot_be_told_is_not_done),
        DESK(test_somebody_who_keeps_changing_the_record_makes_it_busy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
