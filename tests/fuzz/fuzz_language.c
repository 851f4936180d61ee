#include "core/http/otp_language.h"
#include "core/http/otp_preference.h"
#include "tests/fuzz/fuzz.h"

static const otp_span_t offered[] = { { "fr", 2 }, { "en", 2 }, { "de", 2 } };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t header = { (const char *) data, size };
    otp_span_t rest = header;
    otp_preference_t preference;

    FUZZ_REQUIRE(otp_language_choose(header, offered, 3) < 3);
    (void) otp_accept_json(header);
    (void) otp_accept_html(header);
    while (otp_preference_next(&rest, &preference)) {
        FUZZ_ACCEPTED();
        FUZZ_REQUIRE(preference.weight >= 0 && preference.weight <= 1000);
        FUZZ_REQUIRE(preference.value.len > 0 && preference.value.data >= header.data);
        FUZZ_REQUIRE(preference.value.data + preference.value.len <= header.data + header.len);
    }
    return 0;
}
