#include "core/portal/otp_flow_private.h"

/* What a signed-in person sees, and the end of it; the help page; the health of the gateway. */


json_t *otp_home_applications(const otp_flow_t *flow)
{
    const otp_settings_t *settings = flow->settings;
    json_t               *list = json_array();

    for (size_t i = 0; i < settings->applications_n; i++) {
        const otp_application_t *app = &settings->applications[i];

        if (app->group.len != 0 && !otp_groups_have(flow->session.person.groups, app->group)) {
            continue;
        }

        if (json_array_append_new(list, json_pack("{s:s%, s:s%, s:s, s:b, s:s%}", "name", app->name.data, app->name.len,
                                                  "location", app->location.data, app->location.len, "level",
                                                  otp_level_name(app->level), "needs_key", app->level == OTP_LEVEL_OTP,
                                                  "text", app->text.data == NULL ? "" : app->text.data, app->text.len))
            != 0)
        {
            json_decref(list);
            return NULL;
        }
    }

    return list;
}


static otp_effect_t otp_home_shown(otp_flow_t *flow)
{
    otp_span_t uid = flow->session.person.uid;

    if (!flow->json) {
        return otp_answer_show(flow);
    }

    return otp_answer_json(flow, 200, "page",
                           json_pack("{s:s, s:s%, s:o, s:o, s:b}", "page", "home", "user", uid.data, uid.len,
                                     "applications", otp_home_applications(flow), "signals",
                                     otp_person_signals(flow, &flow->subject.account), "agent",
                                     otp_access_agent(flow)));
}


otp_effect_t otp_home_get(otp_flow_t *flow)
{
    if (!flow->signed_in) {
        return otp_answer_login_required(flow);
    }

    otp_subject_self(flow);

    return otp_subject_load(flow, OTP_SUBJECT_ACCOUNT, otp_home_shown);
}


otp_effect_t otp_session_get(otp_flow_t *flow)
{
    char                 csrf[OTP_CSRF_LEN + 1];
    const otp_session_t *session = &flow->session;
    otp_span_t           uid = session->person.uid, token;
    int64_t              idle_expires = flow->now_s + session->idle_s;

    flow->json = true;
    if (!flow->signed_in) {
        return otp_answer_login_required(flow);
    }

    token = otp_csrf_issue(flow, csrf);
    if (idle_expires > session->expires) {
        idle_expires = session->expires;
    }

    return otp_answer_json(
        flow, 200, "session",
        json_pack("{s:s%, s:s, s:s, s:I, s:o, s:I, s:I, s:s%, s:s%}", "user", uid.data, uid.len, "level",
                  otp_level_name(session->level), "method", otp_auth_name(session->method), "auth_time",
                  (json_int_t) session->auth_time, "otp_time",
                  session->otp_time == 0 ? json_null() : json_integer(session->otp_time), "idle_expires",
                  (json_int_t) idle_expires, "expires", (json_int_t) session->expires, "id", session->id.data,
                  session->id.len, "csrf", token.data, token.len));
}


otp_effect_t otp_help_get(otp_flow_t *flow)
{
    if (flow->json) {
        return otp_answer_json(flow, 200, "page", json_pack("{s:s}", "page", "help"));
    }

    return otp_answer_page(flow, 200, "page", OTP_PAGE_HELP, otp_view_of(flow, OTP_PAGE_HELP, (otp_notice_t) { 0 }));
}


static otp_effect_t otp_health_known(otp_flow_t *flow)
{
    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    return otp_answer_json(flow, 200, "health", json_pack("{s:s}", "redis", "ok"));
}


otp_effect_t otp_health_get(otp_flow_t *flow)
{
    flow->json = true;
    (void) otp_flow_command(flow, "PING");

    return otp_flow_commands(flow, otp_health_known);
}


static otp_effect_t otp_logout_done(otp_flow_t *flow)
{
    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    flow->signed_in = false;
    flow->has_pending = false;
    flow->once_kept = true;
    otp_answer_cookie(flow, "", OTP_SPAN(""), 0);

    return otp_answer_verdict(flow, 200, "ok",
                              flow->json ? OTP_SPAN_NONE : otp_answer_location(flow, "login?signed_out=1"),
                              (otp_notice_t) { 0 });
}


otp_effect_t otp_logout_post(otp_flow_t *flow)
{
    otp_span_t  line;
    otp_event_t event;

    otp_flow_event(flow, "logout", "ok", flow->signed_in ? flow->session.person.uid : otp_span_of(flow->pending.uid),
                   &event);
    line = otp_flow_event_line(flow, &event);
    if (line.len == 0) {
        return otp_answer_unavailable(flow);
    }

    otp_forget_session(flow);
    otp_flow_event_command(flow, event.user, line);

    return otp_flow_commands(flow, otp_logout_done);
}
