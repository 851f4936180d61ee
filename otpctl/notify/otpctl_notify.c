#include "otpctl/notify/otpctl_notify.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "otpctl/notify/otpctl_given_up.h"
#include "otpctl/otpctl_link.h"
#include "otpctl/otpctl_print.h"

#define ROUND_MS        1000        /* between two looks into an outbox in which there is nothing */
#define RETRY_MS        5000        /* between two looks at what was tried before */
#define REDIS_MAX_MS    30000       /* between two attempts to reach Redis */
#define ONCE_FAILURES   3           /* consecutive ones of the mail server, after which --once ends */
#define ONCE_REDIS      3           /* attempts to settle what was sent, before --once or a stop leaves it */

static volatile sig_atomic_t stopping;

static void stop(int number)
{
    (void) number;
    stopping = 1;
}


/* Ends early when we are to stop. */
static void wait_ms(int64_t ms)
{
    int64_t until = otpctl_clock_ms() + ms;

    while (!stopping && otpctl_clock_ms() < until) {
        int64_t         left = until - otpctl_clock_ms();
        int64_t         piece = left < 200 ? left : 200;
        struct timespec time = { .tv_nsec = (long) piece * 1000000 };

        if (piece > 0) {
            (void) nanosleep(&time, NULL);
        }
    }
}


/* A conversation anew, with whoever is the master by now; asks the groups to be there. */
static bool reconnect(otpctl_notify_t *notify)
{
    char error[1024];

    otpctl_redis_close(notify->ctl->redis);
    notify->ctl->redis = otpctl_redis_open(&notify->ctl->address, error, sizeof(error));
    return notify->ctl->redis && otpctl_outbox_open(&notify->outbox) == OTPCTL_DONE;
}


/* Until Redis is there again, or we are to stop; with `attempts` > 0 so often at most. */
static bool reach_redis(otpctl_notify_t *notify, int attempts)
{
    int64_t pause_ms = 500;

    for (int i = 0; attempts == 0 || i < attempts; i++) {
        wait_ms(pause_ms);
        pause_ms = 2 * pause_ms < REDIS_MAX_MS ? 2 * pause_ms : REDIS_MAX_MS;
        if (stopping && attempts == 0) {
            return false;
        }
        if (reconnect(notify)) {
            otpctl_say("Redis at %s: connected again", otpctl_redis_place(notify->ctl->redis));
            return true;
        }
    }
    return false;
}


/* A mail that was sent is settled, whatever happens to Redis meanwhile: else it would be sent again. */
static otpctl_status_t settle(otpctl_notify_t *notify, const otpctl_entry_t *entry, const otpctl_delivery_t *delivery)
{
    size_t          done = 0;
    otpctl_status_t status = otpctl_settle(notify, entry, delivery, &done);

    while (status != OTPCTL_DONE && reach_redis(notify, notify->settings.once || stopping ? ONCE_REDIS : 0)) {
        status = otpctl_settle(notify, entry, delivery, &done);
    }
    if (status != OTPCTL_DONE) {
        otpctl_say("what became of entry %s of %.*s could not be written down: it will be tried once more", entry->id,
                   (int) notify->outbox.stream[entry->tag].len, notify->outbox.stream[entry->tag].data);
    }
    return status;
}


static void say(const otpctl_notify_t *notify, const otpctl_entry_t *entry, const otpctl_delivery_t *delivery,
    const char *what)
{
    const otp_name_t *stream = &notify->outbox.stream[entry->tag];

    otpctl_say("mail %s%s%.*s (entry %s of %.*s) %s: %s",
               delivery->readable ? otp_mail_name(delivery->mail.kind) : "", delivery->readable ? " for " : "",
               delivery->readable ? (int) delivery->mail.uid.len : 0, delivery->readable ? delivery->mail.uid.data : "",
               entry->id, (int) stream->len, stream->data, what, delivery->why);
}


/* Tells once that the server fails, and once that it does no more, not of each mail. */
static void count_server(otpctl_notify_t *notify, const otpctl_delivery_t *delivery)
{
    notify->down = delivery->down;
    if (delivery->down && notify->failures++ == 0) {
        otpctl_say("%s; mail waits", delivery->why);
    }
    if (delivery->fate == OTPCTL_FATE_SENT) {
        if (notify->failures > 0) {
            otpctl_say("the mail server works again");
        }
        notify->failures = 0;
    }
}


static otpctl_status_t handle(otpctl_notify_t *notify, const otpctl_entry_t *entry)
{
    static otpctl_delivery_t delivery;
    otpctl_status_t          status = otpctl_deliver(notify, entry, &delivery);

    if (status != OTPCTL_DONE) {
        return status;
    }
    count_server(notify, &delivery);
    switch (delivery.fate) {
    case OTPCTL_FATE_LATER:
        notify->failed++;
        if (!delivery.down) {
            say(notify, entry, &delivery, "waits");
        }
        return otpctl_outbox_release(&notify->outbox, entry);
    case OTPCTL_FATE_GIVEN_UP:
        notify->given_up++;
        say(notify, entry, &delivery, "was given up");
        break;
    case OTPCTL_FATE_SENT:
        notify->sent++;
        break;
    case OTPCTL_FATE_DROPPED:
        break;
    }
    return settle(notify, entry, &delivery);
}


/* Whether nothing more is to be sent for the moment. */
static bool held(const otpctl_notify_t *notify)
{
    return stopping || (notify->settings.once ? notify->failures >= ONCE_FAILURES : notify->down);
}


/* One new entry of each stream.  *any: there was one. */
static otpctl_status_t send_new(otpctl_notify_t *notify, bool *any)
{
    otpctl_status_t status = OTPCTL_DONE;

    for (unsigned tag = 0; tag < OTP_TAGS && status == OTPCTL_DONE && !held(notify); tag++) {
        otpctl_entry_t entry;
        bool           found;

        status = otpctl_outbox_take(&notify->outbox, tag, &entry, &found);
        if (status == OTPCTL_DONE && found) {
            *any = true;
            status = handle(notify, &entry);
            otpctl_entry_free(&entry);
        }
    }
    return status;
}


/* Everything that was tried before and is due again. */
static otpctl_status_t send_again(otpctl_notify_t *notify)
{
    otpctl_status_t status = OTPCTL_DONE;

    for (unsigned tag = 0; tag < OTP_TAGS && status == OTPCTL_DONE; tag++) {
        char           cursor[OTPCTL_ENTRY_ID_MAX] = "";
        otpctl_entry_t entry;
        bool           found = true;

        while (status == OTPCTL_DONE && found && !held(notify)) {
            notify->retry.once_ms = notify->settings.once ? otpctl_clock_ms() - notify->began_ms : -1;
            status = otpctl_outbox_retake(&notify->outbox, tag, &notify->retry, cursor, &entry, &found);
            if (status == OTPCTL_DONE && found) {
                status = handle(notify, &entry);
                otpctl_entry_free(&entry);
            }
        }
    }
    return status;
}


/* Tells of an end that left something: the mails that nobody has looked at count as failed. */
static otpctl_status_t report(const otpctl_notify_t *notify)
{
    bool left = notify->failures >= ONCE_FAILURES;
    int  printed = OTPCTL_DONE;

    if (notify->ctl->options->given & OTPCTL_JSON) {
        printed = otpctl_print_json(json_pack("{s:I, s:I, s:I}", "sent", (json_int_t) notify->sent, "failed",
                                              (json_int_t) notify->failed, "given_up", (json_int_t) notify->given_up));
    } else {
        printf("%lld sent, %lld failed, %lld given up\n", (long long) notify->sent, (long long) notify->failed,
               (long long) notify->given_up);
    }
    if (left) {
        otpctl_say("the mail server failed %d times: the rest was left", ONCE_FAILURES);
    }
    return notify->failed || notify->given_up || left ? OTPCTL_REFUSED : (otpctl_status_t) printed;
}


static otpctl_status_t run_once(otpctl_notify_t *notify)
{
    otpctl_status_t status = OTPCTL_DONE;
    bool            any = true;

    while (status == OTPCTL_DONE && any && !held(notify)) {
        any = false;
        status = send_new(notify, &any);
    }
    if (status == OTPCTL_DONE) {
        status = send_again(notify);
    }
    return status == OTPCTL_DONE ? report(notify) : status;
}


static otpctl_status_t run_round(otpctl_notify_t *notify, int64_t *again_ms, bool *any)
{
    otpctl_status_t status = send_new(notify, any);

    if (status == OTPCTL_DONE && otpctl_clock_ms() >= *again_ms) {
        status = send_again(notify);
        *again_ms = otpctl_clock_ms() + RETRY_MS;
    }
    return status;
}


static otpctl_status_t run_on(otpctl_notify_t *notify)
{
    int64_t again_ms = 0;

    while (!stopping) {
        bool            any = false;
        otpctl_status_t status;

        notify->down = false;
        status = run_round(notify, &again_ms, &any);
        if (status != OTPCTL_DONE) {
            (void) reach_redis(notify, 0);
        } else if (notify->down) {
            otpctl_smtp_hang_up(notify->smtp);
            wait_ms(otpctl_retry_pause_ms(notify->failures));
        } else if (!any) {
            otpctl_smtp_hang_up(notify->smtp);
            wait_ms(ROUND_MS);
        }
    }
    return OTPCTL_DONE;
}


static otpctl_status_t prepare(otpctl_notify_t *notify)
{
    char error[512];

    notify->texts = otpctl_texts_load(notify->settings.templates, error, sizeof(error));
    if (!notify->texts) {
        otpctl_say("texts of mail: %s", error);
        return OTPCTL_REFUSED;
    }
    if (!otpctl_texts_have(notify->texts, otp_span_of(notify->settings.language))) {
        otpctl_say("texts of mail: %s has none in the language %s", notify->settings.templates,
                   notify->settings.language);
        return OTPCTL_REFUSED;
    }
    notify->people.path = notify->settings.people;
    if (!otpctl_people_refresh(&notify->people, error, sizeof(error))) {
        otpctl_say("%s", error);
        return OTPCTL_REFUSED;
    }
    notify->smtp = otpctl_smtp_create(&notify->settings.smtp);
    if (!notify->smtp) {
        otpctl_say("out of memory");
        return OTPCTL_REFUSED;
    }
    notify->retry = (otpctl_retry_t) {
        .attempt_ms = notify->settings.smtp.timeout_ms, .give_up_ms = notify->settings.give_up_ms, .once_ms = -1
    };
    notify->began_ms = otpctl_clock_ms();
    otpctl_outbox_init(&notify->outbox, notify->ctl);
    return otpctl_outbox_open(&notify->outbox);
}


static otpctl_status_t put_back(otpctl_notify_t *notify)
{
    int64_t         entries = 0;
    otpctl_status_t status = OTPCTL_DONE;

    if (notify->ctl->options->given & OTPCTL_AGAIN) {
        status = otpctl_given_up_put_back(&notify->outbox, &entries);
        otpctl_say("%lld put back", (long long) entries);
    }
    return status;
}


/* The mail under way is finished, whoever asks us to stop. */
static void listen(void)
{
    struct sigaction action = { .sa_handler = stop };

    (void) sigemptyset(&action.sa_mask);
    (void) sigaction(SIGTERM, &action, NULL);
    (void) sigaction(SIGINT, &action, NULL);
}


otpctl_status_t otpctl_notify_run(otpctl_t *ctl)
{
    static otpctl_notify_t notify;
    otpctl_status_t        status;

    if (ctl->options->given & (OTPCTL_LIST | OTPCTL_DISCARD)) {
        return otpctl_given_up_run(ctl);
    }
    status = otpctl_notify_settings(ctl->options, &notify.settings);
    notify.ctl = ctl;
    if (status == OTPCTL_DONE) {
        listen();
        status = prepare(&notify);
    }
    if (status == OTPCTL_DONE) {
        status = put_back(&notify);
    }
    if (status == OTPCTL_DONE) {
        status = notify.settings.once ? run_once(&notify) : run_on(&notify);
        if (ctl->redis) {
            otpctl_outbox_leave(&notify.outbox);
        }
    }
    otpctl_smtp_destroy(notify.smtp);
    otpctl_texts_destroy(notify.texts);
    otpctl_people_free(&notify.people);
    otp_secret_wipe(notify.settings.smtp_password, sizeof(notify.settings.smtp_password));
    return status;
}
