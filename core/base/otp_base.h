/*
 * Compiler contracts used by every file of the core.
 */
#ifndef OTP_BASE_H
#define OTP_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A result that must not be dropped. */
#define OTP_MUST_USE    __attribute__((warn_unused_result))

/* The only symbols that leave the shared object: nginx loads modules with RTLD_GLOBAL. */
#define OTP_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* The three answers of everything that parses or opens outside bytes. */
typedef enum {
    OTP_OK = 0,
    OTP_INVALID,        /* the bytes are not what they should be: malformed, forged, out of range */
    OTP_NO_ROOM,        /* the result does not fit its bound */
    OTP_FAILED          /* out of memory, or the library below refused */
} otp_status_t;

#endif
