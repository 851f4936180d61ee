/* What the application is told about the person, and what a client cannot tell it. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#define NGX_HTTP_OTP_IDENTITY  7

static const otp_span_t  ngx_http_otp_identity_names[NGX_HTTP_OTP_IDENTITY] = {
    { "remote-user", 11 }, { "remote-name", 11 }, { "remote-email", 12 }, { "remote-groups", 13 },
    { "x-otp-level", 11 }, { "x-otp-method", 12 }, { "x-otp-time", 10 },
};

/* As the contract writes them. */
static const char *const  ngx_http_otp_identity_keys[NGX_HTTP_OTP_IDENTITY] = {
    "Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "X-Otp-Level", "X-Otp-Method", "X-Otp-Time",
};


/* Applications read headers through CGI names, where '-', and for some '.' and whatever else is no letter or
 * digit, becomes '_': all of these are one name. */
static bool ngx_http_otp_identity_named(const ngx_str_t *key, otp_span_t name)
{
    if (key->len != name.len) {
        return false;
    }

    for (size_t i = 0; i < name.len; i++) {
        u_char c = ngx_tolower(key->data[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) {
            c = '-';
        }

        if (c != (u_char) name.data[i]) {
            return false;
        }
    }

    return true;
}


static bool ngx_http_otp_identity_forged(const ngx_table_elt_t *header, void *data)
{
    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_IDENTITY; i++) {
        if (ngx_http_otp_identity_named(&header->key, ngx_http_otp_identity_names[i])) {
            return true;
        }
    }

    return false;
}


ngx_int_t ngx_http_otp_identity_strip(ngx_http_request_t *r, ngx_http_otp_loc_conf_t *olcf)
{
    if (ngx_http_otp_headers_edit(r, ngx_http_otp_identity_forged, NULL, NULL, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_otp_cookies_strip(r, olcf->cookie);
}


/* Without control characters: ASCII's, and those Unicode has besides (U+0080 to U+009F, C2 80 to C2 9F). */
static ngx_int_t ngx_http_otp_identity_value(ngx_pool_t *pool, otp_span_t text, ngx_str_t *value)
{
    value->len = 0;
    value->data = ngx_pnalloc(pool, text.len + 1);
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    for (size_t i = 0; i < text.len; i++) {
        u_char c = (u_char) text.data[i];

        if (c == 0xc2 && i + 1 < text.len && (u_char) text.data[i + 1] >= 0x80 && (u_char) text.data[i + 1] <= 0x9f) {
            i++;
            continue;
        }

        if (c >= 0x20 && c != 0x7f) {
            value->data[value->len++] = c;
        }
    }

    value->data[value->len] = '\0';

    return NGX_OK;
}


ngx_int_t ngx_http_otp_identity_set(ngx_http_request_t *r, const otp_session_t *session)
{
    char             time[NGX_INT64_LEN + 1];
    int64_t          when = session->otp_time != 0 ? session->otp_time : session->auth_time;
    size_t           digits = (size_t) (ngx_snprintf((u_char *) time, sizeof(time), "%L", when) - (u_char *) time);
    otp_span_t       text[NGX_HTTP_OTP_IDENTITY] = {
        session->person.uid, session->person.name, session->person.email, session->person.groups,
        otp_span_of(otp_level_name(session->level)), otp_span_of(otp_auth_name(session->method)), { time, digits },
    };
    ngx_table_elt_t *header = ngx_pcalloc(r->pool, NGX_HTTP_OTP_IDENTITY * sizeof(ngx_table_elt_t));
    ngx_uint_t       n = 0;

    if (header == NULL) {
        return NGX_ERROR;
    }

    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_IDENTITY; i++) {
        if (ngx_http_otp_identity_value(r->pool, text[i], &header[n].value) != NGX_OK) {
            return NGX_ERROR;
        }

        if (header[n].value.len == 0) {
            continue;
        }

        header[n].key = ngx_http_otp_str(otp_span_of(ngx_http_otp_identity_keys[i]));
        header[n].lowcase_key = (u_char *) ngx_http_otp_identity_names[i].data;
        header[n].hash = ngx_hash_key(header[n].lowcase_key, header[n].key.len);
        n++;
    }

    /* Where PREACCESS did not strip (otp_identity is on for a location an internal redirect left), it is done here. */
    return ngx_http_otp_headers_edit(r, ngx_http_otp_identity_forged, NULL, header, n);
}
