#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "otpctl/notify/otpctl_consumer.h"

/* A process that tells its name and lives until `*hold` is closed. */
static pid_t child(char name[OTPCTL_CONSUMER_MAX], int *hold)
{
    int   told[2], held[2];
    pid_t pid;

    assert_int_equal(pipe(told), 0);
    assert_int_equal(pipe(held), 0);
    pid = fork();
    if (pid == 0) {
        char byte;

        close(held[1]);
        otpctl_consumer_self(name);
        _exit(write(told[1], name, OTPCTL_CONSUMER_MAX) == OTPCTL_CONSUMER_MAX && read(held[0], &byte, 1) == 0 ? 0 : 1);
    }
    assert_true(pid > 0);
    assert_int_equal(read(told[0], name, OTPCTL_CONSUMER_MAX), OTPCTL_CONSUMER_MAX);
    close(told[0]);
    close(told[1]);
    close(held[0]);
    *hold = held[1];
    return pid;
}


static void test_own_name_and_that_of_nobody_are_known(void **state)
{
    char self[OTPCTL_CONSUMER_MAX], again[OTPCTL_CONSUMER_MAX];

    (void) state;
    otpctl_consumer_self(self);
    otpctl_consumer_self(again);
    assert_string_equal(self, again);
    assert_int_equal(otpctl_consumer_owner(self, otp_span_of(self)), OTPCTL_OWNER_SELF);
    assert_int_equal(otpctl_consumer_owner(self, OTP_SPAN(OTPCTL_CONSUMER_WAITING)), OTPCTL_OWNER_WAITING);
}


static void test_process_of_this_machine_is_dead_once_it_has_ended(void **state)
{
    char  self[OTPCTL_CONSUMER_MAX], name[OTPCTL_CONSUMER_MAX];
    int   hold, status;
    pid_t pid = child(name, &hold);

    (void) state;
    otpctl_consumer_self(self);
    assert_string_not_equal(self, name);
    assert_int_equal(otpctl_consumer_owner(self, otp_span_of(name)), OTPCTL_OWNER_OTHER);
    close(hold);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(otpctl_consumer_owner(self, otp_span_of(name)), OTPCTL_OWNER_DEAD);
}


static void test_number_that_another_process_has_now_is_of_a_dead_one(void **state)
{
    char  self[OTPCTL_CONSUMER_MAX], name[OTPCTL_CONSUMER_MAX + 8];
    char *start;

    (void) state;
    otpctl_consumer_self(self);
    memcpy(name, self, sizeof(self));
    start = strrchr(name, '.');
    assert_non_null(start);
    memcpy(start, ".1", 3);
    assert_int_equal(otpctl_consumer_owner(self, otp_span_of(name)), OTPCTL_OWNER_DEAD);
}


static void test_process_of_another_machine_may_be_alive(void **state)
{
    static const char *const names[] = { "", "other", "00000000.1.1.1", ".", "...", "a.b.c.d" };
    char                     self[OTPCTL_CONSUMER_MAX], name[OTPCTL_CONSUMER_MAX], long_name[1000];

    (void) state;
    otpctl_consumer_self(self);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(otpctl_consumer_owner(self, otp_span_of(names[i])), OTPCTL_OWNER_OTHER);
    }
    memset(long_name, 'x', sizeof(long_name));
    assert_int_equal(otpctl_consumer_owner(self, (otp_span_t) { long_name, sizeof(long_name) }), OTPCTL_OWNER_OTHER);
    memcpy(name, self, sizeof(name));
    name[0] = name[0] == 'a' ? 'b' : 'a';
    assert_int_equal(otpctl_consumer_owner(self, otp_span_of(name)), OTPCTL_OWNER_OTHER);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_name_and_that_of_nobody_are_known),
        cmocka_unit_test(test_process_of_this_machine_is_dead_once_it_has_ended),
        cmocka_unit_test(test_number_that_another_process_has_now_is_of_a_dead_one),
        cmocka_unit_test(test_process_of_another_machine_may_be_alive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
