#include "core/decide/otp_guard.h"

#include "core/base/otp_buffer.h"


otp_level_t otp_guard_level(otp_span_t text)
{
    if (otp_span_equal(text, OTP_SPAN("off"))) {
        return OTP_LEVEL_OFF;
    }

    if (otp_span_equal(text, OTP_SPAN("password"))) {
        return OTP_LEVEL_PASSWORD;
    }

    return OTP_LEVEL_OTP;
}


OTP_MUST_USE static bool otp_guard_allowed(const otp_allow_t *allow, const otp_person_t *person)
{
    if (allow->groups == 0 && allow->users == 0) {
        return true;
    }

    for (size_t i = 0; i < allow->users; i++) {
        if (otp_span_equal(allow->user[i], person->uid)) {
            return true;
        }
    }

    for (size_t i = 0; i < allow->groups; i++) {
        if (otp_groups_have(person->groups, allow->group[i])) {
            return true;
        }
    }

    return false;
}


otp_guard_verdict_t otp_guard_decide(const otp_guard_policy_t *policy, const otp_session_t *session, int64_t now_s)
{
    if (policy->level == OTP_LEVEL_OFF) {
        return OTP_GUARD_PASS;
    }

    if (session == NULL) {
        return OTP_GUARD_LOGIN;
    }

    /* Who may not pass at all is not sent for a key first. */
    if (!otp_guard_allowed(&policy->allow, &session->person)) {
        return OTP_GUARD_FORBIDDEN;
    }

    if (policy->level == OTP_LEVEL_PASSWORD) {
        return OTP_GUARD_PASS;
    }

    if (session->level != OTP_LEVEL_OTP || (session->method == OTP_AUTH_EMERGENCY && !policy->emergency)) {
        return OTP_GUARD_PASSCODE;
    }

    if (policy->max_age_s != 0 && now_s - session->otp_time > policy->max_age_s) {
        return OTP_GUARD_PASSCODE;
    }

    return OTP_GUARD_PASS;
}


otp_status_t otp_guard_location(otp_guard_verdict_t verdict, otp_span_t portal, otp_span_t asked, char *location,
    size_t size, size_t *len)
{
    otp_buffer_t out;

    otp_buffer_init(&out, location, size);
    otp_buffer_add(&out, portal);
    otp_buffer_add_text(&out, verdict == OTP_GUARD_PASSCODE ? "passcode" : "login");
    otp_buffer_add_text(&out, "?rd=");
    otp_buffer_add_percent(&out, asked);
    *len = otp_buffer_span(&out).len;

    return out.overflow ? OTP_NO_ROOM : OTP_OK;
}


otp_status_t otp_guard_json(otp_guard_verdict_t verdict, otp_span_t location, char *json, size_t size, size_t *len)
{
    otp_buffer_t out;

    otp_buffer_init(&out, json, size);
    if (verdict == OTP_GUARD_FORBIDDEN) {
        otp_buffer_add_text(&out, "{\"error\":\"forbidden\"}");
    } else {
        /* A location is percent-encoded: it holds nothing that JSON would have to escape. */
        otp_buffer_add_text(&out, verdict == OTP_GUARD_PASSCODE ? "{\"error\":\"otp_required\",\"location\":\""
                                                                : "{\"error\":\"login_required\",\"location\":\"");
        otp_buffer_add(&out, location);
        otp_buffer_add_text(&out, "\"}");
    }
    *len = otp_buffer_span(&out).len;

    return out.overflow ? OTP_NO_ROOM : OTP_OK;
}
