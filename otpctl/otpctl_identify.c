#include "otpctl/otpctl_identify.h"

#include <stdlib.h>
#include <string.h>

#include "core/decide/otp_resync.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_scan.h"

typedef struct {
    otp_span_t                code;
    int64_t                   now_s;
    otp_limits_t              limits;
    otpctl_identified_list_t *found;
} search_t;

static otpctl_status_t look(otpctl_t *ctl, const search_t *search, const otp_key_t *key, const char *uid)
{
    otpctl_identified_list_t *found = search->found;
    int64_t                   step;
    otp_status_t              shows;

    found->looked_at++;
    shows = otp_key_shows(ctl->ring, key, search->code, search->now_s, &search->limits, &step);
    if (shows == OTP_FAILED) {
        otpctl_say("the seed of key %s does not open with %s", key->serial, ctl->keyring_file);
        found->unopened++;
        return OTPCTL_DONE;
    }
    if (shows != OTP_OK) {
        return OTPCTL_DONE;
    }
    if (found->keys == OTPCTL_IDENTIFIED_MAX) {
        found->more = true;
        return OTPCTL_DONE;
    }
    otpctl_identified_t *one = &found->key[found->keys++];

    memcpy(one->serial, key->serial, sizeof(one->serial));
    memcpy(one->uid, uid, strlen(uid) + 1);
    one->state = key->state;
    one->near = otp_key_near(key, &search->limits, step, search->now_s);
    return OTPCTL_DONE;
}


/* A key that is held: the account's copy knows its drift and what was spent. */
static otpctl_status_t visit_stock(otpctl_t *ctl, const otp_stock_t *stock, void *data)
{
    return stock->uid[0] ? OTPCTL_DONE : look(ctl, data, &stock->key, "");
}


static otpctl_status_t visit_account(otpctl_t *ctl, const otp_account_t *account, void *data)
{
    otpctl_status_t status = OTPCTL_DONE;

    for (size_t i = 0; i < account->keys && status == OTPCTL_DONE; i++) {
        status = look(ctl, data, &account->key[i], account->uid);
    }
    return status;
}


static int compare(const void *a, const void *b)
{
    const otpctl_identified_t *left = a, *right = b;

    return left->near != right->near ? right->near - left->near : strcmp(left->serial, right->serial);
}


otpctl_status_t otpctl_identify(otpctl_t *ctl, otp_span_t code, int64_t now_s, otpctl_identified_list_t *found)
{
    search_t        search = { .code = code, .now_s = now_s, .limits = OTP_LIMITS_DEFAULT, .found = found };
    otpctl_status_t stock, accounts;

    *found = (otpctl_identified_list_t) { .keys = 0 };
    stock = otpctl_each_stock(ctl, visit_stock, &search);
    accounts = stock == OTPCTL_UNREACHABLE ? stock : otpctl_each_account(ctl, visit_account, &search);
    qsort(found->key, found->keys, sizeof(found->key[0]), compare);
    if (accounts != OTPCTL_DONE || stock != OTPCTL_DONE) {
        return accounts != OTPCTL_DONE ? accounts : stock;
    }
    return found->unopened ? OTPCTL_REFUSED : OTPCTL_DONE;
}
