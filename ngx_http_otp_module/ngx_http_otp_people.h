/*
 * What the threads of the pool "otp" use; nothing here is called from the event loop but at configuration.
 */
#ifndef NGX_HTTP_OTP_PEOPLE_H
#define NGX_HTTP_OTP_PEOPLE_H

#include "ngx_http_otp_module/ngx_http_otp_module.h"

/* The text of the password file as it was; freed by the last who uses it. */
typedef struct {
    ngx_uint_t       users;
    char            *data;
    size_t           len;
    dev_t            device;
    ino_t            inode;
    off_t            size;
    struct timespec  modified, changed;
} ngx_http_otp_text_t;

struct ngx_http_otp_people_s {
    const char           *path;
    pthread_mutex_t       mutex;    /* over what follows */
    ngx_http_otp_text_t  *text;     /* NULL: not read yet */
};

/* Passwords have threads of their own, at a lower priority: who is only looked up does not wait for hashes. */
struct ngx_http_otp_threads_s {
    ngx_thread_pool_t  *hashing, *directory;
    otp_hash_queue_t    queue;      /* of `hashing`; each worker has its own copy */
};

/* The file's text as it is now; NULL: it cannot be read. */
ngx_http_otp_text_t *ngx_http_otp_people_take(ngx_http_otp_people_t *people);
void ngx_http_otp_people_give(ngx_http_otp_people_t *people, ngx_http_otp_text_t *text);
/* Lowers the priority of the calling thread, once; never raises it. */
void ngx_http_otp_people_be_nice(void);

#endif
