#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/people/otp_password.h"

/* Of "correct horse"; BCRYPT_72 of 72 times the letter a. */
#define YESCRYPT    "$y$j75$nVmwnBYGMSQzL9aXK3vWq/$STUw81alQhCLU9QzjS1zwQaz32puhswgNa.gzkvNJ38"
#define BCRYPT      "$2b$05$DElVBcoNe8Ryubkmx9VsbeMmVafJW2jcWA6HxzWMQvWU4HEqs4vm6"
#define BCRYPT_72   "$2b$04$DElVBcoNe8Ryubkmx9Vsbed0tQYMcMc.7f7XLJWSB.uQj36Is4cWa"
#define SHA512      "$6$zGcC9Nn9TcFTgPnt$qA0A9MbkgvDYel49aYQJmJcgaxt2/CdlGjkJnhcP3Rw1DGrBZEduooMsSWHTXNxp4shlHFo3f" \
                    "BwDmUpqeeX730"
#define SHA256      "$5$zYcV52Y2pK56MCnP$Pl4m0cHbt4hE96vkzrU9VKRSuV0TQTeiir6UisP08S2"
#define Y_REST      "$nVmwnBYGMSQzL9aXK3vWq/$5wVq8Yk6h8eBv9Fd3uLQ2mT7cXsRj1oPzN4gWbHyKtD"
#define S_REST      "zYcV52Y2pK56MCnP$Pl4m0cHbt4hE96vkzrU9VKRSuV0TQTeiir6UisP08S2"
#define B_REST      "DElVBcoNe8Ryubkmx9VsbeMmVafJW2jcWA6HxzWMQvWU4HEqs4vm6"

static void assert_span(otp_span_t span, const char *text)
{
    assert_int_equal(span.len, strlen(text));
    assert_memory_equal(span.data ? span.data : "", text, span.len);
}


static void test_lines_that_are_nobody_s_are_skipped(void **state)
{
    otp_span_t   text = OTP_SPAN("# people\n\n#alice:x\nno colon here\n:x\n \t:x\n\r\nalice:x\n bob :x:\r\n\ncarol:");
    otp_span_t   line;
    otp_span_t   again = text;
    otp_person_t person;

    (void) state;
    assert_true(otp_password_line(&text, &line));
    assert_span(line, "alice:x");
    assert_true(otp_password_line(&text, &line));
    assert_span(line, " bob :x:\r");
    assert_true(otp_password_line(&text, &line));
    assert_span(line, "carol:");
    assert_false(otp_password_line(&text, &line));
    assert_false(otp_password_line(&text, &line));

    assert_true(otp_password_next(&again, &person));
    assert_span(person.uid, "alice");
    assert_true(otp_password_next(&again, &person));
    assert_span(person.uid, "bob");
    assert_true(otp_password_next(&again, &person));
    assert_span(person.uid, "carol");
    assert_false(otp_password_next(&again, &person));
}


static void test_a_line_is_read_with_all_fields(void **state)
{
    otp_person_t person;
    otp_span_t   hash;

    (void) state;
    otp_password_read(OTP_SPAN(" Bob\t: hash :Bob Martin : bob@example.org:staff,helpdesk:ignored\r"), &person, &hash);
    assert_span(person.uid, "Bob");
    assert_span(person.name, "Bob Martin");
    assert_span(person.email, "bob@example.org");
    assert_span(person.groups, "staff,helpdesk");
    assert_span(hash, "hash");
}


static void test_fields_may_be_missing_or_empty(void **state)
{
    otp_person_t person;
    otp_span_t   hash;

    (void) state;
    otp_password_read(OTP_SPAN("dave:hash::dave@example.org"), &person, &hash);
    assert_span(person.name, "");
    assert_span(person.email, "dave@example.org");
    assert_span(person.groups, "");
    otp_password_read(OTP_SPAN("carol:!\r"), &person, &hash);
    assert_span(person.uid, "carol");
    assert_span(person.name, "");
    assert_span(hash, "!");
    otp_password_read(OTP_SPAN("erin:"), &person, &hash);
    assert_span(person.uid, "erin");
    assert_span(hash, "");
}


static void test_the_right_password_matches_and_no_other(void **state)
{
    /* sha512crypt, sha256crypt: the vectors of their specification; bcrypt: those of its implementation. */
    static const struct {
        const char *password, *hash;
    } known[] = {
        { "correct horse", YESCRYPT },
        { "correct horse", BCRYPT },
        { "correct horse", "$2a$05$MDu6aWye5BvZe2FVj11/QuDTCTuVWnYWWCT1o4IIe/Jwm1/T8rnRi" },
        { "correct horse", "$2y$05$nh.xYfqAm3MqjgrhAW8XsuvrDJGS3cWvaz1.RZnh0Q5/AIze6eVrK" },
        { "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
        { "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5" },
        { "Hello world!", "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8v"
          "OuZeHBy/YTBmSK6H9qs/y3RnOaw5v." },
    };
    char wrong[32];

    (void) state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        otp_span_t password = otp_span_of(known[i].password), hash = otp_span_of(known[i].hash);

        assert_true(otp_password_matches(password, hash));
        memcpy(wrong, password.data, password.len);
        wrong[password.len - 1] ^= 1;
        assert_false(otp_password_matches((otp_span_t) { wrong, password.len }, hash));
        assert_false(otp_password_matches((otp_span_t) { password.data, password.len - 1 }, hash));
    }
}


static void test_a_cut_or_changed_hash_does_not_match(void **state)
{
    char changed[] = SHA256;

    (void) state;
    assert_true(otp_password_matches(OTP_SPAN("correct horse"), otp_span_of(changed)));
    assert_false(otp_password_matches(OTP_SPAN("correct horse"), (otp_span_t) { changed, sizeof(changed) - 2 }));
    changed[sizeof(changed) - 2] = '/';
    assert_false(otp_password_matches(OTP_SPAN("correct horse"), otp_span_of(changed)));
}


static void test_locked_and_weak_hashes_are_not_acceptable(void **state)
{
    static const char *const refused[] = {
        "", "*", "!", "x", "!!", "*0", "abJnggxhB/yWI", "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$apr1$salt$xxxxxxxxxxxxxxxxxxxxxx", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{SSHA}xxxx", "{PLAIN}secret",
        "secret", "$", "$$", "$y$", "$6$", "$2b$", "$7$CU..../....salt$hash", "$gy$j9T" Y_REST, "!" SHA256, SHA256 "x",
        "$5$salt", "$5$$Pl4m0cHbt4hE96vkzrU9VKRSuV0TQTeiir6UisP08S2", "$2x$05$" B_REST, "$2$05$" B_REST,
    };

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_false(otp_password_acceptable(otp_span_of(refused[i])));
        assert_false(otp_password_matches(OTP_SPAN("secret"), otp_span_of(refused[i])));
        assert_false(otp_password_matches(OTP_SPAN(""), otp_span_of(refused[i])));
    }
}


/* Were they computed, this test would not end within the day. */
static void test_costs_beyond_the_bound_are_refused_without_computing(void **state)
{
    static const char *const refused[] = {
        "$5$rounds=999999999$" S_REST, "$5$rounds=5000001$" S_REST, "$5$rounds=$" S_REST, "$5$rounds=-1$" S_REST,
        "$5$rounds=99999999999999999999$" S_REST, "$5$rounds=1000x$" S_REST, "$5$rounds=10$" S_REST,
        "$2b$16$" B_REST, "$2b$31$" B_REST, "$2b$99$" B_REST, "$2b$03$" B_REST, "$2b$5$" B_REST, "$2b$-5$" B_REST,
        "$y$jET" Y_REST, "$y$jFT" Y_REST, "$y$jTT" Y_REST, "$y$jzzzzzzT" Y_REST, "$y$j9zzzzzz" Y_REST, "$y$j9zz" Y_REST,
        "$y$j9T0zz" Y_REST, "$y$j9T/.." Y_REST, "$y$j9T." Y_REST, "$y$j9" Y_REST, "$y$j" Y_REST, "$y$" Y_REST,
        "$y$j!T" Y_REST, "$y$jD." "zzzz" Y_REST,
    };

    (void) state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_false(otp_password_acceptable(otp_span_of(refused[i])));
        assert_false(otp_password_matches(OTP_SPAN("correct horse"), otp_span_of(refused[i])));
    }
}


static void test_costs_up_to_the_bound_are_acceptable(void **state)
{
    static const char *const accepted[] = {
        "$5$rounds=5000000$" S_REST, "$5$rounds=1000$" S_REST, "$5$" S_REST, "$2b$15$" B_REST, "$2b$04$" B_REST,
        "$y$j75" Y_REST, "$y$j85" Y_REST, "$y$j7T" Y_REST, "$y$j9T" Y_REST, "$y$jDT" Y_REST,
    };

    (void) state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        assert_true(otp_password_acceptable(otp_span_of(accepted[i])));
    }
}


static void test_passwords_that_would_be_cut_are_refused(void **state)
{
    char password[5000];

    (void) state;
    memset(password, 'a', sizeof(password));
    assert_false(otp_password_matches(OTP_SPAN_NONE, otp_span_of(SHA256)));
    assert_false(otp_password_matches(OTP_SPAN("correct horse\0"), otp_span_of(SHA256)));
    assert_false(otp_password_matches((otp_span_t) { password, 4097 }, otp_span_of(SHA256)));
    assert_false(otp_password_matches((otp_span_t) { password, 4096 }, otp_span_of(SHA256)));
    /* bcrypt reads 72 bytes: the 73rd must not be free to choose. */
    assert_true(otp_password_matches((otp_span_t) { password, 72 }, OTP_SPAN(BCRYPT_72)));
    assert_false(otp_password_matches((otp_span_t) { password, 73 }, OTP_SPAN(BCRYPT_72)));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_that_are_nobody_s_are_skipped),
        cmocka_unit_test(test_a_line_is_read_with_all_fields),
        cmocka_unit_test(test_fields_may_be_missing_or_empty),
        cmocka_unit_test(test_the_right_password_matches_and_no_other),
        cmocka_unit_test(test_a_cut_or_changed_hash_does_not_match),
        cmocka_unit_test(test_locked_and_weak_hashes_are_not_acceptable),
        cmocka_unit_test(test_costs_beyond_the_bound_are_refused_without_computing),
        cmocka_unit_test(test_costs_up_to_the_bound_are_acceptable),
        cmocka_unit_test(test_passwords_that_would_be_cut_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
