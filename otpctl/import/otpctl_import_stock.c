#include "otpctl/import/otpctl_import_stock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otpctl/otpctl_print.h"

#define BLOCK           256                     /* keys on their way at a time */
#define RECORD_MAX      (OTP_STOCK_MAX + 256)   /* the envelope included */
#define TELL_FROM       2000                    /* keys from which it takes long enough to say how far it is */

typedef enum { TO_WRITE, EXISTING, WRITTEN, UNKNOWN } state_t;

/* What one key needs on its way. */
typedef struct {
    otp_name_t name, stream;
    char       record[RECORD_MAX], event[OTP_EVENT_MAX];
    size_t     index;                           /* in the list */
} parcel_t;

typedef struct {
    otpctl_t              *ctl;
    otpctl_import_order_t *order;
    uint8_t              (*nonce)[OTP_RANDOM_NONCE];    /* by which a record can be made again, to take it back */
    uint8_t               *state;                       /* state_t, one a key */
    parcel_t              *parcel;                      /* BLOCK of them */
    otp_command_t          command[BLOCK];
    otp_reply_t           *reply[BLOCK];
    otp_swap_t             swap[BLOCK];
    otp_swapped_t          result[BLOCK];
    size_t                 parcels;
} import_t;

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}


/* What is ignored (nohup) stays ignored. */
static void catch_signals(void (*handler)(int))
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART }, before;

        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            (void) sigaction(signals[i], &action, NULL);
        }
    }
}


static void tell(const import_t *import, const char *what, size_t done)
{
    size_t all = import->order->list->keys;

    if (import->order->progress && all >= TELL_FROM) {
        fprintf(stderr, done < all ? "\r%s: %zu of %zu keys" : "\r\033[K", what, done, all);
        fflush(stderr);
    }
}


/* --- which are there already ------------------------------------------------------------------------------- */

static otpctl_status_t take_existing(import_t *import, size_t index, const otp_reply_t *reply)
{
    const otpctl_import_key_t *key = &import->order->list->key[index];

    if (reply->kind == OTP_REPLY_ERROR) {
        return otpctl_refused(import->ctl, reply->text);
    }
    if (reply->kind == OTP_REPLY_NIL) {
        return OTPCTL_DONE;
    }
    if (!import->order->skip_existing) {
        otpctl_say("%s:%zu: key %s is in the stock already", import->order->file, key->line, key->serial);
        return OTPCTL_REFUSED;
    }
    import->state[index] = EXISTING;
    import->order->skipped++;
    return OTPCTL_DONE;
}


static otpctl_status_t look(import_t *import, size_t first, size_t keys)
{
    otpctl_status_t status = OTPCTL_DONE;

    for (size_t i = 0; i < keys; i++) {
        otp_name_t *name = &import->parcel[i].name;

        otp_name_of(name, OTP_NAME_STOCK, import->ctl->prefix, otp_span_of(import->order->list->key[first + i].serial));
        import->command[i] = (otp_command_t) { .arg = { OTP_SPAN("GET"), otp_name_span(name) }, .args = 2 };
    }
    if (!otpctl_redis_ask_many(import->ctl->redis, import->command, keys, import->reply)) {
        otpctl_say("%s", otpctl_redis_error(import->ctl->redis));
        status = OTPCTL_UNREACHABLE;
    }
    for (size_t i = 0; i < keys; i++) {
        if (status == OTPCTL_DONE) {
            status = take_existing(import, first + i, import->reply[i]);
        }
        otp_reply_destroy(import->reply[i]);
    }
    return status;
}


static otpctl_status_t look_at_all(import_t *import)
{
    size_t          keys = import->order->list->keys;
    otpctl_status_t status = OTPCTL_DONE;

    for (size_t i = 0; i < keys && status == OTPCTL_DONE; i += BLOCK) {
        tell(import, "looking", i);
        status = look(import, i, keys - i < BLOCK ? keys - i : BLOCK);
    }
    tell(import, "", keys);
    return status;
}


/* --- writing ----------------------------------------------------------------------------------------------- */

/* The same bytes each time: the nonce is kept, the rest is from the file. */
static bool make_record(import_t *import, parcel_t *parcel, size_t *len)
{
    const otpctl_import_key_t *from = &import->order->list->key[parcel->index];
    otp_stock_t                stock = {
        .key = {
            .type = from->type, .algorithm = from->algorithm, .digits = from->digits, .period_s = from->period_s,
            .drift = from->drift,
            /* The step before the first code that may be used: step = counter + 1. */
            .step = from->type == OTP_TYPE_HOTP ? from->counter : 0
        }
    };

    memcpy(stock.key.serial, from->serial, sizeof(stock.key.serial));
    memcpy(stock.batch, import->order->batch, sizeof(stock.batch));
    return otp_key_seal(import->ctl->ring, &stock.key, (otp_span_t) { (const char *) from->secret, from->len },
                        import->nonce[parcel->index]) == OTP_OK
        && otp_stock_write(import->ctl->ring, otp_name_span(&parcel->name), &stock, parcel->record, RECORD_MAX, len)
               == OTP_OK;
}


/* Adds the swap that writes a key, or the one that takes it back. */
static bool pack(import_t *import, size_t index, bool back)
{
    parcel_t   *parcel = &import->parcel[import->parcels];
    otp_swap_t *swap = &import->swap[import->parcels];
    otp_span_t  id = otp_span_of(import->order->list->key[index].serial), record = { parcel->record, 0 };
    otp_event_t event = {
        .event = back ? OTP_SPAN("key_delete") : OTP_SPAN("key_import"), .verdict = OTP_SPAN("ok"), .serial = id,
        .reason = back ? OTP_SPAN("import_failed") : OTP_SPAN_NONE
    };

    parcel->index = index;
    otp_name_of(&parcel->name, OTP_NAME_STOCK, import->ctl->prefix, id);
    otp_name_events(&parcel->stream, import->ctl->prefix, id);
    *swap = (otp_swap_t) {
        .events_kept = OTP_SPAN(OTP_EVENTS_ALL),
        .key = otp_name_span(&parcel->name), .stream = otp_name_span(&parcel->stream), .event = { parcel->event, 0 }
    };
    if (!make_record(import, parcel, &record.len)
        || !otpctl_event_line(import->ctl, &event, parcel->event, &swap->event.len))
    {
        otpctl_say("key %s cannot be sealed with key ring %s", id.data, import->ctl->keyring_file);
        return false;
    }
    *(back ? &swap->expected : &swap->next) = record;
    import->parcels++;
    return true;
}


static otpctl_status_t write_block(import_t *import)
{
    otpctl_status_t status = otpctl_swap_many(import->ctl, import->swap, import->parcels, import->result);

    for (size_t i = 0; i < import->parcels; i++) {
        const otpctl_import_key_t *key = &import->order->list->key[import->parcel[i].index];
        uint8_t                   *state = &import->state[import->parcel[i].index];

        switch (import->result[i]) {
        case OTP_SWAPPED:
            *state = WRITTEN;
            import->order->imported++;
            break;
        case OTP_SWAP_LOST:
            *state = EXISTING;
            import->order->skipped++;
            if (!import->order->skip_existing && status == OTPCTL_DONE) {
                otpctl_say("%s:%zu: key %s has come into the stock meanwhile", import->order->file, key->line,
                           key->serial);
                status = OTPCTL_REFUSED;
            }
            break;
        case OTP_SWAP_FAILED:
            *state = status == OTPCTL_UNREACHABLE ? UNKNOWN : TO_WRITE;
            break;
        }
    }
    import->parcels = 0;
    return status;
}


static otpctl_status_t write_all(import_t *import)
{
    size_t          keys = import->order->list->keys;
    otpctl_status_t status = OTPCTL_DONE;

    for (size_t i = 0; i < keys && status == OTPCTL_DONE; i++) {
        if (import->state[i] == TO_WRITE && !pack(import, i, false)) {
            return OTPCTL_REFUSED;
        }
        if (import->parcels == BLOCK || (i + 1 == keys && import->parcels)) {
            status = write_block(import);
            tell(import, "importing", i + 1);
        }
        if (status == OTPCTL_DONE && interrupted) {
            otpctl_say("interrupted");
            status = OTPCTL_REFUSED;
        }
    }
    return status;
}


/* --- taking back ------------------------------------------------------------------------------------------- */

/* A record that is not ours any more stays: of one that was written, somebody has done something with the key since;
 * one whose fate was unknown was never written. */
static otpctl_status_t take_back_block(import_t *import)
{
    otpctl_status_t status = otpctl_swap_many(import->ctl, import->swap, import->parcels, import->result);

    for (size_t i = 0; i < import->parcels; i++) {
        uint8_t *state = &import->state[import->parcel[i].index];

        if (import->result[i] == OTP_SWAPPED || (import->result[i] == OTP_SWAP_LOST && *state == UNKNOWN)) {
            *state = TO_WRITE;
        }
    }
    import->parcels = 0;
    return status;
}


static otpctl_status_t take_back_all(import_t *import)
{
    size_t          keys = import->order->list->keys;
    otpctl_status_t status = OTPCTL_DONE;

    for (size_t i = 0; i < keys && status == OTPCTL_DONE; i++) {
        if ((import->state[i] == WRITTEN || import->state[i] == UNKNOWN) && !pack(import, i, true)) {
            return OTPCTL_REFUSED;
        }
        if (import->parcels == BLOCK || (i + 1 == keys && import->parcels)) {
            status = take_back_block(import);
        }
    }
    return status;
}


static bool reconnect(otpctl_t *ctl)
{
    char error[1024];

    otpctl_redis_close(ctl->redis);
    ctl->redis = otpctl_redis_open(&ctl->address, error, sizeof(error));
    if (!ctl->redis) {
        otpctl_say("%s", error);
    }
    return ctl->redis != NULL;
}


/* After a failure.  Says what is so afterwards. */
static void undo(import_t *import, bool unreachable)
{
    size_t left = 0, written = import->order->imported;

    import->parcels = 0;
    if (!unreachable || reconnect(import->ctl)) {
        (void) take_back_all(import);
    }
    for (size_t i = 0; i < import->order->list->keys; i++) {
        left += import->state[i] == WRITTEN || import->state[i] == UNKNOWN;
    }
    if (left) {
        otpctl_say("%s: %zu of its keys may be in the stock, and could not be taken back: give the same command again "
                   "with --skip-existing", import->order->file, left);
    } else {
        otpctl_say("%s: nothing was imported%s", import->order->file,
                   written ? "; what had been written was taken back" : "");
    }
    import->order->imported = 0;
}


static otpctl_status_t run(import_t *import)
{
    size_t          keys = import->order->list->keys;
    otpctl_status_t status = look_at_all(import);

    if (status != OTPCTL_DONE) {
        return status;
    }
    for (size_t i = 0; i < keys; i++) {
        otpctl_random(import->nonce[i], OTP_RANDOM_NONCE);
    }
    interrupted = 0;
    catch_signals(on_signal);
    status = write_all(import);
    tell(import, "", keys);
    if (status != OTPCTL_DONE) {
        undo(import, status == OTPCTL_UNREACHABLE);
    }
    catch_signals(SIG_DFL);
    return status;
}


otpctl_status_t otpctl_import_store(otpctl_t *ctl, otpctl_import_order_t *order)
{
    otpctl_status_t status = OTPCTL_REFUSED;
    size_t          keys = order->list->keys;
    import_t       *import = calloc(1, sizeof(*import));

    if (!import) {
        otpctl_say("out of memory");
        return OTPCTL_REFUSED;
    }
    import->ctl = ctl;
    import->order = order;
    import->nonce = calloc(keys, sizeof(*import->nonce));
    import->state = calloc(keys, sizeof(*import->state));
    import->parcel = calloc(BLOCK, sizeof(*import->parcel));
    if (import->nonce && import->state && import->parcel) {
        status = run(import);
    } else {
        otpctl_say("out of memory");
    }
    free(import->nonce);
    free(import->state);
    free(import->parcel);
    free(import);
    return status;
}
