#include "otpctl/notify/otpctl_mailbox.h"

#include <string.h>

#include "core/http/otp_form.h"

#define LOCAL_MAX   64      /* RFC 5321 section 4.5.3.1.1 */
#define LABEL_MAX   63      /* RFC 1035 section 2.3.4 */

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}


/* Atoms with a dot between each two. */
static bool local_valid(otp_span_t local)
{
    bool after_dot = true;

    for (size_t i = 0; i < local.len; i++) {
        char c = local.data[i];
        bool dot = c == '.';

        if (dot ? after_dot : !is_alnum(c) && (c == '\0' || !strchr("!#$%&'*+-/=?^_`{|}~", c))) {
            return false;
        }
        after_dot = dot;
    }
    return local.len <= LOCAL_MAX && !after_dot;
}


static bool label_valid(otp_span_t label)
{
    if (label.len == 0 || label.len > LABEL_MAX || label.data[0] == '-' || label.data[label.len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.len; i++) {
        if (!is_alnum(label.data[i]) && label.data[i] != '-') {
            return false;
        }
    }
    return true;
}


bool otpctl_mailbox_valid(otp_span_t address)
{
    otp_span_t rest = address, local;

    if (address.len > OTP_EMAIL_LEN) {
        return false;
    }
    local = otp_span_cut(&rest, '@');
    if (!rest.data || !local_valid(local)) {
        return false;
    }
    while (rest.data) {
        if (!label_valid(otp_span_cut(&rest, '.'))) {
            return false;
        }
    }
    return true;
}


otp_span_t otpctl_mailbox_name(otp_span_t name)
{
    return name.len <= OTP_NAME_LEN && otp_utf8_valid(name) ? name : OTP_SPAN_NONE;
}


bool otpctl_mailbox_make(otpctl_mailbox_t *mailbox, otp_span_t name, otp_span_t address)
{
    *mailbox = (otpctl_mailbox_t) { .name = "" };
    if (!otpctl_mailbox_valid(address) || name.len > OTP_NAME_LEN) {
        return false;
    }
    memcpy(mailbox->address, address.data, address.len);
    if (name.len) {
        memcpy(mailbox->name, name.data, name.len);
    }
    return true;
}


bool otpctl_mailbox_parse(otpctl_mailbox_t *mailbox, otp_span_t text)
{
    otp_span_t address = otp_span_trim(text), name;

    if (address.len == 0 || address.data[address.len - 1] != '>') {
        return otpctl_mailbox_make(mailbox, OTP_SPAN_NONE, address);
    }
    name = otp_span_trim(otp_span_cut(&address, '<'));
    if (!address.data) {
        return false;
    }
    address.len--;
    if (name.len >= 2 && name.data[0] == '"' && name.data[name.len - 1] == '"') {
        name = (otp_span_t) { name.data + 1, name.len - 2 };
    }
    return otpctl_mailbox_make(mailbox, name, address);
}


const char *otpctl_mailbox_domain(const otpctl_mailbox_t *mailbox)
{
    const char *at = strchr(mailbox->address, '@');

    return at ? at + 1 : "";
}
