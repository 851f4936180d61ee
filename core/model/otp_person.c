#include "core/model/otp_person.h"

#include <string.h>

/* The canonical byte, or 0 when an identifier may not hold `c`. */
static char uid_char(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char) (c - 'A' + 'a');
    }
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
        return c;
    }
    return c != '\0' && strchr("._-@+", c) ? c : '\0';
}


otp_status_t otp_uid_canonical(otp_span_t text, char uid[OTP_UID_LEN], size_t *len)
{
    *len = 0;
    text = otp_span_trim(text);
    if (text.len == 0 || text.len > OTP_UID_LEN) {
        return OTP_INVALID;
    }
    for (size_t i = 0; i < text.len; i++) {
        uid[i] = uid_char(text.data[i]);
        if (uid[i] == '\0') {
            return OTP_INVALID;
        }
    }
    *len = text.len;
    return OTP_OK;
}


bool otp_groups_have(otp_span_t groups, otp_span_t group)
{
    size_t end = 0;

    for (size_t start = 0; start < groups.len; start = end + 1) {
        for (end = start; end < groups.len && groups.data[end] != ','; ) {
            end++;
        }
        otp_span_t one = { groups.data + start, end - start };

        if (one.len >= group.len && group.len && otp_span_equal(otp_span_trim(one), group)) {
            return true;
        }
    }
    return false;
}


bool otp_groups_meet(otp_span_t groups, otp_span_t wanted)
{
    if (wanted.len == 0) {
        return true;
    }
    while (wanted.data) {
        otp_span_t one = otp_span_trim(otp_span_cut(&wanted, ','));

        if (one.len && otp_groups_have(groups, one)) {
            return true;
        }
    }
    return false;
}
