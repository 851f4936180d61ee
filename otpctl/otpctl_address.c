#include "otpctl/otpctl_address.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "core/base/otp_span.h"

#define TIMEOUT_MAX_MS  (10 * 60 * 1000)
#define REPLICAS_MAX    100
#define REDIS_PORT      "6379"
#define SENTINEL_PORT   "26379"

static bool begins(const char *word, const char *with)
{
    return strncmp(word, with, strlen(with)) == 0;
}


/* "1s", "500ms", "2m"; a number alone is seconds. */
static bool read_time(const char *text, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t     ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "", 1000 } };
    size_t  digits = strspn(text, "0123456789");
    int64_t number;

    if (otp_span_number((otp_span_t) { text, digits }, &number) != OTP_OK || number > TIMEOUT_MAX_MS) {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(text + digits, units[i].unit) == 0) {
            *ms = number * units[i].ms;
            return *ms > 0 && *ms <= TIMEOUT_MAX_MS;
        }
    }
    return false;
}


static bool is_number(const char *text, int64_t max)
{
    int64_t number;

    return otp_span_number(otp_span_of(text), &number) == OTP_OK && number <= max;
}


/* NULL, or what is wrong with `word`, an option. */
static const char *read_option(otpctl_address_t *address, const char *word)
{
    const struct {
        const char  *name;
        const char **value;
    } texts[] = {
        { "tls_ca=", &address->tls_ca }, { "tls_name=", &address->tls_name }, { "user=", &address->user },
        { "password_file=", &address->password_file }, { "db=", &address->db }, { "prefix=", &address->prefix },
        { "sentinel=", &address->sentinel }, { "sentinel_user=", &address->sentinel_user },
        { "sentinel_password_file=", &address->sentinel_password_file },
    };

    if (begins(word, "timeout=")) {
        return read_time(word + strlen("timeout="), &address->timeout_ms) ? NULL
            : "a time like 1s or 500ms, at most 10m";
    }
    if (begins(word, "replicas=")) {
        return otp_span_number(otp_span_of(word + strlen("replicas=")), &address->replicas) == OTP_OK
            && address->replicas <= REPLICAS_MAX ? NULL : "a number from 0 to 100";
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (begins(word, texts[i].name)) {
            *texts[i].value = word + strlen(texts[i].name);
            return **texts[i].value || texts[i].value == &address->prefix ? NULL : "the value is empty";
        }
    }
    return "there is no such option";
}


static const char *read_host(otpctl_place_t *place, char *word)
{
    char *host = word, *port, *end;

    if (word[0] == '[') {
        host = word + 1;
        end = strchr(word, ']');
        if (!end) {
            return "the bracket is not closed";
        }
        port = end[1] == ':' ? end + 2 : NULL;
        if (end[1] && !port) {
            return "after the bracket only :port may stand";
        }
    } else {
        end = strchr(word, ':');
        port = end ? end + 1 : NULL;
        end = end ? end : word + strlen(word);
    }
    *end = '\0';
    if (!*host || host[strspn(host, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:_-%")]) {
        return "it is no host name";
    }
    if (port && (!is_number(port, 65535) || is_number(port, 0))) {
        return "the port is not between 1 and 65535";
    }
    place->host = host;
    place->port = port;
    return NULL;
}


static const char *read_place(otpctl_address_t *address, char *word, const char *text)
{
    otpctl_place_t *place = &address->place[address->places];

    if (address->places == OTPCTL_PLACES) {
        return "more than 16 addresses";
    }
    address->places++;
    place->text = text;
    if (!begins(word, "unix:")) {
        return read_host(place, word);
    }
    place->path = word + strlen("unix:");
    if (!*place->path || strlen(place->path) >= sizeof(((struct sockaddr_un *) 0)->sun_path)) {
        return "the path is empty or too long";
    }
    return NULL;
}


static const char *read_word(otpctl_address_t *address, char *word, const char *text)
{
    if (strcmp(word, "tls") == 0) {
        address->tls = true;
        return NULL;
    }
    if (strcmp(word, "cluster") == 0) {
        address->cluster = true;
        return NULL;
    }
    /* A path may hold '=' too. */
    return strchr(word, '=') && !begins(word, "unix:") ? read_option(address, word)
        : read_place(address, word, text);
}


/* What goes with Sentinel or Cluster, or does not. */
static const char *judge_masters(const otpctl_address_t *address)
{
    if (address->sentinel && address->cluster) {
        return "sentinel= and cluster are two ways to find the master: give one of them";
    }
    if ((address->sentinel_user || address->sentinel_password_file) && !address->sentinel) {
        return "sentinel_user and sentinel_password_file need sentinel=";
    }
    if (address->sentinel_user && !address->sentinel_password_file) {
        return "sentinel_user needs sentinel_password_file";
    }
    if (address->cluster && strcmp(address->db, "0") != 0) {
        return "a cluster has no database but 0: leave db= out";
    }
    return NULL;
}


static const char *judge(const otpctl_address_t *address)
{
    if (address->places == 0) {
        return "no address: unix:PATH or host:port";
    }
    if ((address->tls_ca || address->tls_name) && !address->tls) {
        return "tls_ca and tls_name need the word tls";
    }
    if (address->tls && !address->tls_name && address->place[0].path) {
        return "tls over a unix socket needs tls_name";
    }
    if (address->user && !address->password_file) {
        return "user needs password_file";
    }
    if (strlen(address->prefix) > OTPCTL_PREFIX_MAX) {
        return "the prefix has more than 64 bytes";
    }
    return is_number(address->db, 1 << 16) ? judge_masters(address) : "db is not a number";
}


static void complete_ports(otpctl_address_t *address)
{
    for (size_t i = 0; i < address->places; i++) {
        otpctl_place_t *place = &address->place[i];

        if (!place->path && !place->port) {
            place->port = address->sentinel ? SENTINEL_PORT : REDIS_PORT;
        }
    }
}


bool otpctl_address_parse(otpctl_address_t *address, const char *text, char *error, size_t error_size)
{
    const char *blanks = " \t\r\n", *wrong = NULL;

    memset(address, 0, sizeof(*address));
    address->prefix = "otp:";
    address->db = "0";
    address->timeout_ms = 1000;
    if (strlen(text) >= sizeof(address->text)) {
        (void) snprintf(error, error_size, "it has more than %zu bytes", sizeof(address->text) - 1);
        return false;
    }
    /* Two copies cut at the same blanks: one is taken apart, the other keeps the words for messages. */
    memcpy(address->text, text, strlen(text));
    memcpy(address->parts, text, strlen(text));
    for (size_t at = strspn(text, blanks); text[at] && !wrong; ) {
        size_t end = at + strcspn(text + at, blanks);

        address->text[end] = address->parts[end] = '\0';
        wrong = read_word(address, address->parts + at, address->text + at);
        if (wrong) {
            (void) snprintf(error, error_size, "%s: %s", address->text + at, wrong);
            return false;
        }
        at = end + strspn(text + end, blanks);
    }
    complete_ports(address);
    wrong = judge(address);
    if (wrong) {
        (void) snprintf(error, error_size, "%s", wrong);
    }
    return !wrong;
}
