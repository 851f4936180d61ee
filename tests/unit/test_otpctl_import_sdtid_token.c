#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "otpctl/import/otpctl_import_sdtid_lock.h"
#include "otpctl/import/otpctl_import_sdtid_token.h"
#include "otpctl/import/otpctl_import_securid.h"
#include "tests/unit/otp_import_lab.h"

#define SDTID       OTPCTL_IMPORT_SDTID
#define TEXT_MAX    4096

/* Files without a password, of one key and with one token, authentic all of them. */
#define HEADER_LINE 3
#define TOKEN_LINE  4
#define HEADER(says, mac) \
    "<TKNHeader><Origin>N/A</Origin><Dest>N/A</Dest><Name>N/A</Name><Secret>JHiznqaUjrpx45XevDhmfw==</Secret>" says \
    "<HeaderMAC>" mac "</HeaderMAC></TKNHeader>\n"
#define TOKEN(says, mac) "<TKN>" says "<TokenMAC>" mac "</TokenMAC></TKN>\n"
#define USUAL \
    HEADER("<DefDeath>2031/11/21</DefDeath><DefDigits>8</DefDigits><DefInterval>60</DefInterval>" \
           "<DefAlg>1</DefAlg>", "OWMzfBNeiVbGSUYflaIsPA==")
#define TOKEN_1     "<SN>519840477516</SN><Seed>=7qA8l9USP+nWgZE9uNhuTA==</Seed>"

static const struct {
    const char *what, *header, *token;
} ordinary[] = {
    { "what the header says", USUAL,
      TOKEN(TOKEN_1, "w+aYgnzAKpYV9gDWK9n8Ww==") },
    { "a serial number of few digits", USUAL,
      TOKEN("<SN>40477</SN><Seed>=bIEd43JiDPlNWB82AoFshA==</Seed>", "RX6i9BGpoQwmwjsVFBldMQ==") },
    { "a serial number of 8 digits", USUAL,
      TOKEN("<SN>19840477</SN><Seed>=nGihr9Nrmg7KG3SI+zR8HQ==</Seed>", "43uBYuDknnfrw2QOth8Q1w==") },
    { "a serial number of zeros before", USUAL,
      TOKEN("<SN>000040477516</SN><Seed>=wF4DE3idtuZIiqPQD55Olg==</Seed>", "oH24/h0KOguTMYB33QotpA==") },
    { "what it says itself", USUAL,
      TOKEN(TOKEN_1 "<Digits>6</Digits><Interval>30</Interval><Death>2029/02/28</Death>",
            "+WNd5QCjxmUNN/scvZoa8g==") },
    { "nothing but the end of its life", HEADER("<Death>2031/11/21</Death><Alg>1</Alg>", "Fnmyj2Cr5Pj1XEzGGPPdZA=="),
      TOKEN(TOKEN_1, "w+aYgnzAKpYV9gDWK9n8Ww==") },
    { "a header without defaults",
      HEADER("<Death>2031/11/21</Death><Digits>7</Digits><Interval>30</Interval><Alg>1</Alg><AddPIN>1</AddPIN>",
             "TSB9hQPKZcoXnlkXOfdndw=="),
      TOKEN(TOKEN_1, "w+aYgnzAKpYV9gDWK9n8Ww==") },
    { "TimeDerivedSeeds", USUAL,
      TOKEN(TOKEN_1 "<TimeDerivedSeeds>1</TimeDerivedSeeds>", "ffR2/2RF+BVQIB5c4ZhOTw==") },
    { "AppDerivedSeeds", USUAL,
      TOKEN(TOKEN_1 "<AppDerivedSeeds>1</AppDerivedSeeds>", "kTmxnASiV0w3OJ7fi8FjsQ==") },
    { "Mode", USUAL,
      TOKEN(TOKEN_1 "<Mode>1</Mode>", "IFNqdjk47ZkrXm1HVpvvQg==") },
    { "AddPIN", USUAL,
      TOKEN(TOKEN_1 "<AddPIN>1</AddPIN>", "9piXrQLHYTqlTwYQuadPDg==") },
    { "LocalPIN", USUAL,
      TOKEN(TOKEN_1 "<LocalPIN>1</LocalPIN>", "nqOeKPcslidGIbTwxaUw8A==") },
    { "no to what the header says yes to",
      HEADER("<DefDeath>2031/11/21</DefDeath><DefDigits>8</DefDigits><DefInterval>60</DefInterval>"
             "<DefAlg>1</DefAlg><DefTimeDerivedSeeds>1</DefTimeDerivedSeeds><DefAddPIN>1</DefAddPIN>"
             "<DefMode>1</DefMode>",
             "KdoGCcapUAOHEVOJDVYVBA=="),
      TOKEN(TOKEN_1 "<TimeDerivedSeeds>0</TimeDerivedSeeds><AddPIN>0</AddPIN><Mode>0</Mode>",
            "tDLhotGLvhVlrE5Ywpv0ew==") },
    { "a number for yes", USUAL,
      TOKEN(TOKEN_1 "<Mode>2400</Mode><LocalPIN>999999999</LocalPIN>", "74IOsjC2OtZhjZctikl83w==") },
    { "an interval of 45 seconds", USUAL,
      TOKEN(TOKEN_1 "<Interval>45</Interval>", "oC7nk5j8HKGTcCOVbsv27Q==") },
    { "codes of six digits", USUAL,
      TOKEN(TOKEN_1 "<Digits>6</Digits>", "ioFaIAKYFLxjeg0gbwuy2Q==") },
    { "codes of seven digits", USUAL,
      TOKEN(TOKEN_1 "<Digits>7</Digits>", "K3tS8TtwcsIu8E7bnCj/mA==") },
    { "the first day", USUAL,
      TOKEN(TOKEN_1 "<Death>2000/01/02</Death>", "QzO41pAlVGd246dbGYCvFw==") },
    { "the last day", USUAL,
      TOKEN(TOKEN_1 "<Death>2044/11/08</Death>", "AchFXnTX86lOlL5vLcYOqQ==") },
    { "a day that its month does not have", USUAL,
      TOKEN(TOKEN_1 "<Death>2031/02/30</Death>", "UCmWr3ZVym0H5xcNAWSM5A==") },
    { "a month that the year does not have", USUAL,
      TOKEN(TOKEN_1 "<Death>2031/13/01</Death>", "W1m1pmFSHfHQMVCAlF9YOg==") },
    { "elements in elements", USUAL,
      TOKEN("<Box><SN>519840477516</SN><Inner><Seed>=7qA8l9USP+nWgZE9uNhuTA==</Seed></Inner></Box>"
            "<TokenAttributes><Nickname> </Nickname><DeviceSerialNumber></DeviceSerialNumber></TokenAttributes>",
            "To8mYgzGZVF210OU9cghYA==") },
    { "a short element", USUAL,
      TOKEN("<A>1</A>" TOKEN_1, "Y9HKVlV03vLpQkGm7J910Q==") },
    { "short elements", USUAL,
      TOKEN("<A>1</A><B>2</B><C>3</C><Dd>45</Dd>" TOKEN_1, "zGEkDihzPP6gXBO+hlBKcA==") },
    { "a short element without a text", USUAL,
      TOKEN("<A>1</A><Abcd>1234</Abcd><B></B>" TOKEN_1, "HXYiN5vPHRHYskWGo9bnpg==") },
    { "short elements, not all with a text", USUAL,
      TOKEN("<A>12</A><B></B><C>1</C><D></D><Alpha>33</Alpha>" TOKEN_1, "Ayg9zUfwspnkyZSInt0Dvw==") },
    { "what the MAC does not cover", USUAL,
      TOKEN(TOKEN_1 "<SealMAC>x</SealMAC><BoxMAC><Town>Lyon</Town></BoxMAC>", "w+aYgnzAKpYV9gDWK9n8Ww==") },
    { "a name not all of ASCII", USUAL,
      TOKEN(TOKEN_1 "<UserFirstName>Zo\xc3\xa9</UserFirstName><UserLastName>A &amp; B &lt;C&gt;</UserLastName>",
            "yOkUlIuQIxl/Kvd9/KuMxA==") },
};

/* `read`: libstoken takes it, be it odd or not. */
static const struct {
    const char *what, *header, *token;
    bool        read;
} odd[] = {
    { "a field twice", USUAL,
      TOKEN(TOKEN_1 "<Digits>6</Digits><Digits>8</Digits>", "Sob++KDD53w4euD/35/14Q=="), true },
    { "a field twice in the header",
      HEADER("<DefDeath>2031/11/21</DefDeath><DefAlg>1</DefAlg><DefDigits>6</DefDigits><DefDigits>8</DefDigits>",
             "WAuhkxgghdybQ35M4Na0GA=="),
      TOKEN(TOKEN_1, "w+aYgnzAKpYV9gDWK9n8Ww=="), true },
    { "a field and a default for it in the header",
      HEADER("<DefDeath>2031/11/21</DefDeath><DefAlg>1</DefAlg><Digits>6</Digits><DefDigits>8</DefDigits>",
             "eWSJctIHUVwhLnCT/2rV2Q=="),
      TOKEN(TOKEN_1, "w+aYgnzAKpYV9gDWK9n8Ww=="), true },
    { "a default in a token", USUAL,
      TOKEN(TOKEN_1 "<DefDigits>6</DefDigits>", "R9757OvOhHNvQ/H7vx4PTg=="), true },
    { "a default deep in a token", USUAL,
      TOKEN(TOKEN_1 "<Box><DefDigits>6</DefDigits></Box>", "ljMBkC41KDY7qSuK+dMPSQ=="), true },
    { "a seed without a text", USUAL,
      TOKEN("<SN>519840477516</SN><Seed></Seed><A>=x</A>", "DBoDbmFTGz9m/JkUkFDz3A=="), false },
    { "an octal number", USUAL,
      TOKEN(TOKEN_1 "<Interval>060</Interval>", "6ucBnLfc8i7IaVuSppzI7w=="), true },
    { "a hexadecimal number", USUAL,
      TOKEN(TOKEN_1 "<Digits>0x8</Digits>", "y4pWQ45dAfjFCp2Y4Y9fSg=="), true },
    { "a blank before a number", USUAL,
      TOKEN(TOKEN_1 "<Digits> 8</Digits>", "6U++WAcdnoT0oAjy5GEz1g=="), true },
    { "a number below 0", USUAL,
      TOKEN(TOKEN_1 "<Mode>-1</Mode>", "jlDKZB7f8m/eliEmDavpCg=="), true },
    { "a number of ten digits", USUAL,
      TOKEN(TOKEN_1 "<Mode>4294967296</Mode>", "YCuNTXc+G6gqSRjRaG8HJQ=="), true },
    { "a number with elements", USUAL,
      TOKEN(TOKEN_1 "<Digits><A>8</A></Digits>", "KtRHidQlnAp3Gbp26TkSHA=="), true },
    { "codes of nine digits", USUAL,
      TOKEN(TOKEN_1 "<Digits>9</Digits>", "vtYR5l33GY5DSY8thYGuyA=="), false },
    { "codes of five digits", USUAL,
      TOKEN(TOKEN_1 "<Digits>5</Digits>", "MFJAkQq4iKVFuUBtix7kkA=="), false },
    { "a number that is none", USUAL,
      TOKEN(TOKEN_1 "<Mode>x</Mode>", "zqraznftzzdhQetxJUbvEA=="), false },
    { "a number without digits", USUAL,
      TOKEN(TOKEN_1 "<Mode></Mode>", "r04pSmGoUFvTRU3lrbhazg=="), false },
    { "a number that is none in the header",
      HEADER("<DefDeath>2031/11/21</DefDeath><DefDigits>8</DefDigits><DefInterval>60</DefInterval>"
             "<DefAlg>1</DefAlg><DefMode>x</DefMode>",
             "j+tGM0zGIopBNpBNX8NuRA=="),
      TOKEN(TOKEN_1, "w+aYgnzAKpYV9gDWK9n8Ww=="), false },
    { "64 bits", USUAL,
      TOKEN(TOKEN_1 "<Alg>0</Alg>", "tCWbxhpWkMOy+Pguedtvmg=="), false },
    { "no end of its life", HEADER("<DefAlg>1</DefAlg>", "d73YjjAOY4z1XlTsDZeKBA=="),
      TOKEN(TOKEN_1, "w+aYgnzAKpYV9gDWK9n8Ww=="), false },
    { "an end after the last day", USUAL,
      TOKEN(TOKEN_1 "<Death>2044/11/09</Death>", "kn56VaZmMc5Gd5cwRTOqew=="), true },
    { "an end in the first day", USUAL,
      TOKEN(TOKEN_1 "<Death>2000/01/01</Death>", "ycBKGcMfFXHjeQJEPXXLVA=="), false },
    { "an end before the first day", USUAL,
      TOKEN(TOKEN_1 "<Death>1999/12/31</Death>", "k05oFW/XCktorPlQFtmMfw=="), true },
    { "an end of one digit", USUAL,
      TOKEN(TOKEN_1 "<Death>2031/1/5</Death>", "drSbXNGViORVvi8vKt8BVw=="), true },
    { "an end with a time", USUAL,
      TOKEN(TOKEN_1 "<Death>2031/11/21 00:00</Death>", "U6pmbKZC/wb4dqcj1gratQ=="), true },
    { "an end with more", USUAL,
      TOKEN(TOKEN_1 "<Death>2031/11/21/1</Death>", "MK4IaGIwpNWzNUhgMkfQ8w=="), true },
    { "an end in another year", USUAL,
      TOKEN(TOKEN_1 "<Death>131/011/21</Death>", "oVrjn6/70P+l50Zot9mM1A=="), true },
    { "a serial number of 13 digits", USUAL,
      TOKEN("<SN>5198404775160</SN><Seed>=AEfRkKHINTlkaM6ZjUVIUA==</Seed>", "d/OKKQqUlMlFIB2W/QifJQ=="), false },
    { "a serial number with a letter", USUAL,
      TOKEN("<SN>51984047751A</SN><Seed>=C4WiNFUJKP/UQqzVGhSPyA==</Seed>", "I9ubsKkeVxNN9MCDEDc2oA=="), false },
    { "a serial number with a blank", USUAL,
      TOKEN("<SN> 51984047751</SN><Seed>=yu/3dy0AH1EvpSeNxAwEgg==</Seed>", "RK3RHo9YhwhhiYmic1CBEQ=="), false },
    { "a serial number twice", USUAL,
      TOKEN(TOKEN_1 "<SN>519840477517</SN>", "1l9jeoA7wA8l/3a3xtYQ3Q=="), true },
    { "a seed that begins otherwise", USUAL,
      TOKEN("<SN>519840477516</SN><Seed>A7qA8l9USP+nWgZE9uNhuTA==</Seed>", "Elc9NxWOBohz97wi75IEBA=="), true },
    { "a seed twice", USUAL,
      TOKEN(TOKEN_1 "<Seed>=AAAA</Seed>", "oopv7Vi7Bu5g1rvqYtVdzA=="), true },
    { "a seed in the header",
      HEADER("<DefDeath>2031/11/21</DefDeath><DefDigits>8</DefDigits><DefInterval>60</DefInterval>"
             "<DefAlg>1</DefAlg><Seed>=7qA8l9USP+nWgZE9uNhuTA==</Seed>",
             "WwJXb9Ew4G3yc0Qz5lgeYA=="),
      TOKEN("<SN>519840477516</SN>", "URA7NOd4xwNkp5rc+h8bGw=="), true },
    { "an attribute", USUAL,
      TOKEN("<SN>519840477516</SN><Seed>=7qA8l9USP+nWgZE9uNhuTA==</Seed><A Name=\"x\">1</A>",
            "drupp3/ercPY18AyXD+9Wg=="), true },
    { "an attribute in the header",
      HEADER("<DefDeath>2031/11/21</DefDeath><DefDigits>8</DefDigits><DefInterval>60</DefInterval>"
             "<DefAlg>1</DefAlg><A Name=\"x\">1</A>",
             "eAp3GA8EOTRfGu8O5NvREA=="),
      TOKEN(TOKEN_1, "w+aYgnzAKpYV9gDWK9n8Ww=="), true },
    { "two attributes of one name", USUAL,
      TOKEN("<SN>519840477516</SN><Seed>=7qA8l9USP+nWgZE9uNhuTA==</Seed>"
            "<A xmlns:p=\"urn:ietf:params:xml:ns:keyprov:pskc\" p:b=\"1\" b=\"2\">1</A>",
            "drupp3/ercPY18AyXD+9Wg=="), false },
    { "two attributes of one name in the header",
      HEADER("<DefDeath>2031/11/21</DefDeath><DefDigits>8</DefDigits><DefInterval>60</DefInterval>"
             "<DefAlg>1</DefAlg><A xmlns:p=\"urn:ietf:params:xml:ns:keyprov:pskc\" p:b=\"1\" b=\"2\">1</A>",
             "eAp3GA8EOTRfGu8O5NvREA=="),
      TOKEN(TOKEN_1, "w+aYgnzAKpYV9gDWK9n8Ww=="), false },
    { "a MAC without padding", USUAL,
      TOKEN(TOKEN_1, "w+aYgnzAKpYV9gDWK9n8Ww"), true },
    { "a seed without padding", USUAL,
      TOKEN("<SN>519840477516</SN><Seed>=7qA8l9USP+nWgZE9uNhuTA</Seed>", "FrRJF1av+dao0eROL014mw=="), true },
};

typedef void spoil_t(otpctl_sdtid_batch_t *batch);

/* What became of a token. */
typedef struct {
    otpctl_sdtid_batch_t batch;
    spoil_t             *spoil;
    bool                 made;
    char                 string[OTPCTL_CTF_DIGITS + 1];
} token_t;

static bool visit(otpctl_xml_node_t *piece, void *data, otpctl_import_error_t *error)
{
    token_t     *token = data;
    uint8_t      file_key[OTPCTL_AES_BLOCK];
    char         relocked[1];
    otp_buffer_t out;

    (void) error;
    otp_buffer_init(&out, relocked, sizeof(relocked));
    if (otp_span_equal(piece->name, OTP_SPAN("TKNHeader"))) {
        assert_int_equal(otpctl_sdtid_open(piece, NULL, file_key, &out), OTPCTL_SDTID_OPEN);
        otpctl_sdtid_batch(piece, file_key, &token->batch);
        if (token->spoil) {
            token->spoil(&token->batch);
        }
    } else if (otp_span_equal(piece->name, OTP_SPAN("TKN"))) {
        token->made = otpctl_sdtid_string(&token->batch, piece, token->string);
    }
    return true;
}


static const char *file_of(const char *header, const char *token)
{
    static char text[TEXT_MAX];

    (void) snprintf(text, sizeof(text), "<?xml version=\"1.0\"?>\n<TKNBatch>\n%s%s<TKNTrailer/></TKNBatch>\n", header,
                    token);
    return text;
}


static token_t make_spoilt(const char *header, const char *token, spoil_t *spoil)
{
    token_t               made = { .spoil = spoil };
    otpctl_import_error_t error = { 0 };

    assert_true(otpctl_xml_each(otp_span_of(file_of(header, token)), "TKNBatch", visit, &made, &error));
    return made;
}


static token_t make(const char *header, const char *token)
{
    return make_spoilt(header, token, NULL);
}


static void forget(otpctl_sdtid_batch_t *batch)
{
    *batch = (otpctl_sdtid_batch_t) { 0 };
}


static void change(otpctl_sdtid_batch_t *batch)
{
    batch->file_key[0] ^= 1;
}


static void assert_read_as_alone(const char *what, const char *text)
{
    otpctl_import_key_t        alone = { .line = TOKEN_LINE };
    otpctl_import_error_t      error = { 0 };
    const otpctl_import_key_t *key;

    if (!otp_import_lab(SDTID, text, NULL) || !otpctl_import_securid(text, NULL, &alone, &error)) {
        fail_msg("%s: %s%s", what, otp_import_error.reason, error.reason);
    }
    key = &otp_import_list.key[0];
    /* The zeros of a serial number are those of the file. */
    (void) snprintf(alone.serial, sizeof(alone.serial), "%s", key->serial);
    if (memcmp(key, &alone, sizeof(alone)) != 0) {
        fail_msg("%s: another key than libstoken reads", what);
    }
}


static void test_strings_of_ordinary_tokens_are_those_that_libstoken_writes(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(ordinary) / sizeof(ordinary[0]); i++) {
        token_t               token = make(ordinary[i].header, ordinary[i].token);
        const char           *text = file_of(ordinary[i].header, ordinary[i].token);
        otpctl_import_key_t   alone = { 0 };
        otpctl_import_error_t error = { 0 };

        if (!token.made) {
            fail_msg("no string was made of %s", ordinary[i].what);
        }
        if (!otpctl_import_securid(text, NULL, &alone, &error)) {
            fail_msg("libstoken refuses %s: %s", ordinary[i].what, error.reason);
        }
        assert_int_equal(alone.len, OTPCTL_CTF_DIGITS);
        if (memcmp(token.string, alone.secret, OTPCTL_CTF_DIGITS) != 0) {
            fail_msg("%s: %s, but libstoken writes %.81s", ordinary[i].what, token.string, (char *) alone.secret);
        }
    }
}


static void test_keys_of_ordinary_tokens_are_those_that_libstoken_reads(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(ordinary) / sizeof(ordinary[0]); i++) {
        assert_read_as_alone(ordinary[i].what, file_of(ordinary[i].header, ordinary[i].token));
    }
}


static void test_odd_tokens_are_left_to_libstoken(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        if (make(odd[i].header, odd[i].token).made) {
            fail_msg("a string was made of %s", odd[i].what);
        }
        if (odd[i].read) {
            assert_read_as_alone(odd[i].what, file_of(odd[i].header, odd[i].token));
        } else if (otp_import_lab(SDTID, file_of(odd[i].header, odd[i].token), NULL)) {
            fail_msg("%s was read", odd[i].what);
        }
    }
}


static void test_changed_tokens_are_left_to_libstoken_and_refused(void **state)
{
    static const char token[] = TOKEN(TOKEN_1 "<Digits>6</Digits>", "ioFaIAKYFLxjeg0gbwuy2Q==");
    const char *const changed[] = {
        otp_changed(token, "519840477516", "519840477517"), otp_changed(token, "519840477516", "0519840477516"),
        otp_changed(token, "<Seed>=7", "<Seed>=8"), otp_changed(token, "uTA==</Seed>", "uTQ==</Seed>"),
        otp_changed(token, "uTA==</Seed>", "</Seed>"), otp_changed(token, "<Seed>=7qA8l9USP+nWgZE9uNhuTA==</Seed>", ""),
        otp_changed(token, "<Digits>6", "<Digits>8"), otp_changed(token, "<Digits>6</Digits>", ""),
        otp_changed(token, "<Digits>6</Digits>", "<Digits>6</Digits><A></A>"),
        otp_changed(token, "<Digits>6</Digits>", "<A><Digits>6</Digits></A>"),
        otp_changed(token, "<TokenMAC>", "<TokenMAC>A"),
        otp_changed(token, "<TokenMAC>i", "<TokenMAC>A"), otp_changed(token, "Q==</TokenMAC>", "w==</TokenMAC>"),
        otp_changed(token, "<TokenMAC>ioFaIAKYFLxjeg0gbwuy2Q==</TokenMAC>", ""),
        otp_changed(token, "<TokenMAC>", "<TokenMAC>AAAAAAAAAAAAAAAAAAAAAA==</TokenMAC><TokenMAC>"),
    };

    (void) state;
    assert_true(make(USUAL, token).made);
    for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
        otp_refused_t refused = { file_of(USUAL, changed[i]), TOKEN_LINE, "its checksum is wrong" };

        if (make(USUAL, changed[i]).made) {
            fail_msg("a string was made of %s", changed[i]);
        }
        otp_assert_refused(SDTID, NULL, &refused, 1);
    }
}


static void test_nothing_is_made_without_the_key_of_the_file(void **state)
{
    (void) state;
    assert_true(make_spoilt(USUAL, ordinary[0].token, NULL).made);
    assert_false(make_spoilt(USUAL, ordinary[0].token, forget).made);
    assert_false(make_spoilt(USUAL, ordinary[0].token, change).made);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_of_ordinary_tokens_are_those_that_libstoken_writes),
        cmocka_unit_test(test_keys_of_ordinary_tokens_are_those_that_libstoken_reads),
        cmocka_unit_test(test_odd_tokens_are_left_to_libstoken),
        cmocka_unit_test(test_changed_tokens_are_left_to_libstoken_and_refused),
        cmocka_unit_test(test_nothing_is_made_without_the_key_of_the_file),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    otpctl_import_free(&otp_import_list);
    return failed;
}
