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
    otp_stock_t stock = { .uid = "marie", .wanted = "paul", .wanted_at = 1700000005, .batch = "2023-11" };

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
    memset(stock.wanted, 0, sizeof(stock.wanted));
    stock.wanted_at = 0;
    assert_round_trip(&stock);
    memset(stock.batch, 0, sizeof(stock.batch));
    assert_round_trip(&stock);
}


/* The longest of everything fits into OTP_STOCK_MAX. */
static void test_greatest_stock_is_read_as_it_was_written(void **state)
{
    otp_stock_t stock = assigned_key();
    otp_key_t  *key = &stock.key;

    (void) state;
    memset(stock.uid, 'u', OTP_UID_LEN);
    memset(stock.wanted, 'w', OTP_UID_LEN);
    memset(stock.batch, 'b', sizeof(stock.batch) - 1);
    stock.wanted_at = (int64_t) 1 << 40;
    memset(key->serial, 's', OTP_SERIAL_MAX);
    memset(key->seed, 's', OTP_SEALED_MAX);
    memset(key->reason, 'r', sizeof(key->reason) - 1);
    memset(key->holding, 'h', OTP_HOLDING_LEN);
    key->type = OTP_TYPE_SECURID;
    key->algorithm = OTP_SHA512;
    key->state = OTP_KEY_DISABLED;
    key->drift = key->drift_first = -((int64_t) 1 << 40);
    key->drift_since = key->step = key->assigned = key->used = (int64_t) 1 << 40;
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


#define STOCK(wanted_at, rest, key) \
    "{\"v\":1,\"uid\":\"m\",\"wanted\":\"\",\"wanted_at\":" wanted_at ",\"batch\":\"\",\"key\":" key rest "}"
#define KEY \
    "{\"serial\":\"K\",\"type\":\"totp\",\"algorithm\":\"sha1\",\"digits\":6,\"period\":60,\"seed\":\"x\"," \
    "\"state\":\"usable\",\"drift\":0,\"drift_first\":0,\"drift_since\":0,\"step\":0,\"assigned\":0,\"used\":0}"

static void test_authentic_record_of_another_shape_is_refused(void **state)
{
    static const char *const refused[] = {
        "", "[]", "{\"v\":1,\"uid\":\"m\"}", "{\"v\":1,\"uid\":\"m\",\"key\":{}}", "{\"v\":1,\"uid\":\"m\",\"key\":7}",
        "{\"v\":1,\"key\":{}}", STOCK("0", "", KEY "1"), STOCK("-1", "", KEY), STOCK("\"0\"", "", KEY),
        STOCK("0", ",\"uid\":\"n\"", KEY), STOCK("0", "", "7"), STOCK("0", "", "{}"),
    };
    char        record[OTP_STOCK_MAX];
    size_t      len;
    otp_stock_t read;

    (void) state;
    assert_int_equal(otp_record_write(ring, NAME, OTP_SPAN(STOCK("0", "", KEY)), record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_stock_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_OK);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(otp_record_write(ring, NAME, otp_span_of(refused[i]), record, sizeof(record), &len), OTP_OK);
        assert_int_equal(otp_stock_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_INVALID);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stock_is_read_as_it_was_written),
        cmocka_unit_test(test_greatest_stock_is_read_as_it_was_written),
        cmocka_unit_test(test_any_byte_changed_is_refused),
        cmocka_unit_test(test_stock_record_under_another_serial_is_refused),
        cmocka_unit_test(test_authentic_record_of_another_shape_is_refused),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
