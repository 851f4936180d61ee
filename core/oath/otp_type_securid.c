#include "core/oath/otp_type.h"

#include <stdlib.h>
#include <string.h>

#include <stoken.h>

/* SecurID, 128 bits, through libstoken. */

#define OTP_SECURID_DIGITS  81                      /* of a token as libstoken encodes it */
#define OTP_SECURID_STEP    ((int64_t) 1 << 42)     /* beyond it there is no date any more */

/* Of a token that asks for a PIN libstoken adds its digits to those of the code; these add nothing.  Our PIN is a
 * prefix of the passcode and no business of the token. */
#define OTP_SECURID_NO_PIN  "0000"

/* Nobody's token. */
#define OTP_SECURID_BLANK   "209594812462963575563457373075106454643777012350731231464152055376464632716726211"


static void otp_securid_close(struct stoken_ctx *token)
{
    /* libstoken frees the seed as it is.  Another import is written into the memory that is freed for it. */
    (void) stoken_import_string(token, OTP_SECURID_BLANK);
    stoken_destroy(token);
}


/* Digits only: libstoken would take addresses and XML as well. */
OTP_MUST_USE static bool otp_securid_encoded(otp_span_t secret, char text[OTP_SECURID_DIGITS + 1])
{
    if (secret.len != OTP_SECURID_DIGITS) {
        return false;
    }

    for (size_t i = 0; i < secret.len; i++) {
        if (secret.data[i] < '0' || secret.data[i] > '9') {
            return false;
        }
        text[i] = secret.data[i];
    }
    text[secret.len] = '\0';

    return true;
}


/* A token that is ready to make codes; NULL when it is none. */
static struct stoken_ctx *otp_securid_open(otp_span_t secret)
{
    char               text[OTP_SECURID_DIGITS + 1];
    bool               ready;
    struct stoken_ctx *token;

    if (!otp_securid_encoded(secret, text)) {
        return NULL;
    }

    token = stoken_new();
    ready = token != NULL && stoken_import_string(token, text) == 0 && !stoken_pass_required(token)
            && !stoken_devid_required(token) && stoken_decrypt_seed(token, NULL, NULL) == 0;
    otp_secret_wipe(text, sizeof(text));
    if (!ready && token != NULL) {
        otp_securid_close(token);
        return NULL;
    }

    return token;
}


OTP_MUST_USE static bool otp_securid_info(struct stoken_ctx *token, int64_t *interval_s, int64_t *expires)
{
    struct stoken_info *info = stoken_get_info(token);

    if (info == NULL) {
        return false;
    }

    *interval_s = info->interval;
    *expires = (int64_t) info->exp_date;
    free(info);

    return true;
}


/* The number of digits is known by the codes only. */
OTP_MUST_USE static bool otp_securid_code(struct stoken_ctx *token, int64_t time_s, unsigned digits, uint32_t *code)
{
    char     text[STOKEN_MAX_TOKENCODE + 1];
    uint32_t value = 0;
    bool     made = stoken_compute_tokencode(token, (time_t) time_s, OTP_SECURID_NO_PIN, text) == 0
                    && strlen(text) == digits;

    for (size_t i = 0; made && i < digits; i++) {
        value = value * 10 + (uint32_t) (text[i] - '0');
    }
    otp_secret_wipe(text, sizeof(text));
    *code = value;

    return made;
}


OTP_MUST_USE static const char *otp_securid_unfit(struct stoken_ctx *token, const otp_type_secret_t *secret)
{
    int64_t  interval_s, expires;
    uint32_t code;

    /* Tokens may say one to eight; an account's record holds no such key. */
    if (secret->digits < OTP_DIGITS_MIN || secret->digits > OTP_DIGITS_MAX) {
        return "the codes have not 6 to 8 digits";
    }

    if (!otp_securid_info(token, &interval_s, &expires) || interval_s != secret->period_s) {
        return "the period is not that of the token";
    }

    if (!otp_securid_code(token, 0, secret->digits, &code)) {
        return "the codes of the token have another number of digits";
    }

    return NULL;
}


static bool otp_type_securid_valid(const otp_type_secret_t *secret, const char **reason)
{
    struct stoken_ctx *token = otp_securid_open(secret->secret);
    const char        *unfit;

    if (token == NULL) {
        *reason = "it is no SecurID token of 128 bits without a password and a device";
        return false;
    }

    unfit = otp_securid_unfit(token, secret);
    otp_securid_close(token);
    if (unfit != NULL) {
        *reason = unfit;
    }

    return unfit == NULL;
}


static otp_status_t otp_type_securid_codes(const otp_type_secret_t *secret, int64_t first, size_t count,
    uint32_t *codes)
{
    int64_t            interval_s, expires;
    struct stoken_ctx *token = first < OTP_SECURID_STEP ? otp_securid_open(secret->secret) : NULL;
    bool               done;

    if (token == NULL) {
        return OTP_INVALID;
    }

    done = otp_securid_info(token, &interval_s, &expires) && interval_s == secret->period_s;
    for (size_t i = 0; done && i < count; i++) {
        int64_t step = first + (int64_t) i;

        codes[i] = UINT32_MAX;
        done = step < 0 || otp_securid_code(token, step * secret->period_s, secret->digits, &codes[i]);
    }
    otp_securid_close(token);
    if (!done) {
        otp_secret_wipe(codes, count * sizeof(codes[0]));
        return OTP_INVALID;
    }

    return OTP_OK;
}


static int64_t otp_type_securid_expires(const otp_type_secret_t *secret)
{
    int64_t            interval_s, expires = 0;
    struct stoken_ctx *token = otp_securid_open(secret->secret);

    if (token != NULL) {
        if (!otp_securid_info(token, &interval_s, &expires)) {
            expires = 0;
        }
        otp_securid_close(token);
    }

    return expires;
}


const otp_type_rules_t otp_type_securid = {
    "securid", true, otp_type_securid_valid, otp_type_securid_codes, otp_type_securid_expires
};
