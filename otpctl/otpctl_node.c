#include "otpctl/otpctl_node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/otp_buffer.h"
#include "core/store/otp_resp.h"
#include "otpctl/otpctl_link.h"
#include "otpctl/otpctl_redis.h"

#define PASSWORD_MAX    512
#define READ_SIZE       16384
#define PATIENCE_MS     5       /* more, for each of many commands */
#define PLACE_MAX       300

struct otpctl_node_s {
    otpctl_link_t link;
    otp_resp_t   *resp;
    bool          over;         /* a reply of before could still come: nothing more is asked */
    const char   *kind;         /* for messages */
    char          place[PLACE_MAX];
    int64_t       timeout_ms, replicas;
    char          error[640];
};

const char *otpctl_node_error(const otpctl_node_t *node)
{
    return node->error;
}


const char *otpctl_node_place(const otpctl_node_t *node)
{
    return node->place;
}


int64_t otpctl_node_timeout_ms(const otpctl_node_t *node)
{
    return node->timeout_ms;
}


int64_t otpctl_node_replicas(const otpctl_node_t *node)
{
    return node->replicas;
}


bool otpctl_node_over(otpctl_node_t *node)
{
    return node->over || otpctl_link_ended(&node->link);
}


static void end(otpctl_node_t *node)
{
    (void) snprintf(node->error, sizeof(node->error), "%s at %s: %s", node->kind, node->place, node->link.error);
    node->over = true;
}


static bool send_command(otpctl_node_t *node, const otp_span_t *arg, size_t args, int64_t deadline_ms)
{
    size_t       size = 32 + args * 32;
    otp_buffer_t out;

    for (size_t i = 0; i < args; i++) {
        size += arg[i].len;
    }
    char *bytes = malloc(size);

    if (!bytes) {
        (void) snprintf(node->link.error, sizeof(node->link.error), "out of memory");
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

    bool sent = otpctl_link_write(&node->link, otp_buffer_span(&out), deadline_ms);

    /* AUTH passes here too. */
    otp_secret_wipe(bytes, size);
    free(bytes);
    return sent;
}


static otp_reply_t *receive(otpctl_node_t *node, int64_t deadline_ms)
{
    char         bytes[READ_SIZE];
    otp_reply_t *reply = NULL;

    for ( ;; ) {
        if (otp_resp_take(node->resp, &reply) != OTP_OK) {
            (void) snprintf(node->link.error, sizeof(node->link.error), "it does not speak the protocol of Redis");
            return NULL;
        }
        if (reply) {
            return reply;
        }
        size_t len = otpctl_link_read(&node->link, bytes, sizeof(bytes), deadline_ms);

        if (len == 0) {
            return NULL;
        }
        if (otp_resp_feed(node->resp, (otp_span_t) { bytes, len }) != OTP_OK) {
            (void) snprintf(node->link.error, sizeof(node->link.error), "its reply is too large");
            return NULL;
        }
    }
}


otp_reply_t *otpctl_node_ask(otpctl_node_t *node, const otp_span_t *arg, size_t args, int64_t patience_ms)
{
    int64_t      deadline_ms = otpctl_clock_ms() + node->timeout_ms + patience_ms;
    otp_reply_t *reply = NULL;

    if (node->over) {
        return NULL;
    }
    reply = send_command(node, arg, args, deadline_ms) ? receive(node, deadline_ms) : NULL;
    if (!reply) {
        end(node);
    }
    return reply;
}


static bool send_many(otpctl_node_t *node, const otp_command_t *command, const size_t *index, size_t commands,
    int64_t deadline_ms)
{
    size_t size = 0, len = 0;
    char  *bytes;
    bool   sent;

    for (size_t i = 0; i < commands; i++) {
        size += otp_command_write(&command[index[i]], false, NULL, 0);
    }
    bytes = malloc(size + 1);
    if (!bytes) {
        (void) snprintf(node->link.error, sizeof(node->link.error), "out of memory");
        return false;
    }
    for (size_t i = 0; i < commands; i++) {
        len += otp_command_write(&command[index[i]], false, bytes + len, size - len);
    }
    sent = otpctl_link_write(&node->link, (otp_span_t) { bytes, len }, deadline_ms);
    otp_secret_wipe(bytes, size);
    free(bytes);
    return sent;
}


bool otpctl_node_ask_many(otpctl_node_t *node, const otp_command_t *command, const size_t *index, size_t commands,
    otp_reply_t **reply)
{
    int64_t deadline_ms = otpctl_clock_ms() + node->timeout_ms + (int64_t) commands * PATIENCE_MS;
    size_t  come = 0;
    bool    sent;

    for (size_t i = 0; i < commands; i++) {
        reply[index[i]] = NULL;
    }
    sent = !node->over && send_many(node, command, index, commands, deadline_ms);
    while (sent && come < commands && (reply[index[come]] = receive(node, deadline_ms)) != NULL) {
        come++;
    }
    if (come < commands && !node->over) {
        end(node);
    }
    return come == commands;
}


bool otpctl_node_greet(otpctl_node_t *node, const otp_span_t *arg, size_t args)
{
    otp_reply_t *reply = otpctl_node_ask(node, arg, args, 0);
    bool         fine = reply && reply->kind != OTP_REPLY_ERROR;

    if (reply && !fine) {
        const char *remedy = otpctl_redis_remedy(reply->text);

        (void) snprintf(node->error, sizeof(node->error), "%s at %s: %.*s%s%s", node->kind, node->place,
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


bool otpctl_node_passwords_there(const otpctl_address_t *address, char *error, size_t error_size)
{
    const char *path[] = { address->password_file, address->sentinel_password_file };
    char        password[PASSWORD_MAX];
    bool        there = true;

    for (size_t i = 0; i < sizeof(path) / sizeof(path[0]) && there; i++) {
        there = !path[i] || read_password(path[i], password, sizeof(password), error, error_size);
    }
    otp_secret_wipe(password, sizeof(password));
    return there;
}


static bool sign_in(otpctl_node_t *node, const char *user, const char *password_file)
{
    char password[PASSWORD_MAX];

    if (!password_file) {
        return true;
    }
    bool       read = read_password(password_file, password, sizeof(password), node->error, sizeof(node->error));
    otp_span_t arg[3] = { OTP_SPAN("AUTH"), otp_span_of(user), otp_span_of(password) };

    if (!user) {
        arg[1] = arg[2];
    }
    bool signed_in = read && otpctl_node_greet(node, arg, user ? 3 : 2);

    otp_secret_wipe(password, sizeof(password));
    return signed_in;
}


bool otpctl_node_is_master(otpctl_node_t *node, bool strictly)
{
    otp_span_t   arg[1] = { OTP_SPAN("ROLE") };
    otp_reply_t *reply = otpctl_node_ask(node, arg, 1, 0);
    otp_span_t   role = reply && reply->kind == OTP_REPLY_ARRAY && reply->elements ? reply->element[0].text
        : OTP_SPAN_NONE;
    bool         master = otp_span_equal(role, OTP_SPAN("master"));
    bool         replica = otp_span_equal(role, OTP_SPAN("slave"));

    if (reply && !master) {
        (void) snprintf(node->error, sizeof(node->error), "%s at %s: %s", node->kind, node->place,
                        replica ? "it is a replica" : "it does not say whether it is the master (ROLE; ACL: +role)");
    }
    otp_reply_destroy(reply);
    return reply && (master || (!replica && !strictly));
}


static bool open_redis(otpctl_node_t *node, const otpctl_address_t *address)
{
    otp_span_t ping[1] = { OTP_SPAN("PING") };
    otp_span_t select[2] = { OTP_SPAN("SELECT"), otp_span_of(address->db) };

    return sign_in(node, address->user, address->password_file) && otpctl_node_greet(node, ping, 1)
        && (otp_span_equal(select[1], OTP_SPAN("0")) || otpctl_node_greet(node, select, 2));
}


static bool open_kind(otpctl_node_t *node, const otpctl_address_t *address, otpctl_node_kind_t kind)
{
    switch (kind) {
    case OTPCTL_NODE_REDIS:
        node->replicas = address->replicas;
        return open_redis(node, address);
    case OTPCTL_NODE_SENTINEL:
        return sign_in(node, address->sentinel_user, address->sentinel_password_file);
    }
    return false;
}


otpctl_node_t *otpctl_node_open(const otpctl_address_t *address, const otpctl_place_t *place, otpctl_node_kind_t kind,
    char *error, size_t error_size)
{
    otpctl_node_t *node = calloc(1, sizeof(*node));

    if (!node) {
        (void) snprintf(error, error_size, "out of memory");
        return NULL;
    }
    node->link.fd = -1;
    node->kind = kind == OTPCTL_NODE_SENTINEL ? "Sentinel" : "Redis";
    node->timeout_ms = address->timeout_ms;
    (void) snprintf(node->place, sizeof(node->place), "%s", place->text);
    node->resp = otp_resp_create();
    if (!node->resp || !otpctl_link_open(&node->link, address, place, otpctl_clock_ms() + node->timeout_ms)) {
        end(node);
    } else if (open_kind(node, address, kind)) {
        return node;
    }
    (void) snprintf(error, error_size, "%s", node->error);
    otpctl_node_close(node);
    return NULL;
}


void otpctl_node_close(otpctl_node_t *node)
{
    if (node) {
        otpctl_link_close(&node->link);
        otp_resp_destroy(node->resp);
        free(node);
    }
}
