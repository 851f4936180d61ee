#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/store/otp_resp.h"

static otp_resp_t *resp_of(otp_span_t bytes)
{
    otp_resp_t *resp = otp_resp_create();

    assert_non_null(resp);
    assert_int_equal(otp_resp_feed(resp, bytes), OTP_OK);
    return resp;
}


/* The one reply that `bytes` are. */
static otp_reply_t *reply_of(otp_span_t bytes)
{
    otp_resp_t  *resp = resp_of(bytes);
    otp_reply_t *reply, *next;

    assert_int_equal(otp_resp_take(resp, &reply), OTP_OK);
    assert_non_null(reply);
    assert_int_equal(otp_resp_take(resp, &next), OTP_OK);
    assert_null(next);
    otp_resp_destroy(resp);
    return reply;
}


static void assert_text(const otp_reply_t *reply, otp_reply_kind_t kind, otp_span_t text)
{
    assert_int_equal(reply->kind, kind);
    assert_int_equal(reply->text.len, text.len);
    assert_memory_equal(reply->text.data, text.data, text.len);
}


static void assert_reply_text(otp_span_t bytes, otp_reply_kind_t kind, otp_span_t text)
{
    otp_reply_t *reply = reply_of(bytes);

    assert_text(reply, kind, text);
    otp_reply_destroy(reply);
}


static void test_status_and_bulk_are_text_and_an_error_is_an_error(void **state)
{
    (void) state;
    assert_reply_text(OTP_SPAN("+OK\r\n"), OTP_REPLY_TEXT, OTP_SPAN("OK"));
    assert_reply_text(OTP_SPAN("$3\r\nabc\r\n"), OTP_REPLY_TEXT, OTP_SPAN("abc"));
    assert_reply_text(OTP_SPAN("$0\r\n\r\n"), OTP_REPLY_TEXT, OTP_SPAN(""));
    assert_reply_text(OTP_SPAN("$5\r\n\0\r\n+-\r\n"), OTP_REPLY_TEXT, OTP_SPAN("\0\r\n+-"));
    assert_reply_text(OTP_SPAN("-NOSCRIPT none\r\n"), OTP_REPLY_ERROR, OTP_SPAN("NOSCRIPT none"));
}


static void test_integers_are_read_to_both_ends_of_their_range(void **state)
{
    static const struct {
        const char *bytes;
        int64_t     integer;
    } known[] = {
        { ":0\r\n", 0 }, { ":1\r\n", 1 }, { ":-1\r\n", -1 },
        { ":9223372036854775807\r\n", INT64_MAX }, { ":-9223372036854775808\r\n", INT64_MIN },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        otp_reply_t *reply = reply_of(otp_span_of(known[i].bytes));

        assert_int_equal(reply->kind, OTP_REPLY_INTEGER);
        assert_true(reply->integer == known[i].integer);
        otp_reply_destroy(reply);
    }
}


static void test_nil_is_neither_empty_text_nor_an_empty_array(void **state)
{
    static const char *const nil[] = { "$-1\r\n", "*-1\r\n" };
    otp_reply_t             *reply;

    (void) state;
    for (size_t i = 0; i < 2; i++) {
        reply = reply_of(otp_span_of(nil[i]));
        assert_int_equal(reply->kind, OTP_REPLY_NIL);
        otp_reply_destroy(reply);
    }
    reply = reply_of(OTP_SPAN("*0\r\n"));
    assert_int_equal(reply->kind, OTP_REPLY_ARRAY);
    assert_int_equal(reply->elements, 0);
    otp_reply_destroy(reply);
}


#define NESTED "*4\r\n$2\r\nab\r\n*3\r\n:7\r\n*1\r\n$-1\r\n+in\r\n$-1\r\n-ERR no\r\n"

static void assert_nested(const otp_reply_t *reply)
{
    assert_int_equal(reply->kind, OTP_REPLY_ARRAY);
    assert_int_equal(reply->elements, 4);
    assert_text(&reply->element[0], OTP_REPLY_TEXT, OTP_SPAN("ab"));
    assert_int_equal(reply->element[1].kind, OTP_REPLY_ARRAY);
    assert_int_equal(reply->element[1].elements, 3);
    assert_int_equal(reply->element[1].element[0].kind, OTP_REPLY_INTEGER);
    assert_int_equal(reply->element[1].element[0].integer, 7);
    assert_int_equal(reply->element[1].element[1].kind, OTP_REPLY_ARRAY);
    assert_int_equal(reply->element[1].element[1].elements, 1);
    assert_int_equal(reply->element[1].element[1].element[0].kind, OTP_REPLY_NIL);
    assert_text(&reply->element[1].element[2], OTP_REPLY_TEXT, OTP_SPAN("in"));
    assert_int_equal(reply->element[2].kind, OTP_REPLY_NIL);
    assert_text(&reply->element[3], OTP_REPLY_ERROR, OTP_SPAN("ERR no"));
}


static void test_arrays_nest(void **state)
{
    otp_reply_t *reply = reply_of(OTP_SPAN(NESTED));

    (void) state;
    assert_nested(reply);
    otp_reply_destroy(reply);
}


static void test_a_reply_may_arrive_split_at_every_byte(void **state)
{
    otp_span_t   whole = OTP_SPAN(NESTED);
    otp_reply_t *reply;

    (void) state;
    for (size_t cut = 0; cut < whole.len; cut++) {
        otp_resp_t *resp = resp_of((otp_span_t) { whole.data, cut });

        assert_int_equal(otp_resp_take(resp, &reply), OTP_OK);
        assert_null(reply);
        assert_int_equal(otp_resp_feed(resp, (otp_span_t) { whole.data + cut, whole.len - cut }), OTP_OK);
        assert_int_equal(otp_resp_take(resp, &reply), OTP_OK);
        assert_non_null(reply);
        assert_nested(reply);
        otp_reply_destroy(reply);
        otp_resp_destroy(resp);
    }
}


static void test_a_reply_may_arrive_byte_by_byte(void **state)
{
    otp_span_t   whole = OTP_SPAN(NESTED);
    otp_resp_t  *resp = resp_of(OTP_SPAN_NONE);
    otp_reply_t *reply = NULL;

    (void) state;
    for (size_t i = 0; i < whole.len; i++) {
        assert_null(reply);
        assert_int_equal(otp_resp_feed(resp, (otp_span_t) { whole.data + i, 1 }), OTP_OK);
        assert_int_equal(otp_resp_take(resp, &reply), OTP_OK);
    }
    assert_non_null(reply);
    assert_nested(reply);
    otp_reply_destroy(reply);
    otp_resp_destroy(resp);
}


static void test_replies_that_arrive_together_are_taken_in_order(void **state)
{
    otp_resp_t  *resp = resp_of(OTP_SPAN("+a\r\n:2\r\n" NESTED "$1\r\nd\r\n$1\r"));
    otp_reply_t *reply[5];

    (void) state;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(otp_resp_take(resp, &reply[i]), OTP_OK);
    }
    otp_resp_destroy(resp);
    assert_null(reply[4]);
    /* They outlive what read them. */
    assert_text(reply[0], OTP_REPLY_TEXT, OTP_SPAN("a"));
    assert_int_equal(reply[1]->integer, 2);
    assert_nested(reply[2]);
    assert_text(reply[3], OTP_REPLY_TEXT, OTP_SPAN("d"));
    for (size_t i = 0; i < 4; i++) {
        otp_reply_destroy(reply[i]);
    }
}


static void test_a_reply_begun_and_never_ended_is_freed(void **state)
{
    otp_resp_t  *resp = resp_of(OTP_SPAN("*3\r\n$1\r\na\r\n*2\r\n$1\r\nb\r\n"));
    otp_reply_t *reply;

    (void) state;
    assert_int_equal(otp_resp_take(resp, &reply), OTP_OK);
    assert_null(reply);
    otp_resp_destroy(resp);
}


static void assert_refused(otp_span_t bytes)
{
    otp_resp_t  *resp = resp_of(bytes);
    otp_reply_t *reply = (otp_reply_t *) resp;

    assert_int_equal(otp_resp_take(resp, &reply), OTP_INVALID);
    assert_null(reply);
    /* What follows is not believed either: it could be anybody's reply. */
    assert_int_equal(otp_resp_feed(resp, OTP_SPAN("+OK\r\n")), OTP_INVALID);
    assert_int_equal(otp_resp_take(resp, &reply), OTP_INVALID);
    assert_null(reply);
    otp_resp_destroy(resp);
}


static void test_what_is_not_the_protocol_is_refused(void **state)
{
    static const char *const garbage[] = {
        "HTTP/1.1 400 Bad Request\r\n", "\r\n", "OK\r\n", " +OK\r\n", "$-2\r\n", "$abc\r\nabc\r\n",
        "$\r\n", "*-2\r\n", "*x\r\n", ":\r\n", ":1x\r\n", ":99999999999999999999\r\n", "$99999999999999999999\r\n",
        "*2\r\n+a\r\nb\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        assert_refused(otp_span_of(garbage[i]));
    }
}


static void test_what_was_not_asked_for_of_resp3_is_refused(void **state)
{
    static const char *const resp3[] = {
        ",1.5\r\n", "#t\r\n", "(12345\r\n", "=5\r\ntxt:a\r\n", "%1\r\n+a\r\n+b\r\n", "~1\r\n+a\r\n", ">1\r\n+a\r\n",
        "*2\r\n+a\r\n,1.5\r\n", "*2\r\n+a\r\n%1\r\n+b\r\n+c\r\n",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(resp3) / sizeof(resp3[0]); i++) {
        assert_refused(otp_span_of(resp3[i]));
    }
}


static void test_arrays_nested_deeper_than_any_reply_are_refused(void **state)
{
    otp_reply_t *reply = reply_of(OTP_SPAN("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"));

    (void) state;
    assert_non_null(reply);
    otp_reply_destroy(reply);
    assert_refused(OTP_SPAN("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"));
}


static void test_an_array_announced_too_long_is_refused_before_it_comes(void **state)
{
    (void) state;
    assert_refused(OTP_SPAN("*2147483647\r\n"));
    assert_refused(OTP_SPAN("*4294967297\r\n"));
    assert_refused(OTP_SPAN("*1048577\r\n"));
    assert_refused(OTP_SPAN("*1\r\n*1048577\r\n"));
}


static void test_a_reply_without_end_is_refused_before_memory_ends(void **state)
{
    static char  block[1 << 20];
    otp_resp_t  *resp = resp_of(OTP_SPAN("$2000000000\r\n"));
    otp_reply_t *reply;
    size_t       blocks = 0;

    (void) state;
    while (otp_resp_feed(resp, (otp_span_t) { block, sizeof(block) }) == OTP_OK) {
        assert_int_equal(otp_resp_take(resp, &reply), OTP_OK);
        assert_null(reply);
        assert_true(++blocks < 64);
    }
    assert_int_equal(otp_resp_take(resp, &reply), OTP_INVALID);
    otp_resp_destroy(resp);
}


static void test_many_replies_are_no_reply_without_end(void **state)
{
    static char  block[1 << 20];
    otp_resp_t  *resp = resp_of(OTP_SPAN_NONE);
    otp_reply_t *reply;

    (void) state;
    for (int i = 0; i < 70; i++) {
        assert_int_equal(otp_resp_feed(resp, OTP_SPAN("$1048576\r\n")), OTP_OK);
        assert_int_equal(otp_resp_feed(resp, (otp_span_t) { block, sizeof(block) }), OTP_OK);
        assert_int_equal(otp_resp_feed(resp, OTP_SPAN("\r\n")), OTP_OK);
        assert_int_equal(otp_resp_take(resp, &reply), OTP_OK);
        assert_non_null(reply);
        otp_reply_destroy(reply);
    }
    otp_resp_destroy(resp);
}


static void test_nothing_is_destroyed_without_harm(void **state)
{
    (void) state;
    otp_reply_destroy(NULL);
    otp_resp_destroy(NULL);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_and_bulk_are_text_and_an_error_is_an_error),
        cmocka_unit_test(test_integers_are_read_to_both_ends_of_their_range),
        cmocka_unit_test(test_nil_is_neither_empty_text_nor_an_empty_array),
        cmocka_unit_test(test_arrays_nest),
        cmocka_unit_test(test_a_reply_may_arrive_split_at_every_byte),
        cmocka_unit_test(test_a_reply_may_arrive_byte_by_byte),
        cmocka_unit_test(test_replies_that_arrive_together_are_taken_in_order),
        cmocka_unit_test(test_a_reply_begun_and_never_ended_is_freed),
        cmocka_unit_test(test_what_is_not_the_protocol_is_refused),
        cmocka_unit_test(test_what_was_not_asked_for_of_resp3_is_refused),
        cmocka_unit_test(test_arrays_nested_deeper_than_any_reply_are_refused),
        cmocka_unit_test(test_an_array_announced_too_long_is_refused_before_it_comes),
        cmocka_unit_test(test_a_reply_without_end_is_refused_before_memory_ends),
        cmocka_unit_test(test_many_replies_are_no_reply_without_end),
        cmocka_unit_test(test_nothing_is_destroyed_without_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
