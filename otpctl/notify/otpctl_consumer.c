#include "otpctl/notify/otpctl_consumer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "otpctl/otpctl.h"

#define START_FIELD 22      /* of /proc/PID/stat, proc(5) */

static bool read_line(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    bool  read = file && fgets(text, (int) size, file);

    if (file) {
        fclose(file);
    }
    return read;
}


/* When the process began, in ticks since boot; 0: not to be known. */
static uint64_t start_of(long pid)
{
    char        path[48], text[1024];
    const char *at;

    (void) snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    /* Field 2, in parentheses, may hold anything. */
    if (!read_line(path, text, sizeof(text)) || !(at = strrchr(text, ')'))) {
        return 0;
    }
    for (int field = 2; at && field < START_FIELD; field++) {
        at = strchr(at + 1, ' ');
    }
    return at ? strtoull(at + 1, NULL, 10) : 0;
}


/* What is the same for processes that see each other by their numbers.  False: nothing is known to be. */
static bool place_of_self(char place[OTPCTL_CONSUMER_MAX / 2])
{
    char        boot[64];
    struct stat space;

    if (!read_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) || stat("/proc/self/ns/pid", &space) < 0) {
        return false;
    }
    (void) snprintf(place, OTPCTL_CONSUMER_MAX / 2, "%.8s.%llu", boot, (unsigned long long) space.st_ino);
    return true;
}


void otpctl_consumer_self(char name[OTPCTL_CONSUMER_MAX])
{
    char     place[OTPCTL_CONSUMER_MAX / 2];
    uint64_t random, start = start_of(getpid());

    if (start && place_of_self(place)) {
        (void) snprintf(name, OTPCTL_CONSUMER_MAX, "%s.%ld.%llu", place, (long) getpid(), (unsigned long long) start);
        return;
    }
    otpctl_random(&random, sizeof(random));
    (void) snprintf(name, OTPCTL_CONSUMER_MAX, "%ld-%016llx", (long) getpid(), (unsigned long long) random);
}


static bool is_running(long pid, uint64_t start)
{
    uint64_t now = start_of(pid);

    /* Its number may be somebody else's by now; one that hides its start is taken for the same. */
    return (kill((pid_t) pid, 0) == 0 || errno != ESRCH) && (now == 0 || now == start);
}


otpctl_owner_t otpctl_consumer_owner(const char *self, otp_span_t name)
{
    char        copy[OTPCTL_CONSUMER_MAX], place[OTPCTL_CONSUMER_MAX / 2 + 1];
    const char *rest;
    char       *end;
    long        pid;

    if (otp_span_equal(name, OTP_SPAN(OTPCTL_CONSUMER_WAITING))) {
        return OTPCTL_OWNER_WAITING;
    }
    if (otp_span_equal(name, otp_span_of(self))) {
        return OTPCTL_OWNER_SELF;
    }
    if (name.len >= sizeof(copy) || !place_of_self(place)) {
        return OTPCTL_OWNER_OTHER;
    }
    memcpy(copy, name.data, name.len);
    copy[name.len] = '\0';
    rest = copy + strlen(place);
    if (strncmp(copy, place, strlen(place)) != 0 || *rest != '.') {
        return OTPCTL_OWNER_OTHER;
    }
    pid = strtol(rest + 1, &end, 10);
    if (pid <= 0 || *end != '.') {
        return OTPCTL_OWNER_OTHER;
    }
    return is_running(pid, strtoull(end + 1, NULL, 10)) ? OTPCTL_OWNER_OTHER : OTPCTL_OWNER_DEAD;
}
