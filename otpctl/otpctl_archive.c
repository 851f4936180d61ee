#include "otpctl/otpctl_archive.h"

#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/model/otp_json.h"
#include "otpctl/otpctl_print.h"

#define CONTEXT_MAX 128

bool otpctl_chain_add(otp_keyring_t *ring, otpctl_chain_t *chain, otp_span_t line)
{
    otp_span_t parts[2] = { { (const char *) chain->digest, sizeof(chain->digest) }, line };
    uint8_t    next[OTP_DIGEST_LEN];

    if (otp_keyring_mac(ring, OTP_PURPOSE_EXPORT, otp_span_of(chain->ring_id), parts, 2, next) != OTP_OK) {
        return false;
    }
    memcpy(chain->digest, next, sizeof(next));
    chain->lines++;
    return true;
}


static size_t written(json_t *object, char *text)
{
    size_t len;

    return otp_json_write(object, text, OTPCTL_ARCHIVE_LINE, &len) == OTP_OK ? len : 0;
}


size_t otpctl_archive_head(const char *ring_id, otp_span_t prefix, int64_t now_s, char *text)
{
    return written(json_pack("{s:i, s:o, s:s, s:I}", "otp_export", 1, "prefix", otpctl_json_span(prefix), "ring",
                             ring_id, "time", (json_int_t) now_s), text);
}


/* A line is sealed for what it is: it cannot be given another name. */
static otp_span_t write_context(const char *kind, otp_span_t id, char text[CONTEXT_MAX])
{
    otp_buffer_t out;

    otp_buffer_init(&out, text, CONTEXT_MAX);
    otp_buffer_add_text(&out, "export:1:");
    otp_buffer_add_text(&out, kind);
    otp_buffer_add_char(&out, ':');
    otp_buffer_add(&out, id);
    return otp_buffer_span(&out);
}


size_t otpctl_archive_line(otp_keyring_t *ring, const char *kind, otp_span_t id, otp_span_t record,
    const uint8_t nonce[OTP_RANDOM_NONCE], char *text)
{
    char   context[CONTEXT_MAX], sealed[OTPCTL_ARCHIVE_LINE];
    size_t len;

    if (otp_keyring_seal(ring, OTP_PURPOSE_EXPORT, write_context(kind, id, context), nonce, record, sealed,
                         sizeof(sealed), &len) != OTP_OK) {
        return 0;
    }
    return written(json_pack("{s:s, s:o, s:s%}", "kind", kind, "id", otpctl_json_span(id), "sealed", sealed, len),
                   text);
}


size_t otpctl_archive_end(const otpctl_chain_t *chain, char *text)
{
    return written(json_pack("{s:I, s:o}", "end", (json_int_t) chain->lines, "mac",
                             otp_json_of_bytes(chain->digest, sizeof(chain->digest))), text);
}


bool otpctl_archive_read_head(otp_span_t line, char prefix[OTPCTL_PREFIX_MAX + 1], char ring_id[OTP_KEY_ID_LEN + 1])
{
    int64_t version;
    json_t *object = otp_json_object(line);
    bool    good = object && otp_json_number(object, "otp_export", 1, 1, &version)
        && otp_json_text(object, "prefix", true, prefix, OTPCTL_PREFIX_MAX + 1)
        && otp_json_text(object, "ring", false, ring_id, OTP_KEY_ID_LEN + 1);

    json_decref(object);
    return good;
}


bool otpctl_archive_read_line(otp_keyring_t *ring, otp_span_t line, char kind[16], char id[OTP_UID_LEN + 1],
    char *record, size_t *len)
{
    char    context[CONTEXT_MAX], sealed[OTPCTL_ARCHIVE_LINE];
    json_t *object = otp_json_object(line);
    bool    good = object && otp_json_text(object, "kind", false, kind, 16)
        && otp_json_text(object, "id", false, id, OTP_UID_LEN + 1)
        && otp_json_text(object, "sealed", false, sealed, sizeof(sealed))
        && otp_keyring_open(ring, OTP_PURPOSE_EXPORT, write_context(kind, otp_span_of(id), context),
                            otp_span_of(sealed), (uint8_t *) record, OTPCTL_RECORD_MAX, len) == OTP_OK;

    json_decref(object);
    return good;
}


bool otpctl_archive_ends(const otpctl_chain_t *chain, otp_span_t line)
{
    int64_t lines;
    uint8_t mac[OTP_DIGEST_LEN];
    json_t *object = otp_json_object(line);
    bool    good = object && otp_json_number(object, "end", 0, INT64_MAX, &lines)
        && otp_json_bytes(object, "mac", mac, sizeof(mac)) && (size_t) lines == chain->lines
        && otp_secret_equal(mac, chain->digest, sizeof(mac));

    json_decref(object);
    return good;
}
