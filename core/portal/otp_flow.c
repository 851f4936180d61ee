#include <stdlib.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/http/otp_language.h"
#include "core/portal/otp_flow_private.h"

static otp_effect_t otp_flow_begin(otp_flow_t *flow);


otp_flow_t *otp_flow_create(const otp_settings_t *settings, const otp_request_t *request,
    const uint8_t random[OTP_FLOW_RANDOM])
{
    otp_flow_t *flow = calloc(1, sizeof(*flow));

    if (flow == NULL) {
        return NULL;
    }

    flow->settings = settings;
    flow->request = request;
    flow->next = otp_flow_begin;
    flow->view.command = flow->command;
    flow->view.person_result = &flow->person_result;
    memcpy(flow->random, random, sizeof(flow->random));

    return flow;
}


void otp_flow_destroy(otp_flow_t *flow)
{
    if (flow == NULL) {
        return;
    }

    otp_subject_destroy(&flow->subject);
    if (flow->acting.action != NULL) {
        otp_action_destroy(flow->acting.action);
    }
    free(flow->desk);
    otp_emergency_end_destroy(flow);
    if (flow->body != NULL) {
        otp_secret_wipe(flow->body, flow->body_len);
        free(flow->body);
    }
    otp_secret_wipe(flow, sizeof(*flow));
    free(flow);
}


otp_flow_view_t *otp_flow_view(otp_flow_t *flow)
{
    return &flow->view;
}


otp_effect_t otp_flow_step(otp_flow_t *flow, int64_t now_ms, const otp_reply_t *const *replies, size_t count)
{
    flow->now_ms = now_ms;
    flow->now_s = now_ms / 1000;
    flow->reply = count == flow->view.commands ? replies : NULL;
    flow->replies = flow->reply == NULL ? 0 : count;
    flow->lost = flow->view.commands != 0 && flow->reply == NULL;
    flow->view.commands = 0;

    return flow->next(flow);
}


otp_effect_t otp_flow_commands(otp_flow_t *flow, otp_flow_stage_t next)
{
    flow->next = next;
    return OTP_EFFECT_COMMANDS;
}


otp_effect_t otp_flow_ask_place(otp_flow_t *flow, otp_flow_stage_t next)
{
    flow->view.person_query = (otp_person_query_t) {
        .asker = {
            .account = { flow->user_count.id, flow->user_count.id_len },
            .address = { flow->address_count.id, flow->address_count.id_len },
            .known = flow->device.known,
        },
    };
    flow->next = next;

    return OTP_EFFECT_PLACE;
}


otp_effect_t otp_flow_ask_person(otp_flow_t *flow, otp_span_t password, otp_flow_stage_t next)
{
    flow->view.person_query = (otp_person_query_t) { .uid = otp_span_of(flow->uid), .password = password };
    flow->next = next;

    return OTP_EFFECT_PERSON;
}


otp_effect_t otp_flow_ask_directory(otp_flow_t *flow, otp_span_t uid, otp_flow_stage_t next)
{
    flow->view.person_query = (otp_person_query_t) { .uid = uid };
    flow->next = next;

    return OTP_EFFECT_PERSON;
}


otp_effect_t otp_flow_search_directory(otp_flow_t *flow, otp_span_t search, otp_span_t groups, otp_flow_stage_t next)
{
    flow->view.person_query = (otp_person_query_t) { .search = search, .groups = groups };
    flow->next = next;

    return OTP_EFFECT_PERSON;
}


otp_effect_t otp_flow_wait(otp_flow_t *flow, int64_t ms, otp_flow_stage_t next)
{
    flow->view.wait_ms = ms;
    flow->next = next;

    return OTP_EFFECT_WAIT;
}


otp_command_t *otp_flow_command(otp_flow_t *flow, const char *verb)
{
    otp_command_t *command = &flow->command[flow->view.commands++];

    memset(command, 0, sizeof(*command));
    otp_command_add(command, otp_span_of(verb));

    return command;
}


const uint8_t *otp_flow_random(otp_flow_t *flow, size_t n)
{
    const uint8_t *bytes = flow->random + flow->random_used;

    /* A flow needs far less than it is given; running out would repeat bytes, so it must not go on. */
    if (flow->random_used + n > sizeof(flow->random)) {
        abort();
    }
    flow->random_used += n;

    return bytes;
}


bool otp_flow_replies_good(const otp_flow_t *flow)
{
    if (flow->reply == NULL) {
        return false;
    }

    for (size_t i = 0; i < flow->replies; i++) {
        if (flow->reply[i] == NULL || flow->reply[i]->kind == OTP_REPLY_ERROR) {
            return false;
        }
    }

    return true;
}


otp_span_t otp_flow_reply_text(const otp_flow_t *flow, size_t i)
{
    if (i >= flow->replies || flow->reply[i]->kind != OTP_REPLY_TEXT) {
        return OTP_SPAN_NONE;
    }

    return flow->reply[i]->text;
}


bool otp_flow_has_read(const otp_flow_t *flow)
{
    return flow->read_at != 0 && flow->replies > flow->read_at;
}


otp_span_t otp_flow_number(char text[24], int64_t number)
{
    otp_buffer_t out;

    otp_buffer_init(&out, text, 24);
    otp_buffer_add_number(&out, number);

    return otp_buffer_span(&out);
}


static otp_effect_t otp_flow_static(otp_flow_t *flow)
{
    otp_span_t file = flow->request->path, bytes, type;

    file.data += sizeof("static/") - 1;
    file.len -= sizeof("static/") - 1;
    if (!otp_pages_static(flow->settings->pages, file, &bytes, &type)) {
        return otp_answer_error(flow, 404, "not_found", "error_not_found");
    }

    return otp_answer_bytes(flow, type, bytes);
}


/* The values of Allow for an endpoint. */
static otp_effect_t otp_flow_wrong_method(otp_flow_t *flow)
{
    const otp_route_t *route = flow->route;

    otp_answer_header(flow, "Allow", route->post == NULL ? OTP_SPAN("GET, HEAD")
                                     : route->get == NULL ? OTP_SPAN("POST") : OTP_SPAN("GET, HEAD, POST"));

    return otp_answer_error(flow, 405, "method_not_allowed", "error_method");
}


static otp_effect_t otp_flow_begin(otp_flow_t *flow)
{
    const otp_request_t *request = flow->request;
    bool                 reading = request->method == OTP_REQUEST_GET || request->method == OTP_REQUEST_HEAD;
    bool                 form_good = otp_flow_read_form(flow);

    flow->json = otp_accept_json(request->accept);
    otp_flow_choose_language(flow);
    if (flow->language_asked) {
        otp_answer_cookie(flow, "-lang", flow->settings->language[flow->language], 365 * 86400);
    }

    if (reading && otp_span_starts(request->path, OTP_SPAN("static/"))) {
        return otp_flow_static(flow);
    }

    flow->route = otp_route_find(request->path, flow->part);
    if (flow->route == NULL) {
        return otp_answer_error(flow, 404, "not_found", "error_not_found");
    }

    if ((reading && flow->route->get == NULL) || (request->method == OTP_REQUEST_POST && flow->route->post == NULL)
        || request->method == OTP_REQUEST_OTHER)
    {
        return otp_flow_wrong_method(flow);
    }

    if (request->body_too_large) {
        return otp_answer_error(flow, 413, "too_large", "error_too_large");
    }

    if (!form_good) {
        return otp_answer_error(flow, 400, "bad_request", "error_bad_request");
    }

    otp_flow_read_rd(flow);

    return otp_flow_load(flow);
}
