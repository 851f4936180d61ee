#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/decide/otp_spent.h"
#include "otp_fake_key.h"

#define NOW     OTP_FAKE_NOW
#define THREADS 4
#define ROUNDS  20000
#define KEYS    16

static const uint8_t random_key[OTP_SIPHASH_KEY] = "of one gateway.";
static uint64_t      memory[8192];
static otp_spent_t  *spent;


/* Room for so many keys. */
static void make(size_t keys)
{
    assert_true(otp_spent_size(keys) <= sizeof(memory));
    memset(memory, 0xff, sizeof(memory));
    spent = otp_spent_init(memory, otp_spent_size(keys), random_key);
    assert_non_null(spent);
}


static int open_table(void **state)
{
    (void) state;
    make(64);
    return 0;
}


static int open_bucket(void **state)
{
    (void) state;
    make(OTP_SPENT_WAYS);
    return 0;
}


static otp_key_t key_of(const char *serial, const char *seed)
{
    otp_key_t key;

    memset(&key, 0, sizeof(key));
    (void) snprintf(key.serial, sizeof(key.serial), "%s", serial);
    (void) snprintf(key.seed, sizeof(key.seed), "%s", seed);

    return key;
}


static otp_key_t key_number(unsigned number)
{
    char serial[16];

    (void) snprintf(serial, sizeof(serial), "K-%u", number);

    return key_of(serial, "aabbccdd.seed");
}


/* ---- one key ---- */

static void put(const otp_key_t *key, int64_t step, int64_t now_s)
{
    bool first = otp_spent_put(spent, key, step, now_s);

    (void) first;
}


static void test_empty_table_remembers_nothing(void **state)
{
    otp_key_t key = key_number(1);

    (void) state;
    assert_int_equal(otp_spent_get(spent, &key), 0);
}


static void test_last_step_is_remembered_and_an_earlier_one_changes_nothing(void **state)
{
    otp_key_t key = key_number(1), other = key_number(2);

    (void) state;
    assert_true(otp_spent_put(spent, &key, 1000, NOW));
    assert_int_equal(otp_spent_get(spent, &key), 1000);
    assert_false(otp_spent_put(spent, &key, 999, NOW));
    assert_int_equal(otp_spent_get(spent, &key), 1000);
    assert_true(otp_spent_put(spent, &key, 1001, NOW));
    assert_int_equal(otp_spent_get(spent, &key), 1001);
    assert_int_equal(otp_spent_get(spent, &other), 0);
}


static void test_key_with_another_seed_is_another_key(void **state)
{
    otp_key_t key = key_of("K-1", "aabbccdd.first"), anew = key_of("K-1", "aabbccdd.second");

    (void) state;
    put(&key, 1000, NOW);
    assert_int_equal(otp_spent_get(spent, &anew), 0);
    put(&anew, 3, NOW);
    assert_int_equal(otp_spent_get(spent, &anew), 3);
    assert_int_equal(otp_spent_get(spent, &key), 1000);
}


static void test_serial_and_seed_do_not_run_into_one_another(void **state)
{
    otp_key_t key = key_of("K-1", "2x"), other = key_of("K-12", "x");

    (void) state;
    put(&key, 1000, NOW);
    assert_int_equal(otp_spent_get(spent, &other), 0);
}


static void test_key_that_changes_hands_stays_the_same_one(void **state)
{
    otp_key_t key = key_number(1);

    (void) state;
    put(&key, 1000, NOW);
    (void) snprintf(key.holding, sizeof(key.holding), "another");
    key.drift = 3;
    key.step = 5;
    key.pin.set = true;
    key.assigned = NOW;
    assert_int_equal(otp_spent_get(spent, &key), 1000);
}


static void test_step_that_does_not_fit_is_not_remembered(void **state)
{
    (void) state;
    for (unsigned i = 0; i < 16; i++) {
        otp_key_t key = key_number(i);

        put(&key, 0, NOW);
        put(&key, -1, NOW);
        put(&key, (int64_t) UINT32_MAX + 6, NOW);
        assert_int_equal(otp_spent_get(spent, &key), 0);
        put(&key, UINT32_MAX, NOW);
        assert_int_equal(otp_spent_get(spent, &key), UINT32_MAX);
    }
}


/* The longest serial and seed find room in what is hashed: the last letter counts. */
static void test_longest_key_is_known_by_its_last_letter(void **state)
{
    otp_key_t key, other;

    (void) state;
    memset(&key, 0, sizeof(key));
    memset(key.serial, 'S', OTP_SERIAL_MAX);
    memset(key.seed, 's', OTP_SEALED_MAX);
    other = key;
    other.seed[OTP_SEALED_MAX - 1] = 't';
    put(&key, 7, NOW);
    assert_int_equal(otp_spent_get(spent, &key), 7);
    assert_int_equal(otp_spent_get(spent, &other), 0);
}


/* ---- no room ---- */

static void test_too_little_memory_is_refused(void **state)
{
    (void) state;
    assert_null(otp_spent_init(memory, otp_spent_size(1) - 1, random_key));
    assert_non_null(otp_spent_init(memory, otp_spent_size(1), random_key));
}


static void test_table_takes_as_many_bytes_as_it_says(void **state)
{
    (void) state;
    assert_int_equal(otp_spent_size(1), otp_spent_size(OTP_SPENT_WAYS));
    assert_int_equal(otp_spent_size(OTP_SPENT_WAYS + 1) - otp_spent_size(1), OTP_SPENT_WAYS * OTP_SPENT_ENTRY);
    make(64);
    for (unsigned i = 0; i < 1000; i++) {
        otp_key_t key = key_number(i);

        put(&key, i + 1, NOW);
    }
    for (size_t i = otp_spent_size(64); i < sizeof(memory); i++) {
        assert_int_equal(((const uint8_t *) memory)[i], 0xff);
    }
}


static void test_of_a_full_bucket_the_key_goes_that_was_put_least_recently(void **state)
{
    otp_key_t first = key_number(0), second = key_number(1), more = key_number(OTP_SPENT_WAYS);

    (void) state;
    for (unsigned i = 0; i < OTP_SPENT_WAYS; i++) {
        otp_key_t key = key_number(i);

        put(&key, 1000 - i, NOW + i);
    }
    /* Put again: it was used. */
    put(&first, 1001, NOW + OTP_SPENT_WAYS);
    put(&more, 1, NOW + OTP_SPENT_WAYS + 1);
    assert_int_equal(otp_spent_get(spent, &first), 1001);
    assert_int_equal(otp_spent_get(spent, &second), 0);
    assert_int_equal(otp_spent_get(spent, &more), 1);
    for (unsigned i = 2; i < OTP_SPENT_WAYS; i++) {
        otp_key_t key = key_number(i);

        assert_int_equal(otp_spent_get(spent, &key), 1000 - i);
    }
}


static void test_free_entry_is_taken_before_any_key_goes(void **state)
{
    (void) state;
    for (unsigned i = 0; i < OTP_SPENT_WAYS; i++) {
        otp_key_t key = key_number(i);

        put(&key, 10, NOW - i);
    }
    for (unsigned i = 0; i < OTP_SPENT_WAYS; i++) {
        otp_key_t key = key_number(i);

        assert_int_equal(otp_spent_get(spent, &key), 10);
    }
}


/* ---- many at once ---- */

/* Two processes may enter a key at the same moment: of its entries the one with the later step counts, in any order. */
static void test_key_that_was_entered_twice_counts_with_its_later_step(void **state)
{
    static const int64_t steps[][2] = { { 1000, 1002 }, { 1002, 1000 } };
    otp_key_t            key = key_number(1);

    (void) state;
    for (size_t i = 0; i < 2; i++) {
        uint64_t *word = memory + 3;    /* after the hash's key and the number of buckets */

        make(OTP_SPENT_WAYS);
        put(&key, steps[i][0], NOW);
        word[5] = word[0] - (uint64_t) steps[i][0] + (uint64_t) steps[i][1];
        assert_int_equal(otp_spent_get(spent, &key), 1002);
        put(&key, 1001, NOW);
        assert_int_equal(otp_spent_get(spent, &key), 1002);
        put(&key, 1003, NOW);
        assert_int_equal(otp_spent_get(spent, &key), 1003);
    }
}


/* Puts steps in an order of its own, and sees at each that no maximum it knows of was lost. */
static void *put_many(void *seed)
{
    uint64_t dice = *(const uint64_t *) seed;
    int64_t  highest[KEYS] = { 0 };
    uintptr_t lost = 0;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned  number = (unsigned) (otp_fake_random(&dice) % KEYS);
        otp_key_t key = key_number(number);
        int64_t   step = (int64_t) (otp_fake_random(&dice) % (uint64_t) (i + 1)) + 1;

        put(&key, step, NOW);
        highest[number] = step > highest[number] ? step : highest[number];
        lost += otp_spent_get(spent, &key) < highest[number];
    }

    return (void *) lost;   /* NOLINT: a number, not an address */
}


/* All threads put the same steps of one key, in the same order: of each step one of them at most is told that it is the
 * first. */
static void *put_same(void *data)
{
    otp_key_t key = key_number(7);
    uintptr_t first = 0;

    (void) data;
    for (int64_t step = 1; step <= ROUNDS; step++) {
        first += otp_spent_put(spent, &key, step, NOW);
    }

    return (void *) first;  /* NOLINT: a number, not an address */
}


static void test_of_those_who_put_the_same_step_one_is_the_first(void **state)
{
    pthread_t thread[THREADS];
    uintptr_t first = 0;

    (void) state;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, put_same, NULL), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *mine;

        assert_int_equal(pthread_join(thread[i], &mine), 0);
        first += (uintptr_t) mine;
    }
    assert_in_range(first, 1, ROUNDS);
}


static int64_t highest_of(uint64_t seed, unsigned wanted)
{
    int64_t highest = 0;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned number = (unsigned) (otp_fake_random(&seed) % KEYS);
        int64_t  step = (int64_t) (otp_fake_random(&seed) % (uint64_t) (i + 1)) + 1;

        highest = number == wanted && step > highest ? step : highest;
    }

    return highest;
}


static void test_parallel_puts_never_lose_a_maximum(void **state)
{
    static uint64_t seed[THREADS] = { 11, 22, 33, 44 };
    pthread_t       thread[THREADS];

    (void) state;
    make(512);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, put_many, &seed[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *lost;

        assert_int_equal(pthread_join(thread[i], &lost), 0);
        assert_null(lost);
    }
    for (unsigned number = 0; number < KEYS; number++) {
        otp_key_t key = key_number(number);
        int64_t   highest = 0;

        for (size_t i = 0; i < THREADS; i++) {
            int64_t own = highest_of(seed[i], number);

            highest = own > highest ? own : highest;
        }
        assert_int_equal(otp_spent_get(spent, &key), highest);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_empty_table_remembers_nothing, open_table),
        cmocka_unit_test_setup(test_last_step_is_remembered_and_an_earlier_one_changes_nothing, open_table),
        cmocka_unit_test_setup(test_key_with_another_seed_is_another_key, open_table),
        cmocka_unit_test_setup(test_serial_and_seed_do_not_run_into_one_another, open_table),
        cmocka_unit_test_setup(test_key_that_changes_hands_stays_the_same_one, open_table),
        cmocka_unit_test_setup(test_step_that_does_not_fit_is_not_remembered, open_table),
        cmocka_unit_test_setup(test_longest_key_is_known_by_its_last_letter, open_table),
        cmocka_unit_test(test_too_little_memory_is_refused),
        cmocka_unit_test(test_table_takes_as_many_bytes_as_it_says),
        cmocka_unit_test_setup(test_of_a_full_bucket_the_key_goes_that_was_put_least_recently, open_bucket),
        cmocka_unit_test_setup(test_free_entry_is_taken_before_any_key_goes, open_bucket),
        cmocka_unit_test(test_key_that_was_entered_twice_counts_with_its_later_step),
        cmocka_unit_test(test_of_those_who_put_the_same_step_one_is_the_first),
        cmocka_unit_test(test_parallel_puts_never_lose_a_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
