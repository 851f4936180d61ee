#include <stdlib.h>

#include "core/portal/otp_flow_private.h"

/* The key was used again: the sessions that the emergency password has opened end. */


void otp_emergency_end_destroy(otp_flow_t *flow)
{
    if (flow->ending != NULL) {
        otp_sweep_end(flow->ending);
        free(flow->ending);
        flow->ending = NULL;
    }
}


static otp_effect_t otp_emergency_end_step(otp_flow_t *flow, const otp_reply_t *const *replies, size_t count);


static otp_effect_t otp_emergency_end_replied(otp_flow_t *flow)
{
    return otp_emergency_end_step(flow, flow->reply, flow->replies);
}


static otp_effect_t otp_emergency_end_step(otp_flow_t *flow, const otp_reply_t *const *replies, size_t count)
{
    otp_sweep_t *sweep = flow->ending;

    switch (otp_sweep_step(sweep, flow->now_ms, replies, count)) {
    case OTP_SWEEP_COMMANDS:
        for (size_t i = 0; i < sweep->commands; i++) {
            *otp_flow_command(flow, "") = sweep->command[i];
        }
        return otp_flow_commands(flow, otp_emergency_end_replied);
    case OTP_SWEEP_DONE:
        otp_emergency_end_destroy(flow);
        return flow->ended(flow);
    case OTP_SWEEP_FAILED:
        break;
    }

    return otp_answer_unavailable(flow);
}


otp_effect_t otp_emergency_end(otp_flow_t *flow, otp_flow_stage_t ended)
{
    otp_emergency_end_destroy(flow);
    flow->ending = malloc(sizeof(*flow->ending));
    if (flow->ending == NULL) {
        return otp_answer_unavailable(flow);
    }

    flow->ended = ended;
    otp_sweep_begin(flow->ending, flow->settings->ring, flow->settings->prefix, otp_span_of(flow->uid),
                    otp_sweep_emergency, NULL);

    return otp_emergency_end_step(flow, NULL, 0);
}
