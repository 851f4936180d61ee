#include "otpctl/import/otpctl_import_sdtid_part.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK           OTPCTL_AES_BLOCK
#define FIELD           OTPCTL_SDTID_FIELD
#define COVERED_MAX     65536
#define PATH_LEN        512

typedef struct {
    otpctl_xml_node_t *node;
    size_t             elements;
} found_t;

/* What a MAC is made of. */
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


otpctl_xml_node_t *otpctl_sdtid_find(otpctl_xml_node_t *part, const char *name, size_t *elements)
{
    found_t found = { 0 };

    search(part, name, &found);
    if (elements) {
        *elements = found.elements;
    }
    return found.elements == 1 && is_leaf(found.node) ? found.node : NULL;
}


bool otpctl_sdtid_block(otp_span_t text, uint8_t block[BLOCK])
{
    size_t len;

    return otpctl_xml_base64(text, block, BLOCK, &len) == OTP_OK && len == BLOCK;
}


void otpctl_sdtid_put(uint8_t *place, size_t size, otp_span_t text)
{
    memset(place, 0, size);
    if (text.len) {
        memcpy(place, text.data, text.len < size ? text.len : size);
    }
}


bool otpctl_sdtid_key(const uint8_t file_key[BLOCK], const char *use, otp_span_t owner, const uint8_t iv[BLOCK],
    uint8_t key[BLOCK])
{
    uint8_t text[2 * FIELD];
    bool    fine;

    otpctl_sdtid_put(text, FIELD, otp_span_of(use));
    otpctl_sdtid_put(text + FIELD, FIELD, owner);
    fine = otpctl_aes_encrypt(file_key, iv, text, sizeof(text));
    memcpy(key, text + sizeof(text) - BLOCK, BLOCK);
    otp_secret_wipe(text, sizeof(text));
    return fine;
}


/* A line, then a gap of zeros as long as what the line and gap before take of their last block.  A line with a text
 * that fits a block together with its gap goes back to where a block begins. */
static void cover_line(covered_t *covered, const otpctl_xml_node_t *node)
{
    otp_span_t   path = otp_buffer_span(&covered->path);
    size_t       len = path.len + node->text.len + 2 + (node->text.len ? 0 : 3 + node->name.len);
    bool         back = node->text.len && len + covered->gap <= BLOCK;
    size_t       at = back ? covered->len - covered->len % BLOCK : covered->len;
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


/* CBC-MAC: the last block of the chain. */
bool otpctl_sdtid_mac(const otpctl_xml_node_t *part, const uint8_t key[BLOCK], const uint8_t iv[BLOCK],
    uint8_t mac[BLOCK])
{
    covered_t *covered = calloc(1, sizeof(*covered));
    size_t     len;
    bool       fine;

    if (!covered) {
        return false;
    }
    covered->fits = true;
    otp_buffer_init(&covered->path, covered->path_text, sizeof(covered->path_text));
    otp_buffer_add(&covered->path, part->name);
    cover(covered, part);
    len = (covered->len + BLOCK - 1) / BLOCK * BLOCK;
    fine = covered->fits && len && otpctl_aes_encrypt(key, iv, (uint8_t *) covered->bytes, len);
    if (fine) {
        memcpy(mac, covered->bytes + len - BLOCK, BLOCK);
    }
    otp_secret_wipe(covered->bytes, covered->fits ? len : sizeof(covered->bytes));
    free(covered);
    return fine;
}
