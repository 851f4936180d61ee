#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "otpctl/otpctl_address.h"

static otpctl_address_t address;
static char             error[256];

static void test_defaults_are_those_of_the_directive(void **state)
{
    (void) state;
    assert_true(otpctl_address_parse(&address, "localhost", error, sizeof(error)));
    assert_int_equal(address.places, 1);
    assert_string_equal(address.place[0].host, "localhost");
    assert_string_equal(address.place[0].port, "6379");
    assert_null(address.place[0].path);
    assert_string_equal(address.prefix, "otp:");
    assert_string_equal(address.db, "0");
    assert_int_equal(address.timeout_ms, 1000);
    assert_false(address.tls);
}


static void test_every_word_is_understood_in_any_order(void **state)
{
    (void) state;
    assert_true(otpctl_address_parse(&address,
                                     " tls\tdb=7 a.example:7000 prefix=p: [2001:db8::1]:6380 user=u replicas=0 "
                                     "password_file=/p tls_ca=/ca tls_name=n timeout=250ms unix:/run/a=b.sock ",
                                     error, sizeof(error)));
    assert_int_equal(address.places, 3);
    assert_string_equal(address.place[0].host, "a.example");
    assert_string_equal(address.place[0].port, "7000");
    assert_string_equal(address.place[0].text, "a.example:7000");
    assert_string_equal(address.place[1].host, "2001:db8::1");
    assert_string_equal(address.place[1].port, "6380");
    assert_string_equal(address.place[1].text, "[2001:db8::1]:6380");
    assert_string_equal(address.place[2].path, "/run/a=b.sock");
    assert_true(address.tls);
    assert_string_equal(address.tls_ca, "/ca");
    assert_string_equal(address.tls_name, "n");
    assert_string_equal(address.user, "u");
    assert_string_equal(address.password_file, "/p");
    assert_string_equal(address.db, "7");
    assert_string_equal(address.prefix, "p:");
    assert_int_equal(address.timeout_ms, 250);
}


static void test_masters_can_be_found_by_sentinel_or_cluster(void **state)
{
    (void) state;
    assert_true(otpctl_address_parse(&address, "a b:7 [::1] unix:/s sentinel=main sentinel_user=w "
                                     "sentinel_password_file=/w db=3 replicas=2", error, sizeof(error)));
    assert_string_equal(address.sentinel, "main");
    assert_string_equal(address.sentinel_user, "w");
    assert_string_equal(address.sentinel_password_file, "/w");
    assert_int_equal(address.replicas, 2);
    assert_false(address.cluster);
    assert_true(otpctl_address_parse(&address, "a cluster db=0", error, sizeof(error)));
    assert_true(address.cluster);
    assert_null(address.sentinel);
    assert_int_equal(address.replicas, 0);
}


static void test_port_is_that_of_what_is_asked(void **state)
{
    (void) state;
    assert_true(otpctl_address_parse(&address, "a b:7 sentinel=main", error, sizeof(error)));
    assert_string_equal(address.place[0].port, "26379");
    assert_string_equal(address.place[1].port, "7");
    assert_true(otpctl_address_parse(&address, "a b:7 cluster", error, sizeof(error)));
    assert_string_equal(address.place[0].port, "6379");
}


static void test_times_have_a_unit_or_are_seconds(void **state)
{
    static const struct {
        const char *text;
        int64_t     ms;
    } cases[] = { { "h timeout=3", 3000 }, { "h timeout=3s", 3000 }, { "h timeout=30ms", 30 }, { "h timeout=2m",
        120000 },
                  { "h timeout=10m", 600000 } };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(otpctl_address_parse(&address, cases[i].text, error, sizeof(error)));
        assert_int_equal(address.timeout_ms, cases[i].ms);
    }
}


static void test_what_cannot_be_followed_is_refused_with_the_word(void **state)
{
    static const char *const cases[][2] = {
        { "h replicas=101", "replicas=101" }, { "h replicas=", "replicas=" }, { "h replicas=-1", "replicas=-1" },
        { "h cluster=yes", "cluster=yes" }, { "h sentinel=", "sentinel=" },
        { "h cluster sentinel=main", "one of them" }, { "h cluster db=1", "db=" },
        { "h sentinel_user=u", "need sentinel=" }, { "h sentinel_password_file=/f", "need sentinel=" },
        { "h sentinel=m sentinel_user=u", "sentinel_password_file" },
        { "h timeout=0", "timeout=0" }, { "h timeout=11m", "timeout=11m" }, { "h timeout=s", "timeout=s" },
        { "h timeout=99999999999999999999", "timeout" }, { "h:", "h:" }, { "h:1:2", "h:1:2" }, { "[::1]:99999",
            "[::1]" },
        { "h db=-1", "db" }, { "h tls_name=x", "tls" }, { "unix:/s tls", "tls_name" }, { "h user=", "user=" }, { "",
            "address" },
        { "h/0", "h/0" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        error[0] = '\0';
        assert_false(otpctl_address_parse(&address, cases[i][0], error, sizeof(error)));
        assert_non_null(strstr(error, cases[i][1]));
    }
}


static void test_address_without_end_is_refused(void **state)
{
    static char text[OTPCTL_ADDRESS_MAX + 1];

    (void) state;
    memset(text, 'h', sizeof(text) - 1);
    assert_false(otpctl_address_parse(&address, text, error, sizeof(error)));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_those_of_the_directive),
        cmocka_unit_test(test_every_word_is_understood_in_any_order),
        cmocka_unit_test(test_masters_can_be_found_by_sentinel_or_cluster),
        cmocka_unit_test(test_port_is_that_of_what_is_asked),
        cmocka_unit_test(test_times_have_a_unit_or_are_seconds),
        cmocka_unit_test(test_what_cannot_be_followed_is_refused_with_the_word),
        cmocka_unit_test(test_address_without_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
