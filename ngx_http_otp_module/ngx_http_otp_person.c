/*
 * Questions about people, in the worker: who may ask, who waits for a free slot, and who gets the answer.
 *
 *     place --ask--> waiting ----> under way ----> answered
 *       |    \__________|______________^
 *       |               +--> too late: "busy"
 *       +--> orphan
 */
#include "ngx_http_otp_module/ngx_http_otp_process.h"

#define NGX_HTTP_OTP_PERSON_SLOW   60000    /* milliseconds */

typedef enum {
    NGX_HTTP_OTP_PERSON_PLACED,     /* a place for a password is taken, nothing asked yet */
    NGX_HTTP_OTP_PERSON_WAITING,    /* in its lane's queue */
    NGX_HTTP_OTP_PERSON_ASKED       /* in a slot */
} ngx_http_otp_person_stage_t;

/* Outside every request's pool: the answer may come when the request is long gone. */
struct ngx_http_otp_person_s {
    ngx_queue_t                     queue;
    ngx_http_otp_process_t         *process;
    ngx_http_otp_person_stage_t     stage;
    ngx_http_otp_lane_kind_t        lane;
    size_t                          place;          /* of a password */
    int64_t                         asked_ms, wait_ms;
    ngx_http_otp_person_handler_pt  handler;        /* NULL: nobody waits any more */
    void                           *data;
    ngx_event_t                     timer;
    ngx_connection_t                ident;          /* behind the timer, for nginx's debug log */
    ngx_http_otp_question_t         question;
};


/* `computed`: a password's hash was. */
static void ngx_http_otp_person_free(ngx_http_otp_person_t *person, bool computed)
{
    if (person->timer.timer_set) {
        ngx_del_timer(&person->timer);
    }

    if (person->lane == NGX_HTTP_OTP_HASHING) {
        otp_hash_queue_leave(&person->process->queue, person->place, computed, ngx_http_otp_process_clock_ms());
    }

    otp_secret_wipe(person, sizeof(*person));
    free(person);
}


/* --- slots ------------------------------------------------------------------------------------------------------ */

/* What belongs to nobody is in no slot; the people found are as many as `founds` says. */
static void ngx_http_otp_person_clear(ngx_http_otp_slot_t *slot)
{
    otp_secret_wipe(slot->question.password, slot->question.password_len);
    ngx_memzero(&slot->result, offsetof(otp_person_result_t, found));
    slot->result.founds = 0;
    slot->result.more = false;
}


static void ngx_http_otp_person_put(ngx_http_otp_person_t *person, ngx_uint_t index)
{
    ngx_http_otp_process_t *process = person->process;
    uint32_t                number = (uint32_t) index;

    ngx_http_otp_person_clear(&process->slot[index]);
    process->slot[index].question = person->question;
    process->asker[index] = person;
    otp_secret_wipe(person->question.password, person->question.password_len);
    person->stage = NGX_HTTP_OTP_PERSON_ASKED;

    /* It always has room.  That nobody reads it any more, the other pipe will tell. */
    if (write(process->lane[person->lane].fd, &number, sizeof(number)) != sizeof(number)) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno, "the process that checks passwords cannot be asked");
    }
}


/* Nobody has a slot's number as long as it is free. */
static bool ngx_http_otp_person_slot(ngx_http_otp_process_t *process, ngx_http_otp_lane_kind_t lane, ngx_uint_t *index)
{
    for (ngx_uint_t i = process->lane[lane].first; i < process->lane[lane].end; i++) {
        if (process->asker[i] == NULL) {
            *index = i;
            return true;
        }
    }

    return false;
}


/* Tells whoever asked.  The handler may ask again: the slot is not free before it returns. */
static void ngx_http_otp_person_tell(ngx_http_otp_person_t *person, ngx_uint_t index)
{
    ngx_http_otp_process_t *process = person->process;
    otp_person_result_t    *result = &process->slot[index].result;

    if (result->verdict == OTP_PERSON_UNAVAILABLE) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0, "cannot read password file \"%s\": nobody can sign in",
            person->question.people->path);
    }

    if (person->handler != NULL) {
        person->handler(person->data, result);
    }
}


static bool ngx_http_otp_person_late(const ngx_http_otp_person_t *person)
{
    return person->lane == NGX_HTTP_OTP_HASHING
           && ngx_http_otp_process_clock_ms() - person->asked_ms > person->wait_ms;
}


/* Of those who wait the next one gets the slot.  Who waited too long, it was foreseen otherwise, is told so: what would
 * come still later helps nobody, and keeps others waiting. */
static void ngx_http_otp_person_next(ngx_http_otp_process_t *process, ngx_uint_t index, ngx_http_otp_lane_kind_t kind)
{
    ngx_http_otp_lane_t *lane = &process->lane[kind];

    while (!ngx_queue_empty(&lane->waiting)) {
        ngx_queue_t           *first = ngx_queue_head(&lane->waiting);
        ngx_http_otp_person_t *person = ngx_queue_data(first, ngx_http_otp_person_t, queue);

        ngx_queue_remove(first);
        if (lane->fd != -1 && !ngx_http_otp_person_late(person)) {
            ngx_http_otp_person_put(person, index);
            return;
        }

        ngx_http_otp_person_clear(&process->slot[index]);
        process->slot[index].result.verdict = OTP_PERSON_BUSY;
        process->slot[index].result.retry_after_s = 1;
        ngx_http_otp_person_tell(person, index);
        ngx_http_otp_person_free(person, false);
    }

    process->asker[index] = NULL;
}


void ngx_http_otp_person_answered(ngx_http_otp_process_t *process, ngx_uint_t index, bool lost)
{
    ngx_http_otp_person_t   *person = process->asker[index];
    ngx_http_otp_lane_kind_t lane = person->lane;

    if (lost) {
        ngx_http_otp_person_clear(&process->slot[index]);
        process->slot[index].result.verdict = OTP_PERSON_BUSY;
        process->slot[index].result.retry_after_s = 1;
    }

    ngx_http_otp_person_tell(person, index);
    ngx_http_otp_person_free(person, !lost);
    ngx_http_otp_person_next(process, index, lane);
}


/* --- asking ----------------------------------------------------------------------------------------------------- */

void ngx_http_otp_person_result_copy(otp_person_result_t *to, const otp_person_result_t *from)
{
    ngx_memcpy(to, from, offsetof(otp_person_result_t, found));
    ngx_memcpy(to->found, from->found, from->founds * sizeof(from->found[0]));
    to->founds = from->founds;
    to->more = from->more;
}


/* It still has the question, or cannot get to it: the file hangs, say.  Ended, it is made anew. */
static void ngx_http_otp_person_slow(ngx_event_t *ev)
{
    ngx_http_otp_person_t *person = ((ngx_connection_t *) ev->data)->data;

    ngx_log_error(NGX_LOG_ALERT, ev->log, 0, "a password or a search has been waiting, or under way, for a minute");
    if (person->process->answers != NULL) {
        (void) kill(person->process->pid, SIGKILL);
    }
}


static ngx_http_otp_person_t *ngx_http_otp_person_create(ngx_http_otp_process_t *process, ngx_http_otp_lane_kind_t lane)
{
    ngx_http_otp_person_t *person = calloc(1, sizeof(ngx_http_otp_person_t));

    if (person == NULL) {
        return NULL;
    }

    person->process = process;
    person->lane = lane;
    person->ident.data = person;
    person->ident.fd = (ngx_socket_t) -1;
    person->timer.handler = ngx_http_otp_person_slow;
    person->timer.data = &person->ident;
    person->timer.log = ngx_cycle->log;

    return person;
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


ngx_http_otp_person_t *ngx_http_otp_person_place(ngx_http_otp_process_t *process, const otp_limits_t *limits,
    const otp_hash_asker_t *asker, otp_person_result_t *refused)
{
    int64_t                now_ms = ngx_http_otp_process_clock_ms();
    int64_t                wait_ms = limits->hash_wait_s * 1000;
    ngx_http_otp_person_t *person;
    size_t                 place;

    switch (otp_hash_queue_enter(&process->queue, (size_t) limits->hash_queue, wait_ms, asker, now_ms, &place)) {
    case OTP_HASH_ADMITTED:
        break;
    case OTP_HASH_ACCOUNT_FULL:
    case OTP_HASH_ADDRESS_FULL:
        ngx_http_otp_person_refuse(&process->queue, OTP_PERSON_THROTTLED, refused);
        return NULL;
    case OTP_HASH_FULL:
        ngx_http_otp_person_refuse(&process->queue, OTP_PERSON_BUSY, refused);
        return NULL;
    }

    person = ngx_http_otp_person_create(process, NGX_HTTP_OTP_HASHING);
    if (person == NULL) {
        otp_hash_queue_leave(&process->queue, place, false, now_ms);
        ngx_http_otp_person_refuse(&process->queue, OTP_PERSON_BUSY, refused);
        return NULL;
    }

    person->place = place;
    person->asked_ms = now_ms;
    person->wait_ms = wait_ms;

    return person;
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


static void ngx_http_otp_person_question(ngx_http_otp_person_t *person, ngx_http_otp_people_t *people,
    const otp_person_query_t *query)
{
    ngx_http_otp_question_t *question = &person->question;

    question->people = people;
    question->checks = person->lane == NGX_HTTP_OTP_HASHING;
    question->searches = query->search.data != NULL;
    ngx_http_otp_person_copy(query->uid, question->uid, sizeof(question->uid), &question->uid_len);
    ngx_http_otp_person_copy(query->password, question->password, sizeof(question->password), &question->password_len);
    ngx_http_otp_person_copy(query->search, question->search, sizeof(question->search), &question->search_len);
    ngx_http_otp_person_copy(query->groups, question->groups, sizeof(question->groups), &question->groups_len);
}


ngx_http_otp_person_t *ngx_http_otp_person_ask(ngx_http_otp_person_t *place, ngx_http_otp_process_t *process,
    ngx_http_otp_people_t *people, const otp_person_query_t *query, ngx_http_otp_person_handler_pt handler, void *data,
    otp_person_result_t *refused)
{
    ngx_http_otp_person_t *person = place;
    ngx_uint_t             index;

    if (person == NULL) {
        person = ngx_http_otp_person_create(process, NGX_HTTP_OTP_LOOKUP);
    }

    if (person == NULL || process->answers == NULL) {
        ngx_http_otp_person_refuse(&process->queue, OTP_PERSON_BUSY, refused);
        ngx_http_otp_person_orphan(person);
        return NULL;
    }

    person->handler = handler;
    person->data = data;
    ngx_http_otp_person_question(person, people, query);

    /* A worker that is asked to quit waits for timers. */
    ngx_add_timer(&person->timer, NGX_HTTP_OTP_PERSON_SLOW);

    if (ngx_http_otp_person_slot(process, person->lane, &index)) {
        ngx_http_otp_person_put(person, index);
    } else {
        person->stage = NGX_HTTP_OTP_PERSON_WAITING;
        ngx_queue_insert_tail(&process->lane[person->lane].waiting, &person->queue);
    }

    return person;
}


void ngx_http_otp_person_orphan(ngx_http_otp_person_t *person)
{
    if (person == NULL) {
        return;
    }

    switch (person->stage) {
    case NGX_HTTP_OTP_PERSON_WAITING:
        ngx_queue_remove(&person->queue);
        ngx_http_otp_person_free(person, false);
        return;
    case NGX_HTTP_OTP_PERSON_PLACED:
        ngx_http_otp_person_free(person, false);
        return;
    case NGX_HTTP_OTP_PERSON_ASKED:
        break;
    }

    person->handler = NULL;
    person->data = NULL;
}
