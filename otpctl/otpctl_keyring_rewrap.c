#include <stdio.h>
#include <string.h>

#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_scan.h"

/* `keyring rewrap`: every record is sealed and authenticated anew with the newest key.  A PIN or an emergency password
 * cannot be: a PIN's verifier is made anew when its owner next types it, and until then the ring has to keep the old
 * key. */

#define ROUNDS  32      /* against somebody who keeps changing the same record */

typedef struct {
    char   id[OTP_KEYRING_KEYS][OTP_KEY_ID_LEN + 1];
    size_t pins[OTP_KEYRING_KEYS];
    size_t ids;
} depend_t;

typedef struct {
    size_t   rewrapped, unchanged, unreadable;
    depend_t depend;
} work_t;

static void count_verifier(depend_t *depend, const otp_pin_verifier_t *verifier)
{
    const char *ring_id = verifier->ring_id;
    size_t      i = 0;

    if (!verifier->set) {
        return;
    }
    while (i < depend->ids && strcmp(depend->id[i], ring_id) != 0) {
        i++;
    }
    if (i == OTP_KEYRING_KEYS) {
        return;
    }
    if (i == depend->ids) {
        memcpy(depend->id[i], ring_id, sizeof(depend->id[i]));
        depend->ids++;
    }
    depend->pins[i]++;
}


/* A sealed text, and a record, begin with the id of the ring's key they were made with, the latter after `1.`. */
static bool made_with(otp_span_t text, otp_span_t id)
{
    return text.len > id.len && otp_span_starts(text, id);
}


static bool reseal(otpctl_t *ctl, otp_key_t *key)
{
    uint8_t      nonce[OTP_RANDOM_NONCE], seed[OTP_SECRET_MAX];
    size_t       len;
    otp_status_t status;

    if (made_with(otp_span_of(key->seed), otp_keyring_current(ctl->ring))) {
        return true;
    }
    if (otp_key_open(ctl->ring, key, seed, &len) != OTP_OK) {
        return false;
    }
    otpctl_random(nonce, sizeof(nonce));
    status = otp_key_seal(ctl->ring, key, (otp_span_t) { (const char *) seed, len }, nonce);
    otp_secret_wipe(seed, sizeof(seed));
    return status == OTP_OK;
}


static bool next_account(otpctl_t *ctl, otp_span_t name, otp_span_t value, char *next, size_t size, size_t *len,
    depend_t *depend)
{
    otp_account_t account;

    if (otp_account_read(ctl->ring, name, value, &account) != OTP_OK) {
        return false;
    }
    if (account.emergency.expires > otpctl_now_s()) {
        count_verifier(depend, &account.emergency.verifier);
    }
    for (size_t i = 0; i < account.keys; i++) {
        count_verifier(depend, &account.key[i].pin);
        count_verifier(depend, &account.key[i].pin_before);
        if (!reseal(ctl, &account.key[i])) {
            return false;
        }
    }
    return otp_account_write(ctl->ring, name, &account, next, size, len) == OTP_OK;
}


static bool next_stock(otpctl_t *ctl, otp_span_t name, otp_span_t value, char *next, size_t size, size_t *len)
{
    otp_stock_t stock;

    return otp_stock_read(ctl->ring, name, value, &stock) == OTP_OK && reseal(ctl, &stock.key)
        && otp_stock_write(ctl->ring, name, &stock, next, size, len) == OTP_OK;
}


static bool is_account(const otpctl_t *ctl, otp_span_t name)
{
    otp_span_t rest = { name.data + ctl->prefix.len, name.len - ctl->prefix.len };

    return otp_span_starts(rest, OTP_SPAN("acct:"));
}


/* The same content: the revision stays, and a decision that crosses this one is simply tried again. */
static otpctl_status_t rewrap_one(otpctl_t *ctl, otp_span_t name, otp_span_t value, void *data)
{
    work_t  *work = data;
    char     stored[OTPCTL_RECORD_MAX], next[OTPCTL_RECORD_MAX];
    size_t   stored_len = value.len, next_len;
    bool     swapped = false;
    depend_t depend = work->depend;

    if (value.len == 0) {
        return OTPCTL_DONE;
    }
    if (value.len > sizeof(stored)) {
        work->unreadable++;
        return OTPCTL_DONE;
    }
    memcpy(stored, value.data, value.len);
    for (int i = 0; i < ROUNDS; i++) {
        otp_swap_t swap = { .key = name, .stream = name, .expected = { stored, stored_len } };

        depend = work->depend;
        if (!(is_account(ctl, name)
              ? next_account(ctl, name, swap.expected, next, sizeof(next), &next_len, &depend)
              : next_stock(ctl, name, swap.expected, next, sizeof(next), &next_len)))
        {
            work->unreadable++;
            (void) otpctl_unreadable(ctl, name);
            return OTPCTL_DONE;
        }
        swap.next = (otp_span_t) { next, next_len };
        if (otp_span_equal(swap.next, swap.expected)) {
            work->unchanged++;
            work->depend = depend;
            return OTPCTL_DONE;
        }
        otpctl_status_t status = otpctl_swap(ctl, &swap, NULL, &swapped, stored, &stored_len);

        if (status != OTPCTL_DONE) {
            return status;
        }
        if (swapped || stored_len == 0) {
            work->rewrapped += swapped;
            work->depend = depend;
            return OTPCTL_DONE;
        }
    }
    otpctl_say("the record %.*s is being changed all the time by others: try again", (int) name.len, name.data);
    return OTPCTL_REFUSED;
}


static int report(const otpctl_t *ctl, const work_t *work)
{
    otp_span_t current = otp_keyring_current(ctl->ring);
    size_t     others = 0;
    json_t    *pins = json_object();

    for (size_t i = 0; i < work->depend.ids; i++) {
        json_object_set_new(pins, work->depend.id[i], json_integer((json_int_t) work->depend.pins[i]));
    }
    if (ctl->options->given & OTPCTL_JSON) {
        return otpctl_print_json(json_pack("{s:s, s:o, s:I, s:I, s:I, s:o}", "verdict",
                                           work->unreadable ? "part" : "ok", "current", otpctl_json_span(current),
                                           "rewrapped", (json_int_t) work->rewrapped,
                                           "unchanged", (json_int_t) work->unchanged,
                                           "unreadable", (json_int_t) work->unreadable, "pins", pins));
    }
    json_decref(pins);
    printf("%zu record(s) rewrapped with key %.*s, %zu were so already\n", work->rewrapped, (int) current.len,
           current.data, work->unchanged);
    for (size_t i = 0; i < work->depend.ids; i++) {
        if (!otp_span_equal(otp_span_of(work->depend.id[i]), current)) {
            printf("key %s: %zu PIN(s) or emergency passwords still depend on it; a PIN is made anew when its owner "
                   "next signs in\n", work->depend.id[i], work->depend.pins[i]);
            others++;
        }
    }
    if (work->unreadable) {
        printf("%zu record(s) could not be read: remove no key before they are accounted for\n", work->unreadable);
        return OTPCTL_DONE;
    }
    puts(others ? "Keep the older keys until then." : "No PIN depends on an older key: it can go once the sessions "
         "made with it have\nended (lifetime of otp_session) and the mail\n"
         "that was due before is sent (otpctl doctor).");
    return OTPCTL_DONE;
}


otpctl_status_t otpctl_keyring_rewrap_run(otpctl_t *ctl)
{
    work_t          work = { 0 };
    otpctl_names_t  accounts = { 0 }, stock = { 0 };
    otp_event_t     event = { .event = OTP_SPAN("keyring_rewrap"), .verdict = OTP_SPAN("ok") };
    otpctl_status_t status = otpctl_scan(ctl, "acct:{?}:*", &accounts);

    if (status == OTPCTL_DONE) {
        status = otpctl_scan(ctl, "key:{?}:*", &stock);
    }
    if (status == OTPCTL_DONE) {
        event.reason = otp_keyring_current(ctl->ring);
        status = otpctl_event_add(ctl, otp_keyring_current(ctl->ring), &event);
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_each(ctl, &accounts, rewrap_one, &work);
    }
    if (status == OTPCTL_DONE) {
        status = otpctl_each(ctl, &stock, rewrap_one, &work);
    }
    otpctl_names_free(&accounts);
    otpctl_names_free(&stock);
    if (status != OTPCTL_DONE) {
        return status;
    }
    status = (otpctl_status_t) report(ctl, &work);
    return work.unreadable ? OTPCTL_REFUSED : status;
}
