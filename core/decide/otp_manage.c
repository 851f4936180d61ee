#include "core/decide/otp_manage_private.h"

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
    [OTP_MANAGE_ORPHAN] = { "orphan", "the account has a copy of the key that the stock does not know of: take the key "
                            "back from this person first" },
    [OTP_MANAGE_UNCERTAIN] = { "uncertain", "the key was put back from an older copy: two consecutive codes must tell "
                               "first how far it is (otpctl key resync), which enables it" },
    [OTP_MANAGE_FULL] = { "full", "the account has as many keys as it can hold: unassign one of them first" },
    [OTP_MANAGE_NO_KEY] = { "no_key", "the account has no such key: look at what is assigned to it" },
    [OTP_MANAGE_ASSIGNED] = { "assigned", "the key is assigned to somebody: unassign it first" },
    [OTP_MANAGE_REASON] = { "reason", "the reason is missing, too long, or not one of lost, stolen, broken" },
    [OTP_MANAGE_NO_STOCK] = { "no_stock", "no key of the stock has this serial: look at its back again, or import it" },
    [OTP_MANAGE_NO_REQUEST] = { "no_request", "nobody waits for this key: look at the list of requests" },
    [OTP_MANAGE_REQUESTED] = { "requested", "there is a request already: it waits for the helpdesk" },
    [OTP_MANAGE_MISFIT] = { "misfit", "this is not what the key shows now: wait for the next code and try again" },
    [OTP_MANAGE_WAIT] = { "wait_next_code", "Redis has a new master, and codes from before count as used: wait for "
                          "later ones and try again" },
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


void otp_manage_set_text(char *text, size_t size, otp_span_t value)
{
    memset(text, 0, size);
    if (value.len) {
        memcpy(text, value.data, value.len < size ? value.len : size - 1);
    }
}


bool otp_manage_is_of(const char *text, otp_span_t value)
{
    return otp_span_equal(otp_span_of(text), value);
}


bool otp_manage_is(const otp_key_t *key, otp_span_t way)
{
    otp_span_t reason = otp_span_of(key->reason);

    return key->state == OTP_KEY_DISABLED && otp_span_starts(reason, way)
        && (reason.len == way.len || reason.data[way.len] == ':');
}


bool otp_manage_arriving(const otp_key_t *copy)
{
    return otp_manage_is(copy, WAY_ARRIVING);
}


bool otp_manage_stands(const otp_key_t *copy)
{
    return !otp_manage_is(copy, WAY_ARRIVING) && !otp_manage_is(copy, WAY_RETURNED);
}


otp_span_t otp_manage_reason_before(const otp_key_t *key)
{
    otp_span_t reason = otp_span_of(key->reason), way = otp_span_cut(&reason, ':');

    return reason.data ? reason : otp_manage_reason_known(way) ? way : OTP_SPAN_NONE;
}


void otp_manage_mark(otp_key_t *key, otp_span_t way, otp_span_t reason)
{
    char         text[sizeof(key->reason)];
    otp_buffer_t out;
    otp_span_t   all;

    otp_buffer_init(&out, text, sizeof(text) - 1);
    otp_buffer_add(&out, way);
    if (way.len && reason.len) {
        otp_buffer_add_char(&out, ':');
    }
    otp_buffer_add(&out, reason);
    /* What we write fits; anything else keeps its mark at least. */
    all = out.overflow ? way : otp_buffer_span(&out);
    key->state = OTP_KEY_DISABLED;
    memset(key->reason, 0, sizeof(key->reason));
    memcpy(key->reason, all.data, all.len);
}


bool otp_manage_disabled(const otp_key_t *key)
{
    return key->state == OTP_KEY_DISABLED && !otp_manage_is(key, WAY_ENABLING) && otp_manage_reason_before(key).len;
}


void otp_manage_make_usable(otp_key_t *key)
{
    key->state = OTP_KEY_USABLE;
    memset(key->reason, 0, sizeof(key->reason));
}


otp_managed_t otp_manage_account_changed(otp_account_t *account)
{
    account->revision++;
    return OTP_MANAGE_CHANGED;
}


bool otp_manage_clear_pending(otp_account_t *account)
{
    bool was = account->pending.kind != OTP_PENDING_NONE;

    memset(&account->pending, 0, sizeof(account->pending));
    return was;
}


/* What stays with a copy whoever disables it. */
static otp_span_t lasting_way(const otp_key_t *key)
{
    return otp_manage_is(key, WAY_RETURNED) ? WAY_RETURNED : otp_manage_is(key, WAY_ARRIVING) ? WAY_ARRIVING
           : otp_manage_is(key, WAY_RESTORED) ? WAY_RESTORED : OTP_SPAN_NONE;
}


otp_managed_t otp_manage_account_disable(otp_account_t *account, otp_span_t serial, otp_span_t reason)
{
    otp_key_t *copy = otp_account_key(account, serial);
    otp_key_t  before;

    if (!otp_manage_reason_known(reason)) {
        return OTP_MANAGE_REASON;
    }
    if (!copy) {
        return OTP_MANAGE_NO_KEY;
    }
    bool cleared = otp_manage_clear_pending(account);

    before = *copy;
    otp_manage_mark(copy, lasting_way(copy), reason);
    if (before.state == copy->state && otp_span_equal(otp_span_of(before.reason), otp_span_of(copy->reason))) {
        return cleared ? otp_manage_account_changed(account) : OTP_MANAGE_UNCHANGED;
    }
    return otp_manage_account_changed(account);
}


otp_managed_t otp_manage_stock_disable(otp_stock_t *stock, otp_span_t reason)
{
    if (!otp_manage_reason_known(reason)) {
        return OTP_MANAGE_REASON;
    }
    if (stock->key.state == OTP_KEY_DISABLED && otp_span_equal(otp_manage_reason_before(&stock->key), reason)) {
        return OTP_MANAGE_UNCHANGED;
    }
    otp_manage_mark(&stock->key, lasting_way(&stock->key), reason);
    return OTP_MANAGE_CHANGED;
}


otp_managed_t otp_manage_account_prepare(otp_account_t *account, otp_span_t serial)
{
    otp_key_t *copy = otp_account_key(account, serial);

    if (copy && otp_manage_arriving(copy) && otp_manage_reason_before(copy).len) {
        otp_manage_drop_copy(account, copy);
        return otp_manage_account_changed(account);
    }
    if (!copy || otp_manage_arriving(copy)) {
        return OTP_MANAGE_NO_KEY;
    }
    if (otp_manage_is(copy, WAY_RETURNED)) {
        return OTP_MANAGE_RETURNING;
    }
    if (otp_manage_is(copy, WAY_RESTORED)) {
        return OTP_MANAGE_UNCERTAIN;
    }
    if (copy->state == OTP_KEY_USABLE || otp_manage_is(copy, WAY_ENABLING)) {
        return OTP_MANAGE_UNCHANGED;
    }
    otp_manage_mark(copy, WAY_ENABLING, otp_manage_reason_before(copy));
    return otp_manage_account_changed(account);
}


otp_managed_t otp_manage_stock_enable(otp_stock_t *stock)
{
    if (otp_manage_is(&stock->key, WAY_RESTORED)) {
        return OTP_MANAGE_UNCERTAIN;
    }
    if (stock->key.state == OTP_KEY_USABLE) {
        return OTP_MANAGE_UNCHANGED;
    }
    otp_manage_make_usable(&stock->key);
    return OTP_MANAGE_CHANGED;
}


void otp_manage_restored(otp_key_t *key)
{
    otp_key_t before = *key;

    otp_manage_mark(key, WAY_RESTORED, otp_manage_reason_before(&before));
}


bool otp_manage_resynced(otp_key_t *key)
{
    otp_key_t before = *key;

    if (!otp_manage_is(key, WAY_RESTORED)) {
        return false;
    }
    otp_manage_make_usable(key);
    if (otp_manage_reason_before(&before).len) {
        otp_manage_mark(key, OTP_SPAN_NONE, otp_manage_reason_before(&before));
    }
    return true;
}


otp_managed_t otp_manage_account_enable(otp_account_t *account, const otp_stock_t *stock)
{
    otp_key_t *copy = otp_account_key(account, otp_span_of(stock->key.serial));

    if (!otp_span_equal(otp_span_of(stock->uid), otp_span_of(account->uid))) {
        return OTP_MANAGE_HELD;
    }
    if (copy && otp_manage_arriving(copy) && otp_manage_reason_before(copy).len) {
        return OTP_MANAGE_DISABLED;
    }
    if (!copy || otp_manage_arriving(copy)) {
        return OTP_MANAGE_NO_KEY;
    }
    if (otp_manage_is(copy, WAY_RETURNED)) {
        return OTP_MANAGE_RETURNING;
    }
    if (copy->state == OTP_KEY_USABLE) {
        return OTP_MANAGE_UNCHANGED;
    }
    if (!otp_manage_is(copy, WAY_ENABLING)) {
        return OTP_MANAGE_DISABLED;
    }
    if (!otp_span_equal(otp_span_of(stock->key.holding), otp_span_of(copy->holding))) {
        return OTP_MANAGE_HELD;
    }
    otp_manage_make_usable(copy);
    if (copy->step < stock->key.step) {
        copy->step = stock->key.step;
    }
    return otp_manage_account_changed(account);
}
