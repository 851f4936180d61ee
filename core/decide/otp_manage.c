#include "core/decide/otp_manage.h"

#include <string.h>

typedef struct {
    const char *name, *text;
} otp_managed_words_t;

static const otp_managed_words_t words[] = {
    [OTP_MANAGE_CHANGED] = { "ok", "done" },
    [OTP_MANAGE_UNCHANGED] = { "unchanged", "it is so already" },
    [OTP_MANAGE_HELD] = { "held", "the key is assigned to somebody else: unassign it first" },
    [OTP_MANAGE_DISABLED] = { "disabled", "the key is disabled: enable it first" },
    [OTP_MANAGE_RETURNING] = { "returning", "the key is on its way back to the stock: unassign it again to finish" },
    [OTP_MANAGE_FULL] = { "full", "the account has as many keys as it can hold: unassign one of them first" },
    [OTP_MANAGE_NO_KEY] = { "no_key", "the account has no such key: look at what is assigned to it" },
    [OTP_MANAGE_ASSIGNED] = { "assigned", "the key is assigned to somebody: unassign it first" },
    [OTP_MANAGE_REASON] = { "reason", "the reason is not one of lost, stolen, broken" },
    [OTP_MANAGE_NO_STOCK] = { "no_stock", "no key of the stock has this serial: look at its back again, or import it" },
    [OTP_MANAGE_NO_REQUEST] = { "no_request", "nobody waits for this key: look at the list of requests" },
    [OTP_MANAGE_REQUESTED] = { "requested", "there is a request already: it waits for the helpdesk" },
    [OTP_MANAGE_MISFIT] = { "misfit", "this is not what the key shows now: wait for the next code and try again" },
    [OTP_MANAGE_NO_EMERGENCY] = { "no_emergency", "there is no emergency password" },
    [OTP_MANAGE_NO_SESSION] = { "no_session", "the person has no such session" },
    [OTP_MANAGE_BUSY] = { "busy", "others keep changing the same record: try again" },
    [OTP_MANAGE_UNAVAILABLE] = { "unavailable", "Redis did not answer: try again" },
};

bool otp_managed_refused(otp_managed_t managed)
{
    return managed != OTP_MANAGE_CHANGED && managed != OTP_MANAGE_UNCHANGED;
}


const char *otp_managed_name(otp_managed_t managed)
{
    return words[managed].name;
}


const char *otp_managed_text(otp_managed_t managed)
{
    return words[managed].text;
}


bool otp_manage_reason_known(otp_span_t reason)
{
    return otp_span_equal(reason, OTP_SPAN("lost")) || otp_span_equal(reason, OTP_SPAN("stolen"))
        || otp_span_equal(reason, OTP_SPAN("broken"));
}


static bool has_reason(const otp_key_t *key, otp_span_t reason)
{
    return key->state == OTP_KEY_DISABLED && otp_span_equal(otp_span_of(key->reason), reason);
}


static bool is_returning(const otp_key_t *key)
{
    return has_reason(key, OTP_SPAN(OTP_MANAGE_RETURNED));
}


/* `reason` is one of ours: it fits. */
static void disable(otp_key_t *key, otp_span_t reason)
{
    key->state = OTP_KEY_DISABLED;
    memset(key->reason, 0, sizeof(key->reason));
    memcpy(key->reason, reason.data, reason.len);
}


static void enable(otp_key_t *key)
{
    key->state = OTP_KEY_USABLE;
    memset(key->reason, 0, sizeof(key->reason));
}


static otp_managed_t changed(otp_account_t *account)
{
    account->revision++;
    return OTP_MANAGE_CHANGED;
}


static bool clear_pending(otp_account_t *account)
{
    bool was = account->pending.kind != OTP_PENDING_NONE;

    memset(&account->pending, 0, sizeof(account->pending));
    return was;
}


otp_managed_t otp_manage_stock_take(otp_stock_t *stock, otp_span_t uid, int64_t now_s)
{
    if (stock->uid[0]) {
        return otp_span_equal(otp_span_of(stock->uid), uid) ? OTP_MANAGE_UNCHANGED : OTP_MANAGE_HELD;
    }
    if (stock->key.state == OTP_KEY_DISABLED) {
        return OTP_MANAGE_DISABLED;
    }
    memset(stock->uid, 0, sizeof(stock->uid));
    memcpy(stock->uid, uid.data, uid.len < OTP_UID_LEN ? uid.len : OTP_UID_LEN);
    stock->key.assigned = now_s;
    return OTP_MANAGE_CHANGED;
}


/* The account's copy of a key fresh from the stock: no PIN, so the next sign-in is a first use. */
static void put_copy(otp_key_t *copy, const otp_key_t *key, int64_t step)
{
    *copy = *key;
    copy->step = step > key->step ? step : key->step;
    copy->used = 0;
    memset(&copy->pin, 0, sizeof(copy->pin));
    memset(&copy->pin_before, 0, sizeof(copy->pin_before));
}


otp_managed_t otp_manage_account_give(otp_account_t *account, const otp_stock_t *stock, bool taken)
{
    otp_key_t *copy = otp_account_key(account, otp_span_of(stock->key.serial));

    if (!otp_span_equal(otp_span_of(stock->uid), otp_span_of(account->uid))) {
        return OTP_MANAGE_HELD;
    }
    if (!copy) {
        if (account->keys == OTP_ACCOUNT_KEYS) {
            return OTP_MANAGE_FULL;
        }
        put_copy(&account->key[account->keys++], &stock->key, 0);
        return changed(account);
    }
    if (taken) {
        put_copy(copy, &stock->key, copy->step);
        return changed(account);
    }
    if (is_returning(copy)) {
        return OTP_MANAGE_RETURNING;
    }
    if (copy->step >= stock->key.step) {
        return OTP_MANAGE_UNCHANGED;
    }
    copy->step = stock->key.step;
    return changed(account);
}


otp_managed_t otp_manage_account_return(otp_account_t *account, otp_span_t serial)
{
    otp_key_t *copy = otp_account_key(account, serial);

    if (!copy) {
        return OTP_MANAGE_NO_KEY;
    }
    if (copy->state == OTP_KEY_DISABLED) {
        return OTP_MANAGE_UNCHANGED;
    }
    disable(copy, OTP_SPAN(OTP_MANAGE_RETURNED));
    clear_pending(account);
    return changed(account);
}


otp_managed_t otp_manage_stock_release(otp_stock_t *stock, otp_span_t uid, const otp_key_t *copy)
{
    otp_stock_t before = *stock;

    if (stock->uid[0] && !otp_span_equal(otp_span_of(stock->uid), uid)) {
        return OTP_MANAGE_HELD;
    }
    /* A key that is free already has had its holder's drift and reason; only its step may lag. */
    if (copy && copy->step > stock->key.step) {
        stock->key.step = copy->step;
    }
    if (stock->uid[0] && copy) {
        stock->key.drift = copy->drift;
        stock->key.used = copy->used > stock->key.used ? copy->used : stock->key.used;
        if (copy->state == OTP_KEY_DISABLED && !is_returning(copy)) {
            disable(&stock->key, otp_span_of(copy->reason));
        }
    }
    if (!stock->uid[0] && before.key.step == stock->key.step) {
        return OTP_MANAGE_UNCHANGED;
    }
    memset(stock->uid, 0, sizeof(stock->uid));
    stock->key.assigned = 0;
    return OTP_MANAGE_CHANGED;
}


otp_managed_t otp_manage_account_drop(otp_account_t *account, otp_span_t serial)
{
    otp_key_t *copy = otp_account_key(account, serial);

    if (!copy || copy->state == OTP_KEY_USABLE) {
        return OTP_MANAGE_UNCHANGED;
    }
    size_t after = account->keys - (size_t) (copy - account->key) - 1;

    memmove(copy, copy + 1, after * sizeof(*copy));
    account->keys--;
    memset(&account->key[account->keys], 0, sizeof(*copy));
    return changed(account);
}


otp_managed_t otp_manage_account_disable(otp_account_t *account, otp_span_t serial, otp_span_t reason)
{
    otp_key_t *copy = otp_account_key(account, serial);

    if (!otp_manage_reason_known(reason)) {
        return OTP_MANAGE_REASON;
    }
    if (!copy) {
        return OTP_MANAGE_NO_KEY;
    }
    bool cleared = clear_pending(account);

    if (!has_reason(copy, reason)) {
        disable(copy, reason);
        return changed(account);
    }
    return cleared ? changed(account) : OTP_MANAGE_UNCHANGED;
}


otp_managed_t otp_manage_stock_disable(otp_stock_t *stock, otp_span_t reason)
{
    if (!otp_manage_reason_known(reason)) {
        return OTP_MANAGE_REASON;
    }
    if (has_reason(&stock->key, reason)) {
        return OTP_MANAGE_UNCHANGED;
    }
    disable(&stock->key, reason);
    return OTP_MANAGE_CHANGED;
}


otp_managed_t otp_manage_stock_enable(otp_stock_t *stock)
{
    if (stock->key.state == OTP_KEY_USABLE) {
        return OTP_MANAGE_UNCHANGED;
    }
    enable(&stock->key);
    return OTP_MANAGE_CHANGED;
}


otp_managed_t otp_manage_account_enable(otp_account_t *account, const otp_stock_t *stock)
{
    otp_key_t *copy = otp_account_key(account, otp_span_of(stock->key.serial));

    if (!otp_span_equal(otp_span_of(stock->uid), otp_span_of(account->uid))) {
        return OTP_MANAGE_HELD;
    }
    if (!copy) {
        return OTP_MANAGE_NO_KEY;
    }
    if (is_returning(copy)) {
        return OTP_MANAGE_RETURNING;
    }
    if (copy->state == OTP_KEY_USABLE) {
        return OTP_MANAGE_UNCHANGED;
    }
    enable(copy);
    if (copy->step < stock->key.step) {
        copy->step = stock->key.step;
    }
    return changed(account);
}


otp_managed_t otp_manage_stock_delete(const otp_stock_t *stock)
{
    return stock->uid[0] ? OTP_MANAGE_ASSIGNED : OTP_MANAGE_CHANGED;
}


otp_managed_t otp_manage_pin_clear(otp_account_t *account)
{
    if (account->keys == 0) {
        return OTP_MANAGE_NO_KEY;
    }
    bool cleared = clear_pending(account);

    for (size_t i = 0; i < account->keys; i++) {
        otp_key_t *key = &account->key[i];

        if (key->pin.set) {
            key->pin_before = key->pin;
            memset(&key->pin, 0, sizeof(key->pin));
            cleared = true;
        }
    }
    return cleared ? changed(account) : OTP_MANAGE_UNCHANGED;
}


otp_managed_t otp_manage_unlock(otp_account_t *account)
{
    if (account->unknown.failures == 0 && account->unknown.locked_until == 0) {
        return OTP_MANAGE_UNCHANGED;
    }
    account->unknown.failures = 0;
    account->unknown.locked_until = 0;
    return changed(account);
}


otp_managed_session_t otp_manage_session(otp_session_t *session, otp_span_t serial)
{
    if (serial.len == 0 || !otp_span_equal(session->serial, serial)) {
        return OTP_MANAGE_SESSION_KEPT;
    }
    if (!session->password_proven) {
        return OTP_MANAGE_SESSION_ENDED;
    }
    session->level = OTP_LEVEL_PASSWORD;
    session->method = OTP_AUTH_PASSWORD;
    session->serial = OTP_SPAN_NONE;
    session->otp_time = 0;
    return OTP_MANAGE_SESSION_LOWERED;
}
