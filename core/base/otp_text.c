#include "core/base/otp_text.h"

/* Bytes of the mark that `s` begins with; 0: it is none. */
static size_t mark(const unsigned char *s, size_t n)
{
    if (n >= 2 && s[0] == 0xD8 && s[1] == 0x9C) {
        return 2;
    }
    if (n < 3 || s[0] != 0xE2) {
        return 0;
    }
    if (s[1] == 0x80) {
        return s[2] == 0x8E || s[2] == 0x8F || (s[2] >= 0xAA && s[2] <= 0xAE) ? 3 : 0;
    }
    return s[1] == 0x81 && s[2] >= 0xA6 && s[2] <= 0xA9 ? 3 : 0;
}


otp_span_t otp_text_undirected(otp_span_t text, char *kept)
{
    size_t len = 0;

    if (text.len == 0) {
        return text;
    }
    for (size_t i = 0; i < text.len; ) {
        size_t marked = mark((const unsigned char *) text.data + i, text.len - i);

        if (marked == 0) {
            kept[len++] = text.data[i++];
        }
        i += marked;
    }
    return (otp_span_t) { kept, len };
}
