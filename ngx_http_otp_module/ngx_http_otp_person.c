/* One question about people, answered in a thread: password hashes are slow by design, searches by size. */
#include "core/people/otp_people_search.h"
#include "core/people/otp_password.h"
#include "ngx_http_otp_module/ngx_http_otp_people.h"

#define NGX_HTTP_OTP_PASSWORD_MAX  OTP_BODY_MAX
#define NGX_HTTP_OTP_PERSON_SLOW   60000    /* milliseconds */

/* Outside every request's pool: the thread finishes when the request may be long gone. */
struct ngx_http_otp_person_s {
    ngx_thread_task_t               task;
    ngx_http_otp_people_t          *people;
    otp_hash_queue_t               *queue;          /* NULL: no password is to be checked */
    size_t                          place;          /* in it */
    int64_t                         asked_ms, wait_ms;
    ngx_http_otp_person_handler_pt  handler;        /* NULL: nobody waits any more */
    ngx_atomic_t                    orphaned;       /* the same for the thread, which may not have begun */
    ngx_atomic_t                    begun;          /* says the thread */
    void                           *data;
    char                            uid[OTP_UID_LEN];
    size_t                          uid_len;
    char                            password[NGX_HTTP_OTP_PASSWORD_MAX];
    size_t                          password_len;
    char                            search[OTP_PEOPLE_QUERY_LEN];
    size_t                          search_len;
    char                            groups[OTP_SCOPE_LEN];
    size_t                          groups_len;
    bool                            searches, posted;
    otp_person_result_t            *result;         /* large: those `found` are touched by a search only */
};


static void ngx_http_otp_person_free(ngx_http_otp_person_t *person)
{
    free(person->result);
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

    if (job->queue == NULL) {
        matches = true;
    } else {
        otp_span_t decoy = otp_password_decoy(text, uid);

        if (!found || !otp_password_acceptable(hash)) {
            found = false;
            hash = decoy;
        }

        matches = otp_password_matches(password, hash);
    }

    job->result->verdict = OTP_PERSON_REFUSED;
    if (found && matches) {
        ngx_http_otp_person_known(job->result, &person);
    }
}


static void ngx_http_otp_person_text(otp_span_t from, char *to, size_t size)
{
    size_t len;

    ngx_http_otp_person_copy(from, to, size - 1, &len);
    to[len] = '\0';
}


static void ngx_http_otp_person_search(ngx_http_otp_person_t *job, otp_span_t text)
{
    otp_person_t         person[OTP_PEOPLE_FOUND];
    otp_person_result_t *result = job->result;
    size_t               len;

    result->verdict = OTP_PERSON_MATCHES;
    result->founds = otp_people_search(text, (otp_span_t) { job->search, job->search_len },
        (otp_span_t) { job->groups, job->groups_len }, person, OTP_PEOPLE_FOUND, &result->more);

    for (size_t i = 0; i < result->founds; i++) {
        otp_person_found_t *found = &result->found[i];

        if (otp_uid_canonical(person[i].uid, found->uid, &len) != OTP_OK) {
            len = 0;
        }

        found->uid[len] = '\0';
        ngx_http_otp_person_text(person[i].name, found->name, sizeof(found->name));
        ngx_http_otp_person_text(person[i].email, found->email, sizeof(found->email));
        ngx_http_otp_person_text(person[i].groups, found->groups, sizeof(found->groups));
    }
}


static void ngx_http_otp_person_answer(ngx_http_otp_person_t *job)
{
    ngx_http_otp_text_t *text = ngx_http_otp_people_take(job->people);
    otp_span_t           all;

    if (text == NULL) {
        job->result->verdict = OTP_PERSON_UNAVAILABLE;
        return;
    }

    all = (otp_span_t) { text->data, text->len };
    if (job->searches) {
        ngx_http_otp_person_search(job, all);
    } else {
        ngx_http_otp_person_check(job, all);
    }

    ngx_http_otp_people_give(job->people, text);
}


/* A clock of its own: the thread cannot read that of the event loop. */
static int64_t ngx_http_otp_person_clock_ms(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


/* In the thread. */
static void ngx_http_otp_person_run(void *data, ngx_log_t *log)
{
    ngx_http_otp_person_t *job = data;

    if (job->queue != NULL) {
        ngx_http_otp_people_be_nice();
    }

    job->result->verdict = OTP_PERSON_REFUSED;
    if (job->queue != NULL && ngx_http_otp_person_clock_ms() - job->asked_ms > job->wait_ms) {
        /* It was foreseen otherwise.  What would come still later helps nobody, and keeps others waiting. */
        job->result->verdict = OTP_PERSON_BUSY;
        job->result->retry_after_s = 1;
    } else if (!job->orphaned) {
        job->begun = 1;
        ngx_http_otp_person_answer(job);
    }

    otp_secret_wipe(job->password, sizeof(job->password));
}


/* Back in the event loop. */
static void ngx_http_otp_person_finished(ngx_event_t *ev)
{
    ngx_http_otp_person_t *job = ev->data;

    if (ev->timedout) {
        /* The thread still has the job. */
        ev->timedout = 0;
        ngx_log_error(NGX_LOG_ALERT, ev->log, 0, "a password or a search has been waiting, or under way, for a minute");
        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    if (job->queue != NULL) {
        otp_hash_queue_leave(job->queue, job->place, job->begun, ngx_http_otp_person_clock_ms());
    }

    if (job->result->verdict == OTP_PERSON_UNAVAILABLE) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0, "cannot read password file \"%s\": nobody can sign in",
            job->people->path);
    }

    if (job->handler != NULL) {
        job->handler(job->data, job->result);
    }

    ngx_http_otp_person_free(job);
}


void ngx_http_otp_person_result_copy(otp_person_result_t *to, const otp_person_result_t *from)
{
    ngx_memcpy(to, from, offsetof(otp_person_result_t, found));
    ngx_memcpy(to->found, from->found, from->founds * sizeof(from->found[0]));
    to->founds = from->founds;
    to->more = from->more;
}


static ngx_http_otp_person_t *ngx_http_otp_person_create(void)
{
    ngx_http_otp_person_t *job = calloc(1, sizeof(ngx_http_otp_person_t));

    if (job == NULL) {
        return NULL;
    }

    job->result = malloc(sizeof(otp_person_result_t));
    if (job->result == NULL) {
        free(job);
        return NULL;
    }

    ngx_memzero(job->result, offsetof(otp_person_result_t, found));
    job->result->founds = 0;
    job->result->more = false;

    return job;
}


/* Those who are refused at the same time do not come again at the same time. */
static void ngx_http_otp_person_refuse(const otp_hash_queue_t *queue, otp_person_verdict_t verdict,
    otp_person_result_t *refused)
{
    int64_t wait_s = (otp_hash_queue_wait_ms(queue) + 999) / 1000;

    refused->verdict = verdict;
    refused->retry_after_s = 1 + wait_s + (int64_t) (ngx_random() % 2);
    refused->founds = 0;
    refused->more = false;
}


/* A password needs a place in the queue. */
static bool ngx_http_otp_person_enter(ngx_http_otp_person_t *job, otp_hash_queue_t *queue, const otp_limits_t *limits,
    const otp_hash_asker_t *asker, otp_person_result_t *refused)
{
    job->asked_ms = ngx_http_otp_person_clock_ms();
    job->wait_ms = limits->hash_wait_s * 1000;

    switch (otp_hash_queue_enter(queue, (size_t) limits->hash_queue, job->wait_ms, asker, job->asked_ms, &job->place)) {
    case OTP_HASH_ADMITTED:
        job->queue = queue;
        return true;
    case OTP_HASH_ACCOUNT_FULL:
    case OTP_HASH_ADDRESS_FULL:
        ngx_http_otp_person_refuse(queue, OTP_PERSON_THROTTLED, refused);
        break;
    case OTP_HASH_FULL:
        ngx_http_otp_person_refuse(queue, OTP_PERSON_BUSY, refused);
        break;
    }

    return false;
}


ngx_http_otp_person_t *ngx_http_otp_person_place(ngx_http_otp_threads_t *threads, const otp_limits_t *limits,
    const otp_hash_asker_t *asker, otp_person_result_t *refused)
{
    ngx_http_otp_person_t *job = ngx_http_otp_person_create();

    if (job == NULL) {
        ngx_http_otp_person_refuse(&threads->queue, OTP_PERSON_BUSY, refused);
        return NULL;
    }

    if (!ngx_http_otp_person_enter(job, &threads->queue, limits, asker, refused)) {
        ngx_http_otp_person_free(job);
        return NULL;
    }

    return job;
}


/* A question that no thread has got. */
static void ngx_http_otp_person_drop(ngx_http_otp_person_t *job)
{
    if (job->queue != NULL) {
        otp_hash_queue_leave(job->queue, job->place, false, job->asked_ms);
    }

    ngx_http_otp_person_free(job);
}


ngx_http_otp_person_t *ngx_http_otp_person_ask(ngx_http_otp_person_t *place, ngx_http_otp_threads_t *threads,
    ngx_http_otp_people_t *people, const otp_person_query_t *query, ngx_http_otp_person_handler_pt handler, void *data,
    otp_person_result_t *refused)
{
    ngx_http_otp_person_t *job = place != NULL ? place : ngx_http_otp_person_create();

    if (job == NULL) {
        ngx_http_otp_person_refuse(&threads->queue, OTP_PERSON_BUSY, refused);
        return NULL;
    }

    job->people = people;
    job->handler = handler;
    job->data = data;
    job->searches = query->search.data != NULL;
    ngx_http_otp_person_copy(query->uid, job->uid, sizeof(job->uid), &job->uid_len);
    ngx_http_otp_person_copy(query->password, job->password, sizeof(job->password), &job->password_len);
    ngx_http_otp_person_copy(query->search, job->search, sizeof(job->search), &job->search_len);
    ngx_http_otp_person_copy(query->groups, job->groups, sizeof(job->groups), &job->groups_len);

    job->task.ctx = job;
    job->task.handler = ngx_http_otp_person_run;
    job->task.event.handler = ngx_http_otp_person_finished;
    job->task.event.data = job;
    job->task.event.log = ngx_cycle->log;

    if (ngx_thread_task_post(job->queue != NULL ? threads->hashing : threads->directory, &job->task) != NGX_OK) {
        ngx_http_otp_person_refuse(&threads->queue, OTP_PERSON_BUSY, refused);
        ngx_http_otp_person_drop(job);
        return NULL;
    }

    /* A worker that is asked to quit waits for timers, not for threads. */
    job->posted = true;
    ngx_add_timer(&job->task.event, NGX_HTTP_OTP_PERSON_SLOW);

    return job;
}


void ngx_http_otp_person_orphan(ngx_http_otp_person_t *person)
{
    if (person == NULL) {
        return;
    }

    if (!person->posted) {
        ngx_http_otp_person_drop(person);
        return;
    }

    person->handler = NULL;
    person->orphaned = 1;
    person->data = NULL;
    if (person->queue != NULL && !person->begun) {
        otp_hash_queue_abandon(person->queue, person->place);
    }
}
