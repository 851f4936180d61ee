#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/people/otp_people_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char people[] =
    "# uid:hash:name:email:groups\n"
    "marie.dupont:$6$x:Marie Dupont:marie.dupont@example.org:teachers\n"
    "jdupont:$6$x:Jean Dupont-Martin:jean@example.org:staff,accounting\n"
    "hel\xc3\xa8ne:$6$x:no identifier:nobody@example.org:staff\n"
    "helene.boeuf:$6$x:H\xc3\xa9l\xc3\xa8ne B\xc5\x93uf:h.boeuf@example.org:staff\n"
    "francois:$6$x:Fran\xc3\xa7ois D\xe2\x80\x99\xc3\x89tang:f.etang@example.org:staff\n"
    "noel.decomposed:$6$x:Noe\xcc\x88l Martin:noel@example.org:staff\n"
    "bare:$6$x\n"
    "dupont:$6$x:Anne Dupont:anne@example.org:staff\n"
    "Marie.Dupont:$6$x:Somebody Else:else@example.org:staff\n"
    "lukasz+1@example.org:$6$x:\xc5\x81ukasz \xc5\xbb\xc3\xb3\xc5\x82ty:l@example.org:staff\n";

/* The identifiers found, with blanks between. */
static const char *found_among(const char *text, const char *query, const char *groups)
{
    static char  names[4096];
    otp_person_t person[OTP_PEOPLE_SEARCH_MAX];
    bool         more;
    size_t       n, len = 0;

    n = otp_people_search(otp_span_of(text), otp_span_of(query), otp_span_of(groups), person, 25, &more);
    names[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        len += (size_t) snprintf(names + len, sizeof(names) - len, "%s%.*s", i == 0 ? "" : " ", (int) person[i].uid.len,
            person[i].uid.data);
    }
    return names;
}


static const char *found_in(const char *text, const char *query)
{
    return found_among(text, query, NULL);
}


static const char *found(const char *query)
{
    return found_in(people, query);
}


static void test_the_identifier_itself_comes_first_then_what_begins_with_it(void **state)
{
    (void) state;
    assert_string_equal(found("dupont"), "dupont marie.dupont jdupont");
    assert_string_equal(found("marie"), "marie.dupont");
}


static void test_a_word_that_begins_comes_before_one_that_only_contains(void **state)
{
    (void) state;
    assert_string_equal(found("martin"), "jdupont noel.decomposed");
    assert_string_equal(found_in("a:x:Unmarie\nb:x:Anne Marie\nc:x:Marie X\nmarie:x\n", "marie"), "marie c b a");
}


static void test_every_word_has_to_be_found_in_any_order(void **state)
{
    (void) state;
    assert_string_equal(found("dupont jean"), "jdupont");
    assert_string_equal(found("dupont \t  example.org anne"), "dupont");
    assert_string_equal(found("dupont zoe"), "");
}


static void test_a_word_does_not_reach_from_one_field_into_the_next(void **state)
{
    (void) state;
    assert_string_equal(found_in("ab:x:cd:ef\n", "abcd"), "");
    assert_string_equal(found_in("ab:x:cd:ef\n", "cdef"), "");
}


static void test_case_and_accents_do_not_count(void **state)
{
    (void) state;
    assert_string_equal(found("H\xc3\x89L\xc3\x88NE"), "helene.boeuf");
    assert_string_equal(found("helene"), "helene.boeuf");
    assert_string_equal(found("BOEUF"), "helene.boeuf");
    assert_string_equal(found("b\xc5\x93uf"), "helene.boeuf");
    assert_string_equal(found("FRAN\xc3\x87OIS"), "francois");
    assert_string_equal(found("lukasz zolty"), "lukasz+1@example.org");
}


static void test_an_accent_on_its_own_is_no_letter(void **state)
{
    (void) state;
    assert_string_equal(found("noel"), "noel.decomposed");
    assert_string_equal(found("No\xc3\xabl"), "noel.decomposed");
    assert_string_equal(found("Noe\xcc\x88l"), "noel.decomposed");
}


static void test_both_apostrophes_are_one(void **state)
{
    (void) state;
    assert_string_equal(found("d'etang"), "francois");
    assert_string_equal(found("d\xe2\x80\x99\xc3\xa9tang"), "francois");
}


static void test_every_accented_letter_of_french_is_folded(void **state)
{
    (void) state;
    assert_string_equal(found_in("a:x:\xc3\xa0\xc3\xa2\xc3\xa4\xc3\xa9\xc3\xa8\xc3\xaa\xc3\xab\xc3\xae\xc3\xaf\xc3\xb4"
                                 "\xc3\xb6\xc3\xb9\xc3\xbb\xc3\xbc\xc3\xbf\xc3\xa7\xc5\x93\xc3\xa6\n",
        "aaaeeeeiioouuuycoeae"), "a");
    assert_string_equal(found_in("a:x:\xc3\x80\xc3\x82\xc3\x84\xc3\x89\xc3\x88\xc3\x8a\xc3\x8b\xc3\x8e\xc3\x8f\xc3\x94"
                                 "\xc3\x96\xc3\x99\xc3\x9b\xc3\x9c\xc5\xb8\xc3\x87\xc5\x92\xc3\x86\n",
        "aaaeeeeiioouuuycoeae"), "a");
}


static void test_the_name_that_is_shown_is_the_files_own(void **state)
{
    otp_person_t person;
    bool         more;

    (void) state;
    assert_int_equal(otp_people_search(otp_span_of(people), OTP_SPAN("boeuf"), OTP_SPAN_NONE, &person, 1, &more), 1);
    assert_true(otp_span_equal(person.name, OTP_SPAN("H\xc3\xa9l\xc3\xa8ne B\xc5\x93uf")));
    assert_true(otp_span_equal(person.email, OTP_SPAN("h.boeuf@example.org")));
    assert_true(otp_span_equal(person.groups, OTP_SPAN("staff")));
    assert_false(more);
}


static void test_groups_and_hashes_are_not_searched(void **state)
{
    (void) state;
    assert_string_equal(found("accounting"), "");
    assert_string_equal(found("$6$"), "");
}


static void test_an_identifier_that_can_be_nobodys_is_not_found(void **state)
{
    (void) state;
    assert_string_equal(found("no identifier"), "");
}


static void test_the_second_line_of_a_person_is_not_a_second_person(void **state)
{
    (void) state;
    assert_string_equal(found("marie.dupont"), "marie.dupont");
}


static void test_an_empty_query_finds_nobody(void **state)
{
    (void) state;
    assert_string_equal(found(""), "");
    assert_string_equal(found("   \t"), "");
    assert_string_equal(found("\xc2\xa0"), "");
    assert_string_equal(found("\xcc\x81"), "");
}


static void test_a_query_that_is_too_long_finds_nobody(void **state)
{
    char text[OTP_PEOPLE_QUERY_LEN + 2];

    (void) state;
    memset(text, 'a', sizeof(text));
    text[OTP_PEOPLE_QUERY_LEN + 1] = '\0';
    assert_string_equal(found(text), "");
    assert_string_equal(found("m m a r i e d u"), "marie.dupont jdupont");
    assert_string_equal(found("m m a r i e d u p"), "");
}


static void test_a_name_too_long_to_be_shown_is_not_searched(void **state)
{
    char line[2 * OTP_NAME_LEN];

    (void) state;
    snprintf(line, sizeof(line), "a:x:%0*d\n", OTP_NAME_LEN, 7);
    assert_string_equal(found_in(line, "007"), "a");
    snprintf(line, sizeof(line), "a:x:%0*d\n", OTP_NAME_LEN + 1, 7);
    assert_string_equal(found_in(line, "007"), "");
}


static void test_no_more_than_asked_for_and_the_best_of_all(void **state)
{
    static const char text[] = "xa1:x\nxa2:x\nxa3:x\nab:x\na:x\n";
    otp_person_t      person[3];
    bool              more;

    (void) state;
    memset(person, 0xff, sizeof(person));
    assert_int_equal(otp_people_search(otp_span_of(text), OTP_SPAN("a"), OTP_SPAN_NONE, person, 3, &more), 3);
    assert_true(more);
    assert_true(otp_span_equal(person[0].uid, OTP_SPAN("a")));
    assert_true(otp_span_equal(person[1].uid, OTP_SPAN("ab")));
    assert_true(otp_span_equal(person[2].uid, OTP_SPAN("xa1")));

    assert_int_equal(otp_people_search(otp_span_of(text), OTP_SPAN("xa"), OTP_SPAN_NONE, person, 3, &more), 3);
    assert_false(more);
    assert_int_equal(otp_people_search(otp_span_of(text), OTP_SPAN("a"), OTP_SPAN_NONE, person, 0, &more), 0);
    assert_true(more);
    assert_int_equal(otp_people_search(otp_span_of(""), OTP_SPAN("a"), OTP_SPAN_NONE, person, 3, &more), 0);
    assert_int_equal(otp_people_search(OTP_SPAN_NONE, OTP_SPAN("a"), OTP_SPAN_NONE, person, 3, &more), 0);
}


/* Bytes from a generator of our own, with what the parser looks for more often than chance would. */
static void test_odd_bytes_do_no_harm(void **state)
{
    static const char likely[] = ":\n#\xc3\xa9\xc5\x93\xcc\x81\xe2\x80\x99 a.\0@";
    uint32_t          seed = 42;

    (void) state;
    for (size_t round = 0; round < 20000; round++) {
        size_t       len = round % 97, query_len = round % 23;
        char        *text = malloc(len + 1), *query = malloc(query_len + 1);
        otp_person_t person[4];
        bool         more;

        for (size_t i = 0; i < len + query_len; i++) {
            seed = seed * 1664525U + 1013904223U;
            char c = (seed >> 30) == 0 ? (char) (seed >> 16) : likely[(seed >> 16) % sizeof(likely)];

            *(i < len ? &text[i] : &query[i - len]) = c;
        }
        size_t n = otp_people_search((otp_span_t) { text, len }, (otp_span_t) { query, query_len }, OTP_SPAN_NONE,
            person, 4, &more);

        assert_true(n <= 4);
        for (size_t i = 0; i < n; i++) {
            assert_true(person[i].uid.data >= text && person[i].uid.data + person[i].uid.len <= text + len);
        }
        free(text);
        free(query);
    }
}


/* The worst that a query and names can do to each other; measured in time of the processor. */
static void test_a_hundred_thousand_lines_take_bounded_time(void **state)
{
    enum { LINES = 100000, LINE = 300 };
    char        *text = malloc((size_t) LINES * LINE), query[OTP_PEOPLE_QUERY_LEN + 1], name[OTP_NAME_LEN + 1];
    size_t       len = 0;
    otp_person_t person[25];
    bool         more;
    clock_t      start;

    (void) state;
    assert_non_null(text);
    memset(name, 'a', OTP_NAME_LEN);
    name[OTP_NAME_LEN] = '\0';
    for (size_t i = 0; i < LINES; i++) {
        len += (size_t) snprintf(text + len, LINE, "u%zu:$6$x:%s:%.100s@x:staff\n", i, name, name);
    }
    memset(query, 'a', OTP_PEOPLE_QUERY_LEN);
    snprintf(query + 63, 3, "b ");
    memset(query + 65, 'a', OTP_PEOPLE_QUERY_LEN - 65);
    query[OTP_PEOPLE_QUERY_LEN] = '\0';

    start = clock();
    assert_int_equal(otp_people_search((otp_span_t) { text, len }, otp_span_of(query), OTP_SPAN_NONE, person, 25,
                                       &more), 0);
    assert_int_equal(otp_people_search((otp_span_t) { text, len }, OTP_SPAN("a a a a a a a a"), OTP_SPAN_NONE, person,
                                       25, &more), 25);
    assert_true(more);
    assert_true((double) (clock() - start) / CLOCKS_PER_SEC < 10);  /* 0.2 s without a sanitizer */
    free(text);
}


static void test_only_members_of_the_groups_are_found(void **state)
{
    (void) state;
    assert_string_equal(found_among(people, "martin", "staff"), "jdupont noel.decomposed");
    assert_string_equal(found_among(people, "martin", "accounting"), "jdupont");
    assert_string_equal(found_among(people, "martin", "nobodys, accounting"), "jdupont");
    assert_string_equal(found_among(people, "martin", "account"), "");
    assert_string_equal(found_among(people, "bare", "staff"), "");
    assert_string_equal(found_among(people, "bare", ""), "bare");
}


static void test_others_take_nobodys_place_and_are_not_told_of(void **state)
{
    char         text[8192] = "";
    size_t       len = 0;
    bool         more = true;
    otp_person_t person[OTP_PEOPLE_SEARCH_MAX];

    (void) state;
    for (int i = 0; i < 60; i++) {
        len += (size_t) snprintf(text + len, sizeof(text) - len, "dupont%02d:x:Dupont:d@e:staff\n", i);
    }
    len += (size_t) snprintf(text + len, sizeof(text) - len, "x.dupont:x:X:x@e:college\n");
    assert_int_equal(otp_people_search((otp_span_t) { text, len }, OTP_SPAN("dupont"), OTP_SPAN("college"), person, 25,
                                       &more), 1);
    assert_true(otp_span_equal(person[0].uid, OTP_SPAN("x.dupont")));
    assert_false(more);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_members_of_the_groups_are_found),
        cmocka_unit_test(test_others_take_nobodys_place_and_are_not_told_of),
        cmocka_unit_test(test_the_identifier_itself_comes_first_then_what_begins_with_it),
        cmocka_unit_test(test_a_word_that_begins_comes_before_one_that_only_contains),
        cmocka_unit_test(test_every_word_has_to_be_found_in_any_order),
        cmocka_unit_test(test_a_word_does_not_reach_from_one_field_into_the_next),
        cmocka_unit_test(test_case_and_accents_do_not_count),
        cmocka_unit_test(test_an_accent_on_its_own_is_no_letter),
        cmocka_unit_test(test_both_apostrophes_are_one),
        cmocka_unit_test(test_every_accented_letter_of_french_is_folded),
        cmocka_unit_test(test_the_name_that_is_shown_is_the_files_own),
        cmocka_unit_test(test_groups_and_hashes_are_not_searched),
        cmocka_unit_test(test_an_identifier_that_can_be_nobodys_is_not_found),
        cmocka_unit_test(test_the_second_line_of_a_person_is_not_a_second_person),
        cmocka_unit_test(test_an_empty_query_finds_nobody),
        cmocka_unit_test(test_a_query_that_is_too_long_finds_nobody),
        cmocka_unit_test(test_a_name_too_long_to_be_shown_is_not_searched),
        cmocka_unit_test(test_no_more_than_asked_for_and_the_best_of_all),
        cmocka_unit_test(test_odd_bytes_do_no_harm),
        cmocka_unit_test(test_a_hundred_thousand_lines_take_bounded_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
