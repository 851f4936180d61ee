/* `otp_audit`: one JSON line an event, to a file that USR1 reopens or to syslog. */
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#include "core/model/otp_event.h"

#include <ngx_syslog.h>

#define NGX_HTTP_OTP_SYSLOG_MAX  (OTP_EVENT_MAX + 256)

struct ngx_http_otp_audit_s {
    ngx_open_file_t    *file;       /* NULL: syslog, or off */
    ngx_syslog_peer_t  *syslog;
    time_t              complained; /* about a line that could not be written, at most once a second */
};


static char *ngx_http_otp_audit_syslog(ngx_conf_t *cf, ngx_http_otp_audit_t *audit)
{
    audit->syslog = ngx_pcalloc(cf->pool, sizeof(ngx_syslog_peer_t));

    return audit->syslog == NULL ? NGX_CONF_ERROR : ngx_syslog_process_conf(cf, audit->syslog);
}


/* nginx opens its logs when all is read, and says no line then: what can be known before is said here. */
static char *ngx_http_otp_audit_file(ngx_conf_t *cf, ngx_str_t *name, ngx_http_otp_audit_t *audit)
{
    struct stat  info;
    const char  *path;
    u_char      *slash;
    ngx_str_t    folder;

    audit->file = ngx_conf_open_file(cf->cycle, name);
    if (audit->file == NULL) {
        return NGX_CONF_ERROR;
    }

    path = (const char *) audit->file->name.data;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%s\" is a folder: name a file in it", path);
        return NGX_CONF_ERROR;
    }

    if (access(path, W_OK) == 0) {
        return NGX_CONF_OK;
    }

    slash = (u_char *) strrchr(path, '/');
    folder = (ngx_str_t) { slash != NULL ? (size_t) (slash - (u_char *) path) : 0, (u_char *) path };
    if (ngx_errno != NGX_ENOENT || folder.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "cannot write to \"%s\"", path);
        return NGX_CONF_ERROR;
    }

    *slash = '\0';
    if (access(path, W_OK|X_OK) == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "cannot make \"%V/%s\" (make the folder \"%V\", writable "
            "for the user who runs nginx)", &folder, slash + 1, &folder);
        return NGX_CONF_ERROR;
    }
    *slash = '/';

    return NGX_CONF_OK;
}


char *ngx_http_otp_conf_audit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_otp_loc_conf_t *olcf = conf;
    ngx_str_t               *value = cf->args->elts;

    if (olcf->audit != NULL) {
        return "is duplicate";
    }

    olcf->audit = ngx_pcalloc(cf->pool, sizeof(ngx_http_otp_audit_t));
    if (olcf->audit == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    if (otp_span_starts(ngx_http_otp_span(value[1]), OTP_SPAN("syslog:"))) {
        return ngx_http_otp_audit_syslog(cf, olcf->audit);
    }

    if (value[1].len == 0) {
        return "needs a file, \"syslog:server=ADDRESS\" or \"off\"";
    }

    return ngx_http_otp_audit_file(cf, &value[1], olcf->audit);
}


static bool ngx_http_otp_audit_to_file(ngx_http_otp_audit_t *audit, otp_span_t line)
{
    u_char  text[OTP_EVENT_MAX + 1];
    ssize_t n;

    if (line.len >= sizeof(text)) {
        return false;
    }

    /* In one piece: several workers append to the file. */
    ngx_memcpy(text, line.data, line.len);
    text[line.len] = '\n';
    n = ngx_write_fd(audit->file->fd, text, line.len + 1);

    return n == (ssize_t) line.len + 1;
}


static bool ngx_http_otp_audit_to_syslog(ngx_http_otp_audit_t *audit, otp_span_t line)
{
    u_char  text[NGX_HTTP_OTP_SYSLOG_MAX];
    u_char *p = ngx_syslog_add_header(audit->syslog, text);

    if (line.len > (size_t) (text + sizeof(text) - p)) {
        return false;
    }

    p = ngx_cpymem(p, line.data, line.len);

    return ngx_syslog_send(audit->syslog, text, (size_t) (p - text)) >= 0;
}


void ngx_http_otp_audit_write(ngx_http_otp_audit_t *audit, ngx_log_t *log, otp_span_t line)
{
    bool written = true;

    if (audit == NULL || line.len == 0) {
        return;
    }

    if (audit->file != NULL) {
        written = ngx_http_otp_audit_to_file(audit, line);
    } else if (audit->syslog != NULL) {
        written = ngx_http_otp_audit_to_syslog(audit, line);
    }

    if (!written && audit->complained != ngx_time()) {
        audit->complained = ngx_time();
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno, "otp_audit: a line could not be written");
    }
}


void ngx_http_otp_audit_guard(ngx_http_request_t *r, otp_span_t verdict, const otp_session_t *session)
{
    ngx_http_otp_loc_conf_t *olcf = ngx_http_get_module_loc_conf(r, ngx_http_otp_module);
    char                     line[OTP_EVENT_MAX];
    size_t                   len;
    otp_event_t              event;

    if (olcf->audit == NULL || (olcf->audit->file == NULL && olcf->audit->syslog == NULL)) {
        return;
    }

    ngx_memzero(&event, sizeof(event));
    event.time_ms = ngx_http_otp_now_ms();
    event.event = OTP_SPAN("guard");
    event.verdict = verdict;
    event.address = ngx_http_otp_span(r->connection->addr_text);
    event.request = ngx_http_otp_request_id(r);
    if (session != NULL) {
        event.user = session->person.uid;
        event.serial = session->serial;
        event.session = session->id;
    }

    if (otp_event_write(&event, line, sizeof(line), &len) == OTP_OK) {
        ngx_http_otp_audit_write(olcf->audit, r->connection->log, (otp_span_t) { line, len });
    }
}
