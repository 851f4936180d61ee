#include "core/http/otp_cookie.h"
#include "tests/fuzz/fuzz.h"

#define NAME    OTP_SPAN("__Host-otp")
#define OTHER   OTP_SPAN("otp_lang")
#define KEPT    4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t header = { (const char *) data, size }, value[KEPT];
    size_t found = otp_cookie_find(header, NAME, value, KEPT);
    size_t others = otp_cookie_find(header, OTHER, NULL, 0);
    char *out = malloc(size > 0 ? size : 1);
    const otp_span_t name[] = { NAME, OTHER };
    otp_cookie_taken_t taken = { OTP_SPAN_NONE, 0 };
    otp_span_t left;

    FUZZ_REQUIRE(out != NULL);
    for (size_t i = 0; i < found && i < KEPT; i++) {
        FUZZ_REQUIRE(value[i].data >= header.data && value[i].data + value[i].len <= header.data + header.len);
    }
    left = (otp_span_t) { out, size > 0 ? otp_cookie_take(header, 0, name, 2, out, &taken) : 0 };
    if (found > 0) {
        FUZZ_ACCEPTED();
    }
    FUZZ_REQUIRE(taken.found == found);
    FUZZ_REQUIRE(found == 0 || found > KEPT || otp_span_equal(taken.value, value[found - 1]));
    FUZZ_REQUIRE(otp_cookie_find(left, NAME, NULL, 0) == 0);
    FUZZ_REQUIRE(otp_cookie_find(left, OTHER, NULL, 0) == 0);
    FUZZ_REQUIRE(found + others == 0 ? otp_span_equal(left, header) : left.len < header.len);
    free(out);
    return 0;
}
