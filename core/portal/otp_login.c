#include <string.h>

#include "core/portal/otp_flow_private.h"

/* The first page: identifier and password, or identifier and passcode. */

static otp_effect_t otp_login_password_ask(otp_flow_t *flow);


otp_effect_t otp_login_get(otp_flow_t *flow)
{
    char csrf[OTP_CSRF_LEN + 1];

    if (flow->json) {
        otp_span_t token = otp_csrf_issue(flow, csrf);

        return otp_answer_json(flow, 200, "page",
                               json_pack("{s:s, s:s%}", "page", "login", "csrf", token.data, token.len));
    }

    if (flow->signed_in) {
        return otp_answer_redirect(flow, 303, otp_answer_destination(flow));
    }

    return otp_answer_page(flow, 200, "page", OTP_PAGE_LOGIN, otp_view_of(flow, OTP_PAGE_LOGIN, (otp_notice_t) { 0 }));
}


/* ---- password ---- */

static otp_effect_t otp_login_password_told(otp_flow_t *flow)
{
    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    if (!flow->person_refused) {
        return otp_open_session(flow, OTP_LEVEL_PASSWORD, OTP_AUTH_PASSWORD, OTP_SPAN_NONE);
    }

    /* The attempt was counted before the hash was computed. */
    return otp_answer_verdict(flow, 401, "denied", OTP_SPAN_NONE, (otp_notice_t) { .flag = "denied" });
}


/* The password was right: the throttle is forgotten, the address gets its attempt back when one was counted. */
static void otp_login_release(otp_flow_t *flow)
{
    otp_command_add(otp_flow_command(flow, "DEL"), otp_name_span(&flow->user_count.name));
    if (!flow->device.known) {
        otp_count_release_command(flow, &flow->address_count);
    }
}


static otp_effect_t otp_login_password_judged(otp_flow_t *flow)
{
    bool        right = !flow->person_refused;
    otp_span_t  line;
    otp_event_t event;

    flow->once_kept = true;
    otp_flow_event(flow, "password", right ? "ok" : "denied", otp_span_of(flow->uid), &event);
    if (right) {
        event.session = otp_opening_id(flow);
    }
    line = otp_flow_event_line(flow, &event);
    if (line.len == 0) {
        return otp_answer_unavailable(flow);
    }

    otp_flow_event_command(flow, otp_span_of(flow->uid), line);
    if (right) {
        otp_flow_history_command(flow, otp_span_of(flow->uid), line);
        otp_login_release(flow);
    }

    return otp_flow_commands(flow, otp_login_password_told);
}


/* It had a place, and was too long in it.  Nobody has looked at the password: it was no attempt. */
static void otp_login_unexamined(otp_flow_t *flow)
{
    otp_count_release_command(flow, &flow->user_count);
    if (!flow->device.known) {
        otp_count_release_command(flow, &flow->address_count);
    }
}


static otp_effect_t otp_login_password_checked(otp_flow_t *flow)
{
    if (flow->person_result.verdict == OTP_PERSON_BUSY) {
        otp_login_unexamined(flow);
    }

    return otp_person_asked(flow, "password", otp_login_password_judged);
}


/* Seconds until this attempt is considered. */
OTP_MUST_USE static int64_t otp_login_password_wait(const otp_flow_t *flow)
{
    int64_t address = otp_count_address_wait(flow);
    int64_t user = otp_throttle_wait(&flow->user_count.throttle, flow->now_s);

    return user > address ? user : address;
}


static otp_effect_t otp_login_password_throttled(otp_flow_t *flow)
{
    return otp_count_refuse(flow, "password", "throttled", otp_login_password_wait(flow));
}


static otp_effect_t otp_login_password_reserved(otp_flow_t *flow)
{
    return otp_flow_ask_person(flow, otp_form_get(&flow->form, "password"), otp_login_password_checked);
}


/* Counted before it is checked: parallel guesses do not outrun the count. */
static otp_effect_t otp_login_password_user_reserved(otp_flow_t *flow)
{
    if (flow->device.known) {
        return otp_login_password_reserved(flow);
    }

    return otp_count(flow, &flow->address_count, otp_login_password_reserved, otp_login_password_throttled);
}


static otp_effect_t otp_login_password_count(otp_flow_t *flow)
{
    return otp_count(flow, &flow->user_count, otp_login_password_user_reserved, otp_login_password_throttled);
}


/* Before anything is counted: of a storm only those who have a place go on. */
static otp_effect_t otp_login_password_placed(otp_flow_t *flow)
{
    return otp_person_asked(flow, "password", otp_login_password_count);
}


static otp_effect_t otp_login_password_considered(otp_flow_t *flow)
{
    if (!otp_flow_replies_good(flow) || !otp_count_read(flow, &flow->user_count, 0)
        || !otp_count_read(flow, &flow->address_count, 1))
    {
        return otp_answer_unavailable(flow);
    }

    if (!otp_once_reserved(flow, 2)) {
        /* A double click: one hash, one count, one session.  (Of passcodes the account itself remembers the form.) */
        flow->once_lapsed = otp_login_password_ask;
        return otp_once_await(flow);
    }

    if (otp_login_password_wait(flow) != 0) {
        return otp_login_password_throttled(flow);
    }

    return otp_flow_ask_place(flow, otp_login_password_placed);
}


static otp_effect_t otp_login_password_ask(otp_flow_t *flow)
{
    if (!otp_count_ask(flow, otp_span_of(flow->uid))) {
        return otp_answer_unavailable(flow);
    }
    otp_once_reserve_command(flow);

    return otp_flow_commands(flow, otp_login_password_considered);
}


/* ---- passcode ---- */

static otp_effect_t otp_login_passcode_known(otp_flow_t *flow)
{
    flow->attempt.submitted.kind = OTP_SUBMIT_PASSCODE;
    flow->attempt.submitted.passcode = otp_span_of(flow->passcode);
    flow->attempt.submitted.first_use = !flow->settings->first_use_needs_password;

    return otp_attempt_begin(flow, (otp_span_t) { flow->account_text, flow->account_len }, "passcode",
                             otp_passcode_decided);
}


static otp_effect_t otp_login_passcode_person(otp_flow_t *flow)
{
    return otp_person_asked(flow, "passcode", otp_login_passcode_known);
}


/* The delay after bad passwords does not hold up the key: it has its own lock. */
static otp_effect_t otp_login_passcode_considered(otp_flow_t *flow)
{
    size_t i = flow->read_at;

    if (!otp_flow_replies_good(flow) || !otp_count_read(flow, &flow->address_count, i)
        || !otp_attempt_keep(flow, i + 1) || !otp_attempt_keep_decoy(flow, i + 2))
    {
        return otp_answer_unavailable(flow);
    }

    if (otp_count_address_wait(flow) != 0) {
        return otp_count_refuse(flow, "passcode", "throttled", otp_count_address_wait(flow));
    }

    if (flow->settings->people_known) {
        return otp_flow_ask_person(flow, OTP_SPAN_NONE, otp_login_passcode_person);
    }

    flow->person_result.verdict = OTP_PERSON_MATCHES;

    return otp_login_passcode_person(flow);
}


OTP_MUST_USE static bool otp_login_passcode_read(otp_flow_t *flow)
{
    return otp_count_ask(flow, OTP_SPAN_NONE) && otp_attempt_ask(flow);
}


static otp_effect_t otp_login_passcode_ask(otp_flow_t *flow)
{
    if (otp_flow_has_read(flow)) {
        return otp_login_passcode_considered(flow);
    }

    flow->read_at = 0;

    return otp_login_passcode_read(flow) ? otp_flow_commands(flow, otp_login_passcode_considered)
                                         : otp_answer_unavailable(flow);
}


/* ---- both ---- */

OTP_MUST_USE static bool otp_login_by_passcode(const otp_flow_t *flow)
{
    return otp_span_equal(otp_form_get(&flow->form, "method"), OTP_SPAN("passcode"));
}


/* What is no identifier at all is treated as an unknown person, under a name nobody can have. */
static void otp_login_uid(otp_flow_t *flow)
{
    size_t len;

    memset(flow->uid, 0, sizeof(flow->uid));
    if (otp_uid_canonical(otp_form_get(&flow->form, "username"), flow->uid, &len) != OTP_OK) {
        memset(flow->uid, 0, sizeof(flow->uid));
        flow->uid[0] = '?';
        flow->person_refused = true;
    }
}


/* false: it is not the form of the first page. */
OTP_MUST_USE static bool otp_login_take(otp_flow_t *flow)
{
    bool by_passcode = otp_login_by_passcode(flow);

    if ((!by_passcode && !otp_span_equal(otp_form_get(&flow->form, "method"), OTP_SPAN("password")))
        || otp_form_get(&flow->form, "username").data == NULL
        || otp_form_get(&flow->form, by_passcode ? "passcode" : "password").data == NULL)
    {
        return false;
    }

    otp_login_uid(flow);
    otp_device_read(flow);
    otp_passcode_take(flow);

    return true;
}


bool otp_login_read(otp_flow_t *flow)
{
    if (!otp_login_take(flow) || !otp_login_by_passcode(flow)) {
        return true;
    }

    return otp_login_passcode_read(flow);
}


otp_effect_t otp_login_post(otp_flow_t *flow)
{
    if (!otp_login_take(flow)) {
        return otp_answer_error(flow, 400, "bad_request", "error_bad_request");
    }

    return otp_login_by_passcode(flow) ? otp_login_passcode_ask(flow) : otp_login_password_ask(flow);
}
