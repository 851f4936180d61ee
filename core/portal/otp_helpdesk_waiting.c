#include <stdlib.h>

#include "core/portal/otp_flow_private.h"

/* The sets of keys that are waited for: one a tag, some at a time. */

#define OTP_TAGS_AT_ONCE    8

static otp_effect_t otp_waiting_taken(otp_flow_t *flow);


static otp_effect_t otp_waiting_ask(otp_flow_t *flow)
{
    otp_desk_t *desk = flow->desk;

    if (desk->tags == OTP_TAGS) {
        return desk->next(flow);
    }

    for (size_t i = 0; i < OTP_TAGS_AT_ONCE; i++) {
        otp_name_waiting_tag(&desk->name[i], flow->settings->prefix, desk->tags++);
        desk->ask(flow, otp_name_span(&desk->name[i]));
    }

    return otp_flow_commands(flow, otp_waiting_taken);
}


static otp_effect_t otp_waiting_taken(otp_flow_t *flow)
{
    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    for (size_t i = 0; i < flow->replies; i++) {
        if (!flow->desk->take(flow->desk, flow->reply[i])) {
            return otp_answer_unavailable(flow);
        }
    }

    return otp_waiting_ask(flow);
}


otp_effect_t otp_helpdesk_waiting(otp_flow_t *flow, otp_desk_ask_t ask, otp_desk_take_t take, otp_flow_stage_t next)
{
    flow->desk->ask = ask;
    flow->desk->take = take;
    flow->desk->next = next;
    flow->desk->tags = 0;

    return otp_waiting_ask(flow);
}


/* ---- their number ---- */

#define OTP_WAITING_MAX     INT32_MAX       /* in one set: more than Redis can hold */

static void otp_waiting_count_ask(otp_flow_t *flow, otp_span_t name)
{
    otp_command_add(otp_flow_command(flow, "ZCARD"), name);
}


OTP_MUST_USE static bool otp_waiting_count_take(otp_desk_t *desk, const otp_reply_t *reply)
{
    if (reply->kind != OTP_REPLY_INTEGER || reply->integer < 0 || reply->integer > OTP_WAITING_MAX) {
        return false;
    }

    desk->waiting += reply->integer;

    return true;
}


otp_effect_t otp_helpdesk_count(otp_flow_t *flow, otp_flow_stage_t next)
{
    otp_buffer_t scope;

    if (flow->desk == NULL) {
        flow->desk = calloc(1, sizeof(*flow->desk));
        if (flow->desk == NULL) {
            return otp_answer_unavailable(flow);
        }
    }

    otp_buffer_init(&scope, flow->desk->scope_text, sizeof(flow->desk->scope_text));
    flow->desk->scoped = otp_access_scope(flow, &scope);
    if (flow->desk->scoped) {
        /* Whose requests they are nobody knows without asking the directory about each. */
        flow->desk->scope = otp_buffer_span(&scope);
        return next(flow);
    }
    flow->desk->waiting = 0;

    return otp_helpdesk_waiting(flow, otp_waiting_count_ask, otp_waiting_count_take, next);
}
