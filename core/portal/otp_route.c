#include "core/portal/otp_flow_private.h"


static const otp_route_t otp_routes[] = {
    { "", otp_home_get, NULL, OTP_PAGE_HOME, false },
    { "login", otp_login_get, otp_login_post, OTP_PAGE_LOGIN, false },
    { "passcode", otp_passcode_get, otp_passcode_post, OTP_PAGE_PASSCODE, true },
    { "pin", otp_pin_get, otp_pin_post, OTP_PAGE_PIN, true },
    { "session", otp_session_get, NULL, OTP_PAGE_HOME, false },
    { "logout", NULL, otp_logout_post, OTP_PAGE_HOME, true },
    { "help", otp_help_get, NULL, OTP_PAGE_HELP, false },
    { "health", otp_health_get, NULL, OTP_PAGE_ERROR, false },
};


const otp_route_t *otp_route_find(otp_span_t path)
{
    for (size_t i = 0; i < sizeof(otp_routes) / sizeof(otp_routes[0]); i++) {
        if (otp_span_equal(otp_span_of(otp_routes[i].path), path)) {
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
    if (flow->route->underway && !flow->signed_in && !flow->has_pending) {
        return otp_answer_login_required(flow);
    }

    if (reading) {
        return flow->route->get(flow);
    }

    if (!otp_csrf_valid(flow)) {
        return otp_route_csrf(flow);
    }

    return flow->route->post(flow);
}
