#include "core/http/otp_preference.h"

#define WEIGHT_MAX  1000

/* Like otp_span_cut(), but a separator between double quotes is text. */
static otp_span_t cut_unquoted(otp_span_t *rest, char separator)
{
    otp_span_t part = *rest;
    bool quoted = false;

    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->data[i];

        if (c == '"') {
            quoted = !quoted;
        } else if (quoted && c == '\\') {
            i++;
        } else if (!quoted && c == separator) {
            part.len = i;
            *rest = (otp_span_t) { rest->data + i + 1, rest->len - i - 1 };
            return part;
        }
    }
    *rest = OTP_SPAN_NONE;
    return part;
}


/* "0", "0.25", "1.000" in thousandths; -1 for anything else. */
static int weight_of(otp_span_t text)
{
    int weight, unit = WEIGHT_MAX;

    if (text.len == 0 || text.len > 5 || text.data[0] < '0' || text.data[0] > '1') {
        return -1;
    }
    if (text.len > 1 && text.data[1] != '.') {
        return -1;
    }
    weight = (text.data[0] - '0') * WEIGHT_MAX;
    for (size_t i = 2; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }
        unit /= 10;
        weight += (text.data[i] - '0') * unit;
    }
    return weight <= WEIGHT_MAX ? weight : -1;
}


static int weight_find(otp_span_t parameters)
{
    while (parameters.data != NULL) {
        otp_span_t parameter = otp_span_trim(cut_unquoted(&parameters, ';'));

        if (parameter.len >= 2 && (parameter.data[0] == 'q' || parameter.data[0] == 'Q')
            && parameter.data[1] == '=') {
            return weight_of((otp_span_t) { parameter.data + 2, parameter.len - 2 });
        }
    }
    return WEIGHT_MAX;
}


bool otp_preference_next(otp_span_t *rest, otp_preference_t *preference)
{
    while (rest->data != NULL) {
        otp_span_t parameters = cut_unquoted(rest, ',');

        preference->value = otp_span_trim(cut_unquoted(&parameters, ';'));
        preference->weight = weight_find(parameters);
        if (preference->value.len > 0 && preference->weight >= 0) {
            return true;
        }
    }
    return false;
}
