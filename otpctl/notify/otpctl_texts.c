#include "otpctl/notify/otpctl_texts.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/page/otp_template.h"

#define TEXT_MAX    65536       /* bytes of a template, and of what becomes of it */
#define LANGUAGE_MAX 16
#define NAME_BYTES  64

typedef enum { SUBJECT, TEXT, HTML } form_t;
#define FORMS 3

static const char *const endings[FORMS] = { ".subject", ".txt", ".html" };

typedef struct {
    char            language[LANGUAGE_MAX], name[NAME_BYTES];
    form_t          form;
    otp_template_t *tpl;
} text_t;

struct otpctl_texts_s {
    text_t *text;
    size_t  texts, room;
};

/* What partials are looked up by. */
typedef struct {
    const otpctl_texts_t *texts;
    otp_span_t            language;
    form_t                form;
} where_t;

/* What a mail is given; the list is in docs/mail.md too. */
static const char *const names[] = {
    "lang", "portal", "name", "user", "serial", "address", "when", "until", "reason", "reason_lost", "reason_stolen",
    "reason_broken", "holder", "own_keys", "asked", "support", "support_email", "support_phone", "support_hours"
};

static const otp_template_t *find(const otpctl_texts_t *texts, otp_span_t language, otp_span_t name, form_t form)
{
    for (size_t i = 0; i < texts->texts; i++) {
        const text_t *text = &texts->text[i];

        if (text->form == form && otp_span_equal(otp_span_of(text->name), name)
            && otp_span_equal(otp_span_of(text->language), language))
        {
            return text->tpl;
        }
    }
    return NULL;
}


static const otp_template_t *find_partial(void *data, otp_span_t name)
{
    const where_t *where = data;

    return find(where->texts, where->language, name, where->form);
}


static bool fail(char *error, size_t size, const char *path, const char *what)
{
    (void) snprintf(error, size, "%s: %s", path, what);
    return false;
}


static bool read_file(const char *path, char *bytes, size_t *len, char *error, size_t error_size)
{
    struct stat status;
    FILE       *file = fopen(path, "re");

    if (!file || fstat(fileno(file), &status) < 0) {
        (void) fail(error, error_size, path, strerror(errno));
    } else if (status.st_mode & S_IWOTH) {
        (void) fail(error, error_size, path, "anybody can write to it: chmod o-w it");
    } else {
        *len = fread(bytes, 1, TEXT_MAX, file);
        if (ferror(file) || *len == TEXT_MAX) {
            (void) fail(error, error_size, path, ferror(file) ? strerror(errno) : "it is larger than 64 KiB");
        } else {
            fclose(file);
            return true;
        }
    }
    if (file) {
        fclose(file);
    }
    return false;
}


/* Whether a file of the folder is a template, and of which form; what editors leave behind is none. */
static bool form_of(const char *file, form_t *form, size_t *name_len)
{
    size_t len = strlen(file);

    for (size_t i = 0; i < FORMS && file[0] != '.'; i++) {
        size_t ending = strlen(endings[i]);

        if (len > ending && len - ending < NAME_BYTES && strcmp(file + len - ending, endings[i]) == 0) {
            *form = (form_t) i;
            *name_len = len - ending;
            return true;
        }
    }
    return false;
}


static bool add(otpctl_texts_t *texts, const char *language, const char *folder, const char *file, char *error,
    size_t error_size)
{
    static char bytes[TEXT_MAX];
    char        path[PATH_MAX + NAME_MAX + 2], reason[256];
    size_t      name_len, len;
    form_t      form;

    if (!form_of(file, &form, &name_len)) {
        return true;
    }
    (void) snprintf(path, sizeof(path), "%s/%s", folder, file);
    if (!read_file(path, bytes, &len, error, error_size)) {
        return false;
    }
    if (texts->texts == texts->room) {
        size_t  room = texts->room ? 2 * texts->room : 128;
        text_t *grown = realloc(texts->text, room * sizeof(*grown));

        if (!grown) {
            return fail(error, error_size, path, "out of memory");
        }
        texts->text = grown;
        texts->room = room;
    }
    text_t *text = &texts->text[texts->texts];

    *text = (text_t) { .form = form, .tpl = otp_template_parse((otp_span_t) { bytes, len }, reason, sizeof(reason)) };
    if (!text->tpl) {
        return fail(error, error_size, path, reason);
    }
    (void) snprintf(text->language, sizeof(text->language), "%s", language);
    memcpy(text->name, file, name_len);
    texts->texts++;
    return true;
}


/* A language without mails is skipped: it has pages only. */
static bool add_language(otpctl_texts_t *texts, const char *folder, const char *language, char *error,
    size_t error_size)
{
    char           path[PATH_MAX];
    bool           fine = true;
    struct dirent *entry;

    (void) snprintf(path, sizeof(path), "%s/%s/mail", folder, language);
    DIR *dir = strlen(language) < LANGUAGE_MAX && language[0] != '.' ? opendir(path) : NULL;

    while (dir && fine && (entry = readdir(dir))) {
        fine = add(texts, language, path, entry->d_name, error, error_size);
    }
    if (dir) {
        closedir(dir);
    }
    return fine;
}


/* What is wrong with the names a template uses. */
typedef struct {
    where_t     where;
    const char *name;
    char       *error;
    size_t      error_size;
    bool        fine;
} check_t;

static void check_name(void *data, char kind, otp_span_t name)
{
    check_t *check = data;
    bool     known = kind == 'p' && find_partial(&check->where, name);

    for (size_t i = 0; kind != 'p' && i < sizeof(names) / sizeof(names[0]) && !known; i++) {
        known = otp_span_equal(otp_span_of(names[i]), name);
    }
    if (!known && check->fine) {
        (void) snprintf(check->error, check->error_size, "%.*s/mail/%s%s: %s \"%.*s\"", (int) check->where.language.len,
                        check->where.language.data, check->name, endings[check->where.form],
                        kind == 'p' ? "there is no part" : "mails are not given", (int) name.len, name.data);
        check->fine = false;
    }
}


static bool check_names(const otpctl_texts_t *texts, char *error, size_t error_size)
{
    check_t check = { .where = { .texts = texts }, .error = error, .error_size = error_size, .fine = true };

    for (size_t i = 0; i < texts->texts && check.fine; i++) {
        check.where.language = otp_span_of(texts->text[i].language);
        check.where.form = texts->text[i].form;
        check.name = texts->text[i].name;
        otp_template_names(texts->text[i].tpl, check_name, &check);
    }
    return check.fine;
}


static bool check_complete(const otpctl_texts_t *texts, const char *language, char *error, size_t error_size)
{
    for (int kind = OTP_MAIL_NONE + 1; kind < OTP_MAIL_KINDS; kind++) {
        const char *name = otp_mail_name((otp_mail_kind_t) kind);

        for (int form = 0; form < FORMS; form++) {
            if (!find(texts, otp_span_of(language), otp_span_of(name), (form_t) form)) {
                (void) snprintf(error, error_size, "%s/mail/%s%s is missing", language, name, endings[form]);
                return false;
            }
        }
    }
    return true;
}


static bool load(otpctl_texts_t *texts, const char *folder, char *error, size_t error_size)
{
    DIR           *dir = opendir(folder);
    bool           fine = dir || fail(error, error_size, folder, strerror(errno));
    struct dirent *entry;

    while (fine && (entry = readdir(dir))) {
        fine = add_language(texts, folder, entry->d_name, error, error_size);
    }
    if (dir) {
        closedir(dir);
    }
    for (size_t i = 0; i < texts->texts && fine; i++) {
        fine = check_complete(texts, texts->text[i].language, error, error_size);
    }
    return fine && check_names(texts, error, error_size);
}


otpctl_texts_t *otpctl_texts_load(const char *folder, char *error, size_t error_size)
{
    otpctl_texts_t *texts = calloc(1, sizeof(*texts));

    if (!texts) {
        (void) fail(error, error_size, folder, "out of memory");
    } else if (!load(texts, folder, error, error_size)) {
        otpctl_texts_destroy(texts);
        return NULL;
    }
    return texts;
}


void otpctl_texts_destroy(otpctl_texts_t *texts)
{
    if (!texts) {
        return;
    }
    for (size_t i = 0; i < texts->texts; i++) {
        otp_template_destroy(texts->text[i].tpl);
    }
    free(texts->text);
    free(texts);
}


bool otpctl_texts_have(const otpctl_texts_t *texts, otp_span_t language)
{
    return find(texts, language, otp_span_of(otp_mail_name(OTP_MAIL_KEY_OPERATIONAL)), TEXT) != NULL;
}


/* Sections leave lines in which nothing stands: one of them is enough, and none at both ends. */
static void tidy(char *text, size_t *len)
{
    size_t written = 0, line = 0;       /* `line`: where the one being written begins */

    for (size_t i = 0; i < *len; i++) {
        if (text[i] != '\n') {
            text[written++] = text[i];
            continue;
        }
        while (written > line && (text[written - 1] == ' ' || text[written - 1] == '\t')) {
            written--;
        }
        if (written > line || (line >= 2 && text[line - 2] != '\n')) {
            text[written++] = '\n';
            line = written;
        }
    }
    while (written > 0 && (text[written - 1] == '\n' || text[written - 1] == ' ')) {
        written--;
    }
    text[written++] = '\n';
    *len = written;
}


static otp_status_t render(const where_t *where, const otp_template_t *tpl, const json_t *view, char **text,
    size_t *len)
{
    void *data = (void *) (uintptr_t) where;

    return where->form == HTML ? otp_template_render(tpl, view, find_partial, data, TEXT_MAX, text, len)
        : otp_template_render_text(tpl, view, find_partial, data, TEXT_MAX, text, len);
}


otp_status_t otpctl_texts_render(const otpctl_texts_t *texts, otp_span_t language, otp_mail_kind_t kind,
    const json_t *view, otpctl_letter_t *letter)
{
    char       **text[FORMS] = { &letter->subject, &letter->text, &letter->html };
    size_t      *len[FORMS] = { &letter->subject_len, &letter->text_len, &letter->html_len };
    otp_status_t status = OTP_OK;

    *letter = (otpctl_letter_t) { .subject = NULL };
    for (int form = 0; form < FORMS && status == OTP_OK; form++) {
        where_t               where = { texts, language, (form_t) form };
        const otp_template_t *tpl = find(texts, language, otp_span_of(otp_mail_name(kind)), where.form);

        status = tpl ? render(&where, tpl, view, text[form], len[form]) : OTP_INVALID;
        if (status == OTP_OK) {
            tidy(*text[form], len[form]);
        }
    }
    if (status != OTP_OK) {
        otpctl_letter_free(letter);
    }
    return status;
}


void otpctl_letter_free(otpctl_letter_t *letter)
{
    free(letter->subject);
    free(letter->text);
    free(letter->html);
    *letter = (otpctl_letter_t) { .subject = NULL };
}
