#include "core/decide/otp_match.h"

/* No code of any key, and not what stands for a step without a code either. */
#define OTP_CODE_NONE   (UINT32_MAX - 1)

/* What is compared with a passcode's code, and what each step would be worth. */
typedef struct {
    int64_t first, count;           /* the steps of the wide window */
    int64_t near_first, near_last;  /* the window */
} otp_window_t;


static bool otp_key_timed(const otp_key_t *key)
{
    return otp_type_rules(key->type)->timed;
}


int64_t otp_key_step(const otp_key_t *key, int64_t now_s)
{
    return otp_key_timed(key) ? otp_totp_step(now_s, key->period_s) + key->drift : key->step;
}


static otp_window_t otp_key_window(const otp_key_t *key, const otp_limits_t *limits, int64_t now_s)
{
    int64_t centre = otp_key_step(key, now_s);

    if (otp_key_timed(key)) {
        return (otp_window_t) {
            .first = centre - limits->wide_window, .count = 2 * limits->wide_window + 1,
            .near_first = centre - limits->window, .near_last = centre + limits->window
        };
    }

    return (otp_window_t) {
        .first = centre - limits->look_ahead_wide + 1, .count = 2 * limits->look_ahead_wide,
        .near_first = centre + 1, .near_last = centre + limits->look_ahead
    };
}


bool otp_key_near(const otp_key_t *key, const otp_limits_t *limits, int64_t step, int64_t now_s)
{
    otp_window_t window = otp_key_window(key, limits, now_s);

    return step > key->step && step >= window.near_first && step <= window.near_last;
}


int64_t otp_key_doubtful(const otp_key_t *key, const otp_limits_t *limits, const otp_doubt_t *doubt, int64_t step,
    int64_t now_s)
{
    otp_window_t window = otp_key_window(key, limits, now_s);
    bool         near = step >= window.near_first && step <= window.near_last;
    int64_t      last;

    if (doubt->floor_s <= 0 || !otp_key_timed(key)) {
        return doubt->remembered;
    }

    last = otp_key_step(key, doubt->floor_s) + (near ? limits->window : limits->wide_window);

    return last > doubt->remembered ? last : doubt->remembered;
}


int64_t otp_key_wait(const otp_key_t *key, int64_t step, int64_t now_s)
{
    int64_t wait = otp_key_timed(key) ? (step + 1 - key->drift) * key->period_s - now_s : 1;

    return wait < 1 ? 1 : wait;
}


int64_t otp_key_doubt_wait(const otp_key_t *key, const otp_limits_t *limits, const otp_doubt_t *doubt, int64_t step,
    int64_t now_s)
{
    otp_key_t clock = *key;
    int64_t   last = otp_key_doubtful(key, limits, doubt, step, now_s);

    if (step > last) {
        return 0;
    }
    /* Of a key that is out of the window the code itself says what its clock shows. */
    if (!otp_key_near(key, limits, step, now_s)) {
        otp_key_learn(&clock, step, now_s);
    }

    return otp_key_wait(&clock, last, now_s);
}


void otp_key_learn(otp_key_t *key, int64_t step, int64_t now_s)
{
    key->step = step;
    if (!otp_key_timed(key)) {
        return;
    }

    key->drift = step - otp_totp_step(now_s, key->period_s);
    if (key->drift_since == 0) {
        key->drift_first = key->drift;
        key->drift_since = now_s;
    }
}


uint32_t otp_key_code_value(const otp_key_t *key, otp_span_t code)
{
    uint32_t value = 0;
    bool     digits = code.len == key->digits;

    for (size_t i = 0; i < code.len; i++) {
        digits &= code.data[i] >= '0' && code.data[i] <= '9';
        value = value * 10 + (uint32_t) ((uint8_t) code.data[i] - '0') % 10;
    }

    return digits ? value : OTP_CODE_NONE;
}


otp_status_t otp_key_codes(otp_keyring_t *ring, const otp_key_t *key, int64_t first, size_t count, uint32_t *codes)
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
static void otp_match_code(const otp_key_t *key, const uint32_t *codes, const otp_window_t *window, uint32_t value,
    otp_match_t *match)
{
    match->code = OTP_CODE_WRONG;

    for (int64_t i = 0; i < window->count; i++) {
        int64_t    step = window->first + i;
        bool       near = step >= window->near_first && step <= window->near_last;
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
    otp_window_t window = otp_key_window(key, limits, now_s);
    uint32_t     codes[2 * OTP_WINDOW_MAX + 1];
    size_t       pin_len = passcode.len > key->digits ? passcode.len - key->digits : 0;
    otp_span_t   pin = { passcode.data, pin_len }, code = { passcode.data, passcode.len - pin_len };

    if (window.count > 2 * OTP_WINDOW_MAX + 1
        || otp_key_codes(ring, key, window.first, (size_t) window.count, codes) != OTP_OK)
    {
        return OTP_FAILED;
    }

    if (pin_len != 0) {
        code.data += pin_len;
    }

    otp_match_code(key, codes, &window, otp_key_code_value(key, code), match);
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
    uint32_t codes[2], value = otp_key_code_value(key, code);

    if (otp_key_codes(ring, key, step - 1, 2, codes) != OTP_OK) {
        return OTP_FAILED;
    }

    *again = otp_secret_equal(&codes[0], &value, sizeof(value));
    *right = otp_secret_equal(&codes[1], &value, sizeof(value));
    otp_secret_wipe(codes, sizeof(codes));

    return OTP_OK;
}
