#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/crypto/otp_keyring.h"

/* The keys are the bytes 0..31 and 1..32. */
#define HEADER  "otp-keyring 1\n"
#define FIRST   "20212223 1700000000 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
#define SECOND  "aabbccdd 1700000001 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA\n"

static otp_keyring_t *ring_of(const char *text)
{
    char           error[128] = "";
    otp_keyring_t *ring = otp_keyring_parse(otp_span_of(text), error, sizeof(error));

    assert_string_equal(error, "");
    assert_non_null(ring);
    return ring;
}


static void assert_refused(const char *text, const char *reason)
{
    char error[128] = "";

    assert_null(otp_keyring_parse(otp_span_of(text), error, sizeof(error)));
    assert_string_equal(error, reason);
}


static void test_last_key_is_current(void **state)
{
    otp_keyring_t *ring = ring_of(HEADER FIRST SECOND);

    (void) state;
    assert_int_equal(otp_keyring_count(ring), 2);
    assert_true(otp_span_equal(otp_keyring_current(ring), OTP_SPAN("aabbccdd")));
    otp_keyring_destroy(ring);
}


static void test_blank_lines_and_comments_are_skipped(void **state)
{
    otp_keyring_t *ring = ring_of("otp-keyring 1\r\n\n# made in spring\n  \n" FIRST "\n#" SECOND);

    (void) state;
    assert_int_equal(otp_keyring_count(ring), 1);
    assert_true(otp_span_equal(otp_keyring_current(ring), OTP_SPAN("20212223")));
    otp_keyring_destroy(ring);
}


static void test_a_file_that_is_no_key_ring_is_refused_with_its_line(void **state)
{
    (void) state;
    assert_refused("", "line 1: the first line is not \"otp-keyring 1\"");
    assert_refused("otp-keyring 2\n" FIRST, "line 1: the first line is not \"otp-keyring 1\"");
    assert_refused("\n" HEADER FIRST, "line 1: the first line is not \"otp-keyring 1\"");
    assert_refused(HEADER "\n# nothing\n", "line 4: there is no key");
    assert_refused(HEADER "2021222 1700000000 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
        "line 2: the identifier is not 8 hex digits");
    assert_refused(HEADER "2021222g 1700000000 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
        "line 2: the identifier is not 8 hex digits");
    assert_refused(HEADER "AABBCCDD 1700000000 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
        "line 2: the identifier is not in lower case");
    assert_refused(HEADER FIRST "aabbccdd yesterday AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
        "line 3: the time of creation is not a number of seconds");
    assert_refused(HEADER FIRST FIRST, "line 3: the identifier is there twice");
}


static void test_a_key_of_another_length_is_refused_and_not_told(void **state)
{
    static const char *const keys[] = {
        "", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8 x",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9"
    };
    char text[200];

    (void) state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        (void) snprintf(text, sizeof(text), HEADER "20212223 1700000000 %s\n", keys[i]);
        assert_refused(text, "line 2: the key is not 32 bytes in base64url");
    }
}


static size_t add_keys(char *text, size_t size, size_t n)
{
    uint8_t random[OTP_MASTER_LEN + 4] = { 0 };
    char    old[4096];
    size_t  len = 0;

    for (size_t i = 0; i < n; i++) {
        memcpy(old, text, len);
        random[0] = random[OTP_MASTER_LEN] = (uint8_t) i;
        assert_int_equal(otp_keyring_add((otp_span_t) { old, len }, random, 1700000000, text, size, &len), OTP_OK);
    }
    return len;
}


static void test_first_key_makes_the_file(void **state)
{
    uint8_t random[OTP_MASTER_LEN + 4];
    char    text[256];
    size_t  len;

    (void) state;
    for (size_t i = 0; i < sizeof(random); i++) {
        random[i] = (uint8_t) i;
    }
    assert_int_equal(otp_keyring_add(OTP_SPAN_NONE, random, 1700000000, text, sizeof(text), &len), OTP_OK);
    assert_int_equal(len, strlen(HEADER FIRST));
    assert_memory_equal(text, HEADER FIRST, len);
}


static void test_added_key_comes_last_and_the_old_lines_stay(void **state)
{
    uint8_t random[OTP_MASTER_LEN + 4] = { 0 };
    char    text[256];
    size_t  len;

    (void) state;
    assert_int_equal(otp_keyring_add(OTP_SPAN(HEADER "# why\n" "20212223 1700000000 "
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"), random, 1700000009, text, sizeof(text), &len), OTP_OK);
    text[len] = '\0';
    assert_string_equal(text, HEADER "# why\n" FIRST
        "00000000 1700000009 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
}


static void test_sixteen_keys_fill_a_ring(void **state)
{
    uint8_t random[OTP_MASTER_LEN + 4] = { [OTP_MASTER_LEN] = 0xff };
    char    text[4096], more[4096], error[128];
    size_t  len = add_keys(text, sizeof(text), OTP_KEYRING_KEYS), more_len;

    (void) state;
    otp_keyring_t *ring = otp_keyring_parse((otp_span_t) { text, len }, error, sizeof(error));

    assert_non_null(ring);
    assert_int_equal(otp_keyring_count(ring), 16);
    otp_keyring_destroy(ring);
    assert_int_equal(otp_keyring_add((otp_span_t) { text, len }, random, 1, more, sizeof(more), &more_len),
        OTP_INVALID);
    assert_int_equal(more_len, 0);
}


static void test_nothing_is_added_to_what_is_no_key_ring(void **state)
{
    uint8_t random[OTP_MASTER_LEN + 4] = { 0 };
    char    text[256];
    size_t  len;

    (void) state;
    assert_int_equal(otp_keyring_add(OTP_SPAN("root:x:0:0\n"), random, 1, text, sizeof(text), &len), OTP_INVALID);
    assert_int_equal(otp_keyring_add(OTP_SPAN(HEADER FIRST), random, 1, text, 60, &len), OTP_NO_ROOM);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_key_is_current),
        cmocka_unit_test(test_blank_lines_and_comments_are_skipped),
        cmocka_unit_test(test_a_file_that_is_no_key_ring_is_refused_with_its_line),
        cmocka_unit_test(test_a_key_of_another_length_is_refused_and_not_told),
        cmocka_unit_test(test_first_key_makes_the_file),
        cmocka_unit_test(test_added_key_comes_last_and_the_old_lines_stay),
        cmocka_unit_test(test_sixteen_keys_fill_a_ring),
        cmocka_unit_test(test_nothing_is_added_to_what_is_no_key_ring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
