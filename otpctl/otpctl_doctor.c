#include "otpctl/otpctl_doctor_visit.h"

#include <string.h>

#include "core/store/otp_resp.h"
#include "otpctl/otpctl_keyring.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_scan.h"

/* Unix milliseconds at which the first entry of a stream was written; 0: it has none. */
static int64_t first_of(otpctl_doctor_t *visit, otp_span_t stream)
{
    int64_t      ms = 0;
    otp_span_t   arg[] = {
        OTP_SPAN("XRANGE"), stream, OTP_SPAN("-"), OTP_SPAN("+"), OTP_SPAN("COUNT"), OTP_SPAN("1")
    };
    otp_reply_t *reply = otpctl_doctor_ask(visit, -1, arg, sizeof(arg) / sizeof(arg[0]));

    if (reply && reply->elements == 1 && reply->element[0].elements == 2) {
        otp_span_t id = reply->element[0].element[0].text;

        if (otp_span_number(otp_span_cut(&id, '-'), &ms) != OTP_OK) {
            ms = 0;
        }
    }
    otp_reply_destroy(reply);
    return ms;
}


static int64_t length_of(otpctl_doctor_t *visit, otp_span_t stream)
{
    otp_reply_t *reply = otpctl_doctor_ask(visit, -1, (otp_span_t[]) { OTP_SPAN("XLEN"), stream }, 2);
    int64_t      length = reply ? reply->integer : 0;

    otp_reply_destroy(reply);
    return length;
}


static void check_outbox(otpctl_doctor_t *visit)
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


static void check_redis(otpctl_doctor_t *visit)
{
    otpctl_t *ctl = visit->ctl;
    char      error[1024];

    if (!ctl->address.places) {
        otpctl_doctor_add(visit, "redis", OTPCTL_FAULT,
            "give --redis ADDR, set OTP_REDIS, or write `redis = ADDR` to " OTPCTL_CONFIG, "no address is configured");
        return;
    }
    otpctl_doctor_sentinels(visit);
    ctl->redis = otpctl_redis_open(&ctl->address, error, sizeof(error));
    if (!ctl->redis) {
        visit->unreachable = true;
        otpctl_doctor_add(visit, "redis", OTPCTL_FAULT, "start it, or correct the address and what stands beside it",
            error);
        return;
    }
    otpctl_doctor_masters(visit);
    check_outbox(visit);
}


static void check_keyring(otpctl_doctor_t *visit)
{
    otpctl_t *ctl = visit->ctl;
    char      text[512];

    if (!ctl->keyring_file) {
        otpctl_doctor_add(visit, "keyring", OTPCTL_FAULT,
            "give --keyring FILE, set OTP_KEYRING, or write `keyring = FILE` to " OTPCTL_CONFIG,
            "no key ring is configured");
        return;
    }
    ctl->ring = otpctl_keyring_load(ctl->keyring_file, text, sizeof(text));
    if (!ctl->ring) {
        otpctl_doctor_add(visit, "keyring", OTPCTL_FAULT,
            "make it readable for root alone; `otpctl keyring init FILE` makes a first one",
            text);
        return;
    }
    (void) snprintf(text, sizeof(text), "%s: %zu key(s), current %.*s", ctl->keyring_file,
                    otp_keyring_count(ctl->ring), (int) otp_keyring_current(ctl->ring).len,
                    otp_keyring_current(ctl->ring).data);
    otpctl_doctor_add(visit, "keyring", OTPCTL_FINE, "", text);
}


static otpctl_status_t try_record(otpctl_t *ctl, otp_span_t name, otp_span_t value, void *data)
{
    size_t       *unreadable = data;
    otp_account_t account;

    *unreadable += value.len && otp_account_read(ctl->ring, name, value, &account) != OTP_OK;
    return OTPCTL_DONE;
}


/* Whether this is the key ring that the accounts were written with. */
static void check_records(otpctl_doctor_t *visit)
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
        otpctl_doctor_add(visit, "records", unreadable ? OTPCTL_FAULT : OTPCTL_FINE,
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


static otpctl_status_t report(const otpctl_doctor_t *visit)
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
        printf("%-8s %-12s ", health_name(check->health), check->name);
        otpctl_print_text(otp_span_of(check->text));
        putchar('\n');
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
    otpctl_doctor_t visit = { .ctl = ctl };

    check_redis(&visit);
    check_keyring(&visit);
    check_records(&visit);
    return report(&visit);
}
