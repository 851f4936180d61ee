#include "otp_fake_redis.h"

#include <stdlib.h>
#include <string.h>

#include "core/store/otp_swap.h"


static char *copy_bytes(const char *data, size_t len)
{
    char *copy = malloc(len + 1);

    if (copy == NULL) {
        abort();
    }
    if (len != 0) {
        memcpy(copy, data, len);
    }
    copy[len] = '\0';

    return copy;
}


otp_fake_redis_t *otp_fake_redis_create(void)
{
    otp_fake_redis_t *redis = calloc(1, sizeof(*redis));

    if (redis == NULL) {
        abort();
    }

    return redis;
}


static void entry_free(otp_fake_entry_t *entry)
{
    free(entry->name);
    free(entry->value);
}


void otp_fake_redis_destroy(otp_fake_redis_t *redis)
{
    for (size_t i = 0; i < redis->entries; i++) {
        entry_free(&redis->entry[i]);
    }
    for (size_t i = 0; i < redis->events; i++) {
        free(redis->event[i].stream);
        free(redis->event[i].text);
    }
    free(redis->entry);
    free(redis->event);
    free(redis);
}


static otp_fake_entry_t *entry_add(otp_fake_redis_t *redis, otp_span_t name)
{
    otp_fake_entry_t *entry;

    redis->entry = realloc(redis->entry, (redis->entries + 1) * sizeof(*redis->entry));
    if (redis->entry == NULL) {
        abort();
    }
    entry = &redis->entry[redis->entries++];
    memset(entry, 0, sizeof(*entry));
    entry->name = copy_bytes(name.data, name.len);
    entry->name_len = name.len;

    return entry;
}


static void event_add(otp_fake_redis_t *redis, otp_span_t stream, otp_span_t text)
{
    redis->event = realloc(redis->event, (redis->events + 1) * sizeof(*redis->event));
    if (redis->event == NULL) {
        abort();
    }
    redis->event[redis->events].stream = copy_bytes(stream.data, stream.len);
    redis->event[redis->events++].text = copy_bytes(text.data, text.len);
}


otp_fake_redis_t *otp_fake_redis_copy(const otp_fake_redis_t *redis)
{
    otp_fake_redis_t *copy = otp_fake_redis_create();

    for (size_t i = 0; i < redis->entries; i++) {
        const otp_fake_entry_t *from = &redis->entry[i];
        otp_fake_entry_t       *to = entry_add(copy, (otp_span_t) { from->name, from->name_len });

        to->value = copy_bytes(from->value, from->value_len);
        to->value_len = from->value_len;
        to->set = from->set;
        to->expires_ms = from->expires_ms;
    }
    for (size_t i = 0; i < redis->events; i++) {
        event_add(copy, otp_span_of(redis->event[i].stream), otp_span_of(redis->event[i].text));
    }
    copy->now_ms = redis->now_ms;

    return copy;
}


static void entry_remove(otp_fake_redis_t *redis, otp_fake_entry_t *entry)
{
    entry_free(entry);
    *entry = redis->entry[--redis->entries];
}


otp_fake_entry_t *otp_fake_redis_find(otp_fake_redis_t *redis, otp_span_t name)
{
    for (size_t i = 0; i < redis->entries; i++) {
        otp_fake_entry_t *entry = &redis->entry[i];

        if (entry->name_len != name.len || memcmp(entry->name, name.data, name.len) != 0) {
            continue;
        }
        if (entry->expires_ms != 0 && entry->expires_ms <= redis->now_ms) {
            entry_remove(redis, entry);
            return NULL;
        }
        return entry;
    }

    return NULL;
}


static otp_fake_entry_t *entry_of(otp_fake_redis_t *redis, otp_span_t name)
{
    otp_fake_entry_t *entry = otp_fake_redis_find(redis, name);

    return entry == NULL ? entry_add(redis, name) : entry;
}


void otp_fake_redis_put(otp_fake_redis_t *redis, otp_span_t name, otp_span_t value)
{
    otp_fake_entry_t *entry = entry_of(redis, name);

    free(entry->value);
    entry->value = copy_bytes(value.data, value.len);
    entry->value_len = value.len;
    entry->set = false;
    entry->expires_ms = 0;
}


otp_span_t otp_fake_redis_value(otp_fake_redis_t *redis, otp_span_t name)
{
    otp_fake_entry_t *entry = otp_fake_redis_find(redis, name);

    return entry == NULL ? OTP_SPAN_NONE : (otp_span_t) { entry->value, entry->value_len };
}


size_t otp_fake_redis_count(otp_fake_redis_t *redis, const char *prefix)
{
    size_t n = 0;

    for (size_t i = 0; i < redis->entries; i++) {
        const otp_fake_entry_t *entry = &redis->entry[i];

        n += strncmp(entry->name, prefix, strlen(prefix)) == 0
             && (entry->expires_ms == 0 || entry->expires_ms > redis->now_ms);
    }

    return n;
}


size_t otp_fake_redis_events(const otp_fake_redis_t *redis, const char *text)
{
    size_t n = 0;

    for (size_t i = 0; i < redis->events; i++) {
        n += strstr(redis->event[i].text, text) != NULL;
    }

    return n;
}


bool otp_fake_redis_holds(const otp_fake_redis_t *redis, otp_span_t bytes)
{
    for (size_t i = 0; i < redis->entries; i++) {
        const otp_fake_entry_t *entry = &redis->entry[i];

        if (memmem(entry->name, entry->name_len, bytes.data, bytes.len) != NULL
            || memmem(entry->value, entry->value_len, bytes.data, bytes.len) != NULL)
        {
            return true;
        }
    }
    for (size_t i = 0; i < redis->events; i++) {
        if (memmem(redis->event[i].text, strlen(redis->event[i].text), bytes.data, bytes.len) != NULL
            || memmem(redis->event[i].stream, strlen(redis->event[i].stream), bytes.data, bytes.len) != NULL)
        {
            return true;
        }
    }

    return false;
}


void otp_fake_redis_fault(otp_fake_redis_t *redis, otp_fault_t fault, uint64_t after)
{
    redis->fault = fault;
    redis->fault_at = redis->commands + after;
    redis->fault_done = false;
}


/* ---- replies ---- */

static otp_reply_t reply_text(otp_span_t text)
{
    return (otp_reply_t) { .kind = OTP_REPLY_TEXT, .text = { copy_bytes(text.data, text.len), text.len } };
}


static otp_reply_t reply_error(const char *text)
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


static void reply_free(otp_reply_t *reply)
{
    for (size_t i = 0; reply->kind == OTP_REPLY_ARRAY && i < reply->elements; i++) {
        reply_free(&reply->element[i]);
    }
    if (reply->kind == OTP_REPLY_ARRAY) {
        free(reply->element);
    }
    if (reply->kind == OTP_REPLY_TEXT || reply->kind == OTP_REPLY_ERROR) {
        free((char *) (uintptr_t) reply->text.data);
    }
}


void otp_fake_replies_free(otp_fake_replies_t *replies)
{
    for (size_t i = 0; i < replies->count; i++) {
        reply_free(&replies->reply[i]);
    }
    memset(replies, 0, sizeof(*replies));
}


const otp_reply_t *const *otp_fake_replies_given(const otp_fake_replies_t *replies)
{
    return replies->lost ? NULL : replies->pointer;
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
        return reply_error("ERR wrong number of arguments");
    }
    if (entry == NULL) {
        return reply_nil();
    }

    return entry->set ? reply_error("WRONGTYPE") : reply_text((otp_span_t) { entry->value, entry->value_len });
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
    bool    only_existing = false;

    for (size_t i = 3; i < command->args; i++) {
        if (otp_span_equal(command->arg[i], OTP_SPAN("XX"))) {
            only_existing = true;
            continue;
        }
        unit = otp_span_equal(command->arg[i], OTP_SPAN("EX")) ? 1000
               : otp_span_equal(command->arg[i], OTP_SPAN("PX")) ? 1 : 0;
        if (unit == 0 || ++i == command->args || otp_span_number(command->arg[i], &number) != OTP_OK || number <= 0) {
            return reply_error("ERR syntax error or invalid expire time");
        }
    }

    if (command->args < 3) {
        return reply_error("ERR wrong number of arguments");
    }
    if (only_existing && otp_fake_redis_find(redis, command->arg[1]) == NULL) {
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
            entry_remove(redis, entry);
            n++;
        }
    }

    return reply_number(n);
}


/* Where `member` begins in the set; -1: it is not there. */
static int64_t set_find(const otp_fake_entry_t *entry, otp_span_t member)
{
    for (size_t at = 0; at < entry->value_len; at += strlen(entry->value + at) + 1) {
        if (otp_span_equal(otp_span_of(entry->value + at), member)) {
            return (int64_t) at;
        }
    }

    return -1;
}


static otp_reply_t verb_zadd(otp_fake_redis_t *redis, const otp_command_t *command)
{
    int64_t           score;
    otp_fake_entry_t *entry;

    if (command->args != 4 || otp_span_number(command->arg[2], &score) != OTP_OK) {
        return reply_error("ERR value is not a valid float");
    }

    entry = entry_of(redis, command->arg[1]);
    if (entry->value != NULL && !entry->set) {
        return reply_error("WRONGTYPE");
    }
    entry->set = true;
    if (entry->value != NULL && set_find(entry, command->arg[3]) >= 0) {
        return reply_number(0);
    }

    entry->value = realloc(entry->value, entry->value_len + command->arg[3].len + 2);
    if (entry->value == NULL) {
        abort();
    }
    memcpy(entry->value + entry->value_len, command->arg[3].data, command->arg[3].len);
    entry->value_len += command->arg[3].len + 1;
    entry->value[entry->value_len - 1] = '\0';

    return reply_number(1);
}


static otp_reply_t verb_zrem(otp_fake_redis_t *redis, const otp_command_t *command)
{
    otp_fake_entry_t *entry = otp_fake_redis_find(redis, command->arg[1]);
    int64_t           at = entry == NULL || command->args != 3 ? -1 : set_find(entry, command->arg[2]);

    if (at < 0) {
        return reply_number(0);
    }

    entry->value_len -= command->arg[2].len + 1;
    memmove(entry->value + at, entry->value + at + command->arg[2].len + 1, entry->value_len - (size_t) at);
    if (entry->value_len == 0) {
        entry_remove(redis, entry);
    }

    return reply_number(1);
}


static otp_reply_t verb_expire(otp_fake_redis_t *redis, const otp_command_t *command)
{
    int64_t           seconds;
    otp_fake_entry_t *entry = otp_fake_redis_find(redis, command->arg[1]);

    if (command->args != 3 || otp_span_number(command->arg[2], &seconds) != OTP_OK) {
        return reply_error("ERR value is not an integer");
    }
    if (entry == NULL) {
        return reply_number(0);
    }
    entry->expires_ms = redis->now_ms + seconds * 1000;

    return reply_number(1);
}


static otp_reply_t verb_xadd(otp_fake_redis_t *redis, const otp_command_t *command)
{
    if (command->args != 8 || !otp_span_equal(command->arg[2], OTP_SPAN("MAXLEN"))
        || !otp_span_equal(command->arg[5], OTP_SPAN("*")) || !otp_span_equal(command->arg[6], OTP_SPAN("e")))
    {
        return reply_error("ERR syntax error");
    }
    event_add(redis, command->arg[1], command->arg[7]);

    return reply_text(OTP_SPAN("1-1"));
}


/* The script of otp_swap.h. */
static otp_reply_t verb_evalsha(otp_fake_redis_t *redis, const otp_command_t *command)
{
    otp_fake_entry_t *entry = otp_fake_redis_find(redis, command->arg[3]);
    otp_span_t        stored = entry == NULL ? OTP_SPAN("") : (otp_span_t) { entry->value, entry->value_len };
    otp_reply_t       reply;
    int64_t           ttl_ms;

    if (!command->swap || command->args != 10 || !otp_span_equal(command->arg[1], otp_swap_sha1())
        || otp_span_number(command->arg[7], &ttl_ms) != OTP_OK || (entry != NULL && entry->set))
    {
        return reply_error("ERR not the swap");
    }

    if (!otp_span_equal(stored, command->arg[5])) {
        reply = reply_array(2);
        reply.element[0] = reply_number(0);
        reply.element[1] = entry == NULL ? reply_nil() : reply_text(stored);
        return reply;
    }

    if (command->arg[8].len != 0) {
        event_add(redis, command->arg[4], command->arg[8]);
    }
    if (command->arg[6].len != 0) {
        otp_fake_redis_put(redis, command->arg[3], command->arg[6]);
        otp_fake_redis_find(redis, command->arg[3])->expires_ms = ttl_ms == 0 ? 0 : redis->now_ms + ttl_ms;
    } else if (entry != NULL) {
        entry_remove(redis, entry);
    }
    reply = reply_array(1);
    reply.element[0] = reply_number(1);

    return reply;
}


static otp_reply_t carry_out(otp_fake_redis_t *redis, const otp_command_t *command)
{
    static const struct {
        const char *name;
        verb_t      verb;
    } verbs[] = {
        { "PING", verb_ping }, { "GET", verb_get }, { "MGET", verb_mget }, { "SET", verb_set }, { "DEL", verb_del },
        { "ZADD", verb_zadd }, { "ZREM", verb_zrem }, { "EXPIRE", verb_expire }, { "XADD", verb_xadd },
        { "EVALSHA", verb_evalsha },
    };

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (otp_span_equal(command->arg[0], otp_span_of(verbs[i].name))) {
            return verbs[i].verb(redis, command);
        }
    }

    return reply_error("ERR unknown command");
}


void otp_fake_redis_command(otp_fake_redis_t *redis, const otp_command_t *command, otp_fake_replies_t *replies)
{
    size_t at = replies->count++;
    bool   now = redis->fault != OTP_FAULT_NONE && !redis->fault_done && redis->commands == redis->fault_at;
    bool   dead = replies->lost || (redis->fault == OTP_FAULT_DOWN && redis->fault_done);

    if (at == sizeof(replies->reply) / sizeof(replies->reply[0])) {
        abort();
    }
    replies->pointer[at] = &replies->reply[at];
    replies->reply[at] = reply_nil();
    redis->commands++;
    redis->fault_done |= now;

    if (dead && !(redis->fault == OTP_FAULT_LOST_AFTER)) {
        replies->lost = true;
        return;
    }

    if (now && redis->fault == OTP_FAULT_ERROR) {
        replies->reply[at] = reply_error("OOM command not allowed when used memory > 'maxmemory'.");
        return;
    }

    replies->lost |= now;
    if (now && redis->fault != OTP_FAULT_LOST_AFTER) {
        return;
    }
    replies->reply[at] = carry_out(redis, command);
}
