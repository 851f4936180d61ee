#include "core/base/otp_encode.h"

/* Gathers groups of bits into bytes; counts on when there is no more room, so that the text is still judged. */
typedef struct {
    uint8_t *bytes;
    size_t   size;
    size_t   len;
    uint32_t window;
    unsigned held;
} gather_t;

static void gather(gather_t *g, unsigned value, unsigned bits)
{
    g->window = (g->window << bits | value) & 0xffffU;
    g->held += bits;
    if (g->held < 8) {
        return;
    }
    g->held -= 8;
    if (g->len < g->size) {
        g->bytes[g->len] = (uint8_t) (g->window >> g->held);
    }
    g->len++;
}


static otp_status_t gathered(const gather_t *g, size_t *len)
{
    /* Bits left over must be zero: else several texts would stand for the same bytes. */
    if (g->window & ((1U << g->held) - 1)) {
        return OTP_INVALID;
    }
    if (g->len > g->size) {
        return OTP_NO_ROOM;
    }
    *len = g->len;
    return OTP_OK;
}


static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}


static int base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '-') {
        return 62;
    }
    return c == '_' ? 63 : -1;
}


static int base32_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a';
    }
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}


static otp_status_t decode(otp_span_t text, int (*value_of)(char c), unsigned bits, gather_t *g, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.data[i]);

        if (value < 0) {
            return OTP_INVALID;
        }
        gather(g, (unsigned) value, bits);
    }
    return gathered(g, len);
}


otp_status_t otp_hex_decode(otp_span_t text, uint8_t *bytes, size_t size, size_t *len)
{
    *len = 0;
    return text.len % 2 ? OTP_INVALID : decode(text, hex_value, 4, &(gather_t) { .bytes = bytes, .size = size }, len);
}


otp_status_t otp_base64url_decode(otp_span_t text, uint8_t *bytes, size_t size, size_t *len)
{
    *len = 0;
    if (text.len % 4 == 1) {
        return OTP_INVALID;
    }
    return decode(text, base64url_value, 6, &(gather_t) { .bytes = bytes, .size = size }, len);
}


/* RFC 4648 section 6: the last group of eight has 2, 4, 5, 7 or 8 digits, and `padding` fills it or is not there. */
static bool base32_length_valid(size_t digits, size_t padding)
{
    size_t last = digits % 8;

    if (last == 1 || last == 3 || last == 6) {
        return false;
    }
    return padding == 0 || padding == (8 - last) % 8;
}


otp_status_t otp_base32_decode(otp_span_t text, uint8_t *bytes, size_t size, size_t *len)
{
    gather_t g = { .bytes = bytes, .size = size };
    size_t   digits = 0, padding = 0;

    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = base32_value(text.data[i]);

        if (text.data[i] == ' ' || text.data[i] == '-') {
            continue;
        }
        if (text.data[i] == '=') {
            padding++;
            continue;
        }
        if (value < 0 || padding) {
            return OTP_INVALID;
        }
        digits++;
        gather(&g, (unsigned) value, 5);
    }
    return base32_length_valid(digits, padding) ? gathered(&g, len) : OTP_INVALID;
}
