#include "otpctl/notify/otpctl_people.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX    67108864

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size
        && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}


static bool fail(const otpctl_people_t *people, const char *why, char *error, size_t error_size)
{
    (void) snprintf(error, error_size, "%s: %s", people->path, why);
    return false;
}


/* It holds hashes of passwords, which are not left behind in memory. */
void otpctl_people_free(otpctl_people_t *people)
{
    otp_password_index_destroy(people->index);
    if (people->text) {
        otp_secret_wipe(people->text, people->len);
        free(people->text);
    }
    people->index = NULL;
    people->text = NULL;
    people->len = 0;
}


static bool read_text(otpctl_people_t *people, int fd, const struct stat *now, char *error, size_t error_size)
{
    size_t                size = (size_t) now->st_size, len = 0;
    ssize_t               got = 0;
    char                 *text = now->st_size < FILE_MAX ? malloc(size + 1) : NULL;
    otp_password_index_t *index;

    if (!text) {
        return fail(people, "it is too large", error, error_size);
    }
    while (len < size && (got = read(fd, text + len, size - len)) > 0) {
        len += (size_t) got;
    }
    if (got < 0) {
        free(text);
        return fail(people, strerror(errno), error, error_size);
    }
    index = otp_password_index_create((otp_span_t) { text, len });
    if (!index) {
        otp_secret_wipe(text, len);
        free(text);
        return fail(people, "there is no memory for it", error, error_size);
    }
    otpctl_people_free(people);
    people->text = text;
    people->len = len;
    people->index = index;
    people->read = *now;
    return true;
}


bool otpctl_people_refresh(otpctl_people_t *people, char *error, size_t error_size)
{
    struct stat now;
    bool        fine;
    int         fd;

    if (!people->path) {
        return true;
    }
    fd = open(people->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail(people, strerror(errno), error, error_size);
    }
    fine = fstat(fd, &now) == 0 || fail(people, strerror(errno), error, error_size);
    if (fine && (!people->text || !is_same(&now, &people->read))) {
        fine = read_text(people, fd, &now, error, error_size);
    }
    close(fd);
    return fine;
}


bool otpctl_people_find(const otpctl_people_t *people, otp_span_t uid, otp_person_t *person)
{
    otp_span_t hash;

    return people->index && otp_password_index_find(people->index, uid, person, &hash);
}
