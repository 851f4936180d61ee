#include "otpctl/notify/otpctl_outbox.h"

#include <stdio.h>
#include <string.h>

#include "otpctl/otpctl_print.h"

#define GROUP       OTP_SPAN("notify")
#define PAGE        "100"           /* pending entries looked at in one command */
#define FORGOTTEN_MS 604800000      /* after which a consumer without entries is of no use, wherever it ran */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void otpctl_outbox_init(otpctl_outbox_t *outbox, otpctl_t *ctl)
{
    outbox->ctl = ctl;
    otpctl_consumer_self(outbox->self);
    for (unsigned tag = 0; tag < OTP_TAGS; tag++) {
        otp_name_mail_tag(&outbox->stream[tag], ctl->prefix, tag);
        otp_name_mail_failed_tag(&outbox->failed[tag], ctl->prefix, tag);
    }
}


void otpctl_entry_free(otpctl_entry_t *entry)
{
    otp_reply_destroy(entry->reply);
    entry->reply = NULL;
}


otpctl_status_t otpctl_outbox_tell(const otpctl_outbox_t *outbox, const otp_span_t *arg, size_t args)
{
    otp_reply_t    *reply;
    otpctl_status_t status = otpctl_ask(outbox->ctl, arg, args, &reply);

    if (status == OTPCTL_DONE) {
        otp_reply_destroy(reply);
    }
    return status;
}


/* From the first entry on: what came while nobody was there is due as well. */
static otpctl_status_t make_group(otpctl_outbox_t *outbox, unsigned tag)
{
    otp_span_t arg[] = {
        OTP_SPAN("XGROUP"), OTP_SPAN("CREATE"), otp_name_span(&outbox->stream[tag]), GROUP, OTP_SPAN("0"),
        OTP_SPAN("MKSTREAM")
    };
    otp_reply_t *reply = otpctl_redis_ask(outbox->ctl->redis, arg, COUNT(arg), 0);
    bool         there = reply && (reply->kind != OTP_REPLY_ERROR
        || otp_span_starts(reply->text, OTP_SPAN("BUSYGROUP")));

    otp_reply_destroy(reply);
    /* Asked once more what is wrong, in the way that tells people. */
    return there ? OTPCTL_DONE : otpctl_outbox_tell(outbox, arg, COUNT(arg));
}


const otp_reply_t *otpctl_outbox_member(const otp_reply_t *pairs, const char *name)
{
    for (size_t i = 0; i + 1 < pairs->elements; i += 2) {
        if (otp_span_equal(pairs->element[i].text, otp_span_of(name))) {
            return &pairs->element[i + 1];
        }
    }
    return NULL;
}


/* A consumer is removed with what is in its hands: so only one that has nothing, and will take nothing. */
static bool is_useless(const otpctl_outbox_t *outbox, const otp_reply_t *consumer, bool leaving)
{
    const otp_reply_t *name = otpctl_outbox_member(consumer, "name");
    const otp_reply_t *pending = otpctl_outbox_member(consumer, "pending");
    const otp_reply_t *idle = otpctl_outbox_member(consumer, "idle");

    if (!name || !pending || !idle || pending->kind != OTP_REPLY_INTEGER || pending->integer != 0) {
        return false;
    }
    switch (otpctl_consumer_owner(outbox->self, name->text)) {
    case OTPCTL_OWNER_SELF:
        return leaving;
    case OTPCTL_OWNER_DEAD:
        return true;
    case OTPCTL_OWNER_OTHER:
        return idle->integer > FORGOTTEN_MS;
    case OTPCTL_OWNER_WAITING:
        break;
    }
    return false;
}


static otpctl_status_t clean(otpctl_outbox_t *outbox, unsigned tag, bool leaving)
{
    otp_span_t   stream = otp_name_span(&outbox->stream[tag]);
    otp_span_t   arg[] = { OTP_SPAN("XINFO"), OTP_SPAN("CONSUMERS"), stream, GROUP };
    otp_reply_t *reply;

    otpctl_status_t status = otpctl_ask(outbox->ctl, arg, COUNT(arg), &reply);

    for (size_t i = 0; status == OTPCTL_DONE && i < reply->elements; i++) {
        if (is_useless(outbox, &reply->element[i], leaving)) {
            otp_span_t   gone[] = {
                OTP_SPAN("XGROUP"), OTP_SPAN("DELCONSUMER"), stream, GROUP,
                otpctl_outbox_member(&reply->element[i], "name")->text
            };
            otp_reply_t *removed;

            status = otpctl_ask(outbox->ctl, gone, COUNT(gone), &removed);
            if (status == OTPCTL_DONE) {
                otp_reply_destroy(removed);
            }
        }
    }
    if (reply) {
        otp_reply_destroy(reply);
    }
    return status;
}


otpctl_status_t otpctl_outbox_open(otpctl_outbox_t *outbox)
{
    otpctl_status_t status = OTPCTL_DONE;

    for (unsigned tag = 0; tag < OTP_TAGS && status == OTPCTL_DONE; tag++) {
        status = make_group(outbox, tag);
        if (status == OTPCTL_DONE) {
            status = clean(outbox, tag, false);
        }
    }
    return status;
}


void otpctl_outbox_leave(otpctl_outbox_t *outbox)
{
    for (unsigned tag = 0; tag < OTP_TAGS; tag++) {
        if (clean(outbox, tag, true) != OTPCTL_DONE) {
            return;
        }
    }
}


bool otpctl_outbox_copy_id(char id[OTPCTL_ENTRY_ID_MAX], otp_span_t text)
{
    if (text.len == 0 || text.len >= OTPCTL_ENTRY_ID_MAX) {
        return false;
    }
    memcpy(id, text.data, text.len);
    id[text.len] = '\0';
    return true;
}


/* `one` is [id, [field, value, …]] in `reply`, which the entry takes over when it is found. */
static bool make_entry(otpctl_entry_t *entry, unsigned tag, int64_t attempts, const otp_reply_t *one,
    otp_reply_t *reply)
{
    otp_span_t id;

    *entry = (otpctl_entry_t) { .tag = tag, .attempts = attempts };
    if (one->elements != 2 || !otpctl_outbox_copy_id(entry->id, one->element[0].text)) {
        return false;
    }
    id = otp_span_of(entry->id);
    /* A stream's id begins with the time in milliseconds. */
    if (otp_span_number(otp_span_cut(&id, '-'), &entry->queued_ms) != OTP_OK) {
        entry->queued_ms = 0;
    }
    const otp_reply_t *mail = otpctl_outbox_member(&one->element[1], "m");

    entry->mail = mail ? mail->text : OTP_SPAN_NONE;
    entry->reply = reply;
    return true;
}


otpctl_status_t otpctl_outbox_take(otpctl_outbox_t *outbox, unsigned tag, otpctl_entry_t *entry, bool *found)
{
    otp_reply_t *reply;
    otp_span_t   arg[] = {
        OTP_SPAN("XREADGROUP"), OTP_SPAN("GROUP"), GROUP, otp_span_of(outbox->self), OTP_SPAN("COUNT"), OTP_SPAN("1"),
        OTP_SPAN("STREAMS"), otp_name_span(&outbox->stream[tag]), OTP_SPAN(">")
    };
    otpctl_status_t status = otpctl_ask(outbox->ctl, arg, COUNT(arg), &reply);

    *found = false;
    if (status != OTPCTL_DONE) {
        return status;
    }
    /* [[stream, [entry]]], or nil */
    if (reply->elements == 1 && reply->element[0].elements == 2 && reply->element[0].element[1].elements == 1) {
        *found = make_entry(entry, tag, 1, &reply->element[0].element[1].element[0], reply);
    }
    if (!*found) {
        otp_reply_destroy(reply);
    }
    return OTPCTL_DONE;
}


/* Gets the entry if nothing has happened to it for `idle_ms`: of several processes one succeeds. */
static otpctl_status_t claim(otpctl_outbox_t *outbox, unsigned tag, const char *id, int64_t idle_ms, int64_t attempts,
    otpctl_entry_t *entry, bool *found)
{
    char         idle[24];
    otp_reply_t *reply;
    otp_span_t   arg[] = {
        OTP_SPAN("XCLAIM"), otp_name_span(&outbox->stream[tag]), GROUP, otp_span_of(outbox->self),
        { idle, (size_t) snprintf(idle, sizeof(idle), "%lld", (long long) idle_ms) }, otp_span_of(id)
    };
    otpctl_status_t status = otpctl_ask(outbox->ctl, arg, COUNT(arg), &reply);

    *found = false;
    if (status != OTPCTL_DONE) {
        return status;
    }
    if (reply->elements == 1) {
        *found = make_entry(entry, tag, attempts, &reply->element[0], reply);
        /* Settled but for its acknowledgement, as Redis before 7 shows it. */
        if (!*found && otpctl_outbox_copy_id(entry->id, otp_span_of(id))) {
            status = otpctl_outbox_remove(outbox, entry);
        }
    }
    if (!*found) {
        otp_reply_destroy(reply);
    }
    return status;
}


/* One row of XPENDING: [id, consumer, idle, attempts]. */
static bool is_due(const otpctl_outbox_t *outbox, const otpctl_retry_t *retry, const otp_reply_t *row, int64_t *idle_ms)
{
    if (row->elements != 4) {
        return false;
    }
    *idle_ms = otpctl_retry_idle_ms(retry, otpctl_consumer_owner(outbox->self, row->element[1].text),
                                    row->element[3].integer);
    return row->element[2].integer >= *idle_ms;
}


otpctl_status_t otpctl_outbox_retake(otpctl_outbox_t *outbox, unsigned tag, const otpctl_retry_t *retry,
    char cursor[OTPCTL_ENTRY_ID_MAX], otpctl_entry_t *entry, bool *found)
{
    otpctl_status_t status = OTPCTL_DONE;
    bool            more = true;

    *found = false;
    while (status == OTPCTL_DONE && more && !*found) {
        char         start[OTPCTL_ENTRY_ID_MAX + 1];
        otp_reply_t *reply;
        otp_span_t   arg[] = {
            OTP_SPAN("XPENDING"), otp_name_span(&outbox->stream[tag]), GROUP, otp_span_of(start), OTP_SPAN("+"),
            OTP_SPAN(PAGE)
        };

        (void) snprintf(start, sizeof(start), "%s%s", *cursor ? "(" : "-", cursor);
        arg[3] = otp_span_of(start);
        status = otpctl_ask(outbox->ctl, arg, COUNT(arg), &reply);
        if (status != OTPCTL_DONE) {
            break;
        }
        more = reply->elements > 0;
        for (size_t i = 0; status == OTPCTL_DONE && i < reply->elements && !*found; i++) {
            const otp_reply_t *row = &reply->element[i];
            int64_t            idle_ms;

            more = row->elements > 0 && otpctl_outbox_copy_id(cursor, row->element[0].text);
            if (more && is_due(outbox, retry, row, &idle_ms)) {
                status = claim(outbox, tag, cursor, idle_ms, row->element[3].integer + 1, entry, found);
            }
        }
        otp_reply_destroy(reply);
    }
    return status;
}


/* JUSTID keeps the count of attempts as it is. */
otpctl_status_t otpctl_outbox_release(otpctl_outbox_t *outbox, const otpctl_entry_t *entry)
{
    otp_span_t arg[] = {
        OTP_SPAN("XCLAIM"), otp_name_span(&outbox->stream[entry->tag]), GROUP, OTP_SPAN(OTPCTL_CONSUMER_WAITING),
        OTP_SPAN("0"), otp_span_of(entry->id), OTP_SPAN("IDLE"), OTP_SPAN("0"), OTP_SPAN("JUSTID")
    };

    return otpctl_outbox_tell(outbox, arg, COUNT(arg));
}


otpctl_status_t otpctl_outbox_keep(otpctl_outbox_t *outbox, const otpctl_entry_t *entry, otp_span_t why)
{
    otp_span_t arg[] = {
        OTP_SPAN("XADD"), otp_name_span(&outbox->failed[entry->tag]), OTP_SPAN("MAXLEN"), OTP_SPAN("~"),
        OTP_SPAN(OTPCTL_MAIL_FAILED_KEPT), OTP_SPAN("*"), OTP_SPAN("m"), entry->mail, OTP_SPAN("id"),
        otp_span_of(entry->id), OTP_SPAN("why"), why
    };

    return otpctl_outbox_tell(outbox, arg, COUNT(arg));
}


/* In this order: an entry that is gone and still pending is cleared away by whoever meets it next; one that is
 * acknowledged and still there would be read by nobody and stay for ever. */
otpctl_status_t otpctl_outbox_remove(otpctl_outbox_t *outbox, const otpctl_entry_t *entry)
{
    otp_span_t      stream = otp_name_span(&outbox->stream[entry->tag]), id = otp_span_of(entry->id);
    otp_span_t      gone[] = { OTP_SPAN("XDEL"), stream, id }, settled[] = { OTP_SPAN("XACK"), stream, GROUP, id };
    otpctl_status_t status = otpctl_outbox_tell(outbox, gone, COUNT(gone));

    return status == OTPCTL_DONE ? otpctl_outbox_tell(outbox, settled, COUNT(settled)) : status;
}
