#include <string.h>

#include "core/action/otp_action_private.h"

/* Sessions of one person: all, all but one, or one.  The event goes first: what cannot be told is not done. */

static otp_action_effect_t tell(otp_action_t *action, otp_action_stage_t next)
{
    otp_span_t line = otp_action_event_line(action, OTP_ACTION_OK);

    if (line.len == 0) {
        return otp_action_failed(action);
    }
    action->change.event = line;
    otp_action_event_later(action, line);
    otp_action_tell(action, line);
    return otp_action_commands(action, next);
}


static otp_action_effect_t revoke_told(otp_action_t *action)
{
    if (!otp_action_replies_good(action)) {
        return otp_action_failed(action);
    }
    otp_action_event_keep(action, action->change.event);
    action->managed = OTP_MANAGE_UNCHANGED;
    return otp_action_sweep(action, otp_sweep_all_but, &action->order.keep_session, otp_action_finished);
}


otp_action_effect_t otp_action_sessions_revoke(otp_action_t *action)
{
    return tell(action, revoke_told);
}


static otp_managed_session_t find(void *how, otp_span_t digest, otp_session_t *session)
{
    otp_action_t *action = how;

    if (otp_span_equal(session->id, action->order.session)) {
        memcpy(action->digest, digest.data, sizeof(action->digest));
        action->digest_found = true;
    }
    return OTP_MANAGE_SESSION_KEPT;
}


static otp_managed_session_t end_found(void *how, otp_span_t digest, otp_session_t *session)
{
    const otp_action_t *action = how;

    (void) session;
    return digest.len == sizeof(action->digest) && otp_secret_equal(digest.data, action->digest, digest.len)
        ? OTP_MANAGE_SESSION_ENDED : OTP_MANAGE_SESSION_KEPT;
}


static otp_action_effect_t found_told(otp_action_t *action)
{
    if (!otp_action_replies_good(action)) {
        return otp_action_failed(action);
    }
    otp_action_event_keep(action, action->change.event);
    action->managed = OTP_MANAGE_UNCHANGED;
    return otp_action_sweep(action, end_found, action, otp_action_finished);
}


static otp_action_effect_t looked_for(otp_action_t *action)
{
    return action->digest_found ? tell(action, found_told) : otp_action_finish(action, OTP_MANAGE_NO_SESSION);
}


otp_action_effect_t otp_action_session_revoke(otp_action_t *action)
{
    return otp_action_sweep(action, find, action, looked_for);
}
