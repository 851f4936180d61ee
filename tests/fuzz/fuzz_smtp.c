#include "otpctl/notify/otpctl_smtp_reply.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/*
 * A conversation with a mail server, a line each: what begins with '>' we have said, the rest was heard.  A mail counts
 * as sent only when the server has taken its content: after DATA it said 354, and then 250.
 */
typedef struct {
    bool data, content, taken, over;
} seen_t;

static void watch(seen_t *seen, bool said, otp_span_t line)
{
    otp_span_t verb = line, whole = otp_span_trim(line);
    int64_t    code;

    if (said) {
        verb = otp_span_trim(otp_span_cut(&verb, ' '));
        seen->over |= otp_span_equal_nocase(verb, OTP_SPAN("QUIT"));
        seen->data |= !seen->over && otp_span_equal_nocase(verb, OTP_SPAN("DATA"));
        seen->taken &= seen->over;
        return;
    }
    if (seen->over || whole.len < 3 || otp_span_number((otp_span_t) { line.data, 3 }, &code) != OTP_OK) {
        return;
    }
    seen->content |= seen->data && code == 354;
    seen->taken = seen->content && code == 250;
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t         rest = { (const char *) data, size }, line;
    otpctl_smtp_talk_t talk = { .phase = OTPCTL_SMTP_GREETING };
    seen_t             seen = { .data = false };

    while (rest.data != NULL) {
        bool said;

        line = otp_span_cut(&rest, '\n');
        said = line.len > 0 && line.data[0] == '>';
        if (said) {
            (void) fuzz_take(&line, 1);
            otpctl_smtp_said(&talk, line);
        } else {
            otpctl_smtp_heard(&talk, line);
        }
        watch(&seen, said, line);
        FUZZ_REQUIRE(talk.phase <= OTPCTL_SMTP_CONTENT && talk.code >= 0 && talk.code <= 999);
        FUZZ_REQUIRE(memchr(talk.text, '\0', sizeof(talk.text)) != NULL);
        for (const char *c = talk.text; *c; c++) {
            FUZZ_REQUIRE(*c >= ' ' && *c < 0x7f);
        }
        FUZZ_REQUIRE(otpctl_smtp_judge(&talk, false) != OTPCTL_SMTP_SENT);
        if (otpctl_smtp_judge(&talk, true) == OTPCTL_SMTP_SENT) {
            FUZZ_ACCEPTED();
            FUZZ_REQUIRE(seen.data && seen.content && seen.taken);
        }
    }
    return 0;
}
