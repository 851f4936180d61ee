#include "core/action/otp_action_private.h"

otp_span_t otp_action_event_line(otp_action_t *action, otp_action_weight_t weight)
{
    const otp_action_order_t *order = &action->order;
    char                     *line = action->line[action->view.audits];
    size_t                    len;
    otp_event_t               event = {
        .time_ms = action->now_ms, .event = otp_span_of(otp_action_event(action->kind)),
        .verdict = weight == OTP_ACTION_OK ? OTP_SPAN("ok") : OTP_SPAN("part"), .user = otp_span_of(action->uid),
        .serial = otp_span_of(action->serial), .address = order->address, .session = order->by_session,
        .actor = action->actor, .reason = order->reason, .note = order->note, .request = order->request_id
    };

    if (order->kind == OTP_ACTION_SESSION_REVOKE) {
        event.session = order->session;
    }
    if (otp_event_write(&event, line, OTP_EVENT_MAX, &len) != OTP_OK) {
        return OTP_SPAN_NONE;
    }
    return (otp_span_t) { line, len };
}


void otp_action_event_keep(otp_action_t *action, otp_span_t line)
{
    /* More than any action writes; the stream has them all. */
    if (action->view.audits < OTP_ACTION_AUDITS) {
        action->view.audit[action->view.audits++] = line;
    }
}


static void add_event(otp_action_t *action, otp_span_t stream, otp_span_t kept, otp_span_t line)
{
    otp_command_t *command = otp_action_command(action, "XADD");

    otp_action_argument(command, stream);
    otp_action_argument(command, OTP_SPAN("MAXLEN"));
    otp_action_argument(command, OTP_SPAN("~"));
    otp_action_argument(command, kept);
    otp_action_argument(command, OTP_SPAN("*"));
    otp_action_argument(command, OTP_SPAN("e"));
    otp_action_argument(command, line);
}


void otp_action_tell(otp_action_t *action, otp_span_t line)
{
    otp_span_t kept = action->context.events_kept;

    otp_name_events(&action->told_stream, action->context.prefix, otp_span_of(action->uid));
    add_event(action, otp_name_span(&action->told_stream), kept.len ? kept : OTP_SPAN(OTP_EVENTS_KEPT), line);
}


void otp_action_tell_history(otp_action_t *action, otp_span_t line)
{
    otp_command_t *command;

    otp_name_of(&action->told_history, OTP_NAME_HISTORY, action->context.prefix, otp_span_of(action->uid));
    add_event(action, otp_name_span(&action->told_history), OTP_SPAN(OTP_HISTORY_KEPT), line);
    command = otp_action_command(action, "EXPIRE");
    otp_action_argument(command, otp_name_span(&action->told_history));
    otp_action_argument(command, OTP_SPAN(OTP_HISTORY_KEPT_S));
}
