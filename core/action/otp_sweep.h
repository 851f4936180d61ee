/*
 * Going through the sessions of one person: a judge says of each whether it stays, goes down to what its password is
 * worth, or ends.  Without I/O, in batches, like an action (otp_action.h):
 *
 *     otp_sweep_begin(&sweep, …);
 *     while (otp_sweep_step(&sweep, now_ms, replies, count) == OTP_SWEEP_COMMANDS)
 *         send sweep.command[0..sweep.commands), collect the replies (NULL when they did not all come)
 *     otp_sweep_end(&sweep);
 *
 * Every session that is in the person's list from beginning to end is judged.  Names of sessions whose time is over
 * are taken out of the list on the way.
 */
#ifndef OTP_SWEEP_H
#define OTP_SWEEP_H

#include "core/decide/otp_manage.h"

#define OTP_SWEEP_BATCH     8       /* sessions looked at together */
#define OTP_SWEEP_COMMANDS_MAX OTP_SWEEP_BATCH

/* `digest`: 64 hex digits.  session->id is set; what the session points to lives until the judge returns. */
typedef otp_managed_session_t (*otp_sweep_judge_t)(void *how, otp_span_t digest, otp_session_t *session);

/* Judges for otp_sweep_begin(); `how` is: the serial, an otp_span_t */
otp_managed_session_t otp_sweep_key_disabled(void *serial, otp_span_t digest, otp_session_t *session);
otp_managed_session_t otp_sweep_key_returned(void *serial, otp_span_t digest, otp_session_t *session);
/* nothing */
otp_managed_session_t otp_sweep_emergency(void *nothing, otp_span_t digest, otp_session_t *session);
/* the digest of the one session that stays, an otp_span_t; it may be empty */
otp_managed_session_t otp_sweep_all_but(void *kept, otp_span_t digest, otp_session_t *session);

typedef enum {
    OTP_SWEEP_COMMANDS,
    OTP_SWEEP_DONE,
    OTP_SWEEP_FAILED        /* Redis did not answer as it should: some sessions may be as they were */
} otp_sweep_effect_t;

typedef struct {
    char       digest[2 * OTP_DIGEST_LEN];
    otp_name_t sess, seen;
    char       stored[OTP_SESSION_MAX], next[OTP_SESSION_MAX], ttl[24];
    size_t     stored_len, next_len;
    otp_managed_session_t verdict;
} otp_sweep_item_t;

typedef struct otp_sweep_s otp_sweep_t;
struct otp_sweep_s {
    otp_command_t      command[OTP_SWEEP_COMMANDS_MAX];
    size_t             commands;
    size_t             lowered, ended;

    /* the rest is its own */
    otp_keyring_t     *ring;
    otp_span_t         prefix;
    otp_sweep_judge_t  judge;
    void              *how;
    otp_sweep_effect_t (*next)(otp_sweep_t *sweep, int64_t now_ms, const otp_reply_t *const *replies);
    otp_name_t         list;
    char               uid[OTP_UID_LEN + 1], now[24], cursor[24];
    char              *digests;             /* of the page at hand, 64 characters each */
    size_t             page, at;
    otp_sweep_item_t   item[OTP_SWEEP_BATCH];
    size_t             items;
    unsigned           tries;
    char               gone[OTP_SWEEP_BATCH][2 * OTP_DIGEST_LEN];
    size_t             gones;
};

/* `sweep` must stay where it is; `how` and the bytes of `prefix` must live as long. */
void otp_sweep_begin(otp_sweep_t *sweep, otp_keyring_t *ring, otp_span_t prefix, otp_span_t uid,
    otp_sweep_judge_t judge, void *how);
/* The same for sessions found otherwise than by the list, of which those that are the person's are judged: `count`
 * digests, 64 hex digits each, which are copied.  False: no memory. */
OTP_MUST_USE bool otp_sweep_begin_with(otp_sweep_t *sweep, otp_keyring_t *ring, otp_span_t prefix, otp_span_t uid,
    const char *digests, size_t count, otp_sweep_judge_t judge, void *how);
OTP_MUST_USE otp_sweep_effect_t otp_sweep_step(otp_sweep_t *sweep, int64_t now_ms, const otp_reply_t *const *replies,
    size_t count);
/* Wipes; legal at any moment after otp_sweep_begin(), and on one that is all zero. */
void otp_sweep_end(otp_sweep_t *sweep);

#endif
