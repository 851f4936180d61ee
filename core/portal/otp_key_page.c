#include <stdio.h>
#include <string.h>

#include "core/portal/otp_flow_private.h"

/* « Ma clé »: somebody's own keys, the request for one, the loss of one; and the signals they have read. */

#define OTP_CODE_TYPED_MAX  16      /* a code, with blanks */


/* ---- GET ---- */

/* A notice that a redirect has carried here. */
OTP_MUST_USE static bool otp_key_done(otp_flow_t *flow, json_t *view)
{
    static const struct {
        const char *word, *flag;
    } notices[] = {
        { "requested", "requested" }, { "approved", "approved" }, { "lost", "lost_done" }, { "pin", "pin_changed" },
    };
    char       where[OTP_WHERE_MAX];
    otp_span_t done = otp_form_get(&flow->query, "done");

    for (size_t i = 0; flow->showing.status == 0 && i < sizeof(notices) / sizeof(notices[0]); i++) {
        if (otp_span_equal(done, otp_span_of(notices[i].word))) {
            (void) snprintf(where, sizeof(where), "key?done=%s", notices[i].word);
            return !otp_told(flow, where) || otp_row_flag(view, notices[i].flag, true);
        }
    }

    return true;
}


bool otp_key_view(otp_flow_t *flow, json_t *view)
{
    const otp_account_t *account = &flow->subject.account;

    return json_object_set_new(view, "keys", otp_person_keys(flow, account)) == 0
           && json_object_set_new(view, "signals", otp_person_signals(flow, account)) == 0
           && otp_person_signals_text(account, view)
           && otp_person_request_view(flow, account, view)
           && otp_row_text(view, "serial", otp_form_get(&flow->form, "serial"))
           && otp_row_flag(view, "can_change_pin", otp_access_by_key(flow))
           && otp_row_flag(view, "can_dismiss", otp_access_by_key(flow)) && otp_key_done(flow, view);
}


static otp_effect_t otp_key_shown(otp_flow_t *flow)
{
    char                 csrf[OTP_CSRF_LEN + 1];
    otp_span_t           token;
    const otp_account_t *account = &flow->subject.account;

    if (!flow->json) {
        return otp_answer_show(flow);
    }

    token = otp_csrf_issue(flow, csrf);

    return otp_answer_json(flow, 200, "page",
                           json_pack("{s:s, s:o, s:o, s:o, s:s%}", "page", "key", "keys",
                                     otp_person_keys(flow, account), "request", otp_person_request(flow, account),
                                     "signals", otp_person_signals(flow, account), "csrf", token.data, token.len));
}


otp_effect_t otp_key_get(otp_flow_t *flow)
{
    otp_subject_self(flow);

    return otp_subject_load(flow, OTP_SUBJECT_ACCOUNT, otp_key_shown);
}


/* ---- after a form ---- */

/* The page again, with what it says of the keys now. */
static otp_effect_t otp_key_again(otp_flow_t *flow, int status, const char *verdict, otp_notice_t notice)
{
    if (flow->json) {
        return otp_answer_verdict(flow, status, verdict, OTP_SPAN_NONE, notice);
    }
    flow->showing = (otp_showing_t) { status, verdict, notice };

    return otp_subject_load(flow, OTP_SUBJECT_ACCOUNT, otp_key_shown);
}


static otp_effect_t otp_key_back(otp_flow_t *flow, const char *verdict, const char *where)
{
    return otp_answer_verdict(flow, 200, verdict, flow->json ? OTP_SPAN_NONE : otp_told_location(flow, where),
                              (otp_notice_t) { 0 });
}


static otp_effect_t otp_key_bad_request(otp_flow_t *flow)
{
    return otp_answer_error(flow, 400, "bad_request", "error_bad_request");
}


/* ---- a request for activation ---- */

static otp_effect_t otp_key_refused(otp_flow_t *flow)
{
    return otp_key_again(flow, 422, "serial_refused", (otp_notice_t) { .flag = "serial_refused" });
}


static otp_effect_t otp_key_early(otp_flow_t *flow)
{
    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    return otp_key_again(flow, 401, "wait_next_code",
                         (otp_notice_t) {
                             .flag = "wait_next_code", .retry_after_s = flow->acting.result->wait_s
                         });
}


static otp_effect_t otp_key_requested(otp_flow_t *flow)
{
    switch (flow->acting.result->managed) {
    case OTP_MANAGE_CHANGED:
        return flow->acting.result->approved ? otp_key_back(flow, "ok", "key?done=approved")
                                             : otp_key_back(flow, "requested", "key?done=requested");
    case OTP_MANAGE_UNCHANGED:
    case OTP_MANAGE_REQUESTED:
        return otp_key_again(flow, 409, "requested", (otp_notice_t) { .flag = "already_requested" });
    case OTP_MANAGE_WAIT:
        /* It was right: no request that counts against the next one. */
        otp_count_release_command(flow, &flow->user_count);
        return otp_flow_commands(flow, otp_key_early);
    /* Unknown, somebody else's, disabled, or not what this key shows: the same answer, for each would tell
     * something of the stock. */
    case OTP_MANAGE_HELD:
    case OTP_MANAGE_DISABLED:
    case OTP_MANAGE_RETURNING:
    case OTP_MANAGE_ORPHAN:
    case OTP_MANAGE_UNCERTAIN:
    case OTP_MANAGE_FULL:
    case OTP_MANAGE_NO_KEY:
    case OTP_MANAGE_ASSIGNED:
    case OTP_MANAGE_REASON:
    case OTP_MANAGE_NO_STOCK:
    case OTP_MANAGE_NO_REQUEST:
    case OTP_MANAGE_MISFIT:
    case OTP_MANAGE_NO_EMERGENCY:
    case OTP_MANAGE_NO_SESSION:
        return otp_key_refused(flow);
    case OTP_MANAGE_BUSY:
    case OTP_MANAGE_UNAVAILABLE:
        break;
    }

    return otp_answer_unavailable(flow);
}


static otp_effect_t otp_key_spelled(otp_flow_t *flow)
{
    otp_action_order_t *order = otp_act_order(flow, OTP_ACTION_REQUEST_CREATE);

    order->serial = otp_span_of(flow->serial);
    order->code = otp_span_of(flow->passcode);
    order->automatic = flow->settings->activation_automatic;

    return otp_act(flow, otp_key_requested);
}


static otp_effect_t otp_key_request(otp_flow_t *flow)
{
    return otp_serial_typed(flow, otp_key_spelled);
}


static otp_effect_t otp_key_throttle_told(otp_flow_t *flow)
{
    int64_t wait = otp_throttle_wait(&flow->user_count.throttle, flow->now_s);

    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    return otp_key_again(flow, 429, "throttled", (otp_notice_t) { .flag = "throttled", .retry_after_s = wait });
}


static otp_effect_t otp_key_throttled(otp_flow_t *flow)
{
    otp_span_t  line, uid = otp_span_of(flow->subject.uid);
    otp_event_t event;

    otp_flow_event(flow, otp_action_event(OTP_ACTION_REQUEST_CREATE), "throttled", uid, &event);
    line = otp_flow_event_line(flow, &event);
    if (line.len == 0) {
        return otp_answer_unavailable(flow);
    }
    otp_flow_event_command(flow, uid, line);

    return otp_flow_commands(flow, otp_key_throttle_told);
}


/* Counted before it is looked at: parallel requests do not outrun the count. */
static otp_effect_t otp_key_considered(otp_flow_t *flow)
{
    if (!otp_flow_replies_good(flow) || !otp_count_read(flow, &flow->user_count, 0)) {
        return otp_answer_unavailable(flow);
    }

    if (otp_throttle_wait(&flow->user_count.throttle, flow->now_s) != 0) {
        return otp_key_throttled(flow);
    }

    return otp_count(flow, &flow->user_count, otp_key_request, otp_key_throttled);
}


static otp_effect_t otp_key_claimed(otp_flow_t *flow)
{
    if (!otp_count_ask_request(flow, otp_span_of(flow->subject.uid))) {
        return otp_answer_unavailable(flow);
    }

    return otp_flow_commands(flow, otp_key_considered);
}


/* The code, without the blanks it is shown with: anything else cannot be one. */
OTP_MUST_USE static bool otp_key_code(otp_flow_t *flow)
{
    size_t     n = 0;
    otp_span_t typed = otp_form_get(&flow->form, "code");

    memset(flow->passcode, 0, sizeof(flow->passcode));
    for (size_t i = 0; i < typed.len && typed.len <= OTP_CODE_TYPED_MAX; i++) {
        if (typed.data[i] >= '0' && typed.data[i] <= '9') {
            flow->passcode[n++] = typed.data[i];
        } else if (typed.data[i] != ' ') {
            return false;
        }
    }

    return n != 0;
}


otp_effect_t otp_key_post(otp_flow_t *flow)
{
    otp_span_t serial = otp_form_get(&flow->form, "serial");

    if (serial.data == NULL || otp_form_get(&flow->form, "code").data == NULL) {
        return otp_key_bad_request(flow);
    }

    otp_subject_self(flow);
    if (otp_serial_canonical(serial, flow->serial) != OTP_OK || !otp_key_code(flow)) {
        return otp_key_refused(flow);
    }

    return otp_act_claim(flow, otp_key_claimed);
}


/* ---- one's own key is lost ---- */

static otp_effect_t otp_key_lost_done(otp_flow_t *flow)
{
    if (otp_managed_refused(flow->acting.result->managed)) {
        (void) otp_answer_error(flow, 404, "not_found", "error_not_found");
        return otp_answer_kept(flow);
    }

    return otp_key_back(flow, "ok", "key?done=lost");
}


static otp_effect_t otp_key_lost_claimed(otp_flow_t *flow)
{
    otp_action_order_t *order = otp_act_order(flow, OTP_ACTION_KEY_DISABLE);

    order->serial = otp_span_of(flow->serial);
    order->only_uid = otp_span_of(flow->subject.uid);
    order->reason = OTP_SPAN("lost");

    return otp_act(flow, otp_key_lost_done);
}


otp_effect_t otp_key_lost_post(otp_flow_t *flow)
{
    otp_span_t serial = otp_form_get(&flow->form, "serial");

    if (serial.data == NULL) {
        return otp_key_bad_request(flow);
    }
    if (otp_serial_canonical(serial, flow->serial) != OTP_OK) {
        return otp_answer_error(flow, 404, "not_found", "error_not_found");
    }
    otp_subject_self(flow);

    return otp_act_claim(flow, otp_key_lost_claimed);
}


/* ---- the banner has been read ---- */

static otp_effect_t otp_signals_done(otp_flow_t *flow)
{
    /* Who has no account has no signals either. */
    return otp_answer_verdict(flow, 200, "ok", flow->json ? OTP_SPAN_NONE : otp_answer_location(flow, ""),
                              (otp_notice_t) { 0 });
}


static otp_effect_t otp_signals_claimed(otp_flow_t *flow)
{
    otp_span_t          seen = otp_form_get(&flow->form, "seen");
    otp_action_order_t *order = otp_act_order(flow, OTP_ACTION_SIGNALS_SEEN);

    /* What has come since the page was made has not been read. */
    if (seen.data != NULL) {
        otp_person_signals_read(seen, flow->acting.seen);
        order->seen = flow->acting.seen;
    }

    return otp_act(flow, otp_signals_done);
}


otp_effect_t otp_signals_post(otp_flow_t *flow)
{
    otp_subject_self(flow);

    return otp_act_claim(flow, otp_signals_claimed);
}
