/* One question about a person, answered in a thread: password hashes are slow by design. */
#include "core/crypto/otp_password.h"
#include "ngx_http_otp_module/ngx_http_otp_people.h"

#define NGX_HTTP_OTP_PASSWORD_MAX  OTP_BODY_MAX
#define NGX_HTTP_OTP_PERSON_SLOW   60000    /* milliseconds */

/* Outside every request's pool: the thread finishes when the request may be long gone. */
struct ngx_http_otp_person_s {
    ngx_thread_task_t               task;
    ngx_http_otp_people_t          *people;
    ngx_http_otp_person_handler_pt  handler;        /* NULL: nobody waits any more */
    void                           *data;
    char                            uid[OTP_UID_LEN];
    size_t                          uid_len;
    char                            password[NGX_HTTP_OTP_PASSWORD_MAX];
    size_t                          password_len;
    bool                            look_up_only;
    otp_person_result_t             result;
};


static void ngx_http_otp_person_free(ngx_http_otp_person_t *person)
{
    otp_secret_wipe(person, sizeof(*person));
    free(person);
}


/* A field longer than its place is left out: half a name would be another person's. */
static void ngx_http_otp_person_copy(otp_span_t from, char *to, size_t size, size_t *len)
{
    *len = 0;
    if (from.len <= size && from.len != 0) {
        ngx_memcpy(to, from.data, from.len);
        *len = from.len;
    }
}


static void ngx_http_otp_person_known(otp_person_result_t *result, const otp_person_t *person)
{
    result->verdict = OTP_PERSON_MATCHES;
    ngx_http_otp_person_copy(person->name, result->name, sizeof(result->name), &result->name_len);
    ngx_http_otp_person_copy(person->email, result->email, sizeof(result->email), &result->email_len);
    ngx_http_otp_person_copy(person->groups, result->groups, sizeof(result->groups), &result->groups_len);
}


/* An unknown person costs the hash that a known one costs. */
static void ngx_http_otp_person_check(ngx_http_otp_person_t *job, otp_span_t text)
{
    otp_span_t   uid = { job->uid, job->uid_len };
    otp_span_t   password = { job->password, job->password_len };
    otp_span_t   hash;
    otp_person_t person;
    bool         found = otp_password_find(text, uid, &person, &hash);
    bool         matches;

    if (job->look_up_only) {
        matches = true;
    } else {
        otp_span_t decoy = otp_password_decoy(text, uid);

        if (!found || !otp_password_acceptable(hash)) {
            found = false;
            hash = decoy;
        }

        matches = otp_password_matches(password, hash);
    }

    job->result.verdict = OTP_PERSON_REFUSED;
    if (found && matches) {
        ngx_http_otp_person_known(&job->result, &person);
    }
}


/* In the thread. */
static void ngx_http_otp_person_run(void *data, ngx_log_t *log)
{
    ngx_http_otp_person_t *job = data;
    ngx_http_otp_text_t   *text;

    ngx_http_otp_people_be_nice();

    text = ngx_http_otp_people_take(job->people);
    if (text == NULL) {
        job->result.verdict = OTP_PERSON_UNAVAILABLE;
    } else {
        ngx_http_otp_person_check(job, (otp_span_t) { text->data, text->len });
        ngx_http_otp_people_give(job->people, text);
    }

    otp_secret_wipe(job->password, sizeof(job->password));
}


/* Back in the event loop. */
static void ngx_http_otp_person_finished(ngx_event_t *ev)
{
    ngx_http_otp_person_t         *job = ev->data;
    ngx_http_otp_person_handler_pt handler = job->handler;
    otp_person_result_t            result;
    void                          *data = job->data;

    if (ev->timedout) {
        /* The thread still has the job. */
        ev->timedout = 0;
        ngx_log_error(NGX_LOG_ALERT, ev->log, 0, "a password has been in the queue or in check for a minute");
        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    result = job->result;
    if (result.verdict == OTP_PERSON_UNAVAILABLE) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0, "cannot read password file \"%s\": nobody can sign in",
            job->people->path);
    }

    ngx_http_otp_person_free(job);
    if (handler != NULL) {
        handler(data, &result);
    }

    otp_secret_wipe(&result, sizeof(result));
}


ngx_http_otp_person_t *ngx_http_otp_person_ask(ngx_http_otp_people_t *people, ngx_thread_pool_t *threads,
    const otp_person_query_t *query, ngx_http_otp_person_handler_pt handler, void *data)
{
    ngx_http_otp_person_t *job = calloc(1, sizeof(ngx_http_otp_person_t));

    if (job == NULL) {
        return NULL;
    }

    job->people = people;
    job->handler = handler;
    job->data = data;
    job->look_up_only = query->password.data == NULL;
    ngx_http_otp_person_copy(query->uid, job->uid, sizeof(job->uid), &job->uid_len);
    ngx_http_otp_person_copy(query->password, job->password, sizeof(job->password), &job->password_len);

    job->task.ctx = job;
    job->task.handler = ngx_http_otp_person_run;
    job->task.event.handler = ngx_http_otp_person_finished;
    job->task.event.data = job;
    job->task.event.log = ngx_cycle->log;

    if (ngx_thread_task_post(threads, &job->task) != NGX_OK) {
        ngx_http_otp_person_free(job);
        return NULL;
    }

    /* A worker that is asked to quit waits for timers, not for threads. */
    ngx_add_timer(&job->task.event, NGX_HTTP_OTP_PERSON_SLOW);

    return job;
}


void ngx_http_otp_person_orphan(ngx_http_otp_person_t *person)
{
    if (person != NULL) {
        person->handler = NULL;
        person->data = NULL;
    }
}
