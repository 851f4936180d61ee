/*
 * What stands on the command line, in the environment and in the configuration file.
 */
#ifndef OTPCTL_OPTIONS_H
#define OTPCTL_OPTIONS_H

#include <stdio.h>

#include "core/base/otp_base.h"

#define OTPCTL_WORDS        6
#define OTPCTL_CONFIG       "/etc/otp/otpctl.conf"
#define OTPCTL_SETTINGS_MAX 8192        /* bytes of all the values of the configuration file */

#define OTPCTL_BIT(n)       ((uint64_t) 1 << (n))

/* One bit an option, to say which ones a command takes. */
#define OTPCTL_REDIS        OTPCTL_BIT(0)
#define OTPCTL_KEYRING      OTPCTL_BIT(1)
#define OTPCTL_CONFIG_FILE  OTPCTL_BIT(2)
#define OTPCTL_JSON         OTPCTL_BIT(3)
#define OTPCTL_HELP         OTPCTL_BIT(4)
#define OTPCTL_VERSION      OTPCTL_BIT(5)
#define OTPCTL_SERIAL       OTPCTL_BIT(6)
#define OTPCTL_PERIOD       OTPCTL_BIT(7)
#define OTPCTL_DIGITS       OTPCTL_BIT(8)
#define OTPCTL_ALGORITHM    OTPCTL_BIT(9)
#define OTPCTL_STATE        OTPCTL_BIT(10)
#define OTPCTL_REASON       OTPCTL_BIT(11)
#define OTPCTL_USER         OTPCTL_BIT(12)
#define OTPCTL_ALL          OTPCTL_BIT(13)
#define OTPCTL_FOLLOW       OTPCTL_BIT(14)
#define OTPCTL_TYPE         OTPCTL_BIT(15)
#define OTPCTL_FORMAT       OTPCTL_BIT(16)
#define OTPCTL_KEY_FILE     OTPCTL_BIT(17)
#define OTPCTL_SKIP_EXISTING OTPCTL_BIT(18)
#define OTPCTL_BATCH        OTPCTL_BIT(19)
#define OTPCTL_NOTE         OTPCTL_BIT(20)
#define OTPCTL_EMAIL        OTPCTL_BIT(21)
#define OTPCTL_NAME         OTPCTL_BIT(22)
#define OTPCTL_LANGUAGE     OTPCTL_BIT(23)
#define OTPCTL_TIMEZONE     OTPCTL_BIT(24)
#define OTPCTL_WEEKS        OTPCTL_BIT(25)
#define OTPCTL_SILENT       OTPCTL_BIT(26)
#define OTPCTL_RAISE_FLOOR  OTPCTL_BIT(28)
#define OTPCTL_ONCE         OTPCTL_BIT(29)
#define OTPCTL_SMTP         OTPCTL_BIT(30)
#define OTPCTL_SMTP_USER    OTPCTL_BIT(31)
#define OTPCTL_SMTP_PASSWORD_FILE OTPCTL_BIT(32)
#define OTPCTL_SMTP_TLS     OTPCTL_BIT(33)
#define OTPCTL_SMTP_CA      OTPCTL_BIT(34)
#define OTPCTL_FROM         OTPCTL_BIT(35)
#define OTPCTL_REPLY_TO     OTPCTL_BIT(36)
#define OTPCTL_PEOPLE       OTPCTL_BIT(37)
#define OTPCTL_TEMPLATES    OTPCTL_BIT(38)
#define OTPCTL_PORTAL       OTPCTL_BIT(39)
#define OTPCTL_SUPPORT_EMAIL OTPCTL_BIT(40)
#define OTPCTL_SUPPORT_PHONE OTPCTL_BIT(41)
#define OTPCTL_SUPPORT_HOURS OTPCTL_BIT(42)
#define OTPCTL_GIVE_UP      OTPCTL_BIT(43)
#define OTPCTL_SMTP_TIMEOUT OTPCTL_BIT(44)
#define OTPCTL_AGAIN        OTPCTL_BIT(45)
#define OTPCTL_LIST         OTPCTL_BIT(46)
#define OTPCTL_DISCARD      OTPCTL_BIT(47)

#define OTPCTL_GLOBAL \
    (OTPCTL_REDIS | OTPCTL_KEYRING | OTPCTL_CONFIG_FILE | OTPCTL_JSON | OTPCTL_HELP | OTPCTL_VERSION)
/* Everything about the person mail goes to. */
#define OTPCTL_CONTACT      (OTPCTL_NAME | OTPCTL_EMAIL | OTPCTL_LANGUAGE)
/* Everything about how mail is sent and what it says. */
#define OTPCTL_MAIL \
    (OTPCTL_SMTP | OTPCTL_SMTP_USER | OTPCTL_SMTP_PASSWORD_FILE | OTPCTL_SMTP_TLS | OTPCTL_SMTP_CA \
     | OTPCTL_SMTP_TIMEOUT | OTPCTL_FROM | OTPCTL_REPLY_TO | OTPCTL_PEOPLE | OTPCTL_TEMPLATES | OTPCTL_LANGUAGE \
     | OTPCTL_TIMEZONE | OTPCTL_PORTAL | OTPCTL_SUPPORT_EMAIL | OTPCTL_SUPPORT_PHONE | OTPCTL_SUPPORT_HOURS \
     | OTPCTL_GIVE_UP)

typedef struct {
    uint64_t     given;                     /* bits of the options that are there */
    const char  *redis, *keyring, *config;
    const char  *serial, *period, *digits, *algorithm, *state, *reason, *user, *type;
    const char  *format, *key_file, *batch;
    const char  *note, *email, *name, *language, *timezone;
    const char  *weeks, *silent, *discard;
    const char  *smtp, *smtp_user, *smtp_password_file, *smtp_tls, *smtp_ca, *from, *reply_to, *people, *templates;
    const char  *portal, *support_email, *support_phone, *support_hours, *give_up, *smtp_timeout;
    const char  *word[OTPCTL_WORDS];        /* the command and its arguments */
    size_t       words;
    const char *const *argument;            /* those after the command's own words */
    size_t       arguments;
    char         settings[OTPCTL_SETTINGS_MAX];     /* values of the configuration file, each with its NUL */
    size_t       settings_len;
} otpctl_options_t;

/* False after saying what is wrong. */
OTP_MUST_USE bool otpctl_options_parse(otpctl_options_t *options, int argc, char **argv);
/* The same for an option that is there but not one of `allowed`; `command` for the message. */
OTP_MUST_USE bool otpctl_options_allowed(const otpctl_options_t *options, uint64_t allowed, const char *command);
/* Completes what the command line leaves open from the environment, then from the configuration file, in which
 * every option that is a matter of the site may stand: `redis = ADDR`, `timezone = Europe/Paris`…  Such an option
 * does not count as given. */
OTP_MUST_USE bool otpctl_options_complete(otpctl_options_t *options);

/* One line an option of `which`. */
void otpctl_options_help(FILE *out, uint64_t which);

#endif
