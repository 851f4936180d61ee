#include "core/page/otp_template_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_ROOM   4096

typedef struct {
    char  *data;
    size_t len, room, max;      /* `data` has room + 1 bytes */
} page_t;

/* What names are looked up in: the innermost first. */
typedef struct scope_s {
    const json_t         *value;
    const struct scope_s *outer;
} scope_t;

typedef otp_status_t value_add_t(page_t *page, otp_span_t text);

typedef struct {
    otp_template_find_t find;
    void               *find_data;
    page_t              page;
    value_add_t        *value_add;  /* what becomes of texts that the template did not write */
    size_t              partials;   /* how many we are inside of */
    size_t              steps;
} renderer_t;

static otp_status_t nodes_render(renderer_t *renderer, const otp_template_t *tpl, size_t from, size_t to,
    const scope_t *scope);

/* Not realloc(): a page may show an emergency password, and must not leave copies behind. */
static otp_status_t page_grow(page_t *page, size_t needed)
{
    size_t room = page->room > 0 ? page->room : PAGE_ROOM;
    char *data;

    while (room < needed) {
        room *= 2;
    }
    if (room > page->max) {
        room = page->max;
    }
    data = malloc(room + 1);
    if (data == NULL) {
        return OTP_FAILED;
    }
    if (page->data != NULL) {
        memcpy(data, page->data, page->len);
        otp_secret_wipe(page->data, page->len);
        free(page->data);
    }
    page->data = data;
    page->room = room;
    return OTP_OK;
}


static otp_status_t page_add(page_t *page, otp_span_t text)
{
    otp_status_t status = OTP_OK;

    if (text.len > page->max - page->len) {
        return OTP_NO_ROOM;
    }
    if (text.len > page->room - page->len) {
        status = page_grow(page, page->len + text.len);
    }
    if (status == OTP_OK && text.len > 0) {
        memcpy(page->data + page->len, text.data, text.len);
        page->len += text.len;
    }
    return status;
}


static otp_span_t escape_of(char c)
{
    switch (c) {
    case '&':
        return OTP_SPAN("&amp;");
    case '<':
        return OTP_SPAN("&lt;");
    case '>':
        return OTP_SPAN("&gt;");
    case '"':
        return OTP_SPAN("&quot;");
    case '\'':
        return OTP_SPAN("&#39;");
    case '`':
        return OTP_SPAN("&#96;");
    default:
        return OTP_SPAN_NONE;
    }
}


static otp_status_t page_add_escaped(page_t *page, otp_span_t text)
{
    size_t plain = 0;

    for (size_t i = 0; i < text.len; i++) {
        otp_span_t escape = escape_of(text.data[i]);
        otp_status_t status;

        if (escape.data == NULL) {
            continue;
        }
        status = page_add(page, (otp_span_t) { text.data + plain, i - plain });
        if (status == OTP_OK) {
            status = page_add(page, escape);
        }
        if (status != OTP_OK) {
            return status;
        }
        plain = i + 1;
    }
    return page_add(page, (otp_span_t) { text.data + plain, text.len - plain });
}


static otp_status_t value_render(renderer_t *renderer, const json_t *value)
{
    page_t *page = &renderer->page;
    char number[64];

    if (value == NULL) {
        return OTP_OK;
    }
    switch (json_typeof(value)) {
    case JSON_STRING:
        return renderer->value_add(page, (otp_span_t) { json_string_value(value), json_string_length(value) });
    case JSON_INTEGER:
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return page_add(page, otp_span_of(number));
    case JSON_REAL:
        snprintf(number, sizeof(number), "%.15g", json_real_value(value));
        return page_add(page, otp_span_of(number));
    case JSON_TRUE:
        return page_add(page, OTP_SPAN("true"));
    case JSON_FALSE:
        return page_add(page, OTP_SPAN("false"));
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return OTP_OK;
}


static bool value_true(const json_t *value)
{
    if (value == NULL) {
        return false;
    }
    switch (json_typeof(value)) {
    case JSON_STRING:
        return json_string_length(value) > 0;
    case JSON_INTEGER:
        return json_integer_value(value) != 0;
    case JSON_REAL:
        return json_real_value(value) < 0 || json_real_value(value) > 0;
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    case JSON_OBJECT:
        return json_object_size(value) > 0;
    case JSON_TRUE:
        return true;
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    return false;
}


static const json_t *look_up(const scope_t *scope, otp_span_t name)
{
    for (; scope != NULL; scope = scope->outer) {
        const json_t *value = json_object_get(scope->value, name.data);

        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}


static otp_status_t section_render(renderer_t *renderer, const otp_template_t *tpl, size_t i, const scope_t *scope)
{
    const otp_node_t *node = &tpl->node[i];
    const json_t *value = look_up(scope, node->text);
    scope_t inner = { value, scope };
    otp_status_t status = OTP_OK;

    if (!value_true(value)) {
        return OTP_OK;
    }
    if (!json_is_array(value)) {
        return nodes_render(renderer, tpl, i + 1, node->end, json_is_object(value) ? &inner : scope);
    }
    for (size_t k = 0; k < json_array_size(value) && status == OTP_OK; k++) {
        inner.value = json_array_get(value, k);
        status = nodes_render(renderer, tpl, i + 1, node->end, &inner);
    }
    return status;
}


static otp_status_t partial_render(renderer_t *renderer, otp_span_t name, const scope_t *scope)
{
    const otp_template_t *tpl = renderer->find != NULL ? renderer->find(renderer->find_data, name) : NULL;
    otp_status_t status;

    if (tpl == NULL || renderer->partials == OTP_TEMPLATE_PARTIALS) {
        return OTP_INVALID;
    }
    renderer->partials++;
    status = nodes_render(renderer, tpl, 0, tpl->nodes, scope);
    renderer->partials--;
    return status;
}


static otp_status_t node_render(renderer_t *renderer, const otp_template_t *tpl, size_t i, const scope_t *scope)
{
    const otp_node_t *node = &tpl->node[i];

    switch (node->kind) {
    case OTP_NODE_TEXT:
        return page_add(&renderer->page, node->text);
    case OTP_NODE_VARIABLE:
        return value_render(renderer, look_up(scope, node->text));
    case OTP_NODE_ELEMENT:
        return value_render(renderer, scope->value);
    case OTP_NODE_SECTION:
        return section_render(renderer, tpl, i, scope);
    case OTP_NODE_INVERTED:
        if (value_true(look_up(scope, node->text))) {
            return OTP_OK;
        }
        return nodes_render(renderer, tpl, i + 1, node->end, scope);
    case OTP_NODE_PARTIAL:
        return partial_render(renderer, node->text, scope);
    }
    return OTP_INVALID;
}


/* Recursion is bounded by OTP_TEMPLATE_SECTIONS in each of OTP_TEMPLATE_PARTIALS + 1 templates. */
static otp_status_t nodes_render(renderer_t *renderer, const otp_template_t *tpl, size_t from, size_t to,
    const scope_t *scope)
{
    otp_status_t status = OTP_OK;

    for (size_t i = from; i < to && status == OTP_OK; i = tpl->node[i].end) {
        /* Partials that name each other multiply without growing the page: `max` alone would not stop them. */
        if (renderer->steps++ == OTP_TEMPLATE_STEPS) {
            return OTP_NO_ROOM;
        }
        status = node_render(renderer, tpl, i, scope);
    }
    return status;
}


/* The page, in a renderer that says how. */
OTP_MUST_USE static otp_status_t page_render(renderer_t *renderer, const otp_template_t *tpl, const json_t *view,
    char **text, size_t *len)
{
    page_t *page = &renderer->page;
    scope_t scope = { view, NULL };
    otp_status_t status = page_grow(page, 0);

    *text = NULL;
    *len = 0;
    if (status == OTP_OK) {
        status = nodes_render(renderer, tpl, 0, tpl->nodes, &scope);
    }
    if (status != OTP_OK) {
        if (page->data != NULL) {
            otp_secret_wipe(page->data, page->len);
        }
        free(page->data);
        return status;
    }
    page->data[page->len] = '\0';
    *text = page->data;
    *len = page->len;
    return OTP_OK;
}


otp_status_t otp_template_render(const otp_template_t *tpl, const json_t *view, otp_template_find_t find,
    void *find_data, size_t max, char **html, size_t *len)
{
    renderer_t renderer = {
        .find = find, .find_data = find_data, .page = { .max = max }, .value_add = page_add_escaped
    };

    return page_render(&renderer, tpl, view, html, len);
}


otp_status_t otp_template_render_text(const otp_template_t *tpl, const json_t *view, otp_template_find_t find,
    void *find_data, size_t max, char **text, size_t *len)
{
    renderer_t renderer = { .find = find, .find_data = find_data, .page = { .max = max }, .value_add = page_add };

    return page_render(&renderer, tpl, view, text, len);
}
