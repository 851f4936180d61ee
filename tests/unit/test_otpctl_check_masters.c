#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "otpctl/otpctl_doctor.h"

static otpctl_check_t check;

#define ONLINE(n)   "slave" n ":ip=10.0.0." n ",port=6379,state=online,offset=9,lag=0\r\n"
#define SYNCING(n)  "slave" n ":ip=10.0.0." n ",port=6379,state=wait_bgsave,offset=0,lag=0\r\n"

static void test_only_replicas_that_follow_count_for_what_was_promised(void **state)
{
    static const struct {
        const char     *info;
        int64_t         asked;
        otpctl_health_t health;
    } cases[] = {
        { "connected_slaves:0\r\n", 1, OTPCTL_FAULT }, { ONLINE("0"), 1, OTPCTL_WARNING },
        { ONLINE("0") ONLINE("1"), 1, OTPCTL_FINE }, { ONLINE("0") SYNCING("1"), 2, OTPCTL_FAULT },
        { SYNCING("0") ONLINE("1"), 1, OTPCTL_WARNING }, { "", 1, OTPCTL_FAULT },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        otpctl_check_promise(otp_span_of(cases[i].info), cases[i].asked, &check);
        assert_int_equal(check.health, cases[i].health);
        assert_int_equal(check.remedy[0] == '\0', check.health == OTPCTL_FINE);
    }
}


static void test_master_that_writes_without_replicas_is_warned_of(void **state)
{
    (void) state;
    otpctl_check_cut_off(OTP_SPAN("0"), &check);
    assert_int_equal(check.health, OTPCTL_WARNING);
    assert_non_null(strstr(check.remedy, "min-replicas-to-write 1"));
    otpctl_check_cut_off(OTP_SPAN("1"), &check);
    assert_int_equal(check.health, OTPCTL_FINE);
    otpctl_check_cut_off(OTP_SPAN_NONE, &check);
    assert_int_equal(check.health, OTPCTL_WARNING);
    assert_non_null(strstr(check.remedy, "ACL"));
}


static otpctl_sentinels_t sentinels(size_t answer, size_t agree, int64_t known, int64_t quorum)
{
    return (otpctl_sentinels_t) {
        .asked = 3, .answer = answer, .agree = agree, .known = known, .quorum = quorum, .master = "10.0.0.1:6379",
        .silent = "Sentinel at c: connect: Connection refused", .differs = "c says 10.0.0.2:6379"
    };
}


static void test_sentinels_must_answer_agree_and_be_enough(void **state)
{
    static const struct {
        size_t          answer, agree;
        int64_t         known, quorum;
        otpctl_health_t health;
        const char     *says;
    } cases[] = {
        { 3, 3, 3, 2, OTPCTL_FINE, "quorum 2" }, { 0, 0, 0, 0, OTPCTL_FAULT, "refused" },
        { 3, 2, 3, 2, OTPCTL_FAULT, "c says" }, { 2, 2, 3, 2, OTPCTL_WARNING, "2 of 3" },
        { 3, 3, 2, 2, OTPCTL_WARNING, "2 watch" }, { 3, 3, 3, 1, OTPCTL_WARNING, "quorum is 1" },
        { 3, 3, 0, 0, OTPCTL_WARNING, "do not tell" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        otpctl_sentinels_t found = sentinels(cases[i].answer, cases[i].agree, cases[i].known, cases[i].quorum);

        otpctl_check_sentinels(&found, &check);
        assert_int_equal(check.health, cases[i].health);
        assert_non_null(strstr(check.text, cases[i].says));
        assert_int_equal(check.remedy[0] == '\0', check.health == OTPCTL_FINE);
    }
}


static void test_missing_quorum_is_a_fault_in_the_words_of_sentinel(void **state)
{
    otpctl_sentinels_t found = sentinels(3, 3, 3, 2);

    (void) state;
    found.objection = OTP_SPAN("a: NOQUORUM 1 usable Sentinels");
    otpctl_check_sentinels(&found, &check);
    assert_int_equal(check.health, OTPCTL_FAULT);
    assert_non_null(strstr(check.text, "NOQUORUM 1"));
}


static void test_cluster_must_be_whole(void **state)
{
    static const struct {
        const char     *info;
        size_t          masters, gaps;
        bool            moving;
        otpctl_health_t health;
    } cases[] = {
        { "cluster_enabled:1\r\ncluster_state:ok\r\n", 3, 0, false, OTPCTL_FINE },
        { "cluster_state:fail\r\n", 3, 0, false, OTPCTL_FAULT }, { "cluster_state:ok\r\n", 3, 1, false, OTPCTL_FAULT },
        { "cluster_state:ok\r\n", 3, 0, true, OTPCTL_WARNING }, { "cluster_state:ok\r\n", 2, 0, false, OTPCTL_WARNING },
        { "", 3, 0, false, OTPCTL_WARNING }, { "", 3, 5, false, OTPCTL_FAULT },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        otpctl_check_cluster(otp_span_of(cases[i].info), cases[i].masters, cases[i].gaps, cases[i].moving, &check);
        assert_int_equal(check.health, cases[i].health);
        assert_int_equal(check.remedy[0] == '\0', check.health == OTPCTL_FINE);
    }
}


static void test_of_several_masters_the_worst_is_told_with_its_place(void **state)
{
    otpctl_check_t kept[3];
    size_t         checks = 0;

    (void) state;
    otpctl_check_eviction(OTP_SPAN("maxmemory_policy:noeviction\r\n"), &check);
    checks = otpctl_check_merge(kept, checks, &check, "a:1");
    assert_int_equal(checks, 1);
    assert_string_equal(kept[0].text, "noeviction");
    otpctl_check_eviction(OTP_SPAN("maxmemory_policy:allkeys-lru\r\n"), &check);
    checks = otpctl_check_merge(kept, checks, &check, "b:1");
    assert_int_equal(checks, 1);
    assert_int_equal(kept[0].health, OTPCTL_FAULT);
    assert_true(strncmp(kept[0].text, "b:1: maxmemory-policy", 21) == 0);
    otpctl_check_eviction(OTP_SPAN("maxmemory_policy:noeviction\r\n"), &check);
    checks = otpctl_check_merge(kept, checks, &check, "c:1");
    assert_int_equal(kept[0].health, OTPCTL_FAULT);
    otpctl_check_clock(20000, &check);
    assert_int_equal(otpctl_check_merge(kept, checks, &check, ""), 2);
    assert_true(strncmp(kept[1].text, "Redis' clock", 12) == 0);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_replicas_that_follow_count_for_what_was_promised),
        cmocka_unit_test(test_master_that_writes_without_replicas_is_warned_of),
        cmocka_unit_test(test_sentinels_must_answer_agree_and_be_enough),
        cmocka_unit_test(test_missing_quorum_is_a_fault_in_the_words_of_sentinel),
        cmocka_unit_test(test_cluster_must_be_whole),
        cmocka_unit_test(test_of_several_masters_the_worst_is_told_with_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
