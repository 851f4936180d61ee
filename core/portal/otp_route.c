#include "core/portal/otp_flow_private.h"


static const otp_route_t otp_routes[] = {
    { "", otp_home_get, NULL, OTP_PAGE_HOME, .access = OTP_ACCESS_ANYBODY },
    { "login", otp_login_get, otp_login_post, OTP_PAGE_LOGIN, .access = OTP_ACCESS_ANYBODY, .read = otp_login_read },
    { "passcode", otp_passcode_get, otp_passcode_post, OTP_PAGE_PASSCODE, .access = OTP_ACCESS_UNDERWAY,
      .read_known = otp_passcode_read },
    { "pin", otp_pin_get, otp_pin_post, OTP_PAGE_PIN, .access = OTP_ACCESS_UNDERWAY },
    { "session", otp_session_get, NULL, OTP_PAGE_HOME, .access = OTP_ACCESS_ANYBODY },
    { "logout", NULL, otp_logout_post, OTP_PAGE_HOME, .access = OTP_ACCESS_UNDERWAY },
    { "help", otp_help_get, NULL, OTP_PAGE_HELP, .access = OTP_ACCESS_ALWAYS },
    { "health", otp_health_get, NULL, OTP_PAGE_ERROR, .access = OTP_ACCESS_ANYBODY },
    { "key", otp_key_get, otp_key_post, OTP_PAGE_KEY, .access = OTP_ACCESS_SESSION },
    { "key/pin", otp_key_pin_get, otp_key_pin_post, OTP_PAGE_KEY_PIN, .access = OTP_ACCESS_KEY },
    { "key/lost", NULL, otp_key_lost_post, OTP_PAGE_KEY, .access = OTP_ACCESS_SESSION },
    { "signals", NULL, otp_signals_post, OTP_PAGE_HOME, .access = OTP_ACCESS_KEY },
    { "activity", otp_activity_get, NULL, OTP_PAGE_ACTIVITY, .access = OTP_ACCESS_SESSION },
    { "activity/end", NULL, otp_activity_end_post, OTP_PAGE_ACTIVITY, .access = OTP_ACCESS_SESSION },
    { "helpdesk", otp_helpdesk_get, NULL, OTP_PAGE_HELPDESK, .access = OTP_ACCESS_AGENT },
    { "helpdesk/user/*", otp_helpdesk_person_get, NULL, OTP_PAGE_HELPDESK_PERSON, .access = OTP_ACCESS_AGENT },
    { "helpdesk/user/*/*", otp_helpdesk_action, otp_helpdesk_action, OTP_PAGE_HELPDESK_CONFIRM,
      .access = OTP_ACCESS_AGENT },
    { "helpdesk/requests", otp_helpdesk_requests_get, NULL, OTP_PAGE_HELPDESK_REQUESTS, .access = OTP_ACCESS_AGENT },
    { "helpdesk/requests/*/*", otp_helpdesk_request, otp_helpdesk_request, OTP_PAGE_HELPDESK_CONFIRM,
      .access = OTP_ACCESS_AGENT },
};


OTP_MUST_USE static bool otp_route_fits(const otp_route_t *route, otp_span_t path, otp_span_t part[2])
{
    size_t     parts = 0;
    otp_span_t pattern = otp_span_of(route->path);

    while (pattern.data != NULL && path.data != NULL) {
        otp_span_t want = otp_span_cut(&pattern, '/'), is = otp_span_cut(&path, '/');

        if (!otp_span_equal(want, OTP_SPAN("*"))) {
            if (!otp_span_equal(want, is)) {
                return false;
            }
            continue;
        }
        if (is.len == 0) {
            return false;
        }
        part[parts++] = is;
    }

    return pattern.data == NULL && path.data == NULL;
}


const otp_route_t *otp_route_find(otp_span_t path, otp_span_t part[2])
{
    /* A path without bytes is one empty part. */
    if (path.len == 0) {
        path = OTP_SPAN("");
    }

    for (size_t i = 0; i < sizeof(otp_routes) / sizeof(otp_routes[0]); i++) {
        if (otp_route_fits(&otp_routes[i], path, part)) {
            return &otp_routes[i];
        }
    }

    return NULL;
}


/* A form whose token is not this browser's: the page again, with a token that is. */
static otp_effect_t otp_route_csrf(otp_flow_t *flow)
{
    if (flow->json) {
        return otp_answer_json(flow, 403, "csrf", json_pack("{s:s}", "error", "csrf"));
    }

    if (flow->route->access > OTP_ACCESS_UNDERWAY) {
        if (flow->route->get == NULL) {
            return otp_answer_error(flow, 403, "csrf", "error_form");
        }
        flow->showing = (otp_showing_t) { 403, "csrf", { .flag = "form_expired" } };
        return otp_access_enter(flow, flow->route->get);
    }

    if (flow->route->page == OTP_PAGE_LOGIN || flow->signed_in) {
        return otp_answer_page(flow, 403, "csrf", flow->route->page,
                               otp_view_of(flow, flow->route->page, (otp_notice_t) { .flag = "form_expired" }));
    }

    return otp_answer_error(flow, 403, "csrf", "error_form");
}


otp_effect_t otp_route_dispatch(otp_flow_t *flow)
{
    bool reading = flow->request->method != OTP_REQUEST_POST;

    /* Before all else: a browser that already has the first answer has a new cookie too. */
    if (!reading && otp_once_answer(flow)) {
        return OTP_EFFECT_ANSWER;
    }

    /* Before the token: who was signed out meanwhile is told so, not that the form is too old. */
    if (flow->route->access >= OTP_ACCESS_UNDERWAY && !flow->signed_in
        && (flow->route->access != OTP_ACCESS_UNDERWAY || !flow->has_pending))
    {
        if (flow->route->access != OTP_ACCESS_UNDERWAY) {
            otp_access_return_here(flow);
        }
        return otp_answer_login_required(flow);
    }

    if (!reading && !otp_csrf_valid(flow)) {
        return otp_route_csrf(flow);
    }

    return otp_access_enter(flow, reading ? flow->route->get : flow->route->post);
}
