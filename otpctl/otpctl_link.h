/*
 * Bytes to and from one server: a socket, with TLS where the address asks for it.  Every call ends by
 * its deadline (milliseconds of the monotonic clock).
 */
#ifndef OTPCTL_LINK_H
#define OTPCTL_LINK_H

#include <openssl/types.h>

#include "core/base/otp_span.h"
#include "otpctl/otpctl_address.h"

typedef struct {
    int      fd;
    SSL_CTX *context;
    SSL     *ssl;
    char     error[256];        /* why the last call failed */
} otpctl_link_t;

int64_t otpctl_clock_ms(void);

OTP_MUST_USE bool otpctl_link_open(otpctl_link_t *link, const otpctl_address_t *address, const otpctl_place_t *place,
    int64_t deadline_ms);
OTP_MUST_USE bool otpctl_link_write(otpctl_link_t *link, otp_span_t bytes, int64_t deadline_ms);
/* At least one byte; 0 after an error. */
OTP_MUST_USE size_t otpctl_link_read(otpctl_link_t *link, char *bytes, size_t size, int64_t deadline_ms);
/* Whether the other side has ended it, as far as that is known here by now; nothing may be under way. */
bool otpctl_link_ended(otpctl_link_t *link);
void otpctl_link_close(otpctl_link_t *link);

#endif
