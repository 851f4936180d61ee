#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/model/otp_record.h"
#include "core/model/otp_stock.h"
#include "otp_fake_key.h"

#define NAME OTP_SPAN("otp:key:{3}:K-1")

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


static otp_stock_t assigned_key(void)
{
    otp_stock_t stock = { .uid = "marie" };

    otp_fake_key(ring, &stock.key, "K-1", NULL);
    stock.key.drift = 3;
    stock.key.step = 28333333;

    return stock;
}


static void assert_round_trip(const otp_stock_t *stock)
{
    char        record[OTP_STOCK_MAX];
    size_t      len;
    otp_stock_t read;

    assert_int_equal(otp_stock_write(ring, NAME, stock, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_stock_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_OK);
    assert_memory_equal(&read, stock, sizeof(read));
}


static void test_stock_is_read_as_it_was_written(void **state)
{
    otp_stock_t stock = assigned_key();

    (void) state;
    assert_round_trip(&stock);
    memset(stock.uid, 0, sizeof(stock.uid));
    assert_round_trip(&stock);
}


static void test_any_byte_changed_is_refused(void **state)
{
    char        record[OTP_STOCK_MAX];
    size_t      len;
    otp_stock_t stock = assigned_key(), read;

    (void) state;
    assert_int_equal(otp_stock_write(ring, NAME, &stock, record, sizeof(record), &len), OTP_OK);
    for (size_t i = 0; i < len; i++) {
        record[i] = (char) (record[i] ^ 4);
        assert_int_equal(otp_stock_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_INVALID);
        record[i] = (char) (record[i] ^ 4);
    }
}


static void test_stock_record_under_another_serial_is_refused(void **state)
{
    char        record[OTP_STOCK_MAX];
    size_t      len;
    otp_stock_t stock = assigned_key(), read;

    (void) state;
    assert_int_equal(otp_stock_write(ring, NAME, &stock, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_stock_read(ring, OTP_SPAN("otp:key:{3}:K-2"), (otp_span_t) { record, len }, &read),
                     OTP_INVALID);
}


static void test_authentic_record_of_another_shape_is_refused(void **state)
{
    static const char *const refused[] = {
        "", "[]", "{\"v\":1,\"uid\":\"m\"}", "{\"v\":1,\"uid\":\"m\",\"key\":{}}", "{\"v\":1,\"uid\":\"m\",\"key\":7}",
        "{\"v\":1,\"key\":{}}",
    };
    char        record[OTP_STOCK_MAX];
    size_t      len;
    otp_stock_t read;

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(otp_record_write(ring, NAME, otp_span_of(refused[i]), record, sizeof(record), &len), OTP_OK);
        assert_int_equal(otp_stock_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_INVALID);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stock_is_read_as_it_was_written),
        cmocka_unit_test(test_any_byte_changed_is_refused),
        cmocka_unit_test(test_stock_record_under_another_serial_is_refused),
        cmocka_unit_test(test_authentic_record_of_another_shape_is_refused),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
