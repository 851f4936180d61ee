/*
 * What the two files of the conversation with a cluster share.
 */
#ifndef OTPCTL_CLUSTER_PRIVATE_H
#define OTPCTL_CLUSTER_PRIVATE_H

#include "otpctl/otpctl_cluster.h"
#include "otpctl/otpctl_node.h"

struct otpctl_cluster_s {
    const otpctl_address_t *address;
    otpctl_slot_map_t       map;
    otpctl_node_t          *node[OTPCTL_SERVERS];   /* as the servers of the map; NULL: none, or none any more */
    uint64_t                opened;
    int                     last;                   /* server of the last command */
    char                    error[1024];
};

/* The conversation with a server, made anew when it is over; NULL: not to be had. */
otpctl_node_t *otpctl_cluster_reach(otpctl_cluster_t *cluster, int server);

/* The server that has the slot of the name; any when there is no name, or nobody has it. */
int otpctl_cluster_server(const otpctl_cluster_t *cluster, otp_span_t name);

#endif
