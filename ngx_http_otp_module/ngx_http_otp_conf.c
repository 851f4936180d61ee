/* Directives about the guard: who may go where. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#define NGX_HTTP_OTP_YEAR  (366 * 86400)


char *ngx_http_otp_conf_keyring(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_main_conf_t *omcf = conf;
    ngx_str_t                *value = cf->args->elts;

    if (omcf->ring != NULL) {
        return "is duplicate";
    }

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    omcf->ring = ngx_http_otp_files_keyring(cf, &value[1]);

    return omcf->ring == NULL ? NGX_CONF_ERROR : NGX_CONF_OK;
}


static ngx_int_t ngx_http_otp_conf_level(ngx_conf_t *cf, ngx_str_t *text, ngx_http_otp_require_t *require)
{
    ngx_http_compile_complex_value_t ccv;

    if (ngx_http_script_variables_count(text) != 0) {
        require->text = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
        if (require->text == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(&ccv, sizeof(ccv));
        ccv.cf = cf;
        ccv.value = text;
        ccv.complex_value = require->text;

        return ngx_http_compile_complex_value(&ccv);
    }

    require->level = otp_guard_level(ngx_http_otp_span(*text));

    /* For otp_guard_level() whatever it does not know is the highest level: right at run time, here it is a slip. */
    if (require->level == OTP_LEVEL_OTP && !otp_span_equal(ngx_http_otp_span(*text), OTP_SPAN("otp"))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "unknown level \"%V\": say \"off\", \"password\", \"otp\" or a "
            "variable", text);
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *ngx_http_otp_conf_require(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    static const ngx_http_otp_param_t params[] = {
        { ngx_string("max_age"), NGX_HTTP_OTP_TIME, offsetof(ngx_http_otp_require_t, max_age_s), 1, NGX_HTTP_OTP_YEAR },
        { ngx_string("emergency"), NGX_HTTP_OTP_FLAG, offsetof(ngx_http_otp_require_t, emergency), 0, 0 },
    };
    ngx_http_otp_loc_conf_t *olcf = conf;
    ngx_str_t               *value = cf->args->elts;
    ngx_http_otp_require_t  *require;

    if (olcf->require != NULL) {
        return "is duplicate";
    }

    if (olcf->portal != NGX_CONF_UNSET) {
        return "cannot stand beside \"otp_portal\": the portal is where people sign in";
    }

    require = ngx_pcalloc(cf->pool, sizeof(ngx_http_otp_require_t));
    if (require == NULL || ngx_http_otp_conf_level(cf, &value[1], require) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    require->emergency = true;
    olcf->require = require;
    if (require->text != NULL || require->level != OTP_LEVEL_OFF) {
        ngx_http_otp_conf_need(cf);
    }

    return ngx_http_otp_conf_params(cf, 2, params, sizeof(params) / sizeof(params[0]), require);
}


otp_span_t *ngx_http_otp_conf_names(ngx_conf_t *cf, otp_span_t text, size_t *n)
{
    ngx_array_t *names = ngx_array_create(cf->pool, 4, sizeof(otp_span_t));
    otp_span_t  *name;

    while (names != NULL && text.data != NULL) {
        name = ngx_array_push(names);
        if (name == NULL) {
            return NULL;
        }

        *name = otp_span_cut(&text, ',');
        if (name->len == 0 || otp_span_trim(*name).len != name->len) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "empty name or blank in a list: write it as \"a,b,c\"");
            return NULL;
        }
    }

    if (names == NULL) {
        return NULL;
    }

    *n = names->nelts;

    return names->elts;
}


/* People are compared in canonical form, so the list has to be in it. */
static ngx_int_t ngx_http_otp_conf_canonical(ngx_conf_t *cf, otp_span_t *user, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char  *uid = ngx_pnalloc(cf->pool, OTP_UID_LEN);
        size_t len;

        if (uid == NULL) {
            return NGX_ERROR;
        }

        if (otp_uid_canonical(user[i], uid, &len) != OTP_OK) {
            ngx_str_t name = ngx_http_otp_str(user[i]);

            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" cannot be an identifier: it may have letters, digits "
                "and . _ - @ +, 64 at most", &name);
            return NGX_ERROR;
        }

        user[i] = (otp_span_t) { uid, len };
    }

    return NGX_OK;
}


char *ngx_http_otp_conf_allow(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    typedef struct { otp_span_t group, user; } ngx_http_otp_allow_t;

    static const ngx_http_otp_param_t params[] = {
        { ngx_string("group"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_allow_t, group), 1, 4096 },
        { ngx_string("user"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_allow_t, user), 1, 65536 },
    };
    ngx_http_otp_loc_conf_t *olcf = conf;
    ngx_http_otp_allow_t     text = { { NULL, 0 }, { NULL, 0 } };
    otp_span_t              *names;

    if (olcf->allow != NULL) {
        return "is duplicate: one line may hold both \"group=a,b\" and \"user=c,d\"";
    }

    ngx_http_otp_conf_place(cf, &olcf->allow_place);
    olcf->allow = ngx_pcalloc(cf->pool, sizeof(otp_allow_t));
    if (olcf->allow == NULL
        || ngx_http_otp_conf_params(cf, 1, params, sizeof(params) / sizeof(params[0]), &text) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (text.group.len != 0) {
        olcf->allow->group = ngx_http_otp_conf_names(cf, text.group, &olcf->allow->groups);
        if (olcf->allow->group == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (text.user.len != 0) {
        names = ngx_http_otp_conf_names(cf, text.user, &olcf->allow->users);
        if (names == NULL || ngx_http_otp_conf_canonical(cf, names, olcf->allow->users) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        olcf->allow->user = names;
    }

    return NGX_CONF_OK;
}


char *ngx_http_otp_conf_identity(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t *olcf = conf;
    char                    *result = ngx_conf_set_flag_slot(cf, cmd, conf);

    /* Without Redis and key ring there is no guard, so nothing would be stripped either. */
    if (olcf->identity == 1) {
        ngx_http_otp_conf_need(cf);
    }

    return result;
}


static bool ngx_http_otp_conf_portal_address(otp_span_t text)
{
    if (!ngx_http_otp_conf_uri_text(text) || ngx_strlchr((u_char *) text.data, (u_char *) text.data + text.len, '?')
        || ngx_strlchr((u_char *) text.data, (u_char *) text.data + text.len, '#'))
    {
        return false;
    }

    if (text.data[0] == '/') {
        return text.len == 1 || text.data[1] != '/';
    }

    return (otp_span_starts(text, OTP_SPAN("https://")) && text.len > 8 && text.data[8] != '/')
           || (otp_span_starts(text, OTP_SPAN("http://")) && text.len > 7 && text.data[7] != '/');
}


char *ngx_http_otp_conf_portal_url(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t *olcf = conf;
    ngx_str_t               *value = cf->args->elts;
    otp_span_t               text = ngx_http_otp_span(value[1]);
    char                    *url;

    if (olcf->portal_url.len != 0) {
        return "is duplicate";
    }

    if (!ngx_http_otp_conf_portal_address(text)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid address \"%V\": say a path as \"/otp/\" or an address as "
            "\"https://portal.example/otp/\", without variables, \"?\" and \"#\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    olcf->portal_url = text;
    if (text.data[text.len - 1] == '/') {
        return NGX_CONF_OK;
    }

    url = ngx_pnalloc(cf->pool, text.len + 1);
    if (url == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(url, text.data, text.len);
    url[text.len] = '/';
    olcf->portal_url = (otp_span_t) { url, text.len + 1 };

    return NGX_CONF_OK;
}


char *ngx_http_otp_conf_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t  *olcf = conf;
    ngx_http_core_loc_conf_t *clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (olcf->metrics != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    if (olcf->portal != NGX_CONF_UNSET) {
        return "cannot stand beside \"otp_portal\": give it a location of its own";
    }

    olcf->metrics = 1;
    clcf->handler = ngx_http_otp_metrics_handler;
    ngx_http_otp_conf_need(cf);

    return NGX_CONF_OK;
}
