/* The content handler of `otp_portal`: carries a flow of the core to its answer. */
#include "ngx_http_otp_module/ngx_http_otp_portal.h"

#include <openssl/rand.h>

typedef struct {
    ngx_http_request_t          *r;
    ngx_http_otp_loc_conf_t     *olcf;
    ngx_http_otp_body_t          body;
    otp_request_t                request;
    otp_flow_t                  *flow;      /* NULL: not yet, or over */
    ngx_http_otp_redis_batch_t  *batch;
    ngx_http_otp_person_t       *person;
    ngx_event_t                  timer;
    unsigned                     failed:1;  /* Redis, or the directory: the log says why */
    unsigned                     revoked:1; /* sessions were ended, and it is not sure yet that all gateways are told */
} ngx_http_otp_portal_t;

static void ngx_http_otp_portal_drive(ngx_http_otp_portal_t *portal, otp_effect_t effect);


/* Whatever the flow is waiting for, it does not any more.  Legal twice. */
static void ngx_http_otp_portal_end(void *data)
{
    ngx_http_otp_portal_t *portal = data;

    ngx_http_otp_redis_cancel(portal->batch);
    ngx_http_otp_person_orphan(portal->person);
    portal->batch = NULL;
    portal->person = NULL;
    if (portal->timer.timer_set) {
        ngx_del_timer(&portal->timer);
    }

    if (portal->flow != NULL) {
        otp_flow_destroy(portal->flow);
        portal->flow = NULL;
        ngx_http_otp_metrics_flow(portal->r, -1);
    }

    ngx_http_otp_body_wipe(&portal->body);
}


/* The last thing that is done with `portal`. */
static void ngx_http_otp_portal_finish(ngx_http_otp_portal_t *portal, ngx_int_t rc)
{
    ngx_http_request_t *r = portal->r;

    ngx_http_otp_portal_end(portal);
    ngx_http_finalize_request(r, rc);
}


static void ngx_http_otp_portal_unavailable(ngx_http_otp_portal_t *portal)
{
    otp_answer_t answer;

    ngx_memzero(&answer, sizeof(answer));
    ngx_http_otp_metrics_portal(portal->r, OTP_SPAN("unavailable"));
    ngx_http_otp_answer_error(portal->r, NGX_HTTP_SERVICE_UNAVAILABLE, &answer);
    ngx_http_otp_portal_finish(portal, ngx_http_otp_answer_send(portal->r, &answer));
}


static void ngx_http_otp_portal_answer(ngx_http_otp_portal_t *portal)
{
    ngx_http_request_t *r = portal->r;

    ngx_http_otp_portal_finish(portal, ngx_http_otp_answer_send(r, &otp_flow_view(portal->flow)->answer));
}


/* Before anything else is waited for: a client who leaves takes the flow along. */
static void ngx_http_otp_portal_record(ngx_http_otp_portal_t *portal)
{
    const otp_flow_view_t *view = otp_flow_view(portal->flow);
    ngx_http_request_t    *r = portal->r;

    for (size_t i = 0; i < view->audits; i++) {
        ngx_http_otp_audit_write(portal->olcf->audit, r->connection->log, view->audit[i]);
        ngx_http_otp_metrics_event(r, view->audit[i]);
    }

    if (!portal->failed && otp_span_equal(view->answer.verdict, OTP_SPAN("unavailable"))) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "otp: unavailable although Redis answered: it refused a "
            "command, or what it holds cannot be read with this key ring (\"otpctl doctor\" tells)");
    }

    ngx_http_otp_metrics_portal(r, view->answer.verdict);
}


static otp_effect_t ngx_http_otp_portal_flow(ngx_http_otp_portal_t *portal, const otp_reply_t *const *replies,
    size_t count)
{
    ngx_http_otp_spent_tell(ngx_http_get_module_main_conf(portal->r, ngx_http_otp_module), &portal->request);

    return otp_flow_step(portal->flow, ngx_http_otp_now_ms(), replies, count);
}


/* Back from outside: goes on, then lets nginx do what became due. */
static void ngx_http_otp_portal_step(ngx_http_otp_portal_t *portal, const otp_reply_t *const *replies, size_t count)
{
    ngx_connection_t *c = portal->r->connection;

    ngx_http_set_log_request(c->log, portal->r);
    ngx_http_otp_portal_drive(portal, ngx_http_otp_portal_flow(portal, replies, count));
    ngx_http_run_posted_requests(c);
}


static void ngx_http_otp_portal_replied(void *data, const otp_reply_t *const *replies, size_t count)
{
    ngx_http_otp_portal_t *portal = data;

    portal->batch = NULL;
    if (replies == NULL) {
        portal->failed = 1;
        ngx_http_otp_metrics_redis_failure(portal->r);
    }

    ngx_http_otp_metrics_mails(portal->r, otp_flow_view(portal->flow)->command, replies, count);
    ngx_http_otp_portal_step(portal, replies, count);
}


static void ngx_http_otp_portal_hashed(ngx_http_otp_portal_t *portal, otp_person_verdict_t verdict)
{
    if (otp_flow_view(portal->flow)->person_query.password.data != NULL) {
        ngx_http_otp_metrics_hash(portal->r, verdict);
    }
}


static void ngx_http_otp_portal_person(void *data, const otp_person_result_t *result)
{
    ngx_http_otp_portal_t *portal = data;

    portal->person = NULL;
    ngx_http_otp_portal_hashed(portal, result->verdict);
    portal->failed |= result->verdict == OTP_PERSON_UNAVAILABLE;
    ngx_http_otp_person_result_copy(otp_flow_view(portal->flow)->person_result, result);
    ngx_http_otp_portal_step(portal, NULL, 0);
}


static void ngx_http_otp_portal_time(ngx_event_t *ev)
{
    ngx_http_otp_portal_step(ev->data, NULL, 0);
}


static void ngx_http_otp_portal_told(void *data, const otp_reply_t *const *replies, size_t count)
{
    ngx_http_otp_portal_t *portal = data;
    ngx_connection_t      *c = portal->r->connection;

    portal->batch = NULL;
    ngx_http_set_log_request(c->log, portal->r);
    ngx_http_otp_portal_answer(portal);
    ngx_http_run_posted_requests(c);
}


/* Redis may write its answer to us before it writes to those who keep the session that it is gone; what it answers to
 * the next command it writes after both.  So whoever reads our answer asks a gateway that has been told. */
static bool ngx_http_otp_portal_tell(ngx_http_otp_portal_t *portal)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_get_module_main_conf(portal->r, ngx_http_otp_module);
    otp_command_t             ping = { .arg = { OTP_SPAN("PING") }, .args = 1 };

    if (!portal->revoked) {
        return false;
    }

    portal->revoked = 0;
    portal->batch = ngx_http_otp_redis_send(omcf->redis, &ping, 1, ngx_http_otp_portal_told, portal);

    return portal->batch != NULL;
}


/* true: sent, the handler will be called.  false: the flow goes on at once, with nothing. */
static bool ngx_http_otp_portal_send(ngx_http_otp_portal_t *portal, const otp_flow_view_t *view)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_get_module_main_conf(portal->r, ngx_http_otp_module);

    for (size_t i = 0; i < view->commands && !portal->revoked; i++) {
        portal->revoked = otp_session_ends(&view->command[i], ngx_http_otp_redis_prefix(omcf->redis));
    }

    portal->batch = ngx_http_otp_redis_send(omcf->redis, view->command, view->commands, ngx_http_otp_portal_replied,
        portal);
    if (portal->batch == NULL) {
        portal->failed = 1;
        ngx_http_otp_metrics_redis_failure(portal->r);
    }

    return portal->batch != NULL;
}


/* A place for a password's hash; where no directory is there, none is computed. */
static void ngx_http_otp_portal_place(ngx_http_otp_portal_t *portal, const otp_flow_view_t *view)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_get_module_main_conf(portal->r, ngx_http_otp_module);

    view->person_result->verdict = OTP_PERSON_MATCHES;
    if (portal->olcf->people == NULL || portal->person != NULL) {
        return;
    }

    portal->person = ngx_http_otp_person_place(omcf->process, &portal->olcf->settings.limits, &view->person_query.asker,
        view->person_result);
    if (portal->person == NULL) {
        ngx_http_otp_metrics_hash(portal->r, view->person_result->verdict);
    }
}


static bool ngx_http_otp_portal_ask(ngx_http_otp_portal_t *portal, const otp_flow_view_t *view)
{
    ngx_http_otp_main_conf_t *omcf = ngx_http_get_module_main_conf(portal->r, ngx_http_otp_module);

    /* Without a directory nobody is known by a password. */
    if (portal->olcf->people == NULL) {
        view->person_result->verdict = OTP_PERSON_REFUSED;
        view->person_result->founds = 0;
        view->person_result->more = false;
        return false;
    }

    portal->person = ngx_http_otp_person_ask(portal->person, omcf->process, portal->olcf->people, &view->person_query,
        ngx_http_otp_portal_person, portal, view->person_result);
    if (portal->person == NULL) {
        ngx_http_otp_portal_hashed(portal, view->person_result->verdict);
    }

    return portal->person != NULL;
}


static bool ngx_http_otp_portal_wait(ngx_http_otp_portal_t *portal, const otp_flow_view_t *view)
{
    ngx_add_timer(&portal->timer, (ngx_msec_t) (view->wait_ms > 0 ? view->wait_ms : 1));

    return true;
}


static void ngx_http_otp_portal_drive(ngx_http_otp_portal_t *portal, otp_effect_t effect)
{
    for ( ;; ) {
        const otp_flow_view_t *view = otp_flow_view(portal->flow);
        bool                   waits = false;

        switch (effect) {
        case OTP_EFFECT_COMMANDS:
            waits = ngx_http_otp_portal_send(portal, view);
            break;
        case OTP_EFFECT_PLACE:
            ngx_http_otp_portal_place(portal, view);
            break;
        case OTP_EFFECT_PERSON:
            waits = ngx_http_otp_portal_ask(portal, view);
            break;
        case OTP_EFFECT_WAIT:
            waits = ngx_http_otp_portal_wait(portal, view);
            break;
        case OTP_EFFECT_ANSWER:
            ngx_http_otp_portal_record(portal);
            waits = ngx_http_otp_portal_tell(portal);
            if (!waits) {
                ngx_http_otp_portal_answer(portal);
                return;
            }
            break;
        }

        if (waits) {
            if (ngx_http_otp_wait(portal->r) != NGX_OK) {
                ngx_http_otp_portal_finish(portal, NGX_HTTP_INTERNAL_SERVER_ERROR);
            }
            return;
        }

        effect = ngx_http_otp_portal_flow(portal, NULL, 0);
    }
}


static void ngx_http_otp_portal_begin(ngx_http_request_t *r, ngx_http_otp_body_t *body)
{
    ngx_http_otp_portal_t *portal = (ngx_http_otp_portal_t *) ((char *) body - offsetof(ngx_http_otp_portal_t, body));
    uint8_t                random[OTP_FLOW_RANDOM];

    portal->request.body = (otp_span_t) { body->data, body->len };
    portal->request.body_too_large = body->too_large;

    if (RAND_bytes(random, sizeof(random)) != 1) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0, "RAND_bytes() failed: nobody can sign in");
    } else {
        portal->flow = otp_flow_create(&portal->olcf->settings, &portal->request, random);
    }

    otp_secret_wipe(random, sizeof(random));
    if (portal->flow == NULL) {
        ngx_http_otp_portal_unavailable(portal);
        return;
    }

    ngx_http_otp_metrics_flow(r, 1);
    ngx_http_otp_portal_drive(portal, ngx_http_otp_portal_flow(portal, NULL, 0));
}


static ngx_http_otp_portal_t *ngx_http_otp_portal_create(ngx_http_request_t *r, ngx_http_otp_loc_conf_t *olcf)
{
    ngx_http_otp_portal_t *portal = ngx_pcalloc(r->pool, sizeof(ngx_http_otp_portal_t));
    ngx_http_cleanup_t    *cleanup = ngx_http_cleanup_add(r, 0);

    if (portal == NULL || cleanup == NULL || ngx_http_otp_portal_fill(r, olcf, &portal->request) != NGX_OK) {
        return NULL;
    }

    portal->r = r;
    portal->olcf = olcf;
    portal->body.handler = ngx_http_otp_portal_begin;
    portal->timer.handler = ngx_http_otp_portal_time;
    portal->timer.data = portal;
    portal->timer.log = r->connection->log;
    cleanup->handler = ngx_http_otp_portal_end;
    cleanup->data = portal;

    return portal;
}


ngx_int_t ngx_http_otp_portal_handler(ngx_http_request_t *r)
{
    ngx_http_otp_loc_conf_t *olcf = ngx_http_get_module_loc_conf(r, ngx_http_otp_module);
    ngx_http_otp_portal_t   *portal;
    otp_span_t               uri = ngx_http_otp_span(r->uri), path = olcf->portal_path;
    ngx_int_t                rc;

    /* A page that includes the sign-in page would put its form into another's hands. */
    if (r != r->main) {
        return NGX_HTTP_FORBIDDEN;
    }

    if (uri.len == path.len - 1 && otp_span_starts(path, uri)) {
        return ngx_http_otp_portal_redirect(r, path);
    }

    if (!otp_span_starts(uri, path)) {
        return NGX_HTTP_NOT_FOUND;
    }

    portal = ngx_http_otp_portal_create(r, olcf);
    if (portal == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (portal->request.method == OTP_REQUEST_POST) {
        return ngx_http_otp_body_read(r, &portal->body);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    r->main->count++;
    ngx_http_otp_portal_begin(r, &portal->body);

    return NGX_DONE;
}
