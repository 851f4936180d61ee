/*
 * Addresses that a server names, which are known at run time only.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_internal.h"

#include <arpa/inet.h>

#include "core/base/otp_span.h"

static ngx_int_t ngx_http_otp_redis_place_port(otp_span_t text, in_port_t *port)
{
    int64_t number;

    if (otp_span_number(text, &number) != OTP_OK || number < 1 || number > 65535) {
        return NGX_ERROR;
    }
    *port = (in_port_t) number;
    return NGX_OK;
}


ngx_int_t ngx_http_otp_redis_place(otp_span_t host, otp_span_t port, ngx_http_otp_redis_place_t *place)
{
    in_port_t number;

    ngx_memzero(place, sizeof(*place));
    if (host.len == 0 || host.len >= sizeof(place->host) || ngx_http_otp_redis_place_port(port, &number) != NGX_OK) {
        return NGX_DECLINED;
    }
    ngx_memcpy(place->host, host.data, host.len);
    if (inet_pton(AF_INET, (char *) place->host, &place->sockaddr.sockaddr_in.sin_addr) == 1) {
        place->sockaddr.sockaddr.sa_family = AF_INET;
    } else if (inet_pton(AF_INET6, (char *) place->host, &place->sockaddr.sockaddr_in6.sin6_addr) == 1) {
        place->sockaddr.sockaddr.sa_family = AF_INET6;
    } else {
        return NGX_DECLINED;
    }
    ngx_inet_set_port(&place->sockaddr.sockaddr, number);
    return NGX_OK;
}


ngx_uint_t ngx_http_otp_redis_place_same(const ngx_http_otp_redis_place_t *a, const ngx_http_otp_redis_place_t *b)
{
    return ngx_memcmp(&a->sockaddr, &b->sockaddr, sizeof(a->sockaddr)) == 0;
}


void ngx_http_otp_redis_place_address(ngx_http_otp_redis_place_t *place, ngx_http_otp_redis_address_t *address)
{
    address->sockaddr = &place->sockaddr.sockaddr;
    address->socklen = place->sockaddr.sockaddr.sa_family == AF_INET ? sizeof(struct sockaddr_in)
        : sizeof(struct sockaddr_in6);
    address->name.data = place->name;
    address->name.len = ngx_sock_ntop(address->sockaddr, address->socklen, place->name, NGX_SOCKADDR_STRLEN, 1);
    address->host.data = place->host;
    address->host.len = ngx_strlen(place->host);
    address->reported = NULL;
}
