#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/decide/otp_states.h"
#include "core/model/otp_record.h"
#include "otp_fake_key.h"

#define NAME OTP_SPAN("otp:acct:{3}:marie")

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


/* Every member has a value of its own. */
static void fill_life(otp_account_t *account)
{
    account->known = (otp_guesses_t) { 3, 1700000005, 1700000006 };
    account->unproven = (otp_guesses_t) { 4, 1700000040, 1700000041 };
    (void) otp_account_set_contact(account, OTP_SPAN("Marie Curie"), OTP_SPAN("marie@example.org"), OTP_SPAN("fr"));
    account->emergency.verifier = account->key[0].pin;
    account->emergency.verifier.salt[0] ^= 1;
    account->emergency.issued = 1700000007;
    account->emergency.expires = 1700000008;
    account->emergency.failures = 9;
    account->emergency.known_failures = 8;
    account->request.state = OTP_ACTIVATION_REJECTED;
    account->request.at = 1700000009;
    memcpy(account->request.serial, "K-9", 4);
    memcpy(account->request.reason, "not \"yours\"", 12);
    for (size_t i = 1; i < OTP_SIGNALS; i++) {
        int64_t n = (int64_t) i;

        account->signal[i] = (otp_signal_note_t) { 1700000010 + n, 20 + n, 1700000030 + n };
    }
    memcpy(account->accepted_from, "2001:db8::1", 12);
}


static otp_account_t full_account(void)
{
    otp_account_t account;

    otp_account_init(&account, OTP_SPAN("marie"));
    account.keys = 2;
    otp_fake_key(ring, &account.key[0], "K-1", OTP_FAKE_PIN);
    otp_fake_key(ring, &account.key[1], "K-2", NULL);
    account.revision = 41;
    account.unknown.failures = 7;
    account.unknown.failed_at = 1700000002;
    account.unknown.locked_until = 1700000003;
    account.pending.kind = OTP_PENDING_NEXT_CODE;
    memset(account.pending.id, 'p', OTP_PENDING_ID_LEN);
    memcpy(account.pending.serial, "K-1", 4);
    account.pending.step = 28333333;
    account.pending.until = 1700000300;
    memset(account.nonce, 'n', OTP_NONCE_LEN);
    account.nonce_at = 1700000004;
    fill_life(&account);

    return account;
}


static void assert_round_trip(const otp_account_t *account)
{
    char          record[OTP_ACCOUNT_MAX];
    size_t        len;
    otp_account_t read;

    assert_int_equal(otp_account_write(ring, NAME, account, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_account_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_OK);
    assert_memory_equal(&read, account, sizeof(read));
}


static void test_account_is_read_as_it_was_written(void **state)
{
    otp_account_t account = full_account();

    (void) state;
    assert_round_trip(&account);
    account.pending.kind = OTP_PENDING_PIN;
    account.request.state = OTP_ACTIVATION_WAITING;
    assert_round_trip(&account);
}


/* Each part is left out of a record of its own. */
static void test_account_with_one_part_only_is_read_as_it_was_written(void **state)
{
    otp_account_t full = full_account(), account;

    (void) state;
    for (int part = 0; part < 11; part++) {
        otp_account_init(&account, OTP_SPAN("marie"));
        switch (part) {
        case 0:
            account.known = full.known;
            break;
        case 1:
            account.contact = full.contact;
            break;
        case 2:
            memcpy(account.contact.language, "en", 3);
            break;
        case 3:
            memcpy(account.contact.name, "M", 2);
            break;
        case 4:
            account.emergency = full.emergency;
            break;
        case 5:
            account.request = full.request;
            break;
        case 6:
            account.signal[OTP_SIGNAL_REPLAY] = full.signal[OTP_SIGNAL_REPLAY];
            break;
        case 7:
            account.signal[OTP_SIGNAL_LOCKED].mailed = 1700000001;
            break;
        case 8:
            memcpy(account.accepted_from, full.accepted_from, sizeof(account.accepted_from));
            break;
        case 9:
            /* A count that was cleared keeps the time of the last failure. */
            account.known.failed_at = 1700000001;
            break;
        case 10:
            account.unproven = full.unproven;
            break;
        }
        assert_round_trip(&account);
    }
}


/* Of a record that has one count of bad attempts at it, that one counts for all browsers. */
static void test_emergency_password_of_an_older_record_ends_as_it_would_have(void **state)
{
    char          record[OTP_ACCOUNT_MAX], older[OTP_ACCOUNT_MAX], *known;
    size_t        len;
    otp_span_t    body;
    otp_account_t account = full_account();

    (void) state;
    assert_int_equal(otp_account_write(ring, NAME, &account, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_record_read(ring, NAME, (otp_span_t) { record, len }, &body), OTP_OK);
    known = memmem(body.data, body.len, ",\"known\":8}", 11);
    assert_non_null(known);
    len = body.len - 10;
    memmove(record, body.data, body.len);
    known = record + (known - body.data);
    memmove(known, known + 10, (size_t) (record + body.len - known - 10));
    assert_int_equal(otp_record_write(ring, NAME, (otp_span_t) { record, len }, older, sizeof(older), &len), OTP_OK);
    assert_int_equal(otp_account_read(ring, NAME, (otp_span_t) { older, len }, &account), OTP_OK);
    assert_int_equal(account.emergency.failures, 9);
    assert_int_equal(account.emergency.known_failures, 9);
}


static void test_browsers_known_and_unknown_are_counted_apart(void **state)
{
    otp_account_t account;

    (void) state;
    otp_account_init(&account, OTP_SPAN("m"));
    assert_ptr_equal(otp_account_guesses(&account, OTP_GUESSER_KNOWN), &account.known);
    assert_ptr_equal(otp_account_guesses(&account, OTP_GUESSER_UNKNOWN), &account.unknown);
    assert_ptr_equal(otp_account_guesses(&account, OTP_GUESSER_UNPROVEN), &account.unproven);
}


static void test_contact_is_replaced_by_what_is_known_now(void **state)
{
    char          longest[OTP_EMAIL_LEN + 1];
    otp_account_t account;

    (void) state;
    otp_account_init(&account, OTP_SPAN("m"));
    assert_true(otp_account_set_contact(&account, OTP_SPAN("Marie"), OTP_SPAN("m@example.org"), OTP_SPAN("fr")));
    assert_false(otp_account_set_contact(&account, OTP_SPAN("Marie"), OTP_SPAN("m@example.org"), OTP_SPAN("fr")));
    assert_false(otp_account_set_contact(&account, OTP_SPAN_NONE, OTP_SPAN_NONE, OTP_SPAN_NONE));
    assert_true(otp_account_set_contact(&account, OTP_SPAN_NONE, OTP_SPAN("n@b.fr"), OTP_SPAN_NONE));
    assert_string_equal(account.contact.name, "Marie");
    assert_string_equal(account.contact.email, "n@b.fr");
    assert_string_equal(account.contact.language, "fr");
    assert_true(otp_account_set_contact(&account, OTP_SPAN_NONE, OTP_SPAN_NONE, OTP_SPAN("en")));
    assert_true(otp_account_set_contact(&account, OTP_SPAN("Curie"), OTP_SPAN_NONE, OTP_SPAN_NONE));
    assert_string_equal(account.contact.name, "Curie");
    assert_string_equal(account.contact.language, "en");
    assert_round_trip(&account);

    /* A cut address would be somebody else's. */
    memset(longest, 'x', sizeof(longest));
    assert_false(otp_account_set_contact(&account, OTP_SPAN_NONE, (otp_span_t) { longest, sizeof(longest) },
                                         OTP_SPAN_NONE));
    assert_string_equal(account.contact.email, "n@b.fr");
}


static void test_every_signal_has_a_name(void **state)
{
    (void) state;
    assert_string_equal(otp_signal_name(OTP_SIGNAL_NONE), "");
    assert_string_equal(otp_signal_name(OTP_SIGNAL_CODE_WITHOUT_PIN), "code_without_pin");
    assert_string_equal(otp_signal_name(OTP_SIGNAL_PIN_WITHOUT_CODE), "pin_without_code");
    assert_string_equal(otp_signal_name(OTP_SIGNAL_REPLAY), "replay");
    assert_string_equal(otp_signal_name(OTP_SIGNAL_LOCKED), "locked");
}


static void test_account_without_anything_is_read_as_it_was_written(void **state)
{
    otp_account_t account;

    (void) state;
    otp_account_init(&account, OTP_SPAN("m"));
    assert_round_trip(&account);
}


/* Text of the longest form: a control character is six bytes in a record. */
static void fill_greatest_life(otp_account_t *account)
{
    const int64_t limit = (int64_t) 1 << 40;

    account->known = account->unproven = (otp_guesses_t) { limit, limit, limit };
    memset(account->contact.name, 1, OTP_NAME_LEN);
    memset(account->contact.email, 1, OTP_EMAIL_LEN);
    memset(account->contact.language, 1, OTP_LANGUAGE_LEN);
    account->emergency.verifier = account->key[0].pin;
    account->emergency.issued = account->emergency.expires = account->emergency.failures = limit;
    account->emergency.known_failures = limit;
    account->request.state = OTP_ACTIVATION_REJECTED;
    account->request.at = limit;
    memset(account->request.serial, 's', OTP_SERIAL_MAX);
    memset(account->request.reason, 1, OTP_REASON_LEN);
    for (size_t i = 1; i < OTP_SIGNALS; i++) {
        account->signal[i] = (otp_signal_note_t) { limit, limit, limit };
    }
    memset(account->accepted_from, 'a', OTP_ADDRESS_LEN);
}


/* The longest of everything fits into OTP_ACCOUNT_MAX. */
static void test_greatest_account_is_read_as_it_was_written(void **state)
{
    char          uid[OTP_UID_LEN], serial[OTP_SERIAL_MAX + 1];
    otp_account_t account;

    (void) state;
    memset(uid, 'u', sizeof(uid));
    otp_account_init(&account, (otp_span_t) { uid, sizeof(uid) });
    account.keys = OTP_ACCOUNT_KEYS;
    for (size_t i = 0; i < OTP_ACCOUNT_KEYS; i++) {
        otp_key_t *key = &account.key[i];

        memset(serial, (int) ('a' + i), OTP_SERIAL_MAX);
        serial[OTP_SERIAL_MAX] = '\0';
        otp_fake_key(ring, key, serial, "123456");
        memset(key->seed, 's', OTP_SEALED_MAX);
        key->pin_before = key->pin;
        key->state = OTP_KEY_DISABLED;
        memset(key->reason, 'r', sizeof(key->reason) - 1);
        key->drift = -((int64_t) 1 << 40);
        key->step = key->assigned = key->used = key->drift_since = (int64_t) 1 << 40;
        key->drift_first = -((int64_t) 1 << 40);
        key->type = OTP_TYPE_SECURID;
        memset(key->holding, 'h', OTP_HOLDING_LEN);
    }
    account.revision = (int64_t) 1 << 40;
    account.unknown.failures = account.unknown.failed_at = account.unknown.locked_until = (int64_t) 1 << 40;
    account.nonce_at = account.pending.step = account.pending.until = (int64_t) 1 << 40;
    account.pending.kind = OTP_PENDING_PIN;
    memset(account.pending.id, 'p', OTP_PENDING_ID_LEN);
    memcpy(account.pending.serial, serial, sizeof(serial));
    memset(account.nonce, 'n', OTP_NONCE_LEN);
    fill_greatest_life(&account);
    assert_round_trip(&account);
}


static void test_any_byte_changed_is_refused(void **state)
{
    char          record[OTP_ACCOUNT_MAX];
    size_t        len;
    otp_account_t account = full_account(), read;

    (void) state;
    assert_int_equal(otp_account_write(ring, NAME, &account, record, sizeof(record), &len), OTP_OK);
    for (size_t i = 0; i < len; i++) {
        record[i] = (char) (record[i] ^ 1);
        assert_int_equal(otp_account_read(ring, NAME, (otp_span_t) { record, len }, &read), OTP_INVALID);
        record[i] = (char) (record[i] ^ 1);
    }
}


static void test_account_under_another_name_is_refused(void **state)
{
    char          record[OTP_ACCOUNT_MAX];
    size_t        len;
    otp_account_t account = full_account(), read;

    (void) state;
    assert_int_equal(otp_account_write(ring, NAME, &account, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_account_read(ring, OTP_SPAN("otp:acct:{3}:paul"), (otp_span_t) { record, len }, &read),
                     OTP_INVALID);
    assert_int_equal(otp_account_read(ring, NAME, OTP_SPAN(""), &read), OTP_INVALID);
}


static void test_account_without_room_is_not_written(void **state)
{
    char          record[OTP_ACCOUNT_MAX];
    size_t        len;
    otp_account_t account = full_account();

    (void) state;
    assert_int_equal(otp_account_write(ring, NAME, &account, record, 100, &len), OTP_NO_ROOM);
}


#define ACCOUNT(failures, keys, rest)                                                                              \
    "{\"v\":1,\"uid\":\"m\",\"revision\":0,\"failures\":" failures ",\"failed_at\":0,\"locked_until\":0,"           \
    "\"nonce\":\"\",\"nonce_at\":0,\"keys\":" keys rest "}"
#define KEY                                                                                                        \
    "{\"serial\":\"K\",\"type\":\"totp\",\"algorithm\":\"sha1\",\"digits\":6,\"period\":60,\"seed\":\"x\","        \
    "\"state\":\"usable\",\"drift\":0,\"drift_first\":0,\"drift_since\":0,\"step\":0,\"assigned\":0,\"used\":0}"
#define PIN "{\"ring\":\"aabbccdd\",\"salt\":\"AAAAAAAAAAAAAAAAAAAAAA\"," \
    "\"mac\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"
#define PART(part) ACCOUNT("0", "[]", "," part)

static otp_status_t read_body(const char *body)
{
    char          record[OTP_ACCOUNT_MAX];
    size_t        len;
    otp_account_t account;

    assert_int_equal(otp_record_write(ring, NAME, otp_span_of(body), record, sizeof(record), &len), OTP_OK);

    return otp_account_read(ring, NAME, (otp_span_t) { record, len }, &account);
}


static void test_authentic_record_of_another_shape_is_refused(void **state)
{
    static const char *const refused[] = {
        "", "[]", "1", "{", "{}", ACCOUNT("0", "[]", "") " ,", ACCOUNT("-1", "[]", ""), ACCOUNT("\"0\"", "[]", ""),
        ACCOUNT("1.5", "[]", ""), ACCOUNT("1099511627777", "[]", ""), ACCOUNT("99999999999999999999", "[]", ""),
        ACCOUNT("0", "{}", ""), ACCOUNT("0", "[1]", ""), ACCOUNT("0", "[{}]", ""),
        ACCOUNT("0", "[" KEY "," KEY "," KEY "," KEY "," KEY "]", ""),
        ACCOUNT("0", "[]", ",\"failures\":1"), ACCOUNT("0", "[]", ",\"pending\":1"),
        ACCOUNT("0", "[]", ",\"pending\":{\"kind\":\"none\",\"id\":\"\",\"serial\":\"\",\"step\":0,\"until\":0}"),
        ACCOUNT("0", "[]",
                ",\"pending\":{\"kind\":\"pin\",\"id\":\"12345678901234567890123\",\"serial\":\"\",\"step\":0,"
                "\"until\":0}"),
        PART("\"known\":{}"), PART("\"known\":7"),
        PART("\"known\":{\"failures\":-1,\"failed_at\":0,\"locked_until\":0}"),
        PART("\"contact\":{\"name\":\"\",\"email\":\"\"}"),
        PART("\"contact\":{\"name\":1,\"email\":\"\",\"language\":\"\"}"),
        PART("\"contact\":{\"name\":\"\",\"email\":\"\",\"language\":\"123456789\"}"),
        PART("\"emergency\":{}"), PART("\"emergency\":{\"issued\":1,\"expires\":2,\"failures\":0}"),
        PART("\"emergency\":{\"password\":" PIN ",\"issued\":1,\"expires\":0,\"failures\":0}"),
        PART("\"emergency\":{\"password\":" PIN ",\"issued\":1,\"expires\":2,\"failures\":-1}"),
        PART("\"emergency\":{\"password\":{},\"issued\":1,\"expires\":2,\"failures\":0}"),
        PART("\"request\":{}"), PART("\"request\":{\"state\":\"none\",\"serial\":\"K\",\"at\":1,\"reason\":\"\"}"),
        PART("\"request\":{\"state\":\"granted\",\"serial\":\"K\",\"at\":1,\"reason\":\"\"}"),
        PART("\"request\":{\"state\":\"waiting\",\"serial\":\"K\",\"at\":-1,\"reason\":\"\"}"),
        PART("\"signals\":{\"replay\":{}}"), PART("\"signals\":{\"locked\":{\"at\":1,\"count\":1,\"mailed\":\"x\"}}"),
        PART("\"accepted_from\":7"),
        ("{\"v\":2,\"uid\":\"m\",\"revision\":0,\"failures\":0,\"failed_at\":0,\"locked_until\":0,\"nonce\":\"\","
         "\"nonce_at\":0,\"keys\":[]}"),
    };

    (void) state;
    assert_int_equal(read_body(ACCOUNT("0", "[]", "")), OTP_OK);
    assert_int_equal(read_body(ACCOUNT("0", "[" KEY "," KEY "]", "")), OTP_OK);
    assert_int_equal(read_body(PART("\"emergency\":{\"password\":" PIN ",\"issued\":1,\"expires\":2,\"failures\":0}")),
                     OTP_OK);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (read_body(refused[i]) != OTP_INVALID) {
            fail_msg("accepted: %s", refused[i]);
        }
    }
}


static void test_key_is_found_by_its_serial(void **state)
{
    otp_account_t account = full_account();

    (void) state;
    assert_ptr_equal(otp_account_key(&account, OTP_SPAN("K-2")), &account.key[1]);
    assert_null(otp_account_key(&account, OTP_SPAN("K-3")));
    assert_null(otp_account_key(&account, OTP_SPAN("")));
}


static void test_decoy_is_the_same_each_time_and_another_for_another_person(void **state)
{
    otp_account_t once, again, other;

    (void) state;
    assert_int_equal(otp_account_decoy(ring, OTP_SPAN("nobody"), &once), OTP_OK);
    assert_int_equal(otp_account_decoy(ring, OTP_SPAN("nobody"), &again), OTP_OK);
    assert_int_equal(otp_account_decoy(ring, OTP_SPAN("nobodx"), &other), OTP_OK);
    assert_memory_equal(&once, &again, sizeof(once));
    assert_string_not_equal(once.key[0].seed, other.key[0].seed);
    assert_memory_not_equal(once.key[0].pin.mac, other.key[0].pin.mac, OTP_DIGEST_LEN);
}


static void test_decoy_is_ready_to_be_decided_about(void **state)
{
    const otp_limits_t limits = OTP_LIMITS_DEFAULT;
    uint8_t            seed[OTP_SECRET_MAX];
    size_t             len;
    otp_account_t      decoy;

    (void) state;
    assert_int_equal(otp_account_decoy(ring, OTP_SPAN("nobody"), &decoy), OTP_OK);
    assert_int_equal(otp_account_state(&decoy, &limits, false, OTP_FAKE_NOW), OTP_STATE_READY);
    assert_int_equal(otp_key_open(ring, &decoy.key[0], seed, &len), OTP_OK);
    assert_round_trip(&decoy);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_is_read_as_it_was_written),
        cmocka_unit_test(test_account_with_one_part_only_is_read_as_it_was_written),
        cmocka_unit_test(test_browsers_known_and_unknown_are_counted_apart),
        cmocka_unit_test(test_emergency_password_of_an_older_record_ends_as_it_would_have),
        cmocka_unit_test(test_contact_is_replaced_by_what_is_known_now),
        cmocka_unit_test(test_every_signal_has_a_name),
        cmocka_unit_test(test_account_without_anything_is_read_as_it_was_written),
        cmocka_unit_test(test_greatest_account_is_read_as_it_was_written),
        cmocka_unit_test(test_any_byte_changed_is_refused),
        cmocka_unit_test(test_account_under_another_name_is_refused),
        cmocka_unit_test(test_account_without_room_is_not_written),
        cmocka_unit_test(test_authentic_record_of_another_shape_is_refused),
        cmocka_unit_test(test_key_is_found_by_its_serial),
        cmocka_unit_test(test_decoy_is_the_same_each_time_and_another_for_another_person),
        cmocka_unit_test(test_decoy_is_ready_to_be_decided_about),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
