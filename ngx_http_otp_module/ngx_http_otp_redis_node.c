/*
 * `cluster`: the nodes, clients of one address each, and which slots are theirs.
 */
#include "ngx_http_otp_module/ngx_http_otp_redis_cluster.h"

#include "core/base/otp_span.h"
#include "core/store/otp_names.h"

#define IDLE_MS     10000       /* a node without slots, which ASK may name again: its connection stays so long */

static void ngx_http_otp_cluster_lost(void *data)
{
    ngx_http_otp_cluster_seek(data);
}


/* Those of the sixteen tags that are this node's. */
static uint16_t ngx_http_otp_cluster_tags(const ngx_http_otp_redis_cluster_t *cluster, ngx_uint_t node)
{
    uint16_t tags = 0;

    for (unsigned tag = 0; tag < OTP_TAGS; tag++) {
        otp_name_t name;

        otp_name_master_tag(&name, ngx_http_otp_redis_prefix(cluster->redis), tag);
        if (cluster->owner[otp_slot_of(otp_name_span(&name))] == node) {
            tags |= (uint16_t) (1U << tag);
        }
    }
    return tags;
}


/* A client begins anew in memory that another one has left: what that allocated goes on. */
static void ngx_http_otp_cluster_reuse(ngx_http_otp_redis_t *client, const ngx_http_otp_redis_t *before)
{
    client->in = before->in;
    client->out = before->out;
    client->held = before->held;
}


static ngx_int_t ngx_http_otp_cluster_start_writer(ngx_http_otp_redis_cluster_t *cluster,
    ngx_http_otp_redis_t *client, ngx_http_otp_redis_t *writer)
{
    ngx_http_otp_redis_t before;

    if (client->replicas == 0) {
        return NGX_OK;
    }
    writer = writer ? writer : ngx_pcalloc(cluster->cycle->pool, sizeof(*writer));
    if (writer == NULL) {
        return NGX_ERROR;
    }
    before = *writer;
    ngx_http_otp_redis_writer_init(writer, client);
    ngx_http_otp_cluster_reuse(writer, &before);
    client->writer = writer;
    return NGX_OK;
}


static ngx_int_t ngx_http_otp_cluster_start(ngx_http_otp_redis_cluster_t *cluster, ngx_http_otp_cluster_node_t *node,
    const ngx_http_otp_redis_place_t *place)
{
    ngx_http_otp_redis_t          *client = &node->client, *writer = client->writer, before = *client;
    ngx_http_otp_redis_listener_t  listener = { cluster, NULL, ngx_http_otp_cluster_lost, NULL };
    ngx_http_otp_redis_address_t  *address = &client->address[0];

    cluster->floor_s = ngx_max(cluster->floor_s, client->floor_s);
    node->place = *place;
    node->slots = 0;
    node->served = 0;
    node->used_ms = ngx_http_otp_redis_now();
    *client = *cluster->redis;
    client->cluster = NULL;
    client->task = NGX_HTTP_OTP_REDIS_LEADS;
    client->addresses = 1;
    ngx_memzero(client->address, sizeof(client->address));
    ngx_http_otp_redis_place_address(&node->place, address);
    client->is_node = 1;
    client->master_tags = ngx_http_otp_cluster_tags(cluster, (ngx_uint_t) (node - cluster->node));
    client->listener = listener;
    if (ngx_http_otp_cluster_start_writer(cluster, client, writer) != NGX_OK) {
        return NGX_ERROR;
    }
    ngx_http_otp_cluster_reuse(client, &before);
    return ngx_http_otp_redis_init_process(cluster->cycle, client);
}


static ngx_uint_t ngx_http_otp_cluster_is_at(const ngx_http_otp_cluster_node_t *node,
    const ngx_http_otp_redis_place_t *place)
{
    return node->client.state != NGX_HTTP_OTP_REDIS_CLOSED
        && ngx_http_otp_redis_place_same(&node->place, place);
}


ngx_http_otp_cluster_node_t *ngx_http_otp_cluster_at(ngx_http_otp_redis_cluster_t *cluster, otp_span_t host,
    otp_span_t port)
{
    ngx_http_otp_redis_place_t    place;
    ngx_http_otp_cluster_node_t  *free = NULL;

    if (ngx_http_otp_redis_place(host, port, &place) != NGX_OK) {
        return NULL;
    }
    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_CLUSTER_NODES; i++) {
        if (ngx_http_otp_cluster_is_at(&cluster->node[i], &place)) {
            cluster->node[i].used_ms = ngx_http_otp_redis_now();
            return &cluster->node[i];
        }
        if (free == NULL && cluster->node[i].client.state == NGX_HTTP_OTP_REDIS_CLOSED) {
            free = &cluster->node[i];
        }
    }
    return free && ngx_http_otp_cluster_start(cluster, free, &place) == NGX_OK ? free : NULL;
}


/* Nobody waits for it, nor is in the middle of what it said. */
static ngx_uint_t ngx_http_otp_cluster_is_idle(const ngx_http_otp_redis_t *client)
{
    return client == NULL || (!client->receiving && ngx_queue_empty(&client->pending));
}


/* Of those without slots.  One that had some goes at once: if it gets others it is to say who it is once more. */
void ngx_http_otp_cluster_retire(ngx_http_otp_redis_cluster_t *cluster)
{
    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_CLUSTER_NODES; i++) {
        ngx_http_otp_cluster_node_t  *node = &cluster->node[i];
        ngx_http_otp_redis_t         *client = &node->client;

        if (client->state != NGX_HTTP_OTP_REDIS_CLOSED && node->slots == 0
            && (node->served || ngx_http_otp_redis_now() - node->used_ms >= IDLE_MS)
            && ngx_http_otp_cluster_is_idle(client) && ngx_http_otp_cluster_is_idle(client->writer))
        {
            ngx_http_otp_redis_exit_process(client);
        }
    }
}


void ngx_http_otp_cluster_give(ngx_http_otp_redis_cluster_t *cluster, unsigned slot,
    ngx_http_otp_cluster_node_t *node)
{
    u_char before = cluster->owner[slot];

    if (before != NGX_HTTP_OTP_CLUSTER_NONE) {
        cluster->node[before].slots--;
    }
    cluster->owner[slot] = (u_char) (node - cluster->node);
    node->slots++;
    node->served = 1;
}


void ngx_http_otp_cluster_moved(ngx_http_otp_redis_cluster_t *cluster, unsigned slot,
    ngx_http_otp_cluster_node_t *node)
{
    ngx_http_otp_redis_t *client = &node->client;

    /* Heard of for the first time, before the map says what else is its own: it is asked about every tag, or it would
     * judge codes without saying whether it is the master of before. */
    if (client->master_tags == 0 && client->state != NGX_HTTP_OTP_REDIS_READY) {
        client->master_tags = UINT16_MAX;
        if (client->writer) {
            client->writer->master_tags = UINT16_MAX;
        }
    }
    ngx_http_otp_cluster_give(cluster, slot, node);
    ngx_http_otp_cluster_seek(cluster);
}


void ngx_http_otp_cluster_adopt(ngx_http_otp_redis_cluster_t *cluster)
{
    int64_t since_s = ngx_http_otp_redis_cluster_floor_s(cluster);

    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_CLUSTER_NODES; i++) {
        if (cluster->node[i].slots) {
            ngx_http_otp_redis_adopt(&cluster->node[i].client, ngx_http_otp_cluster_tags(cluster, i), since_s);
        }
    }
}
