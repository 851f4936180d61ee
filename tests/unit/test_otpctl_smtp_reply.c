#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "otpctl/notify/otpctl_smtp_reply.h"

/* A conversation: lines that begin with "> " are ours, "< " the server's. */
static otpctl_smtp_talk_t talk_of(const char *lines)
{
    otpctl_smtp_talk_t talk = { .phase = OTPCTL_SMTP_GREETING };
    otp_span_t         rest = otp_span_of(lines);

    while (rest.data) {
        otp_span_t line = otp_span_cut(&rest, '\n');
        otp_span_t text = { line.data + 2, line.len - 2 };

        if (line.len < 2) {
            continue;
        }
        if (line.data[0] == '>') {
            otpctl_smtp_said(&talk, text);
        } else {
            otpctl_smtp_heard(&talk, text);
        }
    }
    return talk;
}


static void assert_judged(const char *lines, bool carried, otpctl_smtp_verdict_t expected)
{
    otpctl_smtp_talk_t    talk = talk_of(lines);
    otpctl_smtp_verdict_t verdict = otpctl_smtp_judge(&talk, carried);

    if (verdict != expected) {
        fail_msg("%s: %d, not %d", lines, verdict, expected);
    }
}

#define HELLO "< 220 hi\n> EHLO x\n< 250-x\n< 250 SIZE\n"
#define SENDER HELLO "> MAIL FROM:<a@b>\n< 250 ok\n"
#define RECIPIENT SENDER "> RCPT TO:<a@b>\n< 250 ok\n"
#define CONTENT RECIPIENT "> DATA\n< 354 go\n"

static void test_mail_is_sent_after_the_last_250_only(void **state)
{
    (void) state;
    assert_judged(CONTENT "< 250 kept", true, OTPCTL_SMTP_SENT);
    assert_judged(CONTENT "< 250 kept\n> QUIT\n< 221 bye", true, OTPCTL_SMTP_SENT);
    assert_judged(CONTENT "< 250 kept", false, OTPCTL_SMTP_DOWN);
    assert_judged(RECIPIENT, true, OTPCTL_SMTP_DOWN);
    assert_judged(CONTENT "< 251 odd", true, OTPCTL_SMTP_DOWN);
    assert_judged(HELLO, true, OTPCTL_SMTP_DOWN);
}


static void test_line_that_breaks_is_trouble_of_the_server(void **state)
{
    static const char *const lines[] = {
        HELLO "> MAIL FROM:<a@b>", SENDER "> RCPT TO:<a@b>", RECIPIENT "> DATA", "< 220 hi"
    };

    (void) state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_judged(lines[i], false, OTPCTL_SMTP_DOWN);
    }
    assert_judged(RECIPIENT "> DATA\n< 354 go", false, OTPCTL_SMTP_DOWN);
}


static void test_refusal_of_recipient_or_content_is_about_this_mail(void **state)
{
    (void) state;
    assert_judged(SENDER "> RCPT TO:<a@b>\n< 550-no\n< 550 such person", false, OTPCTL_SMTP_REFUSED);
    assert_judged(RECIPIENT "> DATA\n< 554 no", false, OTPCTL_SMTP_REFUSED);
    assert_judged(CONTENT "< 552 too large", false, OTPCTL_SMTP_REFUSED);
    assert_judged(SENDER "> RCPT TO:<a@b>\n< 450 later", false, OTPCTL_SMTP_LATER);
    assert_judged(RECIPIENT "> DATA\n< 451 later", false, OTPCTL_SMTP_LATER);
    assert_judged(CONTENT "< 452 later", false, OTPCTL_SMTP_LATER);
    assert_judged(SENDER "> RCPT TO:<a@b>\n< 550 no\n> QUIT\n< 221 bye", false, OTPCTL_SMTP_REFUSED);
}


static void test_refusal_of_ourselves_is_about_every_mail(void **state)
{
    (void) state;
    assert_judged("< 554 no service", false, OTPCTL_SMTP_DOWN);
    assert_judged("< 220 hi\n> EHLO x\n< 550 no", false, OTPCTL_SMTP_DOWN);
    assert_judged(HELLO "> AUTH PLAIN AAA\n< 535 wrong", false, OTPCTL_SMTP_DOWN);
    assert_judged(HELLO "> STARTTLS\n< 454 no", false, OTPCTL_SMTP_DOWN);
    assert_judged(HELLO "> MAIL FROM:<a@b>\n< 550 not you", false, OTPCTL_SMTP_DOWN);
    assert_judged(SENDER "> RCPT TO:<a@b>\n< 421 closing", false, OTPCTL_SMTP_DOWN);
    assert_judged(CONTENT "< 421 closing", false, OTPCTL_SMTP_DOWN);
}


static void test_answer_is_kept_without_control_characters_and_cut(void **state)
{
    otpctl_smtp_talk_t talk = { .phase = OTPCTL_SMTP_RECIPIENT };
    char               line[400];

    (void) state;
    otpctl_smtp_heard(&talk, OTP_SPAN("550 no\x1b[31m\xC3\xA9\r\n"));
    assert_string_equal(talk.text, "550 no?[31m??");
    memset(line, 'x', sizeof(line));
    memcpy(line, "550 ", 4);
    otpctl_smtp_heard(&talk, (otp_span_t) { line, sizeof(line) });
    assert_int_equal(strlen(talk.text), sizeof(talk.text) - 1);
    otpctl_smtp_heard(&talk, OTP_SPAN("55"));
    otpctl_smtp_heard(&talk, OTP_SPAN("no number"));
    assert_int_equal(talk.code, 550);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_is_sent_after_the_last_250_only),
        cmocka_unit_test(test_line_that_breaks_is_trouble_of_the_server),
        cmocka_unit_test(test_refusal_of_recipient_or_content_is_about_this_mail),
        cmocka_unit_test(test_refusal_of_ourselves_is_about_every_mail),
        cmocka_unit_test(test_answer_is_kept_without_control_characters_and_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
