#include "core/http/otp_cookie.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}


/* Finding and stripping share this one test: what is not a session for us must not be one for anybody else,
 * and what is one must never get through to the application.  Blanks at the end do not matter to it. */
static bool pair_named(otp_span_t pair, otp_span_t name)
{
    return pair.len > name.len && pair.data[name.len] == '=' && name.len != 0
        && memcmp(pair.data, name.data, name.len) == 0;
}


/* Which of the names the pair has, its value being `*value` then; `names`: none of them. */
static size_t pair_among(otp_span_t pair, const otp_span_t *name, size_t names, otp_span_t *value)
{
    while (pair.len > 0 && is_space(pair.data[0])) {
        pair.data++;
        pair.len--;
    }
    for (size_t i = 0; i < names; i++) {
        if (pair_named(pair, name[i])) {
            *value = (otp_span_t) { pair.data + name[i].len + 1, pair.len - name[i].len - 1 };
            return i;
        }
    }
    return names;
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
    otp_span_t rest = header, raw;
    size_t found = 0;

    while (rest.data != NULL) {
        if (pair_among(otp_span_cut(&rest, ';'), &name, 1, &raw) != 0) {
            continue;
        }
        if (found < max) {
            value[found] = unquoted(raw);
        }
        found++;
    }
    return found;
}


size_t otp_cookie_first(otp_span_t header, const otp_span_t *name, size_t names)
{
    otp_span_t rest = header, raw;

    while (rest.data != NULL) {
        otp_span_t part = otp_span_cut(&rest, ';');

        if (pair_among(part, name, names, &raw) < names) {
            return (size_t) (part.data - header.data);
        }
    }
    return header.len;
}


/* Appends `text`; at the front without the blank that followed a separator which is gone. */
static size_t append(char *out, size_t len, otp_span_t text, bool removed)
{
    while (len == 0 && removed && text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }
    if (text.len > 0) {
        memmove(out + len, text.data, text.len);
    }
    return len + text.len;
}


static bool has_cookies(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != ';' && !is_space(text[i])) {
            return true;
        }
    }
    return false;
}


size_t otp_cookie_take(otp_span_t header, size_t first, const otp_span_t *name, size_t names, char *out,
    otp_cookie_taken_t *taken)
{
    otp_span_t  rest = { header.data + first, header.len - first }, raw;
    const char *kept = header.data;     /* begins what is not written yet; NULL: nothing is left */
    size_t      len = 0;

    while (rest.data != NULL) {
        otp_span_t part = otp_span_cut(&rest, ';');
        size_t     which = pair_among(part, name, names, &raw);

        if (which == names) {
            continue;
        }
        if (which == 0) {
            taken->value = unquoted(raw);
            taken->found++;
        }
        len = append(out, len, (otp_span_t) { kept, (size_t) (part.data - kept) }, kept != header.data);
        kept = rest.data;
    }
    if (kept == header.data) {
        return append(out, 0, header, false);
    }
    if (kept != NULL) {
        len = append(out, len, (otp_span_t) { kept, header.len - (size_t) (kept - header.data) }, true);
    } else if (len > 0) {
        len--;                          /* the separator before the last pair, which is gone */
    }
    return has_cookies(out, len) ? len : 0;
}
