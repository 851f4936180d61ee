/*
 * TLS towards Redis: nothing is said, the password least of all, before the certificate is found to be
 * trusted and to bear the right name.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#define VERIFY_DEPTH    9

static void ngx_http_otp_redis_tls_handler(ngx_connection_t *c);

ngx_int_t ngx_http_otp_redis_tls_create(ngx_conf_t *cf, ngx_http_otp_redis_t *redis)
{
    ngx_ssl_t          *ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);

    if (ssl == NULL || cleanup == NULL) {
        return NGX_ERROR;
    }
    ssl->log = cf->log;
    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2 | NGX_SSL_TLSv1_3, NULL) != NGX_OK) {
        return NGX_ERROR;
    }
    cleanup->handler = ngx_ssl_cleanup_ctx;
    cleanup->data = ssl;

    /* The output buffer grows and moves while a write waits. */
    SSL_CTX_set_mode(ssl->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    redis->ssl = ssl;
    if (redis->tls_ca.len) {
        if (ngx_ssl_trusted_certificate(cf, ssl, &redis->tls_ca, VERIFY_DEPTH) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"otp_redis\": tls_ca \"%V\" holds no certificates in PEM",
                &redis->tls_ca);
            return NGX_ERROR;
        }
        return NGX_OK;
    }
    if (SSL_CTX_set_default_verify_paths(ssl->ctx) != 1) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0, "SSL_CTX_set_default_verify_paths() failed");
        return NGX_ERROR;
    }
    return NGX_OK;
}


static void ngx_http_otp_redis_tls_drop(ngx_http_otp_redis_t *redis, const char *reason, const char *detail)
{
    ngx_http_otp_redis_fault_t fault = { NGX_HTTP_OTP_REDIS_ENDED, 0, reason, "" };

    (void) ngx_cpystrn((u_char *) fault.detail, (u_char *) detail, sizeof(fault.detail));
    ngx_http_otp_redis_drop(redis, &fault);
}


static ngx_str_t *ngx_http_otp_redis_tls_name(ngx_http_otp_redis_t *redis)
{
    return redis->tls_name.len ? &redis->tls_name : &redis->address[redis->current].host;
}


static ngx_uint_t ngx_http_otp_redis_is_ip(const ngx_str_t *name)
{
    u_char bytes[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, (char *) name->data, bytes) == 1 || inet_pton(AF_INET6, (char *) name->data, bytes) == 1;
}


/* ngx_ssl_check_host() knows DNS names only. */
static ngx_int_t ngx_http_otp_redis_check_name(ngx_connection_t *c, ngx_str_t *name)
{
    X509 *certificate;
    int   matches;

    if (!ngx_http_otp_redis_is_ip(name)) {
        return ngx_ssl_check_host(c, name);
    }
    certificate = SSL_get1_peer_certificate(c->ssl->connection);
    if (certificate == NULL) {
        return NGX_ERROR;
    }
    matches = X509_check_ip_asc(certificate, (char *) name->data, 0);
    X509_free(certificate);
    return matches == 1 ? NGX_OK : NGX_ERROR;
}


void ngx_http_otp_redis_tls_start(ngx_http_otp_redis_t *redis)
{
    ngx_connection_t *c = redis->connection;
    ngx_str_t        *name = ngx_http_otp_redis_tls_name(redis);

    if (ngx_ssl_create_connection(redis->ssl, c, NGX_SSL_CLIENT) != NGX_OK) {
        ngx_http_otp_redis_tls_drop(redis, "no memory", "");
        return;
    }
    /* OpenSSL's reasons are worth reading, the first time. */
    if (redis->address[redis->current].reported == NULL) {
        c->log = c->read->log = c->write->log = redis->log;
    }
    if (!ngx_http_otp_redis_is_ip(name)
        && SSL_set_tlsext_host_name(c->ssl->connection, (char *) name->data) != 1)
    {
        ngx_http_otp_redis_tls_drop(redis, "tls_name is not a name", "");
        return;
    }
    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        c->ssl->handler = ngx_http_otp_redis_tls_handler;
        return;
    }
    ngx_http_otp_redis_tls_handler(c);
}


static void ngx_http_otp_redis_tls_handler(ngx_connection_t *c)
{
    long                  verified;
    ngx_http_otp_redis_t *redis = c->data;

    if (!c->ssl->handshaked) {
        ngx_http_otp_redis_tls_drop(redis, "TLS handshake failed", "");
        return;
    }
    /* nginx's verify callback lets every certificate through: these two are the check. */
    verified = SSL_get_verify_result(c->ssl->connection);
    if (verified != X509_V_OK) {
        ngx_http_otp_redis_tls_drop(redis, "its certificate is not trusted", X509_verify_cert_error_string(verified));
        return;
    }
    if (ngx_http_otp_redis_check_name(c, ngx_http_otp_redis_tls_name(redis)) != NGX_OK) {
        ngx_http_otp_redis_tls_drop(redis, "its certificate bears another name", "");
        return;
    }
    ngx_http_otp_redis_greet(redis);
}
