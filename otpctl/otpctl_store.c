#include "otpctl/otpctl_store.h"

#include <string.h>

#include "otpctl/otpctl_print.h"

/* A record being changed: what was read, and where. */
typedef struct {
    otp_name_t name, stream;
    char       stored[OTPCTL_RECORD_MAX];
    size_t     len;
} record_t;

static otpctl_status_t unreachable(otpctl_t *ctl)
{
    otpctl_say("%s", otpctl_redis_error(ctl->redis));
    return OTPCTL_UNREACHABLE;
}


otpctl_status_t otpctl_refused(const otpctl_t *ctl, otp_span_t error)
{
    const char *remedy = otpctl_redis_remedy(error);

    otpctl_say("Redis at %s: %.*s%s%s", otpctl_redis_place(ctl->redis), (int) (error.len < 300 ? error.len : 300),
               error.data, *remedy ? ": " : "", remedy);
    return otpctl_redis_away(error) ? OTPCTL_UNREACHABLE : OTPCTL_REFUSED;
}


otpctl_status_t otpctl_ask(otpctl_t *ctl, const otp_span_t *arg, size_t args, otp_reply_t **reply)
{
    *reply = otpctl_redis_ask(ctl->redis, arg, args, 0);
    if (!*reply) {
        return unreachable(ctl);
    }
    if ((*reply)->kind != OTP_REPLY_ERROR) {
        return OTPCTL_DONE;
    }
    otpctl_status_t status = otpctl_refused(ctl, (*reply)->text);

    otp_reply_destroy(*reply);
    *reply = NULL;
    return status;
}


otpctl_status_t otpctl_unreadable(const otpctl_t *ctl, otp_span_t name)
{
    otpctl_say("the record %.*s cannot be read: it was forged, damaged or moved, or made with a key that %s lacks",
               (int) name.len, name.data, ctl->keyring_file);
    return OTPCTL_REFUSED;
}


otpctl_status_t otpctl_serial(const char *text, char serial[OTP_SERIAL_MAX + 1])
{
    if (otp_serial_canonical(otp_span_of(text), serial) == OTP_OK) {
        return OTPCTL_DONE;
    }
    otpctl_say("%s is no serial: 1 to 64 letters, digits, - _ .", text);
    return OTPCTL_USAGE;
}


otpctl_status_t otpctl_uid(const char *text, char uid[OTP_UID_LEN + 1])
{
    size_t len;

    if (otp_uid_canonical(otp_span_of(text), uid, &len) == OTP_OK) {
        uid[len] = '\0';
        return OTPCTL_DONE;
    }
    otpctl_say("%s is nobody's identifier: 1 to 64 letters, digits, . _ - @ +", text);
    return OTPCTL_USAGE;
}


static void find(const otpctl_t *ctl, otp_name_kind_t kind, const char *id, record_t *record)
{
    otp_name_of(&record->name, kind, ctl->prefix, otp_span_of(id));
    otp_name_events(&record->stream, ctl->prefix, otp_span_of(id));
    record->len = 0;
}


static otpctl_status_t keep(const otpctl_t *ctl, otp_span_t name, otp_span_t value, char *stored, size_t *len)
{
    if (value.len > OTPCTL_RECORD_MAX) {
        return otpctl_unreadable(ctl, name);
    }
    if (value.len) {
        memcpy(stored, value.data, value.len);
    }
    *len = value.len;
    return OTPCTL_DONE;
}


static otpctl_status_t fetch(otpctl_t *ctl, record_t *record)
{
    otp_span_t      name = otp_name_span(&record->name), arg[2] = { OTP_SPAN("GET"), name };
    otp_reply_t    *reply;
    otpctl_status_t status = otpctl_ask(ctl, arg, 2, &reply);

    if (status == OTPCTL_DONE) {
        status = keep(ctl, name, reply->text, record->stored, &record->len);
        otp_reply_destroy(reply);
    }
    return status;
}


static otpctl_status_t judge(const otpctl_t *ctl, const record_t *record, otp_status_t read)
{
    return read == OTP_OK ? OTPCTL_DONE : otpctl_unreadable(ctl, otp_name_span(&record->name));
}


static otpctl_status_t read_account(otpctl_t *ctl, const record_t *record, const char *uid, otp_account_t *account)
{
    otp_span_t stored = { record->stored, record->len };

    if (record->len == 0) {
        otp_account_init(account, otp_span_of(uid));
        return OTPCTL_DONE;
    }
    return judge(ctl, record, otp_account_read(ctl->ring, otp_name_span(&record->name), stored, account));
}


static otpctl_status_t read_stock(otpctl_t *ctl, const record_t *record, otp_stock_t *stock)
{
    otp_span_t stored = { record->stored, record->len };

    return judge(ctl, record, otp_stock_read(ctl->ring, otp_name_span(&record->name), stored, stock));
}


otpctl_status_t otpctl_account_read(otpctl_t *ctl, const char *uid, otp_account_t *account, bool *found)
{
    record_t record;

    find(ctl, OTP_NAME_ACCOUNT, uid, &record);
    otpctl_status_t status = fetch(ctl, &record);

    *found = record.len != 0;
    return status == OTPCTL_DONE ? read_account(ctl, &record, uid, account) : status;
}


otpctl_status_t otpctl_stock_read(otpctl_t *ctl, const char *serial, otp_stock_t *stock, bool *found)
{
    record_t record;

    find(ctl, OTP_NAME_STOCK, serial, &record);
    otpctl_status_t status = fetch(ctl, &record);

    *found = record.len != 0;
    return status == OTPCTL_DONE && *found ? read_stock(ctl, &record, stock) : status;
}


bool otpctl_event_line(const otpctl_t *ctl, const otp_event_t *event, char *line, size_t *len)
{
    otp_event_t complete = *event;

    complete.time_ms = otpctl_now_ms();
    complete.actor = otp_span_of(ctl->actor);
    return otp_event_write(&complete, line, OTP_EVENT_MAX, len) == OTP_OK;
}


/* The script by its digest; after NOSCRIPT (a restart, a failover) by its text. */
static otp_reply_t *ask_swap(otpctl_t *ctl, const otp_swap_t *swap)
{
    otp_command_t command;
    otp_reply_t  *reply;

    otp_swap_command(swap, &command);
    reply = otpctl_redis_ask(ctl->redis, command.arg, command.args, 0);
    if (reply && reply->kind == OTP_REPLY_ERROR && otp_span_starts(reply->text, OTP_SPAN("NOSCRIPT"))) {
        otp_reply_destroy(reply);
        command.arg[0] = OTP_SPAN("EVAL");
        command.arg[1] = otp_swap_script();
        reply = otpctl_redis_ask(ctl->redis, command.arg, command.args, 0);
    }
    return reply;
}


otpctl_status_t otpctl_swap(otpctl_t *ctl, otp_swap_t *swap, const otp_event_t *event, bool *swapped,
    char *stored, size_t *stored_len)
{
    char            line[OTP_EVENT_MAX];
    otp_span_t      now;
    otpctl_status_t status = OTPCTL_DONE;

    swap->events_kept = OTP_SPAN(OTP_EVENTS_ALL);
    if (event) {
        swap->event = (otp_span_t) { line, 0 };
        if (!otpctl_event_line(ctl, event, line, &swap->event.len)) {
            otpctl_say("the audit event cannot be written, so nothing was changed");
            return OTPCTL_REFUSED;
        }
    }
    otp_reply_t *reply = ask_swap(ctl, swap);

    if (!reply) {
        otpctl_say("%s; whether the change was made is unknown: give the same command again",
                   otpctl_redis_error(ctl->redis));
        return OTPCTL_UNREACHABLE;
    }
    *swapped = false;
    switch (otp_swap_result(reply, &now)) {
    case OTP_SWAPPED:
        *swapped = true;
        break;
    case OTP_SWAP_LOST:
        status = keep(ctl, swap->key, now, stored, stored_len);
        break;
    case OTP_SWAP_FAILED:
        status = otpctl_refused(ctl, reply->kind == OTP_REPLY_ERROR ? reply->text : OTP_SPAN("unexpected reply"));
        break;
    }
    otp_reply_destroy(reply);
    return status;
}


static otpctl_status_t swap_record(otpctl_t *ctl, record_t *record, otp_span_t next, const otp_event_t *event,
    bool *swapped)
{
    otp_swap_t swap = {
        .key = otp_name_span(&record->name), .stream = otp_name_span(&record->stream),
        .expected = { record->stored, record->len }, .next = next
    };

    return otpctl_swap(ctl, &swap, event, swapped, record->stored, &record->len);
}


static otpctl_status_t no_room(otp_span_t name)
{
    otpctl_say("the record %.*s would become too large", (int) name.len, name.data);
    return OTPCTL_REFUSED;
}


otpctl_status_t otpctl_stock_create(otpctl_t *ctl, const otp_stock_t *stock, const otp_event_t *event, bool *created)
{
    record_t   record;
    char       text[OTPCTL_RECORD_MAX];
    otp_span_t next = { text, 0 };

    find(ctl, OTP_NAME_STOCK, stock->key.serial, &record);
    if (otp_stock_write(ctl->ring, otp_name_span(&record.name), stock, text, sizeof(text), &next.len) != OTP_OK) {
        return no_room(otp_name_span(&record.name));
    }
    return swap_record(ctl, &record, next, event, created);
}


otpctl_status_t otpctl_event_add(otpctl_t *ctl, otp_span_t id, const otp_event_t *event)
{
    char         line[OTP_EVENT_MAX];
    size_t       len;
    otp_name_t   stream;
    otp_reply_t *reply;

    if (!otpctl_event_line(ctl, event, line, &len)) {
        otpctl_say("the audit event cannot be written, so nothing was changed");
        return OTPCTL_REFUSED;
    }
    otp_name_events(&stream, ctl->prefix, id);
    otp_span_t arg[] = {
        OTP_SPAN("XADD"), otp_name_span(&stream), OTP_SPAN("*"), OTP_SPAN("e"), { line, len }
    };
    otpctl_status_t status = otpctl_ask(ctl, arg, sizeof(arg) / sizeof(arg[0]), &reply);

    if (status == OTPCTL_DONE) {
        otp_reply_destroy(reply);
    }
    return status;
}
