#include <stdio.h>
#include <string.h>

#include "core/decide/otp_match.h"
#include "otpctl/otpctl_archive_load.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_reunite.h"
#include "otpctl/otpctl_scan.h"

/* `import`: what `export` wrote, from standard input.  All of it is read and verified before anything is written.
 * What is there already stays.  What is added fits what is there: no code that was accepted anywhere is accepted
 * again, and a key is in the hands of one person, though the file was written while keys changed hands. */

typedef struct {
    otpctl_filed_t file;
    otpctl_union_t all;         /* of the file and of Redis */
    size_t         written, raised, kept, same, left_out;
    json_t        *uncertain;   /* serials of keys that need two codes */
} archive_t;

static otp_name_kind_t kind_of(const otpctl_filed_line_t *line)
{
    return line->account ? OTP_NAME_ACCOUNT : OTP_NAME_STOCK;
}


/* Codes up to now count as used; where no clock tells which they are, none counts until two codes have told. */
static void raise_floor(otp_key_t *key, int64_t now_s)
{
    if (!otp_type_rules(key->type)->timed) {
        otp_manage_restored(key);
    } else if (key->step < otp_key_step(key, now_s)) {
        key->step = otp_key_step(key, now_s);
    }
}


/* Once. */
static void tell_uncertain(archive_t *archive, const otp_key_t *key)
{
    size_t  i;
    json_t *serial;

    if (otp_type_rules(key->type)->timed) {
        return;
    }
    json_array_foreach(archive->uncertain, i, serial) {
        if (strcmp(json_string_value(serial), key->serial) == 0) {
            return;
        }
    }
    (void) json_array_append_new(archive->uncertain, json_string(key->serial));
}


/* The record of a line as it was where it was exported. */
static bool read_account(const otpctl_t *ctl, const archive_t *archive, const otpctl_filed_line_t *line,
    otp_account_t *account)
{
    otp_name_t name;

    otp_name_of(&name, OTP_NAME_ACCOUNT, otp_span_of(archive->file.prefix), otp_span_of(line->id));
    return otp_account_read(ctl->ring, otp_name_span(&name), (otp_span_t) { line->record, line->len }, account)
        == OTP_OK;
}


static bool read_stock(const otpctl_t *ctl, const archive_t *archive, const otpctl_filed_line_t *line,
    otp_stock_t *stock)
{
    otp_name_t name;

    otp_name_of(&name, OTP_NAME_STOCK, otp_span_of(archive->file.prefix), otp_span_of(line->id));
    return otp_stock_read(ctl->ring, otp_name_span(&name), (otp_span_t) { line->record, line->len }, stock) == OTP_OK;
}


static otpctl_status_t not_united(const char *id)
{
    otpctl_say("%s: a seed in it does not open with this key ring, or memory is short; nothing was imported", id);
    return OTPCTL_REFUSED;
}


static otpctl_status_t unite_stock(otpctl_t *ctl, const otp_stock_t *stock, void *data)
{
    (void) ctl;
    return otpctl_union_stock(data, stock, OTPCTL_STORED_STOCK) ? OTPCTL_DONE : not_united(stock->key.serial);
}


static otpctl_status_t unite_account(otpctl_t *ctl, const otp_account_t *account, void *data)
{
    (void) ctl;
    return otpctl_union_account(data, account, OTPCTL_STORED_COPY) ? OTPCTL_DONE : not_united(account->uid);
}


static bool unite_line(const otpctl_t *ctl, archive_t *archive, const otpctl_filed_line_t *line)
{
    otp_account_t account;
    otp_stock_t   stock;

    if (line->account) {
        return read_account(ctl, archive, line, &account) && otpctl_union_account(&archive->all, &account, OTPCTL_COPY);
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
    for (size_t i = 0; i < archive->file.lines && status == OTPCTL_DONE; i++) {
        if (!unite_line(ctl, archive, &archive->file.line[i])) {
            status = otpctl_filed_refuse(i + 2, "the record in it cannot be read by this version");
        }
    }
    otpctl_union_settle(&archive->all);
    return status;
}


/* One line on its way into Redis. */
typedef struct {
    const otpctl_filed_line_t *line;
    otp_name_t    name, stream, waiting;
    otp_account_t account;
    otp_stock_t   stock;
    char          stored[OTPCTL_RECORD_MAX], text[OTPCTL_RECORD_MAX], since[24];
    size_t        stored_len, len, left_out;
    bool          torn;
} work_t;

OTP_MUST_USE static bool write_next(const otpctl_t *ctl, work_t *work)
{
    otp_span_t   name = otp_name_span(&work->name);
    otp_status_t status = work->line->account
        ? otp_account_write(ctl->ring, name, &work->account, work->text, sizeof(work->text), &work->len)
        : otp_stock_write(ctl->ring, name, &work->stock, work->text, sizeof(work->text), &work->len);

    return status == OTP_OK;
}


/* The record for the name it has here. */
static bool next_account(const otpctl_t *ctl, archive_t *archive, work_t *work)
{
    int64_t        now_s = otpctl_now_s();
    otp_account_t *account = &work->account;

    if (!read_account(ctl, archive, work->line, account)) {
        return false;
    }
    work->left_out = otpctl_union_apply(&archive->all, account);
    if (ctl->options->given & OTPCTL_RAISE_FLOOR) {
        /* An older copy: what was revoked since is not known. */
        memset(&account->emergency, 0, sizeof(account->emergency));
        for (size_t i = 0; i < account->keys; i++) {
            raise_floor(&account->key[i], now_s);
        }
    }
    return write_next(ctl, work);
}


static bool next_stock(const otpctl_t *ctl, archive_t *archive, work_t *work)
{
    otp_stock_t *stock = &work->stock;

    if (!read_stock(ctl, archive, work->line, stock)) {
        return false;
    }
    work->torn = !otpctl_union_fit(&archive->all, stock);
    (void) otpctl_union_raise_stock(&archive->all, stock);
    /* The step of a copy that is there is known. */
    if (ctl->options->given & OTPCTL_RAISE_FLOOR && !otpctl_union_counted(&archive->all, &stock->key)) {
        raise_floor(&stock->key, otpctl_now_s());
    }
    return write_next(ctl, work);
}


static otp_event_t event_of(const otpctl_filed_line_t *line)
{
    otp_event_t event = { .event = OTP_SPAN("import"), .verdict = OTP_SPAN("ok") };

    *(line->account ? &event.user : &event.serial) = otp_span_of(line->id);
    return event;
}


/* A key that somebody asks for is in the list of those that wait again. */
static void wait_again(const otpctl_t *ctl, work_t *work, otp_swap_t *swap)
{
    const otp_stock_t *stock = &work->stock;

    if (work->line->account || stock->wanted[0] == '\0') {
        return;
    }
    otp_name_waiting(&work->waiting, ctl->prefix, otp_span_of(stock->key.serial));
    (void) snprintf(work->since, sizeof(work->since), "%lld", (long long) stock->wanted_at);
    swap->waiting = otp_name_span(&work->waiting);
    swap->serial = otp_span_of(stock->key.serial);
    swap->since = otp_span_of(work->since);
}


OTP_MUST_USE static otpctl_status_t swap_in(otpctl_t *ctl, work_t *work, otp_span_t expected, bool *swapped)
{
    otp_event_t event = event_of(work->line);
    otp_swap_t  swap = {
        .key = otp_name_span(&work->name), .stream = otp_name_span(&work->stream), .expected = expected,
        .next = { work->text, work->len }
    };

    wait_again(ctl, work, &swap);
    return otpctl_swap(ctl, &swap, &event, swapped, work->stored, &work->stored_len);
}


/* Whether what is there has to learn of codes that were used. */
OTP_MUST_USE static otpctl_status_t raise_stored(const otpctl_t *ctl, archive_t *archive, work_t *work, bool *raised)
{
    otp_span_t name = otp_name_span(&work->name), stored = { work->stored, work->stored_len };
    bool       good;

    if (work->line->account) {
        good = otp_account_read(ctl->ring, name, stored, &work->account) == OTP_OK;
        *raised = good && otpctl_union_raise_account(&archive->all, &work->account);
    } else {
        good = otp_stock_read(ctl->ring, name, stored, &work->stock) == OTP_OK;
        *raised = good && otpctl_union_raise_stock(&archive->all, &work->stock);
    }
    return good && (!*raised || write_next(ctl, work)) ? OTPCTL_DONE : otpctl_unreadable(ctl, name);
}


/* What is there stays, but for the last accepted steps: they go up to the furthest that is known. */
OTP_MUST_USE static otpctl_status_t restore_step(otpctl_t *ctl, archive_t *archive, work_t *work)
{
    char            expected[OTPCTL_RECORD_MAX];
    bool            raise = true, swapped = false;
    otpctl_status_t status = OTPCTL_DONE;

    *(otp_span_equal((otp_span_t) { work->stored, work->stored_len }, (otp_span_t) { work->text, work->len })
      ? &archive->same : &archive->kept) += 1;
    while (status == OTPCTL_DONE && raise && !swapped && work->stored_len != 0) {
        size_t len = work->stored_len;

        memcpy(expected, work->stored, len);
        status = raise_stored(ctl, archive, work, &raise);
        if (status == OTPCTL_DONE && raise) {
            status = swap_in(ctl, work, (otp_span_t) { expected, len }, &swapped);
        }
    }
    archive->raised += swapped;
    return status;
}


static void count_written(const otpctl_t *ctl, archive_t *archive, const work_t *work)
{
    archive->written++;
    archive->left_out += work->left_out;
    if (!(ctl->options->given & OTPCTL_RAISE_FLOOR)) {
        return;
    }
    if (!work->line->account && !otpctl_union_counted(&archive->all, &work->stock.key)) {
        tell_uncertain(archive, &work->stock.key);
    }
    for (size_t i = 0; work->line->account && i < work->account.keys; i++) {
        tell_uncertain(archive, &work->account.key[i]);
    }
}


static otpctl_status_t restore_line(otpctl_t *ctl, archive_t *archive, const otpctl_filed_line_t *line)
{
    work_t          work = { .line = line };
    bool            swapped = false;
    otpctl_status_t status;

    otp_name_of(&work.name, kind_of(line), ctl->prefix, otp_span_of(line->id));
    otp_name_events(&work.stream, ctl->prefix, otp_span_of(line->id));
    if (!(line->account ? next_account(ctl, archive, &work) : next_stock(ctl, archive, &work))) {
        return otpctl_unreadable(ctl, otp_name_span(&work.name));
    }
    if (work.torn) {
        archive->left_out++;
        return OTPCTL_DONE;
    }
    status = swap_in(ctl, &work, OTP_SPAN_NONE, &swapped);
    if (status == OTPCTL_DONE && !swapped) {
        return restore_step(ctl, archive, &work);
    }
    if (status == OTPCTL_DONE) {
        count_written(ctl, archive, &work);
    }
    return status;
}


static int report(const otpctl_t *ctl, const archive_t *archive)
{
    size_t  i;
    json_t *serial;

    if (ctl->options->given & OTPCTL_JSON) {
        return otpctl_print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:O}", "verdict", "ok", "imported",
                                           (json_int_t) archive->written, "raised", (json_int_t) archive->raised,
                                           "kept", (json_int_t) archive->kept, "same", (json_int_t) archive->same,
                                           "left_out", (json_int_t) archive->left_out, "uncertain",
                                           archive->uncertain));
    }
    printf("%zu record(s) imported, %zu were so already\n", archive->written, archive->same);
    if (archive->kept) {
        printf("%zu are there with another content and stay as they are\n", archive->kept);
    }
    if (archive->raised) {
        printf("but for codes that the file knows to be used: of %zu record(s) they are so now\n", archive->raised);
    }
    if (archive->left_out) {
        printf("%zu key(s) were changing hands while the file was written, or have since: whoever had them in the\n"
               "file has them not; assign them again where the stock says so\n", archive->left_out);
    }
    if (json_array_size(archive->uncertain)) {
        printf("disabled until two consecutive codes have told how far they are (otpctl key resync):\n");
    }
    json_array_foreach(archive->uncertain, i, serial) {
        printf("%s\n", json_string_value(serial));
    }
    return OTPCTL_DONE;
}


otpctl_status_t otpctl_import_run(otpctl_t *ctl)
{
    archive_t       archive = { .all.ring = ctl->ring, .uncertain = json_array() };
    otpctl_status_t status = otpctl_filed_load(ctl, &archive.file);

    if (status == OTPCTL_DONE) {
        status = unite(ctl, &archive);
    }
    for (size_t i = 0; i < archive.file.lines && status == OTPCTL_DONE; i++) {
        status = restore_line(ctl, &archive, &archive.file.line[i]);
        if (status != OTPCTL_DONE) {
            otpctl_say("%zu of %zu records are imported: mend it and import again, which goes on from there",
                       archive.written + archive.same + archive.kept, archive.file.lines);
        }
    }
    if (status == OTPCTL_DONE) {
        status = (otpctl_status_t) report(ctl, &archive);
    }
    otpctl_filed_free(&archive.file);
    otpctl_union_free(&archive.all);
    json_decref(archive.uncertain);
    return status;
}
