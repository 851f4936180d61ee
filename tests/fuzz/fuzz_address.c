#include "otpctl/otpctl_address.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* `--redis`: one string, as the configuration file or the environment has it. */

static void place_fits(const otpctl_place_t *place)
{
    int64_t port;

    FUZZ_REQUIRE(place->text != NULL && (place->path != NULL) != (place->host != NULL));
    if (place->path != NULL) {
        FUZZ_REQUIRE(place->path[0] != '\0');
        return;
    }
    FUZZ_REQUIRE(place->host[0] != '\0');
    FUZZ_REQUIRE(otp_span_number(otp_span_of(place->port), &port) == OTP_OK && port > 0 && port <= 65535);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static otpctl_address_t address, again;
    char                    error[256] = "", *text = malloc(size + 1);

    FUZZ_REQUIRE(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (otpctl_address_parse(&address, text, error, sizeof(error))) {
        FUZZ_ACCEPTED();
        FUZZ_REQUIRE(address.places > 0 && address.places <= OTPCTL_PLACES);
        FUZZ_REQUIRE(strlen(address.prefix) <= OTPCTL_PREFIX_MAX);
        FUZZ_REQUIRE(address.timeout_ms > 0 && address.timeout_ms <= 600000);
        FUZZ_REQUIRE(address.replicas >= 0 && address.replicas <= 100);
        for (size_t i = 0; i < address.places; i++) {
            place_fits(&address.place[i]);
        }
        /* It reads the same again, whatever was in memory before. */
        memset(&again, 0xa5, sizeof(again));
        FUZZ_REQUIRE(otpctl_address_parse(&again, text, error, sizeof(error)));
        FUZZ_REQUIRE(again.places == address.places && again.tls == address.tls
                     && again.timeout_ms == address.timeout_ms && strcmp(again.prefix, address.prefix) == 0);
    } else {
        FUZZ_REQUIRE(error[0] != '\0' && memchr(error, '\0', sizeof(error)) != NULL);
    }
    free(text);
    return 0;
}
