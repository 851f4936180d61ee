#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "otpctl/otpctl_scan.h"

/* Two masters, in the place of a conversation with Redis.  SCAN gives one name at a time. */

#define MASTERS     2
#define NAMES       4

static struct {
    const char     *name[MASTERS][NAMES];
    otpctl_layout_t layout;
    unsigned        scans;
    unsigned        happens_at;         /* the number of the SCAN before which `happens` is called */
    void          (*happens)(void);
    unsigned        replies_lost;       /* so many more get none */
} redis;

static otp_reply_t *reply_of(const char *bytes)
{
    otp_resp_t  *resp = otp_resp_create();
    otp_reply_t *reply = NULL;

    assert_non_null(resp);
    assert_int_equal(otp_resp_feed(resp, otp_span_of(bytes)), OTP_OK);
    assert_int_equal(otp_resp_take(resp, &reply), OTP_OK);
    otp_resp_destroy(resp);
    return reply;
}


otp_reply_t *otpctl_redis_ask_master(otpctl_redis_t *ours, size_t master, const otp_span_t *arg, size_t args)
{
    char        bytes[200];
    int64_t     cursor;
    const char *name;

    (void) ours;
    assert_int_equal(args, 6);
    assert_int_equal(otp_span_number(arg[1], &cursor), OTP_OK);
    assert_in_range(cursor, 0, NAMES - 1);
    if (++redis.scans == redis.happens_at) {
        redis.happens();
    }
    if (redis.replies_lost) {
        redis.replies_lost--;
        return NULL;
    }
    name = redis.name[master][cursor];
    cursor = cursor + 1 < NAMES && redis.name[master][cursor + 1] ? cursor + 1 : 0;
    if (name) {
        (void) snprintf(bytes, sizeof(bytes), "*2\r\n$1\r\n%d\r\n*1\r\n$%zu\r\n%s\r\n", (int) cursor, strlen(name),
                        name);
    } else {
        (void) snprintf(bytes, sizeof(bytes), "*2\r\n$1\r\n0\r\n*0\r\n");
    }
    return reply_of(bytes);
}


bool otpctl_redis_layout(otpctl_redis_t *ours, otpctl_layout_t *layout)
{
    (void) ours;
    *layout = redis.layout;
    return true;
}


size_t otpctl_redis_masters(const otpctl_redis_t *ours)
{
    (void) ours;
    return MASTERS;
}


const char *otpctl_redis_error(const otpctl_redis_t *ours)
{
    (void) ours;
    return "lost";
}


const char *otpctl_redis_place(const otpctl_redis_t *ours)
{
    (void) ours;
    return "here";
}


otp_reply_t *otpctl_redis_ask(otpctl_redis_t *ours, const otp_span_t *arg, size_t args, int64_t patience_ms)
{
    (void) ours;
    (void) arg;
    (void) args;
    (void) patience_ms;
    return NULL;
}


bool otpctl_redis_ask_many(otpctl_redis_t *ours, const otp_command_t *command, size_t commands, otp_reply_t **reply)
{
    (void) ours;
    (void) command;
    (void) commands;
    (void) reply;
    return false;
}


static int fresh(void **state)
{
    (void) state;
    memset(&redis, 0, sizeof(redis));
    redis.name[0][0] = "p:a";
    redis.name[0][1] = "p:b";
    redis.name[1][0] = "p:c";
    redis.name[1][1] = "p:d";
    return 0;
}


static otpctl_status_t scan(otpctl_names_t *names)
{
    otpctl_t ctl = { .prefix = OTP_SPAN("p:") };

    *names = (otpctl_names_t) { 0 };
    return otpctl_scan(&ctl, "*", names);
}


static void expect_all(void)
{
    static const char *const all[] = { "p:a", "p:b", "p:c", "p:d" };
    otpctl_names_t           names;

    assert_int_equal(scan(&names), OTPCTL_DONE);
    assert_int_equal(names.names, sizeof(all) / sizeof(all[0]));
    for (size_t i = 0; i < names.names; i++) {
        assert_string_equal(names.name[i], all[i]);
    }
    otpctl_names_free(&names);
}


static void test_every_master_is_gone_through_once_when_nothing_changes(void **state)
{
    (void) state;
    expect_all();
    assert_int_equal(redis.scans, 4);
}


/* The first has been gone through, the second not yet. */
static void move_behind(void)
{
    redis.name[0][2] = redis.name[1][1];
    redis.name[1][1] = NULL;
}


static void move_and_tell(void)
{
    move_behind();
    redis.layout.digest++;
}


static void test_name_that_moves_behind_the_walk_is_met_on_a_second_one(void **state)
{
    (void) state;
    redis.happens_at = 3;
    redis.happens = move_and_tell;
    expect_all();
}


static void test_name_of_a_slot_that_is_on_its_way_is_met(void **state)
{
    (void) state;
    redis.layout.moving = true;
    redis.happens_at = 3;
    redis.happens = move_behind;
    expect_all();
    /* Slots that never arrive are no reason to go on for ever. */
    assert_int_equal(redis.scans, 7);
}


/* The cursor of before would pass over names of the next server. */
static void change_server(void)
{
    redis.name[0][0] = "p:b";
    redis.name[0][1] = "p:a";
    redis.layout.opened++;
}


static void test_another_server_in_the_place_of_a_master_is_gone_through_from_its_beginning(void **state)
{
    (void) state;
    redis.happens_at = 2;
    redis.happens = change_server;
    expect_all();
}


static void lose_one(void)
{
    redis.replies_lost = 1;
}


static void lose_all(void)
{
    redis.replies_lost = 1000;
}


static void test_lost_reply_begins_the_walk_anew(void **state)
{
    (void) state;
    redis.happens_at = 4;
    redis.happens = lose_one;
    expect_all();
    assert_int_equal(redis.scans, 8);
}


static void test_master_that_stays_away_gives_no_list(void **state)
{
    otpctl_names_t names;

    (void) state;
    redis.happens_at = 3;
    redis.happens = lose_all;
    assert_int_equal(scan(&names), OTPCTL_UNREACHABLE);
    assert_in_range(redis.scans, 3, 8);
    otpctl_names_free(&names);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_master_is_gone_through_once_when_nothing_changes, fresh),
        cmocka_unit_test_setup(test_name_that_moves_behind_the_walk_is_met_on_a_second_one, fresh),
        cmocka_unit_test_setup(test_name_of_a_slot_that_is_on_its_way_is_met, fresh),
        cmocka_unit_test_setup(test_another_server_in_the_place_of_a_master_is_gone_through_from_its_beginning, fresh),
        cmocka_unit_test_setup(test_lost_reply_begins_the_walk_anew, fresh),
        cmocka_unit_test_setup(test_master_that_stays_away_gives_no_list, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
