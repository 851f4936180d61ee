#include "core/base/otp_buffer.h"
#include "core/base/otp_encode.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define ROOM    4096

typedef otp_status_t decode_t(otp_span_t text, uint8_t *bytes, size_t size, size_t *len);
typedef void encode_t(otp_buffer_t *buffer, const uint8_t *bytes, size_t len);

/* What is taken, encoded anew, is taken again as the same bytes; with one byte less room it is refused for that. */
static otp_span_t judge(otp_span_t text, decode_t *decode, encode_t *encode, char *again)
{
    uint8_t      bytes[ROOM], second[ROOM];
    size_t       len, second_len;
    otp_buffer_t buffer;
    otp_span_t   encoded;

    if (decode(text, bytes, sizeof(bytes), &len) != OTP_OK) {
        return OTP_SPAN_NONE;
    }
    FUZZ_ACCEPTED();
    otp_buffer_init(&buffer, again, 2 * ROOM);
    encode(&buffer, bytes, len);
    encoded = otp_buffer_span(&buffer);
    FUZZ_REQUIRE(!buffer.overflow);
    FUZZ_REQUIRE(decode(encoded, second, len, &second_len) == OTP_OK && second_len == len);
    FUZZ_REQUIRE(memcmp(bytes, second, len) == 0);
    FUZZ_REQUIRE(len == 0 || decode(text, second, len - 1, &second_len) == OTP_NO_ROOM);
    return encoded;
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t text = { (const char *) data, size < ROOM ? size : ROOM }, encoded;
    char       again[2 * ROOM];

    encoded = judge(text, otp_hex_decode, otp_buffer_add_hex, again);
    FUZZ_REQUIRE(encoded.data == NULL || otp_span_equal_nocase(encoded, text));
    /* One text for the same bytes, and no other. */
    encoded = judge(text, otp_base64url_decode, otp_buffer_add_base64url, again);
    FUZZ_REQUIRE((encoded.data != NULL) == otp_base64url_valid(text));
    FUZZ_REQUIRE(encoded.data == NULL || otp_span_equal(encoded, text));
    encoded = judge(text, otp_base32_decode, otp_buffer_add_base32, again);
    FUZZ_REQUIRE(encoded.data == NULL || encoded.len <= text.len);
    return 0;
}
