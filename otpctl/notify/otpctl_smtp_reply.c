#include "otpctl/notify/otpctl_smtp_reply.h"

#include <string.h>

#define GOOD_BYE    421     /* "service not available, closing transmission channel": about everything */

void otpctl_smtp_said(otpctl_smtp_talk_t *talk, otp_span_t command)
{
    otp_span_t verb = otp_span_trim(otp_span_cut(&command, ' '));

    talk->over |= otp_span_equal_nocase(verb, OTP_SPAN("QUIT"));
    if (talk->over) {
        return;
    }
    talk->code = 0;
    if (otp_span_equal_nocase(verb, OTP_SPAN("RCPT"))) {
        talk->phase = OTPCTL_SMTP_RECIPIENT;
    } else if (otp_span_equal_nocase(verb, OTP_SPAN("DATA"))) {
        talk->phase = OTPCTL_SMTP_DATA;
    }
}


void otpctl_smtp_heard(otpctl_smtp_talk_t *talk, otp_span_t line)
{
    otp_span_t digits = { line.data, 3 };
    int64_t    code;
    size_t     len;

    line = otp_span_trim(line);
    if (talk->over || line.len < 3 || otp_span_number(digits, &code) != OTP_OK) {
        return;
    }
    talk->code = (int) code;
    len = line.len < sizeof(talk->text) ? line.len : sizeof(talk->text) - 1;
    for (size_t i = 0; i < len; i++) {
        char c = line.data[i];

        talk->text[i] = c >= ' ' && c < 0x7f ? c : '?';
    }
    talk->text[len] = '\0';
    if (code == 354 && talk->phase == OTPCTL_SMTP_DATA) {
        talk->phase = OTPCTL_SMTP_CONTENT;
        talk->code = 0;
    }
}


otpctl_smtp_verdict_t otpctl_smtp_judge(const otpctl_smtp_talk_t *talk, bool carried)
{
    if (talk->phase == OTPCTL_SMTP_CONTENT && carried && talk->code == 250) {
        return OTPCTL_SMTP_SENT;
    }
    if (talk->phase == OTPCTL_SMTP_GREETING || talk->code < 400 || talk->code > 599 || talk->code == GOOD_BYE) {
        return OTPCTL_SMTP_DOWN;
    }
    return talk->code >= 500 ? OTPCTL_SMTP_REFUSED : OTPCTL_SMTP_LATER;
}
