#include "core/http/otp_return_address.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/browser_url.h"

static const otp_span_t listed[] = { { "other.example", 13 } };

static void judge(otp_span_t rd, const char *scheme)
{
    char host[BROWSER_URL_MAX];

    if (!otp_return_address_allowed(rd, otp_span_of(scheme), OTP_SPAN("gate.example"), listed, 1)) {
        return;
    }
    FUZZ_ACCEPTED();
    FUZZ_REQUIRE(rd.len <= OTP_RETURN_ADDRESS_MAX);
    browser_host(rd.data, rd.len, scheme, "gate.example", host);
    FUZZ_REQUIRE(strcmp(host, "gate.example") == 0 || strcmp(host, "other.example") == 0);
    for (size_t i = 0; i < rd.len; i++) {
        FUZZ_REQUIRE(rd.data[i] > ' ' && rd.data[i] < 0x7F && rd.data[i] != '\\' && rd.data[i] != '#');
    }
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t rd = { (const char *) data, size };

    judge(rd, "https");
    judge(rd, "http");
    return 0;
}
