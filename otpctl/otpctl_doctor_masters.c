#include <stdio.h>
#include <string.h>

#include "core/store/otp_resp.h"
#include "otpctl/otpctl_doctor_visit.h"
#include "otpctl/otpctl_sentinel.h"

#define MASTER_CHECKS   9       /* of one master */
#define TEXT_MAX        600

/* What was heard of the Sentinels. */
typedef struct {
    otpctl_sentinels_t found;
    otpctl_server_t    master;
    char               silent[TEXT_MAX], differs[TEXT_MAX], objection[TEXT_MAX];
} heard_t;

/* What is found of one master. */
typedef struct {
    otpctl_doctor_t *visit;
    int             master;
    otpctl_check_t  check[MASTER_CHECKS];
    size_t          checks;
    bool            aof;
} look_t;

void otpctl_doctor_add(otpctl_doctor_t *visit, const char *name, otpctl_health_t health, const char *remedy,
    const char *text)
{
    otpctl_check_t *check = &visit->check[visit->checks++];

    check->name = name;
    otpctl_check_say(check, health, remedy, "%s", text);
}


otp_reply_t *otpctl_doctor_ask(otpctl_doctor_t *visit, int master, const otp_span_t *arg, size_t args)
{
    otpctl_redis_t *redis = visit->ctl->redis;
    otp_reply_t    *reply = master < 0 ? otpctl_redis_ask(redis, arg, args, 0)
        : otpctl_redis_ask_master(redis, (size_t) master, arg, args);

    if (reply && reply->kind == OTP_REPLY_ERROR) {
        otp_reply_destroy(reply);
        return NULL;
    }
    return reply;
}


static otp_reply_t *ask(const look_t *look, const otp_span_t *arg, size_t args)
{
    return otpctl_doctor_ask(look->visit, look->master, arg, args);
}


/* --- one master --------------------------------------------------------------------------------------------- */

/* The value of a setting; the reply, which holds it, is the caller's. */
static otp_span_t setting(const look_t *look, otp_span_t name, otp_reply_t **reply)
{
    *reply = ask(look, (otp_span_t[]) { OTP_SPAN("CONFIG"), OTP_SPAN("GET"), name }, 3);
    return *reply && (*reply)->elements == 2 ? (*reply)->element[1].text : OTP_SPAN_NONE;
}


static void look_at_info(look_t *look)
{
    const otpctl_address_t *address = &look->visit->ctl->address;
    otp_reply_t            *info = ask(look, (otp_span_t[]) { OTP_SPAN("INFO") }, 1), *save, *least;
    otp_span_t              saves = setting(look, OTP_SPAN("save"), &save);

    if (info) {
        otpctl_check_version(info->text, &look->check[look->checks++]);
        otpctl_check_persistence(info->text, saves, &look->check[look->checks++]);
        otpctl_check_eviction(info->text, &look->check[look->checks++]);
        otpctl_check_replicas(info->text, &look->check[look->checks++]);
        look->aof = otp_span_equal(otpctl_info(info->text, "aof_enabled"), OTP_SPAN("1"));
        if (address->replicas) {
            otpctl_check_promise(info->text, address->replicas, &look->check[look->checks++]);
        }
    } else {
        look->check[look->checks].name = "version";
        otpctl_check_say(&look->check[look->checks++], OTPCTL_FAULT,
                         "allow this user INFO (ACL), at least while doctor looks",
                         "Redis does not answer INFO: version, persistence, eviction and replicas are unknown");
    }
    if (address->sentinel || address->cluster) {
        otpctl_check_cut_off(setting(look, OTP_SPAN("min-replicas-to-write"), &least), &look->check[look->checks++]);
        otp_reply_destroy(least);
    }
    otp_reply_destroy(info);
    otp_reply_destroy(save);
}


static void look_at_clock(look_t *look)
{
    otpctl_check_t *check = &look->check[look->checks++];
    int64_t         before = otpctl_now_ms(), seconds, micros;
    otp_reply_t    *reply = ask(look, (otp_span_t[]) { OTP_SPAN("TIME") }, 1);
    int64_t         after = otpctl_now_ms();

    if (reply && reply->elements == 2 && otp_span_number(reply->element[0].text, &seconds) == OTP_OK
        && otp_span_number(reply->element[1].text, &micros) == OTP_OK)
    {
        /* Its answer was made somewhere between asking and hearing. */
        otpctl_check_clock(seconds * 1000 + micros / 1000 - (before + after) / 2, check);
    } else {
        check->name = "clock";
        otpctl_check_say(check, OTPCTL_WARNING, "allow this user TIME (ACL)", "Redis does not tell its time");
    }
    otp_reply_destroy(reply);
}


static void look_at_default_user(look_t *look)
{
    otp_reply_t *user = ask(look, (otp_span_t[]) { OTP_SPAN("ACL"), OTP_SPAN("GETUSER"), OTP_SPAN("default") }, 3);

    if (user && user->kind == OTP_REPLY_ARRAY) {
        otpctl_check_default_user(user, look->aof, &look->check[look->checks++]);
    }
    otp_reply_destroy(user);
}


static bool is_local(const char *place)
{
    return strncmp(place, "unix:", 5) == 0 || strncmp(place, "127.", 4) == 0 || strncmp(place, "localhost", 9) == 0
        || strncmp(place, "[::1]", 5) == 0;
}


/* One line a check, whatever the number of masters. */
static void look_at_master(otpctl_doctor_t *visit, int master)
{
    look_t      look = { .visit = visit, .master = master };
    const char *place;

    look_at_info(&look);
    look_at_default_user(&look);
    look_at_clock(&look);
    place = otpctl_redis_place(visit->ctl->redis);
    if (!visit->ctl->address.tls && !is_local(place)) {
        otpctl_check_t *check = &look.check[look.checks++];

        check->name = "transport";
        otpctl_check_say(check, OTPCTL_WARNING, "use the word tls in the address, and tls-port in redis.conf",
                         "what goes to Redis crosses the network in clear");
    }
    for (size_t i = 0; i < look.checks; i++) {
        visit->checks = otpctl_check_merge(visit->check, visit->checks, &look.check[i],
                                           visit->ctl->address.cluster ? place : "");
    }
}


/* --- all of them -------------------------------------------------------------------------------------------- */

static void look_at_cluster(otpctl_doctor_t *visit, const otpctl_slot_map_t *map)
{
    otpctl_layout_t layout;
    otp_reply_t    *info;
    bool            told = otpctl_redis_layout(visit->ctl->redis, &layout);

    if (!told) {
        otpctl_doctor_add(visit, "cluster", OTPCTL_FAULT, "start it: nothing that is on it can be read",
                          otpctl_redis_error(visit->ctl->redis));
        return;
    }
    info = otpctl_doctor_ask(visit, 0, (otp_span_t[]) { OTP_SPAN("CLUSTER"), OTP_SPAN("INFO") }, 2);
    otpctl_check_cluster(info ? info->text : OTP_SPAN_NONE, otpctl_redis_masters(visit->ctl->redis),
                         otpctl_slot_map_gaps(map), layout.moving, &visit->check[visit->checks++]);
    otp_reply_destroy(info);
}


void otpctl_doctor_masters(otpctl_doctor_t *visit)
{
    otpctl_redis_t          *redis = visit->ctl->redis;
    const otpctl_slot_map_t *map = otpctl_redis_map(redis);
    char                     text[400];

    (void) snprintf(text, sizeof(text), map ? "reachable by %s" : "reachable at %s", otpctl_redis_place(redis));
    otpctl_doctor_add(visit, "redis", OTPCTL_FINE, "", text);
    if (map) {
        look_at_cluster(visit, map);
    }
    for (size_t i = 0; i < otpctl_redis_masters(redis); i++) {
        look_at_master(visit, (int) i);
    }
}


/* --- Sentinels ---------------------------------------------------------------------------------------------- */

static int64_t number_of(const otp_reply_t *pairs, const char *name)
{
    int64_t number = 0;

    for (size_t i = 0; i + 1 < pairs->elements; i += 2) {
        if (otp_span_equal(pairs->element[i].text, otp_span_of(name))
            && otp_span_number(pairs->element[i + 1].text, &number) != OTP_OK)
        {
            return 0;
        }
    }
    return number;
}


/* What one that answers knows of the others. */
static void ask_quorum(otpctl_node_t *node, const char *name, heard_t *heard)
{
    otp_span_t   master[] = { OTP_SPAN("SENTINEL"), OTP_SPAN("MASTER"), otp_span_of(name) };
    otp_span_t   quorum[] = { OTP_SPAN("SENTINEL"), OTP_SPAN("CKQUORUM"), otp_span_of(name) };
    otp_reply_t *reply = otpctl_node_ask(node, master, 3, 0);

    if (reply && reply->kind == OTP_REPLY_ARRAY) {
        heard->found.known = number_of(reply, "num-other-sentinels") + 1;
        heard->found.quorum = number_of(reply, "quorum");
    }
    otp_reply_destroy(reply);
    reply = otpctl_node_ask(node, quorum, 3, 0);
    if (reply && reply->kind == OTP_REPLY_ERROR && !otp_span_starts(reply->text, OTP_SPAN("NOPERM"))) {
        (void) snprintf(heard->objection, TEXT_MAX, "%s: %.*s", otpctl_node_place(node),
                        (int) (reply->text.len < 200 ? reply->text.len : 200), reply->text.data);
        heard->found.objection = otp_span_of(heard->objection);
    }
    otp_reply_destroy(reply);
}


static void ask_sentinel(const otpctl_address_t *address, const otpctl_place_t *place, heard_t *heard)
{
    otpctl_server_t told;
    char            error[TEXT_MAX];
    otpctl_node_t  *node = otpctl_node_open(address, place, OTPCTL_NODE_SENTINEL, error, sizeof(error));

    if (!node || !otpctl_sentinel_master(node, address->sentinel, &told, error, sizeof(error))) {
        if (!*heard->silent) {
            memcpy(heard->silent, error, sizeof(error));
        }
        otpctl_node_close(node);
        return;
    }
    if (heard->found.answer++ == 0) {
        heard->master = told;
    }
    if (strcmp(heard->master.text, told.text) == 0) {
        heard->found.agree++;
    } else if (!*heard->differs) {
        (void) snprintf(heard->differs, TEXT_MAX, "%s says %s", place->text, told.text);
    }
    if (heard->found.objection.len == 0) {
        ask_quorum(node, address->sentinel, heard);
    }
    otpctl_node_close(node);
}


void otpctl_doctor_sentinels(otpctl_doctor_t *visit)
{
    const otpctl_address_t *address = &visit->ctl->address;
    heard_t                 heard = { .found.asked = address->places };

    if (!address->sentinel) {
        return;
    }
    for (size_t i = 0; i < address->places; i++) {
        ask_sentinel(address, &address->place[i], &heard);
    }
    heard.found.master = heard.master.text;
    heard.found.silent = heard.silent;
    heard.found.differs = heard.differs;
    otpctl_check_sentinels(&heard.found, &visit->check[visit->checks++]);
}
