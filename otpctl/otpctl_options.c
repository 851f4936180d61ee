#include "otpctl/otpctl_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/otp_span.h"
#include "otpctl/otpctl_print.h"

typedef struct {
    const char *name;
    unsigned    bit;
    size_t      offset;         /* of the value; 0: there is none */
    const char *value, *text;
} option_t;

#define VALUE(member) offsetof(otpctl_options_t, member)

static const option_t table[] = {
    { "redis", OTPCTL_REDIS, VALUE(redis), "ADDR", "where the records live, as otp_redis takes it, in one string" },
    { "keyring", OTPCTL_KEYRING, VALUE(keyring), "FILE", "the key ring of the gateways" },
    { "config", OTPCTL_CONFIG_FILE, VALUE(config), "FILE", "instead of " OTPCTL_CONFIG },
    { "json", OTPCTL_JSON, 0, NULL, "print JSON" },
    { "help", OTPCTL_HELP, 0, NULL, "print this" },
    { "version", OTPCTL_VERSION, 0, NULL, "print the version" },
    { "serial", OTPCTL_SERIAL, VALUE(serial), "SERIAL", "serial number; default: 10 random digits" },
    { "period", OTPCTL_PERIOD, VALUE(period), "SECONDS", "a code's time, 5 to 3600; default: 60" },
    { "digits", OTPCTL_DIGITS, VALUE(digits), "N", "digits of a code, 6 to 8; default: 6" },
    { "algorithm", OTPCTL_ALGORITHM, VALUE(algorithm), "NAME", "sha1, sha256 or sha512; default: sha1" },
    { "state", OTPCTL_STATE, VALUE(state), "STATE", "only those that are free, assigned or disabled" },
    { "reason", OTPCTL_REASON, VALUE(reason), "REASON", "lost, stolen or broken" },
    { "user", OTPCTL_USER, VALUE(user), "UID", "only what belongs to this person" },
    { "all", OTPCTL_ALL, 0, NULL, "everybody's" },
    { "follow", OTPCTL_FOLLOW, 0, NULL, "begin with the last ten, then wait for more" },
};

#define OPTIONS (sizeof(table) / sizeof(table[0]))

static const option_t *find(otp_span_t name)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (otp_span_equal(otp_span_of(table[i].name), name)) {
            return &table[i];
        }
    }
    return NULL;
}


/* Takes `argv[*i]` (and the next one, its value).  False: a usage error, told. */
static bool take(otpctl_options_t *options, int argc, char **argv, int *i)
{
    otp_span_t      name = otp_span_of(argv[*i] + 2);
    const char     *equals = strchr(argv[*i] + 2, '=');
    const option_t *option;

    if (equals) {
        name.len = (size_t) (equals - name.data);
    }
    option = find(name);
    if (!option) {
        otpctl_say("there is no option --%.*s", (int) name.len, name.data);
        return false;
    }
    if (options->given & option->bit) {
        otpctl_say("--%s is there twice", option->name);
        return false;
    }
    options->given |= option->bit;
    if (option->offset == 0) {
        if (equals) {
            otpctl_say("--%s takes no value", option->name);
        }
        return !equals;
    }
    const char *value = equals ? equals + 1 : *i + 1 < argc ? argv[++*i] : NULL;

    if (!value || !*value) {
        otpctl_say("--%s needs a value: --%s %s", option->name, option->name, option->value);
        return false;
    }
    memcpy((char *) options + option->offset, &value, sizeof(value));
    return true;
}


bool otpctl_options_parse(otpctl_options_t *options, int argc, char **argv)
{
    bool ended = false;

    for (int i = 1; i < argc; i++) {
        if (!ended && strcmp(argv[i], "--") == 0) {
            ended = true;
        } else if (!ended && strcmp(argv[i], "-h") == 0) {
            options->given |= OTPCTL_HELP;
        } else if (!ended && strncmp(argv[i], "--", 2) == 0) {
            if (!take(options, argc, argv, &i)) {
                return false;
            }
        } else if (!ended && argv[i][0] == '-' && argv[i][1]) {
            otpctl_say("there is no option %s", argv[i]);
            return false;
        } else if (options->words == OTPCTL_WORDS) {
            otpctl_say("too many arguments, beginning with %s", argv[i]);
            return false;
        } else {
            options->word[options->words++] = argv[i];
        }
    }
    return true;
}


bool otpctl_options_allowed(const otpctl_options_t *options, unsigned allowed, const char *command)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (options->given & table[i].bit & ~(allowed | OTPCTL_GLOBAL)) {
            otpctl_say("%s takes no option --%s", command, table[i].name);
            return false;
        }
    }
    return true;
}


void otpctl_options_help(FILE *out, unsigned which)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (table[i].bit & which) {
            int len = fprintf(out, "  --%s%s%s", table[i].name, table[i].value ? " " : "",
                              table[i].value ? table[i].value : "");

            fprintf(out, "%*s%s\n", len < 22 ? 22 - len : 1, "", table[i].text);
        }
    }
}


/* One line `name = value`.  NULL, or what is wrong with it. */
static const char *read_setting(otpctl_options_t *options, otp_span_t line)
{
    otp_span_t   name = otp_span_trim(otp_span_cut(&line, '='));
    otp_span_t   value = otp_span_trim(line);
    bool         redis = otp_span_equal(name, OTP_SPAN("redis"));
    char        *place = redis ? options->redis_setting : options->keyring_setting;
    const char **setting = redis ? &options->redis : &options->keyring;

    if (!redis && !otp_span_equal(name, OTP_SPAN("keyring"))) {
        return "only `redis = ADDR` and `keyring = FILE` may stand here";
    }
    if (value.len == 0 || value.len >= OTPCTL_SETTING_MAX) {
        return "the value is empty or too long";
    }
    if (place[0]) {
        return "it is there twice";
    }
    memcpy(place, value.data, value.len);
    place[value.len] = '\0';
    /* What is nearer to the person who calls wins. */
    if (!*setting) {
        *setting = place;
    }
    return NULL;
}


static bool read_settings(otpctl_options_t *options, FILE *file, const char *path)
{
    char text[OTPCTL_SETTING_MAX + 64];

    for (unsigned number = 1; fgets(text, sizeof(text), file); number++) {
        otp_span_t  line = otp_span_trim(otp_span_of(text));
        const char *wrong = line.len && line.data[0] != '#' ? read_setting(options, line) : NULL;

        if (wrong) {
            otpctl_say("%s:%u: %s", path, number, wrong);
            return false;
        }
    }
    if (ferror(file)) {
        otpctl_say("%s: %s", path, strerror(errno));
        return false;
    }
    return true;
}


bool otpctl_options_complete(otpctl_options_t *options)
{
    const char *path = options->config ? options->config : OTPCTL_CONFIG;
    const char *redis = getenv("OTP_REDIS"), *keyring = getenv("OTP_KEYRING");

    if (!options->redis && redis && *redis) {
        options->redis = redis;
    }
    if (!options->keyring && keyring && *keyring) {
        options->keyring = keyring;
    }
    if (options->redis && options->keyring && !options->config) {
        return true;
    }
    FILE *file = fopen(path, "re");

    if (!file) {
        if (errno == ENOENT && !options->config) {
            return true;
        }
        otpctl_say("%s: %s", path, strerror(errno));
        return false;
    }
    bool read = read_settings(options, file, path);

    fclose(file);
    return read;
}
