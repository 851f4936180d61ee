#include "core/page/otp_page_names.h"
#include "core/page/otp_page_set.h"

#include <stdio.h>

/* One template under examination; the first thing wrong is kept. */
typedef struct {
    const otp_pages_t   *pages;
    otp_page_template_t *template;
    char                *error;
    size_t               error_size;
    otp_status_t         status;
} check_t;

static bool name_given(const otp_pages_t *pages, otp_span_t name)
{
    for (size_t i = 0; i < sizeof(otp_page_names) / sizeof(otp_page_names[0]); i++) {
        if (otp_span_equal(otp_span_of(otp_page_names[i]), name)) {
            return true;
        }
    }
    for (size_t i = 0; i < pages->files; i++) {
        if (otp_span_equal(otp_span_of(pages->file[i].variable), name)) {
            return true;
        }
    }
    return false;
}


static void refuse_name(check_t *check, otp_span_t name, const char *reason)
{
    if (check->status != OTP_OK) {
        return;
    }
    check->status = OTP_INVALID;
    snprintf(check->error, check->error_size, "%s/%s.html: line %zu: \"%.*s\" %s", check->template->language,
             check->template->name, otp_template_line(check->template->tpl, name),
             name.len > 64 ? 64 : (int) name.len, name.data, reason);
}


static void name_check(void *data, char kind, otp_span_t name)
{
    check_t *check = data;

    if (kind != 'p') {
        if (!name_given(check->pages, name)) {
            refuse_name(check, name, "is not a name that pages are given");
        }
        return;
    }
    if (otp_page_template_find(check->pages, otp_span_of(check->template->language), name) == NULL) {
        refuse_name(check, name, "is not a template of this language");
    }
}


static void nesting_raise(void *data, char kind, otp_span_t name)
{
    check_t *check = data;
    const otp_page_template_t *partial;

    if (kind != 'p') {
        return;
    }
    partial = otp_page_template_find(check->pages, otp_span_of(check->template->language), name);
    if (partial != NULL && partial->nested >= check->template->nested) {
        check->template->nested = partial->nested + 1;
    }
}


/* Each round carries the depth one level up; a template that includes itself grows in every round. */
static void nesting_measure(const otp_pages_t *pages)
{
    for (size_t i = 0; i < pages->tpls; i++) {
        pages->tpl[i].nested = 0;
    }
    for (size_t round = 0; round <= OTP_TEMPLATE_PARTIALS; round++) {
        for (size_t i = 0; i < pages->tpls; i++) {
            check_t check = { .pages = pages, .template = &pages->tpl[i] };

            otp_template_names(pages->tpl[i].tpl, nesting_raise, &check);
        }
    }
}


static otp_status_t template_check(const otp_pages_t *pages, otp_page_template_t *template, char *error,
    size_t error_size)
{
    check_t check = { pages, template, error, error_size, OTP_OK };

    otp_template_names(template->tpl, name_check, &check);
    if (check.status == OTP_OK && template->nested > OTP_TEMPLATE_PARTIALS) {
        snprintf(error, error_size, "%s/%s.html: includes itself, or others too deep", template->language,
                 template->name);
        return OTP_INVALID;
    }
    return check.status;
}


static otp_status_t language_check(const otp_pages_t *pages, const char *language, char *error, size_t error_size)
{
    for (int page = 0; page < OTP_PAGE_COUNT; page++) {
        const char *name = otp_page_name((otp_page_t) page);

        if (otp_page_template_find(pages, otp_span_of(language), otp_span_of(name)) == NULL) {
            snprintf(error, error_size, "%s/%s.html is missing", language, name);
            return OTP_INVALID;
        }
    }
    return OTP_OK;
}


otp_status_t otp_pages_check(const otp_pages_t *pages, char *error, size_t error_size)
{
    otp_status_t status = OTP_OK;

    if (pages->tpls == 0) {
        snprintf(error, error_size, "there are no templates");
        return OTP_INVALID;
    }
    nesting_measure(pages);
    for (size_t i = 0; i < pages->tpls && status == OTP_OK; i++) {
        status = language_check(pages, pages->tpl[i].language, error, error_size);
        if (status == OTP_OK) {
            status = template_check(pages, &pages->tpl[i], error, error_size);
        }
    }
    return status;
}
