#include "otp_fake_action.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct otp_fake_acting_s {
    otp_fake_desk_t    *desk;
    otp_action_order_t  order;
    otp_action_t       *action;
    otp_fake_replies_t  replies;
    bool                done;
};

static const char *const people[] = { "alice", "bob" };


static void must(bool good)
{
    if (!good) {
        abort();
    }
}


void otp_fake_desk_open(otp_fake_desk_t *desk)
{
    *desk = (otp_fake_desk_t) { .limits = OTP_LIMITS_DEFAULT, .now_ms = OTP_FAKE_NOW * 1000, .random = 7 };
    desk->redis = otp_fake_redis_create();
    desk->redis->now_ms = desk->now_ms;
    desk->ring = otp_fake_ring();
}


void otp_fake_desk_close(otp_fake_desk_t *desk)
{
    otp_fake_redis_destroy(desk->redis);
    otp_keyring_destroy(desk->ring);
}


otp_stock_t otp_fake_stock(otp_fake_desk_t *desk, const char *serial)
{
    otp_stock_t stock = { .wanted_at = 0 };

    otp_fake_key(desk->ring, &stock.key, serial, NULL);
    stock.key.assigned = 0;

    return stock;
}


static otp_name_t name_of(otp_name_kind_t kind, const char *id)
{
    otp_name_t name;

    otp_name_of(&name, kind, OTP_SPAN(OTP_FAKE_PREFIX), otp_span_of(id));

    return name;
}


void otp_fake_stock_put(otp_fake_desk_t *desk, const otp_stock_t *stock)
{
    char       record[OTP_STOCK_MAX];
    size_t     len;
    otp_name_t name = name_of(OTP_NAME_STOCK, stock->key.serial);

    must(otp_stock_write(desk->ring, otp_name_span(&name), stock, record, sizeof(record), &len) == OTP_OK);
    otp_fake_redis_put(desk->redis, otp_name_span(&name), (otp_span_t) { record, len });
}


otp_stock_t otp_fake_stock_get(otp_fake_desk_t *desk, const char *serial)
{
    otp_stock_t stock = { .wanted_at = 0 };
    otp_name_t  name = name_of(OTP_NAME_STOCK, serial);
    otp_span_t  record = otp_fake_redis_value(desk->redis, otp_name_span(&name));

    if (record.len != 0) {
        must(otp_stock_read(desk->ring, otp_name_span(&name), record, &stock) == OTP_OK);
    }

    return stock;
}


void otp_fake_desk_put(otp_fake_desk_t *desk, const otp_account_t *account)
{
    char       record[OTP_ACCOUNT_MAX];
    size_t     len;
    otp_name_t name = name_of(OTP_NAME_ACCOUNT, account->uid);

    must(otp_account_write(desk->ring, otp_name_span(&name), account, record, sizeof(record), &len) == OTP_OK);
    otp_fake_redis_put(desk->redis, otp_name_span(&name), (otp_span_t) { record, len });
}


otp_account_t otp_fake_desk_get(otp_fake_desk_t *desk, const char *uid)
{
    otp_account_t account = { .revision = 0 };
    otp_name_t    name = name_of(OTP_NAME_ACCOUNT, uid);
    otp_span_t    record = otp_fake_redis_value(desk->redis, otp_name_span(&name));

    if (record.len != 0) {
        must(otp_account_read(desk->ring, otp_name_span(&name), record, &account) == OTP_OK);
    }

    return account;
}


void otp_fake_held(otp_fake_desk_t *desk, const char *serial, const char *uid)
{
    otp_stock_t   stock = otp_fake_stock(desk, serial);
    otp_account_t account = otp_fake_desk_get(desk, uid);

    if (account.uid[0] == '\0') {
        otp_account_init(&account, otp_span_of(uid));
    }
    (void) snprintf(stock.uid, sizeof(stock.uid), "%s", uid);
    (void) snprintf(stock.key.holding, sizeof(stock.key.holding), "held-%s", uid);
    stock.key.assigned = OTP_FAKE_NOW - 86400;
    stock.key.step = OTP_FAKE_STEP - 1000;
    otp_fake_stock_put(desk, &stock);
    stock.key.step = OTP_FAKE_STEP - 5;
    account.key[account.keys] = stock.key;
    otp_fake_pin(desk->ring, &account.key[account.keys++], OTP_FAKE_PIN);
    otp_fake_desk_put(desk, &account);
}


unsigned otp_fake_usable(otp_fake_desk_t *desk, const char *serial)
{
    unsigned n = 0;

    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
        otp_account_t    account = otp_fake_desk_get(desk, people[i]);
        const otp_key_t *copy = otp_account_key(&account, otp_span_of(serial));

        n += copy != NULL && copy->state == OTP_KEY_USABLE;
    }

    return n;
}


/* ---- sessions ---- */

otp_span_t otp_fake_session_digest(unsigned number, char digest[2 * OTP_DIGEST_LEN + 1])
{
    (void) snprintf(digest, 2 * OTP_DIGEST_LEN + 1, "%012x%052x", number * 2654435761u, number);

    return (otp_span_t) { digest, 2 * OTP_DIGEST_LEN };
}


static void carry_out(otp_fake_desk_t *desk, const otp_span_t *arg, size_t args)
{
    otp_fake_replies_t replies = { .count = 0 };
    otp_command_t      command = { .args = (uint8_t) args };

    memcpy(command.arg, arg, args * sizeof(*arg));
    otp_fake_redis_command(desk->redis, &command, &replies);
    must(replies.reply[0].kind != OTP_REPLY_ERROR);
    otp_fake_replies_free(&replies);
}


void otp_fake_session(otp_fake_desk_t *desk, const char *uid, unsigned number, const char *serial, otp_auth_t method,
    bool password_proven)
{
    char          digest[2 * OTP_DIGEST_LEN + 1], record[OTP_SESSION_MAX], expires[24];
    size_t        len;
    otp_name_t    list = name_of(OTP_NAME_USER_SESSIONS, uid), sess, seen;
    otp_span_t    hex = otp_fake_session_digest(number, digest);
    otp_session_t session = {
        .id = { digest, OTP_PUBLIC_ID_LEN }, .person = { .uid = otp_span_of(uid), .groups = OTP_SPAN("staff") },
        .level = method == OTP_AUTH_PASSWORD ? OTP_LEVEL_PASSWORD : OTP_LEVEL_OTP, .method = method,
        .password_proven = password_proven, .created = OTP_FAKE_NOW, .auth_time = OTP_FAKE_NOW,
        .otp_time = method == OTP_AUTH_PASSWORD ? 0 : OTP_FAKE_NOW, .expires = OTP_FAKE_NOW + 36000, .idle_s = 1800,
        .serial = otp_span_of(serial)
    };

    otp_name_cookie(&sess, OTP_SPAN(OTP_FAKE_PREFIX), "sess", hex);
    otp_name_cookie(&seen, OTP_SPAN(OTP_FAKE_PREFIX), "seen", hex);
    must(otp_session_write(desk->ring, otp_name_span(&sess), &session, record, sizeof(record), &len) == OTP_OK);
    (void) snprintf(expires, sizeof(expires), "%lld", (long long) session.expires);
    carry_out(desk, (otp_span_t[]) { OTP_SPAN("ZADD"), otp_name_span(&list), otp_span_of(expires), hex }, 4);
    otp_fake_redis_put(desk->redis, otp_name_span(&sess), (otp_span_t) { record, len });
    otp_fake_redis_put(desk->redis, otp_name_span(&seen), OTP_SPAN("1700000000"));
}


otp_level_t otp_fake_session_level(otp_fake_desk_t *desk, unsigned number)
{
    char          digest[2 * OTP_DIGEST_LEN + 1];
    otp_name_t    sess;
    otp_session_t session;
    otp_span_t    record;

    otp_name_cookie(&sess, OTP_SPAN(OTP_FAKE_PREFIX), "sess", otp_fake_session_digest(number, digest));
    record = otp_fake_redis_value(desk->redis, otp_name_span(&sess));
    if (record.len == 0) {
        return OTP_LEVEL_OFF;
    }
    must(otp_session_read(desk->ring, otp_name_span(&sess), record, &session) == OTP_OK);

    return session.level;
}


/* ---- actions ---- */

otp_action_order_t otp_fake_order(otp_action_kind_t kind, const char *uid, const char *serial)
{
    return (otp_action_order_t) {
        .kind = kind, .uid = otp_span_of(uid), .serial = otp_span_of(serial), .actor = OTP_SPAN("zoe"),
        .note = OTP_SPAN("asked by telephone"), .address = OTP_SPAN("192.0.2.9"), .request_id = OTP_SPAN("r1"),
        .by_session = OTP_SPAN("0123456789ab")
    };
}


otp_fake_acting_t *otp_fake_act_begin(otp_fake_desk_t *desk, const otp_action_order_t *order)
{
    otp_fake_acting_t   *acting = calloc(1, sizeof(*acting));
    uint8_t              random[OTP_ACTION_RANDOM];
    otp_action_context_t context = {
        .ring = desk->ring, .prefix = OTP_SPAN(OTP_FAKE_PREFIX), .limits = &desk->limits,
        .floor_s = desk->floor_s
    };

    must(acting != NULL);
    otp_fake_random_bytes(&desk->random, random, sizeof(random));
    acting->desk = desk;
    acting->order = *order;
    acting->action = otp_action_create(&context, &acting->order, random);
    must(acting->action != NULL);
    acting->done = otp_action_step(acting->action, desk->now_ms, NULL, 0) == OTP_ACTION_DONE;

    return acting;
}


const otp_action_view_t *otp_fake_act_view(const otp_fake_acting_t *acting)
{
    return otp_action_view(acting->action);
}


bool otp_fake_act_step(otp_fake_acting_t *acting)
{
    const otp_action_view_t *view = otp_action_view(acting->action);
    otp_fake_replies_t      *replies = &acting->replies;

    if (acting->done) {
        return true;
    }
    must(view->commands != 0 && view->commands <= OTP_ACTION_COMMANDS_MAX);
    otp_fake_redis_command(acting->desk->redis, &view->command[replies->count], replies);
    if (replies->count == view->commands) {
        acting->done = otp_action_step(acting->action, acting->desk->now_ms, otp_fake_replies_given(replies),
                                       replies->count) == OTP_ACTION_DONE;
        otp_fake_replies_free(replies);
    }

    return acting->done;
}


otp_action_result_t otp_fake_act_end(otp_fake_acting_t *acting)
{
    otp_action_result_t result = otp_action_view(acting->action)->result;

    otp_fake_replies_free(&acting->replies);
    otp_action_destroy(acting->action);
    free(acting);

    return result;
}


otp_action_result_t otp_fake_act(otp_fake_desk_t *desk, otp_action_order_t order)
{
    otp_fake_acting_t *acting = otp_fake_act_begin(desk, &order);

    while (!otp_fake_act_step(acting)) {
    }

    return otp_fake_act_end(acting);
}


otp_managed_t otp_fake_do(otp_fake_desk_t *desk, otp_action_kind_t kind, const char *uid, const char *serial,
    const char *reason)
{
    otp_action_order_t order = otp_fake_order(kind, uid, serial);

    order.reason = otp_span_of(reason);

    return otp_fake_act(desk, order).managed;
}
