/*
 * What a passcode means to one key: the split into PIN and code, the PIN's verdict, and which step of
 * the key shows that code.  PIN and code are always both evaluated, and every step of the wide window
 * is compared, so that the time taken tells nothing.
 *
 * The windows are those of the key's type.  A key with a clock: so many steps either side of what its
 * clock shows.  A key that counts events: so many steps after the last accepted one, since nobody knows
 * how often its button was pressed; as many at and before that one are known as spent.
 */
#ifndef OTP_MATCH_H
#define OTP_MATCH_H

#include "core/decide/otp_limits.h"
#include "core/model/otp_key.h"

typedef enum {
    OTP_CODE_WRONG,
    OTP_CODE_FRESH,     /* in the window, after the last accepted step */
    OTP_CODE_WIDE,      /* only in the wide window, after the last accepted step */
    OTP_CODE_SPENT      /* at or before the last accepted step */
} otp_code_t;

typedef struct {
    bool       pin_right;   /* the PIN matches; for a key without one: there is none in the passcode */
    otp_code_t code;
    int64_t    step;        /* of the code, when it is not wrong */
} otp_match_t;

/*
 * What may be spent beyond what the record knows, which may be older than it once was (a Redis that became the master
 * without the last writes).
 */
typedef struct {
    int64_t floor_s;        /* unix seconds: what was accepted up to then may be forgotten; 0: nothing may */
    int64_t remembered;     /* last step that was accepted, as far as this gateway knows; 0: it knows of none */
} otp_doubt_t;

/* The step the key's own clock shows at `now_s`; of a key that counts events, the last accepted one. */
int64_t otp_key_step(const otp_key_t *key, int64_t now_s);

/* Whether a code of `step` is enough by itself: fresh, not just in the wide window. */
bool otp_key_near(const otp_key_t *key, const otp_limits_t *limits, int64_t step, int64_t now_s);

/* The last step of which a code may have been accepted although the record does not say so; 0: none.  Up to the floor a
 * key with a clock may have been as many steps ahead of what is known of its drift as the windows allow: the wide one
 * for a `step` that only two codes make good, the other one for any other. */
int64_t otp_key_doubtful(const otp_key_t *key, const otp_limits_t *limits, const otp_doubt_t *doubt, int64_t step,
    int64_t now_s);

/* Seconds until the key shows a code that cannot have been accepted, where the one of `step`, which it shows now, may
 * have been; 0: that one cannot. */
int64_t otp_key_doubt_wait(const otp_key_t *key, const otp_limits_t *limits, const otp_doubt_t *doubt, int64_t step,
    int64_t now_s);

/* Seconds until the key shows the code after that of `step`; at least 1, and 1 for a key that counts
 * events: it shows the next one when it is asked to. */
int64_t otp_key_wait(const otp_key_t *key, int64_t step, int64_t now_s);

/* `step` was accepted now: it is the last one, and teaches the drift of a key with a clock. */
void otp_key_learn(otp_key_t *key, int64_t step, int64_t now_s);

/* OTP_FAILED: the seed does not open or a library refused; the decision must fail closed. */
OTP_MUST_USE otp_status_t otp_match_passcode(otp_keyring_t *ring, const otp_limits_t *limits, const otp_key_t *key,
    otp_span_t passcode, int64_t now_s, otp_match_t *match);

/* Whether `code` (digits alone) is the one of `step`; `*again` whether it is the one before it. */
OTP_MUST_USE otp_status_t otp_match_step(otp_keyring_t *ring, const otp_key_t *key, otp_span_t code, int64_t step,
    bool *right, bool *again);

/* Codes of `count` steps from `first`, for otp_resync.c; the caller wipes them.  OTP_FAILED as above. */
OTP_MUST_USE otp_status_t otp_key_codes(otp_keyring_t *ring, const otp_key_t *key, int64_t first, size_t count,
    uint32_t *codes);

/* The value of a code of this key; one that no code has when it is not as many digits as it should be. */
OTP_MUST_USE uint32_t otp_key_code_value(const otp_key_t *key, otp_span_t code);

#endif
