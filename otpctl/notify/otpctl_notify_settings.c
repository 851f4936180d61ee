#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/decide/otp_zone.h"
#include "otpctl/notify/otpctl_notify.h"
#include "otpctl/otpctl_print.h"

#ifndef OTP_TEMPLATES_DIR
#define OTP_TEMPLATES_DIR "/usr/local/share/ngx-http-otp/templates"
#endif

OTP_PRINTF(1, 2)
static bool refuse(const char *format, ...)
{
    char    text[512];
    va_list arguments;

    va_start(arguments, format);
    (void) vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    otpctl_say("%s", text);
    return false;
}


/* "90", "90s", "2m", "12h", "3d" in ms. */
static bool parse_time(const char *text, int64_t *ms)
{
    static const struct {
        char    unit;
        int64_t ms;
    } units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
    otp_span_t digits = otp_span_of(text);
    int64_t    number, unit = 1000;

    for (size_t i = 0; digits.len && i < sizeof(units) / sizeof(units[0]); i++) {
        if (text[digits.len - 1] == units[i].unit) {
            unit = units[i].ms;
            digits.len--;
            break;
        }
    }
    if (digits.len > 7 || otp_span_number(digits, &number) != OTP_OK || number == 0) {
        return false;
    }
    *ms = number * unit;
    return true;
}


/* HOST[:PORT] of the address; nothing may follow it, and nobody's name stand before it. */
static bool url_valid(const char *url, otp_span_t *host)
{
    const char *at = strncmp(url, "smtp://", 7) == 0 ? url + 7 : strncmp(url, "smtps://", 8) == 0 ? url + 8 : NULL;

    if (!at || !*at || strpbrk(at, "/@?# ")) {
        return false;
    }
    *host = otp_span_of(at);
    if (*at == '[') {
        const char *end = strchr(at, ']');

        if (!end) {
            return false;
        }
        host->len = (size_t) (end + 1 - at);
    } else {
        host->len = strcspn(at, ":");
    }
    return host->len > 0;
}


static bool is_loopback(otp_span_t host)
{
    return otp_span_equal_nocase(host, OTP_SPAN("localhost")) || otp_span_equal(host, OTP_SPAN("[::1]"))
        || otp_span_starts(host, OTP_SPAN("127."));
}


static bool choose_tls(const char *how, bool loopback, otpctl_tls_t *tls)
{
    static const char *const names[] = {
        [OTPCTL_TLS_REQUIRED] = "required", [OTPCTL_TLS_OPPORTUNISTIC] = "opportunistic", [OTPCTL_TLS_OFF] = "off"
    };

    *tls = loopback ? OTPCTL_TLS_OFF : OTPCTL_TLS_REQUIRED;
    if (!how) {
        return true;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(how, names[i]) == 0) {
            *tls = (otpctl_tls_t) i;
            return true;
        }
    }
    return refuse("--smtp-tls is required, opportunistic or off");
}


static bool choose_server(const otpctl_options_t *options, otpctl_smtp_settings_t *smtp)
{
    otp_span_t host;

    if (!options->smtp) {
        return refuse("no mail server: give --smtp smtp://HOST, or write `smtp = smtp://HOST` to " OTPCTL_CONFIG);
    }
    if (!url_valid(options->smtp, &host)) {
        return refuse("--smtp is smtp://HOST[:PORT] or smtps://HOST[:PORT]; a name and a password go into --smtp-user "
                      "and --smtp-password-file");
    }
    smtp->url = options->smtp;
    smtp->ca = options->smtp_ca;
    smtp->user = options->smtp_user;
    smtp->timeout_ms = 120000;
    if (options->smtp_timeout
        && (!parse_time(options->smtp_timeout, &smtp->timeout_ms) || smtp->timeout_ms > 3600000))
    {
        return refuse("--smtp-timeout is a time of at most an hour: 30s, 2m");
    }
    if (!choose_tls(options->smtp_tls, is_loopback(host), &smtp->tls)) {
        return false;
    }
    if ((options->smtp_user != NULL) != (options->smtp_password_file != NULL)) {
        return refuse("--smtp-user and --smtp-password-file go together");
    }
    if (smtp->user && smtp->tls != OTPCTL_TLS_REQUIRED && !is_loopback(host)
        && strncmp(smtp->url, "smtps:", 6) != 0)
    {
        return refuse("with --smtp-user, --smtp-tls must be required: else the password may go in clear");
    }
    return true;
}


static bool choose_mailbox(const char *option, const char *text, otpctl_mailbox_t *mailbox)
{
    return !text || otpctl_mailbox_parse(mailbox, otp_span_of(text))
        || refuse("--%s: \"%s\" is no address mail can be sent to", option, text);
}


static bool is_readable(const char *option, const char *path)
{
    return !path || access(path, R_OK) == 0 || refuse("--%s %s: %s", option, path, strerror(errno));
}


/* The first line. */
static bool read_password(const char *path, char *password, size_t size)
{
    int         fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    ssize_t     len = -1;
    bool        safe = true;

    if (fd >= 0 && fstat(fd, &status) == 0) {
        safe = !(status.st_mode & (S_IWGRP | S_IRWXO));
        len = safe ? read(fd, password, size - 1) : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (!safe) {
        return refuse("%s: everybody may read it, or others write it: chmod 640 it", path);
    }
    if (len < 0) {
        return refuse("%s: %s", path, strerror(errno));
    }
    password[len] = '\0';
    password[strcspn(password, "\r\n")] = '\0';
    return *password || refuse("%s: there is no password in it", path);
}


/* Times in mails are those of the site. */
static bool choose_zone(const char *zone)
{
    char path[PATH_MAX];

    if (!zone) {
        return true;
    }
    (void) snprintf(path, sizeof(path), OTP_ZONE_DIR "/%s", zone);
    if (!otp_zone_name_valid(otp_span_of(zone)) || access(path, R_OK) < 0) {
        return refuse("--timezone: there is no zone %s in " OTP_ZONE_DIR, zone);
    }
    return setenv("TZ", zone, 1) == 0;
}


static bool check_usage(const otpctl_options_t *options, otpctl_notify_settings_t *settings)
{
    settings->give_up_ms = 3 * (int64_t) 86400000;
    if (!choose_server(options, &settings->smtp)) {
        return false;
    }
    if (options->give_up && !parse_time(options->give_up, &settings->give_up_ms)) {
        return refuse("--give-up is a time: 12h, 3d");
    }
    if (!options->from) {
        return refuse("no sender: give --from ADDRESS, or write `from = ADDRESS` to " OTPCTL_CONFIG);
    }
    return choose_mailbox("from", options->from, &settings->from)
        && choose_mailbox("reply-to", options->reply_to, &settings->reply_to)
        && choose_mailbox("support-email", options->support_email, &settings->support)
        && choose_zone(options->timezone);
}


otpctl_status_t otpctl_notify_settings(const otpctl_options_t *options, otpctl_notify_settings_t *settings)
{
    *settings = (otpctl_notify_settings_t) {
        .people = options->people, .portal = options->portal, .support_phone = options->support_phone,
        .support_hours = options->support_hours, .once = (options->given & OTPCTL_ONCE) != 0,
        .templates = options->templates ? options->templates : OTP_TEMPLATES_DIR,
        .language = options->language ? options->language : "fr"
    };
    if (!check_usage(options, settings)) {
        return OTPCTL_USAGE;
    }
    tzset();
    if (!is_readable("smtp-ca", settings->smtp.ca) || !is_readable("people", settings->people)
        || (options->smtp_password_file
            && !read_password(options->smtp_password_file, settings->smtp_password, sizeof(settings->smtp_password))))
    {
        return OTPCTL_REFUSED;
    }
    settings->smtp.password = settings->smtp_password;
    return OTPCTL_DONE;
}
