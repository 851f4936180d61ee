#include <stdlib.h>
#include <string.h>

#include "otpctl/import/otpctl_import_sdtid_lock.h"
#include "otpctl/import/otpctl_import_sdtid_token.h"
#include "otpctl/import/otpctl_import_securid.h"
#include "otpctl/import/otpctl_import_tokens.h"
#include "otpctl/import/otpctl_import_xml.h"

/*
 * SecurID: files of tokens in XML (sdtid), or token strings (CTF), one a line.
 *
 * libstoken takes an sdtid document with one token only, and keeps what it authenticates in 64 KB whose bound it does
 * not watch closely.  So each token is given to it in a document of its own, with the header, within limits that keep
 * it far from there; or, when it is an ordinary one of a file that opens, as a token string, which takes it
 * microseconds and not half a millisecond.
 */

#define TOKEN_MAX       2048
#define DOCUMENT_MAX    65536
#define PART_TEXT       16384   /* of the header, or of a token */
#define PART_ELEMENTS   128
#define PART_DEPTH      5
#define PART_NAME       40
#define PART_MAX        (PART_TEXT * 2)

typedef struct {
    otpctl_tokens_t      tokens;
    char                 header[PART_MAX], relocked[PART_MAX];
    size_t               header_len, relocked_len, header_line;
    otpctl_sdtid_lock_t  lock;
    otpctl_sdtid_batch_t batch;
    char                 document[DOCUMENT_MAX];
} sdtid_t;

typedef struct {
    size_t elements, text;
    bool   fits;
} measure_t;

static void measure(const otpctl_xml_node_t *node, size_t depth, measure_t *sum)
{
    sum->elements++;
    sum->text += node->text.len;
    sum->fits &= depth <= PART_DEPTH && node->name.len <= PART_NAME;
    for (const otpctl_xml_node_t *child = node->child; child; child = child->next) {
        measure(child, depth + 1, sum);
    }
}


static bool fits(const otpctl_xml_node_t *node, otpctl_import_error_t *error)
{
    measure_t sum = { .fits = true };

    measure(node, 1, &sum);
    return (sum.fits && sum.elements <= PART_ELEMENTS && sum.text <= PART_TEXT)
        || otpctl_import_refuse(error, node->line, "element %.*s is larger than sdtid files have it",
                                (int) (node->name.len < PART_NAME ? node->name.len : PART_NAME), node->name.data);
}


static bool visit_header(sdtid_t *sdtid, otpctl_xml_node_t *header, otpctl_import_error_t *error)
{
    otp_buffer_t out, relocked;
    uint8_t      file_key[OTPCTL_AES_BLOCK];

    if (sdtid->header_len) {
        return otpctl_import_refuse(error, header->line, "there is a second TKNHeader");
    }
    otp_buffer_init(&out, sdtid->header, sizeof(sdtid->header));
    otpctl_xml_write(header, NULL, &out);
    sdtid->header_len = out.len;
    sdtid->header_line = header->line;
    otp_buffer_init(&relocked, sdtid->relocked, sizeof(sdtid->relocked));
    sdtid->lock = otpctl_sdtid_open(header, sdtid->tokens.password, file_key, &relocked);
    sdtid->relocked_len = relocked.len;
    if (sdtid->lock == OTPCTL_SDTID_OPEN || sdtid->lock == OTPCTL_SDTID_RELOCKED) {
        otpctl_sdtid_batch(header, file_key, &sdtid->batch);
    }
    otp_secret_wipe(file_key, sizeof(file_key));
    return !out.overflow || otpctl_import_refuse(error, header->line, "the header is too long");
}


static otp_span_t header_of(const sdtid_t *sdtid, otpctl_sdtid_lock_t lock)
{
    return lock == OTPCTL_SDTID_RELOCKED ? (otp_span_t) { sdtid->relocked, sdtid->relocked_len }
                                         : (otp_span_t) { sdtid->header, sdtid->header_len };
}


/* The document for libstoken. */
static bool write_document(sdtid_t *sdtid, const otpctl_xml_node_t *token, otpctl_sdtid_lock_t lock,
    otp_span_t *document, otpctl_import_error_t *error)
{
    otp_buffer_t out;

    otp_buffer_init(&out, sdtid->document, sizeof(sdtid->document) - 1);
    otp_buffer_add_text(&out, "<?xml version=\"1.0\"?><TKNBatch>");
    otp_buffer_add(&out, header_of(sdtid, lock));
    otpctl_xml_write(token, NULL, &out);
    otp_buffer_add_text(&out, "<TKNTrailer></TKNTrailer></TKNBatch>");
    if (out.overflow) {
        return otpctl_import_refuse(error, token->line, "the token is too long");
    }
    sdtid->document[out.len] = '\0';
    *document = otp_buffer_span(&out);
    /* Anywhere in a text, this makes libstoken read what follows it as a token string. */
    return !strcasestr(sdtid->document, "ctfData=")
        || otpctl_import_refuse(error, token->line, "there is a token string inside");
}


static bool visit_token(sdtid_t *sdtid, otpctl_xml_node_t *token, otpctl_import_error_t *error)
{
    bool                own = otpctl_sdtid_own_lock(token), fine;
    otpctl_sdtid_lock_t lock = own ? OTPCTL_SDTID_LEFT : sdtid->lock;
    otp_span_t          text;
    char                string[OTPCTL_CTF_DIGITS + 1];

    if (sdtid->header_len == 0) {
        return otpctl_import_refuse(error, token->line, "there is no TKNHeader before the first token");
    }
    if (lock == OTPCTL_SDTID_SHUT) {
        return otpctl_import_refuse(error, sdtid->header_line, "the file does not open: the password is a wrong one, "
                                    "or its header was changed");
    }
    if (!write_document(sdtid, token, lock, &text, error)) {
        return false;
    }
    if (!own && otpctl_sdtid_string(&sdtid->batch, token, string)) {
        text = otp_span_of(string);
    }
    fine = otpctl_tokens_add(&sdtid->tokens, text, otpctl_xml_text(otpctl_xml_child(token, "SN")), token->line, error);
    otp_secret_wipe(string, sizeof(string));
    return fine;
}


static bool visit(otpctl_xml_node_t *piece, void *data, otpctl_import_error_t *error)
{
    bool header = otp_span_equal(piece->name, OTP_SPAN("TKNHeader"));

    if (!header && !otp_span_equal(piece->name, OTP_SPAN("TKN"))) {
        return otp_span_equal(piece->name, OTP_SPAN("TKNTrailer"))
            || otpctl_import_refuse(error, piece->line, "element %.*s is not of an sdtid file",
                                    (int) (piece->name.len < PART_NAME ? piece->name.len : PART_NAME),
                                    piece->name.data);
    }
    if (!fits(piece, error)) {
        return false;
    }
    return header ? visit_header(data, piece, error) : visit_token(data, piece, error);
}


/* The tokens that wait were before whatever was wrong with the document: theirs is the first fault. */
static bool read_xml(otp_span_t text, const char *password, otpctl_import_list_t *list, otpctl_import_error_t *error)
{
    sdtid_t *sdtid = calloc(1, sizeof(*sdtid));
    bool     walked, opened;

    if (!sdtid) {
        return otpctl_import_refuse(error, 0, "out of memory");
    }
    sdtid->tokens.list = list;
    sdtid->tokens.password = password;
    walked = otpctl_xml_each(text, "TKNBatch", visit, sdtid, error);
    opened = otpctl_tokens_open(&sdtid->tokens, error);
    otp_secret_wipe(sdtid, sizeof(*sdtid));
    free(sdtid);
    return walked && opened;
}


/* libstoken would skip to the part of a line that it likes. */
static bool is_token_string(otp_span_t line)
{
    bool address = otp_span_starts(line, OTP_SPAN("com.rsa.securid"))
        || otp_span_starts(line, OTP_SPAN("http://127.0.0.1/"));

    for (size_t i = 0; i < line.len; i++) {
        bool digit = line.data[i] >= '0' && line.data[i] <= '9';

        if (line.data[i] < '!' || line.data[i] > '~' || (!address && !digit && line.data[i] != '-')) {
            return false;
        }
    }
    return line.len > 0 && line.len < TOKEN_MAX;
}


static bool read_lines(otp_span_t text, const char *password, otpctl_import_list_t *list, otpctl_import_error_t *error)
{
    otp_span_t       line;
    size_t           number = 0;
    bool             fine = true, opened;
    otpctl_tokens_t *tokens = calloc(1, sizeof(*tokens));

    if (!tokens) {
        return otpctl_import_refuse(error, 0, "out of memory");
    }
    tokens->list = list;
    tokens->password = password;
    while (fine && otpctl_import_line(&text, &line, &number)) {
        line = otp_span_trim(line);
        if (line.len == 0 || line.data[0] == '#') {
            continue;
        }
        if (is_token_string(line)) {
            fine = otpctl_tokens_add(tokens, line, OTP_SPAN_NONE, number, error);
        } else {
            fine = otpctl_import_refuse(error, number, "this is neither a token string nor an sdtid file");
        }
    }
    opened = otpctl_tokens_open(tokens, error);
    free(tokens);
    return fine && opened;
}


bool otpctl_import_sdtid(otp_span_t text, otp_span_t unlock, otpctl_import_list_t *list, otpctl_import_error_t *error)
{
    char       password[OTPCTL_SECURID_PASSWORD];
    otp_span_t body = otpctl_import_unmarked(text), start = otp_span_trim(body);
    bool       fine;

    unlock = otpctl_import_password(unlock);
    if (unlock.len >= sizeof(password) || (unlock.len && memchr(unlock.data, '\0', unlock.len))) {
        return otpctl_import_refuse(error, 0, "the key file has no password of a token");
    }
    if (unlock.len) {
        memcpy(password, unlock.data, unlock.len);
    }
    password[unlock.len] = '\0';
    fine = start.len && start.data[0] == '<' ? read_xml(body, unlock.len ? password : NULL, list, error)
                                             : read_lines(body, unlock.len ? password : NULL, list, error);
    otp_secret_wipe(password, sizeof(password));
    return fine;
}
