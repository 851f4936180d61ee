#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/people/otp_password.h"
#include "core/people/otp_password_index.h"

#define BCRYPT      "$2b$05$DElVBcoNe8Ryubkmx9VsbeMmVafJW2jcWA6HxzWMQvWU4HEqs4vm6"
#define SHA512      "$6$zGcC9Nn9TcFTgPnt$qA0A9MbkgvDYel49aYQJmJcgaxt2/CdlGjkJnhcP3Rw1DGrBZEduooMsSWHTXNxp4shlHFo3f" \
                    "BwDmUpqeeX730"
#define SHA256      "$5$zYcV52Y2pK56MCnP$Pl4m0cHbt4hE96vkzrU9VKRSuV0TQTeiir6UisP08S2"

static const char file[] =
    "# people\n"
    "\n"
    "no colon here\n"
    ":" SHA256 "\n"
    "alice:" SHA256 ":Alice Martin:alice@example.org:staff,helpdesk:ignored\n"
    " Bob :" BCRYPT "\r\n"
    "carol:!\n"
    "alice:" SHA512 ":Another Alice\n"
    "Erin Smith:!:Erin:erin@example.org\n"
    "Dave:" SHA512 "::dave@example.org";

static void assert_span(otp_span_t span, const char *text)
{
    assert_int_equal(span.len, strlen(text));
    assert_memory_equal(span.data ? span.data : "", text, span.len);
}


static otp_password_index_t *index_of(otp_span_t text)
{
    otp_password_index_t *index = otp_password_index_create(text);

    assert_non_null(index);
    return index;
}


static int begin(void **state)
{
    *state = index_of(OTP_SPAN(file));
    return 0;
}


static int end(void **state)
{
    otp_password_index_destroy(*state);
    return 0;
}


static void test_a_person_is_found_with_all_fields(void **state)
{
    otp_person_t person;
    otp_span_t   hash;

    assert_true(otp_password_index_find(*state, OTP_SPAN("alice"), &person, &hash));
    assert_span(person.uid, "alice");
    assert_span(person.name, "Alice Martin");
    assert_span(person.email, "alice@example.org");
    assert_span(person.groups, "staff,helpdesk");
    assert_span(hash, SHA256);
    assert_true(otp_password_index_find(*state, OTP_SPAN("carol"), &person, &hash));
    assert_span(person.name, "");
    assert_span(hash, "!");
}


static void test_a_line_s_own_uid_is_read_in_canonical_form(void **state)
{
    otp_person_t person;
    otp_span_t   hash;

    assert_true(otp_password_index_find(*state, OTP_SPAN("bob"), &person, &hash));
    assert_span(person.uid, "Bob");
    assert_span(hash, BCRYPT);
}


static void test_the_last_line_needs_no_newline(void **state)
{
    otp_password_index_t *index = index_of(OTP_SPAN("dave:" SHA256));
    otp_person_t          person;
    otp_span_t            hash;

    assert_true(otp_password_index_find(*state, OTP_SPAN("dave"), &person, &hash));
    assert_span(person.email, "dave@example.org");
    assert_span(hash, SHA512);
    assert_true(otp_password_index_find(index, OTP_SPAN("dave"), &person, &hash));
    assert_span(hash, SHA256);
    assert_false(otp_password_index_find(index, OTP_SPAN("alice"), &person, &hash));
    assert_span(otp_password_index_decoy(index, OTP_SPAN("alice")), SHA256);
    otp_password_index_destroy(index);
}


static void test_nobody_else_is_found_and_nothing_is_said_of_them(void **state)
{
    static const char *const unknown[] = {
        "", "ali", "alicea", "# people", "no colon here", "martin", "alice martin", "erin smith", "erin", "zoe",
        "a-name-that-is-longer-than-any-identifier-may-be.a-name-that-is-l",
    };
    static const char untouched[] = "untouched";
    otp_person_t      person = { .uid = OTP_SPAN(untouched) };
    otp_span_t        hash = OTP_SPAN(untouched);

    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_false(otp_password_index_find(*state, otp_span_of(unknown[i]), &person, &hash));
    }
    assert_ptr_equal(person.uid.data, untouched);
    assert_ptr_equal(hash.data, untouched);
}


static void test_a_file_without_people_finds_nobody(void **state)
{
    static const char *const empty[] = { "", "\n", "# alice:x\n", "\r\n\r\n", "alice", ":x", "Alice Martin:x\n" };
    otp_person_t             person;
    otp_span_t               hash;

    (void) state;
    for (size_t i = 0; i <= sizeof(empty) / sizeof(empty[0]); i++) {
        otp_password_index_t *index = index_of(i ? otp_span_of(empty[i - 1]) : OTP_SPAN_NONE);

        assert_false(otp_password_index_find(index, OTP_SPAN("alice"), &person, &hash));
        assert_false(otp_password_index_find(index, OTP_SPAN(""), &person, &hash));
        assert_true(otp_span_starts(otp_password_index_decoy(index, OTP_SPAN("alice")), OTP_SPAN("$y$")));
        otp_password_index_destroy(index);
    }
}


static void test_a_text_whose_places_do_not_fit_is_refused(void **state)
{
    (void) state;
    assert_null(otp_password_index_create((otp_span_t) { file, UINT32_MAX }));
    assert_null(otp_password_index_create((otp_span_t) { file, (size_t) UINT32_MAX + 1000 }));
    otp_password_index_destroy(NULL);
}


static void test_a_decoy_is_a_hash_of_the_file_and_stays_the_same(void **state)
{
    static const char *const hashes[] = { SHA256, BCRYPT, SHA512 };
    otp_password_index_t    *again = index_of(OTP_SPAN(file));
    size_t                   met[3] = { 0 };
    char                     uid[16];

    for (int i = 0; i < 300; i++) {
        otp_span_t name = { uid, (size_t) snprintf(uid, sizeof(uid), "nobody%d", i) };
        otp_span_t decoy = otp_password_index_decoy(*state, name);

        for (size_t j = 0; j < 3; j++) {
            met[j] += otp_span_equal(decoy, otp_span_of(hashes[j]));
        }
        assert_ptr_equal(decoy.data, otp_password_index_decoy(*state, name).data);
        assert_ptr_equal(decoy.data, otp_password_index_decoy(again, name).data);
    }
    assert_int_equal(met[0] + met[1] + met[2], 300);
    for (size_t j = 0; j < 3; j++) {
        assert_in_range(met[j], 20, 200);
    }
    otp_password_index_destroy(again);
}


static void test_decoys_are_spread_over_all_hashes_of_the_file(void **state)
{
    static char text[100 * 100];
    size_t      len = 0, met[100] = { 0 };
    char        uid[16];

    (void) state;
    for (int i = 0; i < 100; i++) {
        len += (size_t) snprintf(text + len, sizeof(text) - len, "p%02d:" SHA256 "\n", i);
    }
    otp_password_index_t *index = index_of((otp_span_t) { text, len });

    for (int i = 0; i < 10000; i++) {
        otp_span_t name = { uid, (size_t) snprintf(uid, sizeof(uid), "nobody%d", i) };

        met[(size_t) (otp_password_index_decoy(index, name).data - text) / (len / 100)]++;
    }
    for (size_t i = 0; i < 100; i++) {
        assert_in_range(met[i], 50, 150);
    }
    otp_password_index_destroy(index);
}


static void test_a_file_without_a_usable_hash_has_a_decoy_too(void **state)
{
    otp_password_index_t *index = index_of(OTP_SPAN("a:!\nb:*\nc:abcdefghijklm\n"));
    otp_span_t            decoy = otp_password_index_decoy(index, OTP_SPAN("x"));

    (void) state;
    assert_true(otp_span_starts(decoy, OTP_SPAN("$y$")));
    assert_true(otp_password_acceptable(decoy));
    assert_ptr_equal(decoy.data, otp_password_index_decoy(index, OTP_SPAN("y")).data);
    assert_false(otp_password_matches(OTP_SPAN("x"), decoy));
    otp_password_index_destroy(index);
}


/* What the index must give, by looking at every line: the first whose uid is this one. */
static bool naive_find(otp_span_t text, otp_span_t uid, otp_person_t *person, otp_span_t *hash)
{
    otp_span_t line;

    while (text.data) {
        otp_span_t rest = line = otp_span_cut(&text, '\n');

        if (line.len && line.data[0] != '#' && otp_span_equal_nocase(otp_span_trim(otp_span_cut(&rest, ':')), uid)
            && rest.data)
        {
            otp_password_read(line, person, hash);
            return true;
        }
    }
    return false;
}


static otp_span_t naive_usable(otp_span_t text)
{
    while (text.data) {
        otp_span_t line = otp_span_cut(&text, '\n'), rest = line;
        otp_span_t uid = otp_span_trim(otp_span_cut(&rest, ':'));
        otp_span_t hash = otp_span_trim(otp_span_cut(&rest, ':'));

        if (line.len && line.data[0] != '#' && uid.len && otp_password_acceptable(hash)) {
            return hash;
        }
    }
    return OTP_SPAN_NONE;
}


/* The numbers are those of the specification of FNV-1a and of MurmurHash3's last step. */
static otp_span_t naive_decoy(otp_span_t text, otp_span_t uid)
{
    uint64_t value = 14695981039346656037U;

    for (size_t i = 0; i < uid.len; i++) {
        value = (value ^ (unsigned char) uid.data[i]) * 1099511628211U;
    }
    value = (value ^ value >> 33) * 0xff51afd7ed558ccdU;
    value = (value ^ value >> 33) % text.len;

    otp_span_t after = { text.data + value, text.len - value };

    (void) otp_span_cut(&after, '\n');
    otp_span_t hash = naive_usable(after);

    return hash.data ? hash : naive_usable(text);
}


static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}


/* Few and short uids, so that many are there twice; and lines as odd as can be. */
static size_t random_file(uint32_t *seed, char *text, size_t size)
{
    static const char *const part[] = {
        "a", "b", "A", "B", "a.b", "ab", "9", "@", "é", " ", "\t", "\r", "#", ":", ":", ":", "::", "\n", "\n", "\n",
        "\na:", "\nb:", "\n A :", "\nab:", "\nB:x:", "\n#", "\n\n", "\r\n", ":" SHA256, ":" SHA256 ":", ":!",
        ":" BCRYPT "\r\n", "\nab:" BCRYPT "\n", "\na b:" SHA512 "\n", "\n  \t ba:" SHA256 "\n", ":*:", "Name:", "\nbb",
        "aa",
    };
    size_t len = 0, parts = next_random(seed) % 120;

    for (size_t i = 0; i < parts; i++) {
        const char *add = part[next_random(seed) % (sizeof(part) / sizeof(part[0]))];

        if (next_random(seed) % 500 == 0 && len < size) {
            text[len++] = '\0';
        }
        if (len + strlen(add) <= size) {
            memcpy(text + len, add, strlen(add));
            len += strlen(add);
        }
    }
    return len;
}


static void assert_same(otp_span_t a, otp_span_t b)
{
    assert_ptr_equal(a.data, b.data);
    assert_int_equal(a.len, b.len);
}


/* Whether `uid` is somebody. */
static bool assert_as_naive(const otp_password_index_t *index, otp_span_t text, otp_span_t uid)
{
    otp_person_t person, expected;
    otp_span_t   hash, expected_hash;
    bool         known = naive_find(text, uid, &expected, &expected_hash);

    assert_int_equal(otp_password_index_find(index, uid, &person, &hash), known);
    if (known) {
        assert_same(person.uid, expected.uid);
        assert_same(person.name, expected.name);
        assert_same(person.email, expected.email);
        assert_same(person.groups, expected.groups);
        assert_same(hash, expected_hash);
    }
    expected_hash = text.len ? naive_decoy(text, uid) : OTP_SPAN_NONE;
    if (expected_hash.data) {
        assert_same(otp_password_index_decoy(index, uid), expected_hash);
    }
    return known;
}


static void test_index_and_naive_search_agree_on_random_files(void **state)
{
    static const char letter[] = "ab9.@";
    uint32_t          seed = 20251;
    size_t            known = 0, asked = 0;
    char              uid[3];

    (void) state;
    for (int i = 0; i < 3000; i++) {
        char                  room[8192];
        size_t                len = random_file(&seed, room, sizeof(room));
        char                 *text = malloc(len ? len : 1);     /* where a read beyond the end is noticed */

        assert_non_null(text);
        memcpy(text, room, len);

        otp_span_t            all = { text, len };
        otp_password_index_t *index = index_of(all);

        for (size_t j = 0; j < 30; j++) {
            uid[0] = letter[j % 5];
            uid[1] = letter[j / 5 % 5];
            known += assert_as_naive(index, all, (otp_span_t) { uid, j < 5 ? 1 : 2 });
            asked++;
        }
        known += assert_as_naive(index, all, OTP_SPAN("a.b"));
        otp_password_index_destroy(index);
        free(text);
    }
    /* Enough of both kinds. */
    assert_in_range(known, asked / 50, asked / 2);
}


/* The index tells most uids apart by 32 bits that are the same for each of these pairs. */
static void test_people_who_share_a_mark_are_told_apart(void **state)
{
    static const char *const pair[][2] = {
        { "person95266", "person101231" }, { "person128155", "person175517" }, { "person209092", "person219760" }
    };
    char         text[128];
    otp_person_t person;
    otp_span_t   hash;

    (void) state;
    for (size_t i = 0; i < 6; i++) {
        const char           *one = pair[i / 2][i % 2], *other = pair[i / 2][1 - i % 2];
        size_t                len = (size_t) snprintf(text, sizeof(text), "%s:1\n%s:2\n%s:3\n%s:4\n", one, other, one,
                                                      other);
        size_t                first_len = (size_t) (strchr(text, '\n') - text);
        otp_password_index_t *both = index_of((otp_span_t) { text, len });
        otp_password_index_t *first = index_of((otp_span_t) { text, first_len });

        assert_true(otp_password_index_find(both, otp_span_of(one), &person, &hash));
        assert_span(hash, "1");
        assert_true(otp_password_index_find(both, otp_span_of(other), &person, &hash));
        assert_span(hash, "2");
        assert_true(otp_password_index_find(first, otp_span_of(one), &person, &hash));
        assert_false(otp_password_index_find(first, otp_span_of(other), &person, &hash));
        otp_password_index_destroy(both);
        otp_password_index_destroy(first);
    }
}


/* Every uid twice, in an order that is none. */
static void test_each_of_many_people_is_found_in_the_first_of_two_lines(void **state)
{
    enum { PEOPLE = 50000, SIZE = PEOPLE * 2 * 32 };
    char        *text = malloc(SIZE), uid[32];
    size_t       len = 0;
    otp_person_t person;
    otp_span_t   hash;

    (void) state;
    assert_non_null(text);
    for (unsigned i = 0; i < 2 * PEOPLE; i++) {
        unsigned who = i * 7919U % PEOPLE;

        len += (size_t) snprintf(text + len, SIZE - len, "%s%u:!:%s\n", i < PEOPLE ? "person" : "PERSON", who,
            i < PEOPLE ? "first" : "second");
    }
    otp_password_index_t *index = index_of((otp_span_t) { text, len });

    for (unsigned i = 0; i < PEOPLE; i++) {
        size_t uid_len = (size_t) snprintf(uid, sizeof(uid), "person%u", i);

        assert_true(otp_password_index_find(index, (otp_span_t) { uid, uid_len }, &person, &hash));
        assert_span(person.uid, uid);
        assert_span(person.name, "first");
        assert_false(otp_password_index_find(index, (otp_span_t) { uid + 1, uid_len - 1 }, &person, &hash));
    }
    otp_password_index_destroy(index);
    free(text);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_person_is_found_with_all_fields, begin, end),
        cmocka_unit_test_setup_teardown(test_a_line_s_own_uid_is_read_in_canonical_form, begin, end),
        cmocka_unit_test_setup_teardown(test_the_last_line_needs_no_newline, begin, end),
        cmocka_unit_test_setup_teardown(test_nobody_else_is_found_and_nothing_is_said_of_them, begin, end),
        cmocka_unit_test(test_a_file_without_people_finds_nobody),
        cmocka_unit_test(test_a_text_whose_places_do_not_fit_is_refused),
        cmocka_unit_test_setup_teardown(test_a_decoy_is_a_hash_of_the_file_and_stays_the_same, begin, end),
        cmocka_unit_test(test_decoys_are_spread_over_all_hashes_of_the_file),
        cmocka_unit_test(test_a_file_without_a_usable_hash_has_a_decoy_too),
        cmocka_unit_test(test_index_and_naive_search_agree_on_random_files),
        cmocka_unit_test(test_people_who_share_a_mark_are_told_apart),
        cmocka_unit_test(test_each_of_many_people_is_found_in_the_first_of_two_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
