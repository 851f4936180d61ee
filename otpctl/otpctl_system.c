#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "otpctl/otpctl.h"
#include "otpctl/otpctl_print.h"

int64_t otpctl_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


int64_t otpctl_now_s(void)
{
    return otpctl_now_ms() / 1000;
}


void otpctl_random(void *bytes, size_t len)
{
    /* Up to 256 bytes are given whole once the kernel's generator is ready. */
    if (getrandom(bytes, len, 0) != (ssize_t) len) {
        otpctl_say("the kernel gives no random bytes: %s", strerror(errno));
        exit(OTPCTL_REFUSED);
    }
}


void otpctl_actor(char actor[OTPCTL_ACTOR_MAX])
{
    char                 login[OTPCTL_ACTOR_MAX - 8];
    const struct passwd *user;

    if (getlogin_r(login, sizeof(login)) == 0) {
        (void) snprintf(actor, OTPCTL_ACTOR_MAX, "otpctl:%s", login);
        return;
    }
    user = getpwuid(getuid());
    if (user) {
        (void) snprintf(actor, OTPCTL_ACTOR_MAX, "otpctl:%.*s", OTPCTL_ACTOR_MAX - 8, user->pw_name);
    } else {
        (void) snprintf(actor, OTPCTL_ACTOR_MAX, "otpctl:uid %lu", (unsigned long) getuid());
    }
}
