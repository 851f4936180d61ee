/*
 * A Redis command as the core builds it, and the reply as it reads it.  The core never holds a
 * connection: nginx and otpctl carry these there and back.
 */
#ifndef OTP_COMMAND_H
#define OTP_COMMAND_H

#include "core/base/otp_span.h"

#define OTP_COMMAND_ARGS    20

typedef struct {
    otp_span_t  arg[OTP_COMMAND_ARGS];
    uint8_t     args;
    bool        swap;       /* EVALSHA of otp_swap_script(): after NOSCRIPT send it again as EVAL */
} otp_command_t;

typedef enum {
    OTP_REPLY_NIL,
    OTP_REPLY_TEXT,         /* bulk or status: `text` */
    OTP_REPLY_INTEGER,      /* `integer` */
    OTP_REPLY_ERROR,        /* `text`: -ERR … : the command was refused */
    OTP_REPLY_ARRAY         /* `element[0..elements)` */
} otp_reply_kind_t;

typedef struct otp_reply_s otp_reply_t;
struct otp_reply_s {
    otp_reply_kind_t     kind;
    int64_t              integer;
    otp_span_t           text;
    otp_reply_t         *element;       /* contiguous */
    size_t               elements;
};

/* One argument more; the command has room for it (OTP_COMMAND_ARGS). */
void otp_command_add(otp_command_t *command, otp_span_t argument);

/* Makes `command`, which has its verb XADD, append the event `line` to `stream`, which keeps about `kept` (decimal
 * text) of them. */
void otp_command_event(otp_command_t *command, otp_span_t stream, otp_span_t kept, otp_span_t line);

/* Appends the command in RESP to `out` (RFC-less: the Redis serialization protocol, arrays of bulk
 * strings).  `as_eval`: a swap command as EVAL with the script's text instead of EVALSHA.
 * Returns bytes needed; writes only when they fit in `size`. */
size_t otp_command_write(const otp_command_t *command, bool as_eval, char *out, size_t size);

#endif
