#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/otp_import_lab.h"

#define SDTID       OTPCTL_IMPORT_SDTID
#define SEED_DIGITS 71      /* version, serial, seed, flags, date, the seed's check: the rest is about the device */
#define PASSWORD    "moth & flame"

#define REFUSE(unlock, cases) otp_assert_refused(SDTID, unlock, cases, sizeof(cases) / sizeof(cases[0]))

/* Made with `stoken issue`, `stoken export` (0.92) and, for the files of two, an editor. */
#define SERIAL_1 "519840477516"
#define SERIAL_2 "666533604163"
#define LINE_HEADER 3
#define LINE_1 34
#define LINE_2 46
#define TOKEN_1 \
    "251984047751624155025254542321460211373504223240406003604172155376157112716741240"
#define TOKEN_2 \
    "266653360416307113720053743465113011424204057215012432104172155376412272716700051"
#define TOKEN_1_GROUPS \
    "25198-40477-51624-15502-52545-42321-46021-13735-04223-24040-60036-04172-15537-61571-12716-74124-" \
    "0"
#define LOCKED_1 \
    "http://127.0.0.1/securid/ctf?ctfData=25198404775160356136755707154046660202115064155176164262617" \
    "2155376157116671622274"
#define LOCKED_V3 \
    "http://127.0.0.1/securid/ctf?ctfData=AwEAIBebFUV8ECZ1IifS85kvB5EJlViWcJr9P54kS49kJy4bBuagYwsqmy4" \
    "F39w1e6xgx05w8p%2B3zD9hPq%2FWy75YKIyULvlIBVKzbl0Y0qsYd5tRPIM8GoU2lIfRkrTypTJbwpdFSr9CjoZPcGP%2B7" \
    "uFRqnMYBlY9EEct7qW8kg0%2BV2pFKzIB3dxVnL%2Fy3TbbAfA%2FYoiEX4CpxrLcHNhOmErbpKTvCLRIzbGz74wfIJODSOO" \
    "deDxDsz47lYcU62Z%2FSZK5KwNzqZ111BHadKEaBeFSI7mxCr%2Fv3V2wE3JfW4u5kxRsdcZIfxlbYa2nugRSewTwavSPIhA" \
    "cmifr2E9Dmi1CErxvJOpF1ptBI8%2BiMLwpCMs0gY%2FItlRQvEoP%2FD5JZcdi"
#define BOUND_1 \
    "http://127.0.0.1/securid/ctf?ctfData=25198404775162167117204524763127717651252673157663416712517" \
    "2155376157113072641676"

static const char batch[] =
    "<?xml version=\"1.0\"?>\n"
    "<TKNBatch>\n"
    "  <TKNHeader>\n"
    "    <Version>0</Version>\n"
    "    <Origin>N/A</Origin>\n"
    "    <Dest>N/A</Dest>\n"
    "    <Name>N/A</Name>\n"
    "    <FirstToken>N/A</FirstToken>\n"
    "    <LastToken>N/A</LastToken>\n"
    "    <NumTokens>0</NumTokens>\n"
    "    <Secret>WTFNzycMvOXcvS7UKDpKWA==</Secret>\n"
    "    <DefBirth>2000/01/01</DefBirth>\n"
    "    <DefDeath>2031/11/21</DefDeath>\n"
    "    <DefDigits>8</DefDigits>\n"
    "    <DefInterval>60</DefInterval>\n"
    "    <DefAlg>1</DefAlg>\n"
    "    <DefMode>0</DefMode>\n"
    "    <DefPrecision>2400</DefPrecision>\n"
    "    <DefSmallWin>630</DefSmallWin>\n"
    "    <DefMediumWin>4320</DefMediumWin>\n"
    "    <DefLargeWin>4320</DefLargeWin>\n"
    "    <DefAddPIN>1</DefAddPIN>\n"
    "    <DefLocalPIN>0</DefLocalPIN>\n"
    "    <DefCopyProtection>1</DefCopyProtection>\n"
    "    <DefPinType>0</DefPinType>\n"
    "    <DefKeypad>1</DefKeypad>\n"
    "    <DefProtLevel>0</DefProtLevel>\n"
    "    <DefRevision>0</DefRevision>\n"
    "    <DefTimeDerivedSeeds>1</DefTimeDerivedSeeds>\n"
    "    <DefAppDerivedSeeds>0</DefAppDerivedSeeds>\n"
    "    <DefFormFactor>20000001</DefFormFactor>\n"
    "    <HeaderMAC>VyKj1laV5ANLRTTWUv8/hA==</HeaderMAC>\n"
    "  </TKNHeader>\n"
    "  <TKN>\n"
    "    <SN>519840477516</SN>\n"
    "    <Seed>=xrVnBtcLMWSu3HFlzPpfSw==</Seed>\n"
    "    <UserFirstName> </UserFirstName>\n"
    "    <UserLastName> </UserLastName>\n"
    "    <UserLogin> </UserLogin>\n"
    "    <TokenAttributes>\n"
    "      <DeviceSerialNumber> </DeviceSerialNumber>\n"
    "      <Nickname> </Nickname>\n"
    "    </TokenAttributes>\n"
    "    <TokenMAC>5jY6j/LaBW3aSHWJzbzz1w==</TokenMAC>\n"
    "  </TKN>\n"
    "  <TKN>\n"
    "    <SN>666533604163</SN>\n"
    "    <Seed>=TJo2/BVVa9h2HRzBEMSSOg==</Seed>\n"
    "    <UserFirstName> </UserFirstName>\n"
    "    <UserLastName> </UserLastName>\n"
    "    <UserLogin> </UserLogin>\n"
    "    <TokenAttributes>\n"
    "      <DeviceSerialNumber> </DeviceSerialNumber>\n"
    "      <Nickname> </Nickname>\n"
    "    </TokenAttributes>\n"
    "    <TokenMAC>JzTTc95DjaQ1Qe1yNFTubA==</TokenMAC>\n"
    "  </TKN>\n"
    "  <TKNTrailer><BatchSignature>eA==</BatchSignature></TKNTrailer>\n"
    "</TKNBatch>\n";

static const char locked_batch[] =
    "<?xml version=\"1.0\"?>\n"
    "<TKNBatch>\n"
    "  <TKNHeader>\n"
    "    <Version>0</Version>\n"
    "    <Origin>N/A</Origin>\n"
    "    <Dest>N/A</Dest>\n"
    "    <Name>N/A</Name>\n"
    "    <FirstToken>N/A</FirstToken>\n"
    "    <LastToken>N/A</LastToken>\n"
    "    <NumTokens>0</NumTokens>\n"
    "    <Secret>WTFNzycMvOXcvS7UKDpKWA==</Secret>\n"
    "    <DefBirth>2000/01/01</DefBirth>\n"
    "    <DefDeath>2031/11/21</DefDeath>\n"
    "    <DefDigits>8</DefDigits>\n"
    "    <DefInterval>60</DefInterval>\n"
    "    <DefAlg>1</DefAlg>\n"
    "    <DefMode>0</DefMode>\n"
    "    <DefPrecision>2400</DefPrecision>\n"
    "    <DefSmallWin>630</DefSmallWin>\n"
    "    <DefMediumWin>4320</DefMediumWin>\n"
    "    <DefLargeWin>4320</DefLargeWin>\n"
    "    <DefAddPIN>1</DefAddPIN>\n"
    "    <DefLocalPIN>0</DefLocalPIN>\n"
    "    <DefCopyProtection>1</DefCopyProtection>\n"
    "    <DefPinType>0</DefPinType>\n"
    "    <DefKeypad>1</DefKeypad>\n"
    "    <DefProtLevel>0</DefProtLevel>\n"
    "    <DefRevision>0</DefRevision>\n"
    "    <DefTimeDerivedSeeds>1</DefTimeDerivedSeeds>\n"
    "    <DefAppDerivedSeeds>0</DefAppDerivedSeeds>\n"
    "    <DefFormFactor>20000001</DefFormFactor>\n"
    "    <HeaderMAC>4nv8FzFSIHFEsR/Ss5gH8g==</HeaderMAC>\n"
    "  </TKNHeader>\n"
    "  <TKN>\n"
    "    <SN>519840477516</SN>\n"
    "    <Seed>=Z1svGgatTXqsSmVOwJcY4g==</Seed>\n"
    "    <UserFirstName> </UserFirstName>\n"
    "    <UserLastName> </UserLastName>\n"
    "    <UserLogin> </UserLogin>\n"
    "    <TokenAttributes>\n"
    "      <DeviceSerialNumber> </DeviceSerialNumber>\n"
    "      <Nickname> </Nickname>\n"
    "    </TokenAttributes>\n"
    "    <TokenMAC>2uRsDpFhk10s6uYRbFhk5g==</TokenMAC>\n"
    "  </TKN>\n"
    "  <TKN>\n"
    "    <SN>666533604163</SN>\n"
    "    <Seed>=55p2D4tlGzQsfWVDo1yi3w==</Seed>\n"
    "    <UserFirstName> </UserFirstName>\n"
    "    <UserLastName> </UserLastName>\n"
    "    <UserLogin> </UserLogin>\n"
    "    <TokenAttributes>\n"
    "      <DeviceSerialNumber> </DeviceSerialNumber>\n"
    "      <Nickname> </Nickname>\n"
    "    </TokenAttributes>\n"
    "    <TokenMAC>BO4+CxoxUz70J7FASbiDpg==</TokenMAC>\n"
    "  </TKN>\n"
    "  <TKNTrailer><BatchSignature>eA==</BatchSignature></TKNTrailer>\n"
    "</TKNBatch>\n";

static const otpctl_import_key_t *read_keys(const char *text, const char *unlock, size_t keys)
{
    otp_assert_read(SDTID, text, unlock, keys);
    return otp_import_list.key;
}


static void assert_first(const otpctl_import_key_t *key)
{
    assert_string_equal(key->serial, SERIAL_1);
    assert_int_equal(key->type, OTP_TYPE_SECURID);
    assert_int_equal(key->digits, 8);
    assert_int_equal(key->period_s, 60);
    assert_true(key->expires > 1900000000);
    assert_int_equal(key->len, 81);
    assert_memory_equal(key->secret, TOKEN_1, 81);
}


static void test_file_of_two_tokens_is_read(void **state)
{
    const otpctl_import_key_t *key = read_keys(batch, NULL, 2);

    (void) state;
    assert_first(&key[0]);
    assert_int_equal(key[0].line, LINE_1);
    assert_string_equal(key[1].serial, SERIAL_2);
    assert_int_equal(key[1].line, LINE_2);
    assert_memory_equal(key[1].secret, TOKEN_2, 81);
}


static void test_file_with_a_password_is_read_with_it_alone(void **state)
{
    static const otp_refused_t locked[] = { { locked_batch, LINE_1, "locked with a password" } };
    static const otp_refused_t wrong[] = { { locked_batch, LINE_HEADER, "the password is a wrong one" } };

    (void) state;
    assert_first(read_keys(locked_batch, PASSWORD, 2));
    assert_first(read_keys(locked_batch, PASSWORD "\n", 2));
    REFUSE(NULL, locked);
    REFUSE("moth & flames", wrong);
}


static void test_token_strings_are_read_one_a_line(void **state)
{
    const otpctl_import_key_t *key;

    (void) state;
    assert_first(read_keys("# a token\n\n" TOKEN_1 "\r\n" TOKEN_2 "\n", NULL, 2));
    assert_int_equal(otp_import_list.key[0].line, 3);
    assert_first(read_keys(TOKEN_1_GROUPS, NULL, 1));
    /* Its seed is the same, the check of the device it is not bound to is another. */
    key = read_keys("com.rsa.securid.iphone://ctf?ctfData=" TOKEN_1, NULL, 1);
    assert_memory_equal(key->secret, TOKEN_1, SEED_DIGITS);
    key = read_keys("http://127.0.0.1/securid/ctf?ctfData=" TOKEN_1, NULL, 1);
    assert_memory_equal(key->secret, TOKEN_1, SEED_DIGITS);
}


static void test_locked_token_strings_are_read_with_their_password_alone(void **state)
{
    static const otp_refused_t locked[] = {
        { TOKEN_2 "\n" LOCKED_1, 2, "locked with a password" }, { LOCKED_V3, 1, "locked with a password" }
    };
    static const otp_refused_t wrong[] = {
        { LOCKED_1, 1, "the password is a wrong one" }, { LOCKED_V3, 1, "the password is a wrong one" }
    };
    static const otp_refused_t bound[] = { { BOUND_1, 1, "bound to a device" } };

    (void) state;
    assert_string_equal(read_keys(LOCKED_1, PASSWORD, 1)->serial, SERIAL_1);
    assert_string_equal(read_keys(LOCKED_V3, PASSWORD, 1)->serial, SERIAL_1);
    REFUSE(NULL, locked);
    REFUSE("flame", wrong);
    REFUSE(PASSWORD, bound);
}


static void test_changed_files_are_refused(void **state)
{
    const otp_refused_t cases[] = {
        { otp_changed(batch, SERIAL_2, SERIAL_1), LINE_2, "checksum" },
        { otp_changed(batch, "<DefDigits>8", "<DefDigits>6"), LINE_1, "checksum" },
        { otp_changed(batch, "<DefInterval>60", "<DefInterval>30"), LINE_1, "checksum" },
        { otp_changed(batch, "<Seed>=", "<Seed>=A"), LINE_1, "no token" },
        { otp_changed(batch, "<TokenMAC>", "<TokenMAC>A"), LINE_1, "no token" },
        { otp_changed(batch, "<Secret>", "<Secret>A"), LINE_1, "no token" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(otp_import_lab(SDTID, cases[i].text, NULL));
        assert_int_equal(otp_import_error.line, cases[i].line);
    }
}


static void test_broken_token_strings_are_refused(void **state)
{
    static const otp_refused_t cases[] = {
        { TOKEN_1 "\n2012345", 2, "this is no token" },
        { "0" TOKEN_1, 1, "this is no token" },
        { TOKEN_1 " " TOKEN_2, 1, "neither a token string nor" },
        { "stoken " TOKEN_1, 1, "neither a token string nor" },
        { "com.rsa.securid.iphone://ctf?ctfData=", 1, "this is no token" },
        { "com.rsa.securid.iphone://ctf?x=" TOKEN_1, 1, "this is no token" },
        { TOKEN_1 "\n" TOKEN_1, 2, "in line 1 already" },
        { "", 0, "no key" },
    };
    char changed[] = TOKEN_1;

    (void) state;
    REFUSE(NULL, cases);
    for (size_t i = 0; i < sizeof(changed) - 1; i++) {
        changed[i] = changed[i] == '3' ? '4' : '3';
        assert_false(otp_import_lab(SDTID, changed, NULL));
        changed[i] = TOKEN_1[i];
    }
}


static void test_first_fault_is_told_of_many_tokens(void **state)
{
    enum { TOKENS = 600, BAD = 599, LINE = 82 };
    char *text = malloc(TOKENS * LINE + 100), *at = text;

    (void) state;
    assert_non_null(text);
    for (int i = 1; i <= TOKENS; i++) {
        at += sprintf(at, "%s%s\n", i == BAD || i == BAD - 1 ? "21" : "", TOKEN_1);
    }
    (void) sprintf(at, "no token\n");
    otp_assert_refused(SDTID, NULL, &(otp_refused_t) { text, BAD - 1, "this is no token" }, 1);
    text[(BAD - 2) * LINE] = '\0';
    otp_assert_refused(SDTID, NULL, &(otp_refused_t) { text, 2, "in line 1 already" }, 1);
    free(text);
    /* What is wrong with the document comes after its tokens. */
    otp_assert_refused(SDTID, NULL, &(otp_refused_t) {
        otp_changed(otp_changed(batch, SERIAL_1, SERIAL_2), "</TKNBatch>", "<<"), LINE_1, "this is no token"
    }, 1);
}


static void test_other_documents_are_refused(void **state)
{
    static const otp_refused_t cases[] = {
        { "<?xml version=\"1.0\"?><KeyContainer/>", 1, "root element" },
        { "<TKNBatch>\n<TKN/></TKNBatch>", 2, "no TKNHeader before" },
        { "<TKNBatch>\n<TKNHeader/><TKNHeader/></TKNBatch>", 2, "second TKNHeader" },
        { "<TKNBatch>\n<Colour/></TKNBatch>", 2, "element Colour" },
        { "<TKNBatch>\n<TKNHeader/></TKNBatch>", 0, "no key" },
        { "<TKNBatch>\n<TKNHeader/><TKN/></TKNBatch>", 2, "this is no token" },
        { "<TKNBatch>\n<TKNHeader/><TKN><SN>x?ctfData=" TOKEN_1 "</SN></TKN></TKNBatch>", 2, "token string inside" },
        { "<!DOCTYPE TKNBatch [<!ENTITY a \"b\">]>\n<TKNBatch/>", 1, "DOCTYPE" },
        { "<TKNBatch>\n<TKNHeader><a><b><c><d><e>1</e></d></c></b></a></TKNHeader></TKNBatch>", 2, "larger than" },
    };

    (void) state;
    REFUSE(NULL, cases);
}


/* Near 64 KB libstoken writes past the end of what it authenticates. */
static void test_parts_out_of_bounds_are_refused(void **state)
{
    enum { LEN = 17000 };
    char *text = malloc(LEN + 1000), *at = text;

    (void) state;
    assert_non_null(text);
    at += sprintf(at, "<TKNBatch>\n<TKNHeader><Name>");
    memset(at, 'x', LEN);
    (void) sprintf(at + LEN, "</Name></TKNHeader></TKNBatch>");
    otp_assert_refused(SDTID, NULL, &(otp_refused_t) { text, 2, "larger than sdtid files" }, 1);
    at = text + sprintf(text, "<TKNBatch>\n<TKNHeader/><TKN>");
    for (int i = 0; i < 130; i++) {
        at += sprintf(at, "<a>b</a>");
    }
    (void) sprintf(at, "</TKN></TKNBatch>");
    otp_assert_refused(SDTID, NULL, &(otp_refused_t) { text, 2, "larger than sdtid files" }, 1);
    free(text);
}


static void test_every_truncation_is_refused(void **state)
{
    char *text = malloc(sizeof(batch));

    (void) state;
    assert_non_null(text);
    for (size_t len = 0; len < strlen(batch) - 1; len += 7) {
        memcpy(text, batch, len);
        text[len] = '\0';
        assert_false(otp_import_lab(SDTID, text, NULL));
    }
    free(text);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_of_two_tokens_is_read),
        cmocka_unit_test(test_file_with_a_password_is_read_with_it_alone),
        cmocka_unit_test(test_token_strings_are_read_one_a_line),
        cmocka_unit_test(test_locked_token_strings_are_read_with_their_password_alone),
        cmocka_unit_test(test_changed_files_are_refused),
        cmocka_unit_test(test_broken_token_strings_are_refused),
        cmocka_unit_test(test_first_fault_is_told_of_many_tokens),
        cmocka_unit_test(test_other_documents_are_refused),
        cmocka_unit_test(test_parts_out_of_bounds_are_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    otpctl_import_free(&otp_import_list);
    return failed;
}
