#include "core/portal/otp_flow_private.h"


void otp_flow_event(const otp_flow_t *flow, const char *event, const char *verdict, otp_span_t user, otp_event_t *out)
{
    *out = (otp_event_t) {
        .time_ms = flow->now_ms,
        .event = otp_span_of(event),
        .verdict = otp_span_of(verdict),
        .user = user,
        .address = flow->request->address,
        .request = flow->request->request_id,
    };

    if (flow->signed_in) {
        out->session = flow->session.id;
    }
}


otp_span_t otp_flow_event_line(otp_flow_t *flow, const otp_event_t *event)
{
    char  *text;
    size_t len;

    if (flow->event_texts == sizeof(flow->event_text) / sizeof(flow->event_text[0])
        || flow->view.audits == OTP_FLOW_AUDITS)
    {
        return OTP_SPAN_NONE;
    }

    text = flow->event_text[flow->event_texts];
    if (otp_event_write(event, text, OTP_EVENT_MAX, &len) != OTP_OK) {
        return OTP_SPAN_NONE;
    }

    flow->event_texts++;
    flow->view.audit[flow->view.audits] = (otp_span_t) { text, len };
    return flow->view.audit[flow->view.audits++];
}


void otp_flow_event_forget(otp_flow_t *flow)
{
    flow->view.audits = 0;
    flow->event_texts = 0;
}


void otp_flow_event_command(otp_flow_t *flow, otp_span_t id, otp_span_t line)
{
    otp_span_t kept = flow->settings->events_kept;

    otp_name_events(&flow->event_stream, flow->settings->prefix, id);
    otp_command_event(otp_flow_command(flow, "XADD"), otp_name_span(&flow->event_stream),
                      kept.len != 0 ? kept : OTP_SPAN(OTP_EVENTS_KEPT), line);
}


void otp_flow_history_command(otp_flow_t *flow, otp_span_t uid, otp_span_t line)
{
    otp_command_t *command;

    otp_name_of(&flow->history, OTP_NAME_HISTORY, flow->settings->prefix, uid);
    otp_command_event(otp_flow_command(flow, "XADD"), otp_name_span(&flow->history), OTP_SPAN(OTP_HISTORY_KEPT), line);

    command = otp_flow_command(flow, "EXPIRE");
    otp_command_add(command, otp_name_span(&flow->history));
    otp_command_add(command, OTP_SPAN(OTP_HISTORY_KEPT_S));
}
