#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/decide/otp_match.h"
#include "core/model/otp_record.h"
#include "otpctl/otpctl_archive.h"
#include "otpctl/otpctl_print.h"

/* `import`: what `export` wrote, from standard input.  All of it is read and verified before anything is written.
 * Of two records for the same account or key, the one whose codes went further counts: no code is accepted twice
 * because an older file was imported. */

#define ROUNDS  32

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
    size_t  written, kept, same;
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


static void raise_to(otp_key_t *key, const otp_key_t *other)
{
    if (other && key->step < other->step) {
        key->step = other->step;
    }
}


/* What is to be stored instead of `stored` (empty: nothing is there); an empty text: what is there stays. */
static bool next_account(const otpctl_t *ctl, otp_span_t name, otp_account_t *account, otp_span_t stored, char *text,
    size_t *len)
{
    otp_account_t there;
    int64_t       now_s = otpctl_now_s();

    *len = 0;
    if (stored.len) {
        if (!(ctl->options->given & OTPCTL_REPLACE)) {
            return true;
        }
        if (otp_account_read(ctl->ring, name, stored, &there) != OTP_OK) {
            return false;
        }
        for (size_t i = 0; i < account->keys; i++) {
            raise_to(&account->key[i], otp_account_key(&there, otp_span_of(account->key[i].serial)));
        }
        account->revision = (there.revision > account->revision ? there.revision : account->revision) + 1;
    }
    for (size_t i = 0; ctl->options->given & OTPCTL_RAISE_FLOOR && i < account->keys; i++) {
        raise_floor(&account->key[i], now_s);
    }
    return otp_account_write(ctl->ring, name, account, text, OTPCTL_RECORD_MAX, len) == OTP_OK;
}


static bool next_stock(const otpctl_t *ctl, otp_span_t name, otp_stock_t *stock, otp_span_t stored, char *text,
    size_t *len)
{
    otp_stock_t there;

    *len = 0;
    if (stored.len) {
        if (!(ctl->options->given & OTPCTL_REPLACE)) {
            return true;
        }
        if (otp_stock_read(ctl->ring, name, stored, &there) != OTP_OK) {
            return false;
        }
        raise_to(&stock->key, &there.key);
    }
    if (ctl->options->given & OTPCTL_RAISE_FLOOR) {
        raise_floor(&stock->key, otpctl_now_s());
    }
    return otp_stock_write(ctl->ring, name, stock, text, OTPCTL_RECORD_MAX, len) == OTP_OK;
}


/* The record under the name it has here, decided against what is stored. */
static bool next_record(const otpctl_t *ctl, const archive_t *archive, const line_t *line, otp_span_t name,
    otp_span_t stored, otp_stock_t *stock, char *text, size_t *len)
{
    otp_name_t    before;
    otp_account_t account;
    otp_span_t    record = { line->record, line->len };

    otp_name_of(&before, kind_of(line), otp_span_of(archive->prefix), otp_span_of(line->id));
    if (line->account) {
        return otp_account_read(ctl->ring, otp_name_span(&before), record, &account) == OTP_OK
            && next_account(ctl, name, &account, stored, text, len);
    }
    return otp_stock_read(ctl->ring, otp_name_span(&before), record, stock) == OTP_OK
        && next_stock(ctl, name, stock, stored, text, len);
}


static otp_event_t event_of(const line_t *line)
{
    otp_event_t event = { .event = OTP_SPAN("import"), .verdict = OTP_SPAN("ok") };

    *(line->account ? &event.user : &event.serial) = otp_span_of(line->id);
    return event;
}


static otpctl_status_t restore_line(otpctl_t *ctl, archive_t *archive, const line_t *line)
{
    char            stored[OTPCTL_RECORD_MAX], text[OTPCTL_RECORD_MAX], since[24];
    size_t          stored_len = 0, len;
    bool            swapped = false;
    otp_name_t      name, stream, waiting;
    otp_stock_t     stock = { .wanted_at = 0 };
    otp_event_t     event = event_of(line);
    otpctl_status_t status = OTPCTL_DONE;

    otp_name_of(&name, kind_of(line), ctl->prefix, otp_span_of(line->id));
    otp_name_events(&stream, ctl->prefix, otp_span_of(line->id));
    otp_name_waiting(&waiting, ctl->prefix, otp_span_of(line->id));
    for (int i = 0; i < ROUNDS && status == OTPCTL_DONE; i++) {
        otp_swap_t swap = {
            .key = otp_name_span(&name), .stream = otp_name_span(&stream), .expected = { stored, stored_len }
        };

        if (!next_record(ctl, archive, line, swap.key, swap.expected, &stock, text, &len)) {
            return otpctl_unreadable(ctl, swap.key);
        }
        if (len == 0) {
            *(otp_span_equal(swap.expected, (otp_span_t) { line->record, line->len }) ? &archive->same
                                                                                     : &archive->kept) += 1;
            return OTPCTL_DONE;
        }
        swap.next = (otp_span_t) { text, len };
        if (otp_span_equal(swap.next, swap.expected)) {
            archive->same++;
            return OTPCTL_DONE;
        }
        if (!line->account && stock.wanted[0]) {
            (void) snprintf(since, sizeof(since), "%lld", (long long) stock.wanted_at);
            swap.waiting = otp_name_span(&waiting);
            swap.serial = otp_span_of(line->id);
            swap.since = otp_span_of(since);
        }
        status = otpctl_swap(ctl, &swap, &event, &swapped, stored, &stored_len);
        if (swapped) {
            archive->written++;
            return OTPCTL_DONE;
        }
    }
    if (status == OTPCTL_DONE) {
        otpctl_say("%s is being changed all the time by others: import again", line->id);
        return OTPCTL_REFUSED;
    }
    return status;
}


static int report(const otpctl_t *ctl, const archive_t *archive)
{
    if (ctl->options->given & OTPCTL_JSON) {
        return otpctl_print_json(json_pack("{s:s, s:I, s:I, s:I}", "verdict", "ok", "imported",
                                           (json_int_t) archive->written, "kept", (json_int_t) archive->kept, "same",
                                           (json_int_t) archive->same));
    }
    printf("%zu record(s) imported, %zu were so already\n", archive->written, archive->same);
    if (archive->kept) {
        printf("%zu were there and stay as they are: --replace takes those of the file (never an older last code)\n",
               archive->kept);
    }
    return OTPCTL_DONE;
}


otpctl_status_t otpctl_import_run(otpctl_t *ctl)
{
    archive_t       archive = { .lines = 0 };
    otpctl_status_t status = read_archive(ctl, &archive);

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
    return status == OTPCTL_DONE ? (otpctl_status_t) report(ctl, &archive) : status;
}
