/* Directives about the helpdesk: who it is, how keys are activated, in which zone its days end. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#define NGX_HTTP_OTP_HELPDESKS  64

typedef struct {
    otp_span_t  group, scope;
    bool        agents;
} ngx_http_otp_helpdesk_t;


static ngx_int_t ngx_http_otp_conf_helpdesk_add(ngx_conf_t *cf, ngx_array_t *helpdesk, otp_span_t group,
    const ngx_http_otp_helpdesk_t *line)
{
    const otp_helpdesk_t *known = helpdesk->elts;
    ngx_str_t             shown = ngx_http_otp_str(group);
    otp_helpdesk_t       *one;

    for (ngx_uint_t i = 0; i < helpdesk->nelts; i++) {
        if (otp_span_equal(known[i].group, group)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "group \"%V\" has an \"otp_helpdesk\" already: keep one of them",
                &shown);
            return NGX_ERROR;
        }
    }

    if (helpdesk->nelts == NGX_HTTP_OTP_HELPDESKS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "more than 64 groups of the helpdesk: put people into fewer groups");
        return NGX_ERROR;
    }

    one = ngx_array_push(helpdesk);
    if (one == NULL) {
        return NGX_ERROR;
    }

    one->group = group;
    one->scope = line->scope;
    one->agents = line->agents;

    return NGX_OK;
}


static char *ngx_http_otp_conf_helpdesk_groups(ngx_conf_t *cf, ngx_array_t *helpdesk,
    const ngx_http_otp_helpdesk_t *line)
{
    size_t      groups, scopes;
    otp_span_t *group = ngx_http_otp_conf_names(cf, line->group, &groups);

    if (group == NULL || (line->scope.len != 0 && ngx_http_otp_conf_names(cf, line->scope, &scopes) == NULL)) {
        return NGX_CONF_ERROR;
    }

    for (size_t i = 0; i < groups; i++) {
        if (ngx_http_otp_conf_helpdesk_add(cf, helpdesk, group[i], line) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


char *ngx_http_otp_conf_helpdesk(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    static const ngx_http_otp_param_t params[] = {
        { ngx_string("group"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_helpdesk_t, group), 1, 4096 },
        { ngx_string("scope"), NGX_HTTP_OTP_TEXT, offsetof(ngx_http_otp_helpdesk_t, scope), 1, 4096 },
        { ngx_string("agents"), NGX_HTTP_OTP_FLAG, offsetof(ngx_http_otp_helpdesk_t, agents), 0, 0 },
    };
    ngx_http_otp_loc_conf_t *olcf = conf;
    ngx_http_otp_helpdesk_t  line = { { NULL, 0 }, { NULL, 0 }, false };

    if (olcf->helpdesk == NULL) {
        olcf->helpdesk = ngx_array_create(cf->pool, 2, sizeof(otp_helpdesk_t));
    }

    if (olcf->helpdesk == NULL
        || ngx_http_otp_conf_params(cf, 1, params, sizeof(params) / sizeof(params[0]), &line) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (line.group.len == 0) {
        return "needs \"group=\": whoever is in that group is an agent";
    }

    return ngx_http_otp_conf_helpdesk_groups(cf, olcf->helpdesk, &line);
}


char *ngx_http_otp_conf_activation(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t *olcf = conf;
    ngx_str_t               *value = cf->args->elts;

    if (olcf->activation_automatic != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    olcf->activation_automatic = ngx_strcmp(value[1].data, "automatic") == 0;
    if (!olcf->activation_automatic && ngx_strcmp(value[1].data, "manual") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value \"%V\": say \"manual\" or \"automatic\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* NULL: `*why` says what stands against it; errno may say more. */
static otp_zone_t *ngx_http_otp_zone_read(ngx_conf_t *cf, const char *path, const char **why)
{
    otp_zone_t  *zone = ngx_palloc(cf->pool, sizeof(otp_zone_t));
    struct stat  info;
    char        *text;
    size_t       len;
    otp_status_t status;

    *why = "no memory for the time zone";
    if (zone == NULL) {
        return NULL;
    }

    *why = "cannot read the time zone";
    if (ngx_http_otp_files_read(path, OTP_ZONE_FILE_MAX, &info, &text, &len) == -1) {
        return NULL;
    }

    *why = "there is no time zone in";
    status = otp_zone_parse((otp_span_t) { text, len }, (int64_t) ngx_time(), zone);
    free(text);
    ngx_set_errno(0);

    return status == OTP_OK ? zone : NULL;
}


char *ngx_http_otp_conf_timezone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t *olcf = conf;
    ngx_str_t               *value = cf->args->elts;
    const char              *why;
    u_char                   path[NGX_MAX_PATH];

    if (olcf->zone != NULL) {
        return "is duplicate";
    }

    if (value[1].len > 255 || !otp_zone_name_valid(ngx_http_otp_span(value[1]))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" cannot be the name of a time zone: say one as "
            "\"Europe/Paris\" (\"timedatectl list-timezones\" lists them)", &value[1]);
        return NGX_CONF_ERROR;
    }

    (void) ngx_snprintf(path, sizeof(path), OTP_ZONE_DIR "/%V%Z", &value[1]);
    olcf->zone = ngx_http_otp_zone_read(cf, (char *) path, &why);
    if (olcf->zone == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "unknown time zone \"%V\": %s \"%s\" (say one as "
            "\"Europe/Paris\", which \"timedatectl list-timezones\" lists; they come with the package tzdata)",
            &value[1], why, path);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


const otp_zone_t *ngx_http_otp_zone_default(ngx_conf_t *cf, ngx_http_otp_main_conf_t *omcf)
{
    const char *why;

    if (omcf->zone != NULL) {
        return omcf->zone;
    }

    omcf->zone = ngx_http_otp_zone_read(cf, OTP_ZONE_SYSTEM, &why);
    if (omcf->zone == NULL && ngx_errno == NGX_ENOENT) {
        /* What the C library does, too: a system that says nothing is in UTC. */
        omcf->zone = ngx_pcalloc(cf->pool, sizeof(otp_zone_t));
    } else if (omcf->zone == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno, "%s \"" OTP_ZONE_SYSTEM "\": say \"otp_timezone\" in the "
            "http block, as in \"otp_timezone Europe/Paris\"", why);
    }

    return omcf->zone;
}
