#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <openssl/evp.h>

#include "core/base/otp_buffer.h"
#include "core/store/otp_names.h"
#include "core/store/otp_swap.h"

#define KEY     OTP_SPAN("otp:{x}:record")
#define STREAM  OTP_SPAN("otp:{x}:events")

static void test_digest_is_that_of_the_script(void **state)
{
    otp_span_t   script = otp_swap_script();
    uint8_t      digest[EVP_MAX_MD_SIZE];
    size_t       len;
    char         hex[2 * EVP_MAX_MD_SIZE];
    otp_buffer_t buffer;

    (void) state;
    assert_true(EVP_Q_digest(NULL, "SHA1", NULL, script.data, script.len, digest, &len));
    otp_buffer_init(&buffer, hex, sizeof(hex));
    otp_buffer_add_hex(&buffer, digest, len);
    assert_int_equal(otp_swap_sha1().len, 40);
    assert_memory_equal(otp_swap_sha1().data, hex, 40);
}


static void assert_argument(const otp_command_t *command, size_t i, const char *text)
{
    assert_int_equal(command->arg[i].len, strlen(text));
    assert_memory_equal(command->arg[i].data ? command->arg[i].data : "", text, strlen(text));
}


static void assert_arguments(const otp_command_t *command, size_t from, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_argument(command, from + i, texts[i]);
    }
}


/* As the script takes them: after EVALSHA, digest and count. */
#define KEYS_AT 3
#define ARGV_AT 8

static void test_command_has_five_keys_and_ten_arguments(void **state)
{
    static const char *const keys[] = {
        "otp:{x}:record", "otp:{x}:events", "otp:{x}:mail", "otp:{x}:hist", "otp:{x}:wait"
    };
    static const char *const argv[] = {
        "old", "new", "5000", "{}", "7", "{\"m\":1}", OTP_HISTORY_KEPT, OTP_HISTORY_KEPT_S, "K-1", "1700000000"
    };
    otp_swap_t swap = {
        .key = KEY, .stream = STREAM, .expected = OTP_SPAN("old"), .next = OTP_SPAN("new"), .ttl_ms = OTP_SPAN("5000"),
        .event = OTP_SPAN("{}"), .events_kept = OTP_SPAN("7"), .outbox = OTP_SPAN("otp:{x}:mail"),
        .mail = OTP_SPAN("{\"m\":1}"), .history = OTP_SPAN("otp:{x}:hist"), .waiting = OTP_SPAN("otp:{x}:wait"),
        .serial = OTP_SPAN("K-1"), .since = OTP_SPAN("1700000000")
    };
    otp_command_t command;

    (void) state;
    otp_swap_command(&swap, &command);
    assert_true(command.swap);
    assert_int_equal(command.args, 18);
    assert_argument(&command, 0, "EVALSHA");
    assert_ptr_equal(command.arg[1].data, otp_swap_sha1().data);
    assert_argument(&command, 2, "5");
    assert_arguments(&command, KEYS_AT, keys, 5);
    assert_arguments(&command, ARGV_AT, argv, 10);
}


/* In a Cluster every key must be of one slot, used or not: the record stands in for those that are not. */
static void test_what_is_not_wanted_is_written_as_nothing(void **state)
{
    static const char *const keys[] = {
        "otp:{x}:record", "otp:{x}:events", "otp:{x}:record", "otp:{x}:record", "otp:{x}:record"
    };
    static const char *const argv[] = { "", "new", "0", "", OTP_EVENTS_KEPT, "", "", OTP_HISTORY_KEPT_S, "", "" };
    otp_swap_t    swap = { .key = KEY, .stream = STREAM, .next = OTP_SPAN("new") };
    otp_command_t command;

    (void) state;
    otp_swap_command(&swap, &command);
    assert_arguments(&command, KEYS_AT, keys, 5);
    assert_arguments(&command, ARGV_AT, argv, 10);
}


/* Else they would be written into the record's own key. */
static void test_mail_serial_and_history_without_a_place_or_an_event_go_nowhere(void **state)
{
    static const char *const argv[] = { "", "new", "0", "", OTP_EVENTS_KEPT, "", "", OTP_HISTORY_KEPT_S, "" };
    otp_swap_t swap = {
        .key = KEY, .stream = STREAM, .next = OTP_SPAN("new"), .mail = OTP_SPAN("{}"), .serial = OTP_SPAN("K-1"),
        .history = OTP_SPAN("otp:{x}:hist")
    };
    otp_command_t command;

    (void) state;
    otp_swap_command(&swap, &command);
    assert_arguments(&command, ARGV_AT, argv, 9);
}


static otp_reply_t integer_reply(int64_t integer)
{
    return (otp_reply_t) { .kind = OTP_REPLY_INTEGER, .integer = integer };
}


static void test_one_means_swapped(void **state)
{
    otp_reply_t one = integer_reply(1), reply = { .kind = OTP_REPLY_ARRAY, .element = &one, .elements = 1 };
    otp_span_t  stored = OTP_SPAN("x");

    (void) state;
    assert_int_equal(otp_swap_result(&reply, &stored), OTP_SWAPPED);
    assert_int_equal(stored.len, 0);
}


static void test_zero_means_lost_and_tells_what_is_stored(void **state)
{
    otp_reply_t pair[2] = { integer_reply(0), { .kind = OTP_REPLY_TEXT, .text = OTP_SPAN("theirs") } };
    otp_reply_t reply = { .kind = OTP_REPLY_ARRAY, .element = pair, .elements = 2 };
    otp_span_t  stored;

    (void) state;
    assert_int_equal(otp_swap_result(&reply, &stored), OTP_SWAP_LOST);
    assert_true(otp_span_equal(stored, OTP_SPAN("theirs")));
    pair[1] = (otp_reply_t) { .kind = OTP_REPLY_NIL };
    assert_int_equal(otp_swap_result(&reply, &stored), OTP_SWAP_LOST);
    assert_int_equal(stored.len, 0);
}


static void test_everything_else_means_failed(void **state)
{
    otp_reply_t pair[2] = { integer_reply(0), { .kind = OTP_REPLY_ERROR, .text = OTP_SPAN("ERR") } };
    otp_reply_t replies[] = {
        { .kind = OTP_REPLY_NIL }, { .kind = OTP_REPLY_TEXT, .text = OTP_SPAN("1") }, integer_reply(1),
        { .kind = OTP_REPLY_ERROR, .text = OTP_SPAN("OOM command not allowed") },
        { .kind = OTP_REPLY_ARRAY }, { .kind = OTP_REPLY_ARRAY, .element = pair, .elements = 1 },
        { .kind = OTP_REPLY_ARRAY, .element = pair, .elements = 2 },
        { .kind = OTP_REPLY_ARRAY, .element = pair + 1, .elements = 1 },
    };
    otp_span_t stored;

    (void) state;
    assert_int_equal(otp_swap_result(NULL, &stored), OTP_SWAP_FAILED);
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        assert_int_equal(otp_swap_result(&replies[i], &stored), OTP_SWAP_FAILED);
        assert_int_equal(stored.len, 0);
    }
    pair[0] = integer_reply(1);
    assert_int_equal(otp_swap_result(&replies[6], &stored), OTP_SWAP_FAILED);
    for (int64_t other = -1; other <= 2; other += 3) {
        pair[0] = integer_reply(other);
        assert_int_equal(otp_swap_result(&replies[5], &stored), OTP_SWAP_FAILED);
        assert_int_equal(otp_swap_result(&replies[6], &stored), OTP_SWAP_FAILED);
    }
}


static void test_a_mail_is_one_only_once_the_swap_was_done(void **state)
{
    otp_swap_t    swap = { .key = KEY, .stream = STREAM, .next = OTP_SPAN("new") };
    otp_reply_t   one = { .kind = OTP_REPLY_INTEGER, .integer = 1 }, zero = { .kind = OTP_REPLY_INTEGER };
    otp_reply_t   done = { .kind = OTP_REPLY_ARRAY, .element = &one, .elements = 1 };
    otp_reply_t   pair[2] = { zero, { .kind = OTP_REPLY_NIL } };
    otp_reply_t   lost = { .kind = OTP_REPLY_ARRAY, .element = pair, .elements = 2 };
    otp_command_t command, other = { .arg = { OTP_SPAN("GET"), KEY }, .args = 2 };

    (void) state;
    otp_swap_command(&swap, &command);
    assert_false(otp_swap_mailed(&command, &done));
    swap.outbox = OTP_SPAN("otp:mail:{x}");
    swap.mail = OTP_SPAN("{}");
    otp_swap_command(&swap, &command);
    assert_true(otp_swap_mailed(&command, &done));
    assert_false(otp_swap_mailed(&command, &lost));
    assert_false(otp_swap_mailed(&command, NULL));
    assert_false(otp_swap_mailed(&other, &done));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_is_that_of_the_script),
        cmocka_unit_test(test_command_has_five_keys_and_ten_arguments),
        cmocka_unit_test(test_what_is_not_wanted_is_written_as_nothing),
        cmocka_unit_test(test_mail_serial_and_history_without_a_place_or_an_event_go_nowhere),
        cmocka_unit_test(test_one_means_swapped),
        cmocka_unit_test(test_zero_means_lost_and_tells_what_is_stored),
        cmocka_unit_test(test_everything_else_means_failed),
        cmocka_unit_test(test_a_mail_is_one_only_once_the_swap_was_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
