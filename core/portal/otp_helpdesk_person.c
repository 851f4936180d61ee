#include "core/portal/otp_flow_private.h"

/* All that the helpdesk is shown of one person. */


/* ---- the numbers of bad passcodes ---- */

OTP_MUST_USE static int64_t otp_person_failures(const otp_account_t *account)
{
    return account->unknown.failures + account->known.failures + account->unproven.failures;
}


/* Until when, 0: not by time. */
OTP_MUST_USE static int64_t otp_person_locked_until(const otp_flow_t *flow)
{
    const otp_account_t *account = &flow->subject.account;
    int64_t              until = flow->now_s;

    until = account->unknown.locked_until > until ? account->unknown.locked_until : until;
    until = account->known.locked_until > until ? account->known.locked_until : until;
    until = account->unproven.locked_until > until ? account->unproven.locked_until : until;

    return until > flow->now_s ? until : 0;
}


/* So many that only the helpdesk unlocks. */
OTP_MUST_USE static bool otp_person_locked_total(const otp_flow_t *flow)
{
    const otp_account_t *account = &flow->subject.account;
    int64_t              total = flow->settings->limits.lock_total;

    return account->unknown.failures >= total || account->known.failures >= total
           || account->unproven.failures >= total;
}


/* ---- the page ---- */

OTP_MUST_USE static bool otp_person_view_emergency(otp_flow_t *flow, json_t *view)
{
    const otp_account_t *account = &flow->subject.account;
    bool                 live = otp_emergency_live(account, flow->now_s);

    if (!live) {
        return otp_row_flag(view, "emergency_over", account->emergency.expires > flow->now_s);
    }

    return otp_row_flag(view, "emergency_live", true)
           && otp_row_flag(view, "emergency_blocked", !otp_emergency_heard(account, false, flow->now_s))
           && otp_row_time(flow, view, "emergency_time", account->emergency.expires);
}


/* No key to say a passcode with. */
OTP_MUST_USE static bool otp_person_keyless(const otp_account_t *account)
{
    for (size_t i = 0; i < account->keys; i++) {
        if (otp_key_usable(&account->key[i])) {
            return false;
        }
    }

    return true;
}


/* "a,b" as people write it: "a, b". */
OTP_MUST_USE static bool otp_person_view_groups(json_t *view, otp_span_t groups)
{
    char         text[2 * OTP_GROUPS_LEN];
    otp_buffer_t out;

    otp_buffer_init(&out, text, sizeof(text));
    while (groups.data != NULL) {
        otp_span_t one = otp_span_trim(otp_span_cut(&groups, ','));

        if (one.len != 0) {
            otp_buffer_add_text(&out, out.len == 0 ? "" : ", ");
            otp_buffer_add(&out, one);
        }
    }

    return otp_row_text(view, "person_groups", otp_buffer_span(&out));
}


OTP_MUST_USE static bool otp_person_view_locks(otp_flow_t *flow, json_t *view)
{
    int64_t until = otp_person_locked_until(flow);
    bool    total = otp_person_locked_total(flow);

    return otp_row_number(view, "failures", otp_person_failures(&flow->subject.account))
           && otp_row_flag(view, "locked", until != 0 || total) && otp_row_time(flow, view, "locked_time", until)
           && otp_row_flag(view, "locked_total", total)
           && otp_row_flag(view, "no_key", otp_person_keyless(&flow->subject.account));
}


bool otp_helpdesk_person_view(otp_flow_t *flow, json_t *view)
{
    const otp_subject_t *subject = &flow->subject;

    return otp_row_text(view, "person", otp_span_of(subject->uid))
           && otp_row_text(view, "person_name", otp_subject_name(subject))
           && otp_row_text(view, "person_email", otp_subject_email(subject))
           && otp_person_view_groups(view, otp_span_of(subject->groups))
           && otp_desk_address_set(flow, view, "person_address", otp_span_of(subject->uid))
           && json_object_set_new(view, "keys", otp_person_keys(flow, &subject->account)) == 0
           && json_object_set_new(view, "signals", otp_person_signals(flow, &subject->account)) == 0
           && json_object_set(view, "sessions", subject->sessions) == 0
           && json_object_set(view, "events", subject->events) == 0 && otp_person_view_locks(flow, view)
           && otp_person_view_emergency(flow, view) && otp_person_request_view(flow, &subject->account, view)
           && otp_row_flag(view, "own_account", subject->reach == OTP_REACH_OWN)
           && otp_row_flag(view, "other_agent", subject->reach == OTP_REACH_AGENT)
           && otp_row_flag(view, "out_of_reach", subject->reach != OTP_REACH_OK)
           && otp_desk_done_view(flow, view, false);
}


/* ---- the JSON answer ---- */

OTP_MUST_USE static json_t *otp_person_json_emergency(const otp_flow_t *flow)
{
    const otp_account_t *account = &flow->subject.account;

    if (!otp_emergency_live(account, flow->now_s)) {
        return json_null();
    }

    return json_pack("{s:I, s:I, s:b}", "issued", (json_int_t) account->emergency.issued, "expires",
                     (json_int_t) account->emergency.expires, "blocked",
                     !otp_emergency_heard(account, false, flow->now_s));
}


static otp_effect_t otp_person_json(otp_flow_t *flow)
{
    static const char *const reaches[] = {
        [OTP_REACH_OK] = "yes", [OTP_REACH_OWN] = "own_account", [OTP_REACH_AGENT] = "agent",
        [OTP_REACH_SCOPE] = "scope"
    };
    const otp_subject_t *subject = &flow->subject;
    const otp_account_t *account = &subject->account;
    char                 csrf[OTP_CSRF_LEN + 1];
    int64_t              until = otp_person_locked_until(flow);
    json_t              *body = json_pack("{s:s, s:s, s:s}", "page", "helpdesk_person", "user", subject->uid, "reach",
                                          reaches[subject->reach]);

    if (!otp_row_text(body, "name", otp_subject_name(subject))
        || !otp_row_text(body, "email", otp_subject_email(subject))
        || !otp_row_text(body, "groups", otp_span_of(subject->groups))
        || json_object_set_new(body, "keys", otp_person_keys(flow, account)) != 0
        || !otp_row_number(body, "failures", otp_person_failures(account))
        || !otp_row_time(flow, body, "locked_until", until)
        || !otp_row_flag(body, "locked", until != 0 || otp_person_locked_total(flow))
        || json_object_set_new(body, "emergency", otp_person_json_emergency(flow)) != 0
        || json_object_set_new(body, "request", otp_person_request(flow, account)) != 0
        || json_object_set_new(body, "signals", otp_person_signals(flow, account)) != 0
        || json_object_set(body, "sessions", subject->sessions) != 0
        || json_object_set(body, "events", subject->events) != 0
        || !otp_row_text(body, "csrf", otp_csrf_issue(flow, csrf)))
    {
        json_decref(body);
        body = NULL;
    }

    return otp_answer_json(flow, 200, "page", body);
}


/* ---- GET ---- */

static otp_effect_t otp_person_loaded(otp_flow_t *flow)
{
    if (!flow->subject.known && !flow->subject.has_account) {
        return otp_answer_error(flow, 404, "not_found", "error_not_found");
    }

    return flow->json ? otp_person_json(flow) : otp_helpdesk_count(flow, otp_answer_show);
}


static otp_effect_t otp_person_told(otp_flow_t *flow)
{
    flow->subject.reach = otp_access_reach(flow, &flow->subject);

    /* Whom the agent has nothing to do with is not shown either. */
    if (flow->subject.reach == OTP_REACH_SCOPE) {
        return otp_access_forbidden(flow, OTP_REACH_SCOPE, "");
    }

    return otp_subject_load(flow, OTP_SUBJECT_HISTORY | OTP_SUBJECT_SESSIONS, otp_person_loaded);
}


otp_effect_t otp_helpdesk_person_get(otp_flow_t *flow)
{
    if (!otp_subject_take(flow, flow->part[0])) {
        return otp_answer_error(flow, 404, "not_found", "error_not_found");
    }

    return otp_subject_ask(flow, otp_person_told);
}
