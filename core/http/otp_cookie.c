#include "core/http/otp_cookie.h"

#include <string.h>

/* Finding and stripping share this one test: what is not a session for us must not be one for anybody else,
 * and what is one must never get through to the application. */
static bool pair_named(otp_span_t part, otp_span_t name, otp_span_t *value)
{
    otp_span_t pair = otp_span_trim(part);

    if (name.len == 0 || pair.len <= name.len || pair.data[name.len] != '=') {
        return false;
    }
    *value = (otp_span_t) { pair.data + name.len + 1, pair.len - name.len - 1 };
    return otp_span_starts(pair, name);
}


static otp_span_t unquoted(otp_span_t value)
{
    otp_span_t text = otp_span_trim(value);

    if (text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"') {
        text.data++;
        text.len -= 2;
    }
    return text;
}


size_t otp_cookie_find(otp_span_t header, otp_span_t name, otp_span_t *value, size_t max)
{
    otp_span_t rest = header;
    size_t found = 0;

    while (rest.data != NULL) {
        otp_span_t part = otp_span_cut(&rest, ';');
        otp_span_t raw;

        if (!pair_named(part, name, &raw)) {
            continue;
        }
        if (found < max) {
            value[found] = unquoted(raw);
        }
        found++;
    }
    return found;
}


static otp_span_t without_leading_blanks(otp_span_t text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }
    return text;
}


static bool pair_among(otp_span_t part, const otp_span_t *name, size_t names)
{
    otp_span_t raw;

    for (size_t i = 0; i < names; i++) {
        if (pair_named(part, name[i], &raw)) {
            return true;
        }
    }
    return false;
}


size_t otp_cookie_strip(otp_span_t header, const otp_span_t *name, size_t names, char *out)
{
    otp_span_t rest = header;
    size_t len = 0;
    bool removed = false, written = false, cookies = false;

    while (rest.data != NULL) {
        otp_span_t part = otp_span_cut(&rest, ';');

        if (pair_among(part, name, names)) {
            removed = true;
            continue;
        }
        /* The blank that followed a separator goes with the separator. */
        if (removed && !written) {
            part = without_leading_blanks(part);
        }
        if (written) {
            out[len++] = ';';
        }
        if (part.len > 0) {
            memmove(out + len, part.data, part.len);
            len += part.len;
        }
        written = true;
        cookies = cookies || otp_span_trim(part).len > 0;
    }
    return removed && !cookies ? 0 : len;
}
