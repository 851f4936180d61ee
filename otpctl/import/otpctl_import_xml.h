/*
 * XML from outside, a piece at a time: each element below the root becomes a small tree, is looked at, and is wiped
 * before the next one.  No document type, so no entities but XML's own five; no network; every piece of bounded size.
 */
#ifndef OTPCTL_IMPORT_XML_H
#define OTPCTL_IMPORT_XML_H

#include "core/base/otp_buffer.h"
#include "otpctl/import/otpctl_import.h"

#define OTPCTL_XML_NODES    512         /* of a piece, attributes included */
#define OTPCTL_XML_DEPTH    16
#define OTPCTL_XML_TEXT     65536       /* bytes of a piece: texts and values */

typedef struct otpctl_xml_node_s otpctl_xml_node_t;
struct otpctl_xml_node_s {
    otp_span_t         name;            /* without its prefix */
    otp_span_t         text;            /* of an attribute, or of an element without elements */
    bool               attribute;
    size_t             line;
    otpctl_xml_node_t *parent, *child, *last, *next;
};

/* A piece is the visitor's to change until it returns.  False ends the walk: `error` says why. */
typedef bool otpctl_xml_visit_t(otpctl_xml_node_t *piece, void *data, otpctl_import_error_t *error);

/* `root`: the name of the root element.  Elements of namespaces that no format here has, and those called
 * Extensions, are left out. */
OTP_MUST_USE bool otpctl_xml_each(otp_span_t text, const char *root, otpctl_xml_visit_t *visit, void *data,
    otpctl_import_error_t *error);

/* The first one of this name; NULL (of `node` NULL too) when there is none. */
otpctl_xml_node_t *otpctl_xml_child(const otpctl_xml_node_t *node, const char *name);
/* Without white space at its ends; empty when there is none. */
otp_span_t otpctl_xml_text(const otpctl_xml_node_t *node);
otp_span_t otpctl_xml_attribute(const otpctl_xml_node_t *node, const char *name);

/* As XML without namespaces.  `without` (may be NULL) is left out. */
void otpctl_xml_write(const otpctl_xml_node_t *node, const otpctl_xml_node_t *without, otp_buffer_t *out);

/* RFC 4648 section 4; white space is ignored.  OTP_INVALID, OTP_NO_ROOM. */
OTP_MUST_USE otp_status_t otpctl_xml_base64(otp_span_t text, uint8_t *bytes, size_t size, size_t *len);

#endif
