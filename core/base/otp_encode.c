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


/* A digit's value and one more; 0: no digit. */
static const uint8_t base64url_digits[256] = {
    ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,
    ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64
};

#define NO_DIGIT 0x80U

static unsigned base64url_value(char c)
{
    return base64url_digits[(unsigned char) c] - 1U;
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


otp_status_t otp_hex_decode(otp_span_t text, uint8_t *bytes, size_t size, size_t *len)
{
    gather_t g = { .bytes = bytes, .size = size };

    *len = 0;
    if (text.len % 2) {
        return OTP_INVALID;
    }
    for (size_t i = 0; i < text.len; i++) {
        int value = hex_value(text.data[i]);

        if (value < 0) {
            return OTP_INVALID;
        }
        gather(&g, (unsigned) value, 4);
    }
    return gathered(&g, len);
}


bool otp_base64url_valid(otp_span_t text)
{
    size_t   last = text.len % 4;
    unsigned all = 0, value = 0;

    for (size_t i = 0; i < text.len; i++) {
        value = base64url_value(text.data[i]);
        all |= value;
    }
    /* Bits left over must be zero: else several texts would stand for the same bytes. */
    return last != 1 && !(all & NO_DIGIT) && (last != 2 || !(value & 0xf)) && (last != 3 || !(value & 0x3));
}


static uint32_t base64url_group(const char *digit, size_t digits)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        bits = bits << 6 | (i < digits ? base64url_value(digit[i]) : 0);
    }
    return bits;
}


otp_status_t otp_base64url_decode(otp_span_t text, uint8_t *bytes, size_t size, size_t *len)
{
    size_t   last = text.len % 4, whole = text.len - last, needed = whole / 4 * 3 + last * 6 / 8;
    uint32_t bits = 0;

    *len = 0;
    if (!otp_base64url_valid(text)) {
        return OTP_INVALID;
    }
    if (needed > size) {
        return OTP_NO_ROOM;
    }
    for (size_t i = 0; i < whole; i += 4) {
        bits = base64url_group(text.data + i, 4);
        *bytes++ = (uint8_t) (bits >> 16);
        *bytes++ = (uint8_t) (bits >> 8);
        *bytes++ = (uint8_t) bits;
    }
    if (last > 1) {
        bits = base64url_group(text.data + whole, last);
        *bytes++ = (uint8_t) (bits >> 16);
    }
    if (last > 2) {
        *bytes = (uint8_t) (bits >> 8);
    }
    *len = needed;
    return OTP_OK;
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
