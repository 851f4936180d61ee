/*
 * SipHash-2-4 with 128 bits of output: a keyed hash of short texts, for a tenth of what SHA-256 costs.  Who does not
 * know the key cannot choose texts whose hashes have something in common.
 *
 * Jean-Philippe Aumasson, Daniel J. Bernstein: "SipHash: a fast short-input PRF", 2012; the longer output is that of
 * the authors' reference implementation.
 */
#ifndef OTP_SIPHASH_H
#define OTP_SIPHASH_H

#include "core/base/otp_span.h"

#define OTP_SIPHASH_KEY     16      /* bytes */

/* The 16 bytes of the output, read as two little-endian numbers. */
typedef struct {
    uint64_t low, high;
} otp_siphash_t;

otp_siphash_t otp_siphash(const uint8_t key[OTP_SIPHASH_KEY], otp_span_t text);

#endif
