/*
 * Writes entries of the outbox as a gateway does, for the tests of `otpctl notify`.
 *
 *     mail_make KEYRING   < jobs   > entries
 *
 * A job is a line of JSON: {"stream":…, "kind":…, "time":ms, "until":s, "uid":…, "name":…, "email":…, "language":…,
 * "serial":…, "reason":…, "address":…, "code":…}; what is not there is empty.  `code` is sealed into `reason`.
 * The entry is one line too.  A job whose kind is "tag" gives the digit of the uid's tag instead.
 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "core/model/otp_mail.h"
#include "core/model/otp_mixup.h"
#include "core/store/otp_names.h"
#include "tests/keyring_load.h"

#define BYTES_MAX   16384

static otp_span_t span(const json_t *job, const char *name)
{
    return otp_span_of(json_string_value(json_object_get(job, name)));
}


static int64_t number(const json_t *job, const char *name)
{
    return json_integer_value(json_object_get(job, name));
}


static bool seal(otp_keyring_t *ring, const json_t *job, char *sealed, otp_mail_t *mail)
{
    static uint8_t nonce[OTP_RANDOM_NONCE];

    if (span(job, "code").len == 0) {
        return true;
    }
    nonce[0]++;
    mail->reason.data = sealed;
    return otp_mixup_seal(ring, mail->uid, span(job, "code"), nonce, sealed, OTP_MIXUP_MAX, &mail->reason.len)
        == OTP_OK;
}


static bool make(otp_keyring_t *ring, const json_t *job)
{
    char       entry[BYTES_MAX], sealed[OTP_MIXUP_MAX];
    size_t     len;
    otp_mail_t mail = {
        .time_ms = number(job, "time"), .until = number(job, "until"), .uid = span(job, "uid"),
        .name = span(job, "name"), .email = span(job, "email"), .language = span(job, "language"),
        .serial = span(job, "serial"), .reason = span(job, "reason"), .address = span(job, "address")
    };

    if (otp_span_equal(span(job, "kind"), OTP_SPAN("tag"))) {
        otp_name_t name;

        otp_name_mail(&name, OTP_SPAN_NONE, mail.uid);
        return printf("%c\n", name.data[name.len - 2]) > 0;
    }
    return otp_mail_parse_name(span(job, "kind"), &mail.kind) == OTP_OK && seal(ring, job, sealed, &mail)
        && otp_mail_write(ring, span(job, "stream"), &mail, entry, sizeof(entry), &len) == OTP_OK
        && printf("%.*s\n", (int) len, entry) > 0;
}


int main(int argc, char **argv)
{
    static char    line[BYTES_MAX];
    otp_keyring_t *ring = argc == 2 ? keyring_load(argv[1]) : NULL;
    bool           made = ring != NULL;

    while (made && fgets(line, sizeof(line), stdin)) {
        json_t *job = json_loads(line, 0, NULL);

        made = job && make(ring, job);
        json_decref(job);
    }
    otp_keyring_destroy(ring);
    return made && fflush(stdout) == 0 ? 0 : 1;
}
