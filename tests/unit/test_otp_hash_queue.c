#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/decide/otp_hash_queue.h"

#define PLACES  64
#define WAIT    4000

static otp_hash_queue_t queue;
static size_t           place;
static int64_t          now;


static int open_queue(void **state)
{
    (void) state;
    memset(&queue, 0, sizeof(queue));
    place = OTP_HASH_PLACES;
    now = 1000;
    return 0;
}


static otp_hash_verdict_t enter(const char *account, const char *address, bool known)
{
    otp_hash_asker_t asker = { otp_span_of(account), otp_span_of(address), known };

    return otp_hash_queue_enter(&queue, PLACES, WAIT, &asker, now, &place);
}


/* `number` makes an account and an address nobody else has. */
static otp_hash_verdict_t stranger(unsigned number)
{
    char account[32], address[32];

    (void) snprintf(account, sizeof(account), "account %u", number);
    (void) snprintf(address, sizeof(address), "2001:db8:0:%x/64", number);

    return enter(account, address, false);
}


static otp_hash_verdict_t owner(unsigned number)
{
    char account[32];

    (void) snprintf(account, sizeof(account), "owner %u", number);

    return enter(account, "192.0.2.1", true);
}


/* Strangers that get in one after the other, at most `most`. */
static unsigned strangers_admitted(unsigned most)
{
    for (unsigned i = 0; i < most; i++) {
        if (stranger(i) != OTP_HASH_ADMITTED) {
            return i;
        }
    }

    return most;
}


/* The queue is full of work whose hashes come every `gap_ms`, until that is known. */
static void teach(int64_t gap_ms)
{
    for (unsigned i = 0; i < 100; i++) {
        size_t first, second;

        assert_int_equal(enter("", "", true), OTP_HASH_ADMITTED);
        first = place;
        assert_int_equal(enter("", "", true), OTP_HASH_ADMITTED);
        second = place;
        now += gap_ms;
        otp_hash_queue_leave(&queue, first, true, now);
        otp_hash_queue_leave(&queue, second, false, now);
    }
    assert_int_equal(queue.taken, 0);
}


static void test_account_holds_two_places_whatever_its_addresses(void **state)
{
    (void) state;
    assert_int_equal(enter("marie", "192.0.2.1", false), OTP_HASH_ADMITTED);
    assert_int_equal(enter("marie", "192.0.2.2", false), OTP_HASH_ADMITTED);
    assert_int_equal(enter("marie", "192.0.2.3", false), OTP_HASH_ACCOUNT_FULL);
    assert_int_equal(enter("marie", "192.0.2.3", true), OTP_HASH_ACCOUNT_FULL);
    assert_int_equal(enter("marie-2", "192.0.2.3", false), OTP_HASH_ADMITTED);
    assert_int_equal(enter("mari", "192.0.2.3", false), OTP_HASH_ADMITTED);
    assert_int_equal(queue.taken, 4);
}


static void test_account_that_is_full_leaves_room_for_others(void **state)
{
    (void) state;
    for (int i = 0; i < 1000; i++) {
        (void) enter("marie", "192.0.2.1", false);
    }
    assert_int_equal(queue.taken, OTP_HASH_ACCOUNT);
    assert_int_equal(strangers_admitted(PLACES), PLACES * 3 / 4 - OTP_HASH_ACCOUNT);
}


static void test_place_that_is_left_is_the_next_ones(void **state)
{
    size_t first;

    (void) state;
    assert_int_equal(enter("marie", "192.0.2.1", false), OTP_HASH_ADMITTED);
    first = place;
    assert_int_equal(enter("marie", "192.0.2.1", false), OTP_HASH_ADMITTED);
    assert_int_not_equal(place, first);
    otp_hash_queue_leave(&queue, first, true, now);
    assert_int_equal(enter("marie", "192.0.2.1", false), OTP_HASH_ADMITTED);
    assert_int_equal(place, first);
    assert_int_equal(enter("marie", "192.0.2.1", false), OTP_HASH_ACCOUNT_FULL);
}


static void test_refusal_takes_no_place(void **state)
{
    (void) state;
    assert_int_equal(enter("marie", "192.0.2.1", false), OTP_HASH_ADMITTED);
    assert_int_equal(enter("marie", "192.0.2.1", false), OTP_HASH_ADMITTED);
    place = 77;
    assert_int_equal(enter("marie", "192.0.2.1", false), OTP_HASH_ACCOUNT_FULL);
    assert_int_equal(place, 77);
    assert_int_equal(queue.taken, 2);
}


static void test_address_holds_half_of_the_room_whatever_names_it_invents(void **state)
{
    char account[32];

    (void) state;
    for (unsigned i = 0; i < 1000; i++) {
        (void) snprintf(account, sizeof(account), "invented %u", i);
        assert_int_equal(enter(account, "192.0.2.1", false),
                         i < PLACES / 2 ? OTP_HASH_ADMITTED : OTP_HASH_ADDRESS_FULL);
    }
    assert_int_equal(queue.taken, PLACES / 2);
    assert_int_equal(enter("marie", "192.0.2.2", false), OTP_HASH_ADMITTED);
}


static void test_browser_the_person_has_used_counts_for_no_address(void **state)
{
    (void) state;
    for (unsigned i = 0; i < PLACES; i++) {
        assert_int_equal(owner(i), OTP_HASH_ADMITTED);
    }
    assert_int_equal(owner(PLACES), OTP_HASH_FULL);

    (void) open_queue(state);
    assert_int_equal(owner(1), OTP_HASH_ADMITTED);
    for (unsigned i = 0; i < PLACES / 2; i++) {
        char account[32];

        (void) snprintf(account, sizeof(account), "invented %u", i);
        assert_int_equal(enter(account, "192.0.2.1", false), OTP_HASH_ADMITTED);
    }
    assert_int_equal(enter("one more", "192.0.2.1", false), OTP_HASH_ADDRESS_FULL);
    assert_int_equal(owner(2), OTP_HASH_ADMITTED);
}


static void test_strangers_leave_a_quarter_to_browsers_people_have_used(void **state)
{
    (void) state;
    assert_int_equal(strangers_admitted(1000), PLACES * 3 / 4);
    assert_int_equal(stranger(5000), OTP_HASH_FULL);
    for (unsigned i = 0; i < PLACES / 4; i++) {
        assert_int_equal(owner(i), OTP_HASH_ADMITTED);
    }
    assert_int_equal(owner(PLACES), OTP_HASH_FULL);
}


static void test_slow_hashes_make_the_room_smaller(void **state)
{
    (void) state;
    teach(100);
    assert_int_equal(strangers_admitted(1000), 15);     /* 2 s of it are 20 hashes, three quarters for strangers */
    assert_int_equal(otp_hash_queue_wait_ms(&queue), 1500);
    assert_int_equal(enter("marie", "2001:db8:0:0/64", false), OTP_HASH_FULL);
}


static void test_shares_are_of_what_there_is_room_for(void **state)
{
    char     account[32];
    unsigned i;

    (void) state;
    teach(100);
    for (i = 0; i < 1000; i++) {
        (void) snprintf(account, sizeof(account), "invented %u", i);
        if (enter(account, "192.0.2.1", false) != OTP_HASH_ADMITTED) {
            break;
        }
    }
    assert_int_equal(i, 10);
    assert_int_equal(stranger(1), OTP_HASH_ADMITTED);
}


static void test_quick_hashes_do_not_make_the_room_larger_than_configured(void **state)
{
    (void) state;
    teach(1);
    assert_int_equal(strangers_admitted(1000), PLACES * 3 / 4);
}


static void test_somebody_gets_in_however_slow_hashes_are(void **state)
{
    (void) state;
    teach(60000);
    assert_int_equal(strangers_admitted(1000), 3);
    assert_int_equal(owner(1), OTP_HASH_ADMITTED);
    assert_int_equal(owner(2), OTP_HASH_FULL);
}


static void test_queue_of_one_place_admits_one(void **state)
{
    otp_hash_asker_t asker = { OTP_SPAN("marie"), OTP_SPAN("192.0.2.1"), false };

    (void) state;
    assert_int_equal(otp_hash_queue_enter(&queue, 1, WAIT, &asker, now, &place), OTP_HASH_ADMITTED);
    asker.account = OTP_SPAN("paul");
    asker.address = OTP_SPAN("192.0.2.2");
    assert_int_equal(otp_hash_queue_enter(&queue, 1, WAIT, &asker, now, &place), OTP_HASH_FULL);
    otp_hash_queue_leave(&queue, place, true, now);
    assert_int_equal(otp_hash_queue_enter(&queue, 1, WAIT, &asker, now, &place), OTP_HASH_ADMITTED);
}


static void test_more_places_than_the_table_has_are_as_many_as_it_has(void **state)
{
    (void) state;
    for (unsigned i = 0; i < OTP_HASH_PLACES; i++) {
        char             account[32];
        otp_hash_asker_t asker = { OTP_SPAN_NONE, OTP_SPAN_NONE, true };

        (void) snprintf(account, sizeof(account), "account %u", i);
        asker.account = otp_span_of(account);
        assert_int_equal(otp_hash_queue_enter(&queue, 10 * OTP_HASH_PLACES, WAIT, &asker, now, &place),
                         OTP_HASH_ADMITTED);
        assert_true(place < OTP_HASH_PLACES);
    }
    assert_int_equal(owner(1), OTP_HASH_FULL);
}


static void test_who_is_alone_does_not_tell_how_quick_the_threads_are(void **state)
{
    (void) state;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(owner(i), OTP_HASH_ADMITTED);
        now += 500;
        otp_hash_queue_leave(&queue, place, true, now);
    }
    assert_int_equal(queue.pace_us, 0);
}


static void test_time_without_work_is_not_taken_for_slowness(void **state)
{
    (void) state;
    teach(20);
    now += 3600 * 1000;
    teach(20);
    assert_in_range(queue.pace_us, 18000, 20000);
}


static void test_one_stall_is_forgotten(void **state)
{
    (void) state;
    teach(20);
    assert_int_equal(owner(1), OTP_HASH_ADMITTED);
    assert_int_equal(owner(2), OTP_HASH_ADMITTED);
    otp_hash_queue_leave(&queue, place, true, now + 600000);
    assert_true(queue.pace_us < 150000);
    otp_hash_queue_leave(&queue, place == 0 ? 1 : 0, false, now);
    teach(20);
    assert_int_equal(strangers_admitted(1000), PLACES * 3 / 4);
}


static void test_clock_that_goes_back_is_no_harm(void **state)
{
    (void) state;
    teach(20);
    assert_int_equal(owner(1), OTP_HASH_ADMITTED);
    assert_int_equal(owner(2), OTP_HASH_ADMITTED);
    otp_hash_queue_leave(&queue, place, true, now - 5000);
    assert_true(queue.pace_us >= 0);
}


static void test_ids_too_long_for_their_place_are_told_apart_by_what_fits(void **state)
{
    char id[2 * OTP_HASH_ID + 1];

    (void) state;
    memset(id, 'x', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    assert_int_equal(enter(id, id, false), OTP_HASH_ADMITTED);
    assert_int_equal(enter(id, "192.0.2.1", false), OTP_HASH_ADMITTED);
    assert_int_equal(enter(id, "192.0.2.2", false), OTP_HASH_ACCOUNT_FULL);
    id[0] = 'y';
    assert_int_equal(enter(id, "192.0.2.2", false), OTP_HASH_ADMITTED);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_account_holds_two_places_whatever_its_addresses, open_queue),
        cmocka_unit_test_setup(test_account_that_is_full_leaves_room_for_others, open_queue),
        cmocka_unit_test_setup(test_place_that_is_left_is_the_next_ones, open_queue),
        cmocka_unit_test_setup(test_refusal_takes_no_place, open_queue),
        cmocka_unit_test_setup(test_address_holds_half_of_the_room_whatever_names_it_invents, open_queue),
        cmocka_unit_test_setup(test_browser_the_person_has_used_counts_for_no_address, open_queue),
        cmocka_unit_test_setup(test_strangers_leave_a_quarter_to_browsers_people_have_used, open_queue),
        cmocka_unit_test_setup(test_slow_hashes_make_the_room_smaller, open_queue),
        cmocka_unit_test_setup(test_shares_are_of_what_there_is_room_for, open_queue),
        cmocka_unit_test_setup(test_quick_hashes_do_not_make_the_room_larger_than_configured, open_queue),
        cmocka_unit_test_setup(test_somebody_gets_in_however_slow_hashes_are, open_queue),
        cmocka_unit_test_setup(test_queue_of_one_place_admits_one, open_queue),
        cmocka_unit_test_setup(test_more_places_than_the_table_has_are_as_many_as_it_has, open_queue),
        cmocka_unit_test_setup(test_who_is_alone_does_not_tell_how_quick_the_threads_are, open_queue),
        cmocka_unit_test_setup(test_time_without_work_is_not_taken_for_slowness, open_queue),
        cmocka_unit_test_setup(test_one_stall_is_forgotten, open_queue),
        cmocka_unit_test_setup(test_clock_that_goes_back_is_no_harm, open_queue),
        cmocka_unit_test_setup(test_ids_too_long_for_their_place_are_told_apart_by_what_fits, open_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
