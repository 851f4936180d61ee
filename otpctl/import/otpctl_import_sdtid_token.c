#include "otpctl/import/otpctl_import_sdtid_token.h"

#include <string.h>
#include <time.h>

#include "otpctl/import/otpctl_import_sdtid_part.h"

#define BLOCK       OTPCTL_AES_BLOCK
#define LABEL       8
#define NUMBER_MAX  9           /* digits */
#define DAY_S       86400

/* The first ones are yes or no. */
enum { TIME_SEEDS, APP_SEEDS, MODE, ALG, ADD_PIN, LOCAL_PIN, ANSWERS, CODE = ANSWERS, INTERVAL, DEATH, FIELDS };

_Static_assert(FIELDS == OTPCTL_SDTID_FIELDS, "a field without room");

static const struct {
    const char *name;
    unsigned    what;
} fields[FIELDS] = {
    [TIME_SEEDS] = { "TimeDerivedSeeds", OTPCTL_CTF_TIME_SEEDS },
    [APP_SEEDS] = { "AppDerivedSeeds", OTPCTL_CTF_APP_SEEDS },
    [MODE] = { "Mode", OTPCTL_CTF_MODE }, [ALG] = { "Alg", OTPCTL_CTF_128_BITS },
    [ADD_PIN] = { "AddPIN", OTPCTL_CTF_ADD_PIN }, [LOCAL_PIN] = { "LocalPIN", OTPCTL_CTF_LOCAL_PIN },
    [CODE] = { "Digits", 0 }, [INTERVAL] = { "Interval", 0 }, [DEATH] = { "Death", 0 }
};

/* libstoken reads octal and hexadecimal ones too. */
static bool read_number(otp_span_t text, int64_t *number)
{
    return text.len <= NUMBER_MAX && otp_span_number(text, number) == OTP_OK
        && (text.len == 1 || text.data[0] != '0');
}


/* yyyy/mm/dd, as a day after the epoch of tokens. */
static bool read_day(otp_span_t text, int64_t *day)
{
    static const size_t len[3] = { 4, 2, 2 };
    int64_t             number[3];
    struct tm           date = { 0 };

    for (size_t i = 0; i < 3; i++) {
        otp_span_t part = otp_span_cut(&text, '/');

        if (part.len != len[i] || otp_span_number(part, &number[i]) != OTP_OK) {
            return false;
        }
    }
    date.tm_year = (int) number[0] - 1900;
    date.tm_mon = (int) number[1] - 1;
    date.tm_mday = (int) number[2];
    *day = ((int64_t) timegm(&date) - OTPCTL_CTF_EPOCH) / DAY_S;
    return !text.data && *day > 0 && *day <= OTPCTL_CTF_LAST_DAY;
}


static otpctl_sdtid_field_t read_field(otpctl_xml_node_t *part, size_t i)
{
    otpctl_sdtid_field_t     field = { OTPCTL_SDTID_NOT_SAID, 0 };
    size_t                   elements;
    const otpctl_xml_node_t *node = otpctl_sdtid_find(part, fields[i].name, &elements);

    if (elements) {
        bool fine = node && (i == DEATH ? read_day(node->text, &field.value) : read_number(node->text, &field.value));

        field.said = fine ? OTPCTL_SDTID_SAID : OTPCTL_SDTID_SAID_ODDLY;
    }
    return field;
}


/* Two attributes of one name are no XML any more once the namespaces are gone. */
static bool has_attributes(const otpctl_xml_node_t *node)
{
    for (const otpctl_xml_node_t *child = node->child; child; child = child->next) {
        if (child->attribute || has_attributes(child)) {
            return true;
        }
    }
    return false;
}


/* DefX is nothing in a token. */
static bool has_defaults(const otpctl_xml_node_t *node)
{
    for (const otpctl_xml_node_t *child = node->child; child; child = child->next) {
        if (otp_span_starts(child->name, OTP_SPAN("Def")) || has_defaults(child)) {
            return true;
        }
    }
    return false;
}


void otpctl_sdtid_batch(otpctl_xml_node_t *header, const uint8_t file_key[BLOCK], otpctl_sdtid_batch_t *batch)
{
    batch->known = !has_attributes(header);
    memcpy(batch->file_key, file_key, BLOCK);
    for (size_t i = 0; i < FIELDS; i++) {
        batch->field[i] = read_field(header, i);
    }
}


/* False: a field is not there, or odd. */
static bool read_fields(const otpctl_sdtid_batch_t *batch, otpctl_xml_node_t *token, int64_t value[FIELDS])
{
    static const int64_t otherwise[FIELDS] = { [CODE] = 6, [INTERVAL] = 60 };

    for (size_t i = 0; i < FIELDS; i++) {
        otpctl_sdtid_field_t field = read_field(token, i);

        if (field.said == OTPCTL_SDTID_NOT_SAID) {
            field = batch->field[i];
        }
        if (field.said == OTPCTL_SDTID_SAID_ODDLY || (i == DEATH && field.said == OTPCTL_SDTID_NOT_SAID)) {
            return false;
        }
        value[i] = field.said == OTPCTL_SDTID_SAID ? field.value : otherwise[i];
    }
    return true;
}


static bool describe(const otpctl_sdtid_batch_t *batch, otpctl_xml_node_t *token, otpctl_ctf_t *ctf)
{
    int64_t value[FIELDS];

    if (!read_fields(batch, token, value) || value[ALG] == 0 || value[CODE] < OTP_DIGITS_MIN
        || value[CODE] > OTP_DIGITS_MAX)
    {
        return false;
    }
    ctf->what = OTPCTL_CTF_CODE(value[CODE]) | (value[INTERVAL] == 60 ? OTPCTL_CTF_MINUTE : 0);
    for (size_t i = 0; i < ANSWERS; i++) {
        ctf->what |= value[i] ? fields[i].what : 0;
    }
    ctf->last_day = (unsigned) value[DEATH];
    return true;
}


static bool read_serial(otpctl_xml_node_t *token, otp_span_t *serial)
{
    const otpctl_xml_node_t *node = otpctl_sdtid_find(token, "SN", NULL);
    int64_t                  number;

    if (!node || node->text.len > OTPCTL_CTF_SERIAL || otp_span_number(node->text, &number) != OTP_OK) {
        return false;
    }
    *serial = node->text;
    return true;
}


static bool is_authentic(const otpctl_sdtid_batch_t *batch, otpctl_xml_node_t *token, otp_span_t serial)
{
    static const uint8_t iv[BLOCK] = {
        0x1b, 0xb6, 0x7a, 0xe8, 0x58, 0x4c, 0xaa, 0x73, 0xb2, 0x57, 0x42, 0xd7, 0x07, 0x8b, 0x83, 0xb8
    };
    const otpctl_xml_node_t *node = otpctl_sdtid_find(token, "TokenMAC", NULL);
    uint8_t                  key[BLOCK], said[BLOCK], mac[BLOCK];
    bool                     fine = node && otpctl_sdtid_block(node->text, said)
        && otpctl_sdtid_key(batch->file_key, "TokenMAC", serial, iv, key) && otpctl_sdtid_mac(token, key, iv, mac)
        && otp_secret_equal(mac, said, BLOCK);

    otp_secret_wipe(key, sizeof(key));
    return fine;
}


static bool open_seed(const otpctl_sdtid_batch_t *batch, otpctl_xml_node_t *token, otp_span_t serial,
    uint8_t seed[BLOCK])
{
    static const uint8_t iv[BLOCK] = {
        0x16, 0xa0, 0x9e, 0x66, 0x7f, 0x3b, 0xcc, 0x90, 0x8b, 0x2f, 0xb1, 0x36, 0x6e, 0xa9, 0x57, 0xd3
    };
    const otpctl_xml_node_t *node = otpctl_sdtid_find(token, "Seed", NULL);
    uint8_t                  key[BLOCK], mask[BLOCK];
    bool                     fine = node && node->text.len && node->text.data[0] == '='
        && otpctl_sdtid_block((otp_span_t) { node->text.data + 1, node->text.len - 1 }, seed)
        && otpctl_sdtid_key(batch->file_key, "TokenEncrypt", serial, iv, key);

    if (fine) {
        otpctl_sdtid_put(mask, LABEL, serial);
        otpctl_sdtid_put(mask + LABEL, LABEL, OTP_SPAN("Seed"));
        fine = otpctl_aes_encrypt(key, NULL, mask, BLOCK);
        otpctl_aes_mix(seed, mask);
        otp_secret_wipe(mask, sizeof(mask));
    }
    otp_secret_wipe(key, sizeof(key));
    return fine;
}


bool otpctl_sdtid_string(const otpctl_sdtid_batch_t *batch, otpctl_xml_node_t *token,
    char string[OTPCTL_CTF_DIGITS + 1])
{
    otpctl_ctf_t ctf = { 0 };
    bool         fine = batch->known && !has_attributes(token) && !has_defaults(token)
        && read_serial(token, &ctf.serial) && describe(batch, token, &ctf)
        && is_authentic(batch, token, ctf.serial) && open_seed(batch, token, ctf.serial, ctf.seed)
        && otpctl_ctf_write(&ctf, string);

    otp_secret_wipe(&ctf, sizeof(ctf));
    return fine;
}
