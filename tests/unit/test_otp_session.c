#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/model/otp_record.h"
#include "core/model/otp_session.h"
#include "otp_fake_key.h"

#define COOKIE  OTP_SPAN("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
#define PREFIX  OTP_SPAN("otp:")

typedef struct {
    char                 record[OTP_SESSION_MAX], seen[24];
    size_t               len;
    otp_reply_t          element[2], reply;
    otp_session_lookup_t lookup;
} stored_t;

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


static otp_session_t otp_session(void)
{
    return (otp_session_t) {
        .person = { OTP_SPAN("marie"), OTP_SPAN("Marie Dupont"), OTP_SPAN("marie@school.example"), OTP_SPAN("a,b") },
        .level = OTP_LEVEL_OTP, .method = OTP_AUTH_KEY, .password_proven = true,
        .created = OTP_FAKE_NOW - 100, .auth_time = OTP_FAKE_NOW - 50, .otp_time = OTP_FAKE_NOW - 10,
        .expires = OTP_FAKE_NOW + 36000, .idle_s = 1800, .serial = OTP_SPAN("K-1"),
    };
}


static void assert_same(const otp_session_t *a, const otp_session_t *b)
{
    assert_true(otp_span_equal(a->person.uid, b->person.uid));
    assert_true(otp_span_equal(a->person.name, b->person.name));
    assert_true(otp_span_equal(a->person.email, b->person.email));
    assert_true(otp_span_equal(a->person.groups, b->person.groups));
    assert_true(otp_span_equal(a->serial, b->serial));
    assert_int_equal(a->level, b->level);
    assert_int_equal(a->method, b->method);
    assert_int_equal(a->password_proven, b->password_proven);
    assert_int_equal(a->created, b->created);
    assert_int_equal(a->auth_time, b->auth_time);
    assert_int_equal(a->otp_time, b->otp_time);
    assert_int_equal(a->expires, b->expires);
    assert_int_equal(a->idle_s, b->idle_s);
}


static void assert_round_trip(const otp_session_t *session)
{
    char          record[OTP_SESSION_MAX];
    size_t        len;
    otp_session_t read;

    assert_int_equal(otp_session_write(ring, OTP_SPAN("k"), session, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_session_read(ring, OTP_SPAN("k"), (otp_span_t) { record, len }, &read), OTP_OK);
    assert_same(&read, session);
}


/* ---- records ---- */

static void test_session_is_read_as_it_was_written(void **state)
{
    otp_session_t session = otp_session();

    (void) state;
    assert_round_trip(&session);
    session.password_proven = false;
    session.method = OTP_AUTH_EMERGENCY;
    assert_round_trip(&session);
}


static void test_session_without_optional_texts_is_read_as_it_was_written(void **state)
{
    otp_session_t session = otp_session();

    (void) state;
    session.level = OTP_LEVEL_PASSWORD;
    session.method = OTP_AUTH_PASSWORD;
    session.otp_time = 0;
    session.serial = session.person.name = session.person.email = session.person.groups = OTP_SPAN("");
    assert_round_trip(&session);
}


static void test_control_characters_become_blanks(void **state)
{
    char          record[OTP_SESSION_MAX];
    size_t        len;
    otp_session_t session = otp_session(), read;

    (void) state;
    session.person.name = OTP_SPAN("Marie\r\nRemote-User: root\t\x7f \xc2\x80\xc2\x9f\xc2\xa0 \xc3\xa9\xc2");
    assert_int_equal(otp_session_write(ring, OTP_SPAN("k"), &session, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_session_read(ring, OTP_SPAN("k"), (otp_span_t) { record, len }, &read), OTP_OK);
    session.person.name = OTP_SPAN("Marie  Remote-User: root     \xc2\xa0 \xc3\xa9\xc2");
    assert_same(&read, &session);
}


static void test_any_byte_changed_or_another_key_is_refused(void **state)
{
    char          record[OTP_SESSION_MAX];
    size_t        len;
    otp_session_t session = otp_session(), read;

    (void) state;
    assert_int_equal(otp_session_write(ring, OTP_SPAN("k"), &session, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_session_read(ring, OTP_SPAN("l"), (otp_span_t) { record, len }, &read), OTP_INVALID);
    for (size_t i = 0; i < len; i++) {
        record[i] = (char) (record[i] ^ 1);
        assert_int_equal(otp_session_read(ring, OTP_SPAN("k"), (otp_span_t) { record, len }, &read), OTP_INVALID);
        record[i] = (char) (record[i] ^ 1);
    }
}


static void test_record_of_another_kind_is_no_session(void **state)
{
    char          record[OTP_SESSION_MAX];
    size_t        len;
    otp_session_t read;
    otp_span_t    body = OTP_SPAN("211\t1\t1\t1\t1\t1\tK\tmarie\tM\tm\tg");

    (void) state;
    assert_int_equal(otp_record_write(ring, OTP_SPAN("k"), body, record, sizeof(record), &len), OTP_OK);
    assert_int_equal(otp_session_read(ring, OTP_SPAN("k"), (otp_span_t) { record, len }, &read), OTP_INVALID);
    assert_int_equal(otp_envelope_write(ring, OTP_PURPOSE_SESSION, OTP_SPAN("k"), body, record, sizeof(record), &len),
                     OTP_OK);
    assert_int_equal(otp_session_read(ring, OTP_SPAN("k"), (otp_span_t) { record, len }, &read), OTP_OK);
}


static void test_authentic_record_of_another_shape_is_refused(void **state)
{
    static const char *const refused[] = {
        "", "2", "21", "2111\t1\t1\t1\t1\t1\tK\tmarie\tM\tm\tg", "011\t1\t1\t1\t1\t1\tK\tmarie\tM\tm\tg",
        "311\t1\t1\t1\t1\t1\tK\tmarie\tM\tm\tg", "231\t1\t1\t1\t1\t1\tK\tmarie\tM\tm\tg",
        "211\tx\t1\t1\t1\t1\tK\tmarie\tM\tm\tg", "211\t1\t1\t1\t-1\t1\tK\tmarie\tM\tm\tg",
        "211\t1\t1\t1\t1\t1\tK\t\tM\tm\tg", "211\t1\t1\t1\t1\t1\tK\tmarie\tM\tm", "211\t1\t1\t1\t1\t1",
        "211\t1\t1\t1\t1\t1\tK\tmarie\tM\r\nX: y\tm\tg", "211\t1\t1\t1\t1\t1\tK\tmarie\tM\xc2\x85\tm\tg",
        "211\t1\t1\t1\t1\t1\tK\tmarie\tM\tm\tg\x7f",
    };
    char          record[OTP_SESSION_MAX];
    size_t        len;
    otp_session_t read;

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(otp_envelope_write(ring, OTP_PURPOSE_SESSION, OTP_SPAN("k"), otp_span_of(refused[i]), record,
                                            sizeof(record), &len), OTP_OK);
        assert_int_equal(otp_session_read(ring, OTP_SPAN("k"), (otp_span_t) { record, len }, &read), OTP_INVALID);
    }
}


static void test_session_that_does_not_fit_is_not_written(void **state)
{
    char          record[OTP_SESSION_MAX], groups[OTP_SESSION_MAX];
    size_t        len;
    otp_session_t session = otp_session();

    (void) state;
    memset(groups, 'g', sizeof(groups));
    session.person.groups = (otp_span_t) { groups, sizeof(groups) };
    assert_int_equal(otp_session_write(ring, OTP_SPAN("k"), &session, record, sizeof(record), &len), OTP_NO_ROOM);
}


static void test_longest_person_fits(void **state)
{
    char          text[OTP_GROUPS_LEN + OTP_NAME_LEN + OTP_EMAIL_LEN];
    otp_session_t session = otp_session();

    (void) state;
    memset(text, 't', sizeof(text));
    session.person = (otp_person_t) {
        { text, OTP_UID_LEN }, { text, OTP_NAME_LEN }, { text, OTP_EMAIL_LEN }, { text, OTP_GROUPS_LEN },
    };
    session.serial = (otp_span_t) { text, 64 };
    assert_round_trip(&session);
}


/* ---- look-up ---- */

static void test_cookie_of_another_form_is_not_looked_up(void **state)
{
    static const char *const cookies[] = {
        "", "A", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+", "AAECAwQFBgcICQoLDA0 DxAREhMUFRYXGBkaGxwdHh8",
    };
    otp_span_t           with_nul = { "AAECAwQFBgcICQoLDA0\0DxAREhMUFRYXGBkaGxwdHh8", 43 };
    otp_session_lookup_t lookup;

    (void) state;
    assert_int_equal(otp_session_lookup_cookie(ring, PREFIX, COOKIE, &lookup), OTP_OK);
    assert_true(otp_session_cookie_valid(COOKIE));
    for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
        assert_int_equal(otp_session_lookup_cookie(ring, PREFIX, otp_span_of(cookies[i]), &lookup), OTP_INVALID);
        assert_false(otp_session_cookie_valid(otp_span_of(cookies[i])));
    }
    assert_false(otp_session_cookie_valid(with_nul));
}


static void test_lookup_asks_for_record_and_mark_under_the_digest_of_the_cookie(void **state)
{
    otp_session_lookup_t lookup;
    uint8_t              digest[OTP_DIGEST_LEN];
    char                 name[128], hex[2 * OTP_DIGEST_LEN + 1];

    (void) state;
    assert_int_equal(otp_session_lookup_cookie(ring, PREFIX, COOKIE, &lookup), OTP_OK);
    assert_int_equal(otp_keyring_sha256(ring, COOKIE, digest), OTP_OK);
    for (size_t i = 0; i < sizeof(digest); i++) {
        (void) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    assert_int_equal(lookup.command.args, 3);
    assert_true(otp_span_equal(lookup.command.arg[0], OTP_SPAN("MGET")));
    (void) snprintf(name, sizeof(name), "otp:sess:{%s}", hex);
    assert_true(otp_span_equal(lookup.command.arg[1], otp_span_of(name)));
    (void) snprintf(name, sizeof(name), "otp:seen:{%s}", hex);
    assert_true(otp_span_equal(lookup.command.arg[2], otp_span_of(name)));
}


/* The MGET's reply about `session`, last seen `idle_s` ago. */
static void store(stored_t *stored, const otp_session_t *session, int64_t idle_s)
{
    assert_int_equal(otp_session_lookup_cookie(ring, PREFIX, COOKIE, &stored->lookup), OTP_OK);
    assert_int_equal(otp_session_write(ring, otp_name_span(&stored->lookup.sess), session, stored->record,
                                       sizeof(stored->record), &stored->len), OTP_OK);
    (void) snprintf(stored->seen, sizeof(stored->seen), "%lld", (long long) (OTP_FAKE_NOW - idle_s));
    stored->element[0] = (otp_reply_t) { .kind = OTP_REPLY_TEXT, .text = { stored->record, stored->len } };
    stored->element[1] = (otp_reply_t) { .kind = OTP_REPLY_TEXT, .text = otp_span_of(stored->seen) };
    stored->reply = (otp_reply_t) { .kind = OTP_REPLY_ARRAY, .element = stored->element, .elements = 2 };
}


static otp_found_t found(const stored_t *stored, int64_t now_s, int64_t *fresh_until_s)
{
    otp_session_t session;

    return otp_session_found(ring, &stored->lookup, &stored->reply, now_s, &session, fresh_until_s);
}


static void test_stored_session_is_found_with_its_public_id(void **state)
{
    stored_t      stored;
    int64_t       fresh_until_s;
    otp_session_t session = otp_session(), read;

    (void) state;
    store(&stored, &session, 0);
    assert_int_equal(otp_session_found(ring, &stored.lookup, &stored.reply, OTP_FAKE_NOW, &read, &fresh_until_s),
                     OTP_FOUND);
    assert_same(&read, &session);
    assert_int_equal(read.id.len, OTP_PUBLIC_ID_LEN);
    assert_memory_equal(read.id.data, stored.lookup.digest, OTP_PUBLIC_ID_LEN);
}


static void test_session_ends_at_its_expiry(void **state)
{
    stored_t      stored;
    int64_t       fresh_until_s;
    otp_session_t session = otp_session();

    (void) state;
    session.expires = OTP_FAKE_NOW + 5;
    store(&stored, &session, 0);
    assert_int_equal(found(&stored, OTP_FAKE_NOW + 4, &fresh_until_s), OTP_FOUND);
    assert_int_equal(found(&stored, OTP_FAKE_NOW + 5, &fresh_until_s), OTP_ABSENT);
}


static void test_session_ends_after_its_idle_time(void **state)
{
    stored_t      stored;
    int64_t       fresh_until_s;
    otp_session_t session = otp_session();

    (void) state;
    store(&stored, &session, 1799);
    assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_FOUND);
    assert_int_equal(found(&stored, OTP_FAKE_NOW + 1, &fresh_until_s), OTP_ABSENT);
}


static void test_session_without_record_or_mark_is_absent(void **state)
{
    stored_t      stored;
    int64_t       fresh_until_s;
    otp_session_t session = otp_session();

    (void) state;
    store(&stored, &session, 0);
    stored.element[0].kind = OTP_REPLY_NIL;
    assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_ABSENT);
    store(&stored, &session, 0);
    stored.element[1].kind = OTP_REPLY_NIL;
    assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_ABSENT);
    store(&stored, &session, 0);
    stored.element[1].text = OTP_SPAN("soon");
    assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_ABSENT);
}


static void test_forged_session_is_absent(void **state)
{
    stored_t      stored;
    int64_t       fresh_until_s;
    otp_session_t session = otp_session();

    (void) state;
    store(&stored, &session, 0);
    stored.record[stored.len - 1] = 'z';
    assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_ABSENT);
    store(&stored, &session, 0);
    stored.lookup.sess.data[stored.lookup.sess.len - 2] = 'x';
    assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_ABSENT);
}


static void test_store_that_fails_is_not_taken_for_no_session(void **state)
{
    static const otp_reply_kind_t kinds[] = { OTP_REPLY_NIL, OTP_REPLY_TEXT, OTP_REPLY_INTEGER, OTP_REPLY_ERROR };
    stored_t                      stored;
    int64_t                       fresh_until_s;
    otp_session_t                 session = otp_session();

    (void) state;
    store(&stored, &session, 0);
    assert_int_equal(otp_session_found(ring, &stored.lookup, NULL, OTP_FAKE_NOW, &session, &fresh_until_s),
                     OTP_UNREADABLE);
    stored.reply.elements = 1;
    assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_UNREADABLE);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        stored.reply.kind = kinds[i];
        assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_UNREADABLE);
    }
}


static void test_answer_that_is_none_to_a_mget_is_not_taken_for_no_session(void **state)
{
    static const otp_reply_kind_t kinds[] = { OTP_REPLY_INTEGER, OTP_REPLY_ERROR, OTP_REPLY_ARRAY };
    stored_t                      stored;
    int64_t                       fresh_until_s;
    otp_session_t                 session = otp_session();

    (void) state;
    for (size_t i = 0; i < 2 * sizeof(kinds) / sizeof(kinds[0]); i++) {
        store(&stored, &session, 0);
        stored.element[i % 2].kind = kinds[i / 2];
        assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_UNREADABLE);
    }
}


/* ---- the last-seen mark ---- */

static void test_mark_is_written_once_a_minute(void **state)
{
    stored_t      stored;
    int64_t       fresh_until_s;
    otp_session_t session = otp_session();

    (void) state;
    store(&stored, &session, 59);
    assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_FOUND);
    assert_int_equal(fresh_until_s, OTP_FAKE_NOW + 1);
    assert_int_equal(found(&stored, OTP_FAKE_NOW + 1, &fresh_until_s), OTP_FOUND);
    assert_int_equal(fresh_until_s, OTP_FAKE_NOW + 1);
}


/* Else somebody who works without a pause would be signed out. */
static void test_mark_of_a_short_idle_time_is_written_in_its_first_half(void **state)
{
    stored_t      stored;
    int64_t       fresh_until_s;
    otp_session_t session = otp_session();

    (void) state;
    session.idle_s = 40;
    store(&stored, &session, 19);
    assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_FOUND);
    assert_int_equal(fresh_until_s, OTP_FAKE_NOW + 1);
    assert_int_equal(found(&stored, OTP_FAKE_NOW + 1, &fresh_until_s), OTP_FOUND);
    assert_int_equal(fresh_until_s, OTP_FAKE_NOW + 1);
}


/* Of a gateway whose clock is ahead; or from somebody who writes to Redis. */
static void test_mark_of_the_future_is_as_good_as_one_of_now(void **state)
{
    stored_t      stored;
    int64_t       fresh_until_s;
    otp_session_t session = otp_session();

    (void) state;
    store(&stored, &session, -3000);
    assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_FOUND);
    assert_int_equal(fresh_until_s, OTP_FAKE_NOW + OTP_SEEN_EVERY_S);
}


static void test_session_is_not_believed_beyond_its_expiry(void **state)
{
    stored_t      stored;
    int64_t       fresh_until_s;
    otp_session_t session = otp_session();

    (void) state;
    session.expires = OTP_FAKE_NOW + 7;
    store(&stored, &session, 0);
    assert_int_equal(found(&stored, OTP_FAKE_NOW, &fresh_until_s), OTP_FOUND);
    assert_int_equal(fresh_until_s, OTP_FAKE_NOW + 7);
}


static void test_command_that_takes_sessions_away_is_known(void **state)
{
    static const struct {
        otp_span_t arg[3];
        bool       ends;
    } cases[] = {
        { { OTP_SPAN("DEL"), OTP_SPAN("otp:sess:{00}") }, true },
        { { OTP_SPAN("DEL"), OTP_SPAN("otp:seen:{00}"), OTP_SPAN("otp:sess:{00}") }, true },
        { { OTP_SPAN("DEL"), OTP_SPAN("otp:seen:{00}"), OTP_SPAN("sess:{00}") }, false },
        { { OTP_SPAN("GET"), OTP_SPAN("otp:sess:{00}") }, false },
        { { OTP_SPAN("DEL"), OTP_SPAN("otp:ses") }, false },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        otp_command_t command = { .args = 0 };

        for (size_t j = 0; j < 3 && cases[i].arg[j].len != 0; j++) {
            otp_command_add(&command, cases[i].arg[j]);
        }
        assert_int_equal(otp_session_ends(&command, PREFIX), cases[i].ends);
    }
}


static void test_touch_renews_only_a_mark_that_is_still_there(void **state)
{
    stored_t             stored;
    otp_session_t        session = otp_session();
    const otp_command_t *command = &stored.lookup.command;

    (void) state;
    store(&stored, &session, 60);
    otp_session_touch(&stored.lookup, &session, OTP_FAKE_NOW);
    assert_int_equal(command->args, 6);
    assert_true(otp_span_equal(command->arg[0], OTP_SPAN("SET")));
    assert_true(otp_span_equal(command->arg[1], otp_name_span(&stored.lookup.seen)));
    assert_true(otp_span_equal(command->arg[2], OTP_SPAN("1700000000")));
    assert_true(otp_span_equal(command->arg[3], OTP_SPAN("EX")));
    assert_true(otp_span_equal(command->arg[4], OTP_SPAN("1800")));
    assert_true(otp_span_equal(command->arg[5], OTP_SPAN("XX")));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_is_read_as_it_was_written),
        cmocka_unit_test(test_session_without_optional_texts_is_read_as_it_was_written),
        cmocka_unit_test(test_control_characters_become_blanks),
        cmocka_unit_test(test_any_byte_changed_or_another_key_is_refused),
        cmocka_unit_test(test_record_of_another_kind_is_no_session),
        cmocka_unit_test(test_authentic_record_of_another_shape_is_refused),
        cmocka_unit_test(test_session_that_does_not_fit_is_not_written),
        cmocka_unit_test(test_longest_person_fits),
        cmocka_unit_test(test_cookie_of_another_form_is_not_looked_up),
        cmocka_unit_test(test_lookup_asks_for_record_and_mark_under_the_digest_of_the_cookie),
        cmocka_unit_test(test_stored_session_is_found_with_its_public_id),
        cmocka_unit_test(test_session_ends_at_its_expiry),
        cmocka_unit_test(test_session_ends_after_its_idle_time),
        cmocka_unit_test(test_session_without_record_or_mark_is_absent),
        cmocka_unit_test(test_forged_session_is_absent),
        cmocka_unit_test(test_store_that_fails_is_not_taken_for_no_session),
        cmocka_unit_test(test_answer_that_is_none_to_a_mget_is_not_taken_for_no_session),
        cmocka_unit_test(test_mark_is_written_once_a_minute),
        cmocka_unit_test(test_mark_of_a_short_idle_time_is_written_in_its_first_half),
        cmocka_unit_test(test_mark_of_the_future_is_as_good_as_one_of_now),
        cmocka_unit_test(test_session_is_not_believed_beyond_its_expiry),
        cmocka_unit_test(test_command_that_takes_sessions_away_is_known),
        cmocka_unit_test(test_touch_renews_only_a_mark_that_is_still_there),
    };

    return cmocka_run_group_tests(tests, open_ring, close_ring);
}
