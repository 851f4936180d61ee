#include <string.h>

#include "core/action/otp_action_private.h"
#include "core/base/otp_buffer.h"

/* Reading a record, and changing it by compare-and-set. */

static otp_action_effect_t apply(otp_action_t *action);


static void name_record(otp_action_t *action, bool stock)
{
    otp_action_change_t *change = &action->change;
    otp_span_t           prefix = action->context.prefix;
    otp_span_t           id = otp_span_of(stock ? action->serial : action->uid);

    change->stock = stock;
    otp_name_of(&change->name, stock ? OTP_NAME_STOCK : OTP_NAME_ACCOUNT, prefix, id);
    otp_name_events(&change->stream, prefix, id);
    otp_name_mail(&change->outbox, prefix, id);
    otp_name_waiting(&change->waiting, prefix, id);
    otp_name_of(&change->history, OTP_NAME_HISTORY, prefix, id);
}


/* Takes over a record as it is stored; empty: there is none. */
OTP_MUST_USE static bool take_record(otp_action_t *action, otp_span_t stored)
{
    otp_action_change_t *change = &action->change;
    otp_span_t           name = otp_name_span(&change->name);
    otp_status_t         status = OTP_OK;

    if (stored.len > sizeof(change->stored)) {
        return false;
    }
    if (stored.len != 0) {
        memmove(change->stored, stored.data, stored.len);
    }
    change->stored_len = stored.len;
    stored.data = change->stored;
    if (change->stock) {
        action->stock_found = stored.len != 0;
        status = stored.len != 0 ? otp_stock_read(action->context.ring, name, stored, &action->stock) : OTP_OK;
    } else {
        action->account_found = stored.len != 0;
        if (stored.len == 0) {
            otp_account_init(&action->account, otp_span_of(action->uid));
        } else {
            status = otp_account_read(action->context.ring, name, stored, &action->account);
        }
    }
    if (status != OTP_OK) {
        action->view.unreadable = name;
    }
    return status == OTP_OK;
}


OTP_MUST_USE static bool take_reply(otp_action_t *action)
{
    const otp_reply_t *reply;

    if (!otp_action_replies_good(action)) {
        return false;
    }
    reply = action->reply[0];
    return (reply->kind == OTP_REPLY_TEXT || reply->kind == OTP_REPLY_NIL)
           && take_record(action, reply->kind == OTP_REPLY_TEXT ? reply->text : OTP_SPAN_NONE);
}


static otp_action_effect_t looked(otp_action_t *action)
{
    return take_reply(action) ? action->change.done(action) : otp_action_failed(action);
}


static otp_action_effect_t ask(otp_action_t *action, otp_action_stage_t next)
{
    otp_command_add(otp_action_command(action, "GET"), otp_name_span(&action->change.name));
    return otp_action_commands(action, next);
}


otp_action_effect_t otp_action_look_stock(otp_action_t *action, otp_action_stage_t done)
{
    name_record(action, true);
    action->change.done = done;
    return ask(action, looked);
}


otp_action_effect_t otp_action_look_account(otp_action_t *action, otp_action_stage_t done)
{
    name_record(action, false);
    action->change.done = done;
    return ask(action, looked);
}


static otp_action_effect_t swapped(otp_action_t *action)
{
    otp_action_change_t *change = &action->change;
    otp_span_t           stored;

    switch (otp_swap_result(action->reply ? action->reply[0] : NULL, &stored)) {
    case OTP_SWAPPED:
        otp_action_event_keep(action, change->event);
        action->changed = true;
        if (change->weight == OTP_ACTION_OK && change->stock && action->uid[0] != '\0') {
            otp_action_event_later(action, change->event);
        }
        return change->done(action);
    case OTP_SWAP_LOST:
        if (++change->tries == OTP_ACTION_TRIES) {
            return otp_action_finish(action, OTP_MANAGE_BUSY);
        }
        return take_record(action, stored) ? apply(action) : otp_action_failed(action);
    case OTP_SWAP_FAILED:
        break;
    }
    return otp_action_failed(action);
}


OTP_MUST_USE static bool write_record(otp_action_t *action)
{
    otp_action_change_t *change = &action->change;
    otp_span_t           name = otp_name_span(&change->name);

    change->next_len = 0;
    if (change->remove) {
        return true;
    }
    if (change->stock) {
        return otp_stock_write(action->context.ring, name, &action->stock, change->next, sizeof(change->next),
                               &change->next_len) == OTP_OK;
    }
    return otp_account_write(action->context.ring, name, &action->account, change->next, sizeof(change->next),
                             &change->next_len) == OTP_OK;
}


/* Whom it concerns is in action->account, whichever record is written. */
OTP_MUST_USE static bool write_mail(otp_action_t *action, otp_swap_t *swap)
{
    otp_action_change_t *change = &action->change;
    otp_mail_t           mail;
    size_t               len;

    if (change->weight != OTP_ACTION_OK || change->mail_kind == OTP_MAIL_NONE || action->uid[0] == '\0') {
        return true;
    }
    mail = otp_mail_to(&action->account, change->mail_kind, action->now_ms);
    mail.serial = otp_span_of(action->serial);
    mail.reason = action->reason;
    mail.until = change->mail_kind == OTP_MAIL_EMERGENCY_ISSUED ? action->order.expires : 0;
    swap->outbox = otp_name_span(&change->outbox);
    if (otp_mail_write(action->context.ring, swap->outbox, &mail, change->mail, sizeof(change->mail), &len) != OTP_OK) {
        return false;
    }
    swap->mail = (otp_span_t) { change->mail, len };
    return true;
}


/* A key that somebody waits for is in the set of those that wait, and no other one. */
static void write_waiting(otp_action_t *action, bool waited, otp_swap_t *swap)
{
    otp_action_change_t *change = &action->change;
    otp_buffer_t         since;

    if (!change->stock || (!waited && action->stock.wanted[0] == '\0')) {
        return;
    }
    swap->waiting = otp_name_span(&change->waiting);
    swap->serial = otp_span_of(action->serial);
    if (action->stock.wanted[0] != '\0') {
        otp_buffer_init(&since, change->since, sizeof(change->since));
        otp_buffer_add_number(&since, action->stock.wanted_at);
        swap->since = otp_buffer_span(&since);
    }
}


static otp_action_effect_t store(otp_action_t *action, bool waited)
{
    otp_action_change_t *change = &action->change;
    otp_swap_t           swap = {
        .key = otp_name_span(&change->name), .stream = otp_name_span(&change->stream),
        .expected = { change->stored, change->stored_len }, .events_kept = action->context.events_kept
    };

    change->event = swap.event = otp_action_event_line(action, change->weight);
    /* What cannot be told is not done. */
    if (swap.event.len == 0 || !write_record(action) || !write_mail(action, &swap)) {
        return otp_action_failed(action);
    }
    swap.next = (otp_span_t) { change->next, change->next_len };
    if (!change->stock && change->weight == OTP_ACTION_OK && action->kind != OTP_ACTION_SIGNALS_SEEN) {
        swap.history = otp_name_span(&change->history);
    }
    write_waiting(action, waited, &swap);
    otp_swap_command(&swap, otp_action_command(action, ""));
    return otp_action_commands(action, swapped);
}


/* They are of the person the order is about, who need not be the one that has the key by now. */
static bool set_contact(otp_action_t *action)
{
    const otp_action_order_t *order = &action->order;

    return (order->uid.len != 0 || action->rounds == 0)
        && otp_account_set_contact(&action->account, order->name, order->email, order->language);
}


static otp_action_effect_t apply(otp_action_t *action)
{
    otp_action_change_t *change = &action->change;
    bool                 waited = action->stock.wanted[0] != '\0';

    action->managed = change->stock && !action->stock_found ? OTP_MANAGE_NO_STOCK : change->rule(action);
    if (action->managed != OTP_MANAGE_CHANGED) {
        return change->done(action);
    }
    if (!change->stock) {
        (void) set_contact(action);
    }
    return store(action, waited);
}


static otp_action_effect_t change_read(otp_action_t *action)
{
    return take_reply(action) ? apply(action) : otp_action_failed(action);
}


static otp_action_effect_t begin_change(otp_action_t *action, bool stock, otp_action_rule_t rule,
    otp_action_weight_t weight, otp_mail_kind_t mail, otp_action_stage_t done)
{
    otp_action_change_t *change = &action->change;

    name_record(action, stock);
    change->remove = false;
    change->rule = rule;
    change->weight = weight;
    change->mail_kind = mail;
    change->done = done;
    change->tries = 0;
    return ask(action, change_read);
}


otp_action_effect_t otp_action_change_stock(otp_action_t *action, otp_action_rule_t rule, otp_action_weight_t weight,
    otp_mail_kind_t mail, otp_action_stage_t done)
{
    return begin_change(action, true, rule, weight, mail, done);
}


otp_action_effect_t otp_action_remove_stock(otp_action_t *action, otp_action_rule_t rule, otp_action_stage_t done)
{
    otp_action_effect_t effect = begin_change(action, true, rule, OTP_ACTION_OK, OTP_MAIL_NONE, done);

    action->change.remove = true;
    return effect;
}


otp_action_effect_t otp_action_change_account(otp_action_t *action, otp_action_rule_t rule, otp_action_weight_t weight,
    otp_mail_kind_t mail, otp_action_stage_t done)
{
    return begin_change(action, false, rule, weight, mail, done);
}


/* Of somebody who has no account nothing is to be kept. */
static otp_managed_t rule_contact(otp_action_t *action)
{
    if (!action->account_found || !set_contact(action)) {
        return OTP_MANAGE_UNCHANGED;
    }
    action->account.revision++;
    return OTP_MANAGE_CHANGED;
}


otp_action_effect_t otp_action_keep_contact(otp_action_t *action, otp_action_stage_t done)
{
    return otp_action_change_account(action, rule_contact, OTP_ACTION_CONTACT, OTP_MAIL_NONE, done);
}
