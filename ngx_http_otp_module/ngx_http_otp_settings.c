#include "ngx_http_otp_module/ngx_http_otp_module.h"


static void ngx_http_otp_settings_lists(const ngx_http_otp_loc_conf_t *olcf, otp_settings_t *settings)
{
    if (olcf->redirect_hosts != NULL) {
        settings->redirect_hosts = olcf->redirect_hosts->elts;
        settings->redirect_hosts_n = olcf->redirect_hosts->nelts;
    }

    if (olcf->applications != NULL) {
        settings->applications = olcf->applications->elts;
        settings->applications_n = olcf->applications->nelts;
    }

    settings->languages = olcf->languages->nelts;
    ngx_memcpy(settings->language, olcf->languages->elts, settings->languages * sizeof(otp_span_t));
}


void ngx_http_otp_settings_build(ngx_http_otp_main_conf_t *omcf, ngx_http_otp_loc_conf_t *olcf)
{
    otp_settings_t *settings = &olcf->settings;

    settings->ring = omcf->ring;
    settings->prefix = ngx_http_otp_redis_prefix(omcf->redis);
    settings->portal = olcf->portal_path;
    settings->limits = *olcf->limits;
    settings->first_use_needs_password = olcf->first_use_password == 1;
    settings->people_known = olcf->people != NULL;
    settings->idle_s = olcf->session->idle_s;
    settings->lifetime_s = olcf->session->lifetime_s;
    settings->cookie_name = olcf->cookie->full_name;
    settings->cookie_domain = olcf->cookie->domain;
    settings->cookie_samesite = olcf->cookie->samesite;
    settings->cookie_secure = olcf->cookie->secure;
    settings->support_email = olcf->support->email;
    settings->support_phone = olcf->support->phone;
    settings->support_hours = olcf->support->hours;
    settings->pages = olcf->pages;

    ngx_http_otp_settings_lists(olcf, settings);
}


/* `otp_allow` says who may pass a guard: in a location that has none everybody would. */
ngx_int_t ngx_http_otp_check_allow(ngx_conf_t *cf, const ngx_http_otp_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t   *clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    const ngx_http_otp_place_t *place = &conf->allow_place;

    if (place->line == 0 || clcf->name.len == 0 || conf->require != &ngx_http_otp_require_off) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "\"otp_allow\" guards nothing here: say \"otp_require password\" or "
        "\"otp_require otp\" too in %V:%ui", &place->file, place->line);

    return NGX_ERROR;
}


/* The handler of a location is one: what came last, `proxy_pass` or its like, would answer in the portal's place. */
ngx_int_t ngx_http_otp_check_portal(ngx_conf_t *cf, const ngx_http_otp_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t   *clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    const ngx_http_otp_place_t *place = &conf->portal_place;

    if (place->line == 0 || clcf->handler == ngx_http_otp_portal_handler) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "\"otp_portal\" cannot share its location with \"proxy_pass\" or another "
        "directive that answers: give it a location of its own in %V:%ui", &place->file, place->line);

    return NGX_ERROR;
}


ngx_int_t ngx_http_otp_check_needs(ngx_conf_t *cf, const ngx_http_otp_main_conf_t *omcf)
{
    const ngx_http_otp_place_t *place = &omcf->needed;

    if (place->directive.len == 0 || (omcf->redis != NULL && omcf->ring != NULL)) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "\"%V\" needs \"%s\" in the http block in %V:%ui", &place->directive,
        omcf->redis == NULL ? "otp_redis ADDRESS" : "otp_keyring FILE", &place->file, place->line);

    return NGX_ERROR;
}
