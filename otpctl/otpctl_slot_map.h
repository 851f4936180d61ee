/*
 * The servers of a Redis Cluster, and which of them has which slot, as values.
 */
#ifndef OTPCTL_SLOT_MAP_H
#define OTPCTL_SLOT_MAP_H

#include "core/store/otp_command.h"
#include "core/store/otp_slot.h"
#include "otpctl/otpctl_address.h"

#define OTPCTL_SERVERS      256         /* met in the life of a map */
#define OTPCTL_HOST_MAX     256

typedef struct {
    char   host[OTPCTL_HOST_MAX], port[8], text[OTPCTL_HOST_MAX + 12];
    bool   master;              /* now */
    size_t replicas;            /* of a master */
} otpctl_server_t;

typedef struct otpctl_slot_map_s {
    otpctl_server_t server[OTPCTL_SERVERS];     /* one keeps its place, whatever it becomes */
    size_t          servers;
    int16_t         owner[OTP_SLOTS];           /* -1: nobody */
} otpctl_slot_map_t;

void otpctl_slot_map_init(otpctl_slot_map_t *map);

/* False: it can be none. */
OTP_MUST_USE bool otpctl_server_make(otpctl_server_t *server, otp_span_t host, otp_span_t port);

/* The place of a server, which is new if need be; -1: there is no room, or it can be none. */
OTP_MUST_USE int otpctl_slot_map_server(otpctl_slot_map_t *map, otp_span_t host, otp_span_t port);
/* Points into `server`. */
otpctl_place_t otpctl_server_place(const otpctl_server_t *server);

/* Takes the reply of CLUSTER SLOTS; `asked`: who gave it, for servers whose host is not told.  False: it cannot be
 * read, or tells of no slot; the map is then as before but for new servers. */
OTP_MUST_USE bool otpctl_slot_map_read(otpctl_slot_map_t *map, const otp_reply_t *slots, otp_span_t asked);

/* Slots that nobody has. */
size_t otpctl_slot_map_gaps(const otpctl_slot_map_t *map);

/* Takes the text of CLUSTER NODES: masters that have no slot, which may hold names of one that is on its way to them.
 * `*digest` changes with what the server that gave it has; `*moving`: a slot is on its way to or from it. */
void otpctl_slot_map_nodes(otpctl_slot_map_t *map, otp_span_t nodes, uint64_t *digest, bool *moving);

#endif
