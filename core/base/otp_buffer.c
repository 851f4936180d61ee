#include "core/base/otp_buffer.h"

#include <string.h>

void otp_buffer_init(otp_buffer_t *buffer, char *data, size_t size)
{
    *buffer = (otp_buffer_t) { .data = data, .size = size };
}


/* Room for `len` bytes, already counted as written; NULL when there is nothing to write or no room. */
static char *reserve(otp_buffer_t *buffer, size_t len)
{
    if (len == 0) {
        return NULL;
    }
    if (buffer->overflow || len > buffer->size - buffer->len) {
        buffer->overflow = true;
        return NULL;
    }
    char *place = buffer->data + buffer->len;

    buffer->len += len;
    return place;
}


void otp_buffer_add(otp_buffer_t *buffer, otp_span_t text)
{
    char *place = reserve(buffer, text.len);

    if (place) {
        memcpy(place, text.data, text.len);
    }
}


void otp_buffer_add_text(otp_buffer_t *buffer, const char *text)
{
    otp_buffer_add(buffer, otp_span_of(text));
}


void otp_buffer_add_char(otp_buffer_t *buffer, char c)
{
    char *place = reserve(buffer, 1);

    if (place) {
        *place = c;
    }
}


void otp_buffer_add_number(otp_buffer_t *buffer, int64_t number)
{
    char     digits[20];
    size_t   first = sizeof(digits);
    uint64_t rest = number < 0 ? 0 - (uint64_t) number : (uint64_t) number;

    do {
        digits[--first] = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0) {
        digits[--first] = '-';
    }
    otp_buffer_add(buffer, (otp_span_t) { digits + first, sizeof(digits) - first });
}


void otp_buffer_add_hex(otp_buffer_t *buffer, const uint8_t *bytes, size_t len)
{
    static const char alphabet[] = "0123456789abcdef";
    char             *place = reserve(buffer, len > SIZE_MAX / 2 ? SIZE_MAX : len * 2);

    for (size_t i = 0; place && i < len; i++) {
        *place++ = alphabet[bytes[i] >> 4];
        *place++ = alphabet[bytes[i] & 0x0f];
    }
}


/* RFC 4648: groups of `bits` (5 or 6) from the left, the last one filled up with zeros. */
static void add_groups(otp_buffer_t *buffer, const uint8_t *bytes, size_t len, unsigned bits, const char *alphabet)
{
    size_t   whole = len > SIZE_MAX / 16 ? SIZE_MAX / 8 : len;
    char    *place = reserve(buffer, (whole * 8 + bits - 1) / bits);
    uint32_t window = 0;
    unsigned held = 0;

    for (size_t i = 0; place && i < len; i++) {
        window = (window << 8 | bytes[i]) & 0xffffU;
        for (held += 8; held >= bits; ) {
            held -= bits;
            *place++ = alphabet[window >> held & ((1U << bits) - 1)];
        }
    }
    if (place && held) {
        *place = alphabet[window << (bits - held) & ((1U << bits) - 1)];
    }
}


void otp_buffer_add_base64url(otp_buffer_t *buffer, const uint8_t *bytes, size_t len)
{
    add_groups(buffer, bytes, len, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}


void otp_buffer_add_base32(otp_buffer_t *buffer, const uint8_t *bytes, size_t len)
{
    add_groups(buffer, bytes, len, 5, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
}


static bool unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
        || (c != 0 && strchr("-._~", c) != NULL);
}


void otp_buffer_add_percent(otp_buffer_t *buffer, otp_span_t text)
{
    static const char alphabet[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        if (unreserved(c)) {
            otp_buffer_add_char(buffer, (char) c);
            continue;
        }
        otp_buffer_add(buffer, (otp_span_t) { (const char[]) { '%', alphabet[c >> 4], alphabet[c & 0x0f] }, 3 });
    }
}


otp_span_t otp_buffer_span(const otp_buffer_t *buffer)
{
    return buffer->overflow ? OTP_SPAN_NONE : (otp_span_t) { buffer->data, buffer->len };
}
