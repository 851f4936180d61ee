/*
 * The directive
 *
 *     otp_redis ADDR… [sentinel=NAME] [sentinel_user=U] [sentinel_password_file=F] [cluster] [tls] [tls_ca=F]
 *               [tls_name=H] [user=U] [password_file=F] [db=N] [prefix=otp:] [timeout=1s] [replicas=0]
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include "core/base/otp_span.h"

#define PORT            6379
#define SENTINEL_PORT   26379
#define DB_MAX          65535
#define REPLICAS_MAX    100
#define PREFIX_MAX      64
#define NAME_MAX_LEN    128
#define TIMEOUT_MIN     10
#define TIMEOUT_MAX     60000
#define TIMEOUT         1000

typedef ngx_int_t (*ngx_http_otp_redis_option_pt)(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);

typedef struct {
    ngx_str_t                     name;                 /* with '=' when a value follows */
    ngx_http_otp_redis_option_pt  set;
} ngx_http_otp_redis_option_t;

static ngx_int_t ngx_http_otp_redis_set_cluster(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);
static ngx_int_t ngx_http_otp_redis_set_sentinel(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);
static ngx_int_t ngx_http_otp_redis_set_sentinel_user(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value);
static ngx_int_t ngx_http_otp_redis_set_sentinel_password(ngx_conf_t *cf, ngx_http_otp_redis_t *redis,
    ngx_str_t *value);
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
    { ngx_string("sentinel="),      ngx_http_otp_redis_set_sentinel },
    { ngx_string("sentinel_user="), ngx_http_otp_redis_set_sentinel_user },
    { ngx_string("sentinel_password_file="), ngx_http_otp_redis_set_sentinel_password },
    { ngx_string("cluster"),        ngx_http_otp_redis_set_cluster },
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

/* Options */

static ngx_int_t ngx_http_otp_redis_set_cluster(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    redis->cluster = ngx_http_otp_redis_cluster_alloc(cf->pool);
    return redis->cluster ? NGX_OK : NGX_ERROR;
}


static ngx_http_otp_redis_sentinel_t *ngx_http_otp_redis_sentinel_of(ngx_conf_t *cf, ngx_http_otp_redis_t *redis)
{
    if (redis->sentinel == NULL) {
        redis->sentinel = ngx_pcalloc(cf->pool, sizeof(*redis->sentinel));
    }
    return redis->sentinel;
}


static ngx_int_t ngx_http_otp_redis_set_sentinel(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    ngx_uint_t                      bad = value->len == 0 || value->len > NAME_MAX_LEN;
    ngx_http_otp_redis_sentinel_t  *sentinel = ngx_http_otp_redis_sentinel_of(cf, redis);

    for (size_t i = 0; i < value->len; i++) {
        bad |= value->data[i] <= ' ' || value->data[i] >= 0x7f;
    }
    if (bad) {
        return ngx_http_otp_redis_refuse(cf, "\"sentinel=\" takes the name that Sentinels have for the master");
    }
    if (sentinel == NULL) {
        return NGX_ERROR;
    }
    sentinel->name = *value;
    return NGX_OK;
}


static ngx_int_t ngx_http_otp_redis_set_sentinel_user(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    ngx_http_otp_redis_sentinel_t *sentinel = ngx_http_otp_redis_sentinel_of(cf, redis);

    if (value->len == 0) {
        return ngx_http_otp_redis_refuse(cf, "\"sentinel_user=\" takes the name of a user of the Sentinels");
    }
    if (sentinel == NULL) {
        return NGX_ERROR;
    }
    sentinel->user = *value;
    return NGX_OK;
}


static ngx_int_t ngx_http_otp_redis_set_sentinel_password(ngx_conf_t *cf, ngx_http_otp_redis_t *redis,
    ngx_str_t *value)
{
    ngx_http_otp_redis_sentinel_t *sentinel = ngx_http_otp_redis_sentinel_of(cf, redis);

    if (sentinel == NULL) {
        return NGX_ERROR;
    }
    return ngx_http_otp_redis_read_password(cf, value, "sentinel_password_file", &sentinel->password);
}


static ngx_int_t ngx_http_otp_redis_set_replicas(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    redis->replicas = ngx_atoi(value->data, value->len);
    if (redis->replicas == NGX_ERROR || redis->replicas > REPLICAS_MAX) {
        return ngx_http_otp_redis_refuse(cf, "\"replicas=\" takes a number from 0 to 100");
    }
    return NGX_OK;
}


static ngx_int_t ngx_http_otp_redis_set_tls_ca(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    return ngx_http_otp_redis_read_tls_ca(cf, value, &redis->tls_ca);
}


static ngx_int_t ngx_http_otp_redis_set_password(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    return ngx_http_otp_redis_read_password(cf, value, "password_file", &redis->password);
}

static ngx_int_t ngx_http_otp_redis_set_tls(ngx_conf_t *cf, ngx_http_otp_redis_t *redis, ngx_str_t *value)
{
    redis->tls = 1;
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


static ngx_uint_t ngx_http_otp_redis_is_unix(ngx_str_t *value)
{
    return value->len >= 5 && ngx_strncasecmp(value->data, (u_char *) "unix:", 5) == 0;
}


/* The directive */

static ngx_int_t ngx_http_otp_redis_unknown(ngx_conf_t *cf, const ngx_str_t *arg)
{
    u_char  names[320];
    u_char *p = names;

    for (const ngx_http_otp_redis_option_t *option = ngx_http_otp_redis_options; option->set; option++) {
        p = ngx_slprintf(p, names + sizeof(names), "%s%V", p == names ? "" : ", ", &option->name);
    }
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"otp_redis\": unknown parameter \"%V\": it may be one of %*s", arg,
        (size_t) (p - names), names);
    return NGX_ERROR;
}


/* NGX_DECLINED: an address. */
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
    return NGX_DECLINED;
}


/* Options first: they say what port an address without one has. */
static ngx_int_t ngx_http_otp_redis_arguments(ngx_conf_t *cf, ngx_http_otp_redis_t *redis)
{
    ngx_int_t  rc;
    ngx_str_t *arg = cf->args->elts;
    ngx_str_t *address[NGX_HTTP_OTP_REDIS_ADDRESSES];
    ngx_uint_t n = 0;

    for (ngx_uint_t i = 1; i < cf->args->nelts; i++) {
        rc = ngx_http_otp_redis_argument(cf, redis, &arg[i]);
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
        if (rc == NGX_DECLINED && n == NGX_HTTP_OTP_REDIS_ADDRESSES) {
            return ngx_http_otp_redis_refuse(cf, "more than 16 addresses");
        }
        if (rc == NGX_DECLINED) {
            address[n++] = &arg[i];
        }
    }
    for (ngx_uint_t i = 0; i < n; i++) {
        if (ngx_http_otp_redis_add_address(cf, redis, address[i], redis->sentinel ? SENTINEL_PORT : PORT) != NGX_OK) {
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}


static ngx_int_t ngx_http_otp_redis_check(ngx_conf_t *cf, ngx_http_otp_redis_t *redis)
{
    if (redis->addresses == 0) {
        return ngx_http_otp_redis_refuse(cf, "no address: unix:PATH or host:port");
    }
    if (redis->user.len && redis->password.len == 0) {
        return ngx_http_otp_redis_refuse(cf, "\"user=\" needs \"password_file=\"");
    }
    if (redis->sentinel && redis->sentinel->name.len == 0) {
        return ngx_http_otp_redis_refuse(cf, "\"sentinel_user=\" and \"sentinel_password_file=\" need \"sentinel=\"");
    }
    if (redis->sentinel && redis->sentinel->user.len && redis->sentinel->password.len == 0) {
        return ngx_http_otp_redis_refuse(cf, "\"sentinel_user=\" needs \"sentinel_password_file=\"");
    }
    if (redis->cluster && redis->sentinel) {
        return ngx_http_otp_redis_refuse(cf, "\"cluster\" and \"sentinel=\": a cluster has no Sentinels");
    }
    if (redis->cluster && redis->db) {
        return ngx_http_otp_redis_refuse(cf, "\"cluster\" and \"db=\": a cluster has database 0 only");
    }
    if (!redis->tls && (redis->tls_ca.len || redis->tls_name.len)) {
        return ngx_http_otp_redis_refuse(cf, "\"tls_ca=\" and \"tls_name=\" need \"tls\"");
    }
    for (ngx_uint_t i = 0; redis->tls && i < redis->addresses; i++) {
        if (redis->address[i].sockaddr->sa_family == AF_UNIX) {
            return ngx_http_otp_redis_refuse(cf, "\"tls\" and a unix socket: Redis speaks TLS on ports only");
        }
    }
    return NGX_OK;
}


/* Each takes over what the one before has made. */
static ngx_int_t ngx_http_otp_redis_create(ngx_conf_t *cf, ngx_http_otp_redis_t *redis)
{
    if (redis->tls && ngx_http_otp_redis_tls_create(cf, redis) != NGX_OK) {
        return NGX_ERROR;
    }
    if (redis->sentinel && ngx_http_otp_redis_sentinel_create(cf, redis) != NGX_OK) {
        return NGX_ERROR;
    }
    if (redis->cluster) {
        return ngx_http_otp_redis_cluster_create(cf, redis);
    }
    if (redis->replicas) {
        redis->writer = ngx_palloc(cf->pool, sizeof(*redis->writer));
        if (redis->writer == NULL) {
            return NGX_ERROR;
        }
        ngx_http_otp_redis_writer_init(redis->writer, redis);
    }
    return NGX_OK;
}


char *ngx_http_otp_redis_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
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
    redis->master_tags = 1;
    ngx_str_set(&redis->prefix, "otp:");
    if (ngx_http_otp_redis_arguments(cf, redis) != NGX_OK || ngx_http_otp_redis_check(cf, redis) != NGX_OK
        || ngx_http_otp_redis_create(cf, redis) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }
    *place = redis;
    return NGX_CONF_OK;
}
