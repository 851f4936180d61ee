#include <stdio.h>

#include "otpctl/otpctl_describe.h"
#include "otpctl/otpctl_print.h"

/* What an account may have beside its keys. */

static json_t *emergency_json(const otp_account_t *account, int64_t now_s)
{
    if (!otp_emergency_live(account, now_s)) {
        return json_null();
    }
    return json_pack("{s:I, s:I, s:b}", "issued", (json_int_t) account->emergency.issued, "expires",
                     (json_int_t) account->emergency.expires, "blocked", !otp_emergency_heard(account, false, now_s));
}


static const char *activation_name(otp_activation_state_t state)
{
    switch (state) {
    case OTP_ACTIVATION_NONE:
        return "none";
    case OTP_ACTIVATION_WAITING:
        return "waiting";
    case OTP_ACTIVATION_REJECTED:
        return "rejected";
    }
    return "";
}


static json_t *request_json(const otp_activation_request_t *request)
{
    if (request->state == OTP_ACTIVATION_NONE) {
        return json_null();
    }
    return json_pack("{s:s, s:s, s:I, s:s}", "serial", request->serial, "state", activation_name(request->state), "at",
                     (json_int_t) request->at, "reason", request->reason);
}


void otpctl_person_json(json_t *object, const otp_account_t *account, int64_t now_s)
{
    const otp_contact_t *contact = &account->contact;

    (void) json_object_set_new(object, "known",
                               json_pack("{s:I, s:I}", "failures", (json_int_t) account->known.failures,
                                         "locked_until", (json_int_t) account->known.locked_until));
    (void) json_object_set_new(object, "unproven",
                               json_pack("{s:I, s:I}", "failures", (json_int_t) account->unproven.failures,
                                         "locked_until", (json_int_t) account->unproven.locked_until));
    (void) json_object_set_new(object, "contact", json_pack("{s:s, s:s, s:s}", "name", contact->name, "email",
                                                            contact->email, "language", contact->language));
    (void) json_object_set_new(object, "emergency", emergency_json(account, now_s));
    (void) json_object_set_new(object, "request", request_json(&account->request));
}


void otpctl_person_print(const otp_account_t *account, int64_t now_s)
{
    char                            text[OTPCTL_TIME_MAX];
    const otp_activation_request_t *request = &account->request;

    printf("  mail to       ");
    otpctl_print_text(otp_span_of(account->contact.email[0] ? account->contact.email : "- (none is known)"));
    putchar('\n');
    if (account->known.failures) {
        printf("  failures      %lld from browsers used before\n", (long long) account->known.failures);
    }
    if (account->unproven.failures) {
        printf("  failures      %lld at first use, without the password\n", (long long) account->unproven.failures);
    }
    if (otp_emergency_live(account, now_s)) {
        printf("  emergency     a password until %s%s\n", otpctl_time_text(account->emergency.expires, text),
               otp_emergency_heard(account, false, now_s) ? "" : ", refused in new browsers: too many bad attempts");
    }
    if (request->state != OTP_ACTIVATION_NONE) {
        printf("  request       key %s, %s since %s\n", request->serial, activation_name(request->state),
               otpctl_time_text(request->at, text));
    }
}
