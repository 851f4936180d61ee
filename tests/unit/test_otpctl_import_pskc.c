#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/otp_import_lab.h"

#define PSKC    OTPCTL_IMPORT_PSKC
#define KEY_6   "12345678901234567890123456789012"
#define KEY_7   "qwerty"
#define MAC_6   "N8Agsfe5A7WQFswmdvL/MHdd3y0="    /* HMAC-SHA-1 of its value by KEY_6 itself */

#define REFUSE(unlock, cases) otp_assert_refused(PSKC, unlock, cases, sizeof(cases) / sizeof(cases[0]))

/* RFC 6030, figures 3 (section 4.3.4), 6 (6.1.1) and 7 (6.2.1). */
static const char figure_3[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<KeyContainer Version=\"1.0\" Id=\"exampleID1\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">\n"
    "<KeyPackage>\n"
    "<DeviceInfo><Manufacturer>Manufacturer</Manufacturer><SerialNo>987654321</SerialNo>"
    "<UserId>DC=example-bank,DC=net</UserId></DeviceInfo>\n"
    "<CryptoModuleInfo><Id>CM_ID_001</Id></CryptoModuleInfo>\n"
    "<Key Id=\"12345678\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:hotp\">\n"
    "<Issuer>Issuer</Issuer>\n"
    "<AlgorithmParameters><ResponseFormat Length=\"8\" Encoding=\"DECIMAL\"/></AlgorithmParameters>\n"
    "<Data>\n"
    "<Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=\n </PlainValue></Secret>\n"
    "<Counter><PlainValue>0</PlainValue></Counter>\n"
    "</Data>\n"
    "<UserId>UID=jsmith,DC=example-bank,DC=net</UserId>\n"
    "</Key>\n</KeyPackage>\n</KeyContainer>\n";

static const char figure_6[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\" "
    "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\">\n"
    "<EncryptionKey><ds:KeyName>Pre-shared-key</ds:KeyName></EncryptionKey>\n"
    "<MACMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#hmac-sha1\">\n"
    "<MACKey><xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes128-cbc\"/>\n"
    "<xenc:CipherData><xenc:CipherValue>ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX"
    "</xenc:CipherValue></xenc:CipherData></MACKey>\n"
    "</MACMethod>\n"
    "<KeyPackage>\n"
    "<DeviceInfo><Manufacturer>Manufacturer</Manufacturer><SerialNo>987654321</SerialNo></DeviceInfo>\n"
    "<CryptoModuleInfo><Id>CM_ID_001</Id></CryptoModuleInfo>\n"
    "<Key Id=\"12345678\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:hotp\">\n"
    "<Issuer>Issuer</Issuer>\n"
    "<AlgorithmParameters><ResponseFormat Length=\"8\" Encoding=\"DECIMAL\"/></AlgorithmParameters>\n"
    "<Data>\n<Secret>\n"
    "<EncryptedValue><xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes128-cbc\"/>\n"
    "<xenc:CipherData><xenc:CipherValue>AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv"
    "</xenc:CipherValue></xenc:CipherData></EncryptedValue>\n"
    "<ValueMAC>Su+NvtQfmvfJzF6bmQiJqoLRExc=\n</ValueMAC>\n"
    "</Secret>\n<Counter><PlainValue>0</PlainValue></Counter>\n</Data>\n"
    "</Key>\n</KeyPackage>\n</KeyContainer>\n";

static const char figure_7[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<pskc:KeyContainer xmlns:pskc=\"urn:ietf:params:xml:ns:keyprov:pskc\" "
    "xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" "
    "xmlns:pkcs5=\"http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#\" "
    "xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" Version=\"1.0\">\n"
    "<pskc:EncryptionKey><xenc11:DerivedKey>\n"
    "<xenc11:KeyDerivationMethod Algorithm="
    "\"http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2\">\n"
    "<pkcs5:PBKDF2-params><Salt><Specified>Ej7/PEpyEpw=</Specified></Salt>"
    "<IterationCount>1000</IterationCount><KeyLength>16</KeyLength><PRF/></pkcs5:PBKDF2-params>\n"
    "</xenc11:KeyDerivationMethod>\n"
    "<xenc:ReferenceList><xenc:DataReference URI=\"#ED\"/></xenc:ReferenceList>\n"
    "<xenc11:MasterKeyName>My Password 1</xenc11:MasterKeyName></xenc11:DerivedKey></pskc:EncryptionKey>\n"
    "<pskc:MACMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#hmac-sha1\">"
    "<pskc:MACKey><xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes128-cbc\"/>"
    "<xenc:CipherData><xenc:CipherValue>\n2GTTnLwM3I4e5IO5FkufoOEiOhNj91fhKRQBtBJYluUDsPOLTfUvoU2dStyOwYZx\n"
    "</xenc:CipherValue></xenc:CipherData></pskc:MACKey></pskc:MACMethod>\n"
    "<pskc:KeyPackage><pskc:DeviceInfo><pskc:Manufacturer>TokenVendorAcme</pskc:Manufacturer>"
    "<pskc:SerialNo>987654321</pskc:SerialNo></pskc:DeviceInfo>\n"
    "<pskc:CryptoModuleInfo><pskc:Id>CM_ID_001</pskc:Id></pskc:CryptoModuleInfo>\n"
    "<pskc:Key Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:hotp\" Id=\"123456\">\n"
    "<pskc:Issuer>Example-Issuer</pskc:Issuer><pskc:AlgorithmParameters>"
    "<pskc:ResponseFormat Length=\"8\" Encoding=\"DECIMAL\"/></pskc:AlgorithmParameters>\n"
    "<pskc:Data><pskc:Secret><pskc:EncryptedValue Id=\"ED\">"
    "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes128-cbc\"/>"
    "<xenc:CipherData><xenc:CipherValue>\noTvo+S22nsmS2Z/RtcoF8Hfh+jzMe0RkiafpoDpnoZTjPYZu6V+A4aEn032yCr4f\n"
    "</xenc:CipherValue></xenc:CipherData></pskc:EncryptedValue>\n"
    "<pskc:ValueMAC>LP6xMvjtypbfT9PdkJhBZ+D6O4w=\n</pskc:ValueMAC></pskc:Secret></pskc:Data>"
    "</pskc:Key></pskc:KeyPackage></pskc:KeyContainer>\n";

static const otpctl_import_key_t *read_one(const char *text, const char *unlock)
{
    otp_assert_read(PSKC, text, unlock, 1);
    return otp_import_list.key;
}


static void assert_rfc_key(const otpctl_import_key_t *key)
{
    assert_string_equal(key->serial, "987654321");
    assert_int_equal(key->type, OTP_TYPE_HOTP);
    assert_int_equal(key->algorithm, OTP_SHA1);
    assert_int_equal(key->digits, 8);
    assert_int_equal(key->counter, 0);
    assert_int_equal(key->period_s, 0);
    otp_assert_rfc_secret(key);
}


/* Figure 3 as a key with a clock; `data`: what its Data has beside the secret. */
static const char *timed(const char *data)
{
    return otp_changed(otp_changed(figure_3, "pskc:hotp", "pskc:totp"), "<Counter><PlainValue>0</PlainValue></Counter>",
                       data);
}


static void test_figures_of_the_rfc_give_their_published_key(void **state)
{
    (void) state;
    assert_rfc_key(read_one(figure_3, NULL));
    assert_int_equal(otp_import_list.key->line, 3);
    assert_rfc_key(read_one(figure_6, KEY_6));
    assert_rfc_key(read_one(figure_6, KEY_6 "\n"));
    assert_rfc_key(read_one(figure_6, "\x12\x34\x56\x78\x90\x12\x34\x56\x78\x90\x12\x34\x56\x78\x90\x12"));
    assert_rfc_key(read_one(figure_7, KEY_7));
    assert_rfc_key(read_one(figure_7, KEY_7 "\r\n"));
}


static void test_wrong_or_absent_key_is_refused(void **state)
{
    const otp_refused_t absent[] = { { figure_6, 3, "pre-shared key with --key-file" } };
    const otp_refused_t password[] = { { figure_7, 3, "password with --key-file" } };
    const otp_refused_t wrong[] = { { figure_6, 5, "wrong" } };
    const otp_refused_t length[] = { { figure_6, 5, "neither 16 bytes nor 32 hex digits" } };
    const otp_refused_t unneeded[] = { { figure_3, 0, "not encrypted" } };

    (void) state;
    REFUSE(NULL, absent);
    REFUSE(NULL, password);
    REFUSE("12345678901234567890123456789013", wrong);
    REFUSE("qwerty", length);
    REFUSE(KEY_6, unneeded);
    assert_false(otp_import_lab(PSKC, figure_7, "qwertz"));
    assert_non_null(strstr(otp_import_error.reason, "wrong"));
}


static void test_what_was_encrypted_needs_its_mac(void **state)
{
    const char         *mac = "<ValueMAC>Su+NvtQfmvfJzF6bmQiJqoLRExc=\n</ValueMAC>";
    const char         *method = strstr(figure_6, "<MACMethod"), *end = strstr(figure_6, "<KeyPackage>");
    char                without[sizeof(figure_6)];
    const otp_refused_t cases[] = {
        { otp_changed(figure_6, mac, ""), 15, "has no MAC" },
        { otp_changed(figure_6, "Su+Nvt", "Su+Nvu"), 18, "the MAC does not fit" },
        { otp_changed(figure_6, "AAECAw", "AAECBw"), 18, "the MAC does not fit" },
        { without, 11, "has no MAC" },
    };

    (void) state;
    (void) snprintf(without, sizeof(without), "%.*s%s", (int) (method - figure_6), figure_6, end);
    REFUSE(KEY_6, cases);
}


static void test_mac_is_made_with_the_encryption_key_when_it_has_none(void **state)
{
    const char *start = strstr(figure_6, "<MACKey>"), *end = strstr(figure_6, "</MACMethod>");
    char        text[sizeof(figure_6)];

    (void) state;
    (void) snprintf(text, sizeof(text), "%.*s%s", (int) (start - figure_6), figure_6, end);
    assert_false(otp_import_lab(PSKC, text, KEY_6));
    assert_non_null(strstr(otp_import_error.reason, "the MAC does not fit"));
    assert_rfc_key(read_one(otp_changed(text, "Su+NvtQfmvfJzF6bmQiJqoLRExc=", MAC_6), KEY_6));
}


static void test_unknown_ways_of_encrypting_are_refused(void **state)
{
    const otp_refused_t with_key[] = {
        { otp_changed(figure_6, "xmlenc#aes128-cbc", "xmlenc#tripledes-cbc"), 5, "tripledes-cbc\" is not supported" },
        { otp_changed(figure_6, "hmac-sha1", "hmac-md5"), 4, "hmac-md5\" is not supported" },
        { otp_changed(figure_6, "<ds:KeyName>Pre-shared-key</ds:KeyName>", "<ds:X509Data>x</ds:X509Data>"), 3,
          "neither with a pre-shared key" },
        { otp_changed(figure_6, "<EncryptionKey><ds:KeyName>Pre-shared-key</ds:KeyName></EncryptionKey>", ""), 5,
          "no EncryptionKey before it" },
    };
    const otp_refused_t with_password[] = {
        { otp_changed(figure_7, "#pbkdf2", "#hkdf"), 3, "otherwise than by PBKDF2" },
        { otp_changed(figure_7, "<IterationCount>1000", "<IterationCount>99999999"), 5, "IterationCount" },
        { otp_changed(figure_7, "<KeyLength>16", "<KeyLength>24"), 9, "24 bytes, AES-128-CBC wants 16" },
    };

    (void) state;
    REFUSE(KEY_6, with_key);
    REFUSE(KEY_7, with_password);
}


static void test_clock_of_a_key_is_read(void **state)
{
    const otpctl_import_key_t *key = read_one(timed("<Time><PlainValue>0</PlainValue></Time>"
        "<TimeInterval><PlainValue>60</PlainValue></TimeInterval>"
        "<TimeDrift><PlainValue>-4</PlainValue></TimeDrift>"), NULL);

    (void) state;
    assert_int_equal(key->type, OTP_TYPE_TOTP);
    assert_int_equal(key->period_s, 60);
    assert_int_equal(key->drift, -4);
    assert_int_equal(read_one(timed(""), NULL)->period_s, 30);
}


static void test_suite_tells_the_algorithm(void **state)
{
    static const struct {
        const char     *suite;
        otp_algorithm_t algorithm;
    } cases[] = { { "HMAC-SHA256", OTP_SHA256 }, { "HMAC-SHA512", OTP_SHA512 }, { "\nHMAC-SHA1 ", OTP_SHA1 } };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];

        (void) snprintf(text, sizeof(text), "<AlgorithmParameters><Suite>%s</Suite>", cases[i].suite);
        assert_int_equal(read_one(otp_changed(figure_3, "<AlgorithmParameters>", text), NULL)->algorithm,
                         cases[i].algorithm);
    }
}


static void test_expiry_is_the_earlier_one(void **state)
{
    const char *text = otp_changed(figure_3, "<UserId>DC", "<ExpiryDate>2033-05-18T03:33:20Z</ExpiryDate><UserId>DC");

    (void) state;
    assert_int_equal(read_one(text, NULL)->expires, 2000000000);
    text = otp_changed(text, "<UserId>UID",
                       "<Policy><ExpiryDate>2001-09-09T01:46:40Z</ExpiryDate></Policy><UserId>UID");
    assert_int_equal(read_one(text, NULL)->expires, 1000000000);
}


static void test_vendors_additions_are_left_out(void **state)
{
    (void) state;
    assert_rfc_key(read_one(otp_changed(figure_3, "<SerialNo>", "<v:SerialNo xmlns:v=\"urn:vendor\">1</v:SerialNo>"
                                        "<SerialNo>"), NULL));
    assert_rfc_key(read_one(otp_changed(figure_3, "<Issuer>", "<Extensions><a/></Extensions><Issuer>"), NULL));
    assert_rfc_key(read_one(otp_changed(figure_3, "<Issuer>", "<!-- a comment --><Issuer>"), NULL));
    assert_rfc_key(read_one(otp_changed(figure_3, ">987654321<", "><![CDATA[9876]]>54321<"), NULL));
}


/* RFC 6030 figure 5 (section 5). */
static void test_package_of_a_pin_is_left_out(void **state)
{
    const char *policy = "<Policy><PINPolicy MinLength=\"4\" MaxLength=\"4\" PINKeyId=\"123456781\" "
                         "PINEncoding=\"DECIMAL\" PINUsageMode=\"Local\"/><KeyUsage>OTP</KeyUsage></Policy></Key>";
    const char *pin = "</KeyPackage><KeyPackage><DeviceInfo><SerialNo>987654321</SerialNo></DeviceInfo>"
                      "<Key Id=\"123456781\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:pin\">"
                      "<Issuer>Issuer</Issuer>"
                      "<AlgorithmParameters><ResponseFormat Length=\"4\" Encoding=\"DECIMAL\"/></AlgorithmParameters>"
                      "<Data><Secret><PlainValue>MTIzNA==</PlainValue></Secret></Data></Key></KeyPackage>";

    (void) state;
    assert_rfc_key(read_one(otp_changed(otp_changed(figure_3, "</Key>", policy), "</KeyPackage>", pin), NULL));
}


/* libpskc follows a null pointer there. */
static void test_empty_elements_are_as_if_they_were_not_there(void **state)
{
    (void) state;
    assert_rfc_key(read_one(otp_changed(figure_3, "<Manufacturer>Manufacturer</Manufacturer>", "<Manufacturer/>"),
                            NULL));
    assert_rfc_key(read_one(otp_changed(figure_3, "<UserId>DC", "<StartDate></StartDate><UserId>DC"), NULL));
    assert_rfc_key(read_one(otp_changed(figure_3, "Encoding=\"DECIMAL\"", "Encoding=\"\""), NULL));
    assert_string_equal(read_one(otp_changed(figure_3, ">987654321<", "> <"), NULL)->serial, "12345678");
}


static void test_faults_of_a_package_are_refused(void **state)
{
    const otp_refused_t cases[] = {
        { otp_changed(figure_3, "pskc:hotp", "pskc:ocra"), 3, "neither HOTP nor TOTP" },
        { otp_changed(figure_3, "MTIz", "MT!z"), 10, "no base64" },
        { otp_changed(figure_3, "MTIz", "MTI"), 10, "no base64" },
        { otp_changed(figure_3, "<PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=\n </PlainValue>", "<Else>x</Else>"), 10,
          "neither a PlainValue nor" },
        { otp_changed(figure_3, "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "MTIzNA=="), 3, "10 to 64 bytes" },
        { otp_changed(figure_3, "<PlainValue>0<", "<PlainValue>-1<"), 12, "Counter is no number" },
        { otp_changed(figure_3, "<PlainValue>0<", "<PlainValue>12abc<"), 12, "Counter is no number" },
        { otp_changed(figure_3, "<PlainValue>0</PlainValue>", "<EncryptedValue>x</EncryptedValue>"), 12,
          "encrypted Counter is not supported" },
        { otp_changed(figure_3, "\"8\"", "\"9\""), 3, "6 to 8 digits" },
        { otp_changed(figure_3, "\"8\"", "\"8x\""), 8, "Length of ResponseFormat" },
        { otp_changed(figure_3, "\"DECIMAL\"", "\"HEXADECIMAL\""), 3, "not DECIMAL" },
        { otp_changed(figure_3, "\"DECIMAL\"", "\"DECIMAL\" CheckDigits=\"true\""), 3, "check digits" },
        { otp_changed(figure_3, "987654321", "98 76"), 3, "\"98 76\" is no serial" },
        { otp_changed(figure_3, "<Issuer>Issuer</Issuer>", "<Colour>red</Colour>"), 3, "RFC 6030 has not" },
        { otp_changed(figure_3, "<Issuer>Issuer</Issuer>", "<Policy><KeyUsage>Encrypt</KeyUsage></Policy>"), 3,
          "does not allow OTP" },
        { otp_changed(figure_3, "<Issuer>Issuer</Issuer>",
                      "<Policy><PINPolicy PINUsageMode=\"Algorithmic\"/></Policy>"), 3, "depend on a PIN" },
        { otp_changed(figure_3, "<UserId>DC", "<ExpiryDate>soon</ExpiryDate><UserId>DC"), 3, "RFC 6030 has not" },
        { otp_changed(figure_3, "</Key>\n", "</Key><Key Id=\"2\"><Data/></Key>\n"), 15, "Key is there twice" },
        { timed("<Time><PlainValue>5</PlainValue></Time>"), 3, "does not begin in 1970" },
        { timed("<TimeInterval><PlainValue>4</PlainValue></TimeInterval>"), 3, "5 to 3600" },
        { timed("<TimeDrift><PlainValue>9999999</PlainValue></TimeDrift>"), 3, "out of range" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        otp_assert_refused(PSKC, NULL, &cases[i], 1);
    }
}


static void test_duplicate_serials_are_refused(void **state)
{
    const char         *package = strstr(figure_3, "<KeyPackage>"), *end = strstr(figure_3, "</KeyContainer>");
    char                text[2 * sizeof(figure_3)];
    const otp_refused_t one = { text, 17, "key 987654321 is in line 3 already" };

    (void) state;
    (void) snprintf(text, sizeof(text), "%.*s%s", (int) (end - figure_3), figure_3, package);
    otp_assert_refused(PSKC, NULL, &one, 1);
}


static void test_document_types_and_entities_are_refused(void **state)
{
    static const otp_refused_t cases[] = {
        { "<?xml version=\"1.0\"?>\n<!DOCTYPE KeyContainer [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>\n"
          "<KeyContainer xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"><KeyPackage>&b;</KeyPackage></KeyContainer>", 2,
          "DOCTYPE" },
        { "<!DOCTYPE KeyContainer SYSTEM \"http://127.0.0.1:1/x.dtd\">\n<KeyContainer/>", 1, "DOCTYPE" },
        { "<!DOCTYPE KeyContainer SYSTEM \"file:///etc/hostname\">\n<KeyContainer/>", 1, "DOCTYPE" },
        { "<KeyContainer xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">\n<KeyPackage>&x;</KeyPackage>"
          "</KeyContainer>", 2, "no XML" },
    };

    (void) state;
    REFUSE(NULL, cases);
}


static void test_every_truncation_is_refused(void **state)
{
    char text[sizeof(figure_6)];

    (void) state;
    for (size_t len = 0; len < strlen(figure_6) - 1; len++) {
        memcpy(text, figure_6, len);
        text[len] = '\0';
        assert_false(otp_import_lab(PSKC, text, KEY_6));
    }
}


static void test_other_documents_are_refused(void **state)
{
    static const otp_refused_t cases[] = {
        { "<TKNBatch/>", 1, "root element" },
        { "<KeyContainer xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"/>", 0, "no key" },
        { "<KeyContainer xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">\n<Colour>red</Colour></KeyContainer>", 2,
          "element Colour" },
        { "<KeyContainer xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">\n<KeyPackage/></KeyContainer>", 2,
          "no Key with a Secret" },
        { "<KeyContainer>\n<KeyPackage>text<Key/></KeyPackage></KeyContainer>", 2, "text stands beside" },
        { "<KeyContainer>\n<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>", 2, "nested too deeply" },
        { "", 1, "no XML" },
    };

    (void) state;
    REFUSE(NULL, cases);
}


static void test_packages_out_of_bounds_are_refused(void **state)
{
    enum { LEN = 70000 };
    char *text = malloc(2 * LEN), *at = text;

    (void) state;
    assert_non_null(text);
    at += sprintf(at, "<KeyContainer>\n<KeyPackage>");
    for (int i = 0; i < 600; i++) {
        at += sprintf(at, "<a>b</a>");
    }
    otp_assert_refused(PSKC, NULL, &(otp_refused_t) { text, 2, "too many elements" }, 1);
    at = text + sprintf(text, "<KeyContainer>\n<KeyPackage>");
    memset(at, 'x', LEN);
    at[LEN] = '\0';
    otp_assert_refused(PSKC, NULL, &(otp_refused_t) { text, 2, "too long" }, 1);
    at = text + sprintf(text, "<KeyContainer>\n<KeyPackage");
    for (int i = 0; i < 2000; i++) {
        at += sprintf(at, " a%d='1'", i);
    }
    (void) sprintf(at, "/>");
    otp_assert_refused(PSKC, NULL, &(otp_refused_t) { text, 2, "tag is longer" }, 1);
    free(text);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_of_the_rfc_give_their_published_key),
        cmocka_unit_test(test_wrong_or_absent_key_is_refused),
        cmocka_unit_test(test_what_was_encrypted_needs_its_mac),
        cmocka_unit_test(test_mac_is_made_with_the_encryption_key_when_it_has_none),
        cmocka_unit_test(test_unknown_ways_of_encrypting_are_refused),
        cmocka_unit_test(test_clock_of_a_key_is_read),
        cmocka_unit_test(test_suite_tells_the_algorithm),
        cmocka_unit_test(test_expiry_is_the_earlier_one),
        cmocka_unit_test(test_vendors_additions_are_left_out),
        cmocka_unit_test(test_package_of_a_pin_is_left_out),
        cmocka_unit_test(test_empty_elements_are_as_if_they_were_not_there),
        cmocka_unit_test(test_faults_of_a_package_are_refused),
        cmocka_unit_test(test_duplicate_serials_are_refused),
        cmocka_unit_test(test_document_types_and_entities_are_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_other_documents_are_refused),
        cmocka_unit_test(test_packages_out_of_bounds_are_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    otpctl_import_free(&otp_import_list);
    return failed;
}
