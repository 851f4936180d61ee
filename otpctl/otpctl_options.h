/*
 * What stands on the command line, in the environment and in the configuration file.
 */
#ifndef OTPCTL_OPTIONS_H
#define OTPCTL_OPTIONS_H

#include <stdio.h>

#include "core/base/otp_base.h"

#define OTPCTL_WORDS        6
#define OTPCTL_CONFIG       "/etc/otp/otpctl.conf"
#define OTPCTL_SETTING_MAX  2048

/* One bit an option, to say which ones a command takes. */
enum {
    OTPCTL_REDIS = 1 << 0, OTPCTL_KEYRING = 1 << 1, OTPCTL_CONFIG_FILE = 1 << 2, OTPCTL_JSON = 1 << 3,
    OTPCTL_HELP = 1 << 4, OTPCTL_VERSION = 1 << 5, OTPCTL_SERIAL = 1 << 6, OTPCTL_PERIOD = 1 << 7,
    OTPCTL_DIGITS = 1 << 8, OTPCTL_ALGORITHM = 1 << 9, OTPCTL_STATE = 1 << 10, OTPCTL_REASON = 1 << 11,
    OTPCTL_USER = 1 << 12, OTPCTL_ALL = 1 << 13, OTPCTL_FOLLOW = 1 << 14
};
#define OTPCTL_GLOBAL \
    (OTPCTL_REDIS | OTPCTL_KEYRING | OTPCTL_CONFIG_FILE | OTPCTL_JSON | OTPCTL_HELP | OTPCTL_VERSION)

typedef struct {
    unsigned     given;                     /* bits of the options that are there */
    const char  *redis, *keyring, *config;
    const char  *serial, *period, *digits, *algorithm, *state, *reason, *user;
    const char  *word[OTPCTL_WORDS];        /* the command and its arguments */
    size_t       words;
    const char *const *argument;            /* those after the command's own words */
    size_t       arguments;
    char         redis_setting[OTPCTL_SETTING_MAX], keyring_setting[OTPCTL_SETTING_MAX];
} otpctl_options_t;

/* False after saying what is wrong. */
OTP_MUST_USE bool otpctl_options_parse(otpctl_options_t *options, int argc, char **argv);
/* The same for an option that is there but not one of `allowed`; `command` for the message. */
OTP_MUST_USE bool otpctl_options_allowed(const otpctl_options_t *options, unsigned allowed, const char *command);
/* Completes what the command line leaves open from the environment, then from the configuration file. */
OTP_MUST_USE bool otpctl_options_complete(otpctl_options_t *options);

/* One line an option of `which`. */
void otpctl_options_help(FILE *out, unsigned which);

#endif
