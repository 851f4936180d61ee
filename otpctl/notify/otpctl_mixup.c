#include "otpctl/notify/otpctl_mixup.h"

#include <stdio.h>
#include <string.h>

#include "core/model/otp_mixup.h"
#include "otpctl/otpctl_identify.h"

#define WIDE_KEYS   2500    /* so many keys, or more, show a given code by chance too often: 21 steps of 10^6 each */

bool otpctl_mixup_found(const otpctl_mixup_t *mixup)
{
    return mixup->fit == 1 && !mixup->own;
}


/* Far from where a key should be counts only when no key is near, and where chance would seldom do it. */
static void judge(const otpctl_identified_list_t *list, otp_span_t uid, otpctl_mixup_t *mixup)
{
    size_t near = 0;

    for (size_t i = 0; i < list->keys; i++) {
        near += list->key[i].near;
    }
    for (size_t i = 0; i < list->keys; i++) {
        const otpctl_identified_t *key = &list->key[i];

        if (otp_span_equal(otp_span_of(key->uid), uid)) {
            mixup->own = true;
        } else if (key->near || (near == 0 && list->looked_at < WIDE_KEYS)) {
            mixup->fit++;
            memcpy(mixup->serial, key->serial, sizeof(mixup->serial));
            memcpy(mixup->holder, key->uid, sizeof(mixup->holder));
        }
    }
}


/* Which keys the person has, for the helpdesk to compare. */
static otpctl_status_t list_own(otpctl_t *ctl, otp_span_t uid, otpctl_mixup_t *mixup)
{
    otp_account_t   account;
    char            name[OTP_UID_LEN + 1] = "";
    size_t          len = 0;
    bool            found;
    otpctl_status_t status;

    memcpy(name, uid.data, uid.len < OTP_UID_LEN ? uid.len : OTP_UID_LEN);
    status = otpctl_account_read(ctl, name, &account, &found);
    for (size_t i = 0; status == OTPCTL_DONE && found && i < account.keys; i++) {
        len += (size_t) snprintf(mixup->own_keys + len, sizeof(mixup->own_keys) - len, "%s%s", len ? ", " : "",
                                 account.key[i].serial);
    }
    return status;
}


otpctl_status_t otpctl_mixup_search(otpctl_t *ctl, const otp_mail_t *mail, bool *readable, otpctl_mixup_t *mixup)
{
    static otpctl_identified_list_t list;
    char                            code[OTP_DIGITS_MAX + 1];
    otpctl_status_t                 status;

    *mixup = (otpctl_mixup_t) { .fit = 0 };
    *readable = otp_mixup_open(ctl->ring, mail->uid, mail->reason, code) == OTP_OK;
    if (!*readable) {
        return OTPCTL_DONE;
    }
    status = otpctl_identify(ctl, otp_span_of(code), mail->time_ms / 1000, &list);
    otp_secret_wipe(code, sizeof(code));
    judge(&list, mail->uid, mixup);
    if (status == OTPCTL_DONE || status == OTPCTL_REFUSED) {
        status = list_own(ctl, mail->uid, mixup);
    }
    /* A record that cannot be read has been told of; the others were looked at. */
    return status == OTPCTL_REFUSED ? OTPCTL_DONE : status;
}
