#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/store/otp_resp.h"
#include "otpctl/otpctl_slot_map.h"

static otpctl_slot_map_t map;

static int fresh_map(void **state)
{
    (void) state;
    otpctl_slot_map_init(&map);
    return 0;
}


/* Takes what Redis would send. */
static bool take(const char *bytes, const char *asked)
{
    otp_resp_t  *resp = otp_resp_create();
    otp_reply_t *reply = NULL;
    bool         taken;

    assert_non_null(resp);
    assert_int_equal(otp_resp_feed(resp, otp_span_of(bytes)), OTP_OK);
    assert_int_equal(otp_resp_take(resp, &reply), OTP_OK);
    assert_non_null(reply);
    taken = otpctl_slot_map_read(&map, reply, otp_span_of(asked));
    otp_reply_destroy(reply);
    otp_resp_destroy(resp);
    return taken;
}


#define SERVER(host, port)  "*4\r\n" host ":" port "\r\n$2\r\nid\r\n*0\r\n"
#define HOST_A              "$8\r\n10.0.0.1\r\n"
#define HOST_B              "$8\r\n10.0.0.2\r\n"

static const char two_masters[] =
    "*2\r\n"
    "*4\r\n:0\r\n:8191\r\n" SERVER(HOST_A, "7001") SERVER(HOST_B, "7003")
    "*3\r\n:8192\r\n:16383\r\n" SERVER(HOST_B, "7002");

static void test_every_slot_has_the_master_of_its_range(void **state)
{
    (void) state;
    assert_int_equal(otpctl_slot_map_gaps(&map), OTP_SLOTS);
    assert_true(take(two_masters, "h"));
    assert_int_equal(map.servers, 2);
    assert_int_equal(map.owner[0], 0);
    assert_int_equal(map.owner[8191], 0);
    assert_int_equal(map.owner[8192], 1);
    assert_int_equal(map.owner[16383], 1);
    assert_int_equal(otpctl_slot_map_gaps(&map), 0);
    assert_string_equal(map.server[0].text, "10.0.0.1:7001");
    assert_int_equal(map.server[0].replicas, 1);
    assert_int_equal(map.server[1].replicas, 0);
    assert_true(map.server[0].master && map.server[1].master);
}


static void test_server_keeps_its_place_when_the_map_is_taken_anew(void **state)
{
    (void) state;
    assert_true(take(two_masters, "h"));
    assert_true(take("*1\r\n*3\r\n:5\r\n:9\r\n" SERVER(HOST_B, "7002"), "h"));
    assert_int_equal(map.servers, 2);
    assert_false(map.server[0].master);
    assert_true(map.server[1].master);
    assert_int_equal(map.owner[5], 1);
    assert_int_equal(map.owner[4], -1);
    assert_int_equal(otpctl_slot_map_gaps(&map), OTP_SLOTS - 5);
}


static void test_server_without_a_host_is_the_one_that_was_asked(void **state)
{
    static const char *const hosts[] = { "$-1\r\n", "$0\r\n\r\n", "$1\r\n?\r\n" };

    (void) state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char bytes[200];

        otpctl_slot_map_init(&map);
        (void) snprintf(bytes, sizeof(bytes), "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n%s:7001\r\n$2\r\nid\r\n", hosts[i]);
        assert_true(take(bytes, "2001:db8::1"));
        assert_string_equal(map.server[0].text, "[2001:db8::1]:7001");
        assert_false(take(bytes, ""));
    }
}


static void test_reply_that_is_no_map_leaves_the_old_one(void **state)
{
    static const char *const replies[] = {
        "*0\r\n", "+OK\r\n", "-ERR This instance has cluster support disabled\r\n", "*1\r\n:1\r\n",
        "*1\r\n*2\r\n:0\r\n:5\r\n", "*1\r\n*3\r\n:-1\r\n:5\r\n" SERVER(HOST_A, "1"),
        "*1\r\n*3\r\n:0\r\n:16384\r\n" SERVER(HOST_A, "1"), "*1\r\n*3\r\n:6\r\n:5\r\n" SERVER(HOST_A, "1"),
        "*1\r\n*3\r\n:0\r\n:5\r\n" SERVER(HOST_A, "0"), "*1\r\n*3\r\n:0\r\n:5\r\n" SERVER(HOST_A, "65536"),
        "*1\r\n*3\r\n:0\r\n:5\r\n*1\r\n" HOST_A,
    };

    (void) state;
    assert_true(take(two_masters, "h"));
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        assert_false(take(replies[i], "h"));
        assert_int_equal(otpctl_slot_map_gaps(&map), 0);
        assert_int_equal(map.owner[8192], 1);
    }
}


static void test_servers_beyond_the_bound_are_refused(void **state)
{
    char port[16];

    (void) state;
    for (int i = 0; i < OTPCTL_SERVERS; i++) {
        (void) snprintf(port, sizeof(port), "%d", 7000 + i);
        assert_int_equal(otpctl_slot_map_server(&map, OTP_SPAN("h"), otp_span_of(port)), i);
    }
    assert_int_equal(otpctl_slot_map_server(&map, OTP_SPAN("h"), OTP_SPAN("7000")), 0);
    assert_int_equal(otpctl_slot_map_server(&map, OTP_SPAN("other"), OTP_SPAN("7000")), -1);
}


#define NODE_A  "aaaa 10.0.0.1:7001@17001 myself,master - 0 0 "
#define NODE_C  "cccc 10.0.0.3:7009@17009,name "

static uint64_t digest_of(const char *nodes, bool *moving)
{
    uint64_t digest = 0;

    *moving = false;
    otpctl_slot_map_nodes(&map, otp_span_of(nodes), &digest, moving);
    return digest;
}


static void test_digest_changes_with_slots_and_epoch_only(void **state)
{
    bool     moving;
    uint64_t digest = digest_of(NODE_A "1 connected 0-8191\n", &moving);

    (void) state;
    assert_false(moving);
    assert_int_equal(digest, digest_of("bbbb 10.0.0.2:7002@17002 master - 5 6 2 connected 8192-16383\n"
                                       "aaaa 10.0.0.1:7001@17001 myself,master - 7 8 1 connected 0-8191\n", &moving));
    assert_int_not_equal(digest, digest_of(NODE_A "1 connected 0-8190\n", &moving));
    assert_int_not_equal(digest, digest_of(NODE_A "2 connected 0-8191\n", &moving));
    assert_false(moving);
}


static void test_slot_on_its_way_is_seen(void **state)
{
    bool moving;

    (void) state;
    (void) digest_of(NODE_A "1 connected 0-8191 [77->-bbbb]\n", &moving);
    assert_true(moving);
    (void) digest_of(NODE_A "1 connected [77-<-bbbb]\n", &moving);
    assert_true(moving);
}


static void test_master_without_slots_is_met(void **state)
{
    bool moving;

    (void) state;
    assert_true(take(two_masters, "h"));
    (void) digest_of(NODE_C "master - 0 0 3 connected\n", &moving);
    assert_int_equal(map.servers, 3);
    assert_string_equal(map.server[2].text, "10.0.0.3:7009");
    assert_true(map.server[2].master);
}


static void test_replicas_and_the_dead_are_not_met(void **state)
{
    static const char *const lines[] = {
        NODE_C "slave aaaa 0 0 3 connected\n", NODE_C "master,fail - 0 0 3 disconnected\n",
        "cccc :0@0 master,noaddr - 0 0 3 disconnected\n", NODE_C "master,handshake - 0 0 0 connected\n",
        NODE_C "master - 0 0 3 connected 5\n", "", "\n", "garbage",
    };
    bool moving;

    (void) state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        (void) digest_of(lines[i], &moving);
        assert_int_equal(map.servers, 0);
        assert_false(moving);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_slot_has_the_master_of_its_range, fresh_map),
        cmocka_unit_test_setup(test_server_keeps_its_place_when_the_map_is_taken_anew, fresh_map),
        cmocka_unit_test_setup(test_server_without_a_host_is_the_one_that_was_asked, fresh_map),
        cmocka_unit_test_setup(test_reply_that_is_no_map_leaves_the_old_one, fresh_map),
        cmocka_unit_test_setup(test_servers_beyond_the_bound_are_refused, fresh_map),
        cmocka_unit_test_setup(test_digest_changes_with_slots_and_epoch_only, fresh_map),
        cmocka_unit_test_setup(test_slot_on_its_way_is_seen, fresh_map),
        cmocka_unit_test_setup(test_master_without_slots_is_met, fresh_map),
        cmocka_unit_test_setup(test_replicas_and_the_dead_are_not_met, fresh_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
