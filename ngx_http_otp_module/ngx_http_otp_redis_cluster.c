/*
 * `cluster`: the map that says which node serves which slot.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_cluster.h"

#include "core/base/otp_span.h"

#define ASK_MS      5000        /* between two maps while all is well */
#define SEEK_MS     100         /* while it is not */
#define VAIN        4           /* maps that name a node which is not there: ask somebody else */

static void ngx_http_otp_cluster_tick(ngx_event_t *ev);

ngx_http_otp_redis_cluster_t *ngx_http_otp_redis_cluster_alloc(ngx_pool_t *pool)
{
    return ngx_pcalloc(pool, sizeof(ngx_http_otp_redis_cluster_t));
}


ngx_int_t ngx_http_otp_redis_cluster_create(ngx_conf_t *cf, ngx_http_otp_redis_t *redis)
{
    ngx_http_otp_redis_cluster_t *cluster = redis->cluster;

    cluster->redis = redis;
    cluster->node = ngx_pcalloc(cf->pool, NGX_HTTP_OTP_CLUSTER_NODES * sizeof(cluster->node[0]));
    cluster->map = ngx_http_otp_redis_clone(cf->pool, redis, " (map of the cluster)");
    if (cluster->node == NULL || cluster->map == NULL) {
        return NGX_ERROR;
    }
    cluster->map->task = NGX_HTTP_OTP_REDIS_WATCHES;
    cluster->map->leader = NULL;
    return NGX_OK;
}


ngx_int_t ngx_http_otp_redis_cluster_init(ngx_cycle_t *cycle, ngx_http_otp_redis_cluster_t *cluster)
{
    ngx_memset(cluster->owner, NGX_HTTP_OTP_CLUSTER_NONE, sizeof(cluster->owner));
    ngx_queue_init(&cluster->held);
    cluster->cycle = cycle;
    cluster->asked = cluster->map;
    cluster->redis->log = cycle->log;
    cluster->ident.data = cluster;
    cluster->ident.fd = (ngx_socket_t) -1;
    cluster->timer.handler = ngx_http_otp_cluster_tick;
    cluster->timer.data = &cluster->ident;
    cluster->timer.log = cycle->log;
    cluster->timer.cancelable = 1;
    ngx_add_timer(&cluster->timer, 1);
    return ngx_http_otp_redis_init_process(cycle, cluster->map);
}


void ngx_http_otp_redis_cluster_exit(ngx_http_otp_redis_cluster_t *cluster)
{
    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_CLUSTER_NODES; i++) {
        ngx_http_otp_redis_exit_process(&cluster->node[i].client);
    }
    ngx_http_otp_redis_exit_process(cluster->map);
    if (cluster->timer.timer_set) {
        ngx_del_timer(&cluster->timer);
    }
}


ngx_uint_t ngx_http_otp_redis_cluster_is_up(const ngx_http_otp_redis_cluster_t *cluster)
{
    if (!cluster->known) {
        return 0;
    }
    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_CLUSTER_NODES; i++) {
        if (cluster->node[i].slots && cluster->node[i].client.state != NGX_HTTP_OTP_REDIS_READY) {
            return 0;
        }
    }
    return 1;
}


/* The highest of all nodes: which of them an account is at, its code does not say. */
int64_t ngx_http_otp_redis_cluster_floor_s(const ngx_http_otp_redis_cluster_t *cluster)
{
    int64_t floor_s = cluster->floor_s;

    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_CLUSTER_NODES; i++) {
        floor_s = ngx_max(floor_s, cluster->node[i].client.floor_s);
    }
    return floor_s;
}


/* --- the map ------------------------------------------------------------------------------------------------- */

static void ngx_http_otp_cluster_complain(ngx_http_otp_redis_cluster_t *cluster, const char *what)
{
    if (cluster->reported != what) {
        cluster->reported = what;
        if (what) {
            ngx_log_error(NGX_LOG_ERR, cluster->redis->log, 0, "otp: redis %V%s: %s",
                &cluster->asked->address[cluster->asked->current].name, cluster->asked->role, what);
        }
    }
}


/* The host that the map came from: a server that has been told none says "" for its own. */
static otp_span_t ngx_http_otp_cluster_here(const ngx_http_otp_redis_cluster_t *cluster)
{
    const ngx_str_t *name = &cluster->asked->address[cluster->asked->current].name;
    otp_span_t       host = { (const char *) name->data, name->len };

    while (host.len && host.data[host.len - 1] != ':') {
        host.len--;
    }
    host.len -= host.len != 0;
    if (host.len > 2 && host.data[0] == '[') {
        host.data++;
        host.len -= 2;
    }
    return host;
}


/* One line of CLUSTER SLOTS: first slot, last slot, its master's address and port… */
static const char *ngx_http_otp_cluster_range(ngx_http_otp_redis_cluster_t *cluster, const otp_reply_t *line)
{
    u_char                        port[NGX_INT64_LEN];
    const otp_reply_t            *first, *last, *master;
    ngx_http_otp_cluster_node_t  *node;
    otp_span_t                    host;

    if (line->kind != OTP_REPLY_ARRAY || line->elements < 3) {
        return "CLUSTER SLOTS cannot be read";
    }
    first = &line->element[0];
    last = &line->element[1];
    master = &line->element[2];
    if (first->kind != OTP_REPLY_INTEGER || last->kind != OTP_REPLY_INTEGER || first->integer < 0
        || last->integer >= OTP_SLOTS || master->kind != OTP_REPLY_ARRAY || master->elements < 2
        || master->element[1].kind != OTP_REPLY_INTEGER)
    {
        return "CLUSTER SLOTS cannot be read";
    }
    host = master->element[0].kind == OTP_REPLY_TEXT ? master->element[0].text : OTP_SPAN_NONE;
    if (host.len == 0) {
        host = ngx_http_otp_cluster_here(cluster);
    }
    node = ngx_http_otp_cluster_at(cluster, host,
        (otp_span_t) { (char *) port, (size_t) (ngx_sprintf(port, "%L", master->element[1].integer) - port) });
    if (node == NULL) {
        return "CLUSTER SLOTS names what is no address (cluster-preferred-endpoint-type ip?), or more than 32 masters";
    }
    for (int64_t slot = first->integer; slot <= last->integer; slot++) {
        ngx_http_otp_cluster_give(cluster, (unsigned) slot, node);
    }
    return NULL;
}


/* A map that cannot be read whole changes nothing but what it could be read of. */
static const char *ngx_http_otp_cluster_read(ngx_http_otp_redis_cluster_t *cluster, const otp_reply_t *reply)
{
    const char *wrong = NULL;

    if (reply->kind == OTP_REPLY_ERROR) {
        return "CLUSTER SLOTS was refused: is it a cluster, and has the user the right (lua-free-conf/redis/otp.acl)?";
    }
    if (reply->kind != OTP_REPLY_ARRAY || reply->elements == 0) {
        return "no slot is served by anybody";
    }
    ngx_memset(cluster->owner, NGX_HTTP_OTP_CLUSTER_NONE, sizeof(cluster->owner));
    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_CLUSTER_NODES; i++) {
        cluster->node[i].slots = 0;
    }
    for (size_t i = 0; i < reply->elements; i++) {
        const char *fault = ngx_http_otp_cluster_range(cluster, &reply->element[i]);

        wrong = fault ? fault : wrong;
    }
    return wrong;
}


static void ngx_http_otp_cluster_mapped(void *data, const otp_reply_t *const *replies, size_t count)
{
    const char                    *wrong;
    ngx_http_otp_redis_cluster_t  *cluster = data;

    cluster->asking = 0;
    if (count == 0) {
        return;
    }
    wrong = ngx_http_otp_cluster_read(cluster, replies[0]);
    ngx_http_otp_cluster_complain(cluster, wrong);
    ngx_http_otp_cluster_adopt(cluster);
    ngx_http_otp_cluster_retire(cluster);
    if (wrong == NULL) {
        cluster->known = 1;
    }
    ngx_http_otp_cluster_release(cluster);

    cluster->vain = wrong == NULL && ngx_http_otp_redis_cluster_is_up(cluster) ? 0 : cluster->vain + 1;
    if (cluster->vain >= VAIN && cluster->map->addresses > 1) {
        /* Who is cut off from the others tells the map of before. */
        cluster->vain = 0;
        ngx_http_otp_redis_end(cluster->map, NGX_HTTP_OTP_REDIS_TURNED, "asking another one for the map");
    }
}


/* Where all addresses of the directive are gone, the nodes know as much. */
static ngx_http_otp_redis_t *ngx_http_otp_cluster_adviser(ngx_http_otp_redis_cluster_t *cluster)
{
    for (ngx_uint_t i = 0; cluster->map->state != NGX_HTTP_OTP_REDIS_READY && i < NGX_HTTP_OTP_CLUSTER_NODES; i++) {
        if (cluster->node[i].client.state == NGX_HTTP_OTP_REDIS_READY) {
            return &cluster->node[i].client;
        }
    }
    return cluster->map;
}


static void ngx_http_otp_cluster_ask(ngx_http_otp_redis_cluster_t *cluster)
{
    otp_command_t          command = { .arg = { OTP_SPAN("CLUSTER"), OTP_SPAN("SLOTS") }, .args = 2 };
    ngx_http_otp_redis_t  *adviser = ngx_http_otp_cluster_adviser(cluster);

    if (!cluster->asking
        && ngx_http_otp_redis_send(adviser, &command, 1, ngx_http_otp_cluster_mapped, cluster) != NULL)
    {
        cluster->asking = 1;
        cluster->asked = adviser;
        cluster->asked_ms = ngx_http_otp_redis_now();
    }
}


static void ngx_http_otp_cluster_tick(ngx_event_t *ev)
{
    ngx_http_otp_redis_cluster_t *cluster = ((ngx_connection_t *) ev->data)->data;

    ngx_http_otp_cluster_ask(cluster);
    ngx_add_timer(&cluster->timer, ngx_http_otp_redis_cluster_is_up(cluster) ? ASK_MS : 2 * SEEK_MS);
}


void ngx_http_otp_cluster_seek(ngx_http_otp_redis_cluster_t *cluster)
{
    ngx_msec_int_t since = (ngx_msec_int_t) (ngx_http_otp_redis_now() - cluster->asked_ms);
    ngx_msec_t     delay = since < SEEK_MS ? (ngx_msec_t) (SEEK_MS - since) : 1;

    if (!cluster->timer.timer_set || (ngx_msec_int_t) (cluster->timer.timer.key - ngx_current_msec - delay) > 0) {
        ngx_add_timer(&cluster->timer, delay);
    }
}
