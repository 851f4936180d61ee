#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/portal/otp_flow_private.h"

/* Whom a page is about: what the directory, the account, the history and the sessions say of them. */

static otp_effect_t otp_subject_look(otp_flow_t *flow);


void otp_subject_destroy(otp_subject_t *subject)
{
    json_decref(subject->events);
    json_decref(subject->sessions);
    subject->events = NULL;
    subject->sessions = NULL;
}


void otp_subject_reset(otp_flow_t *flow)
{
    otp_subject_destroy(&flow->subject);
    memset(&flow->subject, 0, sizeof(flow->subject));
}


bool otp_subject_take(otp_flow_t *flow, otp_span_t uid)
{
    size_t len;

    otp_subject_reset(flow);

    return otp_uid_canonical(uid, flow->subject.uid, &len) == OTP_OK;
}


/* Too long for its place: half a name would be another person's. */
static void otp_subject_text(char *to, size_t size, const char *from, size_t len)
{
    memset(to, 0, size);
    if (len < size) {
        memcpy(to, from, len);
    }
}


void otp_subject_self(otp_flow_t *flow)
{
    otp_subject_t      *subject = &flow->subject;
    const otp_person_t *person = &flow->session.person;

    otp_subject_reset(flow);
    subject->known = true;
    otp_subject_text(subject->uid, sizeof(subject->uid), person->uid.data, person->uid.len);
    otp_subject_text(subject->name, sizeof(subject->name), person->name.data, person->name.len);
    otp_subject_text(subject->email, sizeof(subject->email), person->email.data, person->email.len);
    otp_subject_text(subject->groups, sizeof(subject->groups), person->groups.data, person->groups.len);
}


static otp_effect_t otp_subject_told(otp_flow_t *flow)
{
    otp_subject_t             *subject = &flow->subject;
    const otp_person_result_t *result = &flow->person_result;

    switch (result->verdict) {
    case OTP_PERSON_THROTTLED:
    case OTP_PERSON_BUSY:
    case OTP_PERSON_UNAVAILABLE:
        return otp_answer_unavailable(flow);
    case OTP_PERSON_REFUSED:
        break;
    case OTP_PERSON_MATCHES:
        subject->known = true;
        otp_subject_text(subject->name, sizeof(subject->name), result->name, result->name_len);
        otp_subject_text(subject->email, sizeof(subject->email), result->email, result->email_len);
        otp_subject_text(subject->groups, sizeof(subject->groups), result->groups, result->groups_len);
        break;
    }

    return subject->next(flow);
}


otp_effect_t otp_subject_ask(otp_flow_t *flow, otp_flow_stage_t next)
{
    if (!flow->settings->people_known) {
        return next(flow);
    }
    flow->subject.next = next;

    return otp_flow_ask_directory(flow, otp_span_of(flow->subject.uid), otp_subject_told);
}


static otp_span_t otp_subject_shown(const char *directory, const char *contact)
{
    otp_span_t text = otp_span_of(directory[0] != '\0' ? directory : contact);

    return otp_utf8_valid(text) ? text : OTP_SPAN("");
}


otp_span_t otp_subject_name(const otp_subject_t *subject)
{
    return otp_subject_shown(subject->name, subject->account.contact.name);
}


otp_span_t otp_subject_email(const otp_subject_t *subject)
{
    return otp_subject_shown(subject->email, subject->account.contact.email);
}


/* ---- sessions: the list holds digests, those that ended long ago too ---- */

OTP_MUST_USE static bool otp_subject_digests(otp_subject_t *subject, const otp_reply_t *reply)
{
    if (reply->kind != OTP_REPLY_ARRAY) {
        return false;
    }

    for (size_t i = 0; i < reply->elements && subject->digests < OTP_SESSIONS_SHOWN; i++) {
        otp_span_t digest = reply->element[i].text;

        if (reply->element[i].kind == OTP_REPLY_TEXT && digest.len == sizeof(subject->digest[0])) {
            memcpy(subject->digest[subject->digests++], digest.data, digest.len);
        }
    }

    return true;
}


static otp_effect_t otp_subject_looked(otp_flow_t *flow)
{
    int64_t        fresh_until_s;
    otp_session_t  session;
    otp_subject_t *subject = &flow->subject;

    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    for (size_t i = 0; i < flow->replies; i++) {
        otp_found_t found = otp_session_found(flow->settings->ring, &subject->lookup[i], flow->reply[i], flow->now_s,
                                              &session, &fresh_until_s);

        if (found == OTP_UNREADABLE) {
            return otp_answer_unavailable(flow);
        }
        if (found == OTP_FOUND && otp_span_equal(session.person.uid, otp_span_of(subject->uid))
            && json_array_append_new(subject->sessions, otp_person_session(flow, &session)) != 0)
        {
            return otp_answer_unavailable(flow);
        }
    }

    return otp_subject_look(flow);
}


/* One command a session, for each has a place of its own in a Cluster. */
static otp_effect_t otp_subject_look(otp_flow_t *flow)
{
    otp_subject_t *subject = &flow->subject;

    if (subject->looked_at == subject->digests) {
        return subject->next(flow);
    }

    for (size_t i = 0; i < OTP_SESSIONS_AT_ONCE && subject->looked_at < subject->digests; i++) {
        otp_session_lookup_t *lookup = &subject->lookup[i];
        otp_span_t            digest = { subject->digest[subject->looked_at++], sizeof(lookup->digest) };
        otp_command_t        *command = otp_flow_command(flow, "MGET");

        memcpy(lookup->digest, digest.data, digest.len);
        otp_name_cookie(&lookup->sess, flow->settings->prefix, "sess", digest);
        otp_name_cookie(&lookup->seen, flow->settings->prefix, "seen", digest);
        otp_command_add(command, otp_name_span(&lookup->sess));
        otp_command_add(command, otp_name_span(&lookup->seen));
    }

    return otp_flow_commands(flow, otp_subject_looked);
}


/* ---- history: [id, ["e", line]]…, the newest first ---- */

OTP_MUST_USE static bool otp_subject_events(otp_flow_t *flow, const otp_reply_t *reply)
{
    if (reply->kind != OTP_REPLY_ARRAY) {
        return false;
    }

    for (size_t i = 0; i < reply->elements; i++) {
        json_t            *row;
        const otp_reply_t *entry = &reply->element[i], *field;

        if (entry->kind != OTP_REPLY_ARRAY || entry->elements != 2 || entry->element[1].kind != OTP_REPLY_ARRAY
            || entry->element[1].elements != 2)
        {
            continue;
        }
        field = entry->element[1].element;
        if (field[0].kind != OTP_REPLY_TEXT || !otp_span_equal(field[0].text, OTP_SPAN("e"))
            || field[1].kind != OTP_REPLY_TEXT)
        {
            continue;
        }
        row = otp_person_event(flow, field[1].text);
        if (json_is_null(row)) {
            json_decref(row);
            continue;
        }
        if (json_array_append_new(flow->subject.events, row) != 0) {
            return false;
        }
    }

    return true;
}


/* ---- all of it ---- */

OTP_MUST_USE static bool otp_subject_account(otp_flow_t *flow)
{
    otp_subject_t *subject = &flow->subject;
    otp_span_t     stored = otp_flow_reply_text(flow, 0);

    otp_account_init(&subject->account, otp_span_of(subject->uid));
    subject->has_account = stored.len != 0;

    return !subject->has_account || otp_account_read(flow->settings->ring, otp_name_span(&subject->acct), stored,
                                                     &subject->account) == OTP_OK;
}


static otp_effect_t otp_subject_loaded(otp_flow_t *flow)
{
    otp_subject_t *subject = &flow->subject;
    size_t         i = 1;

    if (!otp_flow_replies_good(flow) || !otp_subject_account(flow) || subject->events == NULL
        || subject->sessions == NULL)
    {
        return otp_answer_unavailable(flow);
    }

    if ((subject->parts & OTP_SUBJECT_HISTORY) != 0 && !otp_subject_events(flow, flow->reply[i++])) {
        return otp_answer_unavailable(flow);
    }
    if ((subject->parts & OTP_SUBJECT_SESSIONS) != 0 && !otp_subject_digests(subject, flow->reply[i])) {
        return otp_answer_unavailable(flow);
    }

    return otp_subject_look(flow);
}


otp_effect_t otp_subject_load(otp_flow_t *flow, unsigned parts, otp_flow_stage_t next)
{
    otp_span_t     prefix = flow->settings->prefix, uid = otp_span_of(flow->subject.uid);
    otp_subject_t *subject = &flow->subject;
    otp_command_t *command;

    otp_subject_destroy(subject);
    subject->events = json_array();
    subject->sessions = json_array();
    subject->digests = 0;
    subject->looked_at = 0;
    subject->parts = parts;
    subject->next = next;

    otp_name_of(&subject->acct, OTP_NAME_ACCOUNT, prefix, uid);
    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&subject->acct));

    if ((parts & OTP_SUBJECT_HISTORY) != 0) {
        otp_name_of(&subject->history, OTP_NAME_HISTORY, prefix, uid);
        command = otp_flow_command(flow, "XREVRANGE");
        otp_command_add(command, otp_name_span(&subject->history));
        otp_command_add(command, OTP_SPAN("+"));
        otp_command_add(command, OTP_SPAN("-"));
        otp_command_add(command, OTP_SPAN("COUNT"));
        otp_command_add(command, OTP_NUMBER_TEXT(OTP_EVENTS_SHOWN));
    }

    if ((parts & OTP_SUBJECT_SESSIONS) != 0) {
        otp_name_of(&subject->list, OTP_NAME_USER_SESSIONS, prefix, uid);
        command = otp_flow_command(flow, "ZREVRANGE");
        otp_command_add(command, otp_name_span(&subject->list));
        otp_command_add(command, OTP_SPAN("0"));
        otp_command_add(command, OTP_NUMBER_TEXT(OTP_SESSIONS_LAST));
    }

    return otp_flow_commands(flow, otp_subject_loaded);
}
