#include "otp_fake_redis.h"

#include <stdlib.h>
#include <string.h>

#include "otp_fake_store.h"


char *otp_fake_copy(const char *data, size_t len)
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
    free(entry->score);
}


static void event_free(otp_fake_event_t *event)
{
    free(event->stream);
    free(event->field);
    free(event->text);
}


void otp_fake_redis_destroy(otp_fake_redis_t *redis)
{
    for (size_t i = 0; i < redis->entries; i++) {
        entry_free(&redis->entry[i]);
    }
    for (size_t i = 0; i < redis->events; i++) {
        event_free(&redis->event[i]);
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
    entry->name = otp_fake_copy(name.data, name.len);
    entry->name_len = name.len;

    return entry;
}


static bool stream_is(const otp_fake_event_t *event, otp_span_t stream)
{
    return otp_span_equal(otp_span_of(event->stream), stream);
}


void otp_fake_stream_add(otp_fake_redis_t *redis, otp_span_t stream, otp_span_t field, otp_span_t text, int64_t kept)
{
    size_t first = redis->events;
    int64_t n = 0;

    for (size_t i = redis->events; i-- > 0; ) {
        if (stream_is(&redis->event[i], stream)) {
            first = i;
            n++;
        }
    }
    if (kept != 0 && n >= kept) {
        event_free(&redis->event[first]);
        redis->events--;
        memmove(&redis->event[first], &redis->event[first + 1], (redis->events - first) * sizeof(*redis->event));
    }

    redis->event = realloc(redis->event, (redis->events + 1) * sizeof(*redis->event));
    if (redis->event == NULL) {
        abort();
    }
    redis->event[redis->events++] = (otp_fake_event_t) {
        .stream = otp_fake_copy(stream.data, stream.len), .field = otp_fake_copy(field.data, field.len),
        .text = otp_fake_copy(text.data, text.len),
    };
}


otp_fake_redis_t *otp_fake_redis_copy(const otp_fake_redis_t *redis)
{
    otp_fake_redis_t *copy = otp_fake_redis_create();

    for (size_t i = 0; i < redis->entries; i++) {
        const otp_fake_entry_t *from = &redis->entry[i];
        otp_fake_entry_t       *to = entry_add(copy, (otp_span_t) { from->name, from->name_len });

        to->value = otp_fake_copy(from->value, from->value_len);
        to->value_len = from->value_len;
        to->set = from->set;
        if (from->score != NULL) {
            size_t bytes = otp_fake_set_size(from) * sizeof(*from->score);

            to->score = (int64_t *) (void *) otp_fake_copy((const char *) from->score, bytes);
        }
        to->expires_ms = from->expires_ms;
    }
    for (size_t i = 0; i < redis->events; i++) {
        otp_fake_stream_add(copy, otp_span_of(redis->event[i].stream), otp_span_of(redis->event[i].field),
                            otp_span_of(redis->event[i].text), 0);
    }
    copy->now_ms = redis->now_ms;

    return copy;
}


void otp_fake_entry_remove(otp_fake_redis_t *redis, otp_fake_entry_t *entry)
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
            otp_fake_entry_remove(redis, entry);
            return NULL;
        }
        return entry;
    }

    return NULL;
}


otp_fake_entry_t *otp_fake_entry_of(otp_fake_redis_t *redis, otp_span_t name)
{
    otp_fake_entry_t *entry = otp_fake_redis_find(redis, name);

    return entry == NULL ? entry_add(redis, name) : entry;
}


void otp_fake_redis_put(otp_fake_redis_t *redis, otp_span_t name, otp_span_t value)
{
    otp_fake_entry_t *entry = otp_fake_entry_of(redis, name);

    free(entry->value);
    entry->value = otp_fake_copy(value.data, value.len);
    entry->value_len = value.len;
    free(entry->score);
    entry->score = NULL;
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


size_t otp_fake_redis_stream(const otp_fake_redis_t *redis, const char *stream, const char *text)
{
    size_t n = 0;

    for (size_t i = 0; i < redis->events; i++) {
        n += strstr(redis->event[i].stream, stream) != NULL && strstr(redis->event[i].text, text) != NULL;
    }

    return n;
}


size_t otp_fake_redis_events(const otp_fake_redis_t *redis, const char *text)
{
    return otp_fake_redis_stream(redis, "events:", text);
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


void otp_fake_replies_free(otp_fake_replies_t *replies)
{
    for (size_t i = 0; i < replies->count; i++) {
        otp_fake_reply_free(&replies->reply[i]);
    }
    memset(replies, 0, sizeof(*replies));
}


const otp_reply_t *const *otp_fake_replies_given(const otp_fake_replies_t *replies)
{
    return replies->lost ? NULL : replies->pointer;
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
    replies->reply[at] = (otp_reply_t) { .kind = OTP_REPLY_NIL };
    redis->commands++;
    redis->fault_done |= now;

    if (dead && !(redis->fault == OTP_FAULT_LOST_AFTER)) {
        replies->lost = true;
        return;
    }

    if (now && redis->fault == OTP_FAULT_ERROR) {
        replies->reply[at] = otp_fake_reply_error("OOM command not allowed when used memory > 'maxmemory'.");
        return;
    }

    replies->lost |= now;
    if (now && redis->fault != OTP_FAULT_LOST_AFTER) {
        return;
    }
    replies->reply[at] = otp_fake_carry_out(redis, command);
    if (redis->liar != NULL) {
        redis->liar(redis, command, replies);
    }
}
