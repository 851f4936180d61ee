/* Two threads for one hash.  No lock: a thread that never runs must not hold what the other one needs. */
#include "ngx_http_otp_module/ngx_http_otp_hasher.h"

#include <pthread.h>
#include <sched.h>

#include "core/people/otp_password.h"


static void *ngx_http_otp_hasher_mate(void *data)
{
    static const struct sched_param  none;

    ngx_http_otp_hasher_t *hasher = data;
    int                    given;

    /* Refused or not, the hash is computed. */
    (void) sched_setscheduler(0, SCHED_IDLE, &none);

    for ( ;; ) {
        while (sem_wait(&hasher->given) == -1) { /* a signal */ }

        hasher->matches = otp_password_matches((otp_span_t) { hasher->password, hasher->password_len },
            (otp_span_t) { hasher->hash, hasher->hash_len });
        otp_secret_wipe(hasher->password, hasher->password_len);

        given = NGX_HTTP_OTP_HASHER_GIVEN;
        if (atomic_compare_exchange_strong(&hasher->state, &given, NGX_HTTP_OTP_HASHER_DONE)) {
            (void) sem_post(&hasher->done);
        } else {
            atomic_store(&hasher->state, NGX_HTTP_OTP_HASHER_FREE);
        }
    }

    return NULL;
}


ngx_int_t ngx_http_otp_hasher_start(ngx_http_otp_hasher_t *hasher)
{
    pthread_t thread;

    atomic_init(&hasher->state, NGX_HTTP_OTP_HASHER_FREE);
    if (sem_init(&hasher->given, 0, 0) == -1 || sem_init(&hasher->done, 0, 0) == -1) {
        return NGX_ERROR;
    }

    return pthread_create(&thread, NULL, ngx_http_otp_hasher_mate, hasher) == 0 ? NGX_OK : NGX_ERROR;
}


/* Whether the mate has answered. */
static bool ngx_http_otp_hasher_wait(ngx_http_otp_hasher_t *hasher)
{
    struct timespec until;
    int             given = NGX_HTTP_OTP_HASHER_GIVEN;

    (void) clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += NGX_HTTP_OTP_HASHER_PATIENCE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;

    while (atomic_load(&hasher->state) == NGX_HTTP_OTP_HASHER_GIVEN) {
        if (sem_clockwait(&hasher->done, CLOCK_MONOTONIC, &until) == -1 && errno != EINTR) {
            break;
        }
    }

    return !atomic_compare_exchange_strong(&hasher->state, &given, NGX_HTTP_OTP_HASHER_LEFT);
}


bool ngx_http_otp_hasher_matches(ngx_http_otp_hasher_t *hasher, otp_span_t password, otp_span_t hash)
{
    bool matches;

    if (atomic_load(&hasher->state) != NGX_HTTP_OTP_HASHER_FREE || password.len > sizeof(hasher->password)
        || hash.len > sizeof(hasher->hash))
    {
        return otp_password_matches(password, hash);
    }

    ngx_memcpy(hasher->password, password.data, password.len);
    ngx_memcpy(hasher->hash, hash.data, hash.len);
    hasher->password_len = password.len;
    hasher->hash_len = hash.len;
    atomic_store(&hasher->state, NGX_HTTP_OTP_HASHER_GIVEN);
    (void) sem_post(&hasher->given);

    if (!ngx_http_otp_hasher_wait(hasher)) {
        return otp_password_matches(password, hash);
    }

    matches = hasher->matches;
    atomic_store(&hasher->state, NGX_HTTP_OTP_HASHER_FREE);

    return matches;
}
