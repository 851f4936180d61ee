#include <string.h>

#include "core/portal/otp_flow_private.h"

/* The serial of a key as somebody types it from its back: with letters in any case. */


/* What a spelling makes of a letter. */
static char otp_serial_letter(otp_spelling_t spelling, char c)
{
    switch (spelling) {
    case OTP_SPELLING_TYPED:
        return c;
    case OTP_SPELLING_UPPER:
        return c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
    case OTP_SPELLING_LOWER:
        return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
    }

    return c;
}


static void otp_serial_spell(const otp_flow_t *flow, otp_spelling_t spelling, char serial[OTP_SERIAL_MAX + 1])
{
    for (size_t i = 0; i <= OTP_SERIAL_MAX; i++) {
        serial[i] = flow->serial[i] == '\0' ? '\0' : otp_serial_letter(spelling, flow->serial[i]);
        if (serial[i] == '\0') {
            return;
        }
    }
}


static otp_effect_t otp_serial_found(otp_flow_t *flow)
{
    char serial[OTP_SERIAL_MAX + 1];

    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    for (size_t i = 0; i < OTP_SPELLINGS; i++) {
        if (otp_flow_reply_text(flow, i).len != 0) {
            otp_serial_spell(flow, (otp_spelling_t) i, serial);
            memcpy(flow->serial, serial, strlen(serial));
            break;
        }
    }

    return flow->spelled(flow);
}


/* All of them are asked for, whichever is there: the time it takes tells nothing of the stock. */
otp_effect_t otp_serial_typed(otp_flow_t *flow, otp_flow_stage_t spelled)
{
    char serial[OTP_SERIAL_MAX + 1];

    flow->spelled = spelled;
    for (size_t i = 0; i < OTP_SPELLINGS; i++) {
        otp_serial_spell(flow, (otp_spelling_t) i, serial);
        otp_name_of(&flow->spelling[i], OTP_NAME_STOCK, flow->settings->prefix, otp_span_of(serial));
        otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->spelling[i]));
    }

    return otp_flow_commands(flow, otp_serial_found);
}
