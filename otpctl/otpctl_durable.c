#include <stdio.h>

#include "core/store/otp_resp.h"
#include "otpctl/otpctl_node.h"
#include "otpctl/otpctl_verb.h"

/* `replicas=`: after what was changed, WAIT on the same connection, which answers how many replicas hold all that was
 * written over it. */

#define ERROR_MAX   400

/* How many hold it; -1: the connection broke, or WAIT is refused, and `why` says so. */
static int64_t count_replicas(otpctl_node_t *node, char *why, size_t size)
{
    char         wanted[24], time[24];
    int64_t      timeout_ms = otpctl_node_timeout_ms(node), count = -1;
    otp_span_t   arg[] = {
        OTP_SPAN("WAIT"),
        { wanted, (size_t) snprintf(wanted, sizeof(wanted), "%lld", (long long) otpctl_node_replicas(node)) },
        { time, (size_t) snprintf(time, sizeof(time), "%lld", (long long) timeout_ms) }
    };
    otp_reply_t *reply = otpctl_node_ask(node, arg, sizeof(arg) / sizeof(arg[0]), timeout_ms);

    if (!reply) {
        (void) snprintf(why, size, "the connection was lost");
    } else if (reply->kind == OTP_REPLY_INTEGER) {
        count = reply->integer;
    } else {
        (void) snprintf(why, size, "%.*s", (int) (reply->text.len < 120 ? reply->text.len : 120),
                        reply->text.len ? reply->text.data : "");
    }
    otp_reply_destroy(reply);
    return count;
}


/* An error reply as Redis would give it; NULL without memory. */
static otp_reply_t *error_reply(const char *line)
{
    otp_resp_t  *resp = otp_resp_create();
    otp_reply_t *reply = NULL;

    if (resp && (otp_resp_feed(resp, otp_span_of(line)) != OTP_OK || otp_resp_take(resp, &reply) != OTP_OK)) {
        reply = NULL;
    }
    otp_resp_destroy(resp);
    return reply;
}


static bool held(otpctl_node_t *node, char line[ERROR_MAX])
{
    char    why[160] = "";
    int64_t wanted = otpctl_node_replicas(node), count = count_replicas(node, why, sizeof(why));

    if (count >= wanted) {
        return true;
    }
    if (count >= 0) {
        (void) snprintf(why, sizeof(why), "%lld replica(s) held it after %lld ms", (long long) count,
                        (long long) otpctl_node_timeout_ms(node));
    }
    (void) snprintf(line, ERROR_MAX, "-UNREPLICATED the change was made there, but not confirmed by the %lld "
                    "replica(s) that replicas= asks for (%s)\r\n", (long long) wanted, why);
    return false;
}


otp_reply_t *otpctl_durable_ask(otpctl_node_t *node, const otp_span_t *arg, size_t args, int64_t patience_ms)
{
    char         line[ERROR_MAX];
    otp_reply_t *reply = otpctl_node_ask(node, arg, args, patience_ms);

    if (otpctl_node_replicas(node) == 0 || !otpctl_verb_changed(arg, args, reply) || held(node, line)) {
        return reply;
    }
    otp_reply_destroy(reply);
    return error_reply(line);
}


/* One WAIT covers all of them. */
bool otpctl_durable_ask_many(otpctl_node_t *node, const otp_command_t *command, const size_t *index, size_t commands,
    otp_reply_t **reply)
{
    char line[ERROR_MAX];
    bool complete = otpctl_node_ask_many(node, command, index, commands, reply), changed = false;

    for (size_t i = 0; i < commands && otpctl_node_replicas(node); i++) {
        const otp_command_t *one = &command[index[i]];

        changed = changed || otpctl_verb_changed(one->arg, one->args, reply[index[i]]);
    }
    if (!changed || held(node, line)) {
        return complete;
    }
    for (size_t i = 0; i < commands; i++) {
        const otp_command_t *one = &command[index[i]];

        if (otpctl_verb_changed(one->arg, one->args, reply[index[i]])) {
            otp_reply_destroy(reply[index[i]]);
            reply[index[i]] = error_reply(line);
        }
    }
    return complete;
}
