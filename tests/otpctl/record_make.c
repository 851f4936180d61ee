/*
 * Writes the records that otpctl itself cannot make, for the tests of otpctl: what a portal leaves in Redis.
 *
 *     record_make KEYRING session NAME UID LEVEL METHOD PROVEN SERIAL CREATED EXPIRES IDLE
 *     record_make KEYRING account NAME SERIAL PIN STEP DRIFT USED FAILURES LOCKED_UNTIL PENDING   < record
 *     record_make KEYRING wanted NAME UID AT                                                      < record
 *     record_make KEYRING asks NAME UID SERIAL AT
 *
 * The record goes to standard output; the second form and the third, of a key of the stock, change the one on
 * standard input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/otp_session.h"
#include "core/model/otp_stock.h"
#include "tests/keyring_load.h"

#define BYTES_MAX   16384

static bool make_session(otp_keyring_t *ring, char **arg, char *record, size_t *len)
{
    otp_session_t session = {
        .person = { .uid = otp_span_of(arg[1]), .name = OTP_SPAN("A Person"), .groups = OTP_SPAN("staff") },
        .level = (otp_level_t) atoi(arg[2]), .method = (otp_auth_t) atoi(arg[3]), .password_proven = atoi(arg[4]) != 0,
        .serial = otp_span_of(arg[5]), .created = atoll(arg[6]), .auth_time = atoll(arg[6]), .expires = atoll(arg[7]),
        .idle_s = atoll(arg[8])
    };

    session.otp_time = session.level == OTP_LEVEL_OTP ? session.created : 0;
    return otp_session_write(ring, otp_span_of(arg[0]), &session, record, BYTES_MAX, len) == OTP_OK;
}


static bool make_account(otp_keyring_t *ring, char **arg, char *record, size_t *len)
{
    static const uint8_t salt[OTP_SALT_LEN] = { 1, 2, 3 };
    otp_account_t        account;
    size_t               read_len = fread(record, 1, BYTES_MAX, stdin);
    otp_span_t           name = otp_span_of(arg[0]), serial = otp_span_of(arg[1]);

    if (otp_account_read(ring, name, (otp_span_t) { record, read_len }, &account) != OTP_OK) {
        return false;
    }
    otp_key_t *key = otp_account_key(&account, serial);

    if (!key || (*arg[2] && otp_pin_set(ring, serial, otp_span_of(arg[2]), salt, &key->pin) != OTP_OK)) {
        return false;
    }
    key->step = atoll(arg[3]);
    key->drift = atoll(arg[4]);
    key->used = atoll(arg[5]);
    account.unknown.failures = atoll(arg[6]);
    account.unknown.locked_until = atoll(arg[7]);
    if (atoi(arg[8])) {
        account.pending = (otp_account_pending_t) {
            .kind = OTP_PENDING_PIN, .id = "0123456789012345678901", .until = 1
        };
        memcpy(account.pending.serial, key->serial, sizeof(key->serial));
    }
    account.revision++;
    return otp_account_write(ring, name, &account, record, BYTES_MAX, len) == OTP_OK;
}


static bool make_wanted(otp_keyring_t *ring, char **arg, char *record, size_t *len)
{
    otp_stock_t stock;
    size_t      read_len = fread(record, 1, BYTES_MAX, stdin);
    otp_span_t  name = otp_span_of(arg[0]);

    if (otp_stock_read(ring, name, (otp_span_t) { record, read_len }, &stock) != OTP_OK) {
        return false;
    }
    (void) snprintf(stock.wanted, sizeof(stock.wanted), "%s", arg[1]);
    stock.wanted_at = atoll(arg[2]);
    return otp_stock_write(ring, name, &stock, record, BYTES_MAX, len) == OTP_OK;
}


static bool make_asks(otp_keyring_t *ring, char **arg, char *record, size_t *len)
{
    otp_account_t account;

    otp_account_init(&account, otp_span_of(arg[1]));
    account.request.state = OTP_ACTIVATION_WAITING;
    (void) snprintf(account.request.serial, sizeof(account.request.serial), "%s", arg[2]);
    account.request.at = atoll(arg[3]);
    (void) snprintf(account.contact.name, sizeof(account.contact.name), "A Person");
    return otp_account_write(ring, otp_span_of(arg[0]), &account, record, BYTES_MAX, len) == OTP_OK;
}


static const struct {
    const char *kind;
    int         argc;
    bool      (*make)(otp_keyring_t *ring, char **arg, char *record, size_t *len);
} kinds[] = {
    { "session", 12, make_session }, { "account", 12, make_account }, { "wanted", 6, make_wanted },
    { "asks", 7, make_asks },
};


int main(int argc, char **argv)
{
    static char    record[BYTES_MAX];
    size_t         len = 0;
    bool           made = false;
    otp_keyring_t *ring = argc > 2 ? keyring_load(argv[1]) : NULL;

    for (size_t i = 0; ring && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(argv[2], kinds[i].kind) == 0 && argc == kinds[i].argc) {
            made = kinds[i].make(ring, argv + 3, record, &len);
        }
    }
    otp_keyring_destroy(ring);
    return made && fwrite(record, 1, len, stdout) == len ? 0 : 1;
}
