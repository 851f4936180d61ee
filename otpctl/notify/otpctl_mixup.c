#include "otpctl/notify/otpctl_mixup.h"

#include <stdio.h>
#include <string.h>

#include "core/decide/otp_resync.h"
#include "core/model/otp_mixup.h"
#include "otpctl/otpctl_scan.h"

typedef struct {
    const char     *code;
    otp_span_t      uid;
    int64_t         at;         /* unix seconds when it was shown */
    otp_limits_t    limits;
    otpctl_mixup_t *mixup;
    otpctl_mixup_t  wide;       /* keys that showed it only if their clock has drifted far */
} search_t;

bool otpctl_mixup_found(const otpctl_mixup_t *mixup)
{
    return mixup->fit == 1 && !mixup->own;
}


/* A key whose seed does not open fits nothing here; `doctor` and `key list` tell of such ones. */
static void try_key(search_t *search, otpctl_t *ctl, const otp_key_t *key, const char *holder)
{
    int64_t         step;
    bool            own = otp_span_equal(otp_span_of(holder), search->uid);
    otpctl_mixup_t *found;

    if (otp_key_shows(ctl->ring, key, otp_span_of(search->code), search->at, &search->limits, &step) != OTP_OK) {
        return;
    }
    found = otp_key_near(key, &search->limits, step, search->at) ? search->mixup : &search->wide;
    if (own) {
        found->own = true;
        return;
    }
    found->fit++;
    memcpy(found->serial, key->serial, sizeof(found->serial));
    (void) snprintf(found->holder, sizeof(found->holder), "%s", holder);
}


/* Of an assigned key the account's copy knows drift and last step. */
static otpctl_status_t visit_account(otpctl_t *ctl, const otp_account_t *account, void *data)
{
    search_t *search = data;
    bool      own = otp_span_equal(otp_span_of(account->uid), search->uid);

    for (size_t i = 0; i < account->keys; i++) {
        size_t len = strlen(search->mixup->own_keys);

        if (own) {
            (void) snprintf(search->mixup->own_keys + len, sizeof(search->mixup->own_keys) - len, "%s%s",
                            len ? ", " : "", account->key[i].serial);
        }
        try_key(search, ctl, &account->key[i], account->uid);
    }
    return OTPCTL_DONE;
}


static otpctl_status_t visit_stock(otpctl_t *ctl, const otp_stock_t *stock, void *data)
{
    if (!*stock->uid) {
        try_key(data, ctl, &stock->key, "");
    }
    return OTPCTL_DONE;
}


/* A record that cannot be read is told of by the walk; the others were looked at. */
static otpctl_status_t look_through(otpctl_t *ctl, search_t *search)
{
    otpctl_status_t status = otpctl_each_account(ctl, visit_account, search);

    if (status == OTPCTL_DONE || status == OTPCTL_REFUSED) {
        status = otpctl_each_stock(ctl, visit_stock, search);
    }
    return status == OTPCTL_REFUSED ? OTPCTL_DONE : status;
}


otpctl_status_t otpctl_mixup_search(otpctl_t *ctl, const otp_mail_t *mail, bool *readable, otpctl_mixup_t *mixup)
{
    char            code[OTP_DIGITS_MAX + 1];
    search_t        search = {
        .code = code, .uid = mail->uid, .at = mail->time_ms / 1000, .limits = OTP_LIMITS_DEFAULT, .mixup = mixup
    };
    otpctl_status_t status = OTPCTL_DONE;

    *mixup = (otpctl_mixup_t) { .fit = 0 };
    *readable = otp_mixup_open(ctl->ring, mail->uid, mail->reason, code) == OTP_OK;
    if (*readable) {
        status = look_through(ctl, &search);
    }
    otp_secret_wipe(code, sizeof(code));
    /* Six digits fit some key of a large stock by chance: far from where they should be counts only when nothing
     * is near. */
    mixup->own |= search.wide.own;
    if (mixup->fit == 0) {
        mixup->fit = search.wide.fit;
        memcpy(mixup->serial, search.wide.serial, sizeof(mixup->serial));
        memcpy(mixup->holder, search.wide.holder, sizeof(mixup->holder));
    }
    return status;
}
