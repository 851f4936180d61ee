/*
 * Who gets a place in a worker's queue of password hashes, and who is told at once to come again.
 *
 * A hash takes a core for tens of milliseconds, so places are time: a queue of N places and T threads makes the last
 * one wait N * cost / T.  Nobody shall wait longer than half of `wait_ms`, as far as can be foreseen: how long a hash
 * takes here is measured, and the room is what can be computed in that time.  Of this room
 *
 *     an account     may hold 2 places: who hammers one name does not keep others waiting
 *     an address     half of it (IPv6: a /64, as for the throttle): nor does who invents names
 *     strangers      three quarters: a browser that the person has used before finds room when they have filled theirs;
 *                    it counts for no address
 *
 * Plain values: the caller brings the time and holds the queue; one a worker, so nothing is locked.
 */
#ifndef OTP_HASH_QUEUE_H
#define OTP_HASH_QUEUE_H

#include "core/base/otp_span.h"

#define OTP_HASH_PLACES     256     /* `hash_queue=` at most */
#define OTP_HASH_ROOM_MIN   4       /* however long a hash takes */
#define OTP_HASH_ACCOUNT    2       /* places of one account, waiting or being computed */
#define OTP_HASH_ID         64      /* bytes of an account's or an address' id */

typedef struct {
    otp_span_t account;         /* what the account's throttle is named by; empty: has no share */
    otp_span_t address;         /* the same of the address */
    bool       known;           /* a browser that the person has used before */
} otp_hash_asker_t;

typedef enum {
    OTP_HASH_ADMITTED,
    OTP_HASH_ACCOUNT_FULL,
    OTP_HASH_ADDRESS_FULL,
    OTP_HASH_FULL
} otp_hash_verdict_t;

typedef struct {
    char   account[OTP_HASH_ID], address[OTP_HASH_ID];
    size_t account_len, address_len;
    bool   taken, known;
} otp_hash_place_t;

/* All zero: empty, and nothing measured yet. */
typedef struct {
    otp_hash_place_t place[OTP_HASH_PLACES];
    size_t           taken;
    int64_t          since_ms;  /* the last hash was done, or the queue stopped being empty */
    int64_t          pace_us;   /* from one hash to the next while there are some to be done; 0: not measured */
} otp_hash_queue_t;

/* OTP_HASH_ADMITTED: `*place` is the asker's until otp_hash_queue_leave(). */
OTP_MUST_USE otp_hash_verdict_t otp_hash_queue_enter(otp_hash_queue_t *queue, size_t places, int64_t wait_ms,
    const otp_hash_asker_t *asker, int64_t now_ms, size_t *place);
/* `computed`: its hash was; otherwise nothing is learned from it. */
void otp_hash_queue_leave(otp_hash_queue_t *queue, size_t place, bool computed, int64_t now_ms);

/* What somebody who came now would wait, as far as can be foreseen. */
int64_t otp_hash_queue_wait_ms(const otp_hash_queue_t *queue);

#endif
