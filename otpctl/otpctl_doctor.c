#include "otpctl/otpctl_doctor.h"

#include <string.h>

#include "core/store/otp_resp.h"
#include "otpctl/otpctl.h"
#include "otpctl/otpctl_keyring.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_scan.h"

#define CHECKS  16

typedef struct {
    otpctl_t       *ctl;
    otpctl_check_t  check[CHECKS];
    size_t          checks;
    bool            unreachable, aof;
} visit_t;

static void add(visit_t *visit, const char *name, otpctl_health_t health, const char *remedy, const char *text)
{
    otpctl_check_t *check = &visit->check[visit->checks++];

    check->name = name;
    check->health = health;
    check->remedy = remedy;
    (void) snprintf(check->text, sizeof(check->text), "%s", text);
}


/* NULL: no answer, or an error. */
static otp_reply_t *ask(visit_t *visit, const otp_span_t *arg, size_t args)
{
    otp_reply_t *reply = otpctl_redis_ask(visit->ctl->redis, arg, args, 0);

    if (reply && reply->kind == OTP_REPLY_ERROR) {
        otp_reply_destroy(reply);
        return NULL;
    }
    return reply;
}


static void check_info(visit_t *visit)
{
    otp_reply_t *info = ask(visit, (otp_span_t[]) { OTP_SPAN("INFO") }, 1);
    otp_reply_t *save = ask(visit, (otp_span_t[]) { OTP_SPAN("CONFIG"), OTP_SPAN("GET"), OTP_SPAN("save") }, 3);
    bool         told = save && save->elements == 2;

    if (info) {
        otpctl_check_version(info->text, &visit->check[visit->checks++]);
        otpctl_check_persistence(info->text, told ? save->element[1].text : OTP_SPAN_NONE,
                                 &visit->check[visit->checks++]);
        otpctl_check_eviction(info->text, &visit->check[visit->checks++]);
        otpctl_check_replicas(info->text, &visit->check[visit->checks++]);
        visit->aof = otp_span_equal(otpctl_info(info->text, "aof_enabled"), OTP_SPAN("1"));
    } else {
        add(visit, "version", OTPCTL_FAULT, "allow this user INFO (ACL), at least while doctor looks",
            "Redis does not answer INFO: version, persistence, eviction and replicas are unknown");
    }
    otp_reply_destroy(info);
    otp_reply_destroy(save);
}


static void check_clock(visit_t *visit)
{
    int64_t      before = otpctl_now_ms(), seconds, micros;
    otp_reply_t *reply = ask(visit, (otp_span_t[]) { OTP_SPAN("TIME") }, 1);
    int64_t      after = otpctl_now_ms();

    if (reply && reply->elements == 2 && otp_span_number(reply->element[0].text, &seconds) == OTP_OK
        && otp_span_number(reply->element[1].text, &micros) == OTP_OK)
    {
        /* Its answer was made somewhere between asking and hearing. */
        otpctl_check_clock(seconds * 1000 + micros / 1000 - (before + after) / 2, &visit->check[visit->checks++]);
    } else {
        add(visit, "clock", OTPCTL_WARNING, "allow this user TIME (ACL)", "Redis does not tell its time");
    }
    otp_reply_destroy(reply);
}


static void check_default_user(visit_t *visit)
{
    otp_reply_t *user = ask(visit, (otp_span_t[]) { OTP_SPAN("ACL"), OTP_SPAN("GETUSER"), OTP_SPAN("default") }, 3);

    if (user && user->kind == OTP_REPLY_ARRAY) {
        otpctl_check_default_user(user, visit->aof, &visit->check[visit->checks++]);
    }
    otp_reply_destroy(user);
}


/* Unix milliseconds at which the first entry of a stream was written; 0: it has none. */
static int64_t first_of(visit_t *visit, otp_span_t stream)
{
    int64_t      ms = 0;
    otp_reply_t *reply = ask(visit, (otp_span_t[]) { OTP_SPAN("XRANGE"), stream, OTP_SPAN("-"), OTP_SPAN("+"),
                             OTP_SPAN("COUNT"), OTP_SPAN("1") }, 6);

    if (reply && reply->elements == 1 && reply->element[0].elements == 2) {
        otp_span_t id = reply->element[0].element[0].text;

        if (otp_span_number(otp_span_cut(&id, '-'), &ms) != OTP_OK) {
            ms = 0;
        }
    }
    otp_reply_destroy(reply);
    return ms;
}


static int64_t length_of(visit_t *visit, otp_span_t stream)
{
    otp_reply_t *reply = ask(visit, (otp_span_t[]) { OTP_SPAN("XLEN"), stream }, 2);
    int64_t      length = reply ? reply->integer : 0;

    otp_reply_destroy(reply);
    return length;
}


static void check_outbox(visit_t *visit)
{
    int64_t    entries = 0, failed = 0, oldest_ms = otpctl_now_ms();
    otp_name_t name;

    for (unsigned tag = 0; tag < OTP_TAGS; tag++) {
        otp_name_mail_tag(&name, visit->ctl->prefix, tag);
        int64_t length = length_of(visit, otp_name_span(&name)), first_ms = first_of(visit, otp_name_span(&name));

        entries += length;
        if (length && first_ms && first_ms < oldest_ms) {
            oldest_ms = first_ms;
        }
        otp_name_mail_failed_tag(&name, visit->ctl->prefix, tag);
        failed += length_of(visit, otp_name_span(&name));
    }
    otpctl_check_outbox(entries, (otpctl_now_ms() - oldest_ms) / 1000, failed, &visit->check[visit->checks++]);
}


static bool is_local(const char *place)
{
    return strncmp(place, "unix:", 5) == 0 || strncmp(place, "127.", 4) == 0 || strncmp(place, "localhost", 9) == 0
        || strncmp(place, "[::1]", 5) == 0;
}


static void check_redis(visit_t *visit)
{
    otpctl_t *ctl = visit->ctl;
    char      error[1024], text[200];

    if (!ctl->address.places) {
        add(visit, "redis", OTPCTL_FAULT, "give --redis ADDR, set OTP_REDIS, or write `redis = ADDR` to " OTPCTL_CONFIG,
            "no address is configured");
        return;
    }
    ctl->redis = otpctl_redis_open(&ctl->address, error, sizeof(error));
    if (!ctl->redis) {
        visit->unreachable = true;
        add(visit, "redis", OTPCTL_FAULT, "start it, or correct the address and what stands beside it", error);
        return;
    }
    (void) snprintf(text, sizeof(text), "reachable at %s", otpctl_redis_place(ctl->redis));
    add(visit, "redis", OTPCTL_FINE, "", text);
    if (!ctl->address.tls && !is_local(otpctl_redis_place(ctl->redis))) {
        add(visit, "transport", OTPCTL_WARNING, "use the word tls in the address, and tls-port in redis.conf",
            "what goes to Redis crosses the network in clear");
    }
    check_info(visit);
    check_default_user(visit);
    check_clock(visit);
    check_outbox(visit);
}


static void check_keyring(visit_t *visit)
{
    otpctl_t *ctl = visit->ctl;
    char      text[512];

    if (!ctl->keyring_file) {
        add(visit, "keyring", OTPCTL_FAULT, "give --keyring FILE, set OTP_KEYRING, or write `keyring = FILE` to "
            OTPCTL_CONFIG, "no key ring is configured");
        return;
    }
    ctl->ring = otpctl_keyring_load(ctl->keyring_file, text, sizeof(text));
    if (!ctl->ring) {
        add(visit, "keyring", OTPCTL_FAULT,
            "make it readable for root alone; `otpctl keyring init FILE` makes a first one",
            text);
        return;
    }
    (void) snprintf(text, sizeof(text), "%s: %zu key(s), current %.*s", ctl->keyring_file,
                    otp_keyring_count(ctl->ring), (int) otp_keyring_current(ctl->ring).len,
                    otp_keyring_current(ctl->ring).data);
    add(visit, "keyring", OTPCTL_FINE, "", text);
}


static otpctl_status_t try_record(otpctl_t *ctl, otp_span_t name, otp_span_t value, void *data)
{
    size_t       *unreadable = data;
    otp_account_t account;

    *unreadable += value.len && otp_account_read(ctl->ring, name, value, &account) != OTP_OK;
    return OTPCTL_DONE;
}


/* Whether this is the key ring that the accounts were written with. */
static void check_records(visit_t *visit)
{
    otpctl_names_t names = { 0 };
    size_t         unreadable = 0;
    char           text[200];

    if (!visit->ctl->redis || !visit->ctl->ring) {
        return;
    }
    if (otpctl_scan(visit->ctl, "acct:{?}:*", &names) == OTPCTL_DONE
        && otpctl_each(visit->ctl, &names, try_record, &unreadable) == OTPCTL_DONE)
    {
        (void) snprintf(text, sizeof(text), "%zu account(s), %zu of them cannot be read with this key ring",
                        names.names, unreadable);
        add(visit, "records", unreadable ? OTPCTL_FAULT : OTPCTL_FINE,
            unreadable ? "take the key ring of the gateways; `otpctl user list` names the records" : "", text);
    }
    otpctl_names_free(&names);
}


static const char *health_name(otpctl_health_t health)
{
    switch (health) {
    case OTPCTL_FINE:
        return "ok";
    case OTPCTL_WARNING:
        return "warning";
    case OTPCTL_FAULT:
        return "fault";
    }
    return "";
}


static otpctl_status_t report(const visit_t *visit)
{
    bool    json = visit->ctl->options->given & OTPCTL_JSON;
    json_t *list = json ? json_array() : NULL;
    int     status = OTPCTL_DONE;
    bool    fault = false;

    for (size_t i = 0; i < visit->checks; i++) {
        const otpctl_check_t *check = &visit->check[i];

        fault = fault || check->health == OTPCTL_FAULT;
        if (json) {
            (void) json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", check->name, "status",
                                                         health_name(check->health), "text", check->text,
                                                         "remedy", check->remedy));
            continue;
        }
        printf("%-8s %-12s %s\n", health_name(check->health), check->name, check->text);
        if (*check->remedy) {
            printf("%-21s -> %s\n", "", check->remedy);
        }
    }
    if (json) {
        status = otpctl_print_json(json_pack("{s:b, s:o}", "ok", !fault, "checks", list));
    }
    if (visit->unreachable) {
        otpctl_say("Redis is out of reach");
        return OTPCTL_UNREACHABLE;
    }
    if (fault) {
        otpctl_say("not everything is as it must be");
    }
    return fault ? OTPCTL_REFUSED : (otpctl_status_t) status;
}


otpctl_status_t otpctl_doctor_run(otpctl_t *ctl)
{
    visit_t visit = { .ctl = ctl };

    check_redis(&visit);
    check_keyring(&visit);
    check_records(&visit);
    return report(&visit);
}
