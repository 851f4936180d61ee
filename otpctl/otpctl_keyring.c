#include "otpctl/otpctl_keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "otpctl/otpctl.h"
#include "otpctl/otpctl_print.h"

#define FILE_MAX    16384
#define ERROR_MAX   512

static bool fail(char *error, size_t size, const char *path, const char *what)
{
    (void) snprintf(error, size, "key ring %s: %s", path, what);
    return false;
}


/* The text of the file behind `fd`, if nobody but its owner, who is root or us, can read it. */
static bool read_text(int fd, const char *path, char text[FILE_MAX], size_t *len, char *error, size_t error_size)
{
    struct stat status;
    ssize_t     got;

    if (fstat(fd, &status) < 0) {
        return fail(error, error_size, path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return fail(error, error_size, path, "it is no regular file");
    }
    if (status.st_mode & (S_IRWXG | S_IRWXO)) {
        return fail(error, error_size, path, "others than its owner have access to it: chmod 600 it");
    }
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
        return fail(error, error_size, path, "it belongs neither to root nor to you: chown it");
    }
    if (status.st_size >= FILE_MAX) {
        return fail(error, error_size, path, "it is too large to be one");
    }
    for (*len = 0; (got = read(fd, text + *len, FILE_MAX - *len)) > 0; *len += (size_t) got) {
    }
    return got == 0 || fail(error, error_size, path, strerror(errno));
}


otp_keyring_t *otpctl_keyring_load(const char *path, char *error, size_t error_size)
{
    char           text[FILE_MAX], reason[128];
    size_t         len;
    otp_keyring_t *ring = NULL;
    int            fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        (void) fail(error, error_size, path, errno == ENOENT ? "No such file or directory: take the key ring of the "
                    "gateways, or make one with `otpctl keyring init`" : strerror(errno));
        return NULL;
    }
    if (read_text(fd, path, text, &len, error, error_size)) {
        ring = otp_keyring_parse((otp_span_t) { text, len }, reason, sizeof(reason));
        if (!ring) {
            (void) fail(error, error_size, path, reason);
        }
    }
    close(fd);
    otp_secret_wipe(text, sizeof(text));
    return ring;
}


/* The text with a newest key. */
static bool add_key(otp_span_t old, char text[FILE_MAX], size_t *len)
{
    uint8_t      random[OTP_MASTER_LEN + 4];
    otp_status_t status;

    otpctl_random(random, sizeof(random));
    status = otp_keyring_add(old, random, otpctl_now_s(), text, FILE_MAX, len);
    otp_secret_wipe(random, sizeof(random));
    return status == OTP_OK;
}


static bool write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t written = write(fd, text, len);

        if (written < 0) {
            return false;
        }
        text += written;
        len -= (size_t) written;
    }
    return fsync(fd) == 0;
}


/* So that the file's name survives a power cut as well. */
static void sync_folder(const char *path)
{
    char copy[PATH_MAX];
    int  fd;

    (void) snprintf(copy, sizeof(copy), "%s", path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void) fsync(fd);
        close(fd);
    }
}


static otpctl_status_t refuse(const char *path, const char *what)
{
    otpctl_say("key ring %s: %s", path, what);
    return OTPCTL_REFUSED;
}


/* Says which key is current now, and what follows from it. */
static otpctl_status_t report(const otpctl_t *ctl, const char *path, otp_span_t text, const char *done)
{
    char           error[ERROR_MAX];
    otp_keyring_t *ring = otp_keyring_parse(text, error, sizeof(error));

    if (!ring) {
        return refuse(path, error);
    }
    otp_span_t current = otp_keyring_current(ring);
    int        status = OTPCTL_DONE;

    if (ctl->options->given & OTPCTL_JSON) {
        status = otpctl_print_json(json_pack("{s:s, s:s, s:o, s:I}", "verdict", "ok", "file", path,
                                             "current", otpctl_json_span(current),
                                             "keys", (json_int_t) otp_keyring_count(ring)));
    } else {
        printf("key ring %s %s: %zu key(s), current %.*s\n"
               "Copy it to every gateway (owner root, mode 600), then reload nginx there: what is written with\n"
               "the new key cannot be read where it is missing.  Keep a copy in a safe place, apart from Redis.\n",
               path, done, otp_keyring_count(ring), (int) current.len, current.data);
    }
    otp_keyring_destroy(ring);
    return (otpctl_status_t) status;
}


otpctl_status_t otpctl_keyring_init_run(otpctl_t *ctl)
{
    const char     *path = ctl->options->argument[0];
    char            text[FILE_MAX];
    size_t          len;
    otpctl_status_t status;
    int             fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);

    if (fd < 0) {
        return refuse(path, errno == EEXIST ? "it is there already, and without it no record could be read any more: "
                      "`keyring rotate` adds a key to it" : strerror(errno));
    }
    if (fchmod(fd, S_IRUSR | S_IWUSR) < 0 || !add_key(OTP_SPAN_NONE, text, &len) || !write_all(fd, text, len)) {
        status = refuse(path, strerror(errno));
        (void) unlink(path);
    } else {
        sync_folder(path);
        status = report(ctl, path, (otp_span_t) { text, len }, "made");
    }
    close(fd);
    otp_secret_wipe(text, sizeof(text));
    return status;
}


/* Beside the old file, then in its place: a reader sees one or the other, whole. */
static otpctl_status_t replace(const char *path, int old, otp_span_t text)
{
    char        beside[PATH_MAX];
    struct stat status;
    int         fd, len = snprintf(beside, sizeof(beside), "%s.XXXXXX", path);

    if (len < 0 || (size_t) len >= sizeof(beside)) {
        return refuse(path, "the path is too long");
    }
    fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0) {
        return refuse(path, strerror(errno));
    }
    bool written = fstat(old, &status) == 0 && fchmod(fd, status.st_mode & (S_IRUSR | S_IWUSR)) == 0
        && fchown(fd, status.st_uid, status.st_gid) == 0 && write_all(fd, text.data, text.len)
        && rename(beside, path) == 0;
    int  reason = errno;

    close(fd);
    if (!written) {
        (void) unlink(beside);
        return refuse(path, strerror(reason));
    }
    sync_folder(path);
    return OTPCTL_DONE;
}


/* The file, locked against another rotation, which would lose one of the two new keys. */
static int open_locked(const char *path)
{
    struct stat ours, theirs;

    for ( ;; ) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &ours) < 0) {
            return fd;
        }
        /* While we waited for the lock another rotation may have put a new file in its place. */
        if (stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev) {
            return fd;
        }
        close(fd);
    }
}


static otpctl_status_t rotate(const otpctl_t *ctl, const char *path, int fd)
{
    char            old[FILE_MAX], text[FILE_MAX], error[ERROR_MAX];
    size_t          old_len, len;
    otpctl_status_t status = OTPCTL_REFUSED;

    if (!read_text(fd, path, old, &old_len, error, sizeof(error))) {
        otpctl_say("%s", error);
    } else if (!add_key((otp_span_t) { old, old_len }, text, &len)) {
        otp_keyring_t *ring = otp_keyring_parse((otp_span_t) { old, old_len }, error, sizeof(error));

        status = refuse(path, !ring ? error : "it holds 16 keys, the most there can be: remove the oldest line that "
                        "no record needs any more");
        otp_keyring_destroy(ring);
    } else {
        status = replace(path, fd, (otp_span_t) { text, len });
        if (status == OTPCTL_DONE) {
            status = report(ctl, path, (otp_span_t) { text, len }, "rotated");
        }
        otp_secret_wipe(text, sizeof(text));
    }
    otp_secret_wipe(old, sizeof(old));
    return status;
}


otpctl_status_t otpctl_keyring_rotate_run(otpctl_t *ctl)
{
    char path[PATH_MAX];
    int  fd;

    /* Through a symbolic link the file it names is replaced, not the link. */
    if (!realpath(ctl->options->argument[0], path)) {
        return refuse(ctl->options->argument[0], strerror(errno));
    }
    fd = open_locked(path);
    if (fd < 0) {
        return refuse(path, strerror(errno));
    }
    otpctl_status_t status = rotate(ctl, path, fd);

    close(fd);
    return status;
}
