#include "otpctl/otpctl_options.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What stands before the first NUL is a command line, a word on each line; the rest is a configuration file. */
#define WORDS   12

/* Everything an option says points into the command line or into `settings`. */
static void value_fits(const otpctl_options_t *options, const char *value, const char *line, size_t line_len)
{
    bool typed, filed;

    if (value == NULL) {
        return;
    }
    typed = value >= line && value < line + line_len;
    filed = value >= options->settings && value < options->settings + options->settings_len;
    FUZZ_REQUIRE((typed || filed) && value[0] != '\0');
}


static void judge(const otpctl_options_t *options, const char *line, size_t line_len)
{
    FUZZ_REQUIRE(options->words <= OTPCTL_WORDS && options->settings_len <= OTPCTL_SETTINGS_MAX);
    value_fits(options, options->redis, line, line_len);
    value_fits(options, options->keyring, line, line_len);
    value_fits(options, options->smtp, line, line_len);
    value_fits(options, options->from, line, line_len);
    value_fits(options, options->timezone, line, line_len);
    value_fits(options, options->give_up, line, line_len);
    FUZZ_REQUIRE(options->serial == NULL || (options->given & OTPCTL_SERIAL));
    FUZZ_REQUIRE(!(options->given & OTPCTL_REDIS) || options->redis != NULL);
}


static int split(char *line, char **argv)
{
    int argc = 1;

    argv[0] = line;
    for (char *word = strtok_r(line, "\n", &line); word && argc < WORDS; word = strtok_r(NULL, "\n", &line)) {
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    return argc;
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static otpctl_options_t options;
    static FILE            *silence;
    otp_span_t              file = { (const char *) data, size }, line = otp_span_cut(&file, '\0');
    char                    path[64], *words = calloc(1, line.len + 1), *argv[WORDS + 1];
    int                     fd = memfd_create("settings", 0);

    if (!silence) {
        silence = stderr = fopen("/dev/null", "w");
        unsetenv("OTP_REDIS");
        unsetenv("OTP_KEYRING");
    }
    FUZZ_REQUIRE(words != NULL && fd >= 0 && write(fd, file.data, file.len) == (ssize_t) file.len);
    if (line.len > 0) {
        memcpy(words, line.data, line.len);
    }
    memset(&options, 0, sizeof(options));
    if (otpctl_options_parse(&options, split(words, argv), argv)) {
        judge(&options, words, line.len + 1);
        FUZZ_REQUIRE(otpctl_options_allowed(&options, UINT64_MAX, "key list"));
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        options.config = path;
        if (otpctl_options_complete(&options)) {
            FUZZ_ACCEPTED();
            judge(&options, words, line.len + 1);
        }
    }
    close(fd);
    free(words);
    return 0;
}
