#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/model/otp_record.h"
#include "core/model/otp_throttle.h"
#include "otp_fake_key.h"

#define NAME    OTP_SPAN("otp:thru:{3}:marie")
#define FREE    5
#define MAX_S   300
#define NOW     OTP_FAKE_NOW

static otp_keyring_t *ring;


static int open_ring(void **state)
{
    (void) state;
    ring = otp_fake_ring();
    return 0;
}


static int close_ring(void **state)
{
    (void) state;
    otp_keyring_destroy(ring);
    return 0;
}


static void test_throttle_is_read_as_it_was_written(void **state)
{
    otp_throttle_t throttle = { 1234567890123, 1700000000, 1700000300 }, read;
    char           record[OTP_THROTTLE_MAX];
    size_t         len;

    (void) state;
    assert_int_equal(otp_throttle_write(ring, NAME, &throttle, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_throttle_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_OK);
    assert_memory_equal(&read, &throttle, sizeof(read));
}


static void test_no_record_is_a_throttle_without_failures(void **state)
{
    otp_throttle_t read = { 7, 7, 7 };

    (void) state;
    assert_int_equal(otp_throttle_read(ring, NAME, OTP_SPAN(""), &read), OTP_OK);
    assert_int_equal(read.failures, 0);
    assert_int_equal(otp_throttle_wait(&read, NOW), 0);
}


static void test_any_byte_changed_or_another_name_is_refused(void **state)
{
    otp_throttle_t throttle = { 12, 1700000000, 1700000300 }, read;
    char           record[OTP_THROTTLE_MAX];
    size_t         len;

    (void) state;
    assert_int_equal(otp_throttle_write(ring, NAME, &throttle, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_throttle_read(ring, OTP_SPAN("otp:thru:{3}:paul"), (otp_span_t) { record, len }, &read),
                     OTP_INVALID);
    for (size_t i = 0; i < len; i++) {
        record[i] = (char) (record[i] ^ 1);
        assert_int_equal(otp_throttle_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_INVALID);
        record[i] = (char) (record[i] ^ 1);
    }
}


static void test_authentic_record_of_another_shape_is_refused(void **state)
{
    static const char *const refused[] = { "", "1", "1,2", "1,2,", "1,2,x", "-1,2,3", "1,2,3,4" };
    otp_throttle_t           read;
    char                     record[OTP_THROTTLE_MAX];
    size_t                   len;

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(otp_record_write(ring, NAME, otp_span_of(refused[i]), record, sizeof(record), &len), OTP_OK);
        assert_int_equal(otp_throttle_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_INVALID);
    }
}


static void test_free_failures_cost_nothing_then_the_delay_doubles_to_its_bound(void **state)
{
    static const int64_t delays[] = { 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300 };
    otp_throttle_t       throttle = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        otp_throttle_count(&throttle, FREE, MAX_S, 0, NOW);
        assert_int_equal(otp_throttle_wait(&throttle, NOW), delays[i]);
    }
    assert_int_equal(otp_throttle_wait(&throttle, NOW + 299), 1);
    assert_int_equal(otp_throttle_wait(&throttle, NOW + 300), 0);
}


static void test_nothing_is_forgotten_when_nothing_is_to_be(void **state)
{
    otp_throttle_t throttle = { 0 };

    (void) state;
    for (int i = 0; i < 6; i++) {
        otp_throttle_count(&throttle, FREE, MAX_S, 0, NOW + i * 86400);
    }
    assert_int_equal(throttle.failures, 6);
    assert_int_equal(otp_throttle_wait(&throttle, NOW + 5 * 86400), 1);
}


static void test_one_failure_is_forgotten_each_time_span(void **state)
{
    otp_throttle_t throttle = { 10, NOW, 0 };

    (void) state;
    otp_throttle_count(&throttle, 300, MAX_S, 6, NOW + 24);
    assert_int_equal(throttle.failures, 7);
    otp_throttle_count(&throttle, 300, MAX_S, 6, NOW + 24 + 6000);
    assert_int_equal(throttle.failures, 1);
}


/* A school behind one address signs in all day: what is to be forgotten is, however often it is counted. */
static void test_failures_are_forgotten_although_attempts_follow_each_other_quickly(void **state)
{
    otp_throttle_t throttle = { 0 };

    (void) state;
    for (int64_t at = 0; at < 6000; at += 5) {
        otp_throttle_count(&throttle, 300, MAX_S, 6, NOW + at);
    }
    /* 1,200 attempts, of which 1,000 are forgotten */
    assert_in_range(throttle.failures, 200, 202);
}


static void test_clock_that_goes_back_forgets_nothing(void **state)
{
    otp_throttle_t throttle = { 10, NOW, 0 };

    (void) state;
    otp_throttle_count(&throttle, FREE, MAX_S, 6, NOW - 3600);
    assert_int_equal(throttle.failures, 11);
}


static void test_release_takes_one_attempt_and_its_delay_back(void **state)
{
    otp_throttle_t throttle = { 0 };

    (void) state;
    for (int i = 0; i < 7; i++) {
        otp_throttle_count(&throttle, FREE, MAX_S, 0, NOW);
    }
    otp_throttle_release(&throttle);
    assert_int_equal(throttle.failures, 6);
    assert_int_equal(otp_throttle_wait(&throttle, NOW), 0);

    throttle.failures = 0;
    otp_throttle_release(&throttle);
    assert_int_equal(throttle.failures, 0);
}


static void test_addresses_of_one_ipv6_network_share_a_throttle(void **state)
{
    static const char *const rows[][2] = {
        { "192.0.2.1", "192.0.2.1" }, { "2001:db8:1:2:3:4:5:6", "20010db800010002/64" },
        { "2001:db8:1:2::9", "20010db800010002/64" }, { "2001:db8:1:3::9", "20010db800010003/64" },
        { "::1", "0000000000000000/64" }, { "::ffff:192.0.2.7", "::ffff:192.0.2.7" }, { "unix:", "unix:" }, { "", "" },
    };
    char id[OTP_THROTTLE_ADDRESS_MAX];

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        otp_span_t got = otp_throttle_address(otp_span_of(rows[i][0]), id);

        assert_true(otp_span_equal(got, otp_span_of(rows[i][1])));
    }
}


static void test_an_endless_address_is_cut(void **state)
{
    char id[OTP_THROTTLE_ADDRESS_MAX], text[500];

    (void) state;
    memset(text, '1', sizeof(text));
    assert_int_equal(otp_throttle_address((otp_span_t) { text, sizeof(text) }, id).len, sizeof(id) - 1);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_of_one_ipv6_network_share_a_throttle),
        cmocka_unit_test(test_an_endless_address_is_cut),
        cmocka_unit_test(test_throttle_is_read_as_it_was_written),
        cmocka_unit_test(test_no_record_is_a_throttle_without_failures),
        cmocka_unit_test(test_any_byte_changed_or_another_name_is_refused),
        cmocka_unit_test(test_authentic_record_of_another_shape_is_refused),
        cmocka_unit_test(test_free_failures_cost_nothing_then_the_delay_doubles_to_its_bound),
        cmocka_unit_test(test_nothing_is_forgotten_when_nothing_is_to_be),
        cmocka_unit_test(test_one_failure_is_forgotten_each_time_span),
        cmocka_unit_test(test_failures_are_forgotten_although_attempts_follow_each_other_quickly),
        cmocka_unit_test(test_clock_that_goes_back_forgets_nothing),
        cmocka_unit_test(test_release_takes_one_attempt_and_its_delay_back),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
