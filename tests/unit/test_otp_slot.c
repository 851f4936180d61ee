#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/store/otp_names.h"
#include "core/store/otp_slot.h"

static void test_checksum_is_that_of_the_specification(void **state)
{
    (void) state;
    assert_int_equal(otp_slot_crc16(OTP_SPAN("123456789")), 0x31c3);
    assert_int_equal(otp_slot_crc16(OTP_SPAN("")), 0);
    assert_int_equal(otp_slot_crc16(OTP_SPAN("\xff\xff")), 0x1d0f);
}


static void test_slots_are_those_that_redis_tells(void **state)
{
    /* CLUSTER KEYSLOT of Redis 7.0 */
    static const struct {
        const char *name;
        unsigned    slot;
    } cases[] = {
        { "foo", 12182 }, { "bar", 5061 }, { "hello", 866 }, { "somekey", 11058 }, { "foo{hash_tag}", 2515 },
        { "123456789", 12739 }, { "0", 13907 }, { "f", 3168 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(otp_slot_of(otp_span_of(cases[i].name)), cases[i].slot);
    }
}


static void test_only_the_first_tag_that_is_not_empty_counts(void **state)
{
    static const struct {
        const char *name, *same;
    } cases[] = {
        { "{user1000}.following", "user1000" }, { "foo{{bar}}zap", "{bar" }, { "foo{bar}{zap}", "bar" },
    };
    static const char *const whole[] = { "foo{}{bar}", "foo{bar", "foo}bar{", "}{", "{" };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(otp_slot_of(otp_span_of(cases[i].name)), otp_slot_of(otp_span_of(cases[i].same)));
    }
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        assert_int_equal(otp_slot_of(otp_span_of(whole[i])), otp_slot_crc16(otp_span_of(whole[i])) % OTP_SLOTS);
    }
}


static unsigned slot_of(const otp_name_t *name)
{
    return otp_slot_of(otp_name_span(name));
}


static void test_record_and_what_changes_with_it_are_in_one_slot(void **state)
{
    static const char *const ids[] = { "marie.dupont", "0012345678", "a", "x@example.org" };

    (void) state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        otp_span_t prefix = OTP_SPAN("otp:"), id = otp_span_of(ids[i]);
        otp_name_t record, other;

        otp_name_of(&record, OTP_NAME_ACCOUNT, prefix, id);
        otp_name_events(&other, prefix, id);
        assert_int_equal(slot_of(&other), slot_of(&record));
        otp_name_mail(&other, prefix, id);
        assert_int_equal(slot_of(&other), slot_of(&record));
        otp_name_waiting(&other, prefix, id);
        assert_int_equal(slot_of(&other), slot_of(&record));
        otp_name_of(&other, OTP_NAME_HISTORY, prefix, id);
        assert_int_equal(slot_of(&other), slot_of(&record));
        otp_name_of(&other, OTP_NAME_STOCK, prefix, id);
        assert_int_equal(slot_of(&other), slot_of(&record));
    }
}


static void test_session_and_its_mark_are_in_one_slot(void **state)
{
    otp_name_t sess, seen, pend;

    (void) state;
    otp_name_cookie(&sess, OTP_SPAN("otp:"), "sess", OTP_SPAN("00ff00ff"));
    otp_name_cookie(&seen, OTP_SPAN("otp:"), "seen", OTP_SPAN("00ff00ff"));
    otp_name_cookie(&pend, OTP_SPAN("otp:"), "pend", OTP_SPAN("00ff00ff"));
    assert_int_equal(slot_of(&sess), slot_of(&seen));
    assert_int_equal(slot_of(&sess), slot_of(&pend));
}


static void test_redirections_say_slot_and_server(void **state)
{
    otp_slot_target_t target;

    (void) state;
    assert_int_equal(otp_slot_redirection(OTP_SPAN("MOVED 3999 127.0.0.1:6381"), &target), OTP_SLOT_MOVED);
    assert_int_equal(target.slot, 3999);
    assert_true(otp_span_equal(target.host, OTP_SPAN("127.0.0.1")));
    assert_true(otp_span_equal(target.port, OTP_SPAN("6381")));
    assert_int_equal(otp_slot_redirection(OTP_SPAN("ASK 0 2001:db8::1:6381"), &target), OTP_SLOT_ASK);
    assert_true(otp_span_equal(target.host, OTP_SPAN("2001:db8::1")));
    assert_true(otp_span_equal(target.port, OTP_SPAN("6381")));
    assert_int_equal(otp_slot_redirection(OTP_SPAN("MOVED 16383 :6381"), &target), OTP_SLOT_MOVED);
    assert_int_equal(target.slot, 16383);
    assert_int_equal(target.host.len, 0);
    assert_int_equal(otp_slot_redirection(OTP_SPAN("MOVED 1 ?:6381"), &target), OTP_SLOT_MOVED);
    assert_int_equal(target.host.len, 0);
}


static void test_what_is_no_redirection_is_none(void **state)
{
    static const char *const texts[] = {
        "", "ERR unknown command", "MOVEDX 1 h:1", "MOVED", "MOVED 1", "MOVED 16384 h:1", "MOVED -1 h:1", "MOVED x h:1",
        "MOVED 1 h", "MOVED 1 h:", "MOVED 1 h:0", "MOVED 1 h:65536", "ASK 1 h:x", "TRYAGAIN Multiple keys",
    };
    otp_slot_target_t target;

    (void) state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(otp_slot_redirection(otp_span_of(texts[i]), &target), OTP_SLOT_HERE);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum_is_that_of_the_specification),
        cmocka_unit_test(test_slots_are_those_that_redis_tells),
        cmocka_unit_test(test_only_the_first_tag_that_is_not_empty_counts),
        cmocka_unit_test(test_record_and_what_changes_with_it_are_in_one_slot),
        cmocka_unit_test(test_session_and_its_mark_are_in_one_slot),
        cmocka_unit_test(test_redirections_say_slot_and_server),
        cmocka_unit_test(test_what_is_no_redirection_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
