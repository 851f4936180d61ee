#include "core/model/otp_mail.h"

#include <string.h>

#include "core/model/otp_json.h"
#include "core/model/otp_record.h"

static const char *const otp_mail_names[OTP_MAIL_KINDS] = {
    [OTP_MAIL_NONE] = "",
    [OTP_MAIL_REQUEST_RECEIVED] = "request_received",
    [OTP_MAIL_REQUEST_REJECTED] = "request_rejected",
    [OTP_MAIL_KEY_OPERATIONAL] = "key_operational",
    [OTP_MAIL_PIN_CLEARED] = "pin_cleared",
    [OTP_MAIL_PIN_CHANGED] = "pin_changed",
    [OTP_MAIL_KEY_DISABLED] = "key_disabled",
    [OTP_MAIL_KEY_ENABLED] = "key_enabled",
    [OTP_MAIL_KEY_UNASSIGNED] = "key_unassigned",
    [OTP_MAIL_EMERGENCY_ISSUED] = "emergency_issued",
    [OTP_MAIL_SIGN_IN_BLOCKED] = "sign_in_blocked",
    [OTP_MAIL_CODE_WITHOUT_PIN] = "code_without_pin",
    [OTP_MAIL_PIN_WITHOUT_CODE] = "pin_without_code",
    [OTP_MAIL_REPLAY] = "replay",
    [OTP_MAIL_KEY_MIXUP] = "key_mixup",
};


const char *otp_mail_name(otp_mail_kind_t kind)
{
    return otp_mail_names[kind];
}


otp_status_t otp_mail_parse_name(otp_span_t name, otp_mail_kind_t *kind)
{
    for (size_t i = 1; i < OTP_MAIL_KINDS; i++) {
        if (otp_span_equal(name, otp_span_of(otp_mail_names[i]))) {
            *kind = (otp_mail_kind_t) i;
            return OTP_OK;
        }
    }

    return OTP_INVALID;
}


otp_mail_kind_t otp_mail_of_signal(otp_signal_t signal)
{
    switch (signal) {
    case OTP_SIGNAL_CODE_WITHOUT_PIN:
        return OTP_MAIL_CODE_WITHOUT_PIN;
    case OTP_SIGNAL_PIN_WITHOUT_CODE:
        return OTP_MAIL_PIN_WITHOUT_CODE;
    case OTP_SIGNAL_REPLAY:
        return OTP_MAIL_REPLAY;
    case OTP_SIGNAL_LOCKED:
        return OTP_MAIL_SIGN_IN_BLOCKED;
    case OTP_SIGNAL_NONE:
        break;
    }

    return OTP_MAIL_NONE;
}


otp_mail_t otp_mail_to(const otp_account_t *account, otp_mail_kind_t kind, int64_t time_ms)
{
    return (otp_mail_t) {
        .kind = kind, .time_ms = time_ms, .uid = otp_span_of(account->uid),
        .name = otp_span_of(account->contact.name), .email = otp_span_of(account->contact.email),
        .language = otp_span_of(account->contact.language)
    };
}


otp_status_t otp_mail_write(otp_keyring_t *ring, otp_span_t stream, const otp_mail_t *mail, char *entry, size_t size,
    size_t *len)
{
    char         body[OTP_MAIL_MAX];
    size_t       body_len;
    json_t      *object;
    otp_status_t status;

    object = json_pack("{s:s, s:I, s:I}", "kind", otp_mail_names[mail->kind], "time", (json_int_t) mail->time_ms,
                       "until", (json_int_t) mail->until);
    if (object == NULL || !otp_json_set_span(object, "uid", mail->uid) || !otp_json_set_span(object, "name", mail->name)
        || !otp_json_set_span(object, "email", mail->email) || !otp_json_set_span(object, "language", mail->language)
        || !otp_json_set_span(object, "serial", mail->serial) || !otp_json_set_span(object, "reason", mail->reason)
        || !otp_json_set_span(object, "address", mail->address))
    {
        json_decref(object);
        return OTP_FAILED;
    }

    status = otp_json_write(object, body, sizeof(body), &body_len);
    if (status != OTP_OK) {
        return status;
    }

    return otp_record_write(ring, stream, (otp_span_t) { body, body_len }, entry, size, len);
}


/* Copies a member, empty when it is not there, behind what `text` holds already. */
OTP_MUST_USE static bool otp_mail_take(const json_t *object, const char *member, char **text, size_t *left,
    otp_span_t *out)
{
    if (!otp_json_text(object, member, true, *text, *left)) {
        return false;
    }

    *out = otp_span_of(*text);
    *text += out->len + 1;
    *left -= out->len + 1;

    return true;
}


OTP_MUST_USE static bool otp_mail_from_json(const json_t *object, char *text, size_t size, otp_mail_t *mail)
{
    char kind[32];

    memset(mail, 0, sizeof(*mail));

    return otp_json_text(object, "kind", false, kind, sizeof(kind))
           && otp_mail_parse_name(otp_span_of(kind), &mail->kind) == OTP_OK
           && otp_json_number(object, "time", 0, INT64_MAX, &mail->time_ms)
           && otp_json_number(object, "until", 0, INT64_MAX, &mail->until)
           && otp_mail_take(object, "uid", &text, &size, &mail->uid)
           && otp_mail_take(object, "name", &text, &size, &mail->name)
           && otp_mail_take(object, "email", &text, &size, &mail->email)
           && otp_mail_take(object, "language", &text, &size, &mail->language)
           && otp_mail_take(object, "serial", &text, &size, &mail->serial)
           && otp_mail_take(object, "reason", &text, &size, &mail->reason)
           && otp_mail_take(object, "address", &text, &size, &mail->address);
}


otp_status_t otp_mail_read(otp_keyring_t *ring, otp_span_t stream, otp_span_t entry, char *text, size_t size,
    otp_mail_t *mail)
{
    json_t      *object;
    otp_span_t   body;
    otp_status_t status = otp_record_read(ring, stream, entry, &body);

    if (status != OTP_OK) {
        return status;
    }

    object = otp_json_object(body);
    status = object != NULL && otp_mail_from_json(object, text, size, mail) ? OTP_OK : OTP_INVALID;
    json_decref(object);

    return status;
}
