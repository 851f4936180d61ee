/* Request headers: found, taken out, added; in nginx 1.22 as in those after it. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"


otp_span_t ngx_http_otp_header_find(ngx_http_request_t *r, otp_span_t lowcase_name)
{
    for (ngx_list_part_t *part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        ngx_table_elt_t *header = part->elts;

        for (ngx_uint_t i = 0; i < part->nelts; i++) {
            if (header[i].key.len == lowcase_name.len
                && ngx_strncmp(header[i].lowcase_key, lowcase_name.data, lowcase_name.len) == 0)
            {
                return ngx_http_otp_span(header[i].value);
            }
        }
    }

    return OTP_SPAN_NONE;
}


/*
 * nginx's list of headers is a chain of arrays.  Instead of moving elements, which r->headers_in.host and
 * others point at, a chain of our own is made over the same arrays, that leaves out what is removed.  The
 * chain of a subrequest's parent is therefore not touched either.
 */
typedef struct {
    ngx_pool_t       *pool;
    ngx_list_part_t   first;
    ngx_list_part_t  *last;     /* NULL: nothing yet */
} ngx_http_otp_chain_t;


static ngx_int_t ngx_http_otp_chain_add(ngx_http_otp_chain_t *chain, ngx_table_elt_t *header, ngx_uint_t n)
{
    ngx_list_part_t *part = &chain->first;

    /* A part without elements would be read by nginx's own loops. */
    if (n == 0) {
        return NGX_OK;
    }

    if (chain->last != NULL) {
        part = ngx_palloc(chain->pool, sizeof(ngx_list_part_t));
        if (part == NULL) {
            return NGX_ERROR;
        }

        chain->last->next = part;
    }

    part->elts = header;
    part->nelts = n;
    part->next = NULL;
    chain->last = part;

    return NGX_OK;
}


static ngx_int_t ngx_http_otp_chain_set(const ngx_http_otp_chain_t *chain, ngx_list_t *list)
{
    if (chain->last == NULL) {
        return ngx_list_init(list, chain->pool, 8, sizeof(ngx_table_elt_t));
    }

    list->part = chain->first;
    list->last = chain->last == &chain->first ? &list->part : chain->last;
    list->pool = chain->pool;
    /* The last part counts as full, so that ngx_list_push() writes nowhere into an array of before. */
    list->nalloc = chain->last->nelts;

    return NGX_OK;
}


static ngx_int_t ngx_http_otp_chain_keep(ngx_http_otp_chain_t *chain, const ngx_list_part_t *part,
    ngx_http_otp_header_test_pt remove)
{
    ngx_table_elt_t *header = part->elts;
    ngx_uint_t       from = 0;

    for (ngx_uint_t i = 0; remove != NULL && i < part->nelts; i++) {
        if (!remove(&header[i])) {
            continue;
        }

        if (ngx_http_otp_chain_add(chain, &header[from], i - from) != NGX_OK) {
            return NGX_ERROR;
        }

        from = i + 1;
    }

    return ngx_http_otp_chain_add(chain, &header[from], part->nelts - from);
}


ngx_int_t ngx_http_otp_headers_edit(ngx_http_request_t *r, ngx_http_otp_header_test_pt remove,
    ngx_table_elt_t *added, ngx_uint_t n)
{
    ngx_http_otp_chain_t chain = { r->pool, { NULL, 0, NULL }, NULL };

    for (const ngx_list_part_t *part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        if (ngx_http_otp_chain_keep(&chain, part, remove) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_otp_chain_add(&chain, added, n) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_otp_chain_set(&chain, &r->headers_in.headers);
}
