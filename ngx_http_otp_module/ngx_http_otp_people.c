/* The password file: kept in memory, read again when it changes; by threads of the process that checks passwords. */
#include "ngx_http_otp_module/ngx_http_otp_people.h"

#define NGX_HTTP_OTP_PEOPLE_MAX  (64 * 1024 * 1024)


static void ngx_http_otp_people_free(ngx_http_otp_text_t *text)
{
    otp_password_index_destroy(text->index);
    otp_secret_wipe(text->data, text->len);
    free(text->data);
    free(text);
}


static void ngx_http_otp_people_release_locked(ngx_http_otp_text_t *text)
{
    if (text != NULL && --text->users == 0) {
        ngx_http_otp_people_free(text);
    }
}


static void ngx_http_otp_people_end(void *data)
{
    ngx_http_otp_people_t *people = data;

    ngx_http_otp_people_release_locked(people->text);
    people->text = NULL;
    (void) pthread_mutex_destroy(&people->mutex);
}


ngx_http_otp_people_t *ngx_http_otp_people_add(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_otp_module);
    ngx_http_otp_people_t   **known = omcf->people.elts, *people;
    ngx_pool_cleanup_t       *cleanup;

    for (ngx_uint_t i = 0; i < omcf->people.nelts; i++) {
        if (ngx_strcmp(known[i]->path, path->data) == 0) {
            return known[i];
        }
    }

    known = ngx_array_push(&omcf->people);
    people = ngx_pcalloc(cf->pool, sizeof(ngx_http_otp_people_t));
    cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    if (known == NULL || people == NULL || cleanup == NULL || pthread_mutex_init(&people->mutex, NULL) != 0) {
        return NULL;
    }

    people->path = (char *) path->data;
    cleanup->handler = ngx_http_otp_people_end;
    cleanup->data = people;
    *known = people;

    return people;
}


static bool ngx_http_otp_people_changed(const ngx_http_otp_text_t *text, const struct stat *info)
{
    return text == NULL || text->device != info->st_dev || text->inode != info->st_ino
           || text->size != info->st_size || text->modified.tv_sec != info->st_mtim.tv_sec
           || text->modified.tv_nsec != info->st_mtim.tv_nsec || text->changed.tv_sec != info->st_ctim.tv_sec
           || text->changed.tv_nsec != info->st_ctim.tv_nsec;
}


static ngx_http_otp_text_t *ngx_http_otp_people_read(const ngx_http_otp_people_t *people)
{
    ngx_http_otp_text_t *text = calloc(1, sizeof(ngx_http_otp_text_t));
    struct stat          info;

    if (text == NULL || ngx_http_otp_files_read(people->path, NGX_HTTP_OTP_PEOPLE_MAX, &info, &text->data, &text->len)
                            == -1)
    {
        free(text);
        return NULL;
    }

    text->index = otp_password_index_create((otp_span_t) { text->data, text->len });
    if (text->index == NULL) {
        ngx_http_otp_people_free(text);
        return NULL;
    }

    text->users = 1;
    text->device = info.st_dev;
    text->inode = info.st_ino;
    text->size = info.st_size;
    text->modified = info.st_mtim;
    text->changed = info.st_ctim;

    return text;
}


ngx_http_otp_text_t *ngx_http_otp_people_take(ngx_http_otp_people_t *people)
{
    ngx_http_otp_text_t *text = NULL, *fresh;
    struct stat          info;

    (void) pthread_mutex_lock(&people->mutex);

    if (stat(people->path, &info) == 0) {
        if (ngx_http_otp_people_changed(people->text, &info)) {
            fresh = ngx_http_otp_people_read(people);
            if (fresh != NULL) {
                ngx_http_otp_people_release_locked(people->text);
                people->text = fresh;
            }
            text = fresh;
        } else {
            text = people->text;
        }
    }

    if (text != NULL) {
        text->users++;
    }

    (void) pthread_mutex_unlock(&people->mutex);

    return text;
}


void ngx_http_otp_people_give(ngx_http_otp_people_t *people, ngx_http_otp_text_t *text)
{
    (void) pthread_mutex_lock(&people->mutex);
    ngx_http_otp_people_release_locked(text);
    (void) pthread_mutex_unlock(&people->mutex);
}
