#include "otpctl/otpctl_verb.h"

/* Where the first name stands. */
typedef enum { NOWHERE = 0, FIRST = 1, SECOND = 2, AFTER_COUNT = 3, AFTER_STREAMS } where_t;

typedef struct {
    otp_span_t word;
    where_t    where;
    bool       reads;
} verb_t;

/* Others have it as their first argument, and write. */
static const verb_t verbs[] = {
    { { "GET", 3 }, FIRST, true },
    { { "MGET", 4 }, FIRST, true },
    { { "XLEN", 4 }, FIRST, true },
    { { "ZSCAN", 5 }, FIRST, true },
    { { "XRANGE", 6 }, FIRST, true },
    { { "ZRANGE", 6 }, FIRST, true },
    { { "XPENDING", 8 }, FIRST, true },
    { { "XREVRANGE", 9 }, FIRST, true },
    { { "XINFO", 5 }, SECOND, true },
    { { "XGROUP", 6 }, SECOND, false },
    { { "XREAD", 5 }, AFTER_STREAMS, true },
    { { "XREADGROUP", 10 }, AFTER_STREAMS, false },
    { { "EVAL", 4 }, AFTER_COUNT, false },
    { { "EVALSHA", 7 }, AFTER_COUNT, false },
    { { "ACL", 3 }, NOWHERE, true },
    { { "INFO", 4 }, NOWHERE, true },
    { { "PING", 4 }, NOWHERE, true },
    { { "ROLE", 4 }, NOWHERE, true },
    { { "SCAN", 4 }, NOWHERE, true },
    { { "TIME", 4 }, NOWHERE, true },
    { { "CONFIG", 6 }, NOWHERE, true },
    { { "CLUSTER", 7 }, NOWHERE, true },
};

static verb_t verb_of(const otp_span_t *arg, size_t args)
{
    for (size_t i = 0; args && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (otp_span_equal(verbs[i].word, arg[0])) {
            return verbs[i];
        }
    }
    return (verb_t) { .where = FIRST, .reads = false };
}


otp_span_t otpctl_verb_name(const otp_span_t *arg, size_t args)
{
    where_t where = verb_of(arg, args).where;
    size_t  at = (size_t) where;

    if (where == AFTER_STREAMS) {
        for (at = 1; at < args && !otp_span_equal(arg[at], OTP_SPAN("STREAMS")); at++) {
        }
        at++;
    }
    return where != NOWHERE && at < args ? arg[at] : OTP_SPAN_NONE;
}


bool otpctl_verb_reads(const otp_span_t *arg, size_t args)
{
    return verb_of(arg, args).reads;
}


bool otpctl_verb_changed(const otp_span_t *arg, size_t args, const otp_reply_t *reply)
{
    if (!reply || args == 0) {
        return false;
    }
    if (otp_span_equal(arg[0], OTP_SPAN("DEL"))) {
        return reply->kind == OTP_REPLY_INTEGER && reply->integer > 0;
    }
    return verb_of(arg, args).where == AFTER_COUNT && reply->kind == OTP_REPLY_ARRAY && reply->elements > 0
        && reply->element[0].kind == OTP_REPLY_INTEGER && reply->element[0].integer == 1;
}
