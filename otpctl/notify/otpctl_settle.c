#include <stdio.h>
#include <string.h>

#include "core/model/otp_mail.h"
#include "otpctl/notify/otpctl_notify.h"
#include "otpctl/otpctl_print.h"

/* One thing to be settled. */
typedef otpctl_status_t step_t(otpctl_notify_t *notify, const otpctl_entry_t *entry, const otpctl_delivery_t *delivery);

static const char *kind_of(const otpctl_delivery_t *delivery)
{
    return delivery->readable ? otp_mail_name(delivery->mail.kind) : "unreadable";
}


static otpctl_status_t keep(otpctl_notify_t *notify, const otpctl_entry_t *entry, const otpctl_delivery_t *delivery)
{
    return delivery->fate == OTPCTL_FATE_GIVEN_UP
        ? otpctl_outbox_keep(&notify->outbox, entry, otp_span_of(delivery->why)) : OTPCTL_DONE;
}


static otpctl_status_t add_event(otpctl_notify_t *notify, const otpctl_entry_t *entry,
    const otpctl_delivery_t *delivery, const otp_event_t *event)
{
    /* The audit's stream of the same tag: whoever the mail was about, or nobody known. */
    otp_span_t id = delivery->readable && delivery->mail.uid.len ? delivery->mail.uid : otp_span_of(entry->id);

    return otpctl_event_add(notify->ctl, id, event);
}


static otpctl_status_t tell_mixup(otpctl_notify_t *notify, const otpctl_entry_t *entry,
    const otpctl_delivery_t *delivery)
{
    char        several[32];
    otp_event_t event = { .event = OTP_SPAN("key_mixup"), .verdict = OTP_SPAN("none"), .user = delivery->mail.uid };

    if (!delivery->readable || delivery->mail.kind != OTP_MAIL_KEY_MIXUP) {
        return OTPCTL_DONE;
    }
    if (otpctl_mixup_found(&delivery->mixup)) {
        event.verdict = OTP_SPAN("found");
        event.serial = otp_span_of(delivery->mixup.serial);
    } else if (delivery->mixup.fit > 1) {
        (void) snprintf(several, sizeof(several), "%zu keys fit", delivery->mixup.fit);
        event.reason = otp_span_of(several);
    }
    return add_event(notify, entry, delivery, &event);
}


/* What the person and the helpdesk see on the account's page. */
static otpctl_status_t tell_history(otpctl_notify_t *notify, const otpctl_entry_t *entry,
    const otpctl_delivery_t *delivery)
{
    char        line[OTP_EVENT_MAX];
    size_t      len;
    otp_name_t  name;
    otp_event_t event = {
        .time_ms = otpctl_now_ms(), .event = OTP_SPAN("key_mixup"), .verdict = OTP_SPAN("found"),
        .user = delivery->mail.uid, .serial = otp_span_of(delivery->mixup.serial),
        .actor = otp_span_of(notify->ctl->actor)
    };

    (void) entry;
    if (!otpctl_mixup_found(&delivery->mixup) || otp_event_write(&event, line, sizeof(line), &len) != OTP_OK) {
        return OTPCTL_DONE;
    }
    otp_name_of(&name, OTP_NAME_HISTORY, notify->ctl->prefix, delivery->mail.uid);
    otp_span_t add[] = {
        OTP_SPAN("XADD"), otp_name_span(&name), OTP_SPAN("MAXLEN"), OTP_SPAN("~"), OTP_SPAN(OTP_HISTORY_KEPT),
        OTP_SPAN("*"), OTP_SPAN("e"), { line, len }
    };
    otp_span_t stay[] = { OTP_SPAN("EXPIRE"), otp_name_span(&name), OTP_SPAN(OTP_HISTORY_KEPT_S) };

    otpctl_status_t status = otpctl_outbox_tell(&notify->outbox, add, sizeof(add) / sizeof(add[0]));

    return status == OTPCTL_DONE ? otpctl_outbox_tell(&notify->outbox, stay, sizeof(stay) / sizeof(stay[0])) : status;
}


static otp_span_t cut(otp_span_t text, size_t max)
{
    return (otp_span_t) { text.data, text.len < max ? text.len : max };
}


static otpctl_status_t tell_fate(otpctl_notify_t *notify, const otpctl_entry_t *entry,
    const otpctl_delivery_t *delivery)
{
    char        reason[OTPCTL_WHY_MAX + 64];
    otp_event_t event = {
        .event = OTP_SPAN("mail"), .verdict = OTP_SPAN("sent"), .user = cut(delivery->mail.uid, OTP_UID_LEN),
        .serial = cut(delivery->mail.serial, OTP_SERIAL_MAX), .reason = otp_span_of(kind_of(delivery))
    };

    if (delivery->fate == OTPCTL_FATE_DROPPED) {
        return OTPCTL_DONE;
    }
    if (delivery->fate == OTPCTL_FATE_GIVEN_UP) {
        (void) snprintf(reason, sizeof(reason), "%s: %s", kind_of(delivery), delivery->why);
        event.verdict = OTP_SPAN("given_up");
        event.reason = otp_span_of(reason);
    }
    return add_event(notify, entry, delivery, &event);
}


static otpctl_status_t take_out(otpctl_notify_t *notify, const otpctl_entry_t *entry, const otpctl_delivery_t *delivery)
{
    (void) delivery;
    return otpctl_outbox_remove(&notify->outbox, entry);
}


/* The entry goes last: what is cut off before is done once more, by us or by somebody else. */
otpctl_status_t otpctl_settle(otpctl_notify_t *notify, const otpctl_entry_t *entry, const otpctl_delivery_t *delivery,
    size_t *done)
{
    static step_t *const steps[] = { keep, tell_mixup, tell_history, tell_fate, take_out };
    otpctl_status_t      status = OTPCTL_DONE;

    for (; *done < sizeof(steps) / sizeof(steps[0]) && status == OTPCTL_DONE; *done += status == OTPCTL_DONE) {
        status = steps[*done](notify, entry, delivery);
    }
    return status;
}
