#include <string.h>

#include "core/decide/otp_manage_private.h"

/* Requests for activation. */

bool otp_manage_end_request(otp_account_t *account, otp_span_t serial)
{
    bool was = account->request.state != OTP_ACTIVATION_NONE && otp_manage_is_of(account->request.serial, serial);

    if (was) {
        memset(&account->request, 0, sizeof(account->request));
    }
    return was;
}


void otp_manage_end_want(otp_stock_t *stock)
{
    memset(stock->wanted, 0, sizeof(stock->wanted));
    stock->wanted_at = 0;
}


otp_managed_t otp_manage_account_request(otp_account_t *account, otp_span_t serial, otp_span_t dangling, int64_t now_s)
{
    otp_activation_request_t *request = &account->request;
    bool                      waiting = request->state == OTP_ACTIVATION_WAITING;
    const otp_key_t          *copy = otp_account_key(account, serial);

    if (waiting && otp_manage_is_of(request->serial, serial)) {
        return OTP_MANAGE_UNCHANGED;
    }
    if (waiting && !(dangling.len && otp_manage_is_of(request->serial, dangling))) {
        return OTP_MANAGE_REQUESTED;
    }
    if (copy ? otp_manage_stands(copy) : account->keys == OTP_ACCOUNT_KEYS) {
        return copy ? OTP_MANAGE_HELD : OTP_MANAGE_FULL;
    }
    memset(request, 0, sizeof(*request));
    request->state = OTP_ACTIVATION_WAITING;
    request->at = now_s;
    otp_manage_set_text(request->serial, sizeof(request->serial), serial);
    return otp_manage_account_changed(account);
}


otp_managed_t otp_manage_account_withdraw(otp_account_t *account, otp_span_t serial)
{
    if (account->request.state != OTP_ACTIVATION_WAITING || !otp_manage_end_request(account, serial)) {
        return OTP_MANAGE_UNCHANGED;
    }
    return otp_manage_account_changed(account);
}


otp_managed_t otp_manage_account_reject(otp_account_t *account, otp_span_t serial, otp_span_t reason, int64_t now_s)
{
    otp_activation_request_t *request = &account->request;
    otp_key_t                *copy = otp_account_key(account, serial);

    if (reason.len == 0 || reason.len > OTP_REASON_LEN) {
        return OTP_MANAGE_REASON;
    }
    if (!otp_manage_is_of(request->serial, serial) || request->state == OTP_ACTIVATION_NONE) {
        return OTP_MANAGE_NO_REQUEST;
    }
    if (request->state == OTP_ACTIVATION_REJECTED) {
        return OTP_MANAGE_UNCHANGED;
    }
    request->state = OTP_ACTIVATION_REJECTED;
    request->at = now_s;
    otp_manage_set_text(request->reason, sizeof(request->reason), reason);
    if (copy && otp_manage_arriving(copy)) {
        otp_manage_drop_copy(account, copy);
    }
    return otp_manage_account_changed(account);
}


otp_managed_t otp_manage_stock_want(otp_stock_t *stock, otp_span_t uid, int64_t step, int64_t now_s)
{
    if (stock->uid[0] || (stock->wanted[0] && !otp_manage_is_of(stock->wanted, uid))) {
        return OTP_MANAGE_HELD;
    }
    if (stock->key.state == OTP_KEY_DISABLED) {
        return OTP_MANAGE_DISABLED;
    }
    if (step <= stock->key.step) {
        return OTP_MANAGE_MISFIT;
    }
    stock->key.step = step;
    otp_manage_set_text(stock->wanted, sizeof(stock->wanted), uid);
    /* Two requests are never of the same second: whoever ends the former one leaves the later one. */
    stock->wanted_at = now_s > stock->wanted_at ? now_s : stock->wanted_at + 1;
    return OTP_MANAGE_CHANGED;
}


otp_managed_t otp_manage_stock_unwant(otp_stock_t *stock, otp_span_t uid, int64_t wanted_at)
{
    if (!stock->wanted[0] || !otp_manage_is_of(stock->wanted, uid) || stock->wanted_at != wanted_at) {
        return OTP_MANAGE_UNCHANGED;
    }
    otp_manage_end_want(stock);
    return OTP_MANAGE_CHANGED;
}
