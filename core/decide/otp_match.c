#include "core/decide/otp_match.h"

#define OTP_WINDOW_MAX  100


int64_t otp_key_step(const otp_key_t *key, int64_t now_s)
{
    return otp_totp_step(now_s, key->period_s) + key->drift;
}


int64_t otp_key_wait(const otp_key_t *key, int64_t step, int64_t now_s)
{
    int64_t wait = (step + 1 - key->drift) * key->period_s - now_s;

    return wait < 1 ? 1 : wait;
}


/* The code's value; digits that are none make it one that no code has. */
OTP_MUST_USE static uint32_t otp_code_value(otp_span_t code)
{
    uint32_t value = 0;
    bool     digits = true;

    for (size_t i = 0; i < code.len; i++) {
        digits &= code.data[i] >= '0' && code.data[i] <= '9';
        value = value * 10 + (uint32_t) ((uint8_t) code.data[i] - '0') % 10;
    }

    return digits ? value : UINT32_MAX;
}


OTP_MUST_USE static otp_status_t otp_key_codes(otp_keyring_t *ring, const otp_key_t *key, int64_t first, size_t count,
    uint32_t *codes)
{
    uint8_t           secret[OTP_SECRET_MAX];
    size_t            len;
    otp_status_t      status;
    otp_type_secret_t how = { .algorithm = key->algorithm, .digits = key->digits, .period_s = key->period_s };

    if (otp_key_open(ring, key, secret, &len) != OTP_OK) {
        return OTP_FAILED;
    }

    how.secret = (otp_span_t) { (const char *) secret, len };
    status = otp_type_rules(key->type)->codes(&how, first, count, codes);
    otp_secret_wipe(secret, sizeof(secret));

    return status == OTP_OK ? OTP_OK : OTP_FAILED;
}


/* Which step shows `value`: the narrow window before the wide one, an unspent step before a spent one. */
static void otp_match_code(const otp_key_t *key, const uint32_t *codes, int64_t first, int64_t centre,
    const otp_limits_t *limits, uint32_t value, otp_match_t *match)
{
    match->code = OTP_CODE_WRONG;

    for (int64_t i = 0; i <= 2 * limits->wide_window; i++) {
        int64_t    step = first + i;
        bool       near = step >= centre - limits->window && step <= centre + limits->window;
        otp_code_t code = step <= key->step ? OTP_CODE_SPENT : near ? OTP_CODE_FRESH : OTP_CODE_WIDE;
        bool       equal = otp_secret_equal(&codes[i], &value, sizeof(value));

        if (equal && (match->code == OTP_CODE_WRONG || code == OTP_CODE_FRESH
                      || (code == OTP_CODE_WIDE && match->code == OTP_CODE_SPENT)))
        {
            match->code = code;
            match->step = step;
        }
    }
}


otp_status_t otp_match_passcode(otp_keyring_t *ring, const otp_limits_t *limits, const otp_key_t *key,
    otp_span_t passcode, int64_t now_s, otp_match_t *match)
{
    int64_t    centre = otp_key_step(key, now_s), first = centre - limits->wide_window;
    uint32_t   codes[2 * OTP_WINDOW_MAX + 1];
    bool       long_enough = passcode.len >= key->digits;
    otp_span_t pin = { passcode.data, long_enough ? passcode.len - key->digits : 0 }, code = passcode;

    if (limits->wide_window > OTP_WINDOW_MAX
        || otp_key_codes(ring, key, first, (size_t) (2 * limits->wide_window + 1), codes) != OTP_OK)
    {
        return OTP_FAILED;
    }

    if (pin.len != 0) {
        code = (otp_span_t) { passcode.data + pin.len, key->digits };
    }

    otp_match_code(key, codes, first, centre, limits, long_enough ? otp_code_value(code) : UINT32_MAX, match);
    match->pin_right = otp_pin_matches(ring, otp_span_of(key->serial), pin, &key->pin);
    if (!key->pin.set) {
        match->pin_right = pin.len == 0;
    }
    otp_secret_wipe(codes, sizeof(codes));

    return OTP_OK;
}


otp_status_t otp_match_step(otp_keyring_t *ring, const otp_key_t *key, otp_span_t code, int64_t step, bool *right,
    bool *again)
{
    uint32_t codes[2], value = code.len == key->digits ? otp_code_value(code) : UINT32_MAX;

    if (otp_key_codes(ring, key, step - 1, 2, codes) != OTP_OK) {
        return OTP_FAILED;
    }

    *again = otp_secret_equal(&codes[0], &value, sizeof(value));
    *right = otp_secret_equal(&codes[1], &value, sizeof(value));
    otp_secret_wipe(codes, sizeof(codes));

    return OTP_OK;
}
