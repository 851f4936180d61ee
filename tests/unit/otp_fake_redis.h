/*
 * Test support: a Redis in memory, good enough for the commands of the core, with a clock that is set and
 * with faults on demand.
 *
 * Build: every tests/unit/otp_fake_*.c is linked into every test of tests/unit (they need no main and cost
 * nothing when they are not called).
 */
#ifndef OTP_FAKE_REDIS_H
#define OTP_FAKE_REDIS_H

#include "core/store/otp_command.h"

typedef struct {
    char    *name, *value;          /* value: the string, or the members of a sorted set, each with a final NUL */
    size_t   name_len, value_len;
    bool     set;                   /* a sorted set: its members are in order, and */
    int64_t *score;                 /* of each of them */
    int64_t  expires_ms;            /* 0: never */
} otp_fake_entry_t;

/* An entry of a stream: of events, a history, an outbox. */
typedef struct {
    char *stream, *field, *text;
} otp_fake_event_t;

typedef enum {
    OTP_FAULT_NONE,
    OTP_FAULT_ERROR,            /* the command is refused */
    OTP_FAULT_LOST_BEFORE,      /* it and what follows it in its batch are not carried out, nothing is answered */
    OTP_FAULT_LOST_AFTER,       /* the batch is carried out, nothing is answered */
    OTP_FAULT_DOWN              /* as LOST_BEFORE, and every batch after it too */
} otp_fault_t;

typedef struct otp_fake_redis_s otp_fake_redis_t;
typedef struct otp_fake_replies_s otp_fake_replies_t;

/* Changes the last of `replies`, the one to `command`, into what a Redis that lies would answer. */
typedef void (*otp_fake_liar_t)(otp_fake_redis_t *redis, const otp_command_t *command, otp_fake_replies_t *replies);

struct otp_fake_redis_s {
    otp_fake_entry_t *entry;
    size_t            entries;
    otp_fake_event_t *event;
    size_t            events;
    int64_t           now_ms;
    uint64_t          commands;             /* carried out or refused so far */
    otp_fault_t       fault;                /* happens to */
    uint64_t          fault_at;             /* the command of this number */
    bool              fault_done;
    otp_fake_liar_t   liar;                 /* NULL: it tells the truth */
};

/* The replies to one batch; texts are memory of their own, so that whoever keeps them too long is found. */
struct otp_fake_replies_s {
    otp_reply_t  reply[16];
    const otp_reply_t *pointer[16];
    size_t       count;
    bool         lost;
};

otp_fake_redis_t *otp_fake_redis_create(void);
otp_fake_redis_t *otp_fake_redis_copy(const otp_fake_redis_t *redis);
void otp_fake_redis_destroy(otp_fake_redis_t *redis);

/* `fault` happens to the command that follows after `after` others. */
void otp_fake_redis_fault(otp_fake_redis_t *redis, otp_fault_t fault, uint64_t after);

/* Carries out one command more of a batch. */
void otp_fake_redis_command(otp_fake_redis_t *redis, const otp_command_t *command, otp_fake_replies_t *replies);
/* What the flow is given: NULL when the replies are lost. */
const otp_reply_t *const *otp_fake_replies_given(const otp_fake_replies_t *replies);
void otp_fake_replies_free(otp_fake_replies_t *replies);

/* The living entry, or NULL. */
otp_fake_entry_t *otp_fake_redis_find(otp_fake_redis_t *redis, otp_span_t name);
otp_span_t otp_fake_redis_value(otp_fake_redis_t *redis, otp_span_t name);
void otp_fake_redis_put(otp_fake_redis_t *redis, otp_span_t name, otp_span_t value);
/* How many living entries have this prefix, and how many events hold `text`. */
size_t otp_fake_redis_count(otp_fake_redis_t *redis, const char *prefix);
size_t otp_fake_redis_events(const otp_fake_redis_t *redis, const char *text);
/* How many entries of the streams whose name holds `stream` ("hist:", "mail:") hold `text`. */
size_t otp_fake_redis_stream(const otp_fake_redis_t *redis, const char *stream, const char *text);
/* Number of members of a sorted set; the score of one, -1: it is not there. */
size_t otp_fake_set_size(const otp_fake_entry_t *entry);
int64_t otp_fake_set_score(const otp_fake_entry_t *entry, otp_span_t member);
/* Whether any name, value or event holds these bytes. */
bool otp_fake_redis_holds(const otp_fake_redis_t *redis, otp_span_t bytes);

#endif
