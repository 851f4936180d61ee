/* What the application is told about the person, and what a client cannot tell it. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#include "core/base/otp_buffer.h"

#define NGX_HTTP_OTP_IDENTITY  7

/* Names as the contract writes them, and in lower case; the hashes are filled in at the start. */
static ngx_table_elt_t  ngx_http_otp_identity_header[NGX_HTTP_OTP_IDENTITY] = {
    { .key = ngx_string("Remote-User"), .lowcase_key = (u_char *) "remote-user" },
    { .key = ngx_string("Remote-Name"), .lowcase_key = (u_char *) "remote-name" },
    { .key = ngx_string("Remote-Email"), .lowcase_key = (u_char *) "remote-email" },
    { .key = ngx_string("Remote-Groups"), .lowcase_key = (u_char *) "remote-groups" },
    { .key = ngx_string("X-Otp-Level"), .lowcase_key = (u_char *) "x-otp-level" },
    { .key = ngx_string("X-Otp-Method"), .lowcase_key = (u_char *) "x-otp-method" },
    { .key = ngx_string("X-Otp-Time"), .lowcase_key = (u_char *) "x-otp-time" },
};

#define NGX_HTTP_OTP_IDENTITY_SHORTEST  (sizeof("X-Otp-Time") - 1)
#define NGX_HTTP_OTP_IDENTITY_LONGEST   (sizeof("Remote-Groups") - 1)


void ngx_http_otp_identity_init(void)
{
    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_IDENTITY; i++) {
        ngx_table_elt_t *header = &ngx_http_otp_identity_header[i];

        header->hash = ngx_hash_key(header->lowcase_key, header->key.len);
    }
}


/* Applications read headers through CGI names, where '-', and for some '.' and whatever else is no letter or
 * digit, becomes '_': all of these are one name. */
static bool ngx_http_otp_identity_named(const ngx_str_t *key, const ngx_table_elt_t *header)
{
    if (key->len != header->key.len) {
        return false;
    }

    for (size_t i = 0; i < key->len; i++) {
        u_char c = ngx_tolower(key->data[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) {
            c = '-';
        }

        if (c != header->lowcase_key[i]) {
            return false;
        }
    }

    return true;
}


static bool ngx_http_otp_identity_among(const ngx_str_t *key)
{
    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_IDENTITY; i++) {
        if (ngx_http_otp_identity_named(key, &ngx_http_otp_identity_header[i])) {
            return true;
        }
    }

    return false;
}


/* Most headers are none of them by their length or by their first letter. */
static ngx_inline bool ngx_http_otp_identity_forged(const ngx_table_elt_t *header)
{
    return header->key.len - NGX_HTTP_OTP_IDENTITY_SHORTEST
               <= NGX_HTTP_OTP_IDENTITY_LONGEST - NGX_HTTP_OTP_IDENTITY_SHORTEST
           && ((header->key.data[0] | 0x20) == 'r' || (header->key.data[0] | 0x20) == 'x')
           && ngx_http_otp_identity_among(&header->key);
}


static bool ngx_http_otp_identity_any_forged(const ngx_list_part_t *part)
{
    for ( ; part != NULL; part = part->next) {
        const ngx_table_elt_t *header = part->elts;

        for (ngx_uint_t i = 0; i < part->nelts; i++) {
            if (ngx_http_otp_identity_forged(&header[i])) {
                return true;
            }
        }
    }

    return false;
}


ngx_int_t ngx_http_otp_identity_strip(ngx_http_request_t *r, ngx_http_otp_loc_conf_t *olcf)
{
    if (ngx_http_otp_identity_any_forged(&r->headers_in.headers.part)
        && ngx_http_otp_headers_edit(r, ngx_http_otp_identity_forged, NULL, 0) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_otp_cookies_strip(r, olcf->cookie);
}


/* A session's texts have no control characters, end with NUL and stay as long as the request: they are not copied. */
ngx_int_t ngx_http_otp_identity_set(ngx_http_request_t *r, const otp_session_t *session)
{
    ngx_table_elt_t *header = ngx_palloc(r->pool,
                                         NGX_HTTP_OTP_IDENTITY * sizeof(ngx_table_elt_t) + NGX_INT64_LEN + 1);
    int64_t          when = session->otp_time != 0 ? session->otp_time : session->auth_time;
    ngx_uint_t       n = 0, forged;
    otp_buffer_t     time;
    otp_span_t       value[NGX_HTTP_OTP_IDENTITY];

    if (header == NULL) {
        return NGX_ERROR;
    }

    otp_buffer_init(&time, (char *) &header[NGX_HTTP_OTP_IDENTITY], NGX_INT64_LEN + 1);
    otp_buffer_add_number(&time, when);
    otp_buffer_add_char(&time, '\0');

    value[0] = session->person.uid;
    value[1] = session->person.name;
    value[2] = session->person.email;
    value[3] = session->person.groups;
    value[4] = otp_span_of(otp_level_name(session->level));
    value[5] = otp_span_of(otp_auth_name(session->method));
    value[6] = (otp_span_t) { time.data, time.len - 1 };

    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_IDENTITY; i++) {
        if (value[i].len != 0) {
            header[n] = ngx_http_otp_identity_header[i];
            header[n++].value = ngx_http_otp_str(value[i]);
        }
    }

    /* A module that ended the PREACCESS phase early has kept what is stripped there. */
    forged = ngx_http_otp_identity_any_forged(&r->headers_in.headers.part);

    return ngx_http_otp_headers_edit(r, forged ? ngx_http_otp_identity_forged : NULL, header, n);
}
