#include "otpctl/otpctl_redis.h"

#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/otp_buffer.h"
#include "core/store/otp_resp.h"
#include "otpctl/otpctl_link.h"

#define PASSWORD_MAX    512
#define READ_SIZE       16384
#define PATIENCE_MS     5       /* more, for each of many commands */

struct otpctl_redis_s {
    otpctl_link_t link;
    otp_resp_t   *resp;
    const char   *place;
    int64_t       timeout_ms;
    char          error[512];
};

static const struct {
    const char *code;
    bool        away;
    const char *remedy;
} errors[] = {
    { "LOADING", true, "it is still loading its data: try again in a moment" },
    { "MASTERDOWN", true, "it is a replica without its master: give the master's address" },
    { "CLUSTERDOWN", true, "its cluster is down" },
    { "NOAUTH", true, "it wants a password: give user= and password_file=" },
    { "WRONGPASS", true, "look at user= and password_file=" },
    { "READONLY", false, "it is a replica: give the master's address" },
    { "MOVED", false, "it is part of a cluster, which this version of otpctl does not support" },
    { "NOPERM", false, "its ACL does not allow this user the command" },
    { "OOM", false, "its memory is full: raise maxmemory" },
    { "MISCONF", false, "it cannot write to its disk: look at its log" },
    { "NOREPLICAS", false, "it has fewer replicas than min-replicas-to-write" },
};

#define ERRORS (sizeof(errors) / sizeof(errors[0]))

static size_t error_find(otp_span_t error)
{
    size_t     i;
    otp_span_t code = otp_span_cut(&error, ' ');

    for (i = 0; i < ERRORS && !otp_span_equal(otp_span_of(errors[i].code), code); i++) {
    }
    return i;
}


bool otpctl_redis_away(otp_span_t error)
{
    size_t i = error_find(error);

    return i < ERRORS && errors[i].away;
}


const char *otpctl_redis_remedy(otp_span_t error)
{
    size_t i = error_find(error);

    return i < ERRORS ? errors[i].remedy : "";
}


const char *otpctl_redis_error(const otpctl_redis_t *redis)
{
    return redis->error;
}


const char *otpctl_redis_place(const otpctl_redis_t *redis)
{
    return redis->place;
}


static bool send_command(otpctl_redis_t *redis, const otp_span_t *arg, size_t args, int64_t deadline_ms)
{
    size_t       size = 32 + args * 32;
    otp_buffer_t out;

    for (size_t i = 0; i < args; i++) {
        size += arg[i].len;
    }
    char *bytes = malloc(size);

    if (!bytes) {
        (void) snprintf(redis->link.error, sizeof(redis->link.error), "out of memory");
        return false;
    }
    otp_buffer_init(&out, bytes, size);
    otp_buffer_add_char(&out, '*');
    otp_buffer_add_number(&out, (int64_t) args);
    for (size_t i = 0; i < args; i++) {
        otp_buffer_add_text(&out, "\r\n$");
        otp_buffer_add_number(&out, (int64_t) arg[i].len);
        otp_buffer_add_text(&out, "\r\n");
        otp_buffer_add(&out, arg[i]);
    }
    otp_buffer_add_text(&out, "\r\n");

    bool sent = otpctl_link_write(&redis->link, otp_buffer_span(&out), deadline_ms);

    /* AUTH passes here too. */
    otp_secret_wipe(bytes, size);
    free(bytes);
    return sent;
}


static otp_reply_t *receive(otpctl_redis_t *redis, int64_t deadline_ms)
{
    char         bytes[READ_SIZE];
    otp_reply_t *reply = NULL;

    for ( ;; ) {
        if (otp_resp_take(redis->resp, &reply) != OTP_OK) {
            (void) snprintf(redis->link.error, sizeof(redis->link.error), "it does not speak the protocol of Redis");
            return NULL;
        }
        if (reply) {
            return reply;
        }
        size_t len = otpctl_link_read(&redis->link, bytes, sizeof(bytes), deadline_ms);

        if (len == 0) {
            return NULL;
        }
        if (otp_resp_feed(redis->resp, (otp_span_t) { bytes, len }) != OTP_OK) {
            (void) snprintf(redis->link.error, sizeof(redis->link.error), "its reply is too large");
            return NULL;
        }
    }
}


otp_reply_t *otpctl_redis_ask(otpctl_redis_t *redis, const otp_span_t *arg, size_t args, int64_t patience_ms)
{
    int64_t      deadline_ms = otpctl_clock_ms() + redis->timeout_ms + patience_ms;
    otp_reply_t *reply = send_command(redis, arg, args, deadline_ms) ? receive(redis, deadline_ms) : NULL;

    if (!reply) {
        (void) snprintf(redis->error, sizeof(redis->error), "Redis at %s: %s", redis->place, redis->link.error);
    }
    return reply;
}


bool otpctl_redis_ask_many(otpctl_redis_t *redis, const otp_command_t *command, size_t commands, otp_reply_t **reply)
{
    int64_t deadline_ms = otpctl_clock_ms() + redis->timeout_ms + (int64_t) commands * PATIENCE_MS;
    size_t  size = 0, len = 0, come = 0;
    char   *bytes;
    bool    sent = false;

    for (size_t i = 0; i < commands; i++) {
        reply[i] = NULL;
        size += otp_command_write(&command[i], false, NULL, 0);
    }
    bytes = malloc(size + 1);
    (void) snprintf(redis->link.error, sizeof(redis->link.error), "out of memory");
    if (bytes) {
        for (size_t i = 0; i < commands; i++) {
            len += otp_command_write(&command[i], false, bytes + len, size - len);
        }
        sent = otpctl_link_write(&redis->link, (otp_span_t) { bytes, len }, deadline_ms);
        otp_secret_wipe(bytes, size);
        free(bytes);
    }
    while (sent && come < commands && (reply[come] = receive(redis, deadline_ms)) != NULL) {
        come++;
    }
    if (come < commands) {
        (void) snprintf(redis->error, sizeof(redis->error), "Redis at %s: %s", redis->place, redis->link.error);
    }
    return come == commands;
}


/* Asks, and keeps an error reply as the error. */
static bool greet(otpctl_redis_t *redis, const otp_span_t *arg, size_t args)
{
    otp_reply_t *reply = otpctl_redis_ask(redis, arg, args, 0);
    bool         fine = reply && reply->kind != OTP_REPLY_ERROR;

    if (reply && !fine) {
        const char *remedy = otpctl_redis_remedy(reply->text);

        (void) snprintf(redis->error, sizeof(redis->error), "Redis at %s: %.*s%s%s", redis->place,
                        (int) (reply->text.len < 200 ? reply->text.len : 200), reply->text.data,
                        *remedy ? ": " : "", remedy);
    }
    otp_reply_destroy(reply);
    return fine;
}


static bool no_password(char *error, size_t error_size, const char *path, const char *why)
{
    (void) snprintf(error, error_size, "password_file %s: %s", path, why);
    return false;
}


/* The first line of the file.  False: `error` says why not. */
static bool read_password(const char *path, char *password, size_t size, char *error, size_t error_size)
{
    int         fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    ssize_t     len = -1;

    if (fd < 0 || fstat(fd, &status) != 0) {
        (void) no_password(error, error_size, path, strerror(errno));
    } else if (status.st_mode & (S_IWGRP | S_IRWXO)) {
        (void) no_password(error, error_size, path, "everybody may read it, or others write it: chmod 600 it");
    } else if ((len = read(fd, password, size - 1)) < 0) {
        (void) no_password(error, error_size, path, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    if (len < 0) {
        return false;
    }
    password[len] = '\0';
    password[strcspn(password, "\r\n")] = '\0';
    return *password || no_password(error, error_size, path, "there is no password in it");
}


bool otpctl_redis_password_there(const otpctl_address_t *address, char *error, size_t error_size)
{
    char password[PASSWORD_MAX];
    bool there = !address->password_file
        || read_password(address->password_file, password, sizeof(password), error, error_size);

    otp_secret_wipe(password, sizeof(password));
    return there;
}


static bool sign_in(otpctl_redis_t *redis, const otpctl_address_t *address)
{
    char password[PASSWORD_MAX];

    if (!address->password_file) {
        return true;
    }
    bool       read = read_password(address->password_file, password, sizeof(password), redis->error,
                                    sizeof(redis->error));
    otp_span_t arg[3] = { OTP_SPAN("AUTH"), otp_span_of(address->user), otp_span_of(password) };

    if (!address->user) {
        arg[1] = arg[2];
    }
    bool signed_in = read && greet(redis, arg, address->user ? 3 : 2);

    otp_secret_wipe(password, sizeof(password));
    return signed_in;
}


/* Where one of several addresses is the master, the others are its replicas. */
static bool is_master(otpctl_redis_t *redis)
{
    otp_span_t   arg[1] = { OTP_SPAN("ROLE") };
    otp_reply_t *reply = otpctl_redis_ask(redis, arg, 1, 0);
    bool         replica = reply && reply->kind == OTP_REPLY_ARRAY && reply->elements
        && otp_span_equal(reply->element[0].text, OTP_SPAN("slave"));

    if (replica) {
        (void) snprintf(redis->error, sizeof(redis->error), "Redis at %s: it is a replica", redis->place);
    }
    otp_reply_destroy(reply);
    return reply && !replica;
}


static bool open_place(otpctl_redis_t *redis, const otpctl_address_t *address, const otpctl_place_t *place)
{
    otp_span_t ping[1] = { OTP_SPAN("PING") };
    otp_span_t select[2] = { OTP_SPAN("SELECT"), otp_span_of(address->db) };

    redis->place = place->text;
    redis->resp = otp_resp_create();
    if (!redis->resp
        || !otpctl_link_open(&redis->link, address, place, otpctl_clock_ms() + redis->timeout_ms))
    {
        (void) snprintf(redis->error, sizeof(redis->error), "Redis at %s: %s", place->text, redis->link.error);
        return false;
    }
    return sign_in(redis, address) && greet(redis, ping, 1)
        && (otp_span_equal(select[1], OTP_SPAN("0")) || greet(redis, select, 2))
        && (address->places == 1 || is_master(redis));
}


otpctl_redis_t *otpctl_redis_open(const otpctl_address_t *address, char *error, size_t error_size)
{
    otp_buffer_t    reasons;
    otpctl_redis_t *redis;

    otp_buffer_init(&reasons, error, error_size - 1);
    for (size_t i = 0; i < address->places; i++) {
        redis = calloc(1, sizeof(*redis));
        if (!redis) {
            break;
        }
        redis->link.fd = -1;
        redis->timeout_ms = address->timeout_ms;
        if (open_place(redis, address, &address->place[i])) {
            return redis;
        }
        otp_buffer_add_text(&reasons, reasons.len ? "; " : "");
        otp_buffer_add_text(&reasons, redis->error);
        otpctl_redis_close(redis);
    }
    error[reasons.len] = '\0';
    return NULL;
}


void otpctl_redis_close(otpctl_redis_t *redis)
{
    if (redis) {
        otpctl_link_close(&redis->link);
        otp_resp_destroy(redis->resp);
        free(redis);
    }
}
