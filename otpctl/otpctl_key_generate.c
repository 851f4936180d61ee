#include <string.h>

#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_store.h"

#define SERIAL_DIGITS   10
#define ATTEMPTS        8       /* of finding a serial that is free */
#define URI_MAX         512
#define ISSUER          OTP_SPAN("OTP")

/* A key and its seed, until it is sealed and printed. */
typedef struct {
    otp_stock_t stock;
    uint8_t     seed[OTP_SEED_MAX];
    size_t      len;
} fresh_t;

static bool read_number(const char *text, const char *option, int64_t min, int64_t max, int64_t *number)
{
    if (!text) {
        return true;
    }
    if (otp_span_number(otp_span_of(text), number) == OTP_OK && *number >= min && *number <= max) {
        return true;
    }
    otpctl_say("--%s %s: a number from %lld to %lld", option, text, (long long) min, (long long) max);
    return false;
}


/* A key whose seed is made here, with the period that its type begins with. */
static bool read_type(const otpctl_options_t *options, otp_key_t *key)
{
    key->type = OTP_TYPE_TOTP;
    if (options->type && (otp_type_parse(otp_span_of(options->type), &key->type) != OTP_OK
                          || key->type == OTP_TYPE_SECURID))
    {
        otpctl_say("--type %s: totp or hotp", options->type);
        return false;
    }
    key->period_s = otp_type_rules(key->type)->timed ? 60 : 0;
    if (key->period_s == 0 && options->period) {
        otpctl_say("--period: a key that shows a code for each press of its button has none");
        return false;
    }
    return true;
}


static bool read_options(const otpctl_options_t *options, otp_key_t *key)
{
    int64_t digits = OTP_DIGITS_MIN;

    key->algorithm = OTP_SHA1;
    if (!read_type(options, key)) {
        return false;
    }
    if (!read_number(options->period, "period", OTP_PERIOD_MIN, OTP_PERIOD_MAX, &key->period_s)
        || !read_number(options->digits, "digits", OTP_DIGITS_MIN, OTP_DIGITS_MAX, &digits))
    {
        return false;
    }
    key->digits = (unsigned) digits;
    if (options->algorithm && otp_algorithm_parse(otp_span_of(options->algorithm), &key->algorithm) != OTP_OK) {
        otpctl_say("--algorithm %s: sha1, sha256 or sha512", options->algorithm);
        return false;
    }
    if (options->serial && otp_serial_canonical(otp_span_of(options->serial), key->serial) != OTP_OK) {
        otpctl_say("--serial %s: 1 to 64 letters, digits, - _ .", options->serial);
        return false;
    }
    return true;
}


/* As long as the digest of the algorithm (RFC 4226 section 4, R6). */
static size_t seed_len(otp_algorithm_t algorithm)
{
    switch (algorithm) {
    case OTP_SHA1:
        return 20;
    case OTP_SHA256:
        return 32;
    case OTP_SHA512:
        return 64;
    }
    return 0;
}


static void invent_serial(char serial[OTP_SERIAL_MAX + 1])
{
    uint64_t number;

    do {
        otpctl_random(&number, sizeof(number));
        /* Equally likely digits. */
    } while (number >= UINT64_MAX - UINT64_MAX % 10000000000);
    (void) snprintf(serial, OTP_SERIAL_MAX + 1, "%0*llu", SERIAL_DIGITS, (unsigned long long) (number % 10000000000));
}


static otpctl_status_t store(otpctl_t *ctl, fresh_t *fresh, bool *created)
{
    uint8_t     nonce[OTP_RANDOM_NONCE];
    otp_key_t  *key = &fresh->stock.key;
    otp_event_t event = {
        .event = OTP_SPAN("key_generate"), .verdict = OTP_SPAN("ok"), .serial = otp_span_of(key->serial)
    };

    otpctl_random(nonce, sizeof(nonce));
    if (otp_key_seal(ctl->ring, key, (otp_span_t) { (const char *) fresh->seed, fresh->len }, nonce) != OTP_OK) {
        otpctl_say("the seed cannot be sealed with key ring %s", ctl->keyring_file);
        return OTPCTL_REFUSED;
    }
    return otpctl_stock_create(ctl, &fresh->stock, &event, created);
}


static otp_status_t write_uri(const fresh_t *fresh, char *uri, size_t size, size_t *len)
{
    const otp_key_t *key = &fresh->stock.key;
    otp_span_t       seed = { (const char *) fresh->seed, fresh->len }, label = otp_span_of(key->serial);

    return otp_type_rules(key->type)->timed
        ? otp_otpauth_write(ISSUER, label, seed, key->algorithm, key->digits, key->period_s, uri, size, len)
        : otp_otpauth_write_hotp(ISSUER, label, seed, key->algorithm, key->digits, key->step, uri, size, len);
}


static otpctl_status_t print(const otpctl_t *ctl, const fresh_t *fresh)
{
    char             uri[URI_MAX];
    size_t           len;
    const otp_key_t *key = &fresh->stock.key;
    int              status = OTPCTL_DONE;

    if (write_uri(fresh, uri, sizeof(uri) - 1, &len) != OTP_OK) {
        otpctl_say("the URI of key %s cannot be written: delete the key and generate another", key->serial);
        return OTPCTL_REFUSED;
    }
    uri[len] = '\0';
    if (ctl->options->given & OTPCTL_JSON) {
        status = otpctl_print_json(json_pack("{s:s, s:s}", "serial", key->serial, "uri", uri));
    } else {
        puts(uri);
        otpctl_print_qr(uri);
    }
    otp_secret_wipe(uri, sizeof(uri));
    return (otpctl_status_t) status;
}


static otpctl_status_t generate(otpctl_t *ctl, fresh_t *fresh)
{
    bool            created = false;
    otpctl_status_t status = OTPCTL_DONE;

    for (int i = 0; i < ATTEMPTS && status == OTPCTL_DONE && !created; i++) {
        if (!ctl->options->serial) {
            invent_serial(fresh->stock.key.serial);
        }
        status = store(ctl, fresh, &created);
        if (ctl->options->serial) {
            break;
        }
    }
    if (status == OTPCTL_DONE && !created) {
        otpctl_say("key %s is in the stock already: take another serial", fresh->stock.key.serial);
        return OTPCTL_REFUSED;
    }
    return status == OTPCTL_DONE ? print(ctl, fresh) : status;
}


otpctl_status_t otpctl_key_generate_run(otpctl_t *ctl)
{
    fresh_t fresh = { .len = 0 };

    if (!read_options(ctl->options, &fresh.stock.key)) {
        return OTPCTL_USAGE;
    }
    fresh.len = seed_len(fresh.stock.key.algorithm);
    otpctl_random(fresh.seed, fresh.len);
    otpctl_status_t status = generate(ctl, &fresh);

    otp_secret_wipe(&fresh, sizeof(fresh));
    return status;
}
