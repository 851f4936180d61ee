#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "otp_fake_action.h"

/* Every action, cut off by Redis at each of its commands in turn; done again it ends where an uncut one ends. */

#define S1  "S1"
#define S2  "S2"

typedef void (*prepare_t)(otp_fake_desk_t *desk);

typedef struct {
    const char       *name;
    prepare_t         prepare;
    otp_action_kind_t kind;
    const char       *uid, *serial, *reason;
    bool              automatic;
} scene_t;

static otp_fake_desk_t desk;


/* ---- what there is, without what may differ between two runs ---- */

static void tell_account(const char *uid, char *text, size_t size)
{
    otp_account_t account = otp_fake_desk_get(&desk, uid);
    size_t        len = strlen(text);

    (void) snprintf(text + len, size - len, "%s: failures %d/%d emergency %d request %d %s\n", uid,
                    (int) account.unknown.failures, (int) account.known.failures, account.emergency.expires != 0,
                    account.request.state, account.request.serial);
    for (size_t i = 0; i < account.keys; i++) {
        const otp_key_t *key = &account.key[i];

        len = strlen(text);
        (void) snprintf(text + len, size - len, "  %s state %d \"%s\" step %lld pin %d\n", key->serial, key->state,
                        key->reason, (long long) key->step, key->pin.set);
    }
}


static void tell_stock(const char *serial, char *text, size_t size)
{
    otp_stock_t       stock = otp_fake_stock_get(&desk, serial);
    otp_name_t        name;
    otp_fake_entry_t *set;
    size_t            len = strlen(text);

    otp_name_waiting(&name, OTP_SPAN(OTP_FAKE_PREFIX), otp_span_of(serial));
    set = otp_fake_redis_find(desk.redis, otp_name_span(&name));
    (void) snprintf(text + len, size - len, "%s: \"%s\" of \"%s\" wanted \"%s\" (%d) state %d \"%s\" step %lld\n",
                    serial, stock.key.serial, stock.uid, stock.wanted,
                    set != NULL && otp_fake_set_score(set, otp_span_of(serial)) >= 0, stock.key.state,
                    stock.key.reason, (long long) stock.key.step);
}


static void tell(char *text, size_t size)
{
    text[0] = '\0';
    tell_account("alice", text, size);
    tell_account("bob", text, size);
    tell_stock(S1, text, size);
    tell_stock(S2, text, size);
    for (unsigned i = 1; i <= 5; i++) {
        size_t len = strlen(text);

        (void) snprintf(text + len, size - len, "session %u: %d\n", i, otp_fake_session_level(&desk, i));
    }
    (void) snprintf(text + strlen(text), size - strlen(text), "throttles %zu\n",
                    otp_fake_redis_count(desk.redis, "otp:thru:"));
}


/* ---- scenes ---- */

static void stocked(otp_fake_desk_t *d)
{
    otp_stock_t one = otp_fake_stock(d, S1), two = otp_fake_stock(d, S2);

    otp_fake_stock_put(d, &one);
    otp_fake_stock_put(d, &two);
}


static void kept(otp_fake_desk_t *d)
{
    stocked(d);
    otp_fake_held(d, S1, "alice");
}


static void held(otp_fake_desk_t *d)
{
    kept(d);
    otp_fake_session(d, "alice", 1, S1, OTP_AUTH_KEY, true);
    otp_fake_session(d, "alice", 2, S1, OTP_AUTH_KEY, false);
    otp_fake_session(d, "alice", 3, NULL, OTP_AUTH_PASSWORD, true);
    otp_fake_session(d, "alice", 4, NULL, OTP_AUTH_EMERGENCY, true);
    otp_fake_session(d, "bob", 5, NULL, OTP_AUTH_PASSWORD, true);
}


/* The stock says that the key is free. */
static void orphaned(otp_fake_desk_t *d)
{
    otp_stock_t stock = otp_fake_stock(d, S1);

    held(d);
    otp_fake_stock_put(d, &stock);
}


static void disabled(otp_fake_desk_t *d)
{
    held(d);
    assert_int_equal(otp_fake_do(d, OTP_ACTION_KEY_DISABLE, NULL, S1, "lost"), OTP_MANAGE_CHANGED);
}


static void locked(otp_fake_desk_t *d)
{
    otp_account_t account;
    uint8_t       digest[OTP_DIGEST_LEN];
    char          name[128];
    size_t        len;

    held(d);
    account = otp_fake_desk_get(d, "alice");
    account.unknown = account.known = (otp_guesses_t) { 12, OTP_FAKE_NOW, OTP_FAKE_NOW + 900 };
    otp_fake_desk_put(d, &account);
    assert_int_equal(otp_keyring_sha256(d->ring, OTP_SPAN("alice"), digest), OTP_OK);

    otp_name_t   throttle;
    char         hex[2 * OTP_DIGEST_LEN + 1];

    for (size_t i = 0; i < sizeof(digest); i++) {
        (void) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    otp_name_of(&throttle, OTP_NAME_THROTTLE_USER, OTP_SPAN(OTP_FAKE_PREFIX), otp_span_of(hex));
    len = throttle.len;
    memcpy(name, throttle.data, len);
    otp_fake_redis_put(d->redis, (otp_span_t) { name, len }, OTP_SPAN("whatever"));
}


static void issued(otp_fake_desk_t *d)
{
    otp_action_order_t order = otp_fake_order(OTP_ACTION_EMERGENCY_ISSUE, "alice", NULL);

    held(d);
    order.expires = OTP_FAKE_NOW + 3600;
    assert_int_equal(otp_fake_act(d, order).managed, OTP_MANAGE_CHANGED);
    otp_fake_session(d, "alice", 4, NULL, OTP_AUTH_EMERGENCY, true);
}


static void requested(otp_fake_desk_t *d)
{
    otp_action_order_t  order = otp_fake_order(OTP_ACTION_REQUEST_CREATE, "alice", S1);
    otp_fake_passcode_t code = otp_fake_passcode("", S1, OTP_FAKE_STEP - 1);

    stocked(d);
    order.code = otp_span_of(code.text);
    assert_int_equal(otp_fake_act(d, order).managed, OTP_MANAGE_CHANGED);
}


static void signalled(otp_fake_desk_t *d)
{
    otp_account_t account;

    held(d);
    account = otp_fake_desk_get(d, "alice");
    account.signal[OTP_SIGNAL_REPLAY] = (otp_signal_note_t) { OTP_FAKE_NOW, 2, OTP_FAKE_NOW };
    otp_fake_desk_put(d, &account);
}


static const scene_t scenes[] = {
    { "assign", stocked, OTP_ACTION_KEY_ASSIGN, "alice", S1, NULL, false },
    { "assign what is asked for", requested, OTP_ACTION_KEY_ASSIGN, "alice", S1, NULL, false },
    { "unassign", held, OTP_ACTION_KEY_UNASSIGN, NULL, S1, NULL, false },
    { "unassign what the stock does not know of", orphaned, OTP_ACTION_KEY_UNASSIGN, "alice", S1, NULL, false },
    { "unassign a lost one", disabled, OTP_ACTION_KEY_UNASSIGN, NULL, S1, NULL, false },
    { "disable", held, OTP_ACTION_KEY_DISABLE, NULL, S1, "stolen", false },
    { "disable a free one", stocked, OTP_ACTION_KEY_DISABLE, NULL, S1, "broken", false },
    { "enable", disabled, OTP_ACTION_KEY_ENABLE, NULL, S1, NULL, false },
    { "delete", stocked, OTP_ACTION_KEY_DELETE, NULL, S1, NULL, false },
    { "clear PIN", held, OTP_ACTION_PIN_CLEAR, "alice", NULL, NULL, false },
    { "unlock", locked, OTP_ACTION_UNLOCK, "alice", NULL, NULL, false },
    { "emergency", kept, OTP_ACTION_EMERGENCY_ISSUE, "alice", NULL, NULL, false },
    { "another emergency", issued, OTP_ACTION_EMERGENCY_ISSUE, "alice", NULL, NULL, false },
    { "revoke emergency", issued, OTP_ACTION_EMERGENCY_REVOKE, "alice", NULL, NULL, false },
    { "all sessions", held, OTP_ACTION_SESSIONS_REVOKE, "alice", NULL, NULL, false },
    { "one session", held, OTP_ACTION_SESSION_REVOKE, "alice", NULL, NULL, false },
    { "request", stocked, OTP_ACTION_REQUEST_CREATE, "alice", S1, NULL, false },
    { "request by rule", stocked, OTP_ACTION_REQUEST_CREATE, "alice", S1, NULL, true },
    { "approve", requested, OTP_ACTION_REQUEST_APPROVE, NULL, S1, NULL, false },
    { "reject", requested, OTP_ACTION_REQUEST_REJECT, NULL, S1, "not yours", false },
    { "signals", signalled, OTP_ACTION_SIGNALS_SEEN, "alice", NULL, NULL, false },
};


/* The order of a scene; codes and ids live in `text`. */
static otp_action_order_t order_of(const scene_t *scene, otp_fake_passcode_t *code, char digest[2 * OTP_DIGEST_LEN + 1])
{
    otp_action_order_t order = otp_fake_order(scene->kind, scene->uid, scene->serial);

    *code = otp_fake_passcode("", S1, OTP_FAKE_STEP);
    order.reason = otp_span_of(scene->reason);
    order.code = otp_span_of(code->text);
    order.expires = OTP_FAKE_NOW + 7200;
    order.automatic = scene->automatic;
    order.session = otp_fake_session_digest(3, digest);
    order.session.len = OTP_PUBLIC_ID_LEN;

    return order;
}


static otp_managed_t run(const scene_t *scene)
{
    char                digest[2 * OTP_DIGEST_LEN + 1];
    otp_fake_passcode_t code;
    otp_action_order_t  order = order_of(scene, &code, digest);
    otp_fake_acting_t  *acting = otp_fake_act_begin(&desk, &order);

    while (!otp_fake_act_step(acting)) {
        assert_true(otp_fake_usable(&desk, S1) <= 1);
    }

    return otp_fake_act_end(acting).managed;
}


/* Refusals of somebody who repeats what had been done, only the answer was lost. */
static bool done_before(otp_managed_t managed)
{
    return managed == OTP_MANAGE_REQUESTED || managed == OTP_MANAGE_NO_REQUEST || managed == OTP_MANAGE_NO_STOCK
           || managed == OTP_MANAGE_HELD
           || managed == OTP_MANAGE_NO_EMERGENCY || managed == OTP_MANAGE_NO_SESSION;
}


/* false: the fault came after the action's end. */
static bool cut_and_repeat(const scene_t *scene, otp_fault_t fault, uint64_t after, const char *goal)
{
    char          state[4096];
    bool          struck;
    otp_managed_t managed;

    otp_fake_desk_open(&desk);
    scene->prepare(&desk);
    otp_fake_redis_fault(desk.redis, fault, after);
    managed = run(scene);
    struck = desk.redis->fault_done;
    otp_fake_redis_fault(desk.redis, OTP_FAULT_NONE, 0);
    if (managed != OTP_MANAGE_UNAVAILABLE) {
        tell(state, sizeof(state));
        if (strcmp(state, goal) != 0) {
            fail_msg("%s, fault %d at %d: it says %s and is\n%s", scene->name, fault, (int) after,
                     otp_managed_name(managed), state);
        }
    }
    managed = run(scene);
    tell(state, sizeof(state));
    if ((otp_managed_refused(managed) && !done_before(managed)) || strcmp(state, goal) != 0) {
        fail_msg("%s, fault %d at %d, again: %s\n%snot\n%s", scene->name, fault, (int) after,
                 otp_managed_name(managed), state, goal);
    }
    otp_fake_desk_close(&desk);

    return struck;
}


static void test_action_cut_off_anywhere_is_completed_by_doing_it_again(void **state)
{
    char goal[4096];

    (void) state;
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        otp_fake_desk_open(&desk);
        scenes[i].prepare(&desk);
        assert_int_equal(run(&scenes[i]), OTP_MANAGE_CHANGED);
        tell(goal, sizeof(goal));
        otp_fake_desk_close(&desk);
        for (otp_fault_t fault = OTP_FAULT_ERROR; fault <= OTP_FAULT_DOWN; fault++) {
            uint64_t at = 0;

            while (cut_and_repeat(&scenes[i], fault, at, goal)) {
                at++;
            }
            assert_true(at >= 2);
        }
    }
}


/* The records of one scene, byte for byte. */
typedef struct {
    char   record[4][OTP_ACCOUNT_MAX];
    size_t len[4];
} records_t;


static void keep_records(records_t *kept)
{
    static const char *const ids[4] = { "alice", "bob", S1, S2 };

    for (size_t i = 0; i < 4; i++) {
        otp_name_t name;
        otp_span_t value;

        otp_name_of(&name, i < 2 ? OTP_NAME_ACCOUNT : OTP_NAME_STOCK, OTP_SPAN(OTP_FAKE_PREFIX), otp_span_of(ids[i]));
        value = otp_fake_redis_value(desk.redis, otp_name_span(&name));
        assert_true(value.len <= sizeof(kept->record[i]));
        kept->len[i] = value.len;
        if (value.len != 0) {
            memcpy(kept->record[i], value.data, value.len);
        }
    }
}


static size_t changed_records(const records_t *before, const records_t *after)
{
    size_t changed = 0;

    for (size_t i = 0; i < 4; i++) {
        changed += before->len[i] != after->len[i] || memcmp(before->record[i], after->record[i], before->len[i]) != 0;
    }
    return changed;
}


/* A change and its event are one step, so what was changed was told: as many events as records, and one at least when
 * only sessions or throttles have changed. */
static void test_no_record_changes_without_its_event(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        for (uint64_t at = 0; at < 40; at++) {
            char             before[4096], after[4096];
            static records_t was, is;
            size_t           events, changed;

            otp_fake_desk_open(&desk);
            scenes[i].prepare(&desk);
            tell(before, sizeof(before));
            keep_records(&was);
            events = otp_fake_redis_events(desk.redis, "\"event\"");
            otp_fake_redis_fault(desk.redis, OTP_FAULT_LOST_AFTER, at);
            (void) !run(&scenes[i]);
            tell(after, sizeof(after));
            keep_records(&is);
            changed = changed_records(&was, &is);
            if (changed == 0) {
                changed = strcmp(before, after) != 0;
            }
            if (otp_fake_redis_events(desk.redis, "\"event\"") - events < changed) {
                fail_msg("%s, cut at %d: %d changes, and not all of them told", scenes[i].name, (int) at,
                         (int) changed);
            }
            otp_fake_desk_close(&desk);
        }
    }
}


/* An action may be given up at any moment, with a client that goes away. */
static void test_action_is_destroyed_at_any_moment(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        for (unsigned steps = 0; steps < 40; steps++) {
            char                digest[2 * OTP_DIGEST_LEN + 1];
            otp_fake_passcode_t code;
            otp_action_order_t  order = order_of(&scenes[i], &code, digest);
            otp_fake_acting_t  *acting;

            otp_fake_desk_open(&desk);
            scenes[i].prepare(&desk);
            acting = otp_fake_act_begin(&desk, &order);
            for (unsigned n = 0; n < steps; n++) {
                (void) otp_fake_act_step(acting);
            }
            (void) otp_fake_act_end(acting);
            otp_fake_desk_close(&desk);
        }
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_action_cut_off_anywhere_is_completed_by_doing_it_again),
        cmocka_unit_test(test_no_record_changes_without_its_event),
        cmocka_unit_test(test_action_is_destroyed_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
