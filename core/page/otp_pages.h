/*
 * The set of pages: for each language the templates of its folder, and the static files.  Reads no
 * file itself: the module and the tests hand in names and bytes.
 */
#ifndef OTP_PAGES_H
#define OTP_PAGES_H

#include "core/page/otp_template.h"

/* Every page the product shows; the template is `<name>.html` in each language's folder. */
typedef enum {
    OTP_PAGE_LOGIN, OTP_PAGE_PASSCODE, OTP_PAGE_PIN, OTP_PAGE_HOME, OTP_PAGE_HELP, OTP_PAGE_ERROR,
    OTP_PAGE_KEY, OTP_PAGE_KEY_PIN, OTP_PAGE_ACTIVITY, OTP_PAGE_HELPDESK, OTP_PAGE_HELPDESK_PERSON,
    OTP_PAGE_HELPDESK_CONFIRM, OTP_PAGE_HELPDESK_EMERGENCY, OTP_PAGE_HELPDESK_REQUESTS
} otp_page_t;
#define OTP_PAGE_COUNT 14

typedef struct otp_pages_s otp_pages_t;

OTP_MUST_USE otp_pages_t *otp_pages_create(void);
void otp_pages_destroy(otp_pages_t *pages);

const char *otp_page_name(otp_page_t page);

/* Adds `name` ("login", "layout_top"…: the file name without .html) of `language`.
 * Otherwise: `error` says the line and the reason. */
OTP_MUST_USE otp_status_t otp_pages_add(otp_pages_t *pages, otp_span_t language, otp_span_t name, otp_span_t text,
    char *error, size_t error_size);

/* Adds a static file ("style.css": lower case, digits, "._-", 64 bytes, an ending; OTP_INVALID otherwise or when
 * its variable is taken); served as static/NAME.HASH.EXT where HASH is 12 hex digits of its SHA-256.
 * Its address is the variable {{static_<name with . - as _>}} of every page: {{static_style_css}}. */
OTP_MUST_USE otp_status_t otp_pages_add_static(otp_pages_t *pages, otp_span_t name, otp_span_t bytes);

/* After the last add: every page of every language is there, every partial named exists, every variable
 * is one that pages are given.  Otherwise OTP_INVALID and `error` names language, template and what. */
OTP_MUST_USE otp_status_t otp_pages_check(const otp_pages_t *pages, char *error, size_t error_size);

/* The bytes and media type of `file` ("style.0123456789ab.css"); false: there is no such file. */
bool otp_pages_static(const otp_pages_t *pages, otp_span_t file, otp_span_t *bytes, otp_span_t *type);

/* Renders a page.  `view` gets the addresses of the static files (below `portal`) added. */
OTP_MUST_USE otp_status_t otp_pages_render(const otp_pages_t *pages, otp_span_t language, otp_page_t page,
    otp_span_t portal, json_t *view, char **html, size_t *len);

#endif
