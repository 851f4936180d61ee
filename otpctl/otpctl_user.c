#include "otpctl/otpctl_describe.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_scan.h"

static otpctl_status_t unknown(const char *uid)
{
    otpctl_say("there is no account of %s: this person has never had a key", uid);
    return OTPCTL_REFUSED;
}


otpctl_status_t otpctl_user_show_run(otpctl_t *ctl)
{
    char            uid[OTP_UID_LEN + 1];
    otp_account_t   account;
    bool            found = false;
    otpctl_status_t status = otpctl_uid(ctl->options->argument[0], uid);

    if (status == OTPCTL_DONE) {
        status = otpctl_account_read(ctl, uid, &account, &found);
    }
    if (status != OTPCTL_DONE) {
        return status;
    }
    if (!found) {
        return unknown(uid);
    }
    if (ctl->options->given & OTPCTL_JSON) {
        return (otpctl_status_t) otpctl_print_json(otpctl_account_json(&account, otpctl_now_s()));
    }
    otpctl_account_print(&account, otpctl_now_s());
    return OTPCTL_DONE;
}


static otpctl_status_t visit(otpctl_t *ctl, const otp_account_t *account, void *data)
{
    json_t *list = data;
    int64_t now = otpctl_now_s();

    (void) ctl;
    if (list) {
        return json_array_append_new(list, otpctl_account_json(account, now)) == 0 ? OTPCTL_DONE : OTPCTL_REFUSED;
    }
    printf("%-24s  %-6s  %8lld ", account->uid, otpctl_account_locked(account, now) ? "locked" : "-",
           (long long) account->unknown.failures);
    for (size_t i = 0; i < account->keys; i++) {
        printf(" %s%s", account->key[i].serial, account->key[i].state == OTP_KEY_DISABLED ? " (disabled)" : "");
    }
    putchar('\n');
    return OTPCTL_DONE;
}


otpctl_status_t otpctl_user_list_run(otpctl_t *ctl)
{
    json_t *list = NULL;

    if (ctl->options->given & OTPCTL_JSON) {
        list = json_array();
    } else {
        printf("%-24s  %-6s  %8s  %s\n", "user", "locked", "failures", "keys");
    }
    otpctl_status_t status = otpctl_each_account(ctl, visit, list);

    if (list) {
        int printed = otpctl_print_json(list);

        return status == OTPCTL_DONE ? (otpctl_status_t) printed : status;
    }
    return status;
}
