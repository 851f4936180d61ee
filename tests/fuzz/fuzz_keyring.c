#include "core/crypto/otp_keyring.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define ROOM    65536

/* A file with one key more is a key ring with one key more, unless it is full. */
static void add(otp_span_t text, size_t count)
{
    static char    more[ROOM];
    uint8_t        random[OTP_MASTER_LEN + 4] = "thirty-two random bytes, or nearly!!";
    char           error[128];
    size_t         len;
    otp_keyring_t *ring;
    otp_status_t   status = otp_keyring_add(text, random, 1700000000, more, sizeof(more), &len);

    if (status != OTP_OK) {
        FUZZ_REQUIRE(count == OTP_KEYRING_KEYS || memmem(text.data, text.len, "6c792121", 8) || status == OTP_NO_ROOM);
        return;
    }
    ring = otp_keyring_parse((otp_span_t) { more, len }, error, sizeof(error));
    FUZZ_REQUIRE(ring != NULL && otp_keyring_count(ring) == count + 1);
    otp_keyring_destroy(ring);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t     text = { (const char *) data, size < ROOM / 2 ? size : ROOM / 2 }, part = OTP_SPAN("x");
    char           error[128] = "";
    uint8_t        mac[OTP_DIGEST_LEN];
    otp_keyring_t *ring = otp_keyring_parse(text, error, sizeof(error));
    size_t         count;

    if (ring == NULL) {
        FUZZ_REQUIRE(error[0] != '\0' && memchr(error, '\0', sizeof(error)) != NULL);
        return 0;
    }
    FUZZ_ACCEPTED();
    count = otp_keyring_count(ring);
    FUZZ_REQUIRE(count > 0 && count <= OTP_KEYRING_KEYS && otp_keyring_current(ring).len == OTP_KEY_ID_LEN);
    FUZZ_REQUIRE(otp_keyring_mac(ring, OTP_PURPOSE_RECORD, otp_keyring_current(ring), &part, 1, mac) == OTP_OK);
    otp_keyring_destroy(ring);
    add(text, count);
    return 0;
}
