#include <stdlib.h>
#include <string.h>

#include "core/action/otp_action_private.h"
#include "core/base/otp_text.h"

static const struct {
    const char        *event;
    otp_action_stage_t first;
    bool               needs_uid, needs_serial;
} actions[OTP_ACTIONS] = {
    [OTP_ACTION_KEY_ASSIGN] = { "key_assign", otp_action_assign, true, true },
    [OTP_ACTION_KEY_UNASSIGN] = { "key_unassign", otp_action_unassign, false, true },
    [OTP_ACTION_KEY_DISABLE] = { "key_disable", otp_action_disable, false, true },
    [OTP_ACTION_KEY_ENABLE] = { "key_enable", otp_action_enable, false, true },
    [OTP_ACTION_KEY_DELETE] = { "key_delete", otp_action_delete, false, true },
    [OTP_ACTION_KEY_RESYNC] = { "key_resync", otp_action_resync, false, true },
    [OTP_ACTION_PIN_CLEAR] = { "pin_clear", otp_action_pin_clear, true, false },
    [OTP_ACTION_UNLOCK] = { "user_unlock", otp_action_unlock, true, false },
    [OTP_ACTION_EMERGENCY_ISSUE] = { "emergency", otp_action_emergency_issue, true, false },
    [OTP_ACTION_EMERGENCY_REVOKE] = { "emergency_revoke", otp_action_emergency_revoke, true, false },
    [OTP_ACTION_SESSIONS_REVOKE] = { "session_revoke", otp_action_sessions_revoke, true, false },
    [OTP_ACTION_SESSION_REVOKE] = { "session_revoke", otp_action_session_revoke, true, false },
    [OTP_ACTION_REQUEST_CREATE] = { "request", otp_action_request, true, true },
    [OTP_ACTION_REQUEST_APPROVE] = { "request_approve", otp_action_approve, false, true },
    [OTP_ACTION_REQUEST_REJECT] = { "request_reject", otp_action_reject, false, true },
    [OTP_ACTION_SIGNALS_SEEN] = { "signals_seen", otp_action_signals_seen, true, false },
};

const char *otp_action_event(otp_action_kind_t kind)
{
    return actions[kind].event;
}


/* What an agent has typed or pasted is read by others, beside other words, in pages, mails and terminals. */
static void take_words(otp_action_t *action)
{
    otp_action_order_t *order = &action->order;

    order->reason = otp_text_undirected(order->reason, action->reason_text);
    order->note = otp_text_undirected(order->note, action->note_text);
    action->reason = order->reason;
}


static otp_action_effect_t begin(otp_action_t *action)
{
    const otp_action_order_t *order = &action->order;

    if ((actions[order->kind].needs_serial && (order->serial.len == 0 || order->serial.len > OTP_SERIAL_MAX))) {
        return otp_action_finish(action, OTP_MANAGE_NO_STOCK);
    }
    if (actions[order->kind].needs_uid && (order->uid.len == 0 || order->uid.len > OTP_UID_LEN)) {
        return otp_action_finish(action, OTP_MANAGE_NO_KEY);
    }
    /* They must fit into the event, and into the record. */
    if (order->reason.len > OTP_REASON_LEN || order->note.len > OTP_REASON_LEN) {
        return otp_action_finish(action, OTP_MANAGE_REASON);
    }
    take_words(action);
    return actions[order->kind].first(action);
}


otp_action_t *otp_action_create(const otp_action_context_t *context, const otp_action_order_t *order,
    const uint8_t random[OTP_ACTION_RANDOM])
{
    otp_action_t *action = calloc(1, sizeof(*action));

    if (!action) {
        return NULL;
    }
    action->context = *context;
    action->order = *order;
    action->kind = order->kind;
    action->actor = order->actor;
    action->reason = order->reason;
    action->next = begin;
    action->view.command = action->command;
    memcpy(action->random, random, sizeof(action->random));
    if (actions[order->kind].needs_uid) {
        otp_action_set_uid(action, order->uid);
    }
    if (order->serial.len != 0 && order->serial.len <= OTP_SERIAL_MAX) {
        memcpy(action->serial, order->serial.data, order->serial.len);
    }
    return action;
}


void otp_action_destroy(otp_action_t *action)
{
    if (!action) {
        return;
    }
    otp_sweep_end(&action->sweep);
    otp_secret_wipe(action, sizeof(*action));
    free(action);
}


otp_action_effect_t otp_action_step(otp_action_t *action, int64_t now_ms, const otp_reply_t *const *replies,
    size_t count)
{
    action->now_ms = now_ms;
    action->now_s = now_ms / 1000;
    action->reply = count == action->view.commands ? replies : NULL;
    action->replies = action->reply ? count : 0;
    action->view.commands = 0;
    action->view.command = action->command;
    return action->next(action);
}


const otp_action_view_t *otp_action_view(const otp_action_t *action)
{
    return &action->view;
}


otp_action_effect_t otp_action_commands(otp_action_t *action, otp_action_stage_t next)
{
    action->next = next;
    return OTP_ACTION_COMMANDS;
}


otp_command_t *otp_action_command(otp_action_t *action, const char *verb)
{
    otp_command_t *command = &action->command[action->view.commands++];

    memset(command, 0, sizeof(*command));
    otp_command_add(command, otp_span_of(verb));
    return command;
}


bool otp_action_replies_good(const otp_action_t *action)
{
    if (!action->reply) {
        return false;
    }
    for (size_t i = 0; i < action->replies; i++) {
        if (!action->reply[i] || action->reply[i]->kind == OTP_REPLY_ERROR) {
            return false;
        }
    }
    return true;
}


/* Called again after the end: nothing more happens. */
static otp_action_effect_t ended(otp_action_t *action)
{
    (void) action;
    return OTP_ACTION_DONE;
}


static otp_action_effect_t end(otp_action_t *action)
{
    action->next = ended;
    return OTP_ACTION_DONE;
}


/* A request that no rule could approve waits for the helpdesk. */
static bool waits_only(const otp_action_t *action, otp_managed_t managed)
{
    return action->order.kind == OTP_ACTION_REQUEST_CREATE && action->kind == OTP_ACTION_REQUEST_APPROVE
        && otp_managed_refused(managed) && managed != OTP_MANAGE_UNAVAILABLE;
}


static otp_action_effect_t refusal_told(otp_action_t *action)
{
    if (!otp_action_replies_good(action)) {
        action->view.result.managed = OTP_MANAGE_UNAVAILABLE;
    } else {
        otp_action_event_keep(action, action->change.event);
    }
    return end(action);
}


/* Under the name of whoever it was ordered for. */
static otp_action_effect_t tell_refusal(otp_action_t *action, otp_managed_t managed)
{
    otp_span_t uid = action->order.uid;

    if (uid.len != 0) {
        otp_action_set_uid(action, uid.len <= OTP_UID_LEN ? uid : OTP_SPAN_NONE);
    }
    action->change.event = otp_action_event_refused(action, managed);
    if (action->change.event.len == 0) {
        action->view.result.managed = OTP_MANAGE_UNAVAILABLE;
        return end(action);
    }
    otp_action_tell(action, action->change.event);
    return otp_action_commands(action, refusal_told);
}


/* Nothing was to be changed but where mail goes. */
static bool contact_left(const otp_action_t *action, otp_managed_t managed)
{
    return action->order.keep_contact && !action->contact_kept && !action->changed && !otp_managed_refused(managed)
        && action->uid[0] != '\0';
}


otp_action_effect_t otp_action_finish(otp_action_t *action, otp_managed_t managed)
{
    otp_action_result_t *result = &action->view.result;

    if (contact_left(action, managed)) {
        action->contact_kept = true;
        return otp_action_keep_contact(action, otp_action_finished);
    }
    if (waits_only(action, managed)) {
        managed = OTP_MANAGE_UNCHANGED;
        action->changed = true;
    }
    result->managed = otp_managed_refused(managed) ? managed
                      : action->changed ? OTP_MANAGE_CHANGED : OTP_MANAGE_UNCHANGED;
    memcpy(result->uid, action->uid, sizeof(result->uid));
    if (result->managed != OTP_MANAGE_CHANGED) {
        otp_secret_wipe(result->password, sizeof(result->password));
    }
    if (managed == OTP_MANAGE_BUSY || managed == OTP_MANAGE_UNAVAILABLE) {
        return end(action);
    }
    if (otp_managed_refused(managed)) {
        return tell_refusal(action, managed);
    }
    if (action->told_len == 0) {
        return end(action);
    }
    /* It is done whether this line arrives or not. */
    otp_action_tell_history(action);
    return otp_action_commands(action, end);
}


otp_action_effect_t otp_action_finished(otp_action_t *action)
{
    return otp_action_finish(action, action->managed);
}


otp_action_effect_t otp_action_failed(otp_action_t *action)
{
    return otp_action_finish(action, OTP_MANAGE_UNAVAILABLE);
}


bool otp_action_last(const otp_action_t *action)
{
    return action->rounds + 1 == OTP_ACTION_ROUNDS;
}


otp_action_effect_t otp_action_again(otp_action_t *action, otp_action_stage_t first)
{
    if (otp_action_last(action)) {
        return otp_action_finish(action, OTP_MANAGE_BUSY);
    }
    action->rounds++;
    return first(action);
}


const uint8_t *otp_action_random(otp_action_t *action, size_t n)
{
    const uint8_t *bytes = action->random + action->random_used;

    /* Every action needs less; running out would repeat bytes, so it must not go on. */
    if (action->random_used + n > sizeof(action->random)) {
        abort();
    }
    action->random_used += n;
    return bytes;
}


void otp_action_set_uid(otp_action_t *action, otp_span_t uid)
{
    memset(action->uid, 0, sizeof(action->uid));
    if (uid.len != 0) {
        memcpy(action->uid, uid.data, uid.len < sizeof(action->uid) ? uid.len : sizeof(action->uid) - 1);
    }
}


static otp_action_effect_t sweeping(otp_action_t *action)
{
    otp_action_result_t *result = &action->view.result;

    switch (otp_sweep_step(&action->sweep, action->now_ms, action->reply, action->replies)) {
    case OTP_SWEEP_COMMANDS:
        action->view.command = action->sweep.command;
        action->view.commands = action->sweep.commands;
        return otp_action_commands(action, sweeping);
    case OTP_SWEEP_DONE:
        result->sessions_lowered += action->sweep.lowered;
        result->sessions_ended += action->sweep.ended;
        action->changed |= action->sweep.lowered + action->sweep.ended != 0;
        action->reply = NULL;
        return action->sweep_done(action);
    case OTP_SWEEP_FAILED:
        break;
    }
    return otp_action_failed(action);
}


otp_action_effect_t otp_action_sweep(otp_action_t *action, otp_sweep_judge_t judge, void *how, otp_action_stage_t done)
{
    otp_sweep_end(&action->sweep);
    otp_sweep_begin(&action->sweep, action->context.ring, action->context.prefix, otp_span_of(action->uid), judge, how);
    action->sweep_done = done;
    return sweeping(action);
}
