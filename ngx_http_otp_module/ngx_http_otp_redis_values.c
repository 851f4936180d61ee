/*
 * Values of the directive otp_redis that are more than a number: files and addresses.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_span.h"

#define PASSWORD_MAX    512

ngx_int_t ngx_http_otp_redis_refuse(ngx_conf_t *cf, const char *what)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"otp_redis\": %s", what);
    return NGX_ERROR;
}


/* Opens a file that must be regular and must not have any of the bits `forbidden`; tells what to do about it. */
static ngx_fd_t ngx_http_otp_redis_open_file(ngx_conf_t *cf, ngx_str_t *name, const char *option, ngx_uint_t forbidden,
    const char *remedy)
{
    char             mode[8];
    ngx_fd_t         fd;
    ngx_file_info_t  info;

    if (name->len == 0 || ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"otp_redis\": \"%s=\" takes the name of a file", option);
        return NGX_INVALID_FILE;
    }
    fd = open((char *) name->data, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd == NGX_INVALID_FILE || ngx_fd_info(fd, &info) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "\"otp_redis\": %s \"%V\" cannot be read", option, name);
    } else if (!ngx_is_file(&info)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"otp_redis\": %s \"%V\" is not a regular file", option, name);
    } else if (info.st_mode & forbidden) {
        (void) snprintf(mode, sizeof(mode), "%04o", (unsigned) info.st_mode & 07777);
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"otp_redis\": %s \"%V\" can be reached by others (mode %s; run "
            "\"%s %V\")", option, name, mode, remedy, name);
    } else {
        return fd;
    }
    if (fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(fd);
    }
    return NGX_INVALID_FILE;
}


ngx_int_t ngx_http_otp_redis_read_tls_ca(ngx_conf_t *cf, ngx_str_t *value, ngx_str_t *name)
{
    ngx_fd_t fd = ngx_http_otp_redis_open_file(cf, value, "tls_ca", 0022, "chmod 644");

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }
    (void) ngx_close_file(fd);
    *name = *value;
    return NGX_OK;
}


static void ngx_http_otp_redis_wipe_password(void *data)
{
    ngx_str_t *password = data;

    otp_secret_wipe(password->data, password->len);
}


static ngx_int_t ngx_http_otp_redis_keep_password(ngx_conf_t *cf, ngx_str_t *password, otp_span_t text)
{
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);

    password->data = ngx_pnalloc(cf->pool, text.len);
    if (cleanup == NULL || password->data == NULL) {
        return NGX_ERROR;
    }
    ngx_memcpy(password->data, text.data, text.len);
    password->len = text.len;
    cleanup->handler = ngx_http_otp_redis_wipe_password;
    cleanup->data = password;
    return NGX_OK;
}


ngx_int_t ngx_http_otp_redis_read_password(ngx_conf_t *cf, ngx_str_t *value, const char *option, ngx_str_t *password)
{
    char       text[PASSWORD_MAX + 3];
    ssize_t    n;
    ngx_fd_t   fd = ngx_http_otp_redis_open_file(cf, value, option, 0077, "chmod 600");
    ngx_int_t  rc = NGX_ERROR;
    otp_span_t rest, line;

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }
    n = ngx_read_fd(fd, text, sizeof(text));
    (void) ngx_close_file(fd);

    rest = (otp_span_t) { text, n > 0 ? (size_t) n : 0 };
    line = otp_span_cut(&rest, '\n');
    if (line.len && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    if (line.len == 0 || line.len > PASSWORD_MAX || rest.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "\"otp_redis\": %s \"%V\" must hold one line of 1 to 512 bytes", option, value);
    } else {
        rc = ngx_http_otp_redis_keep_password(cf, password, line);
    }
    otp_secret_wipe(text, sizeof(text));
    return rc;
}


/* NUL-terminated, without the brackets of an IPv6 address: what OpenSSL takes. */
static ngx_int_t ngx_http_otp_redis_copy_host(ngx_conf_t *cf, ngx_str_t *host, ngx_url_t *url)
{
    ngx_str_t text = url->host;

    if (text.len > 2 && text.data[0] == '[') {
        text.data++;
        text.len -= 2;
    }
    host->len = text.len;
    host->data = ngx_pnalloc(cf->pool, text.len + 1);
    if (host->data == NULL) {
        return NGX_ERROR;
    }
    *ngx_cpymem(host->data, text.data, text.len) = '\0';
    return NGX_OK;
}


ngx_int_t ngx_http_otp_redis_add_address(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value, in_port_t port)
{
    ngx_url_t                      url;
    ngx_http_otp_redis_address_t  *address;

    ngx_memzero(&url, sizeof(url));
    url.url = *value;
    url.default_port = port;
    if (ngx_parse_url(cf->pool, &url) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"otp_redis\": %s in \"%V\"", url.err ? url.err : "no memory",
            value);
        return NGX_ERROR;
    }
    for (ngx_uint_t i = 0; i < url.naddrs; i++) {
        if (redis->addresses == NGX_HTTP_OTP_REDIS_ADDRESSES) {
            return ngx_http_otp_redis_refuse(cf, "more than 16 addresses");
        }
        address = &redis->address[redis->addresses++];
        address->sockaddr = url.addrs[i].sockaddr;
        address->socklen = url.addrs[i].socklen;
        address->name = url.addrs[i].name;
        if (ngx_http_otp_redis_copy_host(cf, &address->host, &url) != NGX_OK) {
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}
