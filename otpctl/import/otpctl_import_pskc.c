#include <pskc/pskc.h>
#include <string.h>

#include "otpctl/import/otpctl_import_pskc_keys.h"

/*
 * PSKC (RFC 6030).  libpskc reads the fields of a package.  What it cannot do is done here: it decrypts nothing and
 * verifies no MAC, takes any text for a number, follows null pointers where an element is empty, knows no lines and
 * wipes nothing.  So it is given one checked package at a time, without its secret.
 */

#define PACKAGE_MAX     (2 * OTPCTL_XML_TEXT)
#define PERIOD_S        30      /* RFC 6238 section 4.1, for a key that tells none */
#define DRIFT_MAX       (1 << 20)
#define PIN_URI         "urn:ietf:params:xml:ns:keyprov:pskc:pin"

typedef struct {
    otpctl_pskc_keys_t    keys;
    otpctl_import_list_t *list;
    char                  package[PACKAGE_MAX];
} reading_t;

static const struct {
    const char *uri;
    otp_type_t  type;
} algorithms[] = {
    { "urn:ietf:params:xml:ns:keyprov:pskc:totp", OTP_TYPE_TOTP },
    { "urn:ietf:params:xml:ns:keyprov:pskc:hotp", OTP_TYPE_HOTP },
    /* of the drafts, which some vendors still write */
    { "urn:ietf:params:xml:ns:keyprov:pskc#totp", OTP_TYPE_TOTP },
    { "urn:ietf:params:xml:ns:keyprov:pskc#hotp", OTP_TYPE_HOTP },
    { "http://www.ietf.org/keyprov/pskc#totp", OTP_TYPE_TOTP },
    { "http://www.ietf.org/keyprov/pskc#hotp", OTP_TYPE_HOTP },
};

#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

/* libpskc trims nothing. */
static void trim_all(otpctl_xml_node_t *node)
{
    node->text = otp_span_trim(node->text);
    for (otpctl_xml_node_t *child = node->child; child; child = child->next) {
        trim_all(child);
    }
}


/* Takes out what has neither text nor content: to libpskc it is a null pointer. */
static void drop_empty(otpctl_xml_node_t *node)
{
    otpctl_xml_node_t **place = &node->child;

    node->last = NULL;
    while (*place) {
        otpctl_xml_node_t *child = *place;

        drop_empty(child);
        if (!child->child && child->text.len == 0) {
            *place = child->next;
            continue;
        }
        node->last = child;
        place = &child->next;
    }
}


/* The numbers that libpskc would take from any text.  A drift may be negative. */
static bool check_number(const otpctl_xml_node_t *data, const char *name, bool negative, otpctl_import_error_t *error)
{
    const otpctl_xml_node_t *node = otpctl_xml_child(data, name);
    otp_span_t               text = otpctl_xml_text(otpctl_xml_child(node, "PlainValue"));
    int64_t                  number;

    if (node && otpctl_xml_child(node, "EncryptedValue")) {
        return otpctl_import_refuse(error, node->line, "an encrypted %s is not supported", name);
    }
    if (negative && text.len && text.data[0] == '-') {
        text = (otp_span_t) { text.data + 1, text.len - 1 };
    }
    return !node || (otp_span_number(text, &number) == OTP_OK && number <= UINT32_MAX)
        || otpctl_import_refuse(error, node->line, "%s is no number", name);
}


/* One of each, so that what is checked here is what libpskc reads. */
static bool check_once(const otpctl_xml_node_t *node, otpctl_import_error_t *error)
{
    for (const otpctl_xml_node_t *one = node->child; one; one = one->next) {
        for (const otpctl_xml_node_t *other = one->next; other; other = other->next) {
            if (!one->attribute && !other->attribute && otp_span_equal(one->name, other->name)
                && !otp_span_equal(one->name, OTP_SPAN("KeyUsage")))
            {
                return otpctl_import_refuse(error, other->line, "%.*s is there twice",
                                            (int) (one->name.len < 40 ? one->name.len : 40), one->name.data);
            }
        }
        if (!one->attribute && !check_once(one, error)) {
            return false;
        }
    }
    return true;
}


static bool check(const otpctl_xml_node_t *package, otpctl_import_error_t *error)
{
    const otpctl_xml_node_t *key = otpctl_xml_child(package, "Key"), *data = otpctl_xml_child(key, "Data");
    const otpctl_xml_node_t *format = otpctl_xml_child(otpctl_xml_child(key, "AlgorithmParameters"), "ResponseFormat");
    otp_span_t               length = otpctl_xml_attribute(format, "Length");
    int64_t                  digits;

    if (!key || !otpctl_xml_child(data, "Secret")) {
        return otpctl_import_refuse(error, package->line, "the package has no Key with a Secret");
    }
    if (length.len && (otp_span_number(length, &digits) != OTP_OK || digits > 99)) {
        return otpctl_import_refuse(error, format->line, "the Length of ResponseFormat is no number");
    }
    return check_once(package, error) && check_number(data, "Counter", false, error)
        && check_number(data, "Time", false, error) && check_number(data, "TimeInterval", false, error)
        && check_number(data, "TimeDrift", true, error);
}


static bool read_type(otpctl_import_key_t *key, pskc_key_t *from, otpctl_import_error_t *error)
{
    otp_span_t uri = otp_span_of(pskc_get_key_algorithm(from));

    for (size_t i = 0; i < ALGORITHMS; i++) {
        if (otp_span_equal_nocase(otp_span_of(algorithms[i].uri), uri)) {
            key->type = algorithms[i].type;
            return otpctl_import_algorithm(key, otp_span_of(pskc_get_key_algparm_suite(from)), error);
        }
    }
    return otpctl_import_refuse(error, key->line, "key %s: algorithm \"%.*s\" is neither HOTP nor TOTP", key->serial,
                                (int) (uri.len < 80 ? uri.len : 80), uri.len ? uri.data : "");
}


/* What the key shows must be digits, and the key one for passcodes. */
static bool read_format(otpctl_import_key_t *key, pskc_key_t *from, otpctl_import_error_t *error)
{
    int               there;
    pskc_valueformat  format = pskc_get_key_algparm_resp_encoding(from, &there);
    int               usage;
    uint32_t          length;

    if (there && format != PSKC_VALUEFORMAT_DECIMAL) {
        return otpctl_import_refuse(error, key->line, "key %s: its codes are not DECIMAL", key->serial);
    }
    if (pskc_get_key_algparm_resp_checkdigits(from, &there) && there) {
        return otpctl_import_refuse(error, key->line, "key %s: its codes have check digits", key->serial);
    }
    if (pskc_get_key_policy_pinusagemode(from, &there) == PSKC_PINUSAGEMODE_ALGORITHMIC && there) {
        return otpctl_import_refuse(error, key->line, "key %s: its codes depend on a PIN", key->serial);
    }
    usage = pskc_get_key_policy_keyusages(from, &there);
    if (there && !(usage & PSKC_KEYUSAGE_OTP)) {
        return otpctl_import_refuse(error, key->line, "key %s: its policy does not allow OTP", key->serial);
    }
    length = pskc_get_key_algparm_resp_length(from, &there);
    key->digits = there ? (unsigned) length : OTP_DIGITS_MIN;
    return true;
}


static bool read_moving(otpctl_import_key_t *key, pskc_key_t *from, otpctl_import_error_t *error)
{
    int      there;
    uint32_t value;

    if (key->type == OTP_TYPE_HOTP) {
        key->counter = (int64_t) pskc_get_key_data_counter(from, &there);
        return true;
    }
    value = pskc_get_key_data_time(from, &there);
    if (there && value != 0) {
        return otpctl_import_refuse(error, key->line, "key %s: its time does not begin in 1970 (Time is not 0)",
                                    key->serial);
    }
    value = pskc_get_key_data_timeinterval(from, &there);
    key->period_s = there ? (int64_t) value : PERIOD_S;
    value = pskc_get_key_data_timedrift(from, &there);
    key->drift = there ? (int64_t) (int32_t) value : 0;
    return (key->drift <= DRIFT_MAX && key->drift >= -DRIFT_MAX)
        || otpctl_import_refuse(error, key->line, "key %s: its TimeDrift is out of range", key->serial);
}


static void read_expiry(otpctl_import_key_t *key, pskc_key_t *from)
{
    const struct tm *times[] = { pskc_get_device_expirydate(from), pskc_get_key_policy_expirydate(from) };

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        if (times[i]) {
            struct tm time = *times[i];
            int64_t   at = (int64_t) timegm(&time);

            key->expires = key->expires && key->expires < at ? key->expires : at;
        }
    }
}


static bool read_fields(otpctl_import_key_t *key, pskc_key_t *from, otpctl_import_error_t *error)
{
    const char *serial = pskc_get_device_serialno(from);

    if (!otpctl_import_serial(key, otp_span_of(serial ? serial : pskc_get_key_id(from)), error)) {
        return false;
    }
    read_expiry(key, from);
    return read_type(key, from, error) && read_format(key, from, error) && read_moving(key, from, error);
}


/* The package without its secret through libpskc. */
static bool read_package(reading_t *pskc, otpctl_xml_node_t *package, otpctl_import_key_t *key,
    otpctl_import_error_t *error)
{
    otp_buffer_t             out;
    pskc_t                  *container = NULL;
    pskc_key_t              *from = NULL;
    const otpctl_xml_node_t *secret =
        otpctl_xml_child(otpctl_xml_child(otpctl_xml_child(package, "Key"), "Data"), "Secret");
    bool                     fine;

    otp_buffer_init(&out, pskc->package, sizeof(pskc->package));
    otp_buffer_add_text(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><KeyContainer Version=\"1.0\" "
                        "xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">");
    otpctl_xml_write(package, secret, &out);
    otp_buffer_add_text(&out, "</KeyContainer>");
    if (out.overflow || pskc_init(&container) != PSKC_OK) {
        return otpctl_import_refuse(error, package->line, "the package is too long");
    }
    fine = pskc_parse_from_memory(container, out.len, pskc->package) == PSKC_OK
        && (from = pskc_get_keypackage(container, 0)) != NULL;
    fine = fine ? read_fields(key, from, error)
                : otpctl_import_refuse(error, package->line, "the package has elements or dates that RFC 6030 has not");
    pskc_done(container);
    return fine;
}


static bool visit_package(reading_t *pskc, otpctl_xml_node_t *package, otpctl_import_error_t *error)
{
    const otpctl_xml_node_t *secret;
    otpctl_import_key_t     *key;

    trim_all(package);
    drop_empty(package);
    /* The PIN of the key in another package: ours is chosen by the person. */
    if (otp_span_equal_nocase(otpctl_xml_attribute(otpctl_xml_child(package, "Key"), "Algorithm"), OTP_SPAN(PIN_URI))) {
        return true;
    }
    key = check(package, error) ? otpctl_import_add(pskc->list, package->line, error) : NULL;
    if (!key || !read_package(pskc, package, key, error)) {
        return false;
    }
    secret = otpctl_xml_child(otpctl_xml_child(otpctl_xml_child(package, "Key"), "Data"), "Secret");
    return otpctl_pskc_value(&pskc->keys, secret, key->secret, sizeof(key->secret), &key->len, error);
}


/* Unlike the signature of the whole, which is not looked at, the rest has to be understood. */
static bool visit(otpctl_xml_node_t *piece, void *data, otpctl_import_error_t *error)
{
    reading_t *pskc = data;

    if (otp_span_equal(piece->name, OTP_SPAN("KeyPackage"))) {
        return visit_package(pskc, piece, error);
    }
    if (otp_span_equal(piece->name, OTP_SPAN("EncryptionKey"))) {
        return otpctl_pskc_encryption_key(&pskc->keys, piece, error);
    }
    if (otp_span_equal(piece->name, OTP_SPAN("MACMethod"))) {
        return otpctl_pskc_mac_method(&pskc->keys, piece, error);
    }
    return otp_span_equal(piece->name, OTP_SPAN("Signature"))
        || otpctl_import_refuse(error, piece->line, "element %.*s is not of RFC 6030",
                                (int) (piece->name.len < 40 ? piece->name.len : 40), piece->name.data);
}


bool otpctl_import_pskc(otp_span_t text, otp_span_t unlock, otpctl_import_list_t *list, otpctl_import_error_t *error)
{
    reading_t pskc = { .keys = { .unlock = unlock }, .list = list };
    bool    fine = otpctl_xml_each(text, "KeyContainer", visit, &pskc, error);

    if (fine && unlock.len && !pskc.keys.encrypted) {
        fine = otpctl_import_refuse(error, 0, "it is not encrypted: it takes no --key-file");
    }
    otp_secret_wipe(&pskc, sizeof(pskc));
    return fine;
}
