#include "core/people/otp_password_index.h"

#include <stdlib.h>
#include <string.h>

#include "core/people/otp_password.h"

/* Whom a line is about: a number that tells nearly all uids apart, so that sorting and searching hardly read the
 * text. */
typedef struct {
    uint32_t mark;
    uint32_t line;      /* where it begins */
} entry_t;

typedef struct {
    uint32_t mark;
    size_t   len;
    char     uid[OTP_UID_LEN];
} name_t;

struct otp_password_index_s {
    otp_span_t text;
    entry_t   *entry;       /* by mark, then uid; each uid once */
    size_t     entries;
    uint32_t  *usable;      /* lines with an acceptable hash, in the order of the file */
    size_t     usables;
};


/* FNV-1a, mixed once more: spreads marks and decoys, protects nothing.  Nothing gets slow by uids of the same mark. */
static uint64_t spread(otp_span_t uid)
{
    uint64_t value = 0xcbf29ce484222325U;

    for (size_t i = 0; i < uid.len; i++) {
        value = (value ^ (unsigned char) uid.data[i]) * 0x100000001b3U;
    }
    value = (value ^ value >> 33) * 0xff51afd7ed558ccdU;
    return value ^ value >> 33;
}


static bool name_of(otp_span_t uid, name_t *name)
{
    if (otp_uid_canonical(uid, name->uid, &name->len) != OTP_OK) {
        return false;
    }
    name->mark = (uint32_t) spread((otp_span_t) { name->uid, name->len });
    return true;
}


static otp_span_t line_at(const otp_password_index_t *index, uint32_t line)
{
    otp_span_t rest = { index->text.data + line, index->text.len - line };

    return otp_span_cut(&rest, '\n');
}


/* Whose line it is; only lines that are somebody's have an entry. */
static void name_at(const otp_password_index_t *index, uint32_t line, name_t *name)
{
    otp_span_t rest = line_at(index, line);

    (void) name_of(otp_span_cut(&rest, ':'), name);
}


static int order(const otp_password_index_t *index, const entry_t *entry, const name_t *name)
{
    name_t own;

    if (entry->mark != name->mark) {
        return entry->mark < name->mark ? -1 : 1;
    }
    name_at(index, entry->line, &own);
    if (own.len != name->len) {
        return own.len < name->len ? -1 : 1;
    }
    return memcmp(own.uid, name->uid, own.len);
}


static int order_uids(const otp_password_index_t *index, const entry_t *one, const entry_t *other)
{
    name_t name;

    if (one->mark != other->mark) {
        return one->mark < other->mark ? -1 : 1;
    }
    name_at(index, other->line, &name);
    return order(index, one, &name);
}


/* Of qsort_r(): the lines of one uid stay in the order of the file. */
static int order_entries(const void *a, const void *b, void *index)
{
    const entry_t *one = a, *other = b;
    int            by_uid = order_uids(index, one, other);

    return by_uid ? by_uid : (one->line > other->line) - (one->line < other->line);
}


/* The only entry that can be of this name. */
static const entry_t *nearest(const otp_password_index_t *index, const name_t *name)
{
    const entry_t *entry = index->entry;

    for (size_t left = index->entries; left > 1; ) {
        size_t half = left / 2;

        if (order(index, entry + half, name) <= 0) {
            entry += half;
        }
        left -= half;
    }
    return entry;
}


/* The first line of a uid counts. */
static void drop_repeated(otp_password_index_t *index)
{
    size_t kept = 0;

    for (size_t i = 0; i < index->entries; i++) {
        if (kept == 0 || order_uids(index, &index->entry[i], &index->entry[kept - 1]) != 0) {
            index->entry[kept++] = index->entry[i];
        }
    }
    index->entries = kept;
}


static bool make_room(otp_password_index_t *index)
{
    otp_span_t text = index->text, line;
    size_t     lines = 0;

    while (otp_password_line(&text, &line)) {
        lines++;
    }
    index->entry = malloc((lines + 1) * sizeof(*index->entry));
    index->usable = malloc((lines + 1) * sizeof(*index->usable));
    return index->entry && index->usable;
}


static void read_lines(otp_password_index_t *index)
{
    otp_span_t   text = index->text, line, hash;
    otp_person_t person;
    name_t       name;

    while (otp_password_line(&text, &line)) {
        uint32_t begin = (uint32_t) (line.data - index->text.data);

        otp_password_read(line, &person, &hash);
        if (name_of(person.uid, &name)) {
            index->entry[index->entries++] = (entry_t) { .mark = name.mark, .line = begin };
        }
        if (otp_password_acceptable(hash)) {
            index->usable[index->usables++] = begin;
        }
    }
}


otp_password_index_t *otp_password_index_create(otp_span_t text)
{
    otp_password_index_t *index = text.len < UINT32_MAX ? calloc(1, sizeof(*index)) : NULL;

    if (!index) {
        return NULL;
    }
    index->text = text;
    if (!make_room(index)) {
        otp_password_index_destroy(index);
        return NULL;
    }
    read_lines(index);
    qsort_r(index->entry, index->entries, sizeof(*index->entry), order_entries, index);
    drop_repeated(index);
    return index;
}


void otp_password_index_destroy(otp_password_index_t *index)
{
    if (!index) {
        return;
    }
    free(index->entry);
    free(index->usable);
    free(index);
}


/* The nearest line is read in any case: the time must not tell whether somebody has a line, nor where. */
bool otp_password_index_find(const otp_password_index_t *index, otp_span_t uid, otp_person_t *person,
    otp_span_t *hash)
{
    const entry_t *entry;
    otp_person_t   read_person;
    otp_span_t     read_hash;
    name_t         name;

    if (index->entries == 0 || !name_of(uid, &name)) {
        return false;
    }
    entry = nearest(index, &name);
    otp_password_read(line_at(index, entry->line), &read_person, &read_hash);
    if (order(index, entry, &name) != 0) {
        return false;
    }
    *person = read_person;
    *hash = read_hash;
    return true;
}


/* The first usable line after a place of the text that the uid decides. */
otp_span_t otp_password_index_decoy(const otp_password_index_t *index, otp_span_t uid)
{
    size_t       place = index->text.len ? (size_t) (spread(uid) % index->text.len) : 0;
    size_t       first = 0;
    otp_person_t person;
    otp_span_t   hash;

    if (index->usables == 0) {
        return OTP_SPAN("$y$j9T$nVmwnBYGMSQzL9aXK3vWq/$5wVq8Yk6h8eBv9Fd3uLQ2mT7cXsRj1oPzN4gWbHyKtD");
    }
    for (size_t end = index->usables; first < end; ) {
        size_t middle = first + (end - first) / 2;

        if (index->usable[middle] > place) {
            end = middle;
        } else {
            first = middle + 1;
        }
    }
    otp_password_read(line_at(index, index->usable[first < index->usables ? first : 0]), &person, &hash);
    return hash;
}
