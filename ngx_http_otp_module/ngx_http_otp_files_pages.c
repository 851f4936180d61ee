/* The folder of templates: DIR/LANGUAGE/NAME.html for each language, DIR/static/FILE. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#include <dirent.h>

#define NGX_HTTP_OTP_TEMPLATE_MAX  262144
#define NGX_HTTP_OTP_STATIC_MAX    1048576
#define NGX_HTTP_OTP_FILES         256

/* One folder that is being read, and where a complaint belongs. */
typedef struct {
    ngx_conf_t                      *cf;
    const ngx_http_otp_templates_t  *templates;
    otp_pages_t                     *pages;
    otp_span_t                       language;      /* empty: the static files */
} ngx_http_otp_folder_t;


/* `name`: the file it is about, below the language's folder; NULL: `what` says it. */
static ngx_int_t ngx_http_otp_pages_refuse(const ngx_http_otp_folder_t *folder, ngx_err_t err, const char *what,
    const char *name)
{
    const ngx_http_otp_place_t *place = &folder->templates->place;
    ngx_str_t                   subfolder = folder->language.len != 0 ? ngx_http_otp_str(folder->language)
                                                                      : (ngx_str_t) ngx_string("static");
    u_char                      text[NGX_MAX_ERROR_STR], *p = text;

    if (name != NULL) {
        p = ngx_slprintf(p, text + sizeof(text), "%V/%s: ", &subfolder, name);
    }

    p = ngx_slprintf(p, text + sizeof(text), "%s", what);
    if (place->line != 0) {
        ngx_log_error(NGX_LOG_EMERG, folder->cf->log, err, "otp_templates \"%V\": %*s in %V:%ui",
            &folder->templates->dir, (size_t) (p - text), text, &place->file, place->line);
    } else {
        ngx_log_error(NGX_LOG_EMERG, folder->cf->log, err, "default of otp_templates \"%V\": %*s",
            &folder->templates->dir, (size_t) (p - text), text);
    }

    return NGX_ERROR;
}


char *ngx_http_otp_files_check_templates(ngx_conf_t *cf, ngx_str_t *dir)
{
    struct stat info;
    char        mode[8];

    if (stat((char *) dir->data, &info) == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "cannot find folder \"%V\"", dir);
        return NGX_CONF_ERROR;
    }

    if (!S_ISDIR(info.st_mode)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" is not a folder", dir);
        return NGX_CONF_ERROR;
    }

    if (info.st_mode & S_IWOTH) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "folder \"%V\" can be written to by anyone (mode %s; run "
            "\"chmod o-w %V\")", dir, ngx_http_otp_files_mode(info.st_mode, mode), dir);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* Hands one file to the set. */
static ngx_int_t ngx_http_otp_pages_take(const ngx_http_otp_folder_t *folder, const char *path, const char *name)
{
    size_t       max = folder->language.len != 0 ? NGX_HTTP_OTP_TEMPLATE_MAX : NGX_HTTP_OTP_STATIC_MAX;
    otp_span_t   file = otp_span_of(name), bytes;
    char        *text, error[256] = "no memory";
    struct stat  info;
    otp_status_t status;

    if (ngx_http_otp_files_read(path, max, &info, &text, &bytes.len) == -1) {
        return ngx_http_otp_pages_refuse(folder, ngx_errno, "cannot be read", name);
    }

    if (info.st_mode & S_IWOTH) {
        free(text);
        return ngx_http_otp_pages_refuse(folder, 0, "can be written to by anyone (chmod o-w)", name);
    }

    bytes.data = text;
    if (folder->language.len != 0) {
        file.len -= sizeof(".html") - 1;
        status = otp_pages_add(folder->pages, folder->language, file, bytes, error, sizeof(error));
    } else {
        status = otp_pages_add_static(folder->pages, file, bytes);
    }

    free(text);

    return status == OTP_OK ? NGX_OK : ngx_http_otp_pages_refuse(folder, 0, error, name);
}


/* Whether a name in the folder is one of the set; what editors leave behind is not. */
static bool ngx_http_otp_pages_wanted(const ngx_http_otp_folder_t *folder, const char *name)
{
    size_t len = ngx_strlen(name);

    if (name[0] == '.' || name[len - 1] == '~') {
        return false;
    }

    return folder->language.len == 0 || (len > 5 && ngx_strcmp(name + len - 5, ".html") == 0);
}


static ngx_int_t ngx_http_otp_pages_folder(const ngx_http_otp_folder_t *folder)
{
    ngx_str_t      subfolder = folder->language.len != 0 ? ngx_http_otp_str(folder->language)
                                                         : (ngx_str_t) ngx_string("static");
    ngx_uint_t     files = 0;
    ngx_int_t      rc = NGX_OK;
    u_char         path[NGX_MAX_PATH];
    DIR           *dir;
    struct dirent *entry;

    (void) ngx_snprintf(path, sizeof(path), "%V/%V%Z", &folder->templates->dir, &subfolder);
    dir = opendir((char *) path);
    if (dir == NULL) {
        return ngx_http_otp_pages_refuse(folder, ngx_errno, "the folder cannot be read", "");
    }

    while (rc == NGX_OK && (entry = readdir(dir)) != NULL) {
        if (!ngx_http_otp_pages_wanted(folder, entry->d_name)) {
            continue;
        }

        if (++files > NGX_HTTP_OTP_FILES) {
            rc = ngx_http_otp_pages_refuse(folder, 0, "more than 256 files", "");
            break;
        }

        (void) ngx_snprintf(path, sizeof(path), "%V/%V/%s%Z", &folder->templates->dir, &subfolder, entry->d_name);
        rc = ngx_http_otp_pages_take(folder, (char *) path, entry->d_name);
    }

    (void) closedir(dir);

    return rc;
}


static void ngx_http_otp_pages_destroy(void *data)
{
    otp_pages_destroy(data);
}


static otp_pages_t *ngx_http_otp_pages_read(ngx_conf_t *cf, const ngx_http_otp_loc_conf_t *olcf)
{
    ngx_http_otp_folder_t folder = { cf, olcf->templates, NULL, { NULL, 0 } };
    ngx_pool_cleanup_t   *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    const otp_span_t     *language = olcf->languages->elts;
    char                  error[256];

    folder.pages = cleanup != NULL ? otp_pages_create() : NULL;
    if (folder.pages == NULL) {
        return NULL;
    }

    cleanup->handler = ngx_http_otp_pages_destroy;
    cleanup->data = folder.pages;

    if (ngx_http_otp_pages_folder(&folder) != NGX_OK) {
        return NULL;
    }

    for (ngx_uint_t i = 0; i < olcf->languages->nelts; i++) {
        folder.language = language[i];
        if (ngx_http_otp_pages_folder(&folder) != NGX_OK) {
            return NULL;
        }
    }

    folder.language = OTP_SPAN_NONE;
    if (otp_pages_check(folder.pages, error, sizeof(error)) != OTP_OK) {
        (void) ngx_http_otp_pages_refuse(&folder, 0, error, NULL);
        return NULL;
    }

    return folder.pages;
}


static bool ngx_http_otp_pages_same(const ngx_http_otp_pages_t *known, const ngx_http_otp_loc_conf_t *olcf)
{
    const otp_span_t *language = olcf->languages->elts;

    if (known->languages != olcf->languages->nelts
        || !otp_span_equal(ngx_http_otp_span(known->dir), ngx_http_otp_span(olcf->templates->dir)))
    {
        return false;
    }

    for (ngx_uint_t i = 0; i < known->languages; i++) {
        if (!otp_span_equal(known->language[i], language[i])) {
            return false;
        }
    }

    return true;
}


ngx_int_t ngx_http_otp_files_pages(ngx_conf_t *cf, ngx_http_otp_loc_conf_t *olcf)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_otp_module);
    ngx_http_otp_pages_t     *known = omcf->pages.elts;
    const otp_span_t         *language = olcf->languages->elts;

    for (ngx_uint_t i = 0; i < omcf->pages.nelts; i++) {
        if (ngx_http_otp_pages_same(&known[i], olcf)) {
            olcf->pages = known[i].pages;
            return NGX_OK;
        }
    }

    /* A gateway without a portal of its own does without the default folder. */
    if (!olcf->portal && olcf->templates->place.line == 0 && access((char *) olcf->templates->dir.data, F_OK) == -1) {
        return NGX_DECLINED;
    }

    olcf->pages = ngx_http_otp_pages_read(cf, olcf);
    known = olcf->pages != NULL ? ngx_array_push(&omcf->pages) : NULL;
    if (known == NULL) {
        return NGX_ERROR;
    }

    known->dir = olcf->templates->dir;
    known->languages = olcf->languages->nelts;
    known->pages = olcf->pages;
    ngx_memcpy(known->language, language, known->languages * sizeof(otp_span_t));

    return NGX_OK;
}
