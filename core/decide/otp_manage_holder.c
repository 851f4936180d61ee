#include <string.h>

#include "core/decide/otp_manage_private.h"

static bool same_holding(const otp_key_t *key, otp_span_t holding)
{
    return otp_span_equal(otp_span_of(key->holding), holding);
}


/* The account's copy that has the stock's mark and is neither arriving nor leaving. */
static const otp_key_t *held_copy(const otp_account_t *account, const otp_stock_t *stock)
{
    for (size_t i = 0; i < account->keys; i++) {
        const otp_key_t *copy = &account->key[i];

        if (otp_manage_is_of(copy->serial, otp_span_of(stock->key.serial))
            && same_holding(copy, otp_span_of(stock->key.holding))
            && otp_manage_stands(copy))
        {
            return copy;
        }
    }
    return NULL;
}


bool otp_manage_account_holds(const otp_account_t *account, const otp_stock_t *stock)
{
    return otp_manage_is_of(stock->uid, otp_span_of(account->uid)) && held_copy(account, stock);
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


otp_managed_t otp_manage_account_expect(otp_account_t *account, const otp_stock_t *stock, otp_span_t holding)
{
    otp_key_t *copy = otp_account_key(account, otp_span_of(stock->key.serial));

    if (stock->uid[0] && !otp_manage_is_of(stock->uid, otp_span_of(account->uid))) {
        return OTP_MANAGE_HELD;
    }
    if (otp_manage_account_holds(account, stock)) {
        return OTP_MANAGE_UNCHANGED;
    }
    if (stock->key.state == OTP_KEY_DISABLED) {
        return OTP_MANAGE_DISABLED;
    }
    if (copy && stock->uid[0] && otp_manage_is(copy, WAY_RETURNED)) {
        return OTP_MANAGE_RETURNING;
    }
    if (copy) {
        /* Another one's arriving copy does as well as one's own; a copy that codes have been accepted with is never
         * overwritten: the stock was read before it came. */
        return otp_manage_arriving(copy) ? OTP_MANAGE_UNCHANGED : OTP_MANAGE_ORPHAN;
    }
    if (account->keys == OTP_ACCOUNT_KEYS) {
        return OTP_MANAGE_FULL;
    }
    copy = &account->key[account->keys++];
    put_copy(copy, &stock->key, 0);
    otp_manage_mark(copy, WAY_ARRIVING, OTP_SPAN_NONE);
    otp_manage_set_text(copy->holding, sizeof(copy->holding), holding);
    return otp_manage_account_changed(account);
}


otp_managed_t otp_manage_stock_take(otp_stock_t *stock, otp_span_t uid, otp_span_t former, otp_span_t holding,
    int64_t now_s)
{
    if (stock->uid[0] && !otp_manage_is_of(stock->uid, uid)) {
        return OTP_MANAGE_HELD;
    }
    if (stock->uid[0] && same_holding(&stock->key, holding)) {
        return OTP_MANAGE_UNCHANGED;
    }
    if (stock->uid[0] && !same_holding(&stock->key, former)) {
        return OTP_MANAGE_BUSY;
    }
    if (stock->wanted[0] && !otp_manage_is_of(stock->wanted, uid)) {
        return OTP_MANAGE_REQUESTED;
    }
    if (stock->key.state == OTP_KEY_DISABLED) {
        return OTP_MANAGE_DISABLED;
    }
    otp_manage_set_text(stock->uid, sizeof(stock->uid), uid);
    otp_manage_set_text(stock->key.holding, sizeof(stock->key.holding), holding);
    stock->key.assigned = now_s;
    return OTP_MANAGE_CHANGED;
}


otp_managed_t otp_manage_account_give(otp_account_t *account, const otp_stock_t *stock)
{
    otp_span_t serial = otp_span_of(stock->key.serial);
    otp_key_t *copy = otp_account_key(account, serial), arriving;
    bool       changed;

    if (!otp_manage_is_of(stock->uid, otp_span_of(account->uid))) {
        return OTP_MANAGE_HELD;
    }
    if (!copy || !same_holding(copy, otp_span_of(stock->key.holding))) {
        return OTP_MANAGE_BUSY;
    }
    if (otp_manage_is(copy, WAY_RETURNED)) {
        return OTP_MANAGE_RETURNING;
    }
    changed = copy->step < stock->key.step;
    if (changed) {
        copy->step = stock->key.step;
    }
    if (otp_manage_arriving(copy)) {
        arriving = *copy;
        /* It may have arrived long ago. */
        put_copy(copy, &stock->key, arriving.step);
        if (otp_manage_reason_before(&arriving).len) {
            otp_manage_mark(copy, OTP_SPAN_NONE, otp_manage_reason_before(&arriving));
        }
        changed = true;
    }
    changed |= otp_manage_end_request(account, serial);
    return changed ? otp_manage_account_changed(account) : OTP_MANAGE_UNCHANGED;
}


void otp_manage_drop_copy(otp_account_t *account, otp_key_t *copy)
{
    size_t after = account->keys - (size_t) (copy - account->key) - 1;

    memmove(copy, copy + 1, after * sizeof(*copy));
    account->keys--;
    memset(&account->key[account->keys], 0, sizeof(*copy));
}


otp_managed_t otp_manage_account_forgo(otp_account_t *account, otp_span_t serial, otp_span_t holding)
{
    otp_key_t *copy = otp_account_key(account, serial);

    /* Somebody else may have given it meanwhile. */
    if (!copy || !otp_manage_arriving(copy) || !same_holding(copy, holding)) {
        return OTP_MANAGE_UNCHANGED;
    }
    otp_manage_drop_copy(account, copy);
    return otp_manage_account_changed(account);
}


otp_managed_t otp_manage_account_return(otp_account_t *account, otp_span_t serial, otp_span_t holding)
{
    otp_key_t *copy = otp_account_key(account, serial);
    bool       changed = otp_manage_end_request(account, serial), there = copy && same_holding(copy, holding);

    if (there && !otp_manage_is(copy, WAY_RETURNED)) {
        otp_manage_mark(copy, WAY_RETURNED, otp_manage_reason_before(copy));
        (void) otp_manage_clear_pending(account);
        changed = true;
    }
    if (copy && !there && otp_manage_arriving(copy)) {
        otp_manage_drop_copy(account, copy);
        changed = true;
    }
    if (changed) {
        return otp_manage_account_changed(account);
    }
    return there ? OTP_MANAGE_UNCHANGED : OTP_MANAGE_NO_KEY;
}


const otp_key_t *otp_manage_account_leaving(otp_account_t *account, otp_span_t serial, otp_span_t holding)
{
    const otp_key_t *copy = otp_account_key(account, serial);

    return copy && otp_manage_is(copy, WAY_RETURNED) && same_holding(copy, holding) ? copy : NULL;
}


otp_managed_t otp_manage_stock_learn(otp_stock_t *stock, otp_span_t uid, otp_span_t holding, const otp_key_t *copy)
{
    otp_key_t *key = &stock->key, before = *key;
    otp_span_t reason = otp_manage_reason_before(copy);

    if (!otp_manage_is_of(stock->uid, uid) || !same_holding(key, holding)) {
        return OTP_MANAGE_HELD;
    }
    key->step = copy->step > key->step ? copy->step : key->step;
    key->used = copy->used > key->used ? copy->used : key->used;
    key->drift = copy->drift;
    key->drift_first = copy->drift_first;
    key->drift_since = copy->drift_since;
    if (otp_manage_is(copy, WAY_RETURNED) && reason.len && key->state == OTP_KEY_USABLE) {
        otp_manage_mark(key, OTP_SPAN_NONE, reason);
    }
    return key->step == before.step && key->used == before.used && key->drift == before.drift
        && key->drift_first == before.drift_first && key->drift_since == before.drift_since
        && key->state == before.state ? OTP_MANAGE_UNCHANGED : OTP_MANAGE_CHANGED;
}


otp_managed_t otp_manage_stock_learn_orphan(otp_stock_t *stock, const otp_key_t *copy)
{
    otp_key_t *key = &stock->key;
    otp_span_t reason = otp_manage_reason_before(copy);
    bool       later = copy->step > key->step;
    bool       useless = !stock->uid[0] && reason.len && key->state == OTP_KEY_USABLE;

    if (later) {
        key->step = copy->step;
    }
    if (useless) {
        otp_manage_mark(key, OTP_SPAN_NONE, reason);
    }
    return later || useless ? OTP_MANAGE_CHANGED : OTP_MANAGE_UNCHANGED;
}


otp_managed_t otp_manage_account_drop(otp_account_t *account, otp_span_t serial, otp_span_t holding)
{
    if (!otp_manage_account_leaving(account, serial, holding)) {
        return OTP_MANAGE_UNCHANGED;
    }
    otp_manage_drop_copy(account, otp_account_key(account, serial));
    return otp_manage_account_changed(account);
}


otp_managed_t otp_manage_stock_untake(otp_stock_t *stock, otp_span_t uid, otp_span_t holding)
{
    if (!stock->uid[0]) {
        return OTP_MANAGE_UNCHANGED;
    }
    if (!otp_manage_is_of(stock->uid, uid) || !same_holding(&stock->key, holding)) {
        return OTP_MANAGE_HELD;
    }
    memset(stock->uid, 0, sizeof(stock->uid));
    memset(stock->key.holding, 0, sizeof(stock->key.holding));
    stock->key.assigned = 0;
    return OTP_MANAGE_CHANGED;
}


otp_managed_t otp_manage_stock_release(otp_stock_t *stock, otp_span_t uid, otp_span_t holding)
{
    otp_managed_t managed = otp_manage_stock_untake(stock, uid, holding);

    if (managed == OTP_MANAGE_CHANGED) {
        otp_manage_end_want(stock);
    }
    return managed;
}


otp_managed_t otp_manage_stock_delete(const otp_stock_t *stock)
{
    if (stock->uid[0]) {
        return OTP_MANAGE_ASSIGNED;
    }
    return stock->wanted[0] ? OTP_MANAGE_REQUESTED : OTP_MANAGE_CHANGED;
}
