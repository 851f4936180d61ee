#include "otp_fake_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/store/otp_swap.h"


/* ---- replies ---- */

static otp_reply_t reply_text(otp_span_t text)
{
    return (otp_reply_t) { .kind = OTP_REPLY_TEXT, .text = { otp_fake_copy(text.data, text.len), text.len } };
}


otp_reply_t otp_fake_reply_error(const char *text)
{
    otp_reply_t reply = reply_text(otp_span_of(text));

    reply.kind = OTP_REPLY_ERROR;

    return reply;
}


static otp_reply_t reply_number(int64_t number)
{
    return (otp_reply_t) { .kind = OTP_REPLY_INTEGER, .integer = number };
}


static otp_reply_t reply_nil(void)
{
    return (otp_reply_t) { .kind = OTP_REPLY_NIL };
}


static otp_reply_t reply_array(size_t elements)
{
    otp_reply_t *element = calloc(elements, sizeof(*element));

    if (element == NULL) {
        abort();
    }

    return (otp_reply_t) { .kind = OTP_REPLY_ARRAY, .element = element, .elements = elements };
}


void otp_fake_reply_free(otp_reply_t *reply)
{
    for (size_t i = 0; reply->kind == OTP_REPLY_ARRAY && i < reply->elements; i++) {
        otp_fake_reply_free(&reply->element[i]);
    }
    if (reply->kind == OTP_REPLY_ARRAY) {
        free(reply->element);
    }
    if (reply->kind == OTP_REPLY_TEXT || reply->kind == OTP_REPLY_ERROR) {
        free((char *) (uintptr_t) reply->text.data);
    }
}


/* ---- commands ---- */

typedef otp_reply_t (*verb_t)(otp_fake_redis_t *redis, const otp_command_t *command);


static otp_reply_t verb_ping(otp_fake_redis_t *redis, const otp_command_t *command)
{
    (void) redis;
    (void) command;
    return reply_text(OTP_SPAN("PONG"));
}


static otp_reply_t verb_get(otp_fake_redis_t *redis, const otp_command_t *command)
{
    otp_fake_entry_t *entry = otp_fake_redis_find(redis, command->arg[1]);

    if (command->args != 2) {
        return otp_fake_reply_error("ERR wrong number of arguments");
    }
    if (entry == NULL) {
        return reply_nil();
    }

    return entry->set ? otp_fake_reply_error("WRONGTYPE") : reply_text((otp_span_t) { entry->value, entry->value_len });
}


static otp_reply_t verb_mget(otp_fake_redis_t *redis, const otp_command_t *command)
{
    otp_reply_t reply = reply_array((size_t) command->args - 1);

    for (size_t i = 1; i < command->args; i++) {
        otp_fake_entry_t *entry = otp_fake_redis_find(redis, command->arg[i]);

        reply.element[i - 1] = entry == NULL || entry->set
                               ? reply_nil() : reply_text((otp_span_t) { entry->value, entry->value_len });
    }

    return reply;
}


static otp_reply_t verb_set(otp_fake_redis_t *redis, const otp_command_t *command)
{
    int64_t number = 0, unit = 0;
    bool    only_existing = false, only_new = false;

    for (size_t i = 3; i < command->args; i++) {
        if (otp_span_equal(command->arg[i], OTP_SPAN("NX"))) {
            only_new = true;
            continue;
        }
        if (otp_span_equal(command->arg[i], OTP_SPAN("XX"))) {
            only_existing = true;
            continue;
        }
        unit = otp_span_equal(command->arg[i], OTP_SPAN("EX")) ? 1000
               : otp_span_equal(command->arg[i], OTP_SPAN("PX")) ? 1 : 0;
        if (unit == 0 || ++i == command->args || otp_span_number(command->arg[i], &number) != OTP_OK || number <= 0) {
            return otp_fake_reply_error("ERR syntax error or invalid expire time");
        }
    }

    if (command->args < 3) {
        return otp_fake_reply_error("ERR wrong number of arguments");
    }
    if ((only_existing && otp_fake_redis_find(redis, command->arg[1]) == NULL)
        || (only_new && otp_fake_redis_find(redis, command->arg[1]) != NULL))
    {
        return reply_nil();
    }

    otp_fake_redis_put(redis, command->arg[1], command->arg[2]);
    if (unit != 0) {
        otp_fake_redis_find(redis, command->arg[1])->expires_ms = redis->now_ms + number * unit;
    }

    return reply_text(OTP_SPAN("OK"));
}


static otp_reply_t verb_del(otp_fake_redis_t *redis, const otp_command_t *command)
{
    int64_t n = 0;

    for (size_t i = 1; i < command->args; i++) {
        otp_fake_entry_t *entry = otp_fake_redis_find(redis, command->arg[i]);

        if (entry != NULL) {
            otp_fake_entry_remove(redis, entry);
            n++;
        }
    }

    return reply_number(n);
}


/* ---- sorted sets ---- */

static int64_t set_find(const otp_fake_entry_t *entry, otp_span_t member, size_t *index)
{
    *index = 0;
    for (size_t at = 0; at < entry->value_len; at += strlen(entry->value + at) + 1) {
        if (otp_span_equal(otp_span_of(entry->value + at), member)) {
            return (int64_t) at;
        }
        ++*index;
    }

    return -1;
}


size_t otp_fake_set_size(const otp_fake_entry_t *entry)
{
    size_t index;

    (void) set_find(entry, OTP_SPAN_NONE, &index);

    return index;
}


int64_t otp_fake_set_score(const otp_fake_entry_t *entry, otp_span_t member)
{
    size_t index;

    return set_find(entry, member, &index) < 0 ? -1 : entry->score[index];
}


static void set_remove(otp_fake_entry_t *entry, size_t at, size_t index)
{
    size_t len = strlen(entry->value + at) + 1, n = otp_fake_set_size(entry);

    entry->value_len -= len;
    memmove(entry->value + at, entry->value + at + len, entry->value_len - at);
    memmove(entry->score + index, entry->score + index + 1, (n - index - 1) * sizeof(*entry->score));
}


static void set_insert(otp_fake_entry_t *entry, otp_span_t member, int64_t score)
{
    size_t n = entry->value == NULL ? 0 : otp_fake_set_size(entry), at = 0, index = 0;

    entry->value = realloc(entry->value, entry->value_len + member.len + 1);
    entry->score = realloc(entry->score, (n + 1) * sizeof(*entry->score));
    if (entry->value == NULL || entry->score == NULL) {
        abort();
    }
    while (index < n && (entry->score[index] < score
                         || (entry->score[index] == score && strcmp(entry->value + at, member.data) < 0)))
    {
        at += strlen(entry->value + at) + 1;
        index++;
    }
    memmove(entry->value + at + member.len + 1, entry->value + at, entry->value_len - at);
    memmove(entry->score + index + 1, entry->score + index, (n - index) * sizeof(*entry->score));
    memcpy(entry->value + at, member.data, member.len);
    entry->value[at + member.len] = '\0';
    entry->value_len += member.len + 1;
    entry->score[index] = score;
}


static otp_reply_t set_add(otp_fake_redis_t *redis, otp_span_t name, otp_span_t score_text, otp_span_t member_text)
{
    size_t            index;
    int64_t           score, at;
    otp_fake_entry_t *entry = otp_fake_redis_find(redis, name);
    char             *member;

    if (otp_span_number(score_text, &score) != OTP_OK) {
        return otp_fake_reply_error("ERR value is not a valid float");
    }
    if (entry != NULL && !entry->set) {
        return otp_fake_reply_error("WRONGTYPE");
    }

    entry = otp_fake_entry_of(redis, name);
    entry->set = true;
    at = entry->value == NULL ? -1 : set_find(entry, member_text, &index);
    if (at >= 0) {
        set_remove(entry, (size_t) at, index);
    }
    member = otp_fake_copy(member_text.data, member_text.len);
    set_insert(entry, otp_span_of(member), score);
    free(member);

    return reply_number(at < 0);
}


static otp_reply_t verb_zadd(otp_fake_redis_t *redis, const otp_command_t *command)
{
    return command->args != 4 ? otp_fake_reply_error("ERR wrong number of arguments")
                              : set_add(redis, command->arg[1], command->arg[2], command->arg[3]);
}


static bool set_drop(otp_fake_redis_t *redis, otp_span_t name, otp_span_t member)
{
    size_t            index = 0;
    otp_fake_entry_t *entry = otp_fake_redis_find(redis, name);
    int64_t           at = entry == NULL || !entry->set ? -1 : set_find(entry, member, &index);

    if (at < 0) {
        return false;
    }
    set_remove(entry, (size_t) at, index);
    if (entry->value_len == 0) {
        otp_fake_entry_remove(redis, entry);
    }

    return true;
}


static otp_reply_t verb_zrem(otp_fake_redis_t *redis, const otp_command_t *command)
{
    int64_t n = 0;

    for (size_t i = 2; i < command->args; i++) {
        n += set_drop(redis, command->arg[1], command->arg[i]);
    }

    return reply_number(n);
}


static otp_reply_t verb_zcard(otp_fake_redis_t *redis, const otp_command_t *command)
{
    const otp_fake_entry_t *entry = otp_fake_redis_find(redis, command->arg[1]);

    return reply_number(entry == NULL ? 0 : (int64_t) otp_fake_set_size(entry));
}


/* Of ZRANGE and ZREVRANGE: by index, from 0 or more to one of the end or before it; WITHSCORES. */
static otp_reply_t set_range(otp_fake_redis_t *redis, const otp_command_t *command, bool reverse)
{
    const otp_fake_entry_t *entry = otp_fake_redis_find(redis, command->arg[1]);
    size_t                  n = entry == NULL ? 0 : otp_fake_set_size(entry), at = 0, per = 1, shown;
    int64_t                 first, last = -1;
    otp_reply_t             reply;

    if (command->args < 4 || otp_span_number(command->arg[2], &first) != OTP_OK
        || (!otp_span_equal(command->arg[3], OTP_SPAN("-1")) && otp_span_number(command->arg[3], &last) != OTP_OK))
    {
        return otp_fake_reply_error("ERR value is not an integer or out of range");
    }
    if (entry != NULL && !entry->set) {
        return otp_fake_reply_error("WRONGTYPE");
    }
    per += command->args == 5;
    last = last < 0 || last >= (int64_t) n ? (int64_t) n - 1 : last;
    shown = last < first ? 0 : (size_t) (last - first) + 1;
    reply = reply_array(shown * per);

    for (size_t i = 0; i < n; at += strlen(entry->value + at) + 1, i++) {
        int64_t place = (int64_t) (reverse ? n - 1 - i : i) - first;
        char    text[24];

        if (place < 0 || place >= (int64_t) shown) {
            continue;
        }
        reply.element[(size_t) place * per] = reply_text(otp_span_of(entry->value + at));
        if (per == 2) {
            (void) snprintf(text, sizeof(text), "%lld", (long long) entry->score[i]);
            reply.element[(size_t) place * per + 1] = reply_text(otp_span_of(text));
        }
    }

    return reply;
}


/* ZRANGE name FROM +inf BYSCORE LIMIT 0 COUNT WITHSCORES: the members of at least this score. */
static otp_reply_t set_range_by_score(otp_fake_redis_t *redis, const otp_command_t *command)
{
    const otp_fake_entry_t *entry = otp_fake_redis_find(redis, command->arg[1]);
    size_t                  n = entry == NULL ? 0 : otp_fake_set_size(entry), first = 0;
    int64_t                 from, count;
    char                    start[24], last[24];
    otp_command_t           by_index = { .arg = { command->arg[0], command->arg[1] }, .args = 5 };

    if (command->args != 9 || !otp_span_equal(command->arg[3], OTP_SPAN("+inf"))
        || !otp_span_equal(command->arg[6], OTP_SPAN("0")) || otp_span_number(command->arg[2], &from) != OTP_OK
        || otp_span_number(command->arg[7], &count) != OTP_OK)
    {
        return otp_fake_reply_error("ERR syntax error");
    }
    while (first < n && entry->score[first] < from) {
        first++;
    }
    (void) snprintf(start, sizeof(start), "%zu", first);
    (void) snprintf(last, sizeof(last), "%lld", (long long) first + (long long) count - 1);
    by_index.arg[2] = otp_span_of(start);
    by_index.arg[3] = otp_span_of(last);
    by_index.arg[4] = command->arg[8];

    return set_range(redis, &by_index, false);
}


static otp_reply_t verb_zrange(otp_fake_redis_t *redis, const otp_command_t *command)
{
    if (command->args > 4 && otp_span_equal(command->arg[4], OTP_SPAN("BYSCORE"))) {
        return set_range_by_score(redis, command);
    }

    return set_range(redis, command, false);
}


static otp_reply_t verb_zrevrange(otp_fake_redis_t *redis, const otp_command_t *command)
{
    return set_range(redis, command, true);
}


/* Which page of ZSCAN a member is on: it does not depend on which others there are. */
static unsigned scan_page(const char *member, unsigned pages)
{
    unsigned hash = 5381;

    for (const char *c = member; *c != '\0'; c++) {
        hash = hash * 33 + (unsigned char) *c;
    }

    return hash % pages;
}


/* ZSCAN name cursor COUNT n: all at once while they are few, as Redis does, else in four pages. */
static otp_reply_t verb_zscan(otp_fake_redis_t *redis, const otp_command_t *command)
{
    const otp_fake_entry_t *entry = otp_fake_redis_find(redis, command->arg[1]);
    size_t                  n = entry == NULL ? 0 : otp_fake_set_size(entry), at = 0, shown = 0;
    int64_t                 cursor, count;
    unsigned                pages;
    char                    text[24];
    otp_reply_t             reply;

    if (command->args != 5 || otp_span_number(command->arg[2], &cursor) != OTP_OK
        || otp_span_number(command->arg[4], &count) != OTP_OK || (entry != NULL && !entry->set))
    {
        return otp_fake_reply_error("ERR syntax error");
    }
    pages = cursor != 0 || (int64_t) n > count ? 4 : 1;
    reply = reply_array(2);
    (void) snprintf(text, sizeof(text), "%lld", (long long) (cursor + 1) % pages);
    reply.element[0] = reply_text(otp_span_of(text));
    reply.element[1] = reply_array(2 * n + 1);
    for (size_t i = 0; i < n; at += strlen(entry->value + at) + 1, i++) {
        if (scan_page(entry->value + at, pages) == (unsigned) cursor) {
            (void) snprintf(text, sizeof(text), "%lld", (long long) entry->score[i]);
            reply.element[1].element[shown++] = reply_text(otp_span_of(entry->value + at));
            reply.element[1].element[shown++] = reply_text(otp_span_of(text));
        }
    }
    reply.element[1].elements = shown;

    return reply;
}


/* ZREMRANGEBYSCORE name -inf max */
static otp_reply_t verb_zremrangebyscore(otp_fake_redis_t *redis, const otp_command_t *command)
{
    otp_fake_entry_t *entry;
    int64_t           max, n = 0;

    if (command->args != 4 || !otp_span_equal(command->arg[2], OTP_SPAN("-inf"))
        || otp_span_number(command->arg[3], &max) != OTP_OK)
    {
        return otp_fake_reply_error("ERR min or max is not a float");
    }
    while ((entry = otp_fake_redis_find(redis, command->arg[1])) != NULL && entry->score[0] <= max) {
        (void) set_drop(redis, command->arg[1], otp_span_of(entry->value));
        n++;
    }

    return reply_number(n);
}


/* ---- streams ---- */

static size_t stream_len(const otp_fake_redis_t *redis, otp_span_t stream)
{
    size_t n = 0;

    for (size_t i = 0; i < redis->events; i++) {
        n += otp_span_equal(otp_span_of(redis->event[i].stream), stream);
    }

    return n;
}


static otp_reply_t verb_expire(otp_fake_redis_t *redis, const otp_command_t *command)
{
    int64_t           seconds;
    otp_fake_entry_t *entry = otp_fake_redis_find(redis, command->arg[1]);

    if (command->args != 3 || otp_span_number(command->arg[2], &seconds) != OTP_OK) {
        return otp_fake_reply_error("ERR value is not an integer");
    }
    if (entry == NULL) {
        return reply_number(stream_len(redis, command->arg[1]) != 0);     /* streams stay for ever here */
    }
    entry->expires_ms = redis->now_ms + seconds * 1000;

    return reply_number(1);
}


/* XADD name [MAXLEN ~ N] * field value */
static otp_reply_t verb_xadd(otp_fake_redis_t *redis, const otp_command_t *command)
{
    size_t  at = 2;
    int64_t kept = 0;

    if (command->args == 8 && otp_span_equal(command->arg[2], OTP_SPAN("MAXLEN"))
        && otp_span_equal(command->arg[3], OTP_SPAN("~")) && otp_span_number(command->arg[4], &kept) == OTP_OK)
    {
        at = 5;
    }
    if (command->args != at + 3 || !otp_span_equal(command->arg[at], OTP_SPAN("*"))) {
        return otp_fake_reply_error("ERR syntax error");
    }
    otp_fake_stream_add(redis, command->arg[1], command->arg[at + 1], command->arg[at + 2], kept);

    return reply_text(OTP_SPAN("1-1"));
}


/* XREVRANGE name + - COUNT n */
static otp_reply_t verb_xrevrange(otp_fake_redis_t *redis, const otp_command_t *command)
{
    size_t      n = stream_len(redis, command->arg[1]), at = 0;
    int64_t     count;
    otp_reply_t reply;

    if (command->args != 6 || !otp_span_equal(command->arg[2], OTP_SPAN("+"))
        || !otp_span_equal(command->arg[3], OTP_SPAN("-")) || !otp_span_equal(command->arg[4], OTP_SPAN("COUNT"))
        || otp_span_number(command->arg[5], &count) != OTP_OK)
    {
        return otp_fake_reply_error("ERR syntax error");
    }

    reply = reply_array(n < (size_t) count ? n : (size_t) count);
    for (size_t i = redis->events; i-- > 0 && at < reply.elements; ) {
        if (otp_span_equal(otp_span_of(redis->event[i].stream), command->arg[1])) {
            reply.element[at] = reply_array(2);
            reply.element[at].element[0] = reply_text(OTP_SPAN("1-1"));
            reply.element[at].element[1] = reply_array(2);
            reply.element[at].element[1].element[0] = reply_text(otp_span_of(redis->event[i].field));
            reply.element[at].element[1].element[1] = reply_text(otp_span_of(redis->event[i].text));
            at++;
        }
    }

    return reply;
}


/* ---- the script of otp_swap.h ---- */

static otp_reply_t verb_evalsha(otp_fake_redis_t *redis, const otp_command_t *command)
{
    const otp_span_t *key = &command->arg[3], *arg = &command->arg[8];
    otp_fake_entry_t *entry = otp_fake_redis_find(redis, key[0]);
    otp_span_t        stored = entry == NULL ? OTP_SPAN("") : (otp_span_t) { entry->value, entry->value_len };
    otp_reply_t       reply;
    int64_t           ttl_ms, kept, history_kept = 0;

    if (!command->swap || command->args != 18 || !otp_span_equal(command->arg[1], otp_swap_sha1())
        || !otp_span_equal(command->arg[2], OTP_SPAN("5")) || otp_span_number(arg[2], &ttl_ms) != OTP_OK
        || otp_span_number(arg[4], &kept) != OTP_OK || (entry != NULL && entry->set)
        || (arg[6].len != 0 && otp_span_number(arg[6], &history_kept) != OTP_OK))
    {
        return otp_fake_reply_error("ERR not the swap");
    }

    if (!otp_span_equal(stored, arg[0])) {
        reply = reply_array(2);
        reply.element[0] = reply_number(0);
        reply.element[1] = entry == NULL ? reply_nil() : reply_text(stored);
        return reply;
    }

    if (arg[3].len != 0) {
        otp_fake_stream_add(redis, key[1], OTP_SPAN("e"), arg[3], kept);
    }
    if (arg[5].len != 0) {
        otp_fake_stream_add(redis, key[2], OTP_SPAN("m"), arg[5], 0);
    }
    if (arg[6].len != 0) {
        otp_fake_stream_add(redis, key[3], OTP_SPAN("e"), arg[3], history_kept);
    }
    if (arg[8].len != 0 && arg[9].len == 0) {
        (void) set_drop(redis, key[4], arg[8]);
    } else if (arg[8].len != 0) {
        otp_reply_t added = set_add(redis, key[4], arg[9], arg[8]);

        if (added.kind == OTP_REPLY_ERROR) {
            return added;
        }
    }

    if (arg[1].len != 0) {
        otp_fake_redis_put(redis, key[0], arg[1]);
        otp_fake_redis_find(redis, key[0])->expires_ms = ttl_ms == 0 ? 0 : redis->now_ms + ttl_ms;
    } else if (entry != NULL) {
        otp_fake_entry_remove(redis, otp_fake_redis_find(redis, key[0]));
    }
    reply = reply_array(1);
    reply.element[0] = reply_number(1);

    return reply;
}


otp_reply_t otp_fake_carry_out(otp_fake_redis_t *redis, const otp_command_t *command)
{
    static const struct {
        const char *name;
        verb_t      verb;
    } verbs[] = {
        { "PING", verb_ping }, { "GET", verb_get }, { "MGET", verb_mget }, { "SET", verb_set }, { "DEL", verb_del },
        { "ZADD", verb_zadd }, { "ZREM", verb_zrem }, { "EXPIRE", verb_expire }, { "ZCARD", verb_zcard },
        { "ZSCAN", verb_zscan }, { "ZREMRANGEBYSCORE", verb_zremrangebyscore },
        { "ZRANGE", verb_zrange }, { "ZREVRANGE", verb_zrevrange }, { "XADD", verb_xadd },
        { "XREVRANGE", verb_xrevrange }, { "EVALSHA", verb_evalsha },
    };

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (otp_span_equal(command->arg[0], otp_span_of(verbs[i].name))) {
            return verbs[i].verb(redis, command);
        }
    }

    return otp_fake_reply_error("ERR unknown command");
}
