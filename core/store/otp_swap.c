#include "core/store/otp_swap.h"

#include "core/store/otp_names.h"

/* The event goes first: a refused XADD then ends the script before anything has changed, so that no change
 * is ever without its event.  otp_swap_sha1() is the digest of this very text. */
static const char script[] =
    "local now = redis.call('GET', KEYS[1])\n"
    "if (now or '') ~= ARGV[1] then return {0, now} end\n"
    "if ARGV[4] ~= '' then redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'e', ARGV[4]) end\n"
    "if ARGV[6] ~= '' then redis.call('XADD', KEYS[3], '*', 'm', ARGV[6]) end\n"
    "if ARGV[7] ~= '' then redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[7], '*', 'e', ARGV[4])\n"
    "redis.call('EXPIRE', KEYS[4], ARGV[8]) end\n"
    "if ARGV[9] ~= '' then if ARGV[10] == '' then redis.call('ZREM', KEYS[5], ARGV[9])\n"
    "else redis.call('ZADD', KEYS[5], ARGV[10], ARGV[9]) end end\n"
    "if ARGV[2] == '' then redis.call('DEL', KEYS[1])\n"
    "elseif ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2])\n"
    "else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end\n"
    "return {1}\n";

/* The place of ARGV[6] in the command. */
#define ARG_MAIL    13

otp_span_t otp_swap_script(void)
{
    return (otp_span_t) { script, sizeof(script) - 1 };
}


otp_span_t otp_swap_sha1(void)
{
    return OTP_SPAN("e454a7fa4f704ae285f207f95dac8424bef2a93f");
}


static otp_span_t or_record(const otp_swap_t *swap, otp_span_t name)
{
    return name.len ? name : swap->key;
}


void otp_swap_command(const otp_swap_t *swap, otp_command_t *command)
{
    *command = (otp_command_t) {
        .arg = {
            OTP_SPAN("EVALSHA"), otp_swap_sha1(), OTP_SPAN("5"), swap->key, swap->stream,
            or_record(swap, swap->outbox), or_record(swap, swap->history), or_record(swap, swap->waiting),
            swap->expected, swap->next, swap->ttl_ms.len ? swap->ttl_ms : OTP_SPAN("0"), swap->event,
            swap->events_kept.len ? swap->events_kept : OTP_SPAN(OTP_EVENTS_KEPT),
            swap->outbox.len ? swap->mail : OTP_SPAN(""),
            swap->history.len && swap->event.len ? OTP_SPAN(OTP_HISTORY_KEPT) : OTP_SPAN(""),
            OTP_SPAN(OTP_HISTORY_KEPT_S), swap->waiting.len ? swap->serial : OTP_SPAN(""), swap->since
        },
        .args = 18,
        .swap = true
    };
}


otp_swapped_t otp_swap_result(const otp_reply_t *reply, otp_span_t *stored)
{
    *stored = OTP_SPAN_NONE;
    if (!reply || reply->kind != OTP_REPLY_ARRAY || reply->elements == 0
        || reply->element[0].kind != OTP_REPLY_INTEGER)
    {
        return OTP_SWAP_FAILED;
    }
    if (reply->element[0].integer == 1 && reply->elements == 1) {
        return OTP_SWAPPED;
    }
    if (reply->element[0].integer != 0 || reply->elements != 2) {
        return OTP_SWAP_FAILED;
    }
    if (reply->element[1].kind == OTP_REPLY_TEXT) {
        *stored = reply->element[1].text;
        return OTP_SWAP_LOST;
    }
    return reply->element[1].kind == OTP_REPLY_NIL ? OTP_SWAP_LOST : OTP_SWAP_FAILED;
}


bool otp_swap_mailed(const otp_command_t *command, const otp_reply_t *reply)
{
    otp_span_t stored;

    return command->swap && command->args > ARG_MAIL && command->arg[ARG_MAIL].len != 0
        && otp_swap_result(reply, &stored) == OTP_SWAPPED;
}
