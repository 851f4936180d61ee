/* Figures, in shared memory that all workers add to and that a reload keeps. */
#include "core/action/otp_action.h"
#include "core/model/otp_event.h"
#include "core/store/otp_swap.h"
#include "ngx_http_otp_module/ngx_http_otp_module.h"

#define NGX_HTTP_OTP_METRICS_TEXT  16384
/* The layout below belongs to a size of the zone: an nginx that is upgraded makes a new zone. */
#define NGX_HTTP_OTP_METRICS_PAGES 12

static const char *const  ngx_http_otp_guard_labels[] = {
    "ok", "login_required", "otp_required", "forbidden", "unavailable"
};

#define NGX_HTTP_OTP_GUARD_FIGURES  (sizeof(ngx_http_otp_guard_labels) / sizeof(ngx_http_otp_guard_labels[0]))

/* The verdicts of the portal's flows; what is not among them counts as the last. */
static const char *const  ngx_http_otp_portal_labels[] = {
    "page", "static", "redirect", "session", "health", "ok", "pin_required", "wait_next_code", "next_code", "denied",
    "already_used", "throttled", "pin_refused", "login_required", "otp_required", "csrf", "bad_request",
    "not_found", "method_not_allowed", "too_large", "unavailable", "forbidden", "refused", "requested",
    "serial_refused", "busy", "other"
};

#define NGX_HTTP_OTP_PORTAL_FIGURES  (sizeof(ngx_http_otp_portal_labels) / sizeof(ngx_http_otp_portal_labels[0]))

/* Verdicts of what the portal did to keys, accounts and sessions: `part` is a further record of the same action. */
static const char *const  ngx_http_otp_action_labels[] = {
    "ok", "part", "refused", "forbidden", "throttled", "other"
};

#define NGX_HTTP_OTP_ACTION_FIGURES  (sizeof(ngx_http_otp_action_labels) / sizeof(ngx_http_otp_action_labels[0]))

/* By otp_person_verdict_t: a password that matched and one that did not are both computed. */
static const char *const  ngx_http_otp_hash_labels[] = { "computed", "throttled", "busy", "unavailable" };

#define NGX_HTTP_OTP_HASH_FIGURES  (sizeof(ngx_http_otp_hash_labels) / sizeof(ngx_http_otp_hash_labels[0]))

/* What every guarded request counts has a cache line for each worker, or they would take it from one another. */
#define NGX_HTTP_OTP_METRICS_WORKERS  32    /* more of them share lines */

typedef struct {
    _Alignas(64) ngx_atomic_t  guard[NGX_HTTP_OTP_GUARD_FIGURES];
    ngx_atomic_t               cache[NGX_HTTP_OTP_CACHE_BYPASS + 1];    /* by ngx_http_otp_cache_result_t */
} ngx_http_otp_often_t;

typedef struct {
    ngx_http_otp_often_t  often[NGX_HTTP_OTP_METRICS_WORKERS];
    ngx_atomic_t  action[OTP_ACTIONS][NGX_HTTP_OTP_ACTION_FIGURES];
    ngx_atomic_t  mails;
    ngx_atomic_t  portal[NGX_HTTP_OTP_PORTAL_FIGURES];
    ngx_atomic_t  redis_failures;
    ngx_atomic_t  flows;
    ngx_atomic_t  hash[NGX_HTTP_OTP_HASH_FIGURES];
    ngx_atomic_t  invalidations, emptied;
} ngx_http_otp_figures_t;


static ngx_int_t ngx_http_otp_metrics_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t *pool = (ngx_slab_pool_t *) zone->shm.addr;

    if (data != NULL) {
        zone->data = data;
        return NGX_OK;
    }

    if (zone->shm.exists) {
        zone->data = pool->data;
        return NGX_OK;
    }

    zone->data = ngx_slab_calloc(pool, sizeof(ngx_http_otp_figures_t));
    pool->data = zone->data;

    return zone->data == NULL ? NGX_ERROR : NGX_OK;
}


ngx_int_t ngx_http_otp_metrics_add(ngx_conf_t *cf, ngx_http_otp_main_conf_t *omcf)
{
    ngx_str_t name = ngx_string("otp_metrics");

    omcf->metrics = ngx_shared_memory_add(cf, &name, NGX_HTTP_OTP_METRICS_PAGES * ngx_pagesize, &ngx_http_otp_module);
    if (omcf->metrics == NULL) {
        return NGX_ERROR;
    }

    omcf->metrics->init = ngx_http_otp_metrics_init;

    return NGX_OK;
}


static ngx_http_otp_figures_t *ngx_http_otp_metrics_all(const ngx_http_otp_main_conf_t *omcf)
{
    return omcf->metrics != NULL ? omcf->metrics->data : NULL;
}


static ngx_http_otp_figures_t *ngx_http_otp_metrics_figures(ngx_http_request_t *r)
{
    return ngx_http_otp_metrics_all(ngx_http_get_module_main_conf(r, ngx_http_otp_module));
}


static void ngx_http_otp_metrics_count(ngx_atomic_t *figure, ngx_atomic_int_t change)
{
    (void) ngx_atomic_fetch_add(figure, change);
}


static ngx_http_otp_often_t *ngx_http_otp_metrics_often(ngx_http_otp_figures_t *figures)
{
    return &figures->often[ngx_worker % NGX_HTTP_OTP_METRICS_WORKERS];
}


void ngx_http_otp_metrics_guard(ngx_http_request_t *r, ngx_http_otp_guard_figure_t figure)
{
    ngx_http_otp_figures_t *figures = ngx_http_otp_metrics_figures(r);

    if (figures != NULL) {
        ngx_http_otp_metrics_count(&ngx_http_otp_metrics_often(figures)->guard[figure], 1);
    }
}


void ngx_http_otp_metrics_portal(ngx_http_request_t *r, otp_span_t verdict)
{
    ngx_http_otp_figures_t *figures = ngx_http_otp_metrics_figures(r);
    size_t                  i;

    if (figures == NULL) {
        return;
    }

    for (i = 0; i < NGX_HTTP_OTP_PORTAL_FIGURES - 1; i++) {
        if (otp_span_equal(verdict, otp_span_of(ngx_http_otp_portal_labels[i]))) {
            break;
        }
    }

    ngx_http_otp_metrics_count(&figures->portal[i], 1);
}


/* The figures of an event: actions of one event, as the two that end sessions, share those of the first. */
static int ngx_http_otp_metrics_kind(otp_span_t event)
{
    for (int kind = 0; kind < OTP_ACTIONS; kind++) {
        if (otp_span_equal(event, otp_span_of(otp_action_event((otp_action_kind_t) kind)))) {
            return kind;
        }
    }

    return OTP_ACTIONS;
}


void ngx_http_otp_metrics_event(ngx_http_request_t *r, otp_span_t line)
{
    ngx_http_otp_figures_t *figures = ngx_http_otp_metrics_figures(r);
    otp_span_t              event, verdict;
    int                     kind;
    size_t                  i = 0;

    if (figures == NULL || !otp_event_words(line, &event, &verdict)) {
        return;
    }

    kind = ngx_http_otp_metrics_kind(event);
    if (kind == OTP_ACTIONS) {
        return;
    }

    while (i < NGX_HTTP_OTP_ACTION_FIGURES - 1
           && !otp_span_equal(verdict, otp_span_of(ngx_http_otp_action_labels[i])))
    {
        i++;
    }

    ngx_http_otp_metrics_count(&figures->action[kind][i], 1);
}


void ngx_http_otp_metrics_mails(ngx_http_request_t *r, const otp_command_t *command, const otp_reply_t *const *replies,
    size_t count)
{
    ngx_http_otp_figures_t *figures = ngx_http_otp_metrics_figures(r);

    for (size_t i = 0; figures != NULL && i < count; i++) {
        if (otp_swap_mailed(&command[i], replies[i])) {
            ngx_http_otp_metrics_count(&figures->mails, 1);
        }
    }
}


void ngx_http_otp_metrics_redis_failure(ngx_http_request_t *r)
{
    ngx_http_otp_figures_t *figures = ngx_http_otp_metrics_figures(r);

    if (figures != NULL) {
        ngx_http_otp_metrics_count(&figures->redis_failures, 1);
    }
}


void ngx_http_otp_metrics_cache(ngx_http_request_t *r, ngx_http_otp_cache_result_t result)
{
    ngx_http_otp_figures_t *figures = ngx_http_otp_metrics_figures(r);

    if (figures != NULL) {
        ngx_http_otp_metrics_count(&ngx_http_otp_metrics_often(figures)->cache[result], 1);
    }
}


void ngx_http_otp_metrics_invalidations(ngx_http_otp_main_conf_t *omcf, size_t sessions)
{
    ngx_http_otp_figures_t *figures = ngx_http_otp_metrics_all(omcf);

    if (figures != NULL) {
        ngx_http_otp_metrics_count(&figures->invalidations, (ngx_atomic_int_t) sessions);
    }
}


void ngx_http_otp_metrics_emptied(ngx_http_otp_main_conf_t *omcf)
{
    ngx_http_otp_figures_t *figures = ngx_http_otp_metrics_all(omcf);

    if (figures != NULL) {
        ngx_http_otp_metrics_count(&figures->emptied, 1);
    }
}


void ngx_http_otp_metrics_flow(ngx_http_request_t *r, ngx_int_t change)
{
    ngx_http_otp_figures_t *figures = ngx_http_otp_metrics_figures(r);

    if (figures != NULL) {
        ngx_http_otp_metrics_count(&figures->flows, change);
    }
}


void ngx_http_otp_metrics_hash(ngx_http_request_t *r, otp_person_verdict_t verdict)
{
    static const ngx_uint_t place[] = {
        [OTP_PERSON_MATCHES] = 0, [OTP_PERSON_REFUSED] = 0, [OTP_PERSON_THROTTLED] = 1, [OTP_PERSON_BUSY] = 2,
        [OTP_PERSON_UNAVAILABLE] = 3
    };
    ngx_http_otp_figures_t *figures = ngx_http_otp_metrics_figures(r);

    if (figures != NULL) {
        ngx_http_otp_metrics_count(&figures->hash[place[verdict]], 1);
    }
}


static ngx_http_otp_often_t ngx_http_otp_metrics_sum(const ngx_http_otp_figures_t *figures)
{
    ngx_http_otp_often_t sum;

    ngx_memzero(&sum, sizeof(sum));
    for (size_t worker = 0; worker < NGX_HTTP_OTP_METRICS_WORKERS; worker++) {
        for (size_t i = 0; i < NGX_HTTP_OTP_GUARD_FIGURES; i++) {
            sum.guard[i] += figures->often[worker].guard[i];
        }

        for (size_t i = 0; i <= NGX_HTTP_OTP_CACHE_BYPASS; i++) {
            sum.cache[i] += figures->often[worker].cache[i];
        }
    }

    return sum;
}


static u_char *ngx_http_otp_metrics_table(u_char *p, u_char *end, const char *name, const char *help,
    const ngx_atomic_t *figure, const char *const *label, size_t n)
{
    p = ngx_slprintf(p, end, "# HELP %s %s\n# TYPE %s counter\n", name, help, name);
    for (size_t i = 0; i < n; i++) {
        p = ngx_slprintf(p, end, "%s{verdict=\"%s\"} %uA\n", name, label[i], figure[i]);
    }

    return p;
}


/* Every action with `ok`, so that a graph begins at 0; other verdicts once there is one. */
static u_char *ngx_http_otp_metrics_actions(u_char *p, u_char *end, const ngx_http_otp_figures_t *figures)
{
    p = ngx_slprintf(p, end, "# HELP otp_actions_total Changes of keys, accounts and sessions by the helpdesk and by "
                             "people themselves, at this gateway.\n"
                             "# TYPE otp_actions_total counter\n");
    for (int kind = 0; kind < OTP_ACTIONS; kind++) {
        const char *event = otp_action_event((otp_action_kind_t) kind);
        bool        first = ngx_http_otp_metrics_kind(otp_span_of(event)) == kind;

        for (size_t i = 0; first && i < NGX_HTTP_OTP_ACTION_FIGURES; i++) {
            if (i == 0 || figures->action[kind][i] != 0) {
                p = ngx_slprintf(p, end, "otp_actions_total{event=\"%s\",verdict=\"%s\"} %uA\n", event,
                    ngx_http_otp_action_labels[i], figures->action[kind][i]);
            }
        }
    }

    return ngx_slprintf(p, end,
        "# HELP otp_mails_queued_total Mails that this gateway has put into the outbox for otpctl notify.\n"
        "# TYPE otp_mails_queued_total counter\n"
        "otp_mails_queued_total %uA\n", figures->mails);
}


static u_char *ngx_http_otp_metrics_text(u_char *p, u_char *end, const ngx_http_otp_figures_t *figures, ngx_uint_t up)
{
    ngx_http_otp_often_t often = ngx_http_otp_metrics_sum(figures);

    p = ngx_http_otp_metrics_table(p, end, "otp_guard_requests_total", "Decisions about protected locations.",
        often.guard, ngx_http_otp_guard_labels, NGX_HTTP_OTP_GUARD_FIGURES);
    p = ngx_http_otp_metrics_table(p, end, "otp_portal_requests_total", "Answers of the portal.", figures->portal,
        ngx_http_otp_portal_labels, NGX_HTTP_OTP_PORTAL_FIGURES);
    p = ngx_http_otp_metrics_table(p, end, "otp_password_hashes_total", "Passwords that were to be checked.",
        figures->hash, ngx_http_otp_hash_labels, NGX_HTTP_OTP_HASH_FIGURES);
    p = ngx_http_otp_metrics_actions(p, end, figures);

    p = ngx_slprintf(p, end,
        "# HELP otp_redis_failures_total Exchanges with Redis that were refused or did not end in time.\n"
        "# TYPE otp_redis_failures_total counter\n"
        "otp_redis_failures_total %uA\n", figures->redis_failures);
    p = ngx_slprintf(p, end,
        "# HELP otp_redis_up Whether the worker that answers is connected to Redis.\n"
        "# TYPE otp_redis_up gauge\n"
        "otp_redis_up %ui\n", up);

    p = ngx_slprintf(p, end,
        "# HELP otp_session_cache_requests_total Sessions asked for: from the cache, from Redis, from Redis while the "
        "cache was out of use.\n"
        "# TYPE otp_session_cache_requests_total counter\n"
        "otp_session_cache_requests_total{result=\"hit\"} %uA\n"
        "otp_session_cache_requests_total{result=\"miss\"} %uA\n"
        "otp_session_cache_requests_total{result=\"bypass\"} %uA\n", often.cache[NGX_HTTP_OTP_CACHE_HIT],
        often.cache[NGX_HTTP_OTP_CACHE_MISS], often.cache[NGX_HTTP_OTP_CACHE_BYPASS]);
    p = ngx_slprintf(p, end,
        "# HELP otp_session_cache_invalidations_total Sessions that Redis told the workers had changed.\n"
        "# TYPE otp_session_cache_invalidations_total counter\n"
        "otp_session_cache_invalidations_total %uA\n"
        "# HELP otp_session_cache_emptied_total Times a worker forgot all sessions it kept.\n"
        "# TYPE otp_session_cache_emptied_total counter\n"
        "otp_session_cache_emptied_total %uA\n", figures->invalidations, figures->emptied);

    return ngx_slprintf(p, end,
        "# HELP otp_portal_requests_in_progress Requests to the portal that wait for Redis, a thread or a delay.\n"
        "# TYPE otp_portal_requests_in_progress gauge\n"
        "otp_portal_requests_in_progress %A\n", (ngx_atomic_int_t) figures->flows);
}


ngx_int_t ngx_http_otp_metrics_handler(ngx_http_request_t *r)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_get_module_main_conf(r, ngx_http_otp_module);
    ngx_http_otp_figures_t   *figures = ngx_http_otp_metrics_figures(r);
    otp_answer_t              answer;
    u_char                   *text, *last;
    ngx_int_t                 rc;

    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    text = ngx_pnalloc(r->pool, NGX_HTTP_OTP_METRICS_TEXT);
    if (text == NULL || figures == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    last = ngx_http_otp_metrics_text(text, text + NGX_HTTP_OTP_METRICS_TEXT, figures,
        ngx_http_otp_redis_is_up(omcf->redis));

    ngx_memzero(&answer, sizeof(answer));
    answer.status = NGX_HTTP_OK;
    answer.body = (otp_span_t) { (char *) text, (size_t) (last - text) };
    ngx_http_otp_answer_header(&answer, OTP_SPAN("Content-Type"), OTP_SPAN("text/plain; version=0.0.4; charset=utf-8"));
    ngx_http_otp_answer_header(&answer, OTP_SPAN("Cache-Control"), OTP_SPAN("no-store"));

    return ngx_http_otp_answer_send(r, &answer);
}
