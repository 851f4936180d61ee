#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/model/otp_record.h"
#include "otp_fake_key.h"

#define NAME    OTP_SPAN("otp:acct:{3}:marie")
#define BODY    OTP_SPAN("{\"a\":1,\"b\":\"x.y\"}")

typedef struct {
    otp_keyring_t *ring;
    char           record[256];
    size_t         len;
} written_t;


static int write_record(void **state)
{
    static written_t written;

    written.ring = otp_fake_ring();
    *state = &written;
    return otp_record_write(written.ring, NAME, BODY, written.record, sizeof(written.record), &written.len) != OTP_OK;
}


static int destroy_ring(void **state)
{
    otp_keyring_destroy(((written_t *) *state)->ring);
    return 0;
}


static void test_body_is_read_as_it_was_written(void **state)
{
    written_t *written = *state;
    otp_span_t body;

    assert_int_equal(otp_record_read(written->ring, NAME, (otp_span_t) { written->record, written->len }, &body),
                     OTP_OK);
    assert_true(otp_span_equal(body, BODY));
    assert_true(body.data > written->record && body.data < written->record + written->len);
}


static void test_record_has_version_ring_key_mac_and_body(void **state)
{
    written_t *written = *state;
    otp_span_t rest = { written->record, written->len };

    assert_true(otp_span_equal(otp_span_cut(&rest, '.'), OTP_SPAN("1")));
    assert_true(otp_span_equal(otp_span_cut(&rest, '.'), otp_keyring_current(written->ring)));
    assert_int_equal(otp_span_cut(&rest, '.').len, 43);
    assert_true(otp_span_equal(rest, BODY));
}


static void test_any_bit_flipped_is_refused(void **state)
{
    written_t *written = *state;
    char       record[256];
    otp_span_t body;

    for (size_t i = 0; i < written->len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(record, written->record, written->len);
            record[i] = (char) (record[i] ^ (1 << bit));
            assert_int_equal(otp_record_read(written->ring, NAME, (otp_span_t) { record, written->len }, &body),
                             OTP_INVALID);
        }
    }
}


static void test_cut_or_lengthened_record_is_refused(void **state)
{
    written_t *written = *state;
    char       record[300];
    otp_span_t body;

    for (size_t len = 0; len < written->len; len++) {
        assert_int_equal(otp_record_read(written->ring, NAME, (otp_span_t) { written->record, len }, &body),
                         OTP_INVALID);
    }
    memcpy(record, written->record, written->len);
    record[written->len] = ' ';
    assert_int_equal(otp_record_read(written->ring, NAME, (otp_span_t) { record, written->len + 1 }, &body),
                     OTP_INVALID);
}


static void test_record_moved_to_another_name_is_refused(void **state)
{
    written_t *written = *state;
    otp_span_t body, record = { written->record, written->len };

    assert_int_equal(otp_record_read(written->ring, OTP_SPAN("otp:acct:{3}:marif"), record, &body), OTP_INVALID);
    assert_int_equal(otp_record_read(written->ring, OTP_SPAN("otp:acct:{3}:mari"), record, &body), OTP_INVALID);
    assert_int_equal(otp_record_read(written->ring, OTP_SPAN(""), record, &body), OTP_INVALID);
}


static void test_record_of_another_purpose_is_refused(void **state)
{
    written_t *written = *state;
    otp_span_t body;
    size_t     len;
    char       record[256];

    for (int purpose = 0; purpose < OTP_PURPOSES; purpose++) {
        otp_status_t expected = purpose == OTP_PURPOSE_RECORD ? OTP_OK : OTP_INVALID;

        assert_int_equal(otp_envelope_read(written->ring, (otp_purpose_t) purpose, NAME,
                                           (otp_span_t) { written->record, written->len }, &body), expected);
        assert_int_equal(otp_envelope_write(written->ring, (otp_purpose_t) purpose, NAME, BODY, record, sizeof(record),
                                            &len), OTP_OK);
        assert_int_equal(otp_record_read(written->ring, NAME, (otp_span_t) { record, len }, &body), expected);
    }
}


static void test_record_of_an_older_key_is_read_and_of_an_unknown_one_refused(void **state)
{
    written_t     *written = *state;
    otp_span_t     body;
    char           error[64];
    otp_span_t     record = { written->record, written->len };
    otp_keyring_t *older, *rotated;

    older = otp_keyring_parse(OTP_SPAN("otp-keyring 1\n20212223 1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"),
                              error, sizeof(error));
    rotated = otp_keyring_parse(OTP_SPAN("otp-keyring 1\naabbccdd 1 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA\n"
                                         "20212223 2 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"),
                                error, sizeof(error));
    assert_int_equal(otp_record_read(older, NAME, record, &body), OTP_INVALID);
    assert_int_equal(otp_record_read(rotated, NAME, record, &body), OTP_OK);
    otp_keyring_destroy(older);
    otp_keyring_destroy(rotated);
}


static void test_record_that_does_not_fit_is_not_written(void **state)
{
    written_t *written = *state;
    char       record[256];
    size_t     len;

    assert_int_equal(otp_record_write(written->ring, NAME, BODY, record, written->len - 1, &len), OTP_NO_ROOM);
    assert_int_equal(otp_record_write(written->ring, NAME, BODY, record, written->len, &len), OTP_OK);
}


static void test_empty_body_is_a_body(void **state)
{
    written_t *written = *state;
    char       record[256];
    size_t     len;
    otp_span_t body;

    assert_int_equal(otp_record_write(written->ring, NAME, OTP_SPAN(""), record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_record_read(written->ring, NAME, (otp_span_t) { record, len }, &body), OTP_OK);
    assert_int_equal(body.len, 0);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_body_is_read_as_it_was_written, write_record, destroy_ring),
        cmocka_unit_test_setup_teardown(test_record_has_version_ring_key_mac_and_body, write_record, destroy_ring),
        cmocka_unit_test_setup_teardown(test_any_bit_flipped_is_refused, write_record, destroy_ring),
        cmocka_unit_test_setup_teardown(test_cut_or_lengthened_record_is_refused, write_record, destroy_ring),
        cmocka_unit_test_setup_teardown(test_record_moved_to_another_name_is_refused, write_record, destroy_ring),
        cmocka_unit_test_setup_teardown(test_record_of_another_purpose_is_refused, write_record, destroy_ring),
        cmocka_unit_test_setup_teardown(test_record_of_an_older_key_is_read_and_of_an_unknown_one_refused, write_record,
                                        destroy_ring),
        cmocka_unit_test_setup_teardown(test_record_that_does_not_fit_is_not_written, write_record, destroy_ring),
        cmocka_unit_test_setup_teardown(test_empty_body_is_a_body, write_record, destroy_ring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
