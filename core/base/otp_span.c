#include "core/base/otp_span.h"

#include <openssl/crypto.h>
#include <string.h>

#define NUMBER_DIGITS 18

otp_span_t otp_span_of(const char *text)
{
    return text ? (otp_span_t) { text, strlen(text) } : OTP_SPAN_NONE;
}


bool otp_span_equal(otp_span_t a, otp_span_t b)
{
    /* memcmp() of a NULL pointer is undefined even for no bytes, and empty spans may hold one. */
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


static unsigned lower(char c)
{
    unsigned byte = (unsigned char) c;

    return byte >= 'A' && byte <= 'Z' ? byte | 0x20U : byte;
}


bool otp_span_equal_nocase(otp_span_t a, otp_span_t b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return true;
}


bool otp_span_starts(otp_span_t text, otp_span_t prefix)
{
    return text.len >= prefix.len && otp_span_equal((otp_span_t) { text.data, prefix.len }, prefix);
}


otp_span_t otp_span_cut(otp_span_t *rest, char separator)
{
    otp_span_t  whole = *rest;
    const char *found = whole.len ? memchr(whole.data, separator, whole.len) : NULL;

    if (!found) {
        *rest = OTP_SPAN_NONE;
        return whole;
    }
    size_t len = (size_t) (found - whole.data);

    *rest = (otp_span_t) { found + 1, whole.len - len - 1 };
    return (otp_span_t) { whole.data, len };
}


static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}


otp_span_t otp_span_trim(otp_span_t text)
{
    while (text.len && is_space(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len && is_space(text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}


otp_status_t otp_span_number(otp_span_t text, int64_t *number)
{
    int64_t value = 0;

    if (text.len == 0 || text.len > NUMBER_DIGITS) {
        return OTP_INVALID;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return OTP_INVALID;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    *number = value;
    return OTP_OK;
}


bool otp_secret_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}


void otp_secret_wipe(void *data, size_t len)
{
    if (len) {
        OPENSSL_cleanse(data, len);
    }
}
