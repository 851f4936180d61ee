#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "otpctl/otpctl_reunite.h"


static otp_key_t key(const char *serial, const char *holding, int64_t step)
{
    otp_key_t made = { .step = step, .state = OTP_KEY_USABLE };

    (void) snprintf(made.serial, sizeof(made.serial), "%s", serial);
    (void) snprintf(made.holding, sizeof(made.holding), "%s", holding);
    return made;
}


static otp_stock_t stock(const char *uid, otp_key_t of)
{
    otp_stock_t made = { .key = of };

    (void) snprintf(made.uid, sizeof(made.uid), "%s", uid);
    return made;
}


static otp_account_t account(const char *uid, otp_key_t one)
{
    otp_account_t made;

    otp_account_init(&made, otp_span_of(uid));
    made.key[made.keys++] = one;
    return made;
}


static void test_copy_of_another_assignment_goes(void **state)
{
    otpctl_union_t all = { .keys = 0 };
    otp_stock_t    held = stock("alice", key("1", "new", 3)), nobodys = stock("", key("2", "", 0));
    otp_account_t  alice = account("alice", key("1", "old", 3)), bob = account("bob", key("1", "new", 3));
    otp_account_t  carol = account("carol", key("2", "", 0)), dave = account("dave", key("3", "x", 0));

    (void) state;
    assert_true(otpctl_union_stock(&all, &held, OTPCTL_STORED_STOCK));
    assert_true(otpctl_union_stock(&all, &nobodys, OTPCTL_FILED_STOCK));
    otpctl_union_settle(&all);
    assert_int_equal(otpctl_union_apply(&all, &alice), 1);
    assert_int_equal(alice.keys, 0);
    assert_int_equal(otpctl_union_apply(&all, &bob), 1);
    assert_int_equal(otpctl_union_apply(&all, &carol), 1);
    assert_int_equal(otpctl_union_apply(&all, &dave), 1);
    alice = account("alice", key("1", "new", 3));
    assert_int_equal(otpctl_union_apply(&all, &alice), 0);
    assert_string_equal(alice.key[0].serial, "1");
    otpctl_union_free(&all);
}


static void test_what_is_stored_tells_whose_the_key_is_before_the_file_does(void **state)
{
    otpctl_union_t all = { .keys = 0 };
    otp_stock_t    filed = stock("alice", key("1", "old", 0)), stored = stock("bob", key("1", "new", 0));
    otp_account_t  alice = account("alice", key("1", "old", 0)), bob = account("bob", key("1", "new", 0));

    (void) state;
    assert_true(otpctl_union_stock(&all, &filed, OTPCTL_FILED_STOCK));
    assert_true(otpctl_union_stock(&all, &stored, OTPCTL_STORED_STOCK));
    otpctl_union_settle(&all);
    assert_int_equal(otpctl_union_apply(&all, &alice), 1);
    assert_int_equal(otpctl_union_apply(&all, &bob), 0);
    otpctl_union_free(&all);
}


static void test_step_is_the_furthest_of_stock_and_every_copy(void **state)
{
    otpctl_union_t all = { .keys = 0 };
    otp_stock_t    filed = stock("alice", key("1", "a", 4));
    otp_account_t  alice = account("alice", key("1", "a", 2)), bob = account("bob", key("1", "b", 9));
    otp_stock_t    other = stock("", key("2", "", 1)), free_one = stock("", key("3", "", 2));
    otp_account_t  carol = account("carol", key("3", "c", 6));

    (void) state;
    assert_true(otpctl_union_stock(&all, &filed, OTPCTL_FILED_STOCK));
    assert_true(otpctl_union_stock(&all, &free_one, OTPCTL_FILED_STOCK));
    assert_true(otpctl_union_account(&all, &carol, OTPCTL_COPY));
    assert_true(otpctl_union_account(&all, &alice, OTPCTL_COPY));
    assert_true(otpctl_union_account(&all, &bob, OTPCTL_COPY));
    otpctl_union_settle(&all);
    assert_int_equal(otpctl_union_apply(&all, &alice), 0);
    assert_int_equal(alice.key[0].step, 9);
    assert_true(otpctl_union_raise_stock(&all, &free_one));
    assert_int_equal(free_one.key.step, 6);
    assert_false(otpctl_union_raise_stock(&all, &filed));
    assert_int_equal(filed.key.step, 4);
    assert_false(otpctl_union_raise_stock(&all, &other));
    assert_int_equal(other.key.step, 1);
    otpctl_union_free(&all);
}


static void test_copy_is_not_more_usable_than_the_stock(void **state)
{
    otpctl_union_t all = { .keys = 0 };
    otp_stock_t    stored = stock("alice", key("1", "a", 0));
    otp_account_t  alice = account("alice", key("1", "a", 0));

    (void) state;
    stored.key.state = OTP_KEY_DISABLED;
    (void) snprintf(stored.key.reason, sizeof(stored.key.reason), "stolen");
    assert_true(otpctl_union_stock(&all, &stored, OTPCTL_STORED_STOCK));
    otpctl_union_settle(&all);
    assert_int_equal(otpctl_union_apply(&all, &alice), 0);
    assert_int_equal(alice.key[0].state, OTP_KEY_DISABLED);
    assert_string_equal(alice.key[0].reason, "stolen");
    otpctl_union_free(&all);
}


static void test_remaining_copies_close_ranks(void **state)
{
    otpctl_union_t all = { .keys = 0 };
    otp_stock_t    second = stock("alice", key("2", "b", 0));
    otp_account_t  alice = account("alice", key("1", "a", 0));

    (void) state;
    alice.key[alice.keys++] = key("2", "b", 5);
    assert_true(otpctl_union_stock(&all, &second, OTPCTL_STORED_STOCK));
    otpctl_union_settle(&all);
    assert_int_equal(otpctl_union_apply(&all, &alice), 1);
    assert_int_equal(alice.keys, 1);
    assert_string_equal(alice.key[0].serial, "2");
    assert_string_equal(alice.key[1].serial, "");
    otpctl_union_free(&all);
}


static void test_nothing_united_leaves_nothing(void **state)
{
    otpctl_union_t all = { .keys = 0 };
    otp_account_t  alice = account("alice", key("1", "a", 0));

    (void) state;
    otpctl_union_settle(&all);
    assert_int_equal(otpctl_union_apply(&all, &alice), 1);
    otpctl_union_free(&all);
}


static void test_stored_copy_tells_whose_the_key_is_where_the_stock_was_lost(void **state)
{
    otpctl_union_t all = { .keys = 0 };
    otp_stock_t    filed = stock("alice", key("1", "old", 5));
    otp_account_t  alice = account("alice", key("1", "old", 2)), bob = account("bob", key("1", "new", 9));

    (void) state;
    bob.key[0].assigned = 77;
    (void) snprintf(filed.wanted, sizeof(filed.wanted), "carol");
    assert_true(otpctl_union_account(&all, &bob, OTPCTL_STORED_COPY));
    assert_true(otpctl_union_stock(&all, &filed, OTPCTL_FILED_STOCK));
    assert_true(otpctl_union_account(&all, &alice, OTPCTL_COPY));
    otpctl_union_settle(&all);
    assert_int_equal(otpctl_union_apply(&all, &alice), 1);
    assert_true(otpctl_union_fit(&all, &filed));
    assert_string_equal(filed.uid, "bob");
    assert_string_equal(filed.key.holding, "new");
    assert_int_equal(filed.key.assigned, 77);
    assert_string_equal(filed.wanted, "");
    assert_false(otpctl_union_raise_stock(&all, &filed));
    assert_true(otpctl_union_counted(&all, &filed.key));
    otpctl_union_free(&all);
}


static void test_stored_copy_that_arrives_or_leaves_tells_nothing(void **state)
{
    static const char *const ways[] = { "arriving", "arriving:lost", "returned", "returned:stolen" };

    (void) state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        otpctl_union_t all = { .keys = 0 };
        otp_stock_t    filed = stock("alice", key("1", "old", 5));
        otp_account_t  alice = account("alice", key("1", "old", 2)), bob = account("bob", key("1", "new", 9));

        bob.key[0].state = OTP_KEY_DISABLED;
        (void) snprintf(bob.key[0].reason, sizeof(bob.key[0].reason), "%s", ways[i]);
        assert_true(otpctl_union_account(&all, &bob, OTPCTL_STORED_COPY));
        assert_true(otpctl_union_stock(&all, &filed, OTPCTL_FILED_STOCK));
        otpctl_union_settle(&all);
        assert_int_equal(otpctl_union_apply(&all, &alice), 0);
        assert_int_equal(alice.key[0].step, 9);
        assert_true(otpctl_union_fit(&all, &filed));
        assert_string_equal(filed.uid, "alice");
        assert_false(otpctl_union_counted(&all, &filed.key));
        otpctl_union_free(&all);
    }
}


static void test_key_that_two_people_have_already_fits_nothing(void **state)
{
    otpctl_union_t all = { .keys = 0 };
    otp_stock_t    filed = stock("alice", key("1", "old", 5));
    otp_account_t  alice = account("alice", key("1", "old", 2)), bob = account("bob", key("1", "new", 9));

    (void) state;
    assert_true(otpctl_union_account(&all, &bob, OTPCTL_STORED_COPY));
    assert_true(otpctl_union_account(&all, &alice, OTPCTL_STORED_COPY));
    assert_true(otpctl_union_stock(&all, &filed, OTPCTL_FILED_STOCK));
    otpctl_union_settle(&all);
    assert_false(otpctl_union_fit(&all, &filed));
    otpctl_union_free(&all);
}


static void test_what_is_stored_is_raised_and_never_lowered(void **state)
{
    otpctl_union_t all = { .keys = 0 };
    otp_stock_t    stored = stock("", key("1", "", 2)), filed = stock("alice", key("1", "a", 2));
    otp_account_t  alice = account("alice", key("1", "a", 7)), bob = account("bob", key("1", "b", 3));
    int64_t        revision = bob.revision;

    (void) state;
    assert_true(otpctl_union_stock(&all, &stored, OTPCTL_STORED_STOCK));
    assert_true(otpctl_union_stock(&all, &filed, OTPCTL_FILED_STOCK));
    assert_true(otpctl_union_account(&all, &alice, OTPCTL_COPY));
    assert_true(otpctl_union_account(&all, &bob, OTPCTL_STORED_COPY));
    otpctl_union_settle(&all);
    assert_true(otpctl_union_raise_stock(&all, &stored));
    assert_int_equal(stored.key.step, 7);
    assert_false(otpctl_union_raise_stock(&all, &stored));
    assert_true(otpctl_union_raise_account(&all, &bob));
    assert_int_equal(bob.key[0].step, 7);
    assert_int_equal(bob.revision, revision + 1);
    bob.key[0].step = 8;
    assert_false(otpctl_union_raise_account(&all, &bob));
    assert_int_equal(bob.key[0].step, 8);
    otpctl_union_free(&all);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_of_another_assignment_goes),
        cmocka_unit_test(test_what_is_stored_tells_whose_the_key_is_before_the_file_does),
        cmocka_unit_test(test_step_is_the_furthest_of_stock_and_every_copy),
        cmocka_unit_test(test_copy_is_not_more_usable_than_the_stock),
        cmocka_unit_test(test_remaining_copies_close_ranks),
        cmocka_unit_test(test_nothing_united_leaves_nothing),
        cmocka_unit_test(test_stored_copy_tells_whose_the_key_is_where_the_stock_was_lost),
        cmocka_unit_test(test_stored_copy_that_arrives_or_leaves_tells_nothing),
        cmocka_unit_test(test_key_that_two_people_have_already_fits_nothing),
        cmocka_unit_test(test_what_is_stored_is_raised_and_never_lowered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
