#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "otpctl/notify/otpctl_message.h"

#define ROOM 4096

static const char *header(const char *text)
{
    static char out[ROOM];

    out[otpctl_header_text(otp_span_of(text), out, sizeof(out) - 1)] = '\0';
    return out;
}


static const char *mailbox(const char *name, const char *address)
{
    static char      out[ROOM];
    otpctl_mailbox_t one;

    assert_true(otpctl_mailbox_make(&one, otp_span_of(name), otp_span_of(address)));
    out[otpctl_header_mailbox(&one, out, sizeof(out) - 1)] = '\0';
    return out;
}


static const char *quoted(otp_span_t text)
{
    static char out[ROOM];

    out[otpctl_quoted_printable(text, out, sizeof(out) - 1)] = '\0';
    return out;
}


static void test_plain_header_is_itself(void **state)
{
    (void) state;
    assert_string_equal(header("Your key 0012"), "Your key 0012");
    assert_string_equal(header("  a = b ? c  \n"), "a = b ? c");
    assert_string_equal(header(""), "");
}


static void test_header_of_other_letters_is_encoded_words(void **state)
{
    (void) state;
    assert_string_equal(header("Cl\xC3\xA9"), "=?UTF-8?B?Q2zDqQ==?=");
    assert_string_equal(header("\xC3\xA9t\xC3\xA9s"), "=?UTF-8?B?w6l0w6lz?=");
    assert_string_equal(header("=?UTF-8?B?Qg==?="), "=?UTF-8?B?PT9VVEYtOD9CP1FnPT0/PQ==?=");
}


static void test_long_header_is_folded_between_characters(void **state)
{
    char        text[201] = "";
    const char *out;
    size_t      words = 0;

    (void) state;
    for (size_t i = 0; i < 66; i++) {
        memcpy(text + 3 * i, "\xE2\x82\xAC", 4);
    }
    out = header(text);
    for (const char *line = out; line; words++) {
        const char *end = strstr(line, "\r\n ");
        size_t      len = end ? (size_t) (end - line) : strlen(line);

        assert_true(len <= 75);
        assert_int_equal(strncmp(line, "=?UTF-8?B?", 10), 0);
        assert_int_equal(strncmp(line + len - 2, "?=", 2), 0);
        /* Whole characters of three bytes: base64 without a remainder. */
        assert_int_not_equal(line[len - 3], '=');
        line = end ? end + 3 : NULL;
    }
    assert_int_equal(words, 6);
}


static void test_no_value_ends_a_header(void **state)
{
    static const char *const values[] = { "a\r\nBcc: b@c", "a\nb", "a\rb", "\x01\x7f", "a\tb" };

    (void) state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        const char *out = header(values[i]);

        assert_null(strpbrk(out, "\r\n\t"));
        assert_int_equal(strncmp(out, "=?UTF-8?B?", 10), 0);
    }
    /* What was a control character is a blank: "a  Bcc: b@c". */
    assert_string_equal(header("a\r\nBcc: b@c"), "=?UTF-8?B?YSAgQmNjOiBiQGM=?=");
    assert_null(strstr(mailbox("a\r\nBcc: <b@c>", "a@b"), "\nB"));
}


static void test_name_of_a_mailbox_is_quoted_or_encoded(void **state)
{
    (void) state;
    assert_string_equal(mailbox("", "a@b"), "<a@b>");
    assert_string_equal(mailbox("Dupont, Marie", "a@b"), "\"Dupont, Marie\"\r\n <a@b>");
    assert_string_equal(mailbox("Zo\xC3\xA9", "a@b"), "=?UTF-8?B?Wm/DqQ==?=\r\n <a@b>");
    assert_string_equal(mailbox("\" <x@y>", "a@b"), "=?UTF-8?B?IiA8eEB5Pg==?=\r\n <a@b>");
    assert_string_equal(mailbox("a\\", "a@b"), "=?UTF-8?B?YVw=?=\r\n <a@b>");
}


static void test_date_is_in_english_and_utc(void **state)
{
    char date[OTPCTL_DATE_MAX];

    (void) state;
    otpctl_header_date(1795374335, date);
    assert_string_equal(date, "Sun, 22 Nov 2026 19:05:35 +0000");
    otpctl_header_date(951782399, date);
    assert_string_equal(date, "Mon, 28 Feb 2000 23:59:59 +0000");
}


static void test_quoted_printable_keeps_lines_and_encodes_the_rest(void **state)
{
    (void) state;
    assert_string_equal(quoted(OTP_SPAN("a = b\nc")), "a =3D b\r\nc");
    assert_string_equal(quoted(OTP_SPAN("\xC3\xA9\r\n\t\0")), "=C3=A9\r\n\t=00");
    assert_string_equal(quoted(OTP_SPAN("a \nb\t\nc ")), "a=20\r\nb=09\r\nc=20");
    assert_string_equal(quoted(OTP_SPAN(".\n..\nFrom a")), "=2E\r\n=2E.\r\n=46rom a");
    assert_string_equal(quoted(OTP_SPAN("")), "");
}


static void test_lines_of_quoted_printable_are_short(void **state)
{
    char        text[400];
    const char *out;

    (void) state;
    memset(text, 'x', sizeof(text));
    memset(text + 200, 0xE9, 100);
    out = quoted((otp_span_t) { text, sizeof(text) });
    while (out) {
        const char *end = strstr(out, "\r\n");
        size_t      len = end ? (size_t) (end - out) : strlen(out);

        assert_true(len <= 76);
        assert_true(!end || out[len - 1] == '=');
        out = end ? end + 2 : NULL;
    }
}


static void test_message_id_is_the_same_for_the_same_entry(void **state)
{
    char id[OTPCTL_MESSAGE_ID_MAX];

    (void) state;
    otpctl_message_id(id, OTP_SPAN("1795374335000-7"), OTP_SPAN("0123456789abcdef"), "example.org");
    assert_string_equal(id, "1795374335000-7.0123456789abcdef@example.org");
}


static void test_message_has_text_and_html_side_by_side(void **state)
{
    static const otpctl_mailbox_t from = { "Portail", "from@example.org" }, to = { "", "to@example.org" };
    otpctl_message_t              message = {
        .from = &from, .to = &to, .subject = OTP_SPAN("Key"), .text = OTP_SPAN("one\n--=_otp_part\n"),
        .html = OTP_SPAN("<p>two</p>\n"), .language = OTP_SPAN("en"), .id = "1-1.ab@example.org", .date_s = 1795374335
    };
    size_t len;
    char  *bytes = otpctl_message_write(&message, &len);
    char   copy[ROOM];

    (void) state;
    assert_non_null(bytes);
    assert_true(len < sizeof(copy));
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    free(bytes);
    assert_string_equal(copy,
        "Date: Sun, 22 Nov 2026 19:05:35 +0000\r\n"
        "From: \"Portail\"\r\n <from@example.org>\r\n"
        "To: <to@example.org>\r\n"
        "Subject: Key\r\n"
        "Message-ID: <1-1.ab@example.org>\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "X-Auto-Response-Suppress: All\r\n"
        "Content-Language: en\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative; boundary=\"=_otp_part\"\r\n\r\n"
        "--=_otp_part\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        "one\r\n--=3D_otp_part\r\n\r\n"
        "--=_otp_part\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        "<p>two</p>\r\n\r\n"
        "--=_otp_part--\r\n");
}


static void test_answers_go_where_was_said(void **state)
{
    static const otpctl_mailbox_t from = { "", "f@b" }, to = { "", "t@b" }, answers = { "", "r@b" };
    otpctl_message_t              message = { .from = &from, .to = &to, .reply_to = &answers, .id = "x@b" };
    size_t                        len;
    char                         *bytes = otpctl_message_write(&message, &len);

    (void) state;
    assert_non_null(bytes);
    assert_non_null(memmem(bytes, len, "\r\nReply-To: <r@b>\r\n", 19));
    free(bytes);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_header_is_itself),
        cmocka_unit_test(test_header_of_other_letters_is_encoded_words),
        cmocka_unit_test(test_long_header_is_folded_between_characters),
        cmocka_unit_test(test_no_value_ends_a_header),
        cmocka_unit_test(test_name_of_a_mailbox_is_quoted_or_encoded),
        cmocka_unit_test(test_date_is_in_english_and_utc),
        cmocka_unit_test(test_quoted_printable_keeps_lines_and_encodes_the_rest),
        cmocka_unit_test(test_lines_of_quoted_printable_are_short),
        cmocka_unit_test(test_message_id_is_the_same_for_the_same_entry),
        cmocka_unit_test(test_message_has_text_and_html_side_by_side),
        cmocka_unit_test(test_answers_go_where_was_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
