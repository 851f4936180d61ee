#include "otpctl/otpctl_describe.h"

#include <stdio.h>

#include "otpctl/otpctl_print.h"

const char *otpctl_stock_state(const otp_stock_t *stock)
{
    if (stock->key.state == OTP_KEY_DISABLED) {
        return "disabled";
    }
    return stock->uid[0] ? "assigned" : "free";
}


static const char *state_name(const otp_key_t *key)
{
    return key->state == OTP_KEY_DISABLED ? "disabled" : "usable";
}


static const char *pin_name(const otp_key_t *key)
{
    return key->pin.set ? "set" : "none";
}


static json_t *key_json(const otp_key_t *key, const char *state)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "serial", key->serial, "state", state,
                     "reason", key->reason, "type", otp_type_rules(key->type)->name,
                     "algorithm", otp_algorithm_name(key->algorithm),
                     "digits", (json_int_t) key->digits, "period", (json_int_t) key->period_s,
                     "drift", (json_int_t) key->drift, "step", (json_int_t) key->step,
                     "assigned", (json_int_t) key->assigned, "used", (json_int_t) key->used);
}


json_t *otpctl_stock_json(const otp_stock_t *stock)
{
    json_t *object = key_json(&stock->key, otpctl_stock_state(stock));

    (void) json_object_set_new(object, "user", json_string(stock->uid));
    (void) json_object_set_new(object, "wanted", json_string(stock->wanted));
    (void) json_object_set_new(object, "batch", json_string(stock->batch));
    return object;
}


json_t *otpctl_key_show_json(const otp_stock_t *stock, const otp_key_t *copy)
{
    otp_stock_t shown = *stock;

    if (copy) {
        shown.key = *copy;
    }
    json_t *object = otpctl_stock_json(&shown);

    (void) json_object_set_new(object, "pin", json_string(copy ? pin_name(copy) : "none"));
    (void) json_object_set_new(object, "held", json_boolean(copy != NULL));
    return object;
}


static const char *pending_name(otp_pending_kind_t kind)
{
    switch (kind) {
    case OTP_PENDING_NONE:
        return "none";
    case OTP_PENDING_PIN:
        return "pin";
    case OTP_PENDING_NEXT_CODE:
        return "next_code";
    }
    return "";
}


/* `otp_limits lock_total=` is the gateways' to know: the default is what can be told here. */
static bool locked_for_good(const otp_account_t *account)
{
    const otp_limits_t limits = OTP_LIMITS_DEFAULT;

    return account->unknown.failures >= limits.lock_total;
}


bool otpctl_account_locked(const otp_account_t *account, int64_t now_s)
{
    return account->unknown.locked_until > now_s || locked_for_good(account);
}


static void print_lock(const otp_account_t *account, int64_t now_s)
{
    char text[OTPCTL_TIME_MAX];

    if (!otpctl_account_locked(account, now_s)) {
        puts("\n  locked        no");
        return;
    }
    printf("\n  locked        until %s\n",
           locked_for_good(account) ? "`otpctl user unlock`" : otpctl_time_text(account->unknown.locked_until, text));
}


json_t *otpctl_account_json(const otp_account_t *account, int64_t now_s)
{
    json_t *keys = json_array();

    for (size_t i = 0; i < account->keys; i++) {
        json_t *key = key_json(&account->key[i], state_name(&account->key[i]));

        (void) json_object_set_new(key, "pin", json_string(pin_name(&account->key[i])));
        (void) json_array_append_new(keys, key);
    }
    json_t *object = json_pack("{s:s, s:o, s:I, s:I, s:I, s:b, s:s, s:I}", "user", account->uid, "keys", keys,
                               "failures", (json_int_t) account->unknown.failures,
                               "failed_at", (json_int_t) account->unknown.failed_at,
                               "locked_until", (json_int_t) account->unknown.locked_until,
                               "locked", otpctl_account_locked(account, now_s),
                               "pending", pending_name(account->pending.kind),
                               "revision", (json_int_t) account->revision);

    otpctl_person_json(object, account, now_s);
    return object;
}


static void print_codes(const otp_key_t *key)
{
    const otp_type_rules_t *rules = otp_type_rules(key->type);

    printf("  codes         %s, %s%s%u digits, ", rules->name,
           key->type == OTP_TYPE_SECURID ? "" : otp_algorithm_name(key->algorithm),
           key->type == OTP_TYPE_SECURID ? "" : ", ", key->digits);
    if (rules->timed) {
        printf("every %lld s\n  drift         %lld step(s)\n", (long long) key->period_s, (long long) key->drift);
    } else {
        printf("one a press of the button\n  presses       %lld at the last use\n", (long long) key->step);
    }
}


static void print_details(const otp_key_t *key)
{
    char assigned[OTPCTL_TIME_MAX], used[OTPCTL_TIME_MAX];

    printf("  state         %s%s%s%s\n", state_name(key), key->reason[0] ? " (" : "", key->reason,
           key->reason[0] ? ")" : "");
    print_codes(key);
    printf("  assigned      %s\n", otpctl_time_text(key->assigned, assigned));
    printf("  last used     %s\n", otpctl_time_text(key->used, used));
}


void otpctl_key_print(const otp_stock_t *stock, const otp_key_t *copy)
{
    const otp_key_t *key = copy ? copy : &stock->key;

    printf("key %s\n", key->serial);
    printf("  user          %s\n", stock->uid[0] ? stock->uid : "- (free)");
    if (stock->wanted[0]) {
        printf("  asked for by  %s\n", stock->wanted);
    }
    if (stock->batch[0]) {
        printf("  batch         %s\n", stock->batch);
    }
    if (stock->uid[0]) {
        printf("  PIN           %s\n", pin_name(key));
    }
    print_details(key);
}


void otpctl_account_print(const otp_account_t *account, int64_t now_s)
{
    char text[OTPCTL_TIME_MAX];

    printf("user %s\n", account->uid);
    printf("  failures      %lld", (long long) account->unknown.failures);
    if (account->unknown.failures) {
        printf(", last %s", otpctl_time_text(account->unknown.failed_at, text));
    }
    print_lock(account, now_s);
    printf("  pending       %s\n", pending_name(account->pending.kind));
    otpctl_person_print(account, now_s);
    for (size_t i = 0; i < account->keys; i++) {
        printf("key %s\n  PIN           %s\n", account->key[i].serial, pin_name(&account->key[i]));
        print_details(&account->key[i]);
    }
}
