#include "otpctl/otpctl_reunite.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/otp_buffer.h"

/* Of type, parameters and seed. */
OTP_MUST_USE static bool digest_of(const otpctl_union_t *all, const otp_key_t *key, uint8_t digest[OTP_DIGEST_LEN])
{
    memset(digest, 0, OTP_DIGEST_LEN);
    if (!all->ring) {
        return true;
    }
    char         text[OTP_SECRET_MAX + 80];
    uint8_t      seed[OTP_SECRET_MAX];
    size_t       len;
    otp_buffer_t out;
    bool         good = otp_key_open(all->ring, key, seed, &len) == OTP_OK;

    otp_buffer_init(&out, text, sizeof(text));
    if (good) {
        otp_buffer_add_number(&out, key->type);
        otp_buffer_add_char(&out, ' ');
        otp_buffer_add_number(&out, key->algorithm);
        otp_buffer_add_char(&out, ' ');
        otp_buffer_add_number(&out, key->digits);
        otp_buffer_add_char(&out, ' ');
        otp_buffer_add_number(&out, key->period_s);
        otp_buffer_add_char(&out, ' ');
        otp_buffer_add(&out, (otp_span_t) { (const char *) seed, len });
        good = !out.overflow && otp_keyring_sha256(all->ring, otp_buffer_span(&out), digest) == OTP_OK;
    }
    otp_secret_wipe(seed, sizeof(seed));
    otp_secret_wipe(text, sizeof(text));
    return good;
}


static otpctl_united_t *add(otpctl_union_t *all, const otp_key_t *key, int rank)
{
    if (all->keys == all->size) {
        size_t           size = all->size ? 2 * all->size : 256;
        otpctl_united_t *grown = realloc(all->key, size * sizeof(*grown));

        if (!grown) {
            return NULL;
        }
        all->key = grown;
        all->size = size;
    }
    otpctl_united_t *one = &all->key[all->keys];

    memset(one, 0, sizeof(*one));
    memcpy(one->serial, key->serial, sizeof(one->serial));
    memcpy(one->holding, key->holding, sizeof(one->holding));
    one->rank = rank;
    one->step = key->step;
    one->disabled = key->state == OTP_KEY_DISABLED;
    memcpy(one->reason, key->reason, sizeof(one->reason));
    if (!digest_of(all, key, one->secret)) {
        return NULL;
    }
    all->keys++;
    return one;
}


bool otpctl_union_stock(otpctl_union_t *all, const otp_stock_t *stock, int rank)
{
    otpctl_united_t *one = add(all, &stock->key, rank);

    if (!one) {
        return false;
    }
    one->assigned = stock->uid[0] != '\0';
    memcpy(one->uid, stock->uid, sizeof(one->uid));
    return true;
}


bool otpctl_union_account(otpctl_union_t *all, const otp_account_t *account, int rank)
{
    for (size_t i = 0; i < account->keys; i++) {
        const otp_key_t *key = &account->key[i];
        bool             tells = rank == OTPCTL_STORED_COPY && otp_manage_stands(key);
        otpctl_united_t *one = add(all, key, tells ? OTPCTL_STORED_COPY : OTPCTL_COPY);

        if (!one) {
            return false;
        }
        one->assigned = one->copied = tells;
        one->since = key->assigned;
        memcpy(one->uid, account->uid, sizeof(one->uid));
    }
    return true;
}


static int by_serial(const void *a, const void *b)
{
    return strcmp(((const otpctl_united_t *) a)->serial, ((const otpctl_united_t *) b)->serial);
}


static int by_serial_and_rank(const void *a, const void *b)
{
    int order = by_serial(a, b);

    return order ? order : ((const otpctl_united_t *) a)->rank - ((const otpctl_united_t *) b)->rank;
}


static bool same_key(const otpctl_united_t *one, const otpctl_united_t *other)
{
    return otp_secret_equal(one->secret, other->secret, sizeof(one->secret));
}


static void merge(otpctl_united_t *into, const otpctl_united_t *one)
{
    bool copy = one->rank == OTPCTL_COPY || one->rank == OTPCTL_STORED_COPY;
    bool same = strcmp(into->uid, one->uid) == 0 && strcmp(into->holding, one->holding) == 0;

    if (into->step < one->step && same_key(into, one)) {
        into->step = one->step;
    }
    into->copied = into->copied || (into->assigned && copy && same);
    into->torn = into->torn || (into->rank == OTPCTL_STORED_COPY && one->rank == OTPCTL_STORED_COPY && !same);
}


void otpctl_union_settle(otpctl_union_t *all)
{
    size_t kept = 0;

    if (all->keys == 0) {
        return;
    }
    qsort(all->key, all->keys, sizeof(*all->key), by_serial_and_rank);
    for (size_t i = 1; i < all->keys; i++) {
        if (by_serial(&all->key[i], &all->key[kept]) != 0) {
            all->key[++kept] = all->key[i];
        } else {
            merge(&all->key[kept], &all->key[i]);
        }
    }
    all->keys = kept + 1;
}


void otpctl_union_free(otpctl_union_t *all)
{
    free(all->key);
    *all = (otpctl_union_t) { .ring = NULL };
}


static const otpctl_united_t *find(const otpctl_union_t *all, const otp_key_t *key)
{
    otpctl_united_t wanted = { .rank = 0 };

    memcpy(wanted.serial, key->serial, sizeof(wanted.serial));
    return all->keys ? bsearch(&wanted, all->key, all->keys, sizeof(wanted), by_serial) : NULL;
}


/* Whether it was further back. */
static bool raise_step(const otpctl_united_t *one, otp_key_t *key)
{
    bool back = key->step < one->step;

    if (back) {
        key->step = one->step;
    }
    return back;
}


static bool is_it(const otpctl_union_t *all, const otpctl_united_t *one, const otp_key_t *key)
{
    uint8_t digest[OTP_DIGEST_LEN];

    return one && digest_of(all, key, digest) && otp_secret_equal(one->secret, digest, sizeof(digest));
}


bool otpctl_union_raise_stock(const otpctl_union_t *all, otp_stock_t *stock)
{
    const otpctl_united_t *one = find(all, &stock->key);

    return is_it(all, one, &stock->key) && !one->copied && raise_step(one, &stock->key);
}


bool otpctl_union_raise_account(const otpctl_union_t *all, otp_account_t *account)
{
    bool raised = false;

    for (size_t i = 0; i < account->keys; i++) {
        const otpctl_united_t *one = find(all, &account->key[i]);

        raised |= is_it(all, one, &account->key[i]) && raise_step(one, &account->key[i]);
    }
    account->revision += raised;
    return raised;
}


bool otpctl_union_counted(const otpctl_union_t *all, const otp_key_t *key)
{
    const otpctl_united_t *one = find(all, key);

    return one && one->rank == OTPCTL_STORED_COPY;
}


bool otpctl_union_fit(const otpctl_union_t *all, otp_stock_t *stock)
{
    const otpctl_united_t *one = find(all, &stock->key);

    if (!one || one->rank != OTPCTL_STORED_COPY) {
        return true;
    }
    memcpy(stock->uid, one->uid, sizeof(stock->uid));
    memcpy(stock->key.holding, one->holding, sizeof(stock->key.holding));
    stock->key.assigned = one->since;
    stock->key.state = one->disabled ? OTP_KEY_DISABLED : OTP_KEY_USABLE;
    memcpy(stock->key.reason, one->reason, sizeof(stock->key.reason));
    memset(stock->wanted, 0, sizeof(stock->wanted));
    stock->wanted_at = 0;
    return !one->torn;
}


static bool is_held(const otpctl_united_t *one, const char *uid, const otp_key_t *copy)
{
    return one && one->assigned && strcmp(one->uid, uid) == 0 && strcmp(one->holding, copy->holding) == 0;
}


size_t otpctl_union_apply(const otpctl_union_t *all, otp_account_t *account)
{
    size_t kept = 0, went;

    for (size_t i = 0; i < account->keys; i++) {
        otp_key_t             *copy = &account->key[i];
        const otpctl_united_t *one = find(all, copy);

        if (!is_held(one, account->uid, copy)) {
            continue;
        }
        if (is_it(all, one, copy)) {
            (void) raise_step(one, copy);
        }
        if (one->disabled && copy->state == OTP_KEY_USABLE) {
            copy->state = OTP_KEY_DISABLED;
            memcpy(copy->reason, one->reason, sizeof(copy->reason));
        }
        if (kept != i) {
            account->key[kept] = *copy;
        }
        kept++;
    }
    went = account->keys - kept;
    memset(&account->key[kept], 0, went * sizeof(account->key[0]));
    account->keys = kept;
    return went;
}
