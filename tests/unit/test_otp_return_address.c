#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/otp_return_address.h"
#include "tests/unit/browser_url.h"

#define COUNT(array)    (sizeof(array) / sizeof((array)[0]))

static const otp_span_t listed[] = { { "other.example", 13 }, { "b.example:8443", 14 } };

/* A public list of hostile spellings, one a line; not part of this tree. */
static const char *payloads = "../shared/data/redirect-payloads.txt";

static bool allowed_under(otp_span_t rd, const char *scheme)
{
    char *copy = malloc(rd.len > 0 ? rd.len : 1);
    bool allowed;

    assert_non_null(copy);
    if (rd.len > 0) {
        memcpy(copy, rd.data, rd.len);
    }
    allowed = otp_return_address_allowed((otp_span_t) { copy, rd.len }, otp_span_of(scheme), OTP_SPAN("gate.example"),
                                         listed, COUNT(listed));
    free(copy);
    return allowed;
}


static bool allowed(const char *rd)
{
    return allowed_under(otp_span_of(rd), "https");
}


static void assert_refused(const char *rd)
{
    if (allowed_under(otp_span_of(rd), "https") || allowed_under(otp_span_of(rd), "http")) {
        fail_msg("\"%s\" was allowed", rd);
    }
}


/* Allowed or not: a browser must not leave. */
static void assert_stays(otp_span_t rd, const char *scheme)
{
    char host[BROWSER_URL_MAX];

    if (!allowed_under(rd, scheme)) {
        return;
    }
    browser_host(rd.data, rd.len, scheme, "gate.example", host);
    if (strcmp(host, "gate.example") != 0 && strcmp(host, "other.example") != 0
        && strcmp(host, "b.example:8443") != 0) {
        fail_msg("\"%.*s\" leads to %s", (int) rd.len, rd.data, host);
    }
}


static otp_span_t decoded_once(otp_span_t text, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned byte;
        char digits[3] = { 0 };

        if (text.data[i] == '%' && text.len - i > 2) {
            memcpy(digits, text.data + i + 1, 2);
        }
        if (strspn(digits, "0123456789abcdefABCDEF") == 2 && sscanf(digits, "%x", &byte) == 1) {
            out[n++] = (char) (unsigned char) byte;
            i += 2;
            continue;
        }
        out[n++] = text.data[i];
    }
    return (otp_span_t) { out, n };
}


static void test_ordinary_addresses_are_allowed(void **state)
{
    static const char *const addresses[] = {
        "/app/x?a=b&c=%2F", "/", "/a//b", "/app/../other?", "/a/./b/..", "/app?next=https://evil.example/", "/..", "/.",
        "/app/%C3%A9t%C3%A9", "/app/x;v=1,2?q=a+b&l[]=1", "/a?b=//c", "/a/.../b", "/app/@me", "/a:b", "/a/%2fb",
        "/app/..%2f", "/%61pp", "/..a//b", "/x?y=/..//z",
    };

    (void) state;
    for (size_t i = 0; i < COUNT(addresses); i++) {
        if (!allowed(addresses[i])) {
            fail_msg("\"%s\" was refused", addresses[i]);
        }
    }
}


static void test_our_host_and_listed_hosts_are_allowed(void **state)
{
    (void) state;
    assert_true(allowed("https://gate.example/x"));
    assert_true(allowed("https://gate.example/"));
    assert_true(allowed("https://gate.example"));
    assert_true(allowed("https://gate.example?a=b"));
    assert_true(allowed("HTTPS://Gate.Example/x"));
    assert_true(allowed("https://other.example/x?y"));
    assert_true(allowed("https://b.example:8443/x"));
}


static void test_host_is_compared_as_text_with_its_port(void **state)
{
    static const char *const addresses[] = {
        "https://gate.example:443/", "https://gate.example:/", "https://gate.example./", "https://b.example/",
        "https://b.example:8444/", "https://xgate.example/", "https://gate.example.evil.example/",
        "https://gate.exampl/", "https://gate.exampleevil.example/", "https://sub.gate.example/",
        "https://gate%2eexample/",
    };

    (void) state;
    for (size_t i = 0; i < COUNT(addresses); i++) {
        assert_refused(addresses[i]);
    }
}


static void test_plain_http_is_allowed_only_when_ours_is_http(void **state)
{
    (void) state;
    assert_false(allowed("http://gate.example/"));
    assert_false(allowed("http://other.example/"));
    assert_true(allowed_under(OTP_SPAN("http://gate.example/"), "http"));
    assert_true(allowed_under(OTP_SPAN("https://gate.example/"), "http"));
    assert_false(allowed_under(OTP_SPAN("http://gate.example/"), ""));
}


static void test_other_hosts_are_refused(void **state)
{
    static const char *const addresses[] = {
        "https://evil.example/", "http://evil.example/", "https://gate.example@evil.example/",
        "https://gate.example:x@evil.example/", "https://evil.example@gate.example/", "https://@gate.example/",
        "https://evil.example/gate.example", "https://evil.example?gate.example/", "https:///evil.example/",
        "https:////evil.example", "https:/evil.example", "https:evil.example", "https:///gate.example/", "https://",
        "https:", "http:", "https:/", "https://?x", "https:///", "https://3627734734/",
        "https://0xd8.0x3a.0xd6.0xce/", "https://[::1]/", "https://gate.example,evil.example/",
        "https://gate.example;.evil.example/", "https://gate.example&evil.example/",
        "https://gate.example%00.evil.example/", "https://gate.example%2f@evil.example/",
        "https://evil.example%2f.gate.example/",
    };

    (void) state;
    for (size_t i = 0; i < COUNT(addresses); i++) {
        assert_refused(addresses[i]);
    }
}


static void test_other_schemes_and_relative_addresses_are_refused(void **state)
{
    static const char *const addresses[] = {
        "javascript:alert(1)", "JaVaScRiPt://gate.example/%0aalert(1)", "data:text/html,x", "vbscript:x",
        "file:///etc/passwd", "ftp://gate.example/", "ws://gate.example/", "httpss://gate.example/",
        "ttps://gate.example/", "://gate.example/", "gate.example/", "app/x", "?a=b", "", ".", "..", "../x",
        "@evil.example", ".evil.example", "%2fapp", "x/../..//y",
    };

    (void) state;
    for (size_t i = 0; i < COUNT(addresses); i++) {
        assert_refused(addresses[i]);
    }
}


static void test_two_slashes_in_any_spelling_are_refused(void **state)
{
    static const char *const addresses[] = {
        "//evil.example/", "///evil.example/", "////", "//", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
        "/\\/evil.example", "//\\evil.example", "/x\\..\\\\evil.example", "/\t/evil.example", "/\n/evil.example",
        "/\r/evil.example", "\t//evil.example", " //evil.example", "//evil.example/..", "//gate.example/",
        "/%2fevil.example", "/%2Fevil.example", "/%5cevil.example", "/%5Cevil.example",
        "https://gate.example//evil.example",
    };

    (void) state;
    for (size_t i = 0; i < COUNT(addresses); i++) {
        assert_refused(addresses[i]);
    }
}


static void test_dot_segments_that_lead_to_two_slashes_are_refused(void **state)
{
    static const char *const addresses[] = {
        "/.//evil.example", "/..//evil.example", "/a/..//evil.example", "/%2e//evil.example", "/%2E%2e//evil.example",
        "/.%2e//evil.example", "/%2e.//evil.example", "/a/b/../..//evil.example", "/a//../..//evil.example", "/.//",
        "/.//.", "/.//x/..", "/a/..//x/%2e%2e", "/././/evil.example", "/a/../%2fevil.example", "/./%5cevil.example",
        "https://gate.example/..//evil.example", "https://gate.example/a/%2e%2E//evil.example",
    };

    (void) state;
    for (size_t i = 0; i < COUNT(addresses); i++) {
        assert_refused(addresses[i]);
    }
}


static void test_bytes_that_browsers_drop_or_fold_are_refused(void **state)
{
    char address[16];

    (void) state;
    for (int c = 0; c < 256; c++) {
        bool plain = c > 0x20 && c < 0x7F && c != '\\' && c != '#';

        memcpy(address, "/app/x?y=1", 10);
        address[6] = (char) c;
        assert_int_equal(allowed_under((otp_span_t) { address, 10 }, "https"), plain);
        address[6] = 'x';
        address[9] = (char) c;
        assert_int_equal(allowed_under((otp_span_t) { address, 10 }, "https"), plain);
    }
    assert_refused("/x\r\nSet-Cookie: a=b");
    assert_refused("/app#fragment");
    assert_refused("/\xE3\x80\x82");
    assert_refused("https://gate.example\xE3\x80\x82""evil.example/");
}


static void test_an_empty_host_of_ours_matches_nothing(void **state)
{
    (void) state;
    assert_false(otp_return_address_allowed(OTP_SPAN("https:///evil.example/"), OTP_SPAN("https"), OTP_SPAN_NONE,
                                            NULL, 0));
    assert_false(otp_return_address_allowed(OTP_SPAN("https://a@b/"), OTP_SPAN("https"), OTP_SPAN("a@b"), NULL, 0));
    assert_true(otp_return_address_allowed(OTP_SPAN("/x"), OTP_SPAN("https"), OTP_SPAN_NONE, NULL, 0));
    assert_true(otp_return_address_allowed(OTP_SPAN("https://[::1]:8443/"), OTP_SPAN("https"), OTP_SPAN("[::1]:8443"),
                                           NULL, 0));
}


static void test_address_longer_than_the_bound_is_refused(void **state)
{
    char address[OTP_RETURN_ADDRESS_MAX + 1];

    (void) state;
    memset(address, 'a', sizeof(address));
    address[0] = '/';
    assert_true(allowed_under((otp_span_t) { address, OTP_RETURN_ADDRESS_MAX }, "https"));
    assert_false(allowed_under((otp_span_t) { address, OTP_RETURN_ADDRESS_MAX + 1 }, "https"));
}


static void test_no_mixture_of_hostile_pieces_leaves_the_host(void **state)
{
    static const char *const pieces[] = {
        "/", "//", "\\", ".", "..", "%2e", "%2f", "%5c", "?", "#", "@", ":", "https:", "http:", "//", "gate.example",
        "other.example", "evil.example", "\t", "\n", " ", "%09", ";", "a", ":443",
    };
    static const char *const beginnings[] = { "", "/", "https://gate.example", "http://other.example", "https://" };
    unsigned seed = 3;

    (void) state;
    for (int round = 0; round < 100000; round++) {
        char address[256] = "";

        strcat(address, beginnings[(unsigned) round % COUNT(beginnings)]);
        for (int i = 0; i < 6; i++) {
            strcat(address, pieces[(seed = seed * 1103515245U + 12345U) / 65536U % COUNT(pieces)]);
        }
        assert_stays(otp_span_of(address), "https");
        assert_stays(otp_span_of(address), "http");
    }
}


static void test_no_line_of_the_public_list_leaves_the_host(void **state)
{
    FILE *file = fopen(payloads, "rb");
    char line[1024], once[1024];
    unsigned judged = 0, refused = 0;

    (void) state;
    if (file == NULL) {
        print_message("no list of hostile addresses here, nothing judged\n");
        skip();
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        otp_span_t raw = { line, strcspn(line, "\n") };
        otp_span_t decoded = decoded_once(raw, once);

        assert_stays(raw, "https");
        assert_stays(raw, "http");
        assert_stays(decoded, "https");
        assert_stays(decoded, "http");
        judged++;
        refused += !allowed_under(raw, "https") && !allowed_under(decoded, "https");
    }
    fclose(file);
    print_message("%u hostile addresses judged as they are and decoded once: none leaves, %u refused both ways\n",
                  judged, refused);
    assert_true(judged > 0);
}


int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ordinary_addresses_are_allowed),
        cmocka_unit_test(test_our_host_and_listed_hosts_are_allowed),
        cmocka_unit_test(test_host_is_compared_as_text_with_its_port),
        cmocka_unit_test(test_plain_http_is_allowed_only_when_ours_is_http),
        cmocka_unit_test(test_other_hosts_are_refused),
        cmocka_unit_test(test_other_schemes_and_relative_addresses_are_refused),
        cmocka_unit_test(test_two_slashes_in_any_spelling_are_refused),
        cmocka_unit_test(test_dot_segments_that_lead_to_two_slashes_are_refused),
        cmocka_unit_test(test_bytes_that_browsers_drop_or_fold_are_refused),
        cmocka_unit_test(test_an_empty_host_of_ours_matches_nothing),
        cmocka_unit_test(test_address_longer_than_the_bound_is_refused),
        cmocka_unit_test(test_no_mixture_of_hostile_pieces_leaves_the_host),
        cmocka_unit_test(test_no_line_of_the_public_list_leaves_the_host),
    };

    if (getenv("OTP_REDIRECT_PAYLOADS") != NULL) {
        payloads = getenv("OTP_REDIRECT_PAYLOADS");
    }
    if (argc > 1) {
        payloads = argv[1];
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
