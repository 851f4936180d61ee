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
    bool              automatic;
} deed_t;

static const deed_t deeds[] = {
    { OTP_ACTION_KEY_ASSIGN, "alice", NULL, false }, { OTP_ACTION_KEY_ASSIGN, "bob", NULL, false },
    { OTP_ACTION_KEY_UNASSIGN, NULL, NULL, false }, { OTP_ACTION_KEY_DISABLE, NULL, "lost", false },
    { OTP_ACTION_KEY_DISABLE, NULL, "stolen", false }, { OTP_ACTION_KEY_ENABLE, NULL, NULL, false },
    { OTP_ACTION_REQUEST_CREATE, "alice", NULL, false }, { OTP_ACTION_REQUEST_CREATE, "bob", NULL, false },
    { OTP_ACTION_REQUEST_APPROVE, NULL, NULL, false }, { OTP_ACTION_REQUEST_REJECT, NULL, "not yours", false },
    { OTP_ACTION_PIN_CLEAR, "alice", NULL, false }, { OTP_ACTION_REQUEST_CREATE, "alice", NULL, true },
};
#define DEEDS       (sizeof(deeds) / sizeof(deeds[0]))
#define ASSIGNING   0
#define ASKING      6
#define APPROVING   8
#define GETTING     11      /* asks, and a rule approves */

/* What prepare() makes: wanted, held by one, free; disabled, held by the other, held and disabled. */
static const uint64_t beginnings[] = { 6, 2, 3, 15, 1, 5 };
#define BEGINNINGS(actors) ((actors) == 2 ? sizeof(beginnings) / sizeof(beginnings[0]) : 3)
#define WANTED  6

typedef struct {
    otp_fake_acting_t *acting[ACTORS];
    size_t             deed[ACTORS], actors, left;
    bool               done[ACTORS];
    otp_managed_t      managed[ACTORS];
    otp_stock_t        after;
} cast_t;

static const char *const people[] = { "alice", "bob" };

static otp_fake_desk_t desk;
static char            story[8192];


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
    order.automatic = deeds[deed].automatic;
    n = (n + 1) % ACTORS;

    return otp_fake_act_begin(&desk, &order);
}


/* Free, asked for, held or disabled. */
static void prepare(uint64_t how)
{
    otp_stock_t        stock = otp_fake_stock(&desk, S1);
    otp_fake_acting_t *asking;

    story[0] = '\0';
    if (how % 3 != 0) {
        otp_fake_held(&desk, S1, people[how % 2]);
        note("held by ", people[how % 2]);
    } else {
        otp_fake_stock_put(&desk, &stock);
    }
    if (how % 2 == 0 && how % 3 == 0) {
        asking = begin(ASKING, OTP_FAKE_STEP - 4);
        while (!otp_fake_act_step(asking)) {
        }
        assert_int_equal(otp_fake_act_end(asking).managed, OTP_MANAGE_CHANGED);
        note("wanted by ", deeds[ASKING].uid);
    }
    if (how % 5 == 0) {
        assert_int_equal(otp_fake_do(&desk, OTP_ACTION_KEY_DISABLE, NULL, S1, "broken"), OTP_MANAGE_CHANGED);
        note("disabled", "");
    }
}


static void begin_all(cast_t *cast)
{
    char name[32];

    for (size_t i = 0; i < cast->actors; i++) {
        const deed_t *deed = &deeds[cast->deed[i]];

        cast->acting[i] = begin(cast->deed[i], OTP_FAKE_STEP - 3 + (int64_t) i);
        cast->done[i] = false;
        (void) snprintf(name, sizeof(name), "%zu=%s ", i, otp_action_event(deed->kind));
        note(name, deed->uid ? deed->uid : deed->reason ? deed->reason : "");
    }
    cast->left = cast->actors;
}


/* One command of one of them. */
static void advance(cast_t *cast, size_t i)
{
    char name[32];

    if (!cast->done[i]) {
        (void) snprintf(name, sizeof(name), "%zu", i);
        note(name, "");
        cast->done[i] = otp_fake_act_step(cast->acting[i]);
        cast->left -= cast->done[i];
        check_moment();
    }
}


/* How many gave up. */
static unsigned end_all(cast_t *cast)
{
    unsigned busy = 0;

    for (size_t i = 0; i < cast->actors; i++) {
        cast->managed[i] = otp_fake_act_end(cast->acting[i]).managed;
        busy += cast->managed[i] == OTP_MANAGE_BUSY;
        assert_int_not_equal(cast->managed[i], OTP_MANAGE_UNAVAILABLE);
    }
    return busy;
}


/* Interleaved at random.  Returns how many gave up. */
static unsigned history(uint64_t *random, size_t actors)
{
    cast_t   cast = { .actors = actors };
    unsigned busy;

    for (size_t i = 0; i < actors; i++) {
        cast.deed[i] = otp_fake_random(random) % DEEDS;
    }
    otp_fake_desk_open(&desk);
    prepare(otp_fake_random(random));
    begin_all(&cast);
    while (cast.left > 0) {
        advance(&cast, otp_fake_random(random) % actors);
    }
    busy = end_all(&cast);
    check_end();
    otp_fake_desk_close(&desk);

    return busy;
}


static void run(size_t actors, uint64_t seed)
{
    unsigned busy = 0;

    for (unsigned i = 0; i < HISTORIES; i++) {
        busy += history(&seed, actors) != 0;
    }
    /* Giving up is for those who are unlucky again and again. */
    assert_true(busy < HISTORIES / 50);
}


/* Each does one command in turn, the later ones from `lag` on: nobody is ever faster. */
static void lockstep(cast_t *cast, uint64_t how, unsigned lag)
{
    otp_fake_desk_open(&desk);
    prepare(how);
    begin_all(cast);
    for (unsigned n = 0; cast->left > 0; n++) {
        for (size_t i = 0; i < cast->actors; i++) {
            if (n >= i * lag) {
                advance(cast, i);
            }
        }
    }
    if (end_all(cast) != 0) {
        fail_msg("somebody gave up:%s", story);
    }
    check_end();
    cast->after = otp_fake_stock_get(&desk, S1);
    otp_fake_desk_close(&desk);
}


static void in_step(size_t actors, unsigned lags)
{
    cast_t cast = { .actors = actors };
    size_t tuples = 1;

    for (size_t i = 0; i < actors; i++) {
        tuples *= DEEDS;
    }
    for (size_t tuple = 0; tuple < tuples; tuple++) {
        size_t rest = tuple;

        for (size_t i = 0; i < actors; i++) {
            cast.deed[i] = rest % DEEDS;
            rest /= DEEDS;
        }
        for (size_t how = 0; how < BEGINNINGS(actors); how++) {
            for (unsigned lag = 0; lag < lags; lag++) {
                lockstep(&cast, beginnings[how], lag);
            }
        }
    }
}


/* One of them is cut off somewhere: what is left of it opens no door, and goes when the key is taken back. */
static void cut_off(uint64_t *random)
{
    cast_t   cast = { .actors = ACTORS };
    unsigned lives = otp_fake_random(random) % 16;

    for (size_t i = 0; i < ACTORS; i++) {
        cast.deed[i] = otp_fake_random(random) % DEEDS;
    }
    otp_fake_desk_open(&desk);
    prepare(otp_fake_random(random));
    begin_all(&cast);
    while (cast.left > (cast.done[0] ? 0 : 1)) {
        size_t i = otp_fake_random(random) % ACTORS;

        if (i != 0 || lives > 0) {
            lives -= i == 0;
            advance(&cast, i);
        }
    }
    (void) end_all(&cast);
    for (size_t i = 0; i < 2; i++) {
        otp_managed_t managed = otp_fake_do(&desk, OTP_ACTION_KEY_UNASSIGN, people[i], S1, NULL);

        if (managed != OTP_MANAGE_CHANGED && managed != OTP_MANAGE_UNCHANGED && managed != OTP_MANAGE_NO_KEY) {
            fail_msg("cannot be taken back from %s: %s:%s", people[i], otp_managed_name(managed), story);
        }
    }
    check_moment();
    if (otp_fake_stock_get(&desk, S1).uid[0] != '\0' || otp_fake_usable(&desk, S1) != 0) {
        fail_msg("it is not free:%s", story);
    }
    otp_fake_desk_close(&desk);
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


static void test_two_actions_in_lockstep_never_stop_each_other(void **state)
{
    (void) state;
    in_step(2, 6);
}


static void test_three_actions_in_lockstep_never_stop_each_other(void **state)
{
    (void) state;
    in_step(3, 1);
}


/* All of them want alice to have the key, and she has it; only who comes too late may be told so. */
static void test_those_who_give_the_key_to_the_same_person_help_each_other(void **state)
{
    static const size_t giving[] = { ASSIGNING, APPROVING, GETTING };

    (void) state;
    for (size_t first = 0; first < 3; first++) {
        for (size_t second = 0; second < 3; second++) {
            for (unsigned lag = 0; lag < 12; lag++) {
                cast_t cast = { .actors = 2, .deed = { giving[first], giving[second] } };

                lockstep(&cast, WANTED, lag);
                for (size_t i = 0; i < 2; i++) {
                    assert_true(!otp_managed_refused(cast.managed[i])
                                || (lag > 0 && (cast.managed[i] == OTP_MANAGE_NO_REQUEST
                                                || cast.managed[i] == OTP_MANAGE_HELD)));
                }
                assert_string_equal(cast.after.uid, "alice");
                assert_int_equal(cast.after.key.state, OTP_KEY_USABLE);
            }
        }
    }
}


static void test_what_an_action_that_was_cut_off_leaves_opens_no_door_and_can_be_taken_back(void **state)
{
    uint64_t seed = 3;

    (void) state;
    for (unsigned i = 0; i < HISTORIES; i++) {
        cut_off(&seed);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_actions_at_once_are_as_if_one_came_after_the_other),
        cmocka_unit_test(test_three_actions_at_once_never_make_a_key_usable_for_two),
        cmocka_unit_test(test_two_actions_in_lockstep_never_stop_each_other),
        cmocka_unit_test(test_three_actions_in_lockstep_never_stop_each_other),
        cmocka_unit_test(test_those_who_give_the_key_to_the_same_person_help_each_other),
        cmocka_unit_test(test_what_an_action_that_was_cut_off_leaves_opens_no_door_and_can_be_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
