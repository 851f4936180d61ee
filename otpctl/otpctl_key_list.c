#include <string.h>

#include "otpctl/otpctl_describe.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_scan.h"

typedef struct {
    const char *state, *batch;      /* NULL: any */
    json_t     *list;
} listing_t;

static otpctl_status_t visit(otpctl_t *ctl, const otp_stock_t *stock, void *data)
{
    const listing_t *listing = data;

    (void) ctl;
    if ((listing->state && strcmp(listing->state, otpctl_stock_state(stock)) != 0)
        || (listing->batch && strcmp(listing->batch, stock->batch) != 0))
    {
        return OTPCTL_DONE;
    }
    if (listing->list) {
        return json_array_append_new(listing->list, otpctl_stock_json(stock)) == 0 ? OTPCTL_DONE : OTPCTL_REFUSED;
    }
    printf("%-20s  %-9s  %-8s  %s\n", stock->key.serial, otpctl_stock_state(stock), stock->key.reason, stock->uid);
    return OTPCTL_DONE;
}


static bool state_known(const char *state)
{
    return strcmp(state, "free") == 0 || strcmp(state, "assigned") == 0 || strcmp(state, "disabled") == 0;
}


otpctl_status_t otpctl_key_list_run(otpctl_t *ctl)
{
    listing_t listing = { .state = ctl->options->state, .batch = ctl->options->batch };

    if (listing.state && !state_known(listing.state)) {
        otpctl_say("--state %s: free, assigned or disabled", listing.state);
        return OTPCTL_USAGE;
    }
    if (ctl->options->given & OTPCTL_JSON) {
        listing.list = json_array();
    } else {
        printf("%-20s  %-9s  %-8s  %s\n", "serial", "state", "reason", "user");
    }
    otpctl_status_t status = otpctl_each_stock(ctl, visit, &listing);

    if (listing.list) {
        int printed = otpctl_print_json(listing.list);

        return status == OTPCTL_DONE ? (otpctl_status_t) printed : status;
    }
    return status;
}


otpctl_status_t otpctl_key_show_run(otpctl_t *ctl)
{
    char             serial[OTP_SERIAL_MAX + 1];
    otp_stock_t      stock;
    otp_account_t    account;
    const otp_key_t *copy = NULL;
    bool             found = false, known = false;
    otpctl_status_t  status = otpctl_serial(ctl->options->argument[0], serial);

    if (status == OTPCTL_DONE) {
        status = otpctl_stock_read(ctl, serial, &stock, &found);
    }
    if (status == OTPCTL_DONE && !found) {
        otpctl_say("key %s is not in the stock: `otpctl key list` shows what is", serial);
        return OTPCTL_REFUSED;
    }
    if (status == OTPCTL_DONE && stock.uid[0]) {
        status = otpctl_account_read(ctl, stock.uid, &account, &known);
        /* While it is assigned the account's copy is the one that counts. */
        copy = status == OTPCTL_DONE ? otp_account_key(&account, otp_span_of(serial)) : NULL;
    }
    if (status != OTPCTL_DONE) {
        return status;
    }
    if (ctl->options->given & OTPCTL_JSON) {
        return (otpctl_status_t) otpctl_print_json(otpctl_key_show_json(&stock, copy));
    }
    otpctl_key_print(&stock, copy);
    if (stock.uid[0] && !copy) {
        printf("  attention     the account does not hold it: `otpctl key assign %s %s` completes that\n", serial,
               stock.uid);
    }
    return OTPCTL_DONE;
}
