#include "core/decide/otp_zone.h"
#include "tests/fuzz/fuzz.h"

#define NOW     INT64_C(1795370000)
#define DAY     INT64_C(86400)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_zone_t zone;

    if (otp_zone_parse((otp_span_t) { (const char *) data, size }, NOW, &zone) != OTP_OK) {
        FUZZ_REQUIRE(zone.changes == 0);
        return 0;
    }
    FUZZ_ACCEPTED();
    FUZZ_REQUIRE(zone.changes > 0 && zone.changes <= OTP_ZONE_CHANGES);
    for (size_t i = 1; i < zone.changes; i++) {
        FUZZ_REQUIRE(zone.change[i].from > zone.change[i - 1].from);
    }
    FUZZ_REQUIRE(otp_zone_day_end(&zone, NOW) < NOW + 4 * DAY);
    return 0;
}
