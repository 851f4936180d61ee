/* Directives that are lists: applications, languages, hosts; and the folder of the pages. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#define NGX_HTTP_OTP_APPLICATIONS  200
#define NGX_HTTP_OTP_HOSTS         64


static char *ngx_http_otp_conf_application_fields(ngx_conf_t *cf, otp_application_t *application)
{
    typedef struct { otp_span_t level, group, text; } ngx_http_otp_application_t;

    static const ngx_http_otp_param_t params[] = {
        { ngx_string("level"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_application_t, level), 1, 16 },
        { ngx_string("group"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_application_t, group), 1, 128 },
        { ngx_string("text"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_application_t, text), 1, 512 },
    };
    ngx_http_otp_application_t fields = { { "password", 8 }, { NULL, 0 }, { NULL, 0 } };

    if (ngx_http_otp_conf_params(cf, 3, params, sizeof(params) / sizeof(params[0]), &fields) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    application->group = fields.group;
    application->text = fields.text;
    application->level = otp_span_equal(fields.level, OTP_SPAN("otp")) ? OTP_LEVEL_OTP : OTP_LEVEL_PASSWORD;
    if (application->level == OTP_LEVEL_PASSWORD && !otp_span_equal(fields.level, OTP_SPAN("password"))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value of \"level=\": say \"password\" or \"otp\"");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* It becomes a link on a page: nothing a browser would run. */
static bool ngx_http_otp_conf_link(otp_span_t text)
{
    if (!ngx_http_otp_conf_uri_text(text)) {
        return false;
    }

    return (text.data[0] == '/' && (text.len == 1 || text.data[1] != '/'))
           || (otp_span_starts(text, OTP_SPAN("https://")) && text.len > 8)
           || (otp_span_starts(text, OTP_SPAN("http://")) && text.len > 7);
}


static char *ngx_http_otp_conf_application_check(ngx_conf_t *cf, const ngx_array_t *applications,
    const otp_application_t *application)
{
    const otp_application_t *known = applications->elts;
    ngx_str_t                shown = ngx_http_otp_str(application->location);

    if (application->name.len == 0 || application->name.len > 128) {
        return "needs a name of 1 to 128 bytes";
    }

    if (!ngx_http_otp_conf_link(application->location)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid address \"%V\": say a path as \"/mail/\" or an address as "
            "\"https://mail.example/\"", &shown);
        return NGX_CONF_ERROR;
    }

    for (ngx_uint_t i = 0; i + 1 < applications->nelts; i++) {
        if (otp_span_equal(known[i].name, application->name)
            && otp_span_equal(known[i].location, application->location))
        {
            return "is duplicate: this name and address are listed already";
        }
    }

    return applications->nelts > NGX_HTTP_OTP_APPLICATIONS ? "comes too often: 200 at most" : NGX_CONF_OK;
}


char *ngx_http_otp_conf_application(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t *olcf = conf;
    ngx_str_t               *value = cf->args->elts;
    otp_application_t       *application;

    if (olcf->applications == NULL) {
        olcf->applications = ngx_array_create(cf->pool, 8, sizeof(otp_application_t));
        if (olcf->applications == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    application = ngx_array_push(olcf->applications);
    if (application == NULL) {
        return NGX_CONF_ERROR;
    }

    application->name = ngx_http_otp_span(value[1]);
    application->location = ngx_http_otp_span(value[2]);
    if (ngx_http_otp_conf_application_fields(cf, application) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_otp_conf_application_check(cf, olcf->applications, application);
}


static bool ngx_http_otp_conf_have(const ngx_array_t *spans, otp_span_t span)
{
    const otp_span_t *known = spans->elts;

    for (ngx_uint_t i = 0; i < spans->nelts; i++) {
        if (otp_span_equal(known[i], span)) {
            return true;
        }
    }

    return false;
}


typedef bool (*ngx_http_otp_conf_test_pt)(otp_span_t text);

/* The directive's arguments as spans; each must pass `test`. */
static char *ngx_http_otp_conf_list(ngx_conf_t *cf, ngx_array_t **list, ngx_uint_t max, ngx_http_otp_conf_test_pt test,
    const char *remedy)
{
    ngx_str_t  *value = cf->args->elts;
    otp_span_t *span;

    if (*list != NULL) {
        return "is duplicate";
    }

    *list = ngx_array_create(cf->pool, cf->args->nelts, sizeof(otp_span_t));
    if (*list == NULL) {
        return NGX_CONF_ERROR;
    }

    for (ngx_uint_t i = 1; i < cf->args->nelts; i++) {
        ngx_strlow(value[i].data, value[i].data, value[i].len);
        if (i > max || !test(ngx_http_otp_span(value[i])) || ngx_http_otp_conf_have(*list, ngx_http_otp_span(value[i])))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid or repeated value \"%V\": say %s, %ui at most", &value[i],
                remedy, max);
            return NGX_CONF_ERROR;
        }

        span = ngx_array_push(*list);
        if (span == NULL) {
            return NGX_CONF_ERROR;
        }

        *span = ngx_http_otp_span(value[i]);
    }

    return NGX_CONF_OK;
}


static bool ngx_http_otp_conf_is_language(otp_span_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 'a' || text.data[i] > 'z') {
            return false;
        }
    }

    return text.len == 2 || text.len == 3;
}


char *ngx_http_otp_conf_language(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t *olcf = conf;

    return ngx_http_otp_conf_list(cf, &olcf->languages, OTP_LANGUAGES_MAX, ngx_http_otp_conf_is_language,
        "languages as \"fr en\", each once");
}


static bool ngx_http_otp_conf_is_host(otp_span_t text)
{
    otp_span_t rest = text;
    otp_span_t host = otp_span_cut(&rest, ':');
    int64_t    port;

    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || (c == '.' && i != 0))) {
            return false;
        }
    }

    if (host.len == 0 || host.len > 253) {
        return false;
    }

    return rest.data == NULL
           ? text.data[text.len - 1] != ':'
           : otp_span_number(rest, &port) == OTP_OK && port >= 1 && port <= 65535;
}


char *ngx_http_otp_conf_redirect_hosts(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t *olcf = conf;

    return ngx_http_otp_conf_list(cf, &olcf->redirect_hosts, NGX_HTTP_OTP_HOSTS, ngx_http_otp_conf_is_host,
        "hosts as \"mail.example.org\" or \"intra.example:8443\", without \"https://\", each once");
}


char *ngx_http_otp_conf_templates(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t *olcf = conf;
    ngx_str_t               *value = cf->args->elts;

    if (olcf->templates != NULL) {
        return "is duplicate";
    }

    olcf->templates = ngx_pcalloc(cf->pool, sizeof(ngx_http_otp_templates_t));
    if (olcf->templates == NULL || ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    olcf->templates->dir = value[1];
    while (olcf->templates->dir.len > 1 && olcf->templates->dir.data[olcf->templates->dir.len - 1] == '/') {
        olcf->templates->dir.data[--olcf->templates->dir.len] = '\0';
    }

    ngx_http_otp_conf_place(cf, &olcf->templates->place);

    return ngx_http_otp_files_check_templates(cf, &olcf->templates->dir);
}
