/*
 * ngx_http_otp_module: what its files share.  The module moves bytes between nginx, Redis and the core;
 * rules of authentication live in core/ only.
 */
#ifndef NGX_HTTP_OTP_MODULE_H
#define NGX_HTTP_OTP_MODULE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/decide/otp_guard.h"
#include "core/http/otp_cookie.h"
#include "core/http/otp_return_address.h"
#include "core/portal/otp_flow.h"
#include "core/portal/otp_settings.h"
#include "core/store/otp_session_cache.h"
#include "ngx_http_otp_module/ngx_http_otp_redis.h"

#ifndef OTP_TEMPLATES_DIR
#define OTP_TEMPLATES_DIR   "/usr/share/ngx-http-otp/templates"
#endif

/* The cookie headers of a request are a list from this version on, an array of pointers before. */
#define NGX_HTTP_OTP_HEADER_LISTS   (nginx_version >= 1023000)

typedef struct ngx_http_otp_people_s  ngx_http_otp_people_t;
typedef struct ngx_http_otp_process_s  ngx_http_otp_process_t;
typedef struct ngx_http_otp_audit_s   ngx_http_otp_audit_t;
typedef struct ngx_http_otp_cache_s   ngx_http_otp_cache_t;
typedef struct ngx_http_otp_state_s   ngx_http_otp_state_t;
typedef struct ngx_http_otp_body_s    ngx_http_otp_body_t;

/* Where a directive stands, for messages about it that come later. */
typedef struct {
    ngx_str_t   directive;
    ngx_str_t   file;
    ngx_uint_t  line;
} ngx_http_otp_place_t;

typedef struct {
    otp_span_t        events;               /* decimal text; empty: the core's own number */
    int64_t           age_s;                /* 0: whatever their age */
    ngx_uint_t        seen;
    ngx_event_t       timer;
    ngx_connection_t  ident;                /* of the timer, for nginx's debug log */
} ngx_http_otp_retention_t;

typedef struct {
    ngx_http_otp_redis_t  *redis;           /* NULL: no otp_redis */
    otp_keyring_t         *ring;            /* NULL: no otp_keyring */
    ngx_http_otp_place_t   needed;          /* the first directive that needs both; directive.len 0: none */
    ngx_array_t            pages;           /* of ngx_http_otp_pages_t: sets already read */
    ngx_array_t            people;          /* of ngx_http_otp_people_t *: password files already opened */
    ngx_http_otp_process_t  *process;       /* checks passwords; NULL: no otp_password_file */
    ngx_shm_zone_t        *metrics, *spent;
    ngx_int_t              request_id;      /* index of $request_id */
    ngx_http_otp_cache_t  *cache;           /* NULL: otp_session_cache was not seen yet */
    ngx_http_otp_retention_t  retention;
    const otp_zone_t      *zone;            /* of the system; NULL: nobody has asked yet */
} ngx_http_otp_main_conf_t;

typedef struct {
    ngx_http_complex_value_t  *text;        /* NULL: `level` is constant */
    otp_level_t                level;
    int64_t                    max_age_s;
    bool                       emergency;
} ngx_http_otp_require_t;

typedef struct {
    int64_t  idle_s, lifetime_s;
} ngx_http_otp_lifetime_t;

/* NAME, NAME-form, NAME-lang, NAME-device */
typedef enum {
    NGX_HTTP_OTP_COOKIE_SESSION, NGX_HTTP_OTP_COOKIE_FORM, NGX_HTTP_OTP_COOKIE_LANGUAGE, NGX_HTTP_OTP_COOKIE_DEVICE,
    NGX_HTTP_OTP_COOKIES
} ngx_http_otp_cookie_kind_t;

typedef struct {
    otp_span_t  name, domain, samesite;     /* as written */
    bool        secure;
    otp_span_t  full[NGX_HTTP_OTP_COOKIES]; /* names of all our cookies, with __Host- where it applies */
} ngx_http_otp_cookie_t;

typedef struct {
    otp_span_t  email, phone, hours;
} ngx_http_otp_support_t;

typedef struct {
    ngx_str_t             dir;
    ngx_http_otp_place_t  place;
} ngx_http_otp_templates_t;

/* A NULL pointer or empty string means: inherited. */
typedef struct {
    ngx_http_otp_require_t    *require;
    otp_allow_t               *allow;
    ngx_http_otp_place_t       allow_place;         /* of the directives in this very block */
    ngx_http_otp_place_t       portal_place;
    otp_span_t                 portal_url;
    ngx_flag_t                 portal;
    ngx_http_otp_people_t     *people;
    ngx_flag_t                 first_use_password;
    otp_limits_t              *limits;
    ngx_http_otp_lifetime_t   *session;
    ngx_http_otp_cookie_t     *cookie;
    ngx_array_t               *applications;        /* of otp_application_t */
    ngx_http_otp_support_t    *support;
    ngx_array_t               *helpdesk;            /* of otp_helpdesk_t */
    ngx_flag_t                 activation_automatic;
    const otp_zone_t          *zone;                /* NULL: the system's */
    ngx_http_otp_templates_t  *templates;
    ngx_array_t               *languages;           /* of otp_span_t */
    ngx_array_t               *redirect_hosts;      /* of otp_span_t */
    ngx_flag_t                 identity;            /* NGX_CONF_UNSET: strip; set where otp_require is not off */
    ngx_http_otp_audit_t      *audit;
    ngx_flag_t                 metrics;

    otp_span_t                 portal_path;         /* this location's own name with the final slash */
    otp_pages_t               *pages;               /* NULL: none could be read, plain pages are sent */
    otp_settings_t             settings;
} ngx_http_otp_loc_conf_t;

extern ngx_module_t  ngx_http_otp_module;

static ngx_inline otp_span_t ngx_http_otp_span(ngx_str_t text)
{
    return (otp_span_t) { (const char *) text.data, text.len };
}

static ngx_inline ngx_str_t ngx_http_otp_str(otp_span_t text)
{
    return (ngx_str_t) { text.len, (u_char *) text.data };
}

static ngx_inline int64_t ngx_http_otp_now_ms(void)
{
    return (int64_t) ngx_timeofday()->sec * 1000 + (int64_t) ngx_timeofday()->msec;
}

/* --- directives ---------------------------------------------------------------------------------- */

char *ngx_http_otp_conf_keyring(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_session_cache(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_require(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_allow(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_identity(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_portal_url(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_portal(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_password_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_first_use(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_session(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_cookie(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_limits(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_application(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_support(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_helpdesk(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_activation(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_timezone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_audit_retention(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_templates(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_language(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_redirect_hosts(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_audit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_otp_conf_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

void ngx_http_otp_conf_place(ngx_conf_t *cf, ngx_http_otp_place_t *place);
/* Remembers the directive being read as one that needs otp_redis and otp_keyring. */
void ngx_http_otp_conf_need(ngx_conf_t *cf);

/* `name=value` parameters: a number or a time goes to an int64_t, a text to an otp_span_t, on|off to a bool. */
typedef enum { NGX_HTTP_OTP_NUMBER, NGX_HTTP_OTP_TIME, NGX_HTTP_OTP_TEXT, NGX_HTTP_OTP_FLAG } ngx_http_otp_kind_t;

typedef struct {
    ngx_str_t            name;
    ngx_http_otp_kind_t  kind;
    size_t               offset;
    int64_t              min, max;      /* of numbers, of seconds, of the length of a text */
} ngx_http_otp_param_t;

/* What a location has that says nothing. */
extern ngx_http_otp_require_t  ngx_http_otp_require_off;

/* NGX_ERROR: the location, or the http block, lacks what its directives need; the log says what and where. */
ngx_int_t ngx_http_otp_check_allow(ngx_conf_t *cf, const ngx_http_otp_loc_conf_t *conf);
ngx_int_t ngx_http_otp_check_portal(ngx_conf_t *cf, const ngx_http_otp_loc_conf_t *conf);
/* Warns of a `return` that answers in the guard's place. */
void ngx_http_otp_check_return(ngx_conf_t *cf, const ngx_http_otp_loc_conf_t *conf);
ngx_int_t ngx_http_otp_check_needs(ngx_conf_t *cf, const ngx_http_otp_main_conf_t *omcf);

/* Reads the directive's arguments from `first` on into `base`.  Unknown and repeated names and values out
 * of range are reported with the file and the line. */
char *ngx_http_otp_conf_params(ngx_conf_t *cf, ngx_uint_t first, const ngx_http_otp_param_t *params, ngx_uint_t n,
    void *base);
/* Splits at commas.  NULL: reported. */
otp_span_t *ngx_http_otp_conf_names(ngx_conf_t *cf, otp_span_t text, size_t *n);
/* Whether `text` can stand in a URI as it is: visible ASCII without quotes and the like. */
bool ngx_http_otp_conf_uri_text(otp_span_t text);

/* --- files ---------------------------------------------------------------------------------------- */

typedef struct {
    ngx_str_t     dir;
    otp_span_t    language[OTP_LANGUAGES_MAX];
    ngx_uint_t    languages;
    otp_pages_t  *pages;
} ngx_http_otp_pages_t;

/* The key ring of the file; destroyed with cf->pool.  NULL: reported. */
otp_keyring_t *ngx_http_otp_files_keyring(ngx_conf_t *cf, ngx_str_t *path);
/* Checks existence and permissions of a password file.  Reports what is wrong. */
ngx_int_t ngx_http_otp_files_check_people(ngx_conf_t *cf, ngx_str_t *path);
/* Checks existence and permissions of a folder of templates.  Reports what is wrong. */
char *ngx_http_otp_files_check_templates(ngx_conf_t *cf, ngx_str_t *dir);
/* The pages of `olcf`'s folder and languages, read once.  NGX_DECLINED: the default folder is not there and
 * nothing insists on it. */
ngx_int_t ngx_http_otp_files_pages(ngx_conf_t *cf, ngx_http_otp_loc_conf_t *olcf);
/* Reads a regular file of at most `max` bytes into malloc()ed memory, never following what changed between
 * look and read.  -1: errno says why. */
int ngx_http_otp_files_read(const char *path, size_t max, struct stat *info, char **text, size_t *len);

/* A file's mode as "0644". */
const char *ngx_http_otp_files_mode(mode_t mode, char text[8]);

/* The system's time zone.  NULL: reported. */
const otp_zone_t *ngx_http_otp_zone_default(ngx_conf_t *cf, ngx_http_otp_main_conf_t *omcf);

/* A location's name with the final slash. */
ngx_int_t ngx_http_otp_settings_path(ngx_conf_t *cf, const ngx_str_t *name, otp_span_t *path);
/* Fills olcf->settings of a portal location. */
void ngx_http_otp_settings_build(ngx_http_otp_main_conf_t *omcf, ngx_http_otp_loc_conf_t *olcf);

/* Has worker 0 trim the events that are too old, each hour. */
void ngx_http_otp_retention_init_process(ngx_cycle_t *cycle, ngx_http_otp_main_conf_t *omcf);

/* --- the request's state -------------------------------------------------------------------------- */

typedef enum {
    NGX_HTTP_OTP_UNRESOLVED,
    NGX_HTTP_OTP_WAITING,
    NGX_HTTP_OTP_FOUND,
    NGX_HTTP_OTP_ABSENT,
    NGX_HTTP_OTP_UNREADABLE
} ngx_http_otp_resolved_t;

/* What $otp_session_cache says. */
typedef enum {
    NGX_HTTP_OTP_CACHE_UNASKED, NGX_HTTP_OTP_CACHE_HIT, NGX_HTTP_OTP_CACHE_MISS, NGX_HTTP_OTP_CACHE_BYPASS
} ngx_http_otp_cache_result_t;

typedef struct ngx_http_otp_read_s    ngx_http_otp_read_t;
typedef struct ngx_http_otp_waiter_s  ngx_http_otp_waiter_t;
struct ngx_http_otp_waiter_s {
    ngx_http_request_t     *r;
    ngx_http_otp_waiter_t  *next;
};

/* One for the main request and all its subrequests and internal redirects. */
struct ngx_http_otp_state_s {
    ngx_http_request_t          *main;
    ngx_http_otp_resolved_t      resolved;
    otp_session_t                session;       /* when FOUND; points into the request's pool */
    ngx_http_otp_cache_result_t  cached;
    ngx_http_otp_read_t         *read;          /* of a session that was not in the cache */
    ngx_http_otp_redis_batch_t  *batch;
    ngx_http_otp_waiter_t       *waiters;
    otp_span_t                  *cookie;        /* Cookie headers as they came, once they were stripped */
    ngx_uint_t                   cookies;
    ngx_uint_t                   cookies_kept;  /* unsigned cookies_kept:1; */
    otp_cookie_taken_t           own;           /* what was taken out of them first... */
    const ngx_http_otp_cookie_t *own_of;        /* ...under the names of this otp_cookie; NULL: nothing was */
    ngx_http_otp_body_t         *body;          /* being read by ngx_http_otp_body_read() */
};

/* NULL when there is none yet. */
ngx_http_otp_state_t *ngx_http_otp_state_get(ngx_http_request_t *r);
/* NULL: no memory. */
ngx_http_otp_state_t *ngx_http_otp_state_make(ngx_http_request_t *r);
/* Finds out whose request this is, once.  NGX_OK: state->resolved says; NGX_AGAIN: `r` goes on by itself
 * later, return NGX_AGAIN; NGX_ERROR: refuse. */
ngx_int_t ngx_http_otp_session_resolve(ngx_http_request_t *r, ngx_http_otp_state_t *state);

/* `r` waits for something that is not its connection; a client that leaves is noticed. */
ngx_int_t ngx_http_otp_wait(ngx_http_request_t *r);

/* --- the cache of sessions ------------------------------------------------------------------------- */

/* Makes what otp_session_cache says, or what holds without it. */
ngx_int_t ngx_http_otp_cache_create(ngx_conf_t *cf, ngx_http_otp_main_conf_t *omcf);
ngx_int_t ngx_http_otp_cache_init_process(ngx_cycle_t *cycle, ngx_http_otp_main_conf_t *omcf);
void ngx_http_otp_cache_exit_process(ngx_http_otp_main_conf_t *omcf);
/* What may be served from now, and put into; NULL: nothing is, for there is no cache, or changes could be missed. */
otp_session_cache_t *ngx_http_otp_cache_sessions(ngx_http_otp_cache_t *cache);

/* --- cookies, headers, identity ------------------------------------------------------------------- */

/* The Cookie headers as the client sent them.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_otp_cookies(ngx_http_request_t *r, const otp_span_t **cookie, ngx_uint_t *n);
/* The value of our cookie.  NGX_DECLINED: there is none, or more than one: which one was ours cannot be known. */
ngx_int_t ngx_http_otp_cookies_session(ngx_http_request_t *r, otp_span_t *value);
/* Takes our cookies out of what goes to the application. */
ngx_int_t ngx_http_otp_cookies_strip(ngx_http_request_t *r, const ngx_http_otp_cookie_t *cookie);

typedef bool (*ngx_http_otp_header_test_pt)(const ngx_table_elt_t *header);
/* Removes the request headers that `remove` (NULL: none) names and appends `added`, leaving every other element
 * where it is in memory, so that r->headers_in.host and its like stay true. */
ngx_int_t ngx_http_otp_headers_edit(ngx_http_request_t *r, ngx_http_otp_header_test_pt remove,
    ngx_table_elt_t *added, ngx_uint_t n);
/* The first request header of this name (lower case); an empty span when there is none. */
otp_span_t ngx_http_otp_header_find(ngx_http_request_t *r, otp_span_t lowcase_name);

/* At the start. */
void ngx_http_otp_identity_init(void);
/* Nothing under the names of identity headers, and no cookie of ours, goes on from here. */
ngx_int_t ngx_http_otp_identity_strip(ngx_http_request_t *r, ngx_http_otp_loc_conf_t *olcf);
ngx_int_t ngx_http_otp_identity_set(ngx_http_request_t *r, const otp_session_t *session);

/* --- phases and handlers -------------------------------------------------------------------------- */

ngx_int_t ngx_http_otp_guard_preaccess(ngx_http_request_t *r);
ngx_int_t ngx_http_otp_guard_access(ngx_http_request_t *r);
ngx_int_t ngx_http_otp_portal_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_otp_metrics_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_otp_variables_add(ngx_conf_t *cf);

/* --- answers -------------------------------------------------------------------------------------- */

/* Sends `answer`; all of it is copied.  Returns what ngx_http_finalize_request() takes. */
ngx_int_t ngx_http_otp_answer_send(ngx_http_request_t *r, const otp_answer_t *answer);
/* Whether this is a person in a browser who goes to a page. */
bool ngx_http_otp_answer_navigation(ngx_http_request_t *r);
/* Fills a 403 or 503: a page for a person, JSON for a program. */
void ngx_http_otp_answer_error(ngx_http_request_t *r, int status, otp_answer_t *answer);
void ngx_http_otp_answer_header(otp_answer_t *answer, otp_span_t name, otp_span_t value);

/* --- body ----------------------------------------------------------------------------------------- */

typedef void (*ngx_http_otp_body_handler_pt)(ngx_http_request_t *r, ngx_http_otp_body_t *body);

struct ngx_http_otp_body_s {
    ngx_http_otp_body_handler_pt  handler;
    size_t                        len;
    ngx_uint_t                    too_large;    /* unsigned too_large:1; */
    char                          data[OTP_BODY_MAX];
};

/* Reads the body without a temporary file and without leaving it in nginx's buffers; calls the handler once.
 * Returns what a content handler returns. */
ngx_int_t ngx_http_otp_body_read(ngx_http_request_t *r, ngx_http_otp_body_t *body);
void ngx_http_otp_body_wipe(ngx_http_otp_body_t *body);

/* --- people --------------------------------------------------------------------------------------- */

typedef struct ngx_http_otp_person_s  ngx_http_otp_person_t;
typedef void (*ngx_http_otp_person_handler_pt)(void *data, const otp_person_result_t *result);

/* The password file `path`, one for every location that names it.  NULL: reported. */
ngx_http_otp_people_t *ngx_http_otp_people_add(ngx_conf_t *cf, ngx_str_t *path);
/* Beside each worker, from its start to its end. */
ngx_int_t ngx_http_otp_process_init_process(ngx_cycle_t *cycle, ngx_http_otp_process_t *process);
void ngx_http_otp_process_exit_process(ngx_http_otp_process_t *process);
/* What `from` has, and no more of the people found than there are. */
void ngx_http_otp_person_result_copy(otp_person_result_t *to, const otp_person_result_t *from);
/* A place for a password that will be checked.  NULL: there is no room, as `refused` says. */
ngx_http_otp_person_t *ngx_http_otp_person_place(ngx_http_otp_process_t *process, const otp_limits_t *limits,
    const otp_hash_asker_t *asker, otp_person_result_t *refused);
/* Asks the process; the handler is called from the event loop, and what it is given is gone once it returns.
 * `place`: of a password; NULL: there is none to be checked.  NULL: it cannot be asked, as `refused` says. */
ngx_http_otp_person_t *ngx_http_otp_person_ask(ngx_http_otp_person_t *place, ngx_http_otp_process_t *process,
    ngx_http_otp_people_t *people, const otp_person_query_t *query, ngx_http_otp_person_handler_pt handler, void *data,
    otp_person_result_t *refused);
/* The request went away (or has no question left); what is under way is finished, and nobody told. */
void ngx_http_otp_person_orphan(ngx_http_otp_person_t *person);

/* --- audit -------------------------------------------------------------------------------------- */

/* One line, JSON without its end of line.  `audit` NULL: nothing happens. */
void ngx_http_otp_audit_write(ngx_http_otp_audit_t *audit, ngx_log_t *log, otp_span_t line);
/* What the guard refused. */
void ngx_http_otp_audit_guard(ngx_http_request_t *r, otp_span_t verdict, const otp_session_t *session);

/* $request_id; an empty span when it cannot be had. */
otp_span_t ngx_http_otp_request_id(ngx_http_request_t *r);

#include "ngx_http_otp_module/ngx_http_otp_metrics.h"
#include "ngx_http_otp_module/ngx_http_otp_spent.h"

#endif
