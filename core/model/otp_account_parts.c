#include "core/model/otp_account_parts.h"

#include "core/model/otp_json.h"

/* What an account may have beside its keys, as members of its record. */


static const char *const otp_activation_names[] = {
    [OTP_ACTIVATION_NONE] = "none",
    [OTP_ACTIVATION_WAITING] = "waiting",
    [OTP_ACTIVATION_REJECTED] = "rejected",
};

static const char *const otp_signal_names[OTP_SIGNALS] = {
    [OTP_SIGNAL_NONE] = "",
    [OTP_SIGNAL_CODE_WITHOUT_PIN] = "code_without_pin",
    [OTP_SIGNAL_PIN_WITHOUT_CODE] = "pin_without_code",
    [OTP_SIGNAL_REPLAY] = "replay",
    [OTP_SIGNAL_LOCKED] = "locked",
};


const char *otp_signal_name(otp_signal_t signal)
{
    return otp_signal_names[signal];
}


/* A member is added only when there is something to tell. */
OTP_MUST_USE static bool otp_account_add(json_t *object, const char *member, bool wanted, json_t *value)
{
    if (!wanted) {
        json_decref(value);
        return true;
    }

    return json_object_set_new(object, member, value) == 0;
}


OTP_MUST_USE static json_t *otp_guesses_to_json(const otp_guesses_t *guesses)
{
    return json_pack("{s:I, s:I, s:I}", "failures", (json_int_t) guesses->failures, "failed_at",
                     (json_int_t) guesses->failed_at, "locked_until", (json_int_t) guesses->locked_until);
}


OTP_MUST_USE static bool otp_account_add_signals(json_t *account_object, const otp_account_t *account)
{
    json_t *object = json_object();

    for (size_t i = 1; i < OTP_SIGNALS; i++) {
        const otp_signal_note_t *note = &account->signal[i];

        if (!otp_account_add(object, otp_signal_names[i], note->at != 0 || note->mailed != 0,
                             json_pack("{s:I, s:I, s:I}", "at", (json_int_t) note->at, "count",
                                       (json_int_t) note->count, "mailed", (json_int_t) note->mailed)))
        {
            json_decref(object);
            return false;
        }
    }

    return otp_account_add(account_object, "signals", json_object_size(object) != 0, object);
}


/* What an account may have and mostly does not. */
bool otp_account_add_parts(json_t *object, const otp_account_t *account)
{
    const otp_contact_t            *contact = &account->contact;
    const otp_emergency_t          *emergency = &account->emergency;
    const otp_activation_request_t *request = &account->request;

    return otp_account_add(object, "known", account->known.failed_at != 0, otp_guesses_to_json(&account->known))
           && otp_account_add(object, "unproven", account->unproven.failed_at != 0,
                              otp_guesses_to_json(&account->unproven))
           && otp_account_add(object, "contact", contact->email[0] != '\0' || contact->name[0] != '\0'
                              || contact->language[0] != '\0',
                              json_pack("{s:s, s:s, s:s}", "name", contact->name, "email", contact->email, "language",
                                        contact->language))
           && otp_account_add(object, "emergency", emergency->expires != 0,
                              json_pack("{s:o, s:I, s:I, s:I, s:I}", "password", otp_pin_to_json(&emergency->verifier),
                                        "issued", (json_int_t) emergency->issued, "expires",
                                        (json_int_t) emergency->expires, "failures", (json_int_t) emergency->failures,
                                        "known", (json_int_t) emergency->known_failures))
           && otp_account_add(object, "request", request->state != OTP_ACTIVATION_NONE,
                              json_pack("{s:s, s:s, s:I, s:s}", "state", otp_activation_names[request->state], "serial",
                                        request->serial, "at", (json_int_t) request->at, "reason", request->reason))
           && otp_account_add_signals(object, account)
           && otp_account_add(object, "accepted_from", account->accepted_from[0] != '\0',
                              json_string(account->accepted_from));
}


OTP_MUST_USE static bool otp_guesses_read(const json_t *object, otp_guesses_t *guesses)
{
    return object == NULL || (otp_json_number(object, "failures", 0, OTP_COUNT_LIMIT, &guesses->failures)
                              && otp_json_number(object, "failed_at", 0, OTP_COUNT_LIMIT, &guesses->failed_at)
                              && otp_json_number(object, "locked_until", 0, OTP_COUNT_LIMIT, &guesses->locked_until));
}


OTP_MUST_USE static bool otp_contact_read(const json_t *object, otp_contact_t *contact)
{
    return object == NULL || (otp_json_text(object, "name", false, contact->name, sizeof(contact->name))
                              && otp_json_text(object, "email", false, contact->email, sizeof(contact->email))
                              && otp_json_text(object, "language", false, contact->language,
                                               sizeof(contact->language)));
}


/* Records once had one count: what has ended stays so. */
OTP_MUST_USE static bool otp_emergency_read(const json_t *object, otp_emergency_t *emergency)
{
    const json_t *password = json_object_get(object, "password");
    const char   *known = json_object_get(object, "known") != NULL ? "known" : "failures";

    return object == NULL || (password != NULL && otp_pin_from_json(password, &emergency->verifier)
                              && otp_json_number(object, "issued", 0, OTP_COUNT_LIMIT, &emergency->issued)
                              && otp_json_number(object, "expires", 1, OTP_COUNT_LIMIT, &emergency->expires)
                              && otp_json_number(object, "failures", 0, OTP_COUNT_LIMIT, &emergency->failures)
                              && otp_json_number(object, known, 0, OTP_COUNT_LIMIT, &emergency->known_failures));
}


OTP_MUST_USE static bool otp_request_read(const json_t *object, otp_activation_request_t *request)
{
    char state[16];

    if (object == NULL) {
        return true;
    }

    if (!otp_json_text(object, "state", false, state, sizeof(state))
        || !otp_json_text(object, "serial", false, request->serial, sizeof(request->serial))
        || !otp_json_number(object, "at", 0, OTP_COUNT_LIMIT, &request->at)
        || !otp_json_text(object, "reason", false, request->reason, sizeof(request->reason)))
    {
        return false;
    }

    for (request->state = OTP_ACTIVATION_WAITING; request->state <= OTP_ACTIVATION_REJECTED; request->state++) {
        if (otp_span_equal(otp_span_of(state), otp_span_of(otp_activation_names[request->state]))) {
            return true;
        }
    }

    return false;
}


OTP_MUST_USE static bool otp_signals_read(const json_t *object, otp_account_t *account)
{
    for (size_t i = 1; i < OTP_SIGNALS; i++) {
        const json_t      *note = json_object_get(object, otp_signal_names[i]);
        otp_signal_note_t *signal = &account->signal[i];

        if (note != NULL && (!otp_json_number(note, "at", 0, OTP_COUNT_LIMIT, &signal->at)
                             || !otp_json_number(note, "count", 0, OTP_COUNT_LIMIT, &signal->count)
                             || !otp_json_number(note, "mailed", 0, OTP_COUNT_LIMIT, &signal->mailed)))
        {
            return false;
        }
    }

    return true;
}


bool otp_account_read_parts(const json_t *object, otp_account_t *account)
{
    return otp_guesses_read(json_object_get(object, "known"), &account->known)
           && otp_guesses_read(json_object_get(object, "unproven"), &account->unproven)
           && otp_contact_read(json_object_get(object, "contact"), &account->contact)
           && otp_emergency_read(json_object_get(object, "emergency"), &account->emergency)
           && otp_request_read(json_object_get(object, "request"), &account->request)
           && otp_signals_read(json_object_get(object, "signals"), account)
           && otp_json_text(object, "accepted_from", true, account->accepted_from, sizeof(account->accepted_from));
}
