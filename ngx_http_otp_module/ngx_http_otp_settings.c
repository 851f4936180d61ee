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

    if (olcf->helpdesk != NULL) {
        settings->helpdesk = olcf->helpdesk->elts;
        settings->helpdesks = olcf->helpdesk->nelts;
    }

    settings->languages = olcf->languages->nelts;
    ngx_memcpy(settings->language, olcf->languages->elts, settings->languages * sizeof(otp_span_t));
}


ngx_int_t ngx_http_otp_settings_path(ngx_conf_t *cf, const ngx_str_t *name, otp_span_t *path)
{
    char *text;

    *path = ngx_http_otp_span(*name);
    if (name->data[name->len - 1] == '/') {
        return NGX_OK;
    }

    text = ngx_pnalloc(cf->pool, name->len + 1);
    if (text == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(text, name->data, name->len);
    text[name->len] = '/';
    *path = (otp_span_t) { text, name->len + 1 };

    return NGX_OK;
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
    settings->cookie_name = olcf->cookie->full[NGX_HTTP_OTP_COOKIE_SESSION];
    settings->cookie_domain = olcf->cookie->domain;
    settings->cookie_samesite = olcf->cookie->samesite;
    settings->cookie_secure = olcf->cookie->secure;
    settings->activation_automatic = olcf->activation_automatic == 1;
    settings->zone = olcf->zone;
    settings->events_kept = omcf->retention.events;
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


/* The first member of what ngx_http_rewrite_module keeps of a location, in every version of nginx. */
typedef struct {
    ngx_array_t  *codes;
} ngx_http_otp_rewrite_t;


/* NULL: this nginx has none, or the location says nothing to it. */
static const ngx_array_t *ngx_http_otp_check_codes(ngx_conf_t *cf)
{
    for (ngx_uint_t i = 0; cf->cycle->modules[i] != NULL; i++) {
        if (ngx_strcmp(cf->cycle->modules[i]->name, "ngx_http_rewrite_module") == 0) {
            const ngx_http_otp_rewrite_t *rewrite = ngx_http_conf_get_module_loc_conf(cf, (*cf->cycle->modules[i]));

            return rewrite != NULL ? rewrite->codes : NULL;
        }
    }

    return NULL;
}


/* `return` runs before the guard, so that what it says is said to everybody.  A redirect or an error tells
 * nothing; a text may.  Those in `if` blocks are among the location's own. */
void ngx_http_otp_check_return(ngx_conf_t *cf, const ngx_http_otp_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t *clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    ngx_http_core_srv_conf_t *cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
    const ngx_array_t        *codes;

    if ((conf->require == &ngx_http_otp_require_off && !conf->portal) || clcf->noname) {
        return;
    }

    codes = ngx_http_otp_check_codes(cf);
    for (size_t at = 0; codes != NULL && at + sizeof(ngx_http_script_return_code_t) <= codes->nelts * codes->size;
         at += sizeof(uintptr_t))
    {
        const ngx_http_script_return_code_t *code = (void *) ((u_char *) codes->elts + at);

        if (code->code == ngx_http_script_return_code && code->status / 100 == 2 && code->text.value.len != 0) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0, "\"return %ui\" in %s \"%V\" answers before \"%s\" is asked: "
                "everybody gets this text (serve it from a file, or by another location with \"proxy_pass\")",
                (ngx_uint_t) code->status, clcf->name.len != 0 ? "location" : "server",
                clcf->name.len != 0 ? &clcf->name : &cscf->server_name, conf->portal ? "otp_portal" : "otp_require");
            return;
        }
    }
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
