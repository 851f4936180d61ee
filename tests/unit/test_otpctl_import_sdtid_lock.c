#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otpctl/import/otpctl_import_sdtid_lock.h"
#include "otpctl/import/otpctl_import_securid.h"
#include "tests/unit/otp_import_lab.h"

#define SDTID       OTPCTL_IMPORT_SDTID
#define PASSWORD    "moth & flame"
#define TEXT_MAX    4096

#define REFUSE(unlock, cases) otp_assert_refused(SDTID, unlock, cases, sizeof(cases) / sizeof(cases[0]))

/* Files with one key and two tokens, each header locked in a way of its own: libstoken opens them all. */
#define HEADER_LINE 3
#define LINE_1      4
#define LINE_2      5
#define NOT_SAID    "<Origin>N/A</Origin><Dest>N/A</Dest><Name>N/A</Name>"
#define HEADER(from, secret, more, mac) \
    "<TKNHeader>" from "<Secret>" secret "</Secret><DefDeath>2031/11/21</DefDeath><DefDigits>8</DefDigits>" \
    "<DefInterval>60</DefInterval><DefAlg>1</DefAlg>" more "<HeaderMAC>" mac "</HeaderMAC></TKNHeader>\n"
#define TOKEN_1 \
    "<TKN><SN>519840477516</SN><Seed>=Ll54Xc8ouwEJUpwHZteO+w==</Seed><UserLogin> </UserLogin>" \
    "<TokenMAC>4WUfCY4VTBvYtriaB610kQ==</TokenMAC></TKN>\n"
#define TOKEN_2 \
    "<TKN><SN>666533604163</SN><Seed>=Piunx5Ir1bYPbXh700KwaQ==</Seed><UserLogin> </UserLogin>" \
    "<TokenMAC>4iy8x82AWTpRTG5zFD0rHA==</TokenMAC></TKN>\n"
#define BEGIN       "<?xml version=\"1.0\"?>\n<TKNBatch>\n"
#define END         "<TKNTrailer></TKNTrailer></TKNBatch>\n"
#define ONE(header) BEGIN header TOKEN_1 END
#define LOCKED      HEADER(NOT_SAID, "v+K0ZBBTtnlsQRurDI28bw==", "", "4VVA4Fo0Trikxfc0QOlrnA==")
#define UNLOCKED    HEADER(NOT_SAID, "g30b1QvgARAxlXw7OHLiBg==", "", "o5kkPRClbbCYThh9TSzjsw==")

static const struct {
    const char *what, *password, *text;
} locked[] = {
    { "nothing said", PASSWORD, ONE(LOCKED) },
    { "a password of 32 bytes", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      ONE(HEADER(NOT_SAID, "b6OefVxRcCVkhAdYtimFQg==", "", "f9Zt54bkgsNJnv8b/5iyQw==")) },
    { "a password of 33 bytes", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy",
      ONE(HEADER(NOT_SAID, "b6OefVxRcCVkhAdYtimFQg==", "", "f9Zt54bkgsNJnv8b/5iyQw==")) },
    { "a password of 40 bytes", "0123456789012345678901234567890123456789",
      ONE(HEADER(NOT_SAID, "nuCVa0IsxREJJQ1G5Lsryg==", "", "X1883LXEbzh4PHqqtn4jdA==")) },
    { "a name of 8 bytes", PASSWORD,
      ONE(HEADER("<Origin>N/A</Origin><Dest>N/A</Dest><Name>Batch 12</Name>", "RU/IPL5b35PsaY95XGcAqA==", "",
                 "Vth5sZqCe9p3QM5NZAbIDg==")) },
    { "a name of 16 bytes", PASSWORD,
      ONE(HEADER("<Origin>N/A</Origin><Dest>N/A</Dest><Name>Batch 123456789x</Name>", "8sriNJw4WBSqccvbP+optw==", "",
                 "6Zxf44zX/ijU0Em1WdjJFg==")) },
    { "a name of 17 bytes", PASSWORD,
      ONE(HEADER("<Origin>N/A</Origin><Dest>N/A</Dest><Name>Batch 1234567890x</Name>", "UzmLe7I6h5MKFyXy10Xo5Q==", "",
                 "4OUM+qTG6PX0YX+Cdewu3w==")) },
    { "a name of 35 bytes", PASSWORD,
      ONE(HEADER("<Origin>N/A</Origin><Dest>N/A</Dest><Name>Tokens of the house, third box of 7</Name>",
                 "cCrksBGWmQ+supNl0ukRxA==", "", "KExNZ0oK4pKA4++MFC8uuA==")) },
    { "a destination of 40 bytes, not all of ASCII", PASSWORD,
      ONE(HEADER("<Origin>N/A</Origin><Dest>Direction des syst\xc3\xa8mes, 3e \xc3\xa9tage, Lyon</Dest>"
                 "<Name>N/A</Name>",
                 "Bs100Af2zeS6hbHcApv+Ig==", "", "MQghK+AY7VWaFZqYD0MuTA==")) },
    { "white space around", PASSWORD,
      ONE(HEADER("<Origin> &#10; RSA\t</Origin><Dest> ACME &#10;</Dest><Name>&#10;  Batch 7 </Name>",
                 "snActN4H92HnN47Oj+AMLQ==", "", "Xyuegu9XtSCMk9kiBqjJtg==")) },
    { "a carriage return", PASSWORD,
      ONE(HEADER("<Origin>N/A</Origin><Dest>N/A</Dest><Name> N/A&#13;</Name>", "v+K0ZBBTtnlsQRurDI28bw==", "",
                 "7xoHgiPH9UZOPa345re2qw==")) },
    { "entities", PASSWORD,
      ONE(HEADER("<Origin>A &amp; B</Origin><Dest>&lt;C&gt; &quot;D&#34;</Dest><Name><![CDATA[E&F]]></Name>",
                 "2LA5ad6mQIETQybNUwQMQA==", "", "9IxZcMUtmcfB5Pf/r5EwJg==")) },
    { "empty elements", PASSWORD,
      ONE(HEADER("<Origin></Origin><Dest/><Name></Name>", "1Mslrxr5T5NOe4Oo6GUY+w==", "<FirstToken></FirstToken>",
                 "k8bd1nINxZSL8pbdoz6RrA==")) },
    { "short elements", PASSWORD,
      ONE(HEADER("<A>1</A><B>22</B><C></C>" NOT_SAID, "v+K0ZBBTtnlsQRurDI28bw==", "", "zf4m+WXp7Ya4hM3n87kvRw==")) },
    { "a short element that goes back to where a block begins", PASSWORD,
      ONE(HEADER("<Alg>22</Alg><A>22</A>" NOT_SAID, "v+K0ZBBTtnlsQRurDI28bw==", "", "EjgtnydTT/LaDtATGRCpCQ==")) },
    { "elements in elements, some not covered", PASSWORD,
      ONE(HEADER(NOT_SAID, "v+K0ZBBTtnlsQRurDI28bw==",
                 "<Box><Owner><Town>Lyon</Town><SealMAC>x</SealMAC></Owner><OnlyMAC><Street>x</Street></OnlyMAC></Box>"
                 "<CertificateMAC>y</CertificateMAC><MAC>z</MAC>", "U/UyC8S1VsAF+WA3GYYpNw==")) },
    { "attributes, which are not covered", PASSWORD,
      ONE(HEADER(NOT_SAID, "v+K0ZBBTtnlsQRurDI28bw==", "<Version Name=\"x\" Secret=\"y\">0</Version>",
                 "DuCSSszZ2iArigs6BZKd2g==")) },
    { "a default for the name", PASSWORD,
      ONE(HEADER("<Origin>N/A</Origin><Dest>N/A</Dest><DefName>Batch 7</DefName>", "0k+35H8dtzjyFVSY0FetQw==", "",
                 "X/aZyKG+VMmVR0ZUYl/lOA==")) },
};

/* What became of a header. */
typedef struct {
    const char         *password;
    size_t              room;
    otpctl_sdtid_lock_t lock;
    uint8_t             file_key[OTPCTL_AES_BLOCK];
    char                before[TEXT_MAX], after[TEXT_MAX], relocked[TEXT_MAX];
} header_t;

static void write_header(const otpctl_xml_node_t *header, char text[TEXT_MAX])
{
    otp_buffer_t out;

    otp_buffer_init(&out, text, TEXT_MAX - 1);
    otpctl_xml_write(header, NULL, &out);
    assert_false(out.overflow);
    text[out.len] = '\0';
}


static bool visit(otpctl_xml_node_t *piece, void *data, otpctl_import_error_t *error)
{
    header_t    *header = data;
    otp_buffer_t out;

    (void) error;
    if (otp_span_equal(piece->name, OTP_SPAN("TKNHeader"))) {
        write_header(piece, header->before);
        otp_buffer_init(&out, header->relocked, header->room);
        header->lock = otpctl_sdtid_open(piece, header->password, header->file_key, &out);
        header->relocked[out.len] = '\0';
        write_header(piece, header->after);
    }
    return true;
}


static const header_t *relock_within(size_t room, const char *text, const char *password)
{
    static header_t       header;
    otpctl_import_error_t error = { 0 };

    header = (header_t) { .password = password, .room = room };
    assert_true(otpctl_xml_each(otp_span_of(text), "TKNBatch", visit, &header, &error));
    assert_string_equal(header.before, header.after);
    return &header;
}


static const header_t *relock(const char *text, const char *password)
{
    return relock_within(TEXT_MAX - 1, text, password);
}


/* What libstoken makes of a file of one token by itself. */
static otpctl_import_key_t read_alone(const char *text, const char *password)
{
    otpctl_import_key_t   key = { .line = LINE_1 };
    otpctl_import_error_t error = { 0 };

    if (!otpctl_import_securid(text, password, &key, &error)) {
        fail_msg("libstoken: %s\n%s", error.reason, text);
    }
    return key;
}


static void assert_read_as_alone(const char *text, const char *password)
{
    otpctl_import_key_t alone = read_alone(text, password);

    otp_assert_read(SDTID, text, password, 1);
    if (memcmp(&otp_import_list.key[0], &alone, sizeof(alone)) != 0) {
        fail_msg("another key than libstoken reads from\n%s", text);
    }
}


static void test_keys_are_those_that_libstoken_reads_with_the_password(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(locked) / sizeof(locked[0]); i++) {
        assert_read_as_alone(locked[i].text, locked[i].password);
    }
}


static void test_relocked_header_opens_without_the_password(void **state)
{
    char text[2 * TEXT_MAX];

    (void) state;
    for (size_t i = 0; i < sizeof(locked) / sizeof(locked[0]); i++) {
        const header_t     *header = relock(locked[i].text, locked[i].password);
        otpctl_import_key_t with = read_alone(locked[i].text, locked[i].password), without;

        if (header->lock != OTPCTL_SDTID_RELOCKED) {
            fail_msg("a header with %s was not locked anew", locked[i].what);
        }
        (void) snprintf(text, sizeof(text), BEGIN "%s" TOKEN_1 END, header->relocked);
        without = read_alone(text, NULL);
        assert_memory_equal(&with, &without, sizeof(with));
    }
}


static void test_wrong_password_is_told_at_the_header(void **state)
{
    static const otp_refused_t cases[] = {
        { BEGIN LOCKED TOKEN_1 TOKEN_2 END, HEADER_LINE, "the file does not open: the password is a wrong one" },
        { BEGIN LOCKED "<TKN></TKN>" END, HEADER_LINE, "the password is a wrong one" },
    };

    (void) state;
    REFUSE("moth & flam", cases);
    REFUSE("moth & flames", cases);
    REFUSE("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", cases);
    assert_int_equal(relock(cases[0].text, "flame")->lock, OTPCTL_SDTID_SHUT);
    assert_string_equal(relock(cases[0].text, "flame")->relocked, "");
    /* Of the first 32 bytes each one counts. */
    assert_int_equal(relock(locked[1].text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxz")->lock, OTPCTL_SDTID_SHUT);
}


static void test_changed_header_is_told_at_the_header(void **state)
{
    static const char   text[] = ONE(LOCKED);
    const otp_refused_t cases[] = {
        { otp_changed(text, "<Origin>N/A", "<Origin>N/B"), HEADER_LINE, "header was changed" },
        { otp_changed(text, "<Dest>N/A", "<Dest>N/B"), HEADER_LINE, "header was changed" },
        { otp_changed(text, "<Name>N/A", "<Name>N/B"), HEADER_LINE, "header was changed" },
        { otp_changed(text, "<Name>N/A", "<Name>N/A "), HEADER_LINE, "header was changed" },
        { otp_changed(text, "<Secret>v", "<Secret>w"), HEADER_LINE, "header was changed" },
        { otp_changed(text, "bw==</Secret>", "bg==</Secret>"), HEADER_LINE, "header was changed" },
        { otp_changed(text, "<HeaderMAC>4", "<HeaderMAC>5"), HEADER_LINE, "header was changed" },
        { otp_changed(text, "<DefDigits>8", "<DefDigits>6"), HEADER_LINE, "header was changed" },
        { otp_changed(text, "<DefAlg>1</DefAlg>", ""), HEADER_LINE, "header was changed" },
        { otp_changed(text, "<DefAlg>1</DefAlg>", "<DefAlg>1</DefAlg><Digits/>"), HEADER_LINE, "header was changed" },
        { otp_changed(text, "<DefAlg>1</DefAlg>", "<Box><DefAlg>1</DefAlg></Box>"), HEADER_LINE, "header was changed" },
    };

    (void) state;
    REFUSE(PASSWORD, cases);
}


static void test_changed_token_of_a_relocked_file_is_refused(void **state)
{
    static const char   text[] = BEGIN LOCKED TOKEN_1 TOKEN_2 END;
    const otp_refused_t cases[] = {
        { otp_changed(text, "666533604163", "666533604164"), LINE_2, "its checksum is wrong" },
        { otp_changed(text, "<Seed>=P", "<Seed>=Q"), LINE_2, "its checksum is wrong" },
        { otp_changed(text, "<TokenMAC>4i", "<TokenMAC>4j"), LINE_2, "its checksum is wrong" },
        { otp_changed(text, "<UserLogin> </UserLogin>", "<UserLogin>x</UserLogin>"), LINE_1, "its checksum is wrong" },
        { otp_changed(text, "<UserLogin> </UserLogin>", "<Digits>6</Digits>"), LINE_1, "its checksum is wrong" },
    };

    (void) state;
    otp_assert_read(SDTID, text, PASSWORD, 2);
    REFUSE(PASSWORD, cases);
}


static void test_file_without_a_password_is_open_as_it_is(void **state)
{
    static const char   text[] = ONE(UNLOCKED);
    const otp_refused_t cases[] = { { otp_changed(text, "<UserLogin> ", "<UserLogin>x"), LINE_1, "checksum" } };

    (void) state;
    assert_int_equal(relock(text, NULL)->lock, OTPCTL_SDTID_OPEN);
    assert_int_equal(relock(text, PASSWORD)->lock, OTPCTL_SDTID_OPEN);
    assert_string_equal(relock(text, PASSWORD)->relocked, "");
    assert_read_as_alone(text, NULL);
    assert_read_as_alone(text, PASSWORD);
    REFUSE(PASSWORD, cases);
}


/* These files have one key. */
static void test_key_of_the_file_is_known_when_it_opens_alone(void **state)
{
    static const uint8_t zero[OTPCTL_AES_BLOCK];
    uint8_t              file_key[OTPCTL_AES_BLOCK];

    (void) state;
    memcpy(file_key, relock(ONE(UNLOCKED), NULL)->file_key, sizeof(file_key));
    assert_memory_not_equal(file_key, zero, sizeof(zero));
    for (size_t i = 0; i < sizeof(locked) / sizeof(locked[0]); i++) {
        assert_memory_equal(relock(locked[i].text, locked[i].password)->file_key, file_key, sizeof(file_key));
    }
    assert_int_equal(relock(ONE(LOCKED), NULL)->lock, OTPCTL_SDTID_LEFT);
    assert_memory_equal(relock(ONE(LOCKED), NULL)->file_key, zero, sizeof(zero));
    assert_memory_equal(relock(ONE(LOCKED), "flame")->file_key, zero, sizeof(zero));
    assert_memory_equal(relock_within(100, ONE(LOCKED), PASSWORD)->file_key, zero, sizeof(zero));
}


/* libstoken refuses such a password unseen, although it is cut all the same. */
static void test_password_of_more_than_40_bytes_opens_its_file(void **state)
{
    (void) state;
    otp_assert_read(SDTID, ONE(HEADER(NOT_SAID, "cSN+G9gH1P8WHk/7Fow42Q==", "", "URYin0rRDd8GYEat7lRBfg==")),
                    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 1);
    assert_string_equal(otp_import_list.key[0].serial, "519840477516");
}


static void test_headers_that_are_libstokens_to_judge_are_left_to_it(void **state)
{
    static const char text[] = ONE(LOCKED);
    static const char two_names[] = ONE(
        HEADER("<Origin>N/A</Origin><Dest>N/A</Dest><Name>one</Name>", "k0lKp1Y3vP+mB8S6BcgTpg==", "<Name>two</Name>",
               "1cR+44nW2e6yJ9BE1nZt2A=="));
    static const char default_name[] = ONE(
        HEADER("<Origin>N/A</Origin><Dest>N/A</Dest><Name>one</Name>", "sGLch0GizX2NH2JI762+qA==",
               "<DefName>two</DefName>", "Yo0wRRq7KialBaKKspvQWQ=="));
    const char *const cases[] = {
        two_names, default_name,
        otp_changed(text, "<Origin>N/A</Origin>", ""), otp_changed(text, "<Dest>N/A</Dest>", ""),
        otp_changed(text, "<Name>N/A</Name>", ""), otp_changed(text, "<Name>N/A</Name>", "<Name><a>N/A</a></Name>"),
        otp_changed(text, "<Secret>v", "<Secret>"), otp_changed(text, "<HeaderMAC>4", "<HeaderMAC>"),
        otp_changed(text, "<Secret>v+K0ZBBTtnlsQRurDI28bw==</Secret>", ""),
        otp_changed(text, "<HeaderMAC>4VVA4Fo0Trikxfc0QOlrnA==</HeaderMAC>", ""),
        otp_changed(text, "TtnlsQRurDI28bw==", ""), otp_changed(text, "Trikxfc0QOlrnA==", ""),
        otp_changed(text, "<Secret>v", "<Secret>-"), otp_changed(text, "bw==</Secret>", "bw</Secret>"),
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const header_t *header = relock(cases[i], PASSWORD);

        assert_int_equal(header->lock, OTPCTL_SDTID_LEFT);
        assert_string_equal(header->relocked, "");
    }
    assert_read_as_alone(two_names, PASSWORD);
    assert_read_as_alone(default_name, PASSWORD);
}


static void test_header_that_finds_no_room_is_left_as_it_is(void **state)
{
    const header_t *header = relock_within(100, ONE(LOCKED), PASSWORD);

    (void) state;
    assert_int_equal(header->lock, OTPCTL_SDTID_LEFT);
    assert_string_equal(header->relocked, "");
}


/* Its own Name is what the lock of this token depends on, and the header's MAC was made with it. */
static void test_token_that_has_its_own_lock_is_read_as_it_is(void **state)
{
    static const char          header[] = HEADER(NOT_SAID, "zTv/MbsTHkJx5WfgXg6dQA==", "", "gsulP+ItvS8UJYSJGH4Y+Q==");
    static const char          token[] =
        "<TKN><SN>519840477516</SN><Name>Box 1</Name><Seed>=Ke11/2s3l7RVm/ko5pIcTw==</Seed><UserLogin> </UserLogin>"
        "<TokenMAC>5unobx+qUqUBGbfLbiYqVQ==</TokenMAC></TKN>\n";
    char                       text[TEXT_MAX];
    const otp_refused_t        cases[] = { { text, HEADER_LINE, "the password is a wrong one" } };

    (void) state;
    (void) snprintf(text, sizeof(text), BEGIN "%s%s" END, header, token);
    assert_int_equal(relock(text, PASSWORD)->lock, OTPCTL_SDTID_SHUT);
    assert_read_as_alone(text, PASSWORD);
    (void) snprintf(text, sizeof(text), BEGIN "%s%s" TOKEN_2 END, header, token);
    REFUSE(PASSWORD, cases);
    /* In a file that was locked anew it still has the header as it was. */
    (void) snprintf(text, sizeof(text), BEGIN LOCKED TOKEN_2 "%s" END, token);
    REFUSE(PASSWORD, ((otp_refused_t[]) { { text, LINE_2, "the token does not open" } }));
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_those_that_libstoken_reads_with_the_password),
        cmocka_unit_test(test_relocked_header_opens_without_the_password),
        cmocka_unit_test(test_wrong_password_is_told_at_the_header),
        cmocka_unit_test(test_changed_header_is_told_at_the_header),
        cmocka_unit_test(test_changed_token_of_a_relocked_file_is_refused),
        cmocka_unit_test(test_file_without_a_password_is_open_as_it_is),
        cmocka_unit_test(test_key_of_the_file_is_known_when_it_opens_alone),
        cmocka_unit_test(test_password_of_more_than_40_bytes_opens_its_file),
        cmocka_unit_test(test_headers_that_are_libstokens_to_judge_are_left_to_it),
        cmocka_unit_test(test_header_that_finds_no_room_is_left_as_it_is),
        cmocka_unit_test(test_token_that_has_its_own_lock_is_read_as_it_is),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    otpctl_import_free(&otp_import_list);
    return failed;
}
