#include <stdio.h>

#include "core/portal/otp_flow_private.h"


OTP_MUST_USE static json_t *otp_verdict_json(const char *verdict, otp_span_t location, const otp_notice_t *notice)
{
    json_t *body = json_pack("{s:s}", "verdict", verdict);

    if (body == NULL || !otp_json_set_span(body, "level", otp_span_of(notice->level))
        || !otp_json_set_span(body, "location", location)
        || !otp_json_set_span(body, "reason", otp_span_of(notice->reason))
        || (notice->retry_after_s > 0
            && json_object_set_new(body, "retry_after", json_integer(notice->retry_after_s)) != 0))
    {
        json_decref(body);
        return NULL;
    }

    return body;
}


/* The page a refused form is shown on again; who holds nothing any more starts at the first one. */
OTP_MUST_USE static otp_page_t otp_verdict_page(const otp_flow_t *flow)
{
    return flow->signed_in || flow->has_pending ? flow->route->page : OTP_PAGE_LOGIN;
}


void otp_answer_compose(otp_flow_t *flow, int status, const char *verdict, otp_span_t location, otp_notice_t notice)
{
    otp_page_t page = otp_verdict_page(flow);

    if (notice.retry_after_s > 0) {
        otp_answer_header(flow, "Retry-After", otp_flow_number(flow->retry_after, notice.retry_after_s));
    }

    if (flow->json) {
        (void) otp_answer_json(flow, status, verdict, otp_verdict_json(verdict, location, &notice));
        return;
    }

    if (location.len != 0) {
        (void) otp_answer_redirect(flow, 303, location);
        flow->view.answer.verdict = otp_span_of(verdict);
        return;
    }

    (void) otp_answer_page(flow, status, verdict, page, otp_view_of(flow, page, notice));
}


/* The decision stands whether or not its answer could be kept. */
static otp_effect_t otp_verdict_kept(otp_flow_t *flow)
{
    (void) flow;
    return OTP_EFFECT_ANSWER;
}


otp_effect_t otp_answer_verdict(otp_flow_t *flow, int status, const char *verdict, otp_span_t location,
    otp_notice_t notice)
{
    otp_answer_compose(flow, status, verdict, location, notice);

    return otp_answer_kept(flow);
}


otp_effect_t otp_answer_kept(otp_flow_t *flow)
{
    if (!flow->once_kept || !otp_once_keep_command(flow)) {
        return OTP_EFFECT_ANSWER;
    }

    return otp_flow_commands(flow, otp_verdict_kept);
}


otp_effect_t otp_answer_show(otp_flow_t *flow)
{
    const otp_showing_t *showing = &flow->showing;

    if (showing->status != 0) {
        return otp_answer_verdict(flow, showing->status, showing->verdict, OTP_SPAN_NONE, showing->notice);
    }

    return otp_answer_page(flow, 200, "page", flow->route->page,
                           otp_view_of(flow, flow->route->page, (otp_notice_t) { 0 }));
}


static otp_effect_t otp_denied_counted(otp_flow_t *flow)
{
    return otp_answer_verdict(flow, 401, "denied", OTP_SPAN_NONE, (otp_notice_t) { .flag = "denied" });
}


otp_effect_t otp_answer_denied(otp_flow_t *flow)
{
    if (flow->device.proven) {
        /* It has a count of its own. */
        return otp_denied_counted(flow);
    }

    return otp_count(flow, &flow->address_count, otp_denied_counted, NULL);
}


otp_effect_t otp_answer_busy(otp_flow_t *flow, int64_t retry_after_s)
{
    otp_page_t page = otp_verdict_page(flow);

    otp_answer_header(flow, "Retry-After", otp_flow_number(flow->retry_after, retry_after_s));
    if (flow->json) {
        return otp_answer_json(flow, 503, "busy", json_pack("{s:s}", "error", "unavailable"));
    }

    return otp_answer_page(flow, 503, "busy", page,
                           otp_view_of(flow, page, (otp_notice_t) { .flag = "busy", .retry_after_s = retry_after_s }));
}


otp_effect_t otp_answer_throttled(otp_flow_t *flow, const char *flag, int64_t retry_after_s)
{
    return otp_answer_verdict(flow, 429, "throttled", OTP_SPAN_NONE,
                              (otp_notice_t) { .flag = flag, .retry_after_s = retry_after_s });
}


/* ---- what a decision about a passcode or a PIN has refused ---- */

otp_effect_t otp_answer_already_used(otp_flow_t *flow)
{
    return otp_answer_verdict(flow, 401, "already_used", OTP_SPAN_NONE,
                              (otp_notice_t) {
                                  .flag = "already_used", .retry_after_s = flow->attempt.decision.retry_after_s
                              });
}


/* Not signed in yet: as after a spent code, and what the page shows of a wait is the longer one. */
otp_effect_t otp_answer_wait_next_code(otp_flow_t *flow)
{
    flow->pending.display_changes = otp_attempt_display_changes(flow);

    return otp_answer_verdict(flow, 401, "wait_next_code", OTP_SPAN_NONE,
                              (otp_notice_t) {
                                  .flag = "wait_next_code", .retry_after_s = flow->attempt.decision.wait_s
                              });
}


otp_effect_t otp_answer_locked(otp_flow_t *flow)
{
    int64_t wait = flow->attempt.decision.retry_after_s;

    return otp_answer_throttled(flow, "locked", wait != 0 ? wait : flow->settings->limits.lock_time_s);
}


otp_effect_t otp_answer_pin_refused(otp_flow_t *flow)
{
    const char *reason = otp_pin_refusal_name(flow->attempt.decision.refusal);

    (void) snprintf(flow->flag, sizeof(flow->flag), "refused_%s", reason);

    return otp_answer_verdict(flow, 422, "pin_refused", OTP_SPAN_NONE,
                              (otp_notice_t) { .flag = flow->flag, .reason = reason });
}
