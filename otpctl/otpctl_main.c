#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "otpctl/otpctl.h"
#include "otpctl/otpctl_keyring.h"
#include "otpctl/otpctl_print.h"

enum { NEEDS_REDIS = 1, NEEDS_RING = 2, LOOKS = 4 };

/* Of what is done to a person's account: why, and where mail to the person goes. */
#define OTPCTL_ACT  (OTPCTL_NOTE | OTPCTL_CONTACT)

typedef struct {
    const char   *group, *name;         /* `name` NULL: the group is the command */
    const char   *arguments;            /* for the usage line */
    size_t        min, max;             /* how many */
    uint64_t      options;
    unsigned      needs;
    otpctl_run_t *run;
    const char   *text;
} command_t;

static const command_t commands[] = {
    { "keyring", "init", "FILE", 1, 1, 0, 0, otpctl_keyring_init_run,
      "make a key ring, the one secret of the gateways" },
    { "keyring", "rotate", "FILE", 1, 1, 0, 0, otpctl_keyring_rotate_run, "add a newest key to a key ring" },
    { "keyring", "rewrap", "", 0, 0, 0, NEEDS_REDIS | NEEDS_RING, otpctl_keyring_rewrap_run,
      "seal every record anew with the newest key" },
    { "key", "generate", "", 0, 0, OTPCTL_SERIAL | OTPCTL_TYPE | OTPCTL_PERIOD | OTPCTL_DIGITS | OTPCTL_ALGORITHM,
      NEEDS_REDIS | NEEDS_RING, otpctl_key_generate_run,
      "put a software key into the stock and print its otpauth:// URI, which holds its secret" },
    { "key", "import", "FILE", 1, 1, OTPCTL_FORMAT | OTPCTL_KEY_FILE | OTPCTL_SKIP_EXISTING | OTPCTL_BATCH,
      NEEDS_REDIS | NEEDS_RING, otpctl_key_import_run, "put the keys of a vendor's file into the stock: all or none" },
    { "key", "identify", "", 0, 0, 0, NEEDS_REDIS | NEEDS_RING, otpctl_key_identify_run,
      "which keys show the code on standard input now" },
    { "key", "list", "", 0, 0, OTPCTL_STATE | OTPCTL_BATCH, NEEDS_REDIS | NEEDS_RING, otpctl_key_list_run,
      "the stock" },
    { "key", "show", "SERIAL", 1, 1, 0, NEEDS_REDIS | NEEDS_RING, otpctl_key_show_run, "everything about one key" },
    { "key", "assign", "SERIAL UID", 2, 2, OTPCTL_ACT, NEEDS_REDIS | NEEDS_RING, otpctl_key_assign_run,
      "give a free key to a person, whose next sign-in with it is a first use" },
    { "key", "unassign", "SERIAL [UID]", 1, 2, OTPCTL_ACT, NEEDS_REDIS | NEEDS_RING, otpctl_key_unassign_run,
      "take a key back into the stock and end the sessions opened with it" },
    { "key", "disable", "SERIAL", 1, 1, OTPCTL_REASON | OTPCTL_ACT, NEEDS_REDIS | NEEDS_RING, otpctl_key_disable_run,
      "make a key useless at once; sessions opened with it lose their level" },
    { "key", "enable", "SERIAL", 1, 1, OTPCTL_ACT, NEEDS_REDIS | NEEDS_RING, otpctl_key_enable_run,
      "the contrary of disable" },
    { "key", "resync", "SERIAL", 1, 1, OTPCTL_NOTE, NEEDS_REDIS | NEEDS_RING, otpctl_key_resync_run,
      "find the clock or the counter of a key again, by two consecutive codes on standard input" },
    { "key", "delete", "SERIAL", 1, 1, OTPCTL_NOTE, NEEDS_REDIS | NEEDS_RING, otpctl_key_delete_run,
      "remove a free key from the stock for good" },
    { "key", "drift", "", 0, 0, OTPCTL_WEEKS | OTPCTL_SILENT | OTPCTL_BATCH, NEEDS_REDIS | NEEDS_RING,
      otpctl_key_drift_run, "which keys will leave the window, which are silent, by delivery" },
    { "pin", "clear", "UID", 1, 1, OTPCTL_ACT, NEEDS_REDIS | NEEDS_RING, otpctl_pin_clear_run,
      "forget a person's PIN: the next sign-in with the key is a first use" },
    { "user", "show", "UID", 1, 1, 0, NEEDS_REDIS | NEEDS_RING, otpctl_user_show_run,
      "a person's keys, failures and locks" },
    { "user", "list", "", 0, 0, 0, NEEDS_REDIS | NEEDS_RING, otpctl_user_list_run, "everybody who has an account" },
    { "user", "unlock", "UID", 1, 1, OTPCTL_NOTE, NEEDS_REDIS | NEEDS_RING, otpctl_user_unlock_run,
      "end a person's lock and the delay after bad passwords, and forget the failures" },
    { "emergency", "issue", "UID", 1, 1, OTPCTL_TIMEZONE | OTPCTL_ACT, NEEDS_REDIS | NEEDS_RING,
      otpctl_emergency_issue_run, "print a password that replaces the passcode until the end of the day" },
    { "emergency", "revoke", "UID", 1, 1, OTPCTL_NOTE, NEEDS_REDIS | NEEDS_RING, otpctl_emergency_revoke_run,
      "end the emergency password and the sessions it has opened" },
    { "request", "list", "", 0, 0, 0, NEEDS_REDIS | NEEDS_RING, otpctl_request_list_run,
      "who waits for the activation of which key" },
    { "request", "approve", "SERIAL", 1, 1, OTPCTL_ACT, NEEDS_REDIS | NEEDS_RING, otpctl_request_approve_run,
      "assign a key to the person who asks for it" },
    { "request", "reject", "SERIAL", 1, 1, OTPCTL_REASON | OTPCTL_ACT, NEEDS_REDIS | NEEDS_RING,
      otpctl_request_reject_run, "refuse it, with a reason that the person is told" },
    { "session", "list", "", 0, 0, OTPCTL_USER, NEEDS_REDIS | NEEDS_RING, otpctl_session_list_run, "who is signed in" },
    { "session", "revoke", "[ID]", 0, 1, OTPCTL_USER | OTPCTL_ALL | OTPCTL_NOTE, NEEDS_REDIS | NEEDS_RING,
      otpctl_session_revoke_run, "end the session ID, those of a person (--user), or all (--all)" },
    { "notify", NULL, "", 0, 0, OTPCTL_ONCE | OTPCTL_AGAIN | OTPCTL_LIST | OTPCTL_DISCARD | OTPCTL_MAIL,
      NEEDS_REDIS | NEEDS_RING, otpctl_notify_run, "send the mails that are due, and go on sending" },
    { "audit", NULL, "", 0, 0, OTPCTL_USER | OTPCTL_FOLLOW, NEEDS_REDIS, otpctl_audit_run,
      "what has happened, a line an event" },
    { "export", NULL, "", 0, 0, 0, NEEDS_REDIS | NEEDS_RING, otpctl_export_run,
      "all accounts and keys as sealed JSON lines, on standard output" },
    { "import", NULL, "", 0, 0, OTPCTL_RAISE_FLOOR, NEEDS_REDIS | NEEDS_RING, otpctl_import_run,
      "what `export` wrote, from standard input" },
    { "doctor", NULL, "", 0, 0, 0, LOOKS, otpctl_doctor_run,
      "look at Redis, clock and key ring, and say what to change" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_name(FILE *out, const command_t *command)
{
    int len = fprintf(out, "  %s%s%s%s%s", command->group, command->name ? " " : "", command->name ? command->name : "",
                      *command->arguments ? " " : "", command->arguments);

    fprintf(out, "%*s%s\n", len < 26 ? 26 - len : 1, "", command->text);
}


/* The list of commands, of one group or of all. */
static void print_list(FILE *out, const char *group)
{
    fprintf(out, "Usage: otpctl [OPTION…] %s …\n\nCommands:\n", group ? group : "COMMAND");
    for (size_t i = 0; i < COMMANDS; i++) {
        if (!group || strcmp(commands[i].group, group) == 0) {
            print_name(out, &commands[i]);
        }
    }
    fputs("\nOptions of every command:\n", out);
    otpctl_options_help(out, OTPCTL_GLOBAL);
    fputs("\nAlso OTP_REDIS, OTP_KEYRING and " OTPCTL_CONFIG " (redis = ADDR, keyring = FILE).\n"
          "Exit status: 0 done, 1 refused or not found, 2 usage, 3 Redis out of reach.\n", out);
}


static void print_usage(FILE *out, const command_t *command)
{
    fprintf(out, "Usage: otpctl [OPTION…] %s%s%s%s%s\n", command->group, command->name ? " " : "",
            command->name ? command->name : "", *command->arguments ? " " : "", command->arguments);
}


static void print_help(FILE *out, const command_t *command)
{
    print_usage(out, command);
    fprintf(out, "\n%s\n\nOptions:\n", command->text);
    if (command->options) {
        otpctl_options_help(out, command->options);
        fputs("Options of every command:\n", out);
    }
    otpctl_options_help(out, OTPCTL_GLOBAL);
}


static bool is_group(const char *word)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].group, word) == 0) {
            return true;
        }
    }
    return false;
}


/* The command that the words name; the words after it become the arguments. */
static const command_t *find(otpctl_options_t *options)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        const command_t *command = &commands[i];
        size_t           words = command->name ? 2 : 1;

        if (options->words >= words && strcmp(command->group, options->word[0]) == 0
            && (!command->name || strcmp(command->name, options->word[1]) == 0))
        {
            options->argument = options->word + words;
            options->arguments = options->words - words;
            return command;
        }
    }
    return NULL;
}


/* No command, or none of that name. */
static otpctl_status_t without_command(const otpctl_options_t *options)
{
    const char *group = options->words && is_group(options->word[0]) ? options->word[0] : NULL;

    if (options->given & OTPCTL_HELP && options->words < 2 && (group || options->words == 0)) {
        print_list(stdout, group);
        return OTPCTL_DONE;
    }
    if (options->words > (group ? 1 : 0)) {
        otpctl_say("there is no command %s%s%s; see otpctl %s%s--help", options->word[0], group ? " " : "",
                   group ? options->word[1] : "", group ? group : "", group ? " " : "");
    } else {
        print_list(stderr, group);
    }
    return OTPCTL_USAGE;
}


static otpctl_status_t check_usage(const otpctl_options_t *options, const command_t *command)
{
    char name[40];

    (void) snprintf(name, sizeof(name), "%s%s%s", command->group, command->name ? " " : "",
                    command->name ? command->name : "");
    if (!otpctl_options_allowed(options, command->options, name)) {
        print_usage(stderr, command);
        return OTPCTL_USAGE;
    }
    if (options->arguments < command->min || options->arguments > command->max) {
        otpctl_say("%s takes %s", name, *command->arguments ? command->arguments : "no arguments");
        print_usage(stderr, command);
        return OTPCTL_USAGE;
    }
    return OTPCTL_DONE;
}


static otpctl_status_t missing(const char *what, const char *option, const char *variable, const char *setting)
{
    otpctl_say("no %s: give %s, set %s, or write `%s` to " OTPCTL_CONFIG, what, option, variable, setting);
    return OTPCTL_USAGE;
}


static otpctl_status_t read_settings(otpctl_t *ctl, otpctl_options_t *options, unsigned needs)
{
    char error[512];

    if (needs && !otpctl_options_complete(options)) {
        return OTPCTL_USAGE;
    }
    if (needs & NEEDS_REDIS && !options->redis) {
        return missing("Redis address", "--redis ADDR", "OTP_REDIS", "redis = ADDR");
    }
    if (needs & NEEDS_RING && !options->keyring) {
        return missing("key ring", "--keyring FILE", "OTP_KEYRING", "keyring = FILE");
    }
    if (options->redis && needs && !otpctl_address_parse(&ctl->address, options->redis, error, sizeof(error))) {
        otpctl_say("the address of Redis, \"%s\": %s", options->redis, error);
        return OTPCTL_USAGE;
    }
    ctl->prefix = otp_span_of(ctl->address.prefix);
    ctl->keyring_file = options->keyring;
    return OTPCTL_DONE;
}


static otpctl_status_t prepare(otpctl_t *ctl, otpctl_options_t *options, unsigned needs)
{
    char            error[1024];
    otpctl_status_t status = read_settings(ctl, options, needs);

    if (status == OTPCTL_DONE && needs & NEEDS_RING) {
        ctl->ring = otpctl_keyring_load(ctl->keyring_file, error, sizeof(error));
        if (!ctl->ring) {
            otpctl_say("%s", error);
            return OTPCTL_REFUSED;
        }
    }
    if (status == OTPCTL_DONE && needs & NEEDS_REDIS) {
        if (!otpctl_redis_password_there(&ctl->address, error, sizeof(error))) {
            otpctl_say("%s", error);
            return OTPCTL_REFUSED;
        }
        ctl->redis = otpctl_redis_open(&ctl->address, error, sizeof(error));
        if (!ctl->redis) {
            otpctl_say("%s", error);
            return OTPCTL_UNREACHABLE;
        }
    }
    return status;
}


/* Whoever read our output has gone, as `head` does: there is nobody to tell. */
static bool reader_gone(void)
{
    struct pollfd output = { .fd = STDOUT_FILENO, .events = POLLOUT };

    return poll(&output, 1, 0) == 1 && output.revents & POLLERR;
}


/* What was printed must have arrived: a seed on a full disk is a lost key. */
static int finish(otpctl_status_t status)
{
    if ((fflush(stdout) == 0 && !ferror(stdout)) || status != OTPCTL_DONE) {
        return (int) status;
    }
    if (!reader_gone()) {
        otpctl_say("standard output: %s", strerror(errno));
    }
    return (int) OTPCTL_REFUSED;
}


int main(int argc, char **argv)
{
    static otpctl_options_t options;
    static otpctl_t         ctl;
    const command_t        *command;
    otpctl_status_t         status;

    (void) signal(SIGPIPE, SIG_IGN);
    if (!otpctl_options_parse(&options, argc, argv)) {
        return OTPCTL_USAGE;
    }
    if (options.given & OTPCTL_VERSION) {
        puts("otpctl " OTP_VERSION);
        return finish(OTPCTL_DONE);
    }
    command = find(&options);
    if (!command) {
        return finish(without_command(&options));
    }
    if (options.given & OTPCTL_HELP) {
        print_help(stdout, command);
        return finish(OTPCTL_DONE);
    }
    status = check_usage(&options, command);
    if (status == OTPCTL_DONE) {
        ctl.options = &options;
        otpctl_actor(ctl.actor);
        status = prepare(&ctl, &options, command->needs);
    }
    if (status == OTPCTL_DONE) {
        status = command->run(&ctl);
    }
    otpctl_redis_close(ctl.redis);
    otp_keyring_destroy(ctl.ring);
    return finish(status);
}
