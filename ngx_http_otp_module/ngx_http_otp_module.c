#include "ngx_http_otp_module/ngx_http_otp_process.h"


static void *ngx_http_otp_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_otp_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_otp_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);
static ngx_int_t ngx_http_otp_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_otp_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_otp_init_process(ngx_cycle_t *cycle);
static void ngx_http_otp_exit_process(ngx_cycle_t *cycle);


#define NGX_HTTP_OTP_MAIN  NGX_HTTP_MAIN_CONF
#define NGX_HTTP_OTP_SRV   NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF
#define NGX_HTTP_OTP_LOC   NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF

/* clang-format off */
static ngx_command_t  ngx_http_otp_commands[] = {

    { ngx_string("otp_redis"), NGX_HTTP_OTP_MAIN|NGX_CONF_1MORE, ngx_http_otp_redis_set,
      NGX_HTTP_MAIN_CONF_OFFSET, offsetof(ngx_http_otp_main_conf_t, redis), NULL },

    { ngx_string("otp_keyring"), NGX_HTTP_OTP_MAIN|NGX_CONF_TAKE1, ngx_http_otp_conf_keyring,
      NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_session_cache"), NGX_HTTP_OTP_MAIN|NGX_CONF_TAKE1, ngx_http_otp_conf_session_cache,
      NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_session"), NGX_HTTP_OTP_SRV|NGX_CONF_TAKE12, ngx_http_otp_conf_session,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_cookie"), NGX_HTTP_OTP_SRV|NGX_CONF_TAKE1234, ngx_http_otp_conf_cookie,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_require"), NGX_HTTP_OTP_LOC|NGX_CONF_TAKE123, ngx_http_otp_conf_require,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_allow"), NGX_HTTP_OTP_LOC|NGX_CONF_TAKE12, ngx_http_otp_conf_allow,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_portal_url"), NGX_HTTP_OTP_LOC|NGX_CONF_TAKE1, ngx_http_otp_conf_portal_url,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_portal"), NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS, ngx_http_otp_conf_portal,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_password_file"), NGX_HTTP_OTP_LOC|NGX_CONF_TAKE1, ngx_http_otp_conf_password_file,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_first_use"), NGX_HTTP_OTP_LOC|NGX_CONF_TAKE1, ngx_http_otp_conf_first_use,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_limits"), NGX_HTTP_OTP_SRV|NGX_CONF_1MORE, ngx_http_otp_conf_limits,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_application"), NGX_HTTP_OTP_SRV|NGX_CONF_2MORE, ngx_http_otp_conf_application,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_support"), NGX_HTTP_OTP_SRV|NGX_CONF_1MORE, ngx_http_otp_conf_support,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_helpdesk"), NGX_HTTP_OTP_SRV|NGX_CONF_1MORE, ngx_http_otp_conf_helpdesk,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_activation"), NGX_HTTP_OTP_LOC|NGX_CONF_TAKE1, ngx_http_otp_conf_activation,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_timezone"), NGX_HTTP_OTP_SRV|NGX_CONF_TAKE1, ngx_http_otp_conf_timezone,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_templates"), NGX_HTTP_OTP_LOC|NGX_CONF_TAKE1, ngx_http_otp_conf_templates,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_language"), NGX_HTTP_OTP_LOC|NGX_CONF_1MORE, ngx_http_otp_conf_language,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_redirect_hosts"), NGX_HTTP_OTP_LOC|NGX_CONF_1MORE, ngx_http_otp_conf_redirect_hosts,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_identity"), NGX_HTTP_OTP_LOC|NGX_CONF_FLAG, ngx_http_otp_conf_identity,
      NGX_HTTP_LOC_CONF_OFFSET, offsetof(ngx_http_otp_loc_conf_t, identity), NULL },

    { ngx_string("otp_audit"), NGX_HTTP_OTP_SRV|NGX_CONF_TAKE1, ngx_http_otp_conf_audit,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_audit_retention"), NGX_HTTP_OTP_MAIN|NGX_CONF_TAKE12, ngx_http_otp_conf_audit_retention,
      NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("otp_metrics"), NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS, ngx_http_otp_conf_metrics,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    ngx_null_command
};


static ngx_http_module_t  ngx_http_otp_module_ctx = {
    ngx_http_otp_preconfiguration,
    ngx_http_otp_postconfiguration,

    ngx_http_otp_create_main_conf,
    NULL,

    NULL,
    NULL,

    ngx_http_otp_create_loc_conf,
    ngx_http_otp_merge_loc_conf
};


ngx_module_t  ngx_http_otp_module = {
    NGX_MODULE_V1,
    &ngx_http_otp_module_ctx,
    ngx_http_otp_commands,
    NGX_HTTP_MODULE,
    NULL,
    NULL,
    ngx_http_otp_init_process,
    NULL,
    NULL,
    ngx_http_otp_exit_process,
    NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */


static void *ngx_http_otp_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_otp_main_conf_t *omcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_otp_main_conf_t));

    if (omcf == NULL
        || ngx_array_init(&omcf->pages, cf->pool, 2, sizeof(ngx_http_otp_pages_t)) != NGX_OK
        || ngx_array_init(&omcf->people, cf->pool, 2, sizeof(ngx_http_otp_people_t *)) != NGX_OK)
    {
        return NULL;
    }

    omcf->retention.age_s = 400 * 86400;

    return omcf;
}


static void *ngx_http_otp_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_otp_loc_conf_t *olcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_otp_loc_conf_t));

    if (olcf == NULL) {
        return NULL;
    }

    olcf->portal = NGX_CONF_UNSET;
    olcf->first_use_password = NGX_CONF_UNSET;
    olcf->activation_automatic = NGX_CONF_UNSET;
    olcf->identity = NGX_CONF_UNSET;
    olcf->metrics = NGX_CONF_UNSET;

    return olcf;
}


ngx_http_otp_require_t  ngx_http_otp_require_off = { NULL, OTP_LEVEL_OFF, 0, true };
static otp_allow_t              ngx_http_otp_allow_all = { NULL, 0, NULL, 0 };
static otp_limits_t             ngx_http_otp_limits_default = OTP_LIMITS_DEFAULT;
static ngx_http_otp_lifetime_t  ngx_http_otp_lifetime_default = { 30 * 60, 10 * 3600 };
static ngx_http_otp_support_t   ngx_http_otp_support_none;

static ngx_http_otp_cookie_t  ngx_http_otp_cookie_default = {
    { "otp", 3 }, { NULL, 0 }, { "Lax", 3 }, true,
    { { "__Host-otp", 10 }, { "__Host-otp-form", 15 }, { "__Host-otp-lang", 15 }, { "__Host-otp-device", 17 } }
};

static otp_span_t   ngx_http_otp_languages[] = { { "fr", 2 }, { "en", 2 } };
static ngx_array_t  ngx_http_otp_languages_default = { ngx_http_otp_languages, 2, sizeof(otp_span_t), 2, NULL };

static ngx_http_otp_templates_t  ngx_http_otp_templates_default = {
    ngx_string(OTP_TEMPLATES_DIR), { ngx_null_string, ngx_null_string, 0 }
};


#define ngx_http_otp_inherit(conf, prev, absent)                                                                     \
    if (conf == NULL) {                                                                                              \
        conf = (prev == NULL) ? absent : prev;                                                                       \
    }

#define ngx_http_otp_inherit_span(conf, prev, absent)                                                                \
    if (conf.len == 0) {                                                                                             \
        conf = (prev.len == 0) ? absent : prev;                                                                      \
    }


static void ngx_http_otp_merge_values(ngx_http_otp_loc_conf_t *conf, const ngx_http_otp_loc_conf_t *prev)
{
    ngx_http_otp_inherit(conf->require, prev->require, &ngx_http_otp_require_off)
    ngx_http_otp_inherit(conf->allow, prev->allow, &ngx_http_otp_allow_all)
    ngx_http_otp_inherit_span(conf->portal_url, prev->portal_url, OTP_SPAN("/otp/"))
    ngx_http_otp_inherit(conf->people, prev->people, NULL)
    ngx_conf_merge_value(conf->first_use_password, prev->first_use_password, 0);
    ngx_http_otp_inherit(conf->limits, prev->limits, &ngx_http_otp_limits_default)
    ngx_http_otp_inherit(conf->session, prev->session, &ngx_http_otp_lifetime_default)
    ngx_http_otp_inherit(conf->cookie, prev->cookie, &ngx_http_otp_cookie_default)
    ngx_http_otp_inherit(conf->applications, prev->applications, NULL)
    ngx_http_otp_inherit(conf->support, prev->support, &ngx_http_otp_support_none)
    ngx_http_otp_inherit(conf->helpdesk, prev->helpdesk, NULL)
    ngx_conf_merge_value(conf->activation_automatic, prev->activation_automatic, 0);
    ngx_http_otp_inherit(conf->zone, prev->zone, NULL)
    ngx_http_otp_inherit(conf->templates, prev->templates, &ngx_http_otp_templates_default)
    ngx_http_otp_inherit(conf->languages, prev->languages, &ngx_http_otp_languages_default)
    ngx_http_otp_inherit(conf->redirect_hosts, prev->redirect_hosts, NULL)
    ngx_conf_merge_value(conf->identity, prev->identity, NGX_CONF_UNSET);
    ngx_http_otp_inherit(conf->audit, prev->audit, NULL)
}


static ngx_int_t ngx_http_otp_merge_portal(ngx_conf_t *cf, const ngx_http_otp_loc_conf_t *prev,
    ngx_http_otp_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t *clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* A required level that comes from around would send people from the portal to the portal. */
    conf->require = &ngx_http_otp_require_off;

    /* Behind something that ends TLS, nginx's own idea of scheme and port is wrong. */
    clcf->absolute_redirect = 0;
    /* ngx_http_otp_body_read() has a limit of its own, and an answer in the person's language. */
    clcf->client_max_body_size = 0;

    if (clcf->noname) {
        conf->portal_path = prev->portal_path;
        return NGX_OK;
    }

    clcf->auto_redirect = clcf->name.data[clcf->name.len - 1] == '/';

    return ngx_http_otp_settings_path(cf, &clcf->name, &conf->portal_path);
}


/* What a location is, not how it is, has nothing to inherit; but `if` and `limit_except` blocks are locations for
 * nginx and part of one for people. */
static void ngx_http_otp_merge_handlers(ngx_conf_t *cf, const ngx_http_otp_loc_conf_t *prev,
    ngx_http_otp_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t *clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    ngx_conf_init_value(conf->portal, clcf->noname && prev->portal == 1);
    ngx_conf_init_value(conf->metrics, clcf->noname && prev->metrics == 1);

    if (clcf->noname && clcf->handler == NULL && conf->portal) {
        clcf->handler = ngx_http_otp_portal_handler;
    }

    if (clcf->noname && clcf->handler == NULL && conf->metrics) {
        clcf->handler = ngx_http_otp_metrics_handler;
    }
}


static char *ngx_http_otp_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_otp_module);
    ngx_http_otp_loc_conf_t  *prev = parent;
    ngx_http_otp_loc_conf_t  *conf = child;

    ngx_http_otp_merge_values(conf, prev);
    ngx_http_otp_merge_handlers(cf, prev, conf);

    if (ngx_http_otp_check_allow(cf, conf) != NGX_OK || ngx_http_otp_check_portal(cf, conf) != NGX_OK
        || (conf->portal && ngx_http_otp_merge_portal(cf, prev, conf) != NGX_OK))
    {
        return NGX_CONF_ERROR;
    }

    ngx_http_otp_check_return(cf, conf);

    /* Incomplete: ngx_http_otp_postconfiguration() says so. */
    if (omcf->redis == NULL || omcf->ring == NULL) {
        return NGX_CONF_OK;
    }

    if ((conf->portal || conf->require != &ngx_http_otp_require_off)
        && ngx_http_otp_files_pages(cf, conf) == NGX_ERROR)
    {
        return NGX_CONF_ERROR;
    }

    if (!conf->portal) {
        return NGX_CONF_OK;
    }

    if (conf->zone == NULL) {
        conf->zone = ngx_http_otp_zone_default(cf, omcf);
    }

    ngx_http_otp_settings_build(omcf, conf);

    return conf->zone == NULL ? NGX_CONF_ERROR : NGX_CONF_OK;
}


static ngx_int_t ngx_http_otp_preconfiguration(ngx_conf_t *cf)
{
    return ngx_http_otp_variables_add(cf);
}


static ngx_int_t ngx_http_otp_add_handler(ngx_conf_t *cf, ngx_http_phases phase, ngx_http_handler_pt handler)
{
    ngx_http_core_main_conf_t *cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    ngx_http_handler_pt       *slot = ngx_array_push(&cmcf->phases[phase].handlers);

    if (slot == NULL) {
        return NGX_ERROR;
    }

    *slot = handler;

    return NGX_OK;
}


static ngx_int_t ngx_http_otp_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_otp_module);
    ngx_str_t                 request_id = ngx_string("request_id");

    ngx_http_otp_identity_init();
    if (ngx_http_otp_check_needs(cf, omcf) != NGX_OK) {
        return NGX_ERROR;
    }

    omcf->request_id = ngx_http_get_variable_index(cf, &request_id);
    if (omcf->request_id == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (omcf->redis == NULL || omcf->ring == NULL) {
        return NGX_OK;
    }

    if (omcf->people.nelts != 0) {
        omcf->process = ngx_pcalloc(cf->pool, sizeof(ngx_http_otp_process_t));
        if (omcf->process == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_otp_cache_create(cf, omcf) != NGX_OK || ngx_http_otp_metrics_add(cf, omcf) != NGX_OK
        || ngx_http_otp_spent_add(cf, omcf) != NGX_OK
        || ngx_http_otp_add_handler(cf, NGX_HTTP_PREACCESS_PHASE, ngx_http_otp_guard_preaccess) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_otp_add_handler(cf, NGX_HTTP_ACCESS_PHASE, ngx_http_otp_guard_access);
}


static ngx_int_t ngx_http_otp_init_process(ngx_cycle_t *cycle)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_otp_module);

    if (omcf == NULL) {
        return NGX_OK;
    }

    /* First: it is a copy of the worker, and shall have nothing of what comes after. */
    if (ngx_http_otp_process_init_process(cycle, omcf->process) != NGX_OK
        || ngx_http_otp_cache_init_process(cycle, omcf) != NGX_OK
        || ngx_http_otp_redis_init_process(cycle, omcf->redis) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_otp_retention_init_process(cycle, omcf);

    return NGX_OK;
}


static void ngx_http_otp_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_otp_module);

    if (omcf != NULL) {
        ngx_http_otp_cache_exit_process(omcf);
        ngx_http_otp_redis_exit_process(omcf->redis);
        ngx_http_otp_process_exit_process(omcf->process);
    }
}
