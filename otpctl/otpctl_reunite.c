#include "otpctl/otpctl_reunite.h"

#include <stdlib.h>
#include <string.h>

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
    otpctl_united_t *one = &all->key[all->keys++];

    memset(one, 0, sizeof(*one));
    memcpy(one->serial, key->serial, sizeof(one->serial));
    one->rank = rank;
    one->step = key->step;
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
    memcpy(one->holding, stock->key.holding, sizeof(one->holding));
    one->disabled = stock->key.state == OTP_KEY_DISABLED;
    memcpy(one->reason, stock->key.reason, sizeof(one->reason));
    return true;
}


bool otpctl_union_account(otpctl_union_t *all, const otp_account_t *account)
{
    for (size_t i = 0; i < account->keys; i++) {
        otpctl_united_t *one = add(all, &account->key[i], OTPCTL_COPY);

        if (!one) {
            return false;
        }
        memcpy(one->uid, account->uid, sizeof(one->uid));
        memcpy(one->holding, account->key[i].holding, sizeof(one->holding));
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


static void merge(otpctl_united_t *into, const otpctl_united_t *one)
{
    if (into->step < one->step) {
        into->step = one->step;
    }
    into->copied = into->copied || (into->assigned && one->rank == OTPCTL_COPY && strcmp(into->uid, one->uid) == 0
                                    && strcmp(into->holding, one->holding) == 0);
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
    *all = (otpctl_union_t) { .keys = 0 };
}


static const otpctl_united_t *find(const otpctl_union_t *all, const otp_key_t *key)
{
    otpctl_united_t wanted = { .rank = 0 };

    memcpy(wanted.serial, key->serial, sizeof(wanted.serial));
    return all->keys ? bsearch(&wanted, all->key, all->keys, sizeof(wanted), by_serial) : NULL;
}


static void raise_step(const otpctl_united_t *one, otp_key_t *key)
{
    if (key->step < one->step) {
        key->step = one->step;
    }
}


void otpctl_union_raise(const otpctl_union_t *all, otp_stock_t *stock)
{
    const otpctl_united_t *one = find(all, &stock->key);

    if (one && !one->copied) {
        raise_step(one, &stock->key);
    }
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
        raise_step(one, copy);
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
