#include "core/action/otp_sweep.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/store/otp_swap.h"

#define DIGEST_LEN  (2 * OTP_DIGEST_LEN)
#define PAGE        OTP_SPAN("64")      /* sessions asked for together; Redis may give more */
#define TRIES       8                   /* of lowering a session that others keep changing; then it is ended */

static otp_sweep_effect_t look(otp_sweep_t *sweep);


otp_managed_session_t otp_sweep_key_disabled(void *serial, otp_span_t digest, otp_session_t *session)
{
    (void) digest;
    return otp_manage_session(session, *(const otp_span_t *) serial);
}


otp_managed_session_t otp_sweep_key_returned(void *serial, otp_span_t digest, otp_session_t *session)
{
    otp_managed_session_t verdict = otp_sweep_key_disabled(serial, digest, session);

    return verdict == OTP_MANAGE_SESSION_LOWERED ? OTP_MANAGE_SESSION_ENDED : verdict;
}


otp_managed_session_t otp_sweep_emergency(void *nothing, otp_span_t digest, otp_session_t *session)
{
    (void) nothing;
    (void) digest;
    return otp_manage_session_emergency(session);
}


otp_managed_session_t otp_sweep_all_but(void *kept, otp_span_t digest, otp_session_t *session)
{
    const otp_span_t *one = kept;

    (void) session;
    return one->len == digest.len && otp_secret_equal(one->data, digest.data, digest.len)
        ? OTP_MANAGE_SESSION_KEPT : OTP_MANAGE_SESSION_ENDED;
}


static otp_command_t *add_command(otp_sweep_t *sweep, const char *verb, otp_span_t name)
{
    otp_command_t *command = &sweep->command[sweep->commands++];

    memset(command, 0, sizeof(*command));
    command->arg[0] = otp_span_of(verb);
    command->arg[1] = name;
    command->args = 2;
    return command;
}


static void add_argument(otp_command_t *command, otp_span_t argument)
{
    command->arg[command->args++] = argument;
}


static otp_span_t write_number(char text[24], int64_t number)
{
    otp_buffer_t out;

    otp_buffer_init(&out, text, 24);
    otp_buffer_add_number(&out, number);
    return otp_buffer_span(&out);
}


/* The digests of one page of the list. */
OTP_MUST_USE static bool take_page(otp_sweep_t *sweep, const otp_reply_t *reply)
{
    otp_span_t cursor;

    if (reply->kind != OTP_REPLY_ARRAY || reply->elements != 2 || reply->element[0].kind != OTP_REPLY_TEXT
        || reply->element[1].kind != OTP_REPLY_ARRAY)
    {
        return false;
    }
    cursor = reply->element[0].text;
    if (cursor.len == 0 || cursor.len >= sizeof(sweep->cursor)) {
        return false;
    }
    memset(sweep->cursor, 0, sizeof(sweep->cursor));
    memcpy(sweep->cursor, cursor.data, cursor.len);

    free(sweep->digests);
    sweep->digests = malloc(reply->element[1].elements * DIGEST_LEN + 1);
    sweep->page = sweep->at = 0;
    if (sweep->digests == NULL) {
        return false;
    }
    /* Name, score, name, score… */
    for (size_t i = 0; i < reply->element[1].elements; i += 2) {
        otp_span_t digest = reply->element[1].element[i].text;

        if (digest.len == DIGEST_LEN) {
            memcpy(sweep->digests + DIGEST_LEN * sweep->page++, digest.data, DIGEST_LEN);
        }
    }
    return true;
}


static otp_sweep_effect_t paged(otp_sweep_t *sweep, int64_t now_ms, const otp_reply_t *const *replies)
{
    (void) now_ms;
    return take_page(sweep, replies[sweep->commands - 1]) ? look(sweep) : OTP_SWEEP_FAILED;
}


static otp_sweep_effect_t ask_page(otp_sweep_t *sweep)
{
    otp_command_t *command = add_command(sweep, "ZSCAN", otp_name_span(&sweep->list));

    add_argument(command, otp_span_of(sweep->cursor));
    add_argument(command, OTP_SPAN("COUNT"));
    add_argument(command, PAGE);
    sweep->next = paged;
    return OTP_SWEEP_COMMANDS;
}


/* First what is over by the clock goes out of the list: it is never looked at again. */
static otp_sweep_effect_t start(otp_sweep_t *sweep, int64_t now_ms, const otp_reply_t *const *replies)
{
    otp_command_t *command = add_command(sweep, "ZREMRANGEBYSCORE", otp_name_span(&sweep->list));

    (void) replies;
    add_argument(command, OTP_SPAN("-inf"));
    add_argument(command, write_number(sweep->now, now_ms / 1000));
    return ask_page(sweep);
}


/* What is to be done with one session. */
OTP_MUST_USE static bool judge_item(otp_sweep_t *sweep, otp_sweep_item_t *item, const otp_reply_t *reply,
    int64_t now_ms)
{
    otp_session_t session;
    int64_t       left_ms;

    item->verdict = OTP_MANAGE_SESSION_KEPT;
    if (reply->kind != OTP_REPLY_TEXT || reply->text.len > sizeof(item->stored)) {
        return reply->kind != OTP_REPLY_ERROR;
    }
    item->stored_len = reply->text.len;
    memcpy(item->stored, reply->text.data, reply->text.len);
    /* A record that does not read opens nothing, and another person's is none of ours. */
    if (otp_session_read(sweep->ring, otp_name_span(&item->sess), (otp_span_t) { item->stored, item->stored_len },
                         &session) != OTP_OK
        || !otp_span_equal(session.person.uid, otp_span_of(sweep->uid)))
    {
        return true;
    }
    session.id = (otp_span_t) { item->digest, OTP_PUBLIC_ID_LEN };
    item->verdict = sweep->judge(sweep->how, (otp_span_t) { item->digest, DIGEST_LEN }, &session);
    if (item->verdict != OTP_MANAGE_SESSION_LOWERED) {
        return true;
    }
    left_ms = session.expires * 1000 - now_ms;
    if (sweep->tries >= TRIES || left_ms <= 0) {
        item->verdict = OTP_MANAGE_SESSION_ENDED;
        return true;
    }
    (void) write_number(item->ttl, left_ms);
    return otp_session_write(sweep->ring, otp_name_span(&item->sess), &session, item->next, sizeof(item->next),
                             &item->next_len) == OTP_OK;
}


/* The ones that somebody else has changed meanwhile come first and are looked at again. */
OTP_MUST_USE static bool settle(otp_sweep_t *sweep, const otp_reply_t *const *replies)
{
    size_t     again = 0, reply = 0;
    otp_span_t stored;

    for (size_t i = 0; i < sweep->items; i++) {
        otp_sweep_item_t *item = &sweep->item[i];

        if (item->verdict == OTP_MANAGE_SESSION_ENDED) {
            sweep->ended += replies[reply]->kind == OTP_REPLY_INTEGER && replies[reply]->integer > 0;
            memcpy(sweep->gone[sweep->gones++], item->digest, DIGEST_LEN);
            reply++;
        } else if (item->verdict == OTP_MANAGE_SESSION_LOWERED) {
            switch (otp_swap_result(replies[reply++], &stored)) {
            case OTP_SWAPPED:
                sweep->lowered++;
                break;
            case OTP_SWAP_LOST:
                memmove(sweep->item[again++].digest, item->digest, DIGEST_LEN);
                break;
            case OTP_SWAP_FAILED:
                return false;
            }
        }
    }
    sweep->items = again;
    sweep->tries++;
    return true;
}


static otp_sweep_effect_t forgotten(otp_sweep_t *sweep, int64_t now_ms, const otp_reply_t *const *replies)
{
    (void) now_ms;
    (void) replies;
    return look(sweep);
}


/* Only what is known to be over leaves the list: by it the rest is found when all this is done again. */
static otp_sweep_effect_t acted(otp_sweep_t *sweep, int64_t now_ms, const otp_reply_t *const *replies)
{
    otp_command_t *forget;

    (void) now_ms;
    sweep->gones = 0;
    if (!settle(sweep, replies)) {
        return OTP_SWEEP_FAILED;
    }
    if (sweep->gones == 0) {
        return look(sweep);
    }
    sweep->commands = 0;
    forget = add_command(sweep, "ZREM", otp_name_span(&sweep->list));
    for (size_t i = 0; i < sweep->gones; i++) {
        add_argument(forget, (otp_span_t) { sweep->gone[i], DIGEST_LEN });
    }
    sweep->next = forgotten;
    return OTP_SWEEP_COMMANDS;
}


static void add_lowering(otp_sweep_t *sweep, otp_sweep_item_t *item)
{
    otp_swap_t swap = {
        .key = otp_name_span(&item->sess), .stream = otp_name_span(&item->sess),
        .expected = { item->stored, item->stored_len }, .next = { item->next, item->next_len },
        .ttl_ms = otp_span_of(item->ttl)
    };

    otp_swap_command(&swap, &sweep->command[sweep->commands++]);
}


static otp_sweep_effect_t judged(otp_sweep_t *sweep, int64_t now_ms, const otp_reply_t *const *replies)
{
    for (size_t i = 0; i < sweep->items; i++) {
        if (!judge_item(sweep, &sweep->item[i], replies[i], now_ms)) {
            return OTP_SWEEP_FAILED;
        }
    }
    sweep->commands = 0;
    for (size_t i = 0; i < sweep->items; i++) {
        otp_sweep_item_t *item = &sweep->item[i];

        if (item->verdict == OTP_MANAGE_SESSION_ENDED) {
            add_argument(add_command(sweep, "DEL", otp_name_span(&item->sess)), otp_name_span(&item->seen));
        } else if (item->verdict == OTP_MANAGE_SESSION_LOWERED) {
            add_lowering(sweep, item);
        }
    }
    if (sweep->commands == 0) {
        sweep->items = 0;
        return look(sweep);
    }
    sweep->next = acted;
    return OTP_SWEEP_COMMANDS;
}


/* The next batch: what is left of the former one, or else of the page, or else of the list. */
static otp_sweep_effect_t look(otp_sweep_t *sweep)
{
    sweep->commands = 0;
    if (sweep->items == 0) {
        sweep->tries = 0;
        if (sweep->at == sweep->page && strcmp(sweep->cursor, "0") == 0) {
            return OTP_SWEEP_DONE;
        }
        if (sweep->at == sweep->page) {
            return ask_page(sweep);
        }
        while (sweep->items < OTP_SWEEP_BATCH && sweep->at < sweep->page) {
            memcpy(sweep->item[sweep->items++].digest, sweep->digests + DIGEST_LEN * sweep->at++, DIGEST_LEN);
        }
    }
    for (size_t i = 0; i < sweep->items; i++) {
        otp_sweep_item_t *item = &sweep->item[i];
        otp_span_t        digest = { item->digest, DIGEST_LEN };

        otp_name_cookie(&item->sess, sweep->prefix, "sess", digest);
        otp_name_cookie(&item->seen, sweep->prefix, "seen", digest);
        (void) add_command(sweep, "GET", otp_name_span(&item->sess));
    }
    sweep->next = judged;
    return OTP_SWEEP_COMMANDS;
}


void otp_sweep_begin(otp_sweep_t *sweep, otp_keyring_t *ring, otp_span_t prefix, otp_span_t uid,
    otp_sweep_judge_t judge, void *how)
{
    memset(sweep, 0, sizeof(*sweep));
    sweep->ring = ring;
    sweep->prefix = prefix;
    sweep->judge = judge;
    sweep->how = how;
    sweep->cursor[0] = '0';
    sweep->next = start;
    memcpy(sweep->uid, uid.data, uid.len < OTP_UID_LEN ? uid.len : OTP_UID_LEN);
    otp_name_of(&sweep->list, OTP_NAME_USER_SESSIONS, prefix, uid);
}


static otp_sweep_effect_t start_given(otp_sweep_t *sweep, int64_t now_ms, const otp_reply_t *const *replies)
{
    (void) now_ms;
    (void) replies;
    return look(sweep);
}


bool otp_sweep_begin_with(otp_sweep_t *sweep, otp_keyring_t *ring, otp_span_t prefix, otp_span_t uid,
    const char *digests, size_t count, otp_sweep_judge_t judge, void *how)
{
    otp_sweep_begin(sweep, ring, prefix, uid, judge, how);
    sweep->next = start_given;
    sweep->digests = malloc(DIGEST_LEN * count + 1);
    if (!sweep->digests) {
        return false;
    }
    if (count != 0) {
        memcpy(sweep->digests, digests, DIGEST_LEN * count);
    }
    sweep->page = count;
    return true;
}


otp_sweep_effect_t otp_sweep_step(otp_sweep_t *sweep, int64_t now_ms, const otp_reply_t *const *replies, size_t count)
{
    if (sweep->commands != 0 && (replies == NULL || count != sweep->commands)) {
        return OTP_SWEEP_FAILED;
    }
    for (size_t i = 0; i < sweep->commands; i++) {
        if (replies[i] == NULL || replies[i]->kind == OTP_REPLY_ERROR) {
            return OTP_SWEEP_FAILED;
        }
    }
    return sweep->next(sweep, now_ms, replies);
}


void otp_sweep_end(otp_sweep_t *sweep)
{
    free(sweep->digests);
    otp_secret_wipe(sweep, sizeof(*sweep));
}
