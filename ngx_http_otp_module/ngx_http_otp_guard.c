/* Who passes: main requests in ACCESS, subrequests, for which nginx skips that phase, in PREACCESS. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

typedef struct {
    otp_guard_policy_t           policy;
    ngx_http_otp_guard_figure_t  figure;
    otp_guard_verdict_t          verdict;   /* when the figure is not UNAVAILABLE */
} ngx_http_otp_decision_t;


/* Forgets what a variable gave, and all others of its kind gave: a map may look at a map. */
static void ngx_http_otp_guard_forget_kind(ngx_http_request_t *r, const ngx_http_variable_t *asked)
{
    ngx_http_core_main_conf_t *cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    ngx_http_variable_t       *variable = cmcf->variables.elts;

    for (ngx_uint_t i = 0; i < cmcf->variables.nelts; i++) {
        if (variable[i].get_handler == asked->get_handler && !(variable[i].flags & NGX_HTTP_VAR_WEAK)) {
            r->variables[i].valid = 0;
            r->variables[i].not_found = 0;
        }
    }
}


/* nginx keeps what a `map` gave for the first URI of a request; after an internal redirect, and in a subrequest,
 * that would be another location's level.  Variables of `set` (the weak ones) hold what they were set to, and those
 * without data (captures, constants of the request) have nothing to be made of again. */
static void ngx_http_otp_guard_forget(ngx_http_request_t *r, const ngx_http_complex_value_t *text)
{
    ngx_http_core_main_conf_t *cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    ngx_http_variable_t       *variable = cmcf->variables.elts;

    if (text->flushes == NULL) {
        return;
    }

    for (ngx_uint_t *index = text->flushes; *index != (ngx_uint_t) -1; index++) {
        if (!(variable[*index].flags & NGX_HTTP_VAR_WEAK) && variable[*index].data != 0) {
            ngx_http_otp_guard_forget_kind(r, &variable[*index]);
        }
    }
}


static ngx_int_t ngx_http_otp_guard_policy(ngx_http_request_t *r, otp_guard_policy_t *policy)
{
    ngx_http_otp_loc_conf_t      *olcf = ngx_http_get_module_loc_conf(r, ngx_http_otp_module);
    const ngx_http_otp_require_t *require = olcf->require;
    ngx_str_t                     text;

    policy->level = require->level;
    policy->max_age_s = require->max_age_s;
    policy->emergency = require->emergency;
    policy->allow = *olcf->allow;
    if (require->text == NULL) {
        return NGX_OK;
    }

    ngx_http_otp_guard_forget(r, require->text);
    if (ngx_http_complex_value(r, require->text, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    policy->level = otp_guard_level(ngx_http_otp_span(text));

    return NGX_OK;
}


static ngx_http_otp_guard_figure_t ngx_http_otp_guard_figure(otp_guard_verdict_t verdict)
{
    switch (verdict) {
    case OTP_GUARD_PASS:
        return NGX_HTTP_OTP_GUARD_PASS;
    case OTP_GUARD_LOGIN:
        return NGX_HTTP_OTP_GUARD_LOGIN;
    case OTP_GUARD_PASSCODE:
        return NGX_HTTP_OTP_GUARD_PASSCODE;
    case OTP_GUARD_FORBIDDEN:
        return NGX_HTTP_OTP_GUARD_FORBIDDEN;
    }

    return NGX_HTTP_OTP_GUARD_UNAVAILABLE;
}


/* NGX_OK: `*session` is whose request this is, NULL for nobody's.  NGX_AGAIN: later.  NGX_ERROR: it cannot be known. */
static ngx_int_t ngx_http_otp_guard_session(ngx_http_request_t *r, const otp_session_t **session)
{
    ngx_http_otp_state_t *state = ngx_http_otp_state_make(r);
    ngx_int_t             rc = state != NULL ? ngx_http_otp_session_resolve(r, state) : NGX_ERROR;

    *session = NULL;
    if (rc != NGX_OK) {
        return rc;
    }

    if (state->resolved == NGX_HTTP_OTP_FOUND) {
        *session = &state->session;
        return NGX_OK;
    }

    return state->resolved == NGX_HTTP_OTP_ABSENT ? NGX_OK : NGX_ERROR;
}


/* NGX_OK: `decision` is taken, and the identity set if it was to pass.  NGX_DECLINED: nothing to guard here.
 * NGX_AGAIN: later. */
static ngx_int_t ngx_http_otp_guard_decide(ngx_http_request_t *r, ngx_http_otp_decision_t *decision)
{
    ngx_http_otp_loc_conf_t *olcf = ngx_http_get_module_loc_conf(r, ngx_http_otp_module);
    const otp_session_t     *session;
    ngx_int_t                rc;

    decision->figure = NGX_HTTP_OTP_GUARD_UNAVAILABLE;
    if (ngx_http_otp_guard_policy(r, &decision->policy) != NGX_OK) {
        return NGX_OK;
    }

    if (decision->policy.level == OTP_LEVEL_OFF && olcf->identity != 1) {
        return NGX_DECLINED;
    }

    rc = ngx_http_otp_guard_session(r, &session);
    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    /* A public page that only wants to know who comes does not depend on the answer. */
    if (decision->policy.level == OTP_LEVEL_OFF) {
        return session == NULL || ngx_http_otp_identity_set(r, session) == NGX_OK ? NGX_DECLINED : NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_OK;
    }

    decision->verdict = otp_guard_decide(&decision->policy, session, ngx_time());
    decision->figure = ngx_http_otp_guard_figure(decision->verdict);
    if (decision->verdict == OTP_GUARD_PASS && olcf->identity != 0 && ngx_http_otp_identity_set(r, session) != NGX_OK) {
        decision->figure = NGX_HTTP_OTP_GUARD_UNAVAILABLE;
    }

    return NGX_OK;
}


static otp_span_t ngx_http_otp_guard_verdict(const ngx_http_otp_decision_t *decision)
{
    switch (decision->figure) {
    case NGX_HTTP_OTP_GUARD_PASS:
        return OTP_SPAN("ok");
    case NGX_HTTP_OTP_GUARD_LOGIN:
        return OTP_SPAN("login_required");
    case NGX_HTTP_OTP_GUARD_PASSCODE:
        return OTP_SPAN("otp_required");
    case NGX_HTTP_OTP_GUARD_FORBIDDEN:
        return OTP_SPAN("forbidden");
    case NGX_HTTP_OTP_GUARD_UNAVAILABLE:
        break;
    }

    return OTP_SPAN("unavailable");
}


static void ngx_http_otp_guard_tell(ngx_http_request_t *r, const ngx_http_otp_decision_t *decision)
{
    ngx_http_otp_state_t *state = ngx_http_otp_state_get(r);
    bool                  known = state != NULL && state->resolved == NGX_HTTP_OTP_FOUND;

    ngx_http_otp_metrics_guard(r, decision->figure);
    if (decision->figure != NGX_HTTP_OTP_GUARD_PASS) {
        ngx_http_otp_audit_guard(r, ngx_http_otp_guard_verdict(decision), known ? &state->session : NULL);
    }
}


/* The status alone, where another module or the parent request makes the answer. */
static ngx_int_t ngx_http_otp_guard_status(ngx_http_otp_guard_figure_t figure)
{
    switch (figure) {
    case NGX_HTTP_OTP_GUARD_PASS:
        return NGX_OK;
    case NGX_HTTP_OTP_GUARD_LOGIN:
    case NGX_HTTP_OTP_GUARD_PASSCODE:
        return NGX_HTTP_UNAUTHORIZED;
    case NGX_HTTP_OTP_GUARD_FORBIDDEN:
        return NGX_HTTP_FORBIDDEN;
    case NGX_HTTP_OTP_GUARD_UNAVAILABLE:
        break;
    }

    return NGX_HTTP_SERVICE_UNAVAILABLE;
}


/* The address asked for, as the portal gets it: absolute where the portal may be on another host. */
static ngx_int_t ngx_http_otp_guard_asked(ngx_http_request_t *r, otp_span_t portal, otp_span_t *asked)
{
    const char *scheme = "http";
    ngx_str_t   host = r->headers_in.host != NULL ? r->headers_in.host->value : r->headers_in.server;
    u_char     *p;

    *asked = ngx_http_otp_span(r->unparsed_uri);
    if (portal.data[0] == '/') {
        return NGX_OK;
    }

#if (NGX_HTTP_SSL)
    if (r->connection->ssl != NULL) {
        scheme = "https";
    }
#endif

    asked->len += host.len + sizeof("https://") - 1;
    p = ngx_pnalloc(r->pool, asked->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    asked->data = (char *) p;
    asked->len = (size_t) (ngx_snprintf(p, asked->len, "%s://%V%V", scheme, &host, &r->unparsed_uri) - p);

    return NGX_OK;
}


/* The portal's page for this verdict.  An address too long to come back to is left out. */
static ngx_int_t ngx_http_otp_guard_where(ngx_http_request_t *r, otp_guard_verdict_t verdict, otp_span_t *location)
{
    ngx_http_otp_loc_conf_t *olcf = ngx_http_get_module_loc_conf(r, ngx_http_otp_module);
    otp_span_t               asked;
    size_t                   size;
    char                    *text;

    if (ngx_http_otp_guard_asked(r, olcf->portal_url, &asked) != NGX_OK) {
        return NGX_ERROR;
    }

    if (asked.len > OTP_RETURN_ADDRESS_MAX) {
        asked = OTP_SPAN_NONE;
    }

    size = olcf->portal_url.len + 3 * asked.len + sizeof("passcode?rd=");
    text = ngx_pnalloc(r->pool, size);
    if (text == NULL
        || otp_guard_location(verdict, olcf->portal_url, asked, text, size, &location->len) != OTP_OK)
    {
        return NGX_ERROR;
    }

    location->data = text;

    return NGX_OK;
}


static ngx_int_t ngx_http_otp_guard_answer(ngx_http_request_t *r, const ngx_http_otp_decision_t *decision,
    otp_answer_t *answer)
{
    otp_span_t location = OTP_SPAN_NONE;
    size_t     size;
    char      *json;

    if (decision->figure == NGX_HTTP_OTP_GUARD_FORBIDDEN || decision->figure == NGX_HTTP_OTP_GUARD_UNAVAILABLE) {
        ngx_http_otp_answer_error(r, (int) ngx_http_otp_guard_status(decision->figure), answer);
        return NGX_OK;
    }

    if (ngx_http_otp_guard_where(r, decision->verdict, &location) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_otp_answer_header(answer, OTP_SPAN("Cache-Control"), OTP_SPAN("no-store"));
    if (ngx_http_otp_answer_navigation(r)) {
        answer->status = NGX_HTTP_MOVED_TEMPORARILY;
        ngx_http_otp_answer_header(answer, OTP_SPAN("Location"), location);
        return NGX_OK;
    }

    size = location.len + 64;
    json = ngx_pnalloc(r->pool, size);
    if (json == NULL || otp_guard_json(decision->verdict, location, json, size, &answer->body.len) != OTP_OK) {
        return NGX_ERROR;
    }

    answer->body.data = json;
    answer->status = NGX_HTTP_UNAUTHORIZED;
    ngx_http_otp_answer_header(answer, OTP_SPAN("Content-Type"), OTP_SPAN("application/json"));

    return NGX_OK;
}


static ngx_int_t ngx_http_otp_guard_refuse(ngx_http_request_t *r, const ngx_http_otp_decision_t *decision)
{
    otp_answer_t answer;
    ngx_int_t    rc;

    ngx_memzero(&answer, sizeof(answer));
    if (ngx_http_otp_guard_answer(r, decision, &answer) != NGX_OK) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    /* Reached through error_page, the answer is the guard's all the same. */
    r->err_status = 0;

    rc = ngx_http_discard_request_body(r);
    if (rc == NGX_OK) {
        rc = ngx_http_otp_answer_send(r, &answer);
    }

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


ngx_int_t ngx_http_otp_guard_access(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t *clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    ngx_http_otp_decision_t   decision;
    ngx_int_t                 rc = ngx_http_otp_guard_decide(r, &decision);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_otp_guard_tell(r, &decision);
    if (decision.figure == NGX_HTTP_OTP_GUARD_PASS) {
        return NGX_OK;
    }

    /* With `satisfy any` the others have a say; an answer of ours would silence them. */
    if (clcf->satisfy == NGX_HTTP_SATISFY_ANY) {
        return ngx_http_otp_guard_status(decision.figure);
    }

    return ngx_http_otp_guard_refuse(r, &decision);
}


ngx_int_t ngx_http_otp_guard_preaccess(ngx_http_request_t *r)
{
    ngx_http_otp_loc_conf_t *olcf = ngx_http_get_module_loc_conf(r, ngx_http_otp_module);
    ngx_http_otp_decision_t  decision;
    ngx_int_t                rc;

    if (olcf->identity != 0 && !olcf->portal && ngx_http_otp_identity_strip(r, olcf) != NGX_OK) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (r == r->main) {
        return NGX_DECLINED;
    }

    rc = ngx_http_otp_guard_decide(r, &decision);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_otp_guard_tell(r, &decision);

    /* NGX_OK would skip the rest of this phase, limit_req among it. */
    return decision.figure == NGX_HTTP_OTP_GUARD_PASS ? NGX_DECLINED : ngx_http_otp_guard_status(decision.figure);
}
