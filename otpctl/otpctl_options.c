#include "otpctl/otpctl_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/otp_span.h"
#include "otpctl/otpctl_print.h"

typedef struct {
    const char *name;
    uint64_t    bit;
    size_t      offset;         /* of the value; 0: there is none */
    bool        site;           /* it may stand in the configuration file */
    const char *value, *text;
} option_t;

#define VALUE(member) offsetof(otpctl_options_t, member)

static const option_t table[] = {
    { "redis", OTPCTL_REDIS, VALUE(redis), true, "ADDR",
      "where the records live, as otp_redis takes it, in one string" },
    { "keyring", OTPCTL_KEYRING, VALUE(keyring), true, "FILE", "the key ring of the gateways" },
    { "config", OTPCTL_CONFIG_FILE, VALUE(config), false, "FILE", "instead of " OTPCTL_CONFIG },
    { "json", OTPCTL_JSON, 0, false, NULL, "print JSON" },
    { "help", OTPCTL_HELP, 0, false, NULL, "print this" },
    { "version", OTPCTL_VERSION, 0, false, NULL, "print the version" },
    { "serial", OTPCTL_SERIAL, VALUE(serial), false, "SERIAL", "serial number; default: 10 random digits" },
    { "type", OTPCTL_TYPE, VALUE(type), false, "TYPE",
      "totp (a new code each period) or hotp (one a press of the button); default: totp" },
    { "period", OTPCTL_PERIOD, VALUE(period), false, "SECONDS", "a code's time, 5 to 3600; default: 60" },
    { "digits", OTPCTL_DIGITS, VALUE(digits), false, "N", "digits of a code, 6 to 8; default: 6" },
    { "algorithm", OTPCTL_ALGORITHM, VALUE(algorithm), false, "NAME", "sha1, sha256 or sha512; default: sha1" },
    { "state", OTPCTL_STATE, VALUE(state), false, "STATE", "only those that are free, assigned or disabled" },
    { "reason", OTPCTL_REASON, VALUE(reason), false, "REASON", "lost, stolen or broken; of a rejection: free text" },
    { "user", OTPCTL_USER, VALUE(user), false, "UID", "only what belongs to this person" },
    { "all", OTPCTL_ALL, 0, false, NULL, "everybody's" },
    { "follow", OTPCTL_FOLLOW, 0, false, NULL, "begin with the last ten, then wait for more" },
    { "format", OTPCTL_FORMAT, VALUE(format), false, "FORMAT",
      "pskc, csv, sdtid or otpauth; default: what the file looks like" },
    { "key-file", OTPCTL_KEY_FILE, VALUE(key_file), false, "FILE",
      "the key or password with which the file is encrypted" },
    { "skip-existing", OTPCTL_SKIP_EXISTING, 0, false, NULL, "leave keys that the stock has already as they are" },
    { "batch", OTPCTL_BATCH, VALUE(batch), false, "NAME", "the delivery that keys belong to" },
    { "note", OTPCTL_NOTE, VALUE(note), false, "TEXT", "why, for the audit" },
    { "email", OTPCTL_EMAIL, VALUE(email), false, "ADDRESS", "where mail to the person goes" },
    { "name", OTPCTL_NAME, VALUE(name), false, "NAME", "the person's name, for mail" },
    { "language", OTPCTL_LANGUAGE, VALUE(language), true, "LANG", "language of mail: fr, en" },
    { "timezone", OTPCTL_TIMEZONE, VALUE(timezone), true, "ZONE",
      "of the site: Europe/Paris; default: the system's" },
    { "weeks", OTPCTL_WEEKS, VALUE(weeks), false, "N", "how far to look ahead; default: 12" },
    { "silent", OTPCTL_SILENT, VALUE(silent), false, "DAYS", "what counts as long unused; default: 90" },
    { "raise-floor", OTPCTL_RAISE_FLOOR, 0, false, NULL,
      "from an older copy: codes up to now count as used, emergency passwords end" },
    { "once", OTPCTL_ONCE, 0, false, NULL, "send what is due and end" },
    { "again", OTPCTL_AGAIN, 0, false, NULL, "first put back what was given up" },
    { "list", OTPCTL_LIST, 0, false, NULL, "send nothing: show what was given up" },
    { "discard", OTPCTL_DISCARD, VALUE(discard), false, "ID|all", "send nothing: drop what was given up" },
    { "smtp", OTPCTL_SMTP, VALUE(smtp), true, "URL", "mail server: smtp://HOST:PORT or smtps://HOST:PORT" },
    { "smtp-user", OTPCTL_SMTP_USER, VALUE(smtp_user), true, "NAME", "who signs in there" },
    { "smtp-password-file", OTPCTL_SMTP_PASSWORD_FILE, VALUE(smtp_password_file), true, "FILE",
      "with which password" },
    { "smtp-tls", OTPCTL_SMTP_TLS, VALUE(smtp_tls), true, "HOW",
      "required, opportunistic or off; default: required, off on loopback" },
    { "smtp-ca", OTPCTL_SMTP_CA, VALUE(smtp_ca), true, "FILE",
      "authorities that sign its certificate; default: the system's" },
    { "smtp-timeout", OTPCTL_SMTP_TIMEOUT, VALUE(smtp_timeout), true, "TIME",
      "what sending one mail may take: 30s, 2m; default: 2m" },
    { "from", OTPCTL_FROM, VALUE(from), true, "ADDRESS", "sender of mail" },
    { "reply-to", OTPCTL_REPLY_TO, VALUE(reply_to), true, "ADDRESS", "where answers to mail go" },
    { "people", OTPCTL_PEOPLE, VALUE(people), true, "FILE",
      "password file of the gateways: e-mail of those whose account has none" },
    { "templates", OTPCTL_TEMPLATES, VALUE(templates), true, "DIR", "texts of mail, LANG/mail/ in it" },
    { "portal", OTPCTL_PORTAL, VALUE(portal), true, "URL", "address of the portal, for links in mail" },
    { "support-email", OTPCTL_SUPPORT_EMAIL, VALUE(support_email), true, "ADDRESS", "of the helpdesk" },
    { "support-phone", OTPCTL_SUPPORT_PHONE, VALUE(support_phone), true, "NUMBER", "of the helpdesk" },
    { "support-hours", OTPCTL_SUPPORT_HOURS, VALUE(support_hours), true, "TEXT", "when it is there" },
    { "give-up", OTPCTL_GIVE_UP, VALUE(give_up), true, "TIME", "how long sending is tried: 3d, 12h; default: 3d" },
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


bool otpctl_options_allowed(const otpctl_options_t *options, uint64_t allowed, const char *command)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (options->given & table[i].bit & ~(allowed | OTPCTL_GLOBAL)) {
            otpctl_say("%s takes no option --%s", command, table[i].name);
            return false;
        }
    }
    return true;
}


void otpctl_options_help(FILE *out, uint64_t which)
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
static const char *read_setting(otpctl_options_t *options, otp_span_t line, uint64_t *seen)
{
    otp_span_t      name = otp_span_trim(otp_span_cut(&line, '='));
    otp_span_t      value = otp_span_trim(line);
    const option_t *option = find(name);
    char           *place = options->settings + options->settings_len, **setting;

    if (!option || !option->site) {
        return "this is not a setting: see `otpctl --help` and otpctl(8)";
    }
    if (value.len == 0 || value.len >= OTPCTL_SETTINGS_MAX - options->settings_len) {
        return "the value is empty or too long";
    }
    if (*seen & option->bit) {
        return "it is there twice";
    }
    *seen |= option->bit;
    memcpy(place, value.data, value.len);
    place[value.len] = '\0';
    options->settings_len += value.len + 1;
    setting = (char **) ((char *) options + option->offset);
    /* What is nearer to the person who calls wins. */
    if (!*setting) {
        *setting = place;
    }
    return NULL;
}


static bool read_settings(otpctl_options_t *options, FILE *file, const char *path)
{
    char     text[2048 + 64];
    uint64_t seen = 0;

    for (unsigned number = 1; fgets(text, sizeof(text), file); number++) {
        otp_span_t  line = otp_span_trim(otp_span_of(text));
        const char *wrong = line.len && line.data[0] != '#' ? read_setting(options, line, &seen) : NULL;

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
    FILE *file = fopen(path, "re");

    if (!file) {
        bool dispensable = errno == ENOENT || (errno == EACCES && options->redis && options->keyring);

        if (dispensable && !options->config) {
            return true;
        }
        otpctl_say("%s: %s", path, strerror(errno));
        return false;
    }
    bool read = read_settings(options, file, path);

    fclose(file);
    return read;
}
