#include "core/model/otp_key.h"

#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/model/otp_json.h"

#define OTP_STEP_LIMIT  ((int64_t) 1 << 40)
#define OTP_TIME_LIMIT  ((int64_t) 1 << 40)


otp_status_t otp_serial_canonical(otp_span_t text, char serial[OTP_SERIAL_MAX + 1])
{
    otp_span_t trimmed = otp_span_trim(text);

    if (trimmed.len == 0 || trimmed.len > OTP_SERIAL_MAX) {
        return OTP_INVALID;
    }

    for (size_t i = 0; i < trimmed.len; i++) {
        char c = trimmed.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.') {
            return OTP_INVALID;
        }
        serial[i] = c;
    }
    serial[trimmed.len] = '\0';

    return OTP_OK;
}


/* What a sealed seed belongs to: a seed moved to another serial, or its parameters changed, does not open. */
static otp_span_t otp_key_context(const otp_key_t *key, char *text, size_t size)
{
    otp_buffer_t out;

    otp_buffer_init(&out, text, size);
    otp_buffer_add_text(&out, "seed:1:");
    otp_buffer_add_text(&out, key->serial);
    otp_buffer_add_char(&out, ':');
    otp_buffer_add_text(&out, otp_type_rules(key->type)->name);
    otp_buffer_add_char(&out, ':');
    otp_buffer_add_text(&out, otp_algorithm_name(key->algorithm));
    otp_buffer_add_char(&out, ':');
    otp_buffer_add_number(&out, (int64_t) key->digits);
    otp_buffer_add_char(&out, ':');
    otp_buffer_add_number(&out, key->period_s);

    return otp_buffer_span(&out);
}


otp_status_t otp_key_seal(otp_keyring_t *ring, otp_key_t *key, otp_span_t seed, const uint8_t nonce[OTP_RANDOM_NONCE])
{
    char         context[160];
    size_t       len;
    otp_status_t status;

    if (seed.len < OTP_SEED_MIN || seed.len > OTP_SECRET_MAX) {
        return OTP_INVALID;
    }

    status = otp_keyring_seal(ring, OTP_PURPOSE_SEED, otp_key_context(key, context, sizeof(context)), nonce, seed,
                              key->seed, sizeof(key->seed) - 1, &len);
    if (status == OTP_OK) {
        key->seed[len] = '\0';
    }

    return status;
}


otp_status_t otp_key_open(otp_keyring_t *ring, const otp_key_t *key, uint8_t seed[OTP_SECRET_MAX], size_t *len)
{
    char context[160];

    return otp_keyring_open(ring, OTP_PURPOSE_SEED, otp_key_context(key, context, sizeof(context)),
                            otp_span_of(key->seed), seed, OTP_SECRET_MAX, len);
}


OTP_MUST_USE static otp_status_t otp_pin_mac(otp_keyring_t *ring, otp_span_t ring_id, otp_span_t serial,
    const uint8_t salt[OTP_SALT_LEN], otp_span_t pin, uint8_t mac[OTP_DIGEST_LEN])
{
    otp_span_t parts[3] = { serial, { (const char *) salt, OTP_SALT_LEN }, pin };

    return otp_keyring_mac(ring, OTP_PURPOSE_PIN, ring_id, parts, 3, mac);
}


otp_status_t otp_pin_set(otp_keyring_t *ring, otp_span_t serial, otp_span_t pin, const uint8_t salt[OTP_SALT_LEN],
    otp_pin_verifier_t *verifier)
{
    otp_span_t   id = otp_keyring_current(ring);
    otp_status_t status;

    memset(verifier, 0, sizeof(*verifier));
    status = otp_pin_mac(ring, id, serial, salt, pin, verifier->mac);
    if (status != OTP_OK) {
        return status;
    }

    memcpy(verifier->ring_id, id.data, OTP_KEY_ID_LEN);
    memcpy(verifier->salt, salt, OTP_SALT_LEN);
    verifier->set = true;

    return OTP_OK;
}


bool otp_pin_matches(otp_keyring_t *ring, otp_span_t serial, otp_span_t pin, const otp_pin_verifier_t *verifier)
{
    uint8_t    mac[OTP_DIGEST_LEN];
    bool       equal;
    otp_span_t id = verifier->set ? otp_span_of(verifier->ring_id) : otp_keyring_current(ring);

    if (otp_pin_mac(ring, id, serial, verifier->salt, pin, mac) != OTP_OK) {
        return false;
    }

    equal = otp_secret_equal(mac, verifier->mac, sizeof(mac));
    otp_secret_wipe(mac, sizeof(mac));

    return equal && verifier->set;
}


json_t *otp_pin_to_json(const otp_pin_verifier_t *pin)
{
    return json_pack("{s:s, s:o, s:o}", "ring", pin->ring_id, "salt", otp_json_of_bytes(pin->salt, sizeof(pin->salt)),
                     "mac", otp_json_of_bytes(pin->mac, sizeof(pin->mac)));
}


bool otp_pin_from_json(const json_t *object, otp_pin_verifier_t *pin)
{
    memset(pin, 0, sizeof(*pin));
    if (object == NULL) {
        return true;
    }

    pin->set = true;
    return otp_json_text(object, "ring", false, pin->ring_id, sizeof(pin->ring_id))
           && otp_json_bytes(object, "salt", pin->salt, sizeof(pin->salt))
           && otp_json_bytes(object, "mac", pin->mac, sizeof(pin->mac));
}


json_t *otp_key_to_json(const otp_key_t *key)
{
    json_t *object;

    object = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}",
                       "serial", key->serial, "type", otp_type_rules(key->type)->name,
                       "algorithm", otp_algorithm_name(key->algorithm),
                       "digits", (json_int_t) key->digits, "period", (json_int_t) key->period_s, "seed", key->seed,
                       "state", key->state == OTP_KEY_DISABLED ? "disabled" : "usable",
                       "drift", (json_int_t) key->drift, "step", (json_int_t) key->step,
                       "assigned", (json_int_t) key->assigned, "used", (json_int_t) key->used,
                       "drift_first", (json_int_t) key->drift_first, "drift_since", (json_int_t) key->drift_since);
    if (object == NULL) {
        return NULL;
    }

    if ((key->reason[0] != '\0' && json_object_set_new(object, "reason", json_string(key->reason)) != 0)
        || (key->holding[0] != '\0' && json_object_set_new(object, "holding", json_string(key->holding)) != 0)
        || (key->pin.set && json_object_set_new(object, "pin", otp_pin_to_json(&key->pin)) != 0)
        || (key->pin_before.set && json_object_set_new(object, "pin_before", otp_pin_to_json(&key->pin_before)) != 0))
    {
        json_decref(object);
        return NULL;
    }

    return object;
}


OTP_MUST_USE static bool otp_key_from_json_kind(const json_t *object, otp_key_t *key)
{
    char    type[8], algorithm[16], state[16];
    int64_t digits;

    if (!otp_json_text(object, "type", false, type, sizeof(type))
        || !otp_json_text(object, "algorithm", false, algorithm, sizeof(algorithm))
        || !otp_json_text(object, "state", false, state, sizeof(state))
        || !otp_json_number(object, "digits", OTP_DIGITS_MIN, OTP_DIGITS_MAX, &digits))
    {
        return false;
    }

    key->digits = (unsigned) digits;
    key->state = otp_span_equal(otp_span_of(state), OTP_SPAN("usable")) ? OTP_KEY_USABLE : OTP_KEY_DISABLED;

    return otp_type_parse(otp_span_of(type), &key->type) == OTP_OK
           && otp_algorithm_parse(otp_span_of(algorithm), &key->algorithm) == OTP_OK;
}


otp_status_t otp_key_from_json(const json_t *object, otp_key_t *key)
{
    memset(key, 0, sizeof(*key));

    if (!otp_key_from_json_kind(object, key)
        || !otp_json_text(object, "serial", false, key->serial, sizeof(key->serial))
        || !otp_json_text(object, "seed", false, key->seed, sizeof(key->seed))
        || !otp_json_text(object, "reason", true, key->reason, sizeof(key->reason))
        || !otp_json_text(object, "holding", true, key->holding, sizeof(key->holding))
        || !otp_json_number(object, "period", otp_type_rules(key->type)->timed ? OTP_PERIOD_MIN : 0,
                            otp_type_rules(key->type)->timed ? OTP_PERIOD_MAX : 0, &key->period_s)
        || !otp_json_number(object, "drift", -OTP_STEP_LIMIT, OTP_STEP_LIMIT, &key->drift)
        || !otp_json_number(object, "drift_first", -OTP_STEP_LIMIT, OTP_STEP_LIMIT, &key->drift_first)
        || !otp_json_number(object, "drift_since", 0, OTP_TIME_LIMIT, &key->drift_since)
        || !otp_json_number(object, "step", 0, OTP_STEP_LIMIT, &key->step)
        || !otp_json_number(object, "assigned", 0, OTP_TIME_LIMIT, &key->assigned)
        || !otp_json_number(object, "used", 0, OTP_TIME_LIMIT, &key->used)
        || !otp_pin_from_json(json_object_get(object, "pin"), &key->pin)
        || !otp_pin_from_json(json_object_get(object, "pin_before"), &key->pin_before))
    {
        return OTP_INVALID;
    }

    return OTP_OK;
}
