#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "otpctl/otpctl_doctor.h"

static void test_value_of_info_is_found_by_its_whole_name(void **state)
{
    otp_span_t info = OTP_SPAN("# Memory\r\nused_memory_human:1M\r\nused_memory:42\r\nempty:\r\n");

    (void) state;
    assert_true(otp_span_equal(otpctl_info(info, "used_memory"), OTP_SPAN("42")));
    assert_int_equal(otpctl_info(info, "empty").len, 0);
    assert_int_equal(otpctl_info(info, "memory").len, 0);
    assert_int_equal(otpctl_info(OTP_SPAN_NONE, "memory").len, 0);
}


static void test_version_before_6_2_is_a_fault(void **state)
{
    static const struct {
        const char     *info;
        otpctl_health_t health;
    } cases[] = {
        { "redis_version:6.0.16\r\n", OTPCTL_FAULT }, { "redis_version:6.2.0\r\n", OTPCTL_FINE },
        { "redis_version:7.0.15\r\n", OTPCTL_FINE }, { "redis_version:10.0.0\r\n", OTPCTL_FINE },
        { "redis_version:5.9\r\n", OTPCTL_FAULT }, { "redis_version:unstable\r\n", OTPCTL_FAULT }, { "", OTPCTL_FAULT },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        otpctl_check_t check;

        otpctl_check_version(otp_span_of(cases[i].info), &check);
        assert_int_equal(check.health, cases[i].health);
        assert_int_equal(check.remedy[0] == '\0', check.health == OTPCTL_FINE);
    }
}


static void test_persistence_is_judged_by_what_a_restart_forgets(void **state)
{
    static const struct {
        const char     *info, *save;
        otpctl_health_t health;
    } cases[] = {
        { "aof_enabled:1\r\naof_last_write_status:ok\r\n", "", OTPCTL_FINE },
        { "aof_enabled:1\r\naof_last_write_status:err\r\n", "", OTPCTL_FAULT },
        { "aof_enabled:0\r\n", "", OTPCTL_FAULT },
        { "aof_enabled:0\r\n", NULL, OTPCTL_WARNING },
        { "aof_enabled:0\r\nrdb_last_bgsave_status:ok\r\n", "3600 1", OTPCTL_WARNING },
        { "aof_enabled:0\r\nrdb_last_bgsave_status:err\r\n", "3600 1", OTPCTL_FAULT },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        otpctl_check_t check;

        otpctl_check_persistence(otp_span_of(cases[i].info), otp_span_of(cases[i].save), &check);
        assert_int_equal(check.health, cases[i].health);
        assert_int_equal(check.remedy[0] == '\0', check.health == OTPCTL_FINE);
    }
}


static void test_every_policy_that_evicts_is_a_fault(void **state)
{
    otpctl_check_t check;

    (void) state;
    otpctl_check_eviction(OTP_SPAN("maxmemory_policy:noeviction\r\n"), &check);
    assert_int_equal(check.health, OTPCTL_FINE);
    otpctl_check_eviction(OTP_SPAN("maxmemory_policy:volatile-lru\r\n"), &check);
    assert_int_equal(check.health, OTPCTL_FAULT);
    otpctl_check_eviction(OTP_SPAN(""), &check);
    assert_int_equal(check.health, OTPCTL_FAULT);
}


static void test_memory_that_is_nearly_full_is_a_warning(void **state)
{
    otpctl_check_t check;

    (void) state;
    otpctl_check_eviction(OTP_SPAN("maxmemory_policy:noeviction\r\nmaxmemory:1000\r\nused_memory:900\r\n"), &check);
    assert_int_equal(check.health, OTPCTL_FINE);
    otpctl_check_eviction(OTP_SPAN("maxmemory_policy:noeviction\r\nmaxmemory:1000\r\nused_memory:901\r\n"), &check);
    assert_int_equal(check.health, OTPCTL_WARNING);
}


static void test_replica_is_a_fault_and_a_lonely_master_a_warning(void **state)
{
    otpctl_check_t check;

    (void) state;
    otpctl_check_replicas(OTP_SPAN("role:slave\r\nmaster_host:redis1\r\nconnected_slaves:2\r\n"), &check);
    assert_int_equal(check.health, OTPCTL_FAULT);
    assert_non_null(strstr(check.text, "redis1"));
    otpctl_check_replicas(OTP_SPAN("role:master\r\nconnected_slaves:0\r\n"), &check);
    assert_int_equal(check.health, OTPCTL_WARNING);
    otpctl_check_replicas(OTP_SPAN("role:master\r\nconnected_slaves:1\r\n"), &check);
    assert_int_equal(check.health, OTPCTL_FINE);
}


static void test_clocks_may_differ_by_a_second_in_either_direction(void **state)
{
    static const struct {
        int64_t         skew_ms;
        otpctl_health_t health;
        const char     *text;
    } cases[] = {
        { 0, OTPCTL_FINE, "0.000 s" }, { 1000, OTPCTL_FINE, "ahead" }, { -1000, OTPCTL_FINE, "behind" },
        { 1001, OTPCTL_WARNING, "1.001 s ahead" }, { -10000, OTPCTL_WARNING, "10.000 s behind" },
        { 10001, OTPCTL_FAULT, "10.001 s ahead" }, { -3600000, OTPCTL_FAULT, "3600.000 s behind" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        otpctl_check_t check;

        otpctl_check_clock(cases[i].skew_ms, &check);
        assert_int_equal(check.health, cases[i].health);
        assert_non_null(strstr(check.text, cases[i].text));
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_of_info_is_found_by_its_whole_name),
        cmocka_unit_test(test_version_before_6_2_is_a_fault),
        cmocka_unit_test(test_persistence_is_judged_by_what_a_restart_forgets),
        cmocka_unit_test(test_every_policy_that_evicts_is_a_fault),
        cmocka_unit_test(test_memory_that_is_nearly_full_is_a_warning),
        cmocka_unit_test(test_replica_is_a_fault_and_a_lonely_master_a_warning),
        cmocka_unit_test(test_clocks_may_differ_by_a_second_in_either_direction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
