/*
 * The directive
 *
 *     otp_redis ADDR… [sentinel=NAME] [cluster] [tls] [tls_ca=F] [tls_name=H] [user=U] [password_file=F]
 *               [db=N] [prefix=otp:] [timeout=1s] [replicas=0]
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_span.h"

#define PORT            6379
#define DB_MAX          65535
#define REPLICAS_MAX    100
#define PREFIX_MAX      64
#define TIMEOUT_MIN     10
#define TIMEOUT_MAX     60000
#define PASSWORD_MAX    512
#define TIMEOUT         1000

typedef ngx_int_t (*ngx_http_otp_redis_option_pt)(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);

typedef struct {
    ngx_str_t                     name;                 /* with '=' when a value follows */
    ngx_http_otp_redis_option_pt  set;
} ngx_http_otp_redis_option_t;

static ngx_int_t ngx_http_otp_redis_set_later(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);
static ngx_int_t ngx_http_otp_redis_set_replicas(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);
static ngx_int_t ngx_http_otp_redis_set_tls(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);
static ngx_int_t ngx_http_otp_redis_set_tls_ca(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);
static ngx_int_t ngx_http_otp_redis_set_tls_name(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);
static ngx_int_t ngx_http_otp_redis_set_user(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);
static ngx_int_t ngx_http_otp_redis_set_password(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);
static ngx_int_t ngx_http_otp_redis_set_db(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);
static ngx_int_t ngx_http_otp_redis_set_prefix(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);
static ngx_int_t ngx_http_otp_redis_set_timeout(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);

/* clang-format off */
static ngx_http_otp_redis_option_t  ngx_http_otp_redis_options[] = {
    { ngx_string("sentinel="),      ngx_http_otp_redis_set_later },
    { ngx_string("cluster"),        ngx_http_otp_redis_set_later },
    { ngx_string("replicas="),      ngx_http_otp_redis_set_replicas },
    { ngx_string("tls"),            ngx_http_otp_redis_set_tls },
    { ngx_string("tls_ca="),        ngx_http_otp_redis_set_tls_ca },
    { ngx_string("tls_name="),      ngx_http_otp_redis_set_tls_name },
    { ngx_string("user="),          ngx_http_otp_redis_set_user },
    { ngx_string("password_file="), ngx_http_otp_redis_set_password },
    { ngx_string("db="),            ngx_http_otp_redis_set_db },
    { ngx_string("prefix="),        ngx_http_otp_redis_set_prefix },
    { ngx_string("timeout="),       ngx_http_otp_redis_set_timeout },
    { ngx_null_string,              NULL }
};
/* clang-format on */

static ngx_int_t ngx_http_otp_redis_refuse(ngx_conf_t *cf, const char *what)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"otp_redis\": %s", what);
    return NGX_ERROR;
}


/* What this version does not do yet */

static ngx_int_t ngx_http_otp_redis_set_later(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    return ngx_http_otp_redis_refuse(cf, "\"sentinel=\" and \"cluster\" are not supported by this version");
}


static ngx_int_t ngx_http_otp_redis_set_replicas(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    ngx_int_t n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || n > REPLICAS_MAX) {
        return ngx_http_otp_redis_refuse(cf, "\"replicas=\" takes a number from 0 to 100");
    }
    if (n > 0) {
        return ngx_http_otp_redis_refuse(cf, "\"replicas=\" above 0 is not supported by this version");
    }
    return NGX_OK;
}


/* Options */

static ngx_int_t ngx_http_otp_redis_set_tls(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    redis->tls = 1;
    return NGX_OK;
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


static ngx_int_t ngx_http_otp_redis_set_tls_ca(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    ngx_fd_t fd = ngx_http_otp_redis_open_file(cf, value, "tls_ca", 0022, "chmod 644");

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }
    (void) ngx_close_file(fd);
    redis->tls_ca = *value;
    return NGX_OK;
}


static ngx_int_t ngx_http_otp_redis_set_tls_name(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    if (value->len == 0 || value->len > 253) {
        return ngx_http_otp_redis_refuse(cf, "\"tls_name=\" takes the name in the server's certificate");
    }
    redis->tls_name = *value;
    return NGX_OK;
}


static ngx_int_t ngx_http_otp_redis_set_user(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    if (value->len == 0) {
        return ngx_http_otp_redis_refuse(cf, "\"user=\" takes the name of a Redis user");
    }
    redis->user = *value;
    return NGX_OK;
}


static void ngx_http_otp_redis_wipe_password(void *data)
{
    ngx_http_otp_redis_t *redis = data;

    otp_secret_wipe(redis->password.data, redis->password.len);
}


static ngx_int_t ngx_http_otp_redis_keep_password(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, otp_span_t password)
{
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);

    redis->password.data = ngx_pnalloc(cf->pool, password.len);
    if (cleanup == NULL || redis->password.data == NULL) {
        return NGX_ERROR;
    }
    ngx_memcpy(redis->password.data, password.data, password.len);
    redis->password.len = password.len;
    cleanup->handler = ngx_http_otp_redis_wipe_password;
    cleanup->data = redis;
    return NGX_OK;
}


static ngx_int_t ngx_http_otp_redis_set_password(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    char       text[PASSWORD_MAX + 3];
    ssize_t    n;
    ngx_fd_t   fd = ngx_http_otp_redis_open_file(cf, value, "password_file", 0077, "chmod 600");
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
            "\"otp_redis\": password_file \"%V\" must hold one line of 1 to 512 bytes", value);
    } else {
        rc = ngx_http_otp_redis_keep_password(cf, redis, line);
    }
    otp_secret_wipe(text, sizeof(text));
    return rc;
}


static ngx_int_t ngx_http_otp_redis_set_db(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    redis->db = ngx_atoi(value->data, value->len);
    if (redis->db == NGX_ERROR || redis->db > DB_MAX) {
        return ngx_http_otp_redis_refuse(cf, "\"db=\" takes a number from 0 to 65535");
    }
    return NGX_OK;
}


static ngx_int_t ngx_http_otp_redis_set_prefix(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    ngx_uint_t bad = value->len > PREFIX_MAX;

    for (size_t i = 0; i < value->len; i++) {
        bad |= value->data[i] <= ' ' || value->data[i] >= 0x7f;
    }
    if (bad) {
        return ngx_http_otp_redis_refuse(cf, "\"prefix=\" takes at most 64 printable ASCII characters, no blank");
    }
    redis->prefix = *value;
    return NGX_OK;
}


static ngx_int_t ngx_http_otp_redis_set_timeout(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    ngx_int_t ms = ngx_parse_time(value, 0);

    if (ms == NGX_ERROR || ms < TIMEOUT_MIN || ms > TIMEOUT_MAX) {
        return ngx_http_otp_redis_refuse(cf, "\"timeout=\" takes a time from 10ms to 60s");
    }
    redis->timeout = (ngx_msec_t) ms;
    return NGX_OK;
}


/* Addresses */

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


static ngx_int_t ngx_http_otp_redis_add_address(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    ngx_url_t                      url;
    ngx_http_otp_redis_address_t  *address;

    ngx_memzero(&url, sizeof(url));
    url.url = *value;
    url.default_port = PORT;
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


static ngx_uint_t ngx_http_otp_redis_is_unix(ngx_str_t *value)
{
    return value->len >= 5 && ngx_strncasecmp(value->data, (u_char *) "unix:", 5) == 0;
}


/* The directive */

static ngx_int_t ngx_http_otp_redis_unknown(ngx_conf_t *cf, const ngx_str_t *arg)
{
    u_char  names[256];
    u_char *p = names;

    for (const ngx_http_otp_redis_option_t *option = ngx_http_otp_redis_options; option->set; option++) {
        if (option->set != ngx_http_otp_redis_set_later) {
            p = ngx_slprintf(p, names + sizeof(names), "%s%V", p == names ? "" : ", ", &option->name);
        }
    }
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"otp_redis\": unknown parameter \"%V\": it may be one of %*s", arg,
        (size_t) (p - names), names);
    return NGX_ERROR;
}


static ngx_int_t ngx_http_otp_redis_argument(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *arg)
{
    ngx_str_t                     value;
    ngx_http_otp_redis_option_t  *option;

    for (option = ngx_http_otp_redis_options; option->set; option++) {
        ngx_uint_t bit = (ngx_uint_t) 1 << (option - ngx_http_otp_redis_options);
        ngx_uint_t takes_value = option->name.data[option->name.len - 1] == '=';

        if (arg->len < option->name.len || ngx_strncmp(arg->data, option->name.data, option->name.len) != 0
            || (!takes_value && arg->len != option->name.len))
        {
            continue;
        }
        if (redis->options & bit) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"otp_redis\": \"%V\" is given twice", &option->name);
            return NGX_ERROR;
        }
        redis->options |= bit;
        value.data = arg->data + option->name.len;
        value.len = arg->len - option->name.len;
        return option->set(cf, redis, &value);
    }
    if (!ngx_http_otp_redis_is_unix(arg) && ngx_strlchr(arg->data, arg->data + arg->len, '=')) {
        return ngx_http_otp_redis_unknown(cf, arg);
    }
    return ngx_http_otp_redis_add_address(cf, redis, arg);
}


static ngx_int_t ngx_http_otp_redis_complete(ngx_conf_t *cf, ngx_http_otp_redis_t *redis)
{
    if (redis->addresses == 0) {
        return ngx_http_otp_redis_refuse(cf, "no address: unix:PATH or host:port");
    }
    if (redis->user.len && redis->password.len == 0) {
        return ngx_http_otp_redis_refuse(cf, "\"user=\" needs \"password_file=\"");
    }
    if (!redis->tls && (redis->tls_ca.len || redis->tls_name.len)) {
        return ngx_http_otp_redis_refuse(cf, "\"tls_ca=\" and \"tls_name=\" need \"tls\"");
    }
    if (!redis->tls) {
        return NGX_OK;
    }
    for (ngx_uint_t i = 0; i < redis->addresses; i++) {
        if (redis->address[i].sockaddr->sa_family == AF_UNIX) {
            return ngx_http_otp_redis_refuse(cf, "\"tls\" and a unix socket: Redis speaks TLS on ports only");
        }
    }
    return ngx_http_otp_redis_tls_create(cf, redis);
}


char *ngx_http_otp_redis_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t              *arg = cf->args->elts;
    ngx_http_otp_redis_t   *redis;
    ngx_http_otp_redis_t  **place = (ngx_http_otp_redis_t **) ((char *) conf + cmd->offset);

    if (*place) {
        return "is duplicate";
    }
    redis = ngx_pcalloc(cf->pool, sizeof(*redis));
    if (redis == NULL) {
        return NGX_CONF_ERROR;
    }
    redis->timeout = TIMEOUT;
    ngx_str_set(&redis->prefix, "otp:");
    for (ngx_uint_t i = 1; i < cf->args->nelts; i++) {
        if (ngx_http_otp_redis_argument(cf, redis, &arg[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }
    if (ngx_http_otp_redis_complete(cf, redis) != NGX_OK) {
        return NGX_CONF_ERROR;
    }
    *place = redis;
    return NGX_CONF_OK;
}
