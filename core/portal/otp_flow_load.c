#include <string.h>

#include "core/portal/otp_flow_private.h"

/* Who is asking: the session and the pending state of the browser's cookie. */


/* Asks for everything this browser's cookie may stand for. */
static void otp_flow_load_cookie(otp_flow_t *flow)
{
    *otp_flow_command(flow, "MGET") = flow->lookup.command;
    otp_name_cookie(&flow->pend, flow->settings->prefix, "pend",
                    (otp_span_t) { flow->lookup.digest, sizeof(flow->lookup.digest) });
    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->pend));
}


/* The session outlives the replies: its text is copied. */
OTP_MUST_USE static bool otp_flow_read_session(otp_flow_t *flow)
{
    int64_t       fresh_until_s;
    otp_session_t session;
    otp_found_t   found = otp_session_found(flow->settings->ring, &flow->lookup, flow->reply[0], flow->now_s, &session,
                                            &fresh_until_s);

    if (found != OTP_FOUND) {
        return found == OTP_ABSENT;
    }

    flow->signed_in = otp_session_text_size(&session) <= sizeof(flow->session_text);
    if (flow->signed_in) {
        otp_session_copy(&session, flow->session_text, &flow->session);
    }

    return flow->signed_in;
}


static void otp_flow_read_pending(otp_flow_t *flow)
{
    otp_span_t text = otp_flow_reply_text(flow, 1);

    if (text.len != 0 && text.len <= sizeof(flow->pending_text)) {
        memcpy(flow->pending_text, text.data, text.len);
        flow->pending_len = text.len;
    }

    flow->has_pending = flow->pending_len != 0
                        && otp_pending_read(flow->settings->ring, otp_name_span(&flow->pend), text, &flow->pending)
                           == OTP_OK
                        && flow->pending.until >= flow->now_s
                        && (!flow->signed_in || otp_span_equal(otp_span_of(flow->pending.uid),
                                                               flow->session.person.uid));
}


/* Who is asking cannot be known: what anybody may read is shown to nobody in particular. */
static otp_effect_t otp_flow_unknown(otp_flow_t *flow)
{
    if (flow->route->access != OTP_ACCESS_ALWAYS) {
        return otp_answer_unavailable(flow);
    }
    flow->signed_in = false;
    flow->has_pending = false;

    return flow->route->get(flow);
}


static otp_effect_t otp_flow_marked(otp_flow_t *flow)
{
    return otp_flow_replies_good(flow) ? otp_route_dispatch(flow) : otp_flow_unknown(flow);
}


/* Only once the session was found alive: a mark written before would revive an idle one for the next request. */
static otp_effect_t otp_flow_mark_seen(otp_flow_t *flow)
{
    const otp_route_t *route = flow->route;

    otp_session_touch(&flow->lookup, &flow->session, flow->now_s);
    *otp_flow_command(flow, "SET") = flow->lookup.command;

    flow->read_at = flow->view.commands;
    if (flow->request->method == OTP_REQUEST_POST && route->read_known != NULL && !route->read_known(flow)) {
        return otp_answer_unavailable(flow);
    }

    return otp_flow_commands(flow, otp_flow_marked);
}


static otp_effect_t otp_flow_loaded(otp_flow_t *flow)
{
    otp_span_t kept;

    if (!otp_flow_replies_good(flow)) {
        return otp_flow_unknown(flow);
    }

    if (flow->cookie.data != NULL) {
        if (!otp_flow_read_session(flow)) {
            return otp_flow_unknown(flow);
        }
        otp_flow_read_pending(flow);
    }

    kept = flow->once.len == 0 ? OTP_SPAN_NONE : otp_flow_reply_text(flow, flow->read_at - 1);
    if (kept.len != 0 && kept.len <= sizeof(flow->once_text)) {
        memcpy(flow->once_text, kept.data, kept.len);
        flow->once_found = (otp_span_t) { flow->once_text, kept.len };
    }

    return flow->signed_in ? otp_flow_mark_seen(flow) : otp_route_dispatch(flow);
}


/* Asks for the answer that the same form got, and for what is needed to give one. */
OTP_MUST_USE static bool otp_flow_load_form(otp_flow_t *flow)
{
    if (!otp_once_name(flow)) {
        return false;
    }

    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->once));
    flow->read_at = flow->view.commands;

    return flow->route->read == NULL || flow->route->read(flow);
}


otp_effect_t otp_flow_load(otp_flow_t *flow)
{
    const otp_settings_t *settings = flow->settings;
    otp_span_t            browser = otp_flow_cookie(flow, "-form");

    flow->cookie = otp_flow_cookie(flow, "");
    if (flow->cookie.data != NULL
        && otp_session_lookup_cookie(settings->ring, settings->prefix, flow->cookie, &flow->lookup) != OTP_OK)
    {
        flow->cookie = OTP_SPAN_NONE;
    }
    if (browser.len == OTP_COOKIE_LEN) {
        flow->browser = browser;
    }

    if (flow->cookie.data != NULL) {
        otp_flow_load_cookie(flow);
    }

    if (flow->request->method == OTP_REQUEST_POST && !otp_flow_load_form(flow)) {
        return otp_answer_unavailable(flow);
    }

    if (flow->view.commands == 0 && flow->route->access == OTP_ACCESS_ALWAYS) {
        return flow->route->get(flow);
    }

    if (flow->view.commands == 0) {
        /* Nothing to look up; yet a page must not pretend that signing in is possible without Redis. */
        (void) otp_flow_command(flow, "PING");
    }

    return otp_flow_commands(flow, otp_flow_loaded);
}
