#include <string.h>

#include "core/action/otp_action_private.h"

static otp_span_t write_line(otp_action_t *action, const otp_event_t *event)
{
    char  *line = action->line[action->line_free];
    size_t len;

    return otp_event_write(event, line, OTP_EVENT_MAX, &len) == OTP_OK ? (otp_span_t) { line, len } : OTP_SPAN_NONE;
}


otp_span_t otp_action_event_line(otp_action_t *action, otp_action_weight_t weight)
{
    const otp_action_order_t *order = &action->order;
    otp_event_t               event = {
        .time_ms = action->now_ms, .event = otp_span_of(otp_action_event(action->kind)),
        .verdict = weight == OTP_ACTION_PART ? OTP_SPAN("part") : OTP_SPAN("ok"), .user = otp_span_of(action->uid),
        .serial = otp_span_of(action->serial), .address = order->address, .session = order->by_session,
        .actor = action->actor, .reason = action->reason, .note = order->note, .request = order->request_id
    };

    if (order->kind == OTP_ACTION_SESSION_REVOKE) {
        event.session = order->session;
    }
    if (weight == OTP_ACTION_CONTACT) {
        event.event = OTP_SPAN("contact");
        event.serial = event.reason = OTP_SPAN_NONE;
    }
    return write_line(action, &event);
}


/* Of what was ordered, whatever the records say; what is too long for a record is left out. */
otp_span_t otp_action_event_refused(otp_action_t *action, otp_managed_t managed)
{
    const otp_action_order_t *order = &action->order;
    otp_event_t               event = {
        .time_ms = action->now_ms, .event = otp_span_of(otp_action_event(order->kind)),
        .verdict = OTP_SPAN("refused"), .user = otp_span_of(action->uid), .address = order->address,
        .session = order->by_session, .actor = order->actor, .reason = otp_span_of(otp_managed_name(managed)),
        .request = order->request_id
    };

    if (order->serial.len <= OTP_SERIAL_MAX) {
        event.serial = order->serial;
    }
    if (order->note.len <= OTP_REASON_LEN) {
        event.note = order->note;
    }
    return write_line(action, &event);
}


void otp_action_event_keep(otp_action_t *action, otp_span_t line)
{
    otp_action_view_t *view = &action->view;

    if (view->audits < OTP_ACTION_AUDITS) {
        view->audit[view->audits++] = line;
        action->line_free = view->audits;
        return;
    }
    /* The one before gives way: what an action ends with tells most, and the stream has them all. */
    action->line_free = (size_t) (view->audit[OTP_ACTION_AUDITS - 1].data - action->line[0]) / OTP_EVENT_MAX;
    view->audit[OTP_ACTION_AUDITS - 1] = line;
}


void otp_action_event_later(otp_action_t *action, otp_span_t line)
{
    memcpy(action->told, line.data, line.len);
    action->told_len = line.len;
}


void otp_action_tell(otp_action_t *action, otp_span_t line)
{
    otp_span_t kept = action->context.events_kept;

    otp_name_events(&action->told_stream, action->context.prefix,
                    otp_span_of(action->uid[0] != '\0' ? action->uid : action->serial));
    otp_command_event(otp_action_command(action, "XADD"),
                      otp_name_span(&action->told_stream), kept.len ? kept : OTP_SPAN(OTP_EVENTS_KEPT), line);
}


void otp_action_tell_history(otp_action_t *action)
{
    otp_span_t     line = { action->told, action->told_len };
    otp_command_t *command;

    action->told_len = 0;
    otp_name_of(&action->told_history, OTP_NAME_HISTORY, action->context.prefix, otp_span_of(action->uid));
    otp_command_event(otp_action_command(action, "XADD"),
                      otp_name_span(&action->told_history), OTP_SPAN(OTP_HISTORY_KEPT), line);
    command = otp_action_command(action, "EXPIRE");
    otp_command_add(command, otp_name_span(&action->told_history));
    otp_command_add(command, OTP_SPAN(OTP_HISTORY_KEPT_S));
}
