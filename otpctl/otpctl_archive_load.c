#include "otpctl/otpctl_archive_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/otp_record.h"
#include "otpctl/otpctl_print.h"

otpctl_status_t otpctl_filed_refuse(size_t number, const char *what)
{
    otpctl_say("standard input:%zu: %s; nothing was imported", number, what);
    return OTPCTL_REFUSED;
}


static bool keep(otpctl_filed_t *file, bool account, const char *id, const char *record, size_t len)
{
    if (file->lines == file->size) {
        size_t  size = file->size ? 2 * file->size : 256;
        otpctl_filed_line_t *grown = realloc(file->line, size * sizeof(*grown));

        if (!grown) {
            return false;
        }
        file->line = grown;
        file->size = size;
    }
    otpctl_filed_line_t *line = &file->line[file->lines];

    *line = (otpctl_filed_line_t) { .account = account, .record = malloc(len), .len = len };
    if (!line->record) {
        return false;
    }
    memcpy(line->record, record, len);
    (void) snprintf(line->id, sizeof(line->id), "%s", id);
    file->lines++;
    return true;
}


/* NULL, or what is wrong with a line between head and end. */
static const char *read_record(otpctl_t *ctl, otpctl_filed_t *file, otp_span_t text)
{
    char       kind[16], id[OTP_UID_LEN + 1], record[OTPCTL_RECORD_MAX];
    size_t     len;
    otp_name_t name;
    otp_span_t body;

    if (!otpctl_archive_read_line(ctl->ring, text, kind, id, record, &len)) {
        return "this is not a line of an export, or it was sealed with a key that the key ring lacks";
    }
    bool account = strcmp(kind, "account") == 0;

    if (!account && strcmp(kind, "key") != 0) {
        return "this version does not know such records";
    }
    otp_name_of(&name, account ? OTP_NAME_ACCOUNT : OTP_NAME_STOCK, otp_span_of(file->prefix), otp_span_of(id));
    if (otp_record_read(ctl->ring, otp_name_span(&name), (otp_span_t) { record, len }, &body) != OTP_OK) {
        return "the record in it cannot be believed";
    }
    return keep(file, account, id, record, len) ? NULL : "out of memory";
}


otpctl_status_t otpctl_filed_load(otpctl_t *ctl, otpctl_filed_t *file)
{
    char           *text = NULL;
    size_t          size = 0, number = 0;
    bool            ended = false;
    ssize_t         got;
    otpctl_chain_t  chain = { .lines = 0 };
    otpctl_status_t status = OTPCTL_DONE;

    while (status == OTPCTL_DONE && (got = getline(&text, &size, stdin)) >= 0) {
        otp_span_t  line = otp_span_trim((otp_span_t) { text, (size_t) got });
        const char *wrong = NULL;

        number++;
        if (ended) {
            wrong = "there is something after the end";
        } else if (line.len >= OTPCTL_ARCHIVE_LINE) {
            wrong = "the line is too long";
        } else if (number == 1) {
            wrong = otpctl_archive_read_head(line, file->prefix, chain.ring_id) ? NULL
                : "this is not the beginning of an export";
        } else if (otp_span_starts(line, OTP_SPAN("{\"end\""))) {
            ended = otpctl_archive_ends(&chain, line);
            wrong = ended ? NULL : "lines before it were changed, left out or put in";
        } else {
            wrong = read_record(ctl, file, line);
        }
        if (!wrong && !ended && !otpctl_chain_add(ctl->ring, &chain, line)) {
            wrong = "it was made with a key that the key ring lacks";
        }
        if (wrong) {
            status = otpctl_filed_refuse(number, wrong);
        }
    }
    if (status == OTPCTL_DONE && !ended) {
        status = otpctl_filed_refuse(number + 1, "the end is missing: the file was cut off");
    }
    free(text);
    return status;
}


void otpctl_filed_free(otpctl_filed_t *file)
{
    for (size_t i = 0; i < file->lines; i++) {
        free(file->line[i].record);
    }
    free(file->line);
    *file = (otpctl_filed_t) { .lines = 0 };
}
