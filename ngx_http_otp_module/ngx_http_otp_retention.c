/*
 * `otp_audit_retention`: how much of the audit Redis keeps.  Writers hold a stream to a number of events by
 * themselves; what is too old is trimmed here, once an hour, by one worker of each gateway.
 */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#include "core/store/otp_names.h"

#define NGX_HTTP_OTP_RETENTION_FIRST  3000      /* milliseconds after the start of the worker */
#define NGX_HTTP_OTP_RETENTION_EACH   3600000
#define NGX_HTTP_OTP_RETENTION_AGAIN  60000     /* when Redis was out of reach */
#define NGX_HTTP_OTP_DAY              86400

/* One batch carries all streams. */
_Static_assert(OTP_TAGS <= NGX_HTTP_OTP_REDIS_COMMANDS, "a batch has room for every stream");


char *ngx_http_otp_conf_audit_retention(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    typedef struct { int64_t events, age_s; } ngx_http_otp_kept_t;

    static const ngx_http_otp_param_t params[] = {
        { ngx_string("events"), NGX_HTTP_OTP_NUMBER, offsetof(ngx_http_otp_kept_t, events), 1000, 100000000 },
        { ngx_string("age"), NGX_HTTP_OTP_TIME, offsetof(ngx_http_otp_kept_t, age_s), 0, 3660 * NGX_HTTP_OTP_DAY },
    };
    ngx_http_otp_main_conf_t *omcf = conf;
    ngx_http_otp_kept_t       kept = { 0, omcf->retention.age_s };
    u_char                   *text;

    if (omcf->retention.seen) {
        return "is duplicate";
    }

    omcf->retention.seen = 1;
    if (ngx_http_otp_conf_params(cf, 1, params, sizeof(params) / sizeof(params[0]), &kept) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (kept.age_s != 0 && kept.age_s < NGX_HTTP_OTP_DAY) {
        return "has an \"age=\" below one day: say \"1d\" or more, or \"0\" to keep events whatever their age";
    }

    omcf->retention.age_s = kept.age_s;
    if (kept.events == 0) {
        return NGX_CONF_OK;
    }

    text = ngx_pnalloc(cf->pool, NGX_INT64_LEN);
    if (text == NULL) {
        return NGX_CONF_ERROR;
    }

    omcf->retention.events = (otp_span_t) { (char *) text, (size_t) (ngx_sprintf(text, "%L", kept.events) - text) };

    return NGX_CONF_OK;
}


static void ngx_http_otp_retention_trimmed(void *data, const otp_reply_t *const *replies, size_t count)
{
    ngx_http_otp_main_conf_t *omcf = data;

    if (replies == NULL) {
        ngx_add_timer(&omcf->retention.timer, NGX_HTTP_OTP_RETENTION_AGAIN);
        return;
    }

    for (size_t i = 0; i < count; i++) {
        if (replies[i]->kind == OTP_REPLY_ERROR) {
            ngx_str_t reason = ngx_http_otp_str(replies[i]->text);

            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "otp_audit_retention: Redis does not trim the events: %V "
                "(may its user do \"+xtrim\"?)", &reason);
            break;
        }
    }

    ngx_add_timer(&omcf->retention.timer, NGX_HTTP_OTP_RETENTION_EACH);
}


static void ngx_http_otp_retention_trim(ngx_event_t *ev)
{
    ngx_http_otp_main_conf_t *omcf = ((ngx_connection_t *) ev->data)->data;
    otp_command_t             command[OTP_TAGS];
    otp_name_t                stream[OTP_TAGS];
    u_char                    since[NGX_INT64_LEN];
    otp_span_t                oldest = { (char *) since, 0 };

    oldest.len = (size_t) (ngx_sprintf(since, "%L", ngx_http_otp_now_ms() - omcf->retention.age_s * 1000) - since);
    for (unsigned i = 0; i < OTP_TAGS; i++) {
        otp_name_events_tag(&stream[i], ngx_http_otp_redis_prefix(omcf->redis), i);
        command[i] = (otp_command_t) {
            .arg = { OTP_SPAN("XTRIM"), otp_name_span(&stream[i]), OTP_SPAN("MINID"), OTP_SPAN("~"), oldest },
            .args = 5
        };
    }

    if (ngx_http_otp_redis_send(omcf->redis, command, OTP_TAGS, ngx_http_otp_retention_trimmed, omcf) == NULL) {
        ngx_add_timer(&omcf->retention.timer, NGX_HTTP_OTP_RETENTION_AGAIN);
    }
}


void ngx_http_otp_retention_init_process(ngx_cycle_t *cycle, ngx_http_otp_main_conf_t *omcf)
{
    ngx_http_otp_retention_t *retention = &omcf->retention;

    if (omcf->redis == NULL || retention->age_s == 0 || ngx_worker != 0
        || (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE))
    {
        return;
    }

    retention->ident.fd = (ngx_socket_t) -1;
    retention->ident.data = omcf;
    retention->timer.handler = ngx_http_otp_retention_trim;
    retention->timer.data = &retention->ident;
    retention->timer.log = cycle->log;
    retention->timer.cancelable = 1;
    ngx_add_timer(&retention->timer, NGX_HTTP_OTP_RETENTION_FIRST);
}
