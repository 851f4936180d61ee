/*
 * What a set of pages holds: shared by otp_pages.c and otp_page_check.c only.
 */
#ifndef OTP_PAGE_SET_H
#define OTP_PAGE_SET_H

#include "core/page/otp_pages.h"

typedef struct {
    char           *language, *name;
    otp_template_t *tpl;
    size_t          nested;     /* how many partials are inside each other from here: of otp_pages_check() */
} otp_page_template_t;

typedef struct {
    char       *variable;       /* "static_style_css" */
    char       *file;           /* "style.0123456789ab.css" */
    char       *bytes;
    size_t      len;
    const char *type;
} otp_page_static_t;

struct otp_pages_s {
    otp_page_template_t *tpl;
    size_t               tpls;
    otp_page_static_t   *file;
    size_t               files;
};

/* NULL: there is none of that name in that language. */
otp_page_template_t *otp_page_template_find(const otp_pages_t *pages, otp_span_t language, otp_span_t name);

#endif
