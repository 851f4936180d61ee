/* Who waits for a key: list, approve, reject. */
#include <stdio.h>
#include <stdlib.h>

#include "otpctl/otpctl_action.h"
#include "otpctl/otpctl_print.h"

typedef struct {
    char    serial[OTP_SERIAL_MAX + 1];
    int64_t at;
} waiting_t;

typedef struct {
    waiting_t *one;
    size_t     count, size;
} waiting_list_t;

static int compare(const void *a, const void *b)
{
    const waiting_t *left = a, *right = b;

    return left->at < right->at ? -1 : left->at > right->at;
}


static bool add(waiting_list_t *list, otp_span_t serial)
{
    if (list->count == list->size) {
        size_t     size = list->size ? 2 * list->size : 64;
        waiting_t *grown = realloc(list->one, size * sizeof(*grown));

        if (!grown) {
            otpctl_say("out of memory");
            return false;
        }
        list->one = grown;
        list->size = size;
    }
    list->one[list->count].at = 0;
    /* What is no serial is nobody's request. */
    list->count += otp_serial_canonical(serial, list->one[list->count].serial) == OTP_OK;
    return true;
}


/* The names in all the sets of those that wait. */
static otpctl_status_t collect(otpctl_t *ctl, waiting_list_t *list)
{
    otp_name_t      name;
    otp_reply_t    *reply;
    otpctl_status_t status = OTPCTL_DONE;

    for (unsigned tag = 0; tag < OTP_TAGS && status == OTPCTL_DONE; tag++) {
        otp_name_waiting_tag(&name, ctl->prefix, tag);
        status = otpctl_ask(ctl, (otp_span_t[]) { OTP_SPAN("ZRANGE"), otp_name_span(&name), OTP_SPAN("0"),
                                                  OTP_SPAN("-1") }, 4, &reply);
        for (size_t i = 0; status == OTPCTL_DONE && i < reply->elements; i++) {
            status = add(list, reply->element[i].text) ? OTPCTL_DONE : OTPCTL_REFUSED;
        }
        if (status == OTPCTL_DONE) {
            otp_reply_destroy(reply);
        }
    }
    return status;
}


static json_t *request_json(const otp_stock_t *stock, const otp_account_t *account)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "serial", stock->key.serial, "user", stock->wanted,
                     "name", account->contact.name, "email", account->contact.email,
                     "at", (json_int_t) stock->wanted_at, "batch", stock->batch);
}


static void print_request(const otp_stock_t *stock, const otp_account_t *account)
{
    char at[OTPCTL_TIME_MAX];

    printf("%-20s  %-24s  %-25s  %-12s  ", stock->key.serial, stock->wanted, otpctl_time_text(stock->wanted_at, at),
           stock->batch);
    otpctl_print_text(otp_span_of(account->contact.name));
    putchar('\n');
}


/* The record says whether it waits: the set only where to look. */
static otpctl_status_t show(otpctl_t *ctl, const waiting_t *waiting, json_t *array)
{
    otp_stock_t     stock;
    otp_account_t   account;
    bool            found = false, known;
    otpctl_status_t status = otpctl_stock_read(ctl, waiting->serial, &stock, &found);

    if (status != OTPCTL_DONE || !found || !stock.wanted[0]) {
        return status;
    }
    status = otpctl_account_read(ctl, stock.wanted, &account, &known);
    if (status != OTPCTL_DONE) {
        return status;
    }
    if (array) {
        (void) json_array_append_new(array, request_json(&stock, &account));
    } else {
        print_request(&stock, &account);
    }
    return OTPCTL_DONE;
}


/* When they asked, for the order. */
static otpctl_status_t date(otpctl_t *ctl, waiting_list_t *list)
{
    otp_stock_t     stock;
    bool            found = false;
    otpctl_status_t status = OTPCTL_DONE;

    for (size_t i = 0; i < list->count && status == OTPCTL_DONE; i++) {
        status = otpctl_stock_read(ctl, list->one[i].serial, &stock, &found);
        list->one[i].at = status == OTPCTL_DONE && found ? stock.wanted_at : 0;
    }
    if (list->count) {
        qsort(list->one, list->count, sizeof(*list->one), compare);
    }
    return status;
}


otpctl_status_t otpctl_request_list_run(otpctl_t *ctl)
{
    waiting_list_t  list = { .count = 0 };
    json_t         *array = ctl->options->given & OTPCTL_JSON ? json_array() : NULL;
    otpctl_status_t status = collect(ctl, &list);

    if (status == OTPCTL_DONE) {
        status = date(ctl, &list);
    }
    if (status == OTPCTL_DONE && !array) {
        printf("%-20s  %-24s  %-25s  %-12s  %s\n", "serial", "user", "asked", "batch", "name");
    }
    for (size_t i = 0; i < list.count && status == OTPCTL_DONE; i++) {
        status = show(ctl, &list.one[i], array);
    }
    free(list.one);
    if (status == OTPCTL_DONE && array) {
        return (otpctl_status_t) otpctl_print_json(array);
    }
    json_decref(array);
    return status;
}


static otpctl_status_t answer(otpctl_t *ctl, otp_action_kind_t kind, const char *done)
{
    otpctl_action_t action;
    otpctl_status_t status = otpctl_action_begin(ctl, kind, 0, -1, &action);

    if (status == OTPCTL_DONE) {
        status = otpctl_action_run(&action);
    }
    if (status != OTPCTL_DONE) {
        return status;
    }
    if (otp_managed_refused(action.result.managed)) {
        return otpctl_action_refuse(&action);
    }
    if (ctl->options->given & OTPCTL_JSON) {
        json_t *object = otpctl_action_json(&action);

        (void) json_object_set_new(object, "serial", json_string(action.serial));
        (void) json_object_set_new(object, "user", json_string(action.result.uid));
        return (otpctl_status_t) otpctl_print_json(object);
    }
    printf("key %s of %s: %s\n", action.serial, action.result.uid, done);
    return OTPCTL_DONE;
}


otpctl_status_t otpctl_request_approve_run(otpctl_t *ctl)
{
    return answer(ctl, OTP_ACTION_REQUEST_APPROVE, "assigned, as asked for");
}


otpctl_status_t otpctl_request_reject_run(otpctl_t *ctl)
{
    otp_span_t reason = otp_span_of(ctl->options->reason);

    if (reason.len == 0 || reason.len > OTP_REASON_LEN) {
        otpctl_say("request reject needs --reason, at most %d bytes, which the person is told", OTP_REASON_LEN);
        return OTPCTL_USAGE;
    }
    return answer(ctl, OTP_ACTION_REQUEST_REJECT, "not for this person; the request is gone");
}
