#include "otpctl/otpctl_slot_map.h"

#include <stdio.h>
#include <string.h>


#define HOST_LETTERS    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:_-%"
#define NODE_FIELDS     8       /* of a line of CLUSTER NODES, before its slots */

enum { ID, ADDRESS, FLAGS, MASTER, PING, PONG, EPOCH, LINK };

void otpctl_slot_map_init(otpctl_slot_map_t *map)
{
    memset(map, 0, sizeof(*map));
    memset(map->owner, 0xff, sizeof(map->owner));
}


bool otpctl_server_make(otpctl_server_t *server, otp_span_t host, otp_span_t port)
{
    int64_t number;

    *server = (otpctl_server_t) { .master = false };
    if (host.len == 0 || host.len >= sizeof(server->host) || otp_span_number(port, &number) != OTP_OK || number < 1
        || number > 65535)
    {
        return false;
    }
    memcpy(server->host, host.data, host.len);
    if (strspn(server->host, HOST_LETTERS) != host.len) {
        return false;
    }
    (void) snprintf(server->port, sizeof(server->port), "%d", (int) number);
    (void) snprintf(server->text, sizeof(server->text), strchr(server->host, ':') ? "[%s]:%s" : "%s:%s", server->host,
                    server->port);
    return true;
}


otpctl_place_t otpctl_server_place(const otpctl_server_t *server)
{
    return (otpctl_place_t) { .text = server->text, .host = server->host, .port = server->port };
}


int otpctl_slot_map_server(otpctl_slot_map_t *map, otp_span_t host, otp_span_t port)
{
    otpctl_server_t server;

    if (!otpctl_server_make(&server, host, port)) {
        return -1;
    }
    for (size_t i = 0; i < map->servers; i++) {
        if (strcmp(map->server[i].text, server.text) == 0) {
            return (int) i;
        }
    }
    if (map->servers == OTPCTL_SERVERS) {
        return -1;
    }
    map->server[map->servers] = server;
    return (int) map->servers++;
}


/* One line: [first, last, [host, port, …] of the master, the same of each replica].  The place of the master, or -1. */
static int read_range(otpctl_slot_map_t *map, const otp_reply_t *range, otp_span_t asked)
{
    const otp_reply_t *master = range->elements > 2 ? &range->element[2] : NULL;
    char               port[24];
    otp_span_t         host;

    if (!master || master->elements < 2 || range->element[0].integer < 0 || range->element[1].integer >= OTP_SLOTS
        || range->element[0].integer > range->element[1].integer)
    {
        return -1;
    }
    host = master->element[0].text;
    if (host.len == 0 || otp_span_equal(host, OTP_SPAN("?"))) {
        host = asked;
    }
    (void) snprintf(port, sizeof(port), "%lld", (long long) master->element[1].integer);
    return otpctl_slot_map_server(map, host, otp_span_of(port));
}


bool otpctl_slot_map_read(otpctl_slot_map_t *map, const otp_reply_t *slots, otp_span_t asked)
{
    if (slots->kind != OTP_REPLY_ARRAY || slots->elements == 0) {
        return false;
    }
    for (size_t i = 0; i < slots->elements; i++) {
        if (read_range(map, &slots->element[i], asked) < 0) {
            return false;
        }
    }
    memset(map->owner, 0xff, sizeof(map->owner));
    for (size_t i = 0; i < map->servers; i++) {
        map->server[i].master = false;
    }
    for (size_t i = 0; i < slots->elements; i++) {
        const otp_reply_t *range = &slots->element[i];
        int                server = read_range(map, range, asked);

        map->server[server].master = true;
        map->server[server].replicas = range->elements - 3;
        for (int64_t slot = range->element[0].integer; slot <= range->element[1].integer; slot++) {
            map->owner[slot] = (int16_t) server;
        }
    }
    return true;
}


size_t otpctl_slot_map_gaps(const otpctl_slot_map_t *map)
{
    size_t gaps = 0;

    for (size_t i = 0; i < OTP_SLOTS; i++) {
        gaps += map->owner[i] < 0;
    }
    return gaps;
}


/* FNV-1a, 64 bits: tells whether something has changed, no more. */
static void digest_add(uint64_t *digest, otp_span_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        *digest = (*digest ^ (uint8_t) text.data[i]) * UINT64_C(1099511628211);
    }
}


/* Whether `flag` is one of those that commas part. */
static bool has_flag(otp_span_t flags, const char *flag)
{
    while (flags.data) {
        if (otp_span_equal(otp_span_cut(&flags, ','), otp_span_of(flag))) {
            return true;
        }
    }
    return false;
}


/* HOST:PORT@BUSPORT[,HOSTNAME] */
static void add_empty_master(otpctl_slot_map_t *map, otp_span_t address)
{
    otp_span_t text = otp_span_cut(&address, '@');
    size_t     colon = text.len;
    int        server;

    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0) {
        return;
    }
    server = otpctl_slot_map_server(map, (otp_span_t) { text.data, colon - 1 },
                                    (otp_span_t) { text.data + colon, text.len - colon });
    if (server >= 0) {
        map->server[server].master = true;
        map->server[server].replicas = 0;
    }
}


void otpctl_slot_map_nodes(otpctl_slot_map_t *map, otp_span_t nodes, uint64_t *digest, bool *moving)
{
    while (nodes.data) {
        otp_span_t line = otp_span_trim(otp_span_cut(&nodes, '\n')), field[NODE_FIELDS];

        for (size_t i = 0; i < NODE_FIELDS; i++) {
            field[i] = otp_span_cut(&line, ' ');
        }
        if (has_flag(field[FLAGS], "myself")) {
            digest_add(digest, field[ID]);
            digest_add(digest, field[FLAGS]);
            digest_add(digest, field[EPOCH]);
            digest_add(digest, line);
            *moving = *moving || (line.len && memchr(line.data, '[', line.len));
        } else if (line.len == 0 && has_flag(field[FLAGS], "master") && !has_flag(field[FLAGS], "fail")
                   && !has_flag(field[FLAGS], "noaddr") && !has_flag(field[FLAGS], "handshake"))
        {
            add_empty_master(map, field[ADDRESS]);
        }
    }
}
