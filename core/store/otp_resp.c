#include "core/store/otp_resp.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

/* What one reply may cost, whatever Redis, or who speaks in its place, announces. */
#define ELEMENTS_MAX    (1 << 20)
#define REPLY_MAX       ((size_t) 64 << 20)
#define DEPTH_MAX       4       /* arrays around an array: no reply we ask for has more than three (XREAD) */

struct otp_resp_s {
    redisReader               *reader;
    redisReplyObjectFunctions  functions;
    size_t                     pending;     /* bytes fed since the last whole reply */
    bool                       refused;     /* a callback met what we do not take */
    bool                       broken;      /* nothing after an error is to be believed */
};

static void reply_clear(otp_reply_t *reply)
{
    for (size_t i = 0; i < reply->elements; i++) {
        reply_clear(&reply->element[i]);
    }
    free(reply->element);
    free((char *) (uintptr_t) reply->text.data);
}


void otp_reply_destroy(otp_reply_t *reply)
{
    if (reply) {
        reply_clear(reply);
        free(reply);
    }
}


/* Where the reader's next object goes: its place in the array around it, or a new root. */
static otp_reply_t *place(const redisReadTask *task)
{
    if (!task->parent) {
        return calloc(1, sizeof(otp_reply_t));
    }
    return &((otp_reply_t *) task->parent->obj)->element[task->idx];
}


static void *refuse(const redisReadTask *task)
{
    ((otp_resp_t *) task->privdata)->refused = true;
    return NULL;
}


static void *give_up(const redisReadTask *task, otp_reply_t *reply)
{
    if (!task->parent) {
        free(reply);
    }
    return NULL;
}


static void *create_string(const redisReadTask *task, char *text, size_t len)
{
    if (task->type != REDIS_REPLY_STRING && task->type != REDIS_REPLY_STATUS && task->type != REDIS_REPLY_ERROR) {
        return refuse(task);
    }
    otp_reply_t *reply = place(task);
    char        *copy = malloc(len + 1);

    if (!reply || !copy) {
        free(copy);
        return give_up(task, reply);
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    reply->kind = task->type == REDIS_REPLY_ERROR ? OTP_REPLY_ERROR : OTP_REPLY_TEXT;
    reply->text = (otp_span_t) { copy, len };
    return reply;
}


static size_t depth(const redisReadTask *task)
{
    size_t arrays = 0;

    for (task = task->parent; task; task = task->parent) {
        arrays++;
    }
    return arrays;
}


static void *array(const redisReadTask *task, size_t elements)
{
    if (task->type != REDIS_REPLY_ARRAY || elements > ELEMENTS_MAX || depth(task) > DEPTH_MAX) {
        return refuse(task);
    }
    otp_reply_t *reply = place(task);
    otp_reply_t *element = elements ? calloc(elements, sizeof(otp_reply_t)) : NULL;

    if (!reply || (elements && !element)) {
        free(element);
        return give_up(task, reply);
    }
    reply->kind = OTP_REPLY_ARRAY;
    reply->element = element;
    reply->elements = elements;
    return reply;
}


/* The one signature that changed between hiredis 0.14 and 1.0. */
#if HIREDIS_MAJOR >= 1
static void *create_array(const redisReadTask *task, size_t elements)
{
    return array(task, elements);
}


/* RESP3, which we never ask for; without these the reader would hand out its own marks as objects. */
static void *create_double(const redisReadTask *task, double value, char *text, size_t len)
{
    (void) value;
    (void) text;
    (void) len;
    return refuse(task);
}


static void *create_bool(const redisReadTask *task, int value)
{
    (void) value;
    return refuse(task);
}
#else
static void *create_array(const redisReadTask *task, int elements)
{
    return array(task, elements < 0 ? SIZE_MAX : (size_t) elements);
}
#endif

static void *create_integer(const redisReadTask *task, long long value)
{
    otp_reply_t *reply = place(task);

    if (reply) {
        reply->kind = OTP_REPLY_INTEGER;
        reply->integer = value;
    }
    return reply;
}


static void *create_nil(const redisReadTask *task)
{
    otp_reply_t *reply = place(task);

    if (reply) {
        reply->kind = OTP_REPLY_NIL;
    }
    return reply;
}


static void free_object(void *object)
{
    otp_reply_destroy(object);
}


otp_resp_t *otp_resp_create(void)
{
    otp_resp_t *resp = calloc(1, sizeof(*resp));

    if (!resp) {
        return NULL;
    }
    resp->functions = (redisReplyObjectFunctions) {
        .createString = create_string,
        .createArray = create_array,
        .createInteger = create_integer,
        .createNil = create_nil,
#if HIREDIS_MAJOR >= 1
        .createDouble = create_double,
        .createBool = create_bool,
#endif
        .freeObject = free_object
    };
    resp->reader = redisReaderCreateWithFunctions(&resp->functions);
    if (!resp->reader) {
        free(resp);
        return NULL;
    }
    resp->reader->privdata = resp;
    return resp;
}


void otp_resp_destroy(otp_resp_t *resp)
{
    if (resp) {
        redisReaderFree(resp->reader);
        free(resp);
    }
}


otp_status_t otp_resp_feed(otp_resp_t *resp, otp_span_t bytes)
{
    if (resp->broken || bytes.len > REPLY_MAX - resp->pending) {
        resp->broken = true;
        return OTP_INVALID;
    }
    resp->pending += bytes.len;
    if (bytes.len && redisReaderFeed(resp->reader, bytes.data, bytes.len) != REDIS_OK) {
        resp->broken = true;
        return OTP_FAILED;
    }
    return OTP_OK;
}


otp_status_t otp_resp_take(otp_resp_t *resp, otp_reply_t **reply)
{
    void *object = NULL;

    *reply = NULL;
    if (resp->broken) {
        return OTP_INVALID;
    }
    if (redisReaderGetReply(resp->reader, &object) != REDIS_OK) {
        resp->broken = true;
        return resp->reader->err == REDIS_ERR_OOM && !resp->refused ? OTP_FAILED : OTP_INVALID;
    }
    if (object) {
        resp->pending = resp->reader->len - resp->reader->pos;
        *reply = object;
    }
    return OTP_OK;
}
