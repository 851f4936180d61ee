/*
 * The process beside each worker that computes password hashes and reads the password file.
 *
 *     worker  --- number of a question --->  pipe of its lane  --->  threads of the process
 *             <-- number of the question --  pipe of answers   <---
 *
 * Question and answer lie in memory that both share; a number says whose turn it is to look at them.  Between a write
 * to the lane's pipe and the number's return they are the process', otherwise the worker's.
 */
#ifndef NGX_HTTP_OTP_PROCESS_H
#define NGX_HTTP_OTP_PROCESS_H

#include "core/people/otp_people_search.h"
#include "ngx_http_otp_module/ngx_http_otp_hasher.h"
#include "ngx_http_otp_module/ngx_http_otp_people.h"

#define NGX_HTTP_OTP_PROCESS_HASHING   2       /* threads, and questions under way */
#define NGX_HTTP_OTP_PROCESS_LOOKUPS   16      /* questions under way, for one thread */
#define NGX_HTTP_OTP_PROCESS_SLOTS     (NGX_HTTP_OTP_PROCESS_HASHING + NGX_HTTP_OTP_PROCESS_LOOKUPS)

/* Passwords do not keep those waiting who are only looked up. */
typedef enum {
    NGX_HTTP_OTP_HASHING, NGX_HTTP_OTP_LOOKUP, NGX_HTTP_OTP_LANES
} ngx_http_otp_lane_kind_t;

typedef struct {
    ngx_http_otp_people_t  *people;
    char                    uid[OTP_UID_LEN];
    size_t                  uid_len;
    char                    password[NGX_HTTP_OTP_HASHER_PASSWORD];
    size_t                  password_len;
    char                    search[OTP_PEOPLE_QUERY_LEN];
    size_t                  search_len;
    char                    groups[OTP_SCOPE_LEN];
    size_t                  groups_len;
    bool                    checks, searches;   /* a password; people.  Neither: looks one up */
} ngx_http_otp_question_t;

typedef struct {
    ngx_http_otp_question_t  question;
    otp_person_result_t      result;    /* large: those `found` are touched by a search only */
} ngx_http_otp_slot_t;

typedef struct {
    ngx_queue_t  waiting;       /* of ngx_http_otp_person_t; empty while a slot is free */
    ngx_fd_t     fd;            /* -1: no process */
    ngx_uint_t   first, end;    /* its slots */
} ngx_http_otp_lane_t;

struct ngx_http_otp_process_s {
    otp_hash_queue_t       queue;       /* who may have a password checked */

    /* the worker's */
    ngx_http_otp_slot_t   *slot;
    ngx_http_otp_person_t *asker[NGX_HTTP_OTP_PROCESS_SLOTS];   /* NULL: the slot is free */
    ngx_http_otp_lane_t    lane[NGX_HTTP_OTP_LANES];
    ngx_connection_t      *answers;     /* NULL: no process */
    ngx_pid_t              pid;
    int64_t                started_ms;
    ngx_event_t            again;
    ngx_connection_t       ident;       /* behind the timer, for nginx's debug log */
};

typedef struct {
    ngx_fd_t  read, write;
} ngx_http_otp_pipe_t;

typedef struct {
    ngx_http_otp_pipe_t  lane[NGX_HTTP_OTP_LANES];
    ngx_http_otp_pipe_t  answers;
} ngx_http_otp_pipes_t;

/* What the process is, once it is forked: never returns.  `parent`: its worker. */
void ngx_http_otp_process_run(ngx_http_otp_slot_t *slot, ngx_http_otp_pipes_t *pipes, ngx_pid_t parent);

/* What its threads do; `slot` is theirs meanwhile.  `hasher`: the thread's own, for passwords. */
void ngx_http_otp_process_answer(ngx_http_otp_slot_t *slot, ngx_http_otp_hasher_t *hasher);

/* A question that went to the process came back; or did not, and never will: the answer is then "busy". */
void ngx_http_otp_person_answered(ngx_http_otp_process_t *process, ngx_uint_t index, bool lost);

/* A monotonic clock, read now: how long passwords wait is measured between two turns of nginx's loop, too. */
int64_t ngx_http_otp_process_clock_ms(void);

#endif
