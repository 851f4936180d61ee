#include "core/http/otp_form.h"

/* The length of the UTF-8 sequence that begins at `s`; 0: there is none (RFC 3629 section 4). */
static size_t utf8_sequence(const unsigned char *s, size_t n)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t len;

    if (s[0] < 0x80) {
        return 1;
    }
    if (s[0] < 0xC2 || s[0] > 0xF4) {
        return 0;
    }
    len = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (len > n) {
        return 0;
    }
    /* Where the first byte alone does not exclude overlong forms, surrogates and more than U+10FFFF. */
    switch (s[0]) {
    case 0xE0: low = 0xA0; break;
    case 0xED: high = 0x9F; break;
    case 0xF0: low = 0x90; break;
    case 0xF4: high = 0x8F; break;
    default: break;
    }
    if (s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if (s[i] < 0x80 || s[i] > 0xBF) {
            return 0;
        }
    }
    return len;
}


bool otp_utf8_valid(otp_span_t text)
{
    const unsigned char *s = (const unsigned char *) text.data;
    size_t i = 0;

    while (i < text.len) {
        size_t len = utf8_sequence(s + i, text.len - i);

        if (len == 0) {
            return false;
        }
        i += len;
    }
    return true;
}


/* C0 with NUL, DEL, and C1 in its two bytes; `text` is valid UTF-8. */
static bool has_control(otp_span_t text)
{
    const unsigned char *s = (const unsigned char *) text.data;

    for (size_t i = 0; i < text.len; i++) {
        if (s[i] < 0x20 || s[i] == 0x7F || (s[i] == 0xC2 && s[i + 1] < 0xA0)) {
            return true;
        }
    }
    return false;
}


static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}


/* Decodes to `*out` and moves it behind what was written. */
static otp_status_t decode(otp_span_t text, char **out, otp_span_t *decoded)
{
    char *write = *out;

    for (size_t i = 0; i < text.len; i++) {
        int high, low;

        if (text.data[i] != '%') {
            *write++ = text.data[i] == '+' ? ' ' : text.data[i];
            continue;
        }
        if (text.len - i < 3) {
            return OTP_INVALID;
        }
        high = hex_digit(text.data[i + 1]);
        low = hex_digit(text.data[i + 2]);
        if (high < 0 || low < 0) {
            return OTP_INVALID;
        }
        *write++ = (char) (unsigned char) (high * 16 + low);
        i += 2;
    }
    *decoded = (otp_span_t) { *out, (size_t) (write - *out) };
    *out = write;
    return otp_utf8_valid(*decoded) && !has_control(*decoded) ? OTP_OK : OTP_INVALID;
}


static bool has_field(const otp_form_t *form, otp_span_t name)
{
    for (size_t i = 0; i < form->fields; i++) {
        if (otp_span_equal(form->field[i].name, name)) {
            return true;
        }
    }
    return false;
}


static otp_status_t field_add(otp_form_t *form, otp_span_t pair, char **out)
{
    otp_span_t value = pair;
    otp_span_t name = otp_span_cut(&value, '=');
    otp_field_t field;

    if (form->fields == OTP_FORM_FIELDS
        || decode(name, out, &field.name) != OTP_OK || decode(value, out, &field.value) != OTP_OK
        || has_field(form, field.name)) {
        return OTP_INVALID;
    }
    form->field[form->fields++] = field;
    return OTP_OK;
}


otp_status_t otp_form_parse(otp_span_t text, char *buffer, otp_form_t *form)
{
    otp_span_t rest = text;
    char *out = buffer;

    form->fields = 0;
    while (rest.data != NULL) {
        otp_span_t pair = otp_span_cut(&rest, '&');

        if (pair.len > 0 && field_add(form, pair, &out) != OTP_OK) {
            form->fields = 0;
            return OTP_INVALID;
        }
    }
    return OTP_OK;
}


otp_span_t otp_form_get(const otp_form_t *form, const char *name)
{
    otp_span_t wanted = otp_span_of(name);

    for (size_t i = 0; i < form->fields; i++) {
        if (otp_span_equal(form->field[i].name, wanted)) {
            return form->field[i].value;
        }
    }
    return OTP_SPAN_NONE;
}


bool otp_form_type(otp_span_t content_type)
{
    otp_span_t rest = content_type;
    otp_span_t type = otp_span_trim(otp_span_cut(&rest, ';'));

    return otp_span_equal_nocase(type, OTP_SPAN("application/x-www-form-urlencoded"));
}
