/* The memory of spent codes: core/decide/otp_spent.h in a zone that all workers share. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#include <openssl/rand.h>

/* Keys whose last code is remembered: of a busy gateway those of hours, where three periods would do. */
#define NGX_HTTP_OTP_SPENT_KEYS   65536
/* What the slab allocator needs beside one large piece of memory. */
#define NGX_HTTP_OTP_SPENT_PAGES  8


static ngx_int_t ngx_http_otp_spent_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t *pool = (ngx_slab_pool_t *) zone->shm.addr;
    size_t           size = otp_spent_size(NGX_HTTP_OTP_SPENT_KEYS);
    uint8_t          random[OTP_SIPHASH_KEY];
    void            *memory;

    if (data != NULL) {
        zone->data = data;
        return NGX_OK;
    }

    if (zone->shm.exists) {
        zone->data = pool->data;
        return NGX_OK;
    }

    memory = ngx_slab_alloc(pool, size);
    if (memory == NULL || RAND_bytes(random, sizeof(random)) != 1) {
        return NGX_ERROR;
    }

    zone->data = otp_spent_init(memory, size, random);
    pool->data = zone->data;

    return zone->data == NULL ? NGX_ERROR : NGX_OK;
}


ngx_int_t ngx_http_otp_spent_add(ngx_conf_t *cf, ngx_http_otp_main_conf_t *omcf)
{
    ngx_str_t name = ngx_string("otp_spent");
    size_t    size = ngx_align(otp_spent_size(NGX_HTTP_OTP_SPENT_KEYS), ngx_pagesize);

    omcf->spent = ngx_shared_memory_add(cf, &name, size + NGX_HTTP_OTP_SPENT_PAGES * ngx_pagesize,
        &ngx_http_otp_module);
    if (omcf->spent == NULL) {
        return NGX_ERROR;
    }

    omcf->spent->init = ngx_http_otp_spent_init;

    return NGX_OK;
}


void ngx_http_otp_spent_tell(const ngx_http_otp_main_conf_t *omcf, otp_request_t *request)
{
    request->spent = omcf->spent != NULL ? omcf->spent->data : NULL;
    request->floor_s = ngx_http_otp_redis_floor_s(omcf->redis);
}
