#include "otpctl/import/otpctl_import_pskc_keys.h"

#include <openssl/evp.h>
#include <string.h>

#include "core/base/otp_encode.h"

#define SALT_MAX        128
#define ITERATIONS_MAX  10000000
#define CIPHER_MAX      1024        /* bytes of one encrypted value */
#define BLOCK           16

typedef struct {
    const char *uri, *name;         /* as XML and as OpenSSL call it */
    size_t      key_len;            /* 0: it is a digest */
    bool        protects;           /* what was changed does not decrypt: no MAC is needed */
} algorithm_t;

static const algorithm_t ciphers[] = {
    { "http://www.w3.org/2001/04/xmlenc#aes128-cbc", "AES-128-CBC", 16, false },
    { "http://www.w3.org/2001/04/xmlenc#aes192-cbc", "AES-192-CBC", 24, false },
    { "http://www.w3.org/2001/04/xmlenc#aes256-cbc", "AES-256-CBC", 32, false },
    { "http://www.w3.org/2001/04/xmlenc#kw-aes128", "AES-128-WRAP", 16, true },
    { "http://www.w3.org/2001/04/xmlenc#kw-aes192", "AES-192-WRAP", 24, true },
    { "http://www.w3.org/2001/04/xmlenc#kw-aes256", "AES-256-WRAP", 32, true },
    { NULL, NULL, 0, false }
};

static const algorithm_t macs[] = {
    { "http://www.w3.org/2000/09/xmldsig#hmac-sha1", "SHA1", 0, true },
    { "http://www.w3.org/2001/04/xmldsig-more#hmac-sha224", "SHA224", 0, true },
    { "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "SHA256", 0, true },
    { "http://www.w3.org/2001/04/xmldsig-more#hmac-sha384", "SHA384", 0, true },
    { "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512", "SHA512", 0, true },
    { "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#hmac-sha1", "SHA1", 0, true },
    { "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#hmac-sha256", "SHA256", 0, true },
    { NULL, NULL, 0, false }
};

static const algorithm_t *find(const algorithm_t *table, otp_span_t uri, const otpctl_xml_node_t *node,
    otpctl_import_error_t *error)
{
    while (table->uri && !otp_span_equal(otp_span_of(table->uri), uri)) {
        table++;
    }
    if (!table->uri) {
        (void) otpctl_import_refuse(error, node->line, "algorithm \"%.*s\" is not supported",
                                    (int) (uri.len < 100 ? uri.len : 100), uri.len ? uri.data : "");
        return NULL;
    }
    return table;
}


static bool read_number(const otpctl_xml_node_t *parent, const char *name, int64_t fallback, int64_t max,
    int64_t *value, otpctl_import_error_t *error)
{
    const otpctl_xml_node_t *node = otpctl_xml_child(parent, name);

    *value = fallback;
    if (node && (otp_span_number(otpctl_xml_text(node), value) != OTP_OK || *value < 1 || *value > max)) {
        return otpctl_import_refuse(error, node->line, "%s is not 1 to %lld", name, (long long) max);
    }
    return *value != 0 || otpctl_import_refuse(error, parent->line, "there is no %s", name);
}


static bool derive(otpctl_pskc_keys_t *keys, const otpctl_xml_node_t *method, otpctl_import_error_t *error)
{
    const otpctl_xml_node_t *params = otpctl_xml_child(method, "PBKDF2-params");
    const otpctl_xml_node_t *prf = otpctl_xml_child(params, "PRF");
    otp_span_t               name = otpctl_xml_attribute(prf, "Algorithm");
    const algorithm_t       *digest = &macs[0];
    uint8_t                  salt[SALT_MAX];
    size_t                   salt_len;
    int64_t                  iterations, key_len;
    const EVP_MD            *md;
    otp_span_t               password = otpctl_import_password(keys->unlock);

    if (name.len && (digest = find(macs, name, prf, error)) == NULL) {
        return false;
    }
    if (otpctl_xml_base64(otpctl_xml_text(otpctl_xml_child(otpctl_xml_child(params, "Salt"), "Specified")), salt,
                          sizeof(salt), &salt_len) != OTP_OK || salt_len == 0)
    {
        return otpctl_import_refuse(error, method->line, "the salt of the password cannot be read");
    }
    if (!read_number(params, "IterationCount", 0, ITERATIONS_MAX, &iterations, error)
        || !read_number(params, "KeyLength", BLOCK, OTPCTL_PSKC_KEY, &key_len, error))
    {
        return false;
    }
    md = EVP_get_digestbyname(digest->name);
    keys->derived = true;
    keys->key_len = (size_t) key_len;
    return PKCS5_PBKDF2_HMAC(password.data, (int) password.len, salt, (int) salt_len, (int) iterations, md,
                             (int) key_len, keys->key) == 1
        || otpctl_import_refuse(error, method->line, "the key cannot be derived from the password");
}


bool otpctl_pskc_encryption_key(otpctl_pskc_keys_t *keys, const otpctl_xml_node_t *node, otpctl_import_error_t *error)
{
    const otpctl_xml_node_t *derived = otpctl_xml_child(node, "DerivedKey");
    const otpctl_xml_node_t *method = otpctl_xml_child(derived, "KeyDerivationMethod");
    otp_span_t               algorithm = otpctl_xml_attribute(method, "Algorithm"), tail = OTP_SPAN("#pbkdf2");

    if (keys->encrypted) {
        return otpctl_import_refuse(error, node->line, "there is a second EncryptionKey");
    }
    keys->encrypted = true;
    if (!derived && !otpctl_xml_child(node, "KeyName")) {
        return otpctl_import_refuse(error, node->line, "it is encrypted neither with a pre-shared key (KeyName) nor "
                                    "with a password (DerivedKey)");
    }
    if (keys->unlock.len == 0) {
        return otpctl_import_refuse(error, node->line, "it is encrypted: give the %s with --key-file",
                                    derived ? "password" : "pre-shared key");
    }
    if (!derived) {
        return true;
    }
    if (algorithm.len < tail.len
        || !otp_span_equal((otp_span_t) { algorithm.data + algorithm.len - tail.len, tail.len }, tail))
    {
        return otpctl_import_refuse(error, derived->line, "the key is derived otherwise than by PBKDF2");
    }
    return derive(keys, method, error);
}


/* A pre-shared key is in the key file as hex, or as it is, or as it is with a line end: whichever is as long as the
 * algorithm wants. */
static bool preshared(otp_span_t unlock, size_t wanted, uint8_t key[OTPCTL_PSKC_KEY])
{
    size_t     len;
    otp_span_t text = otp_span_trim(unlock);

    if (text.len == 2 * wanted && otp_hex_decode(text, key, OTPCTL_PSKC_KEY, &len) == OTP_OK) {
        return true;
    }
    if (unlock.len != wanted) {
        unlock = otpctl_import_password(unlock);
    }
    if (unlock.len != wanted) {
        return false;
    }
    memcpy(key, unlock.data, wanted);
    return true;
}


static bool choose_key(const otpctl_pskc_keys_t *keys, const algorithm_t *cipher, uint8_t key[OTPCTL_PSKC_KEY],
    const otpctl_xml_node_t *node, otpctl_import_error_t *error)
{
    if (!keys->encrypted) {
        return otpctl_import_refuse(error, node->line, "a value is encrypted, but there is no EncryptionKey before it");
    }
    if (!keys->derived) {
        return preshared(keys->unlock, cipher->key_len, key)
            || otpctl_import_refuse(error, node->line, "the key file has neither %zu bytes nor %zu hex digits, which "
                                    "%s wants", cipher->key_len, 2 * cipher->key_len, cipher->name);
    }
    if (keys->key_len != cipher->key_len) {
        return otpctl_import_refuse(error, node->line, "the key from the password has %zu bytes, %s wants %zu",
                                    keys->key_len, cipher->name, cipher->key_len);
    }
    memcpy(key, keys->key, keys->key_len);
    return true;
}


static bool run_cipher(const algorithm_t *cipher, const uint8_t *key, otp_span_t in, uint8_t *out, size_t *len)
{
    EVP_CIPHER     *method = EVP_CIPHER_fetch(NULL, cipher->name, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const uint8_t  *data = (const uint8_t *) in.data;
    size_t          head = cipher->protects ? 0 : BLOCK;    /* the IV */
    int             first = 0, last = 0;
    bool            fine = false;

    if (method && ctx) {
        EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        fine = EVP_DecryptInit_ex2(ctx, method, key, head ? data : NULL, NULL)
            && (head == 0 || EVP_CIPHER_CTX_set_padding(ctx, 0))
            && EVP_DecryptUpdate(ctx, out, &first, data + head, (int) (in.len - head))
            && EVP_DecryptFinal_ex(ctx, out + first, &last);
    }
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(method);
    *len = (size_t) first + (size_t) last;
    return fine;
}


/* XML Encryption pads a block cipher's last block with bytes of any value, the last of which says how many. */
static bool unpad(const uint8_t *bytes, size_t *len)
{
    size_t padding = *len ? bytes[*len - 1] : 0;

    if (padding == 0 || padding > BLOCK || padding > *len) {
        return false;
    }
    *len -= padding;
    return true;
}


static const otpctl_xml_node_t *cipher_value(const otpctl_xml_node_t *node)
{
    return otpctl_xml_child(otpctl_xml_child(node, "CipherData"), "CipherValue");
}


/* `raw`: the cipher text, its IV first. */
static bool decrypt(const otpctl_pskc_keys_t *keys, const otpctl_xml_node_t *node, const algorithm_t *cipher,
    otp_span_t raw, uint8_t *bytes, size_t size, size_t *len, otpctl_import_error_t *error)
{
    uint8_t key[OTPCTL_PSKC_KEY], plain[CIPHER_MAX + BLOCK];
    size_t  least = cipher->protects ? 24 : 2 * BLOCK, unit = cipher->protects ? 8 : BLOCK;
    bool    fine;

    if (!choose_key(keys, cipher, key, node, error)) {
        return false;
    }
    fine = raw.len >= least && raw.len % unit == 0 && run_cipher(cipher, key, raw, plain, len)
        && (cipher->protects || unpad(plain, len));
    otp_secret_wipe(key, sizeof(key));
    if (!fine) {
        (void) otpctl_import_refuse(error, node->line, "a value does not decrypt: the key or password is a wrong one");
    } else if (*len > size) {
        fine = otpctl_import_refuse(error, node->line, "a value is longer than %zu bytes", size);
    } else {
        memcpy(bytes, plain, *len);
    }
    otp_secret_wipe(plain, sizeof(plain));
    return fine;
}


static bool read_cipher(const otpctl_xml_node_t *node, const algorithm_t **cipher, uint8_t raw[CIPHER_MAX], size_t *len,
    otpctl_import_error_t *error)
{
    otp_span_t uri = otpctl_xml_attribute(otpctl_xml_child(node, "EncryptionMethod"), "Algorithm");

    *cipher = find(ciphers, uri, node, error);
    if (!*cipher) {
        return false;
    }
    return (otpctl_xml_base64(otpctl_xml_text(cipher_value(node)), raw, CIPHER_MAX, len) == OTP_OK && *len)
        || otpctl_import_refuse(error, node->line, "an encrypted value is no base64");
}


bool otpctl_pskc_mac_method(otpctl_pskc_keys_t *keys, const otpctl_xml_node_t *node, otpctl_import_error_t *error)
{
    const otpctl_xml_node_t *key = otpctl_xml_child(node, "MACKey");
    const algorithm_t       *digest = find(macs, otpctl_xml_attribute(node, "Algorithm"), node, error), *cipher;
    uint8_t                  raw[CIPHER_MAX];
    size_t                   len;

    if (!digest) {
        return false;
    }
    if (keys->digest) {
        return otpctl_import_refuse(error, node->line, "there is a second MACMethod");
    }
    keys->digest = digest->name;
    if (!key) {
        return !otpctl_xml_child(node, "MACKeyReference")
            || otpctl_import_refuse(error, node->line, "the MAC's key is named by reference, which is not supported");
    }
    if (!read_cipher(key, &cipher, raw, &len, error)
        || !decrypt(keys, key, cipher, (otp_span_t) { (const char *) raw, len }, keys->mac, sizeof(keys->mac),
                    &keys->mac_len, error))
    {
        return false;
    }
    return keys->mac_len || otpctl_import_refuse(error, key->line, "the MAC's key is empty");
}


static bool verify(const otpctl_pskc_keys_t *keys, const otpctl_xml_node_t *node, const algorithm_t *cipher,
    otp_span_t raw, otpctl_import_error_t *error)
{
    const otpctl_xml_node_t *told = otpctl_xml_child(node, "ValueMAC");
    uint8_t                  wanted[EVP_MAX_MD_SIZE], got[EVP_MAX_MD_SIZE], key[OTPCTL_PSKC_KEY];
    size_t                   len, made = 0;
    bool                     own = keys->mac_len != 0;

    if (!told || !keys->digest) {
        return cipher->protects || otpctl_import_refuse(error, node->line, "an encrypted value has no MAC, which RFC "
                                                        "6030 demands for %s", cipher->name);
    }
    if (otpctl_xml_base64(otpctl_xml_text(told), wanted, sizeof(wanted), &len) != OTP_OK) {
        return otpctl_import_refuse(error, told->line, "the MAC is no base64");
    }
    if (!own && !choose_key(keys, cipher, key, node, error)) {
        return false;
    }
    if (!EVP_Q_mac(NULL, "HMAC", NULL, keys->digest, NULL, own ? keys->mac : key, own ? keys->mac_len : cipher->key_len,
                   (const unsigned char *) raw.data, raw.len, got, sizeof(got), &made))
    {
        made = 0;
    }
    if (!own) {
        otp_secret_wipe(key, sizeof(key));
    }
    return (made && made == len && otp_secret_equal(wanted, got, len))
        || otpctl_import_refuse(error, told->line, "the MAC does not fit: the key or password is a wrong one, or the "
                                "file was changed");
}


bool otpctl_pskc_value(const otpctl_pskc_keys_t *keys, const otpctl_xml_node_t *node, uint8_t *bytes, size_t size,
    size_t *len, otpctl_import_error_t *error)
{
    const otpctl_xml_node_t *plain = otpctl_xml_child(node, "PlainValue");
    const otpctl_xml_node_t *encrypted = otpctl_xml_child(node, "EncryptedValue");
    const algorithm_t       *cipher;
    uint8_t                  raw[CIPHER_MAX];
    size_t                   raw_len;

    if (!plain == !encrypted) {
        return otpctl_import_refuse(error, node->line, "%.*s has neither a PlainValue nor an EncryptedValue, or both",
                                    (int) (node->name.len < 40 ? node->name.len : 40), node->name.data);
    }
    if (plain) {
        return otpctl_xml_base64(otpctl_xml_text(plain), bytes, size, len) == OTP_OK
            || otpctl_import_refuse(error, plain->line, "a plain value is no base64, or longer than %zu bytes", size);
    }
    return read_cipher(encrypted, &cipher, raw, &raw_len, error)
        && verify(keys, node, cipher, (otp_span_t) { (const char *) raw, raw_len }, error)
        && decrypt(keys, encrypted, cipher, (otp_span_t) { (const char *) raw, raw_len }, bytes, size, len, error);
}
