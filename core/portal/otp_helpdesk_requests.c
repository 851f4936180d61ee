#include <string.h>

#include "core/portal/otp_flow_private.h"

/* The requests that wait, the oldest first.  The sets are an index: what counts is what the stock says. */

static otp_effect_t otp_requests_read(otp_flow_t *flow);
static otp_effect_t otp_requests_check(otp_flow_t *flow);


/* ---- the answer ---- */

OTP_MUST_USE static bool otp_request_row(const otp_flow_t *flow, json_t *row, const otp_desk_request_t *request)
{
    otp_span_t uid = otp_span_of(request->uid);

    if (!otp_row_text(row, "serial", otp_span_of(request->serial))
        || !otp_row_text(row, "batch", otp_span_of(request->batch))
        || !otp_row_time(flow, row, flow->json ? "at" : "asked_time", request->at))
    {
        return false;
    }
    if (flow->json) {
        return otp_row_text(row, "user", uid) && otp_row_text(row, "name", otp_span_of(request->name));
    }

    return otp_row_text(row, "person", uid) && otp_row_text(row, "person_name", otp_span_of(request->name))
           && otp_desk_address_set(flow, row, "person_address", uid);
}


OTP_MUST_USE static json_t *otp_requests_rows(const otp_flow_t *flow)
{
    json_t *rows = json_array();

    for (size_t i = 0; rows != NULL && i < flow->desk->requests; i++) {
        json_t *row = json_object();

        if (!otp_request_row(flow, row, &flow->desk->request[i]) || json_array_append(rows, row) != 0) {
            json_decref(row);
            json_decref(rows);
            return NULL;
        }
        json_decref(row);
    }

    return rows;
}


bool otp_helpdesk_requests_view(otp_flow_t *flow, json_t *view)
{
    const otp_desk_action_t *action = otp_desk_action_find(otp_form_get(&flow->query, "done"), true);

    return json_object_set_new(view, "requests", otp_requests_rows(flow)) == 0
           && (action == NULL || otp_desk_action_flag(view, "done", action));
}


static otp_effect_t otp_requests_shown(otp_flow_t *flow)
{
    char       csrf[OTP_CSRF_LEN + 1];
    otp_span_t token;

    if (!flow->json) {
        return otp_answer_show(flow);
    }

    token = otp_csrf_issue(flow, csrf);

    return otp_answer_json(flow, 200, "page", json_pack("{s:s, s:o, s:s%}", "page", "helpdesk_requests", "requests",
                                                        otp_requests_rows(flow), "csrf", token.data, token.len));
}


/* ---- who it is: only those in the agent's reach are listed ---- */

static otp_effect_t otp_requests_told(otp_flow_t *flow)
{
    otp_desk_t         *desk = flow->desk;
    otp_desk_request_t *request = &desk->request[desk->checked];
    otp_span_t          name = otp_subject_name(&flow->subject);

    if (otp_access_reach(flow, &flow->subject) == OTP_REACH_SCOPE) {
        desk->requests--;
        memmove(request, request + 1, (desk->requests - desk->checked) * sizeof(*request));
        return otp_requests_check(flow);
    }

    memcpy(request->name, name.data, name.len);
    request->name[name.len] = '\0';
    desk->checked++;

    return otp_requests_check(flow);
}


static otp_effect_t otp_requests_check(otp_flow_t *flow)
{
    otp_desk_t *desk = flow->desk;

    if (desk->checked == desk->requests) {
        return otp_requests_shown(flow);
    }
    if (!otp_subject_take(flow, otp_span_of(desk->request[desk->checked].uid))) {
        return otp_answer_unavailable(flow);
    }

    return otp_subject_ask(flow, otp_requests_told);
}


/* ---- what the stock says ---- */

/* false: the record cannot be believed. */
OTP_MUST_USE static bool otp_requests_stock(otp_flow_t *flow, otp_desk_request_t *request, size_t i)
{
    otp_stock_t stock;
    otp_span_t  stored = otp_flow_reply_text(flow, i);

    request->uid[0] = '\0';
    if (stored.len == 0) {
        return true;
    }
    if (otp_stock_read(flow->settings->ring, otp_name_span(&flow->desk->name[i]), stored, &stock) != OTP_OK) {
        return false;
    }
    memcpy(request->uid, stock.wanted, sizeof(request->uid));
    memcpy(request->batch, stock.batch, sizeof(request->batch));
    request->at = stock.wanted_at;
    otp_secret_wipe(&stock, sizeof(stock));

    return true;
}


static otp_effect_t otp_requests_stocked(otp_flow_t *flow)
{
    size_t      count = flow->replies, left = 0;
    otp_desk_t *desk = flow->desk;

    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    for (size_t i = 0; i < count; i++) {
        if (!otp_requests_stock(flow, &desk->request[desk->read + i], i)) {
            return otp_answer_unavailable(flow);
        }
    }
    desk->read += count;
    if (desk->read < desk->requests) {
        return otp_requests_read(flow);
    }

    for (size_t i = 0; i < desk->requests; i++) {
        if (desk->request[i].uid[0] != '\0') {
            desk->request[left++] = desk->request[i];
        }
    }
    desk->requests = left;

    return otp_requests_check(flow);
}


static otp_effect_t otp_requests_read(otp_flow_t *flow)
{
    otp_desk_t *desk = flow->desk;

    if (desk->requests == 0) {
        return otp_requests_shown(flow);
    }

    for (size_t i = 0; i < OTP_FLOW_COMMANDS && desk->read + i < desk->requests; i++) {
        otp_name_of(&desk->name[i], OTP_NAME_STOCK, flow->settings->prefix,
                    otp_span_of(desk->request[desk->read + i].serial));
        otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&desk->name[i]));
    }

    return otp_flow_commands(flow, otp_requests_stocked);
}


/* ---- the sets ---- */

/* Keeps the oldest ones. */
static void otp_requests_insert(otp_desk_t *desk, const char *serial, int64_t at)
{
    size_t place = desk->requests;

    while (place > 0 && desk->request[place - 1].at > at) {
        place--;
    }
    if (place == OTP_REQUESTS_SHOWN) {
        return;
    }

    desk->requests -= desk->requests == OTP_REQUESTS_SHOWN;
    memmove(&desk->request[place + 1], &desk->request[place], (desk->requests - place) * sizeof(desk->request[0]));
    memset(&desk->request[place], 0, sizeof(desk->request[0]));
    memcpy(desk->request[place].serial, serial, OTP_SERIAL_MAX + 1);
    desk->request[place].at = at;
    desk->requests++;
}


/* Member, score, member, score… */
OTP_MUST_USE static bool otp_requests_set(otp_desk_t *desk, const otp_reply_t *reply)
{
    if (reply->kind != OTP_REPLY_ARRAY) {
        return false;
    }

    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        int64_t at;
        char    serial[OTP_SERIAL_MAX + 1] = "";

        if (reply->element[i].kind == OTP_REPLY_TEXT && reply->element[i + 1].kind == OTP_REPLY_TEXT
            && otp_serial_canonical(reply->element[i].text, serial) == OTP_OK
            && otp_span_number(reply->element[i + 1].text, &at) == OTP_OK)
        {
            otp_requests_insert(desk, serial, at);
        }
    }

    return true;
}


static void otp_requests_ask(otp_flow_t *flow, otp_span_t name)
{
    otp_command_t *command = otp_flow_command(flow, "ZRANGE");

    otp_command_add(command, name);
    otp_command_add(command, OTP_SPAN("0"));
    otp_command_add(command, OTP_NUMBER_TEXT(OTP_REQUESTS_LAST));
    otp_command_add(command, OTP_SPAN("WITHSCORES"));
}


static otp_effect_t otp_requests_counted(otp_flow_t *flow)
{
    return otp_helpdesk_waiting(flow, otp_requests_ask, otp_requests_set, otp_requests_read);
}


otp_effect_t otp_helpdesk_requests_get(otp_flow_t *flow)
{
    return otp_helpdesk_count(flow, otp_requests_counted);
}
