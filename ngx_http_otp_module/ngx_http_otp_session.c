/* Whose request this is: found out once, kept for subrequests and internal redirects. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#include "core/http/otp_cookie.h"


/* Marks the pool cleanup that holds the state: an internal redirect empties r->ctx, this stays, and it is
 * still there when the access log is written. */
static void ngx_http_otp_state_mark(void *data)
{
}


ngx_http_otp_state_t *ngx_http_otp_state_get(ngx_http_request_t *r)
{
    ngx_http_otp_state_t *state = ngx_http_get_module_ctx(r->main, ngx_http_otp_module);

    if (state != NULL) {
        return state;
    }

    for (ngx_pool_cleanup_t *cleanup = r->main->pool->cleanup; cleanup != NULL; cleanup = cleanup->next) {
        if (cleanup->handler == ngx_http_otp_state_mark) {
            ngx_http_set_ctx(r->main, cleanup->data, ngx_http_otp_module);
            return cleanup->data;
        }
    }

    return NULL;
}


static void ngx_http_otp_state_end(void *data)
{
    ngx_http_otp_state_t *state = data;

    ngx_http_otp_redis_cancel(state->batch);
    state->batch = NULL;
    state->waiters = NULL;
}


ngx_http_otp_state_t *ngx_http_otp_state_make(ngx_http_request_t *r)
{
    ngx_http_otp_state_t *state = ngx_http_otp_state_get(r);
    ngx_pool_cleanup_t   *mark;
    ngx_http_cleanup_t   *end;

    if (state != NULL) {
        return state;
    }

    state = ngx_pcalloc(r->main->pool, sizeof(ngx_http_otp_state_t));
    mark = ngx_pool_cleanup_add(r->main->pool, 0);
    end = ngx_http_cleanup_add(r->main, 0);
    if (state == NULL || mark == NULL || end == NULL) {
        return NULL;
    }

    state->main = r->main;
    mark->handler = ngx_http_otp_state_mark;
    mark->data = state;
    end->handler = ngx_http_otp_state_end;
    end->data = state;
    ngx_http_set_ctx(r->main, state, ngx_http_otp_module);

    return state;
}


ngx_int_t ngx_http_otp_wait(ngx_http_request_t *r)
{
    r->write_event_handler = ngx_http_request_empty_handler;
    if (r != r->main) {
        return NGX_OK;
    }

    r->read_event_handler = ngx_http_test_reading;
    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);
        return NGX_OK;
    }

    return ngx_handle_read_event(r->connection->read, 0);
}


static ngx_int_t ngx_http_otp_session_wait(ngx_http_request_t *r, ngx_http_otp_state_t *state)
{
    ngx_http_otp_waiter_t *waiter = ngx_palloc(r->main->pool, sizeof(ngx_http_otp_waiter_t));

    if (waiter == NULL || ngx_http_otp_wait(r) != NGX_OK) {
        return NGX_ERROR;
    }

    waiter->r = r;
    waiter->next = state->waiters;
    state->waiters = waiter;

    return NGX_AGAIN;
}


/* Through nginx's own queue: the first to go on may end the request, and the rest with it. */
static void ngx_http_otp_session_wake(ngx_http_otp_state_t *state)
{
    ngx_connection_t      *c = state->main->connection;
    ngx_http_otp_waiter_t *waiter = state->waiters;

    state->waiters = NULL;
    for ( ; waiter != NULL; waiter = waiter->next) {
        ngx_http_request_t *r = waiter->r;

        if (r == r->main) {
            r->read_event_handler = ngx_http_block_reading;
        }

        r->write_event_handler = ngx_http_core_run_phases;
        if (ngx_http_post_request(r, NULL) != NGX_OK) {
            ngx_http_finalize_request(r->main, NGX_ERROR);
            break;
        }
    }

    ngx_http_run_posted_requests(c);
}


/* The reply goes with its handler, the session stays: texts are copied before they are read. */
static const otp_reply_t *ngx_http_otp_session_keep(ngx_pool_t *pool, const otp_reply_t *reply)
{
    otp_reply_t *kept;
    char        *text;

    if (reply->kind != OTP_REPLY_ARRAY || reply->elements == 0) {
        return reply;
    }

    kept = ngx_palloc(pool, (reply->elements + 1) * sizeof(otp_reply_t));
    if (kept == NULL) {
        return NULL;
    }

    kept[0] = *reply;
    kept[0].element = &kept[1];
    for (size_t i = 0; i < reply->elements; i++) {
        kept[i + 1] = reply->element[i];
        if (reply->element[i].kind != OTP_REPLY_TEXT) {
            continue;
        }

        text = ngx_pnalloc(pool, reply->element[i].text.len + 1);
        if (text == NULL) {
            return NULL;
        }

        ngx_memcpy(text, reply->element[i].text.data, reply->element[i].text.len);
        kept[i + 1].text.data = text;
    }

    return kept;
}


static void ngx_http_otp_session_judge(ngx_http_otp_state_t *state, const otp_reply_t *reply)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_get_module_main_conf(state->main, ngx_http_otp_module);
    bool                      touch = false;

    switch (otp_session_found(omcf->ring, &state->lookup, reply, ngx_time(), &state->session, &touch)) {
    case OTP_FOUND:
        state->resolved = NGX_HTTP_OTP_FOUND;
        break;
    case OTP_ABSENT:
        state->resolved = NGX_HTTP_OTP_ABSENT;
        break;
    case OTP_UNREADABLE:
        state->resolved = NGX_HTTP_OTP_UNREADABLE;
        break;
    }

    if (touch && state->resolved == NGX_HTTP_OTP_FOUND) {
        otp_session_touch(&state->lookup, &state->session, ngx_time());
        (void) ngx_http_otp_redis_send(omcf->redis, &state->lookup.command, 1, NULL, NULL);
    }
}


static void ngx_http_otp_session_replied(void *data, const otp_reply_t *const *replies, size_t count)
{
    ngx_http_otp_state_t *state = data;
    const otp_reply_t    *reply = count == 1 ? ngx_http_otp_session_keep(state->main->pool, replies[0]) : NULL;

    state->batch = NULL;
    ngx_http_set_log_request(state->main->connection->log, state->main);
    ngx_http_otp_session_judge(state, reply);
    if (state->resolved == NGX_HTTP_OTP_UNREADABLE) {
        ngx_http_otp_metrics_redis_failure(state->main);
    }

    ngx_http_otp_session_wake(state);
}


/* The value of our cookie.  Two of them are none: which one was ours cannot be known. */
static ngx_int_t ngx_http_otp_session_cookie(ngx_http_request_t *r, otp_span_t *cookie)
{
    ngx_http_otp_loc_conf_t *olcf = ngx_http_get_module_loc_conf(r, ngx_http_otp_module);
    const otp_span_t        *header;
    ngx_uint_t               headers;
    size_t                   found = 0;

    if (ngx_http_otp_cookies(r, &header, &headers) != NGX_OK) {
        return NGX_ERROR;
    }

    for (ngx_uint_t i = 0; i < headers; i++) {
        found += otp_cookie_find(header[i], olcf->cookie->full[NGX_HTTP_OTP_COOKIE_SESSION], cookie, 1);
    }

    return found == 1 ? NGX_OK : NGX_DECLINED;
}


ngx_int_t ngx_http_otp_session_resolve(ngx_http_request_t *r, ngx_http_otp_state_t *state)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_get_module_main_conf(r, ngx_http_otp_module);
    otp_span_t                cookie;
    ngx_int_t                 rc;
    otp_status_t              status;

    if (state->resolved == NGX_HTTP_OTP_WAITING) {
        return ngx_http_otp_session_wait(r, state);
    }

    if (state->resolved != NGX_HTTP_OTP_UNRESOLVED) {
        return NGX_OK;
    }

    rc = ngx_http_otp_session_cookie(r, &cookie);
    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    status = rc == NGX_OK ? otp_session_lookup(omcf->ring, ngx_http_otp_redis_prefix(omcf->redis), cookie,
                                &state->lookup)
                          : OTP_INVALID;
    if (status != OTP_OK) {
        state->resolved = status == OTP_INVALID ? NGX_HTTP_OTP_ABSENT : NGX_HTTP_OTP_UNREADABLE;
        return NGX_OK;
    }

    state->batch = ngx_http_otp_redis_send(omcf->redis, &state->lookup.command, 1, ngx_http_otp_session_replied, state);
    if (state->batch == NULL) {
        state->resolved = NGX_HTTP_OTP_UNREADABLE;
        ngx_http_otp_metrics_redis_failure(r);
        return NGX_OK;
    }

    state->resolved = NGX_HTTP_OTP_WAITING;

    return ngx_http_otp_session_wait(r, state);
}
