#include <stdio.h>

#include "core/portal/otp_flow_private.h"

/* What the templates are given.  Names are listed in core/page/otp_page_names.h and checked at start. */


OTP_MUST_USE static bool otp_view_flag(json_t *view, const char *name, bool value)
{
    return !value || json_object_set_new(view, name, json_true()) == 0;
}


OTP_MUST_USE static bool otp_view_number(json_t *view, const char *name, int64_t value)
{
    return json_object_set_new(view, name, json_integer(value)) == 0;
}


OTP_MUST_USE static json_t *otp_view_languages(const otp_flow_t *flow)
{
    const otp_settings_t *settings = flow->settings;
    json_t               *list = json_array();

    for (size_t i = 0; i < settings->languages; i++) {
        otp_span_t code = settings->language[i], name = code;

        if (otp_span_equal(code, OTP_SPAN("fr"))) {
            name = OTP_SPAN("Français");
        } else if (otp_span_equal(code, OTP_SPAN("en"))) {
            name = OTP_SPAN("English");
        }

        if (json_array_append_new(list, json_pack("{s:s%, s:s%, s:b}", "code", code.data, code.len, "name", name.data,
                                                  name.len, "current", i == flow->language)) != 0)
        {
            json_decref(list);
            return NULL;
        }
    }

    return list;
}


OTP_MUST_USE static bool otp_view_support(json_t *view, const otp_settings_t *settings)
{
    return otp_json_set_span(view, "support_email", settings->support_email)
           && otp_json_set_span(view, "support_phone", settings->support_phone)
           && otp_json_set_span(view, "support_hours", settings->support_hours)
           && otp_view_flag(view, "support", settings->support_email.len != 0 || settings->support_phone.len != 0);
}


/* A directory may hold names in another encoding: they cannot be shown, and must not cost the page. */
OTP_MUST_USE static otp_span_t otp_view_name(const otp_flow_t *flow)
{
    otp_span_t name = flow->session.person.name;

    return otp_utf8_valid(name) ? name : OTP_SPAN_NONE;
}


json_t *otp_view_create(otp_flow_t *flow)
{
    const otp_settings_t *settings = flow->settings;
    json_t               *view = json_object();

    if (view == NULL || !otp_json_set_span(view, "lang", settings->language[flow->language])
        || !otp_json_set_span(view, "portal", settings->portal)
        || json_object_set_new(view, "languages", otp_view_languages(flow)) != 0 || !otp_view_support(view, settings)
        || (flow->signed_in && (!otp_json_set_span(view, "user", flow->session.person.uid)
                                || !otp_json_set_span(view, "name", otp_view_name(flow))
                                || !otp_view_flag(view, "level_otp", flow->session.level == OTP_LEVEL_OTP)
                                || !otp_view_flag(view, "agent", otp_access_agent(flow))))
        || (flow->desk != NULL && !flow->desk->scoped
            && !otp_view_number(view, "waiting_requests", flow->desk->waiting)))
    {
        json_decref(view);
        return NULL;
    }

    return view;
}


OTP_MUST_USE static bool otp_view_csrf(otp_flow_t *flow, json_t *view)
{
    char text[OTP_CSRF_LEN + 1];

    return otp_json_set_span(view, "csrf", otp_csrf_issue(flow, text))
           && otp_json_set_span(view, "rd", otp_span_of(flow->rd));
}


OTP_MUST_USE static bool otp_view_login(otp_flow_t *flow, json_t *view)
{
    bool by_passcode = otp_span_equal(otp_form_get(&flow->form, "method"), OTP_SPAN("passcode"));

    return otp_view_csrf(flow, view) && otp_json_set_span(view, "username", otp_form_get(&flow->form, "username"))
           && otp_view_flag(view, "by_passcode", by_passcode)
           && otp_view_flag(view, "first_use_needs_password", flow->settings->first_use_needs_password)
           && otp_view_flag(view, "signed_out", otp_form_get(&flow->query, "signed_out").len != 0)
           && otp_view_number(view, "code_digits", OTP_DIGITS_MIN);
}


OTP_MUST_USE static bool otp_view_passcode(otp_flow_t *flow, json_t *view)
{
    char    state[32];
    int64_t wait = flow->has_pending ? flow->pending.display_changes - flow->now_s : 0;

    (void) snprintf(state, sizeof(state), "state_%s", otp_passcode_state(flow));

    return otp_view_csrf(flow, view) && otp_view_flag(view, state, true)
           && otp_view_flag(view, "by_password", flow->signed_in && flow->session.password_proven)
           && otp_view_flag(view, "emergency", flow->signed_in && flow->session.password_proven)
           && otp_view_number(view, "wait", wait > 0 ? wait : 0)
           && otp_view_number(view, "code_digits", OTP_DIGITS_MIN)
           && otp_view_number(view, "pin_min", flow->settings->limits.pin_min)
           && otp_view_number(view, "pin_max", flow->settings->limits.pin_max);
}


OTP_MUST_USE static bool otp_view_pin(otp_flow_t *flow, json_t *view)
{
    return otp_view_csrf(flow, view) && otp_view_number(view, "pin_min", flow->settings->limits.pin_min)
           && otp_view_number(view, "pin_max", flow->settings->limits.pin_max)
           && otp_view_number(view, "pin_minutes", (flow->settings->limits.pin_page_s + 59) / 60);
}


OTP_MUST_USE static bool otp_view_home(otp_flow_t *flow, json_t *view)
{
    return otp_view_csrf(flow, view) && json_object_set_new(view, "applications", otp_home_applications(flow)) == 0
           && otp_view_flag(view, "by_emergency", flow->session.method == OTP_AUTH_EMERGENCY)
           && otp_view_flag(view, "can_dismiss", otp_access_by_key(flow))
           && otp_person_signals_text(&flow->subject.account, view)
           && json_object_set_new(view, "signals", otp_person_signals(flow, &flow->subject.account)) == 0;
}


OTP_MUST_USE static bool otp_view_key_pin(otp_flow_t *flow, json_t *view)
{
    return otp_view_csrf(flow, view) && otp_view_number(view, "pin_min", flow->settings->limits.pin_min)
           && otp_view_number(view, "pin_max", flow->settings->limits.pin_max);
}


OTP_MUST_USE static bool otp_view_add(otp_flow_t *flow, otp_page_t page, json_t *view)
{
    switch (page) {
    case OTP_PAGE_LOGIN:
        return otp_view_login(flow, view);
    case OTP_PAGE_PASSCODE:
        return otp_view_passcode(flow, view);
    case OTP_PAGE_PIN:
        return otp_view_pin(flow, view);
    case OTP_PAGE_HOME:
        return otp_view_home(flow, view);
    case OTP_PAGE_HELP:
    case OTP_PAGE_ERROR:
        return true;
    case OTP_PAGE_KEY:
        return otp_view_csrf(flow, view) && otp_key_view(flow, view);
    case OTP_PAGE_KEY_PIN:
        return otp_view_key_pin(flow, view);
    case OTP_PAGE_ACTIVITY:
        return otp_view_csrf(flow, view) && otp_activity_view(flow, view);
    case OTP_PAGE_HELPDESK:
        return otp_view_csrf(flow, view) && otp_helpdesk_search_view(flow, view);
    case OTP_PAGE_HELPDESK_PERSON:
        return otp_view_csrf(flow, view) && otp_helpdesk_person_view(flow, view);
    case OTP_PAGE_HELPDESK_CONFIRM:
        return otp_view_csrf(flow, view) && otp_helpdesk_confirm_view(flow, view);
    case OTP_PAGE_HELPDESK_EMERGENCY:
        return otp_view_csrf(flow, view) && otp_helpdesk_emergency_view(flow, view);
    case OTP_PAGE_HELPDESK_REQUESTS:
        return otp_view_csrf(flow, view) && otp_helpdesk_requests_view(flow, view);
    }

    return false;
}


OTP_MUST_USE static bool otp_view_notice(json_t *view, otp_notice_t notice)
{
    if (notice.flag != NULL && !otp_view_flag(view, notice.flag, true)) {
        return false;
    }

    if (notice.reason != NULL && !otp_view_flag(view, "pin_refused", true)) {
        return false;
    }

    return notice.retry_after_s <= 0 || otp_view_number(view, "retry_after", notice.retry_after_s);
}


json_t *otp_view_of(otp_flow_t *flow, otp_page_t page, otp_notice_t notice)
{
    json_t *view = otp_view_create(flow);

    if (view == NULL || !otp_view_add(flow, page, view) || !otp_view_notice(view, notice)
        || !otp_view_around(view, page))
    {
        json_decref(view);
        return NULL;
    }

    return view;
}
