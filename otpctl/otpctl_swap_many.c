#include <stdlib.h>

#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_store.h"

/* Replies to some of the swaps. */
typedef struct {
    const otp_swap_t *swap;
    otp_command_t    *command;
    otp_reply_t     **reply;
    size_t           *index;        /* of the swap that a command is for */
    size_t            commands;
} sending_t;

static bool lacks_script(const otp_reply_t *reply)
{
    return reply && reply->kind == OTP_REPLY_ERROR && otp_span_starts(reply->text, OTP_SPAN("NOSCRIPT"));
}


/* Sends; what Redis did not have the script for (a restart, a failover) becomes what is to be sent next. */
static otpctl_status_t send(otpctl_t *ctl, sending_t *sending, otp_swapped_t *result)
{
    bool            come = otpctl_redis_ask_many(ctl->redis, sending->command, sending->commands, sending->reply);
    otpctl_status_t status = come ? OTPCTL_DONE : OTPCTL_UNREACHABLE;
    size_t          again = 0;

    if (!come) {
        otpctl_say("%s", otpctl_redis_error(ctl->redis));
    }
    for (size_t i = 0; i < sending->commands; i++) {
        otp_reply_t *reply = sending->reply[i];
        size_t       index = sending->index[i];
        otp_span_t   stored;

        if (lacks_script(reply)) {
            sending->index[again] = index;
            otp_swap_command(&sending->swap[index], &sending->command[again]);
            sending->command[again].arg[0] = OTP_SPAN("EVAL");
            sending->command[again++].arg[1] = otp_swap_script();
        } else {
            result[index] = reply ? otp_swap_result(reply, &stored) : OTP_SWAP_FAILED;
        }
        if (reply && result[index] == OTP_SWAP_FAILED && status == OTPCTL_DONE && !lacks_script(reply)) {
            status = otpctl_refused(ctl, reply->kind == OTP_REPLY_ERROR ? reply->text : OTP_SPAN("unexpected reply"));
        }
        otp_reply_destroy(reply);
    }
    sending->commands = again;
    return status;
}


otpctl_status_t otpctl_swap_many(otpctl_t *ctl, const otp_swap_t *swap, size_t swaps, otp_swapped_t *result)
{
    otpctl_status_t status = OTPCTL_DONE;
    sending_t       sending = {
        .swap = swap, .command = calloc(swaps, sizeof(otp_command_t)), .reply = calloc(swaps, sizeof(otp_reply_t *)),
        .index = calloc(swaps, sizeof(size_t)), .commands = swaps
    };

    for (size_t i = 0; i < swaps; i++) {
        result[i] = OTP_SWAP_FAILED;
    }
    if (!sending.command || !sending.reply || !sending.index) {
        otpctl_say("out of memory");
        status = OTPCTL_REFUSED;
    } else {
        for (size_t i = 0; i < swaps; i++) {
            sending.index[i] = i;
            otp_swap_command(&swap[i], &sending.command[i]);
        }
        status = send(ctl, &sending, result);
        if (status == OTPCTL_DONE && sending.commands) {
            status = send(ctl, &sending, result);
        }
    }
    free(sending.command);
    free(sending.reply);
    free(sending.index);
    return status;
}
