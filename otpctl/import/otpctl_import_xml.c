#include "otpctl/import/otpctl_import_xml.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK   16384
#define TAG_MAX 16384       /* bytes from < to > */

#if LIBXML_VERSION >= 21200
typedef const xmlError fault_t;
#else
typedef xmlError fault_t;
#endif

typedef struct {
    xmlParserCtxtPtr       parser;
    const char            *root;
    otpctl_xml_visit_t    *visit;
    void                  *data;
    otpctl_import_error_t *error;
    bool                   failed;
    size_t                 depth, skipped;      /* open elements; of those, in an element that is left out */
    otpctl_xml_node_t     *open;                /* the innermost one of the piece */
    size_t                 nodes, len;
    otpctl_xml_node_t      node[OTPCTL_XML_NODES];
    char                   text[OTPCTL_XML_TEXT];
} walk_t;

/* The libraries keep copies of what they read, keys in clear among it: memory of theirs is wiped when it is freed. */
static void wiping_free(void *memory)
{
    if (memory) {
        otp_secret_wipe(memory, malloc_usable_size(memory));
        free(memory);
    }
}


static void *wiping_realloc(void *memory, size_t size)
{
    void *moved = malloc(size);

    if (memory && moved) {
        size_t had = malloc_usable_size(memory);

        memcpy(moved, memory, had < size ? had : size);
        wiping_free(memory);
    }
    return moved;
}


static void prepare(void)
{
    static bool done = false;

    if (!done) {
        (void) xmlMemSetup(wiping_free, malloc, wiping_realloc, strdup);
        xmlInitParser();
        done = true;
    }
}


static size_t line_of(const walk_t *walk)
{
    return (size_t) xmlSAX2GetLineNumber(walk->parser);
}


/* Ends the walk; the first reason is the one that counts. */
static void fail(walk_t *walk, size_t line, const char *reason)
{
    if (!walk->failed) {
        (void) otpctl_import_refuse(walk->error, line, "%s", reason);
    }
    walk->failed = true;
    xmlStopParser(walk->parser);
}


static void on_doctype(void *data, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    walk_t *walk = data;

    (void) name;
    (void) external;
    (void) system;
    fail(walk, line_of(walk), "it has a document type (DOCTYPE), which is not read");
}


static void on_error(void *data, fault_t *fault)
{
    walk_t    *walk = data;
    otp_span_t message = otp_span_trim(otp_span_of(fault->message));

    if (fault->level < XML_ERR_ERROR || walk->failed) {
        return;
    }
    (void) otpctl_import_refuse(walk->error, (size_t) fault->line, "this is no XML: %.*s",
                                (int) (message.len < 200 ? message.len : 200), message.len ? message.data : "");
    walk->failed = true;
    xmlStopParser(walk->parser);
}


static bool is_known(const xmlChar *uri)
{
    static const char *const known[] = {
        "urn:ietf:params:xml:ns:keyprov:pskc", "http://www.w3.org/2000/09/xmldsig#",
        "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#",
        "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5"
    };

    for (size_t i = 0; uri && i < sizeof(known) / sizeof(known[0]); i++) {
        if (otp_span_starts(otp_span_of((const char *) uri), otp_span_of(known[i]))) {
            return true;
        }
    }
    return !uri;
}


static bool is_left_out(const xmlChar *name, const xmlChar *uri)
{
    return !is_known(uri) || strcmp((const char *) name, "Extensions") == 0;
}


static otpctl_xml_node_t *add_node(walk_t *walk, const xmlChar *name)
{
    otpctl_xml_node_t *node = &walk->node[walk->nodes], *parent = walk->open;

    if (walk->nodes == OTPCTL_XML_NODES) {
        fail(walk, line_of(walk), "an element has too many elements");
        return NULL;
    }
    walk->nodes++;
    *node = (otpctl_xml_node_t) {
        .name = otp_span_of((const char *) name), .text = { walk->text + walk->len, 0 }, .line = line_of(walk),
        .parent = parent
    };
    if (parent) {
        *(parent->last ? &parent->last->next : &parent->child) = node;
        parent->last = node;
    }
    return node;
}


static void add_text(walk_t *walk, otpctl_xml_node_t *node, otp_span_t text)
{
    if (text.len > OTPCTL_XML_TEXT - walk->len) {
        fail(walk, line_of(walk), "an element is too long");
        return;
    }
    if (text.len) {
        memcpy(walk->text + walk->len, text.data, text.len);
    }
    walk->len += text.len;
    node->text.len += text.len;
}


/* Five pointers an attribute: name, prefix, namespace, value and its end. */
static void add_attributes(walk_t *walk, int attributes, const xmlChar **attribute)
{
    for (int i = 0; i < attributes && !walk->failed; i++, attribute += 5) {
        otp_span_t         value = { (const char *) attribute[3], (size_t) (attribute[4] - attribute[3]) };
        otpctl_xml_node_t *node = is_known(attribute[2]) ? add_node(walk, attribute[0]) : NULL;

        if (node) {
            node->attribute = true;
            add_text(walk, node, value);
        }
    }
}


/* Between elements only white space. */
static void leave_text(walk_t *walk, otpctl_xml_node_t *node)
{
    if (otp_span_trim(node->text).len) {
        fail(walk, line_of(walk), "text stands beside elements");
    }
    node->text.len = 0;
}


static void on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int spaces,
    const xmlChar **space, int attributes, int defaulted, const xmlChar **attribute)
{
    walk_t *walk = data;

    (void) prefix;
    (void) spaces;
    (void) space;
    (void) defaulted;
    if (walk->failed) {
        return;
    }
    walk->depth++;
    if (walk->depth == 1 && strcmp((const char *) name, walk->root) != 0) {
        fail(walk, line_of(walk), "the root element is another one");
    } else if (walk->skipped || (walk->depth > 1 && is_left_out(name, uri))) {
        walk->skipped++;
    } else if (walk->depth > OTPCTL_XML_DEPTH) {
        fail(walk, line_of(walk), "elements are nested too deeply");
    } else if (walk->depth > 1) {
        if (walk->open) {
            leave_text(walk, walk->open);
        }
        walk->open = walk->failed ? NULL : add_node(walk, name);
        if (walk->open) {
            add_attributes(walk, attributes, attribute);
        }
    }
}


static void forget(walk_t *walk)
{
    otp_secret_wipe(walk->text, walk->len);
    walk->nodes = walk->len = 0;
    walk->open = NULL;
}


static void on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    walk_t *walk = data;

    (void) name;
    (void) prefix;
    (void) uri;
    if (walk->failed) {
        return;
    }
    walk->depth--;
    if (walk->skipped) {
        walk->skipped--;
    } else if (walk->open && walk->open->parent) {
        walk->open = walk->open->parent;
    } else if (walk->open) {
        if (!walk->visit(walk->open, walk->data, walk->error)) {
            walk->failed = true;
            xmlStopParser(walk->parser);
        }
        forget(walk);
    }
}


static bool has_elements(const otpctl_xml_node_t *node)
{
    return node->last && !node->last->attribute;
}


static void on_text(void *data, const xmlChar *text, int len)
{
    walk_t    *walk = data;
    otp_span_t piece = { (const char *) text, (size_t) len };

    if (walk->failed || walk->skipped) {
        return;
    }
    if (walk->open && !has_elements(walk->open)) {
        /* The text of an element comes in pieces, one after the other: attributes were before, elements are not. */
        if (walk->open->text.len == 0) {
            walk->open->text.data = walk->text + walk->len;
        }
        add_text(walk, walk->open, piece);
    } else if (otp_span_trim(piece).len) {
        fail(walk, line_of(walk), "text stands beside elements");
    }
}


static void feed(walk_t *walk, otp_span_t text)
{
    while (text.len && !walk->failed) {
        size_t len = text.len < CHUNK ? text.len : CHUNK;

        (void) xmlParseChunk(walk->parser, text.data, (int) len, 0);
        text.data += len;
        text.len -= len;
    }
    if (!walk->failed && xmlParseChunk(walk->parser, NULL, 0, 1) != 0 && !walk->failed) {
        fail(walk, line_of(walk), "this is no XML");
    }
}


/* The line of a tag that is longer than any of these formats has; 0: there is none.  The time that libxml2 takes for
 * the attributes of one tag grows with their square. */
static size_t long_tag(otp_span_t text)
{
    size_t line = 1, began = 0, begun_at = 0;
    bool   open = false;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n') {
            line++;
        } else if (text.data[i] == '<') {
            open = true;
            begun_at = i;
            began = line;
        } else if (text.data[i] == '>') {
            open = false;
        }
        if (open && i - begun_at > TAG_MAX) {
            return began;
        }
    }
    return 0;
}


bool otpctl_xml_each(otp_span_t text, const char *root, otpctl_xml_visit_t *visit, void *data,
    otpctl_import_error_t *error)
{
    xmlSAXHandler sax = {
        .initialized = XML_SAX2_MAGIC, .startElementNs = on_start, .endElementNs = on_end, .characters = on_text,
        .ignorableWhitespace = on_text, .cdataBlock = on_text, .internalSubset = on_doctype, .serror = on_error
    };
    size_t        line = long_tag(text);
    bool          fine;

    if (line) {
        return otpctl_import_refuse(error, line, "the tag is longer than %d bytes", TAG_MAX);
    }
    walk_t *walk = calloc(1, sizeof(*walk));

    prepare();
    if (walk) {
        *walk = (walk_t) { .root = root, .visit = visit, .data = data, .error = error };
        walk->parser = xmlCreatePushParserCtxt(&sax, walk, NULL, 0, NULL);
    }
    if (!walk || !walk->parser) {
        free(walk);
        return otpctl_import_refuse(error, 0, "out of memory");
    }
    (void) xmlCtxtUseOptions(walk->parser, XML_PARSE_NONET);
    feed(walk, text);
    fine = !walk->failed;
    xmlFreeParserCtxt(walk->parser);
    forget(walk);
    free(walk);
    return fine;
}
