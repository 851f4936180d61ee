#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/decide/otp_match.h"
#include "core/model/otp_record.h"
#include "otpctl/otpctl_archive.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_reunite.h"
#include "otpctl/otpctl_scan.h"

/* `import`: what `export` wrote, from standard input.  All of it is read and verified before anything is written.
 * What is there already stays.  What is added fits what is there: no code that was accepted anywhere is accepted
 * again, and a key is in the hands of one person, though the file was written while keys changed hands. */

typedef struct {
    bool  account;
    char  id[OTP_UID_LEN + 1];
    char *record;
    size_t len;
} line_t;

typedef struct {
    line_t *line;
    size_t  lines, size;
    char    prefix[OTPCTL_PREFIX_MAX + 1];
    size_t  written, kept, same, left_out;

    otpctl_union_t all;         /* of the file and of Redis */
} archive_t;

static otpctl_status_t refuse(size_t number, const char *what)
{
    otpctl_say("standard input:%zu: %s; nothing was imported", number, what);
    return OTPCTL_REFUSED;
}


static bool keep(archive_t *archive, bool account, const char *id, const char *record, size_t len)
{
    if (archive->lines == archive->size) {
        size_t  size = archive->size ? 2 * archive->size : 256;
        line_t *grown = realloc(archive->line, size * sizeof(*grown));

        if (!grown) {
            return false;
        }
        archive->line = grown;
        archive->size = size;
    }
    line_t *line = &archive->line[archive->lines];

    *line = (line_t) { .account = account, .record = malloc(len), .len = len };
    if (!line->record) {
        return false;
    }
    memcpy(line->record, record, len);
    (void) snprintf(line->id, sizeof(line->id), "%s", id);
    archive->lines++;
    return true;
}


static otp_name_kind_t kind_of(const line_t *line)
{
    return line->account ? OTP_NAME_ACCOUNT : OTP_NAME_STOCK;
}


/* NULL, or what is wrong with a line between head and end. */
static const char *read_record(otpctl_t *ctl, archive_t *archive, otp_span_t text)
{
    char       kind[16], id[OTP_UID_LEN + 1], record[OTPCTL_RECORD_MAX];
    size_t     len;
    otp_name_t name;
    otp_span_t body;

    if (!otpctl_archive_read_line(ctl->ring, text, kind, id, record, &len)) {
        return "this is not a line of an export, or it was sealed with a key that the key ring lacks";
    }
    bool account = strcmp(kind, "account") == 0;

    if (!account && strcmp(kind, "key") != 0) {
        return "this version does not know such records";
    }
    otp_name_of(&name, account ? OTP_NAME_ACCOUNT : OTP_NAME_STOCK, otp_span_of(archive->prefix), otp_span_of(id));
    if (otp_record_read(ctl->ring, otp_name_span(&name), (otp_span_t) { record, len }, &body) != OTP_OK) {
        return "the record in it cannot be believed";
    }
    return keep(archive, account, id, record, len) ? NULL : "out of memory";
}


static otpctl_status_t read_archive(otpctl_t *ctl, archive_t *archive)
{
    char           *text = NULL;
    size_t          size = 0, number = 0;
    bool            ended = false;
    ssize_t         got;
    otpctl_chain_t  chain = { .lines = 0 };
    otpctl_status_t status = OTPCTL_DONE;

    while (status == OTPCTL_DONE && (got = getline(&text, &size, stdin)) >= 0) {
        otp_span_t  line = otp_span_trim((otp_span_t) { text, (size_t) got });
        const char *wrong = NULL;

        number++;
        if (ended) {
            wrong = "there is something after the end";
        } else if (line.len >= OTPCTL_ARCHIVE_LINE) {
            wrong = "the line is too long";
        } else if (number == 1) {
            wrong = otpctl_archive_read_head(line, archive->prefix, chain.ring_id) ? NULL
                : "this is not the beginning of an export";
        } else if (otp_span_starts(line, OTP_SPAN("{\"end\""))) {
            ended = otpctl_archive_ends(&chain, line);
            wrong = ended ? NULL : "lines before it were changed, left out or put in";
        } else {
            wrong = read_record(ctl, archive, line);
        }
        if (!wrong && !ended && !otpctl_chain_add(ctl->ring, &chain, line)) {
            wrong = "it was made with a key that the key ring lacks";
        }
        if (wrong) {
            status = refuse(number, wrong);
        }
    }
    if (status == OTPCTL_DONE && !ended) {
        status = refuse(number + 1, "the end is missing: the file was cut off");
    }
    free(text);
    return status;
}


/* Codes up to now count as used. */
static void raise_floor(otp_key_t *key, int64_t now_s)
{
    int64_t step = otp_type_rules(key->type)->timed ? otp_key_step(key, now_s) : 0;

    if (key->step < step) {
        key->step = step;
    }
}


/* The record of a line as it was where it was exported. */
static bool read_account(const otpctl_t *ctl, const archive_t *archive, const line_t *line, otp_account_t *account)
{
    otp_name_t name;

    otp_name_of(&name, OTP_NAME_ACCOUNT, otp_span_of(archive->prefix), otp_span_of(line->id));
    return otp_account_read(ctl->ring, otp_name_span(&name), (otp_span_t) { line->record, line->len }, account)
        == OTP_OK;
}


static bool read_stock(const otpctl_t *ctl, const archive_t *archive, const line_t *line, otp_stock_t *stock)
{
    otp_name_t name;

    otp_name_of(&name, OTP_NAME_STOCK, otp_span_of(archive->prefix), otp_span_of(line->id));
    return otp_stock_read(ctl->ring, otp_name_span(&name), (otp_span_t) { line->record, line->len }, stock) == OTP_OK;
}


static otpctl_status_t out_of_memory(void)
{
    otpctl_say("out of memory; nothing was imported");
    return OTPCTL_REFUSED;
}


static otpctl_status_t unite_stock(otpctl_t *ctl, const otp_stock_t *stock, void *data)
{
    (void) ctl;
    return otpctl_union_stock(data, stock, OTPCTL_STORED_STOCK) ? OTPCTL_DONE : out_of_memory();
}


static otpctl_status_t unite_account(otpctl_t *ctl, const otp_account_t *account, void *data)
{
    (void) ctl;
    return otpctl_union_account(data, account) ? OTPCTL_DONE : out_of_memory();
}


static bool unite_line(const otpctl_t *ctl, archive_t *archive, const line_t *line)
{
    otp_account_t account;
    otp_stock_t   stock;

    if (line->account) {
        return read_account(ctl, archive, line, &account) && otpctl_union_account(&archive->all, &account);
    }
    return read_stock(ctl, archive, line, &stock) && otpctl_union_stock(&archive->all, &stock, OTPCTL_FILED_STOCK);
}


/* What is there, then the file. */
static otpctl_status_t unite(otpctl_t *ctl, archive_t *archive)
{
    otpctl_status_t status = otpctl_each_stock(ctl, unite_stock, &archive->all);

    if (status == OTPCTL_DONE) {
        status = otpctl_each_account(ctl, unite_account, &archive->all);
    }
    for (size_t i = 0; i < archive->lines && status == OTPCTL_DONE; i++) {
        if (!unite_line(ctl, archive, &archive->line[i])) {
            status = refuse(i + 2, "the record in it cannot be read by this version");
        }
    }
    otpctl_union_settle(&archive->all);
    return status;
}


/* The record for the name it has here. */
static bool next_account(const otpctl_t *ctl, archive_t *archive, const line_t *line, otp_span_t name, char *text,
    size_t *len)
{
    int64_t       now_s = otpctl_now_s();
    otp_account_t account;

    if (!read_account(ctl, archive, line, &account)) {
        return false;
    }
    archive->left_out += otpctl_union_apply(&archive->all, &account);
    if (ctl->options->given & OTPCTL_RAISE_FLOOR) {
        /* An older copy: what was revoked since is not known. */
        memset(&account.emergency, 0, sizeof(account.emergency));
        for (size_t i = 0; i < account.keys; i++) {
            raise_floor(&account.key[i], now_s);
        }
    }
    return otp_account_write(ctl->ring, name, &account, text, OTPCTL_RECORD_MAX, len) == OTP_OK;
}


static bool next_stock(const otpctl_t *ctl, const archive_t *archive, const line_t *line, otp_span_t name,
    otp_stock_t *stock, char *text, size_t *len)
{
    if (!read_stock(ctl, archive, line, stock)) {
        return false;
    }
    otpctl_union_raise(&archive->all, stock);
    if (ctl->options->given & OTPCTL_RAISE_FLOOR) {
        raise_floor(&stock->key, otpctl_now_s());
    }
    return otp_stock_write(ctl->ring, name, stock, text, OTPCTL_RECORD_MAX, len) == OTP_OK;
}


static otp_event_t event_of(const line_t *line)
{
    otp_event_t event = { .event = OTP_SPAN("import"), .verdict = OTP_SPAN("ok") };

    *(line->account ? &event.user : &event.serial) = otp_span_of(line->id);
    return event;
}


/* A key that somebody asks for is in the list of those that wait again. */
static void wait_again(const otpctl_t *ctl, const otp_stock_t *stock, otp_name_t *waiting, char since[24],
    otp_swap_t *swap)
{
    if (stock->wanted[0] == '\0') {
        return;
    }
    otp_name_waiting(waiting, ctl->prefix, otp_span_of(stock->key.serial));
    (void) snprintf(since, 24, "%lld", (long long) stock->wanted_at);
    swap->waiting = otp_name_span(waiting);
    swap->serial = otp_span_of(stock->key.serial);
    swap->since = otp_span_of(since);
}


static otpctl_status_t restore_line(otpctl_t *ctl, archive_t *archive, const line_t *line)
{
    char            stored[OTPCTL_RECORD_MAX], text[OTPCTL_RECORD_MAX], since[24];
    size_t          stored_len = 0, len, left_out = archive->left_out;
    bool            swapped = false, made;
    otp_name_t      name, stream, waiting;
    otp_swap_t      swap = { .ttl_ms = OTP_SPAN_NONE };
    otp_stock_t     stock = { .wanted_at = 0 };
    otp_event_t     event = event_of(line);
    otpctl_status_t status;

    otp_name_of(&name, kind_of(line), ctl->prefix, otp_span_of(line->id));
    otp_name_events(&stream, ctl->prefix, otp_span_of(line->id));
    swap.key = otp_name_span(&name);
    swap.stream = otp_name_span(&stream);
    made = line->account ? next_account(ctl, archive, line, swap.key, text, &len)
        : next_stock(ctl, archive, line, swap.key, &stock, text, &len);
    if (!made) {
        return otpctl_unreadable(ctl, swap.key);
    }
    swap.next = (otp_span_t) { text, len };
    wait_again(ctl, &stock, &waiting, since, &swap);
    status = otpctl_swap(ctl, &swap, &event, &swapped, stored, &stored_len);
    if (!swapped) {
        archive->left_out = left_out;
    }
    if (status == OTPCTL_DONE) {
        *(swapped ? &archive->written
          : otp_span_equal((otp_span_t) { stored, stored_len }, swap.next) ? &archive->same : &archive->kept) += 1;
    }
    return status;
}


static int report(const otpctl_t *ctl, const archive_t *archive)
{
    if (ctl->options->given & OTPCTL_JSON) {
        return otpctl_print_json(json_pack("{s:s, s:I, s:I, s:I, s:I}", "verdict", "ok", "imported",
                                           (json_int_t) archive->written, "kept", (json_int_t) archive->kept, "same",
                                           (json_int_t) archive->same, "left_out", (json_int_t) archive->left_out));
    }
    printf("%zu record(s) imported, %zu were so already\n", archive->written, archive->same);
    if (archive->kept) {
        printf("%zu are there with another content and stay as they are\n", archive->kept);
    }
    if (archive->left_out) {
        printf("%zu key(s) were changing hands while the file was written, or have since: whoever had them in the\n"
               "file has them not; assign them again where the stock says so\n", archive->left_out);
    }
    return OTPCTL_DONE;
}


otpctl_status_t otpctl_import_run(otpctl_t *ctl)
{
    archive_t       archive = { .lines = 0 };
    otpctl_status_t status = read_archive(ctl, &archive);

    if (status == OTPCTL_DONE) {
        status = unite(ctl, &archive);
    }
    for (size_t i = 0; i < archive.lines; i++) {
        if (status == OTPCTL_DONE) {
            status = restore_line(ctl, &archive, &archive.line[i]);
            if (status != OTPCTL_DONE) {
                otpctl_say("%zu of %zu records are imported: mend it and import again, which goes on from there",
                           archive.written + archive.same + archive.kept, archive.lines);
            }
        }
        free(archive.line[i].record);
    }
    free(archive.line);
    otpctl_union_free(&archive.all);
    return status == OTPCTL_DONE ? (otpctl_status_t) report(ctl, &archive) : status;
}
