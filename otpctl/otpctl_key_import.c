#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "otpctl/import/otpctl_import_stock.h"
#include "otpctl/otpctl_print.h"

#define KEY_FILE_MAX    4096
#define PIECE           65536

/* Bytes of a file, which are wiped with it. */
typedef struct {
    char  *data;
    size_t len, size;
} content_t;

static void forget(content_t *content)
{
    if (content->data) {
        otp_secret_wipe(content->data, content->size);
        free(content->data);
    }
    *content = (content_t) { 0 };
}


/* Not realloc(), which leaves a copy behind. */
static bool make_room(content_t *content)
{
    content_t grown = { .len = content->len, .size = content->size ? 2 * content->size : PIECE };

    if (content->len < content->size) {
        return true;
    }
    grown.data = malloc(grown.size);
    if (!grown.data) {
        return false;
    }
    if (content->len) {
        memcpy(grown.data, content->data, content->len);
    }
    forget(content);
    *content = grown;
    return true;
}


static bool read_all(int fd, size_t max, content_t *content, const char *name)
{
    for ( ;; ) {
        ssize_t got = -1;

        if (make_room(content)) {
            got = read(fd, content->data + content->len, content->size - content->len);
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            otpctl_say("%s: %s", name, strerror(errno));
            return false;
        }
        if (got == 0) {
            return true;
        }
        content->len += (size_t) got;
        if (content->len > max) {
            otpctl_say("%s: it is longer than %zu bytes", name, max);
            return false;
        }
    }
}


/* `-`: standard input. */
static bool read_file(const char *path, size_t max, content_t *content)
{
    bool standard = strcmp(path, "-") == 0, fine;
    int  fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        otpctl_say("%s: %s", path, strerror(errno));
        return false;
    }
    fine = read_all(fd, max, content, path);
    if (!standard) {
        close(fd);
    }
    return fine;
}


static bool read_key_file(const char *path, content_t *content)
{
    if (!path) {
        return true;
    }
    if (!read_file(path, KEY_FILE_MAX, content)) {
        return false;
    }
    if (content->len == 0) {
        otpctl_say("%s: there is nothing in it", path);
    }
    return content->len != 0;
}


static bool choose_format(const otpctl_options_t *options, otp_span_t text, otpctl_import_format_t *format)
{
    if (options->format) {
        return otpctl_import_parse_name(options->format, format);
    }
    if (text.len && otpctl_import_guess(text, format)) {
        return true;
    }
    otpctl_say("%s: %s", options->argument[0], text.len ? "its format cannot be told: give --format pskc, csv, sdtid "
               "or otpauth" : "there is nothing in it");
    return false;
}


static void tell_expired(const otpctl_import_order_t *order)
{
    size_t  expired = 0, line = 0;
    int64_t now_s = otpctl_now_s();

    for (size_t i = 0; i < order->list->keys; i++) {
        if (order->list->key[i].expires && order->list->key[i].expires < now_s) {
            line = expired++ ? line : order->list->key[i].line;
        }
    }
    if (expired) {
        otpctl_say("%s:%zu: %zu of the keys, this one first, are past the end of their life", order->file, line,
                   expired);
    }
}


static otpctl_status_t report(const otpctl_t *ctl, const otpctl_import_order_t *order)
{
    tell_expired(order);
    if (ctl->options->given & OTPCTL_JSON) {
        return (otpctl_status_t) otpctl_print_json(json_pack("{s:I, s:I}", "imported", (json_int_t) order->imported,
                                                             "skipped", (json_int_t) order->skipped));
    }
    printf("%zu imported, %zu skipped\n", order->imported, order->skipped);
    return OTPCTL_DONE;
}


static void tell_reading(size_t keys)
{
    fprintf(stderr, "\rreading: %zu keys", keys);
    fflush(stderr);
}


/* With the progress line gone afterwards, so that what follows has the line for itself. */
static bool read_keys(otpctl_import_format_t format, otp_span_t text, otp_span_t unlock, otpctl_import_list_t *list,
    otpctl_import_error_t *error)
{
    bool fine = otpctl_import_read(format, text, unlock, list, error);

    if (list->reading) {
        fputs("\r\033[K", stderr);
    }
    return fine;
}


static otpctl_status_t import(otpctl_t *ctl, otp_span_t text, otp_span_t unlock, otpctl_import_order_t *order)
{
    otpctl_import_list_t   list = { .reading = order->progress ? tell_reading : NULL };
    otpctl_import_error_t  error = { 0 };
    otpctl_import_format_t format;
    otpctl_status_t        status = OTPCTL_REFUSED;

    if (!choose_format(ctl->options, text, &format)) {
        return OTPCTL_REFUSED;
    }
    order->list = &list;
    if (read_keys(format, text, unlock, &list, &error)) {
        status = otpctl_import_store(ctl, order);
    } else if (error.line) {
        otpctl_say("%s:%zu: %s", order->file, error.line, error.reason);
    } else {
        otpctl_say("%s: %s", order->file, error.reason);
    }
    if (status == OTPCTL_DONE) {
        status = report(ctl, order);
    }
    otpctl_import_free(&list);
    return status;
}


static bool check_options(const otpctl_options_t *options, otpctl_import_order_t *order)
{
    otpctl_import_format_t format;

    if (options->format && !otpctl_import_parse_name(options->format, &format)) {
        otpctl_say("--format %s: pskc, csv, sdtid or otpauth", options->format);
        return false;
    }
    if (options->batch && otp_serial_canonical(otp_span_of(options->batch), order->batch) != OTP_OK) {
        otpctl_say("--batch %s: 1 to %d letters, digits, - _ .", options->batch, OTP_SERIAL_MAX);
        return false;
    }
    if (options->key_file && strcmp(options->key_file, "-") == 0 && strcmp(options->argument[0], "-") == 0) {
        otpctl_say("standard input cannot be both the file and the key file");
        return false;
    }
    return true;
}


otpctl_status_t otpctl_key_import_run(otpctl_t *ctl)
{
    content_t             file = { 0 }, key = { 0 };
    otpctl_status_t       status = OTPCTL_REFUSED;
    otpctl_import_order_t order = {
        .file = ctl->options->argument[0], .skip_existing = (ctl->options->given & OTPCTL_SKIP_EXISTING) != 0,
        .progress = isatty(STDERR_FILENO) == 1
    };

    if (!check_options(ctl->options, &order)) {
        return OTPCTL_USAGE;
    }
    if (read_file(order.file, OTPCTL_IMPORT_BYTES, &file) && read_key_file(ctl->options->key_file, &key)) {
        status = import(ctl, (otp_span_t) { file.data, file.len }, (otp_span_t) { key.data, key.len }, &order);
    }
    forget(&file);
    forget(&key);
    return status;
}
