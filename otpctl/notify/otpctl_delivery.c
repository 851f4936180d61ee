#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "otpctl/notify/otpctl_message.h"
#include "otpctl/notify/otpctl_notify.h"
#include "otpctl/otpctl_keyring.h"
#include "otpctl/otpctl_print.h"

#define FINGERPRINT 8       /* bytes */
#define ENTRY_MAX   (OTP_MAIL_MAX + 256)    /* with its envelope */

OTP_PRINTF(3, 4)
static void end(otpctl_delivery_t *delivery, otpctl_fate_t fate, const char *format, ...)
{
    va_list arguments;

    delivery->fate = fate;
    va_start(arguments, format);
    (void) vsnprintf(delivery->why, sizeof(delivery->why), format, arguments);
    va_end(arguments);
    /* It goes into an event, which is JSON. */
    for (char *c = delivery->why; *c; c++) {
        *c = *c >= ' ' && *c < 0x7f ? *c : '?';
    }
}


static bool read_with(otpctl_notify_t *notify, otp_keyring_t *ring, const otpctl_entry_t *entry,
    otpctl_delivery_t *delivery)
{
    otp_span_t stream = otp_name_span(&notify->outbox.stream[entry->tag]);

    return otp_mail_read(ring, stream, entry->mail, delivery->text, sizeof(delivery->text), &delivery->mail) == OTP_OK;
}


/* A gateway may write with a key that was added to the ring since we began: so the file is read once more before an
 * entry is called unreadable. */
static bool read_mail(otpctl_notify_t *notify, const otpctl_entry_t *entry, otpctl_delivery_t *delivery)
{
    char           error[512];
    otp_keyring_t *ring;

    if (!entry->mail.data || entry->mail.len > ENTRY_MAX) {
        return false;
    }
    if (read_with(notify, notify->ctl->ring, entry, delivery)) {
        return true;
    }
    ring = otpctl_keyring_load(notify->ctl->keyring_file, error, sizeof(error));
    if (!ring) {
        return false;
    }
    if (!read_with(notify, ring, entry, delivery)) {
        otp_keyring_destroy(ring);
        return false;
    }
    otp_keyring_destroy(notify->ctl->ring);
    notify->ctl->ring = ring;
    return true;
}


/* The helpdesk is told of a key that was mixed up, the person of everything else. */
static bool find_recipient(otpctl_notify_t *notify, otpctl_delivery_t *delivery, otpctl_mailbox_t *to)
{
    const otp_mail_t *mail = &delivery->mail;
    otp_span_t        name = mail->name, email = mail->email;
    otp_person_t      person;
    char              error[OTPCTL_WHY_MAX];

    if (mail->kind == OTP_MAIL_KEY_MIXUP) {
        *to = notify->settings.support;
        if (!*to->address) {
            end(delivery, OTPCTL_FATE_GIVEN_UP, "there is no --support-email to tell");
        }
        return *to->address;
    }
    if (email.len == 0) {
        if (!otpctl_people_refresh(&notify->people, error, sizeof(error))) {
            end(delivery, OTPCTL_FATE_LATER, "%s", error);
            return false;
        }
        if (otpctl_people_find(&notify->people, mail->uid, &person)) {
            email = person.email;
            name = name.len ? name : person.name;
        }
    }
    if (email.len == 0) {
        end(delivery, OTPCTL_FATE_GIVEN_UP, "no e-mail address is known");
        return false;
    }
    if (!otpctl_mailbox_make(to, otpctl_mailbox_name(name), email)) {
        end(delivery, OTPCTL_FATE_GIVEN_UP, "the e-mail address is not one mail can be sent to");
        return false;
    }
    return true;
}


/* Of the entry's bytes: they hold a MAC, so that they are those of no other entry. */
static void fingerprint_of(otp_keyring_t *ring, otp_span_t mail, char text[2 * FINGERPRINT + 1])
{
    uint8_t      digest[OTP_DIGEST_LEN] = { 0 };
    otp_buffer_t out;

    if (otp_keyring_sha256(ring, mail, digest) != OTP_OK) {
        memset(digest, 0, sizeof(digest));
    }
    otp_buffer_init(&out, text, 2 * FINGERPRINT + 1);
    otp_buffer_add_hex(&out, digest, FINGERPRINT);
    text[2 * FINGERPRINT] = '\0';
}


static char *compose(otpctl_notify_t *notify, const otpctl_entry_t *entry, const otpctl_delivery_t *delivery,
    const otpctl_mailbox_t *to, size_t *len)
{
    const otpctl_notify_settings_t *settings = &notify->settings;
    otp_span_t                      own = delivery->mail.language, language = otp_span_of(settings->language);
    char                            id[OTPCTL_MESSAGE_ID_MAX], fingerprint[2 * FINGERPRINT + 1];
    otpctl_letter_t                 letter = { .subject = NULL };
    char                           *bytes = NULL;

    if (own.len && delivery->mail.kind != OTP_MAIL_KEY_MIXUP && otpctl_texts_have(notify->texts, own)) {
        language = own;
    }
    /* Of a key that was mixed up the helpdesk is told, but whose name it was is the person's. */
    otp_span_t name = delivery->mail.kind == OTP_MAIL_KEY_MIXUP ? delivery->mail.name : otp_span_of(to->name);
    json_t    *view = otpctl_letter_view(settings, delivery, name, language);

    if (view && otpctl_texts_render(notify->texts, language, delivery->mail.kind, view, &letter) == OTP_OK) {
        fingerprint_of(notify->ctl->ring, entry->mail, fingerprint);
        otpctl_message_id(id, otp_span_of(entry->id), otp_span_of(fingerprint), otpctl_mailbox_domain(&settings->from));
        bytes = otpctl_message_write(&(otpctl_message_t) {
            .from = &settings->from, .to = to, .reply_to = *settings->reply_to.address ? &settings->reply_to : NULL,
            .subject = { letter.subject, letter.subject_len }, .text = { letter.text, letter.text_len },
            .html = { letter.html, letter.html_len }, .language = language, .id = id, .date_s = otpctl_now_s()
        }, len);
    }
    otpctl_letter_free(&letter);
    json_decref(view);
    return bytes;
}


static void judge(otpctl_delivery_t *delivery, otpctl_smtp_verdict_t verdict, const char *reason)
{
    switch (verdict) {
    case OTPCTL_SMTP_SENT:
        delivery->fate = OTPCTL_FATE_SENT;
        break;
    case OTPCTL_SMTP_REFUSED:
        end(delivery, OTPCTL_FATE_GIVEN_UP, "the mail server refuses it: %s", reason);
        break;
    case OTPCTL_SMTP_LATER:
        end(delivery, OTPCTL_FATE_LATER, "the mail server puts it off: %s", reason);
        break;
    case OTPCTL_SMTP_DOWN:
        end(delivery, OTPCTL_FATE_LATER, "mail server: %s", reason);
        delivery->down = true;
        break;
    }
}


static void send(otpctl_notify_t *notify, const otpctl_entry_t *entry, otpctl_delivery_t *delivery)
{
    char             reason[OTPCTL_WHY_MAX] = "";
    otpctl_mailbox_t to;
    size_t           len;
    char            *message;

    if (!find_recipient(notify, delivery, &to)) {
        return;
    }
    message = compose(notify, entry, delivery, &to, &len);
    if (!message) {
        end(delivery, OTPCTL_FATE_LATER, "the text cannot be made: look at the templates");
        return;
    }
    judge(delivery, otpctl_smtp_send(notify->smtp, notify->settings.from.address, to.address,
                                     (otp_span_t) { message, len }, reason, sizeof(reason)), reason);
    free(message);
}


/* False: there is nothing to be mailed. */
static otpctl_status_t search(otpctl_notify_t *notify, otpctl_delivery_t *delivery, bool *worth)
{
    bool            readable;
    otpctl_status_t status = otpctl_mixup_search(notify->ctl, &delivery->mail, &readable, &delivery->mixup);

    *worth = readable && otpctl_mixup_found(&delivery->mixup);
    if (!readable) {
        end(delivery, OTPCTL_FATE_GIVEN_UP, "the code in it cannot be opened");
    } else if (!*worth) {
        delivery->fate = OTPCTL_FATE_DROPPED;
    }
    return status;
}


otpctl_status_t otpctl_deliver(otpctl_notify_t *notify, const otpctl_entry_t *entry, otpctl_delivery_t *delivery)
{
    otpctl_status_t status = OTPCTL_DONE;
    bool            worth = true;

    memset(delivery, 0, sizeof(*delivery));
    delivery->readable = read_mail(notify, entry, delivery);
    if (!delivery->readable) {
        end(delivery, OTPCTL_FATE_GIVEN_UP, "it cannot be read: forged, damaged, moved, or of another key ring");
        return OTPCTL_DONE;
    }
    if (delivery->mail.kind == OTP_MAIL_KEY_MIXUP) {
        status = search(notify, delivery, &worth);
    }
    if (status == OTPCTL_DONE && worth) {
        send(notify, entry, delivery);
    }
    /* Whoever is never written to successfully is not tried for ever. */
    if (delivery->fate == OTPCTL_FATE_LATER && otpctl_retry_over(&notify->retry, entry->queued_ms, otpctl_now_ms())) {
        delivery->fate = OTPCTL_FATE_GIVEN_UP;
    }
    return status;
}
