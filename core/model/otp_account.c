#include "core/model/otp_account.h"

#include <string.h>

#include "core/model/otp_account_parts.h"
#include "core/model/otp_json.h"
#include "core/model/otp_record.h"


static const char *const otp_pending_names[] = {
    [OTP_PENDING_NONE] = "none",
    [OTP_PENDING_PIN] = "pin",
    [OTP_PENDING_NEXT_CODE] = "next_code",
};


otp_guesses_t *otp_account_guesses(otp_account_t *account, otp_guesser_t guesser)
{
    switch (guesser) {
    case OTP_GUESSER_KNOWN:
        return &account->known;
    case OTP_GUESSER_UNPROVEN:
        return &account->unproven;
    case OTP_GUESSER_UNKNOWN:
        break;
    }

    return &account->unknown;
}


bool otp_account_has_pin(const otp_account_t *account)
{
    for (size_t i = 0; i < account->keys; i++) {
        if (account->key[i].state == OTP_KEY_USABLE && account->key[i].pin.set) {
            return true;
        }
    }

    return false;
}


/* Replaces `text` (of `size` bytes) unless `value` is empty, too long or the same. */
static bool otp_account_replace(char *text, size_t size, otp_span_t value)
{
    if (value.len == 0 || value.len >= size || otp_span_equal(otp_span_of(text), value)) {
        return false;
    }

    memset(text, 0, size);
    memcpy(text, value.data, value.len);

    return true;
}


bool otp_account_set_contact(otp_account_t *account, otp_span_t name, otp_span_t email, otp_span_t language)
{
    otp_contact_t *contact = &account->contact;
    bool           changed;

    changed = otp_account_replace(contact->name, sizeof(contact->name), name);
    changed |= otp_account_replace(contact->email, sizeof(contact->email), email);
    changed |= otp_account_replace(contact->language, sizeof(contact->language), language);

    return changed;
}


void otp_account_init(otp_account_t *account, otp_span_t uid)
{
    size_t len = uid.len > OTP_UID_LEN ? OTP_UID_LEN : uid.len;

    memset(account, 0, sizeof(*account));
    memcpy(account->uid, uid.data, len);
}


otp_key_t *otp_account_key(otp_account_t *account, otp_span_t serial)
{
    for (size_t i = 0; i < account->keys; i++) {
        if (otp_span_equal(otp_span_of(account->key[i].serial), serial)) {
            return &account->key[i];
        }
    }

    return NULL;
}


OTP_MUST_USE static bool otp_account_add_keys(json_t *object, const otp_account_t *account)
{
    json_t *keys = json_array();

    if (json_object_set_new(object, "keys", keys) != 0) {
        return false;
    }

    for (size_t i = 0; i < account->keys; i++) {
        if (json_array_append_new(keys, otp_key_to_json(&account->key[i])) != 0) {
            return false;
        }
    }

    return true;
}


OTP_MUST_USE static bool otp_account_add_pending(json_t *object, const otp_account_pending_t *pending)
{
    if (pending->kind == OTP_PENDING_NONE) {
        return true;
    }

    return json_object_set_new(object, "pending",
                               json_pack("{s:s, s:s, s:s, s:I, s:I}", "kind", otp_pending_names[pending->kind],
                                         "id", pending->id, "serial", pending->serial,
                                         "step", (json_int_t) pending->step, "until", (json_int_t) pending->until))
           == 0;
}


static json_t *otp_account_to_json(const otp_account_t *account)
{
    json_t *object;

    object = json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:s, s:I}", "v", 1, "uid", account->uid,
                       "revision", (json_int_t) account->revision, "failures", (json_int_t) account->unknown.failures,
                       "failed_at", (json_int_t) account->unknown.failed_at,
                       "locked_until", (json_int_t) account->unknown.locked_until,
                       "nonce", account->nonce, "nonce_at", (json_int_t) account->nonce_at);
    if (object == NULL) {
        return NULL;
    }

    if (!otp_account_add_keys(object, account) || !otp_account_add_pending(object, &account->pending)
        || !otp_account_add_parts(object, account))
    {
        json_decref(object);
        return NULL;
    }

    return object;
}


otp_status_t otp_account_write(otp_keyring_t *ring, otp_span_t name, const otp_account_t *account, char *record,
    size_t size, size_t *len)
{
    char         body[OTP_ACCOUNT_MAX];
    size_t       body_len;
    otp_status_t status;

    status = otp_json_write(otp_account_to_json(account), body, sizeof(body), &body_len);
    if (status != OTP_OK) {
        return status;
    }

    return otp_record_write(ring, name, (otp_span_t) { body, body_len }, record, size, len);
}


OTP_MUST_USE static bool otp_account_read_pending(const json_t *object, otp_account_pending_t *pending)
{
    char kind[16];

    if (object == NULL) {
        return true;
    }

    if (!otp_json_text(object, "kind", false, kind, sizeof(kind))
        || !otp_json_text(object, "id", false, pending->id, sizeof(pending->id))
        || !otp_json_text(object, "serial", false, pending->serial, sizeof(pending->serial))
        || !otp_json_number(object, "step", 0, OTP_COUNT_LIMIT, &pending->step)
        || !otp_json_number(object, "until", 0, OTP_COUNT_LIMIT, &pending->until))
    {
        return false;
    }

    if (otp_span_equal(otp_span_of(kind), otp_span_of(otp_pending_names[OTP_PENDING_PIN]))) {
        pending->kind = OTP_PENDING_PIN;
        return true;
    }

    pending->kind = OTP_PENDING_NEXT_CODE;
    return otp_span_equal(otp_span_of(kind), otp_span_of(otp_pending_names[OTP_PENDING_NEXT_CODE]));
}


OTP_MUST_USE static bool otp_account_read_keys(const json_t *keys, otp_account_t *account)
{
    size_t        i;
    const json_t *key;

    if (!json_is_array(keys) || json_array_size(keys) > OTP_ACCOUNT_KEYS) {
        return false;
    }

    json_array_foreach(keys, i, key) {
        if (otp_key_from_json(key, &account->key[i]) != OTP_OK) {
            return false;
        }
    }
    account->keys = json_array_size(keys);

    return true;
}


OTP_MUST_USE static bool otp_account_from_json(const json_t *object, otp_account_t *account)
{
    int64_t version;

    return otp_json_number(object, "v", 1, 1, &version)
           && otp_json_text(object, "uid", false, account->uid, sizeof(account->uid))
           && otp_json_number(object, "revision", 0, OTP_COUNT_LIMIT, &account->revision)
           && otp_json_number(object, "failures", 0, OTP_COUNT_LIMIT, &account->unknown.failures)
           && otp_json_number(object, "failed_at", 0, OTP_COUNT_LIMIT, &account->unknown.failed_at)
           && otp_json_number(object, "locked_until", 0, OTP_COUNT_LIMIT, &account->unknown.locked_until)
           && otp_json_text(object, "nonce", false, account->nonce, sizeof(account->nonce))
           && otp_json_number(object, "nonce_at", 0, OTP_COUNT_LIMIT, &account->nonce_at)
           && otp_account_read_keys(json_object_get(object, "keys"), account)
           && otp_account_read_pending(json_object_get(object, "pending"), &account->pending)
           && otp_account_read_parts(object, account);
}


otp_status_t otp_account_read(otp_keyring_t *ring, otp_span_t name, otp_span_t record, otp_account_t *account)
{
    otp_span_t   body;
    otp_status_t status;
    json_t      *object;

    memset(account, 0, sizeof(*account));
    status = otp_record_read(ring, name, record, &body);
    if (status != OTP_OK) {
        return status;
    }

    object = otp_json_object(body);
    status = otp_account_from_json(object, account) ? OTP_OK : OTP_INVALID;
    json_decref(object);

    return status;
}


otp_status_t otp_account_decoy(otp_keyring_t *ring, otp_span_t uid, otp_account_t *account)
{
    uint8_t      digest[OTP_DIGEST_LEN];
    otp_key_t   *key = &account->key[0];
    otp_status_t status;

    otp_account_init(account, uid);
    status = otp_keyring_mac(ring, OTP_PURPOSE_DECOY, OTP_SPAN_NONE, &uid, 1, digest);
    if (status != OTP_OK) {
        return status;
    }

    account->keys = 1;
    memcpy(key->serial, "0000000000", 11);
    key->algorithm = OTP_SHA1;
    key->digits = OTP_DIGITS_MIN;
    key->period_s = 60;

    /* A fixed nonce is harmless here: the seed is no secret of anybody and the sealed text is never kept. */
    status = otp_key_seal(ring, key, (otp_span_t) { (const char *) digest, 20 }, digest + 20);
    if (status != OTP_OK) {
        return status;
    }

    return otp_pin_set(ring, otp_span_of(key->serial), (otp_span_t) { (const char *) digest, OTP_DIGEST_LEN }, digest,
                       &key->pin);
}
