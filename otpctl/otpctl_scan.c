#include "otpctl/otpctl_scan.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "otpctl/otpctl_print.h"

#define PATTERN_MAX (2 * OTPCTL_PREFIX_MAX + 128)
#define SCAN_COUNT  OTP_SPAN("1000")
#define BATCH       64
#define WALKS       2       /* over all masters while slots move; as many may break off */

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


static otpctl_status_t scan_master(otpctl_t *ctl, size_t master, otp_span_t match, otpctl_names_t *names, bool *lost)
{
    char            cursor[24] = "0";
    otpctl_status_t status = OTPCTL_DONE;

    do {
        otp_span_t arg[] = {
            OTP_SPAN("SCAN"), otp_span_of(cursor), OTP_SPAN("MATCH"), match, OTP_SPAN("COUNT"), SCAN_COUNT
        };
        otp_reply_t *reply = otpctl_redis_ask_master(ctl->redis, master, arg, sizeof(arg) / sizeof(arg[0]));

        if (!reply) {
            *lost = true;
            return OTPCTL_UNREACHABLE;
        }
        status = reply->kind == OTP_REPLY_ERROR ? otpctl_refused(ctl, reply->text) : take_page(reply, cursor, names);
        otp_reply_destroy(reply);
    } while (status == OTPCTL_DONE && strcmp(cursor, "0") != 0);
    return status;
}


/* Every master in turn.  *settled: what was there from beginning to end has been met in this walk. */
static otpctl_status_t walk_masters(otpctl_t *ctl, otp_span_t match, otpctl_names_t *names, bool *lost, bool *settled)
{
    otpctl_layout_t before, after;
    otpctl_status_t status = OTPCTL_DONE;

    *lost = !otpctl_redis_layout(ctl->redis, &before);
    *settled = false;
    for (size_t i = 0; i < otpctl_redis_masters(ctl->redis) && status == OTPCTL_DONE && !*lost; i++) {
        status = scan_master(ctl, i, match, names, lost);
    }
    if (status != OTPCTL_DONE || *lost) {
        return *lost ? OTPCTL_UNREACHABLE : status;
    }
    if (!otpctl_redis_layout(ctl->redis, &after) || before.opened != after.opened) {
        *lost = true;
        return OTPCTL_UNREACHABLE;
    }
    *settled = before.digest == after.digest && !before.moving && !after.moving;
    return OTPCTL_DONE;
}


/* A name that moves from one master to another while they are gone through may be met on neither; but on the second
 * walk it is where it has moved to.  A master that is lost on the way has to be gone through from its beginning. */
otpctl_status_t otpctl_scan(otpctl_t *ctl, const char *pattern, otpctl_names_t *names)
{
    char            text[PATTERN_MAX];
    otp_span_t      match = write_pattern(ctl, pattern, text, sizeof(text));
    otpctl_status_t status = OTPCTL_UNREACHABLE;
    unsigned        complete = 0, broken = 0;
    bool            lost = true, settled = false;

    while (!settled && complete < WALKS && broken < WALKS && (lost || status == OTPCTL_DONE)) {
        status = walk_masters(ctl, match, names, &lost, &settled);
        complete += status == OTPCTL_DONE;
        broken += lost;
    }
    if (status == OTPCTL_DONE) {
        sort(names);
    } else if (lost) {
        otpctl_say("%s", *otpctl_redis_error(ctl->redis) ? otpctl_redis_error(ctl->redis)
                   : "the master of Redis changes all the time");
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


/* In a cluster MGET takes names of one slot only. */
static otpctl_status_t visit_spread(otpctl_t *ctl, char *const *name, size_t n, otpctl_visit_t *visit, void *data)
{
    otp_command_t   command[BATCH] = { { .args = 0 } };
    otp_reply_t    *reply[BATCH];
    otpctl_status_t status = OTPCTL_DONE;

    for (size_t i = 0; i < n; i++) {
        command[i] = (otp_command_t) { .arg = { OTP_SPAN("GET"), otp_span_of(name[i]) }, .args = 2 };
    }
    if (!otpctl_redis_ask_many(ctl->redis, command, n, reply)) {
        otpctl_say("%s", otpctl_redis_error(ctl->redis));
        status = OTPCTL_UNREACHABLE;
    }
    for (size_t i = 0; i < n; i++) {
        if (status == OTPCTL_DONE) {
            status = reply[i]->kind == OTP_REPLY_ERROR ? otpctl_refused(ctl, reply[i]->text)
                : visit(ctl, command[i].arg[1], reply[i]->text, data);
        }
        otp_reply_destroy(reply[i]);
    }
    return status;
}


otpctl_status_t otpctl_each(otpctl_t *ctl, const otpctl_names_t *names, otpctl_visit_t *visit, void *data)
{
    otpctl_status_t status = OTPCTL_DONE;

    for (size_t i = 0; i < names->names && status == OTPCTL_DONE; i += BATCH) {
        size_t left = names->names - i, n = left < BATCH ? left : BATCH;

        status = ctl->address.cluster ? visit_spread(ctl, names->name + i, n, visit, data)
            : visit_batch(ctl, names->name + i, n, visit, data);
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
