#include <stdio.h>
#include <string.h>

#include "otpctl/otpctl_identify.h"
#include "otpctl/otpctl_print.h"

#define CODE_TEXT   64

/* One line of standard input; a blank between the digits is how some keys show them. */
static bool read_code(char code[CODE_TEXT])
{
    char   line[CODE_TEXT];
    size_t len = 0;

    if (!fgets(line, sizeof(line), stdin)) {
        line[0] = '\0';
    }
    for (const char *c = line; *c; c++) {
        if (!strchr(" \t\r\n", *c)) {
            code[len++] = *c;
        }
    }
    code[len] = '\0';
    otp_secret_wipe(line, sizeof(line));
    if (len >= OTP_DIGITS_MIN && len <= OTP_DIGITS_MAX && strspn(code, "0123456789") == len) {
        return true;
    }
    otpctl_say("the code a key shows, %d to %d digits, is expected on standard input", OTP_DIGITS_MIN, OTP_DIGITS_MAX);
    return false;
}


static const char *state_name(const otpctl_identified_t *one)
{
    if (one->state == OTP_KEY_DISABLED) {
        return "disabled";
    }
    return one->uid[0] ? "assigned" : "free";
}


static otpctl_status_t print_json(const otpctl_identified_list_t *found)
{
    json_t *keys = json_array();

    for (size_t i = 0; i < found->keys; i++) {
        (void) json_array_append_new(keys, json_pack("{s:s, s:s, s:s, s:b}", "serial", found->key[i].serial, "user",
                                                     found->key[i].uid, "state", state_name(&found->key[i]), "near",
                                                     (int) found->key[i].near));
    }
    return (otpctl_status_t) otpctl_print_json(json_pack("{s:o, s:b, s:I}", "keys", keys, "more", (int) found->more,
                                                         "looked_at", (json_int_t) found->looked_at));
}


static void print(const otpctl_identified_list_t *found)
{
    printf("%-20s  %-9s  %-7s  %s\n", "serial", "state", "clock", "user");
    for (size_t i = 0; i < found->keys; i++) {
        printf("%-20s  %-9s  %-7s  %s\n", found->key[i].serial, state_name(&found->key[i]),
               found->key[i].near ? "right" : "drifted", found->key[i].uid);
    }
    if (found->more) {
        printf("and more: ask again with the next code\n");
    }
}


otpctl_status_t otpctl_key_identify_run(otpctl_t *ctl)
{
    static otpctl_identified_list_t found;
    char                            code[CODE_TEXT];
    otpctl_status_t                 status, printed = OTPCTL_DONE;

    if (!read_code(code)) {
        return OTPCTL_USAGE;
    }
    status = otpctl_identify(ctl, otp_span_of(code), otpctl_now_s(), &found);
    otp_secret_wipe(code, sizeof(code));
    if (status == OTPCTL_UNREACHABLE) {
        return status;
    }
    if (ctl->options->given & OTPCTL_JSON) {
        printed = print_json(&found);
    } else if (found.keys) {
        print(&found);
    }
    if (status == OTPCTL_DONE && found.keys == 0) {
        otpctl_say("no key of %zu shows this code now", found.looked_at);
        return OTPCTL_REFUSED;
    }
    return status == OTPCTL_DONE ? printed : status;
}
