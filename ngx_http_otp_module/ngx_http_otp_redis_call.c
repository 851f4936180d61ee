/*
 * A batch in a cluster: cut into parts by node, and put together again.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_cluster.h"

#include "core/base/otp_span.h"

static void ngx_http_otp_call_timer(ngx_event_t *ev);
static void ngx_http_otp_call_late(ngx_event_t *ev);

/* --- the call ----------------------------------------------------------------------------------------------- */

static void ngx_http_otp_call_free(ngx_http_otp_call_t *call)
{
    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }
    if (call->late.timer_set) {
        ngx_del_timer(&call->late);
    }
    for (size_t i = 0; i < call->batch->count; i++) {
        otp_reply_destroy(call->owned[i]);
    }
    otp_secret_wipe(call->text, call->text_len);
    ngx_free(call->text);
    ngx_http_otp_redis_batch_free(call->batch);
    ngx_free(call);
}


static size_t ngx_http_otp_call_size(const otp_command_t *commands, size_t count)
{
    size_t size = 1;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < commands[i].args; j++) {
            size += commands[i].arg[j].len;
        }
    }
    return size;
}


static void ngx_http_otp_call_copy(ngx_http_otp_call_t *call, const otp_command_t *commands)
{
    char *p = call->text;

    for (size_t i = 0; i < call->batch->count; i++) {
        call->command[i] = commands[i];
        for (size_t j = 0; j < commands[i].args; j++) {
            otp_span_t arg = commands[i].arg[j];

            call->command[i].arg[j].data = p;
            p = arg.len ? (char *) ngx_cpymem(p, arg.data, arg.len) : p;
        }
    }
}


/* What changes nothing may be done in any order. */
static ngx_uint_t ngx_http_otp_call_reads(const otp_command_t *command)
{
    static const otp_span_t verbs[] = {
        OTP_SPAN("GET"), OTP_SPAN("MGET"), OTP_SPAN("PING"), OTP_SPAN("ZCARD"), OTP_SPAN("ZRANGE"),
        OTP_SPAN("ZREVRANGE"), OTP_SPAN("ZSCAN"), OTP_SPAN("XREVRANGE")
    };

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (otp_span_equal(command->arg[0], verbs[i])) {
            return 1;
        }
    }
    return 0;
}


static void ngx_http_otp_call_event(ngx_http_otp_call_t *call, ngx_event_t *ev, ngx_event_handler_pt handler)
{
    ev->handler = handler;
    ev->data = &call->ident;
    ev->log = call->cluster->redis->log;
}


static ngx_http_otp_call_t *ngx_http_otp_call_create(ngx_http_otp_redis_cluster_t *cluster,
    const otp_command_t *commands, size_t count)
{
    ngx_http_otp_call_t *call = ngx_calloc(sizeof(*call), cluster->redis->log);

    if (call == NULL) {
        return NULL;
    }
    call->text_len = ngx_http_otp_call_size(commands, count);
    call->text = ngx_alloc(call->text_len, cluster->redis->log);
    call->batch = ngx_http_otp_redis_batch_create(count);
    if (call->text == NULL || call->batch == NULL) {
        ngx_free(call->text);
        ngx_free(call->batch);
        ngx_free(call);
        return NULL;
    }
    ngx_http_otp_call_copy(call, commands);
    call->cluster = cluster;
    call->deadline = ngx_http_otp_redis_now() + cluster->redis->timeout;
    call->todo = (uint32_t) (((uint64_t) 1 << count) - 1);
    for (size_t i = 0; i < count; i++) {
        call->ordered |= !ngx_http_otp_call_reads(&commands[i]);
    }
    call->ident.data = call;
    call->ident.fd = (ngx_socket_t) -1;
    ngx_http_otp_call_event(call, &call->timer, ngx_http_otp_call_timer);
    ngx_http_otp_call_event(call, &call->late, ngx_http_otp_call_late);
    return call;
}


/* Forgets the handler before it is called: cancelling from inside is harmless. */
static void ngx_http_otp_call_answer(ngx_http_otp_call_t *call)
{
    ngx_http_otp_redis_handler_pt handler = call->batch->handler;

    call->batch->handler = NULL;
    if (handler && !call->failed) {
        handler(call->batch->data, call->reply, call->batch->count);
    } else if (handler) {
        handler(call->batch->data, NULL, 0);
    }
}


/* Whoever waits is told in time; what is under way comes back to nobody. */
static void ngx_http_otp_call_late(ngx_event_t *ev)
{
    ngx_http_otp_call_t *call = ((ngx_connection_t *) ev->data)->data;

    if (call->held) {
        ngx_queue_remove(&call->queue);
        call->held = 0;
    }
    call->failed = 1;
    ngx_http_otp_call_answer(call);
    ngx_http_otp_call_settle(call);
}


void ngx_http_otp_call_limit(ngx_http_otp_call_t *call)
{
    ngx_msec_int_t left = (ngx_msec_int_t) (call->deadline - ngx_http_otp_redis_now());

    if (!call->late.timer_set) {
        ngx_add_timer(&call->late, (ngx_msec_t) ngx_max(left, 1));
    }
}


/* --- cutting ------------------------------------------------------------------------------------------------ */

/* A command without a key goes where the one before it went.  -1: wherever there is somebody. */
static ngx_int_t ngx_http_otp_call_slot(const ngx_http_otp_call_t *call, size_t index)
{
    for (size_t i = index + 1; i-- > 0; ) {
        const otp_command_t *command = &call->command[i];
        size_t               key = command->swap ? 3 : 1;

        if (command->args > key) {
            return (ngx_int_t) otp_slot_of(command->arg[key]);
        }
    }
    return -1;
}


static u_char ngx_http_otp_call_owner(const ngx_http_otp_call_t *call, size_t index)
{
    ngx_int_t                            slot = ngx_http_otp_call_slot(call, index);
    const ngx_http_otp_redis_cluster_t  *cluster = call->cluster;

    if (slot >= 0) {
        return cluster->owner[slot];
    }
    for (size_t i = 0; i < NGX_HTTP_OTP_CLUSTER_NODES; i++) {
        if (cluster->node[i].slots && cluster->node[i].client.state == NGX_HTTP_OTP_REDIS_READY) {
            return (u_char) i;
        }
    }
    return cluster->owner[0];
}


/* Those among `wanted` that go where the first of them goes, which are taken out of it. */
static size_t ngx_http_otp_call_share(const u_char *owner, size_t commands, uint32_t *wanted, size_t *index)
{
    size_t count = 0;

    for (size_t i = 0; i < commands; i++) {
        if ((*wanted >> i & 1) && (count == 0 || owner[i] == owner[index[0]])) {
            index[count++] = i;
            *wanted &= ~((uint32_t) 1 << i);
        }
    }
    return count;
}


/* The commands among `wanted` by node, in their order.  NGX_ERROR: not all of them were taken. */
static ngx_int_t ngx_http_otp_call_cut(ngx_http_otp_call_t *call, uint32_t wanted)
{
    u_char owner[NGX_HTTP_OTP_REDIS_COMMANDS];

    for (size_t i = 0; i < call->batch->count; i++) {
        owner[i] = ngx_http_otp_call_owner(call, i);
        if ((wanted >> i & 1) && owner[i] == NGX_HTTP_OTP_CLUSTER_NONE) {
            ngx_http_otp_cluster_seek(call->cluster);
            return NGX_ERROR;
        }
    }
    while (wanted) {
        size_t index[NGX_HTTP_OTP_REDIS_COMMANDS];
        size_t count = ngx_http_otp_call_share(owner, call->batch->count, &wanted, index);

        if (ngx_http_otp_part_send(call, &call->cluster->node[owner[index[0]]], index, count, 0) != NGX_OK) {
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}


/* What is sent next.  Two servers keep no order between them, and who writes relies on one (first the session, then a
 * look at whether it may stand): so one slot after the other. */
static ngx_int_t ngx_http_otp_call_advance(ngx_http_otp_call_t *call)
{
    uint32_t  run = 0;
    ngx_int_t slot = -1;

    for (size_t i = 0; i < call->batch->count; i++) {
        ngx_int_t its = ngx_http_otp_call_slot(call, i);

        if ((call->todo >> i & 1) == 0) {
            continue;
        }
        if (call->ordered && run && its != slot) {
            break;
        }
        slot = its;
        run |= (uint32_t) 1 << i;
    }
    call->todo &= ~run;
    if (call->todo) {
        ngx_http_otp_call_limit(call);
    }
    return ngx_http_otp_call_cut(call, run);
}


void ngx_http_otp_call_settle(ngx_http_otp_call_t *call)
{
    if (call->parts == 0 && call->todo && !call->failed && ngx_http_otp_call_advance(call) != NGX_OK) {
        call->failed = 1;
    }
    if (call->parts == 0) {
        ngx_http_otp_call_answer(call);
        ngx_http_otp_call_free(call);
    }
}


static void ngx_http_otp_call_timer(ngx_event_t *ev)
{
    ngx_http_otp_call_t *call = ((ngx_connection_t *) ev->data)->data;
    uint32_t             again = call->again;

    call->again = 0;
    if (!call->failed && ngx_http_otp_call_cut(call, again) != NGX_OK) {
        call->failed = 1;
    }
    call->parts--;
    ngx_http_otp_call_settle(call);
}


/* Handlers may send again, and be held again. */
void ngx_http_otp_cluster_release(ngx_http_otp_redis_cluster_t *cluster)
{
    ngx_queue_t held;

    ngx_queue_init(&held);
    if (!ngx_queue_empty(&cluster->held)) {
        ngx_queue_add(&held, &cluster->held);
        ngx_queue_init(&cluster->held);
    }
    while (!ngx_queue_empty(&held)) {
        ngx_http_otp_call_t *call = ngx_queue_data(ngx_queue_head(&held), ngx_http_otp_call_t, queue);

        ngx_queue_remove(&call->queue);
        call->held = 0;
        ngx_http_otp_call_settle(call);
    }
}


/* NGX_ERROR: nobody has got anything of it. */
static ngx_int_t ngx_http_otp_call_begin(ngx_http_otp_call_t *call)
{
    if (!call->cluster->known) {
        call->held = 1;
        ngx_queue_insert_tail(&call->cluster->held, &call->queue);
        ngx_http_otp_call_limit(call);
        return NGX_OK;
    }
    if (ngx_http_otp_call_advance(call) == NGX_OK) {
        return NGX_OK;
    }
    call->failed = 1;
    return call->parts ? NGX_OK : NGX_ERROR;
}


ngx_http_otp_redis_batch_t *ngx_http_otp_redis_cluster_send(ngx_http_otp_redis_cluster_t *cluster,
    const otp_command_t *commands, size_t count, ngx_http_otp_redis_handler_pt handler, void *data)
{
    ngx_http_otp_call_t *call;

    if (!cluster->known && !cluster->map->patient) {
        ngx_http_otp_redis_wanted(cluster->map);
        return NULL;
    }
    call = ngx_http_otp_call_create(cluster, commands, count);
    if (call == NULL) {
        return NULL;
    }
    if (ngx_http_otp_call_begin(call) != NGX_OK) {
        ngx_http_otp_call_free(call);
        return NULL;
    }
    call->batch->handler = handler;
    call->batch->data = data;
    return call->batch;
}
