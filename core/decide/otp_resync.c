#include "core/decide/otp_resync.h"

#include <stdlib.h>

#define OTP_RESYNC_CHUNK    512     /* steps looked at together */

/* Where two consecutive codes are looked for, and where they were found. */
typedef struct {
    int64_t  first, last;       /* steps of the first code */
    int64_t  centre;            /* where the key should be */
    uint32_t value, next_value;
    int64_t  found;             /* step of the first code; -1: nowhere */
} otp_search_t;


/* After the last accepted step, whatever the clock says. */
static void otp_search_bound(otp_search_t *search, const otp_key_t *key, int64_t now_s)
{
    int64_t reach = OTP_RESYNC_EVENTS;

    search->centre = otp_key_step(key, now_s);
    search->first = search->centre + 1;
    if (otp_type_rules(key->type)->timed) {
        reach = OTP_RESYNC_S / key->period_s;
        search->first = search->centre - reach;
    }

    search->last = search->centre + reach;
    if (search->first <= key->step) {
        search->first = key->step + 1;
    }
}


/* Every pair is compared; of several the one nearest to where the key should be counts. */
static void otp_search_pairs(otp_search_t *search, int64_t first, int64_t pairs, const uint32_t *codes)
{
    for (int64_t i = 0; i < pairs; i++) {
        bool one = otp_secret_equal(&codes[i], &search->value, sizeof(search->value));
        bool two = otp_secret_equal(&codes[i + 1], &search->next_value, sizeof(search->next_value));

        if (one && two && (search->found < 0
                           || llabs(first + i - search->centre) < llabs(search->found - search->centre)))
        {
            search->found = first + i;
        }
    }
}


OTP_MUST_USE static otp_status_t otp_search(otp_keyring_t *ring, const otp_key_t *key, otp_search_t *search)
{
    uint32_t     codes[OTP_RESYNC_CHUNK + 1];
    otp_status_t status = OTP_OK;

    for (int64_t first = search->first; first <= search->last && status == OTP_OK; first += OTP_RESYNC_CHUNK) {
        int64_t left = search->last - first + 1, pairs = left < OTP_RESYNC_CHUNK ? left : OTP_RESYNC_CHUNK;

        status = otp_key_codes(ring, key, first, (size_t) pairs + 1, codes);
        if (status == OTP_OK) {
            otp_search_pairs(search, first, pairs, codes);
        }
    }
    otp_secret_wipe(codes, sizeof(codes));

    return status;
}


otp_status_t otp_resync(otp_keyring_t *ring, const otp_key_t *key, otp_span_t code, otp_span_t next_code,
    int64_t now_s, otp_key_t *next)
{
    otp_search_t search = {
        .value = otp_key_code_value(key, code), .next_value = otp_key_code_value(key, next_code), .found = -1
    };

    *next = *key;
    otp_search_bound(&search, key, now_s);
    if (otp_search(ring, key, &search) != OTP_OK) {
        return OTP_FAILED;
    }

    /* The same code twice proves one code only, however rarely a key shows it so. */
    if (search.found < 0 || otp_secret_equal(&search.value, &search.next_value, sizeof(search.value))) {
        return OTP_INVALID;
    }

    otp_key_learn(next, search.found + 1, now_s);

    return OTP_OK;
}


otp_status_t otp_key_shows(otp_keyring_t *ring, const otp_key_t *key, otp_span_t code, int64_t now_s,
    const otp_limits_t *limits, int64_t *step)
{
    otp_match_t match = { 0 };
    otp_key_t   bare = *key;

    /* The code alone is asked for, whether there is a PIN or not. */
    bare.pin.set = false;
    if (otp_match_passcode(ring, limits, &bare, code, now_s, &match) != OTP_OK) {
        return OTP_FAILED;
    }

    switch (match.code) {
    case OTP_CODE_WRONG:
    case OTP_CODE_SPENT:
        return OTP_INVALID;
    case OTP_CODE_FRESH:
    case OTP_CODE_WIDE:
        *step = match.step;
        return match.pin_right ? OTP_OK : OTP_INVALID;
    }

    return OTP_FAILED;
}
