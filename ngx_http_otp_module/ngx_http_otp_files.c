/* Files that are read at configuration, and what they must look like. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#include <pwd.h>

#define NGX_HTTP_OTP_KEYRING_MAX  65536


/* At most `size` bytes; NULL: errno says why. */
static char *ngx_http_otp_files_text(int fd, size_t size, size_t *len)
{
    char   *text = malloc(size + 1);
    ssize_t n = 1;

    *len = 0;
    while (text != NULL && *len < size && n != 0) {
        n = read(fd, text + *len, size - *len);
        if (n > 0) {
            *len += (size_t) n;
        } else if (n < 0 && errno != EINTR) {
            otp_secret_wipe(text, *len);
            free(text);
            return NULL;
        }
    }

    if (text != NULL) {
        text[*len] = '\0';
    }

    return text;
}


int ngx_http_otp_files_read(const char *path, size_t max, struct stat *info, char **text, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd == -1) {
        return -1;
    }

    *text = NULL;
    if (fstat(fd, info) == -1 || !S_ISREG(info->st_mode)) {
        errno = EINVAL;
    } else if (info->st_size < 0 || (uint64_t) info->st_size > max) {
        errno = EFBIG;
    } else {
        *text = ngx_http_otp_files_text(fd, (size_t) info->st_size, len);
    }

    (void) close(fd);

    return *text == NULL ? -1 : 0;
}


/* nginx's own printf has no octal numbers. */
const char *ngx_http_otp_files_mode(mode_t mode, char text[8])
{
    (void) snprintf(text, 8, "%04o", (unsigned) mode & 07777);

    return text;
}


/* Those who may own a secret of the gateway: root, whoever runs nginx, and the user its workers become. */
static bool ngx_http_otp_files_owner(ngx_conf_t *cf, uid_t owner)
{
    ngx_core_conf_t *ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx, ngx_core_module);
    struct passwd   *pwd;

    if (owner == 0 || owner == geteuid() || (ccf->user != (uid_t) NGX_CONF_UNSET_UINT && owner == ccf->user)) {
        return true;
    }

    pwd = ccf->user == (uid_t) NGX_CONF_UNSET_UINT ? getpwnam(NGX_USER) : NULL;

    return pwd != NULL && pwd->pw_uid == owner;
}


static void ngx_http_otp_files_destroy_ring(void *data)
{
    otp_keyring_destroy(data);
}


static ngx_int_t ngx_http_otp_files_keyring_safe(ngx_conf_t *cf, ngx_str_t *path, const struct stat *info)
{
    char mode[8];

    if (info->st_mode & (S_IRWXG | S_IRWXO)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "key ring \"%V\" can be reached by others than its owner (mode %s; "
            "run \"chmod 600 %V\")", path, ngx_http_otp_files_mode(info->st_mode, mode), path);
        return NGX_ERROR;
    }

    if (!ngx_http_otp_files_owner(cf, info->st_uid)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "key ring \"%V\" belongs to the user id %ui, who is neither root nor "
            "the user of nginx (run \"chown root %V\")", path, (ngx_uint_t) info->st_uid, path);
        return NGX_ERROR;
    }

    return NGX_OK;
}


otp_keyring_t *ngx_http_otp_files_keyring(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    otp_keyring_t      *ring = NULL;
    struct stat         info;
    char               *text, error[256];
    size_t              len;

    if (cleanup == NULL) {
        return NULL;
    }

    if (ngx_http_otp_files_read((char *) path->data, NGX_HTTP_OTP_KEYRING_MAX, &info, &text, &len) == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "cannot read key ring \"%V\" (make one with \"otpctl keyring "
            "init FILE\")", path);
        return NULL;
    }

    if (ngx_http_otp_files_keyring_safe(cf, path, &info) == NGX_OK) {
        ring = otp_keyring_parse((otp_span_t) { text, len }, error, sizeof(error));
        if (ring == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "key ring \"%V\": %s", path, error);
        }
    }

    otp_secret_wipe(text, len);
    free(text);
    if (ring != NULL) {
        cleanup->handler = ngx_http_otp_files_destroy_ring;
        cleanup->data = ring;
    }

    return ring;
}


/* Whether the workers' user can read a file of this owner and mode, as far as that can be known here. */
static bool ngx_http_otp_files_worker_reads(ngx_conf_t *cf, const struct stat *info)
{
    ngx_core_conf_t *ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx, ngx_core_module);

    if (geteuid() != 0 || ccf->user == (uid_t) NGX_CONF_UNSET_UINT || ccf->user == 0) {
        return true;
    }

    if (ccf->user == info->st_uid) {
        return (info->st_mode & S_IRUSR) != 0;
    }

    return (info->st_mode & S_IROTH) != 0 || (info->st_mode & S_IRGRP) != 0;
}


ngx_int_t ngx_http_otp_files_check_people(ngx_conf_t *cf, ngx_str_t *path)
{
    struct stat info;
    char        mode[8];

    if (stat((char *) path->data, &info) == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "cannot find password file \"%V\"", path);
        return NGX_ERROR;
    }

    if (!S_ISREG(info.st_mode) || access((char *) path->data, R_OK) == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "password file \"%V\" is not a file that can be read", path);
        return NGX_ERROR;
    }

    if (info.st_mode & S_IWOTH) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "password file \"%V\" can be written to by anyone (mode %s; run "
            "\"chmod o-rwx %V\")", path, ngx_http_otp_files_mode(info.st_mode, mode), path);
        return NGX_ERROR;
    }

    if (!ngx_http_otp_files_worker_reads(cf, &info)) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "nobody could sign in: password file \"%V\" cannot be read by the "
            "workers' user (chown it to that user, or let its group read it)", path);
    }

    return NGX_OK;
}
