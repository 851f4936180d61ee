#include "core/decide/otp_pin_policy.h"
#include "core/model/otp_emergency.h"
#include "core/model/otp_mixup.h"
#include "core/model/otp_person.h"
#include "core/model/otp_throttle.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* What people type into fields, and the address they come from: it has one spelling, which is its own. */

static void identifiers(otp_span_t text)
{
    char   uid[OTP_UID_LEN], again[OTP_UID_LEN], serial[OTP_SERIAL_MAX + 1], second[OTP_SERIAL_MAX + 1];
    size_t len, again_len;

    if (otp_uid_canonical(text, uid, &len) == OTP_OK) {
        FUZZ_ACCEPTED();
        FUZZ_REQUIRE(len > 0 && len <= OTP_UID_LEN);
        FUZZ_REQUIRE(otp_uid_canonical((otp_span_t) { uid, len }, again, &again_len) == OTP_OK);
        FUZZ_REQUIRE(again_len == len && memcmp(uid, again, len) == 0);
        FUZZ_REQUIRE(otp_span_equal_nocase(otp_span_trim(text), (otp_span_t) { uid, len }));
    }
    if (otp_serial_canonical(text, serial) == OTP_OK) {
        FUZZ_REQUIRE(otp_serial_canonical(otp_span_of(serial), second) == OTP_OK && strcmp(serial, second) == 0);
    }
}


static void secrets(otp_span_t text)
{
    static const otp_limits_t limits = OTP_LIMITS_DEFAULT;
    const otp_span_t          personal[] = { OTP_SPAN("marie.7713@school.example"), OTP_SPAN("75011") };
    char                      password[OTP_EMERGENCY_LEN + 1], again[OTP_EMERGENCY_LEN + 1];
    otp_pin_refusal_t         refusal = otp_pin_check(text, text, &limits, 2026, personal, 2);

    if (refusal == OTP_PIN_GOOD) {
        FUZZ_REQUIRE(text.len >= 4 && text.len <= 6);
        for (size_t i = 0; i < text.len; i++) {
            FUZZ_REQUIRE(text.data[i] >= '0' && text.data[i] <= '9');
        }
        FUZZ_REQUIRE(text.len != 4 || (!otp_span_equal(text, OTP_SPAN("7713")) && text.data[0] != '\0'));
    }
    if (otp_emergency_form(text, password)) {
        FUZZ_REQUIRE(strlen(password) == OTP_EMERGENCY_LEN);
        FUZZ_REQUIRE(otp_emergency_form(otp_span_of(password), again) && strcmp(password, again) == 0);
        FUZZ_REQUIRE(refusal != OTP_PIN_GOOD && !otp_mixup_code(text));
    }
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t text = { (const char *) data, size }, id;
    char       address[OTP_THROTTLE_ADDRESS_MAX], again[OTP_THROTTLE_ADDRESS_MAX];

    identifiers(text);
    secrets(text);
    id = otp_throttle_address(text, address);
    FUZZ_REQUIRE(id.data == address && id.len < sizeof(address));
    /* Of an IPv6 address, the network, which is no address itself. */
    FUZZ_REQUIRE(otp_span_equal(otp_throttle_address(id, again), id));
    return 0;
}
