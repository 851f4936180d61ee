#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/decide/otp_guard.h"

#define NOW INT64_C(1700000000)

static otp_session_t password_session(void)
{
    return (otp_session_t) {
        .person = { .uid = OTP_SPAN("marie"), .groups = OTP_SPAN("teachers,staff") },
        .level = OTP_LEVEL_PASSWORD, .method = OTP_AUTH_PASSWORD, .password_proven = true, .expires = NOW + 3600,
    };
}


static otp_session_t key_session(void)
{
    otp_session_t session = password_session();

    session.level = OTP_LEVEL_OTP;
    session.method = OTP_AUTH_KEY;
    session.otp_time = NOW - 600;

    return session;
}


static otp_guard_policy_t policy_of(otp_level_t level)
{
    return (otp_guard_policy_t) { .level = level, .emergency = true };
}


static void test_level_is_read_and_anything_else_asks_for_the_key(void **state)
{
    static const char *const otp[] = { "otp", "", "OTP", "Off", "off ", "passwords", "none", "0" };

    (void) state;
    assert_int_equal(otp_guard_level(OTP_SPAN("off")), OTP_LEVEL_OFF);
    assert_int_equal(otp_guard_level(OTP_SPAN("password")), OTP_LEVEL_PASSWORD);
    assert_int_equal(otp_guard_level(OTP_SPAN_NONE), OTP_LEVEL_OTP);
    for (size_t i = 0; i < sizeof(otp) / sizeof(otp[0]); i++) {
        assert_int_equal(otp_guard_level(otp_span_of(otp[i])), OTP_LEVEL_OTP);
    }
}


/* The rows of the interface: level of the location against what the browser has. */
static void test_each_level_against_each_session(void **state)
{
    static const struct {
        otp_level_t         level;
        int                 session;    /* 0 none, 1 password, 2 key */
        otp_guard_verdict_t verdict;
    } rows[] = {
        { OTP_LEVEL_OFF, 0, OTP_GUARD_PASS }, { OTP_LEVEL_OFF, 1, OTP_GUARD_PASS }, { OTP_LEVEL_OFF, 2,
                                                                                      OTP_GUARD_PASS },
        { OTP_LEVEL_PASSWORD, 0, OTP_GUARD_LOGIN }, { OTP_LEVEL_PASSWORD, 1, OTP_GUARD_PASS },
        { OTP_LEVEL_PASSWORD, 2, OTP_GUARD_PASS },
        { OTP_LEVEL_OTP, 0, OTP_GUARD_LOGIN }, { OTP_LEVEL_OTP, 1, OTP_GUARD_PASSCODE },
        { OTP_LEVEL_OTP, 2, OTP_GUARD_PASS },
    };
    otp_session_t        password = password_session(), key = key_session();
    const otp_session_t *sessions[] = { NULL, &password, &key };

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        otp_guard_policy_t policy = policy_of(rows[i].level);

        assert_int_equal(otp_guard_decide(&policy, sessions[rows[i].session], NOW), rows[i].verdict);
    }
}


static void test_passcode_is_young_enough_up_to_max_age(void **state)
{
    otp_guard_policy_t policy = policy_of(OTP_LEVEL_OTP);
    otp_session_t      session = key_session();

    (void) state;
    policy.max_age_s = 600;
    assert_int_equal(otp_guard_decide(&policy, &session, NOW - 1), OTP_GUARD_PASS);
    assert_int_equal(otp_guard_decide(&policy, &session, NOW), OTP_GUARD_PASS);
    assert_int_equal(otp_guard_decide(&policy, &session, NOW + 1), OTP_GUARD_PASSCODE);
    policy.max_age_s = 0;
    assert_int_equal(otp_guard_decide(&policy, &session, NOW + 36000), OTP_GUARD_PASS);
}


static void test_max_age_counts_where_the_key_is_needed_only(void **state)
{
    otp_guard_policy_t policy = policy_of(OTP_LEVEL_PASSWORD);
    otp_session_t      session = key_session();

    (void) state;
    policy.max_age_s = 1;
    assert_int_equal(otp_guard_decide(&policy, &session, NOW), OTP_GUARD_PASS);
}


static void test_emergency_password_opens_where_the_operator_lets_it(void **state)
{
    otp_guard_policy_t policy = policy_of(OTP_LEVEL_OTP);
    otp_session_t      session = key_session();

    (void) state;
    session.method = OTP_AUTH_EMERGENCY;
    assert_int_equal(otp_guard_decide(&policy, &session, NOW), OTP_GUARD_PASS);
    policy.emergency = false;
    assert_int_equal(otp_guard_decide(&policy, &session, NOW), OTP_GUARD_PASSCODE);
    policy.level = OTP_LEVEL_PASSWORD;
    assert_int_equal(otp_guard_decide(&policy, &session, NOW), OTP_GUARD_PASS);
}


static void test_key_opens_where_emergency_passwords_do_not(void **state)
{
    otp_guard_policy_t policy = policy_of(OTP_LEVEL_OTP);
    otp_session_t      session = key_session();

    (void) state;
    policy.emergency = false;
    assert_int_equal(otp_guard_decide(&policy, &session, NOW), OTP_GUARD_PASS);
}


static void test_groups_and_users_that_may_pass(void **state)
{
    static const otp_span_t nurses[] = { OTP_SPAN("nurses") }, both[] = { OTP_SPAN("nurses"), OTP_SPAN("staff") };
    static const otp_span_t paul[] = { OTP_SPAN("paul") }, marie[] = { OTP_SPAN("paul"), OTP_SPAN("marie") };
    static const otp_span_t part[] = { OTP_SPAN("staf") }, nobody[] = { OTP_SPAN("mari") };
    const struct {
        otp_allow_t         allow;
        otp_guard_verdict_t verdict;
    } rows[] = {
        { { NULL, 0, NULL, 0 }, OTP_GUARD_PASS }, { { nurses, 1, NULL, 0 }, OTP_GUARD_FORBIDDEN },
        { { both, 2, NULL, 0 }, OTP_GUARD_PASS }, { { NULL, 0, paul, 1 }, OTP_GUARD_FORBIDDEN },
        { { NULL, 0, marie, 2 }, OTP_GUARD_PASS }, { { nurses, 1, marie, 2 }, OTP_GUARD_PASS },
        { { both, 2, paul, 1 }, OTP_GUARD_PASS }, { { nurses, 1, paul, 1 }, OTP_GUARD_FORBIDDEN },
        { { part, 1, NULL, 0 }, OTP_GUARD_FORBIDDEN }, { { NULL, 0, nobody, 1 }, OTP_GUARD_FORBIDDEN },
    };
    otp_session_t session = key_session();

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        otp_guard_policy_t policy = policy_of(OTP_LEVEL_OTP);

        policy.allow = rows[i].allow;
        assert_int_equal(otp_guard_decide(&policy, &session, NOW), rows[i].verdict);
        policy.level = OTP_LEVEL_PASSWORD;
        assert_int_equal(otp_guard_decide(&policy, &session, NOW), rows[i].verdict);
    }
}


static void test_who_may_not_pass_is_told_before_the_key_is_asked_for(void **state)
{
    static const otp_span_t nurses[] = { OTP_SPAN("nurses") };
    otp_guard_policy_t      policy = policy_of(OTP_LEVEL_OTP);
    otp_session_t           session = password_session();

    (void) state;
    policy.allow = (otp_allow_t) { nurses, 1, NULL, 0 };
    assert_int_equal(otp_guard_decide(&policy, &session, NOW), OTP_GUARD_FORBIDDEN);
    assert_int_equal(otp_guard_decide(&policy, NULL, NOW), OTP_GUARD_LOGIN);
}


static void assert_location(otp_guard_verdict_t verdict, const char *asked, const char *expected)
{
    char   location[512];
    size_t len;

    assert_int_equal(otp_guard_location(verdict, OTP_SPAN("/otp/"), otp_span_of(asked), location, sizeof(location),
                                        &len),
                     OTP_OK);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(location, expected, len);
}


static void test_location_carries_what_was_asked_for_percent_encoded(void **state)
{
    char   location[20];
    size_t len;

    (void) state;
    assert_location(OTP_GUARD_LOGIN, "/marks/", "/otp/login?rd=%2Fmarks%2F");
    assert_location(OTP_GUARD_PASSCODE, "/m?a=b&c=d#\"\r\n", "/otp/passcode?rd=%2Fm%3Fa%3Db%26c%3Dd%23%22%0D%0A");
    assert_location(OTP_GUARD_LOGIN, "/caf\xc3\xa9", "/otp/login?rd=%2Fcaf%C3%A9");
    assert_int_equal(otp_guard_location(OTP_GUARD_LOGIN, OTP_SPAN("/otp/"), OTP_SPAN("/marks/"), location,
                                        sizeof(location), &len), OTP_NO_ROOM);
}


static void assert_json(otp_guard_verdict_t verdict, const char *expected)
{
    char   json[256];
    size_t len;

    assert_int_equal(otp_guard_json(verdict, OTP_SPAN("/otp/login?rd=%2F"), json, sizeof(json), &len), OTP_OK);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(json, expected, len);
}


static void test_json_says_what_is_missing_and_where_to_get_it(void **state)
{
    char   json[16];
    size_t len;

    (void) state;
    assert_json(OTP_GUARD_LOGIN, "{\"error\":\"login_required\",\"location\":\"/otp/login?rd=%2F\"}");
    assert_json(OTP_GUARD_PASSCODE, "{\"error\":\"otp_required\",\"location\":\"/otp/login?rd=%2F\"}");
    assert_json(OTP_GUARD_FORBIDDEN, "{\"error\":\"forbidden\"}");
    assert_int_equal(otp_guard_json(OTP_GUARD_LOGIN, OTP_SPAN("/x"), json, sizeof(json), &len), OTP_NO_ROOM);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_level_is_read_and_anything_else_asks_for_the_key),
        cmocka_unit_test(test_each_level_against_each_session),
        cmocka_unit_test(test_passcode_is_young_enough_up_to_max_age),
        cmocka_unit_test(test_max_age_counts_where_the_key_is_needed_only),
        cmocka_unit_test(test_emergency_password_opens_where_the_operator_lets_it),
        cmocka_unit_test(test_key_opens_where_emergency_passwords_do_not),
        cmocka_unit_test(test_groups_and_users_that_may_pass),
        cmocka_unit_test(test_who_may_not_pass_is_told_before_the_key_is_asked_for),
        cmocka_unit_test(test_location_carries_what_was_asked_for_percent_encoded),
        cmocka_unit_test(test_json_says_what_is_missing_and_where_to_get_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
