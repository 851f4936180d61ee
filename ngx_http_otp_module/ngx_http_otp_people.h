/*
 * The password file, as the threads of the process that checks passwords use it.
 */
#ifndef NGX_HTTP_OTP_PEOPLE_H
#define NGX_HTTP_OTP_PEOPLE_H

#include "core/people/otp_password_index.h"
#include "ngx_http_otp_module/ngx_http_otp_module.h"

/* The text of the password file as it was; freed by the last who uses it. */
typedef struct {
    ngx_uint_t             users;
    char                  *data;
    size_t                 len;
    otp_password_index_t  *index;
    dev_t                  device;
    ino_t                  inode;
    off_t                  size;
    struct timespec        modified, changed;
} ngx_http_otp_text_t;

struct ngx_http_otp_people_s {
    const char           *path;
    pthread_mutex_t       mutex;    /* over what follows */
    ngx_http_otp_text_t  *text;     /* NULL: not read yet */
};

/* The file's text as it is now; NULL: it cannot be read. */
ngx_http_otp_text_t *ngx_http_otp_people_take(ngx_http_otp_people_t *people);
void ngx_http_otp_people_give(ngx_http_otp_people_t *people, ngx_http_otp_text_t *text);

#endif
