#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/model/otp_mail.h"
#include "core/model/otp_record.h"
#include "otp_fake_key.h"

#define STREAM  OTP_SPAN("otp:mail:{a}")

static const otp_mail_t sample = {
    .kind = OTP_MAIL_KEY_DISABLED, .time_ms = 1795374335123, .uid = { "marie", 5 }, .name = { "Zo\xC3\xA9 \"<\r\n", 9 },
    .email = { "marie@example.org", 17 }, .language = { "fr", 2 }, .serial = { "0012", 4 }, .reason = { "stolen", 6 },
    .address = { "192.0.2.7", 9 }, .until = 1795391999
};

static size_t write_sample(otp_keyring_t *ring, char *entry, size_t size)
{
    size_t len;

    assert_int_equal(otp_mail_write(ring, STREAM, &sample, entry, size, &len), OTP_OK);
    return len;
}


static void assert_span(otp_span_t span, otp_span_t expected)
{
    assert_true(otp_span_equal(span, expected));
}


static void test_mail_is_read_as_it_was_written(void **state)
{
    otp_keyring_t *ring = otp_fake_ring();
    char           entry[OTP_MAIL_MAX + 256], text[OTP_MAIL_MAX];
    otp_mail_t     mail;
    size_t         len = write_sample(ring, entry, sizeof(entry));

    (void) state;
    assert_int_equal(otp_mail_read(ring, STREAM, (otp_span_t) { entry, len }, text, sizeof(text), &mail), OTP_OK);
    assert_int_equal(mail.kind, sample.kind);
    assert_int_equal(mail.time_ms, sample.time_ms);
    assert_int_equal(mail.until, sample.until);
    assert_span(mail.uid, sample.uid);
    assert_span(mail.name, sample.name);
    assert_span(mail.email, sample.email);
    assert_span(mail.language, sample.language);
    assert_span(mail.serial, sample.serial);
    assert_span(mail.reason, sample.reason);
    assert_span(mail.address, sample.address);
    otp_keyring_destroy(ring);
}


static void test_mail_with_nothing_but_its_kind_is_read(void **state)
{
    otp_keyring_t *ring = otp_fake_ring();
    char           entry[OTP_MAIL_MAX], text[OTP_MAIL_MAX];
    otp_mail_t     mail = { .kind = OTP_MAIL_REPLAY };
    size_t         len;

    (void) state;
    assert_int_equal(otp_mail_write(ring, STREAM, &mail, entry, sizeof(entry), &len), OTP_OK);
    assert_int_equal(otp_mail_read(ring, STREAM, (otp_span_t) { entry, len }, text, sizeof(text), &mail), OTP_OK);
    assert_int_equal(mail.kind, OTP_MAIL_REPLAY);
    assert_int_equal(mail.uid.len + mail.email.len + mail.reason.len, 0);
    otp_keyring_destroy(ring);
}


static void test_mail_that_was_changed_or_moved_is_refused(void **state)
{
    otp_keyring_t *ring = otp_fake_ring();
    char           entry[OTP_MAIL_MAX + 256], text[OTP_MAIL_MAX];
    otp_mail_t     mail;
    size_t         len = write_sample(ring, entry, sizeof(entry));
    otp_span_t     whole = { entry, len };

    (void) state;
    assert_int_equal(otp_mail_read(ring, OTP_SPAN("otp:mail:{b}"), whole, text, sizeof(text), &mail), OTP_INVALID);
    assert_int_equal(otp_mail_read(ring, STREAM, (otp_span_t) { entry, len - 1 }, text, sizeof(text), &mail),
                     OTP_INVALID);
    for (size_t i = 0; i < len; i++) {
        entry[i] ^= 1;
        assert_int_not_equal(otp_mail_read(ring, STREAM, whole, text, sizeof(text), &mail), OTP_OK);
        entry[i] ^= 1;
    }
    assert_int_equal(otp_mail_read(ring, STREAM, OTP_SPAN_NONE, text, sizeof(text), &mail), OTP_INVALID);
    otp_keyring_destroy(ring);
}


/* Well sealed, and still no mail: what another version may write. */
static void test_record_that_is_no_mail_is_refused(void **state)
{
    static const char *const bodies[] = {
        "", "[]", "{}", "{\"kind\":\"\",\"time\":1,\"until\":0}", "{\"kind\":\"odd\",\"time\":1,\"until\":0}",
        "{\"kind\":\"replay\",\"time\":-1,\"until\":0}", "{\"kind\":\"replay\",\"time\":\"1\",\"until\":0}",
        "{\"kind\":\"replay\",\"time\":1}", "{\"kind\":\"replay\",\"time\":1,\"until\":0,\"uid\":7}"
    };
    otp_keyring_t *ring = otp_fake_ring();
    char           entry[OTP_MAIL_MAX], text[OTP_MAIL_MAX];
    otp_mail_t     mail;
    size_t         len;

    (void) state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(otp_record_write(ring, STREAM, otp_span_of(bodies[i]), entry, sizeof(entry), &len), OTP_OK);
        if (otp_mail_read(ring, STREAM, (otp_span_t) { entry, len }, text, sizeof(text), &mail) != OTP_INVALID) {
            fail_msg("taken: %s", bodies[i]);
        }
    }
    otp_keyring_destroy(ring);
}


static void test_mail_that_is_too_large_is_not_written(void **state)
{
    static char    long_text[OTP_MAIL_MAX];
    otp_keyring_t *ring = otp_fake_ring();
    char           entry[2 * OTP_MAIL_MAX];
    otp_mail_t     mail = sample;
    size_t         len;

    (void) state;
    memset(long_text, 'x', sizeof(long_text));
    mail.reason = (otp_span_t) { long_text, sizeof(long_text) };
    assert_int_not_equal(otp_mail_write(ring, STREAM, &mail, entry, sizeof(entry), &len), OTP_OK);
    assert_int_equal(otp_mail_write(ring, STREAM, &sample, entry, 100, &len), OTP_NO_ROOM);
    otp_keyring_destroy(ring);
}


static void test_text_that_does_not_fit_is_refused_on_reading(void **state)
{
    otp_keyring_t *ring = otp_fake_ring();
    char           entry[OTP_MAIL_MAX + 256], text[OTP_MAIL_MAX];
    otp_mail_t     mail;
    size_t         len = write_sample(ring, entry, sizeof(entry));

    (void) state;
    assert_int_equal(otp_mail_read(ring, STREAM, (otp_span_t) { entry, len }, text, 16, &mail), OTP_INVALID);
    otp_keyring_destroy(ring);
}


static void test_every_kind_has_a_name_of_its_own(void **state)
{
    otp_mail_kind_t kind;

    (void) state;
    for (int i = 1; i < OTP_MAIL_KINDS; i++) {
        assert_int_equal(otp_mail_parse_name(otp_span_of(otp_mail_name((otp_mail_kind_t) i)), &kind), OTP_OK);
        assert_int_equal(kind, i);
    }
    assert_int_equal(otp_mail_parse_name(OTP_SPAN(""), &kind), OTP_INVALID);
    assert_int_equal(otp_mail_parse_name(OTP_SPAN("Replay"), &kind), OTP_INVALID);
}


static void test_every_signal_but_none_has_a_mail(void **state)
{
    (void) state;
    assert_int_equal(otp_mail_of_signal(OTP_SIGNAL_CODE_WITHOUT_PIN), OTP_MAIL_CODE_WITHOUT_PIN);
    assert_int_equal(otp_mail_of_signal(OTP_SIGNAL_PIN_WITHOUT_CODE), OTP_MAIL_PIN_WITHOUT_CODE);
    assert_int_equal(otp_mail_of_signal(OTP_SIGNAL_REPLAY), OTP_MAIL_REPLAY);
    assert_int_equal(otp_mail_of_signal(OTP_SIGNAL_LOCKED), OTP_MAIL_SIGN_IN_BLOCKED);
    assert_int_equal(otp_mail_of_signal(OTP_SIGNAL_NONE), OTP_MAIL_NONE);
}


static void test_mail_to_an_account_has_its_contact(void **state)
{
    static otp_account_t account;

    (void) state;
    otp_account_init(&account, OTP_SPAN("marie"));
    (void) otp_account_set_contact(&account, OTP_SPAN("Marie"), OTP_SPAN("m@example.org"), OTP_SPAN("en"));
    otp_mail_t mail = otp_mail_to(&account, OTP_MAIL_PIN_CHANGED, 7);

    assert_int_equal(mail.kind, OTP_MAIL_PIN_CHANGED);
    assert_int_equal(mail.time_ms, 7);
    assert_span(mail.uid, OTP_SPAN("marie"));
    assert_span(mail.name, OTP_SPAN("Marie"));
    assert_span(mail.email, OTP_SPAN("m@example.org"));
    assert_span(mail.language, OTP_SPAN("en"));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_is_read_as_it_was_written),
        cmocka_unit_test(test_mail_with_nothing_but_its_kind_is_read),
        cmocka_unit_test(test_mail_that_was_changed_or_moved_is_refused),
        cmocka_unit_test(test_record_that_is_no_mail_is_refused),
        cmocka_unit_test(test_mail_that_is_too_large_is_not_written),
        cmocka_unit_test(test_text_that_does_not_fit_is_refused_on_reading),
        cmocka_unit_test(test_every_kind_has_a_name_of_its_own),
        cmocka_unit_test(test_every_signal_but_none_has_a_mail),
        cmocka_unit_test(test_mail_to_an_account_has_its_contact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
