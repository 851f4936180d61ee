/* Whose request this is: found out once, kept for subrequests and internal redirects. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

/* What a cookie's session is known by. */
typedef struct {
    otp_siphash_t  tag;                         /* in the worker's cache, when there is one */
    uint8_t        digest[OTP_DIGEST_LEN];      /* everywhere; made only if the tag is not known */
} ngx_http_otp_name_t;

struct ngx_http_otp_read_s {
    ngx_http_otp_name_t       name;
    otp_session_lookup_t      lookup;
    otp_session_cache_mark_t  mark;             /* when cached is MISS */
};


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


ngx_http_otp_state_t *ngx_http_otp_state_make(ngx_http_request_t *r)
{
    ngx_http_otp_state_t *state = ngx_http_otp_state_get(r);
    ngx_pool_cleanup_t   *mark;

    if (state != NULL) {
        return state;
    }

    mark = ngx_pool_cleanup_add(r->main->pool, sizeof(ngx_http_otp_state_t));
    if (mark == NULL) {
        return NULL;
    }

    state = mark->data;
    ngx_memzero(state, sizeof(ngx_http_otp_state_t));
    state->main = r->main;
    mark->handler = ngx_http_otp_state_mark;
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


/* Copies `session`, whose texts go with the reply or with the cache's slot. */
static ngx_int_t ngx_http_otp_session_keep(ngx_http_otp_state_t *state, const otp_session_t *session)
{
    char *text = ngx_pnalloc(state->main->pool, otp_session_text_size(session));

    if (text == NULL) {
        return NGX_ERROR;
    }

    otp_session_copy(session, text, &state->session);

    return NGX_OK;
}


/* In what Redis said there is a session.  With its mark written anew it is fresh for another while. */
static ngx_http_otp_resolved_t ngx_http_otp_session_found(ngx_http_otp_state_t *state, const otp_session_t *session,
    int64_t fresh_until_s)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_get_module_main_conf(state->main, ngx_http_otp_module);
    ngx_http_otp_read_t      *read = state->read;
    otp_session_cache_t      *cache = NULL;

    if (state->cached == NGX_HTTP_OTP_CACHE_MISS) {
        cache = ngx_http_otp_cache_sessions(omcf->cache);
    }

    if (ngx_http_otp_session_keep(state, session) != NGX_OK) {
        return NGX_HTTP_OTP_UNREADABLE;
    }

    if (ngx_time() >= fresh_until_s) {
        otp_session_touch(&read->lookup, session, ngx_time());
        (void) ngx_http_otp_redis_send(omcf->redis, &read->lookup.command, 1, NULL, NULL);
        fresh_until_s = otp_session_fresh_until(session, ngx_time());
    }

    if (cache != NULL && otp_session_cache_put(cache, read->name.digest, read->mark, session, fresh_until_s)) {
        otp_session_cache_point(cache, read->name.digest, read->name.tag);
    }

    return NGX_HTTP_OTP_FOUND;
}


static ngx_http_otp_resolved_t ngx_http_otp_session_judge(ngx_http_otp_state_t *state, const otp_reply_t *reply)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_get_module_main_conf(state->main, ngx_http_otp_module);
    otp_session_t             session;
    int64_t                   fresh_until_s;

    switch (otp_session_found(omcf->ring, &state->read->lookup, reply, ngx_time(), &session, &fresh_until_s)) {
    case OTP_FOUND:
        return ngx_http_otp_session_found(state, &session, fresh_until_s);
    case OTP_ABSENT:
        return NGX_HTTP_OTP_ABSENT;
    case OTP_UNREADABLE:
        break;
    }

    return NGX_HTTP_OTP_UNREADABLE;
}


static void ngx_http_otp_session_replied(void *data, const otp_reply_t *const *replies, size_t count)
{
    ngx_http_otp_state_t *state = data;

    state->batch = NULL;
    ngx_http_set_log_request(state->main->connection->log, state->main);
    state->resolved = ngx_http_otp_session_judge(state, count == 1 ? replies[0] : NULL);
    if (state->resolved == NGX_HTTP_OTP_UNREADABLE) {
        ngx_http_otp_metrics_redis_failure(state->main);
    }

    ngx_http_otp_session_wake(state);
}


/* NGX_OK: `*size` is what it takes to copy the session out of the cache; 0: it must be read, and `name` is complete. */
static ngx_int_t ngx_http_otp_session_find(otp_keyring_t *ring, otp_session_cache_t *cache, otp_span_t cookie,
    ngx_http_otp_name_t *name, size_t *size)
{
    *size = 0;
    if (cache != NULL) {
        name->tag = otp_session_cache_tag(cache, cookie);
        *size = otp_session_cache_find_tag(cache, name->tag, ngx_time());
    }

    if (*size != 0) {
        return NGX_OK;
    }

    if (otp_keyring_sha256(ring, cookie, name->digest) != OTP_OK) {
        return NGX_ERROR;
    }

    if (cache != NULL) {
        *size = otp_session_cache_find(cache, name->digest, ngx_time());
    }

    if (*size != 0) {
        otp_session_cache_point(cache, name->digest, name->tag);
    }

    return NGX_OK;
}


static ngx_int_t ngx_http_otp_session_copy(ngx_http_otp_state_t *state, const otp_session_cache_t *cache, size_t size)
{
    char *text = ngx_pnalloc(state->main->pool, size);

    if (text == NULL) {
        return NGX_ERROR;
    }

    otp_session_cache_read(cache, text, &state->session);
    state->cached = NGX_HTTP_OTP_CACHE_HIT;
    state->resolved = NGX_HTTP_OTP_FOUND;

    return NGX_OK;
}


/* The request ends before its reply is there. */
static void ngx_http_otp_session_leave(void *data)
{
    ngx_http_otp_state_t *state = data;

    ngx_http_otp_redis_cancel(state->batch);
    state->batch = NULL;
    state->waiters = NULL;
}


static ngx_int_t ngx_http_otp_session_read(ngx_http_request_t *r, ngx_http_otp_state_t *state,
    const otp_session_cache_t *cache, const ngx_http_otp_name_t *name)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_get_module_main_conf(r, ngx_http_otp_module);
    ngx_http_otp_read_t      *read = ngx_palloc(r->main->pool, sizeof(ngx_http_otp_read_t));
    ngx_http_cleanup_t       *leave = ngx_http_cleanup_add(r->main, 0);

    if (read == NULL || leave == NULL) {
        return NGX_ERROR;
    }

    leave->handler = ngx_http_otp_session_leave;
    leave->data = state;
    read->name = *name;
    otp_session_lookup(ngx_http_otp_redis_prefix(omcf->redis), name->digest, &read->lookup);
    if (cache != NULL) {
        read->mark = otp_session_cache_mark(cache, name->digest);
    }

    state->read = read;
    state->batch = ngx_http_otp_redis_send(omcf->redis, &read->lookup.command, 1, ngx_http_otp_session_replied, state);
    if (state->batch == NULL) {
        state->resolved = NGX_HTTP_OTP_UNREADABLE;
        ngx_http_otp_metrics_redis_failure(r);
        return NGX_OK;
    }

    state->resolved = NGX_HTTP_OTP_WAITING;

    return ngx_http_otp_session_wait(r, state);
}


static ngx_int_t ngx_http_otp_session_look(ngx_http_request_t *r, ngx_http_otp_state_t *state, otp_span_t cookie)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_get_module_main_conf(r, ngx_http_otp_module);
    otp_session_cache_t      *cache = ngx_http_otp_cache_sessions(omcf->cache);
    ngx_http_otp_name_t       name;
    size_t                    size;
    ngx_int_t                 rc;

    state->cached = cache != NULL ? NGX_HTTP_OTP_CACHE_MISS : NGX_HTTP_OTP_CACHE_BYPASS;
    rc = ngx_http_otp_session_find(omcf->ring, cache, cookie, &name, &size);
    if (rc == NGX_OK && size != 0) {
        rc = ngx_http_otp_session_copy(state, cache, size);
    }

    ngx_http_otp_metrics_cache(r, state->cached);
    if (rc != NGX_OK || size != 0) {
        return rc;
    }

    /* What is in the cache had the form of a cookie when it was read. */
    if (!otp_session_cookie_valid(cookie)) {
        state->resolved = NGX_HTTP_OTP_ABSENT;
        return NGX_OK;
    }

    return ngx_http_otp_session_read(r, state, cache, &name);
}


ngx_int_t ngx_http_otp_session_resolve(ngx_http_request_t *r, ngx_http_otp_state_t *state)
{
    otp_span_t cookie;
    ngx_int_t  rc;

    if (state->resolved == NGX_HTTP_OTP_WAITING) {
        return ngx_http_otp_session_wait(r, state);
    }

    if (state->resolved != NGX_HTTP_OTP_UNRESOLVED) {
        return NGX_OK;
    }

    rc = ngx_http_otp_cookies_session(r, &cookie);
    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK || cookie.len != OTP_COOKIE_LEN) {
        state->resolved = NGX_HTTP_OTP_ABSENT;
        return NGX_OK;
    }

    return ngx_http_otp_session_look(r, state, cookie);
}
