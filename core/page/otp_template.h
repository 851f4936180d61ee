/*
 * Logic-less templates.  A template is text with
 *     {{name}}            the value, HTML-escaped (& < > " ' `), always; there is no raw form.  What is no HTML,
 *                         a mail's text, is rendered as a whole by otp_template_render_text() instead
 *     {{#name}}…{{/name}} section: once if the value is true/non-empty; for an array once an element
 *                         (inside, names are looked up in the element first, then outwards; {{.}} is the element)
 *     {{^name}}…{{/name}} when the value is absent, false, empty string, 0 or an empty array
 *     {{>name}}           the template `name` of the same set (depth at most 8)
 *     {{! comment}}
 * Names: [a-z][a-z0-9_]*; blanks around a name do not count.
 */
#ifndef OTP_TEMPLATE_H
#define OTP_TEMPLATE_H

#include <jansson.h>

#include "core/base/otp_span.h"

#define OTP_TEMPLATE_TAGS       4096    /* in one template */
#define OTP_TEMPLATE_SECTIONS   16      /* inside each other, in one template */
#define OTP_TEMPLATE_PARTIALS   8       /* inside each other */
#define OTP_TEMPLATE_STEPS      200000  /* pieces of text and tags that one rendering may go through */

typedef struct otp_template_s otp_template_t;

/* Compiles `text` (copied).  NULL when refused: `error` says the line and the reason. */
OTP_MUST_USE otp_template_t *otp_template_parse(otp_span_t text, char *error, size_t error_size);
void otp_template_destroy(otp_template_t *tpl);

/* Finds a partial by name; NULL: there is none. */
typedef const otp_template_t *(*otp_template_find_t)(void *data, otp_span_t name);

/* Every variable, section and partial name a template uses, once each, partials not followed:
 * calls `visit(data, kind, name)` with kind 'v', 's' or 'p'.  For the check at `nginx -t`. */
void otp_template_names(const otp_template_t *tpl, void (*visit)(void *data, char kind, otp_span_t name), void *data);
/* The line of the tag with a name that otp_template_names() has given, those very bytes. */
size_t otp_template_line(const otp_template_t *tpl, otp_span_t name);

/* Renders to newly allocated memory: *html (free() it; a NUL follows) of *len bytes, at most `max` (OTP_NO_ROOM,
 * also for more than OTP_TEMPLATE_STEPS).
 * Unknown names give nothing.  OTP_INVALID: a partial is missing or nested deeper than 8. */
OTP_MUST_USE otp_status_t otp_template_render(const otp_template_t *tpl, const json_t *view,
    otp_template_find_t find, void *find_data, size_t max, char **html, size_t *len);

/* The same for plain text: values as they are, partials too.  Never for what a browser shows. */
OTP_MUST_USE otp_status_t otp_template_render_text(const otp_template_t *tpl, const json_t *view,
    otp_template_find_t find, void *find_data, size_t max, char **text, size_t *len);

#endif
