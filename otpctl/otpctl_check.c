#include "otpctl/otpctl_doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKEW_WARNING_MS 1000
#define SKEW_FAULT_MS   10000
#define OUTBOX_PATIENCE_S   900

void otpctl_check_say(otpctl_check_t *check, otpctl_health_t health, const char *remedy, const char *format, ...)
{
    va_list arguments;

    check->health = health;
    check->remedy = remedy;
    va_start(arguments, format);
    (void) vsnprintf(check->text, sizeof(check->text), format, arguments);
    va_end(arguments);
}


otp_span_t otpctl_info(otp_span_t info, const char *name)
{
    while (info.data) {
        otp_span_t line = otp_span_cut(&info, '\n');

        if (otp_span_equal(otp_span_cut(&line, ':'), otp_span_of(name))) {
            return otp_span_trim(line);
        }
    }
    return OTP_SPAN_NONE;
}


static int64_t number(otp_span_t info, const char *name)
{
    int64_t value = 0;

    return otp_span_number(otpctl_info(info, name), &value) == OTP_OK ? value : 0;
}


static bool says(otp_span_t info, const char *name, const char *value)
{
    return otp_span_equal(otpctl_info(info, name), otp_span_of(value));
}


void otpctl_check_version(otp_span_t info, otpctl_check_t *check)
{
    otp_span_t version = otpctl_info(info, "redis_version"), rest = version;
    int64_t    major = 0, minor = 0;
    bool       read = otp_span_number(otp_span_cut(&rest, '.'), &major) == OTP_OK
        && otp_span_number(otp_span_cut(&rest, '.'), &minor) == OTP_OK;

    check->name = "version";
    if (read && (major > 6 || (major == 6 && minor >= 2))) {
        otpctl_check_say(check, OTPCTL_FINE, "", "Redis %.*s", (int) version.len, version.data);
        return;
    }
    otpctl_check_say(check, OTPCTL_FAULT, "install Redis 6.2 or newer", "Redis %.*s is older than 6.2, or does not say",
        (int) version.len, version.len ? version.data : "");
}


void otpctl_check_persistence(otp_span_t info, otp_span_t save, otpctl_check_t *check)
{
    check->name = "persistence";
    if (says(info, "aof_enabled", "1")) {
        if (says(info, "aof_last_write_status", "err")) {
            otpctl_check_say(check, OTPCTL_FAULT, "make room on its disk, look at its log",
                "the last write of the AOF failed");
            return;
        }
        otpctl_check_say(check, OTPCTL_FINE, "", "append-only file");
        return;
    }
    if (save.data && save.len == 0) {
        otpctl_check_say(check, OTPCTL_FAULT, "set `appendonly yes` in redis.conf",
            "none: a restart forgets accounts, locks and spent codes");
        return;
    }
    if (says(info, "rdb_last_bgsave_status", "err")) {
        otpctl_check_say(check, OTPCTL_FAULT, "make room on its disk, look at its log", "the last snapshot failed");
        return;
    }
    otpctl_check_say(check, OTPCTL_WARNING, "set `appendonly yes` in redis.conf",
        "%s: a crash forgets what came after the last one, "
        "spent codes and locks among it", save.data ? "snapshots only" : "no append-only file, perhaps snapshots");
}


void otpctl_check_eviction(otp_span_t info, otpctl_check_t *check)
{
    otp_span_t policy = otpctl_info(info, "maxmemory_policy");
    int64_t    max = number(info, "maxmemory"), used = number(info, "used_memory");

    check->name = "eviction";
    if (!otp_span_equal(policy, OTP_SPAN("noeviction"))) {
        otpctl_check_say(check, OTPCTL_FAULT, "set `maxmemory-policy noeviction` in redis.conf",
            "maxmemory-policy %.*s: when memory is short, accounts and locks disappear", (int) policy.len,
            policy.len ? policy.data : "");
        return;
    }
    if (max && used > max - max / 10) {
        otpctl_check_say(check, OTPCTL_WARNING, "raise maxmemory",
            "noeviction, but nine tenths of maxmemory are used: soon nobody can sign in");
        return;
    }
    otpctl_check_say(check, OTPCTL_FINE, "", "noeviction");
}


void otpctl_check_replicas(otp_span_t info, otpctl_check_t *check)
{
    int64_t replicas = number(info, "connected_slaves");

    check->name = "replicas";
    if (says(info, "role", "slave")) {
        otp_span_t host = otpctl_info(info, "master_host");

        otpctl_check_say(check, OTPCTL_FAULT, "give the master's address",
            "this is a replica of %.*s: nothing can be written here", (int) host.len, host.len ? host.data : "");
        return;
    }
    if (replicas == 0) {
        otpctl_check_say(check, OTPCTL_WARNING, "add a replica (replicaof) on another machine",
            "none: when this server is gone, so is every account");
        return;
    }
    otpctl_check_say(check, OTPCTL_FINE, "", "%lld connected", (long long) replicas);
}


/* The text of `field` in a reply of names and values; of Redis 6, a list of one text. */
static otp_span_t field_of(const otp_reply_t *reply, const char *field)
{
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        const otp_reply_t *value = &reply->element[i + 1];

        if (otp_span_equal(reply->element[i].text, otp_span_of(field))) {
            return value->kind == OTP_REPLY_ARRAY && value->elements ? value->element[0].text : value->text;
        }
    }
    return OTP_SPAN_NONE;
}


void otpctl_check_default_user(const otp_reply_t *user, bool aof, otpctl_check_t *check)
{
    otp_span_t commands = field_of(user, "commands"), keys = field_of(user, "keys");
    bool       everything = otp_span_starts(commands, OTP_SPAN("+@all")) && otp_span_starts(keys, OTP_SPAN("~*"));

    check->name = "default user";
    if (aof && !everything) {
        otpctl_check_say(check, OTPCTL_FAULT,
            "`user default off resetpass ~* &* +@all`: switched off, with its rights kept",
            "it has not the right to everything, and with it Redis reads the append-only file at a start: "
            "sign-ins and changes since the last rewrite would be lost");
        return;
    }
    otpctl_check_say(check, OTPCTL_FINE, "", "its rights do not stand in the way of a restart");
}


void otpctl_check_outbox(int64_t entries, int64_t age_s, int64_t failed, otpctl_check_t *check)
{
    check->name = "mail";
    if (entries && age_s > OUTBOX_PATIENCE_S) {
        otpctl_check_say(check, OTPCTL_WARNING, "is `otpctl notify` running, and does its mail server answer?",
            "%lld mail(s) wait to be sent, the oldest for %lld minutes", (long long) entries, (long long) age_s / 60);
        return;
    }
    if (failed) {
        otpctl_check_say(check, OTPCTL_WARNING,
            "see `otpctl notify --list`, then put them back (--again) or drop them (--discard)",
            "%lld mail(s) were given up", (long long) failed);
        return;
    }
    otpctl_check_say(check, OTPCTL_FINE, "", "%lld due", (long long) entries);
}


void otpctl_check_clock(int64_t skew_ms, otpctl_check_t *check)
{
    int64_t         size_ms = llabs(skew_ms);
    otpctl_health_t health = size_ms <= SKEW_WARNING_MS ? OTPCTL_FINE
        : size_ms <= SKEW_FAULT_MS ? OTPCTL_WARNING : OTPCTL_FAULT;

    check->name = "clock";
    otpctl_check_say(check, health,
        health == OTPCTL_FINE ? "" : "let both machines take their time from NTP (timedatectl)",
        "Redis' clock is %lld.%03lld s %s ours", (long long) (size_ms / 1000), (long long) (size_ms % 1000),
        skew_ms < 0 ? "behind" : "ahead of");
}
