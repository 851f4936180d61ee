#include "core/page/otp_template_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    size_t node;
    size_t line;
} open_section_t;

typedef struct {
    otp_template_t *tpl;
    otp_span_t      rest;
    size_t          line;       /* of rest's first byte */
    size_t          tag_line;   /* of the tag under examination */
    open_section_t  open[OTP_TEMPLATE_SECTIONS];
    size_t          depth;
    char           *error;
    size_t          error_size;
} parser_t;

static bool refuse(const parser_t *parser, size_t line, const char *reason)
{
    snprintf(parser->error, parser->error_size, "line %zu: %s", line, reason);
    return false;
}


static bool refuse_name(const parser_t *parser, size_t line, otp_span_t name, const char *reason)
{
    int shown = name.len > 64 ? 64 : (int) name.len;

    snprintf(parser->error, parser->error_size, "line %zu: \"%.*s\" %s", line, shown, name.data, reason);
    return false;
}


static bool name_valid(otp_span_t name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = c >= 'a' && c <= 'z';

        if (!letter && (i == 0 || !(c == '_' || (c >= '0' && c <= '9')))) {
            return false;
        }
    }
    return name.len > 0;
}


static bool node_add(parser_t *parser, otp_node_kind_t kind, otp_span_t text)
{
    otp_template_t *tpl = parser->tpl;

    if (tpl->nodes == tpl->room) {
        size_t room = tpl->room > 0 ? tpl->room * 2 : 32;
        otp_node_t *node = realloc(tpl->node, room * sizeof(*node));

        if (node == NULL) {
            return refuse(parser, parser->line, "out of memory");
        }
        tpl->node = node;
        tpl->room = room;
    }
    tpl->node[tpl->nodes] = (otp_node_t) { kind, text, parser->tag_line, tpl->nodes + 1 };
    tpl->nodes++;
    return true;
}


/* A name is used as a C string: what follows it in the copy, a blank or "}}", has been read already. */
static bool name_add(parser_t *parser, otp_node_kind_t kind, otp_span_t name)
{
    parser->tpl->text[(size_t) (name.data - parser->tpl->text) + name.len] = '\0';
    return node_add(parser, kind, name);
}


static bool section_open(parser_t *parser, otp_node_kind_t kind, otp_span_t name, size_t line)
{
    if (parser->depth == OTP_TEMPLATE_SECTIONS) {
        return refuse_name(parser, line, name, "is nested too deep");
    }
    parser->open[parser->depth++] = (open_section_t) { parser->tpl->nodes, line };
    return name_add(parser, kind, name);
}


static bool section_close(parser_t *parser, otp_span_t name, size_t line)
{
    otp_node_t *node;

    if (parser->depth == 0) {
        return refuse_name(parser, line, name, "is closed but was not opened");
    }
    node = &parser->tpl->node[parser->open[--parser->depth].node];
    if (!otp_span_equal(node->text, name)) {
        return refuse_name(parser, line, name, "is closed inside another section");
    }
    node->end = parser->tpl->nodes;
    return true;
}


static bool tag_parse(parser_t *parser, otp_span_t tag, size_t line)
{
    char sigil = tag.len > 0 ? tag.data[0] : '\0';
    otp_span_t name = tag;

    if (sigil == '!') {
        return true;
    }
    if (sigil == '.' && tag.len == 1) {
        return node_add(parser, OTP_NODE_ELEMENT, tag);
    }
    if (sigil == '{' || sigil == '&') {
        return refuse(parser, line, "values are always escaped, there is no raw form");
    }
    if (sigil == '#' || sigil == '^' || sigil == '/' || sigil == '>') {
        name = otp_span_trim((otp_span_t) { tag.data + 1, tag.len - 1 });
    }
    if (!name_valid(name)) {
        return refuse(parser, line, "what stands between {{ and }} is not a name");
    }
    switch (sigil) {
    case '#':
        return section_open(parser, OTP_NODE_SECTION, name, line);
    case '^':
        return section_open(parser, OTP_NODE_INVERTED, name, line);
    case '/':
        return section_close(parser, name, line);
    case '>':
        return name_add(parser, OTP_NODE_PARTIAL, name);
    default:
        return name_add(parser, OTP_NODE_VARIABLE, name);
    }
}


/* Takes `len` bytes off the rest. */
static otp_span_t take(parser_t *parser, size_t len)
{
    otp_span_t taken = { parser->rest.data, len };

    for (size_t i = 0; i < len; i++) {
        parser->line += taken.data[i] == '\n';
    }
    parser->rest.data += len;
    parser->rest.len -= len;
    return taken;
}


/* How far `mark` is from the beginning of the rest; the rest's length when it is not there. */
static size_t distance(const parser_t *parser, const char *mark)
{
    const char *found = memmem(parser->rest.data, parser->rest.len, mark, 2);

    return found != NULL ? (size_t) (found - parser->rest.data) : parser->rest.len;
}


static bool text_parse(parser_t *parser)
{
    otp_span_t text = take(parser, distance(parser, "{{"));

    return text.len == 0 || node_add(parser, OTP_NODE_TEXT, text);
}


static bool parse(parser_t *parser)
{
    for (size_t tags = 0; text_parse(parser); tags++) {
        size_t line = parser->line;
        otp_span_t tag;

        if (parser->rest.len == 0) {
            return true;
        }
        if (tags == OTP_TEMPLATE_TAGS) {
            return refuse(parser, line, "too many tags");
        }
        (void) take(parser, 2);
        tag = take(parser, distance(parser, "}}"));
        if (parser->rest.len == 0) {
            return refuse(parser, line, "{{ without }}");
        }
        (void) take(parser, 2);
        parser->tag_line = line;
        if (!tag_parse(parser, otp_span_trim(tag), line)) {
            return false;
        }
    }
    return false;
}


static bool closed(const parser_t *parser)
{
    const open_section_t *open;

    if (parser->depth == 0) {
        return true;
    }
    open = &parser->open[parser->depth - 1];
    return refuse_name(parser, open->line, parser->tpl->node[open->node].text, "is opened but not closed");
}


otp_template_t *otp_template_parse(otp_span_t text, char *error, size_t error_size)
{
    otp_template_t *tpl = calloc(1, sizeof(*tpl));
    parser_t parser = { .tpl = tpl, .line = 1, .error = error, .error_size = error_size };

    if (tpl == NULL || (tpl->text = malloc(text.len + 1)) == NULL) {
        refuse(&parser, parser.line, "out of memory");
        otp_template_destroy(tpl);
        return NULL;
    }
    if (text.len > 0) {
        memcpy(tpl->text, text.data, text.len);
    }
    parser.rest = (otp_span_t) { tpl->text, text.len };
    if (!parse(&parser) || !closed(&parser)) {
        otp_template_destroy(tpl);
        return NULL;
    }
    return tpl;
}


void otp_template_destroy(otp_template_t *tpl)
{
    if (tpl == NULL) {
        return;
    }
    free(tpl->node);
    free(tpl->text);
    free(tpl);
}


/* '\0' for what has no name. */
static char kind_letter(otp_node_kind_t kind)
{
    switch (kind) {
    case OTP_NODE_VARIABLE:
        return 'v';
    case OTP_NODE_SECTION:
    case OTP_NODE_INVERTED:
        return 's';
    case OTP_NODE_PARTIAL:
        return 'p';
    case OTP_NODE_TEXT:
    case OTP_NODE_ELEMENT:
        break;
    }
    return '\0';
}


static bool visited_before(const otp_template_t *tpl, size_t i, char kind)
{
    for (size_t k = 0; k < i; k++) {
        if (kind_letter(tpl->node[k].kind) == kind && otp_span_equal(tpl->node[k].text, tpl->node[i].text)) {
            return true;
        }
    }
    return false;
}


size_t otp_template_line(const otp_template_t *tpl, otp_span_t name)
{
    size_t i = 0;

    while (i + 1 < tpl->nodes && tpl->node[i].text.data != name.data) {
        i++;
    }
    return tpl->nodes != 0 ? tpl->node[i].line : 0;
}


void otp_template_names(const otp_template_t *tpl, void (*visit)(void *data, char kind, otp_span_t name), void *data)
{
    for (size_t i = 0; i < tpl->nodes; i++) {
        char kind = kind_letter(tpl->node[i].kind);

        if (kind != '\0' && !visited_before(tpl, i, kind)) {
            visit(data, kind, tpl->node[i].text);
        }
    }
}
