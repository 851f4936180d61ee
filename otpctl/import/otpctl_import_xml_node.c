#include <string.h>

#include "core/base/otp_encode.h"
#include "otpctl/import/otpctl_import_xml.h"

#define BASE64_MAX  2048    /* digits of one value */

static otpctl_xml_node_t *find(const otpctl_xml_node_t *node, const char *name, bool attribute)
{
    otpctl_xml_node_t *child = node ? node->child : NULL;

    while (child && (child->attribute != attribute || !otp_span_equal(child->name, otp_span_of(name)))) {
        child = child->next;
    }
    return child;
}


otpctl_xml_node_t *otpctl_xml_child(const otpctl_xml_node_t *node, const char *name)
{
    return find(node, name, false);
}


otp_span_t otpctl_xml_text(const otpctl_xml_node_t *node)
{
    return node ? otp_span_trim(node->text) : OTP_SPAN_NONE;
}


otp_span_t otpctl_xml_attribute(const otpctl_xml_node_t *node, const char *name)
{
    return otpctl_xml_text(find(node, name, true));
}


static void write_text(otp_span_t text, otp_buffer_t *out)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.data[i]) {
        case '<':
            otp_buffer_add_text(out, "&lt;");
            break;
        case '>':
            otp_buffer_add_text(out, "&gt;");
            break;
        case '&':
            otp_buffer_add_text(out, "&amp;");
            break;
        case '"':
            otp_buffer_add_text(out, "&quot;");
            break;
        case '\r':
            otp_buffer_add_text(out, "&#13;");
            break;
        default:
            otp_buffer_add_char(out, text.data[i]);
        }
    }
}


void otpctl_xml_write(const otpctl_xml_node_t *node, const otpctl_xml_node_t *without, otp_buffer_t *out)
{
    if (node == without) {
        return;
    }
    otp_buffer_add_char(out, '<');
    otp_buffer_add(out, node->name);
    for (const otpctl_xml_node_t *one = node->child; one; one = one->next) {
        if (one->attribute && one->text.len) {
            otp_buffer_add_char(out, ' ');
            otp_buffer_add(out, one->name);
            otp_buffer_add_text(out, "=\"");
            write_text(one->text, out);
            otp_buffer_add_char(out, '"');
        }
    }
    otp_buffer_add_char(out, '>');
    write_text(node->text, out);
    for (const otpctl_xml_node_t *one = node->child; one; one = one->next) {
        if (!one->attribute) {
            otpctl_xml_write(one, without, out);
        }
    }
    otp_buffer_add_text(out, "</");
    otp_buffer_add(out, node->name);
    otp_buffer_add_char(out, '>');
}


otp_status_t otpctl_xml_base64(otp_span_t text, uint8_t *bytes, size_t size, size_t *len)
{
    char         digits[BASE64_MAX];
    otp_span_t   bare = { digits, 0 };
    size_t       padding = 0;
    otp_status_t status = OTP_OK;

    *len = 0;
    for (size_t i = 0; i < text.len && status == OTP_OK; i++) {
        char c = text.data[i];

        if (memchr(" \t\r\n", c, 4)) {
            continue;
        }
        if (c == '=') {
            padding++;
        } else if (padding || c == '-' || c == '_') {
            status = OTP_INVALID;
        } else if (bare.len == BASE64_MAX) {
            status = OTP_NO_ROOM;
        } else {
            digits[bare.len++] = c == '+' ? '-' : c;
            digits[bare.len - 1] = c == '/' ? '_' : digits[bare.len - 1];
        }
    }
    if (status == OTP_OK && (padding > 2 || (bare.len + padding) % 4)) {
        status = OTP_INVALID;
    }
    if (status == OTP_OK) {
        status = otp_base64url_decode(bare, bytes, size, len);
    }
    otp_secret_wipe(digits, sizeof(digits));
    return status;
}
