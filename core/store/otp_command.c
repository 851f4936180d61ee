#include "core/store/otp_command.h"

#include <string.h>

#include "core/store/otp_swap.h"

void otp_command_add(otp_command_t *command, otp_span_t argument)
{
    command->arg[command->args++] = argument;
}


void otp_command_event(otp_command_t *command, otp_span_t stream, otp_span_t kept, otp_span_t line)
{
    otp_command_add(command, stream);
    otp_command_add(command, OTP_SPAN("MAXLEN"));
    otp_command_add(command, OTP_SPAN("~"));
    otp_command_add(command, kept);
    otp_command_add(command, OTP_SPAN("*"));
    otp_command_add(command, OTP_SPAN("e"));
    otp_command_add(command, line);
}


static size_t decimal_len(size_t number)
{
    size_t len = 1;

    for ( ; number >= 10; number /= 10) {
        len++;
    }
    return len;
}


/* EVAL takes the text where EVALSHA takes its digest; all other arguments are the same. */
static otp_span_t argument(const otp_command_t *command, bool as_eval, size_t i)
{
    if (command->swap && as_eval && i == 0) {
        return OTP_SPAN("EVAL");
    }
    if (command->swap && as_eval && i == 1) {
        return otp_swap_script();
    }
    return command->arg[i];
}


static char *put(char *at, otp_span_t text)
{
    if (text.len != 0) {
        memcpy(at, text.data, text.len);
    }
    return at + text.len;
}


static char *put_head(char *at, char kind, size_t number)
{
    size_t digits = decimal_len(number);

    *at = kind;
    for (size_t i = digits; i > 0; i--) {
        at[i] = (char) ('0' + number % 10);
        number /= 10;
    }
    return put(at + 1 + digits, OTP_SPAN("\r\n"));
}


size_t otp_command_write(const otp_command_t *command, bool as_eval, char *out, size_t size)
{
    size_t needed = 3 + decimal_len(command->args);

    for (size_t i = 0; i < command->args; i++) {
        size_t len = argument(command, as_eval, i).len;

        needed += 5 + decimal_len(len) + len;
    }
    if (needed > size) {
        return needed;
    }
    out = put_head(out, '*', command->args);
    for (size_t i = 0; i < command->args; i++) {
        otp_span_t arg = argument(command, as_eval, i);

        out = put(put(put_head(out, '$', arg.len), arg), OTP_SPAN("\r\n"));
    }
    return needed;
}
