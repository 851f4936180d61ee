#include "otpctl/notify/otpctl_retry.h"

#define DEAD_FREE   3           /* attempts that ended with the process, before even these have to wait */
#define PAUSE_MAX   60000

static int64_t doubled(int64_t first, int64_t times, int64_t max)
{
    while (times-- > 0 && first < max) {
        first *= 2;
    }
    return first < max ? first : max;
}


int64_t otpctl_retry_backoff_ms(int64_t attempts)
{
    return doubled(OTPCTL_RETRY_FIRST_MS, attempts - 1, OTPCTL_RETRY_LAST_MS);
}


int64_t otpctl_retry_idle_ms(const otpctl_retry_t *retry, otpctl_owner_t owner, int64_t attempts)
{
    /* Whoever calls --once decides when; but nothing is tried twice in one call. */
    if (owner != OTPCTL_OWNER_OTHER && retry->once_ms >= 0) {
        return retry->once_ms + 1;
    }
    switch (owner) {
    case OTPCTL_OWNER_WAITING:
        return otpctl_retry_backoff_ms(attempts);
    case OTPCTL_OWNER_SELF:
        return 0;
    case OTPCTL_OWNER_DEAD:
        return attempts <= DEAD_FREE ? 0 : otpctl_retry_backoff_ms(attempts - DEAD_FREE);
    case OTPCTL_OWNER_OTHER:
        break;
    }
    return retry->attempt_ms + OTPCTL_RETRY_MARGIN_MS;
}


bool otpctl_retry_over(const otpctl_retry_t *retry, int64_t queued_ms, int64_t now_ms)
{
    return now_ms - queued_ms >= retry->give_up_ms;
}


int64_t otpctl_retry_pause_ms(int64_t failures)
{
    return failures <= 0 ? 0 : doubled(1000, failures - 1, PAUSE_MAX);
}
