#include "core/people/otp_people_search.h"

#include "core/people/otp_password.h"

#include <string.h>

#define WORDS   8
#define HAY     (OTP_UID_LEN + OTP_NAME_LEN + OTP_EMAIL_LEN + 3)

typedef struct {
    char       text[OTP_PEOPLE_QUERY_LEN];
    otp_span_t whole;
    otp_span_t word[WORDS];
    size_t     words;
} wanted_t;

/* The folded fields of one line, with an end of line after each, which is in no word. */
typedef struct {
    char   text[HAY];
    size_t len, uid_len, name_len;
} hay_t;

/* Better ones are smaller. */
typedef enum { RANK_SAME, RANK_BEGINS, RANK_WORDS, RANK_CONTAINS, RANK_NONE } rank_t;


/* What stays of the letters U+00C0..U+00DF, and of U+00E0..U+00FF but for the last. */
static const char *const latin1[32] = {
    "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
    "d", "n", "o", "o", "o", "o", "o", " ", "o", "u", "u", "u", "u", "y", "th", "ss"
};

/* The same of U+0100..U+017F. */
static const char latin_extended[] =
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnn"
    "oooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

_Static_assert(sizeof(latin_extended) == 0x80 + 1, "a letter for each of U+0100..U+017F");

/* The letter or two that a character of two bytes is folded to; NULL: it stays as it is. */
static const char *fold_two(unsigned point, char single[2])
{
    single[1] = '\0';
    if (point == 0xa0) {
        return " ";
    }
    if (point == 0xff) {
        return "y";
    }
    if (point >= 0xc0 && point < 0x100) {
        return latin1[point & 31];
    }
    if (point == 0x152 || point == 0x153) {
        return "oe";
    }
    if (point >= 0x100 && point < 0x180) {
        single[0] = latin_extended[point - 0x100];
        return single;
    }
    /* Accents on their own, as in "e" and U+0301. */
    return point >= 0x300 && point < 0x370 ? "" : NULL;
}


static char fold_one(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char) (c - 'A' + 'a');
    }
    return (c >= 0 && c < ' ') || c == 0x7f ? ' ' : c;
}


static bool follows(otp_span_t text, size_t at)
{
    return at < text.len && ((unsigned char) text.data[at] & 0xc0) == 0x80;
}


/* Nothing gets longer, so `out` needs text.len bytes. */
static size_t fold(otp_span_t text, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned    first = (unsigned char) text.data[i];
        const char *folded = NULL;
        char        single[2];

        if (first >= 0xc2 && first <= 0xcd && follows(text, i + 1)) {
            folded = fold_two((first & 0x1f) << 6 | ((unsigned char) text.data[i + 1] & 0x3f), single);
        }
        if (folded != NULL) {
            memcpy(out + len, folded, strlen(folded));
            len += strlen(folded);
            i++;
        } else if (first == 0xe2 && text.len - i >= 3 && memcmp(text.data + i, "\xe2\x80\x99", 3) == 0) {
            out[len++] = '\'';      /* the apostrophe of word processors */
            i += 2;
        } else {
            out[len++] = fold_one(text.data[i]);
        }
    }
    return len;
}


/* false: nobody can have this. */
static bool wanted_read(wanted_t *wanted, otp_span_t query)
{
    otp_span_t rest;

    query = otp_span_trim(query);
    if (query.len > sizeof(wanted->text)) {
        return false;
    }
    wanted->whole = otp_span_trim((otp_span_t) { wanted->text, fold(query, wanted->text) });
    wanted->words = 0;
    rest = wanted->whole;
    while (rest.data != NULL) {
        otp_span_t word = otp_span_cut(&rest, ' ');

        if (word.len == 0) {
            continue;
        }
        if (wanted->words == WORDS) {
            return false;
        }
        wanted->word[wanted->words++] = word;
    }
    return wanted->words != 0;
}


static size_t hay_add(hay_t *hay, otp_span_t field, size_t max)
{
    size_t len = field.len <= max ? fold(field, hay->text + hay->len) : 0;

    hay->len += len;
    hay->text[hay->len++] = '\n';
    return len;
}


static bool letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char) c >= 0x80;
}


static rank_t word_rank(const hay_t *hay, otp_span_t word)
{
    const char *end = hay->text + hay->len, *at = hay->text;
    rank_t      rank = RANK_NONE;

    while ((at = memmem(at, (size_t) (end - at), word.data, word.len)) != NULL) {
        if (at == hay->text || !letter_or_digit(at[-1])) {
            return RANK_WORDS;
        }
        rank = RANK_CONTAINS;
        at++;
    }
    return rank;
}


static rank_t hay_rank(const hay_t *hay, const wanted_t *wanted)
{
    otp_span_t uid = { hay->text, hay->uid_len };
    otp_span_t name = { hay->text + hay->uid_len + 1, hay->name_len };
    rank_t     rank = RANK_WORDS;

    if (otp_span_equal(uid, wanted->whole)) {
        return RANK_SAME;
    }
    if (otp_span_starts(uid, wanted->whole) || otp_span_starts(name, wanted->whole)) {
        return RANK_BEGINS;
    }
    for (size_t i = 0; i < wanted->words && rank != RANK_NONE; i++) {
        rank_t one = word_rank(hay, wanted->word[i]);

        rank = one > rank ? one : rank;
    }
    return rank;
}


/* Whether the uid can be anybody's is asked last: most lines are not it. */
static rank_t person_rank(const otp_person_t *person, const wanted_t *wanted)
{
    hay_t  hay = { .len = 0 };
    rank_t rank;
    char   uid[OTP_UID_LEN];
    size_t len;

    hay.uid_len = hay_add(&hay, person->uid, OTP_UID_LEN);
    hay.name_len = hay_add(&hay, person->name, OTP_NAME_LEN);
    (void) hay_add(&hay, person->email, OTP_EMAIL_LEN);

    rank = hay_rank(&hay, wanted);
    return rank != RANK_NONE && otp_uid_canonical(person->uid, uid, &len) == OTP_OK ? rank : RANK_NONE;
}


typedef struct {
    otp_person_t *person;
    rank_t        rank[OTP_PEOPLE_SEARCH_MAX];
    size_t        max, n;
} best_t;

/* Behind those of the same rank, and the last one out when there are too many. */
static void best_insert(best_t *best, const otp_person_t *person, rank_t rank)
{
    size_t at = best->n;

    while (at > 0 && best->rank[at - 1] > rank) {
        at--;
    }
    if (at == best->max) {
        return;
    }
    best->n -= best->n == best->max;
    memmove(best->person + at + 1, best->person + at, (best->n - at) * sizeof(*best->person));
    memmove(best->rank + at + 1, best->rank + at, (best->n - at) * sizeof(*best->rank));
    best->person[at] = *person;
    best->rank[at] = rank;
    best->n++;
}


static bool best_have(const best_t *best, otp_span_t uid)
{
    for (size_t i = 0; i < best->n; i++) {
        if (otp_span_equal_nocase(best->person[i].uid, uid)) {
            return true;
        }
    }
    return false;
}


/* Groups too long to be handed on are none. */
static bool person_in(const otp_person_t *person, otp_span_t groups)
{
    return groups.len == 0 || (person->groups.len <= OTP_GROUPS_LEN && otp_groups_meet(person->groups, groups));
}


size_t otp_people_search(otp_span_t text, otp_span_t query, otp_span_t groups, otp_person_t *found, size_t max,
    bool *more)
{
    best_t       best = { .person = found, .max = max > OTP_PEOPLE_SEARCH_MAX ? OTP_PEOPLE_SEARCH_MAX : max };
    wanted_t     wanted;
    otp_person_t person;

    *more = false;
    if (!wanted_read(&wanted, query)) {
        return 0;
    }
    while (otp_password_next(&text, &person)) {
        rank_t rank = person_rank(&person, &wanted);

        if (rank == RANK_NONE || !person_in(&person, groups) || best_have(&best, person.uid)) {
            continue;
        }
        *more = *more || best.n == best.max;
        best_insert(&best, &person, rank);
    }
    return best.n;
}
