#include "core/page/otp_page_set.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/otp_buffer.h"

#define PAGE_MAX        (1024 * 1024)
#define HASH_BYTES      6
#define NAME_MAX_LEN    64

static const struct {
    const char *ending;
    const char *type;
} media_types[] = {
    { ".css", "text/css; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".svg", "image/svg+xml" },
    { ".png", "image/png" },
    { ".jpg", "image/jpeg" },
    { ".gif", "image/gif" },
    { ".webp", "image/webp" },
    { ".ico", "image/x-icon" },
    { ".woff2", "font/woff2" },
    { ".txt", "text/plain; charset=utf-8" },
    { ".pdf", "application/pdf" },
};

typedef struct {
    const otp_pages_t *pages;
    otp_span_t         language;
} partials_t;

otp_pages_t *otp_pages_create(void)
{
    return calloc(1, sizeof(otp_pages_t));
}


static void template_free(otp_page_template_t *template)
{
    otp_template_destroy(template->tpl);
    free(template->name);
    free(template->language);
}


static void static_free(otp_page_static_t *file)
{
    free(file->variable);
    free(file->file);
    free(file->bytes);
}


void otp_pages_destroy(otp_pages_t *pages)
{
    if (pages == NULL) {
        return;
    }
    for (size_t i = 0; i < pages->tpls; i++) {
        template_free(&pages->tpl[i]);
    }
    for (size_t i = 0; i < pages->files; i++) {
        static_free(&pages->file[i]);
    }
    free(pages->tpl);
    free(pages->file);
    free(pages);
}


const char *otp_page_name(otp_page_t page)
{
    switch (page) {
    case OTP_PAGE_LOGIN:
        return "login";
    case OTP_PAGE_PASSCODE:
        return "passcode";
    case OTP_PAGE_PIN:
        return "pin";
    case OTP_PAGE_HOME:
        return "home";
    case OTP_PAGE_HELP:
        return "help";
    case OTP_PAGE_ERROR:
        return "error";
    case OTP_PAGE_KEY:
        return "key";
    case OTP_PAGE_KEY_PIN:
        return "key_pin";
    case OTP_PAGE_ACTIVITY:
        return "activity";
    case OTP_PAGE_HELPDESK:
        return "helpdesk";
    case OTP_PAGE_HELPDESK_PERSON:
        return "helpdesk_person";
    case OTP_PAGE_HELPDESK_CONFIRM:
        return "helpdesk_confirm";
    case OTP_PAGE_HELPDESK_EMERGENCY:
        return "helpdesk_emergency";
    case OTP_PAGE_HELPDESK_REQUESTS:
        return "helpdesk_requests";
    }
    return "";
}


/* Lower case letters, digits and those of `others` that do not come first. */
static bool text_of(otp_span_t text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!plain && (i == 0 || c == '\0' || strchr(others, c) == NULL)) {
            return false;
        }
    }
    return text.len > 0 && text.len <= NAME_MAX_LEN;
}


otp_page_template_t *otp_page_template_find(const otp_pages_t *pages, otp_span_t language, otp_span_t name)
{
    for (size_t i = 0; i < pages->tpls; i++) {
        if (otp_span_equal(otp_span_of(pages->tpl[i].name), name)
            && otp_span_equal(otp_span_of(pages->tpl[i].language), language)) {
            return &pages->tpl[i];
        }
    }
    return NULL;
}


static otp_status_t template_add(otp_pages_t *pages, otp_page_template_t template)
{
    otp_page_template_t *tpl = realloc(pages->tpl, (pages->tpls + 1) * sizeof(*tpl));

    if (tpl == NULL) {
        return OTP_FAILED;
    }
    pages->tpl = tpl;
    tpl[pages->tpls++] = template;
    return OTP_OK;
}


otp_status_t otp_pages_add(otp_pages_t *pages, otp_span_t language, otp_span_t name, otp_span_t text,
    char *error, size_t error_size)
{
    otp_page_template_t template = { .nested = 0 };

    if (!text_of(language, "-") || !text_of(name, "_")) {
        snprintf(error, error_size, "the name of a language or template is not in lower case letters");
        return OTP_INVALID;
    }
    if (otp_page_template_find(pages, language, name) != NULL) {
        snprintf(error, error_size, "there are two templates of this name");
        return OTP_INVALID;
    }
    template.tpl = otp_template_parse(text, error, error_size);
    if (template.tpl == NULL) {
        return OTP_INVALID;
    }
    template.language = strndup(language.data, language.len);
    template.name = strndup(name.data, name.len);
    if (template.language == NULL || template.name == NULL || template_add(pages, template) != OTP_OK) {
        snprintf(error, error_size, "out of memory");
        template_free(&template);
        return OTP_FAILED;
    }
    return OTP_OK;
}


static char *static_variable(otp_span_t name)
{
    char *variable = malloc(sizeof("static_") + name.len);

    if (variable == NULL) {
        return NULL;
    }
    snprintf(variable, sizeof("static_") + name.len, "static_%.*s", (int) name.len, name.data);
    for (char *c = variable; *c != '\0'; c++) {
        if (*c == '.' || *c == '-') {
            *c = '_';
        }
    }
    return variable;
}


/* The hash goes before the last dot: browsers keep such a file for ever, a changed one has another name. */
static char *static_file(otp_span_t name, otp_span_t bytes)
{
    const char *dot = memrchr(name.data, '.', name.len);
    size_t stem = (size_t) (dot - name.data);
    size_t size = name.len + 1 + 2 * HASH_BYTES + 1;
    unsigned char hash[EVP_MAX_MD_SIZE];
    otp_buffer_t buffer;
    char *file;

    if (EVP_Digest(bytes.data, bytes.len, hash, NULL, EVP_sha256(), NULL) != 1 || (file = malloc(size)) == NULL) {
        return NULL;
    }
    otp_buffer_init(&buffer, file, size);
    otp_buffer_add(&buffer, (otp_span_t) { name.data, stem });
    otp_buffer_add_char(&buffer, '.');
    otp_buffer_add_hex(&buffer, hash, HASH_BYTES);
    otp_buffer_add(&buffer, (otp_span_t) { dot, name.len - stem });
    otp_buffer_add_char(&buffer, '\0');
    return file;
}


static const char *media_type(otp_span_t name)
{
    for (size_t i = 0; i < sizeof(media_types) / sizeof(media_types[0]); i++) {
        otp_span_t ending = otp_span_of(media_types[i].ending);

        if (name.len > ending.len
            && otp_span_equal((otp_span_t) { name.data + name.len - ending.len, ending.len }, ending)) {
            return media_types[i].type;
        }
    }
    return "application/octet-stream";
}


static bool static_known(const otp_pages_t *pages, const char *variable)
{
    for (size_t i = 0; i < pages->files; i++) {
        if (otp_span_equal(otp_span_of(pages->file[i].variable), otp_span_of(variable))) {
            return true;
        }
    }
    return false;
}


static otp_status_t static_append(otp_pages_t *pages, otp_page_static_t added)
{
    otp_page_static_t *file;

    if (added.variable == NULL || added.file == NULL || added.bytes == NULL) {
        return OTP_FAILED;
    }
    if (static_known(pages, added.variable)) {
        return OTP_INVALID;
    }
    file = realloc(pages->file, (pages->files + 1) * sizeof(*file));
    if (file == NULL) {
        return OTP_FAILED;
    }
    pages->file = file;
    file[pages->files++] = added;
    return OTP_OK;
}


otp_status_t otp_pages_add_static(otp_pages_t *pages, otp_span_t name, otp_span_t bytes)
{
    otp_page_static_t added = { .len = bytes.len, .type = media_type(name) };
    otp_status_t status;

    if (!text_of(name, "._-") || memchr(name.data, '.', name.len) == NULL) {
        return OTP_INVALID;
    }
    added.variable = static_variable(name);
    added.file = static_file(name, bytes);
    added.bytes = malloc(bytes.len + 1);
    if (added.bytes != NULL && bytes.len > 0) {
        memcpy(added.bytes, bytes.data, bytes.len);
    }
    status = static_append(pages, added);
    if (status != OTP_OK) {
        static_free(&added);
    }
    return status;
}


bool otp_pages_static(const otp_pages_t *pages, otp_span_t file, otp_span_t *bytes, otp_span_t *type)
{
    for (size_t i = 0; i < pages->files; i++) {
        const otp_page_static_t *found = &pages->file[i];

        if (otp_span_equal(otp_span_of(found->file), file)) {
            *bytes = (otp_span_t) { found->bytes, found->len };
            *type = otp_span_of(found->type);
            return true;
        }
    }
    return false;
}


static otp_status_t view_add_statics(const otp_pages_t *pages, otp_span_t portal, json_t *view)
{
    for (size_t i = 0; i < pages->files; i++) {
        const otp_page_static_t *file = &pages->file[i];
        json_t *address = json_sprintf("%.*sstatic/%s", (int) portal.len, portal.data, file->file);

        if (json_object_set_new(view, file->variable, address) != 0) {
            return OTP_FAILED;
        }
    }
    return OTP_OK;
}


static const otp_template_t *partial_find(void *data, otp_span_t name)
{
    const partials_t *partials = data;
    const otp_page_template_t *found = otp_page_template_find(partials->pages, partials->language, name);

    return found != NULL ? found->tpl : NULL;
}


otp_status_t otp_pages_render(const otp_pages_t *pages, otp_span_t language, otp_page_t page, otp_span_t portal,
    json_t *view, char **html, size_t *len)
{
    partials_t partials = { pages, language };
    const otp_template_t *tpl = partial_find(&partials, otp_span_of(otp_page_name(page)));

    *html = NULL;
    *len = 0;
    if (tpl == NULL) {
        return OTP_INVALID;
    }
    if (view_add_statics(pages, portal, view) != OTP_OK) {
        return OTP_FAILED;
    }
    return otp_template_render(tpl, view, partial_find, &partials, PAGE_MAX, html, len);
}
