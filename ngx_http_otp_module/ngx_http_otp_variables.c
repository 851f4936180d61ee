#include "ngx_http_otp_module/ngx_http_otp_module.h"

typedef enum {
    NGX_HTTP_OTP_VAR_USER, NGX_HTTP_OTP_VAR_LEVEL, NGX_HTTP_OTP_VAR_METHOD, NGX_HTTP_OTP_VAR_NAME,
    NGX_HTTP_OTP_VAR_EMAIL, NGX_HTTP_OTP_VAR_GROUPS, NGX_HTTP_OTP_VAR_AUTH_TIME, NGX_HTTP_OTP_VAR_SESSION_ID
} ngx_http_otp_variable_t;


static otp_span_t ngx_http_otp_variable_auth_time(ngx_http_request_t *r, const otp_session_t *session)
{
    u_char *p = ngx_pnalloc(r->pool, NGX_INT64_LEN);

    if (p == NULL) {
        return OTP_SPAN_NONE;
    }

    return (otp_span_t) { (char *) p, (size_t) (ngx_sprintf(p, "%L", session->auth_time) - p) };
}


static otp_span_t ngx_http_otp_variable_text(ngx_http_request_t *r, const otp_session_t *session,
    ngx_http_otp_variable_t which)
{
    switch (which) {
    case NGX_HTTP_OTP_VAR_USER:
        return session->person.uid;
    case NGX_HTTP_OTP_VAR_LEVEL:
        return otp_span_of(otp_level_name(session->level));
    case NGX_HTTP_OTP_VAR_METHOD:
        return otp_span_of(otp_auth_name(session->method));
    case NGX_HTTP_OTP_VAR_NAME:
        return session->person.name;
    case NGX_HTTP_OTP_VAR_EMAIL:
        return session->person.email;
    case NGX_HTTP_OTP_VAR_GROUPS:
        return session->person.groups;
    case NGX_HTTP_OTP_VAR_AUTH_TIME:
        return ngx_http_otp_variable_auth_time(r, session);
    case NGX_HTTP_OTP_VAR_SESSION_ID:
        break;
    }

    return session->id;
}


static ngx_int_t ngx_http_otp_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_otp_state_t *state = ngx_http_otp_state_get(r);
    otp_span_t            text;

    v->not_found = 1;
    if (state == NULL || state->resolved != NGX_HTTP_OTP_FOUND) {
        return NGX_OK;
    }

    text = ngx_http_otp_variable_text(r, &state->session, (ngx_http_otp_variable_t) data);
    if (text.data == NULL) {
        return NGX_OK;
    }

    v->data = (u_char *) text.data;
    v->len = (unsigned) text.len & 0xfffffff;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* Empty for who has no cookie of ours, and where nobody asked. */
static ngx_int_t ngx_http_otp_variable_cache(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    static const ngx_str_t      results[] = {
        ngx_null_string, ngx_string("HIT"), ngx_string("MISS"), ngx_string("BYPASS")
    };
    const ngx_http_otp_state_t *state = ngx_http_otp_state_get(r);
    const ngx_str_t            *result = &results[state != NULL ? state->cached : NGX_HTTP_OTP_CACHE_UNASKED];

    v->data = result->data;
    v->len = (unsigned) result->len & 0xfffffff;
    v->valid = result->len != 0;
    v->not_found = result->len == 0;

    return NGX_OK;
}


/* Not cacheable: what is asked before the session is known would stay empty. */
static ngx_http_variable_t  ngx_http_otp_variables[] = {
    { ngx_string("otp_user"), NULL, ngx_http_otp_variable, NGX_HTTP_OTP_VAR_USER, NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("otp_level"), NULL, ngx_http_otp_variable, NGX_HTTP_OTP_VAR_LEVEL, NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("otp_method"), NULL, ngx_http_otp_variable, NGX_HTTP_OTP_VAR_METHOD, NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("otp_name"), NULL, ngx_http_otp_variable, NGX_HTTP_OTP_VAR_NAME, NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("otp_email"), NULL, ngx_http_otp_variable, NGX_HTTP_OTP_VAR_EMAIL, NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("otp_groups"), NULL, ngx_http_otp_variable, NGX_HTTP_OTP_VAR_GROUPS, NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("otp_auth_time"), NULL, ngx_http_otp_variable, NGX_HTTP_OTP_VAR_AUTH_TIME,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("otp_session_id"), NULL, ngx_http_otp_variable, NGX_HTTP_OTP_VAR_SESSION_ID,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("otp_session_cache"), NULL, ngx_http_otp_variable_cache, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },
};


ngx_int_t ngx_http_otp_variables_add(ngx_conf_t *cf)
{
    for (size_t i = 0; i < sizeof(ngx_http_otp_variables) / sizeof(ngx_http_otp_variables[0]); i++) {
        ngx_http_variable_t *model = &ngx_http_otp_variables[i];
        ngx_http_variable_t *variable = ngx_http_add_variable(cf, &model->name, model->flags);

        if (variable == NULL) {
            return NGX_ERROR;
        }

        variable->get_handler = model->get_handler;
        variable->data = model->data;
    }

    return NGX_OK;
}
