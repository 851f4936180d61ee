/*
 * The commands of a call that go to one node; each is sent on where its slot has gone.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_cluster.h"

#include "core/base/otp_span.h"
#include "core/store/otp_swap.h"

#define AT_ONCE     3           /* redirections of a command that are followed at once; then it is waited between */
#define AGAIN_MS    20          /* after TRYAGAIN, too: a slot that moves, with one of two keys already there */

typedef struct {
    ngx_http_otp_call_t          *call;
    ngx_http_otp_cluster_node_t  *node;
    ngx_http_otp_redis_batch_t   *batch;
    size_t                        index[NGX_HTTP_OTP_REDIS_COMMANDS];
    size_t                        count;
    unsigned                      asking:1;         /* after ASKING, which is the first command */
} ngx_http_otp_part_t;

static void ngx_http_otp_part_replied(void *data, const otp_reply_t *const *replies, size_t count);

/* EVAL: after ASKING a NOSCRIPT would come too late to ask once more. */
static void ngx_http_otp_part_as_eval(otp_command_t *command)
{
    if (command->swap) {
        command->arg[0] = OTP_SPAN("EVAL");
        command->arg[1] = otp_swap_script();
    }
}


static ngx_int_t ngx_http_otp_part_post(ngx_http_otp_part_t *part)
{
    size_t        count = 0;
    otp_command_t command[NGX_HTTP_OTP_REDIS_COMMANDS];

    if (part->asking) {
        command[count++] = (otp_command_t) { .arg = { OTP_SPAN("ASKING") }, .args = 1 };
    }
    for (size_t i = 0; i < part->count; i++) {
        command[count] = part->call->command[part->index[i]];
        if (part->asking) {
            ngx_http_otp_part_as_eval(&command[count]);
        }
        count++;
    }
    part->batch = ngx_http_otp_redis_send(&part->node->client, command, count, ngx_http_otp_part_replied, part);
    return part->batch ? NGX_OK : NGX_ERROR;
}


ngx_int_t ngx_http_otp_part_send(ngx_http_otp_call_t *call, ngx_http_otp_cluster_node_t *node,
    const size_t *index, size_t count, ngx_uint_t asking)
{
    ngx_http_otp_part_t *part = ngx_calloc(sizeof(*part), call->cluster->redis->log);

    if (part == NULL) {
        return NGX_ERROR;
    }
    part->call = call;
    part->node = node;
    part->count = count;
    part->asking = asking != 0;
    ngx_memcpy(part->index, index, count * sizeof(index[0]));
    if (ngx_http_otp_part_post(part) != NGX_OK) {
        ngx_http_otp_cluster_seek(call->cluster);
        ngx_free(part);
        return NGX_ERROR;
    }
    call->parts++;
    return NGX_OK;
}


static ngx_uint_t ngx_http_otp_part_is(const otp_reply_t *reply, otp_span_t word)
{
    return reply->kind == OTP_REPLY_ERROR && otp_span_starts(reply->text, word);
}


/* In a little while. */
static ngx_int_t ngx_http_otp_part_again(ngx_http_otp_call_t *call, size_t index)
{
    call->tries[index] = 0;
    if (call->again == 0) {
        call->parts++;
        ngx_add_timer(&call->timer, AGAIN_MS);
    }
    call->again |= (uint32_t) 1 << index;
    return NGX_OK;
}


/* MOVED, ASK: the command was not carried out. */
static ngx_int_t ngx_http_otp_part_redirect(ngx_http_otp_part_t *part, size_t index, const otp_reply_t *reply)
{
    u_char                         host[NGX_INET6_ADDRSTRLEN + 1];
    otp_slot_target_t              target;
    ngx_http_otp_call_t           *call = part->call;
    ngx_http_otp_redis_cluster_t  *cluster = call->cluster;
    ngx_http_otp_cluster_node_t   *node;
    otp_slot_redirection_t         redirection = otp_slot_redirection(reply->text, &target);

    if (redirection == OTP_SLOT_HERE) {
        return NGX_DECLINED;
    }
    if (target.host.len == 0) {
        ngx_memcpy(host, part->node->place.host, sizeof(host));
        target.host = (otp_span_t) { (char *) host, ngx_strlen(host) };
    }
    node = ngx_http_otp_cluster_at(cluster, target.host, target.port);
    if (node && redirection == OTP_SLOT_MOVED) {
        ngx_http_otp_cluster_moved(cluster, target.slot, node);
    }
    if (node && call->tries[index]++ >= AT_ONCE) {
        return ngx_http_otp_part_again(call, index);
    }
    return node ? ngx_http_otp_part_send(call, node, &index, 1, redirection == OTP_SLOT_ASK) : NGX_DECLINED;
}


/* NGX_OK: the command is under way once more. */
static ngx_int_t ngx_http_otp_part_retry(ngx_http_otp_part_t *part, size_t index, const otp_reply_t *reply)
{
    ngx_http_otp_call_t *call = part->call;

    if (reply->kind != OTP_REPLY_ERROR || call->failed
        || (ngx_msec_int_t) (call->deadline - ngx_http_otp_redis_now()) <= 0)
    {
        return NGX_DECLINED;
    }
    ngx_http_otp_call_limit(call);
    if (ngx_http_otp_part_is(reply, OTP_SPAN("TRYAGAIN"))) {
        return ngx_http_otp_part_again(call, index);
    }
    return ngx_http_otp_part_redirect(part, index, reply);
}


/* Takes the reply out of the part's batch; one that is not there is nobody's to free. */
static void ngx_http_otp_part_take(ngx_http_otp_part_t *part, size_t index, size_t place, const otp_reply_t *reply)
{
    ngx_http_otp_call_t *call = part->call;

    call->reply[index] = reply;
    if (part->batch->reply[place] == reply) {
        call->owned[index] = part->batch->reply[place];
        part->batch->reply[place] = NULL;
    }
    if (ngx_http_otp_part_is(reply, OTP_SPAN("CLUSTERDOWN"))) {
        ngx_http_otp_cluster_seek(call->cluster);
    }
}


static void ngx_http_otp_part_replied(void *data, const otp_reply_t *const *replies, size_t count)
{
    ngx_http_otp_part_t *part = data;
    ngx_http_otp_call_t *call = part->call;

    if (count == 0) {
        call->failed = 1;
        ngx_http_otp_cluster_seek(call->cluster);
    }
    for (size_t i = 0; count && i < part->count; i++) {
        size_t place = i + part->asking;

        if (ngx_http_otp_part_retry(part, part->index[i], replies[place]) != NGX_OK) {
            ngx_http_otp_part_take(part, part->index[i], place, replies[place]);
        }
    }
    ngx_free(part);
    call->parts--;
    ngx_http_otp_call_settle(call);
}
