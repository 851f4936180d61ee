/*
 * Finding the master by Redis Sentinel.
 */
#ifndef OTPCTL_SENTINEL_H
#define OTPCTL_SENTINEL_H

#include "otpctl/otpctl_node.h"
#include "otpctl/otpctl_slot_map.h"

/* Asks the Sentinels of `address` one after the other; the first answer counts whose server says itself that it is the
 * master.  A conversation with it; NULL: `error` says of each Sentinel why not. */
OTP_MUST_USE otpctl_node_t *otpctl_sentinel_find(const otpctl_address_t *address, char *error, size_t error_size);

/* What one Sentinel says.  False: `error` says why it says nothing. */
OTP_MUST_USE bool otpctl_sentinel_master(otpctl_node_t *sentinel, const char *name, otpctl_server_t *master,
    char *error, size_t error_size);

#endif
