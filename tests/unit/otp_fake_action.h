/*
 * Test support: actions against the Redis in memory, whole or one command at a time among others.
 *
 * Build: see otp_fake_redis.h.
 */
#ifndef OTP_FAKE_ACTION_H
#define OTP_FAKE_ACTION_H

#include "core/action/otp_action.h"
#include "otp_fake_key.h"
#include "otp_fake_redis.h"

#define OTP_FAKE_PREFIX "otp:"

/* People: alice, bob.  Keys: whatever is put into the stock. */
typedef struct {
    otp_fake_redis_t *redis;
    otp_keyring_t    *ring;
    otp_limits_t      limits;
    int64_t           now_ms, floor_s;
    uint64_t          random;
    otp_span_t        unreadable;       /* of the last action: its view's, as long as the action lives */
} otp_fake_desk_t;

typedef struct otp_fake_acting_s otp_fake_acting_t;

void otp_fake_desk_open(otp_fake_desk_t *desk);
void otp_fake_desk_close(otp_fake_desk_t *desk);

/* A free key of 6 digits and 60 s. */
otp_stock_t otp_fake_stock(otp_fake_desk_t *desk, const char *serial);
void otp_fake_stock_put(otp_fake_desk_t *desk, const otp_stock_t *stock);
/* Without a serial: there is none. */
otp_stock_t otp_fake_stock_get(otp_fake_desk_t *desk, const char *serial);
void otp_fake_desk_put(otp_fake_desk_t *desk, const otp_account_t *account);
/* Without a uid: there is none. */
otp_account_t otp_fake_desk_get(otp_fake_desk_t *desk, const char *uid);
/* Stock and account of a key that `uid` holds and has a PIN for. */
void otp_fake_held(otp_fake_desk_t *desk, const char *serial, const char *uid);
/* How many of alice and bob have a usable copy. */
unsigned otp_fake_usable(otp_fake_desk_t *desk, const char *serial);

/* A session of `uid` in its list; `number` makes its digest.  `serial` NULL: no key. */
void otp_fake_session(otp_fake_desk_t *desk, const char *uid, unsigned number, const char *serial, otp_auth_t method,
    bool password_proven);
/* Its level; OTP_LEVEL_OFF: there is none. */
otp_level_t otp_fake_session_level(otp_fake_desk_t *desk, unsigned number);
otp_span_t otp_fake_session_digest(unsigned number, char digest[2 * OTP_DIGEST_LEN + 1]);

/* An order by agent "zoe" with a note. */
otp_action_order_t otp_fake_order(otp_action_kind_t kind, const char *uid, const char *serial);

/* To its end. */
otp_action_result_t otp_fake_act(otp_fake_desk_t *desk, otp_action_order_t order);
otp_managed_t otp_fake_do(otp_fake_desk_t *desk, otp_action_kind_t kind, const char *uid, const char *serial,
    const char *reason);

/* One Redis command at a time; true: it is at its end. */
otp_fake_acting_t *otp_fake_act_begin(otp_fake_desk_t *desk, const otp_action_order_t *order);
bool otp_fake_act_step(otp_fake_acting_t *acting);
const otp_action_view_t *otp_fake_act_view(const otp_fake_acting_t *acting);
otp_action_result_t otp_fake_act_end(otp_fake_acting_t *acting);    /* at any moment */

#endif
