#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "otp_fake_action.h"

/* Actions on one key at the same time, one Redis command of one of them after the other in every order. */

#define S1          "S1"
#define HISTORIES   1500
#define ACTORS      3

typedef struct {
    otp_action_kind_t kind;
    const char       *uid, *reason;
} deed_t;

static const deed_t deeds[] = {
    { OTP_ACTION_KEY_ASSIGN, "alice", NULL }, { OTP_ACTION_KEY_ASSIGN, "bob", NULL },
    { OTP_ACTION_KEY_UNASSIGN, NULL, NULL }, { OTP_ACTION_KEY_DISABLE, NULL, "lost" },
    { OTP_ACTION_KEY_DISABLE, NULL, "stolen" }, { OTP_ACTION_KEY_ENABLE, NULL, NULL },
    { OTP_ACTION_REQUEST_CREATE, "alice", NULL }, { OTP_ACTION_REQUEST_CREATE, "bob", NULL },
    { OTP_ACTION_REQUEST_APPROVE, NULL, NULL }, { OTP_ACTION_REQUEST_REJECT, NULL, "not yours" },
    { OTP_ACTION_PIN_CLEAR, "alice", NULL }, { OTP_ACTION_KEY_UNASSIGN, NULL, NULL },
};
#define DEEDS (sizeof(deeds) / sizeof(deeds[0]))

static const char *const people[] = { "alice", "bob" };

static otp_fake_desk_t desk;
static char            story[4096];


static const otp_key_t *copy_of(otp_account_t *account)
{
    return otp_account_key(account, OTP_SPAN(S1));
}


/* What holds at every moment: a usable copy is the one of the assignment that the stock knows of. */
static void check_moment(void)
{
    otp_stock_t stock = otp_fake_stock_get(&desk, S1);
    unsigned    usable = 0;

    for (size_t i = 0; i < 2; i++) {
        otp_account_t    account = otp_fake_desk_get(&desk, people[i]);
        const otp_key_t *copy = copy_of(&account);

        if (copy != NULL && copy->state == OTP_KEY_USABLE) {
            usable++;
            if (strcmp(stock.uid, people[i]) != 0 || strcmp(stock.key.holding, copy->holding) != 0) {
                fail_msg("%s has a usable copy and the stock says \"%s\":%s", people[i], stock.uid, story);
            }
        }
    }
    if (usable > 1) {
        fail_msg("two usable copies:%s", story);
    }
}


static bool waits(const otp_stock_t *stock)
{
    otp_name_t        name;
    otp_fake_entry_t *entry;

    otp_name_waiting(&name, OTP_SPAN(OTP_FAKE_PREFIX), otp_span_of(stock->key.serial));
    entry = otp_fake_redis_find(desk.redis, otp_name_span(&name));

    return entry != NULL && otp_fake_set_score(entry, OTP_SPAN(S1)) == stock->wanted_at;
}


/* What holds once all are done: the records agree. */
static void check_end(void)
{
    otp_stock_t stock = otp_fake_stock_get(&desk, S1);

    if (waits(&stock) != (stock.wanted[0] != '\0')) {
        fail_msg("the set of those that wait is wrong:%s", story);
    }
    for (size_t i = 0; i < 2; i++) {
        otp_account_t    account = otp_fake_desk_get(&desk, people[i]);
        const otp_key_t *copy = copy_of(&account);
        bool             holder = strcmp(stock.uid, people[i]) == 0;
        bool             waiting = account.request.state == OTP_ACTIVATION_WAITING;

        if ((copy != NULL) != holder) {
            fail_msg("%s %s a copy (%s), the stock says \"%s\":%s", people[i], copy ? "has" : "has not",
                     copy ? copy->reason : "", stock.uid, story);
        }
        if (copy != NULL && (copy->state != stock.key.state || strcmp(copy->reason, stock.key.reason) != 0)) {
            fail_msg("copy \"%s\", stock \"%s\":%s", copy->reason, stock.key.reason, story);
        }
        if (waiting != (strcmp(stock.wanted, people[i]) == 0)) {
            fail_msg("%s %s, wanted by \"%s\":%s", people[i], waiting ? "waits" : "does not wait", stock.wanted, story);
        }
    }
}


static void note(const char *what, const char *more)
{
    size_t len = strlen(story);

    (void) snprintf(story + len, sizeof(story) - len, " %s%s", what, more);
}


static otp_fake_acting_t *begin(size_t deed, int64_t step)
{
    otp_action_order_t         order = otp_fake_order(deeds[deed].kind, deeds[deed].uid, S1);
    static otp_fake_passcode_t code[ACTORS];
    static size_t              n;

    code[n] = otp_fake_passcode("", S1, step);
    order.reason = otp_span_of(deeds[deed].reason);
    order.code = otp_span_of(code[n].text);
    n = (n + 1) % ACTORS;

    return otp_fake_act_begin(&desk, &order);
}


static void prepare(uint64_t how)
{
    otp_stock_t stock = otp_fake_stock(&desk, S1);

    if (how % 3 == 0) {
        otp_fake_stock_put(&desk, &stock);
    } else {
        otp_fake_held(&desk, S1, people[how % 2]);
    }
    if (how % 5 == 0) {
        assert_int_not_equal(otp_fake_do(&desk, OTP_ACTION_KEY_DISABLE, NULL, S1, "broken"), OTP_MANAGE_UNAVAILABLE);
    }
}


/* Runs `actors` deeds, `at_once`: interleaved.  Returns whether one of them gave up. */
static bool history(uint64_t *random, size_t actors)
{
    otp_fake_acting_t *acting[ACTORS];
    size_t             left = actors;
    bool               busy = false, done[ACTORS] = { false };
    char               name[32];

    otp_fake_desk_open(&desk);
    prepare(otp_fake_random(random));
    story[0] = '\0';
    for (size_t i = 0; i < actors; i++) {
        size_t deed = otp_fake_random(random) % DEEDS;

        acting[i] = begin(deed, OTP_FAKE_STEP - 3 + (int64_t) i);
        (void) snprintf(name, sizeof(name), "%zu=%s", i, otp_action_event(deeds[deed].kind));
        note(name, deeds[deed].uid ? deeds[deed].uid : "");
    }
    while (left > 0) {
        size_t i = otp_fake_random(random) % actors;

        if (!done[i]) {
            (void) snprintf(name, sizeof(name), "%zu", i);
            note(name, "");
            done[i] = otp_fake_act_step(acting[i]);
            left -= done[i];
            check_moment();
        }
    }
    for (size_t i = 0; i < actors; i++) {
        otp_managed_t managed = otp_fake_act_end(acting[i]).managed;

        busy |= managed == OTP_MANAGE_BUSY;
        assert_int_not_equal(managed, OTP_MANAGE_UNAVAILABLE);
    }
    if (!busy) {
        check_end();
    }
    otp_fake_desk_close(&desk);

    return busy;
}


static void run(size_t actors, uint64_t seed)
{
    unsigned busy = 0;

    for (unsigned i = 0; i < HISTORIES; i++) {
        busy += history(&seed, actors);
    }
    /* Giving up is for those who are unlucky again and again. */
    assert_true(busy < HISTORIES / 50);
}


static void test_two_actions_at_once_are_as_if_one_came_after_the_other(void **state)
{
    (void) state;
    run(2, 1);
}


static void test_three_actions_at_once_never_make_a_key_usable_for_two(void **state)
{
    (void) state;
    run(3, 2);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_actions_at_once_are_as_if_one_came_after_the_other),
        cmocka_unit_test(test_three_actions_at_once_never_make_a_key_usable_for_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
