/*
 * What the script does, in a Redis of our own: on a socket in a folder of its own, gone with the test.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/store/otp_names.h"
#include "core/store/otp_resp.h"
#include "core/store/otp_swap.h"

#define KEY     OTP_SPAN("otp:{x}:record")
#define STREAM  OTP_SPAN("otp:{x}:events")
#define OUTBOX  OTP_SPAN("otp:{x}:mail")
#define HISTORY OTP_SPAN("otp:{x}:hist")
#define WAITING OTP_SPAN("otp:{x}:wait")

typedef struct {
    char        folder[32];
    char        socket[64];
    pid_t       pid;
    int         log;
    int         fd;
    otp_resp_t *resp;
} redis_t;

static redis_t redis = { .pid = -1, .log = -1, .fd = -1 };

static void run_redis(int log)
{
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void) dup2(log, STDOUT_FILENO);
    (void) dup2(log, STDERR_FILENO);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", redis.socket, "--save", "",
        "--appendonly", "no", "--dir", redis.folder, (char *) NULL);
    _exit(127);
}


/* Reads the log until the server says that it listens; no clock is needed.  False: it never will. */
static bool redis_ready(void)
{
    char   log[16384] = "";
    size_t len = 0;

    while (len < sizeof(log) - 1) {
        ssize_t n = read(redis.log, log + len, sizeof(log) - 1 - len);

        if (n <= 0) {
            return false;
        }
        len += (size_t) n;
        log[len] = '\0';
        if (strstr(log, "ready to accept connections")) {
            return true;
        }
    }
    return false;
}


static int start_redis(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int                log[2];

    (void) state;
    strcpy(redis.folder, "/tmp/otp_swap_XXXXXX");
    if (!mkdtemp(redis.folder) || pipe(log) != 0) {
        return -1;
    }
    (void) snprintf(redis.socket, sizeof(redis.socket), "%s/redis", redis.folder);
    redis.pid = fork();
    if (redis.pid == 0) {
        run_redis(log[1]);
    }
    close(log[1]);
    redis.log = log[0];
    if (redis.pid < 0 || !redis_ready()) {
        print_error("redis-server, which this test needs, does not start\n");
        return -1;
    }
    strcpy(address.sun_path, redis.socket);
    redis.fd = socket(AF_UNIX, SOCK_STREAM, 0);
    redis.resp = otp_resp_create();
    return connect(redis.fd, (struct sockaddr *) &address, sizeof(address));
}


static int stop_redis(void **state)
{
    (void) state;
    otp_resp_destroy(redis.resp);
    close(redis.fd);
    if (redis.pid > 0) {
        kill(redis.pid, SIGTERM);
        waitpid(redis.pid, NULL, 0);
    }
    close(redis.log);
    unlink(redis.socket);
    return rmdir(redis.folder);
}


/* Sends a command and waits for its reply, which the caller destroys. */
static otp_reply_t *ask(const otp_command_t *command, bool as_eval)
{
    char         bytes[4096];
    size_t       len = otp_command_write(command, as_eval, bytes, sizeof(bytes));
    otp_reply_t *reply = NULL;

    assert_true(len <= sizeof(bytes));
    assert_int_equal(write(redis.fd, bytes, len), len);
    while (!reply) {
        ssize_t n = read(redis.fd, bytes, sizeof(bytes));

        assert_true(n > 0);
        assert_int_equal(otp_resp_feed(redis.resp, (otp_span_t) { bytes, (size_t) n }), OTP_OK);
        assert_int_equal(otp_resp_take(redis.resp, &reply), OTP_OK);
    }
    return reply;
}


static otp_reply_t *ask_text(const char *text)
{
    otp_command_t command = { .args = 0 };
    otp_span_t    rest = otp_span_of(text);

    while (rest.data) {
        command.arg[command.args++] = otp_span_cut(&rest, ' ');
    }
    return ask(&command, false);
}


static int64_t ask_integer(const char *text)
{
    otp_reply_t *reply = ask_text(text);
    int64_t      integer = reply->integer;

    assert_int_equal(reply->kind, OTP_REPLY_INTEGER);
    otp_reply_destroy(reply);
    return integer;
}


static void assert_stored(const char *value)
{
    otp_reply_t *reply = ask_text("GET otp:{x}:record");

    assert_int_equal(reply->kind, value ? OTP_REPLY_TEXT : OTP_REPLY_NIL);
    assert_true(otp_span_equal(reply->text, otp_span_of(value)));
    otp_reply_destroy(reply);
}


static int empty_redis(void **state)
{
    (void) state;
    otp_reply_destroy(ask_text("FLUSHALL"));
    return 0;
}


/* Carries out a swap; tells what is stored when it was lost to `theirs`. */
static otp_swapped_t carry_out(const otp_swap_t *swap, const char *theirs)
{
    otp_command_t command;
    otp_span_t    stored;

    otp_swap_command(swap, &command);
    otp_reply_t  *reply = ask(&command, true);
    otp_swapped_t result = otp_swap_result(reply, &stored);

    assert_true(otp_span_equal(stored, otp_span_of(theirs)));
    otp_reply_destroy(reply);
    return result;
}


static otp_swapped_t swap_lost_to(const char *expected, const char *next, const char *ttl_ms, const char *event,
    const char *theirs)
{
    otp_swap_t swap = {
        .key = KEY, .stream = STREAM, .expected = otp_span_of(expected), .next = otp_span_of(next),
        .ttl_ms = otp_span_of(ttl_ms), .event = otp_span_of(event)
    };

    return carry_out(&swap, theirs);
}


static otp_swapped_t swap_of(const char *expected, const char *next, const char *ttl_ms, const char *event)
{
    return swap_lost_to(expected, next, ttl_ms, event, NULL);
}


static void test_redis_knows_the_script_by_our_digest(void **state)
{
    otp_swap_t    swap = { .key = KEY, .stream = STREAM, .next = OTP_SPAN("a") };
    otp_command_t command;
    otp_reply_t  *reply;
    otp_span_t    stored;

    (void) state;
    otp_reply_destroy(ask_text("SCRIPT FLUSH"));
    otp_swap_command(&swap, &command);
    reply = ask(&command, false);
    assert_int_equal(reply->kind, OTP_REPLY_ERROR);
    assert_true(otp_span_starts(reply->text, OTP_SPAN("NOSCRIPT")));
    otp_reply_destroy(reply);
    reply = ask(&command, true);
    assert_int_equal(otp_swap_result(reply, &stored), OTP_SWAPPED);
    otp_reply_destroy(reply);
    reply = ask(&command, false);
    assert_int_equal(otp_swap_result(reply, &stored), OTP_SWAP_LOST);
    assert_true(otp_span_equal(stored, OTP_SPAN("a")));
    otp_reply_destroy(reply);
}


static void test_absent_is_expected_as_nothing(void **state)
{
    (void) state;
    assert_int_equal(swap_of("", "a", NULL, NULL), OTP_SWAPPED);
    assert_stored("a");
    assert_int_equal(swap_lost_to("", "b", NULL, NULL, "a"), OTP_SWAP_LOST);
    assert_stored("a");
}


static void test_only_the_value_that_was_read_is_replaced(void **state)
{
    (void) state;
    assert_int_equal(swap_lost_to("a", "b", NULL, NULL, NULL), OTP_SWAP_LOST);
    assert_stored(NULL);
    assert_int_equal(swap_of("", "a", NULL, NULL), OTP_SWAPPED);
    assert_int_equal(swap_of("a", "b", NULL, NULL), OTP_SWAPPED);
    assert_int_equal(swap_lost_to("a", "c", NULL, NULL, "b"), OTP_SWAP_LOST);
    assert_stored("b");
}


static void test_nothing_as_next_deletes(void **state)
{
    (void) state;
    assert_int_equal(swap_of("", "a", NULL, NULL), OTP_SWAPPED);
    assert_int_equal(swap_lost_to("x", "", NULL, NULL, "a"), OTP_SWAP_LOST);
    assert_int_equal(swap_of("a", "", NULL, NULL), OTP_SWAPPED);
    assert_int_equal(ask_integer("EXISTS otp:{x}:record"), 0);
}


static void test_a_time_to_live_is_set_and_taken_away(void **state)
{
    (void) state;
    assert_int_equal(swap_of("", "a", "3600000", NULL), OTP_SWAPPED);
    assert_in_range(ask_integer("PTTL otp:{x}:record"), 1, 3600000);
    assert_int_equal(swap_of("a", "b", NULL, NULL), OTP_SWAPPED);
    assert_int_equal(ask_integer("PTTL otp:{x}:record"), -1);
}


static void test_a_change_and_its_event_come_together(void **state)
{
    otp_reply_t *events;

    (void) state;
    assert_int_equal(swap_of("", "a", NULL, "{\"n\":1}"), OTP_SWAPPED);
    assert_int_equal(swap_of("a", "", NULL, "{\"n\":2}"), OTP_SWAPPED);
    assert_int_equal(swap_of("", "b", NULL, NULL), OTP_SWAPPED);
    events = ask_text("XRANGE otp:{x}:events - +");
    assert_int_equal(events->elements, 2);
    assert_int_equal(events->element[1].element[1].elements, 2);
    assert_true(otp_span_equal(events->element[0].element[1].element[0].text, OTP_SPAN("e")));
    assert_true(otp_span_equal(events->element[0].element[1].element[1].text, OTP_SPAN("{\"n\":1}")));
    assert_true(otp_span_equal(events->element[1].element[1].element[1].text, OTP_SPAN("{\"n\":2}")));
    otp_reply_destroy(events);
}


static void test_what_was_lost_leaves_no_event(void **state)
{
    (void) state;
    assert_int_equal(swap_lost_to("x", "a", NULL, "{}", NULL), OTP_SWAP_LOST);
    assert_int_equal(ask_integer("XLEN otp:{x}:events"), 0);
}


static void test_no_change_without_its_event(void **state)
{
    (void) state;
    otp_reply_destroy(ask_text("SET otp:{x}:events occupied"));
    assert_int_equal(swap_of("", "a", NULL, "{}"), OTP_SWAP_FAILED);
    assert_stored(NULL);
}


static void test_a_key_of_another_kind_is_left_alone(void **state)
{
    (void) state;
    otp_reply_destroy(ask_text("LPUSH otp:{x}:record a"));
    assert_int_equal(swap_of("", "a", NULL, "{}"), OTP_SWAP_FAILED);
    assert_int_equal(ask_integer("LLEN otp:{x}:record"), 1);
    assert_int_equal(ask_integer("EXISTS otp:{x}:events"), 0);
}


static void assert_length(const char *command, size_t min, size_t max)
{
    int64_t length = ask_integer(command);

    assert_in_range(length, min, max);
}


static void test_streams_keep_about_as_many_events_as_they_are_told(void **state)
{
    otp_swap_t swap = {
        .key = KEY, .stream = STREAM, .expected = OTP_SPAN("a"), .next = OTP_SPAN("a"), .event = OTP_SPAN("{}"),
        .events_kept = OTP_SPAN("100"), .history = HISTORY, .outbox = OUTBOX, .mail = OTP_SPAN("{}")
    };

    (void) state;
    assert_int_equal(swap_of("", "a", NULL, NULL), OTP_SWAPPED);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(carry_out(&swap, NULL), OTP_SWAPPED);
    }
    assert_length("XLEN otp:{x}:events", 100, 300);
    assert_length("XLEN otp:{x}:hist", 50, 250);
    /* What nobody has sent yet is not forgotten. */
    assert_length("XLEN otp:{x}:mail", 500, 500);
}


/* The only entry of the stream: its field and its value. */
static void assert_entry(const char *stream, const char *field, const char *value)
{
    char         command[64];
    otp_reply_t *entries, *pair;

    (void) snprintf(command, sizeof(command), "XRANGE %s - +", stream);
    entries = ask_text(command);
    assert_int_equal(entries->elements, 1);
    pair = &entries->element[0].element[1];
    assert_int_equal(pair->elements, 2);
    assert_true(otp_span_equal(pair->element[0].text, otp_span_of(field)));
    assert_true(otp_span_equal(pair->element[1].text, otp_span_of(value)));
    otp_reply_destroy(entries);
}


static otp_swap_t whole_swap(void)
{
    return (otp_swap_t) {
        .key = KEY, .stream = STREAM, .next = OTP_SPAN("a"), .event = OTP_SPAN("{\"n\":1}"), .outbox = OUTBOX,
        .mail = OTP_SPAN("{\"m\":1}"), .history = HISTORY, .waiting = WAITING, .serial = OTP_SPAN("K-1"),
        .since = OTP_SPAN("1700000000")
    };
}


static void test_change_event_history_mail_and_waiting_come_together(void **state)
{
    otp_swap_t   swap = whole_swap();
    otp_reply_t *score;

    (void) state;
    assert_int_equal(carry_out(&swap, NULL), OTP_SWAPPED);
    assert_stored("a");
    assert_entry("otp:{x}:events", "e", "{\"n\":1}");
    assert_entry("otp:{x}:hist", "e", "{\"n\":1}");
    assert_entry("otp:{x}:mail", "m", "{\"m\":1}");
    score = ask_text("ZSCORE otp:{x}:wait K-1");
    assert_true(otp_span_equal(score->text, OTP_SPAN("1700000000")));
    otp_reply_destroy(score);
}


static void test_history_stays_as_long_as_it_is_told(void **state)
{
    otp_swap_t swap = whole_swap();

    (void) state;
    assert_int_equal(carry_out(&swap, NULL), OTP_SWAPPED);
    assert_length("TTL otp:{x}:hist", 34559000, 34560000);
    assert_int_equal(ask_integer("TTL otp:{x}:events"), -1);
    assert_int_equal(ask_integer("TTL otp:{x}:mail"), -1);
    assert_int_equal(ask_integer("TTL otp:{x}:wait"), -1);
}


static void test_what_was_lost_leaves_nothing_at_all(void **state)
{
    otp_swap_t swap = whole_swap();

    (void) state;
    swap.expected = OTP_SPAN("x");
    assert_int_equal(carry_out(&swap, NULL), OTP_SWAP_LOST);
    assert_int_equal(ask_integer("DBSIZE"), 0);
}


static void test_serial_that_does_not_wait_any_more_is_taken_out(void **state)
{
    otp_swap_t swap = whole_swap();

    (void) state;
    assert_int_equal(carry_out(&swap, NULL), OTP_SWAPPED);
    swap.expected = OTP_SPAN("a");
    swap.since = OTP_SPAN_NONE;
    assert_int_equal(carry_out(&swap, NULL), OTP_SWAPPED);
    assert_int_equal(ask_integer("EXISTS otp:{x}:wait"), 0);
}


/* A change that concerns no request leaves the set as it is. */
static void test_other_serials_go_on_waiting(void **state)
{
    otp_swap_t swap = whole_swap();

    (void) state;
    otp_reply_destroy(ask_text("ZADD otp:{x}:wait 1600000000 K-0"));
    assert_int_equal(carry_out(&swap, NULL), OTP_SWAPPED);
    assert_int_equal(ask_integer("ZCARD otp:{x}:wait"), 2);
    assert_int_equal(swap_of("a", "b", NULL, "{}"), OTP_SWAPPED);
    assert_int_equal(ask_integer("ZCARD otp:{x}:wait"), 2);
}


static void test_no_change_without_its_mail_its_history_or_its_place_in_the_queue(void **state)
{
    static const char *const occupied[] = {
        "SET otp:{x}:mail occupied", "SET otp:{x}:hist occupied", "SET otp:{x}:wait occupied"
    };
    otp_swap_t swap = whole_swap();

    (void) state;
    for (size_t i = 0; i < sizeof(occupied) / sizeof(occupied[0]); i++) {
        otp_reply_destroy(ask_text("FLUSHALL"));
        otp_reply_destroy(ask_text(occupied[i]));
        assert_int_equal(carry_out(&swap, NULL), OTP_SWAP_FAILED);
        assert_stored(NULL);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_redis_knows_the_script_by_our_digest, empty_redis),
        cmocka_unit_test_setup(test_absent_is_expected_as_nothing, empty_redis),
        cmocka_unit_test_setup(test_only_the_value_that_was_read_is_replaced, empty_redis),
        cmocka_unit_test_setup(test_nothing_as_next_deletes, empty_redis),
        cmocka_unit_test_setup(test_a_time_to_live_is_set_and_taken_away, empty_redis),
        cmocka_unit_test_setup(test_a_change_and_its_event_come_together, empty_redis),
        cmocka_unit_test_setup(test_what_was_lost_leaves_no_event, empty_redis),
        cmocka_unit_test_setup(test_no_change_without_its_event, empty_redis),
        cmocka_unit_test_setup(test_a_key_of_another_kind_is_left_alone, empty_redis),
        cmocka_unit_test_setup(test_streams_keep_about_as_many_events_as_they_are_told, empty_redis),
        cmocka_unit_test_setup(test_change_event_history_mail_and_waiting_come_together, empty_redis),
        cmocka_unit_test_setup(test_history_stays_as_long_as_it_is_told, empty_redis),
        cmocka_unit_test_setup(test_what_was_lost_leaves_nothing_at_all, empty_redis),
        cmocka_unit_test_setup(test_serial_that_does_not_wait_any_more_is_taken_out, empty_redis),
        cmocka_unit_test_setup(test_other_serials_go_on_waiting, empty_redis),
        cmocka_unit_test_setup(test_no_change_without_its_mail_its_history_or_its_place_in_the_queue, empty_redis),
    };

    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
