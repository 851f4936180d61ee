#include <string.h>

#include "core/portal/otp_flow_private.h"

/* The requests that wait, the oldest first.  The sets are an index: what counts is what the stock says, and whether the
 * person is in the agent's reach.  So they are read in rounds until a page is full; a page that would take too many
 * rounds says where the next one goes on. */

static otp_effect_t otp_requests_check(otp_flow_t *flow);
static otp_effect_t otp_requests_ask_sets(otp_flow_t *flow);


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
    return json_object_set_new(view, "requests", otp_requests_rows(flow)) == 0
           && otp_row_flag(view, "more", flow->desk->more)
           && otp_row_text(view, "after", otp_span_of(flow->desk->after_text))
           && otp_desk_done_view(flow, view, true);
}


static otp_effect_t otp_requests_shown(otp_flow_t *flow)
{
    char       csrf[OTP_CSRF_LEN + 1];
    otp_span_t token;
    json_t    *body;

    if (!flow->json) {
        return otp_answer_show(flow);
    }

    token = otp_csrf_issue(flow, csrf);
    body = json_pack("{s:s, s:o, s:b, s:s%}", "page", "helpdesk_requests", "requests", otp_requests_rows(flow), "more",
                     flow->desk->more, "csrf", token.data, token.len);
    if (flow->desk->more && !otp_row_text(body, "after", otp_span_of(flow->desk->after_text))) {
        json_decref(body);
        body = NULL;
    }

    return otp_answer_json(flow, 200, "page", body);
}


/* ---- where a page begins, and where the next one does: behind a place of a set and a serial ---- */

static void otp_requests_begin(otp_flow_t *flow)
{
    otp_desk_t *desk = flow->desk;
    otp_span_t  rest = otp_form_get(&flow->query, "after"), place = otp_span_cut(&rest, '-');

    if (otp_span_number(place, &desk->after_place) != OTP_OK || otp_serial_canonical(rest, desk->after) != OTP_OK) {
        desk->after_place = 0;
        desk->after[0] = '\0';
    }
}


static otp_effect_t otp_requests_more(otp_flow_t *flow)
{
    otp_desk_t  *desk = flow->desk;
    otp_buffer_t out;

    otp_buffer_init(&out, desk->after_text, sizeof(desk->after_text) - 1);
    otp_buffer_add_number(&out, desk->after_place);
    otp_buffer_add_text(&out, "-");
    otp_buffer_add_text(&out, desk->after);
    desk->more = true;

    return otp_requests_shown(flow);
}


/* ---- who it is: only those in the agent's reach are listed ---- */

/* The next candidate has been looked at, and is not looked at again. */
static otp_desk_request_t *otp_requests_pass(otp_desk_t *desk)
{
    otp_desk_request_t *request = &desk->candidate[desk->checked++];

    desk->after_place = request->place;
    memcpy(desk->after, request->serial, sizeof(desk->after));

    return request;
}


static otp_effect_t otp_requests_told(otp_flow_t *flow)
{
    otp_desk_t         *desk = flow->desk;
    otp_desk_request_t *request = otp_requests_pass(desk);
    otp_span_t          name = otp_subject_name(&flow->subject);

    if (otp_access_reach(flow, &flow->subject) != OTP_REACH_SCOPE) {
        memcpy(request->name, name.data, name.len);
        request->name[name.len] = '\0';
        desk->request[desk->requests++] = *request;
    }

    return otp_requests_check(flow);
}


static otp_effect_t otp_requests_checked(otp_flow_t *flow)
{
    const otp_desk_t *desk = flow->desk;

    if (desk->candidates < OTP_REQUESTS_SHOWN) {
        return otp_requests_shown(flow);
    }

    return desk->rounds == OTP_REQUESTS_ROUNDS ? otp_requests_more(flow) : otp_requests_ask_sets(flow);
}


static otp_effect_t otp_requests_check(otp_flow_t *flow)
{
    otp_desk_t *desk = flow->desk;

    while (desk->checked < desk->candidates && desk->candidate[desk->checked].uid[0] == '\0') {
        (void) otp_requests_pass(desk);
    }
    if (desk->checked == desk->candidates) {
        return otp_requests_checked(flow);
    }
    if (desk->requests == OTP_REQUESTS_SHOWN) {
        return otp_requests_more(flow);
    }
    if (!otp_subject_take(flow, otp_span_of(desk->candidate[desk->checked].uid))) {
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


static otp_effect_t otp_requests_read(otp_flow_t *flow);


static otp_effect_t otp_requests_stocked(otp_flow_t *flow)
{
    size_t      count = flow->replies;
    otp_desk_t *desk = flow->desk;

    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    for (size_t i = 0; i < count; i++) {
        if (!otp_requests_stock(flow, &desk->candidate[desk->read + i], i)) {
            return otp_answer_unavailable(flow);
        }
    }
    desk->read += count;
    if (desk->read < desk->candidates) {
        return otp_requests_read(flow);
    }

    return otp_requests_check(flow);
}


static otp_effect_t otp_requests_read(otp_flow_t *flow)
{
    otp_desk_t *desk = flow->desk;

    if (desk->candidates == 0) {
        return otp_requests_check(flow);
    }

    for (size_t i = 0; i < OTP_FLOW_COMMANDS && desk->read + i < desk->candidates; i++) {
        otp_name_of(&desk->name[i], OTP_NAME_STOCK, flow->settings->prefix,
                    otp_span_of(desk->candidate[desk->read + i].serial));
        otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&desk->name[i]));
    }

    return otp_flow_commands(flow, otp_requests_stocked);
}


/* ---- the sets ---- */

/* Whether `a` comes behind the place and the serial. */
OTP_MUST_USE static bool otp_requests_behind(const otp_desk_request_t *a, int64_t place, const char *serial)
{
    return a->place != place ? a->place > place : strcmp(a->serial, serial) > 0;
}


/* Keeps the oldest ones. */
static void otp_requests_insert(otp_desk_t *desk, const otp_desk_request_t *request)
{
    size_t place = desk->candidates;

    if (!otp_requests_behind(request, desk->after_place, desk->after)) {
        return;
    }
    while (place > 0 && !otp_requests_behind(request, desk->candidate[place - 1].place,
                                             desk->candidate[place - 1].serial))
    {
        place--;
    }
    if (place == OTP_REQUESTS_SHOWN) {
        return;
    }

    desk->candidates -= desk->candidates == OTP_REQUESTS_SHOWN;
    memmove(&desk->candidate[place + 1], &desk->candidate[place],
            (desk->candidates - place) * sizeof(desk->candidate[0]));
    desk->candidate[place] = *request;
    desk->candidates++;
}


/* Member, score, member, score… */
OTP_MUST_USE static bool otp_requests_set(otp_desk_t *desk, const otp_reply_t *reply)
{
    if (reply->kind != OTP_REPLY_ARRAY) {
        return false;
    }

    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        otp_desk_request_t request = { .serial = "" };

        if (reply->element[i].kind == OTP_REPLY_TEXT && reply->element[i + 1].kind == OTP_REPLY_TEXT
            && otp_serial_canonical(reply->element[i].text, request.serial) == OTP_OK
            && otp_span_number(reply->element[i + 1].text, &request.place) == OTP_OK)
        {
            otp_requests_insert(desk, &request);
        }
    }

    return true;
}


static void otp_requests_ask(otp_flow_t *flow, otp_span_t name)
{
    otp_command_t *command = otp_flow_command(flow, "ZRANGE");

    otp_command_add(command, name);
    otp_command_add(command, otp_span_of(flow->desk->from));
    otp_command_add(command, OTP_SPAN("+inf"));
    otp_command_add(command, OTP_SPAN("BYSCORE"));
    otp_command_add(command, OTP_SPAN("LIMIT"));
    otp_command_add(command, OTP_SPAN("0"));
    otp_command_add(command, OTP_NUMBER_TEXT(OTP_REQUESTS_OF_SET));
    otp_command_add(command, OTP_SPAN("WITHSCORES"));
}


static otp_effect_t otp_requests_ask_sets(otp_flow_t *flow)
{
    otp_desk_t  *desk = flow->desk;
    otp_buffer_t out;

    memset(desk->from, 0, sizeof(desk->from));
    otp_buffer_init(&out, desk->from, sizeof(desk->from) - 1);
    otp_buffer_add_number(&out, desk->after_place);
    desk->rounds++;
    desk->candidates = desk->read = desk->checked = 0;

    return otp_helpdesk_waiting(flow, otp_requests_ask, otp_requests_set, otp_requests_read);
}


static otp_effect_t otp_requests_counted(otp_flow_t *flow)
{
    otp_requests_begin(flow);

    return otp_requests_ask_sets(flow);
}


otp_effect_t otp_helpdesk_requests_get(otp_flow_t *flow)
{
    return otp_helpdesk_count(flow, otp_requests_counted);
}
