#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/decide/otp_manage.h"

#define NOW     1700000000
#define ALICE   OTP_SPAN("alice")
#define BOB     OTP_SPAN("bob")
#define S1      OTP_SPAN("S1")
#define H1      OTP_SPAN("h1")

static otp_stock_t stock_of(const char *uid)
{
    otp_stock_t stock = {
        .key = { .serial = "S1", .algorithm = OTP_SHA1, .digits = 6, .period_s = 60, .seed = "sealed", .step = 100,
                 .drift = 2 }
    };

    memcpy(stock.uid, uid, strlen(uid) + 1);
    return stock;
}


static otp_account_t account_of(otp_span_t uid)
{
    otp_account_t account;

    otp_account_init(&account, uid);
    account.revision = 7;
    return account;
}


/* Alice with S1, its PIN set, used up to step 200, in the middle of something. */
static otp_account_t alice_with_key(void)
{
    otp_account_t account = account_of(ALICE);

    account.keys = 1;
    account.key[0] = stock_of("").key;
    account.key[0].pin = (otp_pin_verifier_t) { .set = true, .ring_id = "01234567", .salt = { 1 }, .mac = { 2 } };
    account.key[0].step = 200;
    account.key[0].drift = -3;
    account.key[0].used = NOW - 5;
    account.unknown.failures = 4;
    account.unknown.locked_until = NOW + 60;
    account.pending = (otp_account_pending_t) { .kind = OTP_PENDING_NEXT_CODE, .id = "id", .serial = "S1" };
    return account;
}


static void fill(otp_account_t *account)
{
    for (size_t i = 0; i < OTP_ACCOUNT_KEYS; i++) {
        account->key[i] = stock_of("").key;
        memcpy(account->key[i].serial, "X0", 3);
        account->key[i].serial[1] = (char) ('0' + i);
    }
    account->keys = OTP_ACCOUNT_KEYS;
}


static void test_free_key_is_taken_for_the_person(void **state)
{
    otp_stock_t stock = stock_of("");

    (void) state;
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_CHANGED);
    assert_string_equal(stock.uid, "alice");
    assert_string_equal(stock.key.holding, "h1");
    assert_int_equal(stock.key.assigned, NOW);
}


static void test_key_of_somebody_else_is_not_taken(void **state)
{
    otp_stock_t stock = stock_of("bob"), before = stock;

    (void) state;
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_HELD);
    assert_memory_equal(&stock, &before, sizeof(stock));
}


static void test_key_assigned_to_the_same_person_otherwise_is_not_taken_over(void **state)
{
    otp_stock_t stock = stock_of("alice");

    (void) state;
    memcpy(stock.key.holding, "h0", 3);
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_BUSY);
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN("h0"), H1, NOW), OTP_MANAGE_CHANGED);
    assert_string_equal(stock.key.holding, "h1");
}


static void test_key_that_somebody_else_asks_for_is_not_taken(void **state)
{
    otp_stock_t stock = stock_of("");

    (void) state;
    memcpy(stock.wanted, "bob", 4);
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_REQUESTED);
    assert_int_equal(otp_manage_stock_take(&stock, BOB, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_CHANGED);
}


static void test_disabled_key_is_not_taken(void **state)
{
    otp_stock_t stock = stock_of("");

    (void) state;
    stock.key.state = OTP_KEY_DISABLED;
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_DISABLED);
    assert_string_equal(stock.uid, "");
}


static void test_account_expects_the_key_useless_with_its_step_and_drift_and_without_pin(void **state)
{
    otp_stock_t   stock = stock_of("");
    otp_account_t account = account_of(ALICE);

    (void) state;
    stock.key.pin.set = true;
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_CHANGED);
    assert_int_equal(account.keys, 1);
    assert_string_equal(account.key[0].serial, "S1");
    assert_int_equal(account.key[0].state, OTP_KEY_DISABLED);
    assert_string_equal(account.key[0].reason, "arriving");
    assert_int_equal(account.key[0].step, 100);
    assert_int_equal(account.key[0].drift, 2);
    assert_false(account.key[0].pin.set);
    assert_int_equal(account.revision, 8);
}


static void test_key_of_another_person_is_neither_expected_nor_given(void **state)
{
    otp_stock_t   stock = stock_of("bob");
    otp_account_t account = account_of(ALICE);

    (void) state;
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_HELD);
    assert_int_equal(otp_manage_account_give(&account, &stock), OTP_MANAGE_HELD);
    assert_int_equal(account.keys, 0);
}


static void test_full_account_gets_no_further_key(void **state)
{
    otp_stock_t   stock = stock_of("");
    otp_account_t account = account_of(ALICE);

    (void) state;
    fill(&account);
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_FULL);
    assert_int_equal(account.revision, 7);
}


static void test_only_the_copy_of_this_assignment_becomes_usable(void **state)
{
    otp_stock_t   stock = stock_of("");
    otp_account_t account = account_of(ALICE), other = account;

    (void) state;
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_expect(&other, &stock, OTP_SPAN("h2")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_give(&other, &stock), OTP_MANAGE_BUSY);
    assert_int_equal(other.key[0].state, OTP_KEY_DISABLED);
    assert_int_equal(otp_manage_account_give(&account, &stock), OTP_MANAGE_CHANGED);
    assert_int_equal(account.key[0].state, OTP_KEY_USABLE);
    assert_string_equal(account.key[0].reason, "");
    assert_int_equal(account.key[0].assigned, NOW);
    assert_true(otp_manage_account_holds(&account, &stock));
}


static void test_key_disabled_while_it_arrives_is_not_given_usable(void **state)
{
    otp_stock_t   stock = stock_of("");
    otp_account_t account = account_of(ALICE);

    (void) state;
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("lost")), OTP_MANAGE_CHANGED);
    assert_true(otp_manage_arriving(&account.key[0]));
    assert_int_equal(otp_manage_account_enable(&account, &stock), OTP_MANAGE_DISABLED);
    assert_int_equal(otp_manage_account_give(&account, &stock), OTP_MANAGE_CHANGED);
    assert_int_equal(account.key[0].state, OTP_KEY_DISABLED);
    assert_string_equal(account.key[0].reason, "lost");
}


static void test_key_of_the_stock_disabled_while_it_arrives_is_not_given_usable(void **state)
{
    otp_stock_t   stock = stock_of("");
    otp_account_t account = account_of(ALICE);

    (void) state;
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_disable(&stock, OTP_SPAN("stolen")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_account_give(&account, &stock), OTP_MANAGE_CHANGED);
    assert_int_equal(account.key[0].state, OTP_KEY_DISABLED);
    assert_string_equal(account.key[0].reason, "stolen");
}


static void test_key_disabled_while_it_arrives_has_to_arrive_again_once_it_is_enabled(void **state)
{
    otp_stock_t   stock = stock_of("");
    otp_account_t account = account_of(ALICE), plain;

    (void) state;
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_CHANGED);
    plain = account;
    assert_int_equal(otp_manage_account_prepare(&plain, S1), OTP_MANAGE_NO_KEY);
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("lost")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_prepare(&account, S1), OTP_MANAGE_CHANGED);
    assert_int_equal(account.keys, 0);
}


static void test_key_given_twice_keeps_pin_and_step(void **state)
{
    otp_stock_t   stock = stock_of("alice");
    otp_account_t account = alice_with_key();

    (void) state;
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_account_give(&account, &stock), OTP_MANAGE_UNCHANGED);
    assert_true(account.key[0].pin.set);
    assert_int_equal(account.key[0].step, 200);
}


static void test_copy_never_stays_behind_the_stock(void **state)
{
    otp_stock_t   stock = stock_of("alice");
    otp_account_t account = alice_with_key();

    (void) state;
    stock.key.step = 300;
    assert_int_equal(otp_manage_account_give(&account, &stock), OTP_MANAGE_CHANGED);
    assert_int_equal(account.key[0].step, 300);
    assert_true(account.key[0].pin.set);
}


static void test_copy_that_arrives_serves_whoever_assigns_it_to_the_same_person(void **state)
{
    otp_stock_t   stock = stock_of(""), seen = stock;
    otp_account_t account = account_of(ALICE);

    (void) state;
    assert_int_equal(otp_manage_account_expect(&account, &seen, H1), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_expect(&account, &seen, OTP_SPAN("h2")), OTP_MANAGE_UNCHANGED);
    assert_string_equal(account.key[0].holding, "h1");
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_account_give(&account, &stock), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_give(&account, &stock), OTP_MANAGE_UNCHANGED);
    assert_true(otp_manage_account_holds(&account, &stock));
}


static void test_copy_that_arrived_long_ago_becomes_what_the_stock_says(void **state)
{
    otp_stock_t   stock = stock_of("");
    otp_account_t account = account_of(ALICE);

    (void) state;
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_CHANGED);
    account.key[0].step = 500;
    stock.key.step = 300;
    stock.key.drift = 9;
    memcpy(stock.key.seed, "another", sizeof("another"));
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_give(&account, &stock), OTP_MANAGE_CHANGED);
    assert_string_equal(account.key[0].seed, "another");
    assert_int_equal(account.key[0].drift, 9);
    assert_int_equal(account.key[0].step, 500);
}


static void test_only_a_copy_that_never_arrived_serves_again(void **state)
{
    otp_stock_t   stock = stock_of("");
    otp_account_t usable = alice_with_key(), lost = usable, returned = usable, arriving = account_of(ALICE);

    (void) state;
    assert_int_equal(otp_manage_account_disable(&lost, S1, OTP_SPAN("lost")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_return(&returned, S1, OTP_SPAN_NONE), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_expect(&arriving, &stock, OTP_SPAN("h0")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_expect(&usable, &stock, H1), OTP_MANAGE_ORPHAN);
    assert_int_equal(otp_manage_account_expect(&lost, &stock, H1), OTP_MANAGE_ORPHAN);
    assert_int_equal(otp_manage_account_expect(&returned, &stock, H1), OTP_MANAGE_ORPHAN);
    assert_int_equal(otp_manage_account_expect(&arriving, &stock, H1), OTP_MANAGE_UNCHANGED);
    assert_int_equal(arriving.keys, 1);
    assert_string_equal(arriving.key[0].holding, "h0");
    assert_int_equal(usable.key[0].step, 200);
    assert_true(usable.key[0].pin.set);
}


static void test_key_being_returned_is_not_given_again(void **state)
{
    otp_stock_t   stock = stock_of("alice");
    otp_account_t account = alice_with_key();

    (void) state;
    assert_int_equal(otp_manage_account_return(&account, S1, OTP_SPAN_NONE), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_RETURNING);
    assert_int_equal(otp_manage_account_give(&account, &stock), OTP_MANAGE_RETURNING);
    assert_int_equal(account.key[0].state, OTP_KEY_DISABLED);
}


static void test_forgone_key_leaves_the_account_and_a_given_one_stays(void **state)
{
    otp_stock_t   stock = stock_of("");
    otp_account_t account = account_of(ALICE), held = alice_with_key();

    (void) state;
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_forgo(&account, S1, OTP_SPAN("h2")), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_account_forgo(&account, S1, H1), OTP_MANAGE_CHANGED);
    assert_int_equal(account.keys, 0);
    assert_int_equal(otp_manage_account_forgo(&held, S1, OTP_SPAN_NONE), OTP_MANAGE_UNCHANGED);
    assert_int_equal(held.keys, 1);
    assert_int_equal(otp_manage_account_disable(&held, S1, OTP_SPAN("lost")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_forgo(&held, S1, OTP_SPAN_NONE), OTP_MANAGE_UNCHANGED);
    assert_int_equal(held.keys, 1);
}


static void test_key_that_is_not_taken_after_all_is_still_asked_for(void **state)
{
    otp_stock_t stock = stock_of(""), before;

    (void) state;
    memcpy(stock.wanted, "alice", sizeof("alice"));
    stock.wanted_at = NOW - 5;
    before = stock;
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_untake(&stock, ALICE, OTP_SPAN("h2")), OTP_MANAGE_HELD);
    assert_int_equal(otp_manage_stock_untake(&stock, BOB, H1), OTP_MANAGE_HELD);
    assert_int_equal(otp_manage_stock_untake(&stock, ALICE, H1), OTP_MANAGE_CHANGED);
    assert_memory_equal(&stock, &before, sizeof(stock));
    assert_int_equal(otp_manage_stock_untake(&stock, ALICE, H1), OTP_MANAGE_UNCHANGED);
}


static void test_returning_disables_the_copy_and_its_pending_state(void **state)
{
    otp_account_t account = alice_with_key();

    (void) state;
    assert_int_equal(otp_manage_account_return(&account, S1, OTP_SPAN_NONE), OTP_MANAGE_CHANGED);
    assert_int_equal(account.key[0].state, OTP_KEY_DISABLED);
    assert_string_equal(account.key[0].reason, "returned");
    assert_int_equal(account.pending.kind, OTP_PENDING_NONE);
    assert_int_equal(otp_manage_account_return(&account, S1, OTP_SPAN_NONE), OTP_MANAGE_UNCHANGED);
    assert_int_equal(account.revision, 8);
}


static void test_returning_keeps_why_a_key_was_disabled(void **state)
{
    static const char *const reasons[] = { "lost", "stolen", "broken" };

    (void) state;
    for (size_t i = 0; i < 3; i++) {
        otp_account_t account = alice_with_key();
        otp_stock_t   stock = stock_of("alice");

        assert_int_equal(otp_manage_account_disable(&account, S1, otp_span_of(reasons[i])), OTP_MANAGE_CHANGED);
        assert_int_equal(otp_manage_account_return(&account, S1, OTP_SPAN_NONE), OTP_MANAGE_CHANGED);
        assert_int_equal(otp_manage_account_disable(&account, S1, otp_span_of(reasons[i])), OTP_MANAGE_UNCHANGED);
        assert_int_equal(otp_manage_account_prepare(&account, S1), OTP_MANAGE_RETURNING);
        assert_int_equal(otp_manage_stock_learn(&stock, ALICE, OTP_SPAN_NONE, &account.key[0]), OTP_MANAGE_CHANGED);
        assert_int_equal(stock.key.state, OTP_KEY_DISABLED);
        assert_string_equal(stock.key.reason, reasons[i]);
    }
}


static void test_key_disabled_on_its_way_back_stays_on_its_way(void **state)
{
    otp_account_t account = alice_with_key();

    (void) state;
    assert_int_equal(otp_manage_account_return(&account, S1, OTP_SPAN_NONE), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("stolen")), OTP_MANAGE_CHANGED);
    assert_string_equal(account.key[0].reason, "returned:stolen");
    assert_non_null(otp_manage_account_leaving(&account, S1, OTP_SPAN_NONE));
}


static void test_returning_what_the_account_has_not_is_refused(void **state)
{
    otp_account_t account = account_of(ALICE), later = alice_with_key();

    (void) state;
    assert_int_equal(otp_manage_account_return(&account, S1, OTP_SPAN_NONE), OTP_MANAGE_NO_KEY);
    /* The copy of a later assignment is not the one that was to be returned. */
    memcpy(later.key[0].holding, "h2", 3);
    assert_int_equal(otp_manage_account_return(&later, S1, H1), OTP_MANAGE_NO_KEY);
    assert_int_equal(later.key[0].state, OTP_KEY_USABLE);
}


static void test_returning_ends_a_request_for_the_key_and_an_arrival(void **state)
{
    otp_stock_t   stock = stock_of("");
    otp_account_t account = account_of(ALICE);

    (void) state;
    assert_int_equal(otp_manage_account_request(&account, S1, OTP_SPAN_NONE, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_return(&account, S1, OTP_SPAN("h0")), OTP_MANAGE_CHANGED);
    assert_int_equal(account.keys, 0);
    assert_int_equal(account.request.state, OTP_ACTIVATION_NONE);
}


static void test_stock_learns_step_and_drift_of_the_returned_copy(void **state)
{
    otp_stock_t   stock = stock_of("alice");
    otp_account_t account = alice_with_key();

    (void) state;
    account.key[0].drift_first = -1;
    account.key[0].drift_since = NOW - 9;
    assert_int_equal(otp_manage_account_return(&account, S1, OTP_SPAN_NONE), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_learn(&stock, ALICE, OTP_SPAN_NONE, &account.key[0]), OTP_MANAGE_CHANGED);
    assert_int_equal(stock.key.step, 200);
    assert_int_equal(stock.key.drift, -3);
    assert_int_equal(stock.key.drift_first, -1);
    assert_int_equal(stock.key.drift_since, NOW - 9);
    assert_int_equal(stock.key.used, NOW - 5);
    assert_int_equal(stock.key.state, OTP_KEY_USABLE);
    assert_string_equal(stock.uid, "alice");
    assert_int_equal(otp_manage_stock_learn(&stock, ALICE, OTP_SPAN_NONE, &account.key[0]), OTP_MANAGE_UNCHANGED);
}


static void test_stock_keeps_a_later_step_than_the_copy_has(void **state)
{
    otp_stock_t   stock = stock_of("alice");
    otp_account_t account = alice_with_key();

    (void) state;
    stock.key.step = 500;
    assert_int_equal(otp_manage_stock_learn(&stock, ALICE, OTP_SPAN_NONE, &account.key[0]), OTP_MANAGE_CHANGED);
    assert_int_equal(stock.key.step, 500);
}


static void test_key_that_changed_hands_neither_learns_nor_is_released(void **state)
{
    otp_stock_t   bobs = stock_of("bob"), again = stock_of("alice");
    otp_account_t account = alice_with_key();

    (void) state;
    memcpy(again.key.holding, "h2", 3);
    assert_int_equal(otp_manage_stock_learn(&bobs, ALICE, OTP_SPAN_NONE, &account.key[0]), OTP_MANAGE_HELD);
    assert_int_equal(otp_manage_stock_learn(&again, ALICE, OTP_SPAN_NONE, &account.key[0]), OTP_MANAGE_HELD);
    assert_int_equal(otp_manage_stock_release(&bobs, ALICE, OTP_SPAN_NONE), OTP_MANAGE_HELD);
    assert_int_equal(otp_manage_stock_release(&again, ALICE, OTP_SPAN_NONE), OTP_MANAGE_HELD);
    assert_string_equal(bobs.uid, "bob");
    assert_string_equal(again.uid, "alice");
    assert_int_equal(again.key.step, 100);
}


static void test_released_key_is_nobodys_and_nobody_asks_for_it(void **state)
{
    otp_stock_t stock = stock_of("alice");

    (void) state;
    stock.key.assigned = NOW;
    memcpy(stock.key.holding, "h1", 3);
    memcpy(stock.wanted, "alice", 6);
    stock.wanted_at = NOW;
    assert_int_equal(otp_manage_stock_release(&stock, ALICE, H1), OTP_MANAGE_CHANGED);
    assert_string_equal(stock.uid, "");
    assert_string_equal(stock.wanted, "");
    assert_string_equal(stock.key.holding, "");
    assert_int_equal(stock.key.assigned, 0);
    assert_int_equal(stock.wanted_at, 0);
    assert_int_equal(otp_manage_stock_release(&stock, ALICE, H1), OTP_MANAGE_UNCHANGED);
}


static void test_dropping_removes_the_copy_and_moves_up_the_others(void **state)
{
    otp_account_t account = account_of(ALICE);
    otp_key_t     nothing;

    (void) state;
    memset(&nothing, 0, sizeof(nothing));
    fill(&account);
    assert_int_equal(otp_manage_account_return(&account, OTP_SPAN("X1"), OTP_SPAN_NONE), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_drop(&account, OTP_SPAN("X1"), OTP_SPAN_NONE), OTP_MANAGE_CHANGED);
    assert_int_equal(account.keys, OTP_ACCOUNT_KEYS - 1);
    assert_string_equal(account.key[0].serial, "X0");
    assert_string_equal(account.key[1].serial, "X2");
    assert_memory_equal(&account.key[OTP_ACCOUNT_KEYS - 1], &nothing, sizeof(nothing));
    assert_int_equal(account.revision, 9);
}


static void test_dropping_leaves_a_copy_that_is_not_on_its_way_back(void **state)
{
    otp_account_t account = alice_with_key();

    (void) state;
    assert_int_equal(otp_manage_account_drop(&account, S1, OTP_SPAN_NONE), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("lost")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_drop(&account, S1, OTP_SPAN_NONE), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_account_return(&account, S1, OTP_SPAN_NONE), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_drop(&account, S1, H1), OTP_MANAGE_UNCHANGED);
    assert_int_equal(account.keys, 1);
}


static void test_stock_learns_what_a_copy_it_does_not_know_of_has_used_up(void **state)
{
    otp_stock_t   stock = stock_of(""), held = stock_of("bob");
    otp_account_t account = alice_with_key();
    int64_t       step = account.key[0].step;

    (void) state;
    stock.key.step = held.key.step = step - 1;
    assert_int_equal(otp_manage_stock_learn_orphan(&stock, &account.key[0]), OTP_MANAGE_CHANGED);
    assert_int_equal(stock.key.step, step);
    assert_int_equal(stock.key.state, OTP_KEY_USABLE);
    assert_int_equal(otp_manage_stock_learn_orphan(&stock, &account.key[0]), OTP_MANAGE_UNCHANGED);
    account.key[0].step = step - 2;
    assert_int_equal(otp_manage_stock_learn_orphan(&stock, &account.key[0]), OTP_MANAGE_UNCHANGED);
    assert_int_equal(stock.key.step, step);

    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("stolen")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_return(&account, S1, otp_span_of(account.key[0].holding)), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_learn_orphan(&held, &account.key[0]), OTP_MANAGE_UNCHANGED);
    assert_int_equal(held.key.state, OTP_KEY_USABLE);
    assert_int_equal(otp_manage_stock_learn_orphan(&stock, &account.key[0]), OTP_MANAGE_CHANGED);
    assert_int_equal(stock.key.state, OTP_KEY_DISABLED);
    assert_string_equal(stock.key.reason, "stolen");
}


static void test_key_is_disabled_when_it_has_a_reason_and_nobody_enables_it(void **state)
{
    otp_account_t account = alice_with_key();

    (void) state;
    assert_false(otp_manage_disabled(&account.key[0]));
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("stolen")), OTP_MANAGE_CHANGED);
    assert_true(otp_manage_disabled(&account.key[0]));
    assert_int_equal(otp_manage_account_prepare(&account, S1), OTP_MANAGE_CHANGED);
    assert_false(otp_manage_disabled(&account.key[0]));
}


static void test_disabling_takes_a_known_reason_only(void **state)
{
    otp_account_t account = alice_with_key();
    otp_stock_t   stock = stock_of("alice");

    (void) state;
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("returned")), OTP_MANAGE_REASON);
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("")), OTP_MANAGE_REASON);
    assert_int_equal(otp_manage_stock_disable(&stock, OTP_SPAN("Lost")), OTP_MANAGE_REASON);
    assert_int_equal(account.key[0].state, OTP_KEY_USABLE);
    assert_int_equal(stock.key.state, OTP_KEY_USABLE);
}


static void test_disabling_clears_the_pending_state_and_keeps_pin_and_failures(void **state)
{
    otp_account_t account = alice_with_key();

    (void) state;
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("lost")), OTP_MANAGE_CHANGED);
    assert_int_equal(account.key[0].state, OTP_KEY_DISABLED);
    assert_string_equal(account.key[0].reason, "lost");
    assert_int_equal(account.pending.kind, OTP_PENDING_NONE);
    assert_true(account.key[0].pin.set);
    assert_int_equal(account.unknown.failures, 4);
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("lost")), OTP_MANAGE_UNCHANGED);
}


static void test_disabling_for_another_reason_replaces_the_reason(void **state)
{
    otp_stock_t stock = stock_of("");

    (void) state;
    assert_int_equal(otp_manage_stock_disable(&stock, OTP_SPAN("stolen")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_disable(&stock, OTP_SPAN("lost")), OTP_MANAGE_CHANGED);
    assert_string_equal(stock.key.reason, "lost");
    assert_int_equal(otp_manage_stock_disable(&stock, OTP_SPAN("lost")), OTP_MANAGE_UNCHANGED);
}


static void test_enabling_makes_both_records_usable_without_a_reason(void **state)
{
    otp_account_t account = alice_with_key();
    otp_stock_t   stock = stock_of("alice");

    (void) state;
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("broken")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_disable(&stock, OTP_SPAN("broken")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_prepare(&account, S1), OTP_MANAGE_CHANGED);
    assert_int_equal(account.key[0].state, OTP_KEY_DISABLED);
    assert_int_equal(otp_manage_account_prepare(&account, S1), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_stock_enable(&stock), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_enable(&account, &stock), OTP_MANAGE_CHANGED);
    assert_int_equal(stock.key.state, OTP_KEY_USABLE);
    assert_string_equal(stock.key.reason, "");
    assert_int_equal(account.key[0].state, OTP_KEY_USABLE);
    assert_string_equal(account.key[0].reason, "");
    assert_int_equal(account.key[0].step, 200);
    assert_int_equal(otp_manage_stock_enable(&stock), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_account_enable(&account, &stock), OTP_MANAGE_UNCHANGED);
}


/* Whoever disables or enables it, in whatever order. */
static void test_restored_key_is_useless_until_it_was_resynced(void **state)
{
    otp_stock_t   stock = stock_of("alice");
    otp_account_t account = alice_with_key();
    otp_key_t     plain = account.key[0];

    (void) state;
    assert_false(otp_manage_resynced(&plain));
    otp_manage_restored(&stock.key);
    otp_manage_restored(&account.key[0]);
    assert_int_equal(account.key[0].state, OTP_KEY_DISABLED);
    assert_int_equal(otp_manage_account_prepare(&account, S1), OTP_MANAGE_UNCERTAIN);
    assert_int_equal(otp_manage_stock_enable(&stock), OTP_MANAGE_UNCERTAIN);
    assert_int_equal(otp_manage_account_enable(&account, &stock), OTP_MANAGE_DISABLED);
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("stolen")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_disable(&stock, OTP_SPAN("stolen")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_disable(&stock, OTP_SPAN("stolen")), OTP_MANAGE_UNCHANGED);
    assert_string_equal(stock.key.reason, "restored:stolen");
    assert_int_equal(otp_manage_account_prepare(&account, S1), OTP_MANAGE_UNCERTAIN);
    assert_int_equal(otp_manage_stock_enable(&stock), OTP_MANAGE_UNCERTAIN);
    assert_true(otp_manage_resynced(&account.key[0]));
    assert_true(otp_manage_resynced(&stock.key));
    assert_string_equal(account.key[0].reason, "stolen");
    assert_int_equal(otp_manage_account_prepare(&account, S1), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_enable(&stock), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_enable(&account, &stock), OTP_MANAGE_CHANGED);

    otp_manage_restored(&plain);
    assert_true(otp_manage_resynced(&plain));
    assert_int_equal(plain.state, OTP_KEY_USABLE);
    assert_string_equal(plain.reason, "");
}


static void test_enabling_takes_over_a_later_step_of_the_stock(void **state)
{
    otp_account_t account = alice_with_key();
    otp_stock_t   stock = stock_of("alice");

    (void) state;
    stock.key.step = 900;
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("lost")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_prepare(&account, S1), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_enable(&account, &stock), OTP_MANAGE_CHANGED);
    assert_int_equal(account.key[0].step, 900);
}


static void test_key_disabled_after_enabling_began_stays_disabled(void **state)
{
    otp_account_t account = alice_with_key();
    otp_stock_t   stock = stock_of("alice");

    (void) state;
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("lost")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_prepare(&account, S1), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("lost")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_enable(&account, &stock), OTP_MANAGE_DISABLED);
    assert_int_equal(account.key[0].state, OTP_KEY_DISABLED);
}


static void test_copy_of_another_assignment_is_not_enabled(void **state)
{
    otp_account_t account = alice_with_key();
    otp_stock_t   stock = stock_of("alice");

    (void) state;
    memcpy(stock.key.holding, "h2", 3);
    assert_int_equal(otp_manage_account_disable(&account, S1, OTP_SPAN("lost")), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_prepare(&account, S1), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_enable(&account, &stock), OTP_MANAGE_HELD);
    assert_int_equal(account.key[0].state, OTP_KEY_DISABLED);
}


static void test_enabling_a_returning_or_foreign_copy_is_refused(void **state)
{
    otp_account_t account = alice_with_key();
    otp_stock_t   alices = stock_of("alice"), bobs = stock_of("bob"), other = stock_of("alice");

    (void) state;
    memcpy(other.key.serial, "S9", 3);
    assert_int_equal(otp_manage_account_return(&account, S1, OTP_SPAN_NONE), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_enable(&account, &alices), OTP_MANAGE_RETURNING);
    assert_int_equal(otp_manage_account_enable(&account, &bobs), OTP_MANAGE_HELD);
    assert_int_equal(otp_manage_account_enable(&account, &other), OTP_MANAGE_NO_KEY);
    assert_int_equal(account.key[0].state, OTP_KEY_DISABLED);
}


static void test_only_a_free_key_that_nobody_asks_for_is_deleted(void **state)
{
    otp_stock_t assigned = stock_of("bob"), free_key = stock_of(""), wanted = stock_of("");

    (void) state;
    memcpy(wanted.wanted, "bob", 4);
    assert_int_equal(otp_manage_stock_delete(&wanted), OTP_MANAGE_REQUESTED);
    assert_int_equal(otp_manage_stock_delete(&assigned), OTP_MANAGE_ASSIGNED);
    assert_int_equal(otp_manage_stock_delete(&free_key), OTP_MANAGE_CHANGED);
}


static void test_cleared_pin_is_kept_as_the_one_before(void **state)
{
    otp_account_t account = alice_with_key();

    (void) state;
    assert_int_equal(otp_manage_pin_clear(&account), OTP_MANAGE_CHANGED);
    assert_false(account.key[0].pin.set);
    assert_int_equal(account.key[0].pin.mac[0], 0);
    assert_true(account.key[0].pin_before.set);
    assert_int_equal(account.key[0].pin_before.mac[0], 2);
    assert_int_equal(account.pending.kind, OTP_PENDING_NONE);
    assert_int_equal(account.unknown.failures, 4);
    assert_int_equal(account.unknown.locked_until, NOW + 60);
    assert_int_equal(account.key[0].step, 200);
}


static void test_clearing_a_pin_twice_keeps_the_one_before(void **state)
{
    otp_account_t account = alice_with_key();

    (void) state;
    assert_int_equal(otp_manage_pin_clear(&account), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_pin_clear(&account), OTP_MANAGE_UNCHANGED);
    assert_true(account.key[0].pin_before.set);
    assert_int_equal(account.revision, 8);
}


static void test_clearing_a_pin_ends_a_pending_first_use(void **state)
{
    otp_account_t account = alice_with_key();

    (void) state;
    memset(&account.key[0].pin, 0, sizeof(account.key[0].pin));
    assert_int_equal(otp_manage_pin_clear(&account), OTP_MANAGE_CHANGED);
    assert_int_equal(account.pending.kind, OTP_PENDING_NONE);
}


static void test_clearing_the_pin_of_nobody_is_refused(void **state)
{
    otp_account_t account = account_of(ALICE);

    (void) state;
    assert_int_equal(otp_manage_pin_clear(&account), OTP_MANAGE_NO_KEY);
}


static void test_unlocking_forgets_failures_and_lock_and_nothing_else(void **state)
{
    otp_account_t account = alice_with_key();

    (void) state;
    assert_int_equal(otp_manage_unlock(&account), OTP_MANAGE_CHANGED);
    assert_int_equal(account.unknown.failures, 0);
    assert_int_equal(account.unknown.locked_until, 0);
    assert_int_equal(account.pending.kind, OTP_PENDING_NEXT_CODE);
    assert_true(account.key[0].pin.set);
    assert_int_equal(otp_manage_unlock(&account), OTP_MANAGE_UNCHANGED);
    assert_int_equal(account.revision, 8);
}


static void test_unlocking_forgets_all_counts(void **state)
{
    otp_account_t account = account_of(ALICE);

    (void) state;
    account.known.failures = 12;
    account.known.locked_until = NOW + 60;
    assert_int_equal(otp_manage_unlock(&account), OTP_MANAGE_CHANGED);
    assert_int_equal(account.known.failures, 0);
    assert_int_equal(account.known.locked_until, 0);
    account.unproven.failures = 100;
    account.unproven.locked_until = NOW + 60;
    assert_int_equal(otp_manage_unlock(&account), OTP_MANAGE_CHANGED);
    assert_int_equal(account.unproven.failures, 0);
    assert_int_equal(account.unproven.locked_until, 0);
    assert_int_equal(otp_manage_unlock(&account), OTP_MANAGE_UNCHANGED);
}


static void test_only_a_living_emergency_password_is_revoked(void **state)
{
    otp_account_t account = account_of(ALICE);

    (void) state;
    account.emergency = (otp_emergency_t) { .verifier = { .set = true }, .issued = NOW - 60, .expires = NOW };
    assert_int_equal(otp_manage_emergency_revoke(&account, NOW), OTP_MANAGE_NO_EMERGENCY);
    assert_int_equal(otp_manage_emergency_revoke(&account, NOW - 1), OTP_MANAGE_CHANGED);
    assert_int_equal(account.emergency.expires, 0);
    assert_false(account.emergency.verifier.set);
    assert_int_equal(otp_manage_emergency_revoke(&account, NOW - 1), OTP_MANAGE_NO_EMERGENCY);
    assert_int_equal(account.revision, 8);
}


static void test_signals_that_were_seen_are_no_more_and_their_mail_is_remembered(void **state)
{
    otp_account_t account = account_of(ALICE);

    (void) state;
    account.signal[OTP_SIGNAL_REPLAY] = (otp_signal_note_t) { .at = NOW, .count = 3, .mailed = NOW - 5 };
    assert_int_equal(otp_manage_signals_seen(&account, NULL), OTP_MANAGE_CHANGED);
    assert_int_equal(account.signal[OTP_SIGNAL_REPLAY].at, 0);
    assert_int_equal(account.signal[OTP_SIGNAL_REPLAY].count, 0);
    assert_int_equal(account.signal[OTP_SIGNAL_REPLAY].mailed, NOW - 5);
    assert_int_equal(otp_manage_signals_seen(&account, NULL), OTP_MANAGE_UNCHANGED);
}


static void test_person_waits_for_one_key_at_a_time(void **state)
{
    otp_account_t account = account_of(ALICE);

    (void) state;
    assert_int_equal(otp_manage_account_request(&account, S1, OTP_SPAN_NONE, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(account.request.state, OTP_ACTIVATION_WAITING);
    assert_string_equal(account.request.serial, "S1");
    assert_int_equal(account.request.at, NOW);
    assert_int_equal(otp_manage_account_request(&account, S1, OTP_SPAN_NONE, NOW), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_account_request(&account, OTP_SPAN("S2"), OTP_SPAN_NONE, NOW), OTP_MANAGE_REQUESTED);
    assert_int_equal(otp_manage_account_request(&account, OTP_SPAN("S2"), OTP_SPAN("S3"), NOW), OTP_MANAGE_REQUESTED);
    assert_int_equal(otp_manage_account_request(&account, OTP_SPAN("S2"), S1, NOW), OTP_MANAGE_CHANGED);
    assert_string_equal(account.request.serial, "S2");
}


static void test_key_that_one_has_and_one_too_many_are_not_requested(void **state)
{
    otp_account_t held = alice_with_key(), full = account_of(ALICE);

    (void) state;
    fill(&full);
    assert_int_equal(otp_manage_account_request(&held, S1, OTP_SPAN_NONE, NOW), OTP_MANAGE_HELD);
    assert_int_equal(otp_manage_account_request(&full, S1, OTP_SPAN_NONE, NOW), OTP_MANAGE_FULL);
}


static void test_wanted_key_spends_the_code_that_was_shown(void **state)
{
    otp_stock_t stock = stock_of("");

    (void) state;
    assert_int_equal(otp_manage_stock_want(&stock, ALICE, 100, NOW), OTP_MANAGE_MISFIT);
    assert_int_equal(otp_manage_stock_want(&stock, ALICE, 101, NOW), OTP_MANAGE_CHANGED);
    assert_string_equal(stock.wanted, "alice");
    assert_int_equal(stock.key.step, 101);
    assert_int_equal(stock.wanted_at, NOW);
    assert_int_equal(otp_manage_stock_want(&stock, BOB, 102, NOW), OTP_MANAGE_HELD);
    assert_int_equal(otp_manage_stock_want(&stock, ALICE, 102, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(stock.wanted_at, NOW + 1);
}


static void test_key_that_is_held_or_disabled_is_not_wanted(void **state)
{
    otp_stock_t held = stock_of("bob"), disabled = stock_of("");

    (void) state;
    disabled.key.state = OTP_KEY_DISABLED;
    assert_int_equal(otp_manage_stock_want(&held, ALICE, 101, NOW), OTP_MANAGE_HELD);
    assert_int_equal(otp_manage_stock_want(&disabled, ALICE, 101, NOW), OTP_MANAGE_DISABLED);
    assert_int_equal(held.key.step, 100);
    assert_int_equal(disabled.key.step, 100);
}


static void test_only_the_request_that_was_looked_at_ends(void **state)
{
    otp_stock_t stock = stock_of("");

    (void) state;
    assert_int_equal(otp_manage_stock_want(&stock, ALICE, 101, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_unwant(&stock, BOB, NOW), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_stock_unwant(&stock, ALICE, NOW - 1), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_stock_unwant(&stock, ALICE, NOW), OTP_MANAGE_CHANGED);
    assert_string_equal(stock.wanted, "");
    assert_int_equal(otp_manage_stock_unwant(&stock, ALICE, NOW), OTP_MANAGE_UNCHANGED);
}


static void test_rejection_needs_a_request_and_a_reason_and_is_remembered(void **state)
{
    otp_account_t account = account_of(ALICE);
    char          longest[OTP_REASON_LEN + 1];

    (void) state;
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(otp_manage_account_reject(&account, S1, OTP_SPAN("no"), NOW), OTP_MANAGE_NO_REQUEST);
    assert_int_equal(otp_manage_account_request(&account, S1, OTP_SPAN_NONE, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_reject(&account, S1, OTP_SPAN(""), NOW), OTP_MANAGE_REASON);
    assert_int_equal(otp_manage_account_reject(&account, S1, (otp_span_t) { longest, sizeof(longest) }, NOW),
                     OTP_MANAGE_REASON);
    assert_int_equal(otp_manage_account_reject(&account, OTP_SPAN("S2"), OTP_SPAN("no"), NOW), OTP_MANAGE_NO_REQUEST);
    assert_int_equal(otp_manage_account_reject(&account, S1, OTP_SPAN("not yours"), NOW + 9), OTP_MANAGE_CHANGED);
    assert_int_equal(account.request.state, OTP_ACTIVATION_REJECTED);
    assert_string_equal(account.request.reason, "not yours");
    assert_int_equal(account.request.at, NOW + 9);
    assert_int_equal(otp_manage_account_reject(&account, S1, OTP_SPAN("again"), NOW), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_account_withdraw(&account, S1), OTP_MANAGE_UNCHANGED);
    assert_int_equal(otp_manage_account_request(&account, OTP_SPAN("S2"), OTP_SPAN_NONE, NOW), OTP_MANAGE_CHANGED);
    assert_string_equal(account.request.reason, "");
    assert_int_equal(otp_manage_account_withdraw(&account, OTP_SPAN("S2")), OTP_MANAGE_CHANGED);
    assert_int_equal(account.request.state, OTP_ACTIVATION_NONE);
}


static void test_given_key_fulfils_the_request_for_it_and_no_other(void **state)
{
    otp_stock_t   stock = stock_of("");
    otp_account_t account = account_of(ALICE), other = account_of(ALICE);

    (void) state;
    assert_int_equal(otp_manage_account_request(&account, S1, OTP_SPAN_NONE, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_request(&other, OTP_SPAN("S2"), OTP_SPAN_NONE, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_expect(&account, &stock, H1), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_expect(&other, &stock, H1), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_stock_take(&stock, ALICE, OTP_SPAN_NONE, H1, NOW), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_give(&account, &stock), OTP_MANAGE_CHANGED);
    assert_int_equal(otp_manage_account_give(&other, &stock), OTP_MANAGE_CHANGED);
    assert_int_equal(account.request.state, OTP_ACTIVATION_NONE);
    assert_int_equal(other.request.state, OTP_ACTIVATION_WAITING);
}


static otp_session_t session_with(bool password_proven)
{
    return (otp_session_t) {
        .person = { .uid = ALICE }, .level = OTP_LEVEL_OTP, .method = OTP_AUTH_KEY, .password_proven = password_proven,
        .created = NOW - 100, .auth_time = NOW - 100, .otp_time = NOW - 50, .expires = NOW + 1000, .serial = S1
    };
}


static void test_session_with_password_goes_down_to_it(void **state)
{
    otp_session_t session = session_with(true);

    (void) state;
    assert_int_equal(otp_manage_session(&session, S1), OTP_MANAGE_SESSION_LOWERED);
    assert_int_equal(session.level, OTP_LEVEL_PASSWORD);
    assert_int_equal(session.method, OTP_AUTH_PASSWORD);
    assert_int_equal(session.serial.len, 0);
    assert_int_equal(session.otp_time, 0);
    assert_int_equal(session.auth_time, NOW - 100);
    assert_int_equal(session.expires, NOW + 1000);
}


static void test_session_by_the_key_alone_is_ended(void **state)
{
    otp_session_t session = session_with(false);

    (void) state;
    assert_int_equal(otp_manage_session(&session, S1), OTP_MANAGE_SESSION_ENDED);
}


static void test_session_of_another_key_or_of_none_is_kept(void **state)
{
    otp_session_t other = session_with(true), none = session_with(true);

    (void) state;
    none.serial = OTP_SPAN_NONE;
    assert_int_equal(otp_manage_session(&other, OTP_SPAN("S2")), OTP_MANAGE_SESSION_KEPT);
    assert_int_equal(otp_manage_session(&none, OTP_SPAN_NONE), OTP_MANAGE_SESSION_KEPT);
    assert_int_equal(other.level, OTP_LEVEL_OTP);
}


static void test_session_by_emergency_password_ends_with_it_and_no_other(void **state)
{
    otp_session_t session = session_with(true);

    (void) state;
    assert_int_equal(otp_manage_session_emergency(&session), OTP_MANAGE_SESSION_KEPT);
    session.method = OTP_AUTH_EMERGENCY;
    assert_int_equal(otp_manage_session_emergency(&session), OTP_MANAGE_SESSION_ENDED);
}


static void test_every_answer_has_a_name_and_a_text(void **state)
{
    (void) state;
    for (int i = OTP_MANAGE_CHANGED; i <= OTP_MANAGE_UNAVAILABLE; i++) {
        assert_true(strlen(otp_managed_name((otp_managed_t) i)) > 1);
        assert_true(strlen(otp_managed_text((otp_managed_t) i)) > 3);
        assert_int_equal(otp_managed_refused((otp_managed_t) i), i > OTP_MANAGE_UNCHANGED);
    }
}


/* Two people, one key, every order of whole and cut-off actions: never usable in two accounts. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}


static void unassign_part(otp_stock_t *stock, otp_account_t *account, uint32_t writes)
{
    otp_span_t       uid = otp_span_of(account->uid);
    otp_stock_t      read = *stock;
    otp_span_t       holding = otp_span_of(read.key.holding);
    const otp_key_t *copy;

    if (!otp_span_equal(otp_span_of(stock->uid), uid)) {
        return;
    }
    (void) !otp_manage_account_return(account, S1, holding);
    copy = otp_manage_account_leaving(account, S1, holding);
    if (writes > 1 && copy) {
        assert_false(otp_managed_refused(otp_manage_stock_learn(stock, uid, holding, copy)));
    }
    if (writes > 2) {
        assert_false(otp_managed_refused(otp_manage_account_drop(account, S1, holding)));
    }
    if (writes > 3) {
        assert_false(otp_managed_refused(otp_manage_stock_release(stock, uid, holding)));
    }
}


static void assign_part(otp_stock_t *stock, otp_account_t *account, uint32_t writes, uint32_t token)
{
    otp_stock_t read = *stock;
    char       text[OTP_HOLDING_LEN + 1] = { 'h', (char) ('a' + token % 26), (char) ('a' + token / 26 % 26) };
    otp_span_t holding = otp_span_of(text);

    if (otp_manage_account_expect(account, stock, holding) != OTP_MANAGE_CHANGED) {
        return;
    }
    if (writes > 1 && !otp_managed_refused(otp_manage_stock_take(stock, otp_span_of(account->uid),
                                                                 otp_span_of(read.key.holding), holding, NOW))
        && writes > 2)
    {
        assert_int_equal(otp_manage_account_give(account, stock), OTP_MANAGE_CHANGED);
    }
}


static void test_key_is_never_usable_for_two_and_its_step_never_goes_back(void **state)
{
    uint32_t seed = 1;

    (void) state;
    for (int history = 0; history < 2000; history++) {
        otp_stock_t   stock = stock_of("");
        otp_account_t account[2] = { account_of(ALICE), account_of(BOB) };
        int64_t       accepted = 100;

        for (int i = 0; i < 30; i++) {
            otp_account_t *one = &account[next_random(&seed) % 2];
            otp_key_t     *copy = otp_account_key(one, S1);

            switch (next_random(&seed) % 3) {
            case 0:
                assign_part(&stock, one, 1 + next_random(&seed) % 3, next_random(&seed));
                break;
            case 1:
                unassign_part(&stock, one, 1 + next_random(&seed) % 4);
                break;
            default:
                if (copy && copy->state == OTP_KEY_USABLE) {
                    assert_true(copy->step >= accepted);
                    copy->step = ++accepted;
                }
            }
            otp_key_t *a = otp_account_key(&account[0], S1), *b = otp_account_key(&account[1], S1);

            assert_false(a && b && a->state == OTP_KEY_USABLE && b->state == OTP_KEY_USABLE);
        }
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_key_is_taken_for_the_person),
        cmocka_unit_test(test_key_of_somebody_else_is_not_taken),
        cmocka_unit_test(test_key_assigned_to_the_same_person_otherwise_is_not_taken_over),
        cmocka_unit_test(test_key_that_somebody_else_asks_for_is_not_taken),
        cmocka_unit_test(test_disabled_key_is_not_taken),
        cmocka_unit_test(test_account_expects_the_key_useless_with_its_step_and_drift_and_without_pin),
        cmocka_unit_test(test_key_of_another_person_is_neither_expected_nor_given),
        cmocka_unit_test(test_full_account_gets_no_further_key),
        cmocka_unit_test(test_only_the_copy_of_this_assignment_becomes_usable),
        cmocka_unit_test(test_key_disabled_while_it_arrives_is_not_given_usable),
        cmocka_unit_test(test_key_of_the_stock_disabled_while_it_arrives_is_not_given_usable),
        cmocka_unit_test(test_key_disabled_while_it_arrives_has_to_arrive_again_once_it_is_enabled),
        cmocka_unit_test(test_copy_that_arrives_serves_whoever_assigns_it_to_the_same_person),
        cmocka_unit_test(test_copy_that_arrived_long_ago_becomes_what_the_stock_says),
        cmocka_unit_test(test_key_given_twice_keeps_pin_and_step),
        cmocka_unit_test(test_copy_never_stays_behind_the_stock),
        cmocka_unit_test(test_only_a_copy_that_never_arrived_serves_again),
        cmocka_unit_test(test_key_being_returned_is_not_given_again),
        cmocka_unit_test(test_forgone_key_leaves_the_account_and_a_given_one_stays),
        cmocka_unit_test(test_key_that_is_not_taken_after_all_is_still_asked_for),
        cmocka_unit_test(test_returning_disables_the_copy_and_its_pending_state),
        cmocka_unit_test(test_returning_keeps_why_a_key_was_disabled),
        cmocka_unit_test(test_key_disabled_on_its_way_back_stays_on_its_way),
        cmocka_unit_test(test_returning_what_the_account_has_not_is_refused),
        cmocka_unit_test(test_returning_ends_a_request_for_the_key_and_an_arrival),
        cmocka_unit_test(test_stock_learns_step_and_drift_of_the_returned_copy),
        cmocka_unit_test(test_stock_keeps_a_later_step_than_the_copy_has),
        cmocka_unit_test(test_key_that_changed_hands_neither_learns_nor_is_released),
        cmocka_unit_test(test_released_key_is_nobodys_and_nobody_asks_for_it),
        cmocka_unit_test(test_dropping_removes_the_copy_and_moves_up_the_others),
        cmocka_unit_test(test_dropping_leaves_a_copy_that_is_not_on_its_way_back),
        cmocka_unit_test(test_stock_learns_what_a_copy_it_does_not_know_of_has_used_up),
        cmocka_unit_test(test_key_is_disabled_when_it_has_a_reason_and_nobody_enables_it),
        cmocka_unit_test(test_disabling_takes_a_known_reason_only),
        cmocka_unit_test(test_disabling_clears_the_pending_state_and_keeps_pin_and_failures),
        cmocka_unit_test(test_disabling_for_another_reason_replaces_the_reason),
        cmocka_unit_test(test_enabling_makes_both_records_usable_without_a_reason),
        cmocka_unit_test(test_restored_key_is_useless_until_it_was_resynced),
        cmocka_unit_test(test_enabling_takes_over_a_later_step_of_the_stock),
        cmocka_unit_test(test_key_disabled_after_enabling_began_stays_disabled),
        cmocka_unit_test(test_copy_of_another_assignment_is_not_enabled),
        cmocka_unit_test(test_enabling_a_returning_or_foreign_copy_is_refused),
        cmocka_unit_test(test_only_a_free_key_that_nobody_asks_for_is_deleted),
        cmocka_unit_test(test_cleared_pin_is_kept_as_the_one_before),
        cmocka_unit_test(test_clearing_a_pin_twice_keeps_the_one_before),
        cmocka_unit_test(test_clearing_a_pin_ends_a_pending_first_use),
        cmocka_unit_test(test_clearing_the_pin_of_nobody_is_refused),
        cmocka_unit_test(test_unlocking_forgets_failures_and_lock_and_nothing_else),
        cmocka_unit_test(test_unlocking_forgets_all_counts),
        cmocka_unit_test(test_only_a_living_emergency_password_is_revoked),
        cmocka_unit_test(test_signals_that_were_seen_are_no_more_and_their_mail_is_remembered),
        cmocka_unit_test(test_person_waits_for_one_key_at_a_time),
        cmocka_unit_test(test_key_that_one_has_and_one_too_many_are_not_requested),
        cmocka_unit_test(test_wanted_key_spends_the_code_that_was_shown),
        cmocka_unit_test(test_key_that_is_held_or_disabled_is_not_wanted),
        cmocka_unit_test(test_only_the_request_that_was_looked_at_ends),
        cmocka_unit_test(test_rejection_needs_a_request_and_a_reason_and_is_remembered),
        cmocka_unit_test(test_given_key_fulfils_the_request_for_it_and_no_other),
        cmocka_unit_test(test_session_with_password_goes_down_to_it),
        cmocka_unit_test(test_session_by_the_key_alone_is_ended),
        cmocka_unit_test(test_session_of_another_key_or_of_none_is_kept),
        cmocka_unit_test(test_session_by_emergency_password_ends_with_it_and_no_other),
        cmocka_unit_test(test_every_answer_has_a_name_and_a_text),
        cmocka_unit_test(test_key_is_never_usable_for_two_and_its_step_never_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
