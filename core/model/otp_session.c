#include "core/model/otp_session.h"

#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/base/otp_encode.h"
#include "core/model/otp_record.h"

/* Body: LEVEL AUTH PROVEN \t CREATED \t AUTH_TIME \t OTP_TIME \t EXPIRES \t IDLE \t SERIAL \t UID \t NAME
 * \t EMAIL \t GROUPS */


static void otp_session_add_number(otp_buffer_t *out, int64_t number)
{
    otp_buffer_add_char(out, '\t');
    otp_buffer_add_number(out, number);
}


/* ASCII's, and those Unicode has besides: U+0080 to U+009F, C2 80 to C2 9F. */
static bool otp_session_control(otp_span_t text, size_t i)
{
    unsigned char c = (unsigned char) text.data[i];

    return c < 0x20 || c == 0x7f
        || (c == 0xc2 && i + 1 < text.len && (unsigned char) text.data[i + 1] >= 0x80
            && (unsigned char) text.data[i + 1] <= 0x9f);
}


/* Control characters become blanks: they would end a field here, or a header later. */
static void otp_session_add_text(otp_buffer_t *out, otp_span_t text)
{
    otp_buffer_add_char(out, '\t');
    for (size_t i = 0; i < text.len; i++) {
        bool control = otp_session_control(text, i);

        otp_buffer_add_char(out, control ? ' ' : text.data[i]);
        i += control && (unsigned char) text.data[i] == 0xc2;
    }
}


static void otp_session_write_body(otp_buffer_t *out, const otp_session_t *session)
{
    otp_buffer_add_number(out, session->level);
    otp_buffer_add_number(out, session->method);
    otp_buffer_add_number(out, session->password_proven ? 1 : 0);
    otp_session_add_number(out, session->created);
    otp_session_add_number(out, session->auth_time);
    otp_session_add_number(out, session->otp_time);
    otp_session_add_number(out, session->expires);
    otp_session_add_number(out, session->idle_s);
    otp_session_add_text(out, session->serial);
    otp_session_add_text(out, session->person.uid);
    otp_session_add_text(out, session->person.name);
    otp_session_add_text(out, session->person.email);
    otp_session_add_text(out, session->person.groups);
}


otp_status_t otp_session_write(otp_keyring_t *ring, otp_span_t key, const otp_session_t *session, char *record,
    size_t size, size_t *len)
{
    char         body[OTP_SESSION_MAX];
    otp_buffer_t out;

    otp_buffer_init(&out, body, sizeof(body));
    otp_session_write_body(&out, session);
    if (out.overflow) {
        return OTP_NO_ROOM;
    }

    return otp_envelope_write(ring, OTP_PURPOSE_SESSION, key, otp_buffer_span(&out), record, size, len);
}


void otp_session_texts(const otp_session_t *session, otp_span_t text[OTP_SESSION_TEXTS])
{
    text[0] = session->id;
    text[1] = session->serial;
    text[2] = session->person.uid;
    text[3] = session->person.name;
    text[4] = session->person.email;
    text[5] = session->person.groups;
}


void otp_session_set_texts(otp_session_t *session, const otp_span_t text[OTP_SESSION_TEXTS])
{
    session->id = text[0];
    session->serial = text[1];
    session->person.uid = text[2];
    session->person.name = text[3];
    session->person.email = text[4];
    session->person.groups = text[5];
}


size_t otp_session_text_size(const otp_session_t *session)
{
    otp_span_t text[OTP_SESSION_TEXTS];
    size_t     size = OTP_SESSION_TEXTS;

    otp_session_texts(session, text);
    for (size_t i = 0; i < OTP_SESSION_TEXTS; i++) {
        size += text[i].len;
    }

    return size;
}


void otp_session_copy(const otp_session_t *session, char *text, otp_session_t *copy)
{
    otp_span_t part[OTP_SESSION_TEXTS];

    otp_session_texts(session, part);
    *copy = *session;
    for (size_t i = 0; i < OTP_SESSION_TEXTS; i++) {
        if (part[i].len != 0) {
            memcpy(text, part[i].data, part[i].len);
        }
        text[part[i].len] = '\0';
        part[i].data = text;
        text += part[i].len + 1;
    }
    otp_session_set_texts(copy, part);
}


OTP_MUST_USE static bool otp_session_printable(const otp_session_t *session)
{
    otp_span_t text[OTP_SESSION_TEXTS];

    otp_session_texts(session, text);
    for (size_t i = 1; i < OTP_SESSION_TEXTS; i++) {
        for (size_t j = 0; j < text[i].len; j++) {
            if (otp_session_control(text[i], j)) {
                return false;
            }
        }
    }

    return true;
}


OTP_MUST_USE static bool otp_session_read_body(otp_span_t body, otp_session_t *session)
{
    otp_span_t flags = otp_span_cut(&body, '\t');

    if (flags.len != 3 || flags.data[0] < '1' || flags.data[0] > '2' || flags.data[1] < '0' || flags.data[1] > '2'
        || otp_span_number(otp_span_cut(&body, '\t'), &session->created) != OTP_OK
        || otp_span_number(otp_span_cut(&body, '\t'), &session->auth_time) != OTP_OK
        || otp_span_number(otp_span_cut(&body, '\t'), &session->otp_time) != OTP_OK
        || otp_span_number(otp_span_cut(&body, '\t'), &session->expires) != OTP_OK
        || otp_span_number(otp_span_cut(&body, '\t'), &session->idle_s) != OTP_OK)
    {
        return false;
    }

    session->level = (otp_level_t) (flags.data[0] - '0');
    session->method = (otp_auth_t) (flags.data[1] - '0');
    session->password_proven = flags.data[2] == '1';
    session->serial = otp_span_cut(&body, '\t');
    session->person.uid = otp_span_cut(&body, '\t');
    session->person.name = otp_span_cut(&body, '\t');
    session->person.email = otp_span_cut(&body, '\t');
    session->person.groups = body;

    return body.data != NULL && session->person.uid.len != 0 && otp_session_printable(session);
}


otp_status_t otp_session_read(otp_keyring_t *ring, otp_span_t key, otp_span_t record, otp_session_t *session)
{
    otp_span_t   body;
    otp_status_t status = otp_envelope_read(ring, OTP_PURPOSE_SESSION, key, record, &body);

    if (status != OTP_OK) {
        return status;
    }

    return otp_session_read_body(body, session) ? OTP_OK : OTP_INVALID;
}


bool otp_session_cookie_valid(otp_span_t cookie)
{
    return cookie.len == OTP_COOKIE_LEN && otp_base64url_valid(cookie);
}


void otp_session_lookup(otp_span_t prefix, const uint8_t digest[OTP_DIGEST_LEN], otp_session_lookup_t *lookup)
{
    otp_span_t   hex = { lookup->digest, sizeof(lookup->digest) };
    otp_buffer_t out;

    otp_buffer_init(&out, lookup->digest, sizeof(lookup->digest));
    otp_buffer_add_hex(&out, digest, OTP_DIGEST_LEN);
    otp_name_cookie(&lookup->sess, prefix, "sess", hex);
    otp_name_cookie(&lookup->seen, prefix, "seen", hex);

    lookup->command.arg[0] = OTP_SPAN("MGET");
    lookup->command.arg[1] = otp_name_span(&lookup->sess);
    lookup->command.arg[2] = otp_name_span(&lookup->seen);
    lookup->command.args = 3;
    lookup->command.swap = false;
}


otp_status_t otp_session_lookup_cookie(otp_keyring_t *ring, otp_span_t prefix, otp_span_t cookie,
    otp_session_lookup_t *lookup)
{
    uint8_t      digest[OTP_DIGEST_LEN];
    otp_status_t status = otp_session_cookie_valid(cookie) ? otp_keyring_sha256(ring, cookie, digest) : OTP_INVALID;

    if (status == OTP_OK) {
        otp_session_lookup(prefix, digest, lookup);
    }

    return status;
}


/* A short idle time needs a newer mark, or it ends while somebody works. */
int64_t otp_session_fresh_until(const otp_session_t *session, int64_t seen_s)
{
    int64_t every_s = session->idle_s / 2 < OTP_SEEN_EVERY_S ? session->idle_s / 2 : OTP_SEEN_EVERY_S;

    return seen_s + every_s < session->expires ? seen_s + every_s : session->expires;
}


/* What a MGET can say of a name: anything else is not its answer. */
static bool otp_session_is_value(const otp_reply_t *reply)
{
    return reply->kind == OTP_REPLY_TEXT || reply->kind == OTP_REPLY_NIL;
}


otp_found_t otp_session_found(otp_keyring_t *ring, const otp_session_lookup_t *lookup, const otp_reply_t *reply,
    int64_t now_s, otp_session_t *session, int64_t *fresh_until_s)
{
    int64_t      seen_s;
    otp_status_t status;

    if (reply == NULL || reply->kind != OTP_REPLY_ARRAY || reply->elements != 2
        || !otp_session_is_value(&reply->element[0]) || !otp_session_is_value(&reply->element[1]))
    {
        return OTP_UNREADABLE;
    }

    if (reply->element[0].kind != OTP_REPLY_TEXT || reply->element[1].kind != OTP_REPLY_TEXT
        || otp_span_number(reply->element[1].text, &seen_s) != OTP_OK)
    {
        return OTP_ABSENT;
    }

    status = otp_session_read(ring, otp_name_span(&lookup->sess), reply->element[0].text, session);
    if (status == OTP_FAILED) {
        return OTP_UNREADABLE;
    }

    if (status != OTP_OK || now_s >= session->expires || now_s - seen_s >= session->idle_s) {
        return OTP_ABSENT;
    }

    session->id = (otp_span_t) { lookup->digest, OTP_PUBLIC_ID_LEN };
    /* A mark of the future is that of a gateway whose clock is ahead. */
    *fresh_until_s = otp_session_fresh_until(session, seen_s < now_s ? seen_s : now_s);

    return OTP_FOUND;
}


bool otp_session_ends(const otp_command_t *command, otp_span_t prefix)
{
    otp_name_t sessions;

    if (!otp_span_equal(command->arg[0], OTP_SPAN("DEL"))) {
        return false;
    }

    otp_name_sessions(&sessions, prefix);
    for (size_t i = 1; i < command->args; i++) {
        if (otp_span_starts(command->arg[i], otp_name_span(&sessions))) {
            return true;
        }
    }

    return false;
}


void otp_session_touch(otp_session_lookup_t *lookup, const otp_session_t *session, int64_t now_s)
{
    otp_buffer_t now, idle;

    otp_buffer_init(&now, lookup->now, sizeof(lookup->now));
    otp_buffer_add_number(&now, now_s);
    otp_buffer_init(&idle, lookup->idle, sizeof(lookup->idle));
    otp_buffer_add_number(&idle, session->idle_s);

    /* XX: a mark is only ever renewed, so a session that was ended meanwhile gets none. */
    lookup->command.arg[0] = OTP_SPAN("SET");
    lookup->command.arg[1] = otp_name_span(&lookup->seen);
    lookup->command.arg[2] = otp_buffer_span(&now);
    lookup->command.arg[3] = OTP_SPAN("EX");
    lookup->command.arg[4] = otp_buffer_span(&idle);
    lookup->command.arg[5] = OTP_SPAN("XX");
    lookup->command.args = 6;
    lookup->command.swap = false;
}
