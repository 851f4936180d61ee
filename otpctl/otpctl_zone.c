#include "otpctl/otpctl_zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otpctl/otpctl_print.h"

/* False with errno 0: the file is there, but no zone. */
static bool read_file(const char *path, otp_zone_t *zone)
{
    char *bytes = malloc(OTP_ZONE_FILE_MAX);
    FILE *file = bytes ? fopen(path, "re") : NULL;
    bool  good = false;

    if (file) {
        size_t len = fread(bytes, 1, OTP_ZONE_FILE_MAX, file);

        good = !ferror(file) && otp_zone_parse((otp_span_t) { bytes, len }, otpctl_now_s(), zone) == OTP_OK;
        errno = ferror(file) ? errno : 0;
        fclose(file);
    }
    free(bytes);
    return good;
}


static otpctl_status_t wrong(const char *name, const char *why)
{
    otpctl_say("time zone %s: %s; `timedatectl list-timezones` lists them (Debian package tzdata)", name, why);
    return OTPCTL_USAGE;
}


static otpctl_status_t read_named(const char *name, otp_zone_t *zone)
{
    char path[sizeof(OTP_ZONE_DIR) + 80];

    if (!otp_zone_name_valid(otp_span_of(name))) {
        return wrong(name, "this is no name of one");
    }
    (void) snprintf(path, sizeof(path), "%s/%s", OTP_ZONE_DIR, name);
    if (read_file(path, zone)) {
        return OTPCTL_DONE;
    }
    return wrong(name, errno ? strerror(errno) : "its file cannot be understood");
}


otpctl_status_t otpctl_zone_read(const char *name, otp_zone_t *zone)
{
    const char *environment = getenv("TZ");

    if (name) {
        return read_named(name, zone);
    }
    if (environment && *environment == ':') {
        environment++;
    }
    if (environment && *environment) {
        return read_named(environment, zone);
    }
    if (read_file(OTP_ZONE_SYSTEM, zone)) {
        return OTPCTL_DONE;
    }
    memset(zone, 0, sizeof(*zone));
    return errno == ENOENT ? OTPCTL_DONE : wrong(OTP_ZONE_SYSTEM, errno ? strerror(errno) : "it cannot be understood");
}
