#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/model/otp_pending.h"
#include "core/model/otp_record.h"
#include "otp_fake_key.h"

#define NAME OTP_SPAN("otp:pend:{0123}")

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


static otp_pending_t pin_page(void)
{
    otp_pending_t pending;

    memset(&pending, 0, sizeof(pending));
    pending.stage = OTP_STAGE_PIN;
    memcpy(pending.uid, "marie", 6);
    memset(pending.id, 'i', OTP_PENDING_ID_LEN);
    pending.until = 1700000300;
    pending.display_changes = 1700000040;
    memcpy(pending.rd, "/marks/?a=\"b\"", 14);

    return pending;
}


static void assert_round_trip(const otp_pending_t *pending)
{
    char          record[OTP_PENDING_MAX];
    size_t        len;
    otp_pending_t read;

    assert_int_equal(otp_pending_write(ring, NAME, pending, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_pending_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_OK);
    assert_memory_equal(&read, pending, sizeof(read));
}


static void test_pending_state_is_read_as_it_was_written(void **state)
{
    otp_pending_t pending = pin_page();

    (void) state;
    assert_round_trip(&pending);
    pending.stage = OTP_STAGE_NEXT_CODE;
    assert_round_trip(&pending);
    pending.stage = OTP_STAGE_WAIT_NEXT_CODE;
    memset(pending.id, 0, sizeof(pending.id));
    memset(pending.rd, 0, sizeof(pending.rd));
    assert_round_trip(&pending);
}


static void test_longest_return_address_fits(void **state)
{
    otp_pending_t pending = pin_page();

    (void) state;
    memset(pending.rd, 'r', sizeof(pending.rd) - 1);
    pending.rd[0] = '/';
    assert_round_trip(&pending);
}


/* Quotation marks are the one thing a return address holds that JSON writes longer. */
static void test_longest_return_address_of_quotation_marks_fits(void **state)
{
    otp_pending_t pending = pin_page();

    (void) state;
    memset(pending.rd, '"', sizeof(pending.rd) - 1);
    pending.rd[0] = '/';
    assert_round_trip(&pending);
}


static void test_any_byte_changed_or_another_name_is_refused(void **state)
{
    char          record[OTP_PENDING_MAX];
    size_t        len;
    otp_pending_t pending = pin_page(), read;

    (void) state;
    assert_int_equal(otp_pending_write(ring, NAME, &pending, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_pending_read(ring, OTP_SPAN("otp:pend:{0124}"), (otp_span_t) { record, len }, &read),
                     OTP_INVALID);
    for (size_t i = 0; i < len; i++) {
        record[i] = (char) (record[i] ^ 2);
        assert_int_equal(otp_pending_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_INVALID);
        record[i] = (char) (record[i] ^ 2);
    }
}


static void test_authentic_record_of_another_shape_is_refused(void **state)
{
    static const char *const refused[] = {
        "", "{}",
        "{\"v\":1,\"stage\":0,\"uid\":\"m\",\"id\":\"\",\"until\":0,\"display\":0,\"rd\":\"\"}",
        "{\"v\":1,\"stage\":4,\"uid\":\"m\",\"id\":\"\",\"until\":0,\"display\":0,\"rd\":\"\"}",
        "{\"v\":1,\"stage\":1,\"uid\":7,\"id\":\"\",\"until\":0,\"display\":0,\"rd\":\"\"}",
        "{\"v\":1,\"stage\":1,\"uid\":\"m\",\"id\":\"\",\"until\":-1,\"display\":0,\"rd\":\"\"}",
        "{\"v\":1,\"stage\":1,\"uid\":\"m\",\"id\":\"\",\"until\":0,\"display\":0}",
    };
    char          record[OTP_PENDING_MAX];
    size_t        len;
    otp_pending_t read;

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(otp_record_write(ring, NAME, otp_span_of(refused[i]), record, sizeof(record), &len), OTP_OK);
        assert_int_equal(otp_pending_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_INVALID);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pending_state_is_read_as_it_was_written),
        cmocka_unit_test(test_longest_return_address_fits),
        cmocka_unit_test(test_longest_return_address_of_quotation_marks_fits),
        cmocka_unit_test(test_any_byte_changed_or_another_name_is_refused),
        cmocka_unit_test(test_authentic_record_of_another_shape_is_refused),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
