/* Directives about the portal: what it shows, what it accepts. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#define NGX_HTTP_OTP_DAY   86400
#define NGX_HTTP_OTP_YEAR  (366 * NGX_HTTP_OTP_DAY)

#define NGX_HTTP_OTP_PARAMS(params)  params, sizeof(params) / sizeof(params[0])


char *ngx_http_otp_conf_portal(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t  *olcf = conf;
    ngx_http_core_loc_conf_t *clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (olcf->portal != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    if (olcf->require != NULL) {
        return "cannot stand beside \"otp_require\": the portal is where people sign in";
    }

    if (olcf->metrics != NGX_CONF_UNSET) {
        return "cannot stand beside \"otp_metrics\": give it a location of its own";
    }

#if (NGX_PCRE)
    if (clcf->regex != NULL) {
        return "cannot stand in a location with a regular expression: write \"location /otp/\"";
    }
#endif

    if (clcf->named || clcf->noname || clcf->name.len == 0 || clcf->name.data[0] != '/') {
        return "needs a location with a path: write \"location /otp/\"";
    }

    if (!ngx_http_otp_conf_uri_text(ngx_http_otp_span(clcf->name))) {
        return "needs a location whose path has only letters, digits and - . _ ~ /";
    }

    olcf->portal = 1;
    clcf->handler = ngx_http_otp_portal_handler;
    ngx_http_otp_conf_place(cf, &olcf->portal_place);
    ngx_http_otp_conf_need(cf);

    return NGX_CONF_OK;
}


char *ngx_http_otp_conf_password_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t *olcf = conf;
    ngx_str_t               *value = cf->args->elts;

    if (olcf->people != NULL) {
        return "is duplicate";
    }

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK
        || ngx_http_otp_files_check_people(cf, &value[1]) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    olcf->people = ngx_http_otp_people_add(cf, &value[1]);

    return olcf->people == NULL ? NGX_CONF_ERROR : NGX_CONF_OK;
}


char *ngx_http_otp_conf_first_use(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t *olcf = conf;
    ngx_str_t               *value = cf->args->elts;

    if (olcf->first_use_password != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    olcf->first_use_password = ngx_strcmp(value[1].data, "password") == 0;
    if (!olcf->first_use_password && ngx_strcmp(value[1].data, "any") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value \"%V\": say \"any\" or \"password\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *ngx_http_otp_conf_session(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    static const ngx_http_otp_param_t params[] = {
        { ngx_string("idle"), NGX_HTTP_OTP_TIME, offsetof(ngx_http_otp_lifetime_t, idle_s), 1, NGX_HTTP_OTP_YEAR },
        { ngx_string("lifetime"), NGX_HTTP_OTP_TIME, offsetof(ngx_http_otp_lifetime_t, lifetime_s), 1,
          NGX_HTTP_OTP_YEAR },
    };
    ngx_http_otp_loc_conf_t *olcf = conf;

    if (olcf->session != NULL) {
        return "is duplicate";
    }

    olcf->session = ngx_palloc(cf->pool, sizeof(ngx_http_otp_lifetime_t));
    if (olcf->session == NULL) {
        return NGX_CONF_ERROR;
    }

    olcf->session->idle_s = 30 * 60;
    olcf->session->lifetime_s = 10 * 3600;
    if (ngx_http_otp_conf_params(cf, 1, NGX_HTTP_OTP_PARAMS(params), olcf->session) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (olcf->session->idle_s > olcf->session->lifetime_s) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"idle=\" (%Ls) is longer than \"lifetime=\" (%Ls): lower the first "
            "or raise the second", olcf->session->idle_s, olcf->session->lifetime_s);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static bool ngx_http_otp_conf_only(otp_span_t text, const char *also)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c != 0 && ngx_strchr(also, c) != NULL)))
        {
            return false;
        }
    }

    return true;
}


static char *ngx_http_otp_conf_samesite(ngx_conf_t *cf, ngx_http_otp_cookie_t *cookie)
{
    static const otp_span_t known[] = { { "Lax", 3 }, { "Strict", 6 }, { "None", 4 } };

    for (ngx_uint_t i = 0; i < 3; i++) {
        if (!otp_span_equal_nocase(cookie->samesite, known[i])) {
            continue;
        }

        cookie->samesite = known[i];
        if (i == 2 && !cookie->secure) {
            return "has \"samesite=none\" with \"secure=off\": browsers refuse such a cookie";
        }

        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value of \"samesite=\": say \"lax\", \"strict\" or \"none\"");

    return NGX_CONF_ERROR;
}


static ngx_int_t ngx_http_otp_conf_cookie_join(ngx_conf_t *cf, const char *before, otp_span_t name, const char *after,
    otp_span_t *joined)
{
    ngx_str_t middle = ngx_http_otp_str(name);
    size_t    size = ngx_strlen(before) + name.len + ngx_strlen(after);
    u_char   *p = ngx_pnalloc(cf->pool, size);

    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_snprintf(p, size, "%s%V%s", before, &middle, after);
    *joined = (otp_span_t) { (char *) p, size };

    return NGX_OK;
}


static char *ngx_http_otp_conf_cookie_names(ngx_conf_t *cf, ngx_http_otp_cookie_t *cookie)
{
    static const char *const after[NGX_HTTP_OTP_COOKIES] = { "", "-form", "-lang", "-device" };

    const char *prefix = cookie->secure && cookie->domain.len == 0 ? "__Host-" : "";

    if (!ngx_http_otp_conf_only(cookie->name, "_-") || otp_span_starts(cookie->name, OTP_SPAN("__"))) {
        return "has an invalid \"name=\": say letters, digits, - and _, not \"__\" first (a prefix is added where it "
               "belongs)";
    }

    if (!ngx_http_otp_conf_only(cookie->domain, "-.") || (cookie->domain.len != 0 && cookie->domain.data[0] == '.')) {
        return "has an invalid \"domain=\": say it as \"example.org\"";
    }

    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_COOKIES; i++) {
        if (ngx_http_otp_conf_cookie_join(cf, prefix, cookie->name, after[i], &cookie->full[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


char *ngx_http_otp_conf_cookie(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    static const ngx_http_otp_param_t params[] = {
        { ngx_string("name"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_cookie_t, name), 1, 32 },
        { ngx_string("domain"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_cookie_t, domain), 1, 253 },
        { ngx_string("samesite"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_cookie_t, samesite), 1, 16 },
        { ngx_string("secure"), NGX_HTTP_OTP_FLAG, offsetof(ngx_http_otp_cookie_t, secure), 0, 0 },
    };
    ngx_http_otp_loc_conf_t *olcf = conf;
    ngx_http_otp_cookie_t   *cookie;
    char                    *reason;

    if (olcf->cookie != NULL) {
        return "is duplicate";
    }

    cookie = ngx_pcalloc(cf->pool, sizeof(ngx_http_otp_cookie_t));
    if (cookie == NULL) {
        return NGX_CONF_ERROR;
    }

    olcf->cookie = cookie;
    cookie->name = OTP_SPAN("otp");
    cookie->samesite = OTP_SPAN("Lax");
    cookie->secure = true;
    if (ngx_http_otp_conf_params(cf, 1, NGX_HTTP_OTP_PARAMS(params), cookie) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (!cookie->secure) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "\"otp_cookie secure=off\": the cookie also travels without TLS, where "
            "anyone on the way can take the session; for trials only");
    }

    reason = ngx_http_otp_conf_samesite(cf, cookie);

    return reason != NGX_CONF_OK ? reason : ngx_http_otp_conf_cookie_names(cf, cookie);
}


#define NGX_HTTP_OTP_LIMIT(name, kind, field, min, max)                                                              \
    { ngx_string(name), kind, offsetof(otp_limits_t, field), min, max }

static const ngx_http_otp_param_t  ngx_http_otp_limits[] = {
    NGX_HTTP_OTP_LIMIT("next_code", NGX_HTTP_OTP_NUMBER, next_code, 1, 1000),
    NGX_HTTP_OTP_LIMIT("lock", NGX_HTTP_OTP_NUMBER, lock, 1, 1000),
    NGX_HTTP_OTP_LIMIT("lock_total", NGX_HTTP_OTP_NUMBER, lock_total, 1, 100000),
    NGX_HTTP_OTP_LIMIT("lock_time", NGX_HTTP_OTP_TIME, lock_time_s, 1, 30 * NGX_HTTP_OTP_DAY),
    NGX_HTTP_OTP_LIMIT("pin_min", NGX_HTTP_OTP_NUMBER, pin_min, 4, 12),
    NGX_HTTP_OTP_LIMIT("pin_max", NGX_HTTP_OTP_NUMBER, pin_max, 4, 12),
    NGX_HTTP_OTP_LIMIT("pin_page", NGX_HTTP_OTP_TIME, pin_page_s, 1, NGX_HTTP_OTP_DAY),
    NGX_HTTP_OTP_LIMIT("window", NGX_HTTP_OTP_NUMBER, window, 1, 10),
    NGX_HTTP_OTP_LIMIT("wide_window", NGX_HTTP_OTP_NUMBER, wide_window, 1, OTP_WINDOW_MAX),
    NGX_HTTP_OTP_LIMIT("password_free", NGX_HTTP_OTP_NUMBER, password_free, 1, 1000),
    NGX_HTTP_OTP_LIMIT("address_free", NGX_HTTP_OTP_NUMBER, address_free, 1, 1000000),
    NGX_HTTP_OTP_LIMIT("look_ahead", NGX_HTTP_OTP_NUMBER, look_ahead, 1, OTP_WINDOW_MAX),
    NGX_HTTP_OTP_LIMIT("look_ahead_wide", NGX_HTTP_OTP_NUMBER, look_ahead_wide, 1, OTP_WINDOW_MAX),
    NGX_HTTP_OTP_LIMIT("delay_max", NGX_HTTP_OTP_TIME, delay_max_s, 1, NGX_HTTP_OTP_DAY),
    NGX_HTTP_OTP_LIMIT("hash_queue", NGX_HTTP_OTP_NUMBER, hash_queue, 1, OTP_HASH_PLACES),
    NGX_HTTP_OTP_LIMIT("hash_wait", NGX_HTTP_OTP_TIME, hash_wait_s, 1, 60),
};


char *ngx_http_otp_conf_limits(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    static const otp_limits_t defaults = OTP_LIMITS_DEFAULT;
    ngx_http_otp_loc_conf_t  *olcf = conf;
    otp_limits_t             *limits;

    if (olcf->limits != NULL) {
        return "is duplicate: put all numbers on one line";
    }

    limits = ngx_palloc(cf->pool, sizeof(otp_limits_t));
    if (limits == NULL) {
        return NGX_CONF_ERROR;
    }

    *limits = defaults;
    olcf->limits = limits;
    if (ngx_http_otp_conf_params(cf, 1, NGX_HTTP_OTP_PARAMS(ngx_http_otp_limits), limits) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (limits->pin_min > limits->pin_max) {
        return "has \"pin_min=\" above \"pin_max=\"";
    }

    if (limits->next_code > limits->lock || limits->lock > limits->lock_total) {
        return "needs next_code <= lock <= lock_total (3, 10 and 100 where it does not say)";
    }

    if (limits->look_ahead > limits->look_ahead_wide) {
        return "has \"look_ahead=\" above \"look_ahead_wide=\" (10 and 50 where it does not say)";
    }

    return limits->window > limits->wide_window ? "has \"window=\" above \"wide_window=\"" : NGX_CONF_OK;
}


char *ngx_http_otp_conf_support(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    static const ngx_http_otp_param_t params[] = {
        { ngx_string("email"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_support_t, email), 3, 254 },
        { ngx_string("phone"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_support_t, phone), 2, 64 },
        { ngx_string("hours"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_support_t, hours), 1, 256 },
    };
    ngx_http_otp_loc_conf_t *olcf = conf;

    if (olcf->support != NULL) {
        return "is duplicate: put email, phone and hours on one line";
    }

    olcf->support = ngx_pcalloc(cf->pool, sizeof(ngx_http_otp_support_t));
    if (olcf->support == NULL
        || ngx_http_otp_conf_params(cf, 1, NGX_HTTP_OTP_PARAMS(params), olcf->support) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (olcf->support->email.len != 0
        && (!ngx_http_otp_conf_uri_text(olcf->support->email)
            || ngx_strlchr((u_char *) olcf->support->email.data,
                   (u_char *) olcf->support->email.data + olcf->support->email.len, '@') == NULL))
    {
        return "has an invalid \"email=\"";
    }

    return NGX_CONF_OK;
}
