/*
 * `otpctl notify`: what its parts share.
 */
#ifndef OTPCTL_NOTIFY_H
#define OTPCTL_NOTIFY_H

#include "otpctl/notify/otpctl_mailbox.h"
#include "otpctl/notify/otpctl_mixup.h"
#include "otpctl/notify/otpctl_outbox.h"
#include "otpctl/notify/otpctl_people.h"
#include "otpctl/notify/otpctl_smtp.h"
#include "otpctl/notify/otpctl_texts.h"

#define OTPCTL_WHY_MAX  192     /* an event must have room for it */

typedef struct {
    otpctl_smtp_settings_t smtp;
    char                   smtp_password[256];
    otpctl_mailbox_t       from, reply_to, support;     /* an empty address: there is none */
    const char            *people, *templates, *language, *portal, *support_phone, *support_hours;
    int64_t                give_up_ms;
    bool                   once;
} otpctl_notify_settings_t;

typedef struct {
    otpctl_t                *ctl;
    otpctl_notify_settings_t settings;
    otpctl_outbox_t          outbox;
    otpctl_texts_t          *texts;
    otpctl_smtp_t           *smtp;
    otpctl_people_t          people;
    otpctl_retry_t           retry;
    int64_t                  began_ms;          /* monotonic */
    int64_t                  failures;          /* consecutive attempts that failed because of the mail server */
    bool                     down;              /* the last one did */
    int64_t                  sent, failed, given_up;
} otpctl_notify_t;

/* What becomes of an entry. */
typedef enum {
    OTPCTL_FATE_SENT,
    OTPCTL_FATE_GIVEN_UP,
    OTPCTL_FATE_DROPPED,    /* there was nothing to tell anybody */
    OTPCTL_FATE_LATER
} otpctl_fate_t;

typedef struct {
    otpctl_fate_t  fate;
    bool           down;                        /* the mail server failed: nothing else can be sent either */
    char           why[OTPCTL_WHY_MAX];         /* of GIVEN_UP and LATER */
    bool           readable;
    otp_mail_t     mail;                        /* when it is; its spans point into `text` */
    char           text[OTP_MAIL_MAX];
    otpctl_mixup_t mixup;                       /* of kind OTP_MAIL_KEY_MIXUP */
} otpctl_delivery_t;

/* otpctl_notify_settings.c.  OTPCTL_USAGE or OTPCTL_REFUSED: what is wrong has been told. */
OTP_MUST_USE otpctl_status_t otpctl_notify_settings(const otpctl_options_t *options,
    otpctl_notify_settings_t *settings);

/* otpctl_delivery.c: tries to send the entry.  Not OTPCTL_DONE: Redis failed, nothing was sent. */
OTP_MUST_USE otpctl_status_t otpctl_deliver(otpctl_notify_t *notify, const otpctl_entry_t *entry,
    otpctl_delivery_t *delivery);

/* otpctl_settle.c: writes down what became of the entry and takes it out of the outbox.  Not OTPCTL_DONE: Redis
 * failed; called again with the same *done (0 at first) it goes on from there. */
OTP_MUST_USE otpctl_status_t otpctl_settle(otpctl_notify_t *notify, const otpctl_entry_t *entry,
    const otpctl_delivery_t *delivery, size_t *done);

/* otpctl_letter_view.c: what the templates are given; NULL without memory. */
OTP_MUST_USE json_t *otpctl_letter_view(const otpctl_notify_settings_t *settings, const otpctl_delivery_t *delivery,
    otp_span_t name, otp_span_t language);

#endif
