#include "otpctl/import/otpctl_import_sdtid_lock.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK           16
#define DIGITS          (BLOCK / 3 * 4 + 4)     /* of a block in base64 */
#define LABEL           8
#define FIELD           32      /* what is longer is cut, here and in a label or a block */
#define ROUNDS          1000
#define COVERED_MAX     65536
#define PATH_LEN        512

typedef struct {
    otpctl_xml_node_t *node;
    size_t             elements;
} found_t;

typedef struct {
    otp_span_t         origin, dest, name;
    otpctl_xml_node_t *secret_node, *mac_node;
    uint8_t            secret[BLOCK], mac[BLOCK];
} lock_t;

/* What a header's MAC is made of. */
typedef struct {
    char         bytes[COVERED_MAX];
    size_t       len, gap;
    char         path_text[PATH_LEN];
    otp_buffer_t path;
    bool         fits;
} covered_t;

static bool is_leaf(const otpctl_xml_node_t *node)
{
    return !node->last || node->last->attribute;
}


/* DefX stands for X. */
static void search(otpctl_xml_node_t *node, const char *name, found_t *found)
{
    for (otpctl_xml_node_t *child = node->child; child; child = child->next) {
        otp_span_t own = child->name, prefix = OTP_SPAN("Def");

        if (child->attribute) {
            continue;
        }
        if (otp_span_starts(own, prefix)) {
            own = (otp_span_t) { own.data + prefix.len, own.len - prefix.len };
        }
        if (otp_span_equal(own, otp_span_of(name))) {
            found->node = child;
            found->elements++;
        }
        search(child, name, found);
    }
}


/* Which of several counts is libstoken's to say. */
static otpctl_xml_node_t *find_only(otpctl_xml_node_t *header, const char *name)
{
    found_t found = { 0 };

    search(header, name, &found);
    return found.elements == 1 && is_leaf(found.node) ? found.node : NULL;
}


static bool read_block(const otpctl_xml_node_t *node, uint8_t block[BLOCK])
{
    size_t len;

    return otpctl_xml_base64(node->text, block, BLOCK, &len) == OTP_OK && len == BLOCK;
}


static bool read_lock(otpctl_xml_node_t *header, lock_t *lock)
{
    const otpctl_xml_node_t *origin = find_only(header, "Origin"), *dest = find_only(header, "Dest");
    const otpctl_xml_node_t *name = find_only(header, "Name");

    lock->secret_node = find_only(header, "Secret");
    lock->mac_node = find_only(header, "HeaderMAC");
    if (!origin || !dest || !name || !lock->secret_node || !lock->mac_node) {
        return false;
    }
    lock->origin = otpctl_xml_text(origin);
    lock->dest = otpctl_xml_text(dest);
    lock->name = otpctl_xml_text(name);
    return read_block(lock->secret_node, lock->secret) && read_block(lock->mac_node, lock->mac);
}


bool otpctl_sdtid_own_lock(otpctl_xml_node_t *token)
{
    static const char *const names[] = { "Origin", "Dest", "Name", "Secret", "HeaderMAC" };
    found_t                  found = { 0 };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        search(token, names[i], &found);
    }
    return found.elements != 0;
}


/* Cut, or filled up with zeros. */
static void put(uint8_t *place, size_t size, otp_span_t text)
{
    memset(place, 0, size);
    if (text.len) {
        memcpy(place, text.data, text.len < size ? text.len : size);
    }
}


/* In place, whole blocks: chained when there is an `iv`, each on its own when there is none. */
static bool encrypt(const uint8_t key[BLOCK], const uint8_t *iv, uint8_t *bytes, size_t len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int             done = 0;
    bool            fine;

    fine = ctx && EVP_EncryptInit_ex2(ctx, iv ? EVP_aes_128_cbc() : EVP_aes_128_ecb(), key, iv, NULL)
        && EVP_CIPHER_CTX_set_padding(ctx, 0) && EVP_EncryptUpdate(ctx, bytes, &done, bytes, (int) len)
        && (size_t) done == len;
    EVP_CIPHER_CTX_free(ctx);
    return fine;
}


static void mix(uint8_t block[BLOCK], const uint8_t with[BLOCK])
{
    for (size_t i = 0; i < BLOCK; i++) {
        block[i] ^= with[i];
    }
}


/* Of each round only the last block is another one: what comes before it is chained once, and those of all rounds are
 * encrypted together. */
static bool stretch(const lock_t *lock, otp_span_t password, uint8_t hash[BLOCK])
{
    static const uint8_t zero[BLOCK];
    uint8_t              key[BLOCK], text[2 * FIELD], round[ROUNDS][BLOCK];
    uint8_t             *chained = text + sizeof(text) - BLOCK;
    bool                 fine;

    put(key, sizeof(key), lock->name);
    put(text, FIELD, password);
    put(text + FIELD, FIELD, lock->dest);
    fine = encrypt(key, zero, text, sizeof(text));
    for (size_t i = 0; i < ROUNDS; i++) {
        memcpy(round[i], chained, BLOCK);
        round[i][BLOCK - 1] ^= (uint8_t) i;
        round[i][BLOCK - 2] ^= (uint8_t) (i >> 8);
    }
    fine = fine && encrypt(key, NULL, round[0], sizeof(round));
    memset(hash, 0, BLOCK);
    for (size_t i = 0; i < ROUNDS; i++) {
        mix(hash, round[i]);
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

    put(mask, LABEL, OTP_SPAN("Secret"));
    put(mask + LABEL, LABEL, lock->name);
    fine = fine && encrypt(hash, NULL, mask, sizeof(mask));
    mix(secret, mask);
    otp_secret_wipe(hash, sizeof(hash));
    otp_secret_wipe(mask, sizeof(mask));
    return fine;
}


/* A line, then a gap of zeros as long as what the line and gap before take of their last block.  A line that fits a
 * block together with its gap goes back to where a block begins. */
static void cover_line(covered_t *covered, const otpctl_xml_node_t *node)
{
    otp_span_t   path = otp_buffer_span(&covered->path);
    size_t       len = path.len + node->text.len + 2 + (node->text.len ? 0 : 3 + node->name.len);
    size_t       at = len + covered->gap > BLOCK ? covered->len : covered->len - covered->len % BLOCK;
    otp_buffer_t line;

    if (path.len == 0 || at > sizeof(covered->bytes) || len + 2 * BLOCK > sizeof(covered->bytes) - at) {
        covered->fits = false;
        return;
    }
    otp_buffer_init(&line, covered->bytes + at, len);
    otp_buffer_add(&line, path);
    otp_buffer_add_char(&line, ' ');
    otp_buffer_add(&line, node->text);
    if (node->text.len == 0) {
        otp_buffer_add_text(&line, "</");
        otp_buffer_add(&line, node->name);
        otp_buffer_add_char(&line, '>');
    }
    otp_buffer_add_char(&line, '\n');
    covered->len = at + len + covered->gap;
    covered->gap = covered->len % BLOCK ? covered->len % BLOCK : BLOCK;
}


/* What the MAC does not cover. */
static bool is_mac(otp_span_t name)
{
    otp_span_t end = OTP_SPAN("MAC");

    return name.len > end.len && otp_span_equal((otp_span_t) { name.data + name.len - end.len, end.len }, end);
}


static void cover(covered_t *covered, const otpctl_xml_node_t *node)
{
    size_t above = covered->path.len;

    for (const otpctl_xml_node_t *child = node->child; child; child = child->next) {
        if (child->attribute || is_mac(child->name)) {
            continue;
        }
        otp_buffer_add_char(&covered->path, '.');
        otp_buffer_add(&covered->path, child->name);
        if (is_leaf(child)) {
            cover_line(covered, child);
        } else {
            cover(covered, child);
        }
        covered->path.len = above;
    }
}


/* CBC-MAC: the last block of the chain, under a key made from the file's. */
static bool authenticate(const otpctl_xml_node_t *header, const lock_t *lock, const uint8_t file_key[BLOCK],
    uint8_t mac[BLOCK])
{
    static const uint8_t iv[BLOCK] = {
        0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c
    };
    uint8_t              text[2 * FIELD], *key = text + sizeof(text) - BLOCK;
    covered_t           *covered = calloc(1, sizeof(*covered));
    size_t               len;
    bool                 fine;

    if (!covered) {
        return false;
    }
    covered->fits = true;
    otp_buffer_init(&covered->path, covered->path_text, sizeof(covered->path_text));
    otp_buffer_add(&covered->path, header->name);
    cover(covered, header);
    len = (covered->len + BLOCK - 1) / BLOCK * BLOCK;
    put(text, FIELD, OTP_SPAN("BatchMAC"));
    put(text + FIELD, FIELD, lock->name);
    fine = covered->fits && len && encrypt(file_key, iv, text, sizeof(text))
        && encrypt(key, iv, (uint8_t *) covered->bytes, len);
    if (fine) {
        memcpy(mac, covered->bytes + len - BLOCK, BLOCK);
    }
    otp_secret_wipe(text, sizeof(text));
    otp_secret_wipe(covered, sizeof(*covered));
    free(covered);
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


otpctl_sdtid_lock_t otpctl_sdtid_relock(otpctl_xml_node_t *header, const char *password, otp_buffer_t *out)
{
    uint8_t      file_key[BLOCK];
    lock_t       lock;
    otp_status_t opened = OTP_FAILED;
    bool         relocked;

    if (read_lock(header, &lock) && open_with(header, &lock, lock.origin, file_key) == OTP_INVALID) {
        opened = open_with(header, &lock, otp_span_of(password), file_key);
    }
    relocked = opened == OTP_OK && write_relocked(header, &lock, file_key, out);
    if (!relocked) {
        out->len = 0;
    }
    otp_secret_wipe(file_key, sizeof(file_key));
    otp_secret_wipe(&lock, sizeof(lock));
    if (opened == OTP_INVALID) {
        return OTPCTL_SDTID_SHUT;
    }
    return relocked ? OTPCTL_SDTID_RELOCKED : OTPCTL_SDTID_LEFT;
}
