#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/decide/otp_zone.h"

#define NOW     INT64_C(1795370000)     /* 2026-11-22 */
#define DAY     INT64_C(86400)
#define HOUR    INT64_C(3600)

typedef struct {
    uint8_t byte[4096];
    size_t  len;
} file_t;


static void add_number(file_t *file, int64_t number, size_t width)
{
    for (size_t i = width; i-- > 0; ) {
        file->byte[file->len++] = (uint8_t) ((uint64_t) number >> (8 * i));
    }
}


static void add_header(file_t *file, char version, uint32_t leaps, uint32_t times, uint32_t types)
{
    memcpy(file->byte + file->len, "TZif", 4);
    file->byte[file->len + 4] = (uint8_t) version;
    memset(file->byte + file->len + 5, 0, 15);
    file->len += 20;
    for (size_t i = 0; i < 6; i++) {
        add_number(file, i == 2 ? leaps : i == 3 ? times : i == 4 ? types : i == 5 ? 4 : 0, 4);
    }
}


typedef struct {
    int64_t from, offset_s;
} change_t;

/* A file of version 2: first offset `first_s`, then the changes, then the rule. */
static file_t make(int64_t first_s, const change_t *change, size_t changes, const char *rule)
{
    file_t file = { .len = 0 };

    add_header(&file, '2', 0, 0, 0);
    add_number(&file, 0, 4);        /* letters */
    add_header(&file, '2', 0, (uint32_t) changes, (uint32_t) changes + 1);
    for (size_t i = 0; i < changes; i++) {
        add_number(&file, change[i].from, 8);
    }
    for (size_t i = 0; i < changes; i++) {
        add_number(&file, (int64_t) i + 1, 1);
    }
    add_number(&file, first_s, 4);
    add_number(&file, 0, 2);
    for (size_t i = 0; i < changes; i++) {
        add_number(&file, change[i].offset_s, 4);
        add_number(&file, 0, 2);
    }
    add_number(&file, 0, 4);        /* letters */
    file.len += (size_t) snprintf((char *) file.byte + file.len, sizeof(file.byte) - file.len, "\n%s\n", rule);

    return file;
}


static otp_status_t parse(const file_t *file, otp_zone_t *zone)
{
    return otp_zone_parse((otp_span_t) { (const char *) file->byte, file->len }, NOW, zone);
}


/* Only a rule: the offset at `from` and a second before. */
static void check_rule(const char *rule, int64_t at, int64_t before_s, int64_t after_s)
{
    otp_zone_t zone;
    file_t     file = make(0, NULL, 0, rule);

    assert_int_equal(parse(&file, &zone), OTP_OK);
    if (otp_zone_offset(&zone, at - 1) != before_s || otp_zone_offset(&zone, at) != after_s) {
        fail_msg("%s at %lld: %lld, %lld", rule, (long long) at, (long long) otp_zone_offset(&zone, at - 1),
                 (long long) otp_zone_offset(&zone, at));
    }
}


static void test_rule_gives_the_changes_of_later_years(void **state)
{
    (void) state;
    check_rule("CET-1CEST,M3.5.0,M10.5.0/3", 1806195600, HOUR, 2 * HOUR);           /* 2027-03-28T01:00Z */
    check_rule("CET-1CEST,M3.5.0,M10.5.0/3", 2689808400, HOUR, 2 * HOUR);           /* 2055-03-28T01:00Z */
    check_rule("NST3:30NDT,M3.2.0,M11.1.0", 1805002200, -12600, -9000);             /* 2027-03-14T05:30Z */
    check_rule("AEST-10AEDT,M10.1.0,M4.1.0/3", 1806768000, 11 * HOUR, 10 * HOUR);   /* 2027-04-03T16:00Z: south */
    check_rule("IST-1GMT0,M10.5.0,M3.5.0/1", 1806195600, 0, HOUR);                  /* Dublin */
    check_rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1806195600, -2 * HOUR, -HOUR);    /* Nuuk: the day before */
    check_rule("EST5EDT,J60,J300/4:30", 1803884400, -5 * HOUR, -4 * HOUR);          /* 2027-03-01T07:00Z */
    check_rule("EST5EDT,59,299", 1803884400, -5 * HOUR, -4 * HOUR);
    check_rule("<+11>-11", NOW, 11 * HOUR, 11 * HOUR);
}


static void test_listed_changes_go_before_the_rule(void **state)
{
    static const change_t change[] = {
        { NOW - 5000 * DAY, 3 * HOUR }, { NOW + 10 * DAY, 4 * HOUR }, { NOW + 20 * DAY, HOUR }
    };
    file_t                file = make(7 * HOUR, change, 3, "CET-1");
    otp_zone_t            zone;

    (void) state;
    assert_int_equal(parse(&file, &zone), OTP_OK);
    assert_int_equal(zone.changes, 3);
    assert_int_equal(otp_zone_offset(&zone, NOW), 3 * HOUR);
    assert_int_equal(otp_zone_offset(&zone, NOW + 10 * DAY), 4 * HOUR);
    assert_int_equal(otp_zone_offset(&zone, NOW + 20 * DAY), HOUR);
}


static void test_file_without_a_rule_keeps_its_last_offset(void **state)
{
    static const change_t change[] = { { NOW - DAY, 3 * HOUR } };
    file_t                file = make(7 * HOUR, change, 1, "");
    otp_zone_t            zone;

    (void) state;
    assert_int_equal(parse(&file, &zone), OTP_OK);
    assert_int_equal(otp_zone_offset(&zone, NOW - 2 * DAY), 7 * HOUR);
    assert_int_equal(otp_zone_offset(&zone, NOW + 9000 * DAY), 3 * HOUR);
}


static void test_truncated_file_is_none_wherever_it_ends(void **state)
{
    static const change_t change[] = { { NOW - DAY, 3 * HOUR } };
    file_t                whole = make(7 * HOUR, change, 1, "CET-1CEST,M3.5.0,M10.5.0/3"), part;
    otp_zone_t            zone;

    (void) state;
    assert_int_equal(parse(&whole, &zone), OTP_OK);
    for (size_t len = 0; len < whole.len; len++) {
        part = whole;
        part.len = len;
        assert_int_equal(parse(&part, &zone), OTP_INVALID);
        assert_int_equal(zone.changes, 0);
    }
}


static void test_rule_that_is_none_is_refused(void **state)
{
    static const char *const rules[] = {
        "C-1", "CET", "CET-25", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0/168", "CET-1CEST,M3.5.0,M10.5.0x", "CET-1CEST,J0,J366",
        "CET-1CEST,366,1", "<CET-1", "CET-1:60", "CET-1CEST,M3.5.0,M10.5.0/3,", "-1",
    };

    (void) state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        file_t     file = make(0, NULL, 0, rules[i]);
        otp_zone_t zone;

        if (parse(&file, &zone) != OTP_INVALID) {
            fail_msg("accepted: %s", rules[i]);
        }
    }
}


static void test_file_of_another_kind_is_refused(void **state)
{
    static const change_t backwards[] = { { NOW, 0 }, { NOW - 1, HOUR } };
    file_t                file = make(0, backwards, 2, "UTC0"), old = make(0, NULL, 0, "UTC0"), leap = { .len = 0 };
    otp_zone_t            zone;

    (void) state;
    assert_int_equal(parse(&file, &zone), OTP_INVALID);
    old.byte[4] = '\0';
    assert_int_equal(parse(&old, &zone), OTP_INVALID);
    add_header(&leap, '2', 0, 0, 0);
    add_number(&leap, 0, 4);
    add_header(&leap, '2', 1, 0, 1);
    add_number(&leap, 0, 6);
    add_number(&leap, 0, 4);
    add_number(&leap, NOW, 8);
    add_number(&leap, 1, 4);
    leap.len += (size_t) snprintf((char *) leap.byte + leap.len, 8, "\nUTC0\n");
    assert_int_equal(parse(&leap, &zone), OTP_INVALID);
}


static void test_name_of_a_zone_leads_nowhere_else(void **state)
{
    static const char *const good[] = {
        "Europe/Paris", "UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "EST5EDT"
    };
    static const char *const bad[] = {
        "", "/etc/passwd", "../etc/passwd", "Europe/../../etc", "Europe//Paris", "Europe/", "a.b", "a b",
        "Europe/Paris\n",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    };

    (void) state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(otp_zone_name_valid(otp_span_of(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(otp_zone_name_valid(otp_span_of(bad[i])));
    }
}


/* Cairo and others go back at midnight: the last hour of that day comes twice. */
static void test_day_whose_last_hour_comes_twice_ends_with_the_second(void **state)
{
    otp_zone_t    zone;
    file_t        file = make(0, NULL, 0, "<-04>4<-03>,M9.1.6/24,M4.1.6/24");
    const int64_t back = 1806807600;        /* 2027-04-04T03:00Z: 24:00 of Saturday becomes 23:00 */

    (void) state;
    assert_int_equal(parse(&file, &zone), OTP_OK);
    assert_int_equal(otp_zone_offset(&zone, back - 1), -3 * HOUR);
    assert_int_equal(otp_zone_offset(&zone, back), -4 * HOUR);
    for (int64_t now_s = back - 24 * HOUR + 1; now_s < back + HOUR; now_s += 599) {
        assert_int_equal(otp_zone_day_end(&zone, now_s), back + HOUR - 1);
    }
    assert_int_equal(otp_zone_day_end(&zone, back + HOUR), back + 25 * HOUR - 1);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_gives_the_changes_of_later_years),
        cmocka_unit_test(test_listed_changes_go_before_the_rule),
        cmocka_unit_test(test_file_without_a_rule_keeps_its_last_offset),
        cmocka_unit_test(test_truncated_file_is_none_wherever_it_ends),
        cmocka_unit_test(test_rule_that_is_none_is_refused),
        cmocka_unit_test(test_file_of_another_kind_is_refused),
        cmocka_unit_test(test_name_of_a_zone_leads_nowhere_else),
        cmocka_unit_test(test_day_whose_last_hour_comes_twice_ends_with_the_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
