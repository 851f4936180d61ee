#include "core/decide/otp_pin_policy.h"

#define OTP_PIN_OLDEST  110     /* years a person in service may be old */


const char *otp_pin_refusal_name(otp_pin_refusal_t refusal)
{
    static const char *const names[] = {
        [OTP_PIN_GOOD] = "",
        [OTP_PIN_DIGITS] = "digits",
        [OTP_PIN_LENGTH] = "length",
        [OTP_PIN_MISMATCH] = "mismatch",
        [OTP_PIN_REPEATED] = "repeated",
        [OTP_PIN_SEQUENCE] = "sequence",
        [OTP_PIN_DATE] = "date",
        [OTP_PIN_PERSONAL] = "personal",
        [OTP_PIN_PREVIOUS] = "previous",
    };

    return names[refusal];
}


OTP_MUST_USE static bool otp_pin_digits(otp_span_t pin)
{
    for (size_t i = 0; i < pin.len; i++) {
        if (pin.data[i] < '0' || pin.data[i] > '9') {
            return false;
        }
    }

    return true;
}


/* Every digit follows the one before it by `by`, modulo 10. */
OTP_MUST_USE static bool otp_pin_run(otp_span_t pin, int by)
{
    for (size_t i = 1; i < pin.len; i++) {
        if ((pin.data[i - 1] - '0' + by + 10) % 10 != pin.data[i] - '0') {
            return false;
        }
    }

    return true;
}


OTP_MUST_USE static int otp_pin_pair(otp_span_t pin, size_t at)
{
    return (pin.data[at] - '0') * 10 + pin.data[at + 1] - '0';
}


OTP_MUST_USE static bool otp_pin_day(int day, int month)
{
    static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}


OTP_MUST_USE static bool otp_pin_date(otp_span_t pin, int year)
{
    int a, b, c;

    if (pin.len != 4 && pin.len != 6) {
        return false;
    }

    a = otp_pin_pair(pin, 0);
    b = otp_pin_pair(pin, 2);
    if (pin.len == 4) {
        int written = a * 100 + b;

        return otp_pin_day(a, b) || otp_pin_day(b, a) || (written <= year && written >= year - OTP_PIN_OLDEST);
    }

    c = otp_pin_pair(pin, 4);
    return otp_pin_day(a, b) || otp_pin_day(c, b);
}


/* The digits of `text`, whatever stands between them, contain the PIN. */
OTP_MUST_USE static bool otp_pin_within(otp_span_t pin, otp_span_t text)
{
    char   digits[256];
    size_t n = 0;

    for (size_t i = 0; i < text.len && n < sizeof(digits); i++) {
        if (text.data[i] >= '0' && text.data[i] <= '9') {
            digits[n++] = text.data[i];
        }
    }

    for (size_t i = 0; pin.len != 0 && i + pin.len <= n; i++) {
        if (otp_secret_equal(digits + i, pin.data, pin.len)) {
            return true;
        }
    }

    return false;
}


otp_pin_refusal_t otp_pin_check(otp_span_t pin, otp_span_t confirm, const otp_limits_t *limits, int year,
    const otp_span_t *personal, size_t n)
{
    if (pin.len != confirm.len || !otp_secret_equal(pin.data, confirm.data, pin.len)) {
        return OTP_PIN_MISMATCH;
    }

    if (!otp_pin_digits(pin)) {
        return OTP_PIN_DIGITS;
    }

    if ((int64_t) pin.len < limits->pin_min || (int64_t) pin.len > limits->pin_max) {
        return OTP_PIN_LENGTH;
    }

    if (otp_pin_run(pin, 0)) {
        return OTP_PIN_REPEATED;
    }

    if (otp_pin_run(pin, 1) || otp_pin_run(pin, -1)) {
        return OTP_PIN_SEQUENCE;
    }

    if (otp_pin_date(pin, year)) {
        return OTP_PIN_DATE;
    }

    for (size_t i = 0; i < n; i++) {
        if (otp_pin_within(pin, personal[i])) {
            return OTP_PIN_PERSONAL;
        }
    }

    return OTP_PIN_GOOD;
}
