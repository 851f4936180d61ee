#include "core/http/otp_return_address.h"

#include <string.h>

/* Browsers drop tabs and line ends anywhere, cut blanks off the ends, read '\' as '/' and fold non-ASCII
 * host characters: none of that is left to interpretation. */
static bool bytes_plain(otp_span_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        if (c <= 0x20 || c >= 0x7F || c == '\\' || c == '#') {
            return false;
        }
    }
    return true;
}


/* Whether `text` begins with %XX of the given digits (upper case). */
static bool encoded(otp_span_t text, char high, char low)
{
    return text.len >= 3 && text.data[0] == '%' && text.data[1] == high && (text.data[2] & ~0x20) == low;
}


/* 1 for ".", 2 for "..", each dot also spelled %2e; 0 for any other segment. */
static size_t dots(otp_span_t segment)
{
    size_t count = 0;

    while (segment.len > 0) {
        size_t width = segment.data[0] == '.' ? 1 : encoded(segment, '2', 'E') ? 3 : 0;

        if (width == 0 || ++count > 2) {
            return 0;
        }
        segment.data += width;
        segment.len -= width;
    }
    return count;
}


/* Removes dot segments as a URL parser does and judges what the path then begins with.  Only the depth and
 * the first segment matter, so no list of segments is kept. */
static bool path_plain(otp_span_t path)
{
    otp_span_t rest = otp_span_cut(&path, '?');
    otp_span_t first = OTP_SPAN_NONE;
    size_t depth = 0;

    (void) otp_span_cut(&rest, '/');
    while (rest.data != NULL) {
        otp_span_t segment = otp_span_cut(&rest, '/');
        size_t up = dots(segment);

        if (up == 2 && depth > 0) {
            depth--;
        }
        if (up > 0) {
            if (rest.data != NULL) {
                continue;
            }
            /* "/a/.." is "/": a dot segment at the end leaves the slash before it. */
            segment.len = 0;
        }
        if (depth++ == 0) {
            first = segment;
        }
    }
    if (depth == 0) {
        return true;
    }
    /* "%2f" and "%5c" lead nowhere by themselves, but do once a server behind has decoded them. */
    return !encoded(first, '2', 'F') && !encoded(first, '5', 'C') && (depth == 1 || first.len > 0);
}


/* No user part, no escapes, nothing that could end a host early. */
static bool authority_plain(otp_span_t authority)
{
    for (size_t i = 0; i < authority.len; i++) {
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]", authority.data[i]) == NULL) {
            return false;
        }
    }
    return authority.len > 0;
}


static bool host_known(otp_span_t authority, otp_span_t host, const otp_span_t *hosts, size_t n)
{
    bool known = otp_span_equal_nocase(authority, host);

    for (size_t i = 0; i < n && !known; i++) {
        known = otp_span_equal_nocase(authority, hosts[i]);
    }
    return known;
}


/* Takes "https://" (or "http://", unless ours is https) off `*rd`. */
static bool scheme_take(otp_span_t *rd, otp_span_t ours)
{
    otp_span_t https = OTP_SPAN("https://"), http = OTP_SPAN("http://");
    size_t len = 0;

    if (rd->len >= https.len && otp_span_equal_nocase((otp_span_t) { rd->data, https.len }, https)) {
        len = https.len;
    } else if (rd->len >= http.len && otp_span_equal_nocase((otp_span_t) { rd->data, http.len }, http)
               && otp_span_equal(ours, OTP_SPAN("http"))) {
        len = http.len;
    }
    rd->data += len;
    rd->len -= len;
    return len > 0;
}


static otp_span_t authority_take(otp_span_t *rd)
{
    otp_span_t authority = { rd->data, 0 };

    while (authority.len < rd->len && rd->data[authority.len] != '/' && rd->data[authority.len] != '?') {
        authority.len++;
    }
    rd->data += authority.len;
    rd->len -= authority.len;
    return authority;
}


bool otp_return_address_allowed(otp_span_t rd, otp_span_t scheme, otp_span_t host, const otp_span_t *hosts, size_t n)
{
    otp_span_t authority;

    if (rd.len == 0 || rd.len > OTP_RETURN_ADDRESS_MAX || !bytes_plain(rd)) {
        return false;
    }
    if (rd.data[0] == '/') {
        return (rd.len == 1 || rd.data[1] != '/') && path_plain(rd);
    }
    if (!scheme_take(&rd, scheme)) {
        return false;
    }
    authority = authority_take(&rd);
    return authority_plain(authority) && host_known(authority, host, hosts, n) && path_plain(rd);
}
