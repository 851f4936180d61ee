#include "ngx_http_otp_module/ngx_http_otp_module.h"


void ngx_http_otp_conf_place(ngx_conf_t *cf, ngx_http_otp_place_t *place)
{
    ngx_str_t *value = cf->args->elts;

    place->directive = value[0];
    if (cf->conf_file != NULL) {
        place->file = cf->conf_file->file.name;
        place->line = cf->conf_file->line;
    }
}


void ngx_http_otp_conf_need(ngx_conf_t *cf)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_otp_module);

    if (omcf->needed.directive.len == 0) {
        ngx_http_otp_conf_place(cf, &omcf->needed);
    }
}


bool ngx_http_otp_conf_uri_text(otp_span_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f || ngx_strchr("\"<>\\^`{|}$", text.data[i]) != NULL) {
            return false;
        }
    }

    return text.len != 0;
}


static char *ngx_http_otp_conf_number(ngx_conf_t *cf, const ngx_http_otp_param_t *param, ngx_str_t *value,
    void *field)
{
    int64_t   *number = field;
    ngx_int_t  n = param->kind == NGX_HTTP_OTP_TIME ? ngx_parse_time(value, 1)
                                                    : ngx_atoi(value->data, value->len);

    if (value->len != 0 && n != NGX_ERROR && n >= param->min && n <= param->max) {
        *number = n;
        return NGX_CONF_OK;
    }

    if (param->kind == NGX_HTTP_OTP_TIME) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid time \"%V\" for \"%V=\": say %Ls to %Ls, as in \"90s\", "
            "\"15m\" or \"10h\"", value, &param->name, param->min, param->max);
    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid number \"%V\" for \"%V=\": say %L to %L", value,
            &param->name, param->min, param->max);
    }

    return NGX_CONF_ERROR;
}


static char *ngx_http_otp_conf_text(ngx_conf_t *cf, const ngx_http_otp_param_t *param, ngx_str_t *value, void *field)
{
    otp_span_t *text = field;

    for (size_t i = 0; i < value->len; i++) {
        if (value->data[i] < 0x20 || value->data[i] == 0x7f) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "control character in the value of \"%V=\": write it on one line",
                &param->name);
            return NGX_CONF_ERROR;
        }
    }

    if ((int64_t) value->len < param->min || (int64_t) value->len > param->max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value of \"%V=\": it has %uz bytes, may have %L to %L",
            &param->name, value->len, param->min, param->max);
        return NGX_CONF_ERROR;
    }

    *text = ngx_http_otp_span(*value);

    return NGX_CONF_OK;
}


static char *ngx_http_otp_conf_flag(ngx_conf_t *cf, const ngx_http_otp_param_t *param, ngx_str_t *value, void *field)
{
    bool *flag = field;

    if (value->len == 2 && ngx_strncmp(value->data, "on", 2) == 0) {
        *flag = true;
        return NGX_CONF_OK;
    }

    if (value->len == 3 && ngx_strncmp(value->data, "off", 3) == 0) {
        *flag = false;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value \"%V\" of \"%V=\": say \"on\" or \"off\"", value,
        &param->name);

    return NGX_CONF_ERROR;
}


static char *ngx_http_otp_conf_value(ngx_conf_t *cf, const ngx_http_otp_param_t *param, ngx_str_t *value, void *base)
{
    void *field = (char *) base + param->offset;

    switch (param->kind) {
    case NGX_HTTP_OTP_NUMBER:
    case NGX_HTTP_OTP_TIME:
        return ngx_http_otp_conf_number(cf, param, value, field);
    case NGX_HTTP_OTP_TEXT:
        return ngx_http_otp_conf_text(cf, param, value, field);
    case NGX_HTTP_OTP_FLAG:
        return ngx_http_otp_conf_flag(cf, param, value, field);
    }

    return NGX_CONF_ERROR;
}


/* The index of the parameter that `arg` sets; `n`: none; `*value` is what follows the '='. */
static ngx_uint_t ngx_http_otp_conf_param(const ngx_http_otp_param_t *params, ngx_uint_t n, const ngx_str_t *arg,
    ngx_str_t *value)
{
    ngx_uint_t i;

    for (i = 0; i < n; i++) {
        size_t len = params[i].name.len;

        if (arg->len > len && arg->data[len] == '=' && ngx_strncmp(arg->data, params[i].name.data, len) == 0) {
            value->data = arg->data + len + 1;
            value->len = arg->len - len - 1;
            break;
        }
    }

    return i;
}


static char *ngx_http_otp_conf_unknown(ngx_conf_t *cf, const ngx_http_otp_param_t *params, ngx_uint_t n,
    const ngx_str_t *arg)
{
    u_char     names[256], words[64];
    u_char    *p = names;
    ngx_str_t  example = { 0, words };

    example.len = (size_t) (ngx_snprintf(words, sizeof(words), "%V=", &params[n - 1].name) - words);
    for (ngx_uint_t i = 0; i < n; i++) {
        p = ngx_slprintf(p, names + sizeof(names), "%s%V=", i == 0 ? "" : ", ", &params[i].name);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "unknown parameter \"%V\": it may be one of %*s (a value with "
        "blanks is written as \"%Vtwo words\")", arg, (size_t) (p - names), names, &example);

    return NGX_CONF_ERROR;
}


/* `joined` becomes "joined next"; `*quote` moves with it. */
static ngx_int_t ngx_http_otp_conf_join(ngx_conf_t *cf, ngx_str_t *joined, const ngx_str_t *next, u_char **quote)
{
    size_t  at = (size_t) (*quote - joined->data), len = joined->len + 1 + next->len;
    u_char *text = ngx_pnalloc(cf->pool, len + 1);

    if (text == NULL) {
        return NGX_ERROR;
    }

    *ngx_sprintf(text, "%V %V", joined, next) = '\0';
    joined->data = text;
    joined->len = len;
    *quote = text + at;

    return NGX_OK;
}


/* nginx knows quotes at the beginning of a word only: `phone="01 02"` comes as two words, with the quotes in
 * them.  It is what everybody writes, so it is taken for "phone=01 02". */
static char *ngx_http_otp_conf_unquote(ngx_conf_t *cf, ngx_uint_t first)
{
    ngx_str_t  *arg = cf->args->elts;
    ngx_uint_t  n = first;

    for (ngx_uint_t i = first; i < cf->args->nelts; i++) {
        u_char    *quote = ngx_strlchr(arg[i].data, arg[i].data + arg[i].len, '"');
        ngx_str_t  joined = arg[i];

        if (quote != NULL && quote > arg[i].data && quote[-1] == '=') {
            while (joined.len < 2 || joined.data[joined.len - 1] != '"' || &joined.data[joined.len - 1] == quote) {
                if (++i == cf->args->nelts) {
                    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "the quotes of \"%V\" do not end", &arg[n]);
                    return NGX_CONF_ERROR;
                }
                if (ngx_http_otp_conf_join(cf, &joined, &arg[i], &quote) != NGX_OK) {
                    return NGX_CONF_ERROR;
                }
            }
            joined.len -= 2;
            ngx_memmove(quote, quote + 1, (size_t) (joined.data + joined.len - quote));
        }
        arg[n++] = joined;
    }
    cf->args->nelts = n;

    return NGX_CONF_OK;
}


char *ngx_http_otp_conf_params(ngx_conf_t *cf, ngx_uint_t first, const ngx_http_otp_param_t *params, ngx_uint_t n,
    void *base)
{
    ngx_str_t  *arg = cf->args->elts;
    ngx_uint_t  seen = 0;

    if (ngx_http_otp_conf_unquote(cf, first) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    for (ngx_uint_t i = first; i < cf->args->nelts; i++) {
        ngx_str_t  value;
        ngx_uint_t which = ngx_http_otp_conf_param(params, n, &arg[i], &value);

        if (which == n) {
            return ngx_http_otp_conf_unknown(cf, params, n, &arg[i]);
        }

        if (seen & ((ngx_uint_t) 1 << which)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V=\" is given twice: keep one of them", &params[which].name);
            return NGX_CONF_ERROR;
        }

        seen |= (ngx_uint_t) 1 << which;
        if (ngx_http_otp_conf_value(cf, &params[which], &value, base) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
