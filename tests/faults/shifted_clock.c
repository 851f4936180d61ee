/*
 * LD_PRELOAD: the wall clock of a process and of its children is ahead by what the file SHIFTED_CLOCK holds, eight
 * bytes of seconds.  Whoever writes there moves the clock at once; what counts time from the start is not moved.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SHIFTED_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *shared = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);

    if (shared == MAP_FAILED) {
        abort();    /* a test of a clock that does not move would pass */
    }
    ahead = shared;
    close(file);
}

static time_t moved(time_t seconds) {
    return ahead ? seconds + *ahead : seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    int failed;

    if (real == NULL) {
        *(void **) &real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    failed = real(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec = moved(now->tv_sec);
    }
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;

    (void) zone;
    if (clock_gettime(CLOCK_REALTIME, &exact)) {
        return -1;
    }
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *seconds) {
    struct timespec exact;

    clock_gettime(CLOCK_REALTIME, &exact);
    if (seconds) {
        *seconds = exact.tv_sec;
    }
    return exact.tv_sec;
}
