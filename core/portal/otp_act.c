#include "core/portal/otp_flow_private.h"

/* An action (core/action/otp_action.h) inside a flow: its commands are handed through. */

#define OTP_ACT_POLLS   40

_Static_assert(OTP_FLOW_AUDITS >= OTP_ACTION_AUDITS + 4, "the lines of an action must all find room");

static otp_effect_t otp_act_step(otp_flow_t *flow);


/* ---- one of two forms sent at once ---- */

static otp_effect_t otp_act_reserve(otp_flow_t *flow);


static otp_effect_t otp_act_reserved(otp_flow_t *flow)
{
    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    if (!otp_once_reserved(flow, 0)) {
        flow->once_lapsed = otp_act_reserve;
        return otp_once_await(flow);
    }
    flow->once_kept = true;

    return flow->acting.claimed(flow);
}


static otp_effect_t otp_act_reserve(otp_flow_t *flow)
{
    /* The other one is still at work: to act too could give a second emergency password. */
    if (flow->once_waits > OTP_ACT_POLLS) {
        return otp_answer_unavailable(flow);
    }
    otp_once_reserve_command(flow);

    return otp_flow_commands(flow, otp_act_reserved);
}


otp_effect_t otp_act_claim(otp_flow_t *flow, otp_flow_stage_t claimed)
{
    flow->acting.claimed = claimed;

    return otp_act_reserve(flow);
}


/* ---- the action ---- */

otp_action_order_t *otp_act_order(otp_flow_t *flow, otp_action_kind_t kind)
{
    otp_action_order_t  *order = &flow->acting.order;
    const otp_subject_t *subject = &flow->subject;

    *order = (otp_action_order_t) {
        .kind = kind,
        .uid = otp_span_of(subject->uid),
        .address = flow->request->address,
        .request_id = flow->request->request_id,
        .by_session = flow->session.id,
        .name = otp_subject_name(subject),
        .email = otp_subject_email(subject),
    };
    if (otp_span_equal(order->uid, flow->session.person.uid)) {
        order->language = flow->settings->language[flow->language];
        return order;
    }
    order->actor = flow->session.person.uid;

    return order;
}


static otp_effect_t otp_act_released(otp_flow_t *flow)
{
    return otp_answer_unavailable(flow);
}


/* Not carried out, or nobody knows how far: the form may be sent again. */
static otp_effect_t otp_act_failed(otp_flow_t *flow)
{
    flow->once_kept = false;
    if (flow->reply == NULL) {
        return otp_answer_unavailable(flow);
    }

    otp_once_release_command(flow);

    return flow->view.commands == 0 ? otp_answer_unavailable(flow) : otp_flow_commands(flow, otp_act_released);
}


/* ---- refused ---- */

/* A code that fits no key of this serial may be that of another one: somebody has somebody else's key.  It is looked
 * for whatever the refusal was, which a person who waits for the answer cannot tell apart. */
OTP_MUST_USE static bool otp_act_mixup(otp_flow_t *flow)
{
    size_t                    len;
    otp_mail_t                mail;
    otp_acting_t             *acting = &flow->acting;
    const otp_action_order_t *order = &acting->order;
    otp_command_t            *command;

    if (order->kind != OTP_ACTION_REQUEST_CREATE || acting->result->managed == OTP_MANAGE_REQUESTED
        || acting->result->managed == OTP_MANAGE_WAIT || !otp_mixup_code(order->code))
    {
        return true;
    }

    if (otp_mixup_seal(flow->settings->ring, order->uid, order->code, otp_flow_random(flow, OTP_RANDOM_NONCE),
                       acting->mixup, sizeof(acting->mixup), &len) != OTP_OK)
    {
        return false;
    }
    mail = (otp_mail_t) {
        .kind = OTP_MAIL_KEY_MIXUP, .time_ms = flow->now_ms, .uid = order->uid, .name = order->name,
        .email = order->email, .language = order->language, .serial = order->serial,
        .reason = { acting->mixup, len }, .address = flow->request->address,
    };
    otp_name_mail(&acting->outbox, flow->settings->prefix, order->uid);
    if (otp_mail_write(flow->settings->ring, otp_name_span(&acting->outbox), &mail, acting->mail, sizeof(acting->mail),
                       &len) != OTP_OK)
    {
        return false;
    }

    command = otp_flow_command(flow, "XADD");
    otp_command_add(command, otp_name_span(&acting->outbox));
    otp_command_add(command, OTP_SPAN("*"));
    otp_command_add(command, OTP_SPAN("m"));
    otp_command_add(command, (otp_span_t) { acting->mail, len });

    return true;
}


static otp_effect_t otp_act_told(otp_flow_t *flow)
{
    return otp_flow_replies_good(flow) ? flow->acting.done(flow) : otp_answer_unavailable(flow);
}


static otp_effect_t otp_act_refused(otp_flow_t *flow)
{
    if (!otp_act_mixup(flow)) {
        return otp_answer_unavailable(flow);
    }

    return flow->view.commands == 0 ? flow->acting.done(flow) : otp_flow_commands(flow, otp_act_told);
}


static otp_effect_t otp_act_finish(otp_flow_t *flow)
{
    const otp_action_view_t *view = otp_action_view(flow->acting.action);

    for (size_t i = 0; i < view->audits && flow->view.audits < OTP_FLOW_AUDITS; i++) {
        flow->view.audit[flow->view.audits++] = view->audit[i];
    }

    flow->acting.result = &view->result;
    if (view->result.managed == OTP_MANAGE_UNAVAILABLE || view->result.managed == OTP_MANAGE_BUSY) {
        return otp_act_failed(flow);
    }

    return otp_managed_refused(view->result.managed) ? otp_act_refused(flow) : flow->acting.done(flow);
}


static otp_effect_t otp_act_run(otp_flow_t *flow, const otp_reply_t *const *replies, size_t count)
{
    const otp_action_view_t *view = otp_action_view(flow->acting.action);

    if (otp_action_step(flow->acting.action, flow->now_ms, replies, count) == OTP_ACTION_DONE) {
        return otp_act_finish(flow);
    }

    for (size_t i = 0; i < view->commands; i++) {
        *otp_flow_command(flow, "") = view->command[i];
    }

    return otp_flow_commands(flow, otp_act_step);
}


static otp_effect_t otp_act_step(otp_flow_t *flow)
{
    return otp_act_run(flow, flow->reply, flow->replies);
}


otp_effect_t otp_act(otp_flow_t *flow, otp_flow_stage_t done)
{
    const otp_settings_t *settings = flow->settings;
    otp_acting_t         *acting = &flow->acting;

    acting->done = done;
    acting->context = (otp_action_context_t) {
        .ring = settings->ring, .prefix = settings->prefix, .limits = &settings->limits,
        .events_kept = settings->events_kept, .floor_s = flow->request->floor_s,
    };
    acting->action = otp_action_create(&acting->context, &acting->order, otp_flow_random(flow, OTP_ACTION_RANDOM));
    if (acting->action == NULL) {
        return otp_act_failed(flow);
    }

    return otp_act_run(flow, NULL, 0);
}
