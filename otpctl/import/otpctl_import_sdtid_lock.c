#include "otpctl/import/otpctl_import_sdtid_lock.h"

#include <openssl/evp.h>
#include <string.h>

#include "otpctl/import/otpctl_import_sdtid_part.h"

#define BLOCK           OTPCTL_AES_BLOCK
#define DIGITS          (BLOCK / 3 * 4 + 4)     /* of a block in base64 */
#define LABEL           8
#define FIELD           OTPCTL_SDTID_FIELD
#define ROUNDS          1000

typedef struct {
    otp_span_t         origin, dest, name;
    otpctl_xml_node_t *secret_node, *mac_node;
    uint8_t            secret[BLOCK], mac[BLOCK];
} lock_t;

static bool read_lock(otpctl_xml_node_t *header, lock_t *lock)
{
    const otpctl_xml_node_t *origin = otpctl_sdtid_find(header, "Origin", NULL);
    const otpctl_xml_node_t *dest = otpctl_sdtid_find(header, "Dest", NULL);
    const otpctl_xml_node_t *name = otpctl_sdtid_find(header, "Name", NULL);

    lock->secret_node = otpctl_sdtid_find(header, "Secret", NULL);
    lock->mac_node = otpctl_sdtid_find(header, "HeaderMAC", NULL);
    if (!origin || !dest || !name || !lock->secret_node || !lock->mac_node) {
        return false;
    }
    lock->origin = otpctl_xml_text(origin);
    lock->dest = otpctl_xml_text(dest);
    lock->name = otpctl_xml_text(name);
    return otpctl_sdtid_block(lock->secret_node->text, lock->secret)
        && otpctl_sdtid_block(lock->mac_node->text, lock->mac);
}


bool otpctl_sdtid_own_lock(otpctl_xml_node_t *token)
{
    static const char *const names[] = { "Origin", "Dest", "Name", "Secret", "HeaderMAC" };
    size_t                   elements = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && elements == 0; i++) {
        (void) otpctl_sdtid_find(token, names[i], &elements);
    }
    return elements != 0;
}


/* Of each round only the last block is another one: what comes before it is chained once, and those of all rounds are
 * encrypted together. */
static bool stretch(const lock_t *lock, otp_span_t password, uint8_t hash[BLOCK])
{
    static const uint8_t zero[BLOCK];
    uint8_t              key[BLOCK], text[2 * FIELD], round[ROUNDS][BLOCK];
    uint8_t             *chained = text + sizeof(text) - BLOCK;
    bool                 fine;

    otpctl_sdtid_put(key, sizeof(key), lock->name);
    otpctl_sdtid_put(text, FIELD, password);
    otpctl_sdtid_put(text + FIELD, FIELD, lock->dest);
    fine = otpctl_aes_encrypt(key, zero, text, sizeof(text));
    for (size_t i = 0; i < ROUNDS; i++) {
        memcpy(round[i], chained, BLOCK);
        round[i][BLOCK - 1] ^= (uint8_t) i;
        round[i][BLOCK - 2] ^= (uint8_t) (i >> 8);
    }
    fine = fine && otpctl_aes_encrypt(key, NULL, round[0], sizeof(round));
    memset(hash, 0, BLOCK);
    for (size_t i = 0; i < ROUNDS; i++) {
        otpctl_aes_mix(hash, round[i]);
    }
    otp_secret_wipe(text, sizeof(text));
    otp_secret_wipe(round, sizeof(round));
    return fine;
}


/* The file's key under the lock of this password is its <Secret>; the same once more opens it. */
static bool turn(const lock_t *lock, otp_span_t password, uint8_t secret[BLOCK])
{
    uint8_t hash[BLOCK], mask[BLOCK];
    bool    fine = stretch(lock, password, hash);

    otpctl_sdtid_put(mask, LABEL, OTP_SPAN("Secret"));
    otpctl_sdtid_put(mask + LABEL, LABEL, lock->name);
    fine = fine && otpctl_aes_encrypt(hash, NULL, mask, sizeof(mask));
    otpctl_aes_mix(secret, mask);
    otp_secret_wipe(hash, sizeof(hash));
    otp_secret_wipe(mask, sizeof(mask));
    return fine;
}


static bool authenticate(const otpctl_xml_node_t *header, const lock_t *lock, const uint8_t file_key[BLOCK],
    uint8_t mac[BLOCK])
{
    static const uint8_t iv[BLOCK] = {
        0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c
    };
    uint8_t              key[BLOCK];
    bool                 fine = otpctl_sdtid_key(file_key, "BatchMAC", lock->name, iv, key)
        && otpctl_sdtid_mac(header, key, iv, mac);

    otp_secret_wipe(key, sizeof(key));
    return fine;
}


/* OTP_INVALID: the password is not this file's, or the header is not as it was. */
static otp_status_t open_with(const otpctl_xml_node_t *header, const lock_t *lock, otp_span_t password,
    uint8_t file_key[BLOCK])
{
    uint8_t mac[BLOCK];

    memcpy(file_key, lock->secret, BLOCK);
    if (!turn(lock, password, file_key) || !authenticate(header, lock, file_key, mac)) {
        return OTP_FAILED;
    }
    return otp_secret_equal(mac, lock->mac, BLOCK) ? OTP_OK : OTP_INVALID;
}


/* The header with the file's key under the Origin. */
static bool write_relocked(otpctl_xml_node_t *header, const lock_t *lock, const uint8_t file_key[BLOCK],
    otp_buffer_t *out)
{
    otp_span_t secret_text = lock->secret_node->text, mac_text = lock->mac_node->text;
    uint8_t    secret[BLOCK], mac[BLOCK];
    char       secret_digits[DIGITS + 1], mac_digits[DIGITS + 1];
    bool       fine;

    memcpy(secret, file_key, BLOCK);
    fine = turn(lock, lock->origin, secret);
    (void) EVP_EncodeBlock((unsigned char *) secret_digits, secret, BLOCK);
    lock->secret_node->text = (otp_span_t) { secret_digits, DIGITS };
    fine = fine && authenticate(header, lock, file_key, mac);
    if (fine) {
        (void) EVP_EncodeBlock((unsigned char *) mac_digits, mac, BLOCK);
        lock->mac_node->text = (otp_span_t) { mac_digits, DIGITS };
        otpctl_xml_write(header, NULL, out);
    }
    lock->secret_node->text = secret_text;
    lock->mac_node->text = mac_text;
    otp_secret_wipe(secret, sizeof(secret));
    otp_secret_wipe(secret_digits, sizeof(secret_digits));
    return fine && !out->overflow;
}


otpctl_sdtid_lock_t otpctl_sdtid_open(otpctl_xml_node_t *header, const char *password, uint8_t file_key[BLOCK],
    otp_buffer_t *out)
{
    lock_t              lock;
    otp_status_t        opened = OTP_FAILED;
    otpctl_sdtid_lock_t result = OTPCTL_SDTID_LEFT;

    if (read_lock(header, &lock)) {
        opened = open_with(header, &lock, lock.origin, file_key);
    }
    if (opened == OTP_OK) {
        result = OTPCTL_SDTID_OPEN;
    } else if (opened == OTP_INVALID && password) {
        opened = open_with(header, &lock, otp_span_of(password), file_key);
        if (opened == OTP_INVALID) {
            result = OTPCTL_SDTID_SHUT;
        } else if (opened == OTP_OK && write_relocked(header, &lock, file_key, out)) {
            result = OTPCTL_SDTID_RELOCKED;
        }
    }
    if (result != OTPCTL_SDTID_RELOCKED) {
        out->len = 0;
    }
    if (result == OTPCTL_SDTID_LEFT || result == OTPCTL_SDTID_SHUT) {
        otp_secret_wipe(file_key, BLOCK);
    }
    otp_secret_wipe(&lock, sizeof(lock));
    return result;
}
