#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/model/otp_record.h"
#include "otpctl/otpctl_archive.h"
#include "otpctl/otpctl_print.h"
#include "otpctl/otpctl_scan.h"

/* `export`: every account and key of the stock, sealed, on standard output. */

typedef struct {
    const char     *kind;
    otpctl_chain_t *chain;
    bool            unreadable;
} export_t;

static otpctl_status_t unwritten(void)
{
    otpctl_say("standard output: %s; the file is not complete", strerror(errno));
    return OTPCTL_REFUSED;
}


static otpctl_status_t put_line(otpctl_t *ctl, otpctl_chain_t *chain, const char *text, size_t len)
{
    if (len == 0 || !otpctl_chain_add(ctl->ring, chain, (otp_span_t) { text, len })) {
        otpctl_say("a line cannot be sealed; the file is not complete");
        return OTPCTL_REFUSED;
    }
    return fwrite(text, 1, len, stdout) == len && putchar('\n') != EOF ? OTPCTL_DONE : unwritten();
}


/* What stands after the tag. */
static otp_span_t id_of(const otpctl_t *ctl, otp_span_t name)
{
    otp_span_t rest = { name.data + ctl->prefix.len, name.len - ctl->prefix.len };

    (void) otp_span_cut(&rest, ':');
    (void) otp_span_cut(&rest, ':');
    return rest;
}


static otpctl_status_t export_one(otpctl_t *ctl, otp_span_t name, otp_span_t value, void *data)
{
    char       text[OTPCTL_ARCHIVE_LINE];
    uint8_t    nonce[OTP_RANDOM_NONCE];
    export_t  *export = data;
    otp_span_t body;

    if (value.len == 0) {
        return OTPCTL_DONE;
    }
    if (value.len > OTPCTL_RECORD_MAX || otp_record_read(ctl->ring, name, value, &body) != OTP_OK) {
        export->unreadable = true;
        (void) otpctl_unreadable(ctl, name);
        return OTPCTL_DONE;
    }
    otpctl_random(nonce, sizeof(nonce));
    return put_line(ctl, export->chain, text, otpctl_archive_line(ctl->ring, export->kind, id_of(ctl, name), value,
                                                                  nonce, text));
}


/* The stock goes first: while both are read, a key that is being assigned is in neither account or in one. */
static otpctl_status_t export_kind(otpctl_t *ctl, const char *kind, const char *pattern, export_t *export)
{
    otpctl_names_t  names = { 0 };
    otpctl_status_t status = otpctl_scan(ctl, pattern, &names);

    export->kind = kind;
    if (status == OTPCTL_DONE) {
        status = otpctl_each(ctl, &names, export_one, export);
    }
    otpctl_names_free(&names);
    return status;
}


otpctl_status_t otpctl_export_run(otpctl_t *ctl)
{
    char            text[OTPCTL_ARCHIVE_LINE];
    otp_span_t      current = otp_keyring_current(ctl->ring);
    otpctl_chain_t  chain = { .lines = 0 };
    export_t        export = { .chain = &chain };
    otp_event_t     event = { .event = OTP_SPAN("export"), .verdict = OTP_SPAN("ok") };
    otpctl_status_t status;

    memcpy(chain.ring_id, current.data, OTP_KEY_ID_LEN);
    status = otpctl_event_add(ctl, OTP_SPAN("export"), &event);
    if (status == OTPCTL_DONE) {
        status = put_line(ctl, &chain, text, otpctl_archive_head(chain.ring_id, ctl->prefix, otpctl_now_s(), text));
    }
    if (status == OTPCTL_DONE) {
        status = export_kind(ctl, "key", "key:{?}:*", &export);
    }
    if (status == OTPCTL_DONE) {
        status = export_kind(ctl, "account", "acct:{?}:*", &export);
    }
    if (status != OTPCTL_DONE) {
        return status;
    }
    size_t len = otpctl_archive_end(&chain, text);

    if (len == 0 || fwrite(text, 1, len, stdout) != len || putchar('\n') == EOF || fflush(stdout) != 0) {
        return unwritten();
    }
    return export.unreadable ? OTPCTL_REFUSED : OTPCTL_DONE;
}
