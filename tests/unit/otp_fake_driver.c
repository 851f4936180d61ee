#include "otp_fake_driver.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/portal/otp_flow_private.h"
#include "core/store/otp_names.h"

#define TEMPLATES "lua-free-conf/templates"

typedef struct {
    const char *uid, *password, *name, *email, *groups;
} person_t;

struct otp_fake_call_s {
    otp_fake_world_t    *world;
    otp_fake_browser_t  *browser;
    otp_flow_t          *flow;
    otp_request_t        request;
    otp_span_t           cookie_header;
    char                *method, *path, *query, *body, *cookie;
    bool                 begun, placed;
    otp_effect_t         effect;
    otp_fake_replies_t   replies;
    int64_t              wake_ms;
};

static const person_t people[] = {
    { "marie", "Correct horse 1", "Marie Dupont", "marie.7713@school.example", "teachers,staff" },
    { "paul", "Correct horse 2", "Paul <b>Martin</b>", "paul@school.example", "helpdesk,staff" },
    { "lea", "Correct horse 3", "Léa Petit", "lea@school.example", "staff" },
    { "jose", "Correct horse 4", "Jos\xe9 Latin-1", "jose@school.example", "staff" },
    { "hugo", "Correct horse 5", "Hugo Agent", "hugo@school.example", "helpdesk" },
    { "zoe", "Correct horse 6", "Zoé <script>alert(1)</script>", "zoe@college.example", "college" },
};

static const otp_helpdesk_t helpdesk[] = { { OTP_SPAN("helpdesk"), { NULL, 0 }, false } };

/* Paris, in winter. */
static const otp_zone_t zone = { .change = { { 0, 3600 } }, .changes = 1 };

static const otp_application_t applications[] = {
    { OTP_SPAN("Mail"), OTP_SPAN("/mail/"), OTP_LEVEL_PASSWORD, { NULL, 0 }, { NULL, 0 } },
    { OTP_SPAN("Marks"), OTP_SPAN("/marks/"), OTP_LEVEL_OTP, OTP_SPAN("teachers"), OTP_SPAN("Marks of the term") },
};

static const otp_span_t redirect_hosts[] = { OTP_SPAN("app.example") };


static void must(bool good, const char *what)
{
    if (!good) {
        (void) fprintf(stderr, "%s\n", what);
        abort();
    }
}


/* ---- pages: the ones that are shipped ---- */

static void pages_add(otp_pages_t *pages, const char *folder, const char *file)
{
    char       path[512], text[65536], error[256];
    FILE      *stream;
    otp_span_t bytes = { text, 0 }, name = otp_span_of(file);

    (void) snprintf(path, sizeof(path), "%s/%s/%s", TEMPLATES, folder, file);
    stream = fopen(path, "rb");
    must(stream != NULL, path);
    bytes.len = fread(text, 1, sizeof(text), stream);
    (void) fclose(stream);

    if (strcmp(folder, "static") == 0) {
        must(otp_pages_add_static(pages, name, bytes) == OTP_OK, path);
        return;
    }
    name.len -= strlen(".html");
    must(otp_pages_add(pages, otp_span_of(folder), name, bytes, error, sizeof(error)) == OTP_OK, path);
}


static otp_pages_t *pages_load(void)
{
    static const char *const folders[] = { "fr", "en", "static" };
    char                     error[256], path[256];
    otp_pages_t             *pages = otp_pages_create();

    must(pages != NULL, "no memory");
    for (size_t i = 0; i < 3; i++) {
        DIR           *folder;
        struct dirent *entry;

        (void) snprintf(path, sizeof(path), "%s/%s", TEMPLATES, folders[i]);
        folder = opendir(path);
        must(folder != NULL, "run the tests in the root of the project: no " TEMPLATES);
        while ((entry = readdir(folder)) != NULL) {
            if (strchr(entry->d_name, '.') != NULL && entry->d_name[0] != '.') {    /* not the folder of mails */
                pages_add(pages, folders[i], entry->d_name);
            }
        }
        (void) closedir(folder);
    }
    must(otp_pages_check(pages, error, sizeof(error)) == OTP_OK, error);

    return pages;
}


/* ---- the world ---- */

void otp_fake_open(otp_fake_world_t *world)
{
    memset(world, 0, sizeof(*world));
    world->settings = (otp_settings_t) {
        .ring = otp_fake_ring(), .prefix = OTP_SPAN("otp:"), .portal = OTP_SPAN("/otp/"), .limits = OTP_LIMITS_DEFAULT,
        .people_known = true, .idle_s = 1800, .lifetime_s = 36000, .cookie_name = OTP_SPAN(OTP_FAKE_COOKIE),
        .cookie_samesite = OTP_SPAN("Lax"), .cookie_secure = true, .redirect_hosts = redirect_hosts,
        .redirect_hosts_n = 1, .applications = applications, .applications_n = 2,
        .support_email = OTP_SPAN("help@school.example"), .pages = pages_load(),
        .language = { OTP_SPAN("fr"), OTP_SPAN("en") }, .languages = 2, .helpdesk = helpdesk, .helpdesks = 1,
        .zone = &zone,
    };
    world->redis = otp_fake_redis_create();
    world->now_ms = OTP_FAKE_NOW * 1000;
    world->redis->now_ms = world->now_ms;
    world->random = 20260101;
    world->directory = OTP_PERSON_MATCHES;
    world->finds_at_most = OTP_PEOPLE_FOUND;
}


void otp_fake_close(otp_fake_world_t *world)
{
    otp_fake_answer_free(world->answer);
    otp_fake_redis_destroy(world->redis);
    otp_pages_destroy((otp_pages_t *) (uintptr_t) world->settings.pages);
    otp_keyring_destroy(world->settings.ring);
}


int64_t otp_fake_step_now(const otp_fake_world_t *world)
{
    return world->now_ms / 60000;
}


void otp_fake_pass(otp_fake_world_t *world, int64_t seconds)
{
    world->now_ms += seconds * 1000;
    world->redis->now_ms = world->now_ms;
}


/* ---- one flow ---- */

static char *cookie_text(const otp_fake_browser_t *browser)
{
    char  *text = NULL;
    size_t len;
    FILE  *out = open_memstream(&text, &len);

    for (size_t i = 0; i < browser->cookies; i++) {
        (void) fprintf(out, "%s%s=%s", i == 0 ? "" : "; ", browser->cookie[i].name, browser->cookie[i].value);
    }
    (void) fclose(out);

    return text;
}


static otp_request_method_t method_of(const char *method)
{
    if (strcmp(method, "GET") == 0) {
        return OTP_REQUEST_GET;
    }
    if (strcmp(method, "HEAD") == 0) {
        return OTP_REQUEST_HEAD;
    }

    return strcmp(method, "POST") == 0 ? OTP_REQUEST_POST : OTP_REQUEST_OTHER;
}


otp_fake_call_t *otp_fake_begin(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *method,
    const char *target, const char *body)
{
    otp_fake_call_t *call = calloc(1, sizeof(*call));
    uint8_t          random[OTP_FLOW_RANDOM];
    char            *query;

    must(call != NULL, "no memory");
    call->world = world;
    call->browser = browser;
    world->trips[0] = '\0';
    call->path = strdup(target);
    query = strchr(call->path, '?');
    call->query = strdup(query == NULL ? "" : query + 1);
    if (query != NULL) {
        *query = '\0';
    }
    call->body = strdup(body == NULL ? "" : body);
    call->cookie = cookie_text(browser);
    call->cookie_header = otp_span_of(call->cookie);

    call->request = (otp_request_t) {
        .method = method_of(method), .path = otp_span_of(call->path), .query = otp_span_of(call->query),
        .body = otp_span_of(call->body), .cookie = &call->cookie_header, .cookies = browser->cookies == 0 ? 0 : 1,
        .content_type = otp_span_of(browser->content_type == NULL ? "application/x-www-form-urlencoded"
                                                                  : browser->content_type),
        .accept = otp_span_of(browser->accept == NULL ? "application/json" : browser->accept),
        .accept_language = otp_span_of(browser->accept_language), .scheme = OTP_SPAN("https"),
        .host = otp_span_of(browser->host == NULL ? "gate.example" : browser->host),
        .origin = otp_span_of(browser->origin),
        .address = otp_span_of(browser->address == NULL ? "192.0.2.1" : browser->address),
        .request_id = OTP_SPAN("0123456789abcdef"),
    };
    if (call->request.body.len > OTP_BODY_MAX) {
        call->request.body = OTP_SPAN_NONE;
        call->request.body_too_large = true;
    }

    otp_fake_random_bytes(&world->random, random, sizeof(random));
    call->flow = otp_flow_create(&world->settings, &call->request, random);
    must(call->flow != NULL, "no memory");

    return call;
}


static void effect_took_place(otp_fake_call_t *call, const otp_reply_t *const *replies, size_t count)
{
    call->request.floor_s = call->world->floor_s;
    call->request.spent = call->world->spent;
    call->effect = otp_flow_step(call->flow, call->world->now_ms, replies, count);
    otp_fake_replies_free(&call->replies);
    if (call->effect == OTP_EFFECT_WAIT) {
        call->wake_ms = call->world->now_ms + otp_flow_view(call->flow)->wait_ms;
    }
}


/* The verb, and what kind of record it is about. */
static void trip_add(otp_fake_world_t *world, const otp_command_t *command, bool first)
{
    size_t     len = strlen(world->trips);
    otp_span_t kind = command->swap ? command->arg[3] : command->args > 1 ? command->arg[1] : OTP_SPAN_NONE;

    (void) otp_span_cut(&kind, ':');
    kind = otp_span_cut(&kind, ':');
    (void) snprintf(world->trips + len, sizeof(world->trips) - len, "%s%.*s%s%.*s",
                    len == 0 ? "" : first ? " | " : ", ", (int) command->arg[0].len, command->arg[0].data,
                    kind.len == 0 ? "" : " ", (int) kind.len, kind.data == NULL ? "" : kind.data);
}


static void step_command(otp_fake_call_t *call)
{
    otp_flow_view_t *view = otp_flow_view(call->flow);

    call->world->commands++;
    trip_add(call->world, &view->command[call->replies.count], call->replies.count == 0);
    otp_fake_redis_command(call->world->redis, &view->command[call->replies.count], &call->replies);
    if (call->replies.count == view->commands) {
        effect_took_place(call, otp_fake_replies_given(&call->replies), view->commands);
    }
}


/* Who has the text in identifier, name or e-mail. */
static void search_people(const otp_fake_world_t *world, const otp_person_query_t *query, otp_person_result_t *result)
{
    char *wanted = strndup(query->search.data, query->search.len);

    result->verdict = world->directory;
    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
        otp_person_found_t *found = &result->found[result->founds];

        if (strcasestr(people[i].uid, wanted) == NULL && strcasestr(people[i].name, wanted) == NULL
            && strcasestr(people[i].email, wanted) == NULL)
        {
            continue;
        }
        if (!otp_groups_meet(otp_span_of(people[i].groups), query->groups)) {
            continue;
        }
        if (result->founds == world->finds_at_most) {
            result->more = true;
            break;
        }
        (void) snprintf(found->uid, sizeof(found->uid), "%s", people[i].uid);
        (void) snprintf(found->name, sizeof(found->name), "%s", people[i].name);
        (void) snprintf(found->email, sizeof(found->email), "%s", people[i].email);
        (void) snprintf(found->groups, sizeof(found->groups), "%s", people[i].groups);
        result->founds++;
    }
    free(wanted);
}


static void step_place(otp_fake_call_t *call)
{
    otp_fake_world_t       *world = call->world;
    otp_flow_view_t        *view = otp_flow_view(call->flow);
    const otp_hash_asker_t *asker = &view->person_query.asker;
    bool                    full = world->directory == OTP_PERSON_BUSY || world->directory == OTP_PERSON_THROTTLED;

    (void) snprintf(world->asked_account, sizeof(world->asked_account), "%.*s", (int) asker->account.len,
                    asker->account.data);
    (void) snprintf(world->asked_address, sizeof(world->asked_address), "%.*s", (int) asker->address.len,
                    asker->address.data);
    world->asked_known = asker->known;
    call->placed = !full || world->directory_late;
    view->person_result->verdict = call->placed ? OTP_PERSON_MATCHES : world->directory;
    view->person_result->retry_after_s = OTP_FAKE_BUSY_S;
    effect_took_place(call, NULL, 0);
}


static void step_person(otp_fake_call_t *call)
{
    otp_flow_view_t     *view = otp_flow_view(call->flow);
    otp_person_result_t *result = view->person_result;

    memset(result, 0, sizeof(*result));
    call->world->directory_asked++;
    if (view->person_query.search.data != NULL) {
        search_people(call->world, &view->person_query, result);
        effect_took_place(call, NULL, 0);
        return;
    }
    result->verdict = call->world->directory == OTP_PERSON_MATCHES ? OTP_PERSON_REFUSED : call->world->directory;
    result->retry_after_s = OTP_FAKE_BUSY_S;
    must(view->person_query.password.data == NULL || call->placed, "a hash without a place");
    call->world->passwords += view->person_query.password.data != NULL;

    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]) && result->verdict == OTP_PERSON_REFUSED; i++) {
        const person_t *person = &people[i];
        otp_span_t      password = view->person_query.password;
        bool            moved = call->world->moved != NULL && strcmp(person->uid, call->world->moved) == 0;
        const char     *groups = moved ? call->world->moved_to : person->groups;

        if (groups == NULL || !otp_span_equal(otp_span_of(person->uid), view->person_query.uid)
            || (password.data != NULL && !otp_span_equal(otp_span_of(person->password), password)))
        {
            continue;
        }
        result->verdict = OTP_PERSON_MATCHES;
        result->name_len = (size_t) snprintf(result->name, sizeof(result->name), "%s", person->name);
        result->email_len = (size_t) snprintf(result->email, sizeof(result->email), "%s", person->email);
        result->groups_len = (size_t) snprintf(result->groups, sizeof(result->groups), "%s", groups);
    }
    effect_took_place(call, NULL, 0);
}


bool otp_fake_waiting(const otp_fake_call_t *call)
{
    return call->begun && call->effect == OTP_EFFECT_WAIT && call->wake_ms > call->world->now_ms;
}


bool otp_fake_step(otp_fake_call_t *call)
{
    if (!call->begun) {
        call->begun = true;
        effect_took_place(call, NULL, 0);
        return call->effect == OTP_EFFECT_ANSWER;
    }

    switch (call->effect) {
    case OTP_EFFECT_COMMANDS:
        step_command(call);
        break;
    case OTP_EFFECT_PLACE:
        step_place(call);
        break;
    case OTP_EFFECT_PERSON:
        step_person(call);
        break;
    case OTP_EFFECT_WAIT:
        if (!otp_fake_waiting(call)) {
            effect_took_place(call, NULL, 0);
        }
        break;
    case OTP_EFFECT_ANSWER:
        break;
    }

    return call->effect == OTP_EFFECT_ANSWER;
}


static void browser_take(otp_fake_browser_t *browser, otp_span_t header)
{
    otp_span_t rest = header, pair = otp_span_cut(&rest, ';'), value = pair, name = otp_span_cut(&value, '=');
    size_t     i = 0;

    while (i < browser->cookies && !otp_span_equal(otp_span_of(browser->cookie[i].name), name)) {
        i++;
    }
    if (memmem(header.data, header.len, "Max-Age=0", 9) != NULL) {
        if (i < browser->cookies) {
            browser->cookie[i] = browser->cookie[--browser->cookies];
        }
        return;
    }

    must(i < 8 && name.len < sizeof(browser->cookie[i].name) && value.len < sizeof(browser->cookie[i].value), "cookie");
    (void) snprintf(browser->cookie[i].name, sizeof(browser->cookie[i].name), "%.*s", (int) name.len, name.data);
    (void) snprintf(browser->cookie[i].value, sizeof(browser->cookie[i].value), "%.*s", (int) value.len, value.data);
    browser->cookies = i == browser->cookies ? i + 1 : browser->cookies;
}


otp_fake_answer_t *otp_fake_end(otp_fake_call_t *call)
{
    otp_fake_answer_t  *answer = calloc(1, sizeof(*answer));
    const otp_answer_t *given = &otp_flow_view(call->flow)->answer;
    size_t              len;
    FILE               *headers;

    must(answer != NULL && call->begun && call->effect == OTP_EFFECT_ANSWER && given->status != 0, "no answer");
    answer->status = given->status;
    answer->len = given->body.len;
    answer->body = strndup(given->body.data == NULL ? "" : given->body.data, given->body.len);
    answer->json = json_loadb(answer->body, answer->len, JSON_REJECT_DUPLICATES, NULL);

    headers = open_memstream(&answer->headers, &len);
    for (size_t i = 0; i < given->headers; i++) {
        const otp_header_t *header = &given->header[i];

        must(header->value.data != NULL, "a header without value");
        (void) fprintf(headers, "%.*s: %.*s\n", (int) header->name.len, header->name.data, (int) header->value.len,
                       header->value.data);
        if (otp_span_equal(header->name, OTP_SPAN("Set-Cookie"))) {
            browser_take(call->browser, header->value);
        }
    }
    (void) fclose(headers);

    /* One that runs out ends the worker: no way through the portal may come near. */
    must(call->flow->random_used <= OTP_FLOW_RANDOM * 3 / 4, "a flow that needs too many random bytes");
    otp_flow_destroy(call->flow);
    free(call->path);
    free(call->query);
    free(call->body);
    free(call->cookie);
    free(call);

    return answer;
}


void otp_fake_answer_free(otp_fake_answer_t *answer)
{
    if (answer != NULL) {
        free(answer->body);
        free(answer->headers);
        json_decref(answer->json);
        free(answer);
    }
}


/* ---- whole requests ---- */

const otp_fake_answer_t *otp_fake_request(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *method,
    const char *target, const char *body)
{
    otp_fake_call_t *call = otp_fake_begin(world, browser, method, target, body);

    while (!otp_fake_step(call)) {
        if (otp_fake_waiting(call)) {
            world->now_ms = call->wake_ms;
            world->redis->now_ms = world->now_ms;
        }
    }
    otp_fake_answer_free(world->answer);
    world->answer = otp_fake_end(call);

    return world->answer;
}


const otp_fake_answer_t *otp_fake_get(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *target)
{
    return otp_fake_request(world, browser, "GET", target, NULL);
}


const otp_fake_answer_t *otp_fake_post(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *target,
    const char *fields)
{
    return otp_fake_request(world, browser, "POST", target, fields);
}


const char *otp_fake_token(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *page)
{
    const char *accept = browser->accept;

    browser->accept = NULL;
    (void) snprintf(browser->token, sizeof(browser->token), "%s",
                    otp_fake_text(otp_fake_get(world, browser, page), "csrf"));
    browser->accept = accept;

    return browser->token;
}


const otp_fake_answer_t *otp_fake_submit(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *page,
    const char *fields)
{
    char body[4096];

    (void) otp_fake_token(world, browser, page);
    (void) snprintf(body, sizeof(body), "%s&csrf=%s", fields, browser->token);

    return otp_fake_post(world, browser, page, body);
}


const otp_fake_answer_t *otp_fake_send(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *target,
    const char *fields)
{
    char body[4096];

    (void) otp_fake_token(world, browser, "session");
    (void) snprintf(body, sizeof(body), "%s&csrf=%s", fields, browser->token);

    return otp_fake_post(world, browser, target, body);
}


/* ---- looking into answers ---- */

const char *otp_fake_text(const otp_fake_answer_t *answer, const char *member)
{
    const char *text = json_string_value(json_object_get(answer->json, member));

    return text == NULL ? "" : text;
}


int64_t otp_fake_number(const otp_fake_answer_t *answer, const char *member)
{
    const json_t *number = json_object_get(answer->json, member);

    return json_is_integer(number) ? json_integer_value(number) : -1;
}


const char *otp_fake_header(const otp_fake_answer_t *answer, const char *name)
{
    static char value[4096];
    size_t      len = strlen(name);

    value[0] = '\0';
    for (const char *line = answer->headers; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            (void) snprintf(value, sizeof(value), "%.*s", (int) strcspn(line + len + 2, "\n"), line + len + 2);
            break;
        }
    }

    return value;
}


const char *otp_fake_cookie(const otp_fake_browser_t *browser, const char *name)
{
    for (size_t i = 0; i < browser->cookies; i++) {
        if (strcmp(browser->cookie[i].name, name) == 0) {
            return browser->cookie[i].value;
        }
    }

    return "";
}


void otp_fake_forget(otp_fake_browser_t *browser, const char *name)
{
    for (size_t i = 0; i < browser->cookies; i++) {
        if (strcmp(browser->cookie[i].name, name) == 0) {
            browser->cookie[i] = browser->cookie[--browser->cookies];
            return;
        }
    }
}


bool otp_fake_gives_session(const otp_fake_answer_t *answer)
{
    const char *cookie = strstr(answer->headers, "Set-Cookie: " OTP_FAKE_COOKIE "=");

    return cookie != NULL && cookie[strlen("Set-Cookie: " OTP_FAKE_COOKIE "=")] != ';';
}


/* ---- signing in ---- */

const char *otp_fake_verdict(const otp_fake_answer_t *answer)
{
    const char *verdict = otp_fake_text(answer, "verdict");

    return *verdict == '\0' ? otp_fake_text(answer, "error") : verdict;
}


const char *otp_fake_password(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *uid)
{
    char fields[256];

    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
        if (strcmp(people[i].uid, uid) == 0) {
            (void) snprintf(fields, sizeof(fields), "username=%s&method=password&password=Correct+horse+%zu", uid,
                            i + 1);
        }
    }

    return otp_fake_verdict(otp_fake_submit(world, browser, "login", fields));
}


const char *otp_fake_direct(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *uid,
    const char *passcode)
{
    char fields[256];

    (void) snprintf(fields, sizeof(fields), "username=%s&method=passcode&passcode=%s", uid, passcode);

    return otp_fake_verdict(otp_fake_submit(world, browser, "login", fields));
}


const char *otp_fake_step_up(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *passcode)
{
    char fields[256];

    (void) snprintf(fields, sizeof(fields), "passcode=%s", passcode);

    return otp_fake_verdict(otp_fake_submit(world, browser, "passcode", fields));
}


const char *otp_fake_create_pin(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *pin)
{
    char fields[256];

    (void) snprintf(fields, sizeof(fields), "pin=%s&pin_confirm=%s", pin, pin);

    return otp_fake_verdict(otp_fake_submit(world, browser, "pin", fields));
}


const char *otp_fake_level(otp_fake_world_t *world, otp_fake_browser_t *browser)
{
    return otp_fake_text(otp_fake_get(world, browser, "session"), "level");
}


const char *otp_fake_by_key(otp_fake_world_t *world, otp_fake_browser_t *browser, const char *uid, const char *serial)
{
    (void) otp_fake_password(world, browser, uid);

    return otp_fake_step_up(world, browser, otp_fake_passcode(OTP_FAKE_PIN, serial, otp_fake_step_now(world)).text);
}


/* ---- accounts ---- */

void otp_fake_account_put(otp_fake_world_t *world, const otp_account_t *account)
{
    char       record[OTP_ACCOUNT_MAX];
    size_t     len;
    otp_name_t name;

    otp_name_of(&name, OTP_NAME_ACCOUNT, world->settings.prefix, otp_span_of(account->uid));
    must(otp_account_write(world->settings.ring, otp_name_span(&name), account, record, sizeof(record), &len)
         == OTP_OK, "account");
    otp_fake_redis_put(world->redis, otp_name_span(&name), (otp_span_t) { record, len });
}


otp_account_t otp_fake_account_get(otp_fake_world_t *world, const char *uid)
{
    otp_account_t account;
    otp_name_t    name;

    otp_name_of(&name, OTP_NAME_ACCOUNT, world->settings.prefix, otp_span_of(uid));
    must(otp_account_read(world->settings.ring, otp_name_span(&name),
                          otp_fake_redis_value(world->redis, otp_name_span(&name)), &account) == OTP_OK, "account");

    return account;
}


void otp_fake_account(otp_fake_world_t *world, const char *uid, const char *serial, const char *pin)
{
    otp_account_t account;

    otp_account_init(&account, otp_span_of(uid));
    account.keys = 1;
    otp_fake_key(world->settings.ring, &account.key[0], serial, pin);
    otp_fake_account_put(world, &account);
}


/* ---- the stock ---- */

void otp_fake_world_stock_put(otp_fake_world_t *world, const otp_stock_t *stock)
{
    char       record[OTP_STOCK_MAX];
    size_t     len;
    otp_name_t name;

    otp_name_of(&name, OTP_NAME_STOCK, world->settings.prefix, otp_span_of(stock->key.serial));
    must(otp_stock_write(world->settings.ring, otp_name_span(&name), stock, record, sizeof(record), &len) == OTP_OK,
         "stock");
    otp_fake_redis_put(world->redis, otp_name_span(&name), (otp_span_t) { record, len });
}


otp_stock_t otp_fake_world_stock_get(otp_fake_world_t *world, const char *serial)
{
    otp_stock_t stock;
    otp_name_t  name;

    otp_name_of(&name, OTP_NAME_STOCK, world->settings.prefix, otp_span_of(serial));
    must(otp_stock_read(world->settings.ring, otp_name_span(&name),
                        otp_fake_redis_value(world->redis, otp_name_span(&name)), &stock) == OTP_OK, "stock");

    return stock;
}


void otp_fake_world_stock(otp_fake_world_t *world, const char *serial, const char *uid)
{
    otp_stock_t stock = { 0 };

    otp_fake_key(world->settings.ring, &stock.key, serial, NULL);
    (void) snprintf(stock.uid, sizeof(stock.uid), "%s", uid);
    (void) snprintf(stock.batch, sizeof(stock.batch), "batch-1");
    otp_fake_world_stock_put(world, &stock);
}
