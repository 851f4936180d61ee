#include "otpctl/notify/otpctl_given_up.h"

#include <stdio.h>
#include <string.h>

#include "core/model/otp_mail.h"
#include "otpctl/otpctl_print.h"

#define PAGE        "100"       /* entries looked at in one command */
#define NAME_MAX    (OTPCTL_ENTRY_ID_MAX + 2)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One of them. */
typedef struct {
    unsigned   tag;
    otp_span_t id;                          /* in the stream where it is kept */
    char       name[NAME_MAX];              /* for people: stream and id it had in the outbox, as "a:1795374335000-0" */
    otp_span_t stored, why;                 /* data NULL: it has none */
    bool       readable;
    otp_mail_t mail;                        /* when it is; its spans point into `text` */
    char       text[OTP_MAIL_MAX];
} given_up_t;

/* What is chosen, what becomes of it. */
typedef struct {
    otpctl_outbox_t *outbox;
    const char      *which;                 /* "all", a name, or one without its stream */
    json_t          *list;                  /* NULL: lines */
    int64_t          entries;
} order_t;

typedef otpctl_status_t visit_t(order_t *order, const given_up_t *one);

static void describe(const order_t *order, unsigned tag, const otp_reply_t *entry, given_up_t *one)
{
    const otp_reply_t *fields = &entry->element[1];
    const otp_reply_t *mail = otpctl_outbox_member(fields, "m"), *why = otpctl_outbox_member(fields, "why");
    const otp_reply_t *id = otpctl_outbox_member(fields, "id");
    otp_span_t         told = id ? id->text : entry->element[0].text;
    otp_span_t         stream = otp_name_span(&order->outbox->stream[tag]);

    *one = (given_up_t) {
        .tag = tag, .id = entry->element[0].text, .stored = mail ? mail->text : OTP_SPAN_NONE,
        .why = why ? why->text : OTP_SPAN_NONE
    };
    (void) snprintf(one->name, sizeof(one->name), "%x:%.*s", tag,
                    (int) (told.len < OTPCTL_ENTRY_ID_MAX ? told.len : OTPCTL_ENTRY_ID_MAX - 1), told.data);
    one->readable = one->stored.data
        && otp_mail_read(order->outbox->ctl->ring, stream, one->stored, one->text, sizeof(one->text), &one->mail)
           == OTP_OK;
}


/* A page of one stream, from behind `cursor`, which moves on; *more: there may be another one. */
static otpctl_status_t each_of_page(order_t *order, unsigned tag, char cursor[OTPCTL_ENTRY_ID_MAX], visit_t *visit,
    bool *more)
{
    static given_up_t one;
    char              start[OTPCTL_ENTRY_ID_MAX + 1];
    otp_reply_t      *reply;
    otp_span_t        arg[] = {
        OTP_SPAN("XRANGE"), otp_name_span(&order->outbox->failed[tag]),
        { start, (size_t) snprintf(start, sizeof(start), "%s%s", *cursor ? "(" : "-", cursor) }, OTP_SPAN("+"),
        OTP_SPAN("COUNT"), OTP_SPAN(PAGE)
    };
    otpctl_status_t   status = otpctl_ask(order->outbox->ctl, arg, COUNT(arg), &reply);

    *more = false;
    if (status != OTPCTL_DONE) {
        return status;
    }
    for (size_t i = 0; status == OTPCTL_DONE && i < reply->elements; i++) {
        const otp_reply_t *entry = &reply->element[i];

        *more = entry->elements == 2 && otpctl_outbox_copy_id(cursor, entry->element[0].text);
        if (*more) {
            describe(order, tag, entry, &one);
            status = visit(order, &one);
        }
    }
    otp_reply_destroy(reply);
    return status;
}


static otpctl_status_t each(order_t *order, visit_t *visit)
{
    otpctl_status_t status = OTPCTL_DONE;

    for (unsigned tag = 0; tag < OTP_TAGS && status == OTPCTL_DONE; tag++) {
        char cursor[OTPCTL_ENTRY_ID_MAX] = "";
        bool more = true;

        while (status == OTPCTL_DONE && more) {
            status = each_of_page(order, tag, cursor, visit, &more);
        }
    }
    return status;
}


static otpctl_status_t take_out(order_t *order, const given_up_t *one)
{
    otp_span_t gone[] = { OTP_SPAN("XDEL"), otp_name_span(&order->outbox->failed[one->tag]), one->id };

    order->entries++;
    return otpctl_outbox_tell(order->outbox, gone, COUNT(gone));
}


/* Into the outbox before out of the other stream: cut off between the two it is in both, and sent twice. */
static otpctl_status_t put_back(order_t *order, const given_up_t *one)
{
    otp_span_t      add[] = {
        OTP_SPAN("XADD"), otp_name_span(&order->outbox->stream[one->tag]), OTP_SPAN("*"), OTP_SPAN("m"), one->stored
    };
    otpctl_status_t status = one->stored.data ? otpctl_outbox_tell(order->outbox, add, COUNT(add)) : OTPCTL_DONE;

    return status == OTPCTL_DONE ? take_out(order, one) : status;
}


otpctl_status_t otpctl_given_up_put_back(otpctl_outbox_t *outbox, int64_t *entries)
{
    order_t         order = { .outbox = outbox };
    otpctl_status_t status = each(&order, put_back);

    *entries = order.entries;
    return status;
}


static const char *kind_of(const given_up_t *one)
{
    return one->readable ? otp_mail_name(one->mail.kind) : "unreadable";
}


static bool chosen(const order_t *order, const given_up_t *one)
{
    return strcmp(order->which, "all") == 0 || strcmp(order->which, one->name) == 0
        || strcmp(order->which, strchr(one->name, ':') + 1) == 0;
}


/* The event first: what cannot be told is not done. */
static otpctl_status_t discard(order_t *order, const given_up_t *one)
{
    otp_event_t     event = {
        .event = OTP_SPAN("mail"), .verdict = OTP_SPAN("discarded"), .user = one->mail.uid, .serial = one->mail.serial,
        .reason = otp_span_of(kind_of(one))
    };
    otpctl_status_t status;

    if (!chosen(order, one)) {
        return OTPCTL_DONE;
    }
    status = otpctl_event_add(order->outbox->ctl, one->mail.uid.len ? one->mail.uid : one->id, &event);
    return status == OTPCTL_DONE ? take_out(order, one) : status;
}


static otpctl_status_t list(order_t *order, const given_up_t *one)
{
    char       at[OTPCTL_TIME_MAX];
    int64_t    at_ms = 0;
    otp_span_t rest = one->id;

    /* A stream's id begins with the time in milliseconds. */
    if (otp_span_number(otp_span_cut(&rest, '-'), &at_ms) != OTP_OK) {
        at_ms = 0;
    }
    if (order->list) {
        json_t *row = json_pack("{s:s, s:I, s:o, s:s, s:o}", "id", one->name, "at", (json_int_t) (at_ms / 1000),
                                "user", otpctl_json_span(one->mail.uid), "kind", kind_of(one),
                                "why", otpctl_json_span(one->why));

        return json_array_append_new(order->list, row) == 0 ? OTPCTL_DONE : OTPCTL_REFUSED;
    }
    printf("%-18s  %-25s  %-17s  ", one->name, otpctl_time_text(at_ms / 1000, at), kind_of(one));
    otpctl_print_text(one->mail.uid);
    fputs("  ", stdout);
    otpctl_print_text(one->why);
    putchar('\n');
    return OTPCTL_DONE;
}


static otpctl_status_t list_run(order_t *order, bool json)
{
    otpctl_status_t status;

    order->list = json ? json_array() : NULL;
    if (!json) {
        printf("%-18s  %-25s  %-17s  %s  %s\n", "id", "given up", "kind", "user", "why");
    }
    status = each(order, list);
    if (status == OTPCTL_DONE && json) {
        return (otpctl_status_t) otpctl_print_json(order->list);
    }
    json_decref(order->list);
    return status;
}


static otpctl_status_t discard_run(order_t *order, bool json)
{
    otpctl_status_t status = each(order, discard);

    if (status != OTPCTL_DONE) {
        otpctl_say("%lld discarded before that", (long long) order->entries);
        return status;
    }
    if (order->entries == 0 && strcmp(order->which, "all") != 0) {
        otpctl_say("no mail %s was given up: `otpctl notify --list` shows which were", order->which);
        return OTPCTL_REFUSED;
    }
    if (json) {
        return (otpctl_status_t) otpctl_print_json(json_pack("{s:I}", "discarded", (json_int_t) order->entries));
    }
    printf("%lld discarded\n", (long long) order->entries);
    return OTPCTL_DONE;
}


static bool is_name(const char *which)
{
    const char *id = which[0] && strchr("0123456789abcdef", which[0]) && which[1] == ':' ? which + 2 : which;
    size_t      ms = strspn(id, "0123456789"), number = id[ms] == '-' ? strspn(id + ms + 1, "0123456789") : 0;

    return strcmp(which, "all") == 0 || (ms > 0 && number > 0 && !id[ms + 1 + number]);
}


otpctl_status_t otpctl_given_up_run(otpctl_t *ctl)
{
    static otpctl_outbox_t  outbox;
    const otpctl_options_t *options = ctl->options;
    order_t                 order = { .outbox = &outbox, .which = options->discard };
    bool                    json = options->given & OTPCTL_JSON, listing = options->given & OTPCTL_LIST;

    if (options->given & (OTPCTL_ONCE | OTPCTL_AGAIN) || (listing && order.which)) {
        otpctl_say("--list and --discard send nothing: each goes without --once, --again and the other one");
        return OTPCTL_USAGE;
    }
    if (order.which && !is_name(order.which)) {
        otpctl_say("--discard %s: all, or an id as `otpctl notify --list` shows them", order.which);
        return OTPCTL_USAGE;
    }
    otpctl_outbox_init(&outbox, ctl);
    return listing ? list_run(&order, json) : discard_run(&order, json);
}
