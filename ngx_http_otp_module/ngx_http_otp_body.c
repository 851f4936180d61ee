/*
 * Bodies of forms: bounded, never in a file, and not left behind in nginx's buffers.
 *
 * nginx is asked not to buffer, so that it keeps one small buffer and hands over what came; what is over the
 * limit is not waited for.
 */
#include "ngx_http_otp_module/ngx_http_otp_module.h"


void ngx_http_otp_body_wipe(ngx_http_otp_body_t *body)
{
    otp_secret_wipe(body->data, sizeof(body->data));
    body->len = 0;
}


/* Takes what has arrived out of nginx's buffers and wipes it there.  Returns how many bytes that were. */
static size_t ngx_http_otp_body_take(ngx_http_request_t *r, ngx_http_otp_body_t *body)
{
    ngx_chain_t *chain = r->request_body != NULL ? r->request_body->bufs : NULL;
    size_t       taken = 0;

    for ( ; chain != NULL; chain = chain->next) {
        ngx_buf_t *buf = chain->buf;
        size_t     n = (size_t) (buf->last - buf->pos);

        /* A body that nginx has put into a file for somebody else, before an internal redirect, is no form of ours. */
        if (buf->in_file) {
            body->too_large = 1;
            continue;
        }

        if (n > sizeof(body->data) - body->len) {
            body->too_large = 1;
        } else if (n != 0) {
            ngx_memcpy(body->data + body->len, buf->pos, n);
            body->len += n;
        }

        otp_secret_wipe(buf->pos, n);
        buf->pos = buf->last;
        taken += n;
    }

    if (r->request_body != NULL) {
        r->request_body->bufs = NULL;
    }

    return taken;
}


static void ngx_http_otp_body_done(ngx_http_request_t *r, ngx_http_otp_body_t *body)
{
    r->read_event_handler = ngx_http_block_reading;
    if (r->connection->read->timer_set) {
        ngx_del_timer(r->connection->read);
    }

    if (body->too_large) {
        ngx_http_otp_body_wipe(body);
    }

    body->handler(r, body);
}


static void ngx_http_otp_body_more(ngx_http_request_t *r)
{
    ngx_http_otp_body_t *body = ngx_http_otp_state_get(r)->body;
    size_t               taken;
    ngx_int_t            rc;

    (void) ngx_http_otp_body_take(r, body);
    while (r->reading_body && !body->too_large) {
        rc = ngx_http_read_unbuffered_request_body(r);
        if (rc == NGX_ERROR || rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            ngx_http_otp_body_wipe(body);
            ngx_http_finalize_request(r, rc);
            return;
        }

        taken = ngx_http_otp_body_take(r, body);
        if (rc == NGX_AGAIN && taken == 0) {
            r->read_event_handler = ngx_http_otp_body_more;
            return;
        }
    }

    ngx_http_otp_body_done(r, body);
}


ngx_int_t ngx_http_otp_body_read(ngx_http_request_t *r, ngx_http_otp_body_t *body)
{
    ngx_http_otp_state_t *state = ngx_http_otp_state_make(r);
    ngx_int_t             rc;

    if (state == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    state->body = body;
    if (r->headers_in.content_length_n > OTP_BODY_MAX) {
        r->expect_tested = 1;       /* who asks first whether to send it (Expect: 100-continue) is not told to */
        rc = ngx_http_discard_request_body(r);
        if (rc != NGX_OK) {
            return rc;
        }

        body->too_large = 1;
        r->main->count++;
        body->handler(r, body);

        return NGX_DONE;
    }

    r->request_body_no_buffering = 1;
    rc = ngx_http_read_client_request_body(r, ngx_http_otp_body_more);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}
