#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/model/otp_emergency.h"
#include "core/portal/otp_flow_private.h"

#define OTP_WAIT_PAGE_S 600     /* how long the page after PIN creation waits for the passcode */
#define OTP_LIST_KEPT_S (400 * 86400)   /* a person's list of sessions: longer than any session may last */


/* A new cookie and the names that go with it; made once. */
OTP_MUST_USE static bool otp_opening_cookie(otp_flow_t *flow)
{
    otp_opening_t *opening = &flow->opening;
    otp_buffer_t   out;
    otp_span_t     cookie;

    if (opening->cookie[0] != '\0') {
        return true;
    }

    otp_buffer_init(&out, opening->cookie, OTP_COOKIE_LEN);
    otp_buffer_add_base64url(&out, otp_flow_random(flow, OTP_COOKIE_BYTES), OTP_COOKIE_BYTES);
    cookie = otp_buffer_span(&out);
    if (otp_session_lookup_cookie(flow->settings->ring, flow->settings->prefix, cookie, &opening->lookup) != OTP_OK) {
        return false;
    }

    otp_name_cookie(&opening->pend, flow->settings->prefix, "pend",
                    (otp_span_t) { opening->lookup.digest, sizeof(opening->lookup.digest) });

    return true;
}


otp_span_t otp_opening_id(otp_flow_t *flow)
{
    if (!otp_opening_cookie(flow)) {
        return OTP_SPAN_NONE;
    }

    return (otp_span_t) { flow->opening.lookup.digest, OTP_PUBLIC_ID_LEN };
}


/* The absolute end of the session that a step-up continues: an emergency password has cut it short, the key does
 * not. */
OTP_MUST_USE static int64_t otp_opening_end(const otp_flow_t *flow)
{
    const otp_session_t *session = &flow->session;

    return session->method == OTP_AUTH_EMERGENCY ? session->created + flow->settings->lifetime_s : session->expires;
}


/* The session the request came with may be somebody else's: nothing of it goes over. */
OTP_MUST_USE static bool otp_opening_same_person(const otp_flow_t *flow)
{
    return flow->signed_in && otp_span_equal(flow->session.person.uid, otp_span_of(flow->uid));
}


OTP_MUST_USE static bool otp_opening_session(otp_flow_t *flow, otp_level_t level, otp_auth_t method, otp_span_t serial,
    size_t *len)
{
    otp_session_t session = { 0 };

    session.id = (otp_span_t) { flow->opening.lookup.digest, OTP_PUBLIC_ID_LEN };
    session.person = flow->person;
    session.level = level;
    session.method = method;
    session.serial = serial;
    session.created = flow->now_s;
    session.auth_time = flow->now_s;
    session.otp_time = level == OTP_LEVEL_OTP ? flow->now_s : 0;
    session.idle_s = flow->settings->idle_s;
    session.expires = flow->now_s + flow->settings->lifetime_s;
    session.password_proven = method == OTP_AUTH_PASSWORD;

    if (method != OTP_AUTH_PASSWORD && otp_opening_same_person(flow)) {
        /* A step-up goes on with the session it was asked in: the absolute end stays. */
        session.created = flow->session.created;
        session.expires = otp_opening_end(flow);
        session.password_proven = flow->session.password_proven;
    }

    if (method == OTP_AUTH_EMERGENCY && flow->attempt.decision.expires < session.expires) {
        session.expires = flow->attempt.decision.expires;
    }

    flow->opening.expires = session.expires;

    return session.expires > flow->now_s
           && otp_session_write(flow->settings->ring, otp_name_span(&flow->opening.lookup.sess), &session,
                                flow->opening.session, sizeof(flow->opening.session), len) == OTP_OK;
}


/* First the person's list, then the session: whoever ends all sessions of a person finds it. */
static void otp_opening_store(otp_flow_t *flow, size_t len)
{
    otp_opening_t *opening = &flow->opening;
    otp_command_t *command;
    otp_span_t     member = { opening->lookup.digest, sizeof(opening->lookup.digest) };

    otp_name_of(&opening->user, OTP_NAME_USER_SESSIONS, flow->settings->prefix, flow->person.uid);
    command = otp_flow_command(flow, "ZADD");
    otp_command_add(command, otp_name_span(&opening->user));
    otp_command_add(command, otp_flow_number(opening->expires_text, opening->expires));
    otp_command_add(command, member);

    /* Not our own lifetime: the list may hold sessions of a portal, or of a time, in which they last longer. */
    command = otp_flow_command(flow, "EXPIRE");
    otp_command_add(command, otp_name_span(&opening->user));
    otp_command_add(command, otp_flow_number(opening->list_ttl, OTP_LIST_KEPT_S));

    command = otp_flow_command(flow, "SET");
    otp_command_add(command, otp_name_span(&opening->lookup.sess));
    otp_command_add(command, (otp_span_t) { opening->session, len });
    otp_command_add(command, OTP_SPAN("EX"));
    otp_command_add(command, otp_flow_number(opening->ttl, opening->expires - flow->now_s));

    command = otp_flow_command(flow, "SET");
    otp_command_add(command, otp_name_span(&opening->lookup.seen));
    otp_command_add(command, otp_flow_number(opening->now, flow->now_s));
    otp_command_add(command, OTP_SPAN("EX"));
    otp_command_add(command, otp_flow_number(opening->idle, flow->settings->idle_s));
}


void otp_forget_session(otp_flow_t *flow)
{
    otp_command_t *command;

    if (flow->cookie.data == NULL) {
        return;
    }

    command = otp_flow_command(flow, "DEL");
    otp_command_add(command, otp_name_span(&flow->lookup.sess));
    otp_command_add(command, otp_name_span(&flow->lookup.seen));
    otp_command_add(command, otp_name_span(&flow->pend));

    if (flow->signed_in) {
        otp_name_of(&flow->user, OTP_NAME_USER_SESSIONS, flow->settings->prefix, flow->session.person.uid);
        command = otp_flow_command(flow, "ZREM");
        otp_command_add(command, otp_name_span(&flow->user));
        otp_command_add(command, (otp_span_t) { flow->lookup.digest, sizeof(flow->lookup.digest) });
    }
}


void otp_forget_pending(otp_flow_t *flow)
{
    otp_swap_t swap = { 0 };

    flow->has_pending = false;
    swap.key = otp_name_span(&flow->pend);
    swap.stream = otp_name_span(&flow->pend);
    swap.expected = (otp_span_t) { flow->pending_text, flow->pending_len };
    otp_swap_command(&swap, otp_flow_command(flow, ""));
}


static otp_effect_t otp_opening_undone(otp_flow_t *flow)
{
    otp_answer_reset(flow);

    return otp_answer_unavailable(flow);
}


/* The session must not stand: it is taken away before anybody gets its cookie. */
static otp_effect_t otp_opening_undo(otp_flow_t *flow)
{
    otp_command_add(otp_flow_command(flow, "DEL"), otp_name_span(&flow->opening.lookup.sess));
    otp_command_add(otp_flow_command(flow, "DEL"), otp_name_span(&flow->once));

    return otp_flow_commands(flow, otp_opening_undone);
}


/* Whether it is the emergency password that was just typed, neither revoked nor replaced. */
OTP_MUST_USE static bool otp_opening_emergency_stands(const otp_flow_t *flow)
{
    const otp_emergency_t *now = &flow->attempt.account.emergency, *then = &flow->attempt.next.emergency;

    return otp_emergency_heard(&flow->attempt.account, flow->attempt.submitted.known, flow->now_s)
           && now->issued == then->issued
           && otp_secret_equal(now->verifier.mac, then->verifier.mac, sizeof(now->verifier.mac));
}


/* Whether what was just used still counts: taking it away and this sign-in may have crossed. */
OTP_MUST_USE static bool otp_opening_stands(otp_flow_t *flow, otp_span_t stored)
{
    otp_key_t     *key;
    otp_attempt_t *attempt = &flow->attempt;

    if (otp_account_read(flow->settings->ring, otp_name_span(&attempt->name), stored, &attempt->account) != OTP_OK) {
        return false;
    }

    if (attempt->decision.emergency) {
        return otp_opening_emergency_stands(flow);
    }

    key = otp_account_key(&attempt->account, otp_span_of(attempt->decision.serial));

    return key != NULL && otp_key_usable(key);
}


static otp_effect_t otp_opening_stored(otp_flow_t *flow)
{
    if (!otp_flow_replies_good(flow)) {
        return otp_opening_undo(flow);
    }

    if (flow->attempt.event != NULL && !otp_opening_stands(flow, otp_flow_reply_text(flow, flow->replies - 1))) {
        return otp_opening_undo(flow);
    }

    return OTP_EFFECT_ANSWER;
}


otp_effect_t otp_open_session(otp_flow_t *flow, otp_level_t level, otp_auth_t method, otp_span_t serial)
{
    size_t     len;
    otp_span_t cookie = { flow->opening.cookie, OTP_COOKIE_LEN };

    if (!otp_opening_cookie(flow) || !otp_opening_session(flow, level, method, serial, &len)) {
        return otp_answer_unavailable(flow);
    }

    otp_answer_cookie(flow, "", cookie, -1);
    otp_device_give(flow, level == OTP_LEVEL_OTP);
    otp_answer_compose(flow, 200, "ok", otp_answer_destination(flow),
                       (otp_notice_t) { .level = otp_level_name(level) });

    otp_opening_store(flow, len);
    if (!otp_once_keep_command(flow)) {
        return otp_opening_undone(flow);
    }
    otp_forget_session(flow);
    if (flow->attempt.event != NULL) {
        otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->attempt.name));
    }

    return otp_flow_commands(flow, otp_opening_stored);
}


static otp_effect_t otp_opening_pending_stored(otp_flow_t *flow)
{
    return otp_flow_replies_good(flow) ? OTP_EFFECT_ANSWER : otp_opening_undone(flow);
}


/* Where the pending state is kept: with the cookie of the person's session or pending state, or with a new
 * one.  Never with a cookie of somebody else, who could have planted it to go on in our stead. */
OTP_MUST_USE static bool otp_opening_pending_name(otp_flow_t *flow)
{
    bool same_pending = !flow->signed_in && flow->has_pending
                        && otp_span_equal(otp_span_of(flow->pending.uid), otp_span_of(flow->uid));

    if (same_pending || otp_opening_same_person(flow)) {
        flow->opening.pend = flow->pend;
        return true;
    }

    flow->has_pending = false;
    if (!otp_opening_cookie(flow)) {
        return false;
    }

    otp_answer_cookie(flow, "", (otp_span_t) { flow->opening.cookie, OTP_COOKIE_LEN }, -1);

    return true;
}


OTP_MUST_USE static bool otp_opening_pending_write(otp_flow_t *flow, otp_stage_t stage, size_t *len, int64_t *ttl_s)
{
    otp_span_t     destination = otp_answer_destination(flow), uid = otp_span_of(flow->uid);
    otp_pending_t *pending = &flow->pending;
    char           rd[sizeof(pending->rd)] = "";

    if (destination.data != flow->settings->portal.data && destination.len < sizeof(rd)) {
        memcpy(rd, destination.data, destination.len);
    }

    memset(pending, 0, sizeof(*pending));
    memcpy(pending->rd, rd, sizeof(rd));
    memcpy(pending->uid, uid.data, uid.len);
    memcpy(pending->id, flow->attempt.next.pending.id, sizeof(pending->id));
    pending->stage = stage;
    pending->display_changes = otp_attempt_display_changes(flow);
    *ttl_s = stage == OTP_STAGE_WAIT_NEXT_CODE ? OTP_WAIT_PAGE_S : flow->settings->limits.pin_page_s;
    pending->until = flow->now_s + *ttl_s;

    return otp_pending_write(flow->settings->ring, otp_name_span(&flow->opening.pend), pending, flow->opening.pending,
                             sizeof(flow->opening.pending), len) == OTP_OK;
}


otp_effect_t otp_open_pending(otp_flow_t *flow, otp_stage_t stage, const char *verdict, const char *endpoint)
{
    size_t         len;
    int64_t        ttl_s;
    otp_command_t *command;

    if (!otp_opening_pending_name(flow) || !otp_opening_pending_write(flow, stage, &len, &ttl_s)) {
        otp_answer_reset(flow);
        return otp_answer_unavailable(flow);
    }

    otp_answer_compose(flow, 200, verdict, otp_answer_location(flow, endpoint), (otp_notice_t) { 0 });

    command = otp_flow_command(flow, "SET");
    otp_command_add(command, otp_name_span(&flow->opening.pend));
    otp_command_add(command, (otp_span_t) { flow->opening.pending, len });
    otp_command_add(command, OTP_SPAN("EX"));
    otp_command_add(command, otp_flow_number(flow->opening.ttl, ttl_s));
    if (!otp_once_keep_command(flow)) {
        return otp_opening_undone(flow);
    }
    if (flow->opening.cookie[0] != '\0') {
        otp_forget_session(flow);
    }

    return otp_flow_commands(flow, otp_opening_pending_stored);
}
