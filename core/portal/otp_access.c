#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/portal/otp_flow_private.h"

/* Who may use an endpoint, and on whose account an agent may act. */


bool otp_access_by_key(const otp_flow_t *flow)
{
    return flow->signed_in && flow->session.level == OTP_LEVEL_OTP && flow->session.method == OTP_AUTH_KEY;
}


OTP_MUST_USE static bool otp_access_groups_agent(const otp_settings_t *settings, otp_span_t groups)
{
    for (size_t i = 0; i < settings->helpdesks; i++) {
        if (otp_groups_have(groups, settings->helpdesk[i].group)) {
            return true;
        }
    }

    return false;
}


bool otp_access_agent(const otp_flow_t *flow)
{
    return flow->signed_in && otp_access_groups_agent(flow->settings, flow->session.person.groups);
}


void otp_access_return_here(otp_flow_t *flow)
{
    otp_span_t   rest = flow->request->path, q = otp_form_get(&flow->query, "q");
    otp_buffer_t out;

    if (flow->rd[0] != '\0') {
        return;
    }

    otp_buffer_init(&out, flow->rd, sizeof(flow->rd) - 1);
    otp_buffer_add(&out, flow->settings->portal);
    while (rest.data != NULL && flow->route->get != NULL) {
        otp_buffer_add_percent(&out, otp_span_cut(&rest, '/'));
        if (rest.data != NULL) {
            otp_buffer_add_char(&out, '/');
        }
    }
    if (q.len != 0) {
        otp_buffer_add_text(&out, "?q=");
        otp_buffer_add_percent(&out, q);
    }
    flow->rd[otp_buffer_span(&out).len] = '\0';
}


static otp_effect_t otp_access_key_required(otp_flow_t *flow)
{
    otp_access_return_here(flow);

    return otp_answer_key_required(flow);
}


/* ---- who is no agent ---- */

static otp_effect_t otp_access_stranger_answer(otp_flow_t *flow)
{
    return otp_answer_error(flow, 403, "forbidden", "error_forbidden");
}


static otp_effect_t otp_access_stranger_told(otp_flow_t *flow)
{
    return otp_flow_replies_good(flow) ? otp_access_stranger_answer(flow) : otp_answer_unavailable(flow);
}


/* 403; of a form it leaves an event, as one about a person out of reach does. */
static otp_effect_t otp_access_stranger(otp_flow_t *flow)
{
    otp_span_t  line, uid = flow->session.person.uid;
    otp_event_t event;

    if (flow->request->method != OTP_REQUEST_POST) {
        return otp_access_stranger_answer(flow);
    }

    otp_flow_event(flow, "helpdesk", "forbidden", uid, &event);
    line = otp_flow_event_line(flow, &event);
    if (line.len == 0) {
        return otp_answer_unavailable(flow);
    }
    otp_flow_event_command(flow, uid, line);

    return otp_flow_commands(flow, otp_access_stranger_told);
}


/* ---- the agent himself: what the session says of his groups may be hours old ---- */

static otp_effect_t otp_access_agent_told(otp_flow_t *flow)
{
    const otp_person_result_t *result = &flow->person_result;

    switch (result->verdict) {
    case OTP_PERSON_THROTTLED:
    case OTP_PERSON_BUSY:
    case OTP_PERSON_UNAVAILABLE:
        return otp_answer_unavailable(flow);
    case OTP_PERSON_REFUSED:
        return otp_access_stranger(flow);
    case OTP_PERSON_MATCHES:
        break;
    }

    memcpy(flow->agent_groups, result->groups, result->groups_len);
    flow->session.person.groups = (otp_span_t) { flow->agent_groups, result->groups_len };
    if (!otp_access_agent(flow)) {
        return otp_access_stranger(flow);
    }

    return flow->agent_next(flow);
}


static otp_effect_t otp_access_agent_still(otp_flow_t *flow, otp_flow_stage_t next)
{
    if (!flow->settings->people_known) {
        return next(flow);
    }
    flow->agent_next = next;

    return otp_flow_ask_directory(flow, flow->session.person.uid, otp_access_agent_told);
}


/* ---- in ---- */

otp_effect_t otp_access_enter(otp_flow_t *flow, otp_flow_stage_t stage)
{
    switch (flow->route->access) {
    case OTP_ACCESS_ALWAYS:
    case OTP_ACCESS_ANYBODY:
    case OTP_ACCESS_UNDERWAY:
    case OTP_ACCESS_SESSION:
        break;
    case OTP_ACCESS_AGENT:
        /* Who may not pass at all is not sent for a key first. */
        if (!otp_access_agent(flow)) {
            return otp_access_stranger(flow);
        }
        if (!otp_access_by_key(flow)) {
            return otp_access_key_required(flow);
        }
        return otp_access_agent_still(flow, stage);
    case OTP_ACCESS_KEY:
        if (!otp_access_by_key(flow)) {
            return otp_access_key_required(flow);
        }
        break;
    }

    return stage(flow);
}


/* ---- in whose reach whom ---- */

bool otp_access_scope(const otp_flow_t *flow, otp_buffer_t *scope)
{
    const otp_settings_t *settings = flow->settings;

    for (size_t i = 0; i < settings->helpdesks; i++) {
        const otp_helpdesk_t *helpdesk = &settings->helpdesk[i];

        if (!otp_groups_have(flow->session.person.groups, helpdesk->group)) {
            continue;
        }
        if (helpdesk->scope.len == 0) {
            return false;
        }
        if (scope->len != 0) {
            otp_buffer_add_char(scope, ',');
        }
        otp_buffer_add(scope, helpdesk->scope);
    }

    return true;
}


bool otp_access_scoped(const otp_flow_t *flow)
{
    char         text[OTP_SCOPE_LEN];
    otp_buffer_t scope;

    otp_buffer_init(&scope, text, sizeof(text));

    return otp_access_scope(flow, &scope);
}


otp_reach_t otp_access_reach(const otp_flow_t *flow, const otp_subject_t *subject)
{
    const otp_settings_t *settings = flow->settings;
    otp_span_t            groups = otp_span_of(subject->groups);
    bool                  agent = otp_access_groups_agent(settings, groups);
    otp_reach_t           reach = OTP_REACH_SCOPE;

    if (otp_span_equal(otp_span_of(subject->uid), flow->session.person.uid)) {
        return OTP_REACH_OWN;
    }

    for (size_t i = 0; i < settings->helpdesks; i++) {
        const otp_helpdesk_t *helpdesk = &settings->helpdesk[i];

        if (!otp_groups_have(flow->session.person.groups, helpdesk->group)
            || !otp_groups_meet(groups, helpdesk->scope))
        {
            continue;
        }
        if (!agent || helpdesk->agents) {
            return OTP_REACH_OK;
        }
        reach = OTP_REACH_AGENT;
    }

    return reach;
}


static otp_effect_t otp_access_forbid(otp_flow_t *flow)
{
    static const char *const reasons[] = {
        [OTP_REACH_OK] = "", [OTP_REACH_OWN] = "own_account", [OTP_REACH_AGENT] = "agent", [OTP_REACH_SCOPE] = "scope",
    };

    if (flow->json) {
        return otp_answer_json(flow, 403, "forbidden", json_pack("{s:s, s:s}", "error", "forbidden", "reason",
                                                                 reasons[flow->subject.reach]));
    }

    return otp_answer_error(flow, 403, "forbidden", "error_forbidden");
}


static otp_effect_t otp_access_told(otp_flow_t *flow)
{
    return otp_flow_replies_good(flow) ? flow->agent_next(flow) : otp_answer_unavailable(flow);
}


otp_effect_t otp_access_tell(otp_flow_t *flow, otp_reach_t reach, const char *event_name, otp_flow_stage_t next)
{
    otp_span_t  line;
    otp_event_t event;

    flow->subject.reach = reach;
    flow->agent_next = next;
    if (flow->request->method != OTP_REQUEST_POST) {
        return next(flow);
    }

    otp_flow_event(flow, event_name, "forbidden", otp_span_of(flow->subject.uid), &event);
    event.actor = flow->session.person.uid;
    line = otp_flow_event_line(flow, &event);
    if (line.len == 0) {
        return otp_answer_unavailable(flow);
    }
    otp_flow_event_command(flow, otp_span_of(flow->subject.uid), line);

    return otp_flow_commands(flow, otp_access_told);
}


otp_effect_t otp_access_forbidden(otp_flow_t *flow, otp_reach_t reach, const char *event_name)
{
    return otp_access_tell(flow, reach, event_name, otp_access_forbid);
}
