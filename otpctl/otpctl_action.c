#include "otpctl/otpctl_action.h"

#include <string.h>

#include "otpctl/notify/otpctl_mailbox.h"
#include "otpctl/otpctl_print.h"

/* What came of one batch of commands. */
typedef struct {
    otp_reply_t       *owned[OTP_ACTION_COMMANDS_MAX];
    const otp_reply_t *reply[OTP_ACTION_COMMANDS_MAX];
    size_t             count;
    bool               complete;
} batch_t;

static bool changes_something(const otp_command_t *command)
{
    return !otp_span_equal(command->arg[0], OTP_SPAN("GET")) && !otp_span_equal(command->arg[0], OTP_SPAN("ZSCAN"));
}


/* The script by its digest; after NOSCRIPT (a restart, a failover) by its text. */
static otp_reply_t *ask(otpctl_t *ctl, const otp_command_t *command)
{
    otp_command_t with_text = *command;
    otp_reply_t  *reply = otpctl_redis_ask(ctl->redis, command->arg, command->args, 0);

    if (command->swap && reply && reply->kind == OTP_REPLY_ERROR
        && otp_span_starts(reply->text, OTP_SPAN("NOSCRIPT")))
    {
        otp_reply_destroy(reply);
        with_text.arg[0] = OTP_SPAN("EVAL");
        with_text.arg[1] = otp_swap_script();
        reply = otpctl_redis_ask(ctl->redis, with_text.arg, with_text.args, 0);
    }
    return reply;
}


/* One after the other.  What Redis refuses, and that it is away, is told here; `*status` keeps the worst. */
static void send_batch(otpctl_t *ctl, const otp_command_t *command, size_t commands, batch_t *batch,
    otpctl_status_t *status)
{
    *batch = (batch_t) { .complete = true };
    for (size_t i = 0; i < commands; i++) {
        otp_reply_t *reply = ask(ctl, &command[i]);

        if (!reply) {
            otpctl_say("%s%s", otpctl_redis_error(ctl->redis), changes_something(&command[i])
                       ? "; whether the change was made is unknown: give the same command again" : "");
            *status = OTPCTL_UNREACHABLE;
            batch->complete = false;
            return;
        }
        batch->reply[i] = batch->owned[i] = reply;
        batch->count++;
        if (reply->kind == OTP_REPLY_ERROR && *status == OTPCTL_DONE) {
            *status = otpctl_refused(ctl, reply->text);
        }
    }
}


static void forget_batch(batch_t *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        otp_reply_destroy(batch->owned[i]);
    }
    *batch = (batch_t) { .complete = false };
}


/* What goes into records and events must fit there, and be text. */
static bool is_text(const char *option, const char *text, size_t max)
{
    json_t *string = text ? json_string(text) : NULL;
    bool    good = !text || (string && strlen(text) <= max);

    json_decref(string);
    if (!good) {
        otpctl_say("--%s: at most %zu bytes of UTF-8", option, max);
    }
    return good;
}


static bool is_address(const char *email)
{
    if (!email || otpctl_mailbox_valid(otp_span_of(email))) {
        return true;
    }
    otpctl_say("--email %s is no address that mail can be sent to: NAME@DOMAIN", email);
    return false;
}


static bool is_language(const char *language)
{
    size_t len = language ? strspn(language, "abcdefghijklmnopqrstuvwxyz") : 2;

    if (len == 2 && (!language || !language[len])) {
        return true;
    }
    otpctl_say("--language %s is no language: two lower-case letters, as fr", language);
    return false;
}


static bool are_texts(const otpctl_options_t *options)
{
    return is_text("reason", options->reason, OTP_REASON_LEN) && is_text("note", options->note, OTP_REASON_LEN)
        && is_text("name", options->name, OTP_NAME_LEN) && is_text("email", options->email, OTP_EMAIL_LEN)
        && is_address(options->email) && is_language(options->language);
}


otpctl_status_t otpctl_action_begin(otpctl_t *ctl, otp_action_kind_t kind, int serial, int uid,
    otpctl_action_t *action)
{
    const otpctl_options_t *options = ctl->options;
    otpctl_status_t         status = are_texts(options) ? OTPCTL_DONE : OTPCTL_USAGE;

    *action = (otpctl_action_t) { .ctl = ctl };
    if (serial >= 0 && status == OTPCTL_DONE) {
        status = otpctl_serial(options->argument[serial], action->serial);
    }
    if (uid >= 0 && status == OTPCTL_DONE) {
        status = otpctl_uid(options->argument[uid], action->uid);
    }
    action->order = (otp_action_order_t) {
        .kind = kind, .uid = otp_span_of(action->uid), .serial = otp_span_of(action->serial),
        .reason = otp_span_of(options->reason), .note = otp_span_of(options->note), .actor = otp_span_of(ctl->actor),
        .name = otp_span_of(options->name), .email = otp_span_of(options->email),
        /* What the configuration file says is for mail in general. */
        .language = options->given & OTPCTL_LANGUAGE ? otp_span_of(options->language) : OTP_SPAN_NONE,
        .keep_contact = (options->given & OTPCTL_CONTACT) != 0
    };
    return status;
}


/* The engine has given up although Redis did not refuse anything. */
static otpctl_status_t unbelievable(const otpctl_action_t *action, const otp_action_view_t *view)
{
    if (view->unreadable.len) {
        return otpctl_unreadable(action->ctl, view->unreadable);
    }
    otpctl_say("%s", otp_managed_text(OTP_MANAGE_UNAVAILABLE));
    return OTPCTL_REFUSED;
}


static otpctl_status_t drive(otpctl_action_t *action, otp_action_t *engine)
{
    const otp_action_view_t *view = otp_action_view(engine);
    otpctl_status_t          status = OTPCTL_DONE;
    batch_t                  batch = { .complete = false };

    while (otp_action_step(engine, otpctl_now_ms(), batch.complete ? batch.reply : NULL, batch.count)
           == OTP_ACTION_COMMANDS)
    {
        /* The step has taken what it needs of the replies. */
        forget_batch(&batch);
        send_batch(action->ctl, view->command, view->commands, &batch, &status);
    }
    forget_batch(&batch);
    action->result = view->result;
    if (view->result.managed == OTP_MANAGE_UNAVAILABLE && status == OTPCTL_DONE) {
        return unbelievable(action, view);
    }
    return status;
}


otpctl_status_t otpctl_action_run(otpctl_action_t *action)
{
    const otp_limits_t   limits = OTP_LIMITS_DEFAULT;
    otpctl_t            *ctl = action->ctl;
    otp_action_context_t context = {
        .ring = ctl->ring, .prefix = ctl->prefix, .limits = &limits, .events_kept = OTP_SPAN(OTP_EVENTS_ALL)
    };
    uint8_t              random[OTP_ACTION_RANDOM];
    otp_action_t        *engine;
    otpctl_status_t      status;

    otpctl_random(random, sizeof(random));
    engine = otp_action_create(&context, &action->order, random);
    otp_secret_wipe(random, sizeof(random));
    if (!engine) {
        otpctl_say("out of memory");
        return OTPCTL_REFUSED;
    }
    status = drive(action, engine);
    if (status == OTPCTL_DONE && action->order.keep_contact && !otp_managed_refused(action->result.managed)
        && action->result.uid[0] == '\0')
    {
        otpctl_say("nobody has key %s: there was no account to keep the name, address or language in", action->serial);
    }
    otp_action_destroy(engine);
    return status;
}


void otpctl_action_end(otpctl_action_t *action)
{
    otp_secret_wipe(&action->result, sizeof(action->result));
}


otpctl_status_t otpctl_action_sweep(otpctl_action_t *action, otp_sweep_t *sweep)
{
    otpctl_status_t    status = OTPCTL_DONE;
    batch_t            batch = { .complete = false };
    otp_sweep_effect_t effect;

    while ((effect = otp_sweep_step(sweep, otpctl_now_ms(), batch.complete ? batch.reply : NULL, batch.count))
           == OTP_SWEEP_COMMANDS)
    {
        forget_batch(&batch);
        send_batch(action->ctl, sweep->command, sweep->commands, &batch, &status);
    }
    forget_batch(&batch);
    action->result.sessions_lowered += sweep->lowered;
    action->result.sessions_ended += sweep->ended;
    if (effect == OTP_SWEEP_FAILED && status == OTPCTL_DONE) {
        otpctl_say("the sessions cannot be gone through: give the same command again");
        return OTPCTL_REFUSED;
    }
    return status;
}


/* Who has the key, or waits for it, makes a refusal plain. */
static void read_stock(const otpctl_action_t *action, otp_stock_t *stock)
{
    bool found = false;

    if (!action->serial[0] || otpctl_stock_read(action->ctl, action->serial, stock, &found) != OTPCTL_DONE || !found) {
        *stock = (otp_stock_t) { .wanted_at = 0 };
    }
}


otpctl_status_t otpctl_action_refuse(const otpctl_action_t *action)
{
    otp_managed_t managed = action->result.managed;
    const char   *serial = action->serial, *uid = action->result.uid[0] ? action->result.uid : action->uid;
    otp_stock_t   stock;

    read_stock(action, &stock);
    if (managed == OTP_MANAGE_NO_STOCK) {
        otpctl_say("key %s is not in the stock: `otpctl key list` shows what is", serial);
    } else if (managed == OTP_MANAGE_HELD || managed == OTP_MANAGE_ASSIGNED) {
        otpctl_say("key %s is assigned to %s: `otpctl key unassign %s` first", serial,
                   stock.uid[0] ? stock.uid : "somebody else", serial);
    } else if (managed == OTP_MANAGE_DISABLED) {
        otpctl_say("key %s is disabled (%s): `otpctl key enable %s` first", serial, stock.key.reason, serial);
    } else if (managed == OTP_MANAGE_RETURNING) {
        otpctl_say("key %s is on its way back to the stock: `otpctl key unassign %s` finishes that", serial, serial);
    } else if (managed == OTP_MANAGE_REQUESTED) {
        otpctl_say("%s waits for the activation of key %s: `otpctl request approve %s` or `otpctl request reject %s` "
                   "first", stock.wanted[0] ? stock.wanted : "somebody", serial, serial, serial);
    } else if (*serial) {
        otpctl_say("key %s%s%s: %s", serial, *uid ? ", " : "", uid, otp_managed_text(managed));
    } else {
        otpctl_say("%s: %s", uid, otp_managed_text(managed));
    }
    return OTPCTL_REFUSED;
}


json_t *otpctl_action_json(const otpctl_action_t *action)
{
    return json_pack("{s:s, s:b}", "verdict", "ok", "changed", action->result.managed == OTP_MANAGE_CHANGED);
}
