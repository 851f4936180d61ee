#include <stdio.h>
#include <string.h>

#include "core/portal/otp_flow_private.h"

/* What the helpdesk does: a page that asks whether one is sure, the form it sends, and what comes of it.  Whether the
 * agent may is judged again each time. */


OTP_MUST_USE static bool otp_desk_sure(const otp_flow_t *flow)
{
    return flow->json || otp_span_equal(otp_form_get(&flow->form, "confirm"), OTP_SPAN("1"));
}


/* ---- refused ---- */

static otp_effect_t otp_desk_again(otp_flow_t *flow, int status, const char *flag)
{
    flow->showing = (otp_showing_t) { status, "refused", { .flag = flag } };

    return otp_answer_show(flow);
}


OTP_MUST_USE static int otp_desk_status(const otp_flow_t *flow, otp_managed_t managed)
{
    if (managed == OTP_MANAGE_REASON) {
        return 422;
    }

    return managed == OTP_MANAGE_NO_STOCK || (managed == OTP_MANAGE_NO_KEY && flow->acting.what->serial) ? 404 : 409;
}


/* The word the page has a sentence for. */
OTP_MUST_USE static const char *otp_desk_stop(otp_managed_t managed)
{
    switch (managed) {
    case OTP_MANAGE_HELD:
    case OTP_MANAGE_DISABLED:
    case OTP_MANAGE_RETURNING:
    case OTP_MANAGE_ORPHAN:
    case OTP_MANAGE_FULL:
    case OTP_MANAGE_NO_KEY:
    case OTP_MANAGE_ASSIGNED:
    case OTP_MANAGE_NO_STOCK:
    case OTP_MANAGE_NO_REQUEST:
    case OTP_MANAGE_REQUESTED:
    case OTP_MANAGE_NO_EMERGENCY:
    case OTP_MANAGE_NO_SESSION:
        return otp_managed_name(managed);
    case OTP_MANAGE_CHANGED:
    case OTP_MANAGE_UNCHANGED:
    case OTP_MANAGE_REASON:
    case OTP_MANAGE_UNCERTAIN:
    case OTP_MANAGE_MISFIT:
    case OTP_MANAGE_WAIT:
    case OTP_MANAGE_BUSY:
    case OTP_MANAGE_UNAVAILABLE:
        break;
    }

    return "other";
}


/* A key that is none of their people's is nothing to agents with a scope, whether it is in the stock or not. */
OTP_MUST_USE static otp_managed_t otp_desk_tellable(const otp_flow_t *flow, otp_managed_t managed)
{
    const otp_desk_action_t *what = flow->acting.what;
    bool                     elsewhere = managed == OTP_MANAGE_NO_STOCK || managed == OTP_MANAGE_HELD
                                         || managed == OTP_MANAGE_NO_KEY || managed == OTP_MANAGE_REQUESTED;

    if (!elsewhere || (!what->serial && !what->request) || !otp_access_scoped(flow)) {
        return managed;
    }
    if (what->request) {
        return OTP_MANAGE_NO_REQUEST;
    }

    return what->kind == OTP_ACTION_KEY_ASSIGN ? OTP_MANAGE_NO_STOCK : OTP_MANAGE_NO_KEY;
}


static otp_effect_t otp_desk_refused(otp_flow_t *flow, otp_managed_t told)
{
    otp_managed_t managed = otp_desk_tellable(flow, told);
    int           status = otp_desk_status(flow, managed);
    const char   *name = otp_managed_name(managed);
    bool          either = managed == OTP_MANAGE_NO_STOCK && otp_access_scoped(flow);

    if (!flow->json) {
        flow->acting.refused = true;
        flow->acting.managed = managed;
        (void) snprintf(flow->managed_flag, sizeof(flow->managed_flag), "stop_%s",
                        either ? "not_free" : otp_desk_stop(managed));
        return otp_desk_again(flow, status, managed == OTP_MANAGE_REASON ? "reason_missing" : flow->managed_flag);
    }
    if (status == 404) {
        (void) otp_answer_error(flow, 404, "not_found", "error_not_found");
        return otp_answer_kept(flow);
    }
    (void) otp_answer_json(flow, status, "refused", json_pack("{s:s, s:s, s:s}", "verdict", "refused", "reason", name,
                                                              "text", otp_managed_text(managed)));

    return otp_answer_kept(flow);
}


/* ---- done ---- */

OTP_MUST_USE static json_t *otp_desk_done_json(const otp_flow_t *flow)
{
    const otp_action_result_t *result = flow->acting.result;
    json_t                    *body = json_pack("{s:s}", "verdict", "ok");

    if (flow->acting.what->kind == OTP_ACTION_EMERGENCY_ISSUE
        && (!otp_row_text(body, "password", otp_span_of(result->password))
            || !otp_row_number(body, "expires", result->expires)))
    {
        json_decref(body);
        return NULL;
    }
    if (result->sessions_ended + result->sessions_lowered != 0
        && (!otp_row_number(body, "ended", (int64_t) result->sessions_ended)
            || !otp_row_number(body, "lowered", (int64_t) result->sessions_lowered)))
    {
        json_decref(body);
        return NULL;
    }

    return body;
}


static otp_effect_t otp_desk_done(otp_flow_t *flow)
{
    char          where[OTP_WHERE_MAX];
    otp_managed_t managed = flow->acting.result->managed;

    if (otp_managed_refused(managed)) {
        return otp_desk_refused(flow, managed);
    }

    if (flow->json) {
        (void) otp_answer_json(flow, 200, "ok", otp_desk_done_json(flow));
        return otp_answer_kept(flow);
    }

    if (flow->acting.what->kind == OTP_ACTION_EMERGENCY_ISSUE) {
        (void) otp_answer_page(flow, 200, "ok", OTP_PAGE_HELPDESK_EMERGENCY,
                               otp_view_of(flow, OTP_PAGE_HELPDESK_EMERGENCY, (otp_notice_t) { 0 }));
        return otp_answer_kept(flow);
    }

    /* Back to the page the form was reached from, which says what was done. */
    otp_desk_where(flow, flow->acting.what, where);

    return otp_answer_verdict(flow, 200, "ok", otp_told_location(flow, where), (otp_notice_t) { 0 });
}


/* ---- doing ---- */

static otp_effect_t otp_desk_claimed(otp_flow_t *flow)
{
    static const otp_zone_t  utc = { .changes = 0 };
    const otp_desk_action_t *what = flow->acting.what;
    const otp_zone_t        *zone = flow->settings->zone != NULL ? flow->settings->zone : &utc;
    otp_span_t               session = otp_desk_field(flow, "session");
    otp_action_order_t      *order;

    /* Only now: the other one of two clicks has waited for this one's answer. */
    if (otp_desk_moved(flow)) {
        return otp_desk_moved_refuse(flow);
    }

    order = otp_act_order(flow, what->kind);
    order->note = otp_desk_field(flow, "note");
    if (what->reason || what->reason_text) {
        order->reason = otp_desk_field(flow, "reason");
    }
    if (what->serial || what->request) {
        order->serial = otp_span_of(flow->serial);
    }
    /* Whose key it is was judged before: it must not have become another's since. */
    if ((what->serial && what->kind != OTP_ACTION_KEY_ASSIGN) || what->request) {
        order->only_uid = otp_span_of(flow->subject.uid);
    }
    if (what->kind == OTP_ACTION_SESSIONS_REVOKE && session.len != 0) {
        order->kind = OTP_ACTION_SESSION_REVOKE;
        order->session = session;
    }
    if (what->kind == OTP_ACTION_EMERGENCY_ISSUE) {
        order->expires = otp_zone_day_end(zone, flow->now_s);
    }

    return otp_act(flow, otp_desk_done);
}


OTP_MUST_USE static bool otp_desk_field_fits(const otp_flow_t *flow, const char *name)
{
    return otp_desk_field(flow, name).len <= OTP_REASON_LEN;
}


/* What is missing or cannot be; NULL: nothing.  The flag of the page. */
OTP_MUST_USE static const char *otp_desk_missing(otp_flow_t *flow)
{
    const otp_desk_action_t *what = flow->acting.what;
    otp_span_t               reason = otp_desk_field(flow, "reason");

    if (what->serial && otp_desk_field(flow, "serial").len == 0) {
        return "serial_missing";
    }
    if ((what->reason && !otp_manage_reason_known(reason)) || (what->reason_text && reason.len == 0)) {
        return "reason_missing";
    }

    return !flow->json && !what->reason_text && otp_desk_field(flow, "note").len == 0 ? "note_missing" : NULL;
}


/* The one serial that an agent types. */
static otp_effect_t otp_desk_spelled(otp_flow_t *flow)
{
    return otp_serial_typed(flow, otp_desk_claimed);
}


/* The agent may: the fields, then the deed. */
static otp_effect_t otp_desk_act(otp_flow_t *flow)
{
    const char              *missing;
    const otp_desk_action_t *what = flow->acting.what;
    otp_span_t               session = otp_desk_field(flow, "session");

    if (!otp_desk_field_fits(flow, "note") || !otp_desk_field_fits(flow, "reason")) {
        return otp_answer_error(flow, 400, "bad_request", "error_bad_request");
    }
    if (!otp_desk_sure(flow)) {
        return otp_answer_show(flow);
    }

    missing = otp_desk_missing(flow);
    if (missing != NULL && !flow->json) {
        return otp_desk_again(flow, 422, missing);
    }
    if (missing != NULL) {
        return strcmp(missing, "reason_missing") == 0
               ? otp_desk_refused(flow, OTP_MANAGE_REASON)
               : otp_answer_error(flow, 400, "bad_request", "error_bad_request");
    }
    if (what->serial && otp_serial_canonical(otp_desk_field(flow, "serial"), flow->serial) != OTP_OK) {
        return otp_desk_refused(flow, OTP_MANAGE_NO_STOCK);
    }
    if (session.len != 0 && session.len != OTP_PUBLIC_ID_LEN) {
        return otp_desk_refused(flow, OTP_MANAGE_NO_SESSION);
    }

    return otp_act_claim(flow, what->kind == OTP_ACTION_KEY_ASSIGN ? otp_desk_spelled : otp_desk_claimed);
}


static otp_effect_t otp_desk_not_found(otp_flow_t *flow)
{
    return otp_answer_error(flow, 404, "not_found", "error_not_found");
}


static otp_effect_t otp_desk_loaded(otp_flow_t *flow)
{
    if (!flow->subject.known && !flow->subject.has_account) {
        return otp_desk_not_found(flow);
    }
    if (flow->request->method == OTP_REQUEST_POST && flow->showing.status == 0) {
        return otp_desk_act(flow);
    }
    if (flow->json) {
        /* A confirmation is for people: programs send the form. */
        return otp_answer_json(flow, 200, "page", json_pack("{s:s, s:s, s:s}", "page", "helpdesk_confirm", "user",
                                                            flow->subject.uid, "action", flow->acting.what->path));
    }

    return otp_answer_show(flow);
}


/* Nobody waits for the key: another agent was faster, or this one's other click, whose answer is then ours. */
static otp_effect_t otp_desk_no_request(otp_flow_t *flow)
{
    return otp_desk_refused(flow, OTP_MANAGE_NO_REQUEST);
}


static otp_effect_t otp_desk_request_gone(otp_flow_t *flow)
{
    otp_subject_reset(flow);

    return flow->request->method == OTP_REQUEST_POST ? otp_act_claim(flow, otp_desk_no_request)
                                                     : otp_desk_no_request(flow);
}


static otp_effect_t otp_desk_told(otp_flow_t *flow)
{
    otp_reach_t reach = otp_access_reach(flow, &flow->subject);

    if (reach == OTP_REACH_SCOPE && flow->acting.what->request) {
        /* Nobody of theirs does: whose key it is would tell that there is one. */
        return otp_access_tell(flow, reach, otp_action_event(flow->acting.what->kind), otp_desk_request_gone);
    }
    if (reach != OTP_REACH_OK) {
        return otp_access_forbidden(flow, reach, otp_action_event(flow->acting.what->kind));
    }

    return otp_subject_load(flow, otp_desk_field(flow, "session").len != 0 ? OTP_SUBJECT_SESSIONS : OTP_SUBJECT_ACCOUNT,
                            otp_desk_loaded);
}


/* ---- about a person ---- */

otp_effect_t otp_helpdesk_action(otp_flow_t *flow)
{
    flow->acting.what = otp_desk_action_find(flow->part[1], false);
    if (flow->acting.what == NULL || !otp_subject_take(flow, flow->part[0])) {
        return otp_desk_not_found(flow);
    }

    return otp_subject_ask(flow, otp_desk_told);
}


/* ---- about a request: the person is who waits for the key ---- */

static otp_effect_t otp_desk_request_read(otp_flow_t *flow)
{
    otp_stock_t stock;
    otp_span_t  stored = otp_flow_reply_text(flow, 0);
    bool        waits;

    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }
    if (stored.len == 0) {
        return otp_access_scoped(flow) ? otp_desk_request_gone(flow) : otp_desk_not_found(flow);
    }
    if (otp_stock_read(flow->settings->ring, otp_name_span(&flow->subject.acct), stored, &stock) != OTP_OK) {
        return otp_answer_unavailable(flow);
    }

    waits = stock.wanted[0] != '\0' && otp_subject_take(flow, otp_span_of(stock.wanted));
    flow->acting.asked_at = waits ? stock.wanted_at : 0;
    otp_secret_wipe(&stock, sizeof(stock));

    return waits ? otp_subject_ask(flow, otp_desk_told) : otp_desk_request_gone(flow);
}


otp_effect_t otp_helpdesk_request(otp_flow_t *flow)
{
    flow->acting.what = otp_desk_action_find(flow->part[1], true);
    if (flow->acting.what == NULL || otp_serial_canonical(flow->part[0], flow->serial) != OTP_OK) {
        return otp_desk_not_found(flow);
    }

    otp_name_of(&flow->subject.acct, OTP_NAME_STOCK, flow->settings->prefix, otp_span_of(flow->serial));
    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->subject.acct));

    return otp_flow_commands(flow, otp_desk_request_read);
}
