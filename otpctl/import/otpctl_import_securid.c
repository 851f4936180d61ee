#include "otpctl/import/otpctl_import_securid.h"

#include <stdio.h>
#include <stdlib.h>
#include <stoken.h>
#include <string.h>

#define SERIAL_DIGITS   12
#define FLAGS_DIGIT     (1 + SERIAL_DIGITS + 128 / 3 + 1)   /* the octal digit with the bits 129 to 131 of a token */
#define BIT_128         4                                   /* 129: the seed has 128 bits, not 64 */

/* A code with the PIN "0000" added to it, digit by digit, is the code itself. */
static bool count_digits(struct stoken_ctx *ctx, otpctl_import_key_t *key)
{
    char code[STOKEN_MAX_TOKENCODE + 1] = "";
    int  status = stoken_compute_tokencode(ctx, 1000000000, stoken_pin_required(ctx) ? "0000" : NULL, code);

    key->digits = (unsigned) strlen(code);
    otp_secret_wipe(code, sizeof(code));
    return status == 0;
}


static bool take_secret(struct stoken_ctx *ctx, otpctl_import_key_t *key, otpctl_import_error_t *error)
{
    char *token = stoken_encrypt_seed(ctx, NULL, NULL);
    bool  fine = token && strlen(token) <= sizeof(key->secret) && strlen(token) > FLAGS_DIGIT;

    if (!fine) {
        (void) otpctl_import_refuse(error, key->line, "the token cannot be kept");
    } else if (!((token[FLAGS_DIGIT] - '0') & BIT_128)) {
        fine = otpctl_import_refuse(error, key->line, "token %s is one of 64 bits", key->serial);
    } else {
        key->len = strlen(token);
        memcpy(key->secret, token, key->len);
    }
    if (token) {
        otp_secret_wipe(token, strlen(token));
    }
    free(token);
    return fine;
}


/* An sdtid token without a password was opened when it was imported, which took half of the time it takes. */
static bool is_open(struct stoken_ctx *ctx)
{
    char *token = stoken_encrypt_seed(ctx, NULL, NULL);
    bool  open = token != NULL;

    if (open) {
        otp_secret_wipe(token, strlen(token));
    }
    free(token);
    return open;
}


static bool unlock(struct stoken_ctx *ctx, const char *password, otpctl_import_key_t *key,
    otpctl_import_error_t *error)
{
    if (stoken_devid_required(ctx)) {
        return otpctl_import_refuse(error, key->line, "the token is bound to a device: export it without the "
                                    "device's id");
    }
    if (stoken_pass_required(ctx) && !password) {
        return otpctl_import_refuse(error, key->line, "the token is locked with a password (give it with "
                                    "--key-file), or it was changed");
    }
    return is_open(ctx) || stoken_decrypt_seed(ctx, password, NULL) == 0
        || otpctl_import_refuse(error, key->line, stoken_pass_required(ctx)
                                ? "the token does not open: the password is a wrong one, or it was changed"
                                : "the token does not open: it was changed");
}


static bool read_info(struct stoken_ctx *ctx, otpctl_import_key_t *key, otpctl_import_error_t *error)
{
    struct stoken_info *info = stoken_get_info(ctx);
    bool                fine;

    if (!info) {
        return otpctl_import_refuse(error, key->line, "out of memory");
    }
    fine = strlen(info->serial) == SERIAL_DIGITS && strspn(info->serial, "0123456789") == SERIAL_DIGITS;
    if (fine) {
        (void) snprintf(key->serial, sizeof(key->serial), "%s", info->serial);
        key->type = OTP_TYPE_SECURID;
        key->period_s = info->interval;
        key->expires = (int64_t) info->exp_date;
    }
    free(info);
    return (fine && count_digits(ctx, key))
        || otpctl_import_refuse(error, key->line, "the token's serial number has not %d digits", SERIAL_DIGITS);
}


bool otpctl_import_securid(const char *token, const char *password, otpctl_import_key_t *key,
    otpctl_import_error_t *error)
{
    struct stoken_ctx *ctx = stoken_new();
    bool               fine;

    if (!ctx) {
        return otpctl_import_refuse(error, key->line, "out of memory");
    }
    if (stoken_import_string(ctx, token) != 0) {
        stoken_destroy(ctx);
        return otpctl_import_refuse(error, key->line, "this is no token: something is missing, or its checksum is "
                                    "wrong");
    }
    fine = unlock(ctx, password, key, error) && read_info(ctx, key, error) && take_secret(ctx, key, error);
    stoken_destroy(ctx);
    return fine;
}
