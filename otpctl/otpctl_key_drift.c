#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/decide/otp_forecast.h"
#include "core/decide/otp_limits.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_scan.h"

/* `key drift`: which keys will soon ask for a second code, which are not used, and how the deliveries do. */

#define DAY_S       86400
#define WEEK_S      (7 * DAY_S)
#define WEEKS       "12"
#define SILENT_DAYS "90"
#define WEEKS_MAX   1000
#define DAYS_MAX    10000

typedef struct {
    char      uid[OTP_UID_LEN + 1], batch[OTP_SERIAL_MAX + 1];
    otp_key_t key;
    int64_t   ppm, leaves;
    bool      measured;
} row_t;

typedef struct {
    row_t  *row;
    size_t  rows, size;
    int64_t now_s, weeks, silent_days;
} fleet_t;

/* One delivery. */
typedef struct {
    const char *name;
    size_t      keys, learned, measured;
    int64_t     ppm, drift_min, drift_max;
} batch_t;

static otpctl_status_t add_keys(otpctl_t *ctl, const otp_account_t *account, void *data)
{
    fleet_t *fleet = data;

    (void) ctl;
    for (size_t i = 0; i < account->keys; i++) {
        if (account->key[i].state != OTP_KEY_USABLE) {
            continue;
        }
        if (fleet->rows == fleet->size) {
            size_t size = fleet->size ? 2 * fleet->size : 256;
            row_t *grown = realloc(fleet->row, size * sizeof(*grown));

            if (!grown) {
                otpctl_say("out of memory");
                return OTPCTL_REFUSED;
            }
            fleet->row = grown;
            fleet->size = size;
        }
        row_t *row = &fleet->row[fleet->rows++];

        *row = (row_t) { .key = account->key[i] };
        memcpy(row->uid, account->uid, sizeof(row->uid));
        row->measured = otp_forecast_rate(&row->key, &row->ppm);
    }
    return OTPCTL_DONE;
}


static int by_serial(const void *a, const void *b)
{
    return strcmp(((const row_t *) a)->key.serial, ((const row_t *) b)->key.serial);
}


static void sort(fleet_t *fleet, int (*order)(const void *, const void *))
{
    if (fleet->rows) {
        qsort(fleet->row, fleet->rows, sizeof(*fleet->row), order);
    }
}


static otpctl_status_t note_batch(otpctl_t *ctl, const otp_stock_t *stock, void *data)
{
    fleet_t *fleet = data;
    row_t    wanted = { .key = stock->key };
    row_t   *row = fleet->rows ? bsearch(&wanted, fleet->row, fleet->rows, sizeof(*row), by_serial) : NULL;

    (void) ctl;
    if (row && strcmp(row->uid, stock->uid) == 0) {
        memcpy(row->batch, stock->batch, sizeof(row->batch));
    }
    return OTPCTL_DONE;
}


/* Those of another delivery go. */
static void keep_batch(fleet_t *fleet, const char *batch)
{
    size_t kept = 0;

    for (size_t i = 0; i < fleet->rows; i++) {
        if (strcmp(fleet->row[i].batch, batch) == 0) {
            fleet->row[kept++] = fleet->row[i];
        }
    }
    fleet->rows = kept;
}


static int by_batch(const void *a, const void *b)
{
    int order = strcmp(((const row_t *) a)->batch, ((const row_t *) b)->batch);

    return order ? order : by_serial(a, b);
}


static int by_leaving(const void *a, const void *b)
{
    int64_t left = ((const row_t *) a)->leaves, right = ((const row_t *) b)->leaves;

    return left < right ? -1 : left > right ? 1 : by_serial(a, b);
}


/* The delivery that begins at row `first`; rows are in the order of by_batch(). */
static batch_t sum_batch(const fleet_t *fleet, size_t first, size_t *after)
{
    batch_t batch = { .name = fleet->row[first].batch };
    int64_t sum = 0;
    size_t  i;

    for (i = first; i < fleet->rows && strcmp(fleet->row[i].batch, batch.name) == 0; i++) {
        const row_t *row = &fleet->row[i];

        batch.keys++;
        if (row->key.drift_since) {
            bool first_one = batch.learned++ == 0;

            batch.drift_min = first_one || row->key.drift < batch.drift_min ? row->key.drift : batch.drift_min;
            batch.drift_max = first_one || row->key.drift > batch.drift_max ? row->key.drift : batch.drift_max;
        }
        if (row->measured) {
            batch.measured++;
            sum += row->ppm;
        }
    }
    batch.ppm = batch.measured ? sum / (int64_t) batch.measured : 0;
    *after = i;
    return batch;
}


/* A key too new to be measured goes as its delivery does. */
static void forecast(fleet_t *fleet, size_t first, size_t after, const batch_t *batch)
{
    const otp_limits_t limits = OTP_LIMITS_DEFAULT;

    for (size_t i = first; i < after; i++) {
        row_t *row = &fleet->row[i];

        if (!row->measured) {
            row->ppm = batch->ppm;
        }
        if (row->measured || batch->measured) {
            row->leaves = otp_forecast_leaves(&row->key, row->ppm, limits.window);
        }
    }
}


static bool is_leaving(const fleet_t *fleet, const row_t *row)
{
    return row->leaves && row->leaves <= fleet->now_s + fleet->weeks * WEEK_S;
}


/* Not used since; if never used, not assigned since. */
static bool is_silent(const fleet_t *fleet, const row_t *row)
{
    int64_t last = row->key.used ? row->key.used : row->key.assigned;

    return last + fleet->silent_days * DAY_S <= fleet->now_s;
}


static json_t *row_json(const row_t *row)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:b, s:I, s:I}", "serial", row->key.serial, "user", row->uid,
                     "batch", row->batch, "drift", (json_int_t) row->key.drift, "ppm", (json_int_t) row->ppm,
                     "measured", row->measured, "used", (json_int_t) row->key.used,
                     "leaves", (json_int_t) row->leaves);
}


static json_t *rows_json(const fleet_t *fleet, bool (*wanted)(const fleet_t *, const row_t *))
{
    json_t *rows = json_array();

    for (size_t i = 0; i < fleet->rows; i++) {
        if (wanted(fleet, &fleet->row[i])) {
            json_array_append_new(rows, row_json(&fleet->row[i]));
        }
    }
    return rows;
}


static json_t *batch_json(const batch_t *batch)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "batch", batch->name, "keys", (json_int_t) batch->keys,
                     "measured", (json_int_t) batch->measured, "ppm", (json_int_t) batch->ppm,
                     "drift_min", (json_int_t) batch->drift_min, "drift_max", (json_int_t) batch->drift_max);
}


static void print_rows(const fleet_t *fleet, bool (*wanted)(const fleet_t *, const row_t *), const char *title)
{
    size_t n = 0;
    char   leaves[OTPCTL_TIME_MAX], used[OTPCTL_TIME_MAX];

    for (size_t i = 0; i < fleet->rows; i++) {
        const row_t *row = &fleet->row[i];

        if (!wanted(fleet, row)) {
            continue;
        }
        if (n++ == 0) {
            printf("\n%s\n%-16s %-20s %6s %5s  %-25s %s\n", title, "SERIAL", "USER", "DRIFT", "PPM", "LEAVES", "USED");
        }
        printf("%-16s %-20s %6lld %4lld%s  %-25s %s\n", row->key.serial, row->uid, (long long) row->key.drift,
               (long long) row->ppm, row->measured ? " " : "*", otpctl_time_text(row->leaves, leaves),
               otpctl_time_text(row->key.used, used));
    }
    if (n == 0) {
        printf("\n%s none\n", title);
    }
}


static void print_batch(const batch_t *batch)
{
    printf("%-16s %6zu %9zu ", batch->name[0] ? batch->name : "-", batch->keys, batch->measured);
    if (batch->measured) {
        printf("%5lld  ", (long long) batch->ppm);
    } else {
        printf("%5s  ", "-");
    }
    if (batch->learned) {
        printf("%+lld to %+lld steps\n", (long long) batch->drift_min, (long long) batch->drift_max);
    } else {
        puts("-");
    }
}


static int report(otpctl_t *ctl, fleet_t *fleet)
{
    bool    json = ctl->options->given & OTPCTL_JSON;
    char    title[160];
    json_t *batches = json_array();

    sort(fleet, by_batch);
    if (!json && fleet->rows == 0) {
        puts("no key is assigned, or none of this delivery");
    } else if (!json) {
        printf("%-16s %6s %9s %5s  %s\n", "BATCH", "KEYS", "MEASURED", "PPM", "DRIFT");
    }
    for (size_t first = 0, after; first < fleet->rows; first = after) {
        batch_t batch = sum_batch(fleet, first, &after);

        forecast(fleet, first, after, &batch);
        json_array_append_new(batches, batch_json(&batch));
        if (!json) {
            print_batch(&batch);
        }
    }
    sort(fleet, by_leaving);
    if (json) {
        return otpctl_print_json(json_pack("{s:o, s:o, s:o}", "batches", batches, "leaving",
                                           rows_json(fleet, is_leaving), "silent", rows_json(fleet, is_silent)));
    }
    json_decref(batches);
    (void) snprintf(title, sizeof(title), "Will ask for a second code within %lld weeks, if not used before:",
                    (long long) fleet->weeks);
    print_rows(fleet, is_leaving, title);
    (void) snprintf(title, sizeof(title), "Not used for %lld days:", (long long) fleet->silent_days);
    print_rows(fleet, is_silent, title);
    puts("\n* too new to be measured: as the delivery does");
    return OTPCTL_DONE;
}


static bool read_number(const char *option, const char *text, int64_t max, int64_t *number)
{
    if (otp_span_number(otp_span_of(text), number) == OTP_OK && *number >= 1 && *number <= max) {
        return true;
    }
    otpctl_say("--%s %s: a number from 1 to %lld", option, text, (long long) max);
    return false;
}


otpctl_status_t otpctl_key_drift_run(otpctl_t *ctl)
{
    const otpctl_options_t *options = ctl->options;
    fleet_t                 fleet = { .now_s = otpctl_now_s() };
    otpctl_status_t         status;

    if (!read_number("weeks", options->weeks ? options->weeks : WEEKS, WEEKS_MAX, &fleet.weeks)
        || !read_number("silent", options->silent ? options->silent : SILENT_DAYS, DAYS_MAX, &fleet.silent_days))
    {
        return OTPCTL_USAGE;
    }
    status = otpctl_each_account(ctl, add_keys, &fleet);
    sort(&fleet, by_serial);
    if (status == OTPCTL_DONE) {
        status = otpctl_each_stock(ctl, note_batch, &fleet);
    }
    if (status == OTPCTL_DONE) {
        if (options->batch) {
            keep_batch(&fleet, options->batch);
        }
        status = (otpctl_status_t) report(ctl, &fleet);
    }
    free(fleet.row);
    return status;
}
