#include <string.h>

#include "core/action/otp_action_private.h"
#include "core/base/otp_buffer.h"

/* What concerns one account alone: PIN, locks, emergency password, signals. */

static otp_managed_t rule_pin_clear(otp_action_t *action)
{
    return otp_manage_pin_clear(&action->account);
}


otp_action_effect_t otp_action_pin_clear(otp_action_t *action)
{
    return otp_action_change_account(action, rule_pin_clear, OTP_ACTION_OK, OTP_MAIL_PIN_CLEARED, otp_action_finished);
}


static otp_managed_t rule_signals_seen(otp_action_t *action)
{
    return otp_manage_signals_seen(&action->account, action->order.seen);
}


otp_action_effect_t otp_action_signals_seen(otp_action_t *action)
{
    return otp_action_change_account(action, rule_signals_seen, OTP_ACTION_OK, OTP_MAIL_NONE, otp_action_finished);
}


static otp_action_effect_t throttle_gone(otp_action_t *action)
{
    return otp_action_replies_good(action) ? otp_action_finish(action, OTP_MANAGE_UNCHANGED)
                                           : otp_action_failed(action);
}


static otp_action_effect_t throttle_told(otp_action_t *action)
{
    if (!otp_action_replies_good(action)) {
        return otp_action_failed(action);
    }
    otp_action_event_keep(action, action->change.event);
    action->changed = true;
    for (size_t i = 0; i < OTP_THROTTLES; i++) {
        otp_command_add(otp_action_command(action, "DEL"), otp_name_span(&action->throttle[i]));
    }
    return otp_action_commands(action, throttle_gone);
}


/* The delay after bad passwords: there is nothing to compare it with, it just goes; but first its event. */
static otp_action_effect_t throttle_read(otp_action_t *action)
{
    otp_span_t line;
    bool       any = false;

    if (!otp_action_replies_good(action)) {
        return otp_action_failed(action);
    }
    for (size_t i = 0; i < OTP_THROTTLES; i++) {
        any |= action->reply[i]->kind != OTP_REPLY_NIL;
    }
    if (!any) {
        return otp_action_finish(action, OTP_MANAGE_UNCHANGED);
    }
    line = otp_action_event_line(action, action->changed ? OTP_ACTION_PART : OTP_ACTION_OK);
    if (line.len == 0) {
        return otp_action_failed(action);
    }
    if (!action->changed) {
        otp_action_event_later(action, line);
    }
    action->change.event = line;
    otp_action_tell(action, line);
    return otp_action_commands(action, throttle_told);
}


/* As the portal names it: what somebody typed as identifier may be anything, so only its digest is a name. */
OTP_MUST_USE static bool name_throttle(otp_action_t *action, const char *whose, otp_name_t *name)
{
    char         text[OTP_UID_LEN + sizeof(OTP_THROTTLE_PASSWORD)], hex[2 * OTP_DIGEST_LEN];
    uint8_t      digest[OTP_DIGEST_LEN];
    otp_buffer_t id, out;

    otp_buffer_init(&id, text, sizeof(text));
    otp_buffer_add_text(&id, action->uid);
    otp_buffer_add_text(&id, whose);
    if (id.overflow || otp_keyring_sha256(action->context.ring, otp_buffer_span(&id), digest) != OTP_OK) {
        return false;
    }
    otp_buffer_init(&out, hex, sizeof(hex));
    otp_buffer_add_hex(&out, digest, sizeof(digest));
    otp_name_of(name, OTP_NAME_THROTTLE_USER, action->context.prefix, otp_buffer_span(&out));
    return true;
}


static otp_action_effect_t unlocked(otp_action_t *action)
{
    static const char *const whose[OTP_THROTTLES] = { "", OTP_THROTTLE_KNOWN, OTP_THROTTLE_PASSWORD };

    if (otp_managed_refused(action->managed)) {
        return otp_action_finished(action);
    }
    for (size_t i = 0; i < OTP_THROTTLES; i++) {
        if (!name_throttle(action, whose[i], &action->throttle[i])) {
            return otp_action_failed(action);
        }
        otp_command_add(otp_action_command(action, "GET"), otp_name_span(&action->throttle[i]));
    }
    return otp_action_commands(action, throttle_read);
}


static otp_managed_t rule_unlock(otp_action_t *action)
{
    return otp_manage_unlock(&action->account);
}


otp_action_effect_t otp_action_unlock(otp_action_t *action)
{
    return otp_action_change_account(action, rule_unlock, OTP_ACTION_OK, OTP_MAIL_NONE, unlocked);
}


/* The password and the salt are the action's, so that a lost compare-and-set makes the same one again. */
static otp_managed_t rule_issue(otp_action_t *action)
{
    otp_account_t *account = &action->account;
    otp_span_t     password = otp_span_of(action->view.result.password);

    action->replaced = account->emergency.expires != 0;
    switch (otp_emergency_set(action->context.ring, account, password, action->random + 16, action->now_s,
                              action->order.expires))
    {
    case OTP_OK:
        account->revision++;
        return OTP_MANAGE_CHANGED;
    case OTP_INVALID:
        return OTP_MANAGE_NO_EMERGENCY;
    case OTP_NO_ROOM:
    case OTP_FAILED:
        break;
    }
    return OTP_MANAGE_UNAVAILABLE;
}


/* Whoever knows the password that it replaces is not let in any longer; nor is who has used one that is over by now,
 * should ending their sessions have been cut off then. */
static otp_action_effect_t issued(otp_action_t *action)
{
    if (otp_managed_refused(action->managed) || !action->replaced) {
        return otp_action_finished(action);
    }
    return otp_action_sweep(action, otp_sweep_emergency, NULL, otp_action_finished);
}


otp_action_effect_t otp_action_emergency_issue(otp_action_t *action)
{
    otp_emergency_make(action->random, action->view.result.password);
    action->view.result.expires = action->order.expires;
    return otp_action_change_account(action, rule_issue, OTP_ACTION_OK, OTP_MAIL_EMERGENCY_ISSUED, issued);
}


static otp_managed_t rule_revoke(otp_action_t *action)
{
    return otp_manage_emergency_revoke(&action->account, action->now_s);
}


/* Sessions that were left by a revocation which was cut off count. */
static otp_action_effect_t revoked_swept(otp_action_t *action)
{
    return otp_action_finish(action, action->changed ? OTP_MANAGE_CHANGED : action->managed);
}


static otp_action_effect_t revoked(otp_action_t *action)
{
    return otp_action_sweep(action, otp_sweep_emergency, NULL, revoked_swept);
}


otp_action_effect_t otp_action_emergency_revoke(otp_action_t *action)
{
    return otp_action_change_account(action, rule_revoke, OTP_ACTION_OK, OTP_MAIL_NONE, revoked);
}
