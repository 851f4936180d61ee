#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/store/otp_swap.h"
#include "otpctl/otpctl_verb.h"

#define WORDS_MAX   12

/* A command written in words. */
static size_t split(const char *text, otp_span_t *arg)
{
    otp_span_t rest = otp_span_of(text);
    size_t     args = 0;

    while (rest.data && args < WORDS_MAX) {
        arg[args++] = otp_span_cut(&rest, ' ');
    }
    return args;
}


static void test_every_command_is_known_by_its_first_name(void **state)
{
    static const struct {
        const char *text, *name;
    } cases[] = {
        { "GET a", "a" }, { "MGET a b", "a" }, { "DEL a b", "a" }, { "SET a v", "a" }, { "XADD s * e v", "s" },
        { "EVALSHA d 5 r s r r r old", "r" }, { "EVAL text 5 r s r r r old", "r" },
        { "XGROUP CREATE s notify 0 MKSTREAM", "s" }, { "XGROUP DELCONSUMER s notify c", "s" },
        { "XINFO CONSUMERS s notify", "s" }, { "XREADGROUP GROUP notify c COUNT 1 STREAMS s >", "s" },
        { "XREAD COUNT 5 STREAMS s 0", "s" }, { "XRANGE s - +", "s" }, { "XREVRANGE s + -", "s" },
        { "XPENDING s notify - + 9", "s" }, { "XCLAIM s notify c 0 1-1", "s" }, { "XACK s notify 1-1", "s" },
        { "XDEL s 1-1", "s" }, { "XLEN s", "s" }, { "ZRANGE z 0 -1", "z" }, { "ZSCAN z 0", "z" }, { "ZREM z m", "z" },
        { "EXPIRE h 9", "h" },
        { "SCAN 0", NULL }, { "PING", NULL }, { "ROLE", NULL }, { "INFO", NULL }, { "TIME", NULL },
        { "CONFIG GET save", NULL }, { "ACL GETUSER default", NULL }, { "CLUSTER SLOTS", NULL }, { "GET", NULL },
        { "XREAD COUNT 5", NULL }, { "EVALSHA d 5", NULL },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        otp_span_t arg[WORDS_MAX], name = otpctl_verb_name(arg, split(cases[i].text, arg));

        if (cases[i].name) {
            assert_true(otp_span_equal(name, otp_span_of(cases[i].name)));
        } else {
            assert_null(name.data);
        }
    }
}


static void test_swap_is_known_by_its_record(void **state)
{
    otp_swap_t    swap = { .key = OTP_SPAN("record"), .stream = OTP_SPAN("stream") };
    otp_command_t command;

    (void) state;
    otp_swap_command(&swap, &command);
    assert_true(otp_span_equal(otpctl_verb_name(command.arg, command.args), swap.key));
    assert_false(otpctl_verb_reads(command.arg, command.args));
}


static void test_only_what_changes_nothing_may_be_sent_twice(void **state)
{
    static const char *const reads[] = {
        "GET a", "MGET a", "SCAN 0", "ZSCAN z 0", "ZRANGE z 0 1", "XRANGE s - +", "XREVRANGE s + -",
        "XREAD STREAMS s 0", "XLEN s", "XPENDING s g", "XINFO CONSUMERS s g", "INFO", "TIME", "ROLE", "PING",
        "CONFIG GET a",
    };
    static const char *const writes[] = {
        "SET a v", "DEL a", "EVAL t 1 a", "EVALSHA d 1 a", "XADD s * e v", "XACK s g 1", "XDEL s 1", "XCLAIM s g c 0 1",
        "XREADGROUP GROUP g c STREAMS s >", "XGROUP CREATE s g 0", "ZREM z m", "EXPIRE h 1", "UNHEARD a", "get a",
    };
    otp_span_t arg[WORDS_MAX];

    (void) state;
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        assert_true(otpctl_verb_reads(arg, split(reads[i], arg)));
    }
    for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        assert_false(otpctl_verb_reads(arg, split(writes[i], arg)));
    }
    assert_false(otpctl_verb_reads(arg, 0));
}


static void test_change_is_what_a_reply_says_was_done(void **state)
{
    otp_reply_t one = { .kind = OTP_REPLY_INTEGER, .integer = 1 }, none = { .kind = OTP_REPLY_INTEGER };
    otp_reply_t swapped = { .kind = OTP_REPLY_ARRAY, .element = &one, .elements = 1 };
    otp_reply_t lost = { .kind = OTP_REPLY_ARRAY, .element = &none, .elements = 1 };
    otp_reply_t error = { .kind = OTP_REPLY_ERROR, .text = OTP_SPAN("NOSCRIPT") };
    otp_span_t  arg[WORDS_MAX];
    size_t      args = split("EVALSHA d 1 a", arg);

    (void) state;
    assert_true(otpctl_verb_changed(arg, args, &swapped));
    assert_false(otpctl_verb_changed(arg, args, &lost));
    assert_false(otpctl_verb_changed(arg, args, &error));
    assert_false(otpctl_verb_changed(arg, args, NULL));
    args = split("EVAL t 1 a", arg);
    assert_true(otpctl_verb_changed(arg, args, &swapped));
    args = split("DEL a", arg);
    assert_true(otpctl_verb_changed(arg, args, &one));
    assert_false(otpctl_verb_changed(arg, args, &none));
    args = split("XLEN s", arg);
    assert_false(otpctl_verb_changed(arg, args, &one));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_is_known_by_its_first_name),
        cmocka_unit_test(test_swap_is_known_by_its_record),
        cmocka_unit_test(test_only_what_changes_nothing_may_be_sent_twice),
        cmocka_unit_test(test_change_is_what_a_reply_says_was_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
