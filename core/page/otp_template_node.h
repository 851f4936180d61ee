/*
 * What a template is once compiled: shared by the parser and the renderer only.
 */
#ifndef OTP_TEMPLATE_NODE_H
#define OTP_TEMPLATE_NODE_H

#include "core/page/otp_template.h"

typedef enum {
    OTP_NODE_TEXT,
    OTP_NODE_VARIABLE,
    OTP_NODE_ELEMENT,       /* {{.}} */
    OTP_NODE_SECTION,
    OTP_NODE_INVERTED,
    OTP_NODE_PARTIAL
} otp_node_kind_t;

typedef struct {
    otp_node_kind_t kind;
    otp_span_t      text;   /* the text itself, or the name: a name is followed by a NUL */
    size_t          line;   /* that its tag begins on */
    size_t          end;    /* index of the node after this one and, for a section, after what is inside it */
} otp_node_t;

struct otp_template_s {
    char       *text;       /* the copy that the nodes point into */
    otp_node_t *node;
    size_t      nodes, room;
};

#endif
