/*
 * A password hash, computed when a processor has nothing else to do; and all the same when none ever has.
 *
 *     its owner (nice 10)   --- password, hash --->   its mate (SCHED_IDLE)
 *            waits, but not for long             <--- matches, or not
 *
 * Whoever serves requests takes the processor from a SCHED_IDLE thread at once, and from one that is merely nice only
 * when its slice is over, some milliseconds later.  But where processors are never idle such a thread gets nothing:
 * after NGX_HTTP_OTP_HASHER_PATIENCE_MS its owner computes the hash itself.
 */
#ifndef NGX_HTTP_OTP_HASHER_H
#define NGX_HTTP_OTP_HASHER_H

#include <semaphore.h>
#include <stdatomic.h>

#include "ngx_http_otp_module/ngx_http_otp_module.h"

#define NGX_HTTP_OTP_HASHER_PATIENCE_MS  250
#define NGX_HTTP_OTP_HASHER_PASSWORD     4096   /* a longer password is nobody's */
#define NGX_HTTP_OTP_HASHER_HASH         512    /* a longer hash its owner computes */

typedef enum {
    NGX_HTTP_OTP_HASHER_FREE,       /* the owner may write a question */
    NGX_HTTP_OTP_HASHER_GIVEN,      /* the mate is computing */
    NGX_HTTP_OTP_HASHER_DONE,       /* `matches` is the answer, and the owner's to take */
    NGX_HTTP_OTP_HASHER_LEFT        /* the mate is computing what nobody waits for any more */
} ngx_http_otp_hasher_state_t;

typedef struct {
    atomic_int  state;
    sem_t       given, done;        /* a post of `done` may come when nobody waits: whoever wakes looks at the state */
    char        password[NGX_HTTP_OTP_HASHER_PASSWORD], hash[NGX_HTTP_OTP_HASHER_HASH];
    size_t      password_len, hash_len;
    bool        matches;
} ngx_http_otp_hasher_t;

/* Makes the mate, a thread; the hasher stays where it is for ever.  The caller is its owner. */
ngx_int_t ngx_http_otp_hasher_start(ngx_http_otp_hasher_t *hasher);

/* otp_password_matches() of the owner. */
bool ngx_http_otp_hasher_matches(ngx_http_otp_hasher_t *hasher, otp_span_t password, otp_span_t hash);

#endif
