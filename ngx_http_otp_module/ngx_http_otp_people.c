/* The password file: kept in memory, read again when it changes; used by the threads only. */
#include "ngx_http_otp_module/ngx_http_otp_people.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#define NGX_HTTP_OTP_PEOPLE_MAX   (64 * 1024 * 1024)
#define NGX_HTTP_OTP_PEOPLE_NICE  10

extern ngx_module_t  ngx_thread_pool_module;


static void ngx_http_otp_people_release_locked(ngx_http_otp_text_t *text)
{
    if (text == NULL || --text->users != 0) {
        return;
    }

    otp_secret_wipe(text->data, text->len);
    free(text->data);
    free(text);
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


/*
 * nginx knows a pool by its `thread_pool` directive and gives defaults to the pool "default" alone.  Where the
 * operator has not written one of this name, the directive's own handler is given these words.
 */
static ngx_thread_pool_t *ngx_http_otp_people_pool(ngx_conf_t *cf, ngx_str_t words[4])
{
    ngx_array_t    args = { words, 4, sizeof(ngx_str_t), 4, NULL };
    ngx_command_t *cmd = ngx_thread_pool_module.commands;
    ngx_conf_t     own = *cf;

    if (ngx_thread_pool_get(cf->cycle, &words[1]) == NULL) {
        own.args = &args;
        if (cmd->set(&own, cmd, ngx_get_conf(cf->cycle->conf_ctx, ngx_thread_pool_module)) != NGX_CONF_OK) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "cannot make the thread pool \"%V\"", &words[1]);
            return NULL;
        }
    }

    return ngx_thread_pool_add(cf, &words[1]);
}


/* How long the queue of "otp" may be is for otp_hash_queue_enter() to say: as many as it has places. */
ngx_http_otp_threads_t *ngx_http_otp_people_threads(ngx_conf_t *cf)
{
    static ngx_str_t hashing[] = {
        ngx_string("thread_pool"), ngx_string("otp"), ngx_string("threads=2"), ngx_string("max_queue=256")
    };
    static ngx_str_t directory[] = {
        ngx_string("thread_pool"), ngx_string("otp_directory"), ngx_string("threads=1"), ngx_string("max_queue=1024")
    };

    ngx_http_otp_threads_t *threads = ngx_pcalloc(cf->pool, sizeof(ngx_http_otp_threads_t));

    if (threads == NULL) {
        return NULL;
    }

    threads->hashing = ngx_http_otp_people_pool(cf, hashing);
    threads->directory = ngx_http_otp_people_pool(cf, directory);

    return threads->hashing == NULL || threads->directory == NULL ? NULL : threads;
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


void ngx_http_otp_people_be_nice(void)
{
    static __thread bool lowered;

    /* On Linux priorities are per thread: requests go before password hashes. */
    if (!lowered && getpriority(PRIO_PROCESS, (id_t) syscall(SYS_gettid)) < NGX_HTTP_OTP_PEOPLE_NICE) {
        (void) setpriority(PRIO_PROCESS, (id_t) syscall(SYS_gettid), NGX_HTTP_OTP_PEOPLE_NICE);
    }
    lowered = true;
}
