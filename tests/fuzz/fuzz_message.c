#include "otpctl/notify/otpctl_message.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/*
 * A mail whose every value comes from the input, a line each: sender, name and address of the person, subject; the rest
 * is its text.  A header stays one header, a line is no longer than a server must take.
 */
#define LINE_MAX_SENT   998     /* RFC 5322 section 2.1.1 */
#define HEADERS         9

static const char *const known[HEADERS] = {
    "Date: ", "From: ", "Reply-To: ", "To: ", "Subject: ", "Message-ID: ", "MIME-Version: ", "Content-",
    "Auto-Submitted: "
};


static bool known_header(otp_span_t line)
{
    for (size_t i = 0; i < HEADERS; i++) {
        if (otp_span_starts(line, otp_span_of(known[i]))) {
            return true;
        }
    }
    return otp_span_starts(line, OTP_SPAN("X-")) || otp_span_starts(line, OTP_SPAN("Precedence: "));
}


static void judge(otp_span_t message)
{
    bool     head = true;
    unsigned to = 0, subject = 0;

    while (message.data != NULL) {
        otp_span_t line = otp_span_cut(&message, '\n');

        FUZZ_REQUIRE(line.len == 0 || line.data[line.len - 1] == '\r' || message.data == NULL);
        FUZZ_REQUIRE(line.len <= LINE_MAX_SENT + 1);
        FUZZ_REQUIRE(line.len < 2 || memchr(line.data, '\r', line.len - 1) == NULL);
        if (line.len <= 1) {
            head = false;
        }
        if (head && line.data[0] != ' ' && line.data[0] != '\t') {
            FUZZ_REQUIRE(known_header(line));
            to += otp_span_starts(line, OTP_SPAN("To: "));
            subject += otp_span_starts(line, OTP_SPAN("Subject: "));
        }
        for (size_t i = 0; i + 1 < line.len; i++) {
            FUZZ_REQUIRE(((unsigned char) line.data[i] >= ' ' || line.data[i] == '\t') && line.data[i] < 0x7f);
        }
    }
    FUZZ_REQUIRE(!head && to == 1 && subject == 1);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t        rest = { (const char *) data, size }, name, address;
    otpctl_mailbox_t  from, to;
    otpctl_message_t  mail = { .from = &from, .to = &to, .language = OTP_SPAN("fr"), .date_s = 1700000000 };
    char              id[OTPCTL_MESSAGE_ID_MAX], *text;
    size_t            len;

    if (!otpctl_mailbox_parse(&from, otp_span_cut(&rest, '\n'))) {
        return 0;
    }
    FUZZ_REQUIRE(otpctl_mailbox_valid(otp_span_of(from.address)));
    name = otp_span_cut(&rest, '\n');
    address = otp_span_cut(&rest, '\n');
    if (!otpctl_mailbox_make(&to, name, address)) {
        return 0;
    }
    FUZZ_ACCEPTED();
    FUZZ_REQUIRE(otpctl_mailbox_valid(address) && strchr(to.address, '@') != NULL);
    otpctl_message_id(id, OTP_SPAN("otp:mail:{3}/1700000000000-0"), OTP_SPAN("0123456789abcdef"),
                      otpctl_mailbox_domain(&from));
    mail.id = id;
    mail.subject = otp_span_cut(&rest, '\n');
    mail.text = rest;
    mail.html = rest;
    text = otpctl_message_write(&mail, &len);
    FUZZ_REQUIRE(text != NULL);
    judge((otp_span_t) { text, len });
    free(text);
    return 0;
}
