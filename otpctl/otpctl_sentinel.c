#include "otpctl/otpctl_sentinel.h"

#include <stdio.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/store/otp_resp.h"
#include "otpctl/otpctl_redis.h"

#define REASON_MAX  600

bool otpctl_sentinel_master(otpctl_node_t *sentinel, const char *name, otpctl_server_t *master, char *error,
    size_t error_size)
{
    otp_span_t   arg[] = { OTP_SPAN("SENTINEL"), OTP_SPAN("GET-MASTER-ADDR-BY-NAME"), otp_span_of(name) };
    otp_reply_t *reply = otpctl_node_ask(sentinel, arg, sizeof(arg) / sizeof(arg[0]), 0);
    const char  *place = otpctl_node_place(sentinel);
    bool         told = reply && reply->elements == 2
        && otpctl_server_make(master, reply->element[0].text, reply->element[1].text);

    if (!reply) {
        (void) snprintf(error, error_size, "%s", otpctl_node_error(sentinel));
    } else if (reply->kind == OTP_REPLY_NIL) {
        (void) snprintf(error, error_size, "Sentinel at %s: it knows no master called %s", place, name);
    } else if (reply->kind == OTP_REPLY_ERROR) {
        bool        want = otp_span_starts(reply->text, OTP_SPAN("NOAUTH"));
        const char *remedy = want ? "give sentinel_password_file=" : otpctl_redis_remedy(reply->text);

        (void) snprintf(error, error_size, "Sentinel at %s: %.*s%s%s", place,
                        (int) (reply->text.len < 200 ? reply->text.len : 200), reply->text.data, *remedy ? ": " : "",
                        remedy);
    } else if (!told) {
        (void) snprintf(error, error_size, "Sentinel at %s: unexpected reply", place);
    }
    otp_reply_destroy(reply);
    return told;
}


/* What the Sentinel at `place` says of the master.  It has no more to say afterwards. */
static bool ask_place(const otpctl_address_t *address, const otpctl_place_t *place, otpctl_server_t *master,
    char *error, size_t error_size)
{
    otpctl_node_t *sentinel = otpctl_node_open(address, place, OTPCTL_NODE_SENTINEL, error, error_size);
    bool           told = sentinel && otpctl_sentinel_master(sentinel, address->sentinel, master, error, error_size);

    otpctl_node_close(sentinel);
    return told;
}


static otpctl_node_t *open_master(const otpctl_address_t *address, const otpctl_server_t *master, char *error,
    size_t error_size)
{
    otpctl_place_t place = otpctl_server_place(master);
    otpctl_node_t *node = otpctl_node_open(address, &place, OTPCTL_NODE_REDIS, error, error_size);

    if (node && !otpctl_node_is_master(node, true)) {
        (void) snprintf(error, error_size, "%s", otpctl_node_error(node));
        otpctl_node_close(node);
        return NULL;
    }
    return node;
}


otpctl_node_t *otpctl_sentinel_find(const otpctl_address_t *address, char *error, size_t error_size)
{
    otp_buffer_t    reasons;
    otpctl_server_t master = { .port = "" }, tried = { .port = "" };
    otpctl_node_t  *node = NULL;

    otp_buffer_init(&reasons, error, error_size - 1);
    for (size_t i = 0; i < address->places && !node; i++) {
        char reason[REASON_MAX] = "";

        if (ask_place(address, &address->place[i], &master, reason, sizeof(reason))) {
            /* What one of them says is not tried a second time. */
            if (strcmp(master.text, tried.text) == 0) {
                continue;
            }
            tried = master;
            node = open_master(address, &master, reason, sizeof(reason));
        }
        if (!node) {
            otp_buffer_add_text(&reasons, reasons.len ? "; " : "");
            otp_buffer_add_text(&reasons, reason);
        }
    }
    error[reasons.len] = '\0';
    return node;
}
