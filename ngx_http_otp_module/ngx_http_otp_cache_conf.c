/* The cache of sessions: its directive, its memory, its two ends in the life of a worker. */
#include "ngx_http_otp_module/ngx_http_otp_cache.h"

#include <sys/mman.h>
#include <sys/random.h>

#define NGX_HTTP_OTP_CACHE_DEFAULT     (16 * 1024 * 1024)
#define NGX_HTTP_OTP_CACHE_LEAST       (64 * 1024)


static ngx_http_otp_cache_t *ngx_http_otp_cache_make(ngx_conf_t *cf, ngx_http_otp_main_conf_t *omcf)
{
    omcf->cache = ngx_pcalloc(cf->pool, sizeof(ngx_http_otp_cache_t));
    if (omcf->cache != NULL) {
        omcf->cache->omcf = omcf;
        omcf->cache->size = NGX_HTTP_OTP_CACHE_DEFAULT;
    }

    return omcf->cache;
}


char *ngx_http_otp_conf_session_cache(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_main_conf_t *omcf = conf;
    ngx_str_t                *value = cf->args->elts;
    ssize_t                   size;

    if (omcf->cache != NULL) {
        return "is duplicate";
    }

    if (ngx_http_otp_cache_make(cf, omcf) == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        omcf->cache->size = 0;
        return NGX_CONF_OK;
    }

    size = ngx_parse_size(&value[1]);
    if (size == NGX_ERROR || size < NGX_HTTP_OTP_CACHE_LEAST) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value \"%V\": it may be \"off\" or the memory of a worker, "
            "in k or m and 64k at least, as in \"otp_session_cache 16m\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    omcf->cache->size = (size_t) size;
    omcf->cache->written = 1;

    return NGX_CONF_OK;
}


ngx_int_t ngx_http_otp_cache_create(ngx_conf_t *cf, ngx_http_otp_main_conf_t *omcf)
{
    ngx_http_otp_cache_t *cache = omcf->cache != NULL ? omcf->cache : ngx_http_otp_cache_make(cf, omcf);

    if (cache == NULL || cache->size == 0) {
        return cache == NULL ? NGX_ERROR : NGX_OK;
    }

    if (ngx_http_otp_redis_is_cluster(omcf->redis)) {
        if (cache->written) {
            ngx_conf_log_error(NGX_LOG_NOTICE, cf, 0, "\"otp_session_cache\": nothing is cached where \"otp_redis\" "
                "is a \"cluster\"");
        }
        return NGX_OK;
    }

    otp_name_sessions(&cache->prefix, ngx_http_otp_redis_prefix(omcf->redis));
    cache->listener = ngx_http_otp_redis_clone(cf->pool, omcf->redis, " (invalidations)");

    return cache->listener != NULL ? NGX_OK : NGX_ERROR;
}


/* Nobody else's beat must be taken for ours. */
static ngx_int_t ngx_http_otp_cache_name(ngx_http_otp_cache_t *cache)
{
    otp_span_t prefix = ngx_http_otp_redis_prefix(cache->omcf->redis);
    u_char    *channel = (u_char *) cache->channel;
    uint64_t   lot[2];

    if (getrandom(lot, sizeof(lot), 0) != (ssize_t) sizeof(lot)) {
        return NGX_ERROR;
    }

    cache->channel_len = (size_t) (ngx_snprintf(channel, sizeof(cache->channel), "%*sbeat:%016xL%016xL", prefix.len,
                                       prefix.data, lot[0], lot[1]) - channel);

    return NGX_OK;
}


/* A worker that cannot keep sessions asks Redis about each: that is no reason not to work. */
static void ngx_http_otp_cache_map(ngx_http_otp_cache_t *cache, const uint8_t *key)
{
    cache->memory = mmap(NULL, cache->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (cache->memory == MAP_FAILED) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno, "otp_session_cache: nothing is cached, for there is no "
            "memory for %uz bytes", cache->size);
        return;
    }

    /* Whose sessions are open does not belong in a core dump. */
    (void) madvise(cache->memory, cache->size, MADV_DONTDUMP);
    (void) madvise(cache->memory, cache->size, MADV_DONTFORK);     /* nothing for the process that checks passwords */
    cache->sessions = otp_session_cache_init(cache->memory, cache->size, key);
}


ngx_int_t ngx_http_otp_cache_init_process(ngx_cycle_t *cycle, ngx_http_otp_main_conf_t *omcf)
{
    ngx_http_otp_cache_t          *cache = omcf->cache;
    ngx_http_otp_redis_listener_t  reads = { cache, ngx_http_otp_cache_reading, ngx_http_otp_cache_blind, NULL };
    ngx_http_otp_redis_listener_t  hears = {
        cache, ngx_http_otp_cache_connected, ngx_http_otp_cache_deaf, ngx_http_otp_cache_message
    };
    uint8_t                        key[OTP_SIPHASH_KEY];

    if (cache == NULL || cache->listener == NULL
        || (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    if (ngx_http_otp_cache_name(cache) != NGX_OK || getrandom(key, sizeof(key), 0) != (ssize_t) sizeof(key)) {
        return NGX_ERROR;
    }

    ngx_http_otp_cache_map(cache, key);
    otp_secret_wipe(key, sizeof(key));
    if (cache->sessions == NULL) {
        return NGX_OK;
    }

    ngx_http_otp_redis_listen(omcf->redis, &reads);
    ngx_http_otp_redis_listen(cache->listener, &hears);
    cache->ident.data = cache;
    cache->ident.fd = (ngx_socket_t) -1;
    cache->timer.handler = ngx_http_otp_cache_tick;
    cache->timer.data = &cache->ident;
    cache->timer.log = cycle->log;
    cache->timer.cancelable = 1;
    ngx_add_timer(&cache->timer, NGX_HTTP_OTP_CACHE_BEAT_MS);

    return ngx_http_otp_redis_init_process(cycle, cache->listener);
}


void ngx_http_otp_cache_exit_process(ngx_http_otp_main_conf_t *omcf)
{
    ngx_http_otp_cache_t *cache = omcf->cache;

    if (cache == NULL || cache->sessions == NULL) {
        return;
    }

    ngx_http_otp_redis_exit_process(cache->listener);
    cache->sessions = NULL;
    (void) munmap(cache->memory, cache->size);
}
