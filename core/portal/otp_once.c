#include <stdlib.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/model/otp_json.h"
#include "core/portal/otp_flow_private.h"

/* The double click (system.md B2).  The answer to a form is kept for a few seconds under a digest of the
 * form, sealed; the same form gets it again if it comes from a browser that held the token, or that holds the
 * cookie the answer itself gave. */

#define OTP_ONCE_POLL_MS    50
#define OTP_ONCE_POLLS      40
#define OTP_ONCE_KEPT_S     "10"
#define OTP_ONCE_UNDER_WAY  OTP_SPAN("-")   /* no answer has this form */


bool otp_once_name(otp_flow_t *flow)
{
    char         text[OTP_NONCE_LEN];
    uint8_t      digest[OTP_DIGEST_LEN];
    otp_span_t   parts[2 + 2 * OTP_FORM_FIELDS];
    size_t       n = 0;
    otp_buffer_t out;

    parts[n++] = flow->request->path;
    parts[n++] = flow->request->query;
    for (size_t i = 0; i < flow->form.fields; i++) {
        parts[n++] = flow->form.field[i].name;
        parts[n++] = flow->form.field[i].value;
    }

    if (otp_keyring_mac(flow->settings->ring, OTP_PURPOSE_ANSWER, OTP_SPAN_NONE, parts, n, digest) != OTP_OK) {
        return false;
    }

    otp_buffer_init(&out, text, sizeof(text));
    otp_buffer_add_base64url(&out, digest, 16);
    otp_name_of(&flow->once, OTP_NAME_ONCE, flow->settings->prefix, otp_buffer_span(&out));

    return true;
}


/* Hex SHA-256 of a cookie's value; an empty text when there is none. */
static void otp_once_browser(otp_flow_t *flow, otp_span_t cookie, char id[2 * OTP_DIGEST_LEN + 1])
{
    uint8_t      digest[OTP_DIGEST_LEN];
    otp_buffer_t out;

    memset(id, 0, 2 * OTP_DIGEST_LEN + 1);
    if (cookie.data == NULL || otp_keyring_sha256(flow->settings->ring, cookie, digest) != OTP_OK) {
        return;
    }

    otp_buffer_init(&out, id, 2 * OTP_DIGEST_LEN);
    otp_buffer_add_hex(&out, digest, sizeof(digest));
}


OTP_MUST_USE static json_t *otp_once_headers(const otp_flow_t *flow)
{
    json_t *headers = json_array();

    for (size_t i = 0; i < flow->view.answer.headers; i++) {
        const otp_header_t *header = &flow->view.answer.header[i];

        if (json_array_append_new(headers, json_pack("[s%, s%]", header->name.data, header->name.len,
                                                     header->value.data, header->value.len)) != 0)
        {
            json_decref(headers);
            return NULL;
        }
    }

    return headers;
}


OTP_MUST_USE static json_t *otp_once_document(otp_flow_t *flow)
{
    char                session[2 * OTP_DIGEST_LEN + 1], browser[2 * OTP_DIGEST_LEN + 1];
    char                opened[2 * OTP_DIGEST_LEN + 1];
    const otp_answer_t *answer = &flow->view.answer;
    bool                by_session = otp_span_starts(otp_form_get(&flow->form, "csrf"), OTP_SPAN("s"));

    otp_once_browser(flow, by_session ? flow->cookie : OTP_SPAN_NONE, session);
    otp_once_browser(flow, by_session ? OTP_SPAN_NONE : flow->browser, browser);
    otp_once_browser(flow, flow->opening.cookie[0] == '\0' ? OTP_SPAN_NONE : otp_span_of(flow->opening.cookie), opened);

    return json_pack("{s:[s,s,s], s:i, s:s%, s:o, s:s%}", "for", session, browser, opened, "status", answer->status,
                     "verdict", answer->verdict.data, answer->verdict.len, "headers", otp_once_headers(flow),
                     "body", answer->body.data == NULL ? "" : answer->body.data, answer->body.len);
}


bool otp_once_keep_command(otp_flow_t *flow)
{
    size_t         len;
    char          *plain;
    otp_status_t   status;
    json_t        *document = otp_once_document(flow);
    otp_command_t *command;

    plain = malloc(OTP_ONCE_MAX);
    if (plain == NULL) {
        json_decref(document);
        return false;
    }

    status = otp_json_write(document, plain, OTP_ONCE_MAX, &len);
    if (status == OTP_OK) {
        status = otp_keyring_seal(flow->settings->ring, OTP_PURPOSE_ANSWER, otp_name_span(&flow->once),
                                  otp_flow_random(flow, OTP_RANDOM_NONCE), (otp_span_t) { plain, len },
                                  flow->once_text, sizeof(flow->once_text), &len);
    }
    otp_secret_wipe(plain, OTP_ONCE_MAX);
    free(plain);
    if (status != OTP_OK) {
        return false;
    }

    command = otp_flow_command(flow, "SET");
    otp_command_add(command, otp_name_span(&flow->once));
    otp_command_add(command, (otp_span_t) { flow->once_text, len });
    otp_command_add(command, OTP_SPAN("EX"));
    otp_command_add(command, OTP_SPAN(OTP_ONCE_KEPT_S));

    return true;
}


/* Whether the answer is for this browser. */
OTP_MUST_USE static bool otp_once_for_us(otp_flow_t *flow, const json_t *list)
{
    char          session[2 * OTP_DIGEST_LEN + 1], browser[2 * OTP_DIGEST_LEN + 1];
    size_t        i;
    const json_t *id;

    otp_once_browser(flow, flow->cookie, session);
    otp_once_browser(flow, flow->browser, browser);

    json_array_foreach(list, i, id) {
        otp_span_t text = otp_span_of(json_string_value(id));

        if (text.len != 0
            && (otp_span_equal(text, otp_span_of(session)) || otp_span_equal(text, otp_span_of(browser))))
        {
            return true;
        }
    }

    return false;
}


/* Copies the kept answer into the flow; its texts share one allocation with the body. */
OTP_MUST_USE static bool otp_once_restore(otp_flow_t *flow, const json_t *document)
{
    size_t        i, size = OTP_ONCE_MAX;
    otp_span_t    spans[2 * OTP_ANSWER_HEADERS + 2];
    size_t        n = 0, at = 0;
    const json_t *header, *headers = json_object_get(document, "headers");
    otp_answer_t *answer = &flow->view.answer;

    if (!json_is_array(headers) || json_array_size(headers) > OTP_ANSWER_HEADERS || flow->body != NULL) {
        return false;
    }

    spans[n++] = otp_span_of(json_string_value(json_object_get(document, "body")));
    spans[n++] = otp_span_of(json_string_value(json_object_get(document, "verdict")));
    json_array_foreach(headers, i, header) {
        spans[n++] = otp_span_of(json_string_value(json_array_get(header, 0)));
        spans[n++] = otp_span_of(json_string_value(json_array_get(header, 1)));
    }

    flow->body = malloc(size);
    if (flow->body == NULL) {
        return false;
    }
    flow->body_len = size;

    for (i = 0; i < n; i++) {
        if (spans[i].len > size - at) {
            return false;
        }
        memcpy(flow->body + at, spans[i].data == NULL ? "" : spans[i].data, spans[i].len);
        spans[i].data = flow->body + at;
        at += spans[i].len;
    }

    answer->status = (int) json_integer_value(json_object_get(document, "status"));
    answer->body = spans[0];
    answer->verdict = spans[1];
    answer->headers = 0;
    for (i = 2; i < n; i += 2) {
        answer->header[answer->headers++] = (otp_header_t) { spans[i], spans[i + 1] };
    }

    return true;
}


bool otp_once_answer(otp_flow_t *flow)
{
    bool    ours;
    char   *plain;
    size_t  len;
    json_t *document = NULL;

    if (flow->once_found.len == 0) {
        return false;
    }

    plain = malloc(OTP_ONCE_MAX);
    if (plain == NULL) {
        return false;
    }

    if (otp_keyring_open(flow->settings->ring, OTP_PURPOSE_ANSWER, otp_name_span(&flow->once), flow->once_found,
                         (uint8_t *) plain, OTP_ONCE_MAX, &len) == OTP_OK)
    {
        document = otp_json_object((otp_span_t) { plain, len });
    }
    otp_secret_wipe(plain, OTP_ONCE_MAX);
    free(plain);

    ours = document != NULL && otp_once_for_us(flow, json_object_get(document, "for"))
           && otp_once_restore(flow, document);
    json_decref(document);

    return ours;
}


static otp_effect_t otp_once_polled(otp_flow_t *flow);


static otp_effect_t otp_once_poll(otp_flow_t *flow)
{
    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->once));

    return otp_flow_commands(flow, otp_once_polled);
}


static otp_effect_t otp_once_polled(otp_flow_t *flow)
{
    otp_span_t kept = otp_flow_reply_text(flow, 0);

    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    if (kept.len != 0 && kept.len <= sizeof(flow->once_text) && !otp_span_equal(kept, OTP_ONCE_UNDER_WAY)) {
        memcpy(flow->once_text, kept.data, kept.len);
        flow->once_found = (otp_span_t) { flow->once_text, kept.len };
        return otp_once_answer(flow) ? OTP_EFFECT_ANSWER : otp_answer_unavailable(flow);
    }

    if (kept.len == 0 && flow->once_lapsed != NULL) {
        return flow->once_lapsed(flow);
    }

    return otp_once_await(flow);
}


otp_effect_t otp_once_await(otp_flow_t *flow)
{
    if (flow->once_waits++ >= OTP_ONCE_POLLS) {
        /* The first request was cut off: nobody has its answer. */
        return flow->once_lapsed != NULL ? flow->once_lapsed(flow) : otp_answer_unavailable(flow);
    }

    return otp_flow_wait(flow, OTP_ONCE_POLL_MS, otp_once_poll);
}


void otp_once_reserve_command(otp_flow_t *flow)
{
    otp_command_t *command = otp_flow_command(flow, "SET");

    otp_command_add(command, otp_name_span(&flow->once));
    otp_command_add(command, OTP_ONCE_UNDER_WAY);
    otp_command_add(command, OTP_SPAN("NX"));
    otp_command_add(command, OTP_SPAN("EX"));
    otp_command_add(command, OTP_SPAN(OTP_ONCE_KEPT_S));
}


bool otp_once_reserved(otp_flow_t *flow, size_t i)
{
    flow->once_reserved = otp_flow_reply_text(flow, i).data != NULL;

    /* Who has waited long enough does not wait for good. */
    return flow->once_reserved || flow->once_waits > OTP_ONCE_POLLS;
}


void otp_once_release_command(otp_flow_t *flow)
{
    if (flow->once_reserved) {
        flow->once_reserved = false;
        otp_command_add(otp_flow_command(flow, "DEL"), otp_name_span(&flow->once));
    }
}
