#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/portal/otp_flow_private.h"

/* The helpdesk's first page: who is it about?  By identifier, name or e-mail in the directory, by identifier among
 * the accounts, by serial in the stock. */

static otp_effect_t otp_search_extra(otp_flow_t *flow);


/* ---- addresses ---- */

/* PORTAL helpdesk/user/UID. */
OTP_MUST_USE static otp_span_t otp_desk_address(const otp_flow_t *flow, otp_span_t uid, char *text, size_t size)
{
    otp_buffer_t out;

    otp_buffer_init(&out, text, size);
    otp_buffer_add(&out, flow->settings->portal);
    otp_buffer_add_text(&out, "helpdesk/user/");
    otp_buffer_add_percent(&out, uid);

    return otp_buffer_span(&out);
}


bool otp_desk_address_set(const otp_flow_t *flow, json_t *row, const char *name, otp_span_t uid)
{
    char text[OTP_LOCATION_MAX];

    return otp_row_text(row, name, otp_desk_address(flow, uid, text, sizeof(text)));
}


/* ---- the answer ---- */

OTP_MUST_USE static json_t *otp_search_people(const otp_flow_t *flow)
{
    json_t *rows = json_array();

    for (size_t i = 0; rows != NULL && i < flow->desk->persons; i++) {
        const otp_person_found_t *person = &flow->desk->person[i];
        otp_span_t                uid = otp_span_of(person->uid);
        json_t                   *row = json_object();

        if (!otp_row_text(row, "user", uid) || !otp_row_text(row, "name", otp_span_of(person->name))
            || !otp_row_text(row, "email", otp_span_of(person->email))
            || !otp_desk_address_set(flow, row, flow->json ? "location" : "address", uid)
            || json_array_append(rows, row) != 0)
        {
            json_decref(row);
            json_decref(rows);
            return NULL;
        }
        json_decref(row);
    }

    return rows;
}


OTP_MUST_USE static otp_span_t otp_search_query(const otp_flow_t *flow)
{
    return otp_span_trim(otp_form_get(&flow->query, "q"));
}


bool otp_helpdesk_search_view(otp_flow_t *flow, json_t *view)
{
    bool searched = otp_search_query(flow).len != 0;

    return otp_row_text(view, "query", otp_search_query(flow)) && otp_row_flag(view, "searched", searched)
           && json_object_set_new(view, "people", otp_search_people(flow)) == 0
           && otp_row_flag(view, "more", flow->desk->more)
           && otp_row_flag(view, "nobody", searched && flow->desk->persons == 0 && !flow->desk->stocked)
           && otp_row_text(view, "stock_serial", flow->desk->stocked ? otp_span_of(flow->serial) : OTP_SPAN(""))
           && otp_row_flag(view, "stock_disabled", flow->desk->stock_disabled);
}


/* The key that was looked for, when nobody has it. */
OTP_MUST_USE static json_t *otp_search_key(const otp_flow_t *flow)
{
    if (!flow->desk->stocked) {
        return json_null();
    }

    return json_pack("{s:s, s:s}", "serial", flow->serial, "state", flow->desk->stock_disabled ? "disabled" : "free");
}


static otp_effect_t otp_search_shown(otp_flow_t *flow)
{
    json_t    *body;
    otp_span_t query = otp_search_query(flow);

    if (!flow->json) {
        return otp_answer_show(flow);
    }

    body = json_pack("{s:s, s:s%, s:o, s:b, s:o}", "page", "helpdesk", "q", query.data == NULL ? "" : query.data,
                     query.len, "people", otp_search_people(flow), "more", flow->desk->more, "key",
                     otp_search_key(flow));
    if (!flow->desk->scoped && !otp_row_number(body, "waiting", flow->desk->waiting)) {
        json_decref(body);
        body = NULL;
    }

    return otp_answer_json(flow, 200, "page", body);
}


/* ---- finding ---- */

/* Whom the agent may not see at all is not found. */
OTP_MUST_USE static bool otp_search_visible(const otp_flow_t *flow, const otp_person_found_t *person)
{
    otp_subject_t subject = { 0 };

    memcpy(subject.uid, person->uid, sizeof(subject.uid));
    memcpy(subject.groups, person->groups, sizeof(subject.groups));

    return otp_access_reach(flow, &subject) != OTP_REACH_SCOPE;
}


static void otp_search_add(otp_flow_t *flow, const otp_person_found_t *person)
{
    otp_desk_t *desk = flow->desk;

    for (size_t i = 0; i < desk->persons; i++) {
        if (otp_span_equal(otp_span_of(desk->person[i].uid), otp_span_of(person->uid))) {
            return;
        }
    }
    if (desk->persons < sizeof(desk->person) / sizeof(desk->person[0]) && otp_search_visible(flow, person)) {
        desk->person[desk->persons++] = *person;
    }
}


OTP_MUST_USE static bool otp_search_listed(const otp_desk_t *desk, otp_span_t uid)
{
    for (size_t i = 0; i < desk->persons; i++) {
        if (otp_span_equal(otp_span_of(desk->person[i].uid), uid)) {
            return true;
        }
    }

    return false;
}


/* One who has an account, or holds the key: what the directory says of them is now known. */
static otp_effect_t otp_search_extra_told(otp_flow_t *flow)
{
    otp_person_found_t   person = { 0 };
    const otp_subject_t *subject = &flow->subject;

    memcpy(person.uid, subject->uid, sizeof(person.uid));
    memcpy(person.name, subject->name, sizeof(person.name));
    memcpy(person.email, subject->email, sizeof(person.email));
    memcpy(person.groups, subject->groups, sizeof(person.groups));
    otp_search_add(flow, &person);

    return otp_search_extra(flow);
}


static otp_effect_t otp_search_extra(otp_flow_t *flow)
{
    otp_desk_t *desk = flow->desk;

    while (desk->asked < desk->extras) {
        otp_span_t uid = otp_span_of(desk->extra[desk->asked++]);

        if (!otp_search_listed(desk, uid) && otp_subject_take(flow, uid)) {
            return otp_subject_ask(flow, otp_search_extra_told);
        }
    }

    return otp_search_shown(flow);
}


static void otp_search_extra_add(otp_desk_t *desk, const char *uid)
{
    memcpy(desk->extra[desk->extras++], uid, OTP_UID_LEN + 1);
}


static otp_effect_t otp_search_records(otp_flow_t *flow)
{
    size_t       i = 0;
    otp_span_t   stored;
    otp_desk_t  *desk = flow->desk;
    otp_stock_t  stock;

    if (!otp_flow_replies_good(flow)) {
        return otp_answer_unavailable(flow);
    }

    if (flow->uid[0] != '\0') {
        stored = otp_flow_reply_text(flow, i++);
        if (stored.len != 0) {
            otp_search_extra_add(desk, flow->uid);
        }
    }

    stored = flow->serial[0] == '\0' ? OTP_SPAN_NONE : otp_flow_reply_text(flow, i);
    if (stored.len != 0) {
        if (otp_stock_read(flow->settings->ring, otp_name_span(&desk->name[1]), stored, &stock) != OTP_OK) {
            return otp_answer_unavailable(flow);
        }
        if (stock.uid[0] != '\0' || stock.wanted[0] != '\0') {
            otp_search_extra_add(desk, stock.uid[0] != '\0' ? stock.uid : stock.wanted);
        } else {
            desk->stocked = true;
            desk->stock_disabled = !otp_key_usable(&stock.key);
        }
        otp_secret_wipe(&stock, sizeof(stock));
    }

    return otp_search_extra(flow);
}


/* By exact identifier and exact serial, but for the case of their letters. */
static otp_effect_t otp_search_spelled(otp_flow_t *flow)
{
    size_t      len;
    otp_span_t  query = otp_search_query(flow);
    otp_desk_t *desk = flow->desk;

    memset(flow->uid, 0, sizeof(flow->uid));
    if (otp_uid_canonical(query, flow->uid, &len) == OTP_OK) {
        otp_name_of(&desk->name[0], OTP_NAME_ACCOUNT, flow->settings->prefix, otp_span_of(flow->uid));
        otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&desk->name[0]));
    } else {
        memset(flow->uid, 0, sizeof(flow->uid));
    }

    if (flow->serial[0] != '\0') {
        otp_name_of(&desk->name[1], OTP_NAME_STOCK, flow->settings->prefix, otp_span_of(flow->serial));
        otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&desk->name[1]));
    }

    return flow->view.commands == 0 ? otp_search_shown(flow) : otp_flow_commands(flow, otp_search_records);
}


static otp_effect_t otp_search_exact(otp_flow_t *flow)
{
    if (otp_serial_canonical(otp_search_query(flow), flow->serial) != OTP_OK) {
        flow->serial[0] = '\0';
        return otp_search_spelled(flow);
    }

    return otp_serial_typed(flow, otp_search_spelled);
}


static otp_effect_t otp_search_told(otp_flow_t *flow)
{
    const otp_person_result_t *result = &flow->person_result;

    if (result->verdict != OTP_PERSON_MATCHES) {
        return otp_answer_unavailable(flow);
    }

    for (size_t i = 0; i < result->founds && i < OTP_PEOPLE_FOUND; i++) {
        otp_search_add(flow, &result->found[i]);
    }
    flow->desk->more = result->more;

    return otp_search_exact(flow);
}


static otp_effect_t otp_search_begin(otp_flow_t *flow)
{
    otp_span_t query = otp_search_query(flow);

    if (query.len == 0) {
        return otp_search_shown(flow);
    }
    if (query.len > OTP_SEARCH_MAX) {
        return otp_answer_error(flow, 400, "bad_request", "error_bad_request");
    }
    if (!flow->settings->people_known) {
        return otp_search_exact(flow);
    }

    return otp_flow_search_directory(flow, query, flow->desk->scope, otp_search_told);
}


otp_effect_t otp_helpdesk_get(otp_flow_t *flow)
{
    return otp_helpdesk_count(flow, otp_search_begin);
}
