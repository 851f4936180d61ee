#include "otpctl/otpctl_scan.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "otpctl/otpctl_print.h"

#define PATTERN_MAX (2 * OTPCTL_PREFIX_MAX + 128)
#define SCAN_COUNT  OTP_SPAN("1000")
#define BATCH       64

bool otpctl_names_add(otpctl_names_t *names, otp_span_t name)
{
    if (names->names == names->size) {
        size_t size = names->size ? 2 * names->size : 256;
        char **grown = realloc(names->name, size * sizeof(*grown));

        if (!grown) {
            return false;
        }
        names->name = grown;
        names->size = size;
    }
    names->name[names->names] = strndup(name.data, name.len);
    return names->name[names->names++] != NULL;
}


void otpctl_names_free(otpctl_names_t *names)
{
    for (size_t i = 0; i < names->names; i++) {
        free(names->name[i]);
    }
    free(names->name);
    *names = (otpctl_names_t) { 0 };
}


/* What stands after the tag, a uid or a serial, comes first. */
static int compare(const void *a, const void *b)
{
    const char *left = *(char *const *) a, *right = *(char *const *) b;
    const char *left_id = strrchr(left, ':'), *right_id = strrchr(right, ':');
    int         order = left_id && right_id ? strcmp(left_id, right_id) : 0;

    return order ? order : strcmp(left, right);
}


/* SCAN may give a name more than once. */
static void sort(otpctl_names_t *names)
{
    size_t kept = 0;

    if (names->names == 0) {
        return;
    }
    qsort(names->name, names->names, sizeof(*names->name), compare);
    for (size_t i = 1; i < names->names; i++) {
        if (strcmp(names->name[i], names->name[kept]) == 0) {
            free(names->name[i]);
        } else {
            names->name[++kept] = names->name[i];
        }
    }
    names->names = kept + 1;
}


static otp_span_t write_pattern(const otpctl_t *ctl, const char *pattern, char *text, size_t size)
{
    otp_buffer_t out;

    otp_buffer_init(&out, text, size);
    for (size_t i = 0; i < ctl->prefix.len; i++) {
        if (strchr("*?[]\\", ctl->prefix.data[i])) {
            otp_buffer_add_char(&out, '\\');
        }
        otp_buffer_add_char(&out, ctl->prefix.data[i]);
    }
    otp_buffer_add_text(&out, pattern);
    return otp_buffer_span(&out);
}


/* Takes one answer of SCAN; `cursor` becomes the next one. */
static otpctl_status_t take_page(const otp_reply_t *reply, char cursor[24], otpctl_names_t *names)
{
    if (reply->kind != OTP_REPLY_ARRAY || reply->elements != 2 || reply->element[1].kind != OTP_REPLY_ARRAY
        || reply->element[0].text.len == 0 || reply->element[0].text.len >= 24)
    {
        otpctl_say("SCAN: unexpected reply");
        return OTPCTL_REFUSED;
    }
    memcpy(cursor, reply->element[0].text.data, reply->element[0].text.len);
    cursor[reply->element[0].text.len] = '\0';
    for (size_t i = 0; i < reply->element[1].elements; i++) {
        if (!otpctl_names_add(names, reply->element[1].element[i].text)) {
            otpctl_say("out of memory");
            return OTPCTL_REFUSED;
        }
    }
    return OTPCTL_DONE;
}


otpctl_status_t otpctl_scan(otpctl_t *ctl, const char *pattern, otpctl_names_t *names)
{
    char            text[PATTERN_MAX], cursor[24] = "0";
    otp_span_t      match = write_pattern(ctl, pattern, text, sizeof(text));
    otpctl_status_t status;

    do {
        otp_span_t arg[] = {
            OTP_SPAN("SCAN"), otp_span_of(cursor), OTP_SPAN("MATCH"), match, OTP_SPAN("COUNT"), SCAN_COUNT
        };
        otp_reply_t *reply;

        status = otpctl_ask(ctl, arg, sizeof(arg) / sizeof(arg[0]), &reply);
        if (status == OTPCTL_DONE) {
            status = take_page(reply, cursor, names);
            otp_reply_destroy(reply);
        }
    } while (status == OTPCTL_DONE && strcmp(cursor, "0") != 0);
    if (status == OTPCTL_DONE) {
        sort(names);
    }
    return status;
}


static otpctl_status_t visit_batch(otpctl_t *ctl, char *const *name, size_t n, otpctl_visit_t *visit, void *data)
{
    otp_span_t   arg[1 + BATCH] = { OTP_SPAN("MGET") };
    otp_reply_t *reply;

    for (size_t i = 0; i < n; i++) {
        arg[1 + i] = otp_span_of(name[i]);
    }
    otpctl_status_t status = otpctl_ask(ctl, arg, 1 + n, &reply);

    if (status != OTPCTL_DONE) {
        return status;
    }
    if (reply->kind != OTP_REPLY_ARRAY || reply->elements != n) {
        otpctl_say("MGET: unexpected reply");
        status = OTPCTL_REFUSED;
    }
    for (size_t i = 0; i < n && status == OTPCTL_DONE; i++) {
        status = visit(ctl, arg[1 + i], reply->element[i].text, data);
    }
    otp_reply_destroy(reply);
    return status;
}


otpctl_status_t otpctl_each(otpctl_t *ctl, const otpctl_names_t *names, otpctl_visit_t *visit, void *data)
{
    otpctl_status_t status = OTPCTL_DONE;

    for (size_t i = 0; i < names->names && status == OTPCTL_DONE; i += BATCH) {
        size_t left = names->names - i;

        status = visit_batch(ctl, names->name + i, left < BATCH ? left : BATCH, visit, data);
    }
    return status;
}


/* A walk over decoded records: one of the two visits. */
typedef struct {
    otpctl_account_visit_t *account;
    otpctl_stock_visit_t   *stock;
    void                   *data;
    bool                    unreadable;
} walk_t;

static otpctl_status_t visit_record(otpctl_t *ctl, otp_span_t name, otp_span_t value, void *data)
{
    walk_t       *walk = data;
    otp_account_t account;
    otp_stock_t   stock;

    if (value.len == 0) {
        return OTPCTL_DONE;
    }
    if (walk->account ? otp_account_read(ctl->ring, name, value, &account) == OTP_OK
            : otp_stock_read(ctl->ring, name, value, &stock) == OTP_OK)
    {
        return walk->account ? walk->account(ctl, &account, walk->data) : walk->stock(ctl, &stock, walk->data);
    }
    walk->unreadable = true;
    otpctl_unreadable(ctl, name);
    return OTPCTL_DONE;
}


static otpctl_status_t walk_through(otpctl_t *ctl, const char *pattern, walk_t *walk)
{
    otpctl_names_t  names = { 0 };
    otpctl_status_t status = otpctl_scan(ctl, pattern, &names);

    if (status == OTPCTL_DONE) {
        status = otpctl_each(ctl, &names, visit_record, walk);
    }
    otpctl_names_free(&names);
    return status == OTPCTL_DONE && walk->unreadable ? OTPCTL_REFUSED : status;
}


otpctl_status_t otpctl_each_account(otpctl_t *ctl, otpctl_account_visit_t *visit, void *data)
{
    walk_t walk = { .account = visit, .data = data };

    return walk_through(ctl, "acct:{?}:*", &walk);
}


otpctl_status_t otpctl_each_stock(otpctl_t *ctl, otpctl_stock_visit_t *visit, void *data)
{
    walk_t walk = { .stock = visit, .data = data };

    return walk_through(ctl, "key:{?}:*", &walk);
}
